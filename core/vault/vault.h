/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault.h - secrets at rest: sealed with AES-256-GCM under a master key that never is in the store.
 *
 * A sealed secret is bound to its owner (a connection, a CRM) and its name: moved to another row it does not open. The key
 * file may hold several keys, by id; the first seals, all open, so that keys are changed without a stop. An open vault is
 * immutable; any thread may use it.
 */
#ifndef CS_VAULT_VAULT_H
#define CS_VAULT_VAULT_H

#include <stdbool.h>
#include <stddef.h>
#include "util/err.h"
#include "util/mem.h"

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

/* Make a key file with one random key, mode 0600, on disk before return. CS_EEXIST: there is one, and it stays. */
int cs_vault_generate(const char *path, struct cs_err *err);

/* No core dumps, and no other process of this user reads our memory. Once, early in main. */
int cs_vault_harden_process(struct cs_err *err);

#endif
