/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings.c - how leads are to look in the CRM: the manifest's settings, with the lists that the CRM has to choose from.
 *
 * Lists are asked for one after another, in the engine's thread, those that depend on another field with what the form has there.
 * A list that cannot be read leaves a plain field.
 */
#include "config.h"
#include "connect/field.h"

#include <string.h>

#define ITEMS_MAX 500 /* more than these are typed */

struct settings {
	json_object *effective, *shown; /* shown: what the fields hold */
	json_object **items;            /* by the number of the setting */
	struct cs_candidate candidate;  /* of the list that is asked for */
	size_t at;
	int status;
	bool is_failing_list;
};

static size_t
count(const struct cs_manifest *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n_settings; i++)
		n += cs_field_is_shown(&m->settings[i]);
	return n;
}

static void
free_page(struct cs_visit *v)
{
	struct settings *p = v->page;

	for (size_t i = 0; i < v->manifest->n_settings; i++)
		json_object_put(p->items[i]);
	json_object_put(p->candidate.settings);
	json_object_put(p->effective);
	json_object_put(p->shown);
}

/* ---- the page */

static bool
is_parent(const struct cs_manifest *m, const char *key)
{
	for (size_t i = 0; i < m->n_settings; i++)
		if (m->settings[i].depends_on != NULL && strcmp(m->settings[i].depends_on, key) == 0)
			return true;
	return false;
}

static void
put_page(struct cs_visit *v)
{
	struct settings *p = v->page;
	const struct cs_manifest *m = v->manifest;
	struct cs_buf b = CS_BUF_INIT(CS_PAGE_MAX);

	cs_visit_begin(v, &b, CS_STEP_SETTINGS, cs_arena_printf(&v->mem, "How leads arrive in %s", m->title));
	if (v->trouble != NULL)
		cs_visit_trouble(v, &b);
	else
		cs_html(&b, "<p class=\"lead\">Everything works as it stands here; change what you like.</p>\n");
	if (p->is_failing_list)
		cs_visit_note(&b, "wait", NULL, cs_arena_printf(&v->mem, "Some lists could not be read from %s just now. You can type the value, or load this page again.",
		                                                m->title));
	cs_visit_form(v, &b, "settings");
	for (size_t i = 0; i < m->n_settings; i++)
		if (cs_field_is_shown(&m->settings[i]))
			cs_field_put(v, &b, &m->settings[i], cs_json_get(p->shown, m->settings[i].key), p->items[i], is_parent(m, m->settings[i].key));
	cs_html(&b, "<p class=\"actions\"><button>Save and go on</button></p>\n</form>\n");
	cs_visit_addresses(v, &b);
	cs_html(&b, "<p><a href=\"/connect/setup\">Sign in anew, or enter another key</a></p>\n");
	free_page(v);
	cs_visit_page(v, p->status, &b);
}

/* ---- lists */

static void next_list(struct cs_visit *v);

/* Engine thread: the items are its own, so they are copied. */
static void
listed(struct cs_ask *a)
{
	struct cs_visit *v = CS_CONTAINER(a, struct cs_visit, list);
	struct settings *p = v->page;

	if (a->said == CS_SAID_YES && !a->is_cut && json_object_array_length(a->items) <= ITEMS_MAX)
		json_object_deep_copy(a->items, &p->items[p->at], NULL);
	else if (a->said != CS_SAID_YES && a->said != CS_SAID_CANNOT)
		p->is_failing_list = true;
	p->at++;
	next_list(v);
}

/* What another field holds on which this list depends; a fault elsewhere in the form is nothing to it. */
static json_object *
candidate_of(struct settings *p, const struct cs_setting_row *r)
{
	json_object *o;

	if (r->depends_on == NULL)
		return NULL;
	o = json_object_new_object();
	json_object_object_add(o, r->depends_on, json_object_get(cs_json_get(p->shown, r->depends_on)));
	return o;
}

static void
next_list(struct cs_visit *v)
{
	struct settings *p = v->page;

	for (; p->at < v->manifest->n_settings; p->at++) {
		const struct cs_setting_row *r = &v->manifest->settings[p->at];

		if (r->choices_from == NULL || !cs_field_is_shown(r))
			continue;
		json_object_put(p->candidate.settings);
		p->candidate.settings = candidate_of(p, r);
		v->list = (struct cs_ask){ .conn_id = v->conn.id, .list = r->choices_from, .candidate = &p->candidate, .done = listed };
		cs_engine_post_ask(v->api->engine, &v->list);
		return;
	}
	put_page(v);
}

/* What the fields hold: what is entered, else what is set. */
static void
begin_page(struct cs_visit *v, int status)
{
	struct settings *p = v->page;

	p->status = status;
	p->shown = json_object_new_object();
	for (size_t i = 0; i < v->manifest->n_settings; i++) {
		const struct cs_setting_row *r = &v->manifest->settings[i];

		if (cs_field_is_shown(r))
			json_object_object_add(p->shown, r->key, v->n_fields > 0 ? cs_field_read(v, r) : json_object_get(cs_json_get(p->effective, r->key)));
	}
	next_list(v);
}

static void
new_page(struct cs_visit *v)
{
	struct settings *p = v->page = cs_arena_alloc(&v->mem, sizeof(*p));

	p->effective = cs_field_effective(v);
	p->items = cs_arena_alloc(&v->mem, (v->manifest->n_settings + 1) * sizeof(json_object *));
}

void
cs_connect_settings(struct cs_visit *v)
{
	if (count(v->manifest) == 0 || v->conn.is_static) {
		cs_visit_go(v, "/connect/test");
		return;
	}
	new_page(v);
	begin_page(v, 200);
}

/* ---- what was sent */

static void
kept(struct cs_visit *v, int status, json_object *doc CS_UNUSED)
{
	if (status >= 400) {
		begin_page(v, status == 503 ? 503 : 422);
		return;
	}
	free_page(v);
	cs_visit_go(v, "/connect/test");
}

void
cs_connect_settings_sent(struct cs_visit *v)
{
	const char *what = cs_visit_field(v, "do");
	struct settings *p;
	json_object *patch, *body;

	new_page(v);
	p = v->page;
	if (what != NULL && strcmp(what, "lists") == 0) {
		begin_page(v, 200);
		return;
	}
	if ((patch = cs_field_patch(v, p->effective, false)) == NULL) {
		free_page(v);
		cs_visit_go(v, "/connect/test");
		return;
	}
	body = json_object_new_object();
	json_object_object_add(body, "settings", patch);
	cs_visit_ask(v, "PATCH", cs_visit_conn_path(v, ""), body, kept);
	json_object_put(body);
}
