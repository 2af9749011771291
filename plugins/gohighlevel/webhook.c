/* SPDX-License-Identifier: Apache-2.0 */
/*
 * webhook.c - what HighLevel reports, as events. Its messages hold the whole record, so nothing is asked back.
 *
 * Members stand at the top of the message or below "data": the vendor's pages disagree, so both are read. A paid invoice comes
 * without a type in some examples; it is known by its members. The contact is ours by its id; the opportunity, too, where we made
 * it. Opportunities that come into being are not reported: most are our own.
 */
#include <string.h>
#include "gohighlevel.h"

struct message {
	struct csh h;
	json_object *o; /* where the members stand */
	const char *type, *at, *id;
};

/* What tells this happening from others of the record: the message's own id, else its time. */
static json_object *
event(const struct message *m, const char *name, const char *id, const char *state)
{
	return csh_event(name, m->at, csh_printf(&m->h, "%s:%s:%s", name, id, state));
}

static int32_t
emit(const struct message *m, json_object *e, const char *status)
{
	csh_put(csh_event_job(e), "status", status);
	return csh_emit(&m->h, e);
}

static int32_t
on_opportunity(const struct message *m)
{
	const char *status = csh_get(m->o, "/status"), *id = csh_get(m->o, "/id");
	const char *name = strcmp(status, "won") == 0 ? "lead.converted"
	    : strcmp(status, "lost") == 0 || strcmp(status, "abandoned") == 0 ? "lead.lost" : "lead.updated";
	const char *value = csh_money(&m->h, m->o, "/monetaryValue");
	CSH_JSON e = NULL;

	if (!*id || !*status)
		return CS_DONE;
	e = event(m, name, id, strcmp(name, "lead.updated") == 0 ? m->id : value);
	csh_event_record(e, "opportunity", id);
	csh_event_record(e, "contact", csh_get(m->o, "/contactId"));
	csh_event_amount(e, value, csh_get_or(m->o, "/currency", "USD"), "quoted");
	return emit(m, e, status);
}

static int32_t
on_appointment(const struct message *m)
{
	static const char *const off[] = { "cancelled", "canceled", "noshow", "invalid", NULL };
	json_object *a = csh_at(m->o, "/appointment");
	const char *status = csh_get(a, "/appointmentStatus"), *id = csh_get(a, "/id"), *start = csh_get(a, "/startTime");
	const char *name = strcmp(m->type, "AppointmentDelete") == 0 || csh_is_one_of(status, off) ? "job.canceled"
	    : strcmp(status, "showed") == 0 ? "job.completed" : "job.scheduled";
	CSH_JSON e = NULL;

	if (!*id)
		return CS_DONE;
	e = event(m, name, id, start);
	csh_event_record(e, "appointment", id);
	csh_event_record(e, "contact", csh_get(a, "/contactId"));
	csh_put(csh_event_job(e), "scheduled_start", start);
	return emit(m, e, status);
}

static int32_t
on_invoice(const struct message *m)
{
	const char *paid = csh_money(&m->h, m->o, "/amountPaid"), *id = csh_get_or(m->o, "/_id", csh_get(m->o, "/id"));
	CSH_JSON e = NULL;

	if (!*id || !*paid || strcmp(csh_get(m->o, "/status"), "paid") != 0)
		return CS_DONE;
	e = event(m, "job.paid", id, paid);
	csh_event_record(e, "invoice", id);
	csh_event_record(e, "opportunity", csh_get(m->o, "/opportunityDetails/opportunityId"));
	csh_event_record(e, "contact", csh_get(m->o, "/contactDetails/id"));
	csh_event_amount(e, paid, csh_get_or(m->o, "/currency", "USD"), "paid");
	return emit(m, e, "paid");
}

static int32_t
dispatch(const struct message *m)
{
	static const char *const appointments[] = { "AppointmentCreate", "AppointmentUpdate", "AppointmentDelete", NULL };

	if (strcmp(m->type, "OpportunityStatusUpdate") == 0)
		return on_opportunity(m);
	if (csh_is_one_of(m->type, appointments))
		return on_appointment(m);
	if (strcmp(m->type, "InvoicePaid") == 0 || (!*m->type && *csh_get(m->o, "/invoiceNumber")))
		return on_invoice(m);
	return CS_DONE; /* subscribed to more than we report */
}

int32_t
ghl_webhook(void *inst, struct cs_call *call, const struct cs_webhook *w)
{
	struct message m = { .h = { w->host, call } };
	CSH_JSON body = NULL;

	(void)inst;
	if (w->kind != CS_HOOK_RECEIVED)
		return CS_UNSUPPORTED;
	body = csh_json_parse(w->body);
	m.o = json_object_is_type(csh_at(body, "/data"), json_type_object) ? csh_at(body, "/data") : body;
	m.type = csh_get_or(body, "/type", csh_get(m.o, "/type"));
	m.at = csh_get_or(body, "/timestamp", csh_get_or(m.o, "/updatedAt", csh_get(m.o, "/dateAdded")));
	m.id = csh_get_or(body, "/webhookId", m.at);
	return dispatch(&m);
}
