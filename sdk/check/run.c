/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run.c - carry out a plan: map and push, or a hook, on a stack of its own.
 *
 * The stacks are those of the real host (plughost/fiber.h), so a plugin that needs more than it will get is seen here.
 * cs_run_two lets two calls take turns at each switch, as a thousand do in the daemon.
 *
 * Calls lie in a ring and are used again much later: a plugin that keeps a pointer to one and uses it afterwards does not
 * hit the call that runs then.
 */
#include <stdio.h>
#include <string.h>
#include "check/page.h"
#include "check/run.h"
#include "plughost/fiber.h"
#include "util/clock.h"
#include "util/text.h"

#define DEFAULT_NOW "2026-05-26T14:32:01Z"
#define RING 64

struct cs_call *cs_check_running;

static struct cs_call ring[RING];
static size_t n_calls;
static struct cs_fiber_pool *fibers;

static const char *const outcomes[] = { "done", "retry", "reject", "reauth", "wait", "unknown", "unsupported" };

const char *
cs_check_outcome(int32_t outcome)
{
	return outcome >= 0 && (size_t)outcome < CS_ARRAY_LEN(outcomes) ? outcomes[outcome] : "invalid";
}

int32_t
cs_check_outcome_named(const char *name)
{
	for (size_t i = 0; i < CS_ARRAY_LEN(outcomes); i++)
		if (strcmp(outcomes[i], name) == 0)
			return (int32_t)i;
	return -1;
}

void
cs_fault(struct cs_call *c, enum cs_rule rule, const char *fmt, ...)
{
	struct cs_buf b = CS_BUF_INIT(4096);
	json_object *o = json_object_new_object();
	va_list ap;

	va_start(ap, fmt);
	cs_buf_vprintf(&b, fmt, ap);
	va_end(ap);
	json_object_object_add(o, "rule", json_object_new_string(cs_rules[rule].name));
	for (size_t i = 0; i < b.len && !cs_utf8_valid(b.ptr, b.len, true); i++) /* what plugins say may be anything */
		b.ptr[i] = (unsigned char)b.ptr[i] < 0x80 ? b.ptr[i] : '?';
	json_object_object_add(o, "text", json_object_new_string(cs_buf_str(&b)));
	json_object_array_add(c->faults, o);
	cs_buf_fini(&b);
}

/* ---- markers */
static unsigned long long nonces;

static void
new_nonce(char out[33])
{
	snprintf(out, 33, "5eed%012llx%016llx", 0xc5c5c5c5c5c5ull, ++nonces);
}

bool
cs_is_foreign_nonce(const struct cs_call *c, const char *nonce)
{
	unsigned long long n = 0;

	return strncmp(nonce, c->nonce, 16) == 0 && strncmp(nonce, c->nonce, 32) != 0 &&
	       sscanf(nonce + 16, "%16llx", &n) == 1 && n > 0 && n <= nonces;
}

/* ---- a call */
static json_object *
copy_or_new(json_object *o)
{
	return o ? cs_json_merge_patch(NULL, o) : json_object_new_object();
}

/* As merge_patch drops nulls, receipts and facts have none. The script's settings over the manifest's defaults; new. */
static json_object *
all_settings(struct cs_call *c, json_object *given)
{
	json_object *out = NULL;
	struct cs_err err = { 0 };

	if (cs_manifest_settings(c->plan->plugin->rows, given, &out, &err) == 0)
		return out;
	cs_fault(c, CS_RULE_SCRIPT_READ, "settings: %s", err.msg);
	return copy_or_new(given);
}

static void
set_lead(struct cs_call *c)
{
	json_object *own = c->plan->lead ? json_object_get(c->plan->lead) : cs_check_lead_of(c->plan->script);

	c->lead = cs_check_lead(c, own);
	json_object_put(own);
}

static struct cs_call *
call_new(const struct cs_plan *plan)
{
	struct cs_call *c = &ring[n_calls++ % RING];
	const char *now = cs_json_str(plan->script, "now", DEFAULT_NOW);
	json_object *receipts = plan->receipts ? plan->receipts : cs_json_get(plan->script, "receipts");

	*c = (struct cs_call){ .plan = plan };
	cs_arena_init(&c->mem);
	cs_buf_init(&c->reason, 64 << 10);
	cs_buf_init(&c->warnings, 64 << 10);
	new_nonce(c->nonce);
	cs_time_parse(now, strlen(now), true, &c->now_ms, NULL);
	c->now_ms += plan->later_ms;
	c->receipts = copy_or_new(receipts);
	c->seen = copy_or_new(receipts);
	c->facts = copy_or_new(plan->facts ? plan->facts : cs_json_get(plan->script, "facts"));
	c->happened = json_object_new_object();
	c->done = json_object_new_object();
	c->sent = json_object_new_object();
	c->doubtful = json_object_new_object();
	c->looked = json_object_new_object();
	c->records = json_object_new_array();
	c->emitted = json_object_new_array();
	c->faults = json_object_new_array();
	c->settings = all_settings(c, cs_json_get(plan->script, "settings"));
	set_lead(c);
	return c;
}

