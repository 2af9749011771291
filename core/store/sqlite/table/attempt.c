/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attempt.c - what attempts leave behind: progress, history, the CRM's records, callers.
 *
 * An attempt's row id is delivery << 12 | number, so that a delivery's attempts are one range and the newest rows are at
 * the end of the table. Whoever is told to wait ten thousand times keeps the first 4094 rows and the last.
 */
#include "config.h"
#include "store/sqlite/private.h"

#define ATTEMPT_BITS 12
#define ATTEMPT_LAST ((1 << ATTEMPT_BITS) - 1)

static int
progress_put(struct cs_store *st, int64_t delivery_id, const char *json, struct cs_err *err)
{
	struct sq *s = sq_of(st);

	if (json == NULL || json[0] == '\0')
		return sq_exec(s, SQ_PROGRESS_DELETE, "DELETE FROM progress WHERE delivery_id = ?1", err, "l", delivery_id);
	return sq_exec(s, SQ_PROGRESS_PUT, "INSERT OR REPLACE INTO progress (delivery_id, json) VALUES (?1, ?2)", err, "lt",
	               delivery_id, json);
}

static int
progress_get(struct cs_store *st, int64_t delivery_id, struct cs_arena *a, const char **json, struct cs_err *err)
{
	sqlite3_stmt *stmt;
	int rc = sq_first(sq_of(st), SQ_PROGRESS_GET, "SELECT json FROM progress WHERE delivery_id = ?1", &stmt, err, "l",
	                  delivery_id);

	*json = rc == 1 ? sq_text(stmt, 0, a) : "";
	sq_reset(stmt);
	return rc < 0 ? rc : 0;
}

/* ---- history */

static int64_t
attempt_id(int64_t delivery_id, int32_t number)
{
	return delivery_id << ATTEMPT_BITS | (number < 0 ? 0 : number > ATTEMPT_LAST ? ATTEMPT_LAST : number);
}

/* The number behind the last one that is there. */
static int
next_number(struct sq *s, int64_t delivery_id, int32_t *number, struct cs_err *err)
{
	int64_t first = attempt_id(delivery_id, 0);
	sqlite3_stmt *st;
	int rc = sq_first(s, SQ_ATTEMPT_NEXT, "SELECT max(id) FROM attempt WHERE id BETWEEN ?1 AND ?1 | 4095", &st, err, "l", first);
	int64_t last = rc == 1 && sqlite3_column_type(st, 0) != SQLITE_NULL ? sqlite3_column_int64(st, 0) - first : 0;

	sq_reset(st);
	*number = last < ATTEMPT_LAST ? (int32_t)last + 1 : ATTEMPT_LAST;
	return rc < 0 ? rc : 0;
}

static int
attempt_put(struct cs_store *st, const struct cs_attempt_row *row, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	int32_t number = row->number;
	int rc;

	if (number == 0 && (rc = next_number(s, row->delivery_id, &number, err)) < 0)
		return rc;
	return sq_exec(s, SQ_ATTEMPT_PUT,
	               "INSERT OR REPLACE INTO attempt (id, number, started_ms, ended_ms, outcome, blame, status, versions, reason,"
	               " exchanges) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)", err, "lilliiittt",
	               attempt_id(row->delivery_id, number), (int)number, row->started_ms, row->ended_ms, (int)row->outcome,
	               (int)row->blame, (int)row->status, row->versions, row->reason, row->exchanges);
}

static void
read_attempt(sqlite3_stmt *st, struct cs_arena *a, void *row)
{
	struct cs_attempt_row *t = row;

	t->delivery_id = sqlite3_column_int64(st, 0) >> ATTEMPT_BITS;
	t->number = sqlite3_column_int(st, 1);
	t->started_ms = sqlite3_column_int64(st, 2);
	t->ended_ms = sqlite3_column_int64(st, 3);
	t->outcome = sqlite3_column_int(st, 4);
	t->blame = (enum cs_blame)sqlite3_column_int(st, 5);
	t->status = sqlite3_column_int(st, 6);
	t->versions = sq_text(st, 7, a);
	t->reason = sq_text(st, 8, a);
	t->exchanges = sq_text(st, 9, a);
}

