/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auth.c - "auth" of a manifest: one way or several. See auth.h.
 */
#include "config.h"
#include "plugin/manifest/rows.h"
#include "plugin/manifest/template.h"
#include "util/text.h"

#include <stdlib.h>
#include <string.h>

#define WAYS_MAX 8
#define FROM_CONNECTION (CS_PART_SETTING | CS_PART_FACT)
#define YEAR_S (366 * 86400)

/* ---- the table */

static int
check_error(struct cs_fields *r, const char *s)
{
	return s[0] != '\0' && strlen(s) <= 100 ? 0 : cs_fields_fail(r, "expected an error of the token endpoint, or a status");
}

static const char *const kind_words[] = { [CS_AUTH_STATIC] = "static", [CS_AUTH_OAUTH2] = "oauth2", NULL };
static const char *const grant_words[] = { [CS_GRANT_CODE] = "authorization_code", [CS_GRANT_CLIENT] = "client_credentials", NULL };
static const char *const pkce_words[] = { "none", "S256", NULL };
static const char *const client_words[] = { [CS_CLIENT_BODY] = "body", [CS_CLIENT_BASIC] = "basic", [CS_CLIENT_NONE] = "none", NULL };
static const char *const body_words[] = { "form", "json", NULL };
static const char *const renew_words[] = { "core", "plugin", NULL };
static const char *const lost_words[] = { "try_old_once", "needs_reauth", NULL };

#define WAY(member) offsetof(struct cs_auth_way, member)
#define TEXT(name, member, ...) { .key = name, .kind = CS_FIELD_TEXT, .at = WAY(member), .min = 1, __VA_ARGS__ }

static const struct cs_field request_fields[] = { CS_REQUEST_FIELDS(struct cs_auth_way) };

static const struct cs_field answer_fields[] = {
	{ .key = "access_token", .kind = CS_FIELD_TEXT, .at = WAY(at_access), .check = cs_check_pointer },
	{ .key = "refresh_token", .kind = CS_FIELD_TEXT, .at = WAY(at_refresh), .check = cs_check_pointer },
	{ .key = "expires_in", .kind = CS_FIELD_TEXT, .at = WAY(at_expires), .check = cs_check_pointer },
	{ .key = "refresh_expires_in", .kind = CS_FIELD_TEXT, .at = WAY(at_refresh_expires), .check = cs_check_pointer },
	{ .key = "error", .kind = CS_FIELD_TEXT, .at = WAY(at_error), .check = cs_check_pointer },
	{ .key = "facts", .kind = CS_FIELD_PAIRS, .at = WAY(facts), .n_at = WAY(n_facts), .check = cs_check_pointer,
	  .check_name = cs_check_ident },
	{ .key = NULL },
};

static const struct cs_field account_fields[] = {
	{ .key = "when", .kind = CS_FIELD_TEXT, .at = WAY(account_when), .required = true, .check = cs_check_pointer },
	{ .key = "is", .kind = CS_FIELD_TEXT, .at = WAY(account_is), .required = true, .min = 1 },
	{ .key = "url", .kind = CS_FIELD_TEXT, .at = WAY(account_url), .required = true, .min = 1 },
	{ .key = "params", .kind = CS_FIELD_PAIRS, .at = WAY(account_params), .n_at = WAY(n_account_params), .check_name = cs_check_param },
	{ .key = "headers", .kind = CS_FIELD_PAIRS, .at = WAY(account_headers), .n_at = WAY(n_account_headers),
	  .check_name = cs_check_header_name },
	{ .key = NULL },
};

static const struct cs_field uninstall_fields[] = {
	{ .key = "tenant", .kind = CS_FIELD_TEXT, .at = WAY(uninstall_tenant), .required = true, .check = cs_check_pointer },
	{ .key = "tenant_fact", .kind = CS_FIELD_TEXT, .at = WAY(uninstall_fact), .required = true, .check = cs_check_ident },
	{ .key = "at", .kind = CS_FIELD_TEXT, .at = WAY(uninstall_at), .check = cs_check_pointer },
	{ .key = NULL },
};

