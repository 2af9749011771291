/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grant.c - the two requests of a browser, and how they get into the engine, through the writer and back. See grant.h.
 *
 * Nothing that a browser brings is believed: the state must be one that is stored, for this CRM, not over and not used; the cookie
 * must be the one that the same browser was given; facts of the callback only choose among hosts that the manifest names.
 */
#include "deliver/grant/grant_private.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "pages/page.h"
#include "pages/session.h"

void
cs_grant_free(struct cs_grant *g)
{
	if (g->code != NULL)
		cs_wipe((char *)(uintptr_t)g->code, strlen(g->code));
	if (g->verifier != NULL)
		cs_wipe((char *)(uintptr_t)g->verifier, strlen(g->verifier));
	cs_arena_fini(&g->mem);
	free(g);
}

/* Whoever came from the pages for connecting goes back there: they ask who it is, and go on. */
void
cs_grant_tell(struct cs_grant *g, int status, const char *title, const char *text)
{
	bool is_connecting = cs_http_request_cookie(g->req, cs_session_cookie_name(g->engine->c.conf->public_url), &g->mem) != NULL;

	if (is_connecting && status == 200 && g->flow.conn_id != 0)
		cs_page_go(g->req, "/connect/who", NULL);
	else
		cs_page_tell(g->req, status, title, text, is_connecting ? "/connect/setup" : NULL, "Back");
}

void
cs_grant_finish(struct cs_grant *g, int status, const char *title, const char *text)
{
	cs_grant_tell(g, status, title, text);
	cs_grant_free(g);
}

/* ---- through the writer and back into the engine */

static int
apply_op(struct cs_wop *w, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	struct cs_grant *g = CS_CONTAINER(w, struct cs_grant, op);

	return g->apply(g, s, now_ms, err);
}

static void
op_told(struct cs_engine *e CS_UNUSED, struct cs_msg *m)
{
	struct cs_grant *g = CS_CONTAINER(m, struct cs_grant, msg);

	g->then(g, g->op.rc);
}

static void
op_committed(struct cs_wop *w)
{
	struct cs_grant *g = CS_CONTAINER(w, struct cs_grant, op);

	g->msg.handle = op_told;
	if (!cs_engine_post(g->engine, &g->msg))
		cs_grant_finish(g, 503, "Not now", "csrelay is being stopped." CS_GRANT_AGAIN);
}

void
cs_grant_put(struct cs_grant *g, int (*apply)(struct cs_grant *, struct cs_store *, int64_t, struct cs_err *),
             void (*then)(struct cs_grant *, int rc))
{
	g->apply = apply;
	g->then = then;
	g->op = (struct cs_wop){ .apply = apply_op, .committed = op_committed };
	if (!cs_writer_put(g->engine->c.writer, &g->op)) {
		g->op.rc = CS_ECLOSED;
		op_committed(&g->op);
	}
}

/* ---- what both requests need to know */

bool
cs_grant_is_https(const struct cs_engine *e)
{
	return strncmp(e->c.conf->public_url, "https://", 8) == 0;
}

/* The prefix makes browsers keep other hosts' hands off it; plain http (on loopback) does not have it. */
const char *
cs_grant_cookie_name(const struct cs_engine *e)
{
	return cs_grant_is_https(e) ? "__Host-csrelay-oauth" : "csrelay-oauth";
}

const char *
cs_grant_redirect_uri(struct cs_grant *g)
{
	return cs_arena_printf(&g->mem, "%s/oauth/%s/callback", g->engine->c.conf->public_url, g->crm);
}

bool
cs_grant_is_over(const struct cs_grant *g)
{
	return cs_now_ms(g->engine->c.clock) >= g->flow.expires_ms || strcmp(g->flow.crm, g->crm) != 0;
}

/* ---- the request */

static void
handle(struct cs_engine *e CS_UNUSED, struct cs_msg *m)
{
	struct cs_grant *g = CS_CONTAINER(m, struct cs_grant, msg);

	if (g->is_callback)
		cs_grant_callback(g);
	else
		cs_grant_start(g);
}

bool
cs_grant_is(const struct cs_http_request *req)
{
	return strncmp(req->path, "/oauth/", 7) == 0;
}

void
cs_grant_handle(struct cs_engine *e, struct cs_http_request *req)
{
	const char *crm = req->path + 7, *slash = strchr(crm, '/');
	bool is_callback = slash != NULL && strcmp(slash, "/callback") == 0;
	struct cs_grant *g;

	if (slash == NULL || slash - crm > 64 || slash == crm || (!is_callback && strcmp(slash, "/start") != 0)) {
		cs_page_tell(req, 404, "Not found", "There is nothing here.", NULL, NULL);
		return;
	}
	if (strcmp(req->method, "GET") != 0) {
		cs_page_no_method(req, is_callback ? "DELETE, GET" : "GET");
		return;
	}
	g = cs_xcalloc(1, sizeof(*g));
	cs_arena_init(&g->mem);
	g->engine = e;
	g->req = req;
	g->is_callback = is_callback;
	snprintf(g->crm, sizeof(g->crm), "%.*s", (int)(slash - crm), crm);
	g->msg.handle = handle;
	if (!cs_engine_post(e, &g->msg))
		cs_grant_finish(g, 503, "Not now", "csrelay is being stopped." CS_GRANT_AGAIN);
}
