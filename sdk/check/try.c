/* SPDX-License-Identifier: Apache-2.0 */
/*
 * try.c - trying answers: as scripted, ugly ones in their place, a second attempt after them, another call in between.
 *
 * Each run is judged by the rules. What allocates more than it frees is run once more: memory that a first call keeps is a
 * cache, memory that each call keeps is a leak.
 */
#include <stdio.h>
#include <string.h>
#include "check/heap.h"
#include "check/page.h"
#include "check/places.h"
#include "check/try.h"

/* ---- findings */
void
cs_trial_find(struct cs_trial *t, const char *script, enum cs_rule rule, const char *text)
{
	json_object *o = json_object_new_object();

	json_object_object_add(o, "rule", json_object_new_string(cs_rules[rule].name));
	json_object_object_add(o, "script", json_object_new_string(script));
	json_object_object_add(o, "text", json_object_new_string(text));
	json_object_array_add(t->findings, o);
}

/* Takes over the faults of a call. */
static void
keep_faults(struct cs_trial *t, const struct cs_script *s, json_object *faults)
{
	for (size_t i = 0; i < json_object_array_length(faults); i++) {
		json_object *o = json_object_array_get_idx(faults, i);

		json_object_object_add(o, "script", json_object_new_string(s->name));
		json_object_array_add(t->findings, json_object_get(o));
	}
	json_object_put(faults);
}

void
cs_trial_end(struct cs_trial *t, const struct cs_script *s, struct cs_call *c)
{
	json_object *faults;

	cs_judge(c);
	faults = json_object_get(c->faults);
	cs_call_end(c);
	keep_faults(t, s, faults);
}

/* ---- runs */
struct cs_plan
cs_trial_plan(const struct cs_trial *t, const struct cs_script *s, enum cs_answers answers)
{
	return (struct cs_plan){ .plugin = t->plugin, .script = s->json, .answers = answers, .kind = t->duty->as };
}

struct cs_call *
cs_trial_run(struct cs_trial *t, const struct cs_script *s, const struct cs_plan *plan)
{
	struct cs_call *c;

	snprintf(cs_check_page->script, sizeof(cs_check_page->script), "%s", s->name);
	c = cs_run(plan);
	t->runs++;
	return c;
}

/* How many bytes a run keeps. */
static size_t
kept_by(struct cs_trial *t, const struct cs_script *s, const struct cs_plan *plan)
{
	size_t blocks = cs_heap_blocks(), bytes = cs_heap_in_use();

	cs_call_end(cs_trial_run(t, s, plan));
	return cs_heap_blocks() > blocks ? cs_heap_in_use() - bytes : 0;
}

static void
run_once(struct cs_trial *t, const struct cs_script *s, const struct cs_plan *plan)
{
	size_t before = cs_heap_blocks(), kept;
	struct cs_call *c = cs_trial_run(t, s, plan);
	json_object *faults;
	char text[80];

	cs_judge(c);
	if (plan->answers == CS_ANSWERS_SCRIPT)
		cs_compare(c);
	faults = json_object_get(c->faults);
	cs_call_end(c);
	if (json_object_array_length(faults) == 0 && cs_heap_blocks() > before && kept_by(t, s, plan) > 0 &&
	    (kept = kept_by(t, s, plan)) > 0) {
		snprintf(text, sizeof(text), "%zu bytes are not given back", kept);
		cs_trial_find(t, s->name, CS_RULE_LEAK, text);
	}
	keep_faults(t, s, faults);
}

void
cs_try_scripts(struct cs_trial *t)
{
	for (size_t i = 0; i < t->duty->n; i++) {
		struct cs_plan plan = cs_trial_plan(t, t->duty->scripts[i], CS_ANSWERS_SCRIPT);

		run_once(t, t->duty->scripts[i], &plan);
	}
}

