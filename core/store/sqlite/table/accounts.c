/* SPDX-License-Identifier: Apache-2.0 */
/*
 * accounts.c - the connections of an account, remembered.
 *
 * They are asked for with every lead and change seldom, and only the writer changes them. So its handle keeps what it read. A change
 * makes all of it stale: until the transaction ends the tables are asked, and the next one begins with nothing remembered. What was
 * handed out therefore stays good to the end of its transaction.
 */
#include "config.h"
#include "store/sqlite/private.h"

#include <string.h>

#define KEPT_BYTES ((size_t)4 << 20)
#define KEPT_ROWS 64 /* an account with more is read each time */

struct account {
	struct account *next; /* of the same hash */
	const char *name;
	struct cs_conn_row *rows;
	int n;
};

void
sq_accounts_init(struct sq_accounts *a)
{
	cs_map_init(&a->by_name);
	cs_arena_init(&a->mem);
	a->stale = false;
}

void
sq_accounts_fini(struct sq_accounts *a)
{
	cs_map_fini(&a->by_name);
	cs_arena_fini(&a->mem);
}

void
sq_accounts_begin(struct sq_accounts *a)
{
	if (!a->stale && a->mem.used <= KEPT_BYTES)
		return;
	sq_accounts_fini(a);
	sq_accounts_init(a);
}

static const struct account *
find(const struct sq_accounts *a, uint64_t key, const char *name)
{
	const struct account *at = cs_map_get(&a->by_name, key);

	while (at != NULL && strcmp(at->name, name) != 0)
		at = at->next;
	return at;
}

static void
keep(struct sq_accounts *a, uint64_t key, const char *name, const struct cs_conn_row *rows, int n)
{
	struct account *new = cs_arena_alloc(&a->mem, sizeof(*new));

	new->name = cs_arena_strdup(&a->mem, name);
	new->rows = n > 0 ? cs_arena_dup(&a->mem, rows, (size_t)n * sizeof(*rows)) : NULL;
	new->n = n;
	new->next = cs_map_get(&a->by_name, key);
	cs_map_put(&a->by_name, key, new);
}

int
sq_accounts_get(struct sq *s, const char *name, struct cs_arena *mem, struct cs_conn_row *out, int max, sq_account_fn read,
                struct cs_err *err)
{
	struct sq_accounts *a = &s->accounts;
	uint64_t key = cs_hash64_str(name);
	const struct account *known;
	int n;

	if (!s->in_tx || a->stale)
		return read(s, name, mem, out, max, err);
	if ((known = find(a, key, name)) != NULL && known->n <= max) {
		if (known->n > 0)
			memcpy(out, known->rows, (size_t)known->n * sizeof(*out));
		return known->n;
	}
	n = read(s, name, &a->mem, out, max, err);
	if (n >= 0 && n < max && n <= KEPT_ROWS && known == NULL)
		keep(a, key, name, out, n);
	return n;
}
