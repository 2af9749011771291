/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_receive.c - what CRMs send, as their documents show it, and what strangers send.
 *
 * The manifests of HubSpot and Housecall Pro are the real ones, the signatures those of the fact sheets' examples.
 */
#include "config.h"
#include "hooks/receive.h"

#include "fixture.h"

#define HS_SECRET "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
#define HS_BODY                                                                                                          \
	"[{\"eventId\":100,\"subscriptionId\":25,\"portalId\":62515,\"appId\":1160452,\"occurredAt\":1779805919000,"       \
	"\"subscriptionType\":\"contact.propertyChange\",\"attemptNumber\":0,\"objectId\":123,"                           \
	"\"propertyName\":\"lifecyclestage\",\"propertyValue\":\"customer\",\"changeSource\":\"CRM\"}]"
#define HS_SIGNATURE "2agu2WP+3JZ5dqoa6e5ZgLssuQeYIZN76VmM9EcSuN8="
#define HCP_SECRET "hcp_example_secret"
#define HCP_BODY                                                                                                         \
	"{\"event\":\"lead.converted\",\"event_occurred_at\":\"2026-05-27T15:04:05Z\",\"company_id\":"                     \
	"\"00000000-0000-4000-8000-000000000001\",\"lead\":{\"id\":\"lea_00000000000000000000000000000001\","              \
	"\"status\":\"won\",\"conversions\":[{\"id\":\"job_00000000000000000000000000000001\",\"type\":\"Job\"}]}}"
#define HCP_SIGNATURE "abe1521f0b3ec31280cf7072f1c4295a241917caf2e95f3293e3c66e31ec69bd"
#define HCP_NOW 1779894245000LL

static struct cs_manifest *manifest;
static struct cs_vault *vault;
static struct cs_received got;

static void
set_up(void)
{
	make_dir();
	put_file("crm.d/hubspot.conf",
	    "enabled = true;\nsecrets : { client_secret = \"" HS_SECRET "\"; };\n"
	    "connections = ( { name = \"acme\"; account = \"acct_xyz\"; crm_account_id = \"4711\"; secrets : { access_token = \"t\"; }; } );\n");
	put_file("crm.d/jobber.conf", "enabled = true;\nsecrets : { client_secret = \"jobber_client_secret_example\"; };\n");
	put_file("crm.d/gohighlevel.conf", /* the key of RFC 8032, test 1 */
	    "enabled = true;\nsecrets : { webhook_key = \"MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"; };\n");
	put_file("crm.d/housecall_pro.conf",
	    "enabled = true;\nconnections = ( { name = \"main\"; account = \"acct_xyz\"; "
	    "secrets : { api_key = \"k\"; webhook_secret = \"" HCP_SECRET "\"; }; } );\n");
	load_conf("");
	open_store();
}

static void
tear_down(void)
{
	cs_manifest_unref(manifest);
	cs_vault_close(vault);
	clean_up();
}

static void
use_plugin(const char *name)
{
	char path[400];

	snprintf(path, sizeof(path), "%s/%s/%s.json", PLUGIN_SOURCES, name, name);
	ok(cs_manifest_read(path, &manifest, &err));
}

static void
use_webhook_row(const char *row)
{
	char *json = cs_xasprintf("{\"manifest\":1,\"name\":\"acme_crm\",\"version\":\"1.0.0\",\"title\":\"Acme\",\"base_url\":"
	                          "\"https://acme.example\",\"hosts\":[\"acme.example\"],\"facts\":[{\"name\":\"org\",\"label\":\"Org\"}],"
	                          "\"secrets\":[{\"name\":\"token\",\"label\":\"Token\"}],\"auth\":{\"kind\":\"static\"},"
	                          "\"limits\":[{\"class\":\"api\",\"per\":\"connection\",\"count\":10,\"window_ms\":1000}],"
	                          "\"steps\":[{\"name\":\"find\",\"label\":\"Find\"}],\"webhook\":%s}", row);

	ok(cs_manifest_parse(json, strlen(json), &manifest, &err));
	free(json);
}

static void
receive_at(int64_t now_ms, const char *method, const char *target, const char *body, const struct cs_header *headers, size_t n)
{
	struct cs_receive_env env = { store, vault, conf, now_ms };
	struct cs_hook_address at;
	char *path = cs_arena_strndup(&arena, target, strcspn(target, "?"));
	const char *query = strchr(target, '?');
	struct cs_hook_in in = { .method = method, .path = path, .query = query != NULL ? query + 1 : "",
		.url = cs_arena_printf(&arena, "%s%s", conf->public_url, target), .headers = headers, .n_headers = n, .body = bytes(body) };

	ck_assert(cs_hook_address_read(path, &at));
	cs_hooks_receive(&env, manifest, &at, &in, &arena, &got);
}

