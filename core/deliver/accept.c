/* SPDX-License-Identifier: Apache-2.0 */
/*
 * accept.c - inserting a lead and its deliveries.
 *
 * A fresh delivery is inserted as in hand when the engine has a slot and nothing of its connection waits: that is cheaper
 * than inserting it as due and taking it a moment later, and it goes out at once. Otherwise it waits in the store.
 */
#include "deliver/accept.h"
#include <stdlib.h>
#include <string.h>
#include "deliver/events.h"
#include "log/metrics.h"
#include "util/text.h"

#define CONNS_MAX 256
#define CONNS_FEW 8 /* most accounts have no more */

struct cs_accept *
cs_accept_new(struct cs_lead_ref *lead, enum cs_lead_kind kind)
{
	struct cs_accept *a = cs_xcalloc(1, sizeof(*a));

	a->lead = lead;
	a->kind = kind;
	return a;
}

void
cs_accept_free(struct cs_accept *a)
{
	if (a->told != NULL)
		cs_accept_free(a->told);
	cs_lead_ref_put(a->lead);
	free(a->made);
	free(a);
}

static void
release(struct cs_accept *a, const struct cs_accept_env *env)
{
	env->slots->in_hand -= a->reserved;
	a->reserved = 0;
}

static bool
goes_at_once(const struct cs_accept_env *env, const struct cs_conn_row *c)
{
	const struct cs_slots *s = env->slots;

	return env->engine != NULL && c->state == CS_CONN_CONNECTED && s->in_hand < s->in_hand_max &&
	    s->lead_bytes < s->lead_bytes_max && !cs_slots_blocked(s, c->id);
}

static void
fill_state(struct cs_accept *a, const struct cs_accept_env *env, const struct cs_route *r, int64_t now_ms, struct cs_made *m)
{
	struct cs_delivery_row *d = &m->row;

	d->due_ms = now_ms;
	d->expires_ms = now_ms + env->span_ms;
	m->why = r->why;
	if (r->conn == NULL) {
		d->state = CS_DEAD;
		d->blame = r->blame;
		d->done_ms = now_ms;
	} else if (r->conn->state == CS_CONN_NEEDS_REAUTH) {
		d->state = CS_DEAD;
		d->blame = CS_BLAME_CREDENTIAL;
		d->done_ms = now_ms;
		m->why = "the connection needs its owner: its credentials are no longer accepted";
	} else if (goes_at_once(env, r->conn)) {
		d->state = CS_IN_HAND;
		d->epoch = env->epoch;
		env->slots->in_hand++;
		a->reserved++;
	} else
		d->state = CS_DUE;
	d->reason = m->why;
}

/* An emergency is watched from its first moment: mail/emergency.h. */
static int
insert_row(const struct cs_accept *a, struct cs_store *s, struct cs_delivery_row *row, struct cs_err *err)
{
	bool watched = row->urgency == CS_URGENCY_EMERGENCY && (a->kind == CS_KIND_LEAD || a->kind == CS_KIND_INVALID);
	int rc = s->ops->delivery_insert(s, row, err);

	return rc < 0 || !watched ? rc : s->ops->late_put(s, row->id, row->created_ms, err);
}

static int
insert_delivery(struct cs_accept *a, const struct cs_accept_env *env, struct cs_store *s, const struct cs_route *r, int64_t now_ms,
                struct cs_err *err)
{
	const struct cs_lead *v = &a->lead->doc->view;
	struct cs_made *m = &a->made[a->n_made];

	memset(m, 0, sizeof(*m));
	strncpy(m->crm, r->conn != NULL ? r->conn->crm : v->destination_crm, sizeof(m->crm) - 1);
	if (r->conn != NULL)
		strncpy(m->connection, r->conn->public_id, sizeof(m->connection) - 1);
	m->row = (struct cs_delivery_row){ .lead_id = a->lead_id, .conn_id = r->conn != NULL ? r->conn->id : 0, .crm = m->crm,
		.account = v->account, .crm_account_id = r->conn == NULL ? v->crm_account_id : "",
		.lane = cs_route_lane(a->kind, a->lead->doc->urgency), .urgency = a->lead->doc->urgency, .created_ms = now_ms,
		.phone_key = a->lead->doc->phone_key, .email_key = a->lead->doc->email_key, .records = "", .warnings = "" };
	fill_state(a, env, r, now_ms, m);
	a->n_made++;
	return insert_row(a, s, &m->row, err);
}

static int
known_already(struct cs_accept *a, struct cs_store *s, struct cs_err *err)
{
	const struct cs_lead_doc *d = a->lead->doc;
	uint8_t hash[32];
	int rc = s->ops->identity_get(s, d->event_id, d->view.account, &a->lead_id, hash, err);

	if (rc == 0)
		a->result = memcmp(hash, d->content_hash, sizeof(hash)) == 0 ? CS_ACCEPT_DUPLICATE : CS_ACCEPT_CONFLICT;
	return rc;
}

