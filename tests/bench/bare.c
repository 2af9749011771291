/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bare.c - what the parts cost alone, to judge csrelay by in the same run. Each prints one JSON object.
 *
 *   bare store FOLDER LEAD N     SQLite: the same rows, 100 per transaction; inserted, and inserted and marked as delivered
 *   bare sync FOLDER N           a record of one lead written and brought to the disk, a hundred times a second: milliseconds
 *   bare serve --port-file FILE  libmicrohttpd with a handler that does nothing, until SIGTERM (load.c loads it)
 *   bare post PORT LEAD N        libcurl's multi interface, 64 POSTs at a time, to the sink
 */
#include "config.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "bench.h"

#define PER_TX 100
#define POSTS 64

/* ---- SQLite */

static sqlite3 *db;

static void
sql(const char *text)
{
	char *why = NULL;

	if (sqlite3_exec(db, text, NULL, NULL, &why) != SQLITE_OK)
		bench_die("%s: %s", text, why);
}

static sqlite3_stmt *
prepare(const char *text)
{
	sqlite3_stmt *s;

	if (sqlite3_prepare_v3(db, text, -1, SQLITE_PREPARE_PERSISTENT, &s, NULL) != SQLITE_OK)
		bench_die("%s: %s", text, sqlite3_errmsg(db));
	return s;
}

static void
step(sqlite3_stmt *s)
{
	if (sqlite3_step(s) != SQLITE_DONE)
		bench_die("%s", sqlite3_errmsg(db));
	sqlite3_reset(s);
}

static void
open_db(const char *folder)
{
	char path[4096], side[4200];

	snprintf(path, sizeof(path), "%s/bare.db", folder);
	for (const char *const *end = (const char *const[]){ "", "-wal", "-shm", NULL }; *end != NULL; end++) {
		snprintf(side, sizeof(side), "%s%s", path, *end);
		unlink(side);
	}
	if (sqlite3_open(path, &db) != SQLITE_OK)
		bench_die("could not open %s", path);
	sql("PRAGMA journal_mode=WAL");
	sql("PRAGMA synchronous=FULL");
	sql("PRAGMA wal_autocheckpoint=16384");
	sql("CREATE TABLE state (id INTEGER PRIMARY KEY, event_id BLOB NOT NULL UNIQUE, account TEXT, conn INT, state INT, due INT, gen INT)");
	sql("CREATE INDEX due ON state (conn, due) WHERE state = 0");
	sql("CREATE TABLE body (id INTEGER PRIMARY KEY, body BLOB)");
}

static void
bind_row(sqlite3_stmt *state, sqlite3_stmt *body, struct bench_lead *l, uint64_t i, int in_hand)
{
	uint64_t event_id[2] = { 0x0be7c4, i * 0x9e3779b97f4a7c15u }; /* spread, as UUIDs are */

	bench_lead_number(l, i, (unsigned)(i % 64));
	sqlite3_bind_int64(state, 1, (sqlite3_int64)i);
	sqlite3_bind_blob(state, 2, event_id, sizeof(event_id), SQLITE_STATIC);
	sqlite3_bind_text(state, 3, l->text + l->account - 5, 11, SQLITE_STATIC);
	sqlite3_bind_int64(state, 4, (sqlite3_int64)(i % 64));
	sqlite3_bind_int(state, 5, in_hand);
	sqlite3_bind_int64(state, 6, 1800000000000 + (sqlite3_int64)i);
	sqlite3_bind_int64(body, 1, (sqlite3_int64)i);
	sqlite3_bind_blob(body, 2, l->text, (int)l->len, SQLITE_STATIC);
	step(state);
	step(body);
}

