/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fiber.h - stacks of their own for calls that wait.
 *
 * A fiber runs a function on a stack from a pool until it yields or ends; the thread that owns the pool resumes it. One
 * thread per pool, fibers are never nested. Sanitizers and valgrind are told about every switch.
 */
#ifndef CS_PLUGHOST_FIBER_H
#define CS_PLUGHOST_FIBER_H

#include <stdbool.h>
#include <stddef.h>
#include "util/err.h"

#define CS_FIBER_STACK ((size_t)256 << 10)
#define CS_FIBER_GUARD ((size_t)1 << 20) /* below each stack, no access: no frame of ours jumps over it */

struct cs_fiber;
struct cs_fiber_pool;

/* Reserve address space for `max` stacks; memory is used as they are. NULL with err filled when there is none. */
struct cs_fiber_pool *cs_fiber_pool_new(size_t max, struct cs_err *err);
/* No fiber may be running; what waits is forgotten without unwinding. NULL is fine. */
void cs_fiber_pool_free(struct cs_fiber_pool *p);
/* The stack that was given back last, to run fn(arg) at the first resume. NULL: all are taken. */
struct cs_fiber *cs_fiber_take(struct cs_fiber_pool *p, void (*fn)(void *), void *arg);
/* Run it. True: it has yielded; false: it has ended and its stack is back in the pool. Not from within a fiber. */
bool cs_fiber_resume(struct cs_fiber *f);
/* From within a fiber: back to whoever resumed it. */
void cs_fiber_yield(void);
/* From within a fiber: end without returning through the frames above. */
_Noreturn void cs_fiber_exit(void);
/* Is this address in the guard below one of the stacks? May be asked in a signal handler. */
bool cs_fiber_in_guard(const struct cs_fiber_pool *p, const void *at);

#endif
