/* SPDX-License-Identifier: Apache-2.0 */
/*
 * push.c - is the caller a customer already? Then the booking.
 *
 * The booking's externalId is the lead's event id: in doubt, and when ServiceTitan speaks of a conflict, it is looked up by it. A
 * campaign, business unit or job type that is gone is left out, once, and the delivery says so: better in the wrong place than
 * not in.
 */
#include <string.h>
#include <strings.h>
#include "servicetitan.h"

#define CUSTOMERS_READ 3

struct push {
	struct csh h;
	const struct cs_lead *lead;
	json_object *doc;
};

/* ---- is the caller a customer? */
/* The list is searched loosely: only a contact of theirs with these digits counts. */
static int32_t
has_number(struct push *p, const char *customer, int *yes)
{
	const struct csh *h = &p->h;
	const char *path = st_path(h, "crm", csh_printf(h, "customers/%s/contacts", csh_url(h, customer)));
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	json_object *row;
	int32_t rc = csh_read(h, "find", NULL, path, "page=1&pageSize=50", &res, &answer);

	if (rc != CS_DONE || res.status >= 300 || (rc = csh_need_list(h, answer, "/data")) != CS_DONE)
		return rc;
	csh_each(i, row, csh_at(answer, "/data"))
		*yes |= csh_phone_same(csh_get(row, "/value"), p->lead->contact->phone);
	return CS_DONE;
}

static int32_t
know_customer(struct push *p)
{
	const struct csh *h = &p->h;
	struct csh_str query = CSH_STR(h);
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	json_object *row;
	int32_t rc;
	int yes = 0, n = 0;

	if (!*p->lead->contact->phone || !csh_setting_true(h, "know_customers"))
		return CS_DONE;
	csh_query_add(&query, "phone", csh_phone_national(h, p->lead->contact->phone));
	csh_adds(&query, "&active=Any&page=1&pageSize=5");
	if ((rc = csh_read(h, "find", NULL, st_path(h, "crm", "customers"), csh_text(&query), &res, &answer)) != CS_DONE)
		return rc;
	if (res.status >= 300) { /* a scope that the app need not have */
		h->host->log(h->call, CS_PRIO_INFO, "customers could not be searched: status %d", (int)res.status);
		return CS_DONE;
	}
	if ((rc = csh_need_list(h, answer, "/data")) != CS_DONE)
		return rc;
	csh_each(i, row, csh_at(answer, "/data"))
		if (!yes && *csh_get(row, "/id") && n++ < CUSTOMERS_READ && (rc = has_number(p, csh_get(row, "/id"), &yes)) != CS_DONE)
			return rc;
	if (yes)
		csh_put_bool(p->doc, "isFirstTimeClient", 0);
	return CS_DONE;
}

/* ---- the booking */
static int32_t
remember(struct push *p, json_object *booking)
{
	const struct csh *h = &p->h;
	int32_t rc = csh_need(h, booking, "/id");

	if (rc != CS_DONE)
		return rc;
	csh_receipt_put(h, "booking", csh_get(booking, "/id"));
	h->host->record(h->call, "booking", csh_get(booking, "/id"), NULL);
	return CS_DONE;
}

static int32_t
look_up(struct push *p, int *found)
{
	const struct csh *h = &p->h;
	const char *query = csh_printf(h, "externalId=%s&pageSize=10&includeTotal=true", csh_url(h, p->lead->event_id));
	struct st_pages pages = { .path = st_bookings_path(h), .query = query, .looks_for = csh_in_doubt(h, "booking") ? "booking" : NULL,
		.max = 3 };
	json_object *row;
	int32_t rc = CS_DONE;

	while (!*found && st_next_page(h, &pages))
		csh_each(i, row, csh_at(pages.answer, "/data"))
			if (!*found && csh_same_text(csh_get(row, "/externalId"), p->lead->event_id) && *csh_get(row, "/id")) {
				*found = 1;
				rc = remember(p, row);
			}
	st_pages_end(&pages);
	return rc != CS_DONE ? rc : pages.rc;
}

/* {"errors": {"CampaignId": ["..."]}}: takes those members out that a booking can do without. */
static int
leave_out(json_object *body, json_object *errors)
{
	static const char *const optional[] = { "campaignId", "businessUnitId", "jobTypeId", "address", "contacts", "start", "priority", NULL };
	int n = 0;

	if (!json_object_is_type(errors, json_type_object))
		return 0;
	json_object_object_foreach(errors, key, words) {
		(void)words;
		for (size_t i = 0; optional[i]; i++)
			if (strncasecmp(key, optional[i], strlen(optional[i])) == 0 && json_object_object_get_ex(body, optional[i], NULL)) {
				json_object_object_del(body, optional[i]);
				n++;
			}
	}
	return n;
}

static int32_t
create(struct push *p)
{
	const struct csh *h = &p->h;
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	const char *why;
	int found = 0;
	int32_t rc;

	if ((rc = csh_write(h, "booking", "POST", st_bookings_path(h), p->doc, &res, &answer)) != CS_DONE)
		return rc;
	why = csh_vendor_error(h, &res);
	if (res.status == 400 && leave_out(p->doc, csh_at(answer, "/errors"))) {
		csh_json_putp(&answer);
		if ((rc = csh_write(h, "booking", "POST", st_bookings_path(h), p->doc, &res, &answer)) != CS_DONE)
			return rc;
		if (res.status < 300)
			h->host->warn(h->call, "the booking was made without what ServiceTitan did not accept: %s", why);
	}
	if (res.status == 409 && ((rc = look_up(p, &found)) != CS_DONE || found))
		return rc;
	return res.status < 300 ? remember(p, answer) : st_refused(h, &res, "the booking was refused");
}

static int32_t
push_lead(struct push *p)
{
	int found = 0;
	int32_t rc;

	if (*csh_receipt(&p->h, "booking")) {
		p->h.host->record(p->h.call, "booking", csh_receipt(&p->h, "booking"), NULL);
		return CS_DONE;
	}
	if (csh_in_doubt(&p->h, "booking") && ((rc = look_up(p, &found)) != CS_DONE || found))
		return rc;
	if ((rc = know_customer(p)) != CS_DONE)
		return rc;
	/* whatever an override says: by this id it is found again */
	json_object_object_add(p->doc, "externalId", json_object_new_string(p->lead->event_id));
	return create(p);
}

int32_t
st_push(void *inst, struct cs_call *call, const struct cs_delivery *d)
{
	struct push p = { .h = { d->host, call }, .lead = d->lead };
	int32_t rc;

	(void)inst;
	if (!*csh_setting(&p.h, "tenant"))
		return d->host->fail(call, CS_REAUTH, "the tenant is not known: enter its id");
	if (d->kind == CS_PUSH_IDENTIFY)
		return st_identify(&p.h);
	if (d->kind == CS_PUSH_CHOICES)
		return st_choices(&p.h, d->what);
	if (d->kind == CS_PUSH_FETCH)
		return st_fetch(&p.h, d->what);
	if (d->kind != CS_PUSH_LEAD && d->kind != CS_PUSH_TEST)
		return CS_UNSUPPORTED;
	p.doc = csh_json_parse(d->document);
	if (json_object_is_type(p.doc, json_type_object)) {
		if (d->kind == CS_PUSH_TEST)
			csh_put(p.doc, "name", csh_printf(&p.h, "TEST %s", csh_get(p.doc, "/name")));
		rc = push_lead(&p);
	} else
		rc = d->host->fail(call, CS_REJECT, "the document is no JSON object: look at the connection's overrides");
	csh_json_putp(&p.doc);
	return rc;
}
