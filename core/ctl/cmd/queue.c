/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue.c - csrelay queue: what waits, and how long already.
 */
#include "config.h"
#include "ctl/commands.h"
#include "ctl/talk/link.h"
#include "ctl/show/shape.h"

static int
run(struct cs_ctl *c)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	CS_CLEANUP(cs_json_putp) json_object *queue = NULL;
	int rc = cs_ctl_get(c, "/v1/queue", &queue);

	if (rc != CS_CTL_OK)
		return rc;
	if (c->json)
		cs_ctl_print_json(queue);
	else {
		cs_ctl_shape_print(c, &c->mem, queue, &b);
		fputs(cs_buf_str(&b), stdout);
	}
	return CS_CTL_OK;
}

const struct cs_ctl_command cs_ctl_cmd_queue = {
	.name = "queue",
	.args = "",
	.help = "what waits, by CRM, connection and age",
	.more = "Each column counts what came in less than so many minutes ago and is not in a column "
		"before. Leads that are under way at this moment and dead letters are not counted.",
	.offline = true,
	.run = run,
};
