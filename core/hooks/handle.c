/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handle.c - see handle.h: one call of a plugin, and the operation that keeps what came of it.
 *
 *   due row   -> plugin call (received) -> events -> one operation: events matched and queued or kept, row done
 *   due poll  -> plugin call (poll)     -> events -> one operation: events, cursor, time of the next poll
 *   waiting event (an emitted one without its lead) -> one operation: matched now, or later, or after a week never
 *
 * A row that fails stays in the store and is due again after 30 s, doubling up to an hour, for a week. After a crash or a stop
 * rows are simply due again: events carry identities made of their dedupe keys, so nothing is reported twice. A connection
 * that is held, or whose plugin takes no call, is put off as a whole; its rows stay as they are.
 */
#include "config.h"
#include "hooks/handle.h"

#include <stdlib.h>
#include <string.h>
#include "deliver/engine_private.h"
#include "deliver/events.h"
#include "hooks/match.h"
#include "hooks/told.h"
#include "log/log.h"
#include "log/metrics.h"

#define EVENTS_MAX 2000      /* of one call */
#define EVENT_BYTES (8u << 20)
#define FIRST_RETRY_MS (30 * CS_SECOND_MS)
#define HELD_MS (5 * CS_MINUTE_MS)
#define BUSY_MS (10 * CS_SECOND_MS)
#define TOGETHER 64
#define CRASHES_MAX 3
#define HEADERS_MAX 32

struct work { /* one call, and then the operation that keeps what came of it */
	struct cs_session session;  /* first */
	struct cs_wop wop;
	struct cs_msg msg;
	struct cs_list node;        /* in calls */
	struct cs_inbound *in;
	struct cs_arena mem;
	char crm[65];
	struct cs_poll *poll;       /* NULL: a row, or waiting events */
	struct cs_hook_row row;     /* its texts are not valid */
	struct cs_hook_event *events;
	size_t n_events, cap, bytes;
	bool overflow;
	struct cs_bytes cursor;
	bool has_cursor;
	/* the operation */
	struct cs_hook_target to;
	struct cs_accept_env env;
	bool done, retry, put_off, poll_ok;
	const char *needs_reauth;   /* why; NULL: it does not */
	int64_t due_ms;             /* of retry, of the connection's next turn, of the next poll */
	int32_t attempts;
	const char *result;         /* for the metrics */
};

static struct work *
work_of(struct cs_session *s)
{
	return (struct work *)(void *)s;
}

static struct work *
work_new(struct cs_inbound *in, int64_t conn_id, const char *crm)
{
	struct work *w = cs_xcalloc(1, sizeof(*w));

	w->in = in;
	w->to.conn_id = conn_id;
	strncpy(w->crm, crm, sizeof(w->crm) - 1);
	w->session.engine = in->engine;
	cs_list_init(&w->node);
	cs_list_init(&w->session.node);
	cs_arena_init(&w->mem);
	cs_map_put(&in->busy, (uint64_t)conn_id, w);
	return w;
}

/* What belongs to the engine's thread goes when the call is over; the rest may be freed anywhere. */
static void
release_call(struct work *w)
{
	cs_list_del(&w->node);
	cs_buf_fini(&w->session.exchanges);
	cs_context_unref(w->session.context);
	w->session.context = NULL;
}

static void
work_free(struct work *w)
{
	cs_arena_fini(&w->mem);
	free(w->events);
	free(w);
}

/* Engine thread: the connection is free for the next. A context is kept only where deliveries keep the connection in memory. */
static void
work_end(struct work *w)
{
	struct cs_engine *e = w->in->engine;

	cs_map_del(&w->in->busy, (uint64_t)w->to.conn_id);
	if (cs_tree_conn_find(&e->tree, w->to.conn_id) == NULL)
		cs_engine_drop_context(e, w->to.conn_id);
	work_free(w);
}

/* ---- the operation */

