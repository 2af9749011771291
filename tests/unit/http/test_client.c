/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_client.c - the client against scripted servers on raw sockets, and against our own server for the crowds.
 *
 * This program has a getaddrinfo of its own, which libcurl finds first: names under .test resolve as each test needs.
 */
#include "config.h"
#include "http/client.h"

#include <arpa/inet.h>
#include <check.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "http/server.h"
#include "peer.h"
#include "util/clock.h"
#include "util/mem.h"

static void
nap(int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&ts, NULL);
}

static _Atomic int resolving;

/* inside.test is loopback, public.test a documentation address, slow.test takes 2 s; others do not exist. */
int
getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
	struct addrinfo *ai;
	struct sockaddr_in *in;
	const char *ip = strcmp(name, "inside.test") == 0 || strcmp(name, "localhost") == 0 ? "127.0.0.1" :
	                 strcmp(name, "public.test") == 0                                   ? "203.0.113.1" :
	                                                                                      NULL;

	(void)hints;
	if (strcmp(name, "slow.test") == 0) {
		atomic_fetch_add(&resolving, 1);
		nap(2000);
		atomic_fetch_sub(&resolving, 1);
	}
	if (ip == NULL)
		return EAI_NONAME;
	ai = calloc(1, sizeof(*ai) + sizeof(*in)); /* one block, as the C library's own freeaddrinfo expects */
	in = (void *)(ai + 1);
	in->sin_family = AF_INET;
	in->sin_port = htons((uint16_t)(service != NULL ? atoi(service) : 0));
	inet_pton(AF_INET, ip, &in->sin_addr);
	*ai = (struct addrinfo){ .ai_family = AF_INET,
		                 .ai_socktype = SOCK_STREAM,
		                 .ai_protocol = IPPROTO_TCP,
		                 .ai_addrlen = sizeof(*in),
		                 .ai_addr = (void *)in };
	*out = ai;
	return 0;
}

/* ---- one request with what became of it */
struct shot {
	struct cs_http_xfer x;
	char url[200];
	int calls;
	enum cs_http_fault fault;
	bool sent;
	int status;
	char *body;
	size_t body_len;
	char headers[2000], detail[200];
	size_t n_headers;
	int64_t connect_us, first_us, total_us;
};

static struct cs_guard *guard;
static struct cs_http_client *client;

static void
landed(struct cs_http_xfer *x, const struct cs_http_answer *a)
{
	struct shot *s = x->ctx;
	size_t at = 0;

	s->calls++;
	s->fault = a->fault;
	s->sent = a->sent;
	s->status = a->status;
	s->body_len = a->body_len;
	ck_assert_uint_eq(strlen(a->body) <= a->body_len, 1);
	s->body = cs_xmalloc(a->body_len + 1);
	memcpy(s->body, a->body, a->body_len + 1);
	s->headers[0] = '\0';
	for (size_t i = 0; i < a->n_headers && at + 200 < sizeof(s->headers); i++)
		at += (size_t)snprintf(s->headers + at, sizeof(s->headers) - at, "%s=%.80s\n", a->headers[i].name,
		                       a->headers[i].value);
	s->n_headers = a->n_headers;
	snprintf(s->detail, sizeof(s->detail), "%s", a->detail);
	s->connect_us = a->connect_us;
	s->first_us = a->first_byte_us;
	s->total_us = a->total_us;
}

static void
aim(struct shot *s, const char *method, unsigned port, const char *path)
{
	memset(s, 0, sizeof(*s));
	snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%u%s", port, path);
	s->x.method = method;
	s->x.url = s->url;
	s->x.mutates = method[0] == 'P';
	s->x.body = method[0] == 'P' ? "{\"a\":1}" : NULL;
	s->x.body_len = method[0] == 'P' ? 7 : 0;
	s->x.done = landed;
	s->x.ctx = s;
}

static void
run_until(const int *counter, int want)
{
	int64_t stop = cs_mono_us() + 10 * 1000000;

	while (*counter < want) {
		ck_assert_int_eq(cs_http_client_run(client, 50, NULL, 0), 0);
		ck_assert_msg(cs_mono_us() < stop, "nothing happened in 10 s");
	}
}

static void
fire(struct shot *s)
{
	free(s->body);
	s->body = NULL;
	s->calls = 0;
	cs_http_client_start(client, &s->x);
	run_until(&s->calls, 1);
}

static void
set_up_with(struct cs_http_client_conf conf)
{
	struct cs_err err = { 0 };

	guard = cs_guard_new();
	ck_assert_int_eq(cs_guard_allow(guard, "127.0.0.1:*", NULL), 0);
	if (conf.guard == NULL)
		conf.guard = guard;
	client = cs_http_client_new(&conf, &err);
	ck_assert_msg(client != NULL, "%s", err.msg);
}

static void
set_up(void)
{
	set_up_with((struct cs_http_client_conf){ 0 });
}

static void
tear_down(void)
{
	cs_http_client_free(client);
	cs_guard_free(guard);
	client = NULL;
	guard = NULL;
}

/* ---- scripts of the other side */

static const char ok_answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Thing:  A b \r\n\r\nok";

static void
always_ok(struct peer *p, int fd, int n)
{
	char buf[8192];

	(void)n;
	while (peer_read(p, fd, buf, sizeof(buf)) > 0)
		peer_write(fd, ok_answer);
}

/* Answers the first request, then the text in ctx and the end of the connection. */
static void
once_ctx(struct peer *p, int fd, int n)
{
	char buf[8192];

	(void)n;
	if (peer_read(p, fd, buf, sizeof(buf)) > 0)
		peer_write(fd, p->ctx);
}

static char last_request[8192];
static pthread_mutex_t last_lock = PTHREAD_MUTEX_INITIALIZER;

