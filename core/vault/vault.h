/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault.h - secrets at rest: sealed with AES-256-GCM under a master key that never is in the store.
 *
 * A sealed secret is bound to its owner (a connection, a CRM) and its name: moved to another row it does not open. The key
 * file may hold several keys, by id; the first seals, all open, so that keys are changed without a stop. Any thread may use
 * an open vault, also while a changed key file is taken over.
 */
#ifndef CS_VAULT_VAULT_H
#define CS_VAULT_VAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "util/err.h"
#include "util/mem.h"

#define CS_VAULT_KEYS_MAX 16
#define CS_VAULT_ID_MAX 16
#define CS_VAULT_PLAIN_MAX (64U << 10)

struct cs_vault;

/*
 * Read the master key: a file of 32 raw bytes, or of lines "KEY" or "ID:KEY" with the key in hex or base64 (empty lines and
 * those with # are skipped; a key without an id is known by a fingerprint). It is refused when it belongs to someone other
 * than root or us, or when group or others may do anything with it; in $CREDENTIALS_DIRECTORY, which systemd guards, the
 * group may read. 0, CS_ENOTFOUND when there is no file, or another negative CS_E* with err filled.
 */
int cs_vault_open(const char *path, struct cs_vault **out, struct cs_err *err);
/* Wipes the keys. NULL is fine. */
void cs_vault_close(struct cs_vault *v);

/* Seal `n` bytes (at most CS_VAULT_PLAIN_MAX) for this owner and name; appended to out. 0 or a negative CS_E*. */
int cs_vault_seal(const struct cs_vault *v, const char *owner, const char *name, const void *plain, size_t n,
                  struct cs_buf *out, struct cs_err *err);
/*
 * Open what seal made. *plain has a NUL behind it; give it back with cs_wipe_free(*plain, *n + 1). CS_ENOTFOUND: sealed with a key
 * that is not in the file (err names its id); CS_ECORRUPT: changed, cut, or sealed for another owner or name.
 */
int cs_vault_open_sealed(const struct cs_vault *v, const char *owner, const char *name, const void *sealed, size_t sealed_len,
                         char **plain, size_t *n, struct cs_err *err);
/* Was it sealed with the key that seals now? If not, seal it anew when there is time. */
bool cs_vault_is_current(const struct cs_vault *v, const void *sealed, size_t sealed_len);

/* The id of the key it was sealed with. False: it is damaged. */
bool cs_vault_key_id(const void *sealed, size_t sealed_len, char id[CS_VAULT_ID_MAX + 1]);

/* The ids of the key file as it was read, the sealing one first; returns how many. */
int cs_vault_key_ids(const struct cs_vault *v, char ids[CS_VAULT_KEYS_MAX][CS_VAULT_ID_MAX + 1]);
const char *cs_vault_path(const struct cs_vault *v);
/* The keys of `fresh`, which is consumed, take the place of the others. What was sealed before still opens, if its key is there. */
void cs_vault_adopt(struct cs_vault *v, struct cs_vault *fresh);
/* Raised by each adopt. */
uint64_t cs_vault_generation(const struct cs_vault *v);

/* ---- the key file (keymake.c) */
/*
 * Put a new random key in front of those in the file, whose lines stay as they are. The file is replaced whole, 0600, the owner
 * it had, on disk before return. Nobody reads it anew by that. Without a file it becomes the first key.
 */
int cs_vault_rotate(const char *path, char new_id[CS_VAULT_ID_MAX + 1], struct cs_err *err);
/* Make a key file with one random key, mode 0600, on disk before return. CS_EEXIST: there is one, and it stays. */
int cs_vault_generate(const char *path, struct cs_err *err);

/* No core dumps, and no other process of this user reads our memory. Once, early in main. */
int cs_vault_harden_process(struct cs_err *err);

#endif
