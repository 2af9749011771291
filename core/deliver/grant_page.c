/* SPDX-License-Identifier: Apache-2.0 */
/* grant_page.c - what a browser gets: one sentence, no scripts, nothing from elsewhere, nothing kept. */
#include "deliver/grant.h"
#include <string.h>

static const struct cs_http_header safe[] = {
	{ "Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'" },
	{ "Referrer-Policy", "no-referrer" },
	{ "Cache-Control", "no-store" },
	{ "X-Content-Type-Options", "nosniff" },
};
#define SAFE CS_ARRAY_LEN(safe)

static void
escaped(struct cs_buf *b, const char *text)
{
	for (; *text != '\0'; text++) {
		const char *entity = *text == '<' ? "&lt;" : *text == '>' ? "&gt;" : *text == '&' ? "&amp;" : *text == '"' ? "&quot;" :
		                     *text == '\'' ? "&#39;" : NULL;

		if (entity != NULL)
			cs_buf_adds(b, entity);
		else
			cs_buf_addc(b, *text);
	}
}

static void
reply(struct cs_http_request *req, int status, const char *name, const char *value, const char *cookie, const struct cs_buf *body)
{
	struct cs_http_header headers[SAFE + 2];
	size_t n = SAFE;

	memcpy(headers, safe, sizeof(safe));
	if (name != NULL)
		headers[n++] = (struct cs_http_header){ name, value };
	if (cookie != NULL)
		headers[n++] = (struct cs_http_header){ "Set-Cookie", cookie };
	cs_http_reply(req, &(struct cs_http_reply){ .status = status, .content_type = "text/html; charset=utf-8", .body = body->ptr,
		.body_len = body->len, .headers = headers, .n_headers = n });
}

void
cs_grant_page(struct cs_http_request *req, int status, const char *title, const char *text, const char *cookie)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);

	cs_buf_adds(&b, "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>");
	escaped(&b, title);
	cs_buf_adds(&b, "</title><h1>");
	escaped(&b, title);
	cs_buf_adds(&b, "</h1><p>");
	escaped(&b, text);
	cs_buf_adds(&b, "</p></html>\n");
	reply(req, status, status == 405 ? "Allow" : NULL, "GET", cookie, &b);
}

void
cs_grant_redirect(struct cs_http_request *req, const char *url, const char *cookie)
{
	struct cs_buf none = CS_BUF_INIT(0);

	reply(req, 303, "Location", url, cookie, &none);
}
