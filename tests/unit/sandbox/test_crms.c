/* SPDX-License-Identifier: Apache-2.0 */
/* The shipped data files: HubSpot, Housecall Pro and the webhook receiver behave as their fact sheets say. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "rig.h"

#define CONTACTS "/hubspot/crm/objects/2026-03/contacts"
#define MARIA "{\"properties\":{\"firstname\":\"Maria\",\"phone\":\"+13055550182\",\"email\":\"maria@example.com\"},\"associations\":[]}"
#define BY_PHONE                                                                                                     \
	"{\"filterGroups\":[{\"filters\":[{\"propertyName\":\"hs_searchable_calculated_phone_number\",\"operator\":\"EQ\","  \
	"\"value\":\"3055550182\"}]},{\"filters\":[{\"propertyName\":\"email\",\"operator\":\"EQ\",\"value\":\"x@example.com\"}]}]," \
	"\"properties\":[\"email\",\"phone\"],\"sorts\":[],\"limit\":10,\"after\":\"0\"}"

static void
setup(void)
{
	static const char *const crms[] = { "hubspot", "housecall_pro", "webhook", NULL };

	rig_start(&rig, crms, 1000);
}

static struct answer *
hubspot(const char *method, const char *path, const char *body)
{
	return rig_call(&rig, method, path, HUBSPOT_AUTH, body);
}

static struct answer *
hcp(const char *method, const char *path, const char *body)
{
	return rig_call(&rig, method, path, HCP_AUTH, body);
}

/* ---- HubSpot */

START_TEST(hubspot_refuses_wrong_and_missing_tokens)
{
	static const char *const wrong[] = { "", "Authorization: Bearer nope\r\n", "Authorization: Token sandbox-hubspot-token\r\n",
		                             "Authorization: sandbox-hubspot-token\r\n", "Authorization: Bearer sandbox-hubspot-\r\n" };

	for (size_t i = 0; i < CS_ARRAY_LEN(wrong); i++) {
		struct answer *a = rig_call(&rig, "POST", CONTACTS, wrong[i], MARIA);

		ck_assert_int_eq(a->status, 401);
		ck_assert_str_eq(rig_at(a, "/category"), "INVALID_AUTHENTICATION");
	}
	ck_assert_int_eq(rig_created(&rig, "hubspot", "contacts"), 0);
}
END_TEST

START_TEST(hubspot_search_lags_and_direct_reads_do_not)
{
	struct answer *a = hubspot("POST", CONTACTS, MARIA);
	char id[32], path[128];

	ck_assert_int_eq(a->status, 201);
	snprintf(id, sizeof(id), "%s", rig_at(a, "/id"));
	ck_assert_str_eq(rig_at(a, "/properties/hs_searchable_calculated_phone_number"), "3055550182");
	ck_assert_str_eq(rig_at(hubspot("POST", CONTACTS "/search", BY_PHONE), "/total"), "0");
	snprintf(path, sizeof(path), CONTACTS "/%s", id);
	ck_assert_int_eq(hubspot("GET", path, NULL)->status, 200);
	a = hubspot("GET", CONTACTS "/MARIA%40example.com?idProperty=email&properties=phone,city", NULL);
	ck_assert_str_eq(rig_at(a, "/id"), id);
	ck_assert_str_eq(rig_at(a, "/properties/phone"), "+13055550182");
	ck_assert(json_object_object_get_ex(cs_json_pointer(a->json, "/properties"), "city", NULL));
	ck_assert_str_eq(rig_at(a, "/properties/firstname"), "");
	ck_assert_int_eq(hubspot("GET", CONTACTS "/nobody@example.com?idProperty=email", NULL)->status, 404);
	rig_advance(&rig, 29999);
	ck_assert_str_eq(rig_at(hubspot("POST", CONTACTS "/search", BY_PHONE), "/total"), "0");
	ck_assert_int_eq(rig_call(&rig, "POST", "/_clock", "", "{\"advance_ms\":1}")->status, 200);
	a = hubspot("POST", CONTACTS "/search", BY_PHONE);
	ck_assert_str_eq(rig_at(a, "/total"), "1");
	ck_assert_str_eq(rig_at(a, "/results/0/id"), id);
}
END_TEST

