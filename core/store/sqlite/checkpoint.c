/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checkpoint.c - moving what the log holds into the database file, without anybody waiting for it.
 *
 * Two phases. The maintenance thread calls checkpoint on a handle of its own, often: a PASSIVE one does nearly all
 * of the reading, writing and syncing beside the commits that go on. But a log that is being written never
 * becomes empty, so it would grow for ever: when the answer stays high, the writer calls the same operation
 * between two commits. Little is left to move then, nobody adds to it, and the next commit begins the log anew.
 */
#include "config.h"
#include "store/sqlite/private.h"

#include <stdatomic.h>

/* Returns the length of the log, or 0 when all of it is in the database and the next commit starts at its
 * beginning. */
static int
checkpoint(struct cs_store *st, int at_least, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	int in_log, moved = 0, length, rc;

	if (s->shared->in_memory)
		return 0;
	if (s->is_file_ro)
		return cs_err_set(err, CS_EPERM, "the store is open for reading only");
	if (s->in_tx)
		return cs_err_set(err, CS_ESTATE, "a checkpoint inside a transaction of the store");
	in_log = atomic_load(&s->shared->wal_pages);
	if (in_log - atomic_load(&s->shared->wal_moved) < at_least)
		return in_log;
	rc = sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &in_log, &moved);
	if ((rc & 0xff) == SQLITE_BUSY) /* the other handle is at it */
		return atomic_load(&s->shared->wal_pages);
	if (rc != SQLITE_OK)
		return sq_fail(s, rc, err);
	atomic_store(&s->shared->wal_moved, moved);
	if (in_log > moved)
		return in_log;
	/* All that there was when it began; only if nobody committed meanwhile does the log begin anew. */
	length = in_log;
	if (!atomic_compare_exchange_strong(&s->shared->wal_pages, &length, 0))
		return length;
	atomic_store(&s->shared->wal_moved, 0);
	return 0;
}

void
sq_ops_checkpoint(struct cs_store_ops *ops)
{
	ops->checkpoint = checkpoint;
}
