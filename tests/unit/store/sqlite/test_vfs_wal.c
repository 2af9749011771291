/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_vfs_wal.c - the writer's log in large pieces: few writes, nothing seen too early, nothing lost, no failure swallowed.
 */
#include "../store_fixture.h"

#include "../faulty_vfs.h"

static struct cs_store *s;

static void
start(void)
{
	faulty_register();
	s = open_store();
}

static void
end(void)
{
	cs_store_close(s);
}

static void
run_sql(struct cs_store *st, const char *sql)
{
	ck_assert_int_eq(sqlite3_exec(sq_of(st)->db, sql, NULL, NULL, NULL), SQLITE_OK);
}

static void
count_writes(void)
{
	faulty_arm(FAULTY_WRITE, "-wal", SQLITE_OK, 0);
}

static void
add_many(int first, int n)
{
	for (int i = 0; i < n; i++)
		ok(add_lead(s, first + i, 3000, CS_DUE));
}

static void
commit_many(int first, int n)
{
	ok(s->ops->begin(s, &err));
	add_many(first, n);
	ok(s->ops->commit(s, &err));
}

/* Pages that were changed go to the log before the commit, since they do not fit into the cache. */
static void
spill(int first, int n)
{
	run_sql(s, "PRAGMA cache_size = 10; PRAGMA cache_spill = 10");
	ok(s->ops->begin(s, &err));
	add_many(first, n);
}

/* What the file holds without the handle that wrote it. */
static void
expect_after_kill(int64_t rows)
{
	struct cs_store *copy;
	char cp[512];

	snprintf(cp, sizeof(cp), "mkdir -p '%s/c' && rm -f '%s/c/'* && cp '%s' '%s-wal' '%s/c/'", dir, dir, path, path, dir);
	ck_assert_int_eq(system(cp), 0);
	snprintf(path, sizeof(path), "%s/c/store.db", dir);
	copy = open_store();
	ck_assert_int_eq(count_all(copy), rows);
	ok(copy->ops->begin(copy, &err));
	ok(copy->ops->conn_put(copy, &(struct cs_conn_row){ .account = "*", .crm = "acme" }, &err));
	ok(copy->ops->commit(copy, &err));
	ok(copy->ops->check(copy, fail_finding, NULL, &err));
	cs_store_close(copy);
	snprintf(path, sizeof(path), "%s/store.db", dir);
}

START_TEST(a_commit_is_one_write)
{
	commit_many(0, 1);
	count_writes();
	commit_many(1, 20);
	ck_assert_int_eq(faulty_heal(), 1);
	expect_after_kill(21);
}
END_TEST

START_TEST(a_commit_larger_than_the_memory_is_whole)
{
	commit_many(0, 1);
	count_writes();
	commit_many(1, 1000); /* about 4 MB */
	ck_assert_int_lt(faulty_heal(), 80);
	expect_after_kill(1001);
}
END_TEST

START_TEST(pages_spilled_before_the_commit_are_read_back_and_committed)
{
	commit_many(0, 10);
	spill(10, 300);
	for (int i = 0; i < 310; i += 7)
		ck_assert(has_lead(s, i));
	ck_assert_int_eq(count_all(s), 310);
	add_many(310, 50);
	ok(s->ops->commit(s, &err));
	ck_assert_int_eq(count_all(s), 360);
	expect_after_kill(360);
}
END_TEST

START_TEST(what_was_spilled_and_rolled_back_is_overwritten)
{
	commit_many(0, 10);
	spill(100, 200);
	s->ops->rollback(s);
	commit_many(10, 5);
	ck_assert_int_eq(count_all(s), 15);
	expect_after_kill(15);
}
END_TEST

START_TEST(a_reader_sees_commits_and_nothing_before_them)
{
	struct cs_store *r;

	commit_many(0, 10);
	ok(s->ops->reader(s, &r, &err));
	spill(10, 100);
	ck_assert_int_eq(count_all(r), 10);
	ck_assert(!has_lead(r, 50));
	ok(s->ops->commit(s, &err));
	ck_assert_int_eq(count_all(r), 110);
	ck_assert(has_lead(r, 50));
	cs_store_close(r);
}
END_TEST

