/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin.h - the sandbox's own pages and calls, for people and tests:
 *
 *   GET /                        what was created, as a page
 *   GET /_records[?crm=&collection=&tenant=&counts=1]   the same as JSON; DELETE forgets it
 *   GET /_requests[?crm=&limit=] the request log, credentials masked, and counters; DELETE empties it
 *   POST /_faults {...}          see fault.h; GET lists, DELETE [?id=] ends them
 *   POST /_clock {"advance_ms": N}, GET /_clock
 *   POST /_tokens {"crm", "tenant", "do": "expire" | "revoke" | "restore"}
 *   GET /_health
 *
 * They answer only when the Host header names this machine and never to another web page's script.
 */
#ifndef CS_SANDBOX_ADMIN_H
#define CS_SANDBOX_ADMIN_H

#include "sandbox/crm/engine.h"

void cs_sb_admin_serve(struct cs_sb_engine *e, const struct cs_sb_request *req, struct cs_sb_reply *reply);
/* The page behind GET / (page.c). */
void cs_sb_page(struct cs_sb_engine *e, struct cs_sb_reply *reply);

#endif
