/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answer.c - http() of the plugin under test: it answers from the script, or with a twist, and classes the answer as the
 * core does (core/deliver/call/exchange.c): the manifest's own "status" rows first, then the rules of <cs/plugin_v1.h>. Nothing
 * is sent anywhere.
 */
#include "config.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "auth/signature.h"
#include "check/page.h"
#include "check/run.h"
#include "check/twist.h"

struct answer {
	const char *fault;       /* NULL: a whole answer */
	struct cs_http_res res;
};

/* ---- which answer */
static json_object *
script_call(struct cs_call *c)
{
	json_object *calls = cs_json_get(c->plan->script, "calls");

	return calls && c->next < json_object_array_length(calls) ? json_object_array_get_idx(calls, c->next) : NULL;
}

/* The script's request with the same method and address, whatever its place. */
static json_object *
matching_call(struct cs_call *c, const struct cs_http_req *req)
{
	json_object *calls = cs_json_get(c->plan->script, "calls");
	const char *path = cs_arena_printf(&c->mem, "%s%s%s", req->url, req->query ? "?" : "", req->query ? req->query : "");

	for (size_t i = 0; calls && i < json_object_array_length(calls); i++) {
		json_object *one = json_object_array_get_idx(calls, i), *expect = cs_json_get(one, "expect");

		if (strcmp(cs_json_str(expect, "method", "GET"), req->method) == 0 && strcmp(cs_json_str(expect, "path", ""), path) == 0)
			return one;
	}
	return NULL;
}

static void
add_headers(struct cs_call *c, struct cs_http_res *res, json_object *headers)
{
	struct cs_header *out;
	size_t n = 0;

	if (!json_object_is_type(headers, json_type_object))
		return;
	out = cs_arena_alloc(&c->mem, sizeof(*out) * (size_t)(json_object_object_length(headers) + 1));
	json_object_object_foreach(headers, name, value) {
		char *lower = cs_arena_strdup(&c->mem, name);

		for (char *p = lower; *p; p++)
			*p = (char)tolower((unsigned char)*p);
		out[n].name = lower;
		out[n++].value = value ? json_object_get_string(value) : "";
	}
	res->headers = out;
	res->n_headers = n;
}

static void
scripted(struct cs_call *c, json_object *answer, struct answer *out)
{
	json_object *json = cs_json_get(answer, "json");
	const char *body = json ? cs_json_text(json) : cs_json_str(answer, "body", "");

	out->fault = cs_json_str(answer, "fault", NULL);
	out->res.status = (int32_t)cs_json_int(answer, "status", 0);
	out->res.body = (struct cs_bytes){ cs_arena_strdup(&c->mem, body), strlen(body) };
	add_headers(c, &out->res, cs_json_get(answer, "headers"));
}

static void
unscripted(struct cs_call *c, const struct cs_http_req *req, struct answer *out)
{
	if (c->plan->answers == CS_ANSWERS_SCRIPT)
		cs_fault(c, CS_RULE_SCRIPT, "request that the script does not have: %s %s", req->method, req->url);
	out->fault = c->plan->answers == CS_ANSWERS_MATCHED ? "timeout_after_send" : "connect_failed";
}

/* Look-ups that could only be answered by a CRM that knows what was made. */
static bool
must_not_tell(struct cs_call *c, const struct cs_http_req *req)
{
	return c->plan->refuses_looks && req->looks_for && cs_check_in_doubt(c->receipts, req->looks_for);
}

static void
choose(struct cs_call *c, const struct cs_http_req *req, struct answer *out)
{
	const struct cs_plan *p = c->plan;
	json_object *call = p->answers == CS_ANSWERS_MATCHED ? matching_call(c, req) : script_call(c);

	if (p->twist && c->next > p->twist_at && p->then_fails) {
		out->fault = "timeout_after_send";
		return;
	}
	if (must_not_tell(c, req)) {
		out->res.status = 503;
		return;
	}
	if (call)
		scripted(c, cs_json_get(call, "answer"), out);
	else if (!p->twist || c->next != p->twist_at)
		unscripted(c, req, out);
	if (call && p->answers == CS_ANSWERS_SCRIPT)
		cs_check_expected(c, req, cs_json_get(call, "expect"));
	if (p->twist && c->next == p->twist_at)
		out->fault = cs_twist_apply(p->twist, c, req, cs_json_get(cs_json_get(call, "answer"), "json"), &out->res);
}