START_TEST(hubspot_search_shows_the_old_value_until_the_index_has_caught_up)
{
	char path[128];

	snprintf(path, sizeof(path), CONTACTS "/%s", rig_at(hubspot("POST", CONTACTS, MARIA), "/id"));
	rig_advance(&rig, 60000);
	ck_assert_int_eq(hubspot("PATCH", path, "{\"properties\":{\"phone\":\"+13055559999\"}}")->status, 200);
	ck_assert_str_eq(rig_at(hubspot("POST", CONTACTS "/search", BY_PHONE), "/results/0/properties/phone"), "+13055550182");
	rig_advance(&rig, 30000);
	ck_assert_str_eq(rig_at(hubspot("POST", CONTACTS "/search", BY_PHONE), "/total"), "0");
}
END_TEST

START_TEST(hubspot_names_the_contact_that_has_the_email)
{
	char want[80];
	struct answer *a;

	snprintf(want, sizeof(want), "Contact already exists. Existing ID: %s", rig_at(hubspot("POST", CONTACTS, MARIA), "/id"));
	a = hubspot("POST", CONTACTS, "{\"properties\":{\"email\":\"Maria@Example.com\"},\"associations\":[]}");
	ck_assert_int_eq(a->status, 409);
	ck_assert_str_eq(rig_at(a, "/message"), want);
	ck_assert_str_eq(rig_at(a, "/category"), "CONFLICT");
	ck_assert_int_eq(rig_created(&rig, "hubspot", "contacts"), 1);
}
END_TEST

START_TEST(hubspot_refuses_what_the_vendor_refuses)
{
	static const char *const bad[] = {
		"{\"properties\":{\"email\":\"a@example.com\"}}",
		"{\"properties\":{\"phone\":\"1\"},\"associations\":[]}",
		"{\"properties\":{\"email\":\"a@example.com\",\"no_such\":\"x\"},\"associations\":[]}",
		"{\"properties\":{\"email\":\"not an address\"},\"associations\":[]}",
		"{\"properties\":{\"email\":\"a@example.com\",\"hs_lead_status\":\"HOT\"},\"associations\":[]}",
		"{\"properties\":{\"email\":\"a@example.com\",\"phone\":12},\"associations\":[]}",
		"{\"properties\":{\"email\":\"a@example.com\"},\"associations\":[],\"extra\":1}",
		"{\"properties\":{\"email\":\"a@example.com\",\"hs_object_id\":\"1\"},\"associations\":[]}",
		"{\"properties\":",
		"",
	};

	for (size_t i = 0; i < CS_ARRAY_LEN(bad); i++) {
		struct answer *a = hubspot("POST", CONTACTS, bad[i]);

		ck_assert_msg(a->status == 400, "case %zu: %d", i, a->status);
		ck_assert_str_eq(rig_at(a, "/category"), "VALIDATION_ERROR");
	}
	ck_assert_int_eq(rig_created(&rig, "hubspot", "contacts"), 0);
}
END_TEST

START_TEST(hubspot_limits_search_to_five_a_second_and_the_rest_to_110_in_ten)
{
	struct answer *a;

	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(hubspot("POST", CONTACTS "/search", BY_PHONE)->status, 200);
	a = hubspot("POST", CONTACTS "/search", BY_PHONE);
	ck_assert_int_eq(a->status, 429);
	ck_assert_str_eq(rig_at(a, "/policyName"), "SECONDLY");
	rig_advance(&rig, 1000);
	ck_assert_int_eq(hubspot("POST", CONTACTS "/search", BY_PHONE)->status, 200);
	for (int i = 0; i < 110; i++)
		ck_assert_int_eq(hubspot("GET", "/hubspot/account-info/2026-03/details", NULL)->status, 200);
	a = hubspot("GET", "/hubspot/account-info/2026-03/details", NULL);
	ck_assert_int_eq(a->status, 429);
	ck_assert_str_eq(rig_at(a, "/policyName"), "TEN_SECONDLY_ROLLING");
	ck_assert_ptr_nonnull(strstr(a->head, "X-HubSpot-RateLimit-Remaining: 0\r\n"));
	ck_assert_int_eq(rig_call(&rig, "GET", "/hubspot/account-info/2026-03/details",
	                          "Authorization: Bearer sandbox-hubspot-other\r\n", NULL)->status, 200);
	rig_advance(&rig, 10000);
	ck_assert_int_eq(hubspot("GET", "/hubspot/account-info/2026-03/details", NULL)->status, 200);
}
END_TEST

