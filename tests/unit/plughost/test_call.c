/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_call.c - the runner and every host function, seen from both sides.
 *
 * The plugin is a descriptor in this program whose functions do what the test has put into `script`; the core is the test,
 * which feeds frames and reads what comes out.
 */
#include "config.h"
#include "plughost/call.h"
#include "util/clock.h"
#include "util/list.h"
#include "wire/wire.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#undef fail /* Check's, for tests of old */

static struct {
	int32_t (*push)(struct cs_call *, const struct cs_delivery *);
	int32_t (*map)(struct cs_call *, const struct cs_map_in *);
	int32_t (*open)(const struct cs_host_v1 *, struct cs_call *);
} script;
static int opened, closed;
static void *seen_inst;

static int32_t
do_open(const struct cs_host_v1 *host, struct cs_call *call, void **inst)
{
	int32_t rc = script.open != NULL ? script.open(host, call) : CS_DONE;

	if (rc == CS_DONE)
		*inst = (void *)(uintptr_t)++opened;
	return rc;
}

static void
do_close(void *inst)
{
	ck_assert_ptr_nonnull(inst);
	closed++;
}

static int32_t
do_map(void *inst, struct cs_call *call, const struct cs_map_in *in)
{
	seen_inst = inst;
	return script.map != NULL ? script.map(call, in) : in->host->emit(call, in->lead->raw);
}

static int32_t
do_push(void *inst, struct cs_call *call, const struct cs_delivery *d)
{
	seen_inst = inst;
	return script.push(call, d);
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
	struct cs_bytes event = w->body;

	(void)inst;
	if (w->kind != CS_HOOK_RECEIVED)
		return CS_UNSUPPORTED;
	ck_assert_int_eq(w->is_verified, 1);
	ck_assert_uint_eq(w->n_headers, 1);
	w->host->cursor_put(call, w->cursor);
	w->host->emit(call, event);
	return w->host->emit(call, event);
}

static const struct cs_plugin_v1 plugin = {
	.struct_size = sizeof(plugin), .name = "test", .version = "1", .map = do_map, .push = do_push, .auth_refresh = do_auth,
	.handle_webhook = do_hook,
};
static const struct cs_plugin_v1 with_instances = {
	.struct_size = sizeof(plugin), .name = "test", .version = "1", .map = do_map, .push = do_push, .open = do_open,
	.close = do_close,
};

static struct cs_runner *runner;
static struct cs_buf in, out;
static size_t out_at;

static void
start(const struct cs_plugin_v1 *p, size_t max_calls)
{
	struct cs_err err = { 0 };

	runner = cs_runner_new(p, max_calls, &err);
	ck_assert_msg(runner != NULL, "%s", err.msg);
	opened = closed = 0;
}

static void
stop(void)
{
	cs_runner_free(runner);
	cs_buf_fini(&in);
	cs_buf_fini(&out);
	out_at = 0;
}

/* Hand over what `in` holds. */
static void
feed(void)
{
	if (out_at == out.len) {
		cs_buf_reset(&out);
		out_at = 0;
	}
	ck_assert_int_eq(cs_runner_feed(runner, cs_buf_str(&in), in.len, &out), (long)in.len);
	cs_buf_reset(&in);
}

static struct cs_wire_frame
next(uint16_t type)
{
	struct cs_wire_frame f = { 0 };
	long size = cs_wire_peek(cs_buf_str(&out) + out_at, out.len - out_at, &f);

	ck_assert_int_gt(size, 0);
	ck_assert_uint_eq(f.type, type);
	out_at += (size_t)size;
	return f;
}

static struct cs_bytes
text(const char *s)
{
	return (struct cs_bytes){ s, strlen(s) };
}

static void
begin(uint64_t id, struct cs_wire_call m)
{
	ck_assert_int_eq(cs_wire_put_call(&in, id, &m), 0);
	feed();
}

static struct cs_wire_call
a_push(void)
{
	return (struct cs_wire_call){ .kind = CS_CALL_PUSH, .document = text("{}") };
}

static void
answer(uint64_t id, int32_t outcome, int32_t status, const char *body)
{
	struct cs_wire_http_result m = { .outcome = outcome, .status = status, .body = text(body) };

	ck_assert_int_eq(cs_wire_put_http_result(&in, id, &m), 0);
	feed();
}

static void
serve(uint64_t id, int32_t rc, const char *bytes)
{
	struct cs_wire_service_result m = { .rc = rc, .bytes = text(bytes) };

	ck_assert_int_eq(cs_wire_put_service_result(&in, id, &m), 0);
	feed();
}

static struct cs_wire_done
done(void)
{
	struct cs_wire_frame f = next(CS_WIRE_DONE);
	struct cs_wire_done m;

	ck_assert_int_eq(cs_wire_get_done(&f, &m), 0);
	return m;
}

static const char *
log_line(void)
{
	struct cs_wire_frame f = next(CS_WIRE_LOG);
	const char *line;
	int32_t prio;

	ck_assert_int_eq(cs_wire_get_log(&f, &prio, &line), 0);
	return line;
}

static void
no_more(void)
{
	ck_assert_uint_eq(out_at, out.len);
}

