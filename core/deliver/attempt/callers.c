/* SPDX-License-Identifier: Apache-2.0 */
/*
 * callers.c - who holds a caller, and what is remembered of it.
 *
 * A job waits for one holder at a time. When that one leaves, the first of its waiters goes back to the front of its lane, and
 * those that share a caller with it wait for it without another turn; the rest are free. Nobody else of that caller can come
 * between, since a new one meets a holder or, at worst, goes first.
 */
#include "deliver/attempt/callers.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_MAX 8192

struct memory {
	struct cs_list age;
	uint64_t key;
	char value[];
};

void
cs_callers_init(struct cs_callers *c)
{
	*c = (struct cs_callers){ 0 };
	cs_map_init(&c->holders);
	cs_map_init(&c->memory);
	cs_list_init(&c->by_age);
}

void
cs_callers_fini(struct cs_callers *c)
{
	struct cs_list *n;

	while ((n = cs_list_pop(&c->by_age)) != NULL)
		free(CS_CONTAINER(n, struct memory, age));
	cs_map_fini(&c->holders);
	cs_map_fini(&c->memory);
}

static uint64_t
caller_hash(int64_t conn_id, uint64_t key, const char *step)
{
	struct {
		int64_t conn;
		uint64_t key, step;
	} k = { conn_id, key, step != NULL ? cs_hash64_str(step) : 0 };

	return cs_hash64(&k, sizeof(k));
}

/* What it is found by in the table of holders: none, one or two. */
static size_t
holds(const struct cs_job *j, uint64_t out[2])
{
	const uint64_t keys[2] = { j->d.phone_key, j->d.email_key };
	size_t n = 0;

	for (int i = 0; i < 2; i++)
		if (keys[i] != 0)
			out[n++] = caller_hash(j->d.conn_id, keys[i], NULL);
	return n;
}

bool
cs_callers_enter(struct cs_callers *c, struct cs_job *j)
{
	uint64_t held[2];
	size_t n = holds(j, held);

	for (size_t i = 0; i < n; i++) {
		struct cs_job *holder = cs_map_get(&c->holders, held[i]);

		if (holder != NULL) {
			cs_list_push(&holder->waiters, &j->item.node);
			return false;
		}
	}
	for (size_t i = 0; i < n; i++)
		cs_map_put(&c->holders, held[i], j);
	j->holds_caller = true;
	return true;
}

static bool
share(const struct cs_job *a, const struct cs_job *b)
{
	return (a->d.phone_key != 0 && a->d.phone_key == b->d.phone_key) || (a->d.email_key != 0 && a->d.email_key == b->d.email_key);
}

/* The first goes next; whoever shares its caller waits for it at once, the others are free. */
static void
pass_on(struct cs_list *waiters, struct cs_list *next)
{
	struct cs_list *first = cs_list_pop(waiters);
	struct cs_job *heir;

	if (first == NULL)
		return;
	heir = CS_CONTAINER(first, struct cs_job, item.node);
	cs_list_push(next, first);
	CS_LIST_EACH_SAFE(n, tmp, waiters) {
		struct cs_job *w = CS_CONTAINER(n, struct cs_job, item.node);

		cs_list_del(n);
		cs_list_push(share(w, heir) ? &heir->waiters : next, n);
	}
}

void
cs_callers_leave(struct cs_callers *c, struct cs_job *j, struct cs_list *next)
{
	uint64_t held[2];
	size_t n;

	if (!j->holds_caller)
		return;
	n = holds(j, held);
	for (size_t i = 0; i < n; i++)
		cs_map_del(&c->holders, held[i]);
	j->holds_caller = false;
	pass_on(&j->waiters, next);
}

static void
forget(struct cs_callers *c, struct memory *m)
{
	cs_map_del(&c->memory, m->key);
	cs_list_del(&m->age);
	free(m);
	c->n_memory--;
}

void
cs_callers_remember(struct cs_callers *c, int64_t conn_id, const uint64_t keys[2], const char *step, const char *value)
{
	for (int i = 0; i < 2; i++) {
		uint64_t h = caller_hash(conn_id, keys[i], step);
		struct memory *m;

		if (keys[i] == 0)
			continue;
		if ((m = cs_map_get(&c->memory, h)) != NULL)
			forget(c, m);
		m = cs_xmalloc(sizeof(*m) + strlen(value) + 1);
		cs_list_init(&m->age);
		m->key = h;
		strcpy(m->value, value);
		cs_map_put(&c->memory, h, m);
		cs_list_push(&c->by_age, &m->age);
		if (++c->n_memory > MEMORY_MAX)
			forget(c, CS_CONTAINER(cs_list_first(&c->by_age), struct memory, age));
	}
}

void
cs_callers_hold(struct cs_callers *c, int64_t conn_id, const uint64_t keys[2], int64_t until_ms)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld", (long long)until_ms);
	cs_callers_remember(c, conn_id, keys, CS_CALLER_HELD, text);
}

const char *
cs_callers_recall(struct cs_callers *c, int64_t conn_id, const uint64_t keys[2], const char *step)
{
	for (int i = 0; i < 2; i++) {
		struct memory *m = keys[i] != 0 ? cs_map_get(&c->memory, caller_hash(conn_id, keys[i], step)) : NULL;

		if (m != NULL)
			return m->value;
	}
	return NULL;
}
