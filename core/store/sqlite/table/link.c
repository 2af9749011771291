/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link.c - links for connecting, and the browsers' sessions that each opening of one makes.
 *
 * A link that is done stays until the last of its sessions is over, so that a session that lost can be told why; what was ended by a
 * person has no time left, and goes with the next sweep.
 */
#include "config.h"
#include "store/sqlite/private.h"

/* ---- links */

#define LINK_COLUMNS "id, hash, state, any_crm, conn_id, created_ms, expires_ms, last_ms, life_ms, openings, account, crm, who"

static int
link_put(struct cs_store *st, struct cs_link_row *r, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	int rc;

	if (r->id == 0) {
		rc = sq_exec(s, SQ_LINK_INSERT,
		             "INSERT INTO link (hash, state, any_crm, conn_id, created_ms, expires_ms, last_ms, life_ms, openings, account, crm, who)"
		             " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
		             err, "hiilllllittt", r->hash, (int)r->state, (int)r->any_crm, r->conn_id, r->created_ms, r->expires_ms,
		             r->last_ms, r->life_ms, r->openings, r->account, r->crm, r->who);
		if (rc >= 0)
			r->id = sqlite3_last_insert_rowid(s->db);
		return rc < 0 ? rc : 0;
	}
	rc = sq_exec(s, SQ_LINK_UPDATE, "UPDATE link SET state = ?2, conn_id = ?3, last_ms = ?4, openings = ?5, crm = ?6 WHERE id = ?1", err,
	             "lillit", r->id, (int)r->state, r->conn_id, r->last_ms, r->openings, r->crm);
	return rc < 0 ? rc : sq_touched(s, "link", err);
}

static void
read_link(sqlite3_stmt *st, struct cs_arena *a, void *row)
{
	struct cs_link_row *r = row;

	r->id = sqlite3_column_int64(st, 0);
	sq_blob(st, 1, r->hash, sizeof(r->hash));
	r->state = (enum cs_link_state)sqlite3_column_int(st, 2);
	r->any_crm = sqlite3_column_int(st, 3) != 0;
	r->conn_id = sqlite3_column_int64(st, 4);
	r->created_ms = sqlite3_column_int64(st, 5);
	r->expires_ms = sqlite3_column_int64(st, 6);
	r->last_ms = sqlite3_column_int64(st, 7);
	r->life_ms = sqlite3_column_int64(st, 8);
	r->openings = sqlite3_column_int(st, 9);
	r->account = sq_text(st, 10, a);
	r->crm = sq_text(st, 11, a);
	r->who = sq_text(st, 12, a);
}

static int
link_find(struct cs_store *st, const uint8_t hash[32], struct cs_arena *a, struct cs_link_row *out, struct cs_err *err)
{
	sqlite3_stmt *stmt;
	int rc = sq_first(sq_of(st), SQ_LINK_FIND, "SELECT " LINK_COLUMNS " FROM link WHERE hash = ?1", &stmt, err, "h", hash);

	return sq_one(rc, stmt, read_link, a, out, "link", err);
}

static int
link_get(struct cs_store *st, int64_t id, struct cs_arena *a, struct cs_link_row *out, struct cs_err *err)
{
	sqlite3_stmt *stmt;
	int rc = sq_first(sq_of(st), SQ_LINK_GET, "SELECT " LINK_COLUMNS " FROM link WHERE id = ?1", &stmt, err, "l", id);

	return sq_one(rc, stmt, read_link, a, out, "link", err);
}

static int
link_list(struct cs_store *st, int64_t before, struct cs_arena *a, struct cs_link_row *out, int max, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	sqlite3_stmt *stmt;
	int rc = sq_first(s, SQ_LINK_LIST, "SELECT " LINK_COLUMNS " FROM link WHERE ?1 = 0 OR id < ?1 ORDER BY id DESC LIMIT ?2", &stmt, err,
	                  "li", before, max);

	return sq_fill(s, rc, stmt, read_link, a, out, sizeof(*out), max, err);
}

static int
link_end(struct cs_store *st, int64_t id, int64_t but, int64_t now_ms, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	int rc = sq_exec(s, SQ_LINK_END_FLOWS,
	                 "DELETE FROM flow WHERE session_id > 0 AND session_id <> ?2 AND session_id IN (SELECT id FROM link_session WHERE link_id = ?1)",
	                 err, "ll", id, but);

	if (rc < 0 || but != 0)
		return rc < 0 ? rc : 0;
	if ((rc = sq_exec(s, SQ_LINK_END_SESSIONS, "UPDATE link_session SET expires_ms = min(expires_ms, ?2) WHERE link_id = ?1", err, "ll", id,
	                  now_ms)) < 0)
		return rc;
	rc = sq_exec(s, SQ_LINK_END, "UPDATE link SET expires_ms = min(expires_ms, ?2), last_ms = min(last_ms, ?2) WHERE id = ?1", err, "ll", id, now_ms);
	return rc < 0 ? rc : sq_touched(s, "link", err);
}

