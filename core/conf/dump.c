/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dump.c - printing what is in force, and the table as a manual.
 */
#include <inttypes.h>
#include <string.h>
#include "conf/dump.h"
#include "conf/field.h"

/* Is the row the first (or last) of its group? Rows without a group stand alone. */
static bool
same_group(const struct cs_opt *a, const struct cs_opt *b)
{
	size_t n = strcspn(a->key, ".");

	return a->key[n] == '.' && strncmp(a->key, b->key, n + 1) == 0;
}

static bool
is_first(size_t i)
{
	return strchr(cs_opts[i].key, '.') != NULL && (i == 0 || !same_group(&cs_opts[i - 1], &cs_opts[i]));
}

static bool
is_last(size_t i)
{
	return strchr(cs_opts[i].key, '.') != NULL && (i + 1 == cs_opts_n || !same_group(&cs_opts[i + 1], &cs_opts[i]));
}

static const char *
leaf(const char *key)
{
	const char *dot = strchr(key, '.');

	return dot != NULL ? dot + 1 : key;
}

static void
add_place(const struct cs_conf *conf, const struct cs_opt *o, struct cs_buf *out)
{
	struct cs_conf_place at = conf->places[cs_opt_index(o)];

	if (at.line > 0)
		cs_buf_printf(out, "%s:%d", at.file, at.line);
	else
		cs_buf_adds(out, "default");
}

static void
dump_option(const struct cs_conf *conf, const struct cs_opt *o, struct cs_buf *out)
{
	const char *indent = strchr(o->key, '.') != NULL ? "\t" : "";

	cs_buf_printf(out, "%s# %s\n%s# (", indent, o->help, indent);
	cs_opt_allowed(o, out);
	cs_buf_printf(out, "%s)\n%s%s%s = ", o->restart ? "; changes with a restart" : "", indent,
	              cs_opt_is_secret(o) ? "# " : "", leaf(o->key));
	cs_conf_print_value(conf, o, out);
	cs_buf_adds(out, ";  # ");
	add_place(conf, o, out);
	cs_buf_addc(out, '\n');
}

static void
dump_crm(const struct cs_conf_crm *crm, struct cs_buf *out)
{
	cs_buf_printf(out, "# crm %s: %s, %zu settings, %zu secrets, %zu connections (%s)\n", crm->name,
	              crm->enabled ? "enabled" : "disabled", crm->values.n_places, crm->values.n_secrets, crm->n_connections,
	              crm->at.file);
	for (size_t i = 0; i < crm->n_connections; i++)
		cs_buf_printf(out, "#   %s: account %s, %zu settings, %zu secrets%s (line %d)\n", crm->connections[i].name,
		              crm->connections[i].account, crm->connections[i].values.n_places,
		              crm->connections[i].values.n_secrets, crm->connections[i].paused ? ", paused" : "",
		              crm->connections[i].at.line);
}

void
cs_conf_dump(const struct cs_conf *conf, FILE *to)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf out = CS_BUF_INIT(0);

	for (size_t i = 0; i < cs_opts_n; i++) {
		if (is_first(i))
			cs_buf_printf(&out, "\n%.*s : {\n", (int)strcspn(cs_opts[i].key, "."), cs_opts[i].key);
		dump_option(conf, &cs_opts[i], &out);
		if (is_last(i))
			cs_buf_adds(&out, "};\n");
	}
	if (conf->n_crms > 0)
		cs_buf_addc(&out, '\n');
	for (size_t i = 0; i < conf->n_crms; i++)
		dump_crm(&conf->crms[i], &out);
	fputs(cs_buf_str(&out), to);
}

