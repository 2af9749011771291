/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grant.c - the two requests of a browser. See grant.h.
 *
 * Nothing that a browser brings is believed: the state must be one that is stored, for this CRM, not over and not used; the cookie
 * must be the one that the same browser was given; facts of the callback only choose among hosts that the manifest names. That
 * the grant is about to be exchanged is committed together with the end of the state, so a code that was lost by a crash is
 * a pending connection without tokens, which the upkeep of tokens removes.
 */
#include "deliver/grant/grant.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "auth/oauth.h"
#include "auth/ticket.h"
#include "deliver/call/exchange.h"
#include "deliver/results.h"
#include "deliver/grant/token_private.h"
#include "log/log.h"
#include "pages/page.h"
#include "pages/session.h"
#include "util/text.h"

#define CALLBACK_FACTS 8
#define FACT_MAX 512
#define AGAIN " Close this page and begin again."

struct grant {
	struct cs_msg msg;
	struct cs_engine *engine;
	struct cs_http_request *req;
	struct cs_arena mem;
	char crm[65];
	bool is_callback;
	struct cs_flow_row flow;
	int64_t conn_id;               /* where the grant goes */
	int64_t target;                /* whose place it takes; 0: nobody's, or its own */
	struct cs_conn_row fresh;      /* the stand-in or parked connection to be made; crm NULL: none */
	const char *answer_url, *cookie; /* START */
	const char *code, *verifier, *remote_id, *remote_name;
	const char *facts[CALLBACK_FACTS]; /* by the way's callback_facts, while the request is there to be asked; NULL: not given */
	struct cs_session identify;    /* who is it? */
	struct cs_wop op;
	int (*apply)(struct grant *, struct cs_store *, int64_t, struct cs_err *);
	void (*then)(struct grant *, int rc);
};

static void
free_grant(struct grant *g)
{
	if (g->code != NULL)
		cs_wipe((char *)(uintptr_t)g->code, strlen(g->code));
	if (g->verifier != NULL)
		cs_wipe((char *)(uintptr_t)g->verifier, strlen(g->verifier));
	cs_arena_fini(&g->mem);
	free(g);
}

/* Whoever came from the pages for connecting goes back there: they ask who it is, and go on. */
static void
tell(struct grant *g, int status, const char *title, const char *text)
{
	bool is_connecting = cs_http_request_cookie(g->req, cs_session_cookie_name(g->engine->c.conf->public_url), &g->mem) != NULL;

	if (is_connecting && status == 200 && g->flow.conn_id != 0)
		cs_page_go(g->req, "/connect/who", NULL);
	else
		cs_page_tell(g->req, status, title, text, is_connecting ? "/connect/setup" : NULL, "Back");
}

static void
finish(struct grant *g, int status, const char *title, const char *text)
{
	tell(g, status, title, text);
	free_grant(g);
}

/* ---- through the writer and back into the engine */

static int
apply_op(struct cs_wop *w, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	struct grant *g = CS_CONTAINER(w, struct grant, op);

	return g->apply(g, s, now_ms, err);
}

static void
op_told(struct cs_engine *e CS_UNUSED, struct cs_msg *m)
{
	struct grant *g = CS_CONTAINER(m, struct grant, msg);

	g->then(g, g->op.rc);
}

static void
op_committed(struct cs_wop *w)
{
	struct grant *g = CS_CONTAINER(w, struct grant, op);

	g->msg.handle = op_told;
	if (!cs_engine_post(g->engine, &g->msg))
		finish(g, 503, "Not now", "csrelay is being stopped." AGAIN);
}

static void
put(struct grant *g, int (*apply)(struct grant *, struct cs_store *, int64_t, struct cs_err *), void (*then)(struct grant *, int rc))
{
	g->apply = apply;
	g->then = then;
	g->op = (struct cs_wop){ .apply = apply_op, .committed = op_committed };
	if (!cs_writer_put(g->engine->c.writer, &g->op)) {
		g->op.rc = CS_ECLOSED;
		op_committed(&g->op);
	}
}

/* ---- start */

static const char *
new_ticket(struct cs_arena *mem)
{
	char *text = cs_arena_alloc(mem, CS_TICKET_TEXT);

	cs_ticket_new(text);
	return text;
}

static bool
is_https(const struct cs_engine *e)
{
	return strncmp(e->c.conf->public_url, "https://", 8) == 0;
}

