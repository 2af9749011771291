/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_scan.h - private to the JSON reader: where it is in the text, and the parts of strings and numbers that are more than a
 * run of bytes.
 */
#ifndef CS_UTIL_JSON_SCAN_H
#define CS_UTIL_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

struct cs_json_scan {
	char *s;           /* CS_JSON_PAD zeroes behind it */
	size_t n, at;      /* at: the next byte; after a fault, where it is */
	const char *fault; /* NULL: none */
};

static inline bool
cs_json_fault(struct cs_json_scan *r, size_t at, const char *what)
{
	r->at = at;
	r->fault = what;
	return false;
}

/* s[from..from + *len) without its escapes, in place; it never grows: \uXXXX is six bytes for at most three. */
bool cs_json_unescape(struct cs_json_scan *r, size_t from, size_t *len);
/* The number at r->at: *len of it by the grammar of RFC 8259, at most 64 characters, within the range of a double. */
bool cs_json_number(struct cs_json_scan *r, size_t *len, bool *integer);

#endif
