/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oauth.c - the token side of OAuth 2.0 for the fake CRMs.
 *
 * Codes, access and refresh tokens are rows of one table, tied together by the grant they came from: revoking a
 * refresh token ends its grant. A refresh token that was rotated away is refused, and using it again ends the
 * grant as RFC 9700 advises. Constant codes and refresh tokens of the data file ("sandbox-code-{tenant}")
 * become rows when first used, so that a connection can be set up without a browser. Clients stand in the body,
 * in Basic, or in the query.
 */
#include "config.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "sandbox/crm/access.h"
#include "sandbox/crm/oauth.h"
#include "util/text.h"

#define MAX_TOKENS 200000

enum kind { CODE, ACCESS, REFRESH };

struct token {
	char *text;
	enum kind kind;
	char tenant[CS_SB_TENANT_NAME + 1];
	int64_t expires_ms; /* 0: never */
	uint64_t grant;
	bool dead;
	char *client, *redirect, *challenge; /* codes: what they are bound to; may be NULL */
};

struct cs_sb_oauth {
	struct cs_map tokens;
	uint64_t grants;
};

struct asked {
	struct cs_sb_scope *sc;
	struct cs_sb_crm_state *st;
	json_object *conf;
	char client[128], client_tenant[CS_SB_TENANT_NAME + 1];
	const char *rotation; /* what a refresh does with the refresh token: new, same or none */
	const char *error, *why;
};

/* ---- the table */

static void
token_free(struct token *t)
{
	free(t->text);
	free(t->client);
	free(t->redirect);
	free(t->challenge);
	free(t);
}

static struct cs_sb_oauth *
oauth_of(struct cs_sb_crm_state *st)
{
	if (st->oauth == NULL) {
		st->oauth = cs_xcalloc(1, sizeof(*st->oauth));
		cs_map_init(&st->oauth->tokens);
	}
	return st->oauth;
}

static struct token *
token_get(struct cs_sb_crm_state *st, const char *text, enum kind kind)
{
	struct token *t = cs_map_get(&oauth_of(st)->tokens, cs_hash64_str(text));

	return t != NULL && t->kind == kind && strcmp(t->text, text) == 0 ? t : NULL;
}

/* Drop what can never be good again. */
static void
sweep(struct cs_sb_oauth *o, int64_t now)
{
	struct cs_map kept;
	struct token *t;
	size_t at = 0;
	uint64_t key;

	cs_map_init(&kept);
	while ((t = cs_map_next(&o->tokens, &at, &key)) != NULL) {
		if (t->kind != REFRESH && (t->dead || (t->expires_ms != 0 && t->expires_ms < now)))
			token_free(t);
		else
			cs_map_put(&kept, key, t);
	}
	cs_map_fini(&o->tokens);
	o->tokens = kept;
}

static struct token *
token_put(struct asked *a, enum kind kind, const char *text, const char *tenant, int64_t life_s, uint64_t grant)
{
	struct cs_sb_oauth *o = oauth_of(a->st);
	struct token *t = cs_xcalloc(1, sizeof(*t));

	if (o->tokens.n >= MAX_TOKENS)
		sweep(o, a->sc->now_ms);
	t->text = cs_xstrdup(text);
	t->kind = kind;
	snprintf(t->tenant, sizeof(t->tenant), "%s", tenant);
	t->expires_ms = life_s > 0 ? a->sc->now_ms + life_s * 1000 : 0;
	t->grant = grant;
	cs_map_put(&o->tokens, cs_hash64_str(text), t);
	return t;
}

static struct token *
token_new(struct asked *a, enum kind kind, const char *tenant, int64_t life_s, uint64_t grant)
{
	static const char *const prefix[] = { "code-", "at-", "rt-" };
	struct cs_buf text = CS_BUF_INIT(0);
	unsigned char bytes[24];
	struct token *t;

	cs_random_bytes(bytes, sizeof(bytes));
	cs_buf_adds(&text, prefix[kind]);
	cs_hex_add(&text, bytes, sizeof(bytes));
	t = token_put(a, kind, text.ptr, tenant, life_s, grant);
	cs_buf_fini(&text);
	return t;
}

static void
end_grant(struct cs_sb_crm_state *st, uint64_t grant)
{
	struct token *t;
	size_t at = 0;

	while ((t = cs_map_next(&oauth_of(st)->tokens, &at, NULL)) != NULL)
		t->dead = t->dead || t->grant == grant;
}

static bool
good(const struct token *t, int64_t now)
{
	return t != NULL && !t->dead && (t->expires_ms == 0 || now < t->expires_ms);
}

