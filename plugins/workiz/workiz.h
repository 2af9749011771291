/* SPDX-License-Identifier: Apache-2.0 */
/*
 * workiz.h - what the plugin's files share. map.c makes the document, push.c brings it in, scan.c reads Workiz's lists,
 * webhook.c and poll.c report what became of leads.
 *
 * The document: {"lead": the body of /lead/create/ as for an unknown caller, "assign": {"User": full name}}, or "job" and the body of
 * /job/create/ in place of "lead". The secret is placed by the manifest. Without "assign" nobody is assigned.
 *
 * Workiz says no in three ways: by status, by {"flag": false, "msg": ...} inside of 200, by {"error": true, ...}. Its numbers
 * come as texts and the reverse, which csh_get levels out.
 */
#ifndef WORKIZ_H
#define WORKIZ_H

#include <cs/helpers.h>

int32_t workiz_map(void *inst, struct cs_call *call, const struct cs_map_in *in);
int32_t workiz_push(void *inst, struct cs_call *call, const struct cs_delivery *d);
int32_t workiz_hook(void *inst, struct cs_call *call, const struct cs_webhook *w);

/* Is it a yes? CS_DONE, or fail() with what Workiz says. What has neither flag nor error passes: the caller needs its data. */
int32_t workiz_judge(const struct csh *h, const struct cs_http_res *res, json_object *answer, const char *what);

int32_t workiz_identify(const struct csh *h);
int32_t workiz_fetch(const struct csh *h, const char *what);
int32_t workiz_poll(const struct csh *h, struct cs_bytes cursor);

/*
 * Page after page of /lead/all/ or /job/all/, newest first, closed ones too. Fill in list ("lead", "job"), since_ms and max
 * (pages of 100), then as with csh_next_page; rows is the page's list.
 */
struct workiz_scan {
	const char *step, *looks_for, *list;
	int64_t since_ms;
	int max;
	json_object *rows; /* borrowed */
	int32_t rc;
	int more;          /* ended by max: there is more */
	int is_odd;        /* the last page was a bare empty list where none was before: probably, but not surely, there are no more */
	/* scan.c's own */
	json_object *answer, *seen;
	int pages, by_records, is_last, was_bare;
};
int workiz_next_page(const struct csh *h, struct workiz_scan *s);
void workiz_scan_end(struct workiz_scan *s);

/* The event that a status stands for (setting statuses); "". */
const char *workiz_event_of_status(const struct csh *h, const char *status);
/* An event about a lead, job or invoice in either spelling (UUID, uuid); new. */
json_object *workiz_event(const struct csh *h, const char *name, const char *type, json_object *record, const char *at);

#endif
