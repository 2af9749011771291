/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server.c - starting and stopping a listener; what happens to a request is request.c's business.
 *
 * One MHD_Daemon with its own epoll thread. Stopping: libmicrohttpd 0.9.75 panics when a connection is suspended while
 * the daemon stops, so we first close the door, wait for open requests, answer in the application's place what is left,
 * and stop only when the last suspended connection has come back.
 */
#include "config.h"
#include "http/server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "http/listen.h"
#include "http/request.h"
#include "log/log.h"
#include "util/clock.h"

#define BACKLOG 1024
#define CONNECTION_MEMORY ((size_t)16 << 10) /* head of a request, and the piece of body being read; zeroed for each */
#define PEM_MAX ((size_t)256 << 10)
#define LINGER_US (200 * 1000LL) /* at stop, for answers on their way out */

static void
fill_defaults(struct cs_http_server_conf *conf)
{
	if (conf->max_body == 0)
		conf->max_body = (size_t)256 << 10;
	if (conf->max_bodies_total == 0)
		conf->max_bodies_total = (size_t)32 << 20;
	if (conf->max_connections == 0)
		conf->max_connections = 1024;
	if (conf->idle_timeout_s == 0)
		conf->idle_timeout_s = 30;
	if (conf->body_timeout_ms == 0)
		conf->body_timeout_ms = 60000;
}

static void log_mhd(void *ctx, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

static void
log_mhd(void *ctx, const char *fmt, va_list ap)
{
	char line[200], quoted[260];

	(void)ctx;
	if (!cs_log_wants(CS_LOG_DEBUG, "http"))
		return;
	vsnprintf(line, sizeof(line), fmt, ap);
	line[strcspn(line, "\n")] = '\0';
	cs_log(CS_LOG_DEBUG, "http", "from libmicrohttpd", "text=%s", cs_log_quote(line, quoted, sizeof(quoted)));
}

static int
read_pem(const char *path, char **out, struct cs_err *err)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(PEM_MAX);
	char piece[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return cs_err_set(err, CS_EIO, "could not open %s: %s", path, strerror(errno));
	while ((n = read(fd, piece, sizeof(piece))) > 0 && cs_buf_add(&b, piece, (size_t)n) == 0)
		;
	close(fd);
	cs_wipe(piece, sizeof(piece));
	if (n != 0 || b.len == 0)
		return cs_err_set(err, CS_EIO, "could not read %s, or it is empty or too long", path);
	*out = cs_buf_steal(&b, NULL);
	return 0;
}

static void
wipe_pem(char **pem)
{
	if (*pem != NULL)
		cs_wipe_free(*pem, 0);
}

/* The daemon's thread must not be the one that takes the process's signals. */
static struct MHD_Daemon *
start_daemon(struct cs_http_server *s, int fd, char *cert, char *key)
{
	struct MHD_OptionItem options[] = {
		{ MHD_OPTION_LISTEN_SOCKET, fd, NULL },
		{ MHD_OPTION_CONNECTION_LIMIT, (intptr_t)s->conf.max_connections, NULL },
		{ MHD_OPTION_CONNECTION_TIMEOUT, (intptr_t)s->conf.idle_timeout_s, NULL },
		{ MHD_OPTION_CONNECTION_MEMORY_LIMIT, (intptr_t)CONNECTION_MEMORY, NULL },
		{ MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL },
		{ cert != NULL ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END, 0, cert },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, key },
		{ MHD_OPTION_END, 0, NULL },
	};
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC | MHD_USE_ERROR_LOG |
	                 (cert != NULL ? MHD_USE_TLS : 0);
	struct MHD_Daemon *d;
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	d = MHD_start_daemon(flags, 0, NULL, NULL, cs_request_access, s, MHD_OPTION_EXTERNAL_LOGGER, log_mhd, NULL,
	                     MHD_OPTION_URI_LOG_CALLBACK, cs_request_begin, s, MHD_OPTION_NOTIFY_COMPLETED,
	                     cs_request_completed, s, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return d;
}

static int
check_conf(const struct cs_http_server_conf *conf, struct cs_listen_addr *addr, struct cs_err *err)
{
	int rc = cs_listen_parse(conf->listen, addr, err);
	bool tls = conf->tls_cert_file != NULL;

	if (rc < 0)
		return rc;
	if (tls != (conf->tls_key_file != NULL))
		return cs_err_set(err, CS_EINVAL, "the listener %s has a certificate or a key, but not both", conf->listen);
	if (tls && MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES)
		return cs_err_set(err, CS_EUNSUPPORTED, "this libmicrohttpd is built without TLS");
	if (tls || addr->loopback || conf->behind_proxy)
		return 0;
	cs_err_set(err, CS_EPERM, "the listener %s is open to the network without TLS", conf->listen);
	cs_err_hint(err, "listen on 127.0.0.1 or a unix socket, give a certificate and key, or set behind_proxy = true");
	return CS_EPERM;
}

static int
open_server(struct cs_http_server *s, struct cs_err *err)
{
	CS_CLEANUP(wipe_pem) char *cert = NULL;
	CS_CLEANUP(wipe_pem) char *key = NULL;
	struct cs_listen_addr addr;
	int rc, fd;

	if ((rc = check_conf(&s->conf, &addr, err)) < 0 ||
	    (s->conf.tls_cert_file != NULL && ((rc = read_pem(s->conf.tls_cert_file, &cert, err)) < 0 ||
	                                       (rc = read_pem(s->conf.tls_key_file, &key, err)) < 0)))
		return rc;
	if ((fd = cs_listen_open(&addr, BACKLOG, err)) < 0)
		return fd;
	s->is_unix = addr.is_unix;
	s->port = addr.port;
	s->unix_path = addr.is_unix ? cs_xstrdup(addr.path) : NULL;
	if ((s->daemon = start_daemon(s, fd, cert, key)) != NULL)
		return 0;
	close(fd);
	return cs_err_set(err, CS_EINVAL, "could not start the listener %s%s", s->conf.listen,
	                  cert != NULL ? "; is the certificate good and the key its own?" : "");
}

static void
free_server(struct cs_http_server *s)
{
	if (s->closed_fd >= 0)
		close(s->closed_fd);
	if (s->unix_path != NULL)
		unlink(s->unix_path);
	free(s->unix_path);
	cs_request_free_pool(s);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->changed);
	free(s);
}

