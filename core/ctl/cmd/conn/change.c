/* SPDX-License-Identifier: Apache-2.0 */
/*
 * change.c - csrelay connections create, change: what a connection is, said in fields.
 */
#include "config.h"
#include "ctl/commands.h"
#include "ctl/connection.h"
#include "ctl/talk/link.h"

static int
send_body(struct cs_ctl *c, const char *method, const char *path, json_object *body)
{
	CS_CLEANUP(cs_json_putp) json_object *answer = NULL;
	int rc = cs_ctl_change(c, method, path, body, &answer);

	if (rc == CS_CTL_OK)
		cs_ctl_connection_print(c, answer);
	return rc;
}

static int
run_create(struct cs_ctl *c)
{
	CS_CLEANUP(cs_json_putp) json_object *body = NULL;
	int rc;

	if ((rc = cs_ctl_connection_body(c, 1, &body)) != CS_CTL_OK)
		return rc;
	json_object_object_add(body, "crm", json_object_new_string(c->args.pos[0]));
	return send_body(c, "POST", "/v1/connections", body);
}

static int
run_change(struct cs_ctl *c)
{
	CS_CLEANUP(cs_json_putp) json_object *body = NULL;
	int rc;

	if (c->args.n_pos < 2)
		return cs_ctl_usage(c->cmd, "connections change needs at least one field");
	if ((rc = cs_ctl_connection_body(c, 1, &body)) != CS_CTL_OK)
		return rc;
	return send_body(c, "PATCH", cs_ctl_connection_path(c, ""), body);
}

const struct cs_ctl_command cs_ctl_cmd_connections_create = {
	.name = "connections create",
	.args = "CRM account=ID [FIELD=TEXT | FIELD:=JSON]...",
	.help = "link an account to a CRM",
	.more = "Fields are label, crm_account_id, timezone, subscribe, contacts, overrides, settings.KEY and secrets.NAME; `csrelay plugins CRM` "
		"names the settings and secrets. Secrets come from a file, secrets.api_key=@FILE, or standard input, =-. Where the CRM can "
		"say who is connected the new connection is pending, and gets no leads, until connections confirm.",
	.min = 1,
	.max = -1,
	.run = run_create,
};
const struct cs_ctl_command cs_ctl_cmd_connections_change = {
	.name = "connections change",
	.args = "CONNECTION [FIELD=TEXT | FIELD:=JSON]...",
	.help = "change settings, secrets, overrides and the like",
	.more = "Fields are those of connections create but account. A setting that is := null gets its default again. What waits goes out with "
		"the new settings. Connections of the configuration files are changed there.",
	.min = 1,
	.max = -1,
	.run = run_change,
};
