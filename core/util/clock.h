/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock.h - time and randomness, passed in so that a six-hour retry is tested in milliseconds.
 *
 * Everything that decides when something happens asks a struct cs_clock. The real one reads CLOCK_REALTIME for wall
 * time (what is stored, shown and compared across restarts). Its offset is moved by tests only; any thread may read.
 */
#ifndef CS_UTIL_CLOCK_H
#define CS_UTIL_CLOCK_H

#include <stdint.h>
#include <stdbool.h>
#include <stddef.h>

#define CS_SECOND_MS 1000LL
#define CS_MINUTE_MS (60 * CS_SECOND_MS)
#define CS_HOUR_MS (60 * CS_MINUTE_MS)
#define CS_DAY_MS (24 * CS_HOUR_MS)
#define CS_NEVER INT64_MAX

struct cs_clock {
	int64_t (*now_ms)(const struct cs_clock *);           /* milliseconds since 1970, UTC */
	uint64_t (*random)(const struct cs_clock *);          /* for jitter; not for secrets */
	_Atomic int64_t offset_ms;                            /* added to real time; moved by tests */
	_Atomic int64_t fixed_ms;                             /* != 0: time stands at this (unit tests) */
	_Atomic uint64_t seed;                                /* state of random() when it is repeatable; 0: the system's */
};
extern struct cs_clock cs_clock_real;
static inline int64_t
cs_now_ms(const struct cs_clock *c)
{
	return c->now_ms(c);
}
/* A clock that stands at `now_ms`, with repeatable randomness; move it with cs_clock_set. */
void cs_clock_init_fixed(struct cs_clock *c, int64_t now_ms, uint64_t seed);
void cs_clock_set(struct cs_clock *c, int64_t now_ms);
/* Uniform in [-spread, +spread]. */
int64_t cs_clock_jitter(const struct cs_clock *c, int64_t spread);
/* CLOCK_MONOTONIC in microseconds, for measuring only. */
int64_t cs_mono_us(void);

/* ---- times as text (RFC 3339) */
#define CS_TIME_TEXT 32
/* "2026-05-26T14:32:00.123Z" (or without the fraction when ms is a whole second). Returns out. */
char *cs_time_format(int64_t ms, char out[CS_TIME_TEXT]);
/* Strict RFC 3339 date-time. zone_required: refuse a local time; else *has_zone says whether one was there and without it
 * the fields are read as if UTC. 0 or CS_EINVAL (bad form or no such day; second 60 is read as 59). */
int cs_time_parse(const char *s, size_t n, bool zone_required, int64_t *ms, bool *has_zone);
/* "90 s", "12 m", "6 h", "3 d": what a person reads. */
char *cs_duration_text(int64_t ms, char out[CS_TIME_TEXT]);

#endif
