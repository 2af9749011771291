/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host.c - the functions that a plugin may call.
 *
 * Each begins with enter(): is this the call that is running, and may the plugin function on its stack ask for this?
 * If not, the fault is logged once per call and the function refuses; nothing is read through the pointer. Then it is
 * either answered from what came with the call (settings, facts, receipts), or told to the core by a frame, or ([s])
 * asked of the core by a frame and a switch.
 *
 * Structs of the plugin are read and written only as far as their struct_size goes. Texts that come from the plugin are
 * made UTF-8 before they travel.
 */
#include "config.h"
#include "plughost/runner.h"
#include "util/clock.h"
#include "util/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_EMIT ((size_t)1 << 20)
#define MAX_VALUE ((size_t)64 << 10) /* of a receipt, fact or cursor */
#define MAX_SAID ((size_t)16 << 20)  /* frames of one call in all */
#define MAX_TEXT 2000                /* of fail, warn and log */

#define IN_ALL (CS_PHASE_OPEN | CS_PHASE_MAP | CS_PHASE_RUN)
#define IN_MAP (CS_PHASE_MAP | CS_PHASE_RUN)
#define IN_RUN (CS_PHASE_RUN)

static const struct cs_bytes nothing = { "", 0 };

/* ---- guards */

/* Append a frame with put(out, id, ...): CS_DONE, or CS_REJECT when it is too large or the call has said too much. */
#define SAY(c, put, ...)                                                                 \
	({                                                                               \
		struct cs_buf *out_ = (c)->runner->out;                                  \
		size_t before_ = out_ != NULL ? out_->len : 0;                           \
		int32_t rc_ = CS_REJECT;                                                 \
		if (out_ != NULL && (c)->said < MAX_SAID) {                              \
			rc_ = put(out_, (c)->id, __VA_ARGS__) == 0 ? CS_DONE : CS_REJECT; \
			(c)->said += out_->len - before_;                                \
		}                                                                        \
		rc_;                                                                     \
	})

static void
plugin_fault(struct cs_call *c, const char *function, const char *what)
{
	char text[200];

	if (c->misused)
		return;
	c->misused = true;
	snprintf(text, sizeof(text), "fault of the plugin: %s: %s", function, what);
	SAY(c, cs_wire_put_log, CS_PRIO_ERROR, text);
}

/* The running call, or NULL when `call` is another one or the function is not for this phase. */
static struct cs_call *
enter(const struct cs_call *call, int phases, const char *function)
{
	struct cs_call *c = cs_call_running;

	if (c == NULL)
		return NULL;
	if (call != c || c->magic != CS_CALL_MAGIC) {
		plugin_fault(c, function, "used with a call that is not the running one");
		return NULL;
	}
	if ((c->phase & phases) == 0) {
		plugin_fault(c, function, c->phase == CS_PHASE_MAP ? "not allowed in map" : "not allowed in open");
		return NULL;
	}
	return c;
}

/* ---- texts */

/* Formatted into the call's memory: valid UTF-8, at most MAX_TEXT bytes. */
static const char *__attribute__((format(printf, 2, 0)))
format(struct cs_call *c, const char *fmt, va_list ap)
{
	char text[MAX_TEXT + 4] = "";
	size_t n;

	vsnprintf(text, sizeof(text), fmt, ap);
	n = cs_utf8_cut(text, strlen(text), MAX_TEXT);
	if (!cs_utf8_valid(text, n, true))
		for (size_t i = 0; i < n; i++)
			if ((unsigned char)text[i] >= 0x80)
				text[i] = '?';
	cs_call_charge(c, n);
	return cs_arena_strndup(&c->mem, text, n);
}

static const char *
or_empty(const char *s)
{
	return s != NULL ? s : "";
}

