/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secrets_status.c - csrelay secrets status: master keys, and what is sealed under each.
 */
#include "config.h"
#include <inttypes.h>
#include "ctl/commands.h"
#include "ctl/show/table.h"
#include "ctl/talk/link.h"

static const struct cs_ctl_column columns[] = {
	{ "key", false, false }, { "secrets", true, false }, { "what", false, true },
};

static const struct words {
	const char *state, *text;
	enum cs_ctl_paint paint;
} words[] = {
	{ "seals", "seals everything new", CS_PAINT_GOOD },
	{ "opens", "opens what it has sealed", CS_PAINT_NONE },
	{ "missing", "is not in the key file: these secrets cannot be read", CS_PAINT_BAD },
	{ "damaged", "secrets that are damaged", CS_PAINT_BAD },
};

static void
print_row(struct cs_ctl *c, struct cs_ctl_table *t, json_object *key)
{
	const char *state = cs_json_str(key, "state", "");
	const struct words *w = &words[0];

	for (size_t i = 0; i < CS_ARRAY_LEN(words); i++)
		if (strcmp(words[i].state, state) == 0)
			w = &words[i];
	cs_ctl_table_row(t);
	cs_ctl_table_cell(t, CS_PAINT_NONE, cs_arena_strdup(&c->mem, cs_json_str(key, "id", "")));
	cs_ctl_table_cellf(t, "%" PRId64, cs_json_int(key, "secrets", 0));
	cs_ctl_table_cell(t, w->paint,
			  w == &words[1] && cs_json_int(key, "secrets", 0) == 0 ? "is needed no more: its line may be deleted" : w->text);
}

static void
print_keys(struct cs_ctl *c, const json_object *answer)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	json_object *keys = cs_json_get(answer, "keys");
	struct cs_ctl_table t;

	cs_ctl_table_init(&t, &c->mem, columns, (int)CS_ARRAY_LEN(columns));
	for (size_t i = 0; i < cs_ctl_json_count(keys); i++)
		print_row(c, &t, json_object_array_get_idx(keys, i));
	cs_ctl_table_print(&t, c, &b);
	fputs(b.len > 0 ? cs_buf_str(&b) : "there is no master key, and no stored secret\n", stdout);
}

static int
run(struct cs_ctl *c)
{
	CS_CLEANUP(cs_json_putp) json_object *answer = NULL;
	int rc = cs_ctl_get(c, "/v1/secrets", &answer);

	if (rc != CS_CTL_OK)
		return rc;
	if (c->json)
		cs_ctl_print_json(answer);
	else
		print_keys(c, answer);
	return cs_json_int(answer, "unreadable", 0) > 0 ? CS_CTL_FAILED : CS_CTL_OK;
}

const struct cs_ctl_command cs_ctl_cmd_secrets_status = {
	.name = "secrets status",
	.args = "",
	.help = "master keys, and how many stored secrets need each",
	.more = "Exits with 1 when there are secrets that cannot be read. A key that no secret needs may be deleted from the key file, "
		"unless a backup of the store is to be opened with it.",
	.offline = true,
	.run = run,
};
