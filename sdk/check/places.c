/* SPDX-License-Identifier: Apache-2.0 */
/*
 * places.c - see places.h.
 *
 * Conversations share their beginnings: most look for the caller first and are told that there is nobody. A call that gets an
 * ugly answer there, and time-outs from then on, cannot know which conversation it was in, so one of them is enough.
 */
#include "config.h"
#include <string.h>
#include "check/places.h"

#define DUTIES_MAX 64

static struct cs_places known[DUTIES_MAX];

static void
add_input(struct cs_buf *b, json_object *script, const char *key)
{
	json_object *v = cs_json_get(script, key);

	cs_buf_printf(b, "%s=%s\n", key, v ? cs_json_text(v) : "");
}

/* Everything that a call has seen when it gets the answer to request `at`. */
static void
story(json_object *script, size_t at, struct cs_buf *out)
{
	static const char *const inputs[] = { "lead", "raw", "lead_warnings", "kind", "what", "hook", "now", "settings", "facts",
		"secrets", "receipts", "remembered", "overrides" };
	json_object *calls = cs_json_get(script, "calls");

	for (size_t i = 0; i < CS_ARRAY_LEN(inputs); i++)
		add_input(out, script, inputs[i]);
	for (size_t i = 0; calls && i <= at && i < json_object_array_length(calls); i++)
		add_input(out, json_object_array_get_idx(calls, i), "answer");
}

/* For the first time? */
static bool
is_new(json_object *seen, const char *key)
{
	if (json_object_object_get_ex(seen, key, NULL))
		return false;
	json_object_object_add(seen, key, NULL);
	return true;
}

static void
find_in(struct cs_trial *t, const struct cs_script *s, struct cs_places *p, json_object *kinds, json_object *stories)
{
	struct cs_plan plan = cs_trial_plan(t, s, CS_ANSWERS_ORDER);
	struct cs_call *c = cs_trial_run(t, s, &plan);

	for (size_t at = 0; at < c->next && at < CS_MAX_REQUESTS; at++) {
		struct cs_buf b = CS_BUF_INIT(0);

		story(s->json, at, &b);
		p->v = cs_xrealloc(p->v, (p->n + 1) * sizeof(*p->v));
		p->v[p->n++] = (struct cs_spot){ s, at, is_new(kinds, c->kind_of[at]), !is_new(stories, cs_buf_str(&b)) };
		cs_buf_fini(&b);
	}
	cs_call_end(c);
}

const struct cs_places *
cs_places_of(struct cs_trial *t)
{
	json_object *kinds, *stories;
	size_t i = 0;

	while (i < DUTIES_MAX - 1 && known[i].duty && known[i].duty != t->duty)
		i++;
	if (known[i].duty == t->duty)
		return &known[i];
	known[i].n = 0;
	known[i].duty = t->duty;
	kinds = json_object_new_object();
	stories = json_object_new_object();
	for (size_t k = 0; k < t->duty->n; k++)
		find_in(t, t->duty->scripts[k], &known[i], kinds, stories);
	json_object_put(kinds);
	json_object_put(stories);
	return &known[i];
}
