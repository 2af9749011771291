/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replays.c - many dead letters at once.
 *
 * The ids are read when the request comes (the newest REPLAY_MAX); that is the replay, and what becomes a dead letter
 * later is not drawn in. They are moved in chunks, one operation of the writer after the other, so that leads which come
 * meanwhile wait for one chunk at most. Each chunk asks first whether the replay was canceled. A stop of the daemon ends
 * the run: the rest are dead letters as before.
 */
#include "config.h"
#include "api/resources.h"

#include <stdlib.h>
#include <string.h>
#include "api/list/filter.h"
#include "log/log.h"
#include "queue/replay.h"

#define REPLAY_MAX 100000
#define PAGE 20000

struct entry {
	int64_t id, ahead; /* rows of its connection before it */
};

struct run {
	struct cs_wop op;
	struct cs_api *api;
	struct cs_http_request *req;   /* answered with the first chunk; NULL: answered, or nobody asked */
	struct entry *v;               /* NULL: what a recovery of conn_id sets free */
	size_t n, at, cap;
	int64_t conn_id, span_ms, total;
	struct cs_replay_row replay;
	bool canceled;
	struct cs_map ahead;           /* while reading: connection -> struct ahead */
	struct cs_arena keep, mem;
	struct cs_conns conns;
	struct cs_tells tells;
	int64_t moved;                 /* in this chunk */
};

static struct run *
run_new(struct cs_api *api, int64_t span_ms)
{
	struct run *r = cs_xcalloc(1, sizeof(*r));

	r->api = api;
	r->span_ms = span_ms;
	cs_map_init(&r->ahead);
	cs_arena_init(&r->keep);
	cs_arena_init(&r->mem);
	cs_conns_init(&r->conns, api->reader, &r->mem);
	return r;
}

static void
run_free(struct run *r)
{
	free(r->v);
	cs_map_fini(&r->ahead);
	cs_conns_fini(&r->conns);
	cs_arena_fini(&r->keep);
	cs_arena_fini(&r->mem);
	cs_tells_fini(&r->tells);
	free(r);
}

/* ---- one chunk, in the writer's transaction */

static void
count_moved(void *ctx, const struct cs_delivery_row *row, enum cs_lane lane)
{
	struct run *r = ctx;

	r->moved++;
	cs_tells_backlog(&r->tells, row->conn_id, cs_conns_crm(&r->conns, row), lane, 1);
}

static int
move_entry(struct run *r, struct cs_store *s, const struct entry *e, int64_t now_ms, struct cs_err *err)
{
	const struct cs_replay_how how = { r->replay.id, now_ms, r->span_ms, e->ahead };
	struct cs_delivery_row row;
	int rc;

	if ((rc = s->ops->delivery_get(s, e->id, &r->mem, &row, err)) < 0)
		return rc == CS_ENOTFOUND ? 0 : rc;
	if (row.state != CS_DEAD)
		return 0;
	if ((rc = cs_replay_one(s, &row, &how, &r->mem, err)) <= 0)
		return rc;
	count_moved(r, &row, row.lane);
	return 0;
}

static size_t
chunk_end(const struct run *r)
{
	return r->n - r->at > CS_REPLAY_CHUNK ? r->at + CS_REPLAY_CHUNK : r->n;
}

/* The first chunk makes the replay, the others ask whether it still stands. */
static int
begin_chunk(struct run *r, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	struct cs_replay_row now;
	int rc;

	if (r->at == 0) {
		r->replay.id = 0;
		r->replay.created_ms = now_ms;
		return s->ops->replay_put(s, &r->replay, err);
	}
	if ((rc = s->ops->replay_get(s, r->replay.id, &r->mem, &now, err)) == 0)
		r->canceled = now.canceled;
	return rc;
}

