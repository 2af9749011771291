/* SPDX-License-Identifier: Apache-2.0 */
/* slow.c - asks again and again until the CRM is ready (202 means not yet). */
#include "tiny.h"

static int32_t
push(void *inst, struct cs_call *call, const struct cs_delivery *d)
{
	struct cs_http_req req = CS_REQ("find", "GET", "/status");
	struct cs_http_res res = CS_RES_INIT;
	int32_t rc;

	(void)inst;
	do {
		if ((rc = d->host->http(call, &req, &res)) != CS_DONE)
			return rc;
	} while (res.status == 202 && !d->host->cancelled(call));
	return CS_DONE;
}

CS_PLUGIN_V1(.name = "slow", .version = "1.0.0", .map = tiny_map, .push = push)
