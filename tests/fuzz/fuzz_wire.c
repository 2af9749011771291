/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_wire.c - any bytes as frames of the wire: no fault of memory, every text ends inside its frame, and what was read is
 * written and read again the same.
 *
 * The input is taken twice: as a stream of frames, and as the body of the message that its first byte names, so that a
 * fuzzer need not guess the head. `make fuzz` runs it; make check replays the seeds with replay.c.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include "wire/wire.h"

#define FRAMES_MAX 64 /* of one stream */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
must(bool good)
{
	if (!good)
		abort();
}

static void
see_text(const char *s)
{
	must(s == NULL || strlen(s) < CS_WIRE_MAX);
}

/* Reads every byte, so that a sanitizer sees one that is not ours. */
static void
see_bytes(struct cs_bytes b)
{
	static volatile unsigned char sum;

	for (size_t i = 0; i < b.len; i++)
		sum = (unsigned char)(sum + ((const unsigned char *)b.ptr)[i]);
}

static void
see_headers(const struct cs_header *h, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		see_text(h[i].name);
		see_text(h[i].value);
	}
}

/* Read a message, write it to `out`. Returns what the reader said. */
typedef int message_fn(const struct cs_wire_frame *f, struct cs_arena *mem, struct cs_buf *out);

static int
call(const struct cs_wire_frame *f, struct cs_arena *mem, struct cs_buf *out)
{
	struct cs_wire_call m;
	int rc = cs_wire_get_call(f, mem, &m);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < m.n_settings; i++)
		see_bytes(m.settings[i].value);
	for (size_t i = 0; i < m.n_receipts; i++)
		see_bytes(m.receipts[i].value);
	see_headers(m.headers, m.n_headers);
	see_bytes(m.document);
	see_bytes(m.body);
	see_text(m.what);
	must(cs_wire_put_call(out, f->call, &m) == 0);
	return 0;
}

static int
http_result(const struct cs_wire_frame *f, struct cs_arena *mem, struct cs_buf *out)
{
	struct cs_wire_http_result m;
	int rc = cs_wire_get_http_result(f, mem, &m);

	if (rc < 0)
		return rc;
	see_headers(m.headers, m.n_headers);
	see_bytes(m.body);
	must(cs_wire_put_http_result(out, f->call, &m) == 0);
	return 0;
}

static int
service_result(const struct cs_wire_frame *f, struct cs_arena *mem CS_UNUSED, struct cs_buf *out)
{
	struct cs_wire_service_result m;
	int rc = cs_wire_get_service_result(f, &m);

	if (rc == 0)
		must(cs_wire_put_service_result(out, f->call, &m) == 0);
	return rc;
}

static int
http(const struct cs_wire_frame *f, struct cs_arena *mem CS_UNUSED, struct cs_buf *out)
{
	struct cs_wire_http m;
	int rc = cs_wire_get_http(f, &m);

	if (rc < 0)
		return rc;
	must(m.req.n_headers <= CS_ARRAY_LEN(m.headers) && m.req.n_capture <= CS_ARRAY_LEN(m.captures));
	see_headers(m.req.headers, m.req.n_headers);
	see_bytes(m.req.body);
	must(cs_wire_put_http(out, f->call, &m.req) == 0);
	return 0;
}

static int
service(const struct cs_wire_frame *f, struct cs_arena *mem CS_UNUSED, struct cs_buf *out)
{
	struct cs_wire_service m;
	int rc = cs_wire_get_service(f, &m);

	if (rc == 0)
		must(cs_wire_put_service(out, f->call, &m) == 0);
	return rc;
}

static int
receipt(const struct cs_wire_frame *f, struct cs_arena *mem CS_UNUSED, struct cs_buf *out)
{
	const char *step;
	struct cs_bytes value;
	int rc = cs_wire_get_receipt(f, &step, &value);

	if (rc == 0)
		must(cs_wire_put_receipt(out, f->call, step, value) == 0);
	return rc;
}

static int
record(const struct cs_wire_frame *f, struct cs_arena *mem CS_UNUSED, struct cs_buf *out)
{
	const char *type, *id, *url;
	int rc = cs_wire_get_record(f, &type, &id, &url);

	if (rc == 0)
		must(cs_wire_put_record(out, f->call, type, id, url) == 0);
	return rc;
}

static int
emit(const struct cs_wire_frame *f, struct cs_arena *mem CS_UNUSED, struct cs_buf *out)
{
	struct cs_bytes b;
	int rc = cs_wire_get_bytes(f, &b);

	if (rc == 0)
		must(cs_wire_put_emit(out, f->call, b) == 0);
	return rc;
}