static int
attempt_list(struct cs_store *st, int64_t delivery_id, struct cs_arena *a, struct cs_attempt_row *out, int max,
             struct cs_err *err)
{
	struct sq *s = sq_of(st);
	sqlite3_stmt *stmt;
	int rc = sq_first(s, SQ_ATTEMPT_LIST,
	                  "SELECT id, number, started_ms, ended_ms, outcome, blame, status, versions, reason, exchanges"
	                  " FROM attempt WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT ?3", &stmt, err, "lli",
	                  attempt_id(delivery_id, 0), attempt_id(delivery_id, ATTEMPT_LAST), max);

	return sq_fill(s, rc, stmt, read_attempt, a, out, sizeof(*out), max, err);
}

/* ---- the CRM's records: which delivery made them */

static int
record_put(struct cs_store *st, int64_t conn_id, const char *type, const char *remote_id, int64_t delivery_id,
           struct cs_err *err)
{
	return sq_exec(sq_of(st), SQ_RECORD_PUT,
	               "INSERT INTO record (conn_id, type, remote_id, delivery_id) VALUES (?1, ?2, ?3, ?4)"
	               " ON CONFLICT DO UPDATE SET delivery_id = excluded.delivery_id", err, "lttl", conn_id, type, remote_id,
	               delivery_id);
}

static int
record_find(struct cs_store *st, int64_t conn_id, const char *type, const char *remote_id, int64_t *delivery_id,
            struct cs_err *err)
{
	sqlite3_stmt *stmt;
	int rc = sq_first(sq_of(st), SQ_RECORD_FIND,
	                  "SELECT delivery_id FROM record WHERE conn_id = ?1 AND type = ?2 AND remote_id = ?3", &stmt, err, "ltt",
	                  conn_id, type, remote_id);

	if (rc < 0)
		return rc;
	if (rc == 0)
		return cs_err_set(err, CS_ENOTFOUND, "no delivery made such a record");
	*delivery_id = sqlite3_column_int64(stmt, 0);
	sq_reset(stmt);
	return 0;
}

/* ---- callers: what a step left for one of a connection */

static int
caller_put(struct cs_store *st, int64_t conn_id, uint64_t key, const char *step, const char *value, int64_t now_ms,
           struct cs_err *err)
{
	return sq_exec(sq_of(st), SQ_CALLER_PUT,
	               "INSERT INTO caller (conn_id, key, step, at_ms, value) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE"
	               " SET at_ms = excluded.at_ms, value = excluded.value WHERE excluded.at_ms >= at_ms", err, "lltlt", conn_id,
	               (int64_t)key, step, now_ms, value);
}

static void
read_caller(sqlite3_stmt *st, struct cs_arena *a, void *row)
{
	struct cs_caller_row *c = row;

	c->step = sq_text(st, 0, a);
	c->value = sq_text(st, 1, a);
}

static int
caller_list(struct cs_store *st, int64_t conn_id, const uint64_t keys[2], int64_t not_before_ms, struct cs_arena *a,
            struct cs_caller_row *out, int max, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	sqlite3_stmt *stmt;
	int n = 0, rc;

	for (int k = 0; k < 2 && n < max; k++) {
		if (keys[k] == 0)
			continue;
		rc = sq_first(s, SQ_CALLER_LIST, "SELECT step, value FROM caller WHERE conn_id = ?1 AND key = ?2 AND at_ms >= ?3", &stmt,
		              err, "lll", conn_id, (int64_t)keys[k], not_before_ms);
		if ((rc = sq_fill(s, rc, stmt, read_caller, a, out + n, sizeof(*out), max - n, err)) < 0)
			return rc;
		n += rc;
	}
	return n;
}

void
sq_ops_attempt(struct cs_store_ops *ops)
{
	ops->progress_put = progress_put;
	ops->progress_get = progress_get;
	ops->attempt_put = attempt_put;
	ops->attempt_list = attempt_list;
	ops->record_put = record_put;
	ops->record_find = record_find;
	ops->caller_put = caller_put;
	ops->caller_list = caller_list;
}
