/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sweep.c - once a second: the clock of those who may not be sent, and the floor for fresh rows.
 *
 * A delivery that is due but not sent keeps its clock: when the time of its last retry has passed it becomes a dead letter, as
 * the schedule promises. That holds behind an open breaker and for a connection that needs its owner. Whoever merely waits
 * in a long line of a healthy connection has max_wait; deliveries of a paused connection or a parked plugin never run out.
 */
#include <stdlib.h>
#include "deliver/accept.h"
#include "deliver/engine_private.h"
#include "deliver/events.h"
#include "deliver/results.h"
#include "log/log.h"
#include "log/metrics.h"

#define ROWS 200

struct sweep_op {
	struct cs_wop wop;
	struct cs_engine *engine;
	struct cs_arena mem;
	struct cs_map ill;                /* connections behind an open breaker */
	struct cs_map parked;             /* hashes of CRMs whose plugin is parked */
	int64_t floor_id, max_wait_ms;
	struct expired { int64_t conn_id; char crm[65]; enum cs_lane lane; enum cs_blame blame; } gone[ROWS];
	int n_gone;
	struct cs_accept *told;           /* lead.failed, where somebody listens */
	struct cs_accept_env env;
};

static int
tell(struct sweep_op *o, struct cs_store *s, const struct cs_delivery_row *d, const struct cs_conn_row *c, enum cs_blame blame,
     const char *why, int64_t now_ms, struct cs_err *err)
{
	struct cs_events_dead dead = { .crm = d->crm, .connection = c->public_id, .crm_account_id = c->crm_account_id, .blame = blame,
		.reason = why };
	struct cs_lead_row row;
	struct cs_lead_ref *lead;
	int rc;

	if (!o->env.slots->events_wanted)
		return 0;
	if ((rc = s->ops->lead_get(s, d->id >> 8, &o->mem, &row, err)) < 0 || row.kind == CS_KIND_EVENT)
		return rc == CS_ENOTFOUND ? 0 : rc;
	lead = cs_lead_ref_new(row.body.ptr, row.body.len, row.received_ms);
	dead.lead = &lead->doc->view;
	rc = cs_events_tell_dead(&dead, &o->told, &o->env, s, now_ms, err);
	cs_lead_ref_put(lead);
	return rc;
}

static int
bury(struct sweep_op *o, struct cs_store *s, const struct cs_delivery_row *d, const struct cs_conn_row *c, enum cs_blame blame,
     const char *why, int64_t now_ms, struct cs_err *err)
{
	struct cs_move m = { .id = d->id, .gen = d->gen, .from = CS_STATE_BIT(CS_DUE), .to = CS_DEAD, .blame = blame, .reason = why,
		.done_ms = now_ms, .set = CS_SET_BLAME | CS_SET_REASON | CS_SET_DONE };
	int rc = s->ops->delivery_move(s, &m, err);

	if (rc < 0)
		return rc == CS_ESTATE ? 0 : rc;
	o->gone[o->n_gone].conn_id = d->conn_id;
	o->gone[o->n_gone].blame = blame;
	o->gone[o->n_gone].lane = d->lane;
	snprintf(o->gone[o->n_gone++].crm, sizeof(o->gone[0].crm), "%s", d->crm);
	return tell(o, s, d, c, blame, why, now_ms, err);
}

static int
extend(struct cs_store *s, const struct cs_delivery_row *d, int64_t until_ms, struct cs_err *err)
{
	struct cs_move m = { .id = d->id, .gen = d->gen, .from = CS_STATE_BIT(CS_DUE), .to = CS_DUE, .expires_ms = until_ms,
		.set = CS_SET_EXPIRES };
	int rc = s->ops->delivery_move(s, &m, err);

	return rc == CS_ESTATE ? 0 : rc;
}

static int
judge(struct sweep_op *o, struct cs_store *s, const struct cs_delivery_row *d, int64_t now_ms, struct cs_err *err)
{
	struct cs_conn_row c = { .public_id = "", .crm_account_id = "", .crm = "" };
	int rc = s->ops->conn_get(s, d->conn_id, &o->mem, &c, err);

	if (rc < 0)
		return rc == CS_ENOTFOUND ? bury(o, s, d, &c, CS_BLAME_CONNECTION, "its connection is gone", now_ms, err) : rc;
	if (c.state == CS_CONN_PAUSED || cs_map_get(&o->parked, cs_hash64_str(c.crm)) != NULL)
		return extend(s, d, now_ms + CS_HOUR_MS, err);
	if (c.state == CS_CONN_NEEDS_REAUTH)
		return bury(o, s, d, &c, CS_BLAME_CREDENTIAL, "the connection's credentials were not renewed in time", now_ms, err);
	if (cs_map_get(&o->ill, (uint64_t)d->conn_id) != NULL)
		return bury(o, s, d, &c, CS_BLAME_CRM, "the CRM kept failing until the time of the last retry had passed", now_ms, err);
	if (now_ms < d->due_ms + o->max_wait_ms)
		return extend(s, d, d->due_ms + o->max_wait_ms, err);
	return bury(o, s, d, &c, CS_BLAME_CRM, "it waited in line for longer than schedule.max_wait", now_ms, err);
}