static void
receive_hubspot(const char *target, const char *body, const char *signature)
{
	const struct cs_header headers[] = { { "X-HubSpot-Signature-v3", signature },
		{ "X-HubSpot-Request-Timestamp", "1779805920000" }, { "Content-Type", "application/json" }, { "Cookie", "a=b" } };

	receive_at(NOW, "POST", target, body, headers, CS_ARRAY_LEN(headers));
}

static void
receive_hcp(const char *target, const char *body, const char *signature)
{
	const struct cs_header headers[] = { { "Api-Signature", signature }, { "Api-Timestamp", "1779894245" } };

	receive_at(HCP_NOW, "POST", target, body, headers, 2);
}

static void
receive_plain(const char *method, const char *target, const char *body)
{
	receive_at(NOW, method, target, body, NULL, 0);
}

static const char *
path_of(const struct cs_conn_row *c)
{
	return cs_arena_printf(&arena, "/hooks/%s/%s", c->crm, c->public_id);
}

static void
seal(int64_t conn_id, const char *name, const char *value)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf sealed = CS_BUF_INIT(0);
	char path[96], owner[40];

	snprintf(path, sizeof(path), "%s/master.key", dir);
	snprintf(owner, sizeof(owner), "conn/%lld", (long long)conn_id);
	ok(cs_vault_generate(path, &err));
	ok(cs_vault_open(path, &vault, &err));
	ok(cs_vault_seal(vault, owner, name, value, strlen(value), &sealed, &err));
	ok(store->ops->begin(store, &err));
	ok(store->ops->secret_put(store, owner, name, (struct cs_bytes){ sealed.ptr, sealed.len }, &err));
	ok(store->ops->commit(store, &err));
}

/* ---- app scope */

START_TEST(hubspots_example_is_verified_and_goes_to_the_portals_connection)
{
	struct cs_conn_row c = add_connection("hubspot", "", "{\"hub_id\":\"62515\"}");

	use_plugin("hubspot");
	receive_hubspot("/hooks/hubspot", HS_BODY, HS_SIGNATURE);
	ck_assert_int_eq(got.status, 0);
	ck_assert_str_eq(got.result, "received");
	ck_assert_uint_eq(got.n_rows, 1);
	ck_assert_int_eq(got.rows[0].conn_id, c.id);
	ck_assert_str_eq(got.rows[0].crm, "hubspot");
	ck_assert(got.rows[0].is_verified);
	ck_assert_int_eq(got.rows[0].body.ptr[0], '{'); /* one event, not the array */
	ck_assert_ptr_nonnull(strstr(got.rows[0].body.ptr, "\"objectId\":123"));
	ck_assert_ptr_nonnull(strstr(got.rows[0].headers, "\"content-type\""));
	ck_assert_ptr_null(strstr(got.rows[0].headers, "cookie"));
	ck_assert_ptr_null(strstr(got.rows[0].headers, "signature-v3"));
}
END_TEST

START_TEST(the_same_message_has_the_same_key_and_another_one_another)
{
	uint8_t first[32];

	add_connection("hubspot", "", "{\"hub_id\":\"62515\"}");
	use_plugin("hubspot");
	receive_hubspot("/hooks/hubspot", HS_BODY, HS_SIGNATURE);
	memcpy(first, got.rows[0].dedupe, 32);
	receive_hubspot("/hooks/hubspot", HS_BODY, HS_SIGNATURE);
	ck_assert_mem_eq(first, got.rows[0].dedupe, 32);
	cs_manifest_unref(manifest);
	use_webhook_row("{\"scope\":\"app\",\"verify\":{\"kind\":\"none\"},\"events\":\"/list\",\"tenant\":\"/org\",\"tenant_fact\":\"org\","
	                "\"dedupe\":[\"/a\",\"/b\"]}");
	add_connection("acme_crm", "", "{\"org\":\"o1\"}");
	receive_plain("POST", "/hooks/acme_crm",
	    "{\"org\":\"o1\",\"list\":[{\"a\":\"1\",\"b\":\"23\"},{\"a\":\"12\",\"b\":\"3\"},{\"a\":\"1\",\"b\":\"23\",\"try\":2}]}");
	ck_assert_uint_eq(got.n_rows, 3);
	ck_assert(memcmp(got.rows[0].dedupe, got.rows[1].dedupe, 32) != 0);
	ck_assert_mem_eq(got.rows[0].dedupe, got.rows[2].dedupe, 32);
}
END_TEST

