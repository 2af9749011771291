/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_refusals.c - the exact words with which a plugin is refused: an operator reads them in the log at an upgrade. (Owner and
 * mode of the file: unit/plughost/test_load.c; what a newer minor finds: unit/plugin/test_remote.c.)
 */
#include "config.h"
#include "plughost/load.h"
#include "plugin/manifest/manifest.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name, *text;
} refused[] = {
	{ "too_old", "struct_size: expected at least 72 (1.0), found 40" },
	{ "no_entry", "entry symbol: expected cs_plugin_v1_entry, found none" },
	{ "wrong_name", "name: expected \"wrong_name\" (the file's name), found \"another\"" },
	{ "wrong_version", "version: expected \"1.0.0\" (the manifest's), found \"9.9.9\"" },
	{ "no_push", "push: expected a function, found NULL" },
};

START_TEST(a_refusal_says_what_was_expected_and_found)
{
	struct cs_plugin *p = NULL;
	struct cs_err err = { 0 };
	char path[100], text[300];

	snprintf(path, sizeof(path), "%s/%s.so", TEST_PLUGINS, refused[_i].name);
	snprintf(text, sizeof(text), "%s: %s", path, refused[_i].text);
	ck_assert_int_eq(cs_plugin_load(path, refused[_i].name, "1.0.0", true, &p, &err), CS_EINVAL);
	ck_assert_ptr_null(p);
	ck_assert_str_eq(err.msg, text);
}
END_TEST

START_TEST(a_manifest_of_a_later_format_is_refused)
{
	static const char later[] = "{\"manifest\":2,\"name\":\"x\",\"version\":\"1\",\"title\":\"X\",\"hosts\":[]}";
	struct cs_manifest *m = NULL;
	struct cs_err err = { 0 };

	ck_assert_int_eq(cs_manifest_parse(later, strlen(later), &m, &err), CS_EINVAL);
	ck_assert_ptr_null(m);
	ck_assert_msg(strstr(err.msg, "/manifest") != NULL, "%s", err.msg);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("refusals");
	TCase *tc = tcase_create("refusals");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_loop_test(tc, a_refusal_says_what_was_expected_and_found, 0, (int)CS_ARRAY_LEN(refused));
	tcase_add_test(tc, a_manifest_of_a_later_format_is_refused);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
