/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keyfile.c - reading the master keys.
 *
 * Messages name path and line, never a byte of a key. A key without an id gets one from its hash, so that a file of one raw
 * key can later become the second line of a file of two, and what it sealed still opens.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "util/mem.h"
#include "util/text.h"
#include "vault/keyfile.h"

static bool
is_credential(const char *path)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	size_t n = dir != NULL ? strlen(dir) : 0;

	return n > 1 && strncmp(path, dir, n) == 0 && path[n] == '/' && strchr(path + n + 1, '/') == NULL;
}

/* systemd grants the service user by an ACL, whose mask shows as the group's bits. */
static int
judge(const char *path, const struct stat *st, struct cs_err *err)
{
	mode_t refused = is_credential(path) ? S_IRWXO | S_IWGRP | S_IXGRP : S_IRWXO | S_IRWXG;

	if (!S_ISREG(st->st_mode))
		return cs_err_set(err, CS_EINVAL, "master key %s is not a regular file", path);
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return cs_err_set(err, CS_EPERM, "master key %s belongs to user %u, not to root or to us", path,
		                  (unsigned)st->st_uid);
	if ((st->st_mode & refused) == 0)
		return 0;
	cs_err_set(err, CS_EPERM, "master key %s is open to others (mode %04o)", path, (unsigned)st->st_mode & 07777);
	cs_err_hint(err, "chmod 0600 %s", path);
	return CS_EPERM;
}

int
cs_keyfile_slurp(const char *path, char text[CS_KEYFILE_MAX], struct cs_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), rc;
	struct stat st;
	ssize_t n = 0;
	int have = 0;

	if (fd < 0) {
		rc = cs_err_set(err, errno == ENOENT ? CS_ENOTFOUND : CS_EIO, "could not open master key %s: %s", path,
		                strerror(errno));
		return rc;
	}
	if (fstat(fd, &st) < 0)
		rc = cs_err_set(err, CS_EIO, "could not look at master key %s: %s", path, strerror(errno));
	else
		rc = judge(path, &st, err);
	while (rc == 0 && have < CS_KEYFILE_MAX && (n = read(fd, text + have, (size_t)(CS_KEYFILE_MAX - have))) != 0) {
		if (n < 0 && errno != EINTR)
			rc = cs_err_set(err, CS_EIO, "could not read master key %s: %s", path, strerror(errno));
		have += n > 0 ? (int)n : 0;
	}
	close(fd);
	if (rc == 0 && have == CS_KEYFILE_MAX)
		rc = cs_err_set(err, CS_ELIMIT, "master key %s is longer than any key file", path);
	return rc < 0 ? rc : have;
}

void
cs_keyfile_fingerprint(struct cs_vault_key *k)
{
	static const char label[] = "csrelay master key id";
	uint8_t in[sizeof(label) + CS_VAULT_KEY_LEN], hash[SHA256_DIGEST_LENGTH];

	memcpy(in, label, sizeof(label));
	memcpy(in + sizeof(label), k->key, CS_VAULT_KEY_LEN);
	SHA256(in, sizeof(in), hash);
	snprintf(k->id, sizeof(k->id), "k%02x%02x%02x%02x", hash[0], hash[1], hash[2], hash[3]);
	cs_wipe(in, sizeof(in));
}

static bool
decode(const char *s, size_t n, uint8_t key[CS_VAULT_KEY_LEN])
{
	if (n == CS_VAULT_KEY_LEN * (size_t)2)
		return cs_hex_decode(s, n, key, CS_VAULT_KEY_LEN) == CS_VAULT_KEY_LEN;
	return cs_base64_decode(s, n, key, CS_VAULT_KEY_LEN) == CS_VAULT_KEY_LEN;
}

static int
parse_line(const char *path, int line, const char *s, size_t n, struct cs_vault_key *k, struct cs_err *err)
{
	const char *colon = memchr(s, ':', n);
	size_t id_len = colon != NULL ? (size_t)(colon - s) : 0;

	if (colon != NULL && id_len <= CS_VAULT_ID_MAX) {
		memcpy(k->id, s, id_len);
		k->id[id_len] = '\0';
	}
	if (colon != NULL && (id_len > CS_VAULT_ID_MAX || !cs_is_ident(k->id, CS_VAULT_ID_MAX, "_-.")))
		return cs_err_set(err, CS_EINVAL, "%s:%d: the id of the key is not 1 to %d of A-Z a-z 0-9 _ - .", path, line,
		                  CS_VAULT_ID_MAX);
	if (colon != NULL) {
		n -= id_len + 1;
		s = colon + 1;
	}
	if (!decode(s, n, k->key))
		return cs_err_set(err, CS_EINVAL, "%s:%d: the key is not 32 bytes in hex or base64", path, line);
	if (colon == NULL)
		cs_keyfile_fingerprint(k);
	return 0;
}

/* An id must mean one key, else what one sealed would seem damaged under the other. */
static int
check_new(const char *path, int line, const struct cs_vault_key *keys, int n, struct cs_err *err)
{
	for (int i = 0; i < n; i++)
		if (strcmp(keys[i].id, keys[n].id) == 0)
			return cs_err_set(err, CS_EINVAL, "%s:%d: the key id %s stands there twice", path, line, keys[n].id);
	return 0;
}

int
cs_keyfile_parse(const char *path, const char *text, size_t n, struct cs_vault_key *keys, struct cs_err *err)
{
	const char *at = text, *end = text + n;
	int count = 0, rc;

	if (n == CS_VAULT_KEY_LEN) {
		memcpy(keys[0].key, text, n);
		cs_keyfile_fingerprint(&keys[0]);
		return 1;
	}
	for (int line = 1; at < end; line++) {
		const char *eol = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((eol != NULL ? eol : end) - at);

		if (len > 0 && at[len - 1] == '\r')
			len--;
		if (len > 0 && at[0] != '#') {
			if (count == CS_VAULT_KEYS_MAX)
				return cs_err_set(err, CS_ELIMIT, "%s:%d: more than %d keys", path, line, CS_VAULT_KEYS_MAX);
			if ((rc = parse_line(path, line, at, len, &keys[count], err)) < 0 ||
			    (rc = check_new(path, line, keys, count, err)) < 0)
				return rc;
			count++;
		}
		at = eol != NULL ? eol + 1 : end;
	}
	if (count == 0)
		return cs_err_set(err, CS_EINVAL, "master key %s holds no key", path);
	return count;
}

int
cs_keyfile_read(const char *path, struct cs_vault_key *keys, struct cs_err *err)
{
	char text[CS_KEYFILE_MAX] = { 0 };
	int n = cs_keyfile_slurp(path, text, err);

	if (n >= 0)
		n = cs_keyfile_parse(path, text, (size_t)n, keys, err);
	cs_wipe(text, sizeof(text));
	return n;
}
