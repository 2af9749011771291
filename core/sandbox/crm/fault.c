/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault.c - the list of active faults, and how each bends an answer.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sandbox/crm/fault.h"

#define MAX_FAULTS 1000
#define MATCH_MAX 512
#define OVERSIZE (5u << 20)

static const struct {
	const char *name;
	enum cs_sb_fault_kind kind;
	bool before;
} kinds[] = {
	{ "latency", CS_SB_LATENCY, false },
	{ "429", CS_SB_429, true },
	{ "401", CS_SB_401, true },
	{ "error", CS_SB_ERROR, true },
	{ "error_after", CS_SB_ERROR_AFTER, false },
	{ "status", CS_SB_STATUS, true },
	{ "cut", CS_SB_CUT_BODY, false },
	{ "oversized", CS_SB_OVERSIZED, false },
	{ "html", CS_SB_HTML, false },
	{ "cut_json", CS_SB_CUT_JSON, false },
	{ "empty", CS_SB_EMPTY, false },
	{ "timeout_before", CS_SB_TIMEOUT_BEFORE, true },
	{ "timeout_after", CS_SB_TIMEOUT_AFTER, false },
	{ "close_before", CS_SB_CLOSE_BEFORE, true },
	{ "close_after", CS_SB_CLOSE_AFTER, false },
};

/* ---- matching */

/* "*" and "..." (or the character for it) stand for anything, {name} for one segment. */
static bool
path_matches(const char *p, const char *s)
{
	size_t wild;

	for (; *p != '\0'; p++, s++) {
		wild = *p == '*'			    ? 1
		       : strncmp(p, "...", 3) == 0	    ? 3
		       : strncmp(p, "\xe2\x80\xa6", 3) == 0 ? 3
							    : 0;
		if (wild > 0) {
			for (;; s++) {
				if (path_matches(p + wild, s))
					return true;
				if (*s == '\0')
					return false;
			}
		}
		if (*p == '{' && strchr(p, '}') != NULL) {
			p = strchr(p, '}');
			if (*s == '\0' || *s == '/')
				return false;
			s += strcspn(s, "/") - 1;
			continue;
		}
		if (*p != *s)
			return false;
	}
	return *s == '\0';
}

bool
cs_sb_fault_matches(const char *match, const char *method, const char *path, const char *body, size_t body_len)
{
	size_t n = strcspn(match, " ");
	const char *word = NULL;
	char pattern[MATCH_MAX];

	if (strcmp(match, "*") == 0)
		return true;
	if (match[n] == ' ') {
		if (match[0] != '*' && (strlen(method) != n || strncmp(match, method, n) != 0))
			return false;
		match += n + 1;
		word = strchr(match, ' ');
	}
	snprintf(pattern, sizeof(pattern), "%.*s", (int)strcspn(match, " "), match);
	return path_matches(pattern, path) &&
	       (word == NULL || (body_len > 0 && memmem(body, body_len, word + 1, strlen(word + 1)) != NULL));
}

static bool
applies(const struct cs_sb_fault *f, const char *crm, const char *tenant, const struct cs_sb_request *req, const char *path)
{
	return (f->crm == NULL || strcmp(f->crm, crm) == 0) &&
	       (f->tenant == NULL || strcmp(f->tenant, tenant) == 0) &&
	       cs_sb_fault_matches(f->match, req->method, path, req->body, req->body_len);
}

const struct cs_sb_fault *
cs_sb_fault_take(struct cs_sb_faults *f, const char *crm, const char *tenant, const struct cs_sb_request *req,
		 const char *path)
{
	for (size_t i = 0; i < f->n; i++) {
		struct cs_sb_fault *x = f->v[i];

		if (x->times == 0 || !applies(x, crm, tenant, req, path))
			continue;
		if (x->skip > 0) {
			x->skip--;
			continue;
		}
		x->hits++;
		x->times -= x->times > 0;
		return x;
	}
	return NULL;
}

/* ---- bending */

static void
set_body(struct cs_sb_reply *r, const char *type, const char *text)
{
	cs_buf_reset(&r->body);
	cs_buf_adds(&r->body, text);
	r->type = type;
}

static void
oversize(struct cs_sb_reply *r)
{
	char pad[4096];

	memset(pad, 'x', sizeof(pad));
	set_body(r, "application/json", "{\"pad\":\"");
	while (r->body.len < OVERSIZE)
		cs_buf_add(&r->body, pad, sizeof(pad));
	cs_buf_adds(&r->body, "\"}");
}

