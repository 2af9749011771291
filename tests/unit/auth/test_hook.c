/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_hook.c - the verify rows of the CRMs, as their manifests will have them, with each vendor's or a constructed example.
 *
 * Every example is then spoilt: another body, another secret, no header, the header twice, an old timestamp.
 */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "auth/signature.h"
#include "util/clock.h"

struct example {
	const char *name;
	struct cs_verify_row row;
	const char *secret;
	const char *method, *url;
	struct cs_header headers[2];
	const char *body;
	int64_t now_ms;
	bool covers_body;
};

static const char *body_only[] = { "body" };
static const char *secret_body[] = { "secret", "body" };
static const char *secret_method_url_body[] = { "secret", "method", "url", "body" };
static const char *method_url_body_timestamp[] = { "method", "url", "body", "timestamp" };
static const char *timestamp_body[] = { "timestamp", "body" };

#define HUBSPOT_SECRET "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
#define MONDAY_JWT                                                                                                       \
	"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."                                                                          \
	"eyJhY2NvdW50SWQiOjE4MjU1MjksInVzZXJJZCI6NDAxMjY4OSwiYXVkIjoiaHR0cHM6Ly9ob29rcy5leGFtcGxlLmNvbS9tb25kYXkiLCJleHAi" \
	"OjE3Nzk4MDYyMjAsImlhdCI6MTc3OTgwNTkyMH0._eBT-wQzgol-rB6ScMxrX_Imy_eDU868NXlorfoVw3I"
#define GHL_KEY "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define JOBBER_BODY                                                                                                      \
	"{\"data\":{\"webHookEvent\":{\"topic\":\"JOB_CLOSED\",\"appId\":\"11111111-2222-3333-4444-555555555555\","      \
	"\"accountId\":\"MQ==\",\"itemId\":\"Z2lkOi8vSm9iYmVyL0pvYi8xMjM=\",\"occurredAt\":\"2026-05-28T16:30:00Z\"}}}"
#define SIGNED(parts) .signed_parts = parts, .n_signed = CS_ARRAY_LEN(parts)
#define HEX .encoding = CS_ENCODING_HEX
#define BASE64 .encoding = CS_ENCODING_BASE64

