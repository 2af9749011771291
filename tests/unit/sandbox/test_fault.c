/* SPDX-License-Identifier: Apache-2.0 */
/* Every fault, seen from the client and from what the CRM holds afterwards. */
#include "config.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "rig.h"
#include "sandbox/crm/fault.h"

#define CONTACTS "/hubspot/crm/objects/2026-03/contacts"
#define MARIA "{\"properties\":{\"email\":\"maria@example.com\"},\"associations\":[]}"

static void
setup(void)
{
	static const char *const crms[] = { "hubspot", "webhook", NULL };

	rig_start(&rig, crms, 1000);
}

/* One create under a fault; afterwards the next request is served as always. */
static struct answer *
create_under(const char *fault)
{
	rig_fault(&rig, fault);
	return rig_call(&rig, "POST", CONTACTS, HUBSPOT_AUTH, MARIA);
}

static void
contacts_are(int n)
{
	ck_assert_int_eq(rig_created(&rig, "hubspot", "contacts"), n);
	ck_assert_int_eq(rig_call(&rig, "GET", "/hubspot/account-info/2026-03/details", HUBSPOT_AUTH, NULL)->status, 200);
}

START_TEST(a_429_may_say_when_to_come_back)
{
	struct answer *a = create_under("{\"fault\":\"429\",\"retry_after\":7}");

	ck_assert_int_eq(a->status, 429);
	ck_assert_ptr_nonnull(strstr(a->head, "Retry-After: 7\r\n"));
	ck_assert_str_eq(rig_at(a, "/policyName"), "TEN_SECONDLY_ROLLING");
	contacts_are(0);
	a = create_under("{\"fault\":\"429\"}");
	ck_assert_int_eq(a->status, 429);
	ck_assert_ptr_null(strstr(a->head, "Retry-After"));
	contacts_are(0);
}
END_TEST

START_TEST(a_401_comes_as_often_as_asked)
{
	struct answer *a = create_under("{\"fault\":\"401\",\"times\":2}");

	ck_assert_int_eq(a->status, 401);
	ck_assert_str_eq(rig_at(a, "/category"), "INVALID_AUTHENTICATION");
	ck_assert_int_eq(rig_call(&rig, "POST", CONTACTS, HUBSPOT_AUTH, MARIA)->status, 401);
	ck_assert_int_eq(rig_call(&rig, "POST", CONTACTS, HUBSPOT_AUTH, MARIA)->status, 201);
	contacts_are(1);
}
END_TEST

START_TEST(an_error_creates_nothing)
{
	ck_assert_int_eq(create_under("{\"fault\":\"error\",\"status\":503}")->status, 503);
	contacts_are(0);
	ck_assert_int_eq(create_under("{\"fault\":\"error\"}")->status, 500);
	contacts_are(0);
}
END_TEST

START_TEST(an_error_after_has_created)
{
	ck_assert_int_eq(create_under("{\"fault\":\"error_after\"}")->status, 500);
	contacts_are(1);
}
END_TEST

START_TEST(any_status_and_body_can_be_given)
{
	struct answer *a = create_under("{\"fault\":\"status\",\"status\":477,\"body\":{\"moving\":true}}");

	ck_assert_int_eq(a->status, 477);
	ck_assert_str_eq(rig_at(a, "/moving"), "true");
	contacts_are(0);
}
END_TEST

START_TEST(a_cut_body_is_shorter_than_announced)
{
	struct answer *a = create_under("{\"fault\":\"cut\"}");

	ck_assert_int_eq(a->status, 201);
	ck_assert_uint_gt(a->announced, a->body_len);
	ck_assert_uint_gt(a->body_len, 0);
	ck_assert(a->ended);
	contacts_are(1);
}
END_TEST

START_TEST(an_oversized_body_has_five_megabytes)
{
	struct answer *a;

	rig_fault(&rig, "{\"fault\":\"oversized\"}");
	a = rig_call(&rig, "POST", CONTACTS, HUBSPOT_AUTH, MARIA);
	ck_assert_uint_ge(a->body_len, 5u << 20);
	ck_assert_ptr_nonnull(a->json);
	contacts_are(1);
}
END_TEST

