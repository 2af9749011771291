/* SPDX-License-Identifier: Apache-2.0 */
/*
 * offline.h - the same answers as the daemon's, read from its store by this process.
 *
 * The store is opened read-only, without its lock, so it does not matter whether a daemon runs.
 */
#ifndef CS_CTL_TALK_OFFLINE_H
#define CS_CTL_TALK_OFFLINE_H

#include "ctl/ctl.h"
#include "store/store.h"

/* The configured store, read-only. The caller closes it. */
int cs_ctl_store_open(struct cs_ctl *c, struct cs_store **out, struct cs_err *err);
/* Answer GET `path` (with its query). 0 and *out; CS_ENOTFOUND, CS_EINVAL, CS_EUNSUPPORTED for what only a
 * running daemon knows, or what the store said. */
int cs_ctl_offline_get(struct cs_ctl *c, const char *path, json_object **out, struct cs_err *err);

#endif
