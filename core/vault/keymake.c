/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keymake.c - making the key file, and putting a new key in front of those that are there.
 *
 * The new file is written beside the old one and synced before it takes its place, so a crash leaves one of the two, whole. A
 * first key is linked into place, so that nobody's key is ever replaced by it; a rotated file is renamed. The file beside
 * has a fixed name: two rotations at once cannot both win.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "util/text.h"
#include "vault/keyfile.h"

static int
write_all(int fd, const char *text, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, text, n);

		if (done < 0 && errno != EINTR)
			return -1;
		text += done > 0 ? done : 0;
		n -= done > 0 ? (size_t)done : 0;
	}
	return fsync(fd);
}

static int
sync_folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	CS_CLEANUP(cs_freep) char *dir = slash == NULL ? cs_xstrdup(".") :
	                                                 cs_xstrndup(path, slash == path ? 1 : (size_t)(slash - path));
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

	if (fd < 0)
		return -1;
	rc = fsync(fd);
	close(fd);
	return rc;
}

/* Write the file beside its place, as the old one's owner if there is an old one. */
static int
write_beside(const char *beside, const struct stat *old, const char *text, size_t n, struct cs_err *err)
{
	int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600), rc;

	if (fd < 0 && errno == EEXIST) {
		cs_err_set(err, CS_EEXIST, "%s is there: another rotation is under way, or was broken off", beside);
		cs_err_hint(err, "remove it if no other is under way");
		return CS_EEXIST;
	}
	if (fd < 0)
		return cs_err_set(err, CS_EIO, "could not create %s: %s", beside, strerror(errno));
	rc = write_all(fd, text, n);
	if (rc == 0 && old != NULL && old->st_uid != geteuid())
		rc = fchown(fd, old->st_uid, old->st_gid);
	if (close(fd) < 0 || rc < 0) {
		rc = cs_err_set(err, CS_EIO, "could not write %s: %s", beside, strerror(errno));
		unlink(beside);
	}
	return rc;
}

static int
into_place(const char *path, const char *beside, bool replaces, struct cs_err *err)
{
	int rc = 0;

	if ((replaces ? rename(beside, path) : link(beside, path)) < 0)
		rc = cs_err_set(err, errno == EEXIST ? CS_EEXIST : CS_EIO, "could not create master key %s: %s", path,
		                strerror(errno));
	if (!replaces || rc < 0)
		unlink(beside);
	if (rc == 0 && sync_folder_of(path) < 0)
		rc = cs_err_set(err, CS_EIO, "could not sync the folder of %s: %s", path, strerror(errno));
	return rc;
}

static void
add_key(struct cs_buf *text, const struct cs_vault_key *k)
{
	cs_buf_printf(text, "%s:", k->id);
	cs_hex_add(text, k->key, sizeof(k->key));
	cs_buf_addc(text, '\n');
}

/* The lines of the old file stay as they are, comments too; one raw key becomes a line. */
static int
add_old(struct cs_buf *text, const char *path, const char *old, size_t n, struct cs_err *err)
{
	struct cs_vault_key keys[CS_VAULT_KEYS_MAX];
	int have = cs_keyfile_parse(path, old, n, keys, err), rc = have < 0 ? have : 0;

	if (have == CS_VAULT_KEYS_MAX) {
		rc = cs_err_set(err, CS_ELIMIT, "%s holds %d keys, as many as it may", path, have);
		cs_err_hint(err, "delete the lines of keys under which \"csrelay secrets status\" counts no secret");
	} else if (rc == 0 && n == CS_VAULT_KEY_LEN)
		add_key(text, &keys[0]);
	else if (rc == 0)
		cs_buf_add(text, old, n);
	cs_wipe(keys, sizeof(keys));
	return rc;
}

static int
make(const char *path, bool may_replace, char new_id[CS_VAULT_ID_MAX + 1], struct cs_err *err)
{
	CS_CLEANUP(cs_freep) char *beside = cs_xasprintf("%s.new", path);
	struct cs_buf text = CS_BUF_INIT(CS_KEYFILE_MAX - 1);
	char old[CS_KEYFILE_MAX] = { 0 };
	struct cs_vault_key k;
	struct stat st;
	int n = may_replace ? cs_keyfile_slurp(path, old, err) : CS_ENOTFOUND, rc = n < 0 && n != CS_ENOTFOUND ? n : 0;

	cs_buf_reserve(&text, CS_KEYFILE_MAX - 1); /* so that no part of it is left behind by growing */
	cs_random_bytes(k.key, sizeof(k.key));
	cs_keyfile_fingerprint(&k);
	add_key(&text, &k);
	if (rc == 0 && n >= 0)
		rc = add_old(&text, path, old, (size_t)n, err);
	if (rc == 0 && text.failed)
		rc = cs_err_set(err, CS_ELIMIT, "%s has no room for one more key: it would be longer than %d bytes", path,
		                CS_KEYFILE_MAX);
	if (rc == 0 && n >= 0 && stat(path, &st) < 0)
		rc = cs_err_set(err, CS_EIO, "could not look at master key %s: %s", path, strerror(errno));
	if (rc == 0 && (rc = write_beside(beside, n >= 0 ? &st : NULL, text.ptr, text.len, err)) == 0)
		rc = into_place(path, beside, n >= 0, err);
	memcpy(new_id, k.id, sizeof(k.id));
	cs_wipe(&k, sizeof(k));
	cs_wipe(old, sizeof(old));
	cs_wipe(text.ptr, text.len);
	cs_buf_fini(&text);
	return rc;
}

int
cs_vault_rotate(const char *path, char new_id[CS_VAULT_ID_MAX + 1], struct cs_err *err)
{
	return make(path, true, new_id, err);
}

int
cs_vault_generate(const char *path, struct cs_err *err)
{
	char id[CS_VAULT_ID_MAX + 1];

	return make(path, false, id, err);
}
