/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mail.c - mail that waits for its server, and emergencies that are late. Both tables are small: what is settled is gone.
 */
#include "config.h"
#include "store/sqlite/private.h"

static int
mail_put(struct cs_store *st, struct cs_mail_row *row, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	int rc = sq_exec(s, SQ_MAIL_PUT,
	                 "INSERT INTO mail (created_ms, due_ms, attempts, kind, recipient, subject, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	                 err, "lliittt", row->created_ms, row->due_ms, row->attempts, (int)row->kind, row->recipient, row->subject, row->body);

	if (rc == 0)
		row->id = sqlite3_last_insert_rowid(s->db);
	return rc;
}

static void
read_mail(sqlite3_stmt *st, struct cs_arena *a, void *out)
{
	struct cs_mail_row *m = out;

	m->id = sqlite3_column_int64(st, 0);
	m->created_ms = sqlite3_column_int64(st, 1);
	m->due_ms = sqlite3_column_int64(st, 2);
	m->attempts = sqlite3_column_int(st, 3);
	m->kind = (enum cs_mail_kind)sqlite3_column_int(st, 4);
	m->recipient = sq_text(st, 5, a);
	m->subject = sq_text(st, 6, a);
	m->body = sq_text(st, 7, a);
}

/* Emergencies before alerts. */
static int
mail_due(struct cs_store *st, int64_t now_ms, struct cs_arena *a, struct cs_mail_row *out, int max, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	sqlite3_stmt *stmt;
	int rc = sq_first(s, SQ_MAIL_DUE,
	                  "SELECT id, created_ms, due_ms, attempts, kind, recipient, subject, body FROM mail WHERE due_ms <= ?1"
	                  " ORDER BY kind DESC, due_ms LIMIT ?2",
	                  &stmt, err, "li", now_ms, max);

	return sq_fill(s, rc, stmt, read_mail, a, out, sizeof(*out), max, err);
}

static int
mail_retry(struct cs_store *st, int64_t id, int64_t due_ms, int32_t attempts, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	int rc = sq_exec(s, SQ_MAIL_RETRY, "UPDATE mail SET due_ms = ?2, attempts = ?3 WHERE id = ?1", err, "lli", id, due_ms, attempts);

	return rc < 0 ? rc : sq_touched(s, "mail", err);
}

static int
mail_delete(struct cs_store *st, int64_t id, struct cs_err *err)
{
	return sq_exec(sq_of(st), SQ_MAIL_DELETE, "DELETE FROM mail WHERE id = ?1", err, "l", id);
}

static int
mail_count(struct cs_store *st, int kind, int64_t *n, struct cs_err *err)
{
	sqlite3_stmt *stmt;
	int rc = sq_first(sq_of(st), SQ_MAIL_COUNT, "SELECT count(*) FROM mail WHERE ?1 < 0 OR kind = ?1", &stmt, err, "i", kind);

	if (rc < 0)
		return rc;
	*n = sqlite3_column_int64(stmt, 0);
	sq_reset(stmt);
	return 0;
}

static int
late_put(struct cs_store *st, int64_t delivery_id, int64_t since_ms, struct cs_err *err)
{
	return sq_exec(sq_of(st), SQ_LATE_PUT, "INSERT OR IGNORE INTO late (delivery_id, since_ms) VALUES (?1, ?2)", err, "ll", delivery_id,
	               since_ms);
}

static void
read_id(sqlite3_stmt *st, struct cs_arena *a, void *out)
{
	(void)a;
	*(int64_t *)out = sqlite3_column_int64(st, 0);
}

static int
late_list(struct cs_store *st, int64_t before_ms, int64_t *ids, int max, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	sqlite3_stmt *stmt;
	int rc = sq_first(s, SQ_LATE_LIST, "SELECT delivery_id FROM late WHERE since_ms <= ?1 ORDER BY since_ms LIMIT ?2", &stmt, err, "li",
	                  before_ms, max);

	return sq_fill(s, rc, stmt, read_id, NULL, ids, sizeof(*ids), max, err);
}

static int
late_delete(struct cs_store *st, int64_t delivery_id, struct cs_err *err)
{
	return sq_exec(sq_of(st), SQ_LATE_DELETE, "DELETE FROM late WHERE delivery_id = ?1", err, "l", delivery_id);
}

void
sq_ops_mail(struct cs_store_ops *ops)
{
	ops->mail_put = mail_put;
	ops->mail_due = mail_due;
	ops->mail_retry = mail_retry;
	ops->mail_delete = mail_delete;
	ops->mail_count = mail_count;
	ops->late_put = late_put;
	ops->late_list = late_list;
	ops->late_delete = late_delete;
}
