/* SPDX-License-Identifier: Apache-2.0 */
/*
 * who.c - "connected as Acme Heating, account 4829: is this right?" No lead goes anywhere before somebody has said yes.
 */
#include "config.h"
#include "connect/visit.h"

#include <string.h>
#include "api/list/links.h"

static void
put_question(struct cs_visit *v, json_object *found)
{
	const char *name = cs_json_str(found, "name", ""), *id = cs_json_str(found, "id", ""), *rest = "";
	bool is_new = v->conn.state == CS_CONN_PENDING;
	struct cs_buf b = CS_BUF_INIT(CS_PAGE_MAX);

	cs_visit_begin(v, &b, CS_STEP_WHO, "Is this the right account?");
	if (name[0] == '\0' || strcmp(name, id) == 0)
		name = id[0] != '\0' ? cs_arena_printf(&v->mem, "account %s", id) : "an account that it does not name";
	else if (id[0] != '\0')
		rest = cs_arena_printf(&v->mem, "account %s", id);
	cs_html(&b, "<div class=\"who\">Connected to %s as <strong>%s</strong>%s", v->manifest->title, name, rest);
	cs_html(&b, "</div>\n");
	if (is_new)
		cs_html(&b, "<p>Leads go there as soon as you say yes. Until then none do.</p>\n");
	cs_html(&b, "<div class=\"actions\">");
	cs_visit_form(v, &b, "who");
	cs_html(&b, "<button>Yes, this is right</button></form>\n<a class=\"button other\" href=\"/connect/setup\">No, another one</a></div>\n");
	cs_visit_page(v, 200, &b);
}

static void
put_unknown(struct cs_visit *v)
{
	struct cs_buf b = CS_BUF_INIT(CS_PAGE_MAX);

	cs_visit_begin(v, &b, CS_STEP_WHO, "Is this the right account?");
	cs_visit_note(&b, "wait", cs_arena_printf(&v->mem, "%s cannot say whose account this is.", v->manifest->title),
	              "If you are sure that you used the right one, go on; a test lead will show whether it arrives.");
	cs_html(&b, "<div class=\"actions\">");
	cs_visit_form(v, &b, "who");
	cs_html(&b, "<button>Go on</button></form>\n<a class=\"button other\" href=\"/connect/setup\">Back</a></div>\n");
	cs_visit_page(v, 200, &b);
}

static void
looked(struct cs_visit *v, json_object *found)
{
	const char *said = cs_json_str(found, "said", "");

	if (strcmp(said, cs_said_name(CS_SAID_YES)) == 0)
		put_question(v, found);
	else if (strcmp(said, cs_said_name(CS_SAID_CANNOT)) == 0)
		put_unknown(v);
	else
		cs_visit_go(v, "/connect/setup"); /* which says why */
}

void
cs_connect_who(struct cs_visit *v)
{
	cs_visit_look(v, looked);
}

/* ---- yes */

static void
confirmed(struct cs_visit *v, int status, json_object *doc CS_UNUSED)
{
	if (status < 400)
		cs_visit_go(v, "/connect/settings");
	else if (status == 409 && v->n_faults == 0)
		cs_visit_go(v, "/connect"); /* it was said before, or somebody else was first */
	else if (status == 422) /* what the operator has chosen for it is not there */
		cs_visit_tell(v, 422, "Something is set that is not there",
		              cs_arena_printf(&v->mem, "The connection is set up with a choice that %s does not have. Please tell who sent you the link: %s %s.",
		                              cs_visit_title(v), v->n_faults > 0 ? v->faults[0].pointer : "", v->n_faults > 0 ? v->faults[0].detail : ""),
		              "/connect/who", "Try again");
	else if (v->n_faults > 0) /* another connection has the place */
		cs_visit_tell(v, 409, "There is one already",
		              cs_arena_printf(&v->mem, "Leads of this account go to %s already, over another connection. Ask for a link to connect that one anew, or for "
		                                       "help where you got this link.", cs_visit_title(v)),
		              "/connect/setup", "Back");
	else
		cs_visit_tell(v, status, "Not now", v->trouble, "/connect/who", "Try again");
}

/* A connection that was connected anew needs no word to get leads, but its link is done all the same. */
static int
apply_yes(struct cs_visit *v, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	int rc = cs_link_win(s, v->session.id, &v->mem, now_ms, &v->link, err);

	return rc == CS_ESTATE || rc == CS_ENOTFOUND ? 0 : rc; /* the next page says so */
}

static void
yes_kept(struct cs_visit *v, int rc)
{
	if (rc < 0)
		cs_visit_tell(v, 503, "Not now", "This could not be written down.", "/connect/who", "Try again");
	else
		cs_visit_go(v, "/connect");
}

void
cs_connect_who_confirmed(struct cs_visit *v)
{
	if (v->conn.state == CS_CONN_PENDING)
		cs_visit_ask(v, "POST", cs_visit_conn_path(v, "/confirm"), NULL, confirmed);
	else if (cs_connect_is_confirmed(v))
		cs_visit_write(v, apply_yes, yes_kept);
	else
		cs_visit_go(v, "/connect"); /* its access is not there yet */
}
