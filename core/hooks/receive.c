/* SPDX-License-Identifier: Apache-2.0 */
/*
 * receive.c - see receive.h.
 *
 *   address -> connection (or app) -> challenge? -> signature -> happenings -> tenants -> one row per happening and connection
 *
 * Nothing is kept that was not verified, but for CRMs that do not sign at all: their rows are marked as hints, and the plugin
 * reads the record before it reports anything. A body in which the manifest finds no happening is the probe of a set-up page;
 * it is answered like any other, signed or not, because nothing comes of it.
 */
#include "config.h"
#include "hooks/receive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "auth/mac.h"
#include "hooks/overrule.h"
#include "hooks/told.h"
#include "util/text.h"

#define DEPTH_MAX 64
#define EVENTS_MAX 1000
#define TENANTS_MAX 64     /* connections to one tenant */
#define ROWS_MAX 4096
#define CHALLENGE_MAX 1024
#define QUESTION_MAX 4096
#define HEADERS_MAX 32
#define HEADER_BYTES 8192  /* of all that are kept */

struct reading {
	const struct cs_receive_env *env;
	const struct cs_manifest *m;
	const struct cs_webhook_row *w; /* with what the operator's settings say */
	const struct cs_hook_address *at;
	const struct cs_hook_in *in;
	struct cs_arena *mem;
	struct cs_received *out;
	json_object *doc;          /* NULL: the body is no JSON */
	struct cs_conn_row conn;   /* of the address */
	bool has_conn, is_verified;
	const char *url_secret, *headers;
	size_t cap;
};

static void
answer(struct reading *r, int status, const char *result, const char *detail)
{
	r->out->status = status;
	r->out->result = result;
	r->out->detail = detail;
}

/* ---- the address */

static const char *
segment(const char *at, char *out, size_t cap)
{
	size_t n = strcspn(at, "/");

	if (n == 0 || n >= cap)
		return NULL;
	memcpy(out, at, n);
	out[n] = '\0';
	return at + n;
}

bool
cs_hook_address_read(const char *path, struct cs_hook_address *out)
{
	const char *at = path;

	memset(out, 0, sizeof(*out));
	if (strncmp(at, "/hooks/", 7) != 0 || (at = segment(at + 7, out->crm, sizeof(out->crm))) == NULL)
		return false;
	if (*at == '/' && (at = segment(at + 1, out->connection, sizeof(out->connection))) == NULL)
		return false;
	if (*at == '/' && (at = segment(at + 1, out->secret, sizeof(out->secret))) == NULL)
		return false;
	return *at == '\0';
}

static bool
find_connection(struct reading *r)
{
	const struct cs_hook_address *at = r->at;
	bool by_url = r->w->verify.kind == CS_VERIFY_URL_TOKEN;

	r->url_secret = at->secret;
	if (at->connection[0] == '\0')
		return r->w->app_scope;
	if (at->secret[0] != '\0' && !by_url)
		return false;
	if (r->w->app_scope && by_url && at->secret[0] == '\0') {
		r->url_secret = at->connection;
		return true;
	}
	/* by the public id only: a name out of the files could be guessed */
	r->has_conn = r->env->reader->ops->conn_find(r->env->reader, at->connection, r->mem, &r->conn, NULL) == 0 &&
	    strcmp(r->conn.public_id, at->connection) == 0 && strcmp(r->conn.crm, r->m->name) == 0;
	return r->has_conn;
}

/* ---- is it genuine? */

static bool
sealed_secret(struct reading *r, const char *name, char **value, size_t *len)
{
	char owner[40];
	struct cs_bytes sealed;

	if (r->env->vault == NULL)
		return false;
	snprintf(owner, sizeof(owner), "conn/%lld", (long long)r->conn.id);
	return r->env->reader->ops->secret_get(r->env->reader, owner, name, r->mem, &sealed, NULL) == 0 &&
	    cs_vault_open_sealed(r->env->vault, owner, name, sealed.ptr, sealed.len, value, len, NULL) == 0;
}

/* The connection's own secret, else the one of the whole app, as context.c layers them. The caller wipes it. */
static void
secret_value(struct reading *r, const char *name, char **value, size_t *len)
{
	const struct cs_conf_crm *crm = cs_conf_crm_find(r->env->conf, r->m->name);
	const struct cs_conf_secret *s = NULL;

	*value = NULL;
	*len = 0;
	if (name == NULL || (r->has_conn && sealed_secret(r, name, value, len)))
		return;
	for (size_t i = 0; r->has_conn && r->conn.is_static && crm != NULL && i < crm->n_connections; i++)
		if (strcmp(crm->connections[i].name, r->conn.name) == 0)
			s = cs_conf_secret_find(&crm->connections[i].values, name);
	if ((s == NULL || s->value == NULL) && crm != NULL)
		s = cs_conf_secret_find(&crm->values, name);
	if (s == NULL || s->value == NULL)
		return;
	*value = cs_xstrndup(s->value, s->len);
	*len = s->len;
}

