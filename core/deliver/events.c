/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events.c - building event-1.0 messages, and the watch over dead letters.
 *
 * An alert is raised once when a connection has collected schedule.alerts dead letters since its last success, or at once when
 * it needs its owner, and taken back with the first success. That success also frees, once, what was buried for a reason
 * that is over. A plugin that is parked has an alert of its own.
 */
#include "deliver/events.h"
#include <stdlib.h>
#include <string.h>
#include "deliver/engine_private.h"
#include "deliver/gone.h"
#include "log/log.h"
#include "mail/outbox.h"
#include "queue/replay.h"
#include "util/text.h"

#define REAUTH "reauth"
#define DEAD_LETTERS "dead-letters"
#define PLUGIN "plugin"
#define ALERTS_READ 500
static const char *const alert_kinds[] = { REAUTH, DEAD_LETTERS };

static void
put_text(json_object *o, const char *key, const char *value)
{
	json_object_object_add(o, key, json_object_new_string(value));
}

static void
put_time(json_object *o, const char *key, int64_t ms)
{
	char text[CS_TIME_TEXT];

	put_text(o, key, cs_time_format(ms, text));
}

struct cs_accept *
cs_events_make(const char *account, json_object *body, int64_t now_ms)
{
	struct cs_lead_ref *lead;
	struct cs_lead_doc *doc;
	char id[CS_UUID_TEXT], *text;
	uint8_t uuid[16];
	size_t n;

	put_text(body, "schema_version", "1.0");
	if (cs_json_get(body, "event_id") == NULL) {
		cs_uuid_v4(uuid);
		put_text(body, "event_id", cs_uuid_format(uuid, id));
	}
	if (cs_json_get(body, "occurred_at") == NULL)
		put_time(body, "occurred_at", now_ms);
	put_time(body, "received_at", now_ms);
	put_text(body, "callsetter_account_id", account);
	text = cs_xstrdup(cs_json_text(body));
	json_object_put(body);
	n = strlen(text);
	if ((doc = cs_lead_read_stored(text, n, now_ms)) == NULL) {
		cs_log(CS_LOG_ERROR, "events", "an event could not be read back and is dropped", "account=%s", account);
		free(text);
		return NULL;
	}
	lead = cs_lead_ref_adopt(doc, text, n, now_ms);
	return cs_accept_new(lead, CS_KIND_EVENT);
}

static json_object *
lead_part(const struct cs_lead *v)
{
	json_object *o = json_object_new_object();

	put_text(o, "event_id", v->event_id);
	put_text(o, "call_id", v->call->call_id);
	return o;
}

static json_object *
crm_part(const struct cs_context *c, const char *records)
{
	json_object *o = json_object_new_object(), *list = NULL;

	put_text(o, "name", c->crm);
	put_text(o, "connection", c->public_id);
	put_text(o, "account_id", c->crm_account_id);
	if (records[0] == '\0' || cs_json_parse(records, strlen(records), 4, &list, NULL) < 0)
		list = json_object_new_array();
	json_object_object_add(o, "records", list);
	return o;
}

struct cs_accept *
cs_events_of_result(struct cs_engine *e, const struct cs_result *r)
{
	const struct cs_lead_doc *doc = r->job->lead->doc;
	json_object *o;

	if (r->decision->to == CS_DUE || !e->c.slots->events_wanted || doc->is_event || r->context == NULL || cs_lead_is_test(r->job->lead->doc) ||
	    cs_gone(r->context, r->outcome, r->status))
		return NULL;
	o = json_object_new_object();
	put_text(o, "event", r->decision->to == CS_DELIVERED ? "lead.delivered" : "lead.failed");
	json_object_object_add(o, "lead", lead_part(&doc->view));
	json_object_object_add(o, "crm", crm_part(r->context, r->records));
	if (r->decision->to == CS_DEAD) {
		json_object *f = json_object_new_object();

		put_text(f, "blame", cs_blame_name(r->decision->blame));
		put_text(f, "reason", r->reason);
		json_object_object_add(o, "failure", f);
	}
	return cs_events_make(doc->view.account, o, cs_now_ms(e->c.clock));
}

