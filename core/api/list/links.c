/* SPDX-License-Identifier: Apache-2.0 */
/*
 * links.c - links for connecting: made for one account, good for a short time and one success (connect/ says what becomes of them).
 *
 * The address is shown once and kept as a hash. Opening it does not use it up, since programs that look at mail open links, too: each
 * opening makes a browser's session of its own, and the first of them that says which account it is ends the link and all the others.
 */
#include "config.h"
#include "api/list/links.h"

#include <string.h>
#include "api/resources.h"
#include "auth/ticket.h"
#include "http/url.h"
#include "util/clock.h"

#define MINUTES_MIN 5
#define MINUTES_MAX 1440
#define MINUTES 30
#define ACCOUNT_MAX_BYTES 128

/* ---- new */

struct draft {
	struct cs_link_row row;
	const char *connection, *url; /* connection: its public id; NULL */
};

/* Keys of people pass there. False: answered. */
static bool
can_be_reached(struct cs_api_call *call)
{
	const char *url = call->conf->public_url;
	struct cs_url_origin o;

	if (url[0] == '\0')
		cs_api_refuse(call, 409, "the option public_url is not set, so nobody could open a link");
	else if (strchr(strstr(url, "://") + 3, '/') != NULL)
		cs_api_refuse(call, 409, "the option public_url has a path, and the pages for connecting need a host of their own");
	else if (cs_url_check(url, true, &o, NULL) < 0 || (o.plain && !cs_auth_host_ok(o.host, NULL, 0)))
		cs_api_refuse(call, 409, "the option public_url is not https, so keys that are entered there could be read on their way");
	else
		return true;
	return false;
}

/* What a key is bound to are words with spaces between, and so is what a link may do. */
static bool
is_account(const char *s)
{
	return s[0] != '\0' && strlen(s) <= ACCOUNT_MAX_BYTES && strcspn(s, " \t\r\n") == strlen(s);
}

/* The account of the body, of the connection, or the only one of the key. False: answered. */
static bool
find_account(struct cs_api_call *call, const char *wanted, const struct cs_conn_row *conn, const char **out)
{
	const char *only = call->who.accounts;

	*out = wanted;
	if (*out == NULL && conn != NULL)
		*out = conn->account;
	if (*out == NULL && only[0] != '\0' && strchr(only, ' ') == NULL)
		*out = only;
	if (*out == NULL)
		cs_api_refuse_at(call, 422, "/account", "is required: the CallSetter account it is for");
	else if (!is_account(*out))
		cs_api_refuse_at(call, 422, "/account", "must be an account id without spaces, at most %d bytes", ACCOUNT_MAX_BYTES);
	else if (!cs_auth_may(&call->who, *out))
		cs_api_refuse(call, 403, "this key may not make links for that account");
	else if (conn != NULL && strcmp(conn->account, *out) != 0)
		cs_api_refuse_at(call, 422, "/connection", "belongs to another account");
	else
		return true;
	return false;
}

/* False: answered. */
static bool
is_served(struct cs_api_call *call, const char *crm)
{
	struct cs_manifest *m = call->api->engine != NULL ? cs_engine_manifest(call->api->engine, crm) : NULL;

	if (m == NULL)
		cs_api_refuse_at(call, 422, "/crm", "no enabled plugin serves this CRM; `csrelay plugins` lists them");
	cs_manifest_unref(m);
	return m != NULL;
}

/* An optional text member. False: answered. */
static bool
read_text(struct cs_api_call *call, json_object *body, const char *key, const char **out)
{
	json_object *v = cs_json_get(body, key);

	*out = NULL;
	if (v == NULL)
		return true;
	if (json_object_is_type(v, json_type_string) && json_object_get_string_len(v) > 0) {
		*out = cs_arena_strdup(&call->mem, json_object_get_string(v));
		return true;
	}
	cs_api_refuse_at(call, 422, cs_arena_printf(&call->mem, "/%s", key), "must be a text that is not empty");
	return false;
}