static const struct example examples[] = {
	{ .name = "hubspot v1",
	  .row = { .kind = CS_VERIFY_SHA256_PREFIX, .secret = "client_secret", .header = "X-HubSpot-Signature", HEX,
	           SIGNED(secret_body) },
	  .secret = HUBSPOT_SECRET, .method = "POST", .url = "https://hooks.example.com/hooks/hubspot", .covers_body = true,
	  .headers = { { "x-hubspot-signature", "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de" } },
	  .body = "[{\"eventId\":1,\"subscriptionId\":12345,\"portalId\":62515,\"occurredAt\":1564113600000,"
	          "\"subscriptionType\":\"contact.creation\",\"attemptNumber\":0,\"objectId\":123,\"changeSource\":\"CRM\","
	          "\"changeFlag\":\"NEW\",\"appId\":54321}]" },
	{ .name = "hubspot v2",
	  .row = { .kind = CS_VERIFY_SHA256_PREFIX, .secret = "client_secret", .header = "X-HubSpot-Signature", HEX,
	           SIGNED(secret_method_url_body) },
	  .secret = HUBSPOT_SECRET, .method = "GET", .url = "https://www.example.com/webhook_uri", .covers_body = true,
	  .headers = { { "X-HubSpot-Signature", "eee2dddcc73c94d699f5e395f4b9d454a069a6855fbfa152e91e88823087200e" } },
	  .body = "" },
	{ .name = "hubspot v3",
	  .row = { .kind = CS_VERIFY_HMAC_SHA256, .secret = "client_secret", .header = "X-HubSpot-Signature-v3", BASE64,
	           SIGNED(method_url_body_timestamp), .timestamp_header = "X-HubSpot-Request-Timestamp",
	           .timestamp_unit_ms = 1, .tolerance_ms = 300000 },
	  .secret = HUBSPOT_SECRET, .method = "POST", .url = "https://hooks.example.com/hooks/hubspot", .covers_body = true,
	  .headers = { { "X-HubSpot-Signature-v3", "2agu2WP+3JZ5dqoa6e5ZgLssuQeYIZN76VmM9EcSuN8=" },
	               { "X-HubSpot-Request-Timestamp", "1779805920000" } },
	  .body = "[{\"eventId\":100,\"subscriptionId\":25,\"portalId\":62515,\"appId\":1160452,\"occurredAt\":1779805919000,"
	          "\"subscriptionType\":\"contact.propertyChange\",\"attemptNumber\":0,\"objectId\":123,\"propertyName\":"
	          "\"lifecyclestage\",\"propertyValue\":\"customer\",\"changeSource\":\"CRM\"}]",
	  .now_ms = 1779805920000 },
	{ .name = "housecall pro",
	  .row = { .kind = CS_VERIFY_HMAC_SHA256, .secret = "webhook_secret", .header = "Api-Signature", HEX,
	           SIGNED(timestamp_body), .separator = ".", .timestamp_header = "Api-Timestamp", .timestamp_unit_ms = 1000,
	           .tolerance_ms = 300000 },
	  .secret = "hcp_example_secret", .method = "POST", .url = "https://hooks.example.com/h", .covers_body = true,
	  .headers = { { "Api-Signature", "abe1521f0b3ec31280cf7072f1c4295a241917caf2e95f3293e3c66e31ec69bd" },
	               { "Api-Timestamp", "1779894245" } },
	  .body = "{\"event\":\"lead.converted\",\"event_occurred_at\":\"2026-05-27T15:04:05Z\",\"company_id\":"
	          "\"00000000-0000-4000-8000-000000000001\",\"lead\":{\"id\":\"lea_00000000000000000000000000000001\","
	          "\"status\":\"won\",\"conversions\":[{\"id\":\"job_00000000000000000000000000000001\",\"type\":\"Job\"}]}}",
	  .now_ms = 1779894245000 },
	{ .name = "jobber",
	  .row = { .kind = CS_VERIFY_HMAC_SHA256, .secret = "client_secret", .header = "X-Jobber-Hmac-SHA256", BASE64,
	           SIGNED(body_only) },
	  .secret = "jobber_client_secret_example", .method = "POST", .url = "https://hooks.example.com/h", .covers_body = true,
	  .headers = { { "X-Jobber-Hmac-SHA256", "KItXsqhC5rBtI9bAaTZI10UJmvtVCnSBcSMBoMXZax8=" } }, .body = JOBBER_BODY },
	{ .name = "servicetitan, hex",
	  .row = { .kind = CS_VERIFY_HMAC_SHA256, .secret = "webhook_key", .header = "x-servicetitan-signature", HEX },
	  .secret = "0123456789abcdef0123456789abcdef", .method = "POST", .url = "https://h", .covers_body = true,
	  .headers = { { "X-ServiceTitan-Signature", "023fdfc0d8174e5df2858bd1cd6b0dad022ec3250f4457a87cb5e4bdc7d3dc66" } },
	  .body = "{\"eventType\":\"job.completed\",\"tenantId\":1122334455,\"jobId\":70001}" },
	{ .name = "servicetitan, base64",
	  .row = { .kind = CS_VERIFY_HMAC_SHA256, .secret = "webhook_key", .header = "x-servicetitan-signature", BASE64 },
	  .secret = "0123456789abcdef0123456789abcdef", .method = "POST", .url = "https://h", .covers_body = true,
	  .headers = { { "X-ServiceTitan-Signature", "Aj/fwNgXTl3yhYvRzWsNrQIuwyUPRFeofLXkvcfT3GY=" } },
	  .body = "{\"eventType\":\"job.completed\",\"tenantId\":1122334455,\"jobId\":70001}" },
	{ .name = "gohighlevel",
	  .row = { .kind = CS_VERIFY_ED25519, .secret = "public_key", .header = "X-GHL-Signature", BASE64, SIGNED(body_only) },
	  .secret = GHL_KEY, .method = "POST", .url = "https://hooks.example.com/h", .covers_body = true,
	  .headers = { { "X-GHL-Signature",
	                 "iNHdnjUChC8UONIkkVkw9VsQvus4FmwovPUw4RakyVONoXLkIapDyHk23LJPuNbTngNjm0rbs1mN2BaeY0NJDg==" } },
	  .body = "{\"type\":\"OpportunityStatusUpdate\",\"locationId\":\"ve9EPM428h8vShlRW1KT\",\"id\":\"wWhVuzqpRuOA1ZVWi4FC\","
	          "\"contactId\":\"seD4PfOuKoVMLkEZqohJ\",\"status\":\"won\",\"monetaryValue\":450,\"pipelineId\":"
	          "\"VDm7RPYC2GLUvdpKmBfC\",\"pipelineStageId\":\"e93ba61a-53b3-45e7-985a-c7732dbcdb69\",\"name\":"
	          "\"HVAC - Maria Gonzalez\",\"dateAdded\":\"2026-05-26T14:32:05.000Z\",\"timestamp\":"
	          "\"2026-05-28T09:00:00.000Z\",\"webhookId\":\"3f0b3c0e-6f2b-4a9d-9a6e-0d7d6c1f7a11\"}" },
	{ .name = "monday",
	  .row = { .kind = CS_VERIFY_JWT_HS256, .secret = "signing_secret", .header = "Authorization" },
	  .secret = "callsetter-example-signing-secret", .method = "POST", .url = "https://hooks.example.com/monday",
	  .headers = { { "Authorization", MONDAY_JWT } }, .body = "{}", .now_ms = 1779805920000 },
	{ .name = "airtable",
	  .row = { .kind = CS_VERIFY_HMAC_SHA256, .secret = "mac_secret", .header = "X-Airtable-Content-MAC",
	           .prefix = "hmac-sha256=", HEX, .key_decoding = CS_KEY_BASE64, SIGNED(body_only) },
	  .secret = "Y2FsbHNldHRlci1leGFtcGxlLWFpcnRhYmxlLW1hYyE=", .method = "POST", .url = "https://h", .covers_body = true,
	  .headers = { { "X-Airtable-Content-MAC",
	                 "hmac-sha256=9a165440356c7a604f7a3860b3a99bf955d95efa37ff00b9dc6602f675b7187a" } },
	  .body = "{\"base\":{\"id\":\"app00000000000001\"},\"webhook\":{\"id\":\"ach00000000000001\"},\"timestamp\":"
	          "\"2026-05-26T14:40:00.000Z\"}" },
	{ .name = "notion",
	  .row = { .kind = CS_VERIFY_HMAC_SHA256, .secret = "verification_token", .header = "X-Notion-Signature",
	           .prefix = "sha256=", HEX, SIGNED(body_only) },
	  .secret = "secret_callsetterExampleVerificationToken", .method = "POST", .url = "https://h", .covers_body = true,
	  .headers = { { "X-Notion-Signature",
	                 "sha256=7a7f5c937471a0078d51dc9f2a4db50ff6d4c6911b82a2f47ff450a8d712a131" } },
	  .body = "{\"id\":\"evt-1\",\"type\":\"page.properties_updated\"}" },
	{ .name = "fieldedge",
	  .row = { .kind = CS_VERIFY_HMAC_SHA256, .secret = "signing_secret", .header = "X-Signature", HEX, SIGNED(body_only) },
	  .secret = "fe_example_secret", .method = "POST", .url = "https://h", .covers_body = true,
	  .headers = { { "X-Signature", "65b9562a26603ae2b96f11330b0c39e2e45c9fe9a499a0f9fb934ce52ab03599" } },
	  .body = "{\"eventType\":\"LeadStatusChanged\",\"leadId\":\"c0000000\",\"tenant\":\"1\"}" },
	{ .name = "hookdeck",
	  .row = { .kind = CS_VERIFY_HMAC_SHA256, .secret = "secret", .header = "x-hookdeck-signature", BASE64 },
	  .secret = "hookdeck-example-secret", .method = "POST", .url = "https://h", .covers_body = true,
	  .headers = { { "x-hookdeck-signature", "SawMSotbstfu7+ZqdS18W/dXISlZWqgMDHD8DYw5MJY=" } },
	  .body = "{\"event\":\"lead.qualified\"}" },
	{ .name = "pipedrive",
	  .row = { .kind = CS_VERIFY_BASIC, .secret = "webhook_login" },
	  .secret = "cs:s3cret", .method = "POST", .url = "https://h",
	  .headers = { { "Authorization", "Basic Y3M6czNjcmV0" } }, .body = "{}" },
	{ .name = "pipedrive, password alone",
	  .row = { .kind = CS_VERIFY_BASIC, .secret = "webhook_password", .header = "Authorization" },
	  .secret = "s3cret", .method = "POST", .url = "https://h",
	  .headers = { { "authorization", "basic Y3M6czNjcmV0" } }, .body = "{}" },
	{ .name = "pipefy",
	  .row = { .kind = CS_VERIFY_HEADER_TOKEN, .secret = "hook_secret", .header = "X-CallSetter-Secret" },
	  .secret = "k3y", .method = "POST", .url = "https://h", .headers = { { "x-callsetter-secret", "k3y" } }, .body = "{}" },
};

