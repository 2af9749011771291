/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oauth.c - see oauth.h.
 *
 * An answer is a success if it holds an access token, whatever its status: vendors answer errors with 200. What is not a
 * success and not named in dead_grant is never taken for the end of a grant: an endpoint that is down, throttles, or has lost the
 * app's secret must not make a thousand customers connect again.
 */
#include "config.h"
#include "auth/oauth.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "util/text.h"

#define LIFE_MAX_S (10LL * 366 * 86400)

void
cs_oauth_body(bool json, const struct cs_pair *v, size_t n, struct cs_buf *out)
{
	if (json)
		cs_buf_addc(out, '{');
	for (size_t i = 0; i < n; i++) {
		const char *value = v[i].value;

		if (i > 0)
			cs_buf_addc(out, json ? ',' : '&');
		if (json) {
			cs_buf_add_json_string(out, v[i].name, strlen(v[i].name));
			cs_buf_addc(out, ':');
			cs_buf_add_json_string(out, value, strlen(value));
		} else {
			cs_form_add(out, v[i].name, strlen(v[i].name));
			cs_buf_addc(out, '=');
			cs_form_add(out, value, strlen(value));
		}
	}
	if (json)
		cs_buf_addc(out, '}');
}

/* A number, or a text that is one: vendors send both. */
static int64_t
seconds(json_object *doc, const char *pointer)
{
	const char *text = pointer != NULL ? cs_json_pointer_text(doc, pointer) : "";
	char *end;
	double n;

	if (text[0] == '\0')
		return -1;
	n = strtod(text, &end);
	if (end == text || *end != '\0' || !(n >= 0))
		return -1;
	return n < (double)LIFE_MAX_S ? (int64_t)n : LIFE_MAX_S;
}

/* Codes go to logs and alerts; texts do not, they may echo anything. */
static void
take_error(struct cs_oauth_answer *a, const char *text)
{
	size_t n = 0;

	for (; *text != '\0' && n + 1 < sizeof(a->error); text++) {
		bool plain = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') || (*text >= '0' && *text <= '9');

		a->error[n++] = plain || *text == '_' || *text == '-' || *text == '.' ? *text : '_';
	}
	a->error[n] = '\0';
}

static bool
is_dead(const struct cs_auth_way *w, int status, const char *error)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", status);
	for (size_t i = 0; i < w->n_dead_grant; i++)
		if (strcmp(w->dead_grant[i], error) == 0 || strcmp(w->dead_grant[i], number) == 0)
			return true;
	return false;
}

void
cs_oauth_answer_read(const struct cs_auth_way *w, int status, const char *body, size_t n, struct cs_oauth_answer *out)
{
	const char *error;

	*out = (struct cs_oauth_answer){ .verdict = CS_OAUTH_ILL, .access = "", .refresh = "", .expires_s = -1, .refresh_expires_s = -1 };
	if (n > 0)
		cs_json_parse(body, n, 32, &out->doc, NULL);
	if (status == 0 || status >= 500 || status == 429 || status == 408)
		return; /* whatever it says, it is not about the grant */
	if (out->doc != NULL && status < 300) {
		out->access = cs_json_pointer_text(out->doc, w->at_access);
		out->refresh = cs_json_pointer_text(out->doc, w->at_refresh);
		out->expires_s = seconds(out->doc, w->at_expires);
		out->refresh_expires_s = seconds(out->doc, w->at_refresh_expires);
	}
	if (out->access[0] != '\0') {
		out->verdict = CS_OAUTH_OK;
		return;
	}
	error = out->doc != NULL ? cs_json_pointer_text(out->doc, w->at_error) : "";
	take_error(out, error);
	if (is_dead(w, status, error))
		out->verdict = CS_OAUTH_DEAD;
}

static void
wipe_text(const char *s)
{
	if (s[0] != '\0')
		cs_wipe((char *)(uintptr_t)s, strlen(s));
}

static void
blank(struct cs_oauth_answer *a, const char **token, const char *pointer)
{
	if ((*token)[0] == '\0')
		return;
	wipe_text(*token);
	json_pointer_set(&a->doc, pointer, json_object_new_string(""));
	*token = "";
}

void
cs_oauth_answer_blank(const struct cs_auth_way *w, struct cs_oauth_answer *a)
{
	blank(a, &a->access, w->at_access);
	blank(a, &a->refresh, w->at_refresh);
}

void
cs_oauth_answer_fini(struct cs_oauth_answer *a)
{
	wipe_text(a->access);
	wipe_text(a->refresh);
	json_object_put(a->doc);
	a->doc = NULL;
	a->access = a->refresh = "";
}

int64_t
cs_oauth_renew_ms(const struct cs_auth_way *w, int64_t now_ms, int64_t expires_ms)
{
	int64_t life = expires_ms - now_ms, margin = w->margin_s * 1000;

	if (expires_ms == 0)
		return 0;
	if (margin > life / 5)
		margin = life / 5;
	return expires_ms - margin;
}

void
cs_oauth_basic(const char *id, const char *secret, struct cs_buf *out)
{
	struct cs_buf plain = CS_BUF_INIT(0);

	cs_form_add(&plain, id, strlen(id)); /* RFC 6749, 2.3.1 */
	cs_buf_addc(&plain, ':');
	cs_form_add(&plain, secret, strlen(secret));
	cs_buf_adds(out, "Basic ");
	cs_base64_add(out, plain.ptr, plain.len);
	cs_wipe(plain.ptr, plain.cap);
	cs_buf_fini(&plain);
}

void
cs_oauth_challenge(const char *verifier, struct cs_buf *out)
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	EVP_Digest(verifier, strlen(verifier), sum, &n, EVP_sha256(), NULL);
	cs_base64url_add(out, sum, n);
}

void
cs_oauth_param(struct cs_buf *url, const char *name, const char *value)
{
	cs_buf_addc(url, strchr(cs_buf_str(url), '?') == NULL ? '?' : '&');
	cs_url_add(url, name, strlen(name));
	cs_buf_addc(url, '=');
	cs_url_add(url, value, strlen(value));
}
