/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page.c - frame and headers. See page.h.
 *
 * form-action bounds where a form may end, redirects included, so a form never leads to a CRM: the page behind it sends the browser on
 * (`onward`, a refresh), which is no longer the form's doing.
 */
#include "config.h"
#include "pages/page.h"

#include <string.h>

static const struct cs_http_header safe[] = {
	{ "Content-Security-Policy",
	  "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'" },
	{ "Referrer-Policy", "no-referrer" },
	{ "Cache-Control", "no-store" },
	{ "X-Content-Type-Options", "nosniff" },
	{ "X-Frame-Options", "DENY" },
	{ "Cross-Origin-Opener-Policy", "same-origin" },
};
#define SAFE CS_ARRAY_LEN(safe)

void
cs_page_begin(struct cs_buf *b, const struct cs_page_frame *f)
{
	cs_html(b, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	           "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>%s</title>\n"
	           "<link rel=\"stylesheet\" href=\"%s\">\n",
	        f->title, CS_PAGE_STYLE);
	if (f->onward != NULL)
		cs_html(b, "<meta http-equiv=\"refresh\" content=\"%d; url=%s\">\n", f->onward_s, f->onward);
	cs_html(b, "</head>\n<body>\n<header><span class=\"name\">CallSetter</span>");
	if (f->about != NULL)
		cs_html(b, "<span class=\"about\">%s</span>", f->about);
	cs_html(b, "</header>\n<main>\n");
	if (f->step > 0) {
		cs_html(b, "<p class=\"step\">Step %d of %d</p>\n", f->step, f->steps);
		cs_html(b, "<progress aria-hidden=\"true\" value=\"%d\" max=\"%d\"></progress>\n", f->step, f->steps);
	}
	cs_html(b, "<h1>%s</h1>\n", f->title);
}

void
cs_page_end(struct cs_buf *b)
{
	cs_html(b, "</main>\n</body>\n</html>\n");
}

static void
reply(struct cs_http_request *req, int status, struct cs_buf *b, const char *name, const char *value, const char *cookie)
{
	struct cs_http_reply r = { .status = status, .own = CS_BODY_TAKE };
	struct cs_http_header headers[SAFE + 2];
	size_t n = SAFE;

	memcpy(headers, safe, sizeof(safe));
	if (name != NULL)
		headers[n++] = (struct cs_http_header){ name, value };
	if (cookie != NULL)
		headers[n++] = (struct cs_http_header){ "Set-Cookie", cookie };
	r.content_type = b != NULL ? "text/html; charset=utf-8" : NULL;
	r.body = b != NULL ? cs_buf_steal(b, &r.body_len) : NULL;
	r.headers = headers;
	r.n_headers = n;
	cs_http_reply(req, &r);
}

void
cs_page_reply(struct cs_http_request *req, int status, struct cs_buf *b, const char *cookie)
{
	cs_page_end(b);
	if (!b->failed) {
		reply(req, status, b, NULL, NULL, cookie);
		return;
	}
	cs_buf_fini(b);
	cs_page_tell(req, 500, "This page is too large", "The CRM has more to show than fits here.", NULL, NULL);
}

void
cs_page_no_method(struct cs_http_request *req, const char *allow)
{
	struct cs_buf b = CS_BUF_INIT(CS_PAGE_MAX);

	cs_page_begin(&b, &(struct cs_page_frame){ .title = "Not allowed" });
	cs_html(&b, "<p class=\"lead\">This address is for browsers.</p>\n");
	cs_page_end(&b);
	reply(req, 405, &b, "Allow", allow, NULL);
}

void
cs_page_tell(struct cs_http_request *req, int status, const char *title, const char *text, const char *onward, const char *words)
{
	struct cs_buf b = CS_BUF_INIT(CS_PAGE_MAX);

	cs_page_begin(&b, &(struct cs_page_frame){ .title = title });
	cs_html(&b, "<p class=\"lead\">%s</p>\n", text);
	if (onward != NULL)
		cs_html(&b, "<p class=\"actions\"><a class=\"button\" href=\"%s\">%s</a></p>\n", onward, words);
	cs_page_reply(req, status, &b, NULL);
}

void
cs_page_go(struct cs_http_request *req, const char *where, const char *cookie)
{
	reply(req, 303, NULL, "Location", where, cookie);
}

void
cs_page_style(struct cs_http_request *req)
{
	static const struct cs_http_header headers[] = { { "Cache-Control", "max-age=3600" }, { "X-Content-Type-Options", "nosniff" } };

	cs_http_reply(req, &(struct cs_http_reply){ .status = 200, .content_type = "text/css; charset=utf-8", .body = cs_page_css,
	                       .body_len = strlen(cs_page_css), .own = CS_BODY_STATIC, .headers = headers, .n_headers = CS_ARRAY_LEN(headers) });
}
