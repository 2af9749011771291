/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place.c - see place.h.
 */
#include "config.h"
#include <errno.h>
#include <libconfig.h>
#include <string.h>
#include "conf/options.h"
#include "ctl/talk/place.h"

const char *
cs_ctl_conf_path(const struct cs_ctl *c)
{
	const char *path = cs_ctl_opt(c, "config");

	return path != NULL ? path : CS_SYSCONF_DIR "/csrelay.conf";
}

/* libconfig reads @include relative to a folder that it must be told. */
static void
set_include_dir(config_t *conf, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash != NULL ? cs_xstrndup(path, (size_t)(slash - path)) : cs_xstrdup(".");

	config_set_include_dir(conf, dir);
	cs_freep(&dir);
}

static int
read_file(struct cs_ctl *c, config_t *conf, struct cs_err *err)
{
	const char *path = cs_ctl_conf_path(c);
	FILE *f = fopen(path, "re");
	int rc = 0;

	if (f == NULL) {
		if (!cs_ctl_has(c, "config") && (errno == ENOENT || errno == EACCES))
			return 0;
		return cs_err_set(err, CS_EIO, "could not open %s: %s", path, strerror(errno));
	}
	set_include_dir(conf, path);
	if (config_read(conf, f) != CONFIG_TRUE) {
		rc = cs_err_set(err, CS_EINVAL, "%s:%d: %s", path, config_error_line(conf),
				config_error_text(conf));
		cs_err_hint(err, "say where the daemon is with --socket, or mend the file");
	}
	fclose(f);
	return rc;
}

int
cs_ctl_place(struct cs_ctl *c, const char *option, const char **out, struct cs_err *err)
{
	const char *found;
	config_t conf;
	int rc;

	config_init(&conf);
	rc = read_file(c, &conf, err);
	if (rc == 0) {
		if (config_lookup_string(&conf, option, &found) != CONFIG_TRUE)
			found = cs_opt_find(option)->dflt;
		*out = cs_arena_strdup(&c->mem, found);
	}
	config_destroy(&conf);
	return rc;
}

int
cs_ctl_key_file(struct cs_ctl *c, const char **out, struct cs_err *err)
{
	const char *conf = cs_ctl_conf_path(c), *slash = strrchr(conf, '/');
	int rc = cs_ctl_place(c, "vault.key_file", out, err);

	if (rc == 0 && (*out)[0] == '\0')
		*out = cs_arena_printf(&c->mem, "%.*smaster.key", slash != NULL ? (int)(slash - conf) + 1 : 0, conf);
	return rc;
}
