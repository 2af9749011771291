/* SPDX-License-Identifier: Apache-2.0 */
/*
 * private.h - what the files of the SQLite engine share; nobody outside core/store/sqlite includes it (but its own tests).
 *
 * One struct sq is one handle of one thread: a connection to the database with its prepared statements. The writer handle
 * holds the lock file; readers come from ops->reader, or from read_only for a command beside a daemon that is down.
 *
 * A write is only possible between begin and commit. An error after which SQLite may have undone the transaction on its own
 * (disk full, input/output, memory) is remembered in tx_error: every later write and the commit fail with it, so that half
 * a batch can never be committed. An input/output error makes the handle `broken` for ever: after a failed fsync the kernel
 * may have dropped the pages, and a later success would be a lie.
 *
 * Names with sq_ are shared by these files only.
 */
#ifndef CS_STORE_SQLITE_INT_H
#define CS_STORE_SQLITE_INT_H

#include <sqlite3.h>
#include "store/store.h"
#include "util/map.h"

/* Every statement that is kept prepared. The text stands where it is used. */
enum sq_slot {
	SQ_BEGIN, SQ_COMMIT, SQ_ROLLBACK,
	SQ_RUN_GET, SQ_RUN_BEGIN, SQ_RUN_END, SQ_FLOOR_PUT, SQ_BACK_FRESH, SQ_BACK_TAKEN, SQ_IN_HAND,
	SQ_MERGED_GET, SQ_MERGED_PUT, SQ_SECRET_OF_STORE, SQ_IDENTITY_GET, SQ_IDENTITY_RECENT, SQ_IDENTITY_PUT, SQ_IDENTITY_LOAD, SQ_IDENTITY_CHECK, SQ_KEY_MERGE, SQ_KEY_MERGE_REAL,
	SQ_LEAD_MAX, SQ_LEAD_INSERT, SQ_LEAD_UPDATE, SQ_LEAD_GET, SQ_LEAD_FIND,
	SQ_LEAD_LIST, SQ_LEAD_LIST_ACCOUNT,
	SQ_DELIVERY_INSERT, SQ_DELIVERY_BLANK, SQ_DELIVERY_SETTLE, SQ_DELIVERY_PEERS, SQ_DELIVERY_GET, SQ_DELIVERY_OF_LEAD, SQ_DELIVERY_EXISTS, SQ_EXPIRED,
	SQ_TAKE_IDS, SQ_TAKE_WORK, SQ_TAKE_MARK, SQ_TAKE_LEFT, SQ_TAKE_EARLIEST, SQ_BACKLOGS, SQ_SHAPE, SQ_SHAPE_CRM,
	SQ_PROGRESS_PUT, SQ_PROGRESS_DELETE, SQ_PROGRESS_GET, SQ_ATTEMPT_PUT, SQ_ATTEMPT_NEXT, SQ_ATTEMPT_LIST, SQ_RECORD_PUT, SQ_RECORD_FIND,
	SQ_CALLER_PUT, SQ_CALLER_LIST,
	SQ_CONN_INSERT, SQ_CONN_UPDATE, SQ_CONN_KEYS, SQ_CONN_STATE, SQ_CONN_FACTS, SQ_CONN_WAITING, SQ_CONN_DELETE,
	SQ_CONN_GET, SQ_CONN_PUBLIC, SQ_CONN_NAME, SQ_CONN_ACCOUNT, SQ_CONN_LIST, SQ_CONN_BY_FACT,
	SQ_FACTS_DROP, SQ_FACTS_FILL,
	SQ_CONN_ORPHAN, SQ_CONN_ORPHAN_FRESH, SQ_CONN_ORPHAN_DEAD, SQ_CONN_WRITE_VERSION, SQ_CONN_OLD_VERSIONS, SQ_CONN_VERSIONS, SQ_CONN_CHECKED, SQ_CONN_DUE_CHECKS,
	SQ_TROUBLE_PUT, SQ_TROUBLE_DROP, SQ_CONN_COUNT,
	SQ_SECRET_PUT, SQ_SECRET_GET, SQ_SECRET_LIST, SQ_SECRET_DELETE, SQ_SECRET_DELETE_ALL, SQ_SECRET_BUMP, SQ_SECRET_WALK, SQ_SECRET_RESEAL,
	SQ_TOKEN_PUT, SQ_TOKEN_GET, SQ_TOKEN_DUE, SQ_FLOW_PUT, SQ_FLOW_STATE, SQ_FLOW_TICKET, SQ_FLOW_DELETE, SQ_FLOW_SWEEP,
	SQ_CONN_UNCLAIMED, SQ_LINK_INSERT, SQ_LINK_UPDATE, SQ_LINK_FIND, SQ_LINK_GET, SQ_LINK_LIST, SQ_LINK_SWEEP, SQ_LINK_END,
	SQ_LINK_END_FLOWS, SQ_LINK_END_SESSIONS, SQ_LINK_SESSION_INSERT, SQ_LINK_SESSION_UPDATE, SQ_LINK_SESSION_FIND,
	SQ_LINK_SESSION_GET, SQ_LINK_SESSIONS_OVER, SQ_LINK_SESSION_DELETE,
	SQ_HOOK_SEEN, SQ_HOOK_SEEN_UNDO, SQ_HOOK_INSERT, SQ_HOOK_TURNS, SQ_HOOK_DUE, SQ_HOOK_RETRY, SQ_HOOK_DONE,
	SQ_HOOK_CONN, SQ_TURN_JOIN, SQ_TURN_NEXT, SQ_TURN_LEAVE, SQ_TURN_LATER, SQ_CURSOR_PUT, SQ_CURSOR_GET,
	SQ_KEY_INSERT, SQ_KEY_UPDATE, SQ_KEY_FIND, SQ_KEY_LIST, SQ_KEY_DELETE, SQ_KEY_USED,
	SQ_REPLAY_INSERT, SQ_REPLAY_UPDATE, SQ_REPLAY_GET, SQ_REPLAY_MARK, SQ_REPLAY_BACK,
	SQ_ALERT_PUT, SQ_ALERT_LIST, SQ_META_GET, SQ_META_PUT,
	SQ_MAIL_PUT, SQ_MAIL_DUE, SQ_MAIL_RETRY, SQ_MAIL_DELETE, SQ_MAIL_COUNT, SQ_LATE_PUT, SQ_LATE_LIST, SQ_LATE_DELETE,
	SQ_KEEP_FIND, SQ_KEEP_LEAD, SQ_KEEP_DELIVERY, SQ_KEEP_ATTEMPT, SQ_KEEP_PROGRESS, SQ_KEEP_RECORD,
	SQ_KEEP_OLD, SQ_KEEP_EVENT, SQ_KEEP_IDENTITY, SQ_KEEP_KEY, SQ_KEEP_HOOK, SQ_KEEP_CALLER,
	SQ_SLOTS
};

