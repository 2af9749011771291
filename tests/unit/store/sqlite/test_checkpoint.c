/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_checkpoint.c - the log is moved into the database, and does not grow without end.
 */
#include "../store_fixture.h"

#include <sys/stat.h>

#define FEW 250 /* pages, as the daemon has it */

static struct cs_store *s, *maintenance;

static void
open_both(void)
{
	s = open_store();
	ok(s->ops->reader(s, &maintenance, &err));
}

static void
close_both(void)
{
	cs_store_close(maintenance);
	cs_store_close(s);
}

static off_t
log_size(void)
{
	char wal[128];
	struct stat sb;

	snprintf(wal, sizeof(wal), "%s-wal", path);
	ck_assert_int_eq(stat(wal, &sb), 0);
	return sb.st_size;
}

/* About 2 pages a lead. */
static void
commit_many(int first, int n)
{
	ok(s->ops->begin(s, &err));
	for (int i = 0; i < n; i++)
		ok(add_lead(s, first + i, 4000, CS_DUE));
	ok(s->ops->commit(s, &err));
}

START_TEST(a_short_log_is_left_alone)
{
	open_both();
	commit_lead(s, 1);
	ck_assert_int_gt(maintenance->ops->checkpoint(maintenance, FEW, &err), 0);
	ck_assert_int_gt(maintenance->ops->checkpoint(maintenance, FEW, &err), 0);
	ck_assert_int_eq(maintenance->ops->checkpoint(maintenance, 1, &err), 0); /* unless somebody wants it short */
	close_both();
}
END_TEST

START_TEST(a_long_log_is_moved_and_begun_anew)
{
	off_t size;

	open_both();
	commit_many(0, 1500);
	ck_assert_int_eq(maintenance->ops->checkpoint(maintenance, FEW, &err), 0);
	size = log_size();
	commit_many(2000, 100);
	ck_assert_int_eq(log_size(), size);
	ck_assert_int_lt(maintenance->ops->checkpoint(maintenance, FEW, &err), 1000);
	close_both();
}
END_TEST

START_TEST(the_writer_ends_what_a_reader_was_in_the_way_of)
{
	struct cs_store *slow;
	sqlite3_stmt *st;

	open_both();
	commit_many(0, 10);
	ok(s->ops->reader(s, &slow, &err));
	ck_assert_int_eq(sqlite3_prepare_v2(sq_of(slow)->db, "SELECT id FROM lead", -1, &st, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_step(st), SQLITE_ROW); /* holds what it saw */
	commit_many(100, 1500);
	ck_assert_int_gt(maintenance->ops->checkpoint(maintenance, FEW, &err), 1000);
	ck_assert_int_gt(s->ops->checkpoint(s, 0, &err), 1000);
	sqlite3_finalize(st);
	ck_assert_int_eq(s->ops->checkpoint(s, 0, &err), 0);
	cs_store_close(slow);
	close_both();
}
END_TEST

START_TEST(no_checkpoint_inside_a_transaction)
{
	open_both();
	ok(s->ops->begin(s, &err));
	ck_assert_int_eq(s->ops->checkpoint(s, 0, &err), CS_ESTATE);
	s->ops->rollback(s);
	close_both();
}
END_TEST

START_TEST(opening_empties_the_log_that_was_left)
{
	char copy[512];

	open_both();
	commit_many(0, 100);
	snprintf(copy, sizeof(copy), "mkdir '%s/c' && cp '%s' '%s-wal' '%s/c/'", dir, path, path, dir);
	ck_assert_int_eq(system(copy), 0);
	close_both();
	snprintf(path, sizeof(path), "%s/c/store.db", dir);
	ck_assert_int_gt(log_size(), 100000);
	s = open_store();
	ck_assert_int_eq(log_size(), 0);
	ck_assert_int_eq(count_all(s), 100);
	cs_store_close(s);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, a_short_log_is_left_alone);
	tcase_add_test(tc, a_long_log_is_moved_and_begun_anew);
	tcase_add_test(tc, the_writer_ends_what_a_reader_was_in_the_way_of);
	tcase_add_test(tc, no_checkpoint_inside_a_transaction);
	tcase_add_test(tc, opening_empties_the_log_that_was_left);
}

int
main(void)
{
	return run_case("checkpoint", make_dir, drop_dir, fill);
}
