/* SPDX-License-Identifier: Apache-2.0 */
/* A connection's merge patch with templates. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "deliver/call/overrides.h"

static const char lead_text[] = "{\"contact\":{\"first_name\":\"Ma\\\"ria\",\"phone\":\"+13055550182\"},\"call\":{\"duration_seconds\":142},"
                                "\"service_request\":{\"is_existing_customer\":false,\"issue_description\":\"${/contact/phone} ${secret:x}\"}}";

static void
expect(const char *document, const char *patch, const char *want)
{
	json_object *lead = NULL, *p = NULL, *got = NULL, *wanted = NULL;
	CS_CLEANUP(cs_buf_fini) struct cs_buf out = CS_BUF_INIT(0), a = CS_BUF_INIT(0), b = CS_BUF_INIT(0);
	struct cs_err err;

	ck_assert_int_eq(cs_json_parse(lead_text, strlen(lead_text), 16, &lead, &err), 0);
	ck_assert_int_eq(cs_json_parse(patch, strlen(patch), 16, &p, &err), 0);
	ck_assert_int_eq(cs_overrides_apply(document, strlen(document), p, lead, &out, &err), 0);
	ck_assert_int_eq(cs_json_parse(cs_buf_str(&out), out.len, 32, &got, &err), 0);
	ck_assert_int_eq(cs_json_parse(want, strlen(want), 32, &wanted, &err), 0);
	cs_json_canonical(got, &a);
	cs_json_canonical(wanted, &b);
	ck_assert_str_eq(cs_buf_str(&a), cs_buf_str(&b));
	json_object_put(lead);
	json_object_put(p);
	json_object_put(got);
	json_object_put(wanted);
}

START_TEST(members_are_replaced_added_and_removed)
{
	expect("{\"a\":1,\"b\":{\"c\":2,\"d\":3}}", "{\"b\":{\"c\":null,\"e\":[1]},\"f\":true}", "{\"a\":1,\"b\":{\"d\":3,\"e\":[1]},\"f\":true}");
}
END_TEST

START_TEST(a_template_alone_keeps_the_leads_type)
{
	expect("{}", "{\"n\":\"${/call/duration_seconds}\",\"b\":\"${/service_request/is_existing_customer}\"}", "{\"n\":142,\"b\":false}");
}
END_TEST

START_TEST(a_template_within_text_is_text)
{
	expect("{}", "{\"t\":\"call ${/contact/phone} for ${/call/duration_seconds} s\"}", "{\"t\":\"call +13055550182 for 142 s\"}");
}
END_TEST

START_TEST(what_the_caller_said_is_never_a_template)
{
	expect("{}", "{\"t\":\"${/service_request/issue_description}\"}", "{\"t\":\"${/contact/phone} ${secret:x}\"}");
	expect("{\"d\":\"${/contact/phone}\"}", "{}", "{\"d\":\"${/contact/phone}\"}");
}
END_TEST

START_TEST(what_the_lead_lacks_is_empty)
{
	expect("{}", "{\"t\":\"<${/contact/email}>\",\"u\":\"${/no/such}\"}", "{\"t\":\"<>\",\"u\":\"\"}");
}
END_TEST

START_TEST(a_document_that_is_no_json_is_an_error)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf out = CS_BUF_INIT(0);
	json_object *p = json_object_new_object();
	struct cs_err err;

	ck_assert_int_lt(cs_overrides_apply("<xml/>", 6, p, NULL, &out, &err), 0);
	json_object_put(p);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("overrides");
	TCase *t = tcase_create("patch");
	SRunner *sr;
	int failed;

	tcase_add_test(t, members_are_replaced_added_and_removed);
	tcase_add_test(t, a_template_alone_keeps_the_leads_type);
	tcase_add_test(t, a_template_within_text_is_text);
	tcase_add_test(t, what_the_caller_said_is_never_a_template);
	tcase_add_test(t, what_the_lead_lacks_is_empty);
	tcase_add_test(t, a_document_that_is_no_json_is_an_error);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
