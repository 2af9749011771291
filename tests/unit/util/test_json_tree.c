/* SPDX-License-Identifier: Apache-2.0 */
/* test_json_tree.c - what the nodes say. What is JSON and what is not: test_json.c, which goes through the same parser. */
#include "config.h"
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "util/json_tree.h"

#define DEPTH 8

struct parsed {
	struct cs_json_tree tree;
	char *text;
};

static void
drop(struct parsed *p)
{
	cs_json_tree_fini(&p->tree);
	free(p->text);
}

/* In memory of just that size, so that a sanitizer sees one byte too far. */
static bool
read_tree(struct parsed *p, const char *text)
{
	size_t n = strlen(text);

	p->text = calloc(1, n + CS_JSON_PAD);
	memcpy(p->text, text, n);
	return cs_json_tree_read(&p->tree, p->text, n, DEPTH);
}
#define TREE(name, text)               \
	CS_CLEANUP(drop) struct parsed name; \
	ck_assert(read_tree(&name, text))

static const struct cs_json_node *
member(const struct parsed *p, const char *name)
{
	const struct cs_json_node *m = cs_json_node_get(p->tree.v, name);

	ck_assert_ptr_nonnull(m);
	return m;
}

START_TEST(nodes_stand_in_the_order_of_the_text)
{
	TREE(p, "{\"a\":[1,[],{\"x\":null}],\"b\":true,\"c\":\"t\"}");
	static const int kinds[] = { CS_JSON_OBJECT, CS_JSON_ARRAY, CS_JSON_NUMBER, CS_JSON_ARRAY, CS_JSON_OBJECT, CS_JSON_NULL,
		                     CS_JSON_TRUE, CS_JSON_TEXT };
	static const unsigned sizes[] = { 8, 5, 1, 1, 2, 1, 1, 1 };
	char names[8] = "";

	ck_assert_uint_eq(p.tree.n, CS_ARRAY_LEN(kinds));
	for (size_t i = 0; i < CS_ARRAY_LEN(kinds); i++) {
		ck_assert_int_eq(p.tree.v[i].kind, kinds[i]);
		ck_assert_uint_eq(p.tree.v[i].size, sizes[i]);
	}
	CS_JSON_EACH(m, p.tree.v)
		strcat(names, m->name);
	ck_assert_str_eq(names, "abc");
	ck_assert_ptr_null(p.tree.v[2].name);
	ck_assert_uint_eq(p.tree.v[1].len, strlen("[1,[],{\"x\":null}]"));
}
END_TEST

START_TEST(texts_and_names_end_in_nul_and_have_no_escapes)
{
	TREE(p, "{\"plain\":\"abc\",\"\":\"\",\"e\\n\":\"\\u00e9\\\"\\ud83d\\ude00 \\/ more than sixteen bytes\\\\\"}");
	const struct cs_json_node *m = member(&p, "plain");

	ck_assert_str_eq(m->text, "abc");
	ck_assert_uint_eq(m->len, 3);
	ck_assert(!m->escaped && !m->name_escaped);
	m = member(&p, "");
	ck_assert_str_eq(m->text, "");
	m = member(&p, "e\n");
	ck_assert_str_eq(m->text, "\xc3\xa9\"\xf0\x9f\x98\x80 / more than sixteen bytes\\");
	ck_assert_uint_eq(m->len, strlen(m->text));
	ck_assert(m->escaped && m->name_escaped);
}
END_TEST

/* Texts of every length around the sixteen bytes that are looked at together, ASCII and not. */
START_TEST(the_end_of_a_text_is_found_wherever_it_is)
{
	char text[160], body[64];

	for (int n = 0; n < 40; n++)
		for (int at = -1; at < n - 1; at++) {
			memset(body, 'x', (size_t)n);
			body[n] = '\0';
			if (at >= 0)
				memcpy(body + at, "\xc3\xa9", 2);
			snprintf(text, sizeof(text), "[\"%s\",\"%s\"]", body, body);
			TREE(p, text);
			ck_assert_uint_eq(p.tree.v[1].len, (size_t)n);
			ck_assert_str_eq(p.tree.v[1].text, body);
			ck_assert_str_eq(p.tree.v[2].text, body);
		}
}
END_TEST

START_TEST(numbers_are_worth_what_strtod_says)
{
	static const char *const numbers[] = { "0", "-0", "142", "142.0", "1.42e2", "0.87", "-12.5", "0.1", "123456789.123456",
		"999999999999999", "9007199254740993", "99999999999999.99", "0.3000000000000000444", "1e-7", "-1E+3", "5e-324",
		"12345678901234567890123" };

	for (size_t i = 0; i < CS_ARRAY_LEN(numbers); i++) {
		TREE(p, numbers[i]);
		double d = cs_json_node_double(p.tree.v), expected = strtod(numbers[i], NULL);

		ck_assert_msg(memcmp(&d, &expected, sizeof(d)) == 0, "%s: %.17g", numbers[i], d);
	}
}
END_TEST

