/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spares.h - memory blocks of one size that go round between threads.
 *
 * One thread takes a block for each lead, another gives it back. malloc would hand each over between its arenas under their locks; here
 * a short lock and the block that was used last suffice. A bounded number is kept, so a burst does not stay for ever. A block comes
 * with what its last user left in it.
 */
#ifndef CS_UTIL_SPARES_H
#define CS_UTIL_SPARES_H

#include <pthread.h>
#include <stddef.h>

struct cs_spares {
	pthread_mutex_t lock;
	void *first;        /* each begins with the address of the next */
	size_t n, most, size;
};
void cs_spares_init(struct cs_spares *s, size_t size, size_t most);
void cs_spares_fini(struct cs_spares *s);
void *cs_spares_take(struct cs_spares *s);          /* any thread */
void cs_spares_give(struct cs_spares *s, void *block); /* any thread; NULL is fine */

#endif
