/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uninstall.c - see uninstall.h.
 *
 * The body says whose app it was, by a fact of its connections; which of those the caller may end is decided by the credentials of
 * each, since an app may be the operator's or a customer's own. Whoever shows none that fit gets the same answer whether there is
 * such a customer or not. It is answered when the end is on disk, so that the CRM comes again otherwise.
 */
#include "deliver/uninstall.h"
#include <stdlib.h>
#include <string.h>
#include "auth/oauth.h"
#include "deliver/engine_private.h"
#include "deliver/events.h"
#include "log/log.h"
#include "util/text.h"

#define CONNECTIONS_MAX 64
#define RETRY_AFTER_S 5
#define REASON "the app was removed in the CRM: connect it again"

struct uninstall {
	struct cs_msg msg;
	struct cs_wop op;
	struct cs_engine *engine;
	struct cs_http_request *req;
	struct cs_arena mem;
	char crm[65];
	int64_t at_ms;
	int64_t ids[CONNECTIONS_MAX];    /* to be ended */
	size_t n;
};

static void
finish(struct uninstall *u, int status, const char *detail)
{
	struct cs_problem p = { .status = status, .detail = detail };

	if (status == 204)
		cs_http_reply(u->req, &(struct cs_http_reply){ .status = 204, .body = "" });
	else
		cs_http_reply_problem(u->req, &p, status == 503 ? RETRY_AFTER_S : 0);
	cs_arena_fini(&u->mem);
	free(u);
}

/* ---- through the writer */

static int
apply(struct cs_wop *w, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	struct uninstall *u = CS_CONTAINER(w, struct uninstall, op);
	struct cs_conn_row row;
	int rc = 0;

	for (size_t i = 0; i < u->n && rc >= 0; i++) {
		if ((rc = s->ops->conn_get(s, u->ids[i], &u->mem, &row, err)) == 0 && row.state == CS_CONN_CONNECTED &&
		    row.state_since_ms < u->at_ms + CS_SECOND_MS)
			rc = s->ops->conn_state(s, row.id, CS_CONN_NEEDS_REAUTH, REASON, now_ms, err);
		else if (rc == CS_ENOTFOUND)
			rc = 0;
	}
	return rc;
}

static void
committed(struct cs_wop *w)
{
	struct uninstall *u = CS_CONTAINER(w, struct uninstall, op);

	for (size_t i = 0; i < u->n && w->rc >= 0; i++)
		cs_engine_post_conn(u->engine, u->ids[i], false);
	finish(u, w->rc >= 0 ? 204 : 503, "this could not be kept");
}

/* ---- who, and may he? */

/* Vendors send id and secret as they are, or encoded as RFC 6749 says. */
static bool
shows(const struct cs_buf *expected, const char *given)
{
	return cs_secure_equal(cs_buf_str(expected), expected->len, given, strlen(given));
}

static bool
may_end(struct cs_context *c, const char *authorization)
{
	const struct cs_auth_way *w = c->way;
	const struct cs_named *secret = w->client_secret != NULL ? cs_context_secret(c, w->client_secret) : NULL;
	CS_CLEANUP(cs_buf_fini) struct cs_buf id = CS_BUF_INIT(1024), plain = CS_BUF_INIT(0), encoded = CS_BUF_INIT(0);
	struct cs_buf pair = CS_BUF_INIT(0);
	struct cs_lookup lk = cs_context_lookup(c, false);
	bool good;

	if (w->uninstall_tenant == NULL || secret == NULL || secret->len == 0 ||
	    cs_template_expand(w->client_id, CS_IN_HEADER, &lk, &id, NULL) < 0 || id.len == 0)
		return false;
	cs_buf_printf(&pair, "%s:%s", cs_buf_str(&id), secret->value);
	cs_buf_adds(&plain, "Basic ");
	cs_base64_add(&plain, pair.ptr, pair.len);
	cs_oauth_basic(cs_buf_str(&id), secret->value, &encoded);
	good = shows(&plain, authorization) || shows(&encoded, authorization);
	cs_wipe(pair.ptr, pair.cap);
	cs_wipe(plain.ptr, plain.cap);
	cs_wipe(encoded.ptr, encoded.cap);
	cs_buf_fini(&pair);
	return good;
}

