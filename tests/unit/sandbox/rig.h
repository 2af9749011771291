/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rig.h - a sandbox in a thread of this test, a clock that stands still, and a plain client on a real socket.
 */
#ifndef CS_TEST_SANDBOX_RIG_H
#define CS_TEST_SANDBOX_RIG_H

#include <check.h>
#include <pthread.h>
#include "sandbox/sandbox.h"
#include "util/clock.h"
#include "util/json.h"

#define RIG_NOW 1779805920000LL /* 2026-05-26T14:32:00Z */
#define HUBSPOT_AUTH "Authorization: Bearer sandbox-hubspot-token\r\n"
#define HCP_AUTH "Authorization: Token sandbox-hcp-key\r\n"

struct rig {
	struct cs_sandbox *sandbox;
	struct cs_clock clock;
	pthread_t thread;
	unsigned port;
};

struct answer {
	int status;       /* 0: the connection ended, or nothing came in time */
	char *head, *body; /* NUL-terminated */
	size_t body_len, announced; /* bytes that came, and Content-Length */
	bool ended;       /* the server closed */
	json_object *json; /* NULL when the body is none */
};

extern struct rig rig; /* for test programs that need one only */
void rig_teardown(void); /* of that one */
/* What main returns: these tests, each with the fixture around it (NULL: none). */
int rig_run(const char *name, SFun setup, SFun teardown, const TTest *const *tests, size_t n);

/* The shipped data files of these CRMs (NULL-terminated names), or one called "acme" from text. */
void rig_start(struct rig *r, const char *const *crms, size_t keep_docs);
void rig_start_text(struct rig *r, const char *json);
void rig_stop(struct rig *r);
void rig_advance(struct rig *r, int64_t ms);

/* headers: whole lines, or "". body NULL: none. The answer is good until the next call in this test. */
struct answer *rig_call(struct rig *r, const char *method, const char *path, const char *headers, const char *body);
/* The same with a time-out in ms for the answer, 2000 otherwise. */
struct answer *rig_call_within(struct rig *r, int ms, const char *method, const char *path, const char *headers,
                               const char *body);
/* A scalar of the answer ("" when absent). */
const char *rig_at(const struct answer *a, const char *pointer);
/* How many records a collection got by requests. */
int rig_created(struct rig *r, const char *crm, const char *collection);
void rig_fault(struct rig *r, const char *json);

/* Lower level. */
int rig_connect(struct rig *r);
void rig_send(int fd, const void *p, size_t n);
struct answer *rig_read(int fd, int ms);

#endif
