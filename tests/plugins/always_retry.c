/* SPDX-License-Identifier: Apache-2.0 */
/* always_retry.c - never now, and not before a minute has passed. */
#include "tiny.h"

static int32_t
push(void *inst, struct cs_call *call, const struct cs_delivery *d)
{
	(void)inst;
	d->host->retry_after(call, 60000);
	return d->host->fail(call, CS_RETRY, "the CRM is asleep");
}

CS_PLUGIN_V1(.name = "always_retry", .version = "1.0.0", .map = tiny_map, .push = push)
