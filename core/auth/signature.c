/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signature.c - Standard Webhooks, single HMACs, API keys. What CRMs send is verified in hook.c.
 *
 * A signature header may hold several entries and the operator may have several secrets, because both sides rotate: any
 * pair that fits is enough. Messages name the header and what is allowed, never a secret or the expected signature.
 */
#include "config.h"
#include "auth/signature.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "auth/mac.h"
#include "util/clock.h"
#include "util/text.h"

#define KEY_MAX 512 /* bytes of one secret */
#define MAC_LEN 32

int
cs_secret_key(const char *secret, uint8_t *out, size_t cap)
{
	size_t n = strlen(secret);
	int len;

	if (strncmp(secret, "whsec_", 6) == 0) {
		len = cs_base64_decode(secret + 6, n - 6, out, cap);
		return len > 0 ? len : CS_EINVAL;
	}
	if (n == 0 || n > cap)
		return CS_EINVAL;
	memcpy(out, secret, n);
	return (int)n;
}

int
cs_hmac(int alg, const void *key, size_t key_len, const void *in, size_t n, uint8_t out[64])
{
	struct cs_part part = { in, n };

	return cs_hmac_parts(alg, key, key_len, &part, 1, out);
}

/* ---- Standard Webhooks */

static int
standard_mac(const char *secret, const char *id, const char *timestamp, const void *body, size_t n, uint8_t mac[64])
{
	struct cs_part parts[] = { { id, strlen(id) }, { ".", 1 }, { timestamp, strlen(timestamp) }, { ".", 1 }, { body, n } };
	uint8_t key[KEY_MAX];
	int len = cs_secret_key(secret, key, sizeof(key));

	if (len < 0)
		return len;
	cs_hmac_parts(CS_HMAC_SHA256, key, (size_t)len, parts, CS_ARRAY_LEN(parts), mac);
	cs_wipe(key, sizeof(key));
	return 0;
}

/* Whether one of the entries is "v1," and the base64 of mac; counts the v1 entries. */
static bool
has_entry(const char *signatures, const uint8_t *mac, size_t *n_v1)
{
	uint8_t given[MAC_LEN];
	size_t len;

	*n_v1 = 0;
	for (const char *at = signatures; *at != '\0'; at += len) {
		at += strspn(at, " ");
		len = strcspn(at, " ");
		if (len < 3 || strncmp(at, "v1,", 3) != 0)
			continue;
		++*n_v1;
		if (cs_base64_decode(at + 3, len - 3, given, sizeof(given)) == MAC_LEN &&
		    cs_secure_equal(given, MAC_LEN, mac, MAC_LEN))
			return true;
	}
	return false;
}

static int
check_headers(const char *id, const char *timestamp, const char *signatures, int64_t now_ms, int64_t tolerance_ms,
              struct cs_err *err)
{
	if (id == NULL || *id == '\0' || timestamp == NULL || signatures == NULL || *signatures == '\0')
		return cs_err_set(err, CS_EPERM, "the headers webhook-id, webhook-timestamp and webhook-signature are all needed");
	if (strchr(id, '.') != NULL)
		return cs_err_set(err, CS_EPERM, "webhook-id must not contain a dot");
	return cs_timestamp_check("webhook-timestamp", timestamp, CS_SECOND_MS, now_ms, tolerance_ms, err);
}

int
cs_stdwebhooks_verify(const char *const *secrets, size_t n_secrets, const char *id, const char *timestamp,
                      const char *signatures, const void *body, size_t n, int64_t now_ms, int64_t tolerance_ms,
                      struct cs_err *err)
{
	int rc = check_headers(id, timestamp, signatures, now_ms, tolerance_ms, err);
	size_t usable = 0, n_v1 = 0;
	uint8_t mac[64];

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < n_secrets; i++) {
		if (standard_mac(secrets[i], id, timestamp, body, n, mac) < 0)
			continue;
		usable++;
		if (has_entry(signatures, mac, &n_v1))
			return 0;
	}
	if (usable == 0)
		return cs_err_set(err, CS_EPERM, "no usable signing secret is configured");
	if (n_v1 == 0)
		return cs_err_set(err, CS_EPERM, "webhook-signature has no entry that begins with v1,");
	return cs_err_set(err, CS_EPERM, "webhook-signature fits none of the %zu secrets; it must be over the raw body", usable);
}

static int
add_entry(const char *secret, const char *id, const char *timestamp, const void *body, size_t n, struct cs_buf *out)
{
	uint8_t mac[64];
	int rc = standard_mac(secret, id, timestamp, body, n, mac);

	if (rc < 0)
		return rc;
	cs_buf_adds(out, out->len > 0 ? " v1," : "v1,");
	cs_base64_add(out, mac, MAC_LEN);
	return out->failed ? CS_ELIMIT : 0;
}

int
cs_stdwebhooks_sign(const char *secret, const char *id, int64_t timestamp_s, const void *body, size_t n, struct cs_buf *out)
{
	char timestamp[24];

	snprintf(timestamp, sizeof(timestamp), "%" PRId64, timestamp_s);
	return add_entry(secret, id, timestamp, body, n, out);
}

int
cs_stdwebhooks_header(const struct cs_sign_row *row, const struct cs_lookup *lk, const char *id, const char *timestamp,
                      const void *body, size_t n, struct cs_buf *out, struct cs_err *err)
{
	const char *on = row->setting != NULL ? lk->setting(lk->ctx, row->setting) : "true";

	if (row->n_secrets == 0 || id == NULL || timestamp == NULL || on == NULL || strcmp(on, "true") != 0)
		return 1;
	for (size_t i = 0; i < row->n_secrets; i++) {
		const char *secret = lk->secret(lk->ctx, row->secrets[i]);

		if (secret != NULL && add_entry(secret, id, timestamp, body, n, out) == 0)
			continue;
		if (i == 0)
			return cs_err_set(err, CS_ENOTFOUND, "the message cannot be signed: the secret %s is not set, or is no key", row->secrets[i]);
	}
	return 0;
}

/* ---- API keys */

void
cs_api_key_new(char text[CS_API_KEY_TEXT], uint8_t hash[32])
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	uint8_t random[32];

	cs_random_bytes(random, sizeof(random));
	cs_buf_adds(&b, "csk_");
	cs_base64url_add(&b, random, sizeof(random));
	memcpy(text, b.ptr, CS_API_KEY_TEXT);
	cs_api_key_hash(text, CS_API_KEY_TEXT - 1, hash);
	cs_wipe(random, sizeof(random));
	cs_wipe(b.ptr, b.len);
}

void
cs_api_key_hash(const char *text, size_t n, uint8_t hash[32])
{
	struct cs_part part = { text, n };

	cs_sha256_parts(&part, 1, hash);
}
