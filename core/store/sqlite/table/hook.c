/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hook.c - what comes in from the CRMs: inbound hooks and cursors of polls.
 *
 * A hook's row goes when it is handled; that it was seen (its dedupe key) stays until retention.
 *
 * hook_turn has one row for each connection with hooks: when its turn comes, never before its first row is due. Once served
 * it goes behind those that wait already. So a look reads as many index entries as it returns connections, whatever lies
 * behind them.
 */
#include "config.h"
#include "store/sqlite/private.h"

/* A row joins the line of its connection. */
static int
join(struct sq *s, int64_t conn_id, int64_t due_ms, struct cs_err *err)
{
	return sq_exec(s, SQ_TURN_JOIN,
		       "INSERT INTO hook_turn (conn_id, at_ms) VALUES (?1, ?2)"
		       " ON CONFLICT DO UPDATE SET at_ms = min(at_ms, excluded.at_ms)",
		       err, "ll", conn_id, due_ms);
}

/* The connection was served, or lost a row: to the end of the line, or out of it when nothing is left. */
static int
next_turn(struct sq *s, int64_t conn_id, int64_t now_ms, struct cs_err *err)
{
	int rc = sq_exec(s, SQ_TURN_NEXT,
			 "INSERT OR REPLACE INTO hook_turn (conn_id, at_ms)"
			 " SELECT conn_id, max(due_ms, ?2) FROM hook WHERE conn_id = ?1 ORDER BY due_ms LIMIT 1",
			 err, "ll", conn_id, now_ms);

	if (rc < 0 || sqlite3_changes(s->db) > 0)
		return rc;
	return sq_exec(s, SQ_TURN_LEAVE, "DELETE FROM hook_turn WHERE conn_id = ?1", err, "l", conn_id);
}

static int
hook_insert(struct cs_store *st, struct cs_hook_row *row, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	int rc;

	rc = sq_exec(
	    s, SQ_HOOK_SEEN,
	    "INSERT INTO hook_seen (dedupe, crm, conn_id, received_ms) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
	    err, "htll", row->dedupe, row->crm, row->conn_id, row->received_ms);
	if (rc < 0)
		return rc;
	if (sqlite3_changes(s->db) == 0)
		return cs_err_set(err, CS_EEXIST, "this happening was received before");
	if ((rc = join(s, row->conn_id, row->due_ms, err)) < 0)
		return rc;
	rc = sq_exec(
	    s, SQ_HOOK_INSERT,
	    "INSERT INTO hook (conn_id, received_ms, due_ms, attempts, is_verified, crm, dedupe, headers, body)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
	    err, "llliithtb", row->conn_id, row->received_ms, row->due_ms, (int)row->attempts,
	    (int)row->is_verified, row->crm, row->dedupe, row->headers, row->body);
	if (rc < 0) {
		sq_exec(s, SQ_HOOK_SEEN_UNDO,
			"DELETE FROM hook_seen WHERE dedupe = ?1 AND crm = ?2 AND conn_id = ?3", NULL, "htl",
			row->dedupe, row->crm, row->conn_id);
		next_turn(s, row->conn_id, row->due_ms, NULL);
		return rc;
	}
	row->id = sqlite3_last_insert_rowid(s->db);
	return 0;
}

static void
read_hook(sqlite3_stmt *st, struct cs_arena *a, void *row)
{
	struct cs_hook_row *h = row;

	h->id = sqlite3_column_int64(st, 0);
	h->conn_id = sqlite3_column_int64(st, 1);
	h->received_ms = sqlite3_column_int64(st, 2);
	h->due_ms = sqlite3_column_int64(st, 3);
	h->attempts = sqlite3_column_int(st, 4);
	h->is_verified = sqlite3_column_int(st, 5) != 0;
	h->crm = sq_text(st, 6, a);
	sq_blob(st, 7, h->dedupe, sizeof(h->dedupe));
	h->headers = sq_text(st, 8, a);
	h->body = sq_bytes(st, 9, a);
}

static void
read_turn(sqlite3_stmt *st, struct cs_arena *a CS_UNUSED, void *conn_id)
{
	*(int64_t *)conn_id = sqlite3_column_int64(st, 0);
}

