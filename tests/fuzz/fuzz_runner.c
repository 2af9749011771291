/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_runner.c - the plugin's side of the wire: a runner that hears anything, with a plugin that uses every host function.
 *
 * The input is a script of calls, answers, frames of any kind and raw bytes. Whatever comes: no fault of memory, what the runner
 * says decodes, names a call that was open, asks only once at a time, and ends each call once; or it does not believe us any
 * more.
 */
#include "config.h"
#include "plughost/call.h"
#include "script.h"

#define CALLS 4
#define STEPS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* ---- the plugin: what it does is in the call's texts */

static int32_t
use_host(const struct cs_host_v1 *host, struct cs_call *call, struct cs_bytes with)
{
	const char *name = with.len > 0 ? (const char *)with.ptr : "";
	struct cs_http_req req = CS_REQ("find", "GET", "/x");
	struct cs_http_res res = CS_RES_INIT;
	struct cs_header header = { "X-Name", "value" };
	struct cs_capture capture = { "/id", "id", CS_CAPTURE_FACT, 0 };
	struct cs_bytes v;
	int32_t rc = CS_DONE;

	req.body = with;
	req.headers = &header;
	req.n_headers = 1;
	req.capture = &capture;
	req.n_capture = 1;
	for (size_t i = 0; i < with.len && i < 24 && !host->cancelled(call); i++)
		switch (((const unsigned char *)with.ptr)[i] % 18) {
		case 0: rc = host->http(call, &req, &res); break;
		case 1: host->emit(call, with); break;
		case 2: host->receipt_put(call, "find", with); break;
		case 3: host->receipt(call, name, &v); break;
		case 4: host->record(call, "contact", name, name); break;
		case 5: v = host->secret_ref(call, name, CS_ENC_JSON); break;
		case 6: rc = host->secret_new(call, name, with.len); break;
		case 7: rc = host->secret_equal(call, name, with); break;
		case 8: rc = host->hmac(call, CS_HMAC_SHA256, name, with, &v); break;
		case 9: v = host->fact(call, name); break;
		case 10: v = host->setting(call, name); break;
		case 11: host->fact_put(call, name, with); break;
		case 12: host->budget(call, name, (int64_t)with.len, 1); break;
		case 13: rc = host->oauth_refresh(call); break;
		case 14: host->cursor_put(call, with); break;
		case 15: host->warn(call, "%s", name); break;
		case 16: rc = host->remembered(call, name, &v); break;
		default: host->log(call, 1, "%s", name);
		}
	if (res.status != 0)
		host->emit(call, res.body);
	return host->fail(call, rc, "%s", name);
}

static int32_t
do_open(const struct cs_host_v1 *host, struct cs_call *call, void **inst)
{
	*inst = host->alloc(call, 1) != NULL ? (void *)(uintptr_t)host : NULL;
	return CS_DONE;
}

static void
do_close(void *inst)
{
	must(inst != NULL);
}

static int32_t
do_map(void *inst, struct cs_call *call, const struct cs_map_in *in)
{
	(void)inst;
	return in->host->emit(call, in->lead->raw);
}

static int32_t
do_push(void *inst, struct cs_call *call, const struct cs_delivery *d)
{
	(void)inst;
	return use_host(d->host, call, d->document.len > 0 ? d->document : (struct cs_bytes){ d->what, strlen(d->what) });
}

static int32_t
do_auth(void *inst, struct cs_call *call, const struct cs_host_v1 *host)
{
	(void)inst;
	return host->oauth_refresh(call);
}

static int32_t
do_hook(void *inst, struct cs_call *call, const struct cs_webhook *w)
{
	(void)inst;
	return use_host(w->host, call, w->body);
}

static const struct cs_plugin_v1 plugin = { .struct_size = sizeof(plugin), .abi_minor = CS_ABI_V1_MINOR, .name = "fuzz", .version = "1",
	.open = do_open, .close = do_close, .map = do_map, .push = do_push, .auth_refresh = do_auth, .handle_webhook = do_hook };

/* ---- the core: this program */

struct state {
	struct cs_runner *runner;
	bool open[CALLS + 1], asked[CALLS + 1];
	bool wild; /* raw bytes were fed: a call of any id may have begun */
	struct cs_buf to, out;
};

