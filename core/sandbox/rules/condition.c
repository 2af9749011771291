/* SPDX-License-Identifier: Apache-2.0 */
/*
 * condition.c - does a condition hold, and are the expressions of a data file well formed?
 */
#include "config.h"

#include <string.h>
#include "sandbox/rules/filters.h"
#include "sandbox/rules/value.h"

static bool
is_one_of(json_object *list, json_object *v)
{
	for (size_t i = 0; json_object_is_type(list, json_type_array) && i < json_object_array_length(list);
	     i++) {
		if (strcmp(cs_sb_scalar(json_object_array_get_idx(list, i)), cs_sb_scalar(v)) == 0)
			return true;
	}
	return false;
}

static bool
test_value(struct cs_sb_scope *sc, json_object *cond, json_object *v, bool there)
{
	json_object *want, *other = NULL;
	const char *pattern = cs_json_str(cond, "matches", NULL);
	bool ok = true;

	if (json_object_object_get_ex(cond, "present", &want))
		ok = ok && json_object_get_boolean(want) == there;
	if (json_object_object_get_ex(cond, "is", &want)) {
		cs_sb_eval(sc, want, &other);
		ok = ok && there && strcmp(cs_sb_scalar(v), cs_sb_scalar(other)) == 0;
		json_object_put(other);
	}
	if (json_object_object_get_ex(cond, "not", &want)) {
		cs_sb_eval(sc, want, &other);
		ok = ok && !(there && strcmp(cs_sb_scalar(v), cs_sb_scalar(other)) == 0);
		json_object_put(other);
	}
	if (json_object_object_get_ex(cond, "in", &want)) {
		cs_sb_eval(sc, want, &other);
		ok = ok && there && is_one_of(other, v);
		json_object_put(other);
	}
	if (pattern != NULL)
		ok = ok && there && cs_sb_regex_matches(sc->crm->regexes, pattern, cs_sb_scalar(v));
	return ok;
}

bool
cs_sb_holds(struct cs_sb_scope *sc, json_object *cond)
{
	json_object *v = NULL;
	bool there, ok;

	if (cond == NULL)
		return true;
	if (json_object_is_type(cond, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(cond); i++) {
			if (!cs_sb_holds(sc, json_object_array_get_idx(cond, i)))
				return false;
		}
		return true;
	}
	if (json_object_is_type(cond, json_type_string)) {
		ok = cs_sb_eval(sc, cond, &v) && v != NULL && strcmp(json_object_get_string(v), "false") != 0;
		json_object_put(v);
		return ok;
	}
	there = cs_sb_eval(sc, json_object_object_get(cond, "value"), &v) && v != NULL;
	ok = test_value(sc, cond, v, there);
	json_object_put(v);
	return ok;
}

/* ---- checking at load */

static int
check_text(const char *s, struct cs_err *err)
{
	const char *open, *close;
	char expr[CS_SB_MAX_EXPR], *filter, *rest;

	for (open = strstr(s, "${"); open != NULL; open = strstr(close, "${")) {
		if ((close = strchr(open, '}')) == NULL || close - open - 2 >= CS_SB_MAX_EXPR)
			return cs_err_set(err, CS_EINVAL, "\"%.80s\": \"${\" without its \"}\"", s);
		memcpy(expr, open + 2, (size_t)(close - open) - 2);
		expr[close - open - 2] = '\0';
		rest = expr;
		strsep(&rest, "|");
		if (expr[0] < 'a' || expr[0] > 'z')
			return cs_err_set(err, CS_EINVAL, "\"%.80s\": \"%.40s\" names no value", s, expr);
		while ((filter = strsep(&rest, "|")) != NULL) {
			filter[strcspn(filter, ":")] = '\0';
			if (!cs_sb_filter_known(filter))
				return cs_err_set(err, CS_EINVAL, "\"%.80s\": unknown filter \"%.40s\"", s,
						  filter);
		}
	}
	return 0;
}

int
cs_sb_template_check(const json_object *t, struct cs_err *err)
{
	int rc = 0;

	if (json_object_is_type(t, json_type_string))
		return check_text(json_object_get_string((json_object *)t), err);
	if (json_object_is_type(t, json_type_array)) {
		for (size_t i = 0; rc == 0 && i < json_object_array_length(t); i++)
			rc = cs_sb_template_check(json_object_array_get_idx(t, i), err);
	}
	if (json_object_is_type(t, json_type_object)) {
		CS_SB_MEMBERS(e, t) {
			if ((rc = check_text(CS_SB_NAME(e), err)) < 0 ||
			    (rc = cs_sb_template_check(CS_SB_VALUE(e), err)) < 0)
				break;
		}
	}
	return rc;
}
