/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rows.c - what each object of a manifest may hold.
 *
 * One row per key: type, limits, where it goes. What no row can say is in manifest.c.
 */
#include "config.h"
#include "plugin/manifest/rows.h"
#include "plugin/manifest/settings.h"
#include "plugin/manifest/template.h"
#include "util/clock.h"
#include "util/text.h"

#include <math.h>
#include <regex.h>
#include <string.h>
#include <strings.h>

/* ---- checks of single texts */

int
cs_check_ident(struct cs_fields *r, const char *s)
{
	if (s[0] < 'a' || s[0] > 'z' || strlen(s) > CS_TEMPLATE_NAME ||
	    strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(s))
		return cs_fields_fail(r, "expected a name of a-z, 0-9 and \"_\" that begins with a letter");
	return 0;
}

static int
check_version(struct cs_fields *r, const char *s)
{
	return cs_is_ident(s, 32, ".-+~") ? 0 : cs_fields_fail(r, "expected a version like 1.0.0");
}

int
cs_check_pointer(struct cs_fields *r, const char *s)
{
	const char *tilde = s;

	if (s[0] != '\0' && s[0] != '/')
		return cs_fields_fail(r, "expected a JSON pointer: \"\" or \"/...\"");
	while ((tilde = strchr(tilde, '~')) != NULL)
		if (*++tilde != '0' && *tilde != '1')
			return cs_fields_fail(r, "in a JSON pointer \"~\" is followed by 0 or 1");
	return 0;
}

static int
check_https(struct cs_fields *r, const char *s)
{
	return strncmp(s, "https://", 8) == 0 ? 0 : cs_fields_fail(r, "expected an address that begins with https://");
}

static int
check_regex(struct cs_fields *r, const char *s)
{
	regex_t re;

	if (regcomp(&re, s, REG_EXTENDED | REG_NOSUB) != 0)
		return cs_fields_fail(r, "expected an extended regular expression");
	regfree(&re);
	return 0;
}

static int
check_token(struct cs_fields *r, const char *s)
{
	return cs_is_token(s, strlen(s)) ? 0 : cs_fields_fail(r, "expected a header name");
}

int
cs_check_header_name(struct cs_fields *r, const char *s)
{
	static const char *const ours[] = { "host", "content-length", "transfer-encoding", "connection", "cookie" };

	for (size_t i = 0; i < CS_ARRAY_LEN(ours); i++)
		if (strcasecmp(s, ours[i]) == 0)
			return cs_fields_fail(r, "this header belongs to csrelay");
	return check_token(r, s);
}

/* "api.example.com", "*.example.com", either with ":port", or a template. */
static int
check_host(struct cs_fields *r, const char *s)
{
	size_t n;

	if (strstr(s, "${") != NULL)
		return 0;
	s += strncmp(s, "*.", 2) == 0 ? 2 : 0;
	n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789.-");
	if (n == 0 || (s[n] == ':' ? s[n + 1] == '\0' || s[n + 1 + strspn(s + n + 1, "0123456789")] != '\0' : s[n] != '\0'))
		return cs_fields_fail(r, "expected a host name in lower case (\"*.\" in front for all below it) or ${setting:KEY}");
	return 0;
}

int
cs_check_param(struct cs_fields *r, const char *s)
{
	return cs_is_ident(s, 128, "_-.[]$") ? 0 : cs_fields_fail(r, "expected a parameter's name");
}

/* ---- the tables */

#define AT(member) offsetof(struct cs_draft, member)
#define IN(type, member) offsetof(struct type, member)

static const char *const on_doubt_words[] = { "look", "repeat", "ask", NULL };
static const char *const unit_words[] = { "s", "ms", NULL };
static const char *const scope_words[] = { "connection", "app", NULL };
static const char *const encoding_words[] = { "hex", "base64", "either", NULL };
static const char *const key_words[] = { "raw", "base64", "hex", NULL };
static const char *const method_words[] = { "GET", "POST", NULL };
static const char *const reply_words[] = { "echo", "json", NULL };
static const char *const form_words[] = { "text", "number", NULL };
static const char *const verify_words[] = {
	[CS_VERIFY_NONE] = "none", [CS_VERIFY_HMAC_SHA256] = "hmac-sha256", [CS_VERIFY_HMAC_SHA1] = "hmac-sha1",
	[CS_VERIFY_SHA256_PREFIX] = "sha256-prefix", [CS_VERIFY_ED25519] = "ed25519", [CS_VERIFY_JWT_HS256] = "jwt-hs256",
	[CS_VERIFY_BASIC] = "basic", [CS_VERIFY_BODY_TOKEN] = "body-token", [CS_VERIFY_URL_TOKEN] = "url-token",
	[CS_VERIFY_HEADER_TOKEN] = "header-token", NULL,
};
static const char *const signed_words[] = { "secret", "method", "url", "path", "body", "timestamp" };

