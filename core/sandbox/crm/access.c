/* SPDX-License-Identifier: Apache-2.0 */
/*
 * access.c - checking tokens, keys and signatures.
 *
 * A credential is one of several forms ("any"): where its text stands, what is around the token ("Bearer
 * {token}"), and which tokens are good: constants, patterns with {tenant} in them, or what our own token
 * endpoint issued. The first credential that tells a tenant decides whose data the request sees.
 */
#include "config.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include "sandbox/crm/access.h"
#include "sandbox/crm/oauth.h"
#include "util/text.h"

enum verdict { REFUSED, EXPIRED, ACCEPTED };

bool
cs_sb_fits(const char *pattern, const char *text, char tenant[CS_SB_TENANT_NAME + 1])
{
	const char *hole = strstr(pattern, "{tenant}");
	size_t before, after, n = strlen(text);

	memcpy(tenant, "default", sizeof("default"));
	if (hole == NULL)
		return cs_secure_equal(pattern, strlen(pattern), text, n);
	before = (size_t)(hole - pattern);
	after = strlen(hole + 8);
	if (n <= before + after || n - before - after > CS_SB_TENANT_NAME ||
	    strncmp(pattern, text, before) != 0 || strcmp(text + n - after, hole + 8) != 0)
		return false;
	memcpy(tenant, text + before, n - before - after);
	tenant[n - before - after] = '\0';
	return true;
}

/* The part of `text` that stands for {token} in `form`; NULL: it has another form. In place. */
static char *
token_in(const char *form, char *text)
{
	const char *hole = strstr(form, "{token}");
	size_t before, after, n = strlen(text);

	if (hole == NULL)
		return text;
	before = (size_t)(hole - form);
	after = strlen(hole + 7);
	if (n <= before + after || strncmp(form, text, before) != 0 || strcmp(text + n - after, hole + 7) != 0)
		return NULL;
	text[n - after] = '\0';
	return text + before;
}

static enum verdict
judge_token(struct cs_sb_scope *sc, struct cs_sb_crm_state *st, json_object *form, const char *token,
	    char *tenant)
{
	json_object *accept = cs_json_get(form, "accept");

	for (size_t i = 0; accept != NULL && i < json_object_array_length(accept); i++) {
		if (cs_sb_fits(cs_sb_scalar(json_object_array_get_idx(accept, i)), token, tenant))
			return ACCEPTED;
	}
	if (!cs_json_bool(form, "issued", false))
		return REFUSED;
	switch (cs_sb_oauth_access(st, token, sc->now_ms, tenant)) {
	case CS_SB_TOKEN_GOOD:
		return ACCEPTED;
	case CS_SB_TOKEN_EXPIRED:
		return EXPIRED;
	default:
		return REFUSED;
	}
}

static enum verdict
judge(struct cs_sb_scope *sc, struct cs_sb_crm_state *st, json_object *credential, char *tenant)
{
	json_object *any = cs_json_get(credential, "any");
	enum verdict best = REFUSED, v;
	char *text, *token;

	for (size_t i = 0; any != NULL && i < json_object_array_length(any) && best != ACCEPTED; i++) {
		json_object *form = json_object_array_get_idx(any, i);

		if ((text = cs_sb_eval_text(sc, cs_json_get(form, "from"))) == NULL)
			continue;
		if ((token = token_in(cs_json_str(form, "form", "{token}"), text)) != NULL) {
			cs_sb_scope_secret(sc, token);
			v = judge_token(sc, st, form, token, tenant);
			best = v > best ? v : best;
		}
		free(text);
	}
	return best;
}

/* ---- Standard Webhooks (https://www.standardwebhooks.com) */

static void
sign(const struct cs_sb_request *req, const char *id, const char *ts, const char *secret, struct cs_buf *out)
{
	unsigned char key[96], mac[EVP_MAX_MD_SIZE];
	struct cs_buf text = CS_BUF_INIT(0);
	unsigned len = 0;
	int n;

	if (strncmp(secret, "whsec_", 6) == 0)
		secret += 6;
	if ((n = cs_base64_decode(secret, strlen(secret), key, sizeof(key))) < 0)
		return;
	cs_buf_printf(&text, "%s.%s.", id, ts);
	cs_buf_add(&text, req->body, req->body_len);
	HMAC(EVP_sha256(), key, n, (const unsigned char *)text.ptr, text.len, mac, &len);
	cs_base64_add(out, mac, len);
	cs_buf_fini(&text);
}

