/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grant_callback.c - back from the consent page: the state is used up, a place for the grant is made, the code is exchanged. See grant.h.
 *
 * That the grant is about to be exchanged is committed together with the end of the state, so a code that was lost by a crash is
 * a pending connection without tokens, which the upkeep of tokens removes.
 */
#include "deliver/grant/grant_private.h"
#include <string.h>
#include "auth/ticket.h"
#include "deliver/grant/token.h"
#include "deliver/results.h"
#include "log/log.h"
#include "util/text.h"

#define FACT_MAX 512

static void
dropped(struct cs_grant *g, int rc CS_UNUSED)
{
	cs_grant_free(g);
}

static int
apply_drop(struct cs_grant *g, struct cs_store *s, int64_t now_ms CS_UNUSED, struct cs_err *err)
{
	int rc = s->ops->conn_delete(s, g->conn_id, err);

	return rc == CS_ENOTFOUND ? 0 : rc;
}

/* The person is told; a stand-in that came to nothing goes. */
static void
fail(struct cs_grant *g, int status, const char *title, const char *text)
{
	cs_grant_tell(g, status, title, text);
	if (g->fresh.crm != NULL)
		cs_grant_put(g, apply_drop, dropped);
	else
		cs_grant_free(g);
}

static void
exchanged(void *ctx, bool ok, const char *why)
{
	struct cs_grant *g = ctx;
	struct cs_context *c = ok ? cs_engine_context(g->engine, g->conn_id, NULL) : NULL;

	if (c != NULL)
		cs_grant_ask_who(g, c);
	else
		fail(g, 502, "The CRM did not give access", cs_arena_printf(&g->mem, "%s." CS_GRANT_AGAIN, ok ? "The connection is gone" : why));
}

static void
remember_facts(struct cs_grant *g, struct cs_context *c, const struct cs_auth_way *w)
{
	for (size_t i = 0; i < w->n_callback_facts && i < CS_GRANT_FACTS; i++)
		if (g->facts[i] != NULL)
			cs_context_fact_put(c, w->callback_facts[i].name, g->facts[i], strlen(g->facts[i]));
	if (w->n_callback_facts > 0)
		cs_results_facts(g->engine, c);
}

static void
used_up(struct cs_grant *g, int rc)
{
	struct cs_engine *e = g->engine;
	struct cs_context *c, *of;
	const struct cs_auth_way *w;
	const struct cs_named *secret;

	if (rc < 0) {
		cs_grant_finish(g, rc == CS_ENOTFOUND ? 410 : 503, rc == CS_ENOTFOUND ? "This link was used already" : "Not now",
		    rc == CS_ENOTFOUND ? "Each is good once." CS_GRANT_AGAIN : "This could not be written down." CS_GRANT_AGAIN);
		return;
	}
	if (g->fresh.crm != NULL)
		g->conn_id = g->fresh.id;
	cs_engine_drop_context(e, g->conn_id);
	if ((c = cs_engine_context(e, g->conn_id, NULL)) == NULL || (w = cs_manifest_way_named(c->manifest, g->flow.way)) == NULL) {
		fail(g, 500, "This cannot be connected", "The set-up of the connection is not complete.");
		return;
	}
	if (g->target != 0 && w->client_secret != NULL && (of = cs_engine_context(e, g->target, NULL)) != NULL &&
	    (secret = cs_context_secret(of, w->client_secret)) != NULL) /* a client of the connection's own */
		cs_context_secret_put(c, w->client_secret, secret->value, secret->len);
	remember_facts(g, c, w);
	cs_token_exchange(e, c, w, &(struct cs_token_code){ g->code, g->verifier, cs_grant_redirect_uri(g), exchanged, g });
}

/* The state is over and the place for the grant is there, in one transaction. */
static int
apply_use(struct cs_grant *g, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	struct cs_token_row t = { .remote_id = "", .remote_name = "", .intent_ms = now_ms, .keep_ms = now_ms + CS_GRANT_LIFE_MS };
	int rc;

	if (g->flow.conn_id != 0 && (rc = s->ops->flow_delete(s, g->flow.ticket, err)) < 0)
		return rc;
	if (g->fresh.crm == NULL) {
		if ((rc = s->ops->token_get(s, g->conn_id, &g->mem, &t, err)) < 0 && rc != CS_ENOTFOUND)
			return rc;
		t.conn_id = g->conn_id;
		t.intent_ms = now_ms;
		return s->ops->token_put(s, &t, err);
	}
	g->fresh.id = 0;
	g->fresh.public_id = NULL;
	g->fresh.state_since_ms = now_ms;
	if ((rc = s->ops->conn_put(s, &g->fresh, err)) < 0)
		return rc;
	t.conn_id = g->fresh.id;
	t.for_conn = g->target;
	return s->ops->token_put(s, &t, err);
}

