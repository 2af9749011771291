/* SPDX-License-Identifier: Apache-2.0 */
/* The list of faults, and the guess. */
#include "conf/errors.h"
#include "fixture.h"

static const char *const words[] = { "store.path", "store.min_free", "schedule.max_wait", "behind_proxy", "public_url" };

static const char *
guess(const char *word)
{
	const char *w = cs_conf_nearest(word, words, CS_ARRAY_LEN(words));

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

START_TEST(an_entry_is_one_line_with_place_option_and_what_is_allowed)
{
	struct cs_conf_errors e = { 0 };
	char text[256], tiny[8];

	for (int i = 0; i < 100; i++)
		cs_conf_errors_add(&e, (struct cs_conf_place){ "/etc/x.conf", i }, i % 2 != 0 ? "a.b" : NULL, i % 3 == 0 ? "c" : NULL,
		                   "wrong by %d", i);
	ck_assert_uint_eq(e.n, 100);
	ck_assert_str_eq(cs_conf_error_text(&e.v[0], text, sizeof(text)), "/etc/x.conf: wrong by 0 (allowed: c)");
	ck_assert_str_eq(cs_conf_error_text(&e.v[1], text, sizeof(text)), "/etc/x.conf:1: a.b: wrong by 1");
	ck_assert_str_eq(cs_conf_error_text(&e.v[1], tiny, sizeof(tiny)), "/etc/x.");
	cs_conf_errors_fini(&e);
	ck_assert_uint_eq(e.n, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("conf errors");
	TCase *t = tcase_create("errors");

	tcase_add_test(t, a_slip_of_the_finger_is_guessed);
	tcase_add_test(t, a_name_in_the_wrong_group_is_guessed);
	tcase_add_test(t, what_is_far_from_everything_is_not_guessed);
	tcase_add_test(t, an_entry_is_one_line_with_place_option_and_what_is_allowed);
	suite_add_tcase(s, t);
	return run_suite(s);
}
