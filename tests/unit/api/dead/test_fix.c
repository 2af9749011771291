/* SPDX-License-Identifier: Apache-2.0 */
/* A person mends a lead. */
#include "config.h"
#include "../fixture.h"
#include "util/text.h"

static int64_t lead, dead;

static void
make_faulty(const char *contact, const char *routing)
{
	lead = put_lead(1, "acct_1", CS_KIND_INVALID, contact, routing);
	dead = put_delivery((struct cs_delivery_row){ .lead_id = lead, .crm = "hubspot", .account = "acct_1", .state = CS_DEAD,
		.blame = CS_BLAME_LEAD, .reason = "a required field is missing or wrong", .urgency = CS_URGENCY_SAME_DAY });
}

static int
fix(const char *patch)
{
	return POST(patch, "/v1/dead-letters/%lld/fix", (long long)dead);
}

static struct cs_lead_row
lead_row(void)
{
	struct cs_lead_row l;
	struct cs_err err;

	ok(fx.look->ops->lead_get(fx.look, lead, &fx.mem, &l, &err));
	return l;
}

static int
deliveries(struct cs_delivery_row out[8])
{
	struct cs_err err;

	return ok(fx.look->ops->deliveries_of_lead(fx.look, lead, &fx.mem, out, 8, &err));
}

START_TEST(a_fixed_lead_goes_where_it_says)
{
	int64_t hub = put_conn("hub", "acct_1", "hubspot", "", CS_SUB_ROUTED);
	struct cs_delivery_row d;
	struct cs_lead_row l;

	make_faulty("{\"first_name\":\"Ann\"}", TO_HUBSPOT);
	serve();
	ck_assert_int_eq(fix("{\"contact\":{\"phone\":\"+13055550182\"},\"service_request\":{\"urgency\":\"emergency\"}}"), 200);
	ck_assert_str_eq(text_at("/state"), "due");
	ck_assert_str_eq(text_at("/connection_name"), "hub");
	d = row_of(dead);
	ck_assert_int_eq(d.conn_id, hub);
	ck_assert_int_eq(d.lane, CS_LANE_REPLAY_EMERGENCY);
	ck_assert_int_eq(d.blame, CS_BLAME_NONE);
	ck_assert_str_eq(d.reason, "");
	l = lead_row();
	ck_assert_int_eq(l.kind, CS_KIND_LEAD);
	ck_assert_int_eq(l.urgency, CS_URGENCY_EMERGENCY);
	ck_assert_ptr_nonnull(strstr(l.body.ptr, "\"first_name\":\"Ann\""));
	ck_assert_ptr_nonnull(strstr(l.body.ptr, "+13055550182"));
	ck_assert_uint_eq(told("backlog", 1), 1);
	ck_assert_int_eq(told_nth("backlog", 0)->conn_id, hub);
}
END_TEST

START_TEST(what_is_still_faulty_is_told_row_by_row_and_nothing_changes)
{
	put_conn("hub", "acct_1", "hubspot", "", CS_SUB_ROUTED);
	make_faulty("{\"first_name\":\"Ann\"}", TO_HUBSPOT);
	serve();
	ck_assert_int_eq(fix("{\"contact\":{\"phone\":\"12\"},\"call\":{\"direction\":\"sideways\"}}"), 422);
	ck_assert(head_has("application/problem+json"));
	ck_assert_uint_ge(length_at("/errors"), 2);
	ck_assert_msg(strstr(fx.body, "/contact/phone") != NULL, "%s", fx.body);
	ck_assert_ptr_nonnull(strstr(fx.body, "/call/direction"));
	ck_assert_int_eq(row_of(dead).state, CS_DEAD);
	ck_assert_int_eq(lead_row().kind, CS_KIND_INVALID);
	ck_assert_ptr_null(strstr(lead_row().body.ptr, "sideways"));
	ck_assert_int_eq(fix("{\"contact\":"), 400);
}
END_TEST

START_TEST(a_lead_stays_the_lead_it_is)
{
	put_conn("hub", "acct_1", "hubspot", "", CS_SUB_ROUTED);
	make_faulty("{}", TO_HUBSPOT);
	serve();
	ck_assert_int_eq(fix(cs_arena_printf(&fx.mem, "{\"event_id\":\"%s\",\"contact\":{\"phone\":\"+13055550182\"}}", event_id(9))),
	                 422);
	ck_assert_int_eq(fix("{\"callsetter_account_id\":\"acct_2\",\"contact\":{\"phone\":\"+13055550182\"}}"), 422);
	ck_assert_int_eq(fix("{\"event\":\"lead.unqualified\",\"contact\":{\"phone\":\"+13055550182\"}}"), 422);
	ck_assert_int_eq(fix("{\"event_id\":null,\"contact\":{\"phone\":\"+13055550182\"}}"), 422);
	ck_assert_ptr_nonnull(strstr(fx.body, "/event_id"));
	ck_assert_int_eq(row_of(dead).gen, 0);
}
END_TEST

START_TEST(warnings_of_optional_fields_are_kept)
{
	put_conn("hub", "acct_1", "hubspot", "", CS_SUB_ROUTED);
	make_faulty("{}", TO_HUBSPOT);
	serve();
	ck_assert_int_eq(fix("{\"contact\":{\"phone\":\"+13055550182\",\"email\":\"nonsense\"}}"), 200);
	ck_assert_ptr_nonnull(strstr(lead_row().warnings, "/contact/email"));
}
END_TEST

