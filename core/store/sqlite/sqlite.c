/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite.c - the SQLite engine: opening, closing, handles of other threads.
 *
 * The database is in WAL mode with synchronous=FULL: a commit is one fsync of the log, and readers never wait
 * for the writer. Checkpoints are nobody's side effect (checkpoint.c), so a commit's time is its own. At
 * opening what an earlier run left in the log is moved into the database file and synced: after a run that
 * died of a failed fsync this writes the pages anew instead of trusting that the log reached the disk. No
 * mmap: a truncated file would be a SIGBUS, and a scan of a million rows would count as our memory.
 *
 * ":memory:" is a database in SQLite's memdb, by a name of its own so that readers find it; for tests. Its
 * readers wait for the writer and the other way round, the rest is the same.
 */
#include "config.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/private.h"
#include "store/sqlite/vfs_wal.h"
#include "util/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUSY_MS 5000
#define READ_MS 1000

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct cs_store_ops ops;

static void sq_close(struct cs_store *st);
static int sq_reader(struct cs_store *st, struct cs_store **out, struct cs_err *err);

static void
set_up(void)
{
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* its counters sit behind one lock for all threads */
	cs_vfs_wal_register();
	ops.name = "sqlite";
	ops.close = sq_close;
	ops.reader = sq_reader;
	sq_ops_tx(&ops);
	sq_ops_identity(&ops);
	sq_ops_lead(&ops);
	sq_ops_delivery(&ops);
	sq_ops_move(&ops);
	sq_ops_list(&ops);
	sq_ops_attempt(&ops);
	sq_ops_conn(&ops);
	sq_ops_conn_life(&ops);
	sq_ops_secret(&ops);
	sq_ops_token(&ops);
	sq_ops_link(&ops);
	sq_ops_hook(&ops);
	sq_ops_misc(&ops);
	sq_ops_mail(&ops);
	sq_ops_keep(&ops);
	sq_ops_check(&ops);
	sq_ops_checkpoint(&ops);
}

/* ---- what the handles of one store share */

static struct sq_shared *
shared_new(const char *path)
{
	static _Atomic unsigned int serial;
	struct sq_shared *sh = cs_xcalloc(1, sizeof(*sh));

	sh->refs = 1;
	sh->in_memory = strcmp(path, ":memory:") == 0;
	if (sh->in_memory)
		sh->uri = cs_xasprintf("file:/csrelay-%u?vfs=memdb", atomic_fetch_add(&serial, 1));
	else
		sh->uri = cs_xstrdup(path);
	return sh;
}

static void
shared_unref(struct sq_shared *sh)
{
	if (sh == NULL || atomic_fetch_sub(&sh->refs, 1) > 1)
		return;
	free(sh->uri);
	free(sh);
}

/* ---- a handle */

static struct sq *
handle_new(const char *path, struct sq_shared *sh, int64_t read_us)
{
	struct sq *s = cs_xcalloc(1, sizeof(*s));

	pthread_once(&once, set_up);
	s->base.ops = &ops;
	s->shared = sh;
	s->lock_fd = -1;
	s->path = cs_xstrdup(path);
	s->read_us = read_us;
	cs_map_init(&s->moves);
	cs_arena_init(&s->texts);
	sq_accounts_init(&s->accounts);
	cs_map_init(&s->identities.recent);
	cs_map_init(&s->identities.merging);
	return s;
}

static void
sq_close(struct cs_store *st)
{
	struct sq *s = sq_of(st);

	if (s->in_tx)
		s->base.ops->rollback(st);
	sq_finalize_all(s);
	cs_map_fini(&s->moves);
	sqlite3_close(s->db);
	sq_unlock(s->lock_fd);
	shared_unref(s->shared);
	cs_arena_fini(&s->texts);
	sq_accounts_fini(&s->accounts);
	sq_identity_close(s);
	free(s->path);
	free(s);
}

static void
handle_freep(struct sq **s)
{
	if (*s != NULL)
		sq_close(&(*s)->base);
}

static int
on_progress(void *ctx)
{
	const struct sq *s = ctx;

	return s->deadline_us != 0 && cs_mono_us() > s->deadline_us;
}