static void
keep_request(struct peer *p, int fd, int n)
{
	char buf[8192];

	(void)n;
	while (peer_read(p, fd, buf, sizeof(buf)) > 0) {
		pthread_mutex_lock(&last_lock);
		memcpy(last_request, buf, sizeof(buf));
		pthread_mutex_unlock(&last_lock);
		peer_write(fd, ok_answer);
	}
}

START_TEST(a_whole_answer_comes_with_its_parts)
{
	struct shot s;
	struct peer p;

	peer_start(&p, always_ok, NULL);
	aim(&s, "GET", p.port, "/x");
	fire(&s);
	ck_assert_int_eq(s.fault, CS_HTTP_OK);
	ck_assert(s.sent);
	ck_assert_int_eq(s.status, 200);
	ck_assert_str_eq(s.body, "ok");
	ck_assert_str_eq(s.headers, "content-length=2\nx-thing=A b\n");
	ck_assert_str_eq(s.detail, "");
	ck_assert(s.connect_us > 0 && s.first_us >= s.connect_us && s.total_us >= s.first_us);
	free(s.body);
	tear_down();
	peer_stop(&p);
}
END_TEST

START_TEST(only_what_was_asked_for_is_sent)
{
	const struct cs_http_header h[] = { { "Authorization", "Bearer x" }, { "X-Empty", "" }, { "Content-Type", "application/json" } };
	CS_CLEANUP(cs_freep) char *big = cs_xcalloc(1, 3001);
	struct shot s;
	struct peer p;

	memset(big, 'a', 3000);
	peer_start(&p, keep_request, NULL);
	aim(&s, "POST", p.port, "/v1/x%2Fz?y=%20z");
	s.x.headers = h;
	s.x.n_headers = 3;
	s.x.body = big;
	s.x.body_len = 3000;
	fire(&s);
	ck_assert_int_eq(s.fault, CS_HTTP_OK);
	ck_assert_ptr_eq(strstr(last_request, "POST /v1/x%2Fz?y=%20z HTTP/1.1\r\n"), last_request);
	ck_assert_ptr_nonnull(strstr(last_request, "\r\nAuthorization: Bearer x\r\n"));
	ck_assert_ptr_nonnull(strstr(last_request, "\r\nX-Empty:\r\n"));
	ck_assert_ptr_nonnull(strstr(last_request, "\r\nContent-Type: application/json\r\n"));
	ck_assert_ptr_nonnull(strstr(last_request, "\r\nUser-Agent: csrelay/"));
	ck_assert_ptr_nonnull(strstr(last_request, "\r\nContent-Length: 3000\r\n"));
	ck_assert_ptr_null(strstr(last_request, "Expect:"));
	ck_assert_ptr_nonnull(strstr(last_request, big));
	s.x.n_headers = 1; /* the next one on the same handle: nothing of the first is left */
	s.x.body_len = 0;
	fire(&s);
	ck_assert_ptr_nonnull(strstr(last_request, "\r\nContent-Length: 0\r\n"));
	ck_assert_ptr_null(strstr(last_request, "X-Empty"));
	ck_assert_ptr_null(strstr(last_request, "Content-Type"));
	free(s.body);
	tear_down();
	peer_stop(&p);
}
END_TEST

START_TEST(each_request_goes_to_its_own_url)
{
	static const char *const paths[] = { "/a", "/a", "/b?c=%2F", "/b", "/a" };
	char head[64];
	struct shot s;
	struct peer p;

	peer_start(&p, keep_request, NULL);
	for (size_t i = 0; i < CS_ARRAY_LEN(paths); i++) {
		aim(&s, "GET", p.port, paths[i]);
		fire(&s);
		snprintf(head, sizeof(head), "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n", paths[i], p.port);
		ck_assert_msg(strncmp(last_request, head, strlen(head)) == 0, "%s: %s", paths[i], last_request);
		free(s.body);
		aim(&s, "GET", 99999, paths[i]); /* refused by libcurl's parser: what the handle held before is not sent instead */
		fire(&s);
		ck_assert_int_eq(s.fault, CS_HTTP_URL);
		free(s.body);
	}
	ck_assert_int_eq(atomic_load(&p.requests), CS_ARRAY_LEN(paths));
	tear_down();
	peer_stop(&p);
}
END_TEST

START_TEST(a_caller_may_name_itself)
{
	const struct cs_http_header h = { "user-agent", "someone" };
	struct shot s;
	struct peer p;

	peer_start(&p, keep_request, NULL);
	aim(&s, "GET", p.port, "/");
	s.x.headers = &h;
	s.x.n_headers = 1;
	fire(&s);
	ck_assert_ptr_nonnull(strstr(last_request, "\r\nuser-agent: someone\r\n"));
	ck_assert_ptr_null(strstr(last_request, "csrelay/"));
	free(s.body);
	tear_down();
	peer_stop(&p);
}
END_TEST

START_TEST(every_method_is_sent_as_named_on_one_connection)
{
	static const char *const methods[] = { "GET", "POST", "HEAD", "PUT", "DELETE", "PATCH", "HEAD", "POST", "GET" };
	struct shot s;
	struct peer p;

	peer_start(&p, keep_request, NULL);
	for (size_t i = 0; i < CS_ARRAY_LEN(methods); i++) {
		/* the scripted answer has a body; after HEAD that would be rubbish on the connection */
		bool head = methods[i][0] == 'H';

		aim(&s, methods[i], p.port, "/m");
		fire(&s);
		ck_assert_int_eq(s.fault, CS_HTTP_OK);
		ck_assert_int_eq(strncmp(last_request, methods[i], strlen(methods[i])), 0);
		ck_assert_int_eq(strstr(last_request, "{\"a\":1}") != NULL, methods[i][0] == 'P');
		ck_assert_uint_eq(s.body_len, head ? 0 : 2);
		free(s.body);
	}
	ck_assert_int_le(atomic_load(&p.connections), 3);
	tear_down();
	peer_stop(&p);
}
END_TEST

