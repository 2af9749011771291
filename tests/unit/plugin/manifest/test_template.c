/* SPDX-License-Identifier: Apache-2.0 */
/* test_template.c - names in constants, and how their values are written. */
#include "config.h"
#include "plugin/manifest/manifest.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const char *
setting(void *ctx, const char *key)
{
	(void)ctx;
	return strcmp(key, "base") == 0 ? "https://a.example/x?y" : strcmp(key, "odd") == 0 ? "a b\"&${fact:id}" : NULL;
}

static const char *
fact(void *ctx, const char *name)
{
	(void)ctx;
	return strcmp(name, "hub") == 0 ? "62515" : strcmp(name, "url") == 0 ? "https://b.example" : "";
}

static const char *
secret(void *ctx, const char *name)
{
	(void)ctx;
	return strcmp(name, "token") == 0 ? "s3:c+r/t\"" : strcmp(name, "user") == 0 ? "aladdin" :
	       strcmp(name, "pass") == 0 ? "open sesame" : strcmp(name, "crlf") == 0 ? "a\r\nb" : NULL;
}

static const struct cs_lookup lookup = { .setting = setting, .fact = fact, .secret = secret, .id = "51/7" };

static const struct {
	const char *template;
	enum cs_template_place place;
	const char *want; /* NULL: left out */
} cases[] = {
	{ "", CS_IN_HEADER, "" },
	{ "no names $ { } $x", CS_IN_HEADER, "no names $ { } $x" },
	{ "Bearer ${secret:token}", CS_IN_HEADER, "Bearer s3:c+r/t\"" },
	{ "Bearer ${secret:absent}", CS_IN_HEADER, NULL },
	{ "${secret:absent}-${fact:hub}", CS_IN_HEADER, "-62515" },
	{ "${setting:absent}${fact:absent}", CS_IN_HEADER, NULL },
	{ "Basic ${secret:token:basic}", CS_IN_HEADER, "Basic czM6YytyL3Qi" },
	{ "Basic ${basic:user:pass}", CS_IN_HEADER, "Basic YWxhZGRpbjpvcGVuIHNlc2FtZQ==" },
	{ "Basic ${basic:user:}", CS_IN_HEADER, "Basic YWxhZGRpbjo=" },
	{ "Basic ${basic:user:absent}", CS_IN_HEADER, "Basic YWxhZGRpbjo=" },
	{ "Basic ${basic:absent:pass}", CS_IN_HEADER, NULL },
	{ "${setting:base}", CS_IN_URL, "https://a.example/x?y" },
	{ "${setting:base}/${secret:token}/", CS_IN_URL, "https://a.example/x?y/s3%3Ac%2Br%2Ft%22/" },
	{ "${fact:url}/v1", CS_IN_URL, "https://b.example/v1" },
	{ "https://x/${fact:url}", CS_IN_URL, "https://x/https%3A%2F%2Fb.example" },
	{ "https://x/${fact:hub}/${id}", CS_IN_URL, "https://x/62515/51%2F7" },
	{ "${setting:odd}", CS_IN_QUERY, "a%20b%22%26%24%7Bfact%3Aid%7D" },
	{ "${setting:odd}", CS_IN_JSON, "a b\\\"&${fact:id}" }, /* a value is not looked at again */
	{ "${setting:odd}", CS_IN_FORM, "a+b%22%26%24%7Bfact%3Aid%7D" },
	{ "${setting:odd}", CS_IN_HEADER, "a b\"&${fact:id}" },
};

START_TEST(a_template_expands_for_its_place)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	struct cs_err err = { 0 };
	int rc;

	cs_buf_adds(&b, "before ");
	rc = cs_template_expand(cases[_i].template, cases[_i].place, &lookup, &b, &err);
	if (cases[_i].want == NULL) {
		ck_assert_int_eq(rc, CS_ENOTFOUND);
		ck_assert_str_eq(cs_buf_str(&b), "before ");
		return;
	}
	ck_assert_msg(rc == 0, "%s", err.msg);
	ck_assert_str_eq(cs_buf_str(&b) + 7, cases[_i].want);
}
END_TEST

static const char *const broken[] = {
	"${", "${}", "${token}", "${secret:}", "${secret:a", "${secret:a:b}", "${secret:a b}", "${fact:a:b}", "${basic:user}",
	"${basic:user:a:b}", "${basic::pass}", "${what:ever}", "x ${setting:base} ${", "${secret:${fact:hub}}",
};

START_TEST(an_unknown_name_is_an_error_and_leaves_nothing)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	struct cs_err err = { 0 };

	cs_buf_adds(&b, "before");
	ck_assert_int_eq(cs_template_expand(broken[_i], CS_IN_HEADER, &lookup, &b, &err), CS_EINVAL);
	ck_assert_str_eq(cs_buf_str(&b), "before");
	ck_assert_ptr_nonnull(strstr(err.hint, "${setting:KEY}"));
}
END_TEST

START_TEST(secrets_are_refused_where_the_caller_gives_none)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	struct cs_lookup without = { .setting = setting, .fact = fact };
	struct cs_err err;

	ck_assert_int_eq(cs_template_expand("${secret:token}", CS_IN_URL, &without, &b, &err), CS_EINVAL);
	ck_assert_int_eq(cs_template_expand("${basic:user:pass}", CS_IN_URL, &without, &b, &err), CS_EINVAL);
	ck_assert_int_eq(cs_template_expand("${id}", CS_IN_URL, &without, &b, &err), CS_EINVAL);
	ck_assert_int_eq(cs_template_expand("${setting:base}", CS_IN_URL, &without, &b, NULL), 0);
}
END_TEST

START_TEST(a_value_with_line_ends_does_not_enter_a_header)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	struct cs_err err = { 0 };

	ck_assert_int_eq(cs_template_expand("${secret:crlf}", CS_IN_HEADER, &lookup, &b, &err), CS_EINVAL);
	ck_assert_ptr_null(strchr(err.msg, '\r'));
	ck_assert_int_eq(cs_template_expand("${secret:crlf}", CS_IN_JSON, &lookup, &b, &err), 0);
	ck_assert_str_eq(cs_buf_str(&b), "a\\r\\nb");
}
END_TEST

START_TEST(a_constant_that_grows_too_long_is_refused_and_wiped)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(12);
	struct cs_err err;

	ck_assert_int_eq(cs_template_expand("${secret:token}${secret:token}", CS_IN_HEADER, &lookup, &b, &err), CS_ELIMIT);
	ck_assert_uint_eq(b.len, 0);
	ck_assert_ptr_null(memchr(b.ptr, 's', b.cap));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("template");
	TCase *tc = tcase_create("template");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_loop_test(tc, a_template_expands_for_its_place, 0, (int)CS_ARRAY_LEN(cases));
	tcase_add_loop_test(tc, an_unknown_name_is_an_error_and_leaves_nothing, 0, (int)CS_ARRAY_LEN(broken));
	tcase_add_test(tc, secrets_are_refused_where_the_caller_gives_none);
	tcase_add_test(tc, a_value_with_line_ends_does_not_enter_a_header);
	tcase_add_test(tc, a_constant_that_grows_too_long_is_refused_and_wiped);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
