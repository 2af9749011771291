/* SPDX-License-Identifier: Apache-2.0 */
/* Links for connecting: what the API says and keeps of them. */
#include "config.h"
#include "../fixture.h"
#include "api/list/links.h"
#include "auth/ticket.h"

#define URL "https://relay.example"

static void
begin(void)
{
	fx.conf->public_url = URL;
	put_conn("main", "acct_1", "acme", "", CS_SUB_ROUTED);
	serve();
}

START_TEST(a_link_is_shown_once_kept_as_a_hash_and_revoked)
{
	struct cs_link_row row;
	struct cs_err err;
	uint8_t hash[32];
	char token[64];
	int64_t id;

	begin();
	ck_assert_int_eq(POST("{\"account\":\"acct_1\"}", "/v1/connect-links"), 201);
	ck_assert_int_eq(strncmp(text_at("/url"), URL "/connect/", strlen(URL) + 9), 0);
	snprintf(token, sizeof(token), "%s", text_at("/url") + strlen(URL) + 9);
	id = int_at("/id");
	ck_assert_str_eq(text_at("/expires_at"), "2027-01-15T08:30:00Z"); /* NOW and half an hour */
	cs_ticket_hash(token, hash);
	ok(fx.look->ops->link_find(fx.look, hash, &fx.mem, &row, &err));
	ck_assert(row.any_crm && row.state == CS_LINK_OPEN && row.life_ms == 30 * 60000 && row.conn_id == 0);
	ck_assert_str_eq(row.account, "acct_1");
	ck_assert_int_eq(GET("/v1/connect-links"), 200);
	ck_assert_uint_eq(length_at("/items"), 1);
	ck_assert_str_eq(text_at("/items/0/account"), "acct_1");
	ck_assert_ptr_null(strstr(fx.body, token));
	ck_assert_int_eq(call("DELETE", path_of("/v1/connect-links/%lld", (long long)id), ADMIN, NULL), 200);
	ok(fx.look->ops->link_find(fx.look, hash, &fx.mem, &row, &err));
	ck_assert_int_le(row.expires_ms, NOW); /* over, and to be swept */
	ck_assert_int_eq(GET("/v1/connect-links"), 200);
	ck_assert_uint_eq(length_at("/items"), 0);
	ck_assert_int_eq(call("DELETE", path_of("/v1/connect-links/%lld", (long long)id), ADMIN, NULL), 404);
}
END_TEST

/* The handlers saw an open link, and somebody else was faster at the writer. */
START_TEST(only_the_first_session_wins_its_link)
{
	struct cs_link_row link = { .account = "acct_1", .crm = "", .who = "operator", .expires_ms = NOW + 1000, .last_ms = NOW + 2000 };
	struct cs_link_session_row first = { .hash = { 1 }, .crm = "acme", .expires_ms = NOW + 1000 }, second = first;
	struct cs_store *s = fx.store;
	struct cs_err err;

	second.hash[0] = 2;
	ok(s->ops->begin(s, &err));
	ok(s->ops->link_put(s, &link, &err));
	first.link_id = second.link_id = link.id;
	ok(s->ops->link_session_put(s, &first, &err));
	ok(s->ops->link_session_put(s, &second, &err));
	ok(cs_link_bind(s, first.id, 99, &fx.mem, &err));
	ck_assert_int_eq(cs_link_win(s, first.id, &fx.mem, NOW + 1000, &link, &err), CS_ESTATE); /* its time has passed */
	ok(cs_link_win(s, first.id, &fx.mem, NOW, &link, &err));
	ck_assert(link.state == CS_LINK_DONE && link.conn_id == 99 && strcmp(link.crm, "acme") == 0);
	ck_assert_int_eq(cs_link_win(s, second.id, &fx.mem, NOW, &link, &err), CS_ESTATE);
	ok(cs_link_win(s, first.id, &fx.mem, NOW, &link, &err)); /* again */
	ck_assert_int_eq(cs_link_win(s, 4711, &fx.mem, NOW, &link, &err), CS_ENOTFOUND);
	ok(s->ops->commit(s, &err));
}
END_TEST