/* Run a push with this script to its end when it asks nothing of the core. */
static struct cs_wire_done
run(int32_t (*push)(struct cs_call *, const struct cs_delivery *), struct cs_wire_call m)
{
	struct cs_wire_done result;

	script.push = push;
	start(&plugin, 4);
	begin(1, m);
	result = done();
	no_more();
	ck_assert_uint_eq(cs_runner_open_calls(runner), 0);
	return result; /* its texts stay in `out` until stop() */
}

/* ---- inputs */

static int32_t
look_at_inputs(struct cs_call *call, const struct cs_delivery *d)
{
	ck_assert_uint_eq(d->struct_size, sizeof(*d));
	ck_assert_int_eq(d->kind, CS_PUSH_FETCH);
	ck_assert_str_eq(d->delivery_id, "d-1");
	ck_assert(d->attempt == 3 && d->may_exist == 1);
	ck_assert_str_eq(d->what, "contact/51");
	ck_assert_str_eq(d->document.ptr, "{}");
	ck_assert_str_eq(d->lead->contact->address->country, "");
	ck_assert_int_eq(d->lead->request->is_existing_customer, CS_TRI_UNKNOWN);
	ck_assert_str_eq(d->lead->analysis->qualifier_answers.ptr, "");
	ck_assert(CS_HOST_HAS(d->host, alloc));
	ck_assert_str_eq(d->host->setting(call, "base_url").ptr, "https://x");
	ck_assert_uint_eq(d->host->setting(call, "unknown").len, 0);
	ck_assert_ptr_nonnull(d->host->setting(call, "unknown").ptr);
	ck_assert_str_eq(d->host->fact(call, "hub_id").ptr, "62515");
	ck_assert_uint_eq(d->host->fact(call, NULL).len, 0);
	return CS_DONE;
}

START_TEST(a_push_gets_its_inputs_and_a_lead_that_is_never_null)
{
	struct cs_wire_pair setting = { "base_url", text("https://x") }, fact = { "hub_id", text("62515") };
	struct cs_wire_call m = a_push();

	m.what_kind = CS_PUSH_FETCH;
	m.delivery_id = "d-1";
	m.attempt = 3;
	m.may_exist = 1;
	m.what = "contact/51";
	m.settings = &setting;
	m.facts = &fact;
	m.n_settings = m.n_facts = 1;
	ck_assert_int_eq(run(look_at_inputs, m).outcome, CS_DONE);
	stop();
}
END_TEST

static int32_t
look_at_clock(struct cs_call *call, const struct cs_delivery *d)
{
	int64_t now = d->host->now_ms(call);

	ck_assert(now >= 1000 && now < 60000);
	ck_assert_int_eq(d->host->cancelled(call), 0);
	return CS_DONE;
}

START_TEST(the_clock_is_the_cores)
{
	struct cs_wire_call m = a_push();

	m.now_ms = 1000;
	ck_assert_int_eq(run(look_at_clock, m).outcome, CS_DONE);
	stop();
}
END_TEST

/* ---- what a call says */

static int32_t
say_much(struct cs_call *call, const struct cs_delivery *d)
{
	d->host->warn(call, "the note was refused with %d", 400);
	d->host->warn(call, "and the tag");
	d->host->retry_after(call, -5);
	ck_assert_int_eq(d->host->fail(call, CS_REAUTH, "first"), CS_REAUTH);
	return d->host->fail(call, CS_WAIT, "second \xff %s", "Mar\xc3\xad" "a");
}

START_TEST(the_last_reason_and_all_warnings_travel_with_the_result)
{
	struct cs_wire_done m = run(say_much, a_push());

	ck_assert_int_eq(m.outcome, CS_WAIT);
	ck_assert_str_eq(m.reason, "second ? Mar??a"); /* not UTF-8 as a whole */
	ck_assert_str_eq(m.warnings, "the note was refused with 400\nand the tag");
	ck_assert(m.has_retry_after == 1 && m.retry_after_ms == 0 && m.crash == 0);
	stop();
}
END_TEST

static int32_t
say_too_much(struct cs_call *call, const struct cs_delivery *d)
{
	static char long_text[5000];

	memset(long_text, 'w', sizeof(long_text) - 1);
	memcpy(long_text + 1999, "\xc3\xa9", 2); /* would be split */
	for (int i = 0; i < 20; i++)
		d->host->warn(call, "%s", long_text);
	return d->host->fail(call, CS_REJECT, "%s", long_text);
}

START_TEST(long_texts_are_cut_between_characters)
{
	struct cs_wire_done m = run(say_too_much, a_push());

	ck_assert_uint_eq(strlen(m.reason), 1999);
	ck_assert_uint_le(strlen(m.warnings), 8192);
	ck_assert_uint_ge(strlen(m.warnings), 4 * 1999);
	stop();
}
END_TEST

static int32_t
log_lines(struct cs_call *call, const struct cs_delivery *d)
{
	d->host->log(call, 99, "line %d", 1);
	d->host->log(call, -1, "line %d", 2);
	d->host->record(call, "contact", "51", NULL);
	d->host->record(call, NULL, NULL, NULL);
	ck_assert_int_eq(d->host->budget(call, "api", 5, 10), CS_DONE);
	return CS_DONE;
}

