/* SPDX-License-Identifier: Apache-2.0 */
/*
 * words.h - the words of a filter of deliveries: state crm connection account blame urgency since until.
 */
#ifndef CS_VIEW_WORDS_H
#define CS_VIEW_WORDS_H

#include <stdbool.h>
#include "store/store.h"

#define CS_FILTER_WORDS 8
extern const char *const cs_filter_words[CS_FILTER_WORDS];

/* Matches everything. */
struct cs_filter cs_filter_any(void);
/*
 * Put one word into the filter, save "connection", which is the caller's to look up. NULL, or what is wrong with the text
 * ("must be ..."). Texts are copied to *mem.
 */
const char *cs_filter_read(struct cs_filter *f, const char *word, const char *text, struct cs_arena *mem);

#endif
