/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host.c - the host that a plugin under test talks to, but for http(): words, receipts, facts, secrets.
 *
 * Each function begins with enter(), as the real one does: is this the running call, and may it ask for this now?
 */
#include <openssl/hmac.h>
#include <string.h>
#include "check/run.h"
#include "util/text.h"

#define MAX_EMIT (1u << 20)
#define IN_MAP 1
#define NOT_IN_MAP 0

/* The running call, or NULL where the function must not be used. */
static struct cs_call *
enter(const struct cs_call *call, int in_map, const char *function)
{
	struct cs_call *c = cs_check_running;

	if (!c)
		return NULL;
	if (call != c) {
		cs_fault(c, CS_RULE_LATE, "%s was called with a call that is not the running one", function);
		return NULL;
	}
	if ((c->phase == CS_IN_MAP || c->phase == CS_IN_OPEN) && !in_map) {
		cs_fault(c, CS_RULE_MAP_PURE, "%s called %s", c->phase == CS_IN_MAP ? "map" : "open", function);
		return NULL;
	}
	return c;
}

/* ---- words */
static CS_PRINTF(2, 0) void
add_line(struct cs_buf *b, const char *fmt, va_list ap)
{
	if (b->len)
		cs_buf_adds(b, "\n");
	cs_buf_vprintf(b, fmt, ap);
}

static CS_PRINTF(3, 4) void
host_log(struct cs_call *call, int32_t prio, const char *fmt, ...)
{
	struct cs_call *c = enter(call, IN_MAP, "log");
	struct cs_buf b = CS_BUF_INIT(4096);
	va_list ap;

	if (!c)
		return;
	va_start(ap, fmt);
	cs_buf_vprintf(&b, fmt, ap);
	va_end(ap);
	if (prio < CS_PRIO_ERROR || prio > CS_PRIO_DEBUG)
		cs_fault(c, CS_RULE_LOG, "log with the unknown priority %d", (int)prio);
	cs_check_personal(c, CS_RULE_LOG, cs_buf_str(&b), false);
	cs_buf_fini(&b);
}

static CS_PRINTF(3, 4) int32_t
host_fail(struct cs_call *call, int32_t outcome, const char *fmt, ...)
{
	struct cs_call *c = enter(call, IN_MAP, "fail");
	va_list ap;

	if (!c)
		return outcome;
	va_start(ap, fmt);
	add_line(&c->reason, fmt, ap);
	va_end(ap);
	return outcome;
}

static CS_PRINTF(2, 3) void
host_warn(struct cs_call *call, const char *fmt, ...)
{
	struct cs_call *c = enter(call, NOT_IN_MAP, "warn");
	va_list ap;

	if (!c)
		return;
	c->n_warnings++;
	va_start(ap, fmt);
	add_line(&c->warnings, fmt, ap);
	va_end(ap);
}

static void
host_retry_after(struct cs_call *call, int64_t ms)
{
	struct cs_call *c = enter(call, NOT_IN_MAP, "retry_after");

	if (c)
		c->retry_after_ms = ms;
}

static int32_t
host_emit(struct cs_call *call, struct cs_bytes out)
{
	struct cs_call *c = enter(call, IN_MAP, "emit");
	json_object *o = NULL;

	if (!c || out.len > MAX_EMIT || (!out.ptr && out.len))
		return CS_REJECT;
	if (cs_json_parse(out.ptr, out.len, 32, &o, NULL) != 0)
		cs_fault(c, CS_RULE_EMIT, "emitted what is not JSON: %.*s", (int)(out.len < 200 ? out.len : 200), out.ptr);
	else
		json_object_array_add(c->emitted, o);
	if (c->phase == CS_IN_HOOK && o)
		cs_check_event(c, o);
	c->last_emit = (struct cs_bytes){ cs_arena_strndup(&c->mem, out.ptr, out.len), out.len };
	return CS_DONE;
}

/* ---- receipts, records, facts */
static int32_t
host_receipt_put(struct cs_call *call, const char *step, struct cs_bytes value)
{
	struct cs_call *c = enter(call, NOT_IN_MAP, "receipt_put");

	if (!c)
		return CS_REJECT;
	if (!cs_check_step(c, step)) {
		cs_fault(c, CS_RULE_RECEIPT, "receipt for the step %s, which the manifest does not declare", step ? step : "(none)");
		return CS_DONE;
	}
	if (value.len == 0)
		cs_fault(c, CS_RULE_RECEIPT, "the receipt of the step %s is empty", step);
	json_object_object_add(c->receipts, step, json_object_new_string_len(value.ptr, (int)value.len));
	json_object_object_add(c->seen, step, json_object_new_string_len(value.ptr, (int)value.len));
	json_object_object_del(c->happened, step);
	return CS_DONE;
}

static struct cs_bytes
bytes_of(struct cs_call *c, json_object *v)
{
	const char *s = v ? cs_arena_strdup(&c->mem, json_object_get_string(v)) : "";

	return (struct cs_bytes){ s, strlen(s) };
}