START_TEST(a_key_bound_to_an_account_makes_links_for_it_only)
{
	begin();
	ck_assert_int_eq(call("POST", "/v1/connect-links", BOUND, "{}"), 201);
	ck_assert_str_eq(text_at("/account"), "acct_1");
	ck_assert_int_eq(call("POST", "/v1/connect-links", BOUND, "{\"account\":\"acct_2\"}"), 403);
	ck_assert_int_eq(POST("{\"account\":\"acct_2\",\"minutes\":1440}", "/v1/connect-links"), 201);
	ck_assert_int_eq(call("DELETE", path_of("/v1/connect-links/%lld", (long long)int_at("/id")), BOUND, NULL), 404);
	ck_assert_int_eq(call("GET", "/v1/connect-links", BOUND, NULL), 200);
	ck_assert_uint_eq(length_at("/items"), 1);
	ck_assert_int_eq(call("POST", "/v1/connect-links", READER, "{\"account\":\"acct_1\"}"), 403);
	cs_clock_set(&fx.clock, NOW + 31 * 60000);
	ck_assert_int_eq(GET("/v1/connect-links"), 200);
	ck_assert_uint_eq(length_at("/items"), 1); /* of both accounts; the first is over */
}
END_TEST

START_TEST(what_is_asked_wrong_is_told)
{
	static const struct {
		const char *body, *pointer;
	} cases[] = {
		{ "{}", "/account" },
		{ "{\"account\":\"acct_1 acct_2\"}", "/account" }, /* would be two */
		{ "{\"account\":\"\"}", "/account" },
		{ "{\"account\":7}", "/account" },
		{ "{\"account\":\"acct_1\",\"minutes\":4}", "/minutes" },
		{ "{\"account\":\"acct_1\",\"minutes\":1441}", "/minutes" },
		{ "{\"account\":\"acct_1\",\"minutes\":\"30\"}", "/minutes" },
		{ "{\"account\":\"acct_1\",\"crm\":\"nonesuch\"}", "/crm" },
		{ "{\"account\":\"acct_2\",\"connection\":\"main\"}", "/connection" },
		{ "{\"connection\":\"main\",\"crm\":\"workiz\"}", "/crm" },
	};

	begin();
	for (size_t i = 0; i < CS_ARRAY_LEN(cases); i++) {
		ck_assert_msg(POST(cases[i].body, "/v1/connect-links") == 422, "%s: %s", cases[i].body, fx.body);
		ck_assert_msg(strcmp(text_at("/errors/0/pointer"), cases[i].pointer) == 0, "%s: %s", cases[i].body, fx.body);
	}
	ck_assert_int_eq(POST("{\"connection\":\"other\"}", "/v1/connect-links"), 404);
}
END_TEST

START_TEST(links_need_an_address_that_keeps_keys_secret)
{
	fx.conf->public_url = "";
	serve();
	ck_assert_int_eq(POST("{\"account\":\"acct_1\"}", "/v1/connect-links"), 409);
	fx.conf->public_url = "http://relay.example";
	ck_assert_int_eq(POST("{\"account\":\"acct_1\"}", "/v1/connect-links"), 409);
	fx.conf->public_url = "https://relay.example/csrelay";
	ck_assert_int_eq(POST("{\"account\":\"acct_1\"}", "/v1/connect-links"), 409);
	fx.conf->public_url = "http://127.0.0.1:8081";
	ck_assert_int_eq(POST("{\"account\":\"acct_1\"}", "/v1/connect-links"), 201);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { a_link_is_shown_once_kept_as_a_hash_and_revoked, only_the_first_session_wins_its_link, a_key_bound_to_an_account_makes_links_for_it_only,
		what_is_asked_wrong_is_told, links_need_an_address_that_keeps_keys_secret, NULL };

	return run_tests("links", tests);
}
