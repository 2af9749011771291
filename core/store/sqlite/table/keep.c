/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keep.c - retention: what is past its time goes, undelivered work never does.
 *
 * A lead goes with its deliveries, and only when all of these have come to rest (delivered or discarded)
 * before the given time; its identity goes later, at a time of its own. Both are found by walking the
 * identities, which are narrow and in order of time, in windows: a call looks at so many rows, remembers
 * where it stopped and goes on there at the next one, so that neither a million old dead letters in front nor
 * 400 days of identities stop the writer. The newest identity stays whatever its age: ids go on from it.
 */
#include "config.h"
#include "store/sqlite/private.h"

#define WINDOW 10000 /* rows looked at in one call; each about 1 us */

struct victims {
	int64_t *ids;
	int n, max;
	int64_t looked_to; /* last id that was looked at; 0: the end was reached */
};

/* The walks end at the first row that is too young, and before the newest. */
#define WALK                                                                                                 \
	" FROM identity i WHERE i.lead_id > ?1 AND i.lead_id < (SELECT max(lead_id) FROM identity) ORDER BY i.lead_id LIMIT ?3"
/* 3 delivered, 5 discarded */
#define AT_REST                                                                                              \
	"NOT EXISTS (SELECT 1 FROM delivery d WHERE d.id BETWEEN i.lead_id << 8 AND (i.lead_id << 8) + 255"  \
	" AND NOT (d.state IN (3, 5) AND d.done_ms < ?2)) AND EXISTS (SELECT 1 FROM lead WHERE id = i.lead_id)"

static int
find(struct sq *s, enum sq_slot slot, const char *sql, int64_t from, int64_t before_ms, struct victims *v,
     struct cs_err *err)
{
	sqlite3_stmt *st;
	int looked = 0, rc;

	v->looked_to = 0;
	rc = sq_first(s, slot, sql, &st, err, "lli", from, before_ms, WINDOW);
	for (; rc == 1 && sqlite3_column_int64(st, 1) < before_ms; rc = sq_next(s, st, err)) {
		v->looked_to = sqlite3_column_int64(st, 0);
		if (sqlite3_column_int(st, 2) != 0)
			v->ids[v->n++] = v->looked_to;
		if (++looked == WINDOW || v->n == v->max) {
			sq_reset(st);
			return 0;
		}
	}
	sq_reset(st);
	v->looked_to = 0;
	return rc < 0 ? rc : 0;
}

static int
drop_lead(struct sq *s, int64_t id, struct cs_err *err)
{
	int64_t first = id << 8, last = first + 255;
	int rc;

	if ((rc = sq_exec(s, SQ_KEEP_ATTEMPT,
			  "DELETE FROM attempt WHERE id BETWEEN ?1 << 12 AND (?2 << 12) + 4095", err, "ll",
			  first, last)) < 0 ||
	    (rc = sq_exec(s, SQ_KEEP_PROGRESS, "DELETE FROM progress WHERE delivery_id BETWEEN ?1 AND ?2",
			  err, "ll", first, last)) < 0 ||
	    (rc = sq_exec(s, SQ_KEEP_RECORD, "DELETE FROM record WHERE delivery_id BETWEEN ?1 AND ?2", err,
			  "ll", first, last)) < 0 ||
	    (rc = sq_exec(s, SQ_KEEP_DELIVERY, "DELETE FROM delivery WHERE id BETWEEN ?1 AND ?2", err, "ll",
			  first, last)) < 0)
		return rc;
	return sq_exec(s, SQ_KEEP_LEAD, "DELETE FROM lead WHERE id = ?1", err, "l", id);
}

