/* SPDX-License-Identifier: Apache-2.0 */
/* Receipts and doubt: what may be sent again, and when. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "deliver/attempt/steps.h"

#define T0 1779805920000LL

static struct cs_step_row rows[] = {
	{ .name = "find" },
	{ .name = "contact", .mutates = true, .on_doubt = CS_DOUBT_LOOK, .lookup_lag_ms = 30000, .per_caller = true },
	{ .name = "send", .mutates = true, .on_doubt = CS_DOUBT_REPEAT },
	{ .name = "mail", .mutates = true, .on_doubt = CS_DOUBT_ASK },
};
static struct cs_manifest manifest = { .steps = rows, .n_steps = 4 };
static struct cs_arena mem;
static struct cs_steps s;

static void
set_up(void)
{
	cs_arena_init(&mem);
	cs_steps_read(&s, &manifest, "", 0, &mem);
}

static void
tear_down(void)
{
	cs_arena_fini(&mem);
}

static void
again(int64_t crashed_ms)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf json = CS_BUF_INIT(0);

	cs_steps_write(&s, &json);
	cs_steps_read(&s, &manifest, cs_arena_strdup(&mem, cs_buf_str(&json)), crashed_ms, &mem);
}

START_TEST(nothing_known_is_nothing_written)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf json = CS_BUF_INIT(0);

	cs_steps_write(&s, &json);
	ck_assert_uint_eq(json.len, 0);
	ck_assert_int_eq(cs_steps_may_send(&s, "contact"), CS_DONE);
}
END_TEST

START_TEST(a_receipt_survives_and_ends_doubt)
{
	cs_steps_sent(&s, "contact", true, 0, T0);
	cs_steps_receipt(&s, "contact", (struct cs_bytes){ "5\"1", 3 });
	again(0);
	ck_assert_int_eq(cs_steps_find(&s, "contact")->state, CS_RECEIPT_VALUE);
	ck_assert_str_eq(cs_steps_find(&s, "contact")->value, "5\"1");
}
END_TEST

START_TEST(a_step_in_doubt_is_not_sent_again_before_a_look)
{
	bool ask;
	int64_t look;

	cs_steps_sent(&s, "contact", true, 0, T0);
	again(0);
	ck_assert_int_eq(cs_steps_may_send(&s, "contact"), CS_RETRY);
	ck_assert(cs_steps_in_doubt(&s, &ask, &look));
	ck_assert(!ask);
	ck_assert_int_eq(look, T0 + 30000);
	cs_steps_looked(&s, "contact");
	ck_assert_int_eq(cs_steps_may_send(&s, "contact"), CS_DONE);
	again(0);
	ck_assert_int_eq(cs_steps_may_send(&s, "contact"), CS_RETRY); /* the next attempt looks anew */
}
END_TEST

START_TEST(a_clear_refusal_after_a_look_ends_doubt)
{
	bool ask;
	int64_t look;

	cs_steps_sent(&s, "contact", true, 0, T0);
	cs_steps_looked(&s, "contact");
	cs_steps_sent(&s, "contact", false, 422, T0 + 1);
	ck_assert(!cs_steps_in_doubt(&s, &ask, &look));
}
END_TEST

START_TEST(a_repeatable_step_may_always_be_sent)
{
	cs_steps_sent(&s, "send", true, 0, T0);
	ck_assert_int_eq(cs_steps_may_send(&s, "send"), CS_DONE);
}
END_TEST

START_TEST(after_a_crash_every_step_without_receipt_may_have_happened)
{
	cs_steps_receipt(&s, "contact", (struct cs_bytes){ "51", 2 });
	again(T0);
	ck_assert_int_eq(cs_steps_find(&s, "contact")->state, CS_RECEIPT_VALUE);
	ck_assert_int_eq(cs_steps_find(&s, "send")->state, CS_RECEIPT_ABSENT);
	ck_assert_int_eq(cs_steps_find(&s, "mail")->state, CS_RECEIPT_ABSENT); /* it was not about to be sent */
	cs_steps_read(&s, &manifest, "", T0, &mem);
	ck_assert_int_eq(cs_steps_find(&s, "contact")->state, CS_RECEIPT_IN_DOUBT);
	ck_assert_int_eq(cs_steps_find(&s, "find")->state, CS_RECEIPT_ABSENT);
	ck_assert(s.dirty);
}
END_TEST

START_TEST(a_crash_renews_doubt_since_the_step_may_have_been_sent_again)
{
	bool ask;
	int64_t look;

	cs_steps_sent(&s, "contact", true, 0, T0);
	again(T0 + 60000);
	ck_assert(cs_steps_in_doubt(&s, &ask, &look));
	ck_assert_int_eq(look, T0 + 90000);
	again(T0 + 50000);
	ck_assert(cs_steps_in_doubt(&s, &ask, &look));
	ck_assert_int_eq(look, T0 + 90000);
}
END_TEST

START_TEST(a_mail_that_was_about_to_leave_at_the_crash_asks_a_person)
{
	bool ask;
	int64_t look;

	cs_steps_find(&s, "mail")->sent_ms = T0;
	again(T0 + 5);
	ck_assert(cs_steps_in_doubt(&s, &ask, &look));
	ck_assert(ask);
	ck_assert_int_eq(cs_steps_may_send(&s, "mail"), CS_UNKNOWN);
}
END_TEST

START_TEST(an_answered_step_without_receipt_is_in_doubt_when_the_attempt_fails)
{
	bool ask;
	int64_t look;

	cs_steps_sent(&s, "contact", false, 201, T0);
	ck_assert(!cs_steps_in_doubt(&s, &ask, &look));
	cs_steps_end(&s, T0 + 7);
	ck_assert(cs_steps_in_doubt(&s, &ask, &look));
	ck_assert_int_eq(cs_steps_find(&s, "contact")->doubt_ms, T0 + 7);
}
END_TEST

START_TEST(rubbish_in_the_store_reads_as_nothing_known)
{
	cs_steps_read(&s, &manifest, "{\"contact\":", 0, &mem);
	ck_assert_int_eq(cs_steps_find(&s, "contact")->state, CS_RECEIPT_ABSENT);
	cs_steps_read(&s, &manifest, "{\"unknown\":{\"value\":\"1\"},\"contact\":7}", 0, &mem);
	ck_assert_int_eq(cs_steps_find(&s, "contact")->state, CS_RECEIPT_ABSENT);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("steps");
	TCase *t = tcase_create("doubt");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, nothing_known_is_nothing_written);
	tcase_add_test(t, a_receipt_survives_and_ends_doubt);
	tcase_add_test(t, a_step_in_doubt_is_not_sent_again_before_a_look);
	tcase_add_test(t, a_clear_refusal_after_a_look_ends_doubt);
	tcase_add_test(t, a_repeatable_step_may_always_be_sent);
	tcase_add_test(t, after_a_crash_every_step_without_receipt_may_have_happened);
	tcase_add_test(t, a_crash_renews_doubt_since_the_step_may_have_been_sent_again);
	tcase_add_test(t, a_mail_that_was_about_to_leave_at_the_crash_asks_a_person);
	tcase_add_test(t, an_answered_step_without_receipt_is_in_doubt_when_the_attempt_fails);
	tcase_add_test(t, rubbish_in_the_store_reads_as_nothing_known);
	suite_add_tcase(suite, t);
	sr = srunner_create(suite);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
