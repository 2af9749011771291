/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auth.h - how a connection may be authorized: the rows of a manifest's "auth".
 *
 * "auth" is one way, or a list of ways for a CRM that has several (a key to paste, or signing in). A connection uses the first
 * way whose `secrets` it has all of (a way to sign in that lists none: whose tokens it has); where none fits, the first that gets its secrets by itself (OAuth), else the first.
 * So nothing has to be chosen and kept beside the secrets themselves. What a way places on requests ("request") is only
 * added for connections that use it.
 *
 *   "auth": [ { "kind": "oauth2", "grant": "authorization_code", "authorize_url": "...", "token_url": "...", "client_id":
 *               "${setting:client_id}", "client_secret": "client_secret", "scopes": ["a", "b"], "pkce": "S256", ... },
 *             { "kind": "static", "secrets": ["api_key"], "request": { "headers": { "Authorization": "Token ${secret:api_key}" } } } ]
 *
 * Immutable, part of the manifest.
 */
#ifndef CS_PLUGIN_AUTH_H
#define CS_PLUGIN_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cs_pair { /* of texts */
	const char *name, *value;
};

enum cs_auth_kind { CS_AUTH_STATIC, CS_AUTH_OAUTH2 };
enum cs_auth_grant { CS_GRANT_CODE, CS_GRANT_CLIENT };
enum cs_auth_client { CS_CLIENT_BODY, CS_CLIENT_BASIC, CS_CLIENT_NONE };

struct cs_setup_row { /* one thing to do, in order */
	const char *text, *link;
};

struct cs_auth_way {
	const char *name, *label, *help; /* first: the name is unique in the list */
	enum cs_auth_kind kind;
	struct cs_setup_row *setup;
	size_t n_setup;
	const char **secrets;            /* names; what the owner gives, and what tells that a connection uses this way */
	size_t n_secrets;
	struct cs_pair *headers, *query, *json, *form; /* "request"; they become places of the manifest */
	size_t n_headers, n_query, n_json, n_form;
	/* the rest is OAuth 2.0's */
	enum cs_auth_grant grant;
	const char *authorize_url, *token_url, *revoke_url; /* templates; revoke_url may be NULL */
	const char **scopes;
	size_t n_scopes;
	const char *scope_separator;
	int pkce;                        /* 1: S256 */
	const char *client_id;           /* template */
	const char *client_secret;       /* name of a secret; NULL: a public client */
	enum cs_auth_client client_auth;
	int body_json;                   /* 1: token requests are JSON, else forms */
	struct cs_pair *authorize_params, *token_params; /* values are templates */
	size_t n_authorize_params, n_token_params;
	int by_plugin;                   /* renew; 1: the plugin's auth_refresh renews the tokens, 0: the core does, at token_url */
	bool redirect_in_refresh;        /* refresh requests repeat the redirect_uri */
	const char *access_token, *refresh_token; /* names of secrets; refresh_token NULL: this grant has none */
	const char *at_access, *at_refresh, *at_expires, *at_refresh_expires, *at_error; /* pointers into the token answer */
	struct cs_pair *facts;           /* name: fact, value: pointer into the token answer */
	size_t n_facts;
	/* A token for many accounts of the CRM (an agency's) is changed for one of this account: where a member of the token answer
	 * has this value, account_url is asked with the token as Bearer, and answers like token_url. NULL: there are none. */
	const char *account_url, *account_when, *account_is;
	struct cs_pair *account_params, *account_headers; /* values are templates */
	size_t n_account_params, n_account_headers;
	struct cs_pair *callback_facts;  /* name: fact, value: parameter of the callback */
	size_t n_callback_facts;
	int64_t expires_s;               /* of an access token whose answer says nothing; 0: until the CRM refuses it */
	int64_t margin_s;                /* it is renewed so much earlier */
	int64_t idle_life_s;             /* a refresh token dies unused after so long; 0: it does not */
	bool rotates;                    /* a refresh answers a new refresh token, and the old one is dead */
	int needs_reauth;                /* lost_refresh; 0: the old token is tried once more */
	/* the CRM tells by DELETE to the redirect URI that a customer removed the app: pointers into its body, and the fact that a
	 * connection of that customer has; uninstall_tenant NULL: it does not, uninstall_at NULL: it says no time */
	const char *uninstall_tenant, *uninstall_fact, *uninstall_at;
	const char **dead_grant;         /* errors, or statuses of three digits, that mean: connect again */
	size_t n_dead_grant;
};

#endif