static void __attribute__((format(printf, 3, 4)))
host_log(struct cs_call *call, int32_t prio, const char *fmt, ...)
{
	struct cs_call *c = enter(call, IN_ALL, "log");
	va_list ap;

	if (c == NULL)
		return;
	prio = prio < CS_PRIO_ERROR ? CS_PRIO_ERROR : prio > CS_PRIO_DEBUG ? CS_PRIO_DEBUG : prio;
	va_start(ap, fmt);
	SAY(c, cs_wire_put_log, prio, format(c, fmt, ap));
	va_end(ap);
}

static int32_t __attribute__((format(printf, 3, 4)))
host_fail(struct cs_call *call, int32_t outcome, const char *fmt, ...)
{
	struct cs_call *c = enter(call, IN_ALL, "fail");
	va_list ap;

	if (c == NULL)
		return outcome;
	va_start(ap, fmt);
	c->done.reason = format(c, fmt, ap);
	va_end(ap);
	return outcome;
}

static void __attribute__((format(printf, 2, 3)))
host_warn(struct cs_call *call, const char *fmt, ...)
{
	struct cs_call *c = enter(call, IN_RUN, "warn");
	const char *text;
	va_list ap;

	if (c == NULL)
		return;
	va_start(ap, fmt);
	text = format(c, fmt, ap);
	va_end(ap);
	if (c->warnings.max - c->warnings.len < strlen(text) + 1)
		return;
	if (c->warnings.len > 0)
		cs_buf_addc(&c->warnings, '\n');
	cs_buf_adds(&c->warnings, text);
}

static void
host_retry_after(struct cs_call *call, int64_t ms)
{
	struct cs_call *c = enter(call, IN_RUN, "retry_after");

	if (c == NULL)
		return;
	c->done.has_retry_after = 1;
	c->done.retry_after_ms = ms > 0 ? ms : 0;
}

/* ---- results */

/* What map makes: for the core, or for the push that follows here; then the core never sees it. */
static int32_t
take_document(struct cs_call *c, struct cs_bytes out)
{
	if (c->has_document) {
		plugin_fault(c, "emit", "map makes one document");
		return CS_REJECT;
	}
	c->has_document = true;
	if (c->in.kind != CS_CALL_MAP_PUSH)
		return SAY(c, cs_wire_put_emit, out);
	cs_call_charge(c, out.len);
	c->document = (struct cs_bytes){ cs_arena_dup(&c->mem, out.ptr, out.len), out.len };
	return CS_DONE;
}

static int32_t
host_emit(struct cs_call *call, struct cs_bytes out)
{
	struct cs_call *c = enter(call, IN_MAP, "emit");

	if (c == NULL || (out.ptr == NULL && out.len > 0))
		return CS_REJECT;
	if (out.len > MAX_EMIT) {
		c->done.reason = "the plugin's result is larger than 1 MiB";
		return CS_REJECT;
	}
	return c->phase == CS_PHASE_MAP ? take_document(c, out) : SAY(c, cs_wire_put_emit, out);
}

static void
host_record(struct cs_call *call, const char *type, const char *id, const char *url)
{
	struct cs_call *c = enter(call, IN_RUN, "record");

	if (c != NULL)
		SAY(c, cs_wire_put_record, or_empty(type), or_empty(id), or_empty(url));
}

static int32_t
host_budget(struct cs_call *call, const char *limit_class, int64_t left, int64_t restore_per_s)
{
	struct cs_call *c = enter(call, IN_RUN, "budget");

	return c == NULL ? CS_REJECT : SAY(c, cs_wire_put_budget, or_empty(limit_class), left, restore_per_s);
}

static bool
value_fits(struct cs_call *c, const char *function, const char *name, struct cs_bytes value)
{
	if (name != NULL && (value.ptr != NULL || value.len == 0) && value.len <= MAX_VALUE)
		return true;
	plugin_fault(c, function, "expected a name and a value of at most 64 KiB");
	return false;
}

