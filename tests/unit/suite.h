/* SPDX-License-Identifier: Apache-2.0 */
/* suite.h - how a test program ends: its suite runs, and its exit status says whether all passed. */
#ifndef CS_TESTS_UNIT_SUITE_H
#define CS_TESTS_UNIT_SUITE_H

#include <check.h>

static inline int
run_suite(Suite *s)
{
	SRunner *sr = srunner_create(s);
	int failed;

	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}

/* A suite of one case; setup and teardown (or neither) run around each test that `fill` adds. */
static inline int
run_case(const char *name, void (*setup)(void), void (*teardown)(void), void (*fill)(TCase *))
{
	Suite *s = suite_create(name);
	TCase *t = tcase_create(name);

	if (setup != NULL)
		tcase_add_checked_fixture(t, setup, teardown);
	fill(t);
	suite_add_tcase(s, t);
	return run_suite(s);
}

#endif
