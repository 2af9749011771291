/* SPDX-License-Identifier: Apache-2.0 */
/*
 * servicetitan.h - what the plugin's files share. map.c makes the document, push.c brings it in with customer.c, lists.c serves the
 * wizard and says who is connected, poll.c and job.c tell what became of it, api.c holds paths and refusals.
 *
 * The document is the body of the booking provider's POST bookings (CreateBookingRequest), or of POST leads (LeadCreateRequest), as
 * the setting `record` says.
 */
#ifndef SERVICETITAN_H
#define SERVICETITAN_H

#include <cs/helpers.h>

int32_t st_map(void *inst, struct cs_call *call, const struct cs_map_in *in);
int32_t st_push(void *inst, struct cs_call *call, const struct cs_delivery *d);
int32_t st_webhook(void *inst, struct cs_call *call, const struct cs_webhook *w);
int32_t st_poll(const struct csh *h, struct cs_bytes cursor);

/* customer.c: *id: whose contacts have the caller's number; "" when nobody's do, or when it is not to be looked up. */
int32_t st_customer(const struct csh *h, const struct cs_lead_contact *caller, const char **id);

int32_t st_identify(const struct csh *h);
int32_t st_choices(const struct csh *h, const char *list);
int32_t st_fetch(const struct csh *h, const char *what);

/* job.c: an event for the state that this job is in now; the words of the last state told are left out. */
int32_t st_job_event(const struct csh *h, json_object *job, const char *at, const char *last_status);
int st_job_is_over(json_object *job);

/* "/crm/v2/tenant/1122334455/" + rest */
const char *st_path(const struct csh *h, const char *module, const char *rest);
const char *st_bookings_path(const struct csh *h);
const char *st_leads_path(const struct csh *h);
int st_makes_leads(const struct csh *h); /* setting record */
/* CS_DONE, or fails with what must be chosen before anything can be made. */
int32_t st_ready(const struct csh *h);
/* A refusal: a tenant or scope that is missing needs the owner, everything else is a dead letter. */
int32_t st_refused(const struct csh *h, const struct cs_http_res *res, const char *what);

/*
 * Page after page of a list with page, pageSize and hasMore, as in csh_pages. Fill in path, query (without page) and max.
 *
 *     while (st_next_page(h, &p))
 *             ... csh_at(p.answer, "/data") ...
 *     if (p.rc != CS_DONE) return p.rc;
 */
struct st_pages {
	const char *path, *query, *looks_for;
	int max, page;
	int more;            /* ended by max: there is more */
	json_object *answer; /* the loop's */
	int32_t rc;
};
int st_next_page(const struct csh *h, struct st_pages *p);
void st_pages_end(struct st_pages *p);

#endif
