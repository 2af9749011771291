/* SPDX-License-Identifier: Apache-2.0 */
/* Who may, and who may not. */
#include "config.h"
#include "fixture.h"
#include "api/auth.h"
#include "auth/signature.h"

START_TEST(without_a_key_nothing_but_health_is_open)
{
	serve();
	ck_assert_int_eq(call("GET", "/v1/stats", NULL, NULL), 401);
	ck_assert(head_has("\r\nWWW-Authenticate: Bearer"));
	ck_assert_int_eq(call("GET", "/v1/nothing", NULL, NULL), 401);
	ck_assert_int_eq(call("GET", "/healthz", NULL, NULL), 200);
	ck_assert_int_eq(call("GET", "/readyz", NULL, NULL), 200);
	ck_assert_int_eq(call("GET", "/metrics", NULL, NULL), 200);
}
END_TEST

START_TEST(a_reading_key_changes_nothing)
{
	int64_t c = put_conn("main", "acct_1", "hubspot", "", CS_SUB_ROUTED);

	(void)c;
	serve();
	ck_assert_int_eq(call("GET", "/v1/stats", READER, NULL), 200);
	ck_assert_int_eq(call("POST", "/v1/connections/main/pause", READER, "{}"), 403);
	ck_assert_int_eq(call("POST", "/v1/connections/main/pause", ADMIN, "{}"), 200);
}
END_TEST

START_TEST(unknown_and_expired_keys_are_401)
{
	put_key("csk_old", "admin", "", NOW);
	put_key("csk_intake", "intake", "", NOW + 1);
	serve();
	ck_assert_int_eq(call("GET", "/v1/stats", "csk_guess", NULL), 401);
	ck_assert_int_eq(call("GET", "/v1/stats", "csk_old", NULL), 401);
	ck_assert_ptr_nonnull(strstr(text_at("/detail"), "expired"));
	ck_assert_int_eq(call("GET", "/v1/stats", "csk_intake", NULL), 403);
	ck_assert_int_eq(call_with("GET", "/v1/stats", "Host: localhost\r\nAuthorization: Basic YTpi\r\n", NULL), 401);
}
END_TEST

START_TEST(a_key_of_the_configuration_is_for_intake_only)
{
	struct cs_conf_key k = { .name = "callsetter" };
	struct cs_auth who;
	struct cs_err err;

	cs_api_key_hash("csk_conf", 8, k.sha256);
	fx.conf->intake.keys = (struct cs_conf_keys){ &k, 1 };
	ck_assert_int_eq(cs_auth_bearer(fx.conf, fx.store, "bearer csk_conf", NOW, &fx.mem, &who, &err), 0);
	ck_assert_uint_eq(who.scopes, CS_SCOPE_INTAKE);
	serve();
	ck_assert_int_eq(call("GET", "/v1/stats", "csk_conf", NULL), 403);
}
END_TEST

START_TEST(the_control_socket_knows_us_by_the_kernel)
{
	put_conn("main", "acct_1", "hubspot", "", CS_SUB_ROUTED);
	serve();
	ck_assert_int_eq(call_control("GET", "/v1/stats", NULL), 200);
	ck_assert_int_eq(call_control("POST", "/v1/connections/main/pause", "{}"), 200);
}
END_TEST

START_TEST(scopes_are_words_and_nothing_else)
{
	ck_assert_uint_eq(cs_auth_scopes("read admin"), CS_SCOPE_READ | CS_SCOPE_ADMIN);
	ck_assert_uint_eq(cs_auth_scopes("intake"), CS_SCOPE_INTAKE);
	ck_assert_uint_eq(cs_auth_scopes(""), 0);
	ck_assert_uint_eq(cs_auth_scopes("read root"), 0);
	ck_assert_uint_eq(cs_auth_scopes("adminread"), 0);
}
END_TEST

