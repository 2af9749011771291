/* SPDX-License-Identifier: Apache-2.0 */
/*
 * value.c - evaluating templates and expressions.
 *
 * Templates are walked as they stand in the data file: a text without "${" costs one search, and most of an
 * answer is such text. Every evaluated value is a new reference; parts of a request or record are shared,
 * never changed.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sandbox/crm/engine.h"
#include "sandbox/rules/filters.h"
#include "sandbox/rules/value.h"
#include "util/clock.h"
#include "util/text.h"

const char *
cs_sb_scalar(const json_object *o)
{
	if (o == NULL || json_object_is_type(o, json_type_object) || json_object_is_type(o, json_type_array))
		return "";
	return json_object_get_string((json_object *)o);
}

json_object *
cs_sb_with_member(json_object *o, const char *name, json_object *value)
{
	json_object *copy = json_object_new_object();

	CS_SB_MEMBERS(e, o)
		json_object_object_add(copy, CS_SB_NAME(e), json_object_get(CS_SB_VALUE(e)));
	json_object_put(o);
	json_object_object_add(copy, name, value);
	return copy;
}

/* ---- expressions */

static json_object *
random_hex(size_t n)
{
	uint8_t bytes[32];
	struct cs_buf b = CS_BUF_INIT(0);
	json_object *o;

	cs_random_bytes(bytes, n);
	cs_hex_add(&b, bytes, n);
	o = json_object_new_string(b.ptr);
	cs_buf_fini(&b);
	return o;
}

static json_object *
random_uuid(void)
{
	uint8_t id[16];
	char text[CS_UUID_TEXT];

	cs_uuid_v4(id);
	return json_object_new_string(cs_uuid_format(id, text));
}

/* Roots that are made afresh; NULL: none of these. */
static json_object *
made_root(struct cs_sb_scope *sc, const char *name)
{
	char t[CS_TIME_TEXT];

	if (strcmp(name, "now") == 0)
		return json_object_new_string(cs_time_format(sc->now_ms, t));
	if (strcmp(name, "now_ms") == 0)
		return json_object_new_int64(sc->now_ms);
	if (strcmp(name, "now_s") == 0)
		return json_object_new_int64(sc->now_ms / 1000);
	if (strcmp(name, "uuid") == 0)
		return random_uuid();
	if (strcmp(name, "hex") == 0)
		return random_hex(16);
	if (strcmp(name, "raw") == 0 && cs_utf8_valid(sc->req->body, sc->req->body_len, true))
		return json_object_new_string_len(sc->req->body, (int)sc->req->body_len);
	if (strcmp(name, "method") == 0)
		return json_object_new_string(sc->req->method);
	if (strcmp(name, "base") == 0)
		return json_object_new_string(sc->base);
	if (strcmp(name, "tenant") == 0)
		return json_object_new_string(sc->tenant != NULL ? cs_sb_tenant_name(sc->tenant) : "default");
	if (strcmp(name, "tenant_no") == 0 && sc->tenant != NULL)
		return json_object_new_int64(cs_sb_tenant_number(sc->tenant));
	return NULL;
}

static json_object *
known_root(struct cs_sb_scope *sc, const char *name)
{
	if (strcmp(name, "body") == 0)
		return cs_sb_scope_body(sc);
	if (strcmp(name, "query") == 0)
		return cs_sb_scope_query(sc);
	if (strcmp(name, "path") == 0)
		return cs_sb_scope_path(sc);
	return sc->vars != NULL ? json_object_object_get(sc->vars, name) : NULL;
}

/* root and pointer, without filters. A new reference, or NULL. */
static json_object *
lookup(struct cs_sb_scope *sc, char *expr)
{
	char *slash = strchr(expr, '/'), pointer[CS_SB_MAX_EXPR] = "";
	json_object *o;
	const char *h;

	if (slash != NULL) {
		snprintf(pointer, sizeof(pointer), "%s", slash);
		*slash = '\0';
	}
	if (strcmp(expr, "header") == 0) {
		h = slash != NULL ? cs_sb_header(sc->req, pointer + 1) : NULL;
		return h != NULL ? json_object_new_string(h) : NULL;
	}
	if (slash == NULL && (o = made_root(sc, expr)) != NULL)
		return o;
	o = known_root(sc, expr);
	return json_object_get(slash != NULL && o != NULL ? cs_json_pointer(o, pointer) : o);
}

