/* SPDX-License-Identifier: Apache-2.0 */
/* Rows as JSON. */
#include "config.h"
#include "../api/fixture.h"
#include "view/render.h"

static struct cs_buf b;

static const char *
text(void)
{
	return cs_buf_str(&b);
}

START_TEST(commas_come_by_themselves)
{
	cs_out_open(&b, NULL, '{');
	cs_out_int(&b, "a", -5);
	cs_out_open(&b, "b", '[');
	cs_out_bool(&b, NULL, true);
	cs_out_open(&b, NULL, '[');
	cs_out_close(&b, ']');
	cs_out_string(&b, NULL, "x\"y\n");
	cs_out_close(&b, ']');
	cs_out_text(&b, "c", "");
	cs_out_open(&b, "d", '{');
	cs_out_close(&b, '}');
	cs_out_time(&b, "e", 0);
	cs_out_time(&b, "f", NOW);
	cs_out_close(&b, '}');
	ck_assert_str_eq(text(), "{\"a\":-5,\"b\":[true,[],\"x\\\"y\\n\"],\"c\":null,\"d\":{},\"e\":null,"
	                         "\"f\":\"2027-01-15T08:00:00Z\"}");
	cs_buf_fini(&b);
}
END_TEST

START_TEST(stored_json_goes_in_as_it_is_and_broken_json_as_text)
{
	cs_out_open(&b, NULL, '[');
	cs_out_json(&b, NULL, "{\"a\": 1}", 8, "{}");
	cs_out_json(&b, NULL, "", 0, "[]");
	cs_out_json(&b, NULL, "{\"cut", 5, "{}");
	cs_out_json(&b, NULL, "1]", 2, "{}");
	cs_out_close(&b, ']');
	ck_assert_str_eq(text(), "[{\"a\": 1},[],\"{\\\"cut\",\"1]\"]");
	cs_buf_fini(&b);
}
END_TEST

START_TEST(a_list_has_a_cursor_or_null)
{
	cs_out_open_list(&b);
	cs_out_close_list(&b, 0);
	ck_assert_str_eq(text(), "{\"items\":[],\"next\":null}");
	cs_buf_reset(&b);
	cs_out_open_list(&b);
	cs_out_int(&b, NULL, 1);
	cs_out_close_list(&b, 77);
	ck_assert_str_eq(text(), "{\"items\":[1],\"next\":\"77\"}");
	cs_buf_fini(&b);
}
END_TEST

static json_object *
read_back(void)
{
	json_object *o = NULL;
	struct cs_err err;

	ck_assert_msg(cs_json_parse(text(), b.len, 32, &o, &err) == 0, "%s: %s", text(), err.msg);
	return o;
}

START_TEST(a_delivery_shows_where_it_goes_and_how_it_is)
{
	struct cs_delivery_row d = { .id = 257, .lead_id = 1, .state = CS_TAKEN, .crm = "old", .account = "acct_1",
		.crm_account_id = "", .reason = "say \"no\"", .records = "[{\"type\":\"contact\",\"id\":\"5\"}]", .warnings = "",
		.lane = CS_LANE_REPLAY, .urgency = CS_URGENCY_SAME_WEEK, .attempts = 3, .doubt = true, .blame = CS_BLAME_CRM,
		.created_ms = NOW, .due_ms = NOW, .expires_ms = NOW };
	struct cs_conns conns;
	json_object *o;

	d.conn_id = put_conn("main", "acct_1", "hubspot", "", CS_SUB_ROUTED);
	cs_conns_init(&conns, fx.store, &fx.mem);
	cs_out_open(&b, NULL, '{');
	cs_render_delivery(&b, &d, &conns);
	cs_out_close(&b, '}');
	o = read_back();
	ck_assert_str_eq(cs_json_str(o, "state", ""), "in_hand");
	ck_assert_str_eq(cs_json_str(o, "crm", ""), "hubspot");
	ck_assert_str_eq(cs_json_str(o, "connection_name", ""), "main");
	ck_assert_int_eq(strncmp(cs_json_str(o, "connection", ""), "conn_", 5), 0);
	ck_assert_str_eq(cs_json_str(o, "lane", ""), "replay");
	ck_assert_str_eq(cs_json_str(o, "urgency", ""), "same_week");
	ck_assert_str_eq(cs_json_str(o, "reason", ""), "say \"no\"");
	ck_assert_int_eq(cs_json_int(o, "attempt_count", 0), 3);
	ck_assert(cs_json_bool(o, "doubt", false));
	ck_assert_str_eq(cs_json_pointer_text(o, "/records/0/id"), "5");
	ck_assert_ptr_null(cs_json_get(o, "due_at")); /* of waiting ones only */
	ck_assert_ptr_null(cs_json_get(o, "replay"));
	json_object_put(o);
	cs_conns_fini(&conns);
	cs_buf_fini(&b);
}
END_TEST

