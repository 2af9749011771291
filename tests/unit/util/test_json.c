/* SPDX-License-Identifier: Apache-2.0 */
/* test_json.c - the strict reader, members and pointers, merge patches, canonical text. */
#include "config.h"
#include <check.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "util/json.h"

#define DEPTH 8

static json_object *
parse(const char *text)
{
	json_object *o = NULL;
	struct cs_err err;

	ck_assert_msg(cs_json_parse(text, strlen(text), DEPTH, &o, &err) == 0, "%s: %s", text, err.msg);
	return o;
}

static void
expect_json(json_object *o, const char *text) /* consumes o */
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);

	cs_json_canonical(o, &b);
	ck_assert_str_eq(cs_buf_str(&b), text);
	json_object_put(o);
}

/* ---- what is JSON */

static const struct {
	const char *text, *canonical;
} good[] = {
	{ "null", "null" },
	{ "true", "true" },
	{ " false\r\n\t", "false" },
	{ "0", "0" },
	{ "-0", "-0" },
	{ "12", "12" },
	{ "-12.50e+3", "-12.50e+3" },
	{ "1E5", "1E5" },
	{ "9223372036854775807", "9223372036854775807" },
	{ "-9223372036854775808", "-9223372036854775808" },
	{ "18446744073709551615", "18446744073709551615" },
	{ "18446744073709551616", "18446744073709551616" },
	{ "-9223372036854775809", "-9223372036854775809" },
	{ "1e308", "1e308" },
	{ "1e-999", "1e-999" }, /* nearest double: 0 */
	{ "0.1000000000000000055511151231257827021181583404541015625", "0.1000000000000000055511151231257827021181583404541015625" },
	{ "\"\"", "\"\"" },
	{ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\\"\\\\/\\b\\f\\n\\r\\t\"" },
	{ "\"\\u0041\\u00e9\\u20AC\\uD83D\\uDE00\"", "\"A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"" },
	{ "\"\\ud800\\udc00\\uDBFF\\uDFFF\"", "\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"" },
	{ "\"\x7f J\xc3\xbcrgen 'quoted' // no comment\"", "\"\x7f J\xc3\xbcrgen 'quoted' // no comment\"" },
	{ "[]", "[]" },
	{ "[ ]", "[]" },
	{ "{}", "{}" },
	{ "{ }", "{}" },
	{ "[1,[2,null],\"3\",{}]", "[1,[2,null],\"3\",{}]" },
	{ "{\"b\":1,\"a\":{\"d\":[],\"c\":null},\"\":0}", "{\"\":0,\"a\":{\"c\":null,\"d\":[]},\"b\":1}" },
	{ " { \"a\" : [ 1 , 2 ] } ", "{\"a\":[1,2]}" },
	{ "{\"a\":{\"a\":{\"a\":1}}}", "{\"a\":{\"a\":{\"a\":1}}}" }, /* equal names, but not in one object */
	{ "[{\"a\":1},{\"a\":1}]", "[{\"a\":1},{\"a\":1}]" },
	{ "{\"a\\nb\":1}", "{\"a\\nb\":1}" },
	{ "[[[[[[[[1]]]]]]]]", "[[[[[[[[1]]]]]]]]" },
};

START_TEST(json_is_read)
{
	expect_json(parse(good[_i].text), good[_i].canonical);
}
END_TEST

static const struct {
	const char *text;
	size_t n, at;
	const char *what;
} bad[] = {
#define ROW(text, at, what) { text, sizeof(text) - 1, at, what }
	ROW("", 0, "the text ends where a value should be"),
	ROW("  ", 2, "the text ends where a value should be"),
	ROW("\xef\xbb\xbf{}", 0, "not a JSON value"),
	/* behind the value */
	ROW("{} x", 3, "something stands behind the value"),
	ROW("{}{}", 2, "something stands behind the value"),
	ROW("{},", 2, "something stands behind the value"),
	ROW("null\0", 4, "something stands behind the value"),
	ROW("1 2", 2, "something stands behind the value"),
	/* what json-c would take */
	ROW("/* c */ 1", 0, "not a JSON value"),
	ROW("// c\n1", 0, "not a JSON value"),
	ROW("[1,/**/2]", 3, "not a JSON value"),
	ROW("'a'", 0, "not a JSON value"),
	ROW("{'a':1}", 1, "not a member name in double quotes"),
	ROW("{a:1}", 1, "not a member name in double quotes"),
	ROW("{1:1}", 1, "not a member name in double quotes"),
	ROW("NaN", 0, "not a JSON value"),
	ROW("nan", 0, "not a JSON value"),
	ROW("Infinity", 0, "not a JSON value"),
	ROW("-Infinity", 1, "a number without digits"),
	ROW("[-NaN]", 2, "a number without digits"),
	ROW("TRUE", 0, "not a JSON value"),
	ROW("Null", 0, "not a JSON value"),
	ROW("tru", 0, "not a JSON value"),
	ROW("nulll", 4, "something stands behind the value"),
	ROW("\x0b" "1", 0, "not a JSON value"),
	ROW("\xc2\xa0" "1", 0, "not a JSON value"),
	/* numbers */
	ROW("01", 0, "a number with a leading zero"),
	ROW("-01", 1, "a number with a leading zero"),
	ROW("00", 0, "a number with a leading zero"),
	ROW("+1", 0, "not a JSON value"),
	ROW(".5", 0, "not a JSON value"),
	ROW("-", 1, "a number without digits"),
	ROW("-.5", 1, "a number without digits"),
	ROW("1.", 2, "no digit behind the decimal point"),
	ROW("[1.]", 3, "no digit behind the decimal point"),
	ROW("1.e5", 2, "no digit behind the decimal point"),
	ROW("1e", 2, "an exponent without digits"),
	ROW("1e+", 3, "an exponent without digits"),
	ROW("1e5.5", 3, "something stands behind the value"),
	ROW("0x10", 1, "something stands behind the value"),
	ROW("1_000", 1, "something stands behind the value"),
	ROW("[1e999]", 1, "a number beyond the range of a double"),
	ROW("-1e400", 0, "a number beyond the range of a double"),
	ROW("[12345678901234567890123456789012345678901234567890123456789012345]", 1,
	    "a number of more than 64 characters"),
	/* strings */
	ROW("\"abc", 4, "the text ends inside a string"),
	ROW("\"abc\\", 5, "the text ends inside a string"),
	ROW("\"abc\\\"", 6, "the text ends inside a string"),
	ROW("\"a\nb\"", 2, "control character in a string"),
	ROW("\"a long enough run of text\tb\"", 26, "control character in a string"),
	ROW("\"a\0b\"", 2, "NUL in a string"),
	ROW("\"a\\u0000b\"", 2, "NUL in a string"),
	ROW("{\"a\\u0000\":1}", 3, "NUL in a string"),
	ROW("\"\\x41\"", 1, "unknown escape in a string"),
	ROW("\"\\'\"", 1, "unknown escape in a string"),
	ROW("\"\\U0041\"", 1, "unknown escape in a string"),
	ROW("\"\\\0\"", 1, "unknown escape in a string"),
	ROW("\"\\u12\"", 1, "\\u without four hex digits"),
	ROW("\"\\u12G4\"", 1, "\\u without four hex digits"),
	ROW("\"\\u 123\"", 1, "\\u without four hex digits"),
	ROW("\"\\ud83d\"", 1, "half of a surrogate pair"),
	ROW("\"\\ud83dx\"", 1, "half of a surrogate pair"),
	ROW("\"\\ud83d\\n\"", 1, "half of a surrogate pair"),
	ROW("\"\\ud83d\\u0041\"", 1, "half of a surrogate pair"),
	ROW("\"\\ude00\\ud83d\"", 1, "half of a surrogate pair"),
	ROW("[\"ok\",\"\xff\"]", 7, "a string that is not UTF-8 begins here"),
	ROW("\"\xc0\xaf\"", 1, "a string that is not UTF-8 begins here"),
	ROW("\"\xed\xa0\x80\"", 1, "a string that is not UTF-8 begins here"),
	ROW("\"\xc3\"", 1, "a string that is not UTF-8 begins here"),
	ROW("\"text before \\n a fault \xe2\x82\"", 1, "a string that is not UTF-8 begins here"),
	ROW("{\"\x80\":1}", 2, "a string that is not UTF-8 begins here"),
	/* arrays and objects */
	ROW("[", 1, "the text ends where a value should be"),
	ROW("[1", 2, "the text ends too early"),
	ROW("[1,", 3, "the text ends where a value should be"),
	ROW("[1,]", 3, "not a JSON value"),
	ROW("[,1]", 1, "not a JSON value"),
	ROW("[1 2]", 3, "neither a comma nor the end of the array"),
	ROW("[1}", 2, "neither a comma nor the end of the array"),
	ROW("]", 0, "not a JSON value"),
	ROW("{", 1, "the text ends too early"),
	ROW("{\"a\"", 4, "no colon behind the member name"),
	ROW("{\"a\":", 5, "the text ends where a value should be"),
	ROW("{\"a\":1", 6, "the text ends too early"),
	ROW("{\"a\":1,}", 7, "not a member name in double quotes"),
	ROW("{,}", 1, "not a member name in double quotes"),
	ROW("{\"a\" 1}", 5, "no colon behind the member name"),
	ROW("{\"a\"=1}", 4, "no colon behind the member name"),
	ROW("{\"a\":1]", 6, "neither a comma nor the end of the object"),
	ROW("{\"a\":1 \"b\":2}", 7, "neither a comma nor the end of the object"),
	ROW("[[[[[[[[[1]]]]]]]]]", 8, "nested too deep"),
	ROW("{\"a\":[{\"b\":[{\"c\":[{\"d\":[{}]}]}]}]}", 24, "nested too deep"),
	/* members that are there twice */
	ROW("{\"a\":1,\"a\":2}", 7, "a member of this name is there already"),
	ROW("{\"a\":1,\"b\":2, \"\\u0061\":1}", 14, "a member of this name is there already"),
	ROW("{\"a\":null,\"a\":null}", 10, "a member of this name is there already"),
	ROW("[{\"x\":{\"\":1,\"\":1}}]", 12, "a member of this name is there already"),
#undef ROW
};

START_TEST(what_is_not_json_is_refused_at_its_byte)
{
	char *exact = malloc(bad[_i].n + (bad[_i].n == 0)); /* so that a sanitizer sees one byte too far */
	char expected[200];
	json_object *o = (json_object *)&o;
	struct cs_err err;

	memcpy(exact, bad[_i].text, bad[_i].n);
	ck_assert_msg(cs_json_parse(exact, bad[_i].n, DEPTH, &o, &err) == CS_EINVAL, "%s", bad[_i].text);
	snprintf(expected, sizeof(expected), "not valid JSON at byte %zu: %s", bad[_i].at, bad[_i].what);
	ck_assert_str_eq(err.msg, expected);
	ck_assert_ptr_null(o);
	ck_assert_int_eq(cs_json_parse(exact, bad[_i].n, DEPTH, &o, NULL), CS_EINVAL);
	free(exact);
}
END_TEST

static const char sample[] =
	"{\"schema_version\":\"1.0\",\"n\":[1,-2.5e3,true,null,\"a\\u20acb\\ud83d\\ude00\"],\"caller\":{\"phone\":\"+15550100\"}}";

START_TEST(every_prefix_of_a_good_text_is_refused)
{
	for (size_t n = 0; n < sizeof(sample) - 1; n++) {
		char *exact = malloc(n > 0 ? n : 1);
		json_object *o;

		memcpy(exact, sample, n);
		ck_assert_int_eq(cs_json_parse(exact, n, DEPTH, &o, NULL), CS_EINVAL);
		ck_assert_ptr_null(o);
		free(exact);
	}
	json_object_put(parse(sample));
}
END_TEST

/* Whatever one changed byte makes of a text: it is refused, or what was read says the same when it is read again. */
START_TEST(one_wrong_byte_anywhere_does_no_harm)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf once = CS_BUF_INIT(0), twice = CS_BUF_INIT(0);
	char text[sizeof(sample)];
	json_object *o, *again;
	int accepted = 0;

	for (size_t i = 0; i < sizeof(sample) - 1; i++)
		for (int c = 0; c < 256; c++) {
			memcpy(text, sample, sizeof(text));
			text[i] = (char)c;
			if (cs_json_parse(text, sizeof(sample) - 1, DEPTH, &o, NULL) < 0)
				continue;
			cs_buf_reset(&once);
			cs_buf_reset(&twice);
			cs_json_canonical(o, &once);
			ck_assert_int_eq(cs_json_parse(once.ptr, once.len, DEPTH, &again, NULL), 0);
			cs_json_canonical(again, &twice);
			ck_assert_str_eq(once.ptr, twice.ptr);
			json_object_put(o);
			json_object_put(again);
			accepted++;
		}
	ck_assert_int_gt(accepted, 1000);
}
END_TEST

START_TEST(the_depth_is_the_callers)
{
	json_object *o;

	ck_assert_int_eq(cs_json_parse("1", 1, 0, &o, NULL), 0);
	json_object_put(o);
	ck_assert_int_eq(cs_json_parse("[]", 2, 0, &o, NULL), CS_EINVAL);
	ck_assert_int_eq(cs_json_parse("[[]]", 4, 1, &o, NULL), CS_EINVAL);
	ck_assert_int_eq(cs_json_parse("[[],[]]", 7, 2, &o, NULL), 0);
	json_object_put(o);
}
END_TEST

START_TEST(many_members_are_told_apart_and_quickly)
{
	enum { N = 20000 };
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	struct cs_err err;
	json_object *o;

	cs_buf_addc(&b, '{');
	for (int i = 0; i < N; i++)
		cs_buf_printf(&b, "\"member_%d\":%d,", i, i);
	cs_buf_adds(&b, "\"last\":1}");
	ck_assert_int_eq(cs_json_parse(b.ptr, b.len, DEPTH, &o, NULL), 0);
	ck_assert_int_eq(json_object_object_length(o), N + 1);
	ck_assert_int_eq(cs_json_int(o, "member_19999", 0), 19999);
	json_object_put(o);
	b.len -= sizeof("\"last\":1}") - 1;
	cs_buf_adds(&b, "\"member_77\":1}");
	ck_assert_int_eq(cs_json_parse(b.ptr, b.len, DEPTH, &o, &err), CS_EINVAL);
	ck_assert_ptr_nonnull(strstr(err.msg, "there already"));
}
END_TEST

START_TEST(a_fault_never_quotes_the_input)
{
	static const char text[] = "{\"caller\":\"+15550100\",\"caller\":\"Jane Doe\"}";
	struct cs_err err;
	json_object *o;

	ck_assert_int_eq(cs_json_parse(text, sizeof(text) - 1, DEPTH, &o, &err), CS_EINVAL);
	ck_assert_ptr_null(strstr(err.msg, "caller"));
	ck_assert_ptr_null(strstr(err.msg, "555"));
}
END_TEST

START_TEST(long_escaped_strings_and_names_are_whole)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	json_object *o;

	cs_buf_adds(&b, "{\"");
	for (int i = 0; i < 3000; i++)
		cs_buf_adds(&b, "\\n");
	cs_buf_adds(&b, "\":\"");
	for (int i = 0; i < 3000; i++)
		cs_buf_adds(&b, "x\\u00e9");
	cs_buf_adds(&b, "\",\"k\":1}");
	ck_assert_int_eq(cs_json_parse(b.ptr, b.len, DEPTH, &o, NULL), 0);
	json_object_object_foreach(o, key, v) {
		if (strlen(key) == 1) {
			ck_assert_int_eq(json_object_get_int(v), 1);
			continue;
		}
		ck_assert_uint_eq(strlen(key), 3000);
		ck_assert_uint_eq(strspn(key, "\n"), 3000);
		ck_assert_int_eq(json_object_get_string_len(v), 9000);
		ck_assert_str_eq(json_object_get_string(v) + 8997, "x\xc3\xa9");
	}
	json_object_put(o);
}
END_TEST