START_TEST(hubspot_notes_belong_to_contacts)
{
	char body[400], path[160], contact[32], note[32];
	struct answer *a;

	snprintf(contact, sizeof(contact), "%s", rig_at(hubspot("POST", CONTACTS, MARIA), "/id"));
	snprintf(body, sizeof(body),
	         "{\"properties\":{\"hs_timestamp\":\"2026-05-26T14:32:00.000Z\",\"hs_note_body\":\"x\"},\"associations\":[{\"to\":{\"id\":"
	         "\"%s\"},\"types\":[{\"associationCategory\":\"HUBSPOT_DEFINED\",\"associationTypeId\":202}]}]}", contact);
	a = hubspot("POST", "/hubspot/crm/objects/2026-03/notes", body);
	ck_assert_int_eq(a->status, 201);
	snprintf(note, sizeof(note), "%s", rig_at(a, "/id"));
	snprintf(path, sizeof(path), "/hubspot/crm/v4/objects/contacts/%s/associations/notes?limit=500", contact);
	a = hubspot("GET", path, NULL);
	ck_assert_str_eq(rig_at(a, "/results/0/toObjectId"), note);
	snprintf(path, sizeof(path), "/hubspot/crm/objects/2026-03/notes/%s?properties=hs_note_body", note);
	ck_assert_str_eq(rig_at(hubspot("GET", path, NULL), "/properties/hs_note_body"), "x");
	a = hubspot("POST", "/hubspot/crm/objects/2026-03/notes",
	            "{\"properties\":{\"hs_timestamp\":\"1779805920000\"},\"associations\":[{\"to\":{\"id\":\"1\"},\"types\":[{"
	            "\"associationCategory\":\"HUBSPOT_DEFINED\",\"associationTypeId\":202}]}]}");
	ck_assert_int_eq(a->status, 400);
	ck_assert_int_eq(hubspot("POST", "/hubspot/crm/objects/2026-03/notes", "{\"properties\":{\"hs_note_body\":\"x\"}}")->status, 400);
	ck_assert_int_eq(rig_created(&rig, "hubspot", "notes"), 1);
}
END_TEST

START_TEST(hubspot_finds_by_a_custom_unique_property)
{
	const char *with = "{\"properties\":{\"firstname\":\"M\",\"callsetter_event_id\":\"e1\"},\"associations\":[]}";
	struct answer *a;

	ck_assert_int_eq(hubspot("POST", CONTACTS, with)->status, 400);
	ck_assert_int_eq(hubspot("GET", CONTACTS "/e1?idProperty=callsetter_event_id", NULL)->status, 400);
	a = hubspot("POST", "/hubspot/crm/properties/2026-03/contacts",
	            "{\"groupName\":\"contactinformation\",\"name\":\"callsetter_event_id\",\"label\":\"CallSetter event\",\"type\":\"string\","
	            "\"fieldType\":\"text\",\"hasUniqueValue\":true}");
	ck_assert_int_eq(a->status, 201);
	ck_assert_int_eq(hubspot("GET", CONTACTS "/e1?idProperty=callsetter_event_id", NULL)->status, 404);
	ck_assert_int_eq(hubspot("POST", CONTACTS, with)->status, 201);
	ck_assert_int_eq(hubspot("GET", CONTACTS "/e1?idProperty=callsetter_event_id", NULL)->status, 200);
	ck_assert_int_eq(hubspot("POST", CONTACTS, with)->status, 400);
	ck_assert_int_eq(hubspot("GET", CONTACTS "/M?idProperty=firstname", NULL)->status, 400);
}
END_TEST

