/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attempt.c - one try of a delivery: map, push, decide, write down. Only here do queue and plugin meet.
 *
 *   job in hand -> context -> steps (receipts, doubt) -> [map, overrides] -> push -> verdict -> decision -> results
 *
 * With overrides, map runs as a call of its own, since the patch is laid on between; without them map and push are one
 * call. An attempt that cannot even begin (no plugin, settings that break the manifest) holds the connection and gives the
 * delivery back uncharged: that is the set-up's trouble, and mending it heals what is queued.
 */
#include <stdlib.h>
#include <string.h>
#include "deliver/engine_private.h"
#include "deliver/events.h"
#include "deliver/call/exchange.h"
#include "deliver/fresh.h"
#include "deliver/gone.h"
#include "deliver/call/identify.h"
#include "deliver/call/overrides.h"
#include "deliver/plugins.h"
#include "deliver/results.h"
#include "deliver/steps.h"
#include "log/log.h"

#define CRASHES_MAX 3
#define AGAIN_MS CS_SECOND_MS
#define CALLER_MEMORY_MS CS_DAY_MS
#define KNOWN_MAX 32
#define MAPPED_MAX (1u << 20)
#define RECORDS_MAX (64u << 10)
#define SPARE_MAX 64               /* attempts that are over and kept for the next ones */
#define KEEP ((size_t)8 << 10)     /* of each of their buffers */

struct attempt {
	struct cs_session session;   /* first */
	struct cs_tree_conn *tc;
	struct cs_job *job;
	struct cs_arena mem;
	struct cs_buf document, records;
	bool mapping;
	bool marking, gone;          /* a "sent" mark is on its way to the disk; gone: forget it when it is there */
	struct cs_caller_row *known; /* of the caller, by the store; NULL: not read yet */
	int n_known;
	const char *suspicion;       /* the plugin's process died while this was on the processor: how; NULL */
	int64_t started_ms;
	char delivery_id[40];
	struct cs_steps steps;       /* cs_steps_read fills it; the last one, not cleared for the next attempt */
};

static struct attempt *
attempt_of(struct cs_session *s)
{
	return (struct attempt *)(void *)s;
}

static void
destroy(struct attempt *a)
{
	cs_buf_fini(&a->session.exchanges);
	cs_buf_fini(&a->document);
	cs_buf_fini(&a->records);
	cs_arena_fini(&a->mem);
	free(a);
}

static void
attempt_free(struct attempt *a)
{
	if (a->marking) { /* the writer's answer still comes */
		a->gone = true;
		return;
	}
	cs_context_unref(a->session.context);
	if (a->session.engine->n_spare_attempts >= SPARE_MAX) {
		destroy(a);
		return;
	}
	cs_list_init(&a->session.node);
	cs_list_insert_before(a->session.engine->spare_attempts.next, &a->session.node); /* the warmest first */
	a->session.engine->n_spare_attempts++;
}

void
cs_attempt_free_spare(struct cs_engine *e)
{
	struct cs_list *n;

	while ((n = cs_list_pop(&e->spare_attempts)) != NULL)
		destroy(attempt_of(CS_CONTAINER(n, struct cs_session, node)));
}

/* Empty, with the memory of one that is over if there is one. */
static struct attempt *
attempt_new(struct cs_engine *e)
{
	struct cs_list *n = cs_list_pop(&e->spare_attempts);
	struct attempt *a = n != NULL ? attempt_of(CS_CONTAINER(n, struct cs_session, node)) : cs_xcalloc(1, sizeof(*a));
	struct cs_buf exchanges = a->session.exchanges, document = a->document, records = a->records;
	struct cs_arena mem = a->mem;

	e->n_spare_attempts -= n != NULL;
	memset(a, 0, offsetof(struct attempt, steps));
	a->session.engine = e;
	a->session.exchanges = exchanges;
	a->document = document;
	a->records = records;
	a->mem = mem;
	a->document.max = MAPPED_MAX;
	a->records.max = RECORDS_MAX;
	cs_buf_recycle(&a->session.exchanges, KEEP);
	cs_buf_recycle(&a->document, KEEP);
	cs_buf_recycle(&a->records, KEEP);
	cs_arena_reset(&a->mem);
	return a;
}

/* ---- what the session asks and tells */