START_TEST(subscribers_get_it_too)
{
	int64_t hub = put_conn("hub", "acct_1", "hubspot", "", CS_SUB_ROUTED);
	int64_t all = put_conn("all", "acct_1", "webhook", "", CS_SUB_ALL);
	struct cs_delivery_row d[8];

	make_faulty("{}", TO_HUBSPOT);
	serve();
	ck_assert_int_eq(fix("{\"contact\":{\"phone\":\"+13055550182\"}}"), 200);
	ck_assert_int_eq(deliveries(d), 2);
	ck_assert_int_eq(d[0].conn_id, hub);
	ck_assert_int_eq(d[1].conn_id, all);
	ck_assert_int_eq(d[1].state, CS_DUE);
	ck_assert_int_eq(d[1].lane, CS_LANE_REPLAY);
	ck_assert(d[1].phone_key != 0);
	ck_assert_uint_eq(told("backlog", 2), 2);
}
END_TEST

START_TEST(a_fixed_lead_without_a_connection_is_dead_for_another_reason)
{
	int64_t all = put_conn("all", "acct_1", "webhook", "", CS_SUB_ALL);
	struct cs_delivery_row d[8];

	make_faulty("{}", TO_HUBSPOT);
	serve();
	ck_assert_int_eq(fix("{\"contact\":{\"phone\":\"+13055550182\"}}"), 200);
	ck_assert_str_eq(text_at("/state"), "dead");
	ck_assert_str_eq(text_at("/blame"), "connection");
	ck_assert_int_eq(deliveries(d), 2);
	ck_assert_int_eq(d[1].conn_id, all);
	ck_assert_int_eq(lead_row().kind, CS_KIND_LEAD);
}
END_TEST

START_TEST(what_a_crm_refused_stays_with_its_connection)
{
	int64_t hub = put_conn("hub", "acct_1", "hubspot", "", CS_SUB_ROUTED);
	struct cs_delivery_row d;
	struct cs_err err;

	lead = put_lead(1, "acct_1", CS_KIND_LEAD, GOOD_CONTACT, TO_HUBSPOT);
	dead = put_delivery((struct cs_delivery_row){ .lead_id = lead, .conn_id = hub, .state = CS_DEAD, .blame = CS_BLAME_LEAD,
		.doubt = true, .urgency = CS_URGENCY_SAME_DAY });
	ok(fx.store->ops->begin(fx.store, &err));
	ok(fx.store->ops->progress_put(fx.store, dead, "{\"find\":{\"value\":\"51\"}}", &err));
	ok(fx.store->ops->commit(fx.store, &err));
	serve();
	ck_assert_int_eq(fix("{\"contact\":{\"email\":\"ann@example.com\"}}"), 200);
	d = row_of(dead);
	ck_assert_int_eq(d.conn_id, hub);
	ck_assert_int_eq(d.state, CS_DUE);
	ck_assert(d.doubt);
	ck_assert_int_eq(GET("/v1/leads/%lld/story", (long long)lead), 200);
	ck_assert_str_eq(text_at("/deliveries/0/progress/find/value"), "51");
}
END_TEST

START_TEST(a_fix_can_send_it_to_another_crm)
{
	int64_t hub = put_conn("hub", "acct_1", "hubspot", "", CS_SUB_ROUTED);
	int64_t web = put_conn("web", "acct_1", "webhook", "", CS_SUB_ROUTED);
	struct cs_delivery_row d;

	lead = put_lead(1, "acct_1", CS_KIND_LEAD, GOOD_CONTACT, TO_HUBSPOT);
	dead = put_delivery((struct cs_delivery_row){ .lead_id = lead, .conn_id = hub, .state = CS_DEAD, .blame = CS_BLAME_LEAD,
		.doubt = true });
	serve();
	ck_assert_int_eq(fix("{\"routing\":{\"destination_crm\":\"webhook\"}}"), 200);
	d = row_of(dead);
	ck_assert_int_eq(d.conn_id, web);
	ck_assert(!d.doubt);
	ck_assert_str_eq(text_at("/crm"), "webhook");
}
END_TEST

START_TEST(only_dead_letters_are_fixed)
{
	int64_t hub = put_conn("hub", "acct_1", "hubspot", "", CS_SUB_ROUTED);

	lead = put_lead(1, "acct_1", CS_KIND_LEAD, GOOD_CONTACT, TO_HUBSPOT);
	dead = put_delivery((struct cs_delivery_row){ .lead_id = lead, .conn_id = hub, .state = CS_DELIVERED });
	serve();
	ck_assert_int_eq(fix("{\"contact\":{\"email\":\"ann@example.com\"}}"), 409);
	ck_assert_ptr_null(strstr(lead_row().body.ptr, "ann@"));
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { a_fixed_lead_goes_where_it_says,
		what_is_still_faulty_is_told_row_by_row_and_nothing_changes, a_lead_stays_the_lead_it_is,
		warnings_of_optional_fields_are_kept, subscribers_get_it_too,
		a_fixed_lead_without_a_connection_is_dead_for_another_reason, what_a_crm_refused_stays_with_its_connection,
		a_fix_can_send_it_to_another_crm, only_dead_letters_are_fixed, NULL };

	return run_tests("fix", tests);
}
