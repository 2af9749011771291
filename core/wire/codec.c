/* SPDX-License-Identifier: Apache-2.0 */
/*
 * codec.c - the one bounded writer and the one bounded reader.
 *
 * Integers are little-endian whatever the machine. A text or byte string is its length, its bytes and a NUL. The reader
 * believes nothing: a length is compared with what is left before it is used, a text must end at its NUL and hold no
 * other, a count is compared with what its elements need at least, so no frame makes it allocate more than a small
 * multiple of its own size.
 */
#include "config.h"
#include "wire/codec.h"

#include <endian.h>
#include <string.h>

void
cs_codec_write(struct cs_codec *c, struct cs_buf *out, uint16_t type, uint64_t call)
{
	char head[CS_WIRE_HEADER] = { 0 };
	uint16_t le_type = htole16(type);
	uint64_t le_call = htole64(call);

	*c = (struct cs_codec){ .out = out, .start = out->len, .bad = out->failed, .full = out->failed };
	memcpy(head + 4, &le_type, sizeof(le_type));
	memcpy(head + 8, &le_call, sizeof(le_call));
	cs_codec_raw(c, head, sizeof(head));
}

int
cs_codec_written(struct cs_codec *c)
{
	struct cs_buf *b = c->out;
	uint32_t len;

	if (c->bad) {
		b->len = c->start; /* the frames in front of this one stay good */
		b->failed = c->full;
		if (b->ptr != NULL)
			b->ptr[b->len] = '\0';
		return CS_ELIMIT;
	}
	len = htole32((uint32_t)(b->len - c->start - sizeof(len)));
	memcpy(b->ptr + c->start, &len, sizeof(len));
	return 0;
}

void
cs_codec_read(struct cs_codec *c, const struct cs_wire_frame *f, uint16_t type, struct cs_arena *mem)
{
	*c = (struct cs_codec){ .at = f->body, .left = f->len, .mem = mem, .bad = f->type != type };
}

int
cs_codec_was_read(struct cs_codec *c)
{
	return c->bad || c->left != 0 ? CS_ECORRUPT : 0;
}

/* Reading: n bytes that are there, or NULL. */
static const char *
take(struct cs_codec *c, size_t n)
{
	const char *p = c->at;

	if (c->bad || n > c->left) {
		c->bad = true;
		return NULL;
	}
	c->at += n;
	c->left -= n;
	return p;
}

/* Writing: n bytes to be filled in, or NULL. */
static char *
room(struct cs_codec *c, size_t n)
{
	char *at = c->bad || n > CS_WIRE_MAX - (c->out->len - c->start) ? NULL : cs_buf_extend(c->out, n);

	c->bad = at == NULL;
	return at;
}

/* Inline: with an n that is known, copying is one instruction. */
static inline void
raw(struct cs_codec *c, void *p, size_t n)
{
	const char *from;
	char *to;

	if (c->out != NULL) {
		if ((to = room(c, n)) != NULL)
			memcpy(to, p, n);
	} else if ((from = take(c, n)) != NULL)
		memcpy(p, from, n);
	else
		memset(p, 0, n);
}

void
cs_codec_raw(struct cs_codec *c, void *p, size_t n)
{
	raw(c, p, n);
}

static void
u32(struct cs_codec *c, uint32_t *v)
{
	uint32_t le = htole32(*v);

	raw(c, &le, sizeof(le));
	*v = le32toh(le);
}

void
cs_codec_i32(struct cs_codec *c, int32_t *v)
{
	uint32_t u = (uint32_t)*v;

	u32(c, &u);
	*v = (int32_t)u;
}

void
cs_codec_u64(struct cs_codec *c, uint64_t *v)
{
	uint64_t le = htole64(*v);

	raw(c, &le, sizeof(le));
	*v = le64toh(le);
}

void
cs_codec_i64(struct cs_codec *c, int64_t *v)
{
	uint64_t u = (uint64_t)*v;

	cs_codec_u64(c, &u);
	*v = (int64_t)u;
}

void
cs_codec_f64(struct cs_codec *c, double *v)
{
	uint64_t u;

	memcpy(&u, v, sizeof(u));
	cs_codec_u64(c, &u);
	memcpy(v, &u, sizeof(u));
}

static void
put_bytes(struct cs_codec *c, const void *p, size_t len)
{
	uint32_t n = htole32((uint32_t)len);
	char *to = len < CS_WIRE_MAX ? room(c, sizeof(n) + len + 1) : NULL;

	if (to == NULL) {
		c->bad = true;
		return;
	}
	memcpy(to, &n, sizeof(n));
	if (len > 0)
		memcpy(to + sizeof(n), p, len);
	to[sizeof(n) + len] = '\0';
}

void
cs_codec_bytes(struct cs_codec *c, struct cs_bytes *v)
{
	uint32_t n = 0;

	if (c->out != NULL) {
		put_bytes(c, v->ptr, v->len);
		return;
	}
	u32(c, &n);
	v->ptr = take(c, (size_t)n + 1);
	v->len = n;
	if (v->ptr == NULL || v->ptr[n] != '\0') {
		c->bad = true;
		*v = (struct cs_bytes){ "", 0 };
	}
}

void
cs_codec_text(struct cs_codec *c, const char **v)
{
	struct cs_bytes b;

	if (c->out != NULL) {
		put_bytes(c, *v, *v != NULL ? strlen(*v) : 0);
		return;
	}
	cs_codec_bytes(c, &b);
	if (memchr(b.ptr, '\0', b.len) != NULL) {
		c->bad = true;
		b.ptr = "";
	}
	*v = b.ptr;
}

void
cs_codec_text_opt(struct cs_codec *c, const char **v)
{
	cs_codec_text(c, v);
	if (c->out == NULL && (*v)[0] == '\0')
		*v = NULL;
}

void
cs_codec_count(struct cs_codec *c, size_t *n, size_t each)
{
	uint32_t count = *n > UINT32_MAX ? UINT32_MAX : (uint32_t)*n;

	u32(c, &count);
	if (c->out == NULL && count > c->left / each) {
		c->bad = true;
		count = 0;
	}
	if (c->out == NULL)
		*n = count;
}
