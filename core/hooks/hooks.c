/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hooks.c - see hooks.h: the listener's side.
 *
 * All rows of a request are one operation, so an answer of 2xx means that all of it is on disk, and anything else that the CRM
 * may send it again: what was kept the first time is then known by its dedupe key.
 */
#include "config.h"
#include "hooks/hooks.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "hooks/inbound.h"
#include "hooks/receive.h"
#include "log/log.h"
#include "log/metrics.h"

#define RETRY_AFTER_S 5
#define PLUGINS_MAX 64
#define HEADERS_MAX 64

struct cs_hooks {
	pthread_mutex_t lock;          /* guards conf and reader: two listeners may lead here */
	struct cs_conf *conf;
	struct cs_store *reader;
	const struct cs_clock *clock;
	struct cs_writer *writer;
	struct cs_engine *engine;
	struct cs_vault *vault;
	struct cs_complaint refused, unknown; /* lock */
	struct cs_inbound *inbound;    /* engine thread, once it has begun */
	struct cs_msg begin, look;
	_Atomic bool told;             /* look is on its way to the engine */
};

struct hook_op {
	struct cs_wop wop;
	struct cs_hooks *hooks;
	struct cs_http_request *req;
	struct cs_manifest *manifest;
	struct cs_arena mem;
	struct cs_received got;
	size_t n_known;
};

/* ---- to the engine */

static void
on_begin(struct cs_engine *e CS_UNUSED, struct cs_msg *m)
{
	cs_inbound_start(CS_CONTAINER(m, struct cs_hooks, begin)->inbound);
}

static void
on_look(struct cs_engine *e CS_UNUSED, struct cs_msg *m)
{
	struct cs_hooks *h = CS_CONTAINER(m, struct cs_hooks, look);

	h->told = false;
	cs_inbound_look(h->inbound);
}

static void
tell_engine(struct cs_hooks *h)
{
	if (!h->told && !atomic_exchange(&h->told, true))
		cs_engine_post(h->engine, &h->look);
}

/* ---- the writer's part */

static void
op_free(struct hook_op *o)
{
	cs_manifest_unref(o->manifest);
	cs_arena_fini(&o->mem);
	free(o);
}

static int
apply(struct cs_wop *w, struct cs_store *s, int64_t now_ms CS_UNUSED, struct cs_err *err)
{
	struct hook_op *o = CS_CONTAINER(w, struct hook_op, wop);

	o->n_known = 0;
	for (size_t i = 0; i < o->got.n_rows; i++) {
		int rc = s->ops->hook_insert(s, &o->got.rows[i], err);

		if (rc < 0 && rc != CS_EEXIST)
			return rc;
		o->n_known += rc == CS_EEXIST;
	}
	return 0;
}

static void
reply_as_declared(struct hook_op *o)
{
	const struct cs_webhook_row *w = &o->manifest->webhook;
	size_t n = strlen(w->reply_body);

	cs_http_reply(o->req, &(struct cs_http_reply){ .status = w->reply_status, .content_type = n > 0 ? w->reply_type : NULL,
	    .body = w->reply_body, .body_len = n });
}

static void
refuse(struct cs_http_request *req, int status, const char *detail)
{
	struct cs_problem p = { .status = status, .detail = detail };

	cs_http_reply_problem(req, &p, status == 503 ? RETRY_AFTER_S : 0);
}

static void
committed(struct cs_wop *w)
{
	struct hook_op *o = CS_CONTAINER(w, struct hook_op, wop);
	const char *crm = o->manifest->name;

	if (w->rc < 0) {
		cs_metrics_hook(crm, "failed");
		refuse(o->req, 503, "this message could not be kept");
	} else {
		for (size_t i = 0; i < o->got.n_rows; i++)
			cs_metrics_hook(crm, i < o->n_known ? "duplicate" : "received");
		if (o->n_known < o->got.n_rows)
			tell_engine(o->hooks);
		reply_as_declared(o);
	}
	op_free(o);
}

/* ---- the request */

struct headers {
	struct cs_arena *mem;
	struct cs_header v[HEADERS_MAX];
	size_t n;
};

static void
add_header(void *ctx, const char *name, const char *value)
{
	struct headers *h = ctx;

	if (h->n < HEADERS_MAX)
		h->v[h->n++] = (struct cs_header){ cs_arena_strdup(h->mem, name), cs_arena_strdup(h->mem, value) };
}

static void
log_received(struct cs_hooks *h, const struct cs_hook_address *at, const struct cs_received *got, int64_t now_ms)
{
	if (got->status == 401)
		cs_log_complain(&h->refused, now_ms, CS_LOG_WARN, "hooks", "webhook refused", "crm=%s connection=%s why=\"%s\"", at->crm,
		    at->connection, got->why.msg);
	if (got->n_unknown > 0)
		cs_log_complain(&h->unknown, now_ms, CS_LOG_INFO, "hooks", "webhook for a tenant that no connection has", "crm=%s count=%zu",
		    at->crm, got->n_unknown);
}

