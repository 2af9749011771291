/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test.c - a test lead through the whole road: store, queue, plugin, CRM; and away again once somebody has seen it.
 *
 * It is a lead of a kind of its own, marked `is_test` and in every text, with a caller that nobody has: a number reserved for fiction and
 * an address below example.com, new each time. So what it leaves in the CRM is its own, and can be removed by the rows of the manifest's
 * `remove`. Nothing is reported to anybody about it.
 */
#include "config.h"
#include "api/resources.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "deliver/accept.h"
#include "deliver/call/ask.h"
#include "util/text.h"

#define DELIVERIES_MAX 8
#define PLEASE "TEST - please ignore. Sent by csrelay to see whether this connection works."
#define REMOVED "test lead: seen, and removed from the CRM"

struct trial { /* "test" would be too common a word */
	struct cs_accept *accept;
	char account[129], crm[65], crm_account_id[129];
};

static void
put_text(struct cs_buf *b, const char *key, const char *text, bool last)
{
	cs_buf_printf(b, "\"%s\":", key);
	cs_buf_add_json_string(b, text, strlen(text));
	if (!last)
		cs_buf_addc(b, ',');
}

/* 555-0100 to 555-0199 are for fiction in every area code. */
static void
make_lead(const struct trial *t, int64_t now_ms, struct cs_buf *b)
{
	char at[CS_TIME_TEXT], uuid[CS_UUID_TEXT], phone[16], email[64], call[64];
	uint8_t id[16], any[4];

	cs_uuid_v4(id);
	cs_random_bytes(any, sizeof(any));
	cs_uuid_format(id, uuid);
	cs_time_format(now_ms, at);
	snprintf(phone, sizeof(phone), "+1%d%02d55501%02d", 2 + any[0] % 8, any[1] % 100, any[2] % 100);
	snprintf(email, sizeof(email), "test-%.8s@example.com", uuid);
	snprintf(call, sizeof(call), "test_%.8s", uuid);
	cs_buf_adds(b, "{\"schema_version\":\"1.0\",\"event\":\"lead.qualified\",\"is_test\":true,");
	put_text(b, "event_id", uuid, false);
	put_text(b, "timestamp_utc", at, false);
	put_text(b, "callsetter_account_id", strcmp(t->account, "*") != 0 ? t->account : "csrelay_test", false);
	cs_buf_adds(b, "\"call\":{\"direction\":\"inbound\",");
	put_text(b, "call_id", call, false);
	put_text(b, "transcript_summary", PLEASE, true);
	cs_buf_adds(b, "},\"contact\":{\"first_name\":\"TEST\",\"last_name\":\"please ignore\",");
	put_text(b, "phone", phone, false);
	put_text(b, "email", email, true);
	cs_buf_adds(b, "},\"service_request\":{\"service_type\":\"TEST\",\"urgency\":\"flexible\",");
	put_text(b, "issue_description", PLEASE, true);
	cs_buf_adds(b, "},\"routing\":{");
	put_text(b, "destination_crm", t->crm, t->crm_account_id[0] == '\0');
	if (t->crm_account_id[0] != '\0')
		put_text(b, "crm_account_id", t->crm_account_id, true);
	cs_buf_adds(b, "}}");
}

/* ---- send */

static int
apply_send(struct cs_change *c, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	struct trial *t = c->more;
	struct cs_accept_env env = { c->api->slots, NULL, 0, c->span_ms };
	CS_CLEANUP(cs_buf_fini) struct cs_buf body = CS_BUF_INIT(0);
	struct cs_conn_row row;
	int rc;

	if ((rc = s->ops->conn_get(s, c->id, &c->mem, &row, err)) < 0)
		return rc;
	if (row.state != CS_CONN_CONNECTED)
		return cs_err_set(err, CS_ESTATE, "the connection is %s: a test lead would not be sent", cs_conn_state_name(row.state));
	make_lead(t, now_ms, &body);
	if (t->accept != NULL)
		cs_accept_free(t->accept);
	t->accept = cs_accept_new(cs_lead_ref_new(cs_buf_str(&body), body.len, now_ms), CS_KIND_TEST);
	t->accept->only_conn = c->id;
	c->wrote = true;
	if ((rc = cs_accept_apply(t->accept, &env, s, now_ms, err)) < 0)
		return rc;
	if (t->accept->n_made != 1)
		return cs_err_set(err, CS_EINVAL, "the test lead found no way");
	cs_tells_backlog(&c->tells, c->id, row.crm, t->accept->made[0].row.lane, 1);
	c->status = 202;
	cs_out_open(&c->out, NULL, '{');
	cs_out_int(&c->out, "test", t->accept->lead_id);
	cs_out_string(&c->out, "event_id", t->accept->lead->doc->view.event_id);
	cs_out_int(&c->out, "delivery", t->accept->made[0].row.id);
	cs_out_close(&c->out, '}');
	return 0;
}

static void
sent(struct cs_change *c)
{
	struct trial *t = c->more;

	if (t->accept != NULL)
		cs_accept_free(t->accept);
}

void
cs_api_connection_test(struct cs_api_call *call)
{
	struct cs_conn_row row;
	struct cs_change *c;
	struct trial *t;

	if (!cs_api_connection(call, call->param[0], &row))
		return;
	c = cs_change_new(call, apply_send);
	c->id = row.id;
	c->more = t = cs_arena_alloc(&c->keep, sizeof(*t));
	c->gone = sent;
	snprintf(t->account, sizeof(t->account), "%s", row.account);
	snprintf(t->crm, sizeof(t->crm), "%s", row.crm);
	snprintf(t->crm_account_id, sizeof(t->crm_account_id), "%s", row.crm_account_id);
	cs_change_put(c);
}