static int32_t
host_cursor_put(struct cs_call *call, struct cs_bytes cursor)
{
	struct cs_call *c = enter(call, IN_RUN, "cursor_put");

	if (c == NULL || !value_fits(c, "cursor_put", "", cursor))
		return CS_REJECT;
	return SAY(c, cs_wire_put_cursor, cursor);
}

/* ---- receipts, facts, settings */

static const struct cs_noted *
noted(const struct cs_noted *list, const char *name)
{
	while (list != NULL && strcmp(list->name, name) != 0)
		list = list->next;
	return list;
}

static void
note(struct cs_call *c, struct cs_noted **list, const char *name, struct cs_bytes value)
{
	struct cs_noted *n;

	cs_call_charge(c, sizeof(*n) + strlen(name) + value.len);
	n = cs_arena_alloc(&c->mem, sizeof(*n));
	n->name = cs_arena_strdup(&c->mem, name);
	n->value = (struct cs_bytes){ cs_arena_dup(&c->mem, value.ptr, value.len), value.len };
	n->next = *list;
	*list = n;
}

static int32_t
host_receipt_put(struct cs_call *call, const char *step, struct cs_bytes value)
{
	struct cs_call *c = enter(call, IN_RUN, "receipt_put");
	int32_t rc;

	if (c == NULL || !value_fits(c, "receipt_put", step, value))
		return CS_REJECT;
	if ((rc = SAY(c, cs_wire_put_receipt, step, value)) == CS_DONE)
		note(c, &c->receipts, step, value);
	return rc;
}

static const struct cs_wire_receipt *
given_receipt(const struct cs_call *c, const char *step, bool remembered)
{
	for (size_t i = 0; i < c->in.n_receipts; i++)
		if ((c->in.receipts[i].state == CS_WIRE_REMEMBERED) == remembered &&
		    strcmp(c->in.receipts[i].step, step) == 0)
			return &c->in.receipts[i];
	return NULL;
}

static int32_t
host_receipt(struct cs_call *call, const char *step, struct cs_bytes *value)
{
	struct cs_call *c = enter(call, IN_RUN, "receipt");
	const struct cs_wire_receipt *given;
	const struct cs_noted *own;
	struct cs_bytes ignored = nothing;

	value = value != NULL ? value : &ignored;
	*value = nothing;
	if (c == NULL || step == NULL)
		return CS_RECEIPT_ABSENT;
	if ((own = noted(c->receipts, step)) != NULL) {
		*value = own->value;
		return CS_RECEIPT_VALUE;
	}
	if ((given = given_receipt(c, step, false)) == NULL)
		return CS_RECEIPT_ABSENT;
	if (given->state == CS_RECEIPT_VALUE)
		*value = given->value;
	return given->state;
}

static int32_t
host_remembered(struct cs_call *call, const char *step, struct cs_bytes *value)
{
	struct cs_call *c = enter(call, IN_RUN, "remembered");
	const struct cs_wire_receipt *given = c == NULL || step == NULL ? NULL : given_receipt(c, step, true);

	if (value != NULL)
		*value = given != NULL ? given->value : nothing;
	return given != NULL ? CS_RECEIPT_VALUE : CS_RECEIPT_ABSENT;
}

static struct cs_bytes
given_pair(const struct cs_wire_pair *v, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i].name, name) == 0)
			return v[i].value;
	return nothing;
}

static struct cs_bytes
host_fact(struct cs_call *call, const char *name)
{
	struct cs_call *c = enter(call, IN_ALL, "fact");
	const struct cs_noted *own;

	if (c == NULL || name == NULL)
		return nothing;
	own = noted(c->facts, name);
	return own != NULL ? own->value : given_pair(c->in.facts, c->in.n_facts, name);
}

static struct cs_bytes
host_setting(struct cs_call *call, const char *key)
{
	struct cs_call *c = enter(call, IN_ALL, "setting");

	return c == NULL || key == NULL ? nothing : given_pair(c->in.settings, c->in.n_settings, key);
}

