/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal.h - the last requests, for GET /_requests: at most 10,000 and 64 MiB, the oldest go first.
 *
 * Credentials are kept with the entry and masked when it is shown, which costs nothing per request.
 */
#ifndef CS_SANDBOX_JOURNAL_H
#define CS_SANDBOX_JOURNAL_H

#include "sandbox/rules/value.h"

#define CS_SB_JOURNAL_MAX 10000
#define CS_SB_JOURNAL_BYTES (64u << 20)
#define CS_SB_JOURNAL_BODY (64u << 10) /* of one body */

struct cs_sb_entry {
	uint64_t id;
	int64_t at_ms;
	const char *crm; /* static or the crm's; "" for our own pages */
	char tenant[65];
	const char *fault; /* NULL: none was applied */
	int status;        /* 0: no answer was sent */
	char *blob;        /* method, target, secrets, headers, body, in that order; see journal.c */
	size_t blob_len, blob_cap, body_len, body_kept;
	unsigned nsecrets, nheaders;
};

struct cs_sb_journal {
	struct cs_sb_entry *ring;
	size_t first, n, max, bytes;
};

void cs_sb_journal_init(struct cs_sb_journal *j, size_t max);
void cs_sb_journal_fini(struct cs_sb_journal *j);
void cs_sb_journal_clear(struct cs_sb_journal *j);
void cs_sb_journal_add(struct cs_sb_journal *j, const struct cs_sb_scope *sc, const struct cs_sb_reply *reply,
                       const char *fault);
/* Entry i (0: oldest) as JSON, credentials masked. A new reference. */
json_object *cs_sb_journal_show(const struct cs_sb_journal *j, size_t i);

#endif
