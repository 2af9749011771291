/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange.c - one request: copied, built, wiped.
 *
 * The order of building matters: base URL and path are joined and the host is checked before any secret is put in, a secret goes
 * only to its own hosts, and the client checks header values again after that.
 */
#define _GNU_SOURCE
#include "deliver/call/exchange.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "auth/oauth.h"
#include "deliver/engine_private.h"
#include "http/url.h"
#include "util/text.h"

#define BODY_MAX (1u << 20)
#define SPARE_MAX 64   /* exchanges that are over and kept for the next ones */

/* ---- copying what was asked */

static struct cs_bytes
copy_bytes(struct cs_arena *mem, struct cs_bytes b)
{
	return (struct cs_bytes){ b.len > 0 ? cs_arena_dup(mem, b.ptr, b.len) : "", b.len };
}

static const char *
copy_text(struct cs_arena *mem, const char *s)
{
	return s != NULL && s[0] != '\0' ? cs_arena_strdup(mem, s) : NULL;
}

static void
copy_req(struct cs_exchange *x, const struct cs_http_req *req)
{
	struct cs_header *headers;
	struct cs_capture *captures;

	x->req = *req;
	x->req.method = copy_text(&x->mem, req->method);
	x->req.url = cs_arena_strdup(&x->mem, req->url != NULL ? req->url : "");
	x->req.query = copy_text(&x->mem, req->query);
	x->req.looks_for = copy_text(&x->mem, req->looks_for);
	x->req.content_type = copy_text(&x->mem, req->content_type);
	x->req.body = copy_bytes(&x->mem, req->body);
	headers = cs_arena_alloc(&x->mem, req->n_headers * sizeof(*headers) + 1);
	for (size_t i = 0; i < req->n_headers; i++)
		headers[i] = (struct cs_header){ cs_arena_strdup(&x->mem, req->headers[i].name),
			cs_arena_strdup(&x->mem, req->headers[i].value) };
	x->req.headers = headers;
	captures = cs_arena_alloc(&x->mem, req->n_capture * sizeof(*captures) + 1);
	for (size_t i = 0; i < req->n_capture; i++) {
		captures[i] = req->capture[i];
		captures[i].pointer = cs_arena_strdup(&x->mem, req->capture[i].pointer);
		captures[i].name = cs_arena_strdup(&x->mem, req->capture[i].name);
	}
	x->req.capture = captures;
}

/* Empty, with the memory of one that is over if there is one. Headers are not cleared: n_headers says how many there are. */
static struct cs_exchange *
new_exchange(struct cs_engine *e)
{
	struct cs_list *n = cs_list_pop(&e->spare_exchanges);
	struct cs_exchange *x = n != NULL ? CS_CONTAINER(n, struct cs_exchange, spare) : cs_xcalloc(1, sizeof(*x));
	struct cs_arena mem = x->mem;
	struct cs_buf url = x->url;

	if (n != NULL)
		e->n_spare_exchanges--;
	memset(x, 0, offsetof(struct cs_exchange, headers));
	x->mem = mem;
	x->url = url;
	x->url.max = CS_URL_MAX;
	cs_buf_reset(&x->url);
	cs_buf_init(&x->body, BODY_MAX + (64u << 10));
	cs_list_init(&x->spare);
	cs_list_init(&x->token.node);
	return x;
}

struct cs_exchange *
cs_exchange_new(struct cs_session *s, const struct cs_http_req *req, const char **why)
{
	const struct cs_manifest *m = s->context->manifest;
	static const struct cs_step_row own_request = { .name = "identify", .label = "Who is connected?" };
	const struct cs_step_row *step = s->own != NULL ? s->own->step : s->answered != NULL ? &own_request : cs_manifest_step(m, req->step != NULL ? req->step : "");
	struct cs_exchange *x;

	*why = NULL;
	if (step == NULL)
		*why = "the plugin named a step that its manifest does not have";
	else if (req->mutates && !step->mutates)
		*why = "the plugin changes something in a step that its manifest calls read-only";
	else if (req->limit_class != NULL && req->limit_class[0] != '\0' && cs_manifest_limit(m, req->limit_class) == NULL)
		*why = "the plugin named a limit class that its manifest does not have";
	else if (req->n_headers > CS_EXCHANGE_HEADERS / 2)
		*why = "the plugin sent too many headers";
	if (*why != NULL)
		return NULL;
	x = new_exchange(s->engine);
	x->s = s;
	x->step = step;
	x->mutates = req->mutates != 0;
	x->limit = m->n_limits > 0 && s->own == NULL ? cs_manifest_limit(m, req->limit_class != NULL && req->limit_class[0] != '\0' ? req->limit_class : NULL)
	                           : NULL;
	copy_req(x, req);
	return x;
}

