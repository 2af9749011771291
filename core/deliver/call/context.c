/* SPDX-License-Identifier: Apache-2.0 */
/*
 * context.c - building and keeping a connection's context.
 *
 * Settings come in three layers: the manifest's defaults, the operator's app-wide ones (crm.d/NAME.conf), the connection's own.
 * Secrets the same way: app-wide ones from the file, the connection's from the file (static) or sealed in the store (dynamic).
 */
#include "deliver/call/context.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "util/map.h"
#include "util/text.h"

static struct cs_named *
named_put(struct cs_named **v, size_t *n, const char *name, const char *value, size_t len)
{
	struct cs_named *at = NULL;

	for (size_t i = 0; i < *n; i++)
		if (strcmp((*v)[i].name, name) == 0)
			at = &(*v)[i];
	if (at == NULL) {
		*v = cs_xrealloc(*v, (*n + 1) * sizeof(**v));
		at = &(*v)[(*n)++];
		*at = (struct cs_named){ .name = cs_xstrdup(name) };
	} else
		cs_wipe_free(at->value, at->len);
	at->value = cs_xstrndup(value, len);
	at->len = len;
	return at;
}

static void
named_free(struct cs_named *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].name);
		cs_wipe_free(v[i].value, v[i].len);
		cs_wipe_free(v[i].encoded, 0);
	}
	free(v);
}

static const struct cs_named *
named_find(const struct cs_named *v, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i].name, name) == 0)
			return &v[i];
	return NULL;
}

struct cs_context *
cs_context_ref(struct cs_context *c)
{
	c->refs++;
	return c;
}

void
cs_context_unref(struct cs_context *c)
{
	if (c == NULL || --c->refs > 0)
		return;
	named_free(c->facts, c->n_facts);
	named_free(c->secrets, c->n_secrets);
	json_object_put(c->settings);
	json_object_put(c->overrides);
	cs_manifest_unref(c->manifest);
	cs_remote_close(c->remote);
	free(c->fact_pairs);
	free(c->seen_url);
	cs_arena_fini(&c->mem);
	free(c);
}

static void
lay(json_object *on, const json_object *from)
{
	json_object_object_foreach((json_object *)(uintptr_t)from, key, val)
		json_object_object_add(on, key, json_object_get(val));
}

static const struct cs_conf_connection *
static_conf(const struct cs_conf_crm *crm, const char *name)
{
	for (size_t i = 0; crm != NULL && i < crm->n_connections; i++)
		if (strcmp(crm->connections[i].name, name) == 0)
			return &crm->connections[i];
	return NULL;
}

static int
settings_of(struct cs_context *c, const struct cs_conf_crm *crm, const struct cs_conf_connection *sc, const char *stored,
            const struct cs_candidate *candidate, struct cs_err *err)
{
	json_object *given = json_object_new_object(), *own = NULL;
	int rc;

	if (crm != NULL && crm->values.settings != NULL)
		lay(given, crm->values.settings);
	if (sc != NULL)
		lay(given, sc->values.settings);
	else if (stored[0] != '\0' && cs_json_parse(stored, strlen(stored), 16, &own, err) == 0)
		lay(given, own);
	if (candidate != NULL && candidate->settings != NULL)
		lay(given, candidate->settings);
	rc = cs_manifest_settings(c->manifest, given, &c->settings, err);
	json_object_put(own);
	json_object_put(given);
	return rc;
}

/* A setting as the plugin sees it: text as it is, everything else as JSON. */
static void
pairs_of(struct cs_context *c)
{
	c->pairs = cs_arena_alloc(&c->mem, (size_t)json_object_object_length(c->settings) * sizeof(*c->pairs) + 1);
	json_object_object_foreach(c->settings, key, val) {
		const char *text = val == NULL ? "" : json_object_is_type(val, json_type_string) ? json_object_get_string(val)
		                                                                                 : cs_json_text(val);

		c->pairs[c->n_pairs].name = cs_arena_strdup(&c->mem, key);
		c->pairs[c->n_pairs].value.ptr = cs_arena_strdup(&c->mem, text);
		c->pairs[c->n_pairs].value.len = strlen(text);
		c->n_pairs++;
	}
}

/* What a plugin sees: the facts that are known, and the manifest's defaults for those that are not. */
static void
refresh_fact_pairs(struct cs_context *c)
{
	const struct cs_manifest *m = c->manifest;
	size_t n = 0;

	c->fact_pairs = cs_xrealloc(c->fact_pairs, (c->n_facts + m->n_facts + 1) * sizeof(*c->fact_pairs));
	for (size_t i = 0; i < c->n_facts; i++)
		if (c->facts[i].value[0] != '\0')
			c->fact_pairs[n++] = (struct cs_wire_pair){ c->facts[i].name, { c->facts[i].value, c->facts[i].len } };
	for (size_t i = 0; i < m->n_facts; i++) {
		const struct cs_named *known = named_find(c->facts, c->n_facts, m->facts[i].name);

		if (c->fact_defaults[i][0] != '\0' && (known == NULL || known->value[0] == '\0'))
			c->fact_pairs[n++] = (struct cs_wire_pair){ m->facts[i].name, { c->fact_defaults[i], strlen(c->fact_defaults[i]) } };
	}
	c->n_fact_pairs = n;
}