static int
apply_sweep(struct cs_wop *w, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	struct sweep_op *o = CS_CONTAINER(w, struct sweep_op, wop);
	struct cs_delivery_row rows[ROWS];
	int n, rc = 0;

	o->n_gone = 0;
	cs_events_forget(&o->told, &o->env);
	cs_arena_reset(&o->mem);
	if (o->floor_id > 0 && (rc = s->ops->floor_put(s, o->floor_id, err)) < 0)
		return rc;
	if ((n = s->ops->expired(s, now_ms, &o->mem, rows, ROWS, err)) < 0)
		return n;
	for (int i = 0; i < n && rc >= 0; i++)
		rc = judge(o, s, &rows[i], now_ms, err);
	return rc;
}

static void
sweep_committed(struct cs_wop *w)
{
	struct sweep_op *o = CS_CONTAINER(w, struct sweep_op, wop);

	for (int i = 0; w->rc == 0 && i < o->n_gone; i++) {
		cs_metrics_dead(o->gone[i].crm, o->gone[i].blame);
		cs_engine_post_backlog(o->engine, o->gone[i].conn_id, o->gone[i].crm, o->gone[i].lane, -1, CS_NEVER);
		cs_events_post_dead(o->engine, o->gone[i].conn_id, o->gone[i].crm);
	}
	cs_events_told(o->told, &o->env, w->rc);
	if (o->told != NULL)
		cs_accept_free(o->told);
	if (w->rc == 0 && o->n_gone > 0)
		cs_log(CS_LOG_WARN, "deliver", "deliveries became dead letters: their time ran out unsent", "count=%d", o->n_gone);
	cs_map_fini(&o->ill);
	cs_map_fini(&o->parked);
	cs_arena_fini(&o->mem);
	free(o);
}

static int64_t
floor_of(struct cs_engine *e)
{
	int64_t floor_id = e->max_seen_id;

	CS_LIST_EACH(n, &e->jobs) {
		const struct cs_job *j = CS_CONTAINER(n, struct cs_job, node);

		if (j->d.state == CS_IN_HAND && j->d.id < floor_id)
			floor_id = j->d.id;
	}
	return floor_id;
}

void
cs_sweep_start(struct cs_engine *e, int64_t now_ms)
{
	struct sweep_op *o = cs_xcalloc(1, sizeof(*o));
	struct cs_tree_crm *m;
	struct cs_tree_conn *tc;
	size_t at = 0;

	o->engine = e;
	o->env = (struct cs_accept_env){ e->c.slots, e, e->c.epoch, cs_schedule_span_ms(&e->schedule) };
	o->wop.apply = apply_sweep;
	o->wop.committed = sweep_committed;
	o->max_wait_ms = e->schedule.max_wait_ms;
	o->floor_id = floor_of(e);
	cs_arena_init(&o->mem);
	cs_map_init(&o->ill);
	cs_map_init(&o->parked);
	while ((m = cs_map_next(&e->tree.crms, &at, NULL)) != NULL)
		if (m->held)
			cs_map_put(&o->parked, cs_hash64_str(m->name), m);
	for (at = 0; (tc = cs_map_next(&e->tree.conns, &at, NULL)) != NULL;) {
		if (tc->crm->held && cs_tree_conn_items(tc) > 0)
			cs_engine_drain(e, tc);
		if (!cs_breaker_open(&tc->breaker) && !cs_breaker_open(&tc->crm->breaker))
			continue;
		cs_map_put(&o->ill, (uint64_t)tc->id, tc);
		if (cs_tree_conn_items(tc) > 0 && (tc->breaker.not_before_ms > now_ms || tc->crm->breaker.not_before_ms > now_ms))
			cs_engine_drain(e, tc); /* their clocks run in the store */
	}
	if (!cs_writer_put(e->c.writer, &o->wop)) {
		o->wop.rc = CS_ECLOSED;
		sweep_committed(&o->wop);
	}
}
