/* SPDX-License-Identifier: Apache-2.0 */
/*
 * faulty_vfs.c - see the header. A file of ours is a header with its own table of methods, and SQLite's file behind it.
 */
#include "faulty_vfs.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

struct faulty_file {
	sqlite3_file base;
	const char *name;
	sqlite3_file real[]; /* as large as the system's VFS says */
};

static sqlite3_vfs *system_vfs, faulty_vfs;
static struct {
	enum faulty_op op;
	const char *suffix;
	int code, after, struck;
} armed;

static sqlite3_file *
real_of(sqlite3_file *f)
{
	return ((struct faulty_file *)(void *)f)->real;
}

static int
strike(sqlite3_file *f, enum faulty_op op)
{
	const char *name = ((struct faulty_file *)(void *)f)->name;
	size_t n = name == NULL ? 0 : strlen(name), m = armed.suffix == NULL ? 0 : strlen(armed.suffix);

	if (armed.op == FAULTY_NONE || (armed.op != op && armed.op != FAULTY_ANY) || n < m || strcmp(name + n - m, armed.suffix) != 0)
		return SQLITE_OK;
	if (armed.after-- > 0)
		return SQLITE_OK;
	armed.struck++;
	return armed.code;
}

static int
f_close(sqlite3_file *f)
{
	return real_of(f)->pMethods->xClose(real_of(f));
}

static int
f_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	int rc = strike(f, FAULTY_READ);

	return rc != SQLITE_OK ? rc : real_of(f)->pMethods->xRead(real_of(f), p, n, at);
}

static int
f_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	int rc = strike(f, FAULTY_WRITE), half = strike(f, FAULTY_SHORT);

	if (half != SQLITE_OK) {
		rc = real_of(f)->pMethods->xWrite(real_of(f), p, n / 2, at);
		return rc != SQLITE_OK ? rc : half;
	}
	return rc != SQLITE_OK ? rc : real_of(f)->pMethods->xWrite(real_of(f), p, n, at);
}

static int
f_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	return real_of(f)->pMethods->xTruncate(real_of(f), size);
}

static int
f_sync(sqlite3_file *f, int flags)
{
	int rc = strike(f, FAULTY_SYNC);

	return rc != SQLITE_OK ? rc : real_of(f)->pMethods->xSync(real_of(f), flags);
}

static int
f_size(sqlite3_file *f, sqlite3_int64 *size)
{
	return real_of(f)->pMethods->xFileSize(real_of(f), size);
}

static int
f_lock(sqlite3_file *f, int level)
{
	return real_of(f)->pMethods->xLock(real_of(f), level);
}

static int
f_unlock(sqlite3_file *f, int level)
{
	return real_of(f)->pMethods->xUnlock(real_of(f), level);
}

static int
f_reserved(sqlite3_file *f, int *out)
{
	return real_of(f)->pMethods->xCheckReservedLock(real_of(f), out);
}

static int
f_control(sqlite3_file *f, int op, void *arg)
{
	return real_of(f)->pMethods->xFileControl(real_of(f), op, arg);
}

static int
f_sector(sqlite3_file *f)
{
	return real_of(f)->pMethods->xSectorSize(real_of(f));
}

static int
f_character(sqlite3_file *f)
{
	return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}

static int
f_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
	return real_of(f)->pMethods->xShmMap(real_of(f), page, size, extend, out);
}

static int
f_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
	return real_of(f)->pMethods->xShmLock(real_of(f), at, n, flags);
}

static void
f_shm_barrier(sqlite3_file *f)
{
	real_of(f)->pMethods->xShmBarrier(real_of(f));
}

static int
f_shm_unmap(sqlite3_file *f, int remove)
{
	return real_of(f)->pMethods->xShmUnmap(real_of(f), remove);
}

static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = f_close,
	.xRead = f_read,
	.xWrite = f_write,
	.xTruncate = f_truncate,
	.xSync = f_sync,
	.xFileSize = f_size,
	.xLock = f_lock,
	.xUnlock = f_unlock,
	.xCheckReservedLock = f_reserved,
	.xFileControl = f_control,
	.xSectorSize = f_sector,
	.xDeviceCharacteristics = f_character,
	.xShmMap = f_shm_map,
	.xShmLock = f_shm_lock,
	.xShmBarrier = f_shm_barrier,
	.xShmUnmap = f_shm_unmap,
};

static int
v_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out)
{
	struct faulty_file *mine = (struct faulty_file *)(void *)f;
	int rc;

	(void)v;
	mine->name = name;
	rc = system_vfs->xOpen(system_vfs, name, mine->real, flags, out);
	mine->base.pMethods = mine->real->pMethods == NULL ? NULL : &methods;
	return rc;
}

void
faulty_register(void)
{
	system_vfs = sqlite3_vfs_find(NULL);
	faulty_vfs = *system_vfs;
	faulty_vfs.zName = "faulty";
	faulty_vfs.xOpen = v_open;
	faulty_vfs.szOsFile = system_vfs->szOsFile + (int)sizeof(struct faulty_file);
	if (sqlite3_vfs_register(&faulty_vfs, 1) != SQLITE_OK)
		abort();
}

void
faulty_arm(enum faulty_op op, const char *suffix, int code, int after)
{
	armed.op = op;
	armed.suffix = suffix;
	armed.code = code;
	armed.after = after;
	armed.struck = 0;
}

int
faulty_heal(void)
{
	armed.op = FAULTY_NONE;
	return armed.struck;
}
