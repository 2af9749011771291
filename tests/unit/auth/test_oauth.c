/* SPDX-License-Identifier: Apache-2.0 */
/* test_oauth.c - token requests as text, what answers mean, PKCE against the example of RFC 7636, Basic as in RFC 6749. */
#include "config.h"

#include <check.h>
#include <string.h>
#include "auth/oauth.h"

static const char *dead[] = { "invalid_grant", "invalid_code", "410" };
static struct cs_auth_way way = { .at_access = "/access_token", .at_refresh = "/refresh_token", .at_expires = "/expires_in",
	.at_error = "/error", .margin_s = 60, .dead_grant = dead, .n_dead_grant = 3 };

static struct cs_oauth_answer
answer(int status, const char *body)
{
	struct cs_oauth_answer a;

	cs_oauth_answer_read(&way, status, body, strlen(body), &a);
	return a;
}

START_TEST(a_body_is_a_form_or_json_with_everything_encoded)
{
	static const struct cs_pair v[] = { { "grant_type", "refresh_token" }, { "code", "a b&c=\"d\"" } };
	struct cs_buf b = CS_BUF_INIT(0);

	cs_oauth_body(false, v, 2, &b);
	ck_assert_str_eq(cs_buf_str(&b), "grant_type=refresh_token&code=a+b%26c%3D%22d%22");
	cs_buf_reset(&b);
	cs_oauth_body(true, v, 2, &b);
	ck_assert_str_eq(cs_buf_str(&b), "{\"grant_type\":\"refresh_token\",\"code\":\"a b&c=\\\"d\\\"\"}");
	cs_buf_fini(&b);
}
END_TEST

START_TEST(tokens_and_their_lives_are_taken_from_where_they_stand)
{
	struct cs_oauth_answer a = answer(200, "{\"access_token\":\"at\",\"refresh_token\":\"rt\",\"expires_in\":\"3599\"}");

	ck_assert(a.verdict == CS_OAUTH_OK && a.expires_s == 3599 && a.refresh_expires_s == -1);
	ck_assert_str_eq(a.access, "at");
	ck_assert_str_eq(a.refresh, "rt");
	cs_oauth_answer_fini(&a);
	a = answer(201, "{\"access_token\":\"at\",\"expires_in\":-5}");
	ck_assert(a.verdict == CS_OAUTH_OK && a.expires_s == -1 && a.refresh[0] == '\0');
	cs_oauth_answer_fini(&a);
}
END_TEST

static const struct {
	int status;
	const char *body;
	enum cs_oauth_verdict verdict;
} refusals[] = {
	{ 400, "{\"error\":\"invalid_grant\"}", CS_OAUTH_DEAD },
	{ 200, "{\"error\":\"invalid_code\"}", CS_OAUTH_DEAD }, /* vendors answer errors with 200 */
	{ 410, "gone", CS_OAUTH_DEAD },
	{ 400, "{\"error\":\"invalid_client\"}", CS_OAUTH_ILL }, /* the app's own trouble, not the customer's */
	{ 200, "{\"error\":\"Access Denied\"}", CS_OAUTH_ILL },
	{ 503, "{\"error\":\"invalid_grant\"}", CS_OAUTH_ILL },
	{ 429, "{\"error\":\"invalid_grant\"}", CS_OAUTH_ILL },
	{ 0, "", CS_OAUTH_ILL },
	{ 200, "<html>", CS_OAUTH_ILL },
	{ 200, "{\"access_token\":\"\"}", CS_OAUTH_ILL },
	{ 400, "{\"access_token\":\"x\"}", CS_OAUTH_ILL },
};

START_TEST(only_what_the_manifest_names_ends_a_grant)
{
	struct cs_oauth_answer a = answer(refusals[_i].status, refusals[_i].body);

	ck_assert_int_eq(a.verdict, refusals[_i].verdict);
	cs_oauth_answer_fini(&a);
}
END_TEST

START_TEST(an_error_cannot_write_into_the_log)
{
	struct cs_oauth_answer a = answer(400, "{\"error\":\"in\\nvalid key=\\\"x\\\"\"}");

	ck_assert_str_eq(a.error, "in_valid_key__x_");
	cs_oauth_answer_fini(&a);
}
END_TEST

START_TEST(a_token_is_renewed_a_margin_before_its_end_and_never_in_its_first_four_fifths)
{
	ck_assert_int_eq(cs_oauth_renew_ms(&way, 1000, 0), 0);
	ck_assert_int_eq(cs_oauth_renew_ms(&way, 0, 3600000), 3540000);
	ck_assert_int_eq(cs_oauth_renew_ms(&way, 0, 100000), 80000);
}
END_TEST

START_TEST(a_challenge_is_that_of_the_rfc)
{
	struct cs_buf b = CS_BUF_INIT(0);

	cs_oauth_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", &b);
	ck_assert_str_eq(cs_buf_str(&b), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
	cs_buf_fini(&b);
}
END_TEST

START_TEST(a_client_s_basic_is_encoded_before_it_is_joined)
{
	struct cs_buf b = CS_BUF_INIT(0);

	cs_oauth_basic("s6BhdRkqt3", "gX1fBat3bV", &b);
	ck_assert_str_eq(cs_buf_str(&b), "Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW");
	cs_buf_reset(&b);
	cs_oauth_basic("a:b", "c", &b);
	ck_assert_str_eq(cs_buf_str(&b), "Basic YSUzQWI6Yw==");
	cs_buf_fini(&b);
}
END_TEST

START_TEST(parameters_are_added_to_an_address_that_has_some_or_none)
{
	struct cs_buf b = CS_BUF_INIT(0);

	cs_buf_adds(&b, "https://a.example/authorize");
	cs_oauth_param(&b, "scope", "a b");
	cs_oauth_param(&b, "state", "x");
	ck_assert_str_eq(cs_buf_str(&b), "https://a.example/authorize?scope=a%20b&state=x");
	cs_buf_fini(&b);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("oauth");
	TCase *t = tcase_create("oauth");
	SRunner *sr;
	int failed;

	tcase_add_test(t, a_body_is_a_form_or_json_with_everything_encoded);
	tcase_add_test(t, tokens_and_their_lives_are_taken_from_where_they_stand);
	tcase_add_loop_test(t, only_what_the_manifest_names_ends_a_grant, 0, (int)CS_ARRAY_LEN(refusals));
	tcase_add_test(t, an_error_cannot_write_into_the_log);
	tcase_add_test(t, a_token_is_renewed_a_margin_before_its_end_and_never_in_its_first_four_fifths);
	tcase_add_test(t, a_challenge_is_that_of_the_rfc);
	tcase_add_test(t, a_client_s_basic_is_encoded_before_it_is_joined);
	tcase_add_test(t, parameters_are_added_to_an_address_that_has_some_or_none);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