START_TEST(every_connection_of_a_tenant_gets_a_row)
{
	struct cs_conn_row a = add_connection("hubspot", "", "{\"hub_id\":\"62515\"}");
	struct cs_conn_row b = add_connection("hubspot", "", "{\"hub_id\":\"62515\"}");

	add_connection("hubspot", "", "{\"hub_id\":\"1\"}");
	use_plugin("hubspot");
	receive_hubspot("/hooks/hubspot", HS_BODY, HS_SIGNATURE);
	ck_assert_uint_eq(got.n_rows, 2);
	ck_assert_int_eq(got.rows[0].conn_id, a.id);
	ck_assert_int_eq(got.rows[1].conn_id, b.id);
	ck_assert(memcmp(got.rows[0].dedupe, got.rows[1].dedupe, 32) != 0);
}
END_TEST

/* The constructed examples of the fact sheets; their signatures were made with openssl. */
START_TEST(jobbers_example_is_verified_and_goes_to_the_accounts_connection)
{
	static const char body[] =
	    "{\"data\":{\"webHookEvent\":{\"topic\":\"JOB_CLOSED\",\"appId\":\"11111111-2222-3333-4444-555555555555\",\"accountId\":\"MQ==\","
	    "\"itemId\":\"Z2lkOi8vSm9iYmVyL0pvYi8xMjM=\",\"occurredAt\":\"2026-05-28T16:30:00Z\"}}}";
	const struct cs_header good = { "X-Jobber-Hmac-SHA256", "KItXsqhC5rBtI9bAaTZI10UJmvtVCnSBcSMBoMXZax8=" };
	const struct cs_header bad = { "X-Jobber-Hmac-SHA256", "LItXsqhC5rBtI9bAaTZI10UJmvtVCnSBcSMBoMXZax8=" };
	struct cs_conn_row c = add_connection("jobber", "", "{\"account_number\":\"1\"}");

	use_plugin("jobber");
	receive_at(NOW, "POST", "/hooks/jobber", body, &good, 1);
	ck_assert_uint_eq(got.n_rows, 1);
	ck_assert_int_eq(got.rows[0].conn_id, c.id);
	receive_at(NOW, "POST", "/hooks/jobber", body, &bad, 1);
	ck_assert_int_eq(got.status, 401);
}
END_TEST

START_TEST(highlevels_example_is_verified_by_its_public_key)
{
	static const char body[] =
	    "{\"type\":\"OpportunityStatusUpdate\",\"locationId\":\"ve9EPM428h8vShlRW1KT\",\"id\":\"wWhVuzqpRuOA1ZVWi4FC\",\"contactId\":"
	    "\"seD4PfOuKoVMLkEZqohJ\",\"status\":\"won\",\"monetaryValue\":450,\"pipelineId\":\"VDm7RPYC2GLUvdpKmBfC\",\"pipelineStageId\":"
	    "\"e93ba61a-53b3-45e7-985a-c7732dbcdb69\",\"name\":\"HVAC - Maria Gonzalez\",\"dateAdded\":\"2026-05-26T14:32:05.000Z\",\"timestamp\":"
	    "\"2026-05-28T09:00:00.000Z\",\"webhookId\":\"3f0b3c0e-6f2b-4a9d-9a6e-0d7d6c1f7a11\"}";
	const struct cs_header good = { "X-GHL-Signature",
		"iNHdnjUChC8UONIkkVkw9VsQvus4FmwovPUw4RakyVONoXLkIapDyHk23LJPuNbTngNjm0rbs1mN2BaeY0NJDg==" };
	const struct cs_header none = { "X-GHL-Signature", "N/A" };
	struct cs_conn_row c = add_connection("gohighlevel", "", "{\"location_id\":\"ve9EPM428h8vShlRW1KT\"}");

	use_plugin("gohighlevel");
	receive_at(NOW, "POST", "/hooks/gohighlevel", body, &good, 1);
	ck_assert_uint_eq(got.n_rows, 1);
	ck_assert_int_eq(got.rows[0].conn_id, c.id);
	receive_at(NOW, "POST", "/hooks/gohighlevel", body, &none, 1);
	ck_assert_int_eq(got.status, 401);
}
END_TEST

