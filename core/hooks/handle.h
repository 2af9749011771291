/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handle.h - what was kept is handled: a plugin turns a webhook or poll into events, and what comes of it is one transaction.
 *
 * For inbound.c only. Engine thread. Each of the three below makes its connection busy until the operation is committed.
 */
#ifndef CS_HOOKS_HANDLE_H
#define CS_HOOKS_HANDLE_H

#include "deliver/engine_private.h"
#include "hooks/poll.h"
#include "log/log.h"

struct cs_inbound {
	struct cs_engine_part part; /* first */
	struct cs_engine *engine;
	struct cs_polls polls;
	struct cs_polls subscriptions; /* when webhooks are to be registered or looked after: subscribe.c's */
	struct cs_list subscribing;    /* subscribe.c's calls */
	struct cs_list calls;       /* those under way in a plugin */
	struct cs_map busy;         /* connection id -> its call, until its operation is committed */
	int64_t looked_ms;
	bool look;
	struct cs_msg connections;  /* the next page of connections to look through for polls */
	int64_t listed_id;          /* the last of the page before; -1: not listing */
	struct cs_complaint unready;
};

/* A webhook as it was received. */
void cs_handle_row(struct cs_inbound *in, const struct cs_hook_row *row, int64_t now_ms);
/* An emitted event that waits for its lead, in place of a webhook? */
bool cs_handle_is_waiting(const struct cs_hook_row *row);
/* The first of those of its connection: as many as are due go together, since they need no plugin. */
void cs_handle_waiting(struct cs_inbound *in, const struct cs_hook_row *first, int64_t now_ms);
/* A poll that was taken: it rests afterwards when it is switched off or its connection is held. */
void cs_handle_poll(struct cs_inbound *in, struct cs_poll *poll, int64_t now_ms);
/* Drop what is under way in a plugin; it is due again at the next start. */
void cs_handle_drop_all(struct cs_inbound *in);

#endif
