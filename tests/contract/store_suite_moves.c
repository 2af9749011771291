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

/* The move that the engine makes most. */
static struct cs_move
settled(int64_t id, int64_t gen)
{
	return (struct cs_move){ .id = id, .gen = gen, .from = CS_STATES_IN_HAND, .to = CS_DELIVERED,
		                 .set = CS_SET_ATTEMPTS | CS_SET_WAIT | CS_SET_BLAME | CS_SET_DOUBT | CS_SET_REASON | CS_SET_CRASHES |
		                        CS_SET_DONE | CS_SET_RECORDS | CS_SET_WARNINGS,
		                 .attempts = 2, .done_ms = 77, .reason = "", .records = "[1]", .warnings = "[2]" };
}

static void
expect_settled(int64_t id)
{
	struct cs_delivery_row d = get_delivery(id);

	ck_assert_int_eq(d.state, CS_DELIVERED);
	ck_assert_int_eq(d.gen, 1);
	ck_assert_int_eq(d.attempts, 2);
	ck_assert_int_eq(d.done_ms, 77);
	ck_assert_str_eq(d.records, "[1]");
	ck_assert_str_eq(d.warnings, "[2]");
	ck_assert_str_eq(d.reason, "");
	ck_assert_int_eq(d.crashes, 0);
	ck_assert_int_eq(d.wait_since_ms, 0);
	ck_assert_int_eq(d.blame, CS_BLAME_NONE);
	ck_assert(!d.doubt);
}

START_TEST(a_fresh_row_is_settled_once_and_by_its_generation)
{
	struct cs_move m = settled(one(CS_IN_HAND), 1);

	refused(move(&m), CS_ESTATE);
	m.gen = 0;
	ok(move(&m));
	expect_settled(m.id);
	refused(move(&m), CS_ESTATE);
	m.gen = 1;
	refused(move(&m), CS_ESTATE);
	expect_settled(m.id);
}
END_TEST

START_TEST(what_was_noted_on_a_row_is_gone_when_it_is_settled)
{
	enum cs_state states[] = { CS_IN_HAND, CS_TAKEN };
	struct cs_delivery_row row;
	struct cs_move m;

	for (int doubt = 0; doubt < 2; doubt++) {
		tx();
		row = delivery_of(put_lead(10 * _i + doubt), 7, states[_i]);
		row.doubt = doubt;
		row.crashes = 2;
		row.wait_since_ms = 5;
		row.blame = CS_BLAME_CRM;
		row.reason = "so it was";
		row.attempts = 7;
		ok(fx.ops->delivery_insert(fx.store, &row, &fx.err));
		done();
		m = settled(row.id, 0);
		ok(move(&m));
		expect_settled(row.id);
	}
}
END_TEST

static int64_t
count_of(uint32_t states, bool in_doubt)
{
	struct cs_filter f = { .states = states, .conn_id = -1, .blame = -1, .urgency = -1, .in_doubt = in_doubt };
	int64_t n = -1;

	ok(fx.ops->delivery_count(fx.store, &f, &n, &fx.err));
	return n;
}

static void
fail_finding(void *ctx CS_UNUSED, const char *finding)
{
	ck_abort_msg("%s", finding);
}

/* From every state into every other, by every kind of move, and into replays: found by state as the row itself says. */
START_TEST(whatever_the_move_a_row_is_counted_as_what_it_is)
{
	struct cs_replay_row replay = { .created_ms = NOW, .filter = "{}" }, got;
	int64_t ids[6 * 6 * 3], by_state[6] = { 0 }, doubts = 0, of_replay[6] = { 0 }, replayed = 0, conn, epoch, doubt;
	int n = 0;

	tx();
	conn = put_conn(1);
	ok(fx.ops->epoch_begin(fx.store, NOW, 0, &epoch, &doubt, &fx.err)); /* something may be in hand */
	ok(fx.ops->replay_put(fx.store, &replay, &fx.err));
	for (int from = 0; from < 6; from++)
		for (int to = 0; to < 6; to++)
			for (int kind = 0; kind < 3; kind++) {
				int64_t id = put_delivery(put_lead(n), conn, (enum cs_state)from);
				struct cs_move m = kind == 0 ? settled(id, 0)
				                             : (struct cs_move){ .gen = -1, .set = CS_SET_DOUBT, .doubt = n % 2 };

				m.id = ids[n++] = id;
				m.from = ~0U;
				m.to = (enum cs_state)to;
				m.set |= kind == 2 ? CS_SET_REPLAY : 0;
				m.replay_id = replay.id;
				ok(fx.ops->delivery_move(fx.store, &m, &fx.err));
			}
	done();
	for (int i = 0; i < n; i++) {
		struct cs_delivery_row d = get_delivery(ids[i]);

		by_state[d.state]++;
		doubts += d.state == CS_DUE && d.doubt;
		of_replay[d.state] += d.replay_id == replay.id;
		replayed += d.replay_id == replay.id;
	}
	for (int state = 0; state < 6; state++)
		ck_assert_int_eq(count_of(CS_STATE_BIT(state), false), by_state[state]);
	ck_assert_int_eq(count_of(CS_STATE_BIT(CS_DUE), true), doubts);
	ok(fx.ops->replay_get(fx.store, replay.id, &fx.arena, &got, &fx.err));
	ck_assert_int_eq(got.total, replayed);
	ck_assert_int_eq(got.waiting, of_replay[CS_DUE] + of_replay[CS_IN_HAND] + of_replay[CS_TAKEN]);
	ck_assert_int_eq(got.delivered, of_replay[CS_DELIVERED]);
	ck_assert_int_eq(got.dead, of_replay[CS_DEAD]);
	ok(fx.ops->check(fx.store, fail_finding, NULL, &fx.err));
}
END_TEST

void
store_suite_moves(TCase *tc)
{
	tcase_add_test(tc, a_fresh_row_is_settled_once_and_by_its_generation);
	tcase_add_loop_test(tc, what_was_noted_on_a_row_is_gone_when_it_is_settled, 0, 2);
	tcase_add_test(tc, whatever_the_move_a_row_is_counted_as_what_it_is);
	tcase_add_test(tc, a_move_sets_state_and_generation_and_only_what_is_named);
	tcase_add_test(tc, a_move_sets_everything_that_is_named);
	tcase_add_test(tc, every_single_thing_can_be_set_alone);
	tcase_add_test(tc, a_late_move_with_an_old_generation_is_refused);
	tcase_add_test(tc, a_move_from_another_state_is_refused);
	tcase_add_test(tc, a_fresh_row_in_hand_stays_fresh_and_others_become_taken);
	tcase_add_test(tc, a_moved_row_is_found_where_it_is_now);
	tcase_add_test(tc, a_reroute_does_not_double_a_delivery);
}
