/* SPDX-License-Identifier: Apache-2.0 */
/* Leads: lists, one, its story. */
#include "config.h"
#include "../fixture.h"

static int64_t conn;

static int64_t
lead_with_delivery(int n, enum cs_state state)
{
	int64_t id = put_lead(n, "acct_1", CS_KIND_LEAD, GOOD_CONTACT, TO_HUBSPOT);

	put_delivery((struct cs_delivery_row){ .lead_id = id, .conn_id = conn, .state = state, .urgency = CS_URGENCY_SAME_DAY });
	return id;
}

START_TEST(leads_come_newest_first_and_in_pages)
{
	int64_t first, last = 0;

	conn = put_conn("main", "acct_1", "hubspot", "", CS_SUB_ROUTED);
	first = lead_with_delivery(1, CS_DELIVERED);
	for (int n = 2; n <= 5; n++)
		last = lead_with_delivery(n, CS_DUE);
	serve();
	ck_assert_int_eq(GET("/v1/leads?limit=2"), 200);
	ck_assert_uint_eq(length_at("/items"), 2);
	ck_assert_int_eq(int_at("/items/0/id"), last);
	ck_assert_str_eq(text_at("/items/0/event_id"), event_id(5));
	ck_assert_str_eq(text_at("/items/0/urgency"), "same_day");
	ck_assert_str_eq(text_at("/items/0/received_at"), "2027-01-15T07:59:00Z");
	ck_assert_str_eq(text_at("/items/0/deliveries/0/state"), "due");
	ck_assert_str_eq(text_at("/items/0/deliveries/0/connection_name"), "main");
	ck_assert_int_eq(GET("/v1/leads?limit=3&before=%s", text_at("/next")), 200);
	ck_assert_uint_eq(length_at("/items"), 3);
	ck_assert_int_eq(int_at("/items/2/id"), first);
	ck_assert_int_eq(GET("/v1/leads?limit=3&before=%s", text_at("/next")), 200);
	ck_assert_uint_eq(length_at("/items"), 0);
	ck_assert_ptr_null(cs_json_get(fx.json, "next"));
}
END_TEST

START_TEST(bad_parameters_are_400)
{
	static const char *const bad[] = { "limit=0", "limit=501", "limit=x", "limit=", "limit=1e3", "before=-1", "before=0",
		"before=99999999999999999999" };

	serve();
	for (size_t i = 0; i < CS_ARRAY_LEN(bad); i++)
		ck_assert_msg(GET("/v1/leads?%s", bad[i]) == 400, "%s", bad[i]);
	ck_assert_int_eq(GET("/v1/leads?limit=500"), 200);
}
END_TEST

START_TEST(an_account_filters)
{
	put_lead(1, "acct_1", CS_KIND_LEAD, GOOD_CONTACT, TO_HUBSPOT);
	put_lead(2, "acct_2", CS_KIND_LEAD, GOOD_CONTACT, TO_HUBSPOT);
	serve();
	ck_assert_int_eq(GET("/v1/leads?account=acct_2"), 200);
	ck_assert_uint_eq(length_at("/items"), 1);
	ck_assert_str_eq(text_at("/items/0/account"), "acct_2");
}
END_TEST

START_TEST(a_lead_is_found_by_number_and_by_event_id)
{
	int64_t id;

	conn = put_conn("main", "acct_1", "hubspot", "", CS_SUB_ROUTED);
	id = lead_with_delivery(1, CS_DELIVERED);
	serve();
	ck_assert_int_eq(GET("/v1/leads/%lld", (long long)id), 200);
	ck_assert_str_eq(text_at("/body/contact/phone"), "+13055550182");
	ck_assert_str_eq(text_at("/deliveries/0/state"), "delivered");
	ck_assert_int_eq(int_at("/deliveries/0/attempt_count"), 0);
	ck_assert_int_eq(GET("/v1/leads/%s", event_id(1)), 200);
	ck_assert_int_eq(int_at("/id"), id);
	ck_assert_int_eq(GET("/v1/leads/%s?account=acct_9", event_id(1)), 404);
	ck_assert_int_eq(GET("/v1/leads/%s", event_id(2)), 404);
	ck_assert_int_eq(GET("/v1/leads/999"), 404);
	ck_assert_int_eq(GET("/v1/leads/abc"), 404);
}
END_TEST

START_TEST(one_event_id_of_two_accounts_is_told_apart)
{
	int64_t one = put_lead(1, "acct_1", CS_KIND_LEAD, GOOD_CONTACT, TO_HUBSPOT);
	int64_t two = put_lead(1, "acct_2", CS_KIND_LEAD, GOOD_CONTACT, TO_HUBSPOT);

	serve();
	ck_assert_int_eq(GET("/v1/leads/%s", event_id(1)), 200);
	ck_assert_int_eq(int_at("/id"), two);
	ck_assert_int_eq(GET("/v1/leads/%s?account=acct_1", event_id(1)), 200);
	ck_assert_int_eq(int_at("/id"), one);
}
END_TEST

START_TEST(the_story_tells_every_attempt_and_what_was_left)
{
	struct cs_attempt_row a = { .number = 1, .started_ms = NOW - 3000, .ended_ms = NOW - 2000, .outcome = CS_RETRY,
		.blame = CS_BLAME_CRM, .status = 503, .reason = "it was down", .versions = "{\"plugin\":\"1\"}",
		.exchanges = "[{\"step\":\"find\",\"status\":503}]" };
	struct cs_delivery_row d = { .state = CS_DUE, .attempts = 1, .due_ms = NOW + 30000, .expires_ms = NOW + 60000,
		.blame = CS_BLAME_CRM, .reason = "it was down" };
	struct cs_err err;

	d.conn_id = put_conn("main", "acct_1", "hubspot", "", CS_SUB_ROUTED);
	d.lead_id = put_lead(1, "acct_1", CS_KIND_LEAD, GOOD_CONTACT, TO_HUBSPOT);
	a.delivery_id = put_delivery(d);
	ok(fx.store->ops->begin(fx.store, &err));
	ok(fx.store->ops->attempt_put(fx.store, &a, &err));
	ok(fx.store->ops->progress_put(fx.store, a.delivery_id, "{\"find\":{\"value\":\"51\"}}", &err));
	ok(fx.store->ops->commit(fx.store, &err));
	serve();
	ck_assert_int_eq(GET("/v1/leads/%s/story", event_id(1)), 200);
	ck_assert_str_eq(text_at("/lead/body/event"), "lead.qualified");
	ck_assert_str_eq(text_at("/deliveries/0/attempts/0/outcome"), "retry");
	ck_assert_str_eq(text_at("/deliveries/0/attempts/0/blame"), "crm");
	ck_assert_int_eq(int_at("/deliveries/0/attempts/0/status"), 503);
	ck_assert_str_eq(text_at("/deliveries/0/attempts/0/exchanges/0/step"), "find");
	ck_assert_str_eq(text_at("/deliveries/0/attempts/0/versions/plugin"), "1");
	ck_assert_str_eq(text_at("/deliveries/0/progress/find/value"), "51");
	ck_assert_str_eq(text_at("/deliveries/0/due_at"), "2027-01-15T08:00:30Z");
	ck_assert_int_eq(int_at("/deliveries/0/attempt_count"), 1);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { leads_come_newest_first_and_in_pages, bad_parameters_are_400, an_account_filters,
		a_lead_is_found_by_number_and_by_event_id, one_event_id_of_two_accounts_is_told_apart,
		the_story_tells_every_attempt_and_what_was_left, NULL };

	return run_tests("leads", tests);
}
