/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request.c - the way of one request through the server.
 *
 *   begin (request line) -> head checked -> body taken -> handle() -> answered -> completed
 *
 * While the application has a request its connection is suspended, so libmicrohttpd reads nothing from it and frees
 * nothing of it. Who may do what is one atomic word:
 *
 *   PENDING    handle() is running. A reply now (any thread) makes it ANSWERED and is queued when handle() returns.
 *   SUSPENDED  handle() has returned without a reply. The reply makes it ANSWERED and hands it to the server thread, which
 *              alone suspends and resumes connections.
 *   ANSWERED   belongs to the server thread, which queues the response and recycles the request.
 *   ABANDONED  the server is stopping and has answered 503 itself. Two owners: the one that lets go last frees it.
 *
 * Refused requests: the verdict is kept, the rest of the body is thrown away (up to DRAIN_MAX) and then the answer goes
 * out, because a client that is still writing would lose it to a reset. Where the length of the body itself cannot be
 * trusted the answer goes out at once and the connection ends.
 */
#include "config.h"
#include "http/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "http/head.h"
#include "util/clock.h"

#define DRAIN_MAX ((size_t)1 << 20)
#define POOL_MAX 256
#define KEEP_BODY ((size_t)8 << 10)
#define TARGET_MAX ((size_t)8 << 10)

/* ---- begin and end */

static void
destroy(struct request *r)
{
	cs_buf_fini(&r->line);
	cs_buf_fini(&r->body);
	free(r);
}

static struct request *
take_spare(struct cs_http_server *s)
{
	struct cs_list *n = cs_list_pop(&s->pool);
	struct request *r;

	if (n != NULL) {
		s->n_pool--;
		return CS_CONTAINER(n, struct request, link);
	}
	r = cs_xcalloc(1, sizeof(*r));
	cs_list_init(&r->link);
	cs_list_init(&r->answered);
	cs_list_init(&r->pub.link);
	cs_buf_init(&r->line, 0); /* libmicrohttpd takes no head over 16 KiB */
	cs_buf_init(&r->body, 0);
	r->server = s;
	r->pub.ctx = s->conf.ctx;
	return r;
}

void *
cs_request_begin(void *ctx, const char *target, struct MHD_Connection *conn)
{
	struct cs_http_server *s = ctx;
	struct request *r = take_spare(s);

	atomic_fetch_add_explicit(&s->n_active, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&s->n_requests, 1, memory_order_relaxed);
	atomic_store_explicit(&r->state, ST_PENDING, memory_order_relaxed);
	atomic_store_explicit(&r->owners, 2, memory_order_relaxed);
	r->conn = conn;
	r->phase = PH_BEGUN;
	r->begun_us = cs_mono_us();
	cs_buf_adds(&r->line, target);
	return r;
}

static void
release_charge(struct request *r)
{
	atomic_fetch_sub_explicit(&r->server->body_bytes, r->charged, memory_order_relaxed);
	r->charged = 0;
}

/* Back to the pool; server thread. */
static void
recycle(struct request *r)
{
	struct cs_http_server *s = r->server;

	if (r->response != NULL)
		MHD_destroy_response(r->response);
	r->response = NULL;
	if (s->n_pool >= POOL_MAX) {
		destroy(r);
		return;
	}
	if (r->body.cap > KEEP_BODY)
		cs_buf_fini(&r->body);
	cs_buf_reset(&r->body);
	cs_buf_reset(&r->line);
	r->dropped = r->limit = 0;
	r->pub.user = NULL;
	r->pub.body = NULL;
	r->pub.body_len = 0;
	cs_list_insert_before(s->pool.next, &r->link);
	s->n_pool++;
}

static void
let_go(struct request *r)
{
	if (atomic_fetch_sub(&r->owners, 1) == 1)
		destroy(r);
}

