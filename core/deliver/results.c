/* SPDX-License-Identifier: Apache-2.0 */
/*
 * results.c - operations for the writer.
 *
 * Each is one struct with its texts behind it in an arena; apply() runs in the writer's transaction, committed() afterwards
 * and frees it. What the engine must know (rows back in its backlog, rows taken) goes back as a message after the commit.
 */
#include "deliver/results.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "deliver/accept.h"
#include "deliver/engine_private.h"
#include "deliver/events.h"
#include "log/log.h"
#include "log/metrics.h"

struct op { /* what all operations begin with */
	struct cs_wop wop;
	struct cs_engine *engine;
	struct cs_arena mem;
	bool in_block; /* of engine->ops; the rest of the block is the first chunk of mem */
};

static void *
op_new(struct cs_engine *e, size_t size, int (*apply)(struct cs_wop *, struct cs_store *, int64_t, struct cs_err *),
       void (*committed)(struct cs_wop *))
{
	size_t head = (size + 15) / 16 * 16;
	bool in_block = head + 1024 <= CS_OP_BLOCK;
	struct op *o = in_block ? cs_spares_take(&e->ops) : cs_xmalloc(size);

	memset(o, 0, size);
	o->engine = e;
	o->wop.apply = apply;
	o->wop.committed = committed;
	o->in_block = in_block;
	if (in_block)
		cs_arena_init_in(&o->mem, (char *)o + head, CS_OP_BLOCK - head);
	return o;
}

static void
op_free(struct op *o)
{
	cs_arena_fini(&o->mem);
	if (o->in_block)
		cs_spares_give(&o->engine->ops, o);
	else
		free(o);
}

static void
op_put(struct op *o)
{
	if (!cs_writer_put(o->engine->c.writer, &o->wop)) {
		o->wop.rc = CS_ECLOSED;
		o->wop.committed(&o->wop);
	}
}

static void
committed_plain(struct cs_wop *w)
{
	if (w->rc < 0)
		cs_log(CS_LOG_ERROR, "store", "a change was not written", "code=%s", cs_err_name(w->rc));
	op_free((struct op *)(void *)w);
}

/* ---- facts and secrets */

struct facts_op {
	struct op op;
	int64_t conn_id;
	const char *facts, *timezone;
};

static int
apply_facts(struct cs_wop *w, struct cs_store *s, int64_t now_ms CS_UNUSED, struct cs_err *err)
{
	struct facts_op *o = (struct facts_op *)(void *)w;

	return s->ops->conn_facts(s, o->conn_id, o->facts, o->timezone, err);
}

void
cs_results_facts(struct cs_engine *e, struct cs_context *c)
{
	struct facts_op *o = op_new(e, sizeof(*o), apply_facts, committed_plain);
	json_object *facts = json_object_new_object();

	for (size_t i = 0; i < c->n_facts; i++)
		json_object_object_add(facts, c->facts[i].name, json_object_new_string(c->facts[i].value));
	o->conn_id = c->conn_id;
	o->facts = cs_arena_strdup(&o->op.mem, cs_json_text(facts));
	o->timezone = cs_arena_strdup(&o->op.mem, cs_context_fact(c, "timezone"));
	if (o->timezone[0] == '\0')
		o->timezone = cs_arena_strdup(&o->op.mem, c->timezone);
	json_object_put(facts);
	op_put(&o->op);
}

struct secret_op {
	struct op op;
	const char *owner, *name;
	struct cs_bytes sealed;
};

static int
apply_secret(struct cs_wop *w, struct cs_store *s, int64_t now_ms CS_UNUSED, struct cs_err *err)
{
	struct secret_op *o = (struct secret_op *)(void *)w;

	return s->ops->secret_put(s, o->owner, o->name, o->sealed, err);
}

