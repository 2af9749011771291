/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fields.c - from the members of a body to a typed view and a list of faults.
 *
 * Each object is walked once: a member that a rule asks for is kept under that rule. Then each row of rules.c looks at what
 * was found for it and either sets the member of the view (a pointer into the parsed text: nothing is copied) or adds a fault
 * and leaves it at "absent". An object that is missing makes its required fields missing; one of the wrong type is one fault
 * and its fields are not looked at. Last come the rules about two fields.
 */
#include "config.h"
#include "lead/fields.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "lead/rules.h"
#include "util/clock.h"
#include "util/text.h"

#define GIVEN_MAX 8192 /* of a faulty text in the note: the longest that a good one may have */

struct reader {
	struct cs_lead_doc *d;
	const struct cs_json_node *found[CS_LEAD_RULES]; /* NULL: absent, or JSON null */
	bool broken[CS_GROUPS];                          /* of the wrong type, or in one that is */
	const struct cs_json_node *given[CS_LEAD_FAULTS_MAX]; /* of each fault; NULL: nothing */
	char *event_id, **answers;
};

/* ---- faults */

void
cs_lead_add_fault(struct cs_lead_doc *d, enum cs_fault_class class, const char *pointer, const char *detail)
{
	if (class > d->worst)
		d->worst = class;
	if (d->n_faults == CS_LEAD_FAULTS_MAX) {
		d->n_more++;
		return;
	}
	if (d->faults == NULL)
		d->faults = cs_arena_alloc(&d->mem, CS_LEAD_FAULTS_MAX * sizeof(*d->faults));
	d->faults[d->n_faults++] = (struct cs_fault){ .class = class, .pointer = pointer, .detail = detail };
}

static void
add_fault(struct reader *r, enum cs_fault_class class, const char *pointer, const char *detail, const struct cs_json_node *given)
{
	if (r->d->n_faults < CS_LEAD_FAULTS_MAX)
		r->given[r->d->n_faults] = given;
	cs_lead_add_fault(r->d, class, pointer, detail);
}

/* The event stands before every rule that asks, and is "" if it is none. */
static bool
is_qualified(const struct cs_lead_doc *d)
{
	return d->view.event[0] != '\0' && !cs_lead_is_unqualified(d->view.event);
}

static enum cs_fault_class
class_of(const struct reader *r, const struct cs_lead_rule *rule)
{
	return rule->qualified_only && !is_qualified(r->d) ? CS_FAULT_OPTIONAL : rule->class;
}

static const struct cs_json_node *
found(const struct reader *r, const struct cs_lead_rule *rule)
{
	return r->found[rule - cs_lead_rules];
}

static void
wrong(struct reader *r, const struct cs_lead_rule *rule)
{
	const char *detail = rule->allowed;

	if (detail == NULL)
		detail = cs_arena_printf(&r->d->mem, "must be text of at most %zu bytes", rule->max);
	add_fault(r, class_of(r, rule), rule->pointer, detail, found(r, rule));
}

static void
missing(struct reader *r, const struct cs_lead_rule *rule)
{
	enum cs_fault_class class = class_of(r, rule);

	if (class > CS_FAULT_OPTIONAL)
		add_fault(r, class, rule->pointer, cs_arena_printf(&r->d->mem, "is missing; %s", rule->allowed), NULL);
}

/* A field that is good by itself but not beside another one. */
static void
doubt(struct reader *r, const char *pointer, const char *detail)
{
	size_t i = 0;

	while (strcmp(cs_lead_rules[i].pointer, pointer) != 0)
		i++;
	add_fault(r, CS_FAULT_OPTIONAL, pointer, detail, r->found[i]);
}

/* ---- one field */

static void
find_fields(struct reader *r, enum cs_lead_group group, const struct cs_json_node *object, size_t first)
{
	size_t i;

	CS_JSON_EACH(member, object) {
		i = cs_lead_rule_find(group, member->name, member->name_len, first);
		if (i == CS_LEAD_RULES)
			continue;
		first = i + 1;
		if (member->kind != CS_JSON_NULL)
			r->found[i] = member;
	}
}

static void *
place(struct reader *r, size_t offset)
{
	return (char *)r->d + offset;
}

