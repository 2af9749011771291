/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest.h - NAME.json: everything about a plugin that is data, read without running any of its code.
 *
 * One struct, immutable after cs_manifest_read, shared by reference. JSON Schema: sdk/schema/manifest.schema.json. The reader
 * refuses what the schema refuses, plus what a schema cannot say (a step that names no limit class, a template with an
 * unknown name); unknown keys are refused too, except below "x-".
 *
 *   {
 *     "manifest": 1, "name": "hubspot", "version": "0.1.0", "title": "HubSpot", "logo": "hubspot.svg",
 *     "plans": "Any plan, Free too.", "experimental": false,
 *     "setup":    [ { "text": "In HubSpot open Settings > Integrations ...", "link": "https://..." } ],
 *     "base_url": "${setting:base_url}",
 *     "hosts":    [ "${setting:base_url}", "api.hubapi.com", "*.example.com" ],
 *     "settings": [ { "key": "base_url", "type": "url", "label": "...", "help": "...", "default": "https://api.hubapi.com",
 *                     "required": true, "advanced": true, "pattern": "...", "choices": [{"value":"..","label":".."}],
 *                     "choices_from": "owners", "depends_on": "pipeline", "columns": {...} } ],
 *     "facts":    [ { "name": "hub_id", "label": "HubSpot account", "default": "${setting:...}" } ],
 *     "secrets":  [ { "name": "access_token", "label": "Access token", "required": true, "hosts": ["..."] } ],
 *     "request":  { "headers": { "Authorization": "Bearer ${secret:access_token}" }, "query": {...}, "json": {"/auth_secret":
 *                   "${secret:api_secret}"}, "form": {...} },
 *     "sign":     { "kind": "standard-webhooks", "secrets": ["signing_secret", "signing_secret_old"], "setting": "sign" },
 *     "auth":     { "kind": "static" | "oauth2", ... } or a list of such ways; see auth.h,
 *     "limits":   [ { "class": "api", "per": "connection" | "crm" | "fact:hub_id" | "setting:x", "count": 110, "window_ms": 10000,
 *                     "burst": 20 } ],
 *     "steps":    [ { "name": "find" }, { "name": "contact", "mutates": true, "on_doubt": "look", "lookup_lag_ms": 30000,
 *                     "per_caller": true, "label": "Create the contact" } ],
 *     "status":   { "423": "wait", "477": "wait", "400": "retry" },           outcomes of statuses beside the usual
 *     "retry_after": { "header": "retry-after", "unit": "s" },
 *     "identify": { "step": "identify", "path": "/account-info/2026-03/details", "id": "/portalId", "name": "/hub_domain",
 *                   "facts": { "hub_id": "/portalId", "timezone": "/timeZone" },
 *                   "errors": [ { "status": 403, "pointer": "/message", "contains": "plan", "kind": "no_api_access" | "bad_key" |
 *                   "missing_right", "text": "This plan has no API access." } ] },
 *     "choices":  [ { "list": "owners", "path": "/crm/owners/2026-03?limit=100", "items": "/results", "value": "/id",
 *                     "label": "/email", "next": "/paging/next/after", "next_param": "after", "filter_param": "q" } ],
 *     "webhook":  { "scope": "app" | "connection", "verify": { "kind": "hmac-sha256", "secret": "client_secret", "header": "X-Sig",
 *                   "prefix": "", "encoding": "base64" | "hex", "key_decoding": "raw" | "base64" | "hex",
 *                   "signed": ["method","url","body","timestamp"], "separator": ".", "timestamp_header": "...", "timestamp_unit": "s" | "ms",
 *                   "tolerance_s": 300 }, "events": "" (pointer to the array; absent: one event), "tenant": "/portalId",
 *                   "tenant_fact": "hub_id", "dedupe": ["/subscriptionId","/objectId"], "reply": { "status": 200, "body": "" },
 *                   "challenge": { "method": "GET", "query": "hub.challenge", "pointer": "/challenge", "reply": "echo" | "json" } },
 *     "poll":     { "every_ms": 300000 },
 *     "remove":   { "contact": "/crm/objects/contacts/${id}" },
 *     "links":    { "contact": "https://app.hubspot.com/contacts/${fact:hub_id}/record/0-1/${id}" }
 *   }
 *
 * Templates: ${setting:KEY}, ${fact:NAME} and ${secret:NAME} are expanded only in constant strings of the manifest, never in
 * what a lead or plugin says. An absent setting or fact expands to nothing; a header or parameter whose template came out
 * empty is left out. A secret's encoding follows from its place (json: JSON string body, query and path: percent, form: form,
 * ${secret:NAME:basic} and ${basic:USER_SECRET:PASS_SECRET}: Basic credentials).
 */
#ifndef CS_PLUGIN_MANIFEST_H
#define CS_PLUGIN_MANIFEST_H

#include <stdint.h>
#include <stdbool.h>
#include "plugin/manifest/auth.h"
#include "util/err.h"
#include "util/json.h"
#include "util/mem.h"

