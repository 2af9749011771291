/* SPDX-License-Identifier: Apache-2.0 */
/*
 * change.c - from a handler to the writer and back to the client.
 */
#include "config.h"
#include "api/change.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "log/log.h"
#include "queue/outcome.h"

#define NOT_WRITTEN "the change could not be written; the daemon's log says why"

/* ---- what the engine hears */

static struct cs_tell *
tell_new(struct cs_tells *t, int64_t conn_id)
{
	if (t->n == t->cap) {
		t->cap = t->cap > 0 ? t->cap * 2 : 8;
		t->v = cs_xrealloc(t->v, t->cap * sizeof(*t->v));
	}
	t->v[t->n] = (struct cs_tell){ .conn_id = conn_id };
	return &t->v[t->n++];
}

void
cs_tells_backlog(struct cs_tells *t, int64_t conn_id, const char *crm, enum cs_lane lane, int64_t n)
{
	struct cs_tell *mine = NULL;

	for (size_t i = 0; i < t->n && mine == NULL; i++)
		if (t->v[i].n > 0 && t->v[i].conn_id == conn_id && t->v[i].lane == lane)
			mine = &t->v[i];
	if (mine == NULL) {
		mine = tell_new(t, conn_id);
		snprintf(mine->crm, sizeof(mine->crm), "%s", crm);
		mine->lane = lane;
	}
	mine->n += n;
}

void
cs_tells_conn(struct cs_tells *t, int64_t conn_id, bool retry_now)
{
	tell_new(t, conn_id)->retry_now = retry_now;
}

void
cs_tells_send(struct cs_tells *t, struct cs_engine *e, int64_t now_ms)
{
	for (size_t i = 0; i < t->n && e != NULL; i++) {
		const struct cs_tell *l = &t->v[i];

		if (l->n > 0)
			cs_engine_post_backlog(e, l->conn_id, l->crm, l->lane, l->n, now_ms);
		else
			cs_engine_post_conn(e, l->conn_id, l->retry_now);
	}
	t->n = 0;
}

void
cs_tells_fini(struct cs_tells *t)
{
	free(t->v);
}

/* ---- changes */

int64_t
cs_api_span_ms(const struct cs_conf *conf)
{
	struct cs_schedule dflt;
	int64_t sum = 0;

	for (size_t i = 0; i < conf->schedule.retry.n && i < CS_SCHEDULE_MAX; i++)
		sum += conf->schedule.retry.v[i].wait_ms;
	if (sum > 0)
		return sum;
	cs_schedule_default(&dflt);
	return cs_schedule_span_ms(&dflt);
}

/* json-c frees without wiping; the texts are ours alone. */
static void
wipe_secrets(json_object *secrets)
{
	if (!json_object_is_type(secrets, json_type_object))
		return;
	json_object_object_foreach(secrets, name, v) {
		(void)name;
		if (json_object_is_type(v, json_type_string))
			cs_wipe((char *)(uintptr_t)json_object_get_string(v), (size_t)json_object_get_string_len(v));
	}
}

void
cs_change_free(struct cs_change *c)
{
	if (c->gone != NULL)
		c->gone(c);
	cs_wipe_free(c->text, 0);
	if (c->secret_body)
		wipe_secrets(cs_json_get(c->body, "secrets"));
	json_object_put(c->body);
	cs_conns_fini(&c->conns);
	cs_arena_fini(&c->mem);
	cs_arena_fini(&c->keep);
	cs_buf_fini(&c->out);
	cs_tells_fini(&c->tells);
	free(c);
}

int
cs_change_refuse(struct cs_change *c, int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->detail, sizeof(c->detail), fmt, ap);
	va_end(ap);
	c->status = status;
	c->refused = true;
	return 0;
}

int
cs_change_refuse_at(struct cs_change *c, int status, const char *pointer, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->detail, sizeof(c->detail), fmt, ap);
	va_end(ap);
	cs_buf_reset(&c->out);
	cs_out_open(&c->out, NULL, '{');
	cs_out_string(&c->out, "pointer", pointer);
	cs_out_string(&c->out, "detail", c->detail);
	cs_out_close(&c->out, '}');
	c->status = status;
	c->refused = true;
	return 0;
}

int
cs_change_answer_deleted(struct cs_change *c)
{
	c->wrote = true;
	cs_out_open(&c->out, NULL, '{');
	cs_out_int(&c->out, "id", c->id);
	cs_out_bool(&c->out, "deleted", true);
	cs_out_close(&c->out, '}');
	return 0;
}