const struct cs_field cs_auth_way_fields[] = {
	{ .key = "kind", .kind = CS_FIELD_WORD, .at = WAY(kind), .required = true, .words = kind_words },
	TEXT("name", name, .check = cs_check_ident),
	TEXT("label", label),
	TEXT("help", help),
	{ .key = "setup", .kind = CS_FIELD_ROWS, .at = WAY(setup), .n_at = WAY(n_setup), .rows = cs_setup_fields,
	  .size = sizeof(struct cs_setup_row) },
	{ .key = "secrets", .kind = CS_FIELD_TEXTS, .at = WAY(secrets), .n_at = WAY(n_secrets), .min = 1, .check = cs_check_ident },
	{ .key = "request", .kind = CS_FIELD_OBJECT, .rows = request_fields },
	{ .key = "grant", .kind = CS_FIELD_WORD, .at = WAY(grant), .words = grant_words },
	TEXT("authorize_url", authorize_url),
	TEXT("token_url", token_url),
	TEXT("revoke_url", revoke_url),
	{ .key = "scopes", .kind = CS_FIELD_TEXTS, .at = WAY(scopes), .n_at = WAY(n_scopes), .min = 1 },
	TEXT("scope_separator", scope_separator, .max = 4),
	{ .key = "pkce", .kind = CS_FIELD_WORD, .at = WAY(pkce), .words = pkce_words },
	TEXT("client_id", client_id),
	TEXT("client_secret", client_secret, .check = cs_check_ident),
	{ .key = "client_auth", .kind = CS_FIELD_WORD, .at = WAY(client_auth), .words = client_words },
	{ .key = "body", .kind = CS_FIELD_WORD, .at = WAY(body_json), .words = body_words },
	{ .key = "authorize_params", .kind = CS_FIELD_PAIRS, .at = WAY(authorize_params), .n_at = WAY(n_authorize_params),
	  .check_name = cs_check_param },
	{ .key = "token_params", .kind = CS_FIELD_PAIRS, .at = WAY(token_params), .n_at = WAY(n_token_params),
	  .check_name = cs_check_param },
	{ .key = "renew", .kind = CS_FIELD_WORD, .at = WAY(by_plugin), .words = renew_words },
	{ .key = "redirect_in_refresh", .kind = CS_FIELD_BOOL, .at = WAY(redirect_in_refresh) },
	TEXT("access_token", access_token, .check = cs_check_ident),
	TEXT("refresh_token", refresh_token, .check = cs_check_ident),
	{ .key = "answer", .kind = CS_FIELD_OBJECT, .rows = answer_fields },
	{ .key = "account_token", .kind = CS_FIELD_OBJECT, .rows = account_fields },
	{ .key = "callback_facts", .kind = CS_FIELD_PAIRS, .at = WAY(callback_facts), .n_at = WAY(n_callback_facts),
	  .check = cs_check_param, .check_name = cs_check_ident },
	{ .key = "expires_s", .kind = CS_FIELD_INT, .at = WAY(expires_s), .max = YEAR_S },
	{ .key = "margin_s", .kind = CS_FIELD_INT, .at = WAY(margin_s), .max = 86400 },
	{ .key = "idle_life_s", .kind = CS_FIELD_INT, .at = WAY(idle_life_s), .max = 10LL * YEAR_S },
	{ .key = "rotates", .kind = CS_FIELD_BOOL, .at = WAY(rotates) },
	{ .key = "lost_refresh", .kind = CS_FIELD_WORD, .at = WAY(needs_reauth), .words = lost_words },
	{ .key = "dead_grant", .kind = CS_FIELD_TEXTS, .at = WAY(dead_grant), .n_at = WAY(n_dead_grant), .min = 1,
	  .check = check_error },
	{ .key = "uninstall", .kind = CS_FIELD_OBJECT, .rows = uninstall_fields },
	{ .key = NULL },
};

static const struct cs_auth_way blank = { .scope_separator = " ", .at_access = "/access_token", .at_refresh = "/refresh_token",
	.at_expires = "/expires_in", .at_error = "/error", .margin_s = 60, .rotates = true };

/* ---- what no table can say */

static int
check_secret(struct cs_fields *r, const struct cs_manifest *m, const char *key, const char *name)
{
	if (name == NULL || cs_manifest_secret(m, name) != NULL)
		return 0;
	cs_fields_enter(r, key);
	return cs_check_undeclared(r, "secrets", name);
}

