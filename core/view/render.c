/* SPDX-License-Identifier: Apache-2.0 */
/*
 * render.c - JSON without a tree.
 *
 * Whether a comma is due is seen at the last byte of the buffer: none behind an opening bracket, a colon or nothing.
 */
#include "config.h"
#include "view/render.h"

#include <inttypes.h>
#include <string.h>
#include "lead/lead.h"
#include "queue/outcome.h"
#include "util/json.h"
#include "util/text.h"

#define STORED_DEPTH 64
#define ATTEMPTS_MAX 256

/* ---- pieces */

static void
put_key(struct cs_buf *b, const char *key)
{
	char last = b->len > 0 ? b->ptr[b->len - 1] : '{';

	if (last != '{' && last != '[' && last != ':')
		cs_buf_addc(b, ',');
	if (key != NULL)
		cs_buf_printf(b, "\"%s\":", key);
}

void
cs_out_open(struct cs_buf *b, const char *key, char bracket)
{
	put_key(b, key);
	cs_buf_addc(b, bracket);
}

void
cs_out_close(struct cs_buf *b, char bracket)
{
	cs_buf_addc(b, bracket);
}

void
cs_out_null(struct cs_buf *b, const char *key)
{
	put_key(b, key);
	cs_buf_adds(b, "null");
}

void
cs_out_string(struct cs_buf *b, const char *key, const char *text)
{
	put_key(b, key);
	cs_buf_add_json_string(b, text, strlen(text));
}

void
cs_out_text(struct cs_buf *b, const char *key, const char *text)
{
	if (text == NULL || text[0] == '\0')
		cs_out_null(b, key);
	else
		cs_out_string(b, key, text);
}

void
cs_out_int(struct cs_buf *b, const char *key, int64_t n)
{
	put_key(b, key);
	cs_buf_printf(b, "%" PRId64, n);
}

void
cs_out_bool(struct cs_buf *b, const char *key, bool yes)
{
	put_key(b, key);
	cs_buf_adds(b, yes ? "true" : "false");
}

void
cs_out_time(struct cs_buf *b, const char *key, int64_t ms)
{
	char text[CS_TIME_TEXT];

	if (ms == 0)
		cs_out_null(b, key);
	else
		cs_out_string(b, key, cs_time_format(ms, text));
}

void
cs_out_json(struct cs_buf *b, const char *key, const char *text, size_t n, const char *when_empty)
{
	CS_CLEANUP(cs_json_putp) json_object *read = NULL;

	put_key(b, key);
	if (n == 0)
		cs_buf_adds(b, when_empty);
	else if (cs_json_parse(text, n, STORED_DEPTH, &read, NULL) == 0)
		cs_buf_add(b, text, n);
	else
		cs_buf_add_json_string(b, text, n);
}

void
cs_out_open_list(struct cs_buf *b)
{
	cs_out_open(b, NULL, '{');
	cs_out_open(b, "items", '[');
}

void
cs_out_close_list(struct cs_buf *b, int64_t next)
{
	cs_out_close(b, ']');
	if (next > 0)
		cs_buf_printf(b, ",\"next\":\"%" PRId64 "\"", next);
	else
		cs_out_null(b, "next");
	cs_out_close(b, '}');
}

/* ---- connections by id */

void
cs_conns_init(struct cs_conns *c, struct cs_store *s, struct cs_arena *mem)
{
	c->store = s;
	c->mem = mem;
	cs_map_init(&c->rows);
}

void
cs_conns_fini(struct cs_conns *c)
{
	cs_map_fini(&c->rows);
}

const struct cs_conn_row *
cs_conns_get(struct cs_conns *c, int64_t id)
{
	struct cs_conn_row *row;

	if (id <= 0)
		return NULL;
	if ((row = cs_map_get(&c->rows, (uint64_t)id)) != NULL)
		return row;
	row = cs_arena_alloc(c->mem, sizeof(*row));
	if (c->store->ops->conn_get(c->store, id, c->mem, row, NULL) < 0)
		return NULL;
	cs_map_put(&c->rows, (uint64_t)id, row);
	return row;
}

const char *
cs_conns_crm(struct cs_conns *c, const struct cs_delivery_row *d)
{
	const struct cs_conn_row *row = cs_conns_get(c, d->conn_id);

	return row != NULL ? row->crm : d->crm;
}

/* ---- leads and deliveries */

