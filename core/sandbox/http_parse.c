/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_parse.c - reading a request's head and finding the end of its body, in the connection's buffer.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "sandbox/http.h"
#include "util/text.h"

const char *
cs_sb_header(const struct cs_sb_request *req, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < req->nheaders; i++) {
		if (req->headers[i].name_len == n && memcmp(req->headers[i].name, name, n) == 0)
			return req->headers[i].value;
	}
	return NULL;
}

void
cs_sb_reply_header(struct cs_sb_reply *reply, const char *name, const char *value)
{
	if (cs_is_token(name, strlen(name)) && cs_is_header_value(value, strlen(value)))
		cs_buf_printf(&reply->headers, "%s: %s\r\n", name, value);
}

/* One header line, [line, end); NUL-terminates in place. */
static bool
parse_header(struct cs_sb_request *req, char *line, char *end)
{
	struct cs_sb_header *h = &req->headers[req->nheaders];
	char *colon = memchr(line, ':', (size_t)(end - line)), *v;

	if (colon == NULL || req->nheaders == CS_SB_MAX_HEADERS || !cs_is_token(line, (size_t)(colon - line)))
		return false;
	for (char *p = line; p < colon; p++) {
		if (*p >= 'A' && *p <= 'Z')
			*p += 'a' - 'A';
	}
	for (v = colon + 1; v < end && (*v == ' ' || *v == '\t'); v++)
		;
	while (end > v && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*colon = *end = '\0';
	*h = (struct cs_sb_header){ line, v, (uint32_t)(colon - line), (uint32_t)(end - v) };
	req->nheaders++;
	return true;
}

int
cs_sb_parse_head(struct cs_sb_request *req, char *p, size_t n, bool *http10)
{
	char *end = p + n - 2, *eol = memmem(p, n, "\r\n", 2), *target, *version;

	req->nheaders = 0;
	*eol = '\0';
	if (memchr(p, '\0', (size_t)(eol - p)) != NULL || (target = strchr(p, ' ')) == NULL ||
	    (version = strchr(target + 1, ' ')) == NULL || !cs_is_token(p, (size_t)(target - p)) ||
	    target[1] != '/')
		return 400;
	*target++ = *version++ = '\0';
	if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0)
		return 400;
	*http10 = version[7] == '0';
	req->method = p;
	req->path = target;
	req->query = "";
	if ((target = strchr(target, '?')) != NULL) {
		*target = '\0';
		req->query = target + 1;
	}
	for (p = eol + 2; p < end; p = eol + 2) {
		eol = memmem(p, (size_t)(end - p) + 2, "\r\n", 2);
		if (!parse_header(req, p, eol))
			return 400;
	}
	return 0;
}

/* Decode a chunked body in place. Returns 1 with *used and *body_len, 0 when more must come, -1 when it is
 * wrong. */
static int
dechunk(char *p, size_t n, size_t *used, size_t *body_len)
{
	size_t at = 0, out = 0;
	unsigned long size;
	char *eol, *digits_end;

	for (;;) {
		if ((eol = memmem(p + at, n - at, "\r\n", 2)) == NULL)
			return n - at > 64 ? -1 : 0;
		size = strtoul(p + at, &digits_end, 16);
		if (digits_end == p + at || size > CS_SB_MAX_BODY || out + size > CS_SB_MAX_BODY)
			return -1;
		at = (size_t)(eol - p) + 2;
		if (n - at < size + 2)
			return 0;
		if (size == 0)
			break; /* trailers are not read: the next CRLF ends the body */
		memmove(p + out, p + at, size);
		out += size;
		at += size + 2;
	}
	*used = at + 2;
	*body_len = out;
	return 1;
}

/* A chunked body is only known to be whole by walking it, so walk a copy until it is. */
static int
read_chunked(char *p, size_t n, size_t *used, size_t *body_len)
{
	char *copy = cs_xmalloc(n + 1);
	int rc;

	memcpy(copy, p, n);
	copy[n] = '\0';
	if ((rc = dechunk(copy, n, used, body_len)) == 1)
		memcpy(p, copy, *body_len);
	free(copy);
	return rc;
}

int
cs_sb_find_body(struct cs_sb_request *req, char *p, size_t n, size_t *used)
{
	const char *te = cs_sb_header(req, "transfer-encoding"), *cl = cs_sb_header(req, "content-length");
	unsigned long size = 0;
	char *end = NULL;
	int rc;

	if (te != NULL) {
		if (cl != NULL || strcasecmp(te, "chunked") != 0)
			return -400;
		if (n > CS_SB_MAX_BODY + (1u << 20))
			return -413;
		rc = read_chunked(p, n, used, &req->body_len);
		return rc < 0 ? -400 : rc;
	}
	if (cl != NULL) {
		size = strtoul(cl, &end, 10);
		if (*cl < '0' || *cl > '9' || *end != '\0')
			return -400;
	}
	if (size > CS_SB_MAX_BODY)
		return -413;
	*used = req->body_len = size;
	return n >= size ? 1 : 0;
}
