/* SPDX-License-Identifier: Apache-2.0 */
/* The words of a filter. */
#include "config.h"
#include "view/words.h"

#include <check.h>
#include <string.h>

static struct cs_arena mem;
static struct cs_filter f;

static const char *
fault(const char *word, const char *text)
{
	const char *s = cs_filter_read(&f, word, text, &mem);

	return s != NULL ? s : "";
}

static void
setup(void)
{
	cs_arena_init(&mem);
	f = cs_filter_any();
}

static void
teardown(void)
{
	cs_arena_fini(&mem);
}

START_TEST(each_word_narrows_the_filter)
{
	ck_assert_str_eq(fault("state", "in_hand"), "");
	ck_assert_uint_eq(f.states, CS_STATES_IN_HAND);
	ck_assert_str_eq(fault("state", "dead"), "");
	ck_assert_uint_eq(f.states, CS_STATE_BIT(CS_DEAD));
	ck_assert_str_eq(fault("blame", "crm"), "");
	ck_assert_int_eq(f.blame, CS_BLAME_CRM);
	ck_assert_str_eq(fault("urgency", "emergency"), "");
	ck_assert_int_eq(f.urgency, 0);
	ck_assert_str_eq(fault("crm", "hubspot"), "");
	ck_assert_str_eq(f.crm, "hubspot");
	ck_assert_str_eq(fault("account", "acct_1"), "");
	ck_assert_str_eq(f.account, "acct_1");
	ck_assert_str_eq(fault("since", "2026-05-26T14:00:00Z"), "");
	ck_assert_int_eq(f.created_from_ms, 1779804000000LL);
	ck_assert_str_eq(fault("until", "1779804000001"), "");
	ck_assert_int_eq(f.created_to_ms, 1779804000001LL);
}
END_TEST

START_TEST(what_is_wrong_is_said_with_what_is_allowed)
{
	ck_assert_ptr_nonnull(strstr(fault("state", "lost"), "dead or discarded"));
	ck_assert_ptr_nonnull(strstr(fault("blame", "me"), "connection, crm or us"));
	ck_assert_ptr_nonnull(strstr(fault("urgency", ""), "emergency, same_day"));
	ck_assert_ptr_nonnull(strstr(fault("since", "yesterday"), "must be a time"));
	ck_assert_ptr_nonnull(strstr(fault("until", ""), "must be a time"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("words");
	TCase *t = tcase_create("words");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, each_word_narrows_the_filter);
	tcase_add_test(t, what_is_wrong_is_said_with_what_is_allowed);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