START_TEST(hubspot_lists_owners_properties_and_pipelines)
{
	ck_assert_str_eq(rig_at(hubspot("GET", "/hubspot/crm/owners/2026-03?limit=100", NULL), "/results/0/firstName"), "Pat");
	ck_assert_str_eq(rig_at(hubspot("GET", "/hubspot/crm/properties/2026-03/contacts/hs_lead_status", NULL), "/options/0/value"),
	                 "NEW");
	ck_assert_str_eq(rig_at(hubspot("GET", "/hubspot/crm/pipelines/2026-03/deals", NULL), "/results/0/stages/2/id"), "closedwon");
	ck_assert_int_eq(hubspot("GET", "/hubspot/crm/no/such/path", NULL)->status, 404);
}
END_TEST

START_TEST(a_token_pattern_separates_the_data_of_many_accounts)
{
	const char *a = "Authorization: Bearer sandbox-hubspot-a\r\n", *b = "Authorization: Bearer sandbox-hubspot-b\r\n";
	char path[128], portal[32];

	snprintf(path, sizeof(path), CONTACTS "/%s", rig_at(rig_call(&rig, "POST", CONTACTS, a, MARIA), "/id"));
	ck_assert_int_eq(rig_call(&rig, "GET", path, a, NULL)->status, 200);
	ck_assert_int_eq(rig_call(&rig, "GET", path, b, NULL)->status, 404);
	ck_assert_int_eq(rig_call(&rig, "POST", CONTACTS, b, MARIA)->status, 201);
	snprintf(portal, sizeof(portal), "%s", rig_at(rig_call(&rig, "GET", "/hubspot/account-info/2026-03/details", a, NULL), "/portalId"));
	ck_assert_str_ne(portal, rig_at(rig_call(&rig, "GET", "/hubspot/account-info/2026-03/details", b, NULL), "/portalId"));
	ck_assert_str_eq(rig_at(rig_call(&rig, "GET", "/_records?crm=hubspot&tenant=a", "", NULL), "/hubspot/contacts/created"), "1");
}
END_TEST

/* ---- Housecall Pro */

#define LEAD                                                                                                         \
	"{\"customer\":{\"first_name\":\"Maria\",\"last_name\":\"Gonzalez\",\"mobile_number\":\"+13055550182\",\"addresses\":[{\"street\":" \
	"\"1420 NW 7th Ave\",\"city\":\"Miami\",\"state\":\"FL\",\"zip\":\"33136\"}]},\"lead_source\":\"CallSetter AI\",\"tags\":[\"callsetter:1\"]," \
	"\"note\":\"n\"}"

static void
make_source(void)
{
	ck_assert_int_eq(hcp("POST", "/housecall_pro/lead_sources", "{\"name\":\"CallSetter AI\"}")->status, 201);
}

START_TEST(hcp_wants_the_lead_source_to_exist)
{
	ck_assert_int_eq(hcp("POST", "/housecall_pro/leads", LEAD)->status, 400);
	ck_assert_int_eq(rig_created(&rig, "housecall_pro", "customers"), 0);
	make_source();
	ck_assert_str_eq(rig_at(hcp("GET", "/housecall_pro/lead_sources?q=CallSetter", NULL), "/lead_sources/0/editable"), "true");
	ck_assert_int_eq(hcp("POST", "/housecall_pro/leads", LEAD)->status, 201);
}
END_TEST

