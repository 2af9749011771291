/* SPDX-License-Identifier: Apache-2.0 */
/*
 * errors.c - the list of faults, and the guess behind "did you mean".
 *
 * A guess is made by edit distance (insert, delete, replace, swap neighbours); a third of the word may be wrong. A name
 * given without its group ("max_wait" for "schedule.max_wait") is near, too.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "conf/errors.h"
#include "util/mem.h"

#define WORD_MAX 64

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

static size_t
min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/* Optimal string alignment over three rows. Both words are shorter than WORD_MAX. */
static size_t
distance(const char *a, const char *b)
{
	size_t rows[3][WORD_MAX + 1], *before = rows[0], *last = rows[1], *row = rows[2];
	size_t la = strlen(a), lb = strlen(b);

	for (size_t j = 0; j <= lb; j++)
		last[j] = j;
	memset(before, 0, sizeof(rows[0]));
	for (size_t i = 1; i <= la; i++) {
		size_t *oldest = before;

		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			row[j] = min3(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < row[j])
				row[j] = before[j - 2] + 1;
		}
		before = last;
		last = row;
		row = oldest;
	}
	return last[lb];
}

static const char *
leaf(const char *key)
{
	const char *dot = strrchr(key, '.');

	return dot != NULL ? dot + 1 : key;
}

const char *
cs_conf_nearest(const char *word, const char *const *words, size_t n)
{
	const char *best = NULL;
	size_t best_d = strlen(word) / 3 + 1;

	if (strlen(word) >= WORD_MAX)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		size_t d = strlen(words[i]) < WORD_MAX ? distance(word, words[i]) : WORD_MAX;

		if (d > 1 && strcmp(leaf(word), leaf(words[i])) == 0)
			d = 1;
		if (d < best_d || (d == best_d && best == NULL)) {
			best = words[i];
			best_d = d;
		}
	}
	return best;
}
