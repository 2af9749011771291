/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_suite_rest.c - what attempts leave, connections, secrets, hooks, keys, replays, alerts.
 */
#include "store_suite_int.h"

#include <string.h>

START_TEST(progress_is_kept_replaced_and_deleted)
{
	const char *json;

	tx();
	ok(fx.ops->progress_put(fx.store, 77, "{\"a\":1}", &fx.err));
	ok(fx.ops->progress_put(fx.store, 77, "{\"b\":2}", &fx.err));
	ok(fx.ops->progress_get(fx.store, 77, &fx.arena, &json, &fx.err));
	ck_assert_str_eq(json, "{\"b\":2}");
	ok(fx.ops->progress_put(fx.store, 77, "", &fx.err));
	ok(fx.ops->progress_get(fx.store, 77, &fx.arena, &json, &fx.err));
	ck_assert_str_eq(json, "");
	done();
}
END_TEST

START_TEST(attempts_are_listed_in_order_and_replaced_by_number)
{
	struct cs_attempt_row t = { .delivery_id = 513, .number = 2, .started_ms = 1, .ended_ms = 2, .outcome = CS_RETRY,
		                    .blame = CS_BLAME_CRM, .status = 503, .reason = "busy", .exchanges = "[]", .versions = "{}" },
	                      got[4];

	tx();
	ok(fx.ops->attempt_put(fx.store, &t, &fx.err));
	t.number = 1;
	t.status = 500;
	ok(fx.ops->attempt_put(fx.store, &t, &fx.err));
	t.status = 502;
	ok(fx.ops->attempt_put(fx.store, &t, &fx.err));
	t.delivery_id = 514;
	ok(fx.ops->attempt_put(fx.store, &t, &fx.err));
	done();
	ck_assert_int_eq(ok(fx.ops->attempt_list(fx.store, 513, &fx.arena, got, 4, &fx.err)), 2);
	ck_assert_int_eq(got[0].number, 1);
	ck_assert_int_eq(got[0].status, 502);
	ck_assert_int_eq(got[1].number, 2);
	ck_assert_int_eq(got[1].delivery_id, 513);
	ck_assert_int_eq(got[1].outcome, CS_RETRY);
	ck_assert_int_eq(got[1].blame, CS_BLAME_CRM);
	ck_assert_int_eq(got[1].status, 503);
	ck_assert_int_eq(got[1].ended_ms, 2);
	ck_assert_str_eq(got[1].reason, "busy");
	ck_assert_str_eq(got[1].exchanges, "[]");
	ck_assert_str_eq(got[1].versions, "{}");
}
END_TEST

START_TEST(an_attempt_without_a_number_comes_after_the_last)
{
	struct cs_attempt_row t = { .delivery_id = 513, .reason = "", .exchanges = "", .versions = "" }, got[4];

	tx();
	ok(fx.ops->attempt_put(fx.store, &t, &fx.err));
	t.number = 2;
	ok(fx.ops->attempt_put(fx.store, &t, &fx.err));
	t.number = 0;
	t.status = 429;
	ok(fx.ops->attempt_put(fx.store, &t, &fx.err));
	done();
	ck_assert_int_eq(ok(fx.ops->attempt_list(fx.store, 513, &fx.arena, got, 4, &fx.err)), 3);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(got[i].number, i + 1);
	ck_assert_int_eq(got[2].status, 429);
}
END_TEST

START_TEST(a_record_leads_back_to_its_delivery)
{
	int64_t id;

	tx();
	ok(fx.ops->record_put(fx.store, 3, "contact", "0042", 513, &fx.err));
	ok(fx.ops->record_put(fx.store, 3, "contact", "0042", 514, &fx.err));
	ok(fx.ops->record_put(fx.store, 4, "contact", "0042", 515, &fx.err));
	done();
	ok(fx.ops->record_find(fx.store, 3, "contact", "0042", &id, &fx.err));
	ck_assert_int_eq(id, 514);
	refused(fx.ops->record_find(fx.store, 3, "deal", "0042", &id, &fx.err), CS_ENOTFOUND);
	refused(fx.ops->record_find(fx.store, 3, "contact", "42", &id, &fx.err), CS_ENOTFOUND);
}
END_TEST

