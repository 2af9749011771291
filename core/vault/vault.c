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
 * pages of their own that are kept out of swap, dumps and child processes as far as the system lets us. When the key file
 * has changed the whole ring of keys is exchanged, under a lock that each sealing and opening holds for reading.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <pthread.h>
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

struct ring { /* what stands in the key file; the first seals */
	int n;
	struct cs_vault_key keys[CS_VAULT_KEYS_MAX];
};

struct cs_vault {
	EVP_CIPHER *cipher;
	char *path;
	struct turn { /* changes under its lock, so that a vault can be const for everybody else */
		pthread_rwlock_t lock;
		struct ring *ring;
	} *turn;
	_Atomic uint64_t generation;
};

static struct ring *
ring_new(void)
{
	struct ring *r = mmap(NULL, sizeof(*r), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (r == MAP_FAILED)
		return NULL;
	mlock(r, sizeof(*r)); /* may be over RLIMIT_MEMLOCK; then swap is the operator's to encrypt */
	madvise(r, sizeof(*r), MADV_DONTDUMP);
	madvise(r, sizeof(*r), MADV_WIPEONFORK);
	return r;
}

static void
ring_free(struct ring *r)
{
	cs_wipe(r, sizeof(*r));
	munmap(r, sizeof(*r));
}

int
cs_vault_open(const char *path, struct cs_vault **out, struct cs_err *err)
{
	struct ring *r = ring_new();
	struct cs_vault *v;

	*out = NULL;
	if (r == NULL)
		return cs_err_set(err, CS_ENOMEM, "no memory for the master key");
	if ((r->n = cs_keyfile_read(path, r->keys, err)) < 0) {
		int rc = r->n;

		ring_free(r);
		return rc;
	}
	v = cs_xcalloc(1, sizeof(*v));
	v->turn = cs_xcalloc(1, sizeof(*v->turn));
	pthread_rwlock_init(&v->turn->lock, NULL);
	v->turn->ring = r;
	v->path = cs_xstrdup(path);
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
	ring_free(v->turn->ring);
	pthread_rwlock_destroy(&v->turn->lock);
	free(v->turn);
	free(v->path);
	free(v);
}

void
cs_vault_adopt(struct cs_vault *v, struct cs_vault *fresh)
{
	struct ring *old;

	pthread_rwlock_wrlock(&v->turn->lock);
	old = v->turn->ring;
	v->turn->ring = fresh->turn->ring;
	pthread_rwlock_unlock(&v->turn->lock);
	fresh->turn->ring = old; /* wiped with it */
	v->generation++;
	cs_vault_close(fresh);
}

const char *
cs_vault_path(const struct cs_vault *v)
{
	return v->path;
}

uint64_t
cs_vault_generation(const struct cs_vault *v)
{
	return v->generation;
}

int
cs_vault_key_ids(const struct cs_vault *v, char ids[CS_VAULT_KEYS_MAX][CS_VAULT_ID_MAX + 1])
{
	int n;

	pthread_rwlock_rdlock(&v->turn->lock);
	n = v->turn->ring->n;
	for (int i = 0; i < n; i++)
		memcpy(ids[i], v->turn->ring->keys[i].id, sizeof(ids[i]));
	pthread_rwlock_unlock(&v->turn->lock);
	return n;
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
	const struct cs_vault_key *k;
	uint8_t nonce[NONCE_LEN], tag[TAG_LEN], *text;
	bool ok;

	if (n > CS_VAULT_PLAIN_MAX)
		return cs_err_set(err, CS_ELIMIT, "a secret is longer than %u bytes", CS_VAULT_PLAIN_MAX);
	text = cs_xmalloc(n + 1);
	cs_random_bytes(nonce, sizeof(nonce));
	pthread_rwlock_rdlock(&v->turn->lock);
	k = &v->turn->ring->keys[0];
	add_associated(&aad, k->id, owner, name);
	ok = v->turn->ring->n > 0 && gcm(v, true, k, nonce, &aad, plain, n, text, tag);
	if (ok) {
		cs_buf_addc(out, VERSION);
		cs_buf_addc(out, (char)strlen(k->id));
		cs_buf_adds(out, k->id);
		cs_buf_add(out, nonce, sizeof(nonce));
		cs_buf_add(out, text, n);
		cs_buf_add(out, tag, sizeof(tag));
	}
	pthread_rwlock_unlock(&v->turn->lock);
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
find_key(const struct ring *r, const char *id)
{
	for (int i = 0; i < r->n; i++)
		if (strcmp(r->keys[i].id, id) == 0)
			return &r->keys[i];
	return NULL;
}

/* With the lock held. `text` has room for s->n bytes. */
static int
unseal(const struct cs_vault *v, const char *owner, const char *name, const struct sealed *s, char *text, struct cs_err *err)
{
	const struct cs_vault_key *k = find_key(v->turn->ring, s->id);
	CS_CLEANUP(cs_buf_fini) struct cs_buf aad = CS_BUF_INIT(0);
	uint8_t tag[TAG_LEN];

	if (k == NULL)
		return cs_err_set(err, CS_ENOTFOUND, "the stored secret %s needs master key %s, which is not in the key file", name,
		                  s->id);
	add_associated(&aad, k->id, owner, name);
	memcpy(tag, s->tag, sizeof(tag));
	if (!gcm(v, false, k, s->nonce, &aad, s->text, s->n, (uint8_t *)text, tag))
		return cs_err_set(err, CS_ECORRUPT, "the stored secret %s is damaged, or belongs to another owner", name);
	return 0;
}

int
cs_vault_open_sealed(const struct cs_vault *v, const char *owner, const char *name, const void *sealed, size_t sealed_len,
                     char **plain, size_t *n, struct cs_err *err)
{
	struct sealed s;
	char *text;
	int rc;

	*plain = NULL;
	*n = 0;
	if (!take_apart(sealed, sealed_len, &s))
		return cs_err_set(err, CS_ECORRUPT, "the stored secret %s is damaged", name);
	text = cs_xcalloc(1, s.n + 1);
	pthread_rwlock_rdlock(&v->turn->lock);
	rc = unseal(v, owner, name, &s, text, err);
	pthread_rwlock_unlock(&v->turn->lock);
	if (rc < 0) {
		cs_wipe_free(text, s.n + 1);
		return rc;
	}
	*plain = text;
	*n = s.n;
	return 0;
}

bool
cs_vault_is_current(const struct cs_vault *v, const void *sealed, size_t sealed_len)
{
	struct sealed s;
	bool current;

	if (!take_apart(sealed, sealed_len, &s))
		return false;
	pthread_rwlock_rdlock(&v->turn->lock);
	current = strcmp(s.id, v->turn->ring->keys[0].id) == 0;
	pthread_rwlock_unlock(&v->turn->lock);
	return current;
}

bool
cs_vault_key_id(const void *sealed, size_t sealed_len, char id[CS_VAULT_ID_MAX + 1])
{
	struct sealed s;

	id[0] = '\0';
	if (!take_apart(sealed, sealed_len, &s))
		return false;
	memcpy(id, s.id, sizeof(s.id));
	return true;
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
