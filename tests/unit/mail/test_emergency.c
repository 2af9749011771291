/* SPDX-License-Identifier: Apache-2.0 */
/* Who is told about an emergency that is late, once, and what about it. */
#include "config.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lead/lead.h"
#include "mail/emergency.h"
#include "mail/outbox.h"
#include "util/clock.h"

#define NOW 1800000000000LL

static struct cs_store *store;
static struct cs_conf *conf;
static struct cs_arena mem;
static struct cs_err err;
static struct cs_mail_row mails[16];
static int n_mails, n_leads;
static const char *operators[] = { "ops@example.com" };

#define ok(call) ck_assert_msg((call) >= 0, "%s: %s", #call, err.msg)

static void
setup(void)
{
	struct cs_store_conf sc = { .path = ":memory:" };

	cs_arena_init(&mem);
	n_leads = 0;
	ok(cs_store_open_sqlite(&sc, &store, &err));
	ok(store->ops->begin(store, &err));
	conf = cs_conf_new("test");
	conf->alerts.mail_url = "smtp://localhost";
	conf->alerts.mail_from = "csrelay@example.com";
	conf->alerts.mail_to = (struct cs_conf_list){ operators, 1 };
	conf->alerts.emergency_after = 5 * CS_MINUTE_MS;
	conf->public_url = "https://relay.example.com";
}

static void
teardown(void)
{
	store->ops->rollback(store);
	cs_store_close(store);
	cs_conf_unref(conf);
	cs_arena_fini(&mem);
}

static int64_t
put_conn(enum cs_conn_state state, const char *contacts)
{
	struct cs_conn_row c = { .name = "acme", .account = "acct_1", .crm = "acme_crm", .crm_account_id = "", .label = "Acme Heating",
		.state = state, .state_reason = "", .subscribe = CS_SUB_ROUTED, .settings = "", .overrides = "", .facts = "", .timezone = "",
		.contacts = contacts };

	ok(store->ops->conn_put(store, &c, &err));
	return c.id;
}

static int64_t
put(int64_t conn, enum cs_state state, enum cs_urgency urgency)
{
	struct cs_lead_row l = { .event_id = { (uint8_t)++n_leads }, .account = "acct_1", .event = "lead.qualified", .urgency = (int32_t)urgency,
		.received_ms = NOW, .body = { "{\"contact\":{\"first_name\":\"Maria\",\"notes\":[\"a\",\"b\"],\"email\":null,\"vip\":true},"
		                              "\"service_request\":{\"description\":\"Gas smell\\nin the cellar\"}}", 0 }, .warnings = "" };
	struct cs_delivery_row d = { .conn_id = conn, .crm = "acme_crm", .account = "acct_1", .crm_account_id = "", .state = state,
		.urgency = (int32_t)urgency, .created_ms = NOW, .due_ms = NOW, .reason = "", .records = "", .warnings = "" };

	l.body.len = strlen(l.body.ptr);
	ok(store->ops->lead_insert(store, &l, &err));
	d.lead_id = l.id;
	ok(store->ops->delivery_insert(store, &d, &err));
	ok(store->ops->late_put(store, d.id, NOW, &err));
	return d.id;
}

static int
tell(int64_t at_ms)
{
	int n = cs_emergency_tell(store, conf, at_ms, 32, &err);

	ok(n);
	n_mails = store->ops->mail_due(store, CS_NEVER, &mem, mails, 16, &err);
	return n;
}

START_TEST(the_contacts_get_the_whole_lead_once_after_five_minutes)
{
	put(put_conn(CS_CONN_CONNECTED, "[\"a@example.com\",\"b@example.com\"]"), CS_DUE, CS_URGENCY_EMERGENCY);
	ck_assert_int_eq(tell(NOW + 5 * CS_MINUTE_MS - 1), 0);
	ck_assert_int_eq(tell(NOW + 5 * CS_MINUTE_MS), 1);
	ck_assert_int_eq(n_mails, 2);
	ck_assert_str_eq(mails[0].recipient, "a@example.com");
	ck_assert_str_eq(mails[1].recipient, "b@example.com");
	ck_assert_int_eq(mails[0].kind, CS_MAIL_EMERGENCY);
	ck_assert_str_eq(mails[0].subject, "EMERGENCY: a caller's lead is not in Acme Heating yet");
	ck_assert_ptr_nonnull(strstr(mails[0].body, "After 5 minutes"));
	ck_assert_ptr_nonnull(strstr(mails[0].body, "Contact:\n  First name: Maria\n  Notes:\n    -: a\n    -: b\n  Vip: yes\n"));
	ck_assert_ptr_nonnull(strstr(mails[0].body, "  Description:\n    Gas smell\n    in the cellar\n"));
	ck_assert_int_eq(tell(NOW + CS_DAY_MS), 0);
	ck_assert_int_eq(n_mails, 2);
}
END_TEST

