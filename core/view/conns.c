/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conns.c - see view.h: connections, the names of their secrets, what waits for them.
 */
#include "config.h"
#include "view/view.h"

#include <stdio.h>
#include <string.h>

#define PAGE 200
#define SECRETS_MAX 64

const struct cs_conf_connection *
cs_view_configured(const struct cs_conf *conf, const struct cs_conn_row *c)
{
	const struct cs_conf_crm *crm = conf != NULL ? cs_conf_crm_find(conf, c->crm) : NULL;

	for (size_t i = 0; crm != NULL && crm->enabled && i < crm->n_connections; i++)
		if (strcmp(crm->connections[i].name, c->name) == 0)
			return &crm->connections[i];
	return NULL;
}

int
cs_view_find_conn(struct cs_store *s, struct cs_arena *mem, const char *name, struct cs_conn_row *out, struct cs_err *err)
{
	char *copy = cs_arena_strdup(mem, name), *colon = strchr(copy, ':');

	if (colon != NULL && strchr(copy, '/') == NULL)
		*colon = '/';
	return s->ops->conn_find(s, copy, mem, out, err);
}

struct secrets {
	const char *names[SECRETS_MAX];
	size_t n;
};

static int
put_secrets(struct cs_view *v, const struct cs_view_conns *w, const struct cs_conn_row *c, struct secrets *has, struct cs_err *err)
{
	const struct cs_conf_connection *sc = c->is_static ? cs_view_configured(w->conf, c) : NULL;
	char owner[32];
	int n;

	snprintf(owner, sizeof(owner), "conn/%lld", (long long)c->id);
	n = v->store->ops->secret_list(v->store, owner, v->mem, has->names, SECRETS_MAX, err);
	has->n = n > 0 ? (size_t)n : 0;
	for (size_t i = 0; sc != NULL && i < sc->values.n_secrets && has->n < SECRETS_MAX; i++)
		has->names[has->n++] = sc->values.secrets[i].name;
	cs_out_open(&v->out, "secrets", '[');
	for (size_t i = 0; i < has->n; i++)
		cs_out_string(&v->out, NULL, has->names[i]);
	cs_out_close(&v->out, ']');
	return n < 0 ? n : 0;
}

static bool
signs_in(const struct cs_view_conns *w, const struct cs_conn_row *c, const struct secrets *has)
{
	if (w->signs_in != NULL)
		return w->signs_in(w->ctx, c->crm, has->names, has->n);
	for (size_t i = 0; i < has->n; i++)
		if (strcmp(has->names[i], "refresh_token") == 0)
			return true;
	return false;
}

/* The one thing to do next, where there is one. A link to sign in is good for ten minutes and once, so it cannot stand here: what
 * does is the call that makes one. */
static void
put_action(struct cs_view *v, const struct cs_view_conns *w, const struct cs_conn_row *c, const struct secrets *has)
{
	const char *text = NULL, *call = NULL;

	if (c->state == CS_CONN_PENDING)
		text = "ask who is connected (connections verify), and confirm it if that is right (connections confirm)";
	else if (c->state == CS_CONN_NEEDS_REAUTH && signs_in(w, c, has)) {
		text = cs_arena_printf(v->mem, "sign in at the CRM again: `csrelay connections authorize %s` makes the link for it", c->public_id);
		call = cs_arena_printf(v->mem, "POST /v1/connections/%s/authorize", c->public_id);
	} else if (c->state == CS_CONN_NEEDS_REAUTH)
		text = c->is_static ? "put a key that the CRM accepts into the configuration files, and reload"
		                    : "give it a key that the CRM accepts (connections change ... secrets.NAME=@FILE)";
	else if (c->state == CS_CONN_PAUSED)
		text = "resume it when it may go on";
	else if (c->trouble_since_ms != 0)
		text = "look what is wrong (connections check)";
	if (text == NULL) {
		cs_out_null(&v->out, "next_action");
		return;
	}
	cs_out_open(&v->out, "next_action", '{');
	cs_out_string(&v->out, "text", text);
	cs_out_text(&v->out, "call", call);
	cs_out_close(&v->out, '}');
}

static void
put_waiting(struct cs_view *v, const struct cs_view_conns *w, int64_t conn_id)
{
	cs_out_open(&v->out, "backlog", '{');
	for (size_t i = 0; i < w->n_waiting; i++)
		if (w->waiting[i].conn_id == conn_id && w->waiting[i].count > 0)
			cs_out_int(&v->out, cs_lane_name(w->waiting[i].lane), w->waiting[i].count);
	cs_out_close(&v->out, '}');
}

int
cs_view_connection(struct cs_view *v, const struct cs_view_conns *w, const struct cs_conn_row *c, struct cs_err *err)
{
	struct secrets has = { .n = 0 };
	int rc;

	cs_out_open(&v->out, NULL, '{');
	cs_render_connection(&v->out, c);
	rc = put_secrets(v, w, c, &has, err);
	put_waiting(v, w, c->id);
	put_action(v, w, c, &has);
	cs_out_close(&v->out, '}');
	return rc;
}

static bool
fits(const struct cs_view_conns *w, const struct cs_conn_row *c)
{
	return cs_view_holds(w->accounts, c->account) && (w->account == NULL || strcmp(w->account, c->account) == 0) &&
	       (w->crm == NULL || strcmp(w->crm, c->crm) == 0);
}

/* 1: there are more behind after_id. */
static int
put_page(struct cs_view *v, struct cs_view_conns *w, struct cs_err *err)
{
	struct cs_conn_row *rows = cs_arena_alloc(v->mem, PAGE * sizeof(*rows));
	int64_t shown = 0;
	int n, rc;

	while ((n = v->store->ops->conn_list(v->store, w->after_id, v->mem, rows, PAGE, err)) > 0) {
		for (int i = 0; i < n; i++) {
			if (shown == w->limit)
				return 1;
			w->after_id = rows[i].id;
			if (!fits(w, &rows[i]))
				continue;
			if ((rc = cs_view_connection(v, w, &rows[i], err)) < 0)
				return rc;
			shown++;
		}
		if (n < PAGE)
			return 0;
	}
	return n;
}

int
cs_view_connections(struct cs_view *v, struct cs_view_conns *w, struct cs_err *err)
{
	int rc;

	cs_out_open_list(&v->out);
	rc = put_page(v, w, err);
	cs_out_close_list(&v->out, rc == 1 ? w->after_id : 0);
	return rc < 0 ? rc : 0;
}

int
cs_view_versions(struct cs_view *v, const struct cs_conn_row *c, int64_t before, int max, struct cs_err *err)
{
	struct cs_conn_version *rows = cs_arena_alloc(v->mem, (size_t)(max + 1) * sizeof(*rows));
	int n = v->store->ops->conn_versions(v->store, c->id, before, v->mem, rows, max + 1, err);

	if (n < 0)
		return n;
	cs_out_open_list(&v->out);
	for (int i = 0; i < n && i < max; i++) {
		cs_out_open(&v->out, NULL, '{');
		cs_out_int(&v->out, "version", rows[i].version);
		cs_out_time(&v->out, "at", rows[i].at_ms);
		cs_out_text(&v->out, "by", rows[i].who);
		cs_out_json(&v->out, "settings", rows[i].settings, strlen(rows[i].settings), "{}");
		cs_out_json(&v->out, "overrides", rows[i].overrides, strlen(rows[i].overrides), "{}");
		cs_out_close(&v->out, '}');
	}
	cs_out_close_list(&v->out, n > max ? rows[max - 1].version : 0);
	return 0;
}
