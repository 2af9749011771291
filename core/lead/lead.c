/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lead.c - a document: the body parsed, its fields read (fields.c), its fingerprints taken (hash.c).
 *
 * The body is copied into the document and parsed in that copy, whose texts become the view's: one piece of memory for a
 * lead, besides the answers' JSON. The caller's bytes stay as they are, since they are what is stored. The tree of nodes is
 * needed only while reading. json-c's view of the body is made when somebody asks (connections with overrides).
 */
#include "config.h"
#include "lead/lead.h"

#include <stdlib.h>
#include <string.h>
#include "lead/fields.h"
#include "lead/hash.h"
#include "lead/rules.h"
#include "lead/zone.h"
#include "util/clock.h"
#include "util/list.h"
#include "util/text.h"

/* What cs_lead_doc needs beside its interface. */
struct doc {
	struct cs_lead_doc pub;
	json_object *json;
	char *answers;
	bool is_test;
	char event_id[CS_UUID_TEXT]; /* lower case, whatever the sender's */
	char text[];                 /* the body, as the parser leaves it */
};

static struct doc *
doc_of(struct cs_lead_doc *d)
{
	return CS_CONTAINER(d, struct doc, pub);
}

/* ---- the document */

static const struct cs_lead_doc blank = {
	.urgency = CS_URGENCY_FLEXIBLE,
	.address = { sizeof(struct cs_lead_address), 0, "", "", "", "", "" },
	.contact = { sizeof(struct cs_lead_contact), 0, "", "", "", "", NULL },
	.call = { .struct_size = sizeof(struct cs_lead_call), .call_id = "", .direction = "", .started_at = "", .ended_at = "",
	          .recording_url = "", .transcript_url = "", .transcript_summary = "" },
	.request = { .struct_size = sizeof(struct cs_lead_request), .is_existing_customer = CS_TRI_UNKNOWN, .service_type = "",
	             .sub_type = "", .urgency = "", .issue_description = "", .preferred_schedule = "" },
	.analysis = { .struct_size = sizeof(struct cs_lead_analysis), .sentiment = "", .qualification_status = "",
	              .disqualification_reason = "", .qualifier_answers = { "", 0 } },
	.view = { .struct_size = sizeof(struct cs_lead), .schema_version = "", .event = "", .event_id = "", .timestamp_utc = "",
	          .account = "", .destination_crm = "", .crm_account_id = "", .assigned_to = "", .warnings = "" },
};

static struct cs_lead_doc *
new_doc(const char *s, size_t n, int64_t received_ms)
{
	size_t room = n <= CS_LEAD_MAX_BYTES ? n + CS_JSON_PAD : 0;
	struct doc *whole = cs_xmalloc(sizeof(*whole) + room);
	struct cs_lead_doc *d = &whole->pub;

	*d = blank;
	cs_arena_init(&d->mem);
	d->contact.address = &d->address;
	d->view.call = &d->call;
	d->view.contact = &d->contact;
	d->view.request = &d->request;
	d->view.analysis = &d->analysis;
	d->view.received_ms = received_ms;
	d->view.raw = (struct cs_bytes){ s, n };
	whole->json = NULL;
	whole->answers = NULL;
	whole->is_test = false;
	return d;
}

void
cs_lead_doc_free(struct cs_lead_doc *d)
{
	if (d == NULL)
		return;
	json_object_put(doc_of(d)->json);
	free(doc_of(d)->answers);
	cs_arena_fini(&d->mem);
	free(doc_of(d));
}

/* False with the fault. The tree is to be finished in any case. */
static bool
parse(struct cs_lead_doc *d, struct cs_json_tree *tree)
{
	const char *body = "the body must be one JSON object in UTF-8, nested at most 16 deep";
	char *text = doc_of(d)->text;
	size_t n = d->view.raw.len;

	tree->v = tree->few;
	if (n > CS_LEAD_MAX_BYTES) {
		cs_lead_add_fault(d, CS_FAULT_ENVELOPE, "", "must be at most 262144 bytes");
		return false;
	}
	if (n > 0)
		memcpy(text, d->view.raw.ptr, n);
	memset(text + n, 0, CS_JSON_PAD);
	if (!cs_json_tree_read(tree, text, n, CS_LEAD_MAX_DEPTH)) {
		cs_lead_add_fault(d, CS_FAULT_ENVELOPE, "", cs_arena_printf(&d->mem, "not valid JSON at byte %zu: %s; %s",
		                                                            tree->fault_at, tree->fault, body));
		return false;
	}
	if (tree->v->kind == CS_JSON_OBJECT)
		return true;
	cs_lead_add_fault(d, CS_FAULT_ENVELOPE, "", "must be a JSON object");
	return false;
}

