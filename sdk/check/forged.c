/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forged.c - the manifest's verify row against signatures, as the core checks them (core/auth/hook.c). The plugin is not
 * called: what is refused never reaches it.
 *
 * A row is only worth something if the right signature passes. So each kind is signed here, then spoilt: another key,
 * another body, no header, an old time.
 */
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include "auth/mac.h"
#include "auth/signature.h"
#include "check/try.h"
#include "util/clock.h"
#include "util/text.h"

#define NOW_MS INT64_C(1779805921000)
#define KEY "0123456789abcdef0123456789abcdef"
#define ADDRESS "https://relay.example.com/hooks/x?y=1"
#define GOOD_BODY "{\"id\":1,\"token\":\"" KEY "\"}"

struct forgery {
	const char *key, *body;
	int64_t at_ms;
	bool without_header;
};

struct message {
	struct cs_arena mem;
	struct cs_header headers[3];
	struct cs_hook_in in;
	struct cs_bytes secret; /* what the operator has set */
};

/* The secret as it is configured, so that it decodes to the key. */
static const char *
configured(struct message *m, const struct cs_verify_row *row, const char *key)
{
	struct cs_buf b = CS_BUF_INIT(256);
	const char *out;

	if (row->key_decoding == CS_KEY_BASE64)
		cs_base64_add(&b, key, strlen(key));
	else if (row->key_decoding == CS_KEY_HEX)
		cs_hex_add(&b, key, strlen(key));
	else
		cs_buf_adds(&b, key);
	out = cs_arena_strdup(&m->mem, cs_buf_str(&b));
	cs_buf_fini(&b);
	return out;
}

static void
signed_text(const struct cs_verify_row *row, const struct forgery *f, const char *stamp, const char *secret, struct cs_buf *out)
{
	const char *sep = row->separator ? row->separator : "";

	if (row->n_signed == 0)
		cs_buf_adds(out, f->body);
	for (size_t i = 0; i < row->n_signed; i++) {
		const char *part = row->signed_parts[i];

		cs_buf_adds(out, i > 0 ? sep : "");
		cs_buf_adds(out, strcmp(part, "secret") == 0 ? secret : strcmp(part, "body") == 0 ? f->body
		        : strcmp(part, "method") == 0 ? "POST" : strcmp(part, "url") == 0 ? ADDRESS
		        : strcmp(part, "path") == 0 ? "/hooks/x" : stamp);
	}
}

static const char *
encoded(struct message *m, const struct cs_verify_row *row, const void *p, size_t n)
{
	struct cs_buf b = CS_BUF_INIT(256);
	const char *out;

	cs_buf_adds(&b, row->prefix ? row->prefix : "");
	if (row->encoding == CS_ENCODING_BASE64)
		cs_base64_add(&b, p, n);
	else
		cs_hex_add(&b, p, n);
	out = cs_arena_strdup(&m->mem, cs_buf_str(&b));
	cs_buf_fini(&b);
	return out;
}

/* Ed25519: the public key becomes the secret, so the row's own constant is not needed. */
static size_t
sign_ed25519(struct message *m, const struct cs_buf *text, const char *key, unsigned char out[64])
{
	EVP_PKEY *pair = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, (const unsigned char *)key, 32);
	EVP_PKEY *known = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, (const unsigned char *)KEY, 32);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char *public = cs_arena_alloc(&m->mem, 32);
	size_t n = 64, k = 32;

	EVP_PKEY_get_raw_public_key(known, public, &k);
	m->secret = (struct cs_bytes){ (const char *)public, 32 };
	EVP_DigestSignInit(ctx, NULL, NULL, NULL, pair);
	EVP_DigestSign(ctx, out, &n, (const unsigned char *)cs_buf_str(text), text->len);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pair);
	EVP_PKEY_free(known);
	return n;
}

static const char *
signature(struct message *m, const struct cs_verify_row *row, const struct forgery *f, const char *stamp)
{
	struct cs_buf text = CS_BUF_INIT(0);
	struct cs_part part;
	unsigned char mac[64];
	size_t n = 32;

	signed_text(row, f, stamp, f->key, &text);
	part = (struct cs_part){ cs_buf_str(&text), text.len };
	if (row->kind == CS_VERIFY_ED25519)
		n = sign_ed25519(m, &text, f->key, mac);
	else if (row->kind == CS_VERIFY_SHA256_PREFIX)
		cs_sha256_parts(&part, 1, mac);
	else
		n = (size_t)cs_hmac(row->kind == CS_VERIFY_HMAC_SHA1 ? CS_HMAC_SHA1 : CS_HMAC_SHA256, f->key, strlen(f->key),
		    text.ptr, text.len, mac);
	cs_buf_fini(&text);
	return encoded(m, row, mac, n);
}