/* The prefix makes browsers keep other hosts' hands off it; plain http (on loopback) does not have it. */
static const char *
cookie_name(const struct cs_engine *e)
{
	return is_https(e) ? "__Host-csrelay-oauth" : "csrelay-oauth";
}

static const char *
redirect_uri(struct grant *g)
{
	return cs_arena_printf(&g->mem, "%s/oauth/%s/callback", g->engine->c.conf->public_url, g->crm);
}

static const char *
consent_url(struct grant *g, struct cs_context *c, const struct cs_auth_way *w, const char *state, const char *verifier, struct cs_err *err)
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
	cs_oauth_param(&url, "redirect_uri", redirect_uri(g));
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
apply_flow(struct grant *g, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	int rc = s->ops->flow_sweep(s, now_ms, err);

	return rc < 0 ? rc : s->ops->flow_put(s, &g->flow, err);
}

static void
flow_kept(struct grant *g, int rc)
{
	if (rc < 0) {
		finish(g, 503, "Not now", "This could not be written down." AGAIN);
		return;
	}
	cs_page_go(g->req, g->answer_url, g->cookie);
	free_grant(g);
}

static int
seal_verifier(struct grant *g, const char *verifier, struct cs_err *err)
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
begin_flow(struct grant *g, struct cs_context *c, const struct cs_auth_way *w)
{
	const char *state = new_ticket(&g->mem), *browser = new_ticket(&g->mem), *verifier = w->pkce ? new_ticket(&g->mem) : NULL;
	struct cs_err err;

	cs_ticket_hash(state, g->flow.state);
	cs_ticket_hash(browser, g->flow.browser);
	g->flow.verifier = (struct cs_bytes){ "", 0 };
	if (seal_verifier(g, verifier, &err) < 0 || (g->answer_url = consent_url(g, c, w, state, verifier, &err)) == NULL) {
		cs_log(CS_LOG_ERROR, "auth", "an authorization could not begin", "crm=%s connection=%s why=\"%s\"", g->crm, c->public_id, err.msg);
		finish(g, 500, "This cannot be connected yet", "Something is missing in the set-up of csrelay; its log says what.");
		return;
	}
	g->cookie = cs_arena_printf(&g->mem, "%s=%s; Path=/; HttpOnly; SameSite=Lax; Max-Age=%d%s", cookie_name(g->engine), browser,
	    CS_GRANT_LIFE_MS / 1000, is_https(g->engine) ? "; Secure" : "");
	put(g, apply_flow, flow_kept);
}

static bool
is_over(const struct grant *g)
{
	return cs_now_ms(g->engine->c.clock) >= g->flow.expires_ms || strcmp(g->flow.crm, g->crm) != 0;
}

static void
start_request(struct grant *g)
{
	struct cs_engine *e = g->engine;
	const char *ticket = cs_http_request_query(g->req, "ticket");
	const struct cs_auth_way *w;
	struct cs_context *c;
	uint8_t hash[32];

	cs_ticket_hash(ticket != NULL ? ticket : "", hash);
	if (ticket == NULL || e->c.reader->ops->flow_find(e->c.reader, hash, false, &g->mem, &g->flow, NULL) < 0 || is_over(g)) {
		finish(g, 410, "This link is over", "Links to connect are good for ten minutes and one account. Ask for a new one.");
		return;
	}
	if ((c = cs_engine_context(e, g->flow.conn_id, NULL)) == NULL ||
	    (w = cs_manifest_way_named(c->manifest, g->flow.way)) == NULL || w->authorize_url == NULL) {
		finish(g, 410, "This link is over", "The connection that it was for is not there any more.");
		return;
	}
	begin_flow(g, c, w);
}

/* ---- the end: who is it, and whose place does it take */

static void
drop_stand_in_then(struct grant *g, int rc CS_UNUSED)
{
	free_grant(g);
}

static int
apply_drop(struct grant *g, struct cs_store *s, int64_t now_ms CS_UNUSED, struct cs_err *err)
{
	int rc = s->ops->conn_delete(s, g->conn_id, err);

	return rc == CS_ENOTFOUND ? 0 : rc;
}

/* The person is told; a stand-in that came to nothing goes. */
static void
fail(struct grant *g, int status, const char *title, const char *text)
{
	tell(g, status, title, text);
	if (g->fresh.crm != NULL)
		put(g, apply_drop, drop_stand_in_then);
	else
		free_grant(g);
}

