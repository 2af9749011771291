/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conn_life.c - what happens to a connection while it lives, and what it leaves when it is deleted.
 *
 * conn_version is the history of settings and overrides: one row for each time they changed (a changed secret raises the
 * version, too, and has no row). conn_trouble says why a connection is failing, a row a cause, so that one cause that is over
 * does not hide another.
 */
#include "config.h"
#include "store/sqlite/private.h"

int
sq_conn_write_version(struct sq *s, int64_t id, const char *who, int64_t at_ms, struct cs_err *err)
{
	int rc = sq_exec(s, SQ_CONN_WRITE_VERSION,
			 "INSERT OR REPLACE INTO conn_version (conn_id, version, at_ms, who, settings, overrides)"
			 " SELECT id, version, ?2, ?3, settings, overrides FROM conn WHERE id = ?1",
			 err, "llt", id, at_ms, who);

	if (rc < 0)
		return rc;
	return sq_exec(s, SQ_CONN_OLD_VERSIONS,
		       "DELETE FROM conn_version WHERE conn_id = ?1 AND version <= (SELECT version FROM conn_version"
		       " WHERE conn_id = ?1 ORDER BY version DESC LIMIT 1 OFFSET ?2)",
		       err, "li", id, CS_CONN_VERSIONS);
}

static void
read_version(sqlite3_stmt *st, struct cs_arena *a, void *row)
{
	struct cs_conn_version *v = row;

	v->version = sqlite3_column_int64(st, 0);
	v->at_ms = sqlite3_column_int64(st, 1);
	v->who = sq_text(st, 2, a);
	v->settings = sq_text(st, 3, a);
	v->overrides = sq_text(st, 4, a);
}

static int
conn_versions(struct cs_store *st, int64_t id, int64_t before, struct cs_arena *a, struct cs_conn_version *out, int max,
	      struct cs_err *err)
{
	struct sq *s = sq_of(st);
	sqlite3_stmt *stmt;
	int rc = sq_first(s, SQ_CONN_VERSIONS,
			  "SELECT version, at_ms, who, settings, overrides FROM conn_version"
			  " WHERE conn_id = ?1 AND (?2 = 0 OR version < ?2) ORDER BY version DESC LIMIT ?3",
			  &stmt, err, "lli", id, before, max);

	return sq_fill(s, rc, stmt, read_version, a, out, sizeof(*out), max, err);
}

/* ---- what it leaves */

#define ORPHAN(which)                                                                                               \
	"UPDATE delivery SET crm = (SELECT crm FROM conn WHERE id = ?1),"                                           \
	" crm_account_id = (SELECT crm_account_id FROM conn WHERE id = ?1), conn_id = 0, gen = gen + 1,"            \
	" blame = iif(state = 4, blame, ?2), reason = iif(state = 4, reason, ?3), done_ms = iif(state = 4, done_ms, ?4)," \
	" doubt = max(doubt, state IN (1, 2)), state = 4, shelf = 4 WHERE " which

/* Fresh rows in hand are in no index: they are found from the floor on, as after a crash. */
static int
conn_orphan(struct cs_store *st, int64_t id, const char *reason, int64_t now_ms, int64_t *n, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	int rc;

	*n = 0;
	if ((rc = sq_exec(s, SQ_CONN_ORPHAN_FRESH, ORPHAN("id >= (SELECT floor FROM run) AND state = 1 AND conn_id = ?1"), err, "litl",
			  id, (int)CS_BLAME_CONNECTION, reason, now_ms)) < 0)
		return rc;
	*n += sqlite3_changes(s->db);
	if ((rc = sq_exec(s, SQ_CONN_ORPHAN, ORPHAN("id IN (SELECT id FROM delivery WHERE shelf = 0 AND conn_id = ?1 UNION ALL"
						    " SELECT id FROM delivery WHERE shelf = 2 AND conn_id = ?1)"),
			  err, "litl", id, (int)CS_BLAME_CONNECTION, reason, now_ms)) < 0)
		return rc;
	*n += sqlite3_changes(s->db);
	return sq_exec(s, SQ_CONN_ORPHAN_DEAD, ORPHAN("id IN (SELECT id FROM delivery WHERE shelf = 4 AND conn_id = ?1)"), err, "litl",
		       id, (int)CS_BLAME_CONNECTION, reason, now_ms);
}