static void
make_fresh(struct cs_grant *g, const struct cs_conn_row *of, const char *settings)
{
	g->fresh = (struct cs_conn_row){ .name = "", .account = of != NULL ? of->account : "", .crm = g->crm,
		.crm_account_id = of != NULL ? of->crm_account_id : "", .state = CS_CONN_PENDING, .overrides = "", .facts = "",
		.label = of != NULL ? cs_arena_printf(&g->mem, "new access for %s", of->public_id) : "from the CRM's marketplace",
		.state_reason = of != NULL ? "it would take the place of another account's access" : "nobody has claimed it yet",
		.settings = settings, .timezone = of != NULL ? of->timezone : "", .contacts = "", .subscribe = CS_SUB_ROUTED };
}

static bool
plan(struct cs_grant *g)
{
	struct cs_engine *e = g->engine;
	struct cs_conn_row row;
	struct cs_context *c;

	if (g->flow.conn_id == 0) {
		make_fresh(g, NULL, "");
		return true;
	}
	if (e->c.reader->ops->conn_get(e->c.reader, g->flow.conn_id, &g->mem, &row, NULL) < 0 ||
	    (c = cs_engine_context(e, g->flow.conn_id, NULL)) == NULL)
		return false;
	g->conn_id = row.id;
	if (row.state == CS_CONN_PENDING)
		return true;
	g->target = row.id;
	make_fresh(g, &row, cs_arena_strdup(&g->mem, cs_json_text(c->settings)));
	return true;
}

/* 0, or the page was sent. */
static int
check_state(struct cs_grant *g, const char *state)
{
	struct cs_engine *e = g->engine;
	uint8_t hash[32], browser[32];
	char *plain;
	size_t n;

	cs_ticket_hash(state, hash);
	cs_ticket_hash(cs_http_request_cookie(g->req, cs_grant_cookie_name(e), &g->mem), browser);
	if (e->c.reader->ops->flow_find(e->c.reader, hash, true, &g->mem, &g->flow, NULL) < 0 || cs_grant_is_over(g)) {
		cs_grant_finish(g, 410, "This link is over", "It was used already, or ten minutes have passed." CS_GRANT_AGAIN);
		return CS_ENOTFOUND;
	}
	if (!cs_secure_equal(browser, 32, g->flow.browser, 32)) {
		cs_grant_finish(g, 403, "Not this browser", "The link was opened in another browser." CS_GRANT_AGAIN);
		return CS_EPERM;
	}
	if (g->flow.verifier.len > 0) {
		if (cs_vault_open_sealed(e->c.vault, "flow", "verifier", g->flow.verifier.ptr, g->flow.verifier.len, &plain, &n, NULL) < 0) {
			cs_grant_finish(g, 500, "Not now", "The master key has changed meanwhile." CS_GRANT_AGAIN);
			return CS_ECORRUPT;
		}
		g->verifier = cs_arena_strdup(&g->mem, plain);
		cs_wipe_free(plain, n + 1);
	}
	return 0;
}

static void
refused(struct cs_grant *g, const char *error)
{
	char code[41] = "";

	for (size_t i = 0; error != NULL && i + 1 < sizeof(code) && cs_is_ident((char[]){ error[i], '\0' }, 1, "_-."); i++)
		code[i] = error[i];
	cs_log(CS_LOG_INFO, "auth", "access was not given", "crm=%s error=%s", g->crm, code);
	cs_grant_finish(g, 403, "Not connected", "The CRM did not give access: it was refused there, or the page was left." CS_GRANT_AGAIN);
}

void
cs_grant_callback(struct cs_grant *g)
{
	const char *state = cs_http_request_query(g->req, "state"), *code = cs_http_request_query(g->req, "code");
	const char *error = cs_http_request_query(g->req, "error");
	struct cs_manifest *m = cs_engine_manifest(g->engine, g->crm);
	const struct cs_auth_way *w = m != NULL ? cs_manifest_way_named(m, NULL) : NULL;
	const char *fact_params[CS_GRANT_FACTS];
	size_t n_facts = 0;

	g->remote_id = g->remote_name = "";
	g->flow.way = w != NULL ? cs_arena_strdup(&g->mem, w->name) : "";
	for (; w != NULL && n_facts < w->n_callback_facts && n_facts < CS_GRANT_FACTS; n_facts++)
		fact_params[n_facts] = cs_arena_strdup(&g->mem, w->callback_facts[n_facts].value);
	cs_manifest_unref(m);
	if (w == NULL) {
		cs_grant_finish(g, 404, "Not found", "No CRM of this name is connected with a browser here.");
		return;
	}
	if (state != NULL && state[0] != '\0' && check_state(g, state) < 0)
		return;
	if (error != NULL || code == NULL || code[0] == '\0') { /* some CRMs refuse with an error, some come back with nothing at all */
		refused(g, error);
		return;
	}
	g->code = cs_arena_strdup(&g->mem, code);
	for (size_t i = 0; i < n_facts; i++) {
		const char *v = cs_http_request_query(g->req, fact_params[i]);

		g->facts[i] = v != NULL && v[0] != '\0' && strlen(v) <= FACT_MAX ? cs_arena_strdup(&g->mem, v) : NULL;
	}
	if (plan(g))
		cs_grant_put(g, apply_use, used_up);
	else
		cs_grant_finish(g, 410, "This link is over", "The connection that it was for is not there any more.");
}

