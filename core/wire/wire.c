/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire.c - the fields of every message, each listed once.
 *
 * A function NAME_fields(codec, struct) names the fields in their order; cs_wire_put_NAME runs it on a writer with a copy
 * of the caller's struct, cs_wire_get_NAME on a reader. How a field looks in bytes is codec.c's business.
 */
#include "config.h"
#include "wire/codec.h"

#include "util/text.h"

#include <endian.h>
#include <string.h>

#define MIN_BYTES ((size_t)5) /* an empty text or byte string */

long
cs_wire_peek(const void *p, size_t n, struct cs_wire_frame *f)
{
	uint32_t len;
	uint16_t type, zero;
	uint64_t call;

	if (n < CS_WIRE_HEADER)
		return 0;
	memcpy(&len, p, sizeof(len));
	memcpy(&type, (const char *)p + 4, sizeof(type));
	memcpy(&zero, (const char *)p + 6, sizeof(zero));
	memcpy(&call, (const char *)p + 8, sizeof(call));
	len = le32toh(len);
	if (len < CS_WIRE_HEADER - sizeof(len) || len > CS_WIRE_MAX - sizeof(len) || zero != 0)
		return CS_ECORRUPT;
	if (n - sizeof(len) < len)
		return 0;
	f->type = le16toh(type);
	f->call = le64toh(call);
	f->body = (const char *)p + CS_WIRE_HEADER;
	f->len = len + sizeof(len) - CS_WIRE_HEADER;
	return (long)(len + sizeof(len));
}

/* ---- parts that several messages have */

/* Room for n elements of a list that is being read. */
static void *
elements(struct cs_codec *c, size_t n, size_t size)
{
	return cs_arena_alloc(c->mem, n * size);
}

static void
header_fields(struct cs_codec *c, struct cs_header *h)
{
	cs_codec_text(c, &h->name);
	cs_codec_text(c, &h->value);
}

static void
headers_fields(struct cs_codec *c, const struct cs_header **list, size_t *n)
{
	struct cs_header *v = NULL, one;

	cs_codec_count(c, n, 2 * MIN_BYTES);
	if (c->out == NULL)
		*list = v = elements(c, *n, sizeof(*v));
	for (size_t i = 0; i < *n; i++) {
		one = (*list)[i];
		header_fields(c, v != NULL ? &v[i] : &one);
	}
}

static void
pairs_fields(struct cs_codec *c, const struct cs_wire_pair **list, size_t *n)
{
	struct cs_wire_pair *v = NULL, one, *p;

	cs_codec_count(c, n, 2 * MIN_BYTES);
	if (c->out == NULL)
		*list = v = elements(c, *n, sizeof(*v));
	for (size_t i = 0; i < *n; i++) {
		one = (*list)[i];
		p = v != NULL ? &v[i] : &one;
		cs_codec_text(c, &p->name);
		cs_codec_bytes(c, &p->value);
	}
}

static void
receipts_fields(struct cs_codec *c, const struct cs_wire_receipt **list, size_t *n)
{
	struct cs_wire_receipt *v = NULL, one, *p;

	cs_codec_count(c, n, 4 + 2 * MIN_BYTES);
	if (c->out == NULL)
		*list = v = elements(c, *n, sizeof(*v));
	for (size_t i = 0; i < *n; i++) {
		one = (*list)[i];
		p = v != NULL ? &v[i] : &one;
		cs_codec_text(c, &p->step);
		cs_codec_i32(c, &p->state);
		cs_codec_bytes(c, &p->value);
	}
}

/* ---- core -> runner */