static void
read_text(struct reader *r, const struct cs_lead_rule *rule, const struct cs_json_node *v)
{
	if (v->kind != CS_JSON_TEXT || v->len > rule->max ||
	    (rule->fits != NULL ? !rule->fits(v->text, v->len) : v->len == 0 && rule->class > CS_FAULT_OPTIONAL))
		wrong(r, rule);
	else
		*(const char **)place(r, rule->slot) = v->text;
}

static void
read_uuid(struct reader *r, const struct cs_lead_rule *rule, const struct cs_json_node *v)
{
	uint8_t uuid[16];

	if (v->kind != CS_JSON_TEXT || cs_uuid_parse(v->text, v->len, uuid) < 0) {
		wrong(r, rule);
		return;
	}
	memcpy(place(r, rule->value), uuid, sizeof(uuid));
	*(const char **)place(r, rule->slot) = cs_uuid_format(uuid, r->event_id);
}

static void
read_instant(struct reader *r, const struct cs_lead_rule *rule, const struct cs_json_node *v)
{
	if (v->kind != CS_JSON_TEXT || v->len > rule->max || cs_time_parse(v->text, v->len, true, place(r, rule->value), NULL) < 0)
		wrong(r, rule);
	else
		*(const char **)place(r, rule->slot) = v->text;
}

static void
open_group(struct reader *r, const struct cs_lead_rule *rule, const struct cs_json_node *v)
{
	if (v->kind == CS_JSON_OBJECT) {
		find_fields(r, rule->opens, v, (size_t)(rule - cs_lead_rules) + 1);
		return;
	}
	r->broken[rule->opens] = true;
	wrong(r, rule);
}

/* JSON has one kind of number: 142.0 and 1.42e2 are integers. */
static void
read_duration(struct reader *r, const struct cs_lead_rule *rule, const struct cs_json_node *v)
{
	double d = v->kind == CS_JSON_NUMBER ? cs_json_node_double(v) : -1;

	if (d < 0 || d > (double)CS_LEAD_MAX_DURATION || d != trunc(d)) {
		wrong(r, rule);
		return;
	}
	r->d->call.has_duration = 1;
	r->d->call.duration_s = (int64_t)d;
}

static void
read_score(struct reader *r, const struct cs_lead_rule *rule, const struct cs_json_node *v)
{
	double d = v->kind == CS_JSON_NUMBER ? cs_json_node_double(v) : -1;

	if (d < 0 || d > 1) {
		wrong(r, rule);
		return;
	}
	r->d->analysis.has_score = 1;
	r->d->analysis.score = d;
}

