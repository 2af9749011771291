/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox.h - `csrelay sandbox`: fake CRMs from data files, for demonstrations, plugin authors and tests.
 *
 * The command line calls cs_sandbox_main. Tests and benchmarks in C may run one in a thread of their own.
 */
#ifndef CS_SANDBOX_SANDBOX_H
#define CS_SANDBOX_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "util/clock.h"
#include "util/err.h"

struct cs_sandbox_conf {
	const char *host;        /* a loopback address; NULL: 127.0.0.1 */
	unsigned port;           /* 0: any free one */
	const char *data;        /* folders, separated by ':', with NAME/sandbox.json or NAME.sandbox.json */
	const char *const *crms; /* names; NULL: all that are found */
	size_t ncrms;
	size_t keep_docs;        /* documents kept whole; 0: ids and counters only */
	int64_t lag_ms;          /* of search indexes; -1: as the data files say */
	struct cs_clock *clock;  /* NULL: the real one */
};
#define CS_SANDBOX_CONF_INIT { .port = 8181, .keep_docs = 100000, .lag_ms = -1 }

struct cs_sandbox;
/* Read the data files and listen. 0, or CS_E* with *err filled. */
int cs_sandbox_open(struct cs_sandbox **out, const struct cs_sandbox_conf *conf, struct cs_err *err);
unsigned cs_sandbox_port(const struct cs_sandbox *s);
/* Serve in this thread until cs_sandbox_stop, which any thread or signal handler may call. */
void cs_sandbox_run(struct cs_sandbox *s);
void cs_sandbox_stop(struct cs_sandbox *s);
void cs_sandbox_close(struct cs_sandbox *s);

/* The subcommand: argv[0] is "sandbox". Returns the exit status: 0, 1 (could not start), 2 (usage). */
int cs_sandbox_main(int argc, char **argv);

#endif