static int
apply_named(struct grant *g, struct cs_store *s, int64_t now_ms CS_UNUSED, struct cs_err *err)
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
apply_take(struct grant *g, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	int rc = apply_named(g, s, now_ms, err);

	return rc < 0 ? rc : cs_grant_take(s, g->engine->c.vault, g->conn_id, g->target, now_ms, &g->mem, err);
}

static const char *
whom(const struct grant *g)
{
	return g->remote_name[0] != '\0' ? g->remote_name : g->remote_id[0] != '\0' ? g->remote_id : "an account that the CRM does not name";
}

static void
named(struct grant *g, int rc)
{
	cs_token_forget(g->engine, g->conn_id);
	if (rc < 0)
		finish(g, 503, "Not now", "What the CRM said could not be written down." AGAIN);
	else if (g->flow.conn_id == 0)
		finish(g, 200, "Almost connected",
		    cs_arena_printf(&g->mem, "csrelay has access to %s. Now claim it in csrelay for the account that it belongs to.", whom(g)));
	else if (g->target != 0)
		finish(g, 409, "That is another account",
		    cs_arena_printf(&g->mem, "You signed in to %s, but this connection belongs to another account of the CRM. Nothing was changed. "
		                    "Sign in to the right account, or claim this one in csrelay.", whom(g)));
	else
		finish(g, 200, "Connected",
		    cs_arena_printf(&g->mem, "Connected as %s. Confirm in csrelay that this is the right account; then leads go there.", whom(g)));
}

static void
taken(struct grant *g, int rc)
{
	struct cs_engine *e = g->engine;

	cs_token_forget(e, g->conn_id);
	cs_token_forget(e, g->target);
	if (rc < 0) {
		finish(g, 503, "Not now", "The new access could not be written down." AGAIN);
		return;
	}
	cs_engine_post_conn(e, g->conn_id, false);
	cs_engine_post_conn(e, g->target, true);
	cs_log(CS_LOG_INFO, "auth", "connected again", "crm=%s connection_id=%lld", g->crm, (long long)g->target);
	finish(g, 200, "Connected again", cs_arena_printf(&g->mem, "Connected as %s. Waiting leads go out now.", whom(g)));
}

/* Is what is known of both the same, and something known at all? Unknown passes: then there was never another account. */
static bool
same_account(struct grant *g, struct cs_context *new)
{
	struct cs_engine *e = g->engine;
	struct cs_context *old = cs_engine_context(e, g->target, NULL);
	const struct cs_identify_row *row = &new->manifest->identify;
	struct cs_token_row t;

	if (e->c.reader->ops->token_get(e->c.reader, g->target, &g->mem, &t, NULL) == 0 && t.remote_id[0] != '\0' && g->remote_id[0] != '\0')
		return strcmp(t.remote_id, g->remote_id) == 0;
	for (size_t i = 0; old != NULL && i < row->n_facts; i++) {
		const char *a = cs_context_fact(old, row->facts[i].name), *b = cs_context_fact(new, row->facts[i].name);

		if (row->id != NULL && strcmp(row->facts[i].value, row->id) == 0 && a[0] != '\0' && b[0] != '\0')
			return strcmp(a, b) == 0;
	}
	return true;
}

static void
settle(struct grant *g, struct cs_context *c)
{
	if (g->target != 0 && same_account(g, c))
		put(g, apply_take, taken);
	else
		put(g, apply_named, named);
}

static void
end_identify(struct grant *g)
{
	cs_list_del(&g->identify.node);
	cs_buf_fini(&g->identify.exchanges);
	cs_context_unref(g->identify.context);
	g->identify.context = NULL;
}

static void
identify_abandoned(struct cs_session *s)
{
	struct grant *g = CS_CONTAINER(s, struct grant, identify);

	cs_session_drop(s);
	end_identify(g);
	finish(g, 503, "Not now", "csrelay is being stopped." AGAIN);
}