enum cs_sb_token_state
cs_sb_oauth_access(struct cs_sb_crm_state *st, const char *text, int64_t now_ms,
		   char tenant[CS_SB_TENANT_NAME + 1])
{
	struct token *t = token_get(st, text, ACCESS);

	if (t == NULL)
		return CS_SB_TOKEN_UNKNOWN;
	memcpy(tenant, t->tenant, sizeof(t->tenant));
	return t->dead ? CS_SB_TOKEN_UNKNOWN : good(t, now_ms) ? CS_SB_TOKEN_GOOD : CS_SB_TOKEN_EXPIRED;
}

void
cs_sb_oauth_expire(struct cs_sb_crm_state *st, const char *tenant, bool take_back)
{
	struct token *t;
	size_t at = 0;

	while ((t = cs_map_next(&oauth_of(st)->tokens, &at, NULL)) != NULL) {
		if (tenant != NULL && strcmp(t->tenant, tenant) != 0)
			continue;
		if (take_back)
			t->dead = true;
		else if (t->kind == ACCESS)
			t->expires_ms = 1;
	}
}

void
cs_sb_oauth_free(struct cs_sb_crm_state *st)
{
	struct token *t;
	size_t at = 0;

	if (st->oauth == NULL)
		return;
	while ((t = cs_map_next(&st->oauth->tokens, &at, NULL)) != NULL)
		token_free(t);
	cs_map_fini(&st->oauth->tokens);
	free(st->oauth);
	st->oauth = NULL;
}

/* ---- reading the request */

static bool
deny(struct asked *a, const char *error, const char *why)
{
	a->error = error;
	a->why = why;
	return false;
}

/* A parameter, from the form or JSON body, else the query ("" when absent). Borrowed. */
static const char *
param(struct asked *a, const char *name)
{
	char pointer[64];
	json_object *body = cs_sb_scope_body(a->sc);
	const char *s;

	snprintf(pointer, sizeof(pointer), "/%s", name);
	s = body != NULL ? cs_json_pointer_text(body, pointer) : "";
	if (*s != '\0')
		return s;
	return cs_json_pointer_text(cs_sb_scope_query(a->sc), pointer);
}

/* Client id and secret from Basic, both in text[]; false: there is none. */
static bool
basic(struct asked *a, char *text, size_t cap, const char **id, const char **secret)
{
	const char *h = cs_sb_header(a->sc->req, "authorization");
	char *colon;
	int n;

	if (h == NULL || strncasecmp(h, "Basic ", 6) != 0)
		return false;
	if ((n = cs_base64_decode(h + 6, strlen(h + 6), text, cap - 1)) < 0)
		return false;
	text[n] = '\0';
	if ((colon = strchr(text, ':')) == NULL)
		return false;
	*colon = '\0';
	*id = text;
	*secret = colon + 1;
	return true;
}

static bool
wants_place(struct asked *a, const char *place)
{
	json_object *from = cs_json_get(a->conf, "client_from");

	for (size_t i = 0; from != NULL && i < json_object_array_length(from); i++) {
		if (strcmp(cs_sb_scalar(json_object_array_get_idx(from, i)), place) == 0)
			return true;
	}
	return from == NULL && strcmp(place, "body") == 0;
}

static bool
find_client(struct asked *a, const char *id, const char *secret, bool with_secret)
{
	json_object *clients = cs_json_get(a->conf, "clients");

	for (size_t i = 0; clients != NULL && i < json_object_array_length(clients); i++) {
		json_object *c = json_object_array_get_idx(clients, i);
		const char *want = cs_json_str(c, "secret", "");

		if (!cs_sb_fits(cs_json_str(c, "id", ""), id, a->client_tenant))
			continue;
		if (with_secret && !cs_secure_equal(want, strlen(want), secret, strlen(secret)))
			continue;
		snprintf(a->client, sizeof(a->client), "%s", id);
		a->rotation = cs_json_str(c, "refresh", cs_json_str(a->conf, "refresh", "same"));
		return true;
	}
	return deny(a, "invalid_client", "unknown client, or a wrong secret");
}

static bool
check_client(struct asked *a)
{
	char text[600];
	const char *id, *secret;

	if (!wants_place(a, "basic") || !basic(a, text, sizeof(text), &id, &secret)) {
		if (!wants_place(a, "body"))
			return deny(a, "invalid_client", "the client belongs into the Authorization header");
		id = param(a, "client_id");
		secret = param(a, "client_secret");
	}
	cs_sb_scope_secret(a->sc, secret);
	return find_client(a, id, secret, true);
}

/* A constant of the data file that was not used before becomes a row. */
static struct token *
known_constant(struct asked *a, const char *list, enum kind kind, const char *text)
{
	json_object *accept = cs_json_get(a->conf, list);
	char tenant[CS_SB_TENANT_NAME + 1];

	for (size_t i = 0; accept != NULL && i < json_object_array_length(accept); i++) {
		if (cs_sb_fits(cs_sb_scalar(json_object_array_get_idx(accept, i)), text, tenant))
			return token_put(a, kind, text, tenant, 0, ++oauth_of(a->st)->grants);
	}
	return NULL;
}

