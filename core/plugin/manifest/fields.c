/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fields.c - the table reader of manifests.
 *
 * It walks the object, not the table, so that faults come in the order in which a person reads the file; what is
 * required and absent is told last. Memory is written at byte offsets with memcpy, one case per kind.
 */
#include "config.h"
#include "plugin/manifest/fields.h"
#include "plugin/manifest/manifest.h"

#include <stdio.h>
#include <string.h>
#include "util/nearest.h"

#define MAX_WORDS 64

/* ---- faults */

int
cs_fields_fail(struct cs_fields *r, const char *fmt, ...)
{
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return cs_err_set(r->err, CS_EINVAL, "%s: %s", r->pointer[0] != '\0' ? r->pointer : "/", text);
}

size_t
cs_fields_enter(struct cs_fields *r, const char *key)
{
	size_t mark = strlen(r->pointer), n = mark;

	if (n + 1 < sizeof(r->pointer))
		r->pointer[n++] = '/';
	for (; *key != '\0' && n + 2 < sizeof(r->pointer); key++) { /* RFC 6901: ~ and / are written ~0 and ~1 */
		bool special = *key == '~' || *key == '/';

		r->pointer[n++] = special ? '~' : *key;
		if (special)
			r->pointer[n++] = *key == '~' ? '0' : '1';
	}
	r->pointer[n] = '\0';
	return mark;
}

size_t
cs_fields_enter_row(struct cs_fields *r, size_t i)
{
	char number[24];

	snprintf(number, sizeof(number), "%zu", i);
	return cs_fields_enter(r, number);
}

void
cs_hint_words(struct cs_err *err, const char *intro, const char *const *words, size_t n)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);

	for (size_t i = 0; i < n; i++)
		cs_buf_printf(&b, "%s%s", i > 0 ? ", " : "", words[i]);
	cs_err_hint(err, "%s: %s", intro, cs_buf_str(&b));
}

static int
unknown_key(struct cs_fields *r, const struct cs_field *rows, const char *key)
{
	const char *known[MAX_WORDS], *nearest;
	size_t n = 0;

	for (; n < MAX_WORDS && rows[n].key != NULL; n++)
		known[n] = rows[n].key;
	if ((nearest = cs_nearest(key, known, n)) != NULL)
		cs_fields_fail(r, "unknown key; did you mean \"%s\"?", nearest);
	else
		cs_fields_fail(r, "unknown key");
	cs_hint_words(r->err, "known here", known, n);
	return CS_EINVAL;
}

static int
wrong_type(struct cs_fields *r, const char *expected, const json_object *v)
{
	return cs_fields_fail(r, "expected %s, found %s", expected,
	                      v == NULL ? "null" : json_type_to_name(json_object_get_type(v)));
}

/* ---- values */

static int
read_text(struct cs_fields *r, const struct cs_field *f, cs_field_check check, const json_object *v, const char **out)
{
	int64_t max = f->max > 0 ? f->max : 4096, n;
	const char *text;

	if (!json_object_is_type(v, json_type_string))
		return wrong_type(r, "a text", v);
	text = json_object_get_string((json_object *)v);
	n = json_object_get_string_len(v);
	if (n < f->min || n > max)
		return n == 0 ? cs_fields_fail(r, "must not be empty")
		              : cs_fields_fail(r, "expected at most %lld bytes, found %lld", (long long)max, (long long)n);
	*out = text;
	return check != NULL ? check(r, text) : 0;
}

static int
read_word(struct cs_fields *r, const struct cs_field *f, const json_object *v, int *out)
{
	const char *text = "";
	size_t n = 0;
	int rc;

	if ((rc = read_text(r, f, NULL, v, &text)) < 0)
		return rc;
	for (; f->words[n] != NULL; n++)
		if (strcmp(f->words[n], text) == 0) {
			*out = (int)n;
			return 0;
		}
	cs_fields_fail(r, "\"%.60s\" is not allowed here", text);
	cs_hint_words(r->err, "allowed", f->words, n);
	return CS_EINVAL;
}

static int
read_int(struct cs_fields *r, const struct cs_field *f, const json_object *v, int64_t *out)
{
	int64_t n = json_object_get_int64(v);

	if (!json_object_is_type(v, json_type_int))
		return wrong_type(r, "a whole number", v);
	if (n < f->min || n > f->max)
		return cs_fields_fail(r, "expected %lld to %lld, found %lld", (long long)f->min, (long long)f->max, (long long)n);
	*out = n;
	return 0;
}

