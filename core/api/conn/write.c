/* SPDX-License-Identifier: Apache-2.0 */
/*
 * write.c - dynamic connections: made, changed, confirmed, set back to an earlier version.
 *
 * What a client wants is checked against the manifest before it goes to the writer, where it is laid on the row as it is in the
 * transaction; a row that changed in between is a conflict. Secrets are sealed there, since only the row has the number they are
 * bound to. A connection whose CRM can say who is connected is `pending` until somebody has confirmed that: nothing is routed to it,
 * and what comes for it waits as dead letters that the confirmation sets free. Static connections belong to their file.
 */
#include "config.h"
#include "api/conn/ask.h"
#include "api/list/links.h"
#include "api/resources.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "log/log.h"
#include "queue/canary.h"
#include "queue/release.h"
#include "vault/vault.h"

#define ACCOUNT_MAX 256
#define UNCONFIRMED "nobody has confirmed yet that this is the right account"

struct write {
	struct cs_conn_draft draft;   /* texts in c->keep; settings and secrets in c->body */
	const char *settings;         /* JSON: what they are to be; NULL: as they are */
	const char *who;
	int64_t version;              /* that was looked at; 0: new */
	uint64_t random;
	bool needs_confirmation;
};

bool
cs_api_is_dynamic(struct cs_api_call *call, const struct cs_conn_row *row)
{
	const struct cs_conf_connection *sc = cs_view_configured(call->conf, row);

	if (!row->is_static)
		return true;
	if (sc != NULL)
		cs_api_refuse(call, 409, "this connection stands in %s, line %d: change it there and reload", sc->at.file, sc->at.line);
	else
		cs_api_refuse(call, 409, "this connection is made from the configuration files: change it there and reload");
	return false;
}

/* NULL: answered. */
static struct cs_manifest *
manifest_of(struct cs_api_call *call, const char *crm)
{
	struct cs_manifest *m = call->api->engine != NULL ? cs_engine_manifest(call->api->engine, crm) : NULL;

	if (call->api->engine == NULL)
		cs_api_refuse(call, 503, "no plugins are running");
	else if (m == NULL)
		cs_api_refuse_at(call, 422, "/crm", "no enabled plugin serves this CRM; `csrelay plugins` lists them");
	return m;
}

/* ---- in the transaction */

static int
put_secrets(struct cs_change *c, struct cs_store *s, const struct write *w, int64_t id, struct cs_err *err)
{
	char owner[40];
	int rc = 0;

	if (w->draft.secrets == NULL)
		return 0;
	snprintf(owner, sizeof(owner), "conn/%lld", (long long)id);
	json_object_object_foreach(w->draft.secrets, name, v) {
		CS_CLEANUP(cs_buf_fini) struct cs_buf sealed = CS_BUF_INIT(1u << 17);

		if (v == NULL)
			rc = s->ops->secret_delete(s, owner, name, err);
		else if ((rc = cs_vault_seal(c->api->vault, owner, name, json_object_get_string(v), (size_t)json_object_get_string_len(v),
		                             &sealed, err)) >= 0)
			rc = s->ops->secret_put(s, owner, name, (struct cs_bytes){ sealed.ptr, sealed.len }, err);
		if (rc < 0)
			break;
	}
	return rc < 0 ? rc : 0;
}

/* Leads that do not name the account at the CRM must not fit two connections. 1: refused. */
static int
refuse_twin(struct cs_change *c, struct cs_store *s, const struct cs_conn_row *row, struct cs_err *err)
{
	struct cs_conn_row *all = cs_arena_alloc(&c->mem, ACCOUNT_MAX * sizeof(*all));
	int n = s->ops->conn_of_account(s, row->account, &c->mem, all, ACCOUNT_MAX, err);

	for (int i = 0; i < n && (row->subscribe & CS_SUB_ROUTED) != 0; i++) {
		if (all[i].id == row->id || strcmp(all[i].crm, row->crm) != 0 || (all[i].subscribe & CS_SUB_ROUTED) == 0 ||
		    all[i].state == CS_CONN_PENDING || strcmp(all[i].crm_account_id, row->crm_account_id) != 0)
			continue;
		cs_change_refuse_at(c, 409, "/crm_account_id", "%s serves the same account, CRM and crm_account_id already", all[i].public_id);
		return 1;
	}
	return n < 0 ? n : 0;
}

static int
answer_connection(struct cs_change *c, struct cs_store *s, int64_t id, struct cs_err *err)
{
	struct cs_conn_row row;
	int rc = s->ops->conn_get(s, id, &c->mem, &row, err);

	if (rc < 0)
		return rc;
	cs_out_open(&c->out, NULL, '{');
	cs_render_connection(&c->out, &row);
	cs_out_close(&c->out, '}');
	return 0;
}

