/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request.c - the rules for a request. What an answer means is answer.c's business.
 */
#include "config.h"
#include <ctype.h>
#include <string.h>
#include <strings.h>
#include "check/run.h"
#include "util/text.h"

json_object *
cs_check_row(json_object *rows, const char *key, const char *value)
{
	for (size_t i = 0; rows && value && i < json_object_array_length(rows); i++) {
		json_object *row = json_object_array_get_idx(rows, i);

		if (strcmp(cs_json_str(row, key, ""), value) == 0)
			return row;
	}
	return NULL;
}

json_object *
cs_check_step(const struct cs_call *c, const char *step)
{
	return cs_check_row(cs_json_get(c->plan->plugin->manifest, "steps"), "name", step);
}

bool
cs_check_in_doubt(json_object *receipts, const char *step)
{
	return json_object_is_type(cs_json_get(receipts, step ? step : ""), json_type_object);
}

/* ---- where to */
/* "https://host:port" of a URL, or its whole length when there is no path; 0: no absolute URL. */
static size_t
origin_len(const char *url)
{
	const char *p = strstr(url, "://");

	return p ? (size_t)(p + 3 - url) + strcspn(p + 3, "/?#") : 0;
}

static const char *
value_of(json_object *o, const char *key)
{
	json_object *v = cs_json_get(o, key);

	return v ? json_object_get_string(v) : "";
}

/* A row of "hosts" as the beginning of a URL. Templates name a setting or a fact. */
static const char *
host_pattern(struct cs_call *c, const char *host)
{
	if (strncmp(host, "${setting:", 10) == 0)
		return value_of(c->settings, cs_arena_strndup(&c->mem, host + 10, strcspn(host + 10, "}")));
	if (strncmp(host, "${fact:", 7) == 0)
		return value_of(c->facts, cs_arena_strndup(&c->mem, host + 7, strcspn(host + 7, "}")));
	return cs_arena_printf(&c->mem, "https://%s", host);
}

static bool
host_fits(struct cs_call *c, const char *row, const char *url, size_t n)
{
	const char *allowed;
	size_t m;

	if (strncmp(row, "*.", 2) == 0) {
		m = strlen(row) - 1; /* ".example.com" */
		return strncasecmp(url, "https://", 8) == 0 && n > m + 8 && strncasecmp(url + n - m, row + 1, m) == 0;
	}
	allowed = host_pattern(c, row);
	m = origin_len(allowed);
	return n == m && strncasecmp(url, allowed, n) == 0;
}

static void
check_host(struct cs_call *c, const char *url)
{
	json_object *hosts = cs_json_get(c->plan->plugin->manifest, "hosts");
	size_t n = origin_len(url);

	if (url[0] == '\0' || (url[0] == '/' && url[1] != '/'))
		return; /* laid on base_url */
	for (size_t i = 0; hosts && n > 0 && i < json_object_array_length(hosts); i++)
		if (host_fits(c, json_object_get_string(json_object_array_get_idx(hosts, i)), url, n))
			return;
	cs_fault(c, CS_RULE_HOST, "request to a host that the manifest does not allow: %.80s", url);
}

static void
check_url(struct cs_call *c, const struct cs_http_req *req)
{
	const char *parts[] = { req->url ? req->url : "", req->query ? req->query : "" };

	for (size_t i = 0; i < 2; i++)
		for (const char *p = parts[i]; *p; p++)
			if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f || strchr("\"<>\\^`{|}#", *p)) {
				cs_fault(c, CS_RULE_URL, "the %s of step %s is not encoded", i ? "query" : "path",
				    req->step ? req->step : "(none)");
				return;
			}
}

/* ---- what with */
static void
check_headers(struct cs_call *c, const struct cs_http_req *req)
{
	static const char *const ours[] = { "host", "content-length", "transfer-encoding", "connection", "cookie" };

	for (size_t i = 0; i < req->n_headers; i++) {
		const struct cs_header *h = &req->headers[i];

		if (!h->name || !h->value || !cs_is_token(h->name, strlen(h->name)) ||
		    !cs_is_header_value(h->value, strlen(h->value)))
			cs_fault(c, CS_RULE_HEADER, "header %zu is malformed", i);
		for (size_t k = 0; h->name && k < CS_ARRAY_LEN(ours); k++)
			if (strcasecmp(h->name, ours[k]) == 0)
				cs_fault(c, CS_RULE_HEADER, "header %s belongs to the core", ours[k]);
	}
}

