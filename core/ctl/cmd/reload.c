/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reload.c - csrelay reload: the daemon reads its configuration again.
 */
#include "config.h"
#include "ctl/commands.h"
#include "ctl/talk/link.h"

static int
run(struct cs_ctl *c)
{
	CS_CLEANUP(cs_json_putp) json_object *answer = NULL;
	int rc = cs_ctl_change(c, "POST", "/v1/reload", NULL, &answer);

	if (rc != CS_CTL_OK)
		return rc;
	if (c->json && answer != NULL)
		cs_ctl_print_json(answer);
	else
		puts("the daemon reads its configuration again; its log says whether it was taken over");
	return CS_CTL_OK;
}

const struct cs_ctl_command cs_ctl_cmd_reload = {
	.name = "reload",
	.args = "",
	.help = "have the daemon read its configuration again, as SIGHUP does",
	.more = "With a fault in it the daemon goes on with what it had: run config check first.",
	.run = run,
};
