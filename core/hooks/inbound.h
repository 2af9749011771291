/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inbound.h - whose turn is it? The engine's side of hooks: rows that are due, connections that are to be polled.
 *
 * At most one webhook or poll of a connection at a time, at most 32 in all.
 */
#ifndef CS_HOOKS_INBOUND_H
#define CS_HOOKS_INBOUND_H

#include "deliver/engine.h"

struct cs_inbound;

struct cs_inbound *cs_inbound_new(struct cs_engine *e);
/* Engine thread: begin. From now on the engine calls it by itself until it stops. */
void cs_inbound_start(struct cs_inbound *in);
/* Engine thread: there may be new rows. */
void cs_inbound_look(struct cs_inbound *in);
/* After the engine's and the writer's end. */
void cs_inbound_free(struct cs_inbound *in);

#endif
