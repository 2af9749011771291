/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identify.h - who is connected? Facts of a connection, asked once from its CRM.
 *
 * The manifest's "identify" row names one GET and where id, name and facts stand in its answer. The engine asks it when a
 * connection comes to life without those facts, beside the first push: links, limits counted by a fact, and webhooks that are
 * routed by one need them. A failure is not a delivery's business; it is asked again later. Engine thread.
 */
#ifndef CS_DELIVER_IDENTIFY_H
#define CS_DELIVER_IDENTIFY_H

#include "deliver/call/session.h"

/* Ask if something is missing, nothing is under way, and the last try is long enough ago. */
void cs_identify_if_needed(struct cs_engine *e, struct cs_context *c, int64_t now_ms);

#endif