static int
apply_row(struct work *w, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	int rc = 0;

	if (w->done)
		rc = s->ops->hook_done(s, w->row.id, now_ms, err);
	else if (w->retry)
		rc = s->ops->hook_retry(s, w->row.id, w->due_ms, w->attempts, now_ms, err);
	else if (w->put_off)
		rc = s->ops->hook_put_off(s, w->to.conn_id, w->due_ms, err);
	return rc == CS_ENOTFOUND ? 0 : rc; /* its connection was deleted meanwhile */
}

static int
apply(struct cs_wop *op, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	struct work *w = CS_CONTAINER(op, struct work, wop);
	int rc = 0;

	w->to.env = &w->env;
	for (size_t i = 0; i < w->n_events && rc >= 0; i++)
		rc = cs_hook_event_apply(&w->events[i], &w->to, s, now_ms, err);
	if (rc >= 0 && w->poll_ok)
		rc = s->ops->cursor_put(s, w->to.conn_id, w->cursor, w->due_ms, err);
	if (rc >= 0 && w->needs_reauth != NULL)
		rc = s->ops->conn_state(s, w->to.conn_id, CS_CONN_NEEDS_REAUTH, w->needs_reauth, now_ms, err);
	return rc < 0 ? rc : apply_row(w, s, now_ms, err);
}

static void
count(const struct work *w)
{
	static const char *const words[] = {
		[CS_HOOK_MATCHED] = "matched", [CS_HOOK_KEPT] = "unmatched", [CS_HOOK_EXPIRED] = "expired", [CS_HOOK_LOST] = "lost",
	};

	if (w->result != NULL)
		cs_metrics_hook(w->crm, w->result);
	for (size_t i = 0; i < w->n_events; i++)
		if (w->events[i].row_id == 0 || w->events[i].fate != CS_HOOK_KEPT) /* a waiting one is counted once */
			cs_metrics_hook(w->crm, words[w->events[i].fate]);
}

static void
written(struct cs_engine *e CS_UNUSED, struct cs_msg *m)
{
	struct work *w = CS_CONTAINER(m, struct work, msg);
	struct cs_inbound *in = w->in;

	in->look |= w->wop.rc == 0; /* else it is tried again in a second, not at once */
	if (w->poll != NULL)
		cs_polls_done(&in->polls, w->poll, w->due_ms);
	work_end(w);
}

/* Writer thread. */
static void
committed(struct cs_wop *op)
{
	struct work *w = CS_CONTAINER(op, struct work, wop);

	for (size_t i = 0; i < w->n_events; i++)
		cs_hook_event_end(&w->events[i], &w->env, op->rc);
	if (op->rc == 0)
		count(w);
	else if (op->rc != CS_ECLOSED)
		cs_log(CS_LOG_ERROR, "hooks", "what came of a webhook or poll was not written", "crm=%s code=%s", w->crm,
		    cs_err_name(op->rc));
	if (op->rc == 0 && w->needs_reauth != NULL)
		cs_engine_post_conn(w->in->engine, w->to.conn_id, false);
	w->msg.handle = written;
	if (!cs_engine_post(w->in->engine, &w->msg))
		work_free(w);
}

static void
put(struct work *w)
{
	struct cs_engine *e = w->in->engine;
	struct cs_remote *remote = cs_engine_remote(e, w->crm);
	const struct cs_manifest *m = remote != NULL ? cs_remote_manifest(remote) : NULL;

	for (size_t i = 0; m != NULL && i < m->n_steps && w->to.n_steps < CS_ARRAY_LEN(w->to.steps); i++)
		if (m->steps[i].per_caller)
			w->to.steps[w->to.n_steps++] = m->steps[i].name;
	w->env = (struct cs_accept_env){ e->c.slots, e, e->c.epoch, cs_schedule_span_ms(&e->schedule) };
	w->wop.apply = apply;
	w->wop.committed = committed;
	if (!cs_writer_put(e->c.writer, &w->wop)) {
		w->wop.rc = CS_ECLOSED;
		committed(&w->wop);
	}
}

/* ---- what the plugin says */

static int32_t
before(struct cs_session *s, const struct cs_step_row *row CS_UNUSED, const struct cs_http_req *req, bool *hold CS_UNUSED)
{
	if (!req->mutates)
		return CS_DONE;
	s->fault = "the plugin wanted to change something while it handled a webhook or poll";
	return CS_REJECT;
}

