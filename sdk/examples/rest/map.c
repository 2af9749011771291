/*
 * map.c - a lead as a contact and a note.
 */
#include "rest.h"

#define NOTE_MAX 10000

int32_t
rest_map(void *inst, struct cs_call *call, const struct cs_map_in *in)
{
	const struct csh h = { in->host, call };
	const struct cs_lead_contact *who = in->lead->contact;
	CSH_JSON doc = json_object_new_object();
	json_object *contact = json_object_new_object(), *note = json_object_new_object();

	(void)inst;
	csh_put(contact, "name", csh_full_name(&h, who));
	csh_put(contact, "phone", who->phone);
	csh_put(contact, "email", who->email);
	csh_put(contact, "address", csh_address_line(&h, who->address));
	csh_put(contact, "owner", *in->lead->assigned_to ? in->lead->assigned_to : csh_setting(&h, "owner"));
	csh_put(contact, "reference", in->lead->event_id);
	csh_put(note, "text", csh_note(&h, in->lead, CSH_PLAIN, NOTE_MAX));
	json_object_object_add(doc, "contact", contact);
	json_object_object_add(doc, "note", note);
	return csh_emit(&h, doc);
}
