/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fix.c - a person mends a lead: the patch is laid on the stored body and the result is read again by all rules.
 *
 * Who it is (event_id, account) and what it is (event) cannot be changed: that would be another lead. What is right now goes
 * on: the dead letter into the connection that the lead names, or stays with the one it had; connections that would have
 * got the lead, had it been right from the start, get it too. All in one transaction.
 */
#include "config.h"
#include "api/resources.h"

#include <stdlib.h>
#include <string.h>
#include "lead/lead.h"
#include "queue/replay.h"
#include "queue/route.h"

#define STORED_DEPTH 64 /* the rules of leads ask for less, and are asked after this */
#define CONNS_MAX 256
#define DELIVERIES_MAX 256

struct fix {
	struct cs_change *c;
	struct cs_store *s;
	struct cs_delivery_row row;     /* the dead letter */
	struct cs_lead_row lead;
	struct cs_lead_doc *doc;        /* of the new body */
	const char *body;
	struct cs_delivery_row *all;    /* deliveries of the lead */
	int n_all;
	int64_t now_ms;
};

/* All of them: a bad phone is why "a phone or an email" is missing. */
static void
put_faults(struct cs_buf *b, const struct cs_lead_doc *d)
{
	for (size_t i = 0; i < d->n_faults; i++) {
		cs_out_open(b, NULL, '{');
		cs_out_string(b, "pointer", d->faults[i].pointer);
		cs_out_string(b, "detail", d->faults[i].detail);
		cs_out_close(b, '}');
	}
}

/* ---- the new body */

static int
lay_patch(struct fix *f, struct cs_err *err)
{
	CS_CLEANUP(cs_json_putp) json_object *old = NULL;
	CS_CLEANUP(cs_json_putp) json_object *merged = NULL;
	int rc;

	if ((rc = cs_json_parse(f->lead.body.ptr, f->lead.body.len, STORED_DEPTH, &old, err)) < 0)
		return cs_err_set(err, CS_ECORRUPT, "the stored lead is not JSON");
	merged = cs_json_merge_patch(old, f->c->body);
	f->body = cs_arena_strdup(&f->c->mem, json_object_to_json_string_ext(merged, JSON_C_TO_STRING_PLAIN |
	                                                                         JSON_C_TO_STRING_NOSLASHESCAPE));
	return 0;
}

static bool
is_same_lead(const struct fix *f)
{
	const struct cs_lead_doc *d = f->doc;

	return memcmp(d->event_id, f->lead.event_id, sizeof(d->event_id)) == 0 && strcmp(d->view.account, f->lead.account) == 0 &&
	       strcmp(d->view.event, f->lead.event) == 0;
}

/* 1: right; 0: refused. */
static int
judge(struct fix *f)
{
	struct cs_change *c = f->c;

	if (f->doc->worst >= CS_FAULT_REQUIRED) {
		put_faults(&c->out, f->doc);
		return cs_change_refuse(c, 422, "the lead would still not be right");
	}
	if (is_same_lead(f))
		return 1;
	return cs_change_refuse_at(c, 422, "", "event_id, event and callsetter_account_id say which lead it is and cannot be changed");
}

static int
store_lead(struct fix *f, struct cs_err *err)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf warnings = CS_BUF_INIT(0);
	struct cs_lead_row *l = &f->lead;
	int rc;

	if (f->doc->n_faults > 0) {
		cs_out_open(&warnings, NULL, '[');
		put_faults(&warnings, f->doc);
		cs_out_close(&warnings, ']');
	}
	l->body = (struct cs_bytes){ f->body, strlen(f->body) };
	l->kind = f->doc->unqualified ? CS_KIND_UNQUALIFIED : CS_KIND_LEAD;
	l->urgency = (int32_t)f->doc->urgency;
	l->warnings = cs_buf_str(&warnings);
	memcpy(l->hash, f->doc->content_hash, sizeof(l->hash));
	rc = f->s->ops->lead_update(f->s, l, err);
	f->c->wrote = rc == 0;
	return rc;
}

/* ---- where it goes */

static bool
has_delivery(const struct fix *f, int64_t conn_id)
{
	for (int i = 0; i < f->n_all; i++)
		if (f->all[i].conn_id == conn_id && f->all[i].id != f->row.id)
			return true;
	return false;
}

/* On its way into another connection an emergency has other people to tell: mail/emergency.h. */
static int
watch(struct fix *f, int64_t delivery_id, struct cs_err *err)
{
	return f->lead.urgency == CS_URGENCY_EMERGENCY ? f->s->ops->late_put(f->s, delivery_id, f->now_ms, err) : 0;
}

static int
move_dead_letter(struct fix *f, const struct cs_conn_row *to, struct cs_err *err)
{
	struct cs_move m = { .id = f->row.id, .gen = f->row.gen, .from = CS_STATE_BIT(CS_DEAD), .to = CS_DUE, .conn_id = to->id,
		.lane = cs_replay_lane(f->lead.urgency), .due_ms = f->now_ms, .expires_ms = f->now_ms + f->c->span_ms, .reason = "",
		.set = CS_SET_LANE | CS_SET_DUE | CS_SET_EXPIRES | CS_SET_WAIT | CS_SET_REPLAY | CS_SET_ATTEMPTS |
		       CS_SET_CRASHES | CS_SET_BLAME | CS_SET_REASON };
	int rc;

	if (to->id != f->row.conn_id) {
		m.set |= CS_SET_CONN | CS_SET_DOUBT; /* receipts and doubt were about another CRM */
		if ((rc = f->s->ops->progress_put(f->s, f->row.id, "", err)) < 0)
			return rc;
		if ((rc = watch(f, f->row.id, err)) < 0)
			return rc;
	}
	if ((rc = f->s->ops->delivery_move(f->s, &m, err)) < 0)
		return rc;
	cs_tells_backlog(&f->c->tells, to->id, to->crm, m.lane, 1);
	return 0;
}

