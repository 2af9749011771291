/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules.c - checking JSON against the known part of JSON Schema.
 *
 * A walk over schema and value together; b->pointer grows and shrinks with the way down, so that it stands at
 * the place when a breach is found. Of anyOf the alternative that got deepest into the value explains the
 * breach.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include "sandbox/rules/rules.h"
#include "sandbox/rules/value.h"

#define MAX_DEPTH 48

/* The keywords that we know; a schema's members are sorted into them once per visit. */
enum keyword {
	K_ADDITIONAL,
	K_ANY,
	K_COLLECTION,
	K_CONST,
	K_ENUM,
	K_ITEMS,
	K_MAX_ITEMS,
	K_MAX_LENGTH,
	K_MAXIMUM,
	K_MIN_ITEMS,
	K_MIN_LENGTH,
	K_MIN_PROPERTIES,
	K_MINIMUM,
	K_PATTERN,
	K_PROPERTIES,
	K_NAMES,
	K_REQUIRED,
	K_TYPE,
	K_REF,
	NKEYWORDS
};

static const char *const keywords[NKEYWORDS] = { "additionalProperties",
						 "anyOf",
						 "collection",
						 "const",
						 "enum",
						 "items",
						 "maxItems",
						 "maxLength",
						 "maximum",
						 "minItems",
						 "minLength",
						 "minProperties",
						 "minimum",
						 "pattern",
						 "properties",
						 "propertyNames",
						 "required",
						 "type",
						 "$ref" };

struct node {
	json_object *schema, *k[NKEYWORDS];
	bool constant; /* "const" is there, perhaps as null */
};

struct walk {
	const struct cs_sb_rules *r;
	struct cs_sb_breach *b;
	int depth;
};

static bool check(struct walk *w, json_object *schema, json_object *v);

static void
sort_keywords(struct node *n, json_object *schema)
{
	memset(n, 0, sizeof(*n));
	n->schema = schema;
	CS_SB_MEMBERS(e, schema) {
		const char *name = CS_SB_NAME(e);

		for (int i = 0; i < NKEYWORDS; i++) {
			if (keywords[i][0] != name[0] || strcmp(keywords[i], name) != 0)
				continue;
			n->k[i] = CS_SB_VALUE(e);
			n->constant = n->constant || i == K_CONST;
			break;
		}
	}
}

static int64_t
bound(const struct node *n, enum keyword k, int64_t dflt)
{
	return n->k[k] != NULL ? json_object_get_int64(n->k[k]) : dflt;
}

static bool CS_PRINTF_LIKE(4, 5)
breach(struct walk *w, const struct node *n, const char *keyword, const char *fmt, ...)
{
	const char *slash = strrchr(w->b->pointer, '/');
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(w->b->message, sizeof(w->b->message), fmt, ap);
	va_end(ap);
	snprintf(w->b->keyword, sizeof(w->b->keyword), "%s", keyword);
	snprintf(w->b->name, sizeof(w->b->name), "%s", slash != NULL ? slash + 1 : "");
	w->b->error = cs_json_str(n->schema, "error", NULL);
	return false;
}

static void
go_below(struct walk *w, const char *name)
{
	size_t len = strlen(w->b->pointer), n = strlen(name), room = sizeof(w->b->pointer) - len;

	if (room <= 2)
		return;
	n = n < room - 2 ? n : room - 2;
	w->b->pointer[len] = '/';
	memcpy(w->b->pointer + len + 1, name, n);
	w->b->pointer[len + 1 + n] = '\0';
}

static bool
check_below(struct walk *w, json_object *schema, json_object *v, const char *name)
{
	size_t len = strlen(w->b->pointer);
	bool ok;

	go_below(w, name);
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
		return strcmp(type, "null") == 0 ? t == json_type_null
						 : t == json_type_int || t == json_type_double;
	default:
		return false;
	}
}

