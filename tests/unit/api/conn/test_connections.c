/* SPDX-License-Identifier: Apache-2.0 */
/* Connections: look, pause, resume, preview. */
#include "config.h"
#include "../fixture.h"
#include <unistd.h>

START_TEST(connections_are_listed_with_what_waits_and_names_of_secrets)
{
	int64_t hub = put_conn("hub", "acct_1", "hubspot", "h1", CS_SUB_ROUTED);
	struct cs_bytes sealed = { "sealed!", 7 };
	CS_CLEANUP(cs_freep) char *owner = cs_xasprintf("conn/%lld", (long long)hub);
	struct cs_err err;

	ok(fx.store->ops->begin(fx.store, &err));
	ok(fx.store->ops->secret_put(fx.store, owner, "access_token", sealed, &err));
	ok(fx.store->ops->commit(fx.store, &err));
	for (int i = 1; i <= 3; i++)
		put_delivery((struct cs_delivery_row){ .lead_id = put_lead(i, "acct_1", CS_KIND_LEAD, GOOD_CONTACT, TO_HUBSPOT),
			.conn_id = hub, .state = CS_DUE, .lane = i == 1 ? CS_LANE_EMERGENCY : CS_LANE_REPLAY });
	put_conn("web", "acct_2", "webhook", "", CS_SUB_ALL | CS_SUB_EVENTS);
	serve();
	ck_assert_int_eq(GET("/v1/connections"), 200);
	ck_assert_uint_eq(length_at("/items"), 2);
	ck_assert_str_eq(text_at("/items/0/name"), "hub");
	ck_assert_str_eq(text_at("/items/0/secrets/0"), "access_token");
	ck_assert_ptr_null(strstr(fx.body, "sealed!"));
	ck_assert_int_eq(int_at("/items/0/backlog/emergency"), 1);
	ck_assert_int_eq(int_at("/items/0/backlog/replay"), 2);
	ck_assert_str_eq(text_at("/items/0/settings/stage"), "new");
	ck_assert_str_eq(text_at("/items/1/subscribe/1"), "events");
	ck_assert_int_eq(GET("/v1/connections/%s", text_at("/items/0/id")), 200);
	ck_assert_str_eq(text_at("/crm_account_id"), "h1");
	ck_assert_int_eq(GET("/v1/connections/nobody"), 404);
}
END_TEST

START_TEST(the_list_can_be_filtered_and_paged)
{
	for (int i = 0; i < 450; i++)
		put_conn(cs_arena_printf(&fx.mem, "c%d", i), i % 2 == 0 ? "acct_1" : "acct_2", i < 10 ? "webhook" : "hubspot", "",
		         CS_SUB_ROUTED);
	serve();
	ck_assert_int_eq(GET("/v1/connections?crm=webhook&account=acct_1"), 200);
	ck_assert_uint_eq(length_at("/items"), 5);
	ck_assert_ptr_null(cs_json_get(fx.json, "next"));
	ck_assert_int_eq(GET("/v1/connections?account=acct_1&limit=200"), 200);
	ck_assert_uint_eq(length_at("/items"), 200);
	ck_assert_int_eq(GET("/v1/connections?account=acct_1&limit=200&before=%s", text_at("/next")), 200);
	ck_assert_uint_eq(length_at("/items"), 25);
	ck_assert_ptr_null(cs_json_get(fx.json, "next"));
}
END_TEST

START_TEST(a_name_of_two_crms_needs_the_crm)
{
	put_conn("main", "acct_1", "hubspot", "", CS_SUB_ROUTED);
	put_conn("main", "acct_1", "webhook", "", CS_SUB_ROUTED);
	serve();
	ck_assert_int_eq(GET("/v1/connections/main"), 409);
	ck_assert_int_eq(GET("/v1/connections/webhook:main"), 200);
	ck_assert_str_eq(text_at("/crm"), "webhook");
	ck_assert_int_eq(GET("/v1/connections/hubspot:other"), 404);
}
END_TEST

