/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limit.h - the vendors' rate limits, per tenant: rolling windows, and buckets that refill (GraphQL costs).
 */
#ifndef CS_SANDBOX_LIMIT_H
#define CS_SANDBOX_LIMIT_H

#include "sandbox/crm/store.h"
#include "sandbox/rules/value.h"

/*
 * Charge every limit of the endpoint's class. NULL: go on; else the limit that is used up (nothing was
 * charged then).
 * ${limit/NAME/max|left|wait_ms|wait_s} are set either way.
 */
const struct cs_sb_limit *cs_sb_limits_charge(struct cs_sb_scope *sc);
/* Add the header lines that the limits of this endpoint declare. */
void cs_sb_limits_headers(struct cs_sb_scope *sc, struct cs_sb_reply *reply);
void cs_sb_limits_free(struct cs_sb_tenant *t);

#endif
