/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hash.c - streaming a lead's canonical form into SHA-256.
 *
 * The canonical text is never built: pieces go through a small window into the digest, so a lead costs no memory here
 * however large it is. Only the order of an object's members needs an array, on the stack for ordinary objects. Names are
 * ordered by their first eight bytes as one number, and looked at only where these are equal.
 * OpenSSL 3 looks an algorithm up by name each time it is asked for; it is fetched once.
 */
#include "config.h"
#include "lead/hash.h"

#include <endian.h>
#include <math.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "util/text.h"

#define FEW 32 /* members that are sorted on the stack */

static EVP_MD *sha256;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* A machine whose OpenSSL has no SHA-256, or that has no memory for a digest, cannot run csrelay. */
static void
must(bool good)
{
	if (!good)
		abort();
}

static void
fetch_sha256(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	must(sha256 != NULL);
}

void
cs_lead_hasher_init(struct cs_lead_hasher *h)
{
	pthread_once(&once, fetch_sha256);
	h->ctx = EVP_MD_CTX_new();
	must(h->ctx != NULL);
}

void
cs_lead_hasher_fini(struct cs_lead_hasher *h)
{
	EVP_MD_CTX_free(h->ctx);
}

static void
begin(struct cs_lead_hasher *h)
{
	must(EVP_DigestInit_ex2(h->ctx, sha256, NULL) == 1);
	h->len = 0;
}

static void
flush(struct cs_lead_hasher *h)
{
	must(EVP_DigestUpdate(h->ctx, h->window, h->len) == 1);
	h->len = 0;
}

static void
end(struct cs_lead_hasher *h, uint8_t out[32])
{
	flush(h);
	must(EVP_DigestFinal_ex(h->ctx, out, NULL) == 1);
}

static inline void
put(struct cs_lead_hasher *h, const char *p, size_t n)
{
	if (n > sizeof(h->window) - h->len)
		flush(h);
	if (n > sizeof(h->window)) {
		must(EVP_DigestUpdate(h->ctx, p, n) == 1);
		return;
	}
	memcpy(h->window + h->len, p, n);
	h->len += n;
}

static inline void
put_char(struct cs_lead_hasher *h, char c)
{
	if (h->len == sizeof(h->window))
		flush(h);
	h->window[h->len++] = c;
}

/* Only the quote and the backslash are escaped; that is enough for one text to have one form. */
static void
put_escaped(struct cs_lead_hasher *h, const char *s, size_t n)
{
	put_char(h, '"');
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '"' || s[i] == '\\')
			put_char(h, '\\');
		put_char(h, s[i]);
	}
	put_char(h, '"');
}

/* What came without escapes has neither. Most fit what is left of the window, and need one look at it. */
static inline void
put_text(struct cs_lead_hasher *h, const char *s, size_t n, bool escaped)
{
	char *at = h->window + h->len;

	if (escaped) {
		put_escaped(h, s, n);
	} else if (n + 2 <= sizeof(h->window) - h->len) {
		*at = '"';
		memcpy(at + 1, s, n);
		at[n + 1] = '"';
		h->len += n + 2;
	} else {
		put_char(h, '"');
		put(h, s, n);
		put_char(h, '"');
	}
}

/* ---- numbers */

static size_t
integer_text(uint64_t v, bool negative, char *out)
{
	char text[24], *at = text + sizeof(text);
	size_t n;

	do
		*--at = (char)('0' + v % 10);
	while ((v /= 10) > 0);
	if (negative)
		*--at = '-';
	n = (size_t)(text + sizeof(text) - at);
	memcpy(out, at, n);
	return n;
}

/*
 * From 0.0001 up to 1, where scores are: the nearest integer to d * 10^k, ties to even, has the seventeen digits, and is exact
 * in 128 bits. 0 when rounding made it one more digit.
 */
