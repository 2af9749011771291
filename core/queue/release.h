/* SPDX-License-Identifier: Apache-2.0 */
/*
 * release.h - dead letters that waited for a connection which is there now.
 *
 * What could not be routed, or lost its connection, is a dead letter without one, blamed on the connection. The transaction that makes
 * a fitting connection, or confirms it, sets them free.
 */
#ifndef CS_QUEUE_RELEASE_H
#define CS_QUEUE_RELEASE_H

#include "store/store.h"

/* Dead letters that could not be routed and now can: they become due in the replay lanes, so many in each (added; NULL: not wanted).
 * Returns how many. */
int cs_release_orphans(struct cs_store *s, const struct cs_conn_row *conn, int64_t now_ms, int64_t span_ms, int64_t per_lane[CS_LANES],
                       struct cs_err *err);

#endif
