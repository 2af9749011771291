/* SPDX-License-Identifier: Apache-2.0 */
/* What an answer means, and when it leaves doubt. */
#include <check.h>
#include <stdlib.h>
#include "deliver/call/exchange.h"

#define T0 1779805920000LL

static struct cs_status_row statuses[] = { { 423, CS_WAIT }, { 400, CS_RETRY } };
static struct cs_manifest plain, own = { .statuses = statuses, .n_statuses = 2 };

static struct cs_class
answer(const struct cs_manifest *m, int status, bool mutates)
{
	struct cs_http_answer a = { .fault = CS_HTTP_OK, .sent = true, .status = status, .body = "" };
	struct cs_class c;

	cs_exchange_classify(m, mutates, &a, T0, &c);
	return c;
}

static struct cs_class
fault(enum cs_http_fault f, bool sent, bool mutates)
{
	struct cs_http_answer a = { .fault = f, .sent = sent, .body = "" };
	struct cs_class c;

	cs_exchange_classify(&plain, mutates, &a, T0, &c);
	return c;
}

START_TEST(answers_that_the_plugin_judges)
{
	static const int st[] = { 200, 201, 204, 302, 400, 403, 404, 409, 410, 422 };

	for (size_t i = 0; i < CS_ARRAY_LEN(st); i++) {
		ck_assert_int_eq(answer(&plain, st[i], true).outcome, CS_DONE);
		ck_assert(!answer(&plain, st[i], true).doubt);
	}
}
END_TEST

START_TEST(server_errors_leave_doubt_only_behind_what_mutates)
{
	static const int st[] = { 408, 500, 502, 503, 504, 522 };

	for (size_t i = 0; i < CS_ARRAY_LEN(st); i++) {
		ck_assert_int_eq(answer(&plain, st[i], true).outcome, CS_UNKNOWN);
		ck_assert(answer(&plain, st[i], true).doubt);
		ck_assert_int_eq(answer(&plain, st[i], false).outcome, CS_RETRY);
		ck_assert(!answer(&plain, st[i], false).doubt);
	}
}
END_TEST

START_TEST(too_many_requests_is_a_wait_without_doubt)
{
	ck_assert_int_eq(answer(&plain, 429, true).outcome, CS_WAIT);
	ck_assert_int_eq(answer(&plain, 425, true).outcome, CS_WAIT);
	ck_assert(!answer(&plain, 429, true).doubt);
}
END_TEST

START_TEST(the_manifest_has_the_last_word_on_a_status)
{
	ck_assert_int_eq(answer(&own, 423, true).outcome, CS_WAIT);
	ck_assert_int_eq(answer(&own, 400, true).outcome, CS_RETRY);
	ck_assert(!answer(&own, 400, true).doubt);
	ck_assert_int_eq(answer(&own, 500, true).outcome, CS_UNKNOWN);
}
END_TEST

START_TEST(an_unauthorized_answer_asks_for_the_owner)
{
	ck_assert_int_eq(answer(&plain, 401, true).outcome, CS_REAUTH);
	ck_assert_int_eq(answer(&plain, 401, true).blame, CS_BLAME_CREDENTIAL);
	ck_assert(!answer(&plain, 401, true).doubt);
}
END_TEST

START_TEST(what_was_not_sent_never_leaves_doubt)
{
	static const enum cs_http_fault f[] = { CS_HTTP_RESOLVE, CS_HTTP_CONNECT, CS_HTTP_TLS, CS_HTTP_TIMEOUT };

	for (size_t i = 0; i < CS_ARRAY_LEN(f); i++) {
		ck_assert_int_eq(fault(f[i], false, true).outcome, CS_RETRY);
		ck_assert(!fault(f[i], false, true).doubt);
	}
}
END_TEST

START_TEST(what_was_sent_and_not_answered_leaves_doubt)
{
	static const enum cs_http_fault f[] = { CS_HTTP_TIMEOUT, CS_HTTP_RESET, CS_HTTP_TOO_BIG, CS_HTTP_RESEND };

	for (size_t i = 0; i < CS_ARRAY_LEN(f); i++) {
		ck_assert_int_eq(fault(f[i], true, true).outcome, CS_UNKNOWN);
		ck_assert(fault(f[i], true, true).doubt);
		ck_assert_int_eq(fault(f[i], true, false).outcome, CS_RETRY);
	}
}
END_TEST

START_TEST(a_forbidden_address_is_the_set_ups_fault)
{
	ck_assert_int_eq(fault(CS_HTTP_REFUSED, false, true).outcome, CS_REJECT);
	ck_assert_int_eq(fault(CS_HTTP_REFUSED, false, true).blame, CS_BLAME_CONNECTION);
}
END_TEST

START_TEST(retry_after_is_read_as_seconds_or_date)
{
	struct cs_http_header h = { "retry-after", "7200" };
	struct cs_http_answer a = { .fault = CS_HTTP_OK, .sent = true, .status = 429, .body = "", .headers = &h, .n_headers = 1 };
	struct cs_class c;

	cs_exchange_classify(&plain, true, &a, T0, &c);
	ck_assert_int_eq(c.retry_after_ms, 7200000);
	h.value = "Tue, 26 May 2026 15:32:00 GMT"; /* one hour after T0 */
	cs_exchange_classify(&plain, true, &a, T0, &c);
	ck_assert_int_eq(c.retry_after_ms, 3600000);
	h.value = "Mon, 25 May 2026 15:32:00 GMT";
	cs_exchange_classify(&plain, true, &a, T0, &c);
	ck_assert_int_eq(c.retry_after_ms, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("classify");
	TCase *t = tcase_create("answers");
	SRunner *sr;
	int failed;

	tcase_add_test(t, answers_that_the_plugin_judges);
	tcase_add_test(t, server_errors_leave_doubt_only_behind_what_mutates);
	tcase_add_test(t, too_many_requests_is_a_wait_without_doubt);
	tcase_add_test(t, the_manifest_has_the_last_word_on_a_status);
	tcase_add_test(t, an_unauthorized_answer_asks_for_the_owner);
	tcase_add_test(t, what_was_not_sent_never_leaves_doubt);
	tcase_add_test(t, what_was_sent_and_not_answered_leaves_doubt);
	tcase_add_test(t, a_forbidden_address_is_the_set_ups_fault);
	tcase_add_test(t, retry_after_is_read_as_seconds_or_date);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
