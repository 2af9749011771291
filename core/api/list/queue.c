/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue.c - what waits, by CRM, connection and age.
 */
#include "config.h"
#include "api/resources.h"

void
cs_api_queue(struct cs_api_call *call)
{
	struct cs_view v;
	struct cs_err err;

	if (!cs_api_all_accounts(call))
		return;
	cs_api_view(call, &v);
	cs_api_reply_view(call, &v, cs_view_queue(&v, cs_now_ms(call->api->clock), &err), &err);
}
