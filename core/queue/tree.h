/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree.h - whose turn is it? CRM -> connection -> lane.
 *
 * A node that can do something now stands in its parent's ring; one that only time can help stands in a heap; the others
 * stand nowhere and come back by an event (a delivery ends, work arrives, a pause is lifted). Picking is O(1), falling
 * asleep O(log n), and an open breaker of a CRM moves one node, however many connections wait below it.
 *
 * Emergency rings go first; every eighth pick takes the oldest of any lane, so nothing starves. Replay lanes come last and
 * let `replay_per_minute` through for each connection.
 *
 * A lane has work in memory (items) and work in the store (count and earliest due time only). When items run low and the
 * backlog is due, the pick is a fetch: the caller has the writer take some rows and gives them to cs_tree_fetched. Connections
 * that can run and connections that would have to fetch stand in different rings: what is in memory goes first, and a CRM fetches
 * only while it has less than CS_MEMORY_TURNS times in memory what it may have in flight. So 10^5 connections with a backlog
 * neither fill the memory nor make the first delivery wait for the last fetch; every eighth pick fetches if it may, so
 * that fresh work does not starve the store. The more connections want to fetch, the fewer rows each gets at once: where a
 * limit binds each connection, many must be in memory side by side, or the CRM stands in the queue of a few.
 * Engine thread only; owns connection and CRM nodes, not the items.
 */
#ifndef CS_QUEUE_TREE_H
#define CS_QUEUE_TREE_H

#include "queue/breaker.h"
#include "store/store.h"
#include "util/list.h"
#include "util/map.h"

#define CS_FETCH_ROWS 32    /* at most at once */
#define CS_FETCH_FEW 2
#define CS_MEMORY_ROWS 512 /* of one connection in memory; more wait in the store */
#define CS_MEMORY_TURNS 8

enum cs_ring { CS_RING_URGENT, CS_RING_ANY, CS_RING_FETCH_URGENT, CS_RING_FETCH, CS_RINGS };

struct cs_item { /* embedded in the caller's work */
	struct cs_list node;
	enum cs_lane lane;
	int64_t since_ms;           /* its age decides who is oldest */
};

struct cs_tree_lane {
	struct cs_list items;
	size_t n_items;
	int64_t backlog, earliest_ms; /* in the store; earliest CS_NEVER when there is none */
	int asked;                  /* rows of the fetch under way */
	bool fetching;
};

struct cs_tree_crm {
	struct cs_list ring[CS_RINGS]; /* connections that can go on */
	struct cs_list node[CS_RINGS]; /* in the root's rings */
	struct cs_heap_node sleep;
	struct cs_breaker breaker;
	uint64_t last_failed;       /* connection id: one connection's trouble is not the CRM's */
	int in_flight, fetching, cap;
	size_t n_items;             /* in memory, of all its connections */
	size_t n_asked, n_hungry;   /* rows on their way; connections that want to fetch */
	bool held;                  /* no plugin: nothing goes until it is there */
	size_t n_conns;
	char name[65];
	void *user;
};

struct cs_tree_conn {
	int64_t id;
	struct cs_tree_crm *crm;
	struct cs_tree_lane lanes[CS_LANES];
	struct cs_list node[CS_RINGS]; /* in the CRM's rings */
	struct cs_heap_node sleep;
	struct cs_breaker breaker;
	int in_flight, fetching, cap; /* fetching: lanes */
	bool held;                  /* paused, or needs its owner */
	int64_t replay_ms;          /* the next replay may go then */
	void *user;
};

struct cs_tree_conf {
	struct cs_breaker_conf breaker;
	int conn_cap, crm_cap;      /* deliveries in flight */
	int replay_per_minute;
};

struct cs_tree {
	struct cs_tree_conf conf;
	struct cs_list ring[CS_RINGS];
	struct cs_heap sleeping;    /* connections */
	struct cs_heap sleeping_crms;
	struct cs_map conns, crms;
	bool no_room;               /* the caller's word: nothing is to be fetched now */
	unsigned picks;
};

enum cs_pick_kind { CS_PICK_NOTHING, CS_PICK_RUN, CS_PICK_FETCH };
struct cs_pick {
	enum cs_pick_kind kind;
	struct cs_tree_conn *conn;
	enum cs_lane lane;
	struct cs_item *item;       /* of RUN: taken off its lane and counted as in flight */
	int rows;                   /* of FETCH: how many at most */
};

void cs_tree_init(struct cs_tree *t, const struct cs_tree_conf *conf);
void cs_tree_reconf(struct cs_tree *t, const struct cs_tree_conf *conf);
void cs_tree_fini(struct cs_tree *t); /* items must be gone */
struct cs_tree_conn *cs_tree_conn(struct cs_tree *t, int64_t id, const char *crm); /* finds or makes */
struct cs_tree_conn *cs_tree_conn_find(const struct cs_tree *t, int64_t id);
struct cs_tree_crm *cs_tree_crm(struct cs_tree *t, const char *name);              /* finds or makes */

/* Work arrives: in memory, or `n` rows more (or fewer) in the store, the earliest due at earliest_ms. */
void cs_tree_add(struct cs_tree *t, struct cs_tree_conn *c, struct cs_item *item, bool front, int64_t now_ms);
void cs_tree_backlog(struct cs_tree *t, struct cs_tree_conn *c, enum cs_lane lane, int64_t n, int64_t earliest_ms, int64_t now_ms);
/* What a fetch brought; `left` as the store counted it in the same transaction. */
void cs_tree_fetched(struct cs_tree *t, struct cs_tree_conn *c, enum cs_lane lane, struct cs_list *items, int64_t left,
                     int64_t earliest_ms, int64_t now_ms);

struct cs_pick cs_tree_pick(struct cs_tree *t, int64_t now_ms);
/* A picked item ended (or was put aside: then not as a result). */
enum cs_tree_result { CS_TREE_OK, CS_TREE_FAILED, CS_TREE_NEUTRAL };
struct cs_tree_change { bool conn_opened, conn_closed, crm_opened, crm_closed; };
struct cs_tree_change cs_tree_finish(struct cs_tree *t, struct cs_tree_conn *c, enum cs_tree_result r, int64_t now_ms);

void cs_tree_hold_conn(struct cs_tree *t, struct cs_tree_conn *c, bool held, int64_t now_ms);
void cs_tree_hold_crm(struct cs_tree *t, struct cs_tree_crm *m, bool held, int64_t now_ms);
/* Try again at once, whatever a breaker says (an operator asked, or the credentials are new). */
void cs_tree_reset(struct cs_tree *t, struct cs_tree_conn *c, int64_t now_ms);
/* Move all items of a connection to *out (to hand them back to the store). */
size_t cs_tree_drain(struct cs_tree *t, struct cs_tree_conn *c, struct cs_list *out, int64_t now_ms);
/* Wakes who slept until now; returns when to call again (CS_NEVER: nobody sleeps). */
int64_t cs_tree_wake(struct cs_tree *t, int64_t now_ms);
/* Nothing waits, nothing runs, nothing to remember: may be forgotten. */
bool cs_tree_conn_idle(const struct cs_tree_conn *c);
void cs_tree_conn_free(struct cs_tree *t, struct cs_tree_conn *c);
/* Would a fresh delivery have to wait behind something? */
bool cs_tree_conn_blocked(const struct cs_tree_conn *c, int64_t now_ms);
size_t cs_tree_conn_items(const struct cs_tree_conn *c);

#endif
