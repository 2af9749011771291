/* SPDX-License-Identifier: Apache-2.0 */
/*
 * breaker.h - stop asking whoever keeps failing, and find out cheaply when it is well again.
 *
 * Closed until `failures` in a row; then open: nothing is sent before not_before_ms, then one probe at a time, and each
 * failed probe doubles the pause up to the longest. The first success closes it.
 */
#ifndef CS_QUEUE_BREAKER_H
#define CS_QUEUE_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

struct cs_breaker_conf {
	int failures;              /* in a row, to open */
	int64_t first_ms, longest_ms;
};
struct cs_breaker {
	int fails;
	int64_t pause_ms;
	int64_t not_before_ms;     /* 0: closed */
	int64_t open_since_ms;
};

static inline bool
cs_breaker_open(const struct cs_breaker *b)
{
	return b->open_since_ms != 0;
}

/* True when this failure opened it. */
static inline bool
cs_breaker_fail(struct cs_breaker *b, const struct cs_breaker_conf *c, int64_t now_ms)
{
	bool opened = false;

	if (++b->fails < c->failures && !cs_breaker_open(b))
		return false;
	if (!cs_breaker_open(b)) {
		b->open_since_ms = now_ms;
		b->pause_ms = c->first_ms;
		opened = true;
	} else if (now_ms >= b->not_before_ms) /* a probe; not one of those that were still under way */
		b->pause_ms = b->pause_ms * 2 < c->longest_ms ? b->pause_ms * 2 : c->longest_ms;
	b->not_before_ms = now_ms + b->pause_ms;
	return opened;
}

/* True when this success closed it. */
static inline bool
cs_breaker_ok(struct cs_breaker *b)
{
	bool closed = cs_breaker_open(b);

	b->fails = 0;
	b->not_before_ms = b->open_since_ms = b->pause_ms = 0;
	return closed;
}

#endif
