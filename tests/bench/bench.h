/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench.h - what load, sink, bare and fill share: the lead they send, and where they note times.
 *
 * A lead of the bench is etc/sample-lead.json with an event_id, phone, e-mail and account of its own, all of fixed width, padded
 * to 1900 bytes. Its number stands in the last twelve digits of the event_id, so that the sink knows it by the webhook-id.
 * Times go into a file that load and sink both map: microseconds of CLOCK_MONOTONIC, which all processes share.
 */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_BODY 1900

/* ---- the lead */

struct bench_lead {
	char *text;
	size_t len;
	size_t event_id, account, phone, email; /* where their digits begin */
};

/* Read the sample and make it ready for `crm`; ends the process when it cannot. account: "acct", or another word of 4 letters. */
void bench_lead_init(struct bench_lead *l, const char *path, const char *crm, const char *account);
/* Make it the lead of that number, of the account ACCOUNT_000000 + account. */
void bench_lead_number(struct bench_lead *l, uint64_t number, unsigned account);

/* ---- the times */

struct bench_row {
	_Atomic int64_t sent_us, answered_us, seen_us; /* 0: not yet */
};

struct bench_map {
	_Atomic uint64_t seen;         /* requests that the sink answered */
	_Atomic uint64_t distinct;     /* leads among them; counted for the numbers of rows[] only */
	_Atomic int64_t first_seen_us, last_seen_us;
	uint64_t base, capacity;       /* rows[] are the leads base .. base + capacity - 1 */
	uint64_t spare[2];
	struct bench_row rows[];
};

/* Map the file, which bench.py made. NULL path: NULL. */
struct bench_map *bench_map_open(const char *path);
struct bench_row *bench_map_row(struct bench_map *m, uint64_t number); /* NULL: none for it */

/* ---- the rest */

int64_t bench_now_us(void);
double bench_cpu_us(void);            /* of this process, user and system */
void bench_die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
uint64_t bench_number(const char *text, const char *what);
/* A listening (port 0: any) or connected loopback socket, without delay. */
int bench_listen(unsigned *port);
int bench_connect(unsigned port);
void bench_write_port(const char *path, unsigned port);

#endif
