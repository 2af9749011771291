/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list.h - intrusive doubly linked ring, and an intrusive binary heap.
 *
 * The object carries its own node, so linking allocates nothing and an object can take itself off in O(1).
 * A node that is not on a list points at itself (after cs_list_init). No locks: the owner's thread only.
 */
#ifndef CS_UTIL_LIST_H
#define CS_UTIL_LIST_H

#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>

struct cs_list {
	struct cs_list *next, *prev;
};

#define CS_CONTAINER(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define CS_LIST_EACH(pos, head) for (struct cs_list *pos = (head)->next; pos != (head); pos = pos->next)
#define CS_LIST_EACH_SAFE(pos, tmp, head)                                                                        \
	for (struct cs_list *pos = (head)->next, *tmp = pos->next; pos != (head); pos = tmp, tmp = pos->next)

static inline void
cs_list_init(struct cs_list *l)
{
	l->next = l->prev = l;
}

static inline bool
cs_list_empty(const struct cs_list *l)
{
	return l->next == l;
}

static inline void
cs_list_insert_before(struct cs_list *at, struct cs_list *node)
{
	node->prev = at->prev;
	node->next = at;
	at->prev->next = node;
	at->prev = node;
}

static inline void
cs_list_push(struct cs_list *head, struct cs_list *node) /* at the end */
{
	cs_list_insert_before(head, node);
}

static inline void
cs_list_del(struct cs_list *node) /* harmless on a node that is on no list */
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	cs_list_init(node);
}

static inline struct cs_list *
cs_list_first(const struct cs_list *head) /* NULL when empty */
{
	return head->next == head ? NULL : head->next;
}

static inline struct cs_list *
cs_list_pop(struct cs_list *head)
{
	struct cs_list *n = cs_list_first(head);

	if (n != NULL)
		cs_list_del(n);
	return n;
}

/* Move everything of `from` behind what `to` has; `from` is empty afterwards. */
static inline void
cs_list_splice(struct cs_list *to, struct cs_list *from)
{
	if (from->next == from)
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	cs_list_init(from);
}

/* ---- heap: smallest key first; a node knows its place, so moving and removing are O(log n) */
struct cs_heap_node {
	int64_t key;
	size_t place; /* 1-based; 0: in no heap */
};
struct cs_heap {
	struct cs_heap_node **v;
	size_t n, cap;
};
void cs_heap_init(struct cs_heap *h);
void cs_heap_fini(struct cs_heap *h);
/* Insert, or move if it is in already. */
void cs_heap_put(struct cs_heap *h, struct cs_heap_node *n, int64_t key);
void cs_heap_del(struct cs_heap *h, struct cs_heap_node *n); /* harmless if not in */
struct cs_heap_node *cs_heap_min(const struct cs_heap *h);   /* NULL when empty */

#endif
