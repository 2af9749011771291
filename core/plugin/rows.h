/* SPDX-License-Identifier: Apache-2.0 */
/* rows.h - a manifest while it is being read. Private to core/plugin. */
#ifndef CS_PLUGIN_ROWS_H
#define CS_PLUGIN_ROWS_H

#include "plugin/fields.h"
#include "plugin/manifest.h"

struct cs_setup_row {
	const char *text, *link;
};

/* The manifest, and beside it what is only checked or has another form in the file. */
struct cs_draft {
	struct cs_manifest m;
	int64_t format, reply_status, tolerance_s;
	const char *schema, *logo, *identify_step;
	struct cs_setup_row *setup;
	size_t n_setup;
	struct cs_pair *headers, *query, *json, *form, *status;
	size_t n_headers, n_query, n_json, n_form, n_status;
	int scope, timestamp_unit, retry_after_unit; /* scope 1: app; units 0: s, 1: ms */
	int challenge_method, challenge_reply;
};

extern const struct cs_field cs_manifest_fields[]; /* of a struct cs_draft */

#endif
