/* SPDX-License-Identifier: Apache-2.0 */
/* Dead letters: look, replay, reroute, done by hand, discard. */
#include "config.h"
#include "../fixture.h"

#define SPAN (30000 + 120000 + 600000 + 3600000 + 21600000LL) /* of the default schedule */

static int64_t hub, lead, dead;

/* A dead letter in a connection, with receipts and doubt. */
static void
make_dead(int urgency)
{
	struct cs_err err;

	hub = put_conn("hub", "acct_1", "hubspot", "", CS_SUB_ROUTED);
	lead = put_lead(1, "acct_1", CS_KIND_LEAD, GOOD_CONTACT, TO_HUBSPOT);
	dead = put_delivery((struct cs_delivery_row){ .lead_id = lead, .conn_id = hub, .state = CS_DEAD, .attempts = 6, .crashes = 1,
		.doubt = true, .wait_since_ms = NOW - 1000, .urgency = urgency, .blame = CS_BLAME_CRM, .reason = "it was down" });
	ok(fx.store->ops->begin(fx.store, &err));
	ok(fx.store->ops->progress_put(fx.store, dead, "{\"find\":{\"value\":\"51\"}}", &err));
	ok(fx.store->ops->commit(fx.store, &err));
}

static const char *
progress_of(int64_t id)
{
	const char *json = NULL;
	struct cs_err err;

	ok(fx.look->ops->progress_get(fx.look, id, &fx.mem, &json, &err));
	return json;
}

START_TEST(the_list_holds_dead_letters_only)
{
	make_dead(CS_URGENCY_SAME_DAY);
	put_delivery((struct cs_delivery_row){ .lead_id = lead, .conn_id = hub + 1, .state = CS_DUE });
	serve();
	ck_assert_int_eq(GET("/v1/dead-letters"), 200);
	ck_assert_uint_eq(length_at("/items"), 1);
	ck_assert_int_eq(int_at("/items/0/id"), dead);
	ck_assert_int_eq(GET("/v1/dead-letters?state=due"), 200);
	ck_assert_uint_eq(length_at("/items"), 1);
	ck_assert_int_eq(GET("/v1/dead-letters?blame=lead"), 200);
	ck_assert_uint_eq(length_at("/items"), 0);
}
END_TEST

START_TEST(one_tells_its_full_story)
{
	make_dead(CS_URGENCY_SAME_DAY);
	serve();
	ck_assert_int_eq(GET("/v1/dead-letters/%lld", (long long)dead), 200);
	ck_assert_str_eq(text_at("/lead/body/contact/phone"), "+13055550182");
	ck_assert_str_eq(text_at("/delivery/blame"), "crm");
	ck_assert_str_eq(text_at("/delivery/progress/find/value"), "51");
	ck_assert_uint_eq(length_at("/delivery/attempts"), 0);
	ck_assert_int_eq(GET("/v1/dead-letters/1"), 404);
}
END_TEST

START_TEST(a_replay_begins_a_schedule_and_keeps_what_was_done)
{
	struct cs_delivery_row d;

	make_dead(CS_URGENCY_EMERGENCY);
	serve();
	ck_assert_int_eq(POST("{}", "/v1/dead-letters/%lld/replay", (long long)dead), 200);
	ck_assert_str_eq(text_at("/state"), "due");
	ck_assert_str_eq(text_at("/lane"), "replay_emergency");
	d = row_of(dead);
	ck_assert_int_eq(d.due_ms, NOW);
	ck_assert_int_eq(d.expires_ms, NOW + SPAN);
	ck_assert_int_eq(d.attempts, 0);
	ck_assert_int_eq(d.crashes, 0);
	ck_assert_int_eq(d.wait_since_ms, 0);
	ck_assert(d.doubt);
	ck_assert_str_eq(progress_of(dead), "{\"find\":{\"value\":\"51\"}}");
	ck_assert_uint_eq(told("backlog", 1), 1);
	ck_assert_int_eq(told_nth("backlog", 0)->lane, CS_LANE_REPLAY_EMERGENCY);
	ck_assert_int_eq(told_nth("backlog", 0)->conn_id, hub);
	ck_assert_int_eq(POST("{}", "/v1/dead-letters/%lld/replay", (long long)dead), 409);
	ck_assert_ptr_nonnull(strstr(text_at("/detail"), "due"));
}
END_TEST

