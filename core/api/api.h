/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api.h - the admin API: what operators, dashboards and `csrelay` ask and tell a running daemon.
 *
 * One thread (that of the admin server) reads, on a store handle of its own that has a time limit. Whatever changes
 * something is an operation for the writer (change.h) and answered by the writer's thread after the commit; the engine is
 * told then, never before. The routes are one table (router.c); each resource has its file.
 */
#ifndef CS_API_API_H
#define CS_API_API_H

#include <pthread.h>
#include <stdatomic.h>
#include "conf/conf.h"
#include "deliver/engine.h"
#include "http/server.h"
#include "store/writer.h"
#include "util/json.h"
#include "util/map.h"

struct cs_api_snapshot; /* health.c: the backlog as it was a moment ago */

/* Puts an event of ours (event-1.0, without identity and times) into the queue, inside a transaction. */
struct cs_api_report {
	/* *made: NULL, or what an earlier run of the same transaction made. Consumes `event`. */
	int (*apply)(void *ctx, const char *account, json_object *event, void **made, struct cs_store *s, int64_t now_ms, struct cs_err *err);
	void (*committed)(void *ctx, void *made, int rc);
	void *ctx;
};

struct cs_api {
	/* given; what is borrowed outlives the API */
	struct cs_conf *conf;             /* through cs_api_conf_ref and cs_api_reload only */
	const struct cs_clock *clock;
	struct cs_store *reader;          /* admin thread */
	struct cs_writer *writer;
	struct cs_engine *engine;         /* may be NULL: nobody is told, what needs a plugin is answered 503 */
	struct cs_slots *slots;           /* may be NULL */
	struct cs_vault *vault;           /* may be NULL; for secrets that are set */
	int64_t started_ms;
	const struct cs_api_report *report; /* NULL: no events */
	void (*reload)(void *ctx);        /* do what SIGHUP does; any thread; NULL: answered 503 */
	void *reload_ctx;

	/* the API's own */
	pthread_mutex_t lock;             /* guards conf */
	int64_t group;                    /* gid of "csrelay"; -1: there is no such group */
	struct cs_map crm_of;             /* connection id -> name; admin thread */
	struct cs_api_snapshot *snapshot; /* admin thread */
	_Atomic bool closing;             /* long replays end after the chunk under way */
};

/* Set the given members (the rest zero), then init. conf is referenced. */
void cs_api_init(struct cs_api *api);
/* Requests are answered from now on with 503; what runs on by itself ends. Before the engine and the writer are stopped. */
void cs_api_close(struct cs_api *api);
/* After the servers and the writer have stopped. */
void cs_api_fini(struct cs_api *api);
/* Any thread: the next request sees the new configuration. */
void cs_api_reload(struct cs_api *api, struct cs_conf *conf);
struct cs_conf *cs_api_conf_ref(struct cs_api *api);

/* Is it for a route that bridges call, from wherever they run? */
bool cs_api_is_bridge(const struct cs_http_request *req);
/*
 * Answer a request: for the handle() of a server, in its thread. `control`: it came over the control socket, where the
 * peer's credentials count instead of a key.
 */
void cs_api_handle(struct cs_api *api, struct cs_http_request *req, bool control);

#endif