static void
hear(struct state *st, const struct cs_wire_frame *f)
{
	struct cs_wire_http http;
	struct cs_wire_service service;
	struct cs_wire_done done;

	if (st->wild && (f->call < 1 || f->call > CALLS))
		return;
	must(f->call >= 1 && f->call <= CALLS && st->open[f->call]);
	switch (f->type) {
	case CS_WIRE_HTTP:
		must(cs_wire_get_http(f, &http) == 0 && !st->asked[f->call]);
		st->asked[f->call] = true;
		break;
	case CS_WIRE_SERVICE:
		must(cs_wire_get_service(f, &service) == 0 && !st->asked[f->call]);
		st->asked[f->call] = true;
		break;
	case CS_WIRE_DONE:
		must(cs_wire_get_done(f, &done) == 0);
		st->open[f->call] = st->asked[f->call] = false;
		break;
	default:
		must(f->type > CS_WIRE_SERVICE && f->type < CS_WIRE_DONE);
	}
}

static void
hear_all(struct state *st)
{
	struct cs_wire_frame f;
	size_t at = 0;
	long size;

	while (at < st->out.len) {
		must((size = cs_wire_peek(st->out.ptr + at, st->out.len - at, &f)) > 0);
		hear(st, &f);
		at += (size_t)size;
	}
	cs_buf_reset(&st->out);
}

static void
put_call(struct state *st, struct script *s, uint64_t id)
{
	struct cs_wire_call in = { .kind = (int32_t)(script_byte(s) % 5), .what_kind = (int32_t)(script_byte(s) % 6), .instance = script_byte(s) % 3,
		.instance_version = script_byte(s) % 2, .delivery_id = "1-1", .attempt = 1, .query = "", .channel = "", .is_verified = 1 };
	struct cs_wire_pair pair = { "a", { "b", 1 } };
	struct cs_wire_receipt receipt = { "find", CS_WIRE_REMEMBERED, { "c", 1 } };
	char what[1024];

	if (st->open[id])
		return;
	in.what = script_text(s, what);
	in.document = in.body = (struct cs_bytes){ in.what, strlen(in.what) };
	in.settings = in.facts = &pair;
	in.n_settings = in.n_facts = 1;
	in.receipts = &receipt;
	in.n_receipts = 1;
	must(cs_wire_put_call(&st->to, id, &in) == 0);
	st->open[id] = true;
	st->asked[id] = false;
}

static void
put_answer(struct state *st, struct script *s, uint64_t id, bool http)
{
	struct cs_bytes body = script_bytes(s);
	struct cs_wire_http_result h = { .outcome = (int32_t)(script_byte(s) % 9), .status = (int32_t)(script_byte(s) * 3), .body = body };
	struct cs_wire_service_result v = { .rc = (int32_t)(script_byte(s) % 9), .bytes = body };

	if (http)
		must(cs_wire_put_http_result(&st->to, id, &h) == 0);
	else
		must(cs_wire_put_service_result(&st->to, id, &v) == 0);
	st->asked[id] = false;
}

static void
act(struct state *st, struct script *s)
{
	unsigned what = script_byte(s);
	uint64_t id = what / 8 % CALLS + 1;
	struct cs_bytes raw;

	switch (what % 8) {
	case 0:
	case 1:
		put_call(st, s, id);
		break;
	case 2:
	case 3:
		put_answer(st, s, id, true);
		break;
	case 4:
		put_answer(st, s, id, false);
		break;
	case 5:
		must(cs_wire_put_cancel(&st->to, id) == 0);
		st->asked[id] = false;
		break;
	case 6:
		script_frame(s, id, &st->to);
		st->asked[id] = false; /* it may have been an answer */
		break;
	default:
		raw = script_bytes(s);
		cs_buf_add(&st->to, raw.ptr, raw.len);
		memset(st->asked, 0, sizeof(st->asked));
		st->wild = true;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct script s = { data, data + n };
	struct state st = { .runner = cs_runner_new(&plugin, CALLS, NULL) };
	long taken = 0;

	must(st.runner != NULL);
	for (int i = 0; i < STEPS_MAX && s.p < s.end && taken >= 0; i++) {
		bool forged = (*s.p % 8) >= 6;

		act(&st, &s);
		if (forged) /* a CALL may have been among it */
			memset(st.open, 1, sizeof(st.open));
		taken = cs_runner_feed(st.runner, cs_buf_str(&st.to), st.to.len, &st.out);
		must(taken <= (long)st.to.len);
		hear_all(&st);
		if (taken > 0) {
			memmove(st.to.ptr, st.to.ptr + taken, st.to.len - (size_t)taken);
			st.to.len -= (size_t)taken;
		}
	}
	must(cs_runner_open_calls(st.runner) <= CALLS);
	cs_runner_free(st.runner);
	cs_buf_fini(&st.to);
	cs_buf_fini(&st.out);
	return 0;
}
