/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugins.c - csrelay plugins: which CRMs this daemon speaks to, and what each wants to know.
 */
#include "config.h"
#include <inttypes.h>
#include <string.h>
#include "ctl/commands.h"
#include "ctl/talk/link.h"
#include "ctl/show/table.h"

static const struct cs_ctl_column columns[] = {
	{ "plugin", false, false },
	{ "version", false, false },
	{ "title", false, true },
	{ "state", false, true },
	{ "held by", false, true },
	{ "deaths", true, false },
};

static const char *
state_of(struct cs_ctl *c, const json_object *p, enum cs_ctl_paint *paint)
{
	static const struct {
		const char *state, *words;
		enum cs_ctl_paint paint;
	} states[] = {
		{ "up", "up", CS_PAINT_GOOD },
		{ "starting", "starting", CS_PAINT_NONE },
		{ "restarting", "starting again", CS_PAINT_WARN },
		{ "parked", "parked: it cannot stay up", CS_PAINT_BAD },
		{ "in_daemon", "in the daemon", CS_PAINT_GOOD },
	};
	const json_object *process = cs_json_get(p, "process");
	const char *state = cs_json_str(process, "state", ""), *error = cs_json_str(p, "error", NULL);
	int64_t pid = cs_json_int(process, "pid", 0);

	*paint = CS_PAINT_BAD;
	if (error != NULL)
		return cs_ctl_json_text(&c->mem, p, "error");
	for (size_t i = 0; i < CS_ARRAY_LEN(states); i++)
		if (strcmp(states[i].state, state) == 0) {
			*paint = states[i].paint;
			state = states[i].words;
		}
	return cs_arena_printf(&c->mem, "%s%s%s", state, pid > 0 ? cs_arena_printf(&c->mem, ", pid %" PRId64, pid) : "",
			       cs_json_bool(p, "experimental", false) ? ", experimental" : "");
}

/* What its process is held by. */
static const char *
held_by(struct cs_ctl *c, const json_object *p)
{
	const json_object *process = cs_json_get(p, "process");
	int64_t landlock = cs_json_int(process, "landlock", 0), memory = cs_json_int(process, "memory", 0);

	if (cs_json_int(process, "seccomp", 0) == 0)
		return strcmp(cs_json_str(process, "state", ""), "in_daemon") == 0 ? "nothing" : "";
	return cs_arena_printf(&c->mem, "seccomp, %s, %s",
			       landlock > 0 ? cs_arena_printf(&c->mem, "landlock %" PRId64, landlock) : "no landlock in this kernel",
			       memory > 0 ? cs_arena_printf(&c->mem, "%" PRId64 " MiB", memory >> 20) : "any memory");
}

static void
print_table(struct cs_ctl *c, json_object *items)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	struct cs_ctl_table t;

	cs_ctl_table_init(&t, &c->mem, columns, (int)CS_ARRAY_LEN(columns));
	for (size_t i = 0; i < cs_ctl_json_count(items); i++) {
		json_object *p = json_object_array_get_idx(items, i);
		const char *state;
		enum cs_ctl_paint paint;

		state = state_of(c, p, &paint);
		cs_ctl_table_row(&t);
		cs_ctl_table_cell(&t, CS_PAINT_NONE, cs_json_str(p, "name", ""));
		cs_ctl_table_cell(&t, CS_PAINT_NONE, cs_json_str(p, "version", ""));
		cs_ctl_table_cell(&t, CS_PAINT_NONE, cs_json_str(p, "title", ""));
		cs_ctl_table_cell(&t, paint, state);
		cs_ctl_table_cell(&t, CS_PAINT_NONE, held_by(c, p));
		cs_ctl_table_cellf(&t, "%" PRId64, cs_json_int(cs_json_get(p, "process"), "deaths", 0));
	}
	cs_ctl_table_print(&t, c, &b);
	fputs(b.len > 0 ? cs_buf_str(&b) : "no plugin is enabled: see crm.d/ beside csrelay.conf\n", stdout);
}

static const char *
default_of(struct cs_ctl *c, const json_object *row)
{
	json_object *dflt = cs_json_get(row, "default");

	return dflt != NULL ? cs_arena_printf(&c->mem, " (default %s)", cs_json_text(dflt)) : "";
}