void
cs_results_secret(struct cs_engine *e, struct cs_context *c, const char *name)
{
	const struct cs_named *secret = cs_context_secret(c, name);
	CS_CLEANUP(cs_buf_fini) struct cs_buf sealed = CS_BUF_INIT(1u << 17);
	struct secret_op *o;
	char owner[40];

	snprintf(owner, sizeof(owner), "conn/%lld", (long long)c->conn_id);
	if (secret == NULL || e->c.vault == NULL ||
	    cs_vault_seal(e->c.vault, owner, name, secret->value, secret->len, &sealed, NULL) < 0) {
		cs_log(CS_LOG_ERROR, "vault", "a new secret could not be sealed and lives in memory only", "connection=%s name=%s",
		    c->public_id, name);
		return;
	}
	o = op_new(e, sizeof(*o), apply_secret, committed_plain);
	o->owner = cs_arena_strdup(&o->op.mem, owner);
	o->name = cs_arena_strdup(&o->op.mem, name);
	o->sealed = (struct cs_bytes){ cs_arena_dup(&o->op.mem, sealed.ptr, sealed.len), sealed.len };
	op_put(&o->op);
}

/* ---- troubles */

struct trouble_op {
	struct op op;
	int64_t conn_id;
	const char *cause, *text;
};

static int
apply_trouble(struct cs_wop *w, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	struct trouble_op *o = (struct trouble_op *)(void *)w;

	return s->ops->trouble_put(s, o->conn_id, o->cause, o->text, now_ms, err);
}

void
cs_results_trouble(struct cs_engine *e, int64_t conn_id, const char *cause, const char *text)
{
	struct trouble_op *o = op_new(e, sizeof(*o), apply_trouble, committed_plain);

	o->conn_id = conn_id;
	o->cause = cause;
	o->text = text;
	op_put(&o->op);
}

/* ---- progress */

struct progress_op {
	struct op op;
	struct cs_msg msg;
	int64_t delivery_id;
	const char *json;
	void (*then)(struct cs_engine *, void *, int);
	void *ctx;
};

static int
apply_progress(struct cs_wop *w, struct cs_store *s, int64_t now_ms CS_UNUSED, struct cs_err *err)
{
	struct progress_op *o = (struct progress_op *)(void *)w;

	return s->ops->progress_put(s, o->delivery_id, o->json, err);
}

static void
progress_told(struct cs_engine *e, struct cs_msg *m)
{
	struct progress_op *o = CS_CONTAINER(m, struct progress_op, msg);

	o->then(e, o->ctx, o->op.wop.rc);
	op_free(&o->op);
}

static void
progress_committed(struct cs_wop *w)
{
	struct progress_op *o = (struct progress_op *)(void *)w;

	o->msg.handle = progress_told;
	if (o->then == NULL || !cs_engine_post(o->op.engine, &o->msg))
		committed_plain(w);
}

void
cs_results_progress_then(struct cs_engine *e, int64_t delivery_id, const char *json,
                         void (*then)(struct cs_engine *, void *ctx, int rc), void *ctx)
{
	struct progress_op *o = op_new(e, sizeof(*o), apply_progress, progress_committed);

	o->delivery_id = delivery_id;
	o->json = cs_arena_strdup(&o->op.mem, json);
	o->then = then;
	o->ctx = ctx;
	op_put(&o->op);
}

void
cs_results_progress(struct cs_engine *e, int64_t delivery_id, const char *json)
{
	cs_results_progress_then(e, delivery_id, json, NULL, NULL);
}

/* ---- callers */

struct caller_op {
	struct op op;
	int64_t conn_id;
	uint64_t keys[2];
	struct cs_remember what;
};

static int
put_caller(struct cs_store *s, int64_t conn_id, const uint64_t keys[2], const struct cs_remember *what, int64_t now_ms,
           struct cs_err *err)
{
	int rc = 0;

	for (int k = 0; k < 2 && rc >= 0; k++)
		if (keys[k] != 0)
			rc = s->ops->caller_put(s, conn_id, keys[k], what->step, what->value, now_ms, err);
	return rc;
}

static int
apply_caller(struct cs_wop *w, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	struct caller_op *o = (struct caller_op *)(void *)w;

	return put_caller(s, o->conn_id, o->keys, &o->what, now_ms, err);
}

void
cs_results_caller(struct cs_engine *e, const struct cs_delivery_row *d, const char *step, const char *value)
{
	struct caller_op *o = op_new(e, sizeof(*o), apply_caller, committed_plain);

	o->conn_id = d->conn_id;
	o->keys[0] = d->phone_key;
	o->keys[1] = d->email_key;
	o->what = (struct cs_remember){ cs_arena_strdup(&o->op.mem, step), cs_arena_strdup(&o->op.mem, value) };
	op_put(&o->op);
}

