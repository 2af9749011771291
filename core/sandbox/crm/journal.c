/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal.c - a ring of requests, each in one allocation.
 *
 * The blob holds texts that end with NUL, one after the other: method, target, the secrets, name and value of
 * each header; then the body. Masking shows the first four characters of a secret wherever it stands, and the
 * values of headers and members whose names say that they carry one, known or not.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "sandbox/crm/engine.h"
#include "sandbox/crm/journal.h"
#include "util/clock.h"
#include "util/text.h"

static const char *const secret_headers[] = { "authorization", "proxy-authorization",
					      "cookie",	       "x-api-key",
					      "api-key",       "x-api-token",
					      "x-auth-token",  "st-app-key" };
static const char *const secret_members[] = { "client_secret", "refresh_token", "access_token", "code",
					      "code_verifier", "password",	"auth_secret",	"api_key",
					      "api_token",     "token" };

void
cs_sb_journal_init(struct cs_sb_journal *j, size_t max)
{
	*j = (struct cs_sb_journal){ .max = max };
	j->ring = cs_xcalloc(max, sizeof(*j->ring));
}

static void
drop_oldest(struct cs_sb_journal *j)
{
	j->bytes -= j->ring[j->first].blob_len;
	j->first = (j->first + 1) % j->max;
	j->n--;
}

void
cs_sb_journal_clear(struct cs_sb_journal *j)
{
	while (j->n > 0)
		drop_oldest(j);
	for (size_t i = 0; i < j->max; i++) {
		free(j->ring[i].blob);
		j->ring[i].blob = NULL;
		j->ring[i].blob_cap = 0;
	}
}

void
cs_sb_journal_fini(struct cs_sb_journal *j)
{
	cs_sb_journal_clear(j);
	free(j->ring);
}

/* The allocation stays with its place in the ring, unless it is much too large. */
static void
reserve(struct cs_sb_entry *e, size_t n)
{
	if (n <= e->blob_cap && e->blob_cap <= 4 * n + 4096)
		return;
	free(e->blob);
	e->blob_cap = n + n / 4;
	e->blob = cs_xmalloc(e->blob_cap);
}

static char *
put(char *p, const char *s, size_t n)
{
	memcpy(p, s, n);
	p[n] = '\0';
	return p + n + 1;
}

static void
fill_blob(struct cs_sb_entry *e, const struct cs_sb_scope *sc)
{
	const struct cs_sb_request *req = sc->req;
	size_t path_len = strlen(req->path), query_len = strlen(req->query), n;
	char *p;

	n = strlen(req->method) + path_len + query_len + 3 + e->body_kept + 1;
	for (size_t i = 0; i < sc->nsecrets; i++)
		n += strlen(sc->secrets[i]) + 1;
	for (size_t i = 0; i < req->nheaders; i++)
		n += req->headers[i].name_len + req->headers[i].value_len + 2;
	e->blob_len = n;
	reserve(e, n);
	p = put(e->blob, req->method, strlen(req->method));
	p = put(p, req->path, path_len);
	if (query_len > 0) {
		p[-1] = '?';
		p = put(p, req->query, query_len);
	}
	for (size_t i = 0; i < sc->nsecrets; i++)
		p = put(p, sc->secrets[i], strlen(sc->secrets[i]));
	for (size_t i = 0; i < req->nheaders; i++) {
		p = put(p, req->headers[i].name, req->headers[i].name_len);
		p = put(p, req->headers[i].value, req->headers[i].value_len);
	}
	put(p, req->body, e->body_kept);
}

void
cs_sb_journal_add(struct cs_sb_journal *j, const struct cs_sb_scope *sc, const struct cs_sb_reply *reply,
                  const char *fault)
{
	struct cs_sb_entry *e;

	while (j->n == j->max || (j->n > 0 && j->bytes > CS_SB_JOURNAL_BYTES))
		drop_oldest(j);
	e = &j->ring[(j->first + j->n++) % j->max];
	e->id = sc->req->id;
	e->at_ms = sc->now_ms;
	e->crm = sc->crm != NULL ? sc->crm->name : "";
	snprintf(e->tenant, sizeof(e->tenant), "%s", sc->tenant != NULL ? cs_sb_tenant_name(sc->tenant) : "");
	e->fault = fault;
	e->status = reply->manner == CS_SB_CLOSE || reply->manner == CS_SB_HOLD ? 0 : reply->status;
	e->body_len = sc->req->body_len;
	e->body_kept = e->body_len < CS_SB_JOURNAL_BODY ? e->body_len : CS_SB_JOURNAL_BODY;
	e->nsecrets = (unsigned)sc->nsecrets;
	e->nheaders = (unsigned)sc->req->nheaders;
	fill_blob(e, sc);
	j->bytes += e->blob_len;
}

/* ---- showing */

static bool
named(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (strcasecmp(names[i], name) == 0)
			return true;
	}
	return false;
}

static void
add_mask(struct cs_buf *b, const char *s, size_t n)
{
	cs_buf_add(b, s, n > 12 ? 4 : 0);
	cs_buf_adds(b, "***");
}

