/* SPDX-License-Identifier: Apache-2.0 */
/*
 * print-commands.c - the commands, options and exit statuses for csrelay(8): see update-commands-man.
 */
#include "config.h"
#include "ctl/help.h"

int
main(void)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);

	cs_ctl_help_man(&b);
	return fputs(cs_buf_str(&b), stdout) < 0;
}
