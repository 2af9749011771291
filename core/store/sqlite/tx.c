/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tx.c - transactions, room on the disk, epochs.
 *
 * A transaction that one failed operation spoiled cannot be committed, and a handle whose commit met an
 * input/output error begins no other: what the disk holds by then only a new start can tell.
 *
 * A run begins by bringing back what the last one had in hand. Its fresh rows are in no index; they are found
 * by walking the narrow table from the floor, below which the writer promised that there are none. The rows
 * taken from the backlog are in an index of their own.
 */
#include "config.h"
#include "store/sqlite/private.h"

#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>

static void
forget_caches(struct sq *s)
{
	s->in_tx = false;
	s->tx_error = 0;
	s->next_lead = 0;
	s->fresh_lead = 0;
}

static int
step(struct sq *s, enum sq_slot slot, const char *sql)
{
	sqlite3_stmt *st = NULL;
	int rc, saved;

	if (sq_prepare(s, slot, sql, &st, NULL) < 0)
		return sqlite3_extended_errcode(s->db);
	rc = sqlite3_step(st);
	saved = errno; /* sq_fail looks at it */
	sqlite3_reset(st);
	errno = saved;
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int
begin(struct cs_store *st, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	int rc;

	if (!s->is_writer)
		return cs_err_set(err, CS_EPERM, "this handle of the store only reads");
	if (s->broken)
		return cs_err_set(
		    err, CS_EIO,
		    "the store met an input/output error before; only a new start can tell what it holds");
	if (s->in_tx)
		return cs_err_set(err, CS_ESTATE, "a transaction of the store inside another");
	rc = step(s, SQ_BEGIN, "BEGIN IMMEDIATE");
	if (rc != SQLITE_OK)
		return sq_fail(s, rc, err);
	s->in_tx = true;
	sq_accounts_begin(&s->accounts);
	return 0;
}

/* SQLite may have undone it already. */
static void
rollback(struct cs_store *st)
{
	struct sq *s = sq_of(st);

	if (!s->in_tx)
		return;
	if (!sqlite3_get_autocommit(s->db))
		step(s, SQ_ROLLBACK, "ROLLBACK");
	forget_caches(s);
	sq_identity_rolled_back(s);
	s->epoch = s->epoch_kept;
}

static int
commit(struct cs_store *st, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	int rc;

	if ((rc = sq_writable(s, err)) < 0 || (rc = sq_identity_step(s, err)) < 0) {
		rollback(st);
		return rc;
	}
	rc = step(s, SQ_COMMIT, "COMMIT");
	if (rc != SQLITE_OK) {
		rc = sq_fail(s, rc, err);
		rollback(st);
		return rc;
	}
	s->in_tx = false;
	s->fresh_lead = 0;
	s->epoch_kept = s->epoch;
	sq_identity_committed(s);
	return 0;
}

static int
look_for_room(struct sq *s, struct cs_err *err)
{
	CS_CLEANUP(cs_freep) char *dir = cs_xstrdup(s->path);
	char *slash = strrchr(dir, '/');
	struct statvfs vfs;

	if (slash != NULL)
		slash[slash == dir ? 1 : 0] = '\0';
	if (statvfs(slash == NULL ? "." : dir, &vfs) < 0)
		return cs_err_set(err, CS_EIO, "could not ask for the room on %s: %s", dir, strerror(errno));
	s->room_low = (uint64_t)vfs.f_bavail * vfs.f_frsize < (uint64_t)s->min_free;
	return 0;
}

static int
room(struct cs_store *st, int64_t now_ms, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	int rc;

	if (s->min_free <= 0 || s->shared->in_memory)
		return 0;
	if (s->room_looked_ms == INT64_MIN || now_ms < s->room_looked_ms ||
	    now_ms - s->room_looked_ms >= 1000) {
		if ((rc = look_for_room(s, err)) < 0)
			return rc;
		s->room_looked_ms = now_ms;
	}
	if (!s->room_low)
		return 0;
	return cs_err_set(err, CS_EFULL, "the disk under %s has less than the %lld bytes that are kept free",
			  s->path, (long long)s->min_free);
}

/* ---- epochs */

static int
run_get(struct sq *s, int64_t *epoch, bool *clean, int64_t *floor_id, struct cs_err *err)
{
	sqlite3_stmt *st;
	int rc = sq_first(s, SQ_RUN_GET, "SELECT epoch, clean, floor FROM run", &st, err, "");

	if (rc < 0)
		return rc;
	if (rc == 0)
		return cs_err_set(err, CS_ECORRUPT, "the store has lost its row of the run");
	*epoch = sqlite3_column_int64(st, 0);
	*clean = sqlite3_column_int(st, 1) != 0;
	*floor_id = sqlite3_column_int64(st, 2);
	sq_reset(st);
	return 0;
}

#define COME_BACK " SET state = 0, shelf = 0, gen = gen + 1, due_ms = ?1, doubt = max(doubt, ?2) WHERE "

static int
epoch_begin(struct cs_store *st, int64_t now_ms, int64_t lag_ms, int64_t *epoch, int64_t *in_doubt,
	    struct cs_err *err)
{
	struct sq *s = sq_of(st);
	int64_t last, floor_id, due = now_ms + lag_ms, n;
	bool clean;
	int rc;

	if ((rc = sq_writable(s, err)) < 0 || (rc = run_get(s, &last, &clean, &floor_id, err)) < 0)
		return rc;
	rc = sq_exec(s, SQ_BACK_FRESH, "UPDATE delivery" COME_BACK "id >= ?3 AND state = 1", err, "lil", due,
		     !clean, floor_id);
	if (rc < 0)
		return rc;
	n = sqlite3_changes64(s->db);
	rc = sq_exec(s, SQ_BACK_TAKEN, "UPDATE delivery INDEXED BY delivery_taken_dead" COME_BACK "shelf = 2", err,
		     "li", due, !clean);
	if (rc < 0)
		return rc;
	n += sqlite3_changes64(s->db);
	rc = sq_exec(s, SQ_RUN_BEGIN,
		     "UPDATE run SET epoch = epoch + 1, clean = 0,"
		     " floor = coalesce((SELECT max(lead_id) + 1 FROM identity), 0) << 8",
		     err, "");
	if (rc < 0)
		return rc;
	if (sqlite3_exec(s->db, "DELETE FROM conn_trouble WHERE cause = 'breaker'", NULL, NULL, NULL) != SQLITE_OK)
		return sq_fail(s, sqlite3_errcode(s->db), err);
	s->epoch = *epoch = last + 1;
	*in_doubt = clean ? 0 : n;
	return 0;
}

/* A stop is clean only if nothing is in hand: else the next run would not know which rows are in doubt. */
static int
epoch_end(struct cs_store *st, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	sqlite3_stmt *stmt;
	int64_t last, floor_id;
	bool clean;
	int rc;

	if ((rc = sq_writable(s, err)) < 0 || (rc = run_get(s, &last, &clean, &floor_id, err)) < 0)
		return rc;
	rc = sq_first(s, SQ_IN_HAND,
		      "SELECT EXISTS (SELECT 1 FROM delivery WHERE id >= ?1 AND state = 1)"
		      " OR EXISTS (SELECT 1 FROM delivery INDEXED BY delivery_taken_dead WHERE shelf = 2)",
		      &stmt, err, "l", floor_id);
	if (rc < 0)
		return rc;
	rc = sqlite3_column_int(stmt, 0);
	sq_reset(stmt);
	if (rc != 0)
		return cs_err_set(err, CS_ESTATE, "deliveries are still in hand, so this stop is not clean");
	return sq_exec(s, SQ_RUN_END, "UPDATE run SET clean = 1", err, "");
}

static int
floor_put(struct cs_store *st, int64_t delivery_id, struct cs_err *err)
{
	return sq_exec(sq_of(st), SQ_FLOOR_PUT, "UPDATE run SET floor = ?1 WHERE floor < ?1", err, "l",
		       delivery_id);
}

void
sq_ops_tx(struct cs_store_ops *ops)
{
	ops->begin = begin;
	ops->commit = commit;
	ops->rollback = rollback;
	ops->room = room;
	ops->epoch_begin = epoch_begin;
	ops->epoch_end = epoch_end;
	ops->floor_put = floor_put;
}