static int
pragmas(struct sq *s, const char *sql, struct cs_err *err)
{
	int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : sq_fail(s, rc, err);
}

/* `flags`: how to open the file, besides what every handle has; `vfs` NULL: the system's. */
static int
open_db(struct sq *s, const char *name, int flags, const char *vfs, struct cs_err *err)
{
	int rc = sqlite3_open_v2(name, &s->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, vfs);

	if (rc != SQLITE_OK) {
		cs_err_set(err, CS_EIO, "could not open the store %s: %s", s->path,
			   s->db == NULL ? sqlite3_errstr(rc) : sqlite3_errmsg(s->db));
		return CS_EIO;
	}
	sqlite3_busy_timeout(s->db, BUSY_MS);
	sqlite3_progress_handler(s->db, 2000, on_progress, s);
	return pragmas(s,
		       "PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = OFF; PRAGMA trusted_schema = OFF",
		       err);
}

/* ---- the writer */

/* The database holds callers' names and numbers: nobody else reads it. SQLite gives its other files the same
 * mode. */
static int
create_file(const char *path, struct cs_err *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 && errno != EEXIST)
		return cs_err_set(err, CS_EIO, "could not create the store %s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return 0;
}

static int
want_wal(struct sq *s, struct cs_err *err)
{
	sqlite3_stmt *st = NULL;
	bool ok = false;
	int rc;

	rc = sqlite3_prepare_v2(s->db, "PRAGMA journal_mode = WAL", -1, &st, NULL);
	if (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		ok = strcmp((const char *)sqlite3_column_text(st, 0), "wal") == 0;
		rc = SQLITE_OK;
	}
	if (rc != SQLITE_OK) {
		rc = sq_fail(s, rc, err);
		sqlite3_finalize(st);
		return rc;
	}
	sqlite3_finalize(st);
	if (ok)
		return 0;
	return cs_err_set(err, CS_EUNSUPPORTED,
			  "the file system of %s does not support SQLite's write-ahead log", s->path);
}

static int
on_commit(void *ctx, sqlite3 *db CS_UNUSED, const char *name CS_UNUSED, int pages)
{
	struct sq_shared *sh = ctx;

	if (pages < atomic_load(&sh->wal_moved)) /* the log was begun anew */
		atomic_store(&sh->wal_moved, 0);
	atomic_store(&sh->wal_pages, pages);
	return SQLITE_OK;
}

static int
writer_modes(struct sq *s, struct cs_err *err)
{
	int rc;

	rc = pragmas(s,
		     "PRAGMA page_size = 4096; PRAGMA auto_vacuum = NONE; PRAGMA cache_size = -16384;"
		     "PRAGMA secure_delete = FAST; PRAGMA journal_size_limit = 67108864",
		     err);
	if (rc < 0)
		return rc;
	if (s->shared->in_memory)
		return pragmas(s, "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF", err);
	if ((rc = want_wal(s, err)) < 0 || (rc = pragmas(s, "PRAGMA synchronous = FULL", err)) < 0)
		return rc;
	sqlite3_wal_hook(s->db, on_commit, s->shared); /* in place of the automatic checkpoint */
	return 0;
}

/* A reader that is in the way only makes the log stay for later. */
static int
empty_log(struct sq *s, struct cs_err *err)
{
	int rc = sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);

	return rc == SQLITE_OK || (rc & 0xff) == SQLITE_BUSY ? 0 : sq_fail(s, rc, err);
}

static int
read_epoch(struct sq *s, struct cs_err *err)
{
	sqlite3_stmt *st;
	int rc = sq_first(s, SQ_RUN_GET, "SELECT epoch, clean, floor FROM run", &st, err, "");

	if (rc == 1)
		s->epoch = s->epoch_kept = sqlite3_column_int64(st, 0);
	sq_reset(st);
	return rc < 0 ? rc : 0;
}

