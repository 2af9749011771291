/* SPDX-License-Identifier: Apache-2.0 */
/*
 * look.c - csrelay connections verify, check, choices: what the CRM says about one.
 */
#include "config.h"
#include <inttypes.h>
#include <string.h>
#include "ctl/commands.h"
#include "ctl/connection.h"
#include "ctl/filter.h"
#include "ctl/show/table.h"
#include "ctl/talk/link.h"

static void
print_words(struct cs_ctl *c, json_object *words, const char *before)
{
	for (size_t i = 0; i < cs_ctl_json_count(words); i++)
		printf("%s%s", i == 0 ? before : ", ", cs_ctl_clean(&c->mem, json_object_get_string(json_object_array_get_idx(words, i))));
	if (cs_ctl_json_count(words) > 0)
		putchar('\n');
}

static void
print_look(struct cs_ctl *c, const char *name, json_object *o)
{
	json_object *findings = cs_json_get(o, "findings");

	printf("%s: %s\n", cs_ctl_clean(&c->mem, name), cs_ctl_json_text(&c->mem, o, "text"));
	for (size_t i = 0; i < cs_ctl_json_count(findings); i++)
		printf("  %s\n", cs_ctl_json_text(&c->mem, json_object_array_get_idx(findings, i), "detail"));
	print_words(c, cs_json_get(o, "unchecked"), "  could not be looked at: ");
	print_words(c, cs_json_get(o, "ways_left"), "  ways that are left: ");
}

static bool
is_well(const json_object *o)
{
	const char *said = cs_json_str(o, "said", "");

	return (strcmp(said, "connected") == 0 || strcmp(said, "unknown") == 0) && cs_ctl_json_count(cs_json_get(o, "findings")) == 0;
}

/* CS_CTL_FAILED: it is not well. */
static int
look_at(struct cs_ctl *c, const char *name, const char *verb)
{
	CS_CLEANUP(cs_json_putp) json_object *answer = NULL;
	const char *path = cs_arena_printf(&c->mem, "/v1/connections/%s/%s", cs_ctl_encoded(c, name), verb);
	int rc = cs_ctl_change(c, "POST", path, NULL, &answer);

	if (rc != CS_CTL_OK)
		return rc;
	if (c->json) {
		json_object_object_add(answer, "connection", json_object_new_string(name));
		cs_ctl_print_json(answer);
	} else
		print_look(c, name, answer);
	return is_well(answer) ? CS_CTL_OK : CS_CTL_FAILED;
}

static int
run_verify(struct cs_ctl *c)
{
	return look_at(c, c->args.pos[0], "verify");
}

static int
run_check(struct cs_ctl *c)
{
	CS_CLEANUP(cs_json_putp) json_object *all = NULL;
	int rc = CS_CTL_OK, one;

	if (c->args.n_pos > 0)
		return look_at(c, c->args.pos[0], "check");
	if ((rc = cs_ctl_get_list(c, "/v1/connections", "", 1000000, NULL, &all)) != CS_CTL_OK)
		return rc;
	for (size_t i = 0; i < cs_ctl_json_count(cs_json_get(all, "items")); i++) {
		json_object *o = json_object_array_get_idx(cs_json_get(all, "items"), i);

		one = look_at(c, cs_json_str(o, "id", ""), "check");
		rc = one != CS_CTL_OK ? one : rc;
	}
	return rc;
}

/* ---- choices */

static const struct cs_ctl_column columns[] = { { "value", false, false }, { "label", false, true } };