static int32_t
host_receipt(struct cs_call *call, const char *step, struct cs_bytes *value)
{
	struct cs_call *c = enter(call, NOT_IN_MAP, "receipt");
	json_object *from, *v;

	if (!c)
		return CS_RECEIPT_ABSENT;
	from = !c->plan->frozen_receipts ? c->seen
	    : c->plan->receipts ? c->plan->receipts : cs_json_get(c->plan->script, "receipts");
	v = cs_json_get(from, step ? step : "");
	if (!cs_check_step(c, step))
		cs_fault(c, CS_RULE_RECEIPT, "asked for the receipt of the step %s, which the manifest does not declare",
		    step ? step : "(none)");
	if (!v)
		return CS_RECEIPT_ABSENT;
	if (cs_check_in_doubt(from, step))
		return CS_RECEIPT_IN_DOUBT;
	*value = bytes_of(c, v);
	return CS_RECEIPT_VALUE;
}

static int32_t
host_remembered(struct cs_call *call, const char *step, struct cs_bytes *value)
{
	struct cs_call *c = enter(call, NOT_IN_MAP, "remembered");
	json_object *v;

	if (!c)
		return CS_RECEIPT_ABSENT;
	if (!cs_json_bool(cs_check_step(c, step), "per_caller", false))
		cs_fault(c, CS_RULE_RECEIPT, "asked what was remembered of the step %s, which is not per_caller", step ? step : "(none)");
	if (!(v = cs_json_get(cs_json_get(c->plan->script, "remembered"), step ? step : "")))
		return CS_RECEIPT_ABSENT;
	*value = bytes_of(c, v);
	return CS_RECEIPT_VALUE;
}

static void
host_record(struct cs_call *call, const char *type, const char *id, const char *url)
{
	struct cs_call *c = enter(call, NOT_IN_MAP, "record");
	json_object *o;

	if (!c)
		return;
	o = json_object_new_object();
	json_object_object_add(o, "type", json_object_new_string(type ? type : ""));
	json_object_object_add(o, "id", json_object_new_string(id ? id : ""));
	if (url)
		json_object_object_add(o, "url", json_object_new_string(url));
	json_object_array_add(c->records, o);
}

static struct cs_bytes
host_fact(struct cs_call *call, const char *name)
{
	struct cs_call *c = enter(call, IN_MAP, "fact");

	if (!c)
		return (struct cs_bytes){ "", 0 };
	if (!cs_check_row(cs_json_get(c->plan->plugin->manifest, "facts"), "name", name) && (!name || strcmp(name, "timezone") != 0))
		cs_fault(c, CS_RULE_FACT, "asked for the fact %s, which the manifest does not declare", name ? name : "(none)");
	return bytes_of(c, cs_json_get(c->facts, name ? name : ""));
}

static struct cs_bytes
host_setting(struct cs_call *call, const char *key)
{
	struct cs_call *c = enter(call, IN_MAP, "setting");

	if (!c)
		return (struct cs_bytes){ "", 0 };
	if (!cs_check_row(cs_json_get(c->plan->plugin->manifest, "settings"), "key", key))
		cs_fault(c, CS_RULE_SETTING, "asked for the setting %s, which the manifest does not declare", key ? key : "(none)");
	return bytes_of(c, cs_json_get(c->settings, key ? key : ""));
}

static int32_t
host_fact_put(struct cs_call *call, const char *name, struct cs_bytes value)
{
	struct cs_call *c = enter(call, NOT_IN_MAP, "fact_put");

	if (!c || !name)
		return CS_REJECT;
	if (!cs_check_row(cs_json_get(c->plan->plugin->manifest, "facts"), "name", name))
		cs_fault(c, CS_RULE_FACT, "fact %s is not declared", name);
	json_object_object_add(c->facts, name, json_object_new_string_len(value.ptr, (int)value.len));
	return CS_DONE;
}

static int32_t
host_budget(struct cs_call *call, const char *limit_class, int64_t left, int64_t restore_per_s)
{
	struct cs_call *c = enter(call, NOT_IN_MAP, "budget");

	if (!c)
		return CS_REJECT;
	if (!cs_check_row(cs_json_get(c->plan->plugin->manifest, "limits"), "class", limit_class) || left < 0 || restore_per_s < 0)
		cs_fault(c, CS_RULE_LIMIT, "budget of the class %s is wrong", limit_class ? limit_class : "(none)");
	return CS_DONE;
}

static int32_t
host_cursor_put(struct cs_call *call, struct cs_bytes cursor)
{
	struct cs_call *c = enter(call, NOT_IN_MAP, "cursor_put");

	if (!c)
		return CS_REJECT;
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
	if (!cs_check_row(cs_json_get(c->plan->plugin->manifest, "secrets"), "name", name))
		cs_fault(c, CS_RULE_SECRET, "secret %s is not declared", name ? name : "(none)");
	return cs_json_str(cs_json_get(c->plan->script, "secrets"), name ? name : "", NULL);
}

