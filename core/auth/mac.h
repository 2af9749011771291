/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mac.h - digests and HMACs over text that lies in several places, so that nobody copies a body to sign it; and the
 * age of the timestamp that a signature covers. Pure; any thread. Failures of OpenSSL here (no memory, no such algorithm) abort.
 */
#ifndef CS_AUTH_MAC_H
#define CS_AUTH_MAC_H

#include <stddef.h>
#include <stdint.h>
#include "util/err.h"

struct cs_part {
	const void *ptr;
	size_t len;
};

/* alg is CS_HMAC_*; returns the length (32, 20, 64), or CS_EINVAL for an unknown alg. */
int cs_hmac_parts(int alg, const void *key, size_t key_len, const struct cs_part *parts, size_t n, uint8_t out[64]);
void cs_sha256_parts(const struct cs_part *parts, size_t n, uint8_t out[32]);

/* Digits, in units of unit_ms since 1970, within tolerance_ms of now on either side: 0, or CS_EPERM naming `header`. */
int cs_timestamp_check(const char *header, const char *text, int64_t unit_ms, int64_t now_ms, int64_t tolerance_ms,
                       struct cs_err *err);

#endif
