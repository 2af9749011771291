/* SPDX-License-Identifier: Apache-2.0 */
/* Whose turn it is: urgency, fairness, caps, breakers, replays, fetching. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "queue/tree.h"
#include "util/clock.h"

#define T0 1779805920000LL

static struct cs_tree tree;
static struct cs_item items[256];
static int used;

static void
set_up(void)
{
	struct cs_tree_conf conf = { .breaker = { 3, 5000, 600000 }, .conn_cap = 4, .crm_cap = 100, .replay_per_minute = 10 };

	cs_tree_init(&tree, &conf);
	used = 0;
}

static void
tear_down(void)
{
	cs_tree_fini(&tree);
}

static struct cs_item *
add(int64_t conn, const char *crm, enum cs_lane lane, int64_t since_ms)
{
	struct cs_item *i = &items[used++];

	cs_list_init(&i->node);
	i->lane = lane;
	i->since_ms = since_ms;
	cs_tree_add(&tree, cs_tree_conn(&tree, conn, crm), i, false, T0);
	return i;
}

static struct cs_item *
pick_at(int64_t now_ms)
{
	struct cs_pick p;

	cs_tree_wake(&tree, now_ms);
	p = cs_tree_pick(&tree, now_ms);
	return p.kind == CS_PICK_RUN ? p.item : NULL;
}

START_TEST(an_emergency_goes_before_everything_else)
{
	struct cs_item *e;

	add(1, "a", CS_LANE_SAME_DAY, T0);
	add(2, "b", CS_LANE_SAME_DAY, T0);
	e = add(3, "a", CS_LANE_EMERGENCY, T0);
	ck_assert_ptr_eq(pick_at(T0), e);
}
END_TEST

START_TEST(connections_of_one_crm_take_turns)
{
	struct cs_item *a1 = add(1, "a", CS_LANE_SAME_DAY, T0), *a2 = add(1, "a", CS_LANE_SAME_DAY, T0);
	struct cs_item *b1 = add(2, "a", CS_LANE_SAME_DAY, T0);

	ck_assert_ptr_eq(pick_at(T0), a1);
	ck_assert_ptr_eq(pick_at(T0), b1);
	ck_assert_ptr_eq(pick_at(T0), a2);
	ck_assert_ptr_null(pick_at(T0));
}
END_TEST

START_TEST(every_eighth_pick_takes_the_oldest_so_nothing_starves)
{
	struct cs_item *old = add(1, "a", CS_LANE_FLEXIBLE, T0 - 1000000);
	int at = 0;

	cs_tree_conn(&tree, 1, "a")->cap = 100;
	for (int i = 0; i < 20; i++)
		add(1, "a", CS_LANE_EMERGENCY, T0);
	for (int i = 1; i <= 10 && at == 0; i++)
		if (pick_at(T0) == old)
			at = i;
	ck_assert_int_eq(at, 8);
}
END_TEST

START_TEST(a_connection_over_its_cap_waits_for_one_to_end)
{
	struct cs_tree_conn *c;

	for (int i = 0; i < 5; i++)
		add(1, "a", CS_LANE_SAME_DAY, T0);
	c = cs_tree_conn_find(&tree, 1);
	for (int i = 0; i < 4; i++)
		ck_assert_ptr_nonnull(pick_at(T0));
	ck_assert_ptr_null(pick_at(T0));
	cs_tree_finish(&tree, c, CS_TREE_OK, T0);
	ck_assert_ptr_nonnull(pick_at(T0));
}
END_TEST

START_TEST(repeated_failures_open_the_breaker_and_probes_double_the_pause)
{
	struct cs_tree_conn *c;
	int64_t now = T0;

	for (int i = 0; i < 12; i++)
		add(1, "a", CS_LANE_SAME_DAY, T0);
	c = cs_tree_conn_find(&tree, 1);
	for (int i = 0; i < 3; i++) {
		struct cs_tree_change ch;

		ck_assert_ptr_nonnull(pick_at(now));
		ch = cs_tree_finish(&tree, c, CS_TREE_FAILED, now);
		ck_assert_int_eq(ch.conn_opened, i == 2);
	}
	for (int64_t pause = 5000; pause <= 40000; pause *= 2) {
		ck_assert_ptr_null(pick_at(now + pause - 1));
		now += pause;
		ck_assert_ptr_nonnull(pick_at(now));
		ck_assert_ptr_null(pick_at(now)); /* one probe at a time */
		cs_tree_finish(&tree, c, CS_TREE_FAILED, now);
	}
	ck_assert_ptr_nonnull(pick_at(now + 600000));
	ck_assert(cs_tree_finish(&tree, c, CS_TREE_OK, now + 600000).conn_closed);
	for (int i = 0; i < 4; i++)
		ck_assert_ptr_nonnull(pick_at(now + 600000));
}
END_TEST

