/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema.c - the tables, as numbered steps.
 *
 * A step is never edited once released: a change is a new step. user_version in the file's header counts the steps done,
 * application_id says that the file is ours.
 *
 * Shape, by measurement: bodies lie apart from the narrow delivery rows that are rewritten at every transition. What waits
 * is in partial indexes, so rows at rest cost nothing: `due` holds what taking, the backlog and the queue's shape need
 * without a look at the rows; `expires` and `taken_dead` hold little. Fresh rows in hand are in no index at all, but an
 * INSERT opens each index all the same: hence one for what is taken and what is dead. What the indexes see of a row's state
 * is `shelf`: the state where the row is in one of them (due, taken, dead, or ever replayed), else NULL. So the statement
 * that marks a fresh row as delivered changes no column of any index, and SQLite opens none. There is none on the lead of a
 * delivery either: its id is lead << 8 | number. Identities are narrow rows in order of their leads, appended to at the end
 * and walked in place of the wide leads; identity_key finds them by a hash of the event id, and is complete up to run.merged
 * (sqlite/table/identity.c).
 */
#include "config.h"
#include "store/sqlite/schema.h"

#include <stdio.h>

static const char leads_and_deliveries[] =
    "CREATE TABLE run (one INTEGER PRIMARY KEY CHECK (one = 1), epoch INTEGER NOT NULL, clean INTEGER NOT NULL,"
    " floor INTEGER NOT NULL, merged INTEGER NOT NULL, secret BLOB NOT NULL) STRICT;"
    "INSERT INTO run VALUES (1, 0, 1, 0, 0, randomblob(16));"
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE identity (lead_id INTEGER PRIMARY KEY, received_ms INTEGER NOT NULL, account TEXT NOT NULL,"
    " event_id BLOB NOT NULL, hash BLOB NOT NULL) STRICT;"
    "CREATE TABLE identity_key (key INTEGER NOT NULL, lead_id INTEGER NOT NULL,"
    " PRIMARY KEY (key, lead_id)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE lead (id INTEGER PRIMARY KEY, received_ms INTEGER NOT NULL, kind INTEGER NOT NULL,"
    " urgency INTEGER NOT NULL, event_id BLOB NOT NULL, account TEXT NOT NULL, event TEXT NOT NULL, hash BLOB NOT NULL,"
    " warnings TEXT NOT NULL, body BLOB NOT NULL) STRICT;"
    "CREATE TABLE delivery (id INTEGER PRIMARY KEY, conn_id INTEGER NOT NULL, state INTEGER NOT NULL,"
    " created_ms INTEGER NOT NULL, lane INTEGER NOT NULL, urgency INTEGER NOT NULL, epoch INTEGER NOT NULL,"
    " gen INTEGER NOT NULL, due_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, attempts INTEGER NOT NULL,"
    " crashes INTEGER NOT NULL, doubt INTEGER NOT NULL, wait_since_ms INTEGER NOT NULL, blame INTEGER NOT NULL,"
    " done_ms INTEGER NOT NULL, replay_id INTEGER NOT NULL, phone_key INTEGER NOT NULL, email_key INTEGER NOT NULL,"
    " crm TEXT NOT NULL, account TEXT NOT NULL, crm_account_id TEXT NOT NULL, reason TEXT NOT NULL,"
    " records TEXT NOT NULL, warnings TEXT NOT NULL, shelf INTEGER) STRICT;"
    "CREATE INDEX delivery_due ON delivery (conn_id, lane, due_ms, created_ms) WHERE shelf = 0;"
    "CREATE INDEX delivery_expires ON delivery (expires_ms) WHERE shelf = 0;"
    "CREATE INDEX delivery_doubt ON delivery (id) WHERE shelf = 0 AND doubt <> 0;"
    "CREATE INDEX delivery_taken_dead ON delivery (shelf, conn_id) WHERE shelf = 2 OR shelf = 4;"
    "CREATE INDEX delivery_replay ON delivery (replay_id, shelf) WHERE replay_id > 0;";

static const char what_attempts_leave[] =
    "CREATE TABLE progress (delivery_id INTEGER PRIMARY KEY, json TEXT NOT NULL) STRICT;"
    "CREATE TABLE attempt (id INTEGER PRIMARY KEY, number INTEGER NOT NULL, started_ms INTEGER NOT NULL,"
    " ended_ms INTEGER NOT NULL, outcome INTEGER NOT NULL, blame INTEGER NOT NULL, status INTEGER NOT NULL,"
    " versions TEXT NOT NULL, reason TEXT NOT NULL, exchanges TEXT NOT NULL) STRICT;"
    "CREATE TABLE record (conn_id INTEGER NOT NULL, type TEXT NOT NULL, remote_id TEXT NOT NULL,"
    " delivery_id INTEGER NOT NULL, PRIMARY KEY (conn_id, type, remote_id)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX record_delivery ON record (delivery_id);"
    "CREATE TABLE caller (conn_id INTEGER NOT NULL, key INTEGER NOT NULL, step TEXT NOT NULL, at_ms INTEGER NOT NULL,"
    " value TEXT NOT NULL, PRIMARY KEY (conn_id, key, step)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX caller_at ON caller (at_ms);";

static const char connections_and_secrets[] =
    "CREATE TABLE conn (id INTEGER PRIMARY KEY AUTOINCREMENT, public_id TEXT NOT NULL UNIQUE, name TEXT NOT NULL,"
    " account TEXT NOT NULL, crm TEXT NOT NULL, crm_account_id TEXT NOT NULL, label TEXT NOT NULL,"
    " state INTEGER NOT NULL, state_reason TEXT NOT NULL, state_since_ms INTEGER NOT NULL, is_static INTEGER NOT NULL,"
    " subscribe INTEGER NOT NULL, timezone TEXT NOT NULL, version INTEGER NOT NULL, settings TEXT NOT NULL,"
    " overrides TEXT NOT NULL, facts TEXT NOT NULL, contacts TEXT NOT NULL,"
    " check_ms INTEGER NOT NULL, checked_ms INTEGER NOT NULL DEFAULT 0, checked TEXT NOT NULL DEFAULT '') STRICT;"
    "CREATE INDEX conn_account ON conn (account);"
    "CREATE INDEX conn_check ON conn (check_ms) WHERE check_ms > 0;"
    "CREATE INDEX conn_pending ON conn (state_since_ms) WHERE state = 3;"
    "CREATE INDEX conn_name ON conn (name) WHERE name <> '';"
    "CREATE UNIQUE INDEX conn_static ON conn (crm, name) WHERE is_static <> 0;"
    "CREATE TABLE conn_fact (crm TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, conn_id INTEGER NOT NULL,"
    " PRIMARY KEY (crm, name, value, conn_id)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX conn_fact_conn ON conn_fact (conn_id);"
    "CREATE TABLE conn_version (conn_id INTEGER NOT NULL, version INTEGER NOT NULL, at_ms INTEGER NOT NULL, who TEXT NOT NULL,"
    " settings TEXT NOT NULL, overrides TEXT NOT NULL, PRIMARY KEY (conn_id, version)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE conn_trouble (conn_id INTEGER NOT NULL, cause TEXT NOT NULL, since_ms INTEGER NOT NULL, text TEXT NOT NULL,"
    " PRIMARY KEY (conn_id, cause)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE secret (owner TEXT NOT NULL, name TEXT NOT NULL, sealed BLOB NOT NULL,"
    " PRIMARY KEY (owner, name)) STRICT, WITHOUT ROWID;";

static const char tokens_and_authorizations[] =
    "CREATE TABLE token (conn_id INTEGER PRIMARY KEY, gen INTEGER NOT NULL, expires_ms INTEGER NOT NULL,"
    " renew_ms INTEGER NOT NULL, keep_ms INTEGER NOT NULL, idle_ms INTEGER NOT NULL, intent_ms INTEGER NOT NULL,"
    " for_conn INTEGER NOT NULL, remote_id TEXT NOT NULL, remote_name TEXT NOT NULL) STRICT;"
    "CREATE INDEX token_keep ON token (keep_ms) WHERE keep_ms > 0;"
    "CREATE TABLE flow (ticket BLOB PRIMARY KEY, state BLOB NOT NULL, browser BLOB NOT NULL, verifier BLOB NOT NULL,"
    " crm TEXT NOT NULL, way TEXT NOT NULL, conn_id INTEGER NOT NULL, session_id INTEGER NOT NULL,"
    " expires_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE INDEX flow_state ON flow (state);"
    "CREATE INDEX flow_session ON flow (session_id) WHERE session_id > 0;"
    "CREATE TABLE link (id INTEGER PRIMARY KEY AUTOINCREMENT, hash BLOB NOT NULL UNIQUE, state INTEGER NOT NULL,"
    " any_crm INTEGER NOT NULL, conn_id INTEGER NOT NULL, created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL,"
    " last_ms INTEGER NOT NULL, life_ms INTEGER NOT NULL, openings INTEGER NOT NULL, account TEXT NOT NULL, crm TEXT NOT NULL,"
    " who TEXT NOT NULL) STRICT;"
    "CREATE INDEX link_last ON link (last_ms);"
    "CREATE TABLE link_session (id INTEGER PRIMARY KEY AUTOINCREMENT, hash BLOB NOT NULL UNIQUE, link_id INTEGER NOT NULL,"
    " has_won INTEGER NOT NULL, conn_id INTEGER NOT NULL, expires_ms INTEGER NOT NULL, crm TEXT NOT NULL) STRICT;"
    "CREATE INDEX link_session_link ON link_session (link_id);"
    "CREATE INDEX link_session_expires ON link_session (expires_ms);";

static const char hooks_and_cursors[] =
    "CREATE TABLE hook_seen (dedupe BLOB NOT NULL, crm TEXT NOT NULL, conn_id INTEGER NOT NULL,"
    " received_ms INTEGER NOT NULL, PRIMARY KEY (dedupe, crm, conn_id)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX hook_seen_received ON hook_seen (received_ms);"
    "CREATE TABLE hook (id INTEGER PRIMARY KEY AUTOINCREMENT, conn_id INTEGER NOT NULL, received_ms INTEGER NOT NULL,"
    " due_ms INTEGER NOT NULL, attempts INTEGER NOT NULL, is_verified INTEGER NOT NULL, crm TEXT NOT NULL,"
    " dedupe BLOB NOT NULL, headers TEXT NOT NULL, body BLOB NOT NULL) STRICT;"
    "CREATE INDEX hook_line ON hook (conn_id, due_ms);"
    "CREATE TABLE hook_turn (conn_id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL) STRICT;"
    "CREATE INDEX hook_turn_at ON hook_turn (at_ms);"
    "CREATE TABLE cursor (conn_id INTEGER PRIMARY KEY, next_poll_ms INTEGER NOT NULL, value BLOB NOT NULL) STRICT;";

static const char keys_replays_and_alerts[] =
    "CREATE TABLE key (id INTEGER PRIMARY KEY AUTOINCREMENT, hash BLOB NOT NULL UNIQUE, created_ms INTEGER NOT NULL,"
    " last_used_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, name TEXT NOT NULL, scopes TEXT NOT NULL,"
    " accounts TEXT NOT NULL) STRICT;"
    "CREATE TABLE replay (id INTEGER PRIMARY KEY AUTOINCREMENT, created_ms INTEGER NOT NULL, canceled INTEGER NOT NULL,"
    " filter TEXT NOT NULL) STRICT;"
    "CREATE TABLE alert (key TEXT PRIMARY KEY, raised_ms INTEGER NOT NULL, recovered_ms INTEGER NOT NULL,"
    " count INTEGER NOT NULL, text TEXT NOT NULL) STRICT, WITHOUT ROWID;";

/* late: emergencies that are not in their CRM yet, as far as is known; see core/mail/emergency.h. */
static const char mail_and_emergencies[] =
    "CREATE TABLE late (delivery_id INTEGER PRIMARY KEY, since_ms INTEGER NOT NULL) STRICT;"
    "CREATE INDEX late_since ON late (since_ms);"
    "CREATE TABLE mail (id INTEGER PRIMARY KEY AUTOINCREMENT, created_ms INTEGER NOT NULL, due_ms INTEGER NOT NULL,"
    " attempts INTEGER NOT NULL, kind INTEGER NOT NULL, recipient TEXT NOT NULL, subject TEXT NOT NULL, body TEXT NOT NULL) STRICT;"
    "CREATE INDEX mail_due ON mail (due_ms);";

static const char *const steps[] = {
	leads_and_deliveries, what_attempts_leave, connections_and_secrets, hooks_and_cursors, keys_replays_and_alerts,
	tokens_and_authorizations, mail_and_emergencies,
};

int
cs_schema_latest(void)
{
	return (int)CS_ARRAY_LEN(steps);
}

static int
fail(sqlite3 *db, struct cs_err *err)
{
	int code = sqlite3_errcode(db) & 0xff;

	return cs_err_set(err, code == SQLITE_FULL ? CS_EFULL : code == SQLITE_NOTADB || code == SQLITE_CORRUPT ? CS_ECORRUPT
	                                                                                              : CS_EIO,
	                  "could not prepare the store's tables: %s", sqlite3_errmsg(db));
}

static int
number(sqlite3 *db, const char *sql, int *out, struct cs_err *err)
{
	sqlite3_stmt *st;
	int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);

	if (rc == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW)
		*out = sqlite3_column_int(st, 0);
	if (rc == SQLITE_OK)
		rc = sqlite3_finalize(st);
	return rc == SQLITE_OK ? 0 : fail(db, err);
}