static void
call_fields(struct cs_codec *c, struct cs_wire_call *m)
{
	cs_codec_i32(c, &m->kind);
	cs_codec_i32(c, &m->what_kind);
	cs_codec_i64(c, &m->now_ms);
	cs_codec_raw(c, m->nonce, sizeof(m->nonce));
	cs_codec_u64(c, &m->instance);
	cs_codec_u64(c, &m->instance_version);
	cs_codec_text(c, &m->delivery_id);
	cs_codec_i32(c, &m->attempt);
	cs_codec_i32(c, &m->may_exist);
	cs_codec_lead(c, &m->lead);
	cs_codec_bytes(c, &m->document);
	cs_codec_text(c, &m->what);
	pairs_fields(c, &m->settings, &m->n_settings);
	pairs_fields(c, &m->facts, &m->n_facts);
	receipts_fields(c, &m->receipts, &m->n_receipts);
	cs_codec_bytes(c, &m->body);
	cs_codec_bytes(c, &m->cursor);
	headers_fields(c, &m->headers, &m->n_headers);
	cs_codec_text(c, &m->query);
	cs_codec_text(c, &m->channel);
	cs_codec_i32(c, &m->is_verified);
}

int
cs_wire_put_call(struct cs_buf *b, uint64_t call, const struct cs_wire_call *m)
{
	struct cs_wire_call copy = *m;
	struct cs_codec c;

	cs_codec_write(&c, b, CS_WIRE_CALL, call);
	call_fields(&c, &copy);
	return cs_codec_written(&c);
}

int
cs_wire_get_call(const struct cs_wire_frame *f, struct cs_arena *mem, struct cs_wire_call *m)
{
	struct cs_codec c;

	memset(m, 0, sizeof(*m));
	cs_codec_read(&c, f, CS_WIRE_CALL, mem);
	call_fields(&c, m);
	return cs_codec_was_read(&c);
}

static void
http_result_fields(struct cs_codec *c, struct cs_wire_http_result *m)
{
	cs_codec_i32(c, &m->outcome);
	cs_codec_i32(c, &m->status);
	cs_codec_bytes(c, &m->body);
	headers_fields(c, &m->headers, &m->n_headers);
}

int
cs_wire_put_http_result(struct cs_buf *b, uint64_t call, const struct cs_wire_http_result *m)
{
	struct cs_wire_http_result copy = *m;
	struct cs_codec c;

	cs_codec_write(&c, b, CS_WIRE_HTTP_RESULT, call);
	http_result_fields(&c, &copy);
	return cs_codec_written(&c);
}

int
cs_wire_get_http_result(const struct cs_wire_frame *f, struct cs_arena *mem, struct cs_wire_http_result *m)
{
	struct cs_codec c;

	memset(m, 0, sizeof(*m));
	cs_codec_read(&c, f, CS_WIRE_HTTP_RESULT, mem);
	http_result_fields(&c, m);
	return cs_codec_was_read(&c);
}

static void
service_result_fields(struct cs_codec *c, struct cs_wire_service_result *m)
{
	cs_codec_i32(c, &m->rc);
	cs_codec_bytes(c, &m->bytes);
}

int
cs_wire_put_service_result(struct cs_buf *b, uint64_t call, const struct cs_wire_service_result *m)
{
	struct cs_wire_service_result copy = *m;
	struct cs_codec c;

	cs_codec_write(&c, b, CS_WIRE_SERVICE_RESULT, call);
	service_result_fields(&c, &copy);
	return cs_codec_written(&c);
}

int
cs_wire_get_service_result(const struct cs_wire_frame *f, struct cs_wire_service_result *m)
{
	struct cs_codec c;

	memset(m, 0, sizeof(*m));
	cs_codec_read(&c, f, CS_WIRE_SERVICE_RESULT, NULL);
	service_result_fields(&c, m);
	return cs_codec_was_read(&c);
}

int
cs_wire_put_cancel(struct cs_buf *b, uint64_t call)
{
	struct cs_codec c;

	cs_codec_write(&c, b, CS_WIRE_CANCEL, call);
	return cs_codec_written(&c);
}

/* ---- runner -> core */