static void
read_existing_customer(struct reader *r, const struct cs_lead_rule *rule, const struct cs_json_node *v)
{
	if (v->kind == CS_JSON_TRUE || v->kind == CS_JSON_FALSE)
		r->d->request.is_existing_customer = v->kind == CS_JSON_TRUE ? CS_TRI_YES : CS_TRI_NO;
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

/* Nested answers count as absent, the others are kept as given. */
static void
read_answers(struct reader *r, const struct cs_lead_rule *rule, const struct cs_json_node *v)
{
	struct cs_bytes *out = &r->d->analysis.qualifier_answers;
	struct cs_buf b = CS_BUF_INIT(0);

	if (v->kind != CS_JSON_OBJECT) {
		wrong(r, rule);
		return;
	}
	cs_buf_reserve(&b, v->len);
	cs_buf_addc(&b, '{');
	CS_JSON_EACH(answer, v) {
		if (answer->kind == CS_JSON_OBJECT || answer->kind == CS_JSON_ARRAY) {
			add_fault(r, CS_FAULT_OPTIONAL, answer_pointer(r, rule, answer->name),
			          "must be text, a number, a boolean or null", answer);
			continue;
		}
		if (b.len > 1)
			cs_buf_addc(&b, ',');
		cs_json_node_write_member(answer, &b);
	}
	cs_buf_addc(&b, '}');
	*r->answers = cs_buf_steal(&b, &out->len);
	out->ptr = *r->answers;
}

typedef void read_fn(struct reader *, const struct cs_lead_rule *, const struct cs_json_node *);

static read_fn *const readers[] = {
	[CS_LEAD_TEXT] = read_text,
	[CS_LEAD_UUID] = read_uuid,
	[CS_LEAD_INSTANT] = read_instant,
	[CS_LEAD_OBJECT] = open_group,
	[CS_LEAD_DURATION] = read_duration,
	[CS_LEAD_SCORE] = read_score,
	[CS_LEAD_BOOL] = read_existing_customer,
	[CS_LEAD_ANSWERS] = read_answers,
};

static void
read_field(struct reader *r, const struct cs_lead_rule *rule)
{
	const struct cs_json_node *v = found(r, rule);

	if (r->broken[rule->in]) {
		if (rule->kind == CS_LEAD_OBJECT)
			r->broken[rule->opens] = true;
	} else if (v != NULL) {
		readers[rule->kind](r, rule, v);
	} else if (rule->kind != CS_LEAD_OBJECT) {
		missing(r, rule);
	}
}

/* ---- rules about two fields */

static void
check_times(struct reader *r)
{
	struct cs_lead_doc *d = r->d;

	if (d->call.started_at[0] == '\0' || d->call.ended_at[0] == '\0' || d->ended_ms >= d->started_ms)
		return;
	d->call.ended_at = "";
	doubt(r, "/call/ended_at", "must not be before started_at");
}

static void
check_caller(struct reader *r)
{
	if (r->broken[CS_GROUP_CONTACT] || r->d->contact.phone[0] != '\0' || r->d->contact.email[0] != '\0')
		return;
	add_fault(r, CS_FAULT_REQUIRED, "/contact", "must have a phone (E.164) or an email, so that somebody can be called back", NULL);
}

static void
check_status(struct reader *r)
{
	const char *status = r->d->analysis.qualification_status;
	bool qualified = is_qualified(r->d);

	if (r->d->view.event[0] == '\0' || status[0] == '\0' || qualified == (strcmp(status, "qualified") == 0))
		return;
	r->d->analysis.qualification_status = "";
	doubt(r, "/ai_analysis/qualification_status",
	      qualified ? "must be qualified, as the event says" : "must be unqualified, as the event says");
}

/* ---- warnings */

/* One line, whatever was said. */
static void
add_text(struct cs_buf *b, const char *text, size_t len)
{
	size_t n = cs_utf8_cut(text, len, GIVEN_MAX);

	if (n == 0)
		return;
	cs_buf_adds(b, " (given: ");
	for (size_t i = 0; i < n; i++)
		cs_buf_addc(b, (unsigned char)text[i] < ' ' || text[i] == 0x7f ? ' ' : text[i]);
	cs_buf_adds(b, n < len ? "...)" : ")");
}

static void
add_given(struct cs_buf *b, const struct cs_json_node *v)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf json = CS_BUF_INIT(0);

	if (v == NULL)
		return;
	if (v->kind == CS_JSON_TEXT) {
		add_text(b, v->text, v->len);
		return;
	}
	cs_json_node_write(v, &json);
	add_text(b, json.ptr, json.len);
}

static const char *
warnings(struct reader *r)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);

	for (size_t i = 0; i < r->d->n_faults; i++) {
		const struct cs_fault *f = &r->d->faults[i];

		if (f->class != CS_FAULT_OPTIONAL)
			continue;
		if (b.len > 0)
			cs_buf_addc(&b, '\n');
		cs_buf_printf(&b, "%s: %s", f->pointer, f->detail);
		add_given(&b, r->given[i]);
	}
	return b.len > 0 ? cs_arena_strdup(&r->d->mem, b.ptr) : "";
}

void
cs_lead_read_fields(struct cs_lead_doc *d, const struct cs_json_node *top, char event_id[], char **answers)
{
	struct reader r;

	r.d = d;
	r.event_id = event_id;
	r.answers = answers;
	memset(r.found, 0, sizeof(r.found));
	memset(r.broken, 0, sizeof(r.broken));
	find_fields(&r, CS_GROUP_TOP, top, 0);
	for (size_t i = 0; i + 1 < CS_LEAD_RULES; i++)
		read_field(&r, &cs_lead_rules[i]);
	if (d->view.event_id[0] != '\0' && cs_uuid_version(d->event_id) != 4)
		doubt(&r, "/event_id", "should be a UUID of version 4; it serves all the same");
	check_times(&r);
	check_caller(&r);
	check_status(&r);
	read_field(&r, &cs_lead_rules[CS_LEAD_RULES - 1]); /* qualifier_answers: see rules.h */
	d->unqualified = cs_lead_is_unqualified(d->view.event);
	d->urgency = cs_urgency_from(d->request.urgency);
	if (d->n_faults > 0)
		d->view.warnings = warnings(&r);
}