int
cs_events_tell_dead(const struct cs_events_dead *d, struct cs_accept **list, const struct cs_accept_env *env, struct cs_store *s,
                    int64_t now_ms, struct cs_err *err)
{
	json_object *o = json_object_new_object(), *crm = json_object_new_object(), *failure = json_object_new_object();
	struct cs_accept *event;
	int rc;

	put_text(o, "event", "lead.failed");
	json_object_object_add(o, "lead", lead_part(d->lead));
	put_text(crm, "name", d->crm);
	put_text(crm, "connection", d->connection);
	put_text(crm, "account_id", d->crm_account_id);
	json_object_object_add(crm, "records", json_object_new_array());
	json_object_object_add(o, "crm", crm);
	put_text(failure, "blame", cs_blame_name(d->blame));
	put_text(failure, "reason", d->reason);
	json_object_object_add(o, "failure", failure);
	if ((event = cs_events_make(d->lead->account, o, now_ms)) == NULL)
		return 0;
	rc = cs_accept_apply(event, env, s, now_ms, err);
	event->told = *list;
	*list = event;
	return rc;
}

void
cs_events_told(struct cs_accept *list, const struct cs_accept_env *env, int rc)
{
	for (; list != NULL; list = list->told)
		cs_accept_committed(list, env, rc);
}

void
cs_events_forget(struct cs_accept **list, const struct cs_accept_env *env)
{
	if (*list == NULL)
		return;
	cs_events_told(*list, env, CS_ECLOSED);
	cs_accept_free(*list);
	*list = NULL;
}

/* ---- alerts */

struct alert_op {
	struct cs_wop wop;
	struct cs_engine *engine;
	struct cs_accept *event;
	struct cs_accept_env env;
	char key[128], text[300];
	int64_t raised_ms, recovered_ms, count;
	struct cs_conf *conf;      /* for the mail */
	struct cs_arena mem;       /* of its texts */
	struct cs_mail_alert mail;
	int64_t failing_id;               /* the connection that counts as failing while it is on; 0: none */
	const char *cause;                /* static */
};

static int
apply_alert(struct cs_wop *w, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	struct alert_op *o = CS_CONTAINER(w, struct alert_op, wop);
	struct cs_alert_row row = { o->key, o->text, o->raised_ms, o->recovered_ms, o->count };
	int rc = s->ops->alert_put(s, &row, err);

	if (rc >= 0 && o->failing_id != 0)
		rc = s->ops->trouble_put(s, o->failing_id, o->cause, o->recovered_ms == 0 ? o->text : NULL, now_ms, err);
	if (rc >= 0)
		rc = cs_outbox_alert(s, o->conf, &o->mail, now_ms, err);
	return rc < 0 || o->event == NULL ? rc : cs_accept_apply(o->event, &o->env, s, now_ms, err);
}

static void
alert_committed(struct cs_wop *w)
{
	struct alert_op *o = CS_CONTAINER(w, struct alert_op, wop);

	if (o->event != NULL) {
		cs_accept_committed(o->event, &o->env, w->rc);
		cs_accept_free(o->event);
	}
	cs_conf_unref(o->conf);
	cs_arena_fini(&o->mem);
	free(o);
}

/* Whom and what it is about. */
struct about {
	const char *kind, *id, *account, *label;
	json_object *crm; /* consumed */
	int64_t failing_id;
};

static void
fill_mail(struct alert_op *o, struct cs_conf *conf, const struct about *about, bool raised)
{
	o->conf = cs_conf_ref(conf);
	cs_arena_init(&o->mem);
	o->mail = (struct cs_mail_alert){ .kind = about->kind, .subject_of = cs_arena_strdup(&o->mem, about->id),
		.account = cs_arena_strdup(&o->mem, about->account), .label = cs_arena_strdup(&o->mem, about->label),
		.crm = cs_arena_strdup(&o->mem, cs_json_str(about->crm, "name", "")), .what = o->text, .raised = raised };
}

static void
alert(struct cs_engine *e, const struct about *about, const char *text, int count, bool raised)
{
	struct alert_op *o = cs_xcalloc(1, sizeof(*o));
	json_object *b = json_object_new_object();
	int64_t now_ms = cs_now_ms(e->c.clock);

	snprintf(o->key, sizeof(o->key), "%s/%s", about->kind, about->id);
	snprintf(o->text, sizeof(o->text), "%s", text);
	fill_mail(o, e->c.conf, about, raised);
	cs_log(raised ? CS_LOG_ERROR : CS_LOG_INFO, "alert", raised ? "raised" : "recovered", "key=%s account=%s label=\"%s\" text=\"%s\"", o->key,
	    about->account, about->label, text);
	put_text(b, "event", raised ? "alert.raised" : "alert.recovered");
	put_text(b, "key", o->key);
	put_text(b, "text", text);
	json_object_object_add(b, "crm", about->crm);
	o->engine = e;
	o->count = count;
	o->failing_id = about->failing_id;
	o->cause = about->kind;
	o->raised_ms = now_ms;
	o->recovered_ms = raised ? 0 : now_ms;
	o->event = cs_events_make(about->account, b, now_ms);
	o->env = (struct cs_accept_env){ e->c.slots, e, e->c.epoch, cs_schedule_span_ms(&e->schedule) };
	o->wop.apply = apply_alert;
	o->wop.committed = alert_committed;
	if (!cs_writer_put(e->c.writer, &o->wop)) {
		o->wop.rc = CS_ECLOSED;
		alert_committed(&o->wop);
	}
}

