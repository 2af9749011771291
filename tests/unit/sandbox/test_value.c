/* SPDX-License-Identifier: Apache-2.0 */
/* Templates, filters, conditions and steps, through small CRMs made for it. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "rig.h"

/* An endpoint POST /t whose answer is this template; the answer's text. */
static const char *
evaluate(const char *tmpl, const char *body)
{
	static char text[4096];
	char *file = cs_xasprintf("{\"title\":\"A\",\"endpoints\":[{\"method\":\"POST\",\"path\":\"/t/{seg}\",\"answer\":{\"body\":%s}}]}", tmpl);

	rig_start_text(&rig, file);
	snprintf(text, sizeof(text), "%s",
	         rig_call(&rig, "POST", "/acme/t/a%20b?q=1%2B2&n=5&n=6", "Content-Type: application/json\r\nX-Thing: th\r\n", body)->body);
	rig_stop(&rig);
	free(file);
	return text;
}

START_TEST(an_expression_alone_keeps_its_type)
{
	ck_assert_str_eq(evaluate("{\"a\":\"${body/n}\",\"b\":\"${body/l}\",\"c\":\"x${body/n}y${body/s}\"}", "{\"n\":7,\"l\":[1,2],\"s\":\"z\"}"),
	                 "{\"a\":7,\"b\":[1,2],\"c\":\"x7yz\"}");
}
END_TEST

START_TEST(absent_values_are_left_out_unless_asked)
{
	ck_assert_str_eq(evaluate("{\"a\":\"${body/no}\",\"b\":\"${body/no|null}\",\"c\":\"${body/no|or:d}\",\"e\":[\"${body/no}\",1],\"f\":null}",
	                          "{\"n\":null}"),
	                 "{\"b\":null,\"c\":\"d\",\"e\":[1],\"f\":null}");
}
END_TEST

START_TEST(path_query_and_headers_are_roots)
{
	ck_assert_str_eq(evaluate("[\"${path/seg}\",\"${query/q}\",\"${query/n}\",\"${header/x-thing}\",\"${method}\",\"${tenant}\",\"${now}\",\"${now_s}\"]", "{}"),
	                 "[\"a b\",\"1+2\",[\"5\",\"6\"],\"th\",\"POST\",\"default\",\"2026-05-26T14:32:00Z\",1779805920]");
}
END_TEST

START_TEST(filters_change_values)
{
	ck_assert_str_eq(evaluate("[\"${body/p|digits}\",\"${body/p|national}\",\"${body/s|upper}\",\"${body/s|lower}\",\"${body/n|string}\",\"${body/d|int}\","
	                          "\"${body/j|parse}\",\"${body/c|split:,}\",\"${body/c|split:,|last}\",\"${body/c|split:,|length}\",\"${body|keys|first}\","
	                          "\"${body/h|html}\",\"${body/h|url}\",\"${body/s|base64}\"]",
	                          "{\"p\":\"+1 (305) 555-0182\",\"s\":\"aB\",\"n\":7,\"d\":\"12\",\"j\":\"{\\\"k\\\":true}\",\"c\":\"x,y\",\"h\":\"<&>\"}"),
	                 "[\"13055550182\",\"3055550182\",\"AB\",\"ab\",\"7\",12,{\"k\":true},[\"x\",\"y\"],\"y\",2,\"p\","
	                 "\"&lt;&amp;&gt;\",\"%3C%26%3E\",\"YUI=\"]");
}
END_TEST

START_TEST(operators_build_values)
{
	ck_assert_str_eq(evaluate("{\"e\":{\"$each\":\"${body/l}\",\"as\":\"x\",\"value\":{\"v\":\"${x/n}\"}},\"m\":{\"$merge\":[{\"a\":1,\"b\":1},\"${body/o}\"]},"
	                          "\"p\":{\"$pick\":\"${body/o}\",\"names\":\"${body/names}\",\"default\":[\"b\"],\"always\":[\"c\"]},"
	                          "\"f\":{\"$first\":[\"${body/no}\",\"${body/l/1/n}\"]},"
	                          "\"i\":{\"$if\":{\"value\":\"${body/o/b}\",\"is\":2},\"then\":\"yes\",\"else\":\"no\"},\"n\":{\"$if\":\"${body/no}\",\"then\":1}}",
	                          "{\"l\":[{\"n\":1},{\"n\":2}],\"o\":{\"b\":2,\"c\":3}}"),
	                 "{\"e\":[{\"v\":1},{\"v\":2}],\"m\":{\"a\":1,\"b\":2,\"c\":3},\"p\":{\"b\":2,\"c\":3},\"f\":2,\"i\":\"yes\"}");
}
END_TEST

