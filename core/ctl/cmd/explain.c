/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain.c - csrelay explain: the life story of a lead, once or as it happens.
 */
#include "config.h"
#include <time.h>
#include "ctl/commands.h"
#include "ctl/filter.h"
#include "ctl/talk/link.h"
#include "ctl/show/story.h"
#include "util/clock.h"

#define FIRST_PAUSE_MS 100
#define LONGEST_PAUSE_MS 1000

static void
pause_ms(int64_t ms)
{
	const struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000 };

	nanosleep(&ts, NULL);
}

static void
print_story(struct cs_ctl *c, struct cs_ctl_teller *teller, const struct cs_ctl_story *story)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);

	cs_ctl_teller_print(teller, c, story, &b);
	fputs(cs_buf_str(&b), stdout);
	fflush(stdout);
}

static int
verdict(const struct cs_ctl_story *s)
{
	return s->n_deliveries > 0 && s->n_delivered == s->n_deliveries ? CS_CTL_OK : CS_CTL_FAILED;
}

/* Tell it once. *open says whether something is still on its way. */
static int
tell(struct cs_ctl *c, const char *path, struct cs_ctl_teller *teller, bool last, bool *open, int *outcome)
{
	CS_CLEANUP(cs_json_putp) json_object *told = NULL;
	CS_CLEANUP(cs_arena_fini) struct cs_arena mem;
	struct cs_ctl_story story;
	int rc = cs_ctl_get(c, path, &told);

	cs_arena_init(&mem);
	if (rc != CS_CTL_OK)
		return rc;
	cs_ctl_story_tell(&story, &mem, told, cs_now_ms(&cs_clock_real), cs_ctl_has(c, "full"));
	*open = story.n_open > 0;
	*outcome = verdict(&story);
	if (!c->json)
		print_story(c, teller, &story);
	else if (last || !*open)
		cs_ctl_print_json(told);
	return CS_CTL_OK;
}

static int
follow(struct cs_ctl *c, const char *path, struct cs_ctl_teller *teller, int64_t timeout_ms)
{
	int64_t start_us = cs_mono_us(), wait_ms = FIRST_PAUSE_MS;
	bool open = true, late = false;
	int rc, outcome = CS_CTL_OK;

	for (;;) {
		late = timeout_ms > 0 && (cs_mono_us() - start_us) / 1000 >= timeout_ms;
		if ((rc = tell(c, path, teller, late, &open, &outcome)) != CS_CTL_OK)
			return rc;
		if (!open)
			return outcome;
		if (late)
			return cs_ctl_fail(CS_CTL_FAILED, "not delivered everywhere after %lld s",
					   (long long)(timeout_ms / 1000));
		pause_ms(wait_ms);
		wait_ms = wait_ms * 2 < LONGEST_PAUSE_MS ? wait_ms * 2 : LONGEST_PAUSE_MS;
	}
}

static int
run(struct cs_ctl *c)
{
	const char *path = cs_arena_printf(&c->mem, "/v1/leads/%s/story", cs_ctl_encoded(c, c->args.pos[0]));
	struct cs_ctl_teller teller;
	int64_t timeout_s;
	bool open;
	int rc, outcome;

	if (cs_ctl_has(c, "account"))
		path = cs_arena_printf(&c->mem, "%s?account=%s", path,
				       cs_ctl_encoded(c, cs_ctl_opt(c, "account")));
	if (!cs_ctl_opt_int(c, "timeout", 1, 86400, 0, &timeout_s))
		return CS_CTL_USAGE;
	if (timeout_s > 0 && !cs_ctl_has(c, "follow"))
		return cs_ctl_usage(c->cmd, "--timeout goes with --follow");
	cs_ctl_teller_init(&teller);
	if (cs_ctl_has(c, "follow"))
		rc = follow(c, path, &teller, timeout_s * 1000);
	else
		rc = tell(c, path, &teller, true, &open, &outcome);
	cs_ctl_teller_fini(&teller);
	return rc;
}

static const struct cs_ctl_opt opts[] = {
	{ "follow", NULL, "go on printing what happens until it is delivered or a dead letter" },
	{ "timeout", "SECONDS", "with --follow: give up after so long" },
	{ "full", NULL, "answers of CRMs whole, with the headers of requests that failed" },
	{ "account", "ID", "whose lead, where two accounts use the same event_id" },
	{ NULL, NULL, NULL },
};
const struct cs_ctl_command cs_ctl_cmd_explain = {
	.name = "explain",
	.args = "LEAD",
	.help = "the life story of a lead in plain words",
	.more = "LEAD is its number or its event_id. With --follow the exit status is 0 when every delivery "
		"arrived, and 1 when one did not or the time was over.",
	.min = 1,
	.max = 1,
	.opts = opts,
	.offline = true,
	.run = run,
};
