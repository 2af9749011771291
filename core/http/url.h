/* SPDX-License-Identifier: Apache-2.0 */
/*
 * url.h - building and checking the URLs that csrelay requests.
 *
 * Parts come from manifests, settings, facts and plugins, so every part is checked for what it could smuggle: another
 * host (userinfo, "//", a path without a slash), a way up ("..", also encoded), control characters, fragments.
 * The parser is libcurl's own, so what was checked is what is requested. Pure functions, any thread.
 */
#ifndef CS_HTTP_URL_H
#define CS_HTTP_URL_H

#include <stdbool.h>
#include <stdint.h>
#include "util/err.h"
#include "util/mem.h"

#define CS_URL_MAX 8192

struct cs_url_origin {
	char host[256]; /* lower case, IPv6 without brackets, no dot at the end */
	uint16_t port;
	bool plain; /* http rather than https */
};

/*
 * Is `url` an absolute http or https URL that may be requested? `plain_ok` false: https only.
 * Fills *origin (may be NULL). 0 or CS_EINVAL; the message never holds the path or query.
 */
int cs_url_check(const char *url, bool plain_ok, struct cs_url_origin *origin, struct cs_err *err);

/* The same without taking it apart: right characters, a host, no user, no dot segments. For what is built already. */
bool cs_url_plausible(const char *url);

/*
 * base ("https://api.acme.com/v3"; a query of its own is kept) + path + query -> one URL, appended to *out.
 * path: "" or something that begins with "/" (laid behind the base's path; may bring a "?query"), or a whole URL that
 * takes the base's place (the caller compares *origin with the hosts it allows). query: ready encoded, without "?", or NULL.
 * All parts must be percent-encoded already. 0 or CS_EINVAL with nothing appended.
 */
int cs_url_build(struct cs_buf *out, const char *base, const char *path, const char *query, bool plain_ok,
                 struct cs_url_origin *origin, struct cs_err *err);

/*
 * The same for a base that cs_url_check found good: only what is laid behind it is looked at, which is much cheaper. Whatever
 * stands in path and query, the origin stays the base's. 0 or CS_EINVAL; *out is to be thrown away then.
 */
int cs_url_join(struct cs_buf *out, const char *base, const char *path, const char *query, struct cs_err *err);

/* Append name=value to a query under construction, encoded, with "&" where something is there already. */
void cs_url_add_param(struct cs_buf *query, const char *name, const char *value);

#endif
