/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text.c - encodings, UUIDs, UTF-8, tokens, comparing secrets.
 *
 * Nothing here depends on the locale: character classes are those of ASCII. Decoders are strict (no white space, no
 * spare bits, no half padding), so that one value has one form per alphabet.
 */
#include "util/text.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static const char hex_digits[] = "0123456789abcdef";

bool
cs_secure_equal(const void *a, size_t an, const void *b, size_t bn)
{
	const volatile unsigned char *x = a, *y = b;
	unsigned char diff = 0;

	if (an != bn)
		return false;
	for (size_t i = 0; i < an; i++)
		diff |= (unsigned char)(x[i] ^ y[i]);
	return diff == 0;
}

static void
from_kernel(unsigned char *out, size_t n)
{
	ssize_t got;

	while (n > 0) {
		got = getrandom(out, n, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			abort();
		out += got;
		n -= (size_t)got;
	}
}

/* Small amounts come from a supply of this thread, one call of the kernel for many; what was given away is wiped from it. */
void
cs_random_bytes(void *p, size_t n)
{
	static _Thread_local unsigned char supply[512];
	static _Thread_local size_t left;
	unsigned char *from;

	if (n > sizeof(supply) / 8) {
		from_kernel(p, n);
		return;
	}
	if (left < n) {
		from_kernel(supply, sizeof(supply));
		left = sizeof(supply);
	}
	from = supply + sizeof(supply) - left;
	memcpy(p, from, n);
	cs_wipe(from, n > 0 ? n : 1);
	left -= n;
}

/* ---- hex and base64 */

void
cs_hex_add(struct cs_buf *b, const void *p, size_t n)
{
	const unsigned char *in = p;
	char pair[2];

	for (size_t i = 0; i < n; i++) {
		pair[0] = hex_digits[in[i] >> 4];
		pair[1] = hex_digits[in[i] & 15];
		cs_buf_add(b, pair, 2);
	}
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int
cs_hex_decode(const char *s, size_t n, void *out, size_t cap)
{
	unsigned char *to = out;

	if (n % 2 != 0)
		return CS_EINVAL;
	if (n / 2 > cap || n / 2 > INT_MAX)
		return CS_ELIMIT;
	for (size_t i = 0; i < n / 2; i++) {
		int high = hex_value(s[2 * i]), low = hex_value(s[2 * i + 1]);

		if (high < 0 || low < 0)
			return CS_EINVAL;
		to[i] = (unsigned char)(high << 4 | low);
	}
	return (int)(n / 2);
}

static void
base64_encode(struct cs_buf *b, const void *p, size_t n, const char *alphabet, bool pad)
{
	const unsigned char *in = p;
	char quad[4];

	for (; n > 0; in += 3) {
		uint32_t v = (uint32_t)in[0] << 16 | (n > 1 ? (uint32_t)in[1] << 8 : 0) | (n > 2 ? in[2] : 0);
		size_t had = n < 3 ? n : 3;

		for (int i = 0; i < 4; i++)
			quad[i] = alphabet[v >> (18 - 6 * i) & 63];
		cs_buf_add(b, quad, had + 1);
		if (pad)
			cs_buf_add(b, "==", 3 - had);
		n -= had;
	}
}

void
cs_base64_add(struct cs_buf *b, const void *p, size_t n)
{
	base64_encode(b, p, n, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", true);
}

void
cs_base64url_add(struct cs_buf *b, const void *p, size_t n)
{
	base64_encode(b, p, n, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", false);
}

static int
base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	if (c == '/' || c == '_')
		return 63;
	return -1;
}

/* Length without padding, or -1 when padding is there and wrong. */
static ptrdiff_t
base64_unpadded(const char *s, size_t n)
{
	size_t len = n;

	while (len > 0 && s[len - 1] == '=')
		len--;
	if (len % 4 == 1 || (len < n && (n % 4 != 0 || n - len > 2)))
		return -1;
	return (ptrdiff_t)len;
}

int
cs_base64_decode(const char *s, size_t n, void *out, size_t cap)
{
	ptrdiff_t len = base64_unpadded(s, n);
	bool standard = false, url = false;
	unsigned char *to = out;
	uint32_t bits = 0;
	size_t done = 0;
	int have = 0;

	if (len < 0)
		return CS_EINVAL;
	if ((size_t)len / 4 * 3 + (size_t)len % 4 * 3 / 4 > cap || (size_t)len > INT_MAX)
		return CS_ELIMIT;
	for (ptrdiff_t i = 0; i < len; i++) {
		int v = base64_value(s[i]);

		if (v < 0)
			return CS_EINVAL;
		if (v >= 62) { /* the two that tell the alphabets apart */
			standard |= s[i] == '+' || s[i] == '/';
			url |= s[i] == '-' || s[i] == '_';
		}
		bits = (bits << 6 | (uint32_t)v) & 0xffff;
		have += 6;
		if (have >= 8) {
			have -= 8;
			to[done++] = (unsigned char)(bits >> have);
		}
	}
	if ((bits & ((1U << have) - 1)) != 0 || (standard && url))
		return CS_EINVAL;
	return (int)done;
}

/* ---- percent encoding */

static bool
is_alnum(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool
is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

static void
percent_add(struct cs_buf *b, const char *s, size_t n, const char *keep, bool plus)
{
	static const char upper[] = "0123456789ABCDEF";

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if (is_alnum(s[i]) || is_one_of(s[i], keep))
			cs_buf_addc(b, s[i]);
		else if (plus && c == ' ')
			cs_buf_addc(b, '+');
		else
			cs_buf_add(b, (char[]){ '%', upper[c >> 4], upper[c & 15] }, 3);
	}
}

void
cs_url_add(struct cs_buf *b, const char *s, size_t n)
{
	percent_add(b, s, n, "-._~", false);
}

size_t
cs_url_decode(const char *s, size_t n, bool form, char *out)
{
	uint8_t byte;
	char *to = out;

	for (const char *end = s + n; s < end; s++) {
		if (*s == '%' && end - s > 2 && cs_hex_decode(s + 1, 2, &byte, 1) == 1) {
			*to++ = (char)byte;
			s += 2;
		} else
			*to++ = form && *s == '+' ? ' ' : *s;
	}
	*to = '\0';
	return (size_t)(to - out);
}

void
cs_form_add(struct cs_buf *b, const char *s, size_t n)
{
	percent_add(b, s, n, "*-._", true);
}

/* ---- UUIDs */

int
cs_uuid_parse(const char *s, size_t n, uint8_t out[16])
{
	static const size_t part[] = { 4, 2, 2, 2, 6 };
	size_t at = 0, done = 0;

	if (n != CS_UUID_TEXT - 1)
		return CS_EINVAL;
	for (size_t i = 0; i < CS_ARRAY_LEN(part); i++) {
		if (i > 0 && s[at++] != '-')
			return CS_EINVAL;
		if (cs_hex_decode(s + at, 2 * part[i], out + done, part[i]) < 0)
			return CS_EINVAL;
		at += 2 * part[i];
		done += part[i];
	}
	return 0;
}

char *
cs_uuid_format(const uint8_t uuid[16], char out[CS_UUID_TEXT])
{
	char *to = out;

	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*to++ = '-';
		*to++ = hex_digits[uuid[i] >> 4];
		*to++ = hex_digits[uuid[i] & 15];
	}
	*to = '\0';
	return out;
}

void
cs_uuid_v4(uint8_t out[16])
{
	cs_random_bytes(out, 16);
	out[6] = (uint8_t)((out[6] & 0x0f) | 0x40);
	out[8] = (uint8_t)((out[8] & 0x3f) | 0x80);
}

/* A version means something in the RFC's own variant only; 0 for all others. */
int
cs_uuid_version(const uint8_t uuid[16])
{
	return (uuid[8] & 0xc0) == 0x80 ? uuid[6] >> 4 : 0;
}

/* ---- UTF-8 and tokens */

/* Bytes of the character at s, or 0 when it is none. n > 0. */
static size_t
utf8_step(const unsigned char *s, size_t n)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t len;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	len = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (n < len)
		return 0;
	if (s[0] == 0xe0)
		low = 0xa0; /* overlong below */
	else if (s[0] == 0xed)
		high = 0x9f; /* surrogates above */
	else if (s[0] == 0xf0)
		low = 0x90; /* overlong below */
	else if (s[0] == 0xf4)
		high = 0x8f; /* above U+10FFFF */
	if (s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

bool
cs_utf8_valid(const char *s, size_t n, bool refuse_nul)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t step;

	for (size_t i = 0; i < n; i += step) {
		step = utf8_step(p + i, n - i);
		if (step == 0 || (refuse_nul && p[i] == '\0'))
			return false;
	}
	return true;
}

size_t
cs_utf8_cut(const char *s, size_t n, size_t max)
{
	size_t len = max;

	if (n <= max)
		return n;
	while (len > 0 && max - len < 4 && ((unsigned char)s[len] & 0xc0) == 0x80)
		len--;
	return ((unsigned char)s[len] & 0xc0) == 0x80 ? max : len; /* not UTF-8 at all: cut anywhere */
}

/* RFC 9110, section 5.6.2. */
static const bool token_char[256] = {
	['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true,
	['!'] = true, ['#'] = true, ['$'] = true, ['%'] = true, ['&'] = true, ['\''] = true, ['*'] = true, ['+'] = true,
	['-'] = true, ['.'] = true, ['^'] = true, ['_'] = true, ['`'] = true, ['|'] = true, ['~'] = true,
};

bool
cs_is_token(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!token_char[(unsigned char)s[i]])
			return false;
	return n > 0;
}

bool
cs_is_header_value(const char *s, size_t n)
{
	return memchr(s, '\r', n) == NULL && memchr(s, '\n', n) == NULL && memchr(s, '\0', n) == NULL;
}

bool
cs_is_ident(const char *s, size_t max, const char *extra)
{
	size_t n = 0;

	for (; s[n] != '\0'; n++)
		if (n == max || (!is_alnum(s[n]) && !is_one_of(s[n], extra)))
			return false;
	return n > 0;
}

bool
cs_is_mail_address(const char *s)
{
	size_t local = strcspn(s, "@");

	return local > 0 && local <= 64 && s[local] == '@' && strlen(s) <= 254 && s[0] != '.' && s[0] != '-' &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.!#$%&'*+/=?^_`{|}~-") == local &&
	       is_alnum(s[local + 1]) && cs_is_ident(s + local + 1, 254, ".-");
}

size_t
cs_digits(const char *s, char *out, size_t cap)
{
	size_t n = 0;

	for (; *s != '\0' && n + 1 < cap; s++)
		if (*s >= '0' && *s <= '9')
			out[n++] = *s;
	if (cap > 0)
		out[n] = '\0';
	return n;
}
