/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view.h - what the store says, as the admin API answers it: lists, stories, the shape of the queue.
 *
 * For the handlers of the API and, where no daemon runs, for csrelay, which answers the same requests from the store by
 * itself. Reads only, and knows nothing of requests: who may see what is the caller's business.
 */
#ifndef CS_VIEW_VIEW_H
#define CS_VIEW_VIEW_H

#include "conf/conf.h"
#include "view/render.h"
#include "vault/vault.h"

struct cs_view {
	struct cs_store *store;
	struct cs_arena *mem;
	struct cs_conns conns;
	struct cs_buf out;   /* the answer as JSON text */
};

/* `max`: bytes of the answer, 0 for no limit. Store and arena are the caller's. */
void cs_view_init(struct cs_view *v, struct cs_store *s, struct cs_arena *mem, size_t max);
void cs_view_fini(struct cs_view *v);

/* By number or event_id. An event_id may stand in several accounts: `account` says in which (NULL: any), and accounts
 * (space-separated, "" all) which may be seen. */
int cs_view_find_lead(struct cs_store *s, struct cs_arena *mem, const char *id, const char *account, const char *accounts,
                      struct cs_lead_row *out, struct cs_err *err);

/* Each below fills out, and returns 0 or what the store said. */

/* Newest first, before the lead `before_id` (0: from the newest). account NULL: all. */
int cs_view_leads(struct cs_view *v, const char *account, int64_t before_id, int max, struct cs_err *err);
/* One lead with its deliveries; as a story with all attempts and what their steps left. */
int cs_view_lead(struct cs_view *v, const struct cs_lead_row *lead, struct cs_err *err);
int cs_view_story(struct cs_view *v, const struct cs_lead_row *lead, struct cs_err *err);
int cs_view_deliveries(struct cs_view *v, const struct cs_filter *f, struct cs_err *err);
int cs_view_delivery(struct cs_view *v, const struct cs_delivery_row *row);
/* With its lead. CS_ENOTFOUND when it is none. */
int cs_view_dead_letter(struct cs_view *v, const struct cs_delivery_row *row, struct cs_err *err);
int cs_view_alerts(struct cs_view *v, bool only_on, struct cs_err *err);
/* Master keys and how many secrets need each: vault/census.h. vault NULL: there is none. */
int cs_view_secrets(struct cs_view *v, const struct cs_vault *vault, struct cs_err *err); /* secrets.c */
int cs_view_queue(struct cs_view *v, int64_t now_ms, struct cs_err *err); /* shape.c */

/* ---- connections */

struct cs_view_conns {
	const char *crm, *account;       /* NULL: any */
	const char *accounts;            /* that may be seen, space-separated; "" all */
	int64_t limit, after_id;
	const struct cs_backlog *waiting; /* of all connections */
	size_t n_waiting;
	const struct cs_conf *conf;      /* names the secrets that stand in files; NULL: not known */
	/* Does a person sign in with a browser to connect this one, which has these secrets? NULL: guessed by their names. */
	bool (*signs_in)(void *ctx, const char *crm, const char *const *secrets, size_t n);
	void *ctx;
};
/* Oldest first. after_id is moved on. */
int cs_view_connections(struct cs_view *v, struct cs_view_conns *w, struct cs_err *err);
int cs_view_connection(struct cs_view *v, const struct cs_view_conns *w, const struct cs_conn_row *c, struct cs_err *err);
/* The history of settings and overrides, newest first, versions below `before` (0: from the newest). */
int cs_view_versions(struct cs_view *v, const struct cs_conn_row *c, int64_t before, int max, struct cs_err *err);
/* The connection in the files that a row was made from, or NULL. */
const struct cs_conf_connection *cs_view_configured(const struct cs_conf *conf, const struct cs_conn_row *c);
/* By public id, NAME, CRM/NAME or, easier to write in a URL, CRM:NAME. */
int cs_view_find_conn(struct cs_store *s, struct cs_arena *mem, const char *name, struct cs_conn_row *out, struct cs_err *err);
/* Does a space-separated list ("" all) hold the account? */
bool cs_view_holds(const char *accounts, const char *account);

#endif
