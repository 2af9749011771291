/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map.c - a lead as Pipedrive wants it: a person, a lead, a note. Addresses are fields of persons in some companies only, so they
 * stand in the note, as does everything else without a field. origin_id is our event_id, by which the lead is found again.
 */
#include <string.h>
#include "pipedrive.h"

#define NOTE_MAX 50000
#define TITLE_MAX 255

/* [{"value": ..., "primary": true, "label": ...}] */
static void
put_list(json_object *o, const char *key, const char *value, const char *label)
{
	json_object *one, *list;

	if (!*value)
		return;
	one = json_object_new_object();
	list = json_object_new_array();
	csh_put(one, "value", value);
	csh_put_bool(one, "primary", 1);
	csh_put(one, "label", label);
	json_object_array_add(list, one);
	json_object_object_add(o, key, list);
}

static const char *
owner(const struct csh *h, const struct cs_lead *lead)
{
	return csh_is_digits(lead->assigned_to) ? lead->assigned_to : csh_setting(h, "owner");
}

static void
put_person(const struct csh *h, json_object *o, const struct cs_lead *lead)
{
	const struct cs_lead_contact *c = lead->contact;

	csh_put(o, "name", csh_full_name(h, c));
	put_list(o, "phones", c->phone, "mobile");
	put_list(o, "emails", c->email, "home");
	csh_put_number(o, "owner_id", owner(h, lead));
	csh_put_number(o, "visible_to", csh_setting(h, "visible_to"));
	csh_put_new(o, "custom_fields", csh_mapped(h, "person_fields", lead));
}

static void
put_lead(const struct csh *h, json_object *o, const struct cs_lead *lead)
{
	CSH_JSON custom = csh_mapped(h, "lead_fields", lead);

	csh_put(o, "title", csh_title(h, lead, TITLE_MAX));
	csh_put(o, "origin_id", lead->event_id);
	csh_put(o, "channel_id", csh_setting(h, "channel_id"));
	csh_put_number(o, "channel", csh_setting(h, "channel"));
	csh_put_number(o, "owner_id", owner(h, lead));
	csh_put(o, "visible_to", csh_setting(h, "visible_to"));
	csh_put_new(o, "label_ids", *csh_setting(h, "labels") ? csh_json_parse(h->host->setting(h->call, "labels"))
	                                                       : json_object_new_array());
	json_object_object_foreach(custom, field, value)
		json_object_object_add(o, field, json_object_get(value));
}

int32_t
pipedrive_map(void *inst, struct cs_call *call, const struct cs_map_in *in)
{
	const struct csh h = { in->host, call };
	CSH_JSON doc = json_object_new_object();

	(void)inst;
	put_person(&h, csh_child(doc, "person"), in->lead);
	put_lead(&h, csh_child(doc, "lead"), in->lead);
	csh_put(csh_child(doc, "note"), "content", csh_note(&h, in->lead, CSH_HTML, NOTE_MAX));
	return csh_emit(&h, doc);
}