static void
fact_defaults_of(struct cs_context *c)
{
	const struct cs_manifest *m = c->manifest;
	struct cs_lookup lk = cs_context_lookup(c, false);

	c->fact_defaults = cs_arena_alloc(&c->mem, m->n_facts * sizeof(*c->fact_defaults) + 1);
	for (size_t i = 0; i < m->n_facts; i++) {
		CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(4096);

		c->fact_defaults[i] = "";
		if (m->facts[i].dflt != NULL && cs_template_expand(m->facts[i].dflt, CS_IN_HEADER, &lk, &b, NULL) == 0)
			c->fact_defaults[i] = cs_arena_strdup(&c->mem, cs_buf_str(&b));
	}
}

static void
facts_of(struct cs_context *c, const char *json)
{
	json_object *o = NULL;

	if (json[0] == '\0' || cs_json_parse(json, strlen(json), 8, &o, NULL) < 0)
		return;
	json_object_object_foreach(o, key, val) {
		const char *text = json_object_get_string(val);

		if (text != NULL)
			named_put(&c->facts, &c->n_facts, key, text, strlen(text));
	}
	json_object_put(o);
}

static bool
has_secret(void *ctx, const char *name)
{
	const struct cs_named *s = cs_context_secret(ctx, name);

	return s != NULL && s->len > 0;
}

/* With its form in a URL, which every record of an exchange is searched for, too. */
void
cs_context_secret_put(struct cs_context *c, const char *name, const char *value, size_t len)
{
	struct cs_named *at = named_put(&c->secrets, &c->n_secrets, name, value, len);
	struct cs_buf b = CS_BUF_INIT(0);

	cs_wipe_free(at->encoded, 0);
	cs_url_add(&b, value, len);
	at->encoded = b.len != len ? cs_buf_steal(&b, NULL) : NULL;
	cs_wipe(b.ptr, b.cap);
	cs_buf_fini(&b);
	c->way = cs_manifest_way(c->manifest, has_secret, c);
}

static void
secrets_from_conf(struct cs_context *c, const struct cs_conf_values *v)
{
	for (size_t i = 0; i < v->n_secrets; i++)
		if (v->secrets[i].value != NULL)
			cs_context_secret_put(c, v->secrets[i].name, v->secrets[i].value, v->secrets[i].len);
}

static void
secrets_from_store(struct cs_context *c, const struct cs_context_source *src)
{
	const char *names[64];
	char owner[40];
	int n;

	if (src->vault == NULL)
		return;
	snprintf(owner, sizeof(owner), "conn/%lld", (long long)c->conn_id);
	n = src->store->ops->secret_list(src->store, owner, &c->mem, names, CS_ARRAY_LEN(names), NULL);
	for (int i = 0; i < n; i++) {
		struct cs_bytes sealed;
		char *plain;
		size_t len;

		if (src->store->ops->secret_get(src->store, owner, names[i], &c->mem, &sealed, NULL) == 0 &&
		    cs_vault_open_sealed(src->vault, owner, names[i], sealed.ptr, sealed.len, &plain, &len, NULL) == 0) {
			cs_context_secret_put(c, names[i], plain, len);
			cs_wipe_free(plain, len + 1);
		}
	}
}

static int
place_error(struct cs_err *err, const struct cs_conf_connection *sc)
{
	struct cs_err inner = *err;

	if (sc != NULL && sc->at.file != NULL)
		return cs_err_set(err, CS_EINVAL, "%s:%d: connection %s: %.300s", sc->at.file, sc->at.line, sc->name, inner.msg);
	return CS_EINVAL;
}

