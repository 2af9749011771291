/* SPDX-License-Identifier: Apache-2.0 */
/* The outcome table: each line of it, with time standing still. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "queue/outcome.h"
#include <cs/plugin_v1.h>

#define T0 1779805920000LL

static struct cs_schedule schedule;
static struct cs_clock now;

static struct cs_decision
decide(int attempts, int64_t wait_since_ms, struct cs_verdict v)
{
	struct cs_delivery_row row = { .attempts = attempts, .wait_since_ms = wait_since_ms, .created_ms = T0,
		.expires_ms = T0 + cs_schedule_span_ms(&schedule) };
	struct cs_decision d;

	cs_outcome_decide(&schedule, &now, &row, &v, &d);
	return d;
}

static void
set_up(void)
{
	cs_schedule_default(&schedule);
	cs_clock_init_fixed(&now, T0, 42);
}

START_TEST(done_is_delivered)
{
	struct cs_decision d = decide(0, 0, (struct cs_verdict){ .outcome = CS_DONE, .status = 201 });

	ck_assert_int_eq(d.to, CS_DELIVERED);
	ck_assert_int_eq(d.attempts, 1);
	ck_assert(!d.failure);
}
END_TEST

START_TEST(retries_follow_the_schedule_within_its_jitter)
{
	static const int64_t wait[] = { 30000, 120000, 600000, 3600000, 21600000 }, jitter[] = { 10000, 20000, 60000, 600000, 1800000 };

	for (int n = 0; n < 5; n++)
		for (int round = 0; round < 200; round++) {
			struct cs_decision d = decide(n, 0, (struct cs_verdict){ .outcome = CS_RETRY, .status = 503 });

			ck_assert_int_eq(d.to, CS_DUE);
			ck_assert_int_eq(d.attempts, n + 1);
			ck_assert_int_ge(d.due_ms, T0 + wait[n] - jitter[n]);
			ck_assert_int_le(d.due_ms, T0 + wait[n] + jitter[n]);
			ck_assert_int_gt(d.expires_ms, d.due_ms);
			ck_assert_int_eq(d.blame, CS_BLAME_CRM);
			ck_assert(d.failure);
		}
}
END_TEST

START_TEST(the_sixth_failure_is_a_dead_letter_blamed_on_the_crm)
{
	struct cs_decision d = decide(5, 0, (struct cs_verdict){ .outcome = CS_RETRY });

	ck_assert_int_eq(d.to, CS_DEAD);
	ck_assert_int_eq(d.blame, CS_BLAME_CRM);
	ck_assert_int_eq(d.attempts, 6);
}
END_TEST

START_TEST(a_schedule_that_came_late_keeps_its_end)
{
	struct cs_delivery_row row = { .attempts = 4, .created_ms = T0 - CS_HOUR_MS, .expires_ms = T0 + CS_HOUR_MS };
	struct cs_verdict v = { .outcome = CS_RETRY, .status = 503 };
	struct cs_decision d;

	cs_outcome_decide(&schedule, &now, &row, &v, &d);
	ck_assert_int_eq(d.to, CS_DUE);
	ck_assert_int_eq(d.due_ms, T0 + CS_HOUR_MS);
	row.expires_ms = T0;
	cs_outcome_decide(&schedule, &now, &row, &v, &d);
	ck_assert_int_eq(d.to, CS_DEAD);
	ck_assert_int_eq(d.blame, CS_BLAME_CRM);
}
END_TEST

START_TEST(doubt_waits_until_looking_is_worth_it)
{
	struct cs_decision d = decide(0, 0, (struct cs_verdict){ .outcome = CS_UNKNOWN, .doubt = true, .look_after_ms = T0 + 90000 });

	ck_assert_int_eq(d.to, CS_DUE);
	ck_assert_int_ge(d.due_ms, T0 + 90000);
}
END_TEST

START_TEST(doubt_that_only_a_person_can_settle_is_a_dead_letter_at_once)
{
	struct cs_decision d = decide(0, 0, (struct cs_verdict){ .outcome = CS_UNKNOWN, .doubt = true, .ask = true });

	ck_assert_int_eq(d.to, CS_DEAD);
	ck_assert_ptr_nonnull(strstr(d.why, "may have arrived"));
}
END_TEST

START_TEST(wait_spends_no_attempt_and_honours_retry_after_in_full)
{
	struct cs_decision d = decide(2, 0, (struct cs_verdict){ .outcome = CS_WAIT, .status = 429, .not_before_ms = T0 + 7200000 });

	ck_assert_int_eq(d.to, CS_DUE);
	ck_assert_int_eq(d.attempts, 2);
	ck_assert_int_ge(d.due_ms, T0 + 7200000);
	ck_assert_int_le(d.due_ms, T0 + 7200000 + 720000);
	ck_assert_int_eq(d.wait_since_ms, T0);
	ck_assert(!d.failure);
}
END_TEST

START_TEST(a_day_of_waiting_is_a_dead_letter_blamed_on_the_crm)
{
	struct cs_decision d = decide(0, T0 - CS_DAY_MS, (struct cs_verdict){ .outcome = CS_WAIT });

	ck_assert_int_eq(d.to, CS_DEAD);
	ck_assert_int_eq(d.blame, CS_BLAME_CRM);
	ck_assert_int_eq(d.attempts, 0);
}
END_TEST

START_TEST(reauth_and_reject_are_dead_letters_at_once)
{
	ck_assert_int_eq(decide(0, 0, (struct cs_verdict){ .outcome = CS_REAUTH, .status = 401 }).blame, CS_BLAME_CREDENTIAL);
	ck_assert_int_eq(decide(0, 0, (struct cs_verdict){ .outcome = CS_REAUTH, .status = 401 }).to, CS_DEAD);
	ck_assert_int_eq(decide(0, 0, (struct cs_verdict){ .outcome = CS_REJECT, .status = 422 }).blame, CS_BLAME_LEAD);
	ck_assert_int_eq(decide(0, 0, (struct cs_verdict){ .outcome = CS_REJECT, .status = 403 }).blame, CS_BLAME_CONNECTION);
	ck_assert_int_eq(decide(0, 0, (struct cs_verdict){ .outcome = CS_REJECT, .status = 422 }).to, CS_DEAD);
}
END_TEST

START_TEST(an_outcome_that_nobody_defined_is_retried_and_blamed_on_us)
{
	struct cs_decision d = decide(0, 0, (struct cs_verdict){ .outcome = 77 });

	ck_assert_int_eq(d.to, CS_DUE);
	ck_assert_int_eq(d.blame, CS_BLAME_US);
	ck_assert(!d.failure);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("outcome");
	TCase *t = tcase_create("table");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, set_up, NULL);
	tcase_add_test(t, done_is_delivered);
	tcase_add_test(t, retries_follow_the_schedule_within_its_jitter);
	tcase_add_test(t, the_sixth_failure_is_a_dead_letter_blamed_on_the_crm);
	tcase_add_test(t, a_schedule_that_came_late_keeps_its_end);
	tcase_add_test(t, doubt_waits_until_looking_is_worth_it);
	tcase_add_test(t, doubt_that_only_a_person_can_settle_is_a_dead_letter_at_once);
	tcase_add_test(t, wait_spends_no_attempt_and_honours_retry_after_in_full);
	tcase_add_test(t, a_day_of_waiting_is_a_dead_letter_blamed_on_the_crm);
	tcase_add_test(t, reauth_and_reject_are_dead_letters_at_once);
	tcase_add_test(t, an_outcome_that_nobody_defined_is_retried_and_blamed_on_us);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
