/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client.c - the caller as a client of Jobber, and the place where the service is wanted as one of its properties.
 *
 *   client    the receipt of an earlier attempt, else the client remembered of the same caller, read by id; else searched by
 *             phone and e-mail. The search is fuzzy and keeps the punctuation that people typed, so it is asked for the ten
 *             digits and for +1..., and every hit is compared by its digits.
 *   update    found: name, e-mail and number are added where the client has none at all; nothing is changed.
 *   property  found: the address is added unless a property has the same street already.
 *
 * Jobber refuses a whole client for one bad field. What it names in userErrors is left out, once, and the delivery says so.
 */
#include <string.h>
#include <strings.h>
#include "jobber.h"

#define PERSON "id firstName lastName companyName isArchived jobberWebUri phones { number } emails { address } "
#define PROPERTIES "clientProperties(first: 50) { nodes { id address { street1 postalCode } } } "
#define FIND_BY_PHONE "query FindClient($term: String!) { clients(searchTerm: $term, searchFields: [PHONES], first: 20) { nodes { " PERSON "} } }"
#define FIND_BY_EMAIL "query FindClient($term: String!) { clients(searchTerm: $term, searchFields: [PRIMARY_EMAIL], first: 20) { nodes { " PERSON "} } }"
#define READ "query ReadClient($id: EncodedId!) { client(id: $id) { " PERSON PROPERTIES "} }"
#define CREATE "mutation CreateClient($input: ClientCreateInput!) { clientCreate(input: $input) { " \
	"client { id jobberWebUri clientProperties(first: 5) { nodes { id } } } userErrors { message path } } }"
#define EDIT "mutation EditClient($id: EncodedId!, $input: ClientEditInput!) { clientEdit(clientId: $id, input: $input) { " \
	"client { id } userErrors { message path } } }"
#define ADD_PROPERTY "mutation AddProperty($id: EncodedId!, $input: PropertyCreateInput!) { " \
	"propertyCreate(clientId: $id, input: $input) { properties { id } userErrors { message path } } }"

/* ---- find */
static const char *
copy(const struct jobber_push *p, const char *s)
{
	return csh_printf(&p->h, "%s", s);
}

static void
keep(struct jobber_push *p, json_object *client)
{
	json_object *was = p->client;

	p->client = json_object_get(client);
	json_object_put(was);
	p->id = copy(p, csh_get(client, "/id"));
}

/* By id. Deleted since: CS_DONE with p->id "". */
static int32_t
read_client(struct jobber_push *p, const char *looks_for, const char *id)
{
	struct csh_graphql q = { .step = "find", .looks_for = looks_for, .text = READ, .cost = 150,
		.variables = jobber_variable("id", id) };
	CSH_JSON data = NULL;
	int32_t rc = csh_graphql(&p->h, &q, &data);

	p->id = "";
	if (rc != CS_DONE)
		return rc;
	if (!json_object_object_get_ex(data, "client", NULL))
		return csh_need(&p->h, data, "/client/id");
	if (!csh_at(data, "/client"))
		return CS_DONE;
	if ((rc = csh_need(&p->h, data, "/client/id")) == CS_DONE && (rc = csh_need_list(&p->h, data, "/client/clientProperties/nodes")) == CS_DONE)
		keep(p, csh_at(data, "/client"));
	return rc;
}

static int
has(json_object *list, const char *pointer, const char *value, int (*same)(const char *, const char *))
{
	for (size_t i = 0; i < csh_count(list); i++)
		if (same(csh_get(json_object_array_get_idx(list, i), pointer), value))
			return 1;
	return 0;
}

/* The caller's number counts most, then the e-mail; among equals the name, then who is not archived. 0: somebody else. */
static int
agreement(const struct jobber_push *p, json_object *hit)
{
	const struct cs_lead_contact *c = p->lead->contact;
	int sure = 8 * has(csh_at(hit, "/phones"), "/number", c->phone, csh_phone_same) +
	           4 * has(csh_at(hit, "/emails"), "/address", c->email, csh_same_text);

	if (!sure || !*csh_get(hit, "/id"))
		return 0;
	return sure + 2 * (csh_same_text(csh_get(hit, "/firstName"), c->first_name) && csh_same_text(csh_get(hit, "/lastName"), c->last_name)) +
	       (strcmp(csh_get(hit, "/isArchived"), "true") != 0);
}

static int32_t
search(struct jobber_push *p, const char *looks_for, const char *text, const char *term)
{
	struct csh_graphql q = { .step = "find", .looks_for = looks_for, .text = text, .cost = 200 };
	CSH_JSON data = NULL;
	json_object *hits, *best = NULL;
	int32_t rc;
	int most = 0;

	if (!*term || *p->id)
		return CS_DONE;
	q.variables = jobber_variable("term", term);
	if ((rc = csh_graphql(&p->h, &q, &data)) != CS_DONE || (rc = csh_need_list(&p->h, data, "/clients/nodes")) != CS_DONE)
		return rc;
	hits = csh_at(data, "/clients/nodes");
	for (size_t i = 0; i < csh_count(hits); i++) {
		json_object *hit = json_object_array_get_idx(hits, i);

		if (agreement(p, hit) > most) {
			most = agreement(p, hit);
			best = hit;
		}
	}
	if (best)
		keep(p, best);
	return CS_DONE;
}

