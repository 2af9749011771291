/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_suite_links.c - links for connecting, and the sessions of those who opened them.
 */
#include "store_suite_int.h"

#include <string.h>

static struct cs_link_row
link_nr(int n)
{
	return (struct cs_link_row){ .hash = { (uint8_t)n }, .any_crm = true, .account = "acct_1", .crm = "", .created_ms = 5, .expires_ms = 100,
		.last_ms = 100, .life_ms = 95, .who = "key 3" };
}

static struct cs_link_session_row
put_session(int64_t link_id, int n, int64_t expires_ms)
{
	struct cs_link_session_row r = { .link_id = link_id, .hash = { 1, (uint8_t)n }, .crm = "", .expires_ms = expires_ms };

	ok(fx.ops->link_session_put(fx.store, &r, &fx.err));
	return r;
}

START_TEST(a_link_is_found_changed_listed_and_swept_when_its_last_session_is_over)
{
	struct cs_link_row l = link_nr(1), other = link_nr(9), got[3];

	tx();
	ok(fx.ops->link_put(fx.store, &l, &fx.err));
	other.any_crm = false;
	other.last_ms = 101;
	ok(fx.ops->link_put(fx.store, &other, &fx.err));
	ck_assert_int_ne(l.id, other.id);
	ok(fx.ops->link_find(fx.store, l.hash, &fx.arena, got, &fx.err));
	ck_assert(got->id == l.id && got->any_crm && got->state == CS_LINK_OPEN && got->conn_id == 0 && got->life_ms == 95 &&
	          got->created_ms == 5 && got->expires_ms == 100 && got->last_ms == 100 && got->openings == 0);
	ck_assert_str_eq(got->account, "acct_1");
	ck_assert_str_eq(got->who, "key 3");
	l.state = CS_LINK_DONE;
	l.conn_id = 7;
	l.crm = "hubspot";
	l.last_ms = 150;
	l.openings = 2;
	ok(fx.ops->link_put(fx.store, &l, &fx.err));
	ok(fx.ops->link_find(fx.store, l.hash, &fx.arena, got, &fx.err));
	ck_assert(got->state == CS_LINK_DONE && got->conn_id == 7 && got->last_ms == 150 && got->openings == 2 && got->expires_ms == 100);
	ck_assert_str_eq(got->crm, "hubspot");
	ck_assert_int_eq(ok(fx.ops->link_list(fx.store, 0, &fx.arena, got, 3, &fx.err)), 2);
	ck_assert_int_eq(got[0].id, other.id);
	ck_assert_int_eq(ok(fx.ops->link_list(fx.store, other.id, &fx.arena, got, 3, &fx.err)), 1);
	ck_assert_int_eq(ok(fx.ops->link_sweep(fx.store, 100, 10, &fx.err)), 0);
	ck_assert_int_eq(ok(fx.ops->link_sweep(fx.store, 101, 10, &fx.err)), 1);
	refused(fx.ops->link_get(fx.store, other.id, &fx.arena, got, &fx.err), CS_ENOTFOUND);
	ok(fx.ops->link_get(fx.store, l.id, &fx.arena, got, &fx.err));
	refused(fx.ops->link_put(fx.store, &other, &fx.err), CS_ENOTFOUND);
	done();
}
END_TEST

START_TEST(links_are_swept_in_bites)
{
	tx();
	for (int i = 1; i <= 5; i++) {
		struct cs_link_row l = link_nr(i);

		ok(fx.ops->link_put(fx.store, &l, &fx.err));
	}
	ck_assert_int_eq(ok(fx.ops->link_sweep(fx.store, 100, 3, &fx.err)), 3);
	ck_assert_int_eq(ok(fx.ops->link_sweep(fx.store, 100, 3, &fx.err)), 2);
	ck_assert_int_eq(ok(fx.ops->link_sweep(fx.store, 100, 3, &fx.err)), 0);
	done();
}
END_TEST

START_TEST(a_link_stays_as_long_as_a_session_of_it_does)
{
	struct cs_link_row l = link_nr(1);
	struct cs_link_session_row session;

	tx();
	ok(fx.ops->link_put(fx.store, &l, &fx.err));
	session = put_session(l.id, 1, 100);
	ck_assert_int_eq(ok(fx.ops->link_sweep(fx.store, 100, 10, &fx.err)), 0);
	ok(fx.ops->link_session_delete(fx.store, session.id, &fx.err));
	ck_assert_int_eq(ok(fx.ops->link_sweep(fx.store, 100, 10, &fx.err)), 1);
	done();
}
END_TEST

