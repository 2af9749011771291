/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session.h - cookie and form secret of a browser's connect session (connect/). Pure; any thread.
 */
#ifndef CS_PAGES_SESSION_H
#define CS_PAGES_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include "auth/ticket.h"
#include "util/mem.h"

/* With https its prefix keeps other hosts' hands off it; plain http, on loopback, does not have it. */
const char *cs_session_cookie_name(const char *public_url);
/* A Set-Cookie value; value NULL: the browser is to forget it. */
const char *cs_session_set_cookie(const char *public_url, const char *value, int64_t life_ms, struct cs_arena *mem);
/* What a form of this session carries, and whether this is it. */
void cs_session_form(const char *cookie, char out[CS_TICKET_TEXT]);
bool cs_session_form_ok(const char *cookie, const char *sent); /* sent may be NULL */
/* May a request with this Host be answered? Ours, or one that the admin interface has. */
bool cs_session_host_ok(const char *public_url, const char *host);

#endif
