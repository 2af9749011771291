/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fields.c - what the application reads from a request: headers, parameters, who is there, the body.
 */
#include "config.h"
#include "http/request.h"
#include "http/inner.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

const char *
cs_http_request_header(const struct cs_http_request *req, const char *name)
{
	if (req->divert != NULL)
		return NULL;
	return MHD_lookup_connection_value(cs_request_of(req)->conn, MHD_HEADER_KIND, name);
}

static enum MHD_Result
match_param(void *ctx, enum MHD_ValueKind kind, const char *name, const char *value)
{
	const char **want = ctx;

	(void)kind;
	if (strcmp(name, want[0]) != 0)
		return MHD_YES;
	want[1] = value != NULL ? value : "";
	return MHD_NO;
}

const char *
cs_http_request_query(const struct cs_http_request *req, const char *name)
{
	const char *want[2] = { name, NULL };

	if (req->divert != NULL)
		return cs_http_inner_query(req, name);
	MHD_get_connection_values(cs_request_of(req)->conn, MHD_GET_ARGUMENT_KIND, match_param, want);
	return want[1];
}

char *
cs_http_request_cookie(const struct cs_http_request *req, const char *name, struct cs_arena *mem)
{
	const char *all = cs_http_request_header(req, "Cookie");
	size_t n = strlen(name);

	while (all != NULL && *all != '\0') {
		all += strspn(all, "; ");
		if (strncmp(all, name, n) == 0 && all[n] == '=')
			return cs_arena_strndup(mem, all + n + 1, strcspn(all + n + 1, ";"));
		all += strcspn(all, ";");
	}
	return NULL;
}

struct visit {
	void (*fn)(void *, const char *, const char *);
	void *ctx;
};

static enum MHD_Result
visit_header(void *ctx, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct visit *v = ctx;

	(void)kind;
	v->fn(v->ctx, name, value != NULL ? value : "");
	return MHD_YES;
}

void
cs_http_request_headers(const struct cs_http_request *req, void (*fn)(void *, const char *, const char *), void *fn_ctx)
{
	struct visit v = { fn, fn_ctx };

	if (req->divert != NULL)
		return;
	MHD_get_connection_values(cs_request_of(req)->conn, MHD_HEADER_KIND, visit_header, &v);
}

static void
unix_peer(const struct request *r, struct cs_http_peer *out)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(r->conn, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct ucred cred;
	socklen_t len = sizeof(cred);

	out->is_unix = out->loopback = true;
	out->uid = (uid_t)-1;
	out->gid = (gid_t)-1;
	memcpy(out->address, "unix", 5);
	if (info == NULL || getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return;
	out->uid = cred.uid;
	out->gid = cred.gid;
	out->pid = cred.pid;
}

void
cs_http_request_peer(const struct cs_http_request *req, struct cs_http_peer *out)
{
	const struct request *r = cs_request_of(req);
	const union MHD_ConnectionInfo *info;
	struct sockaddr_storage sa;

	memset(out, 0, sizeof(*out));
	if (req->divert != NULL)
		return;
	if (r->server->is_unix) {
		unix_peer(r, out);
		return;
	}
	info = MHD_get_connection_info(r->conn, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	if (info == NULL || info->client_addr == NULL)
		return;
	if (info->client_addr->sa_family == AF_INET) {
		memcpy(&sa, info->client_addr, sizeof(struct sockaddr_in));
		const struct sockaddr_in *in = (const void *)&sa;
		inet_ntop(AF_INET, &in->sin_addr, out->address, sizeof(out->address));
		out->loopback = ntohl(in->sin_addr.s_addr) >> 24 == 127;
	} else if (info->client_addr->sa_family == AF_INET6) {
		memcpy(&sa, info->client_addr, sizeof(struct sockaddr_in6));
		const struct sockaddr_in6 *in6 = (const void *)&sa;
		inet_ntop(AF_INET6, &in6->sin6_addr, out->address, sizeof(out->address));
		out->loopback = IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
	}
}

char *
cs_http_request_steal_body(struct cs_http_request *req, size_t *len)
{
	const char *body = req->body;

	*len = req->body_len;
	req->body = "";
	req->body_len = 0;
	if (req->divert != NULL)
		return *len > 0 ? cs_xstrdup(body) : NULL;
	return cs_buf_steal(&cs_request_of(req)->body, len);
}