START_TEST(log_lines_records_and_budgets_reach_the_core)
{
	const char *type, *id, *url, *class;
	int64_t left, restore;
	struct cs_wire_frame f;

	script.push = log_lines;
	start(&plugin, 1);
	begin(9, a_push());
	ck_assert_str_eq(log_line(), "line 1");
	ck_assert_str_eq(log_line(), "line 2");
	f = next(CS_WIRE_RECORD);
	ck_assert_uint_eq(f.call, 9);
	ck_assert_int_eq(cs_wire_get_record(&f, &type, &id, &url), 0);
	ck_assert_str_eq(id, "51");
	next(CS_WIRE_RECORD);
	f = next(CS_WIRE_BUDGET);
	ck_assert_int_eq(cs_wire_get_budget(&f, &class, &left, &restore), 0);
	ck_assert(left == 5 && restore == 10);
	ck_assert_int_eq(done().outcome, CS_DONE);
	stop();
}
END_TEST

static int32_t
emit_sizes(struct cs_call *call, const struct cs_delivery *d)
{
	size_t mib = (size_t)1 << 20;
	char *big = d->host->alloc(call, mib + 1);

	ck_assert_int_eq(d->host->emit(call, (struct cs_bytes){ big, mib }), CS_DONE);
	ck_assert_int_eq(d->host->emit(call, (struct cs_bytes){ big, mib + 1 }), CS_REJECT);
	ck_assert_int_eq(d->host->emit(call, (struct cs_bytes){ NULL, 5 }), CS_REJECT);
	ck_assert_int_eq(d->host->emit(call, (struct cs_bytes){ NULL, 0 }), CS_DONE);
	return CS_DONE;
}

START_TEST(what_is_emitted_has_at_most_one_mib)
{
	struct cs_wire_frame f;
	struct cs_bytes v;

	script.push = emit_sizes;
	start(&plugin, 1);
	begin(1, a_push());
	f = next(CS_WIRE_EMIT);
	ck_assert_int_eq(cs_wire_get_bytes(&f, &v), 0);
	ck_assert_uint_eq(v.len, (size_t)1 << 20);
	next(CS_WIRE_EMIT);
	ck_assert_str_eq(done().reason, "the plugin's result is larger than 1 MiB");
	stop();
}
END_TEST

static int32_t
emit_for_ever(struct cs_call *call, const struct cs_delivery *d)
{
	char *big = d->host->alloc(call, 1 << 20);
	int n = 0;

	while (d->host->emit(call, (struct cs_bytes){ big, 1 << 20 }) == CS_DONE)
		n++;
	ck_assert_int_le(n, 16);
	d->host->log(call, CS_PRIO_INFO, "not heard any more");
	return CS_DONE;
}

START_TEST(one_call_cannot_fill_the_memory_with_results)
{
	script.push = emit_for_ever;
	start(&plugin, 1);
	begin(1, a_push());
	for (int i = 0; i < 16; i++)
		next(CS_WIRE_EMIT);
	ck_assert_int_eq(done().outcome, CS_DONE);
	ck_assert_uint_lt(out.len, (size_t)18 << 20);
	stop();
}
END_TEST

static int32_t
odd_outcome(struct cs_call *call, const struct cs_delivery *d)
{
	(void)call, (void)d;
	return -2000000000;
}

START_TEST(an_unknown_outcome_passes_through_unchanged)
{
	ck_assert_int_eq(run(odd_outcome, a_push()).outcome, -2000000000);
	stop();
}
END_TEST

/* ---- receipts and facts */

static int32_t
use_receipts(struct cs_call *call, const struct cs_delivery *d)
{
	static char large[(64 << 10) + 1];
	struct cs_bytes v;

	ck_assert_int_eq(d->host->receipt(call, "nothing", &v), CS_RECEIPT_ABSENT);
	ck_assert(v.ptr != NULL && v.len == 0);
	ck_assert_int_eq(d->host->receipt(call, "create", &v), CS_RECEIPT_IN_DOUBT);
	ck_assert_int_eq(d->host->receipt(call, "find", &v), CS_RECEIPT_VALUE);
	ck_assert_str_eq(v.ptr, "51");
	ck_assert_int_eq(d->host->receipt(call, "find", NULL), CS_RECEIPT_VALUE);
	ck_assert_int_eq(d->host->receipt(call, "contact", &v), CS_RECEIPT_ABSENT); /* only remembered */
	ck_assert_int_eq(d->host->remembered(call, "contact", &v), CS_RECEIPT_VALUE);
	ck_assert_str_eq(v.ptr, "40");
	ck_assert_int_eq(d->host->remembered(call, "find", &v), CS_RECEIPT_ABSENT);
	ck_assert_int_eq(d->host->receipt_put(call, "create", text("52")), CS_DONE);
	ck_assert_int_eq(d->host->receipt_put(call, "create", text("53")), CS_DONE);
	ck_assert_int_eq(d->host->receipt(call, "create", &v), CS_RECEIPT_VALUE); /* a value clears doubt */
	ck_assert_str_eq(v.ptr, "53");
	ck_assert_int_eq(d->host->receipt_put(call, "create", (struct cs_bytes){ large, sizeof(large) }), CS_REJECT);
	ck_assert_int_eq(d->host->fact_put(call, "hub_id", text("7")), CS_DONE);
	ck_assert_str_eq(d->host->fact(call, "hub_id").ptr, "7");
	return CS_DONE;
}

