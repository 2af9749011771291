/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_wire.c - every message there and back, and every frame cut and bent.
 *
 * Damaged frames are fed from memory that ends where the frame ends, so that a sanitizer sees the first byte beyond.
 */
#include "config.h"
#include "wire/wire.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define CALL 0x1122334455667788u

static const struct cs_lead_call lead_call = {
	.struct_size = sizeof(lead_call), .has_duration = 1, .duration_s = -7, .call_id = "call_1", .direction = "inbound",
	.started_at = "2026-05-26T14:30:00Z", .ended_at = "", .recording_url = "https://r", .transcript_url = "t",
	.transcript_summary = "no heat",
};
static const struct cs_lead_address address = {
	.struct_size = sizeof(address), .street = "1420 NW 7th Ave", .city = "Miami", .state = "FL", .zip = "33136", .country = "US",
};
static const struct cs_lead_contact contact = {
	.struct_size = sizeof(contact), .first_name = "Mar\xc3\xad" "a", .last_name = "G", .phone = "+13055550182", .email = "m@x",
	.address = &address,
};
static const struct cs_lead_request lead_request = {
	.struct_size = sizeof(lead_request), .is_existing_customer = CS_TRI_UNKNOWN, .service_type = "HVAC", .sub_type = "s",
	.urgency = "same_day", .issue_description = "i", .preferred_schedule = "p", .preferred_at_ms = INT64_MIN,
	.has_preferred_at = 1,
};
static const struct cs_lead_analysis analysis = {
	.struct_size = sizeof(analysis), .has_score = 1, .score = 0.625, .sentiment = "good", .qualification_status = "q",
	.disqualification_reason = NULL, .qualifier_answers = { "{\"a\":1}", 7 },
};
static const struct cs_lead lead = {
	.struct_size = sizeof(lead), .schema_version = "1.0", .event = "lead.qualified", .event_id = "e", .timestamp_utc = "t",
	.account = "acct", .call = &lead_call, .contact = &contact, .request = &lead_request, .analysis = &analysis,
	.destination_crm = "hubspot", .crm_account_id = "", .assigned_to = "someone", .received_ms = INT64_MAX,
	.timestamp_ms = 1, .warnings = "one\ntwo", .raw = { "{}", 2 },
};
static const struct cs_wire_pair settings[] = { { "base_url", { "https://x", 9 } }, { "empty", { "", 0 } } };
static const struct cs_wire_pair facts[] = { { "hub_id", { "62515", 5 } } };
static const struct cs_wire_receipt receipts[] = {
	{ "find", CS_RECEIPT_VALUE, { "a\0b", 3 } }, { "create", CS_RECEIPT_IN_DOUBT, { "", 0 } },
	{ "contact", CS_WIRE_REMEMBERED, { "51", 2 } },
};
static const struct cs_header headers[] = { { "content-type", "application/json" }, { "x-empty", "" }, { "a", "b" } };

static struct cs_wire_call
whole_call(void)
{
	struct cs_wire_call m = {
		.kind = CS_CALL_MAP_PUSH, .what_kind = CS_PUSH_TEST, .now_ms = -1, .instance = UINT64_MAX, .instance_version = 9,
		.delivery_id = "d-1", .attempt = 3, .may_exist = 1, .lead = &lead, .document = { "{\"doc\":true}", 12 }, .what = "w",
		.settings = settings, .n_settings = 2, .facts = facts, .n_facts = 1, .receipts = receipts, .n_receipts = 3,
		.body = { "body", 4 }, .cursor = { "c", 1 }, .headers = headers, .n_headers = 3, .query = "a=b",
		.channel = "ch", .is_verified = 1,
	};

	for (size_t i = 0; i < sizeof(m.nonce); i++)
		m.nonce[i] = (uint8_t)(i * 17);
	return m;
}

/* ---- one frame of each type */

static void
put_call(struct cs_buf *b)
{
	struct cs_wire_call m = whole_call();

	ck_assert_int_eq(cs_wire_put_call(b, CALL, &m), 0);
}

static void
put_empty_call(struct cs_buf *b)
{
	ck_assert_int_eq(cs_wire_put_call(b, CALL, &(struct cs_wire_call){ .kind = CS_CALL_AUTH }), 0);
}

static void
put_http_result(struct cs_buf *b)
{
	struct cs_wire_http_result m = { .outcome = CS_WAIT, .status = 429, .body = { "slow down", 9 }, .headers = headers,
		.n_headers = 3 };

	ck_assert_int_eq(cs_wire_put_http_result(b, CALL, &m), 0);
}

