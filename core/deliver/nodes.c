/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nodes.c - what the engine keeps in memory of a connection: its context, its node in the tree, its jobs.
 *
 * A connection comes to life with its first work and is forgotten when it rests and there are many. Whether a fresh
 * delivery of it would have to wait is published for the writer (slots->blocked).
 */
#include "deliver/engine_private.h"
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "deliver/results.h"
#include "log/log.h"

#define NODES_KEPT 2048

/* ---- contexts */

static struct cs_remote *
remote_of(void *ctx, const char *crm)
{
	return cs_engine_remote(ctx, crm);
}

struct cs_context *
cs_engine_context(struct cs_engine *e, int64_t conn_id, struct cs_err *err)
{
	struct cs_context_source src = { e->c.reader, e->c.vault, e->c.conf, remote_of, e, NULL };
	struct cs_context *c = cs_map_get(&e->contexts, (uint64_t)conn_id);

	if (c != NULL)
		return c;
	if (cs_context_new(&src, conn_id, &c, err) < 0)
		return NULL;
	cs_map_put(&e->contexts, (uint64_t)conn_id, c);
	return c;
}

struct cs_context *
cs_engine_try_context(struct cs_engine *e, int64_t conn_id, const struct cs_candidate *candidate, struct cs_err *err)
{
	struct cs_context_source src = { e->c.reader, e->c.vault, e->c.conf, remote_of, e, candidate };
	struct cs_context *c;

	if (candidate == NULL)
		return (c = cs_engine_context(e, conn_id, err)) != NULL ? cs_context_ref(c) : NULL;
	return cs_context_new(&src, conn_id, &c, err) < 0 ? NULL : c;
}

void
cs_engine_drop_context(struct cs_engine *e, int64_t conn_id)
{
	cs_context_unref(cs_map_del(&e->contexts, (uint64_t)conn_id));
	cs_token_forget(e, conn_id);
}

/* ---- nodes */

struct cs_notes *
cs_engine_notes(struct cs_tree_conn *tc)
{
	if (tc->user == NULL)
		tc->user = cs_xcalloc(1, sizeof(struct cs_notes));
	return tc->user;
}

void
cs_engine_publish_blocked(struct cs_engine *e, struct cs_tree_conn *tc)
{
	struct cs_notes *n = cs_engine_notes(tc);
	bool blocked = cs_tree_conn_blocked(tc, cs_now_ms(e->c.clock));
	_Atomic uint16_t *slot = &e->c.slots->blocked[(uint64_t)tc->id % CS_BLOCK_SLOTS];

	if (blocked == n->published)
		return;
	n->published = blocked;
	atomic_fetch_add(slot, blocked ? 1 : (uint16_t)-1);
}

static void
free_node(struct cs_engine *e, struct cs_tree_conn *tc)
{
	struct cs_notes *n = tc->user;

	if (n != NULL && n->published)
		atomic_fetch_sub(&e->c.slots->blocked[(uint64_t)tc->id % CS_BLOCK_SLOTS], 1);
	free(n);
	cs_engine_drop_context(e, tc->id);
	cs_tree_conn_free(&e->tree, tc);
}

/* Connections that rest are forgotten once there are many. */
void
cs_engine_forget_idle(struct cs_engine *e)
{
	struct cs_tree_conn *idle[256];
	size_t n = 0, at = 0;
	struct cs_tree_conn *tc;

	if (e->tree.conns.n <= NODES_KEPT)
		return;
	while (n < CS_ARRAY_LEN(idle) && (tc = cs_map_next(&e->tree.conns, &at, NULL)) != NULL)
		if (cs_tree_conn_idle(tc))
			idle[n++] = tc;
	while (n > 0)
		free_node(e, idle[--n]);
}

/* A node comes to life with the state that its connection has in the store. */
struct cs_tree_conn *
cs_engine_node(struct cs_engine *e, int64_t conn_id, const char *crm)
{
	struct cs_tree_conn *tc = cs_tree_conn_find(&e->tree, conn_id);
	struct cs_conn_row row;
	struct cs_arena mem;

	if (tc != NULL)
		return tc;
	tc = cs_tree_conn(&e->tree, conn_id, crm);
	cs_arena_init(&mem);
	if (e->c.reader->ops->conn_get(e->c.reader, conn_id, &mem, &row, NULL) == 0 && row.state != CS_CONN_CONNECTED)
		cs_tree_hold_conn(&e->tree, tc, true, cs_now_ms(e->c.clock));
	cs_arena_fini(&mem);
	return tc;
}

/* ---- jobs */

void
cs_engine_job_gone(struct cs_engine *e, struct cs_job *j)
{
	cs_list_del(&j->node);
	e->c.slots->in_hand--;
	e->c.slots->lead_bytes -= (int64_t)j->lead->len;
	cs_job_free(j);
}

/* Whoever was to go after it, being of the same caller, goes back with it. */
void
cs_engine_hand_back(struct cs_engine *e, struct cs_job *j, int64_t due_ms)
{
	struct cs_list *n;

	while ((n = cs_list_pop(&j->waiters)) != NULL)
		cs_engine_hand_back(e, CS_CONTAINER(n, struct cs_job, item.node), due_ms);
	cs_list_del(&j->item.node);
	cs_results_hand_back(e, j, due_ms != 0 ? due_ms : cs_now_ms(e->c.clock), j->d.doubt);
	cs_engine_job_gone(e, j);
}

void
cs_engine_drain(struct cs_engine *e, struct cs_tree_conn *tc)
{
	struct cs_list items, *n;

	cs_list_init(&items);
	cs_tree_drain(&e->tree, tc, &items, cs_now_ms(e->c.clock));
	while ((n = cs_list_pop(&items)) != NULL)
		cs_engine_hand_back(e, CS_CONTAINER(n, struct cs_job, item.node), 0);
	cs_engine_publish_blocked(e, tc);
}

static void
drain_crm(struct cs_engine *e, struct cs_tree_crm *m)
{
	struct cs_tree_conn *tc;
	size_t at = 0;

	while ((tc = cs_map_next(&e->tree.conns, &at, NULL)) != NULL)
		if (tc->crm == m)
			cs_engine_drain(e, tc);
}

void
cs_engine_conn_state(struct cs_engine *e, struct cs_tree_conn *tc, struct cs_tree_change ch)
{
	if (ch.conn_opened) {
		cs_log(CS_LOG_WARN, "deliver", "connection keeps failing: one probe at a time from now on",
		    "connection_id=%lld crm=%s pause_ms=%lld", (long long)tc->id, tc->crm->name, (long long)tc->breaker.pause_ms);
		cs_results_trouble(e, tc->id, "breaker", "its CRM keeps failing: one probe at a time, growing pauses between them");
		cs_engine_drain(e, tc);
	}
	if (ch.crm_opened) {
		cs_log(CS_LOG_WARN, "deliver", "CRM keeps failing: one probe at a time from now on", "crm=%s", tc->crm->name);
		drain_crm(e, tc->crm);
	}
	if (ch.conn_closed) {
		cs_results_trouble(e, tc->id, "breaker", NULL);
		cs_log(CS_LOG_INFO, "deliver", "connection works again", "connection_id=%lld crm=%s", (long long)tc->id, tc->crm->name);
	}
	if (ch.crm_closed)
		cs_log(CS_LOG_INFO, "deliver", "CRM works again", "crm=%s", tc->crm->name);
	cs_engine_publish_blocked(e, tc);
}
