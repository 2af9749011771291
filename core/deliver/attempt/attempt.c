/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attempt.c - one try of a delivery: map, push, decide, write down. Only here do queue and plugin meet.
 *
 *   job in hand -> context -> steps (receipts, doubt) -> [map, overrides] -> push -> end.c
 *
 * With overrides, map runs as a call of its own, since the patch is laid on between; without them map and push are one
 * call. An attempt that cannot even begin (no plugin, settings that break the manifest) holds the connection and gives the
 * delivery back uncharged: that is the set-up's trouble, and mending it heals what is queued.
 */
#include <stdlib.h>
#include <string.h>
#include "deliver/attempt/private.h"
#include "deliver/call/exchange.h"
#include "deliver/attempt/fresh.h"
#include "deliver/call/identify.h"
#include "deliver/call/overrides.h"
#include "deliver/plugins.h"
#include "log/log.h"

#define MAPPED_MAX (1u << 20)
#define RECORDS_MAX (64u << 10)
#define SPARE_MAX 64               /* attempts that are over and kept for the next ones */
#define KEEP ((size_t)8 << 10)     /* of each of their buffers */

static void
destroy(struct attempt *a)
{
	cs_buf_fini(&a->session.exchanges);
	cs_buf_fini(&a->document);
	cs_buf_fini(&a->records);
	cs_arena_fini(&a->mem);
	free(a);
}

void
cs_attempt_free(struct attempt *a)
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
		destroy(cs_attempt_of(CS_CONTAINER(n, struct cs_session, node)));
}

/* Empty, with the memory of one that is over if there is one. */
static struct attempt *
attempt_new(struct cs_engine *e)
{
	struct cs_list *n = cs_list_pop(&e->spare_attempts);
	struct attempt *a = n != NULL ? cs_attempt_of(CS_CONTAINER(n, struct cs_session, node)) : cs_xcalloc(1, sizeof(*a));
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
		cs_attempt_free(a);
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
void
cs_attempt_save_steps(struct attempt *a)
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
	struct attempt *a = cs_attempt_of(s);
	int32_t may;

	cs_attempt_save_steps(a); /* what the steps before this one left */
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
	struct attempt *a = cs_attempt_of(s);

	if (s->x->mutates)
		cs_steps_sent(&a->steps, row->name, doubt, status, cs_now_ms(s->engine->c.clock));
	if (looks_for != NULL && ((status >= 200 && status < 300) || status == 404))
		cs_steps_looked(&a->steps, looks_for);
	if (doubt)
		cs_attempt_save_steps(a);
	cs_crash_point("after-answer");
}

static void
receipt(struct cs_session *s, const char *step, struct cs_bytes value)
{
	cs_steps_receipt(&cs_attempt_of(s)->steps, step, value);
}

static void
record(struct cs_session *s, const char *type, const char *id, const char *url)
{
	struct attempt *a = cs_attempt_of(s);
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
	struct attempt *a = cs_attempt_of(s);

	if (a->mapping) {
		cs_buf_reset(&a->document);
		cs_buf_add(&a->document, out.ptr, out.len);
	}
}

static void
again(struct cs_session *s)
{
	cs_buf_reset(&cs_attempt_of(s)->records);
}

static void
suspected(struct cs_session *s, const char *what)
{
	struct attempt *a = cs_attempt_of(s);
	const char *event_id = a->job->lead->doc->view.event_id;

	a->suspicion = cs_arena_printf(&a->mem, "the plugin's process died over this lead, which was run again alone: %s", what);
	cs_plugins_blame(s->engine, s->context->crm, event_id);
	cs_log(CS_LOG_ERROR, "plugin", "its process died over a lead, which is run again alone",
	    "plugin=%s event_id=%s account=%s connection=%s delivery=%lld why=\"%s\"", s->context->crm, event_id, s->context->account,
	    s->context->public_id, (long long)a->job->d.id, what);
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
		cs_attempt_conclude(a, w);
		return;
	}
	if (cs_overrides_apply(cs_buf_str(&a->document), a->document.len, c->overrides, cs_lead_json(a->job->lead->doc), &laid, &err) < 0) {
		refused.reason = err.msg;
		cs_attempt_conclude(a, &refused);
		return;
	}
	cs_buf_reset(&a->document);
	cs_buf_add(&a->document, laid.ptr, laid.len);
	push(a, CS_CALL_PUSH);
}

static void
on_done(struct cs_session *s, const struct cs_wire_done *w)
{
	struct attempt *a = cs_attempt_of(s);

	if (w->crash == CS_WIRE_LOST)
		cs_attempt_give_back(a);
	else if (a->mapping && s->context->overrides != NULL)
		mapped(a, w);
	else
		cs_attempt_conclude(a, w);
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
		known = cs_attempt_known(a, st->row->name);
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
		cs_attempt_give_back(a);
}

/* Nothing can be done for this connection until somebody mends its set-up. */
static void
hold_set_up(struct cs_engine *e, struct cs_tree_conn *tc, struct cs_job *j, const struct cs_err *err)
{
	cs_log(CS_LOG_ERROR, "deliver", "connection is held until its set-up is mended", "connection_id=%lld crm=%s why=\"%s\"",
	    (long long)tc->id, tc->crm->name, err->msg);
	cs_attempt_leave(e, tc, j, CS_TREE_NEUTRAL);
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
		look_after = cs_attempt_caller_held_ms(a);
	else if (look_after > now_ms && (held = cs_attempt_hold_caller(a)) != NULL)
		cs_results_caller(e, &j->d, CS_CALLER_HELD, held);
	if (look_after > now_ms) { /* looking now would see nothing */
		cs_attempt_leave(e, tc, j, CS_TREE_NEUTRAL);
		cs_engine_hand_back(e, j, look_after);
		cs_attempt_free(a);
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
		cs_attempt_conclude(a, &given_up);
		return;
	}
	cs_attempt_save_steps(a);
	e->n_flying--;
	cs_attempt_leave(e, a->tc, a->job, CS_TREE_NEUTRAL);
	cs_engine_hand_back(e, a->job, 0);
	cs_attempt_free(a);
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
			abandon(e, cs_attempt_of(s));
		else if (s->ops == &cs_call_ops)
			cs_call_abandon(s);
		else if (s->abandoned != NULL)
			s->abandoned(s);
	}
}
