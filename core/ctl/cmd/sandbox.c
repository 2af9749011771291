/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox.c - csrelay sandbox: core/sandbox does it all.
 */
#include "config.h"
#include "ctl/commands.h"
#include "sandbox/sandbox.h"

static int
run(struct cs_ctl *c)
{
	return cs_sandbox_main(c->argc, c->argv);
}

const struct cs_ctl_command cs_ctl_cmd_sandbox = {
	.name = "sandbox",
	.args = "[--OPTION...]",
	.help = "run fake CRMs on this machine, for trying things out",
	.more = "Options are those that `csrelay sandbox --help` lists.",
	.max = -1,
	.raw = true,
	.run = run,
};
