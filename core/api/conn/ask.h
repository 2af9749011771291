/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ask.h - a change that goes to the writer once the CRM has said that what it chooses is there.
 *
 * Changing settings, setting them back, and confirming a new connection are such changes. Making one is not: nothing can be asked
 * with keys that are not kept yet.
 */
#ifndef CS_API_CONN_ASK_H
#define CS_API_CONN_ASK_H

#include "api/conn/draft.h"

/* Asks for the lists of the settings that the draft sets, with its settings, and puts the change, or refuses it with a fault for each value
 * that is not in its list. A list that cannot be read now refuses nothing. Takes the change over; the draft lives with it. */
void cs_api_put_when_chosen(struct cs_change *c, struct cs_conn_draft *d, struct cs_manifest *m);

#endif
