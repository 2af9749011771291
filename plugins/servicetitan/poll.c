/* SPDX-License-Identifier: Apache-2.0 */
/*
 * poll.c - which bookings were converted or dismissed since the last look, and what became of the jobs?
 *
 * The cursor is {"since": time of the newest change seen, "jobs": {"<job id>": "<status>", ...}}: the jobs that bookings became and
 * that are not over. Bookings are read in the order of their changes, so a poll that ends in the middle goes on there. The time is
 * asked for inclusively, so the newest ones come again; the core drops events it has seen.
 */
#include <string.h>
#include "servicetitan.h"

#define PAGES_MAX 5
#define JOBS_MAX 200  /* followed at a time */
#define TOGETHER 50   /* ids in one question */

struct poll {
	const struct csh *h;
	const char *now, *since;
	json_object *jobs, *still; /* before and after: id -> status */
};

static int32_t
booking_event(struct poll *p, json_object *b)
{
	const struct csh *h = p->h;
	int converted = csh_same_text(csh_get(b, "/status"), "Converted");
	const char *name = converted ? "lead.converted" : "lead.lost", *job = csh_get(b, "/jobId"), *id = csh_get(b, "/id");
	CSH_JSON e = NULL;

	if (!*id || (!converted && !csh_same_text(csh_get(b, "/status"), "Dismissed")))
		return CS_DONE;
	e = csh_event(name, csh_get_or(b, "/modifiedOn", p->now), csh_printf(h, "%s:%s:%s", name, id, job));
	csh_event_record(e, "booking", id);
	csh_event_match(e, "marker", csh_get(b, "/externalId"));
	if (converted && *job) {
		csh_event_also(e, "job", job);
		if (!json_object_object_get_ex(p->jobs, job, NULL) && json_object_object_length(p->jobs) < JOBS_MAX)
			json_object_object_add(p->jobs, job, json_object_new_string(""));
	}
	csh_put(csh_event_job(e), "status", csh_get(b, "/status"));
	return csh_emit(h, e);
}

static int32_t
read_bookings(struct poll *p)
{
	const struct csh *h = p->h;
	struct st_pages pages = { .path = st_bookings_path(h), .max = PAGES_MAX,
		.query = csh_printf(h, "modifiedOnOrAfter=%s&pageSize=200&sort=%%2BModifiedOn", csh_url(h, p->since)) };
	const char *newest = p->since;
	json_object *row;
	int32_t rc = CS_DONE;

	while (rc == CS_DONE && st_next_page(h, &pages))
		csh_each(i, row, csh_at(pages.answer, "/data")) {
			if (rc == CS_DONE)
				rc = booking_event(p, row);
			if (strcmp(csh_get(row, "/modifiedOn"), newest) > 0)
				newest = csh_printf(h, "%s", csh_get(row, "/modifiedOn"));
		}
	st_pages_end(&pages);
	p->since = newest;
	return rc != CS_DONE ? rc : pages.rc;
}

static int32_t
read_some_jobs(struct poll *p, const char *ids)
{
	const struct csh *h = p->h;
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	json_object *job;
	int32_t rc = csh_read(h, "find", NULL, st_path(h, "jpm", "jobs"), csh_printf(h, "ids=%s&page=1&pageSize=50", csh_url(h, ids)), &res, &answer);

	if (rc == CS_DONE && res.status >= 300)
		rc = st_refused(h, &res, "the jobs could not be read");
	if (rc == CS_DONE)
		rc = csh_need_list(h, answer, "/data");
	csh_each(i, job, csh_at(answer, "/data")) {
		const char *id = csh_get(job, "/id"), *pointer = csh_printf(h, "/%s", id);

		if (rc != CS_DONE || !csh_is_digits(id) || !json_object_object_get_ex(p->jobs, id, NULL))
			continue;
		rc = st_job_event(h, job, p->now, csh_get(p->jobs, pointer));
		if (!st_job_is_over(job))
			csh_put(p->still, id, csh_get(job, "/jobStatus"));
	}
	return rc;
}

/* Fifty at a time; what is over or gone is followed no longer. */
static int32_t
read_jobs(struct poll *p)
{
	struct csh_str ids = CSH_STR(p->h);
	int n = 0;
	int32_t rc = CS_DONE;

	json_object_object_foreach(p->jobs, id, status) {
		(void)status;
		csh_adds(&ids, ids.len ? "," : "");
		csh_adds(&ids, id);
		if (++n < TOGETHER)
			continue;
		if ((rc = read_some_jobs(p, csh_text(&ids))) != CS_DONE)
			return rc;
		ids = (struct csh_str)CSH_STR(p->h);
		n = 0;
	}
	return n > 0 ? read_some_jobs(p, csh_text(&ids)) : CS_DONE;
}

/* The first time: from now on. */
static void
read_cursor(struct poll *p, struct cs_bytes text)
{
	CSH_JSON o = csh_json_parse(text);
	json_object *jobs = csh_at(o, "/jobs");

	p->since = csh_printf(p->h, "%s", csh_get_or(o, "/since", p->now));
	if (!json_object_is_type(jobs, json_type_object))
		return;
	json_object_object_foreach(jobs, id, status)
		if (csh_is_digits(id) && json_object_object_length(p->jobs) < JOBS_MAX)
			json_object_object_add(p->jobs, id, json_object_get(status));
}

int32_t
st_poll(const struct csh *h, struct cs_bytes cursor)
{
	CSH_JSON jobs = json_object_new_object();
	CSH_JSON still = json_object_new_object();
	CSH_JSON after = json_object_new_object();
	struct poll p = { h, csh_time(h, h->host->now_ms(h->call)), "", jobs, still };
	int32_t rc;

	read_cursor(&p, cursor);
	if ((rc = read_bookings(&p)) != CS_DONE || (rc = read_jobs(&p)) != CS_DONE)
		return rc;
	csh_put(after, "since", p.since);
	json_object_object_add(after, "jobs", json_object_get(still));
	h->host->cursor_put(h->call, csh_json_bytes(after));
	return CS_DONE;
}
