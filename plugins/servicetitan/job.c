/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job.c - what a job's state means, and the hooks that point to jobs.
 *
 * The form of the vendor's hooks is not published, so a hook is a hint and nothing more: it makes us read the job it names. Polling
 * finds the same a little later; both make the same events, which the core knows by their dedupe.
 */
#include <string.h>
#include <strings.h>
#include "servicetitan.h"

/* "In Progress" is InProgress. */
static int
is_status(json_object *job, const char *name)
{
	const char *s = csh_get(job, "/jobStatus");

	for (;; s++, name++) {
		s += strspn(s, " ");
		if (!*s || !*name || strncasecmp(s, name, 1) != 0)
			return !*s && !*name;
	}
}

int
st_job_is_over(json_object *job)
{
	return is_status(job, "Completed") || is_status(job, "Canceled");
}

static int32_t
appointment_start(const struct csh *h, json_object *job, const char **start)
{
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	int32_t rc = csh_read(h, "find", NULL, st_path(h, "jpm", "appointments"),
	    csh_printf(h, "jobId=%s&page=1&pageSize=1", csh_url(h, csh_get(job, "/id"))), &res, &answer);

	if (rc == CS_DONE && res.status < 300)
		*start = csh_printf(h, "%s", csh_get(answer, "/data/0/start"));
	return rc;
}

static int
is_time(const char *s)
{
	return strlen(s) >= 20 && strspn(s, "0123456789") == 4 && s[4] == '-' && s[10] == 'T';
}

static const char *
when(json_object *job, const char *at)
{
	const char *completed = csh_get(job, "/completedOn"), *modified = csh_get(job, "/modifiedOn");

	return is_time(completed) ? completed : is_time(modified) ? modified : at;
}

int32_t
st_job_event(const struct csh *h, json_object *job, const char *at, const char *last_status)
{
	const char *id = csh_get(job, "/id"), *status = csh_get(job, "/jobStatus"), *start = "";
	const char *name = is_status(job, "Completed") ? "job.completed" : is_status(job, "Canceled") ? "job.canceled" : "job.scheduled";
	CSH_JSON e = NULL;
	int32_t rc;

	if (!*id || !*status || strcmp(status, last_status) == 0 || (*last_status && strcmp(name, "job.scheduled") == 0))
		return CS_DONE; /* on its way is no news */
	if (strcmp(name, "job.scheduled") == 0 && (rc = appointment_start(h, job, &start)) != CS_DONE)
		return rc;
	e = csh_event(name, when(job, at), csh_printf(h, "%s:%s:%s", name, id, start));
	csh_event_record(e, "job", id);
	csh_event_record(e, "booking", csh_get(job, "/bookingId"));
	csh_put(csh_event_job(e), "status", status);
	csh_put(csh_event_job(e), "scheduled_start", start);
	csh_put(csh_event_job(e), "completed_at", csh_get(job, "/completedOn"));
	if (strcmp(name, "job.completed") == 0)
		csh_event_amount(e, csh_money(h, job, "/total"), csh_setting(h, "currency"), *csh_get(job, "/invoiceId") ? "invoiced" : "quoted");
	return csh_emit(h, e);
}

static int32_t
hinted(const struct csh *h, json_object *m)
{
	const char *id = csh_get_or(m, csh_setting(h, "webhook_job"), csh_get_or(m, "/job/id", csh_get(m, "/data/jobId")));
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON job = NULL;
	int32_t rc;

	if (!csh_is_digits(id))
		return CS_DONE; /* about something else */
	if ((rc = csh_read(h, "find", NULL, st_path(h, "jpm", csh_printf(h, "jobs/%s", id)), NULL, &res, &job)) != CS_DONE)
		return rc;
	if (res.status == 404)
		return CS_DONE;
	if (res.status >= 300)
		return st_refused(h, &res, "the job could not be read");
	return st_job_event(h, job, csh_time(h, h->host->now_ms(h->call)), "");
}

int32_t
st_webhook(void *inst, struct cs_call *call, const struct cs_webhook *w)
{
	(void)inst;
	return csh_hook(call, w, &(struct csh_hooks){ .received = hinted, .poll = st_poll });
}
