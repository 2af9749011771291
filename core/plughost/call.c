/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call.c - the life of a call inside the runner.
 *
 * CALL: the frame is copied into the call's arena (so that every text lives until the call returns), decoded, and the
 * plugin's function starts on a fiber. A host function that needs the core writes a frame and yields; HTTP_RESULT or
 * SERVICE_RESULT is copied into the same arena and resumes it. When the function has returned, DONE says what it returned,
 * unchanged: what an outcome means is the core's business.
 *
 * A host function compares the pointer that it is given with the call that is running before it looks inside (host.c), so
 * a plugin that keeps one too long does no harm.
 *
 * A call that wants more than its bounds, or goes on asking after it was cancelled, is cut off: its stack is
 * given back without unwinding and DONE says so (`crash`).
 */
#include "config.h"
#include "plughost/call.h"
#include "plughost/runner.h"
#include "util/clock.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#define MAX_INSTANCES 4096
#define MAX_CALL_MEM ((size_t)64 << 20)
#define MAX_REFUSED 1000
#define MAX_WARNINGS 8192
#define MAX_SPARE 64 /* finished calls kept, with their arenas, for the next ones */

_Thread_local struct cs_call *cs_call_running;

static const struct cs_lead_address no_address = {
	.struct_size = sizeof(no_address), .street = "", .city = "", .state = "", .zip = "", .country = "",
};
static const struct cs_lead_contact no_contact = {
	.struct_size = sizeof(no_contact), .first_name = "", .last_name = "", .phone = "", .email = "",
	.address = &no_address,
};
static const struct cs_lead_call no_call = {
	.struct_size = sizeof(no_call), .call_id = "", .direction = "", .started_at = "", .ended_at = "",
	.recording_url = "", .transcript_url = "", .transcript_summary = "",
};
static const struct cs_lead_request no_request = {
	.struct_size = sizeof(no_request), .is_existing_customer = CS_TRI_UNKNOWN, .service_type = "", .sub_type = "",
	.urgency = "", .issue_description = "", .preferred_schedule = "",
};
static const struct cs_lead_analysis no_analysis = {
	.struct_size = sizeof(no_analysis), .sentiment = "", .qualification_status = "", .disqualification_reason = "",
	.qualifier_answers = { "", 0 },
};
static const struct cs_lead no_lead = {
	.struct_size = sizeof(no_lead), .schema_version = "", .event = "", .event_id = "", .timestamp_utc = "",
	.account = "", .call = &no_call, .contact = &no_contact, .request = &no_request, .analysis = &no_analysis,
	.destination_crm = "", .crm_account_id = "", .assigned_to = "", .warnings = "", .raw = { "", 0 },
};

/* ---- on the fiber */

static int32_t
call_map(struct cs_call *c, void *inst)
{
	struct cs_map_in in = { .struct_size = sizeof(in), .host = &cs_host_v1, .lead = c->in.lead };
	int32_t rc;

	c->phase = CS_PHASE_MAP;
	rc = c->runner->plugin.map(inst, c, &in);
	if (rc != CS_DONE || c->has_document)
		return rc;
	c->done.reason = "the plugin made no document of the lead";
	return CS_REJECT;
}

static int32_t
call_push(struct cs_call *c, void *inst, struct cs_bytes document)
{
	struct cs_delivery d = {
		.struct_size = sizeof(d),
		.kind = c->in.what_kind,
		.host = &cs_host_v1,
		.delivery_id = c->in.delivery_id,
		.attempt = c->in.attempt,
		.may_exist = c->in.may_exist,
		.lead = c->in.lead,
		.document = document,
		.what = c->in.what,
	};

	c->phase = CS_PHASE_RUN;
	return c->runner->plugin.push(inst, c, &d);
}

static int32_t
call_hook(struct cs_call *c, void *inst)
{
	struct cs_webhook w = {
		.struct_size = sizeof(w),
		.kind = c->in.what_kind,
		.host = &cs_host_v1,
		.body = c->in.body,
		.headers = c->in.headers,
		.n_headers = c->in.n_headers,
		.query = c->in.query,
		.channel = c->in.channel,
		.cursor = c->in.cursor,
		.is_verified = c->in.is_verified,
	};

	c->phase = CS_PHASE_RUN;
	return c->runner->plugin.handle_webhook(inst, c, &w);
}

static bool
can(const struct cs_plugin_v1 *p, int32_t kind)
{
	switch (kind) {
	case CS_CALL_MAP:
	case CS_CALL_PUSH:
	case CS_CALL_MAP_PUSH:
		return true;
	case CS_CALL_AUTH:
		return p->auth_refresh != NULL;
	case CS_CALL_HOOK:
		return p->handle_webhook != NULL;
	default:
		return false;
	}
}

