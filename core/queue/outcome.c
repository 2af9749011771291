/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outcome.c - the outcome table of the queue.
 *
 *   done     delivered
 *   retry    due again after 30 s, 2 m, 10 m, 1 h, 6 h (with jitter), then a dead letter
 *   unknown  the same, and the next attempt looks before it sends; or a dead letter where only a person can know
 *   wait     due when the CRM said (plus jitter), no attempt spent; a dead letter after max_wait
 *   reauth   dead letter at once, the connection needs its owner
 *   reject   dead letter at once
 *
 * Who is to blame decides what brings a dead letter back: a mended lead, credential, connection or CRM.
 */
#include "queue/outcome.h"
#include <cs/plugin_v1.h>

#define WAIT_DEFAULT_MS (30 * CS_SECOND_MS)
#define EXPIRY_SLACK_MS CS_MINUTE_MS

void
cs_schedule_default(struct cs_schedule *s)
{
	static const struct cs_schedule dflt = {
		.interval_ms = { 30 * CS_SECOND_MS, 2 * CS_MINUTE_MS, 10 * CS_MINUTE_MS, CS_HOUR_MS, 6 * CS_HOUR_MS },
		.jitter_ms = { 10 * CS_SECOND_MS, 20 * CS_SECOND_MS, CS_MINUTE_MS, 10 * CS_MINUTE_MS, 30 * CS_MINUTE_MS },
		.n = 5,
		.max_wait_ms = CS_DAY_MS,
	};
	*s = dflt;
}

int64_t
cs_schedule_span_ms(const struct cs_schedule *s)
{
	int64_t sum = 0;

	for (int i = 0; i < s->n; i++)
		sum += s->interval_ms[i];
	return sum;
}

const char *
cs_outcome_name(int32_t outcome)
{
	static const char *const names[] = { "done", "retry", "reject", "reauth", "wait", "unknown", "unsupported" };

	return outcome >= 0 && (size_t)outcome < CS_ARRAY_LEN(names) ? names[outcome] : "undefined";
}

static void
bury(struct cs_decision *out, enum cs_blame blame, const char *why)
{
	out->to = CS_DEAD;
	out->blame = blame;
	out->why = why;
}

static int64_t
later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static void
defer(struct cs_decision *out, const struct cs_delivery_row *row, const struct cs_verdict *v, int64_t due_ms)
{
	out->to = CS_DUE;
	out->due_ms = later(later(due_ms, v->not_before_ms), v->doubt ? v->look_after_ms : 0);
	out->expires_ms = later(row->expires_ms, out->due_ms + EXPIRY_SLACK_MS);
}

/*
 * Who was held back (behind an open breaker) has a late schedule but the same clock: the last retry comes when it was
 * promised. 0: that has passed.
 */
static int64_t
within_clock(const struct cs_schedule *s, const struct cs_delivery_row *row, int64_t due_ms, int64_t now_ms)
{
	int64_t latest_ms = row->expires_ms;

	for (int i = 0; i < s->n; i++)
		latest_ms += s->jitter_ms[i];
	if (due_ms <= latest_ms)
		return due_ms;
	return row->expires_ms > now_ms ? row->expires_ms : 0;
}

static void
decide_retry(const struct cs_schedule *s, const struct cs_clock *clock, const struct cs_delivery_row *row,
             const struct cs_verdict *v, struct cs_decision *out)
{
	int n = row->attempts; /* retries so far */
	int64_t due;

	out->attempts = row->attempts + 1;
	out->blame = v->blame != CS_BLAME_NONE ? v->blame : CS_BLAME_CRM;
	out->failure = out->blame == CS_BLAME_CRM || out->blame == CS_BLAME_CONNECTION;
	if (v->doubt && v->ask) {
		bury(out, out->blame, "it may have arrived: the request was sent and no answer came; "
		                      "look in the CRM, then mark it done or replay it");
		return;
	}
	if (n >= s->n) {
		bury(out, out->blame, "the last retry of the schedule failed");
		return;
	}
	due = cs_now_ms(clock) + s->interval_ms[n] + cs_clock_jitter(clock, s->jitter_ms[n]);
	if ((due = within_clock(s, row, due, cs_now_ms(clock))) == 0)
		bury(out, out->blame, "it kept failing until the time of the last retry had passed");
	else
		defer(out, row, v, due);
}

static void
decide_wait(const struct cs_schedule *s, const struct cs_clock *clock, const struct cs_delivery_row *row,
            const struct cs_verdict *v, struct cs_decision *out)
{
	int64_t now = cs_now_ms(clock), base;

	out->wait_since_ms = row->wait_since_ms != 0 ? row->wait_since_ms : now;
	out->blame = CS_BLAME_CRM;
	if (now - out->wait_since_ms >= s->max_wait_ms) {
		bury(out, CS_BLAME_CRM, "the CRM kept telling us to wait");
		return;
	}
	base = v->not_before_ms > now ? v->not_before_ms : now + WAIT_DEFAULT_MS;
	defer(out, row, v, base + (int64_t)(clock->random(clock) % (uint64_t)later(1, (base - now) / 10)));
	out->expires_ms = later(out->expires_ms, out->wait_since_ms + s->max_wait_ms);
}

static enum cs_blame
reject_blame(const struct cs_verdict *v)
{
	if (v->blame != CS_BLAME_NONE)
		return v->blame;
	return v->status == 402 || v->status == 403 ? CS_BLAME_CONNECTION : CS_BLAME_LEAD;
}

void
cs_outcome_decide(const struct cs_schedule *s, const struct cs_clock *clock, const struct cs_delivery_row *row,
                  const struct cs_verdict *v, struct cs_decision *out)
{
	*out = (struct cs_decision){ .attempts = row->attempts + 1, .expires_ms = row->expires_ms, .why = "" };
	switch (v->outcome) {
	case CS_DONE:
		out->to = CS_DELIVERED;
		break;
	case CS_WAIT:
		out->attempts = row->attempts;
		decide_wait(s, clock, row, v, out);
		break;
	case CS_REAUTH:
		bury(out, CS_BLAME_CREDENTIAL, "the CRM no longer accepts the connection's credentials");
		break;
	case CS_REJECT:
		bury(out, reject_blame(v), "");
		break;
	case CS_RETRY:
	case CS_UNKNOWN:
		decide_retry(s, clock, row, v, out);
		break;
	default: { /* a plugin's fault */
		struct cs_verdict ours = *v;

		ours.blame = CS_BLAME_US;
		decide_retry(s, clock, row, &ours, out);
	}
	}
}
