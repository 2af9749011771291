/* SPDX-License-Identifier: Apache-2.0 */
/*
 * misc.c - keys, replays, alerts, meta: small tables without a story of their own.
 */
#include "config.h"
#include "store/sqlite/private.h"

/* ---- keys */

static int
key_put(struct cs_store *st, struct cs_key_row *row, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	int rc;

	if (row->id != 0) {
		rc = sq_exec(
		    s, SQ_KEY_UPDATE,
		    "UPDATE key SET hash = ?2, created_ms = ?3, last_used_ms = ?4, expires_ms = ?5, name = ?6, scopes = ?7,"
		    " accounts = ?8 WHERE id = ?1",
		    err, "lhlllttt", row->id, row->hash, row->created_ms, row->last_used_ms, row->expires_ms,
		    row->name, row->scopes, row->accounts);
		return rc < 0 ? rc : sq_touched(s, "key", err);
	}
	rc = sq_exec(s, SQ_KEY_INSERT,
		     "INSERT INTO key (hash, created_ms, last_used_ms, expires_ms, name, scopes, accounts)"
		     " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
		     err, "hlllttt", row->hash, row->created_ms, row->last_used_ms, row->expires_ms,
		     row->name, row->scopes, row->accounts);
	if (rc == 0)
		row->id = sqlite3_last_insert_rowid(s->db);
	return rc;
}

#define KEY_COLUMNS "id, hash, created_ms, last_used_ms, expires_ms, name, scopes, accounts"

static void
read_key(sqlite3_stmt *st, struct cs_arena *a, void *row)
{
	struct cs_key_row *k = row;

	k->id = sqlite3_column_int64(st, 0);
	sq_blob(st, 1, k->hash, sizeof(k->hash));
	k->created_ms = sqlite3_column_int64(st, 2);
	k->last_used_ms = sqlite3_column_int64(st, 3);
	k->expires_ms = sqlite3_column_int64(st, 4);
	k->name = sq_text(st, 5, a);
	k->scopes = sq_text(st, 6, a);
	k->accounts = sq_text(st, 7, a);
}

static int
key_find(struct cs_store *st, const uint8_t hash[32], struct cs_arena *a, struct cs_key_row *out,
	 struct cs_err *err)
{
	sqlite3_stmt *stmt;
	int rc = sq_first(sq_of(st), SQ_KEY_FIND, "SELECT " KEY_COLUMNS " FROM key WHERE hash = ?1", &stmt,
			  err, "h", hash);

	return sq_one(rc, stmt, read_key, a, out, "key", err);
}

static int
key_list(struct cs_store *st, struct cs_arena *a, struct cs_key_row *out, int max, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	sqlite3_stmt *stmt;
	int rc = sq_first(s, SQ_KEY_LIST, "SELECT " KEY_COLUMNS " FROM key ORDER BY id LIMIT ?1", &stmt, err,
			  "i", max);

	return sq_fill(s, rc, stmt, read_key, a, out, sizeof(*out), max, err);
}

static int
key_delete(struct cs_store *st, int64_t id, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	int rc = sq_exec(s, SQ_KEY_DELETE, "DELETE FROM key WHERE id = ?1", err, "l", id);

	return rc < 0 ? rc : sq_touched(s, "key", err);
}

static int
key_used(struct cs_store *st, int64_t id, int64_t now_ms, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	int rc =
	    sq_exec(s, SQ_KEY_USED, "UPDATE key SET last_used_ms = ?2 WHERE id = ?1", err, "ll", id, now_ms);

	return rc < 0 ? rc : sq_touched(s, "key", err);
}

/* ---- replays */

static int
replay_put(struct cs_store *st, struct cs_replay_row *row, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	int rc;

	if (row->id != 0) {
		rc = sq_exec(s, SQ_REPLAY_UPDATE,
			     "UPDATE replay SET created_ms = ?2, canceled = ?3, filter = ?4 WHERE id = ?1",
			     err, "llit", row->id, row->created_ms, (int)row->canceled, row->filter);
		return rc < 0 ? rc : sq_touched(s, "replay", err);
	}
	rc = sq_exec(s, SQ_REPLAY_INSERT,
		     "INSERT INTO replay (created_ms, canceled, filter) VALUES (?1, ?2, ?3)", err, "lit",
		     row->created_ms, (int)row->canceled, row->filter);
	if (rc == 0)
		row->id = sqlite3_last_insert_rowid(s->db);
	return rc;
}

static void
read_replay(sqlite3_stmt *st, struct cs_arena *a, void *row)
{
	struct cs_replay_row *r = row;

	r->id = sqlite3_column_int64(st, 0);
	r->created_ms = sqlite3_column_int64(st, 1);
	r->canceled = sqlite3_column_int(st, 2) != 0;
	r->filter = sq_text(st, 3, a);
	r->total = sqlite3_column_int64(st, 4);
	r->waiting = sqlite3_column_int64(st, 5);
	r->delivered = sqlite3_column_int64(st, 6);
	r->dead = sqlite3_column_int64(st, 7);
}

