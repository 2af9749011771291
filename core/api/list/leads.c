/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leads.c - what came in, and the story of one lead.
 */
#include "config.h"
#include "api/resources.h"

void
cs_api_leads_list(struct cs_api_call *call)
{
	struct cs_view v;
	const char *account;
	int64_t limit, before;
	struct cs_err err;

	if (!cs_api_page(call, &limit, &before) || !cs_api_account(call, &account))
		return;
	cs_api_view(call, &v);
	cs_api_reply_view(call, &v, cs_view_leads(&v, account, before, (int)limit, &err), &err);
}

/* ---- one */

bool
cs_api_lead(struct cs_api_call *call, const char *id, struct cs_lead_row *out)
{
	const char *account = cs_http_request_query(call->req, "account");
	struct cs_err err;

	if (cs_view_find_lead(call->api->reader, &call->mem, id, account, call->who.accounts, out, &err) == 0)
		return true;
	cs_api_fail(call, &err);
	return false;
}

static void
answer(struct cs_api_call *call, int (*put)(struct cs_view *v, const struct cs_lead_row *lead, struct cs_err *err))
{
	struct cs_lead_row lead;
	struct cs_view v;
	struct cs_err err;

	if (!cs_api_lead(call, call->param[0], &lead))
		return;
	cs_api_view(call, &v);
	cs_api_reply_view(call, &v, put(&v, &lead, &err), &err);
}

void
cs_api_lead_get(struct cs_api_call *call)
{
	answer(call, cs_view_lead);
}

void
cs_api_lead_story(struct cs_api_call *call)
{
	answer(call, cs_view_story);
}
