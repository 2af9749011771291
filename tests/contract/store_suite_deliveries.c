/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_suite_deliveries.c - deliveries: inserting, taking, backlogs, epochs.
 */
#include "store_suite_int.h"

#include <string.h>

START_TEST(a_delivery_comes_back_as_it_was_given)
{
	struct cs_delivery_row d = { .crm = "acme_crm", .account = "acct_xyz", .crm_account_id = "t1", .state = CS_DEAD,
		                     .lane = CS_LANE_SAME_WEEK, .urgency = 2, .epoch = 3, .gen = 4, .due_ms = 5, .expires_ms = 6,
		                     .attempts = 7, .crashes = 2, .doubt = true, .wait_since_ms = 8, .blame = CS_BLAME_CRM,
		                     .reason = "because", .records = "[1]", .warnings = "[2]", .created_ms = 9, .done_ms = 10,
		                     .replay_id = 11, .phone_key = UINT64_MAX, .email_key = 1ULL << 63 }, got;

	tx();
	d.lead_id = put_lead(1);
	ok(fx.ops->delivery_insert(fx.store, &d, &fx.err));
	done();
	ck_assert_int_eq(d.id >> 8, d.lead_id);
	got = get_delivery(d.id);
	ck_assert_str_eq(got.crm, d.crm);
	ck_assert_str_eq(got.account, d.account);
	ck_assert_str_eq(got.crm_account_id, d.crm_account_id);
	ck_assert_str_eq(got.reason, d.reason);
	ck_assert_str_eq(got.records, d.records);
	ck_assert_str_eq(got.warnings, d.warnings);
	got.crm = d.crm;
	got.account = d.account;
	got.crm_account_id = d.crm_account_id;
	got.reason = d.reason;
	got.records = d.records;
	got.warnings = d.warnings;
	ck_assert_int_eq(got.lead_id, d.lead_id);
	ck_assert_int_eq(got.conn_id, 0);
	ck_assert_int_eq(got.state, d.state);
	ck_assert_int_eq(got.lane, d.lane);
	ck_assert_int_eq(got.urgency, d.urgency);
	ck_assert_int_eq(got.epoch, d.epoch);
	ck_assert_int_eq(got.gen, d.gen);
	ck_assert_int_eq(got.due_ms, d.due_ms);
	ck_assert_int_eq(got.expires_ms, d.expires_ms);
	ck_assert_int_eq(got.attempts, d.attempts);
	ck_assert_int_eq(got.crashes, d.crashes);
	ck_assert(got.doubt);
	ck_assert_int_eq(got.wait_since_ms, d.wait_since_ms);
	ck_assert_int_eq(got.blame, d.blame);
	ck_assert_int_eq(got.created_ms, d.created_ms);
	ck_assert_int_eq(got.done_ms, d.done_ms);
	ck_assert_int_eq(got.replay_id, d.replay_id);
	ck_assert(got.phone_key == d.phone_key && got.email_key == d.email_key);
}
END_TEST

START_TEST(where_it_goes_is_told_from_the_connection)
{
	struct cs_delivery_row got;
	int64_t id;

	tx();
	id = put_delivery(put_lead(1), put_conn(3), CS_DUE);
	done();
	got = get_delivery(id);
	ck_assert_str_eq(got.crm, "acme_crm");
	ck_assert_str_eq(got.account, "acct_xyz");
	ck_assert_str_eq(got.crm_account_id, "tenant_3");
}
END_TEST

START_TEST(a_lead_goes_once_into_a_connection_and_often_into_none)
{
	struct cs_delivery_row d, got[8];
	int64_t lead, other;

	tx();
	lead = put_lead(1);
	other = put_lead(2);
	put_delivery(lead, 7, CS_IN_HAND);
	put_delivery(lead, 8, CS_DUE);
	d = delivery_of(lead, 7, CS_DUE);
	refused(fx.ops->delivery_insert(fx.store, &d, &fx.err), CS_EEXIST);
	put_delivery(lead, 0, CS_DEAD);
	put_delivery(lead, 0, CS_DEAD);
	put_delivery(other, 7, CS_DUE);
	done();
	ck_assert_int_eq(ok(fx.ops->deliveries_of_lead(fx.store, lead, &fx.arena, got, 8, &fx.err)), 4);
	ck_assert_int_eq(got[0].conn_id, 7);
	ck_assert_int_eq(got[1].conn_id, 8);
	ck_assert_int_gt(got[3].id, got[2].id);
	ck_assert_int_eq(ok(fx.ops->deliveries_of_lead(fx.store, lead, &fx.arena, got, 2, &fx.err)), 2);
	ck_assert_int_eq(ok(fx.ops->deliveries_of_lead(fx.store, other, &fx.arena, got, 8, &fx.err)), 1);
	ck_assert_int_eq(ok(fx.ops->deliveries_of_lead(fx.store, other + 1, &fx.arena, got, 8, &fx.err)), 0);
}
END_TEST

