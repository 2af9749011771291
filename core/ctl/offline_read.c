/* SPDX-License-Identifier: Apache-2.0 */
/*
 * offline_read.c - see offline_read.h.
 */
#include "config.h"
#include <stdlib.h>
#include <string.h>
#include "ctl/offline_read.h"
#include "lead/lead.h"
#include "util/clock.h"
#include "util/text.h"

#define LIMIT 50
#define LIMIT_MAX 500
#define OF_A_LEAD 256
#define SAME_EVENT 16
#define AGES 10

static int64_t
number(const struct cs_ctl_offline *o, const char *name, int64_t dflt)
{
	const char *s = cs_ctl_offline_param(o, name);

	return s != NULL ? strtoll(s, NULL, 10) : dflt;
}

static int64_t
limit(const struct cs_ctl_offline *o)
{
	int64_t n = number(o, "limit", LIMIT);

	return n < 1 ? 1 : n > LIMIT_MAX ? LIMIT_MAX : n;
}

static int
read_id(const struct cs_ctl_offline *o, int64_t *id, struct cs_err *err)
{
	char *end;

	*id = strtoll(o->id, &end, 10);
	return *end == '\0' && *id > 0 ? 0
				       : cs_err_set(err, CS_ENOTFOUND, "a delivery's id is a number above 0");
}

/* ---- leads */

typedef int (*render)(struct cs_ctl_offline *o, const struct cs_delivery_row *d, struct cs_err *err);

static int
render_short(struct cs_ctl_offline *o, const struct cs_delivery_row *d, struct cs_err *err CS_UNUSED)
{
	cs_render_delivery_short(&o->out, d, &o->conns);
	return 0;
}

static int
render_story(struct cs_ctl_offline *o, const struct cs_delivery_row *d, struct cs_err *err)
{
	return cs_render_story(&o->out, d, &o->conns, err);
}

static int
put_deliveries(struct cs_ctl_offline *o, int64_t lead_id, render put, struct cs_err *err)
{
	struct cs_delivery_row *rows = cs_arena_alloc(o->mem, OF_A_LEAD * sizeof(*rows));
	int rc = 0, n = o->store->ops->deliveries_of_lead(o->store, lead_id, o->mem, rows, OF_A_LEAD, err);

	cs_out_open(&o->out, "deliveries", '[');
	for (int i = 0; i < n && rc == 0; i++) {
		cs_out_open(&o->out, NULL, '{');
		rc = put(o, &rows[i], err);
		cs_out_close(&o->out, '}');
	}
	cs_out_close(&o->out, ']');
	return n < 0 ? n : rc;
}

int
cs_ctl_offline_leads(struct cs_ctl_offline *o, struct cs_err *err)
{
	int max = (int)limit(o), n, rc = 0;
	struct cs_lead_row *rows = cs_arena_alloc(o->mem, (size_t)max * sizeof(*rows));

	n = o->store->ops->lead_list(o->store, cs_ctl_offline_param(o, "account"), number(o, "before", 0),
				     o->mem, rows, max, err);
	cs_out_open_list(&o->out);
	for (int i = 0; i < n && rc == 0; i++) {
		cs_out_open(&o->out, NULL, '{');
		cs_render_lead(&o->out, &rows[i]);
		rc = put_deliveries(o, rows[i].id, render_short, err);
		cs_out_close(&o->out, '}');
	}
	cs_out_close_list(&o->out, n == max ? rows[n - 1].id : 0);
	return n < 0 ? n : rc;
}

static int
find_lead(struct cs_ctl_offline *o, struct cs_lead_row *out, struct cs_err *err)
{
	const char *account = cs_ctl_offline_param(o, "account");
	struct cs_lead_row rows[SAME_EVENT];
	uint8_t event_id[16];
	int64_t id;
	int n;

	if (read_id(o, &id, NULL) == 0)
		return o->store->ops->lead_get(o->store, id, o->mem, out, err);
	if (cs_uuid_parse(o->id, strlen(o->id), event_id) < 0) {
		cs_err_set(err, CS_ENOTFOUND, "a lead's id is a number or its event_id");
		return CS_ENOTFOUND;
	}
	n = o->store->ops->lead_find(o->store, event_id, o->mem, rows, SAME_EVENT, err);
	for (int i = 0; i < n; i++)
		if (account == NULL || strcmp(account, rows[i].account) == 0) {
			*out = rows[i];
			return 0;
		}
	if (n >= 0)
		cs_err_set(err, CS_ENOTFOUND, "no such lead");
	return n < 0 ? n : CS_ENOTFOUND;
}