static void
request_fields(struct cs_codec *c, struct cs_http_req *m)
{
	cs_codec_i32(c, &m->mutates);
	cs_codec_text(c, &m->step);
	cs_codec_text_opt(c, &m->looks_for);
	cs_codec_text(c, &m->method);
	cs_codec_text(c, &m->url);
	cs_codec_text_opt(c, &m->query);
	cs_codec_text_opt(c, &m->content_type);
	cs_codec_bytes(c, &m->body);
	cs_codec_text_opt(c, &m->limit_class);
	cs_codec_i64(c, &m->cost);
	cs_codec_i64(c, &m->timeout_ms);
	cs_codec_count(c, &m->n_headers, 2 * MIN_BYTES);
	cs_codec_count(c, &m->n_capture, 4 + 2 * MIN_BYTES);
}

static void
capture_fields(struct cs_codec *c, struct cs_capture *m)
{
	cs_codec_text(c, &m->pointer);
	cs_codec_text(c, &m->name);
	cs_codec_i32(c, &m->kind);
}

static void
http_fields(struct cs_codec *c, struct cs_wire_http *m)
{
	request_fields(c, &m->req);
	if (m->req.n_headers > CS_ARRAY_LEN(m->headers) || m->req.n_capture > CS_ARRAY_LEN(m->captures)) {
		c->bad = true;
		return;
	}
	for (size_t i = 0; i < m->req.n_headers; i++)
		header_fields(c, &m->headers[i]);
	for (size_t i = 0; i < m->req.n_capture; i++)
		capture_fields(c, &m->captures[i]);
}

int
cs_wire_put_http(struct cs_buf *b, uint64_t call, const struct cs_http_req *req)
{
	struct cs_wire_http copy;
	struct cs_codec c;

	if (req->n_headers > CS_ARRAY_LEN(copy.headers) || req->n_capture > CS_ARRAY_LEN(copy.captures))
		return CS_ELIMIT;
	copy.req = *req;
	if (req->n_headers > 0)
		memcpy(copy.headers, req->headers, req->n_headers * sizeof(copy.headers[0]));
	if (req->n_capture > 0)
		memcpy(copy.captures, req->capture, req->n_capture * sizeof(copy.captures[0]));
	cs_codec_write(&c, b, CS_WIRE_HTTP, call);
	http_fields(&c, &copy);
	return cs_codec_written(&c);
}

int
cs_wire_get_http(const struct cs_wire_frame *f, struct cs_wire_http *m)
{
	struct cs_codec c;

	memset(m, 0, sizeof(*m));
	cs_codec_read(&c, f, CS_WIRE_HTTP, NULL);
	http_fields(&c, m);
	m->req.struct_size = sizeof(m->req);
	m->req.headers = m->headers;
	m->req.capture = m->captures;
	return cs_codec_was_read(&c);
}

static void
service_fields(struct cs_codec *c, struct cs_wire_service *m)
{
	cs_codec_i32(c, &m->kind);
	cs_codec_i32(c, &m->arg);
	cs_codec_text(c, &m->name);
	cs_codec_bytes(c, &m->bytes);
}

int
cs_wire_put_service(struct cs_buf *b, uint64_t call, const struct cs_wire_service *m)
{
	struct cs_wire_service copy = *m;
	struct cs_codec c;

	cs_codec_write(&c, b, CS_WIRE_SERVICE, call);
	service_fields(&c, &copy);
	return cs_codec_written(&c);
}

int
cs_wire_get_service(const struct cs_wire_frame *f, struct cs_wire_service *m)
{
	struct cs_codec c;

	memset(m, 0, sizeof(*m));
	cs_codec_read(&c, f, CS_WIRE_SERVICE, NULL);
	service_fields(&c, m);
	return cs_codec_was_read(&c);
}

