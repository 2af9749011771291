/* SPDX-License-Identifier: Apache-2.0 */
/*
 * push.c - the client (client.c), a request of it, the note.
 *
 *   request  our mark is in its title; in doubt the client's requests are read for it.
 *   note     beside the point of no return: refused, it is a remark on a lead that is in. In doubt the notes are read for the
 *            marker.
 *
 * With the setting record = "client" there is no request, and the note goes to the client.
 */
#include <string.h>
#include "jobber.h"

#define PAGES_MAX 20
#define CREATE_REQUEST "mutation CreateRequest($input: RequestCreateInput!) { requestCreate(input: $input) { " \
	"request { id title jobberWebUri } userErrors { message path } } }"
#define REQUESTS "query FindRequest($id: EncodedId!, $after: String) { client(id: $id) { " \
	"requests(first: 50, after: $after) { nodes { id title jobberWebUri } pageInfo { endCursor hasNextPage } } } }"
#define CREATE_REQUEST_NOTE "mutation CreateNote($id: EncodedId!, $message: String!) { " \
	"requestCreateNote(requestId: $id, input: { message: $message }) { requestNote { id } userErrors { message path } } }"
#define CREATE_CLIENT_NOTE "mutation CreateNote($id: EncodedId!, $message: String!) { " \
	"clientCreateNote(clientId: $id, input: { message: $message }) { clientNote { id } userErrors { message path } } }"
#define REQUEST_NOTES "query FindNote($id: EncodedId!, $after: String) { request(id: $id) { " \
	"notes(first: 50, after: $after) { nodes { ... on RequestNote { id message } } pageInfo { endCursor hasNextPage } } } }"
#define CLIENT_NOTES "query FindNote($id: EncodedId!, $after: String) { client(id: $id) { " \
	"notes(first: 50, after: $after) { nodes { ... on ClientNote { id message } } pageInfo { endCursor hasNextPage } } } }"

/* ---- look for what has our mark in it, page after page */
struct hunt {
	const char *step, *text, *id; /* the question, and whose list */
	const char *list;             /* "/client/requests" */
	const char *member, *mark;    /* "/title" contains it */
	json_object *found;           /* new; NULL */
};

static void
look_through(struct hunt *w, json_object *nodes)
{
	for (size_t i = 0; i < csh_count(nodes) && !w->found; i++) {
		json_object *node = json_object_array_get_idx(nodes, i);

		if (*csh_get(node, "/id") && strstr(csh_get(node, w->member), w->mark))
			w->found = json_object_get(node);
	}
}

static int32_t
hunt(const struct csh *h, struct hunt *w)
{
	const char *after = "";
	int32_t rc;

	for (int page = 0; page < PAGES_MAX && !w->found; page++) {
		struct csh_graphql q = { .step = "find", .looks_for = w->step, .text = w->text, .cost = 200,
			.variables = jobber_variable("id", w->id) };
		CSH_JSON data = NULL;

		csh_put(q.variables, "after", after);
		if ((rc = csh_graphql(h, &q, &data)) != CS_DONE)
			return rc;
		if ((rc = csh_need_list(h, data, csh_printf(h, "%s/nodes", w->list))) != CS_DONE)
			return rc;
		look_through(w, csh_at(data, csh_printf(h, "%s/nodes", w->list)));
		after = csh_printf(h, "%s", csh_get(data, csh_printf(h, "%s/pageInfo/endCursor", w->list)));
		if (!*after || strcmp(csh_get(data, csh_printf(h, "%s/pageInfo/hasNextPage", w->list)), "true") != 0)
			return CS_DONE;
	}
	return w->found ? CS_DONE : h->host->fail(h->call, CS_REJECT,
	    "the list in Jobber is too long to find out whether the lead is there already: look for %s and mark it as done", w->mark);
}

/* ---- request */
static int32_t
remember_request(struct jobber_push *p, json_object *request)
{
	const struct csh *h = &p->h;

	p->request = csh_printf(h, "%s", csh_get(request, "/id"));
	csh_receipt_put(h, "request", p->request);
	h->host->record(h->call, "request", p->request, csh_get(request, "/jobberWebUri"));
	return CS_DONE;
}

/* {"clientId", "propertyId", "title", ...}; new. An override may have changed the title: our mark stays in it. */
static json_object *
request_input(const struct jobber_push *p, int is_test)
{
	const char *mark = jobber_mark(&p->h, p->lead), *title;
	json_object *o = NULL;

	json_object_deep_copy(csh_at(p->doc, "/request"), &o, NULL);
	title = csh_get(o, "/title");
	if (!strstr(title, mark))
		title = csh_printf(&p->h, "%s %s", title, mark);
	csh_put(o, "title", is_test ? csh_printf(&p->h, "TEST %s", title) : title);
	csh_put(o, "clientId", p->id);
	if (strcmp(p->property, "none") != 0)
		csh_put(o, "propertyId", p->property);
	return o;
}