static void
put_lead(struct cs_ctl_offline *o, const struct cs_lead_row *lead)
{
	cs_out_open(&o->out, "lead", '{');
	cs_render_lead(&o->out, lead);
	cs_out_json(&o->out, "warnings", lead->warnings, strlen(lead->warnings), "[]");
	cs_out_json(&o->out, "body", lead->body.ptr, lead->body.len, "null");
	cs_out_close(&o->out, '}');
}

int
cs_ctl_offline_story(struct cs_ctl_offline *o, struct cs_err *err)
{
	struct cs_lead_row lead;
	int rc;

	if ((rc = find_lead(o, &lead, err)) < 0)
		return rc;
	cs_out_open(&o->out, NULL, '{');
	put_lead(o, &lead);
	rc = put_deliveries(o, lead.id, render_story, err);
	cs_out_close(&o->out, '}');
	return rc;
}

/* ---- deliveries */

struct listing {
	struct cs_ctl_offline *o;
	int64_t n, last;
};

static int
put_row(void *ctx, const struct cs_delivery_row *row)
{
	struct listing *l = ctx;

	cs_out_open(&l->o->out, NULL, '{');
	cs_render_delivery(&l->o->out, row, &l->o->conns);
	cs_out_close(&l->o->out, '}');
	l->last = row->id;
	l->n++;
	return 0;
}

/* The word's place in a row of names; what is not there is said. */
static int
place_of(const char *word, const char *what, const char *(*name)(int), int n, int *out, struct cs_err *err)
{
	for (int i = 0; word != NULL && i < n; i++)
		if (strcmp(name(i), word) == 0) {
			*out = i;
			return 0;
		}
	return word == NULL ? 0 : cs_err_set(err, CS_EINVAL, "there is no %s \"%.40s\"", what, word);
}

static const char *
state_word(int s)
{
	return cs_state_name((enum cs_state)s);
}

static const char *
blame_word(int b)
{
	return cs_blame_name((enum cs_blame)b);
}

static const char *
urgency_word(int u)
{
	return cs_urgency_name((enum cs_urgency)u);
}

static int
read_connection(struct cs_ctl_offline *o, struct cs_filter *f, struct cs_err *err)
{
	const char *name = cs_ctl_offline_param(o, "connection");
	struct cs_conn_row row;
	int rc;

	if (name == NULL)
		return 0;
	if (strcmp(name, "none") == 0) {
		f->conn_id = 0;
		return 0;
	}
	if ((rc = o->store->ops->conn_find(o->store, name, o->mem, &row, err)) == 0)
		f->conn_id = row.id;
	return rc;
}

static void
read_time(const struct cs_ctl_offline *o, const char *name, int64_t *ms)
{
	const char *s = cs_ctl_offline_param(o, name);
	bool has_zone;

	if (s != NULL)
		cs_time_parse(s, strlen(s), true, ms, &has_zone);
}

static int
read_filter(struct cs_ctl_offline *o, struct cs_filter *f, struct cs_err *err)
{
	int rc, state = -1;

	*f = (struct cs_filter){ .conn_id = -1, .blame = -1, .urgency = -1, .limit = (size_t)limit(o) };
	f->crm = cs_ctl_offline_param(o, "crm");
	f->account = cs_ctl_offline_param(o, "account");
	f->before_id = number(o, "before", 0);
	read_time(o, "since", &f->created_from_ms);
	read_time(o, "until", &f->created_to_ms);
	if ((rc = place_of(cs_ctl_offline_param(o, "state"), "state", state_word, CS_DISCARDED + 1, &state,
			   err)) < 0 ||
	    (rc = place_of(cs_ctl_offline_param(o, "blame"), "blame", blame_word, CS_BLAME_US + 1, &f->blame,
			   err)) < 0 ||
	    (rc = place_of(cs_ctl_offline_param(o, "urgency"), "urgency", urgency_word,
			   CS_URGENCY_FLEXIBLE + 1, &f->urgency, err)) < 0)
		return rc;
	if (state >= 0)
		f->states = state == CS_IN_HAND ? CS_STATES_IN_HAND : CS_STATE_BIT(state);
	return read_connection(o, f, err);
}

static int
put_list(struct cs_ctl_offline *o, uint32_t states, struct cs_err *err)
{
	struct listing l = { .o = o };
	struct cs_filter f;
	int rc;

	if ((rc = read_filter(o, &f, err)) < 0)
		return rc;
	if (states != 0)
		f.states = states;
	cs_out_open_list(&o->out);
	rc = o->store->ops->delivery_list(o->store, &f, o->mem, put_row, &l, err);
	cs_out_close_list(&o->out, l.n == (int64_t)f.limit ? l.last : 0);
	return rc;
}