static void
put_service_result(struct cs_buf *b)
{
	ck_assert_int_eq(cs_wire_put_service_result(b, CALL, &(struct cs_wire_service_result){ -1, { "\0\1\2", 3 } }), 0);
}

static void
put_cancel(struct cs_buf *b)
{
	ck_assert_int_eq(cs_wire_put_cancel(b, CALL), 0);
}

static struct cs_http_req
whole_request(void)
{
	static const struct cs_capture captures[] = {
		{ "/token", "hook_token", CS_CAPTURE_SECRET, 0 }, { "/id", "hub_id", CS_CAPTURE_FACT, 0 },
	};
	struct cs_http_req req = CS_REQ("create", "POST", "/contacts");

	req.mutates = 1;
	req.looks_for = "create";
	req.query = "limit=1";
	req.content_type = "text/plain";
	req.body = (struct cs_bytes){ "hello", 5 };
	req.headers = headers;
	req.n_headers = 3;
	req.limit_class = "search";
	req.cost = 12;
	req.capture = captures;
	req.n_capture = 2;
	req.timeout_ms = 1500;
	return req;
}

static void
put_http(struct cs_buf *b)
{
	struct cs_http_req req = whole_request();

	ck_assert_int_eq(cs_wire_put_http(b, CALL, &req), 0);
}

static void
put_service(struct cs_buf *b)
{
	struct cs_wire_service m = { CS_SERVICE_HMAC, CS_HMAC_SHA1, "key", { "in", 2 } };

	ck_assert_int_eq(cs_wire_put_service(b, CALL, &m), 0);
}

static void
put_receipt(struct cs_buf *b)
{
	ck_assert_int_eq(cs_wire_put_receipt(b, CALL, "create", (struct cs_bytes){ "51", 2 }), 0);
}

static void
put_record(struct cs_buf *b)
{
	ck_assert_int_eq(cs_wire_put_record(b, CALL, "contact", "51", ""), 0);
}

static void
put_emit(struct cs_buf *b)
{
	ck_assert_int_eq(cs_wire_put_emit(b, CALL, (struct cs_bytes){ "{}", 2 }), 0);
}

static void
put_fact(struct cs_buf *b)
{
	ck_assert_int_eq(cs_wire_put_fact(b, CALL, "hub_id", (struct cs_bytes){ "7", 1 }), 0);
}

static void
put_budget(struct cs_buf *b)
{
	ck_assert_int_eq(cs_wire_put_budget(b, CALL, "api", -3, INT64_MAX), 0);
}

static void
put_cursor(struct cs_buf *b)
{
	ck_assert_int_eq(cs_wire_put_cursor(b, CALL, (struct cs_bytes){ "next", 4 }), 0);
}

static void
put_log(struct cs_buf *b)
{
	ck_assert_int_eq(cs_wire_put_log(b, CALL, CS_PRIO_WARN, "careful"), 0);
}

static void
put_done(struct cs_buf *b)
{
	struct cs_wire_done m = { .outcome = 77, .has_retry_after = 1, .retry_after_ms = 60000, .reason = "r",
		.warnings = "a\nb", .crash = 11 };

	ck_assert_int_eq(cs_wire_put_done(b, CALL, &m), 0);
}

static void
put_hello(struct cs_buf *b)
{
	struct cs_wire_hello m = { .build = "b-1", .refused = "no entry", .has_hook = 1, .landlock = 7, .seccomp = 2, .memory = 1 << 28 };

	ck_assert_int_eq(cs_wire_put_hello(b, &m), 0);
}

static void (*const puts_one[])(struct cs_buf *) = {
	put_call, put_empty_call, put_http_result, put_service_result, put_cancel, put_http, put_service, put_receipt,
	put_record, put_emit, put_fact, put_budget, put_cursor, put_log, put_done,
	put_hello,
};

/* Decode by type, as both sides do; everything that comes out is read. */
static size_t
touch(struct cs_bytes b)
{
	size_t sum = b.ptr[b.len] != '\0'; /* the promised NUL */

	ck_assert_uint_eq(sum, 0);
	for (size_t i = 0; i < b.len; i++)
		sum += (unsigned char)b.ptr[i];
	return sum;
}

