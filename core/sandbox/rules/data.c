/* SPDX-License-Identifier: Apache-2.0 */
/*
 * data.c - reading a fake CRM from its data file, plugins/NAME/sandbox.json.
 *
 * For authors of plugins: the file describes the vendor's API as far as the plugin uses it, and as strictly
 * as the vendor is. sdk/schema/sandbox.schema.json is its exact form; this is what the parts mean.
 *
 *   {
 *     "title": "Acme CRM",
 *     "credentials": { "token": { "any": [ { "from": "${header/authorization}", "form": "Bearer {token}",
 *                                            "accept": ["sandbox-acme-token", "sandbox-acme-{tenant}"] } ] } },
 *     "needs": ["token"],
 *     "collections": { "contacts": { "id": { "form": "number", "start": 51 },
 *                                    "unique": [ { "at": "/email" } ] } },
 *     "endpoints": [
 *       { "method": "POST", "path": "/contacts",
 *         "body": { "type": "object", "required": ["email"], "properties": { "email": { "type": "string" } } },
 *         "steps": [ { "create": "contacts", "record": "${body}", "as": "made" } ],
 *         "answer": { "status": 201, "body": "${made}" } } ]
 *   }
 *
 * Paths stand below /NAME, so the plugin's base URL is http://127.0.0.1:8181/NAME. The first endpoint that
 * fits method, path ("/a/{id}/b", {id} being one segment, or a list of such), "query" (names that must be
 * there) and "when" (a condition, for APIs with one URL, such as GraphQL: {"value": "${body/query}",
 * "matches": "clientCreate"}) takes the request. Then, in order:
 *
 *   needs    credentials. Each tells where its text stands and which tokens are good: constants, patterns
 *            with {tenant}, and with "issued" what our own token endpoint gave out. {tenant} separates the
 *            data of many connections; everything else belongs to the tenant "default", or to what "tenant"
 *            says. "standard_webhooks" checks that signature instead.
 *   limit    the class whose limits are charged ("default"; a limit with class "*" counts for all). A limit
 *            is a rolling window (max, per_ms) or a bucket (max, restore_per_s) that an endpoint's "cost"
 *            is taken from.
 *   body     rules, the part of JSON Schema that rules.h lists. A breach answers the error "invalid" (or
 *            the one that the node names) with ${error/pointer}, ${error/name}, ${error/keyword},
 *            ${error/message}.
 *   steps    below. A step with "if" runs only when that holds. A step that fails answers its "error".
 *   answer   status, headers, "body" (a template, sent as JSON) or "text" with "type".
 *
 * Templates are JSON. "${root/pointer|filter:argument}" is a value of the request: roots are body (JSON or
 * form), raw, query, path, header (names in lower case), method, tenant, tenant_no, now, now_ms, now_s,
 * uuid, hex (32 digits), base (our own URL), limit, error, id and whatever steps named with "as". Alone in
 * a text it keeps its type; absent values are left out. Filters: or:TEXT, null (absent becomes null),
 * digits, national (ten US digits), lower, upper, string, int, parse (JSON in text), split:SEP, first,
 * last, length, keys, url, html, base64. Operators: {"$each": list, "as": name, "value": T}, {"$merge": [T,
 * ...]}, {"$pick": object, "names": list, "default": [...], "always": [...]}, {"$if": condition, "then": T,
 * "else": T}, {"$first": [T, ...]}.
 *
 * A condition is a template that must be there, {"value": T, "present"|"is"|"not"|"in"|"matches": ...}, or
 * a list of these.
 *
 * Steps:
 *   {"find": C, "as": N}     "where" {pointer: T} (absent values do not apply), "text" {value, in} for
 *                            substrings, "groups" for filters the request brings (ORed groups of ANDed
 *                            filters), "sort", "page", "lag": true for what the vendor reads from its
 *                            search index. N is {items, total, page, size, pages, after}; with "one": true
 *                            N is the record itself, and with "error" it must be there.
 *   {"create": C, "record": T}  "as" names it. "id": T gives the id; "again": "count" counts a repeated id
 *                               instead of failing.
 *   {"update": C, "id": T, "with": T}, {"delete": C, "id": T}
 *   {"check": condition, "error": E}, {"fail": E}, {"set": {N: T}}, {"do": [steps]}, {"answer": {...}}
 *   {"match": T, "pattern": regex, "as": N}
 *                            N is the list of what the parentheses caught
 *   {"each": T, "as": N, "do": [steps], "collect": T, "into": N}
 *                            with "collect_errors" an error becomes an element
 *   {"oauth": "authorize"|"token"|"revoke"|"introspect"|"exchange", "as": N}
 *                            as "oauth" says: clients, grants, life times, rotation; a failure answers the
 *                            error "oauth" (or "error") with ${error/code} and ${error/message}
 *
 * Rules that are needed twice stand in "schemas" and are named by {"$ref": "#/schemas/NAME"}.
 * Collections: how ids look, what is unique (a breach answers its "error" with ${conflict/id}), what is
 * indexed, "computed" members laid on every record (${record} is it), "seed" records of every tenant,
 * "lag_ms" of the search index.
 * Errors are named answers. unauthorized, not_found, no_route, bad_json, invalid, limited, conflict, oauth
 * and server have defaults.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include "sandbox/rules/data.h"
#include "sandbox/crm/engine.h"
#include "sandbox/rules/rules.h"
#include "sandbox/rules/value.h"

#define MAX_FILE (4u << 20)

/* ---- paths */

