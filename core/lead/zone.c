/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zone.c - TZif files, the rule behind their last transition, and a cache of zones.
 *
 * A TZif file (RFC 9636) lists the instants at which a zone's offset changes; what comes after the last one stands in its
 * footer as a POSIX rule ("EST5EDT,M3.2.0,M11.1.0"). Only the 64-bit block is read. Everything is bounds-checked: the
 * folder belongs to root, but a reader that trusts lengths is a reader that somebody trips over.
 *
 * The cache is a short list under a mutex. Zones are never freed, so what was found may be used outside the lock. Names
 * that are not known are remembered too, but only some: a connection's setting must not grow memory.
 */
#include "config.h"
#include "lead/zone.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "util/mem.h"
#include "util/text.h"

#define FILE_MAX ((size_t)65536)
#define HEADER ((size_t)44)
#define DAY_S 86400
#define UNKNOWN_MAX 64 /* names without a zone that are remembered */
#define NAME_MAX_LEN 64

struct change { /* when daylight saving begins or ends in each year */
	enum { CHANGE_MONTH, CHANGE_JULIAN, CHANGE_DAY } kind;
	int month, week, day; /* JULIAN: day 1-365 without 29 February; DAY: 0-365 */
	int64_t at_s;         /* local time of day; may be negative or beyond 24 h */
};

struct rule {
	bool there, has_dst;
	int64_t standard_s, dst_s; /* east of Greenwich */
	struct change begin, end;
};

struct cs_zone {
	size_t n;
	int64_t *at;      /* transitions, ascending */
	int64_t *offset;  /* in force from at[i] on */
	int64_t first_s;  /* before at[0] */
	struct rule rule; /* behind the last */
};

/* ---- the POSIX rule */

struct text {
	const char *at, *end;
	bool bad;
};

static int
next_char(const struct text *t)
{
	return t->at < t->end ? (unsigned char)*t->at : -1;
}

static bool
take(struct text *t, char c)
{
	if (next_char(t) != c)
		return false;
	t->at++;
	return true;
}

static int64_t
take_number(struct text *t, int64_t min, int64_t max)
{
	int64_t v = 0;
	const char *from = t->at;

	while (next_char(t) >= '0' && next_char(t) <= '9' && v <= max)
		v = v * 10 + (*t->at++ - '0');
	if (t->at == from || v < min || v > max)
		t->bad = true;
	return v;
}

