/* SPDX-License-Identifier: Apache-2.0 */
/*
 * access.h - who is asking: credentials as the data file names them, and to which tenant they belong.
 */
#ifndef CS_SANDBOX_ACCESS_H
#define CS_SANDBOX_ACCESS_H

#include "sandbox/crm/store.h"
#include "sandbox/rules/value.h"

/* Check the endpoint's "needs" and set sc->tenant. NULL: welcome; else the name of the error to answer. */
const char *cs_sb_access(struct cs_sb_scope *sc, struct cs_sb_crm_state *st);
/* For a request that no endpoint took: whatever of its path looks like a token is a secret. */
void cs_sb_access_hide(struct cs_sb_scope *sc);
/* Does `text` fit "constant" or "before{tenant}after"? Then tenant[] is filled ("default" for a constant). */
bool cs_sb_fits(const char *pattern, const char *text, char tenant[CS_SB_TENANT_NAME + 1]);
/* A Standard Webhooks signature over the request, with one of these secrets (whsec_...)? */
bool cs_sb_webhook_signed(const struct cs_sb_scope *sc, json_object *secrets, int64_t tolerance_s);

#endif
