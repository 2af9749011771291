/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lead.c - leads.
 *
 * Ids are given here and only grow: retention never removes the newest identity. The hash in the lead's row
 * is that of its present content; a person who fixes a lead changes it, but not what the sender is held to
 * (sqlite/table/identity.c).
 */
#include "config.h"
#include "store/sqlite/private.h"

#define LEAD_COLUMNS                                                                                         \
	"l.id, l.event_id, l.hash, l.account, l.event, l.kind, l.urgency, l.received_ms, l.warnings"

/* Without the body. */
static void
read_head(sqlite3_stmt *st, struct cs_arena *a, void *row)
{
	struct cs_lead_row *l = row;

	l->id = sqlite3_column_int64(st, 0);
	sq_blob(st, 1, l->event_id, sizeof(l->event_id));
	sq_blob(st, 2, l->hash, sizeof(l->hash));
	l->account = sq_text(st, 3, a);
	l->event = sq_text(st, 4, a);
	l->kind = (enum cs_lead_kind)sqlite3_column_int(st, 5);
	l->urgency = sqlite3_column_int(st, 6);
	l->received_ms = sqlite3_column_int64(st, 7);
	l->warnings = sq_text(st, 8, a);
	l->body = (struct cs_bytes){ "", 0 };
}

static void
read_lead(sqlite3_stmt *st, struct cs_arena *a, void *row)
{
	read_head(st, a, row);
	((struct cs_lead_row *)row)->body = sq_bytes(st, 9, a);
}

static int
next_lead(struct sq *s, int64_t *id, struct cs_err *err)
{
	sqlite3_stmt *st;
	int rc;

	if (s->next_lead == 0) {
		rc = sq_first(s, SQ_LEAD_MAX, "SELECT coalesce(max(lead_id), 0) + 1 FROM identity", &st, err,
			      "");
		if (rc < 0)
			return rc;
		s->next_lead = sqlite3_column_int64(st, 0);
		sq_reset(st);
	}
	*id = s->next_lead;
	return 0;
}

static int
lead_insert(struct cs_store *st, struct cs_lead_row *row, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	int64_t id;
	int rc;

	if ((rc = sq_writable(s, err)) < 0 ||
	    (rc = sq_identity_seen(s, row->event_id, row->account, err)) < 0)
		return rc;
	if (rc > 0)
		return cs_err_set(err, CS_EEXIST, "the account sent this event_id before");
	if ((rc = next_lead(s, &id, err)) < 0)
		return rc;
	rc = sq_exec(
	    s, SQ_LEAD_INSERT,
	    "INSERT INTO lead (id, received_ms, kind, urgency, event_id, account, event, hash, warnings, body)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
	    err, "lliiutthtb", id, row->received_ms, (int)row->kind, (int)row->urgency, row->event_id,
	    row->account, row->event, row->hash, row->warnings, row->body);
	if (rc < 0 || (rc = sq_identity_add(s, id, row, err)) < 0)
		return rc;
	row->id = s->fresh_lead = id;
	s->next_lead = id + 1;
	return 0;
}

static int
lead_update(struct cs_store *st, const struct cs_lead_row *row, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	int rc = sq_exec(
	    s, SQ_LEAD_UPDATE,
	    "UPDATE lead SET body = ?2, hash = ?3, kind = ?4, urgency = ?5, warnings = ?6 WHERE id = ?1", err,
	    "lbhiit", row->id, row->body, row->hash, (int)row->kind, (int)row->urgency, row->warnings);

	return rc < 0 ? rc : sq_touched(s, "lead", err);
}

static int
lead_get(struct cs_store *st, int64_t id, struct cs_arena *a, struct cs_lead_row *out, struct cs_err *err)
{
	sqlite3_stmt *stmt;
	int rc = sq_first(sq_of(st), SQ_LEAD_GET, "SELECT " LEAD_COLUMNS ", l.body FROM lead l WHERE id = ?1",
			  &stmt, err, "l", id);

	return sq_one(rc, stmt, read_lead, a, out, "lead", err);
}

static int
lead_find(struct cs_store *st, const uint8_t event_id[16], struct cs_arena *a, struct cs_lead_row *out,
	  int max, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	sqlite3_stmt *stmt;
	int64_t key;
	int rc;

	if ((rc = sq_identity_key(s, event_id, &key, err)) < 0)
		return rc;
	rc = sq_first(
	    s, SQ_LEAD_FIND,
	    "SELECT " LEAD_COLUMNS ", l.body FROM lead l WHERE l.event_id = ?1 AND l.id IN (SELECT lead_id"
	    " FROM identity_key WHERE key = ?3 UNION SELECT lead_id FROM identity"
	    " WHERE lead_id > (SELECT merged FROM run) AND event_id = ?1) ORDER BY l.id DESC LIMIT ?2",
	    &stmt, err, "uil", event_id, max, key);

	return sq_fill(s, rc, stmt, read_lead, a, out, sizeof(*out), max, err);
}

static int
list_all(struct sq *s, int64_t below, int max, sqlite3_stmt **st, struct cs_err *err)
{
	return sq_first(s, SQ_LEAD_LIST,
			"SELECT " LEAD_COLUMNS " FROM lead l WHERE l.id < ?1 ORDER BY l.id DESC LIMIT ?2", st,
			err, "li", below, max);
}

/* The narrow identities are walked; the wide rows are read only for what is shown. */
static int
list_account(struct sq *s, const char *account, int64_t below, int max, sqlite3_stmt **st, struct cs_err *err)
{
	return sq_first(s, SQ_LEAD_LIST_ACCOUNT,
			"SELECT " LEAD_COLUMNS " FROM identity i CROSS JOIN lead l ON l.id = i.lead_id"
			" WHERE i.lead_id < ?1 AND i.account = ?3 ORDER BY i.lead_id DESC LIMIT ?2",
			st, err, "lit", below, max, account);
}

static int
lead_list(struct cs_store *st, const char *account, int64_t before_id, struct cs_arena *a,
	  struct cs_lead_row *out, int max, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	int64_t below = before_id > 0 ? before_id : INT64_MAX;
	sqlite3_stmt *stmt;
	int rc;

	sq_arm(s);
	rc = account == NULL ? list_all(s, below, max, &stmt, err)
			     : list_account(s, account, below, max, &stmt, err);
	rc = sq_fill(s, rc, stmt, read_head, a, out, sizeof(*out), max, err);
	sq_disarm(s);
	return rc;
}

void
sq_ops_lead(struct cs_store_ops *ops)
{
	ops->lead_insert = lead_insert;
	ops->lead_update = lead_update;
	ops->lead_get = lead_get;
	ops->lead_find = lead_find;
	ops->lead_list = lead_list;
}
