/* SPDX-License-Identifier: Apache-2.0 */
/* visit.c - what pages share. See visit.h. */
#include "config.h"
#include "connect/visit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "pages/session.h"

/* ---- answering */

void
cs_visit_end(struct cs_visit *v)
{
	for (size_t i = 0; i < v->n_fields; i++) /* a key may be among them */
		cs_wipe(v->fields[i].value, strlen(v->fields[i].value));
	cs_wipe(v->cookie, sizeof(v->cookie));
	cs_wipe_free(v->asked, 0);
	cs_manifest_unref(v->manifest);
	cs_conf_unref(v->conf);
	cs_arena_fini(&v->mem);
	free(v);
}

void
cs_visit_go(struct cs_visit *v, const char *where)
{
	cs_page_go(v->req, where, NULL);
	cs_visit_end(v);
}

void
cs_visit_tell(struct cs_visit *v, int status, const char *title, const char *text, const char *onward, const char *words)
{
	cs_page_tell(v->req, status, title, text, onward, words);
	cs_visit_end(v);
}

void
cs_visit_page(struct cs_visit *v, int status, struct cs_buf *b)
{
	cs_page_reply(v->req, status, b, NULL);
	cs_visit_end(v);
}

const char *
cs_visit_set_cookie(struct cs_visit *v, const char *value)
{
	return cs_session_set_cookie(v->conf->public_url, value, v->link.life_ms, &v->mem);
}

/* ---- the API, from within */

static void
take_faults(struct cs_visit *v, json_object *doc)
{
	json_object *rows = cs_json_get(doc, "errors");
	size_t n = json_object_is_type(rows, json_type_array) ? json_object_array_length(rows) : 0;

	v->trouble = cs_arena_strdup(&v->mem, cs_json_str(doc, "detail", "this did not work"));
	for (size_t i = 0; i < n && v->n_faults < CS_VISIT_FAULTS; i++) {
		json_object *row = json_object_array_get_idx(rows, i);

		v->faults[v->n_faults++] = (struct cs_problem_row){ cs_arena_strdup(&v->mem, cs_json_str(row, "pointer", "")),
			cs_arena_strdup(&v->mem, cs_json_str(row, "detail", "")) };
	}
}

static void
inner_answered(struct cs_http_inner *in, const struct cs_http_reply *a)
{
	struct cs_visit *v = CS_CONTAINER(in, struct cs_visit, inner);
	json_object *doc = NULL;

	if (cs_json_parse(a->body, a->body_len, 32, &doc, NULL) < 0)
		doc = NULL;
	v->n_faults = 0;
	v->trouble = NULL;
	if (a->status >= 400)
		take_faults(v, doc);
	v->answered(v, a->status, doc);
	json_object_put(doc);
}

void
cs_visit_ask(struct cs_visit *v, const char *method, const char *target, json_object *body,
             void (*answered)(struct cs_visit *, int status, json_object *doc))
{
	const struct cs_auth who = { .scopes = CS_SCOPE_READ | CS_SCOPE_ADMIN, .accounts = v->link.account, .link_id = v->link.id,
		.session_id = v->session.id };
	const char *text = body != NULL ? cs_json_text(body) : NULL;

	cs_wipe_free(v->asked, 0);
	v->asked = text != NULL ? cs_xstrdup(text) : NULL;
	if (text != NULL)
		cs_wipe((char *)(uintptr_t)text, strlen(text));
	v->answered = answered;
	cs_http_inner_init(&v->inner, method, cs_arena_strdup(&v->mem, target), v->asked, &v->mem, inner_answered);
	cs_api_handle_as(v->api, &v->inner.pub, &who);
}

/* ---- the writer */

static int
apply_op(struct cs_wop *op, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	struct cs_visit *v = CS_CONTAINER(op, struct cs_visit, op);

	return v->apply(v, s, now_ms, err);
}

static void
op_committed(struct cs_wop *op)
{
	struct cs_visit *v = CS_CONTAINER(op, struct cs_visit, op);

	v->written(v, op->rc);
}

void
cs_visit_write(struct cs_visit *v, int (*apply)(struct cs_visit *, struct cs_store *, int64_t, struct cs_err *),
               void (*written)(struct cs_visit *, int rc))
{
	v->apply = apply;
	v->written = written;
	v->op = (struct cs_wop){ .apply = apply_op, .committed = op_committed };
	if (!cs_writer_put(v->api->writer, &v->op))
		written(v, CS_ECLOSED);
}

/* ---- the CRM */

static void
check_done(struct cs_check *c)
{
	struct cs_visit *v = CS_CONTAINER(c, struct cs_visit, check);
	CS_CLEANUP(cs_json_putp) json_object *found = NULL;

	if (c->json == NULL || cs_json_parse(c->json, strlen(c->json), 16, &found, NULL) < 0)
		found = NULL;
	free(c->json);
	v->looked(v, found);
}

