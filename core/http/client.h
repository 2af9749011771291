/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client.h - HTTP requests to CRMs: many at once, in one thread, on libcurl's multi interface.
 *
 * What the client promises about each request:
 *   - done() is called exactly once, from within cs_http_client_run, unless the request is cancelled or the client freed.
 *   - HTTP/1.1 with keep-alive, TLS verified, no redirects, no proxy, no cookies, no netrc, nothing from the environment.
 *   - Every address is judged by the guard when a connection opens and again when one is used once more.
 *   - A request that mutates goes onto the wire at most once. libcurl would send it again when a kept connection turns
 *     out dead; here that ends as CS_HTTP_RESEND, because nobody knows whether the first one arrived.
 *   - An answer that grows over its limit is dropped, and so is the connection. Bodies of all answers together stay
 *     within a budget: large ones are held back until others have been handed out.
 *
 * All functions belong to one thread, but for cs_http_client_wakeup. Retries, tokens and rate limits are not known here.
 */
#ifndef CS_HTTP_CLIENT_H
#define CS_HTTP_CLIENT_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include "http/guard.h"
#include "http/header.h"
#include "util/err.h"
#include "util/list.h"

#define CS_HTTP_MAX_REQUEST_HEADERS 64
#define CS_HTTP_MAX_ANSWER_HEADERS 100             /* more are left out, and what is beyond 32 KiB together */
#define CS_HTTP_ANSWER_HEADER_BYTES ((size_t)32 << 10)

struct cs_http_client_conf { /* 0 or NULL: the default in brackets */
	int64_t connect_timeout_ms; /* [5000] name, TCP and TLS together */
	int64_t total_timeout_ms;   /* [30000] from the moment a slot is free; each request can say otherwise */
	size_t max_connections;     /* [64] requests under way at once; the others wait in line */
	size_t max_answer;          /* [1 MiB] body of one answer */
	size_t max_answers_total;   /* [32 MiB] bodies of all answers; at least max_answer + 64 KiB */
	const struct cs_guard *guard; /* exceptions of the operator; must outlive the client or cs_http_client_set_guard */
	bool allow_plain;           /* http:// to any allowed address; else only to those that the guard lists */
	const char *ca_file;        /* trust these roots instead of the system's */
	const char *unix_socket;    /* everything goes to this socket and the guard is not asked (the command line) */
};

enum cs_http_fault {
	CS_HTTP_OK = 0,  /* a whole answer, whatever its status */
	CS_HTTP_RESOLVE, /* no address for the name */
	CS_HTTP_CONNECT,
	CS_HTTP_TLS,
	CS_HTTP_TIMEOUT,
	CS_HTTP_RESET,   /* the connection ended before the answer was whole */
	CS_HTTP_TOO_BIG,
	CS_HTTP_REFUSED, /* by the guard */
	CS_HTTP_RESEND,  /* a second sending was stopped; the first may have arrived */
	CS_HTTP_URL,     /* URL, method or a header is not acceptable; nothing was done */
	CS_HTTP_OTHER,   /* not HTTP, or trouble inside libcurl */
};
const char *cs_http_fault_name(enum cs_http_fault f); /* "timeout"; static text */

/* Everything in it is borrowed and lives until done() returns. */
struct cs_http_answer {
	enum cs_http_fault fault;
	bool sent;        /* something of the request may have reached the server */
	int status;       /* also with a fault, when a status line had come; else 0 */
	const struct cs_http_header *headers; /* of the last answer (not of a 100 before it); names in lower case */
	size_t n_headers;
	const char *body; /* never NULL, a NUL stands behind it; empty unless fault is CS_HTTP_OK */
	size_t body_len;
	int64_t start_us; /* cs_mono_us() when a slot was free */
	int64_t connect_us, first_byte_us, total_us; /* since start_us; 0: did not come to that */
	const char *detail; /* with a fault: what happened, for the store; without path and query */
	void *slot_;      /* private */
};

struct cs_http_client;

/*
 * One request, in the caller's storage. Zero it, fill the first part, start it. Everything it points to, and itself,
 * is borrowed until done() is called (it may be freed or started again in there) or cs_http_client_cancel returned.
 */
struct cs_http_xfer {
	const char *method; /* GET HEAD POST PUT PATCH DELETE */
	const char *url;    /* absolute, see url.h */
	const struct cs_http_header *headers; /* names are tokens, values without CR, LF, NUL; not those of the core */
	size_t n_headers;
	const void *body;   /* POST, PUT, PATCH, DELETE */
	size_t body_len;
	int64_t total_timeout_ms; /* 0: the client's */
	bool mutates;
	void (*done)(struct cs_http_xfer *x, const struct cs_http_answer *a);
	void *ctx;

	struct cs_list link_; /* private from here */
	int state_;
	void *slot_;
	const char *why_;
};

/* NULL with *err filled when the configuration is not acceptable. */
struct cs_http_client *cs_http_client_new(const struct cs_http_client_conf *conf, struct cs_err *err);
/* Drops everything under way without a callback. Not from within done(). NULL is fine. */
void cs_http_client_free(struct cs_http_client *c);
/* After a reload. Kept connections are judged by the new one when they are used again. */
void cs_http_client_set_guard(struct cs_http_client *c, const struct cs_guard *guard);

/* Never fails: what is wrong with the request is told to done(). */
void cs_http_client_start(struct cs_http_client *c, struct cs_http_xfer *x);
/* No callback afterwards; the connection is closed if the request was on it. Harmless when it is not under way. */
void cs_http_client_cancel(struct cs_http_client *c, struct cs_http_xfer *x);

/*
 * Move everything on, call done() for what has ended, then sleep until something happens: on a connection, on one of the
 * caller's descriptors (events and revents as in poll(2)), by wake-up, or timeout_ms. Does not sleep when a callback was
 * called: the caller has news to work on. 0 or CS_EIO.
 */
int cs_http_client_run(struct cs_http_client *c, int timeout_ms, struct pollfd *fds, size_t n_fds);
/* End the sleep of cs_http_client_run, or the next one. Any thread. */
void cs_http_client_wakeup(struct cs_http_client *c);

/* Inside done(): take the body over (free() it). NULL when it is empty. It no longer counts against the budget. */
char *cs_http_answer_steal(const struct cs_http_answer *a, size_t *len);
/* Under way and in line, for metrics and admission. */
size_t cs_http_client_active(const struct cs_http_client *c);
size_t cs_http_client_waiting(const struct cs_http_client *c);

#endif
