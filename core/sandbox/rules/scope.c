/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scope.c - what a request brought, read when first asked for, and what its steps named.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "sandbox/rules/filters.h"
#include "sandbox/rules/value.h"

static void
form_add(json_object *o, const char *name, const char *value)
{
	json_object *was = json_object_object_get(o, name), *list;

	if (was == NULL) {
		json_object_object_add(o, name, json_object_new_string(value));
		return;
	}
	if (!json_object_is_type(was, json_type_array)) {
		list = json_object_new_array();
		json_object_array_add(list, json_object_get(was));
		json_object_object_add(o, name, list);
		was = list;
	}
	json_object_array_add(was, json_object_new_string(value));
}

json_object *
cs_sb_parse_form(const char *s, size_t n)
{
	json_object *o = json_object_new_object();
	const char *end = s + n, *amp, *eq;
	char *name, *value;

	for (; s < end; s = amp + 1) {
		if ((amp = memchr(s, '&', (size_t)(end - s))) == NULL)
			amp = end;
		if (amp == s)
			continue;
		if ((eq = memchr(s, '=', (size_t)(amp - s))) == NULL)
			eq = amp;
		name = cs_sb_percent_decode(s, (size_t)(eq - s), true);
		value = eq < amp ? cs_sb_percent_decode(eq + 1, (size_t)(amp - eq - 1), true) : cs_xstrdup("");
		form_add(o, name, value);
		free(name);
		free(value);
	}
	return o;
}

json_object *
cs_sb_scope_body(struct cs_sb_scope *sc)
{
	const struct cs_sb_request *req = sc->req;
	const char *type = cs_sb_header(req, "content-type");

	if (sc->body_read)
		return sc->body;
	sc->body_read = true;
	if (type != NULL && strncasecmp(type, "application/x-www-form-urlencoded", 33) == 0)
		sc->body = cs_sb_parse_form(req->body, req->body_len);
	else if (req->body_len > 0)
		cs_json_parse(req->body, req->body_len, 32, &sc->body, NULL);
	return sc->body;
}

json_object *
cs_sb_scope_path(struct cs_sb_scope *sc)
{
	if (sc->path != NULL)
		return sc->path;
	sc->path = json_object_new_object();
	for (size_t i = 0; i < sc->nparams; i++) {
		char *v = cs_sb_percent_decode(sc->params[i].value, sc->params[i].value_len, false);
		char *k = cs_xstrndup(sc->params[i].name, sc->params[i].name_len);

		json_object_object_add(sc->path, k, json_object_new_string(v));
		free(k);
		free(v);
	}
	return sc->path;
}

json_object *
cs_sb_scope_query(struct cs_sb_scope *sc)
{
	if (sc->query == NULL)
		sc->query = cs_sb_parse_form(sc->req->query, strlen(sc->req->query));
	return sc->query;
}

void
cs_sb_scope_set(struct cs_sb_scope *sc, const char *name, json_object *value)
{
	if (sc->vars == NULL)
		sc->vars = json_object_new_object();
	if (value != NULL)
		json_object_object_add(sc->vars, name, value);
	else
		json_object_object_del(sc->vars, name);
}

void
cs_sb_scope_secret(struct cs_sb_scope *sc, const char *text)
{
	if (text != NULL && *text != '\0' && sc->nsecrets < CS_ARRAY_LEN(sc->secrets))
		sc->secrets[sc->nsecrets++] = cs_xstrdup(text);
}

void
cs_sb_scope_fini(struct cs_sb_scope *sc)
{
	for (size_t i = 0; i < sc->nsecrets; i++)
		free(sc->secrets[i]);
	json_object_put(sc->path);
	json_object_put(sc->query);
	json_object_put(sc->body);
	json_object_put(sc->vars);
}
