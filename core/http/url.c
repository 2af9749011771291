/* SPDX-License-Identifier: Apache-2.0 */
/*
 * url.c - see url.h. The result is parsed on a CURLU handle; the text itself stays as the caller wrote it, because setting
 * parts on the handle rewrites escapes and some vendors sign the URL.
 */
#include "http/url.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "util/text.h"

static void
curlu_free(CURLU **u)
{
	curl_url_cleanup(*u);
}

static void
curl_freep(char **s)
{
	curl_free(*s);
}

static bool
is_absolute(const char *s)
{
	return strncasecmp(s, "https://", 8) == 0 || strncasecmp(s, "http://", 7) == 0;
}

/* Characters that RFC 3986 allows in a URL, without "#" (we send no fragments). */
static const bool url_char[256] = {
	['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true,
	['-'] = true, ['.'] = true, ['_'] = true, ['~'] = true, [':'] = true, ['/'] = true, ['?'] = true,
	['['] = true, [']'] = true, ['@'] = true, ['!'] = true, ['$'] = true, ['&'] = true, ['\''] = true,
	['('] = true, [')'] = true, ['*'] = true, ['+'] = true, [','] = true, [';'] = true, ['='] = true,
	['%'] = true,
};

static int
check_characters(const char *url, struct cs_err *err)
{
	const char *s = url;

	for (; *s != '\0'; s++) {
		if (!url_char[(unsigned char)*s])
			return cs_err_set(err, CS_EINVAL, "the URL has a character that must be percent-encoded (byte 0x%02x)",
			                  (unsigned char)*s);
		if (*s == '%' && (!isxdigit((unsigned char)s[1]) || !isxdigit((unsigned char)s[2])))
			return cs_err_set(err, CS_EINVAL, "the URL has a percent sign without two digits");
	}
	if (s - url > CS_URL_MAX)
		return cs_err_set(err, CS_EINVAL, "the URL is longer than %d bytes", CS_URL_MAX);
	return 0;
}

/* Length of the dot at `s`, written plainly or encoded; 0 if there is none. */
static size_t
dot_at(const char *s)
{
	if (s[0] == '.')
		return 1;
	return s[0] == '%' && s[1] == '2' && (s[2] == 'e' || s[2] == 'E') ? 3 : 0;
}

/* Is a segment of the path "." or ".."? It would climb out of the base, or the server would think so. */
static bool
has_dot_segment(const char *path)
{
	for (const char *s = path; *s == '/'; s += strcspn(s, "/?")) {
		size_t n = dot_at(++s);

		if (n > 0)
			n += dot_at(s + n);
		if (n > 0 && (s[n] == '/' || s[n] == '\0' || s[n] == '?'))
			return true;
	}
	return false;
}

static int
refuse_part(CURLUcode rc, struct cs_err *err)
{
	return cs_err_set(err, CS_EINVAL, "not a usable URL: %s", curl_url_strerror(rc));
}

static int
read_origin(CURLU *u, struct cs_url_origin *o, struct cs_err *err)
{
	CS_CLEANUP(curl_freep) char *scheme = NULL;
	CS_CLEANUP(curl_freep) char *host = NULL;
	CS_CLEANUP(curl_freep) char *port = NULL;
	CURLUcode rc;
	const char *h;
	size_t n;

	memset(o, 0, sizeof(*o));
	if ((rc = curl_url_get(u, CURLUPART_SCHEME, &scheme, 0)) != CURLUE_OK ||
	    (rc = curl_url_get(u, CURLUPART_HOST, &host, 0)) != CURLUE_OK ||
	    (rc = curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT)) != CURLUE_OK)
		return refuse_part(rc, err);
	h = host;
	n = strlen(h);
	if (n > 2 && h[0] == '[') {
		h++;
		n -= 2;
	} else if (n > 1 && h[n - 1] == '.') {
		n--;
	}
	if (n == 0 || n >= sizeof(o->host) || strspn(h, "%[ ") != 0)
		return cs_err_set(err, CS_EINVAL, "not a usable URL: bad host name");
	for (size_t i = 0; i < n; i++)
		o->host[i] = (char)tolower((unsigned char)h[i]);
	o->host[n] = '\0';
	if (strchr(o->host, '%') != NULL)
		return cs_err_set(err, CS_EINVAL, "not a usable URL: bad host name");
	o->port = (uint16_t)strtoul(port, NULL, 10);
	o->plain = strcmp(scheme, "http") == 0;
	return 0;
}