START_TEST(of_what_callers_left_the_newest_wins)
{
	const uint64_t keys[2] = { UINT64_MAX, 0 }, others[2] = { 1, 0 };
	struct cs_caller_row got[4];

	tx();
	ok(fx.ops->caller_put(fx.store, 3, UINT64_MAX, "find", "c1", NOW, &fx.err));
	ok(fx.ops->caller_put(fx.store, 3, UINT64_MAX, "find", "c2", NOW + 5, &fx.err));
	ok(fx.ops->caller_put(fx.store, 3, UINT64_MAX, "find", "late", NOW + 4, &fx.err));
	done();
	ck_assert_int_eq(ok(fx.ops->caller_list(fx.store, 3, keys, NOW, &fx.arena, got, 4, &fx.err)), 1);
	ck_assert_str_eq(got[0].step, "find");
	ck_assert_str_eq(got[0].value, "c2");
	ck_assert_int_eq(ok(fx.ops->caller_list(fx.store, 3, keys, NOW + 6, &fx.arena, got, 4, &fx.err)), 0);
	ck_assert_int_eq(ok(fx.ops->caller_list(fx.store, 4, keys, NOW, &fx.arena, got, 4, &fx.err)), 0);
	ck_assert_int_eq(ok(fx.ops->caller_list(fx.store, 3, others, NOW, &fx.arena, got, 4, &fx.err)), 0);
}
END_TEST

START_TEST(what_the_first_key_of_a_caller_says_comes_first)
{
	const uint64_t keys[2] = { 9, 5 };
	struct cs_caller_row got[4];

	tx();
	ok(fx.ops->caller_put(fx.store, 3, 5, "find", "by mail", NOW + 9, &fx.err));
	ok(fx.ops->caller_put(fx.store, 3, 5, "held", "1", NOW, &fx.err));
	ok(fx.ops->caller_put(fx.store, 3, 9, "find", "by phone", NOW, &fx.err));
	done();
	ck_assert_int_eq(ok(fx.ops->caller_list(fx.store, 3, keys, NOW, &fx.arena, got, 4, &fx.err)), 3);
	ck_assert_str_eq(got[0].value, "by phone");
	ck_assert_int_eq(ok(fx.ops->caller_list(fx.store, 3, keys, NOW, &fx.arena, got, 1, &fx.err)), 1);
	ck_assert_str_eq(got[0].value, "by phone");
}
END_TEST

/* ---- connections */

START_TEST(a_connection_comes_back_as_it_was_given)
{
	struct cs_conn_row c = conn_nr(1), got;

	c.state = CS_CONN_PAUSED;
	c.state_reason = "on holiday";
	c.state_since_ms = 5;
	c.is_static = true;
	c.subscribe = CS_SUB_ALL | CS_SUB_EVENTS;
	c.overrides = "{\"o\":1}";
	c.contacts = "[\"ops@example.com\"]";
	tx();
	ok(fx.ops->conn_put(fx.store, &c, &fx.err));
	ck_assert_int_eq(strncmp(c.public_id, "conn_", 5), 0);
	ck_assert_uint_eq(strlen(c.public_id), 29);
	done();
	ok(fx.ops->conn_get(fx.store, c.id, &fx.arena, &got, &fx.err));
	ck_assert_str_eq(got.public_id, c.public_id);
	ck_assert_str_eq(got.name, c.name);
	ck_assert_str_eq(got.account, c.account);
	ck_assert_str_eq(got.crm, c.crm);
	ck_assert_str_eq(got.crm_account_id, c.crm_account_id);
	ck_assert_str_eq(got.label, c.label);
	ck_assert_int_eq(got.state, CS_CONN_PAUSED);
	ck_assert_str_eq(got.state_reason, c.state_reason);
	ck_assert_int_eq(got.state_since_ms, 5);
	ck_assert(got.is_static);
	ck_assert_uint_eq(got.subscribe, c.subscribe);
	ck_assert_str_eq(got.settings, c.settings);
	ck_assert_str_eq(got.overrides, c.overrides);
	ck_assert_str_eq(got.facts, c.facts);
	ck_assert_str_eq(got.timezone, c.timezone);
	ck_assert_str_eq(got.contacts, c.contacts);
	ck_assert_int_eq(got.version, c.version);
	refused(fx.ops->conn_get(fx.store, c.id + 1, &fx.arena, &got, &fx.err), CS_ENOTFOUND);
}
END_TEST

START_TEST(the_version_counts_changes_of_settings_overrides_and_secrets)
{
	struct cs_conn_row c = conn_nr(1), got;
	int64_t first;

	tx();
	ok(fx.ops->conn_put(fx.store, &c, &fx.err));
	first = c.version;
	c.label = "another";
	ok(fx.ops->conn_put(fx.store, &c, &fx.err));
	ck_assert_int_eq(c.version, first);
	c.settings = "{\"x\":2}";
	ok(fx.ops->conn_put(fx.store, &c, &fx.err));
	ck_assert_int_eq(c.version, first + 1);
	c.overrides = "{\"y\":2}";
	ok(fx.ops->conn_put(fx.store, &c, &fx.err));
	ck_assert_int_eq(c.version, first + 2);
	ok(fx.ops->secret_put(fx.store, cs_arena_printf(&fx.arena, "conn/%lld", (long long)c.id), "token",
	                      (struct cs_bytes){ "s", 1 }, &fx.err));
	ok(fx.ops->conn_facts(fx.store, c.id, "{\"z\":1}", "UTC", &fx.err));
	ok(fx.ops->conn_state(fx.store, c.id, CS_CONN_NEEDS_REAUTH, "grant is dead", NOW, &fx.err));
	done();
	ok(fx.ops->conn_get(fx.store, c.id, &fx.arena, &got, &fx.err));
	ck_assert_int_eq(got.version, first + 3);
	ck_assert_str_eq(got.label, "another");
	ck_assert_str_eq(got.facts, "{\"z\":1}");
	ck_assert_str_eq(got.timezone, "UTC");
	ck_assert_int_eq(got.state, CS_CONN_NEEDS_REAUTH);
	ck_assert_str_eq(got.state_reason, "grant is dead");
	ck_assert_int_eq(got.state_since_ms, NOW);
}
END_TEST

