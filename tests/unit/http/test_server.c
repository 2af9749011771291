/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_server.c - the server under raw connections: what it lets through, what it refuses, and who owns a request when.
 */
#include "config.h"
#include "http/server.h"

#include <check.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include "peer.h"
#include "util/clock.h"
#include "util/mem.h"
#include "util/queue.h"

static struct cs_http_server *server;
static struct cs_http_server_conf conf;
static struct cs_handoff later;    /* requests that wait for the answering threads */
static pthread_t answerers[2];
static atomic_int n_handled;

static void
nap(int ms)
{
	struct timespec ts = { .tv_nsec = ms * 1000000L };

	nanosleep(&ts, NULL);
}

static void
add_text(void *ctx, const char *name, const char *value)
{
	cs_buf_printf(ctx, "%s=%s;", name, value);
}

/* Tells everything about the request. */
static void
describe(void *ctx, struct cs_http_request *req)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	const char *q = cs_http_request_query(req, "q"), *x = cs_http_request_header(req, "x-a");
	struct cs_http_header extra[] = { { "X-Extra", "1" } };
	struct cs_http_reply a = { .status = 200, .content_type = "text/plain", .headers = extra, .n_headers = 1 };

	(void)ctx;
	atomic_fetch_add(&n_handled, 1);
	ck_assert_ptr_null(req->user);
	cs_buf_printf(&b, "[%s %s %s q=%s x=%s body=%zu:%s]", req->method, req->path, req->target, q != NULL ? q : "none",
	              x != NULL ? x : "none", req->body_len, req->body);
	cs_http_request_headers(req, add_text, &b);
	a.body = b.ptr;
	a.body_len = b.len;
	cs_http_reply(req, &a);
}

static void
hand_on(void *ctx, struct cs_http_request *req)
{
	(void)ctx;
	atomic_fetch_add(&n_handled, 1);
	ck_assert(cs_handoff_put(&later, &req->link));
}

static void *
answer_later(void *arg)
{
	struct cs_list got;

	(void)arg;
	cs_list_init(&got);
	while (cs_handoff_wait(&later, &got, -1) > 0) {
		struct cs_list *n;

		while ((n = cs_list_pop(&got)) != NULL) {
			struct cs_http_request *req = CS_CONTAINER(n, struct cs_http_request, link);

			if (strcmp(req->path, "/slow") == 0)
				nap(30);
			cs_http_reply_json(req, 200, req->body, req->body_len);
		}
	}
	return NULL;
}

static void
start(void (*handle)(void *, struct cs_http_request *))
{
	struct cs_err err = { 0 };

	conf.handle = handle;
	if (conf.listen == NULL)
		conf.listen = "127.0.0.1:0";
	server = cs_http_server_start(&conf, &err);
	ck_assert_msg(server != NULL, "%s", err.msg);
}

static void
start_late(void)
{
	cs_handoff_init(&later, NULL, NULL);
	for (int i = 0; i < 2; i++)
		pthread_create(&answerers[i], NULL, answer_later, NULL);
	start(hand_on);
}

static void
stop_late(void)
{
	cs_http_server_stop(server, 5000);
	cs_handoff_close(&later);
	for (int i = 0; i < 2; i++)
		pthread_join(answerers[i], NULL);
	cs_http_server_free(server);
	cs_handoff_fini(&later);
}

/* Send, and read to the end of the connection (the request must ask for it, or the server close). */
static char *
talk(const char *request)
{
	static char buf[1 << 16];
	int fd = raw_connect(cs_http_server_port(server));

	ck_assert_int_ge(fd, 0);
	peer_write(fd, request);
	raw_read(fd, buf, sizeof(buf), NULL, 0);
	close(fd);
	return buf;
}

static size_t
body_bytes(void)
{
	struct cs_http_server_stats st;

	cs_http_server_stats(server, &st);
	return st.body_bytes;
}