static size_t
fraction_text(double d, char *out)
{
	int zeros = d >= 0.1 ? 0 : d >= 0.01 ? 1 : d >= 0.001 ? 2 : 3, exponent, shift;
	unsigned __int128 scaled = (unsigned __int128)(uint64_t)ldexp(frexp(d, &exponent), 53) * 100000000000000000u, rest, half;
	uint64_t digits;

	for (int i = 0; i < zeros; i++)
		scaled *= 10;
	shift = 53 - exponent;
	digits = (uint64_t)(scaled >> shift);
	half = (unsigned __int128)1 << (shift - 1);
	rest = scaled & (2 * half - 1);
	if (rest > half || (rest == half && digits % 2 == 1))
		digits++;
	if (digits < 10000000000000000u || digits > 99999999999999999u)
		return 0;
	memcpy(out, "0.000", 5);
	while (digits % 10 == 0)
		digits /= 10;
	return 2 + (size_t)zeros + integer_text(digits, false, out + 2 + zeros);
}

/* Seventeen digits tell any two doubles apart. The decimal point is the locale's, which csrelay leaves at "C". */
size_t
cs_lead_number_text(double d, char out[CS_LEAD_NUMBER_TEXT])
{
	size_t n;

	if (d == trunc(d) && fabs(d) < 9007199254740992.0)
		return integer_text((uint64_t)fabs(d), d < 0, out);
	if (d >= 0.0001 && d < 1 && (n = fraction_text(d, out)) > 0)
		return n;
	return (size_t)snprintf(out, CS_LEAD_NUMBER_TEXT, "%.17g", d);
}

/* An integer of 64 bits is written in its one form already. */
static void
put_number(struct cs_lead_hasher *h, const struct cs_json_node *v)
{
	char text[CS_LEAD_NUMBER_TEXT];
	uint64_t u;
	int64_t i;
	size_t n;

	if (cs_json_node_int64(v, &i) || cs_json_node_uint64(v, &u)) {
		put(h, v->text, v->len);
		return;
	}
	n = cs_lead_number_text(cs_json_node_double(v), text);
	put(h, text, n);
}

/* ---- members in the order of their names */

struct member {
	uint64_t prefix; /* the first eight bytes of the name, zeroes behind a shorter one: most names differ there */
	const struct cs_json_node *node;
};

static inline uint64_t
prefix_of(const struct cs_json_node *member)
{
	size_t n = member->name_len;
	uint64_t w;

	memcpy(&w, member->name, sizeof(w)); /* the parser keeps room behind the text */
	w = be64toh(w);
	if (n >= sizeof(w))
		return w;
	return n == 0 ? 0 : w & UINT64_MAX << (64 - 8 * n);
}

static inline bool
is_before(const struct member *a, const struct member *b)
{
	return a->prefix != b->prefix ? a->prefix < b->prefix : strcmp(a->node->name, b->node->name) < 0;
}

static int
by_name(const void *a, const void *b)
{
	return is_before(a, b) ? -1 : 1; /* no two are equal */
}

static void
sort(struct member *v, size_t n)
{
	struct member m;
	size_t i, j;

	if (n > FEW) {
		qsort(v, n, sizeof(*v), by_name);
		return;
	}
	for (i = 1; i < n; i++) {
		m = v[i];
		for (j = i; j > 0 && is_before(&m, &v[j - 1]); j--)
			v[j] = v[j - 1];
		v[j] = m;
	}
}

/* `few` serves while they are few, else the caller frees what is returned. */
static struct member *
sorted_members(const struct cs_json_node *object, struct member *few, size_t *n)
{
	struct member *v = few;
	size_t i = 0;

	*n = 0;
	CS_JSON_EACH(m, object)
		++*n;
	if (*n > FEW)
		v = cs_xmalloc(*n * sizeof(*v));
	CS_JSON_EACH(m, object)
		v[i++] = (struct member){ prefix_of(m), m };
	sort(v, *n);
	return v;
}

/* ---- values */

static void put_value(struct cs_lead_hasher *h, const struct cs_json_node *v);

typedef void put_member_fn(struct cs_lead_hasher *, const struct cs_json_node *member);

