/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_ask.c - the token request itself, and the one that gives a grant back.
 *
 * It goes through the same exchange as every other request: host check, guard, scrubbing. Secrets stand in its body as markers,
 * so that they are only there when it is sent, and only for hosts that they may go to. It counts as mutating: libcurl must not
 * send it twice.
 */
#include <stdlib.h>
#include <string.h>
#include "deliver/grant/token_private.h"
#include "deliver/call/exchange.h"
#include "util/text.h"

#define PARAMS_MAX 24
#define HEADERS_MAX 8

static const struct cs_session_ops no_ops;
static const struct cs_step_row token_step = { .name = "token", .label = "Get a token", .mutates = true };
static const struct cs_step_row account_step = { .name = "token", .label = "Get the account's token", .mutates = true };
static const struct cs_step_row revoke_step = { .name = "revoke", .label = "Give the grant back", .mutates = true };

struct params {
	struct cs_pair v[PARAMS_MAX];
	size_t n;
	struct cs_header headers[HEADERS_MAX];
	size_t n_headers;
	struct cs_arena mem;
	const struct cs_session *s;
	int32_t enc; /* of markers */
};

static void
add(struct params *p, const char *name, const char *value)
{
	if (p->n < PARAMS_MAX && value != NULL && value[0] != '\0')
		p->v[p->n++] = (struct cs_pair){ name, value };
}

static void
add_header(struct params *p, const char *name, const char *value)
{
	if (p->n_headers < HEADERS_MAX)
		p->headers[p->n_headers++] = (struct cs_header){ name, value };
}

static const char *
marker_as(struct params *p, const char *secret, int32_t enc)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(200);

	cs_wire_marker(&b, p->s->nonce, enc, secret);
	return cs_arena_strdup(&p->mem, cs_buf_str(&b));
}

static const char *
marker(struct params *p, const char *secret)
{
	return marker_as(p, secret, p->enc);
}

static const char *
expanded(struct params *p, const char *template)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(4096);
	struct cs_lookup lk = cs_context_lookup(p->s->context, false);

	if (template == NULL || cs_template_expand(template, CS_IN_HEADER, &lk, &b, NULL) < 0)
		return "";
	return cs_arena_strdup(&p->mem, cs_buf_str(&b));
}

static const char *
scopes(struct params *p, const struct cs_auth_way *w)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(8192);

	for (size_t i = 0; i < w->n_scopes; i++)
		cs_buf_printf(&b, "%s%s", i > 0 ? w->scope_separator : "", w->scopes[i]);
	return cs_arena_strdup(&p->mem, cs_buf_str(&b));
}

/* How the client shows who it is. */
static void
add_client(struct params *p, const struct cs_auth_way *w, struct cs_own_request *own)
{
	const char *client_id = expanded(p, w->client_id);

	if (w->client_auth != CS_CLIENT_BASIC)
		add(p, "client_id", client_id);
	if (w->client_auth == CS_CLIENT_BODY)
		add(p, "client_secret", marker(p, w->client_secret));
	if (w->client_auth == CS_CLIENT_BASIC) {
		own->basic_id = client_id;
		own->basic_secret = w->client_secret;
	}
}

/* `extra` is what makes it a code exchange; without it the grant is renewed. */
static void
collect(struct params *p, struct cs_token *t, const struct cs_auth_way *w, const struct cs_pair *extra, size_t n)
{
	for (size_t i = 0; i < n; i++)
		add(p, extra[i].name, extra[i].value[0] == '_' ? marker(p, extra[i].value) : extra[i].value);
	if (n == 0 && w->grant == CS_GRANT_CLIENT) {
		add(p, "grant_type", "client_credentials");
		add(p, "scope", scopes(p, w));
	} else if (n == 0) {
		add(p, "grant_type", "refresh_token");
		add(p, "refresh_token", marker(p, w->refresh_token));
		if (w->redirect_in_refresh)
			add(p, "redirect_uri", cs_arena_printf(&p->mem, "%s/oauth/%s/callback", t->engine->c.conf->public_url,
			    t->session.context->crm));
	}
	t->own = (struct cs_own_request){ .step = &token_step };
	add_client(p, w, &t->own);
	for (size_t i = 0; i < w->n_token_params; i++)
		add(p, w->token_params[i].name, expanded(p, w->token_params[i].value));
}

static void
open_session(struct cs_session *s)
{
	s->ops = &no_ops;
	cs_random_bytes(s->nonce, sizeof(s->nonce));
	cs_buf_init(&s->exchanges, 1u << 16);
	cs_list_init(&s->node);
	cs_list_push(&s->engine->sessions, &s->node);
}