int
cs_change_answer_delivery(struct cs_change *c, struct cs_store *s, int64_t id, struct cs_err *err)
{
	struct cs_delivery_row row;
	int rc;

	if ((rc = s->ops->delivery_get(s, id, &c->mem, &row, err)) < 0)
		return rc;
	cs_out_open(&c->out, NULL, '{');
	cs_render_delivery(&c->out, &row, &c->conns);
	cs_out_close(&c->out, '}');
	return 0;
}

static bool
is_an_answer(int rc)
{
	return rc == CS_ENOTFOUND || rc == CS_ESTATE || rc == CS_EEXIST || rc == CS_ECONFLICT || rc == CS_EINVAL;
}

static int
apply(struct cs_wop *op, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	struct cs_change *c = CS_CONTAINER(op, struct cs_change, op);
	char text[CS_ERR_TEXT];
	int rc;

	cs_conns_fini(&c->conns);
	cs_arena_reset(&c->mem);
	cs_conns_init(&c->conns, s, &c->mem);
	cs_buf_reset(&c->out);
	c->tells.n = 0;
	c->status = 200;
	c->refused = c->wrote = false;
	rc = c->apply(c, s, now_ms, err);
	if (rc >= 0)
		return 0;
	cs_buf_reset(&c->out);
	cs_change_refuse(c, cs_api_status_of(rc), "%s", is_an_answer(rc) ? cs_err_text(err, text, sizeof(text)) : NOT_WRITTEN);
	return is_an_answer(rc) && !c->wrote ? 0 : rc;
}

/* The rows that stand in out are written by hand: they are JSON already. */
static void
answer_refusal(struct cs_change *c)
{
	struct cs_http_reply r = { .status = c->status, .content_type = CS_PROBLEM_TYPE, .own = CS_BODY_TAKE };
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);

	if (c->out.len == 0 || c->op.rc < 0) {
		cs_api_problem(c->req, c->status, NULL, c->detail);
		return;
	}
	cs_out_open(&b, NULL, '{');
	cs_out_string(&b, "type", "about:blank");
	cs_out_string(&b, "title", cs_http_phrase(c->status));
	cs_out_int(&b, "status", c->status);
	cs_out_string(&b, "detail", c->detail);
	cs_out_open(&b, "errors", '[');
	cs_buf_add(&b, c->out.ptr, c->out.len);
	cs_buf_adds(&b, "]}\n");
	r.body = cs_buf_steal(&b, &r.body_len);
	cs_http_reply(c->req, &r);
}

static void
answer(struct cs_change *c)
{
	struct cs_http_reply r = { .status = c->status, .content_type = "application/json", .own = CS_BODY_TAKE };

	if (c->op.rc < 0 && !c->refused) /* the writer left it out by itself */
		cs_change_refuse(c, 503, NOT_WRITTEN);
	if (c->refused) {
		answer_refusal(c);
		return;
	}
	cs_buf_addc(&c->out, '\n');
	r.body = cs_buf_steal(&c->out, &r.body_len);
	cs_http_reply(c->req, &r);
}

static void
committed(struct cs_wop *op)
{
	struct cs_change *c = CS_CONTAINER(op, struct cs_change, op);
	int64_t now_ms = cs_now_ms(c->api->clock);

	if (op->rc == 0 && !c->refused) {
		cs_tells_send(&c->tells, c->api->engine, now_ms);
		if (c->then != NULL)
			c->then(c, now_ms);
	}
	if (c->done != NULL)
		c->done(c, c->refused ? CS_ECLOSED : op->rc);
	answer(c);
	cs_change_free(c);
}

struct cs_change *
cs_change_new(struct cs_api_call *call, int (*fn)(struct cs_change *, struct cs_store *, int64_t, struct cs_err *))
{
	struct cs_change *c = cs_xcalloc(1, sizeof(*c));

	c->op.apply = apply;
	c->op.committed = committed;
	c->api = call->api;
	c->req = call->req;
	c->apply = fn;
	c->span_ms = cs_api_span_ms(call->conf);
	cs_arena_init(&c->keep);
	cs_arena_init(&c->mem);
	cs_conns_init(&c->conns, call->api->reader, &c->mem);
	cs_buf_init(&c->out, CS_API_ANSWER_MAX);
	c->who = call->who;
	c->who.accounts = cs_arena_strdup(&c->keep, call->who.accounts);
	return c;
}

void
cs_change_put(struct cs_change *c)
{
	if (cs_writer_put(c->api->writer, &c->op))
		return;
	cs_api_problem(c->req, 503, NULL, "the daemon is stopping");
	cs_change_free(c);
}