static int
open_writer(struct sq *s, struct cs_err *err)
{
	int rc, flags = SQLITE_OPEN_READWRITE;

	s->is_writer = true;
	if (s->shared->in_memory)
		flags |= SQLITE_OPEN_CREATE | SQLITE_OPEN_URI;
	else if ((rc = sq_lock(s->path, &s->lock_fd, err)) < 0 || (rc = create_file(s->path, err)) < 0)
		return rc;
	if ((rc = open_db(s, s->shared->uri, flags, s->shared->in_memory ? NULL : CS_VFS_WAL, err)) < 0 || (rc = writer_modes(s, err)) < 0 ||
	    (rc = cs_schema_migrate(s->db, cs_schema_latest(), err)) < 0)
		return rc;
	if (!s->shared->in_memory && (rc = empty_log(s, err)) < 0)
		return rc;
	if ((rc = read_epoch(s, err)) < 0)
		return rc;
	return sq_identity_open(s, err);
}

/* ---- readers */

/* A reader of a running daemon may run checkpoints, so its file is open for writing, though no statement of
 * its may. */
static int
sq_reader(struct cs_store *st, struct cs_store **out, struct cs_err *err)
{
	struct sq *from = sq_of(st);
	CS_CLEANUP(handle_freep) struct sq *s = handle_new(from->path, from->shared, from->read_us);
	int rc, flags = from->is_file_ro ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;

	atomic_fetch_add(&from->shared->refs, 1);
	s->is_file_ro = from->is_file_ro;
	if ((rc = open_db(s, s->shared->uri, flags | SQLITE_OPEN_URI, NULL, err)) < 0 ||
	    (rc = pragmas(s, "PRAGMA query_only = ON; PRAGMA synchronous = FULL; PRAGMA cache_size = -2048",
			  err)) < 0)
		return rc;
	sqlite3_wal_autocheckpoint(s->db, 0);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	*out = &CS_STEAL(s)->base;
	return 0;
}

/*
 * No daemon runs, and we may not create the shared-memory file that reading a log needs. Without a log there
 * is nothing that the file itself does not say.
 */
static bool
is_at_rest(const char *path)
{
	CS_CLEANUP(cs_freep) char *wal = cs_xasprintf("%s-wal", path);
	struct stat sb;

	return stat(wal, &sb) < 0 ? errno == ENOENT : sb.st_size == 0;
}

/* "file:" with everything escaped that a URI would read otherwise. */
static char *
immutable_uri(const char *path)
{
	char *uri = cs_xmalloc(3 * strlen(path) + 32), *to = uri + sprintf(uri, "file:");

	for (; *path != '\0'; path++)
		to += sprintf(to, strchr("?#%", *path) != NULL ? "%%%02X" : "%c", (unsigned char)*path);
	strcpy(to, "?immutable=1");
	return uri;
}

static int
open_read_only(struct sq *s, struct cs_err *err)
{
	struct cs_err why = { 0 };
	int rc;

	s->is_file_ro = true;
	if (access(s->path, F_OK) < 0)
		return cs_err_set(err, CS_ENOTFOUND, "there is no store at %s", s->path);
	rc = open_db(s, s->shared->uri, SQLITE_OPEN_READONLY, NULL, &why);
	if (rc == 0 && (rc = cs_schema_check(s->db, &why)) != CS_EIO)
		goto out;
	if (!is_at_rest(s->path))
		goto out;
	sqlite3_close(s->db);
	s->db = NULL;
	free(s->shared->uri);
	s->shared->uri = immutable_uri(s->path);
	if ((rc = open_db(s, s->shared->uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL, &why)) == 0)
		rc = cs_schema_check(s->db, &why);
out:
	if (rc < 0 && err != NULL)
		*err = why;
	return rc;
}

int
cs_store_open_sqlite(const struct cs_store_conf *conf, struct cs_store **out, struct cs_err *err)
{
	int64_t read_ms = conf->reader_ms > 0 ? conf->reader_ms : READ_MS;
	CS_CLEANUP(handle_freep)
	struct sq *s = handle_new(conf->path, shared_new(conf->path), read_ms * 1000);
	int rc;

	s->min_free = conf->min_free;
	s->room_looked_ms = INT64_MIN;
	if ((rc = conf->read_only ? open_read_only(s, err) : open_writer(s, err)) < 0)
		return rc;
	*out = &CS_STEAL(s)->base;
	return 0;
}
