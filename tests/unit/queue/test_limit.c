/* SPDX-License-Identifier: Apache-2.0 */
/* Rate limits: bursts, order, long waits refused, and the vendor's own word. */
#include <check.h>
#include <stdlib.h>
#include "queue/limit.h"

static const struct cs_limit_rule search = { 5, 1000, 5 };

START_TEST(a_burst_goes_at_once_and_the_rest_is_spread)
{
	struct cs_limits l;
	int64_t retry;

	cs_limits_init(&l);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(cs_limit_take(&l, 1, &search, 1, 1000000, 30000, &retry), 0);
	for (int i = 1; i <= 10; i++)
		ck_assert_int_eq(cs_limit_take(&l, 1, &search, 1, 1000000, 30000, &retry), 200 * i);
	cs_limits_fini(&l);
}
END_TEST

START_TEST(never_more_than_the_rate_over_any_window_after_the_burst)
{
	struct cs_limits l;
	int64_t now = 1000000, retry;
	int sent = 0;

	cs_limits_init(&l);
	for (int i = 0; i < 1000; i++, now += 10) /* asks 100 times a second for 10 s */
		if (cs_limit_take(&l, 7, &search, 1, now, 0, &retry) == 0)
			sent++;
	ck_assert_int_le(sent, 5 + 10 * 5);
	ck_assert_int_ge(sent, 10 * 5);
	cs_limits_fini(&l);
}
END_TEST

START_TEST(a_long_wait_is_refused_and_reserves_nothing)
{
	struct cs_limits l;
	int64_t retry = 0;

	cs_limits_init(&l);
	for (int i = 0; i < 15; i++)
		cs_limit_take(&l, 1, &search, 1, 1000000, 30000, &retry);
	ck_assert_int_eq(cs_limit_take(&l, 1, &search, 1, 1000000, 1000, &retry), -1);
	ck_assert_int_eq(retry, 2200);
	ck_assert_int_eq(cs_limit_take(&l, 1, &search, 1, 1000000, 30000, &retry), 2200);
	cs_limits_fini(&l);
}
END_TEST

START_TEST(cost_counts_and_keys_are_apart)
{
	struct cs_limits l;
	int64_t retry;

	cs_limits_init(&l);
	ck_assert_int_eq(cs_limit_take(&l, 1, &search, 5, 1000000, 30000, &retry), 0);
	ck_assert_int_gt(cs_limit_take(&l, 1, &search, 1, 1000000, 30000, &retry), 0);
	ck_assert_int_eq(cs_limit_take(&l, 2, &search, 1, 1000000, 30000, &retry), 0);
	cs_limits_fini(&l);
}
END_TEST

START_TEST(the_vendors_report_lowers_but_never_raises_what_may_go)
{
	struct cs_limits l;
	int64_t retry;

	cs_limits_init(&l);
	cs_limit_report(&l, 1, &search, 0, 1000000);
	ck_assert_int_eq(cs_limit_take(&l, 1, &search, 1, 1000000, 30000, &retry), 200);
	cs_limit_report(&l, 1, &search, 100, 1000000);
	ck_assert_int_eq(cs_limit_take(&l, 1, &search, 1, 1000000, 30000, &retry), 400);
	cs_limits_fini(&l);
}
END_TEST

START_TEST(limits_that_rest_are_forgotten)
{
	struct cs_limits l;
	int64_t retry;

	cs_limits_init(&l);
	for (uint64_t k = 1; k <= 1000; k++)
		cs_limit_take(&l, k, &search, 1, 1000000, 30000, &retry);
	ck_assert_uint_eq(l.map.n, 1000);
	cs_limit_take(&l, 1, &search, 1, 1000000 + 120000, 30000, &retry);
	ck_assert_uint_eq(l.map.n, 1);
	cs_limits_fini(&l);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("limit");
	TCase *t = tcase_create("gcra");
	SRunner *sr;
	int failed;

	tcase_add_test(t, a_burst_goes_at_once_and_the_rest_is_spread);
	tcase_add_test(t, never_more_than_the_rate_over_any_window_after_the_burst);
	tcase_add_test(t, a_long_wait_is_refused_and_reserves_nothing);
	tcase_add_test(t, cost_counts_and_keys_are_apart);
	tcase_add_test(t, the_vendors_report_lowers_but_never_raises_what_may_go);
	tcase_add_test(t, limits_that_rest_are_forgotten);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
