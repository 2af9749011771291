/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token.c - when a token is renewed, and who waits for it. See token.h.
 *
 * The order is what makes it safe. The intent is in the store before the request leaves, so after a crash at any point either
 * nothing had been sent, or the store says that something may have been. How it ends is token_end.c's business.
 */
#include "deliver/grant/token.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "deliver/events.h"
#include "deliver/call/exchange.h"
#include "deliver/results.h"
#include "deliver/grant/token_private.h"
#include "log/log.h"

#define PATIENCE_MS (2 * CS_SECOND_MS)
#define SWEEP_EVERY_MS (30 * CS_SECOND_MS)
#define SWEEP_ROWS 16
#define PUT_OFF_MS CS_HOUR_MS

static const char no_grant[] = "it is not connected yet: there is no token, and nothing to get one with";
static const char grant_over[] = "its grant is over: connect it again";
static const char not_now[] = "its token could not be renewed a moment ago; the next try is later";

/* ---- what is kept in memory */

void
cs_token_read_row(struct cs_token *t)
{
	struct cs_store *r = t->engine->c.reader;

	t->row = (struct cs_token_row){ .conn_id = t->conn_id, .remote_id = "", .remote_name = "" };
	if (r->ops->token_get(r, t->conn_id, &t->mem, &t->row, NULL) < 0)
		t->row = (struct cs_token_row){ .conn_id = t->conn_id, .remote_id = "", .remote_name = "" };
}

static struct cs_token *
token_of(struct cs_engine *e, int64_t conn_id)
{
	struct cs_token *t = cs_map_get(&e->tokens, (uint64_t)conn_id);

	if (t != NULL)
		return t;
	t = cs_xcalloc(1, sizeof(*t));
	t->engine = e;
	t->conn_id = conn_id;
	cs_list_init(&t->busy);
	cs_list_init(&t->waiters);
	cs_arena_init(&t->mem);
	cs_token_read_row(t);
	cs_map_put(&e->tokens, (uint64_t)conn_id, t);
	return t;
}

void
cs_token_forget_tokens(struct cs_token *t)
{
	for (size_t i = 0; i < t->n_got; i++) {
		cs_wipe_free(t->got[i].value, 0);
		free(t->got[i].name);
	}
	t->n_got = 0;
	json_object_put(t->facts);
	t->facts = NULL;
}

bool
cs_token_hold(struct cs_token *t, const char *name, const char *value)
{
	size_t i = 0;

	while (i < t->n_got && strcmp(t->got[i].name, name) != 0)
		i++;
	if (i == CS_TOKEN_SECRETS)
		return false;
	if (i == t->n_got)
		t->got[t->n_got++] = (struct cs_token_secret){ .name = cs_xstrdup(name) };
	cs_wipe_free(t->got[i].value, 0);
	t->got[i].value = cs_xstrdup(value);
	return true;
}

static void
free_token(struct cs_token *t)
{
	cs_token_forget_tokens(t);
	cs_list_del(&t->busy);
	cs_buf_fini(&t->told);
	cs_arena_fini(&t->mem);
	free(t);
}

void
cs_token_forget(struct cs_engine *e, int64_t conn_id)
{
	struct cs_token *t = cs_map_get(&e->tokens, (uint64_t)conn_id);

	if (t == NULL || t->phase != CS_TOKEN_REST || !cs_list_empty(&t->waiters))
		return;
	cs_map_del(&e->tokens, (uint64_t)conn_id);
	free_token(t);
}

void
cs_token_free_all(struct cs_engine *e)
{
	struct cs_token *t;
	size_t at = 0;

	while ((t = cs_map_next(&e->tokens, &at, NULL)) != NULL) {
		cs_context_unref(t->session.context);
		free_token(t);
	}
	cs_map_fini(&e->tokens);
}

void
cs_token_put_tokens(struct cs_context *c, const struct cs_token *t)
{
	c->token_gen = t->row.gen;
	for (size_t i = 0; i < t->n_got; i++)
		cs_context_secret_put(c, t->got[i].name, t->got[i].value, strlen(t->got[i].value));
	if (t->facts == NULL)
		return;
	json_object_object_foreach(t->facts, name, v)
		cs_context_fact_put(c, name, json_object_get_string(v), (size_t)json_object_get_string_len(v));
}

