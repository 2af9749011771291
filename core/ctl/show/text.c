/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text.c - see text.h.
 */
#define _GNU_SOURCE
#include "config.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wchar.h>
#include "ctl/show/text.h"
#include "util/clock.h"
#include "util/text.h"

/* ---- strangers' words */

/* The character at s, and how many bytes it takes; 0 with U+FFFD where there is none. */
static size_t
decode(const char *s, uint32_t *cp)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t n = u[0] < 0x80		   ? 1
		   : (u[0] & 0xe0) == 0xc0 ? 2
		   : (u[0] & 0xf0) == 0xe0 ? 3
		   : (u[0] & 0xf8) == 0xf0 ? 4
					   : 0;

	*cp = 0xfffd;
	if (n == 0 || strnlen(s, n) < n || !cs_utf8_valid(s, n, true))
		return 0;
	*cp = n == 1 ? u[0] : u[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++)
		*cp = *cp << 6 | (u[i] & 0x3f);
	return n;
}

static bool
is_harmful(uint32_t cp)
{
	return cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0x061c || (cp >= 0x200b && cp <= 0x200f) ||
	       (cp >= 0x2028 && cp <= 0x202e) || (cp >= 0x2060 && cp <= 0x206f) || cp == 0xfeff ||
	       cp >= 0xe0000;
}

const char *
cs_ctl_clean(struct cs_arena *mem, const char *s)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);

	if (s == NULL)
		return "";
	while (*s != '\0') {
		uint32_t cp;
		size_t n = decode(s, &cp);

		if (*s == '\n' || *s == '\t' || *s == '\r')
			cs_buf_addc(&b, ' ');
		else if (n == 0 || is_harmful(cp))
			cs_buf_adds(&b, "\xef\xbf\xbd");
		else
			cs_buf_add(&b, s, n);
		s += n > 0 ? n : 1;
	}
	return cs_arena_strdup(mem, cs_buf_str(&b));
}

static int
columns_of(uint32_t cp)
{
	int w = wcwidth((wchar_t)cp);

	return w >= 0 ? w : 1; /* the locale does not know it: most have one */
}

int
cs_ctl_columns(const char *s)
{
	int columns = 0;
	uint32_t cp;

	for (size_t n; *s != '\0'; s += n > 0 ? n : 1) {
		n = decode(s, &cp);
		columns += columns_of(cp);
	}
	return columns;
}

size_t
cs_ctl_cut(const char *s, int columns)
{
	const char *p = s;
	uint32_t cp;

	for (size_t n; *p != '\0'; p += n > 0 ? n : 1) {
		n = decode(p, &cp);
		if ((columns -= columns_of(cp)) < 0)
			break;
	}
	return (size_t)(p - s);
}

/* ---- paint */

const char *
cs_ctl_paint(const struct cs_ctl *c, enum cs_ctl_paint p)
{
	static const char *const seq[] = { "", "\033[32m", "\033[31m", "\033[33m", "\033[2m", "\033[1m" };

	return c->colour ? seq[p] : "";
}

const char *
cs_ctl_unpaint(const struct cs_ctl *c, enum cs_ctl_paint p)
{
	return c->colour && p != CS_PAINT_NONE ? "\033[0m" : "";
}

static const struct {
	const char *state, *words;
	enum cs_ctl_paint paint;
} states[] = {
	{ "due", "waits", CS_PAINT_WARN },
	{ "in_hand", "under way", CS_PAINT_NONE },
	{ "taken", "under way", CS_PAINT_NONE },
	{ "delivered", "delivered", CS_PAINT_GOOD },
	{ "dead", "dead letter", CS_PAINT_BAD },
	{ "discarded", "discarded", CS_PAINT_DIM },
	{ "connected", "connected", CS_PAINT_GOOD },
	{ "needs_reauth", "needs its owner to sign in", CS_PAINT_BAD },
	{ "paused", "paused", CS_PAINT_WARN },
	{ "pending", "waits for confirmation", CS_PAINT_WARN },
	{ "failing", "failing", CS_PAINT_BAD },
};

enum cs_ctl_paint
cs_ctl_paint_of_state(const char *state)
{
	for (size_t i = 0; i < CS_ARRAY_LEN(states); i++)
		if (strcmp(states[i].state, state) == 0)
			return states[i].paint;
	return CS_PAINT_NONE;
}

const char *
cs_ctl_state_words(const char *state)
{
	for (size_t i = 0; i < CS_ARRAY_LEN(states); i++)
		if (strcmp(states[i].state, state) == 0)
			return states[i].words;
	return state;
}

/* ---- times */

