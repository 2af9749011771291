/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_names.c - every number has a word of its own.
 */
#include <check.h>
#include <string.h>
#include "store/store.h"

static const char *
state(int i)
{
	return cs_state_name((enum cs_state)i);
}

static const char *
blame(int i)
{
	return cs_blame_name((enum cs_blame)i);
}

static const char *
lane(int i)
{
	return cs_lane_name((enum cs_lane)i);
}

static const char *
conn_state(int i)
{
	return cs_conn_state_name((enum cs_conn_state)i);
}

static void
all_differ(const char *(*name)(int), int n)
{
	for (int i = 0; i < n; i++) {
		ck_assert_str_ne(name(i), "unknown");
		for (int k = 0; k < i; k++)
			ck_assert_str_ne(name(i), name(k));
	}
	ck_assert_str_eq(name(n), "unknown");
	ck_assert_str_eq(name(-1), "unknown");
}

START_TEST(every_number_has_a_word_of_its_own)
{
	all_differ(state, CS_DISCARDED + 1);
	all_differ(blame, CS_BLAME_US + 1);
	all_differ(lane, CS_LANES);
	all_differ(conn_state, CS_CONN_PENDING + 1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("names");
	TCase *tc = tcase_create("names");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tc, every_number_has_a_word_of_its_own);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
