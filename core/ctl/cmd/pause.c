/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pause.c - csrelay pause: a connection gets nothing for a while.
 */
#include "config.h"
#include "ctl/commands.h"
#include "ctl/filter.h"
#include "ctl/talk/link.h"
#include "ctl/show/text.h"

static int
run(struct cs_ctl *c)
{
	CS_CLEANUP(cs_json_putp) json_object *body = json_object_new_object();
	CS_CLEANUP(cs_json_putp) json_object *answer = NULL;
	const char *path =
	    cs_arena_printf(&c->mem, "/v1/connections/%s/pause", cs_ctl_encoded(c, c->args.pos[0]));
	int rc;

	if (cs_ctl_has(c, "reason"))
		json_object_object_add(body, "reason", json_object_new_string(cs_ctl_opt(c, "reason")));
	if ((rc = cs_ctl_change(c, "POST", path, body, &answer)) != CS_CTL_OK)
		return rc;
	if (c->json)
		cs_ctl_print_json(answer);
	else
		printf("%s is paused: its leads wait until `csrelay resume %s`\n",
		       cs_ctl_json_text(&c->mem, answer, "id"), cs_ctl_clean(&c->mem, c->args.pos[0]));
	return CS_CTL_OK;
}

static const struct cs_ctl_opt opts[] = {
	{ "reason", "TEXT", "why, for whoever looks at it later" },
	{ NULL, NULL, NULL },
};
const struct cs_ctl_command cs_ctl_cmd_pause = {
	.name = "pause",
	.args = "CONNECTION",
	.help = "send nothing into a connection for now",
	.more = "CONNECTION is its id, the name it has in the configuration, or CRM/NAME where several CRMs have one of that"
		" name. Its leads wait meanwhile.",
	.min = 1,
	.max = 1,
	.opts = opts,
	.run = run,
};
