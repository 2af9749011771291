/* SPDX-License-Identifier: Apache-2.0 */
/* Deliveries: filters, one, retry now. */
#include "config.h"
#include "../fixture.h"

static int64_t hub, web;

static int64_t
delivery(int n, const char *account, int64_t conn, enum cs_state state, enum cs_blame blame, int urgency, int64_t created_ms)
{
	int64_t lead = put_lead(n, account, CS_KIND_LEAD, GOOD_CONTACT, TO_HUBSPOT);

	return put_delivery((struct cs_delivery_row){ .lead_id = lead, .conn_id = conn, .state = state, .blame = blame,
		.urgency = urgency, .created_ms = created_ms, .due_ms = NOW + 30000, .expires_ms = NOW + 90000,
		.lane = CS_LANE_SAME_DAY, .crm = conn == 0 ? "hubspot" : "", .account = conn == 0 ? account : "" });
}

static void
make_some(void)
{
	hub = put_conn("hub", "acct_1", "hubspot", "", CS_SUB_ROUTED);
	web = put_conn("web", "acct_2", "webhook", "", CS_SUB_ROUTED);
	delivery(1, "acct_1", hub, CS_DUE, CS_BLAME_NONE, CS_URGENCY_EMERGENCY, NOW - 100000);
	delivery(2, "acct_1", hub, CS_DEAD, CS_BLAME_CRM, CS_URGENCY_FLEXIBLE, NOW - 90000);
	delivery(3, "acct_2", web, CS_DEAD, CS_BLAME_LEAD, CS_URGENCY_SAME_DAY, NOW - 80000);
	delivery(4, "acct_2", web, CS_DELIVERED, CS_BLAME_NONE, CS_URGENCY_SAME_DAY, NOW - 70000);
	delivery(5, "acct_2", web, CS_IN_HAND, CS_BLAME_NONE, CS_URGENCY_SAME_DAY, NOW - 60000);
	delivery(6, "acct_2", 0, CS_DEAD, CS_BLAME_CONNECTION, CS_URGENCY_SAME_DAY, NOW - 50000);
	serve();
}

START_TEST(each_word_of_the_filter_filters)
{
	static const struct {
		const char *query;
		size_t n;
	} cases[] = { { "", 6 }, { "?state=dead", 3 }, { "?state=in_hand", 1 }, { "?state=due", 1 }, { "?crm=webhook", 3 },
		      { "?crm=hubspot", 3 }, { "?connection=hub", 2 }, { "?connection=none", 1 }, { "?account=acct_2", 4 },
		      { "?blame=lead", 1 }, { "?blame=crm&state=dead", 1 }, { "?urgency=emergency", 1 },
		      { "?since=2027-01-15T07:58:40Z", 4 }, { "?until=1799999910001", 2 },
		      { "?since=1799999910000&until=1799999920001", 2 }, { "?state=dead&account=acct_1&blame=lead", 0 } };

	make_some();
	for (size_t i = 0; i < CS_ARRAY_LEN(cases); i++) {
		ck_assert_msg(GET("/v1/deliveries%s", cases[i].query) == 200, "%s: %s", cases[i].query, fx.body);
		ck_assert_msg(length_at("/items") == cases[i].n, "%s: %zu", cases[i].query, length_at("/items"));
	}
}
END_TEST

START_TEST(a_wrong_word_is_told)
{
	static const char *const bad[] = { "state=lost", "blame=me", "urgency=now", "since=yesterday", "until=2026-13-01T00:00:00Z" };

	make_some();
	for (size_t i = 0; i < CS_ARRAY_LEN(bad); i++)
		ck_assert_msg(GET("/v1/deliveries?%s", bad[i]) == 400, "%s", bad[i]);
	ck_assert_int_eq(GET("/v1/deliveries?connection=nobody"), 404);
}
END_TEST