static void
copy_secrets(struct cs_context *to, const struct cs_context *from)
{
	for (size_t i = 0; i < from->n_secrets; i++)
		cs_context_secret_put(to, from->secrets[i].name, from->secrets[i].value, from->secrets[i].len);
}

/*
 * A context that was made before the last refresh gets what came of it. One that was made before another grant took the place of
 * its own gets the new one's tokens, which are in the store and not here: what it does with the old ones would be held against them.
 */
static void
sync_context(struct cs_context *c, struct cs_token *t)
{
	struct cs_context *now;

	if (c->token_gen == t->row.gen)
		return;
	if (c->token_gen > 0 && t->n_got == 0 && (now = cs_engine_context(t->engine, t->conn_id, NULL)) != NULL && now != c)
		copy_secrets(c, now);
	cs_token_put_tokens(c, t);
}

static bool
has_secret(const struct cs_context *c, const char *name)
{
	const struct cs_named *s = name != NULL ? cs_context_secret(c, name) : NULL;

	return s != NULL && s->len > 0;
}

static bool
can_renew(const struct cs_context *c)
{
	const struct cs_auth_way *w = c->way;

	if (w->grant == CS_GRANT_CODE)
		return has_secret(c, w->refresh_token);
	return w->client_secret == NULL || has_secret(c, w->client_secret);
}

/* ---- phases */

void
cs_token_enter(struct cs_token *t, enum cs_token_phase p)
{
	t->phase = p;
	t->since_ms = cs_now_ms(t->engine->c.clock);
	if (p != CS_TOKEN_REST)
		return;
	cs_list_del(&t->busy);
	t->engine->n_flying--;
	cs_context_unref(t->session.context);
	memset(&t->session, 0, sizeof(t->session));
	memset(&t->call, 0, sizeof(t->call));
	t->way = NULL;
	t->is_broad = t->narrows = false;
}

/* The exchange of a code came to its end, if it was one. */
bool
cs_token_tell_exchanged(struct cs_token *t, bool ok, const char *why)
{
	void (*done)(void *, bool, const char *) = t->exchanged;

	t->exchanged = NULL;
	if (done != NULL)
		done(t->exchanged_ctx, ok, why);
	return done != NULL;
}

void
cs_token_release(struct cs_token *t, int32_t outcome, const char *why)
{
	struct cs_list waiting, *n;

	cs_list_init(&waiting);
	cs_list_splice(&waiting, &t->waiters);
	while ((n = cs_list_pop(&waiting)) != NULL) {
		struct cs_token_wait *w = CS_CONTAINER(n, struct cs_token_wait, node);

		w->ready(w, outcome, why);
	}
}

/* ---- the beginning */

static void
intent_kept(struct cs_token *t, int rc)
{
	if (rc == CS_ESTATE) {
		cs_token_superseded(t);
		return;
	}
	if (rc < 0) { /* our own trouble: charged to nobody */
		t->row.intent_ms = 0;
		t->not_before_ms = cs_now_ms(t->engine->c.clock) + CS_SECOND_MS;
		cs_token_enter(t, CS_TOKEN_REST);
		cs_token_release(t, CS_WAIT, "the store did not take the intent to renew the token");
		return;
	}
	cs_crash_point("token-before-send");
	cs_token_enter(t, CS_TOKEN_ASK);
	if (t->way->by_plugin)
		cs_token_call(t);
	else
		cs_token_request(t, NULL, 0);
}

static void
take_up(struct cs_token *t, struct cs_context *c, const struct cs_auth_way *w)
{
	t->session = (struct cs_session){ .engine = t->engine, .context = cs_context_ref(c) };
	t->way = w;
	t->captured = t->has_access = t->lost = false;
	cs_list_push(&t->engine->tokens_busy, &t->busy);
	t->engine->n_flying++;
}