static bool
check_type(struct walk *w, const struct node *n, json_object *v)
{
	json_object *type = n->k[K_TYPE];

	if (type == NULL)
		return true;
	if (json_object_is_type(type, json_type_string))
		return is_type(v, json_object_get_string(type)) ||
		       breach(w, n, "type", "must be of type %s", json_object_get_string(type));
	for (size_t i = 0; i < json_object_array_length(type); i++) {
		if (is_type(v, cs_sb_scalar(json_object_array_get_idx(type, i))))
			return true;
	}
	return breach(w, n, "type", "is of the wrong type");
}

static bool
check_choice(struct walk *w, const struct node *n, json_object *v)
{
	json_object *list = n->k[K_ENUM];

	if (n->constant && !json_object_equal(n->k[K_CONST], v))
		return breach(w, n, "const", "must be %s", json_object_to_json_string(n->k[K_CONST]));
	if (list == NULL)
		return true;
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		if (json_object_equal(json_object_array_get_idx(list, i), v))
			return true;
	}
	return breach(w, n, "enum", "is none of %.120s", json_object_to_json_string(list));
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
check_text(struct walk *w, const struct node *n, const char *s)
{
	json_object *pattern = n->k[K_PATTERN], *collection = n->k[K_COLLECTION];

	if (n->k[K_MIN_LENGTH] != NULL && characters(s) < bound(n, K_MIN_LENGTH, 0))
		return breach(w, n, "minLength", "is too short");
	if (n->k[K_MAX_LENGTH] != NULL && characters(s) > bound(n, K_MAX_LENGTH, 0))
		return breach(w, n, "maxLength", "is too long");
	if (pattern != NULL && !cs_sb_regex_matches(w->r->regexes, json_object_get_string(pattern), s))
		return breach(w, n, "pattern", "does not match %.100s", json_object_get_string(pattern));
	if (collection != NULL && w->r->has != NULL &&
	    !w->r->has(w->r->ctx, cs_json_str(collection, "name", ""), cs_json_str(collection, "field", ""), s))
		return breach(w, n, "collection", "is not known");
	return true;
}

static bool
check_number(struct walk *w, const struct node *n, json_object *v)
{
	json_object *min = n->k[K_MINIMUM], *max = n->k[K_MAXIMUM];

	if (min != NULL && json_object_get_double(v) < json_object_get_double(min))
		return breach(w, n, "minimum", "is below %s", json_object_to_json_string(min));
	if (max != NULL && json_object_get_double(v) > json_object_get_double(max))
		return breach(w, n, "maximum", "is above %s", json_object_to_json_string(max));
	return true;
}

static bool
check_array(struct walk *w, const struct node *n, json_object *v)
{
	int64_t len = (int64_t)json_object_array_length(v);
	char at[24];

	if (len < bound(n, K_MIN_ITEMS, 0))
		return breach(w, n, "minItems", "has too few elements");
	if (len > bound(n, K_MAX_ITEMS, INT64_MAX))
		return breach(w, n, "maxItems", "has too many elements");
	for (int64_t i = 0; n->k[K_ITEMS] != NULL && i < len; i++) {
		snprintf(at, sizeof(at), "%lld", (long long)i);
		if (!check_below(w, n->k[K_ITEMS], json_object_array_get_idx(v, (size_t)i), at))
			return false;
	}
	return true;
}

static bool
check_required(struct walk *w, const struct node *n, json_object *v)
{
	json_object *required = n->k[K_REQUIRED];

	for (size_t i = 0; required != NULL && i < json_object_array_length(required); i++) {
		const char *name = cs_sb_scalar(json_object_array_get_idx(required, i));

		if (json_object_object_get_ex(v, name, NULL))
			continue;
		breach(w, n, "required", "\"%.60s\" is missing", name);
		snprintf(w->b->name, sizeof(w->b->name), "%s", name);
		return false;
	}
	return true;
}