static int
replay_get(struct cs_store *st, int64_t id, struct cs_arena *a, struct cs_replay_row *out, struct cs_err *err)
{
	sqlite3_stmt *stmt;
	int rc = sq_first(
	    sq_of(st), SQ_REPLAY_GET,
	    "SELECT r.id, r.created_ms, r.canceled, r.filter, n.total, n.waiting, n.delivered, n.dead FROM replay r,"
	    " (SELECT count(*) AS total, count(*) FILTER (WHERE shelf IN (0, 1, 2)) AS waiting,"
	    " count(*) FILTER (WHERE shelf = 3) AS delivered, count(*) FILTER (WHERE shelf = 4) AS dead"
	    " FROM delivery INDEXED BY delivery_replay WHERE replay_id = ?1 AND replay_id > 0) n WHERE r.id = ?1",
	    &stmt, err, "l", id);

	return sq_one(rc, stmt, read_replay, a, out, "replay", err);
}

static int
replay_cancel(struct cs_store *st, int64_t id, int64_t *back_to_dead, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	int rc = sq_exec(s, SQ_REPLAY_MARK, "UPDATE replay SET canceled = 1 WHERE id = ?1", err, "l", id);

	if (rc < 0 || (rc = sq_touched(s, "replay", err)) < 0)
		return rc;
	rc = sq_exec(s, SQ_REPLAY_BACK,
		     "UPDATE delivery INDEXED BY delivery_replay SET state = 4, shelf = 4, gen = gen + 1"
		     " WHERE replay_id = ?1 AND replay_id > 0 AND shelf = 0",
		     err, "l", id);
	if (rc < 0)
		return rc;
	*back_to_dead = sqlite3_changes64(s->db);
	return 0;
}

/* ---- alerts */

static int
alert_put(struct cs_store *st, const struct cs_alert_row *row, struct cs_err *err)
{
	return sq_exec(
	    sq_of(st), SQ_ALERT_PUT,
	    "INSERT OR REPLACE INTO alert (key, raised_ms, recovered_ms, count, text) VALUES (?1, ?2, ?3, ?4, ?5)",
	    err, "tlllt", row->key, row->raised_ms, row->recovered_ms, row->count, row->text);
}

static void
read_alert(sqlite3_stmt *st, struct cs_arena *a, void *row)
{
	struct cs_alert_row *t = row;

	t->key = sq_text(st, 0, a);
	t->raised_ms = sqlite3_column_int64(st, 1);
	t->recovered_ms = sqlite3_column_int64(st, 2);
	t->count = sqlite3_column_int64(st, 3);
	t->text = sq_text(st, 4, a);
}

static int
alert_list(struct cs_store *st, bool only_on, struct cs_arena *a, struct cs_alert_row *out, int max,
	   struct cs_err *err)
{
	struct sq *s = sq_of(st);
	sqlite3_stmt *stmt;
	int rc = sq_first(
	    s, SQ_ALERT_LIST,
	    "SELECT key, raised_ms, recovered_ms, count, text FROM alert WHERE NOT ?1 OR recovered_ms = 0"
	    " ORDER BY raised_ms DESC LIMIT ?2",
	    &stmt, err, "ii", (int)only_on, max);

	return sq_fill(s, rc, stmt, read_alert, a, out, sizeof(*out), max, err);
}

/* ---- meta */

static int
meta_get(struct cs_store *st, const char *key, struct cs_arena *a, const char **value, struct cs_err *err)
{
	sqlite3_stmt *stmt;
	int rc =
	    sq_first(sq_of(st), SQ_META_GET, "SELECT value FROM meta WHERE key = ?1", &stmt, err, "t", key);

	if (rc < 0)
		return rc;
	if (rc == 0)
		return cs_err_set(err, CS_ENOTFOUND, "nothing is kept under %s", key);
	*value = sq_text(stmt, 0, a);
	sq_reset(stmt);
	return 0;
}

static int
meta_put(struct cs_store *st, const char *key, const char *value, struct cs_err *err)
{
	return sq_exec(sq_of(st), SQ_META_PUT, "INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)",
		       err, "tt", key, value);
}

void
sq_ops_misc(struct cs_store_ops *ops)
{
	ops->key_put = key_put;
	ops->key_find = key_find;
	ops->key_list = key_list;
	ops->key_delete = key_delete;
	ops->key_used = key_used;
	ops->replay_put = replay_put;
	ops->replay_get = replay_get;
	ops->replay_cancel = replay_cancel;
	ops->alert_put = alert_put;
	ops->alert_list = alert_list;
	ops->meta_get = meta_get;
	ops->meta_put = meta_put;
}