START_TEST(one_account_in_its_many_forms_is_one_tenant)
{
	static const char *const forms[] = { "1", "MQ==", "MQ", "Z2lkOi8vSm9iYmVyL0FjY291bnQvMQ==" };
	struct cs_conn_row c = add_connection("acme_crm", "", "{\"org\":\"1\"}");

	use_webhook_row("{\"scope\":\"app\",\"verify\":{\"kind\":\"none\"},\"tenant\":\"/who\",\"tenant_fact\":\"org\",\"tenant_form\":\"number\"}");
	for (size_t i = 0; i < CS_ARRAY_LEN(forms); i++) {
		receive_plain("POST", "/hooks/acme_crm", cs_arena_printf(&arena, "{\"who\":\"%s\"}", forms[i]));
		ck_assert_uint_eq(got.n_rows, 1);
		ck_assert_int_eq(got.rows[0].conn_id, c.id);
	}
	cs_manifest_unref(manifest);
	use_webhook_row("{\"scope\":\"app\",\"verify\":{\"kind\":\"none\"},\"tenant\":\"/whose\",\"tenant_also\":\"/who\",\"tenant_fact\":\"org\",\"tenant_form\":\"number\"}");
	receive_plain("POST", "/hooks/acme_crm", "{\"whose\":null,\"who\":1}");
	ck_assert_uint_eq(got.n_rows, 1);
	receive_plain("POST", "/hooks/acme_crm", "{\"who\":\"MTE=\"}"); /* 11 */
	ck_assert_uint_eq(got.n_unknown, 1);
	receive_plain("POST", "/hooks/acme_crm", "{\"who\":\"acme\"}");
	ck_assert_uint_eq(got.n_rows, 0);
}
END_TEST

START_TEST(an_unknown_tenant_is_answered_and_nothing_is_kept)
{
	use_plugin("hubspot");
	receive_hubspot("/hooks/hubspot", HS_BODY, HS_SIGNATURE);
	ck_assert_int_eq(got.status, 0);
	ck_assert_str_eq(got.result, "unknown");
	ck_assert_uint_eq(got.n_rows, 0);
	ck_assert_uint_eq(got.n_unknown, 1);
}
END_TEST

START_TEST(a_static_connection_is_found_by_the_account_in_its_file)
{
	struct cs_conn_row c = add_connection("acme_crm", "north", "");

	put_file("crm.d/acme_crm.conf",
	    "enabled = true;\nconnections = ( { name = \"north\"; account = \"acct_xyz\"; crm_account_id = \"o1\"; } );\n");
	cs_conf_unref(conf);
	load_conf("");
	use_webhook_row("{\"scope\":\"app\",\"verify\":{\"kind\":\"none\"},\"tenant\":\"/org\",\"tenant_fact\":\"org\"}");
	receive_plain("POST", "/hooks/acme_crm", "{\"org\":\"o1\"}");
	ck_assert_uint_eq(got.n_rows, 1);
	ck_assert_int_eq(got.rows[0].conn_id, c.id);
	receive_plain("POST", "/hooks/acme_crm", "{\"org\":\"o2\"}");
	ck_assert_uint_eq(got.n_rows, 0);
}
END_TEST

START_TEST(a_wrong_signature_is_refused_without_a_word_about_what_was_expected)
{
	add_connection("hubspot", "", "{\"hub_id\":\"62515\"}");
	use_plugin("hubspot");
	receive_hubspot("/hooks/hubspot", HS_BODY, "3agu2WP+3JZ5dqoa6e5ZgLssuQeYIZN76VmM9EcSuN8=");
	ck_assert_int_eq(got.status, 401);
	ck_assert_uint_eq(got.n_rows, 0);
	ck_assert_str_eq(got.detail, "this message does not prove who sent it");
	receive_hubspot("/hooks/hubspot?x=1", HS_BODY, HS_SIGNATURE); /* the URL is signed, too */
	ck_assert_int_eq(got.status, 401);
}
END_TEST

START_TEST(an_old_message_is_refused)
{
	const struct cs_header headers[] = { { "X-HubSpot-Signature-v3", HS_SIGNATURE },
		{ "X-HubSpot-Request-Timestamp", "1779805920000" } };

	add_connection("hubspot", "", "{\"hub_id\":\"62515\"}");
	use_plugin("hubspot");
	receive_at(NOW + 6 * CS_MINUTE_MS, "POST", "/hooks/hubspot", HS_BODY, headers, 2);
	ck_assert_int_eq(got.status, 401);
}
END_TEST

