/*
 * graphql.c - find or create the client, then create a request for service with our marker in its title.
 *
 *   client   found by phone, or created; its id is the receipt.
 *   request  created; in doubt the client's requests are searched for the marker.
 *
 * Errors come inside of 200 and every question costs points: csh_graphql classes the ones and counts the others.
 * An input that the CRM does not like comes back as userErrors beside the data: nothing was created then.
 */
#include <string.h>
#include <cs/helpers.h>

#define FIND_CLIENT "query($q: String!) { clients(searchTerm: $q, first: 10) { nodes { id phones { number } } } }"
#define FIND_REQUEST "query($id: ID!, $q: String!) { client(id: $id) { requests(searchTerm: $q, first: 5) { nodes { id title } } } }"
#define CREATE_CLIENT "mutation($input: ClientInput!) { clientCreate(input: $input) { client { id } userErrors { message } } }"
#define CREATE_REQUEST "mutation($input: RequestInput!) { requestCreate(input: $input) { request { id } userErrors { message } } }"
#define WHO "query { account { id name timeZone } }"

static json_object *
one_variable(const char *name, const char *value)
{
	json_object *o = json_object_new_object();

	json_object_object_add(o, name, json_object_new_string(value));
	return o;
}

/* {"input": ...}; `input` is taken over. */
static json_object *
input_of(json_object *input)
{
	json_object *o = json_object_new_object();

	json_object_object_add(o, "input", input);
	return o;
}

/* ---- the document: {"client": {...}, "request": {...}} */
static int32_t
graphql_map(void *inst, struct cs_call *call, const struct cs_map_in *in)
{
	const struct csh h = { in->host, call };
	const struct cs_lead_contact *who = in->lead->contact;
	CSH_JSON doc = json_object_new_object();
	json_object *client = csh_child(doc, "client"), *request = csh_child(doc, "request");

	(void)inst;
	csh_put(client, "name", csh_full_name(&h, who));
	csh_put(client, "phone", who->phone);
	csh_put(client, "email", who->email);
	csh_put(client, "address", csh_address_line(&h, who->address));
	csh_put(request, "title", csh_printf(&h, "%s [%s]", in->lead->request->service_type, csh_marker(&h, in->lead)));
	csh_put(request, "details", csh_note(&h, in->lead, CSH_PLAIN, 8000));
	return csh_emit(&h, doc);
}

/* ---- client */
static int
has_phone(json_object *client, const char *phone)
{
	json_object *one;

	csh_each(i, one, csh_at(client, "/phones"))
		if (csh_phone_same(csh_get(one, "/number"), phone))
			return 1;
	return 0;
}

static int32_t
find_client(const struct csh *h, const struct cs_lead *lead, const char **id)
{
	const char *phone = lead->contact->phone, *term = *phone ? phone : lead->contact->email;
	struct csh_graphql q = { .step = "find", .looks_for = csh_in_doubt(h, "client") ? "client" : NULL, .text = FIND_CLIENT,
		.cost = 12, .variables = one_variable("q", term) };
	CSH_JSON data = NULL;
	json_object *node;
	int32_t rc = csh_graphql(h, &q, &data);

	if (rc != CS_DONE || (rc = csh_need_list(h, data, "/clients/nodes")) != CS_DONE)
		return rc;
	csh_each(i, node, csh_at(data, "/clients/nodes"))
		if (!**id && (!*phone || has_phone(node, phone)))
			*id = csh_printf(h, "%s", csh_get(node, "/id"));
	return CS_DONE;
}

static int32_t
client(const struct csh *h, const struct cs_lead *lead, json_object *doc, const char **id)
{
	struct csh_graphql q = { .step = "client", .text = CREATE_CLIENT, .mutates = 1, .cost = 20 };
	CSH_JSON data = NULL;
	int32_t rc;

	*id = csh_receipt(h, "client");
	if (!**id)
		*id = csh_remembered(h, "client");
	if (!**id && (rc = find_client(h, lead, id)) != CS_DONE)
		return rc;
	if (!**id) {
		q.variables = input_of(json_object_get(csh_at(doc, "/client")));
		if ((rc = csh_graphql(h, &q, &data)) != CS_DONE)
			return rc;
		if ((rc = csh_graphql_id(h, data, "/clientCreate/userErrors", "/clientCreate/client/id", "the CRM refused", id)) != CS_DONE)
			return rc;
	}
	csh_receipt_put(h, "client", *id);
	h->host->record(h->call, "client", *id, NULL);
	return CS_DONE;
}