START_TEST(kept_connections_are_used_again)
{
	struct shot s;
	struct peer p;

	peer_start(&p, always_ok, NULL);
	aim(&s, "POST", p.port, "/");
	for (int i = 0; i < 5; i++)
		fire(&s);
	ck_assert_int_eq(atomic_load(&p.connections), 1);
	ck_assert_int_eq(atomic_load(&p.posts), 5);
	free(s.body);
	tear_down();
	peer_stop(&p);
}
END_TEST

/* ---- never twice */

/* The first connection answers once, reads a second request and closes; later connections answer. */
static void
swallow_second(struct peer *p, int fd, int n)
{
	char buf[8192];

	if (n > 0) {
		keep_request(p, fd, n);
		return;
	}
	if (peer_read(p, fd, buf, sizeof(buf)) > 0)
		peer_write(fd, ok_answer);
	peer_read(p, fd, buf, sizeof(buf));
}

START_TEST(a_post_swallowed_on_a_kept_connection_is_not_sent_again)
{
	struct shot s;
	struct peer p;

	peer_start(&p, swallow_second, NULL);
	aim(&s, "POST", p.port, "/");
	fire(&s);
	ck_assert_int_eq(s.fault, CS_HTTP_OK);
	fire(&s);
	ck_assert_int_eq(s.fault, CS_HTTP_RESEND);
	ck_assert(s.sent);
	ck_assert_int_eq(s.status, 0);
	ck_assert_str_ne(s.detail, "");
	ck_assert_int_eq(atomic_load(&p.posts), 2);
	fire(&s); /* and the client goes on */
	ck_assert_int_eq(s.fault, CS_HTTP_OK);
	ck_assert_int_eq(atomic_load(&p.posts), 3);
	free(s.body);
	tear_down();
	peer_stop(&p);
}
END_TEST

START_TEST(a_look_up_swallowed_on_a_kept_connection_is_sent_again)
{
	struct shot s;
	struct peer p;

	peer_start(&p, swallow_second, NULL);
	aim(&s, "GET", p.port, "/first");
	fire(&s);
	free(s.body);
	aim(&s, "GET", p.port, "/second?look=1");
	fire(&s);
	ck_assert_int_eq(s.fault, CS_HTTP_OK);
	ck_assert_int_eq(atomic_load(&p.requests), 3);
	ck_assert_ptr_eq(strstr(last_request, "GET /second?look=1 HTTP/1.1\r\n"), last_request);
	free(s.body);
	tear_down();
	peer_stop(&p);
}
END_TEST

START_TEST(a_kept_connection_that_died_idle_costs_nothing)
{
	struct shot s;
	struct peer p;

	peer_start(&p, once_ctx, (void *)ok_answer);
	aim(&s, "POST", p.port, "/");
	for (int i = 1; i <= 4; i++) {
		fire(&s);
		ck_assert_int_eq(s.fault, CS_HTTP_OK);
		ck_assert_int_eq(atomic_load(&p.posts), i);
		nap(20); /* so that the end of the connection has arrived */
	}
	free(s.body);
	tear_down();
	peer_stop(&p);
}
END_TEST

START_TEST(a_post_swallowed_on_a_fresh_connection_is_a_reset)
{
	struct shot s;
	struct peer p;

	peer_start(&p, once_ctx, (void *)"");
	aim(&s, "POST", p.port, "/");
	fire(&s);
	ck_assert_int_eq(s.fault, CS_HTTP_RESET);
	ck_assert(s.sent);
	ck_assert_int_eq(atomic_load(&p.posts), 1);
	free(s.body);
	tear_down();
	peer_stop(&p);
}
END_TEST

static void
reset_at_once(struct peer *p, int fd, int n)
{
	struct linger hard = { .l_onoff = 1 };
	char buf[8192];

	(void)n;
	peer_read(p, fd, buf, sizeof(buf));
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
}

START_TEST(a_hard_reset_is_a_reset)
{
	struct shot s;
	struct peer p;

	peer_start(&p, reset_at_once, NULL);
	aim(&s, "POST", p.port, "/");
	fire(&s);
	ck_assert_int_eq(s.fault, CS_HTTP_RESET);
	ck_assert(s.sent);
	free(s.body);
	tear_down();
	peer_stop(&p);
}
END_TEST

/* ---- ugly answers */

static const struct {
	const char *answer;
	enum cs_http_fault fault;
	int status;
} ugly[] = {
	{ "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", CS_HTTP_RESET, 200 },
	{ "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", CS_HTTP_RESET, 201 },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", CS_HTTP_RESET, 200 },
	{ "HTTP/1.1 200", CS_HTTP_RESET, 0 },
	{ "SSH-2.0-OpenSSH\r\n\r\n", CS_HTTP_OTHER, 0 },
	{ "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", CS_HTTP_OTHER, 200 },
	{ "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", CS_HTTP_OK, 302 },
	{ "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n", CS_HTTP_OK, 401 },
	{ "HTTP/1.1 500 Oops\r\nContent-Length: 3\r\n\r\nbad", CS_HTTP_OK, 500 },
	{ "HTTP/1.0 200 OK\r\n\r\nto the end", CS_HTTP_OK, 200 },
	{ "HTTP/1.1 100 Continue\r\nX-A: 1\r\n\r\nHTTP/1.1 204 No Content\r\nX-B: 2\r\n\r\n", CS_HTTP_OK, 204 },
};

