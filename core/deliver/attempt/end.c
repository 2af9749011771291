/* SPDX-License-Identifier: Apache-2.0 */
/*
 * end.c - the end of an attempt: verdict -> decision -> results, and the job's place is free for the next.
 */
#include <stdlib.h>
#include <string.h>
#include "deliver/attempt/private.h"
#include "deliver/events.h"
#include "deliver/gone.h"
#include "log/log.h"

#define CRASHES_MAX 3
#define AGAIN_MS CS_SECOND_MS

static enum cs_tree_result
tree_result(const struct cs_decision *d, int32_t outcome)
{
	if (d->to == CS_DELIVERED || outcome == CS_REJECT)
		return CS_TREE_OK; /* it answers: a refused lead is not the connection's illness */
	return d->failure ? CS_TREE_FAILED : CS_TREE_NEUTRAL;
}

void
cs_attempt_leave(struct cs_engine *e, struct cs_tree_conn *tc, struct cs_job *job, enum cs_tree_result r)
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
add_text(struct cs_buf *b, const char *key, const char *value)
{
	cs_buf_adds(b, key);
	cs_buf_adds(b, value);
}

static void
add_number(struct cs_buf *b, const char *key, int64_t value)
{
	cs_buf_adds(b, key);
	cs_buf_add_int(b, value);
}

static void
log_end(const struct attempt *a, const struct cs_verdict *v, const struct cs_decision *d)
{
	const struct cs_context *c = a->session.context;
	bool done = d->to == CS_DELIVERED, dead = d->to == CS_DEAD;
	char text[2048];
	struct cs_buf f = { .ptr = text, .cap = sizeof(text), .max = sizeof(text) - 1 };

	add_text(&f, "event_id=", a->job->lead->doc->view.event_id);
	add_text(&f, " account=", c->account);
	add_text(&f, " connection=", c->public_id);
	add_number(&f, " delivery=", a->job->d.id);
	add_number(&f, " attempt=", d->attempts);
	add_text(&f, " outcome=", cs_outcome_name(v->outcome));
	add_number(&f, " status=", v->status);
	add_text(&f, " blame=", cs_blame_name(d->blame));
	cs_log_fields(dead ? CS_LOG_WARN : CS_LOG_INFO, "deliver", done ? "delivered" : dead ? "dead letter" : "deferred", text);
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

void
cs_attempt_conclude(struct attempt *a, const struct cs_wire_done *w)
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
	cs_attempt_remember_caller(a, &r);
	log_end(a, &v, &d);
	cs_crash_point("before-finish");
	cs_results_finish(e, &r);
	if (cs_gone(a->session.context, v.outcome, v.status))
		cs_gone_end(e, a->session.context);
	else if (!a->job->lead->doc->is_event)
		cs_events_watch(e, a->tc, a->session.context, d.to, r.needs_reauth);
	e->n_flying--;
	cs_attempt_leave(e, a->tc, a->job, tree_result(&d, w->crash != 0 ? CS_RETRY : v.outcome));
	cs_engine_job_gone(e, a->job);
	cs_attempt_free(a);
}

/* Not charged: our own trouble kept it from ending. What was sent and may have happened is looked for before the next try. */
void
cs_attempt_give_back(struct attempt *a)
{
	struct cs_engine *e = a->session.engine;
	int64_t now_ms = cs_now_ms(e->c.clock);
	const char *held;

	cs_steps_end(&a->steps, now_ms);
	cs_attempt_save_steps(a);
	if ((held = cs_attempt_hold_caller(a)) != NULL)
		cs_results_caller(e, &a->job->d, CS_CALLER_HELD, held);
	e->n_flying--;
	cs_attempt_leave(e, a->tc, a->job, CS_TREE_NEUTRAL);
	cs_engine_hand_back(e, a->job, now_ms + AGAIN_MS);
	cs_attempt_free(a);
}