static int32_t
create_request(struct jobber_push *p, int is_test)
{
	const struct csh *h = &p->h;
	struct csh_graphql q = { .step = "request", .text = CREATE_REQUEST, .mutates = 1, .cost = 20,
		.variables = json_object_new_object() };
	CSH_JSON data = NULL;
	const char *why;
	int32_t rc;

	json_object_object_add(q.variables, "input", request_input(p, is_test));
	if ((rc = csh_graphql(h, &q, &data)) != CS_DONE)
		return rc;
	why = jobber_user_error(h, data, "/requestCreate");
	if (*why)
		return h->host->fail(h->call, CS_REJECT, "Jobber did not accept the request: %s", why);
	if ((rc = csh_need(h, data, "/requestCreate/request/id")) != CS_DONE)
		return rc;
	return remember_request(p, csh_at(data, "/requestCreate/request"));
}

static int32_t
request(struct jobber_push *p, int is_test)
{
	const struct csh *h = &p->h;
	struct hunt w = { .step = "request", .text = REQUESTS, .id = p->id, .list = "/client/requests", .member = "/title",
		.mark = jobber_mark(h, p->lead) };
	int32_t rc;

	if (csh_in_doubt(h, "request")) {
		if ((rc = hunt(h, &w)) == CS_DONE && w.found)
			rc = remember_request(p, w.found);
		csh_json_putp(&w.found);
		if (rc != CS_DONE || *p->request)
			return rc;
	}
	return create_request(p, is_test);
}

/* ---- note */
static int32_t
find_note(const struct jobber_push *p, int of_request, const char *id, const char **note_id)
{
	struct hunt w = { .step = "note", .text = of_request ? REQUEST_NOTES : CLIENT_NOTES, .id = id,
		.list = of_request ? "/request/notes" : "/client/notes", .member = "/message", .mark = csh_marker(&p->h, p->lead) };
	int32_t rc = hunt(&p->h, &w);

	*note_id = csh_printf(&p->h, "%s", csh_get(w.found, "/id"));
	csh_json_putp(&w.found);
	return rc;
}

static int32_t
create_note(const struct jobber_push *p, int of_request, const char *id, const char **note_id)
{
	const struct csh *h = &p->h;
	const char *mutation = of_request ? "/requestCreateNote" : "/clientCreateNote", *why;
	const char *at_id = of_request ? "/requestCreateNote/requestNote/id" : "/clientCreateNote/clientNote/id";
	struct csh_graphql q = { .step = "note", .text = of_request ? CREATE_REQUEST_NOTE : CREATE_CLIENT_NOTE, .mutates = 1,
		.cost = 20, .variables = jobber_variable("id", id) };
	CSH_JSON data = NULL;
	int32_t rc;

	csh_put(q.variables, "message", csh_get(p->doc, "/note/message"));
	if ((rc = csh_graphql(h, &q, &data)) != CS_DONE)
		return rc;
	why = jobber_user_error(h, data, mutation);
	if (*why) {
		h->host->warn(h->call, "the %s is there, its note was refused: %s", of_request ? "request" : "client", why);
		*note_id = "refused";
		return CS_DONE;
	}
	if ((rc = csh_need(h, data, at_id)) == CS_DONE)
		*note_id = csh_printf(h, "%s", csh_get(data, at_id));
	return rc;
}

static int32_t
note(const struct jobber_push *p, int of_request)
{
	const struct csh *h = &p->h;
	const char *id = of_request ? p->request : p->id, *note_id = "";
	int32_t rc;

	if (*csh_receipt(h, "note") || !*csh_get(p->doc, "/note/message"))
		return CS_DONE;
	if (csh_in_doubt(h, "note") && (rc = find_note(p, of_request, id, &note_id)) != CS_DONE)
		return rc;
	if (!*note_id && (rc = create_note(p, of_request, id, &note_id)) != CS_DONE)
		return rc;
	csh_receipt_put(h, "note", note_id);
	return CS_DONE;
}

/* ---- the push */
static int32_t
push_lead(struct jobber_push *p, int is_test)
{
	const struct csh *h = &p->h;
	int wants_request = json_object_is_type(csh_at(p->doc, "/request"), json_type_object);
	int32_t rc;

	p->request = csh_receipt(h, "request");
	if (wants_request && *p->request) {
		h->host->record(h->call, "request", p->request, NULL);
		return note(p, 1);
	}
	if ((rc = jobber_client(p)) != CS_DONE || (rc = jobber_property(p)) != CS_DONE)
		return rc;
	if (wants_request && (rc = request(p, is_test)) != CS_DONE)
		return rc;
	return note(p, wants_request);
}

int32_t
jobber_push(void *inst, struct cs_call *call, const struct cs_delivery *d)
{
	struct jobber_push p = { .h = { d->host, call }, .lead = d->lead, .id = "", .property = "", .request = "" };
	int32_t rc;

	(void)inst;
	if (d->kind == CS_PUSH_IDENTIFY)
		return jobber_identify(&p.h);
	if (d->kind == CS_PUSH_FETCH)
		return jobber_fetch(&p.h, d->what);
	if (d->kind != CS_PUSH_LEAD && d->kind != CS_PUSH_TEST)
		return CS_UNSUPPORTED;
	p.doc = csh_json_parse(d->document);
	if (json_object_is_type(csh_at(p.doc, "/client"), json_type_object))
		rc = push_lead(&p, d->kind == CS_PUSH_TEST);
	else
		rc = d->host->fail(call, CS_REJECT, "the document has no client: look at the connection's overrides");
	csh_json_putp(&p.client);
	csh_json_putp(&p.doc);
	return rc;
}
