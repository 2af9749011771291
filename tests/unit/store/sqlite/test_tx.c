/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_tx.c - transactions that meet a full or a failing disk.
 */
#include "../store_fixture.h"

#include <signal.h>
#include <sys/resource.h>
#include "../faulty_vfs.h"

static void
limit_pages(struct cs_store *s, int more)
{
	char sql[128];
	sqlite3_stmt *st;
	int pages;

	ck_assert_int_eq(sqlite3_prepare_v2(sq_of(s)->db, "PRAGMA page_count", -1, &st, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_step(st), SQLITE_ROW);
	pages = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	snprintf(sql, sizeof(sql), "PRAGMA max_page_count = %d", pages + more);
	ck_assert_int_eq(sqlite3_exec(sq_of(s)->db, sql, NULL, NULL, NULL), SQLITE_OK);
}

/* Leads from `first` on until one fails; returns its error. */
static int
add_until_failure(struct cs_store *s, int first)
{
	int rc = 0;

	for (int i = 0; i < 100 && rc == 0; i++)
		rc = add_lead(s, first + i, 3000, CS_DUE);
	return rc;
}

static void
expect_sound(struct cs_store *s, int64_t rows)
{
	ck_assert_int_eq(count_all(s), rows);
	ok(s->ops->begin(s, &err));
	ok(s->ops->conn_put(s, &(struct cs_conn_row){ .account = "*", .crm = "acme" }, &err));
	ok(s->ops->commit(s, &err));
	ok(s->ops->check(s, fail_finding, NULL, &err));
}

START_TEST(a_full_disk_refuses_the_whole_batch_and_nothing_else)
{
	struct cs_store *s = open_store();

	commit_lead(s, 1);
	limit_pages(s, 10);
	ok(s->ops->begin(s, &err));
	ck_assert_int_eq(add_until_failure(s, 100), CS_EFULL);
	ck_assert_int_eq(s->ops->meta_put(s, "a", "b", &err), CS_EFULL); /* no half batch: nothing more goes into it */
	ck_assert_int_eq(s->ops->commit(s, &err), CS_EFULL);
	s->ops->rollback(s);
	ck_assert_int_eq(count_all(s), 1);
	ck_assert(!has_lead(s, 100));
	commit_lead(s, 2); /* what fits goes on */
	limit_pages(s, 1000);
	ok(s->ops->begin(s, &err));
	ok(add_until_failure(s, 100));
	ok(s->ops->commit(s, &err));
	expect_sound(s, 102);
	cs_store_close(s);
}
END_TEST

START_TEST(a_disk_that_is_full_at_the_commit_refuses_the_batch)
{
	struct cs_store *s;

	faulty_register();
	s = open_store();
	commit_lead(s, 1);
	ok(s->ops->begin(s, &err));
	ok(add_lead(s, 2, 3000, CS_DUE));
	faulty_arm(FAULTY_WRITE, "-wal", SQLITE_FULL, 0);
	ck_assert_int_eq(s->ops->commit(s, &err), CS_EFULL);
	ck_assert_int_gt(faulty_heal(), 0);
	ck_assert(!has_lead(s, 2));
	commit_lead(s, 3);
	expect_sound(s, 2);
	cs_store_close(s);
}
END_TEST

START_TEST(a_file_size_limit_is_a_full_disk_too)
{
	struct rlimit limit = { 262144, RLIM_INFINITY };
	struct cs_store *s = open_store();

	signal(SIGXFSZ, SIG_IGN);
	commit_lead(s, 1);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ok(s->ops->begin(s, &err));
	ok(add_until_failure(s, 100));
	ck_assert_int_eq(s->ops->commit(s, &err), CS_EFULL);
	commit_lead(s, 2);
	limit.rlim_cur = RLIM_INFINITY;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ok(s->ops->begin(s, &err));
	ok(add_until_failure(s, 100));
	ok(s->ops->commit(s, &err));
	expect_sound(s, 102);
	cs_store_close(s);
}
END_TEST

START_TEST(a_failed_sync_in_commit_ends_the_handle)
{
	struct cs_store *s;

	faulty_register();
	s = open_store();
	commit_lead(s, 1);
	ok(s->ops->begin(s, &err));
	ok(add_lead(s, 2, 3000, CS_DUE));
	faulty_arm(FAULTY_SYNC, "-wal", SQLITE_IOERR_FSYNC, 0);
	ck_assert_int_eq(s->ops->commit(s, &err), CS_EIO);
	ck_assert_int_gt(faulty_heal(), 0);
	ck_assert_int_eq(s->ops->begin(s, &err), CS_EIO); /* though the disk is well again */
	ck_assert_str_ne(err.msg, "");
	cs_store_close(s);
	s = open_store(); /* the batch is there or not, whole either way, and nobody was told */
	ck_assert_int_eq(count_all(s), has_lead(s, 2) ? 2 : 1);
	commit_lead(s, 3);
	cs_store_close(s);
}
END_TEST

START_TEST(an_error_in_the_middle_spoils_the_batch)
{
	struct cs_store *s;
	int rc = 0;

	faulty_register();
	s = open_store();
	ok(s->ops->begin(s, &err));
	for (int i = 0; i < 20; i++)
		ok(add_lead(s, i, 30000, CS_DUE));
	ok(s->ops->commit(s, &err));
	ok(s->ops->checkpoint(s, 0, &err));
	ok(sqlite3_exec(sq_of(s)->db, "PRAGMA shrink_memory", NULL, NULL, NULL));
	ok(s->ops->begin(s, &err));
	faulty_arm(FAULTY_READ, ".db", SQLITE_IOERR_READ, 0);
	rc = add_until_failure(s, 100);
	faulty_heal();
	ck_assert_int_eq(rc, CS_EIO);
	ck_assert_int_eq(s->ops->commit(s, &err), CS_EIO);
	cs_store_close(s);
	s = open_store();
	expect_sound(s, 20);
	cs_store_close(s);
}
END_TEST

/* Opens the store and commits two batches of three; returns how many batches were acknowledged. */
static int
two_batches(void)
{
	struct cs_store *s;
	int done = 0;

	if (open_path(&s) < 0)
		return 0;
	for (int i = 0; i < 2 && done == i; i++) {
		if (s->ops->begin(s, &err) < 0)
			break;
		for (int k = 0; k < 3; k++)
			if (add_lead(s, 10 * i + k, 2000, CS_DUE) < 0)
				break;
		if (s->ops->commit(s, &err) == 0)
			done++;
		s->ops->checkpoint(s, 0, &err);
	}
	cs_store_close(s);
	return done;
}

static void
start_anew(void)
{
	char rm[128];

	snprintf(rm, sizeof(rm), "rm -f '%s'*", path);
	ck_assert_int_eq(system(rm), 0);
}

/* The 1st, 2nd, 3rd ... operation fails, and all after it, until a run passes untouched. */
static void
fail_each(int code)
{
	struct cs_store *s;
	int acknowledged, struck = 1, nth;
	int64_t rows;

	for (nth = 0; struck > 0; nth++) {
		start_anew();
		faulty_arm(FAULTY_ANY, "", code, nth);
		acknowledged = two_batches();
		struck = faulty_heal();
		s = open_store();
		rows = count_all(s);
		ck_assert_msg(rows % 3 == 0 && rows >= 3 * acknowledged, "after failure %d: %d batches acknowledged, %d rows", nth,
		              acknowledged, (int)rows);
		cs_store_close(s);
	}
	ck_assert_int_eq(acknowledged, 2);
	ck_assert_int_gt(nth, 20);
}

START_TEST(whatever_operation_fails_batches_stay_whole)
{
	static const int codes[] = { SQLITE_IOERR_WRITE, SQLITE_FULL, SQLITE_IOERR_FSYNC };

	faulty_register();
	fail_each(codes[_i]);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_full_disk_refuses_the_whole_batch_and_nothing_else);
	tcase_add_test(tc, a_disk_that_is_full_at_the_commit_refuses_the_batch);
	tcase_add_test(tc, a_file_size_limit_is_a_full_disk_too);
	tcase_add_test(tc, a_failed_sync_in_commit_ends_the_handle);
	tcase_add_test(tc, an_error_in_the_middle_spoils_the_batch);
	tcase_add_loop_test(tc, whatever_operation_fails_batches_stay_whole, 0, 3);
}

int
main(void)
{
	return run_case("sqlite_tx", make_dir, drop_dir, fill);
}
