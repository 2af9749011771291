/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host.c - the host that a plugin under test talks to, but for http(): words, receipts, facts, secrets.
 */
#include <openssl/hmac.h>
#include <string.h>
#include "check/run.h"
#include "util/text.h"

/* ---- words */
static CS_PRINTF(2, 0) void
add_line(struct cs_buf *b, const char *fmt, va_list ap)
{
	if (b->len)
		cs_buf_adds(b, "\n");
	cs_buf_vprintf(b, fmt, ap);
}

static CS_PRINTF(3, 4) void
host_log(struct cs_call *c, int32_t prio, const char *fmt, ...)
{
	struct cs_buf b = CS_BUF_INIT(4096);
	va_list ap;

	va_start(ap, fmt);
	cs_buf_vprintf(&b, fmt, ap);
	va_end(ap);
	if (prio < CS_PRIO_ERROR || prio > CS_PRIO_DEBUG)
		cs_check_fault(c, "log with the unknown priority %d", (int)prio);
	if (*c->lead->contact->phone && strstr(cs_buf_str(&b), c->lead->contact->phone))
		cs_check_fault(c, "the caller's phone number went to the log");
	cs_buf_fini(&b);
}

static CS_PRINTF(3, 4) int32_t
host_fail(struct cs_call *c, int32_t outcome, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_line(&c->reason, fmt, ap);
	va_end(ap);
	return outcome;
}

static CS_PRINTF(2, 3) void
host_warn(struct cs_call *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_line(&c->warnings, fmt, ap);
	va_end(ap);
}

static void
host_retry_after(struct cs_call *c, int64_t ms)
{
	c->retry_after_ms = ms;
}

static int32_t
host_emit(struct cs_call *c, struct cs_bytes out)
{
	json_object *o = NULL;

	if (out.len > 1 << 20)
		return CS_REJECT;
	if (cs_json_parse(out.ptr, out.len, 32, &o, NULL) != 0)
		cs_check_fault(c, "emitted what is not JSON: %.*s", (int)(out.len < 200 ? out.len : 200),
		    out.ptr);
	else
		json_object_array_add(c->emitted, o);
	c->last_emit = (struct cs_bytes){ cs_arena_strndup(&c->mem, out.ptr, out.len), out.len };
	return CS_DONE;
}

/* ---- receipts, records, facts */
static int32_t
host_receipt_put(struct cs_call *c, const char *step, struct cs_bytes value)
{
	if (!cs_check_step(c, step))
		cs_check_fault(c, "receipt for the step %s, which the manifest does not declare", step);
	else
		json_object_object_add(c->receipts, step,
		    json_object_new_string_len(value.ptr, (int)value.len));
	return CS_DONE;
}

static struct cs_bytes
bytes_of(struct cs_call *c, json_object *v)
{
	const char *s = v ? cs_arena_strdup(&c->mem, json_object_get_string(v)) : "";

	return (struct cs_bytes){ s, strlen(s) };
}

static int32_t
host_receipt(struct cs_call *c, const char *step, struct cs_bytes *value)
{
	json_object *from = c->mode == CS_CHECK_SNAPSHOT ? c->receipts_before : c->receipts;
	json_object *v = cs_json_get(from, step);

	if (!cs_check_step(c, step))
		cs_check_fault(c, "asked for the receipt of the step %s, which the manifest does not declare", step);
	if (!v)
		return CS_RECEIPT_ABSENT;
	if (cs_check_in_doubt(from, step))
		return CS_RECEIPT_IN_DOUBT;
	*value = bytes_of(c, v);
	return CS_RECEIPT_VALUE;
}

static int32_t
host_remembered(struct cs_call *c, const char *step, struct cs_bytes *value)
{
	json_object *v = cs_json_get(cs_json_get(c->script, "remembered"), step);

	if (!cs_json_bool(cs_check_step(c, step), "per_caller", false))
		cs_check_fault(c, "asked what was remembered of the step %s, which is not per_caller", step);
	if (!v)
		return CS_RECEIPT_ABSENT;
	*value = bytes_of(c, v);
	return CS_RECEIPT_VALUE;
}

static void
host_record(struct cs_call *c, const char *type, const char *id, const char *url)
{
	json_object *o = json_object_new_object();

	json_object_object_add(o, "type", json_object_new_string(type));
	json_object_object_add(o, "id", json_object_new_string(id));
	if (url)
		json_object_object_add(o, "url", json_object_new_string(url));
	json_object_array_add(c->records, o);
}

static struct cs_bytes
host_fact(struct cs_call *c, const char *name)
{
	if (!cs_check_row(cs_json_get(c->plugin->manifest, "facts"), "name", name))
		cs_check_fault(c, "asked for the fact %s, which the manifest does not declare", name);
	return bytes_of(c, cs_json_get(c->facts, name));
}