static size_t
touch_call(const struct cs_wire_call *m)
{
	size_t sum = touch(m->document) + touch(m->body) + touch(m->cursor) + strlen(m->delivery_id) + strlen(m->what) +
	             strlen(m->query) + strlen(m->channel);

	for (size_t i = 0; i < m->n_settings; i++)
		sum += strlen(m->settings[i].name) + touch(m->settings[i].value);
	for (size_t i = 0; i < m->n_facts; i++)
		sum += strlen(m->facts[i].name) + touch(m->facts[i].value);
	for (size_t i = 0; i < m->n_receipts; i++)
		sum += strlen(m->receipts[i].step) + touch(m->receipts[i].value);
	for (size_t i = 0; i < m->n_headers; i++)
		sum += strlen(m->headers[i].name) + strlen(m->headers[i].value);
	if (m->lead != NULL)
		sum += strlen(m->lead->account) + touch(m->lead->raw) + strlen(m->lead->contact->address->country) +
		       strlen(m->lead->call->transcript_summary) + strlen(m->lead->request->urgency) +
		       touch(m->lead->analysis->qualifier_answers);
	return sum;
}

static int
decode(const struct cs_wire_frame *f)
{
	union {
		struct cs_wire_call call;
		struct cs_wire_http_result http_result;
		struct cs_wire_service_result service_result;
		struct cs_wire_http http;
		struct cs_wire_service service;
		struct cs_wire_done done;
		struct cs_wire_hello hello;
	} m;
	struct cs_arena mem;
	const char *a, *b, *c;
	struct cs_bytes v;
	int64_t x, y;
	int32_t p;
	int rc;

	cs_arena_init(&mem);
	switch (f->type) {
	case CS_WIRE_CALL:
		if ((rc = cs_wire_get_call(f, &mem, &m.call)) == 0)
			touch_call(&m.call);
		break;
	case CS_WIRE_HTTP_RESULT:
		if ((rc = cs_wire_get_http_result(f, &mem, &m.http_result)) == 0)
			touch(m.http_result.body);
		break;
	case CS_WIRE_SERVICE_RESULT:
		if ((rc = cs_wire_get_service_result(f, &m.service_result)) == 0)
			touch(m.service_result.bytes);
		break;
	case CS_WIRE_CANCEL:
		rc = f->len == 0 ? 0 : CS_ECORRUPT;
		break;
	case CS_WIRE_HTTP:
		if ((rc = cs_wire_get_http(f, &m.http)) == 0)
			touch(m.http.req.body);
		break;
	case CS_WIRE_SERVICE:
		if ((rc = cs_wire_get_service(f, &m.service)) == 0)
			touch(m.service.bytes);
		break;
	case CS_WIRE_RECEIPT:
		if ((rc = cs_wire_get_receipt(f, &a, &v)) == 0)
			touch(v);
		break;
	case CS_WIRE_RECORD:
		rc = cs_wire_get_record(f, &a, &b, &c);
		break;
	case CS_WIRE_EMIT:
	case CS_WIRE_CURSOR:
		if ((rc = cs_wire_get_bytes(f, &v)) == 0)
			touch(v);
		break;
	case CS_WIRE_FACT:
		if ((rc = cs_wire_get_fact(f, &a, &v)) == 0)
			touch(v);
		break;
	case CS_WIRE_BUDGET:
		rc = cs_wire_get_budget(f, &a, &x, &y);
		break;
	case CS_WIRE_LOG:
		rc = cs_wire_get_log(f, &p, &a);
		break;
	case CS_WIRE_DONE:
		rc = cs_wire_get_done(f, &m.done);
		break;
	case CS_WIRE_HELLO:
		rc = cs_wire_get_hello(f, &m.hello);
		break;
	default:
		rc = CS_ECORRUPT;
	}
	cs_arena_fini(&mem);
	return rc;
}

/* From exact memory: what peek and decode make of n bytes. */
static int
judge(const char *p, size_t n)
{
	char *exact = malloc(n > 0 ? n : 1);
	struct cs_wire_frame f;
	long size;
	int rc;

	memcpy(exact, p, n);
	size = cs_wire_peek(exact, n, &f);
	ck_assert_int_le(size, (long)n);
	rc = size > 0 ? decode(&f) : size < 0 ? (int)size : 1;
	free(exact);
	return rc;
}

/* ---- there and back */

static struct cs_wire_frame
only_frame(const struct cs_buf *b, uint16_t type)
{
	struct cs_wire_frame f;

	ck_assert_int_eq(cs_wire_peek(b->ptr, b->len, &f), (long)b->len);
	ck_assert_uint_eq(f.type, type);
	ck_assert_uint_eq(f.call, CALL);
	return f;
}

