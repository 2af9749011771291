/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugins.h - the plugins that the engine holds: loaded, run, parked, loaded anew.
 *
 * Engine thread, or before it starts and after it has ended; what other threads may ask stands in engine.h.
 */
#ifndef CS_DELIVER_PLUGINS_H
#define CS_DELIVER_PLUGINS_H

#include "deliver/engine_private.h"

#define CS_PLUGINS_FDS (2 * CS_PLUGINS_MAX * CS_REMOTE_FDS)

/* With plugins.confined the program for their processes must be there. */
int cs_plugins_init(struct cs_engine *e, struct cs_err *err);
void cs_plugins_fini(struct cs_engine *e);
/* A plugin that is enabled; nothing when it is there already. */
void cs_plugins_load(struct cs_engine *e, const char *name);
/* Let everything that can go on go on. True when something was done. */
bool cs_plugins_run(struct cs_engine *e);
size_t cs_plugins_poll(struct cs_engine *e, struct pollfd fds[CS_PLUGINS_FDS]);
void cs_plugins_polled(struct cs_engine *e, const struct pollfd *fds, size_t n);
/* When one of them wants its turn although nothing was found. */
int64_t cs_plugins_wake_ms(struct cs_engine *e);
/* A lead was on the processor when this plugin's process died. */
void cs_plugins_blame(struct cs_engine *e, const char *crm, const char *event_id);

#endif
