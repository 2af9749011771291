/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heap.c - malloc and its kin, counted.
 *
 * mallinfo counts what a thread's cache holds as used, so small leaks drown in it. A program's own malloc is used by all
 * its libraries, plugins included; these add up what they hand out and leave the work to libc. Sanitizers count by
 * themselves.
 */
#include "config.h"
#include "check/heap.h"

#ifdef CS_SANITIZED
extern size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

size_t
cs_heap_in_use(void)
{
	return __sanitizer_get_current_allocated_bytes ? __sanitizer_get_current_allocated_bytes() : 0;
}

size_t
cs_heap_blocks(void)
{
	return cs_heap_in_use();
}
#else
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);
extern void *__libc_memalign(size_t alignment, size_t n);
extern void __libc_free(void *p);

static size_t in_use, blocks;

size_t
cs_heap_in_use(void)
{
	return in_use;
}

size_t
cs_heap_blocks(void)
{
	return blocks;
}

static void *
counted(void *p)
{
	if (p) {
		in_use += malloc_usable_size(p);
		blocks++;
	}
	return p;
}

static void
uncount(void *p)
{
	if (p) {
		in_use -= malloc_usable_size(p);
		blocks--;
	}
}

void *
malloc(size_t n)
{
	return counted(__libc_malloc(n));
}

void *
calloc(size_t n, size_t size)
{
	return counted(__libc_calloc(n, size));
}

void *
realloc(void *p, size_t n)
{
	size_t before = p ? malloc_usable_size(p) : 0;
	void *q = __libc_realloc(p, n);

	if (p && (q || n == 0)) {
		in_use -= before;
		blocks--;
	}
	return counted(q);
}

void
free(void *p)
{
	uncount(p);
	__libc_free(p);
}

void *
memalign(size_t alignment, size_t n)
{
	return counted(__libc_memalign(alignment, n));
}

void *
aligned_alloc(size_t alignment, size_t n)
{
	return counted(__libc_memalign(alignment, n));
}

int
posix_memalign(void **out, size_t alignment, size_t n)
{
	void *p = counted(__libc_memalign(alignment, n));

	if (!p)
		return ENOMEM;
	*out = p;
	return 0;
}
#endif