/* A receipt and a fact are both a name with a value. */
static int
put_named(struct cs_buf *b, uint16_t type, uint64_t call, const char *name, struct cs_bytes value)
{
	struct cs_codec c;

	cs_codec_write(&c, b, type, call);
	cs_codec_text(&c, &name);
	cs_codec_bytes(&c, &value);
	return cs_codec_written(&c);
}

static int
get_named(const struct cs_wire_frame *f, uint16_t type, const char **name, struct cs_bytes *value)
{
	struct cs_codec c;

	*name = "";
	*value = (struct cs_bytes){ "", 0 };
	cs_codec_read(&c, f, type, NULL);
	cs_codec_text(&c, name);
	cs_codec_bytes(&c, value);
	return cs_codec_was_read(&c);
}

int
cs_wire_put_receipt(struct cs_buf *b, uint64_t call, const char *step, struct cs_bytes value)
{
	return put_named(b, CS_WIRE_RECEIPT, call, step, value);
}

int
cs_wire_get_receipt(const struct cs_wire_frame *f, const char **step, struct cs_bytes *value)
{
	return get_named(f, CS_WIRE_RECEIPT, step, value);
}

int
cs_wire_put_fact(struct cs_buf *b, uint64_t call, const char *name, struct cs_bytes value)
{
	return put_named(b, CS_WIRE_FACT, call, name, value);
}

int
cs_wire_get_fact(const struct cs_wire_frame *f, const char **name, struct cs_bytes *value)
{
	return get_named(f, CS_WIRE_FACT, name, value);
}

static void
record_fields(struct cs_codec *c, const char **type, const char **id, const char **url)
{
	cs_codec_text(c, type);
	cs_codec_text(c, id);
	cs_codec_text(c, url);
}

int
cs_wire_put_record(struct cs_buf *b, uint64_t call, const char *type, const char *id, const char *url)
{
	struct cs_codec c;

	cs_codec_write(&c, b, CS_WIRE_RECORD, call);
	record_fields(&c, &type, &id, &url);
	return cs_codec_written(&c);
}

int
cs_wire_get_record(const struct cs_wire_frame *f, const char **type, const char **id, const char **url)
{
	struct cs_codec c;

	*type = *id = *url = "";
	cs_codec_read(&c, f, CS_WIRE_RECORD, NULL);
	record_fields(&c, type, id, url);
	return cs_codec_was_read(&c);
}

static int
put_bytes(struct cs_buf *b, uint16_t type, uint64_t call, struct cs_bytes bytes)
{
	struct cs_codec c;

	cs_codec_write(&c, b, type, call);
	cs_codec_bytes(&c, &bytes);
	return cs_codec_written(&c);
}

int
cs_wire_put_emit(struct cs_buf *b, uint64_t call, struct cs_bytes out)
{
	return put_bytes(b, CS_WIRE_EMIT, call, out);
}

int
cs_wire_put_cursor(struct cs_buf *b, uint64_t call, struct cs_bytes cursor)
{
	return put_bytes(b, CS_WIRE_CURSOR, call, cursor);
}

int
cs_wire_get_bytes(const struct cs_wire_frame *f, struct cs_bytes *out)
{
	struct cs_codec c;

	*out = (struct cs_bytes){ "", 0 };
	cs_codec_read(&c, f, f->type == CS_WIRE_CURSOR ? CS_WIRE_CURSOR : CS_WIRE_EMIT, NULL);
	cs_codec_bytes(&c, out);
	return cs_codec_was_read(&c);
}

static void
budget_fields(struct cs_codec *c, const char **limit_class, int64_t *left, int64_t *restore_per_s)
{
	cs_codec_text(c, limit_class);
	cs_codec_i64(c, left);
	cs_codec_i64(c, restore_per_s);
}

int
cs_wire_put_budget(struct cs_buf *b, uint64_t call, const char *limit_class, int64_t left, int64_t restore_per_s)
{
	struct cs_codec c;

	cs_codec_write(&c, b, CS_WIRE_BUDGET, call);
	budget_fields(&c, &limit_class, &left, &restore_per_s);
	return cs_codec_written(&c);
}