static bool
read_minutes(struct cs_api_call *call, json_object *body, int64_t *out)
{
	json_object *v = cs_json_get(body, "minutes");

	*out = v == NULL ? MINUTES : json_object_is_type(v, json_type_int) ? json_object_get_int64(v) : 0;
	if (*out >= MINUTES_MIN && *out <= MINUTES_MAX)
		return true;
	cs_api_refuse_at(call, 422, "/minutes", "must be a whole number from %d to %d", MINUTES_MIN, MINUTES_MAX);
	return false;
}

/* False: answered. */
static bool
read_draft(struct cs_api_call *call, json_object *body, struct draft *d)
{
	const char *account, *crm, *connection;
	struct cs_conn_row conn;
	int64_t minutes;

	if (!read_text(call, body, "account", &account) || !read_text(call, body, "crm", &crm) ||
	    !read_text(call, body, "connection", &connection) || !read_minutes(call, body, &minutes) ||
	    (connection != NULL && !cs_api_connection(call, connection, &conn)) ||
	    !find_account(call, account, connection != NULL ? &conn : NULL, &account))
		return false;
	if (connection != NULL && crm != NULL && strcmp(crm, conn.crm) != 0) {
		cs_api_refuse_at(call, 422, "/crm", "the connection is one to %s", conn.crm);
		return false;
	}
	crm = connection != NULL ? conn.crm : crm;
	if (crm != NULL && !is_served(call, crm))
		return false;
	d->connection = connection != NULL ? conn.public_id : NULL;
	d->row = (struct cs_link_row){ .any_crm = crm == NULL, .account = account, .crm = crm != NULL ? crm : "",
		.conn_id = connection != NULL ? conn.id : 0, .life_ms = minutes * CS_MINUTE_MS, .who = cs_auth_name(&call->who, &call->mem) };
	return true;
}

static const char *const state_words[] = { [CS_LINK_OPEN] = "open", [CS_LINK_DONE] = "connected", [CS_LINK_FINISHED] = "finished" };

static void
put_link(struct cs_buf *b, const struct cs_link_row *l, const char *connection)
{
	cs_out_int(b, "id", l->id);
	cs_out_string(b, "account", l->account);
	cs_out_text(b, "crm", l->crm);
	cs_out_text(b, "connection", connection);
	cs_out_string(b, "state", state_words[l->state]);
	cs_out_int(b, "openings", l->openings);
	cs_out_string(b, "by", l->who);
	cs_out_time(b, "created_at", l->created_ms);
	cs_out_time(b, "expires_at", l->expires_ms);
	cs_out_time(b, "ends_at", l->last_ms);
}

static int
apply_new(struct cs_change *c, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	const struct draft *d = c->more;
	struct cs_link_row row = d->row;
	int rc;

	row.created_ms = now_ms;
	row.expires_ms = row.last_ms = now_ms + row.life_ms;
	if ((rc = s->ops->link_put(s, &row, err)) < 0)
		return rc;
	c->wrote = true;
	c->status = 201;
	cs_out_open(&c->out, NULL, '{');
	put_link(&c->out, &row, d->connection);
	cs_out_string(&c->out, "url", cs_arena_printf(&c->mem, "%s/connect/%s", d->url, c->text));
	cs_out_close(&c->out, '}');
	return 0;
}

void
cs_api_link_new(struct cs_api_call *call)
{
	CS_CLEANUP(cs_json_putp) json_object *body = NULL;
	struct draft d = { .connection = NULL }, *kept;
	struct cs_change *c;

	if (!cs_api_body(call, &body) || !can_be_reached(call) || !read_draft(call, body, &d))
		return;
	c = cs_change_new(call, apply_new);
	c->more = kept = cs_arena_dup(&c->keep, &d, sizeof(d));
	kept->url = cs_arena_strdup(&c->keep, call->conf->public_url);
	kept->connection = d.connection != NULL ? cs_arena_strdup(&c->keep, d.connection) : NULL;
	kept->row.account = cs_arena_strdup(&c->keep, d.row.account);
	kept->row.crm = cs_arena_strdup(&c->keep, d.row.crm);
	kept->row.who = cs_arena_strdup(&c->keep, d.row.who);
	c->text = cs_xcalloc(1, CS_TICKET_TEXT);
	cs_ticket_new(c->text);
	cs_ticket_hash(c->text, kept->row.hash);
	cs_change_put(c);
}

