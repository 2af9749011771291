/* SPDX-License-Identifier: Apache-2.0 */
/* test_manifest.c - what a manifest becomes. (What is refused, and how: contract/test_manifests.py.) */
#include "config.h"
#include "plugin/manifest/manifest.h"

#include <check.h>
#include <cs/plugin_v1.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char whole[] =
	"{\"manifest\":1,\"name\":\"acme\",\"version\":\"1.2.3\",\"title\":\"Acme\",\"plans\":\"All.\",\"experimental\":true,"
	"\"logo\":\"acme.svg\",\"setup\":[{\"text\":\"Do it.\"}],"
	"\"base_url\":\"${setting:base_url}/v1\",\"hosts\":[\"${setting:base_url}\",\"*.acme.com\"],"
	"\"settings\":[{\"key\":\"base_url\",\"type\":\"url\",\"label\":\"Address\",\"help\":\"Where.\",\"required\":true,"
	"  \"advanced\":true,\"default\":\"https://api.acme.com\",\"pattern\":\"acme\"},"
	" {\"key\":\"stage\",\"type\":\"choice\",\"label\":\"Stage\",\"choices\":[{\"value\":\"a\",\"label\":\"A\"},{\"value\":\"b\",\"label\":\"B\"}],"
	"  \"depends_on\":\"base_url\"},"
	" {\"key\":\"age\",\"type\":\"int\",\"label\":\"Age\",\"min\":1,\"x-mine\":2},"
	" {\"key\":\"map\",\"type\":\"fieldmap\",\"label\":\"Map\",\"columns\":{\"a\":1},\"choices_from\":\"owners\"},"
	" {\"key\":\"signs\",\"type\":\"bool\",\"label\":\"Sign\"}],"
	"\"facts\":[{\"name\":\"hub_id\",\"label\":\"Hub\"},{\"name\":\"plain\",\"default\":\"${setting:base_url}\"}],"
	"\"secrets\":[{\"name\":\"token\",\"label\":\"Token\",\"required\":true,\"hosts\":[\"api.acme.com\"]},{\"name\":\"hook\"},{\"name\":\"refresh\"}],"
	"\"request\":{\"headers\":{\"Authorization\":\"Bearer ${secret:token}\"},\"query\":{\"v\":\"2\"},"
	"  \"json\":{\"/auth\":\"${secret:token}\"},\"form\":{\"k\":\"x\"}},"
	"\"sign\":{\"kind\":\"standard-webhooks\",\"secrets\":[\"token\",\"hook\"],\"setting\":\"signs\"},"
	"\"auth\":[{\"kind\":\"oauth2\",\"setup\":[{\"text\":\"Press the button.\"}],"
	"  \"authorize_url\":\"https://acme.com/authorize\",\"token_url\":\"${setting:base_url}/token\",\"scopes\":[\"a\",\"b\"],\"scope_separator\":\",\","
	"  \"pkce\":\"S256\",\"client_id\":\"${setting:stage}\",\"client_secret\":\"hook\",\"client_auth\":\"basic\",\"body\":\"json\","
	"  \"access_token\":\"token\",\"refresh_token\":\"refresh\",\"authorize_params\":{\"access_type\":\"offline\"},"
	"  \"token_params\":{\"x\":\"${setting:age}\"},\"redirect_in_refresh\":true,\"renew\":\"plugin\","
	"  \"answer\":{\"expires_in\":\"/life\",\"facts\":{\"hub_id\":\"/hub\"}},\"callback_facts\":{\"plain\":\"accounts-server\"},"
	"  \"expires_s\":3600,\"margin_s\":30,\"idle_life_s\":5184000,\"rotates\":false,\"lost_refresh\":\"needs_reauth\","
	"  \"dead_grant\":[\"invalid_code\",\"401\"]},"
	" {\"kind\":\"static\",\"name\":\"key\",\"label\":\"Key\",\"secrets\":[\"hook\"],\"request\":{\"headers\":{\"X-Key\":\"${secret:hook}\"}}}],"
	"\"limits\":[{\"class\":\"api\",\"per\":\"fact:hub_id\",\"count\":100,\"window_ms\":10000},"
	" {\"class\":\"search\",\"per\":\"crm\",\"count\":5,\"window_ms\":1000,\"burst\":2}],"
	"\"steps\":[{\"name\":\"find\"},{\"name\":\"create\",\"label\":\"Create it\",\"mutates\":true,\"on_doubt\":\"ask\","
	"  \"lookup_lag_ms\":30000,\"per_caller\":true}],"
	"\"status\":{\"423\":\"wait\",\"409\":\"done\",\"400\":\"unknown\"},"
	"\"retry_after\":{\"header\":\"X-Wait\",\"unit\":\"ms\"},"
	"\"identify\":{\"path\":\"/me\",\"id\":\"/id\",\"name\":\"/name\",\"facts\":{\"hub_id\":\"/id\",\"timezone\":\"/tz\"}},"
	"\"choices\":[{\"list\":\"owners\",\"path\":\"/owners\",\"items\":\"\",\"value\":\"/id\"}],"
	"\"webhook\":{\"scope\":\"app\",\"verify\":{\"kind\":\"sha256-prefix\",\"secret\":\"hook\",\"header\":\"X-Sig\",\"prefix\":\"v1=\","
	"  \"encoding\":\"base64\",\"key_decoding\":\"hex\",\"signed\":[\"method\",\"body\"],\"separator\":\".\","
	"  \"timestamp_header\":\"X-Time\",\"timestamp_unit\":\"ms\",\"tolerance_s\":300},"
	"  \"events\":\"\",\"tenant\":\"/portal\",\"tenant_fact\":\"hub_id\",\"dedupe\":[\"/a\",\"/b\"],"
	"  \"reply\":{\"status\":204,\"body\":\"ok\"},\"challenge\":{\"pointer\":\"/challenge\"}},"
	"\"poll\":{\"every_ms\":300000},"
	"\"links\":{\"contact\":\"https://acme.com/${id}\"},\"x-anything\":[]}";