static void
end_one(struct uninstall *u, struct cs_context *c)
{
	if (c->state != CS_CONN_CONNECTED || c->state_since_ms >= u->at_ms + CS_SECOND_MS)
		return;
	cs_log(CS_LOG_ERROR, "auth", "the app was removed in the CRM: the connection must be connected again", "connection=%s crm=%s", c->public_id,
	    c->crm);
	cs_events_reauth(u->engine, c);
	u->ids[u->n++] = c->conn_id;
}

static int64_t
when(struct cs_engine *e, const struct cs_auth_way *w, json_object *doc)
{
	int64_t now_ms = cs_now_ms(e->c.clock), at_ms;
	const char *text = w->uninstall_at != NULL ? cs_json_pointer_text(doc, w->uninstall_at) : "";
	bool has_zone;

	return text[0] != '\0' && cs_time_parse(text, strlen(text), true, &at_ms, &has_zone) == 0 && at_ms < now_ms ? at_ms : now_ms;
}

static void
look(struct uninstall *u, const struct cs_auth_way *w, json_object *doc, const char *authorization)
{
	struct cs_store *s = u->engine->c.reader;
	struct cs_conn_row *rows = cs_arena_alloc(&u->mem, CONNECTIONS_MAX * sizeof(*rows));
	const char *tenant = cs_json_pointer_text(doc, w->uninstall_tenant);
	int n = tenant[0] != '\0' ? s->ops->conn_by_fact(s, u->crm, w->uninstall_fact, tenant, &u->mem, rows, CONNECTIONS_MAX, NULL) : 0;
	bool known = false;

	u->at_ms = when(u->engine, w, doc);
	for (int i = 0; i < n; i++) {
		struct cs_context *c = cs_engine_context(u->engine, rows[i].id, NULL);

		if (c == NULL || !may_end(c, authorization))
			continue;
		known = true;
		end_one(u, c);
	}
	if (!known) {
		cs_log(CS_LOG_WARN, "auth", "an uninstall was refused", "crm=%s", u->crm);
		finish(u, 401, "no connection of this customer has such a client");
		return;
	}
	u->op = (struct cs_wop){ .apply = apply, .committed = committed };
	if (!cs_writer_put(u->engine->c.writer, &u->op)) {
		u->op.rc = CS_ECLOSED;
		committed(&u->op);
	}
}

static const struct cs_auth_way *
way_of(const struct cs_manifest *m)
{
	for (size_t i = 0; i < m->n_ways; i++)
		if (m->ways[i].uninstall_tenant != NULL)
			return &m->ways[i];
	return NULL;
}

static void
handle(struct cs_engine *e, struct cs_msg *msg)
{
	struct uninstall *u = CS_CONTAINER(msg, struct uninstall, msg);
	CS_CLEANUP(cs_json_putp) json_object *doc = NULL;
	struct cs_manifest *m = cs_engine_manifest(e, u->crm);
	const struct cs_auth_way *w = m != NULL ? way_of(m) : NULL;
	const char *authorization = cs_http_request_header(u->req, "Authorization");

	if (cs_json_parse(u->req->body, u->req->body_len, 16, &doc, NULL) < 0)
		finish(u, 400, "the body is no JSON");
	else if (w == NULL)
		finish(u, 404, "no CRM of this name tells here that an app was removed");
	else if (authorization == NULL)
		finish(u, 401, "the client id and secret of the app are wanted (HTTP Basic)");
	else
		look(u, w, doc, authorization);
	cs_manifest_unref(m);
}

/* ---- the request */

static const char callback[] = "/callback";

bool
cs_uninstall_is(const struct cs_http_request *req)
{
	size_t n = strlen(req->path);

	return strcmp(req->method, "DELETE") == 0 && strncmp(req->path, "/oauth/", 7) == 0 && n > 7 + sizeof(callback) - 1 &&
	    strcmp(req->path + n - (sizeof(callback) - 1), callback) == 0;
}

void
cs_uninstall_handle(struct cs_engine *e, struct cs_http_request *req)
{
	size_t n = strlen(req->path) - 7 - (sizeof(callback) - 1);
	struct uninstall *u = cs_xcalloc(1, sizeof(*u));

	cs_arena_init(&u->mem);
	u->engine = e;
	u->req = req;
	u->msg.handle = handle;
	if (n >= sizeof(u->crm)) {
		finish(u, 404, "there is no such CRM");
		return;
	}
	memcpy(u->crm, req->path + 7, n);
	if (!cs_engine_post(e, &u->msg))
		finish(u, 503, "csrelay is being stopped");
}
