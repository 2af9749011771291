/* SPDX-License-Identifier: Apache-2.0 */
/*
 * done.c - csrelay dlq done: settled by hand.
 */
#include "config.h"
#include "ctl/commands.h"
#include "ctl/deadletter.h"

static int
run(struct cs_ctl *c)
{
	return cs_ctl_dead_letter(c, "done", cs_ctl_note(c));
}

static const struct cs_ctl_opt opts[] = {
	{ "note", "TEXT", "why, for whoever looks at it later" },
	{ NULL, NULL, NULL },
};
const struct cs_ctl_command cs_ctl_cmd_dlq_done = {
	.name = "dlq done",
	.args = "DELIVERY",
	.help = "settle a dead letter by hand: it is in the CRM, or somebody took care of it",
	.more = "It counts as done from then on, doubts about it end, and it is never sent again.",
	.min = 1,
	.max = 1,
	.opts = opts,
	.run = run,
};
