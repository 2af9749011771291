/* SPDX-License-Identifier: Apache-2.0 */
/* test_err.c - what an operation says when it fails. */
#include <check.h>
#include <errno.h>
#include <string.h>
#include "util/err.h"

START_TEST(setting_an_error_returns_its_code_and_clears_the_hint)
{
	struct cs_err err = { .hint = "an old hint" };

	ck_assert_int_eq(cs_err_set(&err, CS_EFULL, "no room on %s", "disk"), CS_EFULL);
	ck_assert_int_eq(err.code, CS_EFULL);
	ck_assert_str_eq(err.msg, "no room on disk");
	ck_assert_str_eq(err.hint, "");
	cs_err_hint(&err, "free %d MiB", 5);
	ck_assert_str_eq(err.hint, "free 5 MiB");
	ck_assert_str_eq(err.msg, "no room on disk");
}
END_TEST

START_TEST(nobody_needs_to_listen)
{
	ck_assert_int_eq(cs_err_set(NULL, CS_EIO, "x"), CS_EIO);
	cs_err_hint(NULL, "y");
}
END_TEST

START_TEST(a_long_message_is_cut_and_terminated)
{
	char text[1000];
	struct cs_err err;

	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	cs_err_set(&err, CS_EINVAL, "%s", text);
	cs_err_hint(&err, "%s", text);
	ck_assert_uint_eq(strlen(err.msg), sizeof(err.msg) - 1);
	ck_assert_uint_eq(strlen(err.hint), sizeof(err.hint) - 1);
}
END_TEST

START_TEST(an_earlier_message_can_be_part_of_a_longer_one)
{
	struct cs_err err;

	cs_err_set(&err, CS_EINVAL, "bad port");
	cs_err_set(&err, err.code, "%s: %s", "relay.conf", err.msg);
	ck_assert_str_eq(err.msg, "relay.conf: bad port");
	cs_err_hint(&err, "one");
	cs_err_hint(&err, "%s, two", err.hint);
	ck_assert_str_eq(err.hint, "one, two");
}
END_TEST

START_TEST(errno_is_preserved)
{
	struct cs_err err;

	errno = ENOSPC;
	cs_err_set(&err, CS_EIO, "%m");
	cs_err_hint(&err, "%d", 1);
	ck_assert_int_eq(errno, ENOSPC);
	ck_assert_str_eq(err.msg, strerror(ENOSPC));
}
END_TEST

START_TEST(every_code_has_a_name_of_its_own)
{
	for (int a = CS_OK; a >= CS_EUNSUPPORTED; a--)
		for (int b = a - 1; b >= CS_EUNSUPPORTED; b--)
			ck_assert_str_ne(cs_err_name(a), cs_err_name(b));
	ck_assert_str_eq(cs_err_name(CS_ENOTFOUND), "not found");
	ck_assert_str_eq(cs_err_name(1), "unknown error");
	ck_assert_str_eq(cs_err_name(CS_EUNSUPPORTED - 1), "unknown error");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("err");
	TCase *t = tcase_create("err");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(t, setting_an_error_returns_its_code_and_clears_the_hint);
	tcase_add_test(t, nobody_needs_to_listen);
	tcase_add_test(t, a_long_message_is_cut_and_terminated);
	tcase_add_test(t, an_earlier_message_can_be_part_of_a_longer_one);
	tcase_add_test(t, errno_is_preserved);
	tcase_add_test(t, every_code_has_a_name_of_its_own);
	suite_add_tcase(s, t);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
