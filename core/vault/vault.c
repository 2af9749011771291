/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault.c - sealing and opening.
 *
 * A sealed secret is
 *
 *     version (1) | length of key id | key id | nonce (12) | ciphertext | tag (16)
 *
 * The associated data are version, key id, owner and name, each with its length in front, so that no two triples read the
 * same. Nonces are random: with 96 bits a key may seal 2^32 times, far above what a relay ever seals. The keys live in
 * pages of their own that are kept out of swap, dumps and child processes as far as the system lets us.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <string.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>
#include "util/text.h"
#include "vault/keyfile.h"
#include "vault/vault.h"

#define VERSION 1
#define NONCE_LEN 12
#define TAG_LEN 16

struct cs_vault {
	EVP_CIPHER *cipher;
	int n;
	struct cs_vault_key keys[CS_VAULT_KEYS_MAX];
};

static struct cs_vault *
vault_new(void)
{
	struct cs_vault *v = mmap(NULL, sizeof(*v), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (v == MAP_FAILED)
		return NULL;
	mlock(v, sizeof(*v)); /* may be over RLIMIT_MEMLOCK; then swap is the operator's to encrypt */
	madvise(v, sizeof(*v), MADV_DONTDUMP);
	madvise(v, sizeof(*v), MADV_WIPEONFORK);
	return v;
}

int
cs_vault_open(const char *path, struct cs_vault **out, struct cs_err *err)
{
	struct cs_vault *v = vault_new();

	*out = NULL;
	if (v == NULL)
		return cs_err_set(err, CS_ENOMEM, "no memory for the master key");
	if ((v->n = cs_keyfile_read(path, v->keys, err)) < 0) {
		int rc = v->n;

		cs_vault_close(v);
		return rc;
	}
	if ((v->cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL)) == NULL) {
		cs_vault_close(v);
		return cs_err_set(err, CS_EUNSUPPORTED, "this OpenSSL has no AES-256-GCM");
	}
	*out = v;
	return 0;
}

void
cs_vault_close(struct cs_vault *v)
{
	if (v == NULL)
		return;
	EVP_CIPHER_free(v->cipher);
	cs_wipe(v, sizeof(*v));
	munmap(v, sizeof(*v));
}

/* ---- associated data */
static void
add_part(struct cs_buf *b, const char *s)
{
	size_t n = strlen(s);
	uint8_t len[4] = { (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n };

	cs_buf_add(b, len, sizeof(len));
	cs_buf_add(b, s, n);
}

static void
add_associated(struct cs_buf *b, const char *key_id, const char *owner, const char *name)
{
	cs_buf_addc(b, VERSION);
	add_part(b, key_id);
	add_part(b, owner);
	add_part(b, name);
}

/* The cipher's way over `n` bytes, in to out; the tag is written when sealing, and checked when opening. */
static bool
gcm(const struct cs_vault *v, bool seal, const struct cs_vault_key *k, const uint8_t *nonce, const struct cs_buf *aad,
    const void *in, size_t n, uint8_t *out, uint8_t *tag)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int len = 0, rest = 0;
	bool ok;

	ok = ctx != NULL && EVP_CipherInit_ex2(ctx, v->cipher, k->key, nonce, seal, NULL) == 1 &&
	     EVP_CipherUpdate(ctx, NULL, &len, (const unsigned char *)aad->ptr, (int)aad->len) == 1 &&
	     (n == 0 || EVP_CipherUpdate(ctx, out, &len, in, (int)n) == 1) &&
	     (seal || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_LEN, tag) == 1) &&
	     EVP_CipherFinal_ex(ctx, out + n, &rest) == 1 &&
	     (!seal || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, tag) == 1);
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

int
cs_vault_seal(const struct cs_vault *v, const char *owner, const char *name, const void *plain, size_t n,
              struct cs_buf *out, struct cs_err *err)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf aad = CS_BUF_INIT(0);
	const struct cs_vault_key *k = &v->keys[0];
	uint8_t nonce[NONCE_LEN], tag[TAG_LEN], *text;
	bool ok;

	if (n > CS_VAULT_PLAIN_MAX)
		return cs_err_set(err, CS_ELIMIT, "a secret is longer than %u bytes", CS_VAULT_PLAIN_MAX);
	text = cs_xmalloc(n + 1);
	cs_random_bytes(nonce, sizeof(nonce));
	add_associated(&aad, k->id, owner, name);
	ok = gcm(v, true, k, nonce, &aad, plain, n, text, tag);
	if (ok) {
		cs_buf_addc(out, VERSION);
		cs_buf_addc(out, (char)strlen(k->id));
		cs_buf_adds(out, k->id);
		cs_buf_add(out, nonce, sizeof(nonce));
		cs_buf_add(out, text, n);
		cs_buf_add(out, tag, sizeof(tag));
	}
	free(text);
	if (!ok)
		return cs_err_set(err, CS_EIO, "could not seal a secret");
	return out->failed ? cs_err_set(err, CS_ELIMIT, "no room for a sealed secret") : 0;
}

