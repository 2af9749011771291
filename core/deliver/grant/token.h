/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token.h - access tokens that keep working: one refresh at a time for each connection, and none of its answers lost.
 *
 * Every request of a connection that is authorized by OAuth passes the gate before it is built. The gate is open while the
 * token is good; else the request waits for the one refresh of its connection:
 *
 *   REST -> INTENT: "a refresh may be under way" is committed -> ASK: the token request -> KEEP: the new tokens are committed
 *        -> REST, and whoever waited goes on with them.
 *
 * Where the manifest says that the plugin renews, ASK is a call of its auth_refresh, and the secrets that its requests capture are the
 * new tokens.
 *
 * A token for many accounts of the CRM (an agency's) is kept like any other, but nobody gets it: from KEEP it goes to ASK and KEEP once more,
 * for a token of the connection's account.
 *
 * A request remembers the generation of the token that it was built with, so a late 401 to an old token refreshes nothing.
 * When the commit of new tokens does not come, they are used from memory, and the commit is tried until it succeeds. An intent
 * that is found open after a crash is settled by the manifest's lost_refresh. After a failure the next try waits, longer each
 * time; only what the manifest calls a dead grant ends the connection's work (needs_reauth).
 *
 * Engine thread only. What is kept here is small and belongs to connections that are in memory; the store's rows are read when
 * one comes to life.
 */
#ifndef CS_DELIVER_TOKEN_H
#define CS_DELIVER_TOKEN_H

#include "deliver/call/context.h"
#include "util/list.h"

struct cs_engine;
struct cs_session;
struct cs_token;

struct cs_token_wait { /* in a request or session that waits for a refresh */
	struct cs_list node;
	/* CS_DONE: go on. CS_RETRY, CS_WAIT or CS_REAUTH: there is no token; why is static or lives for the call. */
	void (*ready)(struct cs_token_wait *, int32_t outcome, const char *why);
};

enum cs_gate { CS_GATE_OPEN, CS_GATE_WAIT, CS_GATE_SHUT };
struct cs_gate_answer {
	int32_t outcome;      /* SHUT */
	int64_t not_before_ms;
	const char *why;
};
/*
 * May a request of this connection be built now? *gen is the generation of the token that it was built with, and is set to the one that
 * it would be built with now. refused: the CRM answered 401 to it. WAIT: w->ready is called later, unless its node is
 * taken off its list.
 */
enum cs_gate cs_token_gate(struct cs_engine *e, struct cs_context *c, int64_t *gen, bool refused, struct cs_token_wait *w,
                           struct cs_gate_answer *out);
/* A plugin asks for a new token itself: as a request that was refused. */
enum cs_gate cs_token_ask(struct cs_engine *e, struct cs_context *c, struct cs_token_wait *w, struct cs_gate_answer *out);

struct cs_token_code { /* what came back from the CRM's consent page */
	const char *code, *verifier, *redirect_uri; /* verifier NULL: without PKCE; copied */
	void (*done)(void *ctx, bool ok, const char *why); /* once, in time; why: for the person */
	void *ctx;
};
/* Exchange a code for the first tokens of a connection whose row and intent are in the store. */
void cs_token_exchange(struct cs_engine *e, struct cs_context *c, const struct cs_auth_way *w, const struct cs_token_code *code);

/* The plugin's auth_refresh wants the manifest's own token request; it is answered in time. Of a session that renews. */
void cs_token_by_manifest(struct cs_session *s);

/* Is no new token under way? Then the context has the newest. */
bool cs_token_settled(struct cs_engine *e, struct cs_context *c);

/* Once a second: commits that hang, refresh tokens that must be used before they die, intents of an earlier run. */
void cs_token_tick(struct cs_engine *e, int64_t now_ms);
/* A pending connection whose code was lost on the way to its first tokens, or whose access the CRM refuses, is of no use to anybody. */
void cs_token_drop(struct cs_engine *e, int64_t conn_id);
/* The connection changed or left memory. What is under way goes on. conn_id 0: all. */
void cs_token_forget(struct cs_engine *e, int64_t conn_id);
void cs_token_free_all(struct cs_engine *e);

#endif
