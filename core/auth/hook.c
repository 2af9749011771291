/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hook.c - is this webhook the CRM's? Verified as a row of the manifest says.
 *
 * Three families. *Signed*: an HMAC, a keyed SHA-256 or an Ed25519 signature over parts of the request in a stated order;
 * with a timestamp in a header, its age counts too. *Token*: a constant secret in a header, the body or the URL. *JWT*:
 * a short-lived HS256 token that names its audience but does not cover the body.
 * A kind that needs a secret fails without one: an empty key would let everybody sign.
 */
#include "config.h"
#include "auth/signature.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>
#include <strings.h>
#include "auth/mac.h"
#include "util/clock.h"
#include "util/json.h"
#include "util/text.h"

#define PARTS_MAX 8
#define TOKEN_MAX 8192      /* bytes of a signature or token header */
#define KEY_MAX 512
#define JWT_LEEWAY_MS CS_MINUTE_MS
#define BODY_DEPTH 32

struct check {
	const struct cs_verify_row *row;
	const struct cs_hook_in *in;
	const void *secret;
	size_t secret_len;
	int64_t now_ms;
	struct cs_err *err;
};

/* ---- what the request says */

/* NULL with err when it is missing, there twice, or absurdly long. */
static const char *
header_value(const struct check *c, const char *name)
{
	const char *found = NULL;

	for (size_t i = 0; i < c->in->n_headers; i++) {
		if (strcasecmp(c->in->headers[i].name, name) != 0)
			continue;
		if (found != NULL) {
			cs_err_set(c->err, CS_EPERM, "header %s is there more than once", name);
			return NULL;
		}
		found = c->in->headers[i].value;
	}
	if (found == NULL || *found == '\0')
		cs_err_set(c->err, CS_EPERM, "header %s is missing", name);
	else if (strlen(found) > TOKEN_MAX)
		cs_err_set(c->err, CS_EPERM, "header %s is too long", name);
	else
		return found;
	return NULL;
}

/* The row's header without the row's prefix. */
static const char *
proof(const struct check *c)
{
	const char *prefix = c->row->prefix != NULL ? c->row->prefix : "";
	const char *value;

	if (c->row->header == NULL) {
		cs_err_set(c->err, CS_EPERM, "the manifest's verify row names no header");
		return NULL;
	}
	if ((value = header_value(c, c->row->header)) == NULL)
		return NULL;
	if (strncmp(value, prefix, strlen(prefix)) == 0)
		return value + strlen(prefix);
	cs_err_set(c->err, CS_EPERM, "header %s does not begin with \"%s\"", c->row->header, prefix);
	return NULL;
}

static const char *
secret_name(const struct check *c)
{
	return c->row->secret != NULL ? c->row->secret : "";
}

static int
mismatch(const struct check *c, const char *where)
{
	return cs_err_set(c->err, CS_EPERM, "the %s does not fit", where);
}

static int
same_secret(const struct check *c, const char *given, const char *where)
{
	if (cs_secure_equal(given, strlen(given), c->secret, c->secret_len))
		return 0;
	return mismatch(c, where);
}

/* ---- signatures over parts of the request */

/*
 * Some CRMs sign the address as they wrote it down, in which these characters of a query stand unescaped, though they call
 * it with escapes. NULL when there is nothing to decode.
 */
static char *
relaxed_url(const char *url, struct cs_buf *b)
{
	static const char plain[] = ":/?@!$'()*,;";
	bool changed = false;
	char byte;

	for (; *url != '\0'; url++) {
		if (*url == '%' && strnlen(url, 3) == 3 && cs_hex_decode(url + 1, 2, &byte, 1) == 1 && byte != '\0' &&
		    strchr(plain, byte) != NULL) {
			cs_buf_addc(b, byte);
			url += 2;
			changed = true;
		} else {
			cs_buf_addc(b, *url);
		}
	}
	return changed ? b->ptr : NULL;
}