static void
alert_connection(struct cs_engine *e, const struct cs_context *c, const char *kind, const char *text, int count, bool raised)
{
	struct about about = { kind, c->public_id, c->account, c->label, crm_part(c, ""), strcmp(kind, REAUTH) != 0 ? c->conn_id : 0 };

	alert(e, &about, text, count, raised);
}

void
cs_events_plugin_alert(struct cs_engine *e, const char *plugin, const char *text, bool raised)
{
	struct about about = { PLUGIN, plugin, "*", plugin, json_object_new_object(), 0 };

	put_text(about.crm, "name", plugin);
	alert(e, &about, text, 1, raised);
}

/* ---- recovery: dead letters whose reason is over go out again by themselves */

struct recover_op {
	struct cs_wop wop;
	struct cs_engine *engine;
	int64_t conn_id, span_ms, rows, per_lane[CS_LANES];
	char crm[65];
};

static void
count_row(void *ctx, const struct cs_delivery_row *row CS_UNUSED, enum cs_lane lane)
{
	struct recover_op *o = ctx;

	o->rows++;
	o->per_lane[lane]++;
}

static int
apply_recover(struct cs_wop *w, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	struct recover_op *o = CS_CONTAINER(w, struct recover_op, wop);

	o->rows = 0;
	memset(o->per_lane, 0, sizeof(o->per_lane));
	return cs_replay_recovered(s, o->conn_id, now_ms, o->span_ms, CS_REPLAY_CHUNK, count_row, o, err);
}

static void
recover_committed(struct cs_wop *w)
{
	struct recover_op *o = CS_CONTAINER(w, struct recover_op, wop);
	bool more = w->rc == 0 && o->rows >= CS_REPLAY_CHUNK;

	for (int lane = 0; w->rc == 0 && lane < CS_LANES; lane++)
		if (o->per_lane[lane] > 0)
			cs_engine_post_backlog(o->engine, o->conn_id, o->crm, (enum cs_lane)lane, o->per_lane[lane],
			    cs_now_ms(o->engine->c.clock));
	if (w->rc == 0 && o->rows > 0)
		cs_log(CS_LOG_INFO, "deliver", "dead letters are replayed after recovery", "connection_id=%lld count=%lld",
		    (long long)o->conn_id, (long long)o->rows);
	if (!more || !cs_writer_put(o->engine->c.writer, &o->wop))
		free(o);
}

void
cs_events_recovered(struct cs_engine *e, struct cs_tree_conn *tc)
{
	struct recover_op *o;

	if (!e->c.conf->replay.automatic)
		return;
	o = cs_xcalloc(1, sizeof(*o));
	o->engine = e;
	o->conn_id = tc->id;
	o->span_ms = cs_schedule_span_ms(&e->schedule);
	memcpy(o->crm, tc->crm->name, sizeof(o->crm));
	o->wop.apply = apply_recover;
	o->wop.committed = recover_committed;
	if (!cs_writer_put(e->c.writer, &o->wop))
		free(o);
}

/* Which of these keys is on in the store; -1: none. */
static int
which_is_on(struct cs_engine *e, char (*keys)[128], size_t n)
{
	struct cs_alert_row *rows;
	struct cs_arena mem;
	int found, which = -1;

	cs_arena_init(&mem);
	rows = cs_arena_alloc(&mem, ALERTS_READ * sizeof(*rows));
	found = e->c.reader->ops->alert_list(e->c.reader, true, &mem, rows, ALERTS_READ, NULL);
	for (size_t k = 0; k < n; k++)
		for (int i = 0; i < found; i++)
			if (strcmp(rows[i].key, keys[k]) == 0)
				which = (int)k;
	cs_arena_fini(&mem);
	return which;
}

