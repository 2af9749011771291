/* SPDX-License-Identifier: Apache-2.0 */
/*
 * push.c - the contact (contact.c), the opportunity, the note.
 *
 *   opportunity  only where a pipeline is chosen. An open one of the same contact in that pipeline is the same matter: it is used,
 *                no second one is made. That is the look-up in doubt, too.
 *   note         in doubt the contact's notes are read for the marker.
 *
 * Both are beside the point of no return: refused, they are remarks on a lead that is in.
 */
#include <string.h>
#include "gohighlevel.h"

/* ---- opportunity */
static int32_t
open_opportunity(struct ghl_push *p, const char **id)
{
	const struct csh *h = &p->h;
	int v3 = ghl_is_v3(h);
	struct csh_str query = CSH_STR(h);
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	json_object *row;
	int32_t rc;

	csh_query_add(&query, v3 ? "locationId" : "location_id", ghl_location(h));
	csh_query_add(&query, v3 ? "contactId" : "contact_id", p->id);
	csh_query_add(&query, "status", "open");
	rc = ghl_read(h, "find", csh_in_doubt(h, "opportunity") ? "opportunity" : NULL, "/opportunities/search", csh_text(&query), &res,
	    &answer);
	if (rc != CS_DONE)
		return rc;
	if (res.status >= 300)
		return ghl_refused(h, &res, "the search for open opportunities was refused");
	if ((rc = csh_need_list(h, answer, "/opportunities")) != CS_DONE)
		return rc;
	csh_each(i, row, csh_at(answer, "/opportunities"))
		if (strcmp(csh_get(row, "/pipelineId"), csh_get(p->doc, "/opportunity/pipelineId")) == 0 && *csh_get(row, "/id"))
			*id = csh_printf(h, "%s", csh_get(row, "/id"));
	return CS_DONE;
}

static int32_t
create_opportunity(struct ghl_push *p, const char **id)
{
	const struct csh *h = &p->h;
	struct cs_http_res res = CS_RES_INIT;
	json_object *copied = NULL;
	CSH_JSON body = NULL;
	CSH_JSON answer = NULL;
	int32_t rc;

	json_object_deep_copy(csh_at(p->doc, "/opportunity"), &copied, NULL);
	body = copied;
	csh_put(body, "contactId", p->id);
	if ((rc = ghl_write(h, "opportunity", "POST", "/opportunities/", body, &res, &answer)) != CS_DONE)
		return rc;
	if (res.status >= 300) {
		h->host->warn(h->call, "the contact is there, its opportunity was refused; are pipeline and stage still there? %s",
		    csh_vendor_error(h, &res));
		*id = "refused";
		return CS_DONE;
	}
	if ((rc = csh_need(h, answer, "/opportunity/id")) == CS_DONE)
		*id = csh_printf(h, "%s", csh_get(answer, "/opportunity/id"));
	return rc;
}

static int32_t
opportunity(struct ghl_push *p)
{
	const struct csh *h = &p->h;
	const char *id = csh_receipt(h, "opportunity");
	int32_t rc;

	if (!json_object_is_type(csh_at(p->doc, "/opportunity"), json_type_object))
		return CS_DONE;
	if (!*id) {
		if ((rc = open_opportunity(p, &id)) != CS_DONE || (!*id && (rc = create_opportunity(p, &id)) != CS_DONE))
			return rc;
		csh_receipt_put(h, "opportunity", id);
	}
	if (strcmp(id, "refused") != 0)
		h->host->record(h->call, "opportunity", id, NULL);
	return CS_DONE;
}

/* ---- note */
static int32_t
find_note(struct ghl_push *p, const char *path, const char **id)
{
	const struct csh *h = &p->h;
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	json_object *row;
	int32_t rc;

	if ((rc = ghl_read(h, "find", "note", path, NULL, &res, &answer)) != CS_DONE)
		return rc;
	if (res.status >= 300)
		return ghl_refused(h, &res, "the notes of the contact could not be read");
	if ((rc = csh_need_list(h, answer, "/notes")) != CS_DONE)
		return rc;
	csh_each(i, row, csh_at(answer, "/notes"))
		if (*csh_get(row, "/id") && strstr(csh_get(row, "/body"), csh_marker(h, p->lead)))
			*id = csh_printf(h, "%s", csh_get(row, "/id"));
	return CS_DONE;
}

static int32_t
create_note(struct ghl_push *p, const char *path, const char **id)
{
	const struct csh *h = &p->h;
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	int32_t rc = ghl_write(h, "note", "POST", path, csh_at(p->doc, "/note"), &res, &answer);

	if (rc != CS_DONE)
		return rc;
	if (res.status >= 300) {
		h->host->warn(h->call, "the contact is there, its note was refused: %s", csh_vendor_error(h, &res));
		*id = "refused";
		return CS_DONE;
	}
	if ((rc = csh_need(h, answer, "/note/id")) == CS_DONE)
		*id = csh_printf(h, "%s", csh_get(answer, "/note/id"));
	return rc;
}

static int32_t
note(struct ghl_push *p)
{
	const struct csh *h = &p->h;
	const char *path = csh_printf(h, "/contacts/%s/notes", csh_url(h, p->id)), *id = "";
	int32_t rc;

	if (*csh_receipt(h, "note") || !json_object_is_type(csh_at(p->doc, "/note"), json_type_object))
		return CS_DONE;
	if (csh_in_doubt(h, "note") && (rc = find_note(p, path, &id)) != CS_DONE)
		return rc;
	if (!*id && (rc = create_note(p, path, &id)) != CS_DONE)
		return rc;
	csh_receipt_put(h, "note", id);
	return CS_DONE;
}

/* ---- what the core calls */
static int32_t
push_lead(struct ghl_push *p)
{
	int32_t rc;

	if (!*csh_get(p->doc, "/contact/locationId"))
		return p->h.host->fail(p->h.call, CS_REAUTH, "the sub-account is not known: enter its id, or connect again");
	if ((rc = ghl_contact(p)) != CS_DONE || (rc = opportunity(p)) != CS_DONE)
		return rc;
	return note(p);
}

int32_t
ghl_push(void *inst, struct cs_call *call, const struct cs_delivery *d)
{
	struct ghl_push p = { .h = { d->host, call }, .lead = d->lead, .id = "" };
	int32_t rc;

	(void)inst;
	if (d->kind == CS_PUSH_FETCH)
		return ghl_fetch(&p.h, d->what);
	if (d->kind == CS_PUSH_CHOICES)
		return ghl_choices(&p.h, d->what);
	if (d->kind != CS_PUSH_LEAD && d->kind != CS_PUSH_TEST)
		return CS_UNSUPPORTED;
	p.doc = csh_json_parse(d->document);
	if (json_object_is_type(csh_at(p.doc, "/contact"), json_type_object)) {
		if (d->kind == CS_PUSH_TEST && csh_at(p.doc, "/note"))
			csh_put(csh_at(p.doc, "/note"), "title", "TEST - CallSetter AI lead");
		rc = push_lead(&p);
	} else
		rc = d->host->fail(call, CS_REJECT, "the document has no contact: look at the connection's overrides");
	csh_json_putp(&p.contact);
	csh_json_putp(&p.doc);
	return rc;
}
