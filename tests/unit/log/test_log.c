/* SPDX-License-Identifier: Apache-2.0 */
/* test_log.c - one call, one line; quoting; levels; complaints. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "log/log.h"
#include "util/clock.h"
#include "util/json.h"

static int pipe_fd[2];

static void
open_log(enum cs_log_level level, bool json, const char *modules)
{
	struct cs_log_conf conf = { .level = level, .json = json, .debug_modules = modules };

	ck_assert_int_eq(pipe(pipe_fd), 0);
	ck_assert_int_eq(fcntl(pipe_fd[0], F_SETFL, O_NONBLOCK), 0);
	conf.fd = pipe_fd[1];
	cs_log_init(&conf);
	cs_clock_real.fixed_ms = 1779805920123; /* 2026-05-26T14:32:00.123Z */
}

/* What came since the last call; "" when nothing. */
static const char *
logged(void)
{
	static char text[65536];
	ssize_t n = read(pipe_fd[0], text, sizeof(text) - 1);

	text[n < 0 ? 0 : n] = '\0';
	return text;
}

START_TEST(a_line_has_time_level_module_sentence_and_fields)
{
	open_log(CS_LOG_INFO, false, NULL);
	cs_log(CS_LOG_WARN, "deliver", "push deferred", "outcome=retry status=%d wait_ms=%d", 503, 30412);
	ck_assert_str_eq(logged(), "2026-05-26T14:32:00.123Z warn deliver: push deferred outcome=retry status=503 "
	                           "wait_ms=30412\n");
	cs_clock_real.fixed_ms = 1779805920000;
	cs_log(CS_LOG_ERROR, "store", "closed", "%s", "");
	ck_assert_str_eq(logged(), "2026-05-26T14:32:00.000Z error store: closed\n");
}
END_TEST

START_TEST(before_init_info_goes_to_stderr)
{
	char text[200];
	ssize_t n;

	ck_assert_int_eq(pipe(pipe_fd), 0);
	ck_assert_int_eq(dup2(pipe_fd[1], STDERR_FILENO), STDERR_FILENO);
	ck_assert(cs_log_wants(CS_LOG_INFO, "x"));
	ck_assert(!cs_log_wants(CS_LOG_DEBUG, "x"));
	cs_log(CS_LOG_DEBUG, "early", "not to be seen", "%s", "");
	cs_log(CS_LOG_INFO, "early", "hello", "n=%d", 1);
	n = read(pipe_fd[0], text, sizeof(text) - 1);
	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	ck_assert_str_eq(text + 24, " info early: hello n=1\n");
}
END_TEST

START_TEST(a_level_hides_what_is_below_it)
{
	open_log(CS_LOG_WARN, false, NULL);
	cs_log(CS_LOG_INFO, "m", "hidden", "%s", "");
	ck_assert_str_eq(logged(), "");
	cs_log(CS_LOG_WARN, "m", "shown", "%s", "");
	ck_assert_str_ne(logged(), "");
}
END_TEST

START_TEST(debug_is_switched_on_by_module)
{
	open_log(CS_LOG_ERROR, false, "deliver, http");
	ck_assert(cs_log_wants(CS_LOG_DEBUG, "deliver"));
	ck_assert(cs_log_wants(CS_LOG_DEBUG, "http"));
	ck_assert(!cs_log_wants(CS_LOG_DEBUG, "htt"));
	ck_assert(!cs_log_wants(CS_LOG_WARN, "https"));
	ck_assert(!cs_log_wants(CS_LOG_DEBUG, "store"));
	open_log(CS_LOG_ERROR, false, "all");
	ck_assert(cs_log_wants(CS_LOG_DEBUG, "store"));
	open_log(CS_LOG_ERROR, false, "");
	ck_assert(!cs_log_wants(CS_LOG_DEBUG, "store"));
}
END_TEST

START_TEST(errno_is_preserved_and_can_be_formatted)
{
	open_log(CS_LOG_INFO, false, NULL);
	errno = ENOSPC;
	cs_log(CS_LOG_INFO, "m", "s", "errno=%d", errno);
	ck_assert_int_eq(errno, ENOSPC);
	ck_assert_ptr_nonnull(strstr(logged(), "errno=28\n"));
}
END_TEST

