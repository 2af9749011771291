/* SPDX-License-Identifier: Apache-2.0 */
/*
 * choices.c - a few lists in a ring; the oldest makes room.
 */
#include "deliver/call/choices.h"
#include <stdlib.h>
#include "deliver/engine_private.h"

#define KEPT 64
#define KEEP_MS (5 * CS_MINUTE_MS)

struct cs_choices {
	struct kept {
		uint64_t key;
		int64_t at_ms;
		json_object *items; /* NULL: free */
		bool is_cut, is_filtered;
	} v[KEPT];
	size_t next;
};

/* A connection's version counts settings and secrets; what is tried is in the settings themselves. */
static uint64_t
key_of(const struct cs_ask *a)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);

	cs_buf_printf(&b, "%lld %lld %s %s\n", (long long)a->conn_id, (long long)a->context->version, a->list, a->filter != NULL ? a->filter : "");
	if (a->candidate != NULL)
		cs_json_canonical(a->context->settings, &b);
	return cs_hash64(cs_buf_str(&b), b.len);
}

bool
cs_choices_find(struct cs_ask *a)
{
	struct cs_choices *c = a->engine->choices;
	uint64_t key = key_of(a);

	for (size_t i = 0; c != NULL && i < KEPT; i++) {
		struct kept *k = &c->v[i];

		if (k->items == NULL || k->key != key || a->at_ms - k->at_ms >= KEEP_MS || a->at_ms < k->at_ms)
			continue;
		json_object_put(a->items);
		a->items = k->items; /* borrowed */
		a->is_cut = k->is_cut;
		a->is_filtered = k->is_filtered;
		a->at_ms = k->at_ms;
		return true;
	}
	return false;
}

void
cs_choices_keep(struct cs_ask *a)
{
	struct cs_choices *c = a->engine->choices;
	uint64_t key = key_of(a);
	size_t at;

	if (c == NULL)
		c = a->engine->choices = cs_xcalloc(1, sizeof(*c));
	for (at = 0; at < KEPT && (c->v[at].items == NULL || c->v[at].key != key);)
		at++;
	if (at == KEPT) {
		at = c->next;
		c->next = (c->next + 1) % KEPT;
	}
	json_object_put(c->v[at].items);
	c->v[at] = (struct kept){ key, a->at_ms, json_object_get(a->items), a->is_cut, a->is_filtered };
}

void
cs_choices_free(struct cs_choices *c)
{
	for (size_t i = 0; c != NULL && i < KEPT; i++)
		json_object_put(c->v[i].items);
	free(c);
}