static inline bool
is_named(const struct cs_json_node *member, const char *name)
{
	size_t n = strlen(name);

	return member->name_len == n && memcmp(member->name, name, n) == 0;
}

static void
put_object(struct cs_lead_hasher *h, const struct cs_json_node *object, const struct cs_json_node *left_out,
           put_member_fn *put_member)
{
	struct member few[FEW], *v;
	bool first = true;
	size_t n;

	v = sorted_members(object, few, &n);
	put_char(h, '{');
	for (size_t i = 0; i < n; i++) {
		const struct cs_json_node *m = v[i].node;

		if (m == left_out)
			continue;
		if (!first)
			put_char(h, ',');
		first = false;
		put_text(h, m->name, m->name_len, m->name_escaped);
		put_char(h, ':');
		put_member(h, m);
	}
	put_char(h, '}');
	if (v != few)
		free(v);
}

static void
put_array(struct cs_lead_hasher *h, const struct cs_json_node *array)
{
	put_char(h, '[');
	CS_JSON_EACH(item, array) {
		if (item != array + 1)
			put_char(h, ',');
		put_value(h, item);
	}
	put_char(h, ']');
}

static void
put_value(struct cs_lead_hasher *h, const struct cs_json_node *v)
{
	switch (v->kind) {
	case CS_JSON_OBJECT:
		put_object(h, v, NULL, put_value);
		break;
	case CS_JSON_ARRAY:
		put_array(h, v);
		break;
	case CS_JSON_TEXT:
		put_text(h, v->text, v->len, v->escaped);
		break;
	case CS_JSON_NUMBER:
		put_number(h, v);
		break;
	default:
		put_char(h, v->kind == CS_JSON_TRUE ? 't' : v->kind == CS_JSON_FALSE ? 'f' : 'n');
	}
}

/* ---- the places where a repeat may differ */

static void
put_call_member(struct cs_lead_hasher *h, const struct cs_json_node *m)
{
	if (m->kind == CS_JSON_TEXT && (is_named(m, "recording_url") || is_named(m, "transcript_url")))
		put_text(h, m->text, strcspn(m->text, "?"), m->escaped);
	else
		put_value(h, m);
}

static void
put_lower(struct cs_lead_hasher *h, const char *s)
{
	for (; *s != '\0'; s++)
		put_char(h, *s >= 'A' && *s <= 'Z' ? (char)(*s - 'A' + 'a') : *s);
}

static void
put_event_id(struct cs_lead_hasher *h, const char *uuid)
{
	put_char(h, '"');
	put_lower(h, uuid);
	put_char(h, '"');
}

static void
put_top_member(struct cs_lead_hasher *h, const struct cs_json_node *m)
{
	if (m->kind == CS_JSON_OBJECT && is_named(m, "call"))
		put_object(h, m, NULL, put_call_member);
	else if (m->kind == CS_JSON_TEXT && is_named(m, "event_id"))
		put_event_id(h, m->text);
	else
		put_value(h, m);
}

void
cs_lead_content_hash(struct cs_lead_hasher *h, const struct cs_json_node *lead, uint8_t out[32])
{
	begin(h);
	put_object(h, lead, cs_json_node_get(lead, "timestamp_utc"), put_top_member);
	end(h, out);
}

/* ---- callers */

static uint64_t
key_of(struct cs_lead_hasher *h)
{
	uint8_t digest[32];
	uint64_t key = 0;

	end(h, digest);
	for (int i = 0; i < 8; i++)
		key = key << 8 | digest[i];
	return key != 0 ? key : 1;
}

uint64_t
cs_lead_phone_key(struct cs_lead_hasher *h, const char *phone)
{
	char digits[32] = "";
	size_t n = cs_digits(phone, digits, sizeof(digits));

	begin(h);
	put(h, digits, n);
	return key_of(h);
}

uint64_t
cs_lead_email_key(struct cs_lead_hasher *h, const char *email)
{
	begin(h);
	put_lower(h, email);
	return key_of(h);
}
