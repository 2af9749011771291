/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree.c - rings, one heap, and the rule that puts a node where it belongs.
 *
 * All changes end in settle(): it looks at a connection and puts it into the rings, into the heap, or nowhere. That keeps the
 * reasons in one place: held, over its cap, breaker, nothing due.
 */
#include "queue/tree.h"
#include "util/clock.h"
#include "util/mem.h"
#include <stdlib.h>
#include <string.h>

void
cs_tree_init(struct cs_tree *t, const struct cs_tree_conf *conf)
{
	*t = (struct cs_tree){ .conf = *conf };
	for (int i = 0; i < CS_RINGS; i++)
		cs_list_init(&t->ring[i]);
	cs_heap_init(&t->sleeping);
	cs_heap_init(&t->sleeping_crms);
	cs_map_init(&t->conns);
	cs_map_init(&t->crms);
}

/* A node that may do more now learns of it when it is settled next. */
void
cs_tree_reconf(struct cs_tree *t, const struct cs_tree_conf *conf)
{
	struct cs_tree_conn *c;
	struct cs_tree_crm *m;
	size_t at = 0;

	t->conf = *conf;
	while ((c = cs_map_next(&t->conns, &at, NULL)) != NULL)
		c->cap = conf->conn_cap;
	for (at = 0; (m = cs_map_next(&t->crms, &at, NULL)) != NULL;)
		m->cap = conf->crm_cap;
}

void
cs_tree_fini(struct cs_tree *t)
{
	size_t at = 0;
	void *p;

	cs_heap_fini(&t->sleeping); /* they look at their nodes once more */
	cs_heap_fini(&t->sleeping_crms);
	while ((p = cs_map_next(&t->conns, &at, NULL)) != NULL)
		free(p);
	for (at = 0; (p = cs_map_next(&t->crms, &at, NULL)) != NULL;)
		free(p);
	cs_map_fini(&t->conns);
	cs_map_fini(&t->crms);
}

struct cs_tree_crm *
cs_tree_crm(struct cs_tree *t, const char *name)
{
	uint64_t key = cs_hash64_str(name);
	struct cs_tree_crm *m = cs_map_get(&t->crms, key);

	if (m != NULL)
		return m;
	m = cs_xcalloc(1, sizeof(*m));
	for (int i = 0; i < CS_RINGS; i++) {
		cs_list_init(&m->ring[i]);
		cs_list_init(&m->node[i]);
	}
	m->cap = t->conf.crm_cap;
	strncpy(m->name, name, sizeof(m->name) - 1);
	cs_map_put(&t->crms, key, m);
	return m;
}

struct cs_tree_conn *
cs_tree_conn_find(const struct cs_tree *t, int64_t id)
{
	return cs_map_get(&t->conns, (uint64_t)id);
}

struct cs_tree_conn *
cs_tree_conn(struct cs_tree *t, int64_t id, const char *crm)
{
	struct cs_tree_conn *c = cs_tree_conn_find(t, id);

	if (c != NULL)
		return c;
	c = cs_xcalloc(1, sizeof(*c));
	c->id = id;
	c->crm = cs_tree_crm(t, crm);
	c->crm->n_conns++;
	c->cap = t->conf.conn_cap;
	for (int i = 0; i < CS_LANES; i++) {
		cs_list_init(&c->lanes[i].items);
		c->lanes[i].earliest_ms = CS_NEVER;
	}
	for (int i = 0; i < CS_RINGS; i++)
		cs_list_init(&c->node[i]);
	cs_map_put(&t->conns, (uint64_t)id, c);
	return c;
}

/* ---- where a node belongs */

static bool
is_replay(int lane)
{
	return lane >= CS_LANE_REPLAY_EMERGENCY;
}

/* Behind an open breaker one thing at a time: a probe, or the fetch of one. What is not sent stays in the store. */
static bool
is_full(bool held, const struct cs_breaker *b, int in_flight, int fetching, int cap)
{
	return held || (cs_breaker_open(b) ? in_flight + fetching >= 1 : in_flight >= cap);
}

static bool
probes(const struct cs_tree_conn *c)
{
	return cs_breaker_open(&c->breaker) || cs_breaker_open(&c->crm->breaker);
}