int
cs_manifest_encoding(const char *word)
{
	for (int i = 0; encoding_words[i] != NULL; i++)
		if (strcmp(encoding_words[i], word) == 0)
			return i;
	return -1;
}

static int
check_signed_part(struct cs_fields *r, const char *s)
{
	for (size_t i = 0; i < CS_ARRAY_LEN(signed_words); i++)
		if (strcmp(s, signed_words[i]) == 0)
			return 0;
	cs_fields_fail(r, "\"%.60s\" is not allowed here", s);
	cs_hint_words(r->err, "allowed", signed_words, CS_ARRAY_LEN(signed_words));
	return CS_EINVAL;
}

const struct cs_field cs_setup_fields[] = {
	{ .key = "text", .kind = CS_FIELD_TEXT, .at = IN(cs_setup_row, text), .required = true, .min = 1 },
	{ .key = "link", .kind = CS_FIELD_TEXT, .at = IN(cs_setup_row, link), .check = check_https },
	{ .key = NULL },
};

static const struct cs_field choice_fields[] = {
	{ .key = "value", .kind = CS_FIELD_TEXT, .at = IN(cs_choice, value), .required = true },
	{ .key = "label", .kind = CS_FIELD_TEXT, .at = IN(cs_choice, label), .required = true, .min = 1 },
	{ .key = NULL },
};

static const struct cs_setting_row blank_setting = { .min = -INFINITY, .max = INFINITY };
static const struct cs_field setting_fields[] = {
	{ .key = "key", .kind = CS_FIELD_TEXT, .at = IN(cs_setting_row, key), .required = true,
	  .check = cs_check_ident },
	{ .key = "type", .kind = CS_FIELD_WORD, .at = IN(cs_setting_row, type), .required = true,
	  .words = cs_setting_types },
	{ .key = "label", .kind = CS_FIELD_TEXT, .at = IN(cs_setting_row, label), .required = true, .min = 1 },
	{ .key = "help", .kind = CS_FIELD_TEXT, .at = IN(cs_setting_row, help) },
	{ .key = "default", .kind = CS_FIELD_ANY, .at = IN(cs_setting_row, dflt) },
	{ .key = "required", .kind = CS_FIELD_BOOL, .at = IN(cs_setting_row, required) },
	{ .key = "advanced", .kind = CS_FIELD_BOOL, .at = IN(cs_setting_row, advanced) },
	{ .key = "pattern", .kind = CS_FIELD_TEXT, .at = IN(cs_setting_row, pattern), .min = 1, .max = 256,
	  .check = check_regex },
	{ .key = "min", .kind = CS_FIELD_NUMBER, .at = IN(cs_setting_row, min) },
	{ .key = "max", .kind = CS_FIELD_NUMBER, .at = IN(cs_setting_row, max) },
	{ .key = "choices", .kind = CS_FIELD_ROWS, .at = IN(cs_setting_row, choices),
	  .n_at = IN(cs_setting_row, n_choices), .rows = choice_fields,
	  .size = sizeof(struct cs_choice), .min = 1 },
	{ .key = "columns", .kind = CS_FIELD_KEPT },
	{ .key = "choices_from", .kind = CS_FIELD_TEXT, .at = IN(cs_setting_row, choices_from),
	  .check = cs_check_ident },
	{ .key = "depends_on", .kind = CS_FIELD_TEXT, .at = IN(cs_setting_row, depends_on),
	  .check = cs_check_ident },
	{ .key = NULL },
};

static const struct cs_field fact_fields[] = {
	{ .key = "name", .kind = CS_FIELD_TEXT, .at = IN(cs_fact_row, name), .required = true,
	  .check = cs_check_ident },
	{ .key = "label", .kind = CS_FIELD_TEXT, .at = IN(cs_fact_row, label), .min = 1 },
	{ .key = "default", .kind = CS_FIELD_TEXT, .at = IN(cs_fact_row, dflt), .min = 1 },
	{ .key = NULL },
};

