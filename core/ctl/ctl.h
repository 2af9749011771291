/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl.h - the command line `csrelay`: what its commands share.
 *
 * Each command is one file that defines one struct cs_ctl_command (or a family of them: "dlq list", "dlq
 * show"); commands.c lists them. Usage, help, bash completion and the command list of csrelay(8) are made
 * from these rows, so a command is documented by being there. A command asks the daemon through link.h,
 * prints through table.h and text.h, and returns an exit status of enum cs_ctl_exit. One process, one
 * command, one thread; what a command allocates in c->mem goes with the process.
 */
#ifndef CS_CTL_CTL_H
#define CS_CTL_CTL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "util/err.h"
#include "util/json.h"
#include "util/mem.h"

/* Stable: scripts look at them. exits.c says the same in words for help and manual. */
enum cs_ctl_exit {
	CS_CTL_OK = 0,
	CS_CTL_FAILED = 1,      /* it ran, and the answer is no: not delivered, findings, faults */
	CS_CTL_USAGE = 2,
	CS_CTL_UNREACHABLE = 3, /* no daemon there */
	CS_CTL_NOT_FOUND = 4,
	CS_CTL_REFUSED = 5,     /* the daemon will not do that: not allowed, not now, not like this */
	CS_CTL_TROUBLE = 6,     /* the daemon, the disk or this program had a fault; trying again may help */
};
struct cs_ctl_exit_row {
	int status;
	const char *text;
};
extern const struct cs_ctl_exit_row cs_ctl_exits[]; /* ends with a NULL text */

struct cs_ctl_opt {
	const char *name; /* without "--" */
	const char *arg;  /* what its value is called; NULL: a switch */
	const char *help;
};

struct cs_ctl;
struct cs_ctl_command {
	const char *name;              /* "dlq list" */
	const char *args;              /* positional ones as usage shows them; "" for none */
	const char *help;              /* one line */
	const char *more;              /* for `csrelay help` and the manual: what one has to know; NULL */
	int min, max;                  /* positional arguments; max -1: any number */
	const struct cs_ctl_opt *opts; /* ends with a NULL name; NULL: none of its own */
	bool offline;                  /* reads the store when the daemon is down */
	bool raw;                      /* parses its arguments itself */
	int (*run)(struct cs_ctl *c);
};
extern const struct cs_ctl_command *const cs_ctl_commands[]; /* ends with NULL */
extern const struct cs_ctl_opt cs_ctl_global_opts[];         /* ends with a NULL name */

#define CS_CTL_OPTS_MAX 24
struct cs_ctl_args {
	struct {
		const char *name, *value; /* value "" for a switch */
	} opts[CS_CTL_OPTS_MAX];
	int n_opts;
	char **pos; /* positional arguments */
	int n_pos;
};

struct cs_ctl {
	const struct cs_ctl_command *cmd;
	struct cs_ctl_args args;
	int argc;           /* of a raw command: argv[0] is its name */
	char **argv;
	bool json;
	bool terminal;      /* stdout is one */
	bool colour;
	int width;          /* columns of the terminal; 0: not one, nothing is cut */
	int64_t now_ms;     /* when the program started */
	struct cs_arena mem;
	struct cs_ctl_link *link; /* made when it is first needed: link.h */
};

/* The whole program. */
int cs_ctl_main(int argc, char **argv);

/* ---- arguments */
/* NULL when the option was not given; "" for a switch that was. */
const char *cs_ctl_opt(const struct cs_ctl *c, const char *name);
bool cs_ctl_has(const struct cs_ctl *c, const char *name);
/* An option's value as a number from min to max; dflt when it was not given. False: told on stderr. */
bool cs_ctl_opt_int(const struct cs_ctl *c, const char *name, int64_t min, int64_t max, int64_t dflt,
		    int64_t *out);
/*
 * Sort argv into options (of `own` and the global ones) and positional arguments; "--" ends the options.
 * `pos` has room for argc. 0 or CS_EINVAL with a sentence for the user.
 */
int cs_ctl_args_parse(struct cs_ctl_args *a, const struct cs_ctl_opt *own, int argc, char **argv, char **pos,
                      struct cs_err *err);
/* The command named by the first one or two words; *words says how many. NULL: unknown. */
const struct cs_ctl_command *cs_ctl_command_find(int argc, char **argv, int *words);

/* ---- telling */
/* "csrelay: ..." on stderr; returns `status`. */
int cs_ctl_fail(int status, const char *fmt, ...) CS_PRINTF_LIKE(2, 3);
/* The same from an error, with its hint. */
int cs_ctl_fail_err(int status, const struct cs_err *err);
/* "csrelay: ..." on stderr, the usage of the command behind it; returns CS_CTL_USAGE. */
int cs_ctl_usage(const struct cs_ctl_command *cmd, const char *fmt, ...) CS_PRINTF_LIKE(2, 3);
/* JSON on one line to stdout. */
void cs_ctl_print_json(const json_object *o);
/* Flush stdout: CS_CTL_TROUBLE when what was printed could not be written, else `status`. */
int cs_ctl_finish(int status);

#endif
