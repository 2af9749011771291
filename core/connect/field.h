/* SPDX-License-Identifier: Apache-2.0 */
/*
 * field.h - a setting of the manifest as a field of a form, and what was entered as a value.
 */
#ifndef CS_CONNECT_FIELD_H
#define CS_CONNECT_FIELD_H

#include "connect/visit.h"

/* What holds now: defaults, below what the operator says for all, below the connection's own. A new object; the caller's. */
json_object *cs_field_effective(struct cs_visit *v);
/* May the owner see and set it here? Without the advanced ones. */
bool cs_field_is_shown(const struct cs_setting_row *r);
/* Must the owner say it before the CRM can be asked anything? Not where there is a default, or the operator has said it. */
bool cs_field_is_needed_first(struct cs_visit *v, const struct cs_setting_row *r);

/* value: NULL for none; items: [{value,label}] that may be chosen, NULL: not known; `parent`: other lists depend on it. */
void cs_field_put(struct cs_visit *v, struct cs_buf *b, const struct cs_setting_row *r, json_object *value, json_object *items, bool parent);
/* What the form has for it, in its type where that can be read; NULL: nothing. The caller's. */
json_object *cs_field_read(struct cs_visit *v, const struct cs_setting_row *r);
/*
 * Entered values that differ from what holds, as a merge patch: null takes one away. Of the settings that are shown, or (first) of those that
 * are needed first. NULL: none differs. The caller's.
 */
json_object *cs_field_patch(struct cs_visit *v, json_object *effective, bool first);

/* A secret: never filled in. stored: there is one already. */
void cs_field_put_secret(struct cs_visit *v, struct cs_buf *b, const struct cs_secret_row *r, bool required, bool stored);

#endif
