/* SPDX-License-Identifier: Apache-2.0 */
/*
 * html.h - writing HTML in which nothing that comes from elsewhere can be markup.
 *
 * Markup stands in format strings of ours; whatever a %s brings is escaped, for text and for quoted attributes alike. So a page
 * is safe where its format strings quote their attributes, and addresses go through cs_html_href.
 */
#ifndef CS_PAGES_HTML_H
#define CS_PAGES_HTML_H

#include <stdbool.h>
#include "util/mem.h"

/* Knows %s (escaped; NULL is ""), %d and %%. Anything else in the format is a bug and aborts. */
void cs_html(struct cs_buf *b, const char *format, ...) CS_PRINTF_LIKE(2, 3);
/* ` href="..."` with a blank before it, or nothing, when `url` is no http or https address. */
void cs_html_href(struct cs_buf *b, const char *url);

#endif
