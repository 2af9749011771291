/* SPDX-License-Identifier: Apache-2.0 */
/* Dynamic connections: made, changed, confirmed, deleted, set back. */
#include "config.h"
#include "../fixture.h"
#include <unistd.h>
#include "util/text.h"

static const char *
make(const char *more)
{
	ck_assert_int_eq(POST(cs_arena_printf(&fx.mem, "{\"crm\":\"acme\",\"account\":\"acct_1\",\"secrets\":{\"token\":\"tok-123456\"}%s}", more),
	                      "/v1/connections"), 201);
	return cs_arena_strdup(&fx.mem, text_at("/id"));
}

static bool
has_fault(const char *pointer, const char *part)
{
	for (size_t i = 0; i < length_at("/errors"); i++)
		if (strcmp(text_at(path_of("/errors/%zu/pointer", i)), pointer) == 0 &&
		    strstr(text_at(path_of("/errors/%zu/detail", i)), part) != NULL)
			return true;
	return false;
}

START_TEST(a_connection_is_made_with_its_secrets_sealed)
{
	const char *id;

	serve();
	id = make(",\"label\":\"Acme Heating\",\"contacts\":[\"ops@example.com\"],\"timezone\":\"UTC\",\"subscribe\":[\"routed\",\"unqualified\"]");
	ck_assert_int_eq(GET("/v1/connections/%s", id), 200);
	ck_assert_str_eq(text_at("/state"), "connected"); /* its plugin cannot say who is connected */
	ck_assert_str_eq(text_at("/label"), "Acme Heating");
	ck_assert_str_eq(text_at("/contacts/0"), "ops@example.com");
	ck_assert_str_eq(text_at("/secrets/0"), "token");
	ck_assert_str_eq(text_at("/subscribe/1"), "unqualified");
	ck_assert_ptr_null(strstr(fx.body, "tok-123456"));
	ck_assert_uint_eq(told("conn", 1), 1);
	ck_assert_int_eq(POST("{\"crm\":\"acme\",\"account\":\"acct_1\",\"secrets\":{\"token\":\"x\"}}", "/v1/connections"), 409);
	ck_assert_str_eq(text_at("/errors/0/pointer"), "/crm_account_id");
}
END_TEST

START_TEST(every_fault_is_told_with_its_place)
{
	serve();
	ck_assert_int_eq(POST("{\"acount\":\"a\",\"contacts\":[\"nobody\"],\"timezone\":\"Mars/Base\",\"subscribe\":[\"every\"]}", "/v1/connections"), 422);
	ck_assert(has_fault("/acount", "did you mean \"account\""));
	ck_assert(has_fault("/crm", "required"));
	ck_assert(has_fault("/account", "required"));
	ck_assert(has_fault("/contacts", "mail addresses"));
	ck_assert(has_fault("/timezone", "time zone"));
	ck_assert(has_fault("/subscribe", "routed"));
	ck_assert_int_eq(POST("{\"crm\":\"acme\",\"account\":\"acct_1\",\"settings\":{\"stge\":\"x\",\"stage\":\"hot-secret\"},\"secrets\":{\"tokn\":\"t\"}}",
	                      "/v1/connections"), 422);
	ck_assert(has_fault("/settings/stge", "did you mean \"stage\""));
	ck_assert(has_fault("/settings/stage", "new"));
	ck_assert(has_fault("/secrets/tokn", "did you mean \"token\""));
	ck_assert(has_fault("/secrets/token", "required"));
	ck_assert_ptr_null(strstr(fx.body, "hot-secret"));
	ck_assert_int_eq(POST("{\"crm\":\"nowhere\",\"account\":\"acct_1\"}", "/v1/connections"), 422);
	ck_assert_str_eq(text_at("/errors/0/pointer"), "/crm");
	ck_assert_int_eq(call("POST", "/v1/connections", BOUND, "{\"crm\":\"acme\",\"account\":\"acct_2\",\"secrets\":{\"token\":\"t\"}}"), 403);
	ck_assert_int_eq(call("POST", "/v1/connections", READER, "{\"crm\":\"acme\",\"account\":\"acct_1\"}"), 403);
}
END_TEST

START_TEST(only_the_operator_says_where_secrets_of_the_app_go)
{
	const char *change = "{\"settings\":{\"base_url\":\"https://elsewhere.test\"}}", *id;

	serve();
	id = make("");
	ck_assert_int_eq(call("PATCH", path_of("/v1/connections/%s", id), BOUND, change), 422);
	ck_assert(has_fault("/settings/base_url", "operator"));
	ck_assert_int_eq(call("PATCH", path_of("/v1/connections/%s", id), BOUND, "{\"settings\":{\"stage\":\"new\"}}"), 200);
	ck_assert_int_eq(call("PATCH", path_of("/v1/connections/%s", id), ADMIN, change), 200);
}
END_TEST

