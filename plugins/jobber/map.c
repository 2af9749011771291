/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map.c - a lead as Jobber wants it: a client with the service address as property, a request or job, and the call as a note on it.
 *
 * Jobber refuses empty texts and empty lists, so what is not known is left out. A request has no text beside its title; all
 * that was said stands in the note. A job is not scheduled: when to come is for the office to say.
 */
#include <string.h>
#include "jobber.h"

#define NOTE_MAX 4900  /* Jobber takes somewhat more than that */
#define TITLE_MAX 200  /* without the mark */

const char *
jobber_mark(const struct csh *h, const struct cs_lead *lead)
{
	return csh_printf(h, "[CS-%.8s]", lead->event_id);
}

/* A list with one main entry: [{"description": "MAIN", "primary": true, key: value}] */
static json_object *
main_entry(const char *key, const char *value)
{
	json_object *list = json_object_new_array(), *o;

	if (!*value)
		return list;
	o = json_object_new_object();
	csh_put(o, "description", "MAIN");
	json_object_object_add(o, "primary", json_object_new_boolean(1));
	csh_put(o, key, value);
	json_object_array_add(list, o);
	return list;
}

static json_object *
address(const struct cs_lead_address *a)
{
	json_object *o = json_object_new_object();

	csh_put(o, "street1", a->street);
	csh_put(o, "city", a->city);
	csh_put(o, "province", a->state);
	csh_put(o, "postalCode", a->zip);
	csh_put(o, "country", a->country);
	return o;
}

/* A property is a place to drive to: without a street there is none. */
static json_object *
properties(const struct cs_lead_address *a)
{
	json_object *list = json_object_new_array(), *o;

	if (!*a->street)
		return list;
	o = json_object_new_object();
	json_object_object_add(o, "address", address(a));
	json_object_array_add(list, o);
	return list;
}

static json_object *
client(const struct csh *h, const struct cs_lead *lead)
{
	const struct cs_lead_contact *c = lead->contact;
	json_object *o = json_object_new_object(), *source = json_object_new_object();

	csh_put(o, "firstName", *c->first_name || *c->last_name ? c->first_name : csh_full_name(h, c));
	csh_put(o, "lastName", c->last_name);
	csh_put_new(o, "phones", main_entry("number", c->phone));
	csh_put_new(o, "emails", main_entry("address", c->email));
	csh_put_new(o, "billingAddress", address(c->address));
	csh_put_new(o, "properties", properties(c->address));
	csh_put(source, "sourceText", csh_setting(h, "lead_source"));
	csh_put_new(o, "sourceAttribution", source);
	return o;
}

/* "HVAC / heating repair (same day) [CS-7d1f4f0e]"; a job says how it is invoiced, too. */
static json_object *
record(const struct csh *h, const struct cs_lead *lead, int is_job)
{
	json_object *o = json_object_new_object(), *invoicing = json_object_new_object();

	csh_put(o, "title", csh_printf(h, "%s %s", csh_title(h, lead, TITLE_MAX), jobber_mark(h, lead)));
	if (is_job) {
		csh_put(invoicing, "invoicingType", csh_setting(h, "job_billing"));
		csh_put(invoicing, "invoicingSchedule", csh_setting(h, "job_invoices"));
	}
	csh_put_new(o, "invoicing", invoicing);
	return o;
}

int32_t
jobber_map(void *inst, struct cs_call *call, const struct cs_map_in *in)
{
	const struct csh h = { in->host, call };
	CSH_JSON doc = json_object_new_object();
	json_object *note = json_object_new_object();
	const char *form = csh_setting(&h, "record");

	(void)inst;
	json_object_object_add(doc, "client", client(&h, in->lead));
	if (strcmp(form, "client") != 0)
		json_object_object_add(doc, form, record(&h, in->lead, strcmp(form, "job") == 0));
	csh_put(note, "message", csh_note(&h, in->lead, CSH_PLAIN, NOTE_MAX));
	json_object_object_add(doc, "note", note);
	return csh_emit(&h, doc);
}
