/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cancel.c - csrelay dlq cancel: stop a replay.
 */
#include "config.h"
#include <inttypes.h>
#include "ctl/commands.h"
#include "ctl/talk/link.h"
#include "ctl/replay.h"

static int
run(struct cs_ctl *c)
{
	CS_CLEANUP(cs_json_putp) json_object *answer = NULL;
	int64_t id;
	int rc;

	if (!cs_ctl_replay_id(c, &id))
		return CS_CTL_USAGE;
	rc = cs_ctl_change(c, "DELETE", cs_arena_printf(&c->mem, "/v1/replays/%" PRId64, id), NULL, &answer);
	if (rc != CS_CTL_OK)
		return rc;
	if (c->json)
		cs_ctl_print_json(answer);
	else
		printf("replay %" PRId64 " is canceled; %" PRId64
		       " that still waited are dead letters again\n",
		       id, cs_json_int(answer, "back_to_dead", 0));
	return CS_CTL_OK;
}

const struct cs_ctl_command cs_ctl_cmd_dlq_cancel = {
	.name = "dlq cancel",
	.args = "REPLAY",
	.help = "stop a replay: what still waits is a dead letter again",
	.min = 1,
	.max = 1,
	.run = run,
};
