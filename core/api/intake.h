/* SPDX-License-Identifier: Apache-2.0 */
/*
 * intake.h - POST /v1/leads: leads come in, and are answered when they are on disk.
 *
 *   202 accepted        200 known already, with its state     409 known with another content
 *   400 no lead at all  401 / 403 not from whom it must be    413 too large
 *   422 a required field is faulty: kept as a dead letter, to be fixed and replayed
 *   503 no room: writer queue, memory or disk; come back after Retry-After
 *
 * Runs in the intake server's thread; the answer is given by the writer's thread after the commit.
 */
#ifndef CS_API_INTAKE_H
#define CS_API_INTAKE_H

#include "conf/conf.h"
#include "deliver/accept.h"
#include "http/server.h"
#include "store/writer.h"

struct cs_intake {
	struct cs_conf *conf;            /* referenced; replaced by cs_intake_reload */
	const struct cs_clock *clock;
	struct cs_store *reader;         /* for API keys; this thread's own */
	struct cs_writer *writer;
	struct cs_accept_env env;
	int64_t noted_key, noted_ms;     /* the use of this key was noted then: its row may not show it yet */
	_Atomic(struct cs_conf *) next_conf; /* waits to be taken over by the intake thread */
	_Atomic bool closing;
};

void cs_intake_handle(void *ctx, struct cs_http_request *req); /* ctx: struct cs_intake * */
size_t cs_intake_on_headers(void *ctx, struct cs_http_request *req);
/* Any thread: the next request sees the new configuration. */
void cs_intake_reload(struct cs_intake *in, struct cs_conf *conf);

#endif
