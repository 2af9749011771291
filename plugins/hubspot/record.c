/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record.c - the deal or the lead record of a call, linked to the contact.
 *
 * The kind of link between deals and contacts has one number everywhere; that of lead records is asked for once and kept as a
 * fact of the connection. Neither has a key of ours: a deal bears the marker in its description, a lead record, which has no
 * text, the beginning of the event_id in its name. The contact is in, so refusals are remarks: the account may have no lead
 * records, the app no scope for them, the pipeline no such stage.
 */
#include <string.h>
#include "hubspot.h"

#define REFUSED "refused" /* receipt of what is not to be tried again */
#define DEAL_TO_CONTACT "3"

const char *
hubspot_short_id(const struct csh *h, const struct cs_lead *lead)
{
	return csh_printf(h, "#%.8s", lead->event_id);
}

static int32_t
refused(const struct csh *h, const struct cs_http_res *res, const char *kind)
{
	h->host->warn(h->call, "the contact is there, but no %s could be made: %s", kind, hubspot_words(h, res));
	csh_receipt_put(h, "record", REFUSED);
	return CS_DONE;
}

/* The number of the vendor's own link, the primary one where there are several; "" after a refusal. */
static int32_t
lead_link(struct hubspot_push *p, const char **type)
{
	const struct csh *h = &p->h;
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	json_object *row;
	int32_t rc;

	if (*(*type = csh_fact(h, "lead_association")))
		return CS_DONE;
	if ((rc = hubspot_read(h, "find", NULL, "/crm/v4/associations/leads/contacts/labels", NULL, &res, &answer)) != CS_DONE)
		return rc;
	if (res.status >= 300)
		return refused(h, &res, "lead record");
	if ((rc = csh_need_list(h, answer, "/results")) != CS_DONE)
		return rc;
	csh_each(i, row, csh_at(answer, "/results"))
		if (strcmp(csh_get(row, "/category"), "HUBSPOT_DEFINED") == 0 &&
		    (!**type || csh_same_text(csh_get(row, "/label"), "Primary")))
			*type = csh_printf(h, "%s", csh_get(row, "/typeId"));
	if (!csh_is_digits(*type))
		return h->host->fail(h->call, CS_RETRY, "HubSpot does not say how lead records are linked to contacts");
	h->host->fact_put(h->call, "lead_association", csh_bytes(*type));
	return CS_DONE;
}

static int32_t
create(struct hubspot_push *p, const char *kind, const char *objects, const char *type, const char **id)
{
	const struct csh *h = &p->h;
	CSH_JSON body = csh_json_parse(csh_bytes(csh_printf(h,
	    "{\"associations\":[{\"to\":{\"id\":\"%s\"},\"types\":[{\"associationCategory\":\"HUBSPOT_DEFINED\",\"associationTypeId\":%s}]}]}",
	    p->id, type)));
	CSH_JSON answer = NULL;
	struct cs_http_res res = CS_RES_INIT;
	int32_t rc;

	json_object_object_add(body, "properties", json_object_get(csh_at(p->doc, csh_printf(h, "/%s/properties", kind))));
	if ((rc = hubspot_write(h, "record", "POST", hubspot_path(h, objects, ""), body, &res, &answer)) != CS_DONE)
		return rc;
	if (res.status >= 300)
		return refused(h, &res, strcmp(kind, "lead") == 0 ? "lead record" : kind);
	*id = csh_printf(h, "%s", csh_get_or(answer, "/id", "made"));
	return CS_DONE;
}

int32_t
hubspot_record(struct hubspot_push *p)
{
	const struct csh *h = &p->h;
	int is_lead = csh_at(p->doc, "/lead/properties") != NULL;
	const char *kind = is_lead ? "lead" : "deal", *objects = is_lead ? "leads" : "deals", *type = DEAL_TO_CONTACT;
	const char *id = csh_receipt(h, "record");
	int32_t rc;

	if (*id || (!is_lead && !csh_at(p->doc, "/deal/properties")))
		return CS_DONE;
	if (csh_in_doubt(h, "record") &&
	    (rc = hubspot_find_marked(p, "record", objects, is_lead ? "hs_lead_name" : "description",
	         is_lead ? hubspot_short_id(h, p->lead) : csh_marker(h, p->lead), &id)) != CS_DONE)
		return rc;
	if (!*id && is_lead && ((rc = lead_link(p, &type)) != CS_DONE || !*type))
		return rc;
	if (!*id && ((rc = create(p, kind, objects, type, &id)) != CS_DONE || !*id))
		return rc;
	csh_receipt_put(h, "record", id);
	if (csh_is_digits(id))
		h->host->record(h->call, kind, id, NULL);
	return CS_DONE;
}
