/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandboxd.c - `csrelay sandbox` alone, for tests that want it as a process of its own.
 */
#include "config.h"

#include "sandbox/sandbox.h"

int
main(int argc, char **argv)
{
	return cs_sandbox_main(argc, argv);
}