/* ---- what it means */
static bool
retry_after_said(const struct cs_call *c, const struct cs_http_res *res)
{
	const char *name = cs_json_str(cs_json_get(c->plan->plugin->manifest, "retry_after"), "header", "retry-after");

	for (size_t i = 0; i < res->n_headers; i++)
		if (strcasecmp(res->headers[i].name, name) == 0 && atoll(res->headers[i].value) > 0)
			return true;
	return false;
}

static int32_t
class_of(struct cs_call *c, const struct cs_http_req *req, const struct cs_http_res *res)
{
	int own = cs_manifest_status(c->plan->plugin->rows, res->status);

	if (own >= 0)
		return own;
	if (res->status == 401)
		return CS_REAUTH;
	if (res->status == 425 || res->status == 429)
		return CS_WAIT;
	if (res->status == 503 && !req->mutates && retry_after_said(c, res))
		return CS_WAIT;
	if (res->status == 408 || res->status >= 500)
		return req->mutates ? CS_UNKNOWN : CS_RETRY;
	return CS_DONE;
}

static int32_t
class_of_fault(const char *fault, const struct cs_http_req *req)
{
	if (strcmp(fault, "budget") == 0)
		return CS_WAIT;
	if (strcmp(fault, "refused") == 0)
		return CS_REJECT;
	if (strcmp(fault, "connect_failed") == 0 || strcmp(fault, "timeout_before_send") == 0)
		return CS_RETRY;
	return req->mutates ? CS_UNKNOWN : CS_RETRY;
}

static void
mark(json_object *o, const char *key)
{
	json_object_object_add(o, key, json_object_new_boolean(1));
}

static void
put_in_doubt(struct cs_call *c, const char *step)
{
	json_object *o = json_object_new_object();

	mark(o, "in_doubt");
	mark(c->doubtful, step);
	json_object_object_add(c->receipts, step, o);
	json_object_object_del(c->looked, step);
	json_object_object_del(c->happened, step);
}

/* A mutating request was sent and answered, or not. */
static void
settle_mutation(struct cs_call *c, const struct cs_http_req *req, const char *fault, int32_t class, int32_t status)
{
	if (!cs_check_step(c, req->step))
		return;
	mark(c->sent, req->step);
	if (class == CS_UNKNOWN) {
		put_in_doubt(c, req->step);
		return;
	}
	if (fault)
		return;
	if (cs_check_in_doubt(c->receipts, req->step))
		json_object_object_del(c->receipts, req->step);
	if (status >= 200 && status < 300) {
		mark(c->happened, req->step);
		mark(c->done, cs_arena_printf(&c->mem, "%s %s %.*s", req->method, req->url, (int)req->body.len,
		    req->body.len ? req->body.ptr : ""));
	}
}

static void
settle_read(struct cs_call *c, const struct cs_http_req *req, const char *fault, int32_t status)
{
	if (fault)
		return;
	if (req->looks_for && ((status >= 200 && status < 300) || status == 404))
		mark(c->looked, req->looks_for);
	c->absent |= status == 404;
	if (c->plan->twist && c->next == c->plan->twist_at)
		c->blind = c->plan->twist->unreadable && !c->usual && status >= 200 && status < 300;
}

static int32_t
settle(struct cs_call *c, const struct cs_http_req *req, const struct answer *a)
{
	int32_t class = a->fault ? class_of_fault(a->fault, req) : class_of(c, req, &a->res);

	if (req->mutates)
		settle_mutation(c, req, a->fault, class, a->res.status);
	else
		settle_read(c, req, a->fault, a->res.status);
	if (req->mutates && c->plan->twist && c->next == c->plan->twist_at && !a->fault && a->res.status >= 400 && a->res.status != 409)
		c->refused = true;
	return class;
}

/* ---- http() */
/* The plugin's struct as this build knows it; false when it is not one. */
static bool
adopt(struct cs_call *c, const struct cs_http_req *theirs, const struct cs_http_res *res, struct cs_http_req *req)
{
	memset(req, 0, sizeof(*req));
	if (theirs && theirs->struct_size >= sizeof(theirs->struct_size))
		memcpy(req, theirs, theirs->struct_size < sizeof(*req) ? theirs->struct_size : sizeof(*req));
	if (req->struct_size == 0 || !res || res->struct_size == 0)
		cs_fault(c, CS_RULE_STRUCT, "struct_size of request or answer is not filled in");
	else if (!req->step || !req->method || !req->url || (!req->body.ptr && req->body.len) || (!req->headers && req->n_headers))
		cs_fault(c, CS_RULE_STRUCT, "a request needs step, method, url, and pointers where there are lengths");
	else
		return true;
	return false;
}

