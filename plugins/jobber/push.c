/* SPDX-License-Identifier: Apache-2.0 */
/*
 * push.c - the client (client.c), the record of it that the setting `record` asks for, the note.
 *
 *   request, job  our mark is in its title; in doubt those of the client are read for it. A job needs a place: a caller whose
 *                 address is not known gets a request, and the delivery says so.
 *   note          beside the point of no return: refused, it is a remark on a lead that is in. In doubt the notes are read for the
 *                 marker.
 *
 * With record = "client" there is nothing else, and the note goes to the client. What an earlier attempt made counts, whatever the
 * setting says by now.
 */
#include <string.h>
#include "jobber.h"

#define PAGES_MAX 20
#define CREATE(Name, name, type) "mutation Create" Name "($input: " type "!) { " name "Create(input: $input) { " \
	name " { id title jobberWebUri } userErrors { message path } } }"
#define LIST(Name, list) "query Find" Name "($id: EncodedId!, $after: String) { client(id: $id) { " \
	list "(first: 50, after: $after) { nodes { id title jobberWebUri } pageInfo { endCursor hasNextPage } } } }"
#define CREATE_NOTE(name) "mutation CreateNote($id: EncodedId!, $message: String!) { " \
	name "CreateNote(" name "Id: $id, input: { message: $message }) { " name "Note { id } userErrors { message path } } }"
#define NOTES(Name, name) "query FindNote($id: EncodedId!, $after: String) { " name "(id: $id) { " \
	"notes(first: 50, after: $after) { nodes { ... on " Name "Note { id message } } pageInfo { endCursor hasNextPage } } } }"
#define RECORD(Name, name_, type, list) .name = name_, .at = "/" name_, .create = CREATE(Name, name_, type), .all = LIST(Name, list), \
	.answer = "/" name_ "Create", .made = "/" name_ "Create/" name_, .listed = "/client/" list
#define NOTE(Name, name) .create_note = CREATE_NOTE(name), .note_answer = "/" name "CreateNote", \
	.note_made = "/" name "CreateNote/" name "Note/id", .notes = NOTES(Name, name), .notes_listed = "/" name "/notes"

/* What a lead may become; in the order in which a document's members count. Texts of queries, and pointers into their answers. */
static const struct jobber_form {
	const char *name, *at;    /* step and type of the record; member of the document */
	const char *create, *answer, *made; /* NULL: nothing is made beside the client */
	const char *all, *listed; /* those of a client */
	const char *create_note, *note_answer, *note_made, *notes, *notes_listed;
} forms[] = {
	{ RECORD("Request", "request", "RequestCreateInput", "requests"), NOTE("Request", "request") },
	{ RECORD("Job", "job", "JobCreateAttributes", "jobs"), NOTE("Job", "job") },
	{ .name = "client", NOTE("Client", "client") },
};
enum { REQUEST, JOB };

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

/* ---- the record */
static int32_t
remember(struct jobber_push *p, const struct jobber_form *f, json_object *record)
{
	const struct csh *h = &p->h;

	p->form = f;
	p->record = csh_printf(h, "%s", csh_get(record, "/id"));
	csh_receipt_put(h, f->name, p->record);
	h->host->record(h->call, f->name, p->record, csh_get(record, "/jobberWebUri"));
	return CS_DONE;
}

/* {"clientId", "propertyId", "title", ...}; new. An override may have changed the title: our mark stays in it. */
static json_object *
record_input(const struct jobber_push *p, const struct jobber_form *f, int is_test)
{
	const char *mark = jobber_mark(&p->h, p->lead), *title = csh_get_or(p->doc, "/request/title", csh_get(p->doc, "/job/title"));
	json_object *o = json_object_new_object(), *wanted = csh_at(p->doc, f->at), *copied = NULL;

	if (wanted && json_object_deep_copy(wanted, &copied, NULL) == 0) {
		json_object_put(o);
		o = copied;
	}
	if (!strstr(title, mark))
		title = csh_printf(&p->h, "%s %s", title, mark);
	csh_put(o, "title", is_test ? csh_printf(&p->h, "TEST %s", title) : title);
	if (f != &forms[JOB]) /* a job's client is the property's */
		csh_put(o, "clientId", p->id);
	if (strcmp(p->property, "none") != 0)
		csh_put(o, "propertyId", p->property);
	return o;
}

static int32_t
create_record(struct jobber_push *p, const struct jobber_form *f, int is_test)
{
	const struct csh *h = &p->h;
	struct csh_graphql q = { .step = f->name, .text = f->create, .mutates = 1, .cost = 20, .variables = json_object_new_object() };
	const char *why;
	CSH_JSON data = NULL;
	int32_t rc;

	json_object_object_add(q.variables, "input", record_input(p, f, is_test));
	if ((rc = csh_graphql(h, &q, &data)) != CS_DONE)
		return rc;
	why = jobber_user_error(h, data, f->answer);
	if (*why)
		return h->host->fail(h->call, CS_REJECT, "Jobber did not accept the %s: %s", f->name, why);
	if ((rc = csh_need(h, data, csh_printf(h, "%s/id", f->made))) != CS_DONE)
		return rc;
	return remember(p, f, csh_at(data, f->made));
}

