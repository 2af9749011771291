/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lookup.c - the rows of a manifest by their names.
 */
#include "config.h"
#include "plugin/manifest/manifest.h"

#include <string.h>

const struct cs_step_row *
cs_manifest_step(const struct cs_manifest *m, const char *name)
{
	for (size_t i = 0; i < m->n_steps; i++)
		if (strcmp(m->steps[i].name, name) == 0)
			return &m->steps[i];
	return NULL;
}

const struct cs_limit_row *
cs_manifest_limit(const struct cs_manifest *m, const char *class)
{
	for (size_t i = 0; i < m->n_limits; i++)
		if (class == NULL || strcmp(m->limits[i].class, class) == 0)
			return &m->limits[i];
	return NULL;
}

const struct cs_secret_row *
cs_manifest_secret(const struct cs_manifest *m, const char *name)
{
	for (size_t i = 0; i < m->n_secrets; i++)
		if (strcmp(m->secrets[i].name, name) == 0)
			return &m->secrets[i];
	return NULL;
}

const struct cs_setting_row *
cs_manifest_setting(const struct cs_manifest *m, const char *key)
{
	for (size_t i = 0; i < m->n_settings; i++)
		if (strcmp(m->settings[i].key, key) == 0)
			return &m->settings[i];
	return NULL;
}

bool
cs_manifest_signs_in(const struct cs_manifest *m)
{
	for (size_t i = 0; i < m->n_ways; i++)
		if (m->ways[i].kind == CS_AUTH_OAUTH2)
			return true;
	return false;
}

bool
cs_manifest_renews(const struct cs_manifest *m)
{
	for (size_t i = 0; i < m->n_ways; i++)
		if (m->ways[i].by_plugin)
			return true;
	return false;
}

static bool
way_fits(const struct cs_auth_way *w, bool (*has)(void *ctx, const char *secret), void *ctx)
{
	size_t n = 0;

	if (w->n_secrets == 0 && w->kind == CS_AUTH_OAUTH2 && w->grant == CS_GRANT_CODE)
		return has(ctx, w->refresh_token) || has(ctx, w->access_token);
	while (n < w->n_secrets && has(ctx, w->secrets[n]))
		n++;
	return n > 0 && n == w->n_secrets;
}

const struct cs_auth_way *
cs_manifest_way(const struct cs_manifest *m, bool (*has)(void *ctx, const char *secret), void *ctx)
{
	for (size_t i = 0; i < m->n_ways; i++)
		if (way_fits(&m->ways[i], has, ctx))
			return &m->ways[i];
	for (size_t i = 0; i < m->n_ways; i++)
		if (m->ways[i].kind == CS_AUTH_OAUTH2)
			return &m->ways[i];
	return &m->ways[0];
}

const struct cs_auth_way *
cs_manifest_way_named(const struct cs_manifest *m, const char *name)
{
	for (size_t i = 0; i < m->n_ways; i++) {
		const struct cs_auth_way *w = &m->ways[i];

		if (name != NULL ? strcmp(w->name, name) == 0 : w->kind == CS_AUTH_OAUTH2 && w->grant == CS_GRANT_CODE)
			return w;
	}
	return NULL;
}

int
cs_manifest_status(const struct cs_manifest *m, int status)
{
	for (size_t i = 0; i < m->n_statuses; i++)
		if (m->statuses[i].status == status)
			return m->statuses[i].outcome;
	return -1;
}