START_TEST(a_crm_whose_connections_all_fail_is_one_sleeping_node)
{
	bool opened = false;

	for (int64_t conn = 1; conn <= 6; conn++)
		for (int i = 0; i < 2; i++)
			add(conn, "a", CS_LANE_SAME_DAY, T0);
	for (int i = 0; i < 3; i++) {
		struct cs_pick p = cs_tree_pick(&tree, T0);

		opened |= cs_tree_finish(&tree, p.conn, CS_TREE_FAILED, T0).crm_opened;
	}
	ck_assert(opened);
	ck_assert_ptr_null(pick_at(T0));
	ck_assert_ptr_null(pick_at(T0 + 4999));
	ck_assert_ptr_nonnull(pick_at(T0 + 5000));
	ck_assert_ptr_null(pick_at(T0 + 5000));
	cs_tree_finish(&tree, cs_tree_conn_find(&tree, 4), CS_TREE_OK, T0 + 5000);
	ck_assert_ptr_nonnull(pick_at(T0 + 5000));
}
END_TEST

START_TEST(one_connections_trouble_is_not_the_crms)
{
	for (int i = 0; i < 10; i++)
		add(1, "a", CS_LANE_SAME_DAY, T0);
	add(2, "a", CS_LANE_SAME_DAY, T0);
	for (int i = 0; i < 3; i++) {
		cs_tree_conn_find(&tree, 1)->in_flight++;
		cs_tree_conn_find(&tree, 1)->crm->in_flight++;
		ck_assert(!cs_tree_finish(&tree, cs_tree_conn_find(&tree, 1), CS_TREE_FAILED, T0).crm_opened);
	}
	ck_assert_ptr_eq(pick_at(T0), &items[10]);
}
END_TEST

START_TEST(replays_go_last_ten_a_minute_emergency_first)
{
	struct cs_item *slow = add(1, "a", CS_LANE_REPLAY, T0), *fast = add(1, "a", CS_LANE_REPLAY_EMERGENCY, T0);
	struct cs_item *fresh = add(1, "a", CS_LANE_FLEXIBLE, T0);

	ck_assert_ptr_eq(pick_at(T0), fresh);
	ck_assert_ptr_eq(pick_at(T0), fast);
	ck_assert_ptr_null(pick_at(T0 + 5999));
	ck_assert_ptr_eq(pick_at(T0 + 6000), slow);
}
END_TEST

START_TEST(a_backlog_is_fetched_when_it_is_due_and_only_once)
{
	struct cs_tree_conn *c = cs_tree_conn(&tree, 1, "a");
	struct cs_list none;
	struct cs_pick p;

	cs_list_init(&none);
	cs_tree_backlog(&tree, c, CS_LANE_SAME_DAY, 100, T0 + 30000, T0);
	ck_assert_int_eq(cs_tree_pick(&tree, T0).kind, CS_PICK_NOTHING);
	ck_assert_int_eq(cs_tree_wake(&tree, T0), T0 + 30000);
	cs_tree_wake(&tree, T0 + 30000);
	p = cs_tree_pick(&tree, T0 + 30000);
	ck_assert_int_eq(p.kind, CS_PICK_FETCH);
	ck_assert_int_eq(p.lane, CS_LANE_SAME_DAY);
	ck_assert_int_eq(cs_tree_pick(&tree, T0 + 30000).kind, CS_PICK_NOTHING);
	cs_tree_fetched(&tree, c, CS_LANE_SAME_DAY, &none, 0, 0, T0 + 30000);
	ck_assert_int_eq(cs_tree_pick(&tree, T0 + 30000).kind, CS_PICK_NOTHING);
	ck_assert(cs_tree_conn_idle(c));
}
END_TEST

