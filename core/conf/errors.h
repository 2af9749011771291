/* SPDX-License-Identifier: Apache-2.0 */
/*
 * errors.h - everything that is wrong with the configuration, told at once.
 *
 * Reading goes on after a fault, so that an operator mends a file in one go. An entry says where (file, line), which
 * option, what is wrong and what is allowed. Texts never hold the value of a secret. One thread.
 */
#ifndef CS_CONF_ERRORS_H
#define CS_CONF_ERRORS_H

#include <stddef.h>
#include <stdio.h>
#include "util/err.h"

struct cs_conf_place { /* where something was written */
	const char *file;
	int line; /* 0: nowhere, or the file as a whole */
};

struct cs_conf_error {
	char *file, *option, *msg, *allowed; /* option and allowed may be NULL */
	int line;
};
struct cs_conf_errors { /* all zero is ready */
	struct cs_conf_error *v;
	size_t n, cap;
};

void cs_conf_errors_fini(struct cs_conf_errors *e);
/* Everything is copied. option: full name ("store.path") or NULL; allowed: what would be right, or NULL. */
void cs_conf_errors_add(struct cs_conf_errors *e, struct cs_conf_place at, const char *option, const char *allowed,
                        const char *fmt, ...) CS_PRINTF_LIKE(5, 6);
/* "FILE:LINE: OPTION: what is wrong (allowed: ...)" in one line, cut to cap; returns out. */
char *cs_conf_error_text(const struct cs_conf_error *e, char *out, size_t cap);
/* One line each. */
void cs_conf_errors_print(const struct cs_conf_errors *e, FILE *to);

#endif