static void
emit(struct cs_session *s, struct cs_bytes out)
{
	struct work *w = work_of(s);
	const struct cs_context *c = s->context;
	struct cs_hook_origin from = { .public_id = c->public_id, .dedupe = w->poll == NULL ? w->row.dedupe : NULL, .index = w->n_events,
		.manifest = c->manifest, .lookup = cs_context_lookup(s->context, false), .now_ms = cs_now_ms(s->engine->c.clock) };
	struct cs_err err;

	w->bytes += out.len;
	if (w->n_events == EVENTS_MAX || w->bytes > EVENT_BYTES) {
		w->overflow = true;
		return;
	}
	if (w->n_events == w->cap) {
		w->cap = w->cap > 0 ? 2 * w->cap : 4;
		w->events = cs_xrealloc(w->events, w->cap * sizeof(*w->events));
	}
	from.received_ms = w->poll == NULL ? w->row.received_ms : from.now_ms;
	if (cs_hook_event_read(out, &from, &w->mem, &w->events[w->n_events], &err) == 0)
		w->n_events++;
	else
		cs_log(CS_LOG_ERROR, "plugin", "emitted what is no event", "plugin=%s connection=%s why=\"%s\"", w->crm, c->public_id, err.msg);
}

static void
cursor(struct cs_session *s, struct cs_bytes value)
{
	struct work *w = work_of(s);

	w->cursor = (struct cs_bytes){ cs_arena_dup(&w->mem, value.ptr, value.len), value.len };
	w->has_cursor = true;
}

/* The process of the plugin died: all of it is emitted again. */
static void
again(struct cs_session *s)
{
	struct work *w = work_of(s);

	w->n_events = w->bytes = 0;
	w->overflow = w->has_cursor = false;
}

/* ---- the end of a call */

static int64_t
backoff_ms(int32_t attempts)
{
	int64_t wait = FIRST_RETRY_MS;

	for (int32_t i = 0; i < attempts && wait < CS_HOUR_MS; i++)
		wait *= 2;
	return wait < CS_HOUR_MS ? wait : CS_HOUR_MS;
}

static void
log_end(const struct work *w, const char *msg, int32_t outcome)
{
	const struct cs_context *c = w->session.context;

	cs_log(CS_LOG_WARN, "hooks", msg, "crm=%s connection=%s what=%s outcome=%s status=%d attempt=%d", w->crm, c->public_id,
	    w->poll != NULL ? "poll" : "webhook", cs_outcome_name(outcome), w->session.last_status,
	    w->poll != NULL ? w->poll->fails + 1 : w->row.attempts + 1);
}

static int32_t
outcome_of(const struct work *w, const struct cs_wire_done *d)
{
	const char *fault = w->session.fault;

	if (d->crash == CS_WIRE_LOST)
		return CS_WAIT;
	if (d->crash != 0 || w->overflow)
		return CS_RETRY;
	if (fault != NULL && fault[0] == '\0' && d->outcome == CS_REJECT)
		return CS_RETRY; /* a request could not be built: the set-up's fault, which may be mended */
	return d->outcome;
}

static bool
may_try_again(const struct work *w, const struct cs_wire_done *d, int64_t now_ms)
{
	return now_ms - w->row.received_ms < CS_HOOK_KEEP_MS && (d->crash <= 0 || w->row.attempts + 1 < CRASHES_MAX);
}

static void
end_row(struct work *w, const struct cs_wire_done *d, int32_t outcome, int64_t not_before_ms, int64_t now_ms)
{
	w->done = true;
	w->result = "handled";
	if (outcome == CS_DONE || outcome == CS_UNSUPPORTED)
		return;
	w->n_events = 0;
	if (outcome == CS_REJECT || !may_try_again(w, d, now_ms)) {
		w->result = "rejected";
		log_end(w, "not handled: given up", outcome);
		return;
	}
	w->done = false;
	w->retry = true;
	w->result = "deferred";
	w->attempts = w->row.attempts + (outcome != CS_WAIT);
	w->due_ms = now_ms + backoff_ms(w->row.attempts);
	if (w->due_ms < not_before_ms)
		w->due_ms = not_before_ms;
	log_end(w, "not handled yet: tried again later", outcome);
}

