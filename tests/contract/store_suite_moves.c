/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_suite_moves.c - transitions: what they set, what guards them.
 */
#include "store_suite_int.h"

static int64_t
one(enum cs_state state)
{
	int64_t id;

	tx();
	id = put_delivery(put_lead(1), 7, state);
	done();
	return id;
}

static int
move(const struct cs_move *m)
{
	int rc;

	tx();
	rc = fx.ops->delivery_move(fx.store, m, &fx.err);
	done();
	return rc;
}

START_TEST(a_move_sets_state_and_generation_and_only_what_is_named)
{
	struct cs_move m = { .id = one(CS_IN_HAND), .gen = 0, .from = CS_STATES_IN_HAND, .to = CS_DELIVERED, .set = CS_SET_DONE,
		             .done_ms = 77, .attempts = 99, .reason = "not set" };
	struct cs_delivery_row d;

	ok(move(&m));
	d = get_delivery(m.id);
	ck_assert_int_eq(d.state, CS_DELIVERED);
	ck_assert_int_eq(d.gen, 1);
	ck_assert_int_eq(d.done_ms, 77);
	ck_assert_int_eq(d.attempts, 0);
	ck_assert_str_eq(d.reason, "");
	ck_assert_int_eq(d.due_ms, NOW);
}
END_TEST

START_TEST(a_move_sets_everything_that_is_named)
{
	struct cs_move m = { .id = one(CS_DUE), .gen = 0, .from = CS_STATE_BIT(CS_DUE), .to = CS_DEAD, .set = (1U << 14) - 1,
		             .lane = CS_LANE_REPLAY, .conn_id = 9, .due_ms = 1, .expires_ms = 2, .wait_since_ms = 3, .done_ms = 4,
		             .replay_id = 5, .attempts = 6, .crashes = 7, .doubt = true, .blame = CS_BLAME_US, .reason = "r",
		             .records = "[1]", .warnings = "[2]" };
	struct cs_delivery_row d;

	ok(move(&m));
	d = get_delivery(m.id);
	ck_assert_int_eq(d.lane, CS_LANE_REPLAY);
	ck_assert_int_eq(d.conn_id, 9);
	ck_assert_int_eq(d.due_ms, 1);
	ck_assert_int_eq(d.expires_ms, 2);
	ck_assert_int_eq(d.wait_since_ms, 3);
	ck_assert_int_eq(d.done_ms, 4);
	ck_assert_int_eq(d.replay_id, 5);
	ck_assert_int_eq(d.attempts, 6);
	ck_assert_int_eq(d.crashes, 7);
	ck_assert(d.doubt);
	ck_assert_int_eq(d.blame, CS_BLAME_US);
	ck_assert_str_eq(d.reason, "r");
	ck_assert_str_eq(d.records, "[1]");
	ck_assert_str_eq(d.warnings, "[2]");
}
END_TEST

START_TEST(every_single_thing_can_be_set_alone)
{
	struct cs_move m = { .id = one(CS_DUE), .gen = -1, .from = CS_STATE_BIT(CS_DUE), .to = CS_DUE, .attempts = 3,
		             .conn_id = 11, .reason = "why" };

	for (uint32_t bit = 1; bit < 1U << 14; bit <<= 1) {
		m.set = bit;
		ok(move(&m));
	}
	ck_assert_int_eq(get_delivery(m.id).gen, 14);
	ck_assert_int_eq(get_delivery(m.id).attempts, 3);
	ck_assert_int_eq(get_delivery(m.id).conn_id, 11);
	ck_assert_str_eq(get_delivery(m.id).reason, "why");
}
END_TEST

START_TEST(a_late_move_with_an_old_generation_is_refused)
{
	struct cs_move m = { .id = one(CS_IN_HAND), .gen = 0, .from = CS_STATES_IN_HAND, .to = CS_DUE };

	ok(move(&m));
	m.to = CS_DELIVERED;
	refused(move(&m), CS_ESTATE);
	m.from |= CS_STATE_BIT(CS_DUE);
	refused(move(&m), CS_ESTATE);
	ck_assert_int_eq(get_delivery(m.id).state, CS_DUE);
	m.gen = -1; /* delivered wins */
	ok(move(&m));
	ck_assert_int_eq(get_delivery(m.id).state, CS_DELIVERED);
	ck_assert_int_eq(get_delivery(m.id).gen, 2);
}
END_TEST

