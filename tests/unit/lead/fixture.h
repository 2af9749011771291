/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fixture.h - leads for the unit tests: the customer's sample, and a small good lead with one change.
 */
#ifndef TEST_LEAD_FIXTURE_H
#define TEST_LEAD_FIXTURE_H

#include <check.h>
#include <stdio.h>
#include <string.h>
#include "lead/lead.h"

#define TEST_ID "3f0c2c1e-6a0d-4d0e-9a41-5b8f0a2b9d11"
#define TEST_NOW_MS 1779805920123LL

static CS_UNUSED const char *
sample_lead(void)
{
	static char text[8192];
	FILE *f = fopen(LEADS_DIR "/base/sample.json", "r");
	size_t n;

	ck_assert_ptr_nonnull(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	return text;
}

/* "{" and then what a good lead has, each part replaceable; NULL: the good one. */
struct test_lead {
	const char *id, *event, *time, *call, *contact, *request, *routing, *rest;
};

static CS_UNUSED struct cs_lead_doc *
read_lead(const char *text)
{
	return cs_lead_read(text, strlen(text), TEST_NOW_MS);
}

/* The text is static: the document points at it until the next call. */
static CS_UNUSED struct cs_lead_doc *
read_changed(struct test_lead t)
{
	static char text[262144];

	snprintf(text, sizeof(text),
	         "{\"schema_version\":\"1.0\",\"event\":\"%s\",\"event_id\":\"%s\",\"timestamp_utc\":\"%s\","
	         "\"callsetter_account_id\":\"acct_1\",\"call\":%s,\"contact\":%s,\"service_request\":%s,\"routing\":%s%s}",
	         t.event != NULL ? t.event : "lead.qualified", t.id != NULL ? t.id : TEST_ID,
	         t.time != NULL ? t.time : "2026-05-26T14:32:00Z",
	         t.call != NULL ? t.call : "{\"call_id\":\"call_1\",\"direction\":\"inbound\"}",
	         t.contact != NULL ? t.contact : "{\"phone\":\"+13055550182\"}",
	         t.request != NULL ? t.request : "{\"service_type\":\"HVAC\",\"urgency\":\"same_day\"}",
	         t.routing != NULL ? t.routing : "{\"destination_crm\":\"hubspot\"}", t.rest != NULL ? t.rest : "");
	return read_lead(text);
}
#define READ(...) read_changed((struct test_lead){ __VA_ARGS__ })

/* The fault at a pointer, or NULL. */
static CS_UNUSED const struct cs_fault *
fault_at(const struct cs_lead_doc *d, const char *pointer)
{
	for (size_t i = 0; i < d->n_faults; i++)
		if (strcmp(d->faults[i].pointer, pointer) == 0)
			return &d->faults[i];
	return NULL;
}

static CS_UNUSED int
run_tests(const char *name, const TTest *const *tests, size_t n)
{
	Suite *s = suite_create(name);
	TCase *t = tcase_create(name);
	SRunner *sr;
	int failed;

	for (size_t i = 0; i < n; i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}

#endif
