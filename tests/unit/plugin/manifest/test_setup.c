/* SPDX-License-Identifier: Apache-2.0 */
/* crm.d files held against manifests: every fault at its place. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "conf/load.h"
#include "plugin/manifest/setup.h"

static char dir[64], path[128];
static struct cs_conf *conf;
static struct cs_conf_errors errs;

static void
write_file(const char *name, const char *text)
{
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	ck_assert_ptr_nonnull(f = fopen(path, "w"));
	fputs(text, f);
	fclose(f);
	chmod(path, 0600);
}

static void
set_up(void)
{
	CS_CLEANUP(cs_freep) char *main_conf = NULL;

	strcpy(dir, "/tmp/csrelay-setup-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/crm.d", dir);
	mkdir(path, 0700);
	main_conf = cs_xasprintf("plugins : { dir = \"%s\"; };\nstore : { path = \"%s/x.db\"; };\nlisten : { control = \"unix:%s/c\"; };\n", dir,
	    dir, dir);
	write_file("csrelay.conf", main_conf);
	write_file("acme.json", "{\"manifest\":1,\"name\":\"acme\",\"version\":\"1\",\"title\":\"Acme\",\"base_url\":\"${setting:base_url}\","
	                        "\"hosts\":[\"${setting:base_url}\"],\"settings\":[{\"key\":\"base_url\",\"type\":\"url\",\"label\":\"Address\","
	                        "\"default\":\"https://api.acme.example\"},{\"key\":\"size\",\"type\":\"int\",\"label\":\"Size\",\"min\":1,\"max\":9}],"
	                        "\"secrets\":[{\"name\":\"token\",\"label\":\"Token\",\"required\":true}],\"steps\":[{\"name\":\"send\"}]}");
	memset(&errs, 0, sizeof(errs));
	conf = NULL;
}

static void
tear_down(void)
{
	CS_CLEANUP(cs_freep) char *rm = cs_xasprintf("rm -rf %s", dir);

	cs_conf_errors_fini(&errs);
	cs_conf_unref(conf);
	ck_assert_int_eq(system(rm), 0);
}

static size_t
check_with(const char *connection)
{
	CS_CLEANUP(cs_freep) char *text = cs_xasprintf("enabled = true;\nconnections = ( {\n%s\n} );\n", connection), *main_conf = NULL;

	write_file("crm.d/acme.conf", text);
	main_conf = cs_xasprintf("%s/csrelay.conf", dir);
	if (cs_conf_load(main_conf, &conf, &errs) < 0)
		cs_conf_errors_print(&errs, stderr);
	ck_assert_ptr_nonnull(conf);
	return cs_setup_check(conf, &errs);
}

START_TEST(a_connection_that_fits_has_no_faults)
{
	ck_assert_uint_eq(check_with("name = \"a\"; account = \"acct\"; settings : { size = 3; }; secrets : { token = \"t0ken\"; };"), 0);
}
END_TEST

START_TEST(an_unknown_setting_is_named_with_its_line_and_the_near_one)
{
	ck_assert_uint_eq(check_with("name = \"a\"; account = \"acct\"; secrets : { token = \"t0ken\"; };\nsettings : { base_ulr = \"x\"; };"), 1);
	ck_assert_int_eq(errs.v[0].line, 4);
	ck_assert_str_eq(errs.v[0].option, "base_ulr");
	ck_assert_ptr_nonnull(strstr(errs.v[0].msg, "did you mean \"base_url\""));
}
END_TEST

START_TEST(a_value_that_is_not_allowed_is_named)
{
	ck_assert_uint_eq(check_with("name = \"a\"; account = \"acct\"; secrets : { token = \"t0ken\"; }; settings : { size = 12; };"), 1);
	ck_assert_ptr_nonnull(strstr(errs.v[0].msg, "size"));
}
END_TEST

START_TEST(a_missing_and_an_unknown_secret_are_named)
{
	ck_assert_uint_eq(check_with("name = \"a\"; account = \"acct\"; secrets : { tokken = \"t0ken\"; };"), 2);
	ck_assert_str_eq(errs.v[0].option, "tokken");
	ck_assert_ptr_nonnull(strstr(errs.v[1].msg, "needs the secret token"));
}
END_TEST

START_TEST(a_plugin_that_is_nowhere_is_named)
{
	CS_CLEANUP(cs_freep) char *json = cs_xasprintf("%s/acme.json", dir);

	unlink(json);
	ck_assert_uint_eq(check_with("name = \"a\"; account = \"acct\"; secrets : { token = \"t0ken\"; };"), 1);
	ck_assert_ptr_nonnull(strstr(errs.v[0].msg, "no plugin acme"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("setup");
	TCase *t = tcase_create("setup");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, a_connection_that_fits_has_no_faults);
	tcase_add_test(t, an_unknown_setting_is_named_with_its_line_and_the_near_one);
	tcase_add_test(t, a_value_that_is_not_allowed_is_named);
	tcase_add_test(t, a_missing_and_an_unknown_secret_are_named);
	tcase_add_test(t, a_plugin_that_is_nowhere_is_named);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
