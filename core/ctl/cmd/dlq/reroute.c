/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reroute.c - csrelay dlq reroute: into another connection.
 */
#include "config.h"
#include "ctl/commands.h"
#include "ctl/deadletter.h"

static int
run(struct cs_ctl *c)
{
	json_object *body = json_object_new_object();

	json_object_object_add(body, "connection", json_object_new_string(c->args.pos[1]));
	return cs_ctl_dead_letter(c, "reroute", body);
}

const struct cs_ctl_command cs_ctl_cmd_dlq_reroute = {
	.name = "dlq reroute",
	.args = "DELIVERY CONNECTION",
	.help = "send a dead letter into another connection of the same account",
	.more = "What was done at the old CRM stays there: if it may have arrived, look first.",
	.min = 2,
	.max = 2,
	.run = run,
};
