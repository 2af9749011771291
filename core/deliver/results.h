/* SPDX-License-Identifier: Apache-2.0 */
/*
 * results.h - what attempts leave in the store: operations for the writer, made in the engine's thread.
 *
 * Each function copies what it needs, so the caller's objects may go at once.
 */
#ifndef CS_DELIVER_RESULTS_H
#define CS_DELIVER_RESULTS_H

#include "deliver/engine.h"
#include "deliver/call/context.h"
#include "http/client.h"

/* Facts or one secret of a connection changed while a call ran. */
void cs_results_facts(struct cs_engine *e, struct cs_context *c);
void cs_results_secret(struct cs_engine *e, struct cs_context *c, const char *name);
/* The connection counts as failing for this cause (static), or (text NULL) no longer. */
void cs_results_trouble(struct cs_engine *e, int64_t conn_id, const char *cause, const char *text);
/* What a step left, while the delivery is still under way. then() (may be NULL) is called in the engine once it is durable. */
void cs_results_progress(struct cs_engine *e, int64_t delivery_id, const char *json);
void cs_results_progress_then(struct cs_engine *e, int64_t delivery_id, const char *json,
                              void (*then)(struct cs_engine *, void *ctx, int rc), void *ctx);

struct cs_result { /* the end of an attempt */
	const struct cs_job *job;
	const struct cs_context *context;    /* NULL: none could be made */
	const struct cs_decision *decision;
	bool doubt;
	const char *reason, *warnings;       /* plugin's words; "" */
	const char *records;                 /* JSON array; "" */
	const char *progress;                /* JSON; "" */
	const char *exchanges;               /* JSON array; "" */
	int32_t outcome, status;
	int32_t crashes;                     /* of the plugin over this lead, in a row */
	int64_t started_ms;
	struct cs_remember { const char *step, *value; } remember[8]; /* per-caller receipts */
	size_t n_remember;
	bool needs_reauth;                   /* and the connection's state changes */
	bool recovered;                      /* first success after dead letters */
};
/* One operation: move, attempt, records, events, alerts. The job is the caller's again when this returns. */
void cs_results_finish(struct cs_engine *e, const struct cs_result *r);
/* The delivery goes back as it was taken: DUE at due_ms, not charged. */
void cs_results_hand_back(struct cs_engine *e, const struct cs_job *j, int64_t due_ms, bool doubt);
/* Something about the caller of a delivery that is to be known after a restart. */
void cs_results_caller(struct cs_engine *e, const struct cs_delivery_row *d, const char *step, const char *value);
/* Take up to CS_FETCH_ROWS due rows of a lane; they come to the engine as a message. */
void cs_results_fetch(struct cs_engine *e, struct cs_tree_conn *tc, enum cs_lane lane, int rows);

void cs_results_count_http(struct cs_engine *e, const char *crm, const struct cs_http_answer *a);

#endif