START_TEST(an_ugly_answer_is_classed_and_kept_apart)
{
	struct shot s;
	struct peer p;

	peer_start(&p, once_ctx, (void *)ugly[_i].answer);
	aim(&s, "POST", p.port, "/");
	fire(&s);
	ck_assert_msg(s.fault == ugly[_i].fault, "%s: %s (%s)", ugly[_i].answer, cs_http_fault_name(s.fault), s.detail);
	ck_assert_int_eq(s.status, ugly[_i].status);
	ck_assert(s.sent);
	ck_assert_int_eq(atomic_load(&p.requests), 1);
	ck_assert(s.fault == CS_HTTP_OK || (s.body_len == 0 && s.detail[0] != '\0'));
	ck_assert_ptr_null(strstr(s.headers, "x-a"));
	free(s.body);
	tear_down();
	peer_stop(&p);
}
END_TEST

static void
endless_body(struct peer *p, int fd, int n)
{
	static char lots[65536];
	char buf[8192];

	(void)n;
	if (peer_read(p, fd, buf, sizeof(buf)) == 0)
		return;
	peer_write(fd, p->ctx);
	for (int i = 0; i < 64; i++)
		peer_write_n(fd, lots, sizeof(lots));
}

START_TEST(an_answer_over_its_limit_is_cut_off)
{
	static const char *const heads[] = { "HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n" };
	struct shot s;
	struct peer p;

	peer_start(&p, endless_body, (void *)heads[_i]);
	aim(&s, "POST", p.port, "/");
	fire(&s);
	ck_assert_int_eq(s.fault, CS_HTTP_TOO_BIG);
	ck_assert_int_eq(s.status, 200);
	ck_assert_uint_eq(s.body_len, 0);
	free(s.body);
	tear_down();
	peer_stop(&p);
}
END_TEST

static void
endless_head(struct peer *p, int fd, int n)
{
	char buf[8192];

	(void)n;
	if (peer_read(p, fd, buf, sizeof(buf)) == 0)
		return;
	peer_write(fd, "HTTP/1.1 200 OK\r\n");
	for (int i = 0; i < 40000; i++)
		peer_write(fd, "X-More: and more and more\r\n");
}

START_TEST(a_head_without_end_is_cut_off)
{
	struct shot s;
	struct peer p;

	peer_start(&p, endless_head, NULL);
	aim(&s, "GET", p.port, "/");
	fire(&s);
	ck_assert_int_eq(s.fault, CS_HTTP_TOO_BIG);
	ck_assert_uint_eq(s.n_headers, CS_HTTP_MAX_ANSWER_HEADERS);
	free(s.body);
	tear_down();
	peer_stop(&p);
}
END_TEST

START_TEST(trailers_are_not_headers)
{
	struct shot s;
	struct peer p;

	peer_start(&p, once_ctx,
	           (void *)"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX-Late: 1\r\n\r\n");
	aim(&s, "GET", p.port, "/");
	fire(&s);
	ck_assert_int_eq(s.fault, CS_HTTP_OK);
	ck_assert_str_eq(s.body, "ab");
	ck_assert_str_eq(s.headers, "transfer-encoding=chunked\n");
	free(s.body);
	tear_down();
	peer_stop(&p);
}
END_TEST

/* ---- time-outs and connections that do not come about */

static void
never_answers(struct peer *p, int fd, int n)
{
	char buf[8192];

	(void)n;
	while (peer_read(p, fd, buf, sizeof(buf)) > 0)
		;
}

START_TEST(a_time_out_after_sending_says_sent)
{
	struct shot s;
	struct peer p;

	peer_start(&p, never_answers, NULL);
	aim(&s, "POST", p.port, "/");
	s.x.total_timeout_ms = 60;
	fire(&s);
	ck_assert_int_eq(s.fault, CS_HTTP_TIMEOUT);
	ck_assert(s.sent);
	ck_assert_int_ge(s.total_us, 55000);
	free(s.body);
	tear_down();
	peer_stop(&p);
}
END_TEST

START_TEST(a_time_out_before_accept_says_not_sent)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener = socket(AF_INET, SOCK_STREAM, 0), filler[4];
	socklen_t len = sizeof(a);
	struct shot s;

	ck_assert_int_eq(bind(listener, (struct sockaddr *)&a, sizeof(a)), 0);
	ck_assert_int_eq(listen(listener, 0), 0);
	getsockname(listener, (struct sockaddr *)&a, &len);
	for (int i = 0; i < 4; i++) { /* fill the queue of a listener that never accepts */
		filler[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(filler[i], (struct sockaddr *)&a, sizeof(a));
	}
	set_up_with((struct cs_http_client_conf){ .connect_timeout_ms = 60 });
	aim(&s, "POST", ntohs(a.sin_port), "/");
	fire(&s);
	ck_assert_int_eq(s.fault, CS_HTTP_TIMEOUT);
	ck_assert(!s.sent);
	free(s.body);
	tear_down();
	for (int i = 0; i < 4; i++)
		close(filler[i]);
	close(listener);
}
END_TEST

START_TEST(a_refused_connection_says_not_sent)
{
	struct shot s;
	struct peer p;

	peer_start(&p, always_ok, NULL);
	peer_stop(&p);
	aim(&s, "POST", p.port, "/secret-path?token=t0ken");
	fire(&s);
	ck_assert_int_eq(s.fault, CS_HTTP_CONNECT);
	ck_assert(!s.sent);
	ck_assert_str_ne(s.detail, "");
	ck_assert_ptr_null(strstr(s.detail, "t0ken"));
	ck_assert_ptr_null(strstr(s.detail, "secret"));
	free(s.body);
	tear_down();
}
END_TEST

