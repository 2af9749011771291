/* SPDX-License-Identifier: Apache-2.0 */
/*
 * subscribe.h - webhooks that are made by API: registered with the CRM, looked after, removed.
 *
 * For inbound.c only. Engine thread. Connections of a plugin whose manifest has webhook.subscribe take part; one call of a
 * connection at a time, webhooks and polls included.
 */
#ifndef CS_HOOKS_SUBSCRIBE_H
#define CS_HOOKS_SUBSCRIBE_H

#include "hooks/handle.h"

/* The connection is there (listed at the start), or it has changed: then what it wants is looked at without delay. */
void cs_subscribe_see(struct cs_inbound *in, const struct cs_conn_row *row, bool has_changed, int64_t now_ms);
/* Begin what is due. */
void cs_subscribe_turn(struct cs_inbound *in, int64_t now_ms);
/* The connection is about to go: nothing more is looked at, and what is registered is removed; see struct cs_engine_part. */
enum cs_part_end cs_subscribe_end(struct cs_inbound *in, struct cs_context *c, void (*ended)(void *ctx, bool ok), void *ctx);
/* Drop what is under way in a plugin; the next start looks at each connection again. */
void cs_subscribe_drop_all(struct cs_inbound *in);

#endif
