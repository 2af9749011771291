/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - csrelay-plugin-check: try a plugin against its conversations.
 *
 *   csrelay-plugin-check PLUGIN [DIR]
 *
 * PLUGIN is the path of NAME.so, with NAME.json beside it. DIR holds the conversations (default:
 * "conversations" beside them).
 * Exit status: 0 all good, 1 faults were printed, 2 the plugin or the folder could not be read.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "check/conversation.h"

#define HANG_S 120

int
main(int argc, char **argv)
{
	struct cs_check_plugin p = { 0 };
	struct cs_check_count count = { 0 };
	struct cs_err err = { 0 };
	char dir[PATH_MAX], name[128], conversations[PATH_MAX + 32];
	const char *slash, *file;

	if (argc < 2 || argc > 3 || strlen(argv[1]) < 4 ||
	    strcmp(argv[1] + strlen(argv[1]) - 3, ".so") != 0) {
		fprintf(stderr, "usage: csrelay-plugin-check NAME.so [CONVERSATIONS]\n");
		return 2;
	}
	slash = strrchr(argv[1], '/');
	file = slash ? slash + 1 : argv[1];
	snprintf(dir, sizeof(dir), "%.*s", slash ? (int)(slash - argv[1]) : 1, slash ? argv[1] : ".");
	snprintf(name, sizeof(name), "%.*s", (int)strlen(file) - 3, file);
	snprintf(conversations, sizeof(conversations), "%s/conversations", dir);
	alarm(HANG_S); /* a plugin that hangs ends the check */
	if (cs_check_open(&p, dir, name, &err) != 0 ||
	    cs_check_dir(&p, argc > 2 ? argv[2] : conversations, stdout, &count, &err) != 0) {
		fprintf(stderr, "csrelay-plugin-check: %s\n", err.msg);
		cs_check_close(&p);
		return 2;
	}
	printf("%s: %d conversations, %d runs, %d faults\n", name, count.conversations, count.runs,
	    count.failures);
	cs_check_close(&p);
	return count.failures ? 1 : 0;
}
