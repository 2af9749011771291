/* SPDX-License-Identifier: Apache-2.0 */
/*
 * push.c - the person, the lead in the Leads Inbox, the note on it.
 *
 *   person  see person.c
 *   lead    created for the person. Refused for an owner, label, channel or field that is no more, it is sent without them.
 *   note    beside the point of no return: refused, it is a remark on a lead that is in.
 *
 * Doubt about the lead: read the person's newest leads, then the archived ones, then the deals (an office is quick), and compare
 * origin_id. Doubt about the note: read the lead's notes and look for the marker.
 */
#include <string.h>
#include "pipedrive.h"

#define LISTED 100

struct push {
	struct csh h;
	const struct cs_lead *lead;
	json_object *doc;
	const char *person, *id, *type; /* id of the lead, or of the deal that it has become; "" */
};

/* ---- lead */
/* The row of a list whose origin is this lead. */
static int32_t
look_in(struct push *p, const char *type, const char *path, const char *sort)
{
	const struct csh *h = &p->h;
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	json_object *row;
	int32_t rc;

	if (*p->id)
		return CS_DONE;
	rc = pipedrive_read(h, "find", "lead", path, csh_printf(h, "person_id=%s&limit=%d&%s", p->person, LISTED, sort), &res, &answer);
	if (rc != CS_DONE)
		return rc;
	if (res.status >= 300)
		return pipedrive_refused(h, &res, "the person's leads could not be read");
	if ((rc = csh_need_list(h, answer, "/data")) != CS_DONE)
		return rc;
	csh_each(i, row, csh_at(answer, "/data"))
		if (csh_same_text(csh_get(row, "/origin_id"), p->lead->event_id) && *csh_get(row, "/id")) {
			p->id = csh_printf(h, "%s", csh_get(row, "/id"));
			p->type = type;
		}
	return CS_DONE;
}

static int32_t
look(struct push *p)
{
	int32_t rc = look_in(p, "lead", V1 "/leads", "sort=add_time%20DESC");

	if (rc == CS_DONE)
		rc = look_in(p, "lead", V1 "/leads/archived", "sort=add_time%20DESC");
	if (rc == CS_DONE)
		rc = look_in(p, "deal", V2 "/deals", "sort_by=add_time&sort_direction=desc");
	return rc;
}

/* The lead with what every company has; new. */
static json_object *
plain_lead(json_object *lead)
{
	static const char *const kept[] = { "title", "person_id", "origin_id", NULL };
	json_object *plain = json_object_new_object();

	json_object_object_foreach(lead, key, value)
		if (csh_is_one_of(key, kept))
			json_object_object_add(plain, key, json_object_get(value));
	return plain;
}

static int32_t
create_lead(struct push *p)
{
	const struct csh *h = &p->h;
	json_object *lead = csh_at(p->doc, "/lead");
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	int32_t rc;

	csh_put_number(lead, "person_id", p->person);
	csh_put(lead, "origin_id", p->lead->event_id); /* whatever an override says: doubt is settled by it */
	if ((rc = pipedrive_write(h, "lead", "POST", V1 "/leads", lead, &res, &answer)) != CS_DONE)
		return rc;
	if (res.status == 400 || res.status == 404 || res.status == 422) {
		CSH_JSON plain = plain_lead(lead);
		const char *why = csh_vendor_error(h, &res);

		if (json_object_equal(plain, lead))
			return pipedrive_refused(h, &res, "the lead was refused");
		csh_json_putp(&answer);
		if ((rc = pipedrive_write(h, "lead", "POST", V1 "/leads", plain, &res, &answer)) != CS_DONE)
			return rc;
		if (res.status < 300)
			h->host->warn(h->call, "the lead was made without owner, labels, channel and custom fields: %s", why);
	}
	if (res.status >= 300)
		return pipedrive_refused(h, &res, "the lead was refused");
	if (!*csh_get(answer, "/data/id"))
		return h->host->fail(h->call, CS_RETRY, "Pipedrive took the lead but did not say its id");
	p->id = csh_printf(h, "%s", csh_get(answer, "/data/id"));
	return CS_DONE;
}

static int32_t
lead(struct push *p)
{
	int32_t rc;

	p->id = csh_receipt(&p->h, "lead");
	p->type = strncmp(p->id, "deal/", 5) == 0 ? "deal" : "lead";
	p->id += strcmp(p->type, "deal") == 0 ? 5 : 0;
	if (csh_in_doubt(&p->h, "lead") && (rc = look(p)) != CS_DONE)
		return rc;
	if (!*p->id && (rc = create_lead(p)) != CS_DONE)
		return rc;
	csh_receipt_put(&p->h, "lead", strcmp(p->type, "deal") == 0 ? csh_printf(&p->h, "deal/%s", p->id) : p->id);
	p->h.host->record(p->h.call, p->type, p->id, NULL);
	return CS_DONE;
}

