/* SPDX-License-Identifier: Apache-2.0 */
/*
 * push.c - make sure of the lead source, find the caller, create the lead.
 *
 *   lead_source  must exist, else Housecall Pro answers 400. Looked up and created once, then a fact of the
 *                connection says so. Refused, the lead goes without, and is not held up by asking again.
 *   customer     see customer.c
 *   lead         one call; it makes the customer where none was found. What follows it: after.c.
 *
 * Doubt about the lead: read the newest leads and look for its tag. Leads are listed from the database
 * itself, the manifest's lookup_lag only lets a slow create finish.
 */
#include <string.h>
#include "housecall_pro.h"

#define REFUSED "refused" /* receipt of a lead source that could not be made */
#define TAKEN "taken"     /* receipt of a lead whose id nobody knows */

/* ---- lead source */
static int
is_listed(json_object *answer, const char *name)
{
	json_object *list = csh_at(answer, "/lead_sources");

	for (size_t i = 0; i < csh_count(list); i++)
		if (csh_same_text(csh_get(json_object_array_get_idx(list, i), "/name"), name))
			return 1;
	return 0;
}

static void
forget_lead_source(struct hcp_push *p)
{
	json_object *customer = csh_at(p->doc, "/customer");

	json_object_object_del(p->doc, "lead_source");
	if (customer)
		json_object_object_del(customer, "lead_source");
	p->h.host->fact_put(p->h.call, "lead_source_ready", csh_bytes(""));
}

static int32_t
create_lead_source(struct hcp_push *p, const char *name)
{
	const struct csh *h = &p->h;
	CSH_JSON body = json_object_new_object();
	CSH_JSON answer = NULL;
	struct cs_http_res res = CS_RES_INIT;
	int32_t rc;

	csh_put(body, "name", name);
	if ((rc = csh_write(h, "lead_source", "POST", "/lead_sources", body, &res, &answer)) != CS_DONE)
		return rc;
	if (res.status < 300)
		return CS_DONE;
	h->host->warn(h->call, "the lead source could not be created, so the lead has none: %s",
	    csh_vendor_error(h, &res));
	csh_receipt_put(h, "lead_source", REFUSED);
	forget_lead_source(p);
	return CS_DONE;
}

/* What an earlier attempt settled; 0: nothing. */
static int
is_settled(struct hcp_push *p, const char *name)
{
	const char *receipt = csh_receipt(&p->h, "lead_source");

	if (strcmp(receipt, REFUSED) == 0) {
		p->h.host->warn(p->h.call, "the lead source could not be created, so the lead has none");
		forget_lead_source(p);
	}
	return *receipt || strcmp(csh_fact(&p->h, "lead_source_ready"), name) == 0;
}

static int32_t
ensure_lead_source(struct hcp_push *p)
{
	const struct csh *h = &p->h;
	const char *name = csh_get(p->doc, "/lead_source");
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	int32_t rc;

	if (!*name || is_settled(p, name))
		return CS_DONE;
	name = csh_strndup(h, name, strlen(name));
	rc = csh_read(h, "lead_source", "lead_source", "/lead_sources",
	              csh_printf(h, "q=%s&page=1&page_size=50", csh_url(h, name)), &res, &answer);
	if (rc != CS_DONE)
		return rc;
	if (res.status >= 300)
		return hcp_refused(h, &res, "the lead sources could not be read");
	if ((rc = csh_need_list(h, answer, "/lead_sources")) != CS_DONE)
		return rc;
	if (!is_listed(answer, name) && (rc = create_lead_source(p, name)) != CS_DONE)
		return rc;
	if (!csh_at(p->doc, "/lead_source"))
		return CS_DONE; /* refused */
	csh_receipt_put(h, "lead_source", name);
	h->host->fact_put(h->call, "lead_source_ready", csh_bytes(name));
	return CS_DONE;
}

/* ---- lead */
static int32_t
remember_lead(struct hcp_push *p, json_object *lead)
{
	const struct csh *h = &p->h;
	const char *id = csh_get(lead, "/id"), *customer = csh_get(lead, "/customer/id");

	csh_receipt_put(h, "lead", id);
	h->host->record(h->call, "lead", id, NULL);
	if (*customer) {
		csh_receipt_put(h, "customer", customer);
		h->host->record(h->call, "customer", customer, NULL);
	}
	return hcp_after_lead(p, id);
}

/*
 * A create was sent and nobody knows: is it among the newest? *found: new reference, or NULL. A list too long to be read to
 * its end settles nothing, so a person must.
 */