/* When this lane can do something: now or earlier, a later time, or never (an event must come). */
static int64_t
lane_ready_ms(const struct cs_tree_conn *c, int lane, int64_t now_ms)
{
	const struct cs_tree_lane *l = &c->lanes[lane];
	int64_t at = CS_NEVER;

	if (l->n_items > 0)
		at = now_ms;
	else if (l->backlog > 0 && !l->fetching)
		at = l->earliest_ms;
	if (l->n_items == 0 && probes(c) && cs_tree_conn_items(c) > 0)
		return CS_NEVER;
	if (lane == CS_LANE_REPLAY && c->lanes[CS_LANE_REPLAY_EMERGENCY].fetching)
		return CS_NEVER; /* the minute's place is an emergency's, which is on its way from the store */
	if (at != CS_NEVER && is_replay(lane) && c->replay_ms > at)
		at = c->replay_ms;
	return at;
}

/* The ring of a connection for what is ready in this lane. */
static int
ring_of(const struct cs_tree_conn *c, int lane)
{
	if (c->lanes[lane].n_items > 0)
		return lane == CS_LANE_EMERGENCY ? CS_RING_URGENT : CS_RING_ANY;
	return lane == CS_LANE_EMERGENCY ? CS_RING_FETCH_URGENT : CS_RING_FETCH;
}

static bool
fetches(int ring)
{
	return ring >= CS_RING_FETCH_URGENT;
}

/* Nothing more is fetched for this CRM now. A probe that is in memory goes before another is fetched. */
static bool
has_enough(const struct cs_tree_crm *m)
{
	size_t n = m->n_items + m->n_asked;

	return n > 0 && (cs_breaker_open(&m->breaker) || n >= (size_t)m->cap * CS_MEMORY_TURNS);
}

static void
settle_crm(struct cs_tree *t, struct cs_tree_crm *m, int64_t now_ms)
{
	bool full = is_full(m->held, &m->breaker, m->in_flight, m->fetching, m->cap);
	bool asleep = m->breaker.not_before_ms > now_ms;

	for (int i = 0; i < CS_RINGS; i++) {
		bool in = !full && !asleep && !cs_list_empty(&m->ring[i]) && !(fetches(i) && has_enough(m));

		if (in && cs_list_empty(&m->node[i]))
			cs_list_push(&t->ring[i], &m->node[i]);
		else if (!in)
			cs_list_del(&m->node[i]);
	}
	if (asleep && !m->held)
		cs_heap_put(&t->sleeping_crms, &m->sleep, m->breaker.not_before_ms);
	else
		cs_heap_del(&t->sleeping_crms, &m->sleep);
}

static void
settle(struct cs_tree *t, struct cs_tree_conn *c, int64_t now_ms)
{
	bool full = is_full(c->held, &c->breaker, c->in_flight, c->fetching, c->cap);
	bool ready[CS_RINGS] = { false };
	int64_t next = CS_NEVER; /* when more of it becomes ready, also while something is */

	for (int lane = 0; lane < CS_LANES && !full; lane++) {
		int64_t at = lane_ready_ms(c, lane, now_ms);

		if (at != CS_NEVER && at < c->breaker.not_before_ms)
			at = c->breaker.not_before_ms;
		if (at <= now_ms)
			ready[ring_of(c, lane)] = true;
		else if (at < next)
			next = at;
	}
	/* an emergency stands in both rings of its kind */
	ready[CS_RING_ANY] |= ready[CS_RING_URGENT];
	ready[CS_RING_FETCH] |= ready[CS_RING_FETCH_URGENT];
	c->crm->n_hungry += ready[CS_RING_FETCH];
	c->crm->n_hungry -= !cs_list_empty(&c->node[CS_RING_FETCH]);
	for (int i = 0; i < CS_RINGS; i++) {
		if (!ready[i])
			cs_list_del(&c->node[i]);
		else if (cs_list_empty(&c->node[i]))
			cs_list_push(&c->crm->ring[i], &c->node[i]);
	}
	if (next != CS_NEVER)
		cs_heap_put(&t->sleeping, &c->sleep, next);
	else
		cs_heap_del(&t->sleeping, &c->sleep);
	settle_crm(t, c->crm, now_ms);
}

