/* SPDX-License-Identifier: Apache-2.0 */
/* Requests from within, and forms. */
#include "config.h"
#include "http/inner.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int got_status;
static char got_body[200];

static void
answered(struct cs_http_inner *in CS_UNUSED, const struct cs_http_reply *a)
{
	got_status = a->status;
	snprintf(got_body, sizeof(got_body), "%.*s", (int)a->body_len, (const char *)a->body);
}

START_TEST(a_handler_answers_it_like_any_other)
{
	struct cs_http_inner in;
	struct cs_http_peer peer;
	struct cs_arena mem;
	size_t n;
	char *body;

	cs_arena_init(&mem);
	cs_http_inner_init(&in, "POST", "/v1/x?a=1&b=%41+c&empty&b=2", "{}", &mem, answered);
	ck_assert_str_eq(in.pub.path, "/v1/x");
	ck_assert_uint_eq(in.pub.body_len, 2);
	ck_assert_str_eq(cs_http_request_query(&in.pub, "b"), "A c");
	ck_assert_str_eq(cs_http_request_query(&in.pub, "empty"), "");
	ck_assert_ptr_null(cs_http_request_query(&in.pub, "none"));
	ck_assert_ptr_null(cs_http_request_header(&in.pub, "Authorization"));
	cs_http_request_peer(&in.pub, &peer);
	ck_assert(!peer.is_unix && !peer.loopback);
	body = cs_http_request_steal_body(&in.pub, &n);
	ck_assert_str_eq(body, "{}");
	ck_assert_uint_eq(n, 2);
	free(body);
	cs_http_reply_error(&in.pub, 422, "no", NULL, NULL); /* a body that is to be freed */
	ck_assert_int_eq(got_status, 422);
	ck_assert_ptr_nonnull(strstr(got_body, "\"detail\":\"no\""));
	cs_http_reply_json(&in.pub, 200, "[]", 2);
	ck_assert_str_eq(got_body, "[]");
	cs_arena_fini(&mem);
}
END_TEST

START_TEST(forms_are_taken_apart_whatever_stands_in_them)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "", "" },
		{ "&&&", "" },
		{ "a=1", "a=1;" },
		{ "a", "a=;" },
		{ "=x&a==", "=x;a==;" },
		{ "a+b=%2b+%C3%BC&&c=%", "a b=+ \xc3\xbc;c=%;" },
		{ "a=%zz%4", "a=%zz%4;" },
		{ "a=%00b", "a=;" },
	};
	struct cs_arena mem;

	cs_arena_init(&mem);
	for (size_t i = 0; i < CS_ARRAY_LEN(cases); i++) {
		CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
		const char *at = cases[i].text;
		char *name, *value;

		while (cs_http_form_next(&at, &mem, &name, &value))
			cs_buf_printf(&b, "%s=%s;", name, value);
		ck_assert_str_eq(cs_buf_str(&b), cases[i].want);
	}
	cs_arena_fini(&mem);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("inner");
	TCase *t = tcase_create("inner");
	SRunner *r;
	int failed;

	tcase_add_test(t, a_handler_answers_it_like_any_other);
	tcase_add_test(t, forms_are_taken_apart_whatever_stands_in_them);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