static struct cs_hook_in
hook_of(const struct example *e)
{
	struct cs_hook_in in = { .method = e->method, .url = e->url, .path = "/h", .query = "", .url_token = "",
		.headers = e->headers, .body = { e->body, strlen(e->body) } };

	while (in.n_headers < CS_ARRAY_LEN(e->headers) && e->headers[in.n_headers].name != NULL)
		in.n_headers++;
	return in;
}

static int
verify(const struct example *e, const struct cs_hook_in *in, struct cs_err *err)
{
	return cs_hook_verify(&e->row, e->secret, strlen(e->secret), in, e->now_ms, err);
}

START_TEST(the_example_of_each_crm_is_accepted)
{
	const struct example *e = &examples[_i];
	struct cs_hook_in in = hook_of(e);
	struct cs_err err = { 0 };

	ck_assert_msg(verify(e, &in, &err) == 0, "%s: %s", e->name, err.msg);
}
END_TEST

START_TEST(another_secret_is_refused)
{
	struct example e = examples[_i];
	struct cs_hook_in in = hook_of(&e);
	struct cs_err err = { 0 };

	/* for the one with a public key: the vendor's real one */
	e.secret = e.row.kind == CS_VERIFY_ED25519 ? "MCowBQYDK2VwAyEAi2HR1srL4o18O8BRa7gVJY7G7bupbN3H9AwJrHCDiOg=" :
	           e.row.key_decoding == CS_KEY_BASE64 ? "Y2FsbHNldHRlcg==" : "another";
	ck_assert_int_eq(verify(&e, &in, &err), CS_EPERM);
	ck_assert_msg(strstr(err.msg, "does not fit") != NULL, "%s: %s", e.name, err.msg);
}
END_TEST