START_TEST(integers_are_told_from_other_numbers)
{
	static const struct {
		const char *text;
		bool fits, fits_unsigned;
		int64_t i;
		uint64_t u;
	} rows[] = {
		{ "0", true, true, 0, 0 },
		{ "-0", false, false, 0, 0 },
		{ "-7", true, false, -7, 0 },
		{ "123456789012345678", true, true, 123456789012345678, 123456789012345678 },
		{ "9223372036854775807", true, true, INT64_MAX, INT64_MAX },
		{ "-9223372036854775808", true, false, INT64_MIN, 0 },
		{ "9223372036854775808", false, true, 0, 9223372036854775808u },
		{ "18446744073709551616", false, false, 0, 0 },
		{ "1.0", false, false, 0, 0 },
		{ "1e2", false, false, 0, 0 },
	};

	for (size_t i = 0; i < CS_ARRAY_LEN(rows); i++) {
		TREE(p, rows[i].text);
		uint64_t u;
		int64_t v;

		ck_assert_msg(cs_json_node_int64(p.tree.v, &v) == rows[i].fits, "%s", rows[i].text);
		ck_assert_msg(cs_json_node_uint64(p.tree.v, &u) == rows[i].fits_unsigned, "%s", rows[i].text);
		if (rows[i].fits)
			ck_assert_int_eq(v, rows[i].i);
		if (rows[i].fits_unsigned)
			ck_assert_uint_eq(u, rows[i].u);
	}
}
END_TEST

START_TEST(what_is_written_has_no_spaces_and_is_never_longer_than_what_was_read)
{
	TREE(p, " { \"b\\u0041\" : [ 1.50 , -0 , 1E5 , true , false , null ] , "
	        "\"a\" : { \"\" : \"\\u0001\\n\\/\\\"\\u00e9\" } , \"c\" : {} } ");
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);

	cs_json_node_write(p.tree.v, &b);
	ck_assert_str_eq(b.ptr, "{\"bA\":[1.50,-0,1E5,true,false,null],\"a\":{\"\":\"\\u0001\\n/\\\"\xc3\xa9\"},\"c\":{}}");
	ck_assert_uint_le(b.len, p.tree.v->len);
	cs_buf_reset(&b);
	cs_json_node_write_member(member(&p, "c"), &b);
	ck_assert_str_eq(b.ptr, "\"c\":{}");
}
END_TEST

START_TEST(a_member_is_found_by_its_whole_name_in_its_own_object)
{
	TREE(p, "{\"o\":{\"in\":1},\"ou\":2,\"out\":[{\"deep\":1}]}");

	ck_assert_ptr_null(cs_json_node_get(p.tree.v, "in"));
	ck_assert_ptr_null(cs_json_node_get(p.tree.v, "deep"));
	ck_assert_ptr_null(cs_json_node_get(p.tree.v, ""));
	ck_assert_ptr_eq(cs_json_node_get(member(&p, "o"), "in"), p.tree.v + 2);
	ck_assert_int_eq(member(&p, "ou")->kind, CS_JSON_NUMBER);
	ck_assert_ptr_null(cs_json_node_get(member(&p, "ou"), "o"));
}
END_TEST

/* Large objects in large ones, with the same names in each; then one name twice, near the end of one of them. */
START_TEST(names_are_told_apart_in_large_objects_within_large_ones)
{
	for (int twice = -1; twice < 3; twice++) {
		CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
		CS_CLEANUP(drop) struct parsed p;

		for (int level = 0; level < 3; level++)
			for (int i = 0; i < 40; i++)
				cs_buf_printf(&b, "%s\"name_%d\":%s", i > 0 ? "," : "{", i, i == 39 && level < 2 ? "" : "[]");
		for (int level = 2; level >= 0; level--)
			cs_buf_adds(&b, level == twice ? ",\"name_20\":0}" : "}");
		ck_assert_int_eq(read_tree(&p, b.ptr), twice < 0);
		if (twice < 0)
			ck_assert_uint_eq(p.tree.n, 121);
		else
			ck_assert_str_eq(p.tree.fault, "a member of this name is there already");
	}
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		nodes_stand_in_the_order_of_the_text,
		texts_and_names_end_in_nul_and_have_no_escapes,
		the_end_of_a_text_is_found_wherever_it_is,
		numbers_are_worth_what_strtod_says,
		integers_are_told_from_other_numbers,
		what_is_written_has_no_spaces_and_is_never_longer_than_what_was_read,
		a_member_is_found_by_its_whole_name_in_its_own_object,
		names_are_told_apart_in_large_objects_within_large_ones,
	};
	Suite *s = suite_create("json_tree");
	TCase *t = tcase_create("json_tree");
	SRunner *sr;
	int failed;

	for (size_t i = 0; i < CS_ARRAY_LEN(tests); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