START_TEST(static_connections_have_one_name_per_crm)
{
	struct cs_conn_row c = conn_nr(1), again = conn_nr(1), got;

	c.is_static = again.is_static = true;
	tx();
	ok(fx.ops->conn_put(fx.store, &c, &fx.err));
	refused(fx.ops->conn_put(fx.store, &again, &fx.err), CS_EEXIST);
	ok(fx.ops->conn_find(fx.store, "name1", &fx.arena, &got, &fx.err));
	again.crm = "second_crm";
	ok(fx.ops->conn_put(fx.store, &again, &fx.err));
	refused(fx.ops->conn_find(fx.store, "name1", &fx.arena, &got, &fx.err), CS_ECONFLICT);
	ok(fx.ops->conn_find(fx.store, "second_crm/name1", &fx.arena, &got, &fx.err));
	ck_assert_int_eq(got.id, again.id);
	ok(fx.ops->conn_find(fx.store, c.public_id != NULL ? got.public_id : "", &fx.arena, &got, &fx.err));
	ck_assert_int_eq(got.id, again.id);
	refused(fx.ops->conn_find(fx.store, "", &fx.arena, &got, &fx.err), CS_ENOTFOUND);
	done();
}
END_TEST

static enum cs_conn_state
state_by_account(void)
{
	struct cs_conn_row got[4];

	ck_assert_int_eq(ok(fx.ops->conn_of_account(fx.store, "acct_xyz", &fx.arena, got, 4, &fx.err)), 1);
	return got[0].state;
}

START_TEST(an_account_shows_each_change_of_its_connections_at_once)
{
	int64_t id;

	tx();
	id = put_conn(1);
	done();
	tx();
	ck_assert_int_eq(state_by_account(), CS_CONN_CONNECTED);
	ok(fx.ops->conn_state(fx.store, id, CS_CONN_PAUSED, "", 1, &fx.err));
	ck_assert_int_eq(state_by_account(), CS_CONN_PAUSED);
	fx.ops->rollback(fx.store);
	tx();
	ck_assert_int_eq(state_by_account(), CS_CONN_CONNECTED);
	ok(fx.ops->conn_state(fx.store, id, CS_CONN_PAUSED, "", 1, &fx.err));
	done();
	tx();
	ck_assert_int_eq(state_by_account(), CS_CONN_PAUSED);
	ck_assert_int_eq(state_by_account(), CS_CONN_PAUSED); /* the second time from memory, where the engine has one */
	ok(fx.ops->conn_delete(fx.store, id, &fx.err));
	ck_assert_int_eq(ok(fx.ops->conn_of_account(fx.store, "acct_xyz", &fx.arena, &(struct cs_conn_row){ 0 }, 1, &fx.err)), 0);
	done();
}
END_TEST

START_TEST(an_account_has_its_own_connections_and_those_for_all)
{
	struct cs_conn_row all = conn_nr(9), other = conn_nr(8), got[4];
	int64_t own;

	all.account = "*";
	other.account = "acct_other";
	tx();
	own = put_conn(1);
	ok(fx.ops->conn_put(fx.store, &all, &fx.err));
	ok(fx.ops->conn_put(fx.store, &other, &fx.err));
	done();
	ck_assert_int_eq(ok(fx.ops->conn_of_account(fx.store, "acct_xyz", &fx.arena, got, 4, &fx.err)), 2);
	ck_assert_int_eq(got[0].id + got[1].id, own + all.id);
	ck_assert_int_eq(ok(fx.ops->conn_of_account(fx.store, "nobody", &fx.arena, got, 4, &fx.err)), 1);
	ck_assert_int_eq(ok(fx.ops->conn_list(fx.store, 0, &fx.arena, got, 4, &fx.err)), 3);
	ck_assert_int_eq(ok(fx.ops->conn_list(fx.store, own, &fx.arena, got, 1, &fx.err)), 1);
	ck_assert_int_gt(got[0].id, own);
}
END_TEST

