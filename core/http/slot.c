/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slot.c - one request on one curl easy handle: options, what libcurl calls back, and what the end of it means.
 *
 * The three callbacks that keep promises:
 *   open_socket  asks the guard about the resolved address. A refusal makes libcurl try the next address.
 *   about_to_send (CURLOPT_PREREQFUNCTION) runs each time a request is ready to go onto a connection. It asks the guard
 *                about connections used again, and stops the second sending of a request that mutates.
 *   take_body    ends the transfer over the limit, and holds it back while there is no room in the common budget.
 */
#include "config.h"
#include "http/slot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include "http/url.h"
#include "util/clock.h"
#include "util/text.h"

#define HEAD_SEEN_MAX ((size_t)256 << 10)
#define OUT_MAX ((size_t)64 << 10)
#define KEEP_BODY ((size_t)32 << 10)
/* Kept connections idle for longer are not used again: most servers close theirs after 60 s, and a request that meets a
 * connection in that moment ends in doubt. */
#define REUSE_IDLE_S 30L
#define EXPECTS_OVER ((size_t)512 << 10) /* libcurl asks for "100 Continue" before bodies of 1 MiB and more; we never do */

static const char *const methods[] = { "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE" };
static const char *const core_headers[] = { "Host",    "Content-Length", "Transfer-Encoding", "Connection",
	                                    "Cookie",  "Expect",         "Upgrade",           "TE",
	                                    "Trailer", "Keep-Alive",     "Proxy-Connection",  "Proxy-Authorization" };
static char user_agent[] = "User-Agent: csrelay/" PACKAGE_VERSION; /* as one of our headers libcurl formats it once, not twice */
static char no_expect[] = "Expect:";
static char no_content_type[] = "Content-Type:";

/* ---- callbacks */

/* May this connection carry this request? Plain http goes only where the operator said so. */
static bool
allowed(struct slot *s, enum cs_guard_verdict v, const char *why)
{
	const struct cs_http_client *c = s->client;

	if (v == CS_GUARD_REFUSED)
		s->refused = why;
	else if (s->plain && v != CS_GUARD_LISTED && !c->conf.allow_plain)
		s->refused = "not a place for plain http";
	else
		return true;
	return false;
}

static curl_socket_t
open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct slot *s = ctx;
	const char *why;

	(void)purpose;
	if (s->client->unix_socket == NULL) {
		enum cs_guard_verdict v = cs_guard_check(s->client->conf.guard, &a->addr, &why);

		if (!allowed(s, v, why))
			return CURL_SOCKET_BAD;
	}
	s->opened = true;
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static int
about_to_send(void *ctx, char *ip, char *local_ip, int port, int local_port)
{
	struct slot *s = ctx;
	const char *why;

	(void)local_ip;
	(void)local_port;
	if (s->sends > 0 && s->xfer->mutates) {
		s->resend = true;
		return CURL_PREREQFUNC_ABORT;
	}
	if (s->client->unix_socket == NULL && !s->opened) {
		enum cs_guard_verdict v = cs_guard_check_text(s->client->conf.guard, ip, (unsigned)port, &why);

		if (!allowed(s, v, why))
			return CURL_PREREQFUNC_ABORT;
	}
	s->opened = false;
	s->refused = NULL;
	s->sends++;
	return CURL_PREREQFUNC_OK;
}

/* Every answer has a small share from the start; one that outgrows it needs room for the largest, so that it can end. */
static bool
grant_rest(struct slot *s)
{
	struct cs_http_client *c = s->client;
	size_t rest = c->conf.max_answer - s->granted;

	if (c->granted + rest > c->conf.max_answers_total)
		return false;
	c->granted += rest;
	s->granted += rest;
	return true;
}

static size_t
take_body(char *p, size_t size, size_t n, void *ctx)
{
	struct slot *s = ctx;

	n *= size;
	if (s->body.len + n > s->client->conf.max_answer) {
		s->too_big = true;
		return 0;
	}
	if (s->body.len + n > s->granted && !grant_rest(s)) {
		if (cs_list_empty(&s->paused))
			cs_list_push(&s->client->paused, &s->paused);
		return CURL_WRITEFUNC_PAUSE;
	}
	return cs_buf_add(&s->body, p, n) == 0 ? n : 0;
}

