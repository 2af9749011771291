/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conn.c - connections.
 *
 * Facts are kept as the JSON text that was given, and once more as rows of conn_fact (crm, name, value), made
 * from the text by SQLite's own JSON functions whenever it changes: inbound hooks of all tenants come to one
 * URL and are routed by a fact. Only scalar facts can be found so.
 */
#include "config.h"
#include "store/sqlite/private.h"
#include "util/text.h"

#include <stdio.h>
#include <string.h>

#define CONN_COLUMNS                                                                                                \
	"id, public_id, name, account, crm, crm_account_id, label, state, state_reason, state_since_ms, is_static," \
	" subscribe, settings, overrides, facts, timezone, version, contacts, check_ms," \
	" checked_ms, checked," \
	" coalesce((SELECT text FROM conn_trouble t WHERE t.conn_id = conn.id ORDER BY since_ms LIMIT 1), '')," \
	" coalesce((SELECT min(since_ms) FROM conn_trouble t WHERE t.conn_id = conn.id), 0)"

static void
read_conn(sqlite3_stmt *st, struct cs_arena *a, void *row)
{
	struct cs_conn_row *c = row;

	c->id = sqlite3_column_int64(st, 0);
	c->public_id = sq_text(st, 1, a);
	c->name = sq_text(st, 2, a);
	c->account = sq_text(st, 3, a);
	c->crm = sq_text(st, 4, a);
	c->crm_account_id = sq_text(st, 5, a);
	c->label = sq_text(st, 6, a);
	c->state = (enum cs_conn_state)sqlite3_column_int(st, 7);
	c->state_reason = sq_text(st, 8, a);
	c->state_since_ms = sqlite3_column_int64(st, 9);
	c->is_static = sqlite3_column_int(st, 10) != 0;
	c->subscribe = (uint32_t)sqlite3_column_int64(st, 11);
	c->settings = sq_text(st, 12, a);
	c->overrides = sq_text(st, 13, a);
	c->facts = sq_text(st, 14, a);
	c->timezone = sq_text(st, 15, a);
	c->version = sqlite3_column_int64(st, 16);
	c->contacts = sq_text(st, 17, a);
	c->check_ms = sqlite3_column_int64(st, 18);
	c->changed_by = "";
	c->changed_ms = 0;
	c->checked_ms = sqlite3_column_int64(st, 19);
	c->checked = sq_text(st, 20, a);
	c->trouble = sq_text(st, 21, a);
	c->trouble_since_ms = sqlite3_column_int64(st, 22);
}

static int
index_facts(struct sq *s, int64_t id, struct cs_err *err)
{
	int rc = sq_exec(s, SQ_FACTS_DROP, "DELETE FROM conn_fact WHERE conn_id = ?1", err, "l", id);

	if (rc < 0)
		return rc;
	return sq_exec(
	    s, SQ_FACTS_FILL,
	    "INSERT OR IGNORE INTO conn_fact (crm, name, value, conn_id) SELECT c.crm, f.key, CAST(f.atom AS TEXT), c.id"
	    " FROM conn c, json_each(CASE WHEN json_valid(c.facts) THEN c.facts ELSE '{}' END) f"
	    " WHERE c.id = ?1 AND f.atom IS NOT NULL AND f.key IS NOT NULL",
	    err, "l", id);
}

/* ---- put */

/* "conn_" and 24 hex digits */
static void
make_public_id(char out[32])
{
	struct cs_buf b = CS_BUF_INIT(30);
	uint8_t raw[12];

	cs_random_bytes(raw, sizeof(raw));
	cs_buf_adds(&b, "conn_");
	cs_hex_add(&b, raw, sizeof(raw));
	memcpy(out, b.ptr, b.len + 1);
	cs_buf_fini(&b);
}

