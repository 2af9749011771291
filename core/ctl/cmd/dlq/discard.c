/* SPDX-License-Identifier: Apache-2.0 */
/*
 * discard.c - csrelay dlq discard: given up.
 */
#include "config.h"
#include "ctl/commands.h"
#include "ctl/deadletter.h"

static int
run(struct cs_ctl *c)
{
	return cs_ctl_dead_letter(c, "discard", cs_ctl_note(c));
}

static const struct cs_ctl_opt opts[] = {
	{ "note", "TEXT", "why, for whoever looks at it later" },
	{ NULL, NULL, NULL },
};
const struct cs_ctl_command cs_ctl_cmd_dlq_discard = {
	.name = "dlq discard",
	.args = "DELIVERY",
	.help = "give a dead letter up",
	.more = "It stays visible as discarded until its time is over, and is never sent again.",
	.min = 1,
	.max = 1,
	.opts = opts,
	.run = run,
};
