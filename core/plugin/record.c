/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record.c - see record.h.
 *
 * Questions need not come in the same order again. But a request that changes something and is not the one that was sent
 * in its step before would make it happen twice; and while one is on its way nothing else may be sent beside it. Then
 * the run is given up, and the next attempt begins with what is known of the steps.
 */
#include "plugin/record.h"
#include <string.h>

#define KEPT_BUFFER ((size_t)16 << 10) /* of a call that has ended */

static void
add(struct cs_record *r, struct cs_bytes frame)
{
	if (r->lost || r->budget == NULL)
		return;
	if (r->budget->used + frame.len > r->budget->max || cs_buf_add(&r->b, frame.ptr, frame.len) < 0) {
		cs_record_lose(r);
		return;
	}
	r->budget->used += frame.len;
}

void
cs_record_begin(struct cs_record *r, struct cs_record_budget *budget, struct cs_bytes call)
{
	r->budget = budget;
	r->b.max = CS_RECORD_MAX;
	r->call_len = call.len;
	add(r, call);
}

void
cs_record_ask(struct cs_record *r, struct cs_bytes frame)
{
	if (r->n == CS_RECORD_ASKS)
		cs_record_lose(r);
	r->asked_at = r->lost ? 0 : r->b.len;
	add(r, frame);
	r->n++;
}

void
cs_record_answer(struct cs_record *r, struct cs_bytes frame)
{
	r->asked_at = 0;
	add(r, frame);
}

static void
forget(struct cs_record *r)
{
	if (r->budget != NULL)
		r->budget->used -= r->b.len;
	if (r->b.cap > KEPT_BUFFER)
		cs_buf_fini(&r->b);
	cs_buf_reset(&r->b);
	r->asked_at = r->call_len = 0;
	r->n = 0;
	r->again = 0;
}

void
cs_record_lose(struct cs_record *r)
{
	forget(r);
	r->lost = true;
}

void
cs_record_end(struct cs_record *r)
{
	forget(r);
	r->lost = false;
}

void
cs_record_fini(struct cs_record *r)
{
	forget(r);
	cs_buf_fini(&r->b);
}

struct cs_bytes
cs_record_replay(struct cs_record *r)
{
	r->again = 0;
	return (struct cs_bytes){ r->b.ptr, r->call_len };
}

/* ---- asking again */

/* The frame at *at, which moves behind it. */
static bool
next(const struct cs_record *r, size_t *at, struct cs_wire_frame *f, struct cs_bytes *whole)
{
	long size = cs_wire_peek(r->b.ptr + *at, r->b.len - *at, f);

	if (size <= 0)
		return false;
	*whole = (struct cs_bytes){ r->b.ptr + *at, (size_t)size };
	*at += (size_t)size;
	return true;
}

/* The step of a request that changes something; NULL for others. */
static const char *
changes(const struct cs_wire_frame *f, struct cs_wire_http *m)
{
	return f->type == CS_WIRE_HTTP && cs_wire_get_http(f, m) == 0 && m->req.mutates != 0 ? m->req.step : NULL;
}

static bool
same_step(const struct cs_wire_frame *a, const struct cs_wire_frame *b)
{
	struct cs_wire_http x, y;
	const char *one = changes(a, &x), *other = changes(b, &y);

	return one != NULL && other != NULL && strcmp(one, other) == 0;
}

enum cs_recall
cs_record_recall(struct cs_record *r, const struct cs_wire_frame *f, struct cs_bytes *answer)
{
	struct cs_bytes frame = { f->body - CS_WIRE_HEADER, f->len + CS_WIRE_HEADER }, whole;
	struct cs_wire_frame asked, answered;
	bool diverged = r->asked_at != 0;
	size_t at = r->call_len, here = at;

	for (unsigned i = 0; i < r->n && next(r, &at, &asked, &whole); here = at, i++) {
		bool same = whole.len == frame.len && memcmp(whole.ptr, frame.ptr, frame.len) == 0;
		bool taken = (r->again >> i & 1) != 0;

		if (here == r->asked_at) {
			r->again |= same ? UINT64_C(1) << i : 0;
			return same && !taken ? CS_RECALL_WAIT : CS_RECALL_DIVERGED;
		}
		if (!next(r, &at, &answered, answer))
			break;
		if (same && !taken) {
			r->again |= UINT64_C(1) << i;
			return CS_RECALL_ANSWER;
		}
		diverged |= !taken && same_step(&asked, f);
	}
	return diverged ? CS_RECALL_DIVERGED : CS_RECALL_NEW;
}
