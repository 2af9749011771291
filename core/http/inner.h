/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inner.h - a request that comes from within the process: the same handlers, the same checks, the same answers, but no network.
 *
 * Pages are a client of the API like any other; this spares them the socket. An inner request has a method, a target with its query, and a
 * body; it has no headers and no peer, so whoever hands it on has decided already who is asking.
 */
#ifndef CS_HTTP_INNER_H
#define CS_HTTP_INNER_H

#include "http/server.h"

struct cs_http_inner {
	struct cs_http_request pub; /* to be handed to a handler, which answers with cs_http_reply */
	struct cs_arena *mem;       /* of the owner; parameters are decoded into it */
	/* Any thread, once. The answer is borrowed until it returns; the inner request is the owner's again. */
	void (*answered)(struct cs_http_inner *in, const struct cs_http_reply *a);
};

/* Method, target and body are borrowed; the body may be NULL. */
void cs_http_inner_init(struct cs_http_inner *in, const char *method, const char *target, const char *body, struct cs_arena *mem,
                        void (*answered)(struct cs_http_inner *, const struct cs_http_reply *));

/* For fields.c: the first parameter of this name in the target, decoded; NULL. */
const char *cs_http_inner_query(const struct cs_http_request *req, const char *name);

/* "a=1&b=x+y": the next name and value at *at, decoded into the arena as forms are. False at the end. */
bool cs_http_form_next(const char **at, struct cs_arena *mem, char **name, char **value);

#endif