struct cs_http_server *
cs_http_server_start(const struct cs_http_server_conf *conf, struct cs_err *err)
{
	struct cs_http_server *s = cs_xcalloc(1, sizeof(*s));
	pthread_condattr_t attr;

	s->conf = *conf;
	fill_defaults(&s->conf);
	s->closed_fd = -1;
	cs_list_init(&s->pool);
	cs_list_init(&s->suspended);
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->changed, &attr);
	pthread_condattr_destroy(&attr);
	if (open_server(s, err) < 0) {
		free_server(s);
		return NULL;
	}
	s->conf.listen = s->conf.tls_cert_file = s->conf.tls_key_file = NULL;
	return s;
}

unsigned
cs_http_server_port(const struct cs_http_server *s)
{
	return s->port;
}

void
cs_http_server_quiesce(struct cs_http_server *s)
{
	if (atomic_exchange(&s->quiesced, true))
		return;
	s->closed_fd = MHD_quiesce_daemon(s->daemon);
	shutdown(s->closed_fd, SHUT_RDWR); /* refuses newcomers at once; closed when the thread has ended */
}

/* Wait for a change, at most until `until_us` and never longer than 20 ms, because not every change is signalled. */
static void
wait_a_little(struct cs_http_server *s, int64_t until_us)
{
	int64_t now = cs_mono_us(), at = now + 20000 < until_us ? now + 20000 : until_us;
	struct timespec ts = { .tv_sec = at / 1000000, .tv_nsec = at % 1000000 * 1000 };

	pthread_mutex_lock(&s->lock);
	if (atomic_load(&s->n_active) > 0)
		pthread_cond_timedwait(&s->changed, &s->lock, &ts);
	pthread_mutex_unlock(&s->lock);
}

static size_t
count_suspended(struct cs_http_server *s)
{
	size_t n;

	pthread_mutex_lock(&s->lock);
	n = s->n_suspended;
	pthread_mutex_unlock(&s->lock);
	return n;
}

void
cs_http_server_stop(struct cs_http_server *s, int64_t grace_ms)
{
	int64_t until = cs_mono_us() + grace_ms * 1000;

	cs_http_server_quiesce(s);
	while (atomic_load(&s->n_active) > 0 && cs_mono_us() < until)
		wait_a_little(s, until);
	atomic_store(&s->stopping, true);
	until = cs_mono_us() + LINGER_US;
	do {
		while (cs_request_abandon_one(s))
			;
		if (atomic_load(&s->n_active) > 0)
			wait_a_little(s, cs_mono_us() + 20000);
	} while (count_suspended(s) > 0 || (atomic_load(&s->n_active) > 0 && cs_mono_us() < until));
	MHD_stop_daemon(s->daemon);
	free_server(s);
}

void
cs_http_server_stats(struct cs_http_server *s, struct cs_http_server_stats *out)
{
	out->requests = atomic_load(&s->n_requests);
	out->refused = atomic_load(&s->n_refused);
	out->over_budget = atomic_load(&s->n_over_budget);
	out->active = atomic_load(&s->n_active);
	out->body_bytes = atomic_load(&s->body_bytes);
}