static int
link_sweep(struct cs_store *st, int64_t now_ms, int max, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	int rc = sq_exec(s, SQ_LINK_SWEEP,
	                 "DELETE FROM link WHERE id IN (SELECT id FROM link INDEXED BY link_last WHERE last_ms <= ?1"
	                 " AND NOT EXISTS (SELECT 1 FROM link_session WHERE link_id = link.id) LIMIT ?2)", err, "li", now_ms, max);

	return rc < 0 ? rc : sqlite3_changes(s->db);
}

/* ---- their sessions */

#define SESSION_COLUMNS "id, hash, link_id, has_won, conn_id, expires_ms, crm"

static int
link_session_put(struct cs_store *st, struct cs_link_session_row *r, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	int rc;

	if (r->id == 0) {
		rc = sq_exec(s, SQ_LINK_SESSION_INSERT,
		             "INSERT INTO link_session (hash, link_id, has_won, conn_id, expires_ms, crm) VALUES (?1, ?2, ?3, ?4, ?5, ?6)", err,
		             "hlillt", r->hash, r->link_id, (int)r->has_won, r->conn_id, r->expires_ms, r->crm);
		if (rc >= 0)
			r->id = sqlite3_last_insert_rowid(s->db);
		return rc < 0 ? rc : 0;
	}
	rc = sq_exec(s, SQ_LINK_SESSION_UPDATE, "UPDATE link_session SET has_won = ?2, conn_id = ?3, crm = ?4 WHERE id = ?1", err, "lilt", r->id,
	             (int)r->has_won, r->conn_id, r->crm);
	return rc < 0 ? rc : sq_touched(s, "session", err);
}

static void
read_session(sqlite3_stmt *st, struct cs_arena *a, void *row)
{
	struct cs_link_session_row *r = row;

	r->id = sqlite3_column_int64(st, 0);
	sq_blob(st, 1, r->hash, sizeof(r->hash));
	r->link_id = sqlite3_column_int64(st, 2);
	r->has_won = sqlite3_column_int(st, 3) != 0;
	r->conn_id = sqlite3_column_int64(st, 4);
	r->expires_ms = sqlite3_column_int64(st, 5);
	r->crm = sq_text(st, 6, a);
}

static int
link_session_find(struct cs_store *st, const uint8_t hash[32], struct cs_arena *a, struct cs_link_session_row *out, struct cs_err *err)
{
	sqlite3_stmt *stmt;
	int rc = sq_first(sq_of(st), SQ_LINK_SESSION_FIND, "SELECT " SESSION_COLUMNS " FROM link_session WHERE hash = ?1", &stmt, err, "h", hash);

	return sq_one(rc, stmt, read_session, a, out, "session", err);
}

static int
link_session_get(struct cs_store *st, int64_t id, struct cs_arena *a, struct cs_link_session_row *out, struct cs_err *err)
{
	sqlite3_stmt *stmt;
	int rc = sq_first(sq_of(st), SQ_LINK_SESSION_GET, "SELECT " SESSION_COLUMNS " FROM link_session WHERE id = ?1", &stmt, err, "l", id);

	return sq_one(rc, stmt, read_session, a, out, "session", err);
}

static int
link_sessions_over(struct cs_store *st, int64_t now_ms, struct cs_arena *a, struct cs_link_session_row *out, int max, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	sqlite3_stmt *stmt;
	int rc = sq_first(s, SQ_LINK_SESSIONS_OVER,
	                  "SELECT " SESSION_COLUMNS " FROM link_session INDEXED BY link_session_expires WHERE expires_ms <= ?1"
	                  " ORDER BY expires_ms LIMIT ?2",
	                  &stmt, err, "li", now_ms, max);

	return sq_fill(s, rc, stmt, read_session, a, out, sizeof(*out), max, err);
}

static int
link_session_delete(struct cs_store *st, int64_t id, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	int rc = sq_exec(s, SQ_LINK_SESSION_DELETE, "DELETE FROM link_session WHERE id = ?1", err, "l", id);

	return rc < 0 ? rc : sq_touched(s, "session", err);
}

void
sq_ops_link(struct cs_store_ops *ops)
{
	ops->link_put = link_put;
	ops->link_find = link_find;
	ops->link_get = link_get;
	ops->link_list = link_list;
	ops->link_end = link_end;
	ops->link_sweep = link_sweep;
	ops->link_session_put = link_session_put;
	ops->link_session_find = link_session_find;
	ops->link_session_get = link_session_get;
	ops->link_sessions_over = link_sessions_over;
	ops->link_session_delete = link_session_delete;
}
