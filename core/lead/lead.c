/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lead.c - from bytes to a typed view and a list of faults.
 *
 * The body is parsed once; then each row of rules.c looks at its field and either sets the member of the view (a pointer
 * into the parsed JSON: nothing is copied) or adds a fault and leaves it at "absent". An object that is missing makes its
 * required fields missing; one of the wrong type is one fault and its fields are not looked at. Last come the rules
 * about two fields, and the hash and keys by which repeats and callers are known again.
 */
#include "config.h"
#include "lead/lead.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "lead/hash.h"
#include "lead/rules.h"
#include "lead/zone.h"
#include "util/clock.h"
#include "util/list.h"
#include "util/text.h"

#define GIVEN_MAX 8192 /* of a faulty text in the note: the longest that a good one may have */

/* What cs_lead_doc needs beside its interface. */
struct doc {
	struct cs_lead_doc pub;
	char event_id[CS_UUID_TEXT]; /* lower case, whatever the sender's */
};

struct reader {
	struct cs_lead_doc *d;
	json_object *group[CS_GROUPS];
	bool broken[CS_GROUPS]; /* of the wrong type, or in one that is */
	bool good_event, qualified;
};

/* ---- faults */

static void
add_fault(struct cs_lead_doc *d, enum cs_fault_class class, const char *pointer, const char *detail)
{
	if (class > d->worst)
		d->worst = class;
	if (d->n_faults == CS_ARRAY_LEN(d->faults)) {
		d->n_more++;
		return;
	}
	d->faults[d->n_faults++] = (struct cs_fault){ .class = class, .pointer = pointer, .detail = detail };
}

static enum cs_fault_class
class_of(const struct reader *r, const struct cs_lead_rule *rule)
{
	return rule->qualified_only && !r->qualified ? CS_FAULT_OPTIONAL : rule->class;
}

static void
wrong(struct reader *r, const struct cs_lead_rule *rule)
{
	const char *detail = rule->allowed;

	if (detail == NULL)
		detail = cs_arena_printf(&r->d->mem, "must be text of at most %zu bytes", rule->max);
	add_fault(r->d, class_of(r, rule), rule->pointer, detail);
}

static void
missing(struct reader *r, const struct cs_lead_rule *rule)
{
	enum cs_fault_class class = class_of(r, rule);

	if (class > CS_FAULT_OPTIONAL)
		add_fault(r->d, class, rule->pointer, cs_arena_printf(&r->d->mem, "is missing; %s", rule->allowed));
}

/* ---- one field */

static void
read_text(struct reader *r, const struct cs_lead_rule *rule, json_object *v)
{
	const char *text;
	size_t n;

	if (!json_object_is_type(v, json_type_string)) {
		wrong(r, rule);
		return;
	}
	text = json_object_get_string(v);
	n = (size_t)json_object_get_string_len(v);
	if (n > rule->max || (rule->fits != NULL ? !rule->fits(text, n) : n == 0 && rule->class > CS_FAULT_OPTIONAL)) {
		wrong(r, rule);
		return;
	}
	*(const char **)(void *)((char *)r->d + rule->slot) = text;
}

static void
open_group(struct reader *r, const struct cs_lead_rule *rule, json_object *v)
{
	if (json_object_is_type(v, json_type_object)) {
		r->group[rule->opens] = v;
		return;
	}
	r->broken[rule->opens] = true;
	wrong(r, rule);
}

/* JSON has one kind of number: 142.0 and 1.42e2 are integers. */
static void
read_duration(struct reader *r, const struct cs_lead_rule *rule, json_object *v)
{
	bool number = json_object_is_type(v, json_type_int) || json_object_is_type(v, json_type_double);
	double d = number ? json_object_get_double(v) : -1;

	if (d < 0 || d > (double)CS_LEAD_MAX_DURATION || d != trunc(d)) {
		wrong(r, rule);
		return;
	}
	r->d->call.has_duration = 1;
	r->d->call.duration_s = (int64_t)d;
}

static void
read_score(struct reader *r, const struct cs_lead_rule *rule, json_object *v)
{
	bool number = json_object_is_type(v, json_type_int) || json_object_is_type(v, json_type_double);
	double d = number ? json_object_get_double(v) : -1;

	if (d < 0 || d > 1) {
		wrong(r, rule);
		return;
	}
	r->d->analysis.has_score = 1;
	r->d->analysis.score = d;
}

static void
read_existing_customer(struct reader *r, const struct cs_lead_rule *rule, json_object *v)
{
	if (json_object_is_type(v, json_type_boolean))
		r->d->request.is_existing_customer = json_object_get_boolean(v) ? CS_TRI_YES : CS_TRI_NO;
	else
		wrong(r, rule);
}

