/* SPDX-License-Identifier: Apache-2.0 */
/*
 * emergency.c - see emergency.h.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "lead/lead.h"
#include "log/log.h"
#include "mail/emergency.h"
#include "mail/outbox.h"
#include "util/text.h"

#define AT_ONCE 32
#define CONTACTS_MAX 32
#define BODY_MAX ((size_t)2 << 20)

/* ---- the lead as text */

/* "first_name" as "First name". */
static void
add_label(struct cs_buf *b, const char *key)
{
	for (const char *p = key; *p != '\0'; p++)
		cs_buf_addc(b, *p == '_' ? ' ' : p == key ? (char)toupper((unsigned char)*p) : *p);
}

static void write_value(struct cs_buf *b, const char *key, json_object *v, int depth);

static void
indent(struct cs_buf *b, int depth)
{
	for (int i = 0; i < depth; i++)
		cs_buf_adds(b, "  ");
}

/* A text of several lines stands indented below its label. */
static void
write_text(struct cs_buf *b, const char *text, int depth)
{
	if (strchr(text, '\n') != NULL) {
		b->len--; /* no space behind the colon */
		cs_buf_addc(b, '\n');
		indent(b, depth + 1);
	}
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text >= ' ' || *text == '\t')
			cs_buf_addc(b, *text);
		if (*text == '\n') {
			cs_buf_addc(b, '\n');
			indent(b, depth + 1);
		}
	}
	cs_buf_addc(b, '\n');
}

static void
write_members(struct cs_buf *b, json_object *o, int depth)
{
	json_object_object_foreach(o, key, v)
		write_value(b, key, v, depth);
}

static void
write_value(struct cs_buf *b, const char *key, json_object *v, int depth)
{
	if (v == NULL || (json_object_is_type(v, json_type_string) && json_object_get_string_len(v) == 0))
		return;
	indent(b, depth);
	add_label(b, key);
	cs_buf_adds(b, ": ");
	if (json_object_is_type(v, json_type_object)) {
		b->len--; /* no space behind the colon */
		cs_buf_addc(b, '\n');
		write_members(b, v, depth + 1);
	} else if (json_object_is_type(v, json_type_array)) {
		b->len--;
		cs_buf_addc(b, '\n');
		for (size_t i = 0; i < json_object_array_length(v); i++)
			write_value(b, "-", json_object_array_get_idx(v, i), depth + 1);
	} else if (json_object_is_type(v, json_type_boolean))
		cs_buf_adds(b, json_object_get_boolean(v) ? "yes\n" : "no\n");
	else
		write_text(b, json_object_get_string(v), depth);
}

void
cs_emergency_write_lead(struct cs_buf *out, const char *json, size_t n)
{
	CS_CLEANUP(cs_json_putp) json_object *o = NULL;

	if (cs_json_parse(json, n, 32, &o, NULL) < 0 || !json_object_is_type(o, json_type_object))
		cs_buf_add(out, json, n);
	else
		write_members(out, o, 0);
}

/* ---- whom, and in which words */

struct late {
	struct cs_delivery_row d;
	struct cs_lead_row lead;
	struct cs_conn_row conn; /* id 0: none is known */
	json_object *contacts;
	const char *to[CONTACTS_MAX];
	size_t n_to;
};

/* The contacts; the operator where there is no connection to have any. */
static void
addressees(struct late *l, const struct cs_conf *conf)
{
	if (l->conn.id != 0 && l->conn.contacts[0] != '\0' &&
	    cs_json_parse(l->conn.contacts, strlen(l->conn.contacts), 4, &l->contacts, NULL) == 0 &&
	    json_object_is_type(l->contacts, json_type_array))
		for (size_t i = 0; i < json_object_array_length(l->contacts) && l->n_to < CONTACTS_MAX; i++)
			l->to[l->n_to++] = json_object_get_string(json_object_array_get_idx(l->contacts, i));
	if (l->conn.id == 0)
		for (size_t i = 0; i < conf->alerts.mail_to.n && l->n_to < CONTACTS_MAX; i++)
			l->to[l->n_to++] = conf->alerts.mail_to.v[i];
}

static const char *
where_it_is(const struct late *l)
{
	if (l->conn.id == 0)
		return "No connection to a CRM is known for it, so it will not go anywhere by itself.";
	if (l->conn.state == CS_CONN_NEEDS_REAUTH)
		return "The CRM no longer accepts our access; it waits until the connection is made anew.";
	if (l->conn.state == CS_CONN_PAUSED)
		return "The connection is paused; it waits until it is resumed.";
	if (l->d.state == CS_DEAD)
		return "The CRM did not take it, and it is not tried again by itself before somebody looks.";
	return "It is tried again by itself and may still arrive in the CRM: look there before you enter it by hand.";
}