/* ---- list */

static bool
is_alive(const struct cs_link_row *l, int64_t now_ms)
{
	return l->last_ms > now_ms && l->state != CS_LINK_FINISHED;
}

static void
put_row(struct cs_view *v, const struct cs_link_row *l)
{
	const struct cs_conn_row *conn = l->conn_id != 0 ? cs_conns_get(&v->conns, l->conn_id) : NULL;

	cs_out_open(&v->out, NULL, '{');
	put_link(&v->out, l, conn != NULL ? conn->public_id : NULL);
	cs_out_close(&v->out, '}');
}

static int
list(struct cs_view *v, const struct cs_auth *who, int64_t now_ms, int64_t before, int max, struct cs_err *err)
{
	struct cs_link_row *rows = cs_arena_alloc(v->mem, (size_t)(max + 1) * sizeof(*rows));
	int n = v->store->ops->link_list(v->store, before, v->mem, rows, max + 1, err);

	if (n < 0)
		return n;
	cs_out_open_list(&v->out);
	for (int i = 0; i < n && i < max; i++)
		if (is_alive(&rows[i], now_ms) && cs_auth_may(who, rows[i].account))
			put_row(v, &rows[i]);
	cs_out_close_list(&v->out, n > max ? rows[max - 1].id : 0);
	return 0;
}

void
cs_api_links_list(struct cs_api_call *call)
{
	int64_t limit, before;
	struct cs_view v;
	struct cs_err err;
	int rc;

	if (!cs_api_page(call, &limit, &before))
		return;
	cs_api_view(call, &v);
	rc = list(&v, &call->who, cs_now_ms(call->api->clock), before, (int)limit, &err);
	cs_api_reply_view(call, &v, rc, &err);
}

/* ---- revoke */

static int
apply_delete(struct cs_change *c, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	struct cs_link_row row;
	int rc;

	if ((rc = s->ops->link_get(s, c->id, &c->mem, &row, err)) < 0)
		return rc;
	if (!cs_auth_may(&c->who, row.account) || !is_alive(&row, now_ms))
		return cs_err_set(err, CS_ENOTFOUND, "no such link");
	if ((rc = s->ops->link_end(s, c->id, 0, now_ms, err)) < 0)
		return rc;
	return cs_change_answer_deleted(c);
}

void
cs_api_link_delete(struct cs_api_call *call)
{
	struct cs_change *c;
	int64_t id;

	if (!cs_api_id(call, &id))
		return;
	c = cs_change_new(call, apply_delete);
	c->id = id;
	cs_change_put(c);
}

/* ---- what sessions do to their link */

int
cs_link_bind(struct cs_store *s, int64_t session_id, int64_t conn_id, struct cs_arena *mem, struct cs_err *err)
{
	struct cs_link_session_row row;
	int rc = s->ops->link_session_get(s, session_id, mem, &row, err);

	if (rc < 0)
		return rc;
	row.conn_id = conn_id;
	return s->ops->link_session_put(s, &row, err);
}

int
cs_link_win(struct cs_store *s, int64_t session_id, struct cs_arena *mem, int64_t now_ms, struct cs_link_row *link, struct cs_err *err)
{
	struct cs_link_session_row row;
	int rc;

	if ((rc = s->ops->link_session_get(s, session_id, mem, &row, err)) < 0 || (rc = s->ops->link_get(s, row.link_id, mem, link, err)) < 0)
		return rc;
	if (row.has_won)
		return 0;
	if (link->state != CS_LINK_OPEN || row.expires_ms <= now_ms)
		return cs_err_set(err, CS_ESTATE, "the link is over: somebody else with it was first, or it was revoked");
	row.has_won = true;
	link->state = CS_LINK_DONE;
	link->crm = row.crm;
	link->conn_id = row.conn_id;
	if ((rc = s->ops->link_session_put(s, &row, err)) < 0 || (rc = s->ops->link_put(s, link, err)) < 0)
		return rc;
	return s->ops->link_end(s, link->id, row.id, now_ms, err);
}