static const struct cs_field secret_fields[] = {
	{ .key = "name", .kind = CS_FIELD_TEXT, .at = IN(cs_secret_row, name), .required = true,
	  .check = cs_check_ident },
	{ .key = "label", .kind = CS_FIELD_TEXT, .at = IN(cs_secret_row, label), .min = 1 },
	{ .key = "help", .kind = CS_FIELD_TEXT, .at = IN(cs_secret_row, help) },
	{ .key = "required", .kind = CS_FIELD_BOOL, .at = IN(cs_secret_row, required) },
	{ .key = "hosts", .kind = CS_FIELD_TEXTS, .at = IN(cs_secret_row, hosts), .n_at = IN(cs_secret_row,
	  n_hosts), .min = 1, .check = check_host },
	{ .key = NULL },
};

static const struct cs_field request_fields[] = { CS_REQUEST_FIELDS(struct cs_draft) };

static const char *const sign_words[] = { "standard-webhooks", NULL };
static const struct cs_field sign_fields[] = {
	{ .key = "kind", .kind = CS_FIELD_WORD, .at = AT(sign_kind), .required = true, .words = sign_words },
	{ .key = "secrets", .kind = CS_FIELD_TEXTS, .at = AT(m.sign.secrets), .n_at = AT(m.sign.n_secrets), .required = true,
	  .min = 1, .check = cs_check_ident },
	{ .key = "setting", .kind = CS_FIELD_TEXT, .at = AT(m.sign.setting), .check = cs_check_ident },
	{ .key = NULL },
};

static const struct cs_field limit_fields[] = {
	{ .key = "class", .kind = CS_FIELD_TEXT, .at = IN(cs_limit_row, class), .required = true,
	  .check = cs_check_ident },
	{ .key = "per", .kind = CS_FIELD_TEXT, .at = IN(cs_limit_row, per), .required = true },
	{ .key = "count", .kind = CS_FIELD_INT, .at = IN(cs_limit_row, count), .required = true, .min = 1,
	  .max = 1000000000 },
	{ .key = "window_ms", .kind = CS_FIELD_INT, .at = IN(cs_limit_row, window_ms), .required = true,
	  .min = 1, .max = CS_DAY_MS },
	{ .key = "burst", .kind = CS_FIELD_INT, .at = IN(cs_limit_row, burst), .min = 1, .max = 1000000000 },
	{ .key = "every", .kind = CS_FIELD_BOOL, .at = IN(cs_limit_row, every) },
	{ .key = NULL },
};

static const struct cs_field step_fields[] = {
	{ .key = "name", .kind = CS_FIELD_TEXT, .at = IN(cs_step_row, name), .required = true,
	  .check = cs_check_ident },
	{ .key = "label", .kind = CS_FIELD_TEXT, .at = IN(cs_step_row, label), .min = 1 },
	{ .key = "mutates", .kind = CS_FIELD_BOOL, .at = IN(cs_step_row, mutates) },
	{ .key = "per_caller", .kind = CS_FIELD_BOOL, .at = IN(cs_step_row, per_caller) },
	{ .key = "on_doubt", .kind = CS_FIELD_WORD, .at = IN(cs_step_row, on_doubt), .words = on_doubt_words },
	{ .key = "lookup_lag_ms", .kind = CS_FIELD_INT, .at = IN(cs_step_row, lookup_lag_ms),
	  .max = CS_DAY_MS },
	{ .key = NULL },
};

static const struct cs_field retry_after_fields[] = {
	{ .key = "header", .kind = CS_FIELD_TEXT, .at = AT(m.retry_after_header), .check = check_token },
	{ .key = "unit", .kind = CS_FIELD_WORD, .at = AT(retry_after_unit), .words = unit_words },
	{ .key = NULL },
};

static const char *const told_words[] = { [CS_TOLD_NO_API_ACCESS] = "no_api_access", [CS_TOLD_BAD_KEY] = "bad_key",
	                                  [CS_TOLD_MISSING_RIGHT] = "missing_right", NULL };
