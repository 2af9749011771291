/* SPDX-License-Identifier: Apache-2.0 */
/*
 * webhook.c - what Housecall Pro reports, as events. Its messages hold the whole record, so nothing is asked
 * back.
 *
 * A job does not name the lead it came from. lead.converted names both, and the core keeps both ids; later
 * job and invoice events are matched by the job's id, or by the estimate it was copied from. The customer's
 * phone is the last resort and counts as likely only; the customer's id is not used, because a customer has
 * many jobs. Money comes as integer cents.
 *
 * The probe that the vendor's set-up page sends has no "event" and is answered with nothing.
 */
#include <inttypes.h>
#include <string.h>
#include "housecall_pro.h"

/* ---- leads */
static json_object *
last(json_object *list)
{
	return csh_count(list) ? json_object_array_get_idx(list, csh_count(list) - 1) : NULL;
}

static void
add_marker(json_object *event, json_object *tags)
{
	for (size_t i = 0; i < csh_count(tags); i++) {
		const char *tag = json_object_get_string(json_object_array_get_idx(tags, i));

		if (tag && strncmp(tag, HCP_TAG, strlen(HCP_TAG)) == 0)
			csh_event_match(event, "marker", tag + strlen(HCP_TAG));
	}
}

static int32_t
lead_event(const struct csh *h, const char *name, json_object *lead, const char *occurred_at,
           const char *qualifier)
{
	CSH_JSON event = csh_event(name, occurred_at,
	    csh_printf(h, "%s:%s:%s", name, csh_get(lead, "/id"), qualifier));
	json_object *became = last(csh_at(lead, "/conversions"));
	const char *type = csh_get(became, "/type");

	csh_event_record(event, "lead", csh_get(lead, "/id"));
	csh_event_also(event, csh_same_text(type, "Job") ? "job" : "estimate", csh_get(became, "/id"));
	csh_event_also(event, "customer", csh_get(lead, "/customer/id"));
	add_marker(event, csh_at(lead, "/tags"));
	if (csh_get_int(lead, "/total_amount", 0) > 0)
		csh_event_amount(event, csh_cents(h, csh_get_int(lead, "/total_amount", 0)), "USD", "quoted");
	return csh_emit(h, event);
}

int32_t
hcp_lead_closed(const struct csh *h, json_object *lead, const char *occurred_at)
{
	const char *status = csh_get(lead, "/status");

	if (strcmp(status, "won") == 0)
		return lead_event(h, "lead.converted", lead, occurred_at,
		    csh_get(last(csh_at(lead, "/conversions")), "/id"));
	if (strcmp(status, "lost") == 0)
		return lead_event(h, "lead.lost", lead, csh_get_or(lead, "/lost_at", occurred_at),
		    csh_get(lead, "/lost_at"));
	return CS_DONE;
}

/* ---- jobs and invoices */
static void
add_customer(const struct csh *h, json_object *event, json_object *c)
{
	csh_event_also(event, "customer", csh_get(c, "/id"));
	csh_event_match(event, "phone", csh_phone_e164(h, csh_get(c, "/mobile_number")));
	csh_event_match(event, "phone", csh_phone_e164(h, csh_get(c, "/home_number")));
	csh_event_match(event, "phone", csh_phone_e164(h, csh_get(c, "/work_number")));
	csh_event_match(event, "email", csh_get(c, "/email"));
}

/* An event about a job, with all that finds its lead; new. */
static json_object *
job_event(const struct csh *h, const char *name, json_object *job, const char *occurred_at,
          const char *qualifier)
{
	const char *id = csh_get(job, "/id");
	json_object *event = csh_event(name, occurred_at, csh_printf(h, "%s:%s:%s", name, id, qualifier));

	csh_event_record(event, "job", id);
	csh_event_record(event, "estimate", csh_get(job, "/original_estimate_id"));
	add_marker(event, csh_at(job, "/tags"));
	add_customer(h, event, csh_at(job, "/customer"));
	csh_put(csh_event_job(event), "status", csh_get(job, "/work_status"));
	csh_put(csh_event_job(event), "scheduled_start", csh_get(job, "/schedule/scheduled_start"));
	csh_put(csh_event_job(event), "completed_at", csh_get(job, "/work_timestamps/completed_at"));
	return event;
}