START_TEST(a_checkpoint_of_another_handle_moves_commits_only)
{
	struct cs_store *r;

	ok(s->ops->reader(s, &r, &err));
	commit_many(0, 1500);
	spill(2000, 100);
	ok(r->ops->checkpoint(r, 0, &err));
	s->ops->rollback(s);
	commit_many(1500, 50);
	ok(r->ops->checkpoint(r, 0, &err));
	ck_assert_int_eq(count_all(r), 1550);
	cs_store_close(r);
	expect_after_kill(1550);
}
END_TEST

static const struct {
	enum faulty_op op;
	int code, after, expected;
} faults[] = {
	{ FAULTY_WRITE, SQLITE_FULL, 0, CS_EFULL },
	{ FAULTY_SHORT, SQLITE_FULL, 0, CS_EFULL },
	{ FAULTY_WRITE, SQLITE_FULL, 1, CS_EFULL },
	{ FAULTY_SHORT, SQLITE_FULL, 2, CS_EFULL },
};

/* The disk is full when a commit of several writes goes out, or before, when the memory is full. */
START_TEST(no_room_refuses_the_batch_and_the_next_one_fits)
{
	commit_many(0, 1);
	faulty_arm(faults[_i].op, "-wal", faults[_i].code, faults[_i].after);
	ok(s->ops->begin(s, &err));
	add_many(100, 200);
	ck_assert_int_eq(s->ops->commit(s, &err), faults[_i].expected);
	ck_assert_int_gt(faulty_heal(), 0);
	ck_assert_int_eq(count_all(s), 1);
	expect_after_kill(1);
	commit_many(1, 3);
	ck_assert_int_eq(count_all(s), 4);
	expect_after_kill(4);
}
END_TEST

START_TEST(no_room_while_pages_are_spilled_spoils_the_batch)
{
	int rc = 0;

	commit_many(0, 10);
	faulty_arm(FAULTY_WRITE, "-wal", SQLITE_FULL, 2);
	run_sql(s, "PRAGMA cache_size = 10; PRAGMA cache_spill = 10");
	ok(s->ops->begin(s, &err));
	for (int i = 0; i < 500 && rc == 0; i++)
		rc = add_lead(s, 100 + i, 3000, CS_DUE);
	ck_assert_int_eq(rc, CS_EFULL);
	faulty_heal(); /* there is room again, but what was lost is lost */
	ck_assert_int_eq(s->ops->commit(s, &err), CS_EFULL);
	commit_many(10, 5);
	ck_assert_int_eq(count_all(s), 15);
	expect_after_kill(15);
}
END_TEST

START_TEST(a_failed_write_at_the_commit_ends_the_handle)
{
	commit_many(0, 1);
	ok(s->ops->begin(s, &err));
	add_many(1, 3);
	faulty_arm(FAULTY_SHORT, "-wal", SQLITE_IOERR_WRITE, 0);
	ck_assert_int_eq(s->ops->commit(s, &err), CS_EIO);
	faulty_heal();
	ck_assert_int_eq(s->ops->begin(s, &err), CS_EIO);
	expect_after_kill(1);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, start, end);
	tcase_add_test(tc, a_commit_is_one_write);
	tcase_add_test(tc, a_commit_larger_than_the_memory_is_whole);
	tcase_add_test(tc, pages_spilled_before_the_commit_are_read_back_and_committed);
	tcase_add_test(tc, what_was_spilled_and_rolled_back_is_overwritten);
	tcase_add_test(tc, a_reader_sees_commits_and_nothing_before_them);
	tcase_add_test(tc, a_checkpoint_of_another_handle_moves_commits_only);
	tcase_add_loop_test(tc, no_room_refuses_the_batch_and_the_next_one_fits, 0, CS_ARRAY_LEN(faults));
	tcase_add_test(tc, no_room_while_pages_are_spilled_spoils_the_batch);
	tcase_add_test(tc, a_failed_write_at_the_commit_ends_the_handle);
}

int
main(void)
{
	return run_case("vfs_wal", make_dir, drop_dir, fill);
}
