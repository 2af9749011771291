/* SPDX-License-Identifier: Apache-2.0 */
/*
 * webhook.c - what HubSpot tells about contacts and deals, as events.
 *
 * HubSpot names the record and what changed, no more. For a contact that is enough. A deal is read once
 * more, because only the record says which contact it belongs to and what it is worth. There is no "job" and
 * no "paid" in HubSpot: a deal that reaches a stage of the setting won_stages counts as converted, with its
 * amount as quoted.
 */
#include <string.h>
#include "hubspot.h"

struct change {
	struct csh h;
	const char *type, *property, *value, *id, *at, *dedupe;
};

/* ---- contacts */
static const char *
contact_event(const struct change *c)
{
	static const char *const converted[] = { "opportunity", "customer", "evangelist", NULL };

	if (strcmp(c->property, "lifecyclestage") == 0)
		return csh_is_one_of(c->value, converted) ? "lead.converted" : "lead.updated";
	if (strcmp(c->property, "hs_lead_status") != 0)
		return NULL;
	if (strcmp(c->value, "OPEN_DEAL") == 0)
		return "lead.converted";
	return strcmp(c->value, "UNQUALIFIED") == 0 ? "lead.lost" : "lead.updated";
}

/* Deleted, or made into one: later messages name the contact that is left, so the lead must be known by it. */
static int32_t
contact_gone(const struct change *c, json_object *message)
{
	CSH_JSON event = csh_event("lead.updated", c->at, c->dedupe);
	const char *status = strcmp(c->type, "contact.merge") == 0 ? "merged" : "deleted";
	json_object *one;

	csh_event_record(event, "contact", c->id);
	csh_each(i, one, csh_at(message, "/mergedObjectIds"))
		csh_event_record(event, "contact", json_object_get_string(one));
	csh_event_also(event, "contact", csh_get(message, "/newObjectId"));
	csh_put(csh_event_job(event), "status", status);
	return csh_emit(&c->h, event);
}

static int32_t
contact_changed(const struct change *c)
{
	const char *name = contact_event(c);
	CSH_JSON event = NULL;

	if (!name)
		return CS_DONE;
	event = csh_event(name, c->at, c->dedupe);
	csh_event_record(event, "contact", c->id);
	csh_put(csh_event_job(event), "status", c->value);
	return csh_emit(&c->h, event);
}

/* ---- deals */
static const char *
deal_event(const struct change *c)
{
	if (strcmp(c->type, "deal.creation") == 0) /* where leads become deals by themselves it says nothing */
		return strcmp(csh_setting(&c->h, "record"), "deal") == 0 ? NULL : "lead.converted";
	if (strcmp(c->property, "dealstage") == 0) {
		if (csh_setting_has(&c->h, "won_stages", c->value))
			return "lead.converted";
		if (csh_setting_has(&c->h, "lost_stages", c->value))
			return "lead.lost";
		return "lead.updated";
	}
	return strcmp(c->property, "amount") == 0 ? "lead.updated" : NULL;
}

static void
add_deal(const struct change *c, json_object *event, json_object *deal)
{
	json_object *contact;

	csh_each(i, contact, csh_at(deal, "/associations/contacts/results"))
		csh_event_record(event, "contact", csh_get(contact, "/id"));
	csh_put(csh_event_job(event), "status", csh_get(deal, "/properties/dealstage"));
	csh_event_amount(event, csh_get(deal, "/properties/amount"),
	                 csh_get_or(deal, "/properties/deal_currency_code", csh_fact(&c->h, "currency")),
	                 "quoted");
}

static int32_t
deal_changed(const struct change *c)
{
	const char *name = deal_event(c);
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON deal = NULL;
	CSH_JSON event = NULL;
	int32_t rc;

	if (!name)
		return CS_DONE;
	rc = hubspot_read(&c->h, "find", NULL, hubspot_path(&c->h, "deals/", csh_url(&c->h, c->id)),
	                  "properties=amount,dealstage,deal_currency_code&associations=contacts", &res,
	                  &deal);
	if (rc != CS_DONE)
		return rc;
	if (res.status == 404)
		return CS_DONE; /* deleted since: the deletion has its own message */
	if (res.status >= 300)
		return hubspot_refused(&c->h, &res, "the deal could not be read");
	event = csh_event(name, c->at, c->dedupe);
	csh_event_record(event, "deal", c->id);
	add_deal(c, event, deal);
	return csh_emit(&c->h, event);
}

int32_t
hubspot_webhook(void *inst, struct cs_call *call, const struct cs_webhook *w)
{
	static const char *const gone[] = { "contact.merge", "contact.deletion", "contact.privacyDeletion", NULL };
	CSH_JSON o = NULL;
	struct change c = { .h = { w->host, call } };

	(void)inst;
	if (w->kind != CS_HOOK_RECEIVED)
		return CS_UNSUPPORTED;
	o = csh_json_parse(w->body);
	c.type = csh_get_or(o, "/subscriptionType", csh_get(o, "/eventType")); /* both names are seen */
	c.property = csh_get(o, "/propertyName");
	c.value = csh_get(o, "/propertyValue");
	c.id = csh_get(o, "/objectId");
	c.at = csh_time(&c.h, csh_get_int(o, "/occurredAt", 0));
	c.dedupe = csh_printf(&c.h, "%s:%s:%s:%s", csh_get(o, "/subscriptionId"), c.id, c.property,
	    csh_get(o, "/occurredAt"));
	if (!*c.id)
		return CS_DONE;
	if (csh_is_one_of(c.type, gone))
		return contact_gone(&c, o);
	if (strcmp(c.type, "contact.propertyChange") == 0)
		return contact_changed(&c);
	if (strcmp(c.type, "deal.creation") == 0 || strcmp(c.type, "deal.propertyChange") == 0)
		return deal_changed(&c);
	return CS_DONE; /* subscribed to more than we report */
}
