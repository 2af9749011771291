/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listen.c - see listen.h. Sockets are bound here and not by libmicrohttpd, so that errors name the address and a unix
 * socket is never open to more than its group.
 */
#include "config.h"
#include "http/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

union any_addr {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
};

static int
bad_address(const char *text, struct cs_err *err)
{
	cs_err_set(err, CS_EINVAL, "\"%.100s\" is not an address to listen on", text);
	cs_err_hint(err, "like 127.0.0.1:8080, [::1]:8080 or unix:/run/csrelay/admin.sock");
	return CS_EINVAL;
}

static int
parse_unix(const char *text, struct cs_listen_addr *out, struct cs_err *err)
{
	const char *path = text + 5;

	if (path[0] != '/')
		return bad_address(text, err);
	if (strlen(path) >= sizeof(out->path))
		return cs_err_set(err, CS_EINVAL, "the path of the unix socket is longer than %zu bytes: %.100s",
		                  sizeof(out->path) - 1, path);
	out->is_unix = out->loopback = true;
	memcpy(out->path, path, strlen(path) + 1);
	return 0;
}

int
cs_listen_parse(const char *text, struct cs_listen_addr *out, struct cs_err *err)
{
	const char *colon = strrchr(text, ':'), *ip = text;
	uint8_t raw[16];
	char *stop;
	size_t n;

	memset(out, 0, sizeof(*out));
	if (strncmp(text, "unix:", 5) == 0)
		return parse_unix(text, out, err);
	if (colon == NULL || colon[1] < '0' || colon[1] > '9' || strlen(colon) > 6)
		return bad_address(text, err);
	out->port = (unsigned)strtoul(colon + 1, &stop, 10);
	if (*stop != '\0' || out->port > 65535)
		return bad_address(text, err);
	n = (size_t)(colon - text);
	if (n > 2 && text[0] == '[' && text[n - 1] == ']') {
		ip++;
		n -= 2;
	}
	if (n >= sizeof(out->ip))
		return bad_address(text, err);
	memcpy(out->ip, ip, n);
	if (ip == text && inet_pton(AF_INET, out->ip, raw) == 1) {
		out->loopback = raw[0] == 127;
		return 0;
	}
	if (ip == text || inet_pton(AF_INET6, out->ip, raw) != 1)
		return bad_address(text, err);
	out->loopback = memcmp(raw, &in6addr_loopback, 16) == 0;
	return 0;
}

static socklen_t
fill(const struct cs_listen_addr *a, union any_addr *u)
{
	memset(u, 0, sizeof(*u));
	if (a->is_unix) {
		u->un.sun_family = AF_UNIX;
		memcpy(u->un.sun_path, a->path, sizeof(a->path));
		return sizeof(u->un);
	}
	if (inet_pton(AF_INET, a->ip, &u->in.sin_addr) == 1) {
		u->in.sin_family = AF_INET;
		u->in.sin_port = htons((uint16_t)a->port);
		return sizeof(u->in);
	}
	inet_pton(AF_INET6, a->ip, &u->in6.sin6_addr);
	u->in6.sin6_family = AF_INET6;
	u->in6.sin6_port = htons((uint16_t)a->port);
	return sizeof(u->in6);
}

/* Make the way free for a unix socket: only a socket that nobody answers on may go. */
static int
clear_stale(const struct cs_listen_addr *a, const union any_addr *u, socklen_t len, struct cs_err *err)
{
	struct stat st;
	int fd, rc;

	if (lstat(a->path, &st) < 0)
		return errno == ENOENT ? 0 : cs_err_set(err, CS_EIO, "could not look at %s: %s", a->path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return cs_err_set(err, CS_EEXIST, "%s is there and is not a socket", a->path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return cs_err_set(err, CS_EIO, "could not make a socket: %s", strerror(errno));
	rc = connect(fd, &u->sa, len) == 0 || errno != ECONNREFUSED;
	close(fd);
	if (rc)
		return cs_err_set(err, CS_EBUSY, "somebody else listens on %s", a->path);
	if (unlink(a->path) < 0)
		return cs_err_set(err, CS_EIO, "could not remove the stale socket %s: %s", a->path, strerror(errno));
	return 0;
}

static int
prepare(int fd, const struct cs_listen_addr *a, const union any_addr *u, socklen_t len, struct cs_err *err)
{
	int one = 1;

	if (a->is_unix) {
		if (fchmod(fd, 0660) < 0) /* what bind() gives the file, less the umask */
			return cs_err_set(err, CS_EIO, "could not set the mode of %s: %s", a->path, strerror(errno));
		return clear_stale(a, u, len, err);
	}
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    (u->sa.sa_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) < 0))
		return cs_err_set(err, CS_EIO, "could not prepare a socket: %s", strerror(errno));
	return 0;
}

static int
bind_and_listen(int fd, struct cs_listen_addr *a, int backlog, struct cs_err *err)
{
	union any_addr u;
	socklen_t len = fill(a, &u);
	int rc;

	if ((rc = prepare(fd, a, &u, len, err)) < 0)
		return rc;
	if (bind(fd, &u.sa, len) < 0 || (a->is_unix && chmod(a->path, 0660) < 0) || listen(fd, backlog) < 0)
		return cs_err_set(err, errno == EADDRINUSE ? CS_EBUSY : errno == EACCES ? CS_EPERM : CS_EIO,
		                  "could not listen on %s%s%.0u: %s", a->is_unix ? a->path : a->ip, a->is_unix ? "" : " port ",
		                  a->port, strerror(errno));
	len = sizeof(u);
	if (!a->is_unix && getsockname(fd, &u.sa, &len) == 0)
		a->port = ntohs(u.sa.sa_family == AF_INET ? u.in.sin_port : u.in6.sin6_port);
	return 0;
}

int
cs_listen_open(struct cs_listen_addr *a, int backlog, struct cs_err *err)
{
	int family = a->is_unix ? AF_UNIX : strchr(a->ip, ':') != NULL ? AF_INET6 : AF_INET;
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), rc;

	if (fd < 0)
		return cs_err_set(err, CS_EIO, "could not make a socket: %s", strerror(errno));
	if ((rc = bind_and_listen(fd, a, backlog, err)) == 0)
		return fd;
	close(fd);
	return rc;
}
