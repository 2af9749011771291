/* SPDX-License-Identifier: Apache-2.0 */
/*
 * person.c - the caller's person: the receipt, the one remembered, the one found, or a new one.
 *
 * Pipedrive keeps numbers as they were typed and never refuses a second person, so all checking is ours: an exact search for the
 * number, a loose one for its national digits, one for the e-mail; a hit counts by what is dialled, or by the whole e-mail. The
 * index lags, which is why the manifest lets a person in doubt rest before it is looked for.
 *
 * A person that was found is completed: lists and custom fields that are empty there. Names and owners are left alone.
 */
#include <string.h>
#include "pipedrive.h"

#define HITS 20

struct person {
	const struct csh *h;
	const struct cs_lead *lead;
	const char *looks_for, *id; /* "" */
};

/* ---- find */
/* 2 for the caller's number, 1 for the e-mail. */
static int
agreement(const struct person *p, json_object *item)
{
	const struct cs_lead_contact *c = p->lead->contact;
	json_object *one;
	int phone = 0, email = 0;

	csh_each(i, one, csh_at(item, "/phones"))
		phone |= json_object_is_type(one, json_type_string) && csh_phone_same(c->phone, json_object_get_string(one));
	csh_each(i, one, csh_at(item, "/emails"))
		email |= json_object_is_type(one, json_type_string) && csh_same_text(c->email, json_object_get_string(one));
	return 2 * phone + email;
}

static int32_t
search(struct person *p, const char *field, const char *term, int exact)
{
	struct cs_http_req req = CS_REQ("find", "GET", V2 "/persons/search");
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	json_object *hit;
	int32_t rc;
	int most = 0;

	if (!*term || *p->id)
		return CS_DONE;
	req.query = csh_printf(p->h, "term=%s&fields=%s%s&limit=%d", csh_url(p->h, term), field, exact ? "&exact_match=true" : "", HITS);
	req.looks_for = p->looks_for;
	req.limit_class = "search";
	if ((rc = pipedrive_send(p->h, &req, &res, &answer)) != CS_DONE)
		return rc;
	if (res.status >= 300)
		return pipedrive_refused(p->h, &res, "the search for the caller was refused");
	if ((rc = csh_need_list(p->h, answer, "/data/items")) != CS_DONE)
		return rc;
	csh_each(i, hit, csh_at(answer, "/data/items"))
		if (agreement(p, csh_at(hit, "/item")) > most && *csh_get(hit, "/item/id")) {
			most = agreement(p, csh_at(hit, "/item"));
			p->id = csh_printf(p->h, "%s", csh_get(hit, "/item/id"));
		}
	return CS_DONE;
}

static int32_t
search_all(struct person *p)
{
	const struct cs_lead_contact *c = p->lead->contact;
	const char *national = csh_phone_national(p->h, c->phone);
	int32_t rc = search(p, "phone", c->phone, 1);

	if (rc == CS_DONE && strcmp(national, c->phone) != 0)
		rc = search(p, "phone", national, 0);
	return rc == CS_DONE ? search(p, "email", c->email, 1) : rc;
}

/* *person: new; NULL when it was deleted or merged since. */
static int32_t
read_person(struct person *p, json_object **person)
{
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	int32_t rc = pipedrive_read(p->h, "find", NULL, csh_printf(p->h, V2 "/persons/%s", csh_url(p->h, p->id)), NULL, &res, &answer);

	*person = NULL;
	if (rc != CS_DONE || res.status == 404 || res.status == 410)
		return rc;
	if (res.status >= 300)
		return pipedrive_refused(p->h, &res, "the person could not be read");
	if ((rc = csh_need(p->h, answer, "/data/id")) == CS_DONE && !*csh_get(answer, "/data/delete_time"))
		*person = json_object_get(csh_at(answer, "/data"));
	return rc;
}

