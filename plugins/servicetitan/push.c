/* SPDX-License-Identifier: Apache-2.0 */
/*
 * push.c - is the caller a customer already? Then the booking, or the lead.
 *
 *   booking  its externalId is the lead's event id: in doubt, and when ServiceTitan speaks of a conflict, it is looked up by it.
 *   lead     has no such member. Our marker stands in its summary, for which the leads made since the call are read.
 *
 * A campaign, business unit or job type that is gone is left out, once, and the delivery says so: better in the wrong place than
 * not in. What an earlier attempt made counts, whatever the setting says by now.
 */
#include <string.h>
#include <strings.h>
#include "servicetitan.h"

#define HOUR_MS 3600000LL
#define PAGES_MAX 20

struct push {
	struct csh h;
	const struct cs_lead *lead;
	json_object *doc;
};

/* ---- what a call may become */
static const char *
booking_query(const struct push *p)
{
	return csh_printf(&p->h, "externalId=%s&pageSize=10&includeTotal=true", csh_url(&p->h, p->lead->event_id));
}

static int
is_booking(const struct push *p, json_object *row)
{
	return csh_same_text(csh_get(row, "/externalId"), p->lead->event_id);
}

/* Whatever an override says: by this id it is found again. */
static void
mark_booking(const struct push *p, const char *customer)
{
	if (*customer)
		csh_put_bool(p->doc, "isFirstTimeClient", 0);
	json_object_object_add(p->doc, "externalId", json_object_new_string(p->lead->event_id));
}

/* An hour for clocks that differ. */
static const char *
lead_query(const struct push *p)
{
	const char *since = csh_time(&p->h, p->lead->timestamp_ms - HOUR_MS);

	return csh_printf(&p->h, "createdOnOrAfter=%s&pageSize=200&sort=%%2BCreatedOn", csh_url(&p->h, since));
}

static int
is_lead(const struct push *p, json_object *row)
{
	return strstr(csh_get(row, "/summary"), csh_marker(&p->h, p->lead)) != NULL;
}

/* A follow-up whose time has passed while the lead waited is due in an hour. */
static void
mark_lead(const struct push *p, const char *customer)
{
	const struct csh *h = &p->h;
	const char *summary = csh_get(p->doc, "/summary"), *due = csh_get(p->doc, "/followUpDate");
	int64_t now_ms = h->host->now_ms(h->call);

	csh_put_number(p->doc, "customerId", customer);
	if (!strstr(summary, csh_marker(h, p->lead)))
		csh_put(p->doc, "summary", csh_printf(h, "%s\n%s", summary, csh_marker(h, p->lead)));
	if (*due && strcmp(due, csh_time(h, now_ms)) < 0)
		csh_put(p->doc, "followUpDate", csh_time(h, now_ms + HOUR_MS));
}

static const struct form {
	const char *name, *title; /* step and type of the record; member that names the caller */
	const char *(*path)(const struct csh *);
	const char *(*query)(const struct push *); /* what it may stand among */
	int (*is_it)(const struct push *, json_object *row);
	void (*mark)(const struct push *, const char *customer);
	const char *optional[8];  /* what it can do without */
} forms[] = {
	{ "booking", "name", st_bookings_path, booking_query, is_booking, mark_booking,
	  { "campaignId", "businessUnitId", "jobTypeId", "address", "contacts", "start", "priority", NULL } },
	{ "lead", "leadCustomerName", st_leads_path, lead_query, is_lead, mark_lead,
	  { "customerId", "businessUnitId", "jobTypeId", "leadPhone", "leadEmail", "leadCountry", "priority", NULL } },
};
#define FORMS (sizeof(forms) / sizeof(forms[0]))

static int32_t
remember(struct push *p, const struct form *f, json_object *record)
{
	const struct csh *h = &p->h;
	int32_t rc = csh_need(h, record, "/id");

	if (rc != CS_DONE)
		return rc;
	csh_receipt_put(h, f->name, csh_get(record, "/id"));
	h->host->record(h->call, f->name, csh_get(record, "/id"), NULL);
	return CS_DONE;
}

