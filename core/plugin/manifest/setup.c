/* SPDX-License-Identifier: Apache-2.0 */
/*
 * setup.c - settings and secrets of crm.d files against the manifest.
 *
 * The settings of a connection are the app-wide ones with its own laid on them, as the engine resolves them; a fault is told at
 * the place of the setting where that is known, else at the connection's.
 */
#include "plugin/manifest/setup.h"
#include "plugin/manifest/locate.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "util/nearest.h"

/* The names that a manifest has, for "did you mean". */
static const char *
nearest_setting(const struct cs_manifest *m, const char *word)
{
	const char *names[64];
	size_t n = 0;

	for (size_t i = 0; i < m->n_settings && n < CS_ARRAY_LEN(names); i++)
		names[n++] = m->settings[i].key;
	return cs_nearest(word, names, n);
}

static void
check_names(const struct cs_manifest *m, const struct cs_conf_values *v, struct cs_conf_errors *errs)
{
	for (size_t i = 0; i < v->n_places; i++)
		if (cs_manifest_setting(m, v->places[i].name) == NULL) {
			const char *near = nearest_setting(m, v->places[i].name);

			cs_conf_errors_add(errs, v->places[i].at, v->places[i].name, NULL, "%s has no such setting%s%s%s", m->name,
			    near != NULL ? "; did you mean \"" : "", near != NULL ? near : "", near != NULL ? "\"?" : "");
		}
	for (size_t i = 0; i < v->n_secrets; i++)
		if (cs_manifest_secret(m, v->secrets[i].name) == NULL)
			cs_conf_errors_add(errs, v->secrets[i].at, v->secrets[i].name, NULL, "%s has no such secret", m->name);
}

struct given { /* what the files give to one connection */
	const struct cs_conf_crm *crm;
	const struct cs_conf_connection *c;
};

static bool
has_secret(void *ctx, const char *name)
{
	const struct given *g = ctx;

	return cs_conf_secret_find(&g->c->values, name) != NULL || cs_conf_secret_find(&g->crm->values, name) != NULL;
}

/* Of a list of ways one must be there whole, unless a person can sign in later. */
static void
check_ways(const struct cs_manifest *m, struct given *g, struct cs_conf_errors *errs)
{
	const struct cs_auth_way *w = cs_manifest_way(m, has_secret, g);

	if (cs_manifest_way_named(m, NULL) != NULL)
		return;
	for (size_t i = 0; i < w->n_secrets; i++)
		if (!has_secret(g, w->secrets[i]))
			cs_conf_errors_add(errs, g->c->at, NULL, NULL, "connection %s needs the secret %s", g->c->name, w->secrets[i]);
}

static void
check_secrets(const struct cs_manifest *m, const struct cs_conf_crm *crm, const struct cs_conf_connection *c,
              struct cs_conf_errors *errs)
{
	struct given g = { crm, c };

	for (size_t i = 0; i < m->n_secrets; i++)
		if (m->secrets[i].required && !has_secret(&g, m->secrets[i].name))
			cs_conf_errors_add(errs, c->at, NULL, NULL, "connection %s needs the secret %s", c->name, m->secrets[i].name);
	check_ways(m, &g, errs);
}

static void
lay(json_object *on, const json_object *from)
{
	json_object_object_foreach((json_object *)(uintptr_t)from, key, val)
		json_object_object_add(on, key, val != NULL ? json_tokener_parse(cs_json_text(val)) : NULL);
}

static void
check_connection(const struct cs_manifest *m, const struct cs_conf_crm *crm, const struct cs_conf_connection *c,
                 struct cs_conf_errors *errs)
{
	json_object *given = json_object_new_object(), *full = NULL;
	size_t before = errs->n;
	struct cs_err err;

	check_names(m, &c->values, errs);
	check_secrets(m, crm, c, errs);
	lay(given, crm->values.settings);
	lay(given, c->values.settings);
	if (errs->n == before && cs_manifest_settings(m, given, &full, &err) < 0)
		cs_conf_errors_add(errs, c->at, NULL, err.hint[0] != '\0' ? err.hint : NULL, "connection %s: %s", c->name, err.msg);
	json_object_put(full);
	json_object_put(given);
}

size_t
cs_setup_check(const struct cs_conf *conf, struct cs_conf_errors *errs)
{
	size_t before = errs->n;

	for (size_t i = 0; i < conf->n_crms; i++) {
		const struct cs_conf_crm *crm = &conf->crms[i];
		CS_CLEANUP(cs_freep) char *file = cs_xasprintf("%s.json", crm->name), *path = NULL;
		struct cs_manifest *m = NULL;
		struct cs_err err;

		if (!crm->enabled)
			continue;
		path = cs_plugin_locate(conf->plugins.dir, crm->name, file);
		if (path == NULL || cs_manifest_read(path, &m, &err) < 0) {
			cs_conf_errors_add(errs, crm->at, NULL, NULL, path == NULL ? "no plugin %s in plugins.dir (%s)" : "plugin %s: %s",
			    crm->name, path == NULL ? conf->plugins.dir : err.msg);
			continue;
		}
		check_names(m, &crm->values, errs);
		for (size_t k = 0; k < crm->n_connections; k++)
			check_connection(m, crm, &crm->connections[k], errs);
		cs_manifest_unref(m);
	}
	return errs->n - before;
}