START_TEST(an_app_of_one_customer_calls_its_connections_address)
{
	/* another secret than the whole app's, at an address that is signed, too */
	struct cs_conn_row mine = add_connection("hubspot", "", "{\"hub_id\":\"62515\"}");
	CS_CLEANUP(cs_buf_fini) struct cs_buf sig = CS_BUF_INIT(0);
	char *text = cs_arena_printf(&arena, "POSThttps://hooks.example.com%s%s1779805920000", path_of(&mine), HS_BODY);
	uint8_t mac[64];

	seal(mine.id, "client_secret", "own-secret");
	cs_base64_add(&sig, mac, (size_t)cs_hmac(CS_HMAC_SHA256, "own-secret", 10, text, strlen(text), mac));
	use_plugin("hubspot");
	receive_hubspot(path_of(&mine), HS_BODY, cs_buf_str(&sig));
	ck_assert_int_eq(got.status, 0);
	ck_assert_uint_eq(got.n_rows, 1);
	ck_assert_int_eq(got.rows[0].conn_id, mine.id);
}
END_TEST

START_TEST(a_connections_address_takes_no_events_of_other_tenants)
{
	struct cs_conn_row mine = add_connection("acme_crm", "", "{\"org\":\"o1\"}");

	add_connection("acme_crm", "", "{\"org\":\"o2\"}");
	use_webhook_row("{\"scope\":\"app\",\"verify\":{\"kind\":\"none\"},\"events\":\"\",\"tenant\":\"/org\",\"tenant_fact\":\"org\"}");
	receive_plain("POST", path_of(&mine), "[{\"org\":\"o2\"},{\"org\":\"o1\"}]");
	ck_assert_uint_eq(got.n_rows, 1);
	ck_assert_int_eq(got.rows[0].conn_id, mine.id);
	ck_assert_uint_eq(got.n_unknown, 1);
}
END_TEST

/* ---- connection scope */

START_TEST(housecall_pros_example_is_verified_and_kept_as_it_came)
{
	struct cs_conn_row c = add_connection("housecall_pro", "main", "");

	use_plugin("housecall_pro");
	receive_hcp(path_of(&c), HCP_BODY, HCP_SIGNATURE);
	ck_assert_int_eq(got.status, 0);
	ck_assert_uint_eq(got.n_rows, 1);
	ck_assert_int_eq(got.rows[0].conn_id, c.id);
	ck_assert_uint_eq(got.rows[0].body.len, strlen(HCP_BODY));
	ck_assert_mem_eq(got.rows[0].body.ptr, HCP_BODY, strlen(HCP_BODY));
}
END_TEST

START_TEST(a_dynamic_connections_secret_comes_out_of_the_vault)
{
	struct cs_conn_row c = add_connection("housecall_pro", "", "");

	seal(c.id, "webhook_secret", HCP_SECRET);
	use_plugin("housecall_pro");
	receive_hcp(path_of(&c), HCP_BODY, HCP_SIGNATURE);
	ck_assert_uint_eq(got.n_rows, 1);
}
END_TEST

START_TEST(without_a_secret_nothing_is_believed)
{
	struct cs_conn_row c = add_connection("housecall_pro", "", "");

	use_plugin("housecall_pro");
	receive_hcp(path_of(&c), HCP_BODY, HCP_SIGNATURE);
	ck_assert_int_eq(got.status, 401);
	ck_assert_ptr_nonnull(strstr(got.why.msg, "webhook_secret"));
}
END_TEST

START_TEST(the_probe_of_a_set_up_page_is_answered_as_declared)
{
	struct cs_conn_row c = add_connection("housecall_pro", "main", "");

	use_plugin("housecall_pro");
	receive_plain("POST", path_of(&c), "{\"foo\":\"bar\"}");
	ck_assert_int_eq(got.status, 200);
	ck_assert_str_eq(got.result, "probe");
	ck_assert_uint_eq(got.n_rows, 0);
	receive_plain("GET", path_of(&c), "");
	ck_assert_int_eq(got.status, 200);
	receive_plain("POST", path_of(&c), "{\"foo\":\"bar\",\"event\":\"job.paid\"}"); /* no probe any more */
	ck_assert_int_eq(got.status, 401);
}
END_TEST

