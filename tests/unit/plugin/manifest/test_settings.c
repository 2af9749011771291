/* SPDX-License-Identifier: Apache-2.0 */
/* test_settings.c - a connection's settings against the manifest's rows. */
#include "config.h"
#include "plugin/manifest/manifest.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const char rows[] =
	"{\"manifest\":1,\"name\":\"acme\",\"version\":\"1\",\"title\":\"A\",\"hosts\":[],\"settings\":["
	"{\"key\":\"base_url\",\"type\":\"url\",\"label\":\"Address\",\"required\":true,\"default\":\"https://a.example\"},"
	"{\"key\":\"version\",\"type\":\"text\",\"label\":\"Version\",\"pattern\":\"^[0-9]{4}-[0-9]{2}$\"},"
	"{\"key\":\"count\",\"type\":\"int\",\"label\":\"Count\",\"min\":1,\"max\":9,\"default\":3},"
	"{\"key\":\"score\",\"type\":\"number\",\"label\":\"Score\",\"max\":0.5},"
	"{\"key\":\"sign\",\"type\":\"bool\",\"label\":\"Sign\",\"default\":true},"
	"{\"key\":\"kind\",\"type\":\"choice\",\"label\":\"Kind\",\"choices\":[{\"value\":\"a\",\"label\":\"A\"},{\"value\":\"b\",\"label\":\"B\"}]},"
	"{\"key\":\"owner\",\"type\":\"choice\",\"label\":\"Owner\",\"choices_from\":\"owners\"},"
	"{\"key\":\"stages\",\"type\":\"list\",\"label\":\"Stages\",\"default\":[\"won\"]},"
	"{\"key\":\"headers\",\"type\":\"map\",\"label\":\"Headers\"},"
	"{\"key\":\"fields\",\"type\":\"fieldmap\",\"label\":\"Fields\"},"
	"{\"key\":\"deal\",\"type\":\"bool\",\"label\":\"Make a deal\"},"
	"{\"key\":\"pipeline\",\"type\":\"text\",\"label\":\"Pipeline\",\"required\":true,\"depends_on\":\"deal\"}]}";

static int
check(const char *given, json_object **out, struct cs_err *err)
{
	json_object *o = given != NULL ? json_tokener_parse(given) : NULL;
	struct cs_manifest *m;
	int rc;

	ck_assert_int_eq(cs_manifest_parse(rows, strlen(rows), &m, err), 0);
	rc = cs_manifest_settings(m, o, out, err);
	json_object_put(o);
	cs_manifest_unref(m);
	return rc;
}