START_TEST(a_name_that_does_not_exist_is_a_resolve_fault)
{
	struct shot s;

	aim(&s, "POST", 1, "/");
	s.x.url = "https://nowhere.test/x";
	fire(&s);
	ck_assert_int_eq(s.fault, CS_HTTP_RESOLVE);
	ck_assert(!s.sent);
	free(s.body);
	tear_down();
}
END_TEST

START_TEST(a_slow_resolver_does_not_hold_up_the_loop)
{
	int64_t t = cs_mono_us();
	struct shot s;

	set_up_with((struct cs_http_client_conf){ .connect_timeout_ms = 60 });
	aim(&s, "POST", 1, "/");
	s.x.url = "https://slow.test/x";
	fire(&s);
	ck_assert_int_eq(s.fault, CS_HTTP_TIMEOUT);
	ck_assert(!s.sent);
	cs_http_client_start(client, &s.x);
	cs_http_client_run(client, 0, NULL, 0);
	cs_http_client_cancel(client, &s.x);
	ck_assert_int_lt(cs_mono_us() - t, 1800000);
	free(s.body);
	tear_down();
	ck_assert_int_lt(cs_mono_us() - t, 1800000);
	while (atomic_load(&resolving) > 0) /* the resolver's threads end by themselves */
		nap(10);
	nap(100);
}
END_TEST

/* ---- the guard */

START_TEST(an_inner_address_is_refused)
{
	struct cs_guard *none = cs_guard_new();
	struct shot s;
	struct peer p;

	peer_start(&p, always_ok, NULL);
	set_up_with((struct cs_http_client_conf){ .guard = none, .allow_plain = true });
	aim(&s, "POST", p.port, "/");
	fire(&s);
	ck_assert_int_eq(s.fault, CS_HTTP_REFUSED);
	ck_assert(!s.sent);
	ck_assert_ptr_nonnull(strstr(s.detail, "loopback"));
	snprintf(s.url, sizeof(s.url), "http://inside.test:%u/", p.port);
	fire(&s);
	ck_assert_int_eq(s.fault, CS_HTTP_REFUSED);
	snprintf(s.url, sizeof(s.url), "http://0x7f000001:%u/", p.port);
	fire(&s);
	ck_assert_int_eq(s.fault, CS_HTTP_REFUSED);
	snprintf(s.url, sizeof(s.url), "http://[::ffff:127.0.0.1]:%u/", p.port);
	fire(&s);
	ck_assert_int_eq(s.fault, CS_HTTP_REFUSED);
	ck_assert_int_eq(atomic_load(&p.connections), 0);
	free(s.body);
	tear_down();
	cs_guard_free(none);
	peer_stop(&p);
}
END_TEST

START_TEST(a_listed_address_is_reached_by_any_name)
{
	struct shot s;
	struct peer p;

	peer_start(&p, always_ok, NULL);
	aim(&s, "POST", p.port, "/");
	snprintf(s.url, sizeof(s.url), "http://inside.test:%u/", p.port);
	fire(&s);
	ck_assert_int_eq(s.fault, CS_HTTP_OK);
	free(s.body);
	tear_down();
	peer_stop(&p);
}
END_TEST

START_TEST(a_kept_connection_is_judged_again)
{
	struct cs_guard *none = cs_guard_new();
	struct shot s;
	struct peer p;

	peer_start(&p, always_ok, NULL);
	aim(&s, "POST", p.port, "/");
	fire(&s);
	ck_assert_int_eq(s.fault, CS_HTTP_OK);
	cs_http_client_set_guard(client, none);
	fire(&s);
	ck_assert_int_eq(s.fault, CS_HTTP_REFUSED);
	ck_assert(!s.sent);
	ck_assert_int_eq(atomic_load(&p.posts), 1);
	free(s.body);
	tear_down();
	cs_guard_free(none);
	peer_stop(&p);
}
END_TEST

START_TEST(plain_http_goes_only_where_the_guard_lists)
{
	struct shot s;

	aim(&s, "POST", 1, "/");
	s.x.url = "http://public.test/x";
	fire(&s);
	ck_assert_int_eq(s.fault, CS_HTTP_REFUSED);
	ck_assert_ptr_nonnull(strstr(s.detail, "plain"));
	free(s.body);
	tear_down();
}
END_TEST

START_TEST(the_environment_names_no_proxy)
{
	struct shot s;
	struct peer p;

	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("all_proxy", "http://127.0.0.1:1", 1);
	peer_start(&p, always_ok, NULL);
	set_up();
	aim(&s, "GET", p.port, "/");
	fire(&s);
	ck_assert_int_eq(s.fault, CS_HTTP_OK);
	free(s.body);
	tear_down();
	peer_stop(&p);
}
END_TEST

/* ---- requests that are not acceptable */

START_TEST(a_bad_request_is_told_without_any_traffic)
{
	static const struct {
		const char *method, *url;
		struct cs_http_header h;
	} bad[] = {
		{ "TRACE", "https://a.test/", { "X", "y" } },
		{ "get", "https://a.test/", { "X", "y" } },
		{ "POST\r\n", "https://a.test/", { "X", "y" } },
		{ "POST", "ftp://a.test/", { "X", "y" } },
		{ "POST", "https://u:p@a.test/", { "X", "y" } },
		{ "POST", "https://a.test/ x", { "X", "y" } },
		{ "POST", "/x", { "X", "y" } },
		{ "POST", "https:///x", { "X", "y" } },
		{ "POST", "https://a.test/x/../y", { "X", "y" } },
		{ "POST", "https://a.test:99999/", { "X", "y" } }, /* libcurl finds this one */
		{ "POST", "https://a.test/", { "X Y", "y" } },
		{ "POST", "https://a.test/", { "X:", "y" } },
		{ "POST", "https://a.test/", { "", "y" } },
		{ "POST", "https://a.test/", { "X", "y\r\nZ: 1" } },
		{ "POST", "https://a.test/", { "X", "y\n" } },
		{ "POST", "https://a.test/", { "host", "y" } },
		{ "POST", "https://a.test/", { "Content-length", "1" } },
		{ "POST", "https://a.test/", { "Transfer-Encoding", "chunked" } },
		{ "POST", "https://a.test/", { "Connection", "close" } },
		{ "POST", "https://a.test/", { "Cookie", "a=b" } },
		{ "GET", "https://a.test/", { "X", "y" } }, /* with a body */
	};
	struct shot s;

	for (size_t i = 0; i < CS_ARRAY_LEN(bad); i++) {
		aim(&s, "POST", 1, "/");
		s.x.method = bad[i].method;
		s.x.url = bad[i].url;
		s.x.headers = &bad[i].h;
		s.x.n_headers = 1;
		fire(&s);
		ck_assert_msg(s.fault == CS_HTTP_URL, "case %zu: %s", i, cs_http_fault_name(s.fault));
		ck_assert(!s.sent);
		ck_assert_str_ne(s.detail, "");
		free(s.body);
	}
	tear_down();
}
END_TEST

