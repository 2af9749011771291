/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugins.c - which CRMs this daemon speaks to, and what their manifests say: for `csrelay plugins` and set-up pages.
 */
#include "config.h"
#include "api/resources.h"

#include <string.h>
#include "plugin/manifest.h"

#define PLUGINS_MAX 64

static const char *
type_name(enum cs_setting_type t)
{
	static const char *const words[] = { [CS_SETTING_TEXT] = "text", [CS_SETTING_URL] = "url", [CS_SETTING_INT] = "int",
		                             [CS_SETTING_NUMBER] = "number", [CS_SETTING_BOOL] = "bool",
		                             [CS_SETTING_CHOICE] = "choice", [CS_SETTING_LIST] = "list",
		                             [CS_SETTING_MAP] = "map", [CS_SETTING_FIELDMAP] = "fieldmap" };

	return words[t];
}

/* The manifest is shared with other threads, and printing a json_object changes it: a copy is printed. */
static void
put_default(struct cs_buf *b, const json_object *dflt)
{
	CS_CLEANUP(cs_json_putp) json_object *copy = NULL;
	const char *text;

	if (dflt == NULL || json_object_deep_copy((json_object *)(uintptr_t)dflt, &copy, NULL) < 0) {
		cs_out_null(b, "default");
		return;
	}
	text = cs_json_text(copy);
	cs_out_json(b, "default", text, strlen(text), "null");
}

static void
put_settings(struct cs_buf *b, const struct cs_manifest *m)
{
	cs_out_open(b, "settings", '[');
	for (size_t i = 0; i < m->n_settings; i++) {
		const struct cs_setting_row *r = &m->settings[i];

		cs_out_open(b, NULL, '{');
		cs_out_string(b, "key", r->key);
		cs_out_string(b, "type", type_name(r->type));
		cs_out_text(b, "label", r->label);
		cs_out_text(b, "help", r->help);
		cs_out_bool(b, "required", r->required);
		cs_out_bool(b, "advanced", r->advanced);
		put_default(b, r->dflt);
		cs_out_text(b, "choices_from", r->choices_from);
		cs_out_text(b, "depends_on", r->depends_on);
		cs_out_open(b, "choices", '[');
		for (size_t k = 0; k < r->n_choices; k++)
			cs_out_string(b, NULL, r->choices[k].value);
		cs_out_close(b, ']');
		cs_out_close(b, '}');
	}
	cs_out_close(b, ']');
}

static void
put_secrets(struct cs_buf *b, const struct cs_manifest *m)
{
	cs_out_open(b, "secrets", '[');
	for (size_t i = 0; i < m->n_secrets; i++) {
		cs_out_open(b, NULL, '{');
		cs_out_string(b, "name", m->secrets[i].name);
		cs_out_text(b, "label", m->secrets[i].label);
		cs_out_text(b, "help", m->secrets[i].help);
		cs_out_bool(b, "required", m->secrets[i].required);
		cs_out_close(b, '}');
	}
	cs_out_close(b, ']');
}

static void
put_steps(struct cs_buf *b, const struct cs_manifest *m)
{
	static const char *const on_doubt[] = { [CS_DOUBT_LOOK] = "look", [CS_DOUBT_REPEAT] = "repeat", [CS_DOUBT_ASK] = "ask" };

	cs_out_open(b, "steps", '[');
	for (size_t i = 0; i < m->n_steps; i++) {
		const struct cs_step_row *r = &m->steps[i];

		cs_out_open(b, NULL, '{');
		cs_out_string(b, "name", r->name);
		cs_out_text(b, "label", r->label);
		cs_out_bool(b, "mutates", r->mutates);
		cs_out_text(b, "on_doubt", r->mutates ? on_doubt[r->on_doubt] : NULL);
		cs_out_int(b, "lookup_lag_ms", r->lookup_lag_ms);
		cs_out_close(b, '}');
	}
	cs_out_close(b, ']');
}

static void
put_limits(struct cs_buf *b, const struct cs_manifest *m)
{
	cs_out_open(b, "limits", '[');
	for (size_t i = 0; i < m->n_limits; i++) {
		const struct cs_limit_row *r = &m->limits[i];

		cs_out_open(b, NULL, '{');
		cs_out_string(b, "class", r->class);
		cs_out_string(b, "per", r->per);
		cs_out_int(b, "count", r->count);
		cs_out_int(b, "window_ms", r->window_ms);
		cs_out_int(b, "burst", r->burst);
		cs_out_close(b, '}');
	}
	cs_out_close(b, ']');
}

static void
put_plugin(struct cs_buf *b, const struct cs_plugin_info *p)
{
	const struct cs_manifest *m = p->manifest;

	cs_out_open(b, NULL, '{');
	cs_out_string(b, "name", p->name);
	cs_out_text(b, "version", p->version);
	cs_out_text(b, "title", p->title);
	cs_out_text(b, "error", p->error);
	cs_out_bool(b, "experimental", p->experimental);
	if (m != NULL) {
		cs_out_text(b, "plans", m->plans);
		cs_out_string(b, "auth", m->oauth ? "oauth2" : "static");
		put_settings(b, m);
		put_secrets(b, m);
		put_steps(b, m);
		put_limits(b, m);
		cs_out_bool(b, "webhook", m->has_webhook);
		cs_out_int(b, "poll_every_ms", m->poll_every_ms);
	}
	cs_out_close(b, '}');
}

void
cs_api_plugins(struct cs_api_call *call)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(CS_API_ANSWER_MAX);
	struct cs_plugin_info all[PLUGINS_MAX];
	size_t n = call->api->engine != NULL ? cs_engine_plugins(call->api->engine, all, PLUGINS_MAX) : 0;

	cs_out_open_list(&b);
	for (size_t i = 0; i < n; i++)
		put_plugin(&b, &all[i]);
	cs_out_close_list(&b, 0);
	cs_api_reply(call, 200, &b);
}
