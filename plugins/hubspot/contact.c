/* SPDX-License-Identifier: Apache-2.0 */
/*
 * contact.c - the caller's contact: found, created or completed.
 *
 *   find     the receipt of an earlier attempt, else the contact remembered of the same caller, read by id;
 *            else search by phone and e-mail. Search is over-inclusive and lags up to 30 s, so every hit is
 *            checked, and a create that HubSpot answers with 409 is a find: its message names the contact.
 *   create   with everything; where the account lacks a property or option, with the standard fields.
 *   complete only fields that are empty there, the lifecycle stage never, a name only where it is the caller's own,
 *            an address as a whole.
 *
 * Doubt: read it by the marker property, then by e-mail (neither lags), then search, which is safe once the manifest's
 * lookup_lag has passed.
 */
#include <string.h>
#include "hubspot.h"

#define SEARCH_HITS 20
#define SEARCH_LAG_MS 35000
#define CALCULATED "hs_searchable_calculated_phone_number" /* national digits, made by HubSpot */

static json_object *
wanted(const struct hubspot_push *p)
{
	return csh_at(p->doc, "/contact/properties");
}

/* ---- find */
/* All that is compared or completed: "email,phone,..." */
static const char *
property_list(const struct hubspot_push *p)
{
	struct csh_str s = CSH_STR(&p->h);

	csh_adds(&s, "email,phone,mobilephone," CALCULATED);
	json_object_object_foreach(wanted(p), key, value) {
		(void)value;
		if (strcmp(key, "email") == 0 || strcmp(key, "phone") == 0)
			continue;
		csh_adds(&s, ",");
		csh_adds(&s, key);
	}
	return csh_text(&s);
}

/* Take over `o`, a contact object, as the one found. */
static void
keep(struct hubspot_push *p, json_object *o)
{
	csh_json_putp(&p->contact);
	p->contact = json_object_get(o);
	p->id = csh_get(p->contact, "/id");
}

/* By id, or by the value of a unique property. Not there: CS_DONE with p->id "". */
static int32_t
read_contact(struct hubspot_push *p, const char *looks_for, const char *id, const char *id_property)
{
	const struct csh *h = &p->h;
	const char *query = csh_printf(h, "properties=%s", csh_url(h, property_list(p)));
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	int32_t rc;

	if (id_property)
		query = csh_printf(h, "idProperty=%s&%s", csh_url(h, id_property), query);
	rc = hubspot_read(h, "find", looks_for, hubspot_path(h, "contacts/", csh_url(h, id)), query, &res,
	    &answer);
	if (rc != CS_DONE || res.status == 404)
		return rc;
	if (res.status >= 300)
		return hubspot_refused(h, &res, "the contact could not be read");
	if ((rc = csh_need(h, answer, "/id")) == CS_DONE)
		keep(p, answer);
	return rc;
}

static void
add_filter(json_object *groups, const char *property, const char *value)
{
	json_object *f = json_object_new_object(), *fs = json_object_new_array(),
	    *g = json_object_new_object();

	if (*value) {
		csh_put(f, "propertyName", property);
		csh_put(f, "operator", "EQ");
		csh_put(f, "value", value);
		json_object_array_add(fs, f);
		json_object_object_add(g, "filters", fs);
		json_object_array_add(groups, g);
		return;
	}
	json_object_put(f);
	json_object_put(fs);
	json_object_put(g);
}

static json_object *
search_body(const struct hubspot_push *p)
{
	const struct cs_lead_contact *c = p->lead->contact;
	json_object *o = json_object_new_object(), *groups = json_object_new_array(),
	    *props = json_object_new_array();
	char *list = csh_printf(&p->h, "%s", property_list(p)), *rest = NULL, *name;

	add_filter(groups, CALCULATED, csh_phone_national(&p->h, c->phone));
	add_filter(groups, "phone", c->phone);
	add_filter(groups, "mobilephone", c->phone);
	add_filter(groups, "email", c->email);
	for (name = strtok_r(list, ",", &rest); name; name = strtok_r(NULL, ",", &rest))
		json_object_array_add(props, json_object_new_string(name));
	json_object_object_add(o, "filterGroups", groups);
	json_object_object_add(o, "properties", props);
	json_object_object_add(o, "sorts", json_object_new_array());
	json_object_object_add(o, "limit", json_object_new_int(SEARCH_HITS));
	csh_put(o, "after", "0");
	return o;
}