START_TEST(receipts_and_facts_that_a_call_puts_are_there_for_it)
{
	struct cs_wire_receipt given[] = {
		{ "find", CS_RECEIPT_VALUE, text("51") }, { "create", CS_RECEIPT_IN_DOUBT, { "", 0 } },
		{ "contact", CS_WIRE_REMEMBERED, text("40") },
	};
	struct cs_wire_call m = a_push();

	m.receipts = given;
	m.n_receipts = 3;
	script.push = use_receipts;
	start(&plugin, 1);
	begin(1, m);
	next(CS_WIRE_RECEIPT);
	next(CS_WIRE_RECEIPT);
	ck_assert_ptr_nonnull(strstr(log_line(), "receipt_put"));
	next(CS_WIRE_FACT);
	ck_assert_int_eq(done().outcome, CS_DONE);
	no_more();
	stop();
}
END_TEST

/* ---- http and services */

static int32_t
two_requests(struct cs_call *call, const struct cs_delivery *d)
{
	struct cs_http_req req = CS_REQ("find", "GET", "/one");
	struct cs_http_res first = CS_RES_INIT, second = CS_RES_INIT;

	ck_assert_int_eq(d->host->http(call, &req, &first), CS_DONE);
	req.url = "/two";
	ck_assert_int_eq(d->host->http(call, &req, &second), CS_RETRY);
	ck_assert_int_eq(first.status, 200);
	ck_assert_str_eq(first.body.ptr, "first answer"); /* has memory of its own */
	ck_assert_int_eq(second.status, 503);
	ck_assert_str_eq(second.body.ptr, "second answer");
	return CS_DONE;
}

START_TEST(every_answer_lives_until_the_call_returns)
{
	script.push = two_requests;
	start(&plugin, 1);
	begin(1, a_push());
	next(CS_WIRE_HTTP);
	no_more();
	answer(1, CS_DONE, 200, "first answer");
	next(CS_WIRE_HTTP);
	answer(1, CS_RETRY, 503, "second answer");
	ck_assert_int_eq(done().outcome, CS_DONE);
	stop();
}
END_TEST

static int32_t
old_structs(struct cs_call *call, const struct cs_delivery *d)
{
	struct {
		struct cs_http_req req;
		char canary[16];
	} old = { CS_REQ("find", "GET", "/one"), "not a request" };
	struct cs_http_res res = CS_RES_INIT;

	old.req.struct_size = offsetof(struct cs_http_req, headers);
	old.req.headers = (void *)1;  /* beyond what the plugin states: not to be looked at */
	old.req.n_headers = 99;
	old.req.timeout_ms = 5;
	res.struct_size = offsetof(struct cs_http_res, body);
	res.n_headers = 77;
	ck_assert_int_eq(d->host->http(call, &old.req, &res), CS_DONE);
	ck_assert_int_eq(res.status, 204);
	ck_assert_ptr_null(res.body.ptr);
	ck_assert_uint_eq(res.n_headers, 77);
	ck_assert_uint_eq(res.struct_size, offsetof(struct cs_http_res, body));
	ck_assert_int_eq(d->host->http(call, &old.req, NULL), CS_DONE);
	return CS_DONE;
}

START_TEST(structs_of_an_older_plugin_are_touched_only_as_far_as_they_go)
{
	struct cs_wire_frame f;
	struct cs_wire_http m;

	script.push = old_structs;
	start(&plugin, 1);
	begin(1, a_push());
	f = next(CS_WIRE_HTTP);
	ck_assert_int_eq(cs_wire_get_http(&f, &m), 0);
	ck_assert_uint_eq(m.req.n_headers, 0);
	ck_assert_int_eq(m.req.timeout_ms, 0);
	answer(1, CS_DONE, 204, "");
	next(CS_WIRE_HTTP);
	answer(1, CS_DONE, 204, "");
	ck_assert_int_eq(done().outcome, CS_DONE);
	stop();
}
END_TEST

static int32_t
no_request(struct cs_call *call, const struct cs_delivery *d)
{
	struct cs_http_req none = { 0 }, no_url = CS_REQ("find", "GET", NULL), many = CS_REQ("find", "GET", "/");
	struct cs_http_req lost = CS_REQ("find", "GET", "/"), large = CS_REQ("find", "POST", "/");
	struct cs_http_res res = CS_RES_INIT;

	ck_assert_int_eq(d->host->http(call, &none, &res), CS_REJECT);
	ck_assert_int_eq(d->host->http(call, NULL, &res), CS_REJECT);
	ck_assert_int_eq(d->host->http(call, &no_url, &res), CS_REJECT);
	many.headers = (const struct cs_header[]){ { "a", "b" } };
	many.n_headers = 33;
	ck_assert_int_eq(d->host->http(call, &many, &res), CS_REJECT);
	lost.n_capture = 1;
	ck_assert_int_eq(d->host->http(call, &lost, &res), CS_REJECT);
	large.body = (struct cs_bytes){ d->host->alloc(call, 5 << 20), 5 << 20 };
	ck_assert_int_eq(d->host->http(call, &large, &res), CS_REJECT);
	return CS_REJECT;
}

START_TEST(a_request_that_is_none_is_rejected_without_a_frame)
{
	script.push = no_request;
	start(&plugin, 1);
	begin(1, a_push());
	ck_assert_ptr_nonnull(strstr(log_line(), "http"));
	ck_assert_str_eq(done().reason, "the plugin's request is too large");
	no_more();
	stop();
}
END_TEST