START_TEST(accounts_are_whole_words)
{
	struct cs_auth all = { .accounts = "" }, two = { .accounts = "acct_1 acct_22" };

	ck_assert(cs_auth_may(&all, "anything"));
	ck_assert(cs_auth_may(&two, "acct_1"));
	ck_assert(cs_auth_may(&two, "acct_22"));
	ck_assert(!cs_auth_may(&two, "acct_2"));
	ck_assert(!cs_auth_may(&two, "acct_1 acct_22"));
	ck_assert(!cs_auth_may(&two, "*"));
	ck_assert(!cs_auth_may(&two, ""));
}
END_TEST

START_TEST(a_host_must_be_known)
{
	static const char *const allow[] = { "panel.example", "other.example:8443" };
	static const char *const good[] = { "localhost", "LOCALHOST:80", "127.0.0.1:8080", "127.9.9.9", "[::1]:9", "panel.example",
		"panel.EXAMPLE:443", "other.example:8443" };
	static const char *const bad[] = { "", "evil.example", "other.example", "localhost.evil.example", "[::1", "10.0.0.1",
		":80", "127.0.0.1.evil.example", "panel.example.evil" };

	for (size_t i = 0; i < CS_ARRAY_LEN(good); i++)
		ck_assert_msg(cs_auth_host_ok(good[i], allow, 2), "%s", good[i]);
	for (size_t i = 0; i < CS_ARRAY_LEN(bad); i++)
		ck_assert_msg(!cs_auth_host_ok(bad[i], allow, 2), "%s", bad[i]);
	ck_assert(!cs_auth_host_ok(NULL, allow, 2));
	serve();
	ck_assert_int_eq(call_with("GET", "/metrics", "Host: rebound.example\r\n", NULL), 403);
}
END_TEST

START_TEST(a_change_comes_from_the_same_origin)
{
	ck_assert(cs_auth_origin_ok(NULL, NULL, "h"));
	ck_assert(cs_auth_origin_ok("same-origin", "https://evil", "h"));
	ck_assert(cs_auth_origin_ok("none", NULL, "h"));
	ck_assert(!cs_auth_origin_ok("cross-site", "https://h", "h"));
	ck_assert(!cs_auth_origin_ok("same-site", NULL, "h"));
	ck_assert(cs_auth_origin_ok(NULL, "https://h:8080", "H:8080"));
	ck_assert(!cs_auth_origin_ok(NULL, "https://h", "h:8080"));
	ck_assert(!cs_auth_origin_ok(NULL, "null", "h"));
	put_conn("main", "acct_1", "hubspot", "", CS_SUB_ROUTED);
	serve();
	ck_assert_int_eq(call_with("POST", "/v1/connections/main/pause",
	                           "Host: localhost\r\nAuthorization: Bearer " ADMIN "\r\nOrigin: https://evil.example\r\n", "{}"),
	                 403);
	ck_assert_int_eq(call_with("GET", "/v1/connections/main",
	                           "Host: localhost\r\nAuthorization: Bearer " ADMIN "\r\nOrigin: https://evil.example\r\n", NULL),
	                 200);
}
END_TEST

START_TEST(behind_a_proxy_loopback_is_nobody)
{
	fx.conf->behind_proxy = true;
	serve();
	ck_assert_int_eq(call_with("GET", "/metrics", "Host: localhost\r\n", NULL), 200);
	ck_assert_int_eq(call_with("GET", "/metrics", "Host: localhost\r\nX-Forwarded-For: 192.0.2.7\r\n", NULL), 401);
	ck_assert_int_eq(call_with("GET", "/metrics",
	                           "Host: localhost\r\nX-Forwarded-For: 192.0.2.7\r\nAuthorization: Bearer " READER "\r\n", NULL),
	                 200);
}
END_TEST