static int32_t
look_up(struct push *p, const struct form *f, int *found)
{
	const struct csh *h = &p->h;
	struct st_pages pages = { .path = f->path(h), .query = f->query(p), .looks_for = csh_in_doubt(h, f->name) ? f->name : NULL,
		.max = PAGES_MAX };
	json_object *row;
	int32_t rc = CS_DONE;

	while (!*found && st_next_page(h, &pages))
		csh_each(i, row, csh_at(pages.answer, "/data"))
			if (!*found && f->is_it(p, row) && *csh_get(row, "/id")) {
				*found = 1;
				rc = remember(p, f, row);
			}
	st_pages_end(&pages);
	if (pages.more && !*found)
		return h->host->fail(h->call, CS_REJECT, "the list in ServiceTitan is too long to find out whether the %s is there already: "
		    "look for %s and mark it as done", f->name, csh_marker(h, p->lead));
	return rc != CS_DONE ? rc : pages.rc;
}

/* {"errors": {"CampaignId": ["..."]}}: takes those members out that the record can do without. */
static int
leave_out(const struct form *f, json_object *body, json_object *errors)
{
	int n = 0;

	if (!json_object_is_type(errors, json_type_object))
		return 0;
	json_object_object_foreach(errors, key, words) {
		(void)words;
		for (size_t i = 0; f->optional[i]; i++)
			if (strncasecmp(key, f->optional[i], strlen(f->optional[i])) == 0 && json_object_object_get_ex(body, f->optional[i], NULL)) {
				json_object_object_del(body, f->optional[i]);
				n++;
			}
	}
	return n;
}

static int32_t
create(struct push *p, const struct form *f)
{
	const struct csh *h = &p->h;
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	const char *why;
	int found = 0;
	int32_t rc;

	if ((rc = csh_write(h, f->name, "POST", f->path(h), p->doc, &res, &answer)) != CS_DONE)
		return rc;
	why = csh_vendor_error(h, &res);
	if (res.status == 400 && leave_out(f, p->doc, csh_at(answer, "/errors"))) {
		csh_json_putp(&answer);
		if ((rc = csh_write(h, f->name, "POST", f->path(h), p->doc, &res, &answer)) != CS_DONE)
			return rc;
		if (res.status < 300)
			h->host->warn(h->call, "the %s was made without what ServiceTitan did not accept: %s", f->name, why);
	}
	if (res.status == 409 && ((rc = look_up(p, f, &found)) != CS_DONE || found))
		return rc;
	return res.status < 300 ? remember(p, f, answer) : st_refused(h, &res, csh_printf(h, "the %s was refused", f->name));
}

static int32_t
push_lead(struct push *p, int is_test)
{
	const struct csh *h = &p->h;
	const struct form *f = &forms[st_makes_leads(h)];
	const char *customer;
	int found = 0;
	int32_t rc;

	for (size_t i = 0; i < FORMS; i++) {
		if (*csh_receipt(h, forms[i].name)) {
			h->host->record(h->call, forms[i].name, csh_receipt(h, forms[i].name), NULL);
			return CS_DONE;
		}
		if (csh_in_doubt(h, forms[i].name) && ((rc = look_up(p, &forms[i], &found)) != CS_DONE || found))
			return rc;
	}
	if ((rc = st_ready(h)) != CS_DONE || (rc = st_customer(h, p->lead->contact, &customer)) != CS_DONE)
		return rc;
	if (is_test)
		csh_put(p->doc, f->title, csh_printf(h, "TEST %s", csh_get(p->doc, csh_printf(h, "/%s", f->title))));
	f->mark(p, customer);
	return create(p, f);
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
		rc = push_lead(&p, d->kind == CS_PUSH_TEST);
	} else
		rc = d->host->fail(call, CS_REJECT, "the document is no JSON object: look at the connection's overrides");
	csh_json_putp(&p.doc);
	return rc;
}