START_TEST(a_lead_has_at_most_255_deliveries)
{
	struct cs_delivery_row d;
	int64_t lead;

	tx();
	lead = put_lead(1);
	for (int i = 1; i <= 255; i++)
		put_delivery(lead, i, CS_DUE);
	d = delivery_of(lead, 256, CS_DUE);
	refused(fx.ops->delivery_insert(fx.store, &d, &fx.err), CS_ELIMIT);
	put_delivery(put_lead(2), 1, CS_DUE);
	done();
}
END_TEST

/* Ten due rows of connection 7; number i is due at NOW + 10 * i. */
static void
ten_due(int64_t *ids)
{
	for (int i = 9; i >= 0; i--) {
		struct cs_delivery_row d = delivery_of(put_lead(i), 7, CS_DUE);

		d.due_ms = NOW + 10 * i;
		d.lane = CS_LANE_LOW;
		ok(fx.ops->delivery_insert(fx.store, &d, &fx.err));
		ids[i] = d.id;
	}
}

START_TEST(taking_brings_the_oldest_due_ones_in_hand_with_all_they_need)
{
	struct cs_backlog left;
	struct cs_work w[8];
	int64_t ids[10];

	tx();
	ten_due(ids);
	ok(fx.ops->progress_put(fx.store, ids[1], "{\"find\":{}}", &fx.err));
	ck_assert_int_eq(ok(fx.ops->delivery_take(fx.store, 7, CS_LANE_LOW, 42, NOW + 50, 4, 1 << 20, &fx.arena, w, &left,
	                                          &fx.err)), 4);
	done();
	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(w[i].d.id, ids[i]);
		ck_assert_int_eq(w[i].d.state, CS_TAKEN);
		ck_assert_int_eq(w[i].d.epoch, 42);
		ck_assert_int_eq(w[i].d.gen, 1);
		ck_assert_int_eq(w[i].lead.id, ids[i] >> 8);
		ck_assert_str_eq(w[i].lead.body.ptr, "{\"a\":1}");
		ck_assert_str_eq(w[i].lead.account, "acct_xyz");
		ck_assert_mem_eq(w[i].lead.event_id, lead_nr(i).event_id, 16);
		ck_assert_mem_eq(w[i].lead.hash, lead_nr(i).hash, 32);
		ck_assert_str_eq(w[i].progress, i == 1 ? "{\"find\":{}}" : "");
		ck_assert_int_eq(get_delivery(ids[i]).state, CS_TAKEN);
		ck_assert_int_eq(get_delivery(ids[i]).gen, 1);
	}
	ck_assert_int_eq(left.count, 6);
	ck_assert_int_eq(left.earliest_due_ms, NOW + 40);
	ck_assert_int_eq(left.conn_id, 7);
}
END_TEST

START_TEST(what_is_due_later_or_in_another_lane_is_not_taken)
{
	struct cs_backlog left;
	struct cs_work w[16];
	int64_t ids[10];

	tx();
	ten_due(ids);
	ck_assert_int_eq(ok(fx.ops->delivery_take(fx.store, 7, CS_LANE_EMERGENCY, 1, NOW + 50, 16, 1 << 20, &fx.arena, w, &left,
	                                          &fx.err)), 0);
	ck_assert_int_eq(left.count, 0);
	ck_assert_int_eq(ok(fx.ops->delivery_take(fx.store, 8, CS_LANE_LOW, 1, NOW + 50, 16, 1 << 20, &fx.arena, w, &left,
	                                          &fx.err)), 0);
	ck_assert_int_eq(ok(fx.ops->delivery_take(fx.store, 7, CS_LANE_LOW, 1, NOW - 1, 16, 1 << 20, &fx.arena, w, &left,
	                                          &fx.err)), 0);
	ck_assert_int_eq(left.count, 10);
	ck_assert_int_eq(left.earliest_due_ms, NOW);
	ck_assert_int_eq(ok(fx.ops->delivery_take(fx.store, 7, CS_LANE_LOW, 1, NOW + 50, 16, 1 << 20, &fx.arena, w, &left,
	                                          &fx.err)), 6);
	done();
}
END_TEST

