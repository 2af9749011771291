/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shape.h - what waits, by CRM, connection and age, as Postfix's qshape shows it. Pure.
 */
#ifndef CS_CTL_SHOW_SHAPE_H
#define CS_CTL_SHOW_SHAPE_H

#include "ctl/ctl.h"

/* From the answer of GET /v1/queue. */
void cs_ctl_shape_print(const struct cs_ctl *c, struct cs_arena *mem, json_object *queue, struct cs_buf *out);

#endif
