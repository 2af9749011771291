/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay.h - dead letters go on: one by an operator's word, many by a filter, all of a connection once it is well again.
 *
 * A replayed delivery is DUE in one of the two replay lanes (below everything fresh, at a bounded rate for each connection)
 * with a whole schedule before it. What its steps left behind and what is in doubt stay, so nothing is done twice; so do
 * blame and reason, so that a canceled replay leaves the dead letter as it was. Rows without a connection are routed
 * again. Runs inside the writer's transaction.
 */
#ifndef CS_QUEUE_REPLAY_H
#define CS_QUEUE_REPLAY_H

#include "store/store.h"

#define CS_REPLAY_CHUNK 500 /* rows for one transaction: no commit becomes long */

struct cs_replay_how {
	int64_t replay_id;  /* 0: none */
	int64_t now_ms;
	int64_t span_ms;    /* of the retry schedule */
	int64_t ahead;      /* rows of the connection that go first: the clock of this one runs that much longer */
};

/* For urgency: the lane of a replay. */
enum cs_lane cs_replay_lane(int urgency);

/*
 * Replay `row`, read in this transaction. 1: moved; row->conn_id, crm, state and lane say where to (texts live in the arena).
 * 0: it stays dead, err->msg says why, and nothing was written. Negative: a fault of the store.
 */
int cs_replay_one(struct cs_store *s, struct cs_delivery_row *row, const struct cs_replay_how *how, struct cs_arena *mem,
                  struct cs_err *err);

/* For each row that was moved, as it is now. */
typedef void (*cs_replay_cb)(void *ctx, const struct cs_delivery_row *row, enum cs_lane lane);

/*
 * Replay what fits the filter (its states and limit do not count), newest first, at most max_rows. For filters that name a
 * connection: others make the store walk through all dead letters. 0, or a negative CS_E*.
 */
int cs_replay_rows(struct cs_store *s, const struct cs_filter *filter, int64_t replay_id, int64_t now_ms, int64_t span_ms,
                   int max_rows, cs_replay_cb cb, void *ctx, struct cs_err *err);
/* The same for what a recovery of the connection sets free: blamed on credential, connection or CRM. */
int cs_replay_recovered(struct cs_store *s, int64_t conn_id, int64_t now_ms, int64_t span_ms, int max_rows, cs_replay_cb cb,
                        void *ctx, struct cs_err *err);

#endif
