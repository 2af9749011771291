/* SPDX-License-Identifier: Apache-2.0 */
/*
 * subscription.h - the end of a connection that a bridge has made (CS_SUB_BRIDGE), because it unsubscribed or its target is gone.
 *
 * Nobody waits for what it has not got: that is discarded, with the reason, and raises no alert. The engine has to have left the
 * connection before (cs_engine_post_leave). Writer thread.
 */
#ifndef CS_QUEUE_SUBSCRIPTION_H
#define CS_QUEUE_SUBSCRIPTION_H

#include "store/store.h"

/* 0; CS_ENOTFOUND when it is gone already, or is no subscription. */
int cs_subscription_end(struct cs_store *s, int64_t conn_id, const char *why, int64_t now_ms, struct cs_err *err);

#endif
