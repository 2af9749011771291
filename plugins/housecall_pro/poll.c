/* SPDX-License-Identifier: Apache-2.0 */
/*
 * poll.c - for accounts without webhooks: which leads were won or lost since the last look?
 *
 * GET /leads can be sorted by the time of the last change but does not tell that time. So the cursor is the status of the last
 * 200 leads changed (csh_news). We read from the newest on, report every lead that is won or lost and was not so before, and
 * stop at the first page that brings nothing new.
 */
#include <string.h>
#include "housecall_pro.h"

#define REMEMBERED 200
#define MAX_PAGES 5

/* 1: new or changed since the last look. */
static int
take(const struct csh *h, struct csh_news *news, json_object *lead, int32_t *rc)
{
	const char *id = csh_get(lead, "/id");

	if (!*id || !csh_news_take(news, id, csh_get(lead, "/status")))
		return 0;
	*rc = hcp_lead_closed(h, lead, csh_time(h, h->host->now_ms(h->call)));
	return 1;
}

int32_t
hcp_poll(const struct csh *h, struct cs_bytes cursor)
{
	struct csh_news news = csh_news_since(cursor, REMEMBERED);
	struct csh_pages pages = { .step = "find", .path = "/leads", .items = "/leads",
		.query = "sort_by=updated_at&sort_direction=desc&page_size=100",
		.page_param = "page", .total = "/total_pages", .refused = hcp_refused, .max = news.before ? MAX_PAGES : 2 };
	json_object *lead;
	int32_t rc = CS_DONE;
	int fresh = 1;

	while (rc == CS_DONE && fresh && csh_next_page(h, &pages)) {
		fresh = 0;
		csh_each(i, lead, csh_at(pages.answer, "/leads"))
			if (rc == CS_DONE)
				fresh |= take(h, &news, lead, &rc);
	}
	csh_pages_end(&pages);
	return csh_news_end(h, &news, rc != CS_DONE ? rc : pages.rc);
}
