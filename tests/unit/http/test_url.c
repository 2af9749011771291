/* SPDX-License-Identifier: Apache-2.0 */
#include "http/url.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *base, *path, *query, *want;
} good[] = {
	{ "https://api.acme.com", "/v1/leads", NULL, "https://api.acme.com/v1/leads" },
	{ "https://api.acme.com/", "/v1/leads", NULL, "https://api.acme.com/v1/leads" },
	{ "https://api.acme.com/v3", "/contacts", NULL, "https://api.acme.com/v3/contacts" },
	{ "https://api.acme.com/v3/", "/contacts/", "", "https://api.acme.com/v3/contacts/" },
	{ "https://api.acme.com/v3", "", "a=1", "https://api.acme.com/v3?a=1" },
	{ "https://api.acme.com/v3?k=0", "/c?a=1", "b=%202", "https://api.acme.com/v3/c?k=0&a=1&b=%202" },
	{ "https://api.acme.com/v3", "?a=1", NULL, "https://api.acme.com/v3?a=1" },
	{ "https://api.acme.com", "//evil.com/x", NULL, "https://api.acme.com//evil.com/x" },
	{ "https://api.acme.com", "/@evil.com", NULL, "https://api.acme.com/@evil.com" },
	{ "https://api.acme.com", "/a%2Fb/...", NULL, "https://api.acme.com/a%2Fb/..." },
	{ "https://api.acme.com", "https://other.acme.com/x?y=1", "z=2", "https://other.acme.com/x?y=1&z=2" },
	{ "https://api.acme.com:8443", "/x", NULL, "https://api.acme.com:8443/x" },
	{ "https://[2001:db8::1]:8443/", "/x", NULL, "https://[2001:db8::1]:8443/x" },
};

