/* SPDX-License-Identifier: Apache-2.0 */
/*
 * patch.c - see patch.h.
 */
#include "config.h"
#include <string.h>
#include "ctl/patch.h"

#define DEPTH 16

static int
read_value(const char *word, const char *equals, json_object **value, struct cs_err *err)
{
	bool json = equals > word && equals[-1] == ':';
	struct cs_err why;

	if (!json) {
		*value = json_object_new_string(equals + 1);
		return 0;
	}
	if (strcmp(equals + 1, "null") == 0) {
		*value = NULL;
		return 0;
	}
	if (cs_json_parse(equals + 1, strlen(equals + 1), DEPTH, value, &why) < 0)
		return cs_err_set(err, CS_EINVAL, "what stands behind := in \"%.60s\" is not JSON: %s", word,
				  why.msg);
	return 0;
}

/* {"contact": {"phone": value}} for "contact.phone"; takes the value over. */
static int
nest(const char *word, size_t n, json_object *value, json_object **out, struct cs_err *err)
{
	int depth = 0;

	while (n > 0 && depth++ < DEPTH) {
		json_object *o;
		size_t start = n;

		while (start > 0 && word[start - 1] != '.')
			start--;
		if (start == n)
			break;
		o = json_object_new_object();
		CS_CLEANUP(cs_freep) char *key = cs_xstrndup(word + start, n - start);
		json_object_object_add(o, key, value);
		value = o;
		n = start > 0 ? start - 1 : 0;
		if (start == 0) {
			*out = value;
			return 0;
		}
	}
	json_object_put(value);
	return cs_err_set(err, CS_EINVAL, "\"%.60s\" does not name a field, as contact.phone does", word);
}

static int
read_word(const char *word, json_object **out, struct cs_err *err)
{
	const char *equals = strchr(word, '=');
	json_object *value;
	int rc;

	if (word[0] == '{') {
		if (cs_json_parse(word, strlen(word), DEPTH, out, err) < 0)
			return CS_EINVAL;
		return 0;
	}
	if (equals == NULL)
		return cs_err_set(err, CS_EINVAL,
				  "\"%.60s\" is neither FIELD=TEXT, FIELD:=JSON nor a JSON object", word);
	if ((rc = read_value(word, equals, &value, err)) < 0)
		return rc;
	return nest(word, (size_t)(equals - word) - (equals > word && equals[-1] == ':'), value, out, err);
}

/* Two patches as one: null members must stay, so this is no merge patch of its own. */
static void
lay_over(json_object *base, json_object *patch)
{
	json_object_object_foreach(patch, key, value) {
		json_object *old = cs_json_get(base, key);

		if (value != NULL && json_object_is_type(value, json_type_object) && old != NULL &&
		    json_object_is_type(old, json_type_object))
			lay_over(old, value);
		else
			json_object_object_add(base, key, json_object_get(value));
	}
}

int
cs_ctl_patch_read(char *const *words, int n, json_object **out, struct cs_err *err)
{
	json_object *all = json_object_new_object();

	for (int i = 0; i < n; i++) {
		json_object *one = NULL;

		if (read_word(words[i], &one, err) < 0) {
			json_object_put(all);
			return CS_EINVAL;
		}
		lay_over(all, one);
		json_object_put(one);
	}
	*out = all;
	return 0;
}
