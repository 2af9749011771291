/* SPDX-License-Identifier: Apache-2.0 */
/* check_manifest.c - the core's reader on the files that are named: one line each, exit 1 if it refuses any. */
#include "config.h"
#include "plugin/manifest/manifest.h"

#include <stdio.h>

int
main(int argc, char **argv)
{
	int refused = 0;

	for (int i = 1; i < argc; i++) {
		struct cs_manifest *m = NULL;
		struct cs_err err = { 0 };

		if (cs_manifest_read(argv[i], &m, &err) == 0)
			printf("%s: ok\n", argv[i]);
		else
			printf("%s%s%s\n", err.msg, err.hint[0] != '\0' ? " - " : "", err.hint);
		refused += m == NULL;
		cs_manifest_unref(m);
	}
	return refused == 0 ? 0 : 1;
}
