/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - csrelay.
 */
#include "ctl/ctl.h"

int
main(int argc, char **argv)
{
	return cs_ctl_main(argc, argv);
}
