/* SPDX-License-Identifier: Apache-2.0 */
/*
 * push.c - the contact (contact.c), the deal or lead record where one is wanted (record.c), the note.
 *
 * The note stands beside the point of no return: refused, it is a remark on a lead that is in. In doubt the notes of the contact
 * are read, and the marker is looked for.
 */
#include <string.h>
#include "hubspot.h"

/* Note to contact is association type 202. */
static json_object *
note_body(const struct hubspot_push *p)
{
	CSH_JSON link = csh_json_parse(csh_bytes("{\"types\":[{\"associationCategory\":\"HUBSPOT_DEFINED\",\"associationTypeId\":202}]}"));
	json_object *o = json_object_new_object(), *to = json_object_new_object(),
	    *links = json_object_new_array();

	csh_put(to, "id", p->id);
	json_object_object_add(link, "to", to);
	json_object_array_add(links, json_object_get(link));
	json_object_object_add(o, "properties", json_object_get(csh_at(p->doc, "/note/properties")));
	json_object_object_add(o, "associations", links);
	return o;
}

static int32_t
add_note(struct hubspot_push *p)
{
	const struct csh *h = &p->h;
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON body = NULL;
	CSH_JSON answer = NULL;
	const char *id = "";
	int32_t rc;

	if (*csh_receipt(h, "note") || !csh_at(p->doc, "/note/properties"))
		return CS_DONE;
	if (csh_in_doubt(h, "note") &&
	    (rc = hubspot_find_marked(p, "note", "notes", "hs_note_body", csh_marker(h, p->lead), &id)) != CS_DONE)
		return rc;
	if (!*id) {
		body = note_body(p);
		if ((rc = hubspot_write(h, "note", "POST", hubspot_path(h, "notes", ""), body, &res,
		    &answer)) != CS_DONE)
			return rc;
		if (res.status >= 300) {
			h->host->warn(h->call, "the contact is there, its note was refused: %s",
			    hubspot_words(h, &res));
			return CS_DONE;
		}
		id = csh_get_or(answer, "/id", "written");
	}
	csh_receipt_put(h, "note", id);
	h->host->record(h->call, "note", id, NULL);
	return CS_DONE;
}

static int32_t
push_lead(struct hubspot_push *p)
{
	int32_t rc;

	if ((rc = hubspot_contact(p)) != CS_DONE || (rc = hubspot_record(p)) != CS_DONE)
		return rc;
	return add_note(p);
}

int32_t
hubspot_push(void *inst, struct cs_call *call, const struct cs_delivery *d)
{
	struct hubspot_push p = { .h = { d->host, call }, .lead = d->lead, .id = "" };
	int32_t rc;

	(void)inst;
	if (d->kind == CS_PUSH_IDENTIFY)
		return hubspot_identify(&p.h);
	if (d->kind == CS_PUSH_FETCH)
		return hubspot_fetch(&p.h, d->what);
	if (d->kind == CS_PUSH_CHOICES)
		return hubspot_choices(&p.h, d->what);
	if (d->kind != CS_PUSH_LEAD && d->kind != CS_PUSH_TEST)
		return CS_UNSUPPORTED;
	p.doc = csh_json_parse(d->document);
	if (json_object_is_type(csh_at(p.doc, "/contact/properties"), json_type_object))
		rc = push_lead(&p);
	else
		rc = d->host->fail(call, CS_REJECT,
		    "the document has no contact properties: look at the connection's overrides");
	csh_json_putp(&p.contact);
	csh_json_putp(&p.doc);
	return rc;
}