int
cs_wire_get_budget(const struct cs_wire_frame *f, const char **limit_class, int64_t *left, int64_t *restore_per_s)
{
	struct cs_codec c;

	*limit_class = "";
	*left = *restore_per_s = 0;
	cs_codec_read(&c, f, CS_WIRE_BUDGET, NULL);
	budget_fields(&c, limit_class, left, restore_per_s);
	return cs_codec_was_read(&c);
}

int
cs_wire_put_log(struct cs_buf *b, uint64_t call, int32_t prio, const char *text)
{
	struct cs_codec c;

	cs_codec_write(&c, b, CS_WIRE_LOG, call);
	cs_codec_i32(&c, &prio);
	cs_codec_text(&c, &text);
	return cs_codec_written(&c);
}

int
cs_wire_get_log(const struct cs_wire_frame *f, int32_t *prio, const char **text)
{
	struct cs_codec c;

	*prio = 0;
	*text = "";
	cs_codec_read(&c, f, CS_WIRE_LOG, NULL);
	cs_codec_i32(&c, prio);
	cs_codec_text(&c, text);
	return cs_codec_was_read(&c);
}

static void
done_fields(struct cs_codec *c, struct cs_wire_done *m)
{
	cs_codec_i32(c, &m->outcome);
	cs_codec_i32(c, &m->has_retry_after);
	cs_codec_i64(c, &m->retry_after_ms);
	cs_codec_text(c, &m->reason);
	cs_codec_text(c, &m->warnings);
	cs_codec_i32(c, &m->crash);
}

int
cs_wire_put_done(struct cs_buf *b, uint64_t call, const struct cs_wire_done *m)
{
	struct cs_wire_done copy = *m;
	struct cs_codec c;

	cs_codec_write(&c, b, CS_WIRE_DONE, call);
	done_fields(&c, &copy);
	return cs_codec_written(&c);
}

int
cs_wire_get_done(const struct cs_wire_frame *f, struct cs_wire_done *m)
{
	struct cs_codec c;

	memset(m, 0, sizeof(*m));
	cs_codec_read(&c, f, CS_WIRE_DONE, NULL);
	done_fields(&c, m);
	return cs_codec_was_read(&c);
}

static void
hello_fields(struct cs_codec *c, struct cs_wire_hello *m)
{
	cs_codec_text(c, &m->build);
	cs_codec_text(c, &m->refused);
	cs_codec_i32(c, &m->has_auth);
	cs_codec_i32(c, &m->has_hook);
	cs_codec_i32(c, &m->landlock);
	cs_codec_i32(c, &m->seccomp);
	cs_codec_i64(c, &m->memory);
}

int
cs_wire_put_hello(struct cs_buf *b, const struct cs_wire_hello *m)
{
	struct cs_wire_hello copy = *m;
	struct cs_codec c;

	cs_codec_write(&c, b, CS_WIRE_HELLO, 0);
	hello_fields(&c, &copy);
	return cs_codec_written(&c);
}

int
cs_wire_get_hello(const struct cs_wire_frame *f, struct cs_wire_hello *m)
{
	struct cs_codec c;

	memset(m, 0, sizeof(*m));
	cs_codec_read(&c, f, CS_WIRE_HELLO, NULL);
	hello_fields(&c, m);
	return cs_codec_was_read(&c);
}

/* ---- */

int
cs_wire_marker(struct cs_buf *b, const uint8_t nonce[16], int32_t enc, const char *name)
{
	if (enc < CS_ENC_RAW || enc > CS_ENC_BASIC || !cs_is_ident(name, 64, "_"))
		return CS_EINVAL;
	cs_buf_adds(b, CS_MARKER_OPEN);
	cs_hex_add(b, nonce, 16);
	return cs_buf_printf(b, ".%d.%s.", (int)enc, name);
}
