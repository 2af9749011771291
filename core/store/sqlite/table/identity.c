/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identity.c - which events an account has sent, for ever.
 *
 * An identity (account, event_id) is what the sender is held to: it keeps the hash of the content as it came
 * first, also after a person has fixed the lead, and it outlives the lead. It is written with the lead, to
 * the end of its table. What finds it again, identity_key, is in order of hashes of the event id (SipHash by
 * run.secret: senders choose the ids, and many alike must not lie on one another). These are random: each
 * insert there would dirty a page of its own, which at a million rows costs as much as all the rest of a
 * lead. So keys are written in a sweep when there are many:
 *
 *   leads with id <= run.merged    have their key in the table
 *   leads above it ("recent")      are in a hash map of the writer
 *
 * Once RECENT_MOST are there, a merge begins: they are put in order of the keys, and each commit carries
 * a piece over, so that neighbours share pages and nobody waits. For the same reason the order is made in two
 * steps: into buckets at once (a millisecond), and within each when the merge comes to it. The last piece
 * raises run.merged in the same transaction. After a crash the map is made again from the identities above
 * run.merged; what a broken-off merge has written is ignored when it comes again. Map and keys only give
 * hints; the identity's row decides.
 */
#include "config.h"
#include "store/sqlite/private.h"

#include <stdlib.h>
#include <string.h>

#define RECENT_MOST 65536
#define PIECE_MIN   32 /* rows that a commit merges, and two more for each one that it adds */
#define BUCKET_BITS 10

static uint64_t
hash_of(const uint8_t event_id[16], const char *account)
{
	uint8_t key[16 + 128];
	size_t n = account == NULL ? 0 : strnlen(account, sizeof(key) - 16);
	uint64_t hash;

	memcpy(key, event_id, 16);
	if (n > 0)
		memcpy(key + 16, account, n);
	hash = cs_hash64(key, 16 + n);
	return hash == 0 ? 1 : hash;
}

/* ---- looking up */

/* A row of (lead id, hash): 1 found, 0 not. hash may be NULL. */
static int
read_hit(int rc, sqlite3_stmt *st, int64_t *lead_id, uint8_t *hash)
{
	if (rc != 1)
		return rc;
	*lead_id = sqlite3_column_int64(st, 0);
	if (hash != NULL)
		sq_blob(st, 1, hash, 32);
	sq_reset(st);
	return 1;
}

static int
read_secret(struct sq *s, struct cs_err *err)
{
	sqlite3_stmt *st;
	int rc = sq_first(s, SQ_SECRET_OF_STORE, "SELECT secret FROM run", &st, err, "");

	if (rc == 1)
		sq_blob(st, 0, s->identities.secret, sizeof(s->identities.secret));
	sq_reset(st);
	s->identities.has_secret = rc == 1;
	return rc < 0 ? rc : 0;
}

int
sq_identity_key(struct sq *s, const uint8_t event_id[16], int64_t *key, struct cs_err *err)
{
	int rc = s->identities.has_secret ? 0 : read_secret(s, err);

	*key = (int64_t)cs_siphash24(s->identities.secret, event_id, 16);
	return rc;
}

/* Is it this one? */
static int
is_identity(struct sq *s, int64_t id, const uint8_t event_id[16], const char *account, int64_t *lead_id,
	    uint8_t *hash, struct cs_err *err)
{
	sqlite3_stmt *st;
	int rc = sq_first(
	    s, SQ_IDENTITY_CHECK,
	    "SELECT lead_id, hash FROM identity WHERE lead_id = ?1 AND event_id = ?2 AND account = ?3", &st,
	    err, "lut", id, event_id, account);

	return read_hit(rc, st, lead_id, hash);
}

/* The keys alone first: that there is none is the rule, and costs a single look-up. */
static int
in_table(struct sq *s, const uint8_t event_id[16], const char *account, int64_t *lead_id, uint8_t *hash,
	 struct cs_err *err)
{
	int64_t key;
	sqlite3_stmt *st;
	int found = 0, rc;

	if ((rc = sq_identity_key(s, event_id, &key, err)) < 0)
		return rc;
	rc = sq_first(s, SQ_IDENTITY_GET, "SELECT lead_id FROM identity_key WHERE key = ?1", &st, err, "l", key);
	for (; rc == 1 && found == 0; rc = found == 0 ? sq_next(s, st, err) : rc)
		found = is_identity(s, sqlite3_column_int64(st, 0), event_id, account, lead_id, hash, err);
	if (rc == 1)
		sq_reset(st);
	return rc < 0 ? rc : found;
}

/* Places behind the hash are taken by others of the same hash. */
static int
in_map(struct sq *s, const struct cs_map *m, uint64_t key, const uint8_t event_id[16], const char *account,
       int64_t *lead_id, uint8_t *hash, struct cs_err *err)
{
	void *hint;
	int rc = 0;

	while (rc == 0 && (hint = cs_map_get(m, key++)) != NULL)
		rc = is_identity(s, (int64_t)(intptr_t)hint, event_id, account, lead_id, hash, err);
	return rc;
}

