/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl.c - the program: from argv to a command, and what it says when that does not work.
 */
#include "config.h"
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "ctl/ctl.h"
#include "ctl/help.h"
#include "ctl/talk/link.h"
#include "util/clock.h"
#include "util/nearest.h"

const struct cs_ctl_exit_row cs_ctl_exits[] = {
	{ CS_CTL_OK, "done; with explain --follow: delivered everywhere" },
	{ CS_CTL_FAILED,
	  "it ran and the answer is no: a lead was not accepted or not delivered, a check found something" },
	{ CS_CTL_USAGE, "the command was not understood, or the configuration has faults" },
	{ CS_CTL_UNREACHABLE, "no daemon could be reached" },
	{ CS_CTL_NOT_FOUND, "there is nothing of that id or name" },
	{ CS_CTL_REFUSED, "the daemon refused: not allowed, or not possible in the present state" },
	{ CS_CTL_TROUBLE, "the daemon, the disk or the answer had a fault; trying again may help" },
	{ 0, NULL },
};

int
cs_ctl_fail(int status, const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fputs("csrelay: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return status;
}

int
cs_ctl_fail_err(int status, const struct cs_err *err)
{
	char text[CS_ERR_TEXT];

	return cs_ctl_fail(status, "%s", cs_err_text(err, text, sizeof(text)));
}

int
cs_ctl_usage(const struct cs_ctl_command *cmd, const char *fmt, ...)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	va_list ap;

	cs_buf_adds(&b, "csrelay: ");
	va_start(ap, fmt);
	cs_buf_vprintf(&b, fmt, ap);
	va_end(ap);
	cs_buf_addc(&b, '\n');
	if (cmd != NULL)
		cs_ctl_help_usage(cmd, &b);
	fflush(stdout);
	fputs(cs_buf_str(&b), stderr);
	return CS_CTL_USAGE;
}

void
cs_ctl_print_json(const json_object *o)
{
	puts(cs_json_text(o));
}

int
cs_ctl_finish(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	if (errno == EPIPE) /* `| head` has seen enough */
		return status;
	return cs_ctl_fail(CS_CTL_TROUBLE, "could not write to standard output: %s", strerror(errno));
}

static void
print_help(void)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);

	cs_buf_adds(&b, "usage: csrelay COMMAND [ARGUMENT...] [--OPTION...]\n\n");
	cs_ctl_help_list(NULL, &b);
	cs_buf_adds(&b, "\ncsrelay help COMMAND explains one of them, csrelay(8) all.\n");
	fputs(cs_buf_str(&b), stdout);
}

static int
unknown_command(const char *word)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	const char *names[96], *near;
	size_t n = 0;

	cs_ctl_help_list(word, &b);
	if (b.len > 0) {
		cs_ctl_fail(CS_CTL_USAGE, "\"%s\" needs another word behind it:", word);
		fputs(cs_buf_str(&b), stderr);
		return CS_CTL_USAGE;
	}
	for (; n < CS_ARRAY_LEN(names) && cs_ctl_commands[n] != NULL; n++)
		names[n] = cs_ctl_commands[n]->name;
	near = cs_nearest(word, names, n);
	if (near != NULL)
		return cs_ctl_fail(CS_CTL_USAGE, "there is no command \"%.40s\"; did you mean \"%s\"?", word,
				   near);
	return cs_ctl_fail(CS_CTL_USAGE, "there is no command \"%.40s\"; `csrelay help` lists them", word);
}

static void
look_at_terminal(struct cs_ctl *c)
{
	const char *term = getenv("TERM"), *no_colour = getenv("NO_COLOR");
	struct winsize ws;

	c->terminal = isatty(STDOUT_FILENO) == 1;
	c->colour = c->terminal && (no_colour == NULL || no_colour[0] == '\0') && term != NULL &&
		    strcmp(term, "dumb") != 0;
	if (c->terminal)
		c->width = ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_col >= 40 ? ws.ws_col : 80;
}

