/* SPDX-License-Identifier: Apache-2.0 */
/*
 * poll.h - which connection is to be polled when. A heap and nothing else: no store, no plugin, no clock of its own.
 *
 * An entry is waiting (in the heap), running (taken, until cs_polls_done) or resting (switched off or held: until its
 * connection changes). One thread.
 */
#ifndef CS_HOOKS_POLL_H
#define CS_HOOKS_POLL_H

#include <stdbool.h>
#include <stdint.h>
#include "util/clock.h"
#include "util/list.h"
#include "util/map.h"

struct cs_poll {
	struct cs_heap_node due; /* key: wall ms */
	int64_t conn_id, every_ms;
	int fails;               /* in a row */
	bool running, gone;
};

struct cs_polls {
	struct cs_heap heap;
	struct cs_map by_conn;   /* connection id -> struct cs_poll */
};
void cs_polls_init(struct cs_polls *p);
void cs_polls_fini(struct cs_polls *p);
/* New, or awake again: due at due_ms, but not later than one interval from now. One that waits or runs already stays as it is. */
void cs_polls_add(struct cs_polls *p, int64_t conn_id, int64_t every_ms, int64_t due_ms, int64_t now_ms);
bool cs_polls_knows(const struct cs_polls *p, int64_t conn_id);
/* The connection is gone or its plugin does not poll. One that runs goes when it is done. */
void cs_polls_drop(struct cs_polls *p, int64_t conn_id);
/* The one that is due first, now running; NULL when none is due. */
struct cs_poll *cs_polls_take(struct cs_polls *p, int64_t now_ms);
/* It is over; the next time. */
void cs_polls_done(struct cs_polls *p, struct cs_poll *poll, int64_t next_ms);
/* It is not to be polled until its connection changes. */
void cs_polls_rest(struct cs_polls *p, struct cs_poll *poll);

/* When next: after a success the interval give or take a tenth; after failures twice as long each time, up to an hour,
 * but not before not_before_ms. Counts the failures. */
int64_t cs_poll_next_ms(struct cs_poll *poll, bool ok, int64_t not_before_ms, const struct cs_clock *clock);

#endif
