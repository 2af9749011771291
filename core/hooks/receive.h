/* SPDX-License-Identifier: Apache-2.0 */
/*
 * receive.h - from a CRM's request to the rows that are kept: whose is it, is it genuine, which happenings does it hold?
 *
 * Driven by the manifest's webhook row and nothing else. Reads the store, changes nothing, knows no HTTP server; one thread at
 * a time for one reader.
 */
#ifndef CS_HOOKS_RECEIVE_H
#define CS_HOOKS_RECEIVE_H

#include "auth/signature.h"
#include "conf/conf.h"
#include "plugin/manifest/manifest.h"
#include "store/store.h"
#include "vault/vault.h"

/* /hooks/CRM, /hooks/CRM/CONNECTION, and /hooks/CRM/CONNECTION/SECRET for CRMs that prove themselves by the URL alone (at
 * app scope: /hooks/CRM/SECRET). */
struct cs_hook_address {
	char crm[65];
	char connection[65]; /* public id; "" */
	char secret[129];    /* "" */
};
/* False: no such path. */
bool cs_hook_address_read(const char *path, struct cs_hook_address *out);

struct cs_receive_env {
	struct cs_store *reader;
	struct cs_vault *vault; /* NULL: secrets from the files only */
	const struct cs_conf *conf;
	int64_t now_ms;
};

struct cs_received {
	int status;             /* of an answer that can be given at once; 0: keep the rows, then give the manifest's reply */
	const char *result;     /* constant word for the metrics: received, unknown, probe, challenge, refused, failed */
	const char *detail;     /* of a refusal, for the sender: static, tells nothing about secrets */
	const char *body, *type; /* of the answer to a challenge or probe */
	struct cs_hook_row *rows;
	size_t n_rows;
	size_t n_unknown;       /* happenings of tenants that nobody connected: answered, not kept */
	struct cs_err why;      /* of a refusal, for the log */
};

/*
 * A connection's address serves both scopes: at app scope, too, an app that belongs to one customer may call there, and is then
 * verified with that connection's own secret. Results live in `mem`; a row's body may point into in->body.
 */
void cs_hooks_receive(const struct cs_receive_env *env, const struct cs_manifest *m, const struct cs_hook_address *at,
                      const struct cs_hook_in *in, struct cs_arena *mem, struct cs_received *out);

#endif
