/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spares.c - see spares.h.
 */
#include "util/spares.h"
#include <stdlib.h>
#include <string.h>
#include "util/mem.h"

void
cs_spares_init(struct cs_spares *s, size_t size, size_t most)
{
	pthread_mutex_init(&s->lock, NULL);
	s->first = NULL;
	s->n = 0;
	s->most = most;
	s->size = size < sizeof(void *) ? sizeof(void *) : size;
}

void
cs_spares_fini(struct cs_spares *s)
{
	void *next;

	for (void *block = s->first; block != NULL; block = next) {
		memcpy(&next, block, sizeof(next));
		free(block);
	}
	pthread_mutex_destroy(&s->lock);
}

void *
cs_spares_take(struct cs_spares *s)
{
	void *block;

	pthread_mutex_lock(&s->lock);
	if ((block = s->first) != NULL) {
		memcpy(&s->first, block, sizeof(s->first));
		s->n--;
	}
	pthread_mutex_unlock(&s->lock);
	return block != NULL ? block : cs_xmalloc(s->size);
}

void
cs_spares_give(struct cs_spares *s, void *block)
{
	bool kept;

	if (block == NULL)
		return;
	pthread_mutex_lock(&s->lock);
	kept = s->n < s->most;
	if (kept) {
		memcpy(block, &s->first, sizeof(s->first));
		s->first = block;
		s->n++;
	}
	pthread_mutex_unlock(&s->lock);
	if (!kept)
		free(block);
}
