/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mem.h - allocation that cannot be forgotten.
 *
 * csrelay bounds its memory by budgets long before malloc fails, so running out of it in a small allocation is a
 * fault of the machine: the x-functions log one line and abort (the queue is on disk; systemd starts us again).
 * struct cs_arena ties many small objects to one lifetime. struct cs_buf is a growing byte buffer with a ceiling, for
 * everything whose size a stranger decides.
 */
#ifndef CS_UTIL_MEM_H
#define CS_UTIL_MEM_H

#include <stddef.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include "util/err.h"

void *cs_xmalloc(size_t n);
void *cs_xcalloc(size_t n, size_t size);
void *cs_xrealloc(void *p, size_t n);
char *cs_xstrdup(const char *s);
char *cs_xstrndup(const char *s, size_t n);
char *cs_xasprintf(const char *fmt, ...) CS_PRINTF_LIKE(1, 2);
/* For CS_CLEANUP on a pointer: `CS_CLEANUP(cs_freep) char *s = NULL;` */
void cs_freep(void *pp);
/* Overwrite with zeroes in a way the compiler keeps; then free. NULL is fine. `n` 0: strlen. */
void cs_wipe(void *p, size_t n);
void cs_wipe_free(void *p, size_t n);

/* ---- arena: freed or reset whole. Not for threads to share. */
struct cs_arena {
	struct cs_arena_chunk *head;
	size_t used; /* bytes handed out, all chunks */
};
void cs_arena_init(struct cs_arena *a);
/* The same, with the caller's memory as the first chunk: n bytes (over 64), aligned to 16, that outlive the arena. */
void cs_arena_init_in(struct cs_arena *a, void *mem, size_t n);
void cs_arena_fini(struct cs_arena *a);
/* Forget everything, keep one chunk for the next user. */
void cs_arena_reset(struct cs_arena *a);
void *cs_arena_alloc(struct cs_arena *a, size_t n); /* zeroed, aligned to 16 */
char *cs_arena_strdup(struct cs_arena *a, const char *s);
char *cs_arena_strndup(struct cs_arena *a, const char *s, size_t n);
void *cs_arena_dup(struct cs_arena *a, const void *p, size_t n); /* adds a NUL behind */
char *cs_arena_printf(struct cs_arena *a, const char *fmt, ...) CS_PRINTF_LIKE(2, 3);

/* ---- buffer: always NUL-terminated behind len once something was added */
struct cs_buf {
	char *ptr;
	size_t len, cap, max; /* max 0: no ceiling */
	bool failed;          /* something did not fit; sticky, nothing more is added */
};
#define CS_BUF_INIT(ceiling) { .max = (ceiling) }
void cs_buf_init(struct cs_buf *b, size_t max);
void cs_buf_fini(struct cs_buf *b);
void cs_buf_reset(struct cs_buf *b); /* len 0, memory kept, failed cleared */
void cs_buf_recycle(struct cs_buf *b, size_t keep); /* the same, but memory of more than `keep` bytes is given back */
void cs_buf_reserve(struct cs_buf *b, size_t n); /* room for n more bytes at once, if the ceiling has it */
char *cs_buf_extend_slow(struct cs_buf *b, size_t n); /* of cs_buf_extend: it must grow, or there is no room */
static inline char *
cs_buf_extend(struct cs_buf *b, size_t n) /* n more bytes, which the caller fills in; NULL: they do not fit */
{
	if (b->failed || b->cap <= b->len || n >= b->cap - b->len || (b->max > 0 && n > b->max - b->len))
		return cs_buf_extend_slow(b, n);
	b->len += n;
	b->ptr[b->len] = '\0';
	return b->ptr + b->len - n;
}
static inline int
cs_buf_add(struct cs_buf *b, const void *p, size_t n) /* 0 or CS_ELIMIT */
{
	char *at = cs_buf_extend(b, n);

	if (at == NULL)
		return CS_ELIMIT;
	if (n > 0)
		memcpy(at, p, n);
	return 0;
}
static inline int
cs_buf_adds(struct cs_buf *b, const char *s)
{
	return cs_buf_add(b, s, strlen(s));
}
static inline int
cs_buf_addc(struct cs_buf *b, char c)
{
	return cs_buf_add(b, &c, 1);
}
int cs_buf_add_int(struct cs_buf *b, int64_t v); /* in decimal; where a line is made for each lead, printf is dear */
int cs_buf_printf(struct cs_buf *b, const char *fmt, ...) CS_PRINTF_LIKE(2, 3);
int cs_buf_vprintf(struct cs_buf *b, const char *fmt, va_list ap) CS_PRINTF_LIKE(2, 0);
/* Append `s` as a JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
int cs_buf_add_json_string(struct cs_buf *b, const char *s, size_t n);
const char *cs_buf_str(const struct cs_buf *b); /* "" when empty */
/* Hand the memory over; the buffer is empty afterwards. NULL when empty. */
char *cs_buf_steal(struct cs_buf *b, size_t *len);

#endif