/* "EST", "<+03>" */
static void
skip_name(struct text *t)
{
	const char *from = t->at;
	int c;

	if (take(t, '<')) {
		while ((c = next_char(t)) >= 0 && c != '>')
			t->at++;
		t->bad |= !take(t, '>');
		return;
	}
	while (((c = next_char(t)) >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
		t->at++;
	t->bad |= t->at == from;
}

/* [+-]hh[:mm[:ss]] in seconds. */
static int64_t
take_time(struct text *t)
{
	int64_t sign = take(t, '-') ? -1 : 1, s;

	if (sign == 1)
		take(t, '+');
	s = take_number(t, 0, 167) * 3600;
	if (take(t, ':'))
		s += take_number(t, 0, 59) * 60;
	if (take(t, ':'))
		s += take_number(t, 0, 59);
	return sign * s;
}

static struct change
take_change(struct text *t)
{
	struct change c = { .kind = CHANGE_DAY, .at_s = 2 * 3600 };

	t->bad |= !take(t, ',');
	if (take(t, 'M')) {
		c.kind = CHANGE_MONTH;
		c.month = (int)take_number(t, 1, 12);
		t->bad |= !take(t, '.');
		c.week = (int)take_number(t, 1, 5);
		t->bad |= !take(t, '.');
		c.day = (int)take_number(t, 0, 6);
	} else if (take(t, 'J')) {
		c.kind = CHANGE_JULIAN;
		c.day = (int)take_number(t, 1, 365);
	} else {
		c.day = (int)take_number(t, 0, 365);
	}
	if (take(t, '/'))
		c.at_s = take_time(t);
	return c;
}

/* POSIX counts offsets west of Greenwich. */
static bool
read_rule(const char *s, size_t n, struct rule *rule)
{
	struct text t = { s, s + n, false };

	*rule = (struct rule){ 0 };
	if (n == 0)
		return true; /* no rule: the last offset stays */
	skip_name(&t);
	rule->standard_s = -take_time(&t);
	rule->there = true;
	if (t.at < t.end && !t.bad) {
		rule->has_dst = true;
		skip_name(&t);
		rule->dst_s = next_char(&t) == ',' ? rule->standard_s + 3600 : -take_time(&t);
		rule->begin = take_change(&t);
		rule->end = take_change(&t);
	}
	return !t.bad && t.at == t.end;
}

static bool
leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* 1 January of `year`, in days since 1970. */
static int64_t
year_day(int64_t year)
{
	int64_t y = year - 1;

	return 365 * (year - 1970) + (y / 4 - y / 100 + y / 400) - (1969 / 4 - 1969 / 100 + 1969 / 400);
}

static int64_t
month_change_day(const struct change *c, int64_t year)
{
	static const int before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365 };
	int64_t first = year_day(year) + before[c->month - 1] + (c->month > 2 && leap(year));
	int64_t length = before[c->month] - before[c->month - 1] + (c->month == 2 && leap(year));
	int64_t weekday = ((first + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
	int64_t day = (c->day - weekday + 7) % 7 + 7 * (c->week - 1);

	return first + (day < length ? day : day - 7);
}

/* The local second at which the change comes. */
static int64_t
change_local_s(const struct change *c, int64_t year)
{
	int64_t day;

	if (c->kind == CHANGE_MONTH)
		day = month_change_day(c, year);
	else if (c->kind == CHANGE_JULIAN)
		day = year_day(year) + c->day - 1 + (c->day > 59 && leap(year));
	else
		day = year_day(year) + c->day;
	return day * DAY_S + c->at_s;
}

static int64_t
year_of(int64_t utc_s)
{
	int64_t days = utc_s / DAY_S - (utc_s % DAY_S < 0), year = 1970 + days / 365;

	while (year_day(year) > days)
		year--;
	while (year_day(year + 1) <= days)
		year++;
	return year;
}

static int64_t
rule_offset_s(const struct rule *r, int64_t utc_s)
{
	int64_t year, begin, end;

	if (!r->has_dst)
		return r->standard_s;
	year = year_of(utc_s + r->standard_s);
	begin = change_local_s(&r->begin, year) - r->standard_s;
	end = change_local_s(&r->end, year) - r->dst_s;
	if (begin < end) /* north */
		return utc_s >= begin && utc_s < end ? r->dst_s : r->standard_s;
	return utc_s >= end && utc_s < begin ? r->standard_s : r->dst_s;
}

/* ---- TZif */

static uint32_t
be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t
be64(const uint8_t *p)
{
	return (int64_t)((uint64_t)be32(p) << 32 | be32(p + 4));
}

struct counts {
	size_t isut, isstd, leaps, times, types, chars;
};

/* The six counts of the header at p, and the size of the block behind it. False when it is none. */
static bool
read_header(const uint8_t *p, size_t n, size_t time_size, struct counts *c, size_t *block)
{
	size_t *const count[] = { &c->isut, &c->isstd, &c->leaps, &c->times, &c->types, &c->chars };

	if (n < HEADER || memcmp(p, "TZif", 4) != 0 || p[4] < '2')
		return false;
	for (size_t i = 0; i < CS_ARRAY_LEN(count); i++)
		if ((*count[i] = be32(p + 20 + 4 * i)) > FILE_MAX)
			return false;
	*block = c->times * (time_size + 1) + c->types * 6 + c->chars + c->leaps * (time_size + 4) + c->isstd + c->isut;
	return *block <= n - HEADER;
}

/* p: the 64-bit data block. */
static bool
read_transitions(struct cs_zone *z, const uint8_t *p, const struct counts *c)
{
	const uint8_t *index = p + 8 * c->times, *type = index + c->times;

	z->n = c->times;
	z->at = cs_xcalloc(c->times, sizeof(*z->at));
	z->offset = cs_xcalloc(c->times, sizeof(*z->offset));
	z->first_s = (int32_t)be32(type);
	for (size_t i = 0; i < c->times; i++) {
		z->at[i] = be64(p + 8 * i);
		if (index[i] >= c->types || (i > 0 && z->at[i] <= z->at[i - 1]))
			return false;
		z->offset[i] = (int32_t)be32(type + (size_t)6 * index[i]);
		if (z->offset[i] < -DAY_S || z->offset[i] > DAY_S)
			return false;
	}
	return z->first_s >= -DAY_S && z->first_s <= DAY_S;
}

/* "\n" rule "\n" */
static bool
read_footer(struct cs_zone *z, const uint8_t *p, size_t n)
{
	const uint8_t *end;

	if (n < 2 || p[0] != '\n' || (end = memchr(p + 1, '\n', n - 1)) == NULL)
		return false;
	return read_rule((const char *)p + 1, (size_t)(end - p - 1), &z->rule);
}

/* Zones that count leap seconds ("right/...") are refused: no clock here does. */
struct cs_zone *
cs_zone_parse(const void *file, size_t n)
{
	const uint8_t *p = file;
	struct cs_zone *z;
	struct counts c;
	size_t block;

	if (!read_header(p, n, 4, &c, &block))
		return NULL;
	p += HEADER + block;
	n -= HEADER + block;
	if (!read_header(p, n, 8, &c, &block) || c.types == 0 || c.leaps > 0)
		return NULL;
	z = cs_xcalloc(1, sizeof(*z));
	if (read_transitions(z, p + HEADER, &c) && read_footer(z, p + HEADER + block, n - HEADER - block))
		return z;
	cs_zone_free(z);
	return NULL;
}

void
cs_zone_free(struct cs_zone *z)
{
	if (z == NULL)
		return;
	free(z->at);
	free(z->offset);
	free(z);
}

int64_t
cs_zone_offset_s(const struct cs_zone *z, int64_t utc_s)
{
	size_t low = 0, high = z->n, mid;

	while (low < high) { /* low: how many transitions are not after utc_s */
		mid = low + (high - low) / 2;
		if (z->at[mid] <= utc_s)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == z->n && z->rule.there)
		return rule_offset_s(&z->rule, utc_s);
	return low == 0 ? z->first_s : z->offset[low - 1];
}

/*
 * With the offsets of a day before and a day after: if the earlier one holds at the instant it gives, that is the (first)
 * answer; else the later one, if it holds; else the time was skipped, and the earlier offset moves it forward.
 */
int64_t
cs_zone_local_to_utc_s(const struct cs_zone *z, int64_t local_s)
{
	int64_t before = cs_zone_offset_s(z, local_s - DAY_S), after = cs_zone_offset_s(z, local_s + DAY_S);

	if (cs_zone_offset_s(z, local_s - before) != before && cs_zone_offset_s(z, local_s - after) == after)
		return local_s - after;
	return local_s - before;
}

/* ---- names and files */

int
cs_zone_name_check(const char *name)
{
	size_t n = strnlen(name, NAME_MAX_LEN + 1);

	if (!cs_is_ident(name, NAME_MAX_LEN, "_+-/") || name[0] == '/' || name[n - 1] == '/' || strstr(name, "//") != NULL)
		return CS_EINVAL;
	return 0;
}

/* The file's bytes in buf; 0 when it cannot be read. Names hold no dots, so they do not lead out of the folder. */
static size_t
read_zone_file(const char *name, uint8_t *buf, size_t cap)
{
	char path[sizeof(CS_ZONE_DIR) + 1 + NAME_MAX_LEN] = CS_ZONE_DIR "/";
	struct stat st;
	size_t n = 0;
	ssize_t got;
	int fd;

	memcpy(path + sizeof(CS_ZONE_DIR), name, strlen(name) + 1);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) < 0)
		return 0;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		while (n < cap && (got = read(fd, buf + n, cap - n)) != 0) {
			if (got < 0 && errno == EINTR)
				continue;
			if (got < 0)
				break;
			n += (size_t)got;
		}
	}
	close(fd);
	return n < cap ? n : 0;
}

