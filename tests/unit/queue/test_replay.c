/* SPDX-License-Identifier: Apache-2.0 */
/* Dead letters go on. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "queue/replay.h"
#include "lead/lead.h"
#include "util/clock.h"

#define NOW 1800000000000LL
#define SPAN 1000000

static struct cs_store *store;
static struct cs_arena mem;
static struct cs_err err;
static int64_t conn;

static struct {
	int n;
	int64_t ids[2000];
	enum cs_lane lanes[2000];
} moved;

static void
note(void *ctx, const struct cs_delivery_row *row, enum cs_lane lane)
{
	ck_assert_ptr_eq(ctx, &moved);
	ck_assert_int_eq(row->state, CS_DUE);
	moved.ids[moved.n] = row->id;
	moved.lanes[moved.n++] = lane;
}

#define ok(call) \
	({ \
		int ok_rc_ = (call); \
		ck_assert_msg(ok_rc_ >= 0, "%s: %s", #call, err.msg); \
		ok_rc_; \
	})

static int64_t
put_conn(const char *account, const char *crm, const char *crm_account_id)
{
	struct cs_conn_row c = { .name = "", .account = account, .crm = crm, .crm_account_id = crm_account_id, .label = "",
		.state_reason = "", .subscribe = CS_SUB_ROUTED, .settings = "", .overrides = "", .facts = "", .timezone = "", .contacts = "" };

	ok(store->ops->conn_put(store, &c, &err));
	return c.id;
}

/* A lead with one dead letter; returns the delivery. */
static int64_t
put_dead(int64_t conn_id, enum cs_blame blame, int urgency)
{
	static int serial;
	struct cs_lead_row l = { .account = "acct", .event = "lead.qualified", .received_ms = NOW, .body = { "{}", 2 }, .warnings = "" };
	struct cs_delivery_row d = { .conn_id = conn_id, .state = CS_DEAD, .blame = blame, .urgency = urgency, .attempts = 6,
		.crashes = 2, .wait_since_ms = 5, .doubt = true, .created_ms = NOW - 1, .reason = "because", .crm = "hubspot",
		.account = "acct" };

	serial++;
	memcpy(l.event_id, &serial, sizeof(serial));
	ok(store->ops->lead_insert(store, &l, &err));
	d.lead_id = l.id;
	ok(store->ops->delivery_insert(store, &d, &err));
	return d.id;
}

static struct cs_delivery_row
row_of(int64_t id)
{
	struct cs_delivery_row d;

	ok(store->ops->delivery_get(store, id, &mem, &d, &err));
	return d;
}

static void
setup(void)
{
	const struct cs_store_conf conf = { .path = ":memory:" };

	memset(&moved, 0, sizeof(moved));
	cs_arena_init(&mem);
	ok(cs_store_open_sqlite(&conf, &store, &err));
	ok(store->ops->begin(store, &err));
	conn = put_conn("acct", "hubspot", "");
}

static void
teardown(void)
{
	store->ops->rollback(store);
	cs_store_close(store);
	cs_arena_fini(&mem);
}

START_TEST(a_replayed_row_begins_anew_but_forgets_nothing)
{
	struct cs_delivery_row d = row_of(put_dead(conn, CS_BLAME_CRM, CS_URGENCY_EMERGENCY));
	const struct cs_replay_how how = { .replay_id = 3, .now_ms = NOW, .span_ms = SPAN, .ahead = 4 };

	ck_assert_int_eq(ok(cs_replay_one(store, &d, &how, &mem, &err)), 1);
	ck_assert_int_eq(d.lane, CS_LANE_REPLAY_EMERGENCY);
	d = row_of(d.id);
	ck_assert_int_eq(d.state, CS_DUE);
	ck_assert_int_eq(d.lane, CS_LANE_REPLAY_EMERGENCY);
	ck_assert_int_eq(d.due_ms, NOW);
	ck_assert_int_eq(d.expires_ms, NOW + SPAN + 4 * CS_MINUTE_MS);
	ck_assert_int_eq(d.attempts, 0);
	ck_assert_int_eq(d.crashes, 0);
	ck_assert_int_eq(d.wait_since_ms, 0);
	ck_assert_int_eq(d.replay_id, 3);
	ck_assert(d.doubt);
	ck_assert_int_eq(d.blame, CS_BLAME_CRM);
	ck_assert_str_eq(d.reason, "because");
}
END_TEST

START_TEST(a_row_that_has_moved_on_is_left_alone)
{
	struct cs_delivery_row d = row_of(put_dead(conn, CS_BLAME_CRM, CS_URGENCY_SAME_DAY)), stale = d;
	const struct cs_replay_how how = { .now_ms = NOW, .span_ms = SPAN };

	ck_assert_int_eq(ok(cs_replay_one(store, &d, &how, &mem, &err)), 1);
	ck_assert_int_eq(ok(cs_replay_one(store, &stale, &how, &mem, &err)), 0);
	ck_assert_int_eq(row_of(d.id).gen, d.gen);
}
END_TEST

