/* SPDX-License-Identifier: Apache-2.0 */
/* always_reject.c - no lead is good enough. */
#include "tiny.h"

static int32_t
push(void *inst, struct cs_call *call, const struct cs_delivery *d)
{
	(void)inst;
	return d->host->fail(call, CS_REJECT, "the CRM takes no leads on %s", "Sundays");
}

CS_PLUGIN_V1(.name = "always_reject", .version = "1.0.0", .map = tiny_map, .push = push)