START_TEST(numbers_do_not_depend_on_the_locale)
{
	json_object *o;

	if (setlocale(LC_ALL, "de_DE.UTF-8") == NULL)
		setlocale(LC_ALL, "C.UTF-8");
	o = parse("[1.5]");
	ck_assert(json_object_get_double(json_object_array_get_idx(o, 0)) == 1.5);
	ck_assert_str_eq(cs_json_text(o), "[1.5]");
	json_object_put(o);
}
END_TEST

/* ---- members */

START_TEST(a_member_of_the_wrong_type_counts_as_absent)
{
	json_object *o = parse("{\"s\":\"text\",\"i\":7,\"f\":5.0,\"h\":5.5,\"b\":true,\"z\":null,\"o\":{},\"e\":\"\","
	                       "\"u\":18446744073709551615,\"big\":1e30,\"exp\":-2e3}");

	ck_assert_str_eq(cs_json_str(o, "s", "d"), "text");
	ck_assert_str_eq(cs_json_str(o, "e", "d"), "");
	ck_assert_str_eq(cs_json_str(o, "i", "d"), "d");
	ck_assert_str_eq(cs_json_str(o, "z", "d"), "d");
	ck_assert_str_eq(cs_json_str(o, "none", "d"), "d");
	ck_assert_ptr_null(cs_json_str(o, "none", NULL));
	ck_assert_int_eq(cs_json_int(o, "i", -1), 7);
	ck_assert_int_eq(cs_json_int(o, "f", -1), 5);
	ck_assert_int_eq(cs_json_int(o, "exp", -1), -2000);
	ck_assert_int_eq(cs_json_int(o, "h", -1), -1);
	ck_assert_int_eq(cs_json_int(o, "s", -1), -1);
	ck_assert_int_eq(cs_json_int(o, "u", -1), -1);
	ck_assert_int_eq(cs_json_int(o, "big", -1), -1);
	ck_assert(cs_json_bool(o, "b", false));
	ck_assert(cs_json_bool(o, "i", true));
	ck_assert(!cs_json_bool(o, "none", false));
	ck_assert_ptr_null(cs_json_get(o, "z"));
	ck_assert_ptr_nonnull(cs_json_get(o, "o"));
	ck_assert_ptr_null(cs_json_get(cs_json_get(o, "s"), "x"));
	ck_assert_ptr_null(cs_json_get(NULL, "x"));
	json_object_put(o);
}
END_TEST

