/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys_list.c - csrelay keys list: who has a key, never the key.
 */
#include "config.h"
#include <inttypes.h>
#include "ctl/commands.h"
#include "ctl/talk/link.h"
#include "ctl/show/table.h"

static const struct cs_ctl_column columns[] = {
	{ "key", true, false },	     { "name", false, true },	    { "may", false, false },
	{ "accounts", false, true }, { "last used", false, false }, { "runs out", false, false },
};

static const char *
words(struct cs_ctl *c, json_object *array, const char *none)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);

	for (size_t i = 0; i < cs_ctl_json_count(array); i++)
		cs_buf_printf(&b, "%s%s", i > 0 ? " " : "",
			      json_object_get_string(json_object_array_get_idx(array, i)));
	return b.len > 0 ? cs_arena_strdup(&c->mem, cs_buf_str(&b)) : none;
}

static void
print_table(struct cs_ctl *c, json_object *items)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	struct cs_ctl_table t;

	cs_ctl_table_init(&t, &c->mem, columns, (int)CS_ARRAY_LEN(columns));
	for (size_t i = 0; i < cs_ctl_json_count(items); i++) {
		json_object *k = json_object_array_get_idx(items, i);
		int64_t used = cs_ctl_json_time(k, "last_used_at"), end = cs_ctl_json_time(k, "expires_at");

		cs_ctl_table_row(&t);
		cs_ctl_table_cellf(&t, "%" PRId64, cs_json_int(k, "id", 0));
		cs_ctl_table_cell(&t, CS_PAINT_NONE, cs_json_str(k, "name", ""));
		cs_ctl_table_cell(&t, CS_PAINT_NONE, words(c, cs_json_get(k, "scopes"), "nothing"));
		cs_ctl_table_cell(&t, CS_PAINT_NONE, words(c, cs_json_get(k, "accounts"), "all"));
		cs_ctl_table_cell(&t, CS_PAINT_NONE,
				  used > 0 ? cs_ctl_when(&c->mem, used, c->now_ms) : "never");
		cs_ctl_table_cell(&t, end > 0 && end < c->now_ms ? CS_PAINT_BAD : CS_PAINT_NONE,
		                  end > 0 ? cs_ctl_when(&c->mem, end, c->now_ms) : "never");
	}
	cs_ctl_table_print(&t, c, &b);
	fputs(b.len > 0 ? cs_buf_str(&b) : "no keys\n", stdout);
}

static int
run(struct cs_ctl *c)
{
	CS_CLEANUP(cs_json_putp) json_object *list = NULL;
	int rc = cs_ctl_get(c, "/v1/keys", &list);

	if (rc != CS_CTL_OK)
		return rc;
	if (c->json)
		cs_ctl_print_json(list);
	else
		print_table(c, cs_json_get(list, "items"));
	return CS_CTL_OK;
}

const struct cs_ctl_command cs_ctl_cmd_keys_list = {
	.name = "keys list",
	.args = "",
	.help = "the API keys: what each may do and when it was used",
	.run = run,
};
