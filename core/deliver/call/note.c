/* SPDX-License-Identifier: Apache-2.0 */
/*
 * note.c - what is written down of an exchange. No secret is: every known one is masked, and headers that hold one are not shown.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include "deliver/call/exchange.h"
#include "queue/outcome.h"
#include "util/text.h"

#define ERROR_BODY_KEPT 2048
#define SECRET_MIN 6 /* shorter ones cannot be told from other text */

static void
blank_out(char *text, size_t n, const char *value, size_t len)
{
	char *at;

	while (len >= SECRET_MIN && (at = memmem(text, n, value, len)) != NULL)
		memset(at, '*', len);
}

void
cs_exchange_scrub(const struct cs_context *c, char *text, size_t n)
{
	for (size_t i = 0; i < c->n_secrets; i++) {
		const struct cs_named *s = &c->secrets[i];

		blank_out(text, n, s->value, s->len);
		if (s->encoded != NULL)
			blank_out(text, n, s->encoded, strlen(s->encoded));
	}
}

/* Did the manifest put a secret into this header? Then nothing of it is shown, however it was encoded. */
static bool
holds_secret(const struct cs_manifest *m, const char *header)
{
	for (size_t i = 0; i < m->n_places; i++)
		if (m->places[i].kind == CS_PLACE_HEADER && strcasecmp(m->places[i].name, header) == 0 &&
		    (strstr(m->places[i].template, "${secret:") != NULL || strstr(m->places[i].template, "${basic:") != NULL))
			return true;
	return strcasecmp(header, "Authorization") == 0;
}

static void
note_headers(struct cs_exchange *x, struct cs_buf *b)
{
	cs_buf_adds(b, ",\"headers\":{");
	for (size_t i = 0; i < x->n_headers; i++) {
		cs_buf_adds(b, i > 0 ? "," : "");
		cs_buf_add_json_string(b, x->headers[i].name, strlen(x->headers[i].name));
		cs_buf_addc(b, ':');
		if (holds_secret(x->s->context->manifest, x->headers[i].name))
			cs_buf_adds(b, "\"******\"");
		else
			cs_buf_add_json_string(b, x->headers[i].value, strlen(x->headers[i].value));
	}
	cs_buf_addc(b, '}');
}

void
cs_exchange_note(struct cs_exchange *x, const struct cs_http_answer *a, const struct cs_class *c)
{
	struct cs_buf *b = &x->s->exchanges;
	const char *path = strstr(cs_buf_str(&x->url), "://");
	size_t start = b->len;

	path = path != NULL && strchr(path + 3, '/') != NULL ? strchr(path + 3, '/') : "/";
	if (x->s->n_exchanges++ > 0)
		cs_buf_addc(b, ',');
	cs_buf_adds(b, "{\"at_ms\":");
	cs_buf_add_int(b, x->started_ms);
	cs_buf_adds(b, ",\"ms\":");
	cs_buf_add_int(b, a->total_us / 1000);
	cs_buf_adds(b, ",\"step\":\"");
	cs_buf_adds(b, x->step->name);
	cs_buf_adds(b, "\",\"method\":\"");
	cs_buf_adds(b, x->req.method);
	cs_buf_adds(b, "\",\"url\":");
	cs_buf_add_json_string(b, path, strlen(path));
	cs_buf_adds(b, ",\"status\":");
	cs_buf_add_int(b, a->status);
	if (a->fault != CS_HTTP_OK) {
		cs_buf_printf(b, ",\"fault\":\"%s\",\"sent\":%s,\"detail\":", cs_http_fault_name(a->fault), a->sent ? "true" : "false");
		cs_buf_add_json_string(b, a->detail, strlen(a->detail));
	}
	if (a->fault != CS_HTTP_OK || a->status >= 400) {
		note_headers(x, b);
		cs_buf_adds(b, ",\"answer\":");
		cs_buf_add_json_string(b, a->body, cs_utf8_cut(a->body, a->body_len, ERROR_BODY_KEPT));
	}
	cs_buf_adds(b, ",\"outcome\":\"");
	cs_buf_adds(b, cs_outcome_name(c->outcome));
	cs_buf_adds(b, c->doubt ? "\",\"doubt\":true}" : "\"}");
	if (b->ptr != NULL)
		cs_exchange_scrub(x->s->context, b->ptr + start, b->len - start);
}
