/* SPDX-License-Identifier: Apache-2.0 */
/*
 * steps.h - running the steps of an endpoint; data.c says what each means.
 */
#ifndef CS_SANDBOX_STEPS_H
#define CS_SANDBOX_STEPS_H

#include "sandbox/crm/engine.h"

/* True: a step answered, the reply is filled. False: go on to the endpoint's answer. */
bool cs_sb_steps_run(struct cs_sb_scope *sc, json_object *steps, struct cs_sb_reply *reply);

#endif