static struct cs_bytes
host_secret_ref(struct cs_call *call, const char *name, int32_t enc)
{
	struct cs_call *c = enter(call, NOT_IN_MAP, "secret_ref");
	char *s;

	if (!c)
		return (struct cs_bytes){ "", 0 };
	secret(c, name);
	s = cs_arena_printf(&c->mem, "CS-%s.%d.%s.", c->nonce, (int)enc, name ? name : "");
	return (struct cs_bytes){ s, strlen(s) };
}

static int32_t
host_secret_new(struct cs_call *call, const char *name, size_t len)
{
	struct cs_call *c = enter(call, NOT_IN_MAP, "secret_new");

	(void)len;
	if (!c)
		return CS_REJECT;
	secret(c, name);
	cs_check_switch(c);
	return CS_DONE;
}

static int32_t
host_secret_equal(struct cs_call *call, const char *name, struct cs_bytes other)
{
	struct cs_call *c = enter(call, NOT_IN_MAP, "secret_equal");
	const char *s;

	if (!c)
		return CS_TRI_UNKNOWN;
	s = secret(c, name);
	cs_check_switch(c);
	return s && strlen(s) == other.len && memcmp(s, other.ptr, other.len) == 0 ? CS_TRI_YES : CS_TRI_NO;
}

/* As the core does it: a secret that begins with whsec_ is base64. */
static int32_t
host_hmac(struct cs_call *call, int32_t alg, const char *name, struct cs_bytes in, struct cs_bytes *mac)
{
	const EVP_MD *md = alg == CS_HMAC_SHA1 ? EVP_sha1() : alg == CS_HMAC_SHA512 ? EVP_sha512() : EVP_sha256();
	struct cs_call *c = enter(call, NOT_IN_MAP, "hmac");
	unsigned char decoded[256], *out;
	const char *key;
	unsigned int n = 0;
	int len;

	if (!c || !(key = secret(c, name)))
		return CS_REJECT;
	out = cs_arena_alloc(&c->mem, EVP_MAX_MD_SIZE);
	len = (int)strlen(key);
	if (strncmp(key, "whsec_", 6) == 0) {
		len = cs_base64_decode(key + 6, strlen(key + 6), decoded, sizeof(decoded));
		key = (const char *)decoded;
	}
	if (len < 0 || !HMAC(md, key, len, (const unsigned char *)in.ptr, in.len, out, &n))
		return CS_REJECT;
	cs_check_switch(c);
	*mac = (struct cs_bytes){ (const char *)out, n };
	return CS_DONE;
}

static int32_t
host_oauth_refresh(struct cs_call *call)
{
	struct cs_call *c = enter(call, NOT_IN_MAP, "oauth_refresh");

	if (!c)
		return CS_RETRY;
	cs_check_switch(c);
	return cs_json_bool(c->plan->script, "grant_is_dead", false) ? CS_REAUTH : CS_DONE;
}

static int64_t
host_now_ms(struct cs_call *call)
{
	struct cs_call *c = enter(call, NOT_IN_MAP, "now_ms");

	return c ? c->now_ms : 0;
}

static int32_t
host_cancelled(struct cs_call *call)
{
	enter(call, NOT_IN_MAP, "cancelled");
	return 0;
}

/* Even where it is called too late there is memory: a plugin need not check. */
static void *
host_alloc(struct cs_call *call, size_t n)
{
	struct cs_call *c = enter(call, IN_MAP, "alloc");
	static char late[4096];

	if (!c && n <= sizeof(late))
		return memset(late, 0, sizeof(late));
	return c ? cs_arena_alloc(&c->mem, n ? n : 1) : cs_xcalloc(1, n);
}

static int32_t
host_http(struct cs_call *call, const struct cs_http_req *req, struct cs_http_res *res)
{
	struct cs_call *c = enter(call, NOT_IN_MAP, "http");

	return c ? cs_check_http(c, req, res) : CS_RETRY;
}

const struct cs_host_v1 cs_check_host = {
	.struct_size = sizeof(struct cs_host_v1), .abi_minor = CS_ABI_V1_MINOR,
	.log = host_log, .fail = host_fail, .warn = host_warn, .retry_after = host_retry_after, .emit = host_emit,
	.http = host_http, .receipt_put = host_receipt_put, .receipt = host_receipt, .remembered = host_remembered,
	.record = host_record, .secret_ref = host_secret_ref, .secret_new = host_secret_new,
	.secret_equal = host_secret_equal, .hmac = host_hmac, .fact = host_fact, .setting = host_setting,
	.fact_put = host_fact_put, .budget = host_budget, .oauth_refresh = host_oauth_refresh,
	.cursor_put = host_cursor_put, .now_ms = host_now_ms, .cancelled = host_cancelled, .alloc = host_alloc,
};
