/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock.c - the two clocks, and times as text.
 *
 * Dates are counted in days since 1970-01-01 of the Gregorian calendar, carried back before its time as RFC 3339 does,
 * with the year beginning in March so that the leap day comes last. No time zone and no locale of the machine plays in.
 */
#include "util/clock.h"
#include "util/err.h"
#include "util/text.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define FIRST_MS (-62167219200000LL)  /* 0000-01-01T00:00:00Z */
#define LAST_MS 253402300799999LL     /* 9999-12-31T23:59:59.999Z */

static int64_t
clock_now_ms(const struct cs_clock *c)
{
	int64_t fixed = atomic_load(&c->fixed_ms);
	struct timespec ts;

	if (fixed != 0)
		return fixed;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000 + atomic_load(&c->offset_ms);
}

/* splitmix64 over the seed, or the kernel's randomness. The state moves although the caller's view is const. */
static uint64_t
clock_random(const struct cs_clock *c)
{
	_Atomic uint64_t *state = &((struct cs_clock *)(uintptr_t)c)->seed;
	uint64_t x;

	if (atomic_load(state) == 0) {
		cs_random_bytes(&x, sizeof(x));
		return x;
	}
	x = atomic_fetch_add(state, 0x9e3779b97f4a7c15ULL) + 0x9e3779b97f4a7c15ULL;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

struct cs_clock cs_clock_real = { .now_ms = clock_now_ms, .random = clock_random };

void
cs_clock_init_fixed(struct cs_clock *c, int64_t now_ms, uint64_t seed)
{
	c->now_ms = clock_now_ms;
	c->random = clock_random;
	atomic_init(&c->offset_ms, 0);
	atomic_init(&c->fixed_ms, now_ms);
	atomic_init(&c->seed, seed != 0 ? seed : 1);
}

void
cs_clock_set(struct cs_clock *c, int64_t now_ms)
{
	atomic_store(&c->fixed_ms, now_ms);
}

int64_t
cs_clock_jitter(const struct cs_clock *c, int64_t spread)
{
	unsigned __int128 range;

	if (spread <= 0)
		return 0;
	range = 2 * (unsigned __int128)spread + 1;
	return (int64_t)(uint64_t)((range * c->random(c)) >> 64) - spread;
}

int64_t
cs_mono_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* ---- calendar */

/* Years 0 to 9999; `days` counts from 1970-01-01. */
static int64_t
days_from_date(int year, int month, int day)
{
	int64_t y = year - (month <= 2);
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void
date_from_days(int64_t days, int *year, int *month, int *day)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;

	*day = (int)(doy - (153 * mp + 2) / 5 + 1);
	*month = (int)(mp < 10 ? mp + 3 : mp - 9);
	*year = (int)(yoe + era * 400 + (*month <= 2));
}

static int
days_in_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	if (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0))
		return 29;
	return days[month - 1];
}

/* What RFC 3339 cannot write (years outside 0 to 9999, CS_NEVER) becomes the nearest that it can. */
char *
cs_time_format(int64_t ms, char out[CS_TIME_TEXT])
{
	int64_t t = ms < FIRST_MS ? FIRST_MS : ms > LAST_MS ? LAST_MS : ms;
	int64_t days = (t - FIRST_MS) / CS_DAY_MS + FIRST_MS / CS_DAY_MS;
	unsigned in_day = (unsigned)(t - days * CS_DAY_MS), s = in_day / 1000;
	int year, month, day, n;

	date_from_days(days, &year, &month, &day);
	n = snprintf(out, CS_TIME_TEXT, "%04u-%02u-%02uT%02u:%02u:%02u", (unsigned)year % 10000, (unsigned)month % 100,
	             (unsigned)day % 100, s / 3600 % 24, s / 60 % 60, s % 60);
	if (in_day % 1000 != 0)
		snprintf(out + n, (size_t)(CS_TIME_TEXT - n), ".%03uZ", in_day % 1000);
	else
		snprintf(out + n, (size_t)(CS_TIME_TEXT - n), "Z");
	return out;
}

struct cursor {
	const char *s;
	size_t n;
	bool bad;
};