static void
read_path(struct cs_sb_path *path, const char *s)
{
	size_t n;

	for (s++; *s != '\0'; s += n + (s[n] == '/')) {
		n = strcspn(s, "/");
		path->v = cs_xrealloc(path->v, (path->n + 1) * sizeof(*path->v));
		path->v[path->n++] = s[0] == '{' && s[n - 1] == '}'
					 ? (struct cs_sb_segment){ s + 1, n - 2, true }
					 : (struct cs_sb_segment){ s, n, false };
		path->slash = s[n] == '/';
	}
}

static int
read_paths(struct cs_sb_endpoint *ep, json_object *path, struct cs_err *err)
{
	bool list = json_object_is_type(path, json_type_array);
	size_t n = list ? json_object_array_length(path) : 1, params;

	ep->paths = cs_xcalloc(n, sizeof(*ep->paths));
	ep->npaths = n;
	for (size_t i = 0; i < n; i++) {
		const char *s = cs_sb_scalar(list ? json_object_array_get_idx(path, i) : path);

		if (strstr(s, "//") != NULL)
			return cs_err_set(err, CS_EINVAL, "the path \"%.80s\" has an empty segment", s);
		read_path(&ep->paths[i], s);
		params = 0;
		for (size_t k = 0; k < ep->paths[i].n; k++)
			params += ep->paths[i].v[k].param;
		if (params > CS_SB_MAX_PARAMS)
			return cs_err_set(err, CS_EINVAL, "the path \"%.80s\" has more than %d parameters", s,
					  CS_SB_MAX_PARAMS);
	}
	return 0;
}

/* ---- collections */

static void
add_index(struct cs_sb_collection *c, const char *pointer)
{
	for (size_t i = 0; i < c->nindex; i++) {
		if (strcmp(c->index[i], pointer) == 0)
			return;
	}
	c->index = cs_xrealloc(c->index, (c->nindex + 1) * sizeof(*c->index));
	c->index[c->nindex++] = pointer;
}

static void
read_index(struct cs_sb_collection *c, json_object *o)
{
	json_object *index = cs_json_get(o, "index");

	add_index(c, c->id_at);
	for (size_t i = 0; c->unique != NULL && i < json_object_array_length(c->unique); i++)
		add_index(c, cs_json_str(json_object_array_get_idx(c->unique, i), "at", "/"));
	for (size_t i = 0; index != NULL && i < json_object_array_length(index); i++)
		add_index(c, cs_sb_scalar(json_object_array_get_idx(index, i)));
}

