/* SPDX-License-Identifier: Apache-2.0 */
/*
 * poll.c - which bookings and leads were converted or dismissed since the last look, and what became of the jobs?
 *
 * The cursor is {"since": time of the newest change seen, "leads": the same of leads, "jobs": {"<job id>": "<status>", ...}}: the jobs
 * that bookings became and that are not over. Changes are read in their order, so a poll that ends in the middle goes on there. The
 * time is asked for inclusively, so the newest ones come again; the core drops events it has seen.
 *
 * Leads are asked for where calls become leads. The tenant has others beside ours, which bear our marker; and a lead does not tell
 * which job it became, so its job is not followed.
 */
#include <string.h>
#include "servicetitan.h"

#define PAGES_MAX 5
#define JOBS_MAX 200  /* followed at a time */
#define TOGETHER 50   /* ids in one question */
#define UUID_LEN 36

struct poll {
	const struct csh *h;
	const char *now;
	json_object *jobs, *still; /* before and after: id -> status */
};

/* NULL: it is open still. */
static const char *
meaning(json_object *row)
{
	if (csh_same_text(csh_get(row, "/status"), "Converted"))
		return "lead.converted";
	return csh_same_text(csh_get(row, "/status"), "Dismissed") ? "lead.lost" : NULL;
}

/* New. job: "" or what it became. */
static json_object *
change(const struct poll *p, json_object *row, const char *type, const char *job, const char *marker)
{
	const char *name = meaning(row), *id = csh_get(row, "/id");
	json_object *e = csh_event(name, csh_get_or(row, "/modifiedOn", p->now), csh_printf(p->h, "%s:%s:%s", name, id, job));

	csh_event_record(e, type, id);
	csh_event_match(e, "marker", marker);
	csh_put(csh_event_job(e), "status", csh_get(row, "/status"));
	return e;
}

static int32_t
booking_event(struct poll *p, json_object *b)
{
	const char *job = csh_get(b, "/jobId");
	CSH_JSON e = change(p, b, "booking", job, csh_get(b, "/externalId"));

	if (*job && strcmp(meaning(b), "lead.converted") == 0) {
		csh_event_also(e, "job", job);
		if (!json_object_object_get_ex(p->jobs, job, NULL) && json_object_object_length(p->jobs) < JOBS_MAX)
			json_object_object_add(p->jobs, job, json_object_new_string(""));
	}
	return csh_emit(p->h, e);
}

static int32_t
lead_event(struct poll *p, json_object *lead)
{
	const char *mark = strstr(csh_get(lead, "/summary"), "CallSetter ");
	CSH_JSON e = NULL;

	while (mark && strspn(mark + strlen("CallSetter "), "0123456789abcdef-") < UUID_LEN) /* the first line, for one */
		mark = strstr(mark + 1, "CallSetter ");
	if (!mark)
		return CS_DONE; /* of somebody else */
	e = change(p, lead, "lead", "", csh_strndup(p->h, mark + strlen("CallSetter "), UUID_LEN));
	return csh_emit(p->h, e);
}

/* *since: of the newest change before, and then of the newest one read. */
static int32_t
read_changes(struct poll *p, const char *path, const char **since, int32_t (*tell)(struct poll *, json_object *))
{
	const struct csh *h = p->h;
	struct st_pages pages = { .path = path, .max = PAGES_MAX,
		.query = csh_printf(h, "modifiedOnOrAfter=%s&pageSize=200&sort=%%2BModifiedOn", csh_url(h, *since)) };
	const char *newest = *since;
	json_object *row;
	int32_t rc = CS_DONE;

	while (rc == CS_DONE && st_next_page(h, &pages))
		csh_each(i, row, csh_at(pages.answer, "/data")) {
			if (rc == CS_DONE && *csh_get(row, "/id") && meaning(row))
				rc = tell(p, row);
			if (strcmp(csh_get(row, "/modifiedOn"), newest) > 0)
				newest = csh_printf(h, "%s", csh_get(row, "/modifiedOn"));
		}
	st_pages_end(&pages);
	*since = newest;
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
read_cursor(struct poll *p, json_object *o, const char **bookings, const char **leads)
{
	json_object *jobs = csh_at(o, "/jobs");

	*bookings = csh_printf(p->h, "%s", csh_get_or(o, "/since", p->now));
	*leads = csh_printf(p->h, "%s", csh_get_or(o, "/leads", p->now));
	if (!json_object_is_type(jobs, json_type_object))
		return;
	json_object_object_foreach(jobs, id, status)
		if (csh_is_digits(id) && json_object_object_length(p->jobs) < JOBS_MAX)
			json_object_object_add(p->jobs, id, json_object_get(status));
}

int32_t
st_poll(const struct csh *h, struct cs_bytes cursor)
{
	CSH_JSON before = csh_json_parse(cursor);
	CSH_JSON jobs = json_object_new_object();
	CSH_JSON still = json_object_new_object();
	CSH_JSON after = json_object_new_object();
	struct poll p = { h, csh_time(h, h->host->now_ms(h->call)), jobs, still };
	const char *bookings, *leads;
	int32_t rc;

	read_cursor(&p, before, &bookings, &leads);
	if ((rc = read_changes(&p, st_bookings_path(h), &bookings, booking_event)) != CS_DONE)
		return rc;
	if (st_makes_leads(h) && (rc = read_changes(&p, st_leads_path(h), &leads, lead_event)) != CS_DONE)
		return rc;
	if ((rc = read_jobs(&p)) != CS_DONE)
		return rc;
	csh_put(after, "since", bookings);
	if (st_makes_leads(h))
		csh_put(after, "leads", leads);
	json_object_object_add(after, "jobs", json_object_get(still));
	h->host->cursor_put(h->call, csh_json_bytes(after));
	return CS_DONE;
}
