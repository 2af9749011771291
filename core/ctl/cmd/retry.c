/* SPDX-License-Identifier: Apache-2.0 */
/*
 * retry.c - csrelay retry: not later, now.
 */
#include "config.h"
#include <inttypes.h>
#include "ctl/commands.h"
#include "ctl/filter.h"
#include "ctl/talk/link.h"

static int
run(struct cs_ctl *c)
{
	CS_CLEANUP(cs_json_putp) json_object *answer = NULL;
	const char *path =
	    cs_arena_printf(&c->mem, "/v1/deliveries/%s/retry", cs_ctl_encoded(c, c->args.pos[0]));
	int rc = cs_ctl_change(c, "POST", path, NULL, &answer);

	if (rc != CS_CTL_OK)
		return rc;
	if (c->json)
		cs_ctl_print_json(answer);
	else
		printf("delivery %" PRId64 " is due now; follow it with: csrelay explain %" PRId64
		       " --follow\n",
		       cs_json_int(answer, "id", 0), cs_json_int(answer, "lead_id", 0));
	return CS_CTL_OK;
}

const struct cs_ctl_command cs_ctl_cmd_retry = {
	.name = "retry",
	.args = "DELIVERY",
	.help = "try a delivery that waits now, instead of later",
	.more = "The pause of its connection ends with it. For a dead letter use dlq replay.",
	.min = 1,
	.max = 1,
	.run = run,
};