/* Dead letters that fit it now go out one by one. */
static int
release(struct cs_change *c, struct cs_store *s, int64_t id, int64_t now_ms, struct cs_err *err)
{
	int64_t per_lane[CS_LANES] = { 0 };
	struct cs_conn_row row;
	int rc = s->ops->conn_get(s, id, &c->mem, &row, err);

	if (rc < 0 || row.state != CS_CONN_CONNECTED)
		return rc;
	rc = cs_release_orphans(s, &row, now_ms, c->span_ms, per_lane, err);
	for (int lane = 0; lane < CS_LANES; lane++)
		if (per_lane[lane] > 0)
			cs_tells_backlog(&c->tells, id, row.crm, (enum cs_lane)lane, per_lane[lane]);
	return rc < 0 ? rc : 0;
}

/* ---- make */

static int
apply_make(struct cs_change *c, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	const struct write *w = c->more;
	const struct cs_conn_draft *d = &w->draft;
	struct cs_conn_row row = { .name = "", .account = d->account, .crm = d->crm, .crm_account_id = d->crm_account_id, .label = d->label,
		.state = w->needs_confirmation ? CS_CONN_PENDING : CS_CONN_CONNECTED, .state_reason = w->needs_confirmation ? UNCONFIRMED : "",
		.state_since_ms = now_ms, .subscribe = d->subscribe != 0 ? d->subscribe : CS_SUB_ROUTED, .settings = w->settings,
		.overrides = d->overrides, .facts = "", .timezone = d->timezone, .contacts = d->contacts,
		.check_ms = cs_canary_first(now_ms, w->random), .changed_by = w->who, .changed_ms = now_ms };
	int rc;

	row.crm_account_id = row.crm_account_id != NULL ? row.crm_account_id : "";
	if ((rc = refuse_twin(c, s, &row, err)) != 0)
		return rc < 0 ? rc : 0;
	if ((rc = s->ops->conn_put(s, &row, err)) < 0)
		return rc;
	c->wrote = true;
	c->status = 201;
	if ((rc = put_secrets(c, s, w, row.id, err)) < 0 || (rc = release(c, s, row.id, now_ms, err)) < 0)
		return rc;
	if (c->who.session_id != 0 && (rc = cs_link_bind(s, c->who.session_id, row.id, &c->mem, err)) < 0)
		return rc;
	cs_tells_conn(&c->tells, row.id, false);
	return answer_connection(c, s, row.id, err);
}

static bool
may_keep_secrets(struct cs_api_call *call, const struct cs_conn_draft *d)
{
	if (d->secrets == NULL || json_object_object_length(d->secrets) == 0 || call->api->vault != NULL)
		return true;
	cs_api_refuse(call, 503, "this daemon has no master key (vault.key_file), so it cannot keep secrets");
	return false;
}

static struct cs_change *
change_new(struct cs_api_call *call, int (*apply)(struct cs_change *, struct cs_store *, int64_t, struct cs_err *), struct write **out)
{
	struct cs_change *c = cs_change_new(call, apply);

	c->more = *out = cs_arena_alloc(&c->keep, sizeof(**out));
	(*out)->who = cs_auth_name(&call->who, &c->keep);
	(*out)->random = call->api->clock->random(call->api->clock);
	return c;
}

void
cs_api_connection_make(struct cs_api_call *call)
{
	CS_CLEANUP(cs_json_putp) json_object *body = NULL, *settings = NULL;
	struct cs_manifest *m = NULL;
	struct cs_change *c;
	struct write *w;

	if (!cs_api_body(call, &body))
		return;
	c = change_new(call, apply_make, &w);
	c->body = CS_STEAL(body);
	c->secret_body = true;
	if (!cs_conn_draft_read(&w->draft, c->body, true, &c->keep))
		cs_conn_draft_refuse(call->req, &w->draft);
	else if (!cs_auth_may(&call->who, w->draft.account))
		cs_api_refuse(call, 403, "this key may not make connections of that account");
	else if (may_keep_secrets(call, &w->draft) && (m = manifest_of(call, w->draft.crm)) != NULL) {
		settings = cs_conn_draft_settings(&w->draft, "");
		cs_conn_draft_check(&w->draft, m, cs_conf_crm_find(call->conf, m->name), settings, true);
		cs_conn_draft_keep_addresses(&w->draft, m, &call->who);
		w->settings = cs_arena_strdup(&c->keep, cs_json_text(settings));
		w->needs_confirmation = cs_manifest_signs_in(m) || m->identify.path != NULL || call->who.link_id != 0;
		cs_manifest_unref(m);
		if (w->draft.n_faults == 0) {
			cs_change_put(c);
			return;
		}
		cs_conn_draft_refuse(call->req, &w->draft);
	}
	cs_change_free(c);
}