static int
verify(struct reading *r)
{
	struct cs_hook_in in = *r->in;
	char *secret;
	size_t len;
	int rc;

	in.url_token = r->url_secret;
	secret_value(r, r->w->verify.secret, &secret, &len);
	if (secret == NULL && r->w->verify.optional)
		return 0;
	r->is_verified = r->w->verify.kind != CS_VERIFY_NONE;
	rc = cs_hook_verify(&r->w->verify, secret, len, &in, r->env->now_ms, &r->out->why);
	if (secret != NULL)
		cs_wipe_free(secret, len + 1);
	return rc;
}

/* ---- challenges: the CRM asks whether somebody who means it stands behind the address */

static void
echo_text(struct reading *r, const char *value)
{
	answer(r, 200, "challenge", NULL);
	r->out->type = "text/plain; charset=utf-8";
	r->out->body = cs_arena_strdup(r->mem, value);
}

static void
echo_json(struct reading *r, const char *value)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	const char *name = strrchr(r->w->challenge_pointer, '/');

	cs_buf_addc(&b, '{');
	cs_buf_add_json_string(&b, name != NULL ? name + 1 : "", name != NULL ? strlen(name + 1) : 0);
	cs_buf_addc(&b, ':');
	cs_buf_add_json_string(&b, value, strlen(value));
	cs_buf_addc(&b, '}');
	answer(r, 200, "challenge", NULL);
	r->out->type = "application/json";
	r->out->body = cs_arena_strdup(r->mem, cs_buf_str(&b));
}

/* Only a short text without control characters is given back. */
static bool
may_echo(const char *value)
{
	return value[0] != '\0' && strlen(value) <= CHALLENGE_MAX && cs_is_header_value(value, strlen(value));
}

static void
probe(struct reading *r)
{
	answer(r, r->w->reply_status, "probe", NULL);
	r->out->body = r->w->reply_body;
	r->out->type = r->w->reply_type;
}

static int
hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* The first parameter of that name, decoded; "" when there is none. */
static const char *
query_value(struct reading *r, const char *name)
{
	size_t n = strlen(name);
	const char *at = r->in->query;

	for (; at != NULL && *at != '\0'; at += strcspn(at, "&"), at += *at == '&') {
		char *out, *to;

		if (strncmp(at, name, n) != 0 || at[n] != '=')
			continue;
		at += n + 1;
		to = out = cs_arena_strndup(r->mem, at, strcspn(at, "&"));
		for (const char *s = out; *s != '\0'; s++) {
			bool coded = *s == '%' && hex_digit(s[1]) >= 0 && hex_digit(s[2]) >= 0;

			*to++ = coded ? (char)(hex_digit(s[1]) << 4 | hex_digit(s[2])) : *s == '+' ? ' ' : *s;
			s += coded ? 2 : 0;
		}
		*to = '\0';
		return out;
	}
	return "";
}

static void
answer_get(struct reading *r)
{
	const char *asked = r->w->challenge_query != NULL ? query_value(r, r->w->challenge_query) : "";

	if (may_echo(asked))
		echo_text(r, asked);
	else
		probe(r);
}

/* ---- the happenings in a body */

static size_t
count_events(const struct reading *r)
{
	json_object *list = r->w->events != NULL ? cs_json_pointer(r->doc, r->w->events) : NULL;

	if (r->w->events == NULL || json_object_is_type(list, json_type_object))
		return 1;
	return json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
}

static json_object *
event_at(const struct reading *r, size_t i)
{
	json_object *list = r->w->events != NULL ? cs_json_pointer(r->doc, r->w->events) : r->doc;

	return r->w->events != NULL && json_object_is_type(list, json_type_array) ? json_object_array_get_idx(list, i) : list;
}

/* What has nothing of what tells happenings apart is none. */
static bool
is_event(const struct reading *r, json_object *ev)
{
	if (r->doc == NULL)
		return r->in->body.len > 0;
	for (size_t i = 0; i < r->w->n_dedupe; i++)
		if (cs_json_pointer_text(ev, r->w->dedupe[i])[0] != '\0')
			return true;
	return r->w->n_dedupe == 0 && json_object_is_type(ev, json_type_object) && json_object_object_length(ev) > 0;
}

static bool
has_events(const struct reading *r)
{
	size_t n = count_events(r);

	if (r->doc == NULL)
		return r->in->body.len > 0;
	for (size_t i = 0; i < n; i++)
		if (is_event(r, event_at(r, i)))
			return true;
	return false;
}

/* ---- tenants */