static int32_t
use_services(struct cs_call *call, const struct cs_delivery *d)
{
	struct cs_bytes mac;

	ck_assert_int_eq(d->host->secret_new(call, "hook", 32), CS_DONE);
	ck_assert_int_eq(d->host->secret_new(call, "hook", 0), CS_REJECT);
	ck_assert_int_eq(d->host->secret_new(call, "hook", 100000), CS_REJECT);
	ck_assert_int_eq(d->host->secret_equal(call, "hook", text("guess")), CS_TRI_NO);
	ck_assert_int_eq(d->host->hmac(call, CS_HMAC_SHA256, "key", text("in"), &mac), CS_DONE);
	ck_assert_str_eq(mac.ptr, "MAC");
	ck_assert_int_eq(d->host->hmac(call, CS_HMAC_SHA256, "key", text("in"), &mac), CS_REJECT);
	ck_assert_uint_eq(mac.len, 0);
	return CS_DONE;
}

START_TEST(services_switch_and_bring_their_answer)
{
	struct cs_wire_service m;
	struct cs_wire_frame f;

	script.push = use_services;
	start(&plugin, 1);
	begin(1, a_push());
	f = next(CS_WIRE_SERVICE);
	ck_assert_int_eq(cs_wire_get_service(&f, &m), 0);
	ck_assert(m.kind == CS_SERVICE_SECRET_NEW && m.arg == 32);
	ck_assert_str_eq(m.name, "hook");
	answer(1, CS_DONE, 200, "an http answer it did not ask for");
	no_more();
	serve(1, CS_DONE, "");
	next(CS_WIRE_SERVICE);
	serve(1, CS_TRI_NO, "");
	next(CS_WIRE_SERVICE);
	serve(1, CS_DONE, "MAC");
	next(CS_WIRE_SERVICE);
	serve(1, CS_REJECT, "not to be seen");
	ck_assert_int_eq(done().outcome, CS_DONE);
	stop();
}
END_TEST

START_TEST(auth_refresh_and_webhooks_run_too)
{
	static const struct cs_header headers[] = { { "x-sig", "abc" } };
	struct cs_wire_call hook = { .kind = CS_CALL_HOOK, .what_kind = CS_HOOK_RECEIVED, .body = text("{\"event\":1}"),
		.cursor = text("c"), .headers = headers, .n_headers = 1, .is_verified = 1 };

	start(&plugin, 2);
	begin(1, (struct cs_wire_call){ .kind = CS_CALL_AUTH });
	next(CS_WIRE_SERVICE);
	begin(2, hook);
	next(CS_WIRE_CURSOR);
	next(CS_WIRE_EMIT);
	next(CS_WIRE_EMIT);
	ck_assert_int_eq(done().outcome, CS_DONE);
	serve(1, CS_REAUTH, "");
	ck_assert_int_eq(done().outcome, CS_REAUTH);
	begin(3, (struct cs_wire_call){ .kind = CS_CALL_HOOK, .what_kind = 42 });
	ck_assert_int_eq(done().outcome, CS_UNSUPPORTED);
	begin(4, (struct cs_wire_call){ .kind = 42 });
	ck_assert_int_eq(done().outcome, CS_UNSUPPORTED);
	stop();
}
END_TEST

static int32_t
make_markers(struct cs_call *call, const struct cs_delivery *d)
{
	ck_assert_str_eq(d->host->secret_ref(call, "token", CS_ENC_URL).ptr, "CS-00000000000000000000000000000000.2.token.");
	ck_assert_uint_eq(d->host->secret_ref(call, "a b", CS_ENC_URL).len, 0);
	ck_assert_uint_eq(d->host->secret_ref(call, NULL, CS_ENC_URL).len, 0);
	return CS_DONE;
}

START_TEST(a_secret_is_a_marker)
{
	script.push = make_markers;
	start(&plugin, 1);
	begin(1, a_push());
	ck_assert_ptr_nonnull(strstr(log_line(), "secret_ref"));
	ck_assert_int_eq(done().outcome, CS_DONE);
	stop();
}
END_TEST

/* ---- map */

static int32_t
map_badly(struct cs_call *call, const struct cs_map_in *m)
{
	struct cs_http_req req = CS_REQ("find", "GET", "/");

	ck_assert_int_eq(m->host->http(call, &req, NULL), CS_RETRY);
	ck_assert_int_eq(m->host->now_ms(call), 0);
	ck_assert_int_eq(m->host->receipt_put(call, "find", text("1")), CS_REJECT);
	ck_assert_int_eq(m->host->secret_ref(call, "token", CS_ENC_RAW).len, 0);
	ck_assert_int_eq(m->host->emit(call, text("{\"n\":1}")), CS_DONE);
	ck_assert_int_eq(m->host->emit(call, text("{\"n\":2}")), CS_REJECT);
	return CS_DONE;
}

START_TEST(map_may_only_map)
{
	struct cs_wire_frame f;
	struct cs_bytes v;

	script.map = map_badly;
	start(&plugin, 1);
	begin(1, (struct cs_wire_call){ .kind = CS_CALL_MAP });
	ck_assert_str_eq(log_line(), "fault of the plugin: http: not allowed in map"); /* once */
	f = next(CS_WIRE_EMIT);
	ck_assert_int_eq(cs_wire_get_bytes(&f, &v), 0);
	ck_assert_str_eq(v.ptr, "{\"n\":1}");
	ck_assert_int_eq(done().outcome, CS_DONE);
	no_more();
	stop();
}
END_TEST

static int32_t
map_nothing(struct cs_call *call, const struct cs_map_in *m)
{
	(void)call, (void)m;
	return CS_DONE;
}