static int
hook_turns(struct cs_store *st, int64_t now_ms, int64_t *conn_ids, int max, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	sqlite3_stmt *stmt;
	int rc = sq_first(s, SQ_HOOK_TURNS,
			  "SELECT conn_id FROM hook_turn WHERE at_ms <= ?1 ORDER BY at_ms, conn_id LIMIT ?2",
			  &stmt, err, "li", now_ms, max);

	return sq_fill(s, rc, stmt, read_turn, NULL, conn_ids, sizeof(*conn_ids), max, err);
}

static int
hook_due(struct cs_store *st, int64_t conn_id, int64_t now_ms, struct cs_arena *a, struct cs_hook_row *out,
	 int max, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	sqlite3_stmt *stmt;
	int rc = sq_first(
	    s, SQ_HOOK_DUE,
	    "SELECT id, conn_id, received_ms, due_ms, attempts, is_verified, crm, dedupe, headers, body FROM hook"
	    " WHERE conn_id = ?1 AND due_ms <= ?2 ORDER BY due_ms, id LIMIT ?3",
	    &stmt, err, "lli", conn_id, now_ms, max);

	return sq_fill(s, rc, stmt, read_hook, a, out, sizeof(*out), max, err);
}

static int
conn_of(struct sq *s, int64_t id, int64_t *conn_id, struct cs_err *err)
{
	sqlite3_stmt *stmt;
	int rc = sq_first(s, SQ_HOOK_CONN, "SELECT conn_id FROM hook WHERE id = ?1", &stmt, err, "l", id);

	return sq_one(rc, stmt, read_turn, NULL, conn_id, "hook", err);
}

static int
hook_retry(struct cs_store *st, int64_t id, int64_t due_ms, int32_t attempts, int64_t now_ms,
	   struct cs_err *err)
{
	struct sq *s = sq_of(st);
	int64_t conn_id = 0;
	int rc;

	if ((rc = conn_of(s, id, &conn_id, err)) < 0 ||
	    (rc = sq_exec(s, SQ_HOOK_RETRY, "UPDATE hook SET due_ms = ?2, attempts = ?3 WHERE id = ?1", err,
			  "lli", id, due_ms, (int)attempts)) < 0)
		return rc;
	return next_turn(s, conn_id, now_ms, err);
}

static int
hook_done(struct cs_store *st, int64_t id, int64_t now_ms, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	int64_t conn_id = 0;
	int rc;

	if ((rc = conn_of(s, id, &conn_id, err)) < 0 ||
	    (rc = sq_exec(s, SQ_HOOK_DONE, "DELETE FROM hook WHERE id = ?1", err, "l", id)) < 0)
		return rc;
	return next_turn(s, conn_id, now_ms, err);
}

static int
hook_put_off(struct cs_store *st, int64_t conn_id, int64_t until_ms, struct cs_err *err)
{
	return sq_exec(sq_of(st), SQ_TURN_LATER,
		       "UPDATE hook_turn SET at_ms = max(at_ms, ?2) WHERE conn_id = ?1", err, "ll", conn_id,
		       until_ms);
}

static int
cursor_put(struct cs_store *st, int64_t conn_id, struct cs_bytes cursor, int64_t next_poll_ms,
	   struct cs_err *err)
{
	return sq_exec(sq_of(st), SQ_CURSOR_PUT,
		       "INSERT OR REPLACE INTO cursor (conn_id, next_poll_ms, value) VALUES (?1, ?2, ?3)",
		       err, "llb", conn_id, next_poll_ms, cursor);
}

static int
cursor_get(struct cs_store *st, int64_t conn_id, struct cs_arena *a, struct cs_bytes *cursor,
	   int64_t *next_poll_ms, struct cs_err *err)
{
	sqlite3_stmt *stmt;
	int rc =
	    sq_first(sq_of(st), SQ_CURSOR_GET, "SELECT next_poll_ms, value FROM cursor WHERE conn_id = ?1",
		     &stmt, err, "l", conn_id);

	if (rc < 0)
		return rc;
	if (rc == 0)
		return cs_err_set(err, CS_ENOTFOUND, "the connection has no cursor");
	*next_poll_ms = sqlite3_column_int64(stmt, 0);
	*cursor = sq_bytes(stmt, 1, a);
	sq_reset(stmt);
	return 0;
}

void
sq_ops_hook(struct cs_store_ops *ops)
{
	ops->hook_insert = hook_insert;
	ops->hook_turns = hook_turns;
	ops->hook_due = hook_due;
	ops->hook_retry = hook_retry;
	ops->hook_done = hook_done;
	ops->hook_put_off = hook_put_off;
	ops->cursor_put = cursor_put;
	ops->cursor_get = cursor_get;
}
