/* SPDX-License-Identifier: Apache-2.0 */
/*
 * draft.c - a table of members, and what each may be.
 */
#include "config.h"
#include "api/conn/draft.h"

#include <stdio.h>
#include <string.h>
#include "lead/zone.h"
#include "util/nearest.h"
#include "util/text.h"

#define CONTACTS_MAX 10
#define TEXT_MAX 128
#define SECRET_MAX ((size_t)16 << 10)
#define OVERRIDES_MAX ((size_t)64 << 10)
#define SETTINGS_MAX ((size_t)64 << 10)

void
cs_conn_draft_fault(struct cs_conn_draft *d, const char *pointer, const char *fmt, ...)
{
	char text[600];
	va_list ap;

	if (d->n_faults == CS_DRAFT_FAULTS)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	d->faults[d->n_faults++] = (struct cs_problem_row){ cs_arena_strdup(d->mem, pointer), cs_arena_strdup(d->mem, text) };
}

/* A key as a part of a pointer. */
static const char *
below(struct cs_conn_draft *d, const char *member, const char *key)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(400);

	cs_buf_printf(&b, "/%s/", member);
	for (const char *p = key; *p != '\0'; p++)
		if (*p == '~' || *p == '/')
			cs_buf_adds(&b, *p == '~' ? "~0" : "~1");
		else
			cs_buf_addc(&b, *p);
	return cs_arena_strdup(d->mem, cs_buf_str(&b));
}

/* ---- members */

struct member;
typedef void (*read_fn)(struct cs_conn_draft *d, const struct member *m, json_object *v);
struct member {
	const char *name;
	bool fixed; /* for the life of the connection */
	size_t at;  /* of a text */
	read_fn read;
};

static const char *
text_of(struct cs_conn_draft *d, const struct member *m, json_object *v, size_t max)
{
	const char *text = json_object_is_type(v, json_type_string) ? json_object_get_string(v) : v == NULL ? "" : NULL;

	if (text != NULL && strlen(text) <= max && strlen(text) == (v == NULL ? 0 : (size_t)json_object_get_string_len(v)))
		return cs_arena_strdup(d->mem, text);
	cs_conn_draft_fault(d, cs_arena_printf(d->mem, "/%s", m->name), "must be text of at most %zu bytes", max);
	return NULL;
}

static void
put_text(struct cs_conn_draft *d, const struct member *m, const char *text)
{
	*(const char **)(void *)((char *)d + m->at) = text;
}

static void
read_text(struct cs_conn_draft *d, const struct member *m, json_object *v)
{
	put_text(d, m, text_of(d, m, v, TEXT_MAX));
}

static void
read_account(struct cs_conn_draft *d, const struct member *m, json_object *v)
{
	const char *text = text_of(d, m, v, TEXT_MAX);

	if (text != NULL && strcmp(text, "*") != 0 && !cs_is_ident(text, TEXT_MAX, "_.:-"))
		cs_conn_draft_fault(d, "/account", "must be 1 to 128 of A-Z a-z 0-9 _ . : -, or \"*\" for all accounts");
	put_text(d, m, text);
}

static void
read_zone(struct cs_conn_draft *d, const struct member *m, json_object *v)
{
	const char *text = text_of(d, m, v, 64);
	int64_t utc_ms;

	if (text != NULL && text[0] != '\0' && cs_zone_to_utc(text, 0, &utc_ms) < 0)
		cs_conn_draft_fault(d, "/timezone", "must be a name of the time zone database such as America/New_York");
	put_text(d, m, text);
}

static void
read_subscribe(struct cs_conn_draft *d, const struct member *m, json_object *v)
{
	(void)m;
	d->subscribe = 0;
	for (size_t i = 0; json_object_is_type(v, json_type_array) && i < json_object_array_length(v); i++) {
		json_object *o = json_object_array_get_idx(v, i);
		uint32_t bit = json_object_is_type(o, json_type_string) ? cs_subscription(json_object_get_string(o)) : 0;

		d->subscribe = bit != 0 ? d->subscribe | bit : UINT32_MAX;
		if (bit == 0)
			break;
	}
	if (d->subscribe == 0 || d->subscribe == UINT32_MAX)
		cs_conn_draft_fault(d, "/subscribe", "must be an array of routed, all, unqualified, events, alerts");
}