static int32_t
call_plugin(struct cs_call *c)
{
	void *inst;
	int32_t rc;

	if (!can(&c->runner->plugin, c->in.kind))
		return CS_UNSUPPORTED;
	if ((rc = cs_instance_get(&c->runner->instances, c)) != CS_DONE)
		return rc;
	inst = cs_instance_of(c);
	switch (c->in.kind) {
	case CS_CALL_MAP:
		return call_map(c, inst);
	case CS_CALL_PUSH:
		return call_push(c, inst, c->in.document);
	case CS_CALL_MAP_PUSH:
		rc = call_map(c, inst);
		return rc == CS_DONE ? call_push(c, inst, c->document) : rc;
	case CS_CALL_AUTH:
		c->phase = CS_PHASE_RUN;
		return c->runner->plugin.auth_refresh(inst, c, &cs_host_v1);
	default:
		return call_hook(c, inst);
	}
}

static void
on_fiber(void *arg)
{
	struct cs_call *c = arg;

	c->done.outcome = call_plugin(c);
}

bool
cs_call_may_ask(struct cs_call *c)
{
	cs_call_charge(c, 0);
	if (c->cancelled && ++c->refused > MAX_REFUSED)
		cs_call_cut_off(c, "the plugin did not end a cancelled call");
	return !c->cancelled;
}

bool
cs_call_wait(struct cs_call *c, enum cs_waits what)
{
	c->waits = what;
	cs_fiber_yield();
	c->waits = CS_WAITS_NOT;
	return !c->cancelled;
}

_Noreturn void
cs_call_cut_off(struct cs_call *c, const char *reason)
{
	c->done.outcome = CS_RETRY;
	c->done.reason = reason;
	c->done.crash = SIGABRT;
	cs_fiber_exit();
}

void
cs_call_charge(struct cs_call *c, size_t n)
{
	if (c->mem.used > MAX_CALL_MEM || n > MAX_CALL_MEM - c->mem.used)
		cs_call_cut_off(c, "the plugin wanted more than 64 MiB for one call");
}

/* ---- on the owner's stack */

static struct cs_call *
new_call(struct cs_runner *r, uint64_t id)
{
	struct cs_list *l = cs_list_pop(&r->spare);
	struct cs_call *c, fresh = { .magic = CS_CALL_MAGIC, .runner = r, .id = id };

	if (l != NULL) {
		c = CS_CONTAINER(l, struct cs_call, link);
		fresh.mem = c->mem;
		r->n_spare--;
	} else {
		c = cs_xcalloc(1, sizeof(*c));
	}
	*c = fresh;
	cs_buf_init(&c->warnings, MAX_WARNINGS);
	c->done.reason = "";
	cs_list_push(&r->open, &c->link);
	cs_map_put(&r->calls, id, c);
	return c;
}

static void
free_call(struct cs_call *c)
{
	cs_arena_fini(&c->mem);
	cs_freep(&c);
}

static void
end_call(struct cs_call *c)
{
	struct cs_runner *r = c->runner;

	c->done.warnings = cs_buf_str(&c->warnings);
	if (r->out != NULL)
		cs_wire_put_done(r->out, c->id, &c->done);
	cs_instance_put(&r->instances, c);
	cs_map_del(&r->calls, c->id);
	cs_list_del(&c->link);
	cs_buf_fini(&c->warnings);
	c->magic = 0;
	if (r->n_spare >= MAX_SPARE) {
		free_call(c);
		return;
	}
	cs_arena_reset(&c->mem);
	cs_list_insert_before(r->spare.next, &c->link); /* at the front: the one used last is warm */
	r->n_spare++;
}

/* Only this thread writes the page, so plain loads and stores will do. */
static void
note_running(struct cs_page *page, uint64_t call)
{
	atomic_store_explicit(&page->running, call, memory_order_relaxed);
	if (call != 0)
		atomic_store_explicit(&page->switches, atomic_load_explicit(&page->switches, memory_order_relaxed) + 1,
		                      memory_order_relaxed);
}

static void
resume(struct cs_call *c)
{
	struct cs_page *page = c->runner->page;
	bool goes_on;

	cs_call_running = c;
	note_running(page, c->id);
	goes_on = cs_fiber_resume(c->fiber);
	note_running(page, 0);
	cs_call_running = NULL;
	if (!goes_on)
		end_call(c);
}

/* The frame again, in memory that lives as long as the call. */
static struct cs_wire_frame
kept_frame(struct cs_call *c, const struct cs_wire_frame *f)
{
	struct cs_wire_frame kept = *f;

	kept.body = cs_arena_dup(&c->mem, f->body, f->len);
	return kept;
}

