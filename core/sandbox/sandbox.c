/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox.c - finding the data files, and an engine behind a server.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "sandbox/crm/engine.h"
#include "sandbox/sandbox.h"
#include "util/text.h"

#define SUFFIX ".sandbox.json"
#define MAX_CRMS 256

struct cs_sandbox {
	struct cs_sb_engine engine;
	struct cs_sb_server *server;
};

struct found {
	struct cs_sb_crm *v[MAX_CRMS];
	size_t n;
};

static bool
is_chosen(const struct cs_sandbox_conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->ncrms; i++) {
		if (strcmp(conf->crms[i], name) == 0)
			return true;
	}
	return conf->ncrms == 0;
}

static bool
is_loaded(const struct found *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++) {
		if (strcmp(f->v[i]->name, name) == 0)
			return true;
	}
	return false;
}

/* One entry of a data folder; entries that are no data file are passed over. */
static int
load_entry(const struct cs_sandbox_conf *conf, const char *dir, const char *entry, struct found *f,
	   struct cs_err *err)
{
	size_t n = strlen(entry), s = strlen(SUFFIX);
	bool flat = n > s && strcmp(entry + n - s, SUFFIX) == 0;
	char *name = cs_xstrndup(entry, flat ? n - s : n);
	char *path = flat ? cs_xasprintf("%s/%s", dir, entry) : cs_xasprintf("%s/%s/sandbox.json", dir, entry);
	int rc = 0;

	if (f->n < MAX_CRMS && cs_is_ident(name, 64, "_") && is_chosen(conf, name) && !is_loaded(f, name) &&
	    access(path, R_OK) == 0 && (rc = cs_sb_crm_load(&f->v[f->n], name, path, err)) == 0)
		f->n++;
	free(name);
	free(path);
	return rc;
}

static int
load_dir(const struct cs_sandbox_conf *conf, const char *dir, struct found *f, struct cs_err *err)
{
	struct dirent **entries;
	int n = scandir(dir, &entries, NULL, alphasort), rc = 0;

	if (n < 0)
		return cs_err_set(err, CS_EIO, "%s: %s", dir, strerror(errno));
	for (int i = 0; i < n; i++) {
		if (rc == 0)
			rc = load_entry(conf, dir, entries[i]->d_name, f, err);
		free(entries[i]);
	}
	free(entries);
	return rc;
}

static int
load_all(const struct cs_sandbox_conf *conf, struct found *f, struct cs_err *err)
{
	char *dirs = cs_xstrdup(conf->data != NULL ? conf->data : CS_PLUGIN_DIR), *rest = dirs, *dir;
	int rc = 0;

	while (rc == 0 && (dir = strsep(&rest, ":")) != NULL) {
		if (*dir != '\0')
			rc = load_dir(conf, dir, f, err);
	}
	free(dirs);
	for (size_t i = 0; rc == 0 && i < conf->ncrms; i++) {
		if (!is_loaded(f, conf->crms[i]))
			rc = cs_err_set(err, CS_ENOTFOUND, "there is no data file for \"%s\"", conf->crms[i]);
	}
	if (rc == 0 && f->n == 0)
		rc = cs_err_set(err, CS_ENOTFOUND, "no sandbox.json below %s",
				conf->data != NULL ? conf->data : CS_PLUGIN_DIR);
	return rc;
}

int
cs_sandbox_open(struct cs_sandbox **out, const struct cs_sandbox_conf *conf, struct cs_err *err)
{
	struct found f = { .n = 0 };
	struct cs_sandbox *s;
	int rc = load_all(conf, &f, err);

	if (rc < 0) {
		for (size_t i = 0; i < f.n; i++)
			cs_sb_crm_free(f.v[i]);
		return rc;
	}
	s = cs_xcalloc(1, sizeof(*s));
	cs_sb_engine_init(&s->engine, conf->clock != NULL ? conf->clock : &cs_clock_real, f.v, f.n,
			  conf->keep_docs, conf->lag_ms);
	rc = cs_sb_server_open(&s->server, conf->host != NULL ? conf->host : "127.0.0.1", conf->port,
	                       cs_sb_engine_handle, &s->engine, err);
	if (rc < 0) {
		cs_sb_engine_fini(&s->engine);
		free(s);
		return rc;
	}
	s->engine.port = cs_sb_server_port(s->server);
	*out = s;
	return 0;
}

unsigned
cs_sandbox_port(const struct cs_sandbox *s)
{
	return cs_sb_server_port(s->server);
}

void
cs_sandbox_run(struct cs_sandbox *s)
{
	cs_sb_server_run(s->server);
}

void
cs_sandbox_stop(struct cs_sandbox *s)
{
	cs_sb_server_stop(s->server);
}

void
cs_sandbox_close(struct cs_sandbox *s)
{
	cs_sb_server_close(s->server);
	cs_sb_engine_fini(&s->engine);
	free(s);
}