START_TEST(negative_integers_are_read)
{
	json_object *o = parse("{\"a\":-5,\"b\":-9223372036854775808}");

	ck_assert_int_eq(cs_json_int(o, "a", 0), -5);
	ck_assert_int_eq(cs_json_int(o, "b", 0), INT64_MIN);
	json_object_put(o);
}
END_TEST

/* RFC 6901, section 5 (its examples), and what is none. */
static const struct {
	const char *pointer, *text; /* NULL: nothing there */
} pointers[] = {
	{ "/foo", "[\"bar\",\"baz\"]" },
	{ "/foo/0", "\"bar\"" },
	{ "/", "0" },
	{ "/a~1b", "1" },
	{ "/c%d", "2" },
	{ "/e^f", "3" },
	{ "/g|h", "4" },
	{ "/i\\j", "5" },
	{ "/k\"l", "6" },
	{ "/ ", "7" },
	{ "/m~0n", "8" },
	{ "/~01", "9" },
	{ "/foo/1", "\"baz\"" },
	{ "/foo/2", NULL },
	{ "/foo/-", NULL },
	{ "/foo/00", NULL },
	{ "/foo/01", NULL },
	{ "/foo/", NULL },
	{ "/foo/+1", NULL },
	{ "/foo/ 1", NULL },
	{ "/foo/1x", NULL },
	{ "/foo/18446744073709551616", NULL },
	{ "/foo/0/x", NULL },
	{ "foo", NULL },
	{ "/m~n", NULL },
	{ "/m~", NULL },
	{ "/none", NULL },
	{ "/null", NULL },
	{ "/null/x", NULL },
};

