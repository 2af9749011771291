/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route.c - the addressed connection, and those that subscribe.
 *
 * A connection with account "*" serves every account (CallSetter's own event receiver). A connection that is subscribed to
 * every lead and also addressed gets the lead once. One that nobody has confirmed yet is not there: its leads are dead letters
 * without a connection, released when it is confirmed.
 */
#include "queue/route.h"
#include <string.h>

static bool
fits(const struct cs_conn_row *c, const struct cs_lead *lead)
{
	return (c->subscribe & CS_SUB_ROUTED) != 0 && strcmp(c->crm, lead->destination_crm) == 0 &&
	    (lead->crm_account_id[0] == '\0' || strcmp(c->crm_account_id, lead->crm_account_id) == 0);
}

static bool
subscribes(const struct cs_conn_row *c, const struct cs_lead *lead, enum cs_lead_kind kind)
{
	if (c->state == CS_CONN_PENDING)
		return false;
	switch (kind) {
	case CS_KIND_EVENT:
		return (c->subscribe & (strncmp(lead->event, "alert.", 6) == 0 ? CS_SUB_ALERTS : CS_SUB_EVENTS)) != 0;
	case CS_KIND_UNQUALIFIED:
		return (c->subscribe & CS_SUB_UNQUALIFIED) != 0;
	default:
		return (c->subscribe & CS_SUB_ALL) != 0;
	}
}

static struct cs_route
addressed(const struct cs_lead *lead, const struct cs_conn_row *conns, size_t n)
{
	struct cs_route r = { .why = "", .blame = CS_BLAME_CONNECTION };
	bool unconfirmed = false;
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		if (fits(&conns[i], lead)) {
			unconfirmed |= conns[i].state == CS_CONN_PENDING;
			if (conns[i].state == CS_CONN_PENDING)
				continue;
			r.conn = &conns[i];
			found++;
		}
	if (found == 0 && unconfirmed)
		r.why = "this account's connection to that CRM is not confirmed yet";
	else if (found == 0)
		r.why = lead->crm_account_id[0] != '\0'
		    ? "this account has no connection to that CRM with that crm_account_id"
		    : "this account has no connection to that CRM";
	else if (found > 1) {
		r.conn = NULL;
		r.why = "this account has several connections to that CRM and the lead does not say which "
			"(routing.crm_account_id)";
	} else
		r.blame = CS_BLAME_NONE;
	return r;
}

size_t
cs_route(const struct cs_lead *lead, enum cs_lead_kind kind, const struct cs_conn_row *conns, size_t n_conns,
         struct cs_route out[CS_ROUTES_MAX])
{
	size_t n = 0;

	if (kind == CS_KIND_INVALID) {
		out[0] = (struct cs_route){ .why = "a required field is missing or wrong", .blame = CS_BLAME_LEAD };
		return 1;
	}
	if (kind == CS_KIND_LEAD)
		out[n++] = addressed(lead, conns, n_conns);
	for (size_t i = 0; i < n_conns && n < CS_ROUTES_MAX; i++) {
		if (!subscribes(&conns[i], lead, kind) || (n > 0 && out[0].conn == &conns[i]))
			continue;
		out[n++] = (struct cs_route){ .conn = &conns[i], .why = "" };
	}
	return n;
}

enum cs_lane
cs_route_lane(enum cs_lead_kind kind, int urgency)
{
	if (kind == CS_KIND_UNQUALIFIED)
		return CS_LANE_LOW;
	if (kind == CS_KIND_EVENT)
		return CS_LANE_SAME_DAY;
	return (enum cs_lane)urgency; /* enum cs_urgency and the first lanes run in step */
}