void
cs_call_end(struct cs_call *c)
{
	json_object *all[] = { c->settings, c->receipts, c->seen, c->facts, c->happened, c->done, c->sent, c->doubtful, c->looked,
		c->records, c->emitted, c->faults, c->cursor };

	for (size_t i = 0; i < CS_ARRAY_LEN(all); i++)
		json_object_put(all[i]);
	cs_buf_fini(&c->reason);
	cs_buf_fini(&c->warnings);
	cs_arena_fini(&c->mem);
	*c = (struct cs_call){ 0 };
}

static int32_t
named(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return (int32_t)i;
	return -1;
}

static void
enter(struct cs_call *c, enum cs_phase phase)
{
	c->phase = phase;
	cs_check_page->phase = phase;
	cs_check_running = c;
}

static void
leave(struct cs_call *c)
{
	c->phase = CS_IDLE;
	cs_check_page->phase = CS_IDLE;
	cs_check_running = NULL;
}

/* ---- map */
static json_object *
take_document(struct cs_call *c, int32_t rc)
{
	size_t n = json_object_array_length(c->emitted);
	json_object *doc = n > 0 ? json_object_get(json_object_array_get_idx(c->emitted, 0)) : NULL;

	if (rc != CS_DONE || n != 1)
		cs_fault(c, CS_RULE_MAP_RESULT, "map returned %s and emitted %zu documents", cs_check_outcome(rc), n);
	json_object_array_del_idx(c->emitted, 0, n);
	return doc;
}

/* Run map, take its one emission as the document, lay the overrides on it. New, or NULL. */
static json_object *
document_of(struct cs_call *c)
{
	struct cs_map_in in = { .struct_size = sizeof(in), .host = &cs_check_host, .lead = c->lead };
	json_object *doc, *overrides = cs_json_get(c->plan->script, "overrides"), *want = cs_json_get(c->plan->script, "document");
	const char *where = "";
	int32_t rc;

	enter(c, CS_IN_MAP);
	rc = c->plan->plugin->v1.map(c->inst, c, &in);
	leave(c);
	doc = take_document(c, rc);
	if (c->plan->answers == CS_ANSWERS_SCRIPT && want && !cs_check_match(c, want, doc, "", &where))
		cs_fault(c, CS_RULE_SCRIPT, "document differs at \"%s\": %s", where, cs_json_text(doc));
	if (overrides) {
		json_object *merged = cs_json_merge_patch(doc, overrides);

		json_object_put(doc);
		doc = merged;
	}
	return doc;
}

/* ---- what the plan asks for */
static int32_t
push_kind(const struct cs_call *c)
{
	static const char *const kinds[] = { "lead", "identify", "choices", "test", "fetch" };

	return c->plan->kind >= 0 ? c->plan->kind
	                          : named(cs_json_str(c->plan->script, "kind", "lead"), kinds, CS_ARRAY_LEN(kinds));
}

static bool
any_in_doubt(json_object *receipts)
{
	json_object_object_foreach(receipts, step, value) {
		(void)step;
		if (json_object_is_type(value, json_type_object))
			return true;
	}
	return false;
}

static int32_t
run_push(struct cs_call *c)
{
	struct cs_delivery d = { .struct_size = sizeof(d), .kind = push_kind(c), .host = &cs_check_host, .delivery_id = "dlv_1",
		.attempt = 1, .may_exist = any_in_doubt(c->receipts), .lead = c->lead,
		.what = c->plan->what ? c->plan->what : cs_json_str(c->plan->script, "what", "") };
	json_object *doc = NULL;
	int32_t rc;

	if (d.kind == CS_PUSH_LEAD || d.kind == CS_PUSH_TEST)
		doc = document_of(c);
	if (doc && !cs_json_get(c->plan->script, "overrides"))
		d.document = c->last_emit;
	else if (doc)
		d.document = (struct cs_bytes){ cs_json_text(doc), strlen(cs_json_text(doc)) };
	enter(c, CS_IN_PUSH);
	rc = c->plan->plugin->v1.push(c->inst, c, &d);
	leave(c);
	json_object_put(doc);
	return rc;
}

static struct cs_bytes
hook_body(struct cs_call *c, json_object *hook)
{
	json_object *body = cs_json_get(hook, "body");
	const char *s = !body ? "" : json_object_is_type(body, json_type_string) ? json_object_get_string(body) : cs_json_text(body);

	return c->plan->body ? *c->plan->body : (struct cs_bytes){ s, strlen(s) };
}