START_TEST(taking_stops_when_the_bodies_are_many_bytes_but_takes_one)
{
	struct cs_backlog left;
	struct cs_work w[16];
	int64_t ids[10];

	tx();
	ten_due(ids);
	ck_assert_int_eq(ok(fx.ops->delivery_take(fx.store, 7, CS_LANE_LOW, 1, NOW + 500, 16, 0, &fx.arena, w, &left, &fx.err)), 1);
	ck_assert_int_eq(ok(fx.ops->delivery_take(fx.store, 7, CS_LANE_LOW, 1, NOW + 500, 16, 20, &fx.arena, w, &left, &fx.err)), 3);
	ck_assert_int_eq(left.count, 6);
	done();
}
END_TEST

struct seen {
	struct cs_backlog b[8];
	int n, stop_after;
};

static int
see_backlog(void *ctx, const struct cs_backlog *b)
{
	struct seen *seen = ctx;

	seen->b[seen->n++] = *b;
	return seen->n == seen->stop_after;
}

START_TEST(backlogs_count_what_waits_per_connection_and_lane)
{
	struct seen seen = { 0 };
	int64_t ids[10];

	tx();
	ten_due(ids);
	put_delivery(put_lead(50), 7, CS_DUE);
	put_delivery(put_lead(51), 3, CS_DUE);
	put_delivery(put_lead(52), 3, CS_IN_HAND);
	put_delivery(put_lead(53), 4, CS_DEAD);
	done();
	ok(fx.ops->backlogs(fx.store, see_backlog, &seen, &fx.err));
	ck_assert_int_eq(seen.n, 3);
	for (int i = 0; i < 3; i++) {
		const struct cs_backlog *b = &seen.b[i];

		ck_assert_int_eq(b->count, b->conn_id == 7 && b->lane == CS_LANE_LOW ? 10 : 1);
		ck_assert_int_eq(b->earliest_due_ms, NOW);
	}
	seen = (struct seen){ .stop_after = 1 };
	ok(fx.ops->backlogs(fx.store, see_backlog, &seen, &fx.err));
	ck_assert_int_eq(seen.n, 1);
}
END_TEST

START_TEST(what_is_past_its_last_retry_is_found_oldest_first)
{
	struct cs_delivery_row d, got[4];
	int64_t ids[4];

	tx();
	for (int i = 0; i < 4; i++) {
		d = delivery_of(put_lead(i), 7, i == 3 ? CS_DEAD : CS_DUE);
		d.expires_ms = i == 2 ? 0 : NOW - i;
		ok(fx.ops->delivery_insert(fx.store, &d, &fx.err));
		ids[i] = d.id;
	}
	done();
	ck_assert_int_eq(ok(fx.ops->expired(fx.store, NOW, &fx.arena, got, 4, &fx.err)), 2);
	ck_assert_int_eq(got[0].id, ids[1]);
	ck_assert_int_eq(got[1].id, ids[0]);
	ck_assert_int_eq(ok(fx.ops->expired(fx.store, NOW, &fx.arena, got, 1, &fx.err)), 1);
	ck_assert_int_eq(ok(fx.ops->expired(fx.store, NOW - 2, &fx.arena, got, 4, &fx.err)), 0);
}
END_TEST

/* ---- epochs */

static int64_t
next_run(int64_t lag_ms, int64_t *in_doubt)
{
	int64_t epoch;

	tx();
	ok(fx.ops->epoch_begin(fx.store, NOW, lag_ms, &epoch, in_doubt, &fx.err));
	done();
	return epoch;
}

START_TEST(after_an_unclean_stop_what_was_in_hand_is_in_doubt)
{
	int64_t first, doubts, fresh, due, dead, ids[10];
	struct cs_backlog left;
	struct cs_work w[2];

	first = next_run(0, &doubts);
	ck_assert_int_eq(doubts, 0);
	tx();
	fresh = put_delivery(put_lead(100), 3, CS_IN_HAND);
	due = put_delivery(put_lead(101), 3, CS_DUE);
	dead = put_delivery(put_lead(102), 3, CS_DEAD);
	ten_due(ids);
	ok(fx.ops->delivery_take(fx.store, 7, CS_LANE_LOW, first, NOW, 1, 1 << 20, &fx.arena, w, &left, &fx.err));
	done();
	ck_assert_int_eq(get_delivery(fresh).epoch, first);
	ck_assert_int_eq(next_run(30000, &doubts), first + 1);
	ck_assert_int_eq(doubts, 2);
	ck_assert_int_eq(get_delivery(fresh).state, CS_DUE);
	ck_assert(get_delivery(fresh).doubt);
	ck_assert_int_eq(get_delivery(fresh).due_ms, NOW + 30000);
	ck_assert_int_eq(get_delivery(fresh).gen, 1);
	ck_assert_int_eq(get_delivery(ids[0]).state, CS_DUE);
	ck_assert(get_delivery(ids[0]).doubt);
	ck_assert_int_eq(get_delivery(ids[0]).gen, 2);
	ck_assert(!get_delivery(due).doubt);
	ck_assert_int_eq(get_delivery(due).gen, 0);
	ck_assert_int_eq(get_delivery(dead).state, CS_DEAD);
	ck_assert_int_eq(next_run(0, &doubts), first + 2);
	ck_assert_int_eq(doubts, 0);
	ck_assert(get_delivery(fresh).doubt); /* only a look-up or a person clears it */
}
END_TEST