enum cs_setting_type {
	CS_SETTING_TEXT, CS_SETTING_URL, CS_SETTING_INT, CS_SETTING_NUMBER, CS_SETTING_BOOL, CS_SETTING_CHOICE, CS_SETTING_LIST,
	CS_SETTING_MAP, CS_SETTING_FIELDMAP,
};
struct cs_choice {
	const char *value, *label;
};
struct cs_setting_row {
	const char *key, *label, *help, *pattern, *choices_from, *depends_on;
	enum cs_setting_type type;
	json_object *dflt; /* NULL: none */
	bool required, advanced;
	double min, max;   /* of int and number; min > max: no bounds */
	struct cs_choice *choices;
	size_t n_choices;
};
struct cs_fact_row {
	const char *name, *label;
	const char *dflt;  /* template over settings, good as long as nothing was learnt; NULL: none */
};
struct cs_secret_row {
	const char *name, *label, *help;
	bool required;
	const char **hosts; /* patterns; empty: all hosts of the manifest */
	size_t n_hosts;
};
struct cs_place { /* one constant that is added to every request */
	enum { CS_PLACE_HEADER, CS_PLACE_QUERY, CS_PLACE_JSON, CS_PLACE_FORM } kind;
	const char *name;     /* header or parameter name, or JSON pointer */
	const char *template;
	const struct cs_auth_way *way; /* only for connections that use it; NULL: for all */
};
struct cs_sign_row { /* webhook-signature on the plugin's requests: see auth/signature.h */
	const char **secrets; /* the first must be there, each other one that is there signs, too; none: requests are not signed */
	size_t n_secrets;
	const char *setting;  /* a bool: off, and nothing is signed; NULL: always */
};
struct cs_limit_row {
	const char *class; /* "api" */
	const char *per;   /* connection, crm, fact:NAME, setting:KEY */
	int64_t count, window_ms, burst;
	bool every;        /* each request counts one in it, beside the class that it names */
};
enum cs_on_doubt { CS_DOUBT_LOOK, CS_DOUBT_REPEAT, CS_DOUBT_ASK };
struct cs_step_row {
	const char *name, *label;
	bool mutates, per_caller;
	enum cs_on_doubt on_doubt;
	int64_t lookup_lag_ms;
};
struct cs_status_row {
	int status;
	int32_t outcome; /* CS_DONE: the plugin judges */
};
enum cs_told_kind { CS_TOLD_NO_API_ACCESS, CS_TOLD_BAD_KEY, CS_TOLD_MISSING_RIGHT };
struct cs_told_row { /* what an answer that is no success says about the connection; the first row that fits */
	int status;
	const char *pointer, *contains; /* the text at the pointer holds this, whatever its case; pointer NULL: the body as it is.
	                               * contains NULL: the status alone decides */
	enum cs_told_kind kind;
	const char *text;             /* for the owner */
};
struct cs_identify_row {
	const char *path, *id, *name; /* path NULL: the plugin is asked */
	struct cs_told_row *errors;
	size_t n_errors;
	struct cs_pair *facts;        /* name: fact, value: pointer */
	size_t n_facts;
};
struct cs_choice_list {
	const char *list, *path, *items, *value, *label, *next, *next_param;
	const char *filter_param; /* query parameter by which the CRM itself filters; NULL: it is done here */
};
enum cs_verify_kind {
	CS_VERIFY_NONE, CS_VERIFY_HMAC_SHA256, CS_VERIFY_HMAC_SHA1, CS_VERIFY_SHA256_PREFIX, CS_VERIFY_ED25519, CS_VERIFY_JWT_HS256,
	CS_VERIFY_BASIC, CS_VERIFY_BODY_TOKEN, CS_VERIFY_URL_TOKEN, CS_VERIFY_HEADER_TOKEN,
};
struct cs_verify_row {
	enum cs_verify_kind kind;
	bool optional;             /* without the secret a message is a hint, as of kind none */
	const char *secret, *header, *prefix, *separator, *timestamp_header, *pointer, *public_key;
	enum { CS_ENCODING_HEX, CS_ENCODING_BASE64, CS_ENCODING_EITHER } encoding;
	const char *header_from, *encoding_from; /* settings of the whole CRM that overrule; may be NULL */
	enum { CS_KEY_RAW, CS_KEY_BASE64, CS_KEY_HEX } key_decoding;
	const char **signed_parts; /* secret method url path body timestamp, in order */
	size_t n_signed;
	int64_t timestamp_unit_ms; /* 1 or 1000 */
	int64_t tolerance_ms;      /* 0: no timestamp check */
};
struct cs_webhook_row {
	bool app_scope;
	struct cs_verify_row verify;
	const char *events;                   /* pointer to the array; NULL: the body is one event */
	const char *tenant, *tenant_also, *tenant_fact;
	const char *tenant_from;              /* setting of the whole CRM that overrules tenant; may be NULL */
	enum { CS_TENANT_TEXT, CS_TENANT_NUMBER } tenant_form;
	const char *ends, **ends_values;      /* pointer, and the values there that end the connection; NULL: none do */
	size_t n_ends_values;
	const char *ends_at;                  /* pointer to when; NULL: when it came */
	const char **dedupe;
	size_t n_dedupe;
	int reply_status;
	const char *reply_body, *reply_type;
	int64_t subscribe_every_ms;           /* registered by API, and looked after so often; 0: set up by hand */
	const char *challenge_query, *challenge_pointer; /* NULL: none; the value is echoed as text or, for a pointer, as JSON */
};