static const struct cs_field told_fields[] = {
	{ .key = "status", .kind = CS_FIELD_INT, .at = IN(cs_told_row, status), .required = true, .min = 200, .max = 599 },
	{ .key = "pointer", .kind = CS_FIELD_TEXT, .at = IN(cs_told_row, pointer), .check = cs_check_pointer },
	{ .key = "contains", .kind = CS_FIELD_TEXT, .at = IN(cs_told_row, contains), .min = 1 },
	{ .key = "kind", .kind = CS_FIELD_WORD, .at = IN(cs_told_row, kind), .required = true, .words = told_words },
	{ .key = "text", .kind = CS_FIELD_TEXT, .at = IN(cs_told_row, text), .required = true, .min = 1, .max = 250 },
	{ .key = NULL },
};

static const struct cs_field identify_fields[] = {
	{ .key = "step", .kind = CS_FIELD_TEXT, .at = AT(identify_step), .check = cs_check_ident },
	{ .key = "path", .kind = CS_FIELD_TEXT, .at = AT(m.identify.path), .min = 1 },
	{ .key = "id", .kind = CS_FIELD_TEXT, .at = AT(m.identify.id), .check = cs_check_pointer },
	{ .key = "name", .kind = CS_FIELD_TEXT, .at = AT(m.identify.name), .check = cs_check_pointer },
	{ .key = "facts", .kind = CS_FIELD_PAIRS, .at = AT(m.identify.facts), .n_at = AT(m.identify.n_facts),
	  .check = cs_check_pointer,
	  .check_name = cs_check_ident },
	{ .key = "errors", .kind = CS_FIELD_ROWS, .at = AT(m.identify.errors), .n_at = AT(m.identify.n_errors), .rows = told_fields,
	  .size = sizeof(struct cs_told_row) },
	{ .key = NULL },
};

static const struct cs_field list_fields[] = {
	{ .key = "list", .kind = CS_FIELD_TEXT, .at = IN(cs_choice_list, list), .required = true,
	  .check = cs_check_ident },
	{ .key = "path", .kind = CS_FIELD_TEXT, .at = IN(cs_choice_list, path), .required = true, .min = 1 },
	{ .key = "items", .kind = CS_FIELD_TEXT, .at = IN(cs_choice_list, items), .required = true,
	  .check = cs_check_pointer },
	{ .key = "value", .kind = CS_FIELD_TEXT, .at = IN(cs_choice_list, value), .required = true,
	  .check = cs_check_pointer },
	{ .key = "label", .kind = CS_FIELD_TEXT, .at = IN(cs_choice_list, label), .check = cs_check_pointer },
	{ .key = "next", .kind = CS_FIELD_TEXT, .at = IN(cs_choice_list, next), .check = cs_check_pointer },
	{ .key = "next_param", .kind = CS_FIELD_TEXT, .at = IN(cs_choice_list, next_param),
	  .check = cs_check_param },
	{ .key = "filter_param", .kind = CS_FIELD_TEXT, .at = IN(cs_choice_list, filter_param),
	  .check = cs_check_param },
	{ .key = NULL },
};

static const struct cs_field verify_fields[] = {
	{ .key = "kind", .kind = CS_FIELD_WORD, .at = AT(m.webhook.verify.kind), .required = true,
	  .words = verify_words },
	{ .key = "secret", .kind = CS_FIELD_TEXT, .at = AT(m.webhook.verify.secret), .check = cs_check_ident },
	{ .key = "optional", .kind = CS_FIELD_BOOL, .at = AT(m.webhook.verify.optional) },
	{ .key = "header", .kind = CS_FIELD_TEXT, .at = AT(m.webhook.verify.header), .check = check_token },
	{ .key = "header_from", .kind = CS_FIELD_TEXT, .at = AT(m.webhook.verify.header_from), .check = cs_check_ident },
	{ .key = "prefix", .kind = CS_FIELD_TEXT, .at = AT(m.webhook.verify.prefix), .max = 64 },
	{ .key = "separator", .kind = CS_FIELD_TEXT, .at = AT(m.webhook.verify.separator), .max = 8 },
	{ .key = "pointer", .kind = CS_FIELD_TEXT, .at = AT(m.webhook.verify.pointer),
	  .check = cs_check_pointer },
	{ .key = "public_key", .kind = CS_FIELD_TEXT, .at = AT(m.webhook.verify.public_key), .min = 1 },
	{ .key = "encoding", .kind = CS_FIELD_WORD, .at = AT(m.webhook.verify.encoding),
	  .words = encoding_words },
	{ .key = "encoding_from", .kind = CS_FIELD_TEXT, .at = AT(m.webhook.verify.encoding_from), .check = cs_check_ident },
	{ .key = "key_decoding", .kind = CS_FIELD_WORD, .at = AT(m.webhook.verify.key_decoding),
	  .words = key_words },
	{ .key = "signed", .kind = CS_FIELD_TEXTS, .at = AT(m.webhook.verify.signed_parts),
	  .n_at = AT(m.webhook.verify.n_signed),
	  .check = check_signed_part },
	{ .key = "timestamp_header", .kind = CS_FIELD_TEXT, .at = AT(m.webhook.verify.timestamp_header),
	  .check = check_token },
	{ .key = "timestamp_unit", .kind = CS_FIELD_WORD, .at = AT(timestamp_unit), .words = unit_words },
	{ .key = "tolerance_s", .kind = CS_FIELD_INT, .at = AT(tolerance_s), .min = 1, .max = 86400 },
	{ .key = NULL },
};