START_TEST(only_the_public_id_is_an_address)
{
	add_connection("housecall_pro", "main", "");
	use_plugin("housecall_pro");
	receive_plain("POST", "/hooks/housecall_pro/main", HCP_BODY);
	ck_assert_int_eq(got.status, 404);
	receive_plain("POST", path_of(&(struct cs_conn_row){ .crm = "housecall_pro",
	    .public_id = add_connection("hubspot", "", "").public_id }), HCP_BODY);
	ck_assert_int_eq(got.status, 404);
}
END_TEST

START_TEST(one_without_an_address_for_the_whole_app_has_none)
{
	use_plugin("workiz");
	receive_plain("POST", "/hooks/workiz", HCP_BODY);
	ck_assert_int_eq(got.status, 404);
}
END_TEST

START_TEST(paths_are_read_strictly)
{
	struct cs_hook_address at;

	ck_assert(cs_hook_address_read("/hooks/monday/conn_1/s3cret", &at));
	ck_assert_str_eq(at.crm, "monday");
	ck_assert_str_eq(at.connection, "conn_1");
	ck_assert_str_eq(at.secret, "s3cret");
	ck_assert(!cs_hook_address_read("/hooks/", &at));
	ck_assert(!cs_hook_address_read("/hooks", &at));
	ck_assert(!cs_hook_address_read("/hooks/monday/", &at));
	ck_assert(!cs_hook_address_read("/hooks/monday/a/b/c", &at));
	ck_assert(!cs_hook_address_read("/hooks/a123456789012345678901234567890123456789012345678901234567890123456", &at));
}
END_TEST

/* ---- ServiceTitan, who publishes neither header nor encoding; the example is made by its fact sheet's assumption */

#define ST_KEY "secrets : { webhook_key = \"0123456789abcdef0123456789abcdef\"; };\n"
#define ST_BODY "{\"eventType\":\"job.completed\",\"tenantId\":1122334455,\"jobId\":70001}"
#define ST_HEX "023fdfc0d8174e5df2858bd1cd6b0dad022ec3250f4457a87cb5e4bdc7d3dc66"
#define ST_BASE64 "Aj/fwNgXTl3yhYvRzWsNrQIuwyUPRFeofLXkvcfT3GY="

static struct cs_conn_row
use_servicetitan(const char *more)
{
	char *file = cs_xasprintf("enabled = true;\n%s", more);

	put_file("crm.d/servicetitan.conf", file);
	free(file);
	cs_conf_unref(conf);
	load_conf("");
	use_plugin("servicetitan");
	return add_connection("servicetitan", "", "{\"tenant_id\":\"1122334455\"}");
}

static void
receive_servicetitan(const char *body, const char *header, const char *signature)
{
	const struct cs_header h = { header, signature };

	receive_at(NOW, "POST", "/hooks/servicetitan", body, &h, 1);
}

START_TEST(without_a_key_servicetitans_messages_are_hints)
{
	struct cs_conn_row c = use_servicetitan("");

	receive_servicetitan(ST_BODY, "x-servicetitan-signature", "guess");
	ck_assert_uint_eq(got.n_rows, 1);
	ck_assert_int_eq(got.rows[0].conn_id, c.id);
	ck_assert(!got.rows[0].is_verified);
}
END_TEST

START_TEST(with_a_key_servicetitan_may_sign_in_hex_or_base64)
{
	static const char *const good[] = { ST_HEX, ST_BASE64 }, *const bad[] = { "", "guess", ST_HEX "00", "0" ST_HEX, ST_BASE64 "AAAA" };

	use_servicetitan(ST_KEY);
	for (size_t i = 0; i < CS_ARRAY_LEN(good); i++) {
		receive_servicetitan(ST_BODY, "X-ServiceTitan-Signature", good[i]);
		ck_assert_uint_eq(got.n_rows, 1);
		ck_assert(got.rows[0].is_verified);
	}
	for (size_t i = 0; i < CS_ARRAY_LEN(bad); i++) {
		receive_servicetitan(ST_BODY, "X-ServiceTitan-Signature", bad[i]);
		ck_assert_msg(got.status == 401, "case %zu", i);
	}
	receive_plain("POST", "/hooks/servicetitan", ST_BODY);
	ck_assert_int_eq(got.status, 401);
}
END_TEST

