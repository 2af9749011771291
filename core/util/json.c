/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json.c - what everybody does with json-c values; they are made by json_parse.c.
 *
 * Asking never fails: an absent member, a JSON null and a value of the wrong type all give the default, so a caller
 * writes what he expects and rules about required members stand elsewhere. Numbers keep the text they were read with.
 */
#include "util/json.h"

#include <stdlib.h>
#include <string.h>

void
cs_json_putp(json_object **o)
{
	json_object_put(*o);
	*o = NULL;
}

/* ---- members */

json_object *
cs_json_get(const json_object *o, const char *key)
{
	json_object *v = NULL;

	if (!json_object_is_type(o, json_type_object))
		return NULL;
	json_object_object_get_ex(o, key, &v);
	return v;
}

const char *
cs_json_str(const json_object *o, const char *key, const char *dflt)
{
	json_object *v = cs_json_get(o, key);

	return json_object_is_type(v, json_type_string) ? json_object_get_string(v) : dflt;
}

/* 5.0 and 5e0 are the integer 5: JSON knows one kind of number. Beyond int64_t counts as absent. */
int64_t
cs_json_int(const json_object *o, const char *key, int64_t dflt)
{
	json_object *v = cs_json_get(o, key);
	double d;

	if (json_object_is_type(v, json_type_int))
		return json_object_get_uint64(v) > INT64_MAX ? dflt : json_object_get_int64(v);
	if (!json_object_is_type(v, json_type_double))
		return dflt;
	d = json_object_get_double(v);
	return d >= -9223372036854775808.0 && d < 9223372036854775808.0 && d == (double)(int64_t)d ? (int64_t)d : dflt;
}

bool
cs_json_bool(const json_object *o, const char *key, bool dflt)
{
	json_object *v = cs_json_get(o, key);

	return json_object_is_type(v, json_type_boolean) ? json_object_get_boolean(v) : dflt;
}

/* One reference token of RFC 6901, up to the next "/", without its escapes. */
static bool
pointer_token(const char **at, struct cs_buf *token)
{
	const char *p = *at;

	cs_buf_reset(token);
	for (; *p != '\0' && *p != '/'; p++) {
		if (*p != '~') {
			cs_buf_addc(token, *p);
			continue;
		}
		p++;
		if (*p != '0' && *p != '1')
			return false;
		cs_buf_addc(token, *p == '0' ? '~' : '/');
	}
	*at = p;
	return true;
}

static json_object *
array_item(json_object *array, const char *index)
{
	size_t i = 0;

	if (*index == '\0' || (index[0] == '0' && index[1] != '\0') || strlen(index) > 9)
		return NULL;
	for (; *index != '\0'; index++) {
		if (*index < '0' || *index > '9')
			return NULL;
		i = i * 10 + (size_t)(*index - '0');
	}
	return json_object_array_get_idx(array, i); /* NULL beyond the end */
}

json_object *
cs_json_pointer(json_object *o, const char *pointer)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf token = CS_BUF_INIT(0);
	const char *at = pointer;

	while (*at != '\0' && o != NULL) {
		if (*at++ != '/' || !pointer_token(&at, &token))
			return NULL;
		if (json_object_is_type(o, json_type_array))
			o = array_item(o, cs_buf_str(&token));
		else
			o = cs_json_get(o, cs_buf_str(&token));
	}
	return o;
}

const char *
cs_json_pointer_text(json_object *o, const char *pointer)
{
	json_object *v = cs_json_pointer(o, pointer);

	switch (json_object_get_type(v)) {
	case json_type_boolean:
	case json_type_double:
	case json_type_int:
	case json_type_string:
		return json_object_get_string(v);
	default:
		return "";
	}
}

/* ---- merge patch */

static void *
need(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

static void
put_member(json_object *o, const char *key, json_object *v)
{
	if (json_object_object_add(o, key, v) < 0)
		abort();
}

static json_object *
copy_of(const json_object *o)
{
	json_object *copy = NULL;

	if (o != NULL && json_object_deep_copy((json_object *)(uintptr_t)o, &copy, NULL) < 0)
		abort();
	return copy;
}

/* `target` is changed in place; its members are its own. */
static void
merge_into(json_object *target, const json_object *patch)
{
	json_object_object_foreach(patch, key, v) {
		json_object *old = cs_json_get(target, key);

		if (v == NULL) {
			json_object_object_del(target, key);
		} else if (!json_object_is_type(v, json_type_object)) {
			put_member(target, key, copy_of(v));
		} else if (json_object_is_type(old, json_type_object)) {
			merge_into(old, v);
		} else {
			old = need(json_object_new_object());
			merge_into(old, v);
			put_member(target, key, old);
		}
	}
}

json_object *
cs_json_merge_patch(json_object *target, const json_object *patch)
{
	json_object *merged;

	if (!json_object_is_type(patch, json_type_object))
		return copy_of(patch);
	merged = json_object_is_type(target, json_type_object) ? copy_of(target) : need(json_object_new_object());
	merge_into(merged, patch);
	return merged;
}

/* ---- writing */

static int
by_key(const void *a, const void *b)
{
	const struct lh_entry *const *x = a, *const *y = b;

	return strcmp((*x)->k, (*y)->k);
}

static void
canonical_object(const json_object *o, struct cs_buf *out)
{
	struct lh_entry *few[32], **v = few;
	size_t n = 0, count = (size_t)json_object_object_length(o);

	if (count > CS_ARRAY_LEN(few))
		v = cs_xcalloc(count, sizeof(struct lh_entry *));
	for (struct lh_entry *e = json_object_get_object(o)->head; e != NULL; e = e->next)
		v[n++] = e;
	qsort(v, n, sizeof(struct lh_entry *), by_key);
	cs_buf_addc(out, '{');
	for (size_t i = 0; i < n && !out->failed; i++) {
		if (i > 0)
			cs_buf_addc(out, ',');
		cs_buf_add_json_string(out, v[i]->k, strlen(v[i]->k));
		cs_buf_addc(out, ':');
		cs_json_canonical(v[i]->v, out);
	}
	cs_buf_addc(out, '}');
	if (v != few)
		free(v);
}

static void
canonical_array(const json_object *o, struct cs_buf *out)
{
	size_t n = json_object_array_length(o);

	cs_buf_addc(out, '[');
	for (size_t i = 0; i < n && !out->failed; i++) {
		if (i > 0)
			cs_buf_addc(out, ',');
		cs_json_canonical(json_object_array_get_idx(o, i), out);
	}
	cs_buf_addc(out, ']');
}

void
cs_json_canonical(const json_object *o, struct cs_buf *out)
{
	json_object *text = (json_object *)(uintptr_t)o; /* json-c keeps the text it makes in the object */

	switch (json_object_get_type(o)) {
	case json_type_object:
		canonical_object(o, out);
		break;
	case json_type_array:
		canonical_array(o, out);
		break;
	case json_type_string:
		cs_buf_add_json_string(out, json_object_get_string(text), (size_t)json_object_get_string_len(o));
		break;
	default:
		cs_buf_adds(out, cs_json_text(o));
	}
}

const char *
cs_json_text(const json_object *o)
{
	return json_object_to_json_string_ext((json_object *)(uintptr_t)o,
	                                      JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
}
