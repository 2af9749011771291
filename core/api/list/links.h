/* SPDX-License-Identifier: Apache-2.0 */
/*
 * links.h - what the sessions of a connect link do to it, as parts of a writer's transaction.
 *
 *   open -> done (one session has said which account it is; it alone goes on) -> finished (that one is over, too)
 */
#ifndef CS_API_LINKS_H
#define CS_API_LINKS_H

#include "store/store.h"

/* A link opens so often at most. Programs that look at mail and chats open it a few times before the person does, on a phone and at a desk; whoever
 * tries without end is to meet a wall. */
#define CS_LINK_OPENINGS 16

/* The session has made this connection. */
int cs_link_bind(struct cs_store *s, int64_t session_id, int64_t conn_id, struct cs_arena *mem, struct cs_err *err);
/* The session's connection is the right one: the link opens no more, and its other sessions are over. A second time it changes nothing. Fills
 * *link. CS_ESTATE: another session was first, or the link was revoked; CS_ENOTFOUND: the session has finished. Nothing was written then. */
int cs_link_win(struct cs_store *s, int64_t session_id, struct cs_arena *mem, int64_t now_ms, struct cs_link_row *link, struct cs_err *err);

#endif
