/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check.c - one look at a connection: question after question, then one operation for the writer.
 *
 * Dependent lists are read with the connection's own settings, as its leads are sent with them. A list that cannot be read proves
 * nothing about a choice: it is named as unchecked and raises nothing.
 */
#include "deliver/call/check.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "deliver/engine_private.h"
#include "deliver/events.h"
#include "log/log.h"
#include "queue/canary.h"

#define ALERT "check"
#define AT_ONCE 4
#define LOOK_EVERY_MS CS_MINUTE_MS

struct run {
	struct cs_wop wop;
	struct cs_msg told;
	struct cs_check *check;
	struct cs_engine *engine;
	struct cs_ask ask;
	struct cs_manifest *manifest;
	struct cs_context *context;   /* NULL: none can be made */
	size_t at;                    /* the setting whose list is asked for */
	json_object *out, *findings, *unchecked;
	char text[300];               /* of the first finding */
	int64_t next_ms;
	enum cs_conn_state was;
	bool is_canary, dead_key, mended;
};

struct cs_canary {
	int running;
	int64_t looked_ms;
};

/* ---- the end */

static void
settle_alerts(struct run *r)
{
	const struct cs_context *c = r->context;

	if (c == NULL || r->wop.rc < 0)
		return;
	if (r->dead_key)
		cs_events_reauth(r->engine, c);
	if (r->mended)
		cs_events_accepted(r->engine, c);
	if (r->check->said == CS_SAID_YES && r->check->with_lists)
		cs_events_connection_alert(r->engine, c, ALERT, r->text[0] != '\0' ? r->text : NULL);
	else if (r->check->said == CS_SAID_NO_API_ACCESS || r->check->said == CS_SAID_MISSING_RIGHT)
		cs_events_connection_alert(r->engine, c, ALERT, r->ask.text);
	if (r->dead_key || r->mended)
		cs_engine_post_conn(r->engine, c->conn_id, r->mended);
}

static void
told(struct cs_engine *e, struct cs_msg *m)
{
	struct run *r = CS_CONTAINER(m, struct run, told);
	struct cs_check *check = r->check;

	settle_alerts(r);
	if (r->is_canary)
		e->canary->running--;
	cs_context_unref(r->context);
	json_object_put(r->out);
	free(r);
	if (check->done != NULL)
		check->done(check);
	else {
		free(check->json);
		free(check);
	}
}

static int
apply(struct cs_wop *w, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	struct run *r = CS_CONTAINER(w, struct run, wop);
	struct cs_conn_row row;
	struct cs_arena mem;
	int rc;

	cs_arena_init(&mem);
	r->dead_key = r->mended = false;
	if ((rc = s->ops->conn_get(s, r->check->conn_id, &mem, &row, err)) == 0)
		rc = s->ops->conn_checked(s, row.id, r->check->json, now_ms, row.check_ms > 0 ? r->next_ms : 0, err);
	if (rc == 0) {
		r->dead_key = row.state == CS_CONN_CONNECTED && r->check->said == CS_SAID_BAD_KEY;
		r->mended = row.state == CS_CONN_NEEDS_REAUTH && r->check->said == CS_SAID_YES;
	}
	if (r->dead_key)
		rc = s->ops->conn_state(s, row.id, CS_CONN_NEEDS_REAUTH, "the CRM no longer accepts the credentials", now_ms, err);
	if (r->mended)
		rc = s->ops->conn_state(s, row.id, CS_CONN_CONNECTED, "", now_ms, err);
	cs_arena_fini(&mem);
	return rc == CS_ENOTFOUND ? 0 : rc;
}

static void
committed(struct cs_wop *w)
{
	struct run *r = CS_CONTAINER(w, struct run, wop);

	r->told.handle = told;
	if (!cs_engine_post(r->engine, &r->told))
		told(r->engine, &r->told); /* it has stopped: nobody else is there */
}