/* The timestamp header as it was sent, *text NULL when the row names none. */
static int
check_timestamp(const struct check *c, const char **text)
{
	int64_t unit_ms = c->row->timestamp_unit_ms > 0 ? c->row->timestamp_unit_ms : CS_SECOND_MS;

	*text = NULL;
	if (c->row->timestamp_header == NULL)
		return 0;
	if ((*text = header_value(c, c->row->timestamp_header)) == NULL)
		return CS_EPERM;
	if (c->row->tolerance_ms <= 0)
		return 0;
	return cs_timestamp_check(c->row->timestamp_header, *text, unit_ms, c->now_ms, c->row->tolerance_ms, c->err);
}

static struct cs_part
text_part(const char *s)
{
	return (struct cs_part){ s != NULL ? s : "", s != NULL ? strlen(s) : 0 };
}

static bool
named_part(const struct check *c, const char *name, const char *url, const char *timestamp, struct cs_part *out)
{
	if (strcmp(name, "secret") == 0)
		*out = (struct cs_part){ c->secret, c->secret_len };
	else if (strcmp(name, "body") == 0)
		*out = (struct cs_part){ c->in->body.ptr, c->in->body.len };
	else if (strcmp(name, "method") == 0)
		*out = text_part(c->in->method);
	else if (strcmp(name, "url") == 0)
		*out = text_part(url);
	else if (strcmp(name, "path") == 0)
		*out = text_part(c->in->path);
	else if (strcmp(name, "timestamp") == 0 && timestamp != NULL)
		*out = text_part(timestamp);
	else
		return false;
	return true;
}

/* The parts in order with the separator between; returns how many, or CS_EPERM. No row: the body alone. */
static int
signed_parts(const struct check *c, const char *url, const char *timestamp, struct cs_part out[2 * PARTS_MAX])
{
	struct cs_part separator = text_part(c->row->separator);
	int n = 0;

	if (c->row->n_signed > PARTS_MAX)
		return cs_err_set(c->err, CS_EPERM, "the manifest's verify row signs more than %d parts", PARTS_MAX);
	if (c->row->n_signed == 0)
		n += named_part(c, "body", url, timestamp, &out[n]);
	for (size_t i = 0; i < c->row->n_signed; i++) {
		if (i > 0 && separator.len > 0)
			out[n++] = separator;
		if (!named_part(c, c->row->signed_parts[i], url, timestamp, &out[n++]))
			return cs_err_set(c->err, CS_EPERM, "the manifest's verify row signs \"%s\", which is not there",
			                  c->row->signed_parts[i]);
	}
	return n;
}

static bool
signs_url(const struct cs_verify_row *row)
{
	for (size_t i = 0; i < row->n_signed; i++)
		if (strcmp(row->signed_parts[i], "url") == 0)
			return true;
	return false;
}

static const char *const encodings[] = { [CS_ENCODING_HEX] = "hex", [CS_ENCODING_BASE64] = "base64", [CS_ENCODING_EITHER] = "hex or base64" };

/* The hex of a digest has another length than its base64, so one of the two is what it was meant to be. */
static int
decode(const char *s, size_t n, int encoding, uint8_t *out, size_t cap)
{
	int len = encoding != CS_ENCODING_BASE64 ? cs_hex_decode(s, n, out, cap) : -1;

	return len < 0 && encoding != CS_ENCODING_HEX ? cs_base64_decode(s, n, out, cap) : len;
}

/* The bytes of the key; the length or CS_EPERM. */
static int
key_bytes(const struct check *c, uint8_t *key, size_t cap)
{
	int len = -1;

	if (c->row->key_decoding == CS_KEY_BASE64)
		len = cs_base64_decode(c->secret, c->secret_len, key, cap);
	else if (c->row->key_decoding == CS_KEY_HEX)
		len = cs_hex_decode(c->secret, c->secret_len, key, cap);
	else if (c->secret_len <= cap)
		len = (int)c->secret_len, memcpy(key, c->secret, c->secret_len);
	if (len > 0)
		return len;
	return cs_err_set(c->err, CS_EPERM, "the secret \"%s\" cannot be used as a key", secret_name(c));
}