START_TEST(a_request_comes_with_all_its_parts)
{
	char *a;

	start(describe);
	a = talk("GET /a%20b/%C3%A9?q=1%2B1+x&r HTTP/1.1\r\nHost: h\r\nX-A: v v\r\nConnection: close\r\n\r\n");
	ck_assert_ptr_eq(strstr(a, "HTTP/1.1 200 OK\r\n"), a);
	ck_assert_ptr_nonnull(strstr(a, "[GET /a b/\xc3\xa9 /a%20b/%C3%A9?q=1%2B1+x&r q=1+1 x x=v v body=0:]"));
	ck_assert_ptr_nonnull(strstr(a, "]Host=h;X-A=v v;Connection=close;"));
	ck_assert_ptr_nonnull(strstr(a, "\r\nContent-Type: text/plain\r\n"));
	ck_assert_ptr_nonnull(strstr(a, "\r\nX-Extra: 1\r\n"));
	a = talk("POST /p?q HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
	ck_assert_ptr_nonnull(strstr(a, "[POST /p /p?q q= x=none body=5:hello]"));
	a = talk("HEAD /p HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
	ck_assert_ptr_eq(strstr(a, "HTTP/1.1 200 OK\r\n"), a);
	ck_assert_ptr_null(strstr(a, "[HEAD"));
	cs_http_server_stop(server, 1000);
	cs_http_server_free(server);
}
END_TEST

START_TEST(a_body_can_come_in_chunks_and_pieces)
{
	static char buf[1 << 16];
	int fd;

	start(describe);
	fd = raw_connect(cs_http_server_port(server));
	peer_write(fd, "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab");
	nap(5);
	peer_write(fd, "c\r\n5;x=y\r\ndefgh\r\n0\r\nX-Trailer: 1\r\n\r\n");
	raw_read(fd, buf, sizeof(buf), "body=8:abcdefgh]", 1);
	peer_write(fd, "POST /d HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nwx");
	nap(5);
	peer_write(fd, "yz");
	raw_read(fd, buf, sizeof(buf), "body=4:wxyz]", 1);
	close(fd);
	ck_assert_int_eq(atomic_load(&n_handled), 2);
	cs_http_server_stop(server, 1000);
	cs_http_server_free(server);
}
END_TEST

START_TEST(a_target_has_a_greatest_length)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);

	start(describe);
	for (size_t want = 8000; want <= 9000; want += 1000) {
		cs_buf_reset(&b);
		cs_buf_adds(&b, "GET /");
		while (b.len < want)
			cs_buf_adds(&b, "aaaaaaaaaa");
		cs_buf_adds(&b, " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
		ck_assert_int_eq(strncmp(talk(b.ptr), want == 8000 ? "HTTP/1.1 200 " : "HTTP/1.1 414 ", 13), 0);
	}
	cs_http_server_stop(server, 1000);
	cs_http_server_free(server);
}
END_TEST

static bool
under_open(void *ctx CS_UNUSED, const struct cs_http_request *req)
{
	return strncmp(req->path, "/open/", 6) == 0;
}

START_TEST(an_encoded_slash_passes_only_where_the_application_takes_it)
{
	conf.slash_in = under_open;
	start(describe);
	ck_assert_ptr_nonnull(strstr(talk("GET /open/a%2Fb HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"), "200 OK"));
	ck_assert_ptr_nonnull(strstr(talk("GET /a%2fb HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"), "an encoded slash"));
	ck_assert_ptr_nonnull(strstr(talk("GET /open/..%2Fb HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"), "400 Bad"));
	ck_assert_int_eq(atomic_load(&n_handled), 1);
	cs_http_server_stop(server, 1000);
	cs_http_server_free(server);
}
END_TEST

START_TEST(pipelined_requests_are_answered_in_order)
{
	static char buf[1 << 16];
	int fd;

	start_late();
	fd = raw_connect(cs_http_server_port(server));
	peer_write(fd, "POST /slow HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\noneGET /slow HTTP/1.1\r\nHost: h\r\n\r\n"
	               "POST /3 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nConnection: close\r\n\r\nthree");
	raw_read(fd, buf, sizeof(buf), NULL, 0);
	close(fd);
	const char *one = strstr(buf, "\r\n\r\noneHTTP/1.1 200"), *three = strstr(buf, "\r\n\r\nthree");
	ck_assert(one != NULL && three != NULL && one < three);
	ck_assert_int_eq(atomic_load(&n_handled), 3);
	stop_late();
}
END_TEST

static const char *const smuggled[] = {
	"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
	"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
	"POST / HTTP/1.1\r\nHost: h\r\ncontent-length: 5\r\nX: 1\r\nCONTENT-LENGTH: 50\r\n\r\nhello",
	"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: identity\r\n\r\nhello",
	"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5, 5\r\n\r\nhello",
	"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +5\r\n\r\nhello",
	"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x5\r\n\r\nhello",
	"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\nhello",
	"POST / HTTP/1.1\r\nHost: h\r\nContent-Length : 5\r\n\r\nhello",
	"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
	"GET / HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n",
	"GET / HTTP/1.1\r\n\r\n",
	"GET /a%zz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
	"GET /a%00b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
	"GET /a%2Fb HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
	"GET /a%0Ab HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
	"GET /a%ff HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
	"GET /../x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
	"GET /a/%2e%2E HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
	"GET /a/./b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
	"GET http://h/x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
	"OPTIONS * HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
	"GET /caf\xc3\xa9 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
};

START_TEST(what_two_readers_would_read_differently_is_refused_and_closed)
{
	char *a, *request = cs_xasprintf("%sGET /second HTTP/1.1\r\nHost: h\r\n\r\n", smuggled[_i]);

	start(describe);
	a = talk(request); /* returns only because the server closes */
	ck_assert_msg(strncmp(a, "HTTP/1.1 400 ", 13) == 0 || strncmp(a, "HTTP/1.0 400 ", 13) == 0, "%s got %.80s", request, a);
	ck_assert_int_eq(atomic_load(&n_handled), 0);
	ck_assert_ptr_null(strstr(a, "second"));
	cs_http_server_stop(server, 1000);
	cs_http_server_free(server);
	free(request);
}
END_TEST

/* ---- limits */

static size_t
limit_by_path(void *ctx, struct cs_http_request *req)
{
	(void)ctx;
	if (strcmp(req->path, "/closed") == 0) {
		cs_http_reply_error(req, 401, "no key", NULL, NULL);
		return 0;
	}
	return strcmp(req->path, "/big") == 0 ? 5000 : 0;
}

static char *
post(const char *path, size_t n, const char *more)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);

	cs_buf_printf(&b, "POST %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: %zu\r\n%s\r\n", path, n, more);
	for (size_t i = 0; i < n; i++)
		cs_buf_addc(&b, 'x');
	return talk(b.ptr);
}