/* "/ai_analysis/qualifier_answers/" and the name, escaped by RFC 6901. */
static const char *
answer_pointer(struct reader *r, const struct cs_lead_rule *rule, const char *name)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);

	cs_buf_printf(&b, "%s/", rule->pointer);
	for (; *name != '\0'; name++) {
		if (*name == '~')
			cs_buf_adds(&b, "~0");
		else if (*name == '/')
			cs_buf_adds(&b, "~1");
		else
			cs_buf_addc(&b, *name);
	}
	return cs_arena_strdup(&r->d->mem, cs_buf_str(&b));
}

static bool
is_nested(json_object *v)
{
	return json_object_is_type(v, json_type_object) || json_object_is_type(v, json_type_array);
}

/* The JSON text is json-c's and lives as long as the value. Nested answers count as absent, the others are kept. */
static void
read_answers(struct reader *r, const struct cs_lead_rule *rule, json_object *v)
{
	CS_CLEANUP(cs_json_putp) json_object *kept = NULL;
	struct cs_bytes *out = &r->d->analysis.qualifier_answers;
	size_t before = r->d->n_faults + r->d->n_more;

	if (!json_object_is_type(v, json_type_object)) {
		wrong(r, rule);
		return;
	}
	json_object_object_foreach(v, name, answer) {
		if (is_nested(answer))
			add_fault(r->d, CS_FAULT_OPTIONAL, answer_pointer(r, rule, name),
			          "must be text, a number, a boolean or null");
	}
	if (r->d->n_faults + r->d->n_more == before) {
		out->ptr = json_object_to_json_string_length(v, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE,
		                                             &out->len);
		return;
	}
	kept = json_object_new_object();
	json_object_object_foreach(v, kept_name, kept_answer) {
		if (!is_nested(kept_answer))
			json_object_object_add(kept, kept_name, json_object_get(kept_answer));
	}
	out->ptr = cs_arena_strdup(&r->d->mem, cs_json_text(kept));
	out->len = strlen(out->ptr);
}

static void
read_field(struct reader *r, const struct cs_lead_rule *rule)
{
	json_object *v;

	if (r->broken[rule->in]) {
		if (rule->kind == CS_LEAD_OBJECT)
			r->broken[rule->opens] = true;
		return;
	}
	v = cs_json_get(r->group[rule->in], strrchr(rule->pointer, '/') + 1);
	if (v == NULL) {
		if (rule->kind != CS_LEAD_OBJECT)
			missing(r, rule);
		return;
	}
	switch (rule->kind) {
	case CS_LEAD_TEXT:
		read_text(r, rule, v);
		break;
	case CS_LEAD_OBJECT:
		open_group(r, rule, v);
		break;
	case CS_LEAD_DURATION:
		read_duration(r, rule, v);
		break;
	case CS_LEAD_SCORE:
		read_score(r, rule, v);
		break;
	case CS_LEAD_BOOL:
		read_existing_customer(r, rule, v);
		break;
	case CS_LEAD_ANSWERS:
		read_answers(r, rule, v);
		break;
	}
}

/* ---- rules about two fields */

static void
check_event_id(struct cs_lead_doc *d)
{
	if (d->view.event_id[0] == '\0')
		return;
	cs_uuid_parse(d->view.event_id, CS_UUID_TEXT - 1, d->event_id);
	d->view.event_id = cs_uuid_format(d->event_id, CS_CONTAINER(d, struct doc, pub)->event_id);
	if (cs_uuid_version(d->event_id) != 4)
		add_fault(d, CS_FAULT_OPTIONAL, "/event_id", "should be a UUID of version 4; it serves all the same");
}

static int64_t
instant(const char *text)
{
	int64_t ms = 0;

	cs_time_parse(text, strlen(text), true, &ms, NULL);
	return ms;
}

static void
check_times(struct cs_lead_doc *d)
{
	if (d->view.timestamp_utc[0] != '\0')
		d->view.timestamp_ms = instant(d->view.timestamp_utc);
	if (d->call.started_at[0] == '\0' || d->call.ended_at[0] == '\0')
		return;
	if (instant(d->call.ended_at) >= instant(d->call.started_at))
		return;
	d->call.ended_at = "";
	add_fault(d, CS_FAULT_OPTIONAL, "/call/ended_at", "must not be before started_at");
}

