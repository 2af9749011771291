/* SPDX-License-Identifier: Apache-2.0 */
/*
 * match.c - what a script expects, held against what came.
 */
#include "config.h"
#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include "check/run.h"

static bool
match_text(const char *want, json_object *have)
{
	const char *s;

	if (!json_object_is_type(have, json_type_string))
		return false;
	s = json_object_get_string(have);
	return want[0] == '~' ? strstr(s, want + 1) != NULL : strcmp(want, s) == 0;
}

static bool
match_object(struct cs_call *c, json_object *want, json_object *have, const char *at, const char **where)
{
	if (!json_object_is_type(have, json_type_object))
		return false;
	json_object_object_foreach(want, key, value)
		if (!cs_check_match(c, value, cs_json_get(have, key), cs_arena_printf(&c->mem, "%s/%s", at, key), where))
			return false;
	*where = at;
	return true;
}

static bool
match_array(struct cs_call *c, json_object *want, json_object *have, const char *at, const char **where)
{
	size_t n = json_object_array_length(want);

	if (!json_object_is_type(have, json_type_array) || json_object_array_length(have) != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!cs_check_match(c, json_object_array_get_idx(want, i), json_object_array_get_idx(have, i),
		        cs_arena_printf(&c->mem, "%s/%zu", at, i), where))
			return false;
	return true;
}

bool
cs_check_match(struct cs_call *c, json_object *want, json_object *have, const char *at, const char **where)
{
	*where = at;
	if (json_object_is_type(want, json_type_object))
		return match_object(c, want, have, at, where);
	if (json_object_is_type(want, json_type_array))
		return match_array(c, want, have, at, where);
	if (json_object_is_type(want, json_type_string))
		return match_text(json_object_get_string(want), have);
	return json_object_equal(want, have);
}

/* ---- a request */
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
			cs_fault(c, CS_RULE_SCRIPT, "call %zu: header %s is %s", c->next, name, have ? have : "missing");
		json_object_put(text);
	}
}

static void
compare_body(struct cs_call *c, const struct cs_http_req *req, json_object *expect)
{
	const char *text = cs_json_str(expect, "body", NULL), *where = NULL;
	json_object *want = cs_json_get(expect, "json"), *have = NULL;
	struct cs_bytes body = req->body;

	if (text && (text[0] == '~' ? !memmem(body.len ? body.ptr : "", body.len, text + 1, strlen(text) - 1)
	                            : strlen(text) != body.len || memcmp(text, body.ptr, body.len) != 0))
		cs_fault(c, CS_RULE_SCRIPT, "call %zu: body differs: %.*s", c->next, (int)body.len, body.ptr);
	if (!want)
		return;
	if (body.len)
		cs_json_parse(body.ptr, body.len, 32, &have, NULL);
	if (!cs_check_match(c, want, have, "", &where))
		cs_fault(c, CS_RULE_SCRIPT, "call %zu: body differs at \"%s\": %.*s", c->next, where, (int)body.len, body.ptr);
	json_object_put(have);
}

void
cs_check_expected(struct cs_call *c, const struct cs_http_req *req, json_object *expect)
{
	const char *path = cs_arena_printf(&c->mem, "%s%s%s", req->url, req->query ? "?" : "", req->query ? req->query : "");
	const char *want_path = cs_json_str(expect, "path", path), *looks = cs_json_str(expect, "looks_for", NULL);
	const char *step = cs_json_str(expect, "step", req->step);
	int64_t cost = req->cost > 0 ? req->cost : 1;

	if (strcmp(cs_json_str(expect, "method", req->method), req->method) != 0 || strcmp(want_path, path) != 0)
		cs_fault(c, CS_RULE_SCRIPT, "call %zu: expected %s %s, got %s %s", c->next, cs_json_str(expect, "method", ""),
		    want_path, req->method, path);
	if (looks && (!req->looks_for || strcmp(looks, req->looks_for) != 0))
		cs_fault(c, CS_RULE_SCRIPT, "call %zu: does not look for %s", c->next, looks);
	if (!req->step || strcmp(step, req->step) != 0)
		cs_fault(c, CS_RULE_SCRIPT, "call %zu: is step %s, expected %s", c->next, req->step ? req->step : "(none)", step);
	if (cs_json_int(expect, "cost", cost) != cost)
		cs_fault(c, CS_RULE_SCRIPT, "call %zu: costs %" PRId64 " of its budget, expected %" PRId64, c->next, cost,
		    cs_json_int(expect, "cost", cost));
	if (cs_json_get(expect, "headers"))
		compare_headers(c, req, cs_json_get(expect, "headers"));
	compare_body(c, req, expect);
}

/* ---- what is left of a call */
static void
expect_match(struct cs_call *c, const char *key, json_object *have)
{
	json_object *want = cs_json_get(c->plan->script, key);
	const char *where = "";

	if (want && !cs_check_match(c, want, have, "", &where))
		cs_fault(c, CS_RULE_SCRIPT, "%s differs at \"%s\": %s", key, where, cs_json_text(have));
}

static void
expect_words(struct cs_call *c, const char *key, const char *have, bool must_be_none)
{
	const char *want = cs_json_str(c->plan->script, key, NULL);

	if (want ? strstr(have, want) == NULL : must_be_none && *have)
		cs_fault(c, CS_RULE_SCRIPT, "%s: expected \"%s\", got \"%s\"", key, want ? want : "", have);
}

void
cs_compare(struct cs_call *c)
{
	json_object *script = c->plan->script, *calls = cs_json_get(script, "calls");
	const char *want = cs_json_str(script, "outcome", "done");

	if (strcmp(want, cs_check_outcome(c->rc)) != 0)
		cs_fault(c, CS_RULE_SCRIPT, "outcome is %s (%s), expected %s", cs_check_outcome(c->rc), cs_buf_str(&c->reason), want);
	if (calls && c->next < json_object_array_length(calls))
		cs_fault(c, CS_RULE_SCRIPT, "only %zu of %zu requests were made", c->next, json_object_array_length(calls));
	expect_words(c, "reason", cs_buf_str(&c->reason), false);
	expect_words(c, "warnings", cs_buf_str(&c->warnings), true);
	expect_match(c, "receipts_after", c->receipts);
	expect_match(c, "records", c->records);
	expect_match(c, "events", c->emitted);
	expect_match(c, "facts_after", c->facts);
	expect_match(c, "cursor_after", c->cursor);
	if (cs_json_int(script, "retry_after_ms", c->retry_after_ms) != c->retry_after_ms)
		cs_fault(c, CS_RULE_SCRIPT, "retry_after is %lld ms", (long long)c->retry_after_ms);
}