static int
insert(struct sq *s, struct cs_conn_row *row, const char *public_id, struct cs_err *err)
{
	int rc = sq_exec(
	    s, SQ_CONN_INSERT,
	    "INSERT INTO conn (public_id, name, account, crm, crm_account_id, label, state, state_reason,"
	    " state_since_ms, is_static, subscribe, settings, overrides, facts, timezone, contacts, check_ms, version)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, 1)",
	    err, "ttttttitliltttttl", public_id, row->name, row->account, row->crm, row->crm_account_id,
	    row->label, (int)row->state, row->state_reason, row->state_since_ms, (int)row->is_static,
	    (int64_t)row->subscribe, row->settings, row->overrides, row->facts, row->timezone, row->contacts, row->check_ms);

	if (rc == 0)
		row->id = sqlite3_last_insert_rowid(s->db);
	return rc;
}

/* A text that is NULL stays what it was. */
static int
update(struct sq *s, const struct cs_conn_row *row, struct cs_err *err)
{
	int rc = sq_exec(
	    s, SQ_CONN_UPDATE,
	    "UPDATE conn SET public_id = coalesce(?1, public_id), name = coalesce(?2, name),"
	    " account = coalesce(?3, account), crm = coalesce(?4, crm),"
	    " crm_account_id = coalesce(?5, crm_account_id), label = coalesce(?6, label), state = ?7,"
	    " state_reason = coalesce(?8, state_reason), state_since_ms = ?9, is_static = ?10, subscribe = ?11,"
	    " version = version + (settings <> coalesce(?12, settings) OR overrides <> coalesce(?13, overrides)),"
	    " settings = coalesce(?12, settings), overrides = coalesce(?13, overrides), facts = coalesce(?14, facts),"
	    " timezone = coalesce(?15, timezone), contacts = coalesce(?17, contacts) WHERE id = ?16",
	    err, "nnnnnninlilnnnnln", row->public_id, row->name, row->account, row->crm, row->crm_account_id,
	    row->label, (int)row->state, row->state_reason, row->state_since_ms, (int)row->is_static,
	    (int64_t)row->subscribe, row->settings, row->overrides, row->facts, row->timezone, row->id, row->contacts);

	return rc < 0 ? rc : sq_touched(s, "connection", err);
}

static int
read_keys(struct sq *s, struct cs_conn_row *row, struct cs_err *err)
{
	sqlite3_stmt *st;
	int rc = sq_first(s, SQ_CONN_KEYS, "SELECT public_id, version FROM conn WHERE id = ?1", &st, err, "l",
			  row->id);

	if (rc == 1) {
		if (row->public_id == NULL)
			row->public_id = sq_text(st, 0, &s->texts);
		row->version = sqlite3_column_int64(st, 1);
	}
	sq_reset(st);
	return rc < 0 ? rc : 0;
}

static int
conn_put(struct cs_store *st, struct cs_conn_row *row, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	char made[32];
	struct cs_conn_row before = { .id = row->id, .public_id = "" };
	int rc;

	if ((rc = sq_writable(s, err)) < 0)
		return rc;
	s->accounts.stale = true;
	if (row->id == 0) {
		make_public_id(made);
		rc = insert(s, row, row->public_id != NULL ? row->public_id : made, err);
	} else if ((rc = read_keys(s, &before, err)) == 0) {
		rc = update(s, row, err);
	}
	if (rc == CS_EEXIST)
		return cs_err_set(err, CS_EEXIST, "there is a connection of this name or id already");
	if (rc < 0 || (rc = index_facts(s, row->id, err)) < 0)
		return rc;
	cs_arena_reset(&s->texts);
	if ((rc = read_keys(s, row, err)) < 0 || row->version == before.version)
		return rc;
	return sq_conn_write_version(s, row->id, row->changed_by, row->changed_ms, err);
}

static int
conn_state(struct cs_store *st, int64_t id, enum cs_conn_state state, const char *reason, int64_t now_ms,
	   struct cs_err *err)
{
	struct sq *s = sq_of(st);
	int rc;

	s->accounts.stale = true;
	rc = sq_exec(
	    s, SQ_CONN_STATE,
	    "UPDATE conn SET state_since_ms = iif(state = ?2, state_since_ms, ?4), state = ?2, state_reason = ?3"
	    " WHERE id = ?1",
	    err, "litl", id, (int)state, reason, now_ms);

