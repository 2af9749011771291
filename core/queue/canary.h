/* SPDX-License-Identifier: Apache-2.0 */
/*
 * canary.h - when is a connection looked at next? Pure; randomness comes in.
 *
 * Once a day each, spread over the day, so that neither a CRM nor we have a busy minute. A look that told nothing, since the CRM was
 * down or its budget spent, is made again in an hour or two.
 */
#ifndef CS_QUEUE_CANARY_H
#define CS_QUEUE_CANARY_H

#include <stdint.h>
#include "util/clock.h"

/* Of a new connection: somewhere in the day to come. */
static inline int64_t
cs_canary_first(int64_t now_ms, uint64_t random)
{
	return now_ms + 1 + (int64_t)(random % CS_DAY_MS);
}

/* A day after a look, give or take an hour. */
static inline int64_t
cs_canary_next(int64_t now_ms, uint64_t random)
{
	return now_ms + CS_DAY_MS - CS_HOUR_MS + (int64_t)(random % (2 * CS_HOUR_MS));
}

/* After one that told nothing. */
static inline int64_t
cs_canary_again(int64_t now_ms, uint64_t random)
{
	return now_ms + CS_HOUR_MS + (int64_t)(random % CS_HOUR_MS);
}

#endif
