/* SPDX-License-Identifier: Apache-2.0 */
/* How values are written. */
#include "conf/value.h"
#include "fixture.h"

static int64_t
duration(const char *s)
{
	struct cs_err err = { 0 };
	int64_t ms = -2;

	return cs_conf_parse_duration(s, &ms, &err) == 0 ? ms : -1;
}

static int64_t
size(const char *s)
{
	struct cs_err err = { 0 };
	int64_t n = -2;

	return cs_conf_parse_size(s, &n, &err) == 0 ? n : -1;
}

START_TEST(durations_are_read_with_any_unit)
{
	ck_assert_int_eq(duration("30 s"), 30000);
	ck_assert_int_eq(duration("10m"), 600000);
	ck_assert_int_eq(duration("10 min"), 600000);
	ck_assert_int_eq(duration("24h"), 86400000);
	ck_assert_int_eq(duration("400 d"), 400LL * 86400000);
	ck_assert_int_eq(duration("250 ms"), 250);
	ck_assert_int_eq(duration(" 1 h 30 m "), 5400000);
	ck_assert_int_eq(duration("0 s"), 0);
}
END_TEST

START_TEST(what_is_no_duration_is_refused)
{
	static const char *const bad[] = { "", " ", "30", "s", "-3 s", "3 x", "3 ss", "1.5 h", "3 s,", "99999999999999999999 s",
		                           "9223372036854775807 d", "9000000000000000000 ms 9000000000000000000 ms", "3 S" };

	for (size_t i = 0; i < CS_ARRAY_LEN(bad); i++)
		ck_assert_msg(duration(bad[i]) == -1, "\"%s\" was taken", bad[i]);
}
END_TEST

START_TEST(sizes_are_binary_and_need_a_unit)
{
	ck_assert_int_eq(size("16 MiB"), 16 << 20);
	ck_assert_int_eq(size("256KiB"), 256 << 10);
	ck_assert_int_eq(size("2 TiB"), 2LL << 40);
	ck_assert_int_eq(size("100 B"), 100);
	ck_assert_int_eq(size("16"), -1);
	ck_assert_int_eq(size("16 MB"), -1);
	ck_assert_int_eq(size("16 mib"), -1);
	ck_assert_int_eq(size("99999999 TiB"), -1);
}
END_TEST

START_TEST(durations_and_sizes_are_written_as_they_are_read)
{
	static const int64_t ms[] = { 0, 1, 250, 1000, 90000, 60000, 3600000, 86400000, 86400001, 400LL * 86400000 };
	static const int64_t bytes[] = { 0, 1, 1023, 1024, 1536, 1 << 20, 3LL << 30, 5LL << 40 };
	char text[CS_CONF_VALUE_TEXT];

	for (size_t i = 0; i < CS_ARRAY_LEN(ms); i++)
		ck_assert_int_eq(duration(cs_conf_duration_text(ms[i], text)), ms[i]);
	for (size_t i = 0; i < CS_ARRAY_LEN(bytes); i++)
		ck_assert_int_eq(size(cs_conf_size_text(bytes[i], text)), bytes[i]);
	ck_assert_str_eq(cs_conf_duration_text(86400000, text), "1 d");
	ck_assert_str_eq(cs_conf_size_text(512LL << 20, text), "512 MiB");
}
END_TEST

START_TEST(waits_carry_their_spread)
{
	struct cs_conf_wait w;
	struct cs_err err;

	ck_assert_int_eq(cs_conf_parse_wait("30 s +- 10 s", &w, &err), 0);
	ck_assert_int_eq(w.wait_ms, 30000);
	ck_assert_int_eq(w.spread_ms, 10000);
	ck_assert_int_eq(cs_conf_parse_wait("1h\xC2\xB1" "10m", &w, &err), 0);
	ck_assert_int_eq(w.wait_ms, 3600000);
	ck_assert_int_eq(w.spread_ms, 600000);
	ck_assert_int_eq(cs_conf_parse_wait("2 m", &w, &err), 0);
	ck_assert_int_eq(w.spread_ms, 0);
	ck_assert_int_lt(cs_conf_parse_wait("30 s +- 40 s", &w, &err), 0);
	ck_assert_int_lt(cs_conf_parse_wait("30 s +-", &w, &err), 0);
	ck_assert_int_lt(cs_conf_parse_wait("+- 3 s", &w, &err), 0);
	ck_assert_int_lt(cs_conf_parse_wait("100 ms", &w, &err), 0);
	ck_assert_int_lt(cs_conf_parse_wait("31 d", &w, &err), 0);
}
END_TEST

