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
	const TTest *const tests[] = { a_new_key_is_shown_once_and_works, a_key_runs_out, what_is_asked_wrong_is_told,
		keys_are_the_business_of_admins, NULL };

	return run_tests("keys", tests);
}
