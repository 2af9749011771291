/* SPDX-License-Identifier: Apache-2.0 */
/*
 * context.h - a connection as an attempt needs it: settings, facts and secrets resolved, ready for many attempts.
 *
 * Built from store, vault, configuration and manifest when a connection gets work, kept while it has some, dropped when
 * anything of it changes; so a mended set-up heals what is queued. Immutable but for facts and captured secrets, which go
 * to the store as well. Secrets are wiped on free. Engine thread only; reference-counted.
 */
#ifndef CS_DELIVER_CONTEXT_H
#define CS_DELIVER_CONTEXT_H

#include "conf/conf.h"
#include "http/url.h"
#include "plugin/remote.h"
#include "store/store.h"
#include "util/mem.h"
#include "vault/vault.h"

struct cs_named { /* a secret or fact; value NUL-terminated */
	char *name, *value;
	size_t len;
	char *encoded;      /* of a secret: as it stands in a URL; NULL: the same */
};

struct cs_context {
	int refs;
	int64_t conn_id, version;    /* version -1: of a candidate */
	uint64_t instance;           /* of the plugin's per-connection cache */
	bool is_static, is_subscription; /* the second: made by a bridge */
	char *crm, *account, *crm_account_id, *public_id, *label, *timezone;
	char *versions;              /* JSON: what an attempt with this context records of plugin and settings */
	enum cs_conn_state state;
	int64_t state_since_ms;
	struct cs_remote *remote;
	struct cs_manifest *manifest;
	const struct cs_auth_way *way; /* how it is authorized, by the secrets that it has */
	json_object *settings;       /* with defaults */
	json_object *overrides;      /* NULL: none */
	struct cs_wire_pair *pairs;  /* settings as text, for the wire */
	size_t n_pairs;
	struct cs_named *facts, *secrets;
	size_t n_facts, n_secrets;
	const char **fact_defaults;  /* by the manifest's rows: good until the fact is learnt; "" for none */
	struct cs_wire_pair *fact_pairs; /* as plugins see them: with the manifest's defaults */
	size_t n_fact_pairs;
	char *seen_url;              /* the base or URL checked last, and what it was found to be: most requests go to one host */
	struct cs_url_origin seen_origin;
	struct cs_arena mem;
	int64_t token_gen;           /* of the access token in secrets; token.c */
	bool identifying;            /* identify.c is asking */
	int64_t identify_after_ms;   /* not again before */
};

struct cs_candidate;

/* Where contexts are made from. */
struct cs_context_source {
	struct cs_store *store;      /* a reader */
	struct cs_vault *vault;      /* NULL: no dynamic secrets */
	struct cs_conf *conf;
	struct cs_remote *(*remote)(void *ctx, const char *crm); /* NULL when the plugin is not there */
	void *ctx;
	const struct cs_candidate *candidate; /* NULL: as the connection is */
};

/* What somebody thinks of changing: tried without being kept. Each may be NULL: as it is. */
struct cs_candidate {
	json_object *settings;       /* laid on the connection's own, null takes one away */
	json_object *overrides;      /* instead of its own */
};

/* CS_ENOTFOUND: no such connection or no plugin for it; CS_EINVAL: its settings break the manifest's rules (err says which,
 * with file and line for static ones). */
int cs_context_new(const struct cs_context_source *src, int64_t conn_id, struct cs_context **out, struct cs_err *err);
struct cs_context *cs_context_ref(struct cs_context *c);
void cs_context_unref(struct cs_context *c);

const char *cs_context_setting(const struct cs_context *c, const char *key); /* "" when there is none */
const char *cs_context_fact(const struct cs_context *c, const char *name);
/* Is every ${fact:NAME} of this template known? */
bool cs_context_has_facts(const struct cs_context *c, const char *template);
const struct cs_named *cs_context_secret(const struct cs_context *c, const char *name); /* NULL */
/* Change in place; the caller also writes it to the store. */
void cs_context_fact_put(struct cs_context *c, const char *name, const char *value, size_t len);
void cs_context_secret_put(struct cs_context *c, const char *name, const char *value, size_t len);
/* For templates: looks up in `ctx` = struct cs_context *. */
struct cs_lookup cs_context_lookup(struct cs_context *c, bool with_secrets);

#endif