static void
give(struct cs_http_res *theirs, const struct cs_http_res *res)
{
	uint32_t size = theirs->struct_size;

	memcpy(theirs, res, size < sizeof(*res) ? size : sizeof(*res));
	theirs->struct_size = size;
}

static void
capture(struct cs_call *c, const struct cs_http_req *req)
{
	const char *list;

	for (size_t i = 0; req->capture && i < req->n_capture; i++) {
		list = req->capture[i].kind == CS_CAPTURE_FACT ? "facts" : "secrets";
		if (!cs_check_row(cs_json_get(c->plan->plugin->manifest, list), "name", req->capture[i].name))
			cs_fault(c, req->capture[i].kind == CS_CAPTURE_FACT ? CS_RULE_FACT : CS_RULE_SECRET,
			    "captures %s, which the manifest does not declare", req->capture[i].name ? req->capture[i].name : "(none)");
	}
}

void (*cs_check_tell)(json_object *request);

static void
tell(const struct cs_http_req *req)
{
	json_object *o;

	if (!cs_check_tell)
		return;
	o = json_object_new_object();
	json_object_object_add(o, "step", json_object_new_string(req->step));
	json_object_object_add(o, "method", json_object_new_string(req->method));
	json_object_object_add(o, "url", json_object_new_string(req->url));
	json_object_object_add(o, "query", json_object_new_string(req->query ? req->query : ""));
	json_object_object_add(o, "type", json_object_new_string(req->content_type ? req->content_type : "application/json"));
	json_object_object_add(o, "body", json_object_new_string_len(req->body.len ? req->body.ptr : "", (int)req->body.len));
	cs_check_tell(o);
}

/* As the core does it before sending, with the script's secrets. */
static const char *
script_setting(void *ctx, const char *key)
{
	json_object *v = cs_json_get(((struct cs_call *)ctx)->settings, key);

	return v ? json_object_get_string(v) : NULL;
}

static const char *
script_secret(void *ctx, const char *name)
{
	return cs_json_str(cs_json_get(((struct cs_call *)ctx)->plan->script, "secrets"), name, NULL);
}

static const char *
header(const struct cs_http_req *req, const char *name)
{
	for (size_t i = 0; i < req->n_headers; i++)
		if (req->headers[i].name && strcasecmp(req->headers[i].name, name) == 0)
			return req->headers[i].value;
	return NULL;
}

/* False: it cannot be signed. */
static bool
sign(struct cs_call *c, struct cs_http_req *req)
{
	struct cs_lookup lk = { .setting = script_setting, .secret = script_secret, .ctx = c };
	CS_CLEANUP(cs_buf_fini) struct cs_buf value = CS_BUF_INIT(0);
	struct cs_header *headers;
	int rc = cs_stdwebhooks_header(&c->plan->plugin->rows->sign, &lk, header(req, "webhook-id"), header(req, "webhook-timestamp"),
	    req->body.ptr, req->body.len, &value, NULL);

	if (rc == 0) {
		headers = cs_arena_alloc(&c->mem, (req->n_headers + 1) * sizeof(*headers));
		memcpy(headers, req->headers, req->n_headers * sizeof(*headers));
		headers[req->n_headers++] = (struct cs_header){ "webhook-signature", cs_arena_strdup(&c->mem, cs_buf_str(&value)) };
		req->headers = headers;
	}
	return rc >= 0;
}

int32_t
cs_check_http(struct cs_call *c, const struct cs_http_req *theirs, struct cs_http_res *res)
{
	struct answer a = { .res = CS_RES_INIT };
	struct cs_http_req req;
	int32_t class;

	if (!adopt(c, theirs, res, &req))
		return CS_REJECT;
	if (c->next >= CS_MAX_REQUESTS) {
		if (c->next++ == CS_MAX_REQUESTS)
			cs_fault(c, CS_RULE_ENDLESS, "more than %d requests in one call", CS_MAX_REQUESTS);
		return CS_RETRY;
	}
	cs_check_request(c, &req);
	if (!sign(c, &req))
		return CS_REAUTH;
	tell(&req);
	capture(c, &req);
	a.res.body.ptr = "";
	choose(c, &req, &a);
	class = settle(c, &req, &a);
	if (a.fault)
		a.res = (struct cs_http_res){ .body = { "", 0 } };
	c->kind_of[c->next] = cs_arena_printf(&c->mem, "%s %s %s", req.step, req.method, req.looks_for ? req.looks_for : "");
	c->told[c->next++] = a.res.body;
	cs_check_page->requests = (uint32_t)c->next;
	cs_check_switch(c);
	give(res, &a.res);
	return class;
}
