/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens: issued, expired, rotated, revoked. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "rig.h"

#define FORM "Content-Type: application/x-www-form-urlencoded\r\n"
#define CLIENT "client_id=c&client_secret=s"

static void
start_acme(const char *more)
{
	char *file = cs_xasprintf(
		"{\"title\":\"A\",\"credentials\":{\"t\":{\"any\":[{\"from\":\"${header/authorization}\",\"form\":\"Bearer {token}\",\"issued\":true,\"accept\":[\"static-{tenant}\"]}],"
		"\"expired\":\"expired\"}},\"needs\":[\"t\"],\"errors\":{\"expired\":{\"status\":401,\"body\":{\"why\":\"expired\"}}},"
		"\"oauth\":{\"clients\":[{\"id\":\"c\",\"secret\":\"s\"},{\"id\":\"c-{tenant}\",\"secret\":\"s\"},{\"id\":\"still\",\"secret\":\"s\",\"refresh\":\"same\"}],\"grants\":[\"authorization_code\",\"refresh_token\",\"client_credentials\"],"
		"\"codes\":[\"code-{tenant}\"],\"refresh_tokens\":[\"refresh-{tenant}\"],\"expires_s\":60%s},"
		"\"endpoints\":[{\"method\":\"GET\",\"path\":\"/me\",\"answer\":{\"body\":{\"tenant\":\"${tenant}\"}}},"
		"{\"method\":\"GET\",\"path\":\"/authorize\",\"needs\":[],\"steps\":[{\"oauth\":\"authorize\",\"as\":\"g\"}],\"answer\":{\"status\":302,\"headers\":{\"Location\":\"${query/redirect_uri}?code=${g/code}&state=${query/state|url}\"}}},"
		"{\"method\":\"POST\",\"path\":\"/token\",\"needs\":[],\"steps\":[{\"oauth\":\"token\",\"as\":\"g\"}],\"answer\":{\"body\":\"${g}\"}},"
		"{\"method\":\"POST\",\"path\":\"/exchange\",\"steps\":[{\"oauth\":\"exchange\",\"for\":\"${body/for}\",\"as\":\"g\"}],\"answer\":{\"body\":\"${g}\"}},"
		"{\"method\":\"POST\",\"path\":\"/introspect\",\"needs\":[],\"steps\":[{\"oauth\":\"introspect\",\"as\":\"g\"}],\"answer\":{\"body\":\"${g}\"}},"
		"{\"method\":\"POST\",\"path\":\"/revoke\",\"needs\":[],\"steps\":[{\"oauth\":\"revoke\"}],\"answer\":{\"status\":200}}]}", more);

	rig_start_text(&rig, file);
	free(file);
}

static struct answer *
token(const char *form)
{
	return rig_call(&rig, "POST", "/acme/token", FORM, form);
}

static struct answer *
me(const char *access)
{
	char auth[256];

	snprintf(auth, sizeof(auth), "Authorization: Bearer %s\r\n", access);
	return rig_call(&rig, "GET", "/acme/me", auth, NULL);
}

static char *
keep(const struct answer *a, const char *pointer)
{
	return cs_xstrdup(rig_at(a, pointer));
}

static struct answer *
refresh(const char *rt)
{
	char form[256];

	snprintf(form, sizeof(form), "grant_type=refresh_token&" CLIENT "&refresh_token=%s", rt);
	return token(form);
}

START_TEST(a_code_buys_tokens_of_its_tenant_once)
{
	const char *form = "grant_type=authorization_code&" CLIENT "&code=code-maria";
	struct answer *a;
	char *at;

	start_acme("");
	a = token(form);
	ck_assert_int_eq(a->status, 200);
	ck_assert_str_eq(rig_at(a, "/expires_in"), "60");
	at = keep(a, "/access_token");
	ck_assert_str_eq(rig_at(me(at), "/tenant"), "maria");
	a = token(form);
	ck_assert_int_eq(a->status, 400);
	ck_assert_str_eq(rig_at(a, "/code"), "invalid_grant");
	ck_assert_int_eq(me(at)->status, 401); /* a code used twice ends its grant */
	free(at);
}
END_TEST