static int
read_collection(struct cs_sb_collection *c, json_object *o, struct cs_err *err)
{
	json_object *id = cs_json_get(o, "id");

	c->id_form = id != NULL ? cs_json_str(id, "form", "number") : "number";
	c->id_prefix = id != NULL ? cs_json_str(id, "prefix", "") : "";
	c->id_start = id != NULL ? cs_json_int(id, "start", 1) : 1;
	c->id_digits = id != NULL ? (int)cs_json_int(id, "digits", 32) : 32;
	c->id_integer = id != NULL && cs_json_bool(id, "integer", false);
	c->id_base64 = id != NULL && cs_json_str(id, "encode", NULL) != NULL;
	c->id_at = id != NULL ? cs_json_str(id, "at", "/id") : "/id";
	c->nocase = cs_json_bool(o, "ignore_case", false);
	c->lag_ms = cs_json_int(o, "lag_ms", 0);
	c->unique = cs_json_get(o, "unique");
	c->seed = cs_json_get(o, "seed");
	c->computed = cs_json_get(o, "computed");
	read_index(c, o);
	for (size_t i = 0; c->seed != NULL && i < json_object_array_length(c->seed); i++) {
		if (*cs_json_pointer_text(json_object_array_get_idx(c->seed, i), c->id_at) == '\0')
			return cs_err_set(err, CS_EINVAL, "/collections/%s/seed/%zu: no %s", c->name, i,
					  c->id_at);
	}
	return 0;
}

static int
read_collections(struct cs_sb_crm *crm, struct cs_err *err)
{
	json_object *o = cs_json_get(crm->doc, "collections");
	int rc;

	if (o == NULL)
		return 0;
	crm->collections = cs_xcalloc((size_t)json_object_object_length(o) + 1, sizeof(*crm->collections));
	CS_SB_MEMBERS(e, o) {
		struct cs_sb_collection *c = &crm->collections[crm->ncollections];

		c->name = CS_SB_NAME(e);
		c->no = (unsigned)crm->ncollections++;
		if ((rc = read_collection(c, CS_SB_VALUE(e), err)) < 0)
			return rc;
	}
	return 0;
}

const struct cs_sb_collection *
cs_sb_crm_collection(const struct cs_sb_crm *crm, const char *name)
{
	for (size_t i = 0; i < crm->ncollections; i++) {
		if (strcmp(crm->collections[i].name, name) == 0)
			return &crm->collections[i];
	}
	return NULL;
}

/* ---- limits, endpoints */

static int
read_limits(struct cs_sb_crm *crm, struct cs_err *err)
{
	json_object *list = cs_json_get(crm->doc, "limits"), *o;
	size_t n = list != NULL ? json_object_array_length(list) : 0;

	crm->limits = cs_xcalloc(n + 1, sizeof(*crm->limits));
	for (size_t i = 0; i < n; i++) {
		struct cs_sb_limit *l = &crm->limits[crm->nlimits++];

		o = json_object_array_get_idx(list, i);
		l->name = cs_json_str(o, "name", "");
		l->limit_class = cs_json_str(o, "class", "default");
		l->error = cs_json_str(o, "error", "limited");
		l->max = cs_json_int(o, "max", 1);
		l->per_ms = cs_json_int(o, "per_ms", 0);
		l->restore_per_s = json_object_get_double(cs_json_get(o, "restore_per_s"));
		l->headers = cs_json_get(o, "headers");
		if ((l->per_ms > 0) == (l->restore_per_s > 0))
			return cs_err_set(err, CS_EINVAL,
					  "/limits/%zu: one of per_ms and restore_per_s is needed", i);
	}
	return 0;
}

static int
read_endpoints(struct cs_sb_crm *crm, struct cs_err *err)
{
	json_object *list = cs_json_get(crm->doc, "endpoints"), *o;
	size_t n = json_object_array_length(list);
	int rc = 0;

	crm->endpoints = cs_xcalloc(n, sizeof(*crm->endpoints));
	for (size_t i = 0; rc == 0 && i < n; i++) {
		struct cs_sb_endpoint *ep = &crm->endpoints[crm->nendpoints++];

		o = json_object_array_get_idx(list, i);
		ep->method = cs_json_str(o, "method", "GET");
		ep->query = cs_json_get(o, "query");
		ep->when = cs_json_get(o, "when");
		ep->body = cs_json_get(o, "body");
		ep->steps = cs_json_get(o, "steps");
		ep->answer = cs_json_get(o, "answer");
		ep->cost = cs_json_get(o, "cost");
		ep->limit_class = cs_json_str(o, "limit", "default");
		ep->needs = cs_json_get(o, "needs") != NULL ? cs_json_get(o, "needs") : crm->needs;
		ep->tenant = cs_json_get(o, "tenant") != NULL ? cs_json_get(o, "tenant") : crm->tenant;
		rc = read_paths(ep, cs_json_get(o, "path"), err);
	}
	return rc;
}

