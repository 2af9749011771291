/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay.c - moving dead letters back into the queue.
 *
 * Rows are collected first and moved afterwards, since moving takes them out of the index that is being walked. The clock of
 * a row (expires_ms) begins when its turn comes at the latest: a connection lets a few replays through per minute, and one
 * that waits in line must not run out of time there. One minute for each row ahead is more than any allowed rate needs.
 */
#include "config.h"
#include "queue/replay.h"

#include <stdlib.h>
#include <string.h>
#include "queue/route.h"
#include "util/clock.h"

#define CONNS_MAX 256
#define RECOVERED (1u << CS_BLAME_CREDENTIAL | 1u << CS_BLAME_CONNECTION | 1u << CS_BLAME_CRM)

enum cs_lane
cs_replay_lane(int urgency)
{
	return urgency == CS_URGENCY_EMERGENCY ? CS_LANE_REPLAY_EMERGENCY : CS_LANE_REPLAY;
}

/* 1: row->conn_id is the connection found. */
static int
find_connection(struct cs_store *s, struct cs_delivery_row *row, struct cs_arena *mem, struct cs_err *err)
{
	const struct cs_lead to = { .destination_crm = row->crm, .crm_account_id = row->crm_account_id, .event = "" };
	struct cs_conn_row *conns = cs_arena_alloc(mem, CONNS_MAX * sizeof(*conns));
	struct cs_route routes[CS_ROUTES_MAX];
	int n;

	if (row->blame == CS_BLAME_LEAD) {
		cs_err_set(err, CS_ESTATE, "a required field of the lead is missing or wrong: fix it first");
		return 0;
	}
	if ((n = s->ops->conn_of_account(s, row->account, mem, conns, CONNS_MAX, err)) < 0)
		return n;
	cs_route(&to, CS_KIND_LEAD, conns, (size_t)n, routes);
	if (routes[0].conn == NULL) {
		cs_err_set(err, CS_ESTATE, "%s", routes[0].why);
		return 0;
	}
	row->conn_id = routes[0].conn->id;
	row->crm = routes[0].conn->crm;
	return 1;
}

int
cs_replay_one(struct cs_store *s, struct cs_delivery_row *row, const struct cs_replay_how *how, struct cs_arena *mem,
              struct cs_err *err)
{
	struct cs_move m = { .id = row->id, .gen = row->gen, .from = CS_STATE_BIT(CS_DEAD), .to = CS_DUE,
		.lane = cs_replay_lane(row->urgency), .due_ms = how->now_ms, .replay_id = how->replay_id,
		.expires_ms = how->now_ms + how->span_ms + how->ahead * CS_MINUTE_MS,
		.set = CS_SET_LANE | CS_SET_DUE | CS_SET_EXPIRES | CS_SET_WAIT | CS_SET_REPLAY | CS_SET_ATTEMPTS | CS_SET_CRASHES };
	int rc;

	if (row->conn_id == 0) {
		if ((rc = find_connection(s, row, mem, err)) <= 0)
			return rc;
		m.conn_id = row->conn_id;
		m.set |= CS_SET_CONN;
	}
	rc = s->ops->delivery_move(s, &m, err);
	if (rc == CS_ESTATE || rc == CS_EEXIST || rc == CS_ENOTFOUND)
		return 0;
	if (rc < 0)
		return rc;
	row->state = CS_DUE;
	row->lane = m.lane;
	row->gen++;
	return 1;
}

/* ---- many */

struct pick {
	struct cs_delivery_row *rows;
	struct cs_arena mem;
	uint32_t blames; /* bits; 0: any */
	int n, max;
};

static int
collect(void *ctx, const struct cs_delivery_row *row)
{
	struct pick *p = ctx;
	struct cs_delivery_row *mine;

	if (p->blames != 0 && (p->blames & 1u << row->blame) == 0)
		return 0;
	mine = &p->rows[p->n++];
	*mine = *row;
	mine->crm = cs_arena_strdup(&p->mem, row->crm);
	mine->account = cs_arena_strdup(&p->mem, row->account);
	mine->crm_account_id = cs_arena_strdup(&p->mem, row->crm_account_id);
	mine->reason = mine->records = mine->warnings = "";
	return p->n == p->max;
}

/* Of one connection; rows that have none yet, or of several, count as if they were of one. */
static int
waiting(struct cs_store *s, int64_t conn_id, int64_t *n, struct cs_err *err)
{
	const struct cs_filter f = { .states = CS_STATE_BIT(CS_DUE), .conn_id = conn_id, .blame = -1, .urgency = -1 };

	*n = 0;
	return conn_id > 0 ? s->ops->delivery_count(s, &f, n, err) : 0;
}

static int
replay_picked(struct cs_store *s, struct pick *p, struct cs_replay_how *how, cs_replay_cb cb, void *ctx, struct cs_err *err)
{
	int rc;

	for (int i = 0; i < p->n; i++) {
		if ((rc = cs_replay_one(s, &p->rows[i], how, &p->mem, err)) < 0)
			return rc;
		how->ahead += rc;
		if (rc > 0)
			cb(ctx, &p->rows[i], p->rows[i].lane);
	}
	return 0;
}

static int
replay_some(struct cs_store *s, const struct cs_filter *filter, uint32_t blames, struct cs_replay_how *how, int max_rows,
            cs_replay_cb cb, void *ctx, struct cs_err *err)
{
	struct pick p = { .blames = blames, .max = max_rows };
	struct cs_filter f = *filter;
	struct cs_arena walk;
	int rc;

	f.states = CS_STATE_BIT(CS_DEAD);
	f.limit = 0;
	cs_arena_init(&p.mem);
	cs_arena_init(&walk);
	p.rows = cs_arena_alloc(&p.mem, (size_t)max_rows * sizeof(*p.rows));
	rc = s->ops->delivery_list(s, &f, &walk, collect, &p, err);
	if (rc == 0 && p.n > 0 && (rc = waiting(s, f.conn_id, &how->ahead, err)) == 0)
		rc = replay_picked(s, &p, how, cb, ctx, err);
	cs_arena_fini(&walk);
	cs_arena_fini(&p.mem);
	return rc;
}

int
cs_replay_rows(struct cs_store *s, const struct cs_filter *filter, int64_t replay_id, int64_t now_ms, int64_t span_ms,
               int max_rows, cs_replay_cb cb, void *ctx, struct cs_err *err)
{
	struct cs_replay_how how = { .replay_id = replay_id, .now_ms = now_ms, .span_ms = span_ms };

	return replay_some(s, filter, 0, &how, max_rows, cb, ctx, err);
}

int
cs_replay_recovered(struct cs_store *s, int64_t conn_id, int64_t now_ms, int64_t span_ms, int max_rows, cs_replay_cb cb,
                    void *ctx, struct cs_err *err)
{
	const struct cs_filter f = { .conn_id = conn_id, .blame = -1, .urgency = -1 };
	struct cs_replay_how how = { .now_ms = now_ms, .span_ms = span_ms };

	return replay_some(s, &f, RECOVERED, &how, max_rows, cb, ctx, err);
}
