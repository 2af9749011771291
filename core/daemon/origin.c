/* SPDX-License-Identifier: Apache-2.0 */
/*
 * origin.c - see origin.h. The hashes have an owner of their own, so that nobody takes them for secrets of the connection. Sealing anew
 * (vault/reseal.h) passes them over, too; the look at each start and reload does that here.
 */
#include "daemon/origin.h"
#include <stdio.h>
#include <string.h>
#include "auth/mac.h"

#define HASH 32
#define OWNER 32

static int
keep(struct cs_store *s, const struct cs_vault *vault, const char *owner, const char *name, const uint8_t hash[HASH], struct cs_err *err)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(1024);
	int rc = cs_vault_seal(vault, owner, name, hash, HASH, &b, err);

	return rc < 0 ? rc : s->ops->secret_put(s, owner, name, (struct cs_bytes){ b.ptr, b.len }, err);
}

/* 1: it is another one; 0: it is not, or nobody knows. */
static int
is_another(struct cs_store *s, const struct cs_vault *vault, const char *owner, const struct cs_conf_secret *secret, struct cs_arena *mem,
           struct cs_err *err)
{
	struct cs_part part = { secret->value, secret->len };
	uint8_t hash[HASH];
	struct cs_bytes sealed;
	bool same;
	char *was;
	size_t n;
	int rc;

	cs_sha256_parts(&part, 1, hash);
	rc = s->ops->secret_get(s, owner, secret->name, mem, &sealed, err);
	if (rc == CS_ENOTFOUND)
		return keep(s, vault, owner, secret->name, hash, err);
	if (rc < 0)
		return rc;
	if (cs_vault_open_sealed(vault, owner, secret->name, sealed.ptr, sealed.len, &was, &n, err) < 0)
		return keep(s, vault, owner, secret->name, hash, err); /* sealed with a key that is gone */
	same = n == HASH && memcmp(was, hash, HASH) == 0;
	cs_wipe_free(was, n + 1);
	if (!same || !cs_vault_is_current(vault, sealed.ptr, sealed.len))
		rc = keep(s, vault, owner, secret->name, hash, err);
	return rc < 0 ? rc : !same;
}

/* 1: there was a successor. */
static int
drop_successor(struct cs_store *s, int64_t conn_id, const char *name, struct cs_arena *mem, struct cs_err *err)
{
	char owner[OWNER];
	struct cs_bytes sealed;
	int rc;

	snprintf(owner, sizeof(owner), "conn/%lld", (long long)conn_id);
	rc = s->ops->secret_get(s, owner, name, mem, &sealed, err);
	if (rc < 0)
		return rc == CS_ENOTFOUND ? 0 : rc;
	return (rc = s->ops->secret_delete(s, owner, name, err)) < 0 ? rc : 1;
}

/* 1: there was a token. A renewal that is under way finds another generation and is worth nothing. */
static int
renew(struct cs_store *s, int64_t conn_id, int64_t now_ms, struct cs_arena *mem, struct cs_err *err)
{
	struct cs_token_row row;
	int rc = s->ops->token_get(s, conn_id, mem, &row, err);

	if (rc < 0)
		return rc == CS_ENOTFOUND ? 0 : rc;
	row.gen++;
	row.expires_ms = row.renew_ms = now_ms;
	row.intent_ms = row.keep_ms = 0;
	return (rc = s->ops->token_put(s, &row, err)) < 0 ? rc : 1;
}

int
cs_origin_check(struct cs_store *s, const struct cs_vault *vault, int64_t conn_id, const struct cs_conf_values *file, int64_t now_ms,
                struct cs_err *err)
{
	char owner[OWNER];
	struct cs_arena mem;
	bool changed = false, taken = false;
	int rc = 0;

	if (vault == NULL)
		return 0;
	snprintf(owner, sizeof(owner), CS_SECRET_HASHES "%lld", (long long)conn_id);
	cs_arena_init(&mem);
	for (size_t i = 0; i < file->n_secrets && rc >= 0; i++) {
		const struct cs_conf_secret *secret = &file->secrets[i];

		if (secret->value == NULL)
			continue;
		if ((rc = is_another(s, vault, owner, secret, &mem, err)) <= 0)
			continue;
		changed = true;
		if ((rc = drop_successor(s, conn_id, secret->name, &mem, err)) > 0)
			taken = true;
	}
	if (rc >= 0 && changed && (rc = renew(s, conn_id, now_ms, &mem, err)) > 0)
		taken = true;
	cs_arena_fini(&mem);
	return rc < 0 ? rc : taken;
}
