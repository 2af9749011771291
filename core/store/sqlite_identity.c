/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite_identity.c - which events an account has sent, for ever.
 *
 * An identity (account, event_id) is what the sender is held to: it keeps the hash of the content as it came
 * first, also after a person has fixed the lead, and it outlives the lead. It is written with the lead, to
 * the end of its table. What finds it again, identity_key, is in order of event ids, and these are random:
 * each insert there would dirty a page of its own, which at a million rows costs as much as all the rest of a
 * lead. So keys are written in a sweep when there are many:
 *
 *   leads with id <= run.merged    have their key in the table
 *   leads above it ("recent")      are in a hash map of the writer
 *
 * Once RECENT_MOST are there, a merge begins: their ids are put in order of the keys, and each commit carries
 * a piece over, so that neighbours share pages and nobody waits. The last piece raises run.merged in the same
 * transaction. After a crash the map is made again from the identities above run.merged; what a broken-off
 * merge has written is ignored when it comes again. Map and keys only give hints (a hash, the first 8 bytes);
 * the identity's row decides.
 */
#include "config.h"
#include "store/sqlite_int.h"

#include <stdlib.h>
#include <string.h>

#define RECENT_MOST 65536
#define PIECE_MIN   32 /* rows that a commit merges, and two more for each one that it adds */

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

/* In the order of identity_key; SQLite's integers have a sign. */
int64_t
sq_identity_prefix(const uint8_t event_id[16])
{
	uint64_t prefix = 0;

	for (int i = 0; i < 8; i++)
		prefix = prefix << 8 | event_id[i];
	return (int64_t)prefix;
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
	sqlite3_stmt *st;
	int found = 0, rc = sq_first(s, SQ_IDENTITY_GET, "SELECT lead_id FROM identity_key WHERE prefix = ?1", &st,
				     err, "l", sq_identity_prefix(event_id));

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
	return 0;
}

/* ---- merging */

static int
by_prefix(const void *a, const void *b)
{
	const struct sq_merge_row *x = a, *y = b;

	return x->prefix < y->prefix ? -1 : x->prefix > y->prefix;
}

/* Above run.merged: (lead id, event_id, account). */
static int
recent_ones(struct sq *s, sqlite3_stmt **st, struct cs_err *err)
{
	return sq_first(s, SQ_IDENTITY_LOAD,
			"SELECT lead_id, event_id, account FROM identity WHERE lead_id > ?1", st, err, "l",
			s->identities.merged);
}

/* Between two transactions: everything in the map is committed. When the reading fails, the next commit tries
 * again. */
static void
begin_merge(struct sq *s)
{
	struct sq_identities *d = &s->identities;
	struct sq_merge_row *order = cs_xmalloc(d->recent.n * sizeof(*order));
	size_t n = 0, most = d->recent.n;
	int64_t upto = d->merged;
	uint8_t event_id[16];
	sqlite3_stmt *st;
	int rc;

	for (rc = recent_ones(s, &st, NULL); rc == 1; rc = sq_next(s, st, NULL)) {
		if (n == most)
			order = cs_xrealloc(order, (most *= 2) * sizeof(*order));
		upto = sqlite3_column_int64(st, 0);
		sq_blob(st, 1, event_id, sizeof(event_id));
		order[n++] = (struct sq_merge_row){ sq_identity_prefix(event_id), upto };
	}
	if (rc < 0) {
		free(order);
		return;
	}
	qsort(order, n, sizeof(*order), by_prefix);
	d->order = order;
	d->n = n;
	d->at = d->at_kept = 0;
	d->upto = upto;
	cs_map_fini(&d->merging);
	d->merging = d->recent;
	cs_map_init(&d->recent);
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

int
sq_identity_step(struct sq *s, struct cs_err *err)
{
	struct sq_identities *d = &s->identities;
	size_t piece = PIECE_MIN + 2 * d->n_added;
	int rc;

	if (d->order == NULL)
		return 0;
	for (; piece > 0 && d->at < d->n; piece--, d->at++) {
		rc = sq_exec(s, SQ_KEY_MERGE,
			     "INSERT OR IGNORE INTO identity_key (prefix, lead_id) VALUES (?1, ?2)", err,
			     "ll", d->order[d->at].prefix, d->order[d->at].lead_id);
		if (rc < 0)
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
	else if (d->order == NULL && d->recent.n >= d->most)
		begin_merge(s);
}

void
sq_identity_rolled_back(struct sq *s)
{
	struct sq_identities *d = &s->identities;

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
	if ((rc = sq_first(s, SQ_MERGED_GET, "SELECT merged FROM run", &st, err, "")) < 0)
		return rc;
	d->merged = rc == 1 ? sqlite3_column_int64(st, 0) : 0;
	sq_reset(st);
	for (rc = recent_ones(s, &st, err); rc == 1; rc = sq_next(s, st, err)) {
		sq_blob(st, 1, event_id, sizeof(event_id));
		put(&d->recent, hash_of(event_id, (const char *)sqlite3_column_text(st, 2)),
		    sqlite3_column_int64(st, 0));
	}
	return rc;
}

void
sq_identity_close(struct sq *s)
{
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
