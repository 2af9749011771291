/* SPDX-License-Identifier: Apache-2.0 */
/*
 * move.c - deliveries: moving.
 *
 * Each transition is one UPDATE guarded by id, generation and state. Since many columns may go with it, its
 * text is made from what the caller sets and kept by that: few combinations occur, and columns that are not
 * set cost nothing.
 *
 * The commonest has a statement of its own: a fresh row in hand is delivered at the first try. It names no
 * column that an index knows (schema.c), so it opens none, and does two thirds of the work.
 */
#include "config.h"
#include "store/sqlite/private.h"

static const struct {
	uint32_t bit;
	const char *column;
} columns[] = {
	{ CS_SET_REPLAY, "replay_id" },	  { CS_SET_LANE, "lane" },	    { CS_SET_CONN, "conn_id" },
	{ CS_SET_DUE, "due_ms" },	  { CS_SET_EXPIRES, "expires_ms" }, { CS_SET_WAIT, "wait_since_ms" },
	{ CS_SET_DONE, "done_ms" },	  { CS_SET_ATTEMPTS, "attempts" },  { CS_SET_CRASHES, "crashes" },
	{ CS_SET_DOUBT, "doubt" },	  { CS_SET_BLAME, "blame" },	    { CS_SET_REASON, "reason" },
	{ CS_SET_RECORDS, "records" },	  { CS_SET_WARNINGS, "warnings" },
};

static int
bind_column(sqlite3_stmt *st, int at, uint32_t bit, const struct cs_move *m)
{
	const char *text = bit == CS_SET_REASON	   ? m->reason
			   : bit == CS_SET_RECORDS ? m->records
						   : m->warnings;

	switch (bit) {
	case CS_SET_LANE:
		return sqlite3_bind_int(st, at, (int)m->lane);
	case CS_SET_CONN:
		return sqlite3_bind_int64(st, at, m->conn_id);
	case CS_SET_DUE:
		return sqlite3_bind_int64(st, at, m->due_ms);
	case CS_SET_EXPIRES:
		return sqlite3_bind_int64(st, at, m->expires_ms);
	case CS_SET_WAIT:
		return sqlite3_bind_int64(st, at, m->wait_since_ms);
	case CS_SET_DONE:
		return sqlite3_bind_int64(st, at, m->done_ms);
	case CS_SET_REPLAY:
		return sqlite3_bind_int64(st, at, m->replay_id);
	case CS_SET_ATTEMPTS:
		return sqlite3_bind_int(st, at, m->attempts);
	case CS_SET_CRASHES:
		return sqlite3_bind_int(st, at, m->crashes);
	case CS_SET_DOUBT:
		return sqlite3_bind_int(st, at, m->doubt);
	case CS_SET_BLAME:
		return sqlite3_bind_int(st, at, (int)m->blame);
	default:
		return sqlite3_bind_text(st, at, text == NULL ? "" : text, -1, SQLITE_STATIC);
	}
}

static bool
is_in_hand(enum cs_state state)
{
	return (CS_STATE_BIT(state) & CS_STATES_IN_HAND) != 0;
}

/* ?1 id, ?2 gen, ?3 states allowed, ?4 new state, ?5 epoch, then the columns, the replay first of all. */
static void
move_sql(const struct cs_move *m, struct cs_buf *sql)
{
	const char *replay = (m->set & CS_SET_REPLAY) != 0 ? "?6" : "replay_id";
	int at = 6;

	if (m->to == CS_IN_HAND) /* a fresh row stays fresh */
		cs_buf_printf(sql, "UPDATE delivery SET state = iif(state = 1, 1, 2), shelf = iif(state <> 1, 2, iif(%s > 0, 1, NULL))",
		              replay);
	else
		cs_buf_printf(sql, "UPDATE delivery SET state = ?4, shelf = iif(?4 IN (0, 2, 4) OR %s > 0, ?4, NULL)", replay);
	cs_buf_adds(sql, ", gen = gen + 1");
	if (is_in_hand(m->to))
		cs_buf_adds(sql, ", epoch = ?5");
	for (size_t i = 0; i < CS_ARRAY_LEN(columns); i++)
		if ((m->set & columns[i].bit) != 0)
			cs_buf_printf(sql, ", %s = ?%d", columns[i].column, at++);
	if ((m->set & CS_SET_CONN) != 0) /* from now on: as the connection */
		cs_buf_adds(sql, ", crm = '', crm_account_id = ''");
	cs_buf_adds(sql, " WHERE id = ?1 AND (?2 < 0 OR gen = ?2) AND ((1 << state) & ?3) <> 0");
}