START_TEST(behind_an_open_breaker_one_probe_is_fetched_and_goes_before_other_fetches)
{
	struct cs_item *probe = &items[used++];
	int64_t now = T0 + 5000;
	struct cs_list got;
	struct cs_pick p;

	for (int64_t conn = 1; conn <= 3; conn++)
		cs_tree_backlog(&tree, cs_tree_conn(&tree, conn, "a"), CS_LANE_SAME_DAY, 10, T0, T0 - 1);
	for (int64_t conn = 1; conn <= 3; conn++) {
		cs_tree_conn_find(&tree, conn)->in_flight++;
		cs_tree_conn_find(&tree, conn)->crm->in_flight++;
		cs_tree_finish(&tree, cs_tree_conn_find(&tree, conn), CS_TREE_FAILED, T0);
	}
	cs_tree_wake(&tree, now);
	p = cs_tree_pick(&tree, now);
	ck_assert_int_eq(p.kind, CS_PICK_FETCH);
	ck_assert_int_eq(cs_tree_pick(&tree, now).kind, CS_PICK_NOTHING);
	*probe = (struct cs_item){ .lane = CS_LANE_SAME_DAY, .since_ms = T0 };
	cs_list_init(&probe->node);
	cs_list_init(&got);
	cs_list_push(&got, &probe->node);
	cs_tree_fetched(&tree, p.conn, CS_LANE_SAME_DAY, &got, 9, T0, now);
	ck_assert_ptr_eq(pick_at(now), probe);
	ck_assert_int_eq(cs_tree_pick(&tree, now).kind, CS_PICK_NOTHING);
	ck_assert(cs_tree_finish(&tree, p.conn, CS_TREE_OK, now).crm_closed);
	ck_assert_int_eq(cs_tree_pick(&tree, now).kind, CS_PICK_FETCH);
	ck_assert_int_eq(cs_tree_pick(&tree, now).kind, CS_PICK_FETCH);
}
END_TEST

START_TEST(a_replay_does_not_overtake_an_emergency_that_is_being_fetched)
{
	struct cs_item *slow = add(1, "a", CS_LANE_REPLAY, T0);
	struct cs_tree_conn *c = cs_tree_conn_find(&tree, 1);
	struct cs_list none;
	struct cs_pick p;

	cs_list_init(&none);
	cs_tree_backlog(&tree, c, CS_LANE_REPLAY_EMERGENCY, 1, T0, T0);
	p = cs_tree_pick(&tree, T0);
	ck_assert_int_eq(p.kind, CS_PICK_FETCH);
	ck_assert_int_eq(p.lane, CS_LANE_REPLAY_EMERGENCY);
	ck_assert_ptr_null(pick_at(T0));
	cs_tree_fetched(&tree, c, p.lane, &none, 0, CS_NEVER, T0);
	ck_assert_ptr_eq(pick_at(T0), slow);
}
END_TEST

START_TEST(a_new_configuration_holds_for_the_nodes_there_are)
{
	struct cs_tree_conf conf = { .breaker = { 1, 5000, 600000 }, .conn_cap = 1, .crm_cap = 100, .replay_per_minute = 10 };

	add(1, "a", CS_LANE_SAME_DAY, T0);
	add(1, "a", CS_LANE_SAME_DAY, T0);
	cs_tree_reconf(&tree, &conf);
	ck_assert_ptr_nonnull(pick_at(T0));
	ck_assert_ptr_null(pick_at(T0));
	ck_assert(cs_tree_finish(&tree, cs_tree_conn_find(&tree, 1), CS_TREE_FAILED, T0).conn_opened);
}
END_TEST

START_TEST(a_held_connection_sleeps_until_it_is_let_go)
{
	struct cs_item *i = add(1, "a", CS_LANE_EMERGENCY, T0);
	struct cs_tree_conn *c = cs_tree_conn_find(&tree, 1);

	cs_tree_hold_conn(&tree, c, true, T0);
	ck_assert_ptr_null(pick_at(T0 + CS_DAY_MS));
	ck_assert(cs_tree_conn_blocked(c, T0));
	cs_tree_hold_conn(&tree, c, false, T0);
	ck_assert_ptr_eq(pick_at(T0), i);
}
END_TEST

START_TEST(draining_gives_back_everything_in_memory)
{
	struct cs_list out;
	size_t n = 0;

	cs_list_init(&out);
	for (int i = 0; i < 5; i++)
		add(1, "a", (enum cs_lane)(i % 3), T0);
	ck_assert_uint_eq(cs_tree_drain(&tree, cs_tree_conn_find(&tree, 1), &out, T0), 5);
	CS_LIST_EACH(p, &out)
		n++;
	ck_assert_uint_eq(n, 5);
	ck_assert_ptr_null(pick_at(T0));
}
END_TEST

