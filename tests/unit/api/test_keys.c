/* SPDX-License-Identifier: Apache-2.0 */
/* API keys. */
#include "config.h"
#include "fixture.h"

START_TEST(a_new_key_is_shown_once_and_works)
{
	char key[64];
	int64_t id;

	serve();
	ck_assert_int_eq(POST("{\"name\":\"grafana\",\"scopes\":[\"read\"],\"accounts\":[\"acct_1\",\"acct_2\"],"
	                      "\"expires_at\":\"2027-02-01T00:00:00Z\"}", "/v1/keys"), 201);
	snprintf(key, sizeof(key), "%s", text_at("/key"));
	id = int_at("/id");
	ck_assert_int_eq(strncmp(key, "csk_", 4), 0);
	ck_assert_uint_eq(strlen(key), 47);
	ck_assert_str_eq(text_at("/accounts/1"), "acct_2");
	ck_assert_int_eq(call("GET", "/v1/leads?account=acct_2", key, NULL), 200);
	ck_assert_int_eq(call("GET", "/v1/leads", key, NULL), 403); /* which of the two? */
	ck_assert_int_eq(GET("/v1/keys"), 200);
	ck_assert_uint_eq(length_at("/items"), 4);
	ck_assert_str_eq(text_at("/items/3/name"), "grafana");
	ck_assert_str_eq(text_at("/items/3/expires_at"), "2027-02-01T00:00:00Z");
	ck_assert_ptr_null(strstr(fx.body, "\"key\""));
	ck_assert_ptr_null(strstr(fx.body, "hash"));
	ck_assert_int_eq(call("DELETE", path_of("/v1/keys/%lld", (long long)id), ADMIN, NULL), 200);
	ck_assert_int_eq(call("GET", "/v1/leads?account=acct_2", key, NULL), 401);
	ck_assert_int_eq(call("DELETE", path_of("/v1/keys/%lld", (long long)id), ADMIN, NULL), 404);
}
END_TEST

START_TEST(a_key_runs_out)
{
	char key[64];

	serve();
	ck_assert_int_eq(POST("{\"name\":\"x\",\"scopes\":[\"read\",\"admin\"],\"expires_at\":1800000001000}", "/v1/keys"), 201);
	snprintf(key, sizeof(key), "%s", text_at("/key"));
	ck_assert_int_eq(call("GET", "/v1/stats", key, NULL), 200);
	cs_clock_set(&fx.clock, NOW + 1000);
	ck_assert_int_eq(call("GET", "/v1/stats", key, NULL), 401);
}
END_TEST

START_TEST(a_rotated_key_lives_on_for_a_while)
{
	char old[64], fresh[64], second[64];
	int64_t id;

	serve();
	ck_assert_int_eq(POST("{\"name\":\"x\",\"scopes\":[\"read\"],\"accounts\":[\"acct_1\"]}", "/v1/keys"), 201);
	snprintf(old, sizeof(old), "%s", text_at("/key"));
	id = int_at("/id");
	ck_assert_int_eq(POST("{\"overlap_ms\":3600000}", "/v1/keys/%lld/rotate", (long long)id), 201);
	snprintf(fresh, sizeof(fresh), "%s", text_at("/key"));
	ck_assert_str_ne(fresh, old);
	ck_assert_str_eq(text_at("/name"), "x");
	ck_assert_str_eq(text_at("/scopes/0"), "read");
	ck_assert_str_eq(text_at("/accounts/0"), "acct_1");
	ck_assert_str_eq(text_at("/expires_at"), "");
	ck_assert_int_eq(int_at("/replaces/id"), id);
	ck_assert_str_eq(text_at("/replaces/expires_at"), "2027-01-15T09:00:00Z");
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(call("GET", "/v1/leads?account=acct_1", i == 0 ? old : fresh, NULL), 200);
	cs_clock_set(&fx.clock, NOW + 3600000);
	ck_assert_int_eq(call("GET", "/v1/leads?account=acct_1", old, NULL), 401);
	ck_assert_int_eq(call("GET", "/v1/leads?account=acct_1", fresh, NULL), 200);
	ck_assert_int_eq(POST("{}", "/v1/keys/%lld/rotate", (long long)id), 409); /* it has expired */
	ck_assert_int_eq(POST("{}", "/v1/keys/4711/rotate"), 404);
	ck_assert_int_eq(POST("{\"overlap_ms\":-1}", "/v1/keys/%lld/rotate", (long long)id + 1), 422);
	ck_assert_int_eq(POST("{}", "/v1/keys/%lld/rotate", (long long)id + 1), 201); /* a day, unless said */
	snprintf(second, sizeof(second), "%s", text_at("/key"));
	ck_assert_str_eq(text_at("/replaces/expires_at"), "2027-01-16T09:00:00Z");
	ck_assert_int_eq(call("POST", path_of("/v1/keys/%lld/rotate", (long long)id + 2), BOUND, "{}"), 403);
	ck_assert_int_eq(call("GET", "/v1/leads?account=acct_1", second, NULL), 200);
}
END_TEST

