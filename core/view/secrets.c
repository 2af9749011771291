/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secrets.c - see view.h: which master keys the stored secrets need. Ids and counts only.
 */
#include "config.h"
#include "vault/census.h"
#include "view/view.h"

static const char *
state_of(const struct cs_census_row *r)
{
	if (r->id[0] == '\0')
		return "damaged";
	return r->seals ? "seals" : r->in_file ? "opens" : "missing";
}

int
cs_view_secrets(struct cs_view *v, const struct cs_vault *vault, struct cs_err *err)
{
	struct cs_census c;
	int rc = cs_census_take(v->store, vault, &c, err);

	if (rc < 0)
		return rc;
	cs_out_open(&v->out, NULL, '{');
	cs_out_text(&v->out, "key_file", vault != NULL ? cs_vault_path(vault) : "");
	cs_out_text(&v->out, "current", vault != NULL ? c.v[0].id : "");
	cs_out_open(&v->out, "keys", '[');
	for (int i = 0; i < c.n; i++) {
		cs_out_open(&v->out, NULL, '{');
		cs_out_text(&v->out, "id", c.v[i].id);
		cs_out_string(&v->out, "state", state_of(&c.v[i]));
		cs_out_int(&v->out, "secrets", c.v[i].secrets);
		cs_out_close(&v->out, '}');
	}
	cs_out_close(&v->out, ']');
	cs_out_int(&v->out, "stale", c.stale);
	cs_out_int(&v->out, "unreadable", c.unreadable);
	cs_out_close(&v->out, '}');
	return 0;
}
