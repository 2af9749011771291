/* SPDX-License-Identifier: Apache-2.0 */
/*
 * customer.c - the caller's customer: the one remembered of the same caller, else search.
 *
 * "q" is loose (names and addresses too), so a hit counts only if a number, however it is written, or the whole e-mail agrees.
 * A lead must not land on a stranger. Who was found is completed: fields that are empty there, and a name only where it is the
 * caller's own. Where nobody is found the lead makes the customer.
 */
#include <string.h>
#include "housecall_pro.h"

/* ---- find */
static int
is_caller(const struct hcp_push *p, json_object *customer)
{
	const struct cs_lead_contact *c = p->lead->contact;

	return csh_phone_same(c->phone, csh_get(customer, "/mobile_number")) ||
	       csh_phone_same(c->phone, csh_get(customer, "/home_number")) ||
	       csh_phone_same(c->phone, csh_get(customer, "/work_number")) ||
	       (!*c->phone && csh_same_text(c->email, csh_get(customer, "/email")));
}

static int32_t
read_customer(struct hcp_push *p, const char *id)
{
	const struct csh *h = &p->h;
	struct cs_http_res res = CS_RES_INIT;
	int32_t rc = csh_read(h, "find", NULL, csh_printf(h, "/customers/%s", csh_url(h, id)), NULL, &res,
	    &p->customer);

	if (rc == CS_DONE && res.status < 300)
		rc = csh_need(h, p->customer, "/id");
	if (rc != CS_DONE || res.status < 300)
		return rc;
	csh_json_putp(&p->customer);
	return res.status == 404 ? CS_DONE : hcp_refused(h, &res, "the customer could not be read");
}

static int32_t
search_customer(struct hcp_push *p)
{
	const struct cs_lead_contact *c = p->lead->contact;
	const char *q = *c->phone ? csh_phone_national(&p->h, c->phone) : c->email;
	struct csh_pages pages = { .step = "find", .path = "/customers", .items = "/customers", .page_param = "page",
		.total = "/total_pages", .max = 4, .refused = hcp_refused };

	pages.query = csh_printf(&p->h, "q=%s&page_size=50&sort_by=created_at&sort_direction=desc", csh_url(&p->h, q));
	while (csh_next_page(&p->h, &pages)) {
		json_object *hits = csh_at(pages.answer, "/customers");

		for (size_t i = 0; i < csh_count(hits) && !p->customer; i++)
			if (is_caller(p, json_object_array_get_idx(hits, i)))
				p->customer = json_object_get(json_object_array_get_idx(hits, i));
		if (p->customer) {
			csh_pages_end(&pages);
			return CS_DONE;
		}
	}
	return pages.rc;
}

/* Put customer_id, and address_id where the street is one of the customer's, in the place of what map
 * wrote. */
static void
use_customer(struct hcp_push *p)
{
	const char *street = csh_get(p->doc, "/address/street");
	json_object *list = csh_at(p->customer, "/addresses");

	json_object_object_del(p->doc, "customer");
	csh_put(p->doc, "customer_id", csh_get(p->customer, "/id"));
	for (size_t i = 0; i < csh_count(list); i++) {
		json_object *a = json_object_array_get_idx(list, i);

		if (csh_same_text(street, csh_get(a, "/street")) && *csh_get(a, "/id")) {
			csh_put(p->doc, "address_id", csh_get(a, "/id"));
			json_object_object_del(p->doc, "address");
			return;
		}
	}
}

/* ---- complete */
/* What the customer lacks; new. Whether it gets texts, its tags and where it came from are the office's business. */
static json_object *
gaps_of(const struct hcp_push *p)
{
	static const char *const never[] = { "notifications_enabled", "lead_source", "tags", "addresses", "notes", "company", NULL };
	json_object *want = csh_at(p->doc, "/customer"), *gaps = csh_gaps(p->customer, want);
	const char *phone = csh_get(gaps, "/mobile_number");

	for (size_t i = 0; never[i]; i++)
		json_object_object_del(gaps, never[i]);
	if (csh_phone_same(phone, csh_get(p->customer, "/home_number")) || csh_phone_same(phone, csh_get(p->customer, "/work_number")))
		json_object_object_del(gaps, "mobile_number");
	if (csh_gaps_keep_name(gaps, p->customer, want, "first_name", "last_name"))
		json_object_object_del(gaps, "email");
	return gaps;
}

static int32_t
fill_gaps(struct hcp_push *p)
{
	const struct csh *h = &p->h;
	CSH_JSON gaps = gaps_of(p);
	CSH_JSON answer = NULL;
	struct cs_http_res res = CS_RES_INIT;
	int32_t rc;

	if (*csh_receipt(h, "update"))
		return CS_DONE;
	if (json_object_object_length(gaps) > 0) {
		rc = csh_write(h, "update", "PUT", csh_printf(h, "/customers/%s", csh_url(h, csh_get(p->customer, "/id"))), gaps, &res, &answer);
		if (rc != CS_DONE)
			return rc;
		if (res.status >= 300)
			h->host->warn(h->call, "empty fields of the customer could not be filled in: %s", csh_vendor_error(h, &res));
	}
	csh_receipt_put(h, "update", "done");
	return CS_DONE;
}

int32_t
hcp_find_customer(struct hcp_push *p)
{
	const char *known = csh_receipt(&p->h, "customer");
	int32_t rc = CS_DONE;

	if (!*known)
		known = csh_remembered(&p->h, "customer");
	if (*known && (rc = read_customer(p, known)) != CS_DONE)
		return rc;
	if (!p->customer && (rc = search_customer(p)) != CS_DONE)
		return rc;
	if (!*csh_get(p->customer, "/id"))
		return CS_DONE;
	csh_receipt_put(&p->h, "customer", csh_get(p->customer, "/id"));
	if (csh_at(p->doc, "/customer") && (rc = fill_gaps(p)) != CS_DONE)
		return rc;
	use_customer(p);
	return CS_DONE;
}
