/* SPDX-License-Identifier: Apache-2.0 */
/* The list of faults. */
#include "conf/errors.h"
#include "fixture.h"

START_TEST(an_entry_is_one_line_with_place_option_and_what_is_allowed)
{
	struct cs_conf_errors e = { 0 };
	char text[256], tiny[8];

	for (int i = 0; i < 100; i++)
		cs_conf_errors_add(&e, (struct cs_conf_place){ "/etc/x.conf", i }, i % 2 != 0 ? "a.b" : NULL, i % 3 == 0 ? "c" : NULL,
		                   "wrong by %d", i);
	ck_assert_uint_eq(e.n, 100);
	ck_assert_str_eq(cs_conf_error_text(&e.v[0], text, sizeof(text)), "/etc/x.conf: wrong by 0 (allowed: c)");
	ck_assert_str_eq(cs_conf_error_text(&e.v[1], text, sizeof(text)), "/etc/x.conf:1: a.b: wrong by 1");
	ck_assert_str_eq(cs_conf_error_text(&e.v[1], tiny, sizeof(tiny)), "/etc/x.");
	cs_conf_errors_fini(&e);
	ck_assert_uint_eq(e.n, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("conf errors");
	TCase *t = tcase_create("errors");

	tcase_add_test(t, an_entry_is_one_line_with_place_option_and_what_is_allowed);
	suite_add_tcase(s, t);
	return run_suite(s);
}