START_TEST(garbage_comes_as_html_cut_json_and_nothing)
{
	struct answer *a = create_under("{\"fault\":\"html\"}");

	ck_assert_ptr_nonnull(strstr(a->head, "text/html"));
	ck_assert_ptr_null(a->json);
	ck_assert_uint_gt(a->body_len, 0);
	rig_call(&rig, "DELETE", "/_records", "", NULL);
	a = create_under("{\"fault\":\"cut_json\"}");
	ck_assert_int_eq(a->body[0], '{');
	ck_assert_uint_eq(a->announced, a->body_len);
	ck_assert_ptr_null(a->json);
	rig_call(&rig, "DELETE", "/_records", "", NULL);
	a = create_under("{\"fault\":\"empty\"}");
	ck_assert_int_eq(a->status, 201);
	ck_assert_uint_eq(a->announced, 0);
	contacts_are(1);
}
END_TEST

START_TEST(a_time_out_before_creates_nothing_and_one_after_does)
{
	struct answer *a;

	rig_fault(&rig, "{\"fault\":\"timeout_before\"}");
	a = rig_call_within(&rig, 60, "POST", CONTACTS, HUBSPOT_AUTH, MARIA);

	ck_assert_int_eq(a->status, 0);
	ck_assert(!a->ended);
	contacts_are(0);
	rig_fault(&rig, "{\"fault\":\"timeout_after\"}");
	a = rig_call_within(&rig, 60, "POST", CONTACTS, HUBSPOT_AUTH, MARIA);
	ck_assert_int_eq(a->status, 0);
	ck_assert(!a->ended);
	contacts_are(1);
}
END_TEST

START_TEST(a_close_before_creates_nothing_and_one_after_does)
{
	struct answer *a = create_under("{\"fault\":\"close_before\"}");

	ck_assert_int_eq(a->status, 0);
	ck_assert(a->ended);
	contacts_are(0);
	a = create_under("{\"fault\":\"close_after\"}");
	ck_assert_int_eq(a->status, 0);
	ck_assert(a->ended);
	contacts_are(1);
}
END_TEST

START_TEST(latency_delays_one_connection_and_no_other)
{
	const char *ask = "GET /hubspot/account-info/2026-03/details HTTP/1.1\r\n" HUBSPOT_AUTH "\r\n";
	int64_t start = cs_mono_us();
	struct pollfd slow = { .fd = rig_connect(&rig), .events = POLLIN };

	rig_fault(&rig, "{\"fault\":\"latency\",\"latency_ms\":1000,\"match\":\"GET /account-info/*\"}");
	rig_send(slow.fd, ask, strlen(ask));
	ck_assert_int_eq(rig_call(&rig, "POST", CONTACTS, HUBSPOT_AUTH, MARIA)->status, 201);
	ck_assert_int_eq(poll(&slow, 1, 0), 0); /* still waiting */
	ck_assert_int_eq(rig_read(slow.fd, 10000)->status, 200);
	ck_assert_int_ge(cs_mono_us() - start, 999000);
	close(slow.fd);
}
END_TEST

START_TEST(a_client_that_leaves_during_the_wait_does_no_harm)
{
	rig_fault(&rig, "{\"fault\":\"latency\",\"latency_ms\":100,\"times\":5}");
	for (int i = 0; i < 5; i++)
		rig_call_within(&rig, 5, "GET", "/hubspot/account-info/2026-03/details", HUBSPOT_AUTH, NULL);
	usleep(150000);
	contacts_are(0);
}
END_TEST

START_TEST(a_fault_meets_only_what_it_matches)
{
	rig_fault(&rig, "{\"fault\":\"error\",\"crm\":\"webhook\",\"times\":-1}");
	rig_fault(&rig, "{\"fault\":\"error\",\"crm\":\"hubspot\",\"match\":\"POST /crm/objects/\xe2\x80\xa6/notes\",\"times\":-1}");
	rig_fault(&rig, "{\"fault\":\"error\",\"crm\":\"hubspot\",\"tenant\":\"other\",\"times\":-1}");
	ck_assert_int_eq(rig_call(&rig, "POST", CONTACTS, HUBSPOT_AUTH, MARIA)->status, 201);
	ck_assert_int_eq(rig_call(&rig, "POST", CONTACTS, "Authorization: Bearer sandbox-hubspot-other\r\n", MARIA)->status, 500);
	ck_assert_int_eq(rig_call(&rig, "POST", "/hubspot/crm/objects/2026-03/notes", HUBSPOT_AUTH, "{}")->status, 500);
	ck_assert_int_eq(rig_call(&rig, "POST", "/webhook/unsigned/a", "", "x")->status, 500);
	ck_assert_int_eq(rig_call(&rig, "DELETE", "/_faults", "", NULL)->status, 204);
	ck_assert_int_eq(rig_call(&rig, "POST", "/webhook/unsigned/a", "", "x")->status, 200);
}
END_TEST

