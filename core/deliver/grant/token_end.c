/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_end.c - how a renewal ends: new tokens, a dead grant, or later again. See token.h.
 *
 * New tokens are in the store before anybody uses them, so what a CRM has seen is never forgotten. Only when the disk does not take them for
 * two seconds are they used first: the old ones are worth nothing by then. A failure is told to whoever waits, and the next try waits longer.
 */
#include <stdio.h>
#include <string.h>
#include "deliver/call/exchange.h"
#include "deliver/events.h"
#include "deliver/grant/token_private.h"
#include "deliver/results.h"
#include "log/log.h"

#define PAUSE_FIRST_MS (5 * CS_SECOND_MS)

static void
cool_down(struct cs_token *t, int64_t at_least_ms)
{
	int64_t pause = PAUSE_FIRST_MS;

	for (int i = 0; i < t->failures && pause < CS_TOKEN_PAUSE_MS; i++)
		pause *= 2;
	if (pause > CS_TOKEN_PAUSE_MS)
		pause = CS_TOKEN_PAUSE_MS;
	t->failures++;
	pause += cs_clock_jitter(t->engine->c.clock, pause / 5);
	if (pause < at_least_ms)
		pause = at_least_ms;
	t->not_before_ms = cs_now_ms(t->engine->c.clock) + pause;
}

/* Another grant took the place of this one while it was renewed: what came of it is worth nothing. */
void
cs_token_superseded(struct cs_token *t)
{
	struct cs_engine *e = t->engine;
	const struct cs_named *s;
	struct cs_context *c;

	cs_token_forget_tokens(t);
	cs_token_read_row(t);
	cs_engine_drop_context(e, t->conn_id);
	if ((c = cs_engine_context(e, t->conn_id, NULL)) != NULL) {
		c->token_gen = t->row.gen;
		if (c->way->kind == CS_AUTH_OAUTH2 && (s = cs_context_secret(c, c->way->access_token)) != NULL)
			cs_token_hold(t, c->way->access_token, s->value);
	}
	cs_token_enter(t, CS_TOKEN_REST);
	cs_token_release(t, CS_DONE, NULL);
}

bool
cs_token_is_stand_in(const struct cs_token_row *row, const struct cs_context *c)
{
	return c->state == CS_CONN_PENDING && (row->for_conn != 0 || c->account[0] == '\0');
}

void
cs_token_die(struct cs_token *t, const char *reason, const char *for_log)
{
	struct cs_context *c = t->session.context;

	t->row.intent_ms = t->row.keep_ms = 0;
	t->dead = true;
	if (cs_token_is_stand_in(&t->row, c)) {
		cs_token_drop(t->engine, t->conn_id);
		cs_token_enter(t, CS_TOKEN_REST);
		cs_token_release(t, CS_REAUTH, reason);
		return;
	}
	cs_log(CS_LOG_ERROR, "auth", "the grant of a connection is over: it must be connected again", "connection=%s crm=%s why=\"%s\"",
	    c->public_id, c->crm, for_log);
	cs_token_save(t, CS_SAVE_DEAD, t->row.gen, reason, NULL);
	cs_events_reauth(t->engine, c);
	cs_token_enter(t, CS_TOKEN_REST);
	cs_token_release(t, CS_REAUTH, reason);
}

/* ---- the new tokens */

static void kept(struct cs_token *t, int rc);
static void narrow(struct cs_token *t);

void
cs_token_keep(struct cs_token *t)
{
	if (t->phase != CS_TOKEN_KEEP) {
		t->released = false;
		cs_token_enter(t, CS_TOKEN_KEEP);
	}
	t->unsaved = false;
	cs_crash_point("token-before-commit");
	cs_token_save(t, CS_SAVE_TOKENS, t->row.gen - 1, NULL, kept);
}

static void
kept(struct cs_token *t, int rc)
{
	if (rc == CS_ESTATE) {
		cs_token_superseded(t);
		return;
	}
	if (rc < 0 && t->exchanged != NULL) { /* nobody works with it yet: the person begins again */
		cs_token_forget_tokens(t);
		cs_token_enter(t, CS_TOKEN_REST);
		cs_token_tell_exchanged(t, false, "The new access could not be written down");
		return;
	}
	if (rc < 0) {
		t->unsaved = true; /* tried again by the tick */
		return;
	}
	cs_crash_point("token-committed");
	if (t->is_broad) {
		narrow(t);
		return;
	}
	cs_token_enter(t, CS_TOKEN_REST);
	cs_token_release(t, t->outcome, t->why);
	cs_token_tell_exchanged(t, true, NULL);
}

static int64_t
keep_alive_ms(struct cs_engine *e, int64_t idle_ms, int64_t now_ms)
{
	return idle_ms > 0 ? now_ms + idle_ms / 2 + cs_clock_jitter(e->c.clock, idle_ms / 10) : 0;
}

