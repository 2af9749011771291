/* SPDX-License-Identifier: Apache-2.0 */
/*
 * subscribe.c - see subscribe.h.
 *
 * What is wanted is our address, unless public_url or the vault is not set or the connection's setting "subscribe" is false. What is there
 * is the fact hook_url: the address that the CRM has been told. From the two follows the call:
 *
 *   wanted, nothing there     subscribe, and the fact
 *   wanted, the same there    renew: see that it is still there, and prolong it
 *   another one there         unsubscribe that one, and no fact; then anew
 *   not wanted, one there     the same
 *
 * The fact is written after the CRM's answer, so a crash in between makes the same call again, which plugins take for granted.
 * Failures never touch the connection's state, since leads go in without webhooks: they are logged, and tried again after a
 * minute, doubling up to an hour, or, when the CRM refuses, at the next look.
 */
#include "config.h"
#include "hooks/subscribe.h"

#include <stdlib.h>
#include <string.h>
#include "deliver/results.h"

#define HOOK_URL "hook_url"
#define FIRST_RETRY_MS CS_MINUTE_MS
#define BUSY_MS CS_SECOND_MS
#define AT_ONCE 8

struct job {
	struct cs_session session; /* first */
	struct cs_list node;       /* in subscribing */
	struct cs_inbound *in;
	struct cs_poll *when;      /* NULL: its connection is about to go, and somebody waits for the end */
	int32_t kind;
	char *url;
	void (*ended)(void *ctx, bool ok);
	void *ctx;
};

static struct job *
job_of(struct cs_session *s)
{
	return (struct job *)(void *)s;
}

static void
job_free(struct job *j)
{
	cs_map_del(&j->in->busy, (uint64_t)j->session.context->conn_id);
	cs_list_del(&j->node);
	cs_buf_fini(&j->session.exchanges);
	cs_context_unref(j->session.context);
	free(j->url);
	free(j);
}

/* ---- what is to be done? */

/* Our address of this connection, as it stands in set-up pages; NULL when nobody could reach it, or when the secrets of its
 * webhooks could not be kept. */
static char *
address(const struct cs_inbound *in, const char *crm, const char *public_id)
{
	const char *base = in->engine->c.conf->public_url;

	return base == NULL || base[0] == '\0' || in->engine->c.vault == NULL ? NULL : cs_xasprintf("%s/hooks/%s/%s", base, crm, public_id);
}

/* The kind of call and, in *url, what it is about (the caller's); -1: there is nothing to do. */
static int32_t
what_now(const struct cs_inbound *in, const struct cs_context *c, char **url)
{
	bool off = strcmp(cs_context_setting(c, "subscribe"), "false") == 0;
	char *want = off ? NULL : address(in, c->crm, c->public_id);
	const char *have = cs_context_fact(c, HOOK_URL);
	int32_t kind = have[0] == '\0' ? CS_HOOK_SUBSCRIBE : CS_HOOK_RENEW;

	*url = want;
	if (have[0] != '\0' && (want == NULL || strcmp(have, want) != 0)) {
		free(want);
		*url = cs_xstrdup(have);
		return CS_HOOK_UNSUBSCRIBE;
	}
	return want == NULL ? -1 : kind;
}

/* ---- the end of a call */

static const char *
kind_name(int32_t kind)
{
	return kind == CS_HOOK_SUBSCRIBE ? "subscribe" : kind == CS_HOOK_RENEW ? "renew" : "unsubscribe";
}

static int64_t
retry_ms(struct cs_poll *when)
{
	int64_t wait_ms = FIRST_RETRY_MS;

	for (int i = 0; i < when->fails && wait_ms < CS_HOUR_MS; i++)
		wait_ms *= 2;
	when->fails++;
	return wait_ms < CS_HOUR_MS ? wait_ms : CS_HOUR_MS;
}