/* The expression between "${" and "}". */
static bool
eval_expr(struct cs_sb_scope *sc, const char *s, size_t n, json_object **out)
{
	char expr[CS_SB_MAX_EXPR], *filter, *next, *arg;
	json_object *v;
	bool there;

	if (n >= sizeof(expr))
		return false;
	memcpy(expr, s, n);
	expr[n] = '\0';
	if ((next = strchr(expr, '|')) != NULL)
		*next++ = '\0';
	v = lookup(sc, expr);
	there = v != NULL;
	while ((filter = next) != NULL) {
		if ((next = strchr(filter, '|')) != NULL)
			*next++ = '\0';
		if ((arg = strchr(filter, ':')) != NULL)
			*arg++ = '\0';
		there = cs_sb_filter(filter, arg != NULL ? arg : "", &v, there);
	}
	*out = v;
	return there;
}

static bool
eval_text(struct cs_sb_scope *sc, const char *s, size_t n, json_object **out)
{
	const char *open = memmem(s, n, "${", 2), *close, *end = s + n;
	struct cs_buf b = CS_BUF_INIT(16u << 20);
	json_object *v;

	if (open == s && memchr(s, '}', n) == end - 1)
		return eval_expr(sc, s + 2, n - 3, out);
	while (open != NULL && (close = memchr(open, '}', (size_t)(end - open))) != NULL) {
		cs_buf_add(&b, s, (size_t)(open - s));
		v = NULL;
		if (eval_expr(sc, open + 2, (size_t)(close - open) - 2, &v) && v != NULL)
			cs_buf_adds(&b, json_object_get_string(v));
		json_object_put(v);
		s = close + 1;
		open = memmem(s, (size_t)(end - s), "${", 2);
	}
	cs_buf_add(&b, s, (size_t)(end - s));
	*out = json_object_new_string_len(cs_buf_str(&b), (int)b.len);
	cs_buf_fini(&b);
	return true;
}

/* ---- operators */

/* {"$each": list, "as": name, "value": template} */
static bool
op_each(struct cs_sb_scope *sc, json_object *op, json_object **out)
{
	const char *as = cs_json_str(op, "as", "item");
	json_object *list = NULL, *made, *v;

	*out = made = json_object_new_array();
	if (!cs_sb_eval(sc, json_object_object_get(op, "$each"), &list) ||
	    !json_object_is_type(list, json_type_array)) {
		json_object_put(list);
		return true;
	}
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		cs_sb_scope_set(sc, as, json_object_get(json_object_array_get_idx(list, i)));
		if (cs_sb_eval(sc, json_object_object_get(op, "value"), &v))
			json_object_array_add(made, v);
	}
	cs_sb_scope_set(sc, as, NULL);
	json_object_put(list);
	return true;
}

/* {"$merge": [a, b, ...]}: members of later objects win; null members count. */
static bool
op_merge(struct cs_sb_scope *sc, json_object *op, json_object **out)
{
	json_object *list = json_object_object_get(op, "$merge"), *made = json_object_new_object(), *v;

	for (size_t i = 0; i < json_object_array_length(list); i++) {
		v = NULL;
		if (cs_sb_eval(sc, json_object_array_get_idx(list, i), &v) &&
		    json_object_is_type(v, json_type_object)) {
			CS_SB_MEMBERS(e, v)
				json_object_object_add(made, CS_SB_NAME(e), json_object_get(CS_SB_VALUE(e)));
		}
		json_object_put(v);
	}
	*out = made;
	return true;
}

static void
pick_names(json_object *from, json_object *names, json_object *made)
{
	for (size_t i = 0; i < json_object_array_length(names); i++) {
		const char *name = cs_sb_scalar(json_object_array_get_idx(names, i));

		json_object_object_add(made, name, json_object_get(json_object_object_get(from, name)));
	}
}

