/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keyfile.h - the file of master keys: who may touch it, and what stands in it. For vault.c.
 */
#ifndef CS_VAULT_KEYFILE_H
#define CS_VAULT_KEYFILE_H

#include <stdint.h>
#include <stddef.h>
#include "vault/vault.h"

#define CS_VAULT_KEY_LEN 32

struct cs_vault_key {
	char id[CS_VAULT_ID_MAX + 1];
	uint8_t key[CS_VAULT_KEY_LEN];
};

/* Fills keys[] (CS_VAULT_KEYS_MAX of them) in the order of the file and returns how many, or a negative CS_E*. */
int cs_keyfile_read(const char *path, struct cs_vault_key *keys, struct cs_err *err);
/* The same from text, for which `path` is only a name. */
int cs_keyfile_parse(const char *path, const char *text, size_t n, struct cs_vault_key *keys, struct cs_err *err);

#define CS_KEYFILE_MAX 4096
/* The file as it is, once its owner and mode were found good; returns its length, or a negative CS_E*. Wipe it. */
int cs_keyfile_slurp(const char *path, char text[CS_KEYFILE_MAX], struct cs_err *err);
/* Give a key the id that it has when the file names none. */
void cs_keyfile_fingerprint(struct cs_vault_key *k);

#endif