START_TEST(a_connection_is_found_by_its_facts)
{
	struct cs_conn_row got[4];
	int64_t id;

	tx();
	id = put_conn(1);
	put_conn(2);
	ck_assert_int_eq(ok(fx.ops->conn_by_fact(fx.store, "acme_crm", "hub_id", "77", &fx.arena, got, 4, &fx.err)), 2);
	ok(fx.ops->conn_facts(fx.store, id, "{\"hub_id\":\"78\",\"list\":[1,2]}", NULL, &fx.err));
	ck_assert_int_eq(ok(fx.ops->conn_by_fact(fx.store, "acme_crm", "hub_id", "77", &fx.arena, got, 4, &fx.err)), 1);
	ck_assert_int_ne(got[0].id, id);
	ck_assert_int_eq(ok(fx.ops->conn_by_fact(fx.store, "acme_crm", "hub_id", "78", &fx.arena, got, 4, &fx.err)), 1);
	ck_assert_int_eq(got[0].id, id);
	ck_assert_str_eq(got[0].timezone, "America/New_York");
	ck_assert_int_eq(ok(fx.ops->conn_by_fact(fx.store, "other_crm", "hub_id", "78", &fx.arena, got, 4, &fx.err)), 0);
	ok(fx.ops->conn_delete(fx.store, id, &fx.err));
	ck_assert_int_eq(ok(fx.ops->conn_by_fact(fx.store, "acme_crm", "hub_id", "78", &fx.arena, got, 4, &fx.err)), 0);
	done();
}
END_TEST

START_TEST(a_connection_for_which_something_waits_is_not_deleted)
{
	struct cs_move m = { .gen = -1, .from = CS_STATE_BIT(CS_DUE), .to = CS_DEAD };
	struct cs_bytes sealed;
	int64_t id;

	tx();
	id = put_conn(1);
	m.id = put_delivery(put_lead(1), id, CS_DUE);
	ok(fx.ops->secret_put(fx.store, cs_arena_printf(&fx.arena, "conn/%lld", (long long)id), "t", (struct cs_bytes){ "s", 1 },
	                      &fx.err));
	refused(fx.ops->conn_delete(fx.store, id, &fx.err), CS_ESTATE);
	ok(fx.ops->delivery_move(fx.store, &m, &fx.err));
	ok(fx.ops->conn_delete(fx.store, id, &fx.err));
	refused(fx.ops->conn_delete(fx.store, id, &fx.err), CS_ENOTFOUND);
	refused(fx.ops->secret_get(fx.store, cs_arena_printf(&fx.arena, "conn/%lld", (long long)id), "t", &fx.arena, &sealed,
	                           &fx.err), CS_ENOTFOUND);
	ck_assert_int_ne(put_conn(2), id);
	done();
}
END_TEST

START_TEST(secrets_are_walked_and_sealed_anew_without_a_new_version)
{
	struct cs_conn_row c = conn_nr(1);
	struct cs_sealed_row rows[4];
	struct cs_bytes sealed;
	const char *owner;
	int64_t version;

	tx();
	ok(fx.ops->conn_put(fx.store, &c, &fx.err));
	owner = cs_arena_printf(&fx.arena, "conn/%lld", (long long)c.id);
	ok(fx.ops->secret_put(fx.store, owner, "b", (struct cs_bytes){ "1", 1 }, &fx.err));
	ok(fx.ops->secret_put(fx.store, owner, "a", (struct cs_bytes){ "2", 1 }, &fx.err));
	ok(fx.ops->secret_put(fx.store, "crm/acme_crm", "", (struct cs_bytes){ "3", 1 }, &fx.err));
	ok(fx.ops->secret_put(fx.store, CS_SECRET_HASHES "1", "a", (struct cs_bytes){ "5", 1 }, &fx.err));
	ok(fx.ops->conn_get(fx.store, c.id, &fx.arena, &c, &fx.err));
	version = c.version;
	ck_assert_int_eq(ok(fx.ops->secret_walk(fx.store, "", "", &fx.arena, rows, 2, &fx.err)), 2);
	ck_assert_str_eq(rows[0].name, "a");
	ck_assert_str_eq(rows[1].owner, owner);
	ck_assert_int_eq(ok(fx.ops->secret_walk(fx.store, rows[1].owner, rows[1].name, &fx.arena, rows, 2, &fx.err)), 1);
	ck_assert_str_eq(rows[0].owner, "crm/acme_crm");
	ck_assert_mem_eq(rows[0].sealed.ptr, "3", 1);
	ck_assert_int_eq(ok(fx.ops->secret_walk(fx.store, rows[0].owner, rows[0].name, &fx.arena, rows, 2, &fx.err)), 0);
	ok(fx.ops->secret_reseal(fx.store, owner, "b", (struct cs_bytes){ "4", 1 }, &fx.err));
	ok(fx.ops->secret_get(fx.store, owner, "b", &fx.arena, &sealed, &fx.err));
	ck_assert_mem_eq(sealed.ptr, "4", 1);
	ok(fx.ops->conn_get(fx.store, c.id, &fx.arena, &c, &fx.err));
	ck_assert_int_eq(c.version, version);
	refused(fx.ops->secret_reseal(fx.store, owner, "none", (struct cs_bytes){ "4", 1 }, &fx.err), CS_ENOTFOUND);
	done();
}
END_TEST

