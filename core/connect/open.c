/* SPDX-License-Identifier: Apache-2.0 */
/*
 * open.c - the beginning and the end: a link becomes a session, a session is over.
 */
#include "config.h"
#include "connect/visit.h"

#include <string.h>
#include "log/log.h"

/* ---- the link */

struct opening {
	uint8_t hash[32]; /* of the link */
	bool is_over;     /* or there was never one: no failure of ours */
};

/* The address is dead from here on, whoever else has read it. */
static int
apply_open(struct cs_visit *v, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	struct opening *o = v->page;
	int rc = s->ops->link_find(s, o->hash, &v->mem, &v->link, err);

	if (rc < 0 && rc != CS_ENOTFOUND)
		return rc;
	o->is_over = rc < 0 || v->link.is_session || v->link.expires_ms <= now_ms;
	if (o->is_over)
		return 0;
	cs_ticket_hash(v->cookie, v->link.hash);
	v->link.is_session = true;
	v->link.expires_ms = now_ms + v->link.life_ms;
	return s->ops->link_put(s, &v->link, err);
}

static void
opened(struct cs_visit *v, int rc)
{
	const struct opening *o = v->page;

	if (rc < 0) {
		cs_visit_tell(v, 503, "Not now", "This could not be written down. Open the link again in a minute.", NULL, NULL);
		return;
	}
	if (o->is_over) {
		cs_visit_tell(v, 410, "This link is over", "It was opened before, or its time has passed. Ask for a new one where you got this one.", NULL, NULL);
		return;
	}
	cs_log(CS_LOG_INFO, "connect", "a link was opened", "link=%lld account=%s", (long long)v->link.id, v->link.account);
	cs_page_go(v->req, "/connect", cs_visit_set_cookie(v, v->cookie));
	cs_visit_end(v);
}

void
cs_connect_open(struct cs_visit *v, const char *token)
{
	const char *purpose = cs_http_request_header(v->req, "Sec-Purpose");
	struct opening *o = v->page = cs_arena_alloc(&v->mem, sizeof(*o));

	if (purpose != NULL && strncmp(purpose, "prefetch", 8) == 0) { /* nobody has opened it yet */
		cs_visit_tell(v, 503, "Not yet", "This page is not made in advance.", NULL, NULL);
		return;
	}
	cs_ticket_hash(token, o->hash);
	cs_ticket_new(v->cookie);
	cs_visit_write(v, apply_open, opened);
}

/* ---- the end */

static int
apply_finish(struct cs_visit *v, struct cs_store *s, int64_t now_ms CS_UNUSED, struct cs_err *err)
{
	int rc = s->ops->link_delete(s, v->link.id, err);

	return rc == CS_ENOTFOUND ? 0 : rc; /* a second click */
}

static void
finished(struct cs_visit *v, int rc)
{
	if (rc < 0) {
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
	if (v->conn.state != CS_CONN_CONNECTED && v->conn.state != CS_CONN_PAUSED)
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
