/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_http.c - what one POST costs: in the client's thread, and in the server's with an answer at once or from another
 * thread. CPU time is taken from each thread's own clock.
 *
 *   bench_http [requests]
 *
 * The client is measured against a bare epoll sink; the server under a bare epoll load of the same make, so that neither
 * pays for the other.
 */
#include "config.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "http/client.h"
#include "http/server.h"
#include "util/clock.h"
#include "util/mem.h"
#include "util/queue.h"

#define CONNECTIONS 64
#define BODY_LEN 1900

static long total = 200000;
static char body[BODY_LEN + 1];

static int64_t
thread_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000000LL + ts.tv_nsec / 1000;
}

static int
tcp_socket(unsigned port, bool listening)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		                 .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (listening ? bind(fd, (void *)&a, sizeof(a)) < 0 || listen(fd, 512) < 0 : connect(fd, (void *)&a, sizeof(a)) < 0) {
		perror("socket");
		exit(1);
	}
	return fd;
}

/* ---- the sink: takes whole requests of one known size, answers each */

struct sink {
	int listen_fd;
	unsigned port;
	atomic_bool stop;
};

static void
serve(int fd, int *pending)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
	static char buf[65536];
	ssize_t n = read(fd, buf, sizeof(buf) - 1);
	char *end;

	if (n <= 0) {
		close(fd);
		return;
	}
	buf[n] = '\0';
	if (pending[fd] == 0 && (end = strstr(buf, "\r\n\r\n")) != NULL)
		pending[fd] = (int)(end - buf) + 4 + BODY_LEN;
	pending[fd] -= (int)n;
	if (pending[fd] == 0 && write(fd, answer, sizeof(answer) - 1) < 0)
		close(fd);
}

static void *
run_sink(void *arg)
{
	struct sink *s = arg;
	int ep = epoll_create1(0), pending[1024] = { 0 };
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = s->listen_fd }, got[64];

	epoll_ctl(ep, EPOLL_CTL_ADD, s->listen_fd, &ev);
	while (!atomic_load(&s->stop)) {
		int n = epoll_wait(ep, got, 64, 100);

		for (int i = 0; i < n; i++) {
			if (got[i].data.fd != s->listen_fd) {
				serve(got[i].data.fd, pending);
				continue;
			}
			ev.data.fd = accept(s->listen_fd, NULL, NULL);
			epoll_ctl(ep, EPOLL_CTL_ADD, ev.data.fd, &ev);
		}
	}
	close(ep);
	return NULL;
}

/* ---- the client */

static struct cs_http_client *client;
static long begun, ended;

static void
again(struct cs_http_xfer *x, const struct cs_http_answer *a)
{
	if (a->fault != CS_HTTP_OK || a->status != 200) {
		fprintf(stderr, "bench: %s: %s\n", cs_http_fault_name(a->fault), a->detail);
		exit(1);
	}
	ended++;
	if (begun < total) {
		begun++;
		cs_http_client_start(client, x);
	}
}

static void
bench_client(int connections)
{
	static const struct cs_http_header headers[] = { { "Content-Type", "application/json" },
		                                         { "Authorization", "Bearer 0123456789abcdef" } };
	struct sink s = { .listen_fd = tcp_socket(0, true) };
	struct cs_guard *guard = cs_guard_new();
	struct cs_http_client_conf conf = { .guard = guard, .max_connections = (size_t)connections };
	struct cs_http_xfer *x = cs_xcalloc((size_t)connections, sizeof(*x));
	struct sockaddr_in a;
	socklen_t len = sizeof(a);
	int64_t cpu, wall;
	pthread_t t;
	char url[80];

	getsockname(s.listen_fd, (void *)&a, &len);
	s.port = ntohs(a.sin_port);
	pthread_create(&t, NULL, run_sink, &s);
	cs_guard_allow(guard, "127.0.0.1:*", NULL);
	client = cs_http_client_new(&conf, NULL);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/v1/contacts", s.port);
	begun = ended = 0;
	cpu = thread_us();
	wall = cs_mono_us();
	for (int i = 0; i < connections; i++) {
		x[i] = (struct cs_http_xfer){ .method = "POST", .url = url, .headers = headers, .n_headers = 2, .body = body,
			                      .body_len = BODY_LEN, .mutates = true, .done = again };
		begun++;
		cs_http_client_start(client, &x[i]);
	}
	while (ended < total)
		cs_http_client_run(client, 1000, NULL, 0);
	cpu = thread_us() - cpu;
	wall = cs_mono_us() - wall;
	printf("client, %d connections: %.1f us CPU per POST, %.0f per s\n", connections, (double)cpu / (double)total,
	       (double)total * 1e6 / (double)wall);
	cs_http_client_free(client);
	atomic_store(&s.stop, true);
	pthread_join(t, NULL);
	close(s.listen_fd);
	cs_guard_free(guard);
	free(x);
}