/* ---- what a schema cannot say */

static int
check_regexes(struct cs_sb_crm *crm, json_object *o, struct cs_err *err)
{
	int rc = 0;

	if (json_object_is_type(o, json_type_array)) {
		for (size_t i = 0; rc == 0 && i < json_object_array_length(o); i++)
			rc = check_regexes(crm, json_object_array_get_idx(o, i), err);
	}
	if (!json_object_is_type(o, json_type_object))
		return rc;
	CS_SB_MEMBERS(e, o) {
		json_object *v = CS_SB_VALUE(e);

		if ((strcmp(CS_SB_NAME(e), "pattern") == 0 || strcmp(CS_SB_NAME(e), "matches") == 0) &&
		    json_object_is_type(v, json_type_string) &&
		    cs_sb_regex(crm->regexes, json_object_get_string(v)) == NULL)
			return cs_err_set(err, CS_EINVAL, "\"%.80s\" is no regular expression",
					  json_object_get_string(v));
		if ((rc = check_regexes(crm, v, err)) < 0)
			return rc;
	}
	return 0;
}

static int
check_error_name(const struct cs_sb_crm *crm, const char *name, struct cs_err *err)
{
	if (name == NULL || (crm->errors != NULL && cs_json_get(crm->errors, name) != NULL) ||
	    cs_sb_default_error(name))
		return 0;
	return cs_err_set(err, CS_EINVAL, "there is no error named \"%.60s\"", name);
}

static int
check_step(const struct cs_sb_crm *crm, json_object *step, struct cs_err *err)
{
	static const char *const verbs[] = { "check", "set", "match", "find", "create", "update", "delete",
		                             "each", "oauth", "answer", "fail" };
	static const char *const on_collection[] = { "find", "create", "update", "delete" };
	json_object *inner = cs_json_get(step, "do");
	size_t n = 0;
	int rc;

	for (size_t i = 0; i < CS_ARRAY_LEN(verbs); i++)
		n += json_object_object_get_ex(step, verbs[i], NULL);
	if (n != 1 && !(n == 0 && inner != NULL))
		return cs_err_set(err, CS_EINVAL, "a step needs one verb: %.120s",
				  json_object_to_json_string(step));
	for (size_t i = 0; i < CS_ARRAY_LEN(on_collection); i++) {
		const char *name = cs_json_str(step, on_collection[i], NULL);

		if (name != NULL && cs_sb_crm_collection(crm, name) == NULL)
			return cs_err_set(err, CS_EINVAL, "there is no collection named \"%.60s\"", name);
	}
	if (cs_json_str(step, "oauth", NULL) != NULL && crm->oauth == NULL)
		return cs_err_set(err, CS_EINVAL, "an oauth step needs \"oauth\"");
	if ((rc = check_error_name(crm, cs_json_str(step, "error", NULL), err)) < 0 ||
	    (rc = check_error_name(crm, cs_json_str(step, "fail", NULL), err)) < 0)
		return rc;
	for (size_t i = 0; rc == 0 && inner != NULL && i < json_object_array_length(inner); i++)
		rc = check_step(crm, json_object_array_get_idx(inner, i), err);
	return rc;
}

static int
check_endpoints(const struct cs_sb_crm *crm, struct cs_err *err)
{
	struct cs_err why = { 0 };
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < crm->nendpoints; i++) {
		const struct cs_sb_endpoint *ep = &crm->endpoints[i];

		for (size_t k = 0; rc == 0 && ep->steps != NULL && k < json_object_array_length(ep->steps); k++)
			rc = check_step(crm, json_object_array_get_idx(ep->steps, k), &why);
		for (size_t k = 0; rc == 0 && ep->needs != NULL && k < json_object_array_length(ep->needs);
		     k++) {
			const char *name = cs_sb_scalar(json_object_array_get_idx(ep->needs, k));

			if (crm->credentials == NULL || cs_json_get(crm->credentials, name) == NULL)
				rc = cs_err_set(&why, CS_EINVAL, "there is no credential named \"%.60s\"",
						name);
		}
		if (rc < 0)
			return cs_err_set(err, rc, "/endpoints/%zu: %s", i, why.msg);
	}
	for (size_t i = 0; rc == 0 && i < crm->nlimits; i++)
		rc = check_error_name(crm, crm->limits[i].error, err);
	if (crm->credentials == NULL)
		return rc;
	CS_SB_MEMBERS(e, crm->credentials) {
		if ((rc = check_error_name(crm, cs_json_str(CS_SB_VALUE(e), "error", NULL), err)) < 0 ||
		    (rc = check_error_name(crm, cs_json_str(CS_SB_VALUE(e), "expired", NULL), err)) < 0)
			return rc;
	}
	return rc;
}