int
cs_context_new(const struct cs_context_source *src, int64_t conn_id, struct cs_context **out, struct cs_err *err)
{
	struct cs_context *c = cs_xcalloc(1, sizeof(*c));
	const struct cs_conf_connection *sc;
	const struct cs_conf_crm *crm;
	struct cs_conn_row row;
	int rc;

	c->refs = 1;
	cs_arena_init(&c->mem);
	if ((rc = src->store->ops->conn_get(src->store, conn_id, &c->mem, &row, err)) < 0)
		goto fail;
	if ((c->remote = src->remote(src->ctx, row.crm)) == NULL) {
		rc = cs_err_set(err, CS_ENOTFOUND, "no enabled plugin serves the CRM %s", row.crm);
		goto fail;
	}
	cs_remote_ref(c->remote);
	c->manifest = cs_manifest_ref(cs_remote_manifest(c->remote));
	c->way = cs_manifest_way(c->manifest, has_secret, c);
	c->conn_id = conn_id;
	c->version = src->candidate != NULL ? -1 : row.version;
	c->is_static = row.is_static;
	c->is_subscription = (row.subscribe & CS_SUB_BRIDGE) != 0;
	c->state = row.state;
	c->state_since_ms = row.state_since_ms;
	c->crm = cs_arena_strdup(&c->mem, row.crm);
	c->account = cs_arena_strdup(&c->mem, row.account);
	c->crm_account_id = cs_arena_strdup(&c->mem, row.crm_account_id);
	c->public_id = cs_arena_strdup(&c->mem, row.public_id);
	c->label = cs_arena_strdup(&c->mem, row.label[0] != '\0' ? row.label : row.name);
	c->timezone = cs_arena_strdup(&c->mem, row.timezone);
	c->versions = cs_arena_printf(&c->mem, "{\"plugin\":\"%s\",\"settings\":%lld}", c->manifest->version, (long long)c->version);
	crm = cs_conf_crm_find(src->conf, row.crm);
	sc = row.is_static ? static_conf(crm, row.name) : NULL;
	if ((rc = settings_of(c, crm, sc, row.settings, src->candidate, err)) < 0) {
		rc = place_error(err, sc);
		goto fail;
	}
	pairs_of(c);
	fact_defaults_of(c);
	facts_of(c, row.facts);
	refresh_fact_pairs(c);
	if (crm != NULL)
		secrets_from_conf(c, &crm->values);
	if (sc != NULL)
		secrets_from_conf(c, &sc->values);
	if (row.is_static && strcmp(row.name, "csrelay-alerts") == 0) /* its set-up is the options alerts.webhook* */
		cs_context_secret_put(c, "signing_secret", src->conf->alerts.webhook_secret, strlen(src->conf->alerts.webhook_secret));
	secrets_from_store(c, src);
	if (src->candidate != NULL && src->candidate->overrides != NULL)
		c->overrides = json_object_get(src->candidate->overrides);
	else if (row.overrides[0] != '\0')
		cs_json_parse(row.overrides, strlen(row.overrides), 16, &c->overrides, NULL);
	*out = c;
	return 0;
fail:
	cs_context_unref(c);
	return rc;
}

const char *
cs_context_setting(const struct cs_context *c, const char *key)
{
	for (size_t i = 0; i < c->n_pairs; i++)
		if (strcmp(c->pairs[i].name, key) == 0)
			return c->pairs[i].value.ptr;
	return "";
}

const char *
cs_context_fact(const struct cs_context *c, const char *name)
{
	const struct cs_named *f = named_find(c->facts, c->n_facts, name);

	if (f != NULL && f->value[0] != '\0')
		return f->value;
	for (size_t i = 0; i < c->manifest->n_facts; i++)
		if (strcmp(c->manifest->facts[i].name, name) == 0)
			return c->fact_defaults[i];
	return "";
}

bool
cs_context_has_facts(const struct cs_context *c, const char *template)
{
	static const char open[] = "${fact:";

	for (const char *p = template; (p = strstr(p, open)) != NULL; p++) {
		const char *name = p + sizeof(open) - 1, *end = strchr(name, '}');
		CS_CLEANUP(cs_freep) char *key = cs_xstrndup(name, end != NULL ? (size_t)(end - name) : strlen(name));

		if (cs_context_fact(c, key)[0] == '\0')
			return false;
	}
	return true;
}

const struct cs_named *
cs_context_secret(const struct cs_context *c, const char *name)
{
	return named_find(c->secrets, c->n_secrets, name);
}

void
cs_context_fact_put(struct cs_context *c, const char *name, const char *value, size_t len)
{
	named_put(&c->facts, &c->n_facts, name, value, len);
	cs_freep(&c->seen_url); /* a fact may say which hosts are good */
	refresh_fact_pairs(c);
}

static const char *
lookup_setting(void *ctx, const char *key)
{
	return cs_context_setting(ctx, key);
}

static const char *
lookup_fact(void *ctx, const char *name)
{
	return cs_context_fact(ctx, name);
}

static const char *
lookup_secret(void *ctx, const char *name)
{
	const struct cs_named *s = cs_context_secret(ctx, name);

	return s != NULL ? s->value : NULL;
}

struct cs_lookup
cs_context_lookup(struct cs_context *c, bool with_secrets)
{
	return (struct cs_lookup){ .setting = lookup_setting, .fact = lookup_fact,
		.secret = with_secrets ? lookup_secret : NULL, .ctx = c };
}
