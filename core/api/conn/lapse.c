/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lapse.c - see lapse.h.
 *
 * Two kinds of work for the writer. A bite takes rows that hold nothing: sessions that made no connection, links whose sessions are all
 * gone, flows that are over. A connection goes as when a person deletes it, one operation each: the engine says farewell at the CRM, and
 * then the transaction looks again, since somebody may have claimed or confirmed it meanwhile. (Its grant may be given back by then, for
 * the ten seconds at most that a farewell takes, after a fortnight; the connection then says needs_reauth.)
 */
#include "config.h"
#include "api/conn/lapse.h"

#include <stdlib.h>
#include "api/conn/delete.h"
#include "log/log.h"
#include "log/metrics.h"

#define EVERY_MS CS_MINUTE_MS
#define ROWS 200       /* of a bite, of each kind */
#define CONNECTIONS 20 /* of a tick */

struct cs_lapse {
	struct cs_writer *writer;
	struct cs_engine *engine;
	int64_t looked_ms;
};

/* ---- a connection */

struct going {
	struct cs_farewell farewell;
	struct cs_wop op;
	struct cs_writer *writer;
	struct cs_engine *engine;
	int64_t conn_id, session_id; /* session 0: a parked grant */
	bool is_gone;
	char public_id[64], crm[65];
};

/* Does still nobody want it? */
static bool
is_unwanted(struct cs_store *s, const struct going *g, const struct cs_conn_row *row, struct cs_arena *mem)
{
	struct cs_token_row t;

	if (row->state != CS_CONN_PENDING)
		return false;
	return g->session_id != 0 || row->account[0] == '\0' || (s->ops->token_get(s, row->id, mem, &t, NULL) == 0 && t.for_conn != 0);
}

static int
remove_conn(struct cs_store *s, struct going *g, struct cs_arena *mem, int64_t now_ms, struct cs_err *err)
{
	struct cs_conn_row row;
	int64_t dead;
	int rc = s->ops->conn_get(s, g->conn_id, mem, &row, err);

	g->is_gone = rc == 0 && is_unwanted(s, g, &row, mem);
	if (!g->is_gone)
		return rc == CS_ENOTFOUND ? 0 : rc;
	snprintf(g->public_id, sizeof(g->public_id), "%s", row.public_id);
	snprintf(g->crm, sizeof(g->crm), "%s", row.crm);
	return cs_conn_remove(s, &row, now_ms, mem, &dead, err);
}

static int
apply_going(struct cs_wop *w, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	struct going *g = CS_CONTAINER(w, struct going, op);
	CS_CLEANUP(cs_arena_fini) struct cs_arena mem;
	int rc;

	cs_arena_init(&mem);
	if ((rc = remove_conn(s, g, &mem, now_ms, err)) < 0 || g->session_id == 0)
		return rc;
	rc = s->ops->link_session_delete(s, g->session_id, err);
	return rc == CS_ENOTFOUND ? 0 : rc;
}

static void
going_committed(struct cs_wop *w)
{
	struct going *g = CS_CONTAINER(w, struct going, op);
	bool is_grant = g->session_id == 0;

	if (g->op.rc == 0 && g->is_gone) {
		cs_log(is_grant ? CS_LOG_WARN : CS_LOG_INFO, "auth",
		       is_grant ? "nobody has claimed a parked grant in time: it is gone" : "nobody has confirmed a connection that a link made: it is gone",
		       "connection=%s crm=%s grant=%s", g->public_id, g->crm, cs_undone_grant[g->farewell.grant]);
		cs_metrics_lapse(is_grant ? CS_METRICS_LAPSE_GRANT : CS_METRICS_LAPSE_CONNECTION);
		if (g->engine != NULL)
			cs_engine_post_conn(g->engine, g->conn_id, false);
	}
	free(g);
}

static void
farewell_done(struct cs_farewell *f)
{
	struct going *g = CS_CONTAINER(f, struct going, farewell);

	g->op = (struct cs_wop){ .apply = apply_going, .committed = going_committed };
	if (!cs_writer_put(g->writer, &g->op))
		free(g);
}

