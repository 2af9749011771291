/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request.c - the way of a request, the plugin's or the core's own.
 *
 *   owner's word (doubt) -> build -> budget -> send -> class -> one repeat after 401 -> capture and scrub -> record -> answer
 *
 * A plugin that breaks a rule of its own manifest gets CS_RETRY, the session remembers the fault, and the attempt is charged to us, not to
 * the CRM or the lead.
 */
#include <stdlib.h>
#include <string.h>
#include "deliver/call/exchange.h"
#include "deliver/call/session_private.h"
#include "deliver/engine_private.h"
#include "deliver/results.h"
#include "log/log.h"
#include "util/text.h"

/* ---- answering */

static void
answer_plain(struct cs_session *s, int32_t outcome)
{
	struct cs_wire_http_result r = { .outcome = outcome };

	cs_remote_answer_http(s->context->remote, s->call, &r);
}

void
cs_session_end_exchange(struct cs_session *s)
{
	cs_heap_del(&s->engine->timers, &s->x->timer);
	cs_exchange_free(s->x);
	s->x = NULL;
}

static void
break_rule(struct cs_session *s, const char *why)
{
	s->fault = why;
	cs_log(CS_LOG_ERROR, "plugin", "broke a rule of the interface", "plugin=%s what=\"%s\"", s->context->crm, why);
	answer_plain(s, CS_RETRY);
}

/* ---- the answer of the CRM */

static void
capture(struct cs_exchange *x, struct cs_buf *body)
{
	struct cs_context *c = x->s->context;
	json_object *doc = NULL;

	if (x->req.n_capture == 0 || cs_json_parse(cs_buf_str(body), body->len, 64, &doc, NULL) < 0)
		return;
	for (size_t i = 0; i < x->req.n_capture; i++) {
		const struct cs_capture *k = &x->req.capture[i];
		const char *v = cs_json_pointer_text(doc, k->pointer);

		if (v[0] == '\0')
			continue;
		if (k->kind == CS_CAPTURE_FACT) {
			cs_context_fact_put(c, k->name, v, strlen(v));
			cs_results_facts(x->s->engine, c);
		} else {
			cs_context_secret_put(c, k->name, v, strlen(v));
			if (x->s->ops->captured != NULL)
				x->s->ops->captured(x->s, k->name, v);
			else
				cs_results_secret(x->s->engine, c, k->name);
			json_pointer_set(&doc, k->pointer, json_object_new_string(""));
		}
	}
	cs_buf_reset(body);
	cs_buf_adds(body, cs_json_text(doc));
	json_object_put(doc);
}

static void
pass_on(struct cs_exchange *x, const struct cs_http_answer *a, const struct cs_class *cl)
{
	struct cs_session *s = x->s;
	CS_CLEANUP(cs_buf_fini) struct cs_buf body = CS_BUF_INIT(0);
	struct cs_wire_http_result r = { .outcome = cl->outcome, .status = a->status, .n_headers = a->n_headers };
	struct cs_header headers[CS_HTTP_MAX_ANSWER_HEADERS];

	if (a->body_len > 0) {
		cs_buf_add(&body, a->body, a->body_len);
		capture(x, &body);
		cs_exchange_scrub(s->context, body.ptr, body.len);
	}
	for (size_t i = 0; i < a->n_headers; i++)
		headers[i] = (struct cs_header){ a->headers[i].name, a->headers[i].value };
	r.headers = headers;
	r.body = (struct cs_bytes){ cs_buf_str(&body), body.len };
	cs_session_end_exchange(s);
	cs_remote_answer_http(s->context->remote, s->call, &r);
}

static void send_exchange(struct cs_exchange *x);
static void unanswered(struct cs_session *s, int32_t outcome, const char *why);
static void go_on(struct cs_exchange *x);

/* There is no token for it now; the record says why. */
static void
no_token(struct cs_exchange *x, int32_t outcome, int64_t not_before_ms, const char *why)
{
	struct cs_session *s = x->s;
	struct cs_http_answer a = { .fault = CS_HTTP_OTHER, .detail = why, .body = "" };
	struct cs_class cl = { .outcome = outcome };

	if (not_before_ms > 0)
		s->not_before_ms = not_before_ms;
	cs_exchange_note(x, &a, &cl);
	cs_session_end_exchange(s);
	if (s->answered != NULL)
		unanswered(s, outcome, why);
	else
		answer_plain(s, outcome);
}

