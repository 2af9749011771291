/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list.c - looking at many deliveries: lists, counts, the shape of the queue, backlogs.
 *
 * What people ask for runs against the clock: a read transaction that stays open keeps the log from being
 * begun anew, so after the limit the answer is CS_ELIMIT. The conditions become one WHERE; ids are found
 * first (for dead and due rows in their partial index, else by walking the narrow table from its end) and
 * rows read one by one, so nothing wide is ever sorted.
 */
#include "config.h"
#include "store/sqlite/private.h"

static void
add_where(struct cs_buf *sql, const struct cs_filter *f)
{
	bool due = f->states == CS_STATE_BIT(CS_DUE);
	const char *index = due && f->in_doubt ? " INDEXED BY delivery_doubt WHERE d.shelf = 0 AND d.doubt <> 0"
			    : f->states == CS_STATE_BIT(CS_DEAD) ? " INDEXED BY delivery_taken_dead WHERE d.shelf = 4"
			    : due ? " INDEXED BY delivery_due WHERE d.shelf = 0"
								: " WHERE 1";

	cs_buf_printf(sql, " FROM delivery d%s", index);
	if (f->states != 0)
		cs_buf_adds(sql, " AND ((1 << d.state) & ?9) <> 0");
	if (f->in_doubt && !due)
		cs_buf_adds(sql, " AND d.doubt <> 0");
	if (f->conn_id >= 0)
		cs_buf_adds(sql, " AND d.conn_id = ?1");
	if (f->crm != NULL)
		cs_buf_adds(
		    sql,
		    " AND (d.crm = ?2 OR d.crm = '' AND d.conn_id IN (SELECT id FROM conn WHERE crm = ?2))");
	if (f->account != NULL)
		cs_buf_adds(
		    sql, " AND EXISTS (SELECT 1 FROM identity WHERE lead_id = d.id >> 8 AND account = ?3)");
	if (f->blame >= 0)
		cs_buf_adds(sql, " AND d.blame = ?4");
	if (f->urgency >= 0)
		cs_buf_adds(sql, " AND d.urgency = ?5");
	if (f->created_from_ms > 0)
		cs_buf_adds(sql, " AND d.created_ms >= ?6");
	if (f->created_to_ms > 0)
		cs_buf_adds(sql, " AND d.created_ms < ?7");
	if (f->before_id > 0)
		cs_buf_adds(sql, " AND d.id < ?8");
}

/* Numbers that the text does not mention are refused as out of range, and that is fine. */
static void
bind_filter(sqlite3_stmt *st, const struct cs_filter *f)
{
	sqlite3_bind_int64(st, 1, f->conn_id);
	sqlite3_bind_text(st, 2, f->crm, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 3, f->account, -1, SQLITE_STATIC);
	sqlite3_bind_int(st, 4, f->blame);
	sqlite3_bind_int(st, 5, f->urgency);
	sqlite3_bind_int64(st, 6, f->created_from_ms);
	sqlite3_bind_int64(st, 7, f->created_to_ms);
	sqlite3_bind_int64(st, 8, f->before_id);
	sqlite3_bind_int64(st, 9, f->states);
	sqlite3_bind_int64(st, 10, f->limit > 0 && f->limit < INT64_MAX ? (int64_t)f->limit : -1);
}

static int
start(struct sq *s, const char *what, const struct cs_filter *f, const char *order, sqlite3_stmt **st,
      struct cs_err *err)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf sql = CS_BUF_INIT(0);
	int rc;

	cs_buf_printf(&sql, "SELECT %s", what);
	add_where(&sql, f);
	cs_buf_adds(&sql, order);
	rc = sqlite3_prepare_v2(s->db, cs_buf_str(&sql), -1, st, NULL);
	if (rc != SQLITE_OK)
		return sq_fail(s, rc, err);
	bind_filter(*st, f);
	return 0;
}

/* The caller's arena holds one row at a time, in what it held before. */
static int
show(struct cs_store *st, int64_t id, struct cs_arena *a, cs_delivery_cb cb, void *ctx, struct cs_err *err)
{
	struct cs_delivery_row row;
	int rc;

	if ((rc = sq_delivery_get(st, id, a, &row, err)) < 0)
		return rc;
	if ((rc = sq_late(sq_of(st), err)) < 0)
		return rc;
	return cb(ctx, &row) != 0 ? 1 : 0;
}

static int
delivery_list(struct cs_store *st, const struct cs_filter *f, struct cs_arena *a, cs_delivery_cb cb,
	      void *ctx, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	sqlite3_stmt *stmt = NULL;
	int rc, shown = 0;

	sq_arm(s);
	rc = start(s, "d.id", f, " ORDER BY d.id DESC LIMIT ?10", &stmt, err);
	if (rc == 0)
		rc = sq_next(s, stmt, err);
	while (rc == 1 && shown == 0) {
		if ((shown = show(st, sqlite3_column_int64(stmt, 0), a, cb, ctx, err)) < 0)
			rc = shown;
		else if (shown == 0)
			rc = sq_next(s, stmt, err);
	}
	sqlite3_finalize(stmt);
	sq_disarm(s);
	return rc < 0 ? rc : 0;
}

