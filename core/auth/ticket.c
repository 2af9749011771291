/* SPDX-License-Identifier: Apache-2.0 */
/* ticket.c - see ticket.h. */
#include "config.h"
#include "auth/ticket.h"

#include <string.h>
#include "auth/mac.h"
#include "util/mem.h"
#include "util/text.h"

static void
write_text(const uint8_t raw[32], char text[CS_TICKET_TEXT])
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);

	cs_base64url_add(&b, raw, 32);
	memcpy(text, b.ptr, CS_TICKET_TEXT);
	cs_wipe(b.ptr, b.len);
}

void
cs_ticket_new(char text[CS_TICKET_TEXT])
{
	uint8_t raw[32];

	cs_random_bytes(raw, sizeof(raw));
	write_text(raw, text);
	cs_wipe(raw, sizeof(raw));
}

void
cs_ticket_hash(const char *text, uint8_t out[32])
{
	struct cs_part part = { text != NULL ? text : "", text != NULL ? strlen(text) : 0 };

	cs_sha256_parts(&part, 1, out);
}

void
cs_ticket_derive(const char *text, const char *use, char out[CS_TICKET_TEXT])
{
	struct cs_part parts[] = { { use, strlen(use) + 1 }, { text, strlen(text) } };
	uint8_t raw[32];

	cs_sha256_parts(parts, CS_ARRAY_LEN(parts), raw);
	write_text(raw, out);
}