static int32_t
host_fact_put(struct cs_call *call, const char *name, struct cs_bytes value)
{
	struct cs_call *c = enter(call, IN_RUN, "fact_put");
	int32_t rc;

	if (c == NULL || !value_fits(c, "fact_put", name, value))
		return CS_REJECT;
	if ((rc = SAY(c, cs_wire_put_fact, name, value)) == CS_DONE)
		note(c, &c->facts, name, value);
	return rc;
}

/* ---- [s]: requests and services */

/* The plugin's struct as this build knows it; false when it is not one. */
static bool
adopt_request(struct cs_call *c, const struct cs_http_req *theirs, struct cs_http_req *req)
{
	struct cs_wire_http wire;
	bool good;

	memset(req, 0, sizeof(*req));
	if (theirs != NULL && theirs->struct_size >= sizeof(theirs->struct_size))
		memcpy(req, theirs, theirs->struct_size < sizeof(*req) ? theirs->struct_size : sizeof(*req));
	good = req->step != NULL && req->method != NULL && req->url != NULL &&
	       (req->body.ptr != NULL || req->body.len == 0) &&
	       req->n_headers <= CS_ARRAY_LEN(wire.headers) && (req->headers != NULL || req->n_headers == 0) &&
	       req->n_capture <= CS_ARRAY_LEN(wire.captures) && (req->capture != NULL || req->n_capture == 0);
	if (!good)
		plugin_fault(c, "http", "expected struct_size, step, method, url, at most 32 headers and 16 captures");
	return good;
}

static void
give_result(const struct cs_wire_http_result *m, struct cs_http_res *theirs)
{
	struct cs_http_res res = {
		.status = m->status, .body = m->body, .headers = m->headers, .n_headers = m->n_headers,
	};

	if (theirs == NULL || theirs->struct_size < sizeof(theirs->struct_size))
		return;
	res.struct_size = theirs->struct_size;
	memcpy(theirs, &res, res.struct_size < sizeof(res) ? res.struct_size : sizeof(res));
}

static int32_t
host_http(struct cs_call *call, const struct cs_http_req *theirs, struct cs_http_res *res)
{
	struct cs_call *c = enter(call, IN_RUN, "http");
	struct cs_wire_http_result none = { .outcome = CS_REJECT, .body = nothing };
	struct cs_http_req req;

	give_result(&none, res);
	if (c == NULL)
		return CS_RETRY;
	if (!adopt_request(c, theirs, &req)) {
		c->done.reason = "the plugin made a request that is not one";
		return CS_REJECT;
	}
	if (!cs_call_may_ask(c))
		return CS_RETRY;
	if (SAY(c, cs_wire_put_http, &req) != CS_DONE) {
		c->done.reason = "the plugin's request is too large";
		return CS_REJECT;
	}
	cs_call_wait(c, CS_WAITS_HTTP);
	give_result(&c->http_result, res);
	return c->http_result.outcome;
}

/* The answer's code; `refused` when it cannot be asked. */
static int32_t
ask(struct cs_call *c, struct cs_wire_service m, int32_t refused)
{
	if (!cs_call_may_ask(c) || SAY(c, cs_wire_put_service, &m) != CS_DONE)
		return refused;
	return cs_call_wait(c, CS_WAITS_SERVICE) ? c->service_result.rc : refused;
}

static int32_t
host_secret_new(struct cs_call *call, const char *name, size_t len)
{
	struct cs_call *c = enter(call, IN_RUN, "secret_new");
	struct cs_wire_service m = { .kind = CS_SERVICE_SECRET_NEW, .arg = (int32_t)len, .name = or_empty(name) };

	if (c == NULL || len == 0 || len > 1024)
		return CS_REJECT;
	return ask(c, m, CS_RETRY);
}

