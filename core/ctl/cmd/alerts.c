/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alerts.c - csrelay alerts: what somebody should look at.
 */
#include "config.h"
#include <inttypes.h>
#include "ctl/commands.h"
#include "ctl/talk/link.h"
#include "ctl/show/table.h"

static const struct cs_ctl_column columns[] = {
	{ "since", false, false }, { "age", true, false }, { "over", false, false }, { "times", true, false },
	{ "about", false, true }, { "what", false, true },
};

static void
print_table(struct cs_ctl *c, json_object *items)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	struct cs_ctl_table t;

	cs_ctl_table_init(&t, &c->mem, columns, (int)CS_ARRAY_LEN(columns));
	for (size_t i = 0; i < cs_ctl_json_count(items); i++) {
		json_object *a = json_object_array_get_idx(items, i);
		int64_t raised = cs_ctl_json_time(a, "raised_at"), over = cs_ctl_json_time(a, "recovered_at");

		cs_ctl_table_row(&t);
		cs_ctl_table_cell(&t, CS_PAINT_NONE, cs_ctl_time(&c->mem, raised));
		cs_ctl_table_cell(&t, CS_PAINT_DIM, cs_ctl_span(&c->mem, raised, c->now_ms));
		cs_ctl_table_cell(&t, over > 0 ? CS_PAINT_GOOD : CS_PAINT_BAD,
				  over > 0 ? cs_ctl_time(&c->mem, over) : "no");
		cs_ctl_table_cellf(&t, "%" PRId64, cs_json_int(a, "count", 0));
		cs_ctl_table_cell(&t, CS_PAINT_NONE, cs_json_str(a, "key", ""));
		cs_ctl_table_cell(&t, CS_PAINT_NONE, cs_json_str(a, "text", ""));
	}
	cs_ctl_table_print(&t, c, &b);
	fputs(b.len > 0 ? cs_buf_str(&b) : "no alerts\n", stdout);
}

static int
run(struct cs_ctl *c)
{
	CS_CLEANUP(cs_json_putp) json_object *list = NULL;
	int rc = cs_ctl_get(c, cs_ctl_has(c, "all") ? "/v1/alerts" : "/v1/alerts?on=1", &list);

	if (rc != CS_CTL_OK)
		return rc;
	if (c->json)
		cs_ctl_print_json(list);
	else
		print_table(c, cs_json_get(list, "items"));
	return CS_CTL_OK;
}

static const struct cs_ctl_opt opts[] = {
	{ "all", NULL, "those that are over, too" },
	{ NULL, NULL, NULL },
};
const struct cs_ctl_command cs_ctl_cmd_alerts = {
	.name = "alerts",
	.args = "",
	.help = "what somebody should look at",
	.opts = opts,
	.offline = true,
	.run = run,
};
