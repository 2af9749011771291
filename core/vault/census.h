/* SPDX-License-Identifier: Apache-2.0 */
/*
 * census.h - which master keys the stored secrets need, and taking over a key file that was changed.
 *
 * A key may be deleted from the file only when no secret needs it any more. So a changed file is taken over whole, or not at
 * all when it lacks a key under which something is sealed.
 */
#ifndef CS_VAULT_CENSUS_H
#define CS_VAULT_CENSUS_H

#include "store/store.h"
#include "vault/vault.h"

#define CS_CENSUS_MAX 64

struct cs_census_row {
	char id[CS_VAULT_ID_MAX + 1]; /* "": secrets that are damaged */
	bool in_file, seals;
	int64_t secrets;
};
struct cs_census {
	struct cs_census_row v[CS_CENSUS_MAX]; /* the keys of the file in its order, then those that are missing */
	int n;
	int64_t stale;      /* secrets to be sealed anew */
	int64_t unreadable; /* secrets whose key is missing, and damaged ones */
};

/* Count the secrets of the store, read in small pages. vault NULL: there is no key. 0 or what the store said. */
int cs_census_take(struct cs_store *s, const struct cs_vault *vault, struct cs_census *out, struct cs_err *err);
/*
 * Read the key file of this vault again. CS_ESTATE when it lacks a key that is in use and that the vault has: the keys stay as
 * they are. Any thread that has a handle of the store.
 */
int cs_census_reload(struct cs_store *s, struct cs_vault *vault, struct cs_err *err);

#endif
