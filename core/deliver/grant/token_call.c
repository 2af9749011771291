/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_call.c - renewing by the plugin's auth_refresh, where the manifest's way says so.
 *
 * It is a session like an attempt's, but nothing of it waits for a new token: it is what all others wait for. What its answers capture is
 * held until the call has ended and then committed in one transaction, as the core's own token answer is. When the call fails after something
 * was captured, that is committed all the same: a CRM that rotates has forgotten what was before. The plugin may have the manifest's own
 * token request made by oauth_refresh(), and go on from there.
 */
#include <string.h>
#include "deliver/call/exchange.h"
#include "deliver/grant/token_private.h"
#include "deliver/results.h"

#define TOLD_MAX (64u << 10)

static struct cs_token *
token_of(struct cs_session *s)
{
	return CS_CONTAINER(s, struct cs_token, call);
}

static void
take_in(struct cs_token *t, const char *name, const char *value)
{
	if (!cs_token_hold(t, name, value)) /* not with the others, but not lost either */
		cs_results_secret(t->engine, t->call.context, name);
	t->captured = true;
	t->has_access |= strcmp(name, t->way->access_token) == 0;
}

static void
captured(struct cs_session *s, const char *name, const char *value)
{
	take_in(token_of(s), name, value);
}

static void
after(struct cs_session *s, const struct cs_step_row *step CS_UNUSED, const char *looks_for CS_UNUSED, bool doubt, int status)
{
	token_of(s)->lost |= doubt && status == 0;
}

static void
emit(struct cs_session *s, struct cs_bytes out)
{
	struct cs_token *t = token_of(s);

	cs_buf_reset(&t->told);
	cs_buf_add(&t->told, out.ptr, out.len);
}

/* ---- the manifest's own request, for the plugin */

static void
answer(struct cs_token *t, int32_t rc)
{
	struct cs_wire_service_result r = { .rc = rc, .bytes = { "", 0 } };

	cs_remote_answer(t->call.context->remote, t->call.call, &r);
}

void
cs_token_by_manifest(struct cs_session *s)
{
	struct cs_token *t = token_of(s);

	if (t->asking)
		answer(t, CS_RETRY);
	else
		cs_token_request(t, NULL, 0);
}

static void
take_secret(struct cs_token *t, const char *name, const char *value)
{
	if (name == NULL || value[0] == '\0')
		return;
	cs_context_secret_put(t->call.context, name, value, strlen(value));
	take_in(t, name, value);
}

void
cs_token_call_answered(struct cs_token *t, const struct cs_http_answer *a, struct cs_oauth_answer *o)
{
	if (o->verdict == CS_OAUTH_OK) {
		take_secret(t, t->way->access_token, o->access);
		take_secret(t, t->way->refresh_token, o->refresh);
		cs_oauth_answer_blank(t->way, o);
		cs_buf_reset(&t->told);
		cs_buf_adds(&t->told, cs_json_text(o->doc));
	} else
		t->lost |= a->fault != CS_HTTP_OK && a->sent;
	answer(t, o->verdict == CS_OAUTH_OK ? CS_DONE : o->verdict == CS_OAUTH_DEAD ? CS_REAUTH : CS_RETRY);
}

/* ---- life of the call */

static void
drop_request(struct cs_token *t)
{
	if (!t->asking)
		return;
	t->lost |= t->session.x != NULL && t->session.x->started_ms != 0;
	cs_session_drop(&t->session);
	cs_buf_fini(&t->session.exchanges);
	t->asking = false;
}

static void
done(struct cs_session *s, const struct cs_wire_done *w)
{
	struct cs_token *t = token_of(s);
	int64_t not_before_ms = w->has_retry_after ? cs_now_ms(t->engine->c.clock) + w->retry_after_ms : s->not_before_ms;
	bool is_broken = s->fault != NULL && s->fault[0] != '\0';

	cs_crash_point("token-answered");
	drop_request(t);
	cs_buf_fini(&s->exchanges);
	cs_token_called(t, is_broken ? CS_RETRY : w->outcome, not_before_ms, is_broken ? s->fault : w->reason);
}

static void
abandoned(struct cs_session *s)
{
	struct cs_token *t = token_of(s);

	cs_session_drop(s);
	cs_buf_fini(&s->exchanges);
	cs_token_abandoned(t);
}

static const struct cs_session_ops call_ops = { .captured = captured, .after = after, .emit = emit, .done = done };

void
cs_token_call(struct cs_token *t)
{
	struct cs_wire_call in = { .kind = CS_CALL_AUTH, .delivery_id = "", .attempt = 1, .what = "", .query = "", .channel = "" };

	t->call = (struct cs_session){ .engine = t->engine, .context = t->session.context, .ops = &call_ops, .abandoned = abandoned, .renews = true };
	cs_buf_fini(&t->told);
	cs_buf_init(&t->told, TOLD_MAX);
	if (cs_session_start(&t->call, &in) < 0)
		cs_token_called(t, CS_WAIT, 0, "the plugin is busy");
}