START_TEST(defaults_lie_under_what_is_given)
{
	json_object *out;
	struct cs_err err = { 0 };

	ck_assert_msg(check("{\"count\":9,\"kind\":\"b\",\"sign\":null}", &out, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(cs_json_int(out, "count", 0), 9);
	ck_assert_str_eq(cs_json_str(out, "kind", ""), "b");
	ck_assert_str_eq(cs_json_str(out, "base_url", ""), "https://a.example");
	ck_assert(cs_json_bool(out, "sign", false)); /* null: not given */
	ck_assert_str_eq(json_object_get_string(json_object_array_get_idx(cs_json_get(out, "stages"), 0)), "won");
	ck_assert_int_eq(json_object_object_length(out), 12); /* every known key */
	ck_assert_ptr_null(cs_json_get(out, "version"));
	json_object_put(out);
}
END_TEST

START_TEST(nothing_given_is_all_defaults)
{
	json_object *out;
	struct cs_err err = { 0 };

	ck_assert_msg(check(NULL, &out, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(cs_json_int(out, "count", 0), 3);
	json_object_put(out);
}
END_TEST

static const char *const good[] = {
	"{\"base_url\":\"http://127.0.0.1:8080/x\"}", "{\"version\":\"2026-03\"}", "{\"version\":\"\"}", "{\"count\":1}",
	"{\"score\":-1e9}", "{\"score\":0}", "{\"score\":0.5}", "{\"owner\":\"anybody\"}", "{\"stages\":[]}",
	"{\"headers\":{\"A\":\"b\"}}", "{\"fields\":{\"x\":\"/a/b\",\"y\":{\"deep\":1}}}", "{\"deal\":false}",
	"{\"deal\":true,\"pipeline\":\"p\"}",
};

START_TEST(what_fits_is_taken)
{
	json_object *out;
	struct cs_err err = { 0 };

	ck_assert_msg(check(good[_i], &out, &err) == 0, "%s", err.msg);
	json_object_put(out);
}
END_TEST

static const struct {
	const char *given, *says;
} bad[] = {
	{ "[]", "settings: expected an object" },
	{ "{\"base_uri\":\"x\"}", "did you mean \"base_url\"?" },
	{ "{\"zzzzzzzz\":\"x\"}", "setting zzzzzzzz: acme has no such setting" },
	{ "{\"base_url\":\"\"}", "setting base_url: is required (Address)" },
	{ "{\"base_url\":\"ftp://x\"}", "setting base_url: expected an address" },
	{ "{\"base_url\":\"https://\"}", "setting base_url: expected an address" },
	{ "{\"base_url\":\"https://a b\"}", "setting base_url: expected an address" },
	{ "{\"base_url\":7}", "setting base_url: expected an address as text" },
	{ "{\"version\":\"v3\"}", "setting version: expected a text like ^[0-9]{4}-[0-9]{2}$" },
	{ "{\"count\":0}", "setting count: expected a number from 1 to 9" },
	{ "{\"count\":10}", "setting count: expected a number from 1 to 9" },
	{ "{\"count\":2.5}", "setting count: expected a whole number" },
	{ "{\"count\":\"3\"}", "setting count: expected a whole number" },
	{ "{\"score\":0.6}", "setting score: expected a number from" },
	{ "{\"score\":\"0.1\"}", "setting score: expected a number" },
	{ "{\"sign\":\"yes\"}", "setting sign: expected true or false" },
	{ "{\"kind\":\"c\"}", "setting kind: expected one of its choices" },
	{ "{\"stages\":\"won\"}", "setting stages: expected a list of texts" },
	{ "{\"stages\":[1]}", "setting stages: expected a list of texts" },
	{ "{\"headers\":{\"A\":1}}", "setting headers: expected an object whose values are texts" },
	{ "{\"headers\":[\"A\"]}", "setting headers: expected an object whose values are texts" },
	{ "{\"fields\":\"x\"}", "setting fields: expected an object" },
	{ "{\"deal\":true}", "setting pipeline: is required (Pipeline)" },
	{ "{\"deal\":true,\"pipeline\":\"\"}", "setting pipeline: is required (Pipeline)" },
};

START_TEST(what_does_not_fit_is_named_with_what_is_allowed)
{
	json_object *out = (void *)1;
	struct cs_err err = { 0 };

	ck_assert_int_eq(check(bad[_i].given, &out, &err), CS_EINVAL);
	ck_assert_ptr_null(out);
	ck_assert_msg(strstr(err.msg, bad[_i].says) != NULL, "%s", err.msg);
}
END_TEST

START_TEST(a_wrong_choice_lists_the_right_ones)
{
	json_object *out;
	struct cs_err err = { 0 };

	check("{\"kind\":\"a secret pasted into the wrong field\"}", &out, &err);
	ck_assert_str_eq(err.hint, "allowed: a, b");
	ck_assert_ptr_null(strstr(err.msg, "secret pasted"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("settings");
	TCase *tc = tcase_create("settings");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(tc, defaults_lie_under_what_is_given);
	tcase_add_test(tc, nothing_given_is_all_defaults);
	tcase_add_loop_test(tc, what_fits_is_taken, 0, (int)CS_ARRAY_LEN(good));
	tcase_add_loop_test(tc, what_does_not_fit_is_named_with_what_is_allowed, 0, (int)CS_ARRAY_LEN(bad));
	tcase_add_test(tc, a_wrong_choice_lists_the_right_ones);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
