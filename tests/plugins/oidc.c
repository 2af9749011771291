/* SPDX-License-Identifier: Apache-2.0 */
/* oidc.c - one request to the API behind an independent OAuth server; see tests/system/oidc. */
#include "tiny.h"

#ifndef VERSION
#define VERSION "1.0.0"
#endif

static int32_t
push(void *inst, struct cs_call *call, const struct cs_delivery *d)
{
	struct cs_http_req req = CS_REQ("create", "POST", "/leads");
	struct cs_http_res res = CS_RES_INIT;

	(void)inst;
	req.mutates = 1;
	req.body = d->document;
	return d->host->http(call, &req, &res);
}

CS_PLUGIN_V1(.name = "oidc", .version = VERSION, .map = tiny_map, .push = push)
