/* SPDX-License-Identifier: Apache-2.0 */
/*
 * authorize.c - csrelay connections authorize, parked, claim: access that a person gives at the CRM with a browser.
 */
#include "config.h"
#include <string.h>
#include "ctl/commands.h"
#include "ctl/connection.h"
#include "ctl/filter.h"
#include "ctl/show/table.h"
#include "ctl/talk/link.h"

static int
run_authorize(struct cs_ctl *c)
{
	CS_CLEANUP(cs_json_putp) json_object *answer = NULL;
	int rc = cs_ctl_change(c, "POST", cs_ctl_connection_path(c, "/authorize"), NULL, &answer);

	if (rc != CS_CTL_OK)
		return rc;
	if (c->json)
		cs_ctl_print_json(answer);
	else
		printf("Open this within ten minutes, in the browser of whoever may give access:\n%s\n", cs_json_str(answer, "url", ""));
	return CS_CTL_OK;
}

static const struct cs_ctl_column columns[] = {
	{ "grant", false, false }, { "crm", false, false }, { "who", false, true }, { "account", false, false },
	{ "for", false, false }, { "since", false, false },
};

static int
run_parked(struct cs_ctl *c)
{
	CS_CLEANUP(cs_json_putp) json_object *all = NULL;
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	json_object *items;
	struct cs_ctl_table t;
	int rc = cs_ctl_get(c, "/v1/parked-grants", &all);

	if (rc != CS_CTL_OK)
		return rc;
	if (c->json) {
		cs_ctl_print_json(all);
		return CS_CTL_OK;
	}
	items = cs_json_get(all, "items");
	cs_ctl_table_init(&t, &c->mem, columns, (int)CS_ARRAY_LEN(columns));
	for (size_t i = 0; i < cs_ctl_json_count(items); i++) {
		json_object *o = json_object_array_get_idx(items, i);

		cs_ctl_table_row(&t);
		cs_ctl_table_cell(&t, CS_PAINT_NONE, cs_json_str(o, "id", ""));
		cs_ctl_table_cell(&t, CS_PAINT_NONE, cs_json_str(o, "crm", ""));
		cs_ctl_table_cell(&t, CS_PAINT_NONE, cs_json_str(o, "remote_name", cs_json_str(o, "remote_id", "")));
		cs_ctl_table_cell(&t, CS_PAINT_NONE, cs_json_str(o, "account", ""));
		cs_ctl_table_cell(&t, CS_PAINT_NONE, cs_json_str(o, "for_connection", ""));
		cs_ctl_table_cell(&t, CS_PAINT_DIM, cs_ctl_span(&c->mem, cs_ctl_json_time(o, "since"), c->now_ms));
	}
	cs_ctl_table_print(&t, c, &b);
	fputs(b.len > 0 ? cs_buf_str(&b) : "nothing waits to be claimed\n", stdout);
	return CS_CTL_OK;
}

static int
run_claim(struct cs_ctl *c)
{
	CS_CLEANUP(cs_json_putp) json_object *answer = NULL, *body = json_object_new_object();
	const char *whose = c->args.pos[1], *equals = strchr(whose, '=');
	const char *key = strncmp(whose, "account=", 8) == 0 ? "account" : strncmp(whose, "connection=", 11) == 0 ? "connection" : NULL;
	int rc;

	if (key == NULL || equals == NULL || equals[1] == '\0')
		return cs_ctl_usage(c->cmd, "say connection=CONNECTION or account=ID");
	json_object_object_add(body, key, json_object_new_string(equals + 1));
	rc = cs_ctl_change(c, "POST", cs_arena_printf(&c->mem, "/v1/parked-grants/%s/claim", cs_ctl_encoded(c, c->args.pos[0])), body, &answer);
	if (rc == CS_CTL_OK)
		cs_ctl_connection_print(c, answer);
	return rc;
}

const struct cs_ctl_command cs_ctl_cmd_connections_authorize = {
	.name = "connections authorize",
	.args = "CONNECTION",
	.help = "make a link at which access is given with a browser",
	.more = "Whoever opens it signs in at the CRM and comes back to csrelay, which says whose account that is. A new connection is "
		"confirmed then; one that had lost its access works again at once, if it is the same account.",
	.min = 1,
	.max = 1,
	.run = run_authorize,
};
const struct cs_ctl_command cs_ctl_cmd_connections_parked = {
	.name = "connections parked",
	.args = "",
	.help = "access that was given and that nobody has claimed yet",
	.more = "It began at the CRM's marketplace, or somebody signed in to another account than the connection's. It is kept for 14 days. What nobody "
		"has claimed by then is given back at the CRM and gone; the log and the metric csrelay_lapsed_total say so.",
	.min = 0,
	.max = 0,
	.run = run_parked,
};
const struct cs_ctl_command cs_ctl_cmd_connections_claim = {
	.name = "connections claim",
	.args = "GRANT connection=CONNECTION | account=ID",
	.help = "say whose such access is",
	.more = "It takes the place of a connection's access, although it is another account of the CRM; or it becomes a new connection of an "
		"account, to be confirmed.",
	.min = 2,
	.max = 2,
	.run = run_claim,
};