/* ---- work arrives */

void
cs_tree_add(struct cs_tree *t, struct cs_tree_conn *c, struct cs_item *item, bool front, int64_t now_ms)
{
	struct cs_tree_lane *l = &c->lanes[item->lane];

	cs_list_insert_before(front ? l->items.next : &l->items, &item->node);
	l->n_items++;
	c->crm->n_items++;
	settle(t, c, now_ms);
}

void
cs_tree_backlog(struct cs_tree *t, struct cs_tree_conn *c, enum cs_lane lane, int64_t n, int64_t earliest_ms, int64_t now_ms)
{
	struct cs_tree_lane *l = &c->lanes[lane];

	l->backlog += n;
	if (n < 0 && l->backlog <= 0) { /* the count may be short of the truth after a fetch from a long line: one more fetch tells */
		l->backlog = 1;
		l->earliest_ms = now_ms;
	} else if (n > 0 && earliest_ms < l->earliest_ms)
		l->earliest_ms = earliest_ms;
	settle(t, c, now_ms);
}

void
cs_tree_fetched(struct cs_tree *t, struct cs_tree_conn *c, enum cs_lane lane, struct cs_list *items, int64_t left,
                int64_t earliest_ms, int64_t now_ms)
{
	struct cs_tree_lane *l = &c->lanes[lane];

	CS_LIST_EACH(n, items) {
		l->n_items++;
		c->crm->n_items++;
	}
	cs_list_splice(&l->items, items);
	l->fetching = false;
	c->crm->n_asked -= (size_t)l->asked;
	l->asked = 0;
	c->fetching--;
	c->crm->fetching--;
	l->backlog = left;
	l->earliest_ms = left > 0 ? earliest_ms : CS_NEVER;
	settle(t, c, now_ms);
	for (int i = 0; probes(c) && i < 2; i++)
		if (!cs_list_empty(&c->node[i])) { /* the probe goes before another connection fetches one */
			cs_list_del(&c->node[i]);
			cs_list_insert_before(c->crm->ring[i].next, &c->node[i]);
		}
}

/* ---- picking */

/* The ring only says whose turn it is; within a connection a more urgent lane is fetched before another runs. */
static bool
is_ready(const struct cs_tree *t, const struct cs_tree_conn *c, int lane, int64_t now_ms)
{
	if (c->lanes[lane].n_items == 0 && (t->no_room || has_enough(c->crm)))
		return false;
	return lane_ready_ms(c, lane, now_ms) <= now_ms;
}

static int
lane_by_urgency(const struct cs_tree *t, const struct cs_tree_conn *c, int64_t now_ms)
{
	for (int lane = 0; lane < CS_LANES; lane++)
		if (is_ready(t, c, lane, now_ms))
			return lane;
	return -1;
}

static int
lane_by_age(const struct cs_tree *t, const struct cs_tree_conn *c, int64_t now_ms)
{
	int64_t oldest = CS_NEVER;
	int found = -1;

	for (int lane = 0; lane < CS_LANE_REPLAY_EMERGENCY; lane++) {
		const struct cs_tree_lane *l = &c->lanes[lane];
		int64_t since;

		if (!is_ready(t, c, lane, now_ms))
			continue;
		since = l->n_items > 0 ? CS_CONTAINER(l->items.next, struct cs_item, node)->since_ms : l->earliest_ms;
		if (since < oldest) {
			oldest = since;
			found = lane;
		}
	}
	return found >= 0 ? found : lane_by_urgency(t, c, now_ms);
}

static struct cs_item *
take_item(struct cs_tree *t, struct cs_tree_conn *c, int lane, int64_t now_ms)
{
	struct cs_list *n = cs_list_pop(&c->lanes[lane].items);

	c->lanes[lane].n_items--;
	c->crm->n_items--;
	c->in_flight++;
	c->crm->in_flight++;
	if (is_replay(lane) && t->conf.replay_per_minute > 0)
		c->replay_ms = now_ms + CS_MINUTE_MS / t->conf.replay_per_minute;
	return CS_CONTAINER(n, struct cs_item, node);
}

/* Behind the others of its ring: everybody gets a turn. */
static void
turn(struct cs_list *ring, struct cs_list *node)
{
	if (!cs_list_empty(node)) {
		cs_list_del(node);
		cs_list_push(ring, node);
	}
}

