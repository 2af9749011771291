/*
 * rest.c - an example: a CRM with a JSON API of the usual kind.
 *
 * It shows steps and receipts, doubt and how it is settled, a caller who is remembered, a duplicate that the CRM finds, rate
 * limits that it reports, and a list of choices. See rest.h for who does what.
 */
#include <string.h>
#include "rest.h"

/* Owners, for the setting of that name. */
int32_t
rest_choices(const struct csh *h, const char *list)
{
	struct csh_pages pages = { .step = "find", .path = "/owners", .items = "/owners", .next = "/next", .next_param = "after",
		.max = 20 };
	int32_t rc = CS_DONE;

	if (strcmp(list, "owners") != 0)
		return CS_UNSUPPORTED;
	while (rc == CS_DONE && csh_next_page(h, &pages)) {
		json_object *rows = csh_at(pages.answer, "/owners");

		for (size_t i = 0; i < csh_count(rows) && rc == CS_DONE; i++) {
			json_object *row = json_object_array_get_idx(rows, i);
			CSH_JSON item = json_object_new_object();

			csh_put(item, "value", csh_get(row, "/id"));
			csh_put(item, "label", csh_get(row, "/name"));
			if (*csh_get(row, "/id"))
				rc = csh_emit(h, item);
		}
	}
	csh_pages_end(&pages);
	return rc != CS_DONE ? rc : pages.rc;
}

CS_PLUGIN_V1(.name = "rest", .version = "1.0.0", .map = rest_map, .push = rest_push)