static const struct cs_field reply_fields[] = {
	{ .key = "status", .kind = CS_FIELD_INT, .at = AT(reply_status), .min = 200, .max = 299 },
	{ .key = "body", .kind = CS_FIELD_TEXT, .at = AT(m.webhook.reply_body) },
	{ .key = "type", .kind = CS_FIELD_TEXT, .at = AT(m.webhook.reply_type), .min = 1, .max = 100 },
	{ .key = NULL },
};

static const struct cs_field challenge_fields[] = {
	{ .key = "method", .kind = CS_FIELD_WORD, .at = AT(challenge_method), .words = method_words },
	{ .key = "query", .kind = CS_FIELD_TEXT, .at = AT(m.webhook.challenge_query), .check = cs_check_param },
	{ .key = "pointer", .kind = CS_FIELD_TEXT, .at = AT(m.webhook.challenge_pointer),
	  .check = cs_check_pointer },
	{ .key = "reply", .kind = CS_FIELD_WORD, .at = AT(challenge_reply), .words = reply_words },
	{ .key = NULL },
};

static const struct cs_field ends_fields[] = {
	{ .key = "pointer", .kind = CS_FIELD_TEXT, .at = AT(m.webhook.ends), .required = true, .check = cs_check_pointer },
	{ .key = "values", .kind = CS_FIELD_TEXTS, .at = AT(m.webhook.ends_values), .n_at = AT(m.webhook.n_ends_values),
	  .required = true, .min = 1 },
	{ .key = "at", .kind = CS_FIELD_TEXT, .at = AT(m.webhook.ends_at), .check = cs_check_pointer },
	{ .key = NULL },
};

static const struct cs_field subscribe_fields[] = {
	{ .key = "every_ms", .kind = CS_FIELD_INT, .at = AT(m.webhook.subscribe_every_ms), .required = true,
	  .min = CS_MINUTE_MS, .max = 30 * CS_DAY_MS },
	{ .key = NULL },
};

static const struct cs_field webhook_fields[] = {
	{ .key = "scope", .kind = CS_FIELD_WORD, .at = AT(scope), .required = true, .words = scope_words },
	{ .key = "verify", .kind = CS_FIELD_OBJECT, .required = true, .rows = verify_fields },
	{ .key = "events", .kind = CS_FIELD_TEXT, .at = AT(m.webhook.events), .check = cs_check_pointer },
	{ .key = "tenant", .kind = CS_FIELD_TEXT, .at = AT(m.webhook.tenant), .check = cs_check_pointer },
	{ .key = "tenant_also", .kind = CS_FIELD_TEXT, .at = AT(m.webhook.tenant_also), .check = cs_check_pointer },
	{ .key = "tenant_from", .kind = CS_FIELD_TEXT, .at = AT(m.webhook.tenant_from), .check = cs_check_ident },
	{ .key = "tenant_fact", .kind = CS_FIELD_TEXT, .at = AT(m.webhook.tenant_fact), .check = cs_check_ident },
	{ .key = "tenant_form", .kind = CS_FIELD_WORD, .at = AT(m.webhook.tenant_form), .words = form_words },
	{ .key = "dedupe", .kind = CS_FIELD_TEXTS, .at = AT(m.webhook.dedupe),
	  .n_at = AT(m.webhook.n_dedupe), .check = cs_check_pointer },
	{ .key = "ends", .kind = CS_FIELD_OBJECT, .rows = ends_fields },
	{ .key = "subscribe", .kind = CS_FIELD_OBJECT, .rows = subscribe_fields },
	{ .key = "reply", .kind = CS_FIELD_OBJECT, .rows = reply_fields },
	{ .key = "challenge", .kind = CS_FIELD_OBJECT, .rows = challenge_fields },
	{ .key = NULL },
};

