/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auth.c - peer credentials, keys, Host and Origin.
 */
#include "config.h"
#include "api/auth.h"

#include <arpa/inet.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "auth/signature.h"
#include "pages/session.h"
#include "util/text.h"
#include "view/view.h"

#define HOST_MAX 256
#define GROUPS_MAX 256

static const struct {
	const char *word;
	unsigned bit;
} scopes[] = { { "intake", CS_SCOPE_INTAKE }, { "read", CS_SCOPE_READ }, { "admin", CS_SCOPE_ADMIN }, { "bridge", CS_SCOPE_BRIDGE } };

/* ---- words separated by single spaces */

static size_t
next_word(const char **at, const char **word)
{
	size_t n;

	*at += strspn(*at, " ");
	*word = *at;
	n = strcspn(*at, " ");
	*at += n;
	return n;
}

bool
cs_auth_may(const struct cs_auth *who, const char *account)
{
	return cs_view_holds(who->accounts, account);
}

const char *
cs_auth_name(const struct cs_auth *who, struct cs_arena *mem)
{
	if (who->link_id != 0)
		return cs_arena_printf(mem, "link %lld", (long long)who->link_id);
	return who->key_id != 0 ? cs_arena_printf(mem, "key %lld", (long long)who->key_id) : "operator";
}

static unsigned
scope_bit(const char *word, size_t n)
{
	for (size_t i = 0; i < CS_ARRAY_LEN(scopes); i++)
		if (strlen(scopes[i].word) == n && memcmp(scopes[i].word, word, n) == 0)
			return scopes[i].bit;
	return 0;
}

unsigned
cs_auth_scopes(const char *words)
{
	unsigned all = 0, bit;
	const char *word;
	size_t n;

	while ((n = next_word(&words, &word)) > 0) {
		if ((bit = scope_bit(word, n)) == 0)
			return 0;
		all |= bit;
	}
	return all;
}

/* ---- keys */

static bool
is_intake_key(const struct cs_conf *conf, const uint8_t hash[32])
{
	bool found = false;

	for (size_t i = 0; i < conf->intake.keys.n; i++)
		found |= cs_secure_equal(hash, 32, conf->intake.keys.v[i].sha256, 32);
	return found;
}

int
cs_auth_bearer(const struct cs_conf *conf, struct cs_store *reader, const char *authorization, int64_t now_ms,
               struct cs_arena *mem, struct cs_auth *out, struct cs_err *err)
{
	struct cs_key_row row;
	const char *key;
	uint8_t hash[32];
	int rc;

	*out = (struct cs_auth){ .accounts = "" };
	if (authorization == NULL || strncasecmp(authorization, "Bearer ", 7) != 0)
		return cs_err_set(err, CS_EPERM, "this needs a key: Authorization: Bearer csk_...");
	key = authorization + 7 + strspn(authorization + 7, " ");
	cs_api_key_hash(key, strlen(key), hash);
	if (is_intake_key(conf, hash)) {
		out->scopes = CS_SCOPE_INTAKE;
		return 0;
	}
	if ((rc = reader->ops->key_find(reader, hash, mem, &row, err)) < 0)
		return rc != CS_ENOTFOUND ? rc : cs_err_set(err, CS_EPERM, "this key is not known");
	if (row.expires_ms != 0 && row.expires_ms <= now_ms)
		return cs_err_set(err, CS_EPERM, "this key has expired");
	*out = (struct cs_auth){ .scopes = cs_auth_scopes(row.scopes), .accounts = row.accounts, .key_id = row.id, .last_used_ms = row.last_used_ms };
	return 0;
}

/* ---- Host and Origin */

/* "localhost:8080" to "localhost", "[::1]:80" to "::1". False for what cannot be a host. */
static bool
host_name(const char *host, char out[HOST_MAX])
{
	size_t n = strcspn(host, ":");

	if (host[0] == '[') {
		host++;
		n = strcspn(host, "]");
		if (host[n] != ']')
			return false;
	}
	if (n == 0 || n >= HOST_MAX)
		return false;
	memcpy(out, host, n);
	out[n] = '\0';
	return true;
}

