/* SPDX-License-Identifier: Apache-2.0 */
/* Many dead letters at once. */
#include "config.h"
#include "../fixture.h"
#include <unistd.h>

static int64_t hub, web;

/* n dead letters of a connection; every third is an emergency. */
static void
make_dead(int from, int n, int64_t conn, const char *account, enum cs_blame blame)
{
	for (int i = from; i < from + n; i++) {
		int64_t lead = put_lead(i, account, CS_KIND_LEAD, GOOD_CONTACT, TO_HUBSPOT);

		put_delivery((struct cs_delivery_row){ .lead_id = lead, .conn_id = conn, .state = CS_DEAD, .blame = blame,
			.reason = "it was down", .urgency = i % 3 == 0 ? CS_URGENCY_EMERGENCY : CS_URGENCY_SAME_WEEK });
	}
}

static void
make_some(void)
{
	hub = put_conn("hub", "acct_1", "hubspot", "", CS_SUB_ROUTED);
	web = put_conn("web", "acct_2", "webhook", "", CS_SUB_ROUTED);
	make_dead(1, 6, hub, "acct_1", CS_BLAME_CRM);
	make_dead(7, 3, web, "acct_2", CS_BLAME_LEAD);
}

/* Wait until that many rows are in this state. */
static void
wait_for(enum cs_state state, int64_t want)
{
	struct cs_filter f = { .states = CS_STATE_BIT(state), .conn_id = -1, .blame = -1, .urgency = -1 };
	struct cs_err err;
	int64_t n = -1;

	for (int i = 0; i < 1000 && n != want; i++) {
		ok(fx.look->ops->delivery_count(fx.look, &f, &n, &err));
		if (n != want)
			usleep(3000);
	}
	ck_assert_int_eq(n, want);
}

static int64_t
told_rows(enum cs_lane lane)
{
	int64_t n = 0;

	for (size_t i = 0; i < fx.n_told; i++)
		if (strcmp(fx.told[i].what, "backlog") == 0 && fx.told[i].lane == lane)
			n += fx.told[i].n;
	return n;
}

START_TEST(a_dry_run_only_counts)
{
	make_some();
	serve();
	ck_assert_int_eq(POST("{\"dry_run\":true}", "/v1/replays"), 200);
	ck_assert_int_eq(int_at("/total"), 9);
	ck_assert_int_eq(POST("{\"filter\":{\"blame\":\"crm\"},\"dry_run\":true}", "/v1/replays"), 200);
	ck_assert_int_eq(int_at("/total"), 6);
	wait_for(CS_DEAD, 9);
}
END_TEST

START_TEST(what_fits_the_filter_is_replayed_and_can_be_watched)
{
	int64_t id;

	make_some();
	serve();
	ck_assert_int_eq(POST("{\"filter\":{\"connection\":\"hub\"}}", "/v1/replays"), 202);
	id = int_at("/id");
	ck_assert_int_gt(id, 0);
	ck_assert_int_eq(int_at("/total"), 6);
	ck_assert_int_eq(int_at("/left_out"), 0);
	wait_for(CS_DEAD, 3);
	ck_assert_int_eq(GET("/v1/replays/%lld", (long long)id), 200);
	ck_assert_int_eq(int_at("/total"), 6);
	ck_assert_int_eq(int_at("/waiting"), 6);
	ck_assert_int_eq(int_at("/delivered"), 0);
	ck_assert_str_eq(text_at("/filter/connection"), "hub");
	ck_assert_uint_eq(told("backlog", 2), 2);
	ck_assert_int_eq(told_rows(CS_LANE_REPLAY_EMERGENCY), 2);
	ck_assert_int_eq(told_rows(CS_LANE_REPLAY), 4);
	ck_assert_int_eq(GET("/v1/replays/%lld", (long long)id + 1), 404);
}
END_TEST

START_TEST(a_filter_that_fits_nothing_makes_no_replay)
{
	make_some();
	serve();
	ck_assert_int_eq(POST("{\"filter\":{\"crm\":\"acme\"}}", "/v1/replays"), 404);
	ck_assert_int_eq(GET("/v1/replays/1"), 404);
}
END_TEST

START_TEST(a_slip_in_the_filter_replays_nothing)
{
	make_some();
	serve();
	ck_assert_int_eq(POST("{\"filter\":{\"conection\":\"hub\"}}", "/v1/replays"), 422);
	ck_assert_int_eq(POST("{\"filter\":[]}", "/v1/replays"), 422);
	ck_assert_int_eq(POST("{\"filter\":{\"blame\":\"nobody\"}}", "/v1/replays"), 422);
	ck_assert_str_eq(text_at("/errors/0/pointer"), "/filter/blame");
	wait_for(CS_DEAD, 9);
}
END_TEST