START_TEST(pages_follow_each_other_without_gap)
{
	int64_t seen = 0, last = INT64_MAX;
	char next[32] = "";

	make_some();
	do {
		ck_assert_int_eq(GET("/v1/deliveries?limit=4%s%s", next[0] != '\0' ? "&before=" : "", next), 200);
		for (size_t i = 0; i < length_at("/items"); i++) {
			ck_assert_int_lt(int_at(path_of("/items/%zu/id", i)), last);
			last = int_at(path_of("/items/%zu/id", i));
			seen++;
		}
		snprintf(next, sizeof(next), "%s", text_at("/next"));
	} while (next[0] != '\0');
	ck_assert_int_eq(seen, 6);
}
END_TEST

START_TEST(one_delivery_has_all_fields)
{
	make_some();
	ck_assert_int_eq(GET("/v1/deliveries?state=due"), 200);
	ck_assert_int_eq(GET("/v1/deliveries/%lld", (long long)int_at("/items/0/id")), 200);
	ck_assert_str_eq(text_at("/crm"), "hubspot");
	ck_assert_str_eq(text_at("/account"), "acct_1");
	ck_assert_str_eq(text_at("/due_at"), "2027-01-15T08:00:30Z");
	ck_assert_int_eq(GET("/v1/deliveries/5"), 404);
	ck_assert_int_eq(GET("/v1/deliveries/x"), 404);
}
END_TEST

START_TEST(retry_now_makes_it_due_and_wakes_the_engine)
{
	int64_t id;

	hub = put_conn("hub", "acct_1", "hubspot", "", CS_SUB_ROUTED);
	id = delivery(1, "acct_1", hub, CS_DUE, CS_BLAME_CRM, CS_URGENCY_SAME_DAY, NOW);
	serve();
	ck_assert_int_eq(POST("", "/v1/deliveries/%lld/retry", (long long)id), 200);
	ck_assert_str_eq(text_at("/due_at"), "2027-01-15T08:00:00Z");
	ck_assert_int_eq(row_of(id).due_ms, NOW);
	ck_assert_int_eq(row_of(id).expires_ms, NOW + 90000);
	ck_assert_uint_eq(told("backlog", 1), 1);
	ck_assert_int_eq(told_nth("backlog", 0)->conn_id, hub);
	ck_assert_str_eq(told_nth("backlog", 0)->crm, "hubspot");
	ck_assert_int_eq(told_nth("backlog", 0)->lane, CS_LANE_SAME_DAY);
	ck_assert_uint_eq(told("conn", 1), 1);
	ck_assert(told_nth("conn", 0)->retry_now);
}
END_TEST

START_TEST(only_waiting_ones_are_retried)
{
	int64_t dead, hand;

	hub = put_conn("hub", "acct_1", "hubspot", "", CS_SUB_ROUTED);
	dead = delivery(1, "acct_1", hub, CS_DEAD, CS_BLAME_CRM, CS_URGENCY_SAME_DAY, NOW);
	hand = delivery(2, "acct_1", hub, CS_IN_HAND, CS_BLAME_NONE, CS_URGENCY_SAME_DAY, NOW);
	serve();
	ck_assert_int_eq(POST("{}", "/v1/deliveries/%lld/retry", (long long)dead), 409);
	ck_assert_ptr_nonnull(strstr(text_at("/detail"), "replay"));
	ck_assert_int_eq(POST("{}", "/v1/deliveries/%lld/retry", (long long)hand), 409);
	ck_assert_int_eq(POST("{}", "/v1/deliveries/99999/retry"), 404);
	ck_assert_int_eq(row_of(dead).gen, 0);
	ck_assert_uint_eq(told("backlog", 0), 0);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { each_word_of_the_filter_filters, a_wrong_word_is_told, pages_follow_each_other_without_gap,
		one_delivery_has_all_fields, retry_now_makes_it_due_and_wakes_the_engine, only_waiting_ones_are_retried, NULL };

	return run_tests("deliveries", tests);
}