static bool
is_loopback_name(const char *name)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (strcasecmp(name, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, name, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, name, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

bool
cs_auth_host_ok(const char *host, const char *const *allow, size_t n_allow)
{
	char name[HOST_MAX];

	if (host == NULL || !host_name(host, name))
		return false;
	for (size_t i = 0; i < n_allow; i++)
		if (strcasecmp(allow[i], host) == 0 || strcasecmp(allow[i], name) == 0)
			return true;
	return is_loopback_name(name);
}

bool
cs_auth_origin_ok(const char *fetch_site, const char *origin, const char *host)
{
	const char *at;

	if (fetch_site != NULL)
		return strcasecmp(fetch_site, "same-origin") == 0 || strcasecmp(fetch_site, "none") == 0;
	if (origin == NULL)
		return true;
	at = strstr(origin, "://");
	return at != NULL && host != NULL && strcasecmp(at + 3, host) == 0;
}

/* ---- the control socket */

static bool
in_group(uid_t uid, gid_t gid, gid_t wanted)
{
	gid_t groups[GROUPS_MAX];
	int n = GROUPS_MAX;
	struct passwd pw, *found = NULL;
	char buf[4096];

	if (gid == wanted)
		return true;
	if (getpwuid_r(uid, &pw, buf, sizeof(buf), &found) != 0 || found == NULL ||
	    getgrouplist(pw.pw_name, gid, groups, &n) < 0)
		return false;
	for (int i = 0; i < n; i++)
		if (groups[i] == wanted)
			return true;
	return false;
}

static bool
is_trusted_peer(const struct cs_api *api, const struct cs_http_peer *p)
{
	if (!p->is_unix)
		return false;
	if (p->uid == 0 || p->uid == geteuid())
		return true;
	return api->group >= 0 && in_group(p->uid, p->gid, (gid_t)api->group);
}

/* ---- the whole */

/* The rows of older keys are not to be trusted to hold exactly one account. */
static bool
is_one_word(const char *s)
{
	return s[0] != '\0' && strchr(s, ' ') == NULL;
}

static bool
is_change(const char *method)
{
	return strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0;
}

/* Behind a proxy on this machine everybody comes from loopback; the proxy says so. */
static bool
is_local(const struct cs_conf *conf, const struct cs_http_request *req, const struct cs_http_peer *p)
{
	if (!p->loopback || p->is_unix)
		return false;
	return !conf->behind_proxy || (cs_http_request_header(req, "X-Forwarded-For") == NULL &&
	                               cs_http_request_header(req, "Forwarded") == NULL);
}

static int
check_browser(const struct cs_conf *conf, const struct cs_http_request *req, bool control, enum cs_api_need need, struct cs_err *err)
{
	const char *host = cs_http_request_header(req, "Host");
	bool is_public = need == CS_NEED_BRIDGE && cs_session_host_ok(conf->public_url, host);

	if (!control && !is_public && !cs_auth_host_ok(host, conf->admin.host_allow.v, conf->admin.host_allow.n)) {
		cs_err_set(err, CS_EPERM, "this Host is not served here; names other than loopback stand in admin.host_allow");
		return host == NULL ? 400 : 403;
	}
	if (is_change(req->method) && !cs_auth_origin_ok(cs_http_request_header(req, "Sec-Fetch-Site"),
	                                                 cs_http_request_header(req, "Origin"), host)) {
		cs_err_set(err, CS_EPERM, "a page of another origin may not change anything here");
		return 403;
	}
	return 0;
}

int
cs_auth_request(struct cs_api *api, const struct cs_conf *conf, struct cs_http_request *req, bool control,
                enum cs_api_need need, struct cs_arena *mem, struct cs_auth *who, struct cs_err *err)
{
	static const unsigned wants[] = { [CS_NEED_OPEN] = CS_SCOPE_READ | CS_SCOPE_ADMIN, [CS_NEED_READ] = CS_SCOPE_READ | CS_SCOPE_ADMIN,
		[CS_NEED_ADMIN] = CS_SCOPE_ADMIN, [CS_NEED_BRIDGE] = CS_SCOPE_BRIDGE };
	static const char *const cannot[] = { [CS_NEED_OPEN] = "read", [CS_NEED_READ] = "read", [CS_NEED_ADMIN] = "change anything",
		[CS_NEED_BRIDGE] = "speak for a bridge; make one with: csrelay keys new NAME --scopes bridge --accounts ID" };
	const char *key = cs_http_request_header(req, "Authorization");
	struct cs_http_peer peer;
	int status, rc;

	*who = (struct cs_auth){ .accounts = "" };
	if ((status = check_browser(conf, req, control, need, err)) != 0)
		return status;
	cs_http_request_peer(req, &peer);
	if (control && need != CS_NEED_BRIDGE && is_trusted_peer(api, &peer)) {
		who->scopes = CS_SCOPE_READ | CS_SCOPE_ADMIN;
		return 0;
	}
	if (need == CS_NEED_OPEN && is_local(conf, req, &peer))
		return 0;
	if ((rc = cs_auth_bearer(conf, api->reader, key, cs_now_ms(api->clock), mem, who, err)) < 0)
		return rc == CS_EPERM ? 401 : 503;
	if ((who->scopes & wants[need]) != 0 && (need != CS_NEED_BRIDGE || is_one_word(who->accounts)))
		return 0;
	cs_err_set(err, CS_EPERM, "this key may not %s", cannot[need]);
	return 403;
}