START_TEST(a_text_of_the_client_is_never_evaluated)
{
	ck_assert_str_eq(evaluate("{\"a\":\"${body/s}\",\"b\":\"x ${body/s}\"}", "{\"s\":\"${tenant}\"}"),
	                 "{\"a\":\"${tenant}\",\"b\":\"x ${tenant}\"}");
}
END_TEST

START_TEST(one_url_can_serve_many_operations)
{
	rig_start_text(&rig,
	               "{\"title\":\"G\",\"credentials\":{\"t\":{\"any\":[{\"from\":\"${header/authorization}\",\"form\":\"Bearer {token}\",\"accept\":[\"k\"]}]}},"
	               "\"needs\":[\"t\"],\"collections\":{\"clients\":{\"id\":{\"prefix\":\"gid://Client/\",\"encode\":\"base64\"}}},"
	               "\"limits\":[{\"name\":\"cost\",\"max\":100,\"restore_per_s\":10,\"error\":\"throttled\"}],"
	               "\"errors\":{\"throttled\":{\"status\":200,\"body\":{\"errors\":[{\"extensions\":{\"code\":\"THROTTLED\"}}],\"wait\":\"${limit/cost/wait_ms}\"}}},"
	               "\"endpoints\":[{\"method\":\"POST\",\"path\":\"/graphql\",\"when\":{\"value\":\"${body/query}\",\"matches\":\"clientCreate\"},\"cost\":40,"
	               "\"steps\":[{\"create\":\"clients\",\"as\":\"c\",\"record\":{\"name\":\"${body/variables/input/name}\"}}],"
	               "\"answer\":{\"body\":{\"data\":{\"clientCreate\":{\"client\":\"${c}\",\"userErrors\":[]}},\"left\":\"${limit/cost/left}\"}}},"
	               "{\"method\":\"POST\",\"path\":\"/graphql\",\"answer\":{\"body\":{\"errors\":[{\"message\":\"unknown\"}]}}}]}");
	const char *auth = "Authorization: Bearer k\r\n", *make = "{\"query\":\"mutation { clientCreate }\",\"variables\":{\"input\":{\"name\":\"M\"}}}";
	struct answer *a = rig_call(&rig, "POST", "/acme/graphql", auth, make);

	ck_assert_str_eq(rig_at(a, "/data/clientCreate/client/id"), "Z2lkOi8vQ2xpZW50LzE=");
	ck_assert_str_eq(rig_at(a, "/left"), "60");
	ck_assert_str_eq(rig_at(rig_call(&rig, "POST", "/acme/graphql", auth, "{\"query\":\"{ x }\"}"), "/errors/0/message"), "unknown");
	ck_assert_int_eq(rig_call(&rig, "POST", "/acme/graphql", auth, make)->status, 200);
	a = rig_call(&rig, "POST", "/acme/graphql", auth, make);
	ck_assert_str_eq(rig_at(a, "/errors/0/extensions/code"), "THROTTLED");
	ck_assert_int_ge(atoi(rig_at(a, "/wait")), 2000);
	rig_advance(&rig, 2200);
	ck_assert_str_ne(rig_at(rig_call(&rig, "POST", "/acme/graphql", auth, make), "/data/clientCreate/client/id"), "");
	rig_stop(&rig);
}
END_TEST

