/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load.h - csrelay.conf and crm.d/NAME.conf beside it, read whole or not at all.
 */
#ifndef CS_CONF_LOAD_H
#define CS_CONF_LOAD_H

#include "conf/conf.h"

/*
 * Read `main_file` and every crm.d/NAME.conf in its folder. 0 and *out (one reference, cs_conf_unref), or a negative CS_E* and
 * every fault that was found added to errs; then *out is NULL. Runs at start, at SIGHUP and for `csrelay config check`.
 */
int cs_conf_load(const char *main_file, struct cs_conf **out, struct cs_conf_errors *errs);

/* The names of options that differ and need a restart, one a line, appended to out; returns how many. */
size_t cs_conf_needs_restart(const struct cs_conf *old, const struct cs_conf *fresh, struct cs_buf *out);

#endif