START_TEST(a_body_over_its_limit_is_413_as_a_problem)
{
	char *a;

	conf.max_body = 1000;
	conf.on_headers = limit_by_path;
	start(describe);
	ck_assert_ptr_nonnull(strstr(post("/x", 1000, ""), "body=1000:"));
	a = post("/x", 1001, "");
	ck_assert_ptr_eq(strstr(a, "HTTP/1.1 413 "), a);
	ck_assert_ptr_nonnull(strstr(a, "\r\nContent-Type: application/problem+json\r\n"));
	ck_assert_ptr_nonnull(strstr(a, "\"status\":413"));
	ck_assert_ptr_nonnull(strstr(post("/big", 5000, ""), "body=5000:"));
	ck_assert_ptr_nonnull(strstr(post("/big", 5001, ""), "HTTP/1.1 413 "));
	ck_assert_ptr_nonnull(strstr(post("/x", 900000, ""), "HTTP/1.1 413 ")); /* read to its end, so nobody is reset */
	a = talk("POST /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
	         "1f4\r\n"
	         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	         "\r\n1F5\r\n"
	         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	         "x\r\n0\r\n\r\n");
	ck_assert_ptr_eq(strstr(a, "HTTP/1.1 413 "), a);
	ck_assert_int_eq(atomic_load(&n_handled), 2);
	ck_assert_uint_eq(body_bytes(), 0);
	cs_http_server_stop(server, 1000);
	cs_http_server_free(server);
}
END_TEST

