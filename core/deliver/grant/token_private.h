/* SPDX-License-Identifier: Apache-2.0 */
/* token_private.h - shared by the files of the token service: token.c (when), token_ask.c (the request), token_save.c (the commit). */
#ifndef CS_DELIVER_TOKEN_PRIVATE_H
#define CS_DELIVER_TOKEN_PRIVATE_H

#include "auth/oauth.h"
#include "deliver/engine_private.h"
#include "deliver/grant/token.h"

enum cs_token_phase { CS_TOKEN_REST, CS_TOKEN_INTENT, CS_TOKEN_ASK, CS_TOKEN_KEEP };

struct cs_token {
	struct cs_engine *engine;
	int64_t conn_id;
	struct cs_list busy;          /* in engine->tokens_busy unless it rests */
	struct cs_token_row row;      /* its texts live in mem */
	struct cs_arena mem;
	enum cs_token_phase phase;
	int64_t since_ms;             /* of the phase */
	bool released;                /* KEEP: they use the new token already */
	bool unsaved;                 /* KEEP: the commit failed and is to be tried again */
	bool dead;                    /* the grant is over */
	int failures;                 /* in a row */
	int64_t not_before_ms;        /* the next try */
	char *access, *refresh;       /* got in this run; NULL: contexts have what the store has */
	json_object *facts;           /* got with them; NULL: none */
	struct cs_list waiters;       /* struct cs_token_wait.node */
	struct cs_session session;    /* of the request; context NULL: none */
	struct cs_own_request own;
	const struct cs_auth_way *way; /* of the request under way */
	bool is_broad;                /* KEEP: the token is for many accounts, and one for this is got next */
	bool narrows;                 /* ASK and KEEP: it is that one's turn */
	void (*exchanged)(void *ctx, bool ok, const char *why); /* it is the exchange of a code; NULL: a refresh */
	void *exchanged_ctx;
};
void cs_token_abandon(struct cs_session *s);

/* token_ask.c: send the token request of t->session. cs_token_answered is called with what came. */
void cs_token_request(struct cs_token *t, const struct cs_pair *extra, size_t n);
void cs_token_answered(struct cs_token *t, const struct cs_http_answer *a, const struct cs_class *cl);

/* token_ask.c: change the access token for one of the connection's account. False: the connection does not say which. */
bool cs_token_request_account(struct cs_token *t);

/* token_ask.c: the secret by which the grant of c's way is given back; NULL: it has no token. */
const char *cs_token_to_revoke(const struct cs_context *c);
/* token_ask.c: send that to revoke_url (RFC 7009), as the way's client. s is zeroed but for engine, context, own, answered, abandoned. */
void cs_token_revoke(struct cs_session *s, struct cs_own_request *own);

/* token_save.c: commit t->row, guarded by the generation that the store should have. then() is called in the engine with 0, a failure,
 * or CS_ESTATE: somebody gave the connection another grant meanwhile. */
enum cs_token_save { CS_SAVE_ROW = 0, CS_SAVE_TOKENS = 1, CS_SAVE_DEAD = 2 };
void cs_token_save(struct cs_token *t, enum cs_token_save what, int64_t expect_gen, const char *reason,
                   void (*then)(struct cs_token *t, int rc));

#endif