/* ---- grants */

static bool
pkce_holds(struct asked *a, const struct token *code)
{
	const char *verifier = param(a, "code_verifier");
	unsigned char sum[EVP_MAX_MD_SIZE];
	struct cs_buf b = CS_BUF_INIT(0);
	unsigned n = 0;
	bool ok;

	if (code->challenge == NULL)
		return true;
	EVP_Digest(verifier, strlen(verifier), sum, &n, EVP_sha256(), NULL);
	cs_base64url_add(&b, sum, n);
	ok = strcmp(b.ptr, code->challenge) == 0;
	cs_buf_fini(&b);
	return ok;
}

static void
add_text(json_object *o, const char *name, const char *value)
{
	json_object_object_add(o, name, json_object_new_string(value));
}

static void
add_tenant(struct asked *a, json_object *o, const char *tenant)
{
	struct cs_sb_tenant *t = cs_sb_tenant_get(a->st, tenant);

	add_text(o, "tenant", tenant);
	if (t != NULL)
		json_object_object_add(o, "tenant_no", json_object_new_int64(cs_sb_tenant_number(t)));
}

static json_object *
grant_tokens(struct asked *a, const char *tenant, uint64_t grant, const char *refresh)
{
	json_object *g = json_object_new_object();
	int64_t life = cs_json_int(a->conf, "expires_s", 3600);

	add_text(g, "access_token", token_new(a, ACCESS, tenant, life, grant)->text);
	if (refresh != NULL)
		add_text(g, "refresh_token", refresh);
	json_object_object_add(g, "expires_in", json_object_new_int64(life));
	add_tenant(a, g, tenant);
	return g;
}

static const char *
new_refresh(struct asked *a, const char *tenant, uint64_t grant)
{
	return token_new(a, REFRESH, tenant, cs_json_int(a->conf, "refresh_expires_s", 0), grant)->text;
}

static json_object *
by_code(struct asked *a)
{
	const char *text = param(a, "code");
	struct token *code = token_get(a->st, text, CODE);
	bool revoked_before = code != NULL && code->dead;
	struct cs_sb_tenant *tenant;

	cs_sb_scope_secret(a->sc, text);
	if (code == NULL)
		code = known_constant(a, "codes", CODE, text);
	if (revoked_before)
		end_grant(a->st, code->grant);
	if (!good(code, a->sc->now_ms) || (code->client != NULL && strcmp(code->client, a->client) != 0) ||
	    (code->redirect != NULL && strcmp(code->redirect, param(a, "redirect_uri")) != 0) ||
	    !pkce_holds(a, code)) {
		deny(a, "invalid_grant", "the code is unknown, used, expired or bound to something else");
		return NULL;
	}
	code->dead = true;
	if ((tenant = cs_sb_tenant_get(a->st, code->tenant)) != NULL)
		tenant->revoked = false; /* whoever consents anew takes back what was taken away */
	return grant_tokens(a, code->tenant, code->grant, new_refresh(a, code->tenant, code->grant));
}

static json_object *
by_refresh(struct asked *a)
{
	const char *text = param(a, "refresh_token");
	struct token *rt = token_get(a->st, text, REFRESH);
	struct cs_sb_tenant *tenant;

	cs_sb_scope_secret(a->sc, text);
	if (rt == NULL)
		rt = known_constant(a, "refresh_tokens", REFRESH, text);
	else if (rt->dead)
		end_grant(a->st, rt->grant); /* used again after it was rotated away */
	tenant = rt != NULL ? cs_sb_tenant_get(a->st, rt->tenant) : NULL;
	if (!good(rt, a->sc->now_ms) || tenant == NULL || tenant->revoked) {
		deny(a, "invalid_grant", "the refresh token is unknown, used, expired or revoked");
		return NULL;
	}
	if (strcmp(a->rotation, "new") != 0)
		return grant_tokens(a, rt->tenant, rt->grant, strcmp(a->rotation, "same") == 0 ? rt->text : NULL);
	rt->dead = true;
	return grant_tokens(a, rt->tenant, rt->grant, new_refresh(a, rt->tenant, rt->grant));
}

static json_object *
by_client(struct asked *a)
{
	struct cs_sb_tenant *t = cs_sb_tenant_get(a->st, a->client_tenant);

	if (t == NULL || t->revoked) {
		deny(a, "invalid_client", "the client was disconnected");
		return NULL;
	}
	return grant_tokens(a, a->client_tenant, ++oauth_of(a->st)->grants, NULL);
}

