/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grant_start.c - a ticket becomes a state, a cookie and a PKCE verifier, and the browser goes to the CRM's consent page. See grant.h.
 */
#include "deliver/grant/grant_private.h"
#include <string.h>
#include "auth/oauth.h"
#include "auth/ticket.h"
#include "log/log.h"
#include "pages/page.h"

static const char *
new_ticket(struct cs_arena *mem)
{
	char *text = cs_arena_alloc(mem, CS_TICKET_TEXT);

	cs_ticket_new(text);
	return text;
}

static const char *
consent_url(struct cs_grant *g, struct cs_context *c, const struct cs_auth_way *w, const char *state, const char *verifier, struct cs_err *err)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf url = CS_BUF_INIT(8192), id = CS_BUF_INIT(1024), scopes = CS_BUF_INIT(4096),
	                                      challenge = CS_BUF_INIT(100);
	struct cs_lookup lk = cs_context_lookup(c, false);

	if (cs_template_expand(w->authorize_url, CS_IN_URL, &lk, &url, err) < 0)
		return NULL;
	if (cs_template_expand(w->client_id, CS_IN_HEADER, &lk, &id, NULL) < 0) {
		cs_err_set(err, CS_EINVAL, "the client id of the app is not set");
		return NULL;
	}
	for (size_t i = 0; i < w->n_scopes; i++)
		cs_buf_printf(&scopes, "%s%s", i > 0 ? w->scope_separator : "", w->scopes[i]);
	cs_oauth_param(&url, "response_type", "code");
	cs_oauth_param(&url, "client_id", cs_buf_str(&id));
	cs_oauth_param(&url, "redirect_uri", cs_grant_redirect_uri(g));
	cs_oauth_param(&url, "state", state);
	if (scopes.len > 0)
		cs_oauth_param(&url, "scope", cs_buf_str(&scopes));
	for (size_t i = 0; i < w->n_authorize_params; i++) {
		CS_CLEANUP(cs_buf_fini) struct cs_buf v = CS_BUF_INIT(4096);

		if (cs_template_expand(w->authorize_params[i].value, CS_IN_HEADER, &lk, &v, NULL) == 0)
			cs_oauth_param(&url, w->authorize_params[i].name, cs_buf_str(&v));
	}
	if (verifier != NULL) {
		cs_oauth_challenge(verifier, &challenge);
		cs_oauth_param(&url, "code_challenge", cs_buf_str(&challenge));
		cs_oauth_param(&url, "code_challenge_method", "S256");
	}
	if (cs_url_check(cs_buf_str(&url), true, NULL, err) < 0)
		return NULL;
	return cs_arena_strdup(&g->mem, cs_buf_str(&url));
}

static int
apply_flow(struct cs_grant *g, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	int rc = s->ops->flow_sweep(s, now_ms, err);

	return rc < 0 ? rc : s->ops->flow_put(s, &g->flow, err);
}

static void
flow_kept(struct cs_grant *g, int rc)
{
	if (rc < 0) {
		cs_grant_finish(g, 503, "Not now", "This could not be written down." CS_GRANT_AGAIN);
		return;
	}
	cs_page_go(g->req, g->answer_url, g->cookie);
	cs_grant_free(g);
}

static int
seal_verifier(struct cs_grant *g, const char *verifier, struct cs_err *err)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(4096);
	int rc;

	if (verifier == NULL)
		return 0;
	if (g->engine->c.vault == NULL)
		return cs_err_set(err, CS_EUNSUPPORTED, "there is no master key (vault.key_file)");
	if ((rc = cs_vault_seal(g->engine->c.vault, "flow", "verifier", verifier, strlen(verifier), &b, err)) == 0)
		g->flow.verifier = (struct cs_bytes){ cs_arena_dup(&g->mem, b.ptr, b.len), b.len };
	return rc;
}

static void
begin_flow(struct cs_grant *g, struct cs_context *c, const struct cs_auth_way *w)
{
	const char *state = new_ticket(&g->mem), *browser = new_ticket(&g->mem), *verifier = w->pkce ? new_ticket(&g->mem) : NULL;
	struct cs_err err;

	cs_ticket_hash(state, g->flow.state);
	cs_ticket_hash(browser, g->flow.browser);
	g->flow.verifier = (struct cs_bytes){ "", 0 };
	if (seal_verifier(g, verifier, &err) < 0 || (g->answer_url = consent_url(g, c, w, state, verifier, &err)) == NULL) {
		cs_log(CS_LOG_ERROR, "auth", "an authorization could not begin", "crm=%s connection=%s why=\"%s\"", g->crm, c->public_id, err.msg);
		cs_grant_finish(g, 500, "This cannot be connected yet", "Something is missing in the set-up of csrelay; its log says what.");
		return;
	}
	g->cookie = cs_arena_printf(&g->mem, "%s=%s; Path=/; HttpOnly; SameSite=Lax; Max-Age=%d%s", cs_grant_cookie_name(g->engine), browser,
	    CS_GRANT_LIFE_MS / 1000, cs_grant_is_https(g->engine) ? "; Secure" : "");
	cs_grant_put(g, apply_flow, flow_kept);
}

void
cs_grant_start(struct cs_grant *g)
{
	struct cs_engine *e = g->engine;
	const char *ticket = cs_http_request_query(g->req, "ticket");
	const struct cs_auth_way *w;
	struct cs_context *c;
	uint8_t hash[32];

	cs_ticket_hash(ticket != NULL ? ticket : "", hash);
	if (ticket == NULL || e->c.reader->ops->flow_find(e->c.reader, hash, false, &g->mem, &g->flow, NULL) < 0 || cs_grant_is_over(g)) {
		cs_grant_finish(g, 410, "This link is over", "Links to connect are good for ten minutes and one account. Ask for a new one.");
		return;
	}
	if ((c = cs_engine_context(e, g->flow.conn_id, NULL)) == NULL ||
	    (w = cs_manifest_way_named(c->manifest, g->flow.way)) == NULL || w->authorize_url == NULL) {
		cs_grant_finish(g, 410, "This link is over", "The connection that it was for is not there any more.");
		return;
	}
	begin_flow(g, c, w);
}

