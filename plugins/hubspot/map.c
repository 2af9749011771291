/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map.c - a lead as HubSpot wants it: a contact, and the call as a note on it. All property values are
 * strings.
 */
#include <string.h>
#include "hubspot.h"

#define NOTE_MAX 65000 /* HubSpot takes 65,536 characters */

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

/* Setting fieldmap: property -> JSON pointer into the lead. */
static void
put_mapped(const struct csh *h, json_object *p, const struct cs_lead *lead)
{
	CSH_JSON map = csh_json_parse(h->host->setting(h->call, "fieldmap"));
	CSH_JSON raw = map ? csh_json_parse(lead->raw) : NULL;

	if (!json_object_is_type(map, json_type_object))
		return;
	json_object_object_foreach(map, property, pointer)
		if (json_object_is_type(pointer, json_type_string))
			csh_put(p, property, csh_get(raw, json_object_get_string(pointer)));
}

static json_object *
contact(const struct csh *h, const struct cs_lead *lead)
{
	json_object *o = json_object_new_object(), *p = csh_child(o, "properties");
	const char *marker = csh_setting(h, "event_id_property");

	put_person(p, lead->contact);
	csh_put(p, "lifecyclestage", csh_setting(h, "lifecycle_stage"));
	csh_put(p, "hs_lead_status", csh_setting(h, "hs_lead_status"));
	csh_put(p, "hubspot_owner_id", csh_is_digits(lead->assigned_to)
	    ? lead->assigned_to : csh_setting(h, "owner"));
	if (*marker)
		csh_put(p, marker, lead->event_id);
	put_mapped(h, p, lead);
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

int32_t
hubspot_map(void *inst, struct cs_call *call, const struct cs_map_in *in)
{
	const struct csh h = { in->host, call };
	CSH_JSON doc = json_object_new_object();

	(void)inst;
	json_object_object_add(doc, "contact", contact(&h, in->lead));
	json_object_object_add(doc, "note", note(&h, in->lead));
	return csh_emit(&h, doc);
}
