/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leads.c - what came in, and the story of one lead.
 */
#include "config.h"
#include "api/resources.h"

#include <stdlib.h>
#include <string.h>
#include "util/text.h"

#define DELIVERIES_MAX 256
#define SAME_EVENT_MAX 16

static int
put_deliveries(struct cs_api_call *call, struct cs_buf *b, int64_t lead_id, struct cs_conns *conns,
               void (*render)(struct cs_buf *, const struct cs_delivery_row *, struct cs_conns *), struct cs_err *err)
{
	struct cs_delivery_row *rows = cs_arena_alloc(&call->mem, DELIVERIES_MAX * sizeof(*rows));
	struct cs_store *s = call->api->reader;
	int n = s->ops->deliveries_of_lead(s, lead_id, &call->mem, rows, DELIVERIES_MAX, err);

	cs_out_open(b, "deliveries", '[');
	for (int i = 0; i < n; i++) {
		cs_out_open(b, NULL, '{');
		render(b, &rows[i], conns);
		cs_out_close(b, '}');
	}
	cs_out_close(b, ']');
	return n < 0 ? n : 0;
}

static int
put_list(struct cs_api_call *call, struct cs_buf *b, const struct cs_lead_row *rows, int n, bool full, struct cs_conns *conns,
         struct cs_err *err)
{
	int rc = 0;

	cs_out_open_list(b);
	for (int i = 0; i < n && rc == 0; i++) {
		cs_out_open(b, NULL, '{');
		cs_render_lead(b, &rows[i]);
		rc = put_deliveries(call, b, rows[i].id, conns, cs_render_delivery_short, err);
		cs_out_close(b, '}');
	}
	cs_out_close_list(b, full && n > 0 ? rows[n - 1].id : 0);
	return rc;
}

void
cs_api_leads_list(struct cs_api_call *call)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(CS_API_ANSWER_MAX);
	struct cs_store *s = call->api->reader;
	struct cs_lead_row *rows;
	struct cs_conns conns;
	const char *account;
	int64_t limit, before;
	struct cs_err err;
	int n, rc;

	if (!cs_api_page(call, &limit, &before) || !cs_api_account(call, &account))
		return;
	rows = cs_arena_alloc(&call->mem, (size_t)limit * sizeof(*rows));
	if ((n = s->ops->lead_list(s, account, before, &call->mem, rows, (int)limit, &err)) < 0) {
		cs_api_fail(call, &err);
		return;
	}
	cs_conns_init(&conns, s, &call->mem);
	rc = put_list(call, &b, rows, n, n == limit, &conns, &err);
	cs_conns_fini(&conns);
	if (rc < 0)
		cs_api_fail(call, &err);
	else
		cs_api_reply(call, 200, &b);
}

/* ---- one */

static int
find_event(struct cs_api_call *call, const uint8_t event_id[16], struct cs_lead_row *out, struct cs_err *err)
{
	const char *account = cs_http_request_query(call->req, "account");
	struct cs_lead_row rows[SAME_EVENT_MAX];
	struct cs_store *s = call->api->reader;
	int n = s->ops->lead_find(s, event_id, &call->mem, rows, SAME_EVENT_MAX, err);

	for (int i = 0; i < n; i++)
		if (cs_auth_may(&call->who, rows[i].account) && (account == NULL || strcmp(account, rows[i].account) == 0)) {
			*out = rows[i];
			return 0;
		}
	return n < 0 ? n : cs_err_set(err, CS_ENOTFOUND, "no such lead");
}

bool
cs_api_lead(struct cs_api_call *call, const char *id, struct cs_lead_row *out)
{
	struct cs_store *s = call->api->reader;
	uint8_t event_id[16];
	struct cs_err err;
	int rc;

	if (cs_uuid_parse(id, strlen(id), event_id) == 0)
		rc = find_event(call, event_id, out, &err);
	else if (id[0] != '\0' && strlen(id) < 19 && strspn(id, "0123456789") == strlen(id))
		rc = s->ops->lead_get(s, strtoll(id, NULL, 10), &call->mem, out, &err);
	else
		rc = cs_err_set(&err, CS_ENOTFOUND, "a lead's id is a number or its event_id");
	if (rc == 0 && !cs_auth_may(&call->who, out->account))
		rc = cs_err_set(&err, CS_ENOTFOUND, "no such lead");
	if (rc < 0)
		cs_api_fail(call, &err);
	return rc == 0;
}

void
cs_api_put_lead(struct cs_buf *b, const struct cs_lead_row *l)
{
	cs_render_lead(b, l);
	cs_out_json(b, "warnings", l->warnings, strlen(l->warnings), "[]");
	cs_out_json(b, "body", l->body.ptr, l->body.len, "null");
}

void
cs_api_lead_get(struct cs_api_call *call)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(CS_API_ANSWER_MAX);
	struct cs_lead_row lead;
	struct cs_conns conns;
	struct cs_err err;
	int rc;

	if (!cs_api_lead(call, call->param[0], &lead))
		return;
	cs_conns_init(&conns, call->api->reader, &call->mem);
	cs_out_open(&b, NULL, '{');
	cs_api_put_lead(&b, &lead);
	rc = put_deliveries(call, &b, lead.id, &conns, cs_render_delivery, &err);
	cs_out_close(&b, '}');
	cs_conns_fini(&conns);
	if (rc < 0)
		cs_api_fail(call, &err);
	else
		cs_api_reply(call, 200, &b);
}

static int
put_stories(struct cs_api_call *call, struct cs_buf *b, int64_t lead_id, struct cs_conns *conns, struct cs_err *err)
{
	struct cs_delivery_row *rows = cs_arena_alloc(&call->mem, DELIVERIES_MAX * sizeof(*rows));
	struct cs_store *s = call->api->reader;
	int rc = 0, n = s->ops->deliveries_of_lead(s, lead_id, &call->mem, rows, DELIVERIES_MAX, err);

	cs_out_open(b, "deliveries", '[');
	for (int i = 0; i < n && rc == 0; i++) {
		cs_out_open(b, NULL, '{');
		rc = cs_render_story(b, &rows[i], conns, err);
		cs_out_close(b, '}');
	}
	cs_out_close(b, ']');
	return n < 0 ? n : rc;
}

void
cs_api_lead_story(struct cs_api_call *call)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(CS_API_ANSWER_MAX);
	struct cs_lead_row lead;
	struct cs_conns conns;
	struct cs_err err;
	int rc;

	if (!cs_api_lead(call, call->param[0], &lead))
		return;
	cs_conns_init(&conns, call->api->reader, &call->mem);
	cs_out_open(&b, NULL, '{');
	cs_out_open(&b, "lead", '{');
	cs_api_put_lead(&b, &lead);
	cs_out_close(&b, '}');
	rc = put_stories(call, &b, lead.id, &conns, &err);
	cs_out_close(&b, '}');
	cs_conns_fini(&conns);
	if (rc < 0)
		cs_api_fail(call, &err);
	else
		cs_api_reply(call, 200, &b);
}
