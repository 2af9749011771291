/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.h - what survives a power cut, as operations that an engine implements (SQLite here; PostgreSQL later).
 *
 * Shape: one writer thread groups many operations in one transaction (begin, operations, commit); everything it was told is
 * durable when commit returns 0, and nothing of it is when it does not. Readers are separate handles with a time limit.
 * The store knows rows, states, generations and epochs; it does not know why a delivery moves (queue/) nor what is sent.
 *
 *   lead      one accepted event of the payload; id grows with time. Identity (account, event_id) lives in a table of its
 *             own and outlives it.
 *   delivery  one lead on its way into one connection; one row for ever. id = lead_id << 8 | number within the lead, so a lead's
 *             deliveries are found by range. Every transition is a guarded update (state, gen) that raises gen.
 *   epoch     one run of one daemon. A row in hand carries it: after an unclean stop the rows in hand of older epochs, and
 *             only those, may have reached the CRM. Fresh in-hand rows stand in no index; they are found by scanning from a
 *             floor id that the writer moves on (meta), taken ones by a small partial index.
 *
 * Texts given in are copied by the engine; texts handed out live in the arena that the caller gave. Errors: CS_EFULL (disk full:
 * the batch is to be rolled back and answered 503), CS_EIO (commit or disk fault: the process must stop without answering),
 * CS_ESTATE (guard failed), CS_ENOTFOUND, CS_EEXIST, CS_EBUSY (another daemon holds the store; err names its pid).
 */
#ifndef CS_STORE_STORE_H
#define CS_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cs/plugin_v1.h>
#include "util/err.h"
#include "util/mem.h"

enum cs_state { CS_DUE = 0, CS_IN_HAND = 1 /* fresh */, CS_TAKEN = 2 /* in hand from the backlog */, CS_DELIVERED = 3, CS_DEAD = 4,
	CS_DISCARDED = 5 /* by a person; or done by hand: see reason */ };
#define CS_STATE_BIT(s) (1u << (s))
#define CS_STATES_IN_HAND (CS_STATE_BIT(CS_IN_HAND) | CS_STATE_BIT(CS_TAKEN))
const char *cs_state_name(enum cs_state s);

enum cs_blame { CS_BLAME_NONE = 0, CS_BLAME_LEAD, CS_BLAME_CREDENTIAL, CS_BLAME_CONNECTION, CS_BLAME_CRM, CS_BLAME_US };
const char *cs_blame_name(enum cs_blame b);

/* Lanes of a connection, most urgent first. Replays stay below everything fresh. */
enum cs_lane { CS_LANE_EMERGENCY, CS_LANE_SAME_DAY, CS_LANE_SAME_WEEK, CS_LANE_FLEXIBLE, CS_LANE_LOW,
	CS_LANE_REPLAY_EMERGENCY, CS_LANE_REPLAY, CS_LANES };
const char *cs_lane_name(enum cs_lane l);

enum cs_lead_kind { CS_KIND_LEAD = 0, CS_KIND_UNQUALIFIED = 1, CS_KIND_EVENT = 2, CS_KIND_TEST = 4 /* made by csrelay: api/conn/test.c */, CS_KIND_INVALID = 3 /* kept although a
	required field is faulty */ };

enum cs_conn_state { CS_CONN_CONNECTED = 0, CS_CONN_NEEDS_REAUTH = 1, CS_CONN_PAUSED = 2,
	CS_CONN_PENDING = 3 /* made, not confirmed: nothing is routed to it */ };
#define CS_CONN_VERSIONS 100
const char *cs_conn_state_name(enum cs_conn_state s);
enum { CS_SUB_ROUTED = 1, CS_SUB_ALL = 2, CS_SUB_UNQUALIFIED = 4, CS_SUB_EVENTS = 8,
	CS_SUB_ALERTS = 16, CS_SUB_BRIDGE = 32 /* made by a bridge: a 410 of its target ends it */ };

/* "routed", "all" …: the bit of a word, 0 for none; the word of a bit, NULL. */
uint32_t cs_subscription(const char *word);
const char *cs_subscription_word(uint32_t bit);
#define CS_ALERTS_READ 1000 /* more alerts are not on at once */