/* mark: fresh rows are in hand (no due index), and those of the transaction before are marked as done. */
static void
run_inserts(struct bench_lead *l, uint64_t first, uint64_t n, int mark, double *per_s, double *cpu_us)
{
	sqlite3_stmt *state = prepare("INSERT INTO state VALUES (?,?,?,?,?,?,0)"), *body = prepare("INSERT INTO body VALUES (?,?)");
	sqlite3_stmt *done = prepare("UPDATE state SET state = 3, gen = gen + 1 WHERE id = ? AND state = 1 AND gen = 0");
	double cpu = bench_cpu_us();
	int64_t wall = bench_now_us();

	for (uint64_t i = first; i < first + n; i += PER_TX) {
		sql("BEGIN IMMEDIATE");
		for (uint64_t k = i; k < i + PER_TX; k++)
			bind_row(state, body, l, k, mark);
		for (uint64_t k = i; mark && i > first && k < i + PER_TX; k++) {
			sqlite3_bind_int64(done, 1, (sqlite3_int64)(k - PER_TX));
			step(done);
		}
		sql("COMMIT");
	}
	*per_s = (double)n * 1e6 / (double)(bench_now_us() - wall);
	*cpu_us = (bench_cpu_us() - cpu) / (double)n;
	sqlite3_finalize(state);
	sqlite3_finalize(body);
	sqlite3_finalize(done);
}

static void
bare_store(const char *folder, const char *sample, uint64_t n)
{
	struct bench_lead l;
	double insert_per_s, insert_cpu, mark_per_s, mark_cpu;

	n = (n + PER_TX - 1) / PER_TX * PER_TX;
	bench_lead_init(&l, sample, "webhook", "acct");
	open_db(folder);
	run_inserts(&l, 1, n, 0, &insert_per_s, &insert_cpu);
	sqlite3_close(db);
	open_db(folder);
	run_inserts(&l, 1, n, 1, &mark_per_s, &mark_cpu);
	sqlite3_close(db);
	printf("{\"insert_per_s\":%.1f,\"insert_cpu_us\":%.3f,\"insert_and_mark_per_s\":%.1f,\"insert_and_mark_cpu_us\":%.3f}\n", insert_per_s,
	       insert_cpu, mark_per_s, mark_cpu);
}

/* ---- the disk */

static int
by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static void
bare_sync(const char *folder, uint64_t n)
{
	char path[4096], record[BENCH_BODY] = { 0 };
	int64_t *us = calloc(n, sizeof(*us));
	int fd;

	snprintf(path, sizeof(path), "%s/bare.sync", folder);
	if (us == NULL || (fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) < 0)
		bench_die("could not open %s", path);
	for (uint64_t i = 0; i < n; i++) {
		int64_t since = bench_now_us();

		if (write(fd, record, sizeof(record)) != (ssize_t)sizeof(record) || fdatasync(fd) != 0)
			bench_die("could not write %s", path);
		us[i] = bench_now_us() - since;
		usleep(10000);
	}
	close(fd);
	unlink(path);
	qsort(us, n, sizeof(*us), by_size);
	printf("{\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"worst_ms\":%.3f}\n", (double)us[n / 2] / 1e3, (double)us[n * 99 / 100] / 1e3,
	       (double)us[n - 1] / 1e3);
	free(us);
}

/* ---- libmicrohttpd */

static uint64_t handled;
static volatile sig_atomic_t ended;

static void
on_signal(int sig)
{
	ended = sig;
}

static enum MHD_Result
handle(void *cls, struct MHD_Connection *c, const char *url, const char *method, const char *version, const char *data, size_t *n,
       void **ctx)
{
	static char seen, text[] = "{\"result\":\"accepted\"}";
	struct MHD_Response *r;
	enum MHD_Result rc;

	(void)cls, (void)url, (void)method, (void)version, (void)data;
	if (*ctx == NULL) {
		*ctx = &seen;
		return MHD_YES;
	}
	if (*n > 0) {
		*n = 0;
		return MHD_YES;
	}
	handled++;
	r = MHD_create_response_from_buffer(sizeof(text) - 1, text, MHD_RESPMEM_PERSISTENT);
	MHD_add_response_header(r, "Content-Type", "application/json");
	rc = MHD_queue_response(c, 202, r);
	MHD_destroy_response(r);
	return rc;
}