/* Emergencies first, in memory or not; then what is in memory; then what must be fetched. CS_RINGS: nothing. */
static int
choose_ring(const struct cs_tree *t, bool fair)
{
	static const int usual[] = { CS_RING_URGENT, CS_RING_FETCH_URGENT, CS_RING_ANY, CS_RING_FETCH };
	static const int fairly[] = { CS_RING_FETCH, CS_RING_ANY };
	const int *order = fair ? fairly : usual;
	size_t n = fair ? CS_ARRAY_LEN(fairly) : CS_ARRAY_LEN(usual);

	for (size_t i = 0; i < n; i++)
		if (!cs_list_empty(&t->ring[order[i]]) && !(fetches(order[i]) && t->no_room))
			return order[i];
	return CS_RINGS;
}

/* Its share of what the CRM may have in memory. */
static int
rows_for(const struct cs_tree_conn *c, int lane)
{
	size_t share = (size_t)c->crm->cap * CS_MEMORY_TURNS / (c->crm->n_hungry + 1);

	if (is_replay(lane) || probes(c)) /* one by one: what is not sent stays in the store, where its clock runs */
		return 1;
	return share > CS_FETCH_ROWS ? CS_FETCH_ROWS : share < CS_FETCH_FEW ? CS_FETCH_FEW : (int)share;
}

struct cs_pick
cs_tree_pick(struct cs_tree *t, int64_t now_ms)
{
	bool fair = ++t->picks % 8 == 0;
	int which = choose_ring(t, fair);
	struct cs_list *mn, *cn;
	struct cs_pick p = { .kind = CS_PICK_NOTHING };
	struct cs_tree_crm *m;
	int lane;

	if (which == CS_RINGS)
		return p;
	mn = cs_list_first(&t->ring[which]);
	m = (struct cs_tree_crm *)(void *)((char *)(mn - which) - offsetof(struct cs_tree_crm, node));
	cn = cs_list_first(&m->ring[which]);
	p.conn = (struct cs_tree_conn *)(void *)((char *)(cn - which) - offsetof(struct cs_tree_conn, node));
	turn(&t->ring[which], mn);
	turn(&m->ring[which], cn);
	lane = fair ? lane_by_age(t, p.conn, now_ms) : lane_by_urgency(t, p.conn, now_ms);
	if (lane < 0) { /* its time has not come after all: let it sleep, and look again */
		settle(t, p.conn, now_ms);
		return cs_list_empty(&p.conn->node[which]) ? cs_tree_pick(t, now_ms) : p;
	}
	p.lane = (enum cs_lane)lane;
	if (p.conn->lanes[lane].n_items > 0) {
		p.kind = CS_PICK_RUN;
		p.item = take_item(t, p.conn, lane, now_ms);
	} else {
		p.kind = CS_PICK_FETCH;
		p.rows = rows_for(p.conn, lane);
		p.conn->lanes[lane].asked = p.rows;
		m->n_asked += (size_t)p.rows;
		p.conn->lanes[lane].fetching = true;
		p.conn->fetching++;
		m->fetching++;
	}
	settle(t, p.conn, now_ms);
	return p;
}

/* ---- results */

static void
judge_crm(struct cs_tree *t, struct cs_tree_conn *c, enum cs_tree_result r, int64_t now_ms, struct cs_tree_change *ch)
{
	struct cs_tree_crm *m = c->crm;

	if (r == CS_TREE_OK) {
		m->last_failed = 0;
		ch->crm_closed = cs_breaker_ok(&m->breaker);
	} else if (cs_breaker_open(&m->breaker) || m->last_failed != (uint64_t)c->id) {
		m->last_failed = (uint64_t)c->id;
		ch->crm_opened = m->n_conns > 1 && cs_breaker_fail(&m->breaker, &t->conf.breaker, now_ms);
	}
}