void
cs_try_frozen(struct cs_trial *t)
{
	for (size_t i = 0; i < t->duty->n; i++) {
		struct cs_plan plan = cs_trial_plan(t, t->duty->scripts[i], CS_ANSWERS_SCRIPT);

		plan.frozen_receipts = true;
		run_once(t, t->duty->scripts[i], &plan);
	}
}

/* ---- in the place of each answer */
static void
each_place(struct cs_trial *t, bool goes_on, void (*one)(struct cs_trial *, const struct cs_script *, size_t at))
{
	const struct cs_places *p = cs_places_of(t);
	const struct cs_twist *twist = &t->row->twist;

	for (size_t i = 0; i < p->n; i++)
		if ((goes_on || !p->v[i].same_before) && (!twist->costly || p->v[i].first_of_kind))
			one(t, p->v[i].script, p->v[i].at);
}

static void
answer_at(struct cs_trial *t, const struct cs_script *s, size_t at)
{
	struct cs_plan plan = cs_trial_plan(t, s, CS_ANSWERS_ORDER);

	plan.twist = &t->row->twist;
	plan.twist_at = at;
	plan.then_fails = !t->row->twist.goes_on;
	run_once(t, s, &plan);
}

void
cs_try_answer(struct cs_trial *t)
{
	each_place(t, t->row->twist.goes_on, answer_at);
}

/* The attempt fails there; then the next one, with what it left. */
static void
again_at(struct cs_trial *t, const struct cs_script *s, size_t at)
{
	struct cs_plan first = cs_trial_plan(t, s, CS_ANSWERS_ORDER), second = cs_trial_plan(t, s, CS_ANSWERS_MATCHED);
	struct cs_call *c;
	bool done;

	first.twist = &t->row->twist;
	first.twist_at = at;
	first.then_fails = true;
	c = cs_trial_run(t, s, &first);
	second.receipts = cs_receipts_after(c);
	second.facts = json_object_get(c->facts);
	second.refuses_looks = true;
	done = c->rc == CS_DONE;
	cs_trial_end(t, s, c);
	if (!done)
		cs_trial_end(t, s, cs_trial_run(t, s, &second));
	json_object_put(second.receipts);
	json_object_put(second.facts);
}

void
cs_try_again(struct cs_trial *t)
{
	each_place(t, true, again_at);
}

/* ---- with another call */
/* Another caller, for the call in between; new. */
static json_object *
other_lead(json_object *script)
{
	json_object *lead = cs_check_lead_of(script), *out;
	json_object *patch = json_tokener_parse("{\"event_id\":\"99999999-9999-4999-8999-999999999999\",\"contact\":"
	                                        "{\"first_name\":\"Ottokar\",\"phone\":\"+19995550199\",\"email\":\"otto@example.org\"}}");

	out = cs_json_merge_patch(lead, patch);
	json_object_put(lead);
	json_object_put(patch);
	return out;
}

static bool
is_clean(struct cs_trial *t, const struct cs_script *s, const struct cs_plan *plan)
{
	struct cs_call *c = cs_trial_run(t, s, plan);
	bool clean;

	cs_compare(c);
	clean = json_object_array_length(c->faults) == 0;
	cs_call_end(c);
	return clean;
}

/* What differs from the script only now is the other call's doing. */
static void
blame_sharing(json_object *faults)
{
	for (size_t i = 0; i < json_object_array_length(faults); i++) {
		json_object *o = json_object_array_get_idx(faults, i);

		if (strcmp(cs_json_str(o, "rule", ""), cs_rules[CS_RULE_SCRIPT].name) == 0)
			json_object_object_add(o, "rule", json_object_new_string(cs_rules[CS_RULE_SHARED].name));
	}
}

