/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oauth.h - issuing, rotating, expiring and revoking tokens, as the data file's "oauth" says.
 */
#ifndef CS_SANDBOX_OAUTH_H
#define CS_SANDBOX_OAUTH_H

#include "sandbox/crm/store.h"
#include "sandbox/rules/value.h"

enum cs_sb_token_state { CS_SB_TOKEN_UNKNOWN, CS_SB_TOKEN_EXPIRED, CS_SB_TOKEN_GOOD };

/* What is an access token worth? tenant[] is filled when it was ever issued. */
enum cs_sb_token_state cs_sb_oauth_access(struct cs_sb_crm_state *st, const char *token, int64_t now_ms,
                                          char tenant[CS_SB_TENANT_NAME + 1]);

/*
 * Run an oauth step: "authorize" (makes a code), "token", "revoke", "introspect" or "exchange" (for a token of the tenant "for"). On success *grant is a
 * new object (code, access_token, refresh_token, expires_in, tenant, active ...). On failure NULL and *error,
 * *why are constants in the words of RFC 6749.
 */
json_object *cs_sb_oauth_step(struct cs_sb_scope *sc, struct cs_sb_crm_state *st, json_object *step,
                              const char **error, const char **why);
/* Admin: make the access tokens of a tenant (NULL: of all) expire now, or take all its tokens back. */
void cs_sb_oauth_expire(struct cs_sb_crm_state *st, const char *tenant, bool take_back);
void cs_sb_oauth_free(struct cs_sb_crm_state *st);

#endif
