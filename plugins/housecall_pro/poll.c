/* SPDX-License-Identifier: Apache-2.0 */
/*
 * poll.c - for accounts without webhooks: which leads were won or lost since the last look?
 *
 * GET /leads can be sorted by the time of the last change but does not tell that time. So the cursor is what the newest page
 * looked like: {"<lead id>": "<status>", ...} of the last 200 leads changed. We read from the newest on, report every lead that
 * is won or lost and was not so before, and stop at the first page that brings nothing new. Reporting twice is harmless: the
 * core drops an event whose dedupe it has seen.
 */
#include <string.h>
#include "housecall_pro.h"

#define REMEMBERED 200
#define MAX_PAGES 5

struct poll {
	const struct csh *h;
	json_object *before, *after; /* id -> status */
	const char *now;
};

/* 1: new or changed since the last look. */
static int
take(struct poll *p, json_object *lead, int32_t *rc)
{
	const char *id = csh_get(lead, "/id"), *status = csh_get(lead, "/status");
	json_object *was = NULL;

	if (!*id || json_object_object_get_ex(p->after, id, NULL))
		return 0;
	if (json_object_object_length(p->after) < REMEMBERED)
		csh_put(p->after, id, status);
	if (json_object_object_get_ex(p->before, id, &was) &&
	    strcmp(json_object_get_string(was), status) == 0)
		return 0;
	*rc = hcp_lead_closed(p->h, lead, p->now);
	return 1;
}

static int32_t
read_pages(struct poll *p)
{
	struct csh_pages pages = { .step = "find", .path = "/leads", .items = "/leads",
		.query = "sort_by=updated_at&sort_direction=desc&page_size=100",
		.page_param = "page", .total = "/total_pages", .max = p->before ? MAX_PAGES : 2 };
	int32_t rc = CS_DONE;
	int fresh = 1;

	while (rc == CS_DONE && fresh && csh_next_page(p->h, &pages)) {
		json_object *leads = csh_at(pages.answer, "/leads");

		fresh = 0;
		for (size_t i = 0; i < csh_count(leads) && rc == CS_DONE; i++)
			fresh |= take(p, json_object_array_get_idx(leads, i), &rc);
	}
	csh_pages_end(&pages);
	return rc != CS_DONE ? rc : pages.rc;
}

int32_t
hcp_poll(const struct csh *h, struct cs_bytes cursor)
{
	CSH_JSON before = csh_json_parse(cursor);
	CSH_JSON after = json_object_new_object();
	struct poll p = { h, before, after, csh_time(h, h->host->now_ms(h->call)) };
	int32_t rc = read_pages(&p);

	if (rc != CS_DONE)
		return rc;
	if (json_object_is_type(before, json_type_object)) { /* not seen this time: kept while there is room */
		json_object_object_foreach(before, id, status)
			if (json_object_object_length(after) < REMEMBERED &&
			    !json_object_object_get_ex(after, id, NULL))
				json_object_object_add(after, id, json_object_get(status));
	}
	h->host->cursor_put(h->call, csh_json_bytes(after));
	return CS_DONE;
}