START_TEST(an_empty_secret_is_refused)
{
	struct example e = examples[_i];
	struct cs_hook_in in = hook_of(&e);

	e.secret = "";
	ck_assert_int_eq(verify(&e, &in, NULL), CS_EPERM);
	ck_assert_int_eq(cs_hook_verify(&e.row, NULL, 5, &in, e.now_ms, NULL), CS_EPERM);
}
END_TEST

START_TEST(another_body_is_refused_where_the_signature_covers_it)
{
	const struct example *e = &examples[_i];
	struct cs_hook_in in = hook_of(e);

	if (!e->covers_body)
		return;
	in.body = (struct cs_bytes){ "{\"other\":1}", 11 };
	ck_assert_int_eq(verify(e, &in, NULL), CS_EPERM);
}
END_TEST

START_TEST(a_missing_or_doubled_header_is_refused)
{
	const struct example *e = &examples[_i];
	struct cs_hook_in in = hook_of(e);
	struct cs_header twice[3] = { e->headers[0], e->headers[0], e->headers[1] };
	struct cs_err err = { 0 };

	in.n_headers = 0;
	ck_assert_int_eq(verify(e, &in, &err), CS_EPERM);
	ck_assert_msg(strstr(err.msg, "is missing") != NULL, "%s: %s", e->name, err.msg);
	in.headers = twice;
	in.n_headers = e->headers[1].name != NULL ? 3 : 2;
	ck_assert_int_eq(verify(e, &in, &err), CS_EPERM);
	ck_assert_msg(strstr(err.msg, "more than once") != NULL, "%s: %s", e->name, err.msg);
}
END_TEST

START_TEST(garbage_in_the_header_is_refused)
{
	static const char *const garbage[] = { "", "N/A", "=", "....", "Basic", "Basic !", "Basic Y3M=", "sha256=",
		"hmac-sha256=zz", "eyJhbGciOiJub25lIn0..", "eyJhbGciOiJub25lIn0.e30.", "\xff\xfe" };
	const struct example *e = &examples[_i];
	struct cs_hook_in in = hook_of(e);
	struct cs_header headers[2] = { e->headers[0], e->headers[1] };

	in.headers = headers;
	for (size_t i = 0; i < CS_ARRAY_LEN(garbage); i++) {
		headers[0].value = garbage[i];
		ck_assert_int_eq(verify(e, &in, NULL), CS_EPERM);
	}
}
END_TEST

