/* SPDX-License-Identifier: Apache-2.0 */
/* Links for connecting: what the API says and keeps of them. */
#include "config.h"
#include "fixture.h"
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
	ck_assert(row.any_crm && !row.is_session && row.life_ms == 30 * 60000 && row.conn_id == 0);
	ck_assert_str_eq(row.account, "acct_1");
	ck_assert_int_eq(GET("/v1/connect-links"), 200);
	ck_assert_uint_eq(length_at("/items"), 1);
	ck_assert_str_eq(text_at("/items/0/account"), "acct_1");
	ck_assert_ptr_null(strstr(fx.body, token));
	ck_assert_int_eq(call("DELETE", path_of("/v1/connect-links/%lld", (long long)id), ADMIN, NULL), 200);
	ck_assert_int_eq(fx.look->ops->link_find(fx.look, hash, &fx.mem, &row, &err), CS_ENOTFOUND);
	ck_assert_int_eq(call("DELETE", path_of("/v1/connect-links/%lld", (long long)id), ADMIN, NULL), 404);
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
	const TTest *const tests[] = { a_link_is_shown_once_kept_as_a_hash_and_revoked, a_key_bound_to_an_account_makes_links_for_it_only,
		what_is_asked_wrong_is_told, links_need_an_address_that_keeps_keys_secret, NULL };

	return run_tests("links", tests);
}
