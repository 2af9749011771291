/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delivery.c - deliveries: inserting, getting, taking.
 *
 * A row in hand that was never due is CS_IN_HAND and lies above the floor, in no index. Whatever comes into
 * hand later is CS_TAKEN and in the index of these, wherever it lies: so a move to CS_IN_HAND leaves a fresh
 * row fresh and takes others.
 */
#include "config.h"
#include "store/sqlite/private.h"

#include <string.h>

#define PER_LEAD   255 /* ids of a lead: lead << 8 | 1 to 255 */
#define COUNT_MOST 256 /* how far delivery_take counts what it leaves */

void
sq_read_delivery(sqlite3_stmt *st, struct cs_arena *a, void *row)
{
	struct cs_delivery_row *d = row;

	d->id = sqlite3_column_int64(st, 0);
	d->lead_id = d->id >> 8;
	d->conn_id = sqlite3_column_int64(st, 1);
	d->state = (enum cs_state)sqlite3_column_int(st, 2);
	d->created_ms = sqlite3_column_int64(st, 3);
	d->lane = (enum cs_lane)sqlite3_column_int(st, 4);
	d->urgency = sqlite3_column_int(st, 5);
	d->epoch = sqlite3_column_int64(st, 6);
	d->gen = sqlite3_column_int64(st, 7);
	d->due_ms = sqlite3_column_int64(st, 8);
	d->expires_ms = sqlite3_column_int64(st, 9);
	d->attempts = sqlite3_column_int(st, 10);
	d->crashes = sqlite3_column_int(st, 11);
	d->doubt = sqlite3_column_int(st, 12) != 0;
	d->wait_since_ms = sqlite3_column_int64(st, 13);
	d->blame = (enum cs_blame)sqlite3_column_int(st, 14);
	d->done_ms = sqlite3_column_int64(st, 15);
	d->replay_id = sqlite3_column_int64(st, 16);
	d->phone_key = (uint64_t)sqlite3_column_int64(st, 17);
	d->email_key = (uint64_t)sqlite3_column_int64(st, 18);
	d->reason = sq_text(st, 19, a);
	d->records = sq_text(st, 20, a);
	d->warnings = sq_text(st, 21, a);
	d->crm = sq_text(st, 22, a);
	d->account = sq_text(st, 23, a);
	d->crm_account_id = sq_text(st, 24, a);
}

/* ---- insert */

int
sq_delivery_peers(struct sq *s, int64_t lead_id, int64_t conn_id, int64_t but, int64_t *next, struct cs_err *err)
{
	int64_t last = lead_id << 8;
	sqlite3_stmt *st;
	int rc;

	rc = sq_first(s, SQ_DELIVERY_PEERS,
		      "SELECT id, conn_id FROM delivery WHERE id BETWEEN ?1 AND ?1 + 255 ORDER BY id", &st,
		      err, "l", lead_id << 8);
	for (; rc == 1; rc = sq_next(s, st, err)) {
		last = sqlite3_column_int64(st, 0);
		if (conn_id == 0 || sqlite3_column_int64(st, 1) != conn_id || last == but)
			continue;
		sq_reset(st);
		return cs_err_set(err, CS_EEXIST, "the lead has a delivery into this connection");
	}
	*next = last + 1;
	return rc;
}

static bool
is_empty(const char *text)
{
	return text == NULL || text[0] == '\0';
}

/* Nothing has happened to it yet: most rows come so. */
static bool
is_blank(const struct cs_delivery_row *row)
{
	return (row->state == CS_IN_HAND || row->state == CS_DUE) && row->gen == 0 && row->attempts == 0 && row->crashes == 0 &&
	       !row->doubt && row->wait_since_ms == 0 && row->blame == CS_BLAME_NONE && row->done_ms == 0 &&
	       row->replay_id == 0 && is_empty(row->crm_account_id) && is_empty(row->reason) && is_empty(row->records) &&
	       is_empty(row->warnings);
}

#define INSERT_DELIVERY                                                                                              \
	"INSERT INTO delivery (id, conn_id, state, created_ms, lane, urgency, epoch, due_ms, expires_ms, phone_key," \
	" email_key, crm, account, gen, attempts, crashes, doubt, wait_since_ms, blame, done_ms, replay_id,"         \
	" crm_account_id, reason, records, warnings, shelf) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11,"   \
	" ?12, ?13, "

static int
insert_blank(struct sq *s, int64_t id, const struct cs_delivery_row *row, struct cs_err *err)
{
	return sq_exec(s, SQ_DELIVERY_BLANK,
		       INSERT_DELIVERY "0, 0, 0, 0, 0, 0, 0, 0, '', '', '', '', iif(?3 = 0, 0, NULL))", err,
		       "lliliillllltt", id, row->conn_id, (int)row->state, row->created_ms, (int)row->lane,
		       (int)row->urgency, row->epoch, row->due_ms, row->expires_ms, (int64_t)row->phone_key,
		       (int64_t)row->email_key, row->crm, row->account);
}