static void
sent_mark_is_durable(struct cs_engine *e CS_UNUSED, void *ctx, int rc)
{
	struct attempt *a = ctx;

	a->marking = false;
	if (a->gone)
		attempt_free(a);
	else
		cs_session_go(&a->session, rc == 0 ? CS_DONE : CS_RETRY);
}

static void
mark_sent(struct attempt *a, struct cs_step_state *st)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf json = CS_BUF_INIT(0);

	st->sent_ms = cs_now_ms(a->session.engine->c.clock);
	cs_steps_write(&a->steps, &json);
	a->marking = true;
	cs_results_progress_then(a->session.engine, a->job->d.id, cs_buf_str(&json), sent_mark_is_durable, a);
	a->steps.dirty = false;
}

/* Receipts and doubts are written at once: they ride the next commit, while the plugin goes on. */
static void
save_steps(struct attempt *a)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf json = CS_BUF_INIT(0);

	if (!a->steps.dirty)
		return;
	a->steps.dirty = false;
	cs_steps_write(&a->steps, &json);
	cs_results_progress(a->session.engine, a->job->d.id, cs_buf_str(&json));
}

static int32_t
before(struct cs_session *s, const struct cs_step_row *row, const struct cs_http_req *req, bool *hold)
{
	struct attempt *a = attempt_of(s);
	int32_t may;

	save_steps(a); /* what the steps before this one left */
	if (!req->mutates)
		return CS_DONE;
	may = cs_steps_may_send(&a->steps, row->name);
	if (may == CS_RETRY)
		s->fault = "the plugin sent a step in doubt again without looking whether it had happened";
	if (may == CS_DONE && row->on_doubt == CS_DOUBT_ASK) {
		mark_sent(a, cs_steps_find(&a->steps, row->name));
		*hold = true;
	}
	return may;
}

static void
after(struct cs_session *s, const struct cs_step_row *row, const char *looks_for, bool doubt, int status)
{
	struct attempt *a = attempt_of(s);

	if (s->x->mutates)
		cs_steps_sent(&a->steps, row->name, doubt, status, cs_now_ms(s->engine->c.clock));
	if (looks_for != NULL && ((status >= 200 && status < 300) || status == 404))
		cs_steps_looked(&a->steps, looks_for);
	if (doubt)
		save_steps(a);
	cs_crash_point("after-answer");
}

static void
receipt(struct cs_session *s, const char *step, struct cs_bytes value)
{
	cs_steps_receipt(&attempt_of(s)->steps, step, value);
}

static void
record(struct cs_session *s, const char *type, const char *id, const char *url)
{
	struct attempt *a = attempt_of(s);
	CS_CLEANUP(cs_buf_fini) struct cs_buf link = CS_BUF_INIT(4096);
	struct cs_lookup lk = cs_context_lookup(s->context, false);
	const struct cs_manifest *m = s->context->manifest;
	struct cs_buf *b = &a->records;

	lk.id = id;
	for (size_t i = 0; url[0] == '\0' && i < m->n_links; i++)
		if (strcmp(m->links[i].name, type) == 0 && cs_context_has_facts(s->context, m->links[i].value))
			cs_template_expand(m->links[i].value, CS_IN_URL, &lk, &link, NULL);
	if (url[0] == '\0')
		url = cs_buf_str(&link);
	cs_buf_adds(b, b->len > 0 ? ",{\"type\":" : "[{\"type\":");
	cs_buf_add_json_string(b, type, strlen(type));
	cs_buf_adds(b, ",\"id\":");
	cs_buf_add_json_string(b, id, strlen(id));
	cs_buf_adds(b, ",\"url\":");
	cs_buf_add_json_string(b, url, strlen(url));
	cs_buf_addc(b, '}');
}

static void
emit(struct cs_session *s, struct cs_bytes out)
{
	struct attempt *a = attempt_of(s);

	if (a->mapping) {
		cs_buf_reset(&a->document);
		cs_buf_add(&a->document, out.ptr, out.len);
	}
}

static void
again(struct cs_session *s)
{
	cs_buf_reset(&attempt_of(s)->records);
}

static void
suspected(struct cs_session *s, const char *what)
{
	struct attempt *a = attempt_of(s);
	const char *event_id = a->job->lead->doc->view.event_id;

	a->suspicion = cs_arena_printf(&a->mem, "the plugin's process died over this lead, which was run again alone: %s", what);
	cs_plugins_blame(s->engine, s->context->crm, event_id);
	cs_log(CS_LOG_ERROR, "plugin", "its process died over a lead, which is run again alone",
	    "plugin=%s event_id=%s account=%s connection=%s delivery=%lld why=\"%s\"", s->context->crm, event_id, s->context->account,
	    s->context->public_id, (long long)a->job->d.id, what);
}