START_TEST(pointers_find_what_rfc_6901_says)
{
	json_object *o = parse("{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,\"e^f\":3,\"g|h\":4,\"i\\\\j\":5,"
	                       "\"k\\\"l\":6,\" \":7,\"m~n\":8,\"~1\":9,\"null\":null}");
	json_object *found = cs_json_pointer(o, pointers[_i].pointer);

	if (pointers[_i].text == NULL)
		ck_assert_ptr_null(found);
	else
		expect_json(json_object_get(found), pointers[_i].text);
	ck_assert_ptr_eq(cs_json_pointer(o, ""), o);
	json_object_put(o);
}
END_TEST

START_TEST(scalars_at_a_pointer_come_as_text)
{
	json_object *o = parse("{\"s\":\"x\",\"n\":1.50,\"big\":123456789012345678901,\"i\":-3,\"t\":true,\"z\":null,"
	                       "\"a\":[\"y\"],\"o\":{}}");

	ck_assert_str_eq(cs_json_pointer_text(o, "/s"), "x");
	ck_assert_str_eq(cs_json_pointer_text(o, "/n"), "1.50");
	ck_assert_str_eq(cs_json_pointer_text(o, "/big"), "123456789012345678901");
	ck_assert_str_eq(cs_json_pointer_text(o, "/i"), "-3");
	ck_assert_str_eq(cs_json_pointer_text(o, "/t"), "true");
	ck_assert_str_eq(cs_json_pointer_text(o, "/z"), "");
	ck_assert_str_eq(cs_json_pointer_text(o, "/a"), "");
	ck_assert_str_eq(cs_json_pointer_text(o, "/a/0"), "y");
	ck_assert_str_eq(cs_json_pointer_text(o, "/o"), "");
	ck_assert_str_eq(cs_json_pointer_text(o, "/none"), "");
	ck_assert_str_eq(cs_json_pointer_text(NULL, "/none"), "");
	json_object_put(o);
}
END_TEST