static void
take_facts(struct cs_token *t, const struct cs_auth_way *w, json_object *doc)
{
	struct cs_context *c = t->session.context;
	bool any = false;

	if (t->facts == NULL)
		t->facts = json_object_new_object();
	for (size_t i = 0; i < w->n_facts; i++) {
		const char *v = cs_json_pointer_text(doc, w->facts[i].value);

		if (v[0] == '\0' || strcmp(v, cs_context_fact(c, w->facts[i].name)) == 0)
			continue;
		json_object_object_add(t->facts, w->facts[i].name, json_object_new_string(v));
		cs_context_fact_put(c, w->facts[i].name, v, strlen(v));
		any = true;
	}
	if (any)
		cs_results_facts(t->engine, c);
}

static void
hold_both(struct cs_token *t, const struct cs_oauth_answer *o)
{
	if (o->access[0] != '\0')
		cs_token_hold(t, t->way->access_token, o->access);
	if (o->refresh[0] != '\0' && t->way->refresh_token != NULL)
		cs_token_hold(t, t->way->refresh_token, o->refresh);
}

static void
take(struct cs_token *t, const struct cs_oauth_answer *o)
{
	struct cs_context *c = t->session.context;
	const struct cs_auth_way *w = t->way;
	int64_t now_ms = cs_now_ms(t->engine->c.clock), life_s = o->expires_s >= 0 ? o->expires_s : w->expires_s;

	t->is_broad = !t->narrows && w->account_url != NULL && strcmp(cs_json_pointer_text(o->doc, w->account_when), w->account_is) == 0;
	hold_both(t, o);
	t->row.gen++;
	t->row.intent_ms = 0;
	t->row.expires_ms = life_s > 0 ? now_ms + life_s * 1000 : 0;
	t->row.renew_ms = t->is_broad ? now_ms : cs_oauth_renew_ms(w, now_ms, t->row.expires_ms); /* nobody may work with a broad one */
	t->row.idle_ms = (o->refresh_expires_s > 0 ? o->refresh_expires_s : w->idle_life_s) * 1000;
	t->row.keep_ms = w->grant == CS_GRANT_CODE ? keep_alive_ms(t->engine, t->row.idle_ms, now_ms) : 0;
	t->failures = 0;
	t->not_before_ms = 0;
	t->outcome = CS_DONE;
	t->why[0] = '\0';
	take_facts(t, w, o->doc);
	cs_token_put_tokens(c, t);
	if (!t->is_broad)
		cs_log(CS_LOG_INFO, "auth", t->exchanged != NULL ? "access given" : "token renewed", "connection=%s crm=%s expires_s=%lld",
		    c->public_id, c->crm, (long long)life_s);
	cs_token_keep(t);
}

/* ---- failures */

static bool
is_strict(const struct cs_token *t)
{
	const struct cs_auth_way *w = t->session.context->way;

	return w->rotates && w->grant == CS_GRANT_CODE;
}

static bool
is_lost_for_good(struct cs_token *t, bool lost)
{
	static const char why[] = "the answer to a refresh was lost, and this CRM does not forgive an old refresh token: connect it again";

	if (!lost || !is_strict(t) || !t->session.context->way->needs_reauth)
		return false;
	cs_token_die(t, why, why);
	return true;
}

/* Later again. What a plugin got before it failed is kept. */
static void
put_off(struct cs_token *t, bool lost, int32_t outcome)
{
	t->outcome = outcome;
	lost &= is_strict(t);
	if (!lost)
		t->row.intent_ms = 0;
	t->row.keep_ms = lost || t->row.idle_ms > 0 ? t->not_before_ms : 0;
	if (t->captured) {
		t->row.gen++;
		cs_token_put_tokens(t->session.context, t);
		cs_token_keep(t);
		return;
	}
	cs_token_save(t, CS_SAVE_ROW, t->row.gen, NULL, NULL);
	cs_token_enter(t, CS_TOKEN_REST);
	cs_token_release(t, outcome, t->why);
}

static long long
pause_s(const struct cs_token *t)
{
	return (t->not_before_ms - cs_now_ms(t->engine->c.clock)) / 1000;
}

static void
fail(struct cs_token *t, const struct cs_http_answer *a, const struct cs_class *cl, const struct cs_oauth_answer *o)
{
	struct cs_context *c = t->session.context;
	bool lost = a->fault != CS_HTTP_OK && a->sent && !t->narrows;

	if (is_lost_for_good(t, lost))
		return;
	cool_down(t, cl->retry_after_ms);
	snprintf(t->why, sizeof(t->why), "the token could not be renewed: %s%s%s",
	    a->fault != CS_HTTP_OK ? cs_http_fault_name(a->fault) : "the token endpoint refused for now", o->error[0] != '\0' ? ", " : "", o->error);
	cs_log(CS_LOG_WARN, "auth", "token not renewed", "connection=%s crm=%s status=%d fault=%s error=%s failures=%d next_s=%lld",
	    c->public_id, c->crm, a->status, cs_http_fault_name(a->fault), o->error, t->failures, pause_s(t));
	put_off(t, lost, CS_RETRY);
}

