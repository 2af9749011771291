/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auth.h - who asks the admin API, and may they?
 *
 * Over the control socket the kernel says who it is: root, the daemon's own user and members of the group csrelay may
 * everything. Elsewhere it takes a bearer key with the scope; a key that is bound to accounts sees only these. Against
 * browsers led astray: the Host must be known (DNS rebinding), and a change must come from the same origin.
 */
#ifndef CS_API_AUTH_H
#define CS_API_AUTH_H

#include "api/api.h"

#define CS_AUTH_CHALLENGE "Bearer realm=\"csrelay\"" /* WWW-Authenticate of a 401 */

enum { CS_SCOPE_INTAKE = 1, CS_SCOPE_READ = 2, CS_SCOPE_ADMIN = 4 /* reads, too */, CS_SCOPE_BRIDGE = 8 /* of one account, and nothing else */ };

enum cs_api_need { CS_NEED_OPEN /* nothing on loopback, elsewhere READ */, CS_NEED_READ, CS_NEED_ADMIN,
	CS_NEED_BRIDGE /* such a key; not even the control socket will do, since it has no account */ };

struct cs_auth {
	unsigned scopes;
	const char *accounts;  /* space-separated; "" all */
	int64_t key_id;        /* 0: no key of the store */
	int64_t last_used_ms;  /* of that key */
	int64_t link_id, session_id; /* of a connect link's session; 0: none */
};

/*
 * By an Authorization header: a key of the store, or one of intake.keys (which has the scope intake). 0, or CS_EPERM with
 * the reason. Texts live in the arena.
 */
int cs_auth_bearer(const struct cs_conf *conf, struct cs_store *reader, const char *authorization, int64_t now_ms,
                   struct cs_arena *mem, struct cs_auth *out, struct cs_err *err);
/* Remember that a key of the store was used, at most every ten minutes. Any thread. */
void cs_key_used(struct cs_writer *w, int64_t id, int64_t last_used_ms, int64_t now_ms);
/* May it see this account? */
bool cs_auth_may(const struct cs_auth *who, const char *account);
/* "operator", "key 3" or "link 5": for histories. */
const char *cs_auth_name(const struct cs_auth *who, struct cs_arena *mem);
/* Bits for "intake read admin bridge"; 0 when a word is unknown. */
unsigned cs_auth_scopes(const char *words);

/* A Host header that names this machine's loopback or stands in the list (with or without port). */
bool cs_auth_host_ok(const char *host, const char *const *allow, size_t n_allow);
/* Not a browser, or a page of ours: by Sec-Fetch-Site, else by Origin against Host. Absent headers are NULL. */
bool cs_auth_origin_ok(const char *fetch_site, const char *origin, const char *host);

/*
 * Everything about one request: fills *who, or returns the status to answer (400, 401, 403) with err saying why.
 */
int cs_auth_request(struct cs_api *api, const struct cs_conf *conf, struct cs_http_request *req, bool control,
                    enum cs_api_need need, struct cs_arena *mem, struct cs_auth *who, struct cs_err *err);

#endif
