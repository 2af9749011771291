/* SPDX-License-Identifier: Apache-2.0 */
/*
 * life.c - csrelay connections confirm, delete: the beginning and the end of one.
 */
#include "config.h"
#include <inttypes.h>
#include <string.h>
#include "ctl/commands.h"
#include "ctl/connection.h"
#include "ctl/show/text.h"
#include "ctl/talk/link.h"

static int
run_confirm(struct cs_ctl *c)
{
	CS_CLEANUP(cs_json_putp) json_object *answer = NULL;
	int rc = cs_ctl_change(c, "POST", cs_ctl_connection_path(c, "/confirm"), NULL, &answer);

	if (rc == CS_CTL_OK)
		cs_ctl_connection_print(c, answer);
	return rc;
}

static void
print_deleted(struct cs_ctl *c, json_object *answer)
{
	printf("%s is deleted; leads that had not reached the CRM and are dead letters now: %" PRId64 "\n",
	       cs_ctl_json_text(&c->mem, answer, "id"), cs_json_int(answer, "dead_letters", 0));
	if (strcmp(cs_json_str(answer, "webhooks", ""), "left") == 0)
		printf("The CRM may still have the webhooks of csrelay: remove them there.\n");
	if (strcmp(cs_json_str(answer, "grant", ""), "left") == 0)
		printf("The CRM may still give csrelay access: remove the app there.\n");
}

static int
run_delete(struct cs_ctl *c)
{
	CS_CLEANUP(cs_json_putp) json_object *answer = NULL;
	int rc;

	if (!cs_ctl_has(c, "yes"))
		return cs_ctl_usage(c->cmd, "connections delete forgets settings and secrets for good: say --yes");
	if ((rc = cs_ctl_change(c, "DELETE", cs_ctl_connection_path(c, ""), NULL, &answer)) != CS_CTL_OK)
		return rc;
	if (c->json)
		cs_ctl_print_json(answer);
	else
		print_deleted(c, answer);
	return CS_CTL_OK;
}

const struct cs_ctl_command cs_ctl_cmd_connections_confirm = {
	.name = "connections confirm",
	.args = "CONNECTION",
	.help = "say that a new connection goes to the right account",
	.more = "From then on leads are sent there; those that came before go out by themselves.",
	.min = 1,
	.max = 1,
	.run = run_confirm,
};

static const struct cs_ctl_opt delete_opts[] = {
	{ "yes", NULL, "I mean it" },
	{ NULL, NULL, NULL },
};
const struct cs_ctl_command cs_ctl_cmd_connections_delete = {
	.name = "connections delete",
	.args = "CONNECTION",
	.help = "end a connection and forget its secrets",
	.more = "Webhooks that csrelay registered are removed, and the access that a person gave is given back; what the CRM does not undo within ten "
		"seconds is said. What the connection has not delivered becomes dead letters that say so; they go out by themselves to the next connection of that account "
		"with the same CRM and crm_account_id.",
	.min = 1,
	.max = 1,
	.opts = delete_opts,
	.run = run_delete,
};
