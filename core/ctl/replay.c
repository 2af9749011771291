/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay.c - see replay.h.
 */
#include "config.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>
#include "ctl/talk/link.h"
#include "ctl/show/progress.h"
#include "ctl/replay.h"

#define PAUSE_NS 500000000

static void
say(const struct cs_ctl *c, const json_object *r)
{
	if (c->json) {
		cs_ctl_print_json(r);
		return;
	}
	printf("replay %" PRId64 "%s: %" PRId64 " in all, %" PRId64 " wait, %" PRId64 " delivered, %" PRId64
	       " dead letters again\n",
	       cs_json_int(r, "id", 0), cs_json_bool(r, "canceled", false) ? " (canceled)" : "",
	       cs_json_int(r, "total", 0), cs_json_int(r, "waiting", 0), cs_json_int(r, "delivered", 0),
	       cs_json_int(r, "dead", 0));
}

int
cs_ctl_replay_watch(struct cs_ctl *c, int64_t id, bool wait)
{
	const char *path = cs_arena_printf(&c->mem, "/v1/replays/%" PRId64, id);
	struct cs_ctl_progress progress;
	int rc;

	cs_ctl_progress_init(&progress);
	for (;;) {
		CS_CLEANUP(cs_json_putp) json_object *r = NULL;
		int64_t total, waiting, dead;

		if ((rc = cs_ctl_get(c, path, &r)) != CS_CTL_OK)
			return rc;
		total = cs_json_int(r, "total", 0);
		waiting = cs_json_int(r, "waiting", 0);
		dead = cs_json_int(r, "dead", 0);
		if (!wait || waiting == 0) {
			cs_ctl_progress_clear(&progress);
			say(c, r);
			return wait && dead > 0 ? CS_CTL_FAILED : CS_CTL_OK;
		}
		cs_ctl_progress_show(&progress, total - waiting, total,
				     "%" PRId64 " of %" PRId64 " through, %" PRId64 " dead again",
				     total - waiting, total, dead);
		nanosleep(&(struct timespec){ .tv_nsec = PAUSE_NS }, NULL);
	}
}

bool
cs_ctl_replay_id(const struct cs_ctl *c, int64_t *id)
{
	char *end;

	errno = 0;
	*id = strtoll(c->args.pos[0], &end, 10);
	if (errno == 0 && *end == '\0' && *id > 0)
		return true;
	cs_ctl_usage(c->cmd, "a replay is named by its number, not \"%.40s\"", c->args.pos[0]);
	return false;
}
