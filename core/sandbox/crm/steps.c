/* SPDX-License-Identifier: Apache-2.0 */
/*
 * steps.c - the verbs of a data file.
 *
 * Each verb is one function; it returns true when it answered the request. What a step names with "as" is a
 * variable of the request from then on.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include "sandbox/crm/find.h"
#include "sandbox/crm/oauth.h"
#include "sandbox/crm/steps.h"

#define MAX_EACH 1000

static bool
fail(struct cs_sb_scope *sc, json_object *step, const char *dflt, struct cs_sb_reply *reply)
{
	cs_sb_fail(sc, cs_json_str(step, "error", dflt), reply);
	return true;
}

static void
name_result(struct cs_sb_scope *sc, json_object *step, json_object *value)
{
	const char *as = cs_json_str(step, "as", NULL);

	if (as != NULL)
		cs_sb_scope_set(sc, as, value);
	else
		json_object_put(value);
}

static const struct cs_sb_collection *
collection_of(struct cs_sb_scope *sc, json_object *step, const char *verb)
{
	return cs_sb_crm_collection(sc->crm, cs_json_str(step, verb, ""));
}

/* ---- find */

static bool
do_find(struct cs_sb_scope *sc, json_object *step, struct cs_sb_reply *reply)
{
	const struct cs_sb_collection *c = collection_of(sc, step, "find");
	struct cs_sb_record *first = NULL;
	json_object *found = NULL, *items;
	struct cs_err err = { 0 };

	if (cs_sb_find(sc, step, c, &found, &first, &err) < 0) {
		cs_sb_set_error(sc, "filter", err.msg);
		cs_sb_fail(sc, "invalid", reply);
		return true;
	}
	if (!cs_json_bool(step, "one", false)) {
		name_result(sc, step, found);
		return false;
	}
	items = json_object_object_get(found, "items");
	if (json_object_array_length(items) > 0)
		name_result(sc, step, json_object_get(json_object_array_get_idx(items, 0)));
	else
		name_result(sc, step, NULL);
	json_object_put(found);
	if (first == NULL && cs_json_str(step, "error", NULL) != NULL)
		return fail(sc, step, "not_found", reply);
	return false;
}

/* ---- create, update, delete */

static struct cs_sb_made
made_now(const struct cs_sb_scope *sc)
{
	return (struct cs_sb_made){ sc->now_ms, sc->req->id };
}

/* RFC 7396 like cs_json_merge_patch, but what stays the same is shared instead of copied. */
static json_object *
laid_on(json_object *target, json_object *patch)
{
	json_object *made, *was;

	if (!json_object_is_type(patch, json_type_object))
		return json_object_get(patch);
	made = json_object_new_object();
	if (json_object_is_type(target, json_type_object)) {
		CS_SB_MEMBERS(e, target)
			json_object_object_add(made, CS_SB_NAME(e), json_object_get(CS_SB_VALUE(e)));
	}
	CS_SB_MEMBERS(e, patch) {
		was = json_object_object_get(made, CS_SB_NAME(e));
		if (CS_SB_VALUE(e) == NULL)
			json_object_object_del(made, CS_SB_NAME(e));
		else
			json_object_object_add(made, CS_SB_NAME(e), laid_on(was, CS_SB_VALUE(e)));
	}
	return made;
}

/* Lay the collection's computed members on doc. Takes doc over. */
static json_object *
with_computed(struct cs_sb_scope *sc, const struct cs_sb_collection *c, json_object *doc)
{
	json_object *extra, *whole;

	if (c->computed == NULL)
		return doc;
	cs_sb_scope_set(sc, "record", json_object_get(doc));
	cs_sb_eval(sc, c->computed, &extra);
	whole = laid_on(doc, extra);
	json_object_put(extra);
	json_object_put(doc);
	cs_sb_scope_set(sc, "record", NULL);
	return whole;
}

static json_object *
id_value(const struct cs_sb_collection *c, const char *id)
{
	return c->id_integer ? json_object_new_int64(strtoll(id, NULL, 10)) : json_object_new_string(id);
}

static bool
refuse_conflict(struct cs_sb_scope *sc, const struct cs_sb_record *in_the_way, const char *error,
                struct cs_sb_reply *reply)
{
	json_object *o = json_object_new_object();

	json_object_object_add(o, "id", json_object_new_string(in_the_way->id));
	cs_sb_scope_set(sc, "conflict", o);
	cs_sb_fail(sc, error, reply);
	return true;
}

