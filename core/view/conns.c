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

/* *signs_in: it got its secrets by OAuth. */
static int
put_secrets(struct cs_view *v, const struct cs_view_conns *w, const struct cs_conn_row *c, bool *signs_in, struct cs_err *err)
{
	const struct cs_conf_connection *sc = c->is_static ? cs_view_configured(w->conf, c) : NULL;
	const char *names[SECRETS_MAX];
	char owner[32];
	int n;

	snprintf(owner, sizeof(owner), "conn/%lld", (long long)c->id);
	n = v->store->ops->secret_list(v->store, owner, v->mem, names, SECRETS_MAX, err);
	cs_out_open(&v->out, "secrets", '[');
	for (int i = 0; i < n; i++) {
		cs_out_string(&v->out, NULL, names[i]);
		*signs_in |= strcmp(names[i], "refresh_token") == 0;
	}
	for (size_t i = 0; sc != NULL && i < sc->values.n_secrets; i++)
		cs_out_string(&v->out, NULL, sc->values.secrets[i].name);
	cs_out_close(&v->out, ']');
	return n < 0 ? n : 0;
}

/* The one thing to do next, where there is one. */
static void
put_action(struct cs_view *v, const struct cs_view_conns *w, const struct cs_conn_row *c, bool signs_in)
{
	const char *url = w->conf != NULL && w->conf->public_url != NULL ? w->conf->public_url : "", *text = NULL, *link = NULL;

	if (c->state == CS_CONN_PENDING)
		text = "ask who is connected (connections verify), and confirm it if that is right (connections confirm)";
	else if (c->state == CS_CONN_NEEDS_REAUTH && signs_in) {
		text = "sign in at the CRM again";
		link = url[0] != '\0' ? cs_arena_printf(v->mem, "%s/oauth/%s/start?connection=%s", url, c->crm, c->public_id) : NULL;
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
	cs_out_text(&v->out, "link", link);
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
	bool signs_in = false;
	int rc;

	cs_out_open(&v->out, NULL, '{');
	cs_render_connection(&v->out, c);
	rc = put_secrets(v, w, c, &signs_in, err);
	put_waiting(v, w, c->id);
	put_action(v, w, c, signs_in);
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
