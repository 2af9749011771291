/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request.c - http() of the plugin under test: it answers from the script and watches the rules.
 *
 * Requests are judged twice: against the rules of the interface (always) and against the script (in scripted
 * modes). Answers are classed as <cs/plugin_v1.h> says, after the manifest's own "status" rows. Nothing here
 * sends anything anywhere.
 */
#include <string.h>
#include <strings.h>
#include "check/run.h"
#include "util/text.h"

#define MAX_REQUESTS 200

static bool
is_scripted(const struct cs_call *c)
{
	return c->mode <= CS_CHECK_INTERLEAVED;
}

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
	return cs_check_row(cs_json_get(c->plugin->manifest, "steps"), "name", step);
}

bool
cs_check_in_doubt(json_object *receipts, const char *step)
{
	return json_object_is_type(cs_json_get(receipts, step), json_type_object);
}

/* ---- rules for requests */
/* "https://host:port" of a URL, or its whole length when there is no path. */
static size_t
origin_len(const char *url)
{
	const char *p = strstr(url, "://");

	return p ? (size_t)(p + 3 - url) + strcspn(p + 3, "/?#") : 0;
}

static const char *
setting_text(const struct cs_call *c, const char *key)
{
	json_object *v = cs_json_get(c->settings, key);

	return v ? json_object_get_string(v) : "";
}

/* The one template that hosts use: ${setting:KEY} */
static const char *
host_pattern(struct cs_call *c, const char *host)
{
	if (strncmp(host, "${setting:", 10) != 0)
		return cs_arena_printf(&c->mem, "https://%s", host);
	return setting_text(c, cs_arena_strndup(&c->mem, host + 10, strcspn(host + 10, "}")));
}

static void
check_host(struct cs_call *c, const char *url)
{
	json_object *hosts = cs_json_get(c->plugin->manifest, "hosts");
	size_t n = origin_len(url);

	if (url[0] == '/' && url[1] != '/')
		return; /* laid on base_url */
	for (size_t i = 0; hosts && i < json_object_array_length(hosts); i++) {
		const char *allowed = host_pattern(c,
		    json_object_get_string(json_object_array_get_idx(hosts, i)));

		if (n && origin_len(allowed) == n && strncasecmp(url, allowed, n) == 0)
			return;
	}
	cs_check_fault(c, "request to a host that the manifest does not allow: %.80s", url);
}

static void
check_headers(struct cs_call *c, const struct cs_http_req *req)
{
	static const char *const ours[] = { "host", "content-length", "transfer-encoding", "connection",
	    "cookie" };

	for (size_t i = 0; i < req->n_headers; i++) {
		const struct cs_header *h = &req->headers[i];

		if (!h->name || !h->value || !cs_is_token(h->name, strlen(h->name)) ||
		    !cs_is_header_value(h->value, strlen(h->value)))
			cs_check_fault(c, "header %zu is malformed", i);
		for (size_t k = 0; h->name && k < CS_ARRAY_LEN(ours); k++)
			if (strcasecmp(h->name, ours[k]) == 0)
				cs_check_fault(c, "header %s belongs to the core", ours[k]);
	}
}

static void
check_step(struct cs_call *c, const struct cs_http_req *req)
{
	json_object *row = cs_check_step(c, req->step), *looked_row = cs_check_step(c, req->looks_for);
	const char *on_doubt = cs_json_str(row, "on_doubt", "look");

	if (!row) {
		cs_check_fault(c, "request with the step %s, which the manifest does not declare", req->step
		    ? req->step : "(none)");
		return;
	}
	if (req->mutates && !cs_json_bool(row, "mutates", false))
		cs_check_fault(c, "mutating request in the step %s, which the manifest does not declare as mutating", req->step);
	if (req->looks_for && (req->mutates || !cs_json_bool(looked_row, "mutates", false)))
		cs_check_fault(c, "looks_for %s: it must be a mutating step, and the look-up must not mutate", req->looks_for);
	if (!req->mutates || !cs_check_in_doubt(c->receipts, req->step) || strcmp(on_doubt, "repeat") == 0)
		return;
	if (strcmp(on_doubt, "ask") == 0 || !cs_json_bool(c->looked, req->step, false))
		cs_check_fault(c, "step %s is in doubt and was sent again without a look-up", req->step);
}

static void
check_body(struct cs_call *c, const struct cs_http_req *req)
{
	bool json = req->body.len && (!req->content_type || strstr(req->content_type, "json"));
	json_object *o = NULL;

	if (json && cs_json_parse(req->body.ptr, req->body.len, 32, &o, NULL) != 0)
		cs_check_fault(c, "the body of step %s is not valid JSON", req->step ? req->step : "(none)");
	json_object_put(o);
}