/* What stands in crm.d/NAME.conf. */
static void
print_rows(struct cs_ctl *c, const char *title, json_object *rows, const char *key)
{
	static const struct cs_ctl_column about[] = {
		{ "name", false, false },
		{ "type", false, false },
		{ "needed", false, false },
		{ "what it is", false, true },
	};
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	struct cs_ctl_table t;

	cs_ctl_table_init(&t, &c->mem, about, (int)CS_ARRAY_LEN(about));
	for (size_t i = 0; i < cs_ctl_json_count(rows); i++) {
		json_object *r = json_object_array_get_idx(rows, i);
		const char *label = cs_json_str(r, "label", ""), *help = cs_json_str(r, "help", "");

		cs_ctl_table_row(&t);
		cs_ctl_table_cell(&t, CS_PAINT_BOLD, cs_json_str(r, key, ""));
		cs_ctl_table_cell(&t, CS_PAINT_NONE, cs_json_str(r, "type", "secret"));
		cs_ctl_table_cell(&t, CS_PAINT_NONE, cs_json_bool(r, "required", false) ? "yes" : "no");
		cs_ctl_table_cellf(&t, "%s%s%s%s", label, label[0] != '\0' && help[0] != '\0' ? ": " : "",
				   help, default_of(c, r));
	}
	cs_ctl_table_print(&t, c, &b);
	if (b.len > 0)
		printf("\n%s\n%s", title, cs_buf_str(&b));
}

/* How its process is, and how it ended last. */
static void
print_process(struct cs_ctl *c, const json_object *p)
{
	const json_object *process = cs_json_get(p, "process");
	const char *of = cs_ctl_json_text(&c->mem, process, "died_of"), *over = cs_ctl_json_text(&c->mem, process, "died_over");
	int64_t died = cs_ctl_json_time(process, "died_at"), until = cs_ctl_json_time(process, "parked_until");
	enum cs_ctl_paint paint;

	if (process == NULL)
		return;
	printf("process: %s\n", state_of(c, p, &paint));
	if (held_by(c, p)[0] != '\0')
		printf("held by: %s\n", held_by(c, p));
	if (until > 0)
		printf("it is tried again %s, or by `csrelay plugins reload`\n", cs_ctl_time(&c->mem, until));
	if (died > 0)
		printf("started %" PRId64 " times, died %" PRId64 " times; last %s: %s\n", cs_json_int(process, "starts", 0),
		       cs_json_int(process, "deaths", 0), cs_ctl_time(&c->mem, died), of);
	if (over[0] != '\0')
		printf("the lead that was on the processor: %s\n", over);
}

static int
show(struct cs_ctl *c, json_object *items)
{
	for (size_t i = 0; i < cs_ctl_json_count(items); i++) {
		json_object *p = json_object_array_get_idx(items, i);
		const char *error = cs_ctl_json_text(&c->mem, p, "error"), *plans = cs_ctl_json_text(&c->mem, p, "plans"),
			   *version = cs_ctl_json_text(&c->mem, p, "version");

		if (strcmp(cs_json_str(p, "name", ""), c->args.pos[0]) != 0)
			continue;
		if (c->json) {
			cs_ctl_print_json(p);
			return CS_CTL_OK;
		}
		printf("%s", cs_ctl_json_text(&c->mem, p, "name"));
		if (version[0] != '\0') /* the manifest was read */
			printf(" %s, %s", version, cs_ctl_json_text(&c->mem, p, "title"));
		printf("\n%s%s", plans, plans[0] != '\0' ? "\n" : "");
		if (error[0] != '\0')
			printf("not loaded: %s\n", error);
		print_process(c, p);
		print_rows(c, "settings", cs_json_get(p, "settings"), "key");
		print_rows(c, "secrets", cs_json_get(p, "secrets"), "name");
		return CS_CTL_OK;
	}
	return cs_ctl_fail(CS_CTL_NOT_FOUND, "there is no plugin \"%.64s\"; `csrelay plugins` lists them",
			   c->args.pos[0]);
}

static int
run(struct cs_ctl *c)
{
	CS_CLEANUP(cs_json_putp) json_object *list = NULL;
	int rc = cs_ctl_get(c, "/v1/plugins", &list);

	if (rc != CS_CTL_OK)
		return rc;
	if (c->args.n_pos > 0)
		return show(c, cs_json_get(list, "items"));
	if (c->json)
		cs_ctl_print_json(list);
	else
		print_table(c, cs_json_get(list, "items"));
	return CS_CTL_OK;
}

const struct cs_ctl_command cs_ctl_cmd_plugins = {
	.name = "plugins",
	.args = "[NAME]",
	.help = "the plugins that run, or one with its process, settings and secrets",
	.max = 1,
	.run = run,
};