START_TEST(tokens_in_paths_and_secrets_in_bodies_are_credentials)
{
	rig_start_text(&rig,
	               "{\"title\":\"W\",\"credentials\":{\"token\":{\"any\":[{\"from\":\"${path/token}\",\"accept\":[\"api_{tenant}\"]}]},"
	               "\"secret\":{\"any\":[{\"from\":\"${body/auth_secret}\",\"accept\":[\"sec_1\"]}],\"error\":\"no_secret\"}},\"needs\":[\"token\",\"secret\"],"
	               "\"errors\":{\"no_secret\":{\"status\":401,\"body\":{\"error\":true,\"code\":401}}},\"collections\":{\"leads\":{\"id\":{\"form\":\"hex\",\"digits\":6,\"at\":\"/UUID\"}}},"
	               "\"endpoints\":[{\"method\":\"POST\",\"path\":\"/api/v1/{token}/lead/create/\",\"steps\":[{\"create\":\"leads\",\"as\":\"l\",\"record\":{\"Phone\":\"${body/Phone}\"}}],"
	               "\"answer\":{\"body\":{\"flag\":true,\"data\":[{\"UUID\":\"${l/UUID}\"}]}}},"
	               "{\"method\":\"GET\",\"path\":\"/api/v1/{token}/lead/all/\",\"needs\":[\"token\"],\"steps\":[{\"find\":\"leads\",\"as\":\"f\"}],\"answer\":{\"body\":{\"data\":\"${f/items}\"}}}]}");
	struct answer *a = rig_call(&rig, "POST", "/acme/api/v1/api_x/lead/create/", "", "{\"auth_secret\":\"sec_1\",\"Phone\":\"305\"}");

	ck_assert_uint_eq(strlen(rig_at(a, "/data/0/UUID")), 6);
	ck_assert_int_eq(rig_call(&rig, "POST", "/acme/api/v1/api_x/lead/create/", "", "{\"Phone\":\"305\"}")->status, 401);
	ck_assert_int_eq(rig_call(&rig, "POST", "/acme/api/v1/api_x/lead/create", "", "{\"auth_secret\":\"sec_1\"}")->status, 404);
	ck_assert_str_eq(rig_at(rig_call(&rig, "GET", "/acme/api/v1/api_x/lead/all/", "", NULL), "/data/0/Phone"), "305");
	ck_assert_str_eq(rig_at(rig_call(&rig, "GET", "/acme/api/v1/api_y/lead/all/", "", NULL), "/data/0/Phone"), "");
	a = rig_call(&rig, "GET", "/_requests", "", NULL);
	ck_assert_ptr_null(strstr(a->body, "sec_1"));
	ck_assert_ptr_null(strstr(a->body, "api_x"));
	rig_stop(&rig);
}
END_TEST

START_TEST(batches_answer_per_record_and_text_can_be_taken_apart)
{
	rig_start_text(&rig,
	               "{\"title\":\"Z\",\"collections\":{\"leads\":{\"unique\":[{\"at\":\"/Phone\",\"error\":\"dup\"}]}},"
	               "\"errors\":{\"dup\":{\"status\":400,\"body\":{\"code\":\"DUPLICATE_DATA\",\"id\":\"${conflict/id}\"}}},"
	               "\"endpoints\":[{\"method\":\"POST\",\"path\":\"/Leads\",\"steps\":[{\"each\":\"${body/data}\",\"as\":\"d\",\"collect_errors\":true,\"into\":\"out\","
	               "\"do\":[{\"create\":\"leads\",\"as\":\"l\",\"record\":\"${d}\"}],\"collect\":{\"code\":\"SUCCESS\",\"id\":\"${l/id}\"}}],\"answer\":{\"status\":201,\"body\":{\"data\":\"${out}\"}}},"
	               "{\"method\":\"GET\",\"path\":\"/query\",\"steps\":[{\"match\":\"${query/q}\",\"pattern\":\"Phone='([^']*)'\",\"as\":\"m\",\"error\":\"invalid\"},"
	               "{\"find\":\"leads\",\"where\":{\"/Phone\":\"${m/1}\"},\"as\":\"f\"}],\"answer\":{\"body\":{\"totalSize\":\"${f/total}\"}}}]}");
	struct answer *a = rig_call(&rig, "POST", "/acme/Leads", "", "{\"data\":[{\"Phone\":\"1\"},{\"Phone\":\"1\"},{\"Phone\":\"2\"}]}");

	ck_assert_int_eq(a->status, 201);
	ck_assert_str_eq(rig_at(a, "/data/0/code"), "SUCCESS");
	ck_assert_str_eq(rig_at(a, "/data/1/code"), "DUPLICATE_DATA");
	ck_assert_str_eq(rig_at(a, "/data/1/id"), rig_at(a, "/data/0/id"));
	ck_assert_str_eq(rig_at(a, "/data/2/code"), "SUCCESS");
	ck_assert_str_eq(rig_at(rig_call(&rig, "GET", "/acme/query?q=SELECT+Id+WHERE+Phone='2'", "", NULL), "/totalSize"), "1");
	ck_assert_int_eq(rig_call(&rig, "GET", "/acme/query?q=nonsense", "", NULL)->status, 400);
	rig_stop(&rig);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		an_expression_alone_keeps_its_type, absent_values_are_left_out_unless_asked,
		path_query_and_headers_are_roots, filters_change_values, operators_build_values,
		a_text_of_the_client_is_never_evaluated, one_url_can_serve_many_operations,
		tokens_in_paths_and_secrets_in_bodies_are_credentials,
		batches_answer_per_record_and_text_can_be_taken_apart,
	};

	return rig_run("sandbox value", NULL, NULL, tests, CS_ARRAY_LEN(tests));
}
