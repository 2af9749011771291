/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request.h - private to the server: a request between libmicrohttpd and the application.
 */
#ifndef CS_HTTP_REQUEST_H
#define CS_HTTP_REQUEST_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include "http/server.h"
#include "util/mem.h"

struct cs_http_server {
	struct cs_http_server_conf conf;
	struct MHD_Daemon *daemon;
	unsigned port;
	char *unix_path; /* removed at the end */
	bool is_unix;
	int closed_fd;   /* the listening socket once quiesced, else -1 */
	atomic_bool quiesced, stopping;
	_Atomic uint64_t n_requests, n_refused, n_over_budget;
	_Atomic size_t n_active, body_bytes;
	struct cs_list pool; /* spare requests; server thread only */
	size_t n_pool;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t changed;
	struct cs_list suspended; /* requests whose connection waits for the application */
	size_t n_suspended;
};

/* What the states mean stands in request.c. */
enum { ST_PENDING = 0, ST_SUSPENDED, ST_ANSWERED, ST_ABANDONED };
enum { PH_BEGUN = 0, PH_BODY, PH_WHOLE };

struct request {
	struct cs_http_request pub;
	struct cs_http_server *server;
	struct MHD_Connection *conn;
	struct cs_list link; /* pool or suspended */
	_Atomic int state;
	_Atomic int owners; /* counts from ABANDONED on */
	atomic_bool released;
	int phase;
	bool on_list;
	struct MHD_Response *response;
	int status;
	struct cs_buf line, body; /* line: target, path and method, each with a NUL */
	size_t target_len;
	size_t limit, charged, dropped;
	int64_t begun_us;
};

static inline struct request *
cs_request_of(const struct cs_http_request *pub)
{
	return CS_CONTAINER(pub, struct request, pub);
}

/* The callbacks of libmicrohttpd. ctx is the server. */
void *cs_request_begin(void *ctx, const char *target, struct MHD_Connection *conn);
enum MHD_Result cs_request_access(void *ctx, struct MHD_Connection *conn, const char *url, const char *method,
                                  const char *version, const char *data, size_t *data_len, void **req);
void cs_request_completed(void *ctx, struct MHD_Connection *conn, void **req, enum MHD_RequestTerminationCode why);
/* Answer one suspended request in the application's place. False when there is none. Not the server thread. */
bool cs_request_abandon_one(struct cs_http_server *s);
void cs_request_free_pool(struct cs_http_server *s);

#endif