/* 2 for the caller's number, 1 for the e-mail, 0: HubSpot meant well. */
static int
agreement(const struct hubspot_push *p, json_object *hit)
{
	const char *phone = p->lead->contact->phone;
	int same_phone = csh_phone_same(phone, csh_get(hit, "/properties/phone")) ||
	                 csh_phone_same(phone, csh_get(hit, "/properties/mobilephone")) ||
	                 csh_phone_same(phone, csh_get(hit, "/properties/" CALCULATED));

	return 2 * same_phone + csh_same_text(p->lead->contact->email, csh_get(hit, "/properties/email"));
}

static int32_t
search(struct hubspot_push *p, const char *looks_for)
{
	CSH_JSON body = search_body(p);
	CSH_JSON answer = NULL;
	struct cs_http_res res = CS_RES_INIT;
	json_object *hit, *best = NULL;
	int32_t rc;
	int most = 0;

	if ((rc = hubspot_search(&p->h, "find", looks_for, body, &res, &answer)) != CS_DONE)
		return rc;
	if (res.status >= 300)
		return hubspot_refused(&p->h, &res, "the search for the caller was refused");
	if ((rc = csh_need_list(&p->h, answer, "/results")) != CS_DONE)
		return rc;
	csh_each(i, hit, csh_at(answer, "/results"))
		if (agreement(p, hit) > most) {
			most = agreement(p, hit);
			best = hit;
		}
	if (best)
		keep(p, best);
	return CS_DONE;
}

/* A create was sent and nobody knows: ask what does not lag first. */
static int32_t
look_after_doubt(struct hubspot_push *p)
{
	const char *marker = csh_setting(&p->h, "event_id_property"), *email = p->lead->contact->email;
	int32_t rc = CS_DONE;

	if (*marker)
		rc = read_contact(p, "contact", p->lead->event_id, marker);
	if (rc == CS_DONE && !*p->id && *email)
		rc = read_contact(p, "contact", email, "email");
	if (rc == CS_DONE && !*p->id)
		rc = search(p, "contact");
	return rc;
}

static int32_t
find_contact(struct hubspot_push *p)
{
	const char *known = csh_receipt(&p->h, "contact");
	int in_doubt = csh_in_doubt(&p->h, "contact");
	int32_t rc;

	if (!*known) /* also in doubt: another lead of the caller may have made it meanwhile */
		known = csh_remembered(&p->h, "contact");
	if (*known) {
		rc = read_contact(p, in_doubt ? "contact" : NULL, known, NULL);
		if (rc != CS_DONE || *p->id)
			return rc;
	}
	/* nothing known, or it was deleted or merged since */
	return in_doubt ? look_after_doubt(p) : search(p, NULL);
}

/* ---- create */
static int
is_standard(const char *property)
{
	static const char *const names[] = { "firstname", "lastname", "phone", "email", "address", "city",
	    "state", "zip", "country" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(property, names[i]) == 0)
			return 1;
	return 0;
}

/* The same contact with the fields that every account has; new. */
static json_object *
plain_contact(const struct hubspot_push *p)
{
	json_object *o = json_object_new_object(), *props = json_object_new_object();

	json_object_object_foreach(wanted(p), key, value)
		if (is_standard(key))
			json_object_object_add(props, key, json_object_get(value));
	json_object_object_add(o, "properties", props);
	json_object_object_add(o, "associations", json_object_new_array());
	return o;
}

/* 409: "Contact already exists. Existing ID: 37765128953" */
static int32_t
adopt_existing(struct hubspot_push *p, json_object *answer)
{
	const char *id = strstr(csh_get(answer, "/message"), "Existing ID: ");
	int32_t rc;

	if (id)
		rc = read_contact(p, NULL, csh_strndup(&p->h, id + 13, strspn(id + 13, "0123456789")), NULL);
	else
		rc = read_contact(p, NULL, p->lead->contact->email, "email");
	if (rc == CS_DONE && !*p->id)
		return p->h.host->fail(p->h.call, CS_RETRY,
		    "HubSpot says the contact exists already, but does not show it");
	return rc;
}

