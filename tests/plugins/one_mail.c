/* SPDX-License-Identifier: Apache-2.0 */
/* one_mail.c - sends what can be neither looked up nor repeated: in doubt, a person must look. */
#include "tiny.h"

static int32_t
push(void *inst, struct cs_call *call, const struct cs_delivery *d)
{
	struct cs_http_req req = CS_REQ("mail", "POST", "");
	struct cs_http_res res = CS_RES_INIT;
	int32_t rc;

	(void)inst;
	req.mutates = 1;
	req.body = d->document;
	if ((rc = d->host->http(call, &req, &res)) != CS_DONE)
		return rc;
	if (res.status >= 300)
		return d->host->fail(call, CS_REJECT, "the mail was refused with %d", (int)res.status);
	d->host->receipt_put(call, "mail", (struct cs_bytes){ "sent", 4 });
	return CS_DONE;
}

CS_PLUGIN_V1(.name = "one_mail", .version = "1.0.0", .map = tiny_map, .push = push)