static int
cursor(const struct cs_wire_frame *f, struct cs_arena *mem CS_UNUSED, struct cs_buf *out)
{
	struct cs_bytes b;
	int rc = cs_wire_get_bytes(f, &b);

	if (rc == 0)
		must(cs_wire_put_cursor(out, f->call, b) == 0);
	return rc;
}

static int
fact(const struct cs_wire_frame *f, struct cs_arena *mem CS_UNUSED, struct cs_buf *out)
{
	const char *name;
	struct cs_bytes value;
	int rc = cs_wire_get_fact(f, &name, &value);

	if (rc == 0)
		must(cs_wire_put_fact(out, f->call, name, value) == 0);
	return rc;
}

static int
budget(const struct cs_wire_frame *f, struct cs_arena *mem CS_UNUSED, struct cs_buf *out)
{
	const char *class;
	int64_t left, restore;
	int rc = cs_wire_get_budget(f, &class, &left, &restore);

	if (rc == 0)
		must(cs_wire_put_budget(out, f->call, class, left, restore) == 0);
	return rc;
}

static int
log_line(const struct cs_wire_frame *f, struct cs_arena *mem CS_UNUSED, struct cs_buf *out)
{
	const char *text;
	int32_t prio;
	int rc = cs_wire_get_log(f, &prio, &text);

	if (rc == 0)
		must(cs_wire_put_log(out, f->call, prio, text) == 0);
	return rc;
}

static int
done(const struct cs_wire_frame *f, struct cs_arena *mem CS_UNUSED, struct cs_buf *out)
{
	struct cs_wire_done m;
	int rc = cs_wire_get_done(f, &m);

	if (rc == 0)
		must(cs_wire_put_done(out, f->call, &m) == 0);
	return rc;
}

static int
hello(const struct cs_wire_frame *f, struct cs_arena *mem CS_UNUSED, struct cs_buf *out)
{
	struct cs_wire_hello m;
	int rc = cs_wire_get_hello(f, &m);

	if (rc == 0)
		must(f->call != 0 || cs_wire_put_hello(out, &m) == 0);
	return f->call != 0 && rc == 0 ? CS_ECORRUPT : rc;
}

static const struct {
	uint16_t type;
	message_fn *message;
} messages[] = {
	{ CS_WIRE_CALL, call }, { CS_WIRE_HTTP_RESULT, http_result }, { CS_WIRE_SERVICE_RESULT, service_result },
	{ CS_WIRE_HTTP, http }, { CS_WIRE_SERVICE, service }, { CS_WIRE_RECEIPT, receipt }, { CS_WIRE_RECORD, record },
	{ CS_WIRE_EMIT, emit }, { CS_WIRE_FACT, fact }, { CS_WIRE_BUDGET, budget }, { CS_WIRE_CURSOR, cursor },
	{ CS_WIRE_LOG, log_line }, { CS_WIRE_DONE, done }, { CS_WIRE_HELLO, hello },
};

/* Read, write, read what was written, write that: both writings are the same. */
static void
there_and_back(message_fn *message, const struct cs_wire_frame *f)
{
	struct cs_buf first = CS_BUF_INIT(0), second = CS_BUF_INIT(0);
	struct cs_wire_frame again;
	struct cs_arena mem;

	cs_arena_init(&mem);
	if (message(f, &mem, &first) == 0) {
		must(cs_wire_peek(first.ptr, first.len, &again) == (long)first.len);
		must(again.type == f->type && again.call == f->call);
		must(message(&again, &mem, &second) == 0);
		must(first.len == second.len && memcmp(first.ptr, second.ptr, first.len) == 0);
	}
	cs_arena_fini(&mem);
	cs_buf_fini(&first);
	cs_buf_fini(&second);
}

static void
try_frame(const struct cs_wire_frame *f)
{
	for (size_t i = 0; i < CS_ARRAY_LEN(messages); i++)
		if (messages[i].type == f->type)
			there_and_back(messages[i].message, f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct cs_wire_frame f;
	size_t at = 0;
	long size;

	for (int i = 0; i < FRAMES_MAX && (size = cs_wire_peek(data + at, n - at, &f)) > 0; i++) {
		must((size_t)size <= n - at);
		try_frame(&f);
		at += (size_t)size;
	}
	if (n > 0) {
		f = (struct cs_wire_frame){ .type = data[0], .call = 1, .body = (const char *)data + 1, .len = n - 1 };
		try_frame(&f);
	}
	return 0;
}