/* ---- many, cancelled, held back */

static void
echo(void *ctx, struct cs_http_request *req)
{
	(void)ctx;
	cs_http_reply_json(req, 200, req->body, req->body_len);
}

static int n_landed, most_active;

static void
count_landed(struct cs_http_xfer *x, const struct cs_http_answer *a)
{
	struct shot *s = x->ctx;

	ck_assert_int_eq(a->fault, CS_HTTP_OK);
	ck_assert_str_eq(a->body, s->url + strlen(s->url) + 1);
	if ((int)cs_http_client_active(client) > most_active)
		most_active = (int)cs_http_client_active(client);
	s->calls++;
	n_landed++;
}

START_TEST(five_hundred_requests_go_through_64_connections)
{
	struct cs_http_server_conf conf = { .listen = "127.0.0.1:0", .handle = echo };
	struct cs_http_server *server = cs_http_server_start(&conf, NULL);
	struct shot *s = cs_xcalloc(500, sizeof(*s));

	n_landed = most_active = 0;
	for (int i = 0; i < 500; i++) {
		aim(&s[i], "POST", cs_http_server_port(server), "/");
		char *body = s[i].url + strlen(s[i].url) + 1;
		s[i].x.body_len = (size_t)sprintf(body, "number %d", i);
		s[i].x.body = body;
		s[i].x.done = count_landed;
		cs_http_client_start(client, &s[i].x);
	}
	ck_assert_uint_eq(cs_http_client_active(client), 64);
	ck_assert_uint_eq(cs_http_client_waiting(client), 436);
	run_until(&n_landed, 500);
	ck_assert_int_eq(most_active, 64);
	for (int i = 0; i < 500; i++)
		ck_assert_int_eq(s[i].calls, 1);
	tear_down();
	free(s);
	cs_http_server_stop(server, 1000);
	cs_http_server_free(server);
}
END_TEST

static void
must_not_land(struct cs_http_xfer *x, const struct cs_http_answer *a)
{
	(void)x;
	ck_abort_msg("called back after cancelling: %s", cs_http_fault_name(a->fault));
}

static struct shot *victims;

static void
cancel_the_others(struct cs_http_xfer *x, const struct cs_http_answer *a)
{
	landed(x, a);
	for (int i = 0; i < 3; i++)
		cs_http_client_cancel(client, &victims[i].x);
	cs_http_client_cancel(client, x);
}

START_TEST(a_cancelled_request_is_never_heard_of_again)
{
	struct shot v[3], s;
	struct peer p, quick;

	peer_start(&p, never_answers, NULL);
	peer_start(&quick, always_ok, NULL);
	set_up_with((struct cs_http_client_conf){ .max_connections = 2 });
	victims = v;
	for (int i = 0; i < 3; i++) { /* the first is active, the second waits in line, the third was refused */
		aim(&v[i], "POST", p.port, "/");
		v[i].x.done = must_not_land;
	}
	v[2].x.method = "NO";
	cs_http_client_start(client, &v[0].x);
	aim(&s, "POST", quick.port, "/");
	s.x.done = cancel_the_others;
	cs_http_client_start(client, &s.x);
	cs_http_client_start(client, &v[1].x);
	ck_assert_uint_eq(cs_http_client_waiting(client), 1);
	run_until(&s.calls, 1);
	cs_http_client_start(client, &v[2].x);
	cs_http_client_cancel(client, &v[2].x);
	for (int i = 0; i < 3; i++)
		cs_http_client_run(client, 5, NULL, 0);
	ck_assert_uint_eq(cs_http_client_active(client), 0);
	ck_assert_uint_eq(cs_http_client_waiting(client), 0);
	free(s.body);
	tear_down();
	peer_stop(&p);
	peer_stop(&quick);
}
END_TEST

START_TEST(freeing_the_client_drops_all_without_a_word)
{
	struct shot v[5];
	struct peer p;

	peer_start(&p, never_answers, NULL);
	set_up_with((struct cs_http_client_conf){ .max_connections = 2 });
	for (int i = 0; i < 5; i++) {
		aim(&v[i], i < 4 ? "POST" : "NO", p.port, "/");
		v[i].x.done = must_not_land;
		cs_http_client_start(client, &v[i].x);
	}
	for (int i = 0; i < 3; i++)
		if (cs_http_client_active(client) > 0 && i == 0)
			cs_http_client_cancel(client, &v[4].x);
	cs_http_client_run(client, 10, NULL, 0);
	tear_down();
	peer_stop(&p);
}
END_TEST

static void
start_again(struct cs_http_xfer *x, const struct cs_http_answer *a)
{
	struct shot *s = x->ctx;

	ck_assert_int_eq(a->fault, CS_HTTP_OK);
	if (++s->calls < 5)
		cs_http_client_start(client, x);
}

