/* SPDX-License-Identifier: Apache-2.0 */
/*
 * match.c - see match.h.
 *
 * By the ids of the records that deliveries left, and by the marker that we wrote into a record (our event_id): exact. By phone
 * or e-mail, through what the per-caller steps remember of that caller: likely. A likely match leaves no records behind, or
 * the next one would look exact. The lead's account, not the connection's, receives the report.
 */
#include "config.h"
#include "hooks/match.h"

#include <stdlib.h>
#include <string.h>
#include "auth/mac.h"
#include "deliver/events.h"
#include "lead/hash.h"
#include "util/text.h"

#define EVENT_MAX (256u << 10)
#define DEPTH_MAX 16
#define ENTRIES_MAX 32   /* of match and of records */
#define CALLER_ROWS 32
#define LEADS_MAX 8      /* with one event_id, in several accounts */
#define DELIVERIES_MAX 32
#define ID_MAX 256
#define WAIT_MAX_MS (6 * CS_HOUR_MS)

/* ---- reading what was emitted */

static const char *const names[] = {
	"lead.viewed", "lead.updated", "lead.converted", "lead.lost", "job.scheduled", "job.completed", "job.canceled", "job.paid",
};

static bool
is_name(const char *name)
{
	for (size_t i = 0; i < CS_ARRAY_LEN(names); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static bool
is_text(const char *s)
{
	return s[0] != '\0' && strlen(s) <= ID_MAX;
}

static void
put_text(json_object *o, const char *key, const char *value)
{
	json_object_object_add(o, key, json_object_new_string(value));
}

static json_object *
record_new(const char *type, const char *id)
{
	json_object *o = json_object_new_object();

	put_text(o, "type", type);
	put_text(o, "id", id);
	return o;
}

/* Only what can be looked for: {type, id}, {marker}, {phone}, {email}. */
static json_object *
match_entry(const json_object *given)
{
	static const char *const ways[] = { "marker", "phone", "email" };
	const char *type = cs_json_str(given, "type", ""), *id = cs_json_str(given, "id", "");

	if (is_text(type) && is_text(id))
		return record_new(type, id);
	for (size_t i = 0; i < CS_ARRAY_LEN(ways); i++) {
		const char *v = cs_json_str(given, ways[i], "");
		json_object *o;

		if (!is_text(v))
			continue;
		o = json_object_new_object();
		put_text(o, ways[i], v);
		return o;
	}
	return NULL;
}

static json_object *
record_entry(const json_object *given, const struct cs_hook_origin *from)
{
	const char *type = cs_json_str(given, "type", ""), *id = cs_json_str(given, "id", ""), *url = cs_json_str(given, "url", "");
	CS_CLEANUP(cs_buf_fini) struct cs_buf link = CS_BUF_INIT(4096);
	struct cs_lookup lk = from->lookup;
	json_object *o;

	if (!is_text(type) || !is_text(id))
		return NULL;
	lk.id = id;
	for (size_t i = 0; url[0] == '\0' && i < from->manifest->n_links; i++)
		if (strcmp(from->manifest->links[i].name, type) == 0)
			cs_template_expand(from->manifest->links[i].value, CS_IN_URL, &lk, &link, NULL);
	o = record_new(type, id);
	put_text(o, "url", url[0] != '\0' ? url : cs_buf_str(&link));
	return o;
}

static json_object *
entries(json_object *list, const struct cs_hook_origin *from, bool records)
{
	json_object *out = json_object_new_array();
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;

	for (size_t i = 0; i < n && i < ENTRIES_MAX; i++) {
		json_object *given = json_object_array_get_idx(list, i);
		json_object *o = records ? record_entry(given, from) : match_entry(given);

		if (o != NULL)
			json_object_array_add(out, o);
	}
	return out;
}

/* SHA-256 of where it comes from, in the form of a UUID of one's own making (version 8). */
static void
make_id(const struct cs_hook_origin *from, const char *event, const char *own_key, struct cs_bytes emitted, uint8_t id[16])
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	struct cs_part part;
	uint8_t hash[32];

	cs_buf_printf(&b, "%s\n%s\n", from->public_id, event);
	if (own_key[0] != '\0')
		cs_buf_printf(&b, "own\n%s", own_key);
	else if (from->dedupe != NULL) {
		cs_buf_printf(&b, "hook\n%zu\n", from->index);
		cs_buf_add(&b, from->dedupe, 32);
	} else
		cs_buf_add(&b, emitted.ptr, emitted.len);
	part = (struct cs_part){ b.ptr, b.len };
	cs_sha256_parts(&part, 1, hash);
	memcpy(id, hash, 16);
	id[6] = (uint8_t)((id[6] & 0x0f) | 0x80);
	id[8] = (uint8_t)((id[8] & 0x3f) | 0x80);
}

static void
put_occurred(json_object *o, const struct cs_hook_origin *from)
{
	const char *at = cs_json_str(o, "occurred_at", "");
	char text[CS_TIME_TEXT];
	int64_t ms;
	bool zone;

	if (cs_time_parse(at, strlen(at), true, &ms, &zone) < 0)
		put_text(o, "occurred_at", cs_time_format(from->now_ms, text));
}

int
cs_hook_event_read(struct cs_bytes emitted, const struct cs_hook_origin *from, struct cs_arena *mem, struct cs_hook_event *out,
                   struct cs_err *err)
{
	static const char *const ours[] = { "schema_version", "event_id", "received_at", "callsetter_account_id", "lead", "crm", "dedupe" };
	CS_CLEANUP(cs_json_putp) json_object *o = NULL;
	json_object *match, *records;
	char id[CS_UUID_TEXT];

	memset(out, 0, sizeof(*out));
	if (emitted.len > EVENT_MAX)
		return cs_err_set(err, CS_EINVAL, "an emitted event is larger than %u bytes", EVENT_MAX);
	if (cs_json_parse(emitted.ptr, emitted.len, DEPTH_MAX, &o, err) < 0)
		return CS_EINVAL;
	if (!is_name(cs_json_str(o, "event", "")))
		return cs_err_set(err, CS_EINVAL, "an emitted event has no name of event-1.0 that a plugin may report");
	make_id(from, cs_json_str(o, "event", ""), cs_json_str(o, "dedupe", ""), emitted, out->id);
	put_occurred(o, from);
	match = cs_json_get(o, "match");
	match = entries(match != NULL ? match : cs_json_get(o, "records"), from, false);
	records = entries(cs_json_get(o, "records"), from, true);
	for (size_t i = 0; i < CS_ARRAY_LEN(ours); i++)
		json_object_object_del(o, ours[i]);
	json_object_object_add(o, "match", match);
	json_object_object_add(o, "records", records);
	put_text(o, "event_id", cs_uuid_format(out->id, id));
	out->text = cs_arena_strdup(mem, cs_json_text(o));
	out->received_ms = from->received_ms;
	return 0;
}

void
cs_hook_event_of_row(const struct cs_hook_row *row, struct cs_arena *mem, struct cs_hook_event *out)
{
	memset(out, 0, sizeof(*out));
	out->text = cs_arena_strndup(mem, row->body.ptr, row->body.len);
	out->row_id = row->id;
	out->received_ms = row->received_ms;
	out->attempts = row->attempts;
}

/* ---- whose is it? */

struct found {
	struct cs_lead_row lead;
	int64_t delivery_id;
	const char *how;
	bool exact;
};

struct search {
	struct cs_store *s;
	const struct cs_hook_target *to;
	struct cs_arena mem;
	struct found found;
};

/* 1: found, 0: not, or an error. The lead may be gone by retention. */
static int
take_delivery(struct search *f, int64_t delivery_id, const char *how, bool exact, struct cs_err *err)
{
	struct cs_delivery_row d;
	int rc = f->s->ops->delivery_get(f->s, delivery_id, &f->mem, &d, err);

	if (rc == 0)
		rc = f->s->ops->lead_get(f->s, d.lead_id, &f->mem, &f->found.lead, err);
	if (rc < 0 || f->found.lead.kind == CS_KIND_EVENT)
		return rc < 0 && rc != CS_ENOTFOUND ? rc : 0;
	f->found.delivery_id = delivery_id;
	f->found.how = how;
	f->found.exact = exact;
	return 1;
}

static int
by_record(struct search *f, const char *type, const char *id, const char *how, bool exact, struct cs_err *err)
{
	int64_t delivery_id;
	int rc = f->s->ops->record_find(f->s, f->to->conn_id, type, id, &delivery_id, err);

	if (rc < 0)
		return rc == CS_ENOTFOUND ? 0 : rc;
	return take_delivery(f, delivery_id, how, exact, err);
}

/* The marker counts for leads that went into this very connection. */
static int
by_marker(struct search *f, const char *marker, struct cs_err *err)
{
	struct cs_delivery_row rows[DELIVERIES_MAX];
	struct cs_lead_row leads[LEADS_MAX];
	uint8_t id[16];
	int n;

	if (cs_uuid_parse(marker, strlen(marker), id) < 0)
		return 0;
	n = f->s->ops->lead_find(f->s, id, &f->mem, leads, LEADS_MAX, err);
	for (int i = 0; i < n; i++) {
		int k = f->s->ops->deliveries_of_lead(f->s, leads[i].id, &f->mem, rows, DELIVERIES_MAX, err);

		for (int j = 0; j < k; j++)
			if (rows[j].conn_id == f->to->conn_id)
				return take_delivery(f, rows[j].id, "marker", true, err);
		if (k < 0 && k != CS_ENOTFOUND)
			return k;
	}
	return n < 0 && n != CS_ENOTFOUND ? n : 0;
}

/* What the caller's last lead left under a per-caller step is the id of a record of that type. */
static int
by_caller(struct search *f, uint64_t key, const char *how, struct cs_err *err)
{
	const uint64_t keys[2] = { key, 0 };
	struct cs_caller_row rows[CALLER_ROWS];
	int n = f->s->ops->caller_list(f->s, f->to->conn_id, keys, 0, &f->mem, rows, CALLER_ROWS, err), rc;

	for (size_t i = 0; i < f->to->n_steps; i++)
		for (int k = 0; k < n; k++)
			if (strcmp(rows[k].step, f->to->steps[i]) == 0 &&
			    (rc = by_record(f, rows[k].step, rows[k].value, how, false, err)) != 0 && rc != CS_ENOTFOUND)
				return rc;
	return n < 0 ? n : 0;
}

static int
try_entry(struct search *f, const json_object *entry, bool exact, struct cs_err *err)
{
	const char *type = cs_json_str(entry, "type", ""), *marker = cs_json_str(entry, "marker", "");
	const char *phone = cs_json_str(entry, "phone", ""), *email = cs_json_str(entry, "email", "");
	struct cs_lead_hasher h;
	int rc = 0;

	if (exact && type[0] != '\0')
		return by_record(f, type, cs_json_str(entry, "id", ""), "remote_id", true, err);
	if (exact && marker[0] != '\0')
		return by_marker(f, marker, err);
	if (exact)
		return 0;
	cs_lead_hasher_init(&h);
	if (phone[0] != '\0')
		rc = by_caller(f, cs_lead_phone_key(&h, phone), "phone", err);
	else if (email[0] != '\0')
		rc = by_caller(f, cs_lead_email_key(&h, email), "email", err);
	cs_lead_hasher_fini(&h);
	return rc;
}

static int
find_lead(struct search *f, json_object *match, struct cs_err *err)
{
	size_t n = json_object_is_type(match, json_type_array) ? json_object_array_length(match) : 0;

	for (int exact = 1; exact >= 0; exact--)
		for (size_t i = 0; i < n; i++) {
			int rc = try_entry(f, json_object_array_get_idx(match, i), exact, err);

			if (rc != 0)
				return rc;
		}
	return 0;
}

/* ---- the message */

static json_object *
lead_part(const struct cs_lead_row *lead)
{
	CS_CLEANUP(cs_json_putp) json_object *body = NULL;
	json_object *o = json_object_new_object();
	char id[CS_UUID_TEXT];

	cs_json_parse(lead->body.ptr, lead->body.len, 64, &body, NULL);
	put_text(o, "event_id", cs_uuid_format(lead->event_id, id));
	put_text(o, "call_id", cs_json_pointer_text(body, "/call/call_id"));
	return o;
}

static json_object *
crm_part(const struct cs_conn_row *c, json_object *records)
{
	json_object *o = json_object_new_object();

	put_text(o, "name", c->crm);
	put_text(o, "connection", c->public_id);
	put_text(o, "account_id", c->crm_account_id);
	json_object_object_add(o, "records", json_object_get(records));
	return o;
}

static json_object *
match_part(const struct found *f)
{
	json_object *o = json_object_new_object();

	put_text(o, "how", f->how);
	put_text(o, "certainty", f->exact ? "exact" : "likely");
	return o;
}

static int
queue_event(struct cs_hook_event *ev, struct search *f, json_object *o, int64_t now_ms, struct cs_err *err)
{
	struct cs_conn_row conn;
	json_object *records = json_object_get(cs_json_get(o, "records"));
	int rc = f->s->ops->conn_get(f->s, f->to->conn_id, &f->mem, &conn, err);

	if (rc == 0) {
		json_object_object_del(o, "records");
		json_object_object_add(o, "lead", lead_part(&f->found.lead));
		json_object_object_add(o, "crm", crm_part(&conn, records));
		json_object_object_add(o, "match", match_part(&f->found));
		ev->accept = cs_events_make(f->found.lead.account, json_object_get(o), ev->received_ms);
	}
	json_object_put(records);
	return ev->accept != NULL ? cs_accept_apply(ev->accept, f->to->env, f->s, now_ms, err) : rc;
}

/* A record that some delivery has already stays with it. */
static int
put_records(struct search *f, json_object *records, struct cs_err *err)
{
	size_t n = json_object_array_length(records);

	for (size_t i = 0; i < n; i++) {
		json_object *r = json_object_array_get_idx(records, i);
		const char *type = cs_json_str(r, "type", ""), *id = cs_json_str(r, "id", "");
		int64_t other;
		int rc = f->s->ops->record_find(f->s, f->to->conn_id, type, id, &other, err);

		if (rc == CS_ENOTFOUND)
			rc = f->s->ops->record_put(f->s, f->to->conn_id, type, id, f->found.delivery_id, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* ---- no lead: it waits */

/*
 * Most of what waits is about people whom we did not bring, and is tried for a week in vain; what overtook its lead did so by
 * seconds or minutes. A quarter of the age finds the one soon and asks little of the store for the other: about fifty tries.
 */
int64_t
cs_hook_next_try_ms(int64_t age_ms)
{
	int64_t wait = age_ms / 4;

	return wait < CS_MINUTE_MS ? CS_MINUTE_MS : wait > WAIT_MAX_MS ? WAIT_MAX_MS : wait;
}

static int
done_with(const struct cs_hook_event *ev, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	int rc = ev->row_id != 0 ? s->ops->hook_done(s, ev->row_id, now_ms, err) : 0;

	return rc == CS_ENOTFOUND ? 0 : rc;
}

static int
keep(struct cs_hook_event *ev, struct search *f, int64_t now_ms, struct cs_err *err)
{
	struct cs_hook_row row = { .conn_id = f->to->conn_id, .received_ms = ev->received_ms, .is_verified = true,
		.headers = CS_HOOK_WAITS, .body = { ev->text, strlen(ev->text) } };
	int64_t age_ms = now_ms - ev->received_ms;
	struct cs_conn_row conn;
	int rc;

	ev->fate = CS_HOOK_KEPT;
	row.due_ms = now_ms + cs_hook_next_try_ms(age_ms);
	if (ev->row_id != 0 && age_ms > CS_HOOK_KEEP_MS) {
		ev->fate = CS_HOOK_EXPIRED;
		return done_with(ev, f->s, now_ms, err);
	}
	if (ev->row_id != 0) {
		rc = f->s->ops->hook_retry(f->s, ev->row_id, row.due_ms, ev->attempts + 1, now_ms, err);
		return rc == CS_ENOTFOUND ? 0 : rc;
	}
	if ((rc = f->s->ops->conn_get(f->s, f->to->conn_id, &f->mem, &conn, err)) < 0)
		return rc == CS_ENOTFOUND ? 0 : rc;
	row.crm = conn.crm;
	memcpy(row.dedupe, ev->id, sizeof(ev->id)); /* half of a key: no hook's own key looks like that */
	rc = f->s->ops->hook_insert(f->s, &row, err);
	return rc == CS_EEXIST ? 0 : rc;
}

/* ---- all of it */

static int
apply(struct cs_hook_event *ev, struct search *f, json_object *o, int64_t now_ms, struct cs_err *err)
{
	int rc = find_lead(f, cs_json_get(o, "match"), err);

	if (rc < 0)
		return rc;
	if (rc == 0)
		return keep(ev, f, now_ms, err);
	ev->fate = CS_HOOK_MATCHED;
	if (f->found.exact && (rc = put_records(f, cs_json_get(o, "records"), err)) < 0)
		return rc;
	if (f->to->env->slots->events_wanted && (rc = queue_event(ev, f, o, now_ms, err)) < 0)
		return rc;
	return done_with(ev, f->s, now_ms, err);
}

int
cs_hook_event_apply(struct cs_hook_event *ev, const struct cs_hook_target *to, struct cs_store *s, int64_t now_ms,
                    struct cs_err *err)
{
	struct search f = { .s = s, .to = to };
	json_object *o = NULL;
	int rc;

	cs_hook_event_end(ev, to->env, CS_ESTATE); /* of a run that was rolled back */
	ev->fate = CS_HOOK_LOST;
	if (cs_json_parse(ev->text, strlen(ev->text), DEPTH_MAX + 1, &o, NULL) < 0)
		return done_with(ev, s, now_ms, err);
	cs_arena_init(&f.mem);
	rc = apply(ev, &f, o, now_ms, err);
	cs_arena_fini(&f.mem);
	json_object_put(o);
	return rc;
}

void
cs_hook_event_end(struct cs_hook_event *ev, const struct cs_accept_env *env, int rc)
{
	if (ev->accept == NULL)
		return;
	cs_accept_committed(ev->accept, env, rc);
	cs_accept_free(ev->accept);
	ev->accept = NULL;
}