static struct tm
local(int64_t ms)
{
	time_t t = (time_t)(ms / 1000);
	struct tm tm = { 0 };

	localtime_r(&t, &tm);
	return tm;
}

const char *
cs_ctl_time(struct cs_arena *mem, int64_t ms)
{
	struct tm tm = local(ms);

	return ms <= 0 ? ""
		       : cs_arena_printf(mem, "%04d-%02d-%02d %02d:%02d:%02d", tm.tm_year + 1900,
					 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

const char *
cs_ctl_clock(struct cs_arena *mem, int64_t ms)
{
	struct tm tm = local(ms);

	return cs_arena_printf(mem, "%02d:%02d:%02d.%03d", tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(ms % 1000));
}

const char *
cs_ctl_span(struct cs_arena *mem, int64_t from_ms, int64_t to_ms)
{
	char text[CS_TIME_TEXT];
	int64_t ms = to_ms - from_ms;

	if (from_ms <= 0)
		return "";
	return cs_arena_strdup(mem, cs_duration_text(ms > 0 ? ms : 0, text));
}

const char *
cs_ctl_when(struct cs_arena *mem, int64_t ms, int64_t now_ms)
{
	const char *at = cs_ctl_time(mem, ms);

	if (ms <= 0)
		return "";
	if (ms > now_ms)
		return cs_arena_printf(mem, "%s (in %s)", at, cs_ctl_span(mem, now_ms, ms));
	return cs_arena_printf(mem, "%s (%s ago)", at, cs_ctl_span(mem, ms, now_ms));
}

/* "2h", "30 m", "1 d" */
static int
read_distance(const char *s, int64_t *ms)
{
	static const struct {
		char unit;
		int64_t ms;
	} units[] = { { 's', CS_SECOND_MS }, { 'm', CS_MINUTE_MS }, { 'h', CS_HOUR_MS }, { 'd', CS_DAY_MS } };
	char *end;
	long n = strtol(s, &end, 10);

	while (*end == ' ')
		end++;
	for (size_t i = 0; i < CS_ARRAY_LEN(units); i++)
		if (end != s && n >= 0 && n <= 100000 && end[0] == units[i].unit && end[1] == '\0') {
			*ms = n * units[i].ms;
			return 0;
		}
	return CS_EINVAL;
}

static int
read_local(const char *s, int64_t *ms)
{
	static const char *const forms[] = { "%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S",
					     "%Y-%m-%dT%H:%M:%S" };

	for (size_t i = 0; i < CS_ARRAY_LEN(forms); i++) {
		struct tm tm = { .tm_isdst = -1 };
		const char *end = strptime(s, forms[i], &tm);
		time_t t;

		if (end == NULL || *end != '\0')
			continue;
		tm.tm_isdst = -1;
		if ((t = mktime(&tm)) == (time_t)-1)
			return CS_EINVAL;
		*ms = (int64_t)t * 1000;
		return 0;
	}
	return CS_EINVAL;
}

int
cs_ctl_read_time(const char *s, int64_t now_ms, int direction, int64_t *ms)
{
	int64_t distance;
	bool has_zone;

	if (cs_time_parse(s, strlen(s), true, ms, &has_zone) == 0)
		return 0;
	if (read_distance(s, &distance) == 0) {
		*ms = now_ms + direction * distance;
		return 0;
	}
	return read_local(s, ms);
}

/* ---- members of answers */

int64_t
cs_ctl_json_time(const json_object *o, const char *key)
{
	json_object *v = cs_json_get(o, key);
	bool has_zone;
	int64_t ms;

	if (v == NULL)
		return 0;
	if (json_object_is_type(v, json_type_int))
		return json_object_get_int64(v);
	if (!json_object_is_type(v, json_type_string) ||
	    cs_time_parse(json_object_get_string(v), (size_t)json_object_get_string_len(v), true, &ms,
			  &has_zone) < 0)
		return 0;
	return ms;
}

const char *
cs_ctl_json_text(struct cs_arena *mem, const json_object *o, const char *key)
{
	return cs_ctl_clean(mem, cs_json_str(o, key, ""));
}

size_t
cs_ctl_json_count(const json_object *array)
{
	return array != NULL && json_object_is_type(array, json_type_array) ? json_object_array_length(array)
									    : 0;
}

void
cs_ctl_print_pretty(struct cs_ctl *c, json_object *o)
{
	const char *p = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
	                                                  JSON_C_TO_STRING_NOSLASHESCAPE);

	while (*p != '\0') {
		size_t n = strcspn(p, "\n");

		puts(cs_ctl_clean(&c->mem, cs_arena_strndup(&c->mem, p, n)));
		p += n + (p[n] != '\0');
	}
}
