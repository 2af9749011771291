/* SPDX-License-Identifier: Apache-2.0 */
/*
 * messages.c - what other threads tell the engine: a job in hand, rows in the backlog, a changed connection, a reload.
 *
 * The posting half runs in any thread and only links a message; the handling half runs in the engine's.
 */
#include "deliver/engine_private.h"
#include <stdlib.h>
#include <string.h>
#include "deliver/events.h"

/* ---- messages */

bool
cs_engine_post(struct cs_engine *e, struct cs_msg *m)
{
	cs_list_init(&m->node);
	return cs_handoff_put(&e->inbox, &m->node);
}

static void
handle_job(struct cs_engine *e, struct cs_msg *m)
{
	struct cs_job *j = CS_CONTAINER(m, struct cs_job, msg);
	struct cs_tree_conn *tc = cs_engine_node(e, j->d.conn_id, j->crm);

	e->c.slots->lead_bytes += (int64_t)j->lead->len;
	if (j->d.id >= e->max_seen_id)
		e->max_seen_id = j->d.id + 1;
	cs_list_push(&e->jobs, &j->node);
	cs_tree_add(&e->tree, tc, &j->item, false, cs_now_ms(e->c.clock));
	cs_engine_publish_blocked(e, tc);
}

void
cs_engine_post_job(struct cs_engine *e, struct cs_job *j)
{
	j->msg.handle = handle_job;
	if (!cs_engine_post(e, &j->msg)) { /* stopped: it stays in hand and is found at the next start */
		e->c.slots->in_hand--;
		cs_job_free(j);
	}
}

struct backlog_msg {
	struct cs_msg msg;
	int64_t conn_id, n, earliest_ms;
	enum cs_lane lane;
	char crm[65];
};

static void
handle_backlog(struct cs_engine *e, struct cs_msg *m)
{
	struct backlog_msg *b = CS_CONTAINER(m, struct backlog_msg, msg);
	struct cs_tree_conn *tc = cs_engine_node(e, b->conn_id, b->crm);

	cs_tree_backlog(&e->tree, tc, b->lane, b->n, b->earliest_ms, cs_now_ms(e->c.clock));
	cs_engine_publish_blocked(e, tc);
	free(b);
}

void
cs_engine_post_backlog(struct cs_engine *e, int64_t conn_id, const char *crm, enum cs_lane lane, int64_t n, int64_t earliest_ms)
{
	struct backlog_msg *b = cs_xcalloc(1, sizeof(*b));

	b->msg.handle = handle_backlog;
	b->conn_id = conn_id;
	b->lane = lane;
	b->n = n;
	b->earliest_ms = earliest_ms;
	strncpy(b->crm, crm, sizeof(b->crm) - 1);
	if (!cs_engine_post(e, &b->msg))
		free(b);
}

struct conn_msg {
	struct cs_msg msg;
	int64_t conn_id;
	bool retry_now;
	struct cs_conf *conf;
};

static void
handle_conn(struct cs_engine *e, struct cs_msg *m)
{
	struct conn_msg *c = CS_CONTAINER(m, struct conn_msg, msg);
	struct cs_tree_conn *gone;
	struct cs_conn_row row;
	struct cs_arena mem;

	cs_engine_drop_context(e, c->conn_id);
	cs_arena_init(&mem);
	if (e->c.reader->ops->conn_get(e->c.reader, c->conn_id, &mem, &row, NULL) == 0) {
		struct cs_tree_conn *tc = cs_engine_node(e, c->conn_id, row.crm);
		bool held = row.state != CS_CONN_CONNECTED;

		cs_tree_hold_conn(&e->tree, tc, held, cs_now_ms(e->c.clock));
		if (held)
			cs_engine_drain(e, tc);
		else if (c->retry_now) {
			cs_tree_reset(&e->tree, tc, cs_now_ms(e->c.clock));
			cs_events_recovered(e, tc);
		}
		cs_engine_publish_blocked(e, tc);
	}
	else if ((gone = cs_tree_conn_find(&e->tree, c->conn_id)) != NULL) { /* deleted */
		cs_tree_hold_conn(&e->tree, gone, true, cs_now_ms(e->c.clock));
		cs_engine_drain(e, gone);
	}
	cs_arena_fini(&mem);
	if (e->part != NULL)
		e->part->changed(e->part, c->conn_id);
	free(c);
}

void
cs_engine_post_conn(struct cs_engine *e, int64_t conn_id, bool retry_now)
{
	struct conn_msg *c = cs_xcalloc(1, sizeof(*c));

	c->msg.handle = handle_conn;
	c->conn_id = conn_id;
	c->retry_now = retry_now;
	if (!cs_engine_post(e, &c->msg))
		free(c);
}

struct leave_msg {
	struct cs_msg msg;
	int64_t conn_id;
	void (*then)(void *ctx);
	void *ctx;
};

void
cs_engine_leave(struct cs_engine *e, int64_t conn_id)
{
	struct cs_tree_conn *tc = cs_tree_conn_find(&e->tree, conn_id);

	if (tc == NULL)
		return;
	cs_tree_hold_conn(&e->tree, tc, true, cs_now_ms(e->c.clock));
	cs_engine_drain(e, tc);
}

static void
handle_leave(struct cs_engine *e, struct cs_msg *m)
{
	struct leave_msg *l = CS_CONTAINER(m, struct leave_msg, msg);

	cs_engine_leave(e, l->conn_id);
	l->then(l->ctx);
	free(l);
}

void
cs_engine_post_leave(struct cs_engine *e, int64_t conn_id, void (*then)(void *ctx), void *ctx)
{
	struct leave_msg *l = cs_xcalloc(1, sizeof(*l));

	*l = (struct leave_msg){ .msg = { .handle = handle_leave }, .conn_id = conn_id, .then = then, .ctx = ctx };
	if (cs_engine_post(e, &l->msg))
		return;
	free(l);
	then(ctx);
}

static void
handle_reload(struct cs_engine *e, struct cs_msg *m)
{
	struct conn_msg *c = CS_CONTAINER(m, struct conn_msg, msg);
	struct cs_tree_conn *tc;
	size_t at = 0;

	cs_conf_unref(e->c.conf);
	e->c.conf = c->conf;
	cs_engine_apply_conf(e);
	while ((tc = cs_map_next(&e->tree.conns, &at, NULL)) != NULL)
		cs_engine_post_conn(e, tc->id, false);
	e->c.reader->ops->backlogs(e->c.reader, cs_engine_recall_backlog, e, NULL); /* new connections may have set dead letters free */
	free(c);
}

void
cs_engine_post_reload(struct cs_engine *e, struct cs_conf *conf)
{
	struct conn_msg *c = cs_xcalloc(1, sizeof(*c));

	c->msg.handle = handle_reload;
	c->conf = cs_conf_ref(conf);
	if (!cs_engine_post(e, &c->msg)) {
		cs_conf_unref(c->conf);
		free(c);
	}
}

bool
cs_engine_take_messages(struct cs_engine *e)
{
	struct cs_list in, *n;

	cs_list_init(&in);
	cs_handoff_take(&e->inbox, &in);
	if (cs_list_empty(&in))
		return false;
	while ((n = cs_list_pop(&in)) != NULL) {
		struct cs_msg *m = CS_CONTAINER(n, struct cs_msg, node);

		m->handle(e, m);
	}
	return true;
}
