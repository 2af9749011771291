/* SPDX-License-Identifier: Apache-2.0 */
#include "log/metrics.h"
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cs/plugin_v1.h>
#include "store/store.h"

static struct cs_buf text;

static const char *
outcome(int32_t i)
{
	static const char *const words[] = { "done", "retry", "reject", "reauth", "wait", "unknown", "unsupported", "undefined" };

	return words[i];
}

static const char *
kind(int i)
{
	static const char *const words[] = { "lead", "unqualified", "event", "invalid" };

	return words[i];
}

static const char *
blame(int i)
{
	static const char *const words[] = { "none", "lead", "credential", "connection", "crm", "us" };

	return words[i];
}

static const char *
urgency(int i)
{
	static const char *const words[] = { "emergency", "same_day", "same_week", "flexible" };

	return words[i];
}

static void
render(void)
{
	static const struct cs_metrics_words words = { kind, outcome, blame, urgency };

	cs_buf_reset(&text);
	cs_metrics_render(&text, &words);
}

/* Is there this whole line? */
static int
has(const char *line)
{
	size_t n = strlen(line);

	for (const char *at = cs_buf_str(&text); (at = strstr(at, line)) != NULL; at += n)
		if ((at == text.ptr || at[-1] == '\n') && at[n] == '\n')
			return 1;
	return 0;
}

static void
setup(void)
{
	cs_metrics_reset();
	cs_buf_init(&text, 0);
}

static void
teardown(void)
{
	cs_buf_fini(&text);
}

START_TEST(nothing_counted_is_shown_as_zero)
{
	render();
	ck_assert(has("csrelay_leads_accepted_total{kind=\"lead\"} 0"));
	ck_assert(has("csrelay_delivery_seconds_count{urgency=\"emergency\"} 0"));
	ck_assert(has("# TYPE csrelay_attempts_total counter"));
	ck_assert(strstr(text.ptr, "csrelay_attempts_total{") == NULL);
}
END_TEST

START_TEST(intake_is_counted_by_what_became_of_it)
{
	cs_metrics_accepted(CS_KIND_LEAD);
	cs_metrics_accepted(CS_KIND_LEAD);
	cs_metrics_accepted(CS_KIND_INVALID);
	cs_metrics_duplicate(0);
	cs_metrics_duplicate(1);
	cs_metrics_duplicate(1);
	cs_metrics_refused(401);
	cs_metrics_refused(418);
	render();
	ck_assert(has("csrelay_leads_accepted_total{kind=\"lead\"} 2"));
	ck_assert(has("csrelay_leads_accepted_total{kind=\"invalid\"} 1"));
	ck_assert(has("csrelay_leads_duplicate_total{result=\"same\"} 1"));
	ck_assert(has("csrelay_leads_duplicate_total{result=\"conflict\"} 2"));
	ck_assert(has("csrelay_leads_refused_total{status=\"401\"} 1"));
	ck_assert(has("csrelay_leads_refused_total{status=\"other\"} 1"));
}
END_TEST

START_TEST(an_attempt_counts_its_outcome_and_where_the_delivery_went)
{
	struct cs_metrics_totals totals;

	cs_metrics_attempt("acme", CS_DONE, CS_DELIVERED, CS_BLAME_NONE, 0, 400);
	cs_metrics_attempt("acme", CS_RETRY, CS_DUE, CS_BLAME_CRM, 1, 10);
	cs_metrics_attempt("acme", CS_REJECT, CS_DEAD, CS_BLAME_LEAD, 1, 10);
	cs_metrics_attempt("acme", 99, CS_DUE, CS_BLAME_US, 1, 10);
	cs_metrics_dead("acme", CS_BLAME_CRM);
	cs_metrics_attempt("other_crm", CS_DONE, CS_DELIVERED, CS_BLAME_NONE, 0, 400);
	cs_metrics_accepted(CS_KIND_LEAD);
	cs_metrics_totals(&totals);
	ck_assert_uint_eq(totals.accepted, 1);
	ck_assert_uint_eq(totals.delivered, 2);
	render();
	ck_assert(has("csrelay_attempts_total{crm=\"acme\",outcome=\"done\",blame=\"none\"} 1"));
	ck_assert(has("csrelay_attempts_total{crm=\"acme\",outcome=\"retry\",blame=\"crm\"} 1"));
	ck_assert(has("csrelay_attempts_total{crm=\"acme\",outcome=\"undefined\",blame=\"us\"} 1"));
	ck_assert(has("csrelay_delivered_total{crm=\"acme\"} 1"));
	ck_assert(has("csrelay_dead_letters_total{crm=\"acme\",blame=\"lead\"} 1"));
	ck_assert(has("csrelay_dead_letters_total{crm=\"acme\",blame=\"crm\"} 1"));
}
END_TEST

