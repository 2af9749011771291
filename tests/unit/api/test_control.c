/* SPDX-License-Identifier: Apache-2.0 */
/* Alerts, plugins, reload, the clock of test builds. */
#include "config.h"
#include "fixture.h"

static int reloads;

static void
reload(void *ctx)
{
	ck_assert_ptr_eq(ctx, &reloads);
	reloads++;
}

START_TEST(a_reload_is_asked_for)
{
	serve();
	ck_assert_int_eq(POST("", "/v1/reload"), 503);
	fx.api.reload = reload;
	fx.api.reload_ctx = &reloads;
	ck_assert_int_eq(POST("", "/v1/reload"), 202);
	ck_assert_int_eq(reloads, 1);
	ck_assert_int_eq(call("POST", "/v1/reload", BOUND, NULL), 403);
}
END_TEST

START_TEST(alerts_can_be_those_that_are_on)
{
	struct cs_alert_row on = { .key = "dead-letters/conn_1", .text = "three", .raised_ms = NOW, .count = 3 };
	struct cs_alert_row off = { .key = "dead-letters/conn_2", .text = "well again", .raised_ms = NOW - 5, .recovered_ms = NOW };
	struct cs_err err;

	ok(fx.store->ops->begin(fx.store, &err));
	ok(fx.store->ops->alert_put(fx.store, &on, &err));
	ok(fx.store->ops->alert_put(fx.store, &off, &err));
	ok(fx.store->ops->commit(fx.store, &err));
	serve();
	ck_assert_int_eq(GET("/v1/alerts"), 200);
	ck_assert_uint_eq(length_at("/items"), 2);
	ck_assert_int_eq(GET("/v1/alerts?on=1"), 200);
	ck_assert_uint_eq(length_at("/items"), 1);
	ck_assert_str_eq(text_at("/items/0/key"), "dead-letters/conn_1");
	ck_assert_int_eq(int_at("/items/0/count"), 3);
	ck_assert_int_eq(GET("/v1/alerts?on=maybe"), 400);
}
END_TEST

START_TEST(plugins_show_their_manifests)
{
	serve();
	ck_assert_int_eq(GET("/v1/plugins"), 200);
	ck_assert_uint_eq(length_at("/items"), 2);
	ck_assert_str_eq(text_at("/items/0/title"), "Acme");
	ck_assert_str_eq(text_at("/items/0/settings/1/key"), "stage");
	ck_assert_str_eq(text_at("/items/0/settings/1/type"), "choice");
	ck_assert_str_eq(text_at("/items/0/settings/1/default"), "new");
	ck_assert_str_eq(text_at("/items/0/settings/1/choices/0"), "new");
	ck_assert_str_eq(text_at("/items/0/secrets/0/name"), "token");
	ck_assert_str_eq(text_at("/items/0/steps/1/on_doubt"), "look");
	ck_assert_int_eq(int_at("/items/0/limits/0/count"), 10);
	ck_assert_str_eq(text_at("/items/1/error"), "could not open it");
	ck_assert_str_eq(text_at("/items/0/process/state"), "up");
	ck_assert_int_eq(int_at("/items/0/process/landlock"), 7);
	ck_assert_int_eq(int_at("/items/0/process/deaths"), 2);
	ck_assert_str_eq(text_at("/items/0/process/died_over"), "ev-7");
}
END_TEST

START_TEST(a_plugin_is_loaded_anew)
{
	serve();
	ck_assert_int_eq(POST("{}", "/v1/plugins/acme/reload"), 200);
	ck_assert_str_eq(text_at("/version"), "1.3");
	ck_assert_int_eq(POST("{}", "/v1/plugins/broken/reload"), 422);
	ck_assert_str_eq(text_at("/detail"), "no entry symbol");
	ck_assert_int_eq(POST("{}", "/v1/plugins/nobody/reload"), 404);
	ck_assert_int_eq(call("POST", "/v1/plugins/acme/reload", READER, "{}"), 403);
}
END_TEST

START_TEST(deaths_of_plugins_are_counted)
{
	serve();
	ck_assert_int_eq(GET("/metrics"), 200);
	ck_assert_ptr_nonnull(strstr(fx.body, "csrelay_plugin_deaths_total{plugin=\"acme\"} 2"));
	ck_assert_ptr_nonnull(strstr(fx.body, "csrelay_plugin_parked{plugin=\"acme\"} 0"));
}
END_TEST

START_TEST(a_test_build_moves_its_clock)
{
#ifdef CS_TEST_HOOKS
	serve();
	ck_assert_int_eq(POST("{\"advance_ms\":21600000}", "/v1/test/clock"), 200);
	ck_assert_int_eq(int_at("/now_ms"), NOW + 21600000);
	ck_assert_int_eq(cs_now_ms(&fx.clock), NOW + 21600000);
	ck_assert_uint_eq(told("wake", 1), 1);
	ck_assert_int_eq(POST("{\"set_ms\":1800000000500}", "/v1/test/clock"), 200);
	ck_assert_int_eq(cs_now_ms(&fx.clock), NOW + 500);
	ck_assert_int_eq(call("POST", "/v1/test/clock", READER, "{}"), 403);
#else
	serve();
	ck_assert_int_eq(POST("{\"advance_ms\":1}", "/v1/test/clock"), 404);
#endif
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { a_reload_is_asked_for, alerts_can_be_those_that_are_on, plugins_show_their_manifests,
		a_plugin_is_loaded_anew, deaths_of_plugins_are_counted,
		a_test_build_moves_its_clock, NULL };

	return run_tests("control", tests);
}