static json_object *
new_document(struct cs_sb_scope *sc, json_object *step, const struct cs_sb_collection *c, const char *id)
{
	json_object *doc = NULL;

	cs_sb_scope_set(sc, "id", id_value(c, id));
	cs_sb_eval(sc, json_object_object_get(step, "record"), &doc);
	if (!json_object_is_type(doc, json_type_object)) {
		json_object_put(doc);
		doc = json_object_new_object();
	}
	doc = cs_sb_with_member(doc, c->id_at + 1, id_value(c, id));
	return with_computed(sc, c, doc);
}

/* Nobody will look at the document: only count it. */
static bool
counts_only(const struct cs_sb_scope *sc, json_object *step, const struct cs_sb_collection *c)
{
	const struct cs_sb_store *store = sc->tenant->crm->store;

	return store->docs >= store->keep_docs && c->unique == NULL && cs_json_str(step, "as", NULL) == NULL;
}

static bool
do_create(struct cs_sb_scope *sc, json_object *step, struct cs_sb_reply *reply)
{
	const struct cs_sb_collection *c = collection_of(sc, step, "create");
	struct cs_sb_made made = made_now(sc);
	struct cs_sb_record *was;
	json_object *doc, *rule = NULL;
	char *id = cs_sb_eval_text(sc, cs_json_get(step, "id"));

	if (id != NULL && (was = cs_sb_record_by_id(sc->tenant, c, id)) != NULL) {
		free(id);
		if (cs_json_str(step, "again", NULL) == NULL)
			return refuse_conflict(sc, was, cs_json_str(step, "error", "conflict"), reply);
		cs_sb_record_repeat(sc->tenant, c, was, &made);
		name_result(sc, step, cs_sb_record_doc(c, was));
		return false;
	}
	if (id == NULL)
		id = cs_sb_id_new(sc->tenant, c);
	doc = counts_only(sc, step, c) ? json_object_new_object() : new_document(sc, step, c, id);
	if ((was = cs_sb_conflict(sc->tenant, c, doc, NULL, &rule)) != NULL) {
		free(id);
		json_object_put(doc);
		return refuse_conflict(sc, was, cs_json_str(rule, "error", "conflict"), reply);
	}
	cs_sb_record_add(sc->tenant, c, id, doc, &made);
	name_result(sc, step, doc);
	return false;
}

static struct cs_sb_record *
named_record(struct cs_sb_scope *sc, json_object *step, const struct cs_sb_collection *c)
{
	char *id = cs_sb_eval_text(sc, cs_json_get(step, "id"));
	struct cs_sb_record *r = id != NULL ? cs_sb_record_by_id(sc->tenant, c, id) : NULL;

	free(id);
	return r;
}

static bool
do_update(struct cs_sb_scope *sc, json_object *step, struct cs_sb_reply *reply)
{
	const struct cs_sb_collection *c = collection_of(sc, step, "update");
	struct cs_sb_record *r = named_record(sc, step, c), *other;
	struct cs_sb_made made = made_now(sc);
	json_object *was, *with = NULL, *doc, *rule = NULL;

	if (r == NULL)
		return fail(sc, step, "not_found", reply);
	was = cs_sb_record_doc(c, r);
	cs_sb_scope_set(sc, "record", json_object_get(was));
	cs_sb_eval(sc, json_object_object_get(step, "with"), &with);
	doc = with_computed(sc, c, laid_on(was, with));
	json_object_put(with);
	json_object_put(was);
	if ((other = cs_sb_conflict(sc->tenant, c, doc, r, &rule)) != NULL) {
		json_object_put(doc);
		return refuse_conflict(sc, other, cs_json_str(rule, "error", "conflict"), reply);
	}
	cs_sb_record_update(sc->tenant, c, r, doc, &made);
	name_result(sc, step, doc);
	return false;
}

static bool
do_delete(struct cs_sb_scope *sc, json_object *step, struct cs_sb_reply *reply)
{
	const struct cs_sb_collection *c = collection_of(sc, step, "delete");
	struct cs_sb_record *r = named_record(sc, step, c);

	if (r == NULL)
		return fail(sc, step, "not_found", reply);
	cs_sb_record_delete(sc->tenant, c, r);
	return false;
}

/* ---- the others */

static bool
do_set(struct cs_sb_scope *sc, json_object *step)
{
	json_object *v;

	CS_SB_MEMBERS(e, json_object_object_get(step, "set"))
		cs_sb_scope_set(sc, CS_SB_NAME(e), cs_sb_eval(sc, CS_SB_VALUE(e), &v) ? v : NULL);
	return false;
}

