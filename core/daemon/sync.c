/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sync.c - comparing what the files say with the rows there are.
 */
#include "daemon/sync.h"
#include <stdlib.h>
#include <string.h>
#include "daemon/origin.h"
#include "log/log.h"
#include "queue/canary.h"
#include "queue/release.h"
#include "util/clock.h"
#include "util/map.h"

#define PAGE 256
#define GONE "no longer in the configuration files"
#define SWITCHED_OFF "paused in the configuration files"

struct sync {
	struct cs_store *store;
	const struct cs_vault *vault;
	struct cs_map rows;      /* hash(crm, name) -> struct cs_conn_row, unseen so far */
	struct cs_arena mem;
	int64_t now_ms, span_ms;
	void (*changed)(void *, int64_t, const char *);
	void *ctx;
	struct cs_sync_result *out;
};

static uint64_t
key_of(const char *crm, const char *name)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(1024);

	cs_buf_printf(&b, "%s/%s", crm, name);
	return cs_hash64(cs_buf_str(&b), b.len);
}

static int
read_rows(struct sync *y, struct cs_err *err)
{
	struct cs_conn_row page[PAGE];
	int64_t after = 0;
	int n;

	while ((n = y->store->ops->conn_list(y->store, after, &y->mem, page, PAGE, err)) > 0) {
		for (int i = 0; i < n; i++) {
			after = page[i].id;
			if (page[i].is_static)
				cs_map_put(&y->rows, key_of(page[i].crm, page[i].name),
				    cs_arena_dup(&y->mem, &page[i], sizeof(page[i])));
		}
		if (n < PAGE)
			break;
	}
	return n;
}

static bool
same(const struct cs_conn_row *a, const struct cs_conn_row *b)
{
	return strcmp(a->account, b->account) == 0 && strcmp(a->crm_account_id, b->crm_account_id) == 0 &&
	    strcmp(a->label, b->label) == 0 && strcmp(a->settings, b->settings) == 0 && strcmp(a->overrides, b->overrides) == 0 &&
	    strcmp(a->timezone, b->timezone) == 0 && strcmp(a->contacts, b->contacts) == 0 && a->subscribe == b->subscribe && a->state == b->state;
}

static enum cs_conn_state
state_now(const struct cs_conn_row *old, bool paused)
{
	if (paused)
		return CS_CONN_PAUSED;
	if (old == NULL || old->state == CS_CONN_NEEDS_REAUTH) /* the operator may have mended it: try */
		return CS_CONN_CONNECTED;
	if (old->state == CS_CONN_PAUSED && (strcmp(old->state_reason, GONE) == 0 || strcmp(old->state_reason, SWITCHED_OFF) == 0))
		return CS_CONN_CONNECTED;
	return old->state;
}

/* Returns whether anything had to be written. */
static int
put(struct sync *y, struct cs_conn_row *want, bool paused, struct cs_err *err)
{
	struct cs_conn_row *old = cs_map_del(&y->rows, key_of(want->crm, want->name));
	int rc;

	want->state = state_now(old, paused);
	want->state_reason = paused ? SWITCHED_OFF : "";
	want->is_static = true;
	want->changed_by = "configuration files";
	want->changed_ms = y->now_ms;
	want->check_ms = cs_canary_first(y->now_ms, key_of(want->crm, want->name));
	if (old != NULL) {
		want->id = old->id;
		want->public_id = old->public_id;
		want->facts = old->facts;
		if (want->state != CS_CONN_CONNECTED && !paused)
			want->state_reason = old->state_reason;
		if (want->timezone[0] == '\0')
			want->timezone = old->timezone;
		want->state_since_ms = old->state == want->state ? old->state_since_ms : y->now_ms;
		if (same(old, want))
			return 0;
	}
	if ((rc = y->store->ops->conn_put(y->store, want, err)) < 0)
		return rc;
	if (old == NULL)
		y->out->added++;
	else
		y->out->changed++;
	if ((rc = cs_release_orphans(y->store, want, y->now_ms, y->span_ms, NULL, err)) < 0)
		return rc;
	y->out->released += rc;
	if (y->changed != NULL)
		y->changed(y->ctx, want->id, want->crm);
	return 1;
}