static int
take_number(struct cursor *c, size_t digits, int min, int max)
{
	int v = 0;

	for (size_t i = 0; i < digits; i++) {
		if (c->n <= i || c->s[i] < '0' || c->s[i] > '9') {
			c->bad = true;
			return min;
		}
		v = v * 10 + (c->s[i] - '0');
	}
	c->s += digits;
	c->n -= digits;
	if (v < min || v > max) {
		c->bad = true;
		return min;
	}
	return v;
}

static void
take_char(struct cursor *c, char a, char b)
{
	if (c->n == 0 || (*c->s != a && *c->s != b)) {
		c->bad = true;
		return;
	}
	c->s++;
	c->n--;
}

/* "." and digits, cut to milliseconds; 0 when there is none. */
static int
take_fraction(struct cursor *c)
{
	int ms = 0, unit = 100;

	if (c->n == 0 || *c->s != '.')
		return 0;
	take_char(c, '.', '.');
	if (c->n == 0 || *c->s < '0' || *c->s > '9')
		c->bad = true;
	for (; c->n > 0 && *c->s >= '0' && *c->s <= '9'; c->s++, c->n--, unit /= 10)
		ms += (*c->s - '0') * unit;
	return ms;
}

static int64_t
take_zone(struct cursor *c)
{
	int sign, hours, minutes;

	if (c->n > 0 && (*c->s == 'Z' || *c->s == 'z')) {
		take_char(c, 'Z', 'z');
		return 0;
	}
	sign = c->n > 0 && *c->s == '-' ? -1 : 1;
	take_char(c, '+', '-');
	hours = take_number(c, 2, 0, 23);
	take_char(c, ':', ':');
	minutes = take_number(c, 2, 0, 59);
	return sign * (hours * CS_HOUR_MS + minutes * CS_MINUTE_MS);
}

int
cs_time_parse(const char *s, size_t n, bool zone_required, int64_t *ms, bool *has_zone)
{
	struct cursor c = { .s = s, .n = n };
	int year, month, day, hour, minute, second, fraction;
	int64_t offset = 0;
	bool zone;

	year = take_number(&c, 4, 0, 9999);
	take_char(&c, '-', '-');
	month = take_number(&c, 2, 1, 12);
	take_char(&c, '-', '-');
	day = take_number(&c, 2, 1, days_in_month(year, month));
	take_char(&c, 'T', 't');
	hour = take_number(&c, 2, 0, 23);
	take_char(&c, ':', ':');
	minute = take_number(&c, 2, 0, 59);
	take_char(&c, ':', ':');
	second = take_number(&c, 2, 0, 60);
	fraction = take_fraction(&c);
	zone = c.n > 0;
	if (zone || zone_required)
		offset = take_zone(&c);
	if (c.bad || c.n > 0)
		return CS_EINVAL;
	if (second == 60)
		second = 59;
	*ms = days_from_date(year, month, day) * CS_DAY_MS + hour * CS_HOUR_MS + minute * CS_MINUTE_MS +
	      second * CS_SECOND_MS + fraction - offset;
	if (has_zone != NULL)
		*has_zone = zone;
	return 0;
}

/* A unit is used until there would be two of the next, hours until two days. */
char *
cs_duration_text(int64_t ms, char out[CS_TIME_TEXT])
{
	int64_t t = ms < 0 ? (ms == INT64_MIN ? INT64_MAX : -ms) : ms;
	const char *sign = ms < 0 ? "-" : "", *unit;
	int64_t of;

	if (ms == CS_NEVER) {
		memcpy(out, "never", sizeof("never"));
		return out;
	}
	if (t > 0 && t < CS_SECOND_MS)
		unit = "ms", of = 1;
	else if (t < 2 * CS_MINUTE_MS)
		unit = "s", of = CS_SECOND_MS;
	else if (t < 2 * CS_HOUR_MS)
		unit = "m", of = CS_MINUTE_MS;
	else if (t < 2 * CS_DAY_MS)
		unit = "h", of = CS_HOUR_MS;
	else
		unit = "d", of = CS_DAY_MS;
	snprintf(out, CS_TIME_TEXT, "%s%" PRId64 " %s", sign, t / of, unit);
	return out;
}