static const char *
jwt(struct message *m, const struct cs_verify_row *row, const struct forgery *f)
{
	static const char head[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
	const char *claims = cs_arena_printf(&m->mem, "{\"aud\":\"%s\",\"exp\":%lld}", ADDRESS, (long long)(f->at_ms / 1000 + 300));
	struct cs_buf b = CS_BUF_INIT(1024);
	unsigned char mac[64];
	const char *out;

	cs_base64url_add(&b, head, sizeof(head) - 1);
	cs_buf_addc(&b, '.');
	cs_base64url_add(&b, claims, strlen(claims));
	cs_hmac(CS_HMAC_SHA256, f->key, strlen(f->key), b.ptr, b.len, mac);
	cs_buf_addc(&b, '.');
	cs_base64url_add(&b, mac, 32);
	out = cs_arena_printf(&m->mem, "%s%s", row->prefix ? row->prefix : "", cs_buf_str(&b));
	cs_buf_fini(&b);
	return out;
}

static const char *
basic(struct message *m, const struct forgery *f)
{
	const char *pair = cs_arena_printf(&m->mem, "csrelay:%s", f->key);
	struct cs_buf b = CS_BUF_INIT(256);
	const char *out;

	cs_buf_adds(&b, "Basic ");
	cs_base64_add(&b, pair, strlen(pair));
	out = cs_arena_strdup(&m->mem, cs_buf_str(&b));
	cs_buf_fini(&b);
	return out;
}

/* What stands in the row's header. */
static const char *
proof(struct message *m, const struct cs_verify_row *row, const struct forgery *f, const char *stamp)
{
	switch (row->kind) {
	case CS_VERIFY_JWT_HS256:
		return jwt(m, row, f);
	case CS_VERIFY_BASIC:
		return basic(m, f);
	case CS_VERIFY_HEADER_TOKEN:
		return cs_arena_printf(&m->mem, "%s%s", row->prefix ? row->prefix : "", f->key);
	default:
		return signature(m, row, f, stamp);
	}
}

static void
make_message(struct message *m, const struct cs_verify_row *row, const struct forgery *f)
{
	const char *header = row->header ? row->header : "Authorization", *stamp, *shown = f->body;
	size_t n = 0;

	cs_arena_init(&m->mem);
	stamp = cs_arena_printf(&m->mem, "%lld", (long long)(f->at_ms / (row->timestamp_unit_ms > 0 ? row->timestamp_unit_ms : 1000)));
	m->secret.ptr = configured(m, row, KEY);
	m->secret.len = strlen(m->secret.ptr);
	if (!f->without_header)
		m->headers[n++] = (struct cs_header){ header, proof(m, row, f, stamp) };
	if (row->timestamp_header)
		m->headers[n++] = (struct cs_header){ row->timestamp_header, stamp };
	if (row->kind == CS_VERIFY_BODY_TOKEN)
		shown = cs_arena_printf(&m->mem, "\"%s\"", f->key);
	m->in = (struct cs_hook_in){ .method = "POST", .url = ADDRESS, .path = "/hooks/x", .query = "y=1",
		.url_token = f->without_header ? "" : f->key, .headers = m->headers, .n_headers = n,
		.body = { shown, strlen(shown) } };
}

/* A body token stands at the row's pointer: the body is that token alone, the pointer the whole. */
static bool
passes(const struct cs_verify_row *row, const struct forgery *f, const char *body_instead, char *why, size_t cap)
{
	struct cs_verify_row own = *row;
	struct cs_err err = { 0 };
	struct message m = { .headers = { { NULL, NULL } } };
	bool ok;

	own.pointer = "";
	make_message(&m, row, f);
	if (body_instead)
		m.in.body = (struct cs_bytes){ body_instead, strlen(body_instead) };
	ok = cs_hook_verify(&own, m.secret.ptr, m.secret.len, &m.in, NOW_MS, &err) == 0;
	snprintf(why, cap, "%s", err.msg);
	cs_arena_fini(&m.mem);
	return ok;
}

static bool
signs_body(const struct cs_verify_row *row)
{
	if (row->kind == CS_VERIFY_NONE || row->kind > CS_VERIFY_ED25519)
		return false; /* tokens sign nothing */
	for (size_t i = 0; i < row->n_signed; i++)
		if (strcmp(row->signed_parts[i], "body") == 0)
			return true;
	return row->n_signed == 0;
}

void
cs_try_forged(struct cs_trial *t)
{
	const struct cs_verify_row *row = &t->plugin->rows->webhook.verify;
	struct forgery good = { KEY, GOOD_BODY, NOW_MS, false }, key = { "another key, as long as it is 32", GOOD_BODY, NOW_MS, false };
	struct forgery none = { "", GOOD_BODY, NOW_MS, true }, old = { KEY, GOOD_BODY, NOW_MS - 2 * CS_DAY_MS, false };
	char why[400], text[500];

	t->runs += 5;
	if (row->kind == CS_VERIFY_NONE)
		return;
	if (!passes(row, &good, NULL, why, sizeof(why))) {
		snprintf(text, sizeof(text), "a message signed as the manifest says is refused: %s", why);
		cs_trial_find(t, "", CS_RULE_FORGED, text);
	}
	if (passes(row, &key, NULL, why, sizeof(why)))
		cs_trial_find(t, "", CS_RULE_FORGED, "a message signed with another key is taken");
	if (passes(row, &none, NULL, why, sizeof(why)))
		cs_trial_find(t, "", CS_RULE_FORGED, "a message without proof is taken");
	if (signs_body(row) && passes(row, &good, "{\"id\":2}", why, sizeof(why)))
		cs_trial_find(t, "", CS_RULE_FORGED, "a message whose body was changed is taken");
	if ((row->tolerance_ms > 0 || row->kind == CS_VERIFY_JWT_HS256) && passes(row, &old, NULL, why, sizeof(why)))
		cs_trial_find(t, "", CS_RULE_FORGED, "a message of the day before yesterday is taken");
}
