/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test.c - csrelay connections test, seen: a test lead on its way, and away again.
 */
#include "config.h"
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include "ctl/commands.h"
#include "ctl/connection.h"
#include "ctl/filter.h"
#include "ctl/show/text.h"
#include "ctl/talk/link.h"

#define LOOK_MS 250

static void
print_records(struct cs_ctl *c, json_object *records, const char *before)
{
	for (size_t i = 0; i < cs_ctl_json_count(records); i++) {
		json_object *o = json_object_array_get_idx(records, i);
		const char *url = cs_ctl_json_text(&c->mem, o, "url"), *why = cs_ctl_json_text(&c->mem, o, "why");

		printf("  %s%s %s%s%s%s%s\n", before, cs_ctl_json_text(&c->mem, o, "type"), cs_ctl_json_text(&c->mem, o, "id"),
		       url[0] != '\0' ? "  " : "", url, why[0] != '\0' ? ": " : "", why);
	}
}

static bool
is_over(const char *state)
{
	return strcmp(state, "delivered") == 0 || strcmp(state, "dead") == 0 || strcmp(state, "discarded") == 0;
}

static int
print_test(struct cs_ctl *c, int64_t test, json_object *o)
{
	const char *state = cs_json_str(o, "state", "");
	bool good = strcmp(state, "delivered") == 0;

	if (c->json) {
		json_object_object_add(o, "test", json_object_new_int64(test));
		cs_ctl_print_json(o);
	} else if (good) {
		printf("the test lead is in the CRM:\n");
		print_records(c, cs_json_get(o, "records"), "");
		printf("look at it there, then have it removed: csrelay connections seen %s %" PRId64 "\n", cs_ctl_clean(&c->mem, c->args.pos[0]), test);
	} else
		printf("the test lead %s%s%s\n", is_over(state) ? "did not get into the CRM: " : "is still on its way ",
		       cs_ctl_json_text(&c->mem, o, "reason"), is_over(state) ? "" : "(csrelay explain shows how far)");
	return good ? CS_CTL_OK : CS_CTL_FAILED;
}

static int
run_test(struct cs_ctl *c)
{
	CS_CLEANUP(cs_json_putp) json_object *sent = NULL, *seen = NULL;
	const struct timespec a_moment = { 0, LOOK_MS * 1000000L };
	int64_t wait_s, test;
	const char *path;
	int rc;

	if (!cs_ctl_opt_int(c, "wait", 0, 600, 30, &wait_s))
		return CS_CTL_USAGE;
	if ((rc = cs_ctl_change(c, "POST", cs_ctl_connection_path(c, "/test"), NULL, &sent)) != CS_CTL_OK)
		return rc;
	test = cs_json_int(sent, "test", 0);
	path = cs_ctl_connection_path(c, cs_arena_printf(&c->mem, "/test/%" PRId64, test));
	for (int64_t left_ms = wait_s * 1000;; left_ms -= LOOK_MS) {
		json_object_put(seen);
		seen = NULL;
		if ((rc = cs_ctl_get(c, path, &seen)) != CS_CTL_OK)
			return rc;
		if (left_ms <= 0 || is_over(cs_json_str(seen, "state", "")))
			return print_test(c, test, seen);
		nanosleep(&a_moment, NULL);
	}
}

static int
run_seen(struct cs_ctl *c)
{
	CS_CLEANUP(cs_json_putp) json_object *answer = NULL;
	const char *path = cs_ctl_connection_path(c, cs_arena_printf(&c->mem, "/test/%s/seen", cs_ctl_encoded(c, c->args.pos[1])));
	int rc = cs_ctl_change(c, "POST", path, NULL, &answer);

	if (rc != CS_CTL_OK)
		return rc;
	if (c->json)
		cs_ctl_print_json(answer);
	else {
		print_records(c, cs_json_get(answer, "removed"), "removed ");
		print_records(c, cs_json_get(answer, "left"), "left ");
	}
	return cs_ctl_json_count(cs_json_get(answer, "left")) == 0 ? CS_CTL_OK : CS_CTL_FAILED;
}

static const struct cs_ctl_opt test_opts[] = {
	{ "wait", "SECONDS", "how long to wait until it is there (30)" },
	{ NULL, NULL, NULL },
};
const struct cs_ctl_command cs_ctl_cmd_connections_test = {
	.name = "connections test",
	.args = "CONNECTION",
	.help = "send a test lead through the whole road, and show what it left",
	.more = "It says in every text that it is a test, and its caller is made up. Exits with 1 when it did not get into the CRM.",
	.min = 1,
	.max = 1,
	.opts = test_opts,
	.run = run_test,
};
const struct cs_ctl_command cs_ctl_cmd_connections_seen = {
	.name = "connections seen",
	.args = "CONNECTION TEST",
	.help = "the test lead was seen in the CRM: remove it there",
	.more = "TEST is the number that connections test told. Exits with 1 when something is left that the CRM's interface cannot remove.",
	.min = 2,
	.max = 2,
	.run = run_seen,
};
