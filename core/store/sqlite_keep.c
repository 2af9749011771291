/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite_keep.c - retention: what is past its time goes, undelivered work never does.
 *
 * A lead goes with its deliveries, and only when all of these have come to rest (delivered or discarded) before the given
 * time. Leads and identities are swept in windows: a call looks at so many rows, remembers where it stopped and goes on
 * there at the next one, so that neither a million old dead letters in front nor 400 days of identities stop the writer.
 * The newest lead stays whatever its age: ids go on from it.
 */
#include "config.h"
#include "store/sqlite_int.h"

#include <string.h>

#define WINDOW 20000 /* rows looked at in one call; each about 0.2 us */

struct victims {
	int64_t *ids;
	int n, max;
	int64_t looked_to; /* last id that was looked at; 0: the end was reached */
};

/* 3 delivered, 5 discarded */
#define AT_REST "NOT EXISTS (SELECT 1 FROM delivery d WHERE d.id BETWEEN h.id << 8 AND (h.id << 8) + 255" \
	" AND NOT (d.state IN (3, 5) AND d.done_ms < ?2))"

static int
find_leads(struct sq *s, int64_t before_ms, struct victims *v, struct cs_err *err)
{
	sqlite3_stmt *st;
	int looked = 0, rc;

	v->looked_to = 0;
	rc = sq_first(s, SQ_KEEP_FIND,
	              "SELECT h.id, h.received_ms < ?2 AND " AT_REST " FROM lead h INDEXED BY lead_head WHERE h.id > ?1"
	              " AND h.id < (SELECT max(id) FROM lead) ORDER BY h.id LIMIT ?3", &st, err, "lli", s->lead_sweep, before_ms,
	              WINDOW);
	for (; rc == 1; rc = sq_next(s, st, err)) {
		v->looked_to = sqlite3_column_int64(st, 0);
		if (sqlite3_column_int(st, 1) != 0)
			v->ids[v->n++] = v->looked_to;
		if (++looked == WINDOW || v->n == v->max) {
			sq_reset(st);
			return 0;
		}
	}
	v->looked_to = 0;
	return rc;
}

static int
drop_lead(struct sq *s, int64_t id, struct cs_err *err)
{
	int64_t first = id << 8, last = first + 255;
	int rc;

	if ((rc = sq_exec(s, SQ_KEEP_ATTEMPT, "DELETE FROM attempt WHERE id BETWEEN ?1 << 12 AND (?2 << 12) + 4095", err, "ll", first,
	                  last)) < 0 ||
	    (rc = sq_exec(s, SQ_KEEP_PROGRESS, "DELETE FROM progress WHERE delivery_id BETWEEN ?1 AND ?2", err, "ll", first,
	                  last)) < 0 ||
	    (rc = sq_exec(s, SQ_KEEP_RECORD, "DELETE FROM record WHERE delivery_id BETWEEN ?1 AND ?2", err, "ll", first,
	                  last)) < 0 ||
	    (rc = sq_exec(s, SQ_KEEP_DELIVERY, "DELETE FROM delivery WHERE id BETWEEN ?1 AND ?2", err, "ll", first, last)) < 0)
		return rc;
	return sq_exec(s, SQ_KEEP_LEAD, "DELETE FROM lead WHERE id = ?1", err, "l", id);
}

static int
keep_leads(struct sq *s, int64_t before_ms, int max, struct cs_err *err)
{
	CS_CLEANUP(cs_freep) int64_t *ids = cs_xmalloc(sizeof(*ids) * (size_t)max);
	struct victims v = { .ids = ids, .max = max };
	int rc = find_leads(s, before_ms, &v, err);

	for (int i = 0; i < v.n && rc == 0; i++)
		rc = drop_lead(s, ids[i], err);
	if (rc < 0)
		return rc;
	s->lead_sweep = v.looked_to;
	return v.n;
}

/* Where this window of the identities ends: false when it is the last one. */
static int
window_edge(struct sq *s, uint8_t edge[16], struct cs_err *err)
{
	sqlite3_stmt *st;
	int rc = sq_first(s, SQ_KEEP_EDGE, "SELECT event_id FROM identity WHERE event_id > ?1 ORDER BY event_id LIMIT 1 OFFSET ?2",
	                  &st, err, "ui", s->identity_sweep, WINDOW);

	if (rc == 1)
		sq_blob(st, 0, edge, 16);
	else
		memset(edge, 0xff, 16);
	sq_reset(st);
	return rc;
}

static int
keep_identities(struct sq *s, int64_t before_ms, int max, struct cs_err *err)
{
	uint8_t edge[16];
	int more = window_edge(s, edge, err), rc, n;

	if (more < 0)
		return more;
	rc = sq_exec(s, SQ_KEEP_IDENTITY,
	             "DELETE FROM identity WHERE (event_id, account) IN (SELECT event_id, account FROM identity i"
	             " WHERE i.event_id >= ?1 AND i.event_id <= ?2 AND i.received_ms < ?3"
	             " AND NOT EXISTS (SELECT 1 FROM lead WHERE id = i.lead_id) LIMIT ?4)", err, "uuli", s->identity_sweep, edge,
	             before_ms, max);
	if (rc < 0)
		return rc;
	n = sqlite3_changes(s->db);
	if (n < max && more)
		memcpy(s->identity_sweep, edge, sizeof(edge));
	else if (n < max)
		memset(s->identity_sweep, 0, sizeof(s->identity_sweep));
	return n;
}

static int
keep_rest(struct sq *s, int64_t before_ms, int max, struct cs_err *err)
{
	int rc, n;

	rc = sq_exec(s, SQ_KEEP_HOOK,
	             "DELETE FROM hook_seen WHERE (dedupe, crm, conn_id) IN (SELECT dedupe, crm, conn_id FROM hook_seen"
	             " WHERE received_ms < ?1 ORDER BY received_ms LIMIT ?2)", err, "li", before_ms, max);
	if (rc < 0)
		return rc;
	n = sqlite3_changes(s->db);
	rc = sq_exec(s, SQ_KEEP_CALLER,
	             "DELETE FROM caller WHERE (conn_id, key, step) IN (SELECT conn_id, key, step FROM caller WHERE at_ms < ?1"
	             " ORDER BY at_ms LIMIT ?2)", err, "li", before_ms, max - n);
	return rc < 0 ? rc : n + sqlite3_changes(s->db);
}

static int
retention(struct cs_store *st, int64_t delivered_before_ms, int64_t identity_before_ms, int max, struct cs_err *err)
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