static int32_t
create_contact(struct hubspot_push *p)
{
	const struct csh *h = &p->h;
	const char *path = hubspot_path(h, "contacts", "");
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	int32_t rc;

	if ((rc = hubspot_write(h, "contact", "POST", path, csh_at(p->doc, "/contact"), &res,
	    &answer)) != CS_DONE)
		return rc;
	if (res.status == 400) { /* most often a property or option that this account does not have */
		CSH_JSON plain = plain_contact(p);
		const char *why = hubspot_words(h, &res);

		csh_json_putp(&answer);
		if ((rc = hubspot_write(h, "contact", "POST", path, plain, &res, &answer)) != CS_DONE)
			return rc;
		if (res.status < 300)
			h->host->warn(h->call, "the contact was made with the standard fields only: %s", why);
	}
	if (res.status == 409)
		return adopt_existing(p, answer);
	if (res.status >= 300)
		return hubspot_refused(h, &res, "the contact was refused");
	if (!*csh_get(answer, "/id")) { /* it will be found, once the search index has it */
		h->host->retry_after(h->call, SEARCH_LAG_MS);
		return h->host->fail(h->call, CS_RETRY, "HubSpot took the contact but did not say its id");
	}
	keep(p, answer);
	csh_receipt_put(h, "update", "new");
	p->is_new = 1;
	return CS_DONE;
}

/* ---- complete */
/* What the contact lacks; new. */
static json_object *
gaps_of(const struct hubspot_push *p)
{
	static const char *const address[] = { "address", "city", "zip", "state", "country", NULL };
	json_object *has = csh_at(p->contact, "/properties"), *gaps = csh_gaps(has, wanted(p));

	json_object_object_del(gaps, "lifecyclestage");
	if (csh_phone_same(csh_get(gaps, "/phone"), csh_get(has, "/mobilephone")))
		json_object_object_del(gaps, "phone");
	if (*csh_get(gaps, "/firstname") && strcmp(csh_get(gaps, "/firstname"), p->lead->contact->phone) == 0)
		json_object_object_del(gaps, "firstname"); /* our stand-in for a name */
	csh_gaps_keep_address(gaps, has, address);
	if (csh_gaps_keep_name(gaps, has, wanted(p), "firstname", "lastname"))
		json_object_object_del(gaps, "email");
	return gaps;
}

static int32_t
fill_gaps(struct hubspot_push *p)
{
	const struct csh *h = &p->h;
	CSH_JSON body = json_object_new_object();
	CSH_JSON answer = NULL;
	json_object *gaps = gaps_of(p);
	struct cs_http_res res = CS_RES_INIT;
	int32_t rc;

	json_object_object_add(body, "properties", gaps);
	if (json_object_object_length(gaps) > 0) {
		rc = hubspot_write(h, "update", "PATCH", hubspot_path(h, "contacts/", p->id), body, &res,
		    &answer);
		if (rc != CS_DONE)
			return rc;
		if (res.status >= 300)
			h->host->warn(h->call, "empty fields of the contact could not be filled in: %s",
			    hubspot_words(h, &res));
	}
	csh_receipt_put(h, "update", "done");
	return CS_DONE;
}

int32_t
hubspot_contact(struct hubspot_push *p)
{
	const struct csh *h = &p->h;
	int32_t rc = CS_DONE;

	if (*csh_receipt(h, "contact") && *csh_receipt(h, "update")) {
		p->id = csh_receipt(h, "contact");
	} else {
		if ((rc = find_contact(p)) != CS_DONE)
			return rc;
		if (!*p->id && (rc = create_contact(p)) != CS_DONE)
			return rc;
		csh_receipt_put(h, "contact", p->id);
		if (!p->is_new && (rc = fill_gaps(p)) != CS_DONE)
			return rc;
	}
	h->host->record(h->call, "contact", p->id, NULL);
	return rc;
}