#define bytes_eq(a, b)                                   \
	do {                                             \
		ck_assert_uint_eq((a).len, (b).len);     \
		ck_assert_mem_eq((a).ptr, (b).ptr, (b).len); \
	} while (0)

static void
lead_eq(const struct cs_lead *l)
{
	ck_assert_uint_eq(l->struct_size, sizeof(*l));
	ck_assert_str_eq(l->event, "lead.qualified");
	ck_assert_str_eq(l->assigned_to, "someone");
	ck_assert_str_eq(l->warnings, "one\ntwo");
	ck_assert_int_eq(l->received_ms, INT64_MAX);
	bytes_eq(l->raw, lead.raw);
	ck_assert_int_eq(l->call->duration_s, -7);
	ck_assert_str_eq(l->call->transcript_summary, "no heat");
	ck_assert_str_eq(l->contact->first_name, "Mar\xc3\xad" "a");
	ck_assert_str_eq(l->contact->address->country, "US");
	ck_assert_uint_eq(l->contact->address->struct_size, sizeof(address));
	ck_assert_int_eq(l->request->is_existing_customer, CS_TRI_UNKNOWN);
	ck_assert_int_eq(l->request->preferred_at_ms, INT64_MIN);
	ck_assert_int_eq(l->request->has_preferred_at, 1);
	ck_assert(l->analysis->score == 0.625);
	ck_assert_str_eq(l->analysis->disqualification_reason, "");
	bytes_eq(l->analysis->qualifier_answers, analysis.qualifier_answers);
}

START_TEST(a_call_comes_back_whole)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	struct cs_wire_call want = whole_call(), m;
	struct cs_arena mem;
	struct cs_wire_frame f;

	put_call(&b);
	f = only_frame(&b, CS_WIRE_CALL);
	cs_arena_init(&mem);
	ck_assert_int_eq(cs_wire_get_call(&f, &mem, &m), 0);
	ck_assert_int_eq(m.kind, want.kind);
	ck_assert_int_eq(m.what_kind, want.what_kind);
	ck_assert_int_eq(m.now_ms, -1);
	ck_assert_mem_eq(m.nonce, want.nonce, sizeof(m.nonce));
	ck_assert_uint_eq(m.instance, UINT64_MAX);
	ck_assert_uint_eq(m.instance_version, 9);
	ck_assert_str_eq(m.delivery_id, "d-1");
	ck_assert_int_eq(m.attempt, 3);
	ck_assert_int_eq(m.may_exist, 1);
	lead_eq(m.lead);
	bytes_eq(m.document, want.document);
	ck_assert_str_eq(m.what, "w");
	ck_assert_uint_eq(m.n_settings, 2);
	ck_assert_str_eq(m.settings[0].name, "base_url");
	bytes_eq(m.settings[0].value, settings[0].value);
	ck_assert_uint_eq(m.settings[1].value.len, 0);
	ck_assert_uint_eq(m.n_facts, 1);
	bytes_eq(m.facts[0].value, facts[0].value);
	ck_assert_uint_eq(m.n_receipts, 3);
	for (size_t i = 0; i < 3; i++) {
		ck_assert_str_eq(m.receipts[i].step, receipts[i].step);
		ck_assert_int_eq(m.receipts[i].state, receipts[i].state);
		bytes_eq(m.receipts[i].value, receipts[i].value);
	}
	bytes_eq(m.body, want.body);
	bytes_eq(m.cursor, want.cursor);
	ck_assert_uint_eq(m.n_headers, 3);
	ck_assert_str_eq(m.headers[2].value, "b");
	ck_assert_str_eq(m.query, "a=b");
	ck_assert_str_eq(m.channel, "ch");
	ck_assert_int_eq(m.is_verified, 1);
	cs_arena_fini(&mem);
}
END_TEST

START_TEST(what_a_call_leaves_out_comes_back_empty)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	struct cs_wire_call m;
	struct cs_arena mem;
	struct cs_wire_frame f;

	put_empty_call(&b);
	f = only_frame(&b, CS_WIRE_CALL);
	cs_arena_init(&mem);
	ck_assert_int_eq(cs_wire_get_call(&f, &mem, &m), 0);
	ck_assert_ptr_null(m.lead);
	ck_assert_str_eq(m.delivery_id, "");
	ck_assert_str_eq(m.document.ptr, "");
	ck_assert_uint_eq(m.n_settings + m.n_facts + m.n_receipts + m.n_headers, 0);
	cs_arena_fini(&mem);
}
END_TEST

