/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server.c - starting and stopping a listener; what happens to a request is request.c's business.
 *
 * One MHD_Daemon, driven by a thread of our own: resume what was answered, run, sleep. Only that thread touches the daemon, so
 * suspending and resuming need no care, and a batch of answers wakes it once. libmicrohttpd's own thread will not do (0.9.75
 * to 1.0.1): when epoll_wait hands it exactly 128 events it waits for more, without end, before it looks at them.
 *
 * Stopping: libmicrohttpd panics when a connection is suspended while the daemon stops, so we first close the door, wait for
 * open requests, answer in the application's place what is left, and stop only when the last connection has come back.
 */
#include "config.h"
#include "http/server.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
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
#define STOP_TICK_MS 20          /* so often it looks whether the time is up */

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
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG | (cert != NULL ? MHD_USE_TLS : 0);

	return MHD_start_daemon(flags, 0, NULL, NULL, cs_request_access, s, MHD_OPTION_EXTERNAL_LOGGER, log_mhd, NULL,
	                        MHD_OPTION_URI_LOG_CALLBACK, cs_request_begin, s, MHD_OPTION_NOTIFY_COMPLETED,
	                        cs_request_completed, s, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
}

/* ---- the thread */

static void
wake(void *ctx)
{
	struct cs_http_server *s = ctx;
	uint64_t one = 1;

	while (write(s->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

static void
close_the_door(struct cs_http_server *s)
{
	int fd = MHD_quiesce_daemon(s->daemon);

	shutdown(fd, SHUT_RDWR); /* refuses newcomers at once; closed when the thread has ended */
	pthread_mutex_lock(&s->lock);
	s->closed_fd = fd;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

/* At most until libmicrohttpd has something to do, or somebody wakes us. */
static void
sleep_until_needed(struct cs_http_server *s, bool ending)
{
	struct pollfd fds[] = { { .fd = s->epoll_fd, .events = POLLIN }, { .fd = s->wake_fd, .events = POLLIN } };
	MHD_UNSIGNED_LONG_LONG until_ms;
	int ms = -1;
	uint64_t n;

	if (MHD_get_timeout(s->daemon, &until_ms) == MHD_YES)
		ms = until_ms < INT_MAX ? (int)until_ms : INT_MAX;
	if (ending && (ms < 0 || ms > STOP_TICK_MS))
		ms = STOP_TICK_MS;
	if (ms != 0 && poll(fds, CS_ARRAY_LEN(fds), ms) > 0 && fds[1].revents != 0)
		while (read(s->wake_fd, &n, sizeof(n)) < 0 && errno == EINTR)
			;
}

/* Is there nothing left to wait for? */
static bool
is_over(struct cs_http_server *s)
{
	if (atomic_load(&s->n_active) == 0)
		return true;
	if (cs_mono_us() < s->grace_until_us)
		return false;
	s->stopping = true;
	cs_request_abandon_all(s);
	return s->n_suspended == 0 && cs_mono_us() >= s->grace_until_us + LINGER_US;
}

static void *
server_main(void *arg)
{
	struct cs_http_server *s = arg;
	bool ending;

	prctl(PR_SET_NAME, s->thread_name);
	do {
		cs_request_resume_answered(s);
		if (s->closed_fd < 0 && atomic_load(&s->quiesced))
			close_the_door(s);
		MHD_run(s->daemon);
		ending = atomic_load(&s->ending);
		if (ending && is_over(s))
			break;
		sleep_until_needed(s, ending);
	} while (true);
	return NULL;
}

/* Its thread must not be the one that takes the process's signals. */
static int
start_thread(struct cs_http_server *s)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&s->thread, NULL, server_main, s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

/* ---- start and stop */

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
	if ((s->daemon = start_daemon(s, fd, cert, key)) == NULL) {
		close(fd);
		return cs_err_set(err, CS_EINVAL, "could not start the listener %s%s", s->conf.listen,
		                  cert != NULL ? "; is the certificate good and the key its own?" : "");
	}
	s->epoll_fd = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	if (start_thread(s) == 0)
		return 0;
	MHD_stop_daemon(s->daemon);
	return cs_err_set(err, CS_EIO, "could not start a thread for the listener %s", s->conf.listen);
}

void
cs_http_server_free(struct cs_http_server *s)
{
	if (s == NULL)
		return;
	if (s->closed_fd >= 0)
		close(s->closed_fd);
	if (s->wake_fd >= 0)
		close(s->wake_fd);
	cs_handoff_fini(&s->answered);
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

	s->conf = *conf;
	fill_defaults(&s->conf);
	s->closed_fd = -1;
	snprintf(s->thread_name, sizeof(s->thread_name), "%s", conf->thread_name != NULL ? conf->thread_name : "cs-http");
	cs_list_init(&s->pool);
	cs_list_init(&s->suspended);
	cs_handoff_init(&s->answered, wake, s);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
	if ((s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0)
		cs_err_set(err, CS_EIO, "could not make an eventfd for the listener %s: %s", conf->listen, strerror(errno));
	if (s->wake_fd < 0 || open_server(s, err) < 0) {
		cs_http_server_free(s);
		return NULL;
	}
	s->conf.thread_name = s->conf.listen = s->conf.tls_cert_file = s->conf.tls_key_file = NULL;
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
	atomic_store(&s->quiesced, true);
	wake(s);
	pthread_mutex_lock(&s->lock);
	while (s->closed_fd < 0)
		pthread_cond_wait(&s->changed, &s->lock);
	pthread_mutex_unlock(&s->lock);
}

void
cs_http_server_stop(struct cs_http_server *s, int64_t grace_ms)
{
	cs_http_server_quiesce(s);
	s->grace_until_us = cs_mono_us() + grace_ms * 1000;
	atomic_store(&s->ending, true);
	wake(s);
	pthread_join(s->thread, NULL);
	MHD_stop_daemon(s->daemon);
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
