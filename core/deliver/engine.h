/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine.h - the thread that delivers: scheduler, plugin calls and HTTP in one loop, so delivery state has no locks.
 *
 * Other threads talk to it by messages (cs_engine_post); it talks to the store only through the writer. What it needs to
 * read (connections, secrets) it reads on a handle of its own.
 */
#ifndef CS_DELIVER_ENGINE_H
#define CS_DELIVER_ENGINE_H

#include <stdatomic.h>
#include "conf/conf.h"
#include "lead/lead.h"
#include "plugin/remote.h"
#include "queue/outcome.h"
#include "queue/tree.h"
#include "store/store.h"
#include "store/writer.h"
#include "util/clock.h"
#include "vault/vault.h"

/* ---- what writer and engine share without asking each other */
#define CS_BLOCK_SLOTS 65536
struct cs_slots {
	_Atomic int64_t in_hand;          /* deliveries in hand, waiting or in flight */
	int64_t in_hand_max;
	_Atomic int64_t lead_bytes;       /* bodies of those */
	int64_t lead_bytes_max;
	_Atomic uint16_t blocked[CS_BLOCK_SLOTS]; /* by connection id: > 0, a fresh delivery would wait behind something. Two
	                                           * connections may share a slot; that only costs a trip through the store */
	_Atomic bool events_wanted;       /* some connection listens to events */
};
static inline bool
cs_slots_blocked(const struct cs_slots *s, int64_t conn_id)
{
	return s->blocked[(uint64_t)conn_id % CS_BLOCK_SLOTS] != 0;
}

/* ---- work: one delivery in hand */
struct cs_lead_ref { /* one lead in memory, shared by its deliveries in any thread */
	_Atomic int refs;
	struct cs_lead_doc *doc;          /* its view points into body */
	char *body;
	size_t len;
	int64_t received_ms;
	char *warnings;                   /* JSON as stored; NULL */
};
struct cs_lead_ref *cs_lead_ref_new(const char *body, size_t len, int64_t received_ms); /* copies and reads the body */
/* Takes over both; the document's view points into the body. */
struct cs_lead_ref *cs_lead_ref_adopt(struct cs_lead_doc *doc, char *body, size_t len, int64_t received_ms);
struct cs_lead_ref *cs_lead_ref_get(struct cs_lead_ref *l);
void cs_lead_ref_put(struct cs_lead_ref *l);

/* ---- messages */
struct cs_engine;
struct cs_msg {
	struct cs_list node;
	void (*handle)(struct cs_engine *, struct cs_msg *); /* engine thread; the message is the callee's */
};

struct cs_job { /* a delivery in hand */
	struct cs_msg msg;                /* on its way to the engine */
	struct cs_item item;
	struct cs_list waiters;           /* jobs of the same caller that wait for this one */
	struct cs_list node;              /* in the engine's list of all jobs */
	struct cs_delivery_row d;         /* its texts are not valid: reason and the like are the store's business */
	char crm[65];
	struct cs_lead_ref *lead;
	char *progress;                   /* JSON; NULL */
	bool holds_caller;
};
struct cs_job *cs_job_new(const struct cs_delivery_row *d, struct cs_lead_ref *lead, const char *progress);
void cs_job_free(struct cs_job *j);

struct cs_engine_conf {
	struct cs_conf *conf;             /* referenced */
	const struct cs_clock *clock;
	struct cs_store *reader;          /* taken over */
	struct cs_vault *vault;           /* borrowed */
	struct cs_writer *writer;         /* borrowed; outlives the engine */
	struct cs_slots *slots;           /* borrowed */
	int64_t epoch, epoch_started_ms;
	int64_t in_doubt;                 /* deliveries that the last run left in hand */
	bool trust_plugins;
};

/* Loads the enabled plugins; an error names the plugin and the reason, and the others are loaded all the same. */
int cs_engine_start(const struct cs_engine_conf *conf, struct cs_engine **out, struct cs_err *err);
/* Any thread. False when it is stopped: the message stays the caller's. */
bool cs_engine_post(struct cs_engine *e, struct cs_msg *m);
/* Stop: nothing new is sent, what is in flight ends or is given up after grace_ms, the rest is handed back to the store. Waits. */
void cs_engine_stop(struct cs_engine *e, int64_t grace_ms);
void cs_engine_free(struct cs_engine *e);

/* Convenience for other threads. */
void cs_engine_post_job(struct cs_engine *e, struct cs_job *j);
void cs_engine_post_backlog(struct cs_engine *e, int64_t conn_id, const char *crm, enum cs_lane lane, int64_t n, int64_t earliest_ms);
/* Settings, secrets, facts or state changed: forget what is cached; retry_now also closes its breaker. */
void cs_engine_post_conn(struct cs_engine *e, int64_t conn_id, bool retry_now);
void cs_engine_post_reload(struct cs_engine *e, struct cs_conf *conf);
/* Begin nothing more for this connection and hand back what is not on its way; then call `then` in the engine's thread. It stays so until
 * cs_engine_post_conn. When the engine has stopped, `then` is called at once. */
void cs_engine_post_leave(struct cs_engine *e, int64_t conn_id, void (*then)(void *ctx), void *ctx);

/*
 * Run a plugin call for somebody else (the admin API): map preview, identify, test. `done` is called in the engine thread.
 * lead may be NULL. emitted: what the plugin emitted, one JSON value a line.
 */
struct cs_candidate; /* context.h */
struct cs_engine_call {
	struct cs_msg msg;
	int64_t conn_id;
	int kind, what_kind;              /* CS_CALL_MAP or CS_CALL_PUSH with CS_PUSH_* */
	char *what;
	struct cs_lead_ref *lead;
	const struct cs_candidate *candidate; /* borrowed until done; NULL: the connection as it is */
	void (*done)(struct cs_engine_call *, int32_t outcome, const char *reason, const struct cs_buf *emitted);
	void *ctx;
};
void cs_engine_post_call(struct cs_engine *e, struct cs_engine_call *c);

/* What the plugins are: for `csrelay plugins`. Any thread. */
struct cs_plugin_info {
	char name[65];
	char error[400];                  /* why it is not loaded; "" */
	struct cs_manifest *manifest;     /* NULL when not loaded */
	struct cs_remote_info process;
	char died_over[64];               /* the event_id of the lead that was on the processor when its process died last; "" */
};
/* Fills up to max and returns how many; to be given to cs_engine_plugins_free. */
size_t cs_engine_plugins(struct cs_engine *e, struct cs_plugin_info *out, size_t max);
void cs_engine_plugins_free(struct cs_plugin_info *v, size_t n);
/* Referenced; NULL when there is no such plugin. */
struct cs_manifest *cs_engine_manifest(struct cs_engine *e, const char *crm);

/*
 * Load NAME.so and NAME.json anew, as they are now. Calls under way end where they are. `done` is called in the engine's thread: 0;
 * CS_ENOTFOUND when no such plugin is enabled, CS_EBUSY when that is under way already, CS_ECLOSED, or what it was refused
 * with; the old one goes on then. text: the version, or the reason.
 */
struct cs_engine_reload {
	struct cs_msg msg;
	char name[65];
	void (*done)(struct cs_engine_reload *, int rc, const char *text);
};
void cs_engine_post_plugin_reload(struct cs_engine *e, struct cs_engine_reload *r);

/* Seconds since the loop last went round: the watchdog's question. */
int64_t cs_engine_idle_ms(struct cs_engine *e);

#endif