START_TEST(a_request_comes_back_whole)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	struct cs_http_req want = whole_request();
	struct cs_wire_frame f;
	struct cs_wire_http m;

	put_http(&b);
	f = only_frame(&b, CS_WIRE_HTTP);
	ck_assert_int_eq(cs_wire_get_http(&f, &m), 0);
	ck_assert_uint_eq(m.req.struct_size, sizeof(m.req));
	ck_assert_int_eq(m.req.mutates, 1);
	ck_assert_str_eq(m.req.step, "create");
	ck_assert_str_eq(m.req.looks_for, "create");
	ck_assert_str_eq(m.req.method, "POST");
	ck_assert_str_eq(m.req.url, "/contacts");
	ck_assert_str_eq(m.req.query, "limit=1");
	ck_assert_str_eq(m.req.content_type, "text/plain");
	bytes_eq(m.req.body, want.body);
	ck_assert_str_eq(m.req.limit_class, "search");
	ck_assert_int_eq(m.req.cost, 12);
	ck_assert_int_eq(m.req.timeout_ms, 1500);
	ck_assert_uint_eq(m.req.n_headers, 3);
	ck_assert_ptr_eq(m.req.headers, m.headers);
	ck_assert_str_eq(m.req.headers[0].value, "application/json");
	ck_assert_uint_eq(m.req.n_capture, 2);
	ck_assert_str_eq(m.req.capture[1].pointer, "/id");
	ck_assert_str_eq(m.req.capture[1].name, "hub_id");
	ck_assert_int_eq(m.req.capture[1].kind, CS_CAPTURE_FACT);
}
END_TEST

START_TEST(what_a_request_leaves_out_is_null)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	struct cs_http_req req = CS_REQ("find", "GET", "/");
	struct cs_wire_frame f;
	struct cs_wire_http m;

	ck_assert_int_eq(cs_wire_put_http(&b, CALL, &req), 0);
	f = only_frame(&b, CS_WIRE_HTTP);
	ck_assert_int_eq(cs_wire_get_http(&f, &m), 0);
	ck_assert_ptr_null(m.req.looks_for);
	ck_assert_ptr_null(m.req.query);
	ck_assert_ptr_null(m.req.content_type);
	ck_assert_ptr_null(m.req.limit_class);
	ck_assert_uint_eq(m.req.body.len + m.req.n_headers + m.req.n_capture, 0);
}
END_TEST

START_TEST(too_many_headers_are_refused_by_the_writer)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	struct cs_http_req req = CS_REQ("find", "GET", "/");
	struct cs_header many[33];

	for (size_t i = 0; i < CS_ARRAY_LEN(many); i++)
		many[i] = headers[0];
	req.headers = many;
	req.n_headers = 33;
	ck_assert_int_eq(cs_wire_put_http(&b, CALL, &req), CS_ELIMIT);
	ck_assert_uint_eq(b.len, 0);
	req.n_headers = 32;
	ck_assert_int_eq(cs_wire_put_http(&b, CALL, &req), 0);
	ck_assert_int_eq(judge(b.ptr, b.len), 0);
}
END_TEST

START_TEST(results_come_back_whole)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	struct cs_wire_service_result service;
	struct cs_wire_http_result http;
	struct cs_wire_frame f;
	struct cs_arena mem;

	cs_arena_init(&mem);
	put_http_result(&b);
	f = only_frame(&b, CS_WIRE_HTTP_RESULT);
	ck_assert_int_eq(cs_wire_get_http_result(&f, &mem, &http), 0);
	ck_assert_int_eq(http.outcome, CS_WAIT);
	ck_assert_int_eq(http.status, 429);
	ck_assert_str_eq(http.body.ptr, "slow down");
	ck_assert_uint_eq(http.n_headers, 3);
	ck_assert_str_eq(http.headers[1].name, "x-empty");
	cs_buf_reset(&b);
	put_service_result(&b);
	f = only_frame(&b, CS_WIRE_SERVICE_RESULT);
	ck_assert_int_eq(cs_wire_get_service_result(&f, &service), 0);
	ck_assert_int_eq(service.rc, -1);
	ck_assert_uint_eq(service.bytes.len, 3);
	ck_assert_mem_eq(service.bytes.ptr, "\0\1\2", 3);
	cs_arena_fini(&mem);
}
END_TEST