/* ---- create */
static int32_t
create(struct person *p, json_object *want)
{
	static const char *const optional[] = { "owner_id", "visible_to", "custom_fields", "label_ids", NULL };
	const struct csh *h = p->h;
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	int32_t rc = pipedrive_write(h, "person", "POST", V2 "/persons", want, &res, &answer);

	if (rc == CS_DONE && (res.status == 400 || res.status == 422)) { /* most often an owner or field that is no more */
		const char *why = csh_vendor_error(h, &res);
		CSH_JSON plain = NULL;

		json_object_deep_copy(want, &plain, NULL);
		for (size_t i = 0; optional[i]; i++)
			json_object_object_del(plain, optional[i]);
		if (json_object_equal(plain, want))
			return pipedrive_refused(h, &res, "the person was refused");
		csh_json_putp(&answer);
		rc = pipedrive_write(h, "person", "POST", V2 "/persons", plain, &res, &answer);
		if (rc == CS_DONE && res.status < 300)
			h->host->warn(h->call, "the person was made without owner and custom fields: %s", why);
	}
	if (rc != CS_DONE)
		return rc;
	if (res.status >= 300)
		return pipedrive_refused(h, &res, "the person was refused");
	if (!*csh_get(answer, "/data/id"))
		return h->host->fail(h->call, CS_RETRY, "Pipedrive took the person but did not say its id");
	p->id = csh_printf(h, "%s", csh_get(answer, "/data/id"));
	return CS_DONE;
}

/* ---- complete */
/* A list of nothing but empty values, as persons from older times have, is none. */
static int
has_values(json_object *list)
{
	json_object *one;

	csh_each(i, one, list)
		if (*csh_get(one, "/value"))
			return 1;
	return 0;
}

static json_object *
gaps_of(json_object *person, json_object *want)
{
	json_object *gaps = json_object_new_object();
	static const char *const lists[] = { "phones", "emails" };

	for (size_t i = 0; i < 2; i++) {
		const char *at = i == 0 ? "/phones" : "/emails";

		if (!has_values(csh_at(person, at)) && csh_at(want, at))
			json_object_object_add(gaps, lists[i], json_object_get(csh_at(want, at)));
	}
	csh_put_new(gaps, "custom_fields", csh_gaps(csh_at(person, "/custom_fields"), csh_at(want, "/custom_fields")));
	return gaps;
}

static int32_t
complete(struct person *p, json_object *person, json_object *want)
{
	const struct csh *h = p->h;
	CSH_JSON gaps = gaps_of(person, want);
	CSH_JSON answer = NULL;
	struct cs_http_res res = CS_RES_INIT;
	int32_t rc;

	if (json_object_object_length(gaps) > 0) {
		rc = pipedrive_write(h, "update", "PATCH", csh_printf(h, V2 "/persons/%s", csh_url(h, p->id)), gaps, &res, &answer);
		if (rc != CS_DONE)
			return rc;
		if (res.status >= 300)
			h->host->warn(h->call, "empty fields of the person could not be filled in: %s", csh_vendor_error(h, &res));
	}
	csh_receipt_put(h, "update", "done");
	return CS_DONE;
}

/* ---- all of it */
/* What is known by id, if it is still there, else what a search finds; p->id "" and *person NULL: nobody. */
static int32_t
find(struct person *p, json_object **person)
{
	int32_t rc;

	p->id = csh_receipt(p->h, "person");
	if (!*p->id) /* also in doubt: another lead of the caller may have made it meanwhile */
		p->id = csh_remembered(p->h, "person");
	if (*p->id && ((rc = read_person(p, person)) != CS_DONE || *person))
		return rc;
	p->id = "";
	p->looks_for = csh_in_doubt(p->h, "person") ? "person" : NULL;
	if ((rc = search_all(p)) != CS_DONE || !*p->id)
		return rc;
	if ((rc = read_person(p, person)) == CS_DONE && !*person)
		return p->h->host->fail(p->h->call, CS_RETRY, "the search shows a person that is no more");
	return rc;
}

int32_t
pipedrive_person(const struct csh *h, const struct cs_lead *lead, json_object *want, const char **id)
{
	struct person p = { .h = h, .lead = lead, .id = "" };
	CSH_JSON person = NULL;
	int32_t rc;

	if (*csh_receipt(h, "person") && *csh_receipt(h, "update")) {
		*id = csh_receipt(h, "person");
		return CS_DONE;
	}
	if ((rc = find(&p, &person)) != CS_DONE)
		return rc;
	if (!person && (rc = create(&p, want)) != CS_DONE)
		return rc;
	csh_receipt_put(h, "person", p.id);
	*id = p.id;
	if (!person)
		csh_receipt_put(h, "update", "new");
	return person ? complete(&p, person, want) : CS_DONE;
}
