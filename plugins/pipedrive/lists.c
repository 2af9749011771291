/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lists.c - what the wizard lets the owner choose from, where a row of the manifest cannot say it: marketing channels, which are
 * the options of a deal field, and custom fields.
 */
#include <string.h>
#include "pipedrive.h"

static int32_t
emit_options(const struct csh *h, json_object *field)
{
	json_object *option;
	int32_t rc = CS_DONE;

	csh_each(i, option, csh_at(field, "/options"))
		if (rc == CS_DONE)
			rc = csh_emit_choice(h, csh_get(option, "/id"), csh_get(option, "/label"));
	return rc;
}

static int32_t
emit_field(const struct csh *h, json_object *field, int want_channels)
{
	if (want_channels)
		return strcmp(csh_get(field, "/field_code"), "channel") == 0 ? emit_options(h, field) : CS_DONE;
	return strcmp(csh_get(field, "/is_custom_field"), "true") == 0
	    ? csh_emit_choice(h, csh_get(field, "/field_code"), csh_get(field, "/field_name")) : CS_DONE;
}

int32_t
pipedrive_choices(const struct csh *h, const char *list)
{
	int want_channels = strcmp(list, "channels") == 0, of_persons = strcmp(list, "person_fields") == 0;
	struct csh_pages pages = { .step = "find", .path = of_persons ? V2 "/personFields" : V2 "/dealFields", .query = "limit=500",
		.items = "/data", .next = "/additional_data/next_cursor", .next_param = "cursor", .max = 10 };
	json_object *field;
	int32_t rc = CS_DONE;

	if (!want_channels && !of_persons && strcmp(list, "deal_fields") != 0)
		return CS_UNSUPPORTED;
	while (rc == CS_DONE && csh_next_page(h, &pages))
		csh_each(i, field, csh_at(pages.answer, "/data"))
			if (rc == CS_DONE)
				rc = emit_field(h, field, want_channels);
	csh_pages_end(&pages);
	return rc != CS_DONE ? rc : pages.rc;
}