START_TEST(small_messages_come_back_whole)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	const char *type, *id, *url, *name, *line;
	struct cs_wire_service service;
	struct cs_wire_done done;
	struct cs_wire_frame f;
	int64_t left, restore;
	struct cs_bytes v;
	int32_t prio;

	put_service(&b);
	f = only_frame(&b, CS_WIRE_SERVICE);
	ck_assert_int_eq(cs_wire_get_service(&f, &service), 0);
	ck_assert(service.kind == CS_SERVICE_HMAC && service.arg == CS_HMAC_SHA1);
	ck_assert_str_eq(service.name, "key");
	ck_assert_str_eq(service.bytes.ptr, "in");

	cs_buf_reset(&b);
	put_receipt(&b);
	f = only_frame(&b, CS_WIRE_RECEIPT);
	ck_assert_int_eq(cs_wire_get_receipt(&f, &name, &v), 0);
	ck_assert_str_eq(name, "create");
	ck_assert_str_eq(v.ptr, "51");
	ck_assert_int_eq(cs_wire_get_fact(&f, &name, &v), CS_ECORRUPT); /* another type */

	cs_buf_reset(&b);
	put_record(&b);
	f = only_frame(&b, CS_WIRE_RECORD);
	ck_assert_int_eq(cs_wire_get_record(&f, &type, &id, &url), 0);
	ck_assert_str_eq(type, "contact");
	ck_assert_str_eq(id, "51");
	ck_assert_str_eq(url, "");

	cs_buf_reset(&b);
	put_budget(&b);
	f = only_frame(&b, CS_WIRE_BUDGET);
	ck_assert_int_eq(cs_wire_get_budget(&f, &name, &left, &restore), 0);
	ck_assert_str_eq(name, "api");
	ck_assert(left == -3 && restore == INT64_MAX);

	cs_buf_reset(&b);
	put_cursor(&b);
	f = only_frame(&b, CS_WIRE_CURSOR);
	ck_assert_int_eq(cs_wire_get_bytes(&f, &v), 0);
	ck_assert_str_eq(v.ptr, "next");

	cs_buf_reset(&b);
	put_log(&b);
	f = only_frame(&b, CS_WIRE_LOG);
	ck_assert_int_eq(cs_wire_get_log(&f, &prio, &line), 0);
	ck_assert_int_eq(prio, CS_PRIO_WARN);
	ck_assert_str_eq(line, "careful");

	cs_buf_reset(&b);
	put_done(&b);
	f = only_frame(&b, CS_WIRE_DONE);
	ck_assert_int_eq(cs_wire_get_done(&f, &done), 0);
	ck_assert_int_eq(done.outcome, 77);
	ck_assert(done.has_retry_after == 1 && done.retry_after_ms == 60000 && done.crash == 11);
	ck_assert_str_eq(done.reason, "r");
	ck_assert_str_eq(done.warnings, "a\nb");
}
END_TEST

START_TEST(a_hello_says_what_the_process_is_held_by)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	struct cs_wire_frame f;
	struct cs_wire_hello m;

	put_hello(&b);
	ck_assert_int_eq(cs_wire_peek(b.ptr, b.len, &f), (long)b.len);
	ck_assert_uint_eq(f.call, 0);
	ck_assert_int_eq(cs_wire_get_hello(&f, &m), 0);
	ck_assert_str_eq(m.build, "b-1");
	ck_assert_str_eq(m.refused, "no entry");
	ck_assert(!m.has_auth && m.has_hook && m.landlock == 7 && m.seccomp == 2 && m.memory == 1 << 28);
	ck_assert_uint_gt(strlen(cs_wire_build), strlen(PACKAGE_VERSION));
}
END_TEST

START_TEST(texts_of_every_length_come_back)
{
	static char long_text[70000];
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	static const size_t far[] = { 254, 255, 256, 257, 4095, 4096, 65535, 65536, 69999 };
	struct cs_wire_frame f;
	struct cs_bytes v;

	memset(long_text, 'y', sizeof(long_text));
	for (size_t i = 0; i < 200 + CS_ARRAY_LEN(far); i++) {
		size_t n = i < 200 ? i : far[i - 200];

		cs_buf_reset(&b);
		ck_assert_int_eq(cs_wire_put_emit(&b, CALL, (struct cs_bytes){ long_text, n }), 0);
		ck_assert_uint_eq(b.len, CS_WIRE_HEADER + 5 + n);
		f = only_frame(&b, CS_WIRE_EMIT);
		ck_assert_int_eq(cs_wire_get_bytes(&f, &v), 0);
		ck_assert_uint_eq(v.len, n);
		ck_assert_mem_eq(v.ptr, long_text, n);
		ck_assert_int_eq(v.ptr[n], '\0');
	}
}
END_TEST

/* ---- limits and damage */

