/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine.c - one request from its path to its answer.
 *
 *   crm by first segment -> endpoint -> access -> fault -> limits -> rules -> steps -> answer -> fault -> log
 *
 * A fault is looked for once, when endpoint and tenant are known. One that acts before ends the way there, so
 * nothing happened in the CRM; one that acts after bends the finished answer.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sandbox/crm/access.h"
#include "sandbox/admin.h"
#include "sandbox/crm/engine.h"
#include "sandbox/crm/limit.h"
#include "sandbox/crm/oauth.h"
#include "sandbox/rules/rules.h"
#include "sandbox/crm/steps.h"

/* ---- answers */

static const struct {
	const char *name;
	int status;
	const char *body;
} default_errors[] = {
	{ "unauthorized", 401, "{\"message\":\"Unauthorized\"}" },
	{ "not_found", 404, "{\"message\":\"Not found\"}" },
	{ "no_route", 404, "{\"message\":\"No such path\"}" },
	{ "bad_json", 400, "{\"message\":\"The body is not valid JSON\"}" },
	{ "invalid", 400, NULL },
	{ "limited", 429, "{\"message\":\"Too many requests\"}" },
	{ "conflict", 409, "{\"message\":\"Conflict\"}" },
	{ "oauth", 400, NULL },
	{ "server", 500, "{\"message\":\"Internal server error\"}" },
};

bool
cs_sb_default_error(const char *name)
{
	for (size_t i = 0; i < CS_ARRAY_LEN(default_errors); i++) {
		if (strcmp(default_errors[i].name, name) == 0)
			return true;
	}
	return false;
}

void
cs_sb_set_error(struct cs_sb_scope *sc, const char *code, const char *message)
{
	json_object *o = json_object_new_object();

	json_object_object_add(o, "code", json_object_new_string(code));
	json_object_object_add(o, "message", json_object_new_string(message));
	cs_sb_scope_set(sc, "error", o);
}