static int
insert_full(struct sq *s, int64_t id, const struct cs_delivery_row *row, struct cs_err *err)
{
	return sq_exec(s, SQ_DELIVERY_INSERT,
		       INSERT_DELIVERY "?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25,"
				       " iif(?3 IN (0, 2, 4) OR ?21 > 0, ?3, NULL))",
		       err, "lliliilllllttliiililltttt", id, row->conn_id, (int)row->state, row->created_ms, (int)row->lane,
		       (int)row->urgency, row->epoch, row->due_ms, row->expires_ms, (int64_t)row->phone_key,
		       (int64_t)row->email_key, row->crm, row->account, row->gen, (int)row->attempts,
		       (int)row->crashes, (int)row->doubt, row->wait_since_ms, (int)row->blame, row->done_ms,
		       row->replay_id, row->crm_account_id, row->reason, row->records, row->warnings);
}

static int
delivery_insert(struct cs_store *st, struct cs_delivery_row *row, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	int64_t id = row->lead_id << 8 | 1;
	int rc;

	if ((rc = sq_writable(s, err)) < 0)
		return rc;
	if (row->lead_id != s->fresh_lead &&
	    (rc = sq_delivery_peers(s, row->lead_id, row->conn_id, 0, &id, err)) < 0)
		return rc;
	if (id > (row->lead_id << 8 | PER_LEAD))
		return cs_err_set(err, CS_ELIMIT, "a lead goes to at most %d connections", PER_LEAD);
	if (row->epoch == 0 && (CS_STATE_BIT(row->state) & CS_STATES_IN_HAND) != 0)
		row->epoch = s->epoch;
	rc = is_blank(row) ? insert_blank(s, id, row, err) : insert_full(s, id, row, err);
	if (rc < 0)
		return rc;
	row->id = id;
	if (row->lead_id == s->fresh_lead)
		s->fresh_lead = 0;
	return 0;
}

/* ---- get */

int
sq_delivery_get(struct cs_store *st, int64_t id, struct cs_arena *a, struct cs_delivery_row *out,
		struct cs_err *err)
{
	sqlite3_stmt *stmt;
	int rc =
	    sq_first(sq_of(st), SQ_DELIVERY_GET,
		     "SELECT " SQ_DELIVERY_COLUMNS SQ_DELIVERY_FROM "WHERE d.id = ?1", &stmt, err, "l", id);

	return sq_one(rc, stmt, sq_read_delivery, a, out, "delivery", err);
}

static int
deliveries_of_lead(struct cs_store *st, int64_t lead_id, struct cs_arena *a, struct cs_delivery_row *out,
		   int max, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	sqlite3_stmt *stmt;
	int rc = sq_first(s, SQ_DELIVERY_OF_LEAD,
			  "SELECT " SQ_DELIVERY_COLUMNS SQ_DELIVERY_FROM
			  "WHERE d.id BETWEEN ?1 AND ?1 + 255 ORDER BY d.id LIMIT ?2",
			  &stmt, err, "li", lead_id << 8, max);

	return sq_fill(s, rc, stmt, sq_read_delivery, a, out, sizeof(*out), max, err);
}

static int
expired(struct cs_store *st, int64_t now_ms, struct cs_arena *a, struct cs_delivery_row *out, int max,
	struct cs_err *err)
{
	struct sq *s = sq_of(st);
	sqlite3_stmt *stmt;
	int rc = sq_first(
	    s, SQ_EXPIRED,
	    "SELECT " SQ_DELIVERY_COLUMNS " FROM delivery d INDEXED BY delivery_expires"
	    " LEFT JOIN conn c ON c.id = d.conn_id WHERE d.shelf = 0 AND d.expires_ms BETWEEN 1 AND ?1"
	    " ORDER BY d.expires_ms LIMIT ?2",
	    &stmt, err, "li", now_ms, max);

	return sq_fill(s, rc, stmt, sq_read_delivery, a, out, sizeof(*out), max, err);
}

/* ---- take */

static int
take_ids(struct sq *s, int64_t conn_id, enum cs_lane lane, int64_t now_ms, int max, int64_t *ids,
	 struct cs_err *err)
{
	sqlite3_stmt *st;
	int n = 0, rc;

	rc = sq_first(
	    s, SQ_TAKE_IDS,
	    "SELECT id FROM delivery INDEXED BY delivery_due WHERE shelf = 0 AND conn_id = ?1 AND lane = ?2"
	    " AND due_ms <= ?3 ORDER BY due_ms LIMIT ?4",
	    &st, err, "lili", conn_id, (int)lane, now_ms, max);
	for (; rc == 1; rc = sq_next(s, st, err))
		ids[n++] = sqlite3_column_int64(st, 0);
	return rc < 0 ? rc : n;
}