static struct cs_manifest *
parse(const char *text)
{
	struct cs_manifest *m;
	struct cs_err err = { 0 };

	ck_assert_msg(cs_manifest_parse(text, strlen(text), &m, &err) == 0, "%s", err.msg);
	return m;
}

START_TEST(ways_to_be_authorized_arrive_with_all_that_the_tokens_need)
{
	struct cs_manifest *m = parse(whole);
	const struct cs_auth_way *w = &m->ways[0], *key = &m->ways[1];

	ck_assert_uint_eq(m->n_ways, 2);
	ck_assert(w->kind == CS_AUTH_OAUTH2 && w->grant == CS_GRANT_CODE && w->pkce == 1 && w->client_auth == CS_CLIENT_BASIC &&
	    w->body_json == 1 && w->redirect_in_refresh && w->by_plugin == 1 && !w->rotates && w->needs_reauth == 1);
	ck_assert(cs_manifest_renews(m) && !key->by_plugin);
	ck_assert_str_eq(w->name, "oauth2");
	ck_assert_str_eq(w->label, "Connect with Acme");
	ck_assert_str_eq(w->setup[0].text, "Press the button.");
	ck_assert_str_eq(w->authorize_url, "https://acme.com/authorize");
	ck_assert_str_eq(w->token_url, "${setting:base_url}/token");
	ck_assert(w->n_scopes == 2 && strcmp(w->scopes[1], "b") == 0 && strcmp(w->scope_separator, ",") == 0);
	ck_assert_str_eq(w->client_id, "${setting:stage}");
	ck_assert_str_eq(w->client_secret, "hook");
	ck_assert_str_eq(w->access_token, "token");
	ck_assert_str_eq(w->refresh_token, "refresh");
	ck_assert_str_eq(w->authorize_params[0].value, "offline");
	ck_assert_str_eq(w->token_params[0].name, "x");
	ck_assert_str_eq(w->at_access, "/access_token");
	ck_assert_str_eq(w->at_expires, "/life");
	ck_assert_str_eq(w->facts[0].value, "/hub");
	ck_assert_str_eq(w->callback_facts[0].value, "accounts-server");
	ck_assert(w->expires_s == 3600 && w->margin_s == 30 && w->idle_life_s == 5184000);
	ck_assert(w->n_dead_grant == 2 && strcmp(w->dead_grant[0], "invalid_code") == 0);
	ck_assert(key->kind == CS_AUTH_STATIC && key->n_secrets == 1 && m->places[4].way == key && m->places[0].way == NULL);
	cs_manifest_unref(m);
}
END_TEST

static bool
is_it(void *ctx, const char *secret)
{
	return strcmp(ctx, secret) == 0;
}