static void
keep_header(struct slot *s, const char *line, size_t n)
{
	const char *colon = memchr(line, ':', n);
	size_t name_len, at;

	if (colon == NULL || s->n_head == CS_HTTP_MAX_ANSWER_HEADERS)
		return;
	name_len = (size_t)(colon - line);
	n -= name_len + 1;
	for (colon++; n > 0 && (*colon == ' ' || *colon == '\t'); colon++)
		n--;
	while (n > 0 && (colon[n - 1] == ' ' || colon[n - 1] == '\t'))
		n--;
	at = s->head.len;
	if (!cs_is_token(line, name_len) || !cs_is_header_value(colon, n) ||
	    at + name_len + n + 2 > CS_HTTP_ANSWER_HEADER_BYTES)
		return;
	cs_buf_add(&s->head, line, name_len);
	for (size_t i = at; i < s->head.len; i++)
		if (s->head.ptr[i] >= 'A' && s->head.ptr[i] <= 'Z')
			s->head.ptr[i] = (char)(s->head.ptr[i] + 32);
	cs_buf_addc(&s->head, '\0');
	cs_buf_add(&s->head, colon, n);
	cs_buf_addc(&s->head, '\0');
	s->head_at[s->n_head][0] = (uint32_t)at;
	s->head_at[s->n_head][1] = (uint32_t)(at + name_len + 1);
	s->n_head++;
}

static size_t
take_header(char *p, size_t size, size_t n, void *ctx)
{
	struct slot *s = ctx;
	size_t len = n * size;

	n = len;
	s->head_seen += n;
	if (s->head_seen > HEAD_SEEN_MAX) {
		s->too_big = true;
		return 0;
	}
	while (len > 0 && (p[len - 1] == '\n' || p[len - 1] == '\r'))
		len--;
	if (len >= 5 && memcmp(p, "HTTP/", 5) == 0) {
		cs_buf_reset(&s->head);
		s->n_head = 0;
		s->head_over = false;
	} else if (len == 0) {
		s->head_over = true;
	} else if (!s->head_over) {
		keep_header(s, p, len);
	}
	return n;
}

/* ---- life */

#define SET(option, value) (ok = curl_easy_setopt(e, option, value) == CURLE_OK && ok)

static bool
set_constants(struct slot *s)
{
	const struct cs_http_client *c = s->client;
	CURL *e = s->easy;
	bool ok = true;

	SET(CURLOPT_PRIVATE, (void *)s);
	SET(CURLOPT_ERRORBUFFER, s->error);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_NOPROXY, "*");
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(CURLOPT_PATH_AS_IS, 1L);
	SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	SET(CURLOPT_CURLU, s->parsed);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)c->conf.connect_timeout_ms);
	SET(CURLOPT_MAXAGE_CONN, REUSE_IDLE_S);
#if LIBCURL_VERSION_NUM >= 0x075700
	SET(CURLOPT_QUICK_EXIT, 1L); /* a time-out must not wait for a thread that sits in getaddrinfo */
#endif
	SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
	SET(CURLOPT_OPENSOCKETDATA, (void *)s);
	SET(CURLOPT_PREREQFUNCTION, about_to_send);
	SET(CURLOPT_PREREQDATA, (void *)s);
	SET(CURLOPT_WRITEFUNCTION, take_body);
	SET(CURLOPT_WRITEDATA, (void *)s);
	SET(CURLOPT_HEADERFUNCTION, take_header);
	SET(CURLOPT_HEADERDATA, (void *)s);
	if (c->ca_file != NULL) {
		SET(CURLOPT_CAINFO, c->ca_file);
		SET(CURLOPT_CAPATH, NULL);
	}
	if (c->unix_socket != NULL)
		SET(CURLOPT_UNIX_SOCKET_PATH, c->unix_socket);
	return ok;
}

struct slot *
cs_slot_new(struct cs_http_client *c)
{
	struct slot *s = cs_xcalloc(1, sizeof(*s));

	cs_list_init(&s->link);
	cs_list_init(&s->paused);
	s->client = c;
	cs_buf_init(&s->body, c->conf.max_answer);
	cs_buf_init(&s->head, CS_HTTP_ANSWER_HEADER_BYTES);
	cs_buf_init(&s->out, OUT_MAX);
	cs_buf_init(&s->url, CS_URL_MAX);
	s->easy = curl_easy_init();
	s->parsed = curl_url();
	if (s->easy != NULL && s->parsed != NULL && set_constants(s))
		return s;
	cs_slot_free(s);
	return NULL;
}

void
cs_slot_free(struct slot *s)
{
	curl_easy_cleanup(s->easy);
	curl_url_cleanup(s->parsed);
	cs_buf_fini(&s->body);
	cs_buf_fini(&s->head);
	cs_wipe(s->out.ptr, s->out.cap); /* tokens */
	cs_buf_fini(&s->out);
	cs_wipe(s->url.ptr, s->url.cap);
	cs_buf_fini(&s->url);
	free(s);
}

static bool
is_method(const char *m)
{
	for (size_t i = 0; i < CS_ARRAY_LEN(methods); i++)
		if (strcmp(m, methods[i]) == 0)
			return true;
	return false;
}