	return rc < 0 ? rc : sq_touched(s, "connection", err);
}

static int
conn_facts(struct cs_store *st, int64_t id, const char *facts, const char *timezone, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	int rc;

	s->accounts.stale = true;
	rc = sq_exec(
	    s, SQ_CONN_FACTS,
	    "UPDATE conn SET facts = coalesce(?2, facts), timezone = coalesce(?3, timezone) WHERE id = ?1",
	    err, "lnn", id, facts, timezone);

	if (rc < 0 || (rc = sq_touched(s, "connection", err)) < 0)
		return rc;
	return index_facts(s, id, err);
}

/* Its rows in the tables that know it by its number. Deliveries, their attempts and leads stay: they are history; the dedupe
 * keys of its hooks go with retention. */
static int
drop_what_hangs_on_it(struct sq *s, int64_t id, struct cs_err *err)
{
	static const char *const tables[] = { "conn_fact", "conn_version", "conn_trouble", "cursor", "token", "hook", "hook_turn", "caller",
		                              "record" };
	int rc = 0;

	for (size_t i = 0; i < CS_ARRAY_LEN(tables) && rc == 0; i++) {
		char sql[80];

		snprintf(sql, sizeof(sql), "DELETE FROM %s WHERE conn_id = %lld", tables[i], (long long)id);
		if (sqlite3_exec(s->db, sql, NULL, NULL, NULL) != SQLITE_OK)
			rc = sq_fail(s, sqlite3_errcode(s->db), err);
	}
	return rc < 0 ? rc : sq_secrets_drop(s, id, err);
}

/* What waits for it must have gone elsewhere first: nobody would ever take it. */
static int
conn_delete(struct cs_store *st, int64_t id, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	sqlite3_stmt *stmt;
	int rc;

	if ((rc = sq_writable(s, err)) < 0)
		return rc;
	s->accounts.stale = true;
	rc = sq_first(
	    s, SQ_CONN_WAITING,
	    "SELECT 1 FROM delivery INDEXED BY delivery_due WHERE shelf = 0 AND conn_id = ?1 LIMIT 1", &stmt,
	    err, "l", id);
	sq_reset(stmt);
	if (rc < 0)
		return rc;
	if (rc == 1)
		return cs_err_set(err, CS_ESTATE, "deliveries still wait for this connection");
	rc = sq_exec(s, SQ_CONN_DELETE, "DELETE FROM conn WHERE id = ?1", err, "l", id);
	if (rc < 0 || (rc = sq_touched(s, "connection", err)) < 0)
		return rc;
	return drop_what_hangs_on_it(s, id, err);
}

/* ---- get */

static int
conn_get(struct cs_store *st, int64_t id, struct cs_arena *a, struct cs_conn_row *out, struct cs_err *err)
{
	sqlite3_stmt *stmt;
	int rc = sq_first(sq_of(st), SQ_CONN_GET, "SELECT " CONN_COLUMNS " FROM conn WHERE id = ?1", &stmt,
			  err, "l", id);

	return sq_one(rc, stmt, read_conn, a, out, "connection", err);
}

/* A name is unique within its CRM only: "acme" where that is clear, else "hubspot/acme". */
static int
find_name(struct sq *s, const char *name, struct cs_arena *a, struct cs_conn_row *out, struct cs_err *err)
{
	const char *slash = strchr(name, '/');
	const char *crm = slash == NULL ? "" : cs_arena_strndup(a, name, (size_t)(slash - name));
	struct cs_conn_row found[2];
	sqlite3_stmt *st;
	int rc;

	rc = sq_first(s, SQ_CONN_NAME,
		      "SELECT " CONN_COLUMNS
		      " FROM conn WHERE name = ?1 AND name <> '' AND (?2 = '' OR crm = ?2)"
		      " ORDER BY id LIMIT 2",
		      &st, err, "tt", slash == NULL ? name : slash + 1, crm);
	rc = sq_fill(s, rc, st, read_conn, a, found, sizeof(found[0]), 2, err);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return cs_err_set(err, CS_ENOTFOUND, "no such connection");
	if (rc == 2) {
		cs_err_set(err, CS_ECONFLICT, "several connections have this name");
		cs_err_hint(err, "give CRM/NAME, or the id that begins with conn_");
		return CS_ECONFLICT;
	}
	*out = found[0];
	return 0;
}

