/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ask.c - what is asked at the CRM while the client waits: verify, check, lists of choices, and whether a chosen value is one.
 *
 * The engine asks; the answer is given from its thread.
 */
#define _GNU_SOURCE
#include "config.h"
#include "api/conn/ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "api/resources.h"
#include "deliver/call/check.h"

#define LIMIT 100

/* ---- verify and check */

struct look {
	struct cs_check check;
	struct cs_http_request *req;
};

static void
look_done(struct cs_check *c)
{
	struct look *l = CS_CONTAINER(c, struct look, check);

	cs_http_reply_json(l->req, 200, c->json, strlen(c->json));
	free(c->json);
	free(l);
}

static void
look(struct cs_api_call *call, bool with_lists)
{
	struct cs_conn_row row;
	struct look *l;

	if (!cs_api_connection(call, call->param[0], &row))
		return;
	if (call->api->engine == NULL) {
		cs_api_refuse(call, 503, "no plugins are running");
		return;
	}
	l = cs_xcalloc(1, sizeof(*l));
	l->req = call->req;
	l->check.conn_id = row.id;
	l->check.with_lists = with_lists;
	l->check.done = look_done;
	cs_engine_post_check(call->api->engine, &l->check);
}

void
cs_api_connection_verify(struct cs_api_call *call)
{
	look(call, false);
}

void
cs_api_connection_check(struct cs_api_call *call)
{
	look(call, true);
}

/* ---- choices */

struct list {
	struct cs_ask ask;
	struct cs_http_request *req;
	struct cs_candidate candidate;
	char name[65];
	char *filter;
	int64_t limit, after;
};

static bool
wanted(const struct list *l, json_object *item)
{
	return l->ask.is_filtered || l->filter == NULL || strcasestr(cs_json_str(item, "label", ""), l->filter) != NULL ||
	       strcasestr(cs_json_str(item, "value", ""), l->filter) != NULL;
}

static void
put_page(const struct list *l, struct cs_buf *b)
{
	size_t n = json_object_array_length(l->ask.items);
	int64_t nth = 0, next = 0;

	cs_out_open(b, "items", '[');
	for (size_t i = 0; i < n && next == 0; i++) {
		json_object *o = json_object_array_get_idx(l->ask.items, i);

		if (!wanted(l, o) || nth++ < l->after)
			continue;
		if (nth > l->after + l->limit) {
			next = nth - 1;
			break;
		}
		cs_out_open(b, NULL, '{');
		cs_out_string(b, "value", cs_json_str(o, "value", ""));
		cs_out_string(b, "label", cs_json_str(o, "label", ""));
		cs_out_close(b, '}');
	}
	cs_out_close(b, ']');
	if (next != 0)
		cs_out_int(b, "next", next);
	else
		cs_out_null(b, "next");
}

static void
list_done(struct cs_ask *a)
{
	struct list *l = CS_CONTAINER(a, struct list, ask);
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(CS_API_ANSWER_MAX);

	if (a->said == CS_SAID_YES) {
		cs_out_open(&b, NULL, '{');
		put_page(l, &b);
		cs_out_time(&b, "read_at", a->at_ms);
		cs_out_bool(&b, "complete", !a->is_cut);
		cs_out_close(&b, '}');
		cs_http_reply_json(l->req, 200, cs_buf_str(&b), b.len);
	} else
		cs_api_problem(l->req, a->said == CS_SAID_CANNOT ? 404 : a->said == CS_SAID_LATER ? 503 : 422, NULL, a->text);
	json_object_put(l->candidate.settings);
	free(l->filter);
	free(l);
}

/* The parameters that are settings: what a dependent list is to be read with. NULL: none. */
static json_object *
settings_of(struct cs_api_call *call, const struct cs_manifest *m)
{
	json_object *o = NULL;

	for (size_t i = 0; i < m->n_settings; i++) {
		const char *v = cs_http_request_query(call->req, m->settings[i].key);

		if (v == NULL || (m->settings[i].type != CS_SETTING_TEXT && m->settings[i].type != CS_SETTING_CHOICE))
			continue;
		o = o != NULL ? o : json_object_new_object();
		json_object_object_add(o, m->settings[i].key, json_object_new_string(v));
	}
	return o;
}