static int
check_schema(struct cs_sb_crm *crm, struct cs_err *err)
{
	struct cs_sb_rules rules = { .regexes = crm->regexes };
	struct cs_sb_breach b;
	int rc = cs_json_parse(cs_sb_schema_text, strlen(cs_sb_schema_text), 32, &rules.schema, err);

	rules.root = rules.schema;
	if (rc == 0 && !cs_sb_rules_check(&rules, crm->doc, &b))
		rc = cs_err_set(err, CS_EINVAL, "%s: %s", b.pointer[0] != '\0' ? b.pointer : "/", b.message);
	json_object_put(rules.schema);
	return rc;
}

/* ---- the whole */

void
cs_sb_crm_free(struct cs_sb_crm *crm)
{
	for (size_t i = 0; i < crm->nendpoints; i++) {
		for (size_t k = 0; k < crm->endpoints[i].npaths; k++)
			free(crm->endpoints[i].paths[k].v);
		free(crm->endpoints[i].paths);
	}
	for (size_t i = 0; i < crm->ncollections; i++)
		free(crm->collections[i].index);
	free(crm->endpoints);
	free(crm->collections);
	free(crm->limits);
	cs_sb_regexes_fini(crm->regexes);
	free(crm->regexes);
	json_object_put(crm->doc);
	free(crm->path);
	free((char *)crm->name);
	free(crm);
}

static int
build(struct cs_sb_crm *crm, struct cs_err *err)
{
	int rc;

	crm->regexes = cs_xcalloc(1, sizeof(*crm->regexes));
	cs_sb_regexes_init(crm->regexes);
	if ((rc = check_schema(crm, err)) < 0)
		return rc;
	crm->title = cs_json_str(crm->doc, "title", crm->name);
	crm->credentials = cs_json_get(crm->doc, "credentials");
	crm->needs = cs_json_get(crm->doc, "needs");
	crm->tenant = cs_json_get(crm->doc, "tenant");
	crm->errors = cs_json_get(crm->doc, "errors");
	crm->oauth = cs_json_get(crm->doc, "oauth");
	if ((rc = read_collections(crm, err)) < 0 || (rc = read_limits(crm, err)) < 0 ||
	    (rc = read_endpoints(crm, err)) < 0 || (rc = check_endpoints(crm, err)) < 0 ||
	    (rc = check_regexes(crm, crm->doc, err)) < 0 || (rc = cs_sb_template_check(crm->doc, err)) < 0)
		return rc;
	return 0;
}

static int
adopt(struct cs_sb_crm **out, const char *name, const char *path, json_object *doc, struct cs_err *err)
{
	struct cs_sb_crm *crm = cs_xcalloc(1, sizeof(*crm));
	struct cs_err why = { 0 };
	int rc;

	crm->name = cs_xstrdup(name);
	crm->path = cs_xstrdup(path);
	crm->doc = doc;
	if ((rc = build(crm, &why)) < 0) {
		cs_err_set(err, rc, "%s: %s", path, why.msg);
		cs_sb_crm_free(crm);
		return rc;
	}
	*out = crm;
	return 0;
}

int
cs_sb_crm_load(struct cs_sb_crm **out, const char *name, const char *path, struct cs_err *err)
{
	json_object *doc = NULL;
	int rc = cs_json_read_file(path, MAX_FILE, &doc, err);

	return rc < 0 ? rc : adopt(out, name, path, doc, err);
}

int
cs_sb_crm_parse(struct cs_sb_crm **out, const char *name, const char *text, size_t n, struct cs_err *err)
{
	json_object *doc = NULL;
	int rc = cs_json_parse(text, n, 32, &doc, err);

	return rc < 0 ? rc : adopt(out, name, name, doc, err);
}
