/* SPDX-License-Identifier: Apache-2.0 */
/*
 * completion.c - csrelay completion bash
 */
#include "config.h"
#include <string.h>
#include "ctl/commands.h"
#include "ctl/help.h"

static int
run(struct cs_ctl *c)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);

	if (strcmp(c->args.pos[0], "bash") != 0)
		return cs_ctl_usage(c->cmd, "there is a completion for bash only, not for %.40s",
				    c->args.pos[0]);
	cs_ctl_help_completion(&b);
	fputs(cs_buf_str(&b), stdout);
	return CS_CTL_OK;
}

const struct cs_ctl_command cs_ctl_cmd_completion = {
	.name = "completion",
	.args = "bash",
	.help = "print a completion script",
	.more = "For one shell: source <(csrelay completion bash). For good: put it into "
		"/etc/bash_completion.d/csrelay.",
	.min = 1,
	.max = 1,
	.run = run,
};