/* ---- request */
static int32_t
find_request(const struct csh *h, const struct cs_lead *lead, const char *client_id, const char **id)
{
	struct csh_graphql q = { .step = "find", .looks_for = "request", .text = FIND_REQUEST, .cost = 12,
		.variables = one_variable("id", client_id) };
	CSH_JSON data = NULL;
	json_object *node;
	int32_t rc;

	csh_put(q.variables, "q", csh_marker(h, lead));
	if ((rc = csh_graphql(h, &q, &data)) != CS_DONE || (rc = csh_need_list(h, data, "/client/requests/nodes")) != CS_DONE)
		return rc;
	csh_each(i, node, csh_at(data, "/client/requests/nodes"))
		if (strstr(csh_get(node, "/title"), csh_marker(h, lead)))
			*id = csh_printf(h, "%s", csh_get(node, "/id"));
	return CS_DONE;
}

static int32_t
create_request(const struct csh *h, json_object *doc, const char *client_id, const char **id)
{
	struct csh_graphql q = { .step = "request", .text = CREATE_REQUEST, .mutates = 1, .cost = 20 };
	json_object *input = NULL;
	CSH_JSON data = NULL;
	int32_t rc;

	json_object_deep_copy(csh_at(doc, "/request"), &input, NULL);
	csh_put(input, "clientId", client_id);
	q.variables = input_of(input);
	if ((rc = csh_graphql(h, &q, &data)) != CS_DONE)
		return rc;
	return csh_graphql_id(h, data, "/requestCreate/userErrors", "/requestCreate/request/id", "the CRM refused", id);
}

static int32_t
push_lead(const struct csh *h, const struct cs_delivery *d, json_object *doc)
{
	const char *id = csh_receipt(h, "request"), *client_id;
	int32_t rc;

	if (*id)
		return CS_DONE;
	if ((rc = client(h, d->lead, doc, &client_id)) != CS_DONE)
		return rc;
	if (csh_in_doubt(h, "request") && (rc = find_request(h, d->lead, client_id, &id)) != CS_DONE)
		return rc;
	if (!*id && (rc = create_request(h, doc, client_id, &id)) != CS_DONE)
		return rc;
	csh_receipt_put(h, "request", id);
	h->host->record(h->call, "request", id, NULL);
	return CS_DONE;
}

/* ---- who is connected: a POST, which no row of the manifest can ask */
static int32_t
identify(const struct csh *h)
{
	struct csh_graphql q = { .step = "find", .text = WHO, .cost = 2, .variables = json_object_new_object() };
	CSH_JSON data = NULL;
	CSH_JSON out = json_object_new_object();
	int32_t rc;

	if ((rc = csh_graphql(h, &q, &data)) != CS_DONE || (rc = csh_need(h, data, "/account/id")) != CS_DONE)
		return rc;
	csh_put(out, "id", csh_get(data, "/account/id"));
	csh_put(out, "name", csh_get(data, "/account/name"));
	csh_put(out, "timezone", csh_get(data, "/account/timeZone"));
	return csh_emit(h, out);
}

static int32_t
graphql_push(void *inst, struct cs_call *call, const struct cs_delivery *d)
{
	const struct csh h = { d->host, call };
	CSH_JSON doc = NULL;

	(void)inst;
	if (d->kind == CS_PUSH_IDENTIFY)
		return identify(&h);
	if (d->kind != CS_PUSH_LEAD && d->kind != CS_PUSH_TEST)
		return CS_UNSUPPORTED;
	doc = csh_json_parse(d->document);
	if (!json_object_is_type(csh_at(doc, "/client"), json_type_object) ||
	    !json_object_is_type(csh_at(doc, "/request"), json_type_object))
		return d->host->fail(call, CS_REJECT, "the document needs client and request: look at the connection's overrides");
	return push_lead(&h, d, doc);
}

CS_PLUGIN_V1(.name = "graphql", .version = "1.0.0", .map = graphql_map, .push = graphql_push)