START_TEST(a_line_stays_one_line)
{
	const char *line;

	open_log(CS_LOG_INFO, false, NULL);
	cs_log(CS_LOG_INFO, "m", "s", "v=%s", "a\nb\r\x1b[31m\x7f");
	line = logged();
	ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
	ck_assert_ptr_nonnull(strstr(line, "v=a?b??[31m?\n"));
}
END_TEST

START_TEST(too_long_a_line_is_cut_but_whole)
{
	char value[10000];
	json_object *o;
	const char *line;

	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	open_log(CS_LOG_INFO, false, NULL);
	cs_log(CS_LOG_INFO, "m", "s", "v=%s after=1", value);
	line = logged();
	ck_assert_uint_lt(strlen(line), 4096);
	ck_assert_str_eq(line + strlen(line) - 5, "x...\n");
	open_log(CS_LOG_INFO, true, NULL);
	memset(value, '"', sizeof(value) - 1);
	cs_log(CS_LOG_INFO, value, value, "first=1 v=a%s", value);
	line = logged();
	ck_assert_uint_le(strlen(line), 4096);
	ck_assert_int_eq(cs_json_parse(line, strlen(line), 1, &o, NULL), 0);
	ck_assert_int_eq(cs_json_int(o, "first", 0), 1);
	ck_assert(cs_json_bool(o, "cut", false));
	json_object_put(o);
}
END_TEST

START_TEST(fields_put_together_by_the_caller_make_the_same_line)
{
	char value[10000];

	open_log(CS_LOG_INFO, false, NULL);
	cs_log_fields(CS_LOG_INFO, "deliver", "delivered", "delivery=dlv_1 status=200");
	ck_assert_str_eq(logged(), "2026-05-26T14:32:00.123Z info deliver: delivered delivery=dlv_1 status=200\n");
	cs_log_fields(CS_LOG_INFO, "deliver", "delivered", "");
	ck_assert_str_eq(logged(), "2026-05-26T14:32:00.123Z info deliver: delivered\n");
	cs_log_fields(CS_LOG_DEBUG, "deliver", "delivered", "x=1");
	ck_assert_str_eq(logged(), "");
	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	cs_log_fields(CS_LOG_INFO, "m", "s", value);
	ck_assert_str_eq(strchr(logged(), 'x') + 2048, "\n");
}
END_TEST

START_TEST(json_lines_carry_the_fields_as_members)
{
	char quoted[64], plain[64], number[64];

	open_log(CS_LOG_INFO, true, NULL);
	cs_log(CS_LOG_WARN, "deliver", "push deferred", "outcome=retry status=%d neg=-5 zip=%s crm=%s text=%s x=00", 503,
	       cs_log_quote("01234", number, sizeof(number)), cs_log_quote("jobber", plain, sizeof(plain)),
	       cs_log_quote("a \"b\"\n\xc3\xa9\xff", quoted, sizeof(quoted)));
	ck_assert_str_eq(logged(),
	                 "{\"time\":\"2026-05-26T14:32:00.123Z\",\"level\":\"warn\",\"module\":\"deliver\",\"msg\":\"push "
	                 "deferred\",\"outcome\":\"retry\",\"status\":503,\"neg\":-5,\"zip\":\"01234\",\"crm\":\"jobber\","
	                 "\"text\":\"a \\\"b\\\"\\n\xc3\xa9\xef\xbf\xbd\",\"x\":\"00\"}\n");
	cs_log(CS_LOG_INFO, "m", "no fields", "%s", "");
	ck_assert_str_eq(logged(), "{\"time\":\"2026-05-26T14:32:00.123Z\",\"level\":\"info\",\"module\":\"m\","
	                           "\"msg\":\"no fields\"}\n");
}
END_TEST

