/* SPDX-License-Identifier: Apache-2.0 */
/*
 * patch.h - the merge patch that `dlq fix` sends, made from what a person types. Pure.
 */
#ifndef CS_CTL_PATCH_H
#define CS_CTL_PATCH_H

#include "ctl/ctl.h"

/*
 * Each word is contact.phone=+13055550182 (a text), call.duration_seconds:=142 (JSON: a number, true, null,
 * ...) or a whole JSON object; later ones are laid over earlier ones. 0 and *out, or CS_EINVAL.
 */
int cs_ctl_patch_read(char *const *words, int n, json_object **out, struct cs_err *err);

#endif
