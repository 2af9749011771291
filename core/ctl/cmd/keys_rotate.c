/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys_rotate.c - csrelay keys rotate: a new key in the place of another, which lives on for a while.
 */
#include "config.h"
#include <inttypes.h>
#include <string.h>
#include "ctl/commands.h"
#include "ctl/show/text.h"
#include "ctl/talk/link.h"

/* By number, or the newest of that name that is still good. 0: there is none. */
static int64_t
find(const struct cs_ctl *c, json_object *items, const char *which)
{
	int64_t found = 0, best = 0;

	for (size_t i = 0; i < cs_ctl_json_count(items); i++) {
		json_object *k = json_object_array_get_idx(items, i);
		int64_t id = cs_json_int(k, "id", 0), end = cs_ctl_json_time(k, "expires_at"), made = cs_ctl_json_time(k, "created_at");
		char number[24];

		snprintf(number, sizeof(number), "%" PRId64, id);
		if (strcmp(number, which) == 0)
			return id;
		if (strcmp(cs_json_str(k, "name", ""), which) != 0 || (end > 0 && end <= c->now_ms) || made < best)
			continue;
		found = id;
		best = made;
	}
	return found;
}

static int
body_of(struct cs_ctl *c, json_object *body)
{
	const char *overlap = cs_ctl_has(c, "overlap") ? cs_ctl_opt(c, "overlap") : "24h";
	int64_t ms;

	if (cs_ctl_read_time(overlap, c->now_ms, 1, &ms) < 0)
		return cs_ctl_usage(c->cmd, "--overlap takes how long the old key lives on, like 24h, or a day like 2027-01-31");
	json_object_object_add(body, "overlap_ms", json_object_new_int64(ms - c->now_ms));
	return CS_CTL_OK;
}

static int
run(struct cs_ctl *c)
{
	CS_CLEANUP(cs_json_putp) json_object *list = NULL;
	CS_CLEANUP(cs_json_putp) json_object *answer = NULL;
	CS_CLEANUP(cs_json_putp) json_object *body = json_object_new_object();
	int64_t id;
	int rc;

	if ((rc = body_of(c, body)) != CS_CTL_OK || (rc = cs_ctl_get(c, "/v1/keys", &list)) != CS_CTL_OK)
		return rc;
	if ((id = find(c, cs_json_get(list, "items"), c->args.pos[0])) == 0)
		return cs_ctl_fail(CS_CTL_NOT_FOUND, "there is no key of that name or number that is still good");
	rc = cs_ctl_change(c, "POST", cs_arena_printf(&c->mem, "/v1/keys/%" PRId64 "/rotate", id), body, &answer);
	if (rc != CS_CTL_OK)
		return rc;
	if (c->json) {
		cs_ctl_print_json(answer);
		return CS_CTL_OK;
	}
	fprintf(stderr, "key %" PRId64 " takes the place of %" PRId64 ", which lives until %s; it is shown this once and kept nowhere:\n",
	        cs_json_int(answer, "id", 0), id, cs_json_str(cs_json_get(answer, "replaces"), "expires_at", ""));
	puts(cs_ctl_json_text(&c->mem, answer, "key"));
	return CS_CTL_OK;
}

static const struct cs_ctl_opt opts[] = {
	{ "overlap", "TIME", "how long the old key lives on: 24h unless said" },
	{ NULL, NULL, NULL },
};
const struct cs_ctl_command cs_ctl_cmd_keys_rotate = {
	.name = "keys rotate",
	.args = "KEY",
	.help = "make a key like this one, by name or number, and print it, once; the old one lives on for a while",
	.more = "Scopes and accounts are those of the old key. The key alone goes to standard output.",
	.min = 1,
	.max = 1,
	.opts = opts,
	.run = run,
};
