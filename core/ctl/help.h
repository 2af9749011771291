/* SPDX-License-Identifier: Apache-2.0 */
/*
 * help.h - usage, completion and the manual's command list, all made from the table of commands.
 */
#ifndef CS_CTL_HELP_H
#define CS_CTL_HELP_H

#include "ctl/ctl.h"

/* "usage: csrelay dlq fix ID NAME=VALUE... [--note TEXT]" */
void cs_ctl_help_usage(const struct cs_ctl_command *cmd, struct cs_buf *out);
/* Everything about one command. */
void cs_ctl_help_command(const struct cs_ctl_command *cmd, struct cs_buf *out);
/* All commands, one line each; with `word` only those whose name begins with that word ("dlq"). */
void cs_ctl_help_list(const char *word, struct cs_buf *out);
void cs_ctl_help_exits(struct cs_buf *out);
/* A bash completion script. */
void cs_ctl_help_completion(struct cs_buf *out);
/* The commands, global options and exit statuses in mdoc, for csrelay(8). */
void cs_ctl_help_man(struct cs_buf *out);

#endif