START_TEST(hcp_makes_a_customer_with_the_lead)
{
	char customer[64], address[64], path[160], body[300];
	struct answer *a;

	make_source();
	a = hcp("POST", "/housecall_pro/leads", LEAD);
	ck_assert_int_eq(strncmp(rig_at(a, "/id"), "lea_", 4), 0);
	ck_assert_uint_eq(strlen(rig_at(a, "/id")), 36);
	ck_assert_str_eq(rig_at(a, "/customer/mobile_number"), "3055550182");
	ck_assert_str_eq(rig_at(a, "/address/city"), "Miami");
	ck_assert_str_eq(rig_at(a, "/note"), "");
	snprintf(customer, sizeof(customer), "%s", rig_at(a, "/customer/id"));
	snprintf(address, sizeof(address), "%s", rig_at(a, "/address/id"));
	a = hcp("GET", "/housecall_pro/customers?q=3055550182&page=1&page_size=50&sort_by=created_at&sort_direction=desc", NULL);
	ck_assert_str_eq(rig_at(a, "/customers/0/id"), customer);
	ck_assert_str_eq(rig_at(a, "/total_items"), "1");
	ck_assert_str_eq(rig_at(hcp("GET", "/housecall_pro/customers?q=maria+gonz", NULL), "/total_items"), "1");
	ck_assert_str_eq(rig_at(hcp("GET", "/housecall_pro/customers?q=3055550183", NULL), "/total_items"), "0");
	snprintf(body, sizeof(body), "{\"customer_id\":\"%s\",\"address_id\":\"%s\",\"tags\":[\"callsetter:2\"]}", customer, address);
	rig_advance(&rig, 1000);
	ck_assert_int_eq(hcp("POST", "/housecall_pro/leads", body)->status, 201);
	snprintf(path, sizeof(path), "/housecall_pro/leads?customer_id=%s&status=open&sort_by=created_at&sort_direction=desc&page_size=1", customer);
	a = hcp("GET", path, NULL);
	ck_assert_str_eq(rig_at(a, "/leads/0/tags/0"), "callsetter:2");
	ck_assert_str_eq(rig_at(a, "/total_pages"), "2");
	strcat(path, "&page=2");
	ck_assert_str_eq(rig_at(hcp("GET", path, NULL), "/leads/0/tags/0"), "callsetter:1");
	ck_assert_int_eq(rig_created(&rig, "housecall_pro", "customers"), 1);
	ck_assert_int_eq(rig_created(&rig, "housecall_pro", "leads"), 2);
}
END_TEST

START_TEST(hcp_refuses_what_the_vendor_refuses)
{
	static const char *const bad[] = {
		"{}",
		"{\"customer\":{}}",
		"{\"customer\":{\"first_name\":\"M\",\"address\":{}}}",
		"{\"customer\":{\"first_name\":\"M\"},\"name\":\"x\"}",
		"{\"customer\":{\"first_name\":\"M\"},\"phone_number\":\"x\"}",
		"{\"customer\":{\"first_name\":7}}",
		"{\"customer\":{\"first_name\":\"M\"},\"tags\":\"x\"}",
	};

	for (size_t i = 0; i < CS_ARRAY_LEN(bad); i++)
		ck_assert_msg(hcp("POST", "/housecall_pro/leads", bad[i])->status == 400, "case %zu", i);
	ck_assert_int_eq(hcp("POST", "/housecall_pro/leads", "{\"customer_id\":\"cus_none\"}")->status, 404);
	ck_assert_int_eq(rig_call(&rig, "GET", "/housecall_pro/company", "Authorization: Bearer sandbox-hcp-key\r\n", NULL)->status, 401);
	ck_assert_str_eq(rig_at(hcp("GET", "/housecall_pro/company", NULL), "/time_zone"), "America/New_York");
	ck_assert_int_eq(rig_created(&rig, "housecall_pro", "leads"), 0);
	ck_assert_int_eq(rig_created(&rig, "housecall_pro", "customers"), 0);
}
END_TEST

START_TEST(hcp_converts_a_lead_to_a_job)
{
	char path[128];

	make_source();
	snprintf(path, sizeof(path), "/housecall_pro/leads/%s/convert", rig_at(hcp("POST", "/housecall_pro/leads", LEAD), "/id"));
	ck_assert_int_eq(strncmp(rig_at(hcp("POST", path, "{\"type\":\"job\"}"), "/job_id"), "job_", 4), 0);
	*strrchr(path, '/') = '\0';
	ck_assert_str_eq(rig_at(hcp("GET", path, NULL), "/status"), "won");
	ck_assert_str_eq(rig_at(hcp("GET", path, NULL), "/conversions/0/type"), "Job");
}
END_TEST

