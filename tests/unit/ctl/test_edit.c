/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"
#include "ctl/edit.h"
#include "util/text.h"

#define NOW 1780000000500 /* 2026-05-28T20:26:40.5Z */

static const char lead[] = "{'event_id': '7d1f4f0e-3c55-4b0e-9a7e-2f6f0a9c1b11', 'timestamp_utc': "
			   "'2026-05-26T14:32:00Z', 'callsetter_account_id': 'acct_xyz',"
			   " 'call': {'started_at': '2026-05-26T14:29:38Z', 'ended_at': "
			   "'2026-05-26T14:32:00Z'}, 'ai_analysis': {'conversion_intent_score': 0.87},"
			   " 'service_request': {'preferred_schedule': '2026-05-27T08:00:00'}, 'routing': "
			   "{'destination_crm': 'housecall_pro', 'crm_account_id': 'h'}}";

static json_object *
edited(const struct cs_ctl_edit *e, const char *text)
{
	struct cs_buf b = CS_BUF_INIT(0);
	json_object *before = json(text), *after;
	const char *s = cs_json_text(before);

	ck_assert_int_eq(cs_ctl_edit_lead(e, s, strlen(s), &b, NULL), 0);
	ck_assert_int_eq(cs_json_parse(cs_buf_str(&b), b.len, 32, &after, NULL), 0);
	cs_buf_fini(&b);
	json_object_put(before);
	return after;
}

START_TEST(a_fresh_lead_has_a_new_id_and_times_of_now)
{
	json_object *o = edited(&(struct cs_ctl_edit){ .fresh = true, .now_ms = NOW }, lead);
	const char *id = cs_json_str(o, "event_id", "");
	uint8_t uuid[16];

	ck_assert_str_ne(id, "7d1f4f0e-3c55-4b0e-9a7e-2f6f0a9c1b11");
	ck_assert_int_eq(cs_uuid_parse(id, strlen(id), uuid), 0);
	ck_assert_int_eq(cs_uuid_version(uuid), 4);
	ck_assert_str_eq(cs_json_str(o, "timestamp_utc", ""), "2026-05-28T20:26:40Z");
	ck_assert_str_eq(cs_json_pointer_text(o, "/call/ended_at"), "2026-05-28T20:26:40Z");
	ck_assert_str_eq(cs_json_pointer_text(o, "/call/started_at"), "2026-05-28T20:24:18Z");
	ck_assert_str_eq(cs_json_pointer_text(o, "/service_request/preferred_schedule"), "2026-05-30T08:00:00");
	ck_assert_str_eq(cs_json_pointer_text(o, "/ai_analysis/conversion_intent_score"), "0.87");
	ck_assert_str_eq(cs_json_pointer_text(o, "/routing/crm_account_id"), "h");
	json_object_put(o);
}
END_TEST

START_TEST(another_crm_means_another_account_there)
{
	json_object *o = edited(&(struct cs_ctl_edit){ .to = "hubspot" }, lead);

	ck_assert_str_eq(cs_json_pointer_text(o, "/routing/destination_crm"), "hubspot");
	ck_assert_ptr_null(cs_json_pointer(o, "/routing/crm_account_id"));
	ck_assert_str_eq(cs_json_str(o, "event_id", ""), "7d1f4f0e-3c55-4b0e-9a7e-2f6f0a9c1b11");
	json_object_put(o);
}
END_TEST

START_TEST(account_and_crm_account_are_set_where_nothing_was)
{
	json_object *o =
	    edited(&(struct cs_ctl_edit){ .to = "hubspot", .account = "acct_1", .crm_account_id = "77" },
		   "{'routing': 5}");

	ck_assert_str_eq(cs_json_str(o, "callsetter_account_id", ""), "acct_1");
	ck_assert_str_eq(cs_json_pointer_text(o, "/routing/destination_crm"), "hubspot");
	ck_assert_str_eq(cs_json_pointer_text(o, "/routing/crm_account_id"), "77");
	json_object_put(o);
}
END_TEST

START_TEST(a_lead_with_broken_times_still_gets_fresh)
{
	json_object *o = edited(&(struct cs_ctl_edit){ .fresh = true, .now_ms = NOW },
				"{'timestamp_utc': 'soon', 'call': {'started_at': 5}}");

	ck_assert_str_eq(cs_json_str(o, "timestamp_utc", ""), "2026-05-28T20:26:40Z");
	ck_assert_str_eq(cs_json_pointer_text(o, "/call/started_at"), "5");
	json_object_put(o);
}
END_TEST

START_TEST(what_is_no_object_is_refused)
{
	const struct cs_ctl_edit e = { .fresh = true };
	struct cs_buf b = CS_BUF_INIT(0);
	struct cs_err err;

	ck_assert_int_eq(cs_ctl_edit_lead(&e, "[]", 2, &b, &err), CS_EINVAL);
	ck_assert_int_eq(cs_ctl_edit_lead(&e, "{", 1, &b, &err), CS_EINVAL);
	ck_assert(!cs_ctl_edit_any(&(struct cs_ctl_edit){ .now_ms = NOW }));
	ck_assert(cs_ctl_edit_any(&e));
	cs_buf_fini(&b);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ctl/edit");
	TCase *t = tcase_create("edit");

	tcase_add_test(t, a_fresh_lead_has_a_new_id_and_times_of_now);
	tcase_add_test(t, another_crm_means_another_account_there);
	tcase_add_test(t, account_and_crm_account_are_set_where_nothing_was);
	tcase_add_test(t, a_lead_with_broken_times_still_gets_fresh);
	tcase_add_test(t, what_is_no_object_is_refused);
	suite_add_tcase(s, t);
	return run_suite(s);
}