static void
put_text(json_object *o, const char *key, const char *text)
{
	json_object_object_add(o, key, text[0] != '\0' ? json_object_new_string(text) : NULL);
}

static void
finish(struct run *r)
{
	struct cs_check *c = r->check;
	uint64_t random = r->engine->c.clock->random(r->engine->c.clock);
	int64_t now_ms = cs_now_ms(r->engine->c.clock);
	json_object *ways = json_object_new_array();

	if (c->said == CS_SAID_NO_API_ACCESS) {
		json_object_array_add(ways, json_object_new_string("mail"));
		json_object_array_add(ways, json_object_new_string("zapier"));
	}
	put_text(r->out, "said", cs_said_name(c->said));
	put_text(r->out, "text", r->ask.text);
	put_text(r->out, "id", r->ask.id);
	put_text(r->out, "name", r->ask.name);
	c->n_findings = json_object_array_length(r->findings);
	json_object_object_add(r->out, "findings", r->findings);
	json_object_object_add(r->out, "unchecked", r->unchecked);
	json_object_object_add(r->out, "ways_left", ways);
	c->json = cs_xstrdup(cs_json_text(r->out));
	r->next_ms = c->said == CS_SAID_LATER ? cs_canary_again(now_ms, random) : cs_canary_next(now_ms, random);
	r->wop.apply = apply;
	r->wop.committed = committed;
	cs_log(CS_LOG_INFO, "deliver", "connection looked at", "connection=%s said=%s findings=%zu", r->context != NULL ? r->context->public_id : "",
	       cs_said_name(c->said), c->n_findings);
	if (!cs_writer_put(r->engine->c.writer, &r->wop)) {
		r->wop.rc = CS_ECLOSED;
		committed(&r->wop);
	}
}

/* ---- what was chosen */

static bool
holds(json_object *items, const char *value)
{
	for (size_t i = 0; i < json_object_array_length(items); i++)
		if (strcmp(cs_json_str(json_object_array_get_idx(items, i), "value", ""), value) == 0)
			return true;
	return false;
}

static void next_list(struct run *r);

static void
list_read(struct cs_ask *a)
{
	struct run *r = CS_CONTAINER(a, struct run, ask);
	const struct cs_setting_row *row = &r->context->manifest->settings[r->at - 1];
	const char *value = cs_context_setting(r->context, row->key);
	json_object *o;

	if (a->said != CS_SAID_YES || (a->is_cut && !holds(a->items, value)))
		json_object_array_add(r->unchecked, json_object_new_string(row->key));
	else if (!holds(a->items, value)) {
		o = json_object_new_object();
		put_text(o, "setting", row->key);
		put_text(o, "list", row->choices_from);
		snprintf(r->text, sizeof(r->text), "%.200s: what was chosen is no longer there: choose again", row->label);
		put_text(o, "detail", r->text);
		json_object_array_add(r->findings, o);
	}
	next_list(r);
}

static void
next_list(struct run *r)
{
	const struct cs_manifest *m = r->context->manifest;

	while (r->at < m->n_settings) {
		const struct cs_setting_row *row = &m->settings[r->at++];

		if (row->choices_from == NULL || (row->type != CS_SETTING_TEXT && row->type != CS_SETTING_CHOICE) ||
		    cs_context_setting(r->context, row->key)[0] == '\0')
			continue;
		if (row->dflt != NULL && json_object_is_type(row->dflt, json_type_string) && /* not chosen, and the plugin knows what it does */
		    strcmp(json_object_get_string(row->dflt), cs_context_setting(r->context, row->key)) == 0)
			continue;
		r->ask = (struct cs_ask){ .conn_id = r->check->conn_id, .list = row->choices_from, .refresh = true, .done = list_read };
		cs_ask_start(r->engine, &r->ask);
		return;
	}
	r->ask = (struct cs_ask){ .said = CS_SAID_YES };
	snprintf(r->ask.id, sizeof(r->ask.id), "%s", cs_json_str(r->out, "who_id", ""));
	snprintf(r->ask.name, sizeof(r->ask.name), "%s", cs_json_str(r->out, "who_name", ""));
	snprintf(r->ask.text, sizeof(r->ask.text), "%s", cs_json_str(r->out, "who_text", ""));
	json_object_object_del(r->out, "who_id");
	json_object_object_del(r->out, "who_name");
	json_object_object_del(r->out, "who_text");
	finish(r);
}

