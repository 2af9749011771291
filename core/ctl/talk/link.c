/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link.c - one address, one libcurl handle, one request at a time. See link.h.
 */
#include "config.h"
#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include "ctl/talk/link.h"
#include "http/url.h"
#include "util/text.h"

#define ANSWER_MAX ((size_t)256 << 20)
#define TIMEOUT_MS 30000
#define KEY_MAX 4096

struct cs_ctl_link {
	CURL *curl;
	char *base, *unix_socket, *key; /* base without a slash at its end */
};

void
cs_ctl_answer_fini(struct cs_ctl_answer *a)
{
	cs_buf_fini(&a->body);
	cs_json_putp(&a->json);
}

static struct cs_ctl_link *
link_new(const char *base, size_t base_len)
{
	struct cs_ctl_link *l = cs_xcalloc(1, sizeof(*l));

	curl_global_init(CURL_GLOBAL_DEFAULT);
	l->base = cs_xstrndup(base, base_len);
	l->curl = curl_easy_init();
	return l;
}

struct cs_ctl_link *
cs_ctl_link_unix(const char *socket_path)
{
	struct cs_ctl_link *l = link_new("http://localhost", 16);

	l->unix_socket = cs_xstrdup(socket_path);
	return l;
}

static bool
is_loopback(const char *host)
{
	return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0;
}

struct cs_ctl_link *
cs_ctl_link_url(const char *url, const char *key_file, struct cs_err *err)
{
	struct cs_url_origin origin;
	struct cs_ctl_link *l;
	size_t n = strlen(url);
	char *key = NULL;

	if (cs_url_check(url, true, &origin, err) < 0)
		return NULL;
	if (origin.plain && !is_loopback(origin.host)) {
		cs_err_set(err, CS_EINVAL, "plain http goes to this machine only, not to %s; use https",
			   origin.host);
		return NULL;
	}
	if (key_file != NULL && (key = cs_ctl_read_secret(key_file, err)) == NULL)
		return NULL;
	while (n > 0 && url[n - 1] == '/')
		n--;
	l = link_new(url, n);
	l->key = key;
	return l;
}

void
cs_ctl_link_free(struct cs_ctl_link *l)
{
	if (l == NULL)
		return;
	curl_easy_cleanup(l->curl);
	cs_wipe_free(l->key, 0);
	free(l->base);
	free(l->unix_socket);
	free(l);
}

char *
cs_ctl_read_secret(const char *path, struct cs_err *err)
{
	char text[KEY_MAX + 1], *start = text, *out = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text)) : -1;

	if (n < 0)
		cs_err_set(err, CS_EIO, "could not read %s: %s", path, strerror(errno));
	else if (n == sizeof(text))
		cs_err_set(err, CS_EINVAL, "%s is too large for a key or secret", path);
	else {
		while (n > 0 && isspace((unsigned char)text[n - 1]))
			n--;
		while (n > 0 && isspace((unsigned char)*start))
			start++, n--;
		if (n == 0 || !cs_is_header_value(start, (size_t)n))
			cs_err_set(err, CS_EINVAL, "%s does not hold one line with a key or secret", path);
		else
			out = cs_xstrndup(start, (size_t)n);
	}
	if (fd >= 0)
		close(fd);
	cs_wipe(text, sizeof(text));
	return out;
}

/* ---- one request */

static size_t
on_body(char *p, size_t size, size_t n, void *ctx)
{
	struct cs_buf *b = ctx;

	return cs_buf_add(b, p, size * n) == 0 ? size * n : 0;
}

static size_t
on_header(char *p, size_t size, size_t n, void *ctx)
{
	struct cs_ctl_answer *a = ctx;
	char line[64];

	if (size * n > 12 && strncasecmp(p, "retry-after:", 12) == 0) {
		snprintf(line, sizeof(line), "%.*s", (int)(size * n - 12), p + 12);
		a->retry_after_s = strtol(line, NULL, 10);
	}
	return size * n;
}

static struct curl_slist *
add_header(struct curl_slist *list, const char *name, const char *value)
{
	char *line = cs_xasprintf("%s: %s", name, value);
	struct curl_slist *longer = curl_slist_append(list, line);

	cs_wipe_free(line, 0);
	return longer;
}