static bool
do_match(struct cs_sb_scope *sc, json_object *step, struct cs_sb_reply *reply)
{
	const regex_t *re = cs_sb_regex(sc->crm->regexes, cs_json_str(step, "pattern", ""));
	char *text = cs_sb_eval_text(sc, cs_json_get(step, "match"));
	json_object *parts;
	regmatch_t m[10];

	if (re == NULL || text == NULL || regexec(re, text, CS_ARRAY_LEN(m), m, 0) != 0) {
		free(text);
		name_result(sc, step, NULL);
		return cs_json_str(step, "error", NULL) != NULL ? fail(sc, step, "invalid", reply) : false;
	}
	parts = json_object_new_array();
	for (size_t i = 0; i <= re->re_nsub && i < CS_ARRAY_LEN(m); i++)
		json_object_array_add(
		    parts, m[i].rm_so < 0
			       ? NULL
			       : json_object_new_string_len(text + m[i].rm_so, m[i].rm_eo - m[i].rm_so));
	free(text);
	name_result(sc, step, parts);
	return false;
}

static json_object *
error_as_element(struct cs_sb_reply *inner)
{
	json_object *o = NULL;

	cs_json_parse(cs_buf_str(&inner->body), inner->body.len, 32, &o, NULL);
	return o;
}

static bool
each_item(struct cs_sb_scope *sc, json_object *step, json_object *made, struct cs_sb_reply *reply)
{
	struct cs_sb_reply inner = { .status = 200 };
	bool collect = cs_json_bool(step, "collect_errors", false), answered;
	json_object *v;

	answered = cs_sb_steps_run(sc, cs_json_get(step, "do"), collect ? &inner : reply);
	if (answered && collect)
		json_object_array_add(made, error_as_element(&inner));
	else if (!answered && cs_sb_eval(sc, json_object_object_get(step, "collect"), &v))
		json_object_array_add(made, v);
	cs_buf_fini(&inner.body);
	cs_buf_fini(&inner.headers);
	return answered && !collect;
}

static bool
do_each(struct cs_sb_scope *sc, json_object *step, struct cs_sb_reply *reply)
{
	const char *as = cs_json_str(step, "as", "item");
	json_object *list = NULL, *made = json_object_new_array();
	bool answered = false;

	cs_sb_eval(sc, cs_json_get(step, "each"), &list);
	if (json_object_is_type(list, json_type_array)) {
		for (size_t i = 0; !answered && i < json_object_array_length(list) && i < MAX_EACH; i++) {
			cs_sb_scope_set(sc, as, json_object_get(json_object_array_get_idx(list, i)));
			answered = each_item(sc, step, made, reply);
		}
	}
	json_object_put(list);
	cs_sb_scope_set(sc, as, NULL);
	cs_sb_scope_set(sc, cs_json_str(step, "into", "results"), made);
	return answered;
}

static bool
do_oauth(struct cs_sb_scope *sc, json_object *step, struct cs_sb_reply *reply)
{
	const char *error = "invalid_request", *why = "";
	json_object *grant = cs_sb_oauth_step(sc, sc->tenant->crm, step, &error, &why);

	if (grant == NULL) {
		cs_sb_set_error(sc, error, why);
		return fail(sc, step, "oauth", reply);
	}
	name_result(sc, step, grant);
	return false;
}

static bool
run_step(struct cs_sb_scope *sc, json_object *step, struct cs_sb_reply *reply)
{
	json_object *v;

	if (json_object_object_get_ex(step, "find", NULL))
		return do_find(sc, step, reply);
	if (json_object_object_get_ex(step, "create", NULL))
		return do_create(sc, step, reply);
	if (json_object_object_get_ex(step, "update", NULL))
		return do_update(sc, step, reply);
	if (json_object_object_get_ex(step, "delete", NULL))
		return do_delete(sc, step, reply);
	if (json_object_object_get_ex(step, "check", &v))
		return cs_sb_holds(sc, v) ? false : fail(sc, step, "invalid", reply);
	if (json_object_object_get_ex(step, "set", NULL))
		return do_set(sc, step);
	if (json_object_object_get_ex(step, "match", NULL))
		return do_match(sc, step, reply);
	if (json_object_object_get_ex(step, "each", NULL))
		return do_each(sc, step, reply);
	if (json_object_object_get_ex(step, "oauth", NULL))
		return do_oauth(sc, step, reply);
	if (json_object_object_get_ex(step, "fail", &v)) {
		cs_sb_fail(sc, json_object_get_string(v), reply);
		return true;
	}
	if (json_object_object_get_ex(step, "answer", &v)) {
		cs_sb_answer(sc, v, reply);
		return true;
	}
	return cs_sb_steps_run(sc, cs_json_get(step, "do"), reply);
}

bool
cs_sb_steps_run(struct cs_sb_scope *sc, json_object *steps, struct cs_sb_reply *reply)
{
	for (size_t i = 0; steps != NULL && i < json_object_array_length(steps); i++) {
		json_object *step = json_object_array_get_idx(steps, i);

		if (cs_sb_holds(sc, cs_json_get(step, "if")) && run_step(sc, step, reply))
			return true;
	}
	return false;
}
