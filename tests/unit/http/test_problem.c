/* SPDX-License-Identifier: Apache-2.0 */
#include "http/problem.h"

#include <check.h>
#include <stdlib.h>
#include "util/json.h"

START_TEST(a_status_alone_is_a_problem)
{
	struct cs_problem p = { .status = 404 };
	struct cs_buf out = CS_BUF_INIT(0);

	cs_problem_write(&out, &p);
	ck_assert_str_eq(cs_buf_str(&out), "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404}\n");
	cs_buf_fini(&out);
}
END_TEST

START_TEST(rows_name_each_fault_and_strange_bytes_stay_json)
{
	const struct cs_problem_row rows[] = { { "/contact/phone", "is required" }, { NULL, "a \"quote\"\n\xff" }, { "", NULL } };
	struct cs_problem p = { .status = 422, .type = "https://x.test/p", .title = "bad lead", .detail = "3 rules",
		                .rows = rows, .n_rows = 3 };
	CS_CLEANUP(cs_json_putp) json_object *o = NULL;
	struct cs_buf out = CS_BUF_INIT(0);

	cs_problem_write(&out, &p);
	ck_assert_int_eq(cs_json_parse(out.ptr, out.len - 1, 8, &o, NULL), 0);
	ck_assert_str_eq(cs_json_str(o, "type", ""), "https://x.test/p");
	ck_assert_str_eq(cs_json_str(o, "title", ""), "bad lead");
	ck_assert_str_eq(cs_json_str(o, "detail", ""), "3 rules");
	ck_assert_int_eq(cs_json_int(o, "status", 0), 422);
	ck_assert_str_eq(cs_json_pointer_text(o, "/errors/0/pointer"), "/contact/phone");
	ck_assert_str_eq(cs_json_pointer_text(o, "/errors/0/detail"), "is required");
	ck_assert_ptr_null(cs_json_pointer(o, "/errors/1/pointer"));
	ck_assert_str_eq(cs_json_pointer_text(o, "/errors/1/detail"), "a \"quote\"\n\xef\xbf\xbd");
	ck_assert_str_eq(cs_json_str(cs_json_pointer(o, "/errors/2"), "pointer", "none"), "");
	cs_buf_fini(&out);
}
END_TEST

START_TEST(an_unknown_status_still_has_a_title)
{
	ck_assert_str_eq(cs_http_phrase(599), "Error");
	ck_assert_str_eq(cs_http_phrase(503), "Service Unavailable");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("problem");
	TCase *t = tcase_create("problem");
	SRunner *r;
	int failed;

	tcase_add_test(t, a_status_alone_is_a_problem);
	tcase_add_test(t, rows_name_each_fault_and_strange_bytes_stay_json);
	tcase_add_test(t, an_unknown_status_still_has_a_title);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