START_TEST(a_move_from_another_state_is_refused)
{
	struct cs_move m = { .id = one(CS_DELIVERED), .gen = 0, .from = CS_STATE_BIT(CS_DEAD), .to = CS_DUE };

	refused(move(&m), CS_ESTATE);
	m.id++;
	refused(move(&m), CS_ENOTFOUND);
	ck_assert_int_eq(get_delivery(m.id - 1).state, CS_DELIVERED);
	ck_assert_int_eq(get_delivery(m.id - 1).gen, 0);
}
END_TEST

START_TEST(a_fresh_row_in_hand_stays_fresh_and_others_become_taken)
{
	struct cs_move m = { .id = one(CS_IN_HAND), .gen = -1, .from = CS_STATES_IN_HAND | CS_STATE_BIT(CS_DUE), .to = CS_IN_HAND,
		             .set = CS_SET_DOUBT, .doubt = true };
	int64_t epoch, doubts;

	tx();
	ok(fx.ops->epoch_begin(fx.store, NOW, 0, &epoch, &doubts, &fx.err));
	done();
	tx();
	m.id = put_delivery(put_lead(2), 7, CS_IN_HAND);
	done();
	ok(move(&m));
	ck_assert_int_eq(get_delivery(m.id).state, CS_IN_HAND);
	m.to = CS_TAKEN;
	ok(move(&m));
	ck_assert_int_eq(get_delivery(m.id).state, CS_TAKEN);
	m.to = CS_DUE;
	ok(move(&m));
	m.to = CS_IN_HAND;
	ok(move(&m));
	ck_assert_int_eq(get_delivery(m.id).state, CS_TAKEN);
	ck_assert_int_eq(get_delivery(m.id).epoch, epoch);
}
END_TEST

START_TEST(a_moved_row_is_found_where_it_is_now)
{
	struct cs_move m = { .gen = -1, .from = CS_STATE_BIT(CS_DEAD), .to = CS_DUE, .set = CS_SET_CONN | CS_SET_LANE | CS_SET_DUE,
		             .conn_id = 8, .lane = CS_LANE_REPLAY, .due_ms = NOW };
	struct cs_backlog left;
	struct cs_work w[2];

	m.id = one(CS_DEAD);
	ok(move(&m));
	tx();
	ck_assert_int_eq(ok(fx.ops->delivery_take(fx.store, 7, 0, 1, NOW, 2, 99, &fx.arena, w, &left, &fx.err)), 0);
	ck_assert_int_eq(ok(fx.ops->delivery_take(fx.store, 8, CS_LANE_REPLAY, 1, NOW, 2, 99, &fx.arena, w, &left, &fx.err)), 1);
	ck_assert_int_eq(w[0].d.id, m.id);
	done();
}
END_TEST

START_TEST(a_reroute_does_not_double_a_delivery)
{
	struct cs_move m = { .gen = -1, .from = CS_STATE_BIT(CS_DEAD), .to = CS_DUE, .set = CS_SET_CONN, .conn_id = 7 };
	int64_t lead;

	tx();
	lead = put_lead(1);
	put_delivery(lead, 7, CS_DELIVERED);
	m.id = put_delivery(lead, 0, CS_DEAD);
	done();
	refused(move(&m), CS_EEXIST);
	ck_assert_int_eq(get_delivery(m.id).state, CS_DEAD);
	m.conn_id = 8;
	ok(move(&m));
	m.from = CS_STATE_BIT(CS_DUE);
	ok(move(&m)); /* to where it is already */
}
END_TEST

void
store_suite_moves(TCase *tc)
{
	tcase_add_test(tc, a_move_sets_state_and_generation_and_only_what_is_named);
	tcase_add_test(tc, a_move_sets_everything_that_is_named);
	tcase_add_test(tc, every_single_thing_can_be_set_alone);
	tcase_add_test(tc, a_late_move_with_an_old_generation_is_refused);
	tcase_add_test(tc, a_move_from_another_state_is_refused);
	tcase_add_test(tc, a_fresh_row_in_hand_stays_fresh_and_others_become_taken);
	tcase_add_test(tc, a_moved_row_is_found_where_it_is_now);
	tcase_add_test(tc, a_reroute_does_not_double_a_delivery);
}
