/* SPDX-License-Identifier: Apache-2.0 */
/*
 * problem.h - errors as application/problem+json (RFC 9457), with one row per fault.
 *
 *   {"type":"about:blank","title":"Bad Request","status":400,"detail":"the lead breaks 2 rules",
 *    "errors":[{"pointer":"/contact/phone","detail":"is required"}]}
 */
#ifndef CS_HTTP_PROBLEM_H
#define CS_HTTP_PROBLEM_H

#include <stddef.h>
#include "util/mem.h"

#define CS_PROBLEM_TYPE "application/problem+json"

struct cs_problem_row {
	const char *pointer; /* RFC 6901, into what the client sent; "" is the whole document, NULL: left out */
	const char *detail;
};

struct cs_problem {
	int status;
	const char *type;   /* a URI; NULL: about:blank */
	const char *title;  /* NULL: the phrase of the status */
	const char *detail; /* NULL: none */
	const struct cs_problem_row *rows;
	size_t n_rows;
};

/* Append the JSON text. */
void cs_problem_write(struct cs_buf *out, const struct cs_problem *p);
/* "Bad Request" for 400; "Error" for what has no phrase. Static text. */
const char *cs_http_phrase(int status);

#endif