/* Shared by the writer and the readers that came from it. */
struct sq_shared {
	_Atomic int refs;
	_Atomic int wal_pages; /* in the log after the last commit */
	_Atomic int wal_moved; /* of these by the last checkpoint */
	char *uri;             /* what sqlite3_open_v2 is given */
	bool in_memory;
};

/* Identities whose keys are not in their table yet (sqlite/table/identity.c); of the writer, but for the secret. */
struct sq_merge_row {
	int64_t key, lead_id;
};
struct sq_identities {
	struct cs_map recent, merging; /* hash of the identity -> its lead's id */
	size_t most;                   /* so many recent ones begin a merge */
	uint64_t *added;               /* to recent, in this transaction */
	size_t n_added, cap_added;
	struct sq_merge_row *rows;     /* of recent, in order of their leads; those of this transaction at the end */
	size_t n_rows, cap_rows;
	struct sq_merge_row *order;    /* of the merge under way; NULL: none */
	size_t n, sorted, at, at_kept; /* done with; as of the last commit */
	bool has_gaps;                 /* retention took one whose key is not in the table */
	int64_t merged, upto;          /* leads whose keys are in the table; will be when this merge ends */
	uint8_t secret[16];
	bool has_secret;
	uint64_t absent;               /* this one was looked up last and is nowhere; 0: none */
	uint8_t absent_event[16];
};

/* Connections by account (sqlite/table/accounts.c); of the writer. */
struct sq_accounts {
	struct cs_map by_name; /* hash of the account -> struct account */
	struct cs_arena mem;
	bool stale;            /* a connection changed in this transaction */
};

struct sq {
	struct cs_store base;
	sqlite3 *db;
	struct sq_shared *shared;
	sqlite3_stmt *stmt[SQ_SLOTS];
	struct cs_map moves;   /* delivery_move: what is set -> statement */
	bool is_writer;        /* holds the lock; may write */
	bool is_file_ro;       /* opened read-only: cannot run a checkpoint either */
	int lock_fd;
	char *path;