START_TEST(secrets_are_kept_by_owner_and_name)
{
	struct cs_bytes sealed;
	const char *names[4];

	tx();
	ok(fx.ops->secret_put(fx.store, "crm/acme_crm", "client_secret", (struct cs_bytes){ "a\0b", 3 }, &fx.err));
	ok(fx.ops->secret_put(fx.store, "crm/acme_crm", "another", (struct cs_bytes){ "c", 1 }, &fx.err));
	ok(fx.ops->secret_put(fx.store, "crm/other", "client_secret", (struct cs_bytes){ "d", 1 }, &fx.err));
	done();
	ok(fx.ops->secret_get(fx.store, "crm/acme_crm", "client_secret", &fx.arena, &sealed, &fx.err));
	ck_assert_uint_eq(sealed.len, 3);
	ck_assert_mem_eq(sealed.ptr, "a\0b", 3);
	ck_assert_int_eq(ok(fx.ops->secret_list(fx.store, "crm/acme_crm", &fx.arena, names, 4, &fx.err)), 2);
	ck_assert_str_eq(names[0], "another");
	tx();
	ok(fx.ops->secret_delete(fx.store, "crm/acme_crm", "another", &fx.err));
	ck_assert_int_eq(ok(fx.ops->secret_list(fx.store, "crm/acme_crm", &fx.arena, names, 4, &fx.err)), 1);
	ok(fx.ops->secret_delete(fx.store, "crm/acme_crm", NULL, &fx.err));
	done();
	refused(fx.ops->secret_get(fx.store, "crm/acme_crm", "client_secret", &fx.arena, &sealed, &fx.err), CS_ENOTFOUND);
	ok(fx.ops->secret_get(fx.store, "crm/other", "client_secret", &fx.arena, &sealed, &fx.err));
}
END_TEST

/* ---- hooks */

START_TEST(a_hook_is_kept_until_done_and_its_key_longer)
{
	struct cs_hook_row h = { .crm = "acme_crm", .conn_id = 2, .dedupe = { 1, 2 }, .received_ms = NOW, .due_ms = NOW,
		                 .is_verified = true, .headers = "{}", .body = { "xyz", 3 } }, again, got[4];

	tx();
	ok(fx.ops->hook_insert(fx.store, &h, &fx.err));
	again = h;
	refused(fx.ops->hook_insert(fx.store, &again, &fx.err), CS_EEXIST);
	done();
	ck_assert_int_eq(ok(fx.ops->hook_due(fx.store, 2, NOW - 1, &fx.arena, got, 4, &fx.err)), 0);
	ck_assert_int_eq(ok(fx.ops->hook_due(fx.store, 3, NOW, &fx.arena, got, 4, &fx.err)), 0);
	ck_assert_int_eq(ok(fx.ops->hook_due(fx.store, 2, NOW, &fx.arena, got, 4, &fx.err)), 1);
	ck_assert_int_eq(got[0].id, h.id);
	ck_assert_int_eq(got[0].conn_id, 2);
	ck_assert(got[0].is_verified);
	ck_assert_mem_eq(got[0].dedupe, h.dedupe, 32);
	ck_assert_str_eq(got[0].crm, "acme_crm");
	ck_assert_str_eq(got[0].headers, "{}");
	ck_assert_str_eq(got[0].body.ptr, "xyz");
	tx();
	ok(fx.ops->hook_retry(fx.store, h.id, NOW + 9, 1, NOW, &fx.err));
	done();
	ck_assert_int_eq(ok(fx.ops->hook_due(fx.store, 2, NOW, &fx.arena, got, 4, &fx.err)), 0);
	ck_assert_int_eq(ok(fx.ops->hook_due(fx.store, 2, NOW + 9, &fx.arena, got, 4, &fx.err)), 1);
	ck_assert_int_eq(got[0].attempts, 1);
	tx();
	ok(fx.ops->hook_done(fx.store, h.id, NOW, &fx.err));
	refused(fx.ops->hook_done(fx.store, h.id, NOW, &fx.err), CS_ENOTFOUND);
	refused(fx.ops->hook_retry(fx.store, h.id, NOW, 2, NOW, &fx.err), CS_ENOTFOUND);
	refused(fx.ops->hook_insert(fx.store, &again, &fx.err), CS_EEXIST);
	again.conn_id = 3;
	ok(fx.ops->hook_insert(fx.store, &again, &fx.err));
	ck_assert_int_gt(again.id, h.id);
	done();
}
END_TEST

