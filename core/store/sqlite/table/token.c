/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token.c - what is known of a connection's tokens (the tokens themselves are secrets), and authorizations under way.
 *
 * Rows with something to do by the clock (a refresh token to be kept alive, an open intent) are in a partial index, so an idle
 * connection costs nothing until its time has come.
 */
#include "config.h"
#include "store/sqlite/private.h"

/* ---- tokens */

#define TOKEN_COLUMNS "conn_id, gen, expires_ms, renew_ms, keep_ms, idle_ms, intent_ms, for_conn, remote_id, remote_name"

static int
token_put(struct cs_store *st, const struct cs_token_row *r, struct cs_err *err)
{
	return sq_exec(sq_of(st), SQ_TOKEN_PUT,
	               "INSERT OR REPLACE INTO token (" TOKEN_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)", err, "lllllllltt",
	               r->conn_id, r->gen, r->expires_ms, r->renew_ms, r->keep_ms, r->idle_ms, r->intent_ms, r->for_conn,
	               r->remote_id, r->remote_name);
}

static void
read_token(sqlite3_stmt *st, struct cs_arena *a, void *row)
{
	struct cs_token_row *r = row;

	r->conn_id = sqlite3_column_int64(st, 0);
	r->gen = sqlite3_column_int64(st, 1);
	r->expires_ms = sqlite3_column_int64(st, 2);
	r->renew_ms = sqlite3_column_int64(st, 3);
	r->keep_ms = sqlite3_column_int64(st, 4);
	r->idle_ms = sqlite3_column_int64(st, 5);
	r->intent_ms = sqlite3_column_int64(st, 6);
	r->for_conn = sqlite3_column_int64(st, 7);
	r->remote_id = sq_text(st, 8, a);
	r->remote_name = sq_text(st, 9, a);
}

static int
token_get(struct cs_store *st, int64_t conn_id, struct cs_arena *a, struct cs_token_row *out, struct cs_err *err)
{
	sqlite3_stmt *stmt;
	int rc = sq_first(sq_of(st), SQ_TOKEN_GET, "SELECT " TOKEN_COLUMNS " FROM token WHERE conn_id = ?1", &stmt, err, "l", conn_id);

	return sq_one(rc, stmt, read_token, a, out, "token", err);
}

static int
token_due(struct cs_store *st, int64_t now_ms, struct cs_arena *a, struct cs_token_row *out, int max, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	sqlite3_stmt *stmt;
	int rc = sq_first(s, SQ_TOKEN_DUE,
	                  "SELECT " TOKEN_COLUMNS " FROM token INDEXED BY token_keep WHERE keep_ms > 0 AND keep_ms <= ?1"
	                  " ORDER BY keep_ms LIMIT ?2",
	                  &stmt, err, "li", now_ms, max);

	return sq_fill(s, rc, stmt, read_token, a, out, sizeof(*out), max, err);
}

/* ---- authorizations under way */

#define FLOW_COLUMNS "ticket, state, browser, verifier, crm, way, conn_id, session_id, expires_ms"

static int
flow_put(struct cs_store *st, const struct cs_flow_row *r, struct cs_err *err)
{
	return sq_exec(sq_of(st), SQ_FLOW_PUT,
	               "INSERT OR REPLACE INTO flow (" FLOW_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)", err, "hhhbttlll", r->ticket,
	               r->state, r->browser, r->verifier, r->crm, r->way, r->conn_id, r->session_id, r->expires_ms);
}

static void
read_flow(sqlite3_stmt *st, struct cs_arena *a, void *row)
{
	struct cs_flow_row *r = row;

	sq_blob(st, 0, r->ticket, sizeof(r->ticket));
	sq_blob(st, 1, r->state, sizeof(r->state));
	sq_blob(st, 2, r->browser, sizeof(r->browser));
	r->verifier = sq_bytes(st, 3, a);
	r->crm = sq_text(st, 4, a);
	r->way = sq_text(st, 5, a);
	r->conn_id = sqlite3_column_int64(st, 6);
	r->session_id = sqlite3_column_int64(st, 7);
	r->expires_ms = sqlite3_column_int64(st, 8);
}

static int
flow_find(struct cs_store *st, const uint8_t hash[32], bool by_state, struct cs_arena *a, struct cs_flow_row *out, struct cs_err *err)
{
	sqlite3_stmt *stmt;
	int rc = by_state ? sq_first(sq_of(st), SQ_FLOW_STATE, "SELECT " FLOW_COLUMNS " FROM flow WHERE state = ?1", &stmt, err, "h", hash)
	                  : sq_first(sq_of(st), SQ_FLOW_TICKET, "SELECT " FLOW_COLUMNS " FROM flow WHERE ticket = ?1", &stmt, err, "h", hash);

	return sq_one(rc, stmt, read_flow, a, out, "authorization", err);
}

static int
flow_delete(struct cs_store *st, const uint8_t ticket[32], struct cs_err *err)
{
	struct sq *s = sq_of(st);
	int rc = sq_exec(s, SQ_FLOW_DELETE, "DELETE FROM flow WHERE ticket = ?1", err, "h", ticket);

	return rc < 0 ? rc : sq_touched(s, "authorization", err);
}

static int
flow_sweep(struct cs_store *st, int64_t now_ms, struct cs_err *err)
{
	return sq_exec(sq_of(st), SQ_FLOW_SWEEP, "DELETE FROM flow WHERE expires_ms < ?1", err, "l", now_ms);
}

void
sq_ops_token(struct cs_store_ops *ops)
{
	ops->token_put = token_put;
	ops->token_get = token_get;
	ops->token_due = token_due;
	ops->flow_put = flow_put;
	ops->flow_find = flow_find;
	ops->flow_delete = flow_delete;
	ops->flow_sweep = flow_sweep;
}