START_TEST(a_request_can_be_started_again_in_its_callback)
{
	struct shot s;
	struct peer p;

	peer_start(&p, always_ok, NULL);
	set_up_with((struct cs_http_client_conf){ .max_connections = 1 });
	aim(&s, "POST", p.port, "/");
	s.x.done = start_again;
	cs_http_client_start(client, &s.x);
	run_until(&s.calls, 5);
	ck_assert_int_eq(atomic_load(&p.posts), 5);
	ck_assert_int_eq(atomic_load(&p.connections), 1);
	tear_down();
	peer_stop(&p);
}
END_TEST

/* Sends 100 KiB, waits until `ctx` says that all did, then 100 KiB more. */
static void
in_two_halves(struct peer *p, int fd, int n)
{
	static char half[100 << 10];
	atomic_int *begun = p->ctx;
	char buf[8192];

	(void)n;
	if (peer_read(p, fd, buf, sizeof(buf)) == 0)
		return;
	peer_write(fd, "HTTP/1.1 200 OK\r\nContent-Length: 204800\r\n\r\n");
	peer_write_n(fd, half, sizeof(half));
	atomic_fetch_add(begun, 1);
	while (atomic_load(begun) < 2)
		nap(1);
	nap(20);
	peer_write_n(fd, half, sizeof(half));
}

START_TEST(large_answers_are_held_back_until_there_is_room)
{
	atomic_int begun = 0;
	struct shot s[4];
	struct peer p;
	int all = 0;

	peer_start(&p, in_two_halves, &begun);
	set_up_with((struct cs_http_client_conf){ .max_answer = 256 << 10, .max_answers_total = 384 << 10 });
	for (int i = 0; i < 4; i++) {
		aim(&s[i], "GET", p.port, "/");
		cs_http_client_start(client, &s[i].x);
	}
	ck_assert_uint_eq(cs_http_client_active(client), 3); /* three shares and one whole answer fill the budget */
	ck_assert_uint_eq(cs_http_client_waiting(client), 1);
	while (all < 4) {
		cs_http_client_run(client, 50, NULL, 0);
		all = s[0].calls + s[1].calls + s[2].calls + s[3].calls;
	}
	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(s[i].fault, CS_HTTP_OK);
		ck_assert_uint_eq(s[i].body_len, 204800);
		free(s[i].body);
	}
	tear_down();
	peer_stop(&p);
}
END_TEST

START_TEST(a_budget_smaller_than_an_answer_is_refused)
{
	struct cs_http_client_conf conf = { .max_answer = 1 << 20, .max_answers_total = 1 << 20 };
	struct cs_err err = { 0 };

	ck_assert_ptr_null(cs_http_client_new(&conf, &err));
	ck_assert_int_eq(err.code, CS_EINVAL);
}
END_TEST

static char *stolen;
static size_t stolen_len;

static void
steal(struct cs_http_xfer *x, const struct cs_http_answer *a)
{
	struct shot *s = x->ctx;

	stolen = cs_http_answer_steal(a, &stolen_len);
	s->calls++;
}

START_TEST(a_body_can_be_taken_over)
{
	struct shot s;
	struct peer p;

	peer_start(&p, always_ok, NULL);
	aim(&s, "GET", p.port, "/");
	s.x.done = steal;
	for (int i = 0; i < 2; i++) {
		fire(&s);
		ck_assert_uint_eq(stolen_len, 2);
		ck_assert_str_eq(stolen, "ok");
		free(stolen);
	}
	tear_down();
	peer_stop(&p);
}
END_TEST

/* ---- the loop */

static void *
wake_later(void *arg)
{
	nap(20);
	cs_http_client_wakeup(arg);
	return NULL;
}

START_TEST(the_sleep_ends_by_wake_up_and_by_the_callers_descriptors)
{
	int64_t t = cs_mono_us();
	struct pollfd fds[2];
	pthread_t thread;
	int pipes[2];

	ck_assert_int_eq(pipe(pipes), 0);
	fds[0] = (struct pollfd){ .fd = pipes[0], .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = pipes[1], .events = POLLOUT };
	pthread_create(&thread, NULL, wake_later, client);
	ck_assert_int_eq(cs_http_client_run(client, 5000, fds, 1), 0);
	ck_assert_int_eq(fds[0].revents, 0);
	pthread_join(thread, NULL);
	ck_assert_int_eq(cs_http_client_run(client, 5000, fds, 2), 0);
	ck_assert_int_eq(fds[0].revents, 0);
	ck_assert_int_eq(fds[1].revents, POLLOUT);
	ck_assert_int_eq(write(pipes[1], "x", 1), 1);
	ck_assert_int_eq(cs_http_client_run(client, 5000, fds, 1), 0);
	ck_assert_int_eq(fds[0].revents, POLLIN);
	ck_assert_int_lt(cs_mono_us() - t, 2000000);
	close(pipes[0]);
	close(pipes[1]);
	tear_down();
}
END_TEST

/* ---- TLS */

