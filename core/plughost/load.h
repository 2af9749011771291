/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load.h - NAME.so becomes a descriptor, or a refusal that says path, field, expected and found.
 *
 * Knows nothing of manifests: whoever loads says which name and version it expects.
 */
#ifndef CS_PLUGHOST_LOAD_H
#define CS_PLUGHOST_LOAD_H

#include <stdbool.h>
#include <cs/plugin_v1.h>
#include "util/err.h"

struct cs_plugin {
	void *dl;
	struct cs_plugin_v1 v1; /* as large as this build knows it: what an older plugin lacks is NULL */
};

/*
 * The file and its folder (after links are resolved) belong to root or to us and nobody else may write to them. CS_EPERM
 * with err filled when not; CS_ENOTFOUND or CS_EIO when that cannot be told.
 */
int cs_path_trusted(const char *path, struct cs_err *err);
/* trust_all: without that check. `version` NULL: any. */
int cs_plugin_load(const char *path, const char *name, const char *version, bool trust_all, struct cs_plugin **out,
                   struct cs_err *err);
void cs_plugin_unload(struct cs_plugin *p); /* no call may be open; NULL is fine */

#endif