static int32_t
map_refuses(struct cs_call *call, const struct cs_map_in *m)
{
	return m->host->fail(call, CS_REJECT, "no name");
}

static int32_t
push_document(struct cs_call *call, const struct cs_delivery *d)
{
	(void)call;
	ck_assert_str_eq(d->document.ptr, "{\"mapped\":true}");
	return CS_DONE;
}

static int32_t
map_document(struct cs_call *call, const struct cs_map_in *m)
{
	char local[] = "{\"mapped\":true}"; /* the host copies */
	int32_t rc = m->host->emit(call, text(local));

	memset(local, 'x', sizeof(local) - 1);
	return rc;
}

START_TEST(map_and_push_in_one_call)
{
	script.push = push_document;
	script.map = map_document;
	start(&plugin, 1);
	begin(1, (struct cs_wire_call){ .kind = CS_CALL_MAP_PUSH });
	ck_assert_int_eq(done().outcome, CS_DONE);
	script.map = map_refuses;
	begin(2, (struct cs_wire_call){ .kind = CS_CALL_MAP_PUSH });
	ck_assert_str_eq(done().reason, "no name");
	script.map = map_nothing;
	begin(3, (struct cs_wire_call){ .kind = CS_CALL_MAP_PUSH });
	ck_assert_int_eq(done().outcome, CS_REJECT);
	stop();
}
END_TEST

/* ---- misuse, cancelling, bounds */

static struct cs_call *kept_call;
static const struct cs_host_v1 *kept_host;

static int32_t
keep_call(struct cs_call *call, const struct cs_delivery *d)
{
	struct cs_http_req req = CS_REQ("find", "GET", "/");

	kept_call = call;
	kept_host = d->host;
	return d->host->http(call, &req, NULL);
}

static int32_t
use_kept_call(struct cs_call *call, const struct cs_delivery *d)
{
	struct cs_http_req req = CS_REQ("find", "GET", "/");
	struct cs_bytes v;
	char *p;

	ck_assert_ptr_ne(call, kept_call);
	ck_assert_int_eq(d->host->http(kept_call, &req, NULL), CS_RETRY);
	ck_assert_int_eq(d->host->emit(kept_call, text("x")), CS_REJECT);
	ck_assert_int_eq(d->host->emit(NULL, text("x")), CS_REJECT);
	ck_assert_int_eq(d->host->emit((void *)16, text("x")), CS_REJECT);
	ck_assert_int_eq(d->host->receipt(kept_call, "find", &v), CS_RECEIPT_ABSENT);
	ck_assert_int_eq(d->host->fail(kept_call, CS_REJECT, "x"), CS_REJECT);
	ck_assert_int_eq(d->host->secret_equal(kept_call, "x", text("x")), CS_TRI_UNKNOWN);
	d->host->log(kept_call, 0, "x");
	d->host->warn(kept_call, "x");
	p = d->host->alloc(kept_call, 100);
	memset(p, 1, 100);
	return CS_DONE;
}

START_TEST(a_call_that_is_not_the_running_one_is_refused)
{
	script.push = keep_call;
	start(&plugin, 4);
	begin(1, a_push());
	next(CS_WIRE_HTTP); /* call 1 waits */
	script.push = use_kept_call;
	begin(2, a_push());
	ck_assert_str_eq(log_line(), "fault of the plugin: http: used with a call that is not the running one");
	ck_assert_int_eq(done().outcome, CS_DONE);
	answer(1, CS_DONE, 200, "");
	ck_assert_str_eq(done().reason, "");
	stop();
}
END_TEST

START_TEST(after_the_return_host_functions_do_nothing)
{
	struct cs_http_req req = CS_REQ("find", "GET", "/");
	void *p;

	script.push = keep_call;
	start(&plugin, 4);
	begin(1, a_push());
	next(CS_WIRE_HTTP);
	answer(1, CS_DONE, 200, "");
	done();
	ck_assert_int_eq(kept_host->http(kept_call, &req, NULL), CS_RETRY);
	ck_assert_int_eq(kept_host->emit(kept_call, text("x")), CS_REJECT);
	ck_assert_int_eq(kept_host->oauth_refresh(kept_call), CS_RETRY);
	ck_assert_int_eq(kept_host->now_ms(kept_call), 0);
	ck_assert_int_eq(kept_host->cancelled(kept_call), 1);
	kept_host->log(kept_call, 0, "x");
	p = kept_host->alloc(kept_call, 10);
	ck_assert_ptr_nonnull(p);
	free(p);
	no_more();
	stop();
}
END_TEST

static int32_t
never_gives_up(struct cs_call *call, const struct cs_delivery *d)
{
	struct cs_http_req req = CS_REQ("find", "GET", "/");

	while (d->host->http(call, &req, NULL) != CS_DONE)
		;
	return CS_DONE;
}

static int32_t
gives_up(struct cs_call *call, const struct cs_delivery *d)
{
	struct cs_http_req req = CS_REQ("find", "GET", "/");
	int32_t rc = d->host->http(call, &req, NULL);

	ck_assert_int_eq(d->host->cancelled(call), 1);
	ck_assert_int_eq(d->host->http(call, &req, NULL), CS_RETRY); /* at once, without a frame */
	ck_assert_int_eq(d->host->secret_equal(call, "x", text("")), CS_TRI_UNKNOWN);
	return rc;
}

