/* SPDX-License-Identifier: Apache-2.0 */
/*
 * value.h - templates and conditions of a data file, evaluated against one request.
 *
 * A template is JSON. A text that is one expression, "${root/pointer|filter:argument}", becomes that value with
 * its type; a text with more around it becomes text. A member or element whose value is absent is left out.
 * Objects with a member that begins with '$' are operators ($each, $merge, $pick, $if, $first). data.c lists
 * them all. JSON null in a request counts as absent. Documents are never changed after they were made, so they
 * can be shared.
 */
#ifndef CS_SANDBOX_VALUE_H
#define CS_SANDBOX_VALUE_H

#include "sandbox/rules/data.h"
#include "sandbox/http.h"

#define CS_SB_MAX_EXPR 400 /* between "${" and "}" */

struct cs_sb_engine;
struct cs_sb_tenant;

/* One request on its way. Zeroed by the engine; the lazily made parts belong to it. */
struct cs_sb_scope {
	struct cs_sb_engine *engine;
	const struct cs_sb_crm *crm;
	const struct cs_sb_endpoint *endpoint;
	struct cs_sb_tenant *tenant; /* NULL until known */
	const struct cs_sb_request *req;
	int64_t now_ms;
	struct {
		const char *name, *value; /* value: still percent-encoded */
		size_t name_len, value_len;
	} params[CS_SB_MAX_PARAMS];
	size_t nparams;
	json_object *path, *query, *body, *vars; /* made when first asked for */
	bool body_read;
	char *secrets[8]; /* what to mask where the request is shown */
	size_t nsecrets;
	char base[160]; /* http://127.0.0.1:8181/hubspot */
};

void cs_sb_scope_fini(struct cs_sb_scope *sc);
/* The request's body: JSON, or an object of texts for form bodies. Borrowed; NULL when it is neither. */
json_object *cs_sb_scope_body(struct cs_sb_scope *sc);
/* Path parameters and query as objects of texts; borrowed, never NULL. */
json_object *cs_sb_scope_path(struct cs_sb_scope *sc);
json_object *cs_sb_scope_query(struct cs_sb_scope *sc);
/* This text is a credential: the request log must not show it. Copied; NULL and "" are ignored. */
void cs_sb_scope_secret(struct cs_sb_scope *sc, const char *text);
/* Name a value for later expressions; takes it over (NULL forgets the name). */
void cs_sb_scope_set(struct cs_sb_scope *sc, const char *name, json_object *value);

/* False: absent. Else *out is a new reference (NULL for JSON null). */
bool cs_sb_eval(struct cs_sb_scope *sc, json_object *tmpl, json_object **out);
/* The same as text, the caller's; NULL when absent. Numbers and booleans as JSON writes them. */
char *cs_sb_eval_text(struct cs_sb_scope *sc, json_object *tmpl);
char *cs_sb_eval_string(struct cs_sb_scope *sc, const char *tmpl);
int64_t cs_sb_eval_int(struct cs_sb_scope *sc, json_object *tmpl, int64_t dflt);
/* A condition, or a list of which all must hold; NULL holds. */
bool cs_sb_holds(struct cs_sb_scope *sc, json_object *cond);

/* Is every expression in here well formed? On failure *err names it. */
int cs_sb_template_check(const json_object *tmpl, struct cs_err *err);

/* name=value&... to an object of texts; a repeated name becomes an array. */
json_object *cs_sb_parse_form(const char *s, size_t n);
/* A scalar as text, borrowed ("" for null). */
const char *cs_sb_scalar(const json_object *o);
/* Set a top-level member, on a copy when others hold the object too. Takes over both; returns the object to
 * use. */
json_object *cs_sb_with_member(json_object *o, const char *name, json_object *value);

#define CS_SB_MEMBERS(e, o)                                                                                  \
	for (struct lh_entry *e = lh_table_head(json_object_get_object(o)); e != NULL; e = lh_entry_next(e))
#define CS_SB_NAME(e) ((const char *)lh_entry_k(e))
#define CS_SB_VALUE(e) ((json_object *)lh_entry_v(e))

#endif