static void
read_request(struct cs_hooks *h, struct hook_op *o, const struct cs_hook_address *at)
{
	struct headers *headers = cs_arena_alloc(&o->mem, sizeof(*headers));
	struct cs_receive_env env = { .vault = h->vault, .now_ms = cs_now_ms(h->clock) };
	const char *query = strchr(o->req->target, '?');
	struct cs_hook_in in = { .method = o->req->method, .path = o->req->path, .query = query != NULL ? query + 1 : "",
		.body = { o->req->body, o->req->body_len } };

	headers->mem = &o->mem;
	cs_http_request_headers(o->req, add_header, headers);
	in.headers = headers->v;
	in.n_headers = headers->n;
	pthread_mutex_lock(&h->lock);
	env.reader = h->reader;
	env.conf = h->conf;
	in.url = cs_arena_printf(&o->mem, "%s%s", h->conf->public_url, o->req->target);
	cs_hooks_receive(&env, o->manifest, at, &in, &o->mem, &o->got);
	log_received(h, at, &o->got, env.now_ms);
	pthread_mutex_unlock(&h->lock);
}

/* Nothing is to be kept. */
static void
reply_at_once(struct hook_op *o)
{
	const struct cs_received *g = &o->got;

	cs_metrics_hook(o->manifest->name, g->result);
	if (g->status == 0)
		reply_as_declared(o);
	else if (g->status == 405)
		cs_http_reply_error(o->req, 405, g->detail, "Allow", "GET, HEAD, POST");
	else if (g->detail != NULL)
		refuse(o->req, g->status, g->detail);
	else {
		size_t n = strlen(g->body);

		cs_http_reply(o->req, &(struct cs_http_reply){ .status = g->status, .content_type = n > 0 ? g->type : NULL,
		    .body = g->body, .body_len = n });
	}
	op_free(o);
}

static void
take(struct cs_hooks *h, struct cs_http_request *req, const struct cs_hook_address *at, struct cs_manifest *m)
{
	struct hook_op *o = cs_xcalloc(1, sizeof(*o));

	o->hooks = h;
	o->req = req;
	o->manifest = m;
	cs_arena_init(&o->mem);
	read_request(h, o, at);
	if (o->got.n_rows == 0) {
		reply_at_once(o);
		return;
	}
	o->wop.apply = apply;
	o->wop.committed = committed;
	if (!cs_writer_put(h->writer, &o->wop)) {
		o->wop.rc = CS_ECLOSED;
		committed(&o->wop);
	}
}

static bool
is_crowded(struct cs_hooks *h)
{
	bool crowded;

	pthread_mutex_lock(&h->lock);
	crowded = cs_writer_waiting(h->writer) > (size_t)h->conf->limits.writer_queue;
	pthread_mutex_unlock(&h->lock);
	return crowded;
}

void
cs_hooks_handle(void *hooks, struct cs_http_request *req)
{
	struct cs_hooks *h = hooks;
	struct cs_hook_address at;
	struct cs_manifest *m;

	if (!cs_hook_address_read(req->path, &at) || (m = cs_engine_manifest(h->engine, at.crm)) == NULL)
		refuse(req, 404, "no webhooks come in here");
	else if (is_crowded(h)) {
		cs_manifest_unref(m);
		refuse(req, 503, "too much at once");
	} else
		take(h, req, &at, m);
}

size_t
cs_hooks_on_headers(void *hooks, struct cs_http_request *req CS_UNUSED)
{
	struct cs_hooks *h = hooks;
	size_t max;

	pthread_mutex_lock(&h->lock);
	max = (size_t)h->conf->limits.hook_size;
	pthread_mutex_unlock(&h->lock);
	return max;
}

/* ---- life */

int
cs_hooks_start(const struct cs_hooks_conf *conf, struct cs_hooks **out, struct cs_err *err)
{
	struct cs_hooks *h = cs_xcalloc(1, sizeof(*h));

	pthread_mutex_init(&h->lock, NULL);
	h->conf = cs_conf_ref(conf->conf);
	h->reader = conf->reader;
	h->clock = conf->clock;
	h->writer = conf->writer;
	h->engine = conf->engine;
	h->vault = conf->vault;
	h->begin.handle = on_begin;
	h->look.handle = on_look;
	h->inbound = cs_inbound_new(conf->engine);
	if (!cs_engine_post(h->engine, &h->begin)) {
		cs_hooks_stop(h);
		return cs_err_set(err, CS_ECLOSED, "the engine has stopped");
	}
	*out = h;
	return 0;
}

void
cs_hooks_reload(struct cs_hooks *h, struct cs_conf *conf)
{
	struct cs_conf *old;

	pthread_mutex_lock(&h->lock);
	old = h->conf;
	h->conf = cs_conf_ref(conf);
	pthread_mutex_unlock(&h->lock);
	cs_conf_unref(old);
}

void
cs_hooks_stop(struct cs_hooks *h)
{
	if (h == NULL)
		return;
	cs_inbound_free(h->inbound);
	cs_store_close(h->reader);
	cs_conf_unref(h->conf);
	pthread_mutex_destroy(&h->lock);
	free(h);
}
