/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connections.c - accounts' links to CRMs: look, pause, resume.
 *
 * Connections of the configuration files and others are the same here, save that what a file has switched off is switched
 * on there. Secrets are shown by name only.
 */
#include "config.h"
#include "api/resources.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "api/snapshot.h"

#define PAGE 200
#define SECRETS_MAX 64
#define REASON_MAX 300

static const struct cs_conf_connection *
configured(const struct cs_conf *conf, const struct cs_conn_row *c)
{
	const struct cs_conf_crm *crm = cs_conf_crm_find(conf, c->crm);

	for (size_t i = 0; crm != NULL && crm->enabled && i < crm->n_connections; i++)
		if (strcmp(crm->connections[i].name, c->name) == 0)
			return &crm->connections[i];
	return NULL;
}

static void
put_secrets(struct cs_api_call *call, struct cs_buf *b, const struct cs_conn_row *c)
{
	const struct cs_conf_connection *sc = c->is_static ? configured(call->conf, c) : NULL;
	struct cs_store *s = call->api->reader;
	const char *names[SECRETS_MAX];
	char owner[32];
	int n;

	snprintf(owner, sizeof(owner), "conn/%lld", (long long)c->id);
	n = s->ops->secret_list(s, owner, &call->mem, names, SECRETS_MAX, NULL);
	cs_out_open(b, "secrets", '[');
	for (int i = 0; i < n; i++)
		cs_out_string(b, NULL, names[i]);
	for (size_t i = 0; sc != NULL && i < sc->values.n_secrets; i++)
		cs_out_string(b, NULL, sc->values.secrets[i].name);
	cs_out_close(b, ']');
}

static void
put_connection(struct cs_api_call *call, struct cs_buf *b, const struct cs_conn_row *c, const struct cs_api_snapshot *waiting)
{
	cs_out_open(b, NULL, '{');
	cs_render_connection(b, c);
	put_secrets(call, b, c);
	cs_out_open(b, "backlog", '{');
	for (int lane = 0; lane < CS_LANES; lane++) {
		int64_t n = cs_api_snapshot_waiting(waiting, c->id, (enum cs_lane)lane);

		if (n > 0)
			cs_out_int(b, cs_lane_name((enum cs_lane)lane), n);
	}
	cs_out_close(b, '}');
	cs_out_close(b, '}');
}

struct wanted {
	const char *account, *crm;
	int64_t limit, after;
};

static bool
fits(const struct cs_api_call *call, const struct wanted *w, const struct cs_conn_row *c)
{
	return cs_auth_may(&call->who, c->account) && (w->account == NULL || strcmp(w->account, c->account) == 0) &&
	       (w->crm == NULL || strcmp(w->crm, c->crm) == 0);
}

/* Oldest first; the cursor is the last id shown. */
static int
put_page(struct cs_api_call *call, struct cs_buf *b, struct wanted *w, const struct cs_api_snapshot *waiting, struct cs_err *err)
{
	struct cs_conn_row *rows = cs_arena_alloc(&call->mem, PAGE * sizeof(*rows));
	struct cs_store *s = call->api->reader;
	int64_t shown = 0;
	int n;

	while ((n = s->ops->conn_list(s, w->after, &call->mem, rows, PAGE, err)) > 0) {
		for (int i = 0; i < n; i++) {
			if (shown == w->limit)
				return 1;
			w->after = rows[i].id;
			if (!fits(call, w, &rows[i]))
				continue;
			put_connection(call, b, &rows[i], waiting);
			shown++;
		}
		if (n < PAGE)
			return 0;
	}
	return n;
}

void
cs_api_connections_list(struct cs_api_call *call)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(CS_API_ANSWER_MAX);
	struct wanted w = { .crm = cs_http_request_query(call->req, "crm") };
	const struct cs_api_snapshot *waiting;
	struct cs_err err;
	int rc = -1;

	if (!cs_api_account(call, &w.account) || !cs_api_page(call, &w.limit, &w.after))
		return;
	cs_out_open_list(&b);
	if ((waiting = cs_api_snapshot_get(call->api, &err)) != NULL)
		rc = put_page(call, &b, &w, waiting, &err);
	cs_out_close_list(&b, rc == 1 ? w.after : 0);
	if (rc < 0)
		cs_api_fail(call, &err);
	else
		cs_api_reply(call, 200, &b);
}

void
cs_api_connection_get(struct cs_api_call *call)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(CS_API_ANSWER_MAX);
	const struct cs_api_snapshot *waiting;
	struct cs_conn_row row;
	struct cs_err err;

	if (!cs_api_connection(call, call->param[0], &row))
		return;
	if ((waiting = cs_api_snapshot_get(call->api, &err)) == NULL) {
		cs_api_fail(call, &err);
		return;
	}
	put_connection(call, &b, &row, waiting);
	cs_api_reply(call, 200, &b);
}

/* ---- pause and resume */

static int
set_state(struct cs_change *c, struct cs_store *s, enum cs_conn_state state, int64_t now_ms, struct cs_err *err)
{
	struct cs_conn_row row;
	int rc;

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
	sc = configured(call->conf, &row);
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
