/* SPDX-License-Identifier: Apache-2.0 */
/* Health, figures, metrics. */
#include "config.h"
#include "../fixture.h"
#include "log/metrics.h"

START_TEST(health_and_readiness)
{
	serve();
	ck_assert_int_eq(GET("/healthz"), 200);
	ck_assert_str_eq(text_at("/status"), "ok");
	ck_assert_int_eq(GET("/readyz"), 200);
	ck_assert(cs_json_bool(fx.json, "ready", false));
	ck_assert_uint_eq(length_at("/reasons"), 0);
	ck_assert_int_eq(int_at("/writer_age_ms"), 5000);
	ck_assert_int_eq(int_at("/oldest_due_s"), 0);
}
END_TEST

START_TEST(a_full_disk_is_not_ready)
{
	serve();
	cs_writer_stats(fx.writer)->disk_full = true;
	ck_assert_int_eq(GET("/readyz"), 503);
	ck_assert(cs_json_bool(fx.json, "disk_full", false));
	ck_assert_str_eq(text_at("/reasons/0"), "the disk is full");
	cs_writer_stats(fx.writer)->disk_full = false;
	ck_assert_int_eq(GET("/readyz"), 200);
}
END_TEST

static void
some_queue(void)
{
	int64_t hub = put_conn("hub", "acct_1", "hubspot", "", CS_SUB_ROUTED);

	for (int i = 1; i <= 3; i++)
		put_delivery((struct cs_delivery_row){ .lead_id = put_lead(i, "acct_1", CS_KIND_LEAD, GOOD_CONTACT, TO_HUBSPOT),
			.conn_id = hub, .state = CS_DUE, .due_ms = NOW - i * 10000 });
	put_delivery((struct cs_delivery_row){ .lead_id = put_lead(4, "acct_1", CS_KIND_LEAD, GOOD_CONTACT, TO_HUBSPOT),
		.conn_id = hub, .state = CS_DEAD });
	fx.slots.in_hand = 7;
}

START_TEST(stats_are_a_few_figures)
{
	some_queue();
	cs_metrics_accepted(CS_KIND_LEAD);
	cs_metrics_attempt("hubspot", CS_DONE, CS_DELIVERED, CS_BLAME_NONE, 0, 10);
	serve();
	ck_assert_int_eq(GET("/v1/stats"), 200);
	ck_assert_int_eq(int_at("/accepted"), 1);
	ck_assert_int_eq(int_at("/delivered"), 1);
	ck_assert_int_eq(int_at("/due"), 3);
	ck_assert_int_eq(int_at("/dead"), 1);
	ck_assert_int_eq(int_at("/in_hand"), 7);
	ck_assert_int_eq(int_at("/oldest_due_s"), 30);
	ck_assert_int_eq(int_at("/uptime_s"), 5);
	ck_assert_str_eq(text_at("/version"), PACKAGE_VERSION);
}
END_TEST

static void
has_line(const char *line)
{
	CS_CLEANUP(cs_freep) char *whole = cs_xasprintf("\n%s\n", line);

	ck_assert_msg(strstr(fx.body, whole) != NULL, "%s is not in what it answered", line); /* all of it is too long for Check */
}

START_TEST(metrics_tell_what_was_counted_and_what_is)
{
	const struct cs_alert_row alert = { .key = "dead-letters/x", .text = "t", .raised_ms = NOW, .count = 3 };
	struct cs_err err;

	some_queue();
	ok(fx.store->ops->begin(fx.store, &err));
	ok(fx.store->ops->alert_put(fx.store, &alert, &err));
	ok(fx.store->ops->commit(fx.store, &err));
	cs_metrics_accepted(CS_KIND_INVALID);
	cs_metrics_attempt("hubspot", CS_WAIT, CS_DUE, CS_BLAME_CRM, 0, 10);
	cs_metrics_attempt("hubspot", CS_DONE, CS_DELIVERED, CS_BLAME_NONE, 1, 10);
	serve();
	ck_assert_int_eq(call("GET", "/metrics", NULL, NULL), 200);
	ck_assert(head_has("text/plain; version=0.0.4"));
	has_line("csrelay_leads_accepted_total{kind=\"invalid\"} 1");
	has_line("csrelay_attempts_total{crm=\"hubspot\",outcome=\"wait\",blame=\"crm\"} 1");
	has_line("csrelay_delivery_seconds_count{urgency=\"same_day\"} 1");
	has_line("csrelay_queue_depth{crm=\"hubspot\"} 3");
	has_line("csrelay_queue_oldest_due_seconds{crm=\"hubspot\"} 30");
	has_line("csrelay_dead_letters 1");
	has_line("csrelay_in_hand 7");
	has_line("csrelay_alerts 1");
	has_line("csrelay_ready 1");
	has_line("csrelay_store_disk_full 0");
	has_line("csrelay_build_info{version=\"" PACKAGE_VERSION "\"} 1");
}
END_TEST

START_TEST(metrics_tell_how_the_store_does)
{
	char *at, *rest;

	some_queue();
	serve();
	ck_assert_int_eq(GET("/v1/deliveries?state=due"), 200);
	ck_assert_int_eq(POST("{}", "/v1/deliveries/%lld/retry", (long long)int_at("/items/0/id")), 200);
	ck_assert_int_eq(call("GET", "/metrics", NULL, NULL), 200);
	has_line("csrelay_store_batch_largest 1");
	has_line("csrelay_store_retried_batches_total 0");
	has_line("csrelay_writer_queue 0");
	for (const char *const *name = (const char *const[]){ "commits_total", "operations_total", "commit_seconds_total", "commit_worst_seconds",
	                                  NULL };
	     *name != NULL; name++) {
		ck_assert_ptr_nonnull(at = strstr(fx.body, path_of("\ncsrelay_store_%s ", *name)));
		ck_assert_msg(strtod(strchr(at, ' '), &rest) > 0 && *rest == '\n', "%s: %.60s", *name, at + 1);
	}
}
END_TEST

/* Each line is a comment, or a name, labels and a number; each name is announced once and before its values. */
START_TEST(the_text_is_well_formed)
{
	char name[100], announced[100] = "", *line, *rest;
	double value;

	some_queue();
	cs_metrics_http("hub\"spot", 200, 1000);
	cs_metrics_hook("hubspot", "received");
	serve();
	ck_assert_int_eq(call("GET", "/metrics", NULL, NULL), 200);
	for (line = strtok_r(fx.body, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
		if (sscanf(line, "# TYPE %99s", name) == 1) {
			strcpy(announced, name);
			continue;
		}
		if (line[0] == '#')
			continue;
		ck_assert_msg(strncmp(line, announced, strlen(announced)) == 0, "%s is not announced", line);
		ck_assert_ptr_nonnull(strrchr(line, ' '));
		ck_assert_msg(sscanf(strrchr(line, ' '), "%lf", &value) == 1, "%s has no number", line);
	}
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { health_and_readiness, a_full_disk_is_not_ready, stats_are_a_few_figures,
		metrics_tell_what_was_counted_and_what_is, metrics_tell_how_the_store_does, the_text_is_well_formed, NULL };

	return run_tests("health", tests);
}