static void
check_rules(struct cs_call *c, const struct cs_http_req *req)
{
	static const char *const methods[] = { "GET", "POST", "PUT", "PATCH", "DELETE" };
	bool known = false;

	if (c->pure)
		cs_check_fault(c, "map made a request");
	for (size_t i = 0; i < CS_ARRAY_LEN(methods); i++)
		known |= req->method && strcmp(req->method, methods[i]) == 0;
	if (!known)
		cs_check_fault(c, "unknown method %s", req->method ? req->method : "(none)");
	if (req->limit_class && !cs_check_row(cs_json_get(c->plugin->manifest, "limits"), "class",
	    req->limit_class))
		cs_check_fault(c, "limit class %s is not in the manifest", req->limit_class);
	if (req->query && strpbrk(req->query, " \"<>#\r\n"))
		cs_check_fault(c, "the query is not encoded: %s", req->query);
	check_host(c, req->url ? req->url : "");
	check_headers(c, req);
	check_step(c, req);
	check_body(c, req);
}

/* ---- the script */
static void
compare_headers(struct cs_call *c, const struct cs_http_req *req, json_object *want)
{
	json_object_object_foreach(want, name, value) {
		const char *have = NULL, *where = NULL;
		json_object *text;

		for (size_t i = 0; i < req->n_headers; i++)
			if (strcasecmp(req->headers[i].name, name) == 0)
				have = req->headers[i].value;
		text = have ? json_object_new_string(have) : NULL;
		if (!cs_check_match(c, value, text, name, &where))
			cs_check_fault(c, "call %zu: header %s is %s", c->next, name, have
			    ? have : "missing");
		json_object_put(text);
	}
}

static void
compare_body(struct cs_call *c, const struct cs_http_req *req, json_object *expect)
{
	const char *text = cs_json_str(expect, "body", NULL), *where = NULL;
	json_object *want = cs_json_get(expect, "json"), *have = NULL;

	if (text && (strlen(text) != req->body.len || memcmp(text, req->body.ptr, req->body.len) != 0))
		cs_check_fault(c, "call %zu: body differs: %.*s", c->next, (int)req->body.len, req->body.ptr);
	if (!want)
		return;
	if (req->body.len)
		cs_json_parse(req->body.ptr, req->body.len, 32, &have, NULL);
	if (!cs_check_match(c, want, have, "", &where))
		cs_check_fault(c, "call %zu: body differs at \"%s\": %.*s", c->next, where,
		    (int)req->body.len, req->body.ptr);
	json_object_put(have);
}

static void
compare(struct cs_call *c, const struct cs_http_req *req, json_object *expect)
{
	const char *path = cs_arena_printf(&c->mem, "%s%s%s", req->url, req->query ? "?" : "", req->query
	    ? req->query : "");
	const char *want_path = cs_json_str(expect, "path", path),
	    *looks = cs_json_str(expect, "looks_for", NULL);
	const char *step = cs_json_str(expect, "step", req->step);

	if (strcmp(cs_json_str(expect, "method", req->method), req->method) != 0 ||
	    strcmp(want_path, path) != 0)
		cs_check_fault(c, "call %zu: expected %s %s, got %s %s", c->next,
		    cs_json_str(expect, "method", ""), want_path,
		               req->method, path);
	if (looks && (!req->looks_for || strcmp(looks, req->looks_for) != 0))
		cs_check_fault(c, "call %zu: does not look for %s", c->next, looks);
	if (!req->step || strcmp(step, req->step) != 0)
		cs_check_fault(c, "call %zu: is step %s, expected %s", c->next, req->step
		    ? req->step : "(none)", step);
	if (cs_json_get(expect, "headers"))
		compare_headers(c, req, cs_json_get(expect, "headers"));
	compare_body(c, req, expect);
}

/* ---- answers */
static const char *
ugly_body(struct cs_call *c, int *status)
{
	static const char *const bodies[] = { "", "null", "[]", "7", "{\"id\":",
	    "{\"id\":{},\"results\":{},\"leads\":[null,7,[]],\"customers\":[null]}",
		"{\"results\":[null,1,\"x\",{}],\"id\":null,\"total_pages\":\"many\"}",
		    "<html><body>\xff Bad gateway</body></html>" };
	static const int statuses[] = { 200, 404, 400, 500, 302, 409 };
	size_t k = c->ugly_kind;

	*status = statuses[k % CS_ARRAY_LEN(statuses)];
	k /= CS_ARRAY_LEN(statuses);
	if (k < CS_ARRAY_LEN(bodies))
		return bodies[k];
	return memset(cs_arena_alloc(&c->mem, 1 << 20), '[', (1 << 20) - 1);
}

size_t
cs_check_ugly_kinds(void)
{
	return 6 * 9; /* statuses by bodies, as above */
}

