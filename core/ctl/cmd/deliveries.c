/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deliveries.c - csrelay deliveries: each lead on its way into each connection, newest first.
 */
#include "config.h"
#include "ctl/commands.h"
#include "ctl/show/deliveries.h"
#include "ctl/filter.h"

static int
run(struct cs_ctl *c)
{
	return cs_ctl_list_deliveries(c, "/v1/deliveries", cs_ctl_opt(c, "state"), "no deliveries\n");
}

static const struct cs_ctl_opt opts[] = {
	{ "state", "STATE", "due, in_hand, delivered, dead, discarded" },
	CS_CTL_FILTER_OPTS,
	CS_CTL_PAGE_OPTS,
	{ NULL, NULL, NULL },
};
const struct cs_ctl_command cs_ctl_cmd_deliveries = {
	.name = "deliveries",
	.args = "",
	.help = "the deliveries, newest first: one for each lead and connection",
	.opts = opts,
	.offline = true,
	.run = run,
};