/* The connections that a lead of this account may go to: in `few`, or in the arena where there are more. */
static int
connections_of(struct cs_store *s, const char *account, struct cs_conn_row few[CONNS_FEW], struct cs_arena *mem,
               struct cs_conn_row **conns, struct cs_err *err)
{
	int n = s->ops->conn_of_account(s, account, mem, few, CONNS_FEW, err);

	*conns = few;
	if (n < CONNS_FEW)
		return n;
	*conns = cs_arena_alloc(mem, CONNS_MAX * sizeof(**conns));
	return s->ops->conn_of_account(s, account, mem, *conns, CONNS_MAX, err);
}

static size_t
only_route(const struct cs_accept *a, const struct cs_conn_row *conns, int n, struct cs_route *out)
{
	for (int i = 0; i < n; i++)
		if (conns[i].id == a->only_conn) {
			*out = (struct cs_route){ .conn = &conns[i], .why = "" };
			return 1;
		}
	return 0;
}

/* What is dead from the start is reported as what died later is. */
static int
tell_dead(struct cs_accept *a, const struct cs_accept_env *env, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < a->n_made && rc >= 0; i++) {
		const struct cs_made *m = &a->made[i];
		struct cs_events_dead dead = { &a->lead->doc->view, m->crm, m->connection, m->row.crm_account_id, m->row.blame, m->why };

		if (m->row.state == CS_DEAD)
			rc = cs_events_tell_dead(&dead, &a->told, env, s, now_ms, err);
	}
	return rc;
}

int
cs_accept_apply(struct cs_accept *a, const struct cs_accept_env *env, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	const struct cs_lead_doc *d = a->lead->doc;
	struct cs_conn_row few[CONNS_FEW], *conns;
	struct cs_route routes[CS_ROUTES_MAX];
	struct cs_lead_row row = { .account = d->view.account, .event = d->view.event, .kind = a->kind, .urgency = d->urgency,
		.received_ms = now_ms, .body = { a->lead->body, a->lead->len }, .warnings = a->lead->warnings != NULL ? a->lead->warnings : "" };
	struct cs_arena mem;
	int rc, n = 0;

	release(a, env);
	a->n_made = 0;
	cs_events_forget(&a->told, env);
	memcpy(row.event_id, d->event_id, sizeof(row.event_id));
	memcpy(row.hash, d->content_hash, sizeof(row.hash));
	if ((rc = s->ops->lead_insert(s, &row, err)) == CS_EEXIST)
		return known_already(a, s, err);
	if (rc < 0)
		return rc;
	a->lead_id = row.id;
	a->lead->received_ms = now_ms;
	a->lead->doc->view.received_ms = now_ms;
	cs_arena_init(&mem);
	if ((n = connections_of(s, d->view.account, few, &mem, &conns, err)) >= 0) {
		size_t n_routes = a->only_conn != 0 ? only_route(a, conns, n, routes) : cs_route(&d->view, a->kind, conns, (size_t)n, routes);

		a->made = cs_xrealloc(a->made, n_routes * sizeof(*a->made));
		for (size_t i = 0; i < n_routes && rc >= 0; i++)
			rc = insert_delivery(a, env, s, &routes[i], now_ms, err);
		if (rc >= 0 && a->kind != CS_KIND_EVENT && a->kind != CS_KIND_TEST && env->slots->events_wanted)
			rc = tell_dead(a, env, s, now_ms, err);
	} else
		rc = n;
	cs_arena_fini(&mem);
	return rc < 0 ? rc : 0;
}

void
cs_accept_committed(struct cs_accept *a, const struct cs_accept_env *env, int rc)
{
	cs_events_told(a->kind == CS_KIND_EVENT ? NULL : a->told, env, rc);
	if (rc < 0 || a->result != CS_ACCEPT_NEW) {
		release(a, env);
		return;
	}
	a->reserved = 0; /* the engine gives them back one by one */
	for (size_t i = 0; i < a->n_made; i++) {
		const struct cs_made *m = &a->made[i];

		if (m->row.state == CS_IN_HAND) {
			struct cs_job *j = cs_job_new(&m->row, a->lead, NULL);

			memcpy(j->crm, m->crm, sizeof(j->crm));
			cs_engine_post_job(env->engine, j);
		} else if (m->row.state == CS_DUE && env->engine != NULL)
			cs_engine_post_backlog(env->engine, m->row.conn_id, m->crm, m->row.lane, 1, m->row.due_ms);
		else if (m->row.state == CS_DEAD)
			cs_metrics_dead(m->crm, m->row.blame);
	}
}