/* Parse an absolute URL into u, with all that must hold of the whole. */
static int
parse(CURLU *u, const char *url, bool plain_ok, struct cs_url_origin *origin, struct cs_err *err)
{
	CS_CLEANUP(curl_freep) char *path = NULL;
	CURLUcode rc;
	int bad;

	if (!is_absolute(url))
		return cs_err_set(err, CS_EINVAL, "not an absolute https URL");
	if ((bad = check_characters(url, err)) < 0)
		return bad;
	rc = curl_url_set(u, CURLUPART_URL, url, CURLU_DISALLOW_USER | CURLU_PATH_AS_IS);
	if (rc != CURLUE_OK || (rc = curl_url_get(u, CURLUPART_PATH, &path, 0)) != CURLUE_OK)
		return refuse_part(rc, err);
	if (has_dot_segment(path))
		return cs_err_set(err, CS_EINVAL, "the path of the URL has a \".\" or \"..\" segment");
	if ((bad = read_origin(u, origin, err)) < 0)
		return bad;
	if (origin->plain && !plain_ok)
		return cs_err_set(err, CS_EINVAL, "the URL of %.100s is http, only https is allowed", origin->host);
	return 0;
}

int
cs_url_check(const char *url, bool plain_ok, struct cs_url_origin *origin, struct cs_err *err)
{
	CS_CLEANUP(curlu_free) CURLU *u = curl_url();
	struct cs_url_origin mine;

	return parse(u, url, plain_ok, origin != NULL ? origin : &mine, err);
}

bool
cs_url_plausible(const char *url)
{
	const char *host;

	if (!is_absolute(url) || check_characters(url, NULL) < 0)
		return false;
	host = strstr(url, "://") + 3;
	return host[strcspn(host, "/?@")] != '@' && strcspn(host, "/?") > 0 && !has_dot_segment(host + strcspn(host, "/?"));
}

static void
add_query(struct cs_buf *b, bool *begun, const char *query)
{
	if (query == NULL || query[0] == '\0')
		return;
	cs_buf_addc(b, *begun ? '&' : '?');
	cs_buf_adds(b, query);
	*begun = true;
}

/* Base without its query, path without its query, then the three possible queries one behind the other. */
static void
join(struct cs_buf *b, const char *base, const char *path, const char *query)
{
	size_t base_len = strcspn(base, "?"), path_len = strcspn(path, "?");
	bool begun = false;

	if (path[0] == '/' && base_len > 0 && base[base_len - 1] == '/')
		path++, path_len--;
	cs_buf_add(b, base, base_len);
	cs_buf_add(b, path, path_len);
	add_query(b, &begun, base[base_len] == '?' ? base + base_len + 1 : NULL);
	add_query(b, &begun, path[path_len] == '?' ? path + path_len + 1 : NULL);
	add_query(b, &begun, query);
}

int
cs_url_join(struct cs_buf *out, const char *base, const char *path, const char *query, struct cs_err *err)
{
	size_t start = out->len;
	int rc;

	if (path[0] != '\0' && path[0] != '/' && path[0] != '?')
		return cs_err_set(err, CS_EINVAL, "the path must begin with \"/\"");
	join(out, base, path, query);
	if (out->failed)
		return cs_err_set(err, CS_EINVAL, "the URL is longer than %d bytes", CS_URL_MAX);
	if (cs_url_plausible(out->ptr + start))
		return 0;
	if ((rc = check_characters(out->ptr + start, err)) < 0)
		return rc;
	return cs_err_set(err, CS_EINVAL, "the path of the URL has a \".\" or \"..\" segment");
}

int
cs_url_build(struct cs_buf *out, const char *base, const char *path, const char *query, bool plain_ok,
             struct cs_url_origin *origin, struct cs_err *err)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf whole = CS_BUF_INIT(0);
	int rc;

	if (is_absolute(path)) {
		base = path;
		path = "";
	}
	if (path[0] != '\0' && path[0] != '/' && path[0] != '?')
		return cs_err_set(err, CS_EINVAL, "the path must begin with \"/\"");
	if (!cs_url_plausible(base))
		return cs_err_set(err, CS_EINVAL, "the base URL is not usable");
	join(&whole, base, path, query);
	if ((rc = cs_url_check(cs_buf_str(&whole), plain_ok, origin, err)) < 0)
		return rc;
	return cs_buf_add(out, whole.ptr, whole.len);
}

void
cs_url_add_param(struct cs_buf *query, const char *name, const char *value)
{
	if (query->len > 0)
		cs_buf_addc(query, '&');
	cs_url_add(query, name, strlen(name));
	cs_buf_addc(query, '=');
	cs_url_add(query, value, strlen(value));
}
