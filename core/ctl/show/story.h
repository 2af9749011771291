/* SPDX-License-Identifier: Apache-2.0 */
/*
 * story.h - the life of a lead in plain words, made from what the API tells (GET /v1/leads/{id}/story). Pure.
 *
 * A story is a list of lines in the order in which they are read: the lead, then each delivery with what
 * happened to it and how it stands. A line's text never changes once it was true, so whoever follows a story
 * prints the lines that he has not printed yet; what changes by the minute ("3 m ago") stands apart in
 * `tail`.
 */
#ifndef CS_CTL_SHOW_STORY_H
#define CS_CTL_SHOW_STORY_H

#include "ctl/ctl.h"
#include "ctl/show/text.h"
#include "util/map.h"

enum cs_ctl_line_kind {
	CS_LINE_HEAD,  /* a lead or delivery begins */
	CS_LINE_FACT,  /* what it is */
	CS_LINE_EVENT, /* what happened, at at_ms */
	CS_LINE_MORE,  /* about the event above: an answer, a record */
	CS_LINE_STATE, /* how it stands now */
	CS_LINE_HINT,  /* what can be done */
};
struct cs_ctl_line {
	struct cs_ctl_line *next;
	enum cs_ctl_line_kind kind;
	enum cs_ctl_paint paint;
	int64_t delivery;  /* 0: of the lead */
	int64_t at_ms;     /* of events; else 0 */
	const char *text, *tail; /* tail "" for most */
};
struct cs_ctl_story {
	struct cs_arena *mem;
	struct cs_ctl_line *head, *last;
	int64_t now_ms;
	bool full;         /* answers whole, headers too */
	int n_deliveries, n_delivered, n_open; /* open: due or under way */
};

/* From the story of a lead ({lead, deliveries}) or of a dead letter ({lead, delivery}). */
void cs_ctl_story_tell(struct cs_ctl_story *s, struct cs_arena *mem, json_object *told, int64_t now_ms,
		       bool full);

/* Prints each line once, however often the story is told again. */
struct cs_ctl_teller {
	struct cs_map seen;
	int64_t delivery; /* whose line was printed last */
	char day[16];
};
void cs_ctl_teller_init(struct cs_ctl_teller *t);
void cs_ctl_teller_fini(struct cs_ctl_teller *t);
void cs_ctl_teller_print(struct cs_ctl_teller *t, const struct cs_ctl *c, const struct cs_ctl_story *s,
			 struct cs_buf *out);

#endif