START_TEST(what_a_connection_has_says_which_way_it_uses)
{
	struct cs_manifest *m = parse(whole);

	ck_assert_str_eq(cs_manifest_way(m, is_it, (char[]){ "hook" })->name, "key");
	ck_assert_str_eq(cs_manifest_way(m, is_it, (char[]){ "token" })->name, "oauth2");
	ck_assert_str_eq(cs_manifest_way(m, is_it, (char[]){ "refresh" })->name, "oauth2");
	ck_assert_str_eq(cs_manifest_way(m, is_it, (char[]){ "nothing" })->name, "oauth2");
	ck_assert_str_eq(cs_manifest_way_named(m, NULL)->name, "oauth2");
	ck_assert_str_eq(cs_manifest_way_named(m, "key")->name, "key");
	ck_assert_ptr_null(cs_manifest_way_named(m, "else"));
	cs_manifest_unref(m);
}
END_TEST

START_TEST(a_client_credentials_grant_has_no_refresh_token_and_dies_with_its_client)
{
	struct cs_manifest *m = parse("{\"manifest\":1,\"name\":\"a\",\"version\":\"1\",\"title\":\"A\",\"hosts\":[\"a.com\"],"
	                              "\"settings\":[{\"key\":\"id\",\"type\":\"text\",\"label\":\"Id\"}],"
	                              "\"secrets\":[{\"name\":\"access_token\"},{\"name\":\"client_secret\"}],"
	                              "\"auth\":{\"kind\":\"oauth2\",\"grant\":\"client_credentials\",\"token_url\":\"https://a.com/t\","
	                              "\"client_id\":\"${setting:id}\",\"client_secret\":\"client_secret\"}}");
	const struct cs_auth_way *w = &m->ways[0];

	ck_assert(w->grant == CS_GRANT_CLIENT && w->refresh_token == NULL && w->client_auth == CS_CLIENT_BODY && w->margin_s == 60);
	ck_assert_uint_eq(w->n_dead_grant, 3);
	ck_assert_str_eq(w->dead_grant[1], "invalid_client");
	ck_assert_ptr_null(cs_manifest_way_named(m, NULL));
	cs_manifest_unref(m);
}
END_TEST

START_TEST(every_key_arrives_in_the_struct)
{
	struct cs_manifest *m = parse(whole);

	ck_assert_str_eq(m->name, "acme");
	ck_assert_str_eq(m->version, "1.2.3");
	ck_assert_str_eq(m->title, "Acme");
	ck_assert_str_eq(m->plans, "All.");
	ck_assert(m->experimental && m->has_webhook);
	ck_assert_str_eq(m->base_url, "${setting:base_url}/v1");
	ck_assert_uint_eq(m->n_hosts, 2);
	ck_assert_str_eq(m->hosts[1], "*.acme.com");
	ck_assert_str_eq(m->facts[1].dflt, "${setting:base_url}");
	ck_assert_uint_eq(m->n_places, 5);
	ck_assert(m->places[0].kind == CS_PLACE_HEADER && m->places[2].kind == CS_PLACE_JSON);
	ck_assert_str_eq(m->places[0].name, "Authorization");
	ck_assert_str_eq(m->places[2].template, "${secret:token}");
	ck_assert(m->sign.n_secrets == 2 && strcmp(m->sign.secrets[1], "hook") == 0);
	ck_assert_str_eq(m->sign.setting, "signs");
	ck_assert_str_eq(m->retry_after_header, "X-Wait");
	ck_assert_int_eq(m->retry_after_unit_ms, 1);
	ck_assert_int_eq(m->poll_every_ms, 300000);
	ck_assert_str_eq(m->links[0].name, "contact");
	ck_assert_str_eq(m->identify.path, "/me");
	ck_assert_uint_eq(m->identify.n_facts, 2);
	ck_assert_str_eq(m->identify.facts[1].value, "/tz");
	ck_assert_str_eq(m->choices[0].items, "");
	ck_assert_str_eq(m->choices[0].label, "/id"); /* without one the value is shown */
	ck_assert_ptr_null(m->choices[0].next);
	cs_manifest_unref(m);
}
END_TEST

