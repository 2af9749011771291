/* SPDX-License-Identifier: Apache-2.0 */
/* crm.d/NAME.conf: settings, secrets, connections. */
#include "fixture.h"

static struct fixture fx;

static void
setup(void)
{
	fixture_init(&fx);
	put_in(&fx, "csrelay.conf", "", 0640);
}

static void
teardown(void)
{
	fixture_fini(&fx);
}

static int
load_crm(const char *text, mode_t mode)
{
	put_in(&fx, "crm.d/acme.conf", text, mode);
	return load(&fx);
}

START_TEST(a_full_file_is_carried_whole)
{
	const struct cs_conf_crm *crm;
	const struct cs_conf_connection *c;
	struct cs_conf_place none = { NULL, 0 };

	put_in(&fx, "cs", "top secret\n", 0640);
	put_in(&fx, "tok", "tok\xC3\xA9n", 0600);
	ck_assert_int_eq(load_crm("enabled = true;\n"
	                          "settings : { base_url = \"https://x.example\"; n = 3; big = 5000000000L; f = 0.5; on = true;\n"
	                          "  map : { a = \"b\"; list = [ 1, 2 ]; mixed = ( \"x\", { y = 1; } ); }; };\n"
	                          "secrets : { client_secret = \"@file:@D@/cs\"; };\n"
	                          "connections = (\n"
	                          "  { name = \"one\"; account = \"acct_xyz\"; crm_account_id = \"hcp_4829\"; label = \"Acme\";\n"
	                          "    settings : { note = \"long\"; };\n"
	                          "    secrets : { access_token = \"@file:@D@/tok\"; };\n"
	                          "    overrides = \"{\\\"lead_source\\\": \\\"Phone\\\"}\";\n"
	                          "    subscribe = [ \"routed\", \"events\" ]; paused = true;\n"
	                          "    timezone = \"America/New_York\"; contacts = [ \"ops@example.com\" ]; },\n"
	                          "  { name = \"two\"; account = \"*\"; subscribe = \"events\"; }\n"
	                          ");\n", 0644), 0);
	crm = cs_conf_crm_find(fx.conf, "acme");
	ck_assert_ptr_nonnull(crm);
	ck_assert(crm->enabled);
	ck_assert_str_eq(cs_json_text(crm->values.settings),
	                 "{\"base_url\":\"https://x.example\",\"n\":3,\"big\":5000000000,\"f\":0.5,\"on\":true,"
	                 "\"map\":{\"a\":\"b\",\"list\":[1,2],\"mixed\":[\"x\",{\"y\":1}]}}");
	ck_assert_int_eq(cs_conf_setting_place(&crm->values, "map", none).line, 3);
	ck_assert_str_eq(cs_conf_secret_find(&crm->values, "client_secret")->value, "top secret");
	ck_assert_ptr_null(cs_conf_secret_find(&crm->values, "other"));
	ck_assert_uint_eq(crm->n_connections, 2);
	c = &crm->connections[0];
	ck_assert_str_eq(c->name, "one");
	ck_assert_str_eq(c->account, "acct_xyz");
	ck_assert_str_eq(c->crm_account_id, "hcp_4829");
	ck_assert_str_eq(c->label, "Acme");
	ck_assert_str_eq(c->timezone, "America/New_York");
	ck_assert_str_eq(cs_json_text(c->overrides), "{\"lead_source\":\"Phone\"}");
	ck_assert_uint_eq(c->subscribe, CS_CONF_SUB_ROUTED | CS_CONF_SUB_EVENTS);
	ck_assert(c->paused);
	ck_assert_uint_eq(c->contacts.n, 1);
	ck_assert_str_eq(c->values.secrets[0].value, "tok\xC3\xA9n");
	ck_assert_uint_eq(c->values.secrets[0].len, 6);
	ck_assert_int_eq(c->at.line, 6);
	ck_assert_int_eq(cs_conf_setting_place(&c->values, "note", none).line, 7);
	ck_assert_int_eq(cs_conf_setting_place(&c->values, "absent", c->at).line, 6);
	ck_assert_str_eq(crm->connections[1].account, "*");
	ck_assert_uint_eq(crm->connections[1].subscribe, CS_CONF_SUB_EVENTS);
	ck_assert_str_eq(crm->connections[1].timezone, "");
}
END_TEST