static int
check_pairs(struct cs_fields *r, const struct cs_manifest *m, const char *key, const struct cs_pair *v, size_t n, int allowed)
{
	size_t mark = cs_fields_enter(r, key);
	int rc;

	for (size_t i = 0; i < n; i++)
		if ((rc = cs_check_template(r, m, v[i].name, v[i].value, allowed)) < 0)
			return rc;
	r->pointer[mark] = '\0';
	return 0;
}

static int
check_facts(struct cs_fields *r, const struct cs_manifest *m, const char *key, const struct cs_pair *v, size_t n)
{
	size_t mark = cs_fields_enter(r, key);
	int rc;

	for (size_t i = 0; i < n; i++)
		if ((rc = cs_check_fact(r, m, v[i].name)) < 0)
			return rc;
	r->pointer[mark] = '\0';
	return 0;
}

static int
check_needed(struct cs_fields *r, const struct cs_auth_way *w)
{
	if (w->token_url == NULL)
		return cs_fields_fail(r, "oauth2 needs a \"token_url\"");
	if (w->client_id == NULL)
		return cs_fields_fail(r, "oauth2 needs a \"client_id\"");
	if (w->grant == CS_GRANT_CODE && w->authorize_url == NULL)
		return cs_fields_fail(r, "authorization_code needs an \"authorize_url\"");
	if (w->client_auth != CS_CLIENT_NONE && w->client_secret == NULL)
		return cs_fields_fail(r, "\"client_secret\" names the secret; a client without one has \"client_auth\": \"none\"");
	return 0;
}

static void
fill_oauth(struct cs_fields *r, struct cs_auth_way *w)
{
	static const char *const code_dead[] = { "invalid_grant" };
	static const char *const client_dead[] = { "invalid_grant", "invalid_client", "unauthorized_client" };
	bool by_code = w->grant == CS_GRANT_CODE;

	w->access_token = w->access_token != NULL ? w->access_token : "access_token";
	w->refresh_token = w->refresh_token != NULL || !by_code ? w->refresh_token : "refresh_token";
	if (w->n_dead_grant > 0)
		return;
	w->n_dead_grant = by_code ? CS_ARRAY_LEN(code_dead) : CS_ARRAY_LEN(client_dead);
	w->dead_grant = cs_arena_alloc(r->mem, w->n_dead_grant * sizeof(*w->dead_grant));
	memcpy(w->dead_grant, by_code ? code_dead : client_dead, w->n_dead_grant * sizeof(*w->dead_grant));
}

/* Whoever tells of it shows the client's id and secret. */
static int
check_uninstall(struct cs_fields *r, const struct cs_manifest *m, const struct cs_auth_way *w)
{
	size_t mark = cs_fields_enter(r, "uninstall");
	int rc;

	if (w->uninstall_tenant != NULL && w->client_secret == NULL)
		return cs_fields_fail(r, "it is verified by the \"client_secret\", which is not there");
	if (w->uninstall_fact != NULL && (rc = cs_check_fact(r, m, w->uninstall_fact)) < 0)
		return rc;
	r->pointer[mark] = '\0';
	return 0;
}

static int
check_account_token(struct cs_fields *r, const struct cs_manifest *m, const struct cs_auth_way *w)
{
	size_t mark = cs_fields_enter(r, "account_token");
	int rc;

	if (w->account_url == NULL) {
		r->pointer[mark] = '\0';
		return 0;
	}
	if ((rc = cs_check_template(r, m, "url", w->account_url, FROM_CONNECTION)) < 0 ||
	    (rc = check_pairs(r, m, "params", w->account_params, w->n_account_params, FROM_CONNECTION)) < 0 ||
	    (rc = check_pairs(r, m, "headers", w->account_headers, w->n_account_headers, FROM_CONNECTION)) < 0)
		return rc;
	r->pointer[mark] = '\0';
	return 0;
}

