/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fields.h - reading JSON objects by tables of their members.
 *
 * One row per member says its type, its limits and where it goes in a C struct. The reader refuses members that no row
 * knows (except below "x-"), wrong types and values out of range; the first fault is named with its JSON pointer, with what is
 * allowed there and, for an unknown member, the nearest known one. Private to core/plugin.
 */
#ifndef CS_PLUGIN_FIELDS_H
#define CS_PLUGIN_FIELDS_H

#include <stdbool.h>
#include <stdint.h>
#include "util/err.h"
#include "util/json.h"
#include "util/mem.h"

enum cs_field_kind {
	CS_FIELD_TEXT,    /* const char *; min..max bytes */
	CS_FIELD_BOOL,    /* bool */
	CS_FIELD_INT,     /* int64_t; min..max */
	CS_FIELD_NUMBER,  /* double */
	CS_FIELD_WORD,    /* int: the place in `words` */
	CS_FIELD_TEXTS,   /* array of texts: const char **, and size_t at n_at */
	CS_FIELD_PAIRS,   /* object of texts: struct cs_pair *, and size_t at n_at */
	CS_FIELD_ROWS,    /* array of objects: struct of `size` bytes each, read by `rows`; size_t at n_at */
	CS_FIELD_OBJECT,  /* object whose members are read into this same struct by `rows` */
	CS_FIELD_ANY,     /* json_object *, borrowed */
	CS_FIELD_KEPT,    /* known; stays in the JSON only */
};

struct cs_fields;
/* Extra check of one text; 0, or cs_fields_fail. */
typedef int (*cs_field_check)(struct cs_fields *r, const char *text);

struct cs_field {
	const char *key;
	enum cs_field_kind kind;
	size_t at, n_at;             /* offsets in the struct */
	bool required;
	int64_t min, max;            /* TEXT, TEXTS, PAIRS: bytes (max 0: 4096); INT; ROWS: least number of rows */
	const char *const *words;    /* ends with NULL */
	cs_field_check check;        /* TEXT, TEXTS; PAIRS: of the value */
	cs_field_check check_name;   /* PAIRS */
	const struct cs_field *rows; /* ends with a NULL key */
	size_t size;
	const void *blank;           /* ROWS: what a row holds before it is read; NULL: zeroes */
};

struct cs_fields {
	struct cs_arena *mem; /* for rows; texts are borrowed from the JSON */
	struct cs_err *err;
	char pointer[200];    /* where the reader is */
};

/* Read `o` into `base`. 0 or CS_EINVAL. */
int cs_fields_read(struct cs_fields *r, json_object *o, const struct cs_field *rows, void *base);
/* Go into a member or row and back: size_t mark = cs_fields_enter(...); ...; r->pointer[mark] = '\0'. */
size_t cs_fields_enter(struct cs_fields *r, const char *key);
size_t cs_fields_enter_row(struct cs_fields *r, size_t i);
/* "POINTER: text"; returns CS_EINVAL. */
int cs_fields_fail(struct cs_fields *r, const char *fmt, ...) CS_PRINTF_LIKE(2, 3);

/* "a, b, c" into the hint of err. */
void cs_hint_words(struct cs_err *err, const char *intro, const char *const *words, size_t n);

#endif
