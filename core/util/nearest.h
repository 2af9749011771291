/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nearest.h - the guess behind "did you mean".
 */
#ifndef CS_UTIL_NEAREST_H
#define CS_UTIL_NEAREST_H

#include <stddef.h>

/* The word of `words` that `word` was probably meant to be, or NULL when none is near. */
const char *cs_nearest(const char *word, const char *const *words, size_t n);

#endif