struct cs_conn_row {
	int64_t id;                 /* 0 in conn_put: new */
	const char *public_id;      /* "conn_" + 24 hex; made by the store when new and NULL */
	const char *name;           /* unique per crm among static ones: "acme"; "" for dynamic */
	const char *account, *crm, *crm_account_id, *label;
	enum cs_conn_state state;
	const char *state_reason;   /* why it is paused or needs its owner; "" */
	int64_t state_since_ms;
	bool is_static;             /* from the configuration files */
	uint32_t subscribe;         /* CS_SUB_* */
	const char *settings, *overrides, *facts; /* JSON objects as text; "" for none */
	const char *timezone;       /* IANA; "" unknown */
	const char *contacts;       /* JSON array of mail addresses, told about emergencies that are stuck; "" for none */
	int64_t version;            /* raised by the store at every change of settings, overrides or secrets */
	int64_t check_ms;           /* when it is to be looked at next; 0: never. conn_put writes it for a new one only */
	/* For conn_put alone: who changes it, and when; they go into the history. NULL: "" */
	const char *changed_by;
	int64_t changed_ms;
	/* Read only; conn_checked and trouble_put write them. */
	int64_t checked_ms;         /* when it was looked at last; 0: never */
	const char *checked;        /* what that found, as JSON: see deliver/call/check.h; "" */
	const char *trouble;        /* the oldest reason why it is failing; "" */
	int64_t trouble_since_ms;
};

struct cs_conn_version {        /* settings and overrides as they were from at_ms on */
	int64_t version, at_ms;
	const char *who, *settings, *overrides;
};

struct cs_lead_row {
	int64_t id;                 /* out of lead_insert */
	uint8_t event_id[16];
	uint8_t hash[32];
	const char *account, *event;
	enum cs_lead_kind kind;
	int32_t urgency;            /* enum cs_urgency */
	int64_t received_ms;
	struct cs_bytes body;       /* the JSON as it came, or as a person fixed it */
	const char *warnings;       /* JSON array of {pointer, detail}; "" */
};

struct cs_delivery_row {
	int64_t id, lead_id, conn_id; /* conn_id 0: no connection is known for it (dead, blamed on the connection) */
	const char *crm, *account, *crm_account_id; /* where it should go; for rows with a connection "" means: as the connection */
	enum cs_state state;
	enum cs_lane lane;
	int32_t urgency;
	int64_t epoch, gen;
	int64_t due_ms;             /* of DUE: not before */
	int64_t expires_ms;         /* of DUE: the clock of its last retry; then it becomes a dead letter */
	int32_t attempts;           /* charged ones */
	int32_t crashes;            /* suspected of killing its plugin, in a row */
	bool doubt;                 /* some step may have happened without a receipt */
	int64_t wait_since_ms;      /* 0, or since when it has only been told to wait */
	enum cs_blame blame;
	const char *reason;         /* why it is dead, waiting or was retried last; "" */
	const char *records;        /* JSON array [{type,id,url}] once delivered; "" */
	const char *warnings;       /* of a delivered one; "" */
	int64_t created_ms, done_ms;
	int64_t replay_id;
	uint64_t phone_key, email_key;
};

/* What a taken delivery needs to be sent. Texts live in the arena. */
struct cs_work {
	struct cs_delivery_row d;
	struct cs_lead_row lead;    /* with body */
	const char *progress;       /* JSON {step: {"value":..} | {"doubt_ms":..}}; "" */
};

struct cs_backlog { /* what waits of one connection and lane */
	int64_t conn_id;
	enum cs_lane lane;
	int64_t count, earliest_due_ms;
};

/* A transition. Only fields whose bit is in `set` are written; state and gen+1 always. */
struct cs_move {
	int64_t id, gen;            /* the generation that is expected; -1: any */
	uint32_t from;              /* states allowed, CS_STATE_BIT or'ed */
	enum cs_state to;
	uint32_t set;
	enum cs_lane lane;
	int64_t conn_id, due_ms, expires_ms, wait_since_ms, done_ms, replay_id;
	int32_t attempts, crashes;
	bool doubt;
	enum cs_blame blame;
	const char *reason, *records, *warnings;
};
enum { CS_SET_LANE = 1, CS_SET_CONN = 2, CS_SET_DUE = 4, CS_SET_EXPIRES = 8, CS_SET_WAIT = 16, CS_SET_DONE = 32, CS_SET_REPLAY = 64,
	CS_SET_ATTEMPTS = 128, CS_SET_CRASHES = 256, CS_SET_DOUBT = 512, CS_SET_BLAME = 1024, CS_SET_REASON = 2048,
	CS_SET_RECORDS = 4096, CS_SET_WARNINGS = 8192 };

