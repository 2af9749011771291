/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session.c - what the core does while a plugin call runs.
 *
 * An http request goes: owner's word (doubt) -> build -> budget -> send -> class -> one repeat after 401 -> capture and scrub
 * -> record -> answer to the plugin. A plugin that breaks a rule of its own manifest gets CS_RETRY, the session remembers
 * the fault, and the attempt is charged to us, not to the CRM or the lead.
 */
#include "deliver/call/session.h"
#include <stdlib.h>
#include <string.h>
#include "auth/signature.h"
#include "deliver/engine_private.h"
#include "deliver/call/exchange.h"
#include "deliver/results.h"
#include "log/log.h"
#include "util/text.h"

#define EXCHANGES_MAX (256u << 10)
#define LIMIT_DELAY_MAX_MS (30 * CS_SECOND_MS)
#define HOLD_DEFAULT_MS (2 * CS_SECOND_MS)

/* ---- answering */

static void
answer_plain(struct cs_session *s, int32_t outcome)
{
	struct cs_wire_http_result r = { .outcome = outcome };

	cs_remote_answer_http(s->context->remote, s->call, &r);
}

static void
end_exchange(struct cs_session *s)
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
	struct cs_header *headers = cs_xcalloc(a->n_headers + 1, sizeof(*headers));

	if (a->body_len > 0) {
		cs_buf_add(&body, a->body, a->body_len);
		capture(x, &body);
		cs_exchange_scrub(s->context, body.ptr, body.len);
	}
	for (size_t i = 0; i < a->n_headers; i++)
		headers[i] = (struct cs_header){ a->headers[i].name, a->headers[i].value };
	r.headers = headers;
	r.body = (struct cs_bytes){ cs_buf_str(&body), body.len };
	end_exchange(s);
	cs_remote_answer_http(s->context->remote, s->call, &r);
	free(headers);
}

/* What a limit is counted by; where that is not known (yet), by the connection. */
static uint64_t
limit_key(const struct cs_session *s, const struct cs_limit_row *row)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(1024);
	const char *by = "";

	if (strncmp(row->per, "fact:", 5) == 0)
		by = cs_context_fact(s->context, row->per + 5);
	else if (strncmp(row->per, "setting:", 8) == 0)
		by = cs_context_setting(s->context, row->per + 8);
	cs_buf_adds(&b, s->context->crm);
	cs_buf_addc(&b, '/');
	cs_buf_adds(&b, row->class);
	cs_buf_addc(&b, '/');
	cs_buf_adds(&b, by);
	if (by[0] == '\0' && strcmp(row->per, "crm") != 0) {
		cs_buf_addc(&b, '#');
		cs_buf_add_int(&b, s->context->conn_id);
	}
	return cs_hash64(cs_buf_str(&b), b.len);
}

