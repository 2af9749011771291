/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check.c - `csrelay store check`: is the file whole, and does what it says make sense?
 *
 * First SQLite's own examination (complete when no daemon runs; beside one the quick form, since the log cannot be begun
 * anew meanwhile), then our rules, each a query of what breaks it. This is the one read without a time limit.
 */
#include "config.h"
#include "store/sqlite/private.h"

#include <string.h>

/* Columns: what to name, and how many. */
static const struct {
	const char *finding, *sql;
} rules[] = {
	{ "deliveries of leads that are not there",
	  "SELECT min(d.id), count(*) FROM delivery d WHERE NOT EXISTS (SELECT 1 FROM lead WHERE id = d.id >> 8)" },
	{ "leads without their identity",
	  "SELECT min(l.id), count(*) FROM lead l WHERE NOT EXISTS (SELECT 1 FROM identity i WHERE i.lead_id = l.id"
	  " AND i.event_id = l.event_id AND i.account = l.account)" },
	{ "identities that their key does not lead to",
	  "SELECT min(i.lead_id), count(*) FROM identity i WHERE i.lead_id <= (SELECT merged FROM run)"
	  " AND i.lead_id NOT IN (SELECT lead_id FROM identity_key)" },
	{ "keys of identities that are not there",
	  "SELECT min(lead_id), count(*) FROM identity_key k WHERE NOT EXISTS (SELECT 1 FROM identity WHERE lead_id = k.lead_id)" },
	{ "several leads of one identity",
	  "SELECT min(id), count(*) FROM (SELECT min(lead_id) AS id FROM identity GROUP BY event_id, account HAVING count(*) > 1)" },
	{ "deliveries that wait for a connection that is not there",
	  "SELECT min(id), count(*) FROM delivery INDEXED BY delivery_due WHERE shelf = 0"
	  " AND conn_id NOT IN (SELECT id FROM conn)" },
	{ "deliveries in hand of a run that never was",
	  "SELECT min(id), count(*) FROM delivery WHERE state IN (1, 2) AND epoch NOT BETWEEN 0 AND (SELECT epoch FROM run)" },
	{ "fresh deliveries in hand below the floor",
	  "SELECT min(id), count(*) FROM delivery WHERE state = 1 AND id < (SELECT floor FROM run)" },
	{ "deliveries in hand after a clean stop",
	  "SELECT min(id), count(*) FROM delivery WHERE state IN (1, 2) AND (SELECT clean FROM run) <> 0" },
	{ "deliveries in a state that is none", "SELECT min(id), count(*) FROM delivery WHERE state NOT BETWEEN 0 AND 5" },
	{ "deliveries that their indexes do not hold as what they are",
	  "SELECT min(id), count(*) FROM delivery WHERE shelf IS NOT iif(state IN (0, 2, 4) OR replay_id > 0, state, NULL)" },
	{ "deliveries in a lane that is none", "SELECT min(id), count(*) FROM delivery WHERE lane NOT BETWEEN 0 AND 6" },
	{ "several deliveries of one lead into one connection",
	  "SELECT min(id), count(*) FROM (SELECT id FROM delivery WHERE conn_id <> 0 GROUP BY id >> 8, conn_id"
	  " HAVING count(*) > 1)" },
	{ "attempts of deliveries that are not there",
	  "SELECT min(id >> 12), count(*) FROM attempt a WHERE NOT EXISTS (SELECT 1 FROM delivery WHERE id = a.id >> 12)" },
	{ "facts of connections that are not there",
	  "SELECT min(conn_id), count(*) FROM conn_fact WHERE conn_id NOT IN (SELECT id FROM conn)" },
	{ "secrets of connections that are not there",
	  "SELECT min(substr(owner, 6)), count(*) FROM secret WHERE owner GLOB 'conn/*'"
	  " AND NOT EXISTS (SELECT 1 FROM conn WHERE id = CAST(substr(owner, 6) AS INTEGER) OR public_id = substr(owner, 6))" },
};

typedef void (*check_cb)(void *ctx, const char *finding);

static int
whole(struct sq *s, check_cb cb, void *ctx, struct cs_err *err)
{
	const char *sql = s->is_file_ro ? "PRAGMA integrity_check" : "PRAGMA quick_check", *text;
	sqlite3_stmt *st;
	int rc = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL);

	if (rc != SQLITE_OK)
		return sq_fail(s, rc, err);
	while ((rc = sq_next(s, st, err)) == 1) {
		text = (const char *)sqlite3_column_text(st, 0);
		if (text != NULL && strcmp(text, "ok") != 0)
			cb(ctx, text);
	}
	sqlite3_finalize(st);
	return rc;
}

static int
hold_rule(struct sq *s, size_t at, check_cb cb, void *ctx, struct cs_err *err)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf text = CS_BUF_INIT(0);
	sqlite3_stmt *st;
	int rc = sqlite3_prepare_v2(s->db, rules[at].sql, -1, &st, NULL);

	if (rc != SQLITE_OK)
		return sq_fail(s, rc, err);
	rc = sq_next(s, st, err);
	if (rc == 1 && sqlite3_column_int64(st, 1) > 0) {
		cs_buf_printf(&text, "%s: %lld, the first is %s", rules[at].finding, (long long)sqlite3_column_int64(st, 1),
		              (const char *)sqlite3_column_text(st, 0));
		cb(ctx, cs_buf_str(&text));
	}
	sqlite3_finalize(st);
	return rc < 0 ? rc : 0;
}

static int
check(struct cs_store *st, check_cb cb, void *ctx, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	int rc = whole(s, cb, ctx, err);

	for (size_t i = 0; i < CS_ARRAY_LEN(rules) && rc == 0; i++)
		rc = hold_rule(s, i, cb, ctx, err);
	return rc;
}

void
sq_ops_check(struct cs_store_ops *ops)
{
	ops->check = check;
}