START_TEST(a_bound_key_sees_its_account_only)
{
	int64_t mine = put_lead(1, "acct_1", CS_KIND_LEAD, GOOD_CONTACT, TO_HUBSPOT);
	int64_t other = put_lead(2, "acct_2", CS_KIND_LEAD, GOOD_CONTACT, TO_HUBSPOT);
	int64_t d = put_delivery((struct cs_delivery_row){ .lead_id = other, .state = CS_DEAD, .account = "acct_2", .crm = "hubspot" });

	put_conn("theirs", "acct_2", "hubspot", "", CS_SUB_ROUTED);
	put_conn("everyone", "*", "webhook", "", CS_SUB_EVENTS);
	serve();
	ck_assert_int_eq(call("GET", "/v1/leads", BOUND, NULL), 200);
	ck_assert_uint_eq(length_at("/items"), 1);
	ck_assert_int_eq(int_at("/items/0/id"), mine);
	ck_assert_int_eq(call("GET", path_of("/v1/leads/%lld", (long long)mine), BOUND, NULL), 200);
	ck_assert_int_eq(call("GET", path_of("/v1/leads/%lld", (long long)other), BOUND, NULL), 404);
	ck_assert_int_eq(call("GET", path_of("/v1/leads/%s/story", event_id(2)), BOUND, NULL), 404);
	ck_assert_int_eq(call("GET", "/v1/leads?account=acct_2", BOUND, NULL), 403);
	ck_assert_int_eq(call("GET", "/v1/deliveries?account=acct_2", BOUND, NULL), 400);
	ck_assert_int_eq(call("GET", "/v1/deliveries", BOUND, NULL), 200);
	ck_assert_uint_eq(length_at("/items"), 0);
	ck_assert_int_eq(call("GET", path_of("/v1/dead-letters/%lld", (long long)d), BOUND, NULL), 404);
	ck_assert_int_eq(call("POST", path_of("/v1/dead-letters/%lld/discard", (long long)d), BOUND, "{}"), 404);
	ck_assert_int_eq(call("GET", "/v1/connections", BOUND, NULL), 200);
	ck_assert_uint_eq(length_at("/items"), 0);
	ck_assert_int_eq(call("POST", "/v1/connections/theirs/pause", BOUND, "{}"), 404);
	ck_assert_int_eq(call("GET", "/v1/keys", BOUND, NULL), 403);
	ck_assert_int_eq(call("GET", "/v1/queue", BOUND, NULL), 403);
	ck_assert_int_eq(call("POST", "/v1/replays", BOUND, "{\"dry_run\":true}"), 200);
	ck_assert_int_eq(int_at("/total"), 0);
}
END_TEST

static int64_t
last_use_of_the_reader(void)
{
	struct cs_key_row keys[8];
	struct cs_err err;

	ck_assert_int_eq(call("GET", "/v1/stats", READER, NULL), 200);
	ck_assert_int_eq(call("POST", "/v1/dead-letters/1/replay", ADMIN, "{}"), 404); /* through the writer: what was before is done */
	ck_assert_int_eq(ok(fx.look->ops->key_list(fx.look, &fx.mem, keys, 8, &err)), 3);
	return keys[1].last_used_ms;
}

START_TEST(the_use_of_a_key_is_remembered_now_and_then)
{
	serve();
	ck_assert_int_eq(last_use_of_the_reader(), NOW);
	cs_clock_set(&fx.clock, NOW + 5 * CS_MINUTE_MS);
	ck_assert_int_eq(last_use_of_the_reader(), NOW);
	cs_clock_set(&fx.clock, NOW + CS_HOUR_MS);
	ck_assert_int_eq(last_use_of_the_reader(), NOW + CS_HOUR_MS);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { without_a_key_nothing_but_health_is_open, a_reading_key_changes_nothing,
		unknown_and_expired_keys_are_401, a_key_of_the_configuration_is_for_intake_only,
		the_control_socket_knows_us_by_the_kernel, scopes_are_words_and_nothing_else, accounts_are_whole_words,
		a_host_must_be_known, a_change_comes_from_the_same_origin, behind_a_proxy_loopback_is_nobody,
		a_bound_key_sees_its_account_only, the_use_of_a_key_is_remembered_now_and_then, NULL };

	return run_tests("auth", tests);
}