static void
who_told(struct cs_ask *a)
{
	struct run *r = CS_CONTAINER(a, struct run, ask);

	r->check->said = a->said;
	if (a->said == CS_SAID_CANNOT) {
		r->check->said = CS_SAID_CANNOT;
		snprintf(a->text, sizeof(a->text), "this CRM cannot say who is connected; a test lead shows whether it works");
	}
	if (a->said == CS_SAID_YES && a->name[0] != '\0' && strcmp(a->name, a->id) != 0)
		snprintf(a->text, sizeof(a->text), "connected as %s%s%s", a->name, a->id[0] != '\0' ? ", account " : "", a->id);
	else if (a->said == CS_SAID_YES)
		snprintf(a->text, sizeof(a->text), "connected%s%s", a->id[0] != '\0' ? " as account " : "", a->id);
	if ((a->said != CS_SAID_YES && a->said != CS_SAID_CANNOT) || !r->check->with_lists || r->context == NULL) {
		finish(r);
		return;
	}
	put_text(r->out, "who_id", a->id);
	put_text(r->out, "who_name", a->name);
	put_text(r->out, "who_text", a->text);
	next_list(r);
}

static struct run *
begin(struct cs_engine *e, struct cs_check *c, bool is_canary)
{
	struct run *r = cs_xcalloc(1, sizeof(*r));
	struct cs_err err;

	r->check = c;
	r->engine = e;
	r->is_canary = is_canary;
	r->out = json_object_new_object();
	r->findings = json_object_new_array();
	r->unchecked = json_object_new_array();
	r->context = cs_engine_try_context(e, c->conn_id, NULL, &err);
	r->ask = (struct cs_ask){ .conn_id = c->conn_id, .done = who_told };
	cs_ask_start(e, &r->ask);
	return r;
}

static void
handle_check(struct cs_engine *e, struct cs_msg *m)
{
	begin(e, CS_CONTAINER(m, struct cs_check, msg), false);
}

void
cs_engine_post_check(struct cs_engine *e, struct cs_check *c)
{
	c->msg.handle = handle_check;
	if (cs_engine_post(e, &c->msg))
		return;
	c->said = CS_SAID_LATER;
	c->json = cs_xstrdup("{\"said\":\"unreachable\",\"text\":\"the daemon is stopping\"}");
	c->done(c);
}

/* ---- once a day */

void
cs_canary_turn(struct cs_engine *e, int64_t now_ms)
{
	int64_t ids[AT_ONCE];
	int n;

	if (!e->c.conf->alerts.canary)
		return;
	if (e->canary == NULL)
		e->canary = cs_xcalloc(1, sizeof(*e->canary));
	if (e->canary->running > 0 || (now_ms - e->canary->looked_ms < LOOK_EVERY_MS && now_ms >= e->canary->looked_ms))
		return;
	n = e->c.reader->ops->conn_due_checks(e->c.reader, now_ms, ids, AT_ONCE, NULL);
	if (n < AT_ONCE) /* else there is more, and the next ones begin when these are done */
		e->canary->looked_ms = now_ms;
	if (n <= 0)
		return;
	e->canary->running = n;
	for (int i = 0; i < n; i++) {
		struct cs_check *c = cs_xcalloc(1, sizeof(*c));

		c->conn_id = ids[i];
		c->with_lists = true;
		begin(e, c, true);
	}
}

void
cs_canary_free(struct cs_engine *e)
{
	free(e->canary);
}