/* Fields that a caller put together badly must not break the object. */
START_TEST(json_lines_stay_json_whatever_the_fields)
{
	static const char *const fields[] = {
		"a=\"open", "a=\"bad \\x escape\"", "a=\"\xff\"", "bare", "=", "=v", "a==b", "a=\"x\"y b=1", "a=\"", "a=\\\"",
		"a=1e5 b=--1 c=- d=99999999999999999999", "k\"ey=1", "   ", "a=\"q\\", "a={}",
	};

	open_log(CS_LOG_INFO, true, NULL);
	for (size_t i = 0; i < CS_ARRAY_LEN(fields); i++) {
		const char *line;
		struct cs_err err;
		json_object *o;

		cs_log(CS_LOG_INFO, "m", "s", "%s", fields[i]);
		line = logged();
		ck_assert_msg(cs_json_parse(line, strlen(line), 1, &o, &err) == 0, "%s %s", line, err.msg);
		json_object_put(o);
	}
}
END_TEST

static const struct {
	const char *value;
	size_t cap;
	const char *quoted;
} quotes[] = {
	{ "plain", 64, "plain" },
	{ "a-b_c.d/e:f", 64, "a-b_c.d/e:f" },
	{ "", 64, "\"\"" },
	{ NULL, 64, "\"\"" },
	{ "two words", 64, "\"two words\"" },
	{ "a=b", 64, "\"a=b\"" },
	{ "a\"b\\c", 64, "\"a\\\"b\\\\c\"" },
	{ "a\r\nb\x01", 64, "\"a\\r\\nb\\u0001\"" },
	{ "42", 64, "\"42\"" },
	{ "-7", 64, "\"-7\"" },
	{ "4x", 64, "4x" },
	{ "\xff\xfe", 64, "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
	{ "J\xc3\xbcrgen", 64, "\"J\xc3\xbcrgen\"" },
	{ "abcdefghij", 11, "abcdefghij" },
	{ "abcdefghij", 10, "\"abcd...\"" },
	{ "ab cdefgh", 12, "\"ab cdefgh\"" },
	{ "ab cdefghi", 12, "\"ab cde...\"" },
	{ "ab cd\xe2\x82\xac" "fghi", 12, "\"ab cd...\"" },
	{ "ab c\n\n\n\n", 12, "\"ab c\\n...\"" },
	{ "\n\n\n", 8, "\"\\n...\"" },
	{ "x", 1, "" },
};

START_TEST(values_are_quoted_and_cut)
{
	char *exact = malloc(quotes[_i].cap);

	ck_assert_str_eq(cs_log_quote(quotes[_i].value, exact, quotes[_i].cap), quotes[_i].quoted);
	free(exact);
}
END_TEST

/* ---- complaints */

static bool
complained(struct cs_complaint *c, int64_t now_ms, const char *end)
{
	const char *line;
	bool said;

	cs_log_complain(c, now_ms, CS_LOG_WARN, "store", "disk is full", "free=%d", 3);
	line = logged();
	said = *line != '\0';
	if (said)
		ck_assert_str_eq(line, end);
	return said;
}

#define LINE(fields) "2026-05-26T14:32:00.123Z warn store: disk is full " fields "\n"

START_TEST(a_lasting_fault_is_told_at_growing_intervals)
{
	struct cs_complaint c = { 0 };
	int told = 0;

	open_log(CS_LOG_INFO, false, NULL);
	ck_assert(complained(&c, 1000000, LINE("free=3")));
	for (int i = 0; i < 4; i++)
		ck_assert(!complained(&c, 1000000 + i * 2000, ""));
	ck_assert(complained(&c, 1010000, LINE("free=3 held_back=4")));
	ck_assert(!complained(&c, 1029999, ""));
	ck_assert(complained(&c, 1030000, LINE("free=3 held_back=1")));
	ck_assert(complained(&c, 1070000, LINE("free=3")));
	for (int64_t t = 1070000; t < 1070000 + CS_DAY_MS; t += 60000) {
		cs_log_complain(&c, t, CS_LOG_WARN, "store", "disk is full", "free=%d", 3);
		told += *logged() != '\0';
	}
	ck_assert_int_ge(told, 24); /* hourly in the end */
	ck_assert_int_le(told, 32);
}
END_TEST

START_TEST(the_end_of_a_fault_is_told_once)
{
	struct cs_complaint c = { 0 };

	open_log(CS_LOG_INFO, false, NULL);
	cs_log_relieve(&c, "store", "disk has room again");
	ck_assert_str_eq(logged(), "");
	complained(&c, 1000000, LINE("free=3"));
	complained(&c, 1000001, "");
	cs_log_relieve(&c, "store", "disk has room again");
	ck_assert_str_eq(logged(), "2026-05-26T14:32:00.123Z info store: disk has room again held_back=1\n");
	cs_log_relieve(&c, "store", "disk has room again");
	ck_assert_str_eq(logged(), "");
}
END_TEST

START_TEST(a_flickering_fault_is_told_once_a_minute)
{
	struct cs_complaint c = { 0 };
	int lines = 0;

	open_log(CS_LOG_INFO, false, NULL);
	for (int64_t t = 0; t < 10 * CS_MINUTE_MS; t += 1000) {
		cs_log_complain(&c, 5000000 + t, CS_LOG_WARN, "m", "fails", "%s", "");
		lines += *logged() != '\0';
		cs_log_relieve(&c, "m", "works");
		lines += *logged() != '\0';
	}
	ck_assert_int_eq(lines, 20);
}
END_TEST

START_TEST(a_new_fault_long_after_is_told_at_once)
{
	struct cs_complaint c = { 0 };

	open_log(CS_LOG_INFO, false, NULL);
	for (int64_t t = 0; t < CS_DAY_MS; t += 10000)
		cs_log_complain(&c, 1000000 + t, CS_LOG_WARN, "m", "fails", "%s", "");
	cs_log_relieve(&c, "m", "works");
	logged();
	ck_assert(complained(&c, 1000000 + CS_DAY_MS + CS_HOUR_MS, LINE("free=3")));
	ck_assert(complained(&c, 500, LINE("free=3"))); /* and a clock that was set back holds nothing up */
}
END_TEST

/* ---- threads */

static void *
log_much(void *arg)
{
	for (int i = 0; i < 200; i++)
		cs_log(CS_LOG_INFO, "m", "a line from a thread that must not be mixed with others", "thread=%s n=%d",
		       (const char *)arg, i);
	return NULL;
}

START_TEST(lines_of_several_threads_do_not_mix)
{
	static char text[1 << 20];
	static char names[] = "a\0b\0c\0d";
	char name[] = "/tmp/cs-log-XXXXXX";
	struct cs_log_conf conf = { .level = CS_LOG_INFO, .debug_modules = "x" };
	pthread_t t[4];
	ssize_t n;
	int lines = 0;

	conf.fd = mkstemp(name);
	ck_assert_int_ge(conf.fd, 0);
	unlink(name);
	ck_assert_int_eq(fcntl(conf.fd, F_SETFL, O_APPEND), 0);
	cs_log_init(&conf);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL, log_much, &names[2 * i]), 0);
	for (int i = 0; i < 50; i++)
		cs_log_init(&conf); /* a reload meanwhile */
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	n = pread(conf.fd, text, sizeof(text) - 1, 0);
	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1, lines++) {
		*end = '\0';
		ck_assert_int_eq(strncmp(line + 24, " info m: a line from", 20), 0);
		ck_assert_ptr_nonnull(strstr(line, "others thread="));
	}
	ck_assert_int_eq(lines, 800);
}
END_TEST

