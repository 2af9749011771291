/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon.h - everything that runs, in the order it comes up and goes down.
 */
#ifndef CS_DAEMON_DAEMON_H
#define CS_DAEMON_DAEMON_H

#include "api/api.h"
#include "api/intake.h"
#include "conf/conf.h"
#include "deliver/engine.h"
#include "daemon/maintenance.h"
#include "hooks/hooks.h"
#include "mail/post.h"
#include "http/server.h"
#include "store/writer.h"
#include "vault/vault.h"

struct cs_daemon {
	const char *conf_file;
	const char *port_dir;            /* writes NAME.port files there once listening (tests, bootstrap); NULL */
	bool trust_plugins;
	struct cs_conf *conf;
	struct cs_vault *vault;
	struct cs_store *store;          /* the writer's, once it runs */
	struct cs_store *reader;         /* of the main thread */
	struct cs_writer *writer;
	struct cs_engine *engine;
	struct cs_slots *slots;
	struct cs_maintenance *maintenance;
	struct cs_post *post;
	struct cs_intake intake;
	struct cs_api admin_api, control_api, connect_api;
	struct cs_api_report report;
	struct cs_hooks *hooks;
	struct cs_http_server *intake_server, *admin_server, *control_server, *hooks_server;
	int64_t epoch, epoch_started_ms, in_doubt;
};

/* Bring everything up. On error what came up is taken down again. */
int cs_daemon_start(struct cs_daemon *d, struct cs_err *err);
/* SIGHUP: whole or not at all. */
void cs_daemon_reload(struct cs_daemon *d);
/* Intake answers what it has, the engine finishes or hands back, the store is closed cleanly. */
void cs_daemon_stop(struct cs_daemon *d);

#endif
