/* SPDX-License-Identifier: Apache-2.0 */
/*
 * callers.h - deliveries of one connection that share a caller go one after another, and know what the last one made.
 *
 * Two leads share a caller when phone digits or e-mail agree. A job that goes out holds its caller; another job of the same
 * caller waits in the holder's list. What a per-caller step left (the contact's id) is remembered here, bounded and newest
 * first, and in the store for longer. Engine thread only.
 */
#ifndef CS_DELIVER_CALLERS_H
#define CS_DELIVER_CALLERS_H

#include "deliver/engine.h"
#include "util/map.h"

struct cs_callers {
	struct cs_map holders;  /* hash(connection, key) -> struct cs_job */
	struct cs_map memory;   /* hash(connection, key, step) -> struct memory */
	struct cs_list by_age;
	size_t n_memory;
};
void cs_callers_init(struct cs_callers *c);
void cs_callers_fini(struct cs_callers *c);
/* True: the job holds its caller now and may go. False: it was put into the waiters of the job that does. */
bool cs_callers_enter(struct cs_callers *c, struct cs_job *j);
/* The job is through: its waiters are moved to *next in order. */
void cs_callers_leave(struct cs_callers *c, struct cs_job *j, struct cs_list *next);
void cs_callers_remember(struct cs_callers *c, int64_t conn_id, const uint64_t keys[2], const char *step, const char *value);
/* NULL when not known. Borrowed until the next call. */
const char *cs_callers_recall(struct cs_callers *c, int64_t conn_id, const uint64_t keys[2], const char *step);
/*
 * It is in doubt whether the caller was created, and before then no look-up can tell: the other leads of the caller wait, too, or
 * they would create it again. Kept like what is remembered, under a name that no step has.
 */
#define CS_CALLER_HELD "held until"
void cs_callers_hold(struct cs_callers *c, int64_t conn_id, const uint64_t keys[2], int64_t until_ms);

#endif
