/* SPDX-License-Identifier: Apache-2.0 */
/* The data file of Workiz behaves as its fact sheet says. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include "rig.h"

#define API "/workiz/api/v1/sandbox-workiz-token"
#define JSON_TYPE "Content-Type: application/json\r\n"
#define SECRET "\"auth_secret\":\"sandbox-workiz-secret\""

static void
setup(void)
{
	static const char *const crms[] = { "workiz", NULL };

	rig_start(&rig, crms, 1000);
}

static struct answer *
post(const char *path, const char *body)
{
	return rig_call(&rig, "POST", path, JSON_TYPE, body);
}

static struct answer *
get(const char *path)
{
	return rig_call(&rig, "GET", path, "", NULL);
}

START_TEST(reading_wants_the_token_and_writing_the_secret_too)
{
	ck_assert_int_eq(get("/workiz/api/v1/sandbox-other/team/all/")->status, 403);
	ck_assert_str_eq(rig_at(get(API "/team/all/"), "/data/0/name"), "Pat Owner");
	ck_assert_int_eq(post(API "/lead/create/", "{\"Phone\":\"3055550182\"}")->status, 401);
	ck_assert_int_eq(post(API "/lead/create/", "{\"auth_secret\":\"x\",\"Phone\":\"3055550182\"}")->status, 401);
	ck_assert_int_eq(rig_created(&rig, "workiz", "leads"), 0);
	ck_assert_int_eq(post(API "/lead/create/", "{" SECRET ",\"Phone\":\"3055550182\"}")->status, 200);
	ck_assert_int_eq(get(API "/nothing/")->status, 403);
}
END_TEST

START_TEST(names_must_be_of_the_accounts_lists)
{
	static const char *const bad[] = {
		"{" SECRET ",\"Phone\":\"1\",\"JobType\":\"Zeppelin\"}",
		"{" SECRET ",\"Phone\":\"1\",\"JobSource\":\"Zeppelin\"}",
		"{" SECRET ",\"Phone\":\"1\",\"ClientId\":7}",
		"{" SECRET ",\"Phone\":\"1\",\"LeadDateTime\":\"2026-05-27 08:00:00\"}",
		"{" SECRET ",\"Phone\":\"1\",\"phone\":\"1\"}",
		"{" SECRET "}",
	};

	for (size_t i = 0; i < CS_ARRAY_LEN(bad); i++) {
		ck_assert_msg(post(API "/lead/create/", bad[i])->status == 400, "case %zu", i);
		rig_advance(&rig, 1000);
	}
	ck_assert_int_eq(rig_created(&rig, "workiz", "leads"), 0);
	ck_assert_str_eq(rig_at(post(API "/lead/assign/", "{" SECRET ",\"UUID\":\"x\",\"User\":\"Pat Owner\"}"), "/code"), "404");
}
END_TEST

START_TEST(leads_are_listed_newest_first_from_a_day_on)
{
	struct answer *a;

	post(API "/lead/create/", "{" SECRET ",\"Phone\":\"1\",\"LeadDateTime\":\"2026-05-20T08:00:00Z\",\"LeadNotes\":\"old\"}");
	a = post(API "/lead/create/", "{" SECRET ",\"Phone\":\"1\",\"LeadDateTime\":\"2026-05-27T08:00:00Z\",\"LeadNotes\":\"new\"}");
	ck_assert_str_eq(rig_at(a, "/data/0/ClientId"), "1003");
	post(API "/lead/create/", "{" SECRET ",\"ClientId\":1003,\"LeadDateTime\":\"2026-05-26T08:00:00Z\",\"LeadNotes\":\"mid\"}");
	a = get(API "/lead/all/?start_date=2026-05-26&offset=0&records=1&only_open=false");
	ck_assert_str_eq(rig_at(a, "/data/0/LeadNotes"), "new");
	ck_assert_str_eq(rig_at(a, "/has_more"), "true");
	a = get(API "/lead/all/?start_date=2026-05-26&offset=1&records=1&only_open=false");
	ck_assert_str_eq(rig_at(a, "/data/0/LeadNotes"), "mid");
	ck_assert_str_eq(rig_at(a, "/has_more"), "false");
	ck_assert_int_eq(rig_created(&rig, "workiz", "clients"), 2);
}
END_TEST

START_TEST(a_converted_lead_is_closed_and_has_a_job)
{
	char body[200], path[120];
	struct answer *a = post(API "/lead/create/", "{" SECRET ",\"Phone\":\"1\",\"JobType\":\"HVAC\"}");

	snprintf(body, sizeof(body), "{" SECRET ",\"UUID\":\"%s\"}", rig_at(a, "/data/0/UUID"));
	snprintf(path, sizeof(path), API "/lead/get/%s/", rig_at(a, "/data/0/UUID"));
	ck_assert_int_eq(post(API "/lead/convert/", body)->status, 200);
	ck_assert_str_eq(rig_at(get(path), "/data/0/Status"), "Converted");
	ck_assert_str_eq(rig_at(get(API "/lead/all/"), "/data/0/UUID"), "");
	rig_advance(&rig, 1000);
	ck_assert_str_eq(rig_at(get(API "/job/all/"), "/data/0/Status"), "Scheduled");
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		reading_wants_the_token_and_writing_the_secret_too, names_must_be_of_the_accounts_lists,
		leads_are_listed_newest_first_from_a_day_on, a_converted_lead_is_closed_and_has_a_job,
	};

	return rig_run("workiz", setup, rig_teardown, tests, CS_ARRAY_LEN(tests));
}