/* ---- webhook receiver */

START_TEST(a_signed_webhook_is_kept_once_and_counted_again)
{
	/* openssl: HMAC-SHA256 with the shipped secret over "msg_1.1779805920.{}" */
	const char *h = "webhook-id: msg_1\r\nwebhook-timestamp: 1779805920\r\nwebhook-signature: v2,x v1,"
	                "/p/bdKEZU+ZYM7M8SlPWMn2SfCgDoSbyUCZfINj0sS0=\r\n";
	struct answer *a;

	ck_assert_int_eq(rig_call(&rig, "POST", "/webhook/acme", h, "{}")->status, 200);
	ck_assert_int_eq(rig_call(&rig, "POST", "/webhook/acme", h, "{}")->status, 200);
	ck_assert_int_eq(rig_call(&rig, "POST", "/webhook/acme", h, "{} ")->status, 401);
	a = rig_call(&rig, "GET", "/_records?crm=webhook", "", NULL);
	ck_assert_str_eq(rig_at(a, "/webhook/received/created"), "1");
	ck_assert_str_eq(rig_at(a, "/webhook/received/repeats"), "1");
	ck_assert_str_eq(rig_at(a, "/webhook/received/records/0/id"), "msg_1");
	ck_assert_str_eq(rig_at(a, "/webhook/received/records/0/tenant"), "acme");
	ck_assert_str_eq(rig_at(a, "/webhook/received/records/0/doc/webhook-timestamp"), "1779805920");
	rig_advance(&rig, 301000);
	ck_assert_int_eq(rig_call(&rig, "POST", "/webhook/acme", h, "{}")->status, 401);
}
END_TEST

START_TEST(a_webhook_with_half_its_headers_is_refused)
{
	static const char *const bad[] = {
		"",
		"webhook-id: msg_1\r\nwebhook-timestamp: 1779805920\r\n",
		"webhook-id: msg_1\r\nwebhook-timestamp: 1779805920\r\nwebhook-signature: v1,\r\n",
		"webhook-id: msg_1\r\nwebhook-timestamp: 1779805920\r\nwebhook-signature: v1,/p/bdKEZ\r\n",
		"webhook-id: msg_1\r\nwebhook-timestamp: 1779805920\r\nwebhook-signature: v2,/p/bdKEZU+ZYM7M8SlPWMn2SfCgDoSbyUCZfINj0sS0=\r\n",
	};

	for (size_t i = 0; i < CS_ARRAY_LEN(bad); i++)
		ck_assert_msg(rig_call(&rig, "POST", "/webhook/acme", bad[i], "{}")->status == 401, "case %zu", i);
	ck_assert_int_eq(rig_created(&rig, "webhook", "received"), 0);
	ck_assert_int_eq(rig_call(&rig, "POST", "/webhook/unsigned/zapier", "", "{}")->status, 200);
	ck_assert_int_eq(rig_call(&rig, "POST", "/webhook/gone/zapier", "", "{}")->status, 410);
	ck_assert_int_eq(rig_created(&rig, "webhook", "received"), 1);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		hubspot_refuses_wrong_and_missing_tokens, hubspot_search_lags_and_direct_reads_do_not,
		hubspot_search_shows_the_old_value_until_the_index_has_caught_up,
		hubspot_names_the_contact_that_has_the_email, hubspot_refuses_what_the_vendor_refuses,
		hubspot_limits_search_to_five_a_second_and_the_rest_to_110_in_ten, hubspot_notes_belong_to_contacts,
		hubspot_finds_by_a_custom_unique_property, hubspot_lists_owners_properties_and_pipelines,
		a_token_pattern_separates_the_data_of_many_accounts, hcp_wants_the_lead_source_to_exist,
		hcp_makes_a_customer_with_the_lead, hcp_refuses_what_the_vendor_refuses,
		hcp_converts_a_lead_to_a_job, a_signed_webhook_is_kept_once_and_counted_again,
		a_webhook_with_half_its_headers_is_refused,
	};

	return rig_run("sandbox crms", setup, rig_teardown, tests, CS_ARRAY_LEN(tests));
}