/* What the plugin says goes to the store and to the operator, never to the log. */
static void
call_failed(struct cs_token *t, int32_t outcome, int64_t not_before_ms, const char *said)
{
	struct cs_context *c = t->session.context;
	int64_t now_ms = cs_now_ms(t->engine->c.clock);

	if (said == NULL || said[0] == '\0')
		said = outcome == CS_DONE ? "the plugin brought no access token" : "the plugin could not renew it";
	if (outcome == CS_REAUTH) {
		snprintf(t->why, sizeof(t->why), "the CRM ended the grant (%.200s): connect it again", said);
		cs_exchange_scrub(c, t->why, strlen(t->why));
		cs_token_die(t, t->why, "the plugin says so");
		return;
	}
	if (is_lost_for_good(t, t->lost))
		return;
	cool_down(t, not_before_ms > now_ms ? not_before_ms - now_ms : 0);
	snprintf(t->why, sizeof(t->why), "the token could not be renewed: %.250s", said);
	cs_exchange_scrub(c, t->why, strlen(t->why));
	cs_log(CS_LOG_WARN, "auth", "token not renewed", "connection=%s crm=%s outcome=%d lost=%s failures=%d next_s=%lld", c->public_id, c->crm,
	    outcome, t->lost ? "yes" : "no", t->failures, pause_s(t));
	put_off(t, t->lost, outcome == CS_WAIT ? CS_WAIT : CS_RETRY);
}

void
cs_token_called(struct cs_token *t, int32_t outcome, int64_t not_before_ms, const char *why)
{
	struct cs_oauth_answer o;

	if (outcome != CS_DONE || !t->has_access) {
		call_failed(t, outcome, not_before_ms, why);
		return;
	}
	cs_oauth_answer_read(t->way, 200, cs_buf_str(&t->told), t->told.len, &o);
	o.access = o.refresh = ""; /* the tokens are what was captured: this tells of life and facts */
	take(t, &o);
	cs_oauth_answer_fini(&o);
}

void
cs_token_answered(struct cs_token *t, const struct cs_http_answer *a, const struct cs_class *cl)
{
	struct cs_oauth_answer o;
	char why[200];

	if (t->call.call == 0) {
		cs_crash_point("token-answered");
	}
	cs_oauth_answer_read(t->way, a->fault == CS_HTTP_OK ? a->status : 0, a->body, a->body_len, &o);
	if (t->call.call != 0)
		cs_token_call_answered(t, a, &o);
	else if (o.verdict == CS_OAUTH_OK)
		take(t, &o);
	else if (t->exchanged != NULL) {
		snprintf(why, sizeof(why), t->narrows ? "The CRM gave access to many accounts, but not to this one account (%s)" : "The CRM did not take the code (%s)",
		    a->fault != CS_HTTP_OK ? cs_http_fault_name(a->fault) : o.error[0] != '\0' ? o.error : "no reason given");
		cs_log(CS_LOG_WARN, "auth", "a code was not exchanged", "connection=%s crm=%s status=%d fault=%s error=%s",
		    t->session.context->public_id, t->session.context->crm, a->status, cs_http_fault_name(a->fault), o.error);
		cs_token_enter(t, CS_TOKEN_REST);
		cs_token_tell_exchanged(t, false, why);
	} else if (o.verdict == CS_OAUTH_DEAD) {
		snprintf(why, sizeof(why), "the CRM ended the grant (%s): connect it again", o.error[0] != '\0' ? o.error : "refused");
		cs_token_die(t, why, why);
	} else
		fail(t, a, cl, &o);
	cs_oauth_answer_fini(&o);
}

/*
 * The token for many accounts is in the store, and its refresh token with it, so nothing is lost if this comes to nothing: the next
 * renewal is due at once and comes here again.
 */
static void
narrow(struct cs_token *t)
{
	static const char which[] = "Access was given for many accounts of the CRM, and the connection does not say which one account it is for (see its settings)";
	bool exchanges = t->exchanged != NULL;

	t->is_broad = false;
	t->narrows = true;
	cs_token_enter(t, CS_TOKEN_ASK);
	if (cs_token_request_account(t))
		return;
	cool_down(t, 0);
	cs_log(CS_LOG_WARN, "auth", "the grant is for many accounts, and the connection does not say which", "connection=%s crm=%s",
	    t->session.context->public_id, t->session.context->crm);
	cs_token_enter(t, CS_TOKEN_REST);
	cs_token_release(t, CS_RETRY, which);
	if (exchanges)
		cs_token_tell_exchanged(t, false, which);
}
