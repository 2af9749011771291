/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue.c - the hand-off list.
 *
 * Only the producer that finds the list empty wakes the consumer: whoever comes later is seen by the same take.
 * Closing wakes too, so that a consumer which sleeps in its own loop learns of it.
 */
#include "util/queue.h"

#include <errno.h>
#include <time.h>
#include "util/err.h"

void
cs_handoff_init(struct cs_handoff *q, void (*wake)(void *), void *ctx)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&q->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&q->filled, &attr);
	pthread_condattr_destroy(&attr);
	cs_list_init(&q->items);
	q->n = 0;
	q->closed = false;
	q->wake = wake;
	q->ctx = ctx;
}

void
cs_handoff_fini(struct cs_handoff *q)
{
	pthread_cond_destroy(&q->filled);
	pthread_mutex_destroy(&q->lock);
}

/* Of this thread. More queues than it has room for are woken at once. */
static __thread struct {
	struct cs_handoff *queues[8];
	unsigned int n;
	bool on;
} held;

static void
wake_consumer(struct cs_handoff *q)
{
	if (q->wake != NULL)
		q->wake(q->ctx);
}

static void
wake_or_hold(struct cs_handoff *q)
{
	unsigned int i = 0;

	while (held.on && i < held.n && held.queues[i] != q)
		i++;
	if (!held.on || i == CS_ARRAY_LEN(held.queues))
		wake_consumer(q);
	else if (i == held.n)
		held.queues[held.n++] = q;
}

void
cs_handoff_hold(void)
{
	held.on = true;
}

void
cs_handoff_let_go(void)
{
	held.on = false;
	while (held.n > 0)
		wake_consumer(held.queues[--held.n]);
}

bool
cs_handoff_put(struct cs_handoff *q, struct cs_list *node)
{
	bool was_empty;

	pthread_mutex_lock(&q->lock);
	if (q->closed) {
		pthread_mutex_unlock(&q->lock);
		return false;
	}
	was_empty = q->n++ == 0;
	cs_list_push(&q->items, node);
	if (was_empty)
		pthread_cond_signal(&q->filled);
	pthread_mutex_unlock(&q->lock);
	if (was_empty)
		wake_or_hold(q);
	return true;
}

static size_t
take_locked(struct cs_handoff *q, struct cs_list *out)
{
	size_t n = q->n;

	cs_list_splice(out, &q->items);
	q->n = 0;
	return n;
}

size_t
cs_handoff_take(struct cs_handoff *q, struct cs_list *out)
{
	size_t n;

	pthread_mutex_lock(&q->lock);
	n = take_locked(q, out);
	pthread_mutex_unlock(&q->lock);
	return n;
}

static struct timespec
deadline_after(int timeout_ms)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec += timeout_ms / 1000;
	ts.tv_nsec += timeout_ms % 1000 * 1000000L;
	if (ts.tv_nsec >= 1000000000L) {
		ts.tv_sec++;
		ts.tv_nsec -= 1000000000L;
	}
	return ts;
}

size_t
cs_handoff_wait(struct cs_handoff *q, struct cs_list *out, int timeout_ms)
{
	struct timespec until = deadline_after(timeout_ms < 0 ? 0 : timeout_ms);
	size_t n;

	pthread_mutex_lock(&q->lock);
	while (q->n == 0 && !q->closed) {
		if (timeout_ms < 0)
			pthread_cond_wait(&q->filled, &q->lock);
		else if (pthread_cond_timedwait(&q->filled, &q->lock, &until) == ETIMEDOUT)
			break;
	}
	n = take_locked(q, out);
	pthread_mutex_unlock(&q->lock);
	return n;
}

size_t
cs_handoff_len(struct cs_handoff *q)
{
	size_t n;

	pthread_mutex_lock(&q->lock);
	n = q->n;
	pthread_mutex_unlock(&q->lock);
	return n;
}

void
cs_handoff_close(struct cs_handoff *q)
{
	pthread_mutex_lock(&q->lock);
	q->closed = true;
	pthread_cond_broadcast(&q->filled);
	pthread_mutex_unlock(&q->lock);
	wake_consumer(q);
}