START_TEST(frames_stand_one_behind_the_other)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	struct cs_wire_frame f;
	size_t at = 0, frames = 0;
	long size;

	for (size_t i = 0; i < CS_ARRAY_LEN(puts_one); i++)
		puts_one[i](&b);
	while ((size = cs_wire_peek(b.ptr + at, b.len - at, &f)) > 0) {
		ck_assert_int_eq(decode(&f), 0);
		at += (size_t)size;
		frames++;
	}
	ck_assert_uint_eq(frames, CS_ARRAY_LEN(puts_one));
	ck_assert_uint_eq(at, b.len);
}
END_TEST

START_TEST(a_message_that_is_too_large_leaves_the_buffer_as_it_was)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0), tight = CS_BUF_INIT(100);
	char *huge = calloc(1, CS_WIRE_MAX);
	struct cs_bytes most = { huge, CS_WIRE_MAX - CS_WIRE_HEADER - 5 };
	size_t before;

	put_log(&b);
	before = b.len;
	ck_assert_int_eq(cs_wire_put_emit(&b, CALL, (struct cs_bytes){ huge, most.len + 1 }), CS_ELIMIT);
	ck_assert_int_eq(cs_wire_put_emit(&b, CALL, (struct cs_bytes){ huge, SIZE_MAX - 3 }), CS_ELIMIT);
	ck_assert_uint_eq(b.len, before);
	ck_assert(!b.failed);
	ck_assert_int_eq(judge(b.ptr, b.len), 0);
	ck_assert_int_eq(cs_wire_put_emit(&b, CALL, most), 0);
	ck_assert_int_eq(judge(b.ptr + before, b.len - before), 0);

	put_log(&tight);
	before = tight.len;
	ck_assert_int_eq(cs_wire_put_emit(&tight, CALL, (struct cs_bytes){ huge, 100 }), CS_ELIMIT);
	ck_assert(tight.len == before && !tight.failed);
	free(huge);
}
END_TEST

START_TEST(a_buffer_that_had_failed_before_stays_failed)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(10);

	cs_buf_adds(&b, "longer than ten");
	ck_assert(b.failed);
	ck_assert_int_eq(cs_wire_put_cancel(&b, CALL), CS_ELIMIT);
	ck_assert(b.failed);
}
END_TEST

START_TEST(a_frame_cut_anywhere_wants_more)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);

	puts_one[_i](&b);
	for (size_t n = 0; n < b.len; n++)
		ck_assert_int_eq(judge(b.ptr, n), 1);
	ck_assert_int_eq(judge(b.ptr, b.len), 0);
}
END_TEST

/* The length in front says that the frame ends earlier than its fields do, or later. */
START_TEST(a_frame_that_lies_about_its_length_is_refused)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	uint32_t len;

	puts_one[_i](&b);
	for (size_t n = CS_WIRE_HEADER; n < b.len; n++) {
		len = (uint32_t)(n - sizeof(len));
		memcpy(b.ptr, &len, sizeof(len));
		ck_assert_int_eq(judge(b.ptr, n), CS_ECORRUPT);
	}
	len = (uint32_t)(b.len + 1 - sizeof(len));
	memcpy(b.ptr, &len, sizeof(len));
	ck_assert_int_eq(judge(b.ptr, b.len + 1), CS_ECORRUPT); /* the buffer's NUL is left over */
}
END_TEST

START_TEST(a_flipped_bit_never_crashes_the_reader)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	size_t refused = 0;

	puts_one[_i](&b);
	for (size_t i = 0; i < b.len; i++)
		for (int bit = 0; bit < 8; bit++) {
			b.ptr[i] ^= (char)(1 << bit);
			refused += judge(b.ptr, b.len) != 0;
			b.ptr[i] ^= (char)(1 << bit);
		}
	ck_assert_uint_ge(refused, 60); /* length, type and zero of the head at least */
	ck_assert_int_eq(judge(b.ptr, b.len), 0);
}
END_TEST

/* Every 32-bit word of the frame in turn becomes an odd count or length. */
START_TEST(an_absurd_number_anywhere_never_crashes_the_reader)
{
	static const uint32_t odd[] = { UINT32_MAX, 0x7fffffff, 0x80000000, CS_WIRE_MAX, 0xfffffffb, 1u << 20 };
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	uint32_t was;

	puts_one[_i](&b);
	for (size_t i = 0; i + sizeof(was) <= b.len; i++) {
		memcpy(&was, b.ptr + i, sizeof(was));
		for (size_t k = 0; k < CS_ARRAY_LEN(odd); k++) {
			memcpy(b.ptr + i, &odd[k], sizeof(was));
			judge(b.ptr, b.len);
		}
		memcpy(b.ptr + i, &was, sizeof(was));
	}
	ck_assert_int_eq(judge(b.ptr, b.len), 0);
}
END_TEST