START_TEST(a_delivery_without_a_connection_says_where_it_should_go)
{
	struct cs_delivery_row d = { .id = 257, .lead_id = 1, .state = CS_DEAD, .crm = "hubspot", .account = "acct_1",
		.crm_account_id = "h9", .reason = "", .records = "", .warnings = "", .urgency = 99 };
	struct cs_conns conns;
	json_object *o;

	cs_conns_init(&conns, fx.store, &fx.mem);
	cs_out_open(&b, NULL, '{');
	cs_render_delivery(&b, &d, &conns);
	cs_out_close(&b, '}');
	o = read_back();
	ck_assert_ptr_null(cs_json_get(o, "connection"));
	ck_assert_str_eq(cs_json_str(o, "crm", ""), "hubspot");
	ck_assert_str_eq(cs_json_str(o, "crm_account_id", ""), "h9");
	json_object_put(o);
	cs_conns_fini(&conns);
	cs_buf_fini(&b);
}
END_TEST

START_TEST(connections_are_read_once)
{
	int64_t id = put_conn("main", "acct_1", "hubspot", "", CS_SUB_ROUTED);
	struct cs_conns conns;
	const struct cs_conn_row *c;

	cs_conns_init(&conns, fx.store, &fx.mem);
	c = cs_conns_get(&conns, id);
	ck_assert_ptr_nonnull(c);
	ck_assert_ptr_eq(cs_conns_get(&conns, id), c);
	ck_assert_ptr_null(cs_conns_get(&conns, 0));
	ck_assert_ptr_null(cs_conns_get(&conns, id + 1));
	cs_conns_fini(&conns);
}
END_TEST

START_TEST(keys_and_connections_show_words_as_arrays)
{
	struct cs_key_row k = { .id = 1, .name = "n", .scopes = "read admin", .accounts = "", .created_ms = NOW };
	struct cs_conn_row c = { .public_id = "conn_1", .name = "", .account = "a", .crm = "x", .crm_account_id = "", .label = "",
		.state_reason = "", .subscribe = CS_SUB_ROUTED | CS_SUB_ALERTS, .settings = "", .overrides = "", .facts = "",
		.timezone = "", .contacts = "", .checked = "", .trouble = "" };

	cs_out_open(&b, NULL, '{');
	cs_render_key(&b, &k);
	cs_out_close(&b, '}');
	ck_assert_ptr_nonnull(strstr(text(), "\"scopes\":[\"read\",\"admin\"],\"accounts\":[],"));
	cs_buf_reset(&b);
	cs_out_open(&b, NULL, '{');
	cs_render_connection(&b, &c);
	cs_out_close(&b, '}');
	ck_assert_ptr_nonnull(strstr(text(), "\"subscribe\":[\"routed\",\"alerts\"],\"settings\":{},"));
	ck_assert_ptr_nonnull(strstr(text(), "\"name\":null,"));
	json_object_put(read_back());
	cs_buf_fini(&b);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { commas_come_by_themselves, stored_json_goes_in_as_it_is_and_broken_json_as_text,
		a_list_has_a_cursor_or_null, a_delivery_shows_where_it_goes_and_how_it_is,
		a_delivery_without_a_connection_says_where_it_should_go, connections_are_read_once,
		keys_and_connections_show_words_as_arrays, NULL };

	return run_tests("render", tests);
}