/* One try with one way to write the URL. */
static int
mac_fits(const struct check *c, const char *url, const char *timestamp, const uint8_t *given, int given_len)
{
	struct cs_part parts[2 * PARTS_MAX];
	uint8_t key[KEY_MAX], mac[64];
	int n = signed_parts(c, url, timestamp, parts), len = 32;

	if (n < 0)
		return n;
	if (c->row->kind == CS_VERIFY_SHA256_PREFIX) {
		cs_sha256_parts(parts, (size_t)n, mac);
	} else {
		if ((len = key_bytes(c, key, sizeof(key))) < 0)
			return len;
		len = cs_hmac_parts(c->row->kind == CS_VERIFY_HMAC_SHA1 ? CS_HMAC_SHA1 : CS_HMAC_SHA256, key, (size_t)len,
		                    parts, (size_t)n, mac);
		cs_wipe(key, sizeof(key));
	}
	if (given_len == len && cs_secure_equal(given, (size_t)len, mac, (size_t)len))
		return 0;
	return mismatch(c, "signature");
}

static int
verify_mac(const struct check *c)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	const char *header = proof(c), *timestamp, *url;
	uint8_t given[64];
	int len, rc;

	if (header == NULL)
		return CS_EPERM;
	if ((rc = check_timestamp(c, &timestamp)) < 0)
		return rc;
	len = decode(header, strlen(header), c->row->encoding, given, sizeof(given));
	if (len <= 0)
		return cs_err_set(c->err, CS_EPERM, "header %s is no %s", c->row->header, encodings[c->row->encoding]);
	rc = mac_fits(c, c->in->url, timestamp, given, len);
	if (rc == 0 || !signs_url(c->row) || c->in->url == NULL || (url = relaxed_url(c->in->url, &b)) == NULL)
		return rc;
	return mac_fits(c, url, timestamp, given, len);
}

/* ---- Ed25519 */

/* A public key as 32 raw bytes, or as hex or base64 of them or of a SubjectPublicKeyInfo. */
static EVP_PKEY *
public_key(const char *text, size_t n)
{
	uint8_t bytes[KEY_MAX];
	const uint8_t *at = bytes;
	int len;

	if (n == 32)
		return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, (const uint8_t *)text, 32);
	len = cs_hex_decode(text, n, bytes, sizeof(bytes));
	if (len < 0)
		len = cs_base64_decode(text, n, bytes, sizeof(bytes));
	if (len == 32)
		return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, bytes, 32);
	return len > 0 ? d2i_PUBKEY(NULL, &at, len) : NULL;
}

/* One buffer, because Ed25519 hashes the message twice. */
static void
join(const struct cs_part *parts, int n, struct cs_buf *b)
{
	for (int i = 0; i < n; i++)
		cs_buf_add(b, parts[i].ptr, parts[i].len);
}

static int
verify_ed25519(const struct check *c)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf message = CS_BUF_INIT(0);
	const char *header = proof(c), *timestamp, *key_text = c->row->public_key;
	struct cs_part parts[2 * PARTS_MAX];
	uint8_t given[64];
	EVP_PKEY *key;
	EVP_MD_CTX *ctx;
	bool fits;
	int n, rc;

	if (header == NULL)
		return CS_EPERM;
	if ((rc = check_timestamp(c, &timestamp)) < 0 || (n = rc = signed_parts(c, c->in->url, timestamp, parts)) < 0)
		return rc;
	if (decode(header, strlen(header), c->row->encoding, given, sizeof(given)) != 64)
		return cs_err_set(c->err, CS_EPERM, "header %s is no Ed25519 signature", c->row->header);
	if (c->secret_len > 0)
		key = public_key(c->secret, c->secret_len);
	else
		key = key_text != NULL ? public_key(key_text, strlen(key_text)) : NULL;
	if (key == NULL || EVP_PKEY_get_id(key) != EVP_PKEY_ED25519) {
		EVP_PKEY_free(key);
		return cs_err_set(c->err, CS_EPERM, "the public key is no Ed25519 key");
	}
	join(parts, n, &message);
	ctx = EVP_MD_CTX_new();
	fits = ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
	       EVP_DigestVerify(ctx, given, sizeof(given), (const uint8_t *)cs_buf_str(&message), message.len) == 1;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return fits ? 0 : mismatch(c, "signature");
}

