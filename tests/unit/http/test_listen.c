/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "http/listen.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <unistd.h>
#include "util/mem.h"

START_TEST(addresses_are_read)
{
	struct cs_listen_addr a;

	ck_assert_int_eq(cs_listen_parse("127.0.0.1:8080", &a, NULL), 0);
	ck_assert(a.loopback && !a.is_unix && a.port == 8080);
	ck_assert_int_eq(cs_listen_parse("[::1]:80", &a, NULL), 0);
	ck_assert(a.loopback && strcmp(a.ip, "::1") == 0);
	ck_assert_int_eq(cs_listen_parse("0.0.0.0:65535", &a, NULL), 0);
	ck_assert(!a.loopback);
	ck_assert_int_eq(cs_listen_parse("[::]:0", &a, NULL), 0);
	ck_assert(!a.loopback);
	ck_assert_int_eq(cs_listen_parse("unix:/run/x.sock", &a, NULL), 0);
	ck_assert(a.is_unix && strcmp(a.path, "/run/x.sock") == 0);
}
END_TEST

START_TEST(what_is_not_an_address_is_refused_with_a_hint)
{
	static const char *const bad[] = { "", "8080", ":8080", "localhost:80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
		                           "127.0.0.1:8x", "::1:80", "[::1]", "[127.0.0.1]:80", "unix:", "unix:x.sock",
		                           "127.0.0.1:+80" };
	struct cs_err err = { 0 };
	struct cs_listen_addr a;

	for (size_t i = 0; i < CS_ARRAY_LEN(bad); i++)
		ck_assert_msg(cs_listen_parse(bad[i], &a, &err) == CS_EINVAL, "\"%s\" was taken", bad[i]);
	ck_assert_str_ne(err.hint, "");
}
END_TEST

START_TEST(a_port_in_use_is_busy_and_named)
{
	struct cs_listen_addr a, b;
	struct cs_err err = { 0 };
	char text[40], port[12];
	int fd;

	cs_listen_parse("127.0.0.1:0", &a, NULL);
	fd = cs_listen_open(&a, 1, NULL);
	ck_assert_int_ge(fd, 0);
	ck_assert_uint_ne(a.port, 0);
	snprintf(port, sizeof(port), "%u", a.port);
	snprintf(text, sizeof(text), "127.0.0.1:%s", port);
	cs_listen_parse(text, &b, NULL);
	ck_assert_int_eq(cs_listen_open(&b, 1, &err), CS_EBUSY);
	ck_assert_ptr_nonnull(strstr(err.msg, port));
	close(fd);
}
END_TEST

START_TEST(a_unix_socket_replaces_a_stale_one_and_nothing_else)
{
	char folder[] = "/tmp/cs-listen-XXXXXX", text[80];
	struct cs_listen_addr a;
	struct stat st;
	int fd;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(text, sizeof(text), "unix:%s/s", folder);
	ck_assert_int_eq(cs_listen_parse(text, &a, NULL), 0);
	umask(0);
	fd = cs_listen_open(&a, 1, NULL);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(stat(a.path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0660);
	ck_assert_int_eq(cs_listen_open(&a, 1, NULL), CS_EBUSY);
	close(fd); /* the file stays behind, as after a crash */
	umask(077);
	fd = cs_listen_open(&a, 1, NULL);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(stat(a.path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0660);
	close(fd);
	unlink(a.path);
	ck_assert_int_eq(mkdir(a.path, 0700), 0);
	ck_assert_int_eq(cs_listen_open(&a, 1, NULL), CS_EEXIST);
	rmdir(a.path);
	rmdir(folder);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("listen");
	TCase *t = tcase_create("listen");
	SRunner *r;
	int failed;

	tcase_add_test(t, addresses_are_read);
	tcase_add_test(t, what_is_not_an_address_is_refused_with_a_hint);
	tcase_add_test(t, a_port_in_use_is_busy_and_named);
	tcase_add_test(t, a_unix_socket_replaces_a_stale_one_and_nothing_else);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
