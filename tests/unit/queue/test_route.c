/* SPDX-License-Identifier: Apache-2.0 */
/* Where a lead goes. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "queue/route.h"

static struct cs_lead lead;
static struct cs_route r[CS_ROUTES_MAX];

static void
set_up(void)
{
	lead = (struct cs_lead){ .event = "lead.qualified", .account = "acct", .destination_crm = "hubspot", .crm_account_id = "" };
}

static struct cs_conn_row
conn(int64_t id, const char *crm, const char *crm_account_id, uint32_t subscribe)
{
	return (struct cs_conn_row){ .id = id, .crm = crm, .crm_account_id = crm_account_id, .account = "acct", .subscribe = subscribe };
}

START_TEST(the_only_connection_to_that_crm_gets_it)
{
	struct cs_conn_row c[] = { conn(1, "hubspot", "h1", CS_SUB_ROUTED), conn(2, "webhook", "", CS_SUB_ROUTED) };

	ck_assert_uint_eq(cs_route(&lead, CS_KIND_LEAD, c, 2, r), 1);
	ck_assert_ptr_eq(r[0].conn, &c[0]);
}
END_TEST

START_TEST(several_connections_need_the_account_id)
{
	struct cs_conn_row c[] = { conn(1, "hubspot", "h1", CS_SUB_ROUTED), conn(2, "hubspot", "h2", CS_SUB_ROUTED) };

	ck_assert_uint_eq(cs_route(&lead, CS_KIND_LEAD, c, 2, r), 1);
	ck_assert_ptr_null(r[0].conn);
	ck_assert_int_eq(r[0].blame, CS_BLAME_CONNECTION);
	ck_assert_ptr_nonnull(strstr(r[0].why, "several"));
	lead.crm_account_id = "h2";
	cs_route(&lead, CS_KIND_LEAD, c, 2, r);
	ck_assert_ptr_eq(r[0].conn, &c[1]);
}
END_TEST

START_TEST(an_unknown_connection_is_a_dead_route_that_says_so)
{
	lead.crm_account_id = "nowhere";
	ck_assert_uint_eq(cs_route(&lead, CS_KIND_LEAD, NULL, 0, r), 1);
	ck_assert_ptr_null(r[0].conn);
	ck_assert_ptr_nonnull(strstr(r[0].why, "crm_account_id"));
}
END_TEST

START_TEST(one_that_is_not_confirmed_gets_nothing)
{
	struct cs_conn_row c[] = { conn(1, "hubspot", "h1", CS_SUB_ROUTED), conn(2, "hubspot", "h1", CS_SUB_ROUTED | CS_SUB_ALL) };

	c[1].state = CS_CONN_PENDING;
	ck_assert_uint_eq(cs_route(&lead, CS_KIND_LEAD, c, 2, r), 1);
	ck_assert_ptr_eq(r[0].conn, &c[0]);
	c[0].state = CS_CONN_PENDING;
	ck_assert_uint_eq(cs_route(&lead, CS_KIND_LEAD, c, 2, r), 1);
	ck_assert_ptr_null(r[0].conn);
	ck_assert_int_eq(r[0].blame, CS_BLAME_CONNECTION);
	ck_assert_ptr_nonnull(strstr(r[0].why, "not confirmed"));
}
END_TEST

START_TEST(a_subscriber_to_all_gets_it_too_but_never_twice)
{
	struct cs_conn_row c[] = { conn(1, "hubspot", "", CS_SUB_ROUTED | CS_SUB_ALL), conn(2, "webhook", "", CS_SUB_ALL) };

	ck_assert_uint_eq(cs_route(&lead, CS_KIND_LEAD, c, 2, r), 2);
	ck_assert_ptr_eq(r[0].conn, &c[0]);
	ck_assert_ptr_eq(r[1].conn, &c[1]);
}
END_TEST

START_TEST(unqualified_leads_go_only_to_those_who_asked)
{
	struct cs_conn_row c[] = { conn(1, "hubspot", "", CS_SUB_ROUTED | CS_SUB_ALL), conn(2, "webhook", "", CS_SUB_UNQUALIFIED) };

	ck_assert_uint_eq(cs_route(&lead, CS_KIND_UNQUALIFIED, c, 2, r), 1);
	ck_assert_ptr_eq(r[0].conn, &c[1]);
	ck_assert_uint_eq(cs_route(&lead, CS_KIND_UNQUALIFIED, c, 1, r), 0);
	ck_assert_int_eq(cs_route_lane(CS_KIND_UNQUALIFIED, CS_URGENCY_EMERGENCY), CS_LANE_LOW);
}
END_TEST

START_TEST(events_and_alerts_have_subscribers_of_their_own)
{
	struct cs_conn_row c[] = { conn(1, "webhook", "", CS_SUB_EVENTS), conn(2, "webhook", "", CS_SUB_ALERTS) };

	lead.event = "job.paid";
	ck_assert_uint_eq(cs_route(&lead, CS_KIND_EVENT, c, 2, r), 1);
	ck_assert_ptr_eq(r[0].conn, &c[0]);
	lead.event = "alert.raised";
	ck_assert_uint_eq(cs_route(&lead, CS_KIND_EVENT, c, 2, r), 1);
	ck_assert_ptr_eq(r[0].conn, &c[1]);
}
END_TEST

START_TEST(a_faulty_lead_is_kept_and_blamed_on_the_lead)
{
	ck_assert_uint_eq(cs_route(&lead, CS_KIND_INVALID, NULL, 0, r), 1);
	ck_assert_int_eq(r[0].blame, CS_BLAME_LEAD);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("route");
	TCase *t = tcase_create("routes");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, set_up, NULL);
	tcase_add_test(t, the_only_connection_to_that_crm_gets_it);
	tcase_add_test(t, several_connections_need_the_account_id);
	tcase_add_test(t, an_unknown_connection_is_a_dead_route_that_says_so);
	tcase_add_test(t, one_that_is_not_confirmed_gets_nothing);
	tcase_add_test(t, a_subscriber_to_all_gets_it_too_but_never_twice);
	tcase_add_test(t, unqualified_leads_go_only_to_those_who_asked);
	tcase_add_test(t, events_and_alerts_have_subscribers_of_their_own);
	tcase_add_test(t, a_faulty_lead_is_kept_and_blamed_on_the_lead);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
