/* SPDX-License-Identifier: Apache-2.0 */
/*
 * head.c - what is wrong with the head of a request. libmicrohttpd 0.9.75 takes the first of two Content-Lengths and
 * lets Transfer-Encoding win over it; a proxy before us may see it the other way round.
 */
#include "http/head.h"

#include <string.h>
#include <strings.h>
#include "util/text.h"

static bool
is_named(const char *name, size_t n, const char *want)
{
	return n == strlen(want) && strcasecmp(name, want) == 0;
}

static enum MHD_Result
see_header(void *ctx, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct cs_head *h = ctx;
	size_t n = strlen(name);

	(void)kind;
	if (is_named(name, n, "Content-Length")) {
		h->n_length++;
		h->length = value;
	} else if (is_named(name, n, "Transfer-Encoding")) {
		h->n_encoding++;
		h->encoding = value;
	} else if (is_named(name, n, "Host")) {
		h->n_host++;
	} else if (!cs_is_token(name, n)) {
		h->n_bad++;
	}
	return MHD_YES;
}

void
cs_head_read(struct MHD_Connection *conn, struct cs_head *h)
{
	MHD_get_connection_values(conn, MHD_HEADER_KIND, see_header, h);
}

const char *
cs_head_fault(const struct cs_head *h, const char *version)
{
	if (h->n_bad > 0)
		return "a header name is not a token";
	if (h->n_host > 1)
		return "Host is there twice";
	if (h->n_length > 1)
		return "Content-Length is there twice";
	if (h->n_encoding == 0)
		return NULL;
	if (h->n_length > 0)
		return "Content-Length and Transfer-Encoding together";
	if (h->n_encoding > 1 || strcasecmp(h->encoding, "chunked") != 0 || strcmp(version, "HTTP/1.1") != 0)
		return "only one Transfer-Encoding, chunked, is understood";
	return NULL;
}

static bool
hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool
cs_target_has_slash(const char *t)
{
	for (; *t != '\0' && *t != '?'; t++)
		if (t[0] == '%' && t[1] == '2' && (t[2] | 0x20) == 'f')
			return true;
	return false;
}

const char *
cs_target_fault(const char *t)
{
	for (; *t != '\0'; t++) {
		unsigned char c = (unsigned char)*t;

		if (c <= ' ' || c >= 0x7f)
			return "the request target has a character that must be percent-encoded";
		if (c != '%')
			continue;
		if (!hex(t[1]) || !hex(t[2]))
			return "the request target has a percent sign without two digits";
		if (t[1] == '0' && t[2] == '0')
			return "the request target has an encoded NUL";
	}
	return NULL;
}

static bool
is_dots(const char *s, size_t n)
{
	return (n == 1 && s[0] == '.') || (n == 2 && s[0] == '.' && s[1] == '.');
}

const char *
cs_path_fault(const char *path)
{
	size_t n = strlen(path);

	if (path[0] != '/')
		return "the request target must be a path";
	if (!cs_utf8_valid(path, n, true))
		return "the path is not UTF-8";
	for (const char *p = path; *p != '\0'; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return "the path has a control character";
		if (*p == '/' && is_dots(p + 1, strcspn(p + 1, "/")))
			return "the path has a \".\" or \"..\" segment";
	}
	return NULL;
}
