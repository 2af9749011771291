/* SPDX-License-Identifier: Apache-2.0 */
/* settings.h - one value against its row, for connections and for defaults. Private to core/plugin. */
#ifndef CS_PLUGIN_SETTINGS_H
#define CS_PLUGIN_SETTINGS_H

#include "plugin/manifest/manifest.h"

extern const char *const cs_setting_types[]; /* names in the order of enum cs_setting_type; ends with NULL */
/* 0, or CS_EINVAL with what is allowed: "setting KEY: ..." */
int cs_setting_check(const struct cs_setting_row *row, const json_object *value, struct cs_err *err);

#endif