/* Static connections need not have been identified: the file may say which tenant they are. */
static size_t
by_file(struct reading *r, const char *tenant, int64_t *out, size_t max)
{
	const struct cs_conf_crm *crm = cs_conf_crm_find(r->env->conf, r->m->name);
	struct cs_store *s = r->env->reader;
	struct cs_conn_row rows[TENANTS_MAX];
	size_t n = 0;

	for (size_t i = 0; crm != NULL && i < crm->n_connections && n < max; i++) {
		const struct cs_conf_connection *c = &crm->connections[i];
		int found = strcmp(c->crm_account_id, tenant) == 0
		    ? s->ops->conn_of_account(s, c->account, r->mem, rows, CS_ARRAY_LEN(rows), NULL) : 0;

		for (int k = 0; k < found && n < max; k++)
			if (rows[k].is_static && strcmp(rows[k].crm, r->m->name) == 0 && strcmp(rows[k].name, c->name) == 0)
				out[n++] = rows[k].id;
	}
	return n;
}

static bool
is_tenant_of_address(struct reading *r, const char *tenant)
{
	json_object *facts = NULL;
	const char *known;
	bool fits;

	if (r->w->tenant_fact == NULL || r->conn.facts[0] == '\0' ||
	    cs_json_parse(r->conn.facts, strlen(r->conn.facts), 8, &facts, NULL) < 0)
		return true;
	known = cs_json_str(facts, r->w->tenant_fact, "");
	fits = known[0] == '\0' || tenant[0] == '\0' || strcmp(known, tenant) == 0;
	json_object_put(facts);
	return fits;
}

static size_t
connections_of(struct reading *r, json_object *ev, int64_t *out, size_t max)
{
	struct cs_store *s = r->env->reader;
	struct cs_conn_row rows[TENANTS_MAX];
	const char *tenant = cs_told_tenant(r->w, ev, r->doc, r->mem);
	int n;

	if (r->has_conn) {
		out[0] = r->conn.id;
		return is_tenant_of_address(r, tenant);
	}
	if (tenant[0] == '\0')
		return 0;
	n = s->ops->conn_by_fact(s, r->m->name, r->w->tenant_fact, tenant, r->mem, rows, (int)max, NULL);
	for (int i = 0; i < n; i++)
		out[i] = rows[i].id;
	return n > 0 ? (size_t)n : by_file(r, tenant, out, max);
}

/* ---- rows */

static void
add_part(struct cs_buf *b, const char *s, size_t n)
{
	cs_buf_printf(b, "%zu:", n);
	cs_buf_add(b, s, n);
}

static void
dedupe_key(const struct reading *r, json_object *ev, struct cs_bytes body, int64_t conn_id, uint8_t out[32])
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	struct cs_part part;

	add_part(&b, r->m->name, strlen(r->m->name));
	cs_buf_printf(&b, "%lld:", (long long)conn_id);
	for (size_t i = 0; r->doc != NULL && i < r->w->n_dedupe; i++) {
		const char *v = cs_json_pointer_text(ev, r->w->dedupe[i]);

		add_part(&b, v, strlen(v));
	}
	if (r->doc == NULL || r->w->n_dedupe == 0)
		add_part(&b, body.ptr, body.len);
	part = (struct cs_part){ b.ptr, b.len };
	cs_sha256_parts(&part, 1, out);
}

static bool
is_secret_header(const struct reading *r, const char *name)
{
	static const char *const never[] = { "authorization", "proxy-authorization", "cookie", "x-forwarded-for", "forwarded" };

	for (size_t i = 0; i < CS_ARRAY_LEN(never); i++)
		if (strcasecmp(name, never[i]) == 0)
			return true;
	return r->w->verify.header != NULL && strcasecmp(name, r->w->verify.header) == 0;
}

/* As JSON, for the plugin: without what proves the sender. */
static const char *
headers_json(struct reading *r)
{
	CS_CLEANUP(cs_json_putp) json_object *o = json_object_new_object();
	size_t total = 0;

	for (size_t i = 0; i < r->in->n_headers && json_object_object_length(o) < HEADERS_MAX; i++) {
		const struct cs_header *h = &r->in->headers[i];
		char *name = cs_arena_strdup(r->mem, h->name);

		for (char *c = name; *c != '\0'; c++)
			*c = *c >= 'A' && *c <= 'Z' ? (char)(*c | 32) : *c;
		total += strlen(name) + strlen(h->value);
		if (total > HEADER_BYTES)
			break;
		if (!is_secret_header(r, name) && cs_utf8_valid(h->value, strlen(h->value), true))
			json_object_object_add(o, name, json_object_new_string(h->value));
	}
	return cs_arena_strdup(r->mem, cs_json_text(o));
}