START_TEST(a_session_is_found_by_its_cookie_and_listed_when_over)
{
	struct cs_link_session_row a, b, got[3];

	tx();
	b = put_session(1, 2, 101);
	a = put_session(1, 1, 100);
	put_session(2, 3, 102);
	refused(fx.ops->link_session_find(fx.store, (const uint8_t[32]){ 4 }, &fx.arena, got, &fx.err), CS_ENOTFOUND);
	a.has_won = true;
	a.conn_id = 7;
	a.crm = "acme";
	ok(fx.ops->link_session_put(fx.store, &a, &fx.err));
	ok(fx.ops->link_session_find(fx.store, a.hash, &fx.arena, got, &fx.err));
	ck_assert(got->id == a.id && got->link_id == 1 && got->has_won && got->conn_id == 7 && got->expires_ms == 100);
	ck_assert_str_eq(got->crm, "acme");
	ok(fx.ops->link_session_get(fx.store, b.id, &fx.arena, got, &fx.err));
	ck_assert(!got->has_won && got->conn_id == 0);
	ck_assert_int_eq(ok(fx.ops->link_sessions_over(fx.store, 99, &fx.arena, got, 3, &fx.err)), 0);
	ck_assert_int_eq(ok(fx.ops->link_sessions_over(fx.store, 101, &fx.arena, got, 3, &fx.err)), 2);
	ck_assert(got[0].id == a.id && got[1].id == b.id);
	ck_assert_int_eq(ok(fx.ops->link_sessions_over(fx.store, 200, &fx.arena, got, 2, &fx.err)), 2);
	ok(fx.ops->link_session_delete(fx.store, a.id, &fx.err));
	refused(fx.ops->link_session_delete(fx.store, a.id, &fx.err), CS_ENOTFOUND);
	refused(fx.ops->link_session_put(fx.store, &a, &fx.err), CS_ENOTFOUND);
	done();
}
END_TEST

/* ---- what is over at once */

static void
put_flow(int n, int64_t session_id)
{
	const struct cs_flow_row f = { .ticket = { (uint8_t)n }, .state = { (uint8_t)n }, .verifier = { "", 0 }, .crm = "acme", .way = "oauth2",
		.session_id = session_id, .expires_ms = 1000 };

	ok(fx.ops->flow_put(fx.store, &f, &fx.err));
}

static bool
has_flow(int n)
{
	const uint8_t ticket[32] = { (uint8_t)n };
	struct cs_flow_row got;

	return fx.ops->flow_find(fx.store, ticket, false, &fx.arena, &got, &fx.err) == 0;
}

START_TEST(what_the_other_sessions_of_a_link_have_begun_ends_with_its_success)
{
	struct cs_link_row l = link_nr(1), other = link_nr(2);
	struct cs_link_session_row winner, loser, stranger, got;

	tx();
	ok(fx.ops->link_put(fx.store, &l, &fx.err));
	ok(fx.ops->link_put(fx.store, &other, &fx.err));
	winner = put_session(l.id, 1, 150);
	loser = put_session(l.id, 2, 160);
	stranger = put_session(other.id, 3, 170);
	put_flow(1, winner.id);
	put_flow(2, loser.id);
	put_flow(3, stranger.id);
	put_flow(4, 0); /* of no link */
	ok(fx.ops->link_end(fx.store, l.id, winner.id, 50, &fx.err));
	ck_assert(has_flow(1) && !has_flow(2) && has_flow(3) && has_flow(4));
	ok(fx.ops->link_session_get(fx.store, loser.id, &fx.arena, &got, &fx.err));
	ck_assert_int_eq(got.expires_ms, 160); /* it is told why */
	done();
}
END_TEST

START_TEST(a_link_that_is_taken_back_is_over_with_all_its_sessions)
{
	struct cs_link_row l = link_nr(1), other = link_nr(2), got_link;
	struct cs_link_session_row first, over, stranger, got[3];

	tx();
	ok(fx.ops->link_put(fx.store, &l, &fx.err));
	ok(fx.ops->link_put(fx.store, &other, &fx.err));
	first = put_session(l.id, 1, 150);
	over = put_session(l.id, 2, 40);
	stranger = put_session(other.id, 3, 170);
	put_flow(1, first.id);
	put_flow(3, stranger.id);
	ok(fx.ops->link_end(fx.store, l.id, 0, 50, &fx.err));
	ck_assert(!has_flow(1) && has_flow(3));
	ok(fx.ops->link_get(fx.store, l.id, &fx.arena, &got_link, &fx.err));
	ck_assert(got_link.expires_ms == 50 && got_link.last_ms == 50);
	ck_assert_int_eq(ok(fx.ops->link_sessions_over(fx.store, 50, &fx.arena, got, 3, &fx.err)), 2);
	ck_assert(got[0].id == over.id && got[0].expires_ms == 40 && got[1].id == first.id && got[1].expires_ms == 50);
	refused(fx.ops->link_end(fx.store, 4711, 0, 50, &fx.err), CS_ENOTFOUND);
	done();
}
END_TEST

void
store_suite_links(TCase *tc)
{
	tcase_add_test(tc, a_link_is_found_changed_listed_and_swept_when_its_last_session_is_over);
	tcase_add_test(tc, links_are_swept_in_bites);
	tcase_add_test(tc, a_link_stays_as_long_as_a_session_of_it_does);
	tcase_add_test(tc, a_session_is_found_by_its_cookie_and_listed_when_over);
	tcase_add_test(tc, what_the_other_sessions_of_a_link_have_begun_ends_with_its_success);
	tcase_add_test(tc, a_link_that_is_taken_back_is_over_with_all_its_sessions);
}
