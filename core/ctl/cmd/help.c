/* SPDX-License-Identifier: Apache-2.0 */
/*
 * help.c - csrelay help [COMMAND]
 */
#include "config.h"
#include "ctl/commands.h"
#include "ctl/help.h"

static void
one_command(const struct cs_ctl *c, struct cs_buf *out)
{
	const struct cs_ctl_command *cmd;
	int words = 0;

	cmd = cs_ctl_command_find(c->args.n_pos, c->args.pos, &words);
	if (cmd != NULL && words == c->args.n_pos)
		cs_ctl_help_command(cmd, out);
	else if (c->args.n_pos == 1)
		cs_ctl_help_list(c->args.pos[0], out);
}

static int
run(struct cs_ctl *c)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);

	if (c->args.n_pos == 0) {
		cs_ctl_help_list(NULL, &b);
		cs_buf_addc(&b, '\n');
		cs_ctl_help_exits(&b);
	} else
		one_command(c, &b);
	if (b.len == 0)
		return cs_ctl_fail(CS_CTL_NOT_FOUND, "there is no such command; `csrelay help` lists them");
	fputs(cs_buf_str(&b), stdout);
	return CS_CTL_OK;
}

const struct cs_ctl_command cs_ctl_cmd_help = {
	.name = "help",
	.args = "[COMMAND]",
	.help = "list the commands, or explain one",
	.max = 2,
	.run = run,
};