static void
read_contacts(struct cs_conn_draft *d, const struct member *m, json_object *v)
{
	bool good = v == NULL || (json_object_is_type(v, json_type_array) && json_object_array_length(v) <= CONTACTS_MAX);

	(void)m;
	for (size_t i = 0; good && v != NULL && i < json_object_array_length(v); i++) {
		json_object *o = json_object_array_get_idx(v, i);

		good = json_object_is_type(o, json_type_string) && cs_is_mail_address(json_object_get_string(o));
	}
	if (!good)
		cs_conn_draft_fault(d, "/contacts", "must be an array of at most %d mail addresses", CONTACTS_MAX);
	else
		d->contacts = v != NULL ? cs_arena_strdup(d->mem, cs_json_text(v)) : "";
}

static void
read_overrides(struct cs_conn_draft *d, const struct member *m, json_object *v)
{
	const char *text = v != NULL ? cs_json_text(v) : "";

	(void)m;
	if (v != NULL && (!json_object_is_type(v, json_type_object) || strlen(text) > OVERRIDES_MAX))
		cs_conn_draft_fault(d, "/overrides", "must be an object, a JSON merge patch for the plugin's document, of at most %zu bytes",
		                    OVERRIDES_MAX);
	d->overrides = cs_arena_strdup(d->mem, strcmp(text, "{}") == 0 ? "" : text);
}

static void
read_settings(struct cs_conn_draft *d, const struct member *m, json_object *v)
{
	(void)m;
	if (!json_object_is_type(v, json_type_object) || strlen(cs_json_text(v)) > SETTINGS_MAX)
		cs_conn_draft_fault(d, "/settings", "must be an object of settings; `GET /v1/plugins` says which there are");
	else
		d->settings = v;
}

static void
read_secrets(struct cs_conn_draft *d, const struct member *m, json_object *v)
{
	(void)m;
	if (!json_object_is_type(v, json_type_object)) {
		cs_conn_draft_fault(d, "/secrets", "must be an object of texts, null to forget one");
		return;
	}
	d->secrets = v;
	json_object_object_foreach(v, key, secret) {
		int n = json_object_is_type(secret, json_type_string) ? json_object_get_string_len(secret) : 0;

		if (secret != NULL && (n == 0 || (size_t)n > SECRET_MAX))
			cs_conn_draft_fault(d, below(d, "secrets", key), "must be text of 1 to %zu bytes, or null to forget it", SECRET_MAX);
	}
}

#define TEXT_AT(member) offsetof(struct cs_conn_draft, member)
static const struct member members[] = {
	{ "crm", true, TEXT_AT(crm), read_text },
	{ "account", true, TEXT_AT(account), read_account },
	{ "label", false, TEXT_AT(label), read_text },
	{ "crm_account_id", false, TEXT_AT(crm_account_id), read_text },
	{ "settings", false, 0, read_settings },
	{ "secrets", false, 0, read_secrets },
	{ "overrides", false, 0, read_overrides },
	{ "timezone", false, TEXT_AT(timezone), read_zone },
	{ "subscribe", false, 0, read_subscribe },
	{ "contacts", false, 0, read_contacts },
};

static const struct member *
find_member(struct cs_conn_draft *d, const char *key, bool makes)
{
	const char *names[CS_ARRAY_LEN(members)], *near;
	const char *pointer = cs_arena_printf(d->mem, "/%.100s", key);

	for (size_t i = 0; i < CS_ARRAY_LEN(members); i++) {
		names[i] = members[i].name;
		if (strcmp(key, members[i].name) != 0)
			continue;
		if (makes || !members[i].fixed)
			return &members[i];
		cs_conn_draft_fault(d, pointer, "cannot be changed: make another connection");
		return NULL;
	}
	near = cs_nearest(key, names, CS_ARRAY_LEN(members));
	cs_conn_draft_fault(d, pointer, "is not known%s%s%s", near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
	                    near != NULL ? "\"?" : "");
	return NULL;
}

