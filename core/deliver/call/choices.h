/* SPDX-License-Identifier: Apache-2.0 */
/*
 * choices.h - lists that were read a moment ago, so that a page of settings does not ask the CRM again with every key. Private to
 * core/deliver; engine thread.
 */
#ifndef CS_DELIVER_CHOICES_H
#define CS_DELIVER_CHOICES_H

#include "deliver/call/ask.h"

/* Is this list known and young enough? Then its items are referenced by the ask, and those that it had are gone. */
bool cs_choices_find(struct cs_ask *a);
void cs_choices_keep(struct cs_ask *a);

#endif
