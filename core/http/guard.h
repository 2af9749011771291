/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard.h - which network addresses csrelay may talk to.
 *
 * CRM hosts come from settings, facts and webhooks, so a stranger can make them point at our own network. The guard
 * judges the address that a name resolved to, at the moment of connecting, so neither DNS nor a redirect gets past it.
 * Exceptions come from the operator's file only (the sandbox is reached through one), never from the API.
 * A guard is filled once and read-only afterwards; then any thread may ask it.
 */
#ifndef CS_HTTP_GUARD_H
#define CS_HTTP_GUARD_H

#include <sys/socket.h>
#include "util/err.h"

struct cs_guard;

enum cs_guard_verdict {
	CS_GUARD_REFUSED = 0,
	CS_GUARD_PUBLIC = 1, /* an address of the public internet */
	CS_GUARD_LISTED = 2, /* named by an exception; plain http may go there, too */
};

struct cs_guard *cs_guard_new(void);
void cs_guard_free(struct cs_guard *g); /* NULL is fine */

/*
 * Add an exception: "127.0.0.1:8181", "[::1]:8181", "10.1.2.0/24:*", "[fd00::/8]:443". Numeric addresses only.
 * 0 or CS_EINVAL with a hint; the guard is unchanged then.
 */
int cs_guard_allow(struct cs_guard *g, const char *entry, struct cs_err *err);

/* May we connect there? `g` NULL: no exceptions. *why (may be NULL): a few static words about what the address is. */
enum cs_guard_verdict cs_guard_check(const struct cs_guard *g, const struct sockaddr *sa, const char **why);
/* The same for a numeric address in text; refused when it is not one. */
enum cs_guard_verdict cs_guard_check_text(const struct cs_guard *g, const char *ip, unsigned port, const char **why);

#endif
