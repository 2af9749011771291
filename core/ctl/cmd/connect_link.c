/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connect_link.c - csrelay connect-link: an address at which an account's owner connects a CRM, printed once.
 */
#include "config.h"
#include <inttypes.h>
#include "ctl/commands.h"
#include "ctl/show/text.h"
#include "ctl/talk/link.h"

static int
run(struct cs_ctl *c)
{
	CS_CLEANUP(cs_json_putp) json_object *body = json_object_new_object();
	CS_CLEANUP(cs_json_putp) json_object *answer = NULL;
	const char *crm = cs_ctl_opt(c, "crm"), *connection = cs_ctl_opt(c, "connection");
	int64_t minutes;
	int rc;

	if (c->args.n_pos == 0 && connection == NULL)
		return cs_ctl_usage(c->cmd, "connect-link needs an account, or --connection to connect one anew");
	if (!cs_ctl_opt_int(c, "minutes", 5, 1440, 30, &minutes))
		return CS_CTL_USAGE;
	if (c->args.n_pos > 0)
		json_object_object_add(body, "account", json_object_new_string(c->args.pos[0]));
	if (crm != NULL)
		json_object_object_add(body, "crm", json_object_new_string(crm));
	if (connection != NULL)
		json_object_object_add(body, "connection", json_object_new_string(connection));
	json_object_object_add(body, "minutes", json_object_new_int64(minutes));
	if ((rc = cs_ctl_change(c, "POST", "/v1/connect-links", body, &answer)) != CS_CTL_OK)
		return rc;
	if (c->json) {
		cs_ctl_print_json(answer);
		return CS_CTL_OK;
	}
	fprintf(stderr, "link %" PRId64 " for %s; it is shown this once, opens for %" PRId64 " minutes, and is over with its success:\n",
		cs_json_int(answer, "id", 0), cs_ctl_json_text(&c->mem, answer, "account"), minutes);
	puts(cs_ctl_json_text(&c->mem, answer, "url"));
	return CS_CTL_OK;
}

static const struct cs_ctl_opt opts[] = {
	{ "crm", "NAME", "only to this CRM; else it is chosen there" },
	{ "connection", "CONNECTION", "connect this one anew" },
	{ "minutes", "N", "how long it is good, 5 to 1440 (30)" },
	{ NULL, NULL, NULL },
};
const struct cs_ctl_command cs_ctl_cmd_connect_link = {
	.name = "connect-link",
	.args = "[ACCOUNT]",
	.help = "make a link at which an account's owner connects a CRM",
	.more = "The address alone goes to standard output. Each browser that opens it has a session of its own, for as many minutes; so a program "
		"that looks at mail does not use it up, and whoever has the address can connect: send it to that person only. It is dead, with all "
		"other sessions, once somebody has confirmed which account of the CRM it is, and it opens at most 16 times. DELETE "
		"/v1/connect-links/ID ends link and sessions. What was begun and not confirmed goes with its session.",
	.max = 1,
	.opts = opts,
	.run = run,
};
