/* SPDX-License-Identifier: Apache-2.0 */
/*
 * webhook.c - what the automation rules of an account report, as events.
 *
 * Every office makes its own rules, and only one trigger type (invoice_paid) is known for sure. So the rule's name may say
 * what it reports ("CallSetter job.paid"); else setting events tells it by the trigger, else setting statuses by the status.
 *
 * A lead is matched by its UUID. A job does not name its lead: the first message about it is matched by the caller's number,
 * and the core keeps the job's ids for those that follow, invoices among them. Workiz signs nothing; the secret part of the
 * address is all that speaks for a message.
 */
#include <string.h>
#include "workiz.h"

static const char *const known_events[] = { "lead.viewed", "lead.updated", "lead.converted", "lead.lost", "job.scheduled",
	"job.completed", "job.canceled", "job.paid", NULL };

static const char *
row_of(const struct csh *h, const char *setting, const char *key)
{
	CSH_JSON map = csh_json_parse(h->host->setting(h->call, setting));
	json_object *v = NULL;

	if (!json_object_object_get_ex(map, key, &v) || !json_object_is_type(v, json_type_string))
		return "";
	return csh_is_one_of(json_object_get_string(v), known_events) ? csh_printf(h, "%s", json_object_get_string(v)) : "";
}

const char *
workiz_event_of_status(const struct csh *h, const char *status)
{
	return row_of(h, "statuses", status);
}

/* "CallSetter job.paid" reports job.paid; NULL: the name says nothing. */
static const char *
event_in_name(const char *rule)
{
	const char *last = strrchr(rule, ' ');

	last = last ? last + 1 : rule;
	return csh_is_one_of(last, known_events) ? last : NULL;
}

static const char *
event_of(const struct csh *h, json_object *m)
{
	const char *name = event_in_name(csh_get(m, "/metadata/ruleName"));

	if (!name)
		name = row_of(h, "events", csh_get(m, "/trigger/type"));
	return *name ? name : workiz_event_of_status(h, csh_get(m, "/data/status"));
}

/* lead, job or invoice, by the trigger, else by what only such a record has. */
static const char *
type_of(json_object *m, const char *event)
{
	const char *trigger = csh_get(m, "/trigger/type");

	if (strncmp(trigger, "invoice", 7) == 0 || *csh_get(m, "/data/jobId"))
		return "invoice";
	if (strncmp(trigger, "job", 3) == 0)
		return "job";
	return strncmp(trigger, "lead", 4) == 0 || strncmp(event, "lead.", 5) == 0 ? "lead" : "job";
}

static const char *
either(json_object *o, const char *a, const char *b)
{
	return csh_get_or(o, a, csh_get(o, b));
}

json_object *
workiz_event(const struct csh *h, const char *name, const char *type, json_object *r, const char *at)
{
	int is_invoice = strcmp(type, "invoice") == 0;
	const char *id = either(r, "/uuid", "/UUID"), *job = is_invoice ? csh_get(r, "/jobId") : id;
	json_object *event = csh_event(name, at, csh_printf(h, "%s:%s:%s", name, job, is_invoice ? id : either(r, "/status", "/Status")));

	if (is_invoice)
		csh_event_also(event, "invoice", id);
	csh_event_record(event, strcmp(type, "lead") == 0 ? "lead" : "job", job);
	if (strcmp(type, "job") == 0 && strcmp(csh_get(r, "/id"), id) != 0)
		csh_event_record(event, "job", csh_get(r, "/id")); /* an invoice may name either */
	csh_event_record(event, "lead", either(r, "/leadUuid", "/leadId"));
	csh_event_also(event, "client", either(r, "/clientId", "/ClientId"));
	csh_event_match(event, "phone", csh_phone_e164(h, either(r, "/phone", "/Phone")));
	csh_event_match(event, "phone", csh_phone_e164(h, either(r, "/secondPhone", "/SecondPhone")));
	csh_event_match(event, "email", either(r, "/email", "/Email"));
	if (strncmp(name, "job.", 4) == 0)
		csh_put(csh_event_job(event), "status", csh_get_or(r, "/status", csh_get_or(r, "/Status", name + 4)));
	return event;
}

/* Nothing due, and an amount: that is paid. A part payment is no event. */
static int
is_paid(const struct csh *h, json_object *r)
{
	const char *due = csh_money(h, r, "/amountDue");

	return *csh_money(h, r, "/totalPrice") && (!*due || strcmp(due, "0.00") == 0 || *due == '-');
}

static void
add_amount(const struct csh *h, const char *name, json_object *event, json_object *r)
{
	const char *total = *csh_money(h, r, "/totalPrice") ? csh_money(h, r, "/totalPrice") : csh_money(h, r, "/JobTotalPrice");

	if (strcmp(name, "job.paid") == 0 || strcmp(name, "job.completed") == 0)
		csh_event_amount(event, total, csh_setting(h, "currency"), strcmp(name, "job.paid") == 0 ? "paid" : "invoiced");
}

static int32_t
received(const struct csh *h, json_object *m)
{
	json_object *r = csh_at(m, "/data");
	const char *name = event_of(h, m), *type;
	CSH_JSON event = NULL;

	if (!*name || !json_object_is_type(r, json_type_object) || (strcmp(name, "job.paid") == 0 && !is_paid(h, r)))
		return CS_DONE;
	type = type_of(m, name);
	if (!*csh_get(r, strcmp(type, "invoice") == 0 ? "/jobId" : "/uuid"))
		return CS_DONE; /* a rule being tried out */
	event = workiz_event(h, name, type, r, csh_get(m, "/trigger/timestamp"));
	add_amount(h, name, event, r);
	return csh_emit(h, event);
}

int32_t
workiz_hook(void *inst, struct cs_call *call, const struct cs_webhook *w)
{
	(void)inst;
	return csh_hook(call, w, &(struct csh_hooks){ .received = received, .poll = workiz_poll });
}
