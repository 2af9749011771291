/* SPDX-License-Identifier: Apache-2.0 */
/*
 * farewell.c - see farewell.h.
 *
 *   HOOKS: the part that knows about webhooks removes them -> GRANT: the newest token goes to revoke_url -> over
 *
 * The order matters, since webhooks are removed with the grant. What has to wait for something else of the connection (a call about
 * its webhooks, a refresh of its token) looks again each second. The connection's row may be gone by the end: everything needed is
 * in its context.
 */
#include "deliver/farewell.h"
#include <stdlib.h>
#include "deliver/engine_private.h"
#include "deliver/call/exchange.h"
#include "deliver/grant/token_private.h"
#include "log/log.h"

struct farewell {
	struct cs_list node;             /* in engine->farewells */
	struct cs_engine *engine;
	struct cs_farewell *asked;       /* NULL: nobody waits any more */
	struct cs_context *context;
	enum { HOOKS, GRANT, OVER } next;
	bool under_way;                  /* a call or request of it: its end goes on */
	bool keep_grant;
	int64_t until_ms;                /* monotonic */
	enum cs_undone webhooks, grant;
	struct cs_session session;       /* of the request to revoke */
	struct cs_own_request own;
};

static int64_t
mono_ms(void)
{
	return cs_mono_us() / 1000;
}

/* ---- the end */

static bool
has_grant(const struct farewell *f)
{
	const struct cs_auth_way *w = f->context->way;

	return !f->keep_grant && w->kind == CS_AUTH_OAUTH2 && w->revoke_url != NULL && cs_token_to_revoke(f->context) != NULL;
}

static void
answer(struct farewell *f, enum cs_undone unknown)
{
	struct cs_farewell *asked = f->asked;

	if (asked == NULL)
		return;
	f->asked = NULL;
	asked->webhooks = f->next == HOOKS ? unknown : f->webhooks;
	asked->grant = f->next == OVER ? f->grant : has_grant(f) ? unknown : CS_UNDO_NONE;
	if (asked->webhooks == CS_UNDO_LEFT || asked->grant == CS_UNDO_LEFT)
		cs_log(CS_LOG_WARN, "auth", "a connection goes, and the CRM keeps something of it", "connection=%s crm=%s what=%s%s",
		    f->context->public_id, f->context->crm, asked->webhooks == CS_UNDO_LEFT ? "webhooks " : "",
		    asked->grant == CS_UNDO_LEFT ? "grant" : "");
	asked->done(asked);
}

static void
free_farewell(struct farewell *f)
{
	cs_list_del(&f->node);
	cs_context_unref(f->context);
	free(f);
}

/* ---- the grant */

static void step(struct farewell *f);

static void
end_session(struct farewell *f)
{
	cs_list_del(&f->session.node);
	cs_buf_fini(&f->session.exchanges);
	f->under_way = false;
}

static void
revoked(struct cs_session *s, const struct cs_http_answer *a, const struct cs_class *cl CS_UNUSED)
{
	struct farewell *f = CS_CONTAINER(s, struct farewell, session);
	bool ok = a->fault == CS_HTTP_OK && a->status >= 200 && a->status < 300;

	cs_log(ok ? CS_LOG_INFO : CS_LOG_WARN, "auth", ok ? "grant given back" : "grant not given back", "connection=%s crm=%s status=%d fault=%s",
	    f->context->public_id, f->context->crm, a->status, cs_http_fault_name(a->fault));
	f->grant = ok ? CS_UNDO_DONE : CS_UNDO_LEFT;
	f->next = OVER;
	end_session(f);
	step(f);
}

static void
abandoned(struct cs_session *s)
{
	struct farewell *f = CS_CONTAINER(s, struct farewell, session);

	cs_session_drop(s);
	end_session(f);
}

static void
give_back(struct farewell *f)
{
	f->session = (struct cs_session){ .engine = f->engine, .context = f->context, .own = &f->own, .answered = revoked, .abandoned = abandoned };
	f->under_way = true;
	cs_token_revoke(&f->session, &f->own);
}

/* ---- one after the other */

static void
unsubscribed(void *ctx, bool ok)
{
	struct farewell *f = ctx;

	f->under_way = false;
	f->webhooks = ok ? CS_UNDO_DONE : CS_UNDO_LEFT;
	f->next = GRANT;
	step(f);
}

static bool
hooks_go(struct farewell *f)
{
	struct cs_engine_part *part = f->engine->part;
	enum cs_part_end how = part != NULL ? part->end(part, f->context, unsubscribed, f) : CS_PART_NOTHING;

	f->under_way = how == CS_PART_BEGUN;
	return how == CS_PART_NOTHING;
}

/* f may be gone afterwards. */
static void
step(struct farewell *f)
{
	if (f->next == HOOKS) {
		if (!hooks_go(f))
			return;
		f->next = GRANT;
	}
	if (f->next == GRANT) {
		if (f->context->way->kind == CS_AUTH_OAUTH2 && !cs_token_settled(f->engine, f->context))
			return;
		if (has_grant(f)) {
			give_back(f);
			return;
		}
		f->next = OVER;
	}
	answer(f, CS_UNDO_NONE);
	free_farewell(f);
}

static void
handle(struct cs_engine *e, struct cs_msg *m)
{
	struct cs_farewell *asked = CS_CONTAINER(m, struct cs_farewell, msg);
	struct cs_context *c;
	struct farewell *f;

	cs_engine_leave(e, asked->conn_id);
	if (e->stopping || (c = cs_engine_context(e, asked->conn_id, NULL)) == NULL) { /* its plugin is gone, or its settings are of no use */
		asked->done(asked);
		return;
	}
	f = cs_xcalloc(1, sizeof(*f));
	*f = (struct farewell){ .engine = e, .asked = asked, .context = cs_context_ref(c), .keep_grant = asked->keep_grant,
		.until_ms = mono_ms() + CS_FAREWELL_MS };
	cs_list_push(&e->farewells, &f->node);
	step(f);
}

void
cs_farewell_post(struct cs_engine *e, struct cs_farewell *f)
{
	f->msg.handle = handle;
	f->webhooks = f->grant = CS_UNDO_NONE;
	if (!cs_engine_post(e, &f->msg))
		f->done(f);
}

/* ---- the engine's calls */

void
cs_farewell_tick(struct cs_engine *e)
{
	int64_t now_ms = mono_ms();

	CS_LIST_EACH_SAFE(n, tmp, &e->farewells) {
		struct farewell *f = CS_CONTAINER(n, struct farewell, node);
		bool late = now_ms >= f->until_ms;

		if (late)
			answer(f, CS_UNDO_LEFT);
		if (!f->under_way && !late)
			step(f);
		else if (!f->under_way) /* it waits for something that does not end */
			free_farewell(f);
	}
}

void
cs_farewell_abandon_all(struct cs_engine *e)
{
	CS_LIST_EACH_SAFE(n, tmp, &e->farewells) {
		struct farewell *f = CS_CONTAINER(n, struct farewell, node);

		answer(f, CS_UNDO_LEFT);
		free_farewell(f);
	}
}
