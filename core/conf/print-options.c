/* SPDX-License-Identifier: Apache-2.0 */
/*
 * print-options.c - the option list of csrelay.conf(5) on standard output; `make update-options-man` puts it into the page.
 */
#include <stdio.h>
#include "conf/dump.h"

int
main(void)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf out = CS_BUF_INIT(0);

	cs_conf_print_man(&out);
	return fputs(cs_buf_str(&out), stdout) < 0;
}