static void
add_headers(struct cs_call *c, struct cs_http_res *res, json_object *headers)
{
	struct cs_header *out;
	size_t n = 0;

	if (!headers)
		return;
	out = cs_arena_alloc(&c->mem, sizeof(*out) * (size_t)json_object_object_length(headers));
	json_object_object_foreach(headers, name, value) {
		char *lower = cs_arena_strdup(&c->mem, name);

		for (char *p = lower; *p; p++)
			*p = *p >= 'A' && *p <= 'Z' ? (char)(*p + 32) : *p;
		out[n].name = lower;
		out[n++].value = json_object_get_string(value);
	}
	res->headers = out;
	res->n_headers = n;
}

static void
scripted_answer(struct cs_call *c, json_object *answer, struct cs_http_res *res)
{
	json_object *json = cs_json_get(answer, "json");
	const char *body = json ? cs_json_text(json) : cs_json_str(answer, "body", "");

	res->status = (int32_t)cs_json_int(answer, "status", 0);
	res->body = (struct cs_bytes){ cs_arena_strdup(&c->mem, body), strlen(body) };
	add_headers(c, res, cs_json_get(answer, "headers"));
}

/* Fills res; returns the fault's name or NULL. */
static const char *
next_answer(struct cs_call *c, const struct cs_http_req *req, struct cs_http_res *res)
{
	json_object *calls = cs_json_get(c->script, "calls"), *call = NULL;
	const char *body;
	int status;

	if (calls && c->next < json_object_array_length(calls))
		call = json_object_array_get_idx(calls, c->next);
	if (c->mode == CS_CHECK_UGLY && c->next == c->ugly_at) {
		body = ugly_body(c, &status);
		res->status = status;
		res->body = (struct cs_bytes){ body, strlen(body) };
		return NULL;
	}
	if (c->mode == CS_CHECK_UGLY && c->next > c->ugly_at)
		return "timeout_after_send";
	if (!call) {
		if (is_scripted(c))
			cs_check_fault(c, "request that the script does not have: %s %s", req->method,
			    req->url);
		return "connect_failed";
	}
	if (is_scripted(c))
		compare(c, req, cs_json_get(call, "expect"));
	scripted_answer(c, cs_json_get(call, "answer"), res);
	return cs_json_str(cs_json_get(call, "answer"), "fault", NULL);
}

static int32_t
outcome_named(const char *s)
{
	for (int32_t i = CS_DONE; i <= CS_UNSUPPORTED; i++)
		if (strcmp(cs_check_outcome(i), s) == 0)
			return i;
	return -1;
}

static int32_t
class_of(struct cs_call *c, int32_t status)
{
	json_object *rows = cs_json_get(c->plugin->manifest, "status");
	const char *row = cs_json_str(rows, cs_arena_printf(&c->mem, "%d", (int)status), NULL);

	if (row && outcome_named(row) >= 0)
		return outcome_named(row);
	if (status == 401)
		return CS_REAUTH;
	if (status == 425 || status == 429)
		return CS_WAIT;
	return status == 408 || status >= 500 ? CS_UNKNOWN : CS_DONE;
}

static void
put_in_doubt(struct cs_call *c, const char *step)
{
	json_object *o = json_object_new_object();

	json_object_object_add(o, "in_doubt", json_object_new_boolean(1));
	json_object_object_add(c->receipts, step, o);
	json_object_object_del(c->looked, step);
}

static int32_t
settle(struct cs_call *c, const struct cs_http_req *req, const char *fault, int32_t status)
{
	int32_t class = fault ? CS_UNKNOWN : class_of(c, status);
	bool sent = !fault || strcmp(fault, "connect_failed") != 0;

	if (req->looks_for && !fault && ((status >= 200 && status < 300) || status == 404))
		json_object_object_add(c->looked, req->looks_for, json_object_new_boolean(1));
	if (class == CS_UNKNOWN && req->mutates && sent && cs_check_step(c, req->step)) {
		put_in_doubt(c, req->step);
		return CS_UNKNOWN;
	}
	if (class == CS_UNKNOWN)
		return CS_RETRY;
	if (class == CS_DONE && req->mutates && status < 300 && req->step &&
	    cs_check_in_doubt(c->receipts, req->step))
		json_object_object_del(c->receipts, req->step);
	return class;
}

int32_t
cs_check_http(struct cs_call *c, const struct cs_http_req *req, struct cs_http_res *res)
{
	const char *fault;
	int32_t rc;

	if (req->struct_size != sizeof(*req) || res->struct_size != sizeof(*res))
		cs_check_fault(c, "struct_size of request or answer is not filled in");
	if (c->next >= MAX_REQUESTS) {
		cs_check_fault(c, "more than %d requests in one call", MAX_REQUESTS);
		return CS_RETRY;
	}
	check_rules(c, req);
	if (c->mode == CS_CHECK_INTERLEAVED)
		cs_check_run_other(c);
	*res = (struct cs_http_res)CS_RES_INIT;
	res->body.ptr = "";
	fault = next_answer(c, req, res);
	rc = settle(c, req, fault, res->status);
	if (fault)
		*res = (struct cs_http_res)CS_RES_INIT;
	c->next++;
	return rc;
}