/* "propertyNames": every name as a text. */
static bool
check_names(struct walk *w, json_object *schema, json_object *v)
{
	size_t len = strlen(w->b->pointer);
	struct node n;

	if (!json_object_is_type(schema, json_type_object))
		return true;
	sort_keywords(&n, schema);
	CS_SB_MEMBERS(e, v) {
		go_below(w, CS_SB_NAME(e));
		if (!check_text(w, &n, CS_SB_NAME(e)))
			return false;
		w->b->pointer[len] = '\0';
	}
	return true;
}

static bool
check_member(struct walk *w, const struct node *n, struct lh_entry *e)
{
	json_object *rest = n->k[K_ADDITIONAL], *node;
	const char *name = CS_SB_NAME(e);

	if (n->k[K_PROPERTIES] != NULL && json_object_object_get_ex(n->k[K_PROPERTIES], name, &node))
		return check_below(w, node, CS_SB_VALUE(e), name);
	if (rest == NULL)
		return true;
	if (!json_object_is_type(rest, json_type_boolean))
		return check_below(w, rest, CS_SB_VALUE(e), name);
	if (json_object_get_boolean(rest))
		return true;
	breach(w, n, "additionalProperties", "\"%.60s\" is not known here", name);
	snprintf(w->b->name, sizeof(w->b->name), "%s", name);
	return false;
}

static bool
check_object(struct walk *w, const struct node *n, json_object *v)
{
	if (!check_required(w, n, v))
		return false;
	if (json_object_object_length(v) < bound(n, K_MIN_PROPERTIES, 0))
		return breach(w, n, "minProperties", "has too few members");
	if (!check_names(w, n->k[K_NAMES], v))
		return false;
	CS_SB_MEMBERS(e, v) {
		if (!check_member(w, n, e))
			return false;
	}
	return true;
}

static bool
check_any(struct walk *w, const struct node *n, json_object *v)
{
	json_object *any = n->k[K_ANY];
	struct cs_sb_breach best;
	size_t start;

	if (any == NULL)
		return true;
	start = strlen(w->b->pointer);
	for (size_t i = 0; i < json_object_array_length(any); i++) {
		w->b->pointer[start] = '\0';
		if (check(w, json_object_array_get_idx(any, i), v))
			return true;
		if (i == 0 || strlen(w->b->pointer) > strlen(best.pointer))
			best = *w->b;
	}
	*w->b = best;
	if (cs_json_str(n->schema, "error", NULL) != NULL)
		w->b->error = cs_json_str(n->schema, "error", NULL);
	return false;
}

static bool
check_ref(struct walk *w, const struct node *n, json_object *v)
{
	const char *ref = json_object_get_string(n->k[K_REF]);
	bool ok;

	if (json_object_is_type(v, json_type_object) && !check_required(w, n, v))
		return false;
	w->depth++;
	ok = check(w, cs_json_pointer(w->r->root, ref + 1), v) && check_any(w, n, v);
	w->depth--;
	return ok;
}

static bool
check_kind(struct walk *w, const struct node *n, json_object *v)
{
	switch (json_object_get_type(v)) {
	case json_type_string:
		return check_text(w, n, json_object_get_string(v));
	case json_type_int:
	case json_type_double:
		return check_number(w, n, v);
	case json_type_array:
		return check_array(w, n, v);
	case json_type_object:
		return check_object(w, n, v);
	default:
		return true;
	}
}

static bool
check(struct walk *w, json_object *schema, json_object *v)
{
	struct node n;
	bool ok;

	if (!json_object_is_type(schema, json_type_object))
		return true;
	sort_keywords(&n, schema);
	if (w->depth == MAX_DEPTH)
		return breach(w, &n, "depth", "is nested too deeply");
	if (n.k[K_REF] != NULL)
		return check_ref(w, &n, v);
	if (!check_type(w, &n, v) || !check_choice(w, &n, v))
		return false;
	w->depth++;
	ok = check_kind(w, &n, v) && check_any(w, &n, v);
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