START_TEST(what_has_nowhere_to_go_stays_dead_and_says_why)
{
	lead = put_lead(1, "acct_1", CS_KIND_LEAD, GOOD_CONTACT, TO_HUBSPOT);
	dead = put_delivery((struct cs_delivery_row){ .lead_id = lead, .crm = "hubspot", .account = "acct_1", .state = CS_DEAD,
		.blame = CS_BLAME_CONNECTION, .urgency = CS_URGENCY_SAME_DAY });
	serve();
	ck_assert_int_eq(POST("{}", "/v1/dead-letters/%lld/replay", (long long)dead), 409);
	ck_assert_ptr_nonnull(strstr(text_at("/detail"), "no connection"));
	ck_assert_int_eq(row_of(dead).state, CS_DEAD);
}
END_TEST

START_TEST(a_lead_that_had_nowhere_to_go_finds_its_new_connection)
{
	lead = put_lead(1, "acct_1", CS_KIND_LEAD, GOOD_CONTACT, TO_HUBSPOT);
	dead = put_delivery((struct cs_delivery_row){ .lead_id = lead, .crm = "hubspot", .account = "acct_1", .state = CS_DEAD,
		.blame = CS_BLAME_CONNECTION, .urgency = CS_URGENCY_SAME_DAY });
	hub = put_conn("hub", "acct_1", "hubspot", "", CS_SUB_ROUTED);
	serve();
	ck_assert_int_eq(POST("{}", "/v1/dead-letters/%lld/replay", (long long)dead), 200);
	ck_assert_str_eq(text_at("/connection_name"), "hub");
	ck_assert_int_eq(row_of(dead).conn_id, hub);
	ck_assert_int_eq(told("backlog", 1), 1);
	ck_assert_int_eq(told_nth("backlog", 0)->conn_id, hub);
}
END_TEST

START_TEST(done_by_hand_clears_the_doubt)
{
	struct cs_delivery_row d;

	make_dead(CS_URGENCY_SAME_DAY);
	serve();
	ck_assert_int_eq(POST("{\"note\":\"typed it in\"}", "/v1/dead-letters/%lld/done", (long long)dead), 200);
	d = row_of(dead);
	ck_assert_int_eq(d.state, CS_DISCARDED);
	ck_assert_str_eq(d.reason, "done by hand: typed it in");
	ck_assert(!d.doubt);
	ck_assert_int_eq(d.done_ms, NOW);
	ck_assert_int_eq(POST("{}", "/v1/dead-letters/%lld/discard", (long long)dead), 409);
}
END_TEST

START_TEST(discard_needs_no_note)
{
	make_dead(CS_URGENCY_SAME_DAY);
	serve();
	ck_assert_int_eq(POST("", "/v1/dead-letters/%lld/discard", (long long)dead), 200);
	ck_assert_str_eq(row_of(dead).reason, "discarded");
	ck_assert_str_eq(text_at("/state"), "discarded");
}
END_TEST

START_TEST(bodies_that_are_no_object_are_refused)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);

	make_dead(CS_URGENCY_SAME_DAY);
	serve();
	ck_assert_int_eq(POST("{", "/v1/dead-letters/%lld/done", (long long)dead), 400);
	ck_assert_int_eq(POST("[]", "/v1/dead-letters/%lld/done", (long long)dead), 422);
	cs_buf_adds(&b, "{\"note\":\"");
	for (int i = 0; i < 301; i++)
		cs_buf_addc(&b, 'x');
	cs_buf_adds(&b, "\"}");
	ck_assert_int_eq(POST(b.ptr, "/v1/dead-letters/%lld/done", (long long)dead), 422);
	ck_assert_str_eq(text_at("/errors/0/pointer"), "/note");
	ck_assert_int_eq(row_of(dead).state, CS_DEAD);
}
END_TEST

