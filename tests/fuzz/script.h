/* SPDX-License-Identifier: Apache-2.0 */
/*
 * script.h - a fuzzer's input read as a script: what happens next, how often, with which bytes.
 *
 * For the two sides of the wire, which are to be led through whole conversations and not only through single frames. An input
 * that is used up reads as zeros, so every prefix of a script is a script.
 */
#ifndef CS_FUZZ_SCRIPT_H
#define CS_FUZZ_SCRIPT_H

#include <stdlib.h>
#include <string.h>
#include "wire/wire.h"

struct script {
	const uint8_t *p, *end;
};

static inline void
must(bool good)
{
	if (!good)
		abort();
}

static inline unsigned
script_byte(struct script *s)
{
	return s->p < s->end ? *s->p++ : 0;
}

/* Up to 1023 bytes of the script. */
static inline struct cs_bytes
script_bytes(struct script *s)
{
	size_t n = (script_byte(s) & 3) << 8, left;
	struct cs_bytes b;

	n |= script_byte(s);
	left = (size_t)(s->end - s->p);
	b = (struct cs_bytes){ (const char *)s->p, n < left ? n : left };
	s->p += b.len;
	return b;
}

/* The same as a text in `buf`. */
static inline const char *
script_text(struct script *s, char buf[1024])
{
	struct cs_bytes b = script_bytes(s);

	memcpy(buf, b.ptr, b.len);
	buf[b.len] = '\0';
	return buf;
}

/* Any type, naming this call, with any body: what a broken peer would write. */
static inline void
script_frame(struct script *s, uint64_t call, struct cs_buf *to)
{
	struct cs_bytes body;
	uint32_t head[4] = { 0, script_byte(s), 0, 0 };

	body = script_bytes(s);
	head[0] = (uint32_t)(body.len + CS_WIRE_HEADER - 4);
	memcpy(&head[2], &call, sizeof(call)); /* little-endian, as the machines that fuzz are */
	cs_buf_add(to, head, sizeof(head));
	cs_buf_add(to, body.ptr, body.len);
}

#endif
