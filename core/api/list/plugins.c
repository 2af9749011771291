/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugins.c - which CRMs this daemon speaks to, what their manifests say, and how their processes are: for `csrelay plugins`
 * and set-up pages.
 */
#include "config.h"
#include "api/resources.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "plugin/manifest/manifest.h"

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

/* How a connection may be authorized, in the words of the manifest. */
static void
put_ways(struct cs_buf *b, const struct cs_manifest *m)
{
	cs_out_open(b, "auth", '[');
	for (size_t i = 0; i < m->n_ways; i++) {
		const struct cs_auth_way *w = &m->ways[i];

		cs_out_open(b, NULL, '{');
		cs_out_string(b, "name", w->name);
		cs_out_string(b, "kind", w->kind == CS_AUTH_OAUTH2 ? "oauth2" : "static");
		if (w->kind == CS_AUTH_OAUTH2)
			cs_out_string(b, "grant", w->grant == CS_GRANT_CODE ? "authorization_code" : "client_credentials");
		cs_out_text(b, "label", w->label);
		cs_out_text(b, "help", w->help);
		cs_out_open(b, "secrets", '[');
		for (size_t k = 0; k < w->n_secrets; k++)
			cs_out_string(b, NULL, w->secrets[k]);
		cs_out_close(b, ']');
		cs_out_open(b, "setup", '[');
		for (size_t k = 0; k < w->n_setup; k++) {
			cs_out_open(b, NULL, '{');
			cs_out_string(b, "text", w->setup[k].text);
			cs_out_text(b, "link", w->setup[k].link);
			cs_out_close(b, '}');
		}
		cs_out_close(b, ']');
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

static const char *
state_name(enum cs_remote_state s)
{
	static const char *const words[] = { [CS_REMOTE_INSIDE] = "in_daemon", [CS_REMOTE_STARTING] = "starting",
		                             [CS_REMOTE_UP] = "up", [CS_REMOTE_RESTING] = "restarting",
		                             [CS_REMOTE_PARKED] = "parked" };

	return words[s];
}

/* The process that it lives in, by what that is held, and how it ended last. */
static void
put_process(struct cs_buf *b, const struct cs_plugin_info *p)
{
	const struct cs_remote_info *i = &p->process;

	cs_out_open(b, "process", '{');
	cs_out_string(b, "state", state_name(i->state));
	cs_out_int(b, "pid", i->pid);
	cs_out_int(b, "landlock", i->landlock);
	cs_out_int(b, "seccomp", i->seccomp);
	cs_out_int(b, "memory", i->memory);
	cs_out_int(b, "starts", i->starts);
	cs_out_int(b, "deaths", i->deaths);
	cs_out_time(b, "died_at", i->died_ms);
	cs_out_text(b, "died_of", i->died_of);
	cs_out_text(b, "died_over", p->died_over);
	cs_out_time(b, "parked_until", i->state == CS_REMOTE_PARKED ? i->parked_until_ms : 0);
	cs_out_close(b, '}');
}

static void
put_plugin(struct cs_buf *b, const struct cs_plugin_info *p)
{
	const struct cs_manifest *m = p->manifest;

	cs_out_open(b, NULL, '{');
	cs_out_string(b, "name", p->name);
	cs_out_text(b, "version", m != NULL ? m->version : "");
	cs_out_text(b, "title", m != NULL ? m->title : p->name);
	cs_out_text(b, "error", p->error);
	cs_out_bool(b, "experimental", m != NULL && m->experimental);
	if (m != NULL)
		put_process(b, p);
	if (m != NULL) {
		cs_out_text(b, "plans", m->plans);
		put_settings(b, m);
		put_secrets(b, m);
		put_ways(b, m);
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
	struct cs_plugin_info *all = cs_arena_alloc(&call->mem, PLUGINS_MAX * sizeof(*all));
	size_t n = call->api->engine != NULL ? cs_engine_plugins(call->api->engine, all, PLUGINS_MAX) : 0;

	cs_out_open_list(&b);
	for (size_t i = 0; i < n; i++)
		put_plugin(&b, &all[i]);
	cs_out_close_list(&b, 0);
	cs_engine_plugins_free(all, n);
	cs_api_reply(call, 200, &b);
}

/* ---- loaded anew */

struct reload {
	struct cs_engine_reload asked;
	struct cs_http_request *req;
};

/* Engine thread. */
static void
reload_done(struct cs_engine_reload *asked, int rc, const char *text)
{
	struct reload *r = CS_CONTAINER(asked, struct reload, asked);
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);

	if (rc == 0) {
		cs_out_open(&b, NULL, '{');
		cs_out_string(&b, "name", r->asked.name);
		cs_out_string(&b, "version", text);
		cs_out_close(&b, '}');
		cs_http_reply_json(r->req, 200, cs_buf_str(&b), b.len);
	} else
		cs_api_problem(r->req, rc == CS_ENOTFOUND ? 404 : rc == CS_EBUSY ? 409 : rc == CS_ECLOSED ? 503 : 422, NULL, text);
	free(r);
}

void
cs_api_plugin_reload(struct cs_api_call *call)
{
	struct reload *r;

	if (!cs_api_all_accounts(call))
		return;
	if (call->api->engine == NULL) {
		cs_api_refuse(call, 503, "no plugins are running");
		return;
	}
	r = cs_xcalloc(1, sizeof(*r));
	r->req = call->req;
	r->asked.done = reload_done;
	snprintf(r->asked.name, sizeof(r->asked.name), "%s", call->param[0]);
	cs_engine_post_plugin_reload(call->api->engine, &r->asked);
}