/* ---- JWT */

/* One segment, decoded and parsed: a JSON object, or NULL. */
static json_object *
jwt_segment(const char *s, size_t n)
{
	CS_CLEANUP(cs_freep) uint8_t *text = cs_xmalloc(n + 1);
	int len = cs_base64_decode(s, n, text, n);
	json_object *o = NULL;

	if (len > 0 && cs_json_parse((const char *)text, (size_t)len, BODY_DEPTH, &o, NULL) == 0 &&
	    json_object_is_type(o, json_type_object))
		return o;
	json_object_put(o);
	return NULL;
}

/* The address the CRM called, with its query or without. */
static bool
is_our_url(const char *audience, const char *url)
{
	size_t n = strlen(audience);

	return url != NULL && strncmp(audience, url, n) == 0 && (url[n] == '\0' || url[n] == '?');
}

static bool
audience_fits(json_object *aud, const char *url)
{
	if (json_object_is_type(aud, json_type_string))
		return is_our_url(json_object_get_string(aud), url);
	if (!json_object_is_type(aud, json_type_array))
		return false;
	for (size_t i = 0; i < json_object_array_length(aud); i++) {
		json_object *one = json_object_array_get_idx(aud, i);

		if (json_object_is_type(one, json_type_string) && is_our_url(json_object_get_string(one), url))
			return true;
	}
	return false;
}

static int
check_claims(const struct check *c, json_object *claims)
{
	int64_t leeway_ms = c->row->tolerance_ms > 0 ? c->row->tolerance_ms : JWT_LEEWAY_MS;
	int64_t leeway_s = leeway_ms / CS_SECOND_MS, now_s = c->now_ms / CS_SECOND_MS;
	json_object *aud = cs_json_get(claims, "aud");
	int64_t exp = cs_json_int(claims, "exp", -1);

	if (exp < 0)
		return cs_err_set(c->err, CS_EPERM, "the token in header %s has no expiry", c->row->header);
	if (exp < now_s - leeway_s)
		return cs_err_set(c->err, CS_EPERM, "the token in header %s has expired", c->row->header);
	if (cs_json_int(claims, "nbf", 0) > now_s + leeway_s)
		return cs_err_set(c->err, CS_EPERM, "the token in header %s is not valid yet", c->row->header);
	if (aud != NULL && !audience_fits(aud, c->in->url))
		return cs_err_set(c->err, CS_EPERM, "the token in header %s is for another address", c->row->header);
	return 0;
}

static int
verify_jwt(const struct check *c)
{
	CS_CLEANUP(cs_json_putp) json_object *head = NULL;
	CS_CLEANUP(cs_json_putp) json_object *claims = NULL;
	const char *token = proof(c), *first, *last;
	uint8_t given[32], mac[64], key[KEY_MAX];
	int len;

	if (token == NULL)
		return CS_EPERM;
	first = strchr(token, '.');
	last = strrchr(token, '.');
	if (first == NULL || first == last)
		return cs_err_set(c->err, CS_EPERM, "header %s is no JWT", c->row->header);
	head = jwt_segment(token, (size_t)(first - token));
	if (head == NULL || strcmp(cs_json_str(head, "alg", ""), "HS256") != 0)
		return cs_err_set(c->err, CS_EPERM, "the token in header %s is not signed with HS256", c->row->header);
	if ((len = key_bytes(c, key, sizeof(key))) < 0)
		return len;
	cs_hmac(CS_HMAC_SHA256, key, (size_t)len, token, (size_t)(last - token), mac);
	cs_wipe(key, sizeof(key));
	if (cs_base64_decode(last + 1, strlen(last + 1), given, sizeof(given)) != 32 ||
	    !cs_secure_equal(given, 32, mac, 32))
		return mismatch(c, "token's signature");
	claims = jwt_segment(first + 1, (size_t)(last - first - 1));
	if (claims == NULL)
		return cs_err_set(c->err, CS_EPERM, "the token in header %s has no claims", c->row->header);
	return check_claims(c, claims);
}