int
cs_ctl_offline_deliveries(struct cs_ctl_offline *o, struct cs_err *err)
{
	return put_list(o, 0, err);
}

int
cs_ctl_offline_dead_letters(struct cs_ctl_offline *o, struct cs_err *err)
{
	return put_list(o, CS_STATE_BIT(CS_DEAD), err);
}

int
cs_ctl_offline_dead_letter(struct cs_ctl_offline *o, struct cs_err *err)
{
	struct cs_delivery_row row;
	struct cs_lead_row lead;
	int64_t id;
	int rc;

	if ((rc = read_id(o, &id, err)) < 0 ||
	    (rc = o->store->ops->delivery_get(o->store, id, o->mem, &row, err)) < 0)
		return rc;
	if (row.state != CS_DEAD)
		return cs_err_set(err, CS_ENOTFOUND, "it is no dead letter: it is %s",
				  cs_delivery_state_name(row.state));
	if ((rc = o->store->ops->lead_get(o->store, row.lead_id, o->mem, &lead, err)) < 0)
		return rc;
	cs_out_open(&o->out, NULL, '{');
	put_lead(o, &lead);
	cs_out_open(&o->out, "delivery", '{');
	rc = cs_render_story(&o->out, &row, &o->conns, err);
	cs_out_close(&o->out, '}');
	cs_out_close(&o->out, '}');
	return rc;
}

/* ---- the queue */

struct shape_row {
	const char *crm;
	int64_t conn_id, total, ages[AGES];
};
struct shape {
	struct cs_arena *mem;
	struct shape_row *v;
	size_t n, cap;
};

static int
note_shape(void *ctx, const char *crm, int64_t conn_id, const int64_t ages[AGES])
{
	struct shape *s = ctx;
	struct shape_row *row;

	if (s->n == s->cap) {
		s->cap = s->cap > 0 ? s->cap * 2 : 64;
		s->v = cs_xrealloc(s->v, s->cap * sizeof(*s->v));
	}
	row = &s->v[s->n++];
	*row = (struct shape_row){ .crm = cs_arena_strdup(s->mem, crm), .conn_id = conn_id };
	for (int i = 0; i < AGES; i++)
		row->total += row->ages[i] = ages[i];
	return 0;
}

/* By CRM, the fullest connection first. */
static int
compare(const void *a, const void *b)
{
	const struct shape_row *x = a, *y = b;
	int by_crm = strcmp(x->crm, y->crm);

	return by_crm != 0		 ? by_crm
	       : x->total != y->total	 ? (x->total < y->total ? 1 : -1)
	       : x->conn_id < y->conn_id ? -1
					 : 1;
}

static void
put_ages(struct cs_buf *b, int64_t total, const int64_t ages[AGES])
{
	cs_out_int(b, "total", total);
	cs_out_open(b, "ages", '[');
	for (int i = 0; i < AGES; i++)
		cs_out_int(b, NULL, ages[i]);
	cs_out_close(b, ']');
}

/* rows[0 .. n-1] are of one CRM. */
static void
put_crm(struct cs_ctl_offline *o, const struct shape_row *rows, size_t n)
{
	int64_t total = 0, ages[AGES] = { 0 };

	for (size_t i = 0; i < n; i++)
		for (int k = 0; k < AGES; k++)
			total += rows[i].ages[k], ages[k] += rows[i].ages[k];
	cs_out_open(&o->out, NULL, '{');
	cs_out_string(&o->out, "crm", rows[0].crm);
	put_ages(&o->out, total, ages);
	cs_out_open(&o->out, "connections", '[');
	for (size_t i = 0; i < n; i++) {
		const struct cs_conn_row *c = cs_conns_get(&o->conns, rows[i].conn_id);

		cs_out_open(&o->out, NULL, '{');
		cs_out_text(&o->out, "connection", c != NULL ? c->public_id : NULL);
		cs_out_text(&o->out, "name", c != NULL ? c->name : NULL);
		cs_out_text(&o->out, "label", c != NULL ? c->label : NULL);
		cs_out_text(&o->out, "state", c != NULL ? cs_conn_state_name(c->state) : NULL);
		put_ages(&o->out, rows[i].total, rows[i].ages);
		cs_out_close(&o->out, '}');
	}
	cs_out_close(&o->out, ']');
	cs_out_close(&o->out, '}');
}

