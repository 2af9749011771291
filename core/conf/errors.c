/* SPDX-License-Identifier: Apache-2.0 */
/*
 * errors.c - the list of faults.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "conf/errors.h"
#include "util/mem.h"

void
cs_conf_errors_fini(struct cs_conf_errors *e)
{
	for (size_t i = 0; i < e->n; i++) {
		free(e->v[i].file);
		free(e->v[i].option);
		free(e->v[i].msg);
		free(e->v[i].allowed);
	}
	free(e->v);
	*e = (struct cs_conf_errors){ 0 };
}

static char *
copy(const char *s)
{
	return s != NULL ? cs_xstrdup(s) : NULL;
}

void
cs_conf_errors_add(struct cs_conf_errors *e, struct cs_conf_place at, const char *option, const char *allowed,
                   const char *fmt, ...)
{
	struct cs_buf msg = CS_BUF_INIT(0);
	va_list ap;

	va_start(ap, fmt);
	cs_buf_vprintf(&msg, fmt, ap);
	va_end(ap);
	if (e->n == e->cap) {
		e->cap = e->cap != 0 ? 2 * e->cap : 8;
		e->v = cs_xrealloc(e->v, e->cap * sizeof(*e->v));
	}
	e->v[e->n++] = (struct cs_conf_error){
		.file = copy(at.file),
		.option = copy(option),
		.msg = cs_xstrdup(cs_buf_str(&msg)),
		.allowed = allowed != NULL && allowed[0] != '\0' ? copy(allowed) : NULL,
		.line = at.line,
	};
	cs_buf_fini(&msg);
}

char *
cs_conf_error_text(const struct cs_conf_error *e, char *out, size_t cap)
{
	char line[16] = "";

	if (e->line > 0)
		snprintf(line, sizeof(line), ":%d", e->line);
	snprintf(out, cap, "%s%s: %s%s%s%s%s%s", e->file != NULL ? e->file : "configuration", line,
	         e->option != NULL ? e->option : "", e->option != NULL ? ": " : "", e->msg,
	         e->allowed != NULL ? " (allowed: " : "", e->allowed != NULL ? e->allowed : "",
	         e->allowed != NULL ? ")" : "");
	return out;
}

void
cs_conf_errors_print(const struct cs_conf_errors *e, FILE *to)
{
	char text[2048];

	for (size_t i = 0; i < e->n; i++)
		fprintf(to, "%s\n", cs_conf_error_text(&e->v[i], text, sizeof(text)));
}