static int32_t
find_lead(struct hcp_push *p, json_object **found)
{
	struct csh_pages pages = { .step = "lead", .looks_for = "lead", .path = "/leads", .items = "/leads",
		.page_param = "page", .total = "/total_pages", .max = 25, .refused = hcp_refused,
		.query = "sort_by=created_at&sort_direction=desc&page_size=200" };

	while (!*found && csh_next_page(&p->h, &pages)) {
		json_object *leads = csh_at(pages.answer, "/leads");

		for (size_t i = 0; i < csh_count(leads) && !*found; i++) {
			json_object *one = json_object_array_get_idx(leads, i);

			if (hcp_has_tag(csh_at(one, "/tags"), hcp_tag(&p->h, p->lead)))
				*found = json_object_get(one);
		}
	}
	csh_pages_end(&pages);
	if (pages.rc == CS_DONE && !*found && pages.more)
		return p->h.host->fail(p->h.call, CS_REJECT,
		    "the lead may be in Housecall Pro, but is not among its newest 5000: look for the tag %s",
		    hcp_tag(&p->h, p->lead));
	return pages.rc;
}

/* Taken, but the answer does not say its id: look at once; what cannot be found is in all the same. */
static int32_t
look_up_taken(struct hcp_push *p)
{
	CSH_JSON found = NULL;

	if (find_lead(p, &found) == CS_DONE && *csh_get(found, "/id"))
		return remember_lead(p, found);
	csh_receipt_put(&p->h, "lead", TAKEN);
	p->h.host->warn(p->h.call, "Housecall Pro took the lead but did not say its id");
	return CS_DONE;
}

/* An override may have replaced the tags; without this one a lead in doubt could not be found. */
static void
keep_marker(struct hcp_push *p)
{
	json_object *tags = csh_at(p->doc, "/tags");

	if (!json_object_is_type(tags, json_type_array)) {
		tags = json_object_new_array();
		json_object_object_add(p->doc, "tags", tags);
	}
	if (!hcp_has_tag(tags, hcp_tag(&p->h, p->lead)))
		json_object_array_add(tags, json_object_new_string(hcp_tag(&p->h, p->lead)));
}

static int32_t
create_lead(struct hcp_push *p)
{
	const struct csh *h = &p->h;
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	int32_t rc;

	keep_marker(p);
	if ((rc = csh_write(h, "lead", "POST", "/leads", p->doc, &res, &answer)) != CS_DONE)
		return rc;
	if ((res.status == 400 || res.status == 422) && csh_at(p->doc, "/lead_source")) {
		const char *why = csh_vendor_error(h, &res); /* most often the lead source, deleted since */

		forget_lead_source(p);
		csh_json_putp(&answer);
		if ((rc = csh_write(h, "lead", "POST", "/leads", p->doc, &res, &answer)) != CS_DONE)
			return rc;
		if (res.status < 300)
			h->host->warn(h->call, "the lead was made without its lead source: %s", why);
	}
	if (res.status >= 300)
		return hcp_refused(h, &res, "the lead was refused");
	return *csh_get(answer, "/id") ? remember_lead(p, answer) : look_up_taken(p);
}

static int32_t
push_lead(struct hcp_push *p)
{
	const char *id = csh_receipt(&p->h, "lead");
	CSH_JSON found = NULL;
	int32_t rc;

	if (*id)
		return strcmp(id, TAKEN) == 0 ? CS_DONE : hcp_after_lead(p, id);
	if (csh_in_doubt(&p->h, "lead") && (rc = find_lead(p, &found)) != CS_DONE)
		return rc;
	if (*csh_get(found, "/id"))
		return remember_lead(p, found);
	if ((rc = ensure_lead_source(p)) != CS_DONE || (rc = hcp_find_customer(p)) != CS_DONE)
		return rc;
	return create_lead(p);
}

int32_t
hcp_push(void *inst, struct cs_call *call, const struct cs_delivery *d)
{
	struct hcp_push p = { .h = { d->host, call }, .lead = d->lead };
	int32_t rc;

	(void)inst;
	if (d->kind == CS_PUSH_CHOICES)
		return hcp_choices(&p.h, d->what);
	if (d->kind == CS_PUSH_FETCH)
		return hcp_fetch(&p.h, d->what);
	if (d->kind != CS_PUSH_LEAD && d->kind != CS_PUSH_TEST)
		return CS_UNSUPPORTED;
	p.doc = csh_json_parse(d->document);
	if (json_object_is_type(p.doc, json_type_object))
		rc = push_lead(&p);
	else
		rc = d->host->fail(call, CS_REJECT,
		    "the document is no JSON object: look at the connection's overrides");
	csh_json_putp(&p.customer);
	csh_json_putp(&p.doc);
	return rc;
}
