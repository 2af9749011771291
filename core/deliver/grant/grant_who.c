/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grant_who.c - there is access: to whose account, and whose place does it take? See grant.h.
 *
 * The same account takes its place at once. Another one waits to be claimed, and so does one that the CRM does not name although it is
 * known whose account this was: to bring leads into a stranger's CRM is worse than to ask a person once more. One with which the CRM lets
 * nobody in (no such right, no such plan) is told so and forgotten: there is nothing to claim.
 */
#include "deliver/grant/grant_private.h"
#include <string.h>
#include "deliver/grant/token.h"
#include "log/log.h"

static int
apply_named(struct cs_grant *g, struct cs_store *s, int64_t now_ms CS_UNUSED, struct cs_err *err)
{
	struct cs_token_row t;
	int rc = s->ops->token_get(s, g->conn_id, &g->mem, &t, err);

	if (rc < 0)
		return rc;
	t.remote_id = g->remote_id;
	t.remote_name = g->remote_name;
	t.for_conn = g->target;
	return s->ops->token_put(s, &t, err);
}

static int
apply_take(struct cs_grant *g, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	int rc = apply_named(g, s, now_ms, err);

	return rc < 0 ? rc : cs_grant_take(s, g->engine->c.vault, g->conn_id, g->target, now_ms, &g->mem, err);
}

static const char *
whom(const struct cs_grant *g)
{
	return g->remote_name[0] != '\0' ? g->remote_name : g->remote_id[0] != '\0' ? g->remote_id : "an account that the CRM does not name";
}

static void
named(struct cs_grant *g, int rc)
{
	cs_token_forget(g->engine, g->conn_id);
	if (rc < 0)
		cs_grant_finish(g, 503, "Not now", "What the CRM said could not be written down." CS_GRANT_AGAIN);
	else if (g->flow.conn_id == 0)
		cs_grant_finish(g, 200, "Almost connected",
		    cs_arena_printf(&g->mem, "csrelay has access to %s. Now claim it in csrelay for the account that it belongs to.", whom(g)));
	else if (g->untold)
		cs_grant_finish(g, 503, "Whose account is it?",
		    "The CRM gave access, but did not say just now to whose account. It was not taken for this connection: claim it in csrelay, or "
		    "close this page and begin again.");
	else if (g->target != 0)
		cs_grant_finish(g, 409, "That is another account",
		    cs_arena_printf(&g->mem, "You signed in to %s, but this connection belongs to another account of the CRM. Nothing was changed. "
		                    "Sign in to the right account, or claim this one in csrelay.", whom(g)));
	else
		cs_grant_finish(g, 200, "Connected",
		    cs_arena_printf(&g->mem, "Connected as %s. Confirm in csrelay that this is the right account; then leads go there.", whom(g)));
}

static void
taken(struct cs_grant *g, int rc)
{
	struct cs_engine *e = g->engine;

	cs_token_forget(e, g->conn_id);
	cs_token_forget(e, g->target);
	if (rc < 0) {
		cs_grant_finish(g, 503, "Not now", "The new access could not be written down." CS_GRANT_AGAIN);
		return;
	}
	cs_engine_post_conn(e, g->conn_id, false);
	cs_engine_post_conn(e, g->target, true);
	cs_log(CS_LOG_INFO, "auth", "connected again", "crm=%s connection_id=%lld", g->crm, (long long)g->target);
	cs_grant_finish(g, 200, "Connected again", cs_arena_printf(&g->mem, "Connected as %s. Waiting leads go out now.", whom(g)));
}

/* ---- whose place */

enum whose { WHOSE_SAME, WHOSE_OTHER, WHOSE_UNTOLD };

static enum whose
compare(const char *was, const char *is)
{
	return strcmp(was, is) == 0 ? WHOSE_SAME : WHOSE_OTHER;
}

/*
 * Is it the account that the target has had? It may be known by its last grant, or by the fact that tells its id. Where nothing is known of
 * the target there was never another account.
 */
static enum whose
whose(struct cs_grant *g)
{
	struct cs_engine *e = g->engine;
	const struct cs_context *old = cs_engine_context(e, g->target, NULL), *new = g->context;
	struct cs_token_row t = { .remote_id = "" };

	if (e->c.reader->ops->token_get(e->c.reader, g->target, &g->mem, &t, NULL) < 0)
		t.remote_id = "";
	if (g->ask.said != CS_SAID_YES && g->ask.said != CS_SAID_CANNOT)
		return t.remote_id[0] != '\0' || (old != NULL && old->n_facts > 0) ? WHOSE_UNTOLD : WHOSE_SAME;
	if (t.remote_id[0] != '\0' && g->remote_id[0] != '\0')
		return compare(t.remote_id, g->remote_id);
	for (size_t i = 0; old != NULL && g->remote_id[0] != '\0' && i < new->manifest->n_facts; i++) {
		const char *name = new->manifest->facts[i].name, *was = cs_context_fact(old, name);

		if (was[0] != '\0' && strcmp(cs_context_fact(new, name), g->remote_id) == 0)
			return compare(was, g->remote_id);
	}
	return WHOSE_SAME;
}

static void
settle(struct cs_grant *g)
{
	enum whose it = g->target != 0 ? whose(g) : WHOSE_OTHER;

	cs_context_unref(CS_STEAL(g->context));
	g->untold = it == WHOSE_UNTOLD;
	if (it == WHOSE_SAME)
		cs_grant_put(g, apply_take, taken);
	else
		cs_grant_put(g, apply_named, named);
}

/* ---- who is it */

static bool
lets_nobody_in(const struct cs_grant *g)
{
	return g->fresh.crm != NULL && g->ask.said != CS_SAID_YES && g->ask.said != CS_SAID_LATER && g->ask.said != CS_SAID_CANNOT;
}

static void
forget(struct cs_grant *g)
{
	cs_context_unref(CS_STEAL(g->context));
	cs_token_drop(g->engine, g->conn_id);
	cs_token_forget(g->engine, g->conn_id);
	cs_engine_drop_context(g->engine, g->conn_id);
	cs_grant_finish(g, 403, "The CRM does not let csrelay in",
	    cs_arena_printf(&g->mem, "Nothing was changed. It gave access, and then did not take it: %s", g->ask.text));
}

static void
asked(struct cs_ask *a)
{
	struct cs_grant *g = CS_CONTAINER(a, struct cs_grant, ask);

	if (lets_nobody_in(g)) {
		forget(g);
		return;
	}
	g->remote_id = cs_arena_strdup(&g->mem, a->id);
	g->remote_name = cs_arena_strdup(&g->mem, a->name);
	settle(g);
}

void
cs_grant_ask_who(struct cs_grant *g, struct cs_context *c)
{
	g->context = cs_context_ref(c);
	g->ask = (struct cs_ask){ .conn_id = g->conn_id, .done = asked };
	cs_ask_start(g->engine, &g->ask);
}