START_TEST(a_rotation_never_makes_a_key_live_longer)
{
	int64_t id;

	serve();
	ck_assert_int_eq(POST("{\"name\":\"x\",\"scopes\":[\"read\"],\"expires_at\":1800000060000}", "/v1/keys"), 201);
	id = int_at("/id");
	ck_assert_int_eq(POST("{\"overlap_ms\":3600000}", "/v1/keys/%lld/rotate", (long long)id), 201);
	ck_assert_str_eq(text_at("/expires_at"), "2027-01-15T08:01:00Z");
	ck_assert_str_eq(text_at("/replaces/expires_at"), "2027-01-15T08:01:00Z");
}
END_TEST

START_TEST(what_is_asked_wrong_is_told)
{
	static const struct {
		const char *body, *pointer;
	} cases[] = {
		{ "{}", "/name" },
		{ "{\"name\":\"x\"}", "/scopes" },
		{ "{\"name\":\"x\",\"scopes\":[]}", "/scopes" },
		{ "{\"name\":\"x\",\"scopes\":[\"root\"]}", "/scopes" },
		{ "{\"name\":\"x\",\"scopes\":\"read\"}", "/scopes" },
		{ "{\"name\":\"x\",\"scopes\":[\"bridge\"]}", "/accounts" },
		{ "{\"name\":\"x\",\"scopes\":[\"bridge\"],\"accounts\":[\"a\",\"b\"]}", "/accounts" },
		{ "{\"name\":\"x\",\"scopes\":[\"bridge\",\"read\"],\"accounts\":[\"a\"]}", "/scopes" },
		{ "{\"name\":\"x\",\"scopes\":[\"read\"],\"accounts\":[\"a b\"]}", "/accounts" },
		{ "{\"name\":\"x\",\"scopes\":[\"read\"],\"accounts\":[\"\"]}", "/accounts" },
		{ "{\"name\":\"x\",\"scopes\":[\"read\"],\"accounts\":[7]}", "/accounts" },
		{ "{\"name\":\"x\",\"scopes\":[\"read\"],\"expires_at\":\"soon\"}", "/expires_at" },
		{ "{\"name\":\"x\",\"scopes\":[\"read\"],\"expires_at\":\"2020-01-01T00:00:00Z\"}", "/expires_at" },
		{ "{\"name\":\"x\",\"scopes\":[\"read\"],\"expires_at\":true}", "/expires_at" },
	};

	serve();
	for (size_t i = 0; i < CS_ARRAY_LEN(cases); i++) {
		ck_assert_msg(POST(cases[i].body, "/v1/keys") == 422, "%s: %s", cases[i].body, fx.body);
		ck_assert_msg(strcmp(text_at("/errors/0/pointer"), cases[i].pointer) == 0, "%s: %s", cases[i].body, fx.body);
	}
	ck_assert_int_eq(GET("/v1/keys"), 200);
	ck_assert_uint_eq(length_at("/items"), 3);
}
END_TEST

START_TEST(keys_are_the_business_of_admins)
{
	serve();
	ck_assert_int_eq(call("GET", "/v1/keys", READER, NULL), 403);
	ck_assert_int_eq(call("POST", "/v1/keys", READER, "{\"name\":\"x\",\"scopes\":[\"admin\"]}"), 403);
	ck_assert_int_eq(call("POST", "/v1/keys", BOUND, "{\"name\":\"x\",\"scopes\":[\"admin\"]}"), 403);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { a_new_key_is_shown_once_and_works, a_key_runs_out, a_rotated_key_lives_on_for_a_while,
		a_rotation_never_makes_a_key_live_longer, what_is_asked_wrong_is_told,
		keys_are_the_business_of_admins, NULL };

	return run_tests("keys", tests);
}
