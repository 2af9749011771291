/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fiber.c - the stack pool and the switch.
 *
 * The pool is one reservation without access: [guard][stack][guard][stack]... A stack gets access when it is first taken
 * and is reused last-in first-out, so a quiet plugin lives on a few warm pages. On each stack a loop (`worker`) runs one
 * function after the other; a context is made only once per stack, or again after cs_fiber_exit has cut the loop off.
 * Stacks that a burst has touched are handed back to the kernel once the pool has been calm for a while.
 *
 * The switch: swapcontext makes a system call for the signal mask, 235 ns here and four times per push, a fifth of what
 * a call may cost. On x86-64 twelve instructions do it instead; elsewhere, and where the processor keeps shadow stacks
 * (which only libc knows how to switch), ucontext does.
 *
 * Everything that sanitizers and valgrind must hear about a switch is in leave() and arrive().
 */
#include "config.h"
#include "plughost/fiber.h"
#include "util/clock.h"
#include "util/mem.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#ifndef __has_include
#define __has_include(x) 0
#endif
#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#define WITH_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
#include <sanitizer/tsan_interface.h>
#define WITH_TSAN 1
#endif
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define VALGRIND_STACK_REGISTER(start, end) 0u
#define VALGRIND_STACK_DEREGISTER(id) ((void)(id))
#endif

#define WARM 64             /* stacks that keep their memory */
#ifndef CALM_US
#define CALM_US 5000000     /* so long after a burst */
#endif

struct context {
	void *sp;        /* x86-64 */
	ucontext_t *uc;  /* elsewhere */
	void *fake;      /* the address sanitizer's own frames of this stack */
	void *tsan;      /* the thread sanitizer's name for it */
};

struct cs_fiber {
	struct cs_fiber_pool *pool;
	struct context here;
	char *stack;           /* lowest byte */
	unsigned valgrind_id;
	bool mapped;           /* the stack has access */
	bool made;             /* `here` is the worker, waiting for work */
	bool ended;
	void (*fn)(void *);
	void *arg;
};

struct cs_fiber_pool {
	char *base;
	size_t max, n_seen, n_unused;      /* fibers[n_seen] and on were never taken */
	struct cs_fiber *fibers, **unused; /* unused[n_unused - 1] is taken next */
	struct context owner;              /* whoever resumed */
	const void *owner_stack;           /* as the address sanitizer knows it */
	size_t owner_stack_size;
	bool burst;                        /* more than WARM were busy ... */
	int64_t burst_us;                  /* ... last at this time */
};

static _Thread_local struct cs_fiber *current;

/* ---- the switch */

#if defined(__x86_64__) && !defined(CS_FIBER_UCONTEXT)
#define HAVE_PLAIN_SWITCH 1
/* Saves what the ABI says a function keeps, on the stack that is left; takes it from the stack that is entered. */
void cs_fiber_switch_stack(void **save_sp, void *load_sp) __attribute__((visibility("hidden")));
__asm__(".text\n"
	".p2align 4\n"
	".globl cs_fiber_switch_stack\n"
	".hidden cs_fiber_switch_stack\n"
	".type cs_fiber_switch_stack, @function\n"
	"cs_fiber_switch_stack:\n"
	"	endbr64\n"
	"	pushq %rbp\n	pushq %rbx\n	pushq %r12\n	pushq %r13\n	pushq %r14\n	pushq %r15\n"
	"	subq $8, %rsp\n	stmxcsr (%rsp)\n	fnstcw 4(%rsp)\n"
	"	movq %rsp, (%rdi)\n"
	"	movq %rsi, %rsp\n"
	"	ldmxcsr (%rsp)\n	fldcw 4(%rsp)\n	addq $8, %rsp\n"
	"	popq %r15\n	popq %r14\n	popq %r13\n	popq %r12\n	popq %rbx\n	popq %rbp\n"
	"	ret\n"
	".size cs_fiber_switch_stack, .-cs_fiber_switch_stack\n"
	".previous\n");

static bool
plain_switch(void)
{
	uint64_t shadow = 0;

	__asm__ volatile("rdsspq %0" : "+r"(shadow)); /* does nothing where there is no shadow stack */
	return shadow == 0;
}

