/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay.h - how far a replay is, told once or until it is through.
 */
#ifndef CS_CTL_REPLAY_H
#define CS_CTL_REPLAY_H

#include "ctl/ctl.h"

/* Watch replay `id`. With `wait` until nothing waits any more: CS_CTL_FAILED when dead letters remained. */
int cs_ctl_replay_watch(struct cs_ctl *c, int64_t id, bool wait);
/* An argument as the id of a replay; false: told. */
bool cs_ctl_replay_id(const struct cs_ctl *c, int64_t *id);

#endif
