/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leads.c - csrelay leads: what came in, newest first, and where it is.
 */
#include "config.h"
#include <inttypes.h>
#include <string.h>
#include "ctl/commands.h"
#include "ctl/filter.h"
#include "ctl/talk/link.h"
#include "ctl/show/table.h"

static const struct cs_ctl_column columns[] = {
	{ "lead", true, false },    { "received", false, false },  { "age", true, false },
	{ "account", false, true }, { "what", false, false }, { "deliveries", false, true },
};

/* "hubspot delivered, webhook waits" */
static const char *
where_it_is(struct cs_ctl *c, const json_object *lead, enum cs_ctl_paint *paint)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	json_object *list = cs_json_get(lead, "deliveries");
	size_t n = cs_ctl_json_count(list);

	*paint = n > 0 ? CS_PAINT_GOOD : CS_PAINT_NONE;
	for (size_t i = 0; i < n; i++) {
		json_object *d = json_object_array_get_idx(list, i);
		const char *state = cs_json_str(d, "state", ""), *crm = cs_json_str(d, "crm", "nowhere");
		enum cs_ctl_paint p = cs_ctl_paint_of_state(state);

		cs_buf_printf(&b, "%s%s %s", i > 0 ? ", " : "", crm, cs_ctl_state_words(state));
		if (*paint != CS_PAINT_BAD && p != CS_PAINT_GOOD)
			*paint = p;
	}
	return cs_arena_strdup(&c->mem, n > 0 ? cs_buf_str(&b) : "none");
}

static void
print_table(struct cs_ctl *c, json_object *list)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	json_object *items = cs_json_get(list, "items");
	struct cs_ctl_table t;

	cs_ctl_table_init(&t, &c->mem, columns, (int)CS_ARRAY_LEN(columns));
	for (size_t i = 0; i < json_object_array_length(items); i++) {
		json_object *lead = json_object_array_get_idx(items, i);
		bool is_lead = strcmp(cs_json_str(lead, "event", ""), "lead.qualified") == 0;
		int64_t at = cs_ctl_json_time(lead, "received_at");
		enum cs_ctl_paint paint;
		const char *where = where_it_is(c, lead, &paint);

		cs_ctl_table_row(&t);
		cs_ctl_table_cellf(&t, "%" PRId64, cs_json_int(lead, "id", 0));
		cs_ctl_table_cell(&t, CS_PAINT_NONE, cs_ctl_time(&c->mem, at));
		cs_ctl_table_cell(&t, CS_PAINT_DIM, cs_ctl_span(&c->mem, at, c->now_ms));
		cs_ctl_table_cell(&t, CS_PAINT_NONE, cs_json_str(lead, "account", ""));
		cs_ctl_table_cell(&t, is_lead ? CS_PAINT_NONE : CS_PAINT_DIM,
				  cs_json_str(lead, is_lead ? "urgency" : "event", ""));
		cs_ctl_table_cell(&t, paint, where);
	}
	cs_ctl_table_print(&t, c, &b);
	fputs(b.len > 0 ? cs_buf_str(&b) : "no leads\n", stdout);
	if (cs_json_get(list, "next") != NULL)
		printf("older ones: --before %s\n", cs_json_str(list, "next", ""));
}

static int
run(struct cs_ctl *c)
{
	CS_CLEANUP(cs_json_putp) json_object *list = NULL;
	const char *account = cs_ctl_opt(c, "account"), *before = cs_ctl_opt(c, "before"), *query = "";
	int64_t limit;
	int rc;

	if (!cs_ctl_opt_int(c, "limit", 1, 100000, 50, &limit))
		return CS_CTL_USAGE;
	if (account != NULL)
		query = cs_arena_printf(&c->mem, "account=%s", cs_ctl_encoded(c, account));
	if ((rc = cs_ctl_get_list(c, "/v1/leads", query, limit,
				  before != NULL ? cs_ctl_encoded(c, before) : NULL, &list)) != CS_CTL_OK)
		return rc;
	if (c->json)
		cs_ctl_print_json(list);
	else
		print_table(c, list);
	return CS_CTL_OK;
}

static const struct cs_ctl_opt opts[] = {
	{ "account", "ID", "only of this CallSetter account" },
	CS_CTL_PAGE_OPTS,
	{ NULL, NULL, NULL },
};
const struct cs_ctl_command cs_ctl_cmd_leads = {
	.name = "leads",
	.args = "",
	.help = "the leads that came in, newest first",
	.more = "Events that csrelay itself reports are among them, by their name; a qualified lead is shown "
		"by its urgency.",
	.opts = opts,
	.offline = true,
	.run = run,
};
