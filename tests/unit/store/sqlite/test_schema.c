/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_schema.c - older, newer and foreign files.
 */
#include "../store_fixture.h"

#include "store/sqlite/schema.h"

static sqlite3 *
raw_open(void)
{
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	return db;
}

static void
run(sqlite3 *db, const char *sql)
{
	ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, "%s", sqlite3_errmsg(db));
}

static int
version(void)
{
	sqlite3 *db = raw_open();
	sqlite3_stmt *st;
	int v;

	ck_assert_int_eq(sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &st, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_step(st), SQLITE_ROW);
	v = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
	return v;
}

START_TEST(a_store_of_every_older_format_is_brought_up_to_date)
{
	struct cs_store *s;
	sqlite3 *db = raw_open();

	ok(cs_schema_migrate(db, _i, &err));
	run(db, "INSERT INTO lead VALUES (7, 1, 0, 0, zeroblob(16), 'acct_xyz', 'lead.qualified', zeroblob(32), '', x'7b7d');"
	        "INSERT INTO identity VALUES (7, 1, 'acct_xyz', zeroblob(16), zeroblob(32))");
	sqlite3_close(db);
	s = open_store();
	ck_assert(has_lead(s, 0));
	commit_lead(s, 1);
	ok(s->ops->begin(s, &err));
	ok(s->ops->meta_put(s, "k", "v", &err));
	ok(s->ops->replay_put(s, &(struct cs_replay_row){ .filter = "{}" }, &err));
	ok(s->ops->commit(s, &err));
	cs_store_close(s);
	ck_assert_int_eq(version(), cs_schema_latest());
}
END_TEST

START_TEST(migrating_twice_does_nothing)
{
	sqlite3 *db = raw_open();

	ok(cs_schema_migrate(db, cs_schema_latest(), &err));
	ok(cs_schema_migrate(db, cs_schema_latest(), &err));
	ok(cs_schema_check(db, &err));
	sqlite3_close(db);
}
END_TEST

START_TEST(a_step_that_fails_leaves_the_format_before_it)
{
	struct cs_store *s;
	sqlite3 *db = raw_open();

	ok(cs_schema_migrate(db, 2, &err));
	run(db, "CREATE TABLE secret (in_the_way)");
	ck_assert_int_lt(cs_schema_migrate(db, cs_schema_latest(), &err), 0);
	ck_assert_ptr_nonnull(strstr(err.msg, "secret"));
	ck_assert_int_eq(version(), 2);
	run(db, "DROP TABLE secret");
	sqlite3_close(db);
	s = open_store();
	commit_lead(s, 1);
	cs_store_close(s);
}
END_TEST

START_TEST(a_store_of_a_newer_csrelay_is_refused)
{
	struct cs_store *s;
	sqlite3 *db;

	cs_store_close(open_store());
	db = raw_open();
	run(db, "PRAGMA user_version = 4711");
	sqlite3_close(db);
	ck_assert_int_eq(open_path(&s), CS_EUNSUPPORTED);
	ck_assert_ptr_nonnull(strstr(err.msg, "4711"));
	ck_assert_int_eq(version(), 4711);
}
END_TEST

START_TEST(a_database_of_another_program_is_refused_untouched)
{
	struct cs_store *s;
	sqlite3 *db = raw_open();

	run(db, "CREATE TABLE bookmarks (url)");
	sqlite3_close(db);
	ck_assert_int_eq(open_path(&s), CS_ECORRUPT);
	ck_assert_int_eq(version(), 0);
}
END_TEST

START_TEST(a_file_that_is_no_database_is_refused_untouched)
{
	struct cs_store *s;
	char text[64] = { 0 };
	FILE *f = fopen(path, "w");

	for (int i = 0; i < 100; i++)
		fputs("this is a letter to my aunt, not a database\n", f);
	fclose(f);
	ck_assert_int_eq(open_path(&s), CS_ECORRUPT);
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(fgets(text, sizeof(text), f));
	fclose(f);
	ck_assert_str_eq(text, "this is a letter to my aunt, not a database\n");
}
END_TEST

START_TEST(a_command_does_not_migrate)
{
	struct cs_store_conf conf = { .path = path, .read_only = true };
	struct cs_store *s;
	sqlite3 *db = raw_open();

	ok(cs_schema_migrate(db, 1, &err));
	sqlite3_close(db);
	ck_assert_int_eq(cs_store_open_sqlite(&conf, &s, &err), CS_EUNSUPPORTED);
	ck_assert_ptr_nonnull(strstr(err.hint, "csrelayd"));
	ck_assert_int_eq(version(), 1);
}
END_TEST

static void
fill(TCase *tc)
{
	tcase_add_loop_test(tc, a_store_of_every_older_format_is_brought_up_to_date, 1, cs_schema_latest() + 1);
	tcase_add_test(tc, migrating_twice_does_nothing);
	tcase_add_test(tc, a_step_that_fails_leaves_the_format_before_it);
	tcase_add_test(tc, a_store_of_a_newer_csrelay_is_refused);
	tcase_add_test(tc, a_database_of_another_program_is_refused_untouched);
	tcase_add_test(tc, a_file_that_is_no_database_is_refused_untouched);
	tcase_add_test(tc, a_command_does_not_migrate);
}

int
main(void)
{
	return run_case("schema", make_dir, drop_dir, fill);
}