static void
read_work(sqlite3_stmt *st, struct cs_arena *a, void *row)
{
	struct cs_work *w = row;

	sq_read_delivery(st, a, &w->d);
	w->lead.id = w->d.lead_id;
	sq_blob(st, 25, w->lead.event_id, sizeof(w->lead.event_id));
	sq_blob(st, 26, w->lead.hash, sizeof(w->lead.hash));
	w->lead.account = sq_text(st, 27, a);
	w->lead.event = sq_text(st, 28, a);
	w->lead.kind = (enum cs_lead_kind)sqlite3_column_int(st, 29);
	w->lead.urgency = sqlite3_column_int(st, 30);
	w->lead.received_ms = sqlite3_column_int64(st, 31);
	w->lead.warnings = sq_text(st, 32, a);
	w->lead.body = sq_bytes(st, 33, a);
	w->progress = sq_text(st, 34, a);
}

/* A row whose lead is missing is handed out with an empty body: it must not stop those behind it for ever. */
static int
take_one(struct sq *s, int64_t id, int64_t epoch, struct cs_arena *a, struct cs_work *out, struct cs_err *err)
{
	sqlite3_stmt *st;
	int rc;

	rc = sq_first(
	    s, SQ_TAKE_WORK,
	    "SELECT " SQ_DELIVERY_OWN
	    ", d.crm, d.account, d.crm_account_id, l.event_id, l.hash, l.account, l.event,"
	    " l.kind, l.urgency, l.received_ms, l.warnings, l.body, p.json FROM delivery d"
	    " LEFT JOIN lead l ON l.id = d.id >> 8 LEFT JOIN progress p ON p.delivery_id = d.id WHERE d.id = ?1",
	    &st, err, "l", id);
	if ((rc = sq_one(rc, st, read_work, a, out, "delivery", err)) < 0)
		return rc;
	rc =
	    sq_exec(s, SQ_TAKE_MARK, "UPDATE delivery SET state = 2, shelf = 2, gen = gen + 1, epoch = ?2 WHERE id = ?1",
		    err, "ll", id, epoch);
	if (rc < 0)
		return rc;
	out->d.state = CS_TAKEN;
	out->d.epoch = epoch;
	out->d.gen++;
	return 0;
}

static int
look_at_rest(struct sq *s, int64_t conn_id, enum cs_lane lane, struct cs_backlog *left, struct cs_err *err)
{
	sqlite3_stmt *st;
	int rc;

	*left = (struct cs_backlog){ .conn_id = conn_id, .lane = lane };
	rc = sq_first(s, SQ_TAKE_LEFT,
		      "SELECT count(*), min(due_ms) FROM (SELECT due_ms FROM delivery INDEXED BY delivery_due"
		      " WHERE shelf = 0 AND conn_id = ?1 AND lane = ?2 ORDER BY due_ms LIMIT ?3)",
		      &st, err, "lii", conn_id, (int)lane, COUNT_MOST);
	if (rc == 1) {
		left->count = sqlite3_column_int64(st, 0);
		left->earliest_due_ms = sqlite3_column_int64(st, 1);
	}
	sq_reset(st);
	return rc < 0 ? rc : 0;
}

/* left->count is exact below COUNT_MOST; counting a backlog of a million at every refill would cost more than
 * the refill. */
static int
delivery_take(struct cs_store *st, int64_t conn_id, enum cs_lane lane, int64_t epoch, int64_t now_ms, int max,
	      size_t max_bytes, struct cs_arena *a, struct cs_work *out, struct cs_backlog *left,
	      struct cs_err *err)
{
	struct sq *s = sq_of(st);
	int64_t ids[256];
	size_t bytes = 0;
	int n, rc, taken = 0;

	if ((rc = sq_writable(s, err)) < 0)
		return rc;
	max = max > (int)CS_ARRAY_LEN(ids) ? (int)CS_ARRAY_LEN(ids) : max;
	if ((n = take_ids(s, conn_id, lane, now_ms, max, ids, err)) < 0)
		return n;
	while (taken < n && (taken == 0 || bytes <= max_bytes)) {
		if ((rc = take_one(s, ids[taken], epoch, a, &out[taken], err)) < 0)
			return rc;
		bytes += out[taken++].lead.body.len;
	}
	rc = look_at_rest(s, conn_id, lane, left, err);
	return rc < 0 ? rc : taken;
}

void
sq_ops_delivery(struct cs_store_ops *ops)
{
	ops->delivery_insert = delivery_insert;
	ops->delivery_get = sq_delivery_get;
	ops->deliveries_of_lead = deliveries_of_lead;
	ops->delivery_take = delivery_take;
	ops->expired = expired;
}
