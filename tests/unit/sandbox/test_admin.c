/* SPDX-License-Identifier: Apache-2.0 */
/* The sandbox's own pages and calls, and what it keeps. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "rig.h"

static const char *const crms[] = { "webhook", "hubspot", NULL };

static void
setup(void)
{
	rig_start(&rig, crms, 3);
}

static struct answer *
hook(const char *id, const char *body)
{
	char h[128];

	snprintf(h, sizeof(h), "webhook-id: %s\r\n", id);
	return rig_call(&rig, "POST", "/webhook/unsigned/acme", h, body);
}

START_TEST(records_say_what_when_who_and_by_which_request)
{
	struct answer *a;

	hook("m1", "{\"a\":1}");
	a = rig_call(&rig, "GET", "/_records?crm=webhook&collection=received", "", NULL);
	ck_assert_str_eq(rig_at(a, "/webhook/received/records/0/created_at"), "2026-05-26T14:32:00Z");
	ck_assert_str_eq(rig_at(a, "/webhook/received/records/0/tenant"), "acme");
	ck_assert_str_eq(rig_at(a, "/webhook/received/records/0/request"), "1");
	ck_assert_str_eq(rig_at(a, "/webhook/received/records/0/doc/body"), "{\"a\":1}");
	ck_assert_int_eq(rig_call(&rig, "DELETE", "/_records", "", NULL)->status, 204);
	ck_assert_int_eq(rig_created(&rig, "webhook", "received"), 0);
	hook("m1", "{}");
	ck_assert_int_eq(rig_created(&rig, "webhook", "received"), 1);
}
END_TEST

START_TEST(beyond_the_limit_only_ids_and_counts_are_kept)
{
	char id[16];
	struct answer *a;

	for (int i = 0; i < 6; i++) {
		snprintf(id, sizeof(id), "m%d", i);
		hook(id, "x");
	}
	hook("m5", "x");
	a = rig_call(&rig, "GET", "/_records?crm=webhook", "", NULL);
	ck_assert_str_eq(rig_at(a, "/webhook/received/created"), "6");
	ck_assert_str_eq(rig_at(a, "/webhook/received/repeats"), "1");
	ck_assert_str_eq(rig_at(a, "/webhook/received/records/2/doc/body"), "x");
	ck_assert_str_eq(rig_at(a, "/webhook/received/records/3/id"), "m3");
	ck_assert_ptr_null(cs_json_pointer(a->json, "/webhook/received/records/3/doc"));
	ck_assert_str_eq(rig_at(a, "/webhook/received/records/5/repeats"), "1");
}
END_TEST

START_TEST(a_crm_that_forgets_still_answers_a_whole_push)
{
	const char *contact = "{\"properties\":{\"email\":\"m@example.com\"},\"associations\":[]}";
	char body[300], id[32], path[128];

	rig_stop(&rig);
	rig_start(&rig, crms, 0);
	snprintf(id, sizeof(id), "%s", rig_at(rig_call(&rig, "POST", "/hubspot/crm/objects/2026-03/contacts", HUBSPOT_AUTH, contact), "/id"));
	ck_assert_str_ne(id, "");
	snprintf(body, sizeof(body), "{\"properties\":{\"hs_timestamp\":\"1779805920000\"},\"associations\":[{\"to\":{\"id\":\"%s\"},\"types\":[{"
	         "\"associationCategory\":\"HUBSPOT_DEFINED\",\"associationTypeId\":202}]}]}", id);
	ck_assert_int_eq(rig_call(&rig, "POST", "/hubspot/crm/objects/2026-03/notes", HUBSPOT_AUTH, body)->status, 201);
	snprintf(path, sizeof(path), "/hubspot/crm/objects/2026-03/contacts/%s", id);
	ck_assert_str_eq(rig_at(rig_call(&rig, "GET", path, HUBSPOT_AUTH, NULL), "/id"), id);
	ck_assert_int_eq(rig_created(&rig, "hubspot", "contacts"), 1);
	ck_assert_int_eq(rig_created(&rig, "hubspot", "notes"), 1);
}
END_TEST

START_TEST(the_log_masks_credentials_and_keeps_the_rest)
{
	struct answer *a;

	rig_call(&rig, "GET", "/hubspot/crm/owners/2026-03?x=sandbox-hubspot-token", HUBSPOT_AUTH, NULL);
	rig_call(&rig, "GET", "/hubspot/crm/owners/2026-03", "Authorization: Bearer some-real-token-1234\r\nCookie: a=verysecretcookie\r\n", NULL);
	hook("m1", "{\"name\":\"Maria\",\"password\":\"hunter22\"}");
	a = rig_call(&rig, "GET", "/_requests", "", NULL);
	ck_assert_ptr_null(strstr(a->body, "sandbox-hubspot-token"));
	ck_assert_ptr_null(strstr(a->body, "some-real-token"));
	ck_assert_ptr_null(strstr(a->body, "verysecretcookie"));
	ck_assert_ptr_null(strstr(a->body, "hunter22"));
	ck_assert_str_eq(rig_at(a, "/requests/0/headers/authorization"), "Bearer sand***");
	ck_assert_str_eq(rig_at(a, "/requests/1/status"), "401");
	ck_assert_str_eq(rig_at(a, "/requests/2/body/name"), "Maria");
	ck_assert_str_eq(rig_at(a, "/requests/2/path"), "/webhook/unsigned/acme");
	ck_assert_str_eq(rig_at(a, "/counters/hubspot/requests"), "2");
	ck_assert_str_eq(rig_at(a, "/counters/hubspot/refused"), "1");
	a = rig_call(&rig, "GET", "/_requests?crm=hubspot&limit=1", "", NULL);
	ck_assert_str_eq(rig_at(a, "/requests/0/status"), "401");
	ck_assert_ptr_null(cs_json_pointer(a->json, "/requests/1"));
	ck_assert_int_eq(rig_call(&rig, "DELETE", "/_requests", "", NULL)->status, 204);
	ck_assert_ptr_null(cs_json_pointer(rig_call(&rig, "GET", "/_requests", "", NULL)->json, "/requests/0"));
}
END_TEST

START_TEST(the_page_escapes_what_strangers_sent)
{
	struct answer *a;

	hook("m1", "<script>alert(1)</script>");
	a = rig_call(&rig, "GET", "/", "", NULL);
	ck_assert_int_eq(a->status, 200);
	ck_assert_ptr_nonnull(strstr(a->head, "Content-Security-Policy: default-src 'none'"));
	ck_assert_ptr_nonnull(strstr(a->body, "&lt;script&gt;alert(1)"));
	ck_assert_ptr_null(strstr(a->body, "<script"));
	ck_assert_ptr_nonnull(strstr(a->body, "Webhook receiver"));
}
END_TEST

START_TEST(the_page_shows_the_newest_of_many_tenants)
{
	char path[64], h[64];
	struct answer *a;

	for (int i = 0; i < 30; i++) {
		snprintf(path, sizeof(path), "/webhook/unsigned/t%d", i % 7);
		snprintf(h, sizeof(h), "webhook-id: id-%d-\r\n", i);
		rig_call(&rig, "POST", path, h, "x");
	}
	a = rig_call(&rig, "GET", "/", "", NULL);
	ck_assert_ptr_nonnull(strstr(a->body, "id-29-"));
	ck_assert_ptr_nonnull(strstr(a->body, "id-10-"));
	ck_assert_ptr_null(strstr(a->body, "id-9-"));
	ck_assert(strstr(a->body, "id-29-") < strstr(a->body, "id-28-"));
}
END_TEST

START_TEST(other_hosts_and_other_pages_are_turned_away)
{
	const char *ask = "GET /_records HTTP/1.1\r\nHost: evil.example\r\n\r\n";
	int fd = rig_connect(&rig);

	rig_send(fd, ask, strlen(ask));
	ck_assert_int_eq(rig_read(fd, 20000)->status, 403);
	close(fd);
	ck_assert_int_eq(rig_call(&rig, "DELETE", "/_records", "Origin: http://evil.example\r\n", NULL)->status, 403);
	ck_assert_int_eq(rig_call(&rig, "POST", "/_clock", "Origin: null\r\n", "{\"advance_ms\":1}")->status, 403);
}
END_TEST

START_TEST(the_clock_goes_forward_only)
{
	struct answer *a = rig_call(&rig, "POST", "/_clock", "", "{\"advance_ms\":60000}");

	ck_assert_str_eq(rig_at(a, "/now"), "2026-05-26T14:33:00Z");
	ck_assert_int_eq(rig_call(&rig, "POST", "/_clock", "", "{\"advance_ms\":-5}")->status, 400);
	ck_assert_int_eq(rig_call(&rig, "POST", "/_clock", "", "{}")->status, 400);
	ck_assert_int_eq(rig_call(&rig, "POST", "/_clock", "", "nonsense")->status, 400);
	ck_assert_str_eq(rig_at(rig_call(&rig, "GET", "/_clock", "", NULL), "/advance_ms"), "60000");
}
END_TEST

START_TEST(health_is_told_and_unknown_calls_are_not_found)
{
	ck_assert_str_eq(rig_at(rig_call(&rig, "GET", "/_health", "", NULL), "/status"), "ok");
	ck_assert_int_eq(rig_call(&rig, "GET", "/_nothing", "", NULL)->status, 404);
	ck_assert_int_eq(rig_call(&rig, "GET", "/salesforce/x", "", NULL)->status, 404);
	ck_assert_int_eq(rig_call(&rig, "PUT", "/_records", "", "{}")->status, 404);
}
END_TEST

START_TEST(the_log_keeps_the_last_ten_thousand)
{
	const char *ask = "POST /webhook/unsigned/a HTTP/1.1\r\nwebhook-id: same\r\nContent-Length: 1\r\n\r\nx";
	char burst[100 * 128];
	struct answer *a;
	int fd = rig_connect(&rig);
	size_t n = 0;

	for (int i = 0; i < 100; i++)
		n += (size_t)snprintf(burst + n, sizeof(burst) - n, "%s", ask);
	for (int i = 0; i < 101; i++) {
		rig_send(fd, burst, n);
		for (int k = 0; k < 100; k++)
			ck_assert_int_eq(rig_read(fd, 20000)->status, 200);
	}
	close(fd);
	a = rig_call(&rig, "GET", "/_requests?crm=webhook", "", NULL);
	ck_assert_uint_eq(json_object_array_length(cs_json_pointer(a->json, "/requests")), 10000);
	ck_assert_str_eq(rig_at(a, "/requests/0/id"), "101");
	ck_assert_str_eq(rig_at(a, "/counters/webhook/requests"), "10100");
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		records_say_what_when_who_and_by_which_request, beyond_the_limit_only_ids_and_counts_are_kept,
		a_crm_that_forgets_still_answers_a_whole_push, the_log_masks_credentials_and_keeps_the_rest,
		the_page_escapes_what_strangers_sent, the_page_shows_the_newest_of_many_tenants,
		other_hosts_and_other_pages_are_turned_away, the_clock_goes_forward_only,
		health_is_told_and_unknown_calls_are_not_found, the_log_keeps_the_last_ten_thousand,
	};

	return rig_run("sandbox admin", setup, rig_teardown, tests, CS_ARRAY_LEN(tests));
}
