/* SPDX-License-Identifier: Apache-2.0 */
/* token_private.h - shared by the files of the token service: token.c (when), token_ask.c (the request), token_call.c (or the
 * call of the plugin), token_end.c (what came of it), token_save.c (the commit). */
#ifndef CS_DELIVER_TOKEN_PRIVATE_H
#define CS_DELIVER_TOKEN_PRIVATE_H

#include "auth/oauth.h"
#include "deliver/engine_private.h"
#include "deliver/grant/token.h"

#define CS_TOKEN_PAUSE_MS (10 * CS_MINUTE_MS) /* the longest between two tries */
#define CS_TOKEN_SECRETS 8 /* of one connection: the tokens, and what else a plugin got with them */

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
	struct cs_token_secret {
		char *name, *value;
	} got[CS_TOKEN_SECRETS];      /* in this run; none: contexts have what the store has */
	size_t n_got;
	json_object *facts;           /* got with them; NULL: none */
	struct cs_list waiters;       /* struct cs_token_wait.node */
	struct cs_session session;    /* of the request; context NULL: none */
	struct cs_own_request own;
	bool asking;                  /* the request is under way */
	struct cs_session call;       /* of the plugin that renews; call.call 0: none */
	struct cs_buf told;           /* what it emitted */
	bool captured, has_access, lost; /* in this call: something new is known, an access token, an answer was lost */
	int32_t outcome;              /* for whoever waits, with why, once KEEP is over */
	char why[300];
	const struct cs_auth_way *way; /* of the request under way */
	bool is_broad;                /* KEEP: the token is for many accounts, and one for this is got next */
	bool narrows;                 /* ASK and KEEP: it is that one's turn */
	void (*exchanged)(void *ctx, bool ok, const char *why); /* it is the exchange of a code; NULL: a refresh */
	void *exchanged_ctx;
};

/* token.c */
void cs_token_read_row(struct cs_token *t);
void cs_token_forget_tokens(struct cs_token *t); /* of this run */
void cs_token_put_tokens(struct cs_context *c, const struct cs_token *t); /* into a context that was made before them */
void cs_token_enter(struct cs_token *t, enum cs_token_phase p); /* REST: the way and the context are gone */
void cs_token_release(struct cs_token *t, int32_t outcome, const char *why);
bool cs_token_tell_exchanged(struct cs_token *t, bool ok, const char *why); /* false: it is no exchange of a code */
/* token_end.c: commit what is held; die: for good, with a reason for the owner and one for the log; superseded: another grant came. */
void cs_token_keep(struct cs_token *t);
void cs_token_die(struct cs_token *t, const char *reason, const char *for_log);
void cs_token_superseded(struct cs_token *t);
/* A grant that waits to take a connection's place, or for an account: nobody works with it yet. */
bool cs_token_is_stand_in(const struct cs_token_row *row, const struct cs_context *c);
void cs_token_abandon(struct cs_session *s);
/* Of two sessions the last one that was abandoned ends it. */
void cs_token_abandoned(struct cs_token *t);
/* A new secret, of this run; false: there are too many. */
bool cs_token_hold(struct cs_token *t, const char *name, const char *value);

/* token_ask.c: send the token request of t->session. cs_token_answered is called with what came. */
void cs_token_request(struct cs_token *t, const struct cs_pair *extra, size_t n);
void cs_token_answered(struct cs_token *t, const struct cs_http_answer *a, const struct cs_class *cl);

/* token_ask.c: change the access token for one of the connection's account. False: the connection does not say which. */
bool cs_token_request_account(struct cs_token *t);

/* token_call.c: let the plugin renew. cs_token_called is told how that ended; why is for operators and not for logs. */
void cs_token_call(struct cs_token *t);
void cs_token_called(struct cs_token *t, int32_t outcome, int64_t not_before_ms, const char *why);
/* token_call.c: the plugin waits for this answer. */
void cs_token_call_answered(struct cs_token *t, const struct cs_http_answer *a, struct cs_oauth_answer *o); /* takes the tokens out of it */

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