START_TEST(an_old_or_early_timestamp_is_refused_where_there_is_one)
{
	struct example e = examples[_i];
	struct cs_hook_in in = hook_of(&e);

	if (e.row.tolerance_ms == 0)
		return;
	e.now_ms += 300000;
	ck_assert_int_eq(verify(&e, &in, NULL), 0);
	e.now_ms += 1000;
	ck_assert_int_eq(verify(&e, &in, NULL), CS_EPERM);
	e.now_ms -= 602000;
	ck_assert_int_eq(verify(&e, &in, NULL), CS_EPERM);
}
END_TEST

static const struct example *
example_named(const char *name)
{
	for (size_t i = 0; i < CS_ARRAY_LEN(examples); i++)
		if (strcmp(examples[i].name, name) == 0)
			return &examples[i];
	ck_abort_msg("no example %s", name);
}

START_TEST(another_method_or_address_is_refused_where_it_is_signed)
{
	const struct example *e = example_named("hubspot v3");
	struct cs_hook_in in = hook_of(e);

	in.method = "PUT";
	ck_assert_int_eq(verify(e, &in, NULL), CS_EPERM);
	in = hook_of(e);
	in.url = "https://hooks.example.com/hooks/other";
	ck_assert_int_eq(verify(e, &in, NULL), CS_EPERM);
}
END_TEST

/* "POSThttps://h.example/x?a=b:c/d(e)&f=%20" + "{}" + "1779805920000" under "k": made with openssl. */
START_TEST(an_address_called_with_escapes_is_also_tried_without_them)
{
	struct example e = *example_named("hubspot v3");
	struct cs_header headers[2] = { { "X-HubSpot-Signature-v3", "7uYTEPPW3aZKkgq0T8wCikfNMvhat2CtEIRBw0R7fGs=" }, e.headers[1] };
	struct cs_hook_in in = hook_of(&e);

	e.secret = "k";
	in.headers = headers;
	in.body = (struct cs_bytes){ "{}", 2 };
	in.url = "https://h.example/x?a=b%3Ac%2fd%28e%29&f=%20";
	ck_assert_int_eq(verify(&e, &in, NULL), 0);
	in.url = "https://h.example/x?a=b%3Ac%2fd%28e%29&f=%2";
	ck_assert_int_eq(verify(&e, &in, NULL), CS_EPERM);
}
END_TEST

START_TEST(a_token_must_be_fresh_and_for_our_address)
{
	struct example e = *example_named("monday");
	struct cs_hook_in in = hook_of(&e);
	struct cs_err err = { 0 };

	e.now_ms = 1779806280000; /* the expiry and a minute */
	ck_assert_int_eq(verify(&e, &in, &err), 0);
	e.now_ms += 1000;
	ck_assert_int_eq(verify(&e, &in, &err), CS_EPERM);
	ck_assert_str_eq(err.msg, "the token in header Authorization has expired");
	e.now_ms = 1779805920000;
	in.url = "https://hooks.example.com/monday?token=1";
	ck_assert_int_eq(verify(&e, &in, &err), 0);
	in.url = "https://hooks.example.com/monday/other";
	ck_assert_int_eq(verify(&e, &in, &err), CS_EPERM);
	ck_assert_str_eq(err.msg, "the token in header Authorization is for another address");
}
END_TEST

START_TEST(a_token_with_another_algorithm_is_refused)
{
	struct example e = *example_named("monday");
	/* {"alg":"none"} . {"exp":9999999999} and {"alg":"HS512"} . the same, the latter signed with HMAC-SHA-256 */
	static const char *const tokens[] = { "eyJhbGciOiJub25lIn0.eyJleHAiOjk5OTk5OTk5OTl9.",
		"eyJhbGciOiJIUzUxMiJ9.eyJleHAiOjk5OTk5OTk5OTl9.RZOKGm-qsYlVaPVSs1tOOL_GX7HPfH1iepAVEq8HQtg" };
	struct cs_hook_in in = hook_of(&e);
	struct cs_header header = e.headers[0];
	struct cs_err err = { 0 };

	in.headers = &header;
	for (size_t i = 0; i < CS_ARRAY_LEN(tokens); i++) {
		header.value = tokens[i];
		ck_assert_int_eq(verify(&e, &in, &err), CS_EPERM);
		ck_assert_str_eq(err.msg, "the token in header Authorization is not signed with HS256");
	}
}
END_TEST

