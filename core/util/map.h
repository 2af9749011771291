/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map.h - hash table from 64-bit keys to pointers (open addressing, grows, never shrinks below what it holds).
 *
 * Keys are ids, or cs_hash64() of something longer; where two things may share a hash the value tells them apart.
 * The owner's thread only. cs_hash64 is keyed with a secret of this process (SipHash-2-4), so a stranger cannot choose
 * colliding callers; never store it.
 */
#ifndef CS_UTIL_MAP_H
#define CS_UTIL_MAP_H

#include <stddef.h>
#include <stdint.h>

struct cs_map_slot {
	uint64_t key;
	void *val; /* NULL: free */
};
struct cs_map {
	struct cs_map_slot *v;
	size_t n, cap; /* cap is 0 or a power of two */
};
void cs_map_init(struct cs_map *m);
void cs_map_fini(struct cs_map *m);
void *cs_map_get(const struct cs_map *m, uint64_t key);      /* NULL if not there */
void cs_map_put(struct cs_map *m, uint64_t key, void *val);  /* replaces; val must not be NULL */
void *cs_map_del(struct cs_map *m, uint64_t key);            /* the value that was there, or NULL */
/* Walk: start with *at = 0; returns NULL at the end. Do not put or del between steps. */
void *cs_map_next(const struct cs_map *m, size_t *at, uint64_t *key);

uint64_t cs_hash64(const void *p, size_t n);
uint64_t cs_hash64_str(const char *s);
/* What is behind it, with a key of one's own. */
uint64_t cs_siphash24(const uint8_t key[16], const void *p, size_t n);

#endif
