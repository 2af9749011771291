/* SPDX-License-Identifier: Apache-2.0 */
/*
 * accept.h - from a checked lead to rows: identity, lead, routes and deliveries in one transaction.
 *
 * Used for what comes in by HTTP and for the events that csrelay itself reports: they go through the same queue. apply runs in
 * the writer's transaction (and may run again after a rollback); commit hands what is in hand to the engine.
 */
#ifndef CS_DELIVER_ACCEPT_H
#define CS_DELIVER_ACCEPT_H

#include "deliver/engine.h"
#include "queue/route.h"

enum cs_accept_result { CS_ACCEPT_NEW, CS_ACCEPT_DUPLICATE, CS_ACCEPT_CONFLICT };

struct cs_accept {
	struct cs_lead_ref *lead;         /* in: owned by this */
	enum cs_lead_kind kind;           /* in */
	int64_t only_conn;                /* in: it goes to this connection and no other; 0: by its routing */
	enum cs_accept_result result;     /* out */
	int64_t lead_id;                  /* out: of the new lead or of the one that was there */
	struct cs_made {
		struct cs_delivery_row row;   /* texts: static or of the lead */
		char crm[65], connection[40]; /* connection: public id; "" */
		const char *why;              /* static */
	} *made;                          /* out: of a new lead; owned */
	size_t n_made;
	int reserved;                     /* slots taken */
	struct cs_accept *told;           /* lead.failed events of deliveries that are dead from the start, in the same transaction; or
	                                   * the next of such a list. Owned */
};

struct cs_accept_env { /* the same for all */
	struct cs_slots *slots;
	struct cs_engine *engine;         /* may be NULL until it runs: everything is DUE then */
	int64_t epoch;
	int64_t span_ms;                  /* of the retry schedule */
};

struct cs_accept *cs_accept_new(struct cs_lead_ref *lead, enum cs_lead_kind kind);
void cs_accept_free(struct cs_accept *a);
int cs_accept_apply(struct cs_accept *a, const struct cs_accept_env *env, struct cs_store *s, int64_t now_ms, struct cs_err *err);
/* rc as the writer says it. Posts jobs and backlog to the engine. */
void cs_accept_committed(struct cs_accept *a, const struct cs_accept_env *env, int rc);

#endif