static void
print_choices(struct cs_ctl *c, json_object *answer)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	json_object *items = cs_json_get(answer, "items");
	struct cs_ctl_table t;

	cs_ctl_table_init(&t, &c->mem, columns, (int)CS_ARRAY_LEN(columns));
	for (size_t i = 0; i < cs_ctl_json_count(items); i++) {
		cs_ctl_table_row(&t);
		cs_ctl_table_cell(&t, CS_PAINT_NONE, cs_json_str(json_object_array_get_idx(items, i), "value", ""));
		cs_ctl_table_cell(&t, CS_PAINT_NONE, cs_json_str(json_object_array_get_idx(items, i), "label", ""));
	}
	cs_ctl_table_print(&t, c, &b);
	fputs(b.len > 0 ? cs_buf_str(&b) : "nothing to choose from\n", stdout);
	if (cs_json_get(answer, "next") != NULL)
		printf("there are more: --after %" PRId64 "\n", cs_json_int(answer, "next", 0));
}

static int
run_choices(struct cs_ctl *c)
{
	CS_CLEANUP(cs_json_putp) json_object *answer = NULL;
	CS_CLEANUP(cs_buf_fini) struct cs_buf path = CS_BUF_INIT(8192);
	int64_t limit, after;
	int rc;

	if (!cs_ctl_opt_int(c, "limit", 1, 2000, 100, &limit) || !cs_ctl_opt_int(c, "after", 0, 2000, 0, &after))
		return CS_CTL_USAGE;
	cs_buf_printf(&path, "%s/%s?limit=%" PRId64 "&after=%" PRId64, cs_ctl_connection_path(c, "/choices"), cs_ctl_encoded(c, c->args.pos[1]),
	              limit, after);
	if (cs_ctl_has(c, "filter"))
		cs_buf_printf(&path, "&q=%s", cs_ctl_encoded(c, cs_ctl_opt(c, "filter")));
	if (cs_ctl_has(c, "refresh"))
		cs_buf_adds(&path, "&refresh=1");
	for (int i = 2; i < c->args.n_pos; i++) {
		const char *equals = strchr(c->args.pos[i], '=');

		if (equals == NULL)
			return cs_ctl_usage(c->cmd, "\"%.60s\" is no SETTING=VALUE", c->args.pos[i]);
		cs_buf_printf(&path, "&%.*s=%s", (int)(equals - c->args.pos[i]), c->args.pos[i], cs_ctl_encoded(c, equals + 1));
	}
	if ((rc = cs_ctl_get(c, cs_buf_str(&path), &answer)) != CS_CTL_OK)
		return rc;
	if (c->json)
		cs_ctl_print_json(answer);
	else
		print_choices(c, answer);
	return CS_CTL_OK;
}

const struct cs_ctl_command cs_ctl_cmd_connections_verify = {
	.name = "connections verify",
	.args = "CONNECTION",
	.help = "ask the CRM who is connected",
	.more = "Exits with 1 when the CRM does not accept the credentials, or the plan has no API access; then it says which, and what is left. "
		"Accepted credentials end needs_reauth.",
	.min = 1,
	.max = 1,
	.run = run_verify,
};
const struct cs_ctl_command cs_ctl_cmd_connections_check = {
	.name = "connections check",
	.args = "[CONNECTION]",
	.help = "verify, and look whether what its settings chose is still there",
	.more = "What the daemon does once a day by itself, for one connection or all of them. Exits with 1 when something is wrong.",
	.max = 1,
	.run = run_check,
};

static const struct cs_ctl_opt choices_opts[] = {
	{ "filter", "TEXT", "only those with this text" },
	{ "limit", "N", "at most so many (100)" },
	{ "after", "N", "so many first ones left out" },
	{ "refresh", NULL, "ask the CRM even if it was asked in the last five minutes" },
	{ NULL, NULL, NULL },
};
const struct cs_ctl_command cs_ctl_cmd_connections_choices = {
	.name = "connections choices",
	.args = "CONNECTION LIST [SETTING=VALUE]...",
	.help = "what a setting can be, as the CRM has it now",
	.more = "`csrelay plugins CRM` names the list of a setting. SETTING=VALUE is for lists that depend on another setting that is not kept yet.",
	.min = 2,
	.max = -1,
	.opts = choices_opts,
	.run = run_choices,
};