static void
end_poll(struct work *w, int32_t outcome, int64_t not_before_ms)
{
	bool ok = outcome == CS_DONE || outcome == CS_UNSUPPORTED;

	w->result = ok ? "polled" : "poll_failed";
	w->poll_ok = ok;
	if (!ok) {
		w->n_events = 0;
		log_end(w, "poll failed", outcome);
	}
	w->due_ms = cs_poll_next_ms(w->poll, ok, not_before_ms, w->in->engine->c.clock);
}

/* As after an attempt: the state changes with the operation, the alert goes out at once. */
static void
needs_owner(struct work *w, const char *why)
{
	struct cs_engine *e = w->in->engine;

	w->needs_reauth = why;
	cs_events_watch(e, cs_tree_conn(&e->tree, w->to.conn_id, w->crm), w->session.context, CS_DEAD, true);
}

static void
on_done(struct cs_session *s, const struct cs_wire_done *d)
{
	struct work *w = work_of(s);
	int32_t outcome = outcome_of(w, d);
	int64_t now_ms = cs_now_ms(s->engine->c.clock), not_before_ms = s->not_before_ms;

	if (s->engine->stopping) { /* cut off, perhaps: as if it had not begun */
		release_call(w);
		if (w->poll != NULL)
			cs_polls_done(&w->in->polls, w->poll, now_ms);
		work_end(w);
		return;
	}
	if (d->has_retry_after)
		not_before_ms = now_ms + d->retry_after_ms;
	if (w->poll != NULL)
		end_poll(w, outcome, not_before_ms);
	else
		end_row(w, d, outcome, not_before_ms, now_ms);
	if (outcome == CS_REAUTH)
		needs_owner(w, "the CRM no longer accepts the credentials");
	release_call(w);
	put(w);
}

static const struct cs_session_ops hook_ops = { .before = before, .emit = emit, .cursor = cursor, .again = again,
	.done = on_done };

/* ---- rows */

static size_t
headers_of(const char *json, struct cs_arena *mem, struct cs_header out[HEADERS_MAX])
{
	CS_CLEANUP(cs_json_putp) json_object *o = NULL;
	size_t n = 0;

	if (cs_json_parse(json, strlen(json), 4, &o, NULL) < 0 || !json_object_is_type(o, json_type_object))
		return 0;
	json_object_object_foreach(o, key, val) {
		if (n == HEADERS_MAX || !json_object_is_type(val, json_type_string))
			continue;
		out[n++] = (struct cs_header){ cs_arena_strdup(mem, key), cs_arena_strdup(mem, json_object_get_string(val)) };
	}
	return n;
}

/* Not now, and not its fault: the connection is held, its set-up is broken, or the plugin takes no call. */
static void
put_off(struct work *w, int64_t for_ms, int64_t now_ms)
{
	w->put_off = now_ms - w->row.received_ms < CS_HOOK_KEEP_MS;
	w->done = !w->put_off;
	w->result = w->done ? "expired" : NULL;
	w->due_ms = now_ms + for_ms;
	put(w);
}

/* False: the plugin is busy; nothing was begun. */
static bool
start_session(struct work *w, struct cs_context *c, struct cs_wire_call *in)
{
	in->kind = CS_CALL_HOOK;
	in->attempt = 1;
	in->delivery_id = in->what = in->query = in->channel = "";
	w->session.context = cs_context_ref(c);
	w->session.ops = &hook_ops;
	cs_list_push(&w->in->calls, &w->node);
	if (cs_session_start(&w->session, in) == 0)
		return true;
	release_call(w);
	return false;
}

/* The customer has disconnected; unless that is an old story, and the connection was made anew since. */
static void
end_connection(struct work *w, struct cs_context *c, int64_t at_ms)
{
	w->done = true;
	w->result = "handled";
	if (c->state == CS_CONN_CONNECTED && c->state_since_ms < at_ms + CS_SECOND_MS) {
		w->session.context = cs_context_ref(c);
		needs_owner(w, "it was disconnected in the CRM");
		release_call(w);
	}
	put(w);
}

