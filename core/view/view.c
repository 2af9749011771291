/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view.c - see view.h: leads, deliveries, dead letters, alerts.
 */
#include "config.h"
#include "view/view.h"

#include <stdlib.h>
#include <string.h>
#include "util/text.h"

#define DELIVERIES_MAX 256 /* of a lead; the store has at most 255 */
#define SAME_EVENT_MAX 16
#define ALERTS_MAX 500

void
cs_view_init(struct cs_view *v, struct cs_store *s, struct cs_arena *mem, size_t max)
{
	v->store = s;
	v->mem = mem;
	cs_conns_init(&v->conns, s, mem);
	cs_buf_init(&v->out, max);
}

void
cs_view_fini(struct cs_view *v)
{
	cs_conns_fini(&v->conns);
	cs_buf_fini(&v->out);
}

bool
cs_view_holds(const char *accounts, const char *account)
{
	size_t want = strlen(account);

	if (accounts[0] == '\0')
		return true;
	for (const char *at = accounts + strspn(accounts, " "); *at != '\0'; at += strspn(at, " ")) {
		size_t n = strcspn(at, " ");

		if (n == want && memcmp(at, account, n) == 0)
			return true;
		at += n;
	}
	return false;
}

/* ---- leads */

typedef int (*put_delivery)(struct cs_view *v, const struct cs_delivery_row *d, struct cs_err *err);

static int
put_short(struct cs_view *v, const struct cs_delivery_row *d, struct cs_err *err CS_UNUSED)
{
	cs_render_delivery_short(&v->out, d, &v->conns);
	return 0;
}

static int
put_full(struct cs_view *v, const struct cs_delivery_row *d, struct cs_err *err CS_UNUSED)
{
	cs_render_delivery(&v->out, d, &v->conns);
	return 0;
}

static int
put_story(struct cs_view *v, const struct cs_delivery_row *d, struct cs_err *err)
{
	return cs_render_story(&v->out, d, &v->conns, err);
}

static int
put_deliveries(struct cs_view *v, int64_t lead_id, put_delivery put, struct cs_err *err)
{
	struct cs_delivery_row *rows = cs_arena_alloc(v->mem, DELIVERIES_MAX * sizeof(*rows));
	int rc = 0, n = v->store->ops->deliveries_of_lead(v->store, lead_id, v->mem, rows, DELIVERIES_MAX, err);

	cs_out_open(&v->out, "deliveries", '[');
	for (int i = 0; i < n && rc == 0; i++) {
		cs_out_open(&v->out, NULL, '{');
		rc = put(v, &rows[i], err);
		cs_out_close(&v->out, '}');
	}
	cs_out_close(&v->out, ']');
	return n < 0 ? n : rc;
}

static void
put_lead(struct cs_view *v, const struct cs_lead_row *l)
{
	cs_render_lead(&v->out, l);
	cs_out_json(&v->out, "warnings", l->warnings, strlen(l->warnings), "[]");
	cs_out_json(&v->out, "body", l->body.ptr, l->body.len, "null");
}

int
cs_view_leads(struct cs_view *v, const char *account, int64_t before_id, int max, struct cs_err *err)
{
	struct cs_lead_row *rows = cs_arena_alloc(v->mem, (size_t)max * sizeof(*rows));
	int rc = 0, n = v->store->ops->lead_list(v->store, account, before_id, v->mem, rows, max, err);

	cs_out_open_list(&v->out);
	for (int i = 0; i < n && rc == 0; i++) {
		cs_out_open(&v->out, NULL, '{');
		cs_render_lead(&v->out, &rows[i]);
		rc = put_deliveries(v, rows[i].id, put_short, err);
		cs_out_close(&v->out, '}');
	}
	cs_out_close_list(&v->out, n > 0 && n == max ? rows[n - 1].id : 0);
	return n < 0 ? n : rc;
}

int
cs_view_lead(struct cs_view *v, const struct cs_lead_row *lead, struct cs_err *err)
{
	int rc;

	cs_out_open(&v->out, NULL, '{');
	put_lead(v, lead);
	rc = put_deliveries(v, lead->id, put_full, err);
	cs_out_close(&v->out, '}');
	return rc;
}