void
cs_sb_fault_bend(const struct cs_sb_fault *f, struct cs_sb_reply *r)
{
	char seconds[32];

	r->delay_ms = f->latency_ms;
	switch (f->kind) {
	case CS_SB_429:
		snprintf(seconds, sizeof(seconds), "%lld", (long long)f->retry_after);
		if (f->retry_after >= 0)
			cs_sb_reply_header(r, "Retry-After", seconds);
		break;
	case CS_SB_STATUS:
		set_body(r, f->body != NULL && f->body[0] == '{' ? "application/json" : "text/plain",
			 f->body != NULL ? f->body : "");
		r->status = f->status;
		break;
	case CS_SB_CUT_BODY:
		if (r->body.len < 2)
			set_body(r, "application/json", "{\"status\":\"ok\"}");
		r->status = r->status == 204 ? 200 : r->status;
		r->manner = CS_SB_CUT;
		break;
	case CS_SB_OVERSIZED:
		oversize(r);
		break;
	case CS_SB_HTML:
		set_body(r, "text/html", "<!doctype html><title>Welcome</title><p>It works!</p>");
		break;
	case CS_SB_CUT_JSON:
		if (r->body.len < 2)
			set_body(r, "application/json", "{\"status\":\"ok\"}");
		r->body.len /= 2;
		break;
	case CS_SB_EMPTY:
		cs_buf_reset(&r->body);
		break;
	case CS_SB_TIMEOUT_BEFORE:
	case CS_SB_TIMEOUT_AFTER:
		r->manner = CS_SB_HOLD;
		break;
	case CS_SB_CLOSE_BEFORE:
	case CS_SB_CLOSE_AFTER:
		r->manner = CS_SB_CLOSE;
		break;
	default: /* latency, 401, error: the reply is right as it is */
		break;
	}
}

/* ---- the list */

static void
fault_free(struct cs_sb_fault *f)
{
	free(f->crm);
	free(f->match);
	free(f->tenant);
	free(f->body);
	free(f);
}

static char *
text_or_null(json_object *o, const char *name)
{
	const char *s = cs_json_str(o, name, NULL);

	return s != NULL && strcmp(s, "*") != 0 ? cs_xstrdup(s) : NULL;
}

static int
kind_of(struct cs_sb_fault *f, const char *name, struct cs_err *err)
{
	for (size_t i = 0; i < CS_ARRAY_LEN(kinds); i++) {
		if (strcmp(kinds[i].name, name) == 0) {
			f->kind = kinds[i].kind;
			f->name = kinds[i].name;
			f->before = kinds[i].before;
			return 0;
		}
	}
	cs_err_set(err, CS_EINVAL, "there is no fault named \"%.40s\"", name);
	cs_err_hint(err,
		    "latency, 429, 401, error, error_after, status, cut, oversized, html, cut_json, empty, "
		    "timeout_before, timeout_after, close_before or close_after");
	return CS_EINVAL;
}

int
cs_sb_fault_add(struct cs_sb_faults *fs, json_object *o, uint64_t *id, struct cs_err *err)
{
	json_object *body = cs_json_get(o, "body");
	struct cs_sb_fault *f;
	int rc;

	if (fs->n >= MAX_FAULTS)
		return cs_err_set(err, CS_ELIMIT, "there are %d faults already", MAX_FAULTS);
	f = cs_xcalloc(1, sizeof(*f));
	if ((rc = kind_of(f, cs_json_str(o, "fault", ""), err)) < 0) {
		free(f);
		return rc;
	}
	f->id = ++fs->next_id;
	f->crm = text_or_null(o, "crm");
	f->tenant = text_or_null(o, "tenant");
	f->match = cs_xstrdup(cs_json_str(o, "match", "*"));
	f->times = cs_json_int(o, "times", 1);
	f->skip = cs_json_int(o, "skip", 0);
	f->latency_ms = cs_json_int(o, "latency_ms", f->kind == CS_SB_LATENCY ? 1000 : 0);
	f->retry_after = cs_json_int(o, "retry_after", -1);
	f->status = (int)cs_json_int(o, "status", 500);
	f->body = body != NULL ? cs_xstrdup(json_object_get_string(body)) : NULL;
	if (f->status < 200 || f->status > 599)
		f->status = 500;
	fs->v = cs_xrealloc(fs->v, (fs->n + 1) * sizeof(struct cs_sb_fault *));
	fs->v[fs->n++] = f;
	*id = f->id;
	return 0;
}

void
cs_sb_faults_drop(struct cs_sb_faults *fs, uint64_t id)
{
	size_t kept = 0;

	for (size_t i = 0; i < fs->n; i++) {
		if (id == 0 || fs->v[i]->id == id)
			fault_free(fs->v[i]);
		else
			fs->v[kept++] = fs->v[i];
	}
	fs->n = kept;
	if (kept == 0) {
		free(fs->v);
		fs->v = NULL;
	}
}

json_object *
cs_sb_faults_show(const struct cs_sb_faults *fs)
{
	json_object *list = json_object_new_array(), *o;

	for (size_t i = 0; i < fs->n; i++) {
		const struct cs_sb_fault *f = fs->v[i];

		o = json_object_new_object();
		json_object_object_add(o, "id", json_object_new_int64((int64_t)f->id));
		json_object_object_add(o, "fault", json_object_new_string(f->name));
		json_object_object_add(o, "crm", json_object_new_string(f->crm != NULL ? f->crm : "*"));
		json_object_object_add(o, "match", json_object_new_string(f->match));
		if (f->tenant != NULL)
			json_object_object_add(o, "tenant", json_object_new_string(f->tenant));
		json_object_object_add(o, "times", json_object_new_int64(f->times));
		json_object_object_add(o, "hits", json_object_new_int64((int64_t)f->hits));
		json_object_array_add(list, o);
	}
	return list;
}