struct cs_attempt_row {
	int64_t delivery_id;
	int32_t number;
	int64_t started_ms, ended_ms;
	int32_t outcome;            /* CS_DONE ... */
	enum cs_blame blame;
	int32_t status;             /* of the last answer; 0 none */
	const char *reason;
	const char *exchanges;      /* JSON array: step, method, url, headers (masked), status, error body, times */
	const char *versions;       /* JSON: plugin, manifest, settings, secrets */
};

struct cs_caller_row { /* something known of a caller: a step and what it left */
	const char *step, *value;
};

struct cs_sealed_row {
	const char *owner, *name;
	struct cs_bytes sealed;
};

struct cs_hook_row { /* an inbound webhook or poll result on its way to handle_webhook */
	int64_t id;
	const char *crm;
	int64_t conn_id;
	uint8_t dedupe[32];         /* SHA-256 of what makes it the same happening */
	int64_t received_ms, due_ms;
	int32_t attempts;
	bool is_verified;
	const char *headers;        /* JSON object */
	struct cs_bytes body;
};

struct cs_key_row {
	int64_t id;
	const char *name;
	uint8_t hash[32];
	const char *scopes;         /* space-separated: "intake", "read", "admin" */
	const char *accounts;       /* space-separated; "" all */
	int64_t created_ms, last_used_ms, expires_ms; /* expires 0: never */
};

struct cs_replay_row {
	int64_t id, created_ms;
	const char *filter;         /* JSON as asked */
	int64_t total, waiting, delivered, dead; /* filled by replay_get from the deliveries */
	bool canceled;
};

struct cs_alert_row {
	const char *key;            /* "dead-letters/conn_…": what it is about */
	const char *text;
	int64_t raised_ms, recovered_ms; /* recovered 0: still on */
	int64_t count;
};

struct cs_token_row { /* of a connection that is authorized by OAuth; the tokens themselves are secrets */
	int64_t conn_id, gen;       /* gen: raised with each new access token */
	int64_t expires_ms;         /* of the access token; 0: until it is refused */
	int64_t renew_ms;           /* from then on it is renewed before it is used; 0: not by the clock */
	int64_t keep_ms;            /* something is to be done then without work for it: use the refresh token, or settle an intent; 0: nothing */
	int64_t idle_ms;            /* a refresh token lives so long unused; 0: it does not end */
	int64_t intent_ms;          /* since then a refresh may be under way whose answer is not known; 0: none */
	int64_t for_conn;           /* a new grant that waits to take the place of that connection's; 0: its own */
	const char *remote_id, *remote_name; /* who the CRM says that this is; "" unknown */
};

struct cs_flow_row { /* a person is on the way to the CRM's consent page and back; hashes are SHA-256, all zero for none yet */
	uint8_t ticket[32], state[32], browser[32];
	struct cs_bytes verifier;   /* PKCE, sealed; empty: none */
	const char *crm, *way;
	int64_t conn_id;            /* 0: for nobody yet */
	int64_t session_id;         /* of the connect link's session that began it; 0: none */
	int64_t expires_ms;
};

enum cs_mail_kind { CS_MAIL_ALERT = 0, CS_MAIL_EMERGENCY = 1 };
struct cs_mail_row { /* to one recipient; gone once the server took it */
	int64_t id;
	int64_t created_ms, due_ms;
	int32_t attempts;
	enum cs_mail_kind kind;
	const char *recipient, *subject, *body; /* text in UTF-8, lines end with LF */
};

enum cs_link_state { CS_LINK_OPEN = 0, CS_LINK_DONE = 1 /* one session has said which account it is, and alone goes on */,
	CS_LINK_FINISHED = 2 };