/* What an earlier run raised is still on: it is neither raised again nor forgotten. */
static const char *
alert_on(struct cs_engine *e, const struct cs_context *c, struct cs_notes *n)
{
	char keys[CS_ARRAY_LEN(alert_kinds)][128];
	int which;

	if (n->knows_alert)
		return n->alert;
	n->knows_alert = true;
	for (size_t k = 0; k < CS_ARRAY_LEN(alert_kinds); k++)
		snprintf(keys[k], sizeof(keys[k]), "%s/%s", alert_kinds[k], c->public_id);
	if ((which = which_is_on(e, keys, CS_ARRAY_LEN(alert_kinds))) >= 0)
		n->alert = alert_kinds[which];
	return n->alert;
}

void
cs_events_connection_alert(struct cs_engine *e, const struct cs_context *c, const char *kind, const char *text)
{
	char key[1][128];
	bool on;

	snprintf(key[0], sizeof(key[0]), "%s/%s", kind, c->public_id);
	on = which_is_on(e, key, 1) == 0;
	if (text != NULL && !on)
		alert_connection(e, c, kind, text, 1, true);
	else if (text == NULL && on)
		alert_connection(e, c, kind, "it is mended", 1, false);
}

void
cs_events_accepted(struct cs_engine *e, const struct cs_context *c)
{
	struct cs_notes *n = cs_engine_notes(cs_engine_node(e, c->conn_id, c->crm));

	cs_events_connection_alert(e, c, REAUTH, NULL);
	if (n->alert != NULL && strcmp(n->alert, REAUTH) == 0)
		n->alert = NULL;
	n->dead_run = 0;
}

bool
cs_events_plugin_alert_on(struct cs_engine *e, const char *plugin)
{
	char key[1][128];

	snprintf(key[0], sizeof(key[0]), "%s/%s", PLUGIN, plugin);
	return which_is_on(e, key, 1) == 0;
}

static void
raise_reauth(struct cs_engine *e, const struct cs_context *c, struct cs_notes *n)
{
	n->alert = REAUTH;
	alert_connection(e, c, REAUTH, "the CRM no longer accepts this connection's credentials: connect it again", n->dead_run, true);
}

void
cs_events_reauth(struct cs_engine *e, const struct cs_context *c)
{
	struct cs_notes *n = cs_engine_notes(cs_engine_node(e, c->conn_id, c->crm));

	if (alert_on(e, c, n) == NULL)
		raise_reauth(e, c, n);
}

static void
count_dead(struct cs_engine *e, const struct cs_context *c, struct cs_notes *n, bool needs_reauth)
{
	char text[200];

	n->dead_run++;
	n->looked_back = false;
	if (alert_on(e, c, n) != NULL)
		return;
	if (needs_reauth)
		raise_reauth(e, c, n);
	else if (n->dead_run >= e->c.conf->alerts.dead_letters) {
		n->alert = DEAD_LETTERS;
		snprintf(text, sizeof(text), "%d leads could not be brought into the CRM and wait as dead letters", n->dead_run);
		alert_connection(e, c, DEAD_LETTERS, text, n->dead_run, true);
	}
}

struct dead_msg {
	struct cs_msg msg;
	int64_t conn_id;
	char crm[65];
};

static void
handle_dead(struct cs_engine *e, struct cs_msg *m)
{
	struct dead_msg *d = CS_CONTAINER(m, struct dead_msg, msg);
	struct cs_tree_conn *tc = cs_tree_conn(&e->tree, d->conn_id, d->crm);
	struct cs_err err;
	struct cs_context *c = cs_engine_context(e, d->conn_id, &err);

	if (c != NULL)
		count_dead(e, c, cs_engine_notes(tc), false);
	free(d);
}

void
cs_events_post_dead(struct cs_engine *e, int64_t conn_id, const char *crm)
{
	struct dead_msg *d = cs_xcalloc(1, sizeof(*d));

	d->msg.handle = handle_dead;
	d->conn_id = conn_id;
	snprintf(d->crm, sizeof(d->crm), "%s", crm);
	if (!cs_engine_post(e, &d->msg))
		free(d);
}

void
cs_events_watch(struct cs_engine *e, struct cs_tree_conn *tc, const struct cs_context *c, enum cs_state to, bool needs_reauth)
{
	struct cs_notes *n = cs_engine_notes(tc);

	if (to == CS_DEAD)
		count_dead(e, c, n, needs_reauth);
	if (to != CS_DELIVERED)
		return;
	if (alert_on(e, c, n) != NULL)
		alert_connection(e, c, n->alert, "leads reach the CRM again", n->dead_run, false);
	if (!n->looked_back)
		cs_events_recovered(e, tc);
	n->looked_back = true;
	n->alert = NULL;
	n->dead_run = 0;
}