void
cs_request_completed(void *ctx, struct MHD_Connection *conn, void **req, enum MHD_RequestTerminationCode why)
{
	struct cs_http_server *s = ctx;
	struct request *r = *req;

	(void)conn;
	(void)why;
	if (r == NULL)
		return;
	*req = NULL;
	release_charge(r);
	if (atomic_load(&r->state) == ST_ABANDONED)
		let_go(r);
	else
		recycle(r);
	atomic_fetch_sub(&s->n_active, 1);
}

void
cs_request_free_pool(struct cs_http_server *s)
{
	CS_LIST_EACH_SAFE(n, next, &s->pool)
		destroy(CS_CONTAINER(n, struct request, link));
	cs_list_init(&s->pool);
}

/* ---- answering */

static struct MHD_Response *
make_response(const struct cs_http_reply *a)
{
	static const enum MHD_ResponseMemoryMode modes[] = { [CS_BODY_COPY] = MHD_RESPMEM_MUST_COPY,
		                                             [CS_BODY_TAKE] = MHD_RESPMEM_MUST_FREE,
		                                             [CS_BODY_STATIC] = MHD_RESPMEM_PERSISTENT };
	union {
		const void *in;
		void *out;
	} body = { .in = a->body };
	struct MHD_Response *m = MHD_create_response_from_buffer(a->body_len, body.out, modes[a->own]);

	if (m == NULL)
		abort(); /* out of memory, as in mem.h */
	if (a->content_type != NULL)
		MHD_add_response_header(m, MHD_HTTP_HEADER_CONTENT_TYPE, a->content_type);
	for (size_t i = 0; i < a->n_headers; i++)
		MHD_add_response_header(m, a->headers[i].name, a->headers[i].value);
	return m;
}

void
cs_http_reply(struct cs_http_request *req, const struct cs_http_reply *a)
{
	struct request *r = cs_request_of(req);
	struct MHD_Response *m;
	int seen;

	if (req->divert != NULL) {
		req->divert(req, a);
		return;
	}
	m = make_response(a);
	seen = atomic_load(&r->state);
	do {
		if (seen == ST_ABANDONED) {
			MHD_destroy_response(m);
			let_go(r);
			return;
		}
		r->response = m; /* nobody reads it before ANSWERED */
		r->status = a->status;
	} while (!atomic_compare_exchange_weak(&r->state, &seen, ST_ANSWERED));
	if (seen == ST_SUSPENDED)
		cs_handoff_put(&r->server->answered, &r->answered);
}

void
cs_http_reply_json(struct cs_http_request *req, int status, const char *json, size_t len)
{
	struct cs_http_reply a = { .status = status, .content_type = "application/json", .body = json, .body_len = len };

	cs_http_reply(req, &a);
}

static void
reply_problem(struct cs_http_request *req, const struct cs_problem *p, const struct cs_http_header *header)
{
	struct cs_http_reply a = { .status = p->status, .content_type = CS_PROBLEM_TYPE, .own = CS_BODY_TAKE,
		.headers = header, .n_headers = header != NULL };
	struct cs_buf text = CS_BUF_INIT(0);

	cs_problem_write(&text, p);
	a.body = cs_buf_steal(&text, &a.body_len);
	cs_http_reply(req, &a);
}

void
cs_http_reply_problem(struct cs_http_request *req, const struct cs_problem *p, int retry_after_s)
{
	char seconds[16];
	struct cs_http_header retry = { "Retry-After", seconds };

	snprintf(seconds, sizeof(seconds), "%d", retry_after_s);
	reply_problem(req, p, retry_after_s > 0 ? &retry : NULL);
}

void
cs_http_reply_error(struct cs_http_request *req, int status, const char *detail, const char *header, const char *value)
{
	const struct cs_problem p = { .status = status, .detail = detail };
	const struct cs_http_header more = { header, value };

	reply_problem(req, &p, header != NULL ? &more : NULL);
}

static bool
is_answered(const struct request *r)
{
	return atomic_load_explicit(&r->state, memory_order_acquire) == ST_ANSWERED;
}

