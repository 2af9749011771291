/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugins_reload.c - csrelay plugins reload: one plugin anew, from its files as they are now.
 */
#include "config.h"
#include "ctl/commands.h"
#include "ctl/filter.h"
#include "ctl/talk/link.h"
#include "ctl/show/text.h"

static int
run(struct cs_ctl *c)
{
	CS_CLEANUP(cs_json_putp) json_object *answer = NULL;
	const char *path = cs_arena_printf(&c->mem, "/v1/plugins/%s/reload", cs_ctl_encoded(c, c->args.pos[0]));
	int rc = cs_ctl_change(c, "POST", path, NULL, &answer);

	if (rc != CS_CTL_OK)
		return rc;
	if (c->json && answer != NULL)
		cs_ctl_print_json(answer);
	else
		printf("%s %s serves from now on\n", cs_ctl_json_text(&c->mem, answer, "name"),
		       cs_ctl_json_text(&c->mem, answer, "version"));
	return CS_CTL_OK;
}

const struct cs_ctl_command cs_ctl_cmd_plugins_reload = {
	.name = "plugins reload",
	.args = "NAME",
	.help = "load one plugin anew from its files, without stopping the daemon",
	.more = "Calls under way end in the old process. When the new one is refused the old one goes on. A plugin that is "
		"parked is tried at once.",
	.min = 1,
	.max = 1,
	.run = run,
};
