/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text.c - text in the call's memory: formats, encodings, times, money.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <cs/helpers.h>

#define TEXT_MAX (1u << 20)
#define LAST_MS INT64_C(253402300800000) /* the year 10000 */

struct cs_bytes
csh_bytes(const char *s)
{
	return (struct cs_bytes){ s, strlen(s) };
}

char *
csh_strndup(const struct csh *h, const char *s, size_t n)
{
	char *out = h->host->alloc(h->call, n + 1);

	memcpy(out, s, n);
	out[n] = '\0';
	return out;
}

/* Formatting is dear, so it is done twice for long texts only. */
char *
csh_printf(const struct csh *h, const char *fmt, ...)
{
	char few[256], *out;
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(few, sizeof(few), fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof(few)) {
		out = csh_strndup(h, few, (size_t)n);
	} else {
		n = n < 0 ? 0 : n;
		out = h->host->alloc(h->call, (size_t)n + 1);
		vsnprintf(out, (size_t)n + 1, fmt, again);
	}
	va_end(again);
	return out;
}

static int
make_room(struct csh_str *s, size_t n)
{
	size_t cap = s->cap ? s->cap : 256;
	char *bigger;

	if (n >= TEXT_MAX - s->len)
		return 0;
	if (s->len + n + 1 <= s->cap)
		return 1;
	while (cap < s->len + n + 1)
		cap *= 2;
	bigger = s->h->host->alloc(s->h->call, cap);
	if (s->len)
		memcpy(bigger, s->ptr, s->len);
	s->ptr = bigger;
	s->cap = cap;
	return 1;
}

void
csh_add(struct csh_str *s, const char *p, size_t n)
{
	if (n == 0 || !make_room(s, n))
		return;
	memcpy(s->ptr + s->len, p, n);
	s->len += n;
	s->ptr[s->len] = '\0';
}

void
csh_adds(struct csh_str *s, const char *text)
{
	csh_add(s, text, strlen(text));
}

const char *
csh_text(const struct csh_str *s)
{
	return s->len ? s->ptr : "";
}

void
csh_add_json(struct csh_str *s, const char *text)
{
	char esc[16];

	csh_add(s, "\"", 1);
	for (; *text; text++) {
		size_t run = strcspn(text,
		    "\"\\\001\002\003\004\005\006\007\010\011\012\013\014\015\016\017\020\021\022"
		                           "\023\024\025\026\027\030\031\032\033\034\035\036\037");

		csh_add(s, text, run);
		text += run;
		if (!*text)
			break;
		if (*text == '"' || *text == '\\')
			snprintf(esc, sizeof(esc), "\\%c", *text);
		else
			snprintf(esc, sizeof(esc), "\\u%04x", (unsigned)*text & 0x7f);
		csh_adds(s, esc);
	}
	csh_add(s, "\"", 1);
}

static const char *
html_for(char c)
{
	switch (c) {
	case '&': return "&amp;";
	case '<': return "&lt;";
	case '>': return "&gt;";
	case '"': return "&quot;";
	case '\'': return "&#39;";
	case '\n': return "<br>";
	default: return NULL;
	}
}

void
csh_add_html(struct csh_str *s, const char *p, size_t n)
{
	size_t i, from = 0;

	for (i = 0; i < n; i++) {
		const char *esc = html_for(p[i]);

		if (!esc)
			continue;
		csh_add(s, p + from, i - from);
		csh_adds(s, esc);
		from = i + 1;
	}
	csh_add(s, p + from, n - from);
}

static int
is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    (c && strchr("-._~", c));
}

static char *
encode(const struct csh *h, const char *s, int space_as_plus)
{
	char *out = h->host->alloc(h->call, strlen(s) * 3 + 1), *p = out;

	for (; *s; s++) {
		if (is_plain(*s))
			*p++ = *s;
		else if (*s == ' ' && space_as_plus)
			*p++ = '+';
		else
			p += sprintf(p, "%%%02X", (unsigned)(unsigned char)*s);
	}
	*p = '\0';
	return out;
}

char *
csh_url(const struct csh *h, const char *s)
{
	return encode(h, s, 0);
}

char *
csh_form(const struct csh *h, const char *s)
{
	return encode(h, s, 1);
}

char *
csh_base64(const struct csh *h, struct cs_bytes in)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *s = (const unsigned char *)in.ptr;
	char *out = h->host->alloc(h->call, (in.len + 2) / 3 * 4 + 1), *p = out;
	size_t i;

	for (i = 0; i < in.len; i += 3) {
		size_t left = in.len - i;
		uint32_t v = (uint32_t)s[i] << 16 | (left > 1 ? (uint32_t)s[i + 1] << 8 : 0) | (left > 2
		    ? s[i + 2] : 0);

		*p++ = digits[v >> 18];
		*p++ = digits[v >> 12 & 63];
		*p++ = left > 1 ? digits[v >> 6 & 63] : '=';
		*p++ = left > 2 ? digits[v & 63] : '=';
	}
	*p = '\0';
	return out;
}

char *
csh_time(const struct csh *h, int64_t ms)
{
	time_t s = (time_t)(ms / 1000);
	struct tm tm;
	char *out = h->host->alloc(h->call, 32);

	if (ms > 0 && ms < LAST_MS && gmtime_r(&s, &tm))
		strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return out;
}

char *
csh_cents(const struct csh *h, int64_t cents)
{
	uint64_t c = cents < 0 ? 0 - (uint64_t)cents : (uint64_t)cents;

	return csh_printf(h, "%s%" PRIu64 ".%02" PRIu64, cents < 0 ? "-" : "", c / 100, c % 100);
}

int
csh_same_text(const char *a, const char *b)
{
	return *a && strcasecmp(a, b) == 0;
}

int
csh_is_one_of(const char *s, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(s, *list) == 0)
			return 1;
	return 0;
}

int
csh_is_digits(const char *s)
{
	return *s && s[strspn(s, "0123456789")] == '\0';
}

const char *
csh_cut(const struct csh *h, const char *s, size_t max)
{
	size_t n = strlen(s);

	if (n <= max)
		return s;
	for (n = max; n > 0 && ((unsigned char)s[n] & 0xC0) == 0x80;)
		n--;
	return csh_strndup(h, s, n);
}

static void
add_pair(struct csh_str *s, const char *name, const char *value, char *(*encode_value)(const struct csh *, const char *))
{
	if (!*value)
		return;
	csh_adds(s, s->len ? "&" : "");
	csh_adds(s, name);
	csh_adds(s, "=");
	csh_adds(s, encode_value(s->h, value));
}

void
csh_query_add(struct csh_str *s, const char *name, const char *value)
{
	add_pair(s, name, value, csh_url);
}

void
csh_form_add(struct csh_str *s, const char *name, const char *value)
{
	add_pair(s, name, value, csh_form);
}
