/* SPDX-License-Identifier: Apache-2.0 */
/*
 * poll.c - see poll.h.
 */
#include "hooks/poll.h"

#include <stdlib.h>
#include "util/mem.h"

#define BACKOFF_MAX_MS CS_HOUR_MS

void
cs_polls_init(struct cs_polls *p)
{
	cs_heap_init(&p->heap);
	cs_map_init(&p->by_conn);
}

void
cs_polls_fini(struct cs_polls *p)
{
	struct cs_poll *poll;
	size_t at = 0;

	cs_heap_fini(&p->heap); /* touches what is in it */
	while ((poll = cs_map_next(&p->by_conn, &at, NULL)) != NULL)
		free(poll);
	cs_map_fini(&p->by_conn);
}

void
cs_polls_add(struct cs_polls *p, int64_t conn_id, int64_t every_ms, int64_t due_ms, int64_t now_ms)
{
	struct cs_poll *poll = cs_map_get(&p->by_conn, (uint64_t)conn_id);

	if (poll == NULL) {
		poll = cs_xcalloc(1, sizeof(*poll));
		poll->conn_id = conn_id;
		cs_map_put(&p->by_conn, (uint64_t)conn_id, poll);
	}
	poll->every_ms = every_ms;
	poll->gone = false;
	if (due_ms > now_ms + every_ms)
		due_ms = now_ms + every_ms;
	if (!poll->running && poll->due.place == 0)
		cs_heap_put(&p->heap, &poll->due, due_ms);
}

bool
cs_polls_knows(const struct cs_polls *p, int64_t conn_id)
{
	return cs_map_get(&p->by_conn, (uint64_t)conn_id) != NULL;
}

static void
forget(struct cs_polls *p, struct cs_poll *poll)
{
	cs_heap_del(&p->heap, &poll->due);
	cs_map_del(&p->by_conn, (uint64_t)poll->conn_id);
	free(poll);
}

void
cs_polls_drop(struct cs_polls *p, int64_t conn_id)
{
	struct cs_poll *poll = cs_map_get(&p->by_conn, (uint64_t)conn_id);

	if (poll == NULL)
		return;
	if (poll->running)
		poll->gone = true;
	else
		forget(p, poll);
}

struct cs_poll *
cs_polls_take(struct cs_polls *p, int64_t now_ms)
{
	struct cs_heap_node *first = cs_heap_min(&p->heap);
	struct cs_poll *poll;

	if (first == NULL || first->key > now_ms)
		return NULL;
	poll = CS_CONTAINER(first, struct cs_poll, due);
	cs_heap_del(&p->heap, first);
	poll->running = true;
	return poll;
}

void
cs_polls_done(struct cs_polls *p, struct cs_poll *poll, int64_t next_ms)
{
	poll->running = false;
	if (poll->gone)
		forget(p, poll);
	else
		cs_heap_put(&p->heap, &poll->due, next_ms);
}

void
cs_polls_rest(struct cs_polls *p, struct cs_poll *poll)
{
	poll->running = false;
	poll->fails = 0;
	if (poll->gone)
		forget(p, poll);
}

int64_t
cs_poll_next_ms(struct cs_poll *poll, bool ok, int64_t not_before_ms, const struct cs_clock *clock)
{
	int64_t now_ms = cs_now_ms(clock), wait_ms = poll->every_ms, next_ms;

	if (!ok) {
		int64_t most = wait_ms > BACKOFF_MAX_MS ? wait_ms : BACKOFF_MAX_MS;

		for (int i = 0; i < poll->fails && wait_ms < most; i++)
			wait_ms *= 2;
		wait_ms = wait_ms < most ? wait_ms : most;
	}
	poll->fails = ok ? 0 : poll->fails + 1;
	next_ms = now_ms + wait_ms + cs_clock_jitter(clock, wait_ms / 10);
	return next_ms > not_before_ms ? next_ms : not_before_ms;
}
