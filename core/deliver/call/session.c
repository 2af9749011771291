/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session.c - a running plugin call: its life, and what it tells. What it asks for is in request.c and services.c.
 */
#include <string.h>
#include "deliver/call/exchange.h"
#include "deliver/call/session_private.h"
#include "deliver/engine_private.h"
#include "deliver/results.h"
#include "log/log.h"
#include "util/text.h"

#define EXCHANGES_MAX (256u << 10)

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
		cs_session_end_exchange(s);
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
	.http = cs_session_on_http,
	.service = cs_session_on_service,
	.receipt = on_receipt,
	.record = on_record,
	.emit = on_emit,
	.fact = on_fact,
	.budget = cs_session_on_budget,
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
		cs_session_end_exchange(s);
	}
	cs_list_del(&s->node);
	if (s->service.node.next != NULL)
		cs_list_del(&s->service.node);
	s->call = 0;
}