/* ---- callers */

/* What the store knows of the caller is read once per attempt. */
static void
read_known(struct attempt *a)
{
	struct cs_engine *e = a->session.engine;
	const uint64_t keys[2] = { a->job->d.phone_key, a->job->d.email_key };
	int n;

	if (a->known != NULL)
		return;
	a->known = cs_arena_alloc(&a->mem, KNOWN_MAX * sizeof(*a->known));
	n = e->c.reader->ops->caller_list(e->c.reader, a->job->d.conn_id, keys, cs_now_ms(e->c.clock) - CALLER_MEMORY_MS, &a->mem,
	    a->known, KNOWN_MAX, NULL);
	a->n_known = n > 0 ? n : 0;
}

/* What was known of the caller before this lead; "" or text in a->mem or in memory. */
static const char *
known_of_caller(struct attempt *a, const char *what)
{
	const uint64_t keys[2] = { a->job->d.phone_key, a->job->d.email_key };
	const char *known = cs_callers_recall(&a->session.engine->callers, a->job->d.conn_id, keys, what);

	if (known != NULL)
		return known;
	read_known(a);
	for (int i = 0; i < a->n_known; i++)
		if (strcmp(a->known[i].step, what) == 0)
			return a->known[i].value;
	return "";
}

/* Since when the caller's other leads may go; 0: nothing holds them. */
static int64_t
caller_held_ms(struct attempt *a)
{
	for (size_t i = 0; i < a->steps.n; i++)
		if (cs_step_creates_caller(a->steps.v[i].row))
			return strtoll(known_of_caller(a, CS_CALLER_HELD), NULL, 10);
	return 0;
}

/* The same as text in a->mem; NULL when nothing of the caller is in doubt. */
static const char *
hold_caller(struct attempt *a)
{
	const uint64_t keys[2] = { a->job->d.phone_key, a->job->d.email_key };

	for (size_t i = 0; i < a->steps.n; i++) {
		const struct cs_step_state *st = &a->steps.v[i];

		if (st->state != CS_RECEIPT_IN_DOUBT || !cs_step_creates_caller(st->row))
			continue;
		cs_callers_hold(&a->session.engine->callers, a->job->d.conn_id, keys, st->doubt_ms + st->row->lookup_lag_ms);
		return cs_arena_printf(&a->mem, "%lld", (long long)(st->doubt_ms + st->row->lookup_lag_ms));
	}
	return NULL;
}

/* ---- the end */

/* Also of an attempt that failed later on: the next lead of the caller must not create it again. */
static void
remember_caller(struct attempt *a, struct cs_result *r)
{
	const uint64_t keys[2] = { a->job->d.phone_key, a->job->d.email_key };
	const char *held = hold_caller(a);

	if (held != NULL)
		r->remember[r->n_remember++] = (struct cs_remember){ CS_CALLER_HELD, held };
	for (size_t i = 0; i < a->steps.n && r->n_remember < CS_ARRAY_LEN(r->remember); i++) {
		const struct cs_step_state *st = &a->steps.v[i];

		if (!st->row->per_caller || st->state != CS_RECEIPT_VALUE)
			continue;
		cs_callers_remember(&a->session.engine->callers, a->job->d.conn_id, keys, st->row->name, st->value);
		r->remember[r->n_remember++] = (struct cs_remember){ st->row->name, st->value };
	}
}

static enum cs_tree_result
tree_result(const struct cs_decision *d, int32_t outcome)
{
	if (d->to == CS_DELIVERED || outcome == CS_REJECT)
		return CS_TREE_OK; /* it answers: a refused lead is not the connection's illness */
	return d->failure ? CS_TREE_FAILED : CS_TREE_NEUTRAL;
}

static void
leave(struct cs_engine *e, struct cs_tree_conn *tc, struct cs_job *job, enum cs_tree_result r)
{
	int64_t now_ms = cs_now_ms(e->c.clock);
	struct cs_tree_change ch;
	struct cs_list next;

	cs_list_init(&next);
	cs_callers_leave(&e->callers, job, &next);
	while (!cs_list_empty(&next)) { /* to the front, the first one last */
		struct cs_list *n = next.prev;

		cs_list_del(n);
		cs_tree_add(&e->tree, tc, CS_CONTAINER(n, struct cs_item, node), true, now_ms);
	}
	ch = cs_tree_finish(&e->tree, tc, r, now_ms);
	cs_engine_conn_state(e, tc, ch);
}