/* The refresh that it waited for is over. */
static void
token_ready(struct cs_token_wait *w, int32_t outcome, const char *why)
{
	struct cs_exchange *x = CS_CONTAINER(w, struct cs_exchange, token);
	struct cs_engine *e = x->s->engine;

	if (outcome == CS_DONE && e->stopping) /* it goes on after the restart, uncharged */
		no_token(x, CS_WAIT, cs_now_ms(e->c.clock) + 1, "the daemon is stopping");
	else if (outcome == CS_DONE)
		go_on(x);
	else
		no_token(x, outcome, 0, why);
}

/*
 * A lone 401 proves nothing: once more, with the credentials as they are now or with a new token. False: this was the answer.
 */
static bool
try_again(struct cs_exchange *x)
{
	struct cs_session *s = x->s;
	struct cs_gate_answer no;
	struct cs_err err;

	x->repeated = true;
	x->started_ms = 0; /* it was answered, and nothing of it is under way */
	x->token.ready = token_ready;
	switch (cs_token_gate(s->engine, s->context, &x->token_gen, true, &x->token, &no)) {
	case CS_GATE_WAIT:
		return true;
	case CS_GATE_SHUT:
		if (no.outcome == CS_REAUTH)
			return false;
		no_token(x, no.outcome, no.not_before_ms, no.why);
		return true;
	default:
		if (cs_exchange_build(x, &err) < 0)
			return false;
		send_exchange(x);
		return true;
	}
}

static void
exchange_done(struct cs_http_xfer *xfer, const struct cs_http_answer *a)
{
	struct cs_exchange *x = xfer->ctx;
	struct cs_session *s = x->s;
	int64_t now_ms = cs_now_ms(s->engine->c.clock);
	struct cs_class cl;

	cs_exchange_classify(s->context->manifest, x->mutates, a, now_ms, &cl);
	s->last_status = a->status;
	cs_budget_heed(x, &cl, now_ms);
	cs_exchange_note(x, a, &cl);
	cs_results_count_http(s->engine, s->context->crm, a);
	if (cl.outcome == CS_REAUTH && !x->repeated && s->own == NULL && !s->renews && try_again(x))
		return;
	if (s->answered != NULL) {
		cs_session_end_exchange(s);
		s->answered(s, a, &cl);
		return;
	}
	if (s->ops->after != NULL)
		s->ops->after(s, x->step, x->req.looks_for, cl.doubt, a->fault == CS_HTTP_OK ? a->status : 0);
	pass_on(x, a, &cl);
}

static void
send_exchange(struct cs_exchange *x)
{
	x->started_ms = cs_now_ms(x->s->engine->c.clock);
	x->xfer.done = exchange_done;
	cs_crash_point("before-send");
	cs_http_client_start(x->s->engine->http, &x->xfer);
}

/* ---- the request of the plugin */

/* Wait for the budget, then send; or give the delivery back when the wait would be long. */
static void
queue_exchange(struct cs_exchange *x)
{
	struct cs_session *s = x->s;
	struct cs_engine *e = s->engine;
	int64_t now_ms = cs_now_ms(e->c.clock), retry_ms = 0, delay = cs_budget_take(x, now_ms, &retry_ms);

	if (delay < 0) {
		s->not_before_ms = now_ms + retry_ms;
		cs_session_end_exchange(s);
		if (s->answered != NULL)
			unanswered(s, CS_WAIT, "its budget is spent");
		else
			answer_plain(s, CS_WAIT);
	} else if (delay > 0)
		cs_heap_put(&e->timers, &x->timer, now_ms + delay);
	else
		send_exchange(x);
}

