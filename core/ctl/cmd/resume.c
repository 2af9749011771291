/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resume.c - csrelay resume: a connection gets its leads again.
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
	const char *path =
	    cs_arena_printf(&c->mem, "/v1/connections/%s/resume", cs_ctl_encoded(c, c->args.pos[0]));
	int rc = cs_ctl_change(c, "POST", path, NULL, &answer);

	if (rc != CS_CTL_OK)
		return rc;
	if (c->json)
		cs_ctl_print_json(answer);
	else
		printf("%s is %s again\n", cs_ctl_json_text(&c->mem, answer, "id"),
		       cs_ctl_state_words(cs_ctl_json_text(&c->mem, answer, "state")));
	return CS_CTL_OK;
}

const struct cs_ctl_command cs_ctl_cmd_resume = {
	.name = "resume",
	.args = "CONNECTION",
	.help = "end a connection's pause; what waits goes out",
	.min = 1,
	.max = 1,
	.run = run,
};