void
cs_visit_look(struct cs_visit *v, void (*looked)(struct cs_visit *, json_object *found))
{
	v->looked = looked;
	v->check = (struct cs_check){ .conn_id = v->conn.id, .done = check_done };
	cs_engine_post_check(v->api->engine, &v->check);
}

/* ---- reading */

const char *
cs_visit_field(const struct cs_visit *v, const char *name)
{
	for (size_t i = 0; i < v->n_fields; i++)
		if (strcmp(v->fields[i].name, name) == 0)
			return v->fields[i].value;
	return NULL;
}

const char *
cs_visit_fault(const struct cs_visit *v, const char *group, const char *key)
{
	size_t n = strlen(group);

	for (size_t i = 0; i < v->n_faults; i++) {
		const char *p = v->faults[i].pointer;

		if (p[0] == '/' && strncmp(p + 1, group, n) == 0 && p[n + 1] == '/' && strcmp(p + n + 2, key) == 0)
			return v->faults[i].detail;
	}
	return NULL;
}

const char *
cs_visit_title(const struct cs_visit *v)
{
	return v->manifest != NULL ? v->manifest->title : "your CRM";
}

const char *
cs_visit_conn_path(struct cs_visit *v, const char *rest)
{
	return cs_arena_printf(&v->mem, "/v1/connections/%s%s", v->conn.public_id, rest);
}

json_object *
cs_visit_own_settings(struct cs_visit *v)
{
	json_object *own = NULL;

	if (v->conn.id != 0 && cs_json_parse(v->conn.settings, strlen(v->conn.settings), 16, &own, NULL) == 0)
		return own;
	return NULL;
}

const struct cs_conf_crm *
cs_visit_shared(struct cs_visit *v)
{
	return cs_conf_crm_find(v->conf, v->session.crm);
}

/* ---- writing */

void
cs_visit_begin(struct cs_visit *v, struct cs_buf *b, enum cs_connect_step step, const char *title)
{
	struct cs_page_frame f = { .title = title, .step = step, .steps = CS_STEP_TEST,
		.about = cs_arena_printf(&v->mem, "Account %s", v->link.account) };

	if (!v->link.any_crm && step != CS_STEP_NONE) { /* nothing to choose */
		f.step--;
		f.steps--;
	}
	cs_page_begin(b, &f);
}

void
cs_visit_form(struct cs_visit *v, struct cs_buf *b, const char *action)
{
	cs_html(b, "<form method=\"post\" action=\"/connect/%s\" autocomplete=\"off\">\n<input type=\"hidden\" name=\"form\" value=\"%s\">\n", action,
	        v->form);
}

void
cs_visit_note(struct cs_buf *b, const char *kind, const char *title, const char *text)
{
	cs_html(b, "<div class=\"note %s\" role=\"%s\">", kind, strcmp(kind, "bad") == 0 ? "alert" : "status");
	if (title != NULL)
		cs_html(b, "<p><strong>%s</strong></p>", title);
	cs_html(b, "<p>%s</p></div>\n", text);
}

void
cs_visit_trouble(const struct cs_visit *v, struct cs_buf *b)
{
	if (v->n_faults > 0)
		cs_visit_note(b, "bad", "Please look at the fields that are marked.", "Nothing was saved yet; what you entered is still there, but for keys.");
	else
		cs_visit_note(b, "bad", "That did not work.", v->trouble);
	for (size_t i = 0; i < v->n_faults; i++)
		if (strncmp(v->faults[i].pointer, "/settings/", 10) != 0 && strncmp(v->faults[i].pointer, "/secrets/", 9) != 0)
			cs_html(b, "<p class=\"fault\">%s</p>\n", v->faults[i].detail);
}

static void
put_value(struct cs_buf *b, const char *label, const char *value)
{
	cs_html(b, "<div class=\"field\"><p class=\"label\">%s</p><code class=\"value\">%s</code></div>\n", label, value);
}

void
cs_visit_addresses(struct cs_visit *v, struct cs_buf *b)
{
	const struct cs_manifest *m = v->manifest;
	bool has_callback = cs_manifest_way_named(m, NULL) != NULL, has_hook = m->has_webhook;

	if (!has_callback && !has_hook)
		return;
	cs_html(b, "<details><summary>Addresses to copy</summary>\n");
	if (has_hook && m->webhook.app_scope)
		put_value(b, "Address for webhooks", cs_arena_printf(&v->mem, "%s/hooks/%s", v->conf->public_url, m->name));
	else if (has_hook && v->conn.id != 0)
		put_value(b, "Address for webhooks", cs_arena_printf(&v->mem, "%s/hooks/%s/%s", v->conf->public_url, m->name, v->conn.public_id));
	else if (has_hook)
		cs_html(b, "<p class=\"help\">The address for webhooks appears here, and on the next pages, once something was entered below.</p>\n");
	if (has_callback)
		put_value(b, "Address to come back to after signing in, for an app of your own",
		          cs_arena_printf(&v->mem, "%s/oauth/%s/callback", v->conf->public_url, m->name));
	cs_html(b, "</details>\n");
}
