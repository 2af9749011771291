/* SPDX-License-Identifier: Apache-2.0 */
/*
 * version.c - csrelay version: of this program; `status` tells that of the daemon.
 */
#include "config.h"
#include "ctl/commands.h"

static int
run(struct cs_ctl *c)
{
	CS_CLEANUP(cs_json_putp) json_object *o = json_object_new_object();

	json_object_object_add(o, "version", json_object_new_string(PACKAGE_VERSION));
	if (c->json)
		cs_ctl_print_json(o);
	else
		printf("csrelay %s\n", PACKAGE_VERSION);
	return CS_CTL_OK;
}

const struct cs_ctl_command cs_ctl_cmd_version = {
	.name = "version",
	.args = "",
	.help = "print the version of this program",
	.run = run,
};
