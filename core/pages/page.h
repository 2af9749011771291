/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page.h - what every page for a browser has: the frame, the stylesheet, and headers that let it do nothing else.
 *
 * No script, nothing from other hosts, no frames around it, no address in a referrer, nothing kept in a cache. Any thread.
 */
#ifndef CS_PAGES_PAGE_H
#define CS_PAGES_PAGE_H

#include "http/server.h"
#include "pages/html.h"

#define CS_PAGE_STYLE "/connect/style.css"
#define CS_PAGE_MAX ((size_t)1 << 20)

struct cs_page_frame {
	const char *title;
	const char *about;  /* beside the name, at the top: for whom this is; NULL */
	int step, steps;    /* "Step 2 of 5"; 0: it is none */
	const char *onward; /* where the browser goes by itself, NULL: nowhere; and after how many seconds */
	int onward_s;
};
void cs_page_begin(struct cs_buf *b, const struct cs_page_frame *f);
void cs_page_end(struct cs_buf *b);
/* Ends the page and answers. cookie: a Set-Cookie value; NULL. Takes the buffer's memory. */
void cs_page_reply(struct cs_http_request *req, int status, struct cs_buf *b, const char *cookie);

/* A whole page of one sentence. onward: the address of a button below it, and its words; NULL: none. */
void cs_page_tell(struct cs_http_request *req, int status, const char *title, const char *text, const char *onward, const char *words);
/* 405; allow: what the address has. */
void cs_page_no_method(struct cs_http_request *req, const char *allow);
/* 303: what was asked for is there. */
void cs_page_go(struct cs_http_request *req, const char *where, const char *cookie);
/* The stylesheet. */
void cs_page_style(struct cs_http_request *req);

extern const char cs_page_css[];

#endif
