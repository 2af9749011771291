/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay.c - csrelay dlq replay: one dead letter, those that a filter chooses, or all.
 */
#include "config.h"
#include <inttypes.h>
#include "ctl/commands.h"
#include "ctl/deadletter.h"
#include "ctl/filter.h"
#include "ctl/talk/link.h"
#include "ctl/replay.h"

static int
told_dry(struct cs_ctl *c, const json_object *answer)
{
	int64_t total = cs_json_int(answer, "total", 0);

	if (c->json)
		cs_ctl_print_json(answer);
	else
		printf("%" PRId64 " dead letter%s would go out again\n", total, total == 1 ? "" : "s");
	return CS_CTL_OK;
}

static int
told_started(struct cs_ctl *c, const json_object *answer)
{
	int64_t id = cs_json_int(answer, "id", 0);

	if (cs_ctl_has(c, "wait") || (c->terminal && !c->json && !cs_ctl_has(c, "no-wait"))) {
		if (!c->json)
			fprintf(stderr,
				"replay %" PRId64 " runs on by itself; Ctrl-C only ends the watching\n", id);
		return cs_ctl_replay_watch(c, id, true);
	}
	if (c->json)
		cs_ctl_print_json(answer);
	else
		printf("replay %" PRId64 ": of %" PRId64
		       " dead letters at most replay.per_minute go out for each connection\n"
		       "how far it is: csrelay dlq progress %" PRId64
		       "    stop it: csrelay dlq cancel %" PRId64 "\n",
		       id, cs_json_int(answer, "total", 0), id, id);
	return CS_CTL_OK;
}

static int
many(struct cs_ctl *c, json_object *filter)
{
	CS_CLEANUP(cs_json_putp) json_object *body = json_object_new_object();
	CS_CLEANUP(cs_json_putp) json_object *answer = NULL;
	int rc;

	json_object_object_add(body, "filter", filter);
	json_object_object_add(body, "dry_run", json_object_new_boolean(cs_ctl_has(c, "dry-run")));
	if ((rc = cs_ctl_change(c, "POST", "/v1/replays", body, &answer)) != CS_CTL_OK)
		return rc;
	return cs_ctl_has(c, "dry-run") ? told_dry(c, answer) : told_started(c, answer);
}

static int
run(struct cs_ctl *c)
{
	json_object *filter = NULL;
	int filters;

	if (cs_ctl_filter(c, &filter) != CS_CTL_OK)
		return CS_CTL_USAGE;
	filters = json_object_object_length(filter);
	if (c->args.n_pos == 1 && filters == 0 && !cs_ctl_has(c, "all") && !cs_ctl_has(c, "dry-run")) {
		json_object_put(filter);
		return cs_ctl_dead_letter(c, "replay", NULL);
	}
	if (c->args.n_pos == 0 && (filters > 0) != cs_ctl_has(c, "all"))
		return many(c, filter);
	json_object_put(filter);
	return cs_ctl_usage(c->cmd, "dlq replay needs one of: a delivery, options that choose some, or --all");
}

static const struct cs_ctl_opt opts[] = {
	{ "all", NULL, "every dead letter" },
	CS_CTL_FILTER_OPTS,
	{ "dry-run", NULL, "only say how many it would be" },
	{ "wait", NULL, "watch until it is through (on a terminal that is so by itself)" },
	{ "no-wait", NULL, "do not watch" },
	{ NULL, NULL, NULL },
};
const struct cs_ctl_command cs_ctl_cmd_dlq_replay = {
	.name = "dlq replay",
	.args = "[DELIVERY]",
	.help = "send dead letters again: one, those that options choose, or all",
	.more = "Emergencies go first, all of them behind fresh leads. When it was watched, the exit status "
		"is 1 if some are dead letters again.",
	.max = 1,
	.opts = opts,
	.run = run,
};
