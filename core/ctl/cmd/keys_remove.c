/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys_remove.c - csrelay keys remove: a key that opens nothing any more.
 */
#include "config.h"
#include "ctl/commands.h"
#include "ctl/filter.h"
#include "ctl/talk/link.h"

static int
run(struct cs_ctl *c)
{
	CS_CLEANUP(cs_json_putp) json_object *answer = NULL;
	const char *path = cs_arena_printf(&c->mem, "/v1/keys/%s", cs_ctl_encoded(c, c->args.pos[0]));
	int rc = cs_ctl_change(c, "DELETE", path, NULL, &answer);

	if (rc != CS_CTL_OK)
		return rc;
	if (c->json && answer != NULL)
		cs_ctl_print_json(answer);
	else
		puts("the key is gone");
	return CS_CTL_OK;
}

const struct cs_ctl_command cs_ctl_cmd_keys_remove = {
	.name = "keys remove",
	.args = "KEY",
	.help = "remove an API key, by its number",
	.min = 1,
	.max = 1,
	.run = run,
};