	bool in_tx, broken;
	int tx_error;          /* CS_E* that spoiled this transaction */
	int64_t epoch, epoch_kept; /* of this run; as last committed */
	struct sq_identities identities;
	struct sq_accounts accounts;
	int64_t next_lead;     /* 0: not known yet */
	int64_t fresh_lead;    /* inserted in this transaction and without a delivery so far; 0: none */

	int64_t min_free, room_looked_ms; /* of room() */
	bool room_low;
	int64_t read_us;       /* time limit of one read */
	int64_t deadline_us;   /* of the read under way; 0: none */

	struct cs_arena texts; /* what conn_put filled in; until the next one */
	int64_t lead_sweep, identity_sweep; /* retention goes on behind these leads */
};

static inline struct sq *
sq_of(struct cs_store *st)
{
	return (struct sq *)(void *)st;
}

/* ---- errors and statements (sqlite/stmt.c) */

/* Turn the handle's last error into a CS_E* and a message; spoils the transaction where SQLite may have undone it. */
int sq_fail(struct sq *s, int rc, struct cs_err *err);
/* 0 when this handle may write now. */
int sq_writable(struct sq *s, struct cs_err *err);
/* The statement of a slot, prepared at first use. */
int sq_prepare(struct sq *s, enum sq_slot slot, const char *sql, sqlite3_stmt **out, struct cs_err *err);
/*
 * Arguments of a statement, one letter each: i int, l int64_t, t text (NULL: ""), n text or NULL, b struct cs_bytes,
 * u 16 bytes, h 32 bytes. They are not copied: valid until the statement is reset.
 */
/* Run a statement that changes something. */
int sq_exec(struct sq *s, enum sq_slot slot, const char *sql, struct cs_err *err, const char *types, ...);
/* First row of a query: 1 (read it, then sq_next or sq_reset), 0 none, or CS_E*. */
int sq_first(struct sq *s, enum sq_slot slot, const char *sql, sqlite3_stmt **st, struct cs_err *err, const char *types, ...);
int sq_next(struct sq *s, sqlite3_stmt *st, struct cs_err *err);
void sq_reset(sqlite3_stmt *st); /* NULL is fine */
/* Go on from sq_first's result `rc`: read at most max rows into an array, then reset. Returns the count. */
typedef void (*sq_read_fn)(sqlite3_stmt *st, struct cs_arena *a, void *row);
int sq_fill(struct sq *s, int rc, sqlite3_stmt *st, sq_read_fn read, struct cs_arena *a, void *out, size_t size, int max,
            struct cs_err *err);
/* One row by sq_first's result: 0, or CS_ENOTFOUND with "no such WHAT". */
int sq_one(int rc, sqlite3_stmt *st, sq_read_fn read, struct cs_arena *a, void *out, const char *what, struct cs_err *err);
/* CS_ENOTFOUND unless the last change touched a row. */
int sq_touched(struct sq *s, const char *what, struct cs_err *err);
/* A column as text in the arena (never NULL), as bytes with a NUL behind, or as exactly n bytes (zeroes where shorter). */
const char *sq_text(sqlite3_stmt *st, int col, struct cs_arena *a);
struct cs_bytes sq_bytes(sqlite3_stmt *st, int col, struct cs_arena *a);
void sq_blob(sqlite3_stmt *st, int col, uint8_t *out, size_t n);
/* Start the clock of a long read; CS_ELIMIT when it has run out. sq_disarm ends it. */
void sq_arm(struct sq *s);
void sq_disarm(struct sq *s);
int sq_late(const struct sq *s, struct cs_err *err);
void sq_finalize_all(struct sq *s);

/* ---- opening (sqlite.c, sqlite/lock.c) */
int sq_lock(const char *path, int *fd, struct cs_err *err);
void sq_unlock(int fd);

/* ---- rows that more than one file reads */
/* id .. email_key: the numbers, then reason, records, warnings, then where it should go. */
#define SQ_DELIVERY_OWN "d.id, d.conn_id, d.state, d.created_ms, d.lane, d.urgency, d.epoch, d.gen, d.due_ms, d.expires_ms," \
	" d.attempts, d.crashes, d.doubt, d.wait_since_ms, d.blame, d.done_ms, d.replay_id, d.phone_key, d.email_key," \
	" d.reason, d.records, d.warnings"
