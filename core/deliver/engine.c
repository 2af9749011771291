/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine.c - the loop: messages, timers, picks, plugin calls, HTTP.
 *
 * One turn takes what other threads posted, starts what may start, lets the plugins run until all of them wait, and then
 * sleeps in the HTTP client until something happens. Nothing here blocks on the store: what must be written goes to the
 * writer, what must be read (a connection coming to life) is a few indexed reads on the engine's own handle.
 *
 * Stopping: no new picks, requests under way may end until the grace is over, then they are given up (in doubt where
 * something was sent), and everything in hand is handed back to the store.
 */
#include "deliver/engine_private.h"
#include "deliver/farewell.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include "deliver/call/check.h"
#include "deliver/events.h"
#include "deliver/call/exchange.h"
#include "deliver/plugins.h"
#include "deliver/results.h"
#include "deliver/attempt/steps.h"
#include "log/log.h"

#define SLEEP_MAX_MS 1000
#define SWEEP_EVERY_MS 1000
#define DOUBT_PAGE 500

static int64_t
mono_ms(void)
{
	return cs_mono_us() / 1000;
}

/* ---- picking */

static void
start_job(struct cs_engine *e, const struct cs_pick *p)
{
	struct cs_job *j = CS_CONTAINER(p->item, struct cs_job, item);

	if (cs_callers_enter(&e->callers, j))
		cs_attempt_start(e, p->conn, j);
	else /* its caller is being served: it waits there and leaves its place */
		cs_tree_finish(&e->tree, p->conn, CS_TREE_NEUTRAL, cs_now_ms(e->c.clock));
}

static bool
pick_some(struct cs_engine *e)
{
	int64_t now_ms = cs_now_ms(e->c.clock);
	bool any = false;

	cs_tree_wake(&e->tree, now_ms);
	for (int i = 0; i < 256 && !e->stopping; i++) {
		struct cs_pick p;

		e->tree.no_room = e->c.slots->in_hand >= e->c.slots->in_hand_max || e->c.slots->lead_bytes >= e->c.slots->lead_bytes_max;
		p = cs_tree_pick(&e->tree, now_ms);

		if (p.kind == CS_PICK_NOTHING)
			break;
		any = true;
		if (p.kind == CS_PICK_RUN)
			start_job(e, &p);
		else
			cs_results_fetch(e, p.conn, p.lane, p.rows);
	}
	return any;
}

static void
run_timers(struct cs_engine *e)
{
	int64_t now_ms = cs_now_ms(e->c.clock);
	struct cs_heap_node *h;

	while ((h = cs_heap_min(&e->timers)) != NULL && h->key <= now_ms) {
		cs_heap_del(&e->timers, h);
		cs_session_timer(h);
	}
}

/* ---- the loop */

static int
sleep_ms(struct cs_engine *e)
{
	int64_t now_ms = cs_now_ms(e->c.clock), until = cs_tree_wake(&e->tree, now_ms);
	int64_t plugins_ms = cs_plugins_wake_ms(e);
	struct cs_heap_node *h = cs_heap_min(&e->timers);

	if (h != NULL && h->key < until)
		until = h->key;
	if (plugins_ms < until)
		until = plugins_ms;
	if (until == CS_NEVER || until - now_ms > SLEEP_MAX_MS)
		return SLEEP_MAX_MS;
	return until > now_ms ? (int)(until - now_ms) : 0;
}

static void
every_second(struct cs_engine *e)
{
	int64_t now_ms = cs_now_ms(e->c.clock);

	if (now_ms - e->swept_ms < SWEEP_EVERY_MS && now_ms >= e->swept_ms)
		return;
	e->swept_ms = now_ms;
	cs_log_flush();
	cs_engine_forget_idle(e);
	cs_sweep_start(e, now_ms);
	cs_token_tick(e, now_ms);
	cs_farewell_tick(e);
}

static void
turn(struct cs_engine *e)
{
	struct pollfd fds[CS_PLUGINS_FDS];
	bool busy = cs_engine_take_messages(e);
	size_t n;

	e->beat_ms = mono_ms();
	run_timers(e);
	busy |= cs_plugins_run(e);
	if (!e->stopping) {
		busy |= pick_some(e);
		every_second(e);
		cs_canary_turn(e, cs_now_ms(e->c.clock));
		if (e->part != NULL)
			e->part->turn(e->part, cs_now_ms(e->c.clock));
	}
	busy |= cs_plugins_run(e);
	if (!busy)
		cs_log_flush();
	n = cs_plugins_poll(e, fds);
	cs_http_client_run(e->http, busy ? 0 : sleep_ms(e), fds, n);
	cs_plugins_polled(e, fds, n);
}

static void
hand_everything_back(struct cs_engine *e)
{
	struct cs_list *n;

	while ((n = cs_list_first(&e->jobs)) != NULL)
		cs_engine_hand_back(e, CS_CONTAINER(n, struct cs_job, node), 0);
}

