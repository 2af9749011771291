/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sqlite.c - opening: the lock, modes, reading beside nobody, time limits, room.
 */
#include "../store_fixture.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "util/clock.h"

/* A child opens the store, adds lead 1 and waits; returns when it has. */
static pid_t
daemon_elsewhere(int *hold)
{
	int ready[2], wait_for[2];
	char c;
	pid_t pid;

	ck_assert_int_eq(pipe(ready), 0);
	ck_assert_int_eq(pipe(wait_for), 0);
	if ((pid = fork()) == 0) {
		close(wait_for[1]);
		commit_lead(open_store(), 1);
		if (write(ready[1], "x", 1) != 1 || read(wait_for[0], &c, 1) < 0)
			_exit(1);
		_exit(0); /* without closing, like one that is killed */
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	close(ready[0]);
	close(wait_for[0]);
	*hold = wait_for[1];
	return pid;
}

static void
end(pid_t pid, int hold)
{
	close(hold);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

START_TEST(a_second_daemon_is_refused_and_told_the_pid_of_the_first)
{
	struct cs_store *s;
	char pid_text[32];
	int hold;
	pid_t pid = daemon_elsewhere(&hold);

	ck_assert_int_eq(open_path(&s), CS_EBUSY);
	snprintf(pid_text, sizeof(pid_text), "pid %ld", (long)pid);
	ck_assert_ptr_nonnull(strstr(err.msg, pid_text));
	ck_assert_ptr_nonnull(strstr(err.msg, path));
	ck_assert_str_ne(err.hint, "");
	end(pid, hold);
	s = open_store();
	ck_assert(has_lead(s, 1));
	cs_store_close(s);
}
END_TEST

START_TEST(a_second_handle_of_the_same_process_is_refused_too)
{
	struct cs_store *s = open_store(), *second;

	ck_assert_int_eq(open_path(&second), CS_EBUSY);
	commit_lead(s, 1); /* the first is none the worse for it */
	cs_store_close(s);
	cs_store_close(open_store());
}
END_TEST

START_TEST(the_files_are_for_their_owner_only)
{
	static const char *const suffix[] = { "", "-wal", "-shm", ".lock" };
	struct cs_store *s = open_store();
	struct stat sb;
	char name[128];

	commit_lead(s, 1);
	for (size_t i = 0; i < CS_ARRAY_LEN(suffix); i++) {
		snprintf(name, sizeof(name), "%s%s", path, suffix[i]);
		ck_assert_int_eq(stat(name, &sb), 0);
		ck_assert_uint_eq(sb.st_mode & 0777, 0600);
	}
	cs_store_close(s);
}
END_TEST

START_TEST(what_cannot_be_opened_is_named)
{
	struct cs_store *s;

	snprintf(path, sizeof(path), "%s/none/store.db", dir);
	ck_assert_int_eq(open_path(&s), CS_EIO);
	ck_assert_ptr_nonnull(strstr(err.msg, path));
	ck_assert_ptr_nonnull(strstr(err.msg, "No such file"));
}
END_TEST

START_TEST(the_writer_syncs_every_commit_and_runs_no_checkpoint_of_its_own)
{
	static const struct { const char *sql; int value; } modes[] = {
		{ "PRAGMA synchronous", 2 }, { "PRAGMA wal_autocheckpoint", 0 }, { "PRAGMA page_size", 4096 },
		{ "PRAGMA cache_size", -16384 }, { "PRAGMA foreign_keys", 0 }, { "PRAGMA temp_store", 2 },
	};
	struct cs_store *s = open_store();
	sqlite3_stmt *st;

	for (size_t i = 0; i < CS_ARRAY_LEN(modes); i++) {
		ck_assert_int_eq(sqlite3_prepare_v2(sq_of(s)->db, modes[i].sql, -1, &st, NULL), SQLITE_OK);
		ck_assert_int_eq(sqlite3_step(st), SQLITE_ROW);
		ck_assert_msg(sqlite3_column_int(st, 0) == modes[i].value, "%s is %d", modes[i].sql, sqlite3_column_int(st, 0));
		sqlite3_finalize(st);
	}
	cs_store_close(s);
}
END_TEST

/* ---- read_only */

static int
open_ro(struct cs_store **out)
{
	struct cs_store_conf conf = { .path = path, .read_only = true };

	return cs_store_open_sqlite(&conf, out, &err);
}

static void
expect_reading(int n)
{
	struct cs_store *ro, *second;

	ok(open_ro(&ro));
	ck_assert(has_lead(ro, n));
	ck_assert_int_eq(ro->ops->begin(ro, &err), CS_EPERM);
	ck_assert_int_eq(ro->ops->checkpoint(ro, 0, &err), CS_EPERM);
	ok(ro->ops->check(ro, fail_finding, NULL, &err));
	ok(ro->ops->reader(ro, &second, &err));
	ck_assert(has_lead(second, n));
	cs_store_close(second);
	cs_store_close(ro);
}

static void
without_connection(struct cs_store *s) /* so that check() has nothing to find */
{
	struct cs_conn_row c = { .account = "*", .crm = "acme" };

	ok(s->ops->begin(s, &err));
	ok(s->ops->conn_put(s, &c, &err));
	ok(s->ops->commit(s, &err));
}

START_TEST(a_command_reads_beside_a_daemon)
{
	struct cs_store *s = open_store();

	without_connection(s);
	commit_lead(s, 1);
	expect_reading(1);
	commit_lead(s, 2);
	expect_reading(2);
	cs_store_close(s);
}
END_TEST

START_TEST(a_command_reads_when_no_daemon_runs)
{
	struct cs_store *s = open_store();

	without_connection(s);
	commit_lead(s, 1);
	cs_store_close(s);
	expect_reading(1);
	s = open_store(); /* and does not hinder the next daemon */
	commit_lead(s, 2);
	cs_store_close(s);
}
END_TEST

START_TEST(a_command_reads_what_a_killed_daemon_left_in_its_log)
{
	struct cs_store *ro;
	int hold;
	pid_t pid = daemon_elsewhere(&hold);

	kill(pid, SIGKILL);
	end(pid, hold);
	ok(open_ro(&ro));
	ck_assert(has_lead(ro, 1));
	cs_store_close(ro);
}
END_TEST

/* Another user may read the file but create nothing beside it. In a process of its own, since root has to drop its rights. */
START_TEST(a_command_reads_where_it_may_not_write)
{
	struct cs_store *s = open_store(), *ro;
	int status;
	pid_t pid;

	commit_lead(s, 1);
	cs_store_close(s);
	ck_assert_int_eq(chmod(path, 0444), 0);
	ck_assert_int_eq(chmod(dir, 0555), 0);
	if ((pid = fork()) == 0) {
		if (getuid() == 0 && setuid(65534) < 0)
			_exit(2);
		if (open_ro(&ro) < 0)
			_exit(3);
		_exit(has_lead(ro, 1) && !has_lead(ro, 2) ? 0 : 4);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(chmod(dir, 0755), 0);
	ck_assert_int_eq(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0);
}
END_TEST

START_TEST(reading_creates_no_store)
{
	struct cs_store *ro;

	ck_assert_int_eq(open_ro(&ro), CS_ENOTFOUND);
	ck_assert_ptr_nonnull(strstr(err.msg, path));
	ck_assert_int_eq(access(path, F_OK), -1);
}
END_TEST

/* ---- limits */

static int
dawdle(void *ctx, const struct cs_delivery_row *row CS_UNUSED)
{
	++*(int *)ctx;
	usleep(5000);
	return 0;
}

START_TEST(no_read_is_held_open_for_longer_than_the_limit)
{
	struct cs_store_conf conf = { .path = path, .reader_ms = 3 };
	struct cs_filter f = { .conn_id = -1, .blame = -1, .urgency = -1, .account = "nobody" };
	struct cs_store *s, *reader;
	int64_t n, start;
	int shown = 0;

	ok(cs_store_open_sqlite(&conf, &s, &err));
	ok(s->ops->begin(s, &err));
	for (int i = 0; i < 30000; i++)
		ok(add_lead(s, i, 10, CS_DUE));
	ok(s->ops->commit(s, &err));
	ok(s->ops->reader(s, &reader, &err));
	start = cs_mono_us();
	ck_assert_int_eq(reader->ops->delivery_count(reader, &f, &n, &err), CS_ELIMIT); /* stopped inside of SQLite */
	ck_assert_int_eq(s->ops->delivery_count(s, &f, &n, &err), CS_ELIMIT);
	ck_assert_int_lt(cs_mono_us() - start, 500000);
	f.account = NULL;
	ck_assert_int_eq(reader->ops->delivery_list(reader, &f, &arena, dawdle, &shown, &err), CS_ELIMIT); /* outside of it */
	ck_assert_int_lt(shown, 5);
	ck_assert_str_ne(err.msg, "");
	ck_assert(has_lead(s, 29999)); /* the clock is off again */
	commit_lead(s, 30000);
	cs_store_close(reader);
	cs_store_close(s);
}
END_TEST

START_TEST(room_is_looked_at_once_a_second)
{
	struct cs_store_conf conf = { .path = path, .min_free = INT64_MAX };
	struct cs_store *s;

	ok(cs_store_open_sqlite(&conf, &s, &err));
	ck_assert_int_eq(s->ops->room(s, NOW, &err), CS_EFULL);
	sq_of(s)->min_free = 1;
	ck_assert_int_eq(s->ops->room(s, NOW + 999, &err), CS_EFULL);
	ck_assert_int_eq(s->ops->room(s, NOW + 1000, &err), 0);
	commit_lead(s, 1);
	cs_store_close(s);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_test(tc, a_second_daemon_is_refused_and_told_the_pid_of_the_first);
	tcase_add_test(tc, a_second_handle_of_the_same_process_is_refused_too);
	tcase_add_test(tc, the_files_are_for_their_owner_only);
	tcase_add_test(tc, what_cannot_be_opened_is_named);
	tcase_add_test(tc, the_writer_syncs_every_commit_and_runs_no_checkpoint_of_its_own);
	tcase_add_test(tc, a_command_reads_beside_a_daemon);
	tcase_add_test(tc, a_command_reads_when_no_daemon_runs);
	tcase_add_test(tc, a_command_reads_what_a_killed_daemon_left_in_its_log);
	tcase_add_test(tc, a_command_reads_where_it_may_not_write);
	tcase_add_test(tc, reading_creates_no_store);
	tcase_add_test(tc, no_read_is_held_open_for_longer_than_the_limit);
	tcase_add_test(tc, room_is_looked_at_once_a_second);
}

int
main(void)
{
	return run_case("sqlite", make_dir, drop_dir, fill);
}