START_TEST(gathered_lines_wait_for_the_flush_but_never_behind_a_warning)
{
	open_log(CS_LOG_INFO, false, NULL);
	cs_log_gather(true);
	cs_log(CS_LOG_INFO, "m", "one", "%s", "");
	cs_log(CS_LOG_INFO, "m", "two", "%s", "");
	ck_assert_str_eq(logged(), "");
	cs_log_flush();
	ck_assert_str_eq(logged(), "2026-05-26T14:32:00.123Z info m: one\n2026-05-26T14:32:00.123Z info m: two\n");
	cs_log(CS_LOG_INFO, "m", "three", "%s", "");
	cs_log(CS_LOG_WARN, "m", "four", "%s", "");
	ck_assert_str_eq(logged(), "2026-05-26T14:32:00.123Z info m: three\n2026-05-26T14:32:00.123Z warn m: four\n");
	cs_log(CS_LOG_INFO, "m", "five", "%s", "");
	cs_log_gather(false);
	ck_assert_str_eq(logged(), "2026-05-26T14:32:00.123Z info m: five\n");
	cs_log(CS_LOG_INFO, "m", "six", "%s", "");
	ck_assert_str_eq(logged(), "2026-05-26T14:32:00.123Z info m: six\n");
}
END_TEST

START_TEST(a_full_gathering_is_written_whole)
{
	size_t lines = 0;

	open_log(CS_LOG_INFO, false, NULL);
	cs_log_gather(true);
	for (int i = 0; i < 1000; i++)
		cs_log(CS_LOG_INFO, "m", "line", "n=%d", i);
	cs_log_gather(false);
	for (const char *text = logged(); *text != '\0'; text = logged())
		for (; *text != '\0'; text++)
			lines += *text == '\n';
	ck_assert_uint_eq(lines, 1000);
}
END_TEST