/* ---- the end of an attempt */

struct finish_op {
	struct op op;
	struct cs_move move;
	struct cs_attempt_row attempt;
	const char *progress, *records;
	struct cs_remember remember[8];
	size_t n_remember;
	uint64_t keys[2];
	char crm[65];
	enum cs_lane lane;
	bool keep_attempt, needs_reauth, had_progress;
	struct cs_accept *event;          /* lead.delivered or lead.failed; NULL when nobody listens */
	struct cs_accept_env env;
	int64_t accepted_ms;
	int32_t urgency, outcome;
};

static int
put_records(struct finish_op *o, struct cs_store *s, struct cs_err *err)
{
	json_object *list = NULL;
	int rc = 0;

	if (o->records[0] == '\0' || cs_json_parse(o->records, strlen(o->records), 4, &list, NULL) < 0)
		return 0;
	for (size_t i = 0; i < json_object_array_length(list) && rc >= 0; i++) {
		json_object *r = json_object_array_get_idx(list, i);

		rc = s->ops->record_put(s, o->move.conn_id, cs_json_str(r, "type", ""), cs_json_str(r, "id", ""), o->move.id, err);
	}
	json_object_put(list);
	return rc;
}

static int
put_callers(struct finish_op *o, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < o->n_remember && rc >= 0; i++)
		rc = put_caller(s, o->move.conn_id, o->keys, &o->remember[i], now_ms, err);
	return rc;
}

/* A person may have moved the row meanwhile: then this result is history, but delivered wins. */
static int
move(struct finish_op *o, struct cs_store *s, struct cs_err *err)
{
	struct cs_move m = o->move;
	int rc = s->ops->delivery_move(s, &m, err);

	if (rc != CS_ESTATE)
		return rc;
	if (m.to != CS_DELIVERED)
		return 0;
	m.gen = -1;
	m.from = CS_STATES_IN_HAND | CS_STATE_BIT(CS_DUE) | CS_STATE_BIT(CS_DEAD);
	rc = s->ops->delivery_move(s, &m, err);
	return rc == CS_ESTATE ? 0 : rc;
}

/* Whoever found out first may have said why more precisely: the renewal of its token, or the CRM itself. */
static int
need_owner(struct finish_op *o, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	struct cs_conn_row row;
	int rc = s->ops->conn_get(s, o->move.conn_id, &o->op.mem, &row, err);

	if (rc < 0 || row.state == CS_CONN_NEEDS_REAUTH)
		return rc;
	return s->ops->conn_state(s, o->move.conn_id, CS_CONN_NEEDS_REAUTH, "the CRM no longer accepts the credentials", now_ms, err);
}

static int
apply_finish(struct cs_wop *w, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	struct finish_op *o = (struct finish_op *)(void *)w;
	const char *progress = o->move.to == CS_DELIVERED ? "" : o->progress;
	int rc;

	if ((rc = move(o, s, err)) < 0)
		return rc;
	if ((o->had_progress || progress[0] != '\0') && (rc = s->ops->progress_put(s, o->move.id, progress, err)) < 0)
		return rc;
	if (o->keep_attempt && (rc = s->ops->attempt_put(s, &o->attempt, err)) < 0)
		return rc;
	if ((rc = put_records(o, s, err)) < 0 || (rc = put_callers(o, s, now_ms, err)) < 0)
		return rc;
	if (o->needs_reauth && (rc = need_owner(o, s, now_ms, err)) < 0)
		return rc;
	return o->event != NULL ? cs_accept_apply(o->event, &o->env, s, now_ms, err) : 0;
}

static void
finish_committed(struct cs_wop *w)
{
	struct finish_op *o = (struct finish_op *)(void *)w;

	if (o->event != NULL) {
		cs_accept_committed(o->event, &o->env, w->rc);
		cs_accept_free(o->event);
	}
	if (w->rc == 0 && o->move.to == CS_DUE)
		cs_engine_post_backlog(o->op.engine, o->move.conn_id, o->crm, o->lane, 1, o->move.due_ms);
	if (w->rc == 0 && o->needs_reauth)
		cs_engine_post_conn(o->op.engine, o->move.conn_id, false);
	committed_plain(w);
}

