/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route.h - into which connections does a lead go? Pure.
 */
#ifndef CS_QUEUE_ROUTE_H
#define CS_QUEUE_ROUTE_H

#include "lead/lead.h"
#include "store/store.h"

#define CS_ROUTES_MAX 32

struct cs_route {
	const struct cs_conn_row *conn; /* NULL: nowhere yet, a dead letter that says why */
	const char *why;                /* static words; "" */
	enum cs_blame blame;
};

/*
 * `conns` are the connections of the lead's account. One route for the addressed connection (or a dead one: unknown, or several
 * fit), and one for each that subscribes to every lead, to unqualified ones or to events. A lead with a faulty required field has
 * one dead route. Returns the number of routes; 0 for an unqualified lead or an event that nobody wants.
 */
size_t cs_route(const struct cs_lead *lead, enum cs_lead_kind kind, const struct cs_conn_row *conns, size_t n_conns,
                struct cs_route out[CS_ROUTES_MAX]);
/* The lane for a lead. */
enum cs_lane cs_route_lane(enum cs_lead_kind kind, int urgency);

#endif