static void
bare_serve(const char *port_file)
{
	unsigned port = 0;
	int fd = bench_listen(&port);
	struct MHD_Daemon *d = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, handle, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
	    MHD_OPTION_CONNECTION_LIMIT, 1024u, MHD_OPTION_END);

	if (d == NULL)
		bench_die("libmicrohttpd did not start");
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	bench_write_port(port_file, port);
	while (!ended)
		usleep(10000);
	MHD_stop_daemon(d);
	printf("{\"requests\":%llu,\"cpu_us_per_request\":%.3f}\n", (unsigned long long)handled,
	       handled > 0 ? bench_cpu_us() / (double)handled : 0);
}

/* ---- libcurl */

static size_t
swallow(char *p, size_t size, size_t n, void *ctx)
{
	(void)p, (void)ctx;
	return size * n;
}

static uint64_t
collect(CURLM *multi, struct bench_lead *l, uint64_t *begun, uint64_t n)
{
	uint64_t done = 0;
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(multi, &left)) != NULL) {
		CURL *c = m->easy_handle;

		if (m->data.result != CURLE_OK)
			bench_die("a POST failed: %s", curl_easy_strerror(m->data.result));
		done++;
		curl_multi_remove_handle(multi, c);
		if (*begun < n) {
			bench_lead_number(l, (*begun)++, 0);
			curl_easy_setopt(c, CURLOPT_COPYPOSTFIELDS, l->text);
			curl_multi_add_handle(multi, c);
		}
	}
	return done;
}

static void
bare_post(unsigned port, const char *sample, uint64_t n)
{
	struct curl_slist *headers = curl_slist_append(curl_slist_append(NULL, "Content-Type: application/json"), "Expect:");
	CURLM *multi = curl_multi_init();
	struct bench_lead l;
	uint64_t begun = 0, done = 0;
	char url[64];
	double cpu;
	int64_t wall;
	int running;

	bench_lead_init(&l, sample, "webhook", "acct");
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/webhook", port);
	cpu = bench_cpu_us();
	wall = bench_now_us();
	for (int i = 0; i < POSTS; i++) {
		CURL *c = curl_easy_init();

		curl_easy_setopt(c, CURLOPT_URL, url);
		curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
		curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, swallow);
		curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)l.len);
		bench_lead_number(&l, begun++, 0);
		curl_easy_setopt(c, CURLOPT_COPYPOSTFIELDS, l.text);
		curl_multi_add_handle(multi, c);
	}
	while (done < n) {
		curl_multi_perform(multi, &running);
		done += collect(multi, &l, &begun, n);
		if (done < n)
			curl_multi_poll(multi, NULL, 0, 1000, NULL);
	}
	printf("{\"per_s\":%.1f,\"cpu_us_per_request\":%.3f}\n", (double)n * 1e6 / (double)(bench_now_us() - wall),
	       (bench_cpu_us() - cpu) / (double)n);
}

int
main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "store") == 0)
		bare_store(argv[2], argv[3], bench_number(argv[4], "store"));
	else if (argc == 4 && strcmp(argv[1], "sync") == 0)
		bare_sync(argv[2], bench_number(argv[3], "sync"));
	else if (argc == 4 && strcmp(argv[1], "serve") == 0 && strcmp(argv[2], "--port-file") == 0)
		bare_serve(argv[3]);
	else if (argc == 5 && strcmp(argv[1], "post") == 0)
		bare_post((unsigned)bench_number(argv[2], "post"), argv[3], bench_number(argv[4], "post"));
	else
		bench_die("usage: bare store FOLDER LEAD N | sync FOLDER N | serve --port-file FILE | post PORT LEAD N");
	return 0;
}