static int
move_stmt(struct sq *s, const struct cs_move *m, sqlite3_stmt **st, struct cs_err *err)
{
	uint64_t key = (uint64_t)m->set << 2 | (m->to == CS_IN_HAND ? 2U : is_in_hand(m->to) ? 1U : 0U);
	CS_CLEANUP(cs_buf_fini) struct cs_buf sql = CS_BUF_INIT(0);
	int rc;

	if ((*st = cs_map_get(&s->moves, key)) != NULL)
		return 0;
	move_sql(m, &sql);
	rc = sqlite3_prepare_v3(s->db, cs_buf_str(&sql), -1, SQLITE_PREPARE_PERSISTENT, st, NULL);
	if (rc != SQLITE_OK)
		return sq_fail(s, rc, err);
	cs_map_put(&s->moves, key, *st);
	return 0;
}

static int
bind_move(struct sq *s, sqlite3_stmt *st, const struct cs_move *m, struct cs_err *err)
{
	int at = 6, rc = SQLITE_OK;

	sqlite3_bind_int64(st, 1, m->id);
	sqlite3_bind_int64(st, 2, m->gen);
	sqlite3_bind_int64(st, 3, m->from);
	sqlite3_bind_int(st, 4, (int)m->to);
	if (is_in_hand(m->to))
		sqlite3_bind_int64(st, 5, s->epoch);
	for (size_t i = 0; i < CS_ARRAY_LEN(columns) && rc == SQLITE_OK; i++)
		if ((m->set & columns[i].bit) != 0)
			rc = bind_column(st, at++, columns[i].bit, m);
	return rc == SQLITE_OK ? 0 : sq_fail(s, rc, err);
}

/* ---- a fresh row that is delivered */

#define SETTLED                                                                                             \
	(CS_SET_ATTEMPTS | CS_SET_WAIT | CS_SET_BLAME | CS_SET_DOUBT | CS_SET_REASON | CS_SET_CRASHES | CS_SET_DONE | \
	 CS_SET_RECORDS | CS_SET_WARNINGS)

static bool
is_settling(const struct cs_move *m)
{
	return m->to == CS_DELIVERED && m->set == SETTLED && m->gen >= 0 && (m->from & CS_STATE_BIT(CS_IN_HAND)) != 0 &&
	       !m->doubt && m->crashes == 0 && m->wait_since_ms == 0 && m->blame == CS_BLAME_NONE &&
	       (m->reason == NULL || m->reason[0] == '\0');
}

/* 1: done, 0: it is another kind of row. */
static int
settle(struct sq *s, const struct cs_move *m, struct cs_err *err)
{
	int rc = sq_exec(s, SQ_DELIVERY_SETTLE,
			 "UPDATE delivery SET state = 3, gen = gen + 1, crashes = 0, wait_since_ms = 0, blame = 0, reason = '',"
			 " attempts = ?3, done_ms = ?4, records = ?5, warnings = ?6"
			 " WHERE id = ?1 AND gen = ?2 AND state = 1 AND shelf IS NULL AND doubt = 0",
			 err, "lliltt", m->id, m->gen, (int)m->attempts, m->done_ms, m->records, m->warnings);

	return rc < 0 ? rc : sqlite3_changes(s->db) > 0;
}

/* ---- the operation */

static int
why_not_moved(struct sq *s, int64_t id, struct cs_err *err)
{
	sqlite3_stmt *st;
	int rc =
	    sq_first(s, SQ_DELIVERY_EXISTS, "SELECT state FROM delivery WHERE id = ?1", &st, err, "l", id);

	if (rc < 0)
		return rc;
	if (rc == 0)
		return cs_err_set(err, CS_ENOTFOUND, "no such delivery");
	cs_err_set(err, CS_ESTATE, "the delivery has moved on: it is %s by now",
		   cs_state_name((enum cs_state)sqlite3_column_int(st, 0)));
	sq_reset(st);
	return CS_ESTATE;
}

static int
delivery_move(struct cs_store *st, const struct cs_move *m, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	sqlite3_stmt *stmt;
	int64_t next;
	int rc;

	if ((rc = sq_writable(s, err)) < 0)
		return rc;
	if (is_settling(m) && (rc = settle(s, m, err)) != 0)
		return rc < 0 ? rc : 0;
	if ((m->set & CS_SET_CONN) != 0 &&
	    (rc = sq_delivery_peers(s, m->id >> 8, m->conn_id, m->id, &next, err)) < 0)
		return rc;
	if ((rc = move_stmt(s, m, &stmt, err)) < 0 || (rc = bind_move(s, stmt, m, err)) < 0 ||
	    (rc = sq_next(s, stmt, err)) < 0)
		return rc;
	return sqlite3_changes(s->db) > 0 ? 0 : why_not_moved(s, m->id, err);
}

void
sq_ops_move(struct cs_store_ops *ops)
{
	ops->delivery_move = delivery_move;
}