START_TEST(a_client_that_asks_before_sending_is_told_before_sending)
{
	static char buf[1 << 16];
	int fd;

	conf.max_body = 1000;
	start(describe);
	fd = raw_connect(cs_http_server_port(server));
	peer_write(fd, "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 2000\r\nExpect: 100-continue\r\n\r\n");
	raw_read(fd, buf, sizeof(buf), NULL, 0);
	ck_assert_ptr_eq(strstr(buf, "HTTP/1.1 413 "), buf);
	close(fd);
	fd = raw_connect(cs_http_server_port(server));
	peer_write(fd, "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
	raw_read(fd, buf, sizeof(buf), "\r\n\r\n", 1);
	ck_assert_ptr_eq(strstr(buf, "HTTP/1.1 100 "), buf);
	peer_write(fd, "abc");
	raw_read(fd, buf, sizeof(buf), "body=3:abc", 1);
	close(fd);
	cs_http_server_stop(server, 1000);
	cs_http_server_free(server);
}
END_TEST

START_TEST(the_application_may_answer_before_the_body_and_the_connection_goes_on)
{
	static char buf[1 << 16];
	int fd;

	conf.on_headers = limit_by_path;
	start(describe);
	fd = raw_connect(cs_http_server_port(server));
	peer_write(fd, "POST /closed HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhelloGET /open HTTP/1.1\r\nHost: h\r\n\r\n");
	raw_read(fd, buf, sizeof(buf), "[GET /open", 1);
	ck_assert_ptr_eq(strstr(buf, "HTTP/1.1 401 "), buf);
	ck_assert_int_eq(atomic_load(&n_handled), 1);
	close(fd);
	cs_http_server_stop(server, 1000);
	cs_http_server_free(server);
}
END_TEST

static atomic_int parked_at;
static struct cs_http_request *parked[16];

static void
park(void *ctx, struct cs_http_request *req)
{
	(void)ctx;
	parked[atomic_load(&parked_at)] = req;
	atomic_fetch_add(&parked_at, 1);
}

static void
wait_parked(int n)
{
	for (int i = 0; i < 5000 && atomic_load(&parked_at) < n; i++)
		nap(1);
	ck_assert_int_eq(atomic_load(&parked_at), n);
}

START_TEST(bodies_over_the_common_budget_are_503_with_retry_after)
{
	static char buf[1 << 16];
	struct cs_http_server_stats st;
	char *a;
	int fd;

	conf.max_bodies_total = 5000;
	start(park);
	fd = raw_connect(cs_http_server_port(server));
	peer_write(fd, "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 3000\r\n\r\n");
	for (int i = 0; i < 300; i++)
		peer_write(fd, "0123456789");
	wait_parked(1);
	ck_assert_uint_eq(body_bytes(), 3000);
	a = post("/y", 2001, "");
	ck_assert_ptr_eq(strstr(a, "HTTP/1.1 503 "), a);
	ck_assert_ptr_nonnull(strstr(a, "\r\nRetry-After: 1\r\n"));
	cs_http_server_stats(server, &st);
	ck_assert_uint_eq(st.over_budget, 1);
	ck_assert_uint_eq(st.refused, 1);
	size_t len;
	char *body = cs_http_request_steal_body(parked[0], &len);
	ck_assert_uint_eq(len, 3000);
	ck_assert_uint_eq(body_bytes(), 3000);
	free(body);
	cs_http_reply_json(parked[0], 202, "{}", 2);
	raw_read(fd, buf, sizeof(buf), "{}", 1);
	for (int i = 0; i < 1000 && body_bytes() > 0; i++)
		nap(1);
	ck_assert_uint_eq(body_bytes(), 0);
	close(fd);
	cs_http_server_stop(server, 1000);
	cs_http_server_free(server);
}
END_TEST

START_TEST(a_trickling_body_is_cut_off)
{
	static char buf[4096];
	int fd;

	conf.body_timeout_ms = 30;
	start(describe);
	fd = raw_connect(cs_http_server_port(server));
	peer_write(fd, "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\na");
	nap(50);
	peer_write(fd, "b");
	ck_assert_uint_eq(raw_read(fd, buf, sizeof(buf), NULL, 0), 0);
	close(fd);
	ck_assert_uint_eq(body_bytes(), 0);
	cs_http_server_stop(server, 1000);
	cs_http_server_free(server);
}
END_TEST

/* ---- late answers */

static void *
hammer(void *arg)
{
	static __thread char buf[4096];
	char request[200], want[40];
	int fd = raw_connect(cs_http_server_port(server)), who = *(int *)arg;

	for (int i = 0; i < 500; i++) {
		int n = sprintf(want, "w%d-%d.", who, i);

		sprintf(request, "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", n, want);
		peer_write(fd, request);
		raw_read(fd, buf, sizeof(buf), want, 1);
		ck_assert_int_eq(strncmp(buf, "HTTP/1.1 200 ", 13), 0);
	}
	close(fd);
	return NULL;
}

START_TEST(answers_from_other_threads_race_with_nothing)
{
	pthread_t t[8];
	int who[8];

	start_late();
	for (int i = 0; i < 8; i++) {
		who[i] = i;
		pthread_create(&t[i], NULL, hammer, &who[i]);
	}
	for (int i = 0; i < 8; i++)
		pthread_join(t[i], NULL);
	ck_assert_int_eq(atomic_load(&n_handled), 4000);
	stop_late();
}
END_TEST

START_TEST(a_client_may_go_away_while_its_request_is_worked_on)
{
	struct linger hard = { .l_onoff = 1 };
	char *a;

	start(park);
	for (int i = 0; i < 4; i++) {
		int fd = raw_connect(cs_http_server_port(server));

		peer_write(fd, "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx");
		wait_parked(i + 1);
		if (i % 2 == 0)
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
		close(fd);
	}
	nap(10);
	for (int i = 0; i < 4; i++) {
		ck_assert_str_eq(parked[i]->body, "x");
		ck_assert_str_eq(cs_http_request_header(parked[i], "host"), "h");
		cs_http_reply_json(parked[i], 200, "{}", 2);
	}
	conf.handle = describe;
	int fd = raw_connect(cs_http_server_port(server));
	peer_write(fd, "GET /alive HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
	wait_parked(5);
	cs_http_reply_error(parked[4], 404, "nothing here", NULL, NULL);
	static char buf[4096];
	raw_read(fd, buf, sizeof(buf), NULL, 0);
	a = buf;
	ck_assert_ptr_eq(strstr(a, "HTTP/1.1 404 "), a);
	ck_assert_ptr_nonnull(strstr(a, "\"title\":\"Not Found\",\"status\":404,\"detail\":\"nothing here\""));
	close(fd);
	cs_http_server_stop(server, 1000);
	cs_http_server_free(server);
}
END_TEST

/*
 * libmicrohttpd takes 128 events at a time. Its own loop, handed exactly so many, waits for more before it looks at them. So
 * 128 clients write while the server's thread is kept busy.
 */
#define EVENTS 128

static sem_t go_on;

static void
answer_when_told(void *ctx, struct cs_http_request *req)
{
	(void)ctx;
	atomic_fetch_add(&n_handled, 1);
	if (strcmp(req->path, "/busy") == 0)
		sem_wait(&go_on);
	cs_http_reply_json(req, 200, "{}", 2);
}

START_TEST(as_many_clients_at_once_as_one_wait_reports_are_all_answered)
{
	static char buf[4096];
	int busy, fd[EVENTS];

	sem_init(&go_on, 0, 0);
	start(answer_when_told);
	for (int i = 0; i < EVENTS; i++) {
		ck_assert_int_ge(fd[i] = raw_connect(cs_http_server_port(server)), 0);
		peer_write(fd[i], "GET /first HTTP/1.1\r\nHost: h\r\n\r\n");
		raw_read(fd[i], buf, sizeof(buf), "{}", 1);
	}
	busy = raw_connect(cs_http_server_port(server));
	peer_write(busy, "GET /busy HTTP/1.1\r\nHost: h\r\n\r\n");
	while (atomic_load(&n_handled) < EVENTS + 1)
		nap(1);
	for (int i = 0; i < EVENTS; i++)
		peer_write(fd[i], "GET /again HTTP/1.1\r\nHost: h\r\n\r\n");
	sem_post(&go_on);
	for (int i = 0; i < EVENTS; i++) {
		raw_read(fd[i], buf, sizeof(buf), "{}", 1);
		ck_assert_ptr_eq(strstr(buf, "HTTP/1.1 200 "), buf);
		close(fd[i]);
	}
	close(busy);
	cs_http_server_stop(server, 5000);
	cs_http_server_free(server);
	sem_destroy(&go_on);
}
END_TEST

/* ---- stopping */

START_TEST(stopping_answers_what_the_application_still_holds)
{
	static char buf[2][4096];
	int fd[2];

	start(park);
	for (int i = 0; i < 2; i++) {
		fd[i] = raw_connect(cs_http_server_port(server));
		peer_write(fd[i], "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx");
		wait_parked(i + 1);
	}
	cs_http_server_stop(server, 20);
	cs_http_server_free(server);
	for (int i = 0; i < 2; i++) {
		raw_read(fd[i], buf[i], sizeof(buf[i]), NULL, 0);
		ck_assert_ptr_eq(strstr(buf[i], "HTTP/1.1 503 "), buf[i]);
		ck_assert_ptr_nonnull(strstr(buf[i], "\r\nConnection: close\r\n"));
		close(fd[i]);
		ck_assert_str_eq(parked[i]->body, "x"); /* the request itself is still there */
		cs_http_reply_json(parked[i], 202, "{}", 2);
	}
}
END_TEST

static void *
reply_soon(void *arg)
{
	nap(30);
	cs_http_reply_json(arg, 202, "{\"late\":1}", 10);
	return NULL;
}

START_TEST(stopping_waits_for_answers_that_come_in_time)
{
	static char buf[4096];
	int64_t t = cs_mono_us();
	pthread_t thread;
	int fd;

	start(park);
	fd = raw_connect(cs_http_server_port(server));
	peer_write(fd, "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx");
	wait_parked(1);
	pthread_create(&thread, NULL, reply_soon, parked[0]);
	cs_http_server_stop(server, 5000);
	pthread_join(thread, NULL);
	cs_http_server_free(server);
	raw_read(fd, buf, sizeof(buf), NULL, 0);
	ck_assert_ptr_eq(strstr(buf, "HTTP/1.1 202 "), buf);
	ck_assert_ptr_nonnull(strstr(buf, "{\"late\":1}"));
	ck_assert_int_lt(cs_mono_us() - t, 3000000);
	close(fd);
}
END_TEST

START_TEST(a_quiesced_server_ends_what_is_open_and_takes_nobody_new)
{
	static char buf[4096];
	int fd;

	start(describe);
	fd = raw_connect(cs_http_server_port(server));
	peer_write(fd, "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n");
	raw_read(fd, buf, sizeof(buf), "[GET /1", 1);
	ck_assert_ptr_null(strstr(buf, "Connection: close"));
	cs_http_server_quiesce(server);
	ck_assert_int_eq(raw_connect(cs_http_server_port(server)), -1);
	peer_write(fd, "GET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
	raw_read(fd, buf, sizeof(buf), NULL, 0);
	ck_assert_ptr_nonnull(strstr(buf, "\r\nConnection: close\r\n"));
	ck_assert_ptr_nonnull(strstr(buf, "[GET /2"));
	close(fd);
	cs_http_server_stop(server, 1000);
	cs_http_server_free(server);
}
END_TEST

START_TEST(stopping_under_load_loses_no_request_that_was_taken)
{
	struct cs_http_server_stats st;
	pthread_t t[4];
	int who[4] = { 0, 1, 2, 3 };

	for (int round = 0; round < 5; round++) {
		start_late();
		for (int i = 0; i < 4; i++)
			pthread_create(&t[i], NULL, hammer, &who[i]);
		for (int i = 0; i < 4; i++)
			pthread_join(t[i], NULL);
		cs_http_server_stats(server, &st);
		ck_assert_uint_eq(st.requests, 2000);
		stop_late();
	}
}
END_TEST

static void *
until_closed(void *arg)
{
	char buf[1024];
	int fd = raw_connect(cs_http_server_port(server));

	(void)arg;
	for (;;) {
		if (send(fd, "GET /slow HTTP/1.1\r\nHost: h\r\n\r\n", 31, MSG_NOSIGNAL) < 0 || read(fd, buf, sizeof(buf)) <= 0)
			break;
	}
	close(fd);
	return NULL;
}

START_TEST(a_server_can_be_stopped_while_clients_go_on_asking)
{
	pthread_t t[6];

	start_late();
	for (int i = 0; i < 6; i++)
		pthread_create(&t[i], NULL, until_closed, NULL);
	nap(50);
	cs_http_server_stop(server, 10);
	for (int i = 0; i < 6; i++)
		pthread_join(t[i], NULL);
	cs_handoff_close(&later);
	for (int i = 0; i < 2; i++)
		pthread_join(answerers[i], NULL);
	cs_http_server_free(server);
	cs_handoff_fini(&later);
}
END_TEST

/* ---- listeners */

static struct cs_http_peer seen;

static void
note_peer(void *ctx, struct cs_http_request *req)
{
	(void)ctx;
	cs_http_request_peer(req, &seen);
	cs_http_reply_json(req, 200, "{}", 2);
}

START_TEST(a_unix_socket_tells_who_is_there)
{
	char *folder = test_folder(), *text = cs_xasprintf("unix:%s/s", folder);
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	static char buf[4096];
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s/s", folder);
	conf.listen = text;
	start(note_peer);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	peer_write(fd, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
	raw_read(fd, buf, sizeof(buf), NULL, 0);
	ck_assert_ptr_eq(strstr(buf, "HTTP/1.1 200 "), buf);
	ck_assert(seen.is_unix && seen.loopback);
	ck_assert_uint_eq(seen.uid, getuid());
	ck_assert_uint_eq(seen.gid, getgid());
	ck_assert_int_eq(seen.pid, getpid());
	close(fd);
	cs_http_server_stop(server, 1000);
	cs_http_server_free(server);
	ck_assert_int_ne(access(a.sun_path, F_OK), 0);
	free(text);
	test_folder_remove(folder);
}
END_TEST

START_TEST(a_tcp_peer_has_an_address)
{
	start(note_peer);
	talk("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
	ck_assert_str_eq(seen.address, "127.0.0.1");
	ck_assert(!seen.is_unix && seen.loopback);
	cs_http_server_stop(server, 1000);
	cs_http_server_free(server);
}
END_TEST

START_TEST(a_plain_listener_stays_at_home_unless_a_proxy_is_before_it)
{
	struct cs_err err = { 0 };

	conf.listen = "0.0.0.0:0";
	conf.handle = describe;
	ck_assert_ptr_null(cs_http_server_start(&conf, &err));
	ck_assert_int_eq(err.code, CS_EPERM);
	ck_assert_ptr_nonnull(strstr(err.hint, "behind_proxy"));
	conf.behind_proxy = true;
	start(describe);
	cs_http_server_stop(server, 1000);
	cs_http_server_free(server);
}
END_TEST

START_TEST(bad_tls_files_are_named)
{
	char *folder = test_folder();
	char *cert = cs_xasprintf("%s/cert.pem", folder), *none = cs_xasprintf("%s/none.pem", folder);
	struct cs_err err = { 0 };

	make_certificate(folder);
	conf.listen = "127.0.0.1:0";
	conf.handle = describe;
	conf.tls_cert_file = cert;
	ck_assert_ptr_null(cs_http_server_start(&conf, &err));
	ck_assert_int_eq(err.code, CS_EINVAL);
	conf.tls_key_file = none;
	ck_assert_ptr_null(cs_http_server_start(&conf, &err));
	ck_assert_ptr_nonnull(strstr(err.msg, "none.pem"));
	conf.tls_key_file = cert; /* not a key */
	ck_assert_ptr_null(cs_http_server_start(&conf, &err));
	ck_assert_ptr_nonnull(strstr(err.msg, "certificate"));
	free(cert);
	free(none);
	test_folder_remove(folder);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("server");
	TCase *t = tcase_create("server");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, a_request_comes_with_all_its_parts);
	tcase_add_test(t, a_body_can_come_in_chunks_and_pieces);
	tcase_add_test(t, a_target_has_a_greatest_length);
	tcase_add_test(t, an_encoded_slash_passes_only_where_the_application_takes_it);
	tcase_add_test(t, pipelined_requests_are_answered_in_order);
	tcase_add_loop_test(t, what_two_readers_would_read_differently_is_refused_and_closed, 0, (int)CS_ARRAY_LEN(smuggled));
	tcase_add_test(t, a_body_over_its_limit_is_413_as_a_problem);
	tcase_add_test(t, a_client_that_asks_before_sending_is_told_before_sending);
	tcase_add_test(t, the_application_may_answer_before_the_body_and_the_connection_goes_on);
	tcase_add_test(t, bodies_over_the_common_budget_are_503_with_retry_after);
	tcase_add_test(t, a_trickling_body_is_cut_off);
	tcase_add_test(t, answers_from_other_threads_race_with_nothing);
	tcase_add_test(t, a_client_may_go_away_while_its_request_is_worked_on);
	tcase_add_test(t, as_many_clients_at_once_as_one_wait_reports_are_all_answered);
	tcase_add_test(t, stopping_answers_what_the_application_still_holds);
	tcase_add_test(t, stopping_waits_for_answers_that_come_in_time);
	tcase_add_test(t, a_quiesced_server_ends_what_is_open_and_takes_nobody_new);
	tcase_add_test(t, stopping_under_load_loses_no_request_that_was_taken);
	tcase_add_test(t, a_server_can_be_stopped_while_clients_go_on_asking);
	tcase_add_test(t, a_unix_socket_tells_who_is_there);
	tcase_add_test(t, a_tcp_peer_has_an_address);
	tcase_add_test(t, a_plain_listener_stays_at_home_unless_a_proxy_is_before_it);
	tcase_add_test(t, bad_tls_files_are_named);
	suite_add_tcase(suite, t);
	r = srunner_create(suite);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
