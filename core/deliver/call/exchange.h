/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange.h - one HTTP request of a plugin and its answer: built, sent, classed, written down.
 *
 * Engine thread only. The request is copied at the start (the frame it came in is gone soon), secrets go in last, and are
 * wiped with it.
 */
#ifndef CS_DELIVER_EXCHANGE_H
#define CS_DELIVER_EXCHANGE_H

#include "deliver/call/session.h"
#include "util/list.h"

#define CS_EXCHANGE_HEADERS 48

struct cs_exchange {
	struct cs_session *s;
	const struct cs_step_row *step;
	const struct cs_limit_row *limit; /* NULL: none */
	struct cs_http_req req;           /* copied into mem */
	struct cs_arena mem;
	struct cs_buf url, body;          /* as sent; body unused when nothing had to be filled in */
	size_t n_headers;
	struct cs_http_xfer xfer;
	struct cs_heap_node timer;        /* waits for its budget */
	struct cs_list spare;             /* engine->spare_exchanges, once it is over */
	struct cs_token_wait token;       /* waits for a new token */
	int64_t token_gen;                /* of the token that it was built with */
	int64_t started_ms;
	bool mutates, repeated;           /* repeated: once more after a 401 */
	struct cs_http_header headers[CS_EXCHANGE_HEADERS]; /* last: not cleared for the next one */
};

/* Copy and check what the plugin asks for. NULL with *why (static) when it breaks a rule of the manifest. */
struct cs_exchange *cs_exchange_new(struct cs_session *s, const struct cs_http_req *req, const char **why);
void cs_exchange_free(struct cs_exchange *x); /* wiped; its memory is kept for the next one */
void cs_exchange_free_spare(struct cs_engine *e);
/* A header of the request as it goes out, in place of one of that name. The value lives in x->mem; it may hold a secret and is wiped with the
 * exchange. */
void cs_exchange_header(struct cs_exchange *x, const char *name, const char *value);
/* Sign what is built, by the manifest. 0, or CS_ENOTFOUND when the secret is not there. */
int cs_exchange_sign(struct cs_exchange *x, struct cs_bytes body, struct cs_err *err);
/* Fill in base URL, constants and secrets: x->xfer is ready. 0, CS_ENOTFOUND (a secret that it needs is not set), or CS_EINVAL / CS_EPERM,
 * with err. */
int cs_exchange_build(struct cs_exchange *x, struct cs_err *err);

struct cs_class { /* what an answer means */
	int32_t outcome;        /* what http() returns */
	bool doubt;             /* the step may or may not have happened */
	enum cs_blame blame;
	int64_t retry_after_ms; /* 0: the CRM said nothing */
};
/* By fault, status and the manifest's rows. Pure. */
void cs_exchange_classify(const struct cs_manifest *m, bool mutates, const struct cs_http_answer *a, int64_t now_ms,
                          struct cs_class *out);
/* Does it wait for a new token? Then nothing of it is under way. */
bool cs_exchange_waits(const struct cs_exchange *x);
/* Add the record of this exchange, secrets masked, to the session's list. */
void cs_exchange_note(struct cs_exchange *x, const struct cs_http_answer *a, const struct cs_class *c);
/* Replace every known secret of the connection in `text` by asterisks of the same length. */
void cs_exchange_scrub(const struct cs_context *c, char *text, size_t n);

#endif
