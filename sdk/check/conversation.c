/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conversation.c - reading a folder of conversations.
 */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "check/conversation.h"
#include "util/json.h"
#include "util/mem.h"

#define FILE_MAX (1u << 20)

static int
is_conversation(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return n > 5 && strcmp(e->d_name + n - 5, ".json") == 0;
}

/* What would be taken for something else if it were of another type; NULL: all is well. */
static const char *
odd_member(json_object *script)
{
	static const struct {
		const char *key;
		enum json_type type;
	} shape[] = {
		{ "lead", json_type_object }, { "raw", json_type_string }, { "kind", json_type_string }, { "what", json_type_string },
		{ "hook", json_type_object }, { "now", json_type_string }, { "settings", json_type_object },
		{ "facts", json_type_object }, { "secrets", json_type_object }, { "receipts", json_type_object },
		{ "remembered", json_type_object }, { "overrides", json_type_object }, { "calls", json_type_array },
		{ "outcome", json_type_string }, { "lead_warnings", json_type_string },
	};

	for (size_t i = 0; i < CS_ARRAY_LEN(shape); i++) {
		json_object *v = cs_json_get(script, shape[i].key);

		if (v && !json_object_is_type(v, shape[i].type))
			return shape[i].key;
	}
	return NULL;
}

static void
read_one(const char *dir, const char *name, struct cs_script *out)
{
	struct cs_err err = { 0 };
	char path[PATH_MAX];

	out->name = cs_xstrdup(name);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (cs_json_read_file(path, FILE_MAX, &out->json, &err) != 0)
		out->why = cs_xstrdup(err.msg);
	else if (!json_object_is_type(out->json, json_type_object))
		out->why = cs_xstrdup("is no JSON object");
	else if (odd_member(out->json))
		out->why = cs_xasprintf("\"%s\" is of the wrong type", odd_member(out->json));
}

int
cs_scripts_read(const char *dir, struct cs_scripts *out, struct cs_err *err)
{
	struct dirent **names = NULL;
	int n = scandir(dir, &names, is_conversation, alphasort);

	*out = (struct cs_scripts){ 0 };
	if (n <= 0) {
		free(names);
		return cs_err_set(err, CS_ENOTFOUND, "no conversations in %s", dir);
	}
	out->v = cs_xcalloc((size_t)n, sizeof(*out->v));
	for (int i = 0; i < n; i++) {
		read_one(dir, names[i]->d_name, &out->v[out->n++]);
		free(names[i]);
	}
	free(names);
	return 0;
}

void
cs_scripts_free(struct cs_scripts *s)
{
	for (size_t i = 0; i < s->n; i++) {
		json_object_put(s->v[i].json);
		free(s->v[i].name);
		free(s->v[i].why);
	}
	free(s->v);
	*s = (struct cs_scripts){ 0 };
}
