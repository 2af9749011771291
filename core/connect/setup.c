/* SPDX-License-Identifier: Apache-2.0 */
/*
 * setup.c - what to do at the CRM, in the manifest's order, and then: sign in there, or paste what it gave.
 *
 * What is sent makes the session's connection, or changes it; then the CRM is asked who that is (who.c). When it says no, this page comes
 * again and says why: the last look at a connection is stored with it.
 */
#include "config.h"
#include "connect/field.h"

#include <stdio.h>
#include <string.h>

#define SECRETS_MAX 64

struct setup {
	const char *stored[SECRETS_MAX]; /* names of secrets that the connection has */
	int n_stored;
};

/* ---- what there is */

static void
read_stored(struct cs_visit *v)
{
	struct setup *p = v->page = cs_arena_alloc(&v->mem, sizeof(*p));
	struct cs_store *s = v->api->reader;
	char owner[40];

	if (v->conn.id == 0)
		return;
	snprintf(owner, sizeof(owner), "conn/%lld", (long long)v->conn.id);
	p->n_stored = s->ops->secret_list(s, owner, &v->mem, p->stored, SECRETS_MAX, NULL);
}

static bool
is_stored(const struct cs_visit *v, const char *name)
{
	const struct setup *p = v->page;

	for (int i = 0; i < p->n_stored; i++)
		if (strcmp(p->stored[i], name) == 0)
			return true;
	return false;
}

/* The operator has given it for all connections of this CRM. */
static bool
is_shared(struct cs_visit *v, const char *name)
{
	const struct cs_conf_crm *shared = cs_visit_shared(v);

	return shared != NULL && cs_conf_secret_find(&shared->values, name) != NULL;
}

static bool
signs_in(const struct cs_auth_way *w)
{
	return w->kind == CS_AUTH_OAUTH2 && w->grant == CS_GRANT_CODE;
}

static const char *
setting_of(void *ctx, const char *key)
{
	json_object *value = cs_json_get(ctx, key);

	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";
}

static const char *
fact_of(void *ctx CS_UNUSED, const char *name CS_UNUSED)
{
	return "";
}

/* Signing in needs the operator's app at the CRM. */
static bool
has_app(struct cs_visit *v, const struct cs_auth_way *w, json_object *effective)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf id = CS_BUF_INIT(1024);
	const struct cs_lookup lk = { .setting = setting_of, .fact = fact_of, .ctx = effective };

	return cs_template_expand(w->client_id, CS_IN_HEADER, &lk, &id, NULL) == 0 && id.len > 0 &&
	       (w->client_secret == NULL || is_shared(v, w->client_secret) || is_stored(v, w->client_secret));
}

/* Got by signing in, whatever way the owner takes. */
static bool
comes_by_itself(const struct cs_manifest *m, const char *name)
{
	for (size_t i = 0; i < m->n_ways; i++) {
		const struct cs_auth_way *w = &m->ways[i];

		if (w->kind == CS_AUTH_OAUTH2 && (strcmp(w->access_token, name) == 0 || (w->refresh_token != NULL && strcmp(w->refresh_token, name) == 0)))
			return true;
	}
	return false;
}

static bool
is_listed(const struct cs_auth_way *w, const char *name)
{
	for (size_t i = 0; i < w->n_secrets; i++)
		if (strcmp(w->secrets[i], name) == 0)
			return true;
	return false;
}

/* Does the owner enter this secret, going this way? */
static bool
is_asked(struct cs_visit *v, const struct cs_auth_way *w, const struct cs_secret_row *r)
{
	if (is_shared(v, r->name) || (signs_in(w) && w->client_secret != NULL && strcmp(w->client_secret, r->name) == 0))
		return false;
	if (comes_by_itself(v->manifest, r->name))
		return w->kind == CS_AUTH_STATIC && is_listed(w, r->name);
	return r->required || is_listed(w, r->name) || (w->n_secrets == 0 && !signs_in(w));
}

static bool
is_required(const struct cs_auth_way *w, const struct cs_secret_row *r)
{
	return r->required || is_listed(w, r->name);
}

