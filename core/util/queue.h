/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue.h - handing work from many threads to one, with one wake-up per batch.
 *
 * Producers link intrusive nodes under a mutex; the consumer takes the whole list at once. The consumer is woken only
 * when the queue was empty before, by whatever its loop understands (an eventfd, curl_multi_wakeup, a condition). A producer that is
 * about to put many things in many queues holds these wake-ups until it is through (cs_handoff_hold).
 */
#ifndef CS_UTIL_QUEUE_H
#define CS_UTIL_QUEUE_H

#include <pthread.h>
#include <stdint.h>
#include "util/list.h"

struct cs_handoff {
	pthread_mutex_t lock;
	pthread_cond_t filled;  /* for consumers that wait with cs_handoff_wait */
	struct cs_list items;
	size_t n;
	bool closed;
	void (*wake)(void *ctx); /* called outside the lock, by the producer that found it empty or when it lets go; may be NULL */
	void *ctx;
};
void cs_handoff_init(struct cs_handoff *q, void (*wake)(void *), void *ctx);
void cs_handoff_fini(struct cs_handoff *q);
/* False when closed: the node stays the caller's. */
bool cs_handoff_put(struct cs_handoff *q, struct cs_list *node);
/* Everything there is, moved to the end of *out; returns how many. */
size_t cs_handoff_take(struct cs_handoff *q, struct cs_list *out);
/* The same, but wait up to timeout_ms (-1: for ever) for the first; 0 on time-out or when closed and empty. */
size_t cs_handoff_wait(struct cs_handoff *q, struct cs_list *out, int timeout_ms);
size_t cs_handoff_len(struct cs_handoff *q);
/* This thread's wake-ups wait from here to cs_handoff_let_go, and each queue is woken once then. Queues must live so long. */
void cs_handoff_hold(void);
void cs_handoff_let_go(void);
/* No more puts; waiters wake. What is in can still be taken. */
void cs_handoff_close(struct cs_handoff *q);

#endif