static enum MHD_Result
queue_response(struct request *r)
{
	struct MHD_Response *m = r->response;
	enum MHD_Result rc;

	r->response = NULL;
	if (atomic_load_explicit(&r->server->quiesced, memory_order_relaxed))
		MHD_add_response_header(m, MHD_HTTP_HEADER_CONNECTION, "close");
	rc = MHD_queue_response(r->conn, (unsigned)r->status, m);
	MHD_destroy_response(m);
	return rc;
}

/* The server's own verdict on a request that the application has not seen. */
static void
refuse(struct request *r, int status, const char *detail)
{
	struct cs_problem p = { .status = status, .detail = detail };

	atomic_fetch_add_explicit(&r->server->n_refused, 1, memory_order_relaxed);
	cs_http_reply_problem(&r->pub, &p, status == 503 ? 1 : 0);
}

/* ---- checking the head */

/* How much body it may have, and whether the application wants it at all. */
static void
ask_limit(struct request *r, const struct cs_head *h)
{
	const struct cs_http_server_conf *conf = &r->server->conf;

	r->limit = conf->on_headers != NULL ? conf->on_headers(conf->ctx, &r->pub) : 0;
	if (r->limit == 0)
		r->limit = conf->max_body;
	if (!is_answered(r) && h->length != NULL && strtoull(h->length, NULL, 10) > r->limit)
		refuse(r, 413, "the body is larger than allowed here");
}

/* Copies: the application may still read them when the connection has been abandoned and is gone. */
static void
keep_line(struct request *r, const char *path, const char *method)
{
	size_t path_at = r->line.len + 1, method_at = path_at + strlen(path) + 1;

	r->target_len = r->line.len;
	cs_buf_add(&r->line, "", 1);
	cs_buf_add(&r->line, path, strlen(path) + 1);
	cs_buf_adds(&r->line, method);
	r->pub.target = r->line.ptr;
	r->pub.path = r->line.ptr + path_at;
	r->pub.method = r->line.ptr + method_at;
}

static const char *
path_fault(const struct request *r)
{
	const struct cs_http_server_conf *conf = &r->server->conf;
	const char *fault;

	if ((fault = cs_target_fault(r->pub.target)) != NULL || (fault = cs_path_fault(r->pub.path)) != NULL)
		return fault;
	if (cs_target_has_slash(r->pub.target) && (conf->slash_in == NULL || !conf->slash_in(conf->ctx, &r->pub)))
		return "the path has an encoded slash";
	return NULL;
}

static enum MHD_Result
check_head(struct request *r, const char *path, const char *method, const char *version)
{
	struct cs_head h = { 0 };
	const char *fault;

	r->phase = PH_BODY;
	keep_line(r, path, method);
	cs_head_read(r->conn, &h);
	if ((fault = cs_head_fault(&h, version)) != NULL) {
		refuse(r, 400, fault);
		return queue_response(r); /* now: libmicrohttpd closes after an answer that came before the body */
	}
	if (r->target_len > TARGET_MAX)
		refuse(r, 414, "the request target is too long");
	else if ((fault = path_fault(r)) != NULL)
		refuse(r, 400, fault);
	else if (r->server->stopping)
		refuse(r, 503, "the server is stopping");
	else
		ask_limit(r, &h);
	if (!is_answered(r))
		return MHD_YES;
	/* a client that waits for "100 Continue" sends no body, and a huge one is not worth reading */
	if (MHD_lookup_connection_value(r->conn, MHD_HEADER_KIND, "Expect") != NULL ||
	    (h.length != NULL && strtoull(h.length, NULL, 10) > DRAIN_MAX))
		return queue_response(r);
	return MHD_YES;
}

/* ---- the body */

static void
drop_body(struct request *r)
{
	release_charge(r);
	cs_buf_fini(&r->body);
}

static bool
charge(struct request *r, size_t n)
{
	struct cs_http_server *s = r->server;

	if (atomic_fetch_add_explicit(&s->body_bytes, n, memory_order_relaxed) + n <= s->conf.max_bodies_total) {
		r->charged += n;
		return true;
	}
	atomic_fetch_sub_explicit(&s->body_bytes, n, memory_order_relaxed);
	atomic_fetch_add_explicit(&s->n_over_budget, 1, memory_order_relaxed);
	return false;
}