START_TEST(faults_of_all_files_are_told_together)
{
	put_in(&fx, "csrelay.conf", "stor : { };\n", 0640);
	put_in(&fx, "crm.d/Bad Name.conf", "", 0644);
	put_in(&fx, "crm.d/broken.conf", "enabled = ;\n", 0644);
	ck_assert_int_lt(load_crm("enable = true;\n"
	                          "settings = 3;\n"
	                          "connections = (\n"
	                          "  { nam = \"one\"; account = \"a b\"; },\n"
	                          "  { name = \"x\"; account = \"a\"; subscribe = \"every\"; timezone = \"Mars/Base\"; },\n"
	                          "  { name = \"x\"; account = \"b\"; overrides = \"[1]\"; },\n"
	                          "  { name = \"y\"; account = \"b\"; overrides = \"{\"; paused = 1; contacts = [ 1 ]; },\n"
	                          "  { name = \"z\"; account = \"c\"; settings : { f = 1e999; }; },\n"
	                          "  7\n"
	                          ");\n", 0644), 0);
	ck_assert(has_error(&fx, "csrelay.conf:1: stor: unknown group; did you mean \"store\"?"));
	ck_assert(has_error(&fx, "Bad Name.conf: the file is not named after a plugin"));
	ck_assert(has_error(&fx, "broken.conf:1: syntax error"));
	ck_assert(has_error(&fx, "acme.conf:1: enable: unknown option; did you mean \"enabled\"?"));
	ck_assert(has_error(&fx, "acme.conf:2: settings: the value is a whole number"));
	ck_assert(has_error(&fx, "acme.conf:4: connections[0].nam: unknown option; did you mean \"name\"?"));
	ck_assert(has_error(&fx, "acme.conf:4: connections[0]: name is missing"));
	ck_assert(has_error(&fx, "acme.conf:4: connections[0].account: \"a b\""));
	ck_assert(has_error(&fx, "acme.conf:5: connections[1].subscribe: \"every\" is not known"));
	ck_assert(has_error(&fx, "connections[2].overrides: the text is JSON, but not an object"));
	ck_assert(has_error(&fx, "connections[2]: the connection in line 5 is named \"x\", too"));
	ck_assert(has_error(&fx, "connections[3]: leads for it would fit the connection in line 6 as well"));
	ck_assert(has_error(&fx, "connections[3].overrides"));
	ck_assert(has_error(&fx, "connections[3].paused: the value is a whole number"));
	ck_assert(has_error(&fx, "connections[3].contacts: item 1"));
	ck_assert(has_error(&fx, "acme.conf:8: connections[4].settings.f: the number is out of range"));
	ck_assert(has_error(&fx, "connections[5]: the value is a whole number"));
}
END_TEST

START_TEST(a_time_zone_must_be_known_where_there_is_a_database)
{
	struct stat st;
	int rc = load_crm("connections = ( { name = \"x\"; account = \"a\"; timezone = \"Mars/Base\"; } );", 0644);

	if (stat("/usr/share/zoneinfo", &st) == 0) {
		ck_assert_int_lt(rc, 0);
		ck_assert(has_error(&fx, "timezone: \"Mars/Base\" is not a known time zone"));
	} else {
		ck_assert_int_eq(rc, 0);
	}
	ck_assert_int_lt(load_crm("connections = ( { name = \"x\"; account = \"a\"; timezone = \"../../etc/passwd\"; } );", 0644), 0);
}
END_TEST

START_TEST(secret_files_are_judged)
{
	const char *text = "enabled = true;\nsecrets : { s = \"@file:@D@/s\"; };\n";
	char *big = cs_xmalloc(65538);

	ck_assert_int_lt(load_crm(text, 0644), 0);
	ck_assert(has_error(&fx, "acme.conf:2: secrets.s: could not open|/s: No such file"));
	put_in(&fx, "s", "value", 0644);
	ck_assert_int_lt(load_crm(text, 0644), 0);
	ck_assert(has_error(&fx, "everybody may read|(mode 0644)"));
	put_in(&fx, "s", "value", 0602);
	ck_assert_int_lt(load_crm(text, 0644), 0);
	ck_assert(has_error(&fx, "everybody may write"));
	put_in(&fx, "s", "\n", 0640);
	ck_assert_int_lt(load_crm(text, 0644), 0);
	ck_assert(has_error(&fx, "is empty"));
	memset(big, 'x', 65537);
	big[65537] = '\0';
	put_in(&fx, "s", big, 0640);
	ck_assert_int_lt(load_crm(text, 0644), 0);
	ck_assert(has_error(&fx, "is larger than 64 KiB"));
	big[65536] = '\0';
	put_in(&fx, "s", big, 0640);
	ck_assert_int_eq(load_crm(text, 0644), 0);
	ck_assert_uint_eq(fx.conf->crms[0].values.secrets[0].len, 65536);
	ck_assert_int_lt(load_crm("enabled = true;\nsecrets : { s = \"@file:s\"; };\n", 0644), 0);
	ck_assert(has_error(&fx, "@file: needs an absolute path"));
	ck_assert_int_lt(load_crm("enabled = true;\nsecrets : { s = \"@env:X\"; };\n", 0600), 0);
	ck_assert_int_lt(load_crm("enabled = true;\nsecrets : { s = \"@file:@D@\"; };\n", 0600), 0);
	ck_assert(has_error(&fx, "is not a regular file"));
	free(big);
}
END_TEST