/* ---- opening */
struct sealed {
	char id[CS_VAULT_ID_MAX + 1];
	const uint8_t *nonce, *text, *tag;
	size_t n; /* of text */
};

static bool
take_apart(const void *p, size_t n, struct sealed *s)
{
	const uint8_t *b = p;
	size_t id_len;

	if (n < 2 || b[0] != VERSION || (id_len = b[1]) > CS_VAULT_ID_MAX || n < 2 + id_len + NONCE_LEN + TAG_LEN)
		return false;
	memcpy(s->id, b + 2, id_len);
	s->id[id_len] = '\0';
	s->nonce = b + 2 + id_len;
	s->text = s->nonce + NONCE_LEN;
	s->n = n - (2 + id_len + NONCE_LEN + TAG_LEN);
	s->tag = s->text + s->n;
	return s->n <= CS_VAULT_PLAIN_MAX && cs_is_ident(s->id, CS_VAULT_ID_MAX, "_-.");
}

static const struct cs_vault_key *
find_key(const struct cs_vault *v, const char *id)
{
	for (int i = 0; i < v->n; i++)
		if (strcmp(v->keys[i].id, id) == 0)
			return &v->keys[i];
	return NULL;
}

int
cs_vault_open_sealed(const struct cs_vault *v, const char *owner, const char *name, const void *sealed, size_t sealed_len,
                     char **plain, size_t *n, struct cs_err *err)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf aad = CS_BUF_INIT(0);
	const struct cs_vault_key *k;
	uint8_t tag[TAG_LEN];
	struct sealed s;
	char *text;

	*plain = NULL;
	*n = 0;
	if (!take_apart(sealed, sealed_len, &s))
		return cs_err_set(err, CS_ECORRUPT, "the stored secret %s is damaged", name);
	if ((k = find_key(v, s.id)) == NULL)
		return cs_err_set(err, CS_ENOTFOUND, "the stored secret %s needs master key %s, which is not in the key file", name,
		                  s.id);
	add_associated(&aad, k->id, owner, name);
	memcpy(tag, s.tag, sizeof(tag));
	text = cs_xmalloc(s.n + 1);
	if (!gcm(v, false, k, s.nonce, &aad, s.text, s.n, (uint8_t *)text, tag)) {
		text[s.n] = '\0';
		cs_wipe_free(text, s.n + 1);
		return cs_err_set(err, CS_ECORRUPT, "the stored secret %s is damaged, or belongs to another owner", name);
	}
	text[s.n] = '\0';
	*plain = text;
	*n = s.n;
	return 0;
}

bool
cs_vault_is_current(const struct cs_vault *v, const void *sealed, size_t sealed_len)
{
	struct sealed s;

	return take_apart(sealed, sealed_len, &s) && strcmp(s.id, v->keys[0].id) == 0;
}

/* ---- a first key */
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

/* The key is written beside its place and linked there, so a crash leaves no half a key and nobody's key is replaced. */
static int
place_key(const char *path, const char *beside, const char *text, size_t n, struct cs_err *err)
{
	int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600), rc;

	if (fd < 0)
		return cs_err_set(err, CS_EIO, "could not create %s: %s", beside, strerror(errno));
	rc = write_all(fd, text, n);
	if (close(fd) < 0 || rc < 0)
		rc = cs_err_set(err, CS_EIO, "could not write %s: %s", beside, strerror(errno));
	else if (link(beside, path) < 0)
		rc = cs_err_set(err, errno == EEXIST ? CS_EEXIST : CS_EIO, "could not create master key %s: %s", path,
		                strerror(errno));
	unlink(beside);
	if (rc == 0 && sync_folder_of(path) < 0)
		rc = cs_err_set(err, CS_EIO, "could not sync the folder of %s: %s", path, strerror(errno));
	return rc;
}

int
cs_vault_generate(const char *path, struct cs_err *err)
{
	CS_CLEANUP(cs_freep) char *beside = cs_xasprintf("%s.new.%ld", path, (long)getpid());
	struct cs_buf text = CS_BUF_INIT(0);
	uint8_t key[CS_VAULT_KEY_LEN];
	char *line;
	size_t n;
	int rc;

	cs_random_bytes(key, sizeof(key));
	cs_hex_add(&text, key, sizeof(key));
	cs_buf_addc(&text, '\n');
	cs_wipe(key, sizeof(key));
	line = cs_buf_steal(&text, &n);
	rc = place_key(path, beside, line, n, err);
	cs_wipe_free(line, n);
	return rc;
}

/* ---- the process */
int
cs_vault_harden_process(struct cs_err *err)
{
	const struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) < 0)
		return cs_err_set(err, CS_EIO, "could not switch off core dumps: %s", strerror(errno));
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return cs_err_set(err, CS_EIO, "could not make the process non-dumpable: %s", strerror(errno));
	return 0;
}
