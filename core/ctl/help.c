/* SPDX-License-Identifier: Apache-2.0 */
/*
 * help.c - see help.h.
 */
#include "config.h"
#include <string.h>
#include "ctl/help.h"

#define WRAP 100

/* ---- for people */

void
cs_ctl_help_usage(const struct cs_ctl_command *cmd, struct cs_buf *out)
{
	size_t start = out->len, line = start;

	cs_buf_printf(out, "usage: csrelay %s%s%s", cmd->name, cmd->args[0] != '\0' ? " " : "", cmd->args);
	for (const struct cs_ctl_opt *o = cmd->opts; o != NULL && o->name != NULL; o++) {
		size_t n = strlen(o->name) + (o->arg != NULL ? strlen(o->arg) + 1 : 0) + 5;

		if (out->len - line + n > WRAP) {
			line = out->len + 1;
			cs_buf_printf(out, "\n%*s", 15, "");
		}
		cs_buf_printf(out, " [--%s%s%s]", o->name, o->arg != NULL ? " " : "",
			      o->arg != NULL ? o->arg : "");
	}
	cs_buf_addc(out, '\n');
}

static void
add_opts(const struct cs_ctl_opt *opts, struct cs_buf *out)
{
	for (; opts != NULL && opts->name != NULL; opts++) {
		char left[64];

		snprintf(left, sizeof(left), "--%s%s%s", opts->name, opts->arg != NULL ? " " : "",
			 opts->arg != NULL ? opts->arg : "");
		cs_buf_printf(out, "  %-24s %s\n", left, opts->help);
	}
}

/* Text broken into lines of words. */
static void
add_wrapped(const char *text, struct cs_buf *out)
{
	size_t column = 0;

	while (*text != '\0') {
		size_t n = strcspn(text, " \n");

		if (column > 0 && column + n + 1 > WRAP) {
			cs_buf_addc(out, '\n');
			column = 0;
		}
		cs_buf_printf(out, "%s%.*s", column > 0 ? " " : "", (int)n, text);
		column += n + (column > 0);
		text += n;
		if (*text == '\n') {
			cs_buf_addc(out, '\n');
			column = 0;
		}
		text += *text != '\0';
	}
	cs_buf_addc(out, '\n');
}

void
cs_ctl_help_command(const struct cs_ctl_command *cmd, struct cs_buf *out)
{
	cs_ctl_help_usage(cmd, out);
	cs_buf_printf(out, "\n%s\n", cmd->help);
	if (cmd->more != NULL) {
		cs_buf_addc(out, '\n');
		add_wrapped(cmd->more, out);
	}
	if (cmd->offline)
		cs_buf_adds(out, "\nWhen the daemon is down, the store is read instead.\n");
	if (cmd->opts != NULL) {
		cs_buf_adds(out, "\noptions:\n");
		add_opts(cmd->opts, out);
	}
	cs_buf_adds(out, "\noptions of all commands:\n");
	add_opts(cs_ctl_global_opts, out);
	cs_buf_adds(out, "\n");
	cs_ctl_help_exits(out);
}

static bool
begins_with_word(const char *name, const char *word)
{
	size_t n = strlen(word);

	return strncmp(name, word, n) == 0 && name[n] == ' ';
}

void
cs_ctl_help_list(const char *word, struct cs_buf *out)
{
	for (int i = 0; cs_ctl_commands[i] != NULL; i++) {
		const struct cs_ctl_command *cmd = cs_ctl_commands[i];
		char left[96];

		if (word != NULL && !begins_with_word(cmd->name, word))
			continue;
		snprintf(left, sizeof(left), "%s %s", cmd->name, cmd->args);
		cs_buf_printf(out, "  %-30s%s%s\n", left,
			      strlen(left) < 30 ? " " : "\n                                 ", cmd->help);
	}
}

void
cs_ctl_help_exits(struct cs_buf *out)
{
	cs_buf_adds(out, "exit status:\n");
	for (const struct cs_ctl_exit_row *r = cs_ctl_exits; r->text != NULL; r++)
		cs_buf_printf(out, "  %d  %s\n", r->status, r->text);
}

/* ---- for bash */

static void
add_opt_words(const struct cs_ctl_opt *opts, struct cs_buf *out)
{
	for (; opts != NULL && opts->name != NULL; opts++)
		cs_buf_printf(out, " --%s", opts->name);
}

/* Is this the first command with its first word? */
static bool
is_first_of_word(int at)
{
	size_t n = strcspn(cs_ctl_commands[at]->name, " ");

	for (int i = 0; i < at; i++)
		if (strcspn(cs_ctl_commands[i]->name, " ") == n &&
		    strncmp(cs_ctl_commands[i]->name, cs_ctl_commands[at]->name, n) == 0)
			return false;
	return true;
}

/* "dlq)" with the second words of its commands. */
static void
add_second_words(int at, struct cs_buf *out)
{
	size_t n = strcspn(cs_ctl_commands[at]->name, " ");

	if (cs_ctl_commands[at]->name[n] == '\0' || !is_first_of_word(at))
		return;
	cs_buf_printf(out, "\t%.*s) words=\"", (int)n, cs_ctl_commands[at]->name);
	for (int i = at; cs_ctl_commands[i] != NULL; i++)
		if (strncmp(cs_ctl_commands[i]->name, cs_ctl_commands[at]->name, n + 1) == 0)
			cs_buf_printf(out, "%s%s", i > at ? " " : "", cs_ctl_commands[i]->name + n + 1);
	cs_buf_adds(out, "\" ;;\n");
}