struct cs_link_row { /* a link at which an account's owner connects a CRM */
	int64_t id;
	uint8_t hash[32];           /* SHA-256 of what the URL has */
	enum cs_link_state state;
	bool any_crm;               /* the owner chooses the CRM */
	const char *account, *crm;  /* crm "": not chosen yet */
	int64_t conn_id;            /* to be connected anew, or that was connected; 0: none yet */
	int64_t created_ms;
	int64_t expires_ms;         /* not opened from then on */
	int64_t last_ms;            /* the link, or the last of its sessions, is over by then */
	int64_t life_ms;            /* how long a session lasts once the link was opened */
	int32_t openings;
	const char *who;            /* made the link: "operator", "key 3" */
};
struct cs_link_session_row { /* a browser that opened the link */
	int64_t id, link_id;
	uint8_t hash[32];           /* SHA-256 of its cookie */
	bool has_won;               /* the link is done by it */
	const char *crm;            /* as in the link, or what was chosen since */
	int64_t conn_id;            /* as in the link, or what it made; 0 */
	int64_t expires_ms;
};

struct cs_filter { /* deliveries; absent conditions: 0, NULL or -1 as noted */
	uint32_t states;            /* CS_STATE_BIT or'ed; 0: any */
	int64_t conn_id;            /* -1: any */
	const char *crm, *account;  /* NULL: any */
	int32_t blame;              /* -1: any */
	int32_t urgency;            /* -1: any */
	int64_t created_from_ms, created_to_ms; /* 0: open */
	bool in_doubt;              /* only these; with states of DUE alone they are found without looking at the others */
	int64_t before_id;          /* page: ids below this; 0: from the newest */
	size_t limit;
};

struct cs_store_conf {
	const char *path;           /* ":memory:" for tests */
	bool read_only;             /* the CLI beside a daemon that is down: no lock, no epoch, no migration */
	int64_t min_free;           /* bytes of disk below which begin() with intake=true answers CS_EFULL */
	int reader_ms;              /* time limit of one read; 0: 1000 */
};

struct cs_store;

/* 0 continues, anything else ends the walk. The row is borrowed for the call. */
typedef int (*cs_delivery_cb)(void *ctx, const struct cs_delivery_row *row);

/* Owners of sealed hashes: "file/ID" of a connection. Whoever keeps one makes it anew where its key is gone (daemon/origin.h). */
#define CS_SECRET_HASHES "file/"

struct cs_store_ops {
	const char *name;
	void (*close)(struct cs_store *);
	/* A handle for another thread that reads only. Close it with close. */
	int (*reader)(struct cs_store *, struct cs_store **out, struct cs_err *);

	/* ---- transactions (writer) */
	int (*begin)(struct cs_store *, struct cs_err *);
	int (*commit)(struct cs_store *, struct cs_err *);
	void (*rollback)(struct cs_store *);
	/* Is there room for new work? CS_EFULL when the disk is below min_free (cheap: looks at most once a second). */
	int (*room)(struct cs_store *, int64_t now_ms, struct cs_err *);

	/* ---- epochs (writer; inside a transaction) */
	/* Begin a run: raises the epoch, brings rows that were in hand back to DUE (doubt set unless the last stop was clean), due
	 * at now_ms + lag_ms. *in_doubt counts those in doubt. */
	int (*epoch_begin)(struct cs_store *, int64_t now_ms, int64_t lag_ms, int64_t *epoch, int64_t *in_doubt, struct cs_err *);
	/* A clean stop: the caller has handed everything back. */
	int (*epoch_end)(struct cs_store *, struct cs_err *);
	/* No fresh in-hand row has an id below this. */
	int (*floor_put)(struct cs_store *, int64_t delivery_id, struct cs_err *);

	/* ---- leads (writer) */
	/* CS_ENOTFOUND, or 0 with the lead's id and content hash of that identity (the lead itself may be gone by retention). */
	int (*identity_get)(struct cs_store *, const uint8_t event_id[16], const char *account, int64_t *lead_id,
	                    uint8_t hash[32], struct cs_err *);
	/* Insert lead and identity; fills row->id. CS_EEXIST when the identity is there (nothing was written). */
	int (*lead_insert)(struct cs_store *, struct cs_lead_row *row, struct cs_err *);
	/* Replace body, hash, kind, urgency and warnings (a person fixed the lead). */
	int (*lead_update)(struct cs_store *, const struct cs_lead_row *row, struct cs_err *);
	int (*lead_get)(struct cs_store *, int64_t id, struct cs_arena *, struct cs_lead_row *out, struct cs_err *);
	/* All leads of an event id (any account), newest first, at most max. Returns the count. */
	int (*lead_find)(struct cs_store *, const uint8_t event_id[16], struct cs_arena *, struct cs_lead_row *out, int max,
	                 struct cs_err *);
	/* Newest first, ids below before_id (0: newest), without bodies. Returns the count. */
	int (*lead_list)(struct cs_store *, const char *account, int64_t before_id, struct cs_arena *, struct cs_lead_row *out,
	                 int max, struct cs_err *);

