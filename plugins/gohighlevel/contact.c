/* SPDX-License-Identifier: Apache-2.0 */
/*
 * contact.c - the caller as a contact of the sub-account.
 *
 *   contact  the receipt of an earlier attempt, else the contact remembered of the same caller, read by id; else the vendor's search
 *            for duplicates, by number and then by e-mail (asked together, a setting of the location decides which counts). A
 *            hit is compared all the same. A create that is refused with 400 because the caller is there already names the
 *            contact: a find. One that is refused with 422 may have made it nevertheless: it is searched once more.
 *   tags     of a found contact: added, none is taken away. (The upsert of the API would replace them.)
 *   update   of a found contact: only fields that are empty there. An address is filled in as a whole or not at all.
 */
#include <string.h>
#include "gohighlevel.h"

static json_object *
wanted(const struct ghl_push *p)
{
	return csh_at(p->doc, "/contact");
}

/* ---- find */
static void
keep(struct ghl_push *p, json_object *contact)
{
	json_object *was = p->contact;

	p->contact = json_object_get(contact);
	json_object_put(was);
	p->id = csh_printf(&p->h, "%s", csh_get(contact, "/id"));
}

static int32_t
read_contact(struct ghl_push *p, const char *looks_for, const char *id)
{
	const struct csh *h = &p->h;
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	int32_t rc = ghl_read(h, "find", looks_for, csh_printf(h, "/contacts/%s", csh_url(h, id)), NULL, &res, &answer);

	if (rc != CS_DONE || ghl_is_gone(&res, answer))
		return rc;
	if (res.status >= 300)
		return ghl_refused(h, &res, "the contact could not be read");
	if ((rc = csh_need(h, answer, "/contact/id")) == CS_DONE)
		keep(p, csh_at(answer, "/contact"));
	return rc;
}

static int
is_caller(const struct ghl_push *p, json_object *contact)
{
	const struct cs_lead_contact *c = p->lead->contact;
	json_object *row;

	if (csh_phone_same(c->phone, csh_get(contact, "/phone")) || csh_same_text(c->email, csh_get(contact, "/email")))
		return 1;
	csh_each(i, row, csh_at(contact, "/additionalPhones"))
		if (csh_phone_same(c->phone, csh_get(row, "/phone")))
			return 1;
	csh_each(i, row, csh_at(contact, "/additionalEmails"))
		if (csh_same_text(c->email, csh_get(row, "/email")))
			return 1;
	return 0;
}

static int32_t
search(struct ghl_push *p, const char *looks_for, const char *by, const char *value)
{
	const struct csh *h = &p->h;
	struct csh_str query = CSH_STR(h);
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	int32_t rc;

	if (!*value || *p->id)
		return CS_DONE;
	csh_query_add(&query, "locationId", ghl_location(h));
	csh_query_add(&query, by, value);
	if ((rc = ghl_read(h, "find", looks_for, "/contacts/search/duplicate", csh_text(&query), &res, &answer)) != CS_DONE)
		return rc;
	if (res.status >= 300)
		return ghl_refused(h, &res, "the search for the caller was refused");
	if (!json_object_is_type(answer, json_type_object) || !json_object_object_get_ex(answer, "contact", NULL))
		return csh_need(h, answer, "/contact/id");
	if (!csh_at(answer, "/contact"))
		return CS_DONE;
	if ((rc = csh_need(h, answer, "/contact/id")) == CS_DONE && is_caller(p, csh_at(answer, "/contact")))
		keep(p, csh_at(answer, "/contact"));
	return rc;
}

static int32_t
search_both(struct ghl_push *p, const char *looks_for)
{
	int32_t rc = search(p, looks_for, "number", p->lead->contact->phone);

	return rc == CS_DONE ? search(p, looks_for, "email", p->lead->contact->email) : rc;
}

static int32_t
find(struct ghl_push *p)
{
	const char *known = csh_receipt(&p->h, "contact");
	const char *looks_for = csh_in_doubt(&p->h, "contact") ? "contact" : NULL;
	int32_t rc;

	if (!*known) /* also in doubt: another lead of the caller may have made it meanwhile */
		known = csh_remembered(&p->h, "contact");
	if (*known && ((rc = read_contact(p, looks_for, known)) != CS_DONE || *p->id))
		return rc;
	return search_both(p, looks_for);
}

/* ---- create */
/* ["email must be an email"]: takes the fields out that are named first in a message. 0: none that could be missed. */
static int
leave_out(json_object *body, json_object *messages)
{
	static const char *const optional[] = { "email", "phone", "country", "state", "postalCode", "city", "address1", "source",
		"assignedTo", "tags", "customFields", NULL };
	json_object *row;
	int n = 0;

	csh_each(i, row, messages) {
		const char *words = json_object_is_type(row, json_type_string) ? json_object_get_string(row) : "";

		for (size_t k = 0; optional[k]; k++) {
			size_t len = strlen(optional[k]);

			if (strncmp(words, optional[k], len) != 0 || (words[len] != ' ' && words[len] != '.') ||
			    !json_object_object_get_ex(body, optional[k], NULL))
				continue;
			json_object_object_del(body, optional[k]);
			n++;
		}
	}
	return n;
}

static int32_t
adopt(struct ghl_push *p, json_object *answer)
{
	int32_t rc = read_contact(p, NULL, csh_get(answer, "/meta/contactId"));

	if (rc == CS_DONE && !*p->id)
		return p->h.host->fail(p->h.call, CS_RETRY, "HighLevel says the contact exists already, but does not show it");
	return rc;
}

