/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mac.c - HMAC and SHA-256 by OpenSSL 3.
 *
 * OpenSSL 3 looks algorithms up by name at each use, which costs more than signing a lead. So one context per algorithm
 * is prepared once and duplicated for each use; the prepared ones never see a key.
 */
#include "config.h"
#include "auth/mac.h"

#include <cs/plugin_v1.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "util/clock.h"

static const char *const digest_names[] = { [CS_HMAC_SHA256] = "SHA256", [CS_HMAC_SHA1] = "SHA1",
	                                    [CS_HMAC_SHA512] = "SHA512" };
static EVP_MAC_CTX *prepared[CS_ARRAY_LEN(digest_names)];
static EVP_MD *sha256;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
must(bool good)
{
	if (!good)
		abort();
}

static void
prepare(void)
{
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);

	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	must(hmac != NULL && sha256 != NULL);
	for (size_t i = 0; i < CS_ARRAY_LEN(digest_names); i++) {
		OSSL_PARAM params[] = {
			OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)(uintptr_t)digest_names[i], 0),
			OSSL_PARAM_construct_end(),
		};

		prepared[i] = EVP_MAC_CTX_new(hmac);
		must(prepared[i] != NULL && EVP_MAC_CTX_set_params(prepared[i], params) == 1);
	}
	EVP_MAC_free(hmac);
}

int
cs_hmac_parts(int alg, const void *key, size_t key_len, const struct cs_part *parts, size_t n, uint8_t out[64])
{
	EVP_MAC_CTX *ctx;
	size_t len = 0;

	if (alg < 0 || (size_t)alg >= CS_ARRAY_LEN(digest_names))
		return CS_EINVAL;
	pthread_once(&once, prepare);
	ctx = EVP_MAC_CTX_dup(prepared[alg]);
	must(ctx != NULL && EVP_MAC_init(ctx, key_len > 0 ? key : "", key_len, NULL) == 1);
	for (size_t i = 0; i < n; i++)
		must(EVP_MAC_update(ctx, parts[i].ptr, parts[i].len) == 1);
	must(EVP_MAC_final(ctx, out, &len, 64) == 1);
	EVP_MAC_CTX_free(ctx);
	return (int)len;
}

void
cs_sha256_parts(const struct cs_part *parts, size_t n, uint8_t out[32])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	pthread_once(&once, prepare);
	must(ctx != NULL && EVP_DigestInit_ex2(ctx, sha256, NULL) == 1);
	for (size_t i = 0; i < n; i++)
		must(EVP_DigestUpdate(ctx, parts[i].ptr, parts[i].len) == 1);
	must(EVP_DigestFinal_ex(ctx, out, NULL) == 1);
	EVP_MD_CTX_free(ctx);
}

int
cs_timestamp_check(const char *header, const char *text, int64_t unit_ms, int64_t now_ms, int64_t tolerance_ms,
                   struct cs_err *err)
{
	size_t n = strspn(text, "0123456789");
	int64_t t = 0, off_ms;

	if (n == 0 || n > 15 || text[n] != '\0')
		return cs_err_set(err, CS_EPERM, "header %s must be a time since 1970 in digits", header);
	for (; *text != '\0'; text++)
		t = t * 10 + (*text - '0');
	off_ms = now_ms - t * unit_ms;
	if (off_ms <= tolerance_ms && off_ms >= -tolerance_ms)
		return 0;
	return cs_err_set(err, CS_EPERM, "header %s is %lld s %s; at most %lld s are allowed", header,
	                  (off_ms < 0 ? -off_ms : off_ms) / CS_SECOND_MS, off_ms < 0 ? "ahead" : "old",
	                  tolerance_ms / CS_SECOND_MS);
}
