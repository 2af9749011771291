/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link.c - links for connecting, and the browser sessions that they become. One row is first the one, then the other; what is over
 * is no row.
 */
#include "config.h"
#include "store/sqlite/private.h"

#define COLUMNS "id, hash, is_session, any_crm, conn_id, created_ms, expires_ms, life_ms, account, crm, who"

static int
link_put(struct cs_store *st, struct cs_link_row *r, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	int rc;

	if (r->id == 0) {
		rc = sq_exec(s, SQ_LINK_INSERT,
		             "INSERT INTO link (hash, is_session, any_crm, conn_id, created_ms, expires_ms, life_ms, account, crm, who)"
		             " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
		             err, "hiillllttt", r->hash, (int)r->is_session, (int)r->any_crm, r->conn_id, r->created_ms, r->expires_ms,
		             r->life_ms, r->account, r->crm, r->who);
		if (rc >= 0)
			r->id = sqlite3_last_insert_rowid(s->db);
		return rc < 0 ? rc : 0;
	}
	rc = sq_exec(s, SQ_LINK_UPDATE, "UPDATE link SET hash = ?2, is_session = ?3, conn_id = ?4, expires_ms = ?5, crm = ?6 WHERE id = ?1", err,
	             "lhillt", r->id, r->hash, (int)r->is_session, r->conn_id, r->expires_ms, r->crm);
	return rc < 0 ? rc : sq_touched(s, "link", err);
}

static void
read_link(sqlite3_stmt *st, struct cs_arena *a, void *row)
{
	struct cs_link_row *r = row;

	r->id = sqlite3_column_int64(st, 0);
	sq_blob(st, 1, r->hash, sizeof(r->hash));
	r->is_session = sqlite3_column_int(st, 2) != 0;
	r->any_crm = sqlite3_column_int(st, 3) != 0;
	r->conn_id = sqlite3_column_int64(st, 4);
	r->created_ms = sqlite3_column_int64(st, 5);
	r->expires_ms = sqlite3_column_int64(st, 6);
	r->life_ms = sqlite3_column_int64(st, 7);
	r->account = sq_text(st, 8, a);
	r->crm = sq_text(st, 9, a);
	r->who = sq_text(st, 10, a);
}

static int
link_find(struct cs_store *st, const uint8_t hash[32], struct cs_arena *a, struct cs_link_row *out, struct cs_err *err)
{
	sqlite3_stmt *stmt;
	int rc = sq_first(sq_of(st), SQ_LINK_FIND, "SELECT " COLUMNS " FROM link WHERE hash = ?1", &stmt, err, "h", hash);

	return sq_one(rc, stmt, read_link, a, out, "link", err);
}

static int
link_get(struct cs_store *st, int64_t id, struct cs_arena *a, struct cs_link_row *out, struct cs_err *err)
{
	sqlite3_stmt *stmt;
	int rc = sq_first(sq_of(st), SQ_LINK_GET, "SELECT " COLUMNS " FROM link WHERE id = ?1", &stmt, err, "l", id);

	return sq_one(rc, stmt, read_link, a, out, "link", err);
}

static int
link_list(struct cs_store *st, int64_t before, struct cs_arena *a, struct cs_link_row *out, int max, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	sqlite3_stmt *stmt;
	int rc = sq_first(s, SQ_LINK_LIST, "SELECT " COLUMNS " FROM link WHERE ?1 = 0 OR id < ?1 ORDER BY id DESC LIMIT ?2", &stmt, err, "li",
	                  before, max);

	return sq_fill(s, rc, stmt, read_link, a, out, sizeof(*out), max, err);
}

static int
link_delete(struct cs_store *st, int64_t id, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	int rc = sq_exec(s, SQ_LINK_DELETE, "DELETE FROM link WHERE id = ?1", err, "l", id);

	return rc < 0 ? rc : sq_touched(s, "link", err);
}

static int
link_sweep(struct cs_store *st, int64_t now_ms, struct cs_err *err)
{
	return sq_exec(sq_of(st), SQ_LINK_SWEEP, "DELETE FROM link WHERE expires_ms <= ?1", err, "l", now_ms);
}

void
sq_ops_link(struct cs_store_ops *ops)
{
	ops->link_put = link_put;
	ops->link_find = link_find;
	ops->link_get = link_get;
	ops->link_list = link_list;
	ops->link_delete = link_delete;
	ops->link_sweep = link_sweep;
}
