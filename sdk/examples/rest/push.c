/*
 * push.c - find the caller, create or complete the contact.
 *
 *   find     the receipt of an earlier attempt, else what is remembered of the same caller, else a search by phone.
 *   contact  created with everything. 409 is a find: the answer names the contact.
 *   update   a contact that was found gets the fields that it lacks. Sent again it does no harm (on_doubt "repeat").
 *
 * Doubt about the contact is settled by its reference, our event_id.
 */
#include <string.h>
#include "rest.h"

struct push {
	struct csh h;
	const struct cs_lead *lead;
	json_object *doc, *found; /* owned; found: NULL when there is none */
	const char *id;
};

static void
keep(struct push *p, json_object *contact)
{
	csh_json_putp(&p->found);
	p->found = json_object_get(contact);
	p->id = csh_printf(&p->h, "%s", csh_get(contact, "/id"));
}

/* Not there: CS_DONE, and p->id stays "". */
static int32_t
read_contact(struct push *p, const char *id)
{
	const struct csh *h = &p->h;
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	int32_t rc = csh_read(h, "find", NULL, csh_printf(h, "/contacts/%s", csh_url(h, id)), NULL, &res, &answer);

	if (rc != CS_DONE || res.status == 404)
		return rc;
	if (res.status >= 300)
		return csh_refused(h, &res, "the contact could not be read");
	if ((rc = csh_need(h, answer, "/id")) == CS_DONE)
		keep(p, answer);
	return rc;
}

/* Searches find too much; only a contact with this very value counts. */
static int32_t
search(struct push *p, const char *looks_for, const char *field, const char *value)
{
	const struct csh *h = &p->h;
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	json_object *row;
	int32_t rc = csh_read(h, "find", looks_for, "/contacts", csh_printf(h, "%s=%s", field, csh_url(h, value)), &res, &answer);

	csh_heed_left(h, &res, "api", "x-ratelimit-remaining", 0);
	if (rc != CS_DONE)
		return rc;
	if (res.status >= 300)
		return csh_refused(h, &res, "the search was refused");
	if ((rc = csh_need_list(h, answer, "/contacts")) != CS_DONE)
		return rc;
	csh_each(i, row, csh_at(answer, "/contacts")) {
		const char *has = csh_get(row, csh_printf(h, "/%s", field));

		if (!*p->id && (csh_phone_same(has, value) || csh_same_text(has, value)))
			keep(p, row);
	}
	return CS_DONE;
}

static int32_t
find(struct push *p)
{
	const char *known = csh_receipt(&p->h, "contact");
	int32_t rc = CS_DONE;

	if (csh_in_doubt(&p->h, "contact"))
		rc = search(p, "contact", "reference", p->lead->event_id);
	if (!*known)
		known = csh_remembered(&p->h, "contact");
	if (rc == CS_DONE && !*p->id && *known)
		rc = read_contact(p, known); /* it may have been deleted since */
	if (rc == CS_DONE && !*p->id && *p->lead->contact->phone)
		rc = search(p, NULL, "phone", p->lead->contact->phone);
	return rc;
}

static int32_t
create(struct push *p)
{
	const struct csh *h = &p->h;
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	int32_t rc = csh_write(h, "contact", "POST", "/contacts", csh_at(p->doc, "/contact"), &res, &answer);

	csh_heed_left(h, &res, "api", "x-ratelimit-remaining", 0);
	if (rc != CS_DONE)
		return rc;
	if (res.status == 409 && *csh_get(answer, "/existing_id"))
		return read_contact(p, csh_get(answer, "/existing_id"));
	if (res.status >= 300)
		return csh_refused(h, &res, "the contact was refused");
	if ((rc = csh_need(h, answer, "/id")) != CS_DONE)
		return rc;
	p->id = csh_printf(h, "%s", csh_get(answer, "/id"));
	csh_receipt_put(h, "update", "new"); /* nothing is missing */
	return CS_DONE;
}

static int32_t
complete(struct push *p)
{
	const struct csh *h = &p->h;
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON gaps = csh_gaps(p->found, csh_at(p->doc, "/contact"));
	CSH_JSON answer = NULL;
	int32_t rc;

	if (!p->found || *csh_receipt(h, "update"))
		return CS_DONE;
	json_object_object_del(gaps, "reference"); /* of the lead that made it */
	if (json_object_object_length(gaps) > 0) {
		rc = csh_write(h, "update", "PATCH", csh_printf(h, "/contacts/%s", csh_url(h, p->id)), gaps, &res, &answer);
		if (rc != CS_DONE)
			return rc;
		if (res.status >= 300)
			h->host->warn(h->call, "empty fields could not be filled in: %s", csh_vendor_error(h, &res));
	}
	csh_receipt_put(h, "update", "done");
	return CS_DONE;
}

static int32_t
push_lead(struct push *p)
{
	int32_t rc;

	if ((rc = find(p)) != CS_DONE)
		return rc;
	if (!*p->id && (rc = create(p)) != CS_DONE)
		return rc;
	if (!*p->id)
		return p->h.host->fail(p->h.call, CS_RETRY, "the CRM has the contact, but does not show it");
	csh_receipt_put(&p->h, "contact", p->id);
	p->h.host->record(p->h.call, "contact", p->id, NULL);
	if ((rc = complete(p)) != CS_DONE)
		return rc;
	return rest_note(&p->h, p->lead, p->doc, p->id);
}

int32_t
rest_push(void *inst, struct cs_call *call, const struct cs_delivery *d)
{
	struct push p = { .h = { d->host, call }, .lead = d->lead, .id = "" };
	int32_t rc;

	(void)inst;
	if (d->kind == CS_PUSH_CHOICES)
		return rest_choices(&p.h, d->what);
	if (d->kind != CS_PUSH_LEAD && d->kind != CS_PUSH_TEST)
		return CS_UNSUPPORTED;
	p.doc = csh_json_parse(d->document);
	if (json_object_is_type(csh_at(p.doc, "/contact"), json_type_object))
		rc = push_lead(&p);
	else
		rc = d->host->fail(call, CS_REJECT, "the document has no contact: look at the connection's overrides");
	csh_json_putp(&p.found);
	csh_json_putp(&p.doc);
	return rc;
}
