/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map.c - a lead as HubSpot wants it: a contact, the call as a note on it, and on request a deal
 * or a lead record. All property values are
 * strings.
 */
#include <string.h>
#include "hubspot.h"

#define NOTE_MAX 65000 /* HubSpot takes 65,536 characters */
#define NAME_MAX 200

/* HubSpot wants at least one of e-mail and names. */
static void
put_person(json_object *p, const struct cs_lead_contact *c)
{
	csh_put(p, "firstname", c->first_name);
	csh_put(p, "lastname", c->last_name);
	if (!*c->first_name && !*c->last_name && !*c->email)
		csh_put(p, "firstname", c->phone);
	csh_put(p, "phone", c->phone);
	csh_put(p, "email", c->email);
	csh_put(p, "address", c->address->street);
	csh_put(p, "city", c->address->city);
	csh_put(p, "state", c->address->state);
	csh_put(p, "zip", c->address->zip);
	csh_put(p, "country", c->address->country);
}

static const char *
owner(const struct csh *h, const struct cs_lead *lead)
{
	return csh_is_digits(lead->assigned_to) ? lead->assigned_to : csh_setting(h, "owner");
}

static json_object *
contact(const struct csh *h, const struct cs_lead *lead)
{
	json_object *o = json_object_new_object(), *p = csh_child(o, "properties");
	CSH_JSON mapped = csh_mapped(h, "fieldmap", lead);
	const char *marker = csh_setting(h, "event_id_property");

	put_person(p, lead->contact);
	csh_put(p, "lifecyclestage", csh_setting(h, "lifecycle_stage"));
	csh_put(p, "hs_lead_status", csh_setting(h, "hs_lead_status"));
	csh_put(p, "hubspot_owner_id", owner(h, lead));
	if (*marker)
		csh_put(p, marker, lead->event_id);
	json_object_object_foreach(mapped, property, value)
		csh_put(p, property, json_object_get_string(value));
	json_object_object_add(o, "associations", json_object_new_array());
	return o;
}

static json_object *
note(const struct csh *h, const struct cs_lead *lead)
{
	json_object *o = json_object_new_object(), *p = csh_child(o, "properties");

	csh_put(p, "hs_timestamp", csh_time(h, lead->timestamp_ms));
	csh_put(p, "hs_note_body", csh_note(h, lead, CSH_HTML, NOTE_MAX));
	return o;
}

/* The beginning of the event_id stays, whatever the name has to lose. */
static json_object *
lead_record(const struct csh *h, const struct cs_lead *lead)
{
	json_object *o = json_object_new_object();

	csh_put(csh_child(o, "properties"), "hs_lead_name",
	    csh_printf(h, "%s %s", csh_title(h, lead, NAME_MAX), hubspot_short_id(h, lead)));
	return o;
}

static json_object *
deal(const struct csh *h, const struct cs_lead *lead)
{
	json_object *o = json_object_new_object(), *p = csh_child(o, "properties");

	csh_put(p, "dealname", csh_title(h, lead, NAME_MAX));
	csh_put(p, "pipeline", csh_setting(h, "pipeline"));
	csh_put(p, "dealstage", csh_setting(h, "deal_stage"));
	csh_put(p, "description", csh_note(h, lead, CSH_PLAIN, NOTE_MAX));
	csh_put(p, "hubspot_owner_id", owner(h, lead));
	return o;
}

int32_t
hubspot_map(void *inst, struct cs_call *call, const struct cs_map_in *in)
{
	const struct csh h = { in->host, call };
	CSH_JSON doc = json_object_new_object();

	(void)inst;
	json_object_object_add(doc, "contact", contact(&h, in->lead));
	if (strcmp(csh_setting(&h, "record"), "deal") == 0)
		json_object_object_add(doc, "deal", deal(&h, in->lead));
	if (strcmp(csh_setting(&h, "record"), "lead") == 0)
		json_object_object_add(doc, "lead", lead_record(&h, in->lead));
	json_object_object_add(doc, "note", note(&h, in->lead));
	return csh_emit(&h, doc);
}