static int32_t
made(struct ghl_push *p, json_object *answer)
{
	const struct csh *h = &p->h;
	int32_t rc = csh_need(h, answer, "/contact/id");

	if (rc != CS_DONE)
		return rc;
	keep(p, csh_at(answer, "/contact"));
	csh_receipt_put(h, "contact", p->id);
	csh_receipt_put(h, "tags", "new");
	csh_receipt_put(h, "update", "new");
	p->is_new = 1;
	return CS_DONE;
}

static int32_t
create(struct ghl_push *p)
{
	const struct csh *h = &p->h;
	struct cs_http_res res = CS_RES_INIT;
	json_object *copied = NULL;
	CSH_JSON body = NULL;
	CSH_JSON answer = NULL;
	const char *why;
	int32_t rc;

	json_object_deep_copy(wanted(p), &copied, NULL);
	body = copied;
	if ((rc = ghl_write(h, "contact", "POST", "/contacts/", body, &res, &answer)) != CS_DONE)
		return rc;
	if (res.status == 422) {
		why = csh_vendor_error(h, &res);
		if ((rc = search_both(p, NULL)) != CS_DONE || *p->id)
			return rc; /* it was made all the same */
		if (!leave_out(body, csh_at(answer, "/message")))
			return ghl_refused(h, &res, "the contact was refused");
		csh_json_putp(&answer);
		if ((rc = ghl_write(h, "contact", "POST", "/contacts/", body, &res, &answer)) != CS_DONE)
			return rc;
		if (res.status < 300)
			h->host->warn(h->call, "the contact was made without what HighLevel did not accept: %s", why);
	}
	if (res.status == 400 && *csh_get(answer, "/meta/contactId"))
		return adopt(p, answer);
	return res.status < 300 ? made(p, answer) : ghl_refused(h, &res, "the contact was refused");
}

/* ---- complete */
static int32_t
add_tags(struct ghl_push *p)
{
	const struct csh *h = &p->h;
	CSH_JSON body = json_object_new_object();
	CSH_JSON answer = NULL;
	struct cs_http_res res = CS_RES_INIT;
	int32_t rc;

	if (csh_count(csh_at(wanted(p), "/tags")) == 0)
		return CS_DONE;
	json_object_object_add(body, "tags", json_object_get(csh_at(wanted(p), "/tags")));
	rc = ghl_write(h, "tags", "POST", csh_printf(h, "/contacts/%s/tags", csh_url(h, p->id)), body, &res, &answer);
	if (rc == CS_DONE && res.status >= 300)
		h->host->warn(h->call, "the tags could not be added to the contact: %s", csh_vendor_error(h, &res));
	return rc;
}

/* Of the custom fields those that have no value there. */
static json_object *
custom_gaps(const struct ghl_push *p)
{
	json_object *out = json_object_new_array(), *want, *row;

	csh_each(i, want, csh_at(wanted(p), "/customFields")) {
		int is_there = 0;

		csh_each(k, row, csh_at(p->contact, "/customFields"))
			is_there |= csh_same_text(csh_get(row, "/id"), csh_get(want, "/id")) && csh_at(row, "/value");
		if (!is_there)
			json_object_array_add(out, json_object_get(want));
	}
	return out;
}

static json_object *
gaps(const struct ghl_push *p)
{
	static const char *const address[] = { "address1", "city", "postalCode", "state", "country", NULL };
	static const char *const never[] = { "locationId", "tags", "customFields", "source", "assignedTo", "companyName" };
	json_object *o = csh_gaps(p->contact, wanted(p));

	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		json_object_object_del(o, never[i]);
	csh_gaps_keep_address(o, p->contact, address);
	if (csh_gaps_keep_name(o, p->contact, wanted(p), "firstName", "lastName"))
		json_object_object_del(o, "email");
	csh_put_new(o, "customFields", custom_gaps(p));
	return o;
}

static int32_t
fill_gaps(struct ghl_push *p)
{
	const struct csh *h = &p->h;
	CSH_JSON body = gaps(p);
	CSH_JSON answer = NULL;
	struct cs_http_res res = CS_RES_INIT;
	int32_t rc;

	if (json_object_object_length(body) == 0)
		return CS_DONE;
	rc = ghl_write(h, "update", "PUT", csh_printf(h, "/contacts/%s", csh_url(h, p->id)), body, &res, &answer);
	if (rc == CS_DONE && res.status >= 300)
		h->host->warn(h->call, "empty fields of the contact could not be filled in: %s", csh_vendor_error(h, &res));
	return rc;
}

static int32_t
complete(struct ghl_push *p)
{
	const struct csh *h = &p->h;
	int32_t rc;

	if (!*csh_receipt(h, "tags")) {
		if ((rc = add_tags(p)) != CS_DONE)
			return rc;
		csh_receipt_put(h, "tags", "added");
	}
	if (!*csh_receipt(h, "update")) {
		if ((rc = fill_gaps(p)) != CS_DONE)
			return rc;
		csh_receipt_put(h, "update", "done");
	}
	return CS_DONE;
}

int32_t
ghl_contact(struct ghl_push *p)
{
	const struct csh *h = &p->h;
	int32_t rc = CS_DONE;

	if (*csh_receipt(h, "contact") && *csh_receipt(h, "tags") && *csh_receipt(h, "update"))
		p->id = csh_receipt(h, "contact");
	else {
		if ((rc = find(p)) != CS_DONE || (!*p->id && (rc = create(p)) != CS_DONE))
			return rc;
		csh_receipt_put(h, "contact", p->id);
		if (!p->is_new)
			rc = complete(p);
	}
	h->host->record(h->call, "contact", p->id, NULL);
	return rc;
}