static int
apply_run(struct cs_wop *op, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	struct run *r = CS_CONTAINER(op, struct run, op);
	int rc;

	cs_conns_fini(&r->conns);
	cs_arena_reset(&r->mem);
	cs_conns_init(&r->conns, s, &r->mem);
	r->tells.n = 0;
	r->moved = 0;
	if (r->v == NULL)
		return cs_replay_recovered(s, r->conn_id, now_ms, r->span_ms, CS_REPLAY_CHUNK, count_moved, r, err);
	rc = begin_chunk(r, s, now_ms, err);
	for (size_t i = r->at, end = chunk_end(r); i < end && rc >= 0 && !r->canceled; i++)
		rc = move_entry(r, s, &r->v[i], now_ms, err);
	return rc;
}

static void
answer(struct run *r, int rc)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);

	if (r->req == NULL)
		return;
	if (rc < 0)
		cs_api_problem(r->req, 503, NULL, "the replay could not be written");
	else {
		cs_out_open(&b, NULL, '{');
		cs_out_int(&b, "id", r->replay.id);
		cs_out_int(&b, "total", (int64_t)r->n);
		cs_out_int(&b, "left_out", r->total > (int64_t)r->n ? r->total - (int64_t)r->n : 0);
		cs_out_close(&b, '}');
		cs_http_reply_json(r->req, 202, cs_buf_str(&b), b.len);
	}
	r->req = NULL;
}

static bool
goes_on(struct run *r, int rc)
{
	if (rc < 0 || r->canceled || r->api->closing)
		return false;
	if (r->v == NULL)
		return r->moved == CS_REPLAY_CHUNK;
	r->at = chunk_end(r);
	return r->at < r->n;
}

static void
run_committed(struct cs_wop *op)
{
	struct run *r = CS_CONTAINER(op, struct run, op);

	if (op->rc >= 0)
		cs_tells_send(&r->tells, r->api->engine, cs_now_ms(r->api->clock));
	else
		cs_log(CS_LOG_ERROR, "api", "a replay was broken off", "replay=%lld code=%s", (long long)r->replay.id,
		       cs_err_name(op->rc));
	answer(r, op->rc);
	if (!goes_on(r, op->rc) || !cs_writer_put(r->api->writer, &r->op))
		run_free(r);
}

static void
run_start(struct run *r)
{
	r->op.apply = apply_run;
	r->op.committed = run_committed;
	if (cs_writer_put(r->api->writer, &r->op))
		return;
	if (r->req != NULL)
		cs_api_problem(r->req, 503, NULL, "the daemon is stopping");
	run_free(r);
}

void
cs_api_replay_recovered(struct cs_api *api, int64_t conn_id, int64_t span_ms)
{
	struct run *r = run_new(api, span_ms);

	r->conn_id = conn_id;
	run_start(r);
}

/* ---- which rows */

static int64_t *
ahead_of(struct run *r, int64_t conn_id)
{
	int64_t *n = cs_map_get(&r->ahead, (uint64_t)conn_id);

	if (n == NULL) {
		n = cs_arena_alloc(&r->keep, sizeof(*n));
		cs_map_put(&r->ahead, (uint64_t)conn_id, n);
	}
	return n;
}

static int
note_entry(void *ctx, const struct cs_delivery_row *row)
{
	struct run *r = ctx;

	if (r->n == r->cap) {
		r->cap = r->cap > 0 ? r->cap * 2 : 256;
		r->v = cs_xrealloc(r->v, r->cap * sizeof(*r->v));
	}
	r->v[r->n++] = (struct entry){ row->id, (*ahead_of(r, row->conn_id))++ };
	return 0;
}

/* What waits already goes first. */
static int
note_waiting(void *ctx, const struct cs_backlog *b)
{
	*ahead_of(ctx, b->conn_id) += b->count;
	return 0;
}

