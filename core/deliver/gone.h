/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gone.h - a bridge's target answers 410: nobody wants anything there any more, and the subscription ends by itself.
 *
 * Only connections that a bridge has made end so; for others 410 is a refusal like any. Engine thread.
 */
#ifndef CS_DELIVER_GONE_H
#define CS_DELIVER_GONE_H

#include "deliver/call/context.h"

struct cs_engine;
bool cs_gone(const struct cs_context *c, int32_t outcome, int status);
/* Hand back what is on its way, discard what waits, delete the connection. */
void cs_gone_end(struct cs_engine *e, const struct cs_context *c);

#endif
