/* SPDX-License-Identifier: Apache-2.0 */
/*
 * push.c - find the caller's client, create the lead or job, assign it.
 *
 *   client  what is remembered of the caller, else the client of a lead of the last weeks with the caller's number: Workiz
 *           has no search. Not found, Workiz makes the client itself. Clients cannot be changed, so nothing is completed.
 *   lead    one call. Refused for a name that the account's lists do not have, it is sent with the plain fields.
 *   job     the same, where calls become jobs at once (setting record).
 *   assign  beside the point of no return: refused, it is a remark on a lead that is in.
 *
 * Doubt about the lead: list the leads from the day before the call on and look for the marker in their notes. Success without
 * a UUID (204 has been seen) is doubt, too: the host sees that no receipt came. Lists go by the record's time, and nobody has
 * written down whether a job without one is listed: such a job, not found, needs a person. What an earlier attempt made counts,
 * whatever the setting says by now.
 */
#include <stdlib.h>
#include <string.h>
#include "workiz.h"

#define LOOK_PAGES 30
#define CALLER_PAGES 5
#define DAY_MS INT64_C(86400000)

/* What a call may become. */
static const struct form {
	const char *name, *create, *assign; /* step, list and type of the record; paths */
	const char *notes, *time;           /* its members */
	int is_listed_without_time;
} forms[] = {
	{ "lead", "/lead/create/", "/lead/assign/", "LeadNotes", "LeadDateTime", 1 },
	{ "job", "/job/create/", "/job/assign/", "JobNotes", "JobDateTime", 0 },
};
#define FORMS (sizeof(forms) / sizeof(forms[0]))