START_TEST(a_closed_log_does_no_harm)
{
	struct cs_log_conf conf = { .level = CS_LOG_INFO, .fd = 999 };

	cs_log_init(&conf);
	errno = 5;
	cs_log(CS_LOG_INFO, "m", "s", "%s", "");
	ck_assert_int_eq(errno, 5);
}
END_TEST

static void
log_kib(size_t kib)
{
	char text[1024 - 64 + 1] = "";

	memset(text, 'x', sizeof(text) - 1);
	for (size_t i = 0; i <= kib; i++)
		cs_log_fields(CS_LOG_INFO, "module", "a line of about a kilobyte", text);
}

START_TEST(a_log_file_is_written_back_in_pieces)
{
	struct cs_log_conf conf = { .level = CS_LOG_INFO };
	FILE *f = tmpfile();

	ck_assert_ptr_nonnull(f);
	conf.fd = fileno(f);
	cs_log_init(&conf);
	ck_assert(!cs_log_write_back());
	log_kib(200);
	ck_assert(!cs_log_write_back());
	log_kib(60);
	ck_assert(cs_log_write_back());
	ck_assert(!cs_log_write_back());
	log_kib(260);
	ck_assert(cs_log_write_back());
	fclose(f);
}
END_TEST

START_TEST(what_is_no_file_is_not_written_back)
{
	struct cs_log_conf conf = { .level = CS_LOG_INFO, .fd = open("/dev/null", O_WRONLY) };

	cs_log_init(&conf);
	log_kib(260);
	errno = 5;
	ck_assert(!cs_log_write_back());
	ck_assert_int_eq(errno, 5);
	close(conf.fd);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("log");
	TCase *t = tcase_create("log");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(t, a_line_has_time_level_module_sentence_and_fields);
	tcase_add_test(t, before_init_info_goes_to_stderr);
	tcase_add_test(t, a_level_hides_what_is_below_it);
	tcase_add_test(t, debug_is_switched_on_by_module);
	tcase_add_test(t, errno_is_preserved_and_can_be_formatted);
	tcase_add_test(t, a_line_stays_one_line);
	tcase_add_test(t, too_long_a_line_is_cut_but_whole);
	tcase_add_test(t, fields_put_together_by_the_caller_make_the_same_line);
	tcase_add_test(t, json_lines_carry_the_fields_as_members);
	tcase_add_test(t, json_lines_stay_json_whatever_the_fields);
	tcase_add_loop_test(t, values_are_quoted_and_cut, 0, (int)CS_ARRAY_LEN(quotes));
	tcase_add_test(t, a_lasting_fault_is_told_at_growing_intervals);
	tcase_add_test(t, the_end_of_a_fault_is_told_once);
	tcase_add_test(t, a_flickering_fault_is_told_once_a_minute);
	tcase_add_test(t, a_new_fault_long_after_is_told_at_once);
	tcase_add_test(t, lines_of_several_threads_do_not_mix);
	tcase_add_test(t, gathered_lines_wait_for_the_flush_but_never_behind_a_warning);
	tcase_add_test(t, a_full_gathering_is_written_whole);
	tcase_add_test(t, a_closed_log_does_no_harm);
	tcase_add_test(t, a_log_file_is_written_back_in_pieces);
	tcase_add_test(t, what_is_no_file_is_not_written_back);
	suite_add_tcase(s, t);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