/* {"$pick": object, "names": list or absent, "default": list, "always": list}; a member it lacks is null. */
static bool
op_pick(struct cs_sb_scope *sc, json_object *op, json_object **out)
{
	json_object *from = NULL, *names = NULL, *always = json_object_object_get(op, "always");
	json_object *made = json_object_new_object();

	if (!cs_sb_eval(sc, json_object_object_get(op, "names"), &names) ||
	    !json_object_is_type(names, json_type_array) || json_object_array_length(names) == 0) {
		json_object_put(names);
		names = json_object_get(json_object_object_get(op, "default"));
	}
	if (cs_sb_eval(sc, json_object_object_get(op, "$pick"), &from) &&
	    json_object_is_type(from, json_type_object)) {
		if (names != NULL)
			pick_names(from, names, made);
		if (always != NULL)
			pick_names(from, always, made);
	}
	json_object_put(names);
	json_object_put(from);
	*out = made;
	return true;
}

static bool
op_first(struct cs_sb_scope *sc, json_object *op, json_object **out)
{
	json_object *list = json_object_object_get(op, "$first");

	for (size_t i = 0; i < json_object_array_length(list); i++) {
		if (cs_sb_eval(sc, json_object_array_get_idx(list, i), out))
			return true;
	}
	return false;
}

static bool
eval_object(struct cs_sb_scope *sc, json_object *t, json_object **out)
{
	struct lh_entry *first = lh_table_head(json_object_get_object(t));
	const char *op = first != NULL ? CS_SB_NAME(first) : "";
	json_object *made, *v;

	if (op[0] == '$') {
		if (strcmp(op, "$each") == 0)
			return op_each(sc, t, out);
		if (strcmp(op, "$merge") == 0)
			return op_merge(sc, t, out);
		if (strcmp(op, "$pick") == 0)
			return op_pick(sc, t, out);
		if (strcmp(op, "$first") == 0)
			return op_first(sc, t, out);
		if (strcmp(op, "$if") == 0)
			return cs_sb_eval(
			    sc,
			    json_object_object_get(t, cs_sb_holds(sc, CS_SB_VALUE(first)) ? "then" : "else"),
			    out);
	}
	made = json_object_new_object();
	CS_SB_MEMBERS(e, t) {
		if (CS_SB_VALUE(e) == NULL)
			json_object_object_add(made, CS_SB_NAME(e), NULL);
		else if (cs_sb_eval(sc, CS_SB_VALUE(e), &v))
			json_object_object_add(made, CS_SB_NAME(e), v);
	}
	*out = made;
	return true;
}

static bool
eval_array(struct cs_sb_scope *sc, json_object *t, json_object **out)
{
	json_object *made = json_object_new_array(), *v;

	for (size_t i = 0; i < json_object_array_length(t); i++) {
		if (cs_sb_eval(sc, json_object_array_get_idx(t, i), &v))
			json_object_array_add(made, v);
	}
	*out = made;
	return true;
}

bool
cs_sb_eval(struct cs_sb_scope *sc, json_object *t, json_object **out)
{
	const char *s;

	*out = NULL;
	switch (json_object_get_type(t)) {
	case json_type_object:
		return eval_object(sc, t, out);
	case json_type_array:
		return eval_array(sc, t, out);
	case json_type_string:
		s = json_object_get_string(t);
		if (strstr(s, "${") != NULL)
			return eval_text(sc, s, (size_t)json_object_get_string_len(t), out);
		break;
	case json_type_null:
		return false;
	default:
		break;
	}
	*out = json_object_get(t);
	return true;
}

char *
cs_sb_eval_text(struct cs_sb_scope *sc, json_object *t)
{
	json_object *v;
	char *s = NULL;

	if (cs_sb_eval(sc, t, &v) && v != NULL)
		s = cs_xstrdup(json_object_get_string(v));
	json_object_put(v);
	return s;
}

char *
cs_sb_eval_string(struct cs_sb_scope *sc, const char *t)
{
	json_object *v = NULL;
	char *s = NULL;

	if (strstr(t, "${") == NULL)
		return cs_xstrdup(t);
	if (eval_text(sc, t, strlen(t), &v) && v != NULL)
		s = cs_xstrdup(json_object_get_string(v));
	json_object_put(v);
	return s;
}

int64_t
cs_sb_eval_int(struct cs_sb_scope *sc, json_object *t, int64_t dflt)
{
	char *s = cs_sb_eval_text(sc, t), *end;
	long long n;

	if (s == NULL)
		return dflt;
	errno = 0;
	n = strtoll(s, &end, 10);
	if (end == s || *end != '\0' || errno != 0)
		n = dflt;
	free(s);
	return n;
}