/* ---- RFC 7396, appendix A */

static const struct {
	const char *original, *patch, *result;
} patches[] = {
	{ "{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}" },
	{ "{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}" },
	{ "{\"a\":\"b\"}", "{\"a\":null}", "{}" },
	{ "{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}" },
	{ "{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}" },
	{ "{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}" },
	{ "{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"}}" },
	{ "{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}" },
	{ "[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]" },
	{ "{\"a\":\"b\"}", "[\"c\"]", "[\"c\"]" },
	{ "{\"a\":\"foo\"}", "null", "null" },
	{ "{\"a\":\"foo\"}", "\"bar\"", "\"bar\"" },
	{ "{\"e\":null}", "{\"a\":1}", "{\"a\":1,\"e\":null}" },
	{ "[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}" },
	{ "{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}" },
	/* further */
	{ "null", "{\"a\":1.50}", "{\"a\":1.50}" },
	{ "{\"a\":{\"b\":1}}", "{}", "{\"a\":{\"b\":1}}" },
	{ "{\"a\":null}", "{\"a\":{\"b\":null,\"c\":2}}", "{\"a\":{\"c\":2}}" },
};

START_TEST(merge_patches_give_what_rfc_7396_says)
{
	json_object *original = parse(patches[_i].original), *patch = parse(patches[_i].patch);

	expect_json(cs_json_merge_patch(original, patch), patches[_i].result);
	expect_json(original, patches[_i].original); /* neither is changed */
	expect_json(patch, patches[_i].patch);
}
END_TEST