START_TEST(pause_and_resume_reach_store_and_engine)
{
	int64_t hub = put_conn("hub", "acct_1", "hubspot", "", CS_SUB_ROUTED);
	int64_t dead = put_delivery((struct cs_delivery_row){ .lead_id = put_lead(1, "acct_1", CS_KIND_LEAD, GOOD_CONTACT, TO_HUBSPOT),
		.conn_id = hub, .state = CS_DEAD, .blame = CS_BLAME_CREDENTIAL });
	int64_t faulty = put_delivery((struct cs_delivery_row){ .lead_id = put_lead(2, "acct_1", CS_KIND_LEAD, GOOD_CONTACT, TO_HUBSPOT),
		.conn_id = hub, .state = CS_DEAD, .blame = CS_BLAME_LEAD });

	serve();
	ck_assert_int_eq(POST("{\"reason\":\"moving house\"}", "/v1/connections/hub/pause"), 200);
	ck_assert_str_eq(text_at("/state"), "paused");
	ck_assert_str_eq(text_at("/state_reason"), "moving house");
	ck_assert_str_eq(text_at("/state_since"), "2027-01-15T08:00:00Z");
	ck_assert_uint_eq(told("conn", 1), 1);
	ck_assert(!told_nth("conn", 0)->retry_now);
	ck_assert_int_eq(row_of(dead).state, CS_DEAD);
	ck_assert_int_eq(POST("", "/v1/connections/hub/resume"), 200);
	ck_assert_str_eq(text_at("/state"), "connected");
	ck_assert_uint_eq(told("conn", 2), 2);
	ck_assert(told_nth("conn", 1)->retry_now);
	ck_assert_uint_eq(told("backlog", 1), 1);
	ck_assert_int_eq(told_nth("backlog", 0)->conn_id, hub);
	ck_assert_int_eq(row_of(dead).state, CS_DUE);
	ck_assert_int_eq(row_of(faulty).state, CS_DEAD);
}
END_TEST

START_TEST(automatic_replay_can_be_switched_off)
{
	int64_t hub = put_conn("hub", "acct_1", "hubspot", "", CS_SUB_ROUTED);
	int64_t dead = put_delivery((struct cs_delivery_row){ .lead_id = put_lead(1, "acct_1", CS_KIND_LEAD, GOOD_CONTACT, TO_HUBSPOT),
		.conn_id = hub, .state = CS_DEAD, .blame = CS_BLAME_CREDENTIAL });

	fx.conf->replay.automatic = false;
	serve();
	ck_assert_int_eq(POST("", "/v1/connections/hub/resume"), 200);
	ck_assert_int_eq(POST("{}", "/v1/deliveries/99999/retry"), 404); /* through the writer: what was before is done */
	ck_assert_int_eq(row_of(dead).state, CS_DEAD);
}
END_TEST

START_TEST(many_dead_letters_of_a_resumed_connection_all_go)
{
	int64_t hub = put_conn("hub", "acct_1", "hubspot", "", CS_SUB_ROUTED), moved = 0;

	for (int i = 1; i <= 1100; i++)
		put_delivery((struct cs_delivery_row){ .lead_id = put_lead(i, "acct_1", CS_KIND_LEAD, GOOD_CONTACT, TO_HUBSPOT),
			.conn_id = hub, .state = CS_DEAD, .blame = CS_BLAME_CRM, .urgency = CS_URGENCY_FLEXIBLE });
	serve();
	ck_assert_int_eq(POST("", "/v1/connections/hub/resume"), 200);
	ck_assert_uint_eq(told("backlog", 3), 3);
	for (size_t i = 0; i < 3; i++)
		moved += told_nth("backlog", i)->n;
	ck_assert_int_eq(moved, 1100);
	ck_assert_int_gt(row_of(1 << 8 | 1).expires_ms, row_of(1100 << 8 | 1).expires_ms);
}
END_TEST