/* ---- how it is */

static int
conn_checked(struct cs_store *st, int64_t id, const char *checked, int64_t now_ms, int64_t next_ms, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	int rc = sq_exec(s, SQ_CONN_CHECKED,
			 "UPDATE conn SET checked = coalesce(?2, checked), checked_ms = iif(?2 IS NULL, checked_ms, ?3),"
			 " check_ms = ?4 WHERE id = ?1",
			 err, "lnll", id, checked, now_ms, next_ms);

	s->accounts.stale = true;
	return rc < 0 ? rc : sq_touched(s, "connection", err);
}

static void
read_id(sqlite3_stmt *st, struct cs_arena *a, void *row)
{
	(void)a;
	*(int64_t *)row = sqlite3_column_int64(st, 0);
}

static int
conn_due_checks(struct cs_store *st, int64_t now_ms, int64_t *ids, int max, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	sqlite3_stmt *stmt;
	int rc = sq_first(s, SQ_CONN_DUE_CHECKS,
			  "SELECT id FROM conn WHERE check_ms > 0 AND check_ms <= ?1 AND state = 0 ORDER BY check_ms LIMIT ?2",
			  &stmt, err, "li", now_ms, max);

	return sq_fill(s, rc, stmt, read_id, NULL, ids, sizeof(*ids), max, err);
}

static int
conn_unclaimed(struct cs_store *st, int64_t before_ms, int64_t *ids, int max, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	sqlite3_stmt *stmt;
	int rc = sq_first(s, SQ_CONN_UNCLAIMED,
			  "SELECT id FROM conn INDEXED BY conn_pending WHERE state = 3 AND state_since_ms <= ?1 AND (account = '' OR"
			  " EXISTS (SELECT 1 FROM token WHERE conn_id = conn.id AND for_conn <> 0)) ORDER BY state_since_ms LIMIT ?2",
			  &stmt, err, "li", before_ms, max);

	return sq_fill(s, rc, stmt, read_id, NULL, ids, sizeof(*ids), max, err);
}

static int
trouble_put(struct cs_store *st, int64_t id, const char *cause, const char *text, int64_t now_ms, struct cs_err *err)
{
	struct sq *s = sq_of(st);

	s->accounts.stale = true;
	if (text == NULL)
		return sq_exec(s, SQ_TROUBLE_DROP, "DELETE FROM conn_trouble WHERE conn_id = ?1 AND cause = ?2", err, "lt", id, cause);
	return sq_exec(s, SQ_TROUBLE_PUT,
		       "INSERT INTO conn_trouble (conn_id, cause, since_ms, text) VALUES (?1, ?2, ?3, ?4)"
		       " ON CONFLICT DO UPDATE SET text = excluded.text",
		       err, "ltlt", id, cause, now_ms, text);
}

static int
conn_count(struct cs_store *st, int (*cb)(void *, const char *, enum cs_conn_state, bool, int64_t), void *ctx, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	sqlite3_stmt *stmt;
	int rc, stop = 0;

	sq_arm(s);
	rc = sq_first(s, SQ_CONN_COUNT,
		      "SELECT crm, state, state = 0 AND EXISTS (SELECT 1 FROM conn_trouble t WHERE t.conn_id = conn.id) AS failing,"
		      " count(*) FROM conn GROUP BY crm, state, failing ORDER BY crm, state, failing",
		      &stmt, err, "");
	while (rc == 1 && stop == 0) {
		stop = cb(ctx, (const char *)sqlite3_column_text(stmt, 0), (enum cs_conn_state)sqlite3_column_int(stmt, 1),
			  sqlite3_column_int(stmt, 2) != 0, sqlite3_column_int64(stmt, 3));
		rc = sq_next(s, stmt, err);
	}
	sq_reset(stmt);
	sq_disarm(s);
	return rc < 0 ? rc : 0;
}

void
sq_ops_conn_life(struct cs_store_ops *ops)
{
	ops->conn_versions = conn_versions;
	ops->conn_orphan = conn_orphan;
	ops->conn_checked = conn_checked;
	ops->conn_due_checks = conn_due_checks;
	ops->conn_unclaimed = conn_unclaimed;
	ops->trouble_put = trouble_put;
	ops->conn_count = conn_count;
}