START_TEST(settings_arrive_in_the_struct)
{
	struct cs_manifest *m = parse(whole);
	const struct cs_setting_row *s = m->settings;

	ck_assert_uint_eq(m->n_settings, 5);
	ck_assert(s[0].type == CS_SETTING_URL && s[0].required && s[0].advanced);
	ck_assert_str_eq(s[0].help, "Where.");
	ck_assert_str_eq(s[0].pattern, "acme");
	ck_assert_str_eq(json_object_get_string(s[0].dflt), "https://api.acme.com");
	ck_assert(s[0].min > s[0].max); /* no bounds */
	ck_assert(s[1].type == CS_SETTING_CHOICE && s[1].n_choices == 2);
	ck_assert_str_eq(s[1].choices[1].value, "b");
	ck_assert_str_eq(s[1].depends_on, "base_url");
	ck_assert_str_eq(s[1].help, "");
	ck_assert_ptr_null(s[1].pattern);
	ck_assert(s[2].min == 1 && s[2].max > 1e300);
	ck_assert_int_eq(s[3].type, CS_SETTING_FIELDMAP);
	ck_assert_str_eq(s[3].choices_from, "owners");
	ck_assert_ptr_eq(cs_manifest_setting(m, "age"), &s[2]);
	ck_assert_ptr_null(cs_manifest_setting(m, "nothing"));
	cs_manifest_unref(m);
}
END_TEST

START_TEST(rows_are_found_by_name)
{
	struct cs_manifest *m = parse(whole);
	const struct cs_step_row *create = cs_manifest_step(m, "create");

	ck_assert(create->mutates && create->per_caller && create->on_doubt == CS_DOUBT_ASK);
	ck_assert_int_eq(create->lookup_lag_ms, 30000);
	ck_assert_str_eq(create->label, "Create it");
	ck_assert_str_eq(cs_manifest_step(m, "find")->label, "find");
	ck_assert_int_eq(cs_manifest_step(m, "find")->on_doubt, CS_DOUBT_LOOK);
	ck_assert_ptr_null(cs_manifest_step(m, "note"));
	ck_assert_str_eq(cs_manifest_limit(m, NULL)->class, "api");
	ck_assert_int_eq(cs_manifest_limit(m, "api")->burst, 100); /* without the key */
	ck_assert_int_eq(cs_manifest_limit(m, "search")->burst, 2);
	ck_assert_ptr_null(cs_manifest_limit(m, "write"));
	ck_assert_uint_eq(cs_manifest_secret(m, "token")->n_hosts, 1);
	ck_assert_str_eq(cs_manifest_secret(m, "hook")->label, "hook");
	ck_assert_ptr_null(cs_manifest_secret(m, "key"));
	ck_assert_str_eq(m->facts[1].label, "plain");
	ck_assert_int_eq(cs_manifest_status(m, 423), CS_WAIT);
	ck_assert_int_eq(cs_manifest_status(m, 409), CS_DONE);
	ck_assert_int_eq(cs_manifest_status(m, 400), CS_UNKNOWN);
	ck_assert_int_eq(cs_manifest_status(m, 500), -1);
	cs_manifest_unref(m);
}
END_TEST

START_TEST(the_webhook_row_arrives_in_the_struct)
{
	struct cs_manifest *m = parse(whole);
	const struct cs_webhook_row *w = &m->webhook;
	const struct cs_verify_row *v = &w->verify;

	ck_assert(w->app_scope && w->reply_status == 204);
	ck_assert_str_eq(w->events, "");
	ck_assert_str_eq(w->tenant, "/portal");
	ck_assert_str_eq(w->tenant_fact, "hub_id");
	ck_assert_uint_eq(w->n_dedupe, 2);
	ck_assert_str_eq(w->reply_body, "ok");
	ck_assert_str_eq(w->reply_type, "text/plain");
	ck_assert_ptr_null(w->challenge_query);
	ck_assert_str_eq(w->challenge_pointer, "/challenge");
	ck_assert(v->kind == CS_VERIFY_SHA256_PREFIX && v->encoding == CS_ENCODING_BASE64 && v->key_decoding == CS_KEY_HEX);
	ck_assert_str_eq(v->prefix, "v1=");
	ck_assert_uint_eq(v->n_signed, 2);
	ck_assert_str_eq(v->signed_parts[0], "method");
	ck_assert_str_eq(v->separator, ".");
	ck_assert(v->timestamp_unit_ms == 1 && v->tolerance_ms == 300000);
	cs_manifest_unref(m);
}
END_TEST