/* Whoever asks for an identity usually inserts it next, so that there is none is remembered. */
static int
find_by_map(struct sq *s, const uint8_t event_id[16], const char *account, int64_t *lead_id, uint8_t *hash,
	    struct cs_err *err)
{
	struct sq_identities *d = &s->identities;
	uint64_t key = hash_of(event_id, account);
	int rc;

	if (d->absent == key && memcmp(d->absent_event, event_id, 16) == 0)
		return 0;
	if ((rc = in_map(s, &d->recent, key, event_id, account, lead_id, hash, err)) != 0 ||
	    (rc = in_map(s, &d->merging, key, event_id, account, lead_id, hash, err)) != 0 ||
	    (rc = in_table(s, event_id, account, lead_id, hash, err)) != 0)
		return rc;
	d->absent = key;
	memcpy(d->absent_event, event_id, 16);
	return 0;
}

/* Other handles have no map; the recent identities are walked. */
static int
find_by_walk(struct sq *s, const uint8_t event_id[16], const char *account, int64_t *lead_id, uint8_t *hash,
	     struct cs_err *err)
{
	sqlite3_stmt *st;
	int rc = in_table(s, event_id, account, lead_id, hash, err);

	if (rc != 0)
		return rc;
	rc = sq_first(
	    s, SQ_IDENTITY_RECENT,
	    "SELECT lead_id, hash FROM identity WHERE lead_id > (SELECT merged FROM run) AND event_id = ?1"
	    " AND account = ?2",
	    &st, err, "ut", event_id, account);
	return read_hit(rc, st, lead_id, hash);
}

static int
identity_get(struct cs_store *st, const uint8_t event_id[16], const char *account, int64_t *lead_id,
	     uint8_t hash[32], struct cs_err *err)
{
	struct sq *s = sq_of(st);
	int rc = s->is_writer ? find_by_map(s, event_id, account, lead_id, hash, err)
			      : find_by_walk(s, event_id, account, lead_id, hash, err);

	if (rc < 0)
		return rc;
	return rc > 0 ? 0 : cs_err_set(err, CS_ENOTFOUND, "no such event");
}

int
sq_identity_seen(struct sq *s, const uint8_t event_id[16], const char *account, struct cs_err *err)
{
	int64_t lead_id;

	return find_by_map(s, event_id, account, &lead_id, NULL, err);
}

/* ---- adding */

/* To the first free place from the hash on; returns it. */
static uint64_t
put(struct cs_map *m, uint64_t key, int64_t lead_id)
{
	while (cs_map_get(m, key) != NULL)
		key++;
	cs_map_put(m, key, (void *)(intptr_t)lead_id);
	return key;
}

static int
add_row(struct sq *s, const uint8_t event_id[16], int64_t lead_id, struct cs_err *err)
{
	struct sq_identities *d = &s->identities;
	int64_t key;
	int rc;

	if ((rc = sq_identity_key(s, event_id, &key, err)) < 0)
		return rc;
	if (d->n_rows == d->cap_rows) {
		d->cap_rows = d->cap_rows == 0 ? 1024 : 2 * d->cap_rows;
		d->rows = cs_xrealloc(d->rows, d->cap_rows * sizeof(*d->rows));
	}
	d->rows[d->n_rows++] = (struct sq_merge_row){ key, lead_id };
	return 0;
}

int
sq_identity_add(struct sq *s, int64_t lead_id, const struct cs_lead_row *row, struct cs_err *err)
{
	struct sq_identities *d = &s->identities;
	uint64_t key = d->absent;
	int rc = sq_exec(
	    s, SQ_IDENTITY_PUT,
	    "INSERT INTO identity (lead_id, received_ms, account, event_id, hash) VALUES (?1, ?2, ?3, ?4, ?5)",
	    err, "lltuh", lead_id, row->received_ms, row->account, row->event_id, row->hash);

	if (rc < 0)
		return rc;
	d->absent = 0;
	if (d->n_added == d->cap_added) {
		d->cap_added = d->cap_added == 0 ? 256 : 2 * d->cap_added;
		d->added = cs_xrealloc(d->added, d->cap_added * sizeof(*d->added));
	}
	d->added[d->n_added++] = put(&d->recent, key, lead_id);
	return add_row(s, row->event_id, lead_id, err);
}

/* ---- merging */

static int
by_key(const void *a, const void *b)
{
	const struct sq_merge_row *x = a, *y = b;

	return x->key < y->key ? -1 : x->key > y->key;
}

/* Neighbours in the order of keys. */
static size_t
bucket(const struct sq_merge_row *row)
{
	return ((uint64_t)row->key ^ 1ULL << 63) >> (64 - BUCKET_BITS);
}

static void
into_buckets(const struct sq_merge_row *rows, size_t n, struct sq_merge_row *out)
{
	size_t next[(1 << BUCKET_BITS) + 1] = { 0 };

	for (size_t i = 0; i < n; i++)
		next[bucket(&rows[i]) + 1]++;
	for (size_t i = 1; i < CS_ARRAY_LEN(next); i++)
		next[i] += next[i - 1];
	for (size_t i = 0; i < n; i++)
		out[next[bucket(&rows[i])]++] = rows[i];
}