static void
let_go(struct cs_lapse *l, struct cs_store *s, const struct cs_conn_row *row, int64_t session_id, struct cs_arena *mem)
{
	struct going *g = cs_xcalloc(1, sizeof(*g));

	*g = (struct going){ .writer = l->writer, .engine = l->engine, .conn_id = row->id, .session_id = session_id,
		.farewell = { .conn_id = row->id, .keep_grant = cs_conn_shares_account(s, mem, row), .done = farewell_done } };
	if (l->engine != NULL)
		cs_farewell_post(l->engine, &g->farewell);
	else
		farewell_done(&g->farewell);
}

/* ---- rows that hold nothing */

struct bite {
	struct cs_wop op;
	int64_t sessions[ROWS];
	int n;
};

static int
apply_bite(struct cs_wop *w, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	const struct bite *b = CS_CONTAINER(w, struct bite, op);
	int rc;

	for (int i = 0; i < b->n; i++)
		if ((rc = s->ops->link_session_delete(s, b->sessions[i], err)) < 0 && rc != CS_ENOTFOUND)
			return rc;
	if ((rc = s->ops->link_sweep(s, now_ms, ROWS, err)) < 0)
		return rc;
	return s->ops->flow_sweep(s, now_ms, err);
}

static void
bite_committed(struct cs_wop *w)
{
	free(CS_CONTAINER(w, struct bite, op));
}

/* ---- looking */

/* The connection that this session made and that is to go with it. */
static bool
has_made(struct cs_store *s, const struct cs_link_session_row *r, struct cs_arena *mem, struct cs_conn_row *out)
{
	struct cs_link_row link;

	return r->conn_id != 0 && s->ops->link_get(s, r->link_id, mem, &link, NULL) == 0 && link.conn_id != r->conn_id &&
	       s->ops->conn_get(s, r->conn_id, mem, out, NULL) == 0 && out->state == CS_CONN_PENDING;
}

/* Returns how many connections go. */
static int
look_at_sessions(struct cs_lapse *l, struct cs_store *s, struct cs_arena *mem, int64_t now_ms)
{
	struct cs_link_session_row *rows = cs_arena_alloc(mem, ROWS * sizeof(*rows));
	int n = s->ops->link_sessions_over(s, now_ms, mem, rows, ROWS, NULL), going = 0;
	struct bite *b = cs_xcalloc(1, sizeof(*b));
	struct cs_conn_row row;

	b->op = (struct cs_wop){ .apply = apply_bite, .committed = bite_committed };
	for (int i = 0; i < n; i++) {
		if (!has_made(s, &rows[i], mem, &row))
			b->sessions[b->n++] = rows[i].id;
		else if (going++ < CONNECTIONS)
			let_go(l, s, &row, rows[i].id, mem);
	}
	if (!cs_writer_put(l->writer, &b->op))
		free(b);
	return going;
}

static void
look_at_grants(struct cs_lapse *l, struct cs_store *s, struct cs_arena *mem, int64_t now_ms, int max)
{
	int64_t ids[CONNECTIONS];
	int n = max > 0 ? s->ops->conn_unclaimed(s, now_ms - CS_PARKED_MS, ids, max, NULL) : 0;
	struct cs_conn_row row;

	for (int i = 0; i < n; i++)
		if (s->ops->conn_get(s, ids[i], mem, &row, NULL) == 0)
			let_go(l, s, &row, 0, mem);
}

void
cs_lapse_tick(struct cs_lapse *l, struct cs_store *s, int64_t now_ms)
{
	struct cs_arena mem;
	int going;

	if (now_ms - l->looked_ms < EVERY_MS)
		return;
	l->looked_ms = now_ms;
	cs_arena_init(&mem);
	going = look_at_sessions(l, s, &mem, now_ms);
	look_at_grants(l, s, &mem, now_ms, CONNECTIONS - going);
	cs_arena_fini(&mem);
}

struct cs_lapse *
cs_lapse_new(struct cs_writer *writer, struct cs_engine *engine)
{
	struct cs_lapse *l = cs_xcalloc(1, sizeof(*l));

	l->writer = writer;
	l->engine = engine;
	return l;
}

void
cs_lapse_free(struct cs_lapse *l)
{
	free(l);
}
