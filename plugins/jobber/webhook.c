/* SPDX-License-Identifier: Apache-2.0 */
/*
 * webhook.c - what Jobber reports, as events.
 *
 * A message names a topic and an id, no more: the record is read, so that an event carries the whole state as it is now, and
 * messages may come twice and in any order. A record that is gone since is nothing; its own deletion is another message.
 *
 * A job, quote or invoice is matched by its own id, then by the request and quote it came from. The client's id is not used,
 * because a client has many jobs; the client's phone is the last resort and counts as likely only. A job that a lead became at once
 * (setting `record`) is no conversion: it bears our mark, as jobs made from our requests do, but came from nothing.
 */
#include <inttypes.h>
#include <string.h>
#include "jobber.h"

#define CALLER "client { id phones { number } emails { address } } "
#define READ_REQUEST "query Read($id: EncodedId!) { request(id: $id) { id jobberWebUri requestStatus updatedAt } }"
#define READ_QUOTE "query Read($id: EncodedId!) { quote(id: $id) { id jobberWebUri quoteStatus transitionedAt updatedAt amounts { total } request { id } " CALLER "} }"
#define READ_JOB "query Read($id: EncodedId!) { job(id: $id) { id title jobberWebUri jobStatus startAt completedAt total updatedAt request { id } quote { id } " CALLER "} }"
#define READ_VISIT "query Read($id: EncodedId!) { visit(id: $id) { id startAt isComplete completedAt visitStatus " \
	"job { id jobberWebUri jobStatus startAt completedAt total request { id } quote { id } " CALLER "} } }"
#define READ_INVOICE "query Read($id: EncodedId!) { invoice(id: $id) { id jobberWebUri invoiceStatus receivedDate updatedAt " \
	"amounts { total paymentsTotal invoiceBalance } jobs(first: 10) { nodes { id request { id } quote { id } } } " CALLER "} }"

struct happening {
	struct csh h;
	const char *topic, *id, *at;
};

/* ---- events */
static json_object *
event(const struct happening *m, const char *name, const char *qualifier)
{
	return csh_event(name, m->at, csh_printf(&m->h, "%s:%s:%s", name, m->id, qualifier));
}

static void
add_caller(const struct happening *m, json_object *event, json_object *client)
{
	json_object *row;

	csh_event_also(event, "client", csh_get(client, "/id"));
	csh_each(i, row, csh_at(client, "/phones"))
		csh_event_match(event, "phone", csh_phone_e164(&m->h, csh_get(row, "/number")));
	csh_each(i, row, csh_at(client, "/emails"))
		csh_event_match(event, "email", csh_get(row, "/address"));
}

static void
add_origin(json_object *event, json_object *record)
{
	csh_event_record(event, "request", csh_get(record, "/request/id"));
	csh_event_record(event, "quote", csh_get(record, "/quote/id"));
}

/* Jobber tells no currency: the account has one. */
static void
add_amount(const struct happening *m, json_object *event, json_object *record, const char *pointer, const char *basis)
{
	csh_event_amount(event, csh_money(&m->h, record, pointer), csh_setting(&m->h, "currency"), basis);
}

static int32_t
emit_job(const struct happening *m, const char *name, json_object *job, const char *start, const char *qualifier)
{
	CSH_JSON e = event(m, name, qualifier);

	csh_event_record(e, "job", csh_get(job, "/id"));
	add_origin(e, job);
	add_caller(m, e, csh_at(job, "/client"));
	csh_put(csh_event_job(e), "status", csh_get(job, "/jobStatus"));
	csh_put(csh_event_job(e), "scheduled_start", start);
	csh_put(csh_event_job(e), "completed_at", csh_get(job, "/completedAt"));
	add_amount(m, e, job, "/total", "quoted");
	return csh_emit(&m->h, e);
}

/* ---- what each kind of record means */
static int32_t
on_request(const struct happening *m, json_object *r)
{
	const char *status = csh_get(r, "/requestStatus");
	const char *name = csh_same_text(status, "archived") ? "lead.lost" : csh_same_text(status, "converted") ? "lead.converted"
	    : "lead.updated";
	CSH_JSON e = event(m, name, strcmp(name, "lead.updated") == 0 ? m->at : status);

	csh_event_record(e, "request", csh_get(r, "/id"));
	csh_put(csh_event_job(e), "status", status);
	return csh_emit(&m->h, e);
}

static int32_t
on_quote(const struct happening *m, json_object *q)
{
	int is_new = strcmp(m->topic, "QUOTE_CREATE") == 0;
	CSH_JSON e = event(m, is_new ? "lead.converted" : "lead.updated", is_new ? "" : csh_get(q, "/quoteStatus"));

	csh_event_record(e, "quote", csh_get(q, "/id"));
	csh_event_record(e, "request", csh_get(q, "/request/id"));
	add_caller(m, e, csh_at(q, "/client"));
	csh_put(csh_event_job(e), "status", csh_get(q, "/quoteStatus"));
	add_amount(m, e, q, "/amounts/total", "quoted");
	return csh_emit(&m->h, e);
}

static int
is_our_own(json_object *job)
{
	return strstr(csh_get(job, "/title"), "[CS-") && !*csh_get(job, "/request/id") && !*csh_get(job, "/quote/id");
}