START_TEST(an_access_token_expires_by_the_clock_and_by_command)
{
	char *at;

	start_acme("");
	at = keep(token("grant_type=refresh_token&" CLIENT "&refresh_token=refresh-a"), "/access_token");
	rig_advance(&rig, 59999);
	ck_assert_int_eq(me(at)->status, 200);
	rig_advance(&rig, 1);
	ck_assert_str_eq(rig_at(me(at), "/why"), "expired");
	free(at);
	at = keep(refresh("refresh-a"), "/access_token");
	ck_assert_int_eq(me(at)->status, 200);
	ck_assert_int_eq(rig_call(&rig, "POST", "/_tokens", "", "{\"crm\":\"acme\",\"tenant\":\"a\",\"do\":\"expire\"}")->status, 204);
	ck_assert_str_eq(rig_at(me(at), "/why"), "expired");
	ck_assert_int_eq(refresh("refresh-a")->status, 200);
	free(at);
}
END_TEST

START_TEST(a_rotated_refresh_token_is_dead_and_its_reuse_ends_the_grant)
{
	char *second, *at;

	start_acme(",\"refresh\":\"new\"");
	second = keep(refresh("refresh-a"), "/refresh_token");
	ck_assert_str_ne(second, "");
	ck_assert_str_ne(second, "refresh-a");
	at = keep(refresh(second), "/access_token");
	ck_assert_int_eq(me(at)->status, 200);
	ck_assert_str_eq(rig_at(refresh("refresh-a"), "/code"), "invalid_grant");
	ck_assert_int_eq(me(at)->status, 401);
	ck_assert_int_eq(refresh(second)->status, 400);
	free(second);
	free(at);
}
END_TEST

START_TEST(without_rotation_the_same_or_none_comes_back)
{
	start_acme("");
	ck_assert_str_eq(rig_at(refresh("refresh-a"), "/refresh_token"), "refresh-a");
	rig_stop(&rig);
	start_acme(",\"refresh\":\"none\"");
	ck_assert_str_eq(rig_at(refresh("refresh-a"), "/refresh_token"), "");
	ck_assert_int_eq(refresh("refresh-a")->status, 200);
}
END_TEST

START_TEST(a_client_may_have_rotation_switched_off)
{
	static const char still[] = "grant_type=refresh_token&refresh_token=refresh-a&client_id=still&client_secret=s";

	start_acme(",\"refresh\":\"new\"");
	for (int i = 0; i < 2; i++)
		ck_assert_str_eq(rig_at(token(still), "/refresh_token"), "refresh-a");
	ck_assert_str_ne(rig_at(refresh("refresh-a"), "/refresh_token"), "refresh-a");
	ck_assert_int_eq(token(still)->status, 400);
}
END_TEST

START_TEST(client_credentials_know_the_tenant_by_the_client)
{
	char *at;

	start_acme("");
	at = keep(token("grant_type=client_credentials&client_id=c-17&client_secret=s"), "/access_token");
	ck_assert_str_eq(rig_at(me(at), "/tenant"), "17");
	ck_assert_str_eq(rig_at(token("grant_type=client_credentials&client_id=c-17&client_secret=x"), "/code"), "invalid_client");
	ck_assert_str_eq(rig_at(token("grant_type=password&" CLIENT), "/code"), "unsupported_grant_type");
	free(at);
}
END_TEST

START_TEST(the_client_may_have_to_stand_in_basic)
{
	start_acme(",\"client_from\":[\"basic\"]");
	ck_assert_int_eq(refresh("refresh-a")->status, 400);
	/* c:s */
	ck_assert_int_eq(rig_call(&rig, "POST", "/acme/token", FORM "Authorization: Basic Yzpz\r\n",
	                          "grant_type=refresh_token&refresh_token=refresh-a")->status, 200);
	ck_assert_int_eq(rig_call(&rig, "POST", "/acme/token", FORM "Authorization: Basic Yzp4\r\n",
	                          "grant_type=refresh_token&refresh_token=refresh-a")->status, 400);
}
END_TEST