static int
take_call(struct cs_runner *r, const struct cs_wire_frame *f)
{
	struct cs_wire_frame kept;
	struct cs_call *c;

	if (cs_map_get(&r->calls, f->call) != NULL)
		return CS_ECORRUPT;
	c = new_call(r, f->call);
	kept = kept_frame(c, f);
	if (cs_wire_get_call(&kept, &c->mem, &c->in) < 0) {
		end_call(c);
		return CS_ECORRUPT;
	}
	if (c->in.lead == NULL)
		c->in.lead = &no_lead;
	c->began_us = cs_mono_us();
	if ((c->fiber = cs_fiber_take(r->fibers, on_fiber, c)) == NULL) {
		c->done.outcome = CS_RETRY;
		c->done.reason = "too many calls of this plugin are open";
		end_call(c);
		return 0;
	}
	resume(c);
	return 0;
}

/* An answer that nobody waits for any more (the call was cancelled meanwhile) is dropped. */
static int
take_http_result(struct cs_runner *r, const struct cs_wire_frame *f)
{
	struct cs_call *c = cs_map_get(&r->calls, f->call);
	struct cs_wire_frame kept;

	if (c == NULL || c->waits != CS_WAITS_HTTP)
		return 0;
	kept = kept_frame(c, f);
	if (cs_wire_get_http_result(&kept, &c->mem, &c->http_result) < 0)
		return CS_ECORRUPT;
	resume(c);
	return 0;
}

static int
take_service_result(struct cs_runner *r, const struct cs_wire_frame *f)
{
	struct cs_call *c = cs_map_get(&r->calls, f->call);
	struct cs_wire_frame kept;

	if (c == NULL || c->waits != CS_WAITS_SERVICE)
		return 0;
	kept = kept_frame(c, f);
	if (cs_wire_get_service_result(&kept, &c->service_result) < 0)
		return CS_ECORRUPT;
	resume(c);
	return 0;
}

static void
cancel(struct cs_call *c)
{
	if (c->cancelled)
		return;
	c->cancelled = true;
	c->http_result = (struct cs_wire_http_result){ .outcome = CS_RETRY, .body = { "", 0 } };
	c->service_result = (struct cs_wire_service_result){ .rc = CS_RETRY, .bytes = { "", 0 } };
	if (c->waits != CS_WAITS_NOT)
		resume(c);
}

static int
take_frame(struct cs_runner *r, const struct cs_wire_frame *f)
{
	struct cs_call *c;

	switch (f->type) {
	case CS_WIRE_CALL:
		return take_call(r, f);
	case CS_WIRE_HTTP_RESULT:
		return take_http_result(r, f);
	case CS_WIRE_SERVICE_RESULT:
		return take_service_result(r, f);
	case CS_WIRE_CANCEL:
		if (f->len != 0)
			return CS_ECORRUPT;
		if ((c = cs_map_get(&r->calls, f->call)) != NULL)
			cancel(c);
		return 0;
	default:
		return CS_ECORRUPT;
	}
}

long
cs_runner_feed(struct cs_runner *r, const void *frames, size_t n, struct cs_buf *out)
{
	struct cs_wire_frame f;
	size_t at = 0;
	long size;
	int rc = 0;

	r->out = out;
	while (rc == 0 && (size = cs_wire_peek((const char *)frames + at, n - at, &f)) != 0) {
		if (size < 0)
			rc = CS_ECORRUPT;
		else if ((rc = take_frame(r, &f)) == 0)
			at += (size_t)size;
	}
	r->out = NULL;
	return rc < 0 ? rc : (long)at;
}

struct cs_runner *
cs_runner_on(const struct cs_plugin_v1 *plugin, struct cs_fiber_pool *stacks, struct cs_page *page)
{
	struct cs_runner *r = cs_xcalloc(1, sizeof(*r));

	r->plugin = *plugin;
	r->fibers = stacks;
	r->page = page;
	cs_map_init(&r->calls);
	cs_list_init(&r->open);
	cs_list_init(&r->spare);
	cs_instances_init(&r->instances, &r->plugin, MAX_INSTANCES);
	return r;
}

struct cs_runner *
cs_runner_new(const struct cs_plugin_v1 *plugin, size_t max_calls, struct cs_err *err)
{
	static struct cs_page nobodys;
	struct cs_fiber_pool *stacks = cs_fiber_pool_new(max_calls, err);

	return stacks != NULL ? cs_runner_on(plugin, stacks, &nobodys) : NULL;
}

void
cs_runner_free(struct cs_runner *r)
{
	struct cs_list *l;

	if (r == NULL)
		return;
	while ((l = cs_list_first(&r->open)) != NULL)
		cancel(CS_CONTAINER(l, struct cs_call, link)); /* ends it: a cancelled call waits for nothing */
	cs_instances_fini(&r->instances);
	cs_fiber_pool_free(r->fibers);
	while ((l = cs_list_pop(&r->spare)) != NULL)
		free_call(CS_CONTAINER(l, struct cs_call, link));
	cs_map_fini(&r->calls);
	cs_freep(&r);
}

size_t
cs_runner_open_calls(const struct cs_runner *r)
{
	return r->calls.n;
}