static int
conn_find(struct cs_store *st, const char *public_id_or_name, struct cs_arena *a, struct cs_conn_row *out,
	  struct cs_err *err)
{
	struct sq *s = sq_of(st);
	sqlite3_stmt *stmt;
	int rc = sq_first(s, SQ_CONN_PUBLIC, "SELECT " CONN_COLUMNS " FROM conn WHERE public_id = ?1", &stmt,
			  err, "t", public_id_or_name);

	if (rc == 0)
		return find_name(s, public_id_or_name, a, out, err);
	return sq_one(rc, stmt, read_conn, a, out, "connection", err);
}

static int
of_account(struct sq *s, const char *account, struct cs_arena *a, struct cs_conn_row *out, int max,
	   struct cs_err *err)
{
	sqlite3_stmt *st;
	int rc = sq_first(s, SQ_CONN_ACCOUNT, "SELECT " CONN_COLUMNS " FROM conn WHERE account = ?1 LIMIT ?2",
			  &st, err, "ti", account, max);

	return sq_fill(s, rc, st, read_conn, a, out, sizeof(*out), max, err);
}

/* Two short look-ups cost half of one with IN. */
static int
of_account_and_all(struct sq *s, const char *account, struct cs_arena *a, struct cs_conn_row *out, int max,
		   struct cs_err *err)
{
	int n, more;

	if ((n = of_account(s, account, a, out, max, err)) < 0 || n == max || strcmp(account, "*") == 0)
		return n;
	if ((more = of_account(s, "*", a, out + n, max - n, err)) < 0)
		return more;
	return n + more;
}

static int
conn_of_account(struct cs_store *st, const char *account, struct cs_arena *a, struct cs_conn_row *out,
		int max, struct cs_err *err)
{
	return sq_accounts_get(sq_of(st), account, a, out, max, of_account_and_all, err);
}

static int
conn_list(struct cs_store *st, int64_t after_id, struct cs_arena *a, struct cs_conn_row *out, int max,
	  struct cs_err *err)
{
	struct sq *s = sq_of(st);
	sqlite3_stmt *stmt;
	int rc =
	    sq_first(s, SQ_CONN_LIST, "SELECT " CONN_COLUMNS " FROM conn WHERE id > ?1 ORDER BY id LIMIT ?2",
		     &stmt, err, "li", after_id, max);

	return sq_fill(s, rc, stmt, read_conn, a, out, sizeof(*out), max, err);
}

static int
conn_by_fact(struct cs_store *st, const char *crm, const char *fact, const char *value, struct cs_arena *a,
	     struct cs_conn_row *out, int max, struct cs_err *err)
{
	struct sq *s = sq_of(st);
	sqlite3_stmt *stmt;
	int rc = sq_first(s, SQ_CONN_BY_FACT,
			  "SELECT " CONN_COLUMNS
			  " FROM conn WHERE id IN (SELECT conn_id FROM conn_fact WHERE crm = ?1 AND name = ?2"
			  " AND value = ?3) ORDER BY id LIMIT ?4",
			  &stmt, err, "ttti", crm, fact, value, max);

	return sq_fill(s, rc, stmt, read_conn, a, out, sizeof(*out), max, err);
}

void
sq_ops_conn(struct cs_store_ops *ops)
{
	ops->conn_put = conn_put;
	ops->conn_state = conn_state;
	ops->conn_facts = conn_facts;
	ops->conn_delete = conn_delete;
	ops->conn_get = conn_get;
	ops->conn_find = conn_find;
	ops->conn_of_account = conn_of_account;
	ops->conn_list = conn_list;
	ops->conn_by_fact = conn_by_fact;
}
