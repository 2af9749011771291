/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sync.h - static connections: what the configuration files say, brought into the store.
 *
 * A static connection has a row like any other, so that deliveries, facts and states hang on it; its secrets stay in the
 * files, and one that is changed there takes the place of what the store has got for it (origin.h). A connection that vanishes from
 * the files is paused, never deleted and never dead-lettered; when it comes back it goes on. Dead letters that were waiting for such
 * a connection are released in the transaction that creates it.
 */
#ifndef CS_DAEMON_SYNC_H
#define CS_DAEMON_SYNC_H

#include "conf/conf.h"
#include "deliver/engine.h"
#include "store/store.h"
#include "vault/vault.h"

#define CS_ALERTS_CONNECTION "csrelay-alerts"

struct cs_sync_result {
	int added, changed, paused, released;
};
/* One transaction of its own on the writer's handle (before the writer runs) or inside an operation: no begin or commit here.
 * changed(ctx, conn_id, crm) is called for each connection whose row was touched. */
int cs_sync_connections(struct cs_store *s, const struct cs_vault *vault, const struct cs_conf *conf, int64_t now_ms, int64_t span_ms,
                        void (*changed)(void *ctx, int64_t conn_id, const char *crm), void *ctx, struct cs_sync_result *out,
                        struct cs_err *err);

#endif
