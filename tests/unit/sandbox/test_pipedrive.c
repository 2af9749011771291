/* SPDX-License-Identifier: Apache-2.0 */
/* The data file of Pipedrive behaves as its fact sheet says. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include "rig.h"

#define V "/pipedrive"
#define V1 V "/api/v1"
#define V2 V "/api/v2"
#define CLIENT "Authorization: Basic c2FuZGJveC1jbGllbnQ6c2FuZGJveC1zZWNyZXQ=\r\n"
#define FORM "Content-Type: application/x-www-form-urlencoded\r\n"
#define AUTH "x-api-token: sandbox-pipedrive-token\r\n"
#define MARIA "{\"name\":\"Maria\",\"phones\":[{\"value\":\"(305) 555-0182\"}],\"emails\":[{\"value\":\"Maria@example.com\"}]}"

static void
setup(void)
{
	static const char *const crms[] = { "pipedrive", NULL };

	rig_start(&rig, crms, 1000);
}

static struct answer *
post(const char *path, const char *body)
{
	return rig_call(&rig, "POST", path, AUTH "Content-Type: application/json\r\n", body);
}

static struct answer *
get(const char *path)
{
	return rig_call(&rig, "GET", path, AUTH, NULL);
}

START_TEST(a_token_goes_by_either_header)
{
	ck_assert_int_eq(rig_call(&rig, "GET", V1 "/users/me", "", NULL)->status, 401);
	ck_assert_int_eq(rig_call(&rig, "GET", V1 "/users/me?api_token=sandbox-pipedrive-token", "", NULL)->status, 401);
	ck_assert_str_eq(rig_at(get(V1 "/users/me"), "/data/company_name"), "Acme Heating");
	ck_assert_str_eq(rig_at(rig_call(&rig, "GET", "/pipedrive/v1/users/me", "Authorization: Bearer sandbox-pipedrive-other\r\n", NULL),
	                     "/data/company_domain"), "other");
}
END_TEST

START_TEST(a_company_agrees_and_the_browser_comes_back_with_code_and_state)
{
	static const char way[] = V "/oauth/authorize?client_id=sandbox-client&redirect_uri=https%3A%2F%2Fcsrelay.test%2Fback&state=s1&tenant=north";
	struct answer *a = rig_call(&rig, "GET", way, "", NULL);
	char form[300], *code;

	ck_assert_int_eq(a->status, 302);
	ck_assert_ptr_nonnull(code = strstr(a->head, "Location: https://csrelay.test/back?code="));
	ck_assert_ptr_nonnull(strstr(code, "&state=s1\r\n"));
	snprintf(form, sizeof(form), "grant_type=authorization_code&redirect_uri=https://csrelay.test/back&%.*s", (int)strcspn(strchr(code, '?') + 1, "&"),
	         strchr(code, '?') + 1);
	a = rig_call(&rig, "POST", V "/oauth/token", CLIENT FORM, form);
	ck_assert_int_eq(a->status, 200);
	ck_assert_ptr_nonnull(strstr(rig_at(a, "/api_domain"), V));
}
END_TEST

START_TEST(numbers_are_kept_as_typed_and_the_search_lags)
{
	const char *loose = V2 "/persons/search?term=555-0182&fields=phone&limit=20";

	ck_assert_int_eq(post(V2 "/persons", MARIA)->status, 201);
	ck_assert_str_eq(rig_at(get(loose), "/data/items/0/item/id"), "");
	ck_assert_str_eq(rig_at(get(V2 "/persons/1092"), "/data/phones/0/value"), "(305) 555-0182");
	rig_advance(&rig, 5001);
	ck_assert_str_eq(rig_at(get(loose), "/data/items/0/item/id"), "1092");
	ck_assert_str_eq(rig_at(get(loose), "/data/items/0/item/phones/0"), "(305) 555-0182");
	ck_assert_str_eq(rig_at(get(V2 "/persons/search?term=%2B13055550182&fields=phone&exact_match=true"), "/data/items/0/item/id"), "");
	ck_assert_str_eq(rig_at(get(V2 "/persons/search?term=maria%40example.com&fields=email&exact_match=true"), "/data/items/0/item/id"), "1092");
}
END_TEST

START_TEST(what_the_vendor_refuses_is_refused)
{
	static const char *const persons[] = { "{}", "{\"name\":\"x\",\"phone\":\"1\"}", "{\"name\":\"x\",\"owner_id\":7}",
		"{\"name\":\"x\",\"postal_address\":{\"value\":\"y\"}}", "{\"name\":\"x\",\"custom_fields\":{\"short\":1}}" };
	static const char *const leads[] = { "{\"title\":\"x\"}", "{\"person_id\":1092}", "{\"title\":\"x\",\"person_id\":1}",
		"{\"title\":\"x\",\"person_id\":\"1092\"}", "{\"title\":\"x\",\"person_id\":1092,\"note\":\"y\"}",
		"{\"title\":\"x\",\"person_id\":1092,\"label_ids\":[\"none\"]}", "{\"title\":\"x\",\"person_id\":1092,\"visible_to\":3}",
		"{\"title\":\"x\",\"person_id\":1092,\"channel\":1}", "{\"title\":\"x\",\"person_id\":1092,\"owner_id\":7}" };

	for (size_t i = 0; i < CS_ARRAY_LEN(persons); i++)
		ck_assert_msg(post(V2 "/persons", persons[i])->status == 400, "person %zu", i);
	ck_assert_int_eq(rig_created(&rig, "pipedrive", "persons"), 0);
	post(V2 "/persons", MARIA);
	for (size_t i = 0; i < CS_ARRAY_LEN(leads); i++)
		ck_assert_msg(post(V1 "/leads", leads[i])->status == 400, "lead %zu", i);
	ck_assert_int_eq(rig_created(&rig, "pipedrive", "leads"), 0);
}
END_TEST

START_TEST(a_lead_that_becomes_a_deal_disappears)
{
	char path[160], body[120];
	struct answer *a;

	post(V2 "/persons", MARIA);
	a = post(V1 "/leads", "{\"title\":\"x\",\"person_id\":1092,\"origin_id\":\"e1\"}");
	ck_assert_int_eq(a->status, 201);
	snprintf(path, sizeof(path), V2 "/leads/%s/convert/deal", rig_at(a, "/data/id"));
	snprintf(body, sizeof(body), "{\"content\":\"n\",\"lead_id\":\"%s\"}", rig_at(a, "/data/id"));
	ck_assert_int_eq(post(V1 "/notes", body)->status, 200);
	ck_assert_str_eq(rig_at(post(path, "{}"), "/data/deal_id"), "746");
	ck_assert_str_eq(rig_at(get(V1 "/leads?person_id=1092"), "/data/0/id"), "");
	a = get(V2 "/deals?person_id=1092&sort_by=add_time&sort_direction=desc");
	ck_assert_str_eq(rig_at(a, "/data/0/origin_id"), "e1");
	ck_assert_msg(strstr(path, rig_at(a, "/data/0/source_lead_id")) != NULL, "source_lead_id");
}
END_TEST

START_TEST(searches_are_ten_in_two_seconds)
{
	struct answer *a;

	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(get(V2 "/persons/search?term=xx&fields=email")->status, 200);
	a = get(V2 "/persons/search?term=xx&fields=email");
	ck_assert_int_eq(a->status, 429);
	ck_assert_int_eq(get(V1 "/users/me")->status, 200);
	rig_advance(&rig, 2001);
	ck_assert_int_eq(get(V2 "/persons/search?term=xx&fields=email")->status, 200);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		a_token_goes_by_either_header, a_company_agrees_and_the_browser_comes_back_with_code_and_state,
		numbers_are_kept_as_typed_and_the_search_lags, what_the_vendor_refuses_is_refused,
		a_lead_that_becomes_a_deal_disappears, searches_are_ten_in_two_seconds,
	};

	return rig_run("pipedrive", setup, rig_teardown, tests, CS_ARRAY_LEN(tests));
}
