/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_manifest.c - any bytes as a manifest, and as a template: no fault of memory, a refusal says why, and what was taken can
 * be used (settings with their defaults, every template expanded).
 *
 * `make fuzz` runs it; make check replays the seeds with replay.c.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include "plugin/manifest/manifest.h"
#include "util/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
must(bool good)
{
	if (!good)
		abort();
}

/* ---- values that are not harmless where they go */

static const char *
odd_setting(void *ctx CS_UNUSED, const char *key)
{
	return strlen(key) % 3 == 0 ? "" : "https://h.example/a?b=c&d=\"e\"\\%00 \xc3\xa9";
}

static const char *
odd_fact(void *ctx CS_UNUSED, const char *name)
{
	return strlen(name) % 2 == 0 ? NULL : "a b/../?&=#${secret:x}";
}

static const char *
odd_secret(void *ctx CS_UNUSED, const char *name)
{
	return strlen(name) % 4 == 0 ? NULL : "s3cret\"\\:+/= &";
}

static const struct cs_lookup lookup = { .setting = odd_setting, .fact = odd_fact, .secret = odd_secret, .id = "42/../1" };

/* ---- templates */

static void
expand(const char *template, enum cs_template_place place, bool checked)
{
	struct cs_buf out = CS_BUF_INIT(1u << 16);
	struct cs_err err = { 0 };
	int rc = cs_template_expand(template, place, &lookup, &out, &err);

	must(rc == 0 || rc == CS_ENOTFOUND || (rc < 0 && err.msg[0] != '\0'));
	must(!checked || rc == 0 || rc == CS_ENOTFOUND || rc == CS_ELIMIT);
	must(strlen(cs_buf_str(&out)) == out.len);
	cs_buf_fini(&out);
}

static void
expand_anywhere(const uint8_t *data, size_t n)
{
	char *text = cs_xstrndup((const char *)data, n);

	for (enum cs_template_place p = CS_IN_HEADER; p <= CS_IN_FORM; p++)
		expand(text, p, false);
	free(text);
}

/* ---- a manifest that was taken */

static void
use(struct cs_manifest *m)
{
	static const enum cs_template_place where[] = { [CS_PLACE_HEADER] = CS_IN_HEADER, [CS_PLACE_QUERY] = CS_IN_QUERY,
		[CS_PLACE_JSON] = CS_IN_JSON, [CS_PLACE_FORM] = CS_IN_FORM };
	json_object *settings = NULL;
	struct cs_err err = { 0 };

	must(m->name != NULL && m->version != NULL && m->json != NULL);
	for (size_t i = 0; i < m->n_places; i++)
		expand(m->places[i].template, where[m->places[i].kind], true);
	for (size_t i = 0; i < m->n_links; i++)
		expand(m->links[i].value, CS_IN_URL, true);
	for (size_t i = 0; i < m->n_hosts; i++)
		expand(m->hosts[i], CS_IN_URL, true);
	if (m->base_url != NULL)
		expand(m->base_url, CS_IN_URL, true);
	for (size_t i = 0; i < m->n_steps; i++)
		must(cs_manifest_step(m, m->steps[i].name) != NULL);
	for (size_t i = 0; i < m->n_limits; i++)
		must(cs_manifest_limit(m, m->limits[i].class) != NULL);
	if (cs_manifest_settings(m, NULL, &settings, &err) < 0)
		must(err.msg[0] != '\0');
	json_object_put(settings);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct cs_manifest *m = NULL;
	struct cs_err err = { 0 };
	int rc = cs_manifest_parse((const char *)data, n, &m, &err);

	must(rc == 0 ? m != NULL : m == NULL && err.msg[0] != '\0');
	if (m != NULL)
		use(m);
	cs_manifest_unref(m);
	expand_anywhere(data, n);
	return 0;
}