/* A connection of the operator's files has its keys there. */
static bool
is_open(const struct cs_visit *v, const struct cs_auth_way *w)
{
	return signs_in(w) || !v->conn.is_static;
}

/* ---- the page */

static void
put_steps(struct cs_buf *b, json_object *steps)
{
	if (!json_object_is_type(steps, json_type_array) || json_object_array_length(steps) == 0)
		return;
	cs_html(b, "<ol class=\"todo\">\n");
	for (size_t i = 0; i < json_object_array_length(steps); i++) {
		json_object *o = json_object_array_get_idx(steps, i);
		const char *link = cs_json_str(o, "link", "");

		cs_html(b, "<li>%s", cs_json_str(o, "text", ""));
		if (link[0] != '\0') {
			cs_html(b, " <a target=\"_blank\" rel=\"noopener\"");
			cs_html_href(b, link);
			cs_html(b, ">Open this page</a>");
		}
		cs_html(b, "</li>\n");
	}
	cs_html(b, "</ol>\n");
}

/* The steps as the manifest's text has them: the common ones, or those of a way. A copy: manifests are shared. */
static json_object *
steps_of(const struct cs_manifest *m, const struct cs_auth_way *w)
{
	json_object *all = NULL, *out = w == NULL ? cs_json_get(m->json, "setup") : json_object_new_array();

	if (w == NULL)
		return out != NULL && json_object_deep_copy(out, &all, NULL) == 0 ? all : NULL;
	for (size_t i = 0; i < w->n_setup; i++) {
		json_object *o = json_object_new_object();

		json_object_object_add(o, "text", json_object_new_string(w->setup[i].text));
		if (w->setup[i].link != NULL)
			json_object_object_add(o, "link", json_object_new_string(w->setup[i].link));
		json_object_array_add(out, o);
	}
	return out;
}

static void
put_way(struct cs_visit *v, struct cs_buf *b, const struct cs_auth_way *w, json_object *effective, bool only)
{
	CS_CLEANUP(cs_json_putp) json_object *steps = steps_of(v->manifest, w);

	cs_html(b, only ? "<section>\n" : "<section class=\"way\">\n");
	if (!only)
		cs_html(b, "<h2>%s</h2>\n", w->label != NULL ? w->label : w->name);
	if (w->help != NULL && w->help[0] != '\0')
		cs_html(b, "<p>%s</p>\n", w->help);
	put_steps(b, steps);
	cs_visit_form(v, b, "setup");
	cs_html(b, "<input type=\"hidden\" name=\"way\" value=\"%s\">\n", w->name);
	for (size_t i = 0; i < v->manifest->n_settings; i++) {
		const struct cs_setting_row *r = &v->manifest->settings[i];
		CS_CLEANUP(cs_json_putp) json_object *entered = NULL;

		if (!cs_field_is_needed_first(v, r))
			continue;
		entered = v->n_fields > 0 ? cs_field_read(v, r) : json_object_get(cs_json_get(effective, r->key));
		cs_field_put(v, b, r, entered, NULL, false);
	}
	for (size_t i = 0; i < v->manifest->n_secrets; i++) {
		const struct cs_secret_row *r = &v->manifest->secrets[i];

		if (is_asked(v, w, r))
			cs_field_put_secret(v, b, r, is_required(w, r), is_stored(v, r->name));
	}
	if (signs_in(w))
		cs_html(b, "<p class=\"help\">You sign in at %s and allow it there; your password stays with %s.</p>\n", v->manifest->title, v->manifest->title);
	cs_html(b, "<p class=\"actions\"><button>%s</button></p>\n</form>\n</section>\n",
	        signs_in(w) ? cs_arena_printf(&v->mem, "Sign in with %s", v->manifest->title) : "Check and connect");
}

