/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filters.h - what stands behind '|' in an expression; data.c lists them.
 */
#ifndef CS_SANDBOX_FILTERS_H
#define CS_SANDBOX_FILTERS_H

#include <stdbool.h>
#include <stddef.h>
#include "util/json.h"

bool cs_sb_filter_known(const char *name);
/* Replace *v by its filtered form. `there`: whether *v is a value at all; returns the same about the result. */
bool cs_sb_filter(const char *name, const char *arg, json_object **v, bool there);
/* %XX (and '+' in forms) decoded; bytes that are no UTF-8 or NUL come out as '?'. The caller's. */
char *cs_sb_percent_decode(const char *s, size_t n, bool form);

#endif