static int
delivery_count(struct cs_store *st, const struct cs_filter *f, int64_t *n, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	sqlite3_stmt *stmt = NULL;
	int rc;

	sq_arm(s);
	rc = start(s, "count(*)", f, "", &stmt, err);
	if (rc == 0 && (rc = sq_next(s, stmt, err)) == 1)
		*n = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	sq_disarm(s);
	return rc < 0 ? rc : 0;
}

/* ---- queue_shape */

typedef int (*shape_cb)(void *ctx, const char *crm, int64_t conn_id, const int64_t age[10]);

struct shape {
	int64_t conn_id, age[10];
	bool filled;
};

static int
bucket(int64_t age_ms)
{
	int64_t edge = 5 * 60000;
	int at = 0;

	for (; at < 9 && age_ms >= edge; at++)
		edge *= 2;
	return at;
}

static int
shape_tell(struct sq *s, struct shape *sh, shape_cb cb, void *ctx, struct cs_err *err)
{
	const char *crm = "";
	sqlite3_stmt *st;
	int rc;

	if (!sh->filled)
		return 0;
	if ((rc = sq_first(s, SQ_SHAPE_CRM, "SELECT crm FROM conn WHERE id = ?1", &st, err, "l",
			   sh->conn_id)) < 0)
		return rc;
	if (rc == 1)
		crm = (const char *)sqlite3_column_text(st, 0);
	rc = cb(ctx, crm, sh->conn_id, sh->age) != 0;
	sq_reset(st);
	return rc;
}

/* The index comes in order of connection, so one of them is counted at a time. 1: the caller wants no more.
 */
static int
shape_add(struct sq *s, sqlite3_stmt *st, int64_t now_ms, struct shape *sh, shape_cb cb, void *ctx,
	  struct cs_err *err)
{
	int64_t conn_id = sqlite3_column_int64(st, 0);
	int rc;

	if (!sh->filled || conn_id != sh->conn_id) {
		if ((rc = shape_tell(s, sh, cb, ctx, err)) != 0)
			return rc;
		*sh = (struct shape){ .conn_id = conn_id, .filled = true };
	}
	sh->age[bucket(now_ms - sqlite3_column_int64(st, 1))]++;
	return sq_late(s, err);
}

static int
queue_shape(struct cs_store *st, int64_t now_ms, shape_cb cb, void *ctx, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	struct shape sh = { 0 };
	sqlite3_stmt *stmt;
	int rc, stop = 0;

	sq_arm(s);
	rc = sq_first(
	    s, SQ_SHAPE,
	    "SELECT conn_id, created_ms FROM delivery INDEXED BY delivery_due WHERE shelf = 0 ORDER BY conn_id",
	    &stmt, err, "");
	while (rc == 1 && (stop = shape_add(s, stmt, now_ms, &sh, cb, ctx, err)) == 0)
		rc = sq_next(s, stmt, err);
	sq_reset(stmt);
	if (rc == 0)
		stop = shape_tell(s, &sh, cb, ctx, err);
	sq_disarm(s);
	return rc < 0 ? rc : stop < 0 ? stop : 0;
}

/* ---- backlogs */

/*
 * The index comes in order of connection, lane and time: the first row of each pair is its earliest. Counting
 * here costs half of what GROUP BY does.
 */
static int
backlogs(struct cs_store *st, int (*cb)(void *, const struct cs_backlog *), void *ctx, struct cs_err *err)
{
	struct cs_backlog b = { 0 };
	struct sq *s = sq_of(st);
	sqlite3_stmt *stmt;
	int rc, stop = 0;

	rc = sq_first(s, SQ_BACKLOGS,
		      "SELECT conn_id, lane, due_ms FROM delivery INDEXED BY delivery_due WHERE shelf = 0"
		      " ORDER BY conn_id, lane, due_ms",
		      &stmt, err, "");
	for (; rc == 1 && stop == 0; rc = stop == 0 ? sq_next(s, stmt, err) : 0) {
		int64_t conn_id = sqlite3_column_int64(stmt, 0);
		enum cs_lane lane = (enum cs_lane)sqlite3_column_int(stmt, 1);

		if (b.count > 0 && (b.conn_id != conn_id || b.lane != lane)) {
			stop = cb(ctx, &b);
			b.count = 0;
		}
		if (b.count++ == 0)
			b = (struct cs_backlog){ conn_id, lane, 1, sqlite3_column_int64(stmt, 2) };
	}
	sq_reset(stmt);
	if (rc == 0 && stop == 0 && b.count > 0)
		cb(ctx, &b);
	return rc < 0 ? rc : 0;
}

void
sq_ops_list(struct cs_store_ops *ops)
{
	ops->delivery_list = delivery_list;
	ops->delivery_count = delivery_count;
	ops->queue_shape = queue_shape;
	ops->backlogs = backlogs;
}
