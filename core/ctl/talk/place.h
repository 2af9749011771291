/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place.h - where the daemon listens and keeps its store, as its configuration says.
 *
 * A handful of options is looked up in csrelay.conf by themselves, so that the command line works for people
 * who may not read the secrets, and at the very moment when a half-edited file no longer loads. What is not
 * in there has the default of the option table.
 */
#ifndef CS_CTL_TALK_PLACE_H
#define CS_CTL_TALK_PLACE_H

#include "ctl/ctl.h"

/* --config, or the installed file. */
const char *cs_ctl_conf_path(const struct cs_ctl *c);
/*
 * A text option ("listen.control") of that file. *out lives in the arena. 0; CS_EIO when a file named by
 * --config cannot be read (a missing default file counts as empty), CS_EINVAL when it is no configuration.
 */
int cs_ctl_place(struct cs_ctl *c, const char *option, const char **out, struct cs_err *err);

/* vault.key_file, or where the key is when that is not set: beside the configuration. *out lives in the arena. */
int cs_ctl_key_file(struct cs_ctl *c, const char **out, struct cs_err *err);

#endif