/* ---- note */
static int32_t
find_note(struct push *p, const char **note)
{
	const struct csh *h = &p->h;
	const char *query = csh_printf(h, "%s_id=%s&limit=%d&sort=add_time%%20DESC", p->type, csh_url(h, p->id), LISTED);
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	json_object *row;
	int32_t rc = pipedrive_read(h, "find", "note", V1 "/notes", query, &res, &answer);

	if (rc != CS_DONE)
		return rc;
	if (res.status >= 300)
		return pipedrive_refused(h, &res, "the lead's notes could not be read");
	if ((rc = csh_need_list(h, answer, "/data")) != CS_DONE)
		return rc;
	csh_each(i, row, csh_at(answer, "/data"))
		if (strstr(csh_get(row, "/content"), csh_marker(h, p->lead)))
			*note = csh_printf(h, "%s", csh_get_or(row, "/id", "written"));
	return CS_DONE;
}

static void
put_parent(struct push *p, json_object *note)
{
	if (strcmp(p->type, "deal") == 0)
		csh_put_number(note, "deal_id", p->id);
	else
		csh_put(note, "lead_id", p->id);
}

static int32_t
note(struct push *p)
{
	const struct csh *h = &p->h;
	json_object *body = csh_at(p->doc, "/note");
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	const char *id = "";
	int32_t rc;

	if (*csh_receipt(h, "note") || !*csh_get(body, "/content"))
		return CS_DONE;
	if (csh_in_doubt(h, "note") && (rc = find_note(p, &id)) != CS_DONE)
		return rc;
	if (!*id) {
		put_parent(p, body);
		if ((rc = pipedrive_write(h, "note", "POST", V1 "/notes", body, &res, &answer)) != CS_DONE)
			return rc;
		if (res.status >= 300) {
			h->host->warn(h->call, "the lead is there, its note was refused: %s", csh_vendor_error(h, &res));
			return CS_DONE;
		}
		id = csh_get_or(answer, "/data/id", "written");
	}
	csh_receipt_put(h, "note", id);
	h->host->record(h->call, "note", id, NULL);
	return CS_DONE;
}

/* ---- the push */
static int32_t
push_lead(struct push *p)
{
	int32_t rc = pipedrive_person(&p->h, p->lead, csh_at(p->doc, "/person"), &p->person);

	if (rc != CS_DONE)
		return rc;
	p->h.host->record(p->h.call, "person", p->person, NULL);
	return (rc = lead(p)) == CS_DONE ? note(p) : rc;
}

static int32_t
fetch(const struct csh *h, const char *what)
{
	static const char *const types[][2] = { { "person", V2 "/persons/%s" }, { "lead", V1 "/leads/%s" }, { "deal", V2 "/deals/%s" },
		{ "note", V1 "/notes/%s" } };
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	const char *id = NULL, *form = "";
	int32_t rc;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]) && !id; i++)
		if ((id = csh_id_of(what, types[i][0])))
			form = types[i][1];
	if (!id)
		return CS_UNSUPPORTED;
	if ((rc = pipedrive_read(h, "find", NULL, csh_printf(h, "%.*s%s", (int)strlen(form) - 2, form, csh_url(h, id)), NULL, &res, &answer)) != CS_DONE)
		return rc;
	if (res.status >= 300)
		return pipedrive_refused(h, &res, "the record could not be read");
	return csh_at(answer, "/data") ? csh_emit(h, csh_at(answer, "/data"))
	                               : h->host->fail(h->call, CS_RETRY, "the answer has no data");
}

int32_t
pipedrive_push(void *inst, struct cs_call *call, const struct cs_delivery *d)
{
	struct push p = { .h = { d->host, call }, .lead = d->lead, .person = "", .id = "", .type = "lead" };
	int32_t rc;

	(void)inst;
	if (d->kind == CS_PUSH_FETCH)
		return fetch(&p.h, d->what);
	if (d->kind == CS_PUSH_CHOICES)
		return pipedrive_choices(&p.h, d->what);
	if (d->kind != CS_PUSH_LEAD && d->kind != CS_PUSH_TEST)
		return CS_UNSUPPORTED;
	p.doc = csh_json_parse(d->document);
	if (json_object_is_type(csh_at(p.doc, "/person"), json_type_object) &&
	    json_object_is_type(csh_at(p.doc, "/lead"), json_type_object))
		rc = push_lead(&p);
	else
		rc = d->host->fail(call, CS_REJECT, "the document needs person and lead: look at the connection's overrides");
	csh_json_putp(&p.doc);
	return rc;
}