static struct cs_bytes
host_setting(struct cs_call *c, const char *key)
{
	if (!cs_check_row(cs_json_get(c->plugin->manifest, "settings"), "key", key))
		cs_check_fault(c, "asked for the setting %s, which the manifest does not declare", key);
	return bytes_of(c, cs_json_get(c->settings, key));
}

static int32_t
host_fact_put(struct cs_call *c, const char *name, struct cs_bytes value)
{
	if (!cs_check_row(cs_json_get(c->plugin->manifest, "facts"), "name", name))
		cs_check_fault(c, "fact %s is not declared", name);
	json_object_object_add(c->facts, name, json_object_new_string_len(value.ptr, (int)value.len));
	return CS_DONE;
}

static int32_t
host_budget(struct cs_call *c, const char *limit_class, int64_t left, int64_t restore_per_s)
{
	if (!cs_check_row(cs_json_get(c->plugin->manifest, "limits"), "class", limit_class) || left < 0 ||
	    restore_per_s < 0)
		cs_check_fault(c, "budget of the class %s is wrong", limit_class);
	return CS_DONE;
}

static int32_t
host_cursor_put(struct cs_call *c, struct cs_bytes cursor)
{
	json_object_put(c->cursor);
	c->cursor = NULL;
	if (cs_json_parse(cursor.ptr, cursor.len, 32, &c->cursor, NULL) != 0)
		c->cursor = json_object_new_string_len(cursor.ptr, (int)cursor.len);
	return CS_DONE;
}

/* ---- secrets */
static const char *
secret(struct cs_call *c, const char *name)
{
	if (!cs_check_row(cs_json_get(c->plugin->manifest, "secrets"), "name", name))
		cs_check_fault(c, "secret %s is not declared", name);
	return cs_json_str(cs_json_get(c->script, "secrets"), name, NULL);
}

static struct cs_bytes
host_secret_ref(struct cs_call *c, const char *name, int32_t enc)
{
	char *s = cs_arena_printf(&c->mem, "CS-%032x.%d.%s.", 0u, (int)enc, name);

	secret(c, name);
	return (struct cs_bytes){ s, strlen(s) };
}

static int32_t
host_secret_new(struct cs_call *c, const char *name, size_t len)
{
	(void)len;
	secret(c, name);
	return CS_DONE;
}

static int32_t
host_secret_equal(struct cs_call *c, const char *name, struct cs_bytes other)
{
	const char *s = secret(c, name);

	return s && strlen(s) == other.len && memcmp(s, other.ptr, other.len) == 0 ? CS_TRI_YES : CS_TRI_NO;
}

/* As the core does it: a secret that begins with whsec_ is base64. */
static int32_t
host_hmac(struct cs_call *c, int32_t alg, const char *name, struct cs_bytes in, struct cs_bytes *mac)
{
	const EVP_MD *md = alg == CS_HMAC_SHA1 ? EVP_sha1() : alg == CS_HMAC_SHA512
	    ? EVP_sha512() : EVP_sha256();
	const char *key = secret(c, name);
	unsigned char decoded[256], *out = cs_arena_alloc(&c->mem, EVP_MAX_MD_SIZE);
	unsigned int n = 0;
	int len;

	if (!key)
		return CS_REJECT;
	len = (int)strlen(key);
	if (strncmp(key, "whsec_", 6) == 0) {
		len = cs_base64_decode(key + 6, strlen(key + 6), decoded, sizeof(decoded));
		key = (const char *)decoded;
	}
	if (len < 0 || !HMAC(md, key, len, (const unsigned char *)in.ptr, in.len, out, &n))
		return CS_REJECT;
	*mac = (struct cs_bytes){ (const char *)out, n };
	return CS_DONE;
}

static int32_t
host_oauth_refresh(struct cs_call *c)
{
	(void)c;
	return CS_DONE;
}

static int64_t
host_now_ms(struct cs_call *c)
{
	if (c->pure)
		cs_check_fault(c, "map asked for the time");
	return c->now_ms;
}

static int32_t
host_cancelled(struct cs_call *c)
{
	(void)c;
	return 0;
}

static void *
host_alloc(struct cs_call *c, size_t n)
{
	return cs_arena_alloc(&c->mem, n ? n : 1);
}

const struct cs_host_v1 cs_check_host = {
	.struct_size = sizeof(struct cs_host_v1), .abi_minor = CS_ABI_V1_MINOR,
	.log = host_log, .fail = host_fail, .warn = host_warn, .retry_after = host_retry_after,
	    .emit = host_emit,
	.http = cs_check_http, .receipt_put = host_receipt_put, .receipt = host_receipt,
	    .remembered = host_remembered,
	.record = host_record, .secret_ref = host_secret_ref, .secret_new = host_secret_new,
	.secret_equal = host_secret_equal, .hmac = host_hmac, .fact = host_fact, .setting = host_setting,
	.fact_put = host_fact_put, .budget = host_budget, .oauth_refresh = host_oauth_refresh,
	.cursor_put = host_cursor_put, .now_ms = host_now_ms, .cancelled = host_cancelled,
	    .alloc = host_alloc,
};
