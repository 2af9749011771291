/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limit.c - GCRA with reservation. Times are kept in microseconds so that 110 per 10 s does not round.
 */
#include "queue/limit.h"
#include "util/clock.h"
#include "util/mem.h"
#include <stdlib.h>

struct limit {
	int64_t tat_us; /* theoretical arrival time of the next request */
};

void
cs_limits_init(struct cs_limits *l)
{
	cs_map_init(&l->map);
	l->swept_ms = 0;
}

void
cs_limits_fini(struct cs_limits *l)
{
	size_t at = 0;
	void *v;

	while ((v = cs_map_next(&l->map, &at, NULL)) != NULL)
		free(v);
	cs_map_fini(&l->map);
}

static int64_t
emission_us(const struct cs_limit_rule *r)
{
	return r->window_ms * 1000 / (r->count > 0 ? r->count : 1);
}

/* How far ahead of now the arrival time may run: the burst's worth. */
static int64_t
tolerance_us(const struct cs_limit_rule *r)
{
	int64_t burst = r->burst > 0 ? r->burst : r->count;

	return emission_us(r) * (burst > 0 ? burst : 1);
}

/* Once a minute forget limits whose time has passed: they say nothing any more. */
static void
sweep(struct cs_limits *l, int64_t now_ms)
{
	struct cs_map kept;
	struct limit *v;
	uint64_t key;
	size_t at = 0;

	if (now_ms - l->swept_ms < CS_MINUTE_MS && now_ms >= l->swept_ms)
		return;
	l->swept_ms = now_ms;
	cs_map_init(&kept);
	while ((v = cs_map_next(&l->map, &at, &key)) != NULL) {
		if (v->tat_us > now_ms * 1000)
			cs_map_put(&kept, key, v);
		else
			free(v);
	}
	cs_map_fini(&l->map);
	l->map = kept;
}

static struct limit *
limit_of(struct cs_limits *l, uint64_t key)
{
	struct limit *v = cs_map_get(&l->map, key);

	if (v == NULL) {
		v = cs_xcalloc(1, sizeof(*v));
		cs_map_put(&l->map, key, v);
	}
	return v;
}

int64_t
cs_limit_take(struct cs_limits *l, uint64_t key, const struct cs_limit_rule *rule, int64_t cost, int64_t now_ms,
              int64_t max_delay_ms, int64_t *retry_ms)
{
	int64_t now = now_ms * 1000, tat, wait;
	struct limit *v;

	sweep(l, now_ms);
	v = limit_of(l, key);
	tat = (v->tat_us > now ? v->tat_us : now) + emission_us(rule) * (cost > 0 ? cost : 1);
	wait = tat - tolerance_us(rule) - now;
	if (wait > max_delay_ms * 1000) {
		*retry_ms = wait / 1000;
		return -1;
	}
	v->tat_us = tat;
	return wait > 0 ? (wait + 999) / 1000 : 0;
}

void
cs_limit_report(struct cs_limits *l, uint64_t key, const struct cs_limit_rule *rule, int64_t left, int64_t now_ms)
{
	struct limit *v = limit_of(l, key);
	int64_t tat = now_ms * 1000 + tolerance_us(rule) - emission_us(rule) * (left > 0 ? left : 0);

	if (tat > v->tat_us)
		v->tat_us = tat;
}

void
cs_limit_hold(struct cs_limits *l, uint64_t key, const struct cs_limit_rule *rule, int64_t until_ms)
{
	struct limit *v = limit_of(l, key);
	int64_t tat = until_ms * 1000 + tolerance_us(rule);

	if (tat > v->tat_us)
		v->tat_us = tat;
}
