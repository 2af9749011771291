/* SPDX-License-Identifier: Apache-2.0 */
/*
 * private.h - shared by the files of an attempt: attempt.c (its beginning and what the plugin's call asks and tells),
 * caller.c (what is known of the caller, and what the next lead of the same caller must know), end.c. Engine thread.
 */
#ifndef CS_DELIVER_ATTEMPT_PRIVATE_H
#define CS_DELIVER_ATTEMPT_PRIVATE_H

#include "deliver/engine_private.h"
#include "deliver/results.h"
#include "deliver/attempt/steps.h"

struct attempt {
	struct cs_session session;   /* first */
	struct cs_tree_conn *tc;
	struct cs_job *job;
	struct cs_arena mem;
	struct cs_buf document, records;
	bool mapping;
	bool marking, gone;          /* a "sent" mark is on its way to the disk; gone: forget it when it is there */
	struct cs_caller_row *known; /* of the caller, by the store; NULL: not read yet */
	int n_known;
	const char *suspicion;       /* the plugin's process died while this was on the processor: how; NULL */
	int64_t started_ms;
	char delivery_id[40];
	struct cs_steps steps;       /* cs_steps_read fills it; the last one, not cleared for the next attempt */
};

static inline struct attempt *
cs_attempt_of(struct cs_session *s)
{
	return (struct attempt *)(void *)s;
}

/* attempt.c */
void cs_attempt_free(struct attempt *a); /* at once, or when the writer is through with it */
/* Receipts and doubts, if there are new ones, ride the next commit. */
void cs_attempt_save_steps(struct attempt *a);

/* caller.c. Texts live in a->mem, or in memory of the engine that outlives the call. */
/* What an earlier lead of the caller left for this step ("" if nothing). */
const char *cs_attempt_known(struct attempt *a, const char *what);
/* Since when the caller's other leads may go; 0: nothing holds them. */
int64_t cs_attempt_caller_held_ms(struct attempt *a);
/* Hold them while this attempt may have made the caller and nobody can see it yet. The time as text; NULL: nothing is in doubt. */
const char *cs_attempt_hold_caller(struct attempt *a);
/* Into memory and into r: the next lead of the caller must not create it again, even where this attempt failed later on. */
void cs_attempt_remember_caller(struct attempt *a, struct cs_result *r);

/* end.c. Each ends the attempt, but for leave. */
void cs_attempt_conclude(struct attempt *a, const struct cs_wire_done *w);
/* Not charged: our own trouble kept it from ending. */
void cs_attempt_give_back(struct attempt *a);
/* The job's place in the tree and its caller's turn are free. */
void cs_attempt_leave(struct cs_engine *e, struct cs_tree_conn *tc, struct cs_job *job, enum cs_tree_result r);

#endif
