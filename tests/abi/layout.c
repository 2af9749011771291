/* SPDX-License-Identifier: Apache-2.0 */
/* layout.c - the compiler holds a header against layout.h; as C11 and as C++17. */
#include <cs/plugin_v1.h>

#ifdef __cplusplus
#define ASSERT(what, text) static_assert(what, text)
#else
#define ASSERT(what, text) _Static_assert(what, text)
#endif
#define STRUCT(s, size) ASSERT(sizeof(struct s) == (size), "size of struct " #s);
#define MEMBER(s, m, at, size) \
	ASSERT(offsetof(struct s, m) == (at) && sizeof(((struct s *)0)->m) == (size), "place or size of " #s "." #m);
#define VALUE(name, value) ASSERT((name) == (value), "value of " #name);

#if defined(__LP64__)
#include "layout.h"
#endif
