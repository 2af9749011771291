/* SPDX-License-Identifier: Apache-2.0 */
/* The guess behind "did you mean". */
#include "util/nearest.h"
#include <check.h>
#include <string.h>
#include "util/err.h"

static const char *const words[] = { "store.path", "store.min_free", "schedule.max_wait", "behind_proxy", "public_url" };

static const char *
guess(const char *word)
{
	const char *w = cs_nearest(word, words, CS_ARRAY_LEN(words));

	return w != NULL ? w : "";
}

START_TEST(a_slip_of_the_finger_is_guessed)
{
	ck_assert_str_eq(guess("store.pth"), "store.path");
	ck_assert_str_eq(guess("store.ptah"), "store.path");
	ck_assert_str_eq(guess("behind_prox"), "behind_proxy");
	ck_assert_str_eq(guess("behindproxy"), "behind_proxy");
	ck_assert_str_eq(guess("schedule.maxwait"), "schedule.max_wait");
}
END_TEST

START_TEST(a_name_in_the_wrong_group_is_guessed)
{
	ck_assert_str_eq(guess("max_wait"), "schedule.max_wait");
	ck_assert_str_eq(guess("limits.min_free"), "store.min_free");
}
END_TEST

START_TEST(what_is_far_from_everything_is_not_guessed)
{
	char longword[200];

	ck_assert_str_eq(guess("colour"), "");
	ck_assert_str_eq(guess("x"), "");
	memset(longword, 'a', sizeof(longword));
	longword[sizeof(longword) - 1] = '\0';
	ck_assert_str_eq(guess(longword), "");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("nearest");
	TCase *t = tcase_create("nearest");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_test(t, a_slip_of_the_finger_is_guessed);
	tcase_add_test(t, a_name_in_the_wrong_group_is_guessed);
	tcase_add_test(t, what_is_far_from_everything_is_not_guessed);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