/* top NULL: only those of the caller. */
static void
take_fingerprints(struct cs_lead_doc *d, const struct cs_json_node *top)
{
	struct cs_lead_hasher h;

	cs_lead_hasher_init(&h);
	if (top != NULL)
		cs_lead_content_hash(&h, top, d->content_hash);
	if (d->contact.phone[0] != '\0')
		d->phone_key = cs_lead_phone_key(&h, d->contact.phone);
	if (d->contact.email[0] != '\0')
		d->email_key = cs_lead_email_key(&h, d->contact.email);
	cs_lead_hasher_fini(&h);
}

/* False: nothing but faults. */
static bool
read_lead(struct cs_lead_doc *d, const struct cs_json_node *top)
{
	const struct cs_json_node *test = cs_json_node_get(top, "is_test");

	cs_lead_read_fields(d, top, doc_of(d)->event_id, &doc_of(d)->answers);
	doc_of(d)->is_test = test != NULL && test->kind == CS_JSON_TRUE;
	return d->worst < CS_FAULT_ENVELOPE;
}

struct cs_lead_doc *
cs_lead_read(const char *s, size_t n, int64_t now_ms)
{
	struct cs_lead_doc *d = new_doc(s, n, now_ms);
	struct cs_json_tree tree;

	if (parse(d, &tree) && read_lead(d, tree.v))
		take_fingerprints(d, tree.v);
	cs_json_tree_fini(&tree);
	return d;
}

/* ---- what was accepted before */

static const char *
text_of(const struct cs_json_node *top, const char *name)
{
	const struct cs_json_node *v = cs_json_node_get(top, name);

	return v != NULL && v->kind == CS_JSON_TEXT ? v->text : "";
}

/* One of our own events was made by us: its envelope is enough. */
static bool
read_event(struct cs_lead_doc *d, const struct cs_json_node *top)
{
	struct cs_lead *v = &d->view;

	v->event = text_of(top, "event");
	v->event_id = text_of(top, "event_id");
	v->account = text_of(top, "callsetter_account_id");
	d->is_event = v->account[0] != '\0' && cs_uuid_parse(v->event_id, strlen(v->event_id), d->event_id) == 0;
	return d->is_event;
}

/* A lead that is no good is none. What a repeat is compared with was stored when it was accepted. */
static bool
read_stored(struct cs_lead_doc *d, const struct cs_json_node *top)
{
	const char *event = text_of(top, "event");

	if (event[0] != '\0' && !cs_lead_is_event(event))
		return read_event(d, top);
	if (!read_lead(d, top))
		return false;
	take_fingerprints(d, NULL);
	return true;
}

struct cs_lead_doc *
cs_lead_read_stored(const char *s, size_t n, int64_t received_ms)
{
	struct cs_lead_doc *d = new_doc(s, n, received_ms);
	struct cs_json_tree tree;
	bool good = parse(d, &tree) && read_stored(d, tree.v);

	cs_json_tree_fini(&tree);
	if (good)
		return d;
	cs_lead_doc_free(d);
	return NULL;
}

/* ---- what is worked out later */

void
cs_lead_refuse(struct cs_lead_doc *d, const char *pointer, const char *detail)
{
	d->n_faults = 0;
	cs_lead_add_fault(d, CS_FAULT_ENVELOPE, pointer, detail);
}

bool
cs_lead_is_test(struct cs_lead_doc *d)
{
	return doc_of(d)->is_test;
}

json_object *
cs_lead_json(struct cs_lead_doc *d)
{
	json_object **json = &doc_of(d)->json;

	if (*json == NULL && cs_json_parse(d->view.raw.ptr, d->view.raw.len, CS_LEAD_MAX_DEPTH, json, NULL) < 0)
		return NULL;
	if (!json_object_is_type(*json, json_type_object))
		cs_json_putp(json);
	return *json;
}

void
cs_lead_resolve_time(struct cs_lead_doc *d, const char *timezone)
{
	const char *text = d->request.preferred_schedule;
	bool has_zone;
	int64_t ms;

	d->request.has_preferred_at = 0;
	d->request.preferred_at_ms = 0;
	if (text[0] == '\0' || cs_time_parse(text, strlen(text), false, &ms, &has_zone) < 0)
		return;
	if (!has_zone && cs_zone_to_utc(timezone, ms, &ms) < 0)
		return;
	d->request.has_preferred_at = 1;
	d->request.preferred_at_ms = ms;
}
