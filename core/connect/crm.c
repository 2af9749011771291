/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crm.c - which CRM? Only asked when the link leaves it open, and can be changed until a connection is confirmed.
 */
#include "config.h"
#include "connect/visit.h"

#include <string.h>
#include "util/text.h"

#define PLUGINS_MAX 64

static bool
can_choose(const struct cs_visit *v)
{
	return v->link.any_crm && (v->conn.id == 0 || v->conn.state == CS_CONN_PENDING);
}

static void
put_crm(struct cs_visit *v, struct cs_buf *b, const struct cs_manifest *m)
{
	size_t first = 0; /* character */

	for (size_t max = 1; first == 0 && max <= 4; max++)
		first = cs_utf8_cut(m->title, strlen(m->title), max);
	cs_html(b, "<li>");
	cs_visit_form(v, b, "crm");
	cs_html(b, "<button class=\"crm\" name=\"crm\" value=\"%s\"><span class=\"tile\" aria-hidden=\"true\">%s</span><span><span>%s</span>", m->name,
	        cs_arena_strndup(&v->mem, m->title, first), m->title);
	if (m->plans != NULL && m->plans[0] != '\0')
		cs_html(b, "<span class=\"plans\">%s</span>", m->plans);
	cs_html(b, "</span></button>\n</form></li>\n");
}

void
cs_connect_crm(struct cs_visit *v)
{
	struct cs_buf b = CS_BUF_INIT(CS_PAGE_MAX);
	struct cs_plugin_info *all = cs_arena_alloc(&v->mem, PLUGINS_MAX * sizeof(*all));
	size_t n = v->api->engine != NULL ? cs_engine_plugins(v->api->engine, all, PLUGINS_MAX) : 0, shown = 0;

	if (!can_choose(v)) {
		cs_engine_plugins_free(all, n);
		cs_visit_go(v, "/connect");
		return;
	}
	cs_visit_begin(v, &b, CS_STEP_CRM, "Which CRM do you use?");
	cs_html(&b, "<p class=\"lead\">Leads from your calls will go there by themselves.</p>\n<ul class=\"crms\">\n");
	for (size_t i = 0; i < n; i++)
		if (all[i].manifest != NULL) {
			put_crm(v, &b, all[i].manifest);
			shown++;
		}
	cs_html(&b, "</ul>\n");
	if (shown == 0)
		cs_visit_note(&b, "wait", "There is none to choose from right now.", "Try again in a few minutes.");
	cs_engine_plugins_free(all, n);
	cs_visit_page(v, 200, &b);
}

/* ---- chosen */

static int
apply_choice(struct cs_visit *v, struct cs_store *s, int64_t now_ms CS_UNUSED, struct cs_err *err)
{
	struct cs_link_session_row row;
	int rc = s->ops->link_session_get(s, v->session.id, &v->mem, &row, err);

	if (rc < 0)
		return rc;
	row.crm = v->session.crm;
	row.conn_id = 0;
	return s->ops->link_session_put(s, &row, err);
}

static void
chosen(struct cs_visit *v, int rc)
{
	if (rc < 0)
		cs_visit_tell(v, 503, "Not now", "This could not be written down.", "/connect/crm", "Try again");
	else
		cs_visit_go(v, "/connect/setup");
}

/* What was begun with another CRM and not confirmed is given up; when that fails it stays pending, and is nothing to anybody. */
static void
given_up(struct cs_visit *v, int status CS_UNUSED, json_object *doc CS_UNUSED)
{
	cs_visit_write(v, apply_choice, chosen);
}

void
cs_connect_crm_chosen(struct cs_visit *v)
{
	const char *crm = cs_visit_field(v, "crm");
	struct cs_manifest *m = crm != NULL && v->api->engine != NULL ? cs_engine_manifest(v->api->engine, crm) : NULL;
	bool same = strcmp(v->session.crm, crm != NULL ? crm : "") == 0;

	cs_manifest_unref(m);
	if (m == NULL || !can_choose(v)) {
		cs_visit_go(v, "/connect");
		return;
	}
	if (same) {
		cs_visit_go(v, "/connect/setup");
		return;
	}
	v->session.crm = crm;
	if (v->conn.id != 0)
		cs_visit_ask(v, "DELETE", cs_visit_conn_path(v, ""), NULL, given_up);
	else
		cs_visit_write(v, apply_choice, chosen);
}
