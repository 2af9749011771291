/* SPDX-License-Identifier: Apache-2.0 */
/* Which handler gets a request, and what those hear that none gets. */
#include "config.h"
#include "fixture.h"
#include "api/router.h"

static const char *param[CS_API_PARAMS], *allow;

static const struct cs_api_route *
find(const char *method, const char *path)
{
	return cs_api_find(method, path, param, &allow, &fx.mem);
}

START_TEST(a_path_is_matched_with_its_parameters)
{
	const struct cs_api_route *r = find("POST", "/v1/dead-letters/257/replay");

	ck_assert_ptr_nonnull(r);
	ck_assert_str_eq(r->path, "/v1/dead-letters/{id}/replay");
	ck_assert_str_eq(param[0], "257");
	ck_assert_str_eq(find("GET", "/v1/leads/a%20b?account=x")->path, "/v1/leads/{id}");
	ck_assert_str_eq(param[0], "a b");
	ck_assert_ptr_eq(find("HEAD", "/v1/leads"), find("GET", "/v1/leads"));
}
END_TEST

START_TEST(an_encoded_slash_belongs_to_the_parameter)
{
	ck_assert_str_eq(find("POST", "/v1/connections/hubspot%2Facme/pause")->path, "/v1/connections/{id}/pause");
	ck_assert_str_eq(param[0], "hubspot/acme");
	ck_assert_ptr_nonnull(find("GET", "/v1/connections/a%252fb"));
	ck_assert_str_eq(param[0], "a%2fb"); /* decoded once */
	ck_assert_ptr_nonnull(find("GET", "/v1/l%65ads"));
	ck_assert_ptr_null(find("GET", "/v1%2Fleads"));
	ck_assert_ptr_null(find("GET", "%2Fv1/leads"));
	ck_assert_ptr_null(find("GET", "/v1/leads%2F1"));
}
END_TEST

START_TEST(a_connection_is_found_by_crm_and_name_in_a_path)
{
	put_conn("acme", "acct_1", "hubspot", "", CS_SUB_ROUTED);
	put_conn("acme", "acct_2", "webhook", "", CS_SUB_ROUTED);
	serve();
	ck_assert_int_eq(call("GET", "/v1/connections/hubspot%2Facme", ADMIN, NULL), 200);
	ck_assert_str_eq(text_at("/crm"), "hubspot");
	ck_assert_int_eq(call("GET", "/v1/connections/webhook:acme", ADMIN, NULL), 200);
	ck_assert_str_eq(text_at("/crm"), "webhook");
	ck_assert_int_eq(call("GET", "/v1/connections/acme", ADMIN, NULL), 409);
	ck_assert_str_eq(text_at("/detail"), "several connections have this name; give CRM/NAME, or the id that begins with conn_");
	ck_assert_int_eq(call("GET", "/v1%2Fconnections/acme", ADMIN, NULL), 404);
}
END_TEST

START_TEST(near_misses_are_no_path)
{
	static const char *const paths[] = { "/", "/v1/", "/v1/lead", "/v1/leads/", "/v1/leads//story", "/v1/leads/1/story/2",
		"/v1/leadsx", "/v2/leads", "" };

	for (size_t i = 0; i < CS_ARRAY_LEN(paths); i++) {
		ck_assert_msg(find("GET", paths[i]) == NULL, "%s", paths[i]);
		ck_assert_ptr_null(allow);
	}
}
END_TEST

START_TEST(a_wrong_method_is_told_the_right_ones)
{
	ck_assert_ptr_null(find("PUT", "/v1/keys"));
	ck_assert_str_eq(allow, "GET, HEAD, POST");
	ck_assert_ptr_null(find("POST", "/v1/keys/3"));
	ck_assert_str_eq(allow, "DELETE");
	serve();
	ck_assert_int_eq(call("DELETE", "/v1/replays", ADMIN, NULL), 405);
	ck_assert(head_has("\r\nAllow: POST\r\n"));
	ck_assert_int_eq(call("GET", "/v1/nothing", ADMIN, NULL), 404);
	ck_assert(head_has("application/problem+json"));
}
END_TEST

START_TEST(the_table_is_sound)
{
	for (size_t i = 0; i < cs_api_n_routes; i++) {
		const struct cs_api_route *r = &cs_api_routes[i];

		ck_assert(r->handle != NULL && r->help[0] != '\0' && r->path[0] == '/');
		ck_assert_msg((strcmp(r->method, "GET") == 0) == (r->need != CS_NEED_ADMIN) || r->need == CS_NEED_BRIDGE || strcmp(r->path, "/v1/keys") == 0 ||
		                  strcmp(r->path, "/v1/connections/{id}/map") == 0,
		              "%s %s", r->method, r->path);
		for (size_t k = 0; k < i; k++)
			ck_assert(strcmp(r->method, cs_api_routes[k].method) != 0 || strcmp(r->path, cs_api_routes[k].path) != 0);
	}
}
END_TEST

START_TEST(the_list_names_every_route_and_who_may)
{
	serve();
	ck_assert_int_eq(GET("/v1"), 200);
	ck_assert_uint_eq(length_at("/items"), cs_api_n_routes);
	ck_assert_str_eq(text_at("/items/0/path"), "/healthz");
	ck_assert_str_eq(text_at("/items/0/needs"), "open");
	ck_assert_str_eq(text_at("/items/4/path"), "/v1");
	ck_assert_str_eq(text_at("/items/4/needs"), "read");
}
END_TEST

START_TEST(a_head_has_no_body)
{
	serve();
	ck_assert_int_eq(call("HEAD", "/v1/stats", ADMIN, NULL), 200);
	ck_assert_str_eq(fx.body, "");
}
END_TEST

START_TEST(while_stopping_only_health_is_answered)
{
	serve();
	cs_api_close(&fx.api);
	ck_assert_int_eq(GET("/v1/stats"), 503);
	ck_assert(head_has("\r\nRetry-After:"));
	ck_assert_int_eq(GET("/healthz"), 200);
	ck_assert_int_eq(GET("/readyz"), 503);
	ck_assert_str_eq(text_at("/reasons/0"), "stopping");
}
END_TEST

START_TEST(a_new_configuration_counts_from_the_next_request)
{
	struct cs_conf *next = cs_conf_new("next.conf");
	static const char *const hosts[] = { "panel.example" };

	serve();
	ck_assert_int_eq(call_with("GET", "/healthz", "Host: panel.example\r\n", NULL), 403);
	next->admin.host_allow = (struct cs_conf_list){ hosts, 1 };
	cs_api_reload(&fx.api, next);
	cs_conf_unref(next);
	ck_assert_int_eq(call_with("GET", "/healthz", "Host: panel.example\r\n", NULL), 200);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { a_path_is_matched_with_its_parameters, an_encoded_slash_belongs_to_the_parameter,
		a_connection_is_found_by_crm_and_name_in_a_path, near_misses_are_no_path,
		a_wrong_method_is_told_the_right_ones, the_table_is_sound, the_list_names_every_route_and_who_may, a_head_has_no_body,
		while_stopping_only_health_is_answered, a_new_configuration_counts_from_the_next_request, NULL };

	return run_tests("router", tests);
}