/* The stack looks as if `fn` had been about to be returned to from a switch. */
static void
make_plain(struct context *c, char *stack, void (*fn)(void))
{
	uint64_t *top = (uint64_t *)(void *)(stack + CS_FIBER_STACK);
	uint32_t vector_control;
	uint16_t float_control;

	__asm__ volatile("stmxcsr %0\n	fnstcw %1" : "=m"(vector_control), "=m"(float_control));
	top[-1] = 0; /* fn's return address: none */
	top[-2] = (uint64_t)(uintptr_t)fn;
	memset(&top[-9], 0, 7 * sizeof(*top));
	memcpy(&top[-9], &vector_control, sizeof(vector_control));
	memcpy((char *)&top[-9] + 4, &float_control, sizeof(float_control));
	c->sp = &top[-9];
}
#endif

static void
make(struct context *c, char *stack, void (*fn)(void))
{
#ifdef HAVE_PLAIN_SWITCH
	if (plain_switch()) {
		make_plain(c, stack, fn);
		return;
	}
#endif
	if (c->uc == NULL)
		c->uc = cs_xcalloc(1, sizeof(*c->uc));
	getcontext(c->uc);
	c->uc->uc_stack.ss_sp = stack;
	c->uc->uc_stack.ss_size = CS_FIBER_STACK;
	c->uc->uc_link = NULL;
	makecontext(c->uc, fn, 0);
}

static void
switch_to(struct context *from, struct context *to)
{
#ifdef HAVE_PLAIN_SWITCH
	if (to->uc == NULL) {
		cs_fiber_switch_stack(&from->sp, to->sp);
		return;
	}
#endif
	if (from->uc == NULL)
		from->uc = cs_xcalloc(1, sizeof(*from->uc));
	swapcontext(from->uc, to->uc);
}

/* ---- what the tools are told */

/* Before leaving the stack of `from` (for good: `last`) for [stack, stack + size). */
static void
leave(struct context *from, struct context *to, const void *stack, size_t size, bool last)
{
#ifdef WITH_ASAN
	__sanitizer_start_switch_fiber(last ? NULL : &from->fake, stack, size);
#endif
#ifdef WITH_TSAN
	__tsan_switch_to_fiber(to->tsan, 0);
#endif
	(void)from, (void)to, (void)stack, (void)size, (void)last;
}

static void
arrive(struct context *here, const void **from_stack, size_t *from_size)
{
#ifdef WITH_ASAN
	__sanitizer_finish_switch_fiber(here->fake, from_stack, from_size);
#endif
	(void)here, (void)from_stack, (void)from_size;
}

/* Frames that were cut off have left their marks on the stack. */
static void
forget_frames(struct cs_fiber *f)
{
#ifdef WITH_ASAN
	__asan_unpoison_memory_region(f->stack, CS_FIBER_STACK);
#endif
	f->here.fake = NULL;
#ifdef WITH_TSAN
	if (f->here.tsan != NULL)
		__tsan_destroy_fiber(f->here.tsan);
	f->here.tsan = __tsan_create_fiber(0);
#endif
}

/* ---- inside a fiber */

static void
back_to_owner(struct cs_fiber *f, bool last)
{
	struct cs_fiber_pool *p = f->pool;

	leave(&f->here, &p->owner, p->owner_stack, p->owner_stack_size, last);
	switch_to(&f->here, &p->owner);
	arrive(&f->here, &p->owner_stack, &p->owner_stack_size);
}

static void
worker(void)
{
	struct cs_fiber *f = current;

	arrive(&f->here, &f->pool->owner_stack, &f->pool->owner_stack_size);
	for (;;) {
		f->fn(f->arg);
		f->ended = true;
		back_to_owner(f, false);
	}
}

void
cs_fiber_yield(void)
{
	back_to_owner(current, false);
}

_Noreturn void
cs_fiber_exit(void)
{
	struct cs_fiber *f = current;

	f->ended = true;
	f->made = false;
	back_to_owner(f, true);
	__builtin_unreachable();
}

/* ---- the pool */

struct cs_fiber_pool *
cs_fiber_pool_new(size_t max, struct cs_err *err)
{
	size_t each = CS_FIBER_GUARD + CS_FIBER_STACK;
	struct cs_fiber_pool *p;
	void *base;

	base = mmap(NULL, max * each, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED) {
		cs_err_set(err, CS_ENOMEM, "no address space for %zu stacks of plugin calls: %s", max, strerror(errno));
		return NULL;
	}
	p = cs_xcalloc(1, sizeof(*p));
	p->base = base;
	p->max = max;
	p->fibers = cs_xcalloc(max, sizeof(*p->fibers)); /* memory of those that are never taken is never touched */
	p->unused = cs_xcalloc(max, sizeof(*p->unused));
	return p;
}

