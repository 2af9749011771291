/* SPDX-License-Identifier: Apache-2.0 */
/*
 * header.h - a header field, as the client, the server and their users pass it about.
 */
#ifndef CS_HTTP_HEADER_H
#define CS_HTTP_HEADER_H

#include <stddef.h>
#include <strings.h>

struct cs_http_header {
	const char *name;
	const char *value;
};

/* The first value under that name (any case), or NULL. */
static inline const char *
cs_http_header_find(const struct cs_http_header *headers, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcasecmp(headers[i].name, name) == 0)
			return headers[i].value;
	return NULL;
}

#endif
