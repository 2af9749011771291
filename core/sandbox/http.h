/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.h - the sandbox's own HTTP/1.1 server: one thread, one epoll, and the power to misbehave.
 *
 * The daemon's server (core/http) is built to answer well; this one must also answer late, half, too much or
 * never, and close at a chosen moment, with little CPU per request so that benchmarks measure csrelay and not
 * the fake CRM. Plain HTTP on loopback only. Keep-alive and pipelining work; a late answer holds back its own
 * connection alone.
 */
#ifndef CS_SANDBOX_HTTP_H
#define CS_SANDBOX_HTTP_H

#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include "util/err.h"
#include "util/mem.h"

#define CS_SB_MAX_HEADERS 64
#define CS_SB_MAX_HEAD (32u << 10)
#define CS_SB_MAX_BODY (8u << 20)

struct cs_sb_header {
	const char *name; /* lower case */
	const char *value;
	uint32_t name_len, value_len;
};

/* Everything points into the connection's buffer and lives until the handler returns; texts end with NUL. */
struct cs_sb_request {
	uint64_t id;        /* counts up over all connections */
	const char *method;
	const char *path;   /* as sent, without the query; begins with '/' */
	const char *query;  /* "" when there is none */
	const char *body;
	size_t body_len;
	struct cs_sb_header headers[CS_SB_MAX_HEADERS];
	size_t nheaders;
};

enum cs_sb_manner {
	CS_SB_SEND = 0,
	CS_SB_CUT,   /* announce the whole body, send half of it, close */
	CS_SB_CLOSE, /* close without an answer */
	CS_SB_HOLD,  /* never answer; the connection stays until the client gives up */
};

struct cs_sb_reply {
	int status;
	const char *type;      /* content type; NULL: no header */
	struct cs_buf headers; /* whole lines, each ending in CRLF */
	struct cs_buf body;
	enum cs_sb_manner manner;
	int64_t delay_ms;
};

typedef void (*cs_sb_handler)(void *ctx, const struct cs_sb_request *req, struct cs_sb_reply *reply);

/*
 * http_parse.c: the head in [p, p + n), its empty line included. 0, or the status to refuse it with. Then how
 * many of the n bytes at p behind it belong to the body: 1 with *used and req->body_len (chunks are put
 * together in place), 0 when more must come, else the status to refuse it with, negated.
 */
int cs_sb_parse_head(struct cs_sb_request *req, char *p, size_t n, bool *http10);
int cs_sb_find_body(struct cs_sb_request *req, char *p, size_t n, size_t *used);

/* The value of a header (name in lower case), or NULL. */
const char *cs_sb_header(const struct cs_sb_request *req, const char *name);
/* Add a header line; a value that could break the line apart is left out. */
void cs_sb_reply_header(struct cs_sb_reply *reply, const char *name, const char *value);

struct cs_sb_server;
/* Listen on host (a loopback address, else CS_EPERM) and port (0: any free one). 0 or CS_E* with *err filled.
 */
int cs_sb_server_open(struct cs_sb_server **out, const char *host, unsigned port, cs_sb_handler handler,
		      void *ctx, struct cs_err *err);
unsigned cs_sb_server_port(const struct cs_sb_server *s);
/* Serve until cs_sb_server_stop; the handler runs in this thread. */
void cs_sb_server_run(struct cs_sb_server *s);
/* From any thread or signal handler. */
void cs_sb_server_stop(struct cs_sb_server *s);
void cs_sb_server_close(struct cs_sb_server *s);

#endif