/* What the CRM said when it was asked last, if that was no. */
static void
put_refusal(struct cs_visit *v, struct cs_buf *b)
{
	CS_CLEANUP(cs_json_putp) json_object *o = NULL;
	const char *said, *text;

	if (v->conn.id == 0 || v->conn.checked[0] == '\0' || cs_json_parse(v->conn.checked, strlen(v->conn.checked), 16, &o, NULL) < 0)
		return;
	said = cs_json_str(o, "said", "");
	text = cs_json_str(o, "text", "");
	if (strcmp(said, cs_said_name(CS_SAID_YES)) == 0 || strcmp(said, cs_said_name(CS_SAID_CANNOT)) == 0)
		return;
	if (strcmp(said, cs_said_name(CS_SAID_BAD_KEY)) == 0)
		cs_visit_note(b, "bad", cs_arena_printf(&v->mem, "%s does not accept this key.", v->manifest->title),
		              "Check that it was copied whole, and that it is of the right account. What you entered is kept; enter only what is to be replaced.");
	else if (strcmp(said, cs_said_name(CS_SAID_NO_API_ACCESS)) == 0)
		cs_visit_note(b, "bad", cs_arena_printf(&v->mem, "This plan of %s has no access for other programs.", v->manifest->title),
		              cs_arena_printf(&v->mem, "%s%sThe key may be right all the same. Either change the plan, or let leads come by mail or through "
		                                       "Zapier: ask where you got this link.", text, text[0] != '\0' ? ". " : ""));
	else if (strcmp(said, cs_said_name(CS_SAID_LATER)) == 0)
		cs_visit_note(b, "wait", cs_arena_printf(&v->mem, "%s did not answer just now.", v->manifest->title),
		              "Nothing is lost. Wait a minute and press the button again.");
	else
		cs_visit_note(b, "bad", "That did not work yet.", text);
}

static void
put_page(struct cs_visit *v, int status)
{
	CS_CLEANUP(cs_json_putp) json_object *effective = cs_field_effective(v);
	CS_CLEANUP(cs_json_putp) json_object *steps = steps_of(v->manifest, NULL);
	const struct cs_manifest *m = v->manifest;
	struct cs_buf b = CS_BUF_INIT(CS_PAGE_MAX);
	size_t n = 0;

	for (size_t i = 0; i < m->n_ways; i++)
		n += is_open(v, &m->ways[i]) && (!signs_in(&m->ways[i]) || has_app(v, &m->ways[i], effective));
	cs_visit_begin(v, &b, CS_STEP_SETUP, cs_arena_printf(&v->mem, "Connect %s", m->title));
	if (v->trouble != NULL)
		cs_visit_trouble(v, &b);
	else
		put_refusal(v, &b);
	if (m->plans != NULL && m->plans[0] != '\0')
		cs_html(&b, "<p class=\"lead\">%s</p>\n", m->plans);
	put_steps(&b, steps);
	cs_visit_addresses(v, &b);
	for (size_t i = 0; i < m->n_ways; i++) {
		const struct cs_auth_way *w = &m->ways[i];

		if (is_open(v, w) && (!signs_in(w) || has_app(v, w, effective)))
			put_way(v, &b, w, effective, n == 1);
	}
	if (n == 0)
		cs_visit_note(&b, "wait", "There is no way to connect this here yet.", "Something is missing in the set-up of csrelay. Please tell who sent you the link.");
	if (v->link.any_crm && (v->conn.id == 0 || v->conn.state == CS_CONN_PENDING))
		cs_html(&b, "<p><a href=\"/connect/crm\">Choose another CRM</a></p>\n");
	cs_visit_page(v, status, &b);
}

void
cs_connect_setup(struct cs_visit *v)
{
	read_stored(v);
	put_page(v, 200);
}

/* ---- what was sent */

static const char *
onward(struct cs_visit *v)
{
	const struct cs_auth_way *w = cs_manifest_way_named(v->manifest, cs_visit_field(v, "way"));

	return w != NULL && signs_in(w) ? cs_arena_printf(&v->mem, "/connect/signin?way=%s", w->name) : "/connect/who";
}

static void
kept(struct cs_visit *v, int status, json_object *doc CS_UNUSED)
{
	if (status < 400)
		cs_visit_go(v, onward(v));
	else
		put_page(v, status == 503 ? 503 : 422);
}

