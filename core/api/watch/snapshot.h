/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot.h - what waits in the store, as it was a moment ago.
 *
 * Counting a backlog of a million rows takes a while, and probes, scrapes and dashboards ask often. So the counts are kept
 * for a second, or for twenty times as long as they took. Admin thread.
 */
#ifndef CS_API_SNAPSHOT_H
#define CS_API_SNAPSHOT_H

#include "api/api.h"

struct cs_api_snapshot {
	struct cs_backlog *v;
	size_t n, cap;
	int64_t due;            /* all rows */
	int64_t earliest_ms;    /* of the oldest due row; CS_NEVER */
	int64_t dead;           /* dead letters; -1: it took too long to count them */
	int64_t good_until_us;  /* monotonic */
};

/* NULL with err when the store could not be read. */
const struct cs_api_snapshot *cs_api_snapshot_get(struct cs_api *api, struct cs_err *err);
void cs_api_snapshot_free(struct cs_api_snapshot *s);
/* Seconds for which the oldest due row has been due; 0 when nothing is. */
int64_t cs_api_oldest_due_s(const struct cs_api_snapshot *s, int64_t now_ms);
/* Name of a connection's CRM; "" when there is no such connection. */
const char *cs_api_crm_of(struct cs_api *api, int64_t conn_id);

#endif