/* Pages, since each read has its time limit. */
static int
gather(struct run *r, const struct cs_filter *filter, struct cs_err *err)
{
	struct cs_store *s = r->api->reader;
	struct cs_filter f = *filter;
	size_t before;
	int rc = s->ops->backlogs(s, note_waiting, r, err);

	f.limit = PAGE;
	do {
		before = r->n;
		cs_arena_reset(&r->mem);
		if (rc == 0 && (rc = s->ops->delivery_list(s, &f, &r->mem, note_entry, r, err)) == 0 && r->n > 0)
			f.before_id = r->v[r->n - 1].id;
	} while (rc == 0 && r->n - before == PAGE && r->n < REPLAY_MAX);
	return rc;
}

/* ---- handlers */

static void
answer_dry(struct cs_api_call *call, int64_t total)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);

	cs_out_open(&b, NULL, '{');
	cs_out_int(&b, "total", total);
	cs_out_close(&b, '}');
	cs_api_reply(call, 200, &b);
}

static void
start(struct cs_api_call *call, const struct cs_filter *f, const char *asked, int64_t total)
{
	struct run *r = run_new(call->api, cs_api_span_ms(call->conf));
	struct cs_err err;

	r->req = call->req;
	r->total = total;
	r->replay.filter = cs_arena_strdup(&r->keep, asked);
	if (gather(r, f, &err) < 0) {
		cs_api_fail(call, &err);
		run_free(r);
	} else if (r->n == 0) {
		cs_api_refuse(call, 404, "no dead letter fits the filter");
		run_free(r);
	} else
		run_start(r);
}

void
cs_api_replay_start(struct cs_api_call *call)
{
	CS_CLEANUP(cs_json_putp) json_object *body = NULL;
	CS_CLEANUP(cs_json_putp) json_object *none = json_object_new_object();
	struct cs_store *s = call->api->reader;
	json_object *filter;
	struct cs_filter f;
	struct cs_err err;
	int64_t total = 0;

	if (!cs_api_body(call, &body))
		return;
	filter = cs_json_get(body, "filter");
	if (filter != NULL && !json_object_is_type(filter, json_type_object)) {
		cs_api_refuse_at(call, 422, "/filter", "must be an object");
		return;
	}
	if (!cs_api_filter(call, filter != NULL ? filter : none, &f))
		return;
	f.states = CS_STATE_BIT(CS_DEAD);
	if (s->ops->delivery_count(s, &f, &total, &err) < 0)
		cs_api_fail(call, &err);
	else if (cs_json_bool(body, "dry_run", false))
		answer_dry(call, total);
	else
		start(call, &f, cs_json_text(filter != NULL ? filter : none), total);
}

void
cs_api_replay_get(struct cs_api_call *call)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(CS_API_ANSWER_MAX);
	struct cs_store *s = call->api->reader;
	struct cs_replay_row row;
	struct cs_err err;
	int64_t id;

	if (!cs_api_id(call, &id) || !cs_api_all_accounts(call))
		return;
	if (s->ops->replay_get(s, id, &call->mem, &row, &err) < 0) {
		cs_api_fail(call, &err);
		return;
	}
	cs_out_open(&b, NULL, '{');
	cs_render_replay(&b, &row);
	cs_out_close(&b, '}');
	cs_api_reply(call, 200, &b);
}

/* The engine finds the rows gone at its next fetch. */
static int
apply_cancel(struct cs_change *c, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	struct cs_replay_row row;
	int64_t back = 0;
	int rc;

	(void)now_ms;
	if ((rc = s->ops->replay_cancel(s, c->id, &back, err)) < 0)
		return rc;
	c->wrote = true;
	if ((rc = s->ops->replay_get(s, c->id, &c->mem, &row, err)) < 0)
		return rc;
	cs_out_open(&c->out, NULL, '{');
	cs_render_replay(&c->out, &row);
	cs_out_int(&c->out, "back_to_dead", back);
	cs_out_close(&c->out, '}');
	return 0;
}

void
cs_api_replay_cancel(struct cs_api_call *call)
{
	struct cs_change *c;
	int64_t id;

	if (!cs_api_id(call, &id) || !cs_api_all_accounts(call))
		return;
	c = cs_change_new(call, apply_cancel);
	c->id = id;
	cs_change_put(c);
}