static int
finish_oauth(struct cs_fields *r, const struct cs_manifest *m, struct cs_auth_way *w)
{
	int rc;

	if ((rc = check_needed(r, w)) < 0)
		return rc;
	fill_oauth(r, w);
	if ((w->authorize_url != NULL && (rc = cs_check_template(r, m, "authorize_url", w->authorize_url, FROM_CONNECTION)) < 0) ||
	    (rc = cs_check_template(r, m, "token_url", w->token_url, FROM_CONNECTION)) < 0 ||
	    (w->revoke_url != NULL && (rc = cs_check_template(r, m, "revoke_url", w->revoke_url, FROM_CONNECTION)) < 0) ||
	    (rc = cs_check_template(r, m, "client_id", w->client_id, FROM_CONNECTION)) < 0 ||
	    (rc = check_pairs(r, m, "authorize_params", w->authorize_params, w->n_authorize_params, FROM_CONNECTION)) < 0 ||
	    (rc = check_pairs(r, m, "token_params", w->token_params, w->n_token_params, FROM_CONNECTION)) < 0 ||
	    (rc = check_secret(r, m, "client_secret", w->client_secret)) < 0 ||
	    (rc = check_secret(r, m, "access_token", w->access_token)) < 0 ||
	    (rc = check_secret(r, m, "refresh_token", w->refresh_token)) < 0 ||
	    (rc = check_facts(r, m, "callback_facts", w->callback_facts, w->n_callback_facts)) < 0)
		return rc;
	if ((rc = check_uninstall(r, m, w)) < 0 || (rc = check_account_token(r, m, w)) < 0)
		return rc;
	cs_fields_enter(r, "answer");
	return check_facts(r, m, "facts", w->facts, w->n_facts);
}

/* Only "kind", what people read, "secrets" and "request" mean something without OAuth. */
static int
check_static(struct cs_fields *r, json_object *o)
{
	static const char *const good[] = { "kind", "name", "label", "help", "setup", "secrets", "request" };
	struct json_object_iterator at = json_object_iter_begin(o), end = json_object_iter_end(o);

	for (; !json_object_iter_equal(&at, &end); json_object_iter_next(&at)) {
		const char *key = json_object_iter_peek_name(&at);
		size_t i = 0;

		while (i < CS_ARRAY_LEN(good) && strcmp(good[i], key) != 0)
			i++;
		if (i == CS_ARRAY_LEN(good) && strncmp(key, "x-", 2) != 0)
			return cs_fields_fail(r, "\"%.60s\" means something with oauth2 only", key);
	}
	return 0;
}

static int
read_way(struct cs_fields *r, struct cs_manifest *m, json_object *o, struct cs_auth_way *w)
{
	size_t mark = strlen(r->pointer);
	int rc;

	*w = blank;
	if ((rc = cs_fields_read(r, o, cs_auth_way_fields, w)) < 0)
		return rc;
	for (size_t i = 0; i < w->n_secrets; i++)
		if ((rc = check_secret(r, m, "secrets", w->secrets[i])) < 0)
			return rc;
	w->name = w->name != NULL ? w->name : kind_words[w->kind];
	w->help = w->help != NULL ? w->help : "";
	if (w->label == NULL)
		w->label = w->kind == CS_AUTH_STATIC ? "With a key" : cs_arena_printf(r->mem, "Connect with %s", m->title);
	rc = w->kind == CS_AUTH_OAUTH2 ? finish_oauth(r, m, w) : check_static(r, o);
	if (rc == 0)
		r->pointer[mark] = '\0';
	return rc;
}

int
cs_auth_read(struct cs_fields *r, struct cs_draft *d)
{
	struct cs_manifest *m = &d->m;
	bool list = d->auth != NULL && json_object_is_type(d->auth, json_type_array);
	size_t n = list ? json_object_array_length(d->auth) : 1, mark = 0;
	int rc;

	m->ways = cs_arena_alloc(r->mem, n * sizeof(*m->ways) + 1);
	if (!json_object_object_get_ex(m->json, "auth", NULL)) {
		m->ways[0] = blank;
		m->ways[0].name = "static";
		m->ways[0].label = m->ways[0].help = "";
		m->n_ways = 1;
		return 0;
	}
	cs_fields_enter(r, "auth");
	if (list && (n == 0 || n > WAYS_MAX))
		return cs_fields_fail(r, "expected 1 to %d ways", WAYS_MAX);
	for (; m->n_ways < n; m->n_ways++) {
		mark = list ? cs_fields_enter_row(r, m->n_ways) : strlen(r->pointer);
		rc = read_way(r, m, list ? json_object_array_get_idx(d->auth, m->n_ways) : d->auth, &m->ways[m->n_ways]);
		if (rc < 0)
			return rc;
		r->pointer[mark] = '\0';
	}
	r->pointer[0] = '\0';
	return cs_check_unique(r, "auth", m->ways, m->n_ways, sizeof(*m->ways), offsetof(struct cs_auth_way, name));
}