static int32_t
find(struct jobber_push *p)
{
	const struct cs_lead_contact *c = p->lead->contact;
	const char *national = csh_phone_national(&p->h, c->phone), *known = csh_receipt(&p->h, "client");
	const char *looks_for = csh_in_doubt(&p->h, "client") ? "client" : NULL;
	int32_t rc;

	if (!*known) /* also in doubt: another lead of the caller may have made it meanwhile */
		known = csh_remembered(&p->h, "client");
	if (*known && ((rc = read_client(p, looks_for, known)) != CS_DONE || *p->id))
		return rc;
	if ((rc = search(p, looks_for, FIND_BY_PHONE, national)) != CS_DONE)
		return rc;
	if (strcmp(national, c->phone) != 0 && (rc = search(p, looks_for, FIND_BY_PHONE, c->phone)) != CS_DONE)
		return rc;
	return search(p, looks_for, FIND_BY_EMAIL, c->email);
}

/* ---- create */
/* Ask for it; *why: what the user did wrong, "" when it is made. */
static int32_t
try_create(struct jobber_push *p, json_object *input, json_object **data, const char **why)
{
	struct csh_graphql q = { .step = "client", .text = CREATE, .mutates = 1, .cost = 30, .variables = json_object_new_object() };
	int32_t rc;

	json_object_object_add(q.variables, "input", json_object_get(input));
	if ((rc = csh_graphql(&p->h, &q, data)) == CS_DONE)
		*why = jobber_user_error(&p->h, *data, "/clientCreate");
	return rc;
}

/* Takes out what Jobber does not like. 0: it was a name, or nothing that is there. */
static int
leave_out(json_object *input, const char *field)
{
	static const char *const optional[] = { "emails", "phones", "billingAddress", "properties", "sourceAttribution", "customFields" };

	for (size_t i = 0; i < sizeof(optional) / sizeof(optional[0]); i++)
		if (strcmp(field, optional[i]) == 0 && json_object_object_get_ex(input, field, NULL)) {
			json_object_object_del(input, field);
			return 1;
		}
	return 0;
}

static int32_t
create(struct jobber_push *p)
{
	const struct csh *h = &p->h;
	json_object *copied = NULL;
	CSH_JSON input = NULL;
	CSH_JSON data = NULL;
	const char *why = "", *first = "";
	int32_t rc;

	json_object_deep_copy(csh_at(p->doc, "/client"), &copied, NULL);
	input = copied;
	if ((rc = try_create(p, input, &data, &why)) != CS_DONE)
		return rc;
	if (*why && leave_out(input, jobber_blamed(h, data, "/clientCreate"))) {
		first = why;
		csh_json_putp(&data);
		if ((rc = try_create(p, input, &data, &why)) != CS_DONE)
			return rc;
		if (!*why)
			h->host->warn(h->call, "the client was made without what Jobber did not accept: %s", first);
	}
	if (*why)
		return h->host->fail(h->call, CS_REJECT, "Jobber did not accept the client: %s", why);
	if ((rc = csh_need(h, data, "/clientCreate/client/id")) != CS_DONE)
		return rc;
	keep(p, csh_at(data, "/clientCreate/client"));
	csh_receipt_put(h, "client", p->id);
	csh_receipt_put(h, "update", "new");
	p->property = copy(p, csh_get_or(p->client, "/clientProperties/nodes/0/id", "none"));
	csh_receipt_put(h, "property", p->property);
	p->is_new = 1;
	return CS_DONE;
}

/* ---- complete */
static void
add_if_none(json_object *input, const char *key, json_object *there, json_object *wanted)
{
	if (json_object_is_type(there, json_type_array) && csh_count(there) == 0 && csh_count(wanted) > 0)
		json_object_object_add(input, key, json_object_get(wanted));
}

static json_object *
gaps(const struct jobber_push *p)
{
	const struct cs_lead_contact *c = p->lead->contact;
	json_object *o = json_object_new_object(), *client = p->client, *wanted = csh_at(p->doc, "/client");

	if (!*csh_get(client, "/firstName") && !*csh_get(client, "/lastName") && !*csh_get(client, "/companyName")) {
		csh_put(o, "firstName", c->first_name);
		csh_put(o, "lastName", c->last_name);
	}
	add_if_none(o, "emailsToAdd", csh_at(client, "/emails"), csh_at(wanted, "/emails"));
	add_if_none(o, "phonesToAdd", csh_at(client, "/phones"), csh_at(wanted, "/phones"));
	return o;
}