START_TEST(who_waits_in_line_has_a_later_clock)
{
	struct cs_delivery_row first, last;

	make_some();
	serve();
	ck_assert_int_eq(POST("{\"filter\":{\"connection\":\"hub\"}}", "/v1/replays"), 202);
	wait_for(CS_DEAD, 3);
	last = row_of(1 << 8 | 1);
	first = row_of(6 << 8 | 1);
	ck_assert_int_eq(last.expires_ms - first.expires_ms, 5 * CS_MINUTE_MS);
	ck_assert_int_eq(last.due_ms, first.due_ms);
}
END_TEST

START_TEST(a_large_replay_goes_in_chunks_and_moves_everything)
{
	struct cs_writer_stats *w;

	hub = put_conn("hub", "acct_1", "hubspot", "", CS_SUB_ROUTED);
	make_dead(1, 1203, hub, "acct_1", CS_BLAME_CRM);
	serve();
	w = cs_writer_stats(fx.writer);
	ck_assert_int_eq(POST("{}", "/v1/replays"), 202);
	ck_assert_int_eq(int_at("/total"), 1203);
	wait_for(CS_DUE, 1203);
	ck_assert_uint_eq(told("backlog", 6), 6);
	ck_assert_int_eq(told_rows(CS_LANE_REPLAY_EMERGENCY), 401);
	ck_assert_int_eq(told_rows(CS_LANE_REPLAY), 802);
	ck_assert_uint_ge(w->commits, 3);
	ck_assert_int_eq(GET("/v1/replays/1"), 200);
	ck_assert_int_eq(int_at("/total"), 1203);
}
END_TEST

START_TEST(a_canceled_replay_leaves_dead_letters_as_they_were)
{
	struct cs_delivery_row d;

	make_some();
	serve();
	ck_assert_int_eq(POST("{\"filter\":{\"connection\":\"hub\"}}", "/v1/replays"), 202);
	wait_for(CS_DEAD, 3);
	ck_assert_int_eq(call("DELETE", "/v1/replays/1", ADMIN, NULL), 200);
	ck_assert_int_eq(int_at("/back_to_dead"), 6);
	ck_assert(cs_json_bool(fx.json, "canceled", false));
	wait_for(CS_DEAD, 9);
	d = row_of(1 << 8 | 1);
	ck_assert_int_eq(d.blame, CS_BLAME_CRM);
	ck_assert_str_eq(d.reason, "it was down");
	ck_assert_int_eq(call("DELETE", "/v1/replays/9", ADMIN, NULL), 404);
}
END_TEST

START_TEST(a_cancel_stops_a_replay_that_is_under_way)
{
	hub = put_conn("hub", "acct_1", "hubspot", "", CS_SUB_ROUTED);
	make_dead(1, 3000, hub, "acct_1", CS_BLAME_CRM);
	serve();
	ck_assert_int_eq(POST("{}", "/v1/replays"), 202);
	ck_assert_int_eq(call("DELETE", "/v1/replays/1", ADMIN, NULL), 200);
	wait_for(CS_DEAD, 3000);
	usleep(20000);
	wait_for(CS_DEAD, 3000);
}
END_TEST

START_TEST(rows_that_have_moved_on_are_left_alone)
{
	int64_t orphan;

	make_some();
	orphan = put_delivery((struct cs_delivery_row){ .lead_id = put_lead(50, "acct_9", CS_KIND_LEAD, GOOD_CONTACT, TO_HUBSPOT),
		.crm = "hubspot", .account = "acct_9", .state = CS_DEAD, .blame = CS_BLAME_CONNECTION });
	serve();
	ck_assert_int_eq(POST("{}", "/v1/replays"), 202);
	ck_assert_int_eq(int_at("/total"), 10);
	wait_for(CS_DUE, 9);
	ck_assert_int_eq(row_of(orphan).state, CS_DEAD);
	ck_assert_int_eq(GET("/v1/replays/1"), 200);
	ck_assert_int_eq(int_at("/total"), 9);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { a_dry_run_only_counts, what_fits_the_filter_is_replayed_and_can_be_watched,
		a_filter_that_fits_nothing_makes_no_replay, a_slip_in_the_filter_replays_nothing,
		who_waits_in_line_has_a_later_clock, a_large_replay_goes_in_chunks_and_moves_everything,
		a_canceled_replay_leaves_dead_letters_as_they_were, a_cancel_stops_a_replay_that_is_under_way,
		rows_that_have_moved_on_are_left_alone, NULL };

	return run_tests("replays", tests);
}
