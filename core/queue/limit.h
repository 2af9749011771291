/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limit.h - rate limits by GCRA (the generic cell rate algorithm), one int64 for each.
 *
 * A limit of `count` per `window_ms` with a burst is one "theoretical arrival time". Taking reserves: the caller is told how
 * long to wait for its turn and then simply goes, so waiters are served in order without being asked again. Keys are made from
 * CRM, class and what the manifest says it is counted by. Idle limits are forgotten. Engine thread only.
 */
#ifndef CS_QUEUE_LIMIT_H
#define CS_QUEUE_LIMIT_H

#include <stdint.h>
#include "util/map.h"

struct cs_limits {
	struct cs_map map; /* key -> struct limit */
	int64_t swept_ms;
};
struct cs_limit_rule {
	int64_t count, window_ms; /* so many per so long */
	int64_t burst;            /* this many at once after a pause; 0: count */
};
void cs_limits_init(struct cs_limits *l);
void cs_limits_fini(struct cs_limits *l);
/*
 * Reserve `cost`. Returns the milliseconds until it may go (0: now), or -1 when that would be more than max_delay_ms: then
 * nothing was reserved and *retry_ms says how long to stay away.
 */
int64_t cs_limit_take(struct cs_limits *l, uint64_t key, const struct cs_limit_rule *rule, int64_t cost, int64_t now_ms,
                      int64_t max_delay_ms, int64_t *retry_ms);
/* The vendor says `left` may go now (never raises what we allow ourselves). */
void cs_limit_report(struct cs_limits *l, uint64_t key, const struct cs_limit_rule *rule, int64_t left, int64_t now_ms);
/* The vendor says nothing may go for so long. */
void cs_limit_hold(struct cs_limits *l, uint64_t key, const struct cs_limit_rule *rule, int64_t until_ms);

#endif