static int
check_arguments(struct cs_ctl *c)
{
	const struct cs_ctl_command *cmd = c->cmd;

	if (c->args.n_pos < cmd->min)
		return cs_ctl_usage(cmd, "%s needs %s", cmd->name, cmd->args);
	if (cmd->max >= 0 && c->args.n_pos > cmd->max)
		return cs_ctl_usage(cmd, "\"%.40s\" is one argument too many", c->args.pos[cmd->max]);
	if (cs_ctl_has(c, "socket") + cs_ctl_has(c, "url") + cs_ctl_has(c, "offline") > 1)
		return cs_ctl_usage(cmd, "only one of --socket, --url and --offline goes");
	if (cs_ctl_has(c, "offline") && !cmd->offline)
		return cs_ctl_usage(cmd, "%s needs the daemon; the store alone cannot answer it", cmd->name);
	return CS_CTL_OK;
}

static int
show_help(const struct cs_ctl_command *cmd)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);

	cs_ctl_help_command(cmd, &b);
	fputs(cs_buf_str(&b), stdout);
	return CS_CTL_OK;
}

static int
run(struct cs_ctl *c, int argc, char **argv, char **pos)
{
	struct cs_err err = { 0 };
	int rc;

	if (c->cmd->raw) {
		c->argc = argc;
		c->argv = argv;
		return c->cmd->run(c);
	}
	if (cs_ctl_args_parse(&c->args, c->cmd->opts, argc, argv, pos, &err) < 0)
		return cs_ctl_usage(c->cmd, "%s%s%s", err.msg, err.hint[0] != '\0' ? "; " : "", err.hint);
	if (cs_ctl_has(c, "help"))
		return show_help(c->cmd);
	if ((rc = check_arguments(c)) != CS_CTL_OK)
		return rc;
	c->json = cs_ctl_has(c, "json");
	return c->cmd->run(c);
}

/* Options may stand before the command, too. Returns how many words they are. */
static int
leading_options(int argc, char **argv)
{
	int i = 0;

	while (i < argc && strncmp(argv[i], "--", 2) == 0 && argv[i][2] != '\0') {
		bool takes = false;

		for (const struct cs_ctl_opt *o = cs_ctl_global_opts; o->name != NULL; o++)
			takes |= o->arg != NULL && strcmp(argv[i] + 2, o->name) == 0;
		i += takes ? 2 : 1;
	}
	return i < argc ? i : argc;
}

int
cs_ctl_main(int argc, char **argv)
{
	int lead = leading_options(argc - 1, argv + 1), rest = argc - 1 - lead, words = 0, status;
	char **all = cs_xcalloc((size_t)argc + 1, sizeof(*all)),
	     **pos = cs_xcalloc((size_t)argc + 1, sizeof(*pos));
	struct cs_ctl c = { .now_ms = cs_now_ms(&cs_clock_real) };

	setlocale(LC_CTYPE, "");
	signal(SIGPIPE, SIG_IGN);
	cs_arena_init(&c.mem);
	look_at_terminal(&c);
	if (rest == 0) {
		bool help = lead > 0 && strcmp(argv[1], "--help") == 0,
		     version = lead > 0 && strcmp(argv[1], "--version") == 0;

		if (version)
			printf("csrelay %s\n", PACKAGE_VERSION);
		else
			print_help();
		status = help || version ? CS_CTL_OK : CS_CTL_USAGE;
	} else if ((c.cmd = cs_ctl_command_find(rest, argv + 1 + lead, &words)) == NULL) {
		status = unknown_command(argv[1 + lead]);
	} else {
		int n = 0;

		if (c.cmd->raw)
			all[n++] = argv[lead + words]; /* it sees its own name */
		for (int i = 1; i <= lead; i++)
			all[n++] = argv[i];
		for (int i = 1 + lead + words; i < argc; i++)
			all[n++] = argv[i];
		status = run(&c, n, all, pos);
	}
	status = cs_ctl_finish(status);
	cs_ctl_link_free(c.link);
	cs_arena_fini(&c.mem);
	free(all);
	free(pos);
	return status;
}