START_TEST(what_servicetitan_does_not_publish_can_be_set)
{
	use_servicetitan(ST_KEY "settings : { webhook_header = \"X-Sig\"; webhook_encoding = \"hex\"; webhook_tenant = \"/eventType\"; };\n");
	receive_servicetitan(ST_BODY, "X-Sig", ST_BASE64);
	ck_assert_int_eq(got.status, 401);
	receive_servicetitan(ST_BODY, "X-ServiceTitan-Signature", ST_HEX);
	ck_assert_int_eq(got.status, 401);
	receive_servicetitan(ST_BODY, "X-Sig", ST_HEX);
	ck_assert_int_eq(got.status, 0);
	ck_assert_uint_eq(got.n_rows, 0);
	ck_assert_uint_eq(got.n_unknown, 1); /* the tenant was looked for there */
}
END_TEST

/* ---- other kinds of proof */

START_TEST(an_unsigned_message_is_kept_as_a_hint)
{
	struct cs_conn_row c = add_connection("acme_crm", "", "");

	use_webhook_row("{\"scope\":\"connection\",\"verify\":{\"kind\":\"none\"}}");
	receive_plain("POST", path_of(&c), "{\"id\":1}");
	ck_assert_uint_eq(got.n_rows, 1);
	ck_assert(!got.rows[0].is_verified);
}
END_TEST

START_TEST(the_token_in_a_body_is_checked_and_not_kept)
{
	struct cs_conn_row c = add_connection("acme_crm", "", "");

	seal(c.id, "token", "geheim");
	use_webhook_row("{\"scope\":\"connection\",\"verify\":{\"kind\":\"body-token\",\"secret\":\"token\",\"pointer\":\"/token\"}}");
	receive_plain("POST", path_of(&c), "{\"id\":1,\"token\":\"geheim\"}");
	ck_assert_uint_eq(got.n_rows, 1);
	ck_assert_ptr_null(memmem(got.rows[0].body.ptr, got.rows[0].body.len, "geheim", 6));
	receive_plain("POST", path_of(&c), "{\"id\":1,\"token\":\"falsch\"}");
	ck_assert_int_eq(got.status, 401);
}
END_TEST

START_TEST(the_secret_of_an_address_is_checked)
{
	struct cs_conn_row c = add_connection("acme_crm", "", "");

	seal(c.id, "token", "geheim");
	use_webhook_row("{\"scope\":\"connection\",\"verify\":{\"kind\":\"url-token\",\"secret\":\"token\"}}");
	receive_plain("POST", cs_arena_printf(&arena, "%s/geheim", path_of(&c)), "{\"id\":1}");
	ck_assert_uint_eq(got.n_rows, 1);
	receive_plain("POST", cs_arena_printf(&arena, "%s/falsch", path_of(&c)), "{\"id\":1}");
	ck_assert_int_eq(got.status, 401);
	receive_plain("POST", path_of(&c), "{\"id\":1}");
	ck_assert_int_eq(got.status, 401);
}
END_TEST

/* ---- questions */

START_TEST(a_challenge_in_the_query_is_echoed_as_text)
{
	struct cs_conn_row c = add_connection("acme_crm", "", "");

	use_webhook_row("{\"scope\":\"connection\",\"verify\":{\"kind\":\"none\"},\"challenge\":{\"query\":\"hub.challenge\"}}");
	receive_plain("GET", cs_arena_printf(&arena, "%s?x=1&hub.challenge=a%%20b", path_of(&c)), "");
	ck_assert_int_eq(got.status, 200);
	ck_assert_str_eq(got.body, "a b");
	ck_assert_int_eq(strncmp(got.type, "text/plain", 10), 0);
	receive_plain("GET", cs_arena_printf(&arena, "%s?hub.challenge=a%%0d%%0ab", path_of(&c)), "");
	ck_assert_str_eq(got.result, "probe");
}
END_TEST

START_TEST(a_challenge_in_the_body_is_echoed_as_json)
{
	struct cs_conn_row c = add_connection("acme_crm", "", "");

	use_webhook_row("{\"scope\":\"connection\",\"verify\":{\"kind\":\"none\"},\"challenge\":{\"pointer\":\"/challenge\"}}");
	receive_plain("POST", path_of(&c), "{\"challenge\":\"3eZ\\\"b\"}");
	ck_assert_int_eq(got.status, 200);
	ck_assert_str_eq(got.body, "{\"challenge\":\"3eZ\\\"b\"}");
	ck_assert_str_eq(got.type, "application/json");
	receive_plain("POST", path_of(&c), "{\"id\":1}");
	ck_assert_uint_eq(got.n_rows, 1);
}
END_TEST

