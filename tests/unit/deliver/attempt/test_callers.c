/* SPDX-License-Identifier: Apache-2.0 */
/* Leads of one caller go one after another, and know what the last one made. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "deliver/attempt/callers.h"

static struct cs_callers callers;
static struct cs_lead_ref *lead;

static void
set_up(void)
{
	cs_callers_init(&callers);
	lead = cs_lead_ref_new("{}", 2, 0);
}

static void
tear_down(void)
{
	cs_callers_fini(&callers);
	cs_lead_ref_put(lead);
}

static struct cs_job *
job(int64_t conn, uint64_t phone, uint64_t email)
{
	struct cs_delivery_row d = { .conn_id = conn };
	struct cs_job *j = cs_job_new(&d, lead, NULL);

	j->d.phone_key = phone; /* otherwise the lead's own */
	j->d.email_key = email;
	return j;
}

START_TEST(the_second_lead_of_a_caller_waits_for_the_first)
{
	struct cs_job *a = job(1, 7, 0), *b = job(1, 7, 0), *other = job(1, 8, 0);
	struct cs_list next;

	cs_list_init(&next);
	ck_assert(cs_callers_enter(&callers, a));
	ck_assert(!cs_callers_enter(&callers, b));
	ck_assert(cs_callers_enter(&callers, other));
	cs_callers_leave(&callers, a, &next);
	ck_assert_ptr_eq(cs_list_pop(&next), &b->item.node);
	ck_assert(cs_callers_enter(&callers, b));
	cs_callers_leave(&callers, b, &next);
	cs_callers_leave(&callers, other, &next);
	ck_assert_uint_eq(callers.holders.n, 0);
	cs_job_free(a);
	cs_job_free(b);
	cs_job_free(other);
}
END_TEST

START_TEST(phone_or_email_is_enough_to_share_and_connections_are_apart)
{
	struct cs_job *a = job(1, 7, 9), *same_mail = job(1, 8, 9), *elsewhere = job(2, 7, 9), *unknown = job(1, 0, 0);
	struct cs_list next;

	cs_list_init(&next);
	ck_assert(cs_callers_enter(&callers, a));
	ck_assert(!cs_callers_enter(&callers, same_mail));
	ck_assert(cs_callers_enter(&callers, elsewhere));
	ck_assert(cs_callers_enter(&callers, unknown));
	cs_callers_leave(&callers, a, &next);
	cs_list_pop(&next);
	cs_job_free(a);
	cs_job_free(same_mail);
	cs_job_free(elsewhere);
	cs_job_free(unknown);
}
END_TEST

START_TEST(those_who_wait_for_the_heir_need_no_turn_of_their_own)
{
	struct cs_job *a = job(1, 7, 9), *heir = job(1, 7, 0), *same = job(1, 7, 0), *freed = job(1, 8, 9);
	struct cs_list next;

	cs_list_init(&next);
	ck_assert(cs_callers_enter(&callers, a));
	ck_assert(!cs_callers_enter(&callers, heir));
	ck_assert(!cs_callers_enter(&callers, same));
	ck_assert(!cs_callers_enter(&callers, freed));
	cs_callers_leave(&callers, a, &next);
	ck_assert_ptr_eq(cs_list_pop(&next), &heir->item.node);
	ck_assert_ptr_eq(cs_list_pop(&next), &freed->item.node);
	ck_assert_ptr_null(cs_list_pop(&next));
	ck_assert(cs_callers_enter(&callers, heir));
	cs_callers_leave(&callers, heir, &next);
	ck_assert_ptr_eq(cs_list_pop(&next), &same->item.node);
	cs_job_free(a);
	cs_job_free(heir);
	cs_job_free(same);
	cs_job_free(freed);
}
END_TEST

START_TEST(what_a_step_left_is_remembered_by_either_key_newest_first)
{
	const uint64_t both[2] = { 7, 9 }, phone[2] = { 7, 0 }, mail[2] = { 0, 9 }, none[2] = { 0, 0 };

	cs_callers_remember(&callers, 1, both, "contact", "51");
	ck_assert_str_eq(cs_callers_recall(&callers, 1, phone, "contact"), "51");
	ck_assert_str_eq(cs_callers_recall(&callers, 1, mail, "contact"), "51");
	ck_assert_ptr_null(cs_callers_recall(&callers, 1, phone, "customer"));
	ck_assert_ptr_null(cs_callers_recall(&callers, 2, phone, "contact"));
	ck_assert_ptr_null(cs_callers_recall(&callers, 1, none, "contact"));
	cs_callers_remember(&callers, 1, phone, "contact", "52");
	ck_assert_str_eq(cs_callers_recall(&callers, 1, both, "contact"), "52");
}
END_TEST

START_TEST(the_memory_is_bounded)
{
	for (uint64_t k = 1; k <= 20000; k++) {
		const uint64_t keys[2] = { k, 0 };

		cs_callers_remember(&callers, 1, keys, "contact", "x");
	}
	ck_assert_uint_le(callers.n_memory, 8192);
	ck_assert_ptr_null(cs_callers_recall(&callers, 1, (const uint64_t[2]){ 1, 0 }, "contact"));
	ck_assert_ptr_nonnull(cs_callers_recall(&callers, 1, (const uint64_t[2]){ 20000, 0 }, "contact"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("callers");
	TCase *t = tcase_create("callers");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, the_second_lead_of_a_caller_waits_for_the_first);
	tcase_add_test(t, phone_or_email_is_enough_to_share_and_connections_are_apart);
	tcase_add_test(t, those_who_wait_for_the_heir_need_no_turn_of_their_own);
	tcase_add_test(t, what_a_step_left_is_remembered_by_either_key_newest_first);
	tcase_add_test(t, the_memory_is_bounded);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
