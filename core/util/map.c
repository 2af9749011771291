/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map.c - the hash table, and the keyed hash of this process.
 *
 * Linear probing, at most three quarters full. Ids are often consecutive, so the key is mixed before it picks a slot.
 * Deleting moves later members of the run back into the hole, so there are no tombstones and look-ups stay short
 * however much comes and goes.
 */
#include "util/map.h"
#include "util/mem.h"
#include "util/text.h"

#include <assert.h>
#include <endian.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static size_t
home(const struct cs_map *m, uint64_t key)
{
	key ^= key >> 32;
	key *= 0x9e3779b97f4a7c15ULL;
	key ^= key >> 29;
	return (size_t)key & (m->cap - 1);
}

void
cs_map_init(struct cs_map *m)
{
	m->v = NULL;
	m->n = m->cap = 0;
}

void
cs_map_fini(struct cs_map *m)
{
	free(m->v);
	cs_map_init(m);
}

/* The slot that holds key, or the free one where it would go. cap > 0. */
static struct cs_map_slot *
find(const struct cs_map *m, uint64_t key)
{
	size_t i = home(m, key);

	while (m->v[i].val != NULL && m->v[i].key != key)
		i = (i + 1) & (m->cap - 1);
	return &m->v[i];
}

void *
cs_map_get(const struct cs_map *m, uint64_t key)
{
	return m->n == 0 ? NULL : find(m, key)->val;
}

static void
grow(struct cs_map *m)
{
	struct cs_map bigger = { .n = m->n, .cap = m->cap == 0 ? 8 : m->cap * 2 };

	bigger.v = cs_xcalloc(bigger.cap, sizeof(*bigger.v));
	for (size_t i = 0; i < m->cap; i++)
		if (m->v[i].val != NULL)
			*find(&bigger, m->v[i].key) = m->v[i];
	free(m->v);
	*m = bigger;
}

void
cs_map_put(struct cs_map *m, uint64_t key, void *val)
{
	struct cs_map_slot *s;

	assert(val != NULL);
	if (m->n + 1 > m->cap / 4 * 3)
		grow(m);
	s = find(m, key);
	if (s->val == NULL)
		m->n++;
	s->key = key;
	s->val = val;
}

void *
cs_map_del(struct cs_map *m, uint64_t key)
{
	struct cs_map_slot *s = m->n == 0 ? NULL : find(m, key);
	size_t hole, i, mask = m->cap - 1;
	void *val;

	if (s == NULL || s->val == NULL)
		return NULL;
	val = s->val;
	hole = (size_t)(s - m->v);
	for (i = (hole + 1) & mask; m->v[i].val != NULL; i = (i + 1) & mask) {
		if (((i - home(m, m->v[i].key)) & mask) < ((i - hole) & mask))
			continue; /* its home lies behind the hole */
		m->v[hole] = m->v[i];
		hole = i;
	}
	m->v[hole].val = NULL;
	m->n--;
	return val;
}

void *
cs_map_next(const struct cs_map *m, size_t *at, uint64_t *key)
{
	while (*at < m->cap) {
		struct cs_map_slot *s = &m->v[(*at)++];

		if (s->val == NULL)
			continue;
		if (key != NULL)
			*key = s->key;
		return s->val;
	}
	return NULL;
}

/* ---- SipHash-2-4 (Aumasson, Bernstein) */

static uint64_t
load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

static inline uint64_t
rotl(uint64_t v, int by)
{
	return v << by | v >> (64 - by);
}

static inline void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

static inline void
sip_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	sip_round(v);
	v[0] ^= word;
}

uint64_t
cs_siphash24(const uint8_t key[16], const void *p, size_t n)
{
	const uint8_t *in = p;
	uint64_t k0 = load64(key), k1 = load64(key + 8), last = (uint64_t)n << 56;
	uint64_t v[4] = { k0 ^ 0x736f6d6570736575ULL, k1 ^ 0x646f72616e646f6dULL, k0 ^ 0x6c7967656e657261ULL,
		          k1 ^ 0x7465646279746573ULL };

	for (; n >= 8; in += 8, n -= 8)
		sip_word(v, load64(in));
	for (size_t i = 0; i < n; i++)
		last |= (uint64_t)in[i] << (8 * i);
	sip_word(v, last);
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static uint8_t process_key[16];
static pthread_once_t key_once = PTHREAD_ONCE_INIT;

static void
make_key(void)
{
	cs_random_bytes(process_key, sizeof(process_key));
}

uint64_t
cs_hash64(const void *p, size_t n)
{
	pthread_once(&key_once, make_key);
	return cs_siphash24(process_key, p, n);
}

uint64_t
cs_hash64_str(const char *s)
{
	return cs_hash64(s, strlen(s));
}
