/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vfs_wal.c - the writer's log, written in large pieces.
 *
 * SQLite writes each page of a commit to the log by two calls, 24 bytes and 4096 bytes: at full load a third of what the kernel
 * does for the writer. This VFS lies over the system's one. All of it is the system's, but for the log of a handle that was
 * opened by it: what is written there one behind the other is gathered in memory and goes out in few large writes, at the
 * latest with the sync. Then SQLite gets the result.
 *
 * Nobody misses what is still in memory. Readers and checkpoints, in this process or another, read the log up to the last
 * commit that the shared index names. With synchronous=FULL a commit is written, synced, and only then named there. What
 * lies behind it is the business of the handle that writes, and whatever that asks of the file besides writing (reading, its
 * size, cutting it) sends out first what was gathered.
 *
 * A write that fails reports what it always did (SQLITE_FULL, SQLITE_IOERR_*), only later: from the write that found the memory
 * full, or from the sync of the commit. Either ends SQLite's transaction. What could not be written is dropped, since the frames
 * of a dead transaction mean nothing, and the log has a hole then. SQLite closes it by beginning its next transaction at the
 * same place or before; until it does, every call that would build on the hole fails as the first did.
 *
 * A crash loses what was gathered, which is never part of a commit that was answered.
 */
#include "config.h"
#include "store/sqlite/vfs_wal.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include "util/err.h"

#define GATHER_MAX (256 << 10) /* the commits of full load */
#define PIECE (124 << 10) /* SQLite's VFS for Unix takes less than 128 KiB at once */

struct log_file {
	sqlite3_file base;
	char *mem;             /* GATHER_MAX bytes; NULL until the first write */
	sqlite3_int64 at;      /* where in the file they belong */
	int n;
	int lost_rc;           /* a write failed with this; SQLITE_OK: none did */
	sqlite3_int64 lost_at; /* the hole that it left begins here */
	sqlite3_file real[];   /* as large as the system's VFS says */
};

static sqlite3_vfs *under, over;

static struct log_file *
log_of(sqlite3_file *f)
{
	return (struct log_file *)(void *)f;
}

/* ---- gathering */

static int
lose(struct log_file *l, int rc, sqlite3_int64 at)
{
	l->lost_rc = rc;
	l->lost_at = at;
	l->n = 0;
	return rc;
}

/* What SQLite writes next begins at the hole or before it: it is closed. Else nothing may come to lie behind it. */
static int
mind_hole(struct log_file *l, sqlite3_int64 at)
{
	if (l->lost_rc != SQLITE_OK && at <= l->lost_at)
		l->lost_rc = SQLITE_OK;
	return l->lost_rc;
}

static int
write_out(struct log_file *l)
{
	int rc, piece;

	for (int done = 0; done < l->n; done += piece) {
		piece = l->n - done < PIECE ? l->n - done : PIECE;
		rc = l->real->pMethods->xWrite(l->real, l->mem + done, piece, l->at + done);
		if (rc != SQLITE_OK)
			return lose(l, rc, l->at);
	}
	l->n = 0;
	return SQLITE_OK;
}

/* Before anything that looks at the file as a whole. */
static int
settle(struct log_file *l)
{
	return l->lost_rc != SQLITE_OK ? l->lost_rc : write_out(l);
}

static int
l_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	struct log_file *l = log_of(f);
	int rc = mind_hole(l, at);

	if (rc == SQLITE_OK && l->n > 0 && (at != l->at + l->n || n > GATHER_MAX - l->n))
		rc = write_out(l);
	if (rc != SQLITE_OK)
		return rc;
	if (n > GATHER_MAX)
		return l->real->pMethods->xWrite(l->real, p, n, at);
	if (l->mem == NULL && (l->mem = malloc(GATHER_MAX)) == NULL)
		return SQLITE_IOERR_NOMEM;
	if (l->n == 0)
		l->at = at;
	memcpy(l->mem + l->n, p, (size_t)n);
	l->n += n;
	return SQLITE_OK;
}