/* ---- the server */

static struct cs_handoff later;
static atomic_long handled;
static int64_t server_cpu;

static void
count_handled(void)
{
	long n = atomic_fetch_add(&handled, 1) + 1;

	if (n == 1000)
		server_cpu = -thread_us();
	if (n == total)
		server_cpu += thread_us();
}

static void
answer(struct cs_http_request *req)
{
	cs_http_reply_json(req, 202, "{\"state\":\"accepted\"}", 20);
}

static void
at_once(void *ctx, struct cs_http_request *req)
{
	(void)ctx;
	count_handled();
	answer(req);
}

static void
hand_on(void *ctx, struct cs_http_request *req)
{
	(void)ctx;
	count_handled();
	cs_handoff_put(&later, &req->link);
}

static void *
answer_later(void *arg)
{
	struct cs_list got, *n;

	(void)arg;
	cs_list_init(&got);
	while (cs_handoff_wait(&later, &got, -1) > 0)
		while ((n = cs_list_pop(&got)) != NULL)
			answer(CS_CONTAINER(n, struct cs_http_request, link));
	return NULL;
}

static void
load(unsigned port)
{
	char request[BODY_LEN + 300], buf[4096];
	int n = snprintf(request, sizeof(request),
	                 "POST /v1/leads HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
	                 "Authorization: Bearer 0123456789abcdef\r\nContent-Length: %d\r\n\r\n%s",
	                 BODY_LEN, body);
	int ep = epoll_create1(0), fds[CONNECTIONS];
	struct epoll_event ev = { .events = EPOLLIN }, got[CONNECTIONS];
	long sent = 0, answered = 0;

	for (int i = 0; i < CONNECTIONS; i++) {
		fds[i] = ev.data.fd = tcp_socket(port, false);
		epoll_ctl(ep, EPOLL_CTL_ADD, fds[i], &ev);
		sent += write(fds[i], request, (size_t)n) == n;
	}
	while (answered < total) {
		int k = epoll_wait(ep, got, CONNECTIONS, 1000);

		for (int i = 0; i < k; i++) {
			if (read(got[i].data.fd, buf, sizeof(buf)) <= 0)
				exit(1);
			answered++;
			if (sent < total)
				sent += write(got[i].data.fd, request, (size_t)n) == n;
		}
	}
	for (int i = 0; i < CONNECTIONS; i++)
		close(fds[i]);
	close(ep);
}

static void
bench_server(const char *what, void (*handle)(void *, struct cs_http_request *))
{
	struct cs_http_server_conf conf = { .listen = "127.0.0.1:0", .handle = handle };
	struct cs_http_server *s = cs_http_server_start(&conf, NULL);
	int64_t wall = cs_mono_us();

	atomic_store(&handled, 0);
	load(cs_http_server_port(s));
	wall = cs_mono_us() - wall;
	printf("server, %s: %.1f us CPU per POST, %.0f per s\n", what, (double)server_cpu / (double)(total - 1000),
	       (double)total * 1e6 / (double)wall);
	cs_http_server_stop(s, 1000);
	cs_http_server_free(s);
}

int
main(int argc, char **argv)
{
	pthread_t t;

	if (argc > 1)
		total = strtol(argv[1], NULL, 10);
	if (total < 2000)
		total = 2000;
	memset(body, 'x', BODY_LEN);
	bench_client(64);
	bench_client(256);
	bench_server("answered at once", at_once);
	cs_handoff_init(&later, NULL, NULL);
	pthread_create(&t, NULL, answer_later, NULL);
	bench_server("answered by another thread", hand_on);
	cs_handoff_close(&later);
	pthread_join(t, NULL);
	cs_handoff_fini(&later);
	return 0;
}
