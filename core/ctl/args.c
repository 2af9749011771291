/* SPDX-License-Identifier: Apache-2.0 */
/*
 * args.c - options and arguments, sorted by the tables that also make the help.
 *
 * Options are long ("--limit 20", "--limit=20"), may stand anywhere, and count once. A lone "-" is an
 * argument (standard input); "--" ends the options. A value that itself begins with "--" is written behind
 * "=".
 */
#include "config.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "ctl/ctl.h"
#include "util/nearest.h"

const struct cs_ctl_opt cs_ctl_global_opts[] = {
	{ "config", "FILE", "configuration that says where the daemon listens and keeps its store" },
	{ "socket", "PATH", "control socket, instead of listen.control" },
	{ "url", "URL", "admin interface over HTTP, instead of the control socket" },
	{ "key-file", "FILE", "API key for --url" },
	{ "offline", NULL, "read the store, even if the daemon is up" },
	{ "json", NULL, "print the answer as JSON" },
	{ "help", NULL, "explain the command" },
	{ NULL, NULL, NULL },
};

static const struct cs_ctl_opt *
find_in(const struct cs_ctl_opt *opts, const char *name, size_t n)
{
	for (; opts != NULL && opts->name != NULL; opts++)
		if (strlen(opts->name) == n && strncmp(opts->name, name, n) == 0)
			return opts;
	return NULL;
}

static int
unknown(const struct cs_ctl_opt *own, const char *name, size_t n, struct cs_err *err)
{
	char word[64];
	const char *names[CS_CTL_OPTS_MAX * 2], *near;
	size_t count = 0;

	for (const struct cs_ctl_opt *o = own; o != NULL && o->name != NULL; o++)
		names[count++] = o->name;
	for (const struct cs_ctl_opt *o = cs_ctl_global_opts; o->name != NULL; o++)
		names[count++] = o->name;
	snprintf(word, sizeof(word), "%.*s", (int)n, name);
	cs_err_set(err, CS_EINVAL, "there is no option --%s", word);
	if ((near = cs_nearest(word, names, count)) != NULL)
		cs_err_hint(err, "did you mean --%s?", near);
	return CS_EINVAL;
}

static bool
given(const struct cs_ctl_args *a, const char *name)
{
	for (int i = 0; i < a->n_opts; i++)
		if (strcmp(a->opts[i].name, name) == 0)
			return true;
	return false;
}

/* One option at argv[*at]; *at moves to its value when that is a word of its own. */
static int
take(struct cs_ctl_args *a, const struct cs_ctl_opt *own, int argc, char **argv, int *at, struct cs_err *err)
{
	const char *name = argv[*at] + 2, *value = strchr(name, '=');
	size_t n = value != NULL ? (size_t)(value - name) : strlen(name);
	const struct cs_ctl_opt *o = find_in(own, name, n);

	if (o == NULL && (o = find_in(cs_ctl_global_opts, name, n)) == NULL)
		return unknown(own, name, n, err);
	if (given(a, o->name))
		return cs_err_set(err, CS_EINVAL, "--%s is given twice", o->name);
	if (a->n_opts == CS_CTL_OPTS_MAX)
		return cs_err_set(err, CS_EINVAL, "too many options");
	if (o->arg == NULL && value != NULL)
		return cs_err_set(err, CS_EINVAL, "--%s takes no value", o->name);
	if (o->arg != NULL && value == NULL && (*at + 1 == argc || strncmp(argv[*at + 1], "--", 2) == 0))
		return cs_err_set(err, CS_EINVAL, "--%s needs a value: %s", o->name, o->arg);
	if (o->arg != NULL)
		value = value != NULL ? value + 1 : argv[++*at];
	a->opts[a->n_opts].name = o->name;
	a->opts[a->n_opts++].value = value != NULL ? value : "";
	return 0;
}

int
cs_ctl_args_parse(struct cs_ctl_args *a, const struct cs_ctl_opt *own, int argc, char **argv, char **pos,
                  struct cs_err *err)
{
	static char help[] = "--help";
	bool options = true;
	int rc;

	memset(a, 0, sizeof(*a));
	a->pos = pos;
	for (int i = 0; i < argc; i++) {
		if (options && strcmp(argv[i], "--") == 0)
			options = false;
		else if (options && strcmp(argv[i], "-h") == 0)
			argv[i--] = help;
		else if (options && strncmp(argv[i], "--", 2) == 0) {
			if ((rc = take(a, own, argc, argv, &i, err)) < 0)
				return rc;
		} else if (options && argv[i][0] == '-' && argv[i][1] != '\0')
			return cs_err_set(err, CS_EINVAL,
					  "there is no option %.20s; options are words, like --json",
					  argv[i]);
		else
			pos[a->n_pos++] = argv[i];
	}
	return 0;
}

const struct cs_ctl_command *
cs_ctl_command_find(int argc, char **argv, int *words)
{
	char two[64];

	if (argc > 1) {
		snprintf(two, sizeof(two), "%.30s %.30s", argv[0], argv[1]);
		for (int i = 0; cs_ctl_commands[i] != NULL; i++)
			if (strcmp(cs_ctl_commands[i]->name, two) == 0)
				return *words = 2, cs_ctl_commands[i];
	}
	for (int i = 0; argc > 0 && cs_ctl_commands[i] != NULL; i++)
		if (strcmp(cs_ctl_commands[i]->name, argv[0]) == 0)
			return *words = 1, cs_ctl_commands[i];
	return NULL;
}

const char *
cs_ctl_opt(const struct cs_ctl *c, const char *name)
{
	for (int i = 0; i < c->args.n_opts; i++)
		if (strcmp(c->args.opts[i].name, name) == 0)
			return c->args.opts[i].value;
	return NULL;
}

bool
cs_ctl_has(const struct cs_ctl *c, const char *name)
{
	return cs_ctl_opt(c, name) != NULL;
}

bool
cs_ctl_opt_int(const struct cs_ctl *c, const char *name, int64_t min, int64_t max, int64_t dflt, int64_t *out)
{
	const char *s = cs_ctl_opt(c, name);
	char *end;

	*out = dflt;
	if (s == NULL)
		return true;
	errno = 0;
	*out = strtoll(s, &end, 10);
	if (errno == 0 && end != s && *end == '\0' && *out >= min && *out <= max)
		return true;
	cs_ctl_usage(c->cmd, "--%s takes a whole number from %lld to %lld", name, (long long)min,
		     (long long)max);
	return false;
}