static void
check_caller(struct reader *r)
{
	if (r->broken[CS_GROUP_CONTACT] || r->d->contact.phone[0] != '\0' || r->d->contact.email[0] != '\0')
		return;
	add_fault(r->d, CS_FAULT_REQUIRED, "/contact",
	          "must have a phone (E.164) or an email, so that somebody can be called back");
}

static void
check_status(struct reader *r)
{
	const char *status = r->d->analysis.qualification_status;

	if (!r->good_event || status[0] == '\0' || r->qualified == (strcmp(status, "qualified") == 0))
		return;
	r->d->analysis.qualification_status = "";
	add_fault(r->d, CS_FAULT_OPTIONAL, "/ai_analysis/qualification_status",
	          r->qualified ? "must be qualified, as the event says" : "must be unqualified, as the event says");
}

/* ---- the document */

static struct cs_lead_doc *
new_doc(const char *s, size_t n, int64_t received_ms)
{
	struct doc *whole = cs_xcalloc(1, sizeof(*whole));
	struct cs_lead_doc *d = &whole->pub;

	cs_arena_init(&d->mem);
	d->urgency = CS_URGENCY_FLEXIBLE;
	d->address = (struct cs_lead_address){ sizeof(d->address), 0, "", "", "", "", "" };
	d->contact = (struct cs_lead_contact){ sizeof(d->contact), 0, "", "", "", "", &d->address };
	d->call = (struct cs_lead_call){ .struct_size = sizeof(d->call), .call_id = "", .direction = "", .started_at = "",
		.ended_at = "", .recording_url = "", .transcript_url = "", .transcript_summary = "" };
	d->request = (struct cs_lead_request){ .struct_size = sizeof(d->request), .is_existing_customer = CS_TRI_UNKNOWN,
		.service_type = "", .sub_type = "", .urgency = "", .issue_description = "", .preferred_schedule = "" };
	d->analysis = (struct cs_lead_analysis){ .struct_size = sizeof(d->analysis), .sentiment = "",
		.qualification_status = "", .disqualification_reason = "", .qualifier_answers = { "", 0 } };
	d->view = (struct cs_lead){ .struct_size = sizeof(d->view), .schema_version = "", .event = "", .event_id = "",
		.timestamp_utc = "", .account = "", .call = &d->call, .contact = &d->contact, .request = &d->request,
		.analysis = &d->analysis, .destination_crm = "", .crm_account_id = "", .assigned_to = "", .warnings = "",
		.received_ms = received_ms, .raw = { s, n } };
	return d;
}

static void
parse(struct cs_lead_doc *d)
{
	struct cs_err err = { 0 };
	const char *body = "the body must be one JSON object in UTF-8, nested at most 16 deep";

	if (d->view.raw.len > CS_LEAD_MAX_BYTES) {
		add_fault(d, CS_FAULT_ENVELOPE, "", "must be at most 262144 bytes");
		return;
	}
	if (cs_json_parse(d->view.raw.ptr, d->view.raw.len, CS_LEAD_MAX_DEPTH, &d->json, &err) < 0) {
		add_fault(d, CS_FAULT_ENVELOPE, "", cs_arena_printf(&d->mem, "%s; %s", err.msg, body));
		return;
	}
	if (json_object_is_type(d->json, json_type_object))
		return;
	cs_json_putp(&d->json);
	add_fault(d, CS_FAULT_ENVELOPE, "", "must be a JSON object");
}

static void
read_fields(struct cs_lead_doc *d)
{
	struct reader r = { .d = d, .group[CS_GROUP_TOP] = d->json };
	const char *event = cs_json_str(d->json, "event", "");

	d->unqualified = cs_lead_is_unqualified(event);
	r.good_event = cs_lead_is_event(event);
	r.qualified = r.good_event && !d->unqualified;
	for (size_t i = 0; i + 1 < cs_lead_n_rules; i++)
		read_field(&r, &cs_lead_rules[i]);
	check_event_id(d);
	check_times(d);
	check_caller(&r);
	check_status(&r);
	read_field(&r, &cs_lead_rules[cs_lead_n_rules - 1]); /* qualifier_answers: see rules.h */
	d->urgency = cs_urgency_from(d->request.urgency);
}

static void
take_fingerprints(struct cs_lead_doc *d)
{
	struct cs_lead_hasher h;

	cs_lead_hasher_init(&h);
	cs_lead_content_hash(&h, d->json, d->content_hash);
	if (d->contact.phone[0] != '\0')
		d->phone_key = cs_lead_phone_key(&h, d->contact.phone);
	if (d->contact.email[0] != '\0')
		d->email_key = cs_lead_email_key(&h, d->contact.email);
	cs_lead_hasher_fini(&h);
}

