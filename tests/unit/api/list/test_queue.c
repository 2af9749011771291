/* SPDX-License-Identifier: Apache-2.0 */
/* What waits, by CRM, connection and age. */
#include "config.h"
#include "../fixture.h"

static void
waiting(int n, int64_t conn, int64_t age_ms)
{
	put_delivery((struct cs_delivery_row){ .lead_id = put_lead(n, "acct_1", CS_KIND_LEAD, GOOD_CONTACT, TO_HUBSPOT),
		.conn_id = conn, .state = CS_DUE, .created_ms = NOW - age_ms, .due_ms = NOW });
}

START_TEST(the_shape_of_the_queue)
{
	int64_t a = put_conn("a", "acct_1", "hubspot", "h1", CS_SUB_ROUTED);
	int64_t b = put_conn("b", "acct_1", "hubspot", "h2", CS_SUB_ROUTED);
	int64_t w = put_conn("w", "acct_1", "acme", "", CS_SUB_ROUTED);

	waiting(1, a, CS_MINUTE_MS);
	waiting(2, b, CS_MINUTE_MS);
	waiting(3, b, 6 * CS_MINUTE_MS);
	waiting(4, b, 3000 * CS_MINUTE_MS);
	waiting(5, w, 11 * CS_MINUTE_MS);
	put_delivery((struct cs_delivery_row){ .lead_id = put_lead(6, "acct_1", CS_KIND_LEAD, GOOD_CONTACT, TO_HUBSPOT),
		.conn_id = w, .state = CS_DEAD });
	serve();
	ck_assert_int_eq(GET("/v1/queue"), 200);
	ck_assert_uint_eq(length_at("/crms"), 2);
	ck_assert_str_eq(text_at("/crms/0/crm"), "acme");
	ck_assert_int_eq(int_at("/crms/0/total"), 1);
	ck_assert_int_eq(int_at("/crms/0/ages/2"), 1);
	ck_assert_str_eq(text_at("/crms/1/crm"), "hubspot");
	ck_assert_int_eq(int_at("/crms/1/total"), 4);
	ck_assert_int_eq(int_at("/crms/1/ages/0"), 2);
	ck_assert_str_eq(text_at("/crms/1/connections/0/name"), "b");
	ck_assert_int_eq(int_at("/crms/1/connections/0/total"), 3);
	ck_assert_int_eq(int_at("/crms/1/connections/0/ages/1"), 1);
	ck_assert_int_eq(int_at("/crms/1/connections/0/ages/9"), 1);
	ck_assert_uint_eq(length_at("/crms/1/connections/0/ages"), 10);
	ck_assert_int_eq(int_at("/buckets_minutes/0"), 5);
	ck_assert_int_eq(int_at("/buckets_minutes/8"), 1280);
	ck_assert_uint_eq(length_at("/buckets_minutes"), 9);
}
END_TEST

START_TEST(an_empty_queue_is_an_answer)
{
	serve();
	ck_assert_int_eq(GET("/v1/queue"), 200);
	ck_assert_uint_eq(length_at("/crms"), 0);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { the_shape_of_the_queue, an_empty_queue_is_an_answer, NULL };

	return run_tests("queue", tests);
}