void
cs_ctl_help_completion(struct cs_buf *out)
{
	cs_buf_adds(out,
		    "# bash completion for csrelay; made by `csrelay completion bash`\n"
		    "_csrelay()\n{\n"
		    "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words= global=\n"
		    "\tlocal one=${COMP_WORDS[1]} two=\"${COMP_WORDS[1]} ${COMP_WORDS[2]}\"\n"
		    "\tglobal=\"");
	add_opt_words(cs_ctl_global_opts, out);
	cs_buf_adds(out,
		    "\"\n\tcase $prev in\n"
		    "\t--*-file|--file|--config|--socket) COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n"
		    "\tesac\n"
		    "\tif [ \"$COMP_CWORD\" = 1 ]; then\n\t\twords=\"");
	for (int i = 0; cs_ctl_commands[i] != NULL; i++)
		if (is_first_of_word(i))
			cs_buf_printf(out, "%.*s ", (int)strcspn(cs_ctl_commands[i]->name, " "),
				      cs_ctl_commands[i]->name);
	cs_buf_adds(out, "\"\n\t\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\")); return\n\tfi\n"
	                 "\tif [ \"$COMP_CWORD\" = 2 ]; then\n\t\tcase $one in\n");
	for (int i = 0; cs_ctl_commands[i] != NULL; i++)
		add_second_words(i, out);
	cs_buf_adds(out, "\t\tesac\n\t\tif [ -n \"$words\" ]; then\n"
	                 "\t\t\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\")); return\n\t\tfi\n\tfi\n"
	                 "\tcase $two in\n");
	for (int i = 0; cs_ctl_commands[i] != NULL; i++) {
		bool two = strchr(cs_ctl_commands[i]->name, ' ') != NULL;

		cs_buf_printf(out, "\t\"%s\"%s) words=\"", cs_ctl_commands[i]->name, two ? "" : "*");
		add_opt_words(cs_ctl_commands[i]->opts, out);
		cs_buf_adds(out, "\" ;;\n");
	}
	cs_buf_adds(out, "\tesac\n"
	                 "\tcase $cur in\n"
	                 "\t-*) COMPREPLY=($(compgen -W \"$words $global\" -- \"$cur\")) ;;\n"
	                 "\t*) COMPREPLY=($(compgen -f -- \"$cur\")) ;;\n"
	                 "\tesac\n}\ncomplete -o filenames -F _csrelay csrelay\n");
}

/* ---- for the manual */

/* Words for mdoc: a line must not begin with a dot or quote, and a backslash is written \e. */
static void
add_mdoc(const char *text, struct cs_buf *out)
{
	bool start = true;

	for (; *text != '\0'; text++) {
		if (start && (*text == '.' || *text == '\''))
			cs_buf_adds(out, "\\&");
		if (*text == '\\')
			cs_buf_adds(out, "\\e");
		else if (*text == '\n')
			cs_buf_adds(out, "\n.Pp\n");
		else
			cs_buf_addc(out, *text);
		start = *text == '\n';
		if (*text == '.' && text[1] == ' ') { /* a sentence, a line */
			cs_buf_addc(out, '\n');
			start = true;
			text++;
		}
	}
	cs_buf_addc(out, '\n');
}

static void
add_mdoc_opts(const struct cs_ctl_opt *opts, struct cs_buf *out)
{
	if (opts == NULL)
		return;
	cs_buf_adds(out, ".Bl -tag -width Ds -compact\n");
	for (; opts->name != NULL; opts++) {
		cs_buf_printf(out, ".It Fl -%s%s%s\n", opts->name, opts->arg != NULL ? " Ar " : "",
			      opts->arg != NULL ? opts->arg : "");
		add_mdoc(opts->help, out);
	}
	cs_buf_adds(out, ".El\n");
}

void
cs_ctl_help_man(struct cs_buf *out)
{
	cs_buf_adds(out, ".Sh COMMANDS\n.Bl -tag -width Ds\n");
	for (int i = 0; cs_ctl_commands[i] != NULL; i++) {
		const struct cs_ctl_command *cmd = cs_ctl_commands[i];

		cs_buf_printf(out, ".It Cm %s%s%s\n", cmd->name, cmd->args[0] != '\0' ? " Ar " : "", cmd->args);
		add_mdoc(cmd->help, out);
		if (cmd->more != NULL) {
			cs_buf_adds(out, ".Pp\n");
			add_mdoc(cmd->more, out);
		}
		if (cmd->offline)
			cs_buf_printf(out, "%sReads the store when the daemon is down.\n",
				      cmd->more == NULL ? ".Pp\n" : "");
		add_mdoc_opts(cmd->opts, out);
	}
	cs_buf_adds(out, ".El\n.Sh OPTIONS OF ALL COMMANDS\n");
	add_mdoc_opts(cs_ctl_global_opts, out);
	cs_buf_adds(out, ".Sh EXIT STATUS\n.Bl -tag -width Ds -compact\n");
	for (const struct cs_ctl_exit_row *r = cs_ctl_exits; r->text != NULL; r++) {
		cs_buf_printf(out, ".It %d\n", r->status);
		add_mdoc(r->text, out);
	}
	cs_buf_adds(out, ".El\n");
}