static void *
engine_main(void *arg)
{
	struct cs_engine *e = arg;

	prctl(PR_SET_NAME, "cs-engine");
	cs_log_gather(true);
	while (!e->stopping)
		turn(e);
	while (e->n_flying > 0 && mono_ms() < e->give_up_ms)
		turn(e);
	cs_attempt_abandon_all(e);
	if (e->part != NULL)
		e->part->stop(e->part);
	cs_farewell_abandon_all(e);
	cs_engine_take_messages(e);
	hand_everything_back(e);
	cs_log_gather(false);
	return NULL;
}

/* ---- start and stop */

static struct cs_tree_conf
tree_conf(const struct cs_conf *c)
{
	return (struct cs_tree_conf){
		.breaker = { (int)c->breaker.failures, c->breaker.first_pause, c->breaker.longest_pause },
		.conn_cap = (int)c->schedule.in_flight_per_connection,
		.crm_cap = (int)c->schedule.in_flight_per_crm,
		.replay_per_minute = (int)c->replay.per_minute,
	};
}

void
cs_engine_apply_conf(struct cs_engine *e)
{
	const struct cs_conf *c = e->c.conf;
	struct cs_tree_conf tree = tree_conf(c);
	struct cs_guard *guard = cs_guard_new();
	struct cs_err err;

	cs_schedule_default(&e->schedule);
	if (c->schedule.retry.n > 0) {
		e->schedule.n = c->schedule.retry.n < CS_SCHEDULE_MAX ? (int)c->schedule.retry.n : CS_SCHEDULE_MAX;
		for (int i = 0; i < e->schedule.n; i++) {
			e->schedule.interval_ms[i] = c->schedule.retry.v[i].wait_ms;
			e->schedule.jitter_ms[i] = c->schedule.retry.v[i].spread_ms;
		}
	}
	e->schedule.max_wait_ms = c->schedule.max_wait;
	cs_tree_reconf(&e->tree, &tree);
	e->c.slots->in_hand_max = c->schedule.in_hand_max;
	e->c.slots->lead_bytes_max = c->limits.lead_bytes;
	for (size_t i = 0; i < c->http.allow.n; i++)
		if (cs_guard_allow(guard, c->http.allow.v[i], &err) < 0)
			cs_log(CS_LOG_ERROR, "http", "an entry of http.allow is not usable", "why=\"%s\"", err.msg);
	if (e->http != NULL)
		cs_http_client_set_guard(e->http, guard);
	cs_guard_free(e->guard);
	e->guard = guard;
	for (size_t i = 0; i < c->n_crms; i++)
		if (c->crms[i].enabled)
			cs_plugins_load(e, c->crms[i].name);
}

int
cs_engine_recall_backlog(void *ctx, const struct cs_backlog *b)
{
	struct cs_engine *e = ctx;
	struct cs_tree_conn *tc = cs_tree_conn_find(&e->tree, b->conn_id);
	struct cs_conn_row row;
	struct cs_arena mem;

	cs_arena_init(&mem);
	if (tc == NULL && e->c.reader->ops->conn_get(e->c.reader, b->conn_id, &mem, &row, NULL) == 0) {
		tc = cs_tree_conn(&e->tree, b->conn_id, row.crm);
		tc->held = row.state != CS_CONN_CONNECTED;
	}
	if (tc != NULL) { /* what is counted twice on the way is set right by the next fetch */
		cs_tree_backlog(&e->tree, tc, b->lane, b->count - tc->lanes[b->lane].backlog, b->earliest_due_ms, cs_now_ms(e->c.clock));
		cs_engine_publish_blocked(e, tc);
	}
	cs_arena_fini(&mem);
	return 0;
}

/*
 * After a crash nobody knows whether the deliveries that were in hand created their callers; see cs_callers_hold. Those of an
 * earlier crash may be among them.
 */
struct doubtful {
	struct cs_engine *engine;
	int64_t last_id;
};

static int
hold_in_doubt(void *ctx, const struct cs_delivery_row *d)
{
	struct doubtful *o = ctx;
	struct cs_tree_conn *tc = cs_tree_conn_find(&o->engine->tree, d->conn_id);
	struct cs_remote *remote = tc != NULL ? cs_engine_remote(o->engine, tc->crm->name) : NULL;
	const struct cs_manifest *m = remote != NULL ? cs_remote_manifest(remote) : NULL;
	const uint64_t keys[2] = { d->phone_key, d->email_key };

	o->last_id = d->id;
	for (size_t i = 0; m != NULL && i < m->n_steps; i++)
		if (cs_step_creates_caller(&m->steps[i]))
			cs_callers_hold(&o->engine->callers, d->conn_id, keys, o->engine->c.epoch_started_ms + m->steps[i].lookup_lag_ms);
	return 0;
}