static void
fill_move(const struct cs_result *r, struct cs_move *m)
{
	const struct cs_decision *d = r->decision;

	*m = (struct cs_move){ .id = r->job->d.id, .gen = r->job->d.gen, .from = CS_STATES_IN_HAND, .to = d->to,
		.conn_id = r->job->d.conn_id, .due_ms = d->due_ms, .expires_ms = d->expires_ms, .wait_since_ms = d->wait_since_ms,
		.attempts = d->attempts, .blame = d->to == CS_DELIVERED ? CS_BLAME_NONE : d->blame, .doubt = false, .crashes = r->crashes,
		.set = CS_SET_ATTEMPTS | CS_SET_WAIT | CS_SET_BLAME | CS_SET_DOUBT | CS_SET_REASON | CS_SET_CRASHES };
	if (d->to == CS_DUE)
		m->set |= CS_SET_DUE | CS_SET_EXPIRES;
	else
		m->set |= CS_SET_DONE;
	if (d->to == CS_DELIVERED)
		m->set |= CS_SET_RECORDS | CS_SET_WARNINGS;
}

static const char *
in_brackets(struct cs_arena *mem, const char *rows)
{
	size_t n = strlen(rows);
	char *out = cs_arena_alloc(mem, n + 3);

	out[0] = '[';
	memcpy(out + 1, rows, n);
	out[n + 1] = ']';
	return out;
}

void
cs_results_finish(struct cs_engine *e, const struct cs_result *r)
{
	struct finish_op *o = op_new(e, sizeof(*o), apply_finish, finish_committed);
	struct cs_arena *mem = &o->op.mem;
	int64_t now_ms = cs_now_ms(e->c.clock);

	fill_move(r, &o->move);
	o->move.done_ms = now_ms;
	o->move.reason = r->decision->to == CS_DELIVERED ? "" : cs_arena_strdup(mem, r->reason);
	o->move.records = o->records = cs_arena_strdup(mem, r->records);
	o->move.warnings = cs_arena_strdup(mem, r->warnings);
	o->progress = cs_arena_strdup(mem, r->progress);
	o->had_progress = r->job->progress != NULL || r->progress[0] != '\0';
	o->keep_attempt = true;
	/* Waiting is not charged and a replay counts anew, so only the store knows how many tries there were before. */
	o->attempt = (struct cs_attempt_row){ .delivery_id = r->job->d.id, .number = r->job->d.state == CS_IN_HAND ? 1 : 0, .started_ms = r->started_ms,
		.ended_ms = now_ms, .outcome = r->outcome, .blame = r->decision->blame, .status = r->status, .reason = o->move.reason,
		.exchanges = in_brackets(mem, r->exchanges), .versions = r->context != NULL ? cs_arena_strdup(mem, r->context->versions) : "" };
	for (size_t i = 0; i < r->n_remember; i++)
		o->remember[o->n_remember++] =
		    (struct cs_remember){ cs_arena_strdup(mem, r->remember[i].step), cs_arena_strdup(mem, r->remember[i].value) };
	o->keys[0] = r->job->d.phone_key;
	o->keys[1] = r->job->d.email_key;
	memcpy(o->crm, r->job->crm, sizeof(o->crm));
	o->lane = r->job->d.lane;
	o->needs_reauth = r->needs_reauth;
	o->env = (struct cs_accept_env){ e->c.slots, e, e->c.epoch, cs_schedule_span_ms(&e->schedule) };
	o->event = cs_events_of_result(e, r);
	cs_metrics_attempt(r->job->crm, r->outcome, r->decision->to, r->decision->blame, r->job->d.urgency,
	    now_ms - r->job->lead->received_ms);
	op_put(&o->op);
}

/* ---- back to the store, unsent */

static int
apply_move(struct cs_wop *w, struct cs_store *s, int64_t now_ms CS_UNUSED, struct cs_err *err)
{
	struct finish_op *o = (struct finish_op *)(void *)w;

	return move(o, s, err);
}

