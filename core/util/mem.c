/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mem.c - allocation, arenas, buffers.
 *
 * An arena is a chain of chunks, newest first; only the newest is filled. Chunks double up to 64 KiB; an object larger
 * than what the next chunk would hold gets a chunk of its size. A buffer grows by doubling up to its ceiling; what
 * does not fit leaves it as it was, with `failed` set.
 */
#include "config.h"
#include "util/mem.h"
#include "util/text.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK_MIN ((size_t)4096)
#define CHUNK_MAX ((size_t)65536)
#define ALIGN ((size_t)16)

struct cs_arena_chunk {
	struct cs_arena_chunk *next;
	size_t size, used;
	bool borrowed; /* of cs_arena_init_in */
	_Alignas(16) unsigned char data[];
};

static _Noreturn void
out_of_memory(void)
{
	static const char line[] = "error mem: out of memory, giving up\n";

	if (write(STDERR_FILENO, line, sizeof(line) - 1) < 0)
		abort();
	abort();
}

void *
cs_xmalloc(size_t n)
{
	void *p = malloc(n > 0 ? n : 1);

	if (p == NULL)
		out_of_memory();
	return p;
}

void *
cs_xcalloc(size_t n, size_t size)
{
	void *p = n > 0 && size > 0 ? calloc(n, size) : calloc(1, 1);

	if (p == NULL)
		out_of_memory();
	return p;
}

void *
cs_xrealloc(void *p, size_t n)
{
	void *q = realloc(p, n > 0 ? n : 1);

	if (q == NULL)
		out_of_memory();
	return q;
}

char *
cs_xstrdup(const char *s)
{
	return cs_xstrndup(s, strlen(s));
}

char *
cs_xstrndup(const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *p = cs_xmalloc(len + 1);

	memcpy(p, s, len);
	p[len] = '\0';
	return p;
}

char *
cs_xasprintf(const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0)
		out_of_memory();
	return s;
}

void
cs_freep(void *pp)
{
	void *p;

	memcpy(&p, pp, sizeof(p));
	free(p);
	memset(pp, 0, sizeof(p));
}

void
cs_wipe(void *p, size_t n)
{
	if (p == NULL)
		return;
	explicit_bzero(p, n > 0 ? n : strlen(p));
}

void
cs_wipe_free(void *p, size_t n)
{
	cs_wipe(p, n);
	free(p);
}

/* ---- arena */

void
cs_arena_init(struct cs_arena *a)
{
	a->head = NULL;
	a->used = 0;
}

void
cs_arena_init_in(struct cs_arena *a, void *mem, size_t n)
{
	struct cs_arena_chunk *c = mem;

	*c = (struct cs_arena_chunk){ .size = n - sizeof(*c), .borrowed = true };
	a->head = c;
	a->used = 0;
}

static void
free_chunks(struct cs_arena_chunk *c)
{
	struct cs_arena_chunk *next;

	for (; c != NULL; c = next) {
		next = c->next;
		if (!c->borrowed)
			free(c);
	}
}

void
cs_arena_fini(struct cs_arena *a)
{
	free_chunks(a->head);
	cs_arena_init(a);
}

/* Keeps a chunk of ordinary size only: one huge object must not stay with the arena for ever. */
void
cs_arena_reset(struct cs_arena *a)
{
	struct cs_arena_chunk *keep = a->head;

	while (keep != NULL && keep->size > CHUNK_MAX) {
		a->head = keep->next;
		free(keep);
		keep = a->head;
	}
	a->used = 0;
	if (keep == NULL)
		return;
	free_chunks(keep->next);
	keep->next = NULL;
	keep->used = 0;
}

static struct cs_arena_chunk *
add_chunk(struct cs_arena *a, size_t need)
{
	size_t size = a->head == NULL || a->head->size < CHUNK_MIN / 2 ? CHUNK_MIN : a->head->size * 2;
	struct cs_arena_chunk *c;

	if (size > CHUNK_MAX)
		size = CHUNK_MAX;
	if (size < need)
		size = need;
	if (size > SIZE_MAX - sizeof(*c))
		out_of_memory();
	c = cs_xmalloc(sizeof(*c) + size);
	*c = (struct cs_arena_chunk){ .next = a->head, .size = size };
	a->head = c;
	return c;
}

/* n bytes as malloc would give them; what is really taken goes to *size. */
static void *
take(struct cs_arena *a, size_t n, size_t *size)
{
	struct cs_arena_chunk *c = a->head;
	size_t need;
	void *p;

	if (n > SIZE_MAX - ALIGN)
		out_of_memory();
	need = (n + ALIGN - 1) / ALIGN * ALIGN;
	if (need == 0)
		need = ALIGN;
	if (c == NULL || c->size - c->used < need)
		c = add_chunk(a, need);
	p = c->data + c->used;
	c->used += need;
	a->used += need;
	*size = need;
	return p;
}

void *
cs_arena_alloc(struct cs_arena *a, size_t n)
{
	size_t size;
	void *p = take(a, n, &size);

	return memset(p, 0, size);
}

void *
cs_arena_dup(struct cs_arena *a, const void *p, size_t n)
{
	size_t size;
	char *q;

	if (n == SIZE_MAX)
		out_of_memory();
	q = take(a, n + 1, &size);
	if (n > 0)
		memcpy(q, p, n);
	q[n] = '\0';
	return q;
}

