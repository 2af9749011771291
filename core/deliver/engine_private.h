/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine_private.h - the engine's state, for the files of this folder and hooks/ only.
 */
#ifndef CS_DELIVER_ENGINE_PRIVATE_H
#define CS_DELIVER_ENGINE_PRIVATE_H

#include <pthread.h>
#include "deliver/attempt/callers.h"
#include "deliver/call/context.h"
#include "deliver/engine.h"
#include "deliver/call/session.h"
#include "http/client.h"
#include "queue/limit.h"
#include "util/queue.h"
#include "util/spares.h"
#include "util/crash.h"

#define CS_PLUGINS_MAX 64
#define CS_OP_BLOCK ((size_t)4 << 10) /* an operation of results.c with its texts, most of the time */
#define CS_OPS_KEPT 256

struct cs_plugin_slot { /* plugins.c */
	char name[65];
	struct cs_remote *remote;   /* NULL: could not be loaded ... */
	char error[400];            /* ... because of this */
	struct cs_remote *fresh;    /* being loaded to take its place; NULL */
	struct cs_engine_reload *asked; /* who waits for that */
	bool held;                  /* parked: its CRM's node waits */
	bool alerted, knows_alert;
	unsigned seen;              /* info.changes that is shown */
	struct cs_plugin_info shown; /* under plugins_lock */
};

struct cs_notes { /* what the engine keeps with a connection's node (cs_tree_conn.user) */
	int dead_run;               /* dead letters since the last success */
	bool published;             /* counted in slots->blocked */
	bool looked_back;           /* dead letters of before were replayed after the first success */
	bool knows_alert;           /* what an earlier run raised was read */
	const char *alert;          /* the kind that is on (static); NULL */
};

enum cs_part_end { CS_PART_NOTHING, CS_PART_BUSY /* ask again */, CS_PART_BEGUN };

/* Something else that lives in the engine's thread and is none of its business: hooks/. All members are set. */
struct cs_engine_part {
	void (*turn)(struct cs_engine_part *, int64_t now_ms);            /* each turn of the loop, until it stops */
	void (*changed)(struct cs_engine_part *, int64_t conn_id);        /* a connection; 0: the configuration, all of them */
	void (*stop)(struct cs_engine_part *);                            /* drop the sessions; nothing is called afterwards */
	/* The connection is about to go: undo what the CRM has of it. BEGUN: ended is called later, but for a stop. */
	enum cs_part_end (*end)(struct cs_engine_part *, struct cs_context *, void (*ended)(void *ctx, bool ok), void *ctx);
};

struct cs_engine {
	struct cs_engine_conf c;
	struct cs_schedule schedule;
	struct cs_guard *guard;
	struct cs_http_client *http;
	struct cs_tree tree;
	struct cs_limits limits;
	struct cs_callers callers;
	struct cs_map contexts;     /* connection id -> struct cs_context */
	struct cs_heap timers;      /* struct cs_exchange.timer */
	struct cs_list sessions;
	struct cs_list asking;      /* fresh.c */
	struct cs_list jobs;        /* all in hand */
	struct cs_list spare_exchanges, spare_attempts; /* over, kept with their memory for the next ones */
	size_t n_spare_exchanges, n_spare_attempts;
	struct cs_spares ops;       /* of results.c, given back by the writer */
	struct cs_handoff inbox;
	struct cs_plugin_slot plugins[CS_PLUGINS_MAX];
	size_t n_plugins;           /* grows with a reload */
	struct cs_remote *retired[CS_PLUGINS_MAX]; /* with calls under way, while another one has taken their place */
	size_t n_retired;
	int program;                /* of plugins' processes; -1: they run in this one */
	pthread_mutex_t plugins_lock; /* other threads read n_plugins and what is shown */
	struct cs_engine_part *part; /* NULL: none */
	struct cs_map tokens;       /* connection id -> struct cs_token, of those that use OAuth and are in memory */
	struct cs_list tokens_busy; /* with a refresh under way */
	int64_t tokens_swept_ms;
	struct cs_list farewells;   /* farewell.c */
	size_t n_flying;            /* attempts under way */
	struct cs_choices *choices; /* ask.h; NULL: none are kept yet */
	struct cs_canary *canary;   /* check.h; NULL: not begun */
	pthread_t thread;
	_Atomic bool stopping;
	_Atomic int64_t give_up_ms; /* mono ms */
	_Atomic int64_t beat_ms;    /* mono ms of the last turn of the loop */
	int64_t swept_ms, max_seen_id;
};

/* attempt.c */
void cs_attempt_start(struct cs_engine *e, struct cs_tree_conn *tc, struct cs_job *j);
void cs_attempt_free_spare(struct cs_engine *e);
/* What is in flight is given up: its outcome is unknown where something was sent. */
void cs_attempt_abandon_all(struct cs_engine *e);

/* session.c */
void cs_session_timer(struct cs_heap_node *node);

/* engine.c */
/* Options that a reload changes: schedule, guard, limits, plugins. */
void cs_engine_apply_conf(struct cs_engine *e);
/* For store->backlogs: what waits of one connection and lane is so much. */
int cs_engine_recall_backlog(void *ctx, const struct cs_backlog *b);
/* messages.c */
/* Begin nothing more for this connection and hand back what is not on its way. */
void cs_engine_leave(struct cs_engine *e, int64_t conn_id);
bool cs_engine_take_messages(struct cs_engine *e);
/* nodes.c */
/* The connection's node; it comes to life with the state that it has in the store. */
struct cs_tree_conn *cs_engine_node(struct cs_engine *e, int64_t conn_id, const char *crm);
void cs_engine_forget_idle(struct cs_engine *e);
/* Cached or new. NULL with err when it cannot be made. */
struct cs_context *cs_engine_context(struct cs_engine *e, int64_t conn_id, struct cs_err *err);
/* A reference to it; with a candidate to one that is made for this once. */
struct cs_context *cs_engine_try_context(struct cs_engine *e, int64_t conn_id, const struct cs_candidate *candidate,
                                         struct cs_err *err);
void cs_engine_drop_context(struct cs_engine *e, int64_t conn_id);
/* The job has left memory (delivered, dead, or back in the store). */
void cs_engine_job_gone(struct cs_engine *e, struct cs_job *j);
/* Back to the store as it is; not charged. due_ms 0: now. */
void cs_engine_hand_back(struct cs_engine *e, struct cs_job *j, int64_t due_ms);
/* Back to the store with everything of this connection that is in memory and not on its way. */
void cs_engine_drain(struct cs_engine *e, struct cs_tree_conn *tc);
void cs_engine_publish_blocked(struct cs_engine *e, struct cs_tree_conn *tc);
struct cs_notes *cs_engine_notes(struct cs_tree_conn *tc);
/* plugins.c; see plugins.h */
struct cs_remote *cs_engine_remote(struct cs_engine *e, const char *crm);
/* sweep.c: once a second */
void cs_sweep_start(struct cs_engine *e, int64_t now_ms);
/* call.c */
extern const struct cs_session_ops cs_call_ops;
void cs_call_abandon(struct cs_session *s);
void cs_engine_conn_state(struct cs_engine *e, struct cs_tree_conn *tc, struct cs_tree_change ch);

#endif