static int64_t
put_hook(int64_t conn_id, int64_t due_ms)
{
	static uint8_t key;
	struct cs_hook_row h = { .crm = "acme_crm", .conn_id = conn_id, .dedupe = { 9, ++key }, .received_ms = NOW, .due_ms = due_ms,
		                 .headers = "{}", .body = { "xyz", 3 } };

	ok(fx.ops->hook_insert(fx.store, &h, &fx.err));
	return h.id;
}

/* Whose turn it is, as "2 3 5". */
static const char *
turns(int64_t now_ms)
{
	int64_t ids[8];
	int n = ok(fx.ops->hook_turns(fx.store, now_ms, ids, 8, &fx.err));
	const char *text = "";

	for (int i = 0; i < n; i++)
		text = cs_arena_printf(&fx.arena, "%s%s%lld", text, i > 0 ? " " : "", (long long)ids[i]);
	return text;
}

START_TEST(connections_with_hooks_take_turns_however_much_one_has)
{
	int64_t first, second, other;

	tx();
	first = put_hook(2, NOW - 100);
	second = put_hook(2, NOW - 99);
	for (int i = 0; i < 100; i++)
		put_hook(2, NOW - 50);
	other = put_hook(3, NOW);
	put_hook(5, NOW + 50);
	done();
	ck_assert_str_eq(turns(NOW), "2 3");
	tx();
	ok(fx.ops->hook_done(fx.store, first, NOW + 1, &fx.err));
	done();
	ck_assert_str_eq(turns(NOW + 1), "3 2"); /* its next is older, and yet it has had its turn */
	tx();
	ok(fx.ops->hook_retry(fx.store, other, NOW + 20, 1, NOW + 2, &fx.err));
	done();
	ck_assert_str_eq(turns(NOW + 2), "2");
	ck_assert_str_eq(turns(NOW + 20), "2 3");
	ck_assert_str_eq(turns(NOW + 50), "2 3 5");
	tx();
	ok(fx.ops->hook_done(fx.store, second, NOW + 60, &fx.err));
	ok(fx.ops->hook_done(fx.store, other, NOW + 60, &fx.err));
	done();
	ck_assert_str_eq(turns(NOW + 60), "5 2"); /* one that has nothing left stands in no line */
}
END_TEST

START_TEST(a_connection_is_put_off_as_a_whole_until_something_new_comes)
{
	struct cs_hook_row got[4];

	tx();
	put_hook(2, NOW);
	put_hook(2, NOW + 1);
	put_hook(3, NOW);
	ok(fx.ops->hook_put_off(fx.store, 2, NOW + 500, &fx.err));
	ok(fx.ops->hook_put_off(fx.store, 2, NOW + 400, &fx.err)); /* never sooner */
	done();
	ck_assert_str_eq(turns(NOW + 499), "3");
	ck_assert_str_eq(turns(NOW + 500), "3 2");
	ck_assert_int_eq(ok(fx.ops->hook_due(fx.store, 2, NOW + 1, &fx.arena, got, 4, &fx.err)), 2);
	tx();
	put_hook(2, NOW + 10);
	done();
	ck_assert_str_eq(turns(NOW + 10), "3 2");
}
END_TEST

START_TEST(a_cursor_is_replaced)
{
	struct cs_bytes c;
	int64_t next;

	tx();
	refused(fx.ops->cursor_get(fx.store, 1, &fx.arena, &c, &next, &fx.err), CS_ENOTFOUND);
	ok(fx.ops->cursor_put(fx.store, 1, (struct cs_bytes){ "p1", 2 }, NOW, &fx.err));
	ok(fx.ops->cursor_put(fx.store, 1, (struct cs_bytes){ "p2", 2 }, NOW + 1, &fx.err));
	done();
	ok(fx.ops->cursor_get(fx.store, 1, &fx.arena, &c, &next, &fx.err));
	ck_assert_str_eq(c.ptr, "p2");
	ck_assert_int_eq(next, NOW + 1);
}
END_TEST

/* ---- keys, replays, alerts, meta */

START_TEST(a_key_is_found_by_its_hash)
{
	struct cs_key_row k = { .name = "intake one", .hash = { 7 }, .scopes = "intake", .accounts = "acct_xyz", .created_ms = 1,
		                .expires_ms = 9 }, got[2], twin;

	tx();
	ok(fx.ops->key_put(fx.store, &k, &fx.err));
	twin = k;
	twin.id = 0;
	refused(fx.ops->key_put(fx.store, &twin, &fx.err), CS_EEXIST);
	ok(fx.ops->key_used(fx.store, k.id, 5, &fx.err));
	ok(fx.ops->key_find(fx.store, k.hash, &fx.arena, &got[0], &fx.err));
	ck_assert_int_eq(got[0].id, k.id);
	ck_assert_int_eq(got[0].last_used_ms, 5);
	ck_assert_int_eq(got[0].expires_ms, 9);
	ck_assert_str_eq(got[0].name, "intake one");
	ck_assert_str_eq(got[0].scopes, "intake");
	ck_assert_str_eq(got[0].accounts, "acct_xyz");
	k.scopes = "read";
	ok(fx.ops->key_put(fx.store, &k, &fx.err));
	ck_assert_int_eq(ok(fx.ops->key_list(fx.store, &fx.arena, got, 2, &fx.err)), 1);
	ck_assert_str_eq(got[0].scopes, "read");
	ok(fx.ops->key_delete(fx.store, k.id, &fx.err));
	refused(fx.ops->key_find(fx.store, k.hash, &fx.arena, &got[0], &fx.err), CS_ENOTFOUND);
	refused(fx.ops->key_used(fx.store, k.id, 5, &fx.err), CS_ENOTFOUND);
	done();
}
END_TEST

