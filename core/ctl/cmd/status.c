/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status.c - csrelay status: the first thing to ask at 2 AM.
 */
#include "config.h"
#include <inttypes.h>
#include "ctl/commands.h"
#include "ctl/talk/link.h"
#include "ctl/show/text.h"
#include "util/clock.h"

/* /readyz answers 503 when it is not ready, with the reasons in the body. */
static int
ask_ready(struct cs_ctl *c, json_object **out)
{
	const struct cs_ctl_request r = { .method = "GET", .path = "/readyz" };
	struct cs_ctl_answer a;
	int rc;

	if ((rc = cs_ctl_ask(c, &r, &a)) != CS_CTL_OK)
		return rc;
	if (a.json != NULL && cs_json_get(a.json, "ready") != NULL)
		*out = CS_STEAL(a.json);
	else
		rc = a.status == 200
			 ? cs_ctl_fail(CS_CTL_TROUBLE, "the daemon's answer to GET /readyz is not understood")
			 : cs_ctl_told(&a);
	cs_ctl_answer_fini(&a);
	return rc;
}

static void
print_ready(struct cs_ctl *c, const json_object *ready, bool yes)
{
	enum cs_ctl_paint paint = yes ? CS_PAINT_GOOD : CS_PAINT_BAD;
	json_object *reasons = cs_json_get(ready, "reasons");

	printf("%s%s%s\n", cs_ctl_paint(c, paint), yes ? "ready" : "not ready", cs_ctl_unpaint(c, paint));
	for (size_t i = 0; i < cs_ctl_json_count(reasons); i++)
		printf("  %s\n",
		       cs_ctl_clean(&c->mem, json_object_get_string(json_object_array_get_idx(reasons, i))));
}

/* "connections: 12 connected, 1 failing" */
static void
print_connections(struct cs_ctl *c, json_object *states)
{
	const char *between = "connections: ";

	if (!json_object_is_type(states, json_type_object))
		return;
	json_object_object_foreach(states, state, n) {
		if (json_object_get_int64(n) == 0)
			continue;
		printf("%s%" PRId64 " %s%s%s", between, json_object_get_int64(n), cs_ctl_paint(c, cs_ctl_paint_of_state(state)),
		       cs_ctl_clean(&c->mem, cs_ctl_state_words(state)), cs_ctl_unpaint(c, cs_ctl_paint_of_state(state)));
		between = ", ";
	}
	if (between[0] == ',')
		putchar('\n');
}

static void
print_stats(struct cs_ctl *c, const json_object *s)
{
	char up[CS_TIME_TEXT], oldest[CS_TIME_TEXT];
	int64_t due = cs_json_int(s, "due", 0);

	cs_duration_text(cs_json_int(s, "uptime_s", 0) * CS_SECOND_MS, up);
	cs_duration_text(cs_json_int(s, "oldest_due_s", 0) * CS_SECOND_MS, oldest);
	printf("csrelayd %s, up for %s\n", cs_ctl_json_text(&c->mem, s, "version"), up);
	printf("accepted %" PRId64 ", delivered %" PRId64 ", dead letters %" PRId64 "\n",
	       cs_json_int(s, "accepted", 0), cs_json_int(s, "delivered", 0), cs_json_int(s, "dead", 0));
	printf("waiting %" PRId64 ", under way %" PRId64, due, cs_json_int(s, "in_hand", 0));
	if (due > 0 && cs_json_int(s, "oldest_due_s", 0) > 0)
		printf("; the oldest is due for %s", oldest);
	putchar('\n');
	print_connections(c, cs_json_get(s, "connections"));
}

static int
run(struct cs_ctl *c)
{
	CS_CLEANUP(cs_json_putp) json_object *ready = NULL;
	CS_CLEANUP(cs_json_putp) json_object *stats = NULL;
	bool yes;
	int rc;

	if ((rc = ask_ready(c, &ready)) != CS_CTL_OK || (rc = cs_ctl_get(c, "/v1/stats", &stats)) != CS_CTL_OK)
		return rc;
	yes = cs_json_bool(ready, "ready", false);
	if (c->json) {
		json_object_object_add(stats, "ready", json_object_get(ready));
		cs_ctl_print_json(stats);
	} else {
		print_ready(c, ready, yes);
		print_stats(c, stats);
	}
	return yes ? CS_CTL_OK : CS_CTL_FAILED;
}

const struct cs_ctl_command cs_ctl_cmd_status = {
	.name = "status",
	.args = "",
	.help = "is the daemon well, and what has it done since it started",
	.more = "Exits with 1 when the daemon is up but not ready, and says why.",
	.run = run,
};