/* ---- limits */

START_TEST(what_is_too_large_or_no_post_is_refused)
{
	struct cs_conn_row c = add_connection("acme_crm", "", "");
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);

	use_webhook_row("{\"scope\":\"connection\",\"verify\":{\"kind\":\"none\"},\"events\":\"\"}");
	cs_buf_adds(&b, "[{\"a\":0}");
	for (int i = 1; i <= 1000; i++)
		cs_buf_printf(&b, ",{\"a\":%d}", i);
	cs_buf_adds(&b, "]");
	receive_plain("POST", path_of(&c), cs_buf_str(&b));
	ck_assert_int_eq(got.status, 413);
	ck_assert_uint_eq(got.n_rows, 0);
	while (b.len <= (size_t)conf->limits.hook_size)
		cs_buf_adds(&b, "                                                                ");
	receive_plain("POST", path_of(&c), cs_buf_str(&b));
	ck_assert_int_eq(got.status, 413);
	receive_plain("PUT", path_of(&c), "{}");
	ck_assert_int_eq(got.status, 405);
}
END_TEST

START_TEST(what_is_no_json_is_an_event_only_where_nothing_must_be_found_in_it)
{
	struct cs_conn_row c = add_connection("acme_crm", "", "");

	use_webhook_row("{\"scope\":\"connection\",\"verify\":{\"kind\":\"none\"}}");
	receive_plain("POST", path_of(&c), "a=1&b=2");
	ck_assert_uint_eq(got.n_rows, 1);
	cs_manifest_unref(manifest);
	use_webhook_row("{\"scope\":\"connection\",\"verify\":{\"kind\":\"none\"},\"events\":\"/list\"}");
	receive_plain("POST", path_of(&c), "a=1&b=2");
	ck_assert_int_eq(got.status, 400);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_test(tc, hubspots_example_is_verified_and_goes_to_the_portals_connection);
	tcase_add_test(tc, the_same_message_has_the_same_key_and_another_one_another);
	tcase_add_test(tc, every_connection_of_a_tenant_gets_a_row);
	tcase_add_test(tc, jobbers_example_is_verified_and_goes_to_the_accounts_connection);
	tcase_add_test(tc, highlevels_example_is_verified_by_its_public_key);
	tcase_add_test(tc, one_account_in_its_many_forms_is_one_tenant);
	tcase_add_test(tc, an_unknown_tenant_is_answered_and_nothing_is_kept);
	tcase_add_test(tc, a_static_connection_is_found_by_the_account_in_its_file);
	tcase_add_test(tc, a_wrong_signature_is_refused_without_a_word_about_what_was_expected);
	tcase_add_test(tc, an_old_message_is_refused);
	tcase_add_test(tc, an_app_of_one_customer_calls_its_connections_address);
	tcase_add_test(tc, a_connections_address_takes_no_events_of_other_tenants);
	tcase_add_test(tc, housecall_pros_example_is_verified_and_kept_as_it_came);
	tcase_add_test(tc, a_dynamic_connections_secret_comes_out_of_the_vault);
	tcase_add_test(tc, without_a_secret_nothing_is_believed);
	tcase_add_test(tc, the_probe_of_a_set_up_page_is_answered_as_declared);
	tcase_add_test(tc, only_the_public_id_is_an_address);
	tcase_add_test(tc, one_without_an_address_for_the_whole_app_has_none);
	tcase_add_test(tc, paths_are_read_strictly);
	tcase_add_test(tc, without_a_key_servicetitans_messages_are_hints);
	tcase_add_test(tc, with_a_key_servicetitan_may_sign_in_hex_or_base64);
	tcase_add_test(tc, what_servicetitan_does_not_publish_can_be_set);
	tcase_add_test(tc, an_unsigned_message_is_kept_as_a_hint);
	tcase_add_test(tc, the_token_in_a_body_is_checked_and_not_kept);
	tcase_add_test(tc, the_secret_of_an_address_is_checked);
	tcase_add_test(tc, a_challenge_in_the_query_is_echoed_as_text);
	tcase_add_test(tc, a_challenge_in_the_body_is_echoed_as_json);
	tcase_add_test(tc, what_is_too_large_or_no_post_is_refused);
	tcase_add_test(tc, what_is_no_json_is_an_event_only_where_nothing_must_be_found_in_it);
}

int
main(void)
{
	return run_case("receive", set_up, tear_down, fill);
}