static void
succeeded(struct job *j)
{
	struct cs_context *c = j->session.context;
	const char *now = j->kind == CS_HOOK_UNSUBSCRIBE ? "" : j->url;

	if (j->when != NULL)
		j->when->fails = 0;
	if (j->kind != CS_HOOK_RENEW) {
		cs_context_fact_put(c, HOOK_URL, now, strlen(now));
		cs_results_facts(j->in->engine, c);
		cs_log(CS_LOG_INFO, "hooks", j->kind == CS_HOOK_SUBSCRIBE ? "webhooks registered" : "webhooks removed",
		    "crm=%s connection=%s", c->crm, c->public_id);
	}
}

static int64_t
next_ms(struct job *j, const struct cs_wire_done *d, int64_t now_ms)
{
	const struct cs_clock *clock = j->in->engine->c.clock;
	int64_t due_ms = now_ms + j->when->every_ms + cs_clock_jitter(clock, j->when->every_ms / 10);

	if (d->crash == 0 && (d->outcome == CS_DONE || d->outcome == CS_UNSUPPORTED))
		return j->kind == CS_HOOK_UNSUBSCRIBE ? now_ms : due_ms;
	if (d->crash == 0 && (d->outcome == CS_REJECT || d->outcome == CS_REAUTH))
		return due_ms;
	due_ms = now_ms + retry_ms(j->when);
	if (d->has_retry_after && due_ms < now_ms + d->retry_after_ms)
		due_ms = now_ms + d->retry_after_ms;
	return due_ms > j->session.not_before_ms ? due_ms : j->session.not_before_ms;
}

static void
on_done(struct cs_session *s, const struct cs_wire_done *d)
{
	struct job *j = job_of(s);
	struct cs_inbound *in = j->in;
	struct cs_poll *when = j->when;
	int64_t now_ms = cs_now_ms(in->engine->c.clock), due_ms = when != NULL ? next_ms(j, d, now_ms) : 0;
	bool ok = d->crash == 0 && (d->outcome == CS_DONE || d->outcome == CS_UNSUPPORTED);
	void (*ended)(void *, bool) = j->ended;
	void *ctx = j->ctx;

	if (ok)
		succeeded(j);
	else
		cs_log(CS_LOG_WARN, "hooks", "webhooks are not in order at the CRM", "crm=%s connection=%s what=%s outcome=%s status=%d",
		    s->context->crm, s->context->public_id, kind_name(j->kind), cs_outcome_name(d->outcome), s->last_status);
	job_free(j);
	if (when != NULL)
		cs_polls_done(&in->subscriptions, when, due_ms);
	else
		ended(ctx, ok);
}

/* What is created here is webhooks: done again it does no harm, so there is no doubt to keep. */
static const struct cs_session_ops ops = { .done = on_done };

/* ---- its beginning */

/* Nothing is wanted, or the connection is held: until it changes. */
static void
rest(struct cs_inbound *in, struct cs_poll *when, const struct cs_context *c)
{
	int64_t conn_id = when->conn_id;

	if (c != NULL && cs_tree_conn_find(&in->engine->tree, conn_id) == NULL)
		cs_engine_drop_context(in->engine, conn_id);
	cs_polls_rest(&in->subscriptions, when);
}

/* False: the plugin is busy. Takes url over. */
static bool
begin_call(struct job *j, struct cs_context *c, int32_t kind, char *url)
{
	struct cs_wire_call call = { .kind = CS_CALL_HOOK, .what_kind = kind, .channel = url, .attempt = 1, .delivery_id = "", .what = "",
		.query = "", .is_verified = 1 };

	j->session = (struct cs_session){ .engine = j->in->engine, .context = cs_context_ref(c), .ops = &ops };
	j->kind = kind;
	j->url = url;
	cs_list_init(&j->session.node);
	cs_map_put(&j->in->busy, (uint64_t)c->conn_id, j);
	cs_list_push(&j->in->subscribing, &j->node);
	if (cs_session_start(&j->session, &call) == 0)
		return true;
	job_free(j);
	return false;
}