/* Copy [s, s + n) with every secret masked. */
static void
add_masked(struct cs_buf *b, const char *s, size_t n, const char *const *secrets, unsigned nsecrets)
{
	const char *end = s + n;

	while (s < end) {
		size_t hit = 0;

		for (unsigned i = 0; i < nsecrets && hit == 0; i++) {
			size_t len = strlen(secrets[i]);

			if (len >= 4 && (size_t)(end - s) >= len && memcmp(s, secrets[i], len) == 0)
				hit = len;
		}
		if (hit > 0)
			add_mask(b, s, hit);
		else
			cs_buf_addc(b, *s);
		s += hit > 0 ? hit : 1;
	}
}

static json_object *
take_string(struct cs_buf *b)
{
	json_object *o;

	for (size_t i = 0; i < b->len; i++) {
		if (b->ptr[i] == '\0')
			b->ptr[i] = ' ';
	}
	o = json_object_new_string_len(cs_buf_str(b), (int)b->len);
	cs_buf_fini(b);
	return o;
}

static json_object *
show_text(const char *s, size_t n, const char *const *secrets, unsigned nsecrets)
{
	struct cs_buf b = CS_BUF_INIT(0);

	add_masked(&b, s, n, secrets, nsecrets);
	return take_string(&b);
}

static json_object *
show_header(const char *name, const char *value, const char *const *secrets, unsigned nsecrets)
{
	struct cs_buf b = CS_BUF_INIT(0);
	const char *word = strrchr(value, ' ');

	if (!named(secret_headers, CS_ARRAY_LEN(secret_headers), name))
		return show_text(value, strlen(value), secrets, nsecrets);
	word = word != NULL ? word + 1 : value;
	cs_buf_add(&b, value, (size_t)(word - value));
	add_mask(&b, word, strlen(word));
	return take_string(&b);
}

/* The values of members with telling names, a copy that others may see. */
static json_object *
mask_members(json_object *o, int depth)
{
	json_object *made;

	if (depth > 8 || !json_object_is_type(o, json_type_object))
		return json_object_get(o);
	made = json_object_new_object();
	CS_SB_MEMBERS(e, o)
		json_object_object_add(made, CS_SB_NAME(e),
		                       named(secret_members, CS_ARRAY_LEN(secret_members), CS_SB_NAME(e)) ?
		                               json_object_new_string("***") :
		                               mask_members(CS_SB_VALUE(e), depth + 1));
	return made;
}

/* JSON and forms as objects, anything else as text. */
static json_object *
show_body(const char *s, size_t n, const char *const *secrets, unsigned nsecrets)
{
	struct cs_buf b = CS_BUF_INIT(0);
	json_object *o = NULL, *shown;

	add_masked(&b, s, n, secrets, nsecrets);
	if (cs_json_parse(cs_buf_str(&b), b.len, 32, &o, NULL) < 0 && memmem(s, n, "grant_type=", 11) != NULL)
		o = cs_sb_parse_form(b.ptr, b.len);
	if (o != NULL) {
		shown = mask_members(o, 0);
		json_object_put(o);
		cs_buf_fini(&b);
		return shown;
	}
	return take_string(&b);
}

static const char *
next_text(const char **p)
{
	const char *s = *p;

	*p += strlen(s) + 1;
	return s;
}

json_object *
cs_sb_journal_show(const struct cs_sb_journal *j, size_t i)
{
	const struct cs_sb_entry *e = &j->ring[(j->first + i) % j->max];
	const char *p = e->blob, *method = next_text(&p), *target = next_text(&p), *secrets[8], *name;
	json_object *o = json_object_new_object(), *headers = json_object_new_object();
	char at[CS_TIME_TEXT];

	for (unsigned k = 0; k < e->nsecrets; k++)
		secrets[k] = next_text(&p);
	json_object_object_add(o, "id", json_object_new_int64((int64_t)e->id));
	json_object_object_add(o, "at", json_object_new_string(cs_time_format(e->at_ms, at)));
	json_object_object_add(o, "at_ms", json_object_new_int64(e->at_ms));
	json_object_object_add(o, "crm", json_object_new_string(e->crm));
	json_object_object_add(o, "tenant", json_object_new_string(e->tenant));
	json_object_object_add(o, "method", json_object_new_string(method));
	json_object_object_add(o, "path", show_text(target, strlen(target), secrets, e->nsecrets));
	json_object_object_add(o, "status", json_object_new_int(e->status));
	if (e->fault != NULL)
		json_object_object_add(o, "fault", json_object_new_string(e->fault));
	for (unsigned k = 0; k < e->nheaders; k++) {
		name = next_text(&p);
		json_object_object_add(headers, name, show_header(name, p, secrets, e->nsecrets));
		next_text(&p);
	}
	json_object_object_add(o, "headers", headers);
	json_object_object_add(o, "body_bytes", json_object_new_int64((int64_t)e->body_len));
	if (e->body_kept > 0)
		json_object_object_add(o, "body", show_body(p, e->body_kept, secrets, e->nsecrets));
	return o;
}
