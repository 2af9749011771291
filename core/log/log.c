/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.c - one line per call, made on the stack and written with one write(2).
 *
 * No lock is taken to write: a line of up to LINE_MAX_BYTES goes out whole, so lines of several threads do not mix.
 * A thread that logs a line per lead may gather its lines (cs_log_gather) and write them before it sleeps. Warnings and errors
 * never wait, nor does what was gathered before them, so a thread's lines stay in order.
 * The settings are atomics; only the list of modules at debug needs a lock, and only calls below the level look at it.
 * Whatever a caller passes, a line stays one line: control characters that are left become "?".
 *
 * A complaint is reported at once, then after 10 s, 20 s, 40 s and so on up to an hour while the fault lasts. Once its
 * end was told, a new beginning is told too, but not more often than once a minute, so a fault that flickers stays quiet.
 */
#include "config.h"
#include "log/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "util/clock.h"
#include "util/json.h"
#include "util/mem.h"
#include "util/text.h"

#define LINE_MAX_BYTES 4096
#define FIELDS_MAX 2048
#define MODULE_MAX 32
#define MSG_MAX 400
#define GATHERED_MAX ((size_t)16 << 10)
#define WRITE_BACK_AT ((size_t)256 << 10)
#define COMPLAIN_FIRST_MS (10 * CS_SECOND_MS)
#define COMPLAIN_MOST_MS CS_HOUR_MS
#define COMPLAIN_AGAIN_MS CS_MINUTE_MS

enum { DEBUG_NONE, DEBUG_SOME, DEBUG_ALL };

static const char *const level_names[] = { "error", "warn", "info", "debug" };

static _Atomic int log_level = CS_LOG_INFO;
static _Atomic int log_fd = STDERR_FILENO;
static _Atomic bool log_json;
static _Atomic size_t not_begun; /* bytes whose way to the disk cs_log_write_back has not begun */
static _Atomic int debug_which = DEBUG_NONE;
static char debug_modules[256]; /* under debug_lock */
static pthread_mutex_t debug_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t complaint_lock = PTHREAD_MUTEX_INITIALIZER; /* every struct cs_complaint */

void
cs_log_init(const struct cs_log_conf *conf)
{
	const char *modules = conf->debug_modules == NULL ? "" : conf->debug_modules;

	pthread_mutex_lock(&debug_lock);
	snprintf(debug_modules, sizeof(debug_modules), "%s", modules);
	atomic_store(&debug_which, *modules == '\0'               ? DEBUG_NONE
	                           : strcmp(modules, "all") == 0 ? DEBUG_ALL
	                                                         : DEBUG_SOME);
	pthread_mutex_unlock(&debug_lock);
	atomic_store(&log_level, (int)conf->level);
	atomic_store(&log_json, conf->json);
	atomic_store(&log_fd, conf->fd);
}

static bool
debug_listed(const char *module)
{
	size_t len = strlen(module), word;
	bool found = false;

	pthread_mutex_lock(&debug_lock);
	for (const char *p = debug_modules; *p != '\0' && !found; p += word) {
		p += strspn(p, ", ");
		word = strcspn(p, ", ");
		found = word == len && memcmp(p, module, len) == 0;
	}
	pthread_mutex_unlock(&debug_lock);
	return found;
}

bool
cs_log_wants(enum cs_log_level level, const char *module)
{
	int which;

	if ((int)level <= atomic_load_explicit(&log_level, memory_order_relaxed))
		return true;
	which = atomic_load_explicit(&debug_which, memory_order_relaxed);
	return which == DEBUG_ALL || (which == DEBUG_SOME && debug_listed(module));
}

/* ---- lines */

/* A buffer whose storage is as large as its ceiling never allocates. */
#define STACK_BUF(array) { .ptr = (array), .cap = sizeof(array), .max = sizeof(array) - 1 }