static int32_t
host_secret_equal(struct cs_call *call, const char *name, struct cs_bytes bytes)
{
	struct cs_call *c = enter(call, IN_RUN, "secret_equal");
	struct cs_wire_service m = { .kind = CS_SERVICE_SECRET_EQUAL, .name = or_empty(name), .bytes = bytes };

	if (c == NULL || (bytes.ptr == NULL && bytes.len > 0))
		return CS_TRI_UNKNOWN;
	return ask(c, m, CS_TRI_UNKNOWN);
}

static int32_t
host_hmac(struct cs_call *call, int32_t alg, const char *secret, struct cs_bytes in, struct cs_bytes *mac)
{
	struct cs_call *c = enter(call, IN_RUN, "hmac");
	struct cs_wire_service m = { .kind = CS_SERVICE_HMAC, .arg = alg, .name = or_empty(secret), .bytes = in };
	int32_t rc;

	if (mac != NULL)
		*mac = nothing;
	if (c == NULL || (in.ptr == NULL && in.len > 0))
		return CS_REJECT;
	rc = ask(c, m, CS_RETRY);
	if (rc == CS_DONE && mac != NULL)
		*mac = c->service_result.bytes;
	return rc;
}

static int32_t
host_oauth_refresh(struct cs_call *call)
{
	struct cs_call *c = enter(call, IN_RUN, "oauth_refresh");
	struct cs_wire_service m = { .kind = CS_SERVICE_OAUTH_REFRESH, .name = "" };

	return c == NULL ? CS_RETRY : ask(c, m, CS_RETRY);
}

/* ---- the rest */

static struct cs_bytes
host_secret_ref(struct cs_call *call, const char *name, int32_t enc)
{
	struct cs_call *c = enter(call, IN_RUN, "secret_ref");
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(256);

	if (c == NULL)
		return nothing;
	cs_call_charge(c, b.max);
	if (cs_wire_marker(&b, c->in.nonce, enc, or_empty(name)) < 0) {
		plugin_fault(c, "secret_ref", "expected the name of a secret and a CS_ENC_ value");
		return nothing;
	}
	return (struct cs_bytes){ cs_arena_dup(&c->mem, b.ptr, b.len), b.len };
}

/* The core's clock at the start of the call, moved on by what has passed since. */
static int64_t
host_now_ms(struct cs_call *call)
{
	struct cs_call *c = enter(call, CS_PHASE_RUN, "now_ms");

	return c == NULL ? 0 : c->in.now_ms + (cs_mono_us() - c->began_us) / 1000;
}

static int32_t
host_cancelled(struct cs_call *call)
{
	struct cs_call *c = enter(call, IN_ALL, "cancelled");

	return c == NULL || c->cancelled;
}

/* Promised never to be NULL: a plugin that asks with a wrong call gets the memory of the running one, and outside of any
 * call some that is never freed. */
static void *
host_alloc(struct cs_call *call, size_t n)
{
	struct cs_call *c = cs_call_running;

	if (c == NULL)
		return cs_xcalloc(1, n);
	(void)enter(call, IN_ALL, "alloc");
	cs_call_charge(c, n);
	return cs_arena_alloc(&c->mem, n);
}

const struct cs_host_v1 cs_host_v1 = {
	.struct_size = sizeof(struct cs_host_v1),
	.abi_minor = CS_ABI_V1_MINOR,
	.log = host_log,
	.fail = host_fail,
	.warn = host_warn,
	.retry_after = host_retry_after,
	.emit = host_emit,
	.http = host_http,
	.receipt_put = host_receipt_put,
	.receipt = host_receipt,
	.remembered = host_remembered,
	.record = host_record,
	.secret_ref = host_secret_ref,
	.secret_new = host_secret_new,
	.secret_equal = host_secret_equal,
	.hmac = host_hmac,
	.fact = host_fact,
	.setting = host_setting,
	.fact_put = host_fact_put,
	.budget = host_budget,
	.oauth_refresh = host_oauth_refresh,
	.cursor_put = host_cursor_put,
	.now_ms = host_now_ms,
	.cancelled = host_cancelled,
	.alloc = host_alloc,
};