void
cs_results_hand_back(struct cs_engine *e, const struct cs_job *j, int64_t due_ms, bool doubt)
{
	struct finish_op *o = op_new(e, sizeof(*o), apply_move, finish_committed);

	o->move = (struct cs_move){ .id = j->d.id, .gen = j->d.gen, .from = CS_STATES_IN_HAND, .to = CS_DUE, .conn_id = j->d.conn_id,
		.set = CS_SET_DUE | CS_SET_EXPIRES | CS_SET_DOUBT, .due_ms = due_ms, .doubt = doubt,
		.expires_ms = j->d.expires_ms > due_ms ? j->d.expires_ms : due_ms + CS_MINUTE_MS };
	memcpy(o->crm, j->crm, sizeof(o->crm));
	o->lane = j->d.lane;
	op_put(&o->op);
}

/* ---- taking */

struct fetch_op {
	struct op op;
	struct cs_msg msg;
	int64_t conn_id, epoch;
	enum cs_lane lane;
	char crm[65];
	struct cs_work work[CS_FETCH_ROWS];
	struct cs_backlog left;
	int n, max;
};

static int
apply_fetch(struct cs_wop *w, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	struct fetch_op *o = (struct fetch_op *)(void *)w;
	int n;

	cs_arena_reset(&o->op.mem);
	n = s->ops->delivery_take(s, o->conn_id, o->lane, o->epoch, now_ms, o->max, 4u << 20, &o->op.mem, o->work, &o->left, err);
	o->n = n > 0 ? n : 0;
	return n < 0 ? n : 0;
}

static void
fetched(struct cs_engine *e, struct cs_msg *m)
{
	struct fetch_op *o = CS_CONTAINER(m, struct fetch_op, msg);
	struct cs_tree_conn *tc = cs_tree_conn(&e->tree, o->conn_id, o->crm);
	struct cs_list items;

	cs_list_init(&items);
	for (int i = 0; i < o->n; i++) {
		const struct cs_work *w = &o->work[i];
		struct cs_lead_ref *lead = cs_lead_ref_new(w->lead.body.ptr, w->lead.body.len, w->lead.received_ms);
		struct cs_job *j = cs_job_new(&w->d, lead, w->progress);

		cs_lead_ref_put(lead);
		memcpy(j->crm, o->crm, sizeof(j->crm));
		e->c.slots->in_hand++;
		e->c.slots->lead_bytes += (int64_t)j->lead->len;
		cs_list_push(&e->jobs, &j->node);
		cs_list_push(&items, &j->item.node);
	}
	cs_tree_fetched(&e->tree, tc, o->lane, &items, o->left.count, o->left.earliest_due_ms, cs_now_ms(e->c.clock));
	cs_engine_publish_blocked(e, tc);
	op_free(&o->op);
}

/* The engine has stopped meanwhile. */
static void
give_back(struct fetch_op *o)
{
	for (int i = 0; i < o->n; i++) {
		struct cs_job j = { .d = o->work[i].d };

		memcpy(j.crm, o->crm, sizeof(j.crm));
		cs_results_hand_back(o->op.engine, &j, j.d.due_ms, j.d.doubt);
	}
	op_free(&o->op);
}

static void
fetch_committed(struct cs_wop *w)
{
	struct fetch_op *o = (struct fetch_op *)(void *)w;

	o->msg.handle = fetched;
	if (w->rc < 0) {
		o->n = 0;
		o->left = (struct cs_backlog){ .count = 1, .earliest_due_ms = cs_now_ms(o->op.engine->c.clock) + CS_SECOND_MS };
	}
	if (!cs_engine_post(o->op.engine, &o->msg))
		give_back(o);
}

void
cs_results_fetch(struct cs_engine *e, struct cs_tree_conn *tc, enum cs_lane lane, int rows)
{
	struct fetch_op *o = op_new(e, sizeof(*o), apply_fetch, fetch_committed);

	o->conn_id = tc->id;
	o->lane = lane;
	o->epoch = e->c.epoch;
	o->max = rows;
	memcpy(o->crm, tc->crm->name, sizeof(o->crm));
	op_put(&o->op);
}

void
cs_results_count_http(struct cs_engine *e CS_UNUSED, const char *crm, const struct cs_http_answer *a)
{
	cs_metrics_http(crm, a->status, a->total_us);
}