	/* ---- deliveries (writer) */
	/* row->lead_id is set; fills row->id with the next number of that lead. CS_EEXIST if the lead has one for this conn_id != 0. */
	int (*delivery_insert)(struct cs_store *, struct cs_delivery_row *row, struct cs_err *);
	int (*delivery_get)(struct cs_store *, int64_t id, struct cs_arena *, struct cs_delivery_row *out, struct cs_err *);
	int (*deliveries_of_lead)(struct cs_store *, int64_t lead_id, struct cs_arena *, struct cs_delivery_row *out, int max,
	                          struct cs_err *); /* returns the count */
	/* Take up to `max` due deliveries of one connection and lane, oldest due first, in hand for `epoch` (state TAKEN, gen+1);
	 * stops early once bodies exceed max_bytes (at least one). Fills out[] and *left with what remains. Returns the count. */
	int (*delivery_take)(struct cs_store *, int64_t conn_id, enum cs_lane, int64_t epoch, int64_t now_ms, int max,
	                     size_t max_bytes, struct cs_arena *, struct cs_work *out, struct cs_backlog *left, struct cs_err *);
	/* CS_ESTATE when state or gen is another by now, CS_ENOTFOUND when there is no such row. */
	int (*delivery_move)(struct cs_store *, const struct cs_move *, struct cs_err *);
	/* Rows that are DUE and past expires_ms, oldest first; returns the count. */
	int (*expired)(struct cs_store *, int64_t now_ms, struct cs_arena *, struct cs_delivery_row *out, int max, struct cs_err *);
	/* One row per connection and lane with something due. */
	int (*backlogs)(struct cs_store *, int (*cb)(void *, const struct cs_backlog *), void *ctx, struct cs_err *);
	/* Newest first. Any handle. */
	int (*delivery_list)(struct cs_store *, const struct cs_filter *, struct cs_arena *, cs_delivery_cb, void *ctx, struct cs_err *);
	int (*delivery_count)(struct cs_store *, const struct cs_filter *, int64_t *n, struct cs_err *);
	/* For `csrelay queue`: due rows by crm, connection and age: cb per connection with counts in the age buckets of qshape
	 * (5 10 20 40 80 160 320 640 1280 1280+ minutes since created). */
	int (*queue_shape)(struct cs_store *, int64_t now_ms, int (*cb)(void *, const char *crm, int64_t conn_id, const int64_t age[10]),
	                   void *ctx, struct cs_err *);

	/* ---- what attempts leave (writer) */
	int (*progress_put)(struct cs_store *, int64_t delivery_id, const char *json, struct cs_err *); /* "" deletes */
	int (*progress_get)(struct cs_store *, int64_t delivery_id, struct cs_arena *, const char **json, struct cs_err *);
	int (*attempt_put)(struct cs_store *, const struct cs_attempt_row *, struct cs_err *); /* replaces the same number; 0: the next one */
	int (*attempt_list)(struct cs_store *, int64_t delivery_id, struct cs_arena *, struct cs_attempt_row *out, int max,
	                    struct cs_err *); /* returns the count */
	int (*record_put)(struct cs_store *, int64_t conn_id, const char *type, const char *remote_id, int64_t delivery_id,
	                  struct cs_err *);
	int (*record_find)(struct cs_store *, int64_t conn_id, const char *type, const char *remote_id, int64_t *delivery_id,
	                   struct cs_err *);
	/* What a step left for a caller of a connection: the newest wins. */
	int (*caller_put)(struct cs_store *, int64_t conn_id, uint64_t key, const char *step, const char *value, int64_t now_ms,
	                  struct cs_err *);
	/* All of that, not older than not_before_ms, for either key (0: none): what the first key says comes first. Returns the count. */
	int (*caller_list)(struct cs_store *, int64_t conn_id, const uint64_t keys[2], int64_t not_before_ms, struct cs_arena *,
	                   struct cs_caller_row *out, int max, struct cs_err *);