void
cs_handle_row(struct cs_inbound *in, const struct cs_hook_row *row, int64_t now_ms)
{
	struct cs_header headers[HEADERS_MAX];
	struct cs_wire_call call = { .what_kind = CS_HOOK_RECEIVED, .body = row->body, .headers = headers,
		.is_verified = row->is_verified };
	struct work *w = work_new(in, row->conn_id, row->crm);
	struct cs_err err;
	struct cs_context *c = cs_engine_context(in->engine, row->conn_id, &err);
	int64_t ended_ms;

	w->row = *row;
	if (c == NULL)
		cs_log_complain(&in->unready, now_ms, CS_LOG_WARN, "hooks", "webhooks wait until a connection's set-up is mended",
		    "crm=%s connection_id=%lld why=\"%s\"", row->crm, (long long)row->conn_id, err.msg);
	if (c != NULL && row->is_verified && cs_told_end(&c->manifest->webhook, row->body, row->received_ms, &ended_ms)) {
		end_connection(w, c, ended_ms);
		return;
	}
	if (c == NULL || c->state != CS_CONN_CONNECTED) {
		put_off(w, HELD_MS, now_ms);
		return;
	}
	if (!cs_remote_can(c->remote, CS_CALL_HOOK)) {
		w->done = true;
		w->result = "handled";
		put(w);
		return;
	}
	call.n_headers = headers_of(row->headers, &w->mem, headers);
	if (!start_session(w, c, &call))
		put_off(w, BUSY_MS, now_ms);
}

bool
cs_handle_is_waiting(const struct cs_hook_row *row)
{
	return strcmp(row->headers, CS_HOOK_WAITS) == 0;
}

void
cs_handle_waiting(struct cs_inbound *in, const struct cs_hook_row *first, int64_t now_ms)
{
	struct cs_store *s = in->engine->c.reader;
	struct work *w = work_new(in, first->conn_id, first->crm);
	struct cs_hook_row rows[TOGETHER];
	int n = s->ops->hook_due(s, first->conn_id, now_ms, &w->mem, rows, TOGETHER, NULL);

	w->events = cs_xcalloc(TOGETHER, sizeof(*w->events));
	for (int i = 0; i < n; i++)
		if (cs_handle_is_waiting(&rows[i]))
			cs_hook_event_of_row(&rows[i], &w->mem, &w->events[w->n_events++]);
	put(w);
}

/* ---- polls */

void
cs_handle_poll(struct cs_inbound *in, struct cs_poll *poll, int64_t now_ms)
{
	struct cs_engine *e = in->engine;
	struct cs_wire_call call = { .what_kind = CS_HOOK_POLL, .is_verified = 1 };
	struct cs_context *c = cs_engine_context(e, poll->conn_id, NULL);
	struct work *w;
	int64_t next_ms;

	if (c == NULL || c->state != CS_CONN_CONNECTED || strcmp(cs_context_setting(c, "poll"), "false") == 0) {
		if (c != NULL && cs_tree_conn_find(&e->tree, poll->conn_id) == NULL)
			cs_engine_drop_context(e, poll->conn_id);
		cs_polls_rest(&in->polls, poll);
		return;
	}
	w = work_new(in, poll->conn_id, c->crm);
	w->poll = poll;
	if (e->c.reader->ops->cursor_get(e->c.reader, poll->conn_id, &w->mem, &w->cursor, &next_ms, NULL) == 0)
		call.cursor = w->cursor;
	else
		w->cursor = (struct cs_bytes){ "", 0 };
	if (!start_session(w, c, &call)) {
		cs_polls_done(&in->polls, poll, now_ms + CS_SECOND_MS);
		work_end(w);
	}
}

/* ---- the end */

void
cs_handle_drop_all(struct cs_inbound *in)
{
	struct cs_list *n;

	while ((n = cs_list_pop(&in->calls)) != NULL) {
		struct work *w = CS_CONTAINER(n, struct work, node);

		cs_session_drop(&w->session);
		release_call(w);
		work_end(w);
	}
}