/* Where it reads what has been in the file for long, nothing is in the way. */
static int
l_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	struct log_file *l = log_of(f);
	int rc = l->n > 0 && at + n > l->at ? write_out(l) : SQLITE_OK;

	return rc != SQLITE_OK ? rc : l->real->pMethods->xRead(l->real, p, n, at);
}

static int
l_sync(sqlite3_file *f, int flags)
{
	struct log_file *l = log_of(f);
	int rc = settle(l);

	return rc != SQLITE_OK ? rc : l->real->pMethods->xSync(l->real, flags);
}

static int
l_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	struct log_file *l = log_of(f);
	int rc = mind_hole(l, size);

	if (rc == SQLITE_OK)
		rc = write_out(l);
	return rc != SQLITE_OK ? rc : l->real->pMethods->xTruncate(l->real, size);
}

static int
l_size(sqlite3_file *f, sqlite3_int64 *size)
{
	struct log_file *l = log_of(f);
	int rc = write_out(l);

	return rc != SQLITE_OK ? rc : l->real->pMethods->xFileSize(l->real, size);
}

/* Frames that no sync followed are of no commit. */
static int
l_close(sqlite3_file *f)
{
	struct log_file *l = log_of(f);

	free(l->mem);
	return l->real->pMethods->xClose(l->real);
}

/* ---- what is passed on; SQLite neither locks its log nor maps it */

static int
l_lock(sqlite3_file *f, int level)
{
	return log_of(f)->real->pMethods->xLock(log_of(f)->real, level);
}

static int
l_unlock(sqlite3_file *f, int level)
{
	return log_of(f)->real->pMethods->xUnlock(log_of(f)->real, level);
}

static int
l_reserved(sqlite3_file *f, int *out)
{
	return log_of(f)->real->pMethods->xCheckReservedLock(log_of(f)->real, out);
}

static int
l_control(sqlite3_file *f, int op, void *arg)
{
	return log_of(f)->real->pMethods->xFileControl(log_of(f)->real, op, arg);
}

static int
l_sector(sqlite3_file *f)
{
	return log_of(f)->real->pMethods->xSectorSize(log_of(f)->real);
}

static int
l_character(sqlite3_file *f)
{
	return log_of(f)->real->pMethods->xDeviceCharacteristics(log_of(f)->real);
}

static const sqlite3_io_methods methods = {
	.iVersion = 1,
	.xClose = l_close,
	.xRead = l_read,
	.xWrite = l_write,
	.xTruncate = l_truncate,
	.xSync = l_sync,
	.xFileSize = l_size,
	.xLock = l_lock,
	.xUnlock = l_unlock,
	.xCheckReservedLock = l_reserved,
	.xFileControl = l_control,
	.xSectorSize = l_sector,
	.xDeviceCharacteristics = l_character,
};

/* ---- opening */

static int
v_open(sqlite3_vfs *v CS_UNUSED, const char *name, sqlite3_file *f, int flags, int *out)
{
	struct log_file *l = log_of(f);
	int rc;

	if ((flags & SQLITE_OPEN_WAL) == 0)
		return under->xOpen(under, name, f, flags, out);
	memset(l, 0, sizeof(*l));
	rc = under->xOpen(under, name, l->real, flags, out);
	l->base.pMethods = l->real->pMethods == NULL ? NULL : &methods;
	return rc;
}

int
cs_vfs_wal_register(void)
{
	if (under != NULL)
		return SQLITE_OK;
	if ((under = sqlite3_vfs_find(NULL)) == NULL)
		return SQLITE_ERROR;
	over = *under;
	over.zName = CS_VFS_WAL;
	over.pNext = NULL;
	over.szOsFile = under->szOsFile + (int)sizeof(struct log_file);
	over.xOpen = v_open;
	return sqlite3_vfs_register(&over, 0);
}