START_TEST(base_path_and_query_become_one_url)
{
	struct cs_buf out = CS_BUF_INIT(0);
	struct cs_err err = { 0 };

	ck_assert_msg(cs_url_build(&out, good[_i].base, good[_i].path, good[_i].query, false, NULL, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(cs_buf_str(&out), good[_i].want);
	cs_buf_fini(&out);
}
END_TEST

static const struct {
	const char *base, *path, *query;
} bad[] = {
	{ "https://api.acme.com", ".evil.com/x", NULL },       { "https://api.acme.com", "x", NULL },
	{ "https://api.acme.com", "@evil.com", NULL },         { "https://api.acme.com", ":81/x", NULL },
	{ "https://api.acme.com/v1", "/../admin", NULL },      { "https://api.acme.com/v1", "/a/..", NULL },
	{ "https://api.acme.com/v1", "/a/%2e%2E/b", NULL },    { "https://api.acme.com/v1", "/.%2e?x", NULL },
	{ "https://api.acme.com/v1", "/./x", NULL },           { "https://api.acme.com/v1/..", "/x", NULL },
	{ "https://api.acme.com", "/a b", NULL },              { "https://api.acme.com", "/a\r\nHost: x", NULL },
	{ "https://api.acme.com", "/a#b", NULL },              { "https://api.acme.com", "/caf\xc3\xa9", NULL },
	{ "https://api.acme.com", "/a%2", NULL },              { "https://api.acme.com", "/a%zz", NULL },
	{ "https://api.acme.com", "/a\\b", NULL },             { "https://api.acme.com", "/a", "b c" },
	{ "https://api.acme.com", "/a", "b\n" },               { "https://api.acme.com", "/a", "b#c" },
	{ "https://u:p@api.acme.com", "/a", NULL },            { "https://api.acme.com", "https://u@evil.com/", NULL },
	{ "http://api.acme.com", "/a", NULL },                 { "https://api.acme.com", "http://api.acme.com/", NULL },
	{ "ftp://api.acme.com", "/a", NULL },                  { "file:///etc/passwd", "", NULL },
	{ "api.acme.com", "/a", NULL },                        { "https://", "/a", NULL },
	{ "https://api.acme.com:99999", "/a", NULL },          { "https://%61cme.com%00", "/a", NULL },
	{ "", "/a", NULL },                                    { "https://api.acme.com", "/a", "%" },
};

START_TEST(what_could_lead_elsewhere_is_refused)
{
	struct cs_buf out = CS_BUF_INIT(0);
	struct cs_err err = { 0 };

	ck_assert_msg(cs_url_build(&out, bad[_i].base, bad[_i].path, bad[_i].query, false, NULL, &err) == CS_EINVAL,
	              "taken: %s", cs_buf_str(&out));
	ck_assert_uint_eq(out.len, 0);
	ck_assert_str_ne(err.msg, "");
	cs_buf_fini(&out);
}
END_TEST

START_TEST(the_origin_tells_where_it_goes)
{
	struct cs_url_origin o;

	ck_assert_int_eq(cs_url_check("https://API.Acme.com./x?secret=1", false, &o, NULL), 0);
	ck_assert_str_eq(o.host, "api.acme.com");
	ck_assert_uint_eq(o.port, 443);
	ck_assert(!o.plain);
	ck_assert_int_eq(cs_url_check("http://[::1]:8181/x", true, &o, NULL), 0);
	ck_assert_str_eq(o.host, "::1");
	ck_assert_uint_eq(o.port, 8181);
	ck_assert(o.plain);
	ck_assert_int_eq(cs_url_check("http://0x7f.1/", true, &o, NULL), 0);
	ck_assert_str_eq(o.host, "127.0.0.1");
	ck_assert_uint_eq(o.port, 80);
}
END_TEST

START_TEST(an_error_names_neither_path_nor_query)
{
	struct cs_err err = { 0 };

	ck_assert_int_eq(cs_url_check("http://api.acme.com/hook-token?key=k3y", false, NULL, &err), CS_EINVAL);
	ck_assert_ptr_null(strstr(err.msg, "token"));
	ck_assert_ptr_null(strstr(err.msg, "k3y"));
	ck_assert_ptr_nonnull(strstr(err.msg, "api.acme.com"));
}
END_TEST

START_TEST(a_url_has_a_greatest_length)
{
	struct cs_buf out = CS_BUF_INIT(0), path = CS_BUF_INIT(0);

	while (path.len < CS_URL_MAX - 30)
		cs_buf_adds(&path, "/a");
	ck_assert_int_eq(cs_url_build(&out, "https://a.com", cs_buf_str(&path), NULL, false, NULL, NULL), 0);
	cs_buf_reset(&out);
	ck_assert_int_eq(cs_url_build(&out, "https://a.com", cs_buf_str(&path), cs_buf_str(&path), false, NULL, NULL), CS_EINVAL);
	cs_buf_fini(&out);
	cs_buf_fini(&path);
}
END_TEST

START_TEST(what_is_joined_to_a_good_base_stays_behind_it)
{
	static const char *const refused[] = { "@evil.com/", "evil", "/a b", "/..", "/x/%2e%2e/y", "/a#b", "/%zz" };
	struct cs_buf out = CS_BUF_INIT(CS_URL_MAX);
	struct cs_url_origin o;

	ck_assert_int_eq(cs_url_join(&out, "https://a.com/v1/?k=1", "/leads?x=2", "y=3", NULL), 0);
	ck_assert_str_eq(cs_buf_str(&out), "https://a.com/v1/leads?k=1&x=2&y=3");
	cs_buf_reset(&out);
	ck_assert_int_eq(cs_url_join(&out, "https://a.com", "//evil.com/@x", NULL, NULL), 0);
	ck_assert_int_eq(cs_url_check(cs_buf_str(&out), false, &o, NULL), 0);
	ck_assert_str_eq(o.host, "a.com");
	for (size_t i = 0; i < CS_ARRAY_LEN(refused); i++) {
		cs_buf_reset(&out);
		ck_assert_int_eq(cs_url_join(&out, "https://a.com", refused[i], NULL, NULL), CS_EINVAL);
	}
	cs_buf_reset(&out);
	for (int i = 0; i < CS_URL_MAX; i++)
		cs_buf_addc(&out, 'x');
	ck_assert_int_eq(cs_url_join(&out, "https://a.com", "/", NULL, NULL), CS_EINVAL);
	cs_buf_fini(&out);
}
END_TEST

START_TEST(parameters_are_encoded)
{
	struct cs_buf q = CS_BUF_INIT(0);

	cs_url_add_param(&q, "phone", "+1 555&x=y");
	cs_url_add_param(&q, "a b", "");
	ck_assert_str_eq(cs_buf_str(&q), "phone=%2B1%20555%26x%3Dy&a%20b=");
	cs_buf_fini(&q);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("url");
	TCase *t = tcase_create("url");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, base_path_and_query_become_one_url, 0, (int)CS_ARRAY_LEN(good));
	tcase_add_loop_test(t, what_could_lead_elsewhere_is_refused, 0, (int)CS_ARRAY_LEN(bad));
	tcase_add_test(t, the_origin_tells_where_it_goes);
	tcase_add_test(t, an_error_names_neither_path_nor_query);
	tcase_add_test(t, a_url_has_a_greatest_length);
	tcase_add_test(t, what_is_joined_to_a_good_base_stays_behind_it);
	tcase_add_test(t, parameters_are_encoded);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