const char *
cs_lead_kind_name(int kind)
{
	static const char *const words[] = { [CS_KIND_LEAD] = "lead", [CS_KIND_UNQUALIFIED] = "unqualified",
		                             [CS_KIND_EVENT] = "event", [CS_KIND_INVALID] = "invalid", [CS_KIND_TEST] = "test" };

	return kind >= 0 && (size_t)kind < CS_ARRAY_LEN(words) ? words[kind] : "unknown";
}

const char *
cs_delivery_state_name(enum cs_state s)
{
	return cs_state_name(s == CS_TAKEN ? CS_IN_HAND : s);
}

static const char *
urgency_name(int32_t urgency)
{
	return urgency >= 0 && urgency <= CS_URGENCY_FLEXIBLE ? cs_urgency_name((enum cs_urgency)urgency) : "flexible";
}

void
cs_render_lead(struct cs_buf *b, const struct cs_lead_row *l)
{
	char uuid[CS_UUID_TEXT];

	cs_out_int(b, "id", l->id);
	cs_out_string(b, "event_id", cs_uuid_format(l->event_id, uuid));
	cs_out_string(b, "account", l->account);
	cs_out_string(b, "event", l->event);
	cs_out_string(b, "kind", cs_lead_kind_name((int)l->kind));
	cs_out_string(b, "urgency", urgency_name(l->urgency));
	cs_out_time(b, "received_at", l->received_ms);
}

void
cs_render_delivery_short(struct cs_buf *b, const struct cs_delivery_row *d, struct cs_conns *conns)
{
	const struct cs_conn_row *c = cs_conns_get(conns, d->conn_id);

	cs_out_int(b, "id", d->id);
	cs_out_text(b, "connection", c != NULL ? c->public_id : NULL);
	cs_out_text(b, "connection_name", c != NULL && c->name[0] != '\0' ? c->name : NULL);
	cs_out_text(b, "crm", cs_conns_crm(conns, d));
	cs_out_string(b, "state", cs_delivery_state_name(d->state));
}

void
cs_render_delivery(struct cs_buf *b, const struct cs_delivery_row *d, struct cs_conns *conns)
{
	cs_render_delivery_short(b, d, conns);
	cs_out_int(b, "lead_id", d->lead_id);
	cs_out_text(b, "account", d->account);
	cs_out_text(b, "crm_account_id", d->crm_account_id);
	cs_out_string(b, "lane", cs_lane_name(d->lane));
	cs_out_string(b, "urgency", urgency_name(d->urgency));
	cs_out_int(b, "attempt_count", d->attempts);
	cs_out_bool(b, "doubt", d->doubt);
	cs_out_string(b, "blame", cs_blame_name(d->blame));
	cs_out_text(b, "reason", d->reason);
	cs_out_int(b, "crashes", d->crashes);
	cs_out_time(b, "created_at", d->created_ms);
	cs_out_time(b, "due_at", d->state == CS_DUE ? d->due_ms : 0);
	cs_out_time(b, "expires_at", d->state == CS_DUE ? d->expires_ms : 0);
	cs_out_time(b, "waiting_since", d->wait_since_ms);
	cs_out_time(b, "done_at", d->done_ms);
	if (d->replay_id > 0)
		cs_out_int(b, "replay", d->replay_id);
	else
		cs_out_null(b, "replay");
	cs_out_json(b, "records", d->records, strlen(d->records), "[]");
	cs_out_text(b, "warnings", d->warnings);
}

void
cs_render_attempt(struct cs_buf *b, const struct cs_attempt_row *a)
{
	cs_out_int(b, "number", a->number);
	cs_out_time(b, "started_at", a->started_ms);
	cs_out_time(b, "ended_at", a->ended_ms);
	cs_out_string(b, "outcome", cs_outcome_name(a->outcome));
	cs_out_string(b, "blame", cs_blame_name(a->blame));
	cs_out_int(b, "status", a->status);
	cs_out_text(b, "reason", a->reason);
	cs_out_json(b, "exchanges", a->exchanges, strlen(a->exchanges), "[]");
	cs_out_json(b, "versions", a->versions, strlen(a->versions), "{}");
}