START_TEST(a_histogram_is_cumulative_and_in_seconds)
{
	cs_metrics_attempt("acme", CS_DONE, CS_DELIVERED, CS_BLAME_NONE, 2, 250);
	cs_metrics_attempt("acme", CS_DONE, CS_DELIVERED, CS_BLAME_NONE, 2, 251);
	cs_metrics_attempt("acme", CS_DONE, CS_DELIVERED, CS_BLAME_NONE, 2, 90000000);
	render();
	ck_assert(has("csrelay_delivery_seconds_bucket{urgency=\"same_week\",le=\"0.1\"} 0"));
	ck_assert(has("csrelay_delivery_seconds_bucket{urgency=\"same_week\",le=\"0.25\"} 1"));
	ck_assert(has("csrelay_delivery_seconds_bucket{urgency=\"same_week\",le=\"0.5\"} 2"));
	ck_assert(has("csrelay_delivery_seconds_bucket{urgency=\"same_week\",le=\"86400\"} 2"));
	ck_assert(has("csrelay_delivery_seconds_bucket{urgency=\"same_week\",le=\"+Inf\"} 3"));
	ck_assert(has("csrelay_delivery_seconds_sum{urgency=\"same_week\"} 90000.501"));
	ck_assert(has("csrelay_delivery_seconds_count{urgency=\"same_week\"} 3"));
}
END_TEST

START_TEST(requests_are_counted_by_class_and_timed)
{
	cs_metrics_http("acme", 201, 4000);
	cs_metrics_http("acme", 503, 2000000);
	cs_metrics_http("acme", 0, 30000000);
	render();
	ck_assert(has("csrelay_http_requests_total{crm=\"acme\",class=\"2xx\"} 1"));
	ck_assert(has("csrelay_http_requests_total{crm=\"acme\",class=\"5xx\"} 1"));
	ck_assert(has("csrelay_http_requests_total{crm=\"acme\",class=\"none\"} 1"));
	ck_assert(has("csrelay_http_request_seconds_bucket{crm=\"acme\",le=\"0.005\"} 1"));
	ck_assert(has("csrelay_http_request_seconds_bucket{crm=\"acme\",le=\"30\"} 3"));
	ck_assert(has("csrelay_http_request_seconds_sum{crm=\"acme\"} 32.004"));
}
END_TEST

START_TEST(names_are_bounded_and_the_rest_is_other)
{
	char name[80];

	for (int i = 0; i < CS_METRICS_CRMS + 3; i++) {
		snprintf(name, sizeof(name), "crm%d", i);
		cs_metrics_dead(name, CS_BLAME_CRM);
	}
	memset(name, 'x', 70);
	name[70] = '\0';
	cs_metrics_dead(name, CS_BLAME_CRM);
	cs_metrics_dead("", CS_BLAME_CRM);
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "result%d", i);
		cs_metrics_hook("crm0", name);
	}
	render();
	ck_assert(has("csrelay_dead_letters_total{crm=\"crm63\",blame=\"crm\"} 1"));
	ck_assert(has("csrelay_dead_letters_total{crm=\"other\",blame=\"crm\"} 5"));
	ck_assert(!has("csrelay_dead_letters_total{crm=\"crm64\",blame=\"crm\"} 1"));
	ck_assert(has("csrelay_hooks_total{crm=\"crm0\",result=\"result0\"} 1"));
	ck_assert(has("csrelay_hooks_total{crm=\"crm0\",result=\"other\"} 25"));
}
END_TEST

START_TEST(values_read_when_asked_have_escaped_labels)
{
	cs_metric_head(&text, "csrelay_x", "gauge", "Something.");
	cs_metric_value(&text, "csrelay_x", "a", "q\"b\\s\n", 1.5);
	cs_metric_value(&text, "csrelay_x", NULL, "", -3.0);
	ck_assert_str_eq(text.ptr, "# HELP csrelay_x Something.\n# TYPE csrelay_x gauge\n"
	                           "csrelay_x{a=\"q\\\"b\\\\s\\n\"} 1.5\ncsrelay_x -3\n");
}
END_TEST

#define ROUNDS 20000

static void *
count_much(void *arg)
{
	char name[16];

	for (int i = 0; i < ROUNDS; i++) {
		snprintf(name, sizeof(name), "c%d", i % 50);
		cs_metrics_dead(name, CS_BLAME_CRM);
		cs_metrics_hook(name, arg);
	}
	return NULL;
}

START_TEST(threads_that_count_at_once_lose_nothing)
{
	static char words[4][8] = { "one", "two", "three", "four" };
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL, count_much, words[i]), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	render();
	ck_assert(has("csrelay_dead_letters_total{crm=\"c0\",blame=\"crm\"} 1600"));
	ck_assert(has("csrelay_dead_letters_total{crm=\"c49\",blame=\"crm\"} 1600"));
	ck_assert(has("csrelay_hooks_total{crm=\"c7\",result=\"three\"} 400"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("metrics");
	TCase *tc = tcase_create("metrics");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, nothing_counted_is_shown_as_zero);
	tcase_add_test(tc, intake_is_counted_by_what_became_of_it);
	tcase_add_test(tc, an_attempt_counts_its_outcome_and_where_the_delivery_went);
	tcase_add_test(tc, a_histogram_is_cumulative_and_in_seconds);
	tcase_add_test(tc, requests_are_counted_by_class_and_timed);
	tcase_add_test(tc, names_are_bounded_and_the_rest_is_other);
	tcase_add_test(tc, values_read_when_asked_have_escaped_labels);
	tcase_add_test(tc, threads_that_count_at_once_lose_nothing);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
