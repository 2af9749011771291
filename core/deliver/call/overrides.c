/* SPDX-License-Identifier: Apache-2.0 */
/*
 * overrides.c - fill in the templates of a patch, then lay it on.
 */
#include "deliver/call/overrides.h"
#include <string.h>

#define DEPTH_MAX 32

static json_object *
fill_string(const char *text, json_object *lead)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf out = CS_BUF_INIT(64u << 10);
	const char *open, *close;

	if (strncmp(text, "${/", 3) == 0 && (close = strchr(text, '}')) != NULL && close[1] == '\0') {
		CS_CLEANUP(cs_freep) char *pointer = cs_xstrndup(text + 2, (size_t)(close - text - 2));
		json_object *v = cs_json_pointer(lead, pointer);

		return v != NULL ? json_object_get(v) : json_object_new_string("");
	}
	while ((open = strstr(text, "${/")) != NULL && (close = strchr(open, '}')) != NULL) {
		CS_CLEANUP(cs_freep) char *pointer = cs_xstrndup(open + 2, (size_t)(close - open - 2));

		cs_buf_add(&out, text, (size_t)(open - text));
		cs_buf_adds(&out, cs_json_pointer_text(lead, pointer));
		text = close + 1;
	}
	cs_buf_adds(&out, text);
	return json_object_new_string(cs_buf_str(&out));
}

static json_object *
fill(const json_object *patch, json_object *lead, int depth)
{
	json_object *out;

	if (patch == NULL || depth > DEPTH_MAX)
		return NULL;
	switch (json_object_get_type(patch)) {
	case json_type_string:
		return fill_string(json_object_get_string((json_object *)(uintptr_t)patch), lead);
	case json_type_object:
		out = json_object_new_object();
		json_object_object_foreach((json_object *)(uintptr_t)patch, key, val)
			json_object_object_add(out, key, fill(val, lead, depth + 1));
		return out;
	case json_type_array:
		out = json_object_new_array();
		for (size_t i = 0; i < json_object_array_length(patch); i++)
			json_object_array_add(out, fill(json_object_array_get_idx(patch, i), lead, depth + 1));
		return out;
	default:
		return json_object_get((json_object *)(uintptr_t)patch);
	}
}

int
cs_overrides_apply(const char *document, size_t n, const json_object *overrides, json_object *lead, struct cs_buf *out,
                   struct cs_err *err)
{
	json_object *doc = NULL, *patch, *laid;
	int rc;

	if ((rc = cs_json_parse(document, n, 64, &doc, err)) < 0)
		return rc;
	patch = fill(overrides, lead, 0);
	laid = cs_json_merge_patch(doc, patch);
	cs_buf_adds(out, cs_json_text(laid));
	json_object_put(laid);
	json_object_put(patch);
	json_object_put(doc);
	return out->failed ? cs_err_set(err, CS_ELIMIT, "the document is too large after the overrides") : 0;
}
