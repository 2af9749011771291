/* SPDX-License-Identifier: Apache-2.0 */
/*
 * duty.c - the list of duties of one plugin.
 *
 * A lead, and a lead as a test, is everybody's duty. A list of choices is one where a setting names it and no row of the
 * manifest reads it. Hooks and polls are declared by their rows. identify, fetch, auth_refresh and subscriptions are
 * duties where the plugin answers to them. What only a conversation knows of is tried, but not asked for.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "check/duty.h"

#define LEADS_AS_TESTS 6

static const char *const names[CS_DUTY_KINDS] = {
	[CS_DUTY_LEAD] = "lead", [CS_DUTY_TEST] = "test", [CS_DUTY_IDENTIFY] = "identify", [CS_DUTY_CHOICES] = "choices",
	[CS_DUTY_FETCH] = "fetch", [CS_DUTY_AUTH] = "auth", [CS_DUTY_RECEIVED] = "received", [CS_DUTY_POLL] = "poll",
	[CS_DUTY_SUBSCRIBE] = "subscribe", [CS_DUTY_RENEW] = "renew", [CS_DUTY_UNSUBSCRIBE] = "unsubscribe",
};

const char *
cs_duty_name(enum cs_duty_kind kind)
{
	return names[kind];
}

enum cs_duty_kind
cs_duty_of(json_object *script)
{
	json_object *hook = cs_json_get(script, "hook");
	const char *kind = hook ? cs_json_str(hook, "kind", "received") : cs_json_str(script, "kind", "lead");

	for (int i = 0; i < CS_DUTY_KINDS; i++)
		if (strcmp(names[i], kind) == 0)
			return (enum cs_duty_kind)i;
	return CS_DUTY_LEAD;
}

/* Does this conversation try that duty? For lists by name, for records by their type. */
static bool
tries(const struct cs_script *s, enum cs_duty_kind kind, const char *what)
{
	const char *own = cs_json_str(s->json, "what", "");

	if (!s->json || cs_duty_of(s->json) != kind)
		return false;
	if (kind == CS_DUTY_CHOICES)
		return strcmp(own, what) == 0;
	return true;
}

static bool
ends_well(const struct cs_script *s)
{
	return strcmp(cs_json_str(s->json, "outcome", "done"), "done") == 0;
}

static struct cs_duty *
add(struct cs_duties *d, const struct cs_scripts *scripts, enum cs_duty_kind kind, const char *what, bool declared)
{
	struct cs_duty *one;

	d->v = cs_xrealloc(d->v, (d->n + 1) * sizeof(*d->v));
	one = &d->v[d->n++];
	*one = (struct cs_duty){ .kind = kind, .as = -1, .declared = declared, .scripts = cs_xcalloc(scripts->n + 1, sizeof(*one->scripts)) };
	snprintf(one->what, sizeof(one->what), "%s", what);
	snprintf(one->name, sizeof(one->name), "%s%s%s", names[kind], *what ? " " : "", what);
	for (size_t i = 0; i < scripts->n; i++)
		if (tries(&scripts->v[i], kind, what)) {
			one->tried |= ends_well(&scripts->v[i]);
			one->scripts[one->n++] = &scripts->v[i];
		}
	return one;
}

/* A test lead goes the lead's way, so besides its own conversations a few of the lead's will do. */
static void
add_test(struct cs_duties *d, const struct cs_scripts *scripts)
{
	struct cs_duty *test = add(d, scripts, CS_DUTY_TEST, "", true);
	const struct cs_duty *lead = &d->v[0];

	test->as = CS_PUSH_TEST;
	for (size_t i = 0; i < lead->n && i < LEADS_AS_TESTS; i++)
		test->scripts[test->n++] = lead->scripts[i];
	test->tried |= lead->tried;
}

static bool
is_listed(const struct cs_duties *d, const char *list)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->v[i].kind == CS_DUTY_CHOICES && strcmp(d->v[i].what, list) == 0)
			return true;
	return false;
}

static bool
has_row(const struct cs_manifest *m, const char *list)
{
	for (size_t i = 0; i < m->n_choices; i++)
		if (strcmp(m->choices[i].list, list) == 0)
			return true;
	return false;
}

static void
add_lists(struct cs_duties *d, const struct cs_manifest *m, const struct cs_scripts *scripts)
{
	for (size_t i = 0; i < m->n_settings; i++) {
		const char *list = m->settings[i].choices_from;

		if (list && *list && !has_row(m, list) && !is_listed(d, list))
			add(d, scripts, CS_DUTY_CHOICES, list, true);
	}
	for (size_t i = 0; i < scripts->n; i++) {
		json_object *s = scripts->v[i].json;

		if (s && cs_duty_of(s) == CS_DUTY_CHOICES && !is_listed(d, cs_json_str(s, "what", "")))
			add(d, scripts, CS_DUTY_CHOICES, cs_json_str(s, "what", ""), false);
	}
}

static bool
is_scripted(const struct cs_scripts *scripts, enum cs_duty_kind kind)
{
	for (size_t i = 0; i < scripts->n; i++)
		if (scripts->v[i].json && cs_duty_of(scripts->v[i].json) == kind)
			return true;
	return false;
}

static void
add_if(struct cs_duties *d, const struct cs_scripts *scripts, enum cs_duty_kind kind, bool declared)
{
	if (declared || is_scripted(scripts, kind))
		add(d, scripts, kind, "", declared);
}

static bool
answers(const struct cs_probe *p, enum cs_duty_kind kind)
{
	return p->answers & (1u << kind);
}

void
cs_duties_find(const struct cs_manifest *m, const struct cs_probe *p, const struct cs_scripts *scripts, struct cs_duties *out)
{
	*out = (struct cs_duties){ 0 };
	add(out, scripts, CS_DUTY_LEAD, "", true);
	add_test(out, scripts);
	add_if(out, scripts, CS_DUTY_IDENTIFY, !m->identify.path && answers(p, CS_DUTY_IDENTIFY));
	add_lists(out, m, scripts);
	add_if(out, scripts, CS_DUTY_FETCH, answers(p, CS_DUTY_FETCH));
	add_if(out, scripts, CS_DUTY_AUTH, p->has_auth);
	add_if(out, scripts, CS_DUTY_RECEIVED, m->has_webhook);
	add_if(out, scripts, CS_DUTY_POLL, m->poll_every_ms > 0);
	for (int kind = CS_DUTY_SUBSCRIBE; kind <= CS_DUTY_UNSUBSCRIBE; kind++)
		add_if(out, scripts, (enum cs_duty_kind)kind, answers(p, (enum cs_duty_kind)kind));
}

void
cs_duties_free(struct cs_duties *d)
{
	for (size_t i = 0; i < d->n; i++)
		free(d->v[i].scripts);
	free(d->v);
	*d = (struct cs_duties){ 0 };
}