static int32_t
on_job(const struct happening *m, json_object *job)
{
	const char *start = csh_get(job, "/startAt");
	int32_t rc;

	if (strcmp(m->topic, "JOB_CLOSED") == 0)
		return emit_job(m, "job.completed", job, start, csh_get(job, "/completedAt"));
	if (!is_our_own(job) && (rc = emit_job(m, "lead.converted", job, start, "")) != CS_DONE)
		return rc;
	if (!*start)
		return CS_DONE;
	return emit_job(m, "job.scheduled", job, start, start);
}

static int32_t
on_visit(const struct happening *m, json_object *v)
{
	const char *start = csh_get(v, "/startAt"), *done = csh_get(v, "/completedAt");
	json_object *job = csh_at(v, "/job");

	if (!*csh_get(job, "/id"))
		return CS_DONE;
	if (strcmp(csh_get(v, "/isComplete"), "true") == 0)
		return emit_job(m, "job.completed", job, start, done);
	return *start ? emit_job(m, "job.scheduled", job, start, start) : CS_DONE; /* without a time: not yet planned */
}

static int
is_money(const char *s)
{
	return *s && *s != '-' && s[strspn(s, "0.,")] != '\0';
}

/* Paid is what has nothing open any more, and was paid for; drafts are neither. */
static int32_t
on_invoice(const struct happening *m, json_object *v)
{
	const char *open = csh_money(&m->h, v, "/amounts/invoiceBalance"), *paid = csh_money(&m->h, v, "/amounts/paymentsTotal");
	CSH_JSON e = NULL;
	json_object *job;

	if (!*open || is_money(open) || !is_money(paid))
		return CS_DONE;
	e = csh_event("job.paid", csh_get_or(v, "/receivedDate", m->at), csh_printf(&m->h, "job.paid:%s:%s", m->id, paid));
	csh_event_record(e, "invoice", csh_get(v, "/id"));
	csh_each(i, job, csh_at(v, "/jobs/nodes")) {
		csh_event_record(e, "job", csh_get(job, "/id"));
		add_origin(e, job);
	}
	add_caller(m, e, csh_at(v, "/client"));
	csh_put(csh_event_job(e), "status", "paid");
	csh_event_amount(e, paid, csh_setting(&m->h, "currency"), "paid");
	return csh_emit(&m->h, e);
}

/* Gone: the id is all that is left of it. */
static int32_t
on_deleted(const struct happening *m, const char *name, const char *type)
{
	CSH_JSON e = event(m, name, "");

	csh_event_record(e, type, m->id);
	return csh_emit(&m->h, e);
}

/* ---- topics */
static const struct {
	const char *topic, *type, *text; /* text NULL: not read */
	int32_t (*run)(const struct happening *, json_object *);
	const char *deleted;             /* event of a deletion */
} topics[] = {
	{ "REQUEST_UPDATE", "request", READ_REQUEST, on_request, NULL },
	{ "REQUEST_DESTROY", "request", NULL, NULL, "lead.lost" },
	{ "QUOTE_CREATE", "quote", READ_QUOTE, on_quote, NULL },
	{ "QUOTE_APPROVED", "quote", READ_QUOTE, on_quote, NULL },
	{ "JOB_CREATE", "job", READ_JOB, on_job, NULL },
	{ "JOB_CLOSED", "job", READ_JOB, on_job, NULL },
	{ "JOB_DESTROY", "job", NULL, NULL, "job.canceled" },
	{ "VISIT_CREATE", "visit", READ_VISIT, on_visit, NULL },
	{ "VISIT_UPDATE", "visit", READ_VISIT, on_visit, NULL },
	{ "VISIT_COMPLETE", "visit", READ_VISIT, on_visit, NULL },
	{ "INVOICE_CREATE", "invoice", READ_INVOICE, on_invoice, NULL },
	{ "INVOICE_UPDATE", "invoice", READ_INVOICE, on_invoice, NULL },
};

static int32_t
read_and_tell(const struct happening *m, size_t row)
{
	struct csh_graphql q = { .step = "find", .text = topics[row].text, .cost = 60, .variables = jobber_variable("id", m->id) };
	const char *at = csh_printf(&m->h, "/%s", topics[row].type);
	CSH_JSON data = NULL;
	int32_t rc = csh_graphql(&m->h, &q, &data);

	if (rc != CS_DONE)
		return rc;
	if (!*csh_get(data, csh_printf(&m->h, "%s/id", at)))
		return CS_DONE; /* deleted since */
	return topics[row].run(m, csh_at(data, at));
}

int32_t
jobber_webhook(void *inst, struct cs_call *call, const struct cs_webhook *w)
{
	struct happening m = { .h = { w->host, call } };
	CSH_JSON o = NULL;
	json_object *it;

	(void)inst;
	if (w->kind != CS_HOOK_RECEIVED)
		return CS_UNSUPPORTED;
	o = csh_json_parse(w->body);
	it = csh_at(o, "/data/webHookEvent");
	m.topic = csh_get(it, "/topic");
	m.id = csh_get(it, "/itemId");
	m.at = csh_get_or(it, "/occurredAt", csh_get(it, "/occuredAt")); /* misspelt for older apps */
	for (size_t i = 0; *m.id && *m.at && i < sizeof(topics) / sizeof(topics[0]); i++) {
		if (strcmp(m.topic, topics[i].topic) != 0)
			continue;
		return topics[i].deleted ? on_deleted(&m, topics[i].deleted, topics[i].type) : read_and_tell(&m, i);
	}
	return CS_DONE; /* subscribed to more than we report */
}