START_TEST(a_row_without_a_connection_is_routed_again)
{
	struct cs_delivery_row d = row_of(put_dead(0, CS_BLAME_CONNECTION, CS_URGENCY_SAME_DAY));
	const struct cs_replay_how how = { .now_ms = NOW, .span_ms = SPAN };

	ck_assert_int_eq(ok(cs_replay_one(store, &d, &how, &mem, &err)), 1);
	ck_assert_int_eq(d.conn_id, conn);
	ck_assert_int_eq(row_of(d.id).conn_id, conn);
}
END_TEST

START_TEST(a_row_with_nowhere_to_go_says_why)
{
	const struct cs_replay_how how = { .now_ms = NOW, .span_ms = SPAN };
	struct cs_delivery_row d = row_of(put_dead(0, CS_BLAME_CONNECTION, CS_URGENCY_SAME_DAY));

	put_conn("acct", "hubspot", "second");
	ck_assert_int_eq(ok(cs_replay_one(store, &d, &how, &mem, &err)), 0);
	ck_assert_ptr_nonnull(strstr(err.msg, "several"));
	d = row_of(put_dead(0, CS_BLAME_LEAD, CS_URGENCY_SAME_DAY));
	ck_assert_int_eq(ok(cs_replay_one(store, &d, &how, &mem, &err)), 0);
	ck_assert_ptr_nonnull(strstr(err.msg, "fix"));
	ck_assert_int_eq(row_of(d.id).gen, 0);
}
END_TEST

START_TEST(recovery_frees_what_the_lead_is_not_to_blame_for)
{
	int64_t other = put_conn("acct", "webhook", "");
	int64_t freed[] = { put_dead(conn, CS_BLAME_CREDENTIAL, CS_URGENCY_EMERGENCY), put_dead(conn, CS_BLAME_CONNECTION, 1),
		put_dead(conn, CS_BLAME_CRM, 1) };
	int64_t kept[] = { put_dead(conn, CS_BLAME_LEAD, 1), put_dead(conn, CS_BLAME_US, 1), put_dead(other, CS_BLAME_CRM, 1) };

	ck_assert_int_eq(cs_replay_recovered(store, conn, NOW, SPAN, CS_REPLAY_CHUNK, note, &moved, &err), 0);
	ck_assert_int_eq(moved.n, 3);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(row_of(freed[i]).state, CS_DUE);
		ck_assert_int_eq(row_of(kept[i]).state, CS_DEAD);
	}
	ck_assert_int_eq(moved.ids[0], freed[2]); /* the newest first */
	ck_assert_int_eq(moved.lanes[2], CS_LANE_REPLAY_EMERGENCY);
}
END_TEST

START_TEST(chunks_follow_until_nothing_is_left_and_the_line_grows)
{
	int64_t last_expiry = 0;

	for (int i = 0; i < 25; i++) {
		put_dead(conn, CS_BLAME_LEAD, 1);
		put_dead(conn, CS_BLAME_CRM, 1);
	}
	for (int chunk = 1; chunk <= 3; chunk++) {
		ok(cs_replay_recovered(store, conn, NOW, SPAN, 10, note, &moved, &err));
		ck_assert_int_eq(moved.n, chunk < 3 ? chunk * 10 : 25);
	}
	for (int i = 0; i < moved.n; i++) {
		ck_assert_int_gt(row_of(moved.ids[i]).expires_ms, last_expiry);
		last_expiry = row_of(moved.ids[i]).expires_ms;
	}
	ck_assert_int_eq(last_expiry, NOW + SPAN + 24 * CS_MINUTE_MS);
	ok(cs_replay_recovered(store, conn, NOW, SPAN, 10, note, &moved, &err));
	ck_assert_int_eq(moved.n, 25);
}
END_TEST

START_TEST(a_filter_says_which)
{
	struct cs_filter f = { .conn_id = conn, .blame = -1, .urgency = CS_URGENCY_EMERGENCY, .states = CS_STATE_BIT(CS_DUE) };
	int64_t id = put_dead(conn, CS_BLAME_LEAD, CS_URGENCY_EMERGENCY);

	put_dead(conn, CS_BLAME_LEAD, CS_URGENCY_SAME_DAY);
	ok(cs_replay_rows(store, &f, 9, NOW, SPAN, 10, note, &moved, &err));
	ck_assert_int_eq(moved.n, 1);
	ck_assert_int_eq(moved.ids[0], id);
	ck_assert_int_eq(row_of(id).replay_id, 9);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("replay");
	TCase *tc = tcase_create("replay");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_replayed_row_begins_anew_but_forgets_nothing);
	tcase_add_test(tc, a_row_that_has_moved_on_is_left_alone);
	tcase_add_test(tc, a_row_without_a_connection_is_routed_again);
	tcase_add_test(tc, a_row_with_nowhere_to_go_says_why);
	tcase_add_test(tc, recovery_frees_what_the_lead_is_not_to_blame_for);
	tcase_add_test(tc, chunks_follow_until_nothing_is_left_and_the_line_grows);
	tcase_add_test(tc, a_filter_says_which);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
