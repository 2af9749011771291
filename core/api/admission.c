/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admission.c - signatures and bearer keys of intake.
 */
#include "api/admission.h"
#include <string.h>
#include "auth/signature.h"
#include "util/text.h"

static bool
has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = list; (p = strstr(p, word)) != NULL; p += n)
		if ((p == list || p[-1] == ' ') && (p[n] == '\0' || p[n] == ' '))
			return true;
	return false;
}

bool
cs_sender_may(const struct cs_sender *s, const char *account)
{
	return s->accounts[0] == '\0' || has_word(s->accounts, account);
}

static int
by_key(const struct cs_conf *conf, struct cs_store *reader, const char *key, int64_t now_ms, struct cs_sender *out, struct cs_err *err)
{
	uint8_t hash[32];
	struct cs_key_row row;
	struct cs_arena mem;
	bool found = false;

	cs_api_key_hash(key, strlen(key), hash);
	for (size_t i = 0; i < conf->intake.keys.n; i++)
		found |= cs_secure_equal(hash, sizeof(hash), conf->intake.keys.v[i].sha256, sizeof(hash));
	if (found)
		return 0;
	cs_arena_init(&mem);
	if (reader->ops->key_find(reader, hash, &mem, &row, NULL) == 0 && has_word(row.scopes, "intake") &&
	    (row.expires_ms == 0 || row.expires_ms > now_ms) && strlen(row.accounts) < sizeof(out->accounts)) {
		strcpy(out->accounts, row.accounts);
		out->key_id = row.id;
		out->last_used_ms = row.last_used_ms;
		found = true;
	}
	cs_arena_fini(&mem);
	return found ? 0 : cs_err_set(err, CS_EPERM, "this key is not known, has run out, or may not send leads");
}

int
cs_sender_check(const struct cs_conf *conf, struct cs_store *reader, const struct cs_http_request *req, int64_t now_ms,
                struct cs_sender *out, struct cs_err *err)
{
	const char *auth = cs_http_request_header(req, "Authorization"), *id, *ts, *sig;

	if (auth != NULL && strncasecmp(auth, "Bearer ", 7) == 0)
		return by_key(conf, reader, auth + 7, now_ms, out, err);
	id = cs_http_request_header(req, "webhook-id");
	ts = cs_http_request_header(req, "webhook-timestamp");
	sig = cs_http_request_header(req, "webhook-signature");
	if (sig == NULL)
		return cs_err_set(err, CS_EPERM, "neither a webhook-signature nor an Authorization: Bearer header came with it");
	return cs_stdwebhooks_verify(conf->intake.secrets.v, conf->intake.secrets.n, id, ts, sig, req->body, req->body_len, now_ms,
	    conf->intake.tolerance, err);
}
