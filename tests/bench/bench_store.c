/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_store.c - what the store costs: bench_store [FOLDER [WAITING]], one "key value" a line.
 *
 * Leads of 1900 bytes, 100 per transaction; a lead is inserted with a delivery in hand, and marked delivered in the
 * transaction after the next. A second thread runs checkpoints as the daemon's maintenance does. CPU is the writer
 * thread's own; "all" adds the checkpoints. Then the same with WAITING (1,000,000) due rows on 100,000 connections.
 */
#include "config.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "store/store.h"
#include "util/clock.h"

#define NOW 1800000000000LL
#define BODY 1900
#define PER_TX 100
#define CONNS 100000

static struct cs_store *store;
static const struct cs_store_ops *ops;
static struct cs_err err;
static char path[512], body[BODY + 1];
static _Atomic bool stop, wanted;
static _Atomic int64_t largest_wal;

static void
must(int rc, const char *what)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "%s: %d %s\n", what, rc, err.msg);
	exit(1);
}
#define MUST(call) must((call), #call)

static double
cpu_us(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static void
put(const char *key, const char *suffix, double value)
{
	printf("%s%s %.3f\n", key, suffix, value);
	fflush(stdout);
}

/* ---- maintenance: every 20 ms, as long as the bench runs */

static void *
maintain(void *arg)
{
	struct cs_store *mine = arg;
	struct cs_err e;
	struct stat sb;
	char wal[520];
	int left;

	snprintf(wal, sizeof(wal), "%s-wal", path);
	while (!stop) {
		left = mine->ops->checkpoint(mine, 250, &e);
		must(left, e.msg);
		if (left > 4000)
			wanted = true;
		if (stat(wal, &sb) == 0 && sb.st_size > largest_wal)
			largest_wal = sb.st_size;
		usleep(20000);
	}
	return NULL;
}

static void
between_commits(void)
{
	if (!wanted)
		return;
	wanted = false;
	MUST(ops->checkpoint(store, 0, &err));
}

/* ---- leads */

/* splitmix64: identities must be random, but asking the kernel for each would be measured, too. */
static void
random_id(uint8_t out[16])
{
	static uint64_t state;
	uint64_t z;

	for (int i = 0; i < 2; i++) {
		z = (state += 0x9e3779b97f4a7c15ULL);
		z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
		z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
		z ^= z >> 31;
		memcpy(out + 8 * i, &z, 8);
	}
}

static int64_t
insert(enum cs_state state, int64_t conn_id, int lane, int64_t due_ms)
{
	struct cs_lead_row l = { .account = "acct_1234567890", .event = "lead.qualified", .urgency = 1, .received_ms = NOW,
		                 .body = { body, BODY }, .warnings = "" };
	struct cs_delivery_row d = { .conn_id = conn_id, .crm = "", .account = "", .crm_account_id = "", .state = state,
		                     .lane = (enum cs_lane)lane, .urgency = 1, .created_ms = NOW, .due_ms = due_ms,
		                     .expires_ms = due_ms + 7 * 3600000, .phone_key = 0x123456789abcdefULL, .reason = "",
		                     .records = "", .warnings = "" };

	random_id(l.event_id);
	memcpy(l.hash, l.event_id, 16);
	memcpy(body, l.event_id, 16);
	MUST(ops->lead_insert(store, &l, &err));
	d.lead_id = l.id;
	MUST(ops->delivery_insert(store, &d, &err));
	return d.id;
}

static void
deliver(int64_t id)
{
	struct cs_move m = { .id = id, .gen = 0, .from = CS_STATES_IN_HAND, .to = CS_DELIVERED,
		             .set = CS_SET_ATTEMPTS | CS_SET_WAIT | CS_SET_BLAME | CS_SET_DOUBT | CS_SET_REASON | CS_SET_CRASHES |
		                    CS_SET_DONE | CS_SET_RECORDS | CS_SET_WARNINGS, /* as the engine does */
		             .attempts = 1, .done_ms = NOW + 5, .reason = "", .warnings = "",
		             .records = "[{\"type\":\"contact\",\"id\":\"123456789\",\"url\":\"https://app.example.com/c/123456789\"}]" };

	MUST(ops->delivery_move(store, &m, &err));
}

static int
by_time(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static void
cycle(const char *suffix, int n)
{
	static int64_t ids[3][PER_TX], took[100000];
	double cpu = cpu_us(CLOCK_THREAD_CPUTIME_ID), all = cpu_us(CLOCK_PROCESS_CPUTIME_ID), inserts = 0, moves = 0, t;
	int64_t start = cs_mono_us(), at;
	int txs = n / PER_TX;

	for (int i = 0; i < txs; i++) {
		at = cs_mono_us();
		MUST(ops->begin(store, &err));
		t = cpu_us(CLOCK_THREAD_CPUTIME_ID);
		for (int k = 0; k < PER_TX; k++)
			ids[i % 3][k] = insert(CS_IN_HAND, 1 + k, 1, NOW);
		inserts += cpu_us(CLOCK_THREAD_CPUTIME_ID) - t;
		t = cpu_us(CLOCK_THREAD_CPUTIME_ID);
		for (int k = 0; k < PER_TX && i >= 2; k++)
			deliver(ids[(i - 2) % 3][k]);
		moves += cpu_us(CLOCK_THREAD_CPUTIME_ID) - t;
		MUST(ops->commit(store, &err));
		took[i] = cs_mono_us() - at;
		between_commits();
	}
	put("lead_cpu_us", suffix, (cpu_us(CLOCK_THREAD_CPUTIME_ID) - cpu) / n);
	put("lead_insert_cpu_us", suffix, inserts / n);
	put("lead_move_cpu_us", suffix, moves / n);
	put("lead_all_cpu_us", suffix, (cpu_us(CLOCK_PROCESS_CPUTIME_ID) - all) / n);
	put("leads_per_s", suffix, n * 1e6 / (double)(cs_mono_us() - start));
	qsort(took, (size_t)txs, sizeof(took[0]), by_time);
	put("commit_p50_ms", suffix, (double)took[txs / 2] / 1e3);
	put("commit_p99_ms", suffix, (double)took[txs * 99 / 100] / 1e3);
	put("commit_max_ms", suffix, (double)took[txs - 1] / 1e3);
	put("wal_largest_mb", suffix, (double)largest_wal / 1e6);
}

static void
wait_rows(int n)
{
	int64_t start = cs_mono_us();

	for (int i = 0; i < n;) {
		MUST(ops->begin(store, &err));
		for (int k = 0; k < 1000 && i < n; k++, i++)
			insert(CS_DUE, 1 + i % CONNS, i / CONNS % 5, NOW + i);
		MUST(ops->commit(store, &err));
		between_commits();
	}
	put("waiting_per_s", "", n * 1e6 / (double)(cs_mono_us() - start));
}

/* ---- the rest */

static void
connections(void)
{
	struct cs_conn_row c = { .crm = "acme", .crm_account_id = "tenant_4829", .label = "A contractor of some length",
		                 .settings = "{\"lead_source\":\"CallSetter\",\"pipeline\":\"default\"}", .overrides = "",
		                 .facts = "{\"hub_id\":123456}", .timezone = "America/New_York", .subscribe = CS_SUB_ROUTED };
	struct cs_conn_row out[8];
	struct cs_arena a;
	char account[32];
	double cpu;

	cs_arena_init(&a);
	c.account = account;
	for (int i = 0; i < CONNS;) {
		MUST(ops->begin(store, &err));
		for (int k = 0; k < 1000; k++, i++) {
			snprintf(account, sizeof(account), "acct_%08d", i);
			c.id = 0;
			c.public_id = NULL;
			MUST(ops->conn_put(store, &c, &err));
		}
		MUST(ops->commit(store, &err));
		between_commits();
	}
	cpu = cpu_us(CLOCK_THREAD_CPUTIME_ID);
	MUST(ops->begin(store, &err));
	for (int i = 0; i < 100000; i++) {
		snprintf(account, sizeof(account), "acct_%08d", (int)((int64_t)i * 7919 % CONNS));
		must(ops->conn_of_account(store, account, &a, out, 8, &err) - 1, "conn_of_account");
		cs_arena_reset(&a);
	}
	ops->rollback(store);
	put("conn_of_account_us", "", (cpu_us(CLOCK_THREAD_CPUTIME_ID) - cpu) / 100000);
	cs_arena_fini(&a);
}

static int
count_backlog(void *ctx, const struct cs_backlog *b)
{
	*(int64_t *)ctx += b->count;
	return 0;
}

/* So that epoch_begin finds what a daemon has in hand at most. */
static void
give_back(void)
{
	int64_t epoch, doubt;

	MUST(ops->begin(store, &err));
	MUST(ops->epoch_begin(store, NOW, 0, &epoch, &doubt, &err));
	MUST(ops->commit(store, &err));
}

/* 32 rows at a time of one connection with many, as refilling does; then connections with nothing to take. */
static void
take(void)
{
	struct cs_backlog left;
	struct cs_work w[32];
	struct cs_arena a;
	double cpu, t;
	int taken = 0, n;

	cs_arena_init(&a);
	for (int i = 0; i < 32000;) {
		MUST(ops->begin(store, &err));
		for (int k = 0; k < 1000; k++, i++)
			insert(CS_DUE, CONNS + 1, 0, NOW + i % 777);
		MUST(ops->commit(store, &err));
		between_commits();
	}
	cpu = cpu_us(CLOCK_THREAD_CPUTIME_ID);
	while (taken < 16000) {
		MUST(ops->begin(store, &err));
		for (int i = 0; i < 10; i++) {
			n = ops->delivery_take(store, CONNS + 1, 0, 1, NOW + 100000, 32, 16 << 20, &a, w, &left, &err);
			must(n, "take");
			taken += n;
			cs_arena_reset(&a);
		}
		MUST(ops->commit(store, &err));
		between_commits();
	}
	put("take_32_us", "", (cpu_us(CLOCK_THREAD_CPUTIME_ID) - cpu) * 32 / taken);
	put("take_row_us", "", (cpu_us(CLOCK_THREAD_CPUTIME_ID) - cpu) / taken);
	MUST(ops->begin(store, &err));
	t = cpu_us(CLOCK_THREAD_CPUTIME_ID);
	for (int i = 0; i < 10000; i++)
		MUST(ops->delivery_take(store, 1 + i, 0, 1, 0, 32, 16 << 20, &a, w, &left, &err));
	put("take_nothing_us", "", (cpu_us(CLOCK_THREAD_CPUTIME_ID) - t) / 10000);
	ops->rollback(store);
	give_back();
	cs_arena_fini(&a);
}

static int
no_shape(void *ctx, const char *crm CS_UNUSED, int64_t conn_id CS_UNUSED, const int64_t age[10])
{
	for (int i = 0; i < 10; i++)
		*(int64_t *)ctx += age[i];
	return 0;
}

static void
with_many_waiting(void)
{
	struct cs_filter f = { .conn_id = -1, .blame = -1, .urgency = -1, .account = "acct_1234567890" };
	int64_t start = cs_mono_us(), rows = 0, epoch, doubt;

	MUST(ops->backlogs(store, count_backlog, &rows, &err));
	put("backlogs_s", "", (double)(cs_mono_us() - start) / 1e6);
	rows = 0;
	start = cs_mono_us();
	if (ops->queue_shape(store, NOW, no_shape, &rows, &err) == 0)
		put("queue_shape_s", "", (double)(cs_mono_us() - start) / 1e6);
	start = cs_mono_us();
	if (ops->delivery_count(store, &f, &rows, &err) == 0)
		put("count_by_account_s", "", (double)(cs_mono_us() - start) / 1e6);
	MUST(ops->begin(store, &err));
	for (int i = 0; i < 4096; i++)
		insert(CS_IN_HAND, 1 + i * 17 % CONNS, 0, NOW);
	MUST(ops->commit(store, &err));
	start = cs_mono_us();
	MUST(ops->begin(store, &err));
	MUST(ops->epoch_begin(store, NOW, 30000, &epoch, &doubt, &err));
	MUST(ops->commit(store, &err));
	put("epoch_begin_s", "", (double)(cs_mono_us() - start) / 1e6);
	put("in_doubt", "", (double)doubt);
}

static void
reopen(void)
{
	struct cs_store_conf conf = { .path = path };
	int64_t start = cs_mono_us(), rows = 0;

	cs_store_close(store);
	put("close_s", "", (double)(cs_mono_us() - start) / 1e6);
	start = cs_mono_us();
	MUST(cs_store_open_sqlite(&conf, &store, &err));
	put("open_s", "", (double)(cs_mono_us() - start) / 1e6);
	start = cs_mono_us();
	MUST(ops->backlogs(store, count_backlog, &rows, &err));
	put("backlogs_after_open_s", "", (double)(cs_mono_us() - start) / 1e6);
}

int
main(int argc, char **argv)
{
	int waiting = argc > 2 ? atoi(argv[2]) : 1000000;
	struct cs_store_conf conf = { .path = path };
	struct cs_store *mine;
	char dir[400];
	pthread_t thread;
	int64_t epoch, doubt;

	snprintf(dir, sizeof(dir), "%.300s/bench-store-XXXXXX", argc > 1 ? argv[1] : "/tmp");
	if (mkdtemp(dir) == NULL)
		return 1;
	snprintf(path, sizeof(path), "%s/store.db", dir);
	memset(body, 'x', BODY);
	MUST(cs_store_open_sqlite(&conf, &store, &err));
	ops = store->ops;
	MUST(ops->begin(store, &err));
	MUST(ops->epoch_begin(store, NOW, 0, &epoch, &doubt, &err));
	MUST(ops->commit(store, &err));
	MUST(ops->reader(store, &mine, &err));
	pthread_create(&thread, NULL, maintain, mine);
	cycle("_empty", 100000);
	connections();
	wait_rows(waiting);
	largest_wal = 0;
	cycle("_waiting", 100000);
	take();
	with_many_waiting();
	stop = true;
	pthread_join(thread, NULL);
	cs_store_close(mine);
	reopen();
	cs_store_close(store);
	snprintf(path, sizeof(path), "rm -rf '%s'", dir);
	return system(path) == 0 ? 0 : 1;
}