struct push {
	struct csh h;
	const struct cs_lead *lead;
	json_object *doc, *body; /* the document; the lead or job in it, ours to change */
	const struct form *form;
	const char *id;          /* of the lead or job; "" */
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

/* ---- lead or job */
static void
keep(struct push *p, json_object *record)
{
	const char *link = csh_get(record, "/link");

	p->id = csh_printf(&p->h, "%s", csh_get(record, "/UUID"));
	csh_receipt_put(&p->h, p->form->name, p->id);
	p->h.host->record(p->h.call, p->form->name, p->id, strncmp(link, "https://", 8) == 0 ? link : NULL);
	keep_client(p, client_of(record));
}

static int32_t
look(struct push *p)
{
	const struct csh *h = &p->h;
	const struct form *f = p->form;
	const char *notes = csh_printf(h, "/%s", f->notes);
	struct workiz_scan scan = { .step = "find", .looks_for = f->name, .list = f->name, .max = LOOK_PAGES,
		.since_ms = earliest_ms(p->lead) };
	json_object *row;

	while (!*p->id && workiz_next_page(h, &scan))
		csh_each(i, row, scan.rows)
			if (!*p->id && *csh_get(row, "/UUID") && strstr(csh_get(row, notes), csh_marker(h, p->lead)))
				keep(p, row);
	workiz_scan_end(&scan);
	if (scan.rc != CS_DONE || *p->id)
		return scan.rc;
	if (scan.more)
		return h->host->fail(h->call, CS_REJECT, "the %s may be in Workiz, but is not among its newest %d: look for \"%s\"", f->name,
		    LOOK_PAGES * 100, csh_marker(h, p->lead));
	if (!f->is_listed_without_time && !*csh_get(p->body, csh_printf(h, "/%s", f->time)))
		return h->host->fail(h->call, CS_REJECT, "the %s may be in Workiz, but one without a time need not be listed: look for \"%s\"",
		    f->name, csh_marker(h, p->lead));
	return CS_DONE;
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
create(struct push *p)
{
	const struct csh *h = &p->h;
	const struct form *f = p->form;
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	json_object *made;
	int32_t rc;

	if ((rc = csh_write(h, f->name, "POST", f->create, p->body, &res, &answer)) != CS_DONE)
		return rc;
	if ((res.status == 400 || res.status == 422) && drop_doubtful_fields(p->body) > 0) {
		const char *why = csh_vendor_error(h, &res);

		csh_json_putp(&answer);
		if ((rc = csh_write(h, f->name, "POST", f->create, p->body, &res, &answer)) != CS_DONE)
			return rc;
		if (res.status < 300)
			h->host->warn(h->call, "the %s was made without job type, source and area%s: %s", f->name,
			    f->is_listed_without_time ? ", and without its time" : "", why);
	}
	if ((rc = workiz_judge(h, &res, answer, csh_printf(h, "the %s was refused", f->name))) != CS_DONE)
		return rc;
	made = csh_at(answer, "/data/0") ? csh_at(answer, "/data/0") : csh_at(answer, "/data") ? csh_at(answer, "/data") : csh_at(answer, "/0");
	if (!*csh_get(made, "/UUID"))
		return h->host->fail(h->call, CS_RETRY, "Workiz took the %s but did not say its id", f->name);
	keep(p, made);
	return CS_DONE;
}

/* An override may have replaced the notes; without the marker a lead in doubt could not be found. */
static void
keep_marker(struct push *p)
{
	const char *notes = csh_get(p->body, csh_printf(&p->h, "/%s", p->form->notes)), *marker = csh_marker(&p->h, p->lead);

	if (!strstr(notes, marker))
		csh_put(p->body, p->form->notes, csh_printf(&p->h, "%s%s%s", notes, *notes ? "\n" : "", marker));
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
	if ((rc = csh_write(h, "assign", "POST", p->form->assign, body, &res, &answer)) != CS_DONE)
		return rc;
	if (res.status >= 300 || strcmp(csh_get(answer, "/flag"), "false") == 0)
		h->host->warn(h->call, "the %s is there, but was not assigned to anybody: %s", p->form->name, csh_vendor_error(h, &res));
	csh_receipt_put(h, "assign", "done");
	return CS_DONE;
}

/* ---- the push */
/* By an earlier attempt: p->id is set. */
static int32_t
find_made(struct push *p)
{
	const struct form *wanted = p->form;
	int32_t rc;

	for (size_t i = 0; i < FORMS && !*p->id; i++) {
		p->form = &forms[i];
		p->id = csh_receipt(&p->h, forms[i].name);
		if (csh_in_doubt(&p->h, forms[i].name) && (rc = look(p)) != CS_DONE)
			return rc;
	}
	p->form = *p->id ? p->form : wanted;
	return CS_DONE;
}

static int32_t
push_lead(struct push *p)
{
	int32_t rc = find_made(p);

	if (rc != CS_DONE)
		return rc;
	if (!*p->id) {
		if ((rc = find_client(p)) != CS_DONE)
			return rc;
		keep_marker(p);
		if ((rc = create(p)) != CS_DONE)
			return rc;
	}
	return assign(p);
}

int32_t
workiz_push(void *inst, struct cs_call *call, const struct cs_delivery *d)
{
	struct push p = { .h = { d->host, call }, .lead = d->lead, .id = "" };
	int32_t rc;

	(void)inst;
	if (d->kind == CS_PUSH_IDENTIFY)
		return workiz_identify(&p.h);
	if (d->kind == CS_PUSH_FETCH)
		return workiz_fetch(&p.h, d->what);
	if (d->kind != CS_PUSH_LEAD && d->kind != CS_PUSH_TEST)
		return CS_UNSUPPORTED;
	p.doc = csh_json_parse(d->document);
	p.form = &forms[json_object_is_type(csh_at(p.doc, "/job"), json_type_object)];
	p.body = csh_at(p.doc, csh_printf(&p.h, "/%s", p.form->name));
	if (json_object_is_type(p.body, json_type_object))
		rc = push_lead(&p);
	else
		rc = d->host->fail(call, CS_REJECT, "the document has no lead: look at the connection's overrides");
	csh_json_putp(&p.doc);
	return rc;
}
