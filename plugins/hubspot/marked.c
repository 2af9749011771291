/* SPDX-License-Identifier: Apache-2.0 */
/*
 * marked.c - was it created? The contact's newest notes, deals or lead records are read one by one, until one has the marker.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "hubspot.h"

#define NEWEST 20

struct newest {
	int64_t ids[NEWEST]; /* descending; ids grow with time */
	size_t n;
};

static void
add_newest(struct newest *list, int64_t id)
{
	size_t i = list->n < NEWEST ? list->n++ : NEWEST - 1;

	if (i == NEWEST - 1 && list->ids[i] > id)
		return;
	for (; i > 0 && list->ids[i - 1] < id; i--)
		list->ids[i] = list->ids[i - 1];
	list->ids[i] = id;
}

static int32_t
newest_of(struct hubspot_push *p, const char *step, const char *objects, struct newest *list)
{
	struct csh_pages pages = { .step = step, .looks_for = step, .query = "limit=500", .items = "/results",
		.next = "/paging/next/after", .next_param = "after", .refused = hubspot_refused, .max = 20 };
	json_object *row;

	pages.path = csh_printf(&p->h, "/crm/v4/objects/contacts/%s/associations/%s", p->id, objects);
	while (csh_next_page(&p->h, &pages)) {
		csh_each(i, row, csh_at(pages.answer, "/results")) {
			const char *id = csh_get_or(row, "/toObjectId", csh_get(row, "/id"));

			add_newest(list, strtoll(id, NULL, 10));
		}
	}
	return pages.rc;
}

/* Is the text in this record? *answer: 1 or 0. What is no record is tried again: the marker may be in it. */
static int32_t
has_text(struct hubspot_push *p, const char *step, const char *path, const char *property, const char *text, int *answer)
{
	const struct csh *h = &p->h;
	const char *at = csh_printf(h, "/properties/%s", property);
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON record = NULL;
	json_object *there;
	int32_t rc = hubspot_read(h, step, NULL, path, csh_printf(h, "properties=%s", property), &res, &record);

	*answer = 0;
	if (rc != CS_DONE || res.status >= 300)
		return rc;
	there = csh_at(record, at);
	if (!csh_at(record, "/properties") || (there && !json_object_is_type(there, json_type_string)))
		return h->host->fail(h->call, CS_RETRY, "a record came without its text");
	*answer = strstr(csh_get(record, at), text) != NULL;
	return CS_DONE;
}

int32_t
hubspot_find_marked(struct hubspot_push *p, const char *step, const char *objects, const char *property, const char *text,
                    const char **id)
{
	const struct csh *h = &p->h;
	struct newest list = { .n = 0 };
	int32_t rc = newest_of(p, step, objects, &list);
	int found = 0;

	*id = "";
	for (size_t i = 0; i < list.n && rc == CS_DONE && !found; i++) {
		const char *one = csh_printf(h, "%" PRId64, list.ids[i]);

		rc = has_text(p, step, hubspot_path(h, csh_printf(h, "%s/", objects), one), property, text, &found);
		if (found)
			*id = one;
	}
	return rc;
}
