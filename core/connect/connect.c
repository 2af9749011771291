/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connect.c - who may see which page: the table of pages, and the checks before one of them is made.
 */
#include "config.h"
#include "connect/connect.h"

#include <stdlib.h>
#include <string.h>
#include "pages/session.h"
#include "connect/visit.h"

#define ROOT "/connect"
enum need { NEEDS_SESSION, NEEDS_CRM, NEEDS_CONN };

static void home(struct cs_visit *v);

static const struct {
	const char *path; /* behind /connect */
	enum need need;
	void (*get)(struct cs_visit *);
	void (*post)(struct cs_visit *);
} pages[] = {
	{ "", NEEDS_SESSION, home, NULL },
	{ "/crm", NEEDS_SESSION, cs_connect_crm, cs_connect_crm_chosen },
	{ "/setup", NEEDS_CRM, cs_connect_setup, cs_connect_setup_sent },
	{ "/signin", NEEDS_CONN, cs_connect_signin, NULL },
	{ "/who", NEEDS_CONN, cs_connect_who, cs_connect_who_confirmed },
	{ "/settings", NEEDS_CONN, cs_connect_settings, cs_connect_settings_sent },
	{ "/test", NEEDS_CONN, cs_connect_test, cs_connect_test_sent },
	{ "/finish", NEEDS_CONN, NULL, cs_connect_finish },
};

/* ---- where somebody is */

bool
cs_connect_is_confirmed(const struct cs_visit *v)
{
	return v->conn.state == CS_CONN_CONNECTED || v->conn.state == CS_CONN_PAUSED;
}

/* Did the CRM say who it is, when it was asked last? */
static bool
is_known(const struct cs_visit *v)
{
	CS_CLEANUP(cs_json_putp) json_object *o = NULL;

	return cs_json_parse(v->conn.checked, strlen(v->conn.checked), 16, &o, NULL) == 0 &&
	       strcmp(cs_json_str(o, "said", ""), cs_said_name(CS_SAID_YES)) == 0;
}

const char *
cs_connect_next(const struct cs_visit *v)
{
	if (v->session.crm[0] == '\0')
		return ROOT "/crm";
	if (v->conn.id == 0)
		return ROOT "/setup";
	if (cs_connect_is_confirmed(v))
		return ROOT "/settings";
	return is_known(v) ? ROOT "/who" : ROOT "/setup";
}

static void
home(struct cs_visit *v)
{
	cs_visit_go(v, cs_connect_next(v));
}

/* ---- letting somebody in */

enum standing { STRANGER, LATE /* another session of the link was first */, GUEST };

static enum standing
read_session(struct cs_visit *v)
{
	struct cs_store *s = v->api->reader;
	const char *cookie = cs_http_request_cookie(v->req, cs_session_cookie_name(v->conf->public_url), &v->mem);
	uint8_t hash[32];

	if (cookie == NULL || strlen(cookie) != CS_TICKET_TEXT - 1)
		return STRANGER;
	cs_ticket_hash(cookie, hash);
	if (s->ops->link_session_find(s, hash, &v->mem, &v->session, NULL) < 0 || v->session.expires_ms <= cs_now_ms(v->api->clock) ||
	    s->ops->link_get(s, v->session.link_id, &v->mem, &v->link, NULL) < 0)
		return STRANGER;
	if (v->link.state != CS_LINK_OPEN && !v->session.has_won)
		return LATE;
	memcpy(v->cookie, cookie, sizeof(v->cookie));
	cs_session_form(cookie, v->form);
	if (v->session.conn_id != 0 && s->ops->conn_get(s, v->session.conn_id, &v->mem, &v->conn, NULL) < 0)
		v->conn = (struct cs_conn_row){ .id = 0 }; /* deleted meanwhile: made anew */
	if (v->session.crm[0] != '\0' && v->api->engine != NULL)
		v->manifest = cs_engine_manifest(v->api->engine, v->session.crm);
	return GUEST;
}

/* False: answered. */
static bool
is_guest(struct cs_visit *v)
{
	enum standing is = read_session(v);

	if (is == LATE)
		cs_visit_tell(v, 410, "It is connected already",
		              "Somebody who has the same link has come to the end of it meanwhile. What was entered here is not used. There is nothing left "
		              "to do; if you do not know who that was, tell who sent you the link.", NULL, NULL);
	else if (is == STRANGER)
		cs_visit_tell(v, 410, "This is over", "Pages for connecting are open for a while, and until the CRM is connected. Open your link again; if it "
		                                      "does not open any more, ask for a new one where you got it. If it leads "
		                                      "back here at once, allow cookies for this address.", NULL, NULL);
	return is == GUEST;
}