START_TEST(a_code_from_the_browser_is_bound_to_redirect_and_verifier)
{
	/* RFC 7636 appendix B */
	const char *go = "/acme/authorize?client_id=c&redirect_uri=http://127.0.0.1/cb&state=s%26t&tenant=maria&"
	                 "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";
	struct answer *a;
	char form[512], code[128];

	start_acme("");
	a = rig_call(&rig, "GET", go, "", NULL);
	ck_assert_int_eq(a->status, 302);
	ck_assert_ptr_nonnull(strstr(a->head, "&state=s%26t\r\n"));
	ck_assert_int_eq(sscanf(strstr(a->head, "code="), "code=%100[^&]", code), 1);
	snprintf(form, sizeof(form), "grant_type=authorization_code&" CLIENT "&code=%s&redirect_uri=http://127.0.0.1/cb", code);
	ck_assert_int_eq(token(form)->status, 400);
	strcat(form, "&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
	a = token(form);
	ck_assert_int_eq(a->status, 200);
	ck_assert_str_eq(rig_at(a, "/tenant"), "maria");
	ck_assert_int_eq(rig_call(&rig, "GET", "/acme/authorize?client_id=zz&redirect_uri=x", "", NULL)->status, 400);
}
END_TEST

START_TEST(revoking_a_refresh_token_ends_everything_of_its_grant)
{
	char *at, form[256];

	start_acme("");
	at = keep(refresh("refresh-a"), "/access_token");
	snprintf(form, sizeof(form), CLIENT "&token=%s", at);
	ck_assert_str_eq(rig_at(rig_call(&rig, "POST", "/acme/introspect", FORM, form), "/active"), "true");
	ck_assert_int_eq(rig_call(&rig, "POST", "/acme/revoke", FORM, CLIENT "&token=refresh-a")->status, 200);
	ck_assert_str_eq(rig_at(rig_call(&rig, "POST", "/acme/introspect", FORM, form), "/active"), "false");
	ck_assert_int_eq(me(at)->status, 401);
	ck_assert_int_eq(refresh("refresh-a")->status, 400);
	free(at);
}
END_TEST

START_TEST(a_token_is_exchanged_for_another_tenants_which_dies_with_its_grant)
{
	char *at, *of, auth[256];

	start_acme("");
	at = keep(refresh("refresh-agency"), "/access_token");
	snprintf(auth, sizeof(auth), FORM "Authorization: Bearer %s\r\n", at);
	of = keep(rig_call(&rig, "POST", "/acme/exchange", auth, "for=north"), "/access_token");
	ck_assert_str_eq(rig_at(me(of), "/tenant"), "north");
	ck_assert_str_eq(rig_at(me(at), "/tenant"), "agency");
	ck_assert_int_eq(rig_call(&rig, "POST", "/acme/exchange", FORM "Authorization: Bearer static-a\r\n", "for=north")->status, 400);
	ck_assert_int_eq(rig_call(&rig, "POST", "/acme/revoke", FORM, CLIENT "&token=refresh-agency")->status, 200);
	ck_assert_int_eq(me(of)->status, 401);
	free(at);
	free(of);
}
END_TEST

START_TEST(a_disconnected_tenant_is_refused_until_it_is_restored)
{
	start_acme("");
	ck_assert_int_eq(me("static-a")->status, 200);
	ck_assert_int_eq(rig_call(&rig, "POST", "/_tokens", "", "{\"crm\":\"acme\",\"tenant\":\"a\",\"do\":\"revoke\"}")->status, 204);
	ck_assert_int_eq(me("static-a")->status, 401);
	ck_assert_int_eq(me("static-b")->status, 200);
	ck_assert_int_eq(refresh("refresh-a")->status, 400);
	ck_assert_int_eq(rig_call(&rig, "POST", "/_tokens", "", "{\"crm\":\"acme\",\"tenant\":\"a\",\"do\":\"restore\"}")->status, 204);
	ck_assert_int_eq(me("static-a")->status, 200);
	ck_assert_int_eq(rig_call(&rig, "POST", "/_tokens", "", "{\"crm\":\"acme\",\"do\":\"burn\"}")->status, 400);
}
END_TEST

START_TEST(no_secret_shows_in_the_request_log)
{
	struct answer *a;
	char *at;

	start_acme("");
	at = keep(refresh("refresh-secret1"), "/access_token");
	me(at);
	a = rig_call(&rig, "GET", "/_requests", "", NULL);
	ck_assert_ptr_nonnull(strstr(a->body, "grant_type"));
	ck_assert_ptr_null(strstr(a->body, "refresh-secret1"));
	ck_assert_ptr_null(strstr(a->body, at));
	ck_assert_ptr_null(strstr(a->body, "\"client_secret\":\"s\""));
	free(at);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		a_code_buys_tokens_of_its_tenant_once, an_access_token_expires_by_the_clock_and_by_command,
		a_rotated_refresh_token_is_dead_and_its_reuse_ends_the_grant,
		without_rotation_the_same_or_none_comes_back, a_client_may_have_rotation_switched_off,
		client_credentials_know_the_tenant_by_the_client, the_client_may_have_to_stand_in_basic,
		a_code_from_the_browser_is_bound_to_redirect_and_verifier,
		revoking_a_refresh_token_ends_everything_of_its_grant,
		a_token_is_exchanged_for_another_tenants_which_dies_with_its_grant,
		a_disconnected_tenant_is_refused_until_it_is_restored, no_secret_shows_in_the_request_log,
	};

	return rig_run("sandbox oauth", NULL, rig_teardown, tests, CS_ARRAY_LEN(tests));
}