/* ---- look */

/* The delivery of the test {…} of this connection. False: answered. */
static bool
find(struct cs_api_call *call, struct cs_conn_row *conn, struct cs_delivery_row *out)
{
	struct cs_delivery_row rows[DELIVERIES_MAX];
	struct cs_store *s = call->api->reader;
	struct cs_lead_row lead;
	struct cs_err err;
	int n = 0;

	if (!cs_api_connection(call, call->param[0], conn) || !cs_api_lead(call, call->param[1], &lead))
		return false;
	if (lead.kind == CS_KIND_TEST && (n = s->ops->deliveries_of_lead(s, lead.id, &call->mem, rows, DELIVERIES_MAX, &err)) < 0) {
		cs_api_fail(call, &err);
		return false;
	}
	for (int i = 0; i < n; i++)
		if (rows[i].conn_id == conn->id) {
			*out = rows[i];
			return true;
		}
	cs_api_refuse(call, 404, "this connection had no such test lead");
	return false;
}

void
cs_api_connection_test_get(struct cs_api_call *call)
{
	struct cs_delivery_row row;
	struct cs_conn_row conn;
	struct cs_view v;
	struct cs_err err;

	if (!find(call, &conn, &row))
		return;
	cs_api_view(call, &v);
	cs_api_reply_view(call, &v, cs_view_delivery(&v, &row), &err);
}

/* ---- seen: away with it */

struct removal {
	struct cs_ask ask;
	struct cs_change *change;
	struct cs_engine *engine;
	json_object *records;         /* as the delivery has them */
	json_object *removed, *left;
	size_t at;
	int64_t gen;
};

static int
apply_seen(struct cs_change *c, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	const struct removal *r = c->more;
	struct cs_move m = { .id = c->id, .gen = r->gen, .from = CS_STATE_BIT(CS_DELIVERED), .to = CS_DISCARDED, .reason = REMOVED, .done_ms = now_ms,
		.set = CS_SET_REASON | CS_SET_DONE };
	const char *removed = cs_json_text(r->removed), *left = cs_json_text(r->left);
	int rc;

	if (json_object_array_length(r->left) == 0 && (rc = s->ops->delivery_move(s, &m, err)) < 0)
		return rc;
	c->wrote = true;
	cs_out_open(&c->out, NULL, '{');
	cs_out_json(&c->out, "removed", removed, strlen(removed), "[]");
	cs_out_json(&c->out, "left", left, strlen(left), "[]");
	cs_out_close(&c->out, '}');
	return 0;
}

static void
removal_gone(struct cs_change *c)
{
	struct removal *r = c->more;

	json_object_put(r->records);
	json_object_put(r->removed);
	json_object_put(r->left);
}

static void next_removal(struct removal *r);

static void
removal_told(struct cs_ask *a)
{
	struct removal *r = CS_CONTAINER(a, struct removal, ask);
	json_object *record = json_object_array_get_idx(r->records, r->at), *o = json_object_new_object();

	json_object_object_add(o, "type", json_object_new_string(cs_json_str(record, "type", "")));
	json_object_object_add(o, "id", json_object_new_string(cs_json_str(record, "id", "")));
	if (a->said != CS_SAID_YES)
		json_object_object_add(o, "why", json_object_new_string(a->text));
	json_object_array_add(a->said == CS_SAID_YES ? r->removed : r->left, o);
	next_removal(r);
}

/* The newest first: a note before the contact that it is on. */
static void
next_removal(struct removal *r)
{
	json_object *record;

	if (r->at == 0) {
		cs_change_put(r->change);
		return;
	}
	record = json_object_array_get_idx(r->records, --r->at);
	r->ask = (struct cs_ask){ .conn_id = r->ask.conn_id, .remove_type = cs_json_str(record, "type", ""), .remove_id = cs_json_str(record, "id", ""),
		.done = removal_told };
	cs_engine_post_ask(r->engine, &r->ask);
}

void
cs_api_connection_test_seen(struct cs_api_call *call)
{
	json_object *records = NULL;
	struct cs_delivery_row row;
	struct cs_conn_row conn;
	struct cs_change *c;
	struct removal *r;

	if (!find(call, &conn, &row))
		return;
	if (row.state != CS_DELIVERED) {
		cs_api_refuse(call, 409, "this test lead is %s: there is nothing to remove", cs_delivery_state_name(row.state));
		return;
	}
	if (call->api->engine == NULL || (row.records[0] != '\0' && cs_json_parse(row.records, strlen(row.records), 8, &records, NULL) < 0)) {
		cs_api_refuse(call, 503, "no plugins are running");
		return;
	}
	c = cs_change_new(call, apply_seen);
	c->id = row.id;
	c->more = r = cs_arena_alloc(&c->keep, sizeof(*r));
	c->gone = removal_gone;
	r->change = c;
	r->engine = call->api->engine;
	r->records = records != NULL ? records : json_object_new_array();
	r->removed = json_object_new_array();
	r->left = json_object_new_array();
	r->at = json_object_array_length(r->records);
	r->gen = row.gen;
	r->ask.conn_id = conn.id;
	next_removal(r);
}