START_TEST(a_merged_object_shares_nothing_with_its_sources)
{
	json_object *original = parse("{\"keep\":{\"x\":1}}"), *patch = parse("{\"new\":{\"y\":[1]}}");
	json_object *merged = cs_json_merge_patch(original, patch);

	json_object_object_add(cs_json_get(merged, "keep"), "x", NULL);
	json_object_array_add(cs_json_pointer(merged, "/new/y"), NULL);
	json_object_put(merged);
	expect_json(original, "{\"keep\":{\"x\":1}}");
	expect_json(patch, "{\"new\":{\"y\":[1]}}");
}
END_TEST

/* ---- writing */

START_TEST(canonical_text_does_not_depend_on_order_or_space)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf a = CS_BUF_INIT(0), b = CS_BUF_INIT(0);
	json_object *x = json_object_new_object(), *y = json_object_new_object();
	char key[16];

	for (int i = 0; i < 100; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		json_object_object_add(x, key, json_object_new_int(i));
		snprintf(key, sizeof(key), "k%d", 99 - i);
		json_object_object_add(y, key, json_object_new_int(99 - i));
	}
	cs_json_canonical(x, &a);
	cs_json_canonical(y, &b);
	ck_assert_str_eq(a.ptr, b.ptr);
	ck_assert_int_eq(strncmp(a.ptr, "{\"k0\":0,\"k1\":1,\"k10\":10,", 24), 0);
	json_object_put(x);
	json_object_put(y);
}
END_TEST

START_TEST(canonical_text_stops_at_the_ceiling)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(10);
	json_object *o = parse("[1,2,3,4,5,6,7,8,9,10]");

	cs_json_canonical(o, &b);
	ck_assert(b.failed);
	json_object_put(o);
}
END_TEST

