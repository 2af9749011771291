/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_scan.c - escapes and numbers. Both are read where they stand; nothing is allocated.
 *
 * A number without an exponent is within the range of a double, for it has at most 64 characters; one with an exponent is
 * tried. What it is worth is worked out by whoever wants to know (json_tree.c).
 */
#include "config.h"
#include "util/json_scan.h"

#include <math.h>
#include <stdint.h>
#include <string.h>
#include "util/json_tree.h"
#include "util/text.h"

#define NUMBER_MAX 64

/* ---- escapes */

/* Four hex digits at `at`, or -1. */
static int
hex4(const struct cs_json_scan *r, size_t at)
{
	unsigned char b[2];

	if (r->n - at < 4 || cs_hex_decode(r->s + at, 4, b, sizeof(b)) < 0)
		return -1;
	return b[0] << 8 | b[1];
}

static size_t
put_utf8(char *to, uint32_t c)
{
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (char)(0xc0 | c >> 6);
		to[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		to[0] = (char)(0xe0 | c >> 12);
		to[1] = (char)(0x80 | (c >> 6 & 0x3f));
		to[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	to[0] = (char)(0xf0 | c >> 18);
	to[1] = (char)(0x80 | (c >> 12 & 0x3f));
	to[2] = (char)(0x80 | (c >> 6 & 0x3f));
	to[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* The escape \uXXXX at `at` (its backslash); *used is 6, or 12 for a pair. */
static bool
unicode_escape(struct cs_json_scan *r, size_t at, uint32_t *out, size_t *used)
{
	int high = hex4(r, at + 2), low;

	*used = 6;
	if (high < 0)
		return cs_json_fault(r, at, "\\u without four hex digits");
	if (high == 0)
		return cs_json_fault(r, at, "NUL in a string");
	*out = (uint32_t)high;
	if (high < 0xd800 || high > 0xdfff)
		return true;
	*used = 12;
	low = high < 0xdc00 && r->n - at >= 12 && r->s[at + 6] == '\\' && r->s[at + 7] == 'u' ? hex4(r, at + 8) : -1;
	if (low < 0xdc00 || low > 0xdfff)
		return cs_json_fault(r, at, "half of a surrogate pair");
	*out = 0x10000 + ((uint32_t)(high - 0xd800) << 10) + (uint32_t)(low - 0xdc00);
	return true;
}

bool
cs_json_unescape(struct cs_json_scan *r, size_t from, size_t *len)
{
	static const char letter[] = "\"\\/bfnrt", meaning[] = "\"\\/\b\f\n\r\t";
	size_t at = from, to = from + *len, used;
	char *w = r->s + from;
	const char *hit;
	uint32_t c;

	while (at < to) {
		if (r->s[at] != '\\') {
			*w++ = r->s[at++];
			continue;
		}
		hit = memchr(letter, r->s[at + 1], sizeof(letter) - 1);
		if (hit != NULL) {
			*w++ = meaning[hit - letter];
			at += 2;
			continue;
		}
		if (r->s[at + 1] != 'u')
			return cs_json_fault(r, at, "unknown escape in a string");
		if (!unicode_escape(r, at, &c, &used))
			return false;
		w += put_utf8(w, c);
		at += used;
	}
	*len = (size_t)(w - (r->s + from));
	return true;
}

/* ---- numbers */

static size_t
digits_from(const struct cs_json_scan *r, size_t at)
{
	while (r->s[at] >= '0' && r->s[at] <= '9')
		at++;
	return at;
}

/* The end of the number at r->at by the grammar, or 0 with the fault. */
static size_t
number_end(struct cs_json_scan *r, bool *fraction, bool *exponent)
{
	size_t at = r->at + (r->s[r->at] == '-'), end;

	end = digits_from(r, at);
	if (end == at)
		return cs_json_fault(r, at, "a number without digits");
	if (r->s[at] == '0' && end - at > 1)
		return cs_json_fault(r, at, "a number with a leading zero");
	*fraction = r->s[end] == '.';
	if (*fraction) {
		at = end + 1;
		if ((end = digits_from(r, at)) == at)
			return cs_json_fault(r, at, "no digit behind the decimal point");
	}
	*exponent = r->s[end] == 'e' || r->s[end] == 'E';
	if (*exponent) {
		at = end + 1;
		if (r->s[at] == '+' || r->s[at] == '-')
			at++;
		if ((end = digits_from(r, at)) == at)
			return cs_json_fault(r, at, "an exponent without digits");
	}
	return end;
}

bool
cs_json_number(struct cs_json_scan *r, size_t *len, bool *integer)
{
	bool fraction, exponent;
	size_t end = number_end(r, &fraction, &exponent);
	struct cs_json_node number;

	if (end == 0)
		return false;
	*len = end - r->at;
	*integer = !fraction && !exponent;
	if (*len > NUMBER_MAX)
		return cs_json_fault(r, r->at, "a number of more than 64 characters");
	number = (struct cs_json_node){ .text = r->s + r->at, .len = (uint32_t)*len, .kind = CS_JSON_NUMBER };
	if (exponent && !isfinite(cs_json_node_double(&number)))
		return cs_json_fault(r, r->at, "a number beyond the range of a double");
	return true;
}
