/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deliveries.c - leads on their way, and "retry now".
 */
#include "config.h"
#include "api/resources.h"

#include "api/list/filter.h"

void
cs_api_list_deliveries(struct cs_api_call *call, uint32_t states)
{
	struct cs_view v;
	struct cs_filter f;
	int64_t limit;
	struct cs_err err;

	if (!cs_api_filter(call, NULL, &f) || !cs_api_page(call, &limit, &f.before_id))
		return;
	f.limit = (size_t)limit;
	if (states != 0)
		f.states = states;
	cs_api_view(call, &v);
	cs_api_reply_view(call, &v, cs_view_deliveries(&v, &f, &err), &err);
}

void
cs_api_deliveries_list(struct cs_api_call *call)
{
	cs_api_list_deliveries(call, 0);
}

/* ---- one */

bool
cs_api_delivery(struct cs_api_call *call, struct cs_delivery_row *out)
{
	struct cs_store *s = call->api->reader;
	struct cs_err err;
	int64_t id;
	int rc;

	if (!cs_api_id(call, &id))
		return false;
	rc = s->ops->delivery_get(s, id, &call->mem, out, &err);
	if (rc == 0 && !cs_auth_may(&call->who, out->account))
		rc = cs_err_set(&err, CS_ENOTFOUND, "no such delivery");
	if (rc < 0)
		cs_api_fail(call, &err);
	return rc == 0;
}

void
cs_api_delivery_get(struct cs_api_call *call)
{
	struct cs_delivery_row row;
	struct cs_view v;

	if (!cs_api_delivery(call, &row))
		return;
	cs_api_view(call, &v);
	cs_api_reply_view(call, &v, cs_view_delivery(&v, &row), NULL);
}

/* ---- retry now */

int
cs_change_delivery(struct cs_change *c, struct cs_store *s, struct cs_delivery_row *out, struct cs_err *err)
{
	int rc = s->ops->delivery_get(s, c->id, &c->mem, out, err);

	if (rc == 0 && !cs_auth_may(&c->who, out->account))
		return cs_err_set(err, CS_ENOTFOUND, "no such delivery");
	return rc;
}

static int
apply_retry(struct cs_change *c, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	struct cs_delivery_row row;
	struct cs_move m = { .id = c->id, .from = CS_STATE_BIT(CS_DUE), .to = CS_DUE, .due_ms = now_ms, .set = CS_SET_DUE };
	int rc;

	if ((rc = cs_change_delivery(c, s, &row, err)) < 0)
		return rc;
	if (row.state == CS_DEAD)
		return cs_change_refuse(c, 409, "it is a dead letter: replay it");
	if (row.state != CS_DUE)
		return cs_change_refuse(c, 409, "it does not wait: it is %s", cs_delivery_state_name(row.state));
	m.gen = row.gen;
	if ((rc = s->ops->delivery_move(s, &m, err)) < 0)
		return rc;
	c->wrote = true;
	cs_tells_backlog(&c->tells, row.conn_id, cs_conns_crm(&c->conns, &row), row.lane, 1); /* it is counted already; the next fetch counts anew */
	cs_tells_conn(&c->tells, row.conn_id, true);
	return cs_change_answer_delivery(c, s, c->id, err);
}

void
cs_api_delivery_retry(struct cs_api_call *call)
{
	struct cs_change *c;
	int64_t id;

	if (!cs_api_id(call, &id))
		return;
	c = cs_change_new(call, apply_retry);
	c->id = id;
	cs_change_put(c);
}