char *
cs_arena_strdup(struct cs_arena *a, const char *s)
{
	return cs_arena_dup(a, s, strlen(s));
}

char *
cs_arena_strndup(struct cs_arena *a, const char *s, size_t n)
{
	return cs_arena_dup(a, s, strnlen(s, n));
}

char *
cs_arena_printf(struct cs_arena *a, const char *fmt, ...)
{
	va_list ap, again;
	char *s;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	s = cs_arena_alloc(a, n < 0 ? 1 : (size_t)n + 1);
	if (n > 0)
		vsnprintf(s, (size_t)n + 1, fmt, again);
	va_end(again);
	return s;
}

/* ---- buffer */

void
cs_buf_init(struct cs_buf *b, size_t max)
{
	*b = (struct cs_buf)CS_BUF_INIT(max);
}

void
cs_buf_fini(struct cs_buf *b)
{
	free(b->ptr);
	cs_buf_init(b, b->max);
}

void
cs_buf_reset(struct cs_buf *b)
{
	b->len = 0;
	b->failed = false;
	if (b->ptr != NULL)
		b->ptr[0] = '\0';
}

void
cs_buf_recycle(struct cs_buf *b, size_t keep)
{
	if (b->cap > keep)
		cs_buf_fini(b);
	cs_buf_reset(b);
}

/* Room for n more bytes and the NUL. */
static int
buf_room(struct cs_buf *b, size_t n)
{
	size_t cap = b->cap;

	if (b->failed)
		return CS_ELIMIT;
	if (n > SIZE_MAX / 4 - b->len || (b->max > 0 && n > b->max - b->len)) {
		b->failed = true;
		return CS_ELIMIT;
	}
	if (b->len + n < cap)
		return 0;
	cap = cap < 64 ? 64 : cap * 2;
	if (cap < b->len + n + 1)
		cap = b->len + n + 1;
	if (b->max > 0 && cap > b->max + 1)
		cap = b->max + 1;
	b->ptr = cs_xrealloc(b->ptr, cap);
	b->cap = cap;
	return 0;
}

void
cs_buf_reserve(struct cs_buf *b, size_t n)
{
	if (b->max == 0 || n <= b->max - b->len)
		buf_room(b, n);
}

char *
cs_buf_extend_slow(struct cs_buf *b, size_t n)
{
	if (buf_room(b, n) < 0)
		return NULL;
	b->len += n;
	b->ptr[b->len] = '\0';
	return b->ptr + b->len - n;
}

int
cs_buf_add_int(struct cs_buf *b, int64_t v)
{
	char text[24], *at = text + sizeof(text);
	uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

	do
		*--at = (char)('0' + u % 10);
	while ((u /= 10) > 0);
	if (v < 0)
		*--at = '-';
	return cs_buf_add(b, at, (size_t)(text + sizeof(text) - at));
}

int
cs_buf_printf(struct cs_buf *b, const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = cs_buf_vprintf(b, fmt, ap);
	va_end(ap);
	return rc;
}

int
cs_buf_vprintf(struct cs_buf *b, const char *fmt, va_list ap)
{
	char small[256];
	va_list again;
	int n, rc;

	va_copy(again, ap);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	if (n < 0) {
		b->failed = true;
		rc = CS_ELIMIT;
	} else if ((size_t)n < sizeof(small)) {
		rc = cs_buf_add(b, small, (size_t)n);
	} else if ((rc = buf_room(b, (size_t)n)) == 0) {
		vsnprintf(b->ptr + b->len, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
	return rc;
}

static void
add_json_escape(struct cs_buf *b, unsigned char c)
{
	static const char shorthand[] = "\b\f\n\r\t\"\\", letter[] = "bfnrt\"\\";
	const char *hit = c == '\0' ? NULL : strchr(shorthand, c);

	if (hit != NULL) {
		cs_buf_addc(b, '\\');
		cs_buf_addc(b, letter[hit - shorthand]);
	} else {
		cs_buf_printf(b, "\\u%04x", c);
	}
}

int
cs_buf_add_json_string(struct cs_buf *b, const char *s, size_t n)
{
	size_t at = 0, run, step;

	cs_buf_addc(b, '"');
	while (at < n && !b->failed) {
		for (run = at; run < n; run += step) {
			unsigned char c = (unsigned char)s[run];

			step = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
			if (c < 0x20 || c == '"' || c == '\\')
				break;
			if (step > 1 && (step > n - run || !cs_utf8_valid(s + run, step, false)))
				break;
		}
		cs_buf_add(b, s + at, run - at);
		if (run < n && (unsigned char)s[run] >= 0x80)
			cs_buf_adds(b, "\xef\xbf\xbd");
		else if (run < n)
			add_json_escape(b, (unsigned char)s[run]);
		at = run + 1;
	}
	return cs_buf_addc(b, '"');
}

const char *
cs_buf_str(const struct cs_buf *b)
{
	return b->len == 0 ? "" : b->ptr;
}

char *
cs_buf_steal(struct cs_buf *b, size_t *len)
{
	char *p = b->ptr;

	if (len != NULL)
		*len = b->len;
	if (b->len == 0) {
		free(p);
		p = NULL;
	}
	cs_buf_init(b, b->max);
	return p;
}