START_TEST(a_fault_can_let_some_pass_and_counts_its_hits)
{
	rig_fault(&rig, "{\"fault\":\"error\",\"skip\":1,\"times\":1}");
	ck_assert_int_eq(rig_call(&rig, "POST", "/webhook/unsigned/a", "", "x")->status, 200);
	ck_assert_int_eq(rig_call(&rig, "POST", "/webhook/unsigned/a", "", "x")->status, 500);
	ck_assert_int_eq(rig_call(&rig, "POST", "/webhook/unsigned/a", "", "x")->status, 200);
	ck_assert_str_eq(rig_at(rig_call(&rig, "GET", "/_faults", "", NULL), "/faults/0/hits"), "1");
}
END_TEST

START_TEST(an_unknown_fault_is_refused_with_the_list)
{
	struct answer *a = rig_call(&rig, "POST", "/_faults", "", "{\"fault\":\"meteor\"}");

	ck_assert_int_eq(a->status, 400);
	ck_assert_ptr_nonnull(strstr(rig_at(a, "/hint"), "close_after"));
}
END_TEST

START_TEST(matches_know_wild_cards_and_segments)
{
	ck_assert(cs_sb_fault_matches("*", "GET", "/a", "", 0));
	ck_assert(cs_sb_fault_matches("POST /q clientCreate", "POST", "/q", "{clientCreate(", 14));
	ck_assert(cs_sb_fault_matches("* * two words", "POST", "/q", "two words", 9));
	ck_assert(!cs_sb_fault_matches("POST /q clientCreate", "POST", "/q", "{clients(", 9));
	ck_assert(!cs_sb_fault_matches("POST /q clientCreate", "POST", "/r", "{clientCreate(", 14));
	ck_assert(cs_sb_fault_matches("/a/*", "GET", "/a/b/c", "", 0));
	ck_assert(cs_sb_fault_matches("GET /a/{id}/c", "GET", "/a/b/c", "", 0));
	ck_assert(!cs_sb_fault_matches("GET /a/{id}/c", "GET", "/a/b/b/c", "", 0));
	ck_assert(!cs_sb_fault_matches("POST /a/*", "GET", "/a/b", "", 0));
	ck_assert(cs_sb_fault_matches("* /a/.../z", "PUT", "/a/b/c/z", "", 0));
	ck_assert(!cs_sb_fault_matches("/a", "GET", "/ab", "", 0));
	ck_assert(cs_sb_fault_matches("POST /x/{id}", "POST", "/x/1", "", 0));
	ck_assert(!cs_sb_fault_matches("POST /x/{id}", "POST", "/x/", "", 0));
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		a_429_may_say_when_to_come_back, a_401_comes_as_often_as_asked, an_error_creates_nothing,
		an_error_after_has_created, any_status_and_body_can_be_given, a_cut_body_is_shorter_than_announced,
		an_oversized_body_has_five_megabytes, garbage_comes_as_html_cut_json_and_nothing,
		a_time_out_before_creates_nothing_and_one_after_does,
		a_close_before_creates_nothing_and_one_after_does, latency_delays_one_connection_and_no_other,
		a_client_that_leaves_during_the_wait_does_no_harm, a_fault_meets_only_what_it_matches,
		a_fault_can_let_some_pass_and_counts_its_hits, an_unknown_fault_is_refused_with_the_list,
		matches_know_wild_cards_and_segments,
	};

	return rig_run("sandbox fault", setup, rig_teardown, tests, CS_ARRAY_LEN(tests));
}