static void
identified(struct cs_session *s, const struct cs_http_answer *a, const struct cs_class *cl CS_UNUSED)
{
	struct grant *g = CS_CONTAINER(s, struct grant, identify);
	struct cs_context *c = cs_context_ref(s->context);
	const struct cs_identify_row *row = &c->manifest->identify;
	json_object *doc = NULL;

	if (a->fault == CS_HTTP_OK && a->status == 200 && cs_json_parse(a->body, a->body_len, 32, &doc, NULL) == 0) {
		if (row->id != NULL)
			g->remote_id = cs_arena_strdup(&g->mem, cs_json_pointer_text(doc, row->id));
		if (row->name != NULL)
			g->remote_name = cs_arena_strdup(&g->mem, cs_json_pointer_text(doc, row->name));
		for (size_t i = 0; i < row->n_facts; i++) {
			const char *v = cs_json_pointer_text(doc, row->facts[i].value);

			if (v[0] != '\0')
				cs_context_fact_put(c, row->facts[i].name, v, strlen(v));
		}
		cs_results_facts(g->engine, c);
		json_object_put(doc);
	}
	end_identify(g);
	settle(g, c);
	cs_context_unref(c);
}

static void
ask_who(struct grant *g, struct cs_context *c)
{
	static const struct cs_session_ops no_ops;
	struct cs_http_req req = CS_REQ("identify", "GET", "");
	CS_CLEANUP(cs_buf_fini) struct cs_buf path = CS_BUF_INIT(4096);
	struct cs_lookup lk = cs_context_lookup(c, false);

	if (c->manifest->identify.path == NULL || cs_template_expand(c->manifest->identify.path, CS_IN_URL, &lk, &path, NULL) < 0) {
		settle(g, c);
		return;
	}
	g->identify = (struct cs_session){ .engine = g->engine, .context = cs_context_ref(c), .ops = &no_ops, .answered = identified,
		.abandoned = identify_abandoned };
	cs_list_init(&g->identify.node);
	cs_buf_init(&g->identify.exchanges, 1u << 16);
	cs_list_push(&g->engine->sessions, &g->identify.node);
	req.url = cs_buf_str(&path);
	cs_session_request(&g->identify, &req);
}

/* ---- callback */

static void
exchanged(void *ctx, bool ok, const char *why)
{
	struct grant *g = ctx;
	struct cs_context *c = ok ? cs_engine_context(g->engine, g->conn_id, NULL) : NULL;

	if (c != NULL)
		ask_who(g, c);
	else
		fail(g, 502, "The CRM did not give access", cs_arena_printf(&g->mem, "%s." AGAIN, ok ? "The connection is gone" : why));
}

static void
remember_facts(struct grant *g, struct cs_context *c, const struct cs_auth_way *w)
{
	for (size_t i = 0; i < w->n_callback_facts && i < CALLBACK_FACTS; i++)
		if (g->facts[i] != NULL)
			cs_context_fact_put(c, w->callback_facts[i].name, g->facts[i], strlen(g->facts[i]));
	if (w->n_callback_facts > 0)
		cs_results_facts(g->engine, c);
}