int
cs_render_story(struct cs_buf *b, const struct cs_delivery_row *d, struct cs_conns *conns, struct cs_err *err)
{
	struct cs_attempt_row *rows = cs_arena_alloc(conns->mem, ATTEMPTS_MAX * sizeof(*rows));
	struct cs_store *s = conns->store;
	const char *progress = "";
	int rc, n;

	if ((n = s->ops->attempt_list(s, d->id, conns->mem, rows, ATTEMPTS_MAX, err)) < 0)
		return n;
	if ((rc = s->ops->progress_get(s, d->id, conns->mem, &progress, err)) < 0)
		return rc;
	cs_render_delivery(b, d, conns);
	cs_out_open(b, "attempts", '[');
	for (int i = 0; i < n; i++) {
		rows[i].number = i + 1; /* stored by the delivery's generation; people count from one */
		cs_out_open(b, NULL, '{');
		cs_render_attempt(b, &rows[i]);
		cs_out_close(b, '}');
	}
	cs_out_close(b, ']');
	cs_out_json(b, "progress", progress, strlen(progress), "{}");
	return 0;
}

/* ---- the rest */

void
cs_render_connection(struct cs_buf *b, const struct cs_conn_row *c)
{
	bool failing = c->state == CS_CONN_CONNECTED && c->trouble_since_ms != 0;

	cs_out_string(b, "id", c->public_id);
	cs_out_text(b, "name", c->name);
	cs_out_text(b, "account", c->account);
	cs_out_string(b, "crm", c->crm);
	cs_out_text(b, "crm_account_id", c->crm_account_id);
	cs_out_text(b, "label", c->label);
	cs_out_string(b, "state", failing ? "failing" : cs_conn_state_name(c->state));
	cs_out_text(b, "state_reason", failing ? c->trouble : c->state_reason);
	cs_out_time(b, "state_since", failing ? c->trouble_since_ms : c->state_since_ms);
	cs_out_bool(b, "static", c->is_static);
	cs_out_open(b, "subscribe", '[');
	for (uint32_t bit = 1; cs_subscription_word(bit) != NULL; bit <<= 1)
		if ((c->subscribe & bit) != 0)
			cs_out_string(b, NULL, cs_subscription_word(bit));
	cs_out_close(b, ']');
	cs_out_json(b, "settings", c->settings, strlen(c->settings), "{}");
	cs_out_json(b, "overrides", c->overrides, strlen(c->overrides), "{}");
	cs_out_json(b, "facts", c->facts, strlen(c->facts), "{}");
	cs_out_text(b, "timezone", c->timezone);
	cs_out_json(b, "contacts", c->contacts, strlen(c->contacts), "[]");
	cs_out_int(b, "version", c->version);
	cs_out_time(b, "checked_at", c->checked_ms);
	cs_out_json(b, "checked", c->checked, strlen(c->checked), "null");
}

/* "a b c" as an array */
static void
put_words(struct cs_buf *b, const char *key, const char *words)
{
	cs_out_open(b, key, '[');
	while (*(words += strspn(words, " ")) != '\0') {
		size_t n = strcspn(words, " ");

		put_key(b, NULL);
		cs_buf_add_json_string(b, words, n);
		words += n;
	}
	cs_out_close(b, ']');
}

void
cs_render_key(struct cs_buf *b, const struct cs_key_row *k)
{
	cs_out_int(b, "id", k->id);
	cs_out_string(b, "name", k->name);
	put_words(b, "scopes", k->scopes);
	put_words(b, "accounts", k->accounts);
	cs_out_time(b, "created_at", k->created_ms);
	cs_out_time(b, "last_used_at", k->last_used_ms);
	cs_out_time(b, "expires_at", k->expires_ms);
}

void
cs_render_replay(struct cs_buf *b, const struct cs_replay_row *r)
{
	cs_out_int(b, "id", r->id);
	cs_out_time(b, "created_at", r->created_ms);
	cs_out_json(b, "filter", r->filter, strlen(r->filter), "{}");
	cs_out_int(b, "total", r->total);
	cs_out_int(b, "waiting", r->waiting);
	cs_out_int(b, "delivered", r->delivered);
	cs_out_int(b, "dead", r->dead);
	cs_out_bool(b, "canceled", r->canceled);
}

void
cs_render_alert(struct cs_buf *b, const struct cs_alert_row *a)
{
	cs_out_string(b, "key", a->key);
	cs_out_string(b, "text", a->text);
	cs_out_bool(b, "on", a->recovered_ms == 0);
	cs_out_time(b, "raised_at", a->raised_ms);
	cs_out_time(b, "recovered_at", a->recovered_ms);
	cs_out_int(b, "count", a->count);
}
