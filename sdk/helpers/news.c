/* SPDX-License-Identifier: Apache-2.0 */
/*
 * news.c - polling lists that can be sorted by change but do not tell it: the cursor is the state of each record.
 */
#include <string.h>
#include <cs/helpers.h>

struct csh_news
csh_news_since(struct cs_bytes cursor, int max)
{
	struct csh_news n = { csh_json_parse(cursor), json_object_new_object(), max };

	if (!json_object_is_type(n.before, json_type_object))
		csh_json_putp(&n.before);
	return n;
}

int
csh_news_take(struct csh_news *n, const char *key, const char *state)
{
	json_object *was = NULL;

	if (json_object_object_get_ex(n->after, key, NULL))
		return 0;
	if (json_object_object_length(n->after) < n->max)
		json_object_object_add(n->after, key, json_object_new_string(state));
	if (!json_object_object_get_ex(n->before, key, &was))
		return 1;
	return !json_object_is_type(was, json_type_string) || strcmp(json_object_get_string(was), state) != 0;
}

/* What was not seen this time is kept while there is room. */
static void
keep_others(struct csh_news *n)
{
	if (!n->before)
		return;
	json_object_object_foreach(n->before, key, state)
		if (json_object_object_length(n->after) < n->max && !json_object_object_get_ex(n->after, key, NULL))
			json_object_object_add(n->after, key, json_object_get(state));
}

int32_t
csh_news_end(const struct csh *h, struct csh_news *n, int32_t rc)
{
	if (rc == CS_DONE) {
		keep_others(n);
		h->host->cursor_put(h->call, csh_json_bytes(n->after));
	}
	csh_json_putp(&n->before);
	csh_json_putp(&n->after);
	return rc;
}
