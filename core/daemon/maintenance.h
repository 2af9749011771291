/* SPDX-License-Identifier: Apache-2.0 */
/*
 * maintenance.h - the thread for what nobody waits for: checkpoints, retention, sealing anew after a change of
 * keys, what nobody came back for (api/conn/lapse.h), and the look for emergencies that are late.
 *
 * Checkpoints (measured, see the bench notes): a PASSIVE one runs here whenever the log has grown; when readers or the writer
 * keep it from finishing, the writer is asked for one between two commits. Retention deletes in small bites that ride the
 * writer's commits.
 */
#ifndef CS_DAEMON_MAINTENANCE_H
#define CS_DAEMON_MAINTENANCE_H

#include "conf/conf.h"
#include "deliver/engine.h"
#include "store/store.h"
#include "store/writer.h"
#include "vault/vault.h"

struct cs_maintenance;
/* Takes over `handle` (a store handle of its own). vault may be NULL. */
int cs_maintenance_start(struct cs_store *handle, struct cs_writer *writer, struct cs_engine *engine, const struct cs_vault *vault, const struct cs_clock *clock,
                         struct cs_conf *conf, struct cs_maintenance **out, struct cs_err *err);
void cs_maintenance_reload(struct cs_maintenance *m, struct cs_conf *conf);
void cs_maintenance_stop(struct cs_maintenance *m);

#endif