void
cs_sb_answer(struct cs_sb_scope *sc, json_object *answer, struct cs_sb_reply *reply)
{
	json_object *headers = cs_json_get(answer, "headers"), *body = cs_json_get(answer, "body"), *v = NULL;
	const char *text = cs_json_str(answer, "text", NULL);
	char *s;

	cs_buf_reset(&reply->body);
	reply->status = (int)cs_sb_eval_int(sc, cs_json_get(answer, "status"), 200);
	if (headers != NULL) {
		CS_SB_MEMBERS(e, headers) {
			if ((s = cs_sb_eval_text(sc, CS_SB_VALUE(e))) != NULL)
				cs_sb_reply_header(reply, CS_SB_NAME(e), s);
			free(s);
		}
	}
	if (text != NULL) {
		reply->type = cs_json_str(answer, "type", "text/plain");
		s = cs_sb_eval_string(sc, text);
		cs_buf_adds(&reply->body, s != NULL ? s : "");
		free(s);
	} else if (body != NULL && cs_sb_eval(sc, body, &v)) {
		reply->type = cs_json_str(answer, "type", "application/json");
		cs_buf_adds(&reply->body, json_object_to_json_string_ext(
					      v, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
		json_object_put(v);
	}
}

void
cs_sb_fail(struct cs_sb_scope *sc, const char *error, struct cs_sb_reply *reply)
{
	json_object *answer =
	    sc->crm != NULL && sc->crm->errors != NULL ? cs_json_get(sc->crm->errors, error) : NULL;
	json_object *why = sc->vars != NULL ? json_object_object_get(sc->vars, "error") : NULL;

	if (answer != NULL) {
		cs_sb_answer(sc, answer, reply);
		return;
	}
	cs_buf_reset(&reply->body);
	reply->status = 500;
	for (size_t i = 0; i < CS_ARRAY_LEN(default_errors); i++) {
		if (strcmp(default_errors[i].name, error) != 0)
			continue;
		reply->status = default_errors[i].status;
		cs_buf_adds(&reply->body, default_errors[i].body != NULL ? default_errors[i].body :
		                          why != NULL                    ? cs_json_text(why) :
		                                                           "{\"message\":\"Invalid\"}");
	}
}

/* ---- routing */

static bool
path_fits(struct cs_sb_scope *sc, const struct cs_sb_path *path, const char *s)
{
	size_t n;

	sc->nparams = 0;
	s += *s == '/';
	for (size_t i = 0; i < path->n; i++) {
		const struct cs_sb_segment *seg = &path->v[i];

		n = strcspn(s, "/");
		if (n == 0 || (!seg->param && (n != seg->len || memcmp(s, seg->text, n) != 0)))
			return false;
		if (seg->param) {
			sc->params[sc->nparams].name = seg->text;
			sc->params[sc->nparams].name_len = seg->len;
			sc->params[sc->nparams].value = s;
			sc->params[sc->nparams++].value_len = n;
		}
		s += n;
		if (i + 1 < path->n && *s++ != '/')
			return false;
	}
	return strcmp(s, path->slash ? "/" : "") == 0;
}

static void
forget_path(struct cs_sb_scope *sc)
{
	json_object_put(sc->path);
	sc->path = NULL;
}

static bool
endpoint_fits(struct cs_sb_scope *sc, const struct cs_sb_endpoint *ep, const char *path)
{
	char *s;
	size_t n = ep->query != NULL ? json_object_array_length(ep->query) : 0;
	bool fits = false;

	if (strcmp(ep->method, sc->req->method) != 0)
		return false;
	for (size_t i = 0; !fits && i < ep->npaths; i++)
		fits = path_fits(sc, &ep->paths[i], path);
	for (size_t i = 0; fits && i < n; i++) {
		char *tmpl = cs_xasprintf("${query/%s}", cs_sb_scalar(json_object_array_get_idx(ep->query, i)));

		s = cs_sb_eval_string(sc, tmpl);
		fits = s != NULL;
		free(s);
		free(tmpl);
	}
	if (!fits)
		return false;
	forget_path(sc);
	fits = cs_sb_holds(sc, ep->when);
	return fits;
}

static const struct cs_sb_endpoint *
route(struct cs_sb_scope *sc, const char *path)
{
	for (size_t i = 0; i < sc->crm->nendpoints; i++) {
		if (endpoint_fits(sc, &sc->crm->endpoints[i], path))
			return &sc->crm->endpoints[i];
	}
	return NULL;
}

/* ---- rules for the body */

static bool
has_value(void *ctx, const char *collection, const char *field, const char *value)
{
	struct cs_sb_scope *sc = ctx;
	const struct cs_sb_collection *c = cs_sb_crm_collection(sc->crm, collection);
	struct cs_sb_table *tab;
	struct cs_sb_index_entry *at = NULL;
	struct cs_sb_record *r;
	int index;

	if (c == NULL)
		return false;
	if ((index = cs_sb_index_of(c, field)) >= 0) {
		while ((r = cs_sb_index_next(sc->tenant, c, index, value, &at)) != NULL) {
			if (!r->deleted && r->doc != NULL && cs_sb_same(c, r->doc, field, value))
				return true;
		}
		return false;
	}
	tab = &sc->tenant->tables[c->no];
	for (size_t i = 0; i < tab->n; i++) {
		if (!tab->v[i]->deleted && tab->v[i]->doc != NULL &&
		    cs_sb_same(c, tab->v[i]->doc, field, value))
			return true;
	}
	return false;
}

static void
tell_breach(struct cs_sb_scope *sc, const struct cs_sb_breach *b)
{
	json_object *o = json_object_new_object();

	json_object_object_add(o, "pointer", json_object_new_string(b->pointer));
	json_object_object_add(o, "name", json_object_new_string(b->name));
	json_object_object_add(o, "keyword", json_object_new_string(b->keyword));
	json_object_object_add(o, "message", json_object_new_string(b->message));
	cs_sb_scope_set(sc, "error", o);
}

/* True: answered. */
static bool
refuse_body(struct cs_sb_scope *sc, struct cs_sb_reply *reply)
{
	struct cs_sb_rules rules = { .schema = sc->endpoint->body,
				     .root = sc->crm->doc,
				     .regexes = sc->crm->regexes,
				     .has = has_value,
				     .ctx = sc };
	struct cs_sb_breach b;

	if (sc->endpoint->body == NULL)
		return false;
	if (cs_sb_scope_body(sc) == NULL) {
		cs_sb_set_error(sc, "bad_json", "the body is neither JSON nor a form");
		cs_sb_fail(sc, "bad_json", reply);
		return true;
	}
	if (cs_sb_rules_check(&rules, sc->body, &b))
		return false;
	tell_breach(sc, &b);
	cs_sb_fail(sc, b.error != NULL ? b.error : "invalid", reply);
	return true;
}

/* ---- one request */

static void
serve_endpoint(struct cs_sb_scope *sc, struct cs_sb_reply *reply)
{
	const struct cs_sb_limit *over = cs_sb_limits_charge(sc);

	if (over != NULL)
		cs_sb_fail(sc, over->error, reply);
	else if (!refuse_body(sc, reply) && !cs_sb_steps_run(sc, sc->endpoint->steps, reply))
		cs_sb_answer(sc, sc->endpoint->answer, reply);
	cs_sb_limits_headers(sc, reply);
}

static void
refuse_before(struct cs_sb_scope *sc, const struct cs_sb_fault *f, struct cs_sb_reply *reply)
{
	if (f->kind == CS_SB_429)
		cs_sb_fail(sc, sc->crm->nlimits > 0 ? sc->crm->limits[0].error : "limited", reply);
	else if (f->kind == CS_SB_401)
		cs_sb_fail(sc, "unauthorized", reply);
	else
		cs_sb_fail(sc, "server", reply);
	if (f->kind == CS_SB_ERROR)
		reply->status = f->status;
}

/* Returns the name of the fault that was applied, or NULL. */
static const char *
serve(struct cs_sb_engine *e, struct cs_sb_crm_state *st, struct cs_sb_scope *sc, const char *path,
      struct cs_sb_reply *reply)
{
	const struct cs_sb_fault *fault = NULL;
	const char *error = "no_route";

	if ((sc->endpoint = route(sc, path)) != NULL)
		error = cs_sb_access(sc, st);
	else
		cs_sb_access_hide(sc);
	if (e->faults.n > 0)
		fault = cs_sb_fault_take(&e->faults, sc->crm->name, sc->tenant != NULL ? sc->tenant->name : "", sc->req,
		                         path);
	st->faults += fault != NULL;
	if (fault != NULL && fault->before)
		refuse_before(sc, fault, reply);
	else if (error != NULL)
		cs_sb_fail(sc, error, reply);
	else
		serve_endpoint(sc, reply);
	if (fault == NULL)
		return NULL;
	if (fault->kind == CS_SB_ERROR_AFTER) {
		cs_sb_fail(sc, "server", reply);
		reply->status = fault->status;
	}
	cs_sb_fault_bend(fault, reply);
	return fault->name;
}

struct cs_sb_crm_state *
cs_sb_engine_crm(struct cs_sb_engine *e, const char *name, size_t len)
{
	for (size_t i = 0; i < e->ncrms; i++) {
		if (strlen(e->crms[i].crm->name) == len && memcmp(e->crms[i].crm->name, name, len) == 0)
			return &e->crms[i];
	}
	return NULL;
}

void
cs_sb_engine_handle(void *ctx, const struct cs_sb_request *req, struct cs_sb_reply *reply)
{
	struct cs_sb_engine *e = ctx;
	size_t n = strcspn(req->path + 1, "/");
	struct cs_sb_crm_state *st = cs_sb_engine_crm(e, req->path + 1, n);
	struct cs_sb_scope sc = { .engine = e, .req = req };
	const char *fault;

	sc.now_ms = cs_sb_engine_now(e);
	if (st == NULL) {
		cs_sb_admin_serve(e, req, reply);
		return;
	}
	sc.crm = st->crm;
	snprintf(sc.base, sizeof(sc.base), "http://127.0.0.1:%u/%s", e->port, st->crm->name);
	st->requests++;
	fault = serve(e, st, &sc, req->path + 1 + n, reply);
	st->refused += reply->status >= 400;
	cs_sb_journal_add(&e->journal, &sc, reply, fault);
	cs_sb_scope_fini(&sc);
}

/* ---- the engine */

int64_t
cs_sb_engine_now(const struct cs_sb_engine *e)
{
	return cs_now_ms(e->clock) + e->advance_ms;
}

void
cs_sb_engine_init(struct cs_sb_engine *e, struct cs_clock *clock, struct cs_sb_crm **crms, size_t n,
		  size_t keep_docs, int64_t lag_ms)
{
	*e = (struct cs_sb_engine){ .clock = clock, .ncrms = n };
	e->store = (struct cs_sb_store){ .keep_docs = keep_docs, .lag_ms = lag_ms };
	e->crms = cs_xcalloc(n + 1, sizeof(*e->crms));
	for (size_t i = 0; i < n; i++)
		cs_sb_crm_state_init(&e->crms[i], crms[i], &e->store);
	cs_sb_journal_init(&e->journal, keep_docs > 0 ? CS_SB_JOURNAL_MAX : 1000);
	e->started_ms = cs_now_ms(clock);
}

void
cs_sb_engine_fini(struct cs_sb_engine *e)
{
	for (size_t i = 0; i < e->ncrms; i++) {
		cs_sb_oauth_free(&e->crms[i]);
		cs_sb_crm_state_fini(&e->crms[i]);
		cs_sb_crm_free((struct cs_sb_crm *)e->crms[i].crm);
	}
	free(e->crms);
	cs_sb_faults_drop(&e->faults, 0);
	cs_sb_journal_fini(&e->journal);
}
