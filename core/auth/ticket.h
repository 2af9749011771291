/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ticket.h - random texts that open something for whoever brings them: links, cookies. Only their hashes are stored.
 */
#ifndef CS_AUTH_TICKET_H
#define CS_AUTH_TICKET_H

#include <stdint.h>

#define CS_TICKET_TEXT 44 /* 256 bits in base64url, and the NUL; a stranger's text may have any length */

void cs_ticket_new(char text[CS_TICKET_TEXT]);
/* SHA-256; `text` may be NULL, which fits no ticket. */
void cs_ticket_hash(const char *text, uint8_t out[32]);
/* Another ticket that whoever has the first one can make, and nobody who has only the other can go back from. `use` says what for. */
void cs_ticket_derive(const char *text, const char *use, char out[CS_TICKET_TEXT]);

#endif
