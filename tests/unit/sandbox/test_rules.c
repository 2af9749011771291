/* SPDX-License-Identifier: Apache-2.0 */
/* The part of JSON Schema that bodies and data files are checked with. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include "rig.h"
#include "sandbox/rules/rules.h"

static bool
has(void *ctx CS_UNUSED, const char *collection, const char *field, const char *value)
{
	return strcmp(collection, "cats") == 0 && strcmp(field, "/name") == 0 && strcmp(value, "tom") == 0;
}

/* Where the value breaks the schema ("" for nowhere), as "pointer keyword". */
static const char *
breach(const char *schema, const char *value)
{
	static char text[256];
	struct cs_sb_regexes rx;
	struct cs_sb_rules r = { .regexes = &rx, .has = has };
	struct cs_sb_breach b;
	json_object *v = NULL;

	cs_sb_regexes_init(&rx);
	ck_assert_int_eq(cs_json_parse(schema, strlen(schema), 32, &r.schema, NULL), 0);
	ck_assert_int_eq(cs_json_parse(value, strlen(value), 32, &v, NULL), 0);
	r.root = r.schema;
	snprintf(text, sizeof(text), "%s", "");
	if (!cs_sb_rules_check(&r, v, &b))
		snprintf(text, sizeof(text), "%s %s%s%s", b.pointer, b.keyword, b.error != NULL ? " " : "", b.error != NULL ? b.error : "");
	json_object_put(v);
	json_object_put(r.schema);
	cs_sb_regexes_fini(&rx);
	return text;
}

START_TEST(keywords_accept_and_refuse)
{
	static const struct {
		const char *schema, *good, *bad, *where;
	} cases[] = {
		{ "{\"type\":\"string\"}", "\"x\"", "1", " type" },
		{ "{\"type\":\"integer\"}", "1", "1.5", " type" },
		{ "{\"type\":\"number\"}", "1.5", "\"1\"", " type" },
		{ "{\"type\":\"boolean\"}", "true", "null", " type" },
		{ "{\"type\":[\"string\",\"null\"]}", "null", "false", " type" },
		{ "{\"const\":3}", "3", "4", " const" },
		{ "{\"const\":null}", "null", "0", " const" },
		{ "{\"enum\":[\"a\",1]}", "1", "\"b\"", " enum" },
		{ "{\"pattern\":\"^[0-9]+$\"}", "\"12\"", "\"1a\"", " pattern" },
		{ "{\"minLength\":2}", "\"\xc3\xa4\xc3\xa4\"", "\"\xc3\xa4\"", " minLength" },
		{ "{\"maxLength\":2}", "\"\xc3\xa4\xc3\xa4\"", "\"abc\"", " maxLength" },
		{ "{\"minimum\":1}", "1", "0.5", " minimum" },
		{ "{\"maximum\":1}", "1", "2", " maximum" },
		{ "{\"minItems\":1}", "[1]", "[]", " minItems" },
		{ "{\"maxItems\":1}", "[1]", "[1,2]", " maxItems" },
		{ "{\"items\":{\"type\":\"string\"}}", "[\"a\"]", "[\"a\",2]", "/1 type" },
		{ "{\"required\":[\"a\"]}", "{\"a\":null}", "{\"b\":1}", " required" },
		{ "{\"properties\":{\"a\":{\"properties\":{\"b\":{\"type\":\"string\"}}}}}", "{\"a\":{\"b\":\"\"}}", "{\"a\":{\"b\":1}}", "/a/b type" },
		{ "{\"properties\":{\"a\":{}},\"additionalProperties\":false}", "{\"a\":1}", "{\"z\":1}", " additionalProperties" },
		{ "{\"additionalProperties\":{\"type\":\"string\"}}", "{\"z\":\"\"}", "{\"z\":1}", "/z type" },
		{ "{\"propertyNames\":{\"pattern\":\"^a\"}}", "{\"ab\":1}", "{\"b\":1}", "/b pattern" },
		{ "{\"minProperties\":1}", "{\"a\":1}", "{}", " minProperties" },
		{ "{\"anyOf\":[{\"required\":[\"a\"]},{\"required\":[\"b\"]}]}", "{\"b\":1}", "{}", " required" },
		{ "{\"anyOf\":[{\"type\":\"string\"},{\"items\":{\"type\":\"string\"}}]}", "[\"a\"]", "[1]", "/0 type" },
		{ "{\"properties\":{\"a\":{\"$ref\":\"#/defs/x\"}},\"defs\":{\"x\":{\"type\":\"string\",\"error\":\"bad_x\"}}}", "{\"a\":\"\"}", "{\"a\":1}",
		  "/a type bad_x" },
		{ "{\"$ref\":\"#/defs/x\",\"required\":[\"b\"],\"defs\":{\"x\":{\"required\":[\"a\"]}}}", "{\"a\":1,\"b\":1}", "{\"a\":1}", " required" },
		{ "{\"collection\":{\"name\":\"cats\",\"field\":\"/name\"},\"error\":\"no_cat\"}", "\"tom\"", "\"rex\"", " collection no_cat" },
	};

	for (size_t i = 0; i < CS_ARRAY_LEN(cases); i++) {
		ck_assert_msg(*breach(cases[i].schema, cases[i].good) == '\0', "%s refuses %s", cases[i].schema, cases[i].good);
		ck_assert_str_eq(breach(cases[i].schema, cases[i].bad), cases[i].where);
	}
}
END_TEST

START_TEST(a_schema_that_refers_to_itself_comes_to_an_end)
{
	ck_assert_str_eq(breach("{\"$ref\":\"#\"}", "1"), " depth");
	ck_assert_str_eq(breach("{\"items\":{\"$ref\":\"#\"}}", "[[[[]]]]"), "");
}
END_TEST

START_TEST(very_long_names_do_not_overflow_the_pointer)
{
	char value[2000];

	memset(value, 'n', sizeof(value));
	memcpy(value, "{\"", 2);
	memcpy(value + sizeof(value) - 5, "\":1}", 5);
	ck_assert_str_ne(breach("{\"additionalProperties\":{\"type\":\"string\"}}", value), "");
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		keywords_accept_and_refuse, a_schema_that_refers_to_itself_comes_to_an_end,
		very_long_names_do_not_overflow_the_pointer,
	};

	return rig_run("sandbox rules", NULL, NULL, tests, CS_ARRAY_LEN(tests));
}
