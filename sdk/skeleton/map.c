/*
 * map.c - a lead as @Title@ wants it. Pure: the same lead gives the same document, and nothing is asked.
 *
 * Every text of a lead may be "" and may hold anything that a caller can say; csh_put leaves out what is "".
 */
#include "@name@.h"

#define NOTE_MAX 16000

static json_object *
address(const struct cs_lead_address *a)
{
	json_object *o = json_object_new_object();

	csh_put(o, "street", a->street);
	csh_put(o, "city", a->city);
	csh_put(o, "state", a->state);
	csh_put(o, "zip", a->zip);
	csh_put(o, "country", a->country);
	return o;
}

int32_t
@name@_map(void *inst, struct cs_call *call, const struct cs_map_in *in)
{
	const struct csh h = { in->host, call };
	const struct cs_lead_contact *who = in->lead->contact;
	CSH_JSON doc = json_object_new_object();

	(void)inst;
	csh_put(doc, "name", csh_full_name(&h, who));
	csh_put(doc, "phone", who->phone);
	csh_put(doc, "email", who->email);
	csh_put(doc, "source", csh_setting(&h, "source"));
	csh_put(doc, "reference", in->lead->event_id); /* by this a contact in doubt is found again */
	csh_put_new(doc, "address", address(who->address));
	csh_put(doc, "note", csh_note(&h, in->lead, CSH_PLAIN, NOTE_MAX));
	return csh_emit(&h, doc);
}
