/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hash.h - the two fingerprints of a lead: of its content (is a repeat the same?) and of its caller (the same person?).
 * Pure; any thread. Both are stored, so what they are made of never changes.
 */
#ifndef CS_LEAD_HASH_H
#define CS_LEAD_HASH_H

#include <openssl/types.h>
#include <stdint.h>
#include "util/json_tree.h"

struct cs_lead_hasher { /* caller's storage; serves any number of fingerprints, one after another */
	EVP_MD_CTX *ctx;
	size_t len;
	char window[4096];
};
void cs_lead_hasher_init(struct cs_lead_hasher *h);
void cs_lead_hasher_fini(struct cs_lead_hasher *h);

/*
 * SHA-256 of the lead (an object) in canonical form: members sorted by their bytes, no spaces, numbers by value (1, 1.0 and
 * 1e0 are one).
 * Left out: timestamp_utc, and what follows the first "?" in call.recording_url and call.transcript_url, since both are
 * fresh in each repeat. event_id counts in lower case.
 */
void cs_lead_content_hash(struct cs_lead_hasher *h, const struct cs_json_node *lead, uint8_t out[32]);

/* A number in its canonical form, without a NUL: as "%.17g" has it in the locale "C", or as an integer. Returns its length. */
#define CS_LEAD_NUMBER_TEXT 40
size_t cs_lead_number_text(double d, char out[CS_LEAD_NUMBER_TEXT]);

/* First 8 bytes of SHA-256 (big-endian), never 0: of the digits of a phone number, of an address in lower case. */
uint64_t cs_lead_phone_key(struct cs_lead_hasher *h, const char *phone);
uint64_t cs_lead_email_key(struct cs_lead_hasher *h, const char *email);

#endif
