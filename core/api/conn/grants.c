/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grants.c - links at which a person gives access to a CRM, and grants that nobody has claimed yet.
 *
 * The link is good for ten minutes and one connection; the way from there stands in deliver/grant/grant.h. Grants that wait are pending
 * connections: those without an account began at the CRM's marketplace, those with one would take the place of another account's
 * access and are refused until somebody claims them.
 */
#include "config.h"
#include "api/conn/lapse.h"
#include "api/resources.h"

#include <stdlib.h>
#include <string.h>
#include "auth/ticket.h"
#include "deliver/grant/grant.h"
#include "util/text.h"

#define PAGE 200

/* ---- a link */

static int
apply_link(struct cs_change *c, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	struct cs_flow_row f = { .verifier = { "", 0 }, .crm = cs_json_str(c->body, "crm", ""), .way = cs_json_str(c->body, "way", ""),
		.conn_id = c->id, .session_id = c->who.session_id, .expires_ms = now_ms + CS_GRANT_LIFE_MS };
	int rc;

	cs_ticket_hash(c->text, f.ticket);
	if ((rc = s->ops->flow_sweep(s, now_ms, err)) < 0 || (rc = s->ops->flow_put(s, &f, err)) < 0)
		return rc;
	c->wrote = true;
	c->status = 201;
	cs_out_open(&c->out, NULL, '{');
	cs_out_string(&c->out, "url", cs_arena_printf(&c->mem, "%s/oauth/%s/start?ticket=%s", cs_json_str(c->body, "public_url", ""), f.crm, c->text));
	cs_out_time(&c->out, "expires_at", f.expires_ms);
	cs_out_close(&c->out, '}');
	return 0;
}

/* The way to sign in: named in the body, else the manifest's first. False: answered. */
static bool
find_way(struct cs_api_call *call, const struct cs_conn_row *row, const char *wanted, char name[65])
{
	struct cs_manifest *m = call->api->engine != NULL ? cs_engine_manifest(call->api->engine, row->crm) : NULL;
	const struct cs_auth_way *w = m != NULL ? cs_manifest_way_named(m, wanted) : NULL;
	bool good = w != NULL && w->kind == CS_AUTH_OAUTH2 && w->grant == CS_GRANT_CODE;

	if (m == NULL)
		cs_api_refuse(call, 503, "the plugin of this CRM is not running");
	else if (!good && wanted != NULL)
		cs_api_refuse_at(call, 422, "/way", "this CRM has no way of that name to sign in with a browser");
	else if (!good)
		cs_api_refuse(call, 409, "this CRM is not connected with a browser; give it a key");
	else
		memcpy(name, w->name, strlen(w->name) + 1);
	cs_manifest_unref(m);
	return good;
}

void
cs_api_connection_authorize(struct cs_api_call *call)
{
	CS_CLEANUP(cs_json_putp) json_object *body = NULL;
	struct cs_conn_row row;
	struct cs_change *c;
	char way[65];

	if (!cs_api_body(call, &body) || !cs_api_connection(call, call->param[0], &row) ||
	    !find_way(call, &row, cs_json_str(body, "way", NULL), way))
		return;
	if (call->conf->public_url[0] == '\0') {
		cs_api_refuse(call, 409, "the option public_url is not set, so the CRM would not find the way back");
		return;
	}
	c = cs_change_new(call, apply_link);
	c->id = row.id;
	c->text = cs_xcalloc(1, CS_TICKET_TEXT);
	cs_ticket_new(c->text);
	c->body = json_object_new_object();
	json_object_object_add(c->body, "crm", json_object_new_string(row.crm));
	json_object_object_add(c->body, "way", json_object_new_string(way));
	json_object_object_add(c->body, "public_url", json_object_new_string(call->conf->public_url));
	cs_change_put(c);
}

/* ---- grants that wait */

static bool
is_parked(struct cs_store *s, struct cs_arena *mem, const struct cs_conn_row *c, struct cs_token_row *t)
{
	return c->state == CS_CONN_PENDING && s->ops->token_get(s, c->id, mem, t, NULL) == 0 && t->gen > 0 &&
	    (c->account[0] == '\0' || t->for_conn != 0);
}

static void
put_parked(struct cs_view *v, const struct cs_conn_row *c, const struct cs_token_row *t)
{
	struct cs_conn_row of;

	cs_out_open(&v->out, NULL, '{');
	cs_out_string(&v->out, "id", c->public_id);
	cs_out_string(&v->out, "crm", c->crm);
	cs_out_text(&v->out, "remote_id", t->remote_id);
	cs_out_text(&v->out, "remote_name", t->remote_name);
	cs_out_text(&v->out, "account", c->account);
	cs_out_text(&v->out, "for_connection", t->for_conn != 0 && v->store->ops->conn_get(v->store, t->for_conn, v->mem, &of, NULL) == 0 ?
	                                           of.public_id : NULL);
	cs_out_time(&v->out, "since", c->state_since_ms);
	cs_out_time(&v->out, "until", c->state_since_ms + CS_PARKED_MS);
	cs_out_close(&v->out, '}');
}