static struct cs_zone *
load(const char *name)
{
	uint8_t *buf = cs_xmalloc(FILE_MAX);
	size_t n = read_zone_file(name, buf, FILE_MAX);
	struct cs_zone *z = n > 0 ? cs_zone_parse(buf, n) : NULL;

	free(buf);
	return z;
}

/* ---- the cache */

struct known {
	struct known *next;
	struct cs_zone *zone; /* NULL: there is none of this name */
	char name[NAME_MAX_LEN + 1];
};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct known *cache;
static size_t n_unknown;

static const struct cs_zone *
find(const char *name)
{
	struct known *k;

	for (k = cache; k != NULL; k = k->next)
		if (strcmp(k->name, name) == 0)
			return k->zone;
	k = cs_xcalloc(1, sizeof(*k));
	k->zone = load(name);
	if (k->zone == NULL && n_unknown == UNKNOWN_MAX) {
		free(k);
		return NULL;
	}
	n_unknown += k->zone == NULL;
	memcpy(k->name, name, strlen(name) + 1);
	k->next = cache;
	cache = k;
	return k->zone;
}

int
cs_zone_to_utc(const char *name, int64_t local_ms, int64_t *utc_ms)
{
	int64_t rest = (local_ms % 1000 + 1000) % 1000;
	const struct cs_zone *z;

	if (cs_zone_name_check(name) < 0)
		return CS_EINVAL;
	pthread_mutex_lock(&lock);
	z = find(name);
	pthread_mutex_unlock(&lock);
	if (z == NULL)
		return CS_ENOTFOUND;
	*utc_ms = cs_zone_local_to_utc_s(z, (local_ms - rest) / 1000) * 1000 + rest;
	return 0;
}