START_TEST(a_secret_stands_only_in_a_file_of_the_owner)
{
	const char *text = "enabled = true;\nconnections = ( { name = \"x\"; account = \"a\"; secrets : { t = \"hunter2\"; }; } );\n";

	ck_assert_int_lt(load_crm(text, 0640), 0);
	ck_assert(has_error(&fx, "acme.conf:2: connections[0].secrets.t: a secret stands in a file that others can read (mode 0640)"));
	for (size_t i = 0; i < fx.errs.n; i++)
		ck_assert_ptr_null(strstr(fx.errs.v[i].msg, "hunter2"));
	ck_assert_int_lt(load_crm(text, 0604), 0);
	ck_assert_int_eq(load_crm(text, 0600), 0);
	ck_assert_str_eq(fx.conf->crms[0].connections[0].values.secrets[0].value, "hunter2");
}
END_TEST

START_TEST(secrets_of_a_disabled_crm_are_not_read)
{
	ck_assert_int_eq(load_crm("secrets : { s = \"@file:/nonexistent\"; };\n", 0644), 0);
	ck_assert(!fx.conf->crms[0].enabled);
	ck_assert_ptr_null(fx.conf->crms[0].values.secrets[0].value);
	ck_assert_int_lt(load_crm("secrets : { s = \"literal\"; };\n", 0644), 0);
}
END_TEST

START_TEST(files_come_sorted_and_strange_ones_are_left_alone)
{
	put_in(&fx, "crm.d/zeta.conf", "", 0644);
	put_in(&fx, "crm.d/beta_2.conf", "", 0644);
	put_in(&fx, "crm.d/beta.conf~", "rubbish {", 0644);
	put_in(&fx, "crm.d/.hidden.conf", "rubbish {", 0644);
	put_in(&fx, "crm.d/.conf", "rubbish {", 0644);
	ck_assert_int_eq(load_crm("", 0644), 0);
	ck_assert_uint_eq(fx.conf->n_crms, 3);
	ck_assert_str_eq(fx.conf->crms[0].name, "acme");
	ck_assert_str_eq(fx.conf->crms[1].name, "beta_2");
	ck_assert_str_eq(fx.conf->crms[2].name, "zeta");
	ck_assert_ptr_null(cs_conf_crm_find(fx.conf, "beta"));
}
END_TEST

START_TEST(many_connections_load_quickly)
{
	struct cs_buf b = CS_BUF_INIT(0);

	cs_buf_adds(&b, "enabled = true;\nconnections = (\n");
	for (int i = 0; i < 20000; i++)
		cs_buf_printf(&b, "%s{ name = \"c%d\"; account = \"acct_%d\"; settings : { n = %d; }; }\n", i > 0 ? "," : "", i, i, i);
	cs_buf_adds(&b, ");\n");
	ck_assert_int_eq(load_crm(cs_buf_str(&b), 0644), 0);
	ck_assert_uint_eq(fx.conf->crms[0].n_connections, 20000);
	ck_assert_str_eq(fx.conf->crms[0].connections[19999].account, "acct_19999");
	ck_assert_int_eq(fx.conf->crms[0].connections[19999].at.line, 20002);
	cs_buf_fini(&b);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("conf crm");
	TCase *t = tcase_create("crm");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_full_file_is_carried_whole);
	tcase_add_test(t, faults_of_all_files_are_told_together);
	tcase_add_test(t, a_time_zone_must_be_known_where_there_is_a_database);
	tcase_add_test(t, secret_files_are_judged);
	tcase_add_test(t, a_secret_stands_only_in_a_file_of_the_owner);
	tcase_add_test(t, secrets_of_a_disabled_crm_are_not_read);
	tcase_add_test(t, files_come_sorted_and_strange_ones_are_left_alone);
	tcase_add_test(t, many_connections_load_quickly);
	suite_add_tcase(s, t);
	return run_suite(s);
}