json_object *
cs_conf_dump_json(const struct cs_conf *conf)
{
	json_object *all = json_object_new_object();
	CS_CLEANUP(cs_buf_fini) struct cs_buf text = CS_BUF_INIT(0);

	for (size_t i = 0; i < cs_opts_n; i++) {
		const struct cs_opt *o = &cs_opts[i];
		json_object *row = json_object_new_object();

		cs_buf_reset(&text);
		cs_conf_print_value(conf, o, &text);
		json_object_object_add(row, "value", json_object_new_string(cs_buf_str(&text)));
		cs_buf_reset(&text);
		add_place(conf, o, &text);
		json_object_object_add(row, "default", json_object_new_boolean(conf->places[i].line == 0));
		json_object_object_add(row, "place", json_object_new_string(cs_buf_str(&text)));
		cs_buf_reset(&text);
		cs_opt_allowed(o, &text);
		json_object_object_add(row, "allowed", json_object_new_string(cs_buf_str(&text)));
		json_object_object_add(row, "help", json_object_new_string(o->help));
		json_object_object_add(row, "restart", json_object_new_boolean(o->restart));
		json_object_object_add(all, o->key, row);
	}
	return all;
}

/* ---- the manual; folders as a package has them, whatever this build was configured with */
static const struct {
	const char *built, *shown;
} folders[] = {
	{ CS_PLUGIN_DIR, "LIBDIR/csrelay/v1" },
	{ CS_STATE_DIR, "/var/lib/csrelay" },
	{ CS_SYSCONF_DIR, "/etc/csrelay" },
	{ CS_RUN_DIR, "/run/csrelay" },
};

/* Text for roff: its escape character and quotes as escapes, folders as packaged. */
static void
man_text(const char *s, struct cs_buf *out)
{
	while (*s != '\0') {
		size_t i;

		for (i = 0; i < CS_ARRAY_LEN(folders); i++)
			if (strncmp(s, folders[i].built, strlen(folders[i].built)) == 0)
				break;
		if (i < CS_ARRAY_LEN(folders)) {
			cs_buf_adds(out, folders[i].shown);
			s += strlen(folders[i].built);
			continue;
		}
		if (*s == '\\')
			cs_buf_adds(out, "\\e");
		else if (*s == '"')
			cs_buf_adds(out, "\\(dq");
		else
			cs_buf_addc(out, *s);
		s++;
	}
}

static void
man_default(const struct cs_opt *o, struct cs_buf *out)
{
	bool quoted = o->type != CS_OPT_BOOL && o->type != CS_OPT_INT;
	const char *at = o->dflt;
	char item[64];

	cs_buf_adds(out, "Default: ");
	if (o->dflt[0] == '\0') {
		cs_buf_adds(out, "not set.\n");
		return;
	}
	if (!cs_opt_is_list(o)) {
		cs_buf_adds(out, quoted ? "\\(dq" : "");
		man_text(o->dflt, out);
		cs_buf_adds(out, quoted ? "\\(dq.\n" : ".\n");
		return;
	}
	for (int n = 0; cs_conf_default_item(&at, item, sizeof(item)) != NULL; n++) {
		cs_buf_adds(out, n > 0 ? ", \\(dq" : "[ \\(dq");
		man_text(item, out);
		cs_buf_adds(out, "\\(dq");
	}
	cs_buf_adds(out, " ].\n");
}

static void
man_option(const struct cs_opt *o, struct cs_buf *out)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf allowed = CS_BUF_INIT(0);

	cs_buf_printf(out, ".It Sy %s\n", o->key);
	man_text(o->help, out);
	cs_buf_adds(out, "\nA value is: ");
	cs_opt_allowed(o, &allowed);
	man_text(cs_buf_str(&allowed), out);
	cs_buf_adds(out, ".\n");
	man_default(o, out);
	if (o->restart)
		cs_buf_adds(out, "Changes with a restart.\n");
}

void
cs_conf_print_man(struct cs_buf *out)
{
	cs_buf_adds(out, ".Bl -tag -width Ds\n");
	for (size_t i = 0; i < cs_opts_n; i++)
		man_option(&cs_opts[i], out);
	cs_buf_adds(out, ".El\n");
}
