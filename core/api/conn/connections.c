/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connections.c - accounts' links to CRMs: look, pause, resume.
 *
 * Connections of the configuration files and others are the same here, save that what a file has switched off is switched
 * on there. Secrets are shown by name only.
 */
#include "config.h"
#include "api/resources.h"

#include <string.h>
#include "api/watch/snapshot.h"

#define REASON_MAX 300

struct has {
	const char *const *names;
	size_t n;
};

static bool
has_secret(void *ctx, const char *name)
{
	const struct has *h = ctx;

	for (size_t i = 0; name != NULL && i < h->n; i++)
		if (strcmp(h->names[i], name) == 0)
			return true;
	return false;
}

static bool
signs_in(void *api, const char *crm, const char *const *secrets, size_t n)
{
	const struct cs_api *a = api;
	struct cs_manifest *m = a->engine != NULL ? cs_engine_manifest(a->engine, crm) : NULL;
	struct has has = { secrets, n };
	const struct cs_auth_way *w = m != NULL ? cs_manifest_way(m, has_secret, &has) : NULL;
	bool yes = w != NULL && w->kind == CS_AUTH_OAUTH2 && w->grant == CS_GRANT_CODE;

	cs_manifest_unref(m);
	return yes;
}

/* What the answer needs besides the rows. */
static int
wanted(struct cs_api_call *call, struct cs_view_conns *w, struct cs_err *err)
{
	const struct cs_api_snapshot *waiting = cs_api_snapshot_get(call->api, err);

	if (waiting == NULL)
		return err->code;
	w->accounts = call->who.accounts;
	w->conf = call->conf;
	w->signs_in = signs_in;
	w->ctx = call->api;
	w->waiting = waiting->v;
	w->n_waiting = waiting->n;
	return 0;
}

void
cs_api_connections_list(struct cs_api_call *call)
{
	struct cs_view_conns w = { .crm = cs_http_request_query(call->req, "crm") };
	struct cs_view v;
	struct cs_err err;
	int rc;

	if (!cs_api_account(call, &w.account) || !cs_api_page(call, &w.limit, &w.after_id))
		return;
	cs_api_view(call, &v);
	rc = wanted(call, &w, &err);
	cs_api_reply_view(call, &v, rc < 0 ? rc : cs_view_connections(&v, &w, &err), &err);
}

void
cs_api_connection_get(struct cs_api_call *call)
{
	struct cs_view_conns w = { 0 };
	struct cs_conn_row row;
	struct cs_view v;
	struct cs_err err;
	int rc;

	if (!cs_api_connection(call, call->param[0], &row))
		return;
	cs_api_view(call, &v);
	rc = wanted(call, &w, &err);
	cs_api_reply_view(call, &v, rc < 0 ? rc : cs_view_connection(&v, &w, &row, &err), &err);
}

/* ---- pause and resume */

static int
set_state(struct cs_change *c, struct cs_store *s, enum cs_conn_state state, int64_t now_ms, struct cs_err *err)
{
	struct cs_conn_row row;
	int rc;

	if ((rc = s->ops->conn_get(s, c->id, &c->mem, &row, err)) < 0)
		return rc;
	if (row.state == CS_CONN_PENDING)
		return cs_err_set(err, CS_ESTATE, "nobody has confirmed this connection yet: `csrelay connections confirm` does");
	if ((rc = s->ops->conn_state(s, c->id, state, c->text, now_ms, err)) < 0)
		return rc;
	c->wrote = true;
	if ((rc = s->ops->conn_get(s, c->id, &c->mem, &row, err)) < 0)
		return rc;
	cs_tells_conn(&c->tells, c->id, state == CS_CONN_CONNECTED);
	cs_out_open(&c->out, NULL, '{');
	cs_render_connection(&c->out, &row);
	cs_out_close(&c->out, '}');
	return 0;
}

static int
apply_pause(struct cs_change *c, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	return set_state(c, s, CS_CONN_PAUSED, now_ms, err);
}

static int
apply_resume(struct cs_change *c, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	return set_state(c, s, CS_CONN_CONNECTED, now_ms, err);
}

static void
replay_recovered(struct cs_change *c, int64_t now_ms)
{
	(void)now_ms;
	cs_api_replay_recovered(c->api, c->id, c->span_ms);
}

void
cs_api_connection_pause(struct cs_api_call *call)
{
	CS_CLEANUP(cs_json_putp) json_object *body = NULL;
	struct cs_conn_row row;
	struct cs_change *c;
	const char *reason;

	if (!cs_api_body(call, &body) || !cs_api_connection(call, call->param[0], &row))
		return;
	reason = cs_json_str(body, "reason", "paused by an operator");
	if (strlen(reason) > REASON_MAX) {
		cs_api_refuse_at(call, 422, "/reason", "has at most %d bytes", REASON_MAX);
		return;
	}
	c = cs_change_new(call, apply_pause);
	c->id = row.id;
	c->text = cs_xstrdup(reason);
	cs_change_put(c);
}

void
cs_api_connection_resume(struct cs_api_call *call)
{
	const struct cs_conf_connection *sc;
	struct cs_conn_row row;
	struct cs_change *c;

	if (!cs_api_connection(call, call->param[0], &row))
		return;
	sc = cs_view_configured(call->conf, &row);
	if (sc != NULL && sc->paused) {
		cs_api_refuse(call, 409, "it is paused in the configuration files: resume it there");
		return;
	}
	c = cs_change_new(call, apply_resume);
	c->id = row.id;
	c->text = cs_xstrdup("");
	if (call->conf->replay.automatic)
		c->then = replay_recovered;
	cs_change_put(c);
}