static void
wipe_buf(struct cs_buf *b)
{
	if (b->ptr != NULL)
		cs_wipe(b->ptr, b->cap);
	cs_buf_fini(b);
}

static void
destroy(struct cs_exchange *x)
{
	cs_buf_fini(&x->url);
	cs_arena_fini(&x->mem);
	free(x);
}

void
cs_exchange_free(struct cs_exchange *x)
{
	struct cs_engine *e;

	if (x == NULL)
		return;
	e = x->s->engine;
	cs_list_del(&x->token.node);
	cs_wipe(x->url.ptr, x->url.len > 0 ? x->url.len : 1);
	wipe_buf(&x->body);
	for (size_t i = 0; i < x->n_headers; i++)
		cs_wipe((char *)(uintptr_t)x->headers[i].value, 0);
	if (e->n_spare_exchanges >= SPARE_MAX) {
		destroy(x);
		return;
	}
	cs_arena_reset(&x->mem);
	cs_list_insert_before(e->spare_exchanges.next, &x->spare); /* the warmest first */
	e->n_spare_exchanges++;
}

void
cs_exchange_free_spare(struct cs_engine *e)
{
	struct cs_list *n;

	while ((n = cs_list_pop(&e->spare_exchanges)) != NULL)
		destroy(CS_CONTAINER(n, struct cs_exchange, spare));
}

/* ---- secrets: each goes only to its own hosts */

struct secret_place {
	struct cs_exchange *x;
	const char *host;
	const char *refused; /* name of a secret that may not go to this host */
};

static bool
host_matches(const char *pattern, const char *host)
{
	size_t pn, hn = strlen(host);

	if (strncmp(pattern, "*.", 2) == 0) {
		pn = strlen(pattern + 1);
		return hn > pn && strcasecmp(host + hn - pn, pattern + 1) == 0;
	}
	if (strstr(pattern, "://") != NULL) {
		struct cs_url_origin o;

		return cs_url_check(pattern, true, &o, NULL) == 0 && strcasecmp(o.host, host) == 0;
	}
	return strcasecmp(pattern, host) == 0;
}

static bool
host_in(struct cs_context *c, const char *const *patterns, size_t n, const char *host)
{
	struct cs_lookup lk = cs_context_lookup(c, false);

	for (size_t i = 0; i < n; i++) {
		CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(CS_URL_MAX);

		if (cs_template_expand(patterns[i], CS_IN_URL, &lk, &b, NULL) == 0 && host_matches(cs_buf_str(&b), host))
			return true;
	}
	return false;
}

static const char *
secret_for_host(void *ctx, const char *name)
{
	struct secret_place *p = ctx;
	struct cs_context *c = p->x->s->context;
	const struct cs_secret_row *row = cs_manifest_secret(c->manifest, name);
	const struct cs_named *s = cs_context_secret(c, name);

	if (s == NULL || (row == NULL && name[0] != '_')) /* "_name": of this request only, such as a code; no manifest can name it so */
		return NULL;
	if (row != NULL && row->n_hosts > 0 && !host_in(c, row->hosts, row->n_hosts, p->host)) {
		p->refused = row->name;
		return NULL;
	}
	return s->value;
}

static const char *
place_setting(void *ctx, const char *key)
{
	return cs_context_setting(((struct secret_place *)ctx)->x->s->context, key);
}

static const char *
place_fact(void *ctx, const char *name)
{
	return cs_context_fact(((struct secret_place *)ctx)->x->s->context, name);
}

static void
add_encoded(struct cs_buf *out, int enc, const char *value)
{
	size_t n = strlen(value);

	switch (enc) {
	case CS_ENC_JSON: {
		struct cs_buf quoted;

		cs_buf_init(&quoted, 0);
		cs_buf_add_json_string(&quoted, value, n);
		cs_buf_add(out, quoted.ptr + 1, quoted.len - 2);
		wipe_buf(&quoted);
		break;
	}
	case CS_ENC_URL:
		cs_url_add(out, value, n);
		break;
	case CS_ENC_FORM:
		cs_form_add(out, value, n);
		break;
	case CS_ENC_BASIC:
		cs_base64_add(out, value, n);
		break;
	default:
		cs_buf_add(out, value, n);
	}
}

