/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map.c - a lead as HighLevel wants it. Properties that it does not know are refused, so nothing is sent that is not in its
 * description; texts only.
 */
#include <string.h>
#include "gohighlevel.h"

#define NOTE_MAX 5000
#define NAME_MAX 200

static json_object *
tags(const struct csh *h, const struct cs_lead *lead)
{
	json_object *list = csh_json_parse(h->host->setting(h->call, "tags"));

	if (!json_object_is_type(list, json_type_array)) {
		json_object_put(list);
		list = json_object_new_array();
	}
	if (!csh_setting_true(h, "call_tags"))
		return list;
	json_object_array_add(list, json_object_new_string(csh_printf(h, "%s-call", lead->call->direction)));
	json_object_array_add(list, json_object_new_string(csh_printf(h, "urgency-%s", lead->request->urgency)));
	return list;
}

/* Setting fieldmap: id of a custom field -> JSON pointer into the lead. */
static json_object *
custom_fields(const struct csh *h, const struct cs_lead *lead)
{
	CSH_JSON mapped = csh_mapped(h, "fieldmap", lead);
	json_object *list = json_object_new_array();

	json_object_object_foreach(mapped, id, value) {
		json_object *o = json_object_new_object();

		csh_put(o, "id", id);
		csh_put(o, ghl_is_v3(h) ? "fieldValue" : "field_value", json_object_get_string(value));
		json_object_array_add(list, o);
	}
	return list;
}

static const char *
assignee(const struct csh *h, const struct cs_lead *lead)
{
	const char *s = lead->assigned_to;
	size_t n = strlen(s);

	/* ids are 20 letters and digits; anything else is a name that people gave */
	if (n == 20 && strspn(s, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == n)
		return s;
	return csh_setting(h, "assigned_to");
}

static json_object *
contact(const struct csh *h, const struct cs_lead *lead)
{
	const struct cs_lead_contact *c = lead->contact;
	json_object *o = json_object_new_object();

	csh_put(o, "locationId", ghl_location(h));
	csh_put(o, "firstName", c->first_name);
	csh_put(o, "lastName", c->last_name);
	csh_put(o, "phone", c->phone);
	csh_put(o, "email", c->email);
	csh_put(o, "address1", c->address->street);
	csh_put(o, "city", c->address->city);
	csh_put(o, "state", c->address->state);
	csh_put(o, "postalCode", c->address->zip);
	csh_put(o, "country", c->address->country);
	csh_put(o, "source", csh_setting(h, "source"));
	csh_put(o, "assignedTo", assignee(h, lead));
	csh_put_new(o, "tags", tags(h, lead));
	csh_put_new(o, "customFields", custom_fields(h, lead));
	return o;
}

static json_object *
opportunity(const struct csh *h, const struct cs_lead *lead)
{
	json_object *o = json_object_new_object();

	csh_put(o, "locationId", ghl_location(h));
	csh_put(o, "pipelineId", csh_setting(h, "pipeline"));
	csh_put(o, "pipelineStageId", csh_setting(h, "stage"));
	csh_put(o, "name", csh_title(h, lead, NAME_MAX));
	csh_put(o, "status", "open");
	csh_put(o, "assignedTo", assignee(h, lead));
	return o;
}

int32_t
ghl_map(void *inst, struct cs_call *call, const struct cs_map_in *in)
{
	const struct csh h = { in->host, call };
	CSH_JSON doc = json_object_new_object();
	json_object *note;

	(void)inst;
	json_object_object_add(doc, "contact", contact(&h, in->lead));
	if (*csh_setting(&h, "pipeline"))
		json_object_object_add(doc, "opportunity", opportunity(&h, in->lead));
	note = csh_child(doc, "note");
	csh_put(note, "title", "CallSetter AI lead");
	csh_put(note, "body", csh_note(&h, in->lead, CSH_PLAIN, NOTE_MAX));
	return csh_emit(&h, doc);
}