static void
wipe_list(struct curl_slist *list)
{
	for (struct curl_slist *s = list; s != NULL; s = s->next)
		cs_wipe(s->data, 0);
	curl_slist_free_all(list);
}

static struct curl_slist *
headers_of(const struct cs_ctl_link *l, const struct cs_ctl_request *r)
{
	struct curl_slist *list = NULL;

	if (r->body != NULL)
		list = add_header(list, "Content-Type",
				  r->content_type != NULL ? r->content_type : "application/json");
	list = add_header(list, "Accept", "application/json");
	list = curl_slist_append(list, "Expect:");
	if (l->key != NULL) {
		char *bearer = cs_xasprintf("Bearer %s", l->key);

		list = add_header(list, "Authorization", bearer);
		cs_wipe_free(bearer, 0);
	}
	for (size_t i = 0; i < r->n_headers; i++)
		list = add_header(list, r->headers[i].name, r->headers[i].value);
	return list;
}

static void
set_up(struct cs_ctl_link *l, const struct cs_ctl_request *r, const char *url, struct curl_slist *headers,
       char *detail, struct cs_ctl_answer *a)
{
	CURL *h = l->curl;

	curl_easy_reset(h); /* the connection is kept */
	curl_easy_setopt(h, CURLOPT_URL, url);
	curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, r->method);
	curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(h, CURLOPT_PROXY, "");
	curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(h, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, 5000L);
	curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)(r->timeout_ms > 0 ? r->timeout_ms : TIMEOUT_MS));
	curl_easy_setopt(h, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(h, CURLOPT_ERRORBUFFER, detail);
	curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(h, CURLOPT_WRITEDATA, &a->body);
	curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(h, CURLOPT_HEADERDATA, a);
	if (l->unix_socket != NULL)
		curl_easy_setopt(h, CURLOPT_UNIX_SOCKET_PATH, l->unix_socket);
	if (r->body != NULL) {
		curl_easy_setopt(h, CURLOPT_POSTFIELDS, r->body);
		curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len);
	}
}

/* Why nobody answered, and at which address. */
static void
explain_silence(const struct cs_ctl_link *l, CURLcode rc, const char *detail, struct cs_err *err)
{
	long os_errno = 0;

	curl_easy_getinfo(l->curl, CURLINFO_OS_ERRNO, &os_errno);
	if (l->unix_socket != NULL && rc == CURLE_COULDNT_CONNECT) {
		int e = access(l->unix_socket, R_OK | W_OK) < 0 ? errno : (int)os_errno;

		cs_err_set(err, CS_ECLOSED, "could not reach the daemon at %s: %s", l->unix_socket,
		           e != 0 ? strerror(e) : "nobody listens there");
		if (e == EACCES || e == EPERM)
			cs_err_hint(err, "only root and the group csrelay may use the control socket");
		else
			cs_err_hint(err, "is csrelayd running? `systemctl status csrelayd` tells");
		return;
	}
	cs_err_set(err, rc == CURLE_OPERATION_TIMEDOUT ? CS_EBUSY : CS_ECLOSED, "could not ask %s: %s",
		   l->unix_socket != NULL ? l->unix_socket : l->base,
		   detail[0] != '\0' ? detail : curl_easy_strerror(rc));
}

void
cs_ctl_link_ask(struct cs_ctl_link *l, const struct cs_ctl_request *r, struct cs_ctl_answer *a)
{
	char detail[CURL_ERROR_SIZE] = "", *url = cs_xasprintf("%s%s", l->base, r->path);
	struct curl_slist *headers = headers_of(l, r);
	long status = 0;
	CURLcode rc;

	memset(a, 0, sizeof(*a));
	cs_buf_init(&a->body, ANSWER_MAX);
	set_up(l, r, url, headers, detail, a);
	rc = curl_easy_perform(l->curl);
	curl_easy_getinfo(l->curl, CURLINFO_RESPONSE_CODE, &status);
	if (rc != CURLE_OK)
		explain_silence(l, rc, detail, &a->err);
	else
		a->status = (int)status;
	if (a->status > 0 && a->body.len > 0)
		cs_json_parse(cs_buf_str(&a->body), a->body.len, 64, &a->json, NULL);
	wipe_list(headers);
	free(url);
}