/* ---- tokens */

/* The secret is "user:password", or a password alone: then any user is good. */
static int
verify_basic(const struct check *c)
{
	const char *header = header_value(c, c->row->header != NULL ? c->row->header : "Authorization");
	const uint8_t *given, *colon;
	uint8_t text[KEY_MAX];
	size_t n;
	int len;

	if (header == NULL)
		return CS_EPERM;
	if (strncasecmp(header, "Basic ", 6) != 0)
		return cs_err_set(c->err, CS_EPERM, "the request has no Basic credentials");
	len = cs_base64_decode(header + 6, strlen(header + 6), text, sizeof(text));
	colon = len > 0 ? memchr(text, ':', (size_t)len) : NULL;
	if (colon == NULL)
		return cs_err_set(c->err, CS_EPERM, "the request's Basic credentials are malformed");
	given = memchr(c->secret, ':', c->secret_len) != NULL ? text : colon + 1;
	n = (size_t)(text + len - given);
	return cs_secure_equal(given, n, c->secret, c->secret_len) ? 0 : mismatch(c, "user or password");
}

static int
verify_body_token(const struct check *c)
{
	CS_CLEANUP(cs_json_putp) json_object *body = NULL;
	struct cs_err err = { 0 };

	if (c->row->pointer == NULL)
		return cs_err_set(c->err, CS_EPERM, "the manifest's verify row names no pointer");
	if (cs_json_parse(c->in->body.ptr, c->in->body.len, BODY_DEPTH, &body, &err) < 0)
		return cs_err_set(c->err, CS_EPERM, "the body is %s", err.msg);
	return same_secret(c, cs_json_pointer_text(body, c->row->pointer), "token in the body");
}

static int
verify_header_token(const struct check *c)
{
	const char *token = proof(c);

	return token == NULL ? CS_EPERM : same_secret(c, token, "token in the header");
}

int
cs_hook_verify(const struct cs_verify_row *row, const void *secret, size_t secret_len, const struct cs_hook_in *in,
               int64_t now_ms, struct cs_err *err)
{
	struct check c = { row, in, secret, secret != NULL ? secret_len : 0, now_ms, err };

	if (row->kind == CS_VERIFY_NONE)
		return 0;
	if (c.secret_len == 0 && row->kind != CS_VERIFY_ED25519)
		return cs_err_set(err, CS_EPERM, "the secret \"%s\" is not set", secret_name(&c));
	switch (row->kind) {
	case CS_VERIFY_HMAC_SHA256:
	case CS_VERIFY_HMAC_SHA1:
	case CS_VERIFY_SHA256_PREFIX:
		return verify_mac(&c);
	case CS_VERIFY_ED25519:
		return verify_ed25519(&c);
	case CS_VERIFY_JWT_HS256:
		return verify_jwt(&c);
	case CS_VERIFY_BASIC:
		return verify_basic(&c);
	case CS_VERIFY_BODY_TOKEN:
		return verify_body_token(&c);
	case CS_VERIFY_URL_TOKEN:
		return same_secret(&c, in->url_token != NULL ? in->url_token : "", "token in the address");
	case CS_VERIFY_HEADER_TOKEN:
		return verify_header_token(&c);
	case CS_VERIFY_NONE:
		break;
	}
	return cs_err_set(err, CS_EPERM, "the manifest's verify row is of an unknown kind");
}
