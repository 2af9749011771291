/* SPDX-License-Identifier: Apache-2.0 */
/* Whose turn is it to be polled? */
#include "config.h"
#include "hooks/poll.h"

#include "fixture.h"

#define EVERY (5 * CS_MINUTE_MS)

static struct cs_polls polls;
static struct cs_clock clock_;

static void
set_up(void)
{
	cs_polls_init(&polls);
	cs_clock_init_fixed(&clock_, NOW, 1);
}

static void
tear_down(void)
{
	cs_polls_fini(&polls);
}

START_TEST(the_one_that_is_due_first_comes_first)
{
	struct cs_poll *a, *b;

	cs_polls_add(&polls, 1, EVERY, NOW + 2000, NOW);
	cs_polls_add(&polls, 2, EVERY, NOW + 1000, NOW);
	ck_assert_ptr_null(cs_polls_take(&polls, NOW));
	ck_assert_ptr_nonnull(a = cs_polls_take(&polls, NOW + 5000));
	ck_assert_int_eq(a->conn_id, 2);
	ck_assert_ptr_nonnull(b = cs_polls_take(&polls, NOW + 5000));
	ck_assert_int_eq(b->conn_id, 1);
	ck_assert_ptr_null(cs_polls_take(&polls, NOW + CS_DAY_MS)); /* both run */
	cs_polls_done(&polls, a, NOW + 9000);
	ck_assert_ptr_eq(cs_polls_take(&polls, NOW + 9000), a);
}
END_TEST

START_TEST(adding_it_again_changes_nothing_while_it_waits_or_runs)
{
	struct cs_poll *a;

	cs_polls_add(&polls, 1, EVERY, NOW + 1000, NOW);
	cs_polls_add(&polls, 1, EVERY, NOW, NOW);
	ck_assert_ptr_null(cs_polls_take(&polls, NOW));
	a = cs_polls_take(&polls, NOW + 1000);
	cs_polls_add(&polls, 1, EVERY, NOW, NOW);
	ck_assert_ptr_null(cs_polls_take(&polls, NOW + CS_DAY_MS));
	cs_polls_done(&polls, a, NOW + 2000);
}
END_TEST

START_TEST(one_that_rests_sleeps_until_its_connection_changes)
{
	cs_polls_add(&polls, 1, EVERY, NOW, NOW);
	cs_polls_rest(&polls, cs_polls_take(&polls, NOW));
	ck_assert_ptr_null(cs_polls_take(&polls, NOW + CS_DAY_MS));
	ck_assert(cs_polls_knows(&polls, 1));
	cs_polls_add(&polls, 1, EVERY, NOW, NOW);
	ck_assert_ptr_nonnull(cs_polls_take(&polls, NOW));
}
END_TEST

START_TEST(one_that_is_dropped_while_it_runs_goes_when_it_is_done)
{
	struct cs_poll *a;

	cs_polls_add(&polls, 1, EVERY, NOW, NOW);
	a = cs_polls_take(&polls, NOW);
	cs_polls_drop(&polls, 1);
	ck_assert(cs_polls_knows(&polls, 1));
	cs_polls_done(&polls, a, NOW);
	ck_assert(!cs_polls_knows(&polls, 1));
	cs_polls_add(&polls, 2, EVERY, NOW, NOW);
	cs_polls_drop(&polls, 2);
	ck_assert(!cs_polls_knows(&polls, 2));
	ck_assert_ptr_null(cs_polls_take(&polls, NOW));
}
END_TEST

START_TEST(a_time_far_ahead_is_brought_back_to_one_interval)
{
	cs_polls_add(&polls, 1, EVERY, NOW + 30 * CS_DAY_MS, NOW); /* somebody moved the clock */
	ck_assert_ptr_null(cs_polls_take(&polls, NOW + EVERY - 1));
	ck_assert_ptr_nonnull(cs_polls_take(&polls, NOW + EVERY));
}
END_TEST

START_TEST(success_keeps_the_interval_and_failure_doubles_it_up_to_an_hour)
{
	struct cs_poll p = { .every_ms = EVERY };
	int64_t wait = EVERY;

	for (int i = 0; i < 20; i++) {
		int64_t next = cs_poll_next_ms(&p, true, 0, &clock_) - NOW;

		ck_assert_int_ge(next, EVERY - EVERY / 10);
		ck_assert_int_le(next, EVERY + EVERY / 10);
	}
	for (int i = 0; i < 12; i++, wait = 2 * wait < CS_HOUR_MS ? 2 * wait : CS_HOUR_MS) {
		int64_t next = cs_poll_next_ms(&p, false, 0, &clock_) - NOW;

		ck_assert_int_ge(next, wait - wait / 10);
		ck_assert_int_le(next, wait + wait / 10);
	}
	ck_assert_int_eq(p.fails, 12);
	cs_poll_next_ms(&p, true, 0, &clock_);
	ck_assert_int_eq(p.fails, 0);
	ck_assert_int_eq(cs_poll_next_ms(&p, false, NOW + CS_DAY_MS, &clock_), NOW + CS_DAY_MS); /* Retry-After */
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_test(tc, the_one_that_is_due_first_comes_first);
	tcase_add_test(tc, adding_it_again_changes_nothing_while_it_waits_or_runs);
	tcase_add_test(tc, one_that_rests_sleeps_until_its_connection_changes);
	tcase_add_test(tc, one_that_is_dropped_while_it_runs_goes_when_it_is_done);
	tcase_add_test(tc, a_time_far_ahead_is_brought_back_to_one_interval);
	tcase_add_test(tc, success_keeps_the_interval_and_failure_doubles_it_up_to_an_hour);
}

int
main(void)
{
	return run_case("poll", set_up, tear_down, fill);
}