START_TEST(what_the_file_has_paused_is_resumed_there)
{
	struct cs_conf_connection c = { .name = "hub", .account = "acct_1", .paused = true };
	struct cs_conf_crm crm = { .name = "hubspot", .enabled = true, .connections = &c, .n_connections = 1 };

	put_conn("hub", "acct_1", "hubspot", "", CS_SUB_ROUTED);
	fx.conf->crms = &crm;
	fx.conf->n_crms = 1;
	serve();
	ck_assert_int_eq(POST("", "/v1/connections/hub/resume"), 409);
	ck_assert_ptr_nonnull(strstr(text_at("/detail"), "configuration"));
	ck_assert_uint_eq(told("conn", 0), 0);
	fx.conf->n_crms = 0;
}
END_TEST

/* ---- map */

#define LEAD(phone) \
	"{\"schema_version\":\"1.0\",\"event\":\"lead.qualified\",\"event_id\":\"3f0c2c1e-6a0d-4d0e-9a41-5b8f0a2b9d11\"," \
	"\"timestamp_utc\":\"2026-05-26T14:32:00Z\",\"callsetter_account_id\":\"acct_1\",\"call\":{\"call_id\":\"c\"," \
	"\"direction\":\"inbound\"},\"contact\":{\"phone\":\"" phone "\"},\"service_request\":{\"service_type\":\"HVAC\"," \
	"\"urgency\":\"same_day\"},\"routing\":{\"destination_crm\":\"hubspot\"}}"

START_TEST(a_preview_shows_what_would_be_sent)
{
	int64_t hub = put_conn("hub", "acct_1", "hubspot", "", CS_SUB_ROUTED);
	int64_t lead = put_lead(1, "acct_1", CS_KIND_LEAD, GOOD_CONTACT, TO_HUBSPOT);

	serve();
	ck_assert_int_eq(POST(LEAD("+13055550111"), "/v1/connections/hub/map"), 200);
	ck_assert_int_eq(int_at("/document/connection"), hub);
	ck_assert_str_eq(text_at("/document/phone"), "+13055550111");
	ck_assert_int_eq(POST(cs_arena_printf(&fx.mem, "{\"lead_id\":%lld}", (long long)lead), "/v1/connections/hub/map"), 200);
	ck_assert_str_eq(text_at("/document/phone"), "+13055550182");
	ck_assert_int_eq(POST(cs_arena_printf(&fx.mem, "{\"lead_id\":\"%s\"}", event_id(1)), "/v1/connections/hub/map"), 200);
}
END_TEST

START_TEST(a_preview_says_why_there_is_none)
{
	put_conn("hub", "acct_1", "hubspot", "", CS_SUB_ROUTED);
	serve();
	ck_assert_int_eq(POST(LEAD("+1000555011"), "/v1/connections/hub/map"), 422);
	ck_assert_str_eq(text_at("/detail"), "no such number");
	ck_assert_int_eq(POST("{\"event\":\"lead.qualified\"}", "/v1/connections/hub/map"), 422);
	ck_assert_uint_ge(length_at("/errors"), 2);
	ck_assert_int_eq(POST("{\"lead_id\":77}", "/v1/connections/hub/map"), 404);
	ck_assert_int_eq(POST(LEAD("+13055550111"), "/v1/connections/nobody/map"), 404);
	ck_assert_int_eq(POST("no json", "/v1/connections/hub/map"), 400);
	fx.api.engine = NULL;
	ck_assert_int_eq(POST(LEAD("+13055550111"), "/v1/connections/hub/map"), 503);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { connections_are_listed_with_what_waits_and_names_of_secrets,
		the_list_can_be_filtered_and_paged, a_name_of_two_crms_needs_the_crm, pause_and_resume_reach_store_and_engine,
		automatic_replay_can_be_switched_off, many_dead_letters_of_a_resumed_connection_all_go,
		what_the_file_has_paused_is_resumed_there, a_preview_shows_what_would_be_sent, a_preview_says_why_there_is_none,
		NULL };

	return run_tests("connections", tests);
}
