/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list.c - the intrusive binary heap (the ring is all inline).
 *
 * v[0] is the smallest; the children of v[i] are v[2i+1] and v[2i+2]. A node's place is its index + 1, so that a node of
 * all zeroes is in no heap.
 */
#include "util/list.h"
#include "util/mem.h"

#include <stdlib.h>

void
cs_heap_init(struct cs_heap *h)
{
	h->v = NULL;
	h->n = h->cap = 0;
}

/* The nodes are their owners'; they forget the heap, so that they may enter another. */
void
cs_heap_fini(struct cs_heap *h)
{
	for (size_t i = 0; i < h->n; i++)
		h->v[i]->place = 0;
	free(h->v);
	cs_heap_init(h);
}

static void
settle(struct cs_heap *h, size_t i, struct cs_heap_node *n)
{
	h->v[i] = n;
	n->place = i + 1;
}

static size_t
sift_up(struct cs_heap *h, size_t i, struct cs_heap_node *n)
{
	while (i > 0 && h->v[(i - 1) / 2]->key > n->key) {
		settle(h, i, h->v[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	settle(h, i, n);
	return i;
}

static void
sift_down(struct cs_heap *h, size_t i, struct cs_heap_node *n)
{
	size_t child;

	while ((child = 2 * i + 1) < h->n) {
		if (child + 1 < h->n && h->v[child + 1]->key < h->v[child]->key)
			child++;
		if (h->v[child]->key >= n->key)
			break;
		settle(h, i, h->v[child]);
		i = child;
	}
	settle(h, i, n);
}

void
cs_heap_put(struct cs_heap *h, struct cs_heap_node *n, int64_t key)
{
	n->key = key;
	if (n->place == 0) {
		if (h->n == h->cap) {
			h->cap = h->cap == 0 ? 16 : h->cap * 2;
			h->v = cs_xrealloc(h->v, h->cap * sizeof(*h->v));
		}
		settle(h, h->n++, n);
	}
	sift_down(h, sift_up(h, n->place - 1, n), n);
}

void
cs_heap_del(struct cs_heap *h, struct cs_heap_node *n)
{
	size_t hole = n->place;
	struct cs_heap_node *last;

	if (hole == 0)
		return;
	n->place = 0;
	last = h->v[--h->n];
	if (last == n)
		return;
	sift_down(h, sift_up(h, hole - 1, last), last);
}

struct cs_heap_node *
cs_heap_min(const struct cs_heap *h)
{
	return h->n == 0 ? NULL : h->v[0];
}
