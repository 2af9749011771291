/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hooks.h - what the CRMs tell: inbound webhooks and polls, from the listener to the event in the queue.
 *
 * Two halves. The listener's side (receive.c) verifies a request, keeps what it holds and answers after the commit with
 * the reply that the manifest declares. The engine's side (inbound.c, handle.c) lets the plugin turn what was kept into events, and polls
 * where a plugin wants that; it also has webhooks registered with CRMs that take them by API (subscribe.c). Between them is the
 * store alone.
 *
 *   /hooks/CRM               one address for all connections; the manifest says where the tenant stands
 *   /hooks/CRM/CONNECTION    the address of one connection (its public id)
 */
#ifndef CS_HOOKS_HOOKS_H
#define CS_HOOKS_HOOKS_H

#include "conf/conf.h"
#include "deliver/engine.h"
#include "http/server.h"
#include "store/writer.h"
#include "vault/vault.h"

struct cs_hooks;

struct cs_hooks_conf {
	struct cs_conf *conf;          /* referenced */
	const struct cs_clock *clock;
	struct cs_store *reader;       /* of its own; taken over, also on error */
	struct cs_writer *writer;      /* borrowed, like the next two */
	struct cs_engine *engine;      /* runs already */
	struct cs_vault *vault;        /* NULL: secrets from the files only */
};
int cs_hooks_start(const struct cs_hooks_conf *conf, struct cs_hooks **out, struct cs_err *err);
/* A request below /hooks/; any server's thread (they take turns). Answered at once or after the commit. */
void cs_hooks_handle(void *hooks, struct cs_http_request *req);
/* The limit of the body, for cs_http_server_conf.on_headers. */
size_t cs_hooks_on_headers(void *hooks, struct cs_http_request *req);
/* Any thread: the next request sees the new configuration. */
void cs_hooks_reload(struct cs_hooks *h, struct cs_conf *conf);
/* When nobody calls any more: the listeners are stopped, then the engine, then the writer. NULL is fine. */
void cs_hooks_stop(struct cs_hooks *h);

#endif
