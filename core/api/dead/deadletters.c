/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deadletters.c - what needs a person: look, replay, send elsewhere, settle by hand, give up.
 *
 * All of it acts on dead letters only; a row that has moved on meanwhile is answered 409. Mending the lead is fix.c.
 */
#include "config.h"
#include "api/resources.h"

#include <stdlib.h>
#include <string.h>
#include "queue/replay.h"

#define NOTE_MAX 300

void
cs_api_dead_list(struct cs_api_call *call)
{
	cs_api_list_deliveries(call, CS_STATE_BIT(CS_DEAD));
}

void
cs_api_dead_get(struct cs_api_call *call)
{
	struct cs_delivery_row row;
	struct cs_view v;
	struct cs_err err;

	if (!cs_api_delivery(call, &row))
		return;
	cs_api_view(call, &v);
	cs_api_reply_view(call, &v, cs_view_dead_letter(&v, &row, &err), &err);
}

/* ---- changes */

int
cs_change_dead_letter(struct cs_change *c, struct cs_store *s, struct cs_delivery_row *out, struct cs_err *err)
{
	int rc;

	if ((rc = cs_change_delivery(c, s, out, err)) < 0)
		return rc;
	if (out->state == CS_DEAD)
		return 1;
	return cs_change_refuse(c, 409, "it is no dead letter any more: it is %s", cs_delivery_state_name(out->state));
}

static int
apply_replay(struct cs_change *c, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	const struct cs_replay_how how = { .now_ms = now_ms, .span_ms = c->span_ms };
	struct cs_delivery_row row;
	int rc;

	if ((rc = cs_change_dead_letter(c, s, &row, err)) <= 0)
		return rc;
	if ((rc = cs_replay_one(s, &row, &how, &c->mem, err)) < 0)
		return rc;
	if (rc == 0)
		return cs_change_refuse(c, 409, "%s", err->msg);
	c->wrote = true;
	cs_tells_backlog(&c->tells, row.conn_id, cs_conns_crm(&c->conns, &row), row.lane, 1);
	return cs_change_answer_delivery(c, s, row.id, err);
}

void
cs_api_dead_replay(struct cs_api_call *call)
{
	struct cs_change *c;
	int64_t id;

	if (!cs_api_id(call, &id))
		return;
	c = cs_change_new(call, apply_replay);
	c->id = id;
	cs_change_put(c);
}

/* ---- done by hand, discard */

/* c->text is the reason; what is settled is in doubt no more. */
static int
apply_settle(struct cs_change *c, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	struct cs_move m = { .id = c->id, .from = CS_STATE_BIT(CS_DEAD), .to = CS_DISCARDED, .done_ms = now_ms, .reason = c->text,
		.set = CS_SET_DONE | CS_SET_REASON | CS_SET_DOUBT };
	struct cs_delivery_row row;
	int rc;

	if ((rc = cs_change_dead_letter(c, s, &row, err)) <= 0)
		return rc;
	m.gen = row.gen;
	if ((rc = s->ops->delivery_move(s, &m, err)) < 0)
		return rc;
	c->wrote = true;
	return cs_change_answer_delivery(c, s, c->id, err);
}

static void
settle(struct cs_api_call *call, const char *word)
{
	CS_CLEANUP(cs_json_putp) json_object *body = NULL;
	struct cs_change *c;
	const char *note;
	int64_t id;

	if (!cs_api_id(call, &id) || !cs_api_body(call, &body))
		return;
	note = cs_json_str(body, "note", "");
	if (strlen(note) > NOTE_MAX) {
		cs_api_refuse_at(call, 422, "/note", "has at most %d bytes", NOTE_MAX);
		return;
	}
	c = cs_change_new(call, apply_settle);
	c->id = id;
	c->text = cs_xasprintf("%s%s%s", word, note[0] != '\0' ? ": " : "", note);
	cs_change_put(c);
}

void
cs_api_dead_done(struct cs_api_call *call)
{
	settle(call, "done by hand");
}

void
cs_api_dead_discard(struct cs_api_call *call)
{
	settle(call, "discarded");
}

/* ---- reroute */

/* What steps left at one CRM means nothing at another. */
static int
move_elsewhere(struct cs_change *c, struct cs_store *s, const struct cs_delivery_row *row, const struct cs_conn_row *to,
               int64_t now_ms, struct cs_err *err)
{
	const struct cs_move m = { .id = row->id, .gen = row->gen, .from = CS_STATE_BIT(CS_DEAD), .to = CS_DUE, .conn_id = to->id,
		.lane = cs_replay_lane(row->urgency), .due_ms = now_ms, .expires_ms = now_ms + c->span_ms, .reason = "",
		.set = CS_SET_CONN | CS_SET_LANE | CS_SET_DUE | CS_SET_EXPIRES | CS_SET_WAIT | CS_SET_REPLAY | CS_SET_ATTEMPTS |
		       CS_SET_CRASHES | CS_SET_DOUBT | CS_SET_BLAME | CS_SET_REASON };
	int rc;

	if ((rc = s->ops->delivery_move(s, &m, err)) < 0)
		return rc;
	c->wrote = true;
	if ((rc = s->ops->progress_put(s, row->id, "", err)) < 0)
		return rc;
	cs_tells_backlog(&c->tells, to->id, to->crm, m.lane, 1);
	return cs_change_answer_delivery(c, s, row->id, err);
}

static int
apply_reroute(struct cs_change *c, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	struct cs_delivery_row row;
	struct cs_lead_row lead;
	struct cs_conn_row to;
	char text[CS_ERR_TEXT];
	int rc;

	if ((rc = cs_change_dead_letter(c, s, &row, err)) <= 0)
		return rc;
	if ((rc = s->ops->lead_get(s, row.lead_id, &c->mem, &lead, err)) < 0)
		return rc;
	if (lead.kind == CS_KIND_INVALID)
		return cs_change_refuse(c, 409, "a required field of the lead is missing or wrong: fix it first");
	if ((rc = cs_view_find_conn(s, &c->mem, c->text, &to, err)) == CS_ENOTFOUND || rc == CS_ECONFLICT)
		return cs_change_refuse_at(c, 422, "/connection", "%s", cs_err_text(err, text, sizeof(text)));
	if (rc < 0)
		return rc;
	if (strcmp(to.account, lead.account) != 0 && strcmp(to.account, "*") != 0)
		return cs_change_refuse_at(c, 422, "/connection", "belongs to another account than the lead");
	if (to.id == row.conn_id)
		return cs_change_refuse_at(c, 422, "/connection", "is where it is already: replay it");
	return move_elsewhere(c, s, &row, &to, now_ms, err);
}

void
cs_api_dead_reroute(struct cs_api_call *call)
{
	CS_CLEANUP(cs_json_putp) json_object *body = NULL;
	struct cs_change *c;
	const char *to;
	int64_t id;

	if (!cs_api_id(call, &id) || !cs_api_body(call, &body))
		return;
	if ((to = cs_json_str(body, "connection", NULL)) == NULL) {
		cs_api_refuse_at(call, 422, "/connection", "is required: the id or name of a connection");
		return;
	}
	c = cs_change_new(call, apply_reroute);
	c->id = id;
	c->text = cs_xstrdup(to);
	cs_change_put(c);
}