/* The answer may come before this returns. */
static void
post(struct cs_session *s, const char *url_template, bool json, struct params *p)
{
	struct cs_http_req req = CS_REQ(s->own->step->name, "POST", "");
	CS_CLEANUP(cs_buf_fini) struct cs_buf url = CS_BUF_INIT(CS_URL_MAX), body = CS_BUF_INIT(64u << 10);
	struct cs_lookup lk = cs_context_lookup(s->context, false);

	cs_oauth_body(json, p->v, p->n, &body);
	cs_template_expand(url_template, CS_IN_URL, &lk, &url, NULL);
	req.mutates = 1;
	add_header(p, "Accept", "application/json");
	req.headers = p->headers;
	req.n_headers = p->n_headers;
	req.url = cs_buf_str(&url);
	req.content_type = json ? "application/json" : "application/x-www-form-urlencoded";
	req.body = (struct cs_bytes){ cs_buf_str(&body), body.len };
	cs_session_request(s, &req);
}

static void
answered(struct cs_session *s, const struct cs_http_answer *a, const struct cs_class *cl)
{
	struct cs_token *t = CS_CONTAINER(s, struct cs_token, session);

	cs_list_del(&s->node);
	cs_buf_fini(&s->exchanges);
	t->asking = false;
	cs_token_answered(t, a, cl);
}

static void
begin(struct cs_token *t, struct params *p)
{
	struct cs_session *s = &t->session;

	*p = (struct params){ .s = s, .enc = t->way->body_json ? CS_ENC_JSON : CS_ENC_FORM };
	cs_arena_init(&p->mem);
	t->asking = true;
	s->answered = answered;
	s->own = &t->own;
	s->abandoned = cs_token_abandon;
	open_session(s);
}

void
cs_token_request(struct cs_token *t, const struct cs_pair *extra, size_t n)
{
	struct cs_session *s = &t->session;
	const struct cs_auth_way *w = t->way;
	struct params p;

	begin(t, &p);
	collect(&p, t, w, extra, n);
	post(s, w->token_url, w->body_json, &p);
	cs_arena_fini(&p.mem);
}

bool
cs_token_request_account(struct cs_token *t)
{
	const struct cs_auth_way *w = t->way;
	struct params p = { .s = &t->session };
	bool all = true;

	cs_arena_init(&p.mem);
	for (size_t i = 0; i < w->n_account_params; i++)
		all = all && expanded(&p, w->account_params[i].value)[0] != '\0';
	cs_arena_fini(&p.mem);
	if (!all)
		return false;
	begin(t, &p);
	for (size_t i = 0; i < w->n_account_params; i++)
		add(&p, w->account_params[i].name, expanded(&p, w->account_params[i].value));
	add_header(&p, "Authorization", cs_arena_printf(&p.mem, "Bearer %s", marker_as(&p, w->access_token, CS_ENC_RAW)));
	for (size_t i = 0; i < w->n_account_headers; i++)
		add_header(&p, w->account_headers[i].name, expanded(&p, w->account_headers[i].value));
	t->own = (struct cs_own_request){ .step = &account_step };
	post(&t->session, w->account_url, w->body_json, &p);
	cs_arena_fini(&p.mem);
	return true;
}

/* ---- the end of a grant */

static bool
is_there(const struct cs_context *c, const char *name)
{
	const struct cs_named *s = name != NULL ? cs_context_secret(c, name) : NULL;

	return s != NULL && s->len > 0;
}

const char *
cs_token_to_revoke(const struct cs_context *c)
{
	const struct cs_auth_way *w = c->way;

	return is_there(c, w->refresh_token) ? w->refresh_token : is_there(c, w->access_token) ? w->access_token : NULL;
}

/* A form, whatever token requests are: RFC 7009 knows nothing else. */
void
cs_token_revoke(struct cs_session *s, struct cs_own_request *own)
{
	const struct cs_auth_way *w = s->context->way;
	const char *secret = cs_token_to_revoke(s->context);
	struct params p = { .s = s, .enc = CS_ENC_FORM };

	cs_arena_init(&p.mem);
	*own = (struct cs_own_request){ .step = &revoke_step };
	open_session(s);
	add(&p, "token", marker(&p, secret));
	add(&p, "token_type_hint", secret == w->refresh_token ? "refresh_token" : "access_token");
	add_client(&p, w, own);
	post(s, w->revoke_url, false, &p);
	cs_arena_fini(&p.mem);
}