START_TEST(a_replay_counts_its_deliveries_and_what_waits_can_be_canceled)
{
	static const enum cs_state states[] = { CS_DUE, CS_DUE, CS_TAKEN, CS_DELIVERED, CS_DEAD };
	struct cs_replay_row r = { .created_ms = 1, .filter = "{}" }, got;
	int64_t ids[5], back;

	tx();
	ok(fx.ops->replay_put(fx.store, &r, &fx.err));
	for (int i = 0; i < 5; i++) {
		struct cs_delivery_row d = delivery_of(put_lead(i), 3, states[i]);

		d.replay_id = r.id;
		ok(fx.ops->delivery_insert(fx.store, &d, &fx.err));
		ids[i] = d.id;
	}
	put_delivery(put_lead(9), 3, CS_DUE);
	ok(fx.ops->replay_get(fx.store, r.id, &fx.arena, &got, &fx.err));
	ck_assert_int_eq(got.total, 5);
	ck_assert_int_eq(got.waiting, 3);
	ck_assert_int_eq(got.delivered, 1);
	ck_assert_int_eq(got.dead, 1);
	ck_assert(!got.canceled);
	ok(fx.ops->replay_cancel(fx.store, r.id, &back, &fx.err));
	ck_assert_int_eq(back, 2);
	ok(fx.ops->replay_get(fx.store, r.id, &fx.arena, &got, &fx.err));
	ck_assert(got.canceled);
	ck_assert_int_eq(got.dead, 3);
	ck_assert_int_eq(get_delivery(ids[0]).state, CS_DEAD);
	ck_assert_int_eq(get_delivery(ids[0]).gen, 1);
	ck_assert_int_eq(get_delivery(ids[2]).state, CS_TAKEN);
	refused(fx.ops->replay_get(fx.store, r.id + 1, &fx.arena, &got, &fx.err), CS_ENOTFOUND);
	refused(fx.ops->replay_cancel(fx.store, r.id + 1, &back, &fx.err), CS_ENOTFOUND);
	done();
}
END_TEST

START_TEST(alerts_are_replaced_by_key_and_listed)
{
	struct cs_alert_row t = { .key = "dead-letters/conn_1", .text = "three", .raised_ms = 1, .count = 3 }, got[4];

	tx();
	ok(fx.ops->alert_put(fx.store, &t, &fx.err));
	t.count = 4;
	ok(fx.ops->alert_put(fx.store, &t, &fx.err));
	t.key = "breaker/acme";
	t.raised_ms = 2;
	t.recovered_ms = 5;
	ok(fx.ops->alert_put(fx.store, &t, &fx.err));
	done();
	ck_assert_int_eq(ok(fx.ops->alert_list(fx.store, false, &fx.arena, got, 4, &fx.err)), 2);
	ck_assert_str_eq(got[0].key, "breaker/acme");
	ck_assert_int_eq(got[0].recovered_ms, 5);
	ck_assert_int_eq(ok(fx.ops->alert_list(fx.store, true, &fx.arena, got, 4, &fx.err)), 1);
	ck_assert_int_eq(got[0].count, 4);
	ck_assert_str_eq(got[0].text, "three");
}
END_TEST

START_TEST(of_tokens_those_are_found_whose_time_has_come)
{
	struct cs_token_row t = { .conn_id = 7, .gen = 3, .expires_ms = 50, .renew_ms = 40, .keep_ms = 100, .idle_ms = 9, .intent_ms = 8,
		                  .for_conn = 2, .remote_id = "r", .remote_name = "Acme" },
	                    got[4];

	tx();
	refused(fx.ops->token_get(fx.store, 7, &fx.arena, got, &fx.err), CS_ENOTFOUND);
	ok(fx.ops->token_put(fx.store, &t, &fx.err));
	t.conn_id = 8;
	t.keep_ms = 90;
	ok(fx.ops->token_put(fx.store, &t, &fx.err));
	t.conn_id = 9;
	t.keep_ms = 0;
	ok(fx.ops->token_put(fx.store, &t, &fx.err));
	done();
	ok(fx.ops->token_get(fx.store, 7, &fx.arena, got, &fx.err));
	ck_assert(got->gen == 3 && got->expires_ms == 50 && got->renew_ms == 40 && got->keep_ms == 100 && got->idle_ms == 9 &&
	    got->intent_ms == 8 && got->for_conn == 2);
	ck_assert_str_eq(got->remote_id, "r");
	ck_assert_str_eq(got->remote_name, "Acme");
	ck_assert_int_eq(ok(fx.ops->token_due(fx.store, 89, &fx.arena, got, 4, &fx.err)), 0);
	ck_assert_int_eq(ok(fx.ops->token_due(fx.store, 100, &fx.arena, got, 4, &fx.err)), 2);
	ck_assert(got[0].conn_id == 8 && got[1].conn_id == 7);
}
END_TEST