/* The keys of the form; false: one is missing, and the faults say which. */
static bool
take_secrets(struct cs_visit *v, const struct cs_auth_way *w, json_object *secrets)
{
	for (size_t i = 0; i < v->manifest->n_secrets; i++) {
		const struct cs_secret_row *r = &v->manifest->secrets[i];
		const char *sent;

		if (!is_asked(v, w, r))
			continue;
		sent = cs_visit_field(v, cs_arena_printf(&v->mem, "key_%s", r->name));
		sent = sent != NULL ? sent + strspn(sent, " \t\r\n") : "";
		if (sent[0] != '\0') {
			size_t n = strlen(sent);

			while (n > 0 && strchr(" \t\r\n", sent[n - 1]) != NULL)
				n--;
			json_object_object_add(secrets, r->name, json_object_new_string_len(sent, (int)n));
		} else if (is_required(w, r) && !is_stored(v, r->name) && v->n_faults < CS_VISIT_FAULTS)
			v->faults[v->n_faults++] = (struct cs_problem_row){ cs_arena_printf(&v->mem, "/secrets/%s", r->name), "Please enter it: it is needed." };
	}
	return v->n_faults == 0;
}

static void
hand_in(struct cs_visit *v, json_object *settings, json_object *secrets)
{
	json_object *body = json_object_new_object();

	if (settings != NULL)
		json_object_object_add(body, "settings", settings);
	if (json_object_object_length(secrets) > 0)
		json_object_object_add(body, "secrets", json_object_get(secrets));
	if (v->conn.id == 0) {
		json_object_object_add(body, "crm", json_object_new_string(v->session.crm));
		json_object_object_add(body, "account", json_object_new_string(v->link.account));
		cs_visit_ask(v, "POST", "/v1/connections", body, kept);
	} else if (json_object_object_length(body) > 0)
		cs_visit_ask(v, "PATCH", cs_visit_conn_path(v, ""), body, kept);
	else
		cs_visit_go(v, onward(v)); /* nothing new: asked once more */
	json_object_put(body);
}

void
cs_connect_setup_sent(struct cs_visit *v)
{
	CS_CLEANUP(cs_json_putp) json_object *effective = cs_field_effective(v);
	CS_CLEANUP(cs_json_putp) json_object *secrets = json_object_new_object();
	const char *name = cs_visit_field(v, "way");
	const struct cs_auth_way *w = name != NULL ? cs_manifest_way_named(v->manifest, name) : NULL;

	read_stored(v);
	if (w == NULL || !is_open(v, w)) {
		cs_visit_go(v, "/connect/setup");
		return;
	}
	if (!take_secrets(v, w, secrets)) {
		v->trouble = "Something is missing.";
		put_page(v, 422);
		return;
	}
	hand_in(v, cs_field_patch(v, effective, true), secrets);
}

/* ---- over the CRM's consent page */

static void
ticket_made(struct cs_visit *v, int status, json_object *doc)
{
	const char *url = cs_json_str(doc, "url", "");
	struct cs_buf b = CS_BUF_INIT(CS_PAGE_MAX);

	if (status >= 400 || url[0] == '\0') {
		cs_visit_tell(v, status >= 400 ? status : 500, "This does not work yet", v->trouble != NULL ? v->trouble : "csrelay could not begin.",
		              "/connect/setup", "Back");
		return;
	}
	cs_page_begin(&b, &(struct cs_page_frame){ .title = cs_arena_printf(&v->mem, "On to %s", v->manifest->title), .onward = url });
	cs_html(&b, "<p class=\"lead\">You sign in there and come back here.</p>\n<p class=\"actions\"><a class=\"button\" href=\"%s\">Go on to %s</a></p>\n", url,
	        v->manifest->title);
	cs_visit_page(v, 200, &b);
}

void
cs_connect_signin(struct cs_visit *v)
{
	const char *name = cs_http_request_query(v->req, "way");
	const struct cs_auth_way *w = cs_manifest_way_named(v->manifest, name);
	json_object *body;

	if (w == NULL || !signs_in(w)) {
		cs_visit_go(v, "/connect/setup");
		return;
	}
	body = json_object_new_object();
	json_object_object_add(body, "way", json_object_new_string(w->name));
	cs_visit_ask(v, "POST", cs_visit_conn_path(v, "/authorize"), body, ticket_made);
	json_object_put(body);
}
