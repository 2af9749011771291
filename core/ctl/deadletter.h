/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deadletter.h - the changes that act on one dead letter: the same request, the same answer, told the same way.
 */
#ifndef CS_CTL_DEADLETTER_H
#define CS_CTL_DEADLETTER_H

#include "ctl/ctl.h"

/* POST /v1/dead-letters/{first argument}/{verb} with this body (consumed; NULL: none), and say what became of
 * it. */
int cs_ctl_dead_letter(struct cs_ctl *c, const char *verb, json_object *body);
/* {"note": --note}, or an empty object. */
json_object *cs_ctl_note(const struct cs_ctl *c);

#endif
