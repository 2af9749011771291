/* SPDX-License-Identifier: Apache-2.0 */
/*
 * versions.c - csrelay connections versions, rollback: what settings and overrides were, and back to that.
 */
#include "config.h"
#include <inttypes.h>
#include <stdlib.h>
#include "ctl/commands.h"
#include "ctl/connection.h"
#include "ctl/show/table.h"
#include "ctl/talk/link.h"

static const struct cs_ctl_column columns[] = {
	{ "version", true, false }, { "from", false, false }, { "by", false, false }, { "settings", false, true }, { "overrides", false, true },
};

static void
print_versions(struct cs_ctl *c, json_object *items)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	struct cs_ctl_table t;

	cs_ctl_table_init(&t, &c->mem, columns, (int)CS_ARRAY_LEN(columns));
	for (size_t i = 0; i < cs_ctl_json_count(items); i++) {
		json_object *o = json_object_array_get_idx(items, i);

		cs_ctl_table_row(&t);
		cs_ctl_table_cellf(&t, "%" PRId64, cs_json_int(o, "version", 0));
		cs_ctl_table_cell(&t, CS_PAINT_NONE, cs_ctl_time(&c->mem, cs_ctl_json_time(o, "at")));
		cs_ctl_table_cell(&t, CS_PAINT_NONE, cs_json_str(o, "by", ""));
		cs_ctl_table_cell(&t, CS_PAINT_NONE, cs_json_text(cs_json_get(o, "settings")));
		cs_ctl_table_cell(&t, CS_PAINT_NONE, cs_json_text(cs_json_get(o, "overrides")));
	}
	cs_ctl_table_print(&t, c, &b);
	fputs(cs_buf_str(&b), stdout);
}

static int
run_versions(struct cs_ctl *c)
{
	CS_CLEANUP(cs_json_putp) json_object *all = NULL;
	int64_t limit;
	int rc;

	if (!cs_ctl_opt_int(c, "limit", 1, 1000, 100, &limit))
		return CS_CTL_USAGE;
	if ((rc = cs_ctl_get_list(c, cs_ctl_connection_path(c, "/versions"), "", limit, NULL, &all)) != CS_CTL_OK)
		return rc;
	if (c->json)
		cs_ctl_print_json(all);
	else
		print_versions(c, cs_json_get(all, "items"));
	return CS_CTL_OK;
}

static int
run_rollback(struct cs_ctl *c)
{
	CS_CLEANUP(cs_json_putp) json_object *body = json_object_new_object(), *answer = NULL;
	int rc;

	json_object_object_add(body, "version", json_object_new_int64(strtoll(c->args.pos[1], NULL, 10)));
	if ((rc = cs_ctl_change(c, "POST", cs_ctl_connection_path(c, "/rollback"), body, &answer)) == CS_CTL_OK)
		cs_ctl_connection_print(c, answer);
	return rc;
}

static const struct cs_ctl_opt opts[] = {
	{ "limit", "N", "at most so many (100)" },
	{ NULL, NULL, NULL },
};
const struct cs_ctl_command cs_ctl_cmd_connections_versions = {
	.name = "connections versions",
	.args = "CONNECTION",
	.help = "what its settings and overrides were, since when and by whom",
	.more = "The last 100 are kept. A changed secret raises the version, too, and has no row.",
	.min = 1,
	.max = 1,
	.opts = opts,
	.offline = true,
	.run = run_versions,
};
const struct cs_ctl_command cs_ctl_cmd_connections_rollback = {
	.name = "connections rollback",
	.args = "CONNECTION VERSION",
	.help = "settings and overrides as they were in an earlier version",
	.more = "That is a new version, with the old values. Secrets stay as they are.",
	.min = 2,
	.max = 2,
	.run = run_rollback,
};