void
cs_token_exchange(struct cs_engine *e, struct cs_context *c, const struct cs_auth_way *w, const struct cs_token_code *code)
{
	struct cs_token *t = token_of(e, c->conn_id);
	struct cs_pair extra[4] = { { "grant_type", "authorization_code" }, { "code", "_code" }, { "redirect_uri", code->redirect_uri },
		{ "code_verifier", code->verifier != NULL ? "_verifier" : "" } };

	if (t->phase != CS_TOKEN_REST) {
		code->done(code->ctx, false, "This connection is busy with its tokens");
		return;
	}
	cs_token_read_row(t); /* the intent came with the end of the state */
	cs_context_secret_put(c, "_code", code->code, strlen(code->code));
	if (code->verifier != NULL)
		cs_context_secret_put(c, "_verifier", code->verifier, strlen(code->verifier));
	t->dead = false;
	t->exchanged = code->done;
	t->exchanged_ctx = code->ctx;
	take_up(t, c, w);
	cs_crash_point("grant-before-exchange");
	cs_token_enter(t, CS_TOKEN_ASK);
	cs_token_request(t, extra, CS_ARRAY_LEN(extra));
}

static void
start(struct cs_token *t, struct cs_context *c)
{
	bool lost = t->row.intent_ms > 0 && c->way->rotates && c->way->grant == CS_GRANT_CODE && c->way->needs_reauth;
	int64_t now_ms = cs_now_ms(t->engine->c.clock);

	take_up(t, c, c->way);
	cs_token_enter(t, CS_TOKEN_INTENT);
	if (lost) {
		static const char why[] = "csrelay stopped in the middle of a refresh, and this CRM does not forgive an old refresh token: connect it again";

		cs_token_die(t, why, why);
		return;
	}
	t->row.intent_ms = now_ms;
	t->row.keep_ms = now_ms;
	cs_crash_point("token-before-intent");
	cs_token_save(t, CS_SAVE_ROW, t->row.gen, NULL, intent_kept);
}

/* ---- the gate */

static enum cs_gate
shut(struct cs_gate_answer *out, int32_t outcome, int64_t not_before_ms, const char *why)
{
	*out = (struct cs_gate_answer){ outcome, not_before_ms, why };
	return CS_GATE_SHUT;
}

static bool
under_way(const struct cs_token *t)
{
	return t->phase == CS_TOKEN_INTENT || t->phase == CS_TOKEN_ASK || (t->phase == CS_TOKEN_KEEP && !t->released);
}

static enum cs_gate
wait_for(struct cs_token *t, struct cs_token_wait *w)
{
	cs_list_push(&t->waiters, &w->node);
	return CS_GATE_WAIT;
}

/* Also when the caller's context is older than that. */
static bool
needs_owner(struct cs_engine *e, const struct cs_context *c)
{
	const struct cs_context *now = c->state == CS_CONN_NEEDS_REAUTH ? c : cs_engine_context(e, c->conn_id, NULL);

	return now != NULL && now->state == CS_CONN_NEEDS_REAUTH;
}

enum cs_gate
cs_token_gate(struct cs_engine *e, struct cs_context *c, int64_t *gen, bool refused, struct cs_token_wait *w, struct cs_gate_answer *out)
{
	int64_t now_ms = cs_now_ms(e->c.clock), built_with = *gen;
	struct cs_token *t;
	bool has, good;

	if (c->way->kind != CS_AUTH_OAUTH2)
		return CS_GATE_OPEN;
	t = token_of(e, c->conn_id);
	if (under_way(t))
		return wait_for(t, w);
	sync_context(c, t);
	*gen = t->row.gen;
	if (t->dead)
		return shut(out, CS_REAUTH, 0, grant_over);
	if (refused && built_with != t->row.gen)
		return CS_GATE_OPEN; /* it spoke of a token that is history */
	has = has_secret(c, c->way->access_token);
	if (!has && !can_renew(c))
		return shut(out, CS_REAUTH, 0, no_grant);
	good = has && t->row.intent_ms == 0 && (t->row.renew_ms == 0 || now_ms < t->row.renew_ms);
	if ((!good || refused) && needs_owner(e, c))
		return shut(out, CS_REAUTH, 0, grant_over);
	if ((good && !refused) || !can_renew(c) || t->phase == CS_TOKEN_KEEP)
		return CS_GATE_OPEN;
	if (now_ms < t->not_before_ms && t->not_before_ms - now_ms <= 2 * CS_TOKEN_PAUSE_MS) {
		if (has && !refused && (t->row.expires_ms == 0 || now_ms < t->row.expires_ms))
			return CS_GATE_OPEN; /* still good for the moment */
		return shut(out, CS_WAIT, t->not_before_ms, not_now);
	}
	wait_for(t, w);
	start(t, c);
	return CS_GATE_WAIT;
}