static const char *
marker_in(const char *p, size_t n)
{
	const char *end = p + n;

	while ((p = memchr(p, CS_MARKER_OPEN[0], (size_t)(end - p))) != NULL) {
		if ((size_t)(end - p) >= sizeof(CS_MARKER_OPEN) - 1 && memcmp(p, CS_MARKER_OPEN, sizeof(CS_MARKER_OPEN) - 1) == 0)
			return p;
		p++;
	}
	return NULL;
}

/* Copy `in` to `out` with this call's markers replaced. Markers of other calls are plain text. */
static int
fill_markers(struct secret_place *p, const char *in, size_t n, struct cs_buf *out, struct cs_err *err)
{
	char open[48];
	size_t open_len = 0;
	const char *end = in + n, *at;

	if (marker_in(in, n) != NULL) {
		CS_CLEANUP(cs_buf_fini) struct cs_buf hex = CS_BUF_INIT(64);

		cs_hex_add(&hex, p->x->s->nonce, 16);
		open_len = (size_t)snprintf(open, sizeof(open), CS_MARKER_OPEN "%s.", cs_buf_str(&hex));
	}
	while (open_len > 0 && (at = memmem(in, (size_t)(end - in), open, open_len)) != NULL) {
		const char *enc = at + open_len, *name = enc + 2, *stop;
		char key[65];
		const char *value;

		if (name >= end || enc[1] != '.' || (stop = memchr(name, '.', (size_t)(end - name))) == NULL ||
		    (size_t)(stop - name) >= sizeof(key))
			return cs_err_set(err, CS_EINVAL, "a secret marker is broken");
		memcpy(key, name, (size_t)(stop - name));
		key[stop - name] = '\0';
		if ((value = secret_for_host(p, key)) == NULL)
			return cs_err_set(err, CS_EPERM, "the secret %s is not set, or may not go to this host", key);
		cs_buf_add(out, in, (size_t)(at - in));
		add_encoded(out, enc[0] - '0', value);
		in = stop + 1;
	}
	cs_buf_add(out, in, (size_t)(end - in));
	return out->failed ? cs_err_set(err, CS_ELIMIT, "the request is too large") : 0;
}

/* ---- building */

static const char *
filled(struct cs_exchange *x, struct secret_place *p, const char *text, struct cs_err *err)
{
	CS_CLEANUP(wipe_buf) struct cs_buf b = CS_BUF_INIT(BODY_MAX);

	if (marker_in(text, strlen(text)) == NULL)
		return text; /* in x->mem already */
	if (fill_markers(p, text, strlen(text), &b, err) < 0)
		return NULL;
	return cs_arena_dup(&x->mem, cs_buf_str(&b), b.len);
}

void
cs_exchange_header(struct cs_exchange *x, const char *name, const char *value)
{
	for (size_t i = 0; i < x->n_headers; i++)
		if (strcasecmp(x->headers[i].name, name) == 0) {
			x->headers[i].value = value;
			return;
		}
	if (x->n_headers < CS_EXCHANGE_HEADERS)
		x->headers[x->n_headers++] = (struct cs_http_header){ name, value };
}

static int
constant(struct cs_exchange *x, const struct cs_place *pl, struct secret_place *p, enum cs_template_place where,
         const char **value, struct cs_err *err)
{
	struct cs_lookup lk = { .setting = place_setting, .fact = place_fact, .secret = secret_for_host, .ctx = p };
	CS_CLEANUP(wipe_buf) struct cs_buf b = CS_BUF_INIT(64u << 10);
	int rc = cs_template_expand(pl->template, where, &lk, &b, err);

	if (p->refused != NULL)
		return cs_err_set(err, CS_EPERM, "the secret %s may not go to this host", p->refused);
	if (rc == 0)
		*value = cs_arena_dup(&x->mem, cs_buf_str(&b), b.len);
	return rc == CS_ENOTFOUND ? 1 : rc;
}