static bool
is_core_header(const char *name)
{
	for (size_t k = 0; k < CS_ARRAY_LEN(core_headers); k++)
		if ((name[0] | 32) == (core_headers[k][0] | 32) && strcasecmp(name, core_headers[k]) == 0)
			return true;
	return false;
}

static const char *
check_headers(const struct cs_http_xfer *x)
{
	size_t total = 0;

	if (x->n_headers > CS_HTTP_MAX_REQUEST_HEADERS)
		return "too many headers";
	for (size_t i = 0; i < x->n_headers; i++) {
		const struct cs_http_header *h = &x->headers[i];
		size_t n = strlen(h->name), v = strlen(h->value);

		if (!cs_is_token(h->name, n))
			return "a header name is not a token";
		if (!cs_is_header_value(h->value, v))
			return "a header value has a line break or control character";
		if (is_core_header(h->name))
			return "a header that only csrelay sets was given";
		total += n + v + 4;
	}
	return total > OUT_MAX ? "the headers are too long" : NULL;
}

const char *
cs_slot_check(const struct cs_http_xfer *x)
{
	if (x->method == NULL || !is_method(x->method))
		return "not a method that csrelay uses";
	if (x->body_len > 0 && (x->method[0] == 'G' || x->method[0] == 'H'))
		return "GET and HEAD have no body";
	if (x->url == NULL || !cs_url_plausible(x->url))
		return "the URL is not acceptable";
	return check_headers(x);
}

/* Our header list is built in our own memory: libcurl only reads it. */
static struct curl_slist *
build_headers(struct slot *s, const struct cs_http_xfer *x)
{
	size_t at[CS_HTTP_MAX_REQUEST_HEADERS], n = x->n_headers;

	for (size_t i = 0; i < n; i++) {
		const char *value = x->headers[i].value;

		at[i] = s->out.len;
		cs_buf_adds(&s->out, x->headers[i].name);
		cs_buf_adds(&s->out, value[0] == '\0' ? ";" : ": "); /* "Name;" is libcurl's way to say: empty */
		cs_buf_adds(&s->out, value);
		cs_buf_addc(&s->out, '\0');
	}
	for (size_t i = 0; i < n; i++)
		s->out_nodes[i].data = s->out.ptr + at[i];
	if (cs_http_header_find(x->headers, x->n_headers, "User-Agent") == NULL)
		s->out_nodes[n++].data = user_agent;
	if (x->body_len > EXPECTS_OVER)
		s->out_nodes[n++].data = no_expect;
	if (cs_http_header_find(x->headers, x->n_headers, "Content-Type") == NULL)
		s->out_nodes[n++].data = no_content_type;
	for (size_t i = 0; i < n; i++)
		s->out_nodes[i].next = i + 1 < n ? &s->out_nodes[i + 1] : NULL;
	return n > 0 ? s->out_nodes : NULL;
}

/*
 * libcurl would parse the text and put it together again for every request. It need not when it is given the parts, and they are
 * there already when the slot asks for the same URL again. The text is set, too: libcurl sends a look-up again by it.
 */
static bool
set_url(struct slot *s, const char *url)
{
	CURL *e = s->easy;
	bool ok = true;

	if (s->url.len > 0 && strcmp(s->url.ptr, url) == 0)
		return true;
	cs_wipe(s->url.ptr, 0);
	cs_buf_reset(&s->url);
	SET(CURLOPT_URL, url);
	return ok && curl_url_set(s->parsed, CURLUPART_URL, url, CURLU_DISALLOW_USER | CURLU_PATH_AS_IS) == CURLUE_OK &&
	       cs_buf_adds(&s->url, url) == 0;
}

static bool
set_method(CURL *e, const struct cs_http_xfer *x)
{
	bool ok = true, posts = x->method[0] == 'P' || x->body_len > 0;

	if (posts) {
		SET(CURLOPT_POST, 1L);
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)x->body_len);
		SET(CURLOPT_POSTFIELDS, x->body_len > 0 ? x->body : (const void *)"");
	} else {
		SET(CURLOPT_HTTPGET, 1L);
		if (x->method[0] == 'H')
			SET(CURLOPT_NOBODY, 1L);
	}
	SET(CURLOPT_CUSTOMREQUEST, x->method[0] == 'H' || strcmp(x->method, posts ? "POST" : "GET") == 0 ? NULL : x->method);
	return ok;
}