/* What the CRM says about waiting holds for everybody who shares the limit, not only for this delivery. */
static void
heed_limits(struct cs_exchange *x, const struct cs_class *cl, int64_t now_ms)
{
	struct cs_session *s = x->s;

	if (cl->retry_after_ms > 0 && cl->outcome != CS_DONE)
		s->not_before_ms = now_ms + cl->retry_after_ms;
	if (cl->outcome == CS_WAIT && x->limit != NULL) {
		struct cs_limit_rule rule = { x->limit->count, x->limit->window_ms, x->limit->burst };

		cs_limit_hold(&s->engine->limits, limit_key(s, x->limit), &rule,
		    now_ms + (cl->retry_after_ms > 0 ? cl->retry_after_ms : HOLD_DEFAULT_MS));
	}
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
	end_exchange(s);
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
	heed_limits(x, &cl, now_ms);
	cs_exchange_note(x, a, &cl);
	cs_results_count_http(s->engine, s->context->crm, a);
	if (cl.outcome == CS_REAUTH && !x->repeated && s->own == NULL && !s->renews && try_again(x))
		return;
	if (s->answered != NULL) {
		end_exchange(s);
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

static int64_t
take(struct cs_session *s, const struct cs_limit_row *row, int64_t cost, int64_t now_ms, int64_t *retry_ms)
{
	struct cs_limit_rule rule = { row->count, row->window_ms, row->burst };

	return cs_limit_take(&s->engine->limits, limit_key(s, row), &rule, cost, now_ms, LIMIT_DELAY_MAX_MS, retry_ms);
}

/* From the limits that count every request, then from its own: how long to wait, or -1 and when to try again. */
static int64_t
take_budget(struct cs_exchange *x, int64_t now_ms, int64_t *retry_ms)
{
	const struct cs_manifest *m = x->s->context->manifest;
	int64_t longest = 0, delay;

	for (size_t i = 0; i < m->n_limits; i++) {
		if (!m->limits[i].every || &m->limits[i] == x->limit)
			continue;
		if ((delay = take(x->s, &m->limits[i], 1, now_ms, retry_ms)) < 0)
			return -1;
		longest = delay > longest ? delay : longest;
	}
	delay = x->limit != NULL ? take(x->s, x->limit, x->req.cost, now_ms, retry_ms) : 0;
	return delay < 0 || delay > longest ? delay : longest;
}

/* Wait for the budget, then send; or give the delivery back when the wait would be long. */
static void
queue_exchange(struct cs_exchange *x)
{
	struct cs_session *s = x->s;
	struct cs_engine *e = s->engine;
	int64_t now_ms = cs_now_ms(e->c.clock), retry_ms = 0, delay = take_budget(x, now_ms, &retry_ms);

	if (delay < 0) {
		s->not_before_ms = now_ms + retry_ms;
		end_exchange(s);
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
	struct cs_class cl = { .outcome = CS_REJECT, .blame = CS_BLAME_CONNECTION };

	s->not_before_ms = 0;
	cs_exchange_note(s->x, &a, &cl);
	s->fault = "";
	end_exchange(s);
	answer_plain(s, CS_REJECT);
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
		end_exchange(s);
		answer_plain(s, outcome);
	} else if (cs_exchange_build(x, &err) == 0) {
		if (!hold)
			queue_exchange(x);
	} else if (s->answered != NULL) {
		end_exchange(s);
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

static void
on_http(void *user, uint64_t call CS_UNUSED, const struct cs_wire_http *w)
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
		end_exchange(s);
		answer_plain(s, outcome);
	}
}

/* Called by the engine's loop for each timer that is up. */
void
cs_session_timer(struct cs_heap_node *node)
{
	send_exchange(CS_CONTAINER(node, struct cs_exchange, timer));
}

/* ---- services */

static void
answer_service(struct cs_session *s, int32_t rc, const void *p, size_t n)
{
	struct cs_wire_service_result r = { .rc = rc, .bytes = { p, n } };

	cs_remote_answer(s->context->remote, s->call, &r);
}

static void
secret_new(struct cs_session *s, const char *name, size_t len)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf text = CS_BUF_INIT(512);
	uint8_t raw[64];

	if (len < 16 || len > sizeof(raw) || cs_manifest_secret(s->context->manifest, name) == NULL) {
		answer_service(s, CS_REJECT, "", 0);
		return;
	}
	cs_random_bytes(raw, len);
	cs_base64url_add(&text, raw, len);
	cs_context_secret_put(s->context, name, cs_buf_str(&text), text.len);
	cs_results_secret(s->engine, s->context, name);
	cs_wipe(raw, sizeof(raw));
	cs_wipe(text.ptr, text.cap);
	answer_service(s, CS_DONE, "", 0);
}

static void
hmac(struct cs_session *s, const struct cs_wire_service *req)
{
	const struct cs_named *secret = cs_context_secret(s->context, req->name);
	uint8_t key[512], mac[64];
	int key_len, n;

	if (secret == NULL || (key_len = cs_secret_key(secret->value, key, sizeof(key))) < 0 ||
	    (n = cs_hmac(req->arg, key, (size_t)key_len, req->bytes.ptr, req->bytes.len, mac)) < 0) {
		answer_service(s, CS_REJECT, "", 0);
		return;
	}
	answer_service(s, CS_DONE, mac, (size_t)n);
	cs_wipe(key, sizeof(key));
}

static void
new_token_ready(struct cs_token_wait *w, int32_t outcome, const char *why CS_UNUSED)
{
	answer_service(CS_CONTAINER(w, struct cs_session, service), outcome, "", 0);
}

/* The plugin knows that its token is no longer good, although no 401 said so. */
static void
new_token(struct cs_session *s)
{
	struct cs_gate_answer no;
	enum cs_gate gate;

	if (s->renews) {
		cs_token_by_manifest(s);
		return;
	}
	s->service.ready = new_token_ready;
	gate = cs_token_ask(s->engine, s->context, &s->service, &no);
	if (gate == CS_GATE_SHUT && no.not_before_ms > 0)
		s->not_before_ms = no.not_before_ms;
	if (gate != CS_GATE_WAIT)
		answer_service(s, gate == CS_GATE_OPEN ? CS_DONE : no.outcome, "", 0);
}

static void
on_service(void *user, uint64_t call CS_UNUSED, const struct cs_wire_service *req)
{
	struct cs_session *s = user;
	const struct cs_named *secret;

	switch (req->kind) {
	case CS_SERVICE_SECRET_NEW:
		secret_new(s, req->name, (size_t)req->arg);
		break;
	case CS_SERVICE_SECRET_EQUAL:
		secret = cs_context_secret(s->context, req->name);
		answer_service(s, secret == NULL ? CS_TRI_UNKNOWN : cs_secure_equal(secret->value, secret->len, req->bytes.ptr, req->bytes.len),
		    "", 0);
		break;
	case CS_SERVICE_HMAC:
		hmac(s, req);
		break;
	default:
		new_token(s);
	}
}

/* ---- what the plugin tells */

static void
on_receipt(void *user, uint64_t call CS_UNUSED, const char *step, struct cs_bytes value)
{
	struct cs_session *s = user;

	if (s->ops->receipt != NULL)
		s->ops->receipt(s, step, value);
}

static void
on_record(void *user, uint64_t call CS_UNUSED, const char *type, const char *id, const char *url)
{
	struct cs_session *s = user;

	if (s->ops->record != NULL)
		s->ops->record(s, type, id, url);
}

static void
on_emit(void *user, uint64_t call CS_UNUSED, struct cs_bytes out)
{
	struct cs_session *s = user;

	if (s->ops->emit != NULL)
		s->ops->emit(s, out);
}

static void
on_cursor(void *user, uint64_t call CS_UNUSED, struct cs_bytes cursor)
{
	struct cs_session *s = user;

	if (s->ops->cursor != NULL)
		s->ops->cursor(s, cursor);
}

static void
on_fact(void *user, uint64_t call CS_UNUSED, const char *name, struct cs_bytes value)
{
	struct cs_session *s = user;

	cs_context_fact_put(s->context, name, value.ptr, value.len);
	cs_results_facts(s->engine, s->context);
}

static void
on_budget(void *user, uint64_t call CS_UNUSED, const char *limit_class, int64_t left, int64_t restore_per_s CS_UNUSED)
{
	struct cs_session *s = user;
	const struct cs_limit_row *row = cs_manifest_limit(s->context->manifest, limit_class);

	if (row != NULL) {
		struct cs_limit_rule rule = { row->count, row->window_ms, row->burst };

		cs_limit_report(&s->engine->limits, limit_key(s, row), &rule, left, cs_now_ms(s->engine->c.clock));
	}
}

static void
on_log(void *user, uint64_t call CS_UNUSED, int32_t prio, const char *text)
{
	struct cs_session *s = user;
	char quoted[400];

	cs_log(prio <= CS_PRIO_ERROR ? CS_LOG_ERROR : (enum cs_log_level)prio, "plugin", "says", "plugin=%s connection=%s text=%s",
	    s->context->crm, s->context->public_id, cs_log_quote(text, quoted, sizeof(quoted)));
}

static void
on_done(void *user, uint64_t call CS_UNUSED, const struct cs_wire_done *result)
{
	struct cs_session *s = user;

	s->call = 0;
	cs_list_del(&s->node);
	cs_list_del(&s->service.node);
	if (s->x != NULL) { /* it returned without waiting for its answer: cancelled or crashed */
		if (s->x->mutates && s->x->started_ms != 0 && s->ops->after != NULL)
			s->ops->after(s, s->x->step, NULL, true, 0);
		cs_http_client_cancel(s->engine->http, &s->x->xfer);
		end_exchange(s);
	}
	s->ops->done(s, result);
}

static void
on_again(void *user, uint64_t call CS_UNUSED)
{
	struct cs_session *s = user;

	if (s->ops->again != NULL)
		s->ops->again(s);
}

static void
on_suspected(void *user, uint64_t call CS_UNUSED, const char *what)
{
	struct cs_session *s = user;

	if (s->ops->suspected != NULL)
		s->ops->suspected(s, what);
}

const struct cs_remote_ops cs_session_remote_ops = {
	.http = on_http,
	.service = on_service,
	.receipt = on_receipt,
	.record = on_record,
	.emit = on_emit,
	.fact = on_fact,
	.budget = on_budget,
	.cursor = on_cursor,
	.log = on_log,
	.done = on_done,
	.again = on_again,
	.suspected = on_suspected,
};

/* ---- life */

int
cs_session_start(struct cs_session *s, struct cs_wire_call *in)
{
	struct cs_context *c = s->context;

	cs_random_bytes(s->nonce, sizeof(s->nonce));
	memcpy(in->nonce, s->nonce, sizeof(s->nonce));
	s->exchanges.max = EXCHANGES_MAX;
	cs_buf_reset(&s->exchanges);
	cs_list_init(&s->node);
	cs_list_init(&s->service.node);
	in->now_ms = cs_now_ms(s->engine->c.clock);
	in->instance = (uint64_t)c->conn_id;
	in->instance_version = (uint64_t)c->version;
	in->settings = c->pairs;
	in->n_settings = c->n_pairs;
	in->facts = c->fact_pairs;
	in->n_facts = c->n_fact_pairs;
	s->call = s->alone ? cs_remote_call_alone(c->remote, in, s) : cs_remote_call(c->remote, in, s);
	if (s->call == 0)
		return CS_EBUSY;
	cs_list_push(&s->engine->sessions, &s->node);
	return 0;
}

void
cs_session_drop(struct cs_session *s)
{
	if (s->x != NULL) {
		cs_http_client_cancel(s->engine->http, &s->x->xfer);
		end_exchange(s);
	}
	cs_list_del(&s->node);
	if (s->service.node.next != NULL)
		cs_list_del(&s->service.node);
	s->call = 0;
}