START_TEST(a_change_is_checked_kept_and_can_be_taken_back)
{
	const char *id;

	serve();
	id = make(",\"overrides\":{\"a\":1}");
	ck_assert_int_eq(call("PATCH", path_of("/v1/connections/%s", id), ADMIN, "{\"crm\":\"acme\"}"), 422);
	ck_assert(has_fault("/crm", "cannot be changed"));
	ck_assert_int_eq(call("PATCH", path_of("/v1/connections/%s", id), ADMIN, "{\"settings\":{\"stage\":\"old\"}}"), 422);
	ck_assert_int_eq(call("PATCH", path_of("/v1/connections/%s", id), ADMIN, "{\"settings\":{\"stage\":\"new\"},\"overrides\":{\"b\":null}}"), 200);
	ck_assert_str_eq(text_at("/settings/stage"), "new");
	ck_assert_ptr_nonnull(strstr(fx.body, "\"overrides\":{\"b\":null}"));
	ck_assert_int_eq(call("PATCH", path_of("/v1/connections/%s", id), ADMIN, "{\"label\":\"L\"}"), 200);
	ck_assert_int_eq(GET("/v1/connections/%s/versions", id), 200);
	ck_assert_uint_eq(length_at("/items"), 2);
	ck_assert_str_eq(text_at("/items/1/overrides/a"), "1");
	ck_assert_int_eq(strncmp(text_at("/items/0/by"), "key ", 4), 0);
	ck_assert_int_eq(POST(cs_arena_printf(&fx.mem, "{\"version\":%s}", text_at("/items/1/version")), "/v1/connections/%s/rollback", id), 200);
	ck_assert_ptr_nonnull(strstr(fx.body, "\"overrides\":{\"a\":1}"));
	ck_assert_str_eq(text_at("/label"), "L");
	ck_assert_int_eq(POST("{\"version\":77}", "/v1/connections/%s/rollback", id), 422);
	ck_assert_int_eq(GET("/v1/connections/%s/versions", id), 200);
	ck_assert_uint_eq(length_at("/items"), 3);
}
END_TEST

START_TEST(one_that_waits_for_confirmation_gets_its_leads_then)
{
	int64_t id = put_conn("", "acct_1", "hubspot", "", CS_SUB_ROUTED), dead;
	struct cs_err err;

	ok(fx.store->ops->begin(fx.store, &err));
	ok(fx.store->ops->conn_state(fx.store, id, CS_CONN_PENDING, "x", NOW, &err));
	ok(fx.store->ops->commit(fx.store, &err));
	dead = put_delivery((struct cs_delivery_row){ .lead_id = put_lead(1, "acct_1", CS_KIND_LEAD, GOOD_CONTACT, TO_HUBSPOT), .crm = "hubspot",
		.account = "acct_1", .state = CS_DEAD, .blame = CS_BLAME_CONNECTION, .urgency = CS_URGENCY_EMERGENCY });
	serve();
	ck_assert_int_eq(GET("/v1/connections"), 200);
	ck_assert_str_eq(text_at("/items/0/state"), "pending");
	ck_assert_int_eq(POST("", "/v1/connections/%s/resume", text_at("/items/0/id")), 409);
	ck_assert_int_eq(GET("/v1/connections"), 200);
	ck_assert_int_eq(POST("", "/v1/connections/%s/confirm", text_at("/items/0/id")), 200);
	ck_assert_str_eq(text_at("/state"), "connected");
	ck_assert_uint_eq(told("backlog", 1), 1);
	ck_assert_int_eq(told_nth("backlog", 0)->lane, CS_LANE_REPLAY_EMERGENCY);
	ck_assert_int_eq(row_of(dead).state, CS_DUE);
	ck_assert_int_eq(row_of(dead).conn_id, id);
	ck_assert_int_eq(POST("", "/v1/connections/%s/confirm", text_at("/id")), 409);
}
END_TEST

START_TEST(a_deleted_connection_leaves_dead_letters_that_say_so)
{
	int64_t id = put_conn("", "acct_1", "hubspot", "h1", CS_SUB_ROUTED);
	int64_t due = put_delivery((struct cs_delivery_row){ .lead_id = put_lead(1, "acct_1", CS_KIND_LEAD, GOOD_CONTACT, TO_HUBSPOT), .conn_id = id,
		.state = CS_DUE });
	const char *name;

	serve();
	ck_assert_int_eq(GET("/v1/connections"), 200);
	name = cs_arena_strdup(&fx.mem, text_at("/items/0/id"));
	ck_assert_int_eq(call("DELETE", path_of("/v1/connections/%s", name), ADMIN, NULL), 200);
	ck_assert_int_eq(int_at("/dead_letters"), 1);
	ck_assert_str_eq(text_at("/webhooks"), "removed");
	ck_assert_str_eq(text_at("/grant"), "left");
	ck_assert_uint_eq(told("leave", 1), 1);
	ck_assert_int_eq(row_of(due).state, CS_DEAD);
	ck_assert_int_eq(row_of(due).blame, CS_BLAME_CONNECTION);
	ck_assert_ptr_nonnull(strstr(row_of(due).reason, "deleted"));
	ck_assert_str_eq(row_of(due).crm_account_id, "h1");
	ck_assert_int_eq(GET("/v1/connections/%s", name), 404);
	ck_assert_int_eq(call("DELETE", path_of("/v1/connections/%s", name), ADMIN, NULL), 404);
}
END_TEST