static enum MHD_Result
take_body(struct request *r, const char *data, size_t n)
{
	if (cs_mono_us() - r->begun_us > r->server->conf.body_timeout_ms * 1000)
		return MHD_NO; /* a trickle; closes the connection */
	if (is_answered(r)) {
		r->dropped += n;
		return r->dropped > DRAIN_MAX ? MHD_NO : MHD_YES;
	}
	if (r->body.len + n > r->limit) {
		drop_body(r);
		refuse(r, 413, "the body is larger than allowed here");
	} else if (!charge(r, n)) {
		drop_body(r);
		refuse(r, 503, "too many requests are being read");
	} else {
		cs_buf_add(&r->body, data, n);
	}
	return MHD_YES;
}

/* ---- handing over */

static enum MHD_Result
hand_over(struct request *r)
{
	struct cs_http_server *s = r->server;
	int seen = ST_PENDING;

	r->phase = PH_WHOLE;
	r->pub.body = cs_buf_str(&r->body);
	r->pub.body_len = r->body.len;
	s->conf.handle(s->conf.ctx, &r->pub);
	if (!atomic_compare_exchange_strong(&r->state, &seen, ST_SUSPENDED))
		return queue_response(r);
	MHD_suspend_connection(r->conn);
	cs_list_push(&s->suspended, &r->link);
	s->n_suspended++;
	return MHD_YES;
}

/* The next run of libmicrohttpd goes on with its connection. */
static void
resume(struct request *r)
{
	cs_list_del(&r->link);
	r->server->n_suspended--;
	MHD_resume_connection(r->conn);
}

void
cs_request_resume_answered(struct cs_http_server *s)
{
	struct cs_list batch, *n;

	cs_list_init(&batch);
	cs_handoff_take(&s->answered, &batch);
	while ((n = cs_list_pop(&batch)) != NULL)
		resume(CS_CONTAINER(n, struct request, answered));
}

void
cs_request_abandon_all(struct cs_http_server *s)
{
	CS_LIST_EACH_SAFE(n, next, &s->suspended) {
		struct request *r = CS_CONTAINER(n, struct request, link);
		int seen = ST_SUSPENDED;

		if (atomic_compare_exchange_strong(&r->state, &seen, ST_ABANDONED))
			resume(r);
	}
}

/* The connection has been resumed. */
static enum MHD_Result
come_back(struct request *r)
{
	struct cs_problem p = { .status = 503, .detail = "the server is stopping" };
	struct cs_http_reply a = { .status = 503, .content_type = CS_PROBLEM_TYPE, .own = CS_BODY_TAKE };
	struct cs_buf text = CS_BUF_INIT(0);
	struct MHD_Response *m;
	enum MHD_Result rc;

	if (is_answered(r))
		return queue_response(r);
	cs_problem_write(&text, &p); /* abandoned: r->response is not ours to touch */
	a.body = cs_buf_steal(&text, &a.body_len);
	m = make_response(&a);
	MHD_add_response_header(m, MHD_HTTP_HEADER_CONNECTION, "close");
	MHD_add_response_header(m, MHD_HTTP_HEADER_RETRY_AFTER, "1");
	rc = MHD_queue_response(r->conn, 503, m);
	MHD_destroy_response(m);
	return rc;
}

enum MHD_Result
cs_request_access(void *ctx, struct MHD_Connection *conn, const char *url, const char *method, const char *version,
                  const char *data, size_t *data_len, void **req)
{
	struct request *r = *req;
	size_t n = *data_len;

	(void)ctx;
	(void)conn;
	switch (r->phase) {
	case PH_BEGUN:
		return check_head(r, url, method, version);
	case PH_BODY:
		*data_len = 0;
		if (n > 0)
			return take_body(r, data, n);
		return is_answered(r) ? queue_response(r) : hand_over(r);
	default:
		return come_back(r);
	}
}