static void
recall_doubt(struct cs_engine *e)
{
	struct doubtful o = { .engine = e, .last_id = 1 };
	struct cs_filter f = { .states = CS_STATE_BIT(CS_DUE), .in_doubt = true, .conn_id = -1, .blame = -1, .urgency = -1,
		.limit = DOUBT_PAGE };
	struct cs_arena mem;
	struct cs_err err;

	cs_arena_init(&mem);
	while (e->c.in_doubt > 0 && o.last_id > 0) {
		o.last_id = 0;
		cs_arena_reset(&mem);
		if (e->c.reader->ops->delivery_list(e->c.reader, &f, &mem, hold_in_doubt, &o, &err) < 0) {
			cs_log(CS_LOG_WARN, "deliver", "not all deliveries in doubt were found", "why=\"%s\"", err.msg);
			break;
		}
		f.before_id = o.last_id;
	}
	cs_arena_fini(&mem);
}

static void
wake(void *ctx)
{
	cs_http_client_wakeup(((struct cs_engine *)ctx)->http);
}

int
cs_engine_start(const struct cs_engine_conf *conf, struct cs_engine **out, struct cs_err *err)
{
	struct cs_engine *e = cs_xcalloc(1, sizeof(*e));
	struct cs_tree_conf tc = tree_conf(conf->conf);
	struct cs_http_client_conf hc = { .connect_timeout_ms = conf->conf->http.connect_timeout,
		.total_timeout_ms = conf->conf->http.total_timeout, .max_connections = (size_t)conf->conf->http.connections,
		.max_answer = (size_t)conf->conf->limits.answer_size, .max_answers_total = (size_t)conf->conf->limits.answers,
		.ca_file = conf->conf->http.ca_file[0] != '\0' ? conf->conf->http.ca_file : NULL };
	int rc;

	e->c = *conf;
	cs_conf_ref(e->c.conf);
	cs_tree_init(&e->tree, &tc);
	cs_limits_init(&e->limits);
	cs_callers_init(&e->callers);
	cs_map_init(&e->contexts);
	cs_map_init(&e->tokens);
	cs_list_init(&e->tokens_busy);
	cs_list_init(&e->farewells);
	cs_heap_init(&e->timers);
	cs_list_init(&e->sessions);
	cs_list_init(&e->asking);
	cs_list_init(&e->jobs);
	cs_list_init(&e->spare_exchanges);
	cs_list_init(&e->spare_attempts);
	cs_spares_init(&e->ops, CS_OP_BLOCK, CS_OPS_KEPT);
	cs_handoff_init(&e->inbox, wake, e);
	*out = NULL;
	if ((rc = cs_plugins_init(e, err)) < 0)
		goto fail;
	cs_engine_apply_conf(e);
	hc.guard = e->guard;
	rc = (e->http = cs_http_client_new(&hc, err)) != NULL ? 0 : err->code;
	if (rc < 0 || (rc = e->c.reader->ops->backlogs(e->c.reader, cs_engine_recall_backlog, e, err)) < 0)
		goto fail;
	recall_doubt(e);
	e->swept_ms = cs_now_ms(e->c.clock);
	e->beat_ms = mono_ms();
	if (pthread_create(&e->thread, NULL, engine_main, e) == 0) {
		*out = e;
		return 0;
	}
	rc = cs_err_set(err, CS_EIO, "could not start the engine's thread");
fail:
	cs_engine_free(e);
	return rc;
}

void
cs_engine_stop(struct cs_engine *e, int64_t grace_ms)
{
	e->give_up_ms = mono_ms() + grace_ms;
	e->stopping = true;
	cs_http_client_wakeup(e->http);
	pthread_join(e->thread, NULL);
	cs_handoff_close(&e->inbox);
	cs_engine_take_messages(e); /* what the writer posted meanwhile: jobs that were just accepted */
	hand_everything_back(e);
}

void
cs_engine_free(struct cs_engine *e)
{
	struct cs_tree_conn *tc;
	size_t at = 0;

	while ((tc = cs_map_next(&e->tree.conns, &at, NULL)) != NULL)
		free(tc->user);
	for (at = 0; (tc = cs_map_next(&e->contexts, &at, NULL)) != NULL;)
		cs_context_unref((struct cs_context *)(void *)tc);
	cs_map_fini(&e->contexts);
	cs_token_free_all(e);
	cs_choices_free(e->choices);
	cs_canary_free(e);
	cs_plugins_fini(e);
	cs_http_client_free(e->http);
	cs_guard_free(e->guard);
	cs_tree_fini(&e->tree);
	cs_limits_fini(&e->limits);
	cs_callers_fini(&e->callers);
	cs_heap_fini(&e->timers);
	cs_exchange_free_spare(e);
	cs_attempt_free_spare(e);
	cs_spares_fini(&e->ops);
	cs_handoff_fini(&e->inbox);
	cs_store_close(e->c.reader);
	cs_conf_unref(e->c.conf);
	free(e);
}

int64_t
cs_engine_idle_ms(struct cs_engine *e)
{
	return mono_ms() - e->beat_ms;
}