START_TEST(a_cancelled_call_is_answered_with_retry)
{
	script.push = gives_up;
	start(&plugin, 1);
	begin(1, a_push());
	next(CS_WIRE_HTTP);
	cs_wire_put_cancel(&in, 1);
	cs_wire_put_cancel(&in, 1);
	cs_wire_put_cancel(&in, 77);
	feed();
	ck_assert_int_eq(done().outcome, CS_RETRY);
	no_more();
	stop();
}
END_TEST

START_TEST(a_cancelled_call_that_goes_on_asking_is_cut_off)
{
	struct cs_wire_done m;

	script.push = never_gives_up;
	start(&plugin, 1);
	begin(1, a_push());
	next(CS_WIRE_HTTP);
	cs_wire_put_cancel(&in, 1);
	feed();
	m = done();
	ck_assert_int_eq(m.outcome, CS_RETRY);
	ck_assert_int_eq(m.crash, SIGABRT);
	ck_assert_str_eq(m.reason, "the plugin did not end a cancelled call");
	script.push = odd_outcome; /* the stack is usable again */
	begin(2, a_push());
	ck_assert_int_eq(done().outcome, -2000000000);
	stop();
}
END_TEST

START_TEST(freeing_a_runner_ends_its_open_calls)
{
	start(&plugin, 3);
	script.push = keep_call;
	begin(1, a_push());
	script.push = gives_up;
	begin(2, a_push());
	script.push = never_gives_up;
	begin(3, a_push());
	ck_assert_uint_eq(cs_runner_open_calls(runner), 3);
	stop();
}
END_TEST

static int32_t
hoards(struct cs_call *call, const struct cs_delivery *d)
{
	while (d->host->alloc(call, 1 << 20) != NULL)
		;
	return CS_DONE;
}

static int32_t
wants_all(struct cs_call *call, const struct cs_delivery *d)
{
	return d->host->alloc(call, SIZE_MAX - 7) != NULL;
}

START_TEST(a_call_that_hoards_memory_is_cut_off)
{
	struct cs_wire_done m = run(hoards, a_push());

	ck_assert_int_eq(m.crash, SIGABRT);
	ck_assert_str_eq(m.reason, "the plugin wanted more than 64 MiB for one call");
	script.push = wants_all;
	begin(2, a_push());
	ck_assert_int_eq(done().crash, SIGABRT);
	stop();
}
END_TEST

START_TEST(more_calls_than_stacks_are_refused)
{
	script.push = keep_call;
	start(&plugin, 2);
	for (uint64_t id = 1; id <= 2; id++) {
		begin(id, a_push());
		next(CS_WIRE_HTTP);
	}
	begin(3, a_push());
	ck_assert_int_eq(done().outcome, CS_RETRY);
	answer(1, CS_DONE, 200, "");
	done();
	begin(4, a_push());
	next(CS_WIRE_HTTP);
	stop();
}
END_TEST

START_TEST(a_core_that_sends_nonsense_is_not_believed)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	struct cs_wire_call m = a_push();

	script.push = keep_call;
	start(&plugin, 2);
	begin(1, a_push());
	ck_assert_int_eq(cs_wire_put_call(&b, 1, &m), 0); /* an id that is in use */
	ck_assert_int_eq(cs_runner_feed(runner, b.ptr, b.len, &out), CS_ECORRUPT);
	cs_buf_reset(&b);
	ck_assert_int_eq(cs_wire_put_emit(&b, 1, text("x")), 0); /* the wrong direction */
	ck_assert_int_eq(cs_runner_feed(runner, b.ptr, b.len, &out), CS_ECORRUPT);
	cs_buf_reset(&b);
	ck_assert_int_eq(cs_wire_put_call(&b, 2, &m), 0);
	b.ptr[CS_WIRE_HEADER + 48] ^= 0x40; /* the length of delivery_id */
	ck_assert_int_eq(cs_runner_feed(runner, b.ptr, b.len, &out), CS_ECORRUPT);
	stop();
}
END_TEST

START_TEST(an_incomplete_frame_stays)
{
	struct cs_wire_call m = a_push();

	script.push = odd_outcome;
	start(&plugin, 2);
	ck_assert_int_eq(cs_wire_put_call(&in, 1, &m), 0);
	ck_assert_int_eq(cs_runner_feed(runner, in.ptr, in.len - 1, &out), 0);
	ck_assert_uint_eq(out.len, 0);
	ck_assert_int_eq(cs_runner_feed(runner, in.ptr, in.len, &out), (long)in.len);
	ck_assert_int_eq(done().outcome, -2000000000);
	stop();
}
END_TEST

/* ---- instances */

static int32_t
just_done(struct cs_call *call, const struct cs_delivery *d)
{
	(void)call, (void)d;
	return CS_DONE;
}

static void *
push_with(uint64_t id, uint64_t instance, uint64_t version)
{
	struct cs_wire_call m = a_push();

	m.instance = instance;
	m.instance_version = version;
	seen_inst = NULL;
	begin(id, m);
	done();
	return seen_inst;
}