static int32_t
run_hook(struct cs_call *c, json_object *hook)
{
	static const char *const kinds[] = { "received", "poll", "subscribe", "renew", "unsubscribe" };
	const char *cursor = cs_json_get(hook, "cursor") ? cs_json_text(cs_json_get(hook, "cursor")) : "";
	struct cs_webhook w = { .struct_size = sizeof(w), .host = &cs_check_host, .body = hook_body(c, hook), .query = "",
		.channel = cs_json_str(hook, "channel", ""), .cursor = { cursor, strlen(cursor) },
		.is_verified = cs_json_bool(hook, "verified", true) };
	int32_t rc;

	w.kind = named(cs_json_str(hook, "kind", ""), kinds, CS_ARRAY_LEN(kinds));
	if (!c->plan->plugin->v1.handle_webhook)
		return CS_UNSUPPORTED;
	enter(c, w.kind == CS_HOOK_RECEIVED || w.kind == CS_HOOK_POLL ? CS_IN_HOOK : CS_IN_SUBSCRIPTION);
	rc = c->plan->plugin->v1.handle_webhook(c->inst, c, &w);
	leave(c);
	return rc;
}

static int32_t
run_auth(struct cs_call *c)
{
	int32_t rc;

	if (!c->plan->plugin->v1.auth_refresh)
		return CS_UNSUPPORTED;
	enter(c, CS_IN_AUTH);
	rc = c->plan->plugin->v1.auth_refresh(c->inst, c, &cs_check_host);
	leave(c);
	return rc;
}

static int32_t
run_kind(struct cs_call *c)
{
	json_object *hook = cs_json_get(c->plan->script, "hook");

	if (hook)
		return run_hook(c, hook);
	return strcmp(cs_json_str(c->plan->script, "kind", ""), "auth") == 0 ? run_auth(c) : run_push(c);
}

/* Each call has an instance of its own; a cache that it is, nobody may notice. */
static int32_t
open_instance(struct cs_call *c)
{
	int32_t rc = CS_DONE;

	if (!c->plan->plugin->v1.open)
		return CS_DONE;
	enter(c, CS_IN_OPEN);
	rc = c->plan->plugin->v1.open(&cs_check_host, c, &c->inst);
	leave(c);
	return rc;
}

static void
close_instance(struct cs_call *c)
{
	if (c->plan->plugin->v1.close)
		c->plan->plugin->v1.close(c->inst);
}

static void
on_fiber(void *arg)
{
	struct cs_call *c = arg;

	cs_check_page->stack_top = (uintptr_t)&c;
	if ((c->rc = open_instance(c)) != CS_DONE)
		return;
	c->rc = run_kind(c);
	close_instance(c);
}

static void
map_on_fiber(void *arg)
{
	struct cs_call *c = arg;

	cs_check_page->stack_top = (uintptr_t)&c;
	if (open_instance(c) != CS_DONE)
		return;
	json_object_put(document_of(c));
	close_instance(c);
}

/* ---- taking turns */
void
cs_check_switch(struct cs_call *c)
{
	enum cs_phase phase = c->phase;

	if (!c->plan->yields)
		return;
	leave(c);
	cs_fiber_yield();
	enter(c, phase);
}

static bool
go_on(struct cs_call *c)
{
	if (c->fiber && !cs_fiber_resume(c->fiber))
		c->fiber = NULL;
	return c->fiber != NULL;
}

static struct cs_call *
start(const struct cs_plan *plan, void (*what)(void *))
{
	struct cs_call *c = call_new(plan);
	struct cs_err err = { 0 };

	if (!fibers)
		fibers = cs_fiber_pool_new(4, &err);
	c->fiber = fibers ? cs_fiber_take(fibers, what, c) : NULL;
	cs_check_page->runs++;
	cs_check_page->requests = 0;
	return c;
}

struct cs_call *
cs_run(const struct cs_plan *plan)
{
	struct cs_call *c = start(plan, on_fiber);

	while (go_on(c))
		;
	return c;
}

struct cs_call *
cs_run_map(const struct cs_plan *plan)
{
	struct cs_call *c = start(plan, map_on_fiber);

	while (go_on(c))
		;
	return c;
}

void
cs_run_two(const struct cs_plan *a, const struct cs_plan *b, struct cs_call **out_a, struct cs_call **out_b)
{
	bool more = true;

	*out_a = start(a, on_fiber);
	*out_b = start(b, on_fiber);
	while (more) {
		more = go_on(*out_a);
		more |= go_on(*out_b);
	}
}