START_TEST(an_authorization_is_found_by_ticket_and_state_and_used_once)
{
	struct cs_flow_row f = { .ticket = { 1 }, .state = { 2 }, .browser = { 3 }, .verifier = { "sealed", 6 }, .crm = "hubspot",
		                 .way = "oauth2", .conn_id = 5, .session_id = 6, .expires_ms = 100 }, got;

	tx();
	ok(fx.ops->flow_put(fx.store, &f, &fx.err));
	ok(fx.ops->flow_find(fx.store, f.ticket, false, &fx.arena, &got, &fx.err));
	ok(fx.ops->flow_find(fx.store, f.state, true, &fx.arena, &got, &fx.err));
	ck_assert(got.browser[0] == 3 && got.verifier.len == 6 && got.conn_id == 5 && got.session_id == 6 && got.expires_ms == 100);
	refused(fx.ops->flow_find(fx.store, f.ticket, true, &fx.arena, &got, &fx.err), CS_ENOTFOUND);
	ok(fx.ops->flow_delete(fx.store, f.ticket, &fx.err));
	refused(fx.ops->flow_delete(fx.store, f.ticket, &fx.err), CS_ENOTFOUND);
	ok(fx.ops->flow_put(fx.store, &f, &fx.err));
	ok(fx.ops->flow_sweep(fx.store, 101, &fx.err));
	refused(fx.ops->flow_find(fx.store, f.ticket, false, &fx.arena, &got, &fx.err), CS_ENOTFOUND);
	done();
}
END_TEST

START_TEST(meta_keeps_values_by_key)
{
	const char *value;

	tx();
	refused(fx.ops->meta_get(fx.store, "k", &fx.arena, &value, &fx.err), CS_ENOTFOUND);
	ok(fx.ops->meta_put(fx.store, "k", "v1", &fx.err));
	ok(fx.ops->meta_put(fx.store, "k", "v2", &fx.err));
	ok(fx.ops->meta_get(fx.store, "k", &fx.arena, &value, &fx.err));
	ck_assert_str_eq(value, "v2");
	done();
}
END_TEST

void
store_suite_rest(TCase *tc)
{
	tcase_add_test(tc, progress_is_kept_replaced_and_deleted);
	tcase_add_test(tc, attempts_are_listed_in_order_and_replaced_by_number);
	tcase_add_test(tc, an_attempt_without_a_number_comes_after_the_last);
	tcase_add_test(tc, a_record_leads_back_to_its_delivery);
	tcase_add_test(tc, of_what_callers_left_the_newest_wins);
	tcase_add_test(tc, what_the_first_key_of_a_caller_says_comes_first);
	tcase_add_test(tc, a_connection_comes_back_as_it_was_given);
	tcase_add_test(tc, the_version_counts_changes_of_settings_overrides_and_secrets);
	tcase_add_test(tc, static_connections_have_one_name_per_crm);
	tcase_add_test(tc, an_account_shows_each_change_of_its_connections_at_once);
	tcase_add_test(tc, an_account_has_its_own_connections_and_those_for_all);
	tcase_add_test(tc, a_connection_is_found_by_its_facts);
	tcase_add_test(tc, a_connection_for_which_something_waits_is_not_deleted);
	tcase_add_test(tc, secrets_are_walked_and_sealed_anew_without_a_new_version);
	tcase_add_test(tc, secrets_are_kept_by_owner_and_name);
	tcase_add_test(tc, a_hook_is_kept_until_done_and_its_key_longer);
	tcase_add_test(tc, connections_with_hooks_take_turns_however_much_one_has);
	tcase_add_test(tc, a_connection_is_put_off_as_a_whole_until_something_new_comes);
	tcase_add_test(tc, a_cursor_is_replaced);
	tcase_add_test(tc, a_key_is_found_by_its_hash);
	tcase_add_test(tc, a_replay_counts_its_deliveries_and_what_waits_can_be_canceled);
	tcase_add_test(tc, alerts_are_replaced_by_key_and_listed);
	tcase_add_test(tc, of_tokens_those_are_found_whose_time_has_come);
	tcase_add_test(tc, an_authorization_is_found_by_ticket_and_state_and_used_once);
	tcase_add_test(tc, meta_keeps_values_by_key);
}