bool
cs_conn_draft_read(struct cs_conn_draft *d, json_object *body, bool makes, struct cs_arena *mem)
{
	*d = (struct cs_conn_draft){ .mem = mem };
	json_object_object_foreach(body, key, v) {
		const struct member *m = find_member(d, key, makes);

		if (m != NULL)
			m->read(d, m, v);
	}
	if (makes && (d->crm == NULL || d->crm[0] == '\0') && cs_json_get(body, "crm") == NULL)
		cs_conn_draft_fault(d, "/crm", "is required: the name of a plugin");
	if (makes && d->account == NULL && cs_json_get(body, "account") == NULL)
		cs_conn_draft_fault(d, "/account", "is required: the CallSetter account it belongs to");
	return d->n_faults == 0;
}

/* ---- against the manifest */

json_object *
cs_conn_draft_settings(const struct cs_conn_draft *d, const char *own)
{
	json_object *all = NULL;

	if (own[0] == '\0' || cs_json_parse(own, strlen(own), 16, &all, NULL) < 0 || !json_object_is_type(all, json_type_object)) {
		json_object_put(all);
		all = json_object_new_object();
	}
	if (d->settings == NULL)
		return all;
	json_object_object_foreach(d->settings, key, v) {
		if (v == NULL)
			json_object_object_del(all, key);
		else
			json_object_object_add(all, key, json_object_get(v));
	}
	return all;
}

static void
tell_setting(void *ctx, const char *key, const char *detail)
{
	struct cs_conn_draft *d = ctx;

	cs_conn_draft_fault(d, below(d, "settings", key), "%s", detail);
}

static void
check_secret_names(struct cs_conn_draft *d, const struct cs_manifest *m)
{
	const char *names[64], *near;
	size_t n = 0;

	for (; n < m->n_secrets && n < CS_ARRAY_LEN(names); n++)
		names[n] = m->secrets[n].name;
	json_object_object_foreach(d->secrets, key, v) {
		(void)v;
		if (cs_manifest_secret(m, key) != NULL)
			continue;
		near = cs_nearest(key, names, n);
		cs_conn_draft_fault(d, below(d, "secrets", key), "%s has no such secret%s%s%s", m->name,
		                    near != NULL ? "; did you mean \"" : "", near != NULL ? near : "", near != NULL ? "\"?" : "");
	}
}

void
cs_conn_draft_check(struct cs_conn_draft *d, const struct cs_manifest *m, const struct cs_conf_crm *shared, json_object *settings, bool makes)
{
	cs_manifest_settings_faults(m, shared != NULL ? shared->values.settings : NULL, settings, tell_setting, d);
	if (d->secrets != NULL)
		check_secret_names(d, m);
	for (size_t i = 0; makes && !cs_manifest_signs_in(m) && i < m->n_secrets; i++) {
		const char *name = m->secrets[i].name;

		if (m->secrets[i].required && (d->secrets == NULL || cs_json_get(d->secrets, name) == NULL) &&
		    (shared == NULL || cs_conf_secret_find(&shared->values, name) == NULL))
			cs_conn_draft_fault(d, below(d, "secrets", name), "is required (%s)", m->secrets[i].label);
	}
}

void
cs_conn_draft_keep_addresses(struct cs_conn_draft *d, const struct cs_manifest *m, const struct cs_auth *who)
{
	if (who->accounts[0] == '\0' || d->settings == NULL)
		return;
	for (size_t i = 0; i < m->n_settings; i++) {
		const struct cs_setting_row *row = &m->settings[i];

		if (row->advanced && row->type == CS_SETTING_URL && cs_json_get(d->settings, row->key) != NULL)
			cs_conn_draft_fault(d, below(d, "settings", row->key), "is for the operator to change: secrets of the whole app go to this address");
	}
}

void
cs_conn_draft_refuse(struct cs_http_request *req, const struct cs_conn_draft *d)
{
	const struct cs_problem p = { .status = 422, .detail = "the connection cannot be like this", .rows = d->faults, .n_rows = d->n_faults };

	cs_http_reply_problem(req, &p, 0);
}