struct cs_lead_doc *
cs_lead_read(const char *s, size_t n, int64_t now_ms)
{
	struct cs_lead_doc *d = new_doc(s, n, now_ms);

	parse(d);
	if (d->json == NULL)
		return d;
	read_fields(d);
	if (d->worst < CS_FAULT_ENVELOPE)
		take_fingerprints(d);
	d->view.warnings = cs_lead_warning_text(d);
	return d;
}

/* One of our own events was made by us: its envelope is enough. A lead that is no good is none. */
static bool
read_event(struct cs_lead_doc *d)
{
	struct cs_lead *v = &d->view;

	v->event = cs_json_str(d->json, "event", "");
	v->event_id = cs_json_str(d->json, "event_id", "");
	v->account = cs_json_str(d->json, "callsetter_account_id", "");
	d->is_event = v->event[0] != '\0' && !cs_lead_is_event(v->event) && v->account[0] != '\0' &&
	              cs_uuid_parse(v->event_id, strlen(v->event_id), d->event_id) == 0;
	return d->is_event;
}

struct cs_lead_doc *
cs_lead_read_stored(const char *s, size_t n, int64_t received_ms)
{
	struct cs_lead_doc *d = cs_lead_read(s, n, received_ms), *event;

	if (d->worst < CS_FAULT_ENVELOPE)
		return d;
	event = new_doc(s, n, received_ms);
	event->json = CS_STEAL(d->json);
	cs_lead_doc_free(d);
	if (event->json != NULL && read_event(event))
		return event;
	cs_lead_doc_free(event);
	return NULL;
}

void
cs_lead_doc_free(struct cs_lead_doc *d)
{
	if (d == NULL)
		return;
	json_object_put(d->json);
	cs_arena_fini(&d->mem);
	free(CS_CONTAINER(d, struct doc, pub));
}

/* ---- one piece */

/* Texts that are neither empty nor in the document already (its own event_id). */
static void
keep_text(struct cs_lead_doc *d, const char **text)
{
	const struct doc *whole = CS_CONTAINER(d, struct doc, pub);

	if (**text != '\0' && *text != whole->event_id)
		*text = cs_arena_strdup(&d->mem, *text);
}

void
cs_lead_settle(struct cs_lead_doc *d)
{
	if (d->json == NULL)
		return;
	for (size_t i = 0; i < cs_lead_n_rules; i++)
		if (cs_lead_rules[i].kind == CS_LEAD_TEXT)
			keep_text(d, (const char **)(void *)((char *)d + cs_lead_rules[i].slot));
	if (d->analysis.qualifier_answers.len > 0)
		d->analysis.qualifier_answers.ptr = cs_arena_strndup(&d->mem, d->analysis.qualifier_answers.ptr, d->analysis.qualifier_answers.len);
	cs_json_putp(&d->json);
}

json_object *
cs_lead_json(struct cs_lead_doc *d)
{
	if (d->json == NULL && cs_json_parse(d->view.raw.ptr, d->view.raw.len, CS_LEAD_MAX_DEPTH, &d->json, NULL) < 0)
		return NULL;
	if (!json_object_is_type(d->json, json_type_object))
		cs_json_putp(&d->json);
	return d->json;
}

/* ---- what is worked out later */

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

/* One line, whatever was said. */
static void
add_given(struct cs_buf *b, json_object *v)
{
	const char *text = json_object_get_string(v);
	size_t n = text == NULL ? 0 : cs_utf8_cut(text, strlen(text), GIVEN_MAX);

	if (n == 0)
		return;
	cs_buf_adds(b, " (given: ");
	for (size_t i = 0; i < n; i++)
		cs_buf_addc(b, (unsigned char)text[i] < ' ' || text[i] == 0x7f ? ' ' : text[i]);
	cs_buf_adds(b, text[n] != '\0' ? "...)" : ")");
}

const char *
cs_lead_warning_text(struct cs_lead_doc *d)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);

	if (d->n_faults == 0 || d->view.warnings[0] != '\0')
		return d->view.warnings;
	for (size_t i = 0; i < d->n_faults; i++) {
		const struct cs_fault *f = &d->faults[i];

		if (f->class != CS_FAULT_OPTIONAL)
			continue;
		if (b.len > 0)
			cs_buf_addc(&b, '\n');
		cs_buf_printf(&b, "%s: %s", f->pointer, f->detail);
		add_given(&b, cs_json_pointer(d->json, f->pointer));
	}
	return cs_arena_strdup(&d->mem, cs_buf_str(&b));
}
