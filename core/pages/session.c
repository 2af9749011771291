/* SPDX-License-Identifier: Apache-2.0 */
/* session.c - see session.h. */
#include "config.h"
#include "pages/session.h"

#include <string.h>
#include <strings.h>
#include "util/text.h"

#define FORM "csrelay connect form"

static bool
is_https(const char *url)
{
	return strncmp(url, "https://", 8) == 0;
}

const char *
cs_session_cookie_name(const char *public_url)
{
	return is_https(public_url) ? "__Host-csrelay-connect" : "csrelay-connect";
}

const char *
cs_session_set_cookie(const char *public_url, const char *value, int64_t life_ms, struct cs_arena *mem)
{
	return cs_arena_printf(mem, "%s=%s; Path=/; HttpOnly; SameSite=Lax; Max-Age=%lld%s", cs_session_cookie_name(public_url),
	                       value != NULL ? value : "", value != NULL ? (long long)(life_ms / 1000) : 0LL,
	                       is_https(public_url) ? "; Secure" : "");
}

void
cs_session_form(const char *cookie, char out[CS_TICKET_TEXT])
{
	cs_ticket_derive(cookie, FORM, out);
}

bool
cs_session_form_ok(const char *cookie, const char *sent)
{
	char want[CS_TICKET_TEXT];

	cs_session_form(cookie, want);
	return sent != NULL && cs_secure_equal(sent, strlen(sent), want, strlen(want));
}

bool
cs_session_host_ok(const char *public_url, const char *host)
{
	const char *at = strstr(public_url, "://");
	size_t n;

	if (at == NULL || host == NULL)
		return false;
	at += 3;
	n = strcspn(at, "/");
	return strlen(host) == n && strncasecmp(host, at, n) == 0;
}