static void
check_body(struct cs_call *c, const struct cs_http_req *req)
{
	bool json = req->body.len && (!req->content_type || strstr(req->content_type, "json"));
	json_object *o = NULL;
	struct cs_err err = { 0 };

	if (json && cs_json_parse(req->body.ptr, req->body.len, 32, &o, &err) != 0)
		cs_fault(c, CS_RULE_BODY, "the body of step %s is not valid JSON: %s", req->step ? req->step : "(none)", err.msg);
	else if (!json && req->body.len && !cs_utf8_valid(req->body.ptr, req->body.len, true))
		cs_fault(c, CS_RULE_BODY, "the body of step %s is not valid UTF-8", req->step ? req->step : "(none)");
	json_object_put(o);
}

static void
find_markers(struct cs_call *c, const char *text, size_t n)
{
	const char *at = text;

	while (n > 0 && (at = memmem(at, (size_t)(text + n - at), "CS-", 3)) != NULL && (size_t)(text + n - at) >= 36) {
		if (cs_is_foreign_nonce(c, at + 3)) {
			cs_fault(c, CS_RULE_MARKER, "a secret's marker of another call is sent");
			return;
		}
		at += 3;
	}
}

static void
check_markers(struct cs_call *c, const struct cs_http_req *req)
{
	const char *texts[] = { req->url, req->query };

	for (size_t i = 0; i < 2; i++)
		if (texts[i])
			find_markers(c, texts[i], strlen(texts[i]));
	for (size_t i = 0; i < req->n_headers; i++)
		if (req->headers[i].value)
			find_markers(c, req->headers[i].value, strlen(req->headers[i].value));
	find_markers(c, req->body.ptr, req->body.len);
}

/* ---- which step */
static void
check_step(struct cs_call *c, const struct cs_http_req *req)
{
	json_object *row = cs_check_step(c, req->step), *looked_row = cs_check_step(c, req->looks_for);

	if (!row)
		cs_fault(c, CS_RULE_STEP, "request with the step %s, which the manifest does not declare",
		    req->step ? req->step : "(none)");
	else if (req->mutates && !cs_json_bool(row, "mutates", false))
		cs_fault(c, CS_RULE_MUTATION, "mutating request in the step %s, which the manifest does not declare as mutating", req->step);
	if (req->looks_for && (req->mutates || !cs_json_bool(looked_row, "mutates", false)))
		cs_fault(c, CS_RULE_LOOK, "looks_for %s: it must be a mutating step, and the look-up must not mutate", req->looks_for);
}

/* Is this a second time? */
static void
check_repeat(struct cs_call *c, const struct cs_http_req *req)
{
	json_object *row = cs_check_step(c, req->step);
	const char *on_doubt = cs_json_str(row, "on_doubt", "look");
	const char *request = cs_arena_printf(&c->mem, "%s %s %.*s", req->method, req->url, (int)req->body.len,
	    req->body.len ? req->body.ptr : "");
	json_object *start = c->plan->receipts ? c->plan->receipts : cs_json_get(c->plan->script, "receipts");

	if (!row || strcmp(on_doubt, "repeat") == 0)
		return;
	if (cs_check_in_doubt(c->receipts, req->step) &&
	    (strcmp(on_doubt, "ask") == 0 || !cs_json_bool(c->looked, req->step, false)))
		cs_fault(c, CS_RULE_DOUBT, "step %s is in doubt and was sent again without a look-up", req->step);
	if (json_object_object_get_ex(c->done, request, NULL))
		cs_fault(c, CS_RULE_TWICE, "step %s was answered with success and the same request is sent again", req->step);
	if (json_object_is_type(cs_json_get(start, req->step), json_type_string) && !c->absent)
		cs_fault(c, CS_RULE_TWICE, "step %s was done in an earlier attempt and is sent again", req->step);
	if (c->blind && !c->n_warnings)
		cs_fault(c, CS_RULE_BLIND, "step %s is sent after an answer that cannot be understood", req->step);
}

void
cs_check_request(struct cs_call *c, const struct cs_http_req *req)
{
	static const char *const methods[] = { "GET", "POST", "PUT", "PATCH", "DELETE" };
	bool known = false;

	for (size_t i = 0; i < CS_ARRAY_LEN(methods); i++)
		known |= strcmp(req->method, methods[i]) == 0;
	if (!known)
		cs_fault(c, CS_RULE_METHOD, "unknown method %s", req->method);
	if (req->limit_class && !cs_check_row(cs_json_get(c->plan->plugin->manifest, "limits"), "class", req->limit_class))
		cs_fault(c, CS_RULE_LIMIT, "limit class %s is not in the manifest", req->limit_class);
	check_host(c, req->url);
	check_url(c, req);
	check_headers(c, req);
	check_step(c, req);
	check_body(c, req);
	check_markers(c, req);
	if (req->mutates && c->phase == CS_IN_HOOK)
		cs_fault(c, CS_RULE_HOOK_MUTATES, "step %s mutates while a message or poll is handled", req->step ? req->step : "(none)");
	if (req->mutates)
		check_repeat(c, req);
}