START_TEST(a_token_in_the_body_is_compared)
{
	struct cs_verify_row row = { .kind = CS_VERIFY_BODY_TOKEN, .secret = "channel_token", .pointer = "/token" };
	static const char *const bodies[] = { "{\"token\":\"t0k\"}", "{\"token\":\"t0\"}", "{\"token\":null}", "{}", "[", "" };
	struct cs_hook_in in = { .method = "POST", .url = "https://h" };

	for (size_t i = 0; i < CS_ARRAY_LEN(bodies); i++) {
		in.body = (struct cs_bytes){ bodies[i], strlen(bodies[i]) };
		ck_assert_int_eq(cs_hook_verify(&row, "t0k", 3, &in, 0, NULL), i == 0 ? 0 : CS_EPERM);
	}
}
END_TEST

START_TEST(a_token_in_the_address_is_compared)
{
	struct cs_verify_row row = { .kind = CS_VERIFY_URL_TOKEN, .secret = "url_token" };
	struct cs_hook_in in = { .method = "POST", .url = "https://h", .url_token = "0123456789abcdef" };

	ck_assert_int_eq(cs_hook_verify(&row, "0123456789abcdef", 16, &in, 0, NULL), 0);
	ck_assert_int_eq(cs_hook_verify(&row, "0123456789abcdeF", 16, &in, 0, NULL), CS_EPERM);
	in.url_token = NULL;
	ck_assert_int_eq(cs_hook_verify(&row, "0123456789abcdef", 16, &in, 0, NULL), CS_EPERM);
}
END_TEST

START_TEST(a_public_key_may_stand_in_the_manifest_in_three_forms)
{
	static const char *const keys[] = { GHL_KEY, "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
		"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a" };
	struct example e = *example_named("gohighlevel");
	struct cs_hook_in in = hook_of(&e);

	for (size_t i = 0; i < CS_ARRAY_LEN(keys); i++) {
		e.row.public_key = keys[i];
		ck_assert_int_eq(cs_hook_verify(&e.row, NULL, 0, &in, 0, NULL), 0);
	}
	e.row.public_key = "MCowBQYDK2VwAyEA";
	ck_assert_int_eq(cs_hook_verify(&e.row, NULL, 0, &in, 0, NULL), CS_EPERM);
}
END_TEST

START_TEST(an_unsigned_hook_has_nothing_to_verify)
{
	struct cs_verify_row row = { .kind = CS_VERIFY_NONE };
	struct cs_hook_in in = { .method = "POST", .url = "https://h" };

	ck_assert_int_eq(cs_hook_verify(&row, NULL, 0, &in, 0, NULL), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("hook");
	TCase *t = tcase_create("hook");
	const int n = CS_ARRAY_LEN(examples);
	SRunner *sr;
	int failed;

	tcase_add_loop_test(t, the_example_of_each_crm_is_accepted, 0, n);
	tcase_add_loop_test(t, another_secret_is_refused, 0, n);
	tcase_add_loop_test(t, an_empty_secret_is_refused, 0, n);
	tcase_add_loop_test(t, another_body_is_refused_where_the_signature_covers_it, 0, n);
	tcase_add_loop_test(t, a_missing_or_doubled_header_is_refused, 0, n);
	tcase_add_loop_test(t, garbage_in_the_header_is_refused, 0, n);
	tcase_add_loop_test(t, an_old_or_early_timestamp_is_refused_where_there_is_one, 0, n);
	tcase_add_test(t, another_method_or_address_is_refused_where_it_is_signed);
	tcase_add_test(t, an_address_called_with_escapes_is_also_tried_without_them);
	tcase_add_test(t, a_token_must_be_fresh_and_for_our_address);
	tcase_add_test(t, a_token_with_another_algorithm_is_refused);
	tcase_add_test(t, a_token_in_the_body_is_compared);
	tcase_add_test(t, a_token_in_the_address_is_compared);
	tcase_add_test(t, a_public_key_may_stand_in_the_manifest_in_three_forms);
	tcase_add_test(t, an_unsigned_hook_has_nothing_to_verify);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