static const char *
contacts_of(struct sync *y, const struct cs_conf_connection *c)
{
	json_object *list;
	const char *text;

	if (c->contacts.n == 0)
		return "";
	list = json_object_new_array();
	for (size_t i = 0; i < c->contacts.n; i++)
		json_object_array_add(list, json_object_new_string(c->contacts.v[i]));
	text = cs_arena_strdup(&y->mem, cs_json_text(list));
	json_object_put(list);
	return text;
}

static int
put_configured(struct sync *y, const struct cs_conf_crm *crm, const struct cs_conf_connection *c, struct cs_err *err)
{
	struct cs_conn_row want = { .name = c->name, .account = c->account, .crm = crm->name, .crm_account_id = c->crm_account_id,
		.label = c->label, .state_since_ms = y->now_ms, .subscribe = c->subscribe, .facts = "", .timezone = c->timezone };
	int written, dropped;

	want.settings = cs_arena_strdup(&y->mem, cs_json_text(c->values.settings));
	want.contacts = contacts_of(y, c);
	want.overrides = c->overrides != NULL ? cs_arena_strdup(&y->mem, cs_json_text(c->overrides)) : "";
	if ((written = put(y, &want, c->paused, err)) < 0 ||
	    (dropped = cs_origin_check(y->store, y->vault, want.id, &c->values, y->now_ms, err)) <= 0)
		return written < 0 ? written : dropped;
	cs_log(CS_LOG_INFO, "conf", "a secret was changed in the files: what the CRM gave for the old one counts no longer", "crm=%s connection=%s",
	    crm->name, c->name);
	y->out->changed += !written;
	if (!written && y->changed != NULL)
		y->changed(y->ctx, want.id, want.crm);
	return 0;
}

/* alerts.webhook is a connection of the webhook plugin like any other. */
static int
put_alerts(struct sync *y, const struct cs_conf *conf, struct cs_err *err)
{
	struct cs_conn_row want = { .name = CS_ALERTS_CONNECTION, .account = "*", .crm = "webhook", .crm_account_id = "", .label = "Alerts",
		.state_since_ms = y->now_ms, .subscribe = CS_SUB_ALERTS, .facts = "", .timezone = "", .overrides = "", .contacts = "" };
	json_object *settings;

	if (conf->alerts.webhook[0] == '\0')
		return 0;
	settings = json_object_new_object();
	json_object_object_add(settings, "url", json_object_new_string(conf->alerts.webhook));
	want.settings = cs_arena_strdup(&y->mem, cs_json_text(settings));
	json_object_put(settings);
	return put(y, &want, false, err);
}

static int
pause_gone(struct sync *y, struct cs_err *err)
{
	struct cs_conn_row *row;
	size_t at = 0;
	int rc = 0;

	while (rc >= 0 && (row = cs_map_next(&y->rows, &at, NULL)) != NULL) {
		if (row->state == CS_CONN_PAUSED && strcmp(row->state_reason, GONE) == 0)
			continue;
		rc = y->store->ops->conn_state(y->store, row->id, CS_CONN_PAUSED, GONE, y->now_ms, err);
		y->out->paused++;
		if (y->changed != NULL)
			y->changed(y->ctx, row->id, row->crm);
	}
	return rc;
}

int
cs_sync_connections(struct cs_store *s, const struct cs_vault *vault, const struct cs_conf *conf, int64_t now_ms, int64_t span_ms,
                    void (*changed)(void *ctx, int64_t conn_id, const char *crm), void *ctx, struct cs_sync_result *out,
                    struct cs_err *err)
{
	struct sync y = { .store = s, .vault = vault, .now_ms = now_ms, .span_ms = span_ms, .changed = changed, .ctx = ctx, .out = out };
	int rc;

	memset(out, 0, sizeof(*out));
	cs_map_init(&y.rows);
	cs_arena_init(&y.mem);
	rc = read_rows(&y, err);
	for (size_t i = 0; i < conf->n_crms && rc >= 0; i++)
		for (size_t k = 0; conf->crms[i].enabled && k < conf->crms[i].n_connections && rc >= 0; k++)
			rc = put_configured(&y, &conf->crms[i], &conf->crms[i].connections[k], err);
	if (rc >= 0)
		rc = put_alerts(&y, conf, err);
	if (rc >= 0)
		rc = pause_gone(&y, err);
	cs_map_fini(&y.rows);
	cs_arena_fini(&y.mem);
	return rc < 0 ? rc : 0;
}