#define SQ_DELIVERY_COLUMNS SQ_DELIVERY_OWN ", coalesce(nullif(d.crm, ''), c.crm, ''), coalesce(nullif(d.account, '')," \
	" nullif(c.account, '*'), (SELECT account FROM lead WHERE id = d.id >> 8), '')," \
	" coalesce(nullif(d.crm_account_id, ''), c.crm_account_id, '')"
#define SQ_DELIVERY_FROM " FROM delivery d LEFT JOIN conn c ON c.id = d.conn_id "
#define SQ_DELIVERY_N 25
void sq_read_delivery(sqlite3_stmt *st, struct cs_arena *a, void *row);
/* One delivery by id; what the walks of sqlite/table/list.c use as well. */
int sq_delivery_get(struct cs_store *st, int64_t id, struct cs_arena *a, struct cs_delivery_row *out, struct cs_err *err);
/* The number for one more delivery of the lead; CS_EEXIST when it has one for this connection. `but`: not this row. */
int sq_delivery_peers(struct sq *s, int64_t lead_id, int64_t conn_id, int64_t but, int64_t *next, struct cs_err *err);
/* 1: the account has sent this event id, 0: not. Writer only. */
int sq_identity_seen(struct sq *s, const uint8_t event_id[16], const char *account, struct cs_err *err);
/* The hash of an event id in this store, as identity_key has it. */
int sq_identity_key(struct sq *s, const uint8_t event_id[16], int64_t *key, struct cs_err *err);
/* The identity of a lead that was inserted, directly after sq_identity_seen has not found it. */
int sq_identity_add(struct sq *s, int64_t lead_id, const struct cs_lead_row *row, struct cs_err *err);
/* With a transaction: a piece of the merge before it is committed, and what its end means. */
int sq_identity_step(struct sq *s, struct cs_err *err);
/* Retention takes this one. */
void sq_identity_gone(struct sq *s, int64_t lead_id);
void sq_identity_committed(struct sq *s);
void sq_identity_rolled_back(struct sq *s);
int sq_identity_open(struct sq *s, struct cs_err *err);
void sq_identity_close(struct sq *s);
/*
 * What `read` says of an account, from memory where it is known. Its texts are in `mem`, or live until the transaction ends.
 * Whoever changes a connection sets accounts.stale.
 */
typedef int (*sq_account_fn)(struct sq *s, const char *account, struct cs_arena *mem, struct cs_conn_row *out, int max, struct cs_err *err);
int sq_accounts_get(struct sq *s, const char *account, struct cs_arena *mem, struct cs_conn_row *out, int max, sq_account_fn read,
                    struct cs_err *err);
void sq_accounts_init(struct sq_accounts *a);
void sq_accounts_begin(struct sq_accounts *a);
void sq_accounts_fini(struct sq_accounts *a);
/* With conn_put: what the connection is from now on joins its history. */
int sq_conn_write_version(struct sq *s, int64_t id, const char *who, int64_t at_ms, struct cs_err *err);
/* Connections count their changes; secrets are among them. */
int sq_secrets_drop(struct sq *s, int64_t conn_id, struct cs_err *err);

/* ---- each file puts its operations in the table */
void sq_ops_tx(struct cs_store_ops *ops);
void sq_ops_identity(struct cs_store_ops *ops);
void sq_ops_lead(struct cs_store_ops *ops);
void sq_ops_delivery(struct cs_store_ops *ops);
void sq_ops_move(struct cs_store_ops *ops);
void sq_ops_list(struct cs_store_ops *ops);
void sq_ops_attempt(struct cs_store_ops *ops);
void sq_ops_conn(struct cs_store_ops *ops);
void sq_ops_conn_life(struct cs_store_ops *ops);
void sq_ops_secret(struct cs_store_ops *ops);
void sq_ops_token(struct cs_store_ops *ops);
void sq_ops_link(struct cs_store_ops *ops);
void sq_ops_hook(struct cs_store_ops *ops);
void sq_ops_misc(struct cs_store_ops *ops);
void sq_ops_mail(struct cs_store_ops *ops);
void sq_ops_keep(struct cs_store_ops *ops);
void sq_ops_check(struct cs_store_ops *ops);
void sq_ops_checkpoint(struct cs_store_ops *ops);

#endif
