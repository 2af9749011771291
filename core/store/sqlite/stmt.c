/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stmt.c - statements that stay prepared, their arguments and columns, and what SQLite's errors mean
 * to us.
 *
 * The mapping that matters: SQLITE_FULL is CS_EFULL, and so is a write refused for want of room under another
 * name (quota, file size limit, the shared-memory file on a full disk); all other input/output errors are
 * CS_EIO, which ends the process.
 */
#include "config.h"
#include "store/sqlite/private.h"
#include "util/clock.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

/*
 * A write that found no room, though SQLite calls it an I/O error. Nothing was promised by it, unlike by an
 * fsync. SQLite keeps the errno of some calls only (not of those in a commit), but the failed write was the
 * last that set it.
 */
static bool
is_no_room(int rc)
{
	return (rc == SQLITE_IOERR_WRITE || rc == SQLITE_IOERR_SHMSIZE || rc == SQLITE_IOERR_SHMOPEN) &&
	       (errno == ENOSPC || errno == EDQUOT || errno == EFBIG);
}

static int
code_of(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_FULL:
		return CS_EFULL;
	case SQLITE_IOERR:
		return is_no_room(rc) ? CS_EFULL : CS_EIO;
	case SQLITE_CONSTRAINT:
		return rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_PRIMARYKEY ||
			       rc == SQLITE_CONSTRAINT_ROWID
			   ? CS_EEXIST
			   : CS_EINVAL;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return CS_EBUSY;
	case SQLITE_INTERRUPT:
	case SQLITE_TOOBIG:
		return CS_ELIMIT;
	case SQLITE_NOMEM:
		return CS_ENOMEM;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return CS_ECORRUPT;
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return CS_EPERM;
	default:
		return CS_EIO;
	}
}

int
sq_fail(struct sq *s, int rc, struct cs_err *err)
{
	int code = code_of(rc);

	if (s->in_tx && (code == CS_EFULL || code == CS_EIO || code == CS_ENOMEM || code == CS_ECORRUPT ||
			 sqlite3_get_autocommit(s->db)))
		s->tx_error = code;
	if (s->is_writer && code == CS_EIO)
		s->broken = true;
	if ((rc & 0xff) == SQLITE_INTERRUPT)
		return cs_err_set(err, code, "the read took longer than %lld ms",
				  (long long)(s->read_us / 1000));
	return cs_err_set(err, code, "store: %s (%d)", sqlite3_errmsg(s->db), rc);
}

int
sq_writable(struct sq *s, struct cs_err *err)
{
	if (!s->is_writer)
		return cs_err_set(err, CS_EPERM, "this handle of the store only reads");
	if (!s->in_tx)
		return cs_err_set(err, CS_ESTATE, "a change outside a transaction of the store");
	if (s->tx_error != 0)
		return cs_err_set(err, s->tx_error,
				  "an earlier operation spoiled this transaction of the store");
	return 0;
}

int
sq_prepare(struct sq *s, enum sq_slot slot, const char *sql, sqlite3_stmt **out, struct cs_err *err)
{
	int rc;

	if (s->stmt[slot] == NULL) {
		rc = sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &s->stmt[slot], NULL);
		if (rc != SQLITE_OK)
			return sq_fail(s, rc, err);
	}
	*out = s->stmt[slot];
	return 0;
}

void
sq_finalize_all(struct sq *s)
{
	sqlite3_stmt *st;
	size_t at = 0;
	uint64_t key;

	for (int i = 0; i < SQ_SLOTS; i++)
		sqlite3_finalize(s->stmt[i]);
	memset(s->stmt, 0, sizeof(s->stmt));
	while ((st = cs_map_next(&s->moves, &at, &key)) != NULL)
		sqlite3_finalize(st);
	cs_map_fini(&s->moves);
	cs_map_init(&s->moves);
}

static int
bind_one(sqlite3_stmt *st, int at, char type, va_list *ap)
{
	struct cs_bytes b;
	const char *text;

	switch (type) {
	case 'i':
		return sqlite3_bind_int(st, at, va_arg(*ap, int));
	case 'l':
		return sqlite3_bind_int64(st, at, va_arg(*ap, int64_t));
	case 't':
		text = va_arg(*ap, const char *);
		return sqlite3_bind_text(st, at, text == NULL ? "" : text, -1, SQLITE_STATIC);
	case 'n':
		return sqlite3_bind_text(st, at, va_arg(*ap, const char *), -1, SQLITE_STATIC);
	case 'b':
		b = va_arg(*ap, struct cs_bytes);
		return sqlite3_bind_blob64(st, at, b.len == 0 ? "" : b.ptr, b.len, SQLITE_STATIC);
	case 'u':
		return sqlite3_bind_blob(st, at, va_arg(*ap, const uint8_t *), 16, SQLITE_STATIC);
	case 'h':
		return sqlite3_bind_blob(st, at, va_arg(*ap, const uint8_t *), 32, SQLITE_STATIC);
	default:
		return SQLITE_MISUSE;
	}
}

