/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nearest.c - the guess behind "did you mean".
 *
 * By edit distance (insert, delete, replace, swap neighbours); a third of the word may be wrong. A name given without its
 * group ("max_wait" for "schedule.max_wait") is near, too.
 */
#include "util/nearest.h"
#include <string.h>

#define WORD_MAX 64

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
cs_nearest(const char *word, const char *const *words, size_t n)
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
