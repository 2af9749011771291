/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mac.c - SHA-256 by OpenSSL 3, and HMAC (RFC 2104) on its digests.
 *
 * OpenSSL 3 looks algorithms up by name at each use, which costs more than signing a lead, so they are fetched once. Its own
 * HMAC copies and wipes half a dozen contexts for each use; here one digest context does the inner and the outer hash. OpenSSL
 * clears that one when it is freed, and what is made of the key on the way is wiped.
 */
#include "config.h"
#include "auth/mac.h"

#include <cs/plugin_v1.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "util/clock.h"
#include "util/mem.h"

static const char *const digest_names[] = { [CS_HMAC_SHA256] = "SHA256", [CS_HMAC_SHA1] = "SHA1",
	                                    [CS_HMAC_SHA512] = "SHA512" };
#define BLOCK_MAX 128 /* of SHA-512 */
static EVP_MD *digests[CS_ARRAY_LEN(digest_names)];
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
	for (size_t i = 0; i < CS_ARRAY_LEN(digest_names); i++)
		must((digests[i] = EVP_MD_fetch(NULL, digest_names[i], NULL)) != NULL);
}

/* Of what comes first and the parts behind it. Returns the length; `out` may be one of the parts. */
static size_t
digest(EVP_MD_CTX *ctx, const EVP_MD *md, struct cs_part first, const struct cs_part *parts, size_t n, uint8_t *out)
{
	unsigned len = 0;

	must(EVP_DigestInit_ex2(ctx, md, NULL) == 1 && EVP_DigestUpdate(ctx, first.ptr, first.len) == 1);
	for (size_t i = 0; i < n; i++)
		must(EVP_DigestUpdate(ctx, parts[i].ptr, parts[i].len) == 1);
	must(EVP_DigestFinal_ex(ctx, out, &len) == 1);
	return len;
}

static void
xor_all(uint8_t *block, size_t n, uint8_t with)
{
	for (size_t i = 0; i < n; i++)
		block[i] ^= with;
}

int
cs_hmac_parts(int alg, const void *key, size_t key_len, const struct cs_part *parts, size_t n, uint8_t out[64])
{
	uint8_t block[BLOCK_MAX] = { 0 };
	struct cs_part inner = { out, 0 };
	EVP_MD_CTX *ctx;
	const EVP_MD *md;
	size_t size;

	if (alg < 0 || (size_t)alg >= CS_ARRAY_LEN(digest_names))
		return CS_EINVAL;
	pthread_once(&once, prepare);
	md = digests[alg];
	size = (size_t)EVP_MD_get_block_size(md);
	must((ctx = EVP_MD_CTX_new()) != NULL && size <= sizeof(block));
	if (key_len > size)
		digest(ctx, md, (struct cs_part){ key, key_len }, NULL, 0, block);
	else if (key_len > 0)
		memcpy(block, key, key_len);
	xor_all(block, size, 0x36);
	inner.len = digest(ctx, md, (struct cs_part){ block, size }, parts, n, out);
	xor_all(block, size, 0x36 ^ 0x5c);
	digest(ctx, md, (struct cs_part){ block, size }, &inner, 1, out);
	EVP_MD_CTX_free(ctx);
	cs_wipe(block, sizeof(block));
	return (int)inner.len;
}

void
cs_sha256_parts(const struct cs_part *parts, size_t n, uint8_t out[32])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	pthread_once(&once, prepare);
	must(ctx != NULL);
	digest(ctx, digests[CS_HMAC_SHA256], (struct cs_part){ "", 0 }, parts, n, out);
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
