/* SPDX-License-Identifier: Apache-2.0 */
/* grant_take.c - what needs no engine: a new grant takes the place of an old one, in one transaction. See grant.h. */
#include <stdio.h>
#include <string.h>
#include "deliver/grant/grant.h"

#define SECRETS_MAX 64

static int
move_secrets(struct cs_store *s, const struct cs_vault *v, int64_t from, int64_t to, struct cs_arena *mem, struct cs_err *err)
{
	const char *names[SECRETS_MAX];
	char old[40], new[40];
	int n, rc = 0;

	snprintf(old, sizeof(old), "conn/%lld", (long long)from);
	snprintf(new, sizeof(new), "conn/%lld", (long long)to);
	n = s->ops->secret_list(s, old, mem, names, SECRETS_MAX, err);
	for (int i = 0; i < n && rc >= 0; i++) { /* a secret is bound to its owner: it is sealed anew */
		CS_CLEANUP(cs_buf_fini) struct cs_buf sealed = CS_BUF_INIT(1u << 17);
		struct cs_bytes was;
		char *plain;
		size_t len;

		if ((rc = s->ops->secret_get(s, old, names[i], mem, &was, err)) < 0 ||
		    (rc = cs_vault_open_sealed(v, old, names[i], was.ptr, was.len, &plain, &len, err)) < 0)
			return rc;
		if ((rc = cs_vault_seal(v, new, names[i], plain, len, &sealed, err)) >= 0)
			rc = s->ops->secret_put(s, new, names[i], (struct cs_bytes){ sealed.ptr, sealed.len }, err);
		cs_wipe_free(plain, len + 1);
	}
	return n < 0 ? n : rc;
}

static int
move_token(struct cs_store *s, int64_t from, int64_t to, struct cs_arena *mem, struct cs_err *err)
{
	struct cs_token_row t, was;
	int rc;

	if ((rc = s->ops->token_get(s, from, mem, &t, err)) < 0)
		return rc;
	if (s->ops->token_get(s, to, mem, &was, NULL) == 0 && was.gen >= t.gen)
		t.gen = was.gen; /* + 1: what is under way with the old tokens must see that they are history */
	t.gen++;
	t.conn_id = to;
	t.for_conn = 0;
	return s->ops->token_put(s, &t, err);
}

int
cs_grant_take(struct cs_store *s, const struct cs_vault *v, int64_t from, int64_t to, int64_t now_ms, struct cs_arena *mem,
              struct cs_err *err)
{
	struct cs_conn_row new, old;
	int rc;

	if (v == NULL)
		return cs_err_set(err, CS_EUNSUPPORTED, "there is no master key (vault.key_file)");
	if ((rc = s->ops->conn_get(s, from, mem, &new, err)) < 0 || (rc = s->ops->conn_get(s, to, mem, &old, err)) < 0)
		return rc;
	if (new.state != CS_CONN_PENDING || strcmp(new.crm, old.crm) != 0)
		return cs_err_set(err, CS_ESTATE, "%s is no pending grant of the CRM %s", new.public_id, old.crm);
	if ((rc = move_secrets(s, v, from, to, mem, err)) < 0 || (rc = move_token(s, from, to, mem, err)) < 0 ||
	    (rc = s->ops->conn_facts(s, to, new.facts, new.timezone[0] != '\0' ? new.timezone : old.timezone, err)) < 0 ||
	    (rc = s->ops->conn_delete(s, from, err)) < 0)
		return rc;
	return old.state == CS_CONN_NEEDS_REAUTH ? s->ops->conn_state(s, to, CS_CONN_CONNECTED, "", now_ms, err) : 0;
}
