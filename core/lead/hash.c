/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hash.c - streaming a lead's canonical form into SHA-256.
 *
 * The canonical text is never built: pieces go through a small window into the digest, so a lead costs no memory here
 * however large it is. Only the order of an object's members needs an array, on the stack for ordinary objects.
 * OpenSSL 3 looks an algorithm up by name each time it is asked for; it is fetched once.
 */
#include "config.h"
#include "lead/hash.h"

#include <inttypes.h>
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

static void
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

static void
put_char(struct cs_lead_hasher *h, char c)
{
	if (h->len == sizeof(h->window))
		flush(h);
	h->window[h->len++] = c;
}

/* Only the quote and the backslash are escaped; that is enough for one text to have one form. */
static void
put_text(struct cs_lead_hasher *h, const char *s, size_t n)
{
	bool plain = memchr(s, '"', n) == NULL && memchr(s, '\\', n) == NULL;

	put_char(h, '"');
	for (size_t i = 0; i < n && !plain; i++) {
		if (s[i] == '"' || s[i] == '\\')
			put_char(h, '\\');
		put_char(h, s[i]);
	}
	if (plain)
		put(h, s, n);
	put_char(h, '"');
}

static void
put_integer(struct cs_lead_hasher *h, uint64_t v, bool negative)
{
	char text[24], *at = text + sizeof(text);

	do
		*--at = (char)('0' + v % 10);
	while ((v /= 10) > 0);
	if (negative)
		*--at = '-';
	put(h, at, (size_t)(text + sizeof(text) - at));
}

/* Seventeen digits tell any two doubles apart. The decimal point is the locale's, which csrelay leaves at "C". */
static void
put_double(struct cs_lead_hasher *h, double d)
{
	char text[40] = "";
	int n;

	if (d == trunc(d) && fabs(d) < 9007199254740992.0)
		put_integer(h, (uint64_t)fabs(d), d < 0);
	else {
		n = snprintf(text, sizeof(text), "%.17g", d);
		put(h, text, (size_t)n);
	}
}

static void
put_int64(struct cs_lead_hasher *h, const json_object *o)
{
	int64_t v = json_object_get_int64(o);

	if (v < 0)
		put_integer(h, ~(uint64_t)v + 1, true);
	else
		put_integer(h, json_object_get_uint64(o), false);
}

static void put_value(struct cs_lead_hasher *h, json_object *o);

static int
by_name(const void *a, const void *b)
{
	const struct lh_entry *const *x = a, *const *y = b;

	return strcmp(lh_entry_k(*x), lh_entry_k(*y));
}

static void
sort(const struct lh_entry **v, size_t n)
{
	const struct lh_entry *e;
	size_t i, j;

	if (n > FEW) {
		qsort(v, n, sizeof(*v), by_name);
		return;
	}
	for (i = 1; i < n; i++) {
		e = v[i];
		for (j = i; j > 0 && by_name(&v[j - 1], &e) > 0; j--)
			v[j] = v[j - 1];
		v[j] = e;
	}
}

/* The members in order; `few` serves while they are few, else the caller frees what is returned. */
static const struct lh_entry **
sorted_members(json_object *o, const struct lh_entry **few, size_t *n)
{
	const struct lh_table *table = json_object_get_object(o);
	const struct lh_entry **v = few, *e;

	*n = 0;
	if (table->count > FEW)
		v = cs_xmalloc((size_t)table->count * sizeof(*v));
	for (e = table->head; e != NULL; e = e->next)
		v[(*n)++] = e;
	sort(v, *n);
	return v;
}

typedef void put_member_fn(struct cs_lead_hasher *, const char *name, json_object *value);

static void
put_object(struct cs_lead_hasher *h, json_object *o, const char *left_out, put_member_fn *put_member)
{
	const struct lh_entry *few[FEW], **v;
	bool first = true;
	const char *name;
	size_t n;

	v = sorted_members(o, few, &n);
	put_char(h, '{');
	for (size_t i = 0; i < n; i++) {
		name = lh_entry_k(v[i]);
		if (left_out != NULL && strcmp(name, left_out) == 0)
			continue;
		if (!first)
			put_char(h, ',');
		first = false;
		put_text(h, name, strlen(name));
		put_char(h, ':');
		put_member(h, name, (json_object *)lh_entry_v(v[i]));
	}
	put_char(h, '}');
	if (v != few)
		free(v);
}

static void
put_plain_member(struct cs_lead_hasher *h, const char *name CS_UNUSED, json_object *value)
{
	put_value(h, value);
}

static void
put_array(struct cs_lead_hasher *h, const json_object *o)
{
	size_t n = json_object_array_length(o);

	put_char(h, '[');
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			put_char(h, ',');
		put_value(h, json_object_array_get_idx(o, i));
	}
	put_char(h, ']');
}

static void
put_value(struct cs_lead_hasher *h, json_object *o)
{
	switch (json_object_get_type(o)) {
	case json_type_object:
		put_object(h, o, NULL, put_plain_member);
		break;
	case json_type_array:
		put_array(h, o);
		break;
	case json_type_string:
		put_text(h, json_object_get_string(o), (size_t)json_object_get_string_len(o));
		break;
	case json_type_double:
		put_double(h, json_object_get_double(o));
		break;
	case json_type_int:
		put_int64(h, o);
		break;
	case json_type_boolean:
		put_char(h, json_object_get_boolean(o) ? 't' : 'f');
		break;
	case json_type_null:
		put_char(h, 'n');
		break;
	}
}

/* ---- the places where a repeat may differ */

static void
put_call_member(struct cs_lead_hasher *h, const char *name, json_object *value)
{
	bool signed_url = strcmp(name, "recording_url") == 0 || strcmp(name, "transcript_url") == 0;

	if (signed_url && json_object_is_type(value, json_type_string))
		put_text(h, json_object_get_string(value), strcspn(json_object_get_string(value), "?"));
	else
		put_value(h, value);
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
put_top_member(struct cs_lead_hasher *h, const char *name, json_object *value)
{
	if (strcmp(name, "call") == 0 && json_object_is_type(value, json_type_object))
		put_object(h, value, NULL, put_call_member);
	else if (strcmp(name, "event_id") == 0 && json_object_is_type(value, json_type_string))
		put_event_id(h, json_object_get_string(value));
	else
		put_value(h, value);
}

void
cs_lead_content_hash(struct cs_lead_hasher *h, json_object *lead, uint8_t out[32])
{
	begin(h);
	put_object(h, lead, "timestamp_utc", put_top_member);
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