START_TEST(a_certificate_is_checked_against_roots_and_name)
{
	char *folder = test_folder();
	char *cert = cs_xasprintf("%s/cert.pem", folder), *key = cs_xasprintf("%s/key.pem", folder);
	struct cs_http_server_conf conf = { .listen = "127.0.0.1:0", .handle = echo, .tls_cert_file = cert, .tls_key_file = key };
	struct cs_http_server *server;
	struct shot s;

	make_certificate(folder);
	server = cs_http_server_start(&conf, NULL);
	ck_assert_ptr_nonnull(server);
	set_up();
	aim(&s, "POST", 1, "/");
	snprintf(s.url, sizeof(s.url), "https://127.0.0.1:%u/", cs_http_server_port(server));
	fire(&s);
	ck_assert_int_eq(s.fault, CS_HTTP_TLS);
	ck_assert(!s.sent);
	tear_down();
	set_up_with((struct cs_http_client_conf){ .ca_file = cert });
	fire(&s);
	ck_assert_msg(s.fault == CS_HTTP_OK, "%s", s.detail);
	ck_assert_str_eq(s.body, "{\"a\":1}");
	snprintf(s.url, sizeof(s.url), "https://inside.test:%u/", cs_http_server_port(server)); /* another name */
	fire(&s);
	ck_assert_int_eq(s.fault, CS_HTTP_TLS);
	free(s.body);
	tear_down();
	cs_http_server_stop(server, 1000);
	cs_http_server_free(server);
	free(cert);
	free(key);
	test_folder_remove(folder);
}
END_TEST

START_TEST(a_plain_answer_to_tls_is_a_tls_fault)
{
	struct shot s;
	struct peer p;

	peer_start(&p, once_ctx, (void *)ok_answer);
	aim(&s, "POST", 1, "/");
	s.x.total_timeout_ms = 200;
	snprintf(s.url, sizeof(s.url), "https://127.0.0.1:%u/", p.port);
	fire(&s);
	ck_assert(s.fault == CS_HTTP_TLS || s.fault == CS_HTTP_TIMEOUT);
	ck_assert(!s.sent);
	free(s.body);
	tear_down();
	peer_stop(&p);
}
END_TEST

START_TEST(a_client_of_a_unix_socket_talks_to_that_socket_only)
{
	char *folder = test_folder();
	char *path = cs_xasprintf("%s/s", folder), *listen_on = cs_xasprintf("unix:%s", path);
	struct cs_http_server_conf conf = { .listen = listen_on, .handle = echo };
	struct cs_http_server *server = cs_http_server_start(&conf, NULL);
	struct shot s;

	ck_assert_ptr_nonnull(server);
	set_up_with((struct cs_http_client_conf){ .unix_socket = path });
	aim(&s, "POST", 1, "/v1/x");
	for (int i = 0; i < 3; i++) {
		fire(&s);
		ck_assert_msg(s.fault == CS_HTTP_OK, "%s", s.detail);
		ck_assert_str_eq(s.body, "{\"a\":1}");
	}
	free(s.body);
	tear_down();
	cs_http_server_stop(server, 1000);
	cs_http_server_free(server);
	free(path);
	free(listen_on);
	test_folder_remove(folder);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("client");
	TCase *t = tcase_create("with a client"), *own = tcase_create("with a client of its own");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, set_up, NULL);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, a_whole_answer_comes_with_its_parts);
	tcase_add_test(t, only_what_was_asked_for_is_sent);
	tcase_add_test(t, each_request_goes_to_its_own_url);
	tcase_add_test(t, a_caller_may_name_itself);
	tcase_add_test(t, every_method_is_sent_as_named_on_one_connection);
	tcase_add_test(t, kept_connections_are_used_again);
	tcase_add_test(t, a_post_swallowed_on_a_kept_connection_is_not_sent_again);
	tcase_add_test(t, a_look_up_swallowed_on_a_kept_connection_is_sent_again);
	tcase_add_test(t, a_kept_connection_that_died_idle_costs_nothing);
	tcase_add_test(t, a_post_swallowed_on_a_fresh_connection_is_a_reset);
	tcase_add_test(t, a_hard_reset_is_a_reset);
	tcase_add_loop_test(t, an_ugly_answer_is_classed_and_kept_apart, 0, (int)CS_ARRAY_LEN(ugly));
	tcase_add_loop_test(t, an_answer_over_its_limit_is_cut_off, 0, 2);
	tcase_add_test(t, a_head_without_end_is_cut_off);
	tcase_add_test(t, trailers_are_not_headers);
	tcase_add_test(t, a_time_out_after_sending_says_sent);
	tcase_add_test(t, a_refused_connection_says_not_sent);
	tcase_add_test(t, a_name_that_does_not_exist_is_a_resolve_fault);
	tcase_add_test(t, a_listed_address_is_reached_by_any_name);
	tcase_add_test(t, a_kept_connection_is_judged_again);
	tcase_add_test(t, plain_http_goes_only_where_the_guard_lists);
	tcase_add_test(t, a_bad_request_is_told_without_any_traffic);
	tcase_add_test(t, five_hundred_requests_go_through_64_connections);
	tcase_add_test(t, a_body_can_be_taken_over);
	tcase_add_test(t, the_sleep_ends_by_wake_up_and_by_the_callers_descriptors);
	tcase_add_test(t, a_plain_answer_to_tls_is_a_tls_fault);
	tcase_set_timeout(own, 30);
	tcase_add_test(own, a_time_out_before_accept_says_not_sent);
	tcase_add_test(own, a_slow_resolver_does_not_hold_up_the_loop);
	tcase_add_test(own, an_inner_address_is_refused);
	tcase_add_test(own, the_environment_names_no_proxy);
	tcase_add_test(own, a_cancelled_request_is_never_heard_of_again);
	tcase_add_test(own, freeing_the_client_drops_all_without_a_word);
	tcase_add_test(own, a_request_can_be_started_again_in_its_callback);
	tcase_add_test(own, large_answers_are_held_back_until_there_is_room);
	tcase_add_test(own, a_budget_smaller_than_an_answer_is_refused);
	tcase_add_test(own, a_certificate_is_checked_against_roots_and_name);
	tcase_add_test(own, a_client_of_a_unix_socket_talks_to_that_socket_only);
	suite_add_tcase(suite, t);
	suite_add_tcase(suite, own);
	r = srunner_create(suite);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