static void
judge(struct attempt *a, const struct cs_wire_done *w, struct cs_verdict *v)
{
	struct cs_session *s = &a->session;

	*v = (struct cs_verdict){ .outcome = w->outcome, .not_before_ms = s->not_before_ms, .status = s->last_status };
	if (w->has_retry_after)
		v->not_before_ms = cs_now_ms(s->engine->c.clock) + w->retry_after_ms;
	if (w->outcome != CS_DONE)
		cs_steps_end(&a->steps, cs_now_ms(s->engine->c.clock));
	v->doubt = cs_steps_in_doubt(&a->steps, &v->ask, &v->look_after_ms);
	if (s->fault != NULL && s->fault[0] != '\0')
		v->blame = CS_BLAME_US;
	else if (s->fault != NULL)
		v->blame = CS_BLAME_CONNECTION;
	if (w->crash != 0) {
		v->outcome = a->job->d.crashes + 1 < CRASHES_MAX ? CS_RETRY : CS_REJECT;
		v->blame = CS_BLAME_US;
	}
	if (v->outcome == CS_RETRY && v->doubt)
		v->outcome = CS_UNKNOWN;
}

static void
log_end(const struct attempt *a, const struct cs_verdict *v, const struct cs_decision *d)
{
	const struct cs_context *c = a->session.context;
	bool done = d->to == CS_DELIVERED;

	cs_log(done ? CS_LOG_INFO : d->to == CS_DEAD ? CS_LOG_WARN : CS_LOG_INFO, "deliver",
	    done ? "delivered" : d->to == CS_DEAD ? "dead letter" : "deferred",
	    "event_id=%s account=%s connection=%s delivery=%lld attempt=%d outcome=%s status=%d blame=%s",
	    a->job->lead->doc->view.event_id, c->account, c->public_id, (long long)a->job->d.id, d->attempts, cs_outcome_name(v->outcome),
	    v->status, cs_blame_name(d->blame));
}

/* What the plugin's process had to do with it stands in front of the plugin's own words. */
static void
tell_crash(struct attempt *a, const struct cs_wire_done *w, const struct cs_verdict *v, struct cs_result *r)
{
	if (a->suspicion != NULL)
		r->warnings = cs_arena_printf(&a->mem, "%s%s%s", a->suspicion, w->warnings[0] != '\0' ? "\n" : "", w->warnings);
	if (w->crash != 0 && v->outcome == CS_REJECT)
		r->reason = cs_arena_printf(&a->mem, "this lead stopped the plugin %d times and is kept aside; the last time: %s", CRASHES_MAX,
		    r->reason);
}

static void
conclude(struct attempt *a, const struct cs_wire_done *w)
{
	struct cs_engine *e = a->session.engine;
	CS_CLEANUP(cs_buf_fini) struct cs_buf progress = CS_BUF_INIT(0);
	struct cs_verdict v;
	struct cs_decision d;
	struct cs_result r = { .job = a->job, .context = a->session.context, .decision = &d, .reason = w->reason,
		.warnings = w->warnings, .started_ms = a->started_ms };

	judge(a, w, &v);
	cs_outcome_decide(&e->schedule, e->c.clock, &a->job->d, &v, &d);
	if (a->session.fault != NULL && a->session.fault[0] != '\0')
		r.reason = a->session.fault;
	else if (r.reason[0] == '\0')
		r.reason = d.why;
	tell_crash(a, w, &v, &r);
	cs_steps_write(&a->steps, &progress);
	if (a->records.len > 0)
		cs_buf_addc(&a->records, ']');
	r.outcome = v.outcome;
	r.status = v.status;
	r.doubt = v.doubt;
	r.progress = cs_buf_str(&progress);
	r.exchanges = cs_buf_str(&a->session.exchanges);
	r.records = cs_buf_str(&a->records);
	r.needs_reauth = v.outcome == CS_REAUTH;
	r.crashes = w->crash != 0 ? a->job->d.crashes + 1 : 0;
	remember_caller(a, &r);
	log_end(a, &v, &d);
	cs_crash_point("before-finish");
	cs_results_finish(e, &r);
	if (cs_gone(a->session.context, v.outcome, v.status))
		cs_gone_end(e, a->session.context);
	else if (!a->job->lead->doc->is_event)
		cs_events_watch(e, a->tc, a->session.context, d.to, r.needs_reauth);
	e->n_flying--;
	leave(e, a->tc, a->job, tree_result(&d, w->crash != 0 ? CS_RETRY : v.outcome));
	cs_engine_job_gone(e, a->job);
	attempt_free(a);
}