bool
cs_slot_load(struct slot *s, struct cs_http_xfer *x)
{
	int64_t timeout = x->total_timeout_ms > 0 ? x->total_timeout_ms : s->client->conf.total_timeout_ms;
	CURL *e = s->easy;
	bool ok = true;

	s->xfer = x;
	s->plain = x->url[4] == ':';
	s->start_us = cs_mono_us();
	s->granted = s->client->conf.max_answer < CS_SLOT_SHARE ? s->client->conf.max_answer : CS_SLOT_SHARE;
	s->client->granted += s->granted;
	ok = set_url(s, x->url);
	SET(CURLOPT_HTTPHEADER, build_headers(s, x));
	SET(CURLOPT_TIMEOUT_MS, (long)timeout);
	return set_method(e, x) && ok;
}

void
cs_slot_clear(struct slot *s)
{
	s->client->granted -= s->granted;
	s->granted = 0;
	s->xfer = NULL;
	s->sends = 0;
	s->opened = s->head_over = s->too_big = s->resend = s->broken = false;
	s->refused = NULL;
	s->error[0] = '\0';
	s->n_head = s->head_seen = 0;
	cs_wipe(s->out.ptr, s->out.len > 0 ? s->out.len : 1);
	cs_buf_reset(&s->out);
	cs_buf_reset(&s->head);
	if (s->body.cap > KEEP_BODY)
		cs_buf_fini(&s->body);
	cs_buf_reset(&s->body);
	cs_list_del(&s->paused);
}

/* ---- the end */

static enum cs_http_fault
classify(const struct slot *s, CURLcode code)
{
	if (s->resend)
		return CS_HTTP_RESEND;
	if (s->too_big)
		return CS_HTTP_TOO_BIG;
	if (s->refused != NULL && code != CURLE_OK && code != CURLE_OPERATION_TIMEDOUT)
		return CS_HTTP_REFUSED;
	switch (code) {
	case CURLE_OK:
		return CS_HTTP_OK;
	case CURLE_COULDNT_RESOLVE_HOST:
		return CS_HTTP_RESOLVE;
	case CURLE_COULDNT_CONNECT:
		return CS_HTTP_CONNECT;
	case CURLE_OPERATION_TIMEDOUT:
		return CS_HTTP_TIMEOUT;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
		return s->sends > 0 ? CS_HTTP_RESET : CS_HTTP_TLS;
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_PARTIAL_FILE:
		return CS_HTTP_RESET;
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_LOGIN_DENIED:
		return s->sends > 0 ? CS_HTTP_OTHER : CS_HTTP_URL;
	default:
		return CS_HTTP_OTHER;
	}
}

/* Texts for what we decided ourselves; else libcurl's, which knows host and port but neither path nor query. */
static const char *
detail(struct slot *s, enum cs_http_fault fault, CURLcode code)
{
	switch (fault) {
	case CS_HTTP_OK:
		return "";
	case CS_HTTP_RESEND:
		return "the connection was lost after the request had gone out; it was not sent a second time";
	case CS_HTTP_TOO_BIG:
		return "the answer is larger than allowed";
	case CS_HTTP_REFUSED:
		snprintf(s->error, sizeof(s->error), "the address is refused: %s", s->refused);
		return s->error;
	default:
		break;
	}
	for (char *p = s->error; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	return s->error[0] != '\0' ? s->error : curl_easy_strerror(code);
}

static int64_t
info_us(CURL *e, CURLINFO what)
{
	curl_off_t us = 0;

	return curl_easy_getinfo(e, what, &us) == CURLE_OK ? (int64_t)us : 0;
}

void
cs_slot_conclude(struct slot *s, CURLcode code)
{
	struct cs_http_answer *a = &s->answer;
	long status = 0;

	curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
	for (size_t i = 0; i < s->n_head; i++) {
		s->headers[i].name = s->head.ptr + s->head_at[i][0];
		s->headers[i].value = s->head.ptr + s->head_at[i][1];
	}
	a->fault = classify(s, code);
	if (a->fault != CS_HTTP_OK)
		cs_buf_reset(&s->body);
	a->sent = s->sends > 0;
	a->status = a->sent ? (int)status : 0;
	a->headers = s->headers;
	a->n_headers = s->n_head;
	a->body = cs_buf_str(&s->body);
	a->body_len = s->body.len;
	a->start_us = s->start_us;
	a->connect_us = info_us(s->easy, CURLINFO_PRETRANSFER_TIME_T);
	a->first_byte_us = info_us(s->easy, CURLINFO_STARTTRANSFER_TIME_T);
	a->total_us = info_us(s->easy, CURLINFO_TOTAL_TIME_T);
	a->detail = detail(s, a->fault, code);
	a->slot_ = s;
}

char *
cs_http_answer_steal(const struct cs_http_answer *a, size_t *len)
{
	struct slot *s = a->slot_;

	if (s != NULL && s->body.len > 0)
		return cs_buf_steal(&s->body, len);
	*len = 0;
	return NULL;
}
