/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter.c - see filter.h.
 */
#include "config.h"
#include <string.h>
#include "ctl/filter.h"
#include "ctl/show/text.h"
#include "util/clock.h"
#include "util/text.h"

static int
add_time(struct cs_ctl *c, json_object *filter, const char *name)
{
	const char *s = cs_ctl_opt(c, name);
	char text[CS_TIME_TEXT];
	int64_t ms;

	if (s == NULL)
		return CS_CTL_OK;
	if (cs_ctl_read_time(s, c->now_ms, -1, &ms) < 0)
		return cs_ctl_usage(
		    c->cmd,
		    "--%s takes a time like 2026-05-26, \"2026-05-26 14:30\", 2026-05-26T14:30:00Z or 2h",
		    name);
	json_object_object_add(filter, name, json_object_new_string(cs_time_format(ms, text)));
	return CS_CTL_OK;
}

int
cs_ctl_filter(struct cs_ctl *c, json_object **out)
{
	static const char *const words[] = { "crm", "connection", "account", "blame", "urgency" };
	json_object *filter = json_object_new_object();

	for (size_t i = 0; i < CS_ARRAY_LEN(words); i++)
		if (cs_ctl_has(c, words[i]))
			json_object_object_add(filter, words[i],
					       json_object_new_string(cs_ctl_opt(c, words[i])));
	if (add_time(c, filter, "since") != CS_CTL_OK || add_time(c, filter, "until") != CS_CTL_OK) {
		json_object_put(filter);
		return CS_CTL_USAGE;
	}
	*out = filter;
	return CS_CTL_OK;
}

const char *
cs_ctl_encoded(struct cs_ctl *c, const char *word)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);

	cs_url_add(&b, word, strlen(word));
	return cs_arena_strdup(&c->mem, cs_buf_str(&b));
}

int
cs_ctl_filter_query(struct cs_ctl *c, const char *state, const char **out)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	CS_CLEANUP(cs_json_putp) json_object *filter = NULL;

	if (cs_ctl_filter(c, &filter) != CS_CTL_OK)
		return CS_CTL_USAGE;
	if (state != NULL)
		cs_buf_printf(&b, "state=%s", cs_ctl_encoded(c, state));
	json_object_object_foreach(filter, name, value) {
		cs_buf_printf(&b, "%s%s=%s", b.len > 0 ? "&" : "", name,
			      cs_ctl_encoded(c, json_object_get_string(value)));
	}
	*out = cs_arena_strdup(&c->mem, cs_buf_str(&b));
	return CS_CTL_OK;
}
