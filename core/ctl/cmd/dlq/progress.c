/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progress.c - csrelay dlq progress: how far a replay is.
 */
#include "config.h"
#include "ctl/commands.h"
#include "ctl/replay.h"

static int
run(struct cs_ctl *c)
{
	int64_t id;

	if (!cs_ctl_replay_id(c, &id))
		return CS_CTL_USAGE;
	return cs_ctl_replay_watch(c, id, cs_ctl_has(c, "wait"));
}

static const struct cs_ctl_opt opts[] = {
	{ "wait", NULL, "watch until it is through" },
	{ NULL, NULL, NULL },
};
const struct cs_ctl_command cs_ctl_cmd_dlq_progress = {
	.name = "dlq progress",
	.args = "REPLAY",
	.help = "how far a replay is",
	.min = 1,
	.max = 1,
	.opts = opts,
	.run = run,
};