	/* ---- connections (writer changes; any handle reads) */
	int (*conn_put)(struct cs_store *, struct cs_conn_row *row, struct cs_err *); /* insert, or update by id; fills id, public_id, version */
	int (*conn_state)(struct cs_store *, int64_t id, enum cs_conn_state, const char *reason, int64_t now_ms, struct cs_err *);
	int (*conn_facts)(struct cs_store *, int64_t id, const char *facts, const char *timezone, struct cs_err *);
	/*
	 * Everything of this connection that is not delivered becomes a dead letter without a connection, blamed on the connection, that
	 * keeps where it was to go; what is in hand may have been sent and is in doubt. *n counts what was still on its way. Then
	 * conn_delete, which refuses while something is due, takes the row with all that hangs on it but the deliveries.
	 */
	int (*conn_orphan)(struct cs_store *, int64_t id, const char *reason, int64_t now_ms, int64_t *n, struct cs_err *);
	int (*conn_delete)(struct cs_store *, int64_t id, struct cs_err *);
	/* The history of settings and overrides, newest first, versions below `before` (0: from the newest); the store keeps
	 * CS_CONN_VERSIONS of each. Returns the count. */
	int (*conn_versions)(struct cs_store *, int64_t id, int64_t before, struct cs_arena *, struct cs_conn_version *out, int max,
	                     struct cs_err *);
	/* It was looked at, with what came of it (NULL: as before), and is to be again at next_ms. */
	int (*conn_checked)(struct cs_store *, int64_t id, const char *checked, int64_t now_ms, int64_t next_ms, struct cs_err *);
	/* Connected ones that are to be looked at by now, longest due first. Returns the count. */
	int (*conn_due_checks)(struct cs_store *, int64_t now_ms, int64_t *ids, int max, struct cs_err *);
	/* Grants that nobody has claimed: pending since before_ms or earlier, without an account or for the place of another connection, oldest
	 * first. Returns the count. */
	int (*conn_unclaimed)(struct cs_store *, int64_t before_ms, int64_t *ids, int max, struct cs_err *);
	/* Why it is failing, one row a cause; text NULL: no longer. The cause "breaker" lasts for the run. */
	int (*trouble_put)(struct cs_store *, int64_t id, const char *cause, const char *text, int64_t now_ms, struct cs_err *);
	/* How many there are of each CRM and state; failing: connected, but in trouble. */
	int (*conn_count)(struct cs_store *, int (*cb)(void *, const char *crm, enum cs_conn_state, bool failing, int64_t n), void *ctx,
	                  struct cs_err *);
	int (*conn_get)(struct cs_store *, int64_t id, struct cs_arena *, struct cs_conn_row *out, struct cs_err *);
	int (*conn_find)(struct cs_store *, const char *public_id_or_name, struct cs_arena *, struct cs_conn_row *out, struct cs_err *);
	/* All of an account (its own and those with account "*"), at most max; returns the count. */
	int (*conn_of_account)(struct cs_store *, const char *account, struct cs_arena *, struct cs_conn_row *out, int max,
	                       struct cs_err *);
	int (*conn_list)(struct cs_store *, int64_t after_id, struct cs_arena *, struct cs_conn_row *out, int max, struct cs_err *);
	int (*conn_by_fact)(struct cs_store *, const char *crm, const char *fact, const char *value, struct cs_arena *,
	                    struct cs_conn_row *out, int max, struct cs_err *); /* returns the count */

	/* ---- secrets: sealed by the vault before they come here. owner: "conn/ID" or "crm/NAME" */
	int (*secret_put)(struct cs_store *, const char *owner, const char *name, struct cs_bytes sealed, struct cs_err *);
	int (*secret_get)(struct cs_store *, const char *owner, const char *name, struct cs_arena *, struct cs_bytes *sealed,
	                  struct cs_err *);
	int (*secret_list)(struct cs_store *, const char *owner, struct cs_arena *, const char **names, int max, struct cs_err *);
	int (*secret_delete)(struct cs_store *, const char *owner, const char *name, struct cs_err *); /* name NULL: all */
	/* Those behind this owner and name ("" and "": from the first) but for the hashes, in a fixed order. Returns the count. */
	int (*secret_walk)(struct cs_store *, const char *owner, const char *name, struct cs_arena *, struct cs_sealed_row *out, int max,
	                   struct cs_err *);
	/* The same secret under another key: no version is raised by it. CS_ENOTFOUND when it is gone. */
	int (*secret_reseal)(struct cs_store *, const char *owner, const char *name, struct cs_bytes sealed, struct cs_err *);

