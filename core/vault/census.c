/* SPDX-License-Identifier: Apache-2.0 */
/*
 * census.c - see census.h.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "vault/census.h"

#define PAGE 256

static struct cs_census_row *
row_of(struct cs_census *c, const char *id)
{
	for (int i = 0; i < c->n; i++)
		if (strcmp(c->v[i].id, id) == 0)
			return &c->v[i];
	if (c->n == CS_CENSUS_MAX)
		return &c->v[CS_CENSUS_MAX - 1];
	memcpy(c->v[c->n].id, id, strlen(id) + 1);
	return &c->v[c->n++];
}

static void
count(struct cs_census *c, const struct cs_bytes *sealed)
{
	char id[CS_VAULT_ID_MAX + 1];
	struct cs_census_row *r;

	cs_vault_key_id(sealed->ptr, sealed->len, id);
	r = row_of(c, id);
	r->secrets++;
	if (!r->in_file)
		c->unreadable++;
	else if (!r->seals)
		c->stale++;
}

static void
begin(struct cs_census *c, const struct cs_vault *vault)
{
	char ids[CS_VAULT_KEYS_MAX][CS_VAULT_ID_MAX + 1];
	int n = vault != NULL ? cs_vault_key_ids(vault, ids) : 0;

	memset(c, 0, sizeof(*c));
	for (int i = 0; i < n; i++) {
		row_of(c, ids[i])->in_file = true;
		c->v[i].seals = i == 0;
	}
}

int
cs_census_take(struct cs_store *s, const struct cs_vault *vault, struct cs_census *out, struct cs_err *err)
{
	struct cs_sealed_row *rows = cs_xcalloc(PAGE, sizeof(*rows));
	CS_CLEANUP(cs_freep) char *owner = cs_xstrdup(""), *name = cs_xstrdup("");
	struct cs_arena mem;
	int n;

	begin(out, vault);
	cs_arena_init(&mem);
	while ((n = s->ops->secret_walk(s, owner, name, &mem, rows, PAGE, err)) > 0) {
		for (int i = 0; i < n; i++)
			count(out, &rows[i].sealed);
		free(owner);
		free(name);
		owner = cs_xstrdup(rows[n - 1].owner);
		name = cs_xstrdup(rows[n - 1].name);
		cs_arena_reset(&mem);
	}
	cs_arena_fini(&mem);
	free(rows);
	return n;
}

static bool
has(const struct cs_vault *v, const char *id)
{
	char ids[CS_VAULT_KEYS_MAX][CS_VAULT_ID_MAX + 1];
	int n = cs_vault_key_ids(v, ids);

	for (int i = 0; i < n; i++)
		if (strcmp(ids[i], id) == 0)
			return true;
	return false;
}

int
cs_census_reload(struct cs_store *s, struct cs_vault *vault, struct cs_err *err)
{
	struct cs_vault *fresh;
	struct cs_census c;
	int rc;

	if ((rc = cs_vault_open(cs_vault_path(vault), &fresh, err)) < 0)
		return rc;
	rc = cs_census_take(s, fresh, &c, err);
	for (int i = 0; i < c.n && rc == 0; i++)
		if (c.v[i].secrets > 0 && !c.v[i].in_file && has(vault, c.v[i].id)) {
			rc = cs_err_set(err, CS_ESTATE, "%s lacks key %s, under which %" PRId64 " secrets are sealed: the old keys stay",
			                cs_vault_path(vault), c.v[i].id, c.v[i].secrets);
			cs_err_hint(err, "put its line back until \"csrelay secrets status\" counts none for it");
		}
	if (rc == 0)
		cs_vault_adopt(vault, fresh);
	else
		cs_vault_close(fresh);
	return rc;
}