/* ---- change */

static int
lay_draft(struct cs_change *c, struct cs_store *s, struct cs_conn_row *row, struct cs_err *err)
{
	const struct write *w = c->more;
	const struct cs_conn_draft *d = &w->draft;
	int rc;

	if ((rc = s->ops->conn_get(s, c->id, &c->mem, row, err)) < 0)
		return rc;
	if (row->version != w->version)
		return cs_err_set(err, CS_ECONFLICT, "somebody else has changed the connection meanwhile: look again");
	row->crm_account_id = d->crm_account_id != NULL ? d->crm_account_id : row->crm_account_id;
	row->label = d->label != NULL ? d->label : row->label;
	row->timezone = d->timezone != NULL ? d->timezone : row->timezone;
	row->contacts = d->contacts != NULL ? d->contacts : row->contacts;
	row->subscribe = d->subscribe != 0 ? d->subscribe : row->subscribe;
	row->overrides = d->overrides != NULL ? d->overrides : row->overrides;
	row->settings = w->settings != NULL ? w->settings : row->settings;
	row->changed_by = w->who;
	return 0;
}

static int
apply_change(struct cs_change *c, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	const struct write *w = c->more;
	struct cs_conn_row row;
	bool mended;
	int rc;

	if ((rc = lay_draft(c, s, &row, err)) < 0)
		return rc;
	if (row.state != CS_CONN_PENDING && (rc = refuse_twin(c, s, &row, err)) != 0)
		return rc < 0 ? rc : 0;
	mended = row.state == CS_CONN_NEEDS_REAUTH && w->draft.secrets != NULL; /* perhaps: the next lead shows it */
	if (mended) {
		row.state = CS_CONN_CONNECTED;
		row.state_reason = "";
		row.state_since_ms = now_ms;
	}
	row.changed_ms = now_ms;
	if ((rc = s->ops->conn_put(s, &row, err)) < 0)
		return rc;
	c->wrote = true;
	if ((rc = put_secrets(c, s, w, row.id, err)) < 0 || (rc = release(c, s, row.id, now_ms, err)) < 0)
		return rc;
	cs_tells_conn(&c->tells, row.id, mended);
	return answer_connection(c, s, row.id, err);
}

void
cs_api_connection_change(struct cs_api_call *call)
{
	CS_CLEANUP(cs_json_putp) json_object *body = NULL, *settings = NULL;
	struct cs_manifest *m = NULL;
	struct cs_conn_row row;
	struct cs_change *c;
	struct write *w;

	if (!cs_api_body(call, &body) || !cs_api_connection(call, call->param[0], &row) || !cs_api_is_dynamic(call, &row))
		return;
	c = change_new(call, apply_change, &w);
	c->body = CS_STEAL(body);
	c->secret_body = true;
	c->id = row.id;
	w->version = row.version;
	if (!cs_conn_draft_read(&w->draft, c->body, false, &c->keep))
		cs_conn_draft_refuse(call->req, &w->draft);
	else if (may_keep_secrets(call, &w->draft) && (m = manifest_of(call, row.crm)) != NULL) {
		settings = cs_conn_draft_settings(&w->draft, row.settings);
		cs_conn_draft_check(&w->draft, m, cs_conf_crm_find(call->conf, m->name), settings, false);
		cs_conn_draft_keep_addresses(&w->draft, m, &call->who);
		w->settings = cs_arena_strdup(&c->keep, cs_json_text(settings));
		if (w->draft.n_faults == 0) {
			cs_api_put_when_chosen(c, &w->draft, m);
			cs_manifest_unref(m);
			return;
		}
		cs_manifest_unref(m);
		cs_conn_draft_refuse(call->req, &w->draft);
	}
	cs_change_free(c);
}

/* ---- confirm */

static int
apply_confirm(struct cs_change *c, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	struct cs_conn_row row;
	struct cs_link_row link;
	int rc;

	if ((rc = s->ops->conn_get(s, c->id, &c->mem, &row, err)) < 0)
		return rc;
	if (row.state != CS_CONN_PENDING)
		return cs_err_set(err, CS_ESTATE, "the connection is %s: there is nothing to confirm", cs_conn_state_name(row.state));
	if ((rc = refuse_twin(c, s, &row, err)) != 0)
		return rc < 0 ? rc : 0;
	if (c->who.session_id != 0 && (rc = cs_link_win(s, c->who.session_id, &c->mem, now_ms, &link, err)) < 0)
		return rc;
	c->wrote = true;
	if ((rc = s->ops->conn_state(s, c->id, CS_CONN_CONNECTED, "", now_ms, err)) < 0)
		return rc;
	if ((rc = release(c, s, c->id, now_ms, err)) < 0)
		return rc;
	cs_tells_conn(&c->tells, c->id, true);
	return answer_connection(c, s, c->id, err);
}