int
cs_view_story(struct cs_view *v, const struct cs_lead_row *lead, struct cs_err *err)
{
	int rc;

	cs_out_open(&v->out, NULL, '{');
	cs_out_open(&v->out, "lead", '{');
	put_lead(v, lead);
	cs_out_close(&v->out, '}');
	rc = put_deliveries(v, lead->id, put_story, err);
	cs_out_close(&v->out, '}');
	return rc;
}

static int
find_event(struct cs_store *s, struct cs_arena *mem, const uint8_t event_id[16], const char *account, const char *accounts,
           struct cs_lead_row *out, struct cs_err *err)
{
	struct cs_lead_row rows[SAME_EVENT_MAX];
	int n = s->ops->lead_find(s, event_id, mem, rows, SAME_EVENT_MAX, err);

	for (int i = 0; i < n; i++)
		if (cs_view_holds(accounts, rows[i].account) && (account == NULL || strcmp(account, rows[i].account) == 0)) {
			*out = rows[i];
			return 0;
		}
	return n < 0 ? n : cs_err_set(err, CS_ENOTFOUND, "no such lead");
}

int
cs_view_find_lead(struct cs_store *s, struct cs_arena *mem, const char *id, const char *account, const char *accounts,
                  struct cs_lead_row *out, struct cs_err *err)
{
	uint8_t event_id[16];
	int rc;

	if (cs_uuid_parse(id, strlen(id), event_id) == 0)
		return find_event(s, mem, event_id, account, accounts, out, err);
	if (id[0] == '\0' || strlen(id) >= 19 || strspn(id, "0123456789") != strlen(id))
		return cs_err_set(err, CS_ENOTFOUND, "a lead's id is a number or its event_id");
	rc = s->ops->lead_get(s, strtoll(id, NULL, 10), mem, out, err);
	if (rc == 0 && !cs_view_holds(accounts, out->account))
		return cs_err_set(err, CS_ENOTFOUND, "no such lead");
	return rc;
}

/* ---- deliveries */

struct listing {
	struct cs_view *v;
	size_t n;
	int64_t last_id;
};

static int
put_row(void *ctx, const struct cs_delivery_row *row)
{
	struct listing *l = ctx;

	cs_view_delivery(l->v, row);
	l->last_id = row->id;
	l->n++;
	return 0;
}

int
cs_view_deliveries(struct cs_view *v, const struct cs_filter *f, struct cs_err *err)
{
	struct listing l = { .v = v };
	int rc;

	cs_out_open_list(&v->out);
	rc = v->store->ops->delivery_list(v->store, f, v->mem, put_row, &l, err);
	cs_out_close_list(&v->out, l.n == f->limit ? l.last_id : 0);
	return rc;
}

int
cs_view_delivery(struct cs_view *v, const struct cs_delivery_row *row)
{
	cs_out_open(&v->out, NULL, '{');
	cs_render_delivery(&v->out, row, &v->conns);
	cs_out_close(&v->out, '}');
	return 0;
}

int
cs_view_dead_letter(struct cs_view *v, const struct cs_delivery_row *row, struct cs_err *err)
{
	struct cs_lead_row lead;
	int rc;

	if (row->state != CS_DEAD)
		return cs_err_set(err, CS_ENOTFOUND, "it is no dead letter: it is %s", cs_delivery_state_name(row->state));
	if ((rc = v->store->ops->lead_get(v->store, row->lead_id, v->mem, &lead, err)) < 0)
		return rc;
	cs_out_open(&v->out, NULL, '{');
	cs_out_open(&v->out, "lead", '{');
	put_lead(v, &lead);
	cs_out_close(&v->out, '}');
	cs_out_open(&v->out, "delivery", '{');
	rc = put_story(v, row, err);
	cs_out_close(&v->out, '}');
	cs_out_close(&v->out, '}');
	return rc;
}

/* ---- alerts */

int
cs_view_alerts(struct cs_view *v, bool only_on, struct cs_err *err)
{
	struct cs_alert_row *rows = cs_arena_alloc(v->mem, ALERTS_MAX * sizeof(*rows));
	int n = v->store->ops->alert_list(v->store, only_on, v->mem, rows, ALERTS_MAX, err);

	cs_out_open_list(&v->out);
	for (int i = 0; i < n; i++) {
		cs_out_open(&v->out, NULL, '{');
		cs_render_alert(&v->out, &rows[i]);
		cs_out_close(&v->out, '}');
	}
	cs_out_close_list(&v->out, 0);
	return n < 0 ? n : 0;
}
