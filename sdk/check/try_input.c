/* SPDX-License-Identifier: Apache-2.0 */
/*
 * try_input.c - ugly input: leads full of what callers and transcripts say, and messages of CRMs that are not as expected.
 */
#include <string.h>
#include "check/page.h"
#include "check/try.h"
#include "util/text.h"

/* ---- leads */
static const struct {
	const char *pointer;
	size_t max; /* lead-1.0 */
} texts[] = {
	{ "/contact/first_name", 128 }, { "/contact/last_name", 128 }, { "/contact/address/street", 256 },
	{ "/contact/address/city", 128 }, { "/contact/address/state", 128 }, { "/contact/address/zip", 128 },
	{ "/service_request/service_type", 128 }, { "/service_request/sub_type", 128 },
	{ "/service_request/issue_description", 8192 }, { "/call/transcript_summary", 8192 },
	{ "/ai_analysis/sentiment", 64 }, { "/ai_analysis/disqualification_reason", 1024 },
	{ "/ai_analysis/qualifier_answers/owns_home", 8192 }, { "/routing/assigned_to", 128 },
};

/* `text` again and again, up to `max` bytes, no character cut; new. */
static json_object *
filled(const char *text, size_t max)
{
	struct cs_buf b = CS_BUF_INIT(max + 4096);
	json_object *o;

	do
		cs_buf_adds(&b, text);
	while (max > 1024 && b.len + strlen(text) <= max);
	o = json_object_new_string_len(cs_buf_str(&b), (int)cs_utf8_cut(cs_buf_str(&b), b.len, max));
	cs_buf_fini(&b);
	return o;
}

static json_object *
lead_full_of(json_object *script, const char *text)
{
	json_object *lead = cs_check_lead_of(script);

	for (size_t i = 0; i < CS_ARRAY_LEN(texts); i++) {
		json_object *v = filled(text, texts[i].max);

		if (json_pointer_set(&lead, texts[i].pointer, v) != 0)
			json_object_put(v);
	}
	return lead;
}

static void
try_lead(struct cs_trial *t, const struct cs_script *s, json_object *lead)
{
	struct cs_plan plan = cs_trial_plan(t, s, CS_ANSWERS_ORDER);

	plan.lead = lead;
	cs_trial_end(t, s, cs_trial_run(t, s, &plan));
	json_object_put(lead);
}

void
cs_try_text(struct cs_trial *t)
{
	for (size_t i = 0; i < t->duty->n; i++)
		try_lead(t, t->duty->scripts[i], lead_full_of(t->duty->scripts[i]->json, t->row->text));
}

void
cs_try_patch(struct cs_trial *t)
{
	json_object *patch = json_tokener_parse(t->row->text);

	for (size_t i = 0; i < t->duty->n; i++) {
		json_object *lead = cs_check_lead_of(t->duty->scripts[i]->json);

		try_lead(t, t->duty->scripts[i], cs_json_merge_patch(lead, patch));
		json_object_put(lead);
	}
	json_object_put(patch);
}

/* ---- messages */
static json_object *
body_of(const struct cs_script *s)
{
	return cs_json_get(cs_json_get(s->json, "hook"), "body");
}

/* The script's body, twisted. It lives as long as the call it is made with. */
static struct cs_bytes
twisted_body(const struct cs_trial *t, struct cs_call *c, const struct cs_script *s)
{
	json_object *body = body_of(s);
	const char *text = body ? cs_json_text(body) : "";
	const struct cs_twist *twist = &t->row->twist;

	if (!twist->make)
		return (struct cs_bytes){ twist->body, strlen(twist->body) };
	return twist->make(c, json_object_is_type(body, json_type_string) ? NULL : body, (struct cs_bytes){ text, strlen(text) });
}

void
cs_try_body(struct cs_trial *t)
{
	for (size_t i = 0; i < t->duty->n && (i == 0 || t->row->twist.make); i++) {
		const struct cs_script *s = t->duty->scripts[i];
		struct cs_plan plan = cs_trial_plan(t, s, CS_ANSWERS_ORDER);
		struct cs_call maker = { .plan = &plan };
		struct cs_bytes body;

		cs_arena_init(&maker.mem);
		body = twisted_body(t, &maker, s);
		plan.body = &body;
		cs_trial_end(t, s, cs_trial_run(t, s, &plan));
		cs_arena_fini(&maker.mem);
	}
}

/* ---- again */
/* What makes events the same for the core: name and dedupe, or all of them. */
static void
identities(struct cs_call *c, struct cs_buf *out)
{
	for (size_t i = 0; i < json_object_array_length(c->emitted); i++) {
		json_object *e = json_object_array_get_idx(c->emitted, i);
		const char *dedupe = cs_json_str(e, "dedupe", "");

		cs_buf_printf(out, "%s %s\n", cs_json_str(e, "event", ""), *dedupe ? dedupe : cs_json_text(e));
	}
}

static void
run_for_identities(struct cs_trial *t, const struct cs_script *s, int64_t later_ms, struct cs_buf *out)
{
	struct cs_plan plan = cs_trial_plan(t, s, CS_ANSWERS_ORDER);
	struct cs_call *c;

	plan.later_ms = later_ms;
	c = cs_trial_run(t, s, &plan);
	identities(c, out);
	cs_trial_end(t, s, c);
}

/* A minute later, so that a time of the call itself shows where it stands in an identity. */
void
cs_try_replay(struct cs_trial *t)
{
	for (size_t i = 0; i < t->duty->n; i++) {
		const struct cs_script *s = t->duty->scripts[i];
		struct cs_buf first = CS_BUF_INIT(1 << 20), second = CS_BUF_INIT(1 << 20);

		run_for_identities(t, s, 0, &first);
		run_for_identities(t, s, 60000, &second);
		if (strcmp(cs_buf_str(&first), cs_buf_str(&second)) != 0)
			cs_trial_find(t, s->name, CS_RULE_DEDUPE, "the same message made other events the second time");
		cs_buf_fini(&first);
		cs_buf_fini(&second);
	}
}