START_TEST(text_is_compact_and_leaves_slashes_alone)
{
	json_object *o = parse("{ \"url\": \"https://x.test/\u00e9\", \"n\": [1, 2.50] }");

	ck_assert_str_eq(cs_json_text(o), "{\"url\":\"https://x.test/\u00e9\",\"n\":[1,2.50]}");
	json_object_put(o);
	ck_assert_str_eq(cs_json_text(NULL), "null");
}
END_TEST

/* ---- files */

static char folder[] = "/tmp/cs-json-XXXXXX";
static char path[64];

static void
write_file(const char *text)
{
	FILE *f;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/a.json", folder);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	ck_assert_int_eq(fclose(f), 0);
}

static void
remove_file(void)
{
	unlink(path);
	rmdir(folder);
}

START_TEST(a_file_is_read_up_to_its_limit)
{
	struct cs_err err;
	json_object *o;

	write_file("{\"a\": 1}\n");
	ck_assert_int_eq(cs_json_read_file(path, 9, &o, &err), 0);
	expect_json(o, "{\"a\":1}");
	ck_assert_int_eq(cs_json_read_file(path, 8, &o, &err), CS_ELIMIT);
	ck_assert_ptr_nonnull(strstr(err.msg, "larger than 8 bytes"));
	ck_assert_ptr_null(o);
	remove_file();
	ck_assert_int_eq(cs_json_read_file(path, 8, &o, &err), CS_ENOTFOUND);
	ck_assert_ptr_nonnull(strstr(err.msg, path));
	ck_assert_int_eq(cs_json_read_file("/tmp", 8, &o, &err), CS_EIO);
}
END_TEST

START_TEST(a_fault_in_a_file_has_line_and_column)
{
	char expected[200];
	struct cs_err err;
	json_object *o;

	write_file("{\n  \"a\": 1,\n  \"b\" 2\n}\n");
	ck_assert_int_eq(cs_json_read_file(path, 1000, &o, &err), CS_EINVAL);
	snprintf(expected, sizeof(expected), "%s:3:7: not valid JSON at byte 18: no colon behind the member name", path);
	ck_assert_str_eq(err.msg, expected);
	remove_file();
}
END_TEST

static TCase *
reading(void)
{
	TCase *t = tcase_create("reading");

	tcase_add_loop_test(t, json_is_read, 0, (int)CS_ARRAY_LEN(good));
	tcase_add_loop_test(t, what_is_not_json_is_refused_at_its_byte, 0, (int)CS_ARRAY_LEN(bad));
	tcase_add_test(t, every_prefix_of_a_good_text_is_refused);
	tcase_add_test(t, one_wrong_byte_anywhere_does_no_harm);
	tcase_add_test(t, the_depth_is_the_callers);
	tcase_add_test(t, many_members_are_told_apart_and_quickly);
	tcase_add_test(t, a_fault_never_quotes_the_input);
	tcase_add_test(t, long_escaped_strings_and_names_are_whole);
	tcase_add_test(t, numbers_do_not_depend_on_the_locale);
	tcase_add_test(t, a_file_is_read_up_to_its_limit);
	tcase_add_test(t, a_fault_in_a_file_has_line_and_column);
	return t;
}

static TCase *
using(void)
{
	TCase *t = tcase_create("using");

	tcase_add_test(t, a_member_of_the_wrong_type_counts_as_absent);
	tcase_add_test(t, negative_integers_are_read);
	tcase_add_loop_test(t, pointers_find_what_rfc_6901_says, 0, (int)CS_ARRAY_LEN(pointers));
	tcase_add_test(t, scalars_at_a_pointer_come_as_text);
	tcase_add_loop_test(t, merge_patches_give_what_rfc_7396_says, 0, (int)CS_ARRAY_LEN(patches));
	tcase_add_test(t, a_merged_object_shares_nothing_with_its_sources);
	tcase_add_test(t, canonical_text_does_not_depend_on_order_or_space);
	tcase_add_test(t, canonical_text_stops_at_the_ceiling);
	tcase_add_test(t, text_is_compact_and_leaves_slashes_alone);
	return t;
}

int
main(void)
{
	Suite *s = suite_create("json");
	SRunner *sr = srunner_create(s);
	int failed;

	suite_add_tcase(s, reading());
	suite_add_tcase(s, using());
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
