/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lapse.h - what nobody came back for: sessions at the pages for connecting, what they made and did not confirm, and parked grants.
 *
 * A session goes when its time is over, and with it the connection that it made, if nobody has confirmed that. A parked grant waits
 * for CS_PARKED_MS. Both kinds hold secrets of somebody else's CRM, so they do not stay; the grant is given back at the CRM first,
 * unless another connection lives on it. The log and csrelay_lapsed_total tell of it.
 */
#ifndef CS_API_CONN_LAPSE_H
#define CS_API_CONN_LAPSE_H

#include "deliver/engine.h"
#include "store/writer.h"

#define CS_PARKED_MS (14 * CS_DAY_MS) /* since it was given */

struct cs_lapse;
/* engine NULL: nothing is given back. Both outlive what is under way. */
struct cs_lapse *cs_lapse_new(struct cs_writer *writer, struct cs_engine *engine);
/* Once a minute a bite of the work that there is; cheap otherwise. `s`: a handle of the caller's thread, always the same. */
void cs_lapse_tick(struct cs_lapse *l, struct cs_store *s, int64_t now_ms);
/* What is under way ends by itself. */
void cs_lapse_free(struct cs_lapse *l);

#endif
