/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"
#include "ctl/patch.h"

static struct cs_err err;

static const char *
patch(const char *const *words)
{
	static char out[512];
	char *copy[8] = { NULL };
	json_object *o;
	int n = 0, rc;

	for (; words[n] != NULL; n++)
		copy[n] = cs_xstrdup(words[n]);
	memset(&err, 0, sizeof(err));
	rc = cs_ctl_patch_read(copy, n, &o, &err);
	while (n > 0)
		free(copy[--n]);
	if (rc < 0)
		return NULL;
	snprintf(out, sizeof(out), "%s", cs_json_text(o));
	json_object_put(o);
	return out;
}
#define PATCH(...) patch((const char *const[]){ __VA_ARGS__, NULL })

START_TEST(a_field_is_a_text)
{
	ck_assert_str_eq(PATCH("contact.phone=+13055550182"), "{\"contact\":{\"phone\":\"+13055550182\"}}");
	ck_assert_str_eq(PATCH("contact.address.zip=33136"), "{\"contact\":{\"address\":{\"zip\":\"33136\"}}}");
	ck_assert_str_eq(PATCH("a=b=c"), "{\"a\":\"b=c\"}");
	ck_assert_str_eq(PATCH("a="), "{\"a\":\"\"}");
}
END_TEST

START_TEST(colon_equals_takes_json)
{
	ck_assert_str_eq(PATCH("call.duration_seconds:=142"), "{\"call\":{\"duration_seconds\":142}}");
	ck_assert_str_eq(PATCH("contact.email:=null"), "{\"contact\":{\"email\":null}}");
	ck_assert_str_eq(PATCH("x:={\"y\":[true]}"), "{\"x\":{\"y\":[true]}}");
	ck_assert_ptr_null(PATCH("x:=oops"));
	assert_has(err.msg, "not JSON");
}
END_TEST

START_TEST(fields_of_one_object_come_together)
{
	ck_assert_str_eq(PATCH("contact.phone=1", "contact.email:=null", "call.call_id=x"),
	                 "{\"contact\":{\"phone\":\"1\",\"email\":null},\"call\":{\"call_id\":\"x\"}}");
	ck_assert_str_eq(PATCH("{\"contact\":{\"phone\":\"1\"}}", "contact.phone=2"),
			 "{\"contact\":{\"phone\":\"2\"}}");
	ck_assert_str_eq(PATCH("contact:=null", "contact.phone=2"), "{\"contact\":{\"phone\":\"2\"}}");
}
END_TEST

START_TEST(what_names_no_field_is_refused)
{
	ck_assert_ptr_null(PATCH("phone"));
	assert_has(err.msg, "FIELD=TEXT");
	ck_assert_ptr_null(PATCH("=x"));
	ck_assert_ptr_null(PATCH(".a=x"));
	ck_assert_ptr_null(PATCH("a..b=x"));
	ck_assert_ptr_null(PATCH("a.=x"));
	ck_assert_ptr_null(PATCH("{oops"));
	ck_assert_ptr_null(PATCH("a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r=x"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ctl/patch");
	TCase *t = tcase_create("patch");

	tcase_add_test(t, a_field_is_a_text);
	tcase_add_test(t, colon_equals_takes_json);
	tcase_add_test(t, fields_of_one_object_come_together);
	tcase_add_test(t, what_names_no_field_is_refused);
	suite_add_tcase(s, t);
	return run_suite(s);
}