static int
add_delivery(struct fix *f, const struct cs_conn_row *to, struct cs_err *err)
{
	struct cs_delivery_row d = { .lead_id = f->lead.id, .conn_id = to->id, .crm = to->crm, .account = f->lead.account,
		.crm_account_id = "", .state = CS_DUE, .lane = cs_replay_lane(f->lead.urgency), .urgency = f->lead.urgency,
		.due_ms = f->now_ms, .expires_ms = f->now_ms + f->c->span_ms, .created_ms = f->now_ms, .reason = "", .records = "",
		.warnings = "", .phone_key = f->doc->phone_key, .email_key = f->doc->email_key };
	int rc = f->s->ops->delivery_insert(f->s, &d, err);

	if (rc < 0 || (rc = watch(f, d.id, err)) < 0)
		return rc;
	cs_tells_backlog(&f->c->tells, to->id, to->crm, d.lane, 1);
	return 0;
}

static int
stay_dead(struct fix *f, const struct cs_route *r, struct cs_err *err)
{
	const struct cs_move m = { .id = f->row.id, .gen = f->row.gen, .from = CS_STATE_BIT(CS_DEAD), .to = CS_DEAD,
		.blame = r->blame, .reason = r->why, .set = CS_SET_BLAME | CS_SET_REASON };

	return f->s->ops->delivery_move(f->s, &m, err);
}

/* The route for the dead letter itself: its own connection, else the addressed one, else any that has no delivery yet. */
static const struct cs_route *
own_route(const struct fix *f, const struct cs_route *routes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (routes[i].conn != NULL && routes[i].conn->id == f->row.conn_id)
			return &routes[i];
	for (size_t i = 0; i < n; i++)
		if (routes[i].conn == NULL || !has_delivery(f, routes[i].conn->id))
			return &routes[i];
	return NULL;
}

static int
go_on(struct fix *f, const struct cs_route *routes, size_t n, struct cs_err *err)
{
	static const struct cs_route nowhere = { .why = "nobody wants this lead any more", .blame = CS_BLAME_LEAD };
	const struct cs_route *own = own_route(f, routes, n);
	int rc;

	if (own == NULL)
		own = &nowhere;
	rc = own->conn != NULL ? move_dead_letter(f, own->conn, err) : stay_dead(f, own, err);
	for (size_t i = 0; i < n && rc >= 0; i++)
		if (&routes[i] != own && routes[i].conn != NULL && !has_delivery(f, routes[i].conn->id))
			rc = add_delivery(f, routes[i].conn, err);
	return rc;
}

static int
route_again(struct fix *f, struct cs_err *err)
{
	struct cs_arena *mem = &f->c->mem;
	struct cs_conn_row *conns = cs_arena_alloc(mem, CONNS_MAX * sizeof(*conns));
	struct cs_route routes[CS_ROUTES_MAX];
	size_t n_routes;
	int n;

	f->all = cs_arena_alloc(mem, DELIVERIES_MAX * sizeof(*f->all));
	if ((n = f->s->ops->conn_of_account(f->s, f->lead.account, mem, conns, CONNS_MAX, err)) < 0 ||
	    (f->n_all = f->s->ops->deliveries_of_lead(f->s, f->lead.id, mem, f->all, DELIVERIES_MAX, err)) < 0)
		return n < 0 ? n : f->n_all;
	n_routes = cs_route(&f->doc->view, f->lead.kind, conns, (size_t)n, routes);
	return go_on(f, routes, n_routes, err);
}

/* ---- the whole */

static int
mend(struct fix *f, struct cs_err *err)
{
	int rc;

	if ((rc = judge(f)) <= 0)
		return rc;
	if ((rc = store_lead(f, err)) < 0 || (rc = route_again(f, err)) < 0)
		return rc;
	return cs_change_answer_delivery(f->c, f->s, f->row.id, err);
}

static int
apply_fix(struct cs_change *c, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	struct fix f = { .c = c, .s = s, .now_ms = now_ms };
	int rc;

	if ((rc = cs_change_dead_letter(c, s, &f.row, err)) <= 0)
		return rc;
	if ((rc = s->ops->lead_get(s, f.row.lead_id, &c->mem, &f.lead, err)) < 0)
		return rc;
	if (f.lead.kind == CS_KIND_EVENT)
		return cs_change_refuse(c, 409, "it is an event that csrelay reports, not a lead");
	if ((rc = lay_patch(&f, err)) < 0)
		return rc;
	f.doc = cs_lead_read(f.body, strlen(f.body), f.lead.received_ms);
	rc = mend(&f, err);
	cs_lead_doc_free(f.doc);
	return rc;
}

void
cs_api_dead_fix(struct cs_api_call *call)
{
	json_object *patch = NULL;
	struct cs_change *c;
	int64_t id;

	if (!cs_api_id(call, &id) || !cs_api_body(call, &patch))
		return;
	c = cs_change_new(call, apply_fix);
	c->id = id;
	c->body = patch;
	cs_change_put(c);
}
