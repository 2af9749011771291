/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oauth.h - OAuth 2.0 as far as it is text: what a token request says, what its answer means, PKCE, the authorize URL.
 *
 * Pure functions of a manifest's way; who sends, waits and stores is deliver/grant/token.c. Any thread.
 */
#ifndef CS_AUTH_OAUTH_H
#define CS_AUTH_OAUTH_H

#include "plugin/manifest/auth.h"
#include "util/err.h"
#include "util/json.h"
#include "util/mem.h"

/* Body of a token request. Values are encoded as form or JSON; a marker in place of a secret passes unchanged, because it is made
 * of characters that need no encoding. */
void cs_oauth_body(bool json, const struct cs_pair *v, size_t n, struct cs_buf *out);

enum cs_oauth_verdict {
	CS_OAUTH_OK,
	CS_OAUTH_DEAD, /* the grant is over: a person must connect again */
	CS_OAUTH_ILL,  /* the token endpoint, or the app's own set-up, is not well: later again */
};
struct cs_oauth_answer {
	enum cs_oauth_verdict verdict;
	const char *access, *refresh;             /* "" for none; live in doc */
	int64_t expires_s, refresh_expires_s;     /* -1: it does not say */
	char error[101];                          /* the error's code, characters of an identifier only; "" */
	json_object *doc;
};
/* status 0: no answer came, body is empty. To be given to cs_oauth_answer_fini, which wipes the tokens. */
void cs_oauth_answer_read(const struct cs_auth_way *w, int status, const char *body, size_t n, struct cs_oauth_answer *out);
/* The tokens are wiped, and stand no longer in a->doc. */
void cs_oauth_answer_blank(const struct cs_auth_way *w, struct cs_oauth_answer *a);
void cs_oauth_answer_fini(struct cs_oauth_answer *a);

/* From when on a token of this life is to be renewed before use. 0: not by the clock. Times in ms. */
int64_t cs_oauth_renew_ms(const struct cs_auth_way *w, int64_t now_ms, int64_t expires_ms);

/* "id:secret" of a client as HTTP Basic, appended. */
void cs_oauth_basic(const char *id, const char *secret, struct cs_buf *out);

/* base64url(SHA-256(verifier)), appended. */
void cs_oauth_challenge(const char *verifier, struct cs_buf *out);

/* Add "name=value" to a URL, encoded. */
void cs_oauth_param(struct cs_buf *url, const char *name, const char *value);

#endif