/* In doubt: p->record is set when it is there. */
static int32_t
look_for(struct jobber_push *p, const struct jobber_form *f)
{
	const struct csh *h = &p->h;
	struct hunt w = { .step = f->name, .text = f->all, .id = p->id, .list = f->listed, .member = "/title", .mark = jobber_mark(h, p->lead) };
	int32_t rc = hunt(h, &w);

	if (rc == CS_DONE && w.found)
		rc = remember(p, f, w.found);
	csh_json_putp(&w.found);
	return rc;
}

static const struct jobber_form *
wanted(const struct jobber_push *p)
{
	const struct jobber_form *f = forms;

	while (f->create && !json_object_is_type(csh_at(p->doc, f->at), json_type_object))
		f++;
	if (f != &forms[JOB] || strcmp(p->property, "none") != 0)
		return f;
	p->h.host->warn(p->h.call, "a job needs the address of the service, which is not known: the lead became a request");
	return &forms[REQUEST];
}

static int32_t
record(struct jobber_push *p, int is_test)
{
	int32_t rc;

	for (int i = 0; forms[i].create; i++)
		if (csh_in_doubt(&p->h, forms[i].name) && ((rc = look_for(p, &forms[i])) != CS_DONE || *p->record))
			return rc;
	p->form = wanted(p);
	p->record = p->id;
	return p->form->create ? create_record(p, p->form, is_test) : CS_DONE;
}

/* ---- note */
static int32_t
find_note(const struct jobber_push *p, const char **note_id)
{
	struct hunt w = { .step = "note", .text = p->form->notes, .id = p->record, .list = p->form->notes_listed,
		.member = "/message", .mark = csh_marker(&p->h, p->lead) };
	int32_t rc = hunt(&p->h, &w);

	*note_id = csh_printf(&p->h, "%s", csh_get(w.found, "/id"));
	csh_json_putp(&w.found);
	return rc;
}

static int32_t
create_note(const struct jobber_push *p, const char **note_id)
{
	const struct csh *h = &p->h;
	const struct jobber_form *f = p->form;
	const char *why;
	struct csh_graphql q = { .step = "note", .text = f->create_note, .mutates = 1, .cost = 20,
		.variables = jobber_variable("id", p->record) };
	CSH_JSON data = NULL;
	int32_t rc;

	csh_put(q.variables, "message", csh_get(p->doc, "/note/message"));
	if ((rc = csh_graphql(h, &q, &data)) != CS_DONE)
		return rc;
	why = jobber_user_error(h, data, f->note_answer);
	if (*why) {
		h->host->warn(h->call, "the %s is there, its note was refused: %s", f->name, why);
		*note_id = "refused";
		return CS_DONE;
	}
	if ((rc = csh_need(h, data, f->note_made)) == CS_DONE)
		*note_id = csh_printf(h, "%s", csh_get(data, f->note_made));
	return rc;
}

static int32_t
note(const struct jobber_push *p)
{
	const struct csh *h = &p->h;
	const char *note_id = "";
	int32_t rc;

	if (*csh_receipt(h, "note") || !*csh_get(p->doc, "/note/message"))
		return CS_DONE;
	if (csh_in_doubt(h, "note") && (rc = find_note(p, &note_id)) != CS_DONE)
		return rc;
	if (!*note_id && (rc = create_note(p, &note_id)) != CS_DONE)
		return rc;
	csh_receipt_put(h, "note", note_id);
	return CS_DONE;
}

/* ---- the push */
static int32_t
push_lead(struct jobber_push *p, int is_test)
{
	const struct csh *h = &p->h;
	int32_t rc;

	for (int i = 0; forms[i].create; i++)
		if (*csh_receipt(h, forms[i].name)) { /* by an earlier attempt */
			p->form = &forms[i];
			p->record = csh_receipt(h, forms[i].name);
			h->host->record(h->call, p->form->name, p->record, NULL);
			return note(p);
		}
	if ((rc = jobber_client(p)) != CS_DONE || (rc = jobber_property(p)) != CS_DONE || (rc = record(p, is_test)) != CS_DONE)
		return rc;
	return note(p);
}

int32_t
jobber_push(void *inst, struct cs_call *call, const struct cs_delivery *d)
{
	struct jobber_push p = { .h = { d->host, call }, .lead = d->lead, .id = "", .property = "", .record = "" };
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
