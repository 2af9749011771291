/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list.c - csrelay dlq list: what needs a person or a recovery.
 */
#include "config.h"
#include "ctl/commands.h"
#include "ctl/show/deliveries.h"
#include "ctl/filter.h"

static int
run(struct cs_ctl *c)
{
	return cs_ctl_list_deliveries(c, "/v1/dead-letters", NULL, "no dead letters\n");
}

static const struct cs_ctl_opt opts[] = {
	CS_CTL_FILTER_OPTS,
	CS_CTL_PAGE_OPTS,
	{ NULL, NULL, NULL },
};
const struct cs_ctl_command cs_ctl_cmd_dlq_list = {
	.name = "dlq list",
	.args = "",
	.help = "the dead letters: what needs a person or a recovery",
	.opts = opts,
	.offline = true,
	.run = run,
};
