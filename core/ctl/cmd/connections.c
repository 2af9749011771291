/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connections.c - csrelay connections: which account is linked to which CRM, and how that link is.
 */
#include "config.h"
#include <inttypes.h>
#include <string.h>
#include "ctl/commands.h"
#include "ctl/filter.h"
#include "ctl/talk/link.h"
#include "ctl/show/table.h"

static const struct cs_ctl_column columns[] = {
	{ "connection", false, false }, { "crm", false, false },   { "name", false, true },
	{ "account", false, true },	{ "state", false, false }, { "since", false, false },
	{ "waiting", true, false },	{ "why", false, true },
};

static int64_t
waiting(const json_object *conn)
{
	json_object *backlog = cs_json_get(conn, "backlog");
	int64_t n = 0;

	if (backlog == NULL || !json_object_is_type(backlog, json_type_object))
		return 0;
	json_object_object_foreach(backlog, lane, count) {
		(void)lane;
		n += json_object_get_int64(count);
	}
	return n;
}

/* What its makers call it; else what the CRM calls the account. */
static const char *
name_of(const json_object *o)
{
	const char *own = cs_json_str(o, "label", "");

	if (own[0] == '\0')
		own = cs_json_str(o, "name", "");
	return own[0] != '\0' ? own : cs_json_str(cs_json_get(o, "checked"), "name", "");
}

static void
print_table(struct cs_ctl *c, json_object *items)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	struct cs_ctl_table t;

	cs_ctl_table_init(&t, &c->mem, columns, (int)CS_ARRAY_LEN(columns));
	for (size_t i = 0; i < cs_ctl_json_count(items); i++) {
		json_object *o = json_object_array_get_idx(items, i);
		const char *state = cs_json_str(o, "state", "");

		cs_ctl_table_row(&t);
		cs_ctl_table_cell(&t, CS_PAINT_NONE, cs_json_str(o, "id", ""));
		cs_ctl_table_cell(&t, CS_PAINT_NONE, cs_json_str(o, "crm", ""));
		cs_ctl_table_cell(&t, CS_PAINT_NONE, name_of(o));
		cs_ctl_table_cell(&t, CS_PAINT_NONE, cs_json_str(o, "account", ""));
		cs_ctl_table_cell(&t, cs_ctl_paint_of_state(state), state);
		cs_ctl_table_cell(&t, CS_PAINT_DIM,
				  cs_ctl_span(&c->mem, cs_ctl_json_time(o, "state_since"), c->now_ms));
		cs_ctl_table_cellf(&t, "%" PRId64, waiting(o));
		cs_ctl_table_cell(&t, CS_PAINT_NONE, cs_json_str(o, "state_reason", ""));
	}
	cs_ctl_table_print(&t, c, &b);
	fputs(b.len > 0 ? cs_buf_str(&b) : "no connections\n", stdout);
}

static void
print_member(struct cs_ctl *c, const char *name, json_object *value)
{
	const char *text = json_object_is_type(value, json_type_string) ? json_object_get_string(value)
									: cs_json_text(value);

	if (value == NULL || strcmp(text, "{}") == 0 || strcmp(text, "[]") == 0)
		return;
	printf("%-16s %s\n", cs_ctl_clean(&c->mem, name), cs_ctl_clean(&c->mem, text));
}

static int
show(struct cs_ctl *c)
{
	CS_CLEANUP(cs_json_putp) json_object *o = NULL;
	int rc = cs_ctl_get(
	    c, cs_arena_printf(&c->mem, "/v1/connections/%s", cs_ctl_encoded(c, c->args.pos[0])), &o);

	if (rc != CS_CTL_OK)
		return rc;
	if (c->json)
		cs_ctl_print_json(o);
	else {
		json_object_object_foreach(o, name, value) {
			print_member(c, name, value);
		}
	}
	return CS_CTL_OK;
}

static int
list(struct cs_ctl *c)
{
	CS_CLEANUP(cs_json_putp) json_object *all = NULL;
	const char *query;
	int64_t limit;
	int rc;

	if (!cs_ctl_opt_int(c, "limit", 1, 1000000, 1000, &limit) ||
	    cs_ctl_filter_query(c, NULL, &query) != CS_CTL_OK)
		return CS_CTL_USAGE;
	if ((rc = cs_ctl_get_list(c, "/v1/connections", query, limit, NULL, &all)) != CS_CTL_OK)
		return rc;
	if (c->json)
		cs_ctl_print_json(all);
	else
		print_table(c, cs_json_get(all, "items"));
	return CS_CTL_OK;
}

static int
run(struct cs_ctl *c)
{
	return c->args.n_pos > 0 ? show(c) : list(c);
}

static const struct cs_ctl_opt opts[] = {
	{ "crm", "NAME", "only of this CRM" },
	{ "account", "ID", "only of this CallSetter account" },
	{ "limit", "N", "at most so many (1000)" },
	{ NULL, NULL, NULL },
};
const struct cs_ctl_command cs_ctl_cmd_connections = {
	.name = "connections",
	.args = "[CONNECTION]",
	.help = "the connections and their state, or everything about one",
	.more = "Secrets are shown by name only.",
	.max = 1,
	.opts = opts,
	.offline = true,
	.run = run,
};