	/* ---- tokens and authorizations under way (writer changes; any handle reads) */
	int (*token_put)(struct cs_store *, const struct cs_token_row *row, struct cs_err *); /* inserts or replaces */
	int (*token_get)(struct cs_store *, int64_t conn_id, struct cs_arena *, struct cs_token_row *out, struct cs_err *);
	/* Rows whose keep_ms has come, the oldest first; returns the count. */
	int (*token_due)(struct cs_store *, int64_t now_ms, struct cs_arena *, struct cs_token_row *out, int max, struct cs_err *);
	int (*flow_put)(struct cs_store *, const struct cs_flow_row *row, struct cs_err *); /* by ticket: inserts or replaces */
	int (*flow_find)(struct cs_store *, const uint8_t hash[32], bool by_state, struct cs_arena *, struct cs_flow_row *out, struct cs_err *);
	int (*flow_delete)(struct cs_store *, const uint8_t ticket[32], struct cs_err *); /* CS_ENOTFOUND: it was used already */
	int (*flow_sweep)(struct cs_store *, int64_t now_ms, struct cs_err *); /* those that are over */

	/* ---- links (writer changes; any handle reads) */
	int (*link_put)(struct cs_store *, struct cs_link_row *row, struct cs_err *); /* insert, or update by id; fills id */
	int (*link_find)(struct cs_store *, const uint8_t hash[32], struct cs_arena *, struct cs_link_row *out, struct cs_err *);
	int (*link_get)(struct cs_store *, int64_t id, struct cs_arena *, struct cs_link_row *out, struct cs_err *);
	/* Newest first, ids below `before` (0: from the newest). Returns the count. */
	int (*link_list)(struct cs_store *, int64_t before, struct cs_arena *, struct cs_link_row *out, int max, struct cs_err *);
	int (*link_session_put)(struct cs_store *, struct cs_link_session_row *row, struct cs_err *); /* insert, or update by id; fills id */
	int (*link_session_find)(struct cs_store *, const uint8_t hash[32], struct cs_arena *, struct cs_link_session_row *out, struct cs_err *);
	int (*link_session_get)(struct cs_store *, int64_t id, struct cs_arena *, struct cs_link_session_row *out, struct cs_err *);
	/* Those that are over, longest first. Returns the count. */
	int (*link_sessions_over)(struct cs_store *, int64_t now_ms, struct cs_arena *, struct cs_link_session_row *out, int max, struct cs_err *);
	int (*link_session_delete)(struct cs_store *, int64_t id, struct cs_err *); /* CS_ENOTFOUND */
	/* What its sessions, but for one, have begun at CRMs is over; but == 0: the link and its sessions, too, and nothing of it is found any
	 * more but by link_sessions_over. */
	int (*link_end)(struct cs_store *, int64_t id, int64_t but, int64_t now_ms, struct cs_err *);
	/* Deletes links whose last_ms has come and whose sessions are gone, at most max. Returns the count. */
	int (*link_sweep)(struct cs_store *, int64_t now_ms, int max, struct cs_err *);

	/*
	 * ---- hooks. Connections take turns: after a row was retried or done its connection stands behind those that wait already,
	 * however much it has. No call costs more because of a backlog.
	 */
	int (*hook_insert)(struct cs_store *, struct cs_hook_row *row, struct cs_err *); /* CS_EEXIST: seen before */
	/* Connections with something due, whose turn it is first. */
	int (*hook_turns)(struct cs_store *, int64_t now_ms, int64_t *conn_ids, int max, struct cs_err *);
	/* What is due of one connection, in the order in which it is due. */
	int (*hook_due)(struct cs_store *, int64_t conn_id, int64_t now_ms, struct cs_arena *, struct cs_hook_row *out, int max,
	                struct cs_err *);
	int (*hook_retry)(struct cs_store *, int64_t id, int64_t due_ms, int32_t attempts, int64_t now_ms, struct cs_err *);
	int (*hook_done)(struct cs_store *, int64_t id, int64_t now_ms, struct cs_err *); /* the dedupe key stays until retention */
	/* The connection's turn does not come before then; its rows stay as they are. A new row takes that back. */
	int (*hook_put_off)(struct cs_store *, int64_t conn_id, int64_t until_ms, struct cs_err *);
	int (*cursor_put)(struct cs_store *, int64_t conn_id, struct cs_bytes cursor, int64_t next_poll_ms, struct cs_err *);
	int (*cursor_get)(struct cs_store *, int64_t conn_id, struct cs_arena *, struct cs_bytes *cursor, int64_t *next_poll_ms,
	                  struct cs_err *);

