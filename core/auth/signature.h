/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signature.h - who sent this? Verifying and making signatures; API keys.
 *
 * Everything compares in constant time and is driven by rows: Standard Webhooks for intake and for what we send, and the
 * manifest's verify row for CRM webhooks. Pure functions over bytes; any thread.
 */
#ifndef CS_AUTH_SIGNATURE_H
#define CS_AUTH_SIGNATURE_H

#include <stdint.h>
#include <stdbool.h>
#include <cs/plugin_v1.h>
#include "plugin/manifest/manifest.h"
#include "util/err.h"
#include "util/mem.h"

/* A secret as configured ("whsec_" + base64, or plain text) to key bytes. Returns the length, or CS_EINVAL. */
int cs_secret_key(const char *secret, uint8_t *out, size_t cap);

/* HMAC of `in`; alg is CS_HMAC_*. Returns the length of the MAC (20, 32 or 64). */
int cs_hmac(int alg, const void *key, size_t key_len, const void *in, size_t n, uint8_t out[64]);

/*
 * Standard Webhooks (specification 1.0): id "." timestamp "." body under any of the secrets (overlapping rotation), any v1 entry
 * of the signature header, timestamp within tolerance_ms of now. 0, or CS_EPERM with err saying what did not fit.
 */
int cs_stdwebhooks_verify(const char *const *secrets, size_t n_secrets, const char *id, const char *timestamp,
                          const char *signatures, const void *body, size_t n, int64_t now_ms, int64_t tolerance_ms,
                          struct cs_err *err);
/*
 * The value of webhook-signature by a manifest's row, appended to out: "v1,<base64>" for each secret that `lk` knows. NULL id or
 * timestamp: the request has no such header. 0; 1: it is not to be signed; CS_ENOTFOUND: the first secret is not there or is no key.
 */
int cs_stdwebhooks_header(const struct cs_sign_row *row, const struct cs_lookup *lk, const char *id, const char *timestamp,
                          const void *body, size_t n, struct cs_buf *out, struct cs_err *err);
/* "v1,<base64>" appended to out. */
int cs_stdwebhooks_sign(const char *secret, const char *id, int64_t timestamp_s, const void *body, size_t n, struct cs_buf *out);

/* What a CRM's hook came with. */
struct cs_hook_in {
	const char *method, *url, *path, *query; /* url: public_url + path + query as the CRM called it */
	const char *url_token;                   /* of /hooks/{crm}/{token}; "" */
	const struct cs_header *headers;
	size_t n_headers;
	struct cs_bytes body;
};
/* By the manifest's row. `secret` is the value of row->secret (or the public key). 0 or CS_EPERM. */
int cs_hook_verify(const struct cs_verify_row *row, const void *secret, size_t secret_len, const struct cs_hook_in *in,
                   int64_t now_ms, struct cs_err *err);

/* ---- API keys: "csk_" + 43 base64url characters; stored as SHA-256 of the text. */
#define CS_API_KEY_TEXT 48
void cs_api_key_new(char text[CS_API_KEY_TEXT], uint8_t hash[32]);
void cs_api_key_hash(const char *text, size_t n, uint8_t hash[32]);

#endif
