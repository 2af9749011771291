/* SPDX-License-Identifier: Apache-2.0 */
/*
 * show.c - csrelay dlq show: one dead letter, why it is one, and what can be done.
 */
#include "config.h"
#include "ctl/commands.h"
#include "ctl/filter.h"
#include "ctl/talk/link.h"
#include "ctl/show/story.h"

static int
run(struct cs_ctl *c)
{
	CS_CLEANUP(cs_json_putp) json_object *told = NULL;
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	const char *path = cs_arena_printf(&c->mem, "/v1/dead-letters/%s", cs_ctl_encoded(c, c->args.pos[0]));
	struct cs_ctl_teller teller;
	struct cs_ctl_story story;
	int rc = cs_ctl_get(c, path, &told);

	if (rc != CS_CTL_OK)
		return rc;
	if (c->json) {
		cs_ctl_print_json(told);
		return CS_CTL_OK;
	}
	cs_ctl_story_tell(&story, &c->mem, told, c->now_ms, cs_ctl_has(c, "full"));
	cs_ctl_teller_init(&teller);
	cs_ctl_teller_print(&teller, c, &story, &b);
	cs_ctl_teller_fini(&teller);
	fputs(cs_buf_str(&b), stdout);
	return CS_CTL_OK;
}

static const struct cs_ctl_opt opts[] = {
	{ "full", NULL, "answers of CRMs whole, with the headers of requests that failed" },
	{ NULL, NULL, NULL },
};
const struct cs_ctl_command cs_ctl_cmd_dlq_show = {
	.name = "dlq show",
	.args = "DELIVERY",
	.help = "one dead letter: what was tried, what was answered, what can be done",
	.min = 1,
	.max = 1,
	.opts = opts,
	.offline = true,
	.run = run,
};
