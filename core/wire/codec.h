/* SPDX-License-Identifier: Apache-2.0 */
/*
 * codec.h - one description of a message serves both directions.
 *
 * A codec either writes a frame at the end of a buffer or reads one. The same cs_codec_* call appends the value that it
 * is given or overwrites it with what the frame says, so wire.c and lead.c list the fields of a message once and the two sides
 * cannot drift apart. Errors are sticky: after the first one nothing more is written or read (values read afterwards are
 * zero or ""), and the closing call reports it. Private to core/wire.
 */
#ifndef CS_WIRE_CODEC_H
#define CS_WIRE_CODEC_H

#include "wire/wire.h"

struct cs_codec {
	struct cs_buf *out;    /* writing; NULL: reading */
	size_t start;          /* writing: where the frame begins in out */
	const char *at;        /* reading */
	size_t left;
	struct cs_arena *mem;  /* reading: for arrays */
	bool bad;
	bool full;             /* writing: out had failed before this frame */
};

void cs_codec_write(struct cs_codec *c, struct cs_buf *out, uint16_t type, uint64_t call);
/* Closes the frame. On CS_ELIMIT the buffer is as it was before. */
int cs_codec_written(struct cs_codec *c);
void cs_codec_read(struct cs_codec *c, const struct cs_wire_frame *f, uint16_t type, struct cs_arena *mem);
int cs_codec_was_read(struct cs_codec *c); /* 0, or CS_ECORRUPT: also when something is left over */

void cs_codec_raw(struct cs_codec *c, void *p, size_t n);
void cs_codec_i32(struct cs_codec *c, int32_t *v);
void cs_codec_i64(struct cs_codec *c, int64_t *v);
void cs_codec_u64(struct cs_codec *c, uint64_t *v);
void cs_codec_f64(struct cs_codec *c, double *v);
void cs_codec_bytes(struct cs_codec *c, struct cs_bytes *v);
void cs_codec_text(struct cs_codec *c, const char **v);     /* NULL is written as ""; never NULL when read */
void cs_codec_text_opt(struct cs_codec *c, const char **v); /* "" is read as NULL */
/* A lead or NULL; read into mem, all its parts side by side. lead.c. */
void cs_codec_lead(struct cs_codec *c, const struct cs_lead **lead);
/* Number of elements that follow, each of which takes at least `each` bytes; 0 after an error. */
void cs_codec_count(struct cs_codec *c, size_t *n, size_t each);

#endif