static bool
grant_offered(struct asked *a, const char *type)
{
	json_object *grants = cs_json_get(a->conf, "grants");

	for (size_t i = 0; grants != NULL && i < json_object_array_length(grants); i++) {
		if (strcmp(cs_sb_scalar(json_object_array_get_idx(grants, i)), type) == 0)
			return true;
	}
	return deny(a, "unsupported_grant_type", "this grant_type is not offered");
}

static json_object *
token_step(struct asked *a)
{
	const char *type = param(a, "grant_type");

	if (!check_client(a) || !grant_offered(a, type))
		return NULL;
	if (strcmp(type, "authorization_code") == 0)
		return by_code(a);
	return strcmp(type, "refresh_token") == 0 ? by_refresh(a) : by_client(a);
}

/* The browser's side: a code for the tenant that the query names, bound to client, redirect and challenge. */
static json_object *
authorize_step(struct asked *a)
{
	const char *tenant = param(a, "tenant"), *challenge = param(a, "code_challenge");
	json_object *g;
	struct token *code;

	if (!find_client(a, param(a, "client_id"), "", false))
		return NULL;
	if (*challenge == '\0' && strcmp(cs_json_str(a->conf, "pkce", "optional"), "required") == 0) {
		deny(a, "invalid_request", "code_challenge is required");
		return NULL;
	}
	code = token_new(a, CODE, *tenant != '\0' ? tenant : "default",
			 cs_json_int(a->conf, "code_expires_s", 600), ++oauth_of(a->st)->grants);
	code->client = cs_xstrdup(a->client);
	code->redirect = *param(a, "redirect_uri") != '\0' ? cs_xstrdup(param(a, "redirect_uri")) : NULL;
	code->challenge = *challenge != '\0' ? cs_xstrdup(challenge) : NULL;
	g = json_object_new_object();
	add_text(g, "code", code->text);
	add_text(g, "tenant", code->tenant);
	return g;
}

static struct token *
any_token(struct asked *a, const char *text)
{
	struct token *t = token_get(a->st, text, ACCESS);

	cs_sb_scope_secret(a->sc, text);
	return t != NULL ? t : token_get(a->st, text, REFRESH);
}

static json_object *
revoke_step(struct asked *a)
{
	struct token *t;

	if (!check_client(a))
		return NULL;
	if ((t = any_token(a, param(a, "token"))) != NULL && t->kind == REFRESH)
		end_grant(a->st, t->grant);
	else if (t != NULL)
		t->dead = true;
	return json_object_new_object(); /* RFC 7009: an unknown token is no error */
}

static json_object *
introspect_step(struct asked *a)
{
	json_object *g;
	struct token *t;
	bool active;

	if (!check_client(a))
		return NULL;
	t = any_token(a, param(a, "token"));
	active = good(t, a->sc->now_ms);
	g = json_object_new_object();
	json_object_object_add(g, "active", json_object_new_boolean(active));
	if (active) {
		add_tenant(a, g, t->tenant);
		add_text(g, "client", a->client);
		if (t->expires_ms != 0)
			json_object_object_add(g, "expires_in",
					       json_object_new_int64((t->expires_ms - a->sc->now_ms) / 1000));
	}
	return g;
}

/* The bearer's token for one of another tenant, which lives and dies with the same grant. */
static json_object *
exchange_step(struct asked *a, json_object *step)
{
	const char *h = cs_sb_header(a->sc->req, "authorization");
	struct token *t = h != NULL && strncmp(h, "Bearer ", 7) == 0 ? token_get(a->st, h + 7, ACCESS) : NULL;
	char *tenant = cs_sb_eval_text(a->sc, cs_json_get(step, "for"));
	json_object *g = NULL;

	if (!good(t, a->sc->now_ms) || tenant == NULL)
		deny(a, "invalid_grant", "this token cannot be exchanged");
	else
		g = grant_tokens(a, tenant, t->grant, NULL);
	free(tenant);
	return g;
}

json_object *
cs_sb_oauth_step(struct cs_sb_scope *sc, struct cs_sb_crm_state *st, json_object *step, const char **error,
                 const char **why)
{
	const char *what = cs_json_str(step, "oauth", "token");
	struct asked a = { .sc = sc, .st = st, .conf = sc->crm->oauth, .client_tenant = "default" };
	json_object *g;

	if (strcmp(what, "authorize") == 0)
		g = authorize_step(&a);
	else if (strcmp(what, "revoke") == 0)
		g = revoke_step(&a);
	else if (strcmp(what, "introspect") == 0)
		g = introspect_step(&a);
	else if (strcmp(what, "exchange") == 0)
		g = exchange_step(&a, step);
	else
		g = token_step(&a);
	*error = a.error;
	*why = a.why;
	return g;
}