/* Rows that a fetch of this connection brought. */
static void
bring(struct cs_tree_conn *c, enum cs_lane lane, int n)
{
	struct cs_list rows;

	cs_list_init(&rows);
	for (int i = 0; i < n; i++) {
		struct cs_item *it = &items[used++];

		it->lane = lane;
		it->since_ms = T0;
		cs_list_push(&rows, &it->node);
	}
	cs_tree_fetched(&tree, c, lane, &rows, 100, T0, T0);
}

START_TEST(a_crm_fetches_no_more_than_it_can_use_soon)
{
	struct cs_pick p, first = { .kind = CS_PICK_NOTHING };
	int fetches = 0;

	for (int i = 1; i <= 1000; i++)
		cs_tree_backlog(&tree, cs_tree_conn(&tree, i, "a"), CS_LANE_SAME_DAY, 100, T0, T0);
	while ((p = cs_tree_pick(&tree, T0)).kind == CS_PICK_FETCH) {
		first = fetches++ == 0 ? p : first;
		ck_assert_int_lt(fetches, 1000);
	}
	ck_assert_int_eq(p.kind, CS_PICK_NOTHING);
	ck_assert_int_eq(fetches, 100 * CS_MEMORY_TURNS / CS_FETCH_FEW);
	ck_assert_int_eq(first.rows, CS_FETCH_FEW);
	bring(first.conn, first.lane, 8);
	for (int i = 0; i < 4; i++) { /* its cap; what is in memory goes, with 999 others in line to fetch */
		do
			p = cs_tree_pick(&tree, T0);
		while (p.kind == CS_PICK_FETCH);
		ck_assert_int_eq(p.kind, CS_PICK_RUN);
		ck_assert_ptr_eq(p.conn, first.conn);
	}
}
END_TEST

START_TEST(a_lone_connection_fetches_many_rows_at_once)
{
	struct cs_pick p;

	cs_tree_backlog(&tree, cs_tree_conn(&tree, 1, "a"), CS_LANE_SAME_DAY, 100, T0, T0);
	p = cs_tree_pick(&tree, T0);
	ck_assert_int_eq(p.kind, CS_PICK_FETCH);
	ck_assert_int_eq(p.rows, CS_FETCH_ROWS);
}
END_TEST

START_TEST(nothing_is_fetched_while_the_caller_has_no_room)
{
	struct cs_item *own = add(2, "a", CS_LANE_LOW, T0);

	cs_tree_backlog(&tree, cs_tree_conn(&tree, 1, "a"), CS_LANE_EMERGENCY, 5, T0, T0);
	tree.no_room = true;
	ck_assert_ptr_eq(pick_at(T0), own);
	ck_assert_int_eq(cs_tree_pick(&tree, T0).kind, CS_PICK_NOTHING);
	tree.no_room = false;
	ck_assert_int_eq(cs_tree_pick(&tree, T0).kind, CS_PICK_FETCH);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("tree");
	TCase *t = tcase_create("turns");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, an_emergency_goes_before_everything_else);
	tcase_add_test(t, connections_of_one_crm_take_turns);
	tcase_add_test(t, every_eighth_pick_takes_the_oldest_so_nothing_starves);
	tcase_add_test(t, a_connection_over_its_cap_waits_for_one_to_end);
	tcase_add_test(t, repeated_failures_open_the_breaker_and_probes_double_the_pause);
	tcase_add_test(t, a_crm_whose_connections_all_fail_is_one_sleeping_node);
	tcase_add_test(t, one_connections_trouble_is_not_the_crms);
	tcase_add_test(t, replays_go_last_ten_a_minute_emergency_first);
	tcase_add_test(t, a_backlog_is_fetched_when_it_is_due_and_only_once);
	tcase_add_test(t, behind_an_open_breaker_one_probe_is_fetched_and_goes_before_other_fetches);
	tcase_add_test(t, a_replay_does_not_overtake_an_emergency_that_is_being_fetched);
	tcase_add_test(t, a_new_configuration_holds_for_the_nodes_there_are);
	tcase_add_test(t, a_held_connection_sleeps_until_it_is_let_go);
	tcase_add_test(t, a_crm_fetches_no_more_than_it_can_use_soon);
	tcase_add_test(t, a_lone_connection_fetches_many_rows_at_once);
	tcase_add_test(t, nothing_is_fetched_while_the_caller_has_no_room);
	tcase_add_test(t, draining_gives_back_everything_in_memory);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
