/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_identity.c - identities are found whether their keys are in the table, on their way, or not yet there.
 */
#include "../../store_fixture.h"

static struct cs_store *s;

/* A store whose merges begin at 100 identities. */
static void
open_small(void)
{
	s = open_store();
	sq_of(s)->identities.most = 100;
}

static void
commit_many(int first, int n)
{
	ok(s->ops->begin(s, &err));
	for (int i = 0; i < n; i++)
		ok(add_lead(s, first + i, 10, CS_DUE));
	ok(s->ops->commit(s, &err));
}

static int64_t
number(const char *sql)
{
	sqlite3_stmt *st;
	int64_t n;

	ck_assert_int_eq(sqlite3_prepare_v2(sq_of(s)->db, sql, -1, &st, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_step(st), SQLITE_ROW);
	n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return n;
}

static void
expect_all(int n)
{
	struct cs_store *reader;
	struct cs_lead_row l;
	uint8_t event_id[16] = { 0 };

	ok(s->ops->reader(s, &reader, &err));
	ok(s->ops->begin(s, &err));
	for (int i = 0; i < n; i++) {
		ck_assert(has_lead(s, i));
		ck_assert(has_lead(reader, i));
		ck_assert_int_eq(add_lead(s, i, 10, CS_DUE), CS_EEXIST);
		memcpy(event_id, &i, sizeof(i));
		ck_assert_int_eq(ok(s->ops->lead_find(s, event_id, &arena, &l, 1, &err)), 1);
	}
	s->ops->rollback(s);
	ck_assert(!has_lead(s, n));
	ck_assert(!has_lead(reader, n));
	cs_store_close(reader);
}

static void
expect_sound(void)
{
	ok(s->ops->begin(s, &err));
	ok(s->ops->conn_put(s, &(struct cs_conn_row){ .account = "*", .crm = "acme" }, &err));
	ok(s->ops->commit(s, &err));
	ok(s->ops->check(s, fail_finding, NULL, &err));
}

START_TEST(keys_move_to_their_table_in_pieces_and_stay_found)
{
	int64_t merged = 0;
	int n = 0;

	open_small();
	for (int round = 0; round < 40; round++, n += 10) {
		commit_many(n, 10);
		ck_assert_int_ge(number("SELECT merged FROM run"), merged);
		merged = number("SELECT merged FROM run");
		expect_all(n + 10);
	}
	ck_assert_int_ge(merged, 200);
	ck_assert_int_ge(number("SELECT count(*) FROM identity_key"), merged);
	expect_sound();
	cs_store_close(s);
	open_small();
	expect_all(n);
	cs_store_close(s);
}
END_TEST

START_TEST(a_merge_that_is_rolled_back_or_broken_off_is_done_again)
{
	open_small();
	commit_many(0, 150);
	ck_assert_ptr_nonnull(sq_of(s)->identities.order);
	commit_many(150, 1); /* a piece */
	ck_assert_int_eq(number("SELECT count(*) FROM identity_key"), 34);
	ok(s->ops->begin(s, &err));
	ok(add_lead(s, 1000, 10, CS_DUE));
	ok(sq_identity_step(sq_of(s), &err));
	s->ops->rollback(s);
	ck_assert_int_eq(number("SELECT count(*) FROM identity_key"), 34);
	expect_all(151);
	cs_store_close(s);
	open_small();
	expect_all(151);
	for (int i = 0; i < 10; i++)
		commit_many(151 + i, 1);
	ck_assert_int_ge(number("SELECT merged FROM run"), 151);
	expect_all(161);
	expect_sound();
	cs_store_close(s);
}
END_TEST

START_TEST(an_identity_that_was_rolled_back_can_be_sent_again)
{
	open_small();
	for (int i = 0; i < 3; i++) {
		ok(s->ops->begin(s, &err));
		for (int k = 0; k < 120; k++)
			ok(add_lead(s, k, 10, CS_DUE));
		ck_assert_int_eq(add_lead(s, 5, 10, CS_DUE), CS_EEXIST);
		s->ops->rollback(s);
		ck_assert(!has_lead(s, 5));
	}
	commit_many(0, 120);
	expect_all(120);
	expect_sound();
	cs_store_close(s);
}
END_TEST

/* While their merge is under way; in the second round the retention never was. */
START_TEST(keys_of_what_retention_took_are_not_written)
{
	open_small();
	ok(s->ops->begin(s, &err));
	for (int i = 0; i < 150; i++)
		ok(add_lead(s, i, 10, CS_DELIVERED));
	ok(s->ops->commit(s, &err));
	ck_assert_ptr_nonnull(sq_of(s)->identities.order);
	commit_many(150, 1); /* a piece */
	ok(s->ops->begin(s, &err));
	ck_assert_int_gt(ok(s->ops->retention(s, NOW + 1, NOW + 1, 500, &err)), 150);
	if (_i == 0)
		ok(s->ops->commit(s, &err));
	else
		s->ops->rollback(s);
	for (int i = 0; i < 300; i += 10)
		commit_many(200 + i, 10);
	ck_assert_int_ge(number("SELECT merged FROM run"), 151);
	ck_assert_int_eq(number("SELECT count(*) FROM identity_key k WHERE lead_id <= 150"), _i == 0 ? 0 : 150);
	expect_sound();
	cs_store_close(s);
}
END_TEST

/* As a counter in them would make them. */
START_TEST(event_ids_that_differ_in_their_end_have_keys_of_their_own)
{
	struct cs_lead_row l = { .account = "acct_xyz", .event = "lead.qualified", .received_ms = NOW };

	open_small();
	for (int i = 0; i < 400; i++) {
		memcpy(l.event_id + 12, &i, sizeof(i));
		ok(s->ops->begin(s, &err));
		ok(s->ops->lead_insert(s, &l, &err));
		ok(s->ops->commit(s, &err));
	}
	ck_assert_int_ge(number("SELECT count(DISTINCT key) FROM identity_key"), 200);
	ck_assert_int_eq(number("SELECT count(DISTINCT key) = count(*) FROM identity_key"), 1);
	ck_assert_int_eq(number("SELECT length(secret) FROM run"), 16);
	cs_store_close(s);
}
END_TEST

START_TEST(event_ids_with_the_same_beginning_are_told_apart)
{
	struct cs_lead_row l = { .account = "acct_xyz", .event = "lead.qualified", .received_ms = NOW };
	uint8_t hash[32];
	int64_t id;

	open_small();
	memset(l.event_id, 7, 16);
	ok(s->ops->begin(s, &err));
	for (int i = 0; i < 100; i++) {
		l.event_id[15] = (uint8_t)i;
		ok(s->ops->lead_insert(s, &l, &err));
	}
	ok(s->ops->commit(s, &err));
	for (int i = 0; i < 5; i++)
		commit_many(i, 1); /* the merge */
	ck_assert_int_ge(number("SELECT merged FROM run"), 100);
	for (int i = 0; i < 101; i++) {
		l.event_id[15] = (uint8_t)i;
		ck_assert_int_eq(s->ops->identity_get(s, l.event_id, l.account, &id, hash, &err), i < 100 ? 0 : CS_ENOTFOUND);
		ck_assert(i == 100 || id == i + 1);
	}
	ck_assert_int_eq(s->ops->identity_get(s, l.event_id, "acct_other", &id, hash, &err), CS_ENOTFOUND);
	expect_sound();
	cs_store_close(s);
}
END_TEST

START_TEST(retention_forgets_recent_and_merged_identities_alike)
{
	open_small();
	for (int i = 0; i < 15; i++)
		commit_many(10 * i, 10);
	ok(s->ops->begin(s, &err));
	for (int64_t id = 1; id <= 150; id++)
		ok(s->ops->delivery_move(s, &(struct cs_move){ .id = id << 8 | 1, .gen = -1, .from = 1, .to = CS_DELIVERED }, &err));
	while (ok(s->ops->retention(s, NOW + 1, NOW + 1, 40, &err)) > 0)
		continue;
	ok(s->ops->commit(s, &err));
	for (int i = 0; i < 150; i++)
		ck_assert(has_lead(s, i) == (i == 149)); /* the newest stays */
	commit_many(0, 149);
	expect_all(150);
	expect_sound();
	cs_store_close(s);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, keys_move_to_their_table_in_pieces_and_stay_found);
	tcase_add_test(tc, a_merge_that_is_rolled_back_or_broken_off_is_done_again);
	tcase_add_test(tc, an_identity_that_was_rolled_back_can_be_sent_again);
	tcase_add_loop_test(tc, keys_of_what_retention_took_are_not_written, 0, 2);
	tcase_add_test(tc, event_ids_that_differ_in_their_end_have_keys_of_their_own);
	tcase_add_test(tc, event_ids_with_the_same_beginning_are_told_apart);
	tcase_add_test(tc, retention_forgets_recent_and_merged_identities_alike);
}

int
main(void)
{
	return run_case("sqlite_identity", make_dir, drop_dir, fill);
}
