/* SPDX-License-Identifier: Apache-2.0 */
/*
 * locate.c - where a plugin's files lie: installed side by side, or in a source and a build tree.
 */
#define _GNU_SOURCE
#include "plugin/manifest/locate.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "util/mem.h"

char *
cs_plugin_locate(const char *dirs, const char *name, const char *file)
{
	const char *end;

	for (const char *dir = dirs; *dir != '\0'; dir = *end == ':' ? end + 1 : end) {
		int n;

		end = strchrnul(dir, ':');
		n = (int)(end - dir);
		for (size_t i = 0; n > 0 && i < 3; i++) {
			char *path = i == 0 ? cs_xasprintf("%.*s/%s", n, dir, file)
			           : i == 1 ? cs_xasprintf("%.*s/%s/%s", n, dir, name, file)
			                    : cs_xasprintf("%.*s/%s/.libs/%s", n, dir, name, file);

			if (access(path, F_OK) == 0)
				return path;
			free(path);
		}
	}
	return NULL;
}
