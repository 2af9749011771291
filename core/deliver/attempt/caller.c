/* SPDX-License-Identifier: Apache-2.0 */
/*
 * caller.c - see private.h. What is not in memory (callers.h) is read from the store, once per attempt.
 */
#include <stdlib.h>
#include <string.h>
#include "deliver/attempt/private.h"

#define CALLER_MEMORY_MS CS_DAY_MS
#define KNOWN_MAX 32

/* What the store knows of the caller is read once per attempt. */
static void
read_known(struct attempt *a)
{
	struct cs_engine *e = a->session.engine;
	const uint64_t keys[2] = { a->job->d.phone_key, a->job->d.email_key };
	int n;

	if (a->known != NULL)
		return;
	a->known = cs_arena_alloc(&a->mem, KNOWN_MAX * sizeof(*a->known));
	n = e->c.reader->ops->caller_list(e->c.reader, a->job->d.conn_id, keys, cs_now_ms(e->c.clock) - CALLER_MEMORY_MS, &a->mem,
	    a->known, KNOWN_MAX, NULL);
	a->n_known = n > 0 ? n : 0;
}

/* What was known of the caller before this lead; "" or text in a->mem or in memory. */
const char *
cs_attempt_known(struct attempt *a, const char *what)
{
	const uint64_t keys[2] = { a->job->d.phone_key, a->job->d.email_key };
	const char *known = cs_callers_recall(&a->session.engine->callers, a->job->d.conn_id, keys, what);

	if (known != NULL)
		return known;
	read_known(a);
	for (int i = 0; i < a->n_known; i++)
		if (strcmp(a->known[i].step, what) == 0)
			return a->known[i].value;
	return "";
}

/* Since when the caller's other leads may go; 0: nothing holds them. */
int64_t
cs_attempt_caller_held_ms(struct attempt *a)
{
	for (size_t i = 0; i < a->steps.n; i++)
		if (cs_step_creates_caller(a->steps.v[i].row))
			return strtoll(cs_attempt_known(a, CS_CALLER_HELD), NULL, 10);
	return 0;
}

/* The same as text in a->mem; NULL when nothing of the caller is in doubt. */
const char *
cs_attempt_hold_caller(struct attempt *a)
{
	const uint64_t keys[2] = { a->job->d.phone_key, a->job->d.email_key };

	for (size_t i = 0; i < a->steps.n; i++) {
		const struct cs_step_state *st = &a->steps.v[i];

		if (st->state != CS_RECEIPT_IN_DOUBT || !cs_step_creates_caller(st->row))
			continue;
		cs_callers_hold(&a->session.engine->callers, a->job->d.conn_id, keys, st->doubt_ms + st->row->lookup_lag_ms);
		return cs_arena_printf(&a->mem, "%lld", (long long)(st->doubt_ms + st->row->lookup_lag_ms));
	}
	return NULL;
}

/* Also of an attempt that failed later on: the next lead of the caller must not create it again. */
void
cs_attempt_remember_caller(struct attempt *a, struct cs_result *r)
{
	const uint64_t keys[2] = { a->job->d.phone_key, a->job->d.email_key };
	const char *held = cs_attempt_hold_caller(a);

	if (held != NULL)
		r->remember[r->n_remember++] = (struct cs_remember){ CS_CALLER_HELD, held };
	for (size_t i = 0; i < a->steps.n && r->n_remember < CS_ARRAY_LEN(r->remember); i++) {
		const struct cs_step_state *st = &a->steps.v[i];

		if (!st->row->per_caller || st->state != CS_RECEIPT_VALUE)
			continue;
		cs_callers_remember(&a->session.engine->callers, a->job->d.conn_id, keys, st->row->name, st->value);
		r->remember[r->n_remember++] = (struct cs_remember){ st->row->name, st->value };
	}
}