START_TEST(listen_addresses_are_numbers_or_unix_sockets)
{
	static const char *const bad[] = { "8080", "localhost:8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "::1:80",
		                           "127.0.0.1:80x", "[::1]", "[::1:80", "unix:run/x", "unix:", "127.0.0.1:-1", ":80",
		                           "999.0.0.1:80", "127.0.0.1:99999999999999999999", "[127.0.0.1]:80" };
	struct cs_conf_listen l;
	struct cs_err err;
	char path[160];

	ck_assert_int_eq(cs_conf_parse_listen("127.0.0.1:0", &l, &err), 0);
	ck_assert(l.is_loopback && !l.is_unix);
	ck_assert_int_eq(cs_conf_parse_listen("[::1]:8080", &l, &err), 0);
	ck_assert(l.is_loopback && l.addr.ss_family == AF_INET6);
	ck_assert_int_eq(cs_conf_parse_listen("0.0.0.0:80", &l, &err), 0);
	ck_assert(!l.is_loopback);
	ck_assert_int_eq(cs_conf_parse_listen("unix:/run/x.sock", &l, &err), 0);
	ck_assert(l.is_unix);
	ck_assert_str_eq(l.path, "/run/x.sock");
	for (size_t i = 0; i < CS_ARRAY_LEN(bad); i++)
		ck_assert_msg(cs_conf_parse_listen(bad[i], &l, &err) < 0, "\"%s\" was taken", bad[i]);
	memset(path, 'a', sizeof(path));
	memcpy(path, "unix:/", 6);
	path[5 + 108] = '\0';
	ck_assert_int_lt(cs_conf_parse_listen(path, &l, &err), 0);
	path[5 + 107] = '\0';
	ck_assert_int_eq(cs_conf_parse_listen(path, &l, &err), 0);
}
END_TEST

START_TEST(exceptions_of_the_guard_name_address_and_port)
{
	static const char *const good[] = { "127.0.0.1:9090", "[::1]:1", "10.1.2.0/24:*", "[fd00::/8]:443", "10.0.0.0/8:80" };
	static const char *const bad[] = { "127.0.0.1", "127.0.0.1:0", "localhost:80", "10.0.0.0/33:80", "[fd00::/129]:1", "10.0.0.0/:1",
		                           "*:80", "fd00::1:80", "10.0.0.1/8/8:1", "" };
	struct cs_err err;

	for (size_t i = 0; i < CS_ARRAY_LEN(good); i++)
		ck_assert_msg(cs_conf_check_address(good[i], &err) == 0, "\"%s\" was refused", good[i]);
	for (size_t i = 0; i < CS_ARRAY_LEN(bad); i++)
		ck_assert_msg(cs_conf_check_address(bad[i], &err) < 0, "\"%s\" was taken", bad[i]);
}
END_TEST

START_TEST(urls_have_a_scheme_and_a_host_and_no_user)
{
	static const char *const good[] = { "https://x.example", "http://127.0.0.1:8081/", "https://[::1]:4/a?b=c", "https://a-b.c/d" };
	static const char *const bad[] = { "", "x", "ftp://x", "https://", "https:///a", "https://u:p@x/", "https://x y", "https://x#f",
		                           "https://x:", "https://x:port/", "https://x\n", "https://x\\y", "HTTPS://x", "https://[::1/",
		                           "https://x:123456/", "https://?a" };
	struct cs_err err;

	for (size_t i = 0; i < CS_ARRAY_LEN(good); i++)
		ck_assert_msg(cs_conf_check_url(good[i], &err) == 0, "\"%s\" was refused: %s", good[i], err.msg);
	for (size_t i = 0; i < CS_ARRAY_LEN(bad); i++)
		ck_assert_msg(cs_conf_check_url(bad[i], &err) < 0, "\"%s\" was taken", bad[i]);
}
END_TEST

START_TEST(secrets_of_standard_webhooks_have_24_to_64_bytes)
{
	struct cs_err err;

	ck_assert_int_eq(cs_conf_check_whsec(WHSEC, strlen(WHSEC), &err), 0);
	ck_assert_int_lt(cs_conf_check_whsec("whsec_AAAA", 10, &err), 0);
	ck_assert_int_lt(cs_conf_check_whsec("hunter2hunter2", 14, &err), 0);
	ck_assert_ptr_null(strstr(err.msg, "hunter2"));
	ck_assert_int_lt(cs_conf_check_whsec("whsec_", 6, &err), 0);
	ck_assert_int_lt(cs_conf_check_whsec("whsec_!!!!MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY", 54, &err), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("conf value");
	TCase *t = tcase_create("value");

	tcase_add_test(t, durations_are_read_with_any_unit);
	tcase_add_test(t, what_is_no_duration_is_refused);
	tcase_add_test(t, sizes_are_binary_and_need_a_unit);
	tcase_add_test(t, durations_and_sizes_are_written_as_they_are_read);
	tcase_add_test(t, waits_carry_their_spread);
	tcase_add_test(t, listen_addresses_are_numbers_or_unix_sockets);
	tcase_add_test(t, exceptions_of_the_guard_name_address_and_port);
	tcase_add_test(t, urls_have_a_scheme_and_a_host_and_no_user);
	tcase_add_test(t, secrets_of_standard_webhooks_have_24_to_64_bytes);
	suite_add_tcase(s, t);
	return run_suite(s);
}
