/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record.h - what one call was asked, what it asked, and what it was answered, so that it can run again.
 *
 * When a process dies, the calls in it begin anew in another one. What they ask again is answered from here instead of by
 * the network. Everything is kept as the frames that went over the wire, and compared as such: a plugin that does the same
 * again says the same bytes. Bounded per call, and by a budget that calls share; what does not fit cannot run again.
 */
#ifndef CS_PLUGIN_RECORD_H
#define CS_PLUGIN_RECORD_H

#include <cs/plugin_v1.h>
#include "util/mem.h"
#include "wire/wire.h"

#define CS_RECORD_MAX ((size_t)512 << 10) /* of one call */
#define CS_RECORD_ASKS 64

struct cs_record_budget {
	size_t used, max;
};
struct cs_record {
	struct cs_record_budget *budget;
	struct cs_buf b;     /* the CALL frame, then each question with its answer; behind the last one it may be missing */
	size_t call_len;
	size_t asked_at;     /* of the question that has no answer yet; 0: none */
	unsigned n;          /* questions */
	uint64_t again;      /* which of them were asked again in this run, by bit */
	bool lost;           /* it did not fit, or must not be repeated: the call cannot run again */
};

/* Frames are whole, as wire.c writes them. */
void cs_record_begin(struct cs_record *r, struct cs_record_budget *budget, struct cs_bytes call);
void cs_record_ask(struct cs_record *r, struct cs_bytes frame);
void cs_record_answer(struct cs_record *r, struct cs_bytes frame);
/* It cannot run again: nothing is kept any more. */
void cs_record_lose(struct cs_record *r);
/* The call is over; the memory stays for the next one if it is small. */
void cs_record_end(struct cs_record *r);
void cs_record_fini(struct cs_record *r);

/* The call begins anew. */
struct cs_bytes cs_record_replay(struct cs_record *r);
enum cs_recall {
	CS_RECALL_NEW,       /* it did not ask this before */
	CS_RECALL_ANSWER,    /* it did, and this is the answer */
	CS_RECALL_WAIT,      /* it did, and the answer is still on its way */
	CS_RECALL_DIVERGED,  /* it does something else than before where that could do harm */
};
/* The call asks this, in a run after the first. */
enum cs_recall cs_record_recall(struct cs_record *r, const struct cs_wire_frame *f, struct cs_bytes *answer);

#endif
