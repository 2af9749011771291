/* SPDX-License-Identifier: Apache-2.0 */
/* bad_outcome.c - returns an outcome that does not exist. */
#include "tiny.h"

static int32_t
push(void *inst, struct cs_call *call, const struct cs_delivery *d)
{
	(void)inst, (void)call, (void)d;
	return 77;
}

CS_PLUGIN_V1(.name = "bad_outcome", .version = "1.0.0", .map = tiny_map, .push = push)