/* What is to be asked for at the CRM before the change: these settings, as if a client had sent them. Takes them over. */
static void
ask_for(struct cs_change *c, struct write *w, json_object *settings)
{
	c->body = json_object_new_object();
	json_object_object_add(c->body, "settings", settings);
	w->draft.mem = &c->keep;
	w->draft.settings = settings;
}

/* A new connection could not be asked what there is to choose from: its keys had no place yet. Now it can, before anything goes there. */
void
cs_api_connection_confirm(struct cs_api_call *call)
{
	struct cs_manifest *m;
	struct cs_conn_row row;
	struct cs_change *c;
	struct write *w;

	if (!cs_api_connection(call, call->param[0], &row))
		return;
	c = change_new(call, apply_confirm, &w);
	c->id = row.id;
	m = call->api->engine != NULL ? cs_engine_manifest(call->api->engine, row.crm) : NULL;
	if (m == NULL || row.is_static || row.state != CS_CONN_PENDING) {
		cs_change_put(c);
	} else {
		ask_for(c, w, cs_conn_draft_settings(&w->draft, row.settings));
		cs_api_put_when_chosen(c, &w->draft, m);
	}
	cs_manifest_unref(m);
}

/* ---- versions */

void
cs_api_connection_versions(struct cs_api_call *call)
{
	struct cs_conn_row row;
	struct cs_view v;
	int64_t limit, before;
	struct cs_err err;

	if (!cs_api_connection(call, call->param[0], &row) || !cs_api_page(call, &limit, &before))
		return;
	cs_api_view(call, &v);
	cs_api_reply_view(call, &v, cs_view_versions(&v, &row, before, (int)limit, &err), &err);
}

/* False: answered. */
static bool
find_version(struct cs_api_call *call, const struct cs_conn_row *row, int64_t version, struct cs_conn_version *out)
{
	struct cs_store *s = call->api->reader;
	struct cs_err err;
	int n = s->ops->conn_versions(s, row->id, version + 1, &call->mem, out, 1, &err);

	if (n < 0)
		cs_api_fail(call, &err);
	else if (n == 0 || out->version != version)
		cs_api_refuse_at(call, 422, "/version", "there is no such version; `csrelay connections versions` lists them");
	return n > 0 && out->version == version;
}

/* What the old settings change of those that there are now (JSON text); null for what they did not have. The caller's. */
static json_object *
difference(const struct cs_conn_draft *d, json_object *old, const char *now)
{
	CS_CLEANUP(cs_json_putp) json_object *present = cs_conn_draft_settings(d, now);
	json_object *out = json_object_new_object(), *was;

	json_object_object_foreach(old, key, v)
		if (!json_object_equal(cs_json_get(present, key), v))
			json_object_object_add(out, key, json_object_get(v));
	json_object_object_foreach(present, name, there)
		if (there != NULL && !json_object_object_get_ex(old, name, &was))
			json_object_object_add(out, name, NULL);
	return out;
}

void
cs_api_connection_rollback(struct cs_api_call *call)
{
	CS_CLEANUP(cs_json_putp) json_object *body = NULL, *settings = NULL;
	struct cs_conn_version old;
	struct cs_conn_row row;
	struct cs_manifest *m;
	struct cs_change *c;
	struct write *w;

	if (!cs_api_body(call, &body) || !cs_api_connection(call, call->param[0], &row) || !cs_api_is_dynamic(call, &row) ||
	    !find_version(call, &row, cs_json_int(body, "version", 0), &old) || (m = manifest_of(call, row.crm)) == NULL)
		return;
	c = change_new(call, apply_change, &w);
	c->id = row.id;
	w->version = row.version;
	w->draft.mem = &c->keep;
	settings = cs_conn_draft_settings(&w->draft, old.settings);
	cs_conn_draft_check(&w->draft, m, cs_conf_crm_find(call->conf, m->name), settings, false);
	w->settings = cs_arena_strdup(&c->keep, old.settings);
	w->draft.overrides = cs_arena_strdup(&c->keep, old.overrides);
	if (w->draft.n_faults == 0) {
		ask_for(c, w, difference(&w->draft, settings, row.settings));
		cs_api_put_when_chosen(c, &w->draft, m);
	} else {
		cs_conn_draft_refuse(call->req, &w->draft);
		cs_change_free(c);
	}
	cs_manifest_unref(m);
}
