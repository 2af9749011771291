/* SPDX-License-Identifier: Apache-2.0 */
/*
 * match.h - an event that a plugin emitted: whose lead is it about?
 *
 * Read once in the engine's thread (cs_hook_event_read), then applied in the writer's transaction: it finds its lead and becomes
 * an event-1.0 message in the queue, or it finds none and waits as a row of the store, to be tried again; after a week
 * it goes. Its identity follows from the connection and its dedupe key, so what is reported twice is queued once.
 */
#ifndef CS_HOOKS_MATCH_H
#define CS_HOOKS_MATCH_H

#include "deliver/accept.h"
#include "plugin/manifest/manifest.h"
#include "store/store.h"

#define CS_HOOK_WAITS "\"emitted\"" /* in the place of a row's headers: the body is a read event that waits for its lead */
#define CS_HOOK_KEEP_MS (7 * CS_DAY_MS)

enum cs_hook_fate { CS_HOOK_MATCHED, CS_HOOK_KEPT, CS_HOOK_EXPIRED, CS_HOOK_LOST /* not readable */ };

struct cs_hook_event {
	const char *text;           /* checked and normalised JSON */
	uint8_t id[16];             /* event_id */
	int64_t row_id;             /* the waiting row it came from; 0: fresh */
	int64_t received_ms;        /* when the CRM first told */
	int32_t attempts;           /* of a waiting one */
	/* out of cs_hook_event_apply */
	enum cs_hook_fate fate;
	struct cs_accept *accept;   /* NULL: nothing to queue. Give it back with cs_hook_event_end */
};

struct cs_hook_origin { /* where it comes from; borrowed */
	const char *public_id;      /* of the connection */
	const uint8_t *dedupe;      /* 32 bytes, used when the event has no "dedupe" of its own; NULL: the event's text */
	size_t index;               /* among those emitted by the same call; counts with dedupe only */
	const struct cs_manifest *manifest; /* for links */
	struct cs_lookup lookup;
	int64_t now_ms, received_ms;
};
/* CS_EINVAL with what breaks the rules of an emitted event. The text lives in mem. */
int cs_hook_event_read(struct cs_bytes emitted, const struct cs_hook_origin *from, struct cs_arena *mem, struct cs_hook_event *out,
                       struct cs_err *err);
/* A waiting row back as an event. */
void cs_hook_event_of_row(const struct cs_hook_row *row, struct cs_arena *mem, struct cs_hook_event *out);

struct cs_hook_target { /* the same for all events of a transaction */
	int64_t conn_id;
	const char *steps[8];       /* per-caller steps of the plugin, by which a phone number or address leads to a record */
	size_t n_steps;
	const struct cs_accept_env *env;
};
/*
 * Writer's transaction; may run again after a rollback. Also puts the CRM's new records beside the matched delivery, so that
 * what comes later about them is matched too.
 */
int cs_hook_event_apply(struct cs_hook_event *ev, const struct cs_hook_target *to, struct cs_store *s, int64_t now_ms,
                        struct cs_err *err);
/* After the commit, or when it was not done. */
void cs_hook_event_end(struct cs_hook_event *ev, const struct cs_accept_env *env, int rc);
/* How long until an event of that age is tried again. */
int64_t cs_hook_next_try_ms(int64_t age_ms);

#endif