START_TEST(an_instance_is_opened_once_per_connection_and_version)
{
	void *first, *second;

	script.push = just_done;
	start(&with_instances, 2);
	first = push_with(1, 7, 1);
	ck_assert_ptr_nonnull(first);
	ck_assert_ptr_eq(push_with(2, 7, 1), first);
	second = push_with(3, 8, 1);
	ck_assert_ptr_ne(second, first);
	ck_assert(opened == 2 && closed == 0);
	ck_assert_ptr_ne(push_with(4, 7, 2), first);
	ck_assert(opened == 3 && closed == 1);
	push_with(5, 0, 0); /* no connection: its own, closed at once */
	ck_assert(opened == 4 && closed == 2);
	stop();
	ck_assert(opened == 4 && closed == 4);
}
END_TEST

START_TEST(an_instance_in_use_is_closed_after_its_last_call)
{
	struct cs_wire_call m = a_push();

	script.push = keep_call;
	start(&with_instances, 4);
	m.instance = 7;
	begin(1, m);
	begin(2, m);
	m.instance_version = 1;
	begin(3, m);
	ck_assert(opened == 2 && closed == 0);
	answer(1, CS_DONE, 200, "");
	ck_assert_int_eq(closed, 0);
	answer(2, CS_DONE, 200, "");
	ck_assert_int_eq(closed, 1);
	answer(3, CS_DONE, 200, "");
	ck_assert_int_eq(closed, 1);
	stop();
	ck_assert_int_eq(closed, 2);
}
END_TEST

START_TEST(at_most_4096_instances_are_kept)
{
	script.push = just_done;
	start(&with_instances, 1);
	for (uint64_t i = 1; i <= 4096; i++)
		push_with(i, i, 0);
	push_with(5000, 1, 0); /* used again: not the oldest any more */
	ck_assert(opened == 4096 && closed == 0);
	push_with(5001, 9001, 0);
	ck_assert(opened == 4097 && closed == 1);
	push_with(5002, 1, 0);
	ck_assert_int_eq(opened, 4097);
	push_with(5003, 2, 0); /* this one had gone */
	ck_assert(opened == 4098 && closed == 2);
	stop();
	ck_assert_int_eq(closed, opened);
}
END_TEST

static int32_t
open_fails(const struct cs_host_v1 *host, struct cs_call *call)
{
	struct cs_http_req req = CS_REQ("find", "GET", "/");

	ck_assert_int_eq(host->http(call, &req, NULL), CS_RETRY);
	return host->fail(call, CS_REJECT, "bad %s", host->setting(call, "stage").ptr);
}

START_TEST(an_instance_that_cannot_be_opened_ends_the_call)
{
	struct cs_wire_pair setting = { "stage", text("stage") };
	struct cs_wire_call m = a_push();

	script.open = open_fails;
	script.push = just_done;
	start(&with_instances, 1);
	m.instance = 7;
	m.settings = &setting;
	m.n_settings = 1;
	begin(1, m);
	ck_assert_str_eq(log_line(), "fault of the plugin: http: not allowed in open");
	ck_assert_str_eq(done().reason, "bad stage");
	script.open = NULL;
	ck_assert_ptr_nonnull(push_with(2, 7, 0));
	stop();
	ck_assert(opened == 1 && closed == 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("call");
	TCase *says = tcase_create("host functions"), *life = tcase_create("life of a call");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(says, a_push_gets_its_inputs_and_a_lead_that_is_never_null);
	tcase_add_test(says, the_clock_is_the_cores);
	tcase_add_test(says, the_last_reason_and_all_warnings_travel_with_the_result);
	tcase_add_test(says, long_texts_are_cut_between_characters);
	tcase_add_test(says, log_lines_records_and_budgets_reach_the_core);
	tcase_add_test(says, what_is_emitted_has_at_most_one_mib);
	tcase_add_test(says, one_call_cannot_fill_the_memory_with_results);
	tcase_add_test(says, an_unknown_outcome_passes_through_unchanged);
	tcase_add_test(says, receipts_and_facts_that_a_call_puts_are_there_for_it);
	tcase_add_test(says, every_answer_lives_until_the_call_returns);
	tcase_add_test(says, structs_of_an_older_plugin_are_touched_only_as_far_as_they_go);
	tcase_add_test(says, a_request_that_is_none_is_rejected_without_a_frame);
	tcase_add_test(says, services_switch_and_bring_their_answer);
	tcase_add_test(says, auth_refresh_and_webhooks_run_too);
	tcase_add_test(says, a_secret_is_a_marker);
	tcase_add_test(says, map_may_only_map);
	tcase_add_test(says, map_and_push_in_one_call);
	tcase_add_test(life, a_call_that_is_not_the_running_one_is_refused);
	tcase_add_test(life, after_the_return_host_functions_do_nothing);
	tcase_add_test(life, a_cancelled_call_is_answered_with_retry);
	tcase_add_test(life, a_cancelled_call_that_goes_on_asking_is_cut_off);
	tcase_add_test(life, freeing_a_runner_ends_its_open_calls);
	tcase_add_test(life, a_call_that_hoards_memory_is_cut_off);
	tcase_add_test(life, more_calls_than_stacks_are_refused);
	tcase_add_test(life, a_core_that_sends_nonsense_is_not_believed);
	tcase_add_test(life, an_incomplete_frame_stays);
	tcase_add_test(life, an_instance_is_opened_once_per_connection_and_version);
	tcase_add_test(life, an_instance_in_use_is_closed_after_its_last_call);
	tcase_add_test(life, at_most_4096_instances_are_kept);
	tcase_add_test(life, an_instance_that_cannot_be_opened_ends_the_call);
	suite_add_tcase(s, says);
	suite_add_tcase(s, life);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