static struct cs_bytes
text_of(struct reading *r, json_object *ev)
{
	const char *text;
	size_t n;

	if (r->w->events == NULL && r->w->verify.kind != CS_VERIFY_BODY_TOKEN)
		return r->in->body; /* as it came */
	text = cs_json_text(ev);
	n = strlen(text);
	return (struct cs_bytes){ cs_arena_dup(r->mem, text, n), n };
}

static bool
add_row(struct reading *r, json_object *ev, struct cs_bytes body, int64_t conn_id)
{
	struct cs_received *out = r->out;
	struct cs_hook_row *row, *more;

	if (out->n_rows == ROWS_MAX)
		return false;
	if (out->n_rows == r->cap) {
		r->cap = r->cap > 0 ? 2 * r->cap : 4;
		more = cs_arena_alloc(r->mem, r->cap * sizeof(*more));
		if (out->n_rows > 0)
			memcpy(more, out->rows, out->n_rows * sizeof(*more));
		out->rows = more;
	}
	row = &out->rows[out->n_rows++];
	*row = (struct cs_hook_row){ .crm = r->m->name, .conn_id = conn_id, .received_ms = r->env->now_ms, .due_ms = r->env->now_ms,
		.is_verified = r->is_verified, .headers = r->headers, .body = body };
	dedupe_key(r, ev, body, conn_id, row->dedupe);
	return true;
}

static bool
add_event(struct reading *r, json_object *ev)
{
	int64_t conns[TENANTS_MAX];
	size_t n = connections_of(r, ev, conns, CS_ARRAY_LEN(conns));
	struct cs_bytes body = n > 0 ? text_of(r, ev) : (struct cs_bytes){ "", 0 };

	r->out->n_unknown += n == 0;
	for (size_t i = 0; i < n; i++)
		if (!add_row(r, ev, body, conns[i]))
			return false;
	return true;
}

static void
take_events(struct reading *r)
{
	size_t n = count_events(r);
	bool fits = n <= EVENTS_MAX;

	r->headers = headers_json(r);
	if (r->w->verify.kind == CS_VERIFY_BODY_TOKEN && r->w->verify.pointer != NULL) /* a secret: not to be kept */
		json_pointer_set(&r->doc, r->w->verify.pointer, json_object_new_string(""));
	if (!has_events(r)) {
		probe(r);
		return;
	}
	for (size_t i = 0; i < n && fits; i++)
		if (is_event(r, event_at(r, i)))
			fits = add_event(r, event_at(r, i));
	if (!fits) {
		r->out->n_rows = 0;
		answer(r, 413, "refused", "too many events in one request");
		return;
	}
	r->out->result = r->out->n_rows > 0 ? "received" : "unknown";
}

/* ---- the request */

static void
parse(struct reading *r)
{
	if (r->doc == NULL)
		cs_json_parse(r->in->body.ptr, r->in->body.len, DEPTH_MAX, &r->doc, NULL);
}

/* Questions that are answered to anybody. Only small bodies are looked into before they are verified. */
static bool
is_question(struct reading *r)
{
	const char *asked;

	if (r->in->body.len > QUESTION_MAX)
		return false;
	parse(r);
	asked = r->w->challenge_pointer != NULL && r->doc != NULL ? cs_json_pointer_text(r->doc, r->w->challenge_pointer) : "";
	if (may_echo(asked))
		echo_json(r, asked);
	else if (!has_events(r))
		probe(r);
	else
		return false;
	return true;
}

static void
answer_post(struct reading *r)
{
	if (is_question(r))
		return;
	if (verify(r) < 0) {
		answer(r, 401, "refused", "this message does not prove who sent it");
		return;
	}
	parse(r);
	if (r->doc == NULL && (r->w->events != NULL || r->w->tenant != NULL))
		answer(r, 400, "refused", "this message is not JSON");
	else
		take_events(r);
}

void
cs_hooks_receive(const struct cs_receive_env *env, const struct cs_manifest *m, const struct cs_hook_address *at,
                 const struct cs_hook_in *in, struct cs_arena *mem, struct cs_received *out)
{
	struct cs_webhook_row row;
	struct reading r = { .env = env, .m = m, .w = &row, .at = at, .in = in, .mem = mem, .out = out };

	memset(out, 0, sizeof(*out));
	cs_hook_row(m, cs_conf_crm_find(env->conf, m->name), &row);
	if (!m->has_webhook || !find_connection(&r))
		answer(&r, 404, "refused", "no webhooks come in here");
	else if (strcmp(in->method, "GET") == 0 || strcmp(in->method, "HEAD") == 0)
		answer_get(&r);
	else if (strcmp(in->method, "POST") != 0)
		answer(&r, 405, "refused", "webhooks are sent with POST");
	else if (in->body.len > (size_t)env->conf->limits.hook_size)
		answer(&r, 413, "refused", "this message is too large");
	else
		answer_post(&r);
	json_object_put(r.doc);
}
