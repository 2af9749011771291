/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smtp.c - see smtp.h.
 *
 * The operator's file names the server, so there is no guard against private addresses here. With "required" libcurl breaks
 * off before it logs in or names anybody when the server offers no STARTTLS.
 *
 * A stop breaks off what is on its way, but for a mail that was handed over whole: its server may have taken it already, and it
 * would be sent again, so its answer is waited for, for a moment.
 */
#include "config.h"
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "mail/message.h"
#include "mail/smtp.h"
#include "util/clock.h"

#define CONNECT_TIMEOUT_MS 10000L
#define TOTAL_TIMEOUT_MS 60000L
#define MESSAGE_MAX ((size_t)4 << 20)
#define ANSWER_WAIT_US (3 * 1000000LL) /* at a stop */

struct upload {
	const char *at;
	size_t left;
	const _Atomic bool *stop;
	int64_t stopped_us; /* when that was seen; 0: it was not */
};

static size_t
give(char *to, size_t size, size_t n, void *ctx)
{
	struct upload *u = ctx;
	size_t take = size * n < u->left ? size * n : u->left;

	memcpy(to, u->at, take);
	u->at += take;
	u->left -= take;
	return take;
}

static int
keep_going(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	struct upload *u = ctx;

	(void)a, (void)b, (void)c, (void)d;
	if (!*u->stop)
		return 0;
	if (u->stopped_us == 0)
		u->stopped_us = cs_mono_us();
	return u->left > 0 || cs_mono_us() - u->stopped_us > ANSWER_WAIT_US;
}

/* 4xx is a no for now and 5xx for good; but a login that is refused says nothing about the mail. */
enum cs_smtp_result
cs_smtp_judge(int curl_code, long status)
{
	if (curl_code == CURLE_OK)
		return CS_SMTP_SENT;
	if (curl_code == CURLE_LOGIN_DENIED || curl_code == CURLE_USE_SSL_FAILED || status == 530 || (status >= 534 && status <= 538))
		return CS_SMTP_NOBODY;
	if (status >= 500 && status < 600 && (curl_code == CURLE_SEND_ERROR || curl_code == CURLE_RECV_ERROR ||
	                                      curl_code == CURLE_WEIRD_SERVER_REPLY || curl_code == CURLE_QUOTE_ERROR))
		return CS_SMTP_NEVER;
	return status >= 400 && status < 500 ? CS_SMTP_LATER : CS_SMTP_NOBODY;
}

static void
set_up(CURL *h, const struct cs_conf *conf, struct curl_slist *to, struct upload *u)
{
	static const long tls[] = { [CS_CONF_TLS_REQUIRED] = CURLUSESSL_ALL, [CS_CONF_TLS_IF_OFFERED] = CURLUSESSL_TRY,
		[CS_CONF_TLS_OFF] = CURLUSESSL_NONE };

	curl_easy_setopt(h, CURLOPT_URL, conf->alerts.mail_url);
	curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	curl_easy_setopt(h, CURLOPT_PROXY, "");
	curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
	curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, TOTAL_TIMEOUT_MS);
	curl_easy_setopt(h, CURLOPT_USE_SSL, tls[conf->alerts.mail_starttls]);
	if (conf->http.ca_file[0] != '\0')
		curl_easy_setopt(h, CURLOPT_CAINFO, conf->http.ca_file);
	if (conf->alerts.mail_user[0] != '\0') {
		curl_easy_setopt(h, CURLOPT_USERNAME, conf->alerts.mail_user);
		curl_easy_setopt(h, CURLOPT_PASSWORD, conf->alerts.mail_password);
	}
	curl_easy_setopt(h, CURLOPT_MAIL_FROM, conf->alerts.mail_from);
	curl_easy_setopt(h, CURLOPT_MAIL_RCPT, to);
	curl_easy_setopt(h, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(h, CURLOPT_READFUNCTION, give);
	curl_easy_setopt(h, CURLOPT_READDATA, u);
	curl_easy_setopt(h, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(h, CURLOPT_XFERINFOFUNCTION, keep_going);
	curl_easy_setopt(h, CURLOPT_XFERINFODATA, u);
}

static enum cs_smtp_result
perform(const struct cs_conf *conf, const char *recipient, const struct cs_buf *message, const _Atomic bool *stop, struct cs_err *err)
{
	struct curl_slist *to = curl_slist_append(NULL, recipient);
	struct upload u = { .at = message->ptr, .left = message->len, .stop = stop };
	CURL *h = curl_easy_init();
	long status = 0;
	CURLcode rc = CURLE_OUT_OF_MEMORY;

	if (h != NULL && to != NULL) {
		set_up(h, conf, to, &u);
		rc = curl_easy_perform(h);
		curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &status);
	}
	if (rc != CURLE_OK) /* libcurl's own words; the server's may quote an address */
		cs_err_set(err, CS_EIO, "%s, last answer %ld", curl_easy_strerror(rc), status);
	curl_easy_cleanup(h);
	curl_slist_free_all(to);
	return cs_smtp_judge((int)rc, status);
}

enum cs_smtp_result
cs_smtp_send(const struct cs_conf *conf, const struct cs_mail_row *mail, const _Atomic bool *stop, struct cs_err *err)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf message = CS_BUF_INIT(MESSAGE_MAX);
	char id[64];
	const struct cs_mail_message m = { .from = conf->alerts.mail_from, .to = mail->recipient, .subject = mail->subject,
		.body = mail->body, .date_ms = mail->created_ms, .id = id };

	snprintf(id, sizeof(id), "csrelay.%lld.%lld", (long long)mail->created_ms, (long long)mail->id);
	if (cs_mail_compose(&m, &message, err) < 0)
		return CS_SMTP_NEVER;
	return perform(conf, mail->recipient, &message, stop, err);
}
