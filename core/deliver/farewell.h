/* SPDX-License-Identifier: Apache-2.0 */
/*
 * farewell.h - what is undone at the CRM before a connection is deleted: its webhooks are removed, its grant is given back.
 *
 * Best effort: the CRM may be down, and the owner wants the connection gone all the same. So there is a bound to how long anybody
 * waits, and what was not undone by then is said. It is still tried to its end, with the secrets in memory.
 */
#ifndef CS_DELIVER_FAREWELL_H
#define CS_DELIVER_FAREWELL_H

#include "deliver/engine.h"

#define CS_FAREWELL_MS (10 * CS_SECOND_MS)

enum cs_undone {
	CS_UNDO_NONE, /* there was nothing */
	CS_UNDO_DONE,
	CS_UNDO_LEFT, /* it failed, or takes too long */
};

struct cs_farewell {
	struct cs_msg msg;
	int64_t conn_id;
	bool keep_grant;                     /* another connection works with the same account of the CRM */
	void (*done)(struct cs_farewell *);  /* engine thread; within the bound; it is the caller's again */
	enum cs_undone webhooks, grant;
};
/* Any thread. Begins as cs_engine_post_leave does. When the engine has stopped, done is called at once. */
void cs_farewell_post(struct cs_engine *e, struct cs_farewell *f);

/* For engine.c: once a second; when it stops. */
void cs_farewell_tick(struct cs_engine *e);
void cs_farewell_abandon_all(struct cs_engine *e);

#endif
