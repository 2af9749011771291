/* SPDX-License-Identifier: Apache-2.0 */
/* heap.h - what this process has allocated and not given back. */
#ifndef CS_CHECK_HEAP_H
#define CS_CHECK_HEAP_H

#include <stddef.h>

size_t cs_heap_in_use(void); /* bytes, as libc rounds them: the same request may be given a little more the next time */
size_t cs_heap_blocks(void); /* exact; with sanitizers bytes, which are exact there */

#endif