static void
write_mail(struct cs_buf *subject, struct cs_buf *body, const struct late *l, int64_t now_ms)
{
	char since[CS_TIME_TEXT];

	cs_buf_printf(subject, "EMERGENCY: a caller's lead is not in %s yet", l->conn.id != 0 && l->conn.label[0] != '\0' ? l->conn.label : "the CRM");
	cs_buf_printf(body, "A caller with an emergency reached CallSetter at %s. After %lld minutes the lead is not in the CRM. Call back now.\n\n%s\n\n",
	              cs_time_format(l->lead.received_ms, since), (long long)((now_ms - l->d.created_ms) / CS_MINUTE_MS), where_it_is(l));
	cs_emergency_write_lead(body, l->lead.body.ptr, l->lead.body.len);
	cs_buf_printf(body, "\n-- \nThis is the whole lead. It is sent once. Connection: %s\n",
	              l->conn.id != 0 ? l->conn.public_id : "none");
}

/* ---- looking */

static bool
is_settled(const struct cs_delivery_row *d)
{
	return d->state == CS_DELIVERED || d->state == CS_DISCARDED || d->urgency != CS_URGENCY_EMERGENCY;
}

static int
read_late(struct cs_store *s, int64_t delivery_id, struct cs_arena *mem, struct late *l, struct cs_err *err)
{
	int rc;

	memset(l, 0, sizeof(*l));
	if ((rc = s->ops->delivery_get(s, delivery_id, mem, &l->d, err)) < 0 || is_settled(&l->d))
		return rc == 0 ? CS_ENOTFOUND : rc;
	if ((rc = s->ops->lead_get(s, l->d.lead_id, mem, &l->lead, err)) < 0)
		return rc;
	rc = l->d.conn_id != 0 ? s->ops->conn_get(s, l->d.conn_id, mem, &l->conn, err) : 0;
	return rc == CS_ENOTFOUND ? 0 : rc; /* the connection was deleted: as if none were known */
}

static void
say(const struct late *l, int told)
{
	char id[CS_UUID_TEXT];

	cs_log(told > 0 ? CS_LOG_WARN : CS_LOG_ERROR, "mail",
	       told > 0 ? "an emergency is not in its CRM in time: it is mailed" : "an emergency is not in its CRM in time, and there is nobody to mail it to",
	       "event_id=%s account=%s connection=%s state=%s mails=%d", cs_uuid_format(l->lead.event_id, id), l->lead.account,
	       l->conn.id != 0 ? l->conn.public_id : "none", cs_state_name(l->d.state), told);
}

static int
tell_one(struct cs_store *s, const struct cs_conf *conf, int64_t delivery_id, struct cs_arena *mem, int64_t now_ms, struct cs_err *err)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf subject = CS_BUF_INIT(0);
	CS_CLEANUP(cs_buf_fini) struct cs_buf body = CS_BUF_INIT(BODY_MAX);
	struct late l;
	int rc = read_late(s, delivery_id, mem, &l, err);

	if (rc == 0) {
		addressees(&l, conf);
		write_mail(&subject, &body, &l, now_ms);
		rc = conf->alerts.mail_url[0] == '\0' ? 0 : cs_outbox_put(s, CS_MAIL_EMERGENCY, l.to, l.n_to, cs_buf_str(&subject),
		                                                          cs_buf_str(&body), now_ms, err);
		if (rc >= 0)
			say(&l, rc);
	} else if (rc == CS_ENOTFOUND)
		rc = 0;
	json_object_put(l.contacts);
	return rc < 0 ? rc : s->ops->late_delete(s, delivery_id, err);
}

int
cs_emergency_tell(struct cs_store *s, const struct cs_conf *conf, int64_t now_ms, int max, struct cs_err *err)
{
	int64_t ids[AT_ONCE];
	struct cs_arena mem;
	int n = s->ops->late_list(s, now_ms - conf->alerts.emergency_after, ids, max < AT_ONCE ? max : AT_ONCE, err), rc = 0;

	cs_arena_init(&mem);
	for (int i = 0; i < n && rc >= 0; i++) {
		rc = tell_one(s, conf, ids[i], &mem, now_ms, err);
		cs_arena_reset(&mem);
	}
	cs_arena_fini(&mem);
	return rc < 0 ? rc : n;
}

struct tell_op {
	struct cs_wop wop;
	struct cs_conf *conf;
};

static int
apply_tell(struct cs_wop *w, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	int rc = cs_emergency_tell(s, CS_CONTAINER(w, struct tell_op, wop)->conf, now_ms, AT_ONCE, err);

	return rc < 0 ? rc : 0;
}

static void
tell_done(struct cs_wop *w)
{
	struct tell_op *o = CS_CONTAINER(w, struct tell_op, wop);

	cs_conf_unref(o->conf);
	free(o);
}

void
cs_emergency_sweep(struct cs_store *reader, struct cs_writer *writer, struct cs_conf *conf, int64_t now_ms)
{
	struct tell_op *o;
	int64_t id;

	if (reader->ops->late_list(reader, now_ms - conf->alerts.emergency_after, &id, 1, NULL) <= 0)
		return;
	o = cs_xcalloc(1, sizeof(*o));
	o->conf = cs_conf_ref(conf);
	o->wop.apply = apply_tell;
	o->wop.committed = tell_done;
	if (!cs_writer_put(writer, &o->wop))
		tell_done(&o->wop);
}