static const char *
cents_at(const struct csh *h, json_object *o, const char *pointer)
{
	return csh_at(o, pointer) ? csh_cents(h, csh_get_int(o, pointer, 0)) : "";
}

static int32_t
job_changed(const struct csh *h, const char *name, json_object *job, const char *at)
{
	const char *qualifier = at, *total = cents_at(h, job, "/total_amount");
	CSH_JSON event = NULL;

	if (strcmp(name, "job.paid") == 0)
		qualifier = total; /* the invoice of the same job reports the same payment */
	event = job_event(h, name, job, at, qualifier);
	if (strcmp(name, "job.paid") == 0) {
		csh_event_amount(event, csh_cents(h, csh_get_int(job, "/total_amount", 0) -
		                                     csh_get_int(job, "/outstanding_balance", 0)), "USD",
		                                     "paid");
		csh_put(csh_event_job(event), "status", "paid");
	} else if (strcmp(name, "job.completed") == 0) {
		csh_event_amount(event, total, "USD", "invoiced");
	}
	return csh_emit(h, event);
}

/* Paid is what has nothing due any more. Without the job's id (older messages) there is nothing to match
 * by. */
static int32_t
invoice_paid(const struct csh *h, json_object *invoice, const char *at)
{
	const char *job = csh_get(invoice, "/job_id"), *amount = cents_at(h, invoice, "/amount");
	CSH_JSON event = NULL;

	if (!*job || csh_get_int(invoice, "/due_amount", 0) > 0)
		return CS_DONE;
	event = csh_event("job.paid", csh_get_or(invoice, "/paid_at", at),
	    csh_printf(h, "job.paid:%s:%s", job, amount));
	csh_event_record(event, "job", job);
	csh_event_also(event, "invoice", csh_get(invoice, "/id"));
	csh_put(csh_event_job(event), "status", "paid");
	csh_event_amount(event, amount, "USD", "paid");
	return csh_emit(h, event);
}

/* An estimate that became a job; a lead's own conversion comes as lead.converted. */
static int32_t
job_created(const struct csh *h, json_object *job, const char *at)
{
	CSH_JSON event = NULL;

	if (!*csh_get(job, "/original_estimate_id"))
		return CS_DONE;
	event = job_event(h, "lead.converted", job, at, csh_get(job, "/original_estimate_id"));
	return csh_emit(h, event);
}

int32_t
hcp_received(const struct csh *h, json_object *m)
{
	static const char *const job_events[] = { "job.scheduled", "job.completed", "job.canceled",
	    "job.paid" };
	const char *name = csh_get(m, "/event"), *at = csh_get(m, "/event_occurred_at");

	if (strcmp(name, "lead.converted") == 0 || strcmp(name, "lead.lost") == 0)
		return hcp_lead_closed(h, csh_at(m, "/lead"), at);
	if (strcmp(name, "lead.updated") == 0)
		return lead_event(h, name, csh_at(m, "/lead"), at, at);
	if (strcmp(name, "lead.deleted") == 0) /* not always sent */
		return lead_event(h, "lead.lost", csh_at(m, "/lead"), at, "deleted");
	if (strcmp(name, "job.created") == 0)
		return job_created(h, csh_at(m, "/job"), at);
	for (size_t i = 0; i < sizeof(job_events) / sizeof(job_events[0]); i++)
		if (strcmp(name, job_events[i]) == 0)
			return job_changed(h, name, csh_at(m, "/job"), at);
	if (strcmp(name, "job.deleted") == 0)
		return job_changed(h, "job.canceled", csh_at(m, "/job"), at);
	if (strcmp(name, "invoice.paid") == 0 || strcmp(name, "invoice.payment.succeeded") == 0)
		return invoice_paid(h, csh_at(m, "/invoice"), at);
	return CS_DONE; /* subscribed to more than we report */
}
