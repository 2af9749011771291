/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf.c - life and death of a struct cs_conf.
 *
 * Texts and arrays lie in its arena. Secrets lie in blocks of their own, since an arena cannot wipe: they are overwritten
 * when the last reader lets go, which after a reload may be a while after the new configuration took over.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "conf/conf.h"
#include "conf/options.h"

struct cs_conf_held {
	struct cs_conf_held *next;
	size_t len;
	char text[];
};

struct cs_conf *
cs_conf_new(const char *file)
{
	struct cs_conf *conf = cs_xcalloc(1, sizeof(*conf));

	cs_arena_init(&conf->mem);
	conf->file = cs_arena_strdup(&conf->mem, file);
	atomic_init(&conf->refs, 1);
	return conf;
}

const char *
cs_conf_hold_secret(struct cs_conf *conf, const char *s, size_t n)
{
	struct cs_conf_held *h = cs_xmalloc(sizeof(*h) + n + 1);

	h->len = n;
	memcpy(h->text, s, n);
	h->text[n] = '\0';
	h->next = conf->held;
	conf->held = h;
	return h->text;
}

struct cs_conf *
cs_conf_ref(struct cs_conf *conf)
{
	atomic_fetch_add(&conf->refs, 1);
	return conf;
}

static void
crm_fini(struct cs_conf_crm *crm)
{
	for (size_t i = 0; i < crm->n_connections; i++) {
		json_object_put(crm->connections[i].values.settings);
		json_object_put(crm->connections[i].overrides);
	}
	json_object_put(crm->values.settings);
}

void
cs_conf_unref(struct cs_conf *conf)
{
	if (conf == NULL || atomic_fetch_sub(&conf->refs, 1) > 1)
		return;
	for (size_t i = 0; i < conf->n_crms; i++)
		crm_fini(&conf->crms[i]);
	for (struct cs_conf_held *h = conf->held, *next; h != NULL; h = next) {
		next = h->next;
		cs_wipe_free(h, sizeof(*h) + h->len);
	}
	cs_arena_fini(&conf->mem);
	free(conf);
}

const struct cs_conf_crm *
cs_conf_crm_find(const struct cs_conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->n_crms; i++)
		if (strcmp(conf->crms[i].name, name) == 0)
			return &conf->crms[i];
	return NULL;
}

struct cs_conf_place
cs_conf_setting_place(const struct cs_conf_values *v, const char *name, struct cs_conf_place otherwise)
{
	for (size_t i = 0; i < v->n_places; i++)
		if (strcmp(v->places[i].name, name) == 0)
			return v->places[i].at;
	return otherwise;
}

const struct cs_conf_secret *
cs_conf_secret_find(const struct cs_conf_values *v, const char *name)
{
	for (size_t i = 0; i < v->n_secrets; i++)
		if (strcmp(v->secrets[i].name, name) == 0)
			return &v->secrets[i];
	return NULL;
}

struct cs_conf_place
cs_conf_option_place(const struct cs_conf *conf, const char *key)
{
	const struct cs_opt *o = cs_opt_find(key);

	return o != NULL ? conf->places[cs_opt_index(o)] : (struct cs_conf_place){ 0 };
}
