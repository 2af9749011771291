/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deliveries.h - a list of deliveries as a table: of all of them, or of the dead letters.
 */
#ifndef CS_CTL_SHOW_DELIVERIES_H
#define CS_CTL_SHOW_DELIVERIES_H

#include "ctl/ctl.h"

/* GET `path` with the filter of the options (and `state`, or NULL) and print what comes. `empty`: said when
 * nothing does. */
int cs_ctl_list_deliveries(struct cs_ctl *c, const char *path, const char *state, const char *empty);

#endif
