/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules.c - checking JSON against the known part of JSON Schema.
 *
 * A walk over schema and value together; b->pointer grows and shrinks with the way down, so that it stands at the place
 * when a breach is found. Of anyOf the alternative that got deepest into the value explains the breach.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include "sandbox/rules.h"
#include "sandbox/value.h"

#define MAX_DEPTH 48

struct walk {
	const struct cs_sb_rules *r;
	struct cs_sb_breach *b;
	int depth;
};

static bool check(struct walk *w, json_object *schema, json_object *v);

static bool CS_PRINTF_LIKE(4, 5)
breach(struct walk *w, json_object *schema, const char *keyword, const char *fmt, ...)
{
	const char *slash = strrchr(w->b->pointer, '/');
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(w->b->message, sizeof(w->b->message), fmt, ap);
	va_end(ap);
	snprintf(w->b->keyword, sizeof(w->b->keyword), "%s", keyword);
	snprintf(w->b->name, sizeof(w->b->name), "%s", slash != NULL ? slash + 1 : "");
	w->b->error = cs_json_str(schema, "error", NULL);
	return false;
}

static bool
check_below(struct walk *w, json_object *schema, json_object *v, const char *name)
{
	size_t len = strlen(w->b->pointer);
	bool ok;

	snprintf(w->b->pointer + len, sizeof(w->b->pointer) - len, "/%s", name);
	if ((ok = check(w, schema, v)))
		w->b->pointer[len] = '\0';
	return ok;
}

static bool
is_type(json_object *v, const char *type)
{
	json_type t = json_object_get_type(v);

	switch (type[0]) {
	case 'o':
		return t == json_type_object;
	case 'a':
		return t == json_type_array;
	case 's':
		return t == json_type_string;
	case 'b':
		return t == json_type_boolean;
	case 'i':
		return t == json_type_int;
	case 'n':
		return strcmp(type, "null") == 0 ? t == json_type_null : t == json_type_int || t == json_type_double;
	default:
		return false;
	}
}

static bool
check_type(struct walk *w, json_object *schema, json_object *v)
{
	json_object *type = json_object_object_get(schema, "type");

	if (type == NULL)
		return true;
	if (json_object_is_type(type, json_type_string))
		return is_type(v, json_object_get_string(type)) ||
		       breach(w, schema, "type", "must be of type %s", json_object_get_string(type));
	for (size_t i = 0; i < json_object_array_length(type); i++) {
		if (is_type(v, cs_sb_scalar(json_object_array_get_idx(type, i))))
			return true;
	}
	return breach(w, schema, "type", "is of the wrong type");
}

static bool
check_choice(struct walk *w, json_object *schema, json_object *v)
{
	json_object *list = json_object_object_get(schema, "enum"), *constant;

	if (json_object_object_get_ex(schema, "const", &constant) && !json_object_equal(constant, v))
		return breach(w, schema, "const", "must be %s", json_object_to_json_string(constant));
	if (list == NULL)
		return true;
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		if (json_object_equal(json_object_array_get_idx(list, i), v))
			return true;
	}
	return breach(w, schema, "enum", "is none of %.120s", json_object_to_json_string(list));
}