/* Who comes again with the link goes on: only a browser that is new here counts as an opening. */
static void
come_with(struct cs_visit *v, const char *token)
{
	uint8_t hash[32];

	cs_ticket_hash(token, hash);
	if (strcmp(v->req->method, "HEAD") == 0) { /* of a program that looks whether there is something: no opening, and no word about the link */
		cs_visit_tell(v, 200, "Connect your CRM", "Open this address with a browser.", NULL, NULL);
	} else if (strcmp(v->req->method, "GET") != 0) {
		cs_page_no_method(v->req, "GET, HEAD");
		cs_visit_end(v);
	} else if (read_session(v) == GUEST && memcmp(v->link.hash, hash, sizeof(hash)) == 0)
		cs_visit_go(v, ROOT);
	else
		cs_connect_open(v, hash);
}

static void
read_fields(struct cs_visit *v)
{
	const char *at = v->req->body, *p = at;
	size_t cap = 1;

	while ((p = strchr(p, '&')) != NULL) {
		cap++;
		p++;
	}
	v->fields = cs_arena_alloc(&v->mem, cap * sizeof(*v->fields));
	while (v->n_fields < cap && cs_http_form_next(&at, &v->mem, &v->fields[v->n_fields].name, &v->fields[v->n_fields].value))
		v->n_fields++;
}

/* Came this from a form that we have given to this browser? */
static bool
is_ours(struct cs_visit *v)
{
	const struct cs_http_request *r = v->req;

	return cs_auth_origin_ok(cs_http_request_header(r, "Sec-Fetch-Site"), cs_http_request_header(r, "Origin"),
	                         cs_http_request_header(r, "Host")) &&
	       cs_session_form_ok(v->cookie, cs_visit_field(v, "form"));
}

/* True, or answered. */
static bool
has_what_it_needs(struct cs_visit *v, enum need need)
{
	if (need == NEEDS_SESSION)
		return true;
	if (v->session.crm[0] != '\0' && v->manifest == NULL) {
		cs_visit_tell(v, 503, "Not now", "csrelay does not serve this CRM at the moment. Try again in a few minutes.", ROOT, "Try again");
		return false;
	}
	if (v->session.crm[0] == '\0' || (need == NEEDS_CONN && v->conn.id == 0)) {
		cs_visit_go(v, ROOT);
		return false;
	}
	return true;
}

static void
serve(struct cs_visit *v, size_t i)
{
	bool is_post = strcmp(v->req->method, "POST") == 0;
	void (*page)(struct cs_visit *) = is_post ? pages[i].post : strcmp(v->req->method, "GET") == 0 ? pages[i].get : NULL;

	if (page == NULL) {
		if (strcmp(v->req->method, "GET") == 0)
			cs_visit_go(v, ROOT); /* the address of a form, typed or loaded again */
		else
			cs_visit_tell(v, 405, "Not allowed", "This page is for browsers.", NULL, NULL);
		return;
	}
	if (!is_guest(v))
		return;
	if (is_post)
		read_fields(v);
	if (is_post && !is_ours(v)) {
		cs_visit_tell(v, 403, "That did not come from here", "The form was not sent by a page of this session, so nothing was changed.",
		              ROOT, "Go on from where you were");
		return;
	}
	if (has_what_it_needs(v, pages[i].need))
		page(v);
}

static void
dispatch(struct cs_visit *v)
{
	const char *path = v->req->path + strlen(ROOT);

	for (size_t i = 0; i < CS_ARRAY_LEN(pages); i++)
		if (strcmp(path, pages[i].path) == 0) {
			serve(v, i);
			return;
		}
	if (strcmp(path, "/done") == 0)
		cs_connect_done(v);
	else if (strlen(path) == CS_TICKET_TEXT && path[0] == '/')
		come_with(v, path + 1);
	else
		cs_visit_tell(v, 404, "Not found", "There is nothing here.", NULL, NULL);
}

static bool
is_host_ok(struct cs_visit *v)
{
	const char *host = cs_http_request_header(v->req, "Host");

	return cs_session_host_ok(v->conf->public_url, host) || cs_auth_host_ok(host, v->conf->admin.host_allow.v, v->conf->admin.host_allow.n);
}

bool
cs_connect_is(const struct cs_http_request *req)
{
	size_t n = strlen(ROOT);

	return strncmp(req->path, ROOT, n) == 0 && (req->path[n] == '\0' || req->path[n] == '/');
}

void
cs_connect_handle(struct cs_api *api, struct cs_http_request *req)
{
	struct cs_visit *v;

	if (strcmp(req->path, CS_PAGE_STYLE) == 0) {
		cs_page_style(req);
		return;
	}
	if (api->closing) {
		cs_page_tell(req, 503, "Not now", "csrelay is being restarted. Try again in a minute.", ROOT, "Try again");
		return;
	}
	v = cs_xcalloc(1, sizeof(*v));
	cs_arena_init(&v->mem);
	v->api = api;
	v->req = req;
	v->conf = cs_api_conf_ref(api);
	v->link = (struct cs_link_row){ .account = "", .crm = "" };
	v->session = (struct cs_link_session_row){ .crm = "" };
	if (is_host_ok(v))
		dispatch(v);
	else
		cs_visit_tell(v, 403, "Not here", "csrelay is not served under this name.", NULL, NULL);
}