/* The map of recent ones may still mean it; that is only a hint (sqlite/table/identity.c). */
static int
drop_identity(struct sq *s, int64_t id, struct cs_err *err)
{
	sqlite3_stmt *st;
	uint8_t event_id[16];
	int64_t key;
	int rc =
	    sq_first(s, SQ_KEEP_EVENT, "SELECT event_id FROM identity WHERE lead_id = ?1", &st, err, "l", id);

	if (rc <= 0)
		return rc;
	sq_blob(st, 0, event_id, sizeof(event_id));
	sq_reset(st);
	if ((rc = sq_identity_key(s, event_id, &key, err)) < 0)
		return rc;
	sq_identity_gone(s, id);
	rc = sq_exec(s, SQ_KEEP_KEY, "DELETE FROM identity_key WHERE key = ?1 AND lead_id = ?2", err, "ll",
		     key, id);
	return rc < 0 ? rc
		      : sq_exec(s, SQ_KEEP_IDENTITY, "DELETE FROM identity WHERE lead_id = ?1", err, "l", id);
}

static int
sweep(struct sq *s, enum sq_slot slot, const char *sql, int64_t *at,
      int (*drop)(struct sq *, int64_t, struct cs_err *), int64_t before_ms, int max, struct cs_err *err)
{
	CS_CLEANUP(cs_freep) int64_t *ids = cs_xmalloc(sizeof(*ids) * (size_t)max);
	struct victims v = { .ids = ids, .max = max };
	int rc = find(s, slot, sql, *at, before_ms, &v, err);

	for (int i = 0; i < v.n && rc == 0; i++)
		rc = drop(s, ids[i], err);
	if (rc < 0)
		return rc;
	*at = v.looked_to;
	return v.n;
}

static int
keep_leads(struct sq *s, int64_t before_ms, int max, struct cs_err *err)
{
	return sweep(s, SQ_KEEP_FIND, "SELECT i.lead_id, i.received_ms, " AT_REST WALK, &s->lead_sweep,
		     drop_lead, before_ms, max, err);
}

static int
keep_identities(struct sq *s, int64_t before_ms, int max, struct cs_err *err)
{
	return sweep(
	    s, SQ_KEEP_OLD,
	    "SELECT i.lead_id, i.received_ms, NOT EXISTS (SELECT 1 FROM lead WHERE id = i.lead_id)" WALK,
	    &s->identity_sweep, drop_identity, before_ms, max, err);
}

static int
keep_rest(struct sq *s, int64_t before_ms, int max, struct cs_err *err)
{
	int rc, n;

	rc = sq_exec(
	    s, SQ_KEEP_HOOK,
	    "DELETE FROM hook_seen WHERE (dedupe, crm, conn_id) IN (SELECT dedupe, crm, conn_id FROM hook_seen"
	    " WHERE received_ms < ?1 ORDER BY received_ms LIMIT ?2)",
	    err, "li", before_ms, max);
	if (rc < 0)
		return rc;
	n = sqlite3_changes(s->db);
	rc = sq_exec(
	    s, SQ_KEEP_CALLER,
	    "DELETE FROM caller WHERE (conn_id, key, step) IN (SELECT conn_id, key, step FROM caller WHERE at_ms < ?1"
	    " ORDER BY at_ms LIMIT ?2)",
	    err, "li", before_ms, max - n);
	return rc < 0 ? rc : n + sqlite3_changes(s->db);
}

static int
retention(struct cs_store *st, int64_t delivered_before_ms, int64_t identity_before_ms, int max,
	  struct cs_err *err)
{
	struct sq *s = sq_of(st);
	int rc, n = 0;

	if ((rc = sq_writable(s, err)) < 0)
		return rc;
	if (max <= 0)
		return 0;
	if ((rc = keep_leads(s, delivered_before_ms, max, err)) < 0)
		return rc;
	n += rc;
	if (n < max && (rc = keep_identities(s, identity_before_ms, max - n, err)) < 0)
		return rc;
	n += n < max ? rc : 0;
	if (n < max && (rc = keep_rest(s, delivered_before_ms, max - n, err)) < 0)
		return rc;
	return n + (n < max ? rc : 0);
}

void
sq_ops_keep(struct cs_store_ops *ops)
{
	ops->retention = retention;
}