START_TEST(what_stands_in_a_file_is_changed_there)
{
	struct cs_conn_row c = { .name = "main", .account = "acct_1", .crm = "hubspot", .crm_account_id = "", .label = "", .is_static = true,
		.state_reason = "", .subscribe = CS_SUB_ROUTED, .settings = "{}", .overrides = "", .facts = "", .timezone = "", .contacts = "" };
	static struct cs_conf_connection sc = { .name = "main", .account = "acct_1", .at = { "/etc/csrelay/crm.d/hubspot.conf", 12 } };
	static struct cs_conf_crm crm = { .name = "hubspot", .enabled = true, .connections = &sc, .n_connections = 1 };
	struct cs_err err;

	ok(fx.store->ops->begin(fx.store, &err));
	ok(fx.store->ops->conn_put(fx.store, &c, &err));
	ok(fx.store->ops->commit(fx.store, &err));
	fx.conf->crms = &crm;
	fx.conf->n_crms = 1;
	serve();
	ck_assert_int_eq(call("PATCH", "/v1/connections/main", ADMIN, "{\"label\":\"x\"}"), 409);
	ck_assert_ptr_nonnull(strstr(fx.body, "hubspot.conf, line 12"));
	ck_assert_int_eq(call("DELETE", "/v1/connections/main", ADMIN, NULL), 409);
	ck_assert_int_eq(POST("{\"version\":1}", "/v1/connections/main/rollback"), 409);
	ck_assert_int_eq(GET("/v1/connections/main"), 200);
	fx.conf->n_crms = 0;
}
END_TEST

START_TEST(a_test_lead_is_of_its_own_kind_and_goes_to_one_connection)
{
	const char *id;
	int64_t test;

	serve();
	id = make("");
	ck_assert_int_eq(POST("{\"crm\":\"acme\",\"account\":\"acct_1\",\"subscribe\":[\"all\"],\"secrets\":{\"token\":\"tok-9\"}}", "/v1/connections"), 201);
	ck_assert_int_eq(POST("", "/v1/connections/%s/test", id), 202);
	test = int_at("/test");
	ck_assert_int_eq(row_of(int_at("/delivery")).state, CS_DUE);
	ck_assert_uint_eq(told("backlog", 1), 1);
	ck_assert_int_eq(GET("/v1/leads/%lld", (long long)test), 200);
	ck_assert_str_eq(text_at("/kind"), "test");
	ck_assert_uint_eq(length_at("/deliveries"), 1);
	ck_assert_int_eq(GET("/v1/connections/%s/test/%lld", id, (long long)test), 200);
	ck_assert_str_eq(text_at("/state"), "due");
	ck_assert_int_eq(POST("", "/v1/connections/%s/test/%lld/seen", id, (long long)test), 409);
	ck_assert_int_eq(POST("{}", "/v1/connections/%s/pause", id), 200);
	ck_assert_int_eq(POST("", "/v1/connections/%s/test", id), 409);
}
END_TEST

START_TEST(what_the_crm_says_is_passed_on)
{
	const char *id;

	serve();
	id = make("");
	ck_assert_int_eq(POST("", "/v1/connections/%s/verify", id), 200);
	ck_assert_str_eq(text_at("/said"), "bad_key");
	ck_assert_int_eq(GET("/v1/connections/%s/choices/stages", id), 503);
	ck_assert_int_eq(GET("/v1/connections/%s/choices/stages?limit=0", id), 400);
	ck_assert_int_eq(call("POST", path_of("/v1/connections/%s/verify", id), READER, ""), 403);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { a_connection_is_made_with_its_secrets_sealed, every_fault_is_told_with_its_place,
		only_the_operator_says_where_secrets_of_the_app_go, a_change_is_checked_kept_and_can_be_taken_back, one_that_waits_for_confirmation_gets_its_leads_then,
		a_deleted_connection_leaves_dead_letters_that_say_so, what_stands_in_a_file_is_changed_there,
		a_test_lead_is_of_its_own_kind_and_goes_to_one_connection, what_the_crm_says_is_passed_on, NULL };

	return run_tests("conn_write", tests);
}
