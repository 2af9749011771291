/* SPDX-License-Identifier: Apache-2.0 */
/*
 * open.c - the beginning and the end: a link is opened, a session is over.
 */
#include "config.h"
#include "connect/visit.h"

#include <string.h>
#include "api/list/links.h"
#include "log/log.h"

/* ---- the link */

struct opening {
	uint8_t hash[32]; /* of the link */
	enum { OPENS, IS_OVER /* or there was never one */, IS_DONE, TOO_OFTEN } how;
};

static const struct {
	const char *title, *text;
} refusals[] = {
	[IS_OVER] = { "This link is over", "Its time has passed, or it was taken back. Ask for a new one where you got this one." },
	[IS_DONE] = { "This link has done its work", "The CRM is connected. To change something, ask for a new link where you got this one." },
	[TOO_OFTEN] = { "This link was opened too often",
	                "It does not open any more, so that nobody can try it without end. If you have begun in another window or on another device, go on "
	                "there. If not, ask for a new link where you got this one, and open it in one browser." },
};

static int
apply_open(struct cs_visit *v, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	struct opening *o = v->page;
	struct cs_link_row *l = &v->link;
	int rc = s->ops->link_find(s, o->hash, &v->mem, l, err);

	if (rc < 0 && rc != CS_ENOTFOUND)
		return rc;
	o->how = rc < 0 ? IS_OVER : l->state != CS_LINK_OPEN ? IS_DONE : l->expires_ms <= now_ms ? IS_OVER :
	         l->openings >= CS_LINK_OPENINGS ? TOO_OFTEN : OPENS;
	if (o->how != OPENS)
		return 0;
	v->session = (struct cs_link_session_row){ .link_id = l->id, .crm = l->crm, .conn_id = l->conn_id, .expires_ms = now_ms + l->life_ms };
	cs_ticket_hash(v->cookie, v->session.hash);
	l->openings++;
	l->last_ms = v->session.expires_ms; /* later than of any before: all last equally long */
	if ((rc = s->ops->link_session_put(s, &v->session, err)) < 0)
		return rc;
	return s->ops->link_put(s, l, err);
}

static void
opened(struct cs_visit *v, int rc)
{
	const struct opening *o = v->page;

	if (rc < 0) {
		cs_visit_tell(v, 503, "Not now", "This could not be written down. Open the link again in a minute.", NULL, NULL);
		return;
	}
	if (o->how == TOO_OFTEN)
		cs_log(CS_LOG_WARN, "connect", "a link was opened too often", "link=%lld account=%s", (long long)v->link.id, v->link.account);
	if (o->how != OPENS) {
		cs_visit_tell(v, 410, refusals[o->how].title, refusals[o->how].text, NULL, NULL);
		return;
	}
	cs_log(CS_LOG_INFO, "connect", "a link was opened", "link=%lld account=%s times=%d", (long long)v->link.id, v->link.account,
	       v->link.openings);
	cs_page_go(v->req, "/connect", cs_visit_set_cookie(v, v->cookie));
	cs_visit_end(v);
}

void
cs_connect_open(struct cs_visit *v, const uint8_t hash[32])
{
	const char *purpose = cs_http_request_header(v->req, "Sec-Purpose");
	struct opening *o = v->page = cs_arena_alloc(&v->mem, sizeof(*o));

	if (purpose != NULL && strncmp(purpose, "prefetch", 8) == 0) { /* nobody has opened it yet */
		cs_visit_tell(v, 503, "Not yet", "This page is not made in advance.", NULL, NULL);
		return;
	}
	memcpy(o->hash, hash, sizeof(o->hash));
	cs_ticket_new(v->cookie);
	cs_visit_write(v, apply_open, opened);
}

/* ---- the end */

static int
apply_finish(struct cs_visit *v, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	int rc = cs_link_win(s, v->session.id, &v->mem, now_ms, &v->link, err);

	if (rc < 0)
		return rc;
	v->link.state = CS_LINK_FINISHED;
	if ((rc = s->ops->link_put(s, &v->link, err)) < 0)
		return rc;
	return s->ops->link_session_delete(s, v->session.id, err);
}

static void
finished(struct cs_visit *v, int rc)
{
	if (rc == CS_ESTATE) { /* somebody else was first: the page says so */
		cs_visit_go(v, "/connect");
		return;
	}
	if (rc < 0 && rc != CS_ENOTFOUND) { /* not there: a second click */
		cs_visit_tell(v, 503, "Not now", "This could not be written down. Try again in a minute.", "/connect", "Try again");
		return;
	}
	cs_log(CS_LOG_INFO, "connect", "a link has done its work", "link=%lld account=%s connection=%s", (long long)v->link.id, v->link.account,
	       v->conn.public_id);
	cs_page_go(v->req, "/connect/done", cs_visit_set_cookie(v, NULL));
	cs_visit_end(v);
}

void
cs_connect_finish(struct cs_visit *v)
{
	if (!cs_connect_is_confirmed(v))
		cs_visit_go(v, "/connect");
	else
		cs_visit_write(v, apply_finish, finished);
}

/* Needs no session: that is over. */
void
cs_connect_done(struct cs_visit *v)
{
	struct cs_buf b = CS_BUF_INIT(CS_PAGE_MAX);

	cs_page_begin(&b, &(struct cs_page_frame){ .title = "All set" });
	cs_visit_note(&b, "good", "Your CRM is connected.", "Calls that become leads go there from now on, within seconds.");
	cs_html(&b, "<p class=\"lead\">You can close this page. The link that brought you here does not work any more; to change something later, "
	            "ask for a new one.</p>\n");
	cs_visit_page(v, 200, &b);
}
