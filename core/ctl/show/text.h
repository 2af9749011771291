/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text.h - times, states and strangers' words as a person reads them on a terminal.
 *
 * Whatever came from a CRM, a lead or an operator is cleaned before it is printed: control characters,
 * terminal sequences, direction overrides and broken UTF-8 become U+FFFD, so an answer of a CRM cannot move
 * the cursor or rewrite a line.
 */
#ifndef CS_CTL_SHOW_TEXT_H
#define CS_CTL_SHOW_TEXT_H

#include "ctl/ctl.h"

enum cs_ctl_paint { CS_PAINT_NONE, CS_PAINT_GOOD, CS_PAINT_BAD, CS_PAINT_WARN, CS_PAINT_DIM, CS_PAINT_BOLD };

/* Cleaned; line breaks and tabs become blanks, too. `s` may be NULL (""). Lives in the arena. */
const char *cs_ctl_clean(struct cs_arena *mem, const char *s);
/* Columns that a clean UTF-8 text takes. */
int cs_ctl_columns(const char *s);
/* The number of bytes of the longest beginning that takes at most `columns`. */
size_t cs_ctl_cut(const char *s, int columns);

/* The escape sequence to begin this paint and to end it; "" without colour. */
const char *cs_ctl_paint(const struct cs_ctl *c, enum cs_ctl_paint p);
const char *cs_ctl_unpaint(const struct cs_ctl *c, enum cs_ctl_paint p);
enum cs_ctl_paint cs_ctl_paint_of_state(const char *state);
/* "in_hand" -> "under way": states as words. Static, or the state itself. */
const char *cs_ctl_state_words(const char *state);

/* "2026-05-26 14:32:00" in the local zone; "" for 0. */
const char *cs_ctl_time(struct cs_arena *mem, int64_t ms);
/* "14:32:00.123" in the local zone. */
const char *cs_ctl_clock(struct cs_arena *mem, int64_t ms);
/* "3 m", "2 d": how long from `from_ms` to `to_ms`, never negative. "" when from_ms is 0. */
const char *cs_ctl_span(struct cs_arena *mem, int64_t from_ms, int64_t to_ms);
/* "2026-05-26 14:32:00 (3 m ago)" or "(in 28 s)". */
const char *cs_ctl_when(struct cs_arena *mem, int64_t ms, int64_t now_ms);
/* A time given by a person: RFC 3339, "2026-05-26", "2026-05-26 14:30" (both local), or a distance from now
 * ("2h", "30 m"): back for direction -1, ahead for 1. 0 or CS_EINVAL. */
int cs_ctl_read_time(const char *s, int64_t now_ms, int direction, int64_t *ms);

/* A time member of an answer: RFC 3339 text or milliseconds. 0 when it is absent. */
int64_t cs_ctl_json_time(const json_object *o, const char *key);
/* The length of an array; 0 for anything else, NULL too. */
size_t cs_ctl_json_count(const json_object *array);
/* Indented JSON, each line cleaned, to stdout. */
void cs_ctl_print_pretty(struct cs_ctl *c, json_object *o);
/* A text member, cleaned; "" when it is absent. */
const char *cs_ctl_json_text(struct cs_arena *mem, const json_object *o, const char *key);

#endif