void
cs_fiber_pool_free(struct cs_fiber_pool *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->n_seen; i++) {
		if (!p->fibers[i].mapped)
			continue;
		VALGRIND_STACK_DEREGISTER(p->fibers[i].valgrind_id);
		forget_frames(&p->fibers[i]);
#ifdef WITH_TSAN
		__tsan_destroy_fiber(p->fibers[i].here.tsan);
#endif
		cs_freep(&p->fibers[i].here.uc);
	}
	munmap(p->base, p->max * (CS_FIBER_GUARD + CS_FIBER_STACK));
	cs_freep(&p->owner.uc);
	cs_freep(&p->unused);
	cs_freep(&p->fibers);
	cs_freep(&p);
}

static bool
map_stack(struct cs_fiber *f)
{
	if (mprotect(f->stack, CS_FIBER_STACK, PROT_READ | PROT_WRITE) != 0)
		return false;
	f->valgrind_id = VALGRIND_STACK_REGISTER(f->stack, f->stack + CS_FIBER_STACK);
	f->mapped = true;
	return true;
}

static size_t
busy(const struct cs_fiber_pool *p)
{
	return p->n_seen - p->n_unused;
}

/* The one that was given back last, or one that was never taken; NULL: all are taken. */
static struct cs_fiber *
next_fiber(struct cs_fiber_pool *p)
{
	struct cs_fiber *f;

	if (p->n_unused > 0)
		return p->unused[p->n_unused - 1];
	if (p->n_seen == p->max)
		return NULL;
	f = &p->fibers[p->n_seen];
	f->pool = p;
	f->stack = p->base + p->n_seen * (CS_FIBER_GUARD + CS_FIBER_STACK) + CS_FIBER_GUARD;
	p->unused[p->n_unused++] = f;
	p->n_seen++;
	return f;
}

struct cs_fiber *
cs_fiber_take(struct cs_fiber_pool *p, void (*fn)(void *), void *arg)
{
	struct cs_fiber *f = next_fiber(p);

	if (f == NULL || (!f->mapped && !map_stack(f)))
		return NULL;
	p->n_unused--;
	p->burst |= busy(p) > WARM;
	f->fn = fn;
	f->arg = arg;
	f->ended = false;
	if (!f->made) {
		forget_frames(f);
		make(&f->here, f->stack, worker);
		f->made = true;
	}
	return f;
}

/* No fiber is busy: those above WARM give their memory back, in the order in which they will be taken again. */
static void
cool_down(struct cs_fiber_pool *p)
{
	for (size_t i = 0; i < p->n_seen; i++) {
		struct cs_fiber *f = &p->fibers[i];

		p->unused[p->n_seen - 1 - i] = f;
		if (i < WARM || !f->made)
			continue;
		madvise(f->stack, CS_FIBER_STACK, MADV_DONTNEED);
		f->made = false;
	}
	p->burst = false;
}

static void
give_back(struct cs_fiber *f)
{
	struct cs_fiber_pool *p = f->pool;

	p->unused[p->n_unused++] = f;
	if (!p->burst)
		return;
	if (busy(p) >= WARM)
		p->burst_us = cs_mono_us();
	else if (busy(p) == 0 && cs_mono_us() - p->burst_us > CALM_US)
		cool_down(p);
}

bool
cs_fiber_resume(struct cs_fiber *f)
{
	struct cs_fiber_pool *p = f->pool;

	current = f;
#ifdef WITH_TSAN
	p->owner.tsan = __tsan_get_current_fiber();
#endif
	leave(&p->owner, &f->here, f->stack, CS_FIBER_STACK, false);
	switch_to(&p->owner, &f->here);
	arrive(&p->owner, NULL, NULL);
	current = NULL;
	if (!f->ended)
		return true;
	give_back(f);
	return false;
}

bool
cs_fiber_in_guard(const struct cs_fiber_pool *p, const void *at)
{
	size_t each = CS_FIBER_GUARD + CS_FIBER_STACK, offset = (size_t)((uintptr_t)at - (uintptr_t)p->base);

	return (uintptr_t)at >= (uintptr_t)p->base && offset < p->max * each && offset % each < CS_FIBER_GUARD;
}