struct cs_tree_change
cs_tree_finish(struct cs_tree *t, struct cs_tree_conn *c, enum cs_tree_result r, int64_t now_ms)
{
	struct cs_tree_change ch = { 0 };

	c->in_flight--;
	c->crm->in_flight--;
	if (r == CS_TREE_OK)
		ch.conn_closed = cs_breaker_ok(&c->breaker);
	else if (r == CS_TREE_FAILED)
		ch.conn_opened = cs_breaker_fail(&c->breaker, &t->conf.breaker, now_ms);
	if (r != CS_TREE_NEUTRAL)
		judge_crm(t, c, r, now_ms, &ch);
	settle(t, c, now_ms);
	return ch;
}

void
cs_tree_hold_conn(struct cs_tree *t, struct cs_tree_conn *c, bool held, int64_t now_ms)
{
	c->held = held;
	settle(t, c, now_ms);
}

void
cs_tree_hold_crm(struct cs_tree *t, struct cs_tree_crm *m, bool held, int64_t now_ms)
{
	m->held = held;
	settle_crm(t, m, now_ms);
}

void
cs_tree_reset(struct cs_tree *t, struct cs_tree_conn *c, int64_t now_ms)
{
	cs_breaker_ok(&c->breaker);
	cs_breaker_ok(&c->crm->breaker);
	settle(t, c, now_ms);
}

size_t
cs_tree_drain(struct cs_tree *t, struct cs_tree_conn *c, struct cs_list *out, int64_t now_ms)
{
	size_t n = 0;

	for (int lane = 0; lane < CS_LANES; lane++) {
		n += c->lanes[lane].n_items;
		c->crm->n_items -= c->lanes[lane].n_items;
		cs_list_splice(out, &c->lanes[lane].items);
		c->lanes[lane].n_items = 0;
	}
	settle(t, c, now_ms);
	return n;
}

int64_t
cs_tree_wake(struct cs_tree *t, int64_t now_ms)
{
	struct cs_heap_node *c, *m;

	while ((m = cs_heap_min(&t->sleeping_crms)) != NULL && m->key <= now_ms) {
		cs_heap_del(&t->sleeping_crms, m);
		settle_crm(t, CS_CONTAINER(m, struct cs_tree_crm, sleep), now_ms);
	}
	while ((c = cs_heap_min(&t->sleeping)) != NULL && c->key <= now_ms) {
		cs_heap_del(&t->sleeping, c);
		settle(t, CS_CONTAINER(c, struct cs_tree_conn, sleep), now_ms);
	}
	if (m != NULL && (c == NULL || m->key < c->key))
		return m->key;
	return c != NULL ? c->key : CS_NEVER;
}

/* ---- questions */

size_t
cs_tree_conn_items(const struct cs_tree_conn *c)
{
	size_t n = 0;

	for (int lane = 0; lane < CS_LANES; lane++)
		n += c->lanes[lane].n_items;
	return n;
}

bool
cs_tree_conn_blocked(const struct cs_tree_conn *c, int64_t now_ms)
{
	if (c->held || c->crm->held || c->breaker.not_before_ms > now_ms || cs_breaker_open(&c->breaker) ||
	    cs_breaker_open(&c->crm->breaker))
		return true;
	for (int lane = 0; lane < CS_LANE_REPLAY_EMERGENCY; lane++)
		if (c->lanes[lane].backlog > 0 && c->lanes[lane].earliest_ms <= now_ms)
			return true;
	return cs_tree_conn_items(c) >= CS_MEMORY_ROWS;
}

bool
cs_tree_conn_idle(const struct cs_tree_conn *c)
{
	if (c->in_flight > 0 || c->held || cs_breaker_open(&c->breaker) || c->breaker.fails > 0)
		return false;
	for (int lane = 0; lane < CS_LANES; lane++)
		if (c->lanes[lane].n_items > 0 || c->lanes[lane].backlog > 0 || c->lanes[lane].fetching)
			return false;
	return true;
}

void
cs_tree_conn_free(struct cs_tree *t, struct cs_tree_conn *c)
{
	c->crm->n_hungry -= !cs_list_empty(&c->node[CS_RING_FETCH]);
	for (int i = 0; i < CS_RINGS; i++)
		cs_list_del(&c->node[i]);
	cs_heap_del(&t->sleeping, &c->sleep);
	cs_map_del(&t->conns, (uint64_t)c->id);
	c->crm->n_conns--;
	settle_crm(t, c->crm, 0);
	free(c);
}