static void
interleave(struct cs_trial *t, const struct cs_script *s, const struct cs_plan *plan)
{
	struct cs_plan ours = *plan, others = *plan;
	struct cs_call *a, *b;
	int32_t alone;

	others.answers = CS_ANSWERS_ORDER;
	others.lead = other_lead(s->json);
	b = cs_trial_run(t, s, &others);
	alone = b->rc;
	cs_call_end(b);
	ours.yields = others.yields = true;
	if (t->row->twist.goes_on)
		cs_run_two(&others, &ours, &b, &a);
	else
		cs_run_two(&ours, &others, &a, &b);
	t->runs += 2;
	cs_compare(a);
	blame_sharing(a->faults);
	if (b->rc != alone)
		cs_fault(b, CS_RULE_SHARED, "the other call ended with %s, alone with %s", cs_check_outcome(b->rc), cs_check_outcome(alone));
	cs_trial_end(t, s, a);
	cs_trial_end(t, s, b);
	json_object_put(others.lead);
}

void
cs_try_interleaved(struct cs_trial *t)
{
	for (size_t i = 0; i < t->duty->n; i++) {
		const struct cs_script *s = t->duty->scripts[i];
		struct cs_plan plan = cs_trial_plan(t, s, CS_ANSWERS_SCRIPT);

		if (is_clean(t, s, &plan))
			interleave(t, s, &plan);
	}
}

/* ---- doubt */
/* Which ways a conversation that begins in doubt about `step` settles it: 1 found, 2 sent again. */
static int
ways_settled(struct cs_trial *t, const struct cs_script *s, const char *step)
{
	struct cs_plan plan = cs_trial_plan(t, s, CS_ANSWERS_ORDER);
	struct cs_call *c;
	int ways = 0;

	if (!cs_check_in_doubt(cs_json_get(s->json, "receipts"), step))
		return 0;
	c = cs_trial_run(t, s, &plan);
	if (json_object_object_get_ex(c->sent, step, NULL))
		ways = 2;
	else if (c->rc == CS_DONE)
		ways = 1;
	cs_call_end(c);
	return ways;
}

void
cs_try_doubts(struct cs_trial *t)
{
	for (size_t i = 0; i < t->plugin->rows->n_steps; i++) {
		const struct cs_step_row *row = &t->plugin->rows->steps[i];
		char text[160];
		int ways = 0;

		if (!row->mutates || row->on_doubt != CS_DOUBT_LOOK)
			continue;
		for (size_t k = 0; k < t->duty->n; k++)
			ways |= ways_settled(t, t->duty->scripts[k], row->name);
		snprintf(text, sizeof(text), "no conversation begins in doubt about the step %s and %s", row->name,
		    ways & 1 ? "does not find it" : "finds it");
		if (ways != 3)
			cs_trial_find(t, "", CS_RULE_DOUBT_UNTRIED, text);
	}
}

/* ---- map */
static struct cs_call *
run_map(struct cs_trial *t, const struct cs_script *s, json_object *lead)
{
	struct cs_plan plan = cs_trial_plan(t, s, CS_ANSWERS_ORDER);
	struct cs_call *c;

	plan.lead = lead;
	snprintf(cs_check_page->script, sizeof(cs_check_page->script), "%s", s->name);
	c = cs_run_map(&plan);
	t->runs++;
	return c;
}

static bool
same_bytes(struct cs_bytes a, struct cs_bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Twice the same lead, another one in between. */
void
cs_try_map(struct cs_trial *t)
{
	for (size_t i = 0; i < t->duty->n; i++) {
		const struct cs_script *s = t->duty->scripts[i];
		json_object *other = other_lead(s->json);
		struct cs_call *first = run_map(t, s, NULL), *between = run_map(t, s, other), *second = run_map(t, s, NULL);

		if (!same_bytes(first->last_emit, second->last_emit))
			cs_fault(second, CS_RULE_MAP_SAME, "the same lead gave another document the second time");
		cs_trial_end(t, s, first);
		cs_trial_end(t, s, between);
		cs_trial_end(t, s, second);
		json_object_put(other);
	}
}