static bool
listed(const char *list, const struct cs_buf *mac)
{
	size_t n;

	for (; *list != '\0'; list += n + (list[n] == ' ')) {
		n = strcspn(list, " ");
		if (n > 3 && strncmp(list, "v1,", 3) == 0 && mac->len > 0 &&
		    cs_secure_equal(list + 3, n - 3, mac->ptr, mac->len))
			return true;
	}
	return false;
}

bool
cs_sb_webhook_signed(const struct cs_sb_scope *sc, json_object *secrets, int64_t tolerance_s)
{
	const char *id = cs_sb_header(sc->req, "webhook-id"), *ts = cs_sb_header(sc->req, "webhook-timestamp");
	const char *sig = cs_sb_header(sc->req, "webhook-signature");
	int64_t age;
	bool ok = false;

	if (id == NULL || ts == NULL || sig == NULL)
		return false;
	age = sc->now_ms / 1000 - strtoll(ts, NULL, 10);
	if (tolerance_s > 0 && (age > tolerance_s || age < -tolerance_s))
		return false;
	for (size_t i = 0; !ok && i < json_object_array_length(secrets); i++) {
		struct cs_buf mac = CS_BUF_INIT(0);

		sign(sc->req, id, ts, cs_sb_scalar(json_object_array_get_idx(secrets, i)), &mac);
		ok = listed(sig, &mac);
		cs_buf_fini(&mac);
	}
	return ok;
}

/* ---- one request */

static const char *
check_credential(struct cs_sb_scope *sc, struct cs_sb_crm_state *st, json_object *credential, char *tenant)
{
	json_object *hook = cs_json_get(credential, "standard_webhooks");
	const char *error = cs_json_str(credential, "error", "unauthorized");
	char mine[CS_SB_TENANT_NAME + 1] = "default";

	if (hook != NULL)
		return cs_sb_webhook_signed(sc, cs_json_get(hook, "secrets"),
					    cs_json_int(hook, "tolerance_s", 300))
			   ? NULL
			   : error;
	switch (judge(sc, st, credential, mine)) {
	case EXPIRED:
		return cs_json_str(credential, "expired", error);
	case REFUSED:
		return error;
	default:
		if (strcmp(tenant, "default") == 0)
			memcpy(tenant, mine, sizeof(mine));
		return NULL;
	}
}

static const char *
check_needs(struct cs_sb_scope *sc, struct cs_sb_crm_state *st, char *tenant)
{
	json_object *needs = sc->endpoint->needs;
	const char *error = NULL;

	for (size_t i = 0; error == NULL && needs != NULL && i < json_object_array_length(needs); i++) {
		const char *name = cs_sb_scalar(json_object_array_get_idx(needs, i));

		error = check_credential(sc, st, cs_json_get(sc->crm->credentials, name), tenant);
	}
	return error;
}

static bool
looks_like_token(json_object *credential, const char *text)
{
	json_object *any = cs_json_get(credential, "any"), *accept;
	char tenant[CS_SB_TENANT_NAME + 1];

	for (size_t i = 0; any != NULL && i < json_object_array_length(any); i++) {
		accept = cs_json_get(json_object_array_get_idx(any, i), "accept");
		for (size_t k = 0; accept != NULL && k < json_object_array_length(accept); k++) {
			if (cs_sb_fits(cs_sb_scalar(json_object_array_get_idx(accept, k)), text, tenant))
				return true;
		}
	}
	return false;
}

void
cs_sb_access_hide(struct cs_sb_scope *sc)
{
	char *path = cs_xstrdup(sc->req->path), *rest = path, *part;

	while (sc->crm->credentials != NULL && (part = strsep(&rest, "/")) != NULL) {
		CS_SB_MEMBERS(e, sc->crm->credentials) {
			if (looks_like_token(CS_SB_VALUE(e), part))
				cs_sb_scope_secret(sc, part);
		}
	}
	free(path);
}

const char *
cs_sb_access(struct cs_sb_scope *sc, struct cs_sb_crm_state *st)
{
	char tenant[CS_SB_TENANT_NAME + 1] = "default", *named;
	const char *error = check_needs(sc, st, tenant);

	if (error != NULL)
		return error;
	if (sc->endpoint->tenant != NULL && (named = cs_sb_eval_text(sc, sc->endpoint->tenant)) != NULL) {
		sc->tenant = cs_sb_tenant_get(st, named);
		free(named);
		return sc->tenant != NULL ? NULL : "not_found";
	}
	sc->tenant = cs_sb_tenant_get(st, tenant);
	if (sc->tenant == NULL || (sc->tenant->revoked && sc->endpoint->needs != NULL &&
	                           json_object_array_length(sc->endpoint->needs) > 0)) {
		sc->tenant = NULL;
		return "unauthorized";
	}
	return NULL;
}