/* Not charged: our own trouble kept it from ending. What was sent and may have happened is looked for before the next try. */
static void
give_back(struct attempt *a)
{
	struct cs_engine *e = a->session.engine;
	int64_t now_ms = cs_now_ms(e->c.clock);
	const char *held;

	cs_steps_end(&a->steps, now_ms);
	save_steps(a);
	if ((held = hold_caller(a)) != NULL)
		cs_results_caller(e, &a->job->d, CS_CALLER_HELD, held);
	e->n_flying--;
	leave(e, a->tc, a->job, CS_TREE_NEUTRAL);
	cs_engine_hand_back(e, a->job, now_ms + AGAIN_MS);
	attempt_free(a);
}

/* ---- the beginning */

static void push(struct attempt *a, int kind);

static void
mapped(struct attempt *a, const struct cs_wire_done *w)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf laid = CS_BUF_INIT(MAPPED_MAX);
	struct cs_context *c = a->session.context;
	struct cs_wire_done refused = { .outcome = CS_REJECT, .warnings = "" };
	struct cs_err err;

	a->mapping = false;
	if (w->outcome != CS_DONE) {
		conclude(a, w);
		return;
	}
	if (cs_overrides_apply(cs_buf_str(&a->document), a->document.len, c->overrides, cs_lead_json(a->job->lead->doc), &laid, &err) < 0) {
		refused.reason = err.msg;
		conclude(a, &refused);
		return;
	}
	cs_buf_reset(&a->document);
	cs_buf_add(&a->document, laid.ptr, laid.len);
	push(a, CS_CALL_PUSH);
}

static void
on_done(struct cs_session *s, const struct cs_wire_done *w)
{
	struct attempt *a = attempt_of(s);

	if (w->crash == CS_WIRE_LOST)
		give_back(a);
	else if (a->mapping && s->context->overrides != NULL)
		mapped(a, w);
	else
		conclude(a, w);
}

static const struct cs_session_ops attempt_ops = {
	.before = before, .after = after, .receipt = receipt, .record = record, .emit = emit, .again = again, .suspected = suspected,
	.done = on_done,
};

/* Receipts for the plugin: its own, and what an earlier lead of the caller left. */
static size_t
receipts_of(struct attempt *a, struct cs_wire_receipt *out)
{
	size_t n = 0;

	for (size_t i = 0; i < a->steps.n; i++) {
		const struct cs_step_state *st = &a->steps.v[i];
		const char *known;

		if (st->state != CS_RECEIPT_ABSENT)
			out[n++] = (struct cs_wire_receipt){ st->row->name, st->state,
				{ st->value != NULL ? st->value : "", st->value != NULL ? strlen(st->value) : 0 } };
		if (!st->row->per_caller || st->state == CS_RECEIPT_VALUE)
			continue;
		known = known_of_caller(a, st->row->name);
		if (known[0] != '\0')
			out[n++] = (struct cs_wire_receipt){ st->row->name, CS_WIRE_REMEMBERED, { known, strlen(known) } };
	}
	return n;
}

static void
push(struct attempt *a, int kind)
{
	struct cs_wire_receipt receipts[2 * CS_STEPS_MAX];
	struct cs_wire_call in = { .kind = kind, .what_kind = cs_lead_is_test(a->job->lead->doc) ? CS_PUSH_TEST : CS_PUSH_LEAD, .delivery_id = a->delivery_id, .what = "",
		.attempt = a->job->d.attempts + 1, .lead = &a->job->lead->doc->view, .receipts = receipts, .query = "", .channel = "" };
	bool ask;
	int64_t look;

	cs_lead_resolve_time(a->job->lead->doc, a->session.context->timezone);
	in.may_exist = cs_steps_in_doubt(&a->steps, &ask, &look);
	in.n_receipts = receipts_of(a, receipts);
	in.document = (struct cs_bytes){ cs_buf_str(&a->document), a->document.len };
	a->session.alone = a->job->d.crashes > 0;
	if (cs_session_start(&a->session, &in) < 0)
		give_back(a);
}

