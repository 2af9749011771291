/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_remote.c - the core's side of the wire: a plugin that says anything.
 *
 * The input is a script of calls, answers, cancels, and of what the plugin's side says: frames of any kind for open calls, and raw
 * bytes. Whatever comes: no fault of memory, the engine is told only of calls that are open, an answer goes only to a call that
 * waits, every call ends once, and after what is no message all end.
 */
#include "config.h"
#include "plugin/remote_private.h"
#include "script.h"

#define CALLS 4
#define STEPS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct call {
	uint64_t id; /* 0: ended */
	bool waits;
};
static struct call calls[256];
static size_t n_calls;

static struct call *
open_call(void *user, uint64_t id)
{
	struct call *c = user;

	must(c >= calls && c < calls + n_calls && c->id == id);
	return c;
}

static void
on_http(void *user, uint64_t id, const struct cs_wire_http *m)
{
	struct call *c = open_call(user, id);

	must(!c->waits && m->req.n_headers <= CS_ARRAY_LEN(m->headers) && strlen(m->req.url) < CS_WIRE_MAX);
	c->waits = true;
}

static void
on_service(void *user, uint64_t id, const struct cs_wire_service *m)
{
	struct call *c = open_call(user, id);

	must(!c->waits && strlen(m->name) < CS_WIRE_MAX);
	c->waits = true;
}

static void
on_named(void *user, uint64_t id, const char *name, struct cs_bytes value)
{
	must(open_call(user, id) != NULL && strlen(name) + value.len < CS_WIRE_MAX);
}

static void
on_record(void *user, uint64_t id, const char *type, const char *rid, const char *url)
{
	must(open_call(user, id) != NULL && strlen(type) + strlen(rid) + strlen(url) < CS_WIRE_MAX);
}

static void
on_bytes(void *user, uint64_t id, struct cs_bytes b)
{
	must(open_call(user, id) != NULL && b.len < CS_WIRE_MAX);
}

static void
on_budget(void *user, uint64_t id, const char *class, int64_t left CS_UNUSED, int64_t restore CS_UNUSED)
{
	must(open_call(user, id) != NULL && strlen(class) < CS_WIRE_MAX);
}

static void
on_log(void *user, uint64_t id, int32_t prio CS_UNUSED, const char *text)
{
	must(open_call(user, id) != NULL && strlen(text) < CS_WIRE_MAX);
}

static void
on_done(void *user, uint64_t id, const struct cs_wire_done *m)
{
	must(strlen(m->reason) + strlen(m->warnings) < CS_WIRE_MAX);
	open_call(user, id)->id = 0;
}

static const struct cs_remote_ops ops = { .http = on_http, .service = on_service, .receipt = on_named, .record = on_record, .emit = on_bytes,
	.fact = on_named, .budget = on_budget, .cursor = on_bytes, .log = on_log, .done = on_done };

/* ---- the plugin's side: the script */

static bool said;

static int
receive(struct cs_peer *p CS_UNUSED)
{
	bool now = said;

	said = false;
	return now ? 1 : 0;
}

/* What goes to the plugin decodes. */
static void
send_all(struct cs_peer *p)
{
	struct cs_wire_frame f;
	size_t at = 0;
	long size;

	for (; at < p->to.len; at += (size_t)size)
		must((size = cs_wire_peek(p->to.ptr + at, p->to.len - at, &f)) > 0 && f.type < CS_WIRE_HTTP);
	cs_buf_reset(&p->to);
}

static void
act(struct cs_remote *r, struct script *s)
{
	static const struct cs_wire_call in = { .kind = CS_CALL_PUSH, .delivery_id = "1-1", .attempt = 1, .what = "", .query = "", .channel = "" };
	unsigned what = script_byte(s);
	struct call *c = n_calls > 0 ? &calls[(n_calls - 1) - what / 8 % n_calls] : NULL;
	struct cs_bytes raw;

	switch (what % 8) {
	case 0:
		c = &calls[n_calls++];
		c->waits = false;
		c->id = cs_remote_call(r, &in, c);
		break;
	case 1:
	case 2:
		raw = script_bytes(s);
		if (c == NULL)
			break;
		c->waits = false;
		if (what % 8 == 1)
			cs_remote_answer_http(r, c->id, &(struct cs_wire_http_result){ .status = 200, .body = raw });
		else
			cs_remote_answer(r, c->id, &(struct cs_wire_service_result){ .bytes = raw });
		break;
	case 3:
		if (c != NULL && c->id != 0) {
			cs_remote_cancel(r, c->id);
			c->waits = false;
		}
		break;
	case 4:
		raw = script_bytes(s);
		cs_buf_add(&r->main->from, raw.ptr, raw.len);
		said = true;
		break;
	default:
		script_frame(s, c != NULL ? c->id : 1, &r->main->from);
		said = true;
	}
}

/* A remote without files and without a process: its peer is this program. */
static void
open_remote(struct cs_remote *r, struct cs_peer *peer)
{
	static const struct cs_peer_ops peer_ops = { receive, send_all };

	*peer = (struct cs_peer){ .ops = &peer_ops };
	*r = (struct cs_remote){ .refs = 1, .ops = &ops, .main = peer };
	cs_remote_make_slots(r, CALLS);
}

static void
close_remote(struct cs_remote *r, struct cs_peer *peer)
{
	for (size_t i = 0; i < r->n_slots; i++)
		cs_record_fini(&r->slots[i].record);
	cs_freep(&r->slots);
	cs_buf_fini(&r->early);
	cs_buf_fini(&r->scratch);
	cs_buf_fini(&peer->to);
	cs_buf_fini(&peer->from);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct script s = { data, data + n };
	struct cs_remote r;
	struct cs_peer peer;

	n_calls = 0;
	said = false;
	open_remote(&r, &peer);
	for (int i = 0; i < STEPS_MAX && s.p < s.end; i++) {
		act(&r, &s);
		cs_remote_run(&r);
		cs_remote_run(&r); /* what it made up itself is told in the next one */
		for (size_t k = 0; r.broken && k < n_calls; k++)
			must(calls[k].id == 0);
	}
	close_remote(&r, &peer);
	return 0;
}