START_TEST(after_a_clean_stop_nothing_is_in_doubt)
{
	struct cs_move back = { .gen = -1, .from = CS_STATES_IN_HAND, .to = CS_DUE };
	int64_t doubts;

	next_run(0, &doubts);
	tx();
	back.id = put_delivery(put_lead(1), 3, CS_IN_HAND);
	refused(fx.ops->epoch_end(fx.store, &fx.err), CS_ESTATE);
	ok(fx.ops->delivery_move(fx.store, &back, &fx.err));
	ok(fx.ops->epoch_end(fx.store, &fx.err));
	done();
	next_run(0, &doubts);
	ck_assert_int_eq(doubts, 0);
	ck_assert(!get_delivery(back.id).doubt);
}
END_TEST

START_TEST(a_run_that_is_rolled_back_never_was)
{
	int64_t first, doubts, epoch;

	first = next_run(0, &doubts);
	tx();
	ok(fx.ops->epoch_begin(fx.store, NOW, 0, &epoch, &doubts, &fx.err));
	ck_assert_int_eq(epoch, first + 1);
	fx.ops->rollback(fx.store);
	tx();
	ck_assert_int_eq(get_delivery(put_delivery(put_lead(1), 3, CS_IN_HAND)).epoch, first);
	done();
	ck_assert_int_eq(next_run(0, &doubts), first + 1);
	ck_assert_int_eq(doubts, 1);
}
END_TEST

START_TEST(rows_above_the_floor_are_found)
{
	int64_t below, above, doubts;
	struct cs_move m = { .gen = -1, .from = CS_STATES_IN_HAND, .to = CS_DELIVERED };

	next_run(0, &doubts);
	tx();
	below = put_delivery(put_lead(1), 3, CS_IN_HAND);
	above = put_delivery(put_lead(2), 3, CS_IN_HAND);
	m.id = below;
	ok(fx.ops->delivery_move(fx.store, &m, &fx.err));
	ok(fx.ops->floor_put(fx.store, above, &fx.err));
	ok(fx.ops->floor_put(fx.store, below, &fx.err)); /* it never sinks */
	done();
	next_run(0, &doubts);
	ck_assert_int_eq(doubts, 1);
	ck_assert_int_eq(get_delivery(above).state, CS_DUE);
	ck_assert_int_eq(get_delivery(below).state, CS_DELIVERED);
}
END_TEST

void
store_suite_deliveries(TCase *tc)
{
	tcase_add_test(tc, a_delivery_comes_back_as_it_was_given);
	tcase_add_test(tc, where_it_goes_is_told_from_the_connection);
	tcase_add_test(tc, a_lead_goes_once_into_a_connection_and_often_into_none);
	tcase_add_test(tc, a_lead_has_at_most_255_deliveries);
	tcase_add_test(tc, taking_brings_the_oldest_due_ones_in_hand_with_all_they_need);
	tcase_add_test(tc, what_is_due_later_or_in_another_lane_is_not_taken);
	tcase_add_test(tc, taking_stops_when_the_bodies_are_many_bytes_but_takes_one);
	tcase_add_test(tc, backlogs_count_what_waits_per_connection_and_lane);
	tcase_add_test(tc, what_is_past_its_last_retry_is_found_oldest_first);
	tcase_add_test(tc, after_an_unclean_stop_what_was_in_hand_is_in_doubt);
	tcase_add_test(tc, after_a_clean_stop_nothing_is_in_doubt);
	tcase_add_test(tc, a_run_that_is_rolled_back_never_was);
	tcase_add_test(tc, rows_above_the_floor_are_found);
}
