/* SPDX-License-Identifier: Apache-2.0 */
/*
 * poll.c - beside or in place of webhooks, whose messages are lost while Pipedrive bans an address: which deals changed since the
 * last look? Leads that were archived are told by webhooks only.
 *
 * The cursor is {"since": time of the newest change seen}. What is told again is dropped by its dedupe.
 */
#include <string.h>
#include "pipedrive.h"

#define FIRST_LOOK_MS (INT64_C(3600) * 1000)

int32_t
pipedrive_poll(const struct csh *h, struct cs_bytes cursor)
{
	CSH_JSON before = csh_json_parse(cursor);
	CSH_JSON after = json_object_new_object();
	const char *since = csh_get_or(before, "/since", csh_time(h, h->host->now_ms(h->call) - FIRST_LOOK_MS)), *newest = since;
	struct csh_pages pages = { .step = "find", .path = V2 "/deals", .items = "/data", .next = "/additional_data/next_cursor",
		.next_param = "cursor", .max = 10 };
	json_object *deal;
	int32_t rc = CS_DONE;

	pages.query = csh_printf(h, "updated_since=%s&sort_by=update_time&sort_direction=asc&limit=100", csh_url(h, since));
	while (rc == CS_DONE && csh_next_page(h, &pages))
		csh_each(i, deal, csh_at(pages.answer, "/data")) {
			const char *at = csh_get(deal, "/update_time");

			if (rc == CS_DONE)
				rc = pipedrive_tell_deal(h, deal, at);
			if (strcmp(at, newest) > 0)
				newest = csh_printf(h, "%s", at);
		}
	csh_pages_end(&pages);
	if (rc != CS_DONE || pages.rc != CS_DONE)
		return rc != CS_DONE ? rc : pages.rc;
	csh_put(after, "since", newest);
	h->host->cursor_put(h->call, csh_json_bytes(after));
	return CS_DONE;
}
