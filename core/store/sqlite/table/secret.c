/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret.c - secrets, sealed by the vault before they come here.
 *
 * The owner is "crm/NAME", or "conn/ID" with a connection's number or public id. A changed secret of a
 * connection raises its version, since attempts record with which version they were made.
 */
#include "config.h"
#include "store/sqlite/private.h"

#include <stdio.h>
#include <string.h>

static int
raise_version(struct sq *s, const char *owner, struct cs_err *err)
{
	if (strncmp(owner, "conn/", 5) != 0)
		return 0;
	return sq_exec(
	    s, SQ_SECRET_BUMP,
	    "UPDATE conn SET version = version + 1 WHERE id = CAST(?1 AS INTEGER) OR public_id = ?1", err,
	    "t", owner + 5);
}

static int
secret_put(struct cs_store *st, const char *owner, const char *name, struct cs_bytes sealed,
	   struct cs_err *err)
{
	struct sq *s = sq_of(st);
	int rc = sq_exec(s, SQ_SECRET_PUT,
			 "INSERT OR REPLACE INTO secret (owner, name, sealed) VALUES (?1, ?2, ?3)", err,
			 "ttb", owner, name, sealed);

	return rc < 0 ? rc : raise_version(s, owner, err);
}

static int
secret_get(struct cs_store *st, const char *owner, const char *name, struct cs_arena *a,
	   struct cs_bytes *sealed, struct cs_err *err)
{
	sqlite3_stmt *stmt;
	int rc =
	    sq_first(sq_of(st), SQ_SECRET_GET, "SELECT sealed FROM secret WHERE owner = ?1 AND name = ?2",
		     &stmt, err, "tt", owner, name);

	if (rc < 0)
		return rc;
	if (rc == 0)
		return cs_err_set(err, CS_ENOTFOUND, "%s has no secret %s", owner, name);
	*sealed = sq_bytes(stmt, 0, a);
	sq_reset(stmt);
	return 0;
}

static void
read_name(sqlite3_stmt *st, struct cs_arena *a, void *row)
{
	*(const char **)row = sq_text(st, 0, a);
}

static int
secret_list(struct cs_store *st, const char *owner, struct cs_arena *a, const char **names, int max,
	    struct cs_err *err)
{
	struct sq *s = sq_of(st);
	sqlite3_stmt *stmt;
	int rc =
	    sq_first(s, SQ_SECRET_LIST, "SELECT name FROM secret WHERE owner = ?1 ORDER BY name LIMIT ?2",
		     &stmt, err, "ti", owner, max);

	return sq_fill(s, rc, stmt, read_name, a, names, sizeof(*names), max, err);
}

static int
secret_delete(struct cs_store *st, const char *owner, const char *name, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	int rc;

	if (name == NULL)
		rc = sq_exec(s, SQ_SECRET_DELETE_ALL, "DELETE FROM secret WHERE owner = ?1", err, "t", owner);
	else
		rc = sq_exec(s, SQ_SECRET_DELETE, "DELETE FROM secret WHERE owner = ?1 AND name = ?2", err,
			     "tt", owner, name);
	return rc < 0 || sqlite3_changes(s->db) == 0 ? rc : raise_version(s, owner, err);
}

static void
read_secret(sqlite3_stmt *st, struct cs_arena *a, void *row)
{
	struct cs_sealed_row *r = row;

	r->owner = sq_text(st, 0, a);
	r->name = sq_text(st, 1, a);
	r->sealed = sq_bytes(st, 2, a);
}

static int
secret_walk(struct cs_store *st, const char *owner, const char *name, struct cs_arena *a, struct cs_sealed_row *out, int max,
	    struct cs_err *err)
{
	struct sq *s = sq_of(st);
	sqlite3_stmt *stmt;
	int rc = sq_first(s, SQ_SECRET_WALK,
			  "SELECT owner, name, sealed FROM secret WHERE (owner, name) > (?1, ?2)"
			  " AND owner NOT GLOB '" CS_SECRET_HASHES "*'"
			  " ORDER BY owner, name LIMIT ?3",
			  &stmt, err, "tti", owner, name, max);

	return sq_fill(s, rc, stmt, read_secret, a, out, sizeof(*out), max, err);
}

static int
secret_reseal(struct cs_store *st, const char *owner, const char *name, struct cs_bytes sealed, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	int rc = sq_exec(s, SQ_SECRET_RESEAL, "UPDATE secret SET sealed = ?3 WHERE owner = ?1 AND name = ?2", err, "ttb",
			 owner, name, sealed);

	return rc < 0 ? rc : sq_touched(s, "secret", err);
}

int
sq_secrets_drop(struct sq *s, int64_t conn_id, struct cs_err *err)
{
	char owner[32];

	snprintf(owner, sizeof(owner), "conn/%lld", (long long)conn_id);
	return sq_exec(s, SQ_SECRET_DELETE_ALL, "DELETE FROM secret WHERE owner = ?1", err, "t", owner);
}

void
sq_ops_secret(struct cs_store_ops *ops)
{
	ops->secret_put = secret_put;
	ops->secret_get = secret_get;
	ops->secret_list = secret_list;
	ops->secret_delete = secret_delete;
	ops->secret_walk = secret_walk;
	ops->secret_reseal = secret_reseal;
}