START_TEST(a_text_with_a_nul_inside_is_refused)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);

	put_log(&b);
	*strstr(b.ptr + CS_WIRE_HEADER + 8, "careful") = '\0';
	ck_assert_int_eq(judge(b.ptr, b.len), CS_ECORRUPT);
}
END_TEST

START_TEST(a_head_that_is_none_is_refused)
{
	static const struct {
		uint32_t len;
		uint16_t zero;
	} heads[] = { { 11, 0 }, { 0, 0 }, { CS_WIRE_MAX - 3, 0 }, { UINT32_MAX, 0 }, { 12, 1 } };
	char head[CS_WIRE_HEADER] = { 0 };
	struct cs_wire_frame f;

	for (size_t i = 0; i < CS_ARRAY_LEN(heads); i++) {
		memcpy(head, &heads[i].len, 4);
		memcpy(head + 6, &heads[i].zero, 2);
		ck_assert_int_eq(cs_wire_peek(head, sizeof(head), &f), CS_ECORRUPT);
	}
	memcpy(head, &(uint32_t){ CS_WIRE_MAX - 4 }, 4);
	memset(head + 6, 0, 2);
	ck_assert_int_eq(cs_wire_peek(head, sizeof(head), &f), 0);
}
END_TEST

/* ---- markers */

START_TEST(a_marker_names_nonce_encoding_and_secret)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	uint8_t nonce[16];

	for (size_t i = 0; i < 16; i++)
		nonce[i] = (uint8_t)(0xf0 + i);
	ck_assert_int_eq(cs_wire_marker(&b, nonce, CS_ENC_JSON, "access_token"), 0);
	ck_assert_str_eq(cs_buf_str(&b), "CS-f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff.1.access_token.");
	ck_assert_int_eq(cs_wire_marker(&b, nonce, 5, "access_token"), CS_EINVAL);
	ck_assert_int_eq(cs_wire_marker(&b, nonce, -1, "access_token"), CS_EINVAL);
	ck_assert_int_eq(cs_wire_marker(&b, nonce, CS_ENC_RAW, "a.b"), CS_EINVAL);
	ck_assert_int_eq(cs_wire_marker(&b, nonce, CS_ENC_RAW, ""), CS_EINVAL);
	ck_assert_uint_eq(b.len, 51);
}
END_TEST

int
main(void)
{
	int all = (int)CS_ARRAY_LEN(puts_one), failed;
	Suite *s = suite_create("wire");
	TCase *there = tcase_create("there and back"), *damage = tcase_create("damage");
	SRunner *sr = srunner_create(s);

	tcase_add_test(there, a_call_comes_back_whole);
	tcase_add_test(there, what_a_call_leaves_out_comes_back_empty);
	tcase_add_test(there, a_request_comes_back_whole);
	tcase_add_test(there, what_a_request_leaves_out_is_null);
	tcase_add_test(there, too_many_headers_are_refused_by_the_writer);
	tcase_add_test(there, results_come_back_whole);
	tcase_add_test(there, small_messages_come_back_whole);
	tcase_add_test(there, a_hello_says_what_the_process_is_held_by);
	tcase_add_test(there, texts_of_every_length_come_back);
	tcase_add_test(there, frames_stand_one_behind_the_other);
	tcase_add_test(there, a_marker_names_nonce_encoding_and_secret);
	tcase_add_test(damage, a_message_that_is_too_large_leaves_the_buffer_as_it_was);
	tcase_add_test(damage, a_buffer_that_had_failed_before_stays_failed);
	tcase_add_loop_test(damage, a_frame_cut_anywhere_wants_more, 0, all);
	tcase_add_loop_test(damage, a_frame_that_lies_about_its_length_is_refused, 0, all);
	tcase_add_loop_test(damage, a_flipped_bit_never_crashes_the_reader, 0, all);
	tcase_add_loop_test(damage, an_absurd_number_anywhere_never_crashes_the_reader, 0, all);
	tcase_add_test(damage, a_text_with_a_nul_inside_is_refused);
	tcase_add_test(damage, a_head_that_is_none_is_refused);
	tcase_set_timeout(damage, 60);
	suite_add_tcase(s, there);
	suite_add_tcase(s, damage);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