/* Always with milliseconds, so that lines sort as text. */
static void
add_time(struct cs_buf *b)
{
	static _Thread_local int64_t second = -1; /* the one in text[] */
	static _Thread_local char text[CS_TIME_TEXT];
	int64_t now = cs_now_ms(&cs_clock_real);
	unsigned ms = (unsigned)(now % 1000);
	const char tail[] = { '.', (char)('0' + ms / 100), (char)('0' + ms / 10 % 10), (char)('0' + ms % 10), 'Z' };

	if (now / 1000 != second) {
		second = now / 1000;
		cs_time_format(second * 1000, text);
	}
	cs_buf_add(b, text, strlen(text) - 1);
	cs_buf_add(b, tail, sizeof(tail));
}

static _Thread_local struct cs_buf gathered; /* max 0: this thread does not gather */

static void
write_all(const char *p, size_t n)
{
	ssize_t done;

	while (n > 0) {
		done = write(atomic_load(&log_fd), p, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return; /* nobody to tell */
		atomic_fetch_add_explicit(&not_begun, (size_t)done, memory_order_relaxed);
		p += done;
		n -= (size_t)done;
	}
}

bool
cs_log_write_back(void)
{
	int saved = errno, rc;

	if (atomic_load_explicit(&not_begun, memory_order_relaxed) < WRITE_BACK_AT)
		return false;
	atomic_store_explicit(&not_begun, 0, memory_order_relaxed);
	rc = sync_file_range(atomic_load(&log_fd), 0, 0, SYNC_FILE_RANGE_WRITE); /* ESPIPE: not a file */
	errno = saved;
	return rc == 0;
}

void
cs_log_gather(bool on)
{
	cs_log_flush();
	cs_buf_fini(&gathered);
	gathered.max = on ? GATHERED_MAX : 0;
}

void
cs_log_flush(void)
{
	int saved = errno;

	if (gathered.len > 0)
		write_all(gathered.ptr, gathered.len);
	cs_buf_reset(&gathered);
	errno = saved;
}

static void
write_line(struct cs_buf *b, enum cs_log_level level)
{
	for (char *c = b->ptr, *end = c + b->len; c < end; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	b->ptr[b->len++] = '\n'; /* in the place of the NUL */
	if (gathered.max > 0 && gathered.max - gathered.len < b->len)
		cs_log_flush();
	if (gathered.max > 0 && level >= CS_LOG_INFO && cs_buf_add(&gathered, b->ptr, b->len) == 0)
		return;
	cs_log_flush();
	write_all(b->ptr, b->len);
}

/* ---- fields: "key=value key="quoted value"" */

struct field {
	const char *key, *value;
	size_t key_len, value_len;
	bool quoted; /* value is then with its quotes, and by the rules of cs_log_quote */
};

/* The end of a quoted value: behind the closing quote, or where the text ends. */
static const char *
quoted_end(const char *p)
{
	for (p++; *p != '\0' && *p != '"'; p++)
		if (*p == '\\' && p[1] != '\0')
			p++;
	return *p == '"' ? p + 1 : p;
}

static bool
next_field(const char **at, struct field *f)
{
	const char *p = *at + strspn(*at, " ");

	f->key = f->value = p;
	f->key_len = strcspn(p, "= ");
	f->value_len = 0;
	f->quoted = false;
	p += f->key_len;
	if (*p == '=') {
		f->value = ++p;
		f->quoted = *p == '"';
		p = f->quoted ? quoted_end(p) : p + strcspn(p, " ");
		f->value_len = (size_t)(p - f->value);
	}
	*at = p;
	return p != f->key;
}

/* -?(0|[1-9][0-9]*) of up to 18 digits. */
static bool
is_integer(const char *s, size_t n)
{
	size_t sign = n > 0 && s[0] == '-';

	if (n == sign || n - sign > 18 || (s[sign] == '0' && n - sign > 1))
		return false;
	for (size_t i = sign; i < n; i++)
		if (s[i] < '0' || s[i] > '9')
			return false;
	return true;
}

/* A quoted value as cs_log_quote makes it is a JSON string; one that a caller wrote by hand may be anything. */
static bool
is_json_string(const struct field *f)
{
	json_object *o;

	if (!f->quoted || cs_json_parse(f->value, f->value_len, 0, &o, NULL) < 0)
		return false;
	json_object_put(o);
	return true;
}

static void
add_json_member(struct cs_buf *b, const char *key, size_t key_len, const char *value, size_t value_len)
{
	cs_buf_addc(b, ',');
	cs_buf_add_json_string(b, key, key_len);
	cs_buf_addc(b, ':');
	cs_buf_add_json_string(b, value, value_len);
}

static void
add_json_field(struct cs_buf *b, const struct field *f)
{
	if (!is_json_string(f) && !is_integer(f->value, f->value_len)) {
		add_json_member(b, f->key, f->key_len, f->value, f->value_len);
		return;
	}
	cs_buf_addc(b, ',');
	cs_buf_add_json_string(b, f->key, f->key_len);
	cs_buf_addc(b, ':');
	cs_buf_add(b, f->value, f->value_len);
}

/* Fields that do not fit are left out whole, and "cut" says so. */
static void
make_json(struct cs_buf *b, enum cs_log_level level, const char *module, const char *msg, const char *fields)
{
	static const char cut[] = ",\"cut\":true";
	struct field f;
	size_t mark = 0;

	cs_buf_adds(b, "{\"time\":\"");
	add_time(b);
	cs_buf_printf(b, "\",\"level\":\"%s\"", level_names[level]);
	add_json_member(b, "module", 6, module, strnlen(module, MODULE_MAX));
	add_json_member(b, "msg", 3, msg, strnlen(msg, MSG_MAX));
	b->max -= sizeof(cut); /* kept for the end, with the brace */
	while (!b->failed && next_field(&fields, &f)) {
		mark = b->len;
		add_json_field(b, &f);
	}
	b->max += sizeof(cut);
	if (b->failed) {
		b->failed = false;
		b->len = mark;
		cs_buf_adds(b, cut);
	}
	cs_buf_addc(b, '}');
}

static void
make_plain(struct cs_buf *b, enum cs_log_level level, const char *module, const char *msg, const char *fields)
{
	add_time(b);
	cs_buf_addc(b, ' ');
	cs_buf_adds(b, level_names[level]);
	cs_buf_addc(b, ' ');
	cs_buf_add(b, module, strnlen(module, MODULE_MAX));
	cs_buf_adds(b, ": ");
	cs_buf_add(b, msg, strnlen(msg, MSG_MAX));
	if (*fields != '\0')
		cs_buf_addc(b, ' ');
	cs_buf_add(b, fields, strnlen(fields, FIELDS_MAX));
}

static void
write_entry(enum cs_log_level level, const char *module, const char *msg, const char *fields)
{
	char text[LINE_MAX_BYTES];
	struct cs_buf b = STACK_BUF(text);

	if (atomic_load(&log_json))
		make_json(&b, level, module, msg, fields);
	else
		make_plain(&b, level, module, msg, fields);
	write_line(&b, level);
}

static void CS_PRINTF_LIKE(2, 0)
format_fields(char out[FIELDS_MAX], const char *fmt, va_list ap)
{
	int n = vsnprintf(out, FIELDS_MAX, fmt, ap);

	if (n < 0)
		out[0] = '\0';
	else if (n >= FIELDS_MAX)
		memcpy(out + cs_utf8_cut(out, FIELDS_MAX - 1, FIELDS_MAX - 4), "...", sizeof("..."));
}

void
cs_log(enum cs_log_level level, const char *module, const char *msg, const char *fmt, ...)
{
	char fields[FIELDS_MAX];
	int saved = errno;
	va_list ap;

	if (!cs_log_wants(level, module))
		return;
	va_start(ap, fmt);
	format_fields(fields, fmt, ap);
	va_end(ap);
	write_entry(level, module, msg, fields);
	errno = saved;
}

void
cs_log_fields(enum cs_log_level level, const char *module, const char *msg, const char *fields)
{
	int saved = errno;

	if (cs_log_wants(level, module))
		write_entry(level, module, msg, fields);
	errno = saved;
}

/* ---- quoting */

/* What looks like a number is quoted: in JSON it must stay the text that it is. */
static bool
is_bare(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (s[i] <= ' ' || s[i] >= 0x7f || s[i] == '"' || s[i] == '\\' || s[i] == '=')
			return false;
	return n > 0 && !is_integer(s, n);
}

/* One character (or one run of broken bytes) as it stands inside a JSON string; returns its bytes of `s`. */
static size_t
quote_one(struct cs_buf *piece, const char *s, size_t n)
{
	size_t step = 1;

	while (step < n && step < 4 && ((unsigned char)s[step] & 0xc0) == 0x80)
		step++;
	cs_buf_reset(piece);
	cs_buf_add_json_string(piece, s, step);
	return step;
}

const char *
cs_log_quote(const char *value, char *buf, size_t cap)
{
	char one[32];
	struct cs_buf piece = STACK_BUF(one);
	size_t n = value == NULL ? 0 : strlen(value), len = 0, mark = 1, at = 0;

	if (cap < 8)
		return cap > 0 ? memset(buf, 0, 1) : "";
	if (n < cap && is_bare(value, n))
		return memcpy(buf, value, n + 1);
	buf[len++] = '"';
	while (at < n) {
		at += quote_one(&piece, value + at, n - at);
		if (len + piece.len - 2 + sizeof("\"") > cap) {
			memcpy(buf + mark, "...", 3);
			len = mark + 3;
			break;
		}
		memcpy(buf + len, piece.ptr + 1, piece.len - 2);
		len += piece.len - 2;
		if (len + sizeof("...\"") <= cap)
			mark = len;
	}
	memcpy(buf + len, "\"", sizeof("\""));
	return buf;
}

/* ---- complaints */

/* Under complaint_lock. True when it is to be told now; *held is what was kept back since the last time. */
static bool
complaint_due(struct cs_complaint *c, int64_t now_ms, uint64_t *held)
{
	int64_t last = c->next_ms - c->interval_ms; /* when it was told; 0 and without meaning while interval_ms is 0 */
	int64_t next = c->failing ? c->next_ms : last + COMPLAIN_AGAIN_MS;

	if (c->interval_ms != 0 && now_ms >= last && now_ms < next) {
		c->held_back++;
		return false;
	}
	c->interval_ms = c->failing ? c->interval_ms * 2 : COMPLAIN_FIRST_MS;
	if (c->interval_ms > COMPLAIN_MOST_MS)
		c->interval_ms = COMPLAIN_MOST_MS;
	c->next_ms = now_ms + c->interval_ms;
	__atomic_store_n(&c->failing, true, __ATOMIC_RELAXED);
	*held = c->held_back;
	c->held_back = 0;
	return true;
}

void
cs_log_complain(struct cs_complaint *c, int64_t now_ms, enum cs_log_level level, const char *module, const char *msg,
                const char *fmt, ...)
{
	char fields[FIELDS_MAX];
	int saved = errno;
	uint64_t held;
	va_list ap;
	bool due;

	pthread_mutex_lock(&complaint_lock);
	due = complaint_due(c, now_ms, &held);
	pthread_mutex_unlock(&complaint_lock);
	if (!due || !cs_log_wants(level, module))
		return;
	va_start(ap, fmt);
	format_fields(fields, fmt, ap);
	va_end(ap);
	if (held > 0) {
		size_t len = strnlen(fields, sizeof(fields) - 40);

		snprintf(fields + len, sizeof(fields) - len, "%sheld_back=%" PRIu64, len > 0 ? " " : "", held);
	}
	write_entry(level, module, msg, fields);
	errno = saved;
}

/* Called on every success, so the usual case takes no lock. */
void
cs_log_relieve(struct cs_complaint *c, const char *module, const char *msg)
{
	uint64_t held;
	bool told;

	if (!__atomic_load_n(&c->failing, __ATOMIC_RELAXED))
		return;
	pthread_mutex_lock(&complaint_lock);
	told = c->failing;
	held = c->held_back;
	c->held_back = 0;
	__atomic_store_n(&c->failing, false, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&complaint_lock);
	if (told)
		cs_log(CS_LOG_INFO, module, msg, "held_back=%" PRIu64, held);
}
