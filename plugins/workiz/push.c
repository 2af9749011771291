/* SPDX-License-Identifier: Apache-2.0 */
/*
 * push.c - find the caller's client, create the lead, assign it.
 *
 *   client  what is remembered of the caller, else the client of a lead of the last weeks with the caller's number: Workiz
 *           has no search. Not found, Workiz makes the client itself. Clients cannot be changed, so nothing is completed.
 *   lead    one call. Refused for a name that the account's lists do not have, it is sent with the plain fields.
 *   assign  beside the point of no return: refused, it is a remark on a lead that is in.
 *
 * Doubt about the lead: list the leads from the day before the call on and look for the marker in their notes. Success without
 * a UUID (204 has been seen) is doubt, too: the host sees that no receipt came.
 */
#include <stdlib.h>
#include <string.h>
#include "workiz.h"

#define LOOK_PAGES 30
#define CALLER_PAGES 5
#define DAY_MS INT64_C(86400000)

struct push {
	struct csh h;
	const struct cs_lead *lead;
	json_object *doc, *body; /* the document; the lead in it, ours to change */
	const char *id;          /* of the lead; "" */
};

/* ---- client */
static int
is_caller(const struct push *p, json_object *row)
{
	const struct cs_lead_contact *c = p->lead->contact;

	return csh_phone_same(c->phone, csh_get(row, "/Phone")) || csh_phone_same(c->phone, csh_get(row, "/SecondPhone")) ||
	    (!*c->phone && csh_same_text(c->email, csh_get(row, "/Email")));
}

static const char *
client_of(json_object *row)
{
	return csh_get_or(row, "/ClientId", csh_get(row, "/Client_id"));
}

static void
keep_client(struct push *p, const char *id)
{
	if (!csh_is_digits(id))
		return;
	csh_receipt_put(&p->h, "client", id);
	p->h.host->record(p->h.call, "client", id, NULL);
}

/* A lead's date is the preferred time where that was sent, else the day it came in. */
static int64_t
earliest_ms(const struct cs_lead *lead)
{
	const struct cs_lead_request *r = lead->request;

	return (r->has_preferred_at && r->preferred_at_ms < lead->timestamp_ms ? r->preferred_at_ms : lead->timestamp_ms) - DAY_MS;
}

/* Leads of the last weeks; for a lead that comes late also those of its own time. */
static int64_t
callers_since_ms(struct push *p, int64_t days)
{
	int64_t since_ms = p->h.host->now_ms(p->h.call) - days * DAY_MS, own_ms = earliest_ms(p->lead);

	return own_ms < since_ms ? own_ms : since_ms;
}

static int32_t
find_client(struct push *p)
{
	const struct csh *h = &p->h;
	const char *id = csh_receipt(h, "client");
	int64_t days = strtoll(csh_setting(h, "lookback_days"), NULL, 10);
	struct workiz_scan scan = { .step = "find", .list = "lead", .max = CALLER_PAGES,
		.since_ms = callers_since_ms(p, days) };
	json_object *row;

	if (!*id)
		id = csh_remembered(h, "client");
	while (!*id && days > 0 && workiz_next_page(h, &scan))
		csh_each(i, row, scan.rows)
			if (!*id && is_caller(p, row) && csh_is_digits(client_of(row)))
				id = csh_printf(h, "%s", client_of(row));
	workiz_scan_end(&scan);
	if (!*id && scan.is_odd)
		h->host->warn(h->call, "Workiz listed nothing in an odd form, so the caller may have got a second client");
	if (!*id)
		return scan.rc;
	csh_put_number(p->body, "ClientId", id);
	keep_client(p, id);
	return CS_DONE;
}

/* ---- lead */
static void
keep_lead(struct push *p, json_object *lead)
{
	const char *link = csh_get(lead, "/link");

	p->id = csh_printf(&p->h, "%s", csh_get(lead, "/UUID"));
	csh_receipt_put(&p->h, "lead", p->id);
	p->h.host->record(p->h.call, "lead", p->id, strncmp(link, "https://", 8) == 0 ? link : NULL);
	keep_client(p, client_of(lead));
}

static int32_t
look(struct push *p)
{
	const struct csh *h = &p->h;
	struct workiz_scan scan = { .step = "find", .looks_for = "lead", .list = "lead", .max = LOOK_PAGES,
		.since_ms = earliest_ms(p->lead) };
	json_object *row;

	while (!*p->id && workiz_next_page(h, &scan))
		csh_each(i, row, scan.rows)
			if (!*p->id && *csh_get(row, "/UUID") && strstr(csh_get(row, "/LeadNotes"), csh_marker(h, p->lead)))
				keep_lead(p, row);
	workiz_scan_end(&scan);
	if (scan.rc == CS_DONE && !*p->id && scan.more)
		return h->host->fail(h->call, CS_REJECT, "the lead may be in Workiz, but is not among its newest %d: look for \"%s\"",
		    LOOK_PAGES * 100, csh_marker(h, p->lead));
	return scan.rc;
}