static void
used_up(struct grant *g, int rc)
{
	struct cs_engine *e = g->engine;
	struct cs_context *c, *of;
	const struct cs_auth_way *w;
	const struct cs_named *secret;

	if (rc < 0) {
		finish(g, rc == CS_ENOTFOUND ? 410 : 503, rc == CS_ENOTFOUND ? "This link was used already" : "Not now",
		    rc == CS_ENOTFOUND ? "Each is good once." AGAIN : "This could not be written down." AGAIN);
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
	cs_token_exchange(e, c, w, &(struct cs_token_code){ g->code, g->verifier, redirect_uri(g), exchanged, g });
}

/* The state is over and the place for the grant is there, in one transaction. */
static int
apply_use(struct grant *g, struct cs_store *s, int64_t now_ms, struct cs_err *err)
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
make_fresh(struct grant *g, const struct cs_conn_row *of, const char *settings)
{
	g->fresh = (struct cs_conn_row){ .name = "", .account = of != NULL ? of->account : "", .crm = g->crm,
		.crm_account_id = of != NULL ? of->crm_account_id : "", .state = CS_CONN_PENDING, .overrides = "", .facts = "",
		.label = of != NULL ? cs_arena_printf(&g->mem, "new access for %s", of->public_id) : "from the CRM's marketplace",
		.state_reason = of != NULL ? "it would take the place of another account's access" : "nobody has claimed it yet",
		.settings = settings, .timezone = of != NULL ? of->timezone : "", .contacts = "", .subscribe = CS_SUB_ROUTED };
}

static bool
plan(struct grant *g)
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
check_state(struct grant *g, const char *state)
{
	struct cs_engine *e = g->engine;
	uint8_t hash[32], browser[32];
	char *plain;
	size_t n;

	cs_ticket_hash(state, hash);
	cs_ticket_hash(cs_http_request_cookie(g->req, cookie_name(e), &g->mem), browser);
	if (e->c.reader->ops->flow_find(e->c.reader, hash, true, &g->mem, &g->flow, NULL) < 0 || is_over(g)) {
		finish(g, 410, "This link is over", "It was used already, or ten minutes have passed." AGAIN);
		return CS_ENOTFOUND;
	}
	if (!cs_secure_equal(browser, 32, g->flow.browser, 32)) {
		finish(g, 403, "Not this browser", "The link was opened in another browser." AGAIN);
		return CS_EPERM;
	}
	if (g->flow.verifier.len > 0) {
		if (cs_vault_open_sealed(e->c.vault, "flow", "verifier", g->flow.verifier.ptr, g->flow.verifier.len, &plain, &n, NULL) < 0) {
			finish(g, 500, "Not now", "The master key has changed meanwhile." AGAIN);
			return CS_ECORRUPT;
		}
		g->verifier = cs_arena_strdup(&g->mem, plain);
		cs_wipe_free(plain, n + 1);
	}
	return 0;
}

static void
refused(struct grant *g, const char *error)
{
	char code[41] = "";

	for (size_t i = 0; error != NULL && i + 1 < sizeof(code) && cs_is_ident((char[]){ error[i], '\0' }, 1, "_-."); i++)
		code[i] = error[i];
	cs_log(CS_LOG_INFO, "auth", "access was not given", "crm=%s error=%s", g->crm, code);
	finish(g, 403, "Not connected", "The CRM did not give access: it was refused there, or the page was left." AGAIN);
}

static void
callback_request(struct grant *g)
{
	const char *state = cs_http_request_query(g->req, "state"), *code = cs_http_request_query(g->req, "code");
	const char *error = cs_http_request_query(g->req, "error");
	struct cs_manifest *m = cs_engine_manifest(g->engine, g->crm);
	const struct cs_auth_way *w = m != NULL ? cs_manifest_way_named(m, NULL) : NULL;
	const char *fact_params[CALLBACK_FACTS];
	size_t n_facts = 0;

	g->remote_id = g->remote_name = "";
	g->flow.way = w != NULL ? cs_arena_strdup(&g->mem, w->name) : "";
	for (; w != NULL && n_facts < w->n_callback_facts && n_facts < CALLBACK_FACTS; n_facts++)
		fact_params[n_facts] = cs_arena_strdup(&g->mem, w->callback_facts[n_facts].value);
	cs_manifest_unref(m);
	if (w == NULL) {
		finish(g, 404, "Not found", "No CRM of this name is connected with a browser here.");
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
		put(g, apply_use, used_up);
	else
		finish(g, 410, "This link is over", "The connection that it was for is not there any more.");
}

/* ---- the request */

static void
handle(struct cs_engine *e CS_UNUSED, struct cs_msg *m)
{
	struct grant *g = CS_CONTAINER(m, struct grant, msg);

	if (g->is_callback)
		callback_request(g);
	else
		start_request(g);
}

bool
cs_grant_is(const struct cs_http_request *req)
{
	return strncmp(req->path, "/oauth/", 7) == 0;
}

void
cs_grant_handle(struct cs_engine *e, struct cs_http_request *req)
{
	const char *crm = req->path + 7, *slash = strchr(crm, '/');
	bool is_callback = slash != NULL && strcmp(slash, "/callback") == 0;
	struct grant *g;

	if (slash == NULL || slash - crm > 64 || slash == crm || (!is_callback && strcmp(slash, "/start") != 0)) {
		cs_page_tell(req, 404, "Not found", "There is nothing here.", NULL, NULL);
		return;
	}
	if (strcmp(req->method, "GET") != 0) {
		cs_page_no_method(req, is_callback ? "DELETE, GET" : "GET");
		return;
	}
	g = cs_xcalloc(1, sizeof(*g));
	cs_arena_init(&g->mem);
	g->engine = e;
	g->req = req;
	g->is_callback = is_callback;
	snprintf(g->crm, sizeof(g->crm), "%.*s", (int)(slash - crm), crm);
	g->msg.handle = handle;
	if (!cs_engine_post(e, &g->msg))
		finish(g, 503, "Not now", "csrelay is being stopped." AGAIN);
}