START_TEST(a_rerouted_lead_starts_afresh_at_the_other_crm)
{
	struct cs_delivery_row d;
	int64_t web;

	make_dead(CS_URGENCY_SAME_DAY);
	web = put_conn("web", "acct_1", "webhook", "", CS_SUB_ROUTED);
	serve();
	ck_assert_int_eq(POST("{\"connection\":\"web\"}", "/v1/dead-letters/%lld/reroute", (long long)dead), 200);
	ck_assert_str_eq(text_at("/crm"), "webhook");
	d = row_of(dead);
	ck_assert_int_eq(d.conn_id, web);
	ck_assert_int_eq(d.state, CS_DUE);
	ck_assert_int_eq(d.lane, CS_LANE_REPLAY);
	ck_assert_int_eq(d.attempts, 0);
	ck_assert(!d.doubt);
	ck_assert_str_eq(progress_of(dead), "");
	ck_assert_uint_eq(told("backlog", 1), 1);
	ck_assert_str_eq(told_nth("backlog", 0)->crm, "webhook");
}
END_TEST

START_TEST(a_reroute_stays_within_the_account)
{
	make_dead(CS_URGENCY_SAME_DAY);
	put_conn("theirs", "acct_2", "webhook", "", CS_SUB_ROUTED);
	put_conn("all", "*", "webhook", "", CS_SUB_ALL);
	serve();
	ck_assert_int_eq(POST("{\"connection\":\"theirs\"}", "/v1/dead-letters/%lld/reroute", (long long)dead), 422);
	ck_assert_str_eq(text_at("/errors/0/pointer"), "/connection");
	ck_assert_ptr_nonnull(strstr(text_at("/errors/0/detail"), "another account"));
	ck_assert_int_eq(POST("{\"connection\":\"nobody\"}", "/v1/dead-letters/%lld/reroute", (long long)dead), 422);
	ck_assert_int_eq(POST("{\"connection\":\"hub\"}", "/v1/dead-letters/%lld/reroute", (long long)dead), 422);
	ck_assert_int_eq(POST("{}", "/v1/dead-letters/%lld/reroute", (long long)dead), 422);
	ck_assert_int_eq(row_of(dead).gen, 0);
	ck_assert_int_eq(POST("{\"connection\":\"all\"}", "/v1/dead-letters/%lld/reroute", (long long)dead), 200);
}
END_TEST

START_TEST(a_lead_goes_to_a_connection_once)
{
	int64_t web;

	make_dead(CS_URGENCY_SAME_DAY);
	web = put_conn("web", "acct_1", "webhook", "", CS_SUB_ALL);
	put_delivery((struct cs_delivery_row){ .lead_id = lead, .conn_id = web, .state = CS_DELIVERED });
	serve();
	ck_assert_int_eq(POST("{\"connection\":\"web\"}", "/v1/dead-letters/%lld/reroute", (long long)dead), 409);
	ck_assert_int_eq(row_of(dead).state, CS_DEAD);
	ck_assert_str_eq(progress_of(dead), "{\"find\":{\"value\":\"51\"}}");
}
END_TEST

START_TEST(a_faulty_lead_is_fixed_before_it_is_rerouted)
{
	make_dead(CS_URGENCY_SAME_DAY);
	lead = put_lead(2, "acct_1", CS_KIND_INVALID, "{}", TO_HUBSPOT);
	dead = put_delivery((struct cs_delivery_row){ .lead_id = lead, .crm = "hubspot", .account = "acct_1", .state = CS_DEAD,
		.blame = CS_BLAME_LEAD });
	serve();
	ck_assert_int_eq(POST("{\"connection\":\"hub\"}", "/v1/dead-letters/%lld/reroute", (long long)dead), 409);
	ck_assert_int_eq(POST("{}", "/v1/dead-letters/%lld/replay", (long long)dead), 409);
	ck_assert_ptr_nonnull(strstr(text_at("/detail"), "fix"));
	ck_assert_int_eq(row_of(dead).state, CS_DEAD);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { the_list_holds_dead_letters_only, one_tells_its_full_story,
		a_replay_begins_a_schedule_and_keeps_what_was_done, what_has_nowhere_to_go_stays_dead_and_says_why,
		a_lead_that_had_nowhere_to_go_finds_its_new_connection, done_by_hand_clears_the_doubt, discard_needs_no_note,
		bodies_that_are_no_object_are_refused, a_rerouted_lead_starts_afresh_at_the_other_crm,
		a_reroute_stays_within_the_account, a_lead_goes_to_a_connection_once,
		a_faulty_lead_is_fixed_before_it_is_rerouted, NULL };

	return run_tests("deadletters", tests);
}