static int
read_texts(struct cs_fields *r, const struct cs_field *f, json_object *v, const char ***out, size_t *n)
{
	size_t mark;
	int rc = 0;

	if (!json_object_is_type(v, json_type_array))
		return wrong_type(r, "a list of texts", v);
	*n = json_object_array_length(v);
	*out = cs_arena_alloc(r->mem, *n * sizeof(**out));
	for (size_t i = 0; i < *n && rc == 0; i++) {
		mark = cs_fields_enter_row(r, i);
		rc = read_text(r, f, f->check, json_object_array_get_idx(v, i), &(*out)[i]);
		r->pointer[mark] = '\0';
	}
	return rc;
}

static int
read_pairs(struct cs_fields *r, const struct cs_field *f, json_object *v, struct cs_pair **out, size_t *n)
{
	size_t mark;
	int rc = 0;

	if (!json_object_is_type(v, json_type_object))
		return wrong_type(r, "an object of texts", v);
	*out = cs_arena_alloc(r->mem, (size_t)json_object_object_length(v) * sizeof(**out));
	json_object_object_foreach(v, key, value) {
		struct cs_pair *p = &(*out)[(*n)++];

		mark = cs_fields_enter(r, key);
		p->name = key;
		rc = f->check_name != NULL ? f->check_name(r, key) : 0;
		if (rc == 0)
			rc = read_text(r, f, f->check, value, &p->value);
		r->pointer[mark] = '\0';
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int
read_rows(struct cs_fields *r, const struct cs_field *f, json_object *v, char **out, size_t *n)
{
	size_t mark;
	int rc = 0;

	if (!json_object_is_type(v, json_type_array))
		return wrong_type(r, "a list of objects", v);
	*n = json_object_array_length(v);
	if ((int64_t)*n < f->min)
		return cs_fields_fail(r, "must not be empty");
	*out = cs_arena_alloc(r->mem, *n * f->size);
	for (size_t i = 0; i < *n && rc == 0; i++) {
		char *row = *out + i * f->size;

		if (f->blank != NULL)
			memcpy(row, f->blank, f->size);
		mark = cs_fields_enter_row(r, i);
		rc = cs_fields_read(r, json_object_array_get_idx(v, i), f->rows, row);
		r->pointer[mark] = '\0';
	}
	return rc;
}

static int
read_value(struct cs_fields *r, const struct cs_field *f, json_object *v, char *base)
{
	char *at = base + f->at;

	switch (f->kind) {
	case CS_FIELD_TEXT:
		return read_text(r, f, f->check, v, (const char **)(void *)at);
	case CS_FIELD_BOOL:
		if (!json_object_is_type(v, json_type_boolean))
			return wrong_type(r, "true or false", v);
		*(bool *)at = json_object_get_boolean(v);
		return 0;
	case CS_FIELD_INT:
		return read_int(r, f, v, (int64_t *)(void *)at);
	case CS_FIELD_NUMBER:
		if (!json_object_is_type(v, json_type_int) && !json_object_is_type(v, json_type_double))
			return wrong_type(r, "a number", v);
		*(double *)(void *)at = json_object_get_double(v);
		return 0;
	case CS_FIELD_WORD:
		return read_word(r, f, v, (int *)(void *)at);
	case CS_FIELD_TEXTS:
		return read_texts(r, f, v, (const char ***)(void *)at, (size_t *)(void *)(base + f->n_at));
	case CS_FIELD_PAIRS:
		return read_pairs(r, f, v, (struct cs_pair **)(void *)at, (size_t *)(void *)(base + f->n_at));
	case CS_FIELD_ROWS:
		return read_rows(r, f, v, (char **)(void *)at, (size_t *)(void *)(base + f->n_at));
	case CS_FIELD_OBJECT:
		return cs_fields_read(r, v, f->rows, base);
	case CS_FIELD_ANY:
		*(json_object **)(void *)at = v;
		return 0;
	default:
		return 0;
	}
}

static const struct cs_field *
row_of(const struct cs_field *rows, const char *key)
{
	while (rows->key != NULL && strcmp(rows->key, key) != 0)
		rows++;
	return rows->key != NULL ? rows : NULL;
}

int
cs_fields_read(struct cs_fields *r, json_object *o, const struct cs_field *rows, void *base)
{
	size_t mark;
	int rc;

	if (!json_object_is_type(o, json_type_object))
		return wrong_type(r, "an object", o);
	json_object_object_foreach(o, key, value) {
		const struct cs_field *f = row_of(rows, key);

		if (f == NULL && strncmp(key, "x-", 2) == 0)
			continue;
		mark = cs_fields_enter(r, key);
		rc = f == NULL ? unknown_key(r, rows, key) : read_value(r, f, value, base);
		if (rc < 0)
			return rc;
		r->pointer[mark] = '\0';
	}
	for (const struct cs_field *f = rows; f->key != NULL; f++)
		if (f->required && !json_object_object_get_ex(o, f->key, NULL))
			return cs_fields_fail(r, "\"%s\" is missing", f->key);
	return 0;
}