/* Nothing can be done for this connection until somebody mends its set-up. */
static void
hold_set_up(struct cs_engine *e, struct cs_tree_conn *tc, struct cs_job *j, const struct cs_err *err)
{
	cs_log(CS_LOG_ERROR, "deliver", "connection is held until its set-up is mended", "connection_id=%lld crm=%s why=\"%s\"",
	    (long long)tc->id, tc->crm->name, err->msg);
	leave(e, tc, j, CS_TREE_NEUTRAL);
	cs_tree_hold_conn(&e->tree, tc, true, cs_now_ms(e->c.clock));
	cs_engine_hand_back(e, j, 0);
	cs_engine_publish_blocked(e, tc);
}

static void
begin(void *ctx)
{
	struct attempt *a = ctx;

	a->mapping = true;
	push(a, a->session.context->overrides != NULL ? CS_CALL_MAP : CS_CALL_MAP_PUSH);
}

static void
name_delivery(struct attempt *a, int64_t id)
{
	struct cs_buf b = { .ptr = a->delivery_id, .cap = sizeof(a->delivery_id), .max = sizeof(a->delivery_id) - 1 };

	cs_buf_adds(&b, "dlv_");
	cs_buf_add_int(&b, id);
}

void
cs_attempt_start(struct cs_engine *e, struct cs_tree_conn *tc, struct cs_job *j)
{
	int64_t now_ms = cs_now_ms(e->c.clock), look_after = 0;
	struct cs_context *c;
	struct attempt *a;
	const char *held;
	struct cs_err err;
	bool ask;

	if ((c = cs_engine_context(e, tc->id, &err)) == NULL) {
		hold_set_up(e, tc, j, &err);
		return;
	}
	a = attempt_new(e);
	a->session.context = cs_context_ref(c);
	a->session.ops = &attempt_ops;
	a->tc = tc;
	a->job = j;
	a->started_ms = now_ms;
	cs_list_init(&a->session.node);
	name_delivery(a, j->d.id);
	cs_steps_read(&a->steps, c->manifest, j->progress, j->d.doubt ? e->c.epoch_started_ms : 0, &a->mem);
	if (!cs_steps_in_doubt(&a->steps, &ask, &look_after) || ask)
		look_after = caller_held_ms(a);
	else if (look_after > now_ms && (held = hold_caller(a)) != NULL)
		cs_results_caller(e, &j->d, CS_CALLER_HELD, held);
	if (look_after > now_ms) { /* looking now would see nothing */
		leave(e, tc, j, CS_TREE_NEUTRAL);
		cs_engine_hand_back(e, j, look_after);
		attempt_free(a);
		return;
	}
	e->n_flying++;
	cs_identify_if_needed(e, c, now_ms);
	if (!cs_fresh_links(e, j, begin, a))
		begin(a);
}

/* Time is up while a request is under way. What was certainly not sent goes back as it came; the rest is in doubt. */
static void
abandon(struct cs_engine *e, struct attempt *a)
{
	static const struct cs_wire_done given_up = { .outcome = CS_UNKNOWN, .warnings = "",
		.reason = "the daemon stopped before the answer came" };
	struct cs_session *s = &a->session;
	bool sent = s->x != NULL && s->x->mutates && s->x->timer.place == 0 && !cs_exchange_waits(s->x);

	if (sent)
		cs_steps_sent(&a->steps, s->x->step->name, true, 0, cs_now_ms(e->c.clock));
	cs_session_drop(s);
	if (sent) {
		conclude(a, &given_up);
		return;
	}
	save_steps(a);
	e->n_flying--;
	leave(e, a->tc, a->job, CS_TREE_NEUTRAL);
	cs_engine_hand_back(e, a->job, 0);
	attempt_free(a);
}

static void
abandon_unbegun(void *ctx)
{
	struct attempt *a = ctx;

	abandon(a->session.engine, a);
}

void
cs_attempt_abandon_all(struct cs_engine *e)
{
	cs_fresh_abandon_all(e, abandon_unbegun);
	CS_LIST_EACH_SAFE(n, tmp, &e->sessions) {
		struct cs_session *s = CS_CONTAINER(n, struct cs_session, node);

		if (s->ops == &attempt_ops)
			abandon(e, attempt_of(s));
		else if (s->ops == &cs_call_ops)
			cs_call_abandon(s);
		else if (s->abandoned != NULL)
			s->abandoned(s);
	}
}