static int
list_parked(struct cs_view *v, const struct cs_auth *who, struct cs_err *err)
{
	struct cs_conn_row *rows = cs_arena_alloc(v->mem, PAGE * sizeof(*rows));
	struct cs_token_row t;
	int64_t after = 0;
	int n;

	cs_out_open_list(&v->out);
	do {
		if ((n = v->store->ops->conn_list(v->store, after, v->mem, rows, PAGE, err)) < 0)
			return n;
		for (int i = 0; i < n; i++) {
			after = rows[i].id;
			if (is_parked(v->store, v->mem, &rows[i], &t) && (who->accounts[0] == '\0' || cs_auth_may(who, rows[i].account)))
				put_parked(v, &rows[i], &t);
		}
	} while (n == PAGE);
	cs_out_close_list(&v->out, 0);
	return 0;
}

void
cs_api_parked_list(struct cs_api_call *call)
{
	struct cs_view v;
	struct cs_err err;
	int rc;

	cs_api_view(call, &v);
	rc = list_parked(&v, &call->who, &err);
	cs_api_reply_view(call, &v, rc, &err);
}

static int
claim_for_connection(struct cs_change *c, struct cs_store *s, const struct cs_conn_row *from, const char *name, int64_t now_ms,
                     struct cs_conn_row *out, struct cs_err *err)
{
	int rc;

	if ((rc = cs_view_find_conn(s, &c->mem, name, out, err)) < 0 || !cs_auth_may(&c->who, out->account))
		return cs_change_refuse_at(c, 422, "/connection", "there is no such connection");
	c->wrote = true;
	if ((rc = cs_grant_take(s, c->api->vault, from->id, out->id, now_ms, &c->mem, err)) < 0)
		return rc;
	cs_tells_conn(&c->tells, from->id, false);
	cs_tells_conn(&c->tells, out->id, true);
	return s->ops->conn_get(s, out->id, &c->mem, out, err);
}

static int
claim_for_account(struct cs_change *c, struct cs_store *s, const struct cs_conn_row *from, const char *account, struct cs_conn_row *out,
                  struct cs_err *err)
{
	struct cs_token_row t;
	int rc;

	if (!cs_auth_may(&c->who, account))
		return cs_change_refuse_at(c, 403, "/account", "this key may not make connections of that account");
	if ((rc = s->ops->token_get(s, from->id, &c->mem, &t, err)) < 0)
		return rc;
	*out = *from;
	out->account = account;
	out->label = t.remote_name;
	out->state_reason = "nobody has confirmed yet that this is the right account";
	t.for_conn = 0;
	c->wrote = true;
	if ((rc = s->ops->conn_put(s, out, err)) < 0 || (rc = s->ops->token_put(s, &t, err)) < 0)
		return rc;
	cs_tells_conn(&c->tells, from->id, false);
	return s->ops->conn_get(s, from->id, &c->mem, out, err);
}

static int
apply_claim(struct cs_change *c, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	const char *connection = cs_json_str(c->body, "connection", ""), *account = cs_json_str(c->body, "account", "");
	struct cs_conn_row from, to;
	struct cs_token_row t;
	int rc;

	if ((rc = s->ops->conn_get(s, c->id, &c->mem, &from, err)) < 0)
		return rc;
	if (!is_parked(s, &c->mem, &from, &t))
		return cs_err_set(err, CS_ESTATE, "this is no grant that waits to be claimed");
	rc = connection[0] != '\0' ? claim_for_connection(c, s, &from, connection, now_ms, &to, err)
	                           : claim_for_account(c, s, &from, account, &to, err);
	if (rc < 0 || c->refused)
		return rc;
	cs_out_open(&c->out, NULL, '{');
	cs_render_connection(&c->out, &to);
	cs_out_close(&c->out, '}');
	return 0;
}

void
cs_api_parked_claim(struct cs_api_call *call)
{
	CS_CLEANUP(cs_json_putp) json_object *body = NULL;
	const char *connection, *account;
	struct cs_conn_row row;
	struct cs_change *c;

	if (!cs_api_body(call, &body))
		return;
	connection = cs_json_str(body, "connection", "");
	account = cs_json_str(body, "account", "");
	if ((connection[0] == '\0') == (account[0] == '\0')) {
		cs_api_refuse_at(call, 422, "", "say either \"connection\", whose access it becomes, or \"account\", whose new connection it becomes");
		return;
	}
	if (cs_view_find_conn(call->api->reader, &call->mem, call->param[0], &row, NULL) < 0 ||
	    (row.account[0] != '\0' && !cs_auth_may(&call->who, row.account))) {
		cs_api_refuse(call, 404, "there is no such grant");
		return;
	}
	c = cs_change_new(call, apply_claim);
	c->id = row.id;
	c->body = CS_STEAL(body);
	cs_change_put(c);
}