/* Put a string at a JSON pointer of the body; objects on the way must exist. */
static int
body_member(struct cs_exchange *x, const char *pointer, const char *value, struct cs_err *err)
{
	json_object *doc = NULL;
	const char *src = x->body.len > 0 ? cs_buf_str(&x->body) : x->req.body.ptr;
	size_t n = x->body.len > 0 ? x->body.len : x->req.body.len;
	int rc;

	if ((rc = cs_json_parse(src, n, 32, &doc, err)) < 0)
		return rc;
	if (json_pointer_set(&doc, pointer, json_object_new_string(value)) != 0)
		rc = cs_err_set(err, CS_EINVAL, "the body has no place %s", pointer);
	else {
		cs_buf_reset(&x->body);
		cs_buf_adds(&x->body, cs_json_text(doc));
	}
	json_object_put(doc);
	return rc;
}

static int
add_constants(struct cs_exchange *x, struct secret_place *p, struct cs_buf *query, struct cs_err *err)
{
	const struct cs_manifest *m = x->s->context->manifest;

	for (size_t i = 0; i < m->n_places && x->s->own == NULL; i++) {
		const struct cs_place *pl = &m->places[i];
		const char *value = NULL;
		static const enum cs_template_place where[] = { [CS_PLACE_HEADER] = CS_IN_HEADER, [CS_PLACE_QUERY] = CS_IN_QUERY,
			[CS_PLACE_JSON] = CS_IN_HEADER, [CS_PLACE_FORM] = CS_IN_FORM };
		int rc = pl->way == NULL || pl->way == x->s->context->way ? constant(x, pl, p, where[pl->kind], &value, err) : 1;

		if (rc < 0)
			return rc;
		if (rc > 0)
			continue;
		if (pl->kind == CS_PLACE_HEADER)
			cs_exchange_header(x, pl->name, value);
		else if (pl->kind == CS_PLACE_QUERY)
			cs_buf_printf(query, "%s%s=%s", query->len > 0 ? "&" : "", pl->name, value);
		else if (x->req.body.len == 0)
			continue;
		else if (pl->kind == CS_PLACE_JSON && (rc = body_member(x, pl->name, value, err)) < 0)
			return rc;
		else if (pl->kind == CS_PLACE_FORM) {
			if (x->body.len == 0)
				cs_buf_add(&x->body, x->req.body.ptr, x->req.body.len);
			cs_buf_printf(&x->body, "&%s=%s", pl->name, value);
		}
	}
	return 0;
}

static int
add_headers(struct cs_exchange *x, struct secret_place *p, struct cs_err *err)
{
	if (x->req.body.len > 0)
		cs_exchange_header(x, "Content-Type",
		    cs_arena_strdup(&x->mem, x->req.content_type != NULL ? x->req.content_type : "application/json"));
	for (size_t i = 0; i < x->req.n_headers; i++) {
		const char *v = filled(x, p, x->req.headers[i].value, err);

		if (v == NULL)
			return err->code;
		cs_exchange_header(x, x->req.headers[i].name, v);
	}
	return 0;
}

/* The secret goes by the same rules as every other: only to its hosts. */
static int
add_basic(struct cs_exchange *x, struct secret_place *p, struct cs_err *err)
{
	const struct cs_own_request *own = x->s->own;
	CS_CLEANUP(wipe_buf) struct cs_buf b = CS_BUF_INIT(8192);
	const char *secret;

	if (own == NULL || own->basic_id == NULL)
		return 0;
	if ((secret = secret_for_host(p, own->basic_secret)) == NULL)
		return cs_err_set(err, CS_EPERM, "the secret %s is not set, or may not go to this host", own->basic_secret);
	cs_oauth_basic(own->basic_id, secret, &b);
	cs_exchange_header(x, "Authorization", cs_arena_dup(&x->mem, cs_buf_str(&b), b.len));
	return 0;
}

/* The body as sent: the plugin's own bytes unless a marker or constant goes in. */
static int
fill_body(struct cs_exchange *x, struct secret_place *p, struct cs_err *err)
{
	if (x->req.body.len == 0 || marker_in(x->req.body.ptr, x->req.body.len) == NULL)
		return 0;
	return fill_markers(p, x->req.body.ptr, x->req.body.len, &x->body, err);
}

/* The host decides which secrets may go there, so it is learnt with a placeholder in their place. */
static const char *
any_secret(void *ctx CS_UNUSED, const char *name CS_UNUSED)
{
	return "secret";
}

static int
expand_base(const char *template, const struct cs_lookup *lk, struct cs_buf *base, struct cs_err *err)
{
	int rc = cs_template_expand(template, CS_IN_URL, lk, base, err);

	return rc == CS_ENOTFOUND ? cs_err_set(err, CS_EINVAL, "the base URL of this connection is empty") : rc;
}

