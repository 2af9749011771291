/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session_private.h - shared by the files of a session: session.c (life, what the plugin tells), request.c (its requests), services.c (what
 * else it asks), budget.c (limits). `user` is the session. Engine thread.
 */
#ifndef CS_DELIVER_SESSION_PRIVATE_H
#define CS_DELIVER_SESSION_PRIVATE_H

#include "deliver/call/session.h"

struct cs_exchange;

/* request.c */
void cs_session_on_http(void *user, uint64_t call, const struct cs_wire_http *w);
void cs_session_end_exchange(struct cs_session *s); /* the one under way: wiped, its timer gone */

/* services.c */
void cs_session_on_service(void *user, uint64_t call, const struct cs_wire_service *req);

/* budget.c */
/* From the limits that count every request, then from its own: how many milliseconds to wait, or -1 and when to try again. */
int64_t cs_budget_take(struct cs_exchange *x, int64_t now_ms, int64_t *retry_ms);
/* What the CRM says about waiting holds for everybody who shares the limit, not only for this delivery. */
void cs_budget_heed(struct cs_exchange *x, const struct cs_class *cl, int64_t now_ms);
/* What the plugin says is left. */
void cs_session_on_budget(void *user, uint64_t call, const char *limit_class, int64_t left, int64_t restore_per_s);

#endif