static int
bind_all(struct sq *s, sqlite3_stmt *st, const char *types, va_list *ap, struct cs_err *err)
{
	int rc;

	for (int i = 0; types[i] != '\0'; i++)
		if ((rc = bind_one(st, i + 1, types[i], ap)) != SQLITE_OK)
			return sq_fail(s, rc, err);
	return 0;
}

void
sq_reset(sqlite3_stmt *st)
{
	if (st != NULL)
		sqlite3_reset(st);
}

int
sq_next(struct sq *s, sqlite3_stmt *st, struct cs_err *err)
{
	int rc = sqlite3_step(st);

	if (rc == SQLITE_ROW)
		return 1;
	if (rc != SQLITE_DONE)
		rc = sq_fail(s, rc, err);
	else
		rc = 0;
	sqlite3_reset(st);
	return rc;
}

int
sq_exec(struct sq *s, enum sq_slot slot, const char *sql, struct cs_err *err, const char *types, ...)
{
	sqlite3_stmt *st = NULL;
	va_list ap;
	int rc;

	if ((rc = sq_writable(s, err)) < 0 || (rc = sq_prepare(s, slot, sql, &st, err)) < 0)
		return rc;
	va_start(ap, types);
	rc = bind_all(s, st, types, &ap, err);
	va_end(ap);
	return rc < 0 ? rc : sq_next(s, st, err);
}

int
sq_first(struct sq *s, enum sq_slot slot, const char *sql, sqlite3_stmt **st, struct cs_err *err,
	 const char *types, ...)
{
	va_list ap;
	int rc;

	*st = NULL;
	if ((rc = sq_prepare(s, slot, sql, st, err)) < 0)
		return rc;
	va_start(ap, types);
	rc = bind_all(s, *st, types, &ap, err);
	va_end(ap);
	if (rc < 0)
		return rc;
	return sq_next(s, *st, err);
}

int
sq_fill(struct sq *s, int rc, sqlite3_stmt *st, sq_read_fn read, struct cs_arena *a, void *out, size_t size,
	int max, struct cs_err *err)
{
	int n = 0;

	while (rc == 1 && n < max) {
		read(st, a, (char *)out + size * (size_t)n++);
		if (n < max)
			rc = sq_next(s, st, err);
	}
	sq_reset(st);
	return rc < 0 ? rc : n;
}

int
sq_one(int rc, sqlite3_stmt *st, sq_read_fn read, struct cs_arena *a, void *out, const char *what,
       struct cs_err *err)
{
	if (rc < 0)
		return rc;
	if (rc == 0)
		return cs_err_set(err, CS_ENOTFOUND, "no such %s", what);
	read(st, a, out);
	sq_reset(st);
	return 0;
}

int
sq_touched(struct sq *s, const char *what, struct cs_err *err)
{
	return sqlite3_changes(s->db) > 0 ? 0 : cs_err_set(err, CS_ENOTFOUND, "no such %s", what);
}

/* ---- columns */

const char *
sq_text(sqlite3_stmt *st, int col, struct cs_arena *a)
{
	const char *text = (const char *)sqlite3_column_text(st, col);
	int len = sqlite3_column_bytes(st, col);

	return text == NULL || len == 0 ? "" : cs_arena_dup(a, text, (size_t)len);
}

struct cs_bytes
sq_bytes(sqlite3_stmt *st, int col, struct cs_arena *a)
{
	const void *p = sqlite3_column_blob(st, col);
	int len = sqlite3_column_bytes(st, col);

	if (p == NULL || len <= 0)
		return (struct cs_bytes){ "", 0 };
	return (struct cs_bytes){ cs_arena_dup(a, p, (size_t)len), (size_t)len };
}

void
sq_blob(sqlite3_stmt *st, int col, uint8_t *out, size_t n)
{
	const void *p = sqlite3_column_blob(st, col);
	size_t len = (size_t)sqlite3_column_bytes(st, col);

	memset(out, 0, n);
	if (p != NULL)
		memcpy(out, p, len < n ? len : n);
}

/* ---- the clock of a read */

void
sq_arm(struct sq *s)
{
	s->deadline_us = cs_mono_us() + s->read_us;
}

void
sq_disarm(struct sq *s)
{
	s->deadline_us = 0;
}

int
sq_late(const struct sq *s, struct cs_err *err)
{
	if (s->deadline_us == 0 || cs_mono_us() <= s->deadline_us)
		return 0;
	return cs_err_set(err, CS_ELIMIT, "the read took longer than %lld ms",
			  (long long)(s->read_us / 1000));
}