START_TEST(what_is_left_out_has_its_default)
{
	struct cs_manifest *m = parse("{\"manifest\":1,\"name\":\"a\",\"version\":\"1\",\"title\":\"A\",\"hosts\":[],"
	                              "\"webhook\":{\"scope\":\"connection\",\"verify\":{\"kind\":\"url-token\"}}}");

	ck_assert_str_eq(m->base_url, "");
	ck_assert_str_eq(m->plans, "");
	ck_assert_str_eq(m->retry_after_header, "retry-after");
	ck_assert_int_eq(m->retry_after_unit_ms, 1000);
	ck_assert(m->n_ways == 1 && m->ways[0].kind == CS_AUTH_STATIC && !m->experimental && m->identify.path == NULL && m->poll_every_ms == 0);
	ck_assert_uint_eq(m->n_settings + m->n_facts + m->n_secrets + m->n_places + m->n_limits + m->n_steps, 0);
	ck_assert_ptr_null(cs_manifest_limit(m, NULL));
	ck_assert(m->has_webhook && !m->webhook.app_scope && m->webhook.reply_status == 200);
	ck_assert_ptr_null(m->webhook.events);
	ck_assert_str_eq(m->webhook.verify.signed_parts[0], "body");
	ck_assert_str_eq(m->webhook.verify.separator, "");
	ck_assert(m->webhook.verify.tolerance_ms == 0 && m->webhook.verify.timestamp_unit_ms == 1000);
	cs_manifest_unref(m);
}
END_TEST

START_TEST(who_is_connected_may_be_left_to_the_plugin_with_the_facts_it_brings)
{
	struct cs_manifest *m = parse("{\"manifest\":1,\"name\":\"a\",\"version\":\"1\",\"title\":\"A\",\"hosts\":[],"
	                              "\"facts\":[{\"name\":\"hub_id\"}],\"identify\":{\"facts\":{\"hub_id\":\"/hub_id\"}}}");

	ck_assert_ptr_null(m->identify.path);
	ck_assert_uint_eq(m->identify.n_facts, 1);
	ck_assert_str_eq(m->identify.facts[0].name, "hub_id");
	cs_manifest_unref(m);
}
END_TEST

START_TEST(a_file_that_is_refused_is_named)
{
	char path[] = "/tmp/cs-manifest-XXXXXX";
	int fd = mkstemp(path);
	struct cs_manifest *m = (void *)1;
	struct cs_err err = { 0 };

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "{\"manifest\":1}", 14), 14);
	ck_assert_int_eq(cs_manifest_read(path, &m, &err), CS_EINVAL);
	ck_assert_ptr_null(m);
	ck_assert_ptr_eq(strstr(err.msg, path), err.msg);
	ck_assert_ptr_nonnull(strstr(err.msg, "\"name\" is missing"));
	ck_assert_int_eq(cs_manifest_read("/nonexistent.json", &m, &err), CS_ENOTFOUND);
	ck_assert_int_eq(cs_manifest_read(path, &m, NULL), CS_EINVAL);
	unlink(path);
	close(fd);
}
END_TEST

START_TEST(no_text_cut_anywhere_is_a_manifest)
{
	struct cs_manifest *m;
	struct cs_err err;

	for (size_t n = 0; n < strlen(whole); n++)
		ck_assert_int_eq(cs_manifest_parse(whole, n, &m, &err), CS_EINVAL);
}
END_TEST

START_TEST(references_are_counted)
{
	struct cs_manifest *m = parse(whole), *other = cs_manifest_ref(m);

	ck_assert_ptr_eq(m, other);
	cs_manifest_unref(m);
	ck_assert_str_eq(other->name, "acme");
	cs_manifest_unref(other);
	cs_manifest_unref(NULL);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("manifest");
	TCase *tc = tcase_create("manifest");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(tc, every_key_arrives_in_the_struct);
	tcase_add_test(tc, ways_to_be_authorized_arrive_with_all_that_the_tokens_need);
	tcase_add_test(tc, what_a_connection_has_says_which_way_it_uses);
	tcase_add_test(tc, a_client_credentials_grant_has_no_refresh_token_and_dies_with_its_client);
	tcase_add_test(tc, settings_arrive_in_the_struct);
	tcase_add_test(tc, rows_are_found_by_name);
	tcase_add_test(tc, the_webhook_row_arrives_in_the_struct);
	tcase_add_test(tc, what_is_left_out_has_its_default);
	tcase_add_test(tc, who_is_connected_may_be_left_to_the_plugin_with_the_facts_it_brings);
	tcase_add_test(tc, a_file_that_is_refused_is_named);
	tcase_add_test(tc, no_text_cut_anywhere_is_a_manifest);
	tcase_add_test(tc, references_are_counted);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
