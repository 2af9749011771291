/* SPDX-License-Identifier: Apache-2.0 */
/* html.c - see html.h. */
#include "config.h"
#include "pages/html.h"

#include <stdlib.h>
#include "http/url.h"

static const char *
entity(char c)
{
	switch (c) {
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '&':
		return "&amp;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

static void
add_escaped(struct cs_buf *b, const char *text)
{
	for (; text != NULL && *text != '\0'; text++) {
		const char *e = entity(*text);

		if (e != NULL)
			cs_buf_adds(b, e);
		else
			cs_buf_addc(b, *text);
	}
}

void
cs_html(struct cs_buf *b, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	for (const char *f = format; *f != '\0'; f++) {
		if (*f != '%') {
			cs_buf_addc(b, *f);
			continue;
		}
		switch (*++f) {
		case 's':
			add_escaped(b, va_arg(ap, const char *));
			break;
		case 'd':
			cs_buf_add_int(b, va_arg(ap, int));
			break;
		case '%':
			cs_buf_addc(b, '%');
			break;
		default:
			abort();
		}
	}
	va_end(ap);
}

void
cs_html_href(struct cs_buf *b, const char *url)
{
	if (url != NULL && cs_url_check(url, true, NULL, NULL) == 0)
		cs_html(b, " href=\"%s\"", url);
}