START_TEST(whatever_state_it_is_in)
{
	static const enum cs_state states[] = { CS_DUE, CS_IN_HAND, CS_TAKEN, CS_DEAD };
	int want = 0;

	for (size_t i = 0; i < CS_ARRAY_LEN(states); i++)
		for (int c = CS_CONN_CONNECTED; c <= CS_CONN_PAUSED; c++, want++)
			put(put_conn((enum cs_conn_state)c, "[\"a@example.com\"]"), states[i], CS_URGENCY_EMERGENCY);
	ck_assert_int_eq(tell(NOW + 6 * CS_MINUTE_MS), want);
	ck_assert_int_eq(n_mails, want);
}
END_TEST

START_TEST(what_is_settled_or_no_emergency_any_more_is_not_told)
{
	int64_t conn = put_conn(CS_CONN_CONNECTED, "[\"a@example.com\"]");

	put(conn, CS_DELIVERED, CS_URGENCY_EMERGENCY);
	put(conn, CS_DISCARDED, CS_URGENCY_EMERGENCY);
	put(conn, CS_DUE, CS_URGENCY_SAME_DAY);
	ck_assert_int_eq(tell(NOW + 6 * CS_MINUTE_MS), 3);
	ck_assert_int_eq(n_mails, 0);
	ck_assert_int_eq(tell(NOW + 6 * CS_MINUTE_MS), 0);
}
END_TEST

START_TEST(without_a_connection_the_operator_is_told)
{
	put(0, CS_DEAD, CS_URGENCY_EMERGENCY);
	tell(NOW + 6 * CS_MINUTE_MS);
	ck_assert_int_eq(n_mails, 1);
	ck_assert_str_eq(mails[0].recipient, "ops@example.com");
	ck_assert_ptr_nonnull(strstr(mails[0].body, "No connection"));
}
END_TEST

START_TEST(nobody_to_tell_is_no_reason_to_come_back_each_second)
{
	put(put_conn(CS_CONN_CONNECTED, ""), CS_DUE, CS_URGENCY_EMERGENCY);
	put(put_conn(CS_CONN_CONNECTED, "[\"no address\",7]"), CS_DUE, CS_URGENCY_EMERGENCY);
	ck_assert_int_eq(tell(NOW + 6 * CS_MINUTE_MS), 2);
	ck_assert_int_eq(n_mails, 0);
	ck_assert_int_eq(tell(NOW + 6 * CS_MINUTE_MS), 0);
}
END_TEST

START_TEST(an_alert_says_whom_what_and_the_next_step)
{
	struct cs_mail_alert a = { "reauth", "conn_1", "acct_1", "Acme Heating", "acme_crm", "the CRM no longer accepts it", true };

	ok(cs_outbox_alert(store, conf, &a, NOW, &err));
	tell(NOW);
	ck_assert_int_eq(n_mails, 1);
	ck_assert_str_eq(mails[0].subject, "[csrelay] alert: Acme Heating (acme_crm)");
	for (const char *const *p = (const char *const[]){ "the CRM no longer accepts it", "Account:    acct_1", "Acme Heating (conn_1)",
	                                                   "Connect it again", "csrelay connections conn_1",
	                                                   "https://relay.example.com/v1/connections/conn_1", NULL }; *p != NULL; p++)
		ck_assert_msg(strstr(mails[0].body, *p) != NULL, "%s: %s", *p, mails[0].body);
	a.raised = false;
	a.what = "leads reach the CRM again";
	ok(cs_outbox_alert(store, conf, &a, NOW, &err));
	tell(NOW);
	ck_assert_str_eq(mails[1].subject, "[csrelay] over: Acme Heating (acme_crm)");
	ck_assert_ptr_nonnull(strstr(mails[1].body, "Nothing is left to do"));
}
END_TEST

START_TEST(alerts_that_wait_are_bounded)
{
	struct cs_mail_alert a = { "reauth", "conn_1", "acct_1", "Acme", "acme_crm", "x", true };
	int64_t n;

	for (int i = 0; i < CS_OUTBOX_ALERTS_MAX + 50; i++)
		ok(cs_outbox_alert(store, conf, &a, NOW, &err));
	ok(store->ops->mail_count(store, CS_MAIL_ALERT, &n, &err));
	ck_assert_int_eq(n, CS_OUTBOX_ALERTS_MAX);
	conf->alerts.mail_url = "";
	ok(cs_outbox_alert(store, conf, &a, NOW, &err));
	ok(store->ops->mail_count(store, -1, &n, &err));
	ck_assert_int_eq(n, CS_OUTBOX_ALERTS_MAX);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("mail/emergency");
	TCase *t = tcase_create("emergency");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, the_contacts_get_the_whole_lead_once_after_five_minutes);
	tcase_add_test(t, whatever_state_it_is_in);
	tcase_add_test(t, what_is_settled_or_no_emergency_any_more_is_not_told);
	tcase_add_test(t, without_a_connection_the_operator_is_told);
	tcase_add_test(t, nobody_to_tell_is_no_reason_to_come_back_each_second);
	tcase_add_test(t, an_alert_says_whom_what_and_the_next_step);
	tcase_add_test(t, alerts_that_wait_are_bounded);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
