/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inbound.c - see inbound.h.
 *
 * Looks once a second for rows that are due, and at once when some were just kept or handled. Connections take turns, so a
 * large backlog of one holds up nobody else; those that are busy are passed over. The list of polls is filled a page of connections at a time
 * at the start and after a reload, and kept up to date as connections change.
 */
#include "config.h"
#include "hooks/inbound.h"

#include <stdlib.h>
#include <string.h>
#include "hooks/handle.h"
#include "hooks/subscribe.h"

#define AT_ONCE 32
#define LOOK_EVERY_MS CS_SECOND_MS
#define TURNS (2 * AT_ONCE)  /* read at a time: so many that the busy ones are not all of them */
#define CONNECTIONS 64

static void
serve(struct cs_inbound *in, int64_t conn_id, int64_t now_ms)
{
	struct cs_store *s = in->engine->c.reader;
	struct cs_hook_row row;
	struct cs_arena mem;

	cs_arena_init(&mem);
	if (s->ops->hook_due(s, conn_id, now_ms, &mem, &row, 1, NULL) == 1) {
		if (cs_handle_is_waiting(&row))
			cs_handle_waiting(in, &row, now_ms);
		else
			cs_handle_row(in, &row, now_ms);
	}
	cs_arena_fini(&mem);
}

static void
look_for_rows(struct cs_inbound *in, int64_t now_ms)
{
	struct cs_store *s = in->engine->c.reader;
	int64_t conn_ids[TURNS];
	int n;

	in->look = false;
	in->looked_ms = now_ms;
	n = s->ops->hook_turns(s, now_ms, conn_ids, TURNS, NULL);
	for (int i = 0; i < n && in->busy.n < AT_ONCE; i++)
		if (cs_map_get(&in->busy, (uint64_t)conn_ids[i]) == NULL)
			serve(in, conn_ids[i], now_ms);
}

/* ---- polls */

static void
look_for_polls(struct cs_inbound *in, int64_t now_ms)
{
	struct cs_poll *poll, *later[AT_ONCE];
	size_t n = 0;

	while (in->busy.n < AT_ONCE && n < AT_ONCE && (poll = cs_polls_take(&in->polls, now_ms)) != NULL) {
		if (cs_map_get(&in->busy, (uint64_t)poll->conn_id) != NULL)
			later[n++] = poll;
		else
			cs_handle_poll(in, poll, now_ms);
	}
	while (n > 0) /* when the connection is free */
		cs_polls_done(&in->polls, later[--n], now_ms);
}

/* How often this plugin wants to poll; 0: it does not. */
static int64_t
interval_of(struct cs_engine *e, const char *crm)
{
	struct cs_remote *r = cs_engine_remote(e, crm);

	return r != NULL && cs_remote_can(r, CS_CALL_HOOK) ? cs_remote_manifest(r)->poll_every_ms : 0;
}

static void
see_connection(struct cs_inbound *in, const struct cs_conn_row *row, bool has_changed, struct cs_arena *mem, int64_t now_ms)
{
	struct cs_store *s = in->engine->c.reader;
	int64_t every_ms = interval_of(in->engine, row->crm), next_ms = now_ms;
	struct cs_bytes old;

	cs_subscribe_see(in, row, has_changed, now_ms);
	if (every_ms == 0) {
		cs_polls_drop(&in->polls, row->id);
		return;
	}
	if (!cs_polls_knows(&in->polls, row->id))
		s->ops->cursor_get(s, row->id, mem, &old, &next_ms, NULL);
	cs_polls_add(&in->polls, row->id, every_ms, next_ms, now_ms);
}

/* A page at a time, so that many connections do not hold up deliveries. */
static void
list_connections(struct cs_engine *e, struct cs_msg *m)
{
	struct cs_inbound *in = CS_CONTAINER(m, struct cs_inbound, connections);
	struct cs_conn_row rows[CONNECTIONS];
	struct cs_arena mem;
	int n;

	cs_arena_init(&mem);
	n = e->c.reader->ops->conn_list(e->c.reader, in->listed_id, &mem, rows, CONNECTIONS, NULL);
	for (int i = 0; i < n; i++)
		see_connection(in, &rows[i], false, &mem, cs_now_ms(e->c.clock));
	in->listed_id = n == CONNECTIONS ? rows[n - 1].id : -1;
	cs_arena_fini(&mem);
	if (in->listed_id >= 0 && !cs_engine_post(e, &in->connections))
		in->listed_id = -1;
}

/* ---- the engine's calls */

static void
turn(struct cs_engine_part *part, int64_t now_ms)
{
	struct cs_inbound *in = (struct cs_inbound *)(void *)part;

	if (in->look || now_ms - in->looked_ms >= LOOK_EVERY_MS || now_ms < in->looked_ms)
		look_for_rows(in, now_ms);
	look_for_polls(in, now_ms);
	cs_subscribe_turn(in, now_ms);
}

static void
changed(struct cs_engine_part *part, int64_t conn_id)
{
	struct cs_inbound *in = (struct cs_inbound *)(void *)part;
	struct cs_engine *e = in->engine;
	struct cs_conn_row row;
	struct cs_arena mem;

	if (conn_id == 0) {
		bool listing = in->listed_id >= 0;

		in->listed_id = 0;
		if (!listing && !cs_engine_post(e, &in->connections))
			in->listed_id = -1;
		return;
	}
	cs_arena_init(&mem);
	if (e->c.reader->ops->conn_get(e->c.reader, conn_id, &mem, &row, NULL) == 0)
		see_connection(in, &row, true, &mem, cs_now_ms(e->c.clock));
	else {
		cs_polls_drop(&in->polls, conn_id);
		cs_polls_drop(&in->subscriptions, conn_id);
	}
	cs_arena_fini(&mem);
}

static void
stop(struct cs_engine_part *part)
{
	cs_handle_drop_all((struct cs_inbound *)(void *)part);
	cs_subscribe_drop_all((struct cs_inbound *)(void *)part);
}

static enum cs_part_end
end(struct cs_engine_part *part, struct cs_context *c, void (*ended)(void *ctx, bool ok), void *ctx)
{
	return cs_subscribe_end((struct cs_inbound *)(void *)part, c, ended, ctx);
}

/* ---- life */

struct cs_inbound *
cs_inbound_new(struct cs_engine *e)
{
	struct cs_inbound *in = cs_xcalloc(1, sizeof(*in));

	in->part = (struct cs_engine_part){ turn, changed, stop, end };
	in->engine = e;
	in->look = true;
	in->listed_id = -1;
	in->connections.handle = list_connections;
	cs_polls_init(&in->polls);
	cs_polls_init(&in->subscriptions);
	cs_list_init(&in->subscribing);
	cs_list_init(&in->calls);
	cs_map_init(&in->busy);
	return in;
}

void
cs_inbound_start(struct cs_inbound *in)
{
	in->engine->part = &in->part;
	changed(&in->part, 0);
}

void
cs_inbound_look(struct cs_inbound *in)
{
	in->look = true;
}

void
cs_inbound_free(struct cs_inbound *in)
{
	if (in == NULL)
		return;
	cs_polls_fini(&in->polls);
	cs_polls_fini(&in->subscriptions);
	cs_map_fini(&in->busy);
	free(in);
}