static const struct cs_field poll_fields[] = {
	{ .key = "every_ms", .kind = CS_FIELD_INT, .at = AT(m.poll_every_ms), .required = true, .min = 10000,
	  .max = CS_DAY_MS },
	{ .key = NULL },
};

const struct cs_field cs_manifest_fields[] = {
	{ .key = "$schema", .kind = CS_FIELD_TEXT, .at = AT(schema) },
	{ .key = "manifest", .kind = CS_FIELD_INT, .at = AT(format), .required = true, .min = 1, .max = 1 },
	{ .key = "name", .kind = CS_FIELD_TEXT, .at = AT(m.name), .required = true, .check = cs_check_ident },
	{ .key = "version", .kind = CS_FIELD_TEXT, .at = AT(m.version), .required = true,
	  .check = check_version },
	{ .key = "title", .kind = CS_FIELD_TEXT, .at = AT(m.title), .required = true, .min = 1, .max = 100 },
	{ .key = "logo", .kind = CS_FIELD_TEXT, .at = AT(logo), .min = 1, .max = 100 },
	{ .key = "plans", .kind = CS_FIELD_TEXT, .at = AT(m.plans) },
	{ .key = "experimental", .kind = CS_FIELD_BOOL, .at = AT(m.experimental) },
	{ .key = "setup", .kind = CS_FIELD_ROWS, .at = AT(setup), .n_at = AT(n_setup), .rows = cs_setup_fields,
	  .size = sizeof(struct cs_setup_row) },
	{ .key = "base_url", .kind = CS_FIELD_TEXT, .at = AT(m.base_url), .min = 1 },
	{ .key = "hosts", .kind = CS_FIELD_TEXTS, .at = AT(m.hosts), .n_at = AT(m.n_hosts), .required = true,
	  .min = 1, .check = check_host },
	{ .key = "settings", .kind = CS_FIELD_ROWS, .at = AT(m.settings), .n_at = AT(m.n_settings),
	  .rows = setting_fields,
	  .size = sizeof(struct cs_setting_row), .blank = &blank_setting },
	{ .key = "facts", .kind = CS_FIELD_ROWS, .at = AT(m.facts), .n_at = AT(m.n_facts),
	  .rows = fact_fields, .size = sizeof(struct cs_fact_row) },
	{ .key = "secrets", .kind = CS_FIELD_ROWS, .at = AT(m.secrets), .n_at = AT(m.n_secrets),
	  .rows = secret_fields,
	  .size = sizeof(struct cs_secret_row) },
	{ .key = "request", .kind = CS_FIELD_OBJECT, .rows = request_fields },
	{ .key = "sign", .kind = CS_FIELD_OBJECT, .rows = sign_fields },
	{ .key = "auth", .kind = CS_FIELD_ANY, .at = AT(auth) },
	{ .key = "limits", .kind = CS_FIELD_ROWS, .at = AT(m.limits), .n_at = AT(m.n_limits),
	  .rows = limit_fields, .size = sizeof(struct cs_limit_row) },
	{ .key = "steps", .kind = CS_FIELD_ROWS, .at = AT(m.steps), .n_at = AT(m.n_steps),
	  .rows = step_fields, .size = sizeof(struct cs_step_row) },
	{ .key = "status", .kind = CS_FIELD_PAIRS, .at = AT(status), .n_at = AT(n_status) },
	{ .key = "retry_after", .kind = CS_FIELD_OBJECT, .rows = retry_after_fields },
	{ .key = "identify", .kind = CS_FIELD_OBJECT, .rows = identify_fields },
	{ .key = "choices", .kind = CS_FIELD_ROWS, .at = AT(m.choices), .n_at = AT(m.n_choices),
	  .rows = list_fields,
	  .size = sizeof(struct cs_choice_list) },
	{ .key = "webhook", .kind = CS_FIELD_OBJECT, .rows = webhook_fields },
	{ .key = "poll", .kind = CS_FIELD_OBJECT, .rows = poll_fields },
	{ .key = "remove", .kind = CS_FIELD_PAIRS, .at = AT(m.removals), .n_at = AT(m.n_removals), .min = 1 },
	{ .key = "links", .kind = CS_FIELD_PAIRS, .at = AT(m.links), .n_at = AT(m.n_links), .min = 1 },
	{ .key = NULL },
};