static void
refuse_build(struct cs_session *s, const struct cs_err *err)
{
	struct cs_http_answer a = { .fault = CS_HTTP_URL, .detail = err->msg, .body = "" };
	bool no_secret = err->code == CS_ENOTFOUND; /* its owner is to give it */
	struct cs_class cl = { .outcome = no_secret ? CS_REAUTH : CS_REJECT, .blame = no_secret ? CS_BLAME_CREDENTIAL : CS_BLAME_CONNECTION };

	s->not_before_ms = 0;
	cs_exchange_note(s->x, &a, &cl);
	if (!no_secret)
		s->fault = "";
	cs_session_end_exchange(s);
	answer_plain(s, cl.outcome);
}

/* Ask its owner, build it, send it. It has its token. */
static void
begin(struct cs_exchange *x)
{
	struct cs_session *s = x->s;
	int32_t outcome = CS_DONE;
	bool hold = false;
	struct cs_err err;

	if (s->answered == NULL && s->ops->before != NULL)
		outcome = s->ops->before(s, x->step, &x->req, &hold);
	if (outcome != CS_DONE) {
		cs_session_end_exchange(s);
		answer_plain(s, outcome);
	} else if (cs_exchange_build(x, &err) == 0) {
		if (!hold)
			queue_exchange(x);
	} else if (s->answered != NULL) {
		cs_session_end_exchange(s);
		unanswered(s, CS_REJECT, "the request could not be built");
	} else
		refuse_build(s, &err);
}

/* With a new token: from the beginning, or once more after a 401. */
static void
go_on(struct cs_exchange *x)
{
	struct cs_gate_answer no;
	struct cs_err err;
	enum cs_gate gate = cs_token_gate(x->s->engine, x->s->context, &x->token_gen, false, &x->token, &no);

	if (gate == CS_GATE_WAIT)
		return;
	if (gate == CS_GATE_SHUT)
		no_token(x, no.outcome, no.not_before_ms, no.why);
	else if (!x->repeated)
		begin(x);
	else if (cs_exchange_build(x, &err) == 0)
		send_exchange(x);
	else
		no_token(x, CS_RETRY, 0, "the request could not be built again");
}

/* The first thing a request needs is a token that is good. */
static void
admit(struct cs_exchange *x)
{
	struct cs_session *s = x->s;
	struct cs_gate_answer no;
	enum cs_gate gate = CS_GATE_OPEN;

	x->token.ready = token_ready;
	if (s->own == NULL && !s->renews)
		gate = cs_token_gate(s->engine, s->context, &x->token_gen, false, &x->token, &no);
	if (gate == CS_GATE_OPEN)
		begin(x);
	else if (gate == CS_GATE_SHUT)
		no_token(x, no.outcome, no.not_before_ms, no.why);
}

void
cs_session_on_http(void *user, uint64_t call CS_UNUSED, const struct cs_wire_http *w)
{
	struct cs_session *s = user;
	const char *why;

	if (s->engine->stopping) { /* nothing new is sent; it goes on after the restart, uncharged */
		s->not_before_ms = cs_now_ms(s->engine->c.clock) + 1;
		answer_plain(s, CS_WAIT);
		return;
	}
	if ((s->x = cs_exchange_new(s, &w->req, &why)) == NULL)
		break_rule(s, why);
	else
		admit(s->x);
}

static void
unanswered(struct cs_session *s, int32_t outcome, const char *why)
{
	struct cs_http_answer a = { .fault = CS_HTTP_OTHER, .body = "", .detail = why };
	struct cs_class cl = { .outcome = outcome };

	s->answered(s, &a, &cl);
}

void
cs_session_request(struct cs_session *s, const struct cs_http_req *req)
{
	const char *why;

	if ((s->x = cs_exchange_new(s, req, &why)) == NULL)
		unanswered(s, CS_RETRY, why);
	else
		admit(s->x);
}

void
cs_session_go(struct cs_session *s, int32_t outcome)
{
	if (s->x == NULL)
		return;
	if (outcome == CS_DONE)
		queue_exchange(s->x);
	else {
		cs_session_end_exchange(s);
		answer_plain(s, outcome);
	}
}

/* Called by the engine's loop for each timer that is up. */
void
cs_session_timer(struct cs_heap_node *node)
{
	send_exchange(CS_CONTAINER(node, struct cs_exchange, timer));
}