/* What is in doubt was looked at: the client as it is now tells what is still missing. */
static int32_t
fill_gaps(struct jobber_push *p)
{
	const struct csh *h = &p->h;
	struct csh_graphql q = { .step = "update", .text = EDIT, .mutates = 1, .cost = 20 };
	json_object *input;
	CSH_JSON data = NULL;
	const char *why;
	int32_t rc;

	if (p->is_new || *csh_receipt(h, "update"))
		return CS_DONE;
	if (csh_in_doubt(h, "update") && (rc = read_client(p, "update", p->id)) != CS_DONE)
		return rc;
	input = gaps(p);
	if (json_object_object_length(input) > 0 && *p->id) {
		q.variables = jobber_variable("id", p->id);
		json_object_object_add(q.variables, "input", input);
		if ((rc = csh_graphql(h, &q, &data)) != CS_DONE)
			return rc;
		why = jobber_user_error(h, data, "/clientEdit");
		if (*why)
			h->host->warn(h->call, "empty fields of the client could not be filled in: %s", why);
		else if ((rc = csh_need(h, data, "/clientEdit/client/id")) != CS_DONE)
			return rc;
	} else
		json_object_put(input);
	csh_receipt_put(h, "update", "done");
	return CS_DONE;
}

int32_t
jobber_client(struct jobber_push *p)
{
	const struct csh *h = &p->h;
	int32_t rc;

	if (*csh_receipt(h, "client") && *csh_receipt(h, "update") && *csh_receipt(h, "property")) {
		p->id = csh_receipt(h, "client"); /* all that is to be done with it was done by an earlier attempt */
		h->host->record(h->call, "client", p->id, NULL);
		return CS_DONE;
	}
	if ((rc = find(p)) != CS_DONE)
		return rc;
	if (!*p->id && (rc = create(p)) != CS_DONE)
		return rc;
	csh_receipt_put(h, "client", p->id);
	h->host->record(h->call, "client", p->id, csh_get(p->client, "/jobberWebUri"));
	return fill_gaps(p);
}

/* ---- property */
/* Letters and digits only, case ignored: "1420 NW 7th Ave." is "1420 nw 7th ave". */
static int
same_street(const char *a, const char *b)
{
	static const char marks[] = " .,#-";

	for (;; a++, b++) {
		a += strspn(a, marks);
		b += strspn(b, marks);
		if (!*a || !*b || strncasecmp(a, b, 1) != 0)
			return !*a && !*b;
	}
}

static const char *
property_at(const struct jobber_push *p, const char *street, const char *zip)
{
	json_object *list = csh_at(p->client, "/clientProperties/nodes");

	for (size_t i = 0; i < csh_count(list); i++) {
		json_object *o = json_object_array_get_idx(list, i);
		const char *its_zip = csh_get(o, "/address/postalCode");

		if (same_street(csh_get(o, "/address/street1"), street) && (!*zip || !*its_zip || csh_same_text(zip, its_zip)))
			return csh_get(o, "/id");
	}
	return "";
}

static int32_t
add_property(struct jobber_push *p)
{
	const struct csh *h = &p->h;
	struct csh_graphql q = { .step = "property", .text = ADD_PROPERTY, .mutates = 1, .cost = 20 };
	json_object *input = json_object_new_object();
	CSH_JSON data = NULL;
	const char *why;
	int32_t rc;

	json_object_object_add(input, "properties", json_object_get(csh_at(p->doc, "/client/properties")));
	q.variables = jobber_variable("id", p->id);
	json_object_object_add(q.variables, "input", input);
	if ((rc = csh_graphql(h, &q, &data)) != CS_DONE)
		return rc;
	why = jobber_user_error(h, data, "/propertyCreate");
	if (*why) {
		h->host->warn(h->call, "the service address could not be added to the client: %s", why);
		return CS_DONE;
	}
	if ((rc = csh_need(h, data, "/propertyCreate/properties/0/id")) == CS_DONE)
		p->property = copy(p, csh_get(data, "/propertyCreate/properties/0/id"));
	return rc;
}

static int32_t
find_property(struct jobber_push *p)
{
	const char *street = csh_get(p->doc, "/client/properties/0/address/street1");
	const char *zip = csh_get(p->doc, "/client/properties/0/address/postalCode");
	const char *looks_for = csh_in_doubt(&p->h, "property") ? "property" : NULL;
	int32_t rc;

	if (!*street)
		return CS_DONE;
	if ((looks_for || !csh_at(p->client, "/clientProperties")) && (rc = read_client(p, looks_for, p->id)) != CS_DONE)
		return rc;
	if (!*p->id)
		return p->h.host->fail(p->h.call, CS_RETRY, "the client has just been deleted");
	p->property = copy(p, property_at(p, street, zip));
	return *p->property ? CS_DONE : add_property(p);
}

int32_t
jobber_property(struct jobber_push *p)
{
	const struct csh *h = &p->h;
	int32_t rc;

	if (!*p->property)
		p->property = csh_receipt(h, "property");
	if (!*p->property) {
		if ((rc = find_property(p)) != CS_DONE)
			return rc;
		p->property = *p->property ? p->property : "none";
		csh_receipt_put(h, "property", p->property);
	}
	if (strcmp(p->property, "none") != 0)
		h->host->record(h->call, "property", p->property, NULL);
	return CS_DONE;
}
