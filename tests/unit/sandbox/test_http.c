/* SPDX-License-Identifier: Apache-2.0 */
/* The sandbox's HTTP server, byte by byte. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "rig.h"

static void
setup(void)
{
	rig_start_text(&rig, "{\"title\":\"Acme\",\"endpoints\":[{\"method\":\"POST\",\"path\":\"/echo\",\"answer\":"
	                     "{\"body\":{\"got\":\"${raw}\"}}},{\"method\":\"GET\",\"path\":\"/x\",\"answer\":{\"status\":204}},"
	                     "{\"method\":\"HEAD\",\"path\":\"/x\",\"answer\":{\"body\":{\"a\":1}}}]}");
}

static void
say(int fd, const char *s)
{
	rig_send(fd, s, strlen(s));
}

START_TEST(a_connection_is_kept_for_the_next_request)
{
	int fd = rig_connect(&rig);

	for (int i = 0; i < 3; i++) {
		say(fd, "POST /acme/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi");
		ck_assert_str_eq(rig_at(rig_read(fd, 20000), "/got"), "hi");
	}
	close(fd);
}
END_TEST

START_TEST(pipelined_requests_are_answered_in_order)
{
	int fd = rig_connect(&rig);

	say(fd, "POST /acme/echo HTTP/1.1\r\nContent-Length: 1\r\n\r\n1POST /acme/echo HTTP/1.1\r\nContent-Length: 1\r\n\r\n2"
	        "GET /acme/x HTTP/1.1\r\n\r\n");
	ck_assert_str_eq(rig_at(rig_read(fd, 20000), "/got"), "1");
	ck_assert_str_eq(rig_at(rig_read(fd, 20000), "/got"), "2");
	ck_assert_int_eq(rig_read(fd, 20000)->status, 204);
	close(fd);
}
END_TEST

START_TEST(a_request_may_come_one_byte_at_a_time)
{
	const char *s = "POST /acme/echo HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello";
	int fd = rig_connect(&rig);

	for (; *s != '\0'; s++) {
		rig_send(fd, s, 1);
		usleep(200);
	}
	ck_assert_str_eq(rig_at(rig_read(fd, 20000), "/got"), "hello");
	close(fd);
}
END_TEST

START_TEST(a_chunked_body_is_put_together)
{
	int fd = rig_connect(&rig);

	say(fd, "POST /acme/echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
	usleep(2000);
	say(fd, "2;x=y\r\nde\r\n0\r\n\r\nGET /acme/x HTTP/1.1\r\n\r\n");
	ck_assert_str_eq(rig_at(rig_read(fd, 20000), "/got"), "abcde");
	ck_assert_int_eq(rig_read(fd, 20000)->status, 204);
	close(fd);
}
END_TEST

START_TEST(a_client_that_asks_is_told_to_continue)
{
	int fd = rig_connect(&rig);

	say(fd, "POST /acme/echo HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
	ck_assert_int_eq(rig_read(fd, 20000)->status, 100);
	say(fd, "ok");
	ck_assert_str_eq(rig_at(rig_read(fd, 20000), "/got"), "ok");
	close(fd);
}
END_TEST

START_TEST(http_1_0_and_connection_close_end_the_connection)
{
	static const char *const asks[] = { "GET /acme/x HTTP/1.0\r\n\r\n", "GET /acme/x HTTP/1.1\r\nConnection: close\r\n\r\n" };

	for (size_t i = 0; i < CS_ARRAY_LEN(asks); i++) {
		int fd = rig_connect(&rig);

		say(fd, asks[i]);
		ck_assert_int_eq(rig_read(fd, 20000)->status, 204);
		ck_assert_int_eq(rig_read(fd, 20000)->ended, true);
		close(fd);
	}
}
END_TEST

START_TEST(a_head_answer_has_no_body)
{
	struct answer *a = rig_call(&rig, "HEAD", "/acme/x", "", NULL);

	ck_assert_int_eq(a->status, 200);
	ck_assert_int_eq(a->body_len, 0);
}
END_TEST

START_TEST(malformed_requests_are_refused_and_the_connection_ends)
{
	static const struct {
		const char *text;
		int status;
	} bad[] = {
		{ "nonsense\r\n\r\n", 400 },
		{ "GET acme HTTP/1.1\r\n\r\n", 400 },
		{ "GET /acme/x HTTP/2.0\r\n\r\n", 400 },
		{ "GET /acme/x HTTP/1.1\r\nno colon\r\n\r\n", 400 },
		{ "POST /acme/echo HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400 },
		{ "POST /acme/echo HTTP/1.1\r\nContent-Length: 9999999999\r\n\r\n", 413 },
		{ "POST /acme/echo HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400 },
		{ "POST /acme/echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400 },
	};

	for (size_t i = 0; i < CS_ARRAY_LEN(bad); i++) {
		int fd = rig_connect(&rig);

		say(fd, bad[i].text);
		ck_assert_msg(rig_read(fd, 20000)->status == bad[i].status, "case %zu", i);
		ck_assert(rig_read(fd, 20000)->ended);
		close(fd);
	}
}
END_TEST

START_TEST(an_endless_head_is_refused)
{
	char line[1024];
	int fd = rig_connect(&rig);

	say(fd, "GET /acme/x HTTP/1.1\r\n");
	memset(line, 'a', sizeof(line));
	line[1] = ':';
	memcpy(line + sizeof(line) - 2, "\r\n", 2);
	for (int i = 0; i < 40; i++)
		rig_send(fd, line, sizeof(line));
	ck_assert_int_eq(rig_read(fd, 20000)->status, 431);
	close(fd);
}
END_TEST

START_TEST(a_body_of_megabytes_arrives_whole)
{
	size_t n = 3u << 20;
	char *body = malloc(n + 1);
	struct answer *a;

	memset(body, 'b', n);
	body[n] = '\0';
	a = rig_call(&rig, "POST", "/acme/echo", "", body);
	ck_assert_int_eq(a->status, 200);
	ck_assert_uint_eq(strlen(rig_at(a, "/got")), n);
	free(body);
}
END_TEST

START_TEST(only_loopback_may_be_listened_on)
{
	struct cs_sandbox_conf conf = CS_SANDBOX_CONF_INIT;
	struct cs_sandbox *s;
	struct cs_err err = { 0 };

	conf.data = CS_TEST_SRCDIR "/plugins";
	conf.port = 0;
	conf.host = "0.0.0.0";
	ck_assert_int_eq(cs_sandbox_open(&s, &conf, &err), CS_EPERM);
	ck_assert_ptr_nonnull(strstr(err.msg, "loopback"));
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		a_connection_is_kept_for_the_next_request, pipelined_requests_are_answered_in_order,
		a_request_may_come_one_byte_at_a_time, a_chunked_body_is_put_together,
		a_client_that_asks_is_told_to_continue, http_1_0_and_connection_close_end_the_connection,
		a_head_answer_has_no_body, malformed_requests_are_refused_and_the_connection_ends,
		an_endless_head_is_refused, a_body_of_megabytes_arrives_whole, only_loopback_may_be_listened_on,
	};

	return rig_run("sandbox http", setup, rig_teardown, tests, CS_ARRAY_LEN(tests));
}
