/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outcome.h - what an attempt's outcome means for the delivery. Pure functions; time and randomness come in.
 */
#ifndef CS_QUEUE_OUTCOME_H
#define CS_QUEUE_OUTCOME_H

#include "store/store.h"
#include "util/clock.h"

#define CS_SCHEDULE_MAX 8

struct cs_schedule {
	int64_t interval_ms[CS_SCHEDULE_MAX]; /* before the 1st, 2nd, ... retry */
	int64_t jitter_ms[CS_SCHEDULE_MAX];   /* each interval varies by up to this, both ways */
	int n;
	int64_t max_wait_ms;                  /* told to wait for longer than this: a dead letter */
};

/* The schedule of the design: 30 s, 2 m, 10 m, 1 h, 6 h. */
void cs_schedule_default(struct cs_schedule *s);
/* From the first attempt until the last retry, without jitter. */
int64_t cs_schedule_span_ms(const struct cs_schedule *s);

struct cs_verdict { /* how one attempt ended */
	int32_t outcome;        /* CS_DONE ...; anything unknown counts as CS_RETRY blamed on us */
	enum cs_blame blame;    /* NONE: by the outcome */
	int64_t not_before_ms;  /* Retry-After or the like as wall time; 0: none */
	int32_t status;         /* last HTTP status, 0 none */
	bool doubt;             /* some step is in doubt now */
	int64_t look_after_ms;  /* with doubt: looking is worthless before this time; 0: none */
	bool ask;               /* the step in doubt can only be settled by a person */
};

struct cs_decision {
	enum cs_state to;       /* DELIVERED, DUE or DEAD */
	int64_t due_ms, expires_ms, wait_since_ms;
	int32_t attempts;
	enum cs_blame blame;
	bool failure;           /* counts against the connection's breaker */
	const char *why;        /* static words for a dead letter, beside the plugin's reason; "" */
};

/*
 * Decide. `row` is the delivery as it was taken. Charged: everything but CS_WAIT. A retry is due by the schedule, never before
 * verdict->not_before_ms or look_after_ms; expires_ms moves along so that a scheduled last retry is always tried.
 */
void cs_outcome_decide(const struct cs_schedule *s, const struct cs_clock *clock, const struct cs_delivery_row *row,
                       const struct cs_verdict *v, struct cs_decision *out);
const char *cs_outcome_name(int32_t outcome);

#endif
