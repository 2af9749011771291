/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load.c - opening a plugin.
 *
 * Order matters: who may write the file is checked before dlopen, because the constructors of an ELF file run during it.
 * The descriptor is copied, the smaller of the two sizes over zeroes: callbacks that an older plugin does not know read
 * as NULL, those that a newer one has beyond ours go unseen. So an equal major is enough and a newer minor is welcome.
 */
#include "config.h"
#include "plughost/load.h"
#include "util/mem.h"

#include <dlfcn.h>
#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The descriptor of 1.0: no plugin may state less. */
#define SIZE_1_0 (offsetof(struct cs_plugin_v1, handle_webhook) + sizeof(((struct cs_plugin_v1 *)0)->handle_webhook))

static int
inode_trusted(const char *path, mode_t kind, const char *what, struct cs_err *err)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return cs_err_set(err, errno == ENOENT ? CS_ENOTFOUND : CS_EIO, "%s: %s", path, strerror(errno));
	if ((st.st_mode & S_IFMT) != kind)
		return cs_err_set(err, CS_EPERM, "%s: not a %s", path, what);
	if (st.st_uid != 0 && st.st_uid != geteuid()) {
		cs_err_set(err, CS_EPERM, "%s: owner of the %s: expected root or user %u, found user %u", path, what,
		           (unsigned)geteuid(), (unsigned)st.st_uid);
		cs_err_hint(err, "chown root it");
		return CS_EPERM;
	}
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		cs_err_set(err, CS_EPERM, "%s: mode of the %s: expected no write for group and others, found %04o", path,
		           what, (unsigned)(st.st_mode & 07777));
		cs_err_hint(err, "chmod go-w it");
		return CS_EPERM;
	}
	return 0;
}

int
cs_path_trusted(const char *path, struct cs_err *err)
{
	CS_CLEANUP(cs_freep) char *real = realpath(path, NULL);
	int rc;

	if (real == NULL)
		return cs_err_set(err, errno == ENOENT ? CS_ENOTFOUND : CS_EIO, "%s: %s", path, strerror(errno));
	if ((rc = inode_trusted(real, S_IFREG, "file", err)) < 0)
		return rc;
	return inode_trusted(dirname(real), S_IFDIR, "folder", err);
}

/* A text from a descriptor, cut for a message. */
static const char *
shown(const char *s)
{
	return s != NULL ? s : "none";
}

static int
check(const struct cs_plugin_v1 *v1, const char *path, const char *name, const char *version, struct cs_err *err)
{
	if (v1->name == NULL || strcmp(v1->name, name) != 0)
		return cs_err_set(err, CS_EINVAL, "%s: name: expected \"%s\" (the file's name), found \"%.60s\"", path, name,
		                  shown(v1->name));
	if (v1->version == NULL || (version != NULL && strcmp(v1->version, version) != 0))
		return cs_err_set(err, CS_EINVAL, "%s: version: expected \"%s\" (the manifest's), found \"%.60s\"", path,
		                  version != NULL ? version : "a version", shown(v1->version));
	if (v1->map == NULL)
		return cs_err_set(err, CS_EINVAL, "%s: map: expected a function, found NULL", path);
	if (v1->push == NULL)
		return cs_err_set(err, CS_EINVAL, "%s: push: expected a function, found NULL", path);
	return 0;
}

static int
adopt(struct cs_plugin *p, const char *path, struct cs_err *err)
{
	const struct cs_plugin_v1 *theirs;
	cs_plugin_v1_entry_fn entry;
	void *symbol = dlsym(p->dl, CS_PLUGIN_V1_ENTRY);
	uint32_t size;

	if (symbol == NULL)
		return cs_err_set(err, CS_EINVAL, "%s: entry symbol: expected %s, found none", path, CS_PLUGIN_V1_ENTRY);
	memcpy(&entry, &symbol, sizeof(entry));
	if ((theirs = entry()) == NULL)
		return cs_err_set(err, CS_EINVAL, "%s: %s: expected a descriptor, found NULL", path, CS_PLUGIN_V1_ENTRY);
	size = theirs->struct_size;
	if (size < SIZE_1_0)
		return cs_err_set(err, CS_EINVAL, "%s: struct_size: expected at least %zu (1.0), found %u", path, SIZE_1_0,
		                  (unsigned)size);
	memcpy(&p->v1, theirs, size < sizeof(p->v1) ? size : sizeof(p->v1));
	return 0;
}

int
cs_plugin_load(const char *path, const char *name, const char *version, bool trust_all, struct cs_plugin **out,
               struct cs_err *err)
{
	struct cs_plugin *p;
	int rc;

	*out = NULL;
	if (strchr(path, '/') == NULL) /* dlopen would search its own folders */
		return cs_err_set(err, CS_EINVAL, "%s: expected a path with a folder", path);
	if (!trust_all && (rc = cs_path_trusted(path, err)) < 0)
		return rc;
	p = cs_xcalloc(1, sizeof(*p));
	if ((p->dl = dlopen(path, RTLD_NOW | RTLD_LOCAL)) == NULL) {
		rc = cs_err_set(err, CS_EINVAL, "%s: could not be loaded: %s", path, dlerror());
		goto fail;
	}
	if ((rc = adopt(p, path, err)) < 0 || (rc = check(&p->v1, path, name, version, err)) < 0)
		goto fail;
	*out = p;
	return 0;
fail:
	cs_plugin_unload(p);
	return rc;
}

void
cs_plugin_unload(struct cs_plugin *p)
{
	if (p == NULL)
		return;
	if (p->dl != NULL)
		dlclose(p->dl);
	cs_freep(&p);
}