/* Between two transactions: everything in the map is committed. */
static void
begin_merge(struct sq_identities *d)
{
	d->order = cs_xmalloc(d->n_rows * sizeof(*d->order));
	into_buckets(d->rows, d->n_rows, d->order);
	d->upto = d->rows[d->n_rows - 1].lead_id;
	d->n = d->n_rows;
	d->n_rows = 0;
	d->sorted = d->at = d->at_kept = 0;
	cs_map_fini(&d->merging);
	d->merging = d->recent;
	cs_map_init(&d->recent);
}

/* The row that comes next, and those of its bucket. */
static void
sort_next(struct sq_identities *d)
{
	size_t end = d->at;

	if (d->at < d->sorted)
		return;
	while (end < d->n && bucket(&d->order[end]) == bucket(&d->order[d->at]))
		end++;
	qsort(d->order + d->at, end - d->at, sizeof(*d->order), by_key);
	d->sorted = end;
}

static void
end_merge(struct sq_identities *d)
{
	free(d->order);
	d->order = NULL;
	d->merged = d->upto;
	cs_map_fini(&d->merging);
	cs_map_init(&d->merging);
}

static int
put_key(struct sq *s, const struct sq_merge_row *row, struct cs_err *err)
{
	if (!s->identities.has_gaps)
		return sq_exec(s, SQ_KEY_MERGE, "INSERT OR IGNORE INTO identity_key (key, lead_id) VALUES (?1, ?2)",
			       err, "ll", row->key, row->lead_id);
	return sq_exec(s, SQ_KEY_MERGE_REAL,
		       "INSERT OR IGNORE INTO identity_key (key, lead_id) SELECT ?1, ?2"
		       " WHERE EXISTS (SELECT 1 FROM identity WHERE lead_id = ?2)",
		       err, "ll", row->key, row->lead_id);
}

int
sq_identity_step(struct sq *s, struct cs_err *err)
{
	struct sq_identities *d = &s->identities;
	size_t piece = PIECE_MIN + 2 * d->n_added;
	int rc;

	if (d->order == NULL)
		return 0;
	for (; piece > 0 && d->at < d->n; piece--, d->at++) {
		sort_next(d);
		if ((rc = put_key(s, &d->order[d->at], err)) < 0)
			return rc;
	}
	if (d->at < d->n)
		return 0;
	return sq_exec(s, SQ_MERGED_PUT, "UPDATE run SET merged = ?1", err, "l", d->upto);
}

void
sq_identity_committed(struct sq *s)
{
	struct sq_identities *d = &s->identities;

	d->n_added = 0;
	d->at_kept = d->at;
	if (d->order != NULL && d->at == d->n)
		end_merge(d);
	else if (d->order == NULL && d->n_rows >= d->most)
		begin_merge(d);
}

/* Few stay recent for so long. It may come back by a rollback, so from now on the table is asked. */
void
sq_identity_gone(struct sq *s, int64_t lead_id)
{
	if (lead_id > s->identities.merged)
		s->identities.has_gaps = true;
}

void
sq_identity_rolled_back(struct sq *s)
{
	struct sq_identities *d = &s->identities;

	d->n_rows -= d->n_added;
	while (d->n_added > 0) /* the last one first: those before it may have pushed it on */
		cs_map_del(&d->recent, d->added[--d->n_added]);
	d->at = d->at_kept;
	d->absent = 0;
}

/* ---- open and close */

int
sq_identity_open(struct sq *s, struct cs_err *err)
{
	struct sq_identities *d = &s->identities;
	sqlite3_stmt *st;
	uint8_t event_id[16];
	int rc;

	d->most = RECENT_MOST;
	if ((rc = read_secret(s, err)) < 0 || (rc = sq_first(s, SQ_MERGED_GET, "SELECT merged FROM run", &st, err, "")) < 0)
		return rc;
	d->merged = rc == 1 ? sqlite3_column_int64(st, 0) : 0;
	sq_reset(st);
	rc = sq_first(s, SQ_IDENTITY_LOAD,
		      "SELECT lead_id, event_id, account FROM identity WHERE lead_id > ?1 ORDER BY lead_id", &st, err, "l",
		      d->merged);
	for (; rc == 1; rc = sq_next(s, st, err)) {
		sq_blob(st, 1, event_id, sizeof(event_id));
		put(&d->recent, hash_of(event_id, (const char *)sqlite3_column_text(st, 2)),
		    sqlite3_column_int64(st, 0));
		add_row(s, event_id, sqlite3_column_int64(st, 0), NULL);
	}
	return rc;
}

void
sq_identity_close(struct sq *s)
{
	free(s->identities.rows);
	free(s->identities.order);
	free(s->identities.added);
	cs_map_fini(&s->identities.recent);
	cs_map_fini(&s->identities.merging);
}

void
sq_ops_identity(struct cs_store_ops *ops)
{
	ops->identity_get = identity_get;
}
