/* SPDX-License-Identifier: Apache-2.0 */
/*
 * poll.c - for accounts without rules: what became of the leads and jobs of the last two weeks?
 *
 * The cursor is the status of each, as csh_news keeps it. A status that setting statuses does not know is no event. Payments are
 * told by webhooks only.
 */
#include <string.h>
#include "workiz.h"

#define LOOK_BACK_MS (INT64_C(14) * 86400000)
#define PAGES 3
#define REMEMBERED 600

static int32_t
take(const struct csh *h, struct csh_news *news, const char *list, json_object *row, const char *now)
{
	const char *id = csh_get(row, "/UUID"), *status = csh_get(row, "/Status"), *name = workiz_event_of_status(h, status);
	CSH_JSON event = NULL;

	if (!*id || !csh_news_take(news, csh_printf(h, "%s/%s", list, id), status) || strncmp(name, list, strlen(list)) != 0)
		return CS_DONE;
	event = workiz_event(h, name, list, row, now);
	return csh_emit(h, event);
}

static int32_t
read_list(const struct csh *h, struct csh_news *news, const char *list)
{
	int64_t now_ms = h->host->now_ms(h->call);
	struct workiz_scan scan = { .step = "find", .list = list, .max = PAGES, .since_ms = now_ms - LOOK_BACK_MS };
	json_object *row;
	int32_t rc = CS_DONE;

	while (rc == CS_DONE && workiz_next_page(h, &scan))
		csh_each(i, row, scan.rows)
			if (rc == CS_DONE)
				rc = take(h, news, list, row, csh_time(h, now_ms));
	workiz_scan_end(&scan);
	return rc != CS_DONE ? rc : scan.rc;
}

int32_t
workiz_poll(const struct csh *h, struct cs_bytes cursor)
{
	struct csh_news news = csh_news_since(cursor, REMEMBERED);
	int32_t rc = read_list(h, &news, "lead");

	if (rc == CS_DONE)
		rc = read_list(h, &news, "job");
	return csh_news_end(h, &news, rc);
}
