/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fresh.h - fresh links for a late lead.
 *
 * The recording and transcript links of a lead are pre-signed and good for 24 hours after the call. An attempt later than
 * that asks the configured CallSetter endpoint (callsetter.url_refresh) for new ones: a POST {"event_id","call_id"} signed as
 * Standard Webhooks, answered {"recording_url","transcript_url"}. When it cannot be had, the note says so. The stored lead
 * stays as it came. Engine thread.
 */
#ifndef CS_DELIVER_FRESH_H
#define CS_DELIVER_FRESH_H

#include "deliver/engine.h"

/*
 * True: the links are old and are being asked for; go(ctx) is called once, later, with the lead's view changed (or its
 * warnings longer). False: nothing to do.
 */
bool cs_fresh_links(struct cs_engine *e, struct cs_job *j, void (*go)(void *ctx), void *ctx);
/* Shutdown: forget what is asked for; gone(ctx) is called in place of go(ctx). */
void cs_fresh_abandon_all(struct cs_engine *e, void (*gone)(void *ctx));

#endif