/* How many characters, not bytes. */
static int64_t
characters(const char *s)
{
	int64_t n = 0;

	for (; *s != '\0'; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static bool
check_text(struct walk *w, json_object *schema, json_object *v)
{
	const char *s = json_object_get_string(v), *pattern = cs_json_str(schema, "pattern", NULL);
	json_object *collection = cs_json_get(schema, "collection");

	if (characters(s) < cs_json_int(schema, "minLength", 0))
		return breach(w, schema, "minLength", "is too short");
	if (characters(s) > cs_json_int(schema, "maxLength", INT64_MAX))
		return breach(w, schema, "maxLength", "is too long");
	if (pattern != NULL && !cs_sb_regex_matches(w->r->regexes, pattern, s))
		return breach(w, schema, "pattern", "does not match %.100s", pattern);
	if (collection != NULL && w->r->has != NULL &&
	    !w->r->has(w->r->ctx, cs_json_str(collection, "name", ""), cs_json_str(collection, "field", ""), s))
		return breach(w, schema, "collection", "is not known");
	return true;
}

static bool
check_number(struct walk *w, json_object *schema, json_object *v)
{
	json_object *bound;

	if (json_object_object_get_ex(schema, "minimum", &bound) &&
	    json_object_get_double(v) < json_object_get_double(bound))
		return breach(w, schema, "minimum", "is below %s", json_object_to_json_string(bound));
	if (json_object_object_get_ex(schema, "maximum", &bound) &&
	    json_object_get_double(v) > json_object_get_double(bound))
		return breach(w, schema, "maximum", "is above %s", json_object_to_json_string(bound));
	return true;
}

static bool
check_array(struct walk *w, json_object *schema, json_object *v)
{
	json_object *items = json_object_object_get(schema, "items");
	int64_t n = (int64_t)json_object_array_length(v);
	char at[24];

	if (n < cs_json_int(schema, "minItems", 0))
		return breach(w, schema, "minItems", "has too few elements");
	if (n > cs_json_int(schema, "maxItems", INT64_MAX))
		return breach(w, schema, "maxItems", "has too many elements");
	for (int64_t i = 0; items != NULL && i < n; i++) {
		snprintf(at, sizeof(at), "%lld", (long long)i);
		if (!check_below(w, items, json_object_array_get_idx(v, (size_t)i), at))
			return false;
	}
	return true;
}

static bool
check_required(struct walk *w, json_object *schema, json_object *v)
{
	json_object *required = json_object_object_get(schema, "required");

	for (size_t i = 0; required != NULL && i < json_object_array_length(required); i++) {
		const char *name = cs_sb_scalar(json_object_array_get_idx(required, i));

		if (json_object_object_get_ex(v, name, NULL))
			continue;
		breach(w, schema, "required", "\"%.60s\" is missing", name);
		snprintf(w->b->name, sizeof(w->b->name), "%s", name);
		return false;
	}
	return true;
}

static bool
check_member(struct walk *w, json_object *schema, struct lh_entry *e)
{
	json_object *props = json_object_object_get(schema, "properties"), *names, *rest, *node, *key;
	const char *name = CS_SB_NAME(e);
	bool ok;

	if (json_object_object_get_ex(schema, "propertyNames", &names)) {
		key = json_object_new_string(name);
		ok = check_below(w, names, key, name);
		json_object_put(key);
		if (!ok)
			return false;
	}
	if (props != NULL && json_object_object_get_ex(props, name, &node))
		return check_below(w, node, CS_SB_VALUE(e), name);
	if (!json_object_object_get_ex(schema, "additionalProperties", &rest))
		return true;
	if (!json_object_is_type(rest, json_type_boolean))
		return check_below(w, rest, CS_SB_VALUE(e), name);
	if (json_object_get_boolean(rest))
		return true;
	breach(w, schema, "additionalProperties", "\"%.60s\" is not known here", name);
	snprintf(w->b->name, sizeof(w->b->name), "%s", name);
	return false;
}

static bool
check_object(struct walk *w, json_object *schema, json_object *v)
{
	if (!check_required(w, schema, v))
		return false;
	if (json_object_object_length(v) < cs_json_int(schema, "minProperties", 0))
		return breach(w, schema, "minProperties", "has too few members");
	CS_SB_MEMBERS(e, v) {
		if (!check_member(w, schema, e))
			return false;
	}
	return true;
}

static bool
check_any(struct walk *w, json_object *schema, json_object *v)
{
	json_object *any = json_object_object_get(schema, "anyOf");
	struct cs_sb_breach start = *w->b, best = *w->b;

	if (any == NULL)
		return true;
	for (size_t i = 0; i < json_object_array_length(any); i++) {
		*w->b = start;
		if (check(w, json_object_array_get_idx(any, i), v)) {
			*w->b = start;
			return true;
		}
		if (i == 0 || strlen(w->b->pointer) > strlen(best.pointer))
			best = *w->b;
	}
	*w->b = best;
	if (cs_json_str(schema, "error", NULL) != NULL)
		w->b->error = cs_json_str(schema, "error", NULL);
	return false;
}

static bool
check_ref(struct walk *w, json_object *schema, json_object *v)
{
	const char *ref = cs_json_str(schema, "$ref", "#");
	bool ok;

	if (json_object_is_type(v, json_type_object) && !check_required(w, schema, v))
		return false;
	w->depth++;
	ok = check(w, cs_json_pointer(w->r->root, ref + 1), v) && check_any(w, schema, v);
	w->depth--;
	return ok;
}

static bool
check(struct walk *w, json_object *schema, json_object *v)
{
	bool ok;

	if (!json_object_is_type(schema, json_type_object))
		return true;
	if (w->depth == MAX_DEPTH)
		return breach(w, schema, "depth", "is nested too deeply");
	if (json_object_object_get_ex(schema, "$ref", NULL))
		return check_ref(w, schema, v);
	if (!check_type(w, schema, v) || !check_choice(w, schema, v))
		return false;
	w->depth++;
	switch (json_object_get_type(v)) {
	case json_type_string:
		ok = check_text(w, schema, v);
		break;
	case json_type_int:
	case json_type_double:
		ok = check_number(w, schema, v);
		break;
	case json_type_array:
		ok = check_array(w, schema, v);
		break;
	case json_type_object:
		ok = check_object(w, schema, v);
		break;
	default:
		ok = true;
	}
	ok = ok && check_any(w, schema, v);
	w->depth--;
	return ok;
}

bool
cs_sb_rules_check(const struct cs_sb_rules *r, json_object *value, struct cs_sb_breach *b)
{
	struct walk w = { .r = r, .b = b };

	memset(b, 0, sizeof(*b));
	return check(&w, r->schema, value);
}