static void
begin(struct cs_inbound *in, struct cs_poll *when, int64_t now_ms)
{
	struct cs_context *c = cs_engine_context(in->engine, when->conn_id, NULL);
	struct job *j;
	char *url = NULL;
	int32_t kind;

	if (c == NULL || c->state != CS_CONN_CONNECTED || !cs_remote_can(c->remote, CS_CALL_HOOK) || (kind = what_now(in, c, &url)) < 0) {
		rest(in, when, c);
		return;
	}
	j = cs_xcalloc(1, sizeof(*j));
	j->in = in;
	j->when = when;
	if (!begin_call(j, c, kind, url))
		cs_polls_done(&in->subscriptions, when, now_ms + BUSY_MS);
}

enum cs_part_end
cs_subscribe_end(struct cs_inbound *in, struct cs_context *c, void (*ended)(void *ctx, bool ok), void *ctx)
{
	const char *have = cs_context_fact(c, HOOK_URL);
	struct job *j;

	cs_polls_drop(&in->subscriptions, c->conn_id);
	if (cs_map_get(&in->busy, (uint64_t)c->conn_id) != NULL)
		return CS_PART_BUSY;
	if (have[0] == '\0' || !cs_remote_can(c->remote, CS_CALL_HOOK))
		return CS_PART_NOTHING;
	j = cs_xcalloc(1, sizeof(*j));
	j->in = in;
	j->ended = ended;
	j->ctx = ctx;
	return begin_call(j, c, CS_HOOK_UNSUBSCRIBE, cs_xstrdup(have)) ? CS_PART_BEGUN : CS_PART_BUSY;
}

void
cs_subscribe_turn(struct cs_inbound *in, int64_t now_ms)
{
	struct cs_poll *when, *later[AT_ONCE];
	size_t n = 0, begun = 0;

	while (begun + n < AT_ONCE && (when = cs_polls_take(&in->subscriptions, now_ms)) != NULL) {
		if (cs_map_get(&in->busy, (uint64_t)when->conn_id) != NULL)
			later[n++] = when;
		else {
			begin(in, when, now_ms);
			begun++;
		}
	}
	while (n > 0) /* when the connection is free */
		cs_polls_done(&in->subscriptions, later[--n], now_ms + BUSY_MS);
}

/* ---- which connections */

static bool
is_registered(const struct cs_conn_row *row, const char *url)
{
	CS_CLEANUP(cs_json_putp) json_object *facts = NULL;

	return url != NULL && row->facts[0] != '\0' && cs_json_parse(row->facts, strlen(row->facts), 8, &facts, NULL) == 0 &&
	    strcmp(cs_json_str(facts, HOOK_URL, ""), url) == 0;
}

void
cs_subscribe_see(struct cs_inbound *in, const struct cs_conn_row *row, bool has_changed, int64_t now_ms)
{
	struct cs_remote *r = cs_engine_remote(in->engine, row->crm);
	int64_t every_ms = r != NULL && cs_remote_can(r, CS_CALL_HOOK) ? cs_remote_manifest(r)->webhook.subscribe_every_ms : 0;
	char *url = address(in, row->crm, row->public_id);

	if (every_ms == 0)
		cs_polls_drop(&in->subscriptions, row->id);
	else {
		if (has_changed) /* it may sleep for hours yet */
			cs_polls_drop(&in->subscriptions, row->id);
		cs_polls_add(&in->subscriptions, row->id, every_ms,
		    !has_changed && is_registered(row, url) ? now_ms + every_ms / 2 + cs_clock_jitter(in->engine->c.clock, every_ms / 2) : now_ms,
		    now_ms);
	}
	free(url);
}

/* ---- the end */

void
cs_subscribe_drop_all(struct cs_inbound *in)
{
	struct cs_list *n;

	while ((n = cs_list_pop(&in->subscribing)) != NULL) {
		struct job *j = CS_CONTAINER(n, struct job, node);
		struct cs_poll *when = j->when;

		cs_session_drop(&j->session);
		job_free(j);
		if (when != NULL)
			cs_polls_done(&in->subscriptions, when, 0);
	}
}