struct cs_manifest {
	_Atomic int refs;
	struct cs_arena mem; /* all texts */
	json_object *json;   /* as read, for the wizard and CLI */
	const char *name, *version, *title, *plans, *base_url;
	bool experimental;
	const char **hosts;
	size_t n_hosts;
	struct cs_setting_row *settings;
	size_t n_settings;
	struct cs_fact_row *facts;
	size_t n_facts;
	struct cs_secret_row *secrets;
	size_t n_secrets;
	struct cs_place *places;
	size_t n_places;
	struct cs_sign_row sign;
	struct cs_auth_way *ways; /* at least one: without "auth" it is static */
	size_t n_ways;
	struct cs_limit_row *limits;
	size_t n_limits;
	struct cs_step_row *steps;
	size_t n_steps;
	struct cs_status_row *statuses;
	size_t n_statuses;
	const char *retry_after_header;
	int64_t retry_after_unit_ms;
	struct cs_identify_row identify;
	struct cs_choice_list *choices;
	size_t n_choices;
	bool has_webhook;
	struct cs_webhook_row webhook;
	int64_t poll_every_ms; /* 0: no polling */
	struct cs_pair *removals; /* name: record type, value: template with ${id}: DELETE there removes what a test lead left */
	size_t n_removals;
	struct cs_pair *links; /* name: record type, value: URL template with ${id}, ${fact:..}, ${setting:..} */
	size_t n_links;
};

/* Read and check. The first fault is named with its JSON pointer and, for a file, the path. */
int cs_manifest_parse(const char *json, size_t n, struct cs_manifest **out, struct cs_err *err);
int cs_manifest_read(const char *path, struct cs_manifest **out, struct cs_err *err);
struct cs_manifest *cs_manifest_ref(struct cs_manifest *m);
void cs_manifest_unref(struct cs_manifest *m);

const struct cs_step_row *cs_manifest_step(const struct cs_manifest *m, const char *name);   /* NULL: no such row */
const struct cs_limit_row *cs_manifest_limit(const struct cs_manifest *m, const char *class); /* NULL class: the first */
const struct cs_secret_row *cs_manifest_secret(const struct cs_manifest *m, const char *name);
const struct cs_setting_row *cs_manifest_setting(const struct cs_manifest *m, const char *key);
/* The encoding of signatures of that name; -1: there is none. */
int cs_manifest_encoding(const char *word);
/* Is there a way that gets its secrets by signing in? */
bool cs_manifest_signs_in(const struct cs_manifest *m);
/* The way that a connection uses which has the secrets that has() knows. Never NULL. */
const struct cs_auth_way *cs_manifest_way(const struct cs_manifest *m, bool (*has)(void *ctx, const char *secret), void *ctx);
/* By name; NULL name: the first that signs in with a browser. NULL when there is none. */
bool cs_manifest_renews(const struct cs_manifest *m); /* does some way need the plugin's auth_refresh? */
const struct cs_auth_way *cs_manifest_way_named(const struct cs_manifest *m, const char *name);
/* The manifest's word on a status, or -1 when it has none. */
int cs_manifest_status(const struct cs_manifest *m, int status);

/*
 * Check a connection's settings (JSON object or NULL) against the rows and lay the defaults under them: *out is a new
 * object with every known key. On error err names the setting and what is allowed.
 */
int cs_manifest_settings(const struct cs_manifest *m, const json_object *given, json_object **out, struct cs_err *err);

/*
 * Every fault of the settings `own` of a connection, where `shared` (may be NULL) are the operator's for all of its CRM: told with the
 * key and what is allowed, never with a value. Returns how many.
 */
size_t cs_manifest_settings_faults(const struct cs_manifest *m, json_object *shared, json_object *own,
                                   void (*tell)(void *ctx, const char *key, const char *detail), void *ctx);

/* How a template's names are looked up; each may return NULL or "" for nothing. Memory is the callee's. */
struct cs_lookup {
	const char *(*setting)(void *ctx, const char *key);
	const char *(*fact)(void *ctx, const char *name);
	const char *(*secret)(void *ctx, const char *name); /* NULL member: secrets are refused here */
	void *ctx;
	const char *id; /* of ${id}; NULL: refused */
};
enum cs_template_place { CS_IN_HEADER, CS_IN_URL, CS_IN_QUERY, CS_IN_JSON, CS_IN_FORM };
/*
 * Expand into out. Returns 0; CS_ENOTFOUND when every name in it came out empty (leave the whole constant out);
 * CS_EINVAL for an unknown name. Values of settings in CS_IN_URL are inserted as they are (base_url), the others encoded
 * for their place.
 */
int cs_template_expand(const char *template, enum cs_template_place place, const struct cs_lookup *lk, struct cs_buf *out,
                       struct cs_err *err);

#endif