	/* ---- keys, replays, alerts, meta */
	int (*key_put)(struct cs_store *, struct cs_key_row *row, struct cs_err *);
	int (*key_find)(struct cs_store *, const uint8_t hash[32], struct cs_arena *, struct cs_key_row *out, struct cs_err *);
	int (*key_list)(struct cs_store *, struct cs_arena *, struct cs_key_row *out, int max, struct cs_err *);
	int (*key_delete)(struct cs_store *, int64_t id, struct cs_err *);
	int (*key_used)(struct cs_store *, int64_t id, int64_t now_ms, struct cs_err *);
	int (*replay_put)(struct cs_store *, struct cs_replay_row *row, struct cs_err *); /* fills id */
	int (*replay_get)(struct cs_store *, int64_t id, struct cs_arena *, struct cs_replay_row *out, struct cs_err *);
	int (*replay_cancel)(struct cs_store *, int64_t id, int64_t *back_to_dead, struct cs_err *); /* DUE ones become DEAD again */
	int (*alert_put)(struct cs_store *, const struct cs_alert_row *row, struct cs_err *);
	int (*alert_list)(struct cs_store *, bool only_on, struct cs_arena *, struct cs_alert_row *out, int max, struct cs_err *);
	int (*meta_get)(struct cs_store *, const char *key, struct cs_arena *, const char **value, struct cs_err *);
	int (*meta_put)(struct cs_store *, const char *key, const char *value, struct cs_err *);

	/*
	 * ---- mail that waits for its server, and emergencies that are not in their CRM yet. A late row is the mark that nobody was
	 * told: whoever tells takes it away in the same transaction.
	 */
	int (*mail_put)(struct cs_store *, struct cs_mail_row *row, struct cs_err *); /* fills id */
	/* Emergencies first, then what is due longest. Returns the count. */
	int (*mail_due)(struct cs_store *, int64_t now_ms, struct cs_arena *, struct cs_mail_row *out, int max, struct cs_err *);
	int (*mail_retry)(struct cs_store *, int64_t id, int64_t due_ms, int32_t attempts, struct cs_err *);
	int (*mail_delete)(struct cs_store *, int64_t id, struct cs_err *); /* also when it is gone already */
	int (*mail_count)(struct cs_store *, int kind, int64_t *n, struct cs_err *); /* kind -1: any */
	int (*late_put)(struct cs_store *, int64_t delivery_id, int64_t since_ms, struct cs_err *); /* the first time counts */
	/* Those since before_ms and earlier, oldest first. Returns the count. */
	int (*late_list)(struct cs_store *, int64_t before_ms, int64_t *delivery_ids, int max, struct cs_err *);
	int (*late_delete)(struct cs_store *, int64_t delivery_id, struct cs_err *); /* also when it is gone already */

	/* ---- upkeep */
	/* Delete what is past its time, at most max rows; never undelivered work. Returns the count. */
	int (*retention)(struct cs_store *, int64_t delivered_before_ms, int64_t identity_before_ms, int max, struct cs_err *);
	/*
	 * Move what the log holds into the database, beside commits that go on where the handle is another thread's; nothing is done before
	 * at_least pages came since the last one. Returns the length of the log, 0 when the next commit begins it anew.
	 */
	int (*checkpoint)(struct cs_store *, int at_least, struct cs_err *);
	/* Integrity and foreign keys, states and indexes; cb per finding. */
	int (*check)(struct cs_store *, void (*cb)(void *, const char *finding), void *ctx, struct cs_err *);
};

struct cs_store {
	const struct cs_store_ops *ops; /* the engine's private part follows */
};

/* Open or create, lock against a second daemon, migrate. */
int cs_store_open_sqlite(const struct cs_store_conf *conf, struct cs_store **out, struct cs_err *err);
static inline void
cs_store_close(struct cs_store *s)
{
	if (s != NULL)
		s->ops->close(s);
}

#endif