void
cs_api_connection_choices(struct cs_api_call *call)
{
	const char *filter = cs_http_request_query(call->req, "q"), *refresh = cs_http_request_query(call->req, "refresh");
	struct cs_manifest *m;
	struct cs_conn_row row;
	struct list *l;
	int64_t limit, after;

	if (!cs_api_connection(call, call->param[0], &row) || !cs_api_query_int(call, "limit", 1, CS_ASK_ITEMS, LIMIT, &limit) ||
	    !cs_api_query_int(call, "after", 0, CS_ASK_ITEMS, 0, &after))
		return;
	m = call->api->engine != NULL ? cs_engine_manifest(call->api->engine, row.crm) : NULL;
	if (m == NULL) {
		cs_api_refuse(call, 503, "the plugin of this CRM is not running");
		return;
	}
	l = cs_xcalloc(1, sizeof(*l));
	snprintf(l->name, sizeof(l->name), "%s", call->param[1]);
	l->req = call->req;
	l->limit = limit;
	l->after = after;
	l->filter = filter != NULL && filter[0] != '\0' ? cs_xstrdup(filter) : NULL;
	l->candidate.settings = settings_of(call, m);
	l->ask = (struct cs_ask){ .conn_id = row.id, .list = l->name, .filter = l->filter, .done = list_done,
		.refresh = refresh != NULL && strcmp(refresh, "1") == 0, .candidate = l->candidate.settings != NULL ? &l->candidate : NULL };
	cs_manifest_unref(m);
	cs_engine_post_ask(call->api->engine, &l->ask);
}

/* ---- is a chosen value one? */

struct live {
	struct cs_ask ask;
	struct cs_change *change;
	struct cs_conn_draft *draft;
	struct cs_manifest *manifest;
	struct cs_engine *engine;
	struct cs_candidate candidate;
	const struct cs_setting_row *row; /* whose list is asked for */
	size_t at;
};

static const char *
chosen(const struct live *l, const struct cs_setting_row *row)
{
	json_object *v = row->choices_from != NULL ? cs_json_get(l->draft->settings, row->key) : NULL;

	return json_object_is_type(v, json_type_string) ? json_object_get_string(v) : "";
}

static void next_choice(struct live *l);

static void
choices_read(struct cs_ask *a)
{
	struct live *l = CS_CONTAINER(a, struct live, ask);
	bool there = a->said != CS_SAID_YES || a->is_cut;

	for (size_t i = 0; !there && i < json_object_array_length(a->items); i++)
		there = strcmp(cs_json_str(json_object_array_get_idx(a->items, i), "value", ""), chosen(l, l->row)) == 0;
	if (!there)
		cs_conn_draft_fault(l->draft, cs_arena_printf(l->draft->mem, "/settings/%s", l->row->key),
		                    "is not one of the choices in the CRM; the list %s has them", l->row->choices_from);
	next_choice(l);
}

static void
next_choice(struct live *l)
{
	struct cs_change *c = l->change;

	while (l->at < l->manifest->n_settings) {
		l->row = &l->manifest->settings[l->at++];
		if (chosen(l, l->row)[0] == '\0')
			continue;
		l->ask = (struct cs_ask){ .conn_id = c->id, .list = l->row->choices_from, .candidate = &l->candidate, .done = choices_read };
		cs_engine_post_ask(l->engine, &l->ask);
		return;
	}
	if (l->draft->n_faults == 0)
		cs_change_put(c);
	else {
		cs_conn_draft_refuse(c->req, l->draft);
		cs_change_free(c);
	}
	cs_manifest_unref(l->manifest);
	free(l);
}

void
cs_api_put_when_chosen(struct cs_change *c, struct cs_conn_draft *d, struct cs_manifest *m)
{
	struct live *l;

	if (d->settings == NULL || c->api->engine == NULL) {
		cs_change_put(c);
		return;
	}
	l = cs_xcalloc(1, sizeof(*l));
	*l = (struct live){ .change = c, .draft = d, .manifest = cs_manifest_ref(m), .engine = c->api->engine, .candidate = { d->settings, NULL } };
	next_choice(l);
}
