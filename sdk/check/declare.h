/* SPDX-License-Identifier: Apache-2.0 */
/* declare.h - what a plugin says about itself, for people and as JSON. */
#ifndef CS_CHECK_DECLARE_H
#define CS_CHECK_DECLARE_H

#include <stdio.h>
#include "check/duty.h"

void cs_declare_text(const struct cs_manifest *m, const struct cs_probe *probe, const struct cs_duties *duties, FILE *out);
json_object *cs_declare_json(const struct cs_manifest *m, const struct cs_probe *probe, const struct cs_duties *duties); /* new */

#endif