/* What Workiz may refuse because the account has no such name, or because of how a time is written. 0: there is none of it. */
static int
drop_doubtful_fields(json_object *body)
{
	static const char *const names[] = { "JobType", "JobSource", "ServiceArea", "LeadDateTime", "LeadEndDateTime", "Timezone" };
	int n = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (json_object_object_get_ex(body, names[i], NULL)) {
			json_object_object_del(body, names[i]);
			n++;
		}
	return n;
}

static int32_t
create_lead(struct push *p)
{
	const struct csh *h = &p->h;
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	json_object *made;
	int32_t rc;

	if ((rc = csh_write(h, "lead", "POST", "/lead/create/", p->body, &res, &answer)) != CS_DONE)
		return rc;
	if ((res.status == 400 || res.status == 422) && drop_doubtful_fields(p->body) > 0) {
		const char *why = csh_vendor_error(h, &res);

		csh_json_putp(&answer);
		if ((rc = csh_write(h, "lead", "POST", "/lead/create/", p->body, &res, &answer)) != CS_DONE)
			return rc;
		if (res.status < 300)
			h->host->warn(h->call, "the lead was made without job type, source, area and time: %s", why);
	}
	if ((rc = workiz_judge(h, &res, answer, "the lead was refused")) != CS_DONE)
		return rc;
	made = csh_at(answer, "/data/0") ? csh_at(answer, "/data/0") : csh_at(answer, "/data");
	if (!*csh_get(made, "/UUID"))
		return h->host->fail(h->call, CS_RETRY, "Workiz took the lead but did not say its id");
	keep_lead(p, made);
	return CS_DONE;
}

/* An override may have replaced the notes; without the marker a lead in doubt could not be found. */
static void
keep_marker(struct push *p)
{
	const char *notes = csh_get(p->body, "/LeadNotes"), *marker = csh_marker(&p->h, p->lead);

	if (!strstr(notes, marker))
		csh_put(p->body, "LeadNotes", csh_printf(&p->h, "%s%s%s", notes, *notes ? "\n" : "", marker));
}

/* ---- assign */
static int32_t
assign(struct push *p)
{
	const struct csh *h = &p->h;
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON body = json_object_new_object();
	CSH_JSON answer = NULL;
	const char *user = csh_get(p->doc, "/assign/User");
	int32_t rc;

	if (!*user || *csh_receipt(h, "assign"))
		return CS_DONE;
	csh_put(body, "UUID", p->id);
	csh_put(body, "User", user);
	if ((rc = csh_write(h, "assign", "POST", "/lead/assign/", body, &res, &answer)) != CS_DONE)
		return rc;
	if (res.status >= 300 || strcmp(csh_get(answer, "/flag"), "false") == 0)
		h->host->warn(h->call, "the lead is there, but was not assigned to anybody: %s", csh_vendor_error(h, &res));
	csh_receipt_put(h, "assign", "done");
	return CS_DONE;
}

/* ---- the push */
static int32_t
push_lead(struct push *p)
{
	int32_t rc;

	p->id = csh_receipt(&p->h, "lead");
	if (csh_in_doubt(&p->h, "lead") && (rc = look(p)) != CS_DONE)
		return rc;
	if (!*p->id) {
		if ((rc = find_client(p)) != CS_DONE)
			return rc;
		keep_marker(p);
		if ((rc = create_lead(p)) != CS_DONE)
			return rc;
	}
	return assign(p);
}

int32_t
workiz_push(void *inst, struct cs_call *call, const struct cs_delivery *d)
{
	struct push p = { .h = { d->host, call }, .lead = d->lead };
	int32_t rc;

	(void)inst;
	if (d->kind == CS_PUSH_IDENTIFY)
		return workiz_identify(&p.h);
	if (d->kind == CS_PUSH_FETCH)
		return workiz_fetch(&p.h, d->what);
	if (d->kind != CS_PUSH_LEAD && d->kind != CS_PUSH_TEST)
		return CS_UNSUPPORTED;
	p.doc = csh_json_parse(d->document);
	p.body = csh_at(p.doc, "/lead");
	if (json_object_is_type(p.body, json_type_object))
		rc = push_lead(&p);
	else
		rc = d->host->fail(call, CS_REJECT, "the document has no lead: look at the connection's overrides");
	csh_json_putp(&p.doc);
	return rc;
}