/* What the file is: its format, or an error for a file that is not ours or too new. */
static int
examine(sqlite3 *db, int *version, struct cs_err *err)
{
	int app = 0, tables = 0, rc;

	*version = 0;
	if ((rc = number(db, "PRAGMA application_id", &app, err)) < 0 ||
	    (rc = number(db, "PRAGMA user_version", version, err)) < 0 ||
	    (rc = number(db, "SELECT count(*) FROM sqlite_schema", &tables, err)) < 0)
		return rc;
	if (app != CS_SCHEMA_APPLICATION_ID && (app != 0 || *version != 0 || tables != 0))
		return cs_err_set(err, CS_ECORRUPT, "the file is a database of another program");
	if (*version > cs_schema_latest()) {
		cs_err_set(err, CS_EUNSUPPORTED, "the store has format %d, this csrelay knows up to %d", *version,
		           cs_schema_latest());
		cs_err_hint(err, "run the newer csrelay that wrote it");
		return CS_EUNSUPPORTED;
	}
	return 0;
}

static int
run_step(sqlite3 *db, int step, struct cs_err *err)
{
	char mark[128];
	int rc;

	snprintf(mark, sizeof(mark), "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT", CS_SCHEMA_APPLICATION_ID,
	         step);
	if (sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK &&
	    sqlite3_exec(db, steps[step - 1], NULL, NULL, NULL) == SQLITE_OK &&
	    sqlite3_exec(db, mark, NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	rc = fail(db, err);
	sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}

int
cs_schema_migrate(sqlite3 *db, int to, struct cs_err *err)
{
	int version, rc;

	if ((rc = examine(db, &version, err)) < 0)
		return rc;
	for (int step = version + 1; step <= to; step++)
		if ((rc = run_step(db, step, err)) < 0)
			return rc;
	return 0;
}

int
cs_schema_check(sqlite3 *db, struct cs_err *err)
{
	int version, rc;

	if ((rc = examine(db, &version, err)) < 0)
		return rc;
	if (version == cs_schema_latest())
		return 0;
	cs_err_set(err, CS_EUNSUPPORTED, "the store has format %d, this csrelay reads format %d", version, cs_schema_latest());
	cs_err_hint(err, "start csrelayd once: it brings the store up to date");
	return CS_EUNSUPPORTED;
}
