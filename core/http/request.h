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
#include "util/queue.h"

struct cs_http_server {
	struct cs_http_server_conf conf;
	struct MHD_Daemon *daemon;
	unsigned port;
	char *unix_path; /* removed at the end */
	bool is_unix;
	char thread_name[16];
	pthread_t thread;
	int wake_fd, epoll_fd;
	struct cs_handoff answered; /* requests that other threads have answered */
	atomic_bool quiesced, ending;
	_Atomic uint64_t n_requests, n_refused, n_over_budget;
	_Atomic size_t n_active, body_bytes;
	int64_t grace_until_us;     /* set before `ending` */
	/* Of the server thread only. */
	struct cs_list pool;        /* spare requests */
	struct cs_list suspended;   /* requests whose connection waits for the application */
	size_t n_pool, n_suspended;
	bool stopping;              /* the grace is over */
	/* How the door was closed: the listening socket, else -1. */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int closed_fd;
};

/* What the states mean stands in request.c. */
enum { ST_PENDING = 0, ST_SUSPENDED, ST_ANSWERED, ST_ABANDONED };
enum { PH_BEGUN = 0, PH_BODY, PH_WHOLE };

struct request {
	struct cs_http_request pub;
	struct cs_http_server *server;
	struct MHD_Connection *conn;
	struct cs_list link;     /* pool or suspended; server thread */
	struct cs_list answered; /* on the server's list of that name */
	_Atomic int state;
	_Atomic int owners; /* counts from ABANDONED on */
	int phase;
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
/* The server thread: let those connections go on whose requests were answered; answer the others in the application's place. */
void cs_request_resume_answered(struct cs_http_server *s);
void cs_request_abandon_all(struct cs_http_server *s);
void cs_request_free_pool(struct cs_http_server *s);

#endif
