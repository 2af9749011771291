/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server.h - one HTTP listener: whole requests in, answers out, now or later and from any thread.
 *
 * A server is one thread of its own. It reads a request with its body, checks what every request must keep, and calls
 * handle() in that thread. From then on the request belongs to the application until it answers with cs_http_reply,
 * exactly once, at once or later and from any thread. The client's going away changes nothing about that.
 *
 * What never reaches handle(): Content-Length twice, or beside Transfer-Encoding; encodings other than chunked; bad paths,
 * and such with an encoded slash unless slash_in is set; bodies over their limit (413); bodies for which there is no memory (503).
 */
#ifndef CS_HTTP_SERVER_H
#define CS_HTTP_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "http/header.h"
#include "http/problem.h"
#include "util/err.h"
#include "util/list.h"
#include "util/mem.h"

struct cs_http_server;

struct cs_http_reply;

/* What the application sees. Everything but `user` and `link` is read-only and lives until cs_http_reply. */
struct cs_http_request {
	const char *method;
	const char *target;      /* as sent: path and query, not decoded */
	const char *path;        /* decoded: UTF-8 without control characters, begins with "/", no "." or ".." segments */
	const char *body;        /* never NULL; a NUL stands behind it. NULL before handle() */
	size_t body_len;
	void *ctx;               /* of the configuration */
	void *user;              /* the application's, NULL at first */
	struct cs_list link;     /* the application's, to keep the request on a list */
	/* Of a request that comes from within (inner.h): who gets the answer instead of the network. NULL for all others. */
	void (*divert)(struct cs_http_request *req, const struct cs_http_reply *a);
};

struct cs_http_peer {
	bool is_unix, loopback;
	uid_t uid; /* of a unix socket: who connected, as the kernel says */
	gid_t gid;
	pid_t pid;
	char address[64]; /* numeric; "unix" */
};

enum cs_http_body { CS_BODY_COPY = 0, CS_BODY_TAKE /* from malloc; freed here */, CS_BODY_STATIC /* lives for ever */ };

struct cs_http_reply {
	int status;
	const char *content_type; /* NULL: none */
	const void *body;
	size_t body_len;
	enum cs_http_body own;
	const struct cs_http_header *headers; /* more of them */
	size_t n_headers;
};

struct cs_http_server_conf { /* 0 or NULL: the default in brackets */
	const char *thread_name;   /* ["cs-http"] at most 15 bytes, as top and gdb show it */
	const char *listen;        /* see listen.h; port 0 is any */
	bool behind_proxy;         /* a plain listener may be on something else than loopback */
	const char *tls_cert_file; /* PEM, both or none: own TLS */
	const char *tls_key_file;
	size_t max_body;           /* [256 KiB] */
	size_t max_bodies_total;   /* [32 MiB] received and not yet answered; 503 over it */
	unsigned max_connections;  /* [1024] */
	unsigned idle_timeout_s;   /* [30] without a byte; not while the application has the request */
	int64_t body_timeout_ms;   /* [60000] from the request line to the end of the body */
	void *ctx;
	/*
	 * Optional: may an encoded slash (%2F) stand in this request's path? Whoever allows it splits `target` and decodes each
	 * segment; in `path` such a slash looks like any other.
	 */
	bool (*slash_in)(void *ctx, const struct cs_http_request *req);
	/*
	 * A whole request; server thread, must not block. NULL is not allowed.
	 */
	void (*handle)(void *ctx, struct cs_http_request *req);
	/*
	 * Optional, before the body is read: returns the limit of the body for this path (0: max_body). It may answer
	 * with cs_http_reply instead; then the body is thrown away and handle() is not called.
	 */
	size_t (*on_headers)(void *ctx, struct cs_http_request *req);
};

struct cs_http_server_stats {
	uint64_t requests, refused; /* refused: answered by the server itself */
	uint64_t over_budget;       /* of those: 503 for want of memory */
	size_t active;              /* requests begun and not completed */
	size_t body_bytes;          /* held at the moment */
};

/* Starts the thread. NULL with *err filled. The texts in *conf are not needed afterwards. */
struct cs_http_server *cs_http_server_start(const struct cs_http_server_conf *conf, struct cs_err *err);
unsigned cs_http_server_port(const struct cs_http_server *s);
/* No new connections; those that are open get "Connection: close" with their next answer. */
void cs_http_server_quiesce(struct cs_http_server *s);
/*
 * Quiesce, wait up to grace_ms for open requests, answer the rest with 503, end the thread.
 * The application may still hold requests afterwards: the only thing to do with such a one is cs_http_reply, which frees it.
 */
void cs_http_server_stop(struct cs_http_server *s, int64_t grace_ms);
/* A stopped one, or NULL, once the threads that answered its requests are past that: they may still be about to wake it. */
void cs_http_server_free(struct cs_http_server *s);
void cs_http_server_stats(struct cs_http_server *s, struct cs_http_server_stats *out);

/*
 * Headers, parameters and peer are the connection's: ask from within handle() or on_headers, or later as long as
 * cs_http_server_stop is not under way.
 * First value of a header (any case) or of a query parameter (decoded; "" when it has no "="); NULL when absent. Borrowed.
 */
const char *cs_http_request_header(const struct cs_http_request *req, const char *name);
const char *cs_http_request_query(const struct cs_http_request *req, const char *name);
/* A cookie's value, copied into the arena; NULL when absent. */
char *cs_http_request_cookie(const struct cs_http_request *req, const char *name, struct cs_arena *mem);
/* Calls fn for each header in the order of arrival. */
void cs_http_request_headers(const struct cs_http_request *req, void (*fn)(void *, const char *name, const char *value),
                             void *fn_ctx);
void cs_http_request_peer(const struct cs_http_request *req, struct cs_http_peer *out);
/* Take the body over (free() it); NULL when it is empty. It counts against max_bodies_total until the reply. */
char *cs_http_request_steal_body(struct cs_http_request *req, size_t *len);

/* Answer; the request is gone for the caller. Any thread. */
void cs_http_reply(struct cs_http_request *req, const struct cs_http_reply *reply);
/* JSON text, copied. */
void cs_http_reply_json(struct cs_http_request *req, int status, const char *json, size_t len);
/* application/problem+json. retry_after_s > 0 adds that header. */
void cs_http_reply_problem(struct cs_http_request *req, const struct cs_problem *p, int retry_after_s);
/* A problem without rows, and one more header (NULL: none) that the status asks for: Allow, WWW-Authenticate. */
void cs_http_reply_error(struct cs_http_request *req, int status, const char *detail, const char *header, const char *value);

#endif
