/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deliveries.c - see deliveries.h.
 */
#include "config.h"
#include <inttypes.h>
#include <string.h>
#include "ctl/show/deliveries.h"
#include "ctl/filter.h"
#include "ctl/talk/link.h"
#include "ctl/show/table.h"

static const struct cs_ctl_column columns[] = {
	{ "delivery", true, false }, { "lead", true, false },	    { "age", true, false },
	{ "crm", false, false },     { "connection", false, true }, { "state", false, false },
	{ "urgency", false, false }, { "tries", true, false },	    { "what about it", false, true },
};

/* What a row has to say beside its state. */
static const char *
remark(struct cs_ctl *c, const json_object *d)
{
	const char *reason = cs_json_str(d, "reason", ""), *state = cs_json_str(d, "state", ""),
		   *blame = cs_json_str(d, "blame", "");
	int64_t due = cs_ctl_json_time(d, "due_at"), done = cs_ctl_json_time(d, "done_at");
	const char *doubt = cs_json_bool(d, "doubt", false) ? "may have arrived; " : "";

	if (strcmp(state, "due") == 0 && due > c->now_ms)
		return cs_arena_printf(&c->mem, "%snext try in %s%s%s", doubt,
				       cs_ctl_span(&c->mem, c->now_ms, due), reason[0] != '\0' ? "; " : "",
				       reason);
	if (strcmp(state, "delivered") == 0)
		return cs_arena_printf(
		    &c->mem, "in %s%s%s", cs_ctl_span(&c->mem, cs_ctl_json_time(d, "created_at"), done),
		    cs_json_get(d, "warnings") != NULL ? "; " : "", cs_json_str(d, "warnings", ""));
	if (strcmp(state, "dead") == 0)
		return cs_arena_printf(&c->mem, "%s%s: %s", doubt, blame, reason);
	return cs_arena_printf(&c->mem, "%s%s", doubt, reason);
}

static void
add_row(struct cs_ctl *c, struct cs_ctl_table *t, const json_object *d)
{
	const char *state = cs_json_str(d, "state", ""), *name = cs_json_str(d, "connection_name", NULL);

	cs_ctl_table_row(t);
	cs_ctl_table_cellf(t, "%" PRId64, cs_json_int(d, "id", 0));
	cs_ctl_table_cellf(t, "%" PRId64, cs_json_int(d, "lead_id", 0));
	cs_ctl_table_cell(t, CS_PAINT_DIM, cs_ctl_span(&c->mem, cs_ctl_json_time(d, "created_at"), c->now_ms));
	cs_ctl_table_cell(t, CS_PAINT_NONE, cs_json_str(d, "crm", "-"));
	cs_ctl_table_cell(t, CS_PAINT_NONE, name != NULL ? name : cs_json_str(d, "connection", "none"));
	cs_ctl_table_cell(t, cs_ctl_paint_of_state(state), cs_ctl_state_words(state));
	cs_ctl_table_cell(t, CS_PAINT_NONE, cs_json_str(d, "urgency", ""));
	cs_ctl_table_cellf(t, "%" PRId64, cs_json_int(d, "attempt_count", 0));
	cs_ctl_table_cell(t, CS_PAINT_NONE, remark(c, d));
}

int
cs_ctl_list_deliveries(struct cs_ctl *c, const char *path, const char *state, const char *empty)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	CS_CLEANUP(cs_json_putp) json_object *list = NULL;
	const char *before = cs_ctl_opt(c, "before"), *query;
	struct cs_ctl_table t;
	json_object *items;
	int64_t limit;
	int rc;

	if (!cs_ctl_opt_int(c, "limit", 1, 100000, 50, &limit) ||
	    cs_ctl_filter_query(c, state, &query) != CS_CTL_OK)
		return CS_CTL_USAGE;
	if ((rc = cs_ctl_get_list(c, path, query, limit, before != NULL ? cs_ctl_encoded(c, before) : NULL,
				  &list)) != CS_CTL_OK)
		return rc;
	if (c->json) {
		cs_ctl_print_json(list);
		return CS_CTL_OK;
	}
	items = cs_json_get(list, "items");
	cs_ctl_table_init(&t, &c->mem, columns, (int)CS_ARRAY_LEN(columns));
	for (size_t i = 0; i < json_object_array_length(items); i++)
		add_row(c, &t, json_object_array_get_idx(items, i));
	cs_ctl_table_print(&t, c, &b);
	fputs(b.len > 0 ? cs_buf_str(&b) : empty, stdout);
	if (cs_json_get(list, "next") != NULL)
		printf("older ones: --before %s\n", cs_json_str(list, "next", ""));
	return CS_CTL_OK;
}
