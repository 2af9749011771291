/* SPDX-License-Identifier: Apache-2.0 */
/* heap.h - how many bytes this process has allocated and not given back, exactly. */
#ifndef CS_CHECK_HEAP_H
#define CS_CHECK_HEAP_H

#include <stddef.h>

size_t cs_heap_in_use(void);

#endif