/* A host that may be spoken to, from an absolute URL. What was found is remembered. */
static int
check_origin(struct cs_context *c, const char *url, struct cs_url_origin *origin, struct cs_err *err)
{
	if (c->seen_url != NULL && strcmp(c->seen_url, url) == 0) {
		*origin = c->seen_origin;
		return 0;
	}
	if (cs_url_check(url, true, origin, err) < 0)
		return err->code;
	if (!host_in(c, c->manifest->hosts, c->manifest->n_hosts, origin->host))
		return cs_err_set(err, CS_EPERM, "the host %s is not one of the plugin's hosts", origin->host);
	free(c->seen_url);
	c->seen_url = cs_xstrdup(url);
	c->seen_origin = *origin;
	return 0;
}

static int
build_url(struct cs_exchange *x, struct secret_place *p, struct cs_buf *query, struct cs_url_origin *origin, struct cs_err *err)
{
	struct cs_context *c = x->s->context;
	struct cs_lookup lk = { .setting = place_setting, .fact = place_fact, .secret = any_secret, .ctx = p };
	CS_CLEANUP(wipe_buf) struct cs_buf base = CS_BUF_INIT(CS_URL_MAX), path = CS_BUF_INIT(CS_URL_MAX);
	bool absolute = strstr(x->req.url, "://") != NULL;
	int rc;

	if (!absolute && (rc = expand_base(c->manifest->base_url, &lk, &base, err)) < 0)
		return rc;
	if ((rc = check_origin(c, absolute ? x->req.url : cs_buf_str(&base), origin, err)) < 0)
		return rc;
	p->host = origin->host;
	if ((rc = fill_body(x, p, err)) < 0)
		return rc;
	if (!absolute && strstr(c->manifest->base_url, "${secret:") != NULL) {
		cs_buf_reset(&base);
		lk.secret = secret_for_host;
		if ((rc = cs_template_expand(c->manifest->base_url, CS_IN_URL, &lk, &base, err)) < 0)
			return rc;
	}
	if ((rc = fill_markers(p, x->req.url, strlen(x->req.url), &path, err)) < 0)
		return rc;
	if (x->req.query != NULL && (rc = fill_markers(p, x->req.query, strlen(x->req.query), query, err)) < 0)
		return rc;
	if ((rc = add_constants(x, p, query, err)) < 0)
		return rc;
	if (absolute && query->len == 0 && strcmp(cs_buf_str(&path), x->req.url) == 0) /* as it was checked */
		return cs_buf_add(&x->url, path.ptr, path.len);
	if (!absolute && strstr(c->manifest->base_url, "${secret:") == NULL) /* the base was checked, and nothing behind it moves the host */
		return cs_url_join(&x->url, cs_buf_str(&base), cs_buf_str(&path), query->len > 0 ? cs_buf_str(query) : NULL, err);
	return cs_url_build(&x->url, cs_buf_str(&base), cs_buf_str(&path), query->len > 0 ? cs_buf_str(query) : NULL, true, origin, err);
}

bool
cs_exchange_waits(const struct cs_exchange *x)
{
	return !cs_list_empty(&x->token.node);
}

int
cs_exchange_build(struct cs_exchange *x, struct cs_err *err)
{
	CS_CLEANUP(wipe_buf) struct cs_buf query = CS_BUF_INIT(CS_URL_MAX);
	struct secret_place p = { .x = x, .host = "" };
	struct cs_url_origin origin;
	struct cs_bytes body;
	int rc;

	cs_buf_reset(&x->url);
	cs_buf_reset(&x->body);
	x->n_headers = 0;
	if ((rc = build_url(x, &p, &query, &origin, err)) < 0 || (rc = add_headers(x, &p, err)) < 0 ||
	    (rc = add_basic(x, &p, err)) < 0)
		return rc;
	body = x->body.len > 0 ? (struct cs_bytes){ cs_buf_str(&x->body), x->body.len } : x->req.body;
	if ((rc = cs_exchange_sign(x, body, err)) < 0)
		return rc;
	x->xfer = (struct cs_http_xfer){ .method = x->req.method, .url = cs_buf_str(&x->url), .headers = x->headers,
		.n_headers = x->n_headers, .body = body.ptr, .body_len = body.len, .total_timeout_ms = x->req.timeout_ms,
		.mutates = x->mutates, .ctx = x };
	return 0;
}