enum cs_gate
cs_token_ask(struct cs_engine *e, struct cs_context *c, struct cs_token_wait *w, struct cs_gate_answer *out)
{
	struct cs_token *t = c->way->kind == CS_AUTH_OAUTH2 ? token_of(e, c->conn_id) : NULL;
	int64_t gen = c->token_gen;

	if (t == NULL || (!under_way(t) && !can_renew(c)))
		return shut(out, CS_REAUTH, 0, no_grant);
	return cs_token_gate(e, c, &gen, true, w, out);
}

bool
cs_token_settled(struct cs_engine *e, struct cs_context *c)
{
	struct cs_token *t = token_of(e, c->conn_id);

	if (under_way(t))
		return false;
	sync_context(c, t);
	return true;
}

/* ---- shutdown and upkeep */

void
cs_token_abandon(struct cs_session *s)
{
	struct cs_token *t = CS_CONTAINER(s, struct cs_token, session);

	cs_session_drop(s);
	cs_buf_fini(&s->exchanges);
	t->asking = false;
	cs_token_abandoned(t);
}

void
cs_token_abandoned(struct cs_token *t)
{
	if (t->asking || t->call.call != 0)
		return;
	cs_token_enter(t, CS_TOKEN_REST); /* the intent stays open in the store */
	cs_token_tell_exchanged(t, false, "csrelay is being stopped");
}

/* A token that has something to do without work for its connection. */
static void
look_after(struct cs_engine *e, const struct cs_token_row *row)
{
	struct cs_context *c = cs_engine_context(e, row->conn_id, NULL);
	struct cs_token *t = token_of(e, row->conn_id);
	int64_t now_ms = cs_now_ms(e->c.clock);

	if (t->phase != CS_TOKEN_REST || now_ms < t->not_before_ms || t->row.keep_ms == 0 || t->row.keep_ms > now_ms)
		return; /* what is in memory is newer than what was read */
	if (c != NULL && c->way->kind == CS_AUTH_OAUTH2 && c->state != CS_CONN_NEEDS_REAUTH && can_renew(c)) {
		sync_context(c, t);
		start(t, c);
		return;
	}
	if (c != NULL && cs_token_is_stand_in(row, c) && !has_secret(c, c->way->access_token)) {
		cs_token_drop(e, row->conn_id);
		cs_engine_drop_context(e, row->conn_id);
		return;
	}
	t->row.keep_ms = c != NULL && c->state != CS_CONN_NEEDS_REAUTH && c->way->kind == CS_AUTH_OAUTH2 ? 0 : cs_now_ms(e->c.clock) + PUT_OFF_MS;
	cs_token_save(t, CS_SAVE_ROW, t->row.gen, NULL, NULL);
}

static void
sweep(struct cs_engine *e, int64_t now_ms)
{
	struct cs_token_row rows[SWEEP_ROWS];
	struct cs_arena mem;
	int n;

	cs_arena_init(&mem);
	n = e->c.reader->ops->token_due(e->c.reader, now_ms, &mem, rows, SWEEP_ROWS, NULL);
	for (int i = 0; i < n; i++)
		look_after(e, &rows[i]);
	cs_arena_fini(&mem);
}

void
cs_token_tick(struct cs_engine *e, int64_t now_ms)
{
	CS_LIST_EACH_SAFE(n, tmp, &e->tokens_busy) {
		struct cs_token *t = CS_CONTAINER(n, struct cs_token, busy);

		if (t->phase != CS_TOKEN_KEEP)
			continue;
		if (!t->released && !t->is_broad && now_ms - t->since_ms >= PATIENCE_MS) {
			t->released = true;
			cs_log(CS_LOG_ERROR, "auth", "a new token could not be written yet and is used from memory", "connection=%s crm=%s",
			    t->session.context->public_id, t->session.context->crm);
			cs_token_release(t, t->outcome, t->why);
		}
		if (t->unsaved)
			cs_token_keep(t);
	}
	if (now_ms - e->tokens_swept_ms < SWEEP_EVERY_MS && now_ms >= e->tokens_swept_ms)
		return;
	e->tokens_swept_ms = now_ms;
	sweep(e, now_ms);
}