int
cs_ctl_offline_queue(struct cs_ctl_offline *o, struct cs_err *err)
{
	struct shape s = { .mem = o->mem };
	int rc = o->store->ops->queue_shape(o->store, o->now_ms, note_shape, &s, err);

	if (rc == 0 && s.n > 0)
		qsort(s.v, s.n, sizeof(*s.v), compare);
	cs_out_open(&o->out, NULL, '{');
	cs_out_open(&o->out, "crms", '[');
	for (size_t at = 0, end; at < s.n; at = end) {
		for (end = at; end < s.n && strcmp(s.v[end].crm, s.v[at].crm) == 0;)
			end++;
		put_crm(o, &s.v[at], end - at);
	}
	cs_out_close(&o->out, ']');
	cs_out_open(&o->out, "buckets_minutes", '[');
	for (int64_t edge = 5, i = 0; i < AGES - 1; i++, edge *= 2)
		cs_out_int(&o->out, NULL, edge);
	cs_out_close(&o->out, ']');
	cs_out_close(&o->out, '}');
	free(s.v);
	return rc;
}

/* ---- connections and alerts */

struct backlog {
	int64_t conn_id;
	struct cs_ctl_offline *o;
};

static int
put_lane(void *ctx, const struct cs_backlog *b)
{
	struct backlog *w = ctx;

	if (b->conn_id == w->conn_id && b->count > 0)
		cs_out_int(&w->o->out, cs_lane_name(b->lane), b->count);
	return 0;
}

static int
put_connection(struct cs_ctl_offline *o, const struct cs_conn_row *c, struct cs_err *err)
{
	struct backlog w = { c->id, o };
	const char *names[64], *owner = cs_arena_printf(o->mem, "conn/%lld", (long long)c->id);
	int rc, n = o->store->ops->secret_list(o->store, owner, o->mem, names, (int)CS_ARRAY_LEN(names), err);

	cs_out_open(&o->out, NULL, '{');
	cs_render_connection(&o->out, c);
	cs_out_open(&o->out, "secrets", '[');
	for (int i = 0; i < n; i++)
		cs_out_string(&o->out, NULL, names[i]);
	cs_out_close(&o->out, ']');
	cs_out_open(&o->out, "backlog", '{');
	rc = o->store->ops->backlogs(o->store, put_lane, &w, err);
	cs_out_close(&o->out, '}');
	cs_out_close(&o->out, '}');
	return n < 0 ? n : rc;
}

static bool
is_wanted(const struct cs_ctl_offline *o, const struct cs_conn_row *c)
{
	const char *crm = cs_ctl_offline_param(o, "crm"), *account = cs_ctl_offline_param(o, "account");

	return (crm == NULL || strcmp(crm, c->crm) == 0) &&
	       (account == NULL || strcmp(account, c->account) == 0);
}

/* A page of the store is a page of the answer, whatever of it is wanted. */
int
cs_ctl_offline_connections(struct cs_ctl_offline *o, struct cs_err *err)
{
	int max = (int)limit(o), rc = 0, n;
	struct cs_conn_row *rows = cs_arena_alloc(o->mem, (size_t)max * sizeof(*rows));

	n = o->store->ops->conn_list(o->store, number(o, "before", 0), o->mem, rows, max, err);
	cs_out_open_list(&o->out);
	for (int i = 0; i < n && rc == 0; i++)
		if (is_wanted(o, &rows[i]))
			rc = put_connection(o, &rows[i], err);
	cs_out_close_list(&o->out, n == max ? rows[n - 1].id : 0);
	return n < 0 ? n : rc;
}

int
cs_ctl_offline_connection(struct cs_ctl_offline *o, struct cs_err *err)
{
	struct cs_conn_row row;
	int rc = o->store->ops->conn_find(o->store, o->id, o->mem, &row, err);

	return rc < 0 ? rc : put_connection(o, &row, err);
}

int
cs_ctl_offline_alerts(struct cs_ctl_offline *o, struct cs_err *err)
{
	struct cs_alert_row *rows = cs_arena_alloc(o->mem, LIMIT_MAX * sizeof(*rows));
	int n = o->store->ops->alert_list(o->store, number(o, "on", 0) != 0, o->mem, rows, LIMIT_MAX, err);

	cs_out_open_list(&o->out);
	for (int i = 0; i < n; i++) {
		cs_out_open(&o->out, NULL, '{');
		cs_render_alert(&o->out, &rows[i]);
		cs_out_close(&o->out, '}');
	}
	cs_out_close_list(&o->out, 0);
	return n < 0 ? n : 0;
}
