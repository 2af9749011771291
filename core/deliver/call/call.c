/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call.c - plugin calls for the admin API: what map makes of a lead, who is connected.
 *
 * The same session as an attempt's, without a delivery: nothing is recorded, and no step that mutates may be sent.
 */
#include <stdlib.h>
#include <string.h>
#include "deliver/engine_private.h"
#include "deliver/call/exchange.h"
#include "deliver/call/overrides.h"

#define EMITTED_MAX (1u << 20)

struct plain_call {
	struct cs_session session; /* first */
	struct cs_engine_call *asked;
	struct cs_buf emitted;
};

static struct plain_call *
call_of(struct cs_session *s)
{
	return (struct plain_call *)(void *)s;
}

static int32_t
before(struct cs_session *s CS_UNUSED, const struct cs_step_row *row CS_UNUSED, const struct cs_http_req *req, bool *hold CS_UNUSED)
{
	return req->mutates ? CS_REJECT : CS_DONE;
}

static void
emit(struct cs_session *s, struct cs_bytes out)
{
	struct cs_buf *b = &call_of(s)->emitted;

	if (b->len > 0)
		cs_buf_addc(b, '\n');
	cs_buf_add(b, out.ptr, out.len);
}

static void
again(struct cs_session *s)
{
	cs_buf_reset(&call_of(s)->emitted);
}

static void
finish(struct plain_call *c, int32_t outcome, const char *reason)
{
	c->asked->done(c->asked, outcome, reason, &c->emitted);
	cs_buf_fini(&c->emitted);
	cs_buf_fini(&c->session.exchanges);
	cs_context_unref(c->session.context);
	free(c);
}

static void
on_done(struct cs_session *s, const struct cs_wire_done *w)
{
	struct plain_call *c = call_of(s);
	json_object *overrides = s->context->overrides;
	CS_CLEANUP(cs_buf_fini) struct cs_buf laid = CS_BUF_INIT(EMITTED_MAX);
	struct cs_err err;

	if (c->asked->kind == CS_CALL_MAP && w->outcome == CS_DONE && overrides != NULL) {
		if (cs_overrides_apply(cs_buf_str(&c->emitted), c->emitted.len, overrides, cs_lead_json(c->asked->lead->doc), &laid, &err) < 0) {
			finish(c, CS_REJECT, err.msg);
			return;
		}
		cs_buf_reset(&c->emitted);
		cs_buf_add(&c->emitted, laid.ptr, laid.len);
	}
	finish(c, w->outcome, w->reason);
}

void
cs_call_abandon(struct cs_session *s)
{
	cs_session_drop(s);
	finish(call_of(s), CS_RETRY, "the daemon is stopping");
}

const struct cs_session_ops cs_call_ops = { .before = before, .emit = emit, .again = again, .done = on_done };

static void
handle_call(struct cs_engine *e, struct cs_msg *m)
{
	struct cs_engine_call *asked = CS_CONTAINER(m, struct cs_engine_call, msg);
	struct plain_call *c = cs_xcalloc(1, sizeof(*c));
	struct cs_wire_call in = { .kind = asked->kind, .what_kind = asked->what_kind, .delivery_id = "", .attempt = 1,
		.what = asked->what != NULL ? asked->what : "", .query = "", .channel = "" };
	struct cs_context *ctx;
	struct cs_err err;

	c->asked = asked;
	cs_buf_init(&c->emitted, EMITTED_MAX);
	cs_list_init(&c->session.node);
	if ((ctx = cs_engine_try_context(e, asked->conn_id, asked->candidate, &err)) == NULL) {
		asked->done(asked, CS_REJECT, err.msg, &c->emitted);
		free(c);
		return;
	}
	c->session.engine = e;
	c->session.context = ctx;
	c->session.ops = &cs_call_ops;
	if (asked->lead != NULL) {
		cs_lead_resolve_time(asked->lead->doc, ctx->timezone);
		in.lead = &asked->lead->doc->view;
	}
	if (cs_session_start(&c->session, &in) < 0)
		finish(c, CS_RETRY, "the plugin is busy");
}

void
cs_engine_post_call(struct cs_engine *e, struct cs_engine_call *c)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf none = CS_BUF_INIT(16);

	c->msg.handle = handle_call;
	if (!cs_engine_post(e, &c->msg))
		c->done(c, CS_RETRY, "the engine is stopping", &none);
}
