/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin.c - the calls behind /_records, /_requests, /_faults, /_clock, /_tokens and /_health.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include "sandbox/admin.h"
#include "sandbox/crm/oauth.h"

struct call {
	struct cs_sb_engine *e;
	const struct cs_sb_request *req;
	struct cs_sb_reply *reply;
	json_object *query, *body;
};

static void
refuse(struct cs_sb_reply *reply, int status, const char *message, const char *hint)
{
	json_object *o = json_object_new_object();

	json_object_object_add(o, "message", json_object_new_string(message));
	if (hint != NULL && *hint != '\0')
		json_object_object_add(o, "hint", json_object_new_string(hint));
	reply->status = status;
	cs_buf_adds(&reply->body, cs_json_text(o));
	json_object_put(o);
}

/* Takes o over. */
static void
give(struct cs_sb_reply *reply, json_object *o)
{
	cs_buf_adds(&reply->body, json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
									JSON_C_TO_STRING_NOSLASHESCAPE));
	cs_buf_addc(&reply->body, '\n');
	json_object_put(o);
}

static const char *
wanted(struct call *c, const char *name)
{
	json_object *v = json_object_object_get(c->query, name);

	return v != NULL ? cs_sb_scalar(v) : NULL;
}

static bool
is_wanted(struct call *c, const char *name, const char *value)
{
	const char *want = wanted(c, name);

	return want == NULL || strcmp(want, value) == 0;
}

/* ---- records */

static void
put_time(struct cs_buf *b, const char *name, int64_t ms)
{
	char t[CS_TIME_TEXT];

	cs_buf_printf(b, "\"%s\":\"%s\",", name, cs_time_format(ms, t));
}

static void
put_text(struct cs_buf *b, const char *name, const char *s)
{
	cs_buf_printf(b, "\"%s\":", name);
	cs_buf_add_json_string(b, s, strlen(s));
	cs_buf_addc(b, ',');
}

/* Records are written straight into the answer: there may be very many. */
static void
put_record(struct cs_buf *b, const struct cs_sb_tenant *t, const struct cs_sb_record *r)
{
	cs_buf_addc(b, '{');
	put_text(b, "id", r->id);
	put_text(b, "tenant", t->name);
	put_time(b, "created_at", r->created_ms);
	cs_buf_printf(b, "\"created_ms\":%lld,", (long long)r->created_ms);
	put_time(b, "last_at", r->last_ms);
	cs_buf_printf(
	    b, "\"request\":%llu,\"last_request\":%llu,\"updates\":%u,\"repeats\":%u,\"deleted\":%s,\"doc\":",
	    (unsigned long long)r->request, (unsigned long long)r->last_request, r->updates, r->repeats,
	    r->deleted ? "true" : "false");
	cs_buf_adds(b,
		    r->doc != NULL ? json_object_to_json_string_ext(r->doc, JSON_C_TO_STRING_PLAIN) : "null");
	cs_buf_addc(b, '}');
}

struct counts {
	uint64_t created, updated, deleted, repeats;
};

static void
put_collection(struct call *call, struct cs_buf *b, const struct cs_sb_crm_state *st, unsigned no)
{
	struct counts sum = { 0 };
	bool counts_only = wanted(call, "counts") != NULL, comma = false;

	for (size_t i = 0; i < st->ntenants; i++) {
		const struct cs_sb_table *tab = &st->by_no[i]->tables[no];

		if (!is_wanted(call, "tenant", st->by_no[i]->name))
			continue;
		sum.created += tab->created;
		sum.updated += tab->updated;
		sum.deleted += tab->deleted;
		sum.repeats += tab->repeats;
	}
	cs_buf_printf(b, "{\"created\":%llu,\"updated\":%llu,\"deleted\":%llu,\"repeats\":%llu",
		      (unsigned long long)sum.created, (unsigned long long)sum.updated,
		      (unsigned long long)sum.deleted, (unsigned long long)sum.repeats);
	cs_buf_adds(b, counts_only ? "}" : ",\"records\":[");
	for (size_t i = 0; !counts_only && i < st->ntenants; i++) {
		const struct cs_sb_table *tab = &st->by_no[i]->tables[no];

		for (size_t k = 0; is_wanted(call, "tenant", st->by_no[i]->name) && k < tab->n; k++) {
			if (tab->v[k]->seed)
				continue;
			cs_buf_adds(b, comma ? ",\n" : "\n");
			put_record(b, st->by_no[i], tab->v[k]);
			comma = true;
		}
	}
	if (!counts_only)
		cs_buf_adds(b, "]}");
}

static void
get_records(struct call *call)
{
	struct cs_buf *b = &call->reply->body;
	bool comma = false, inner;

	cs_buf_addc(b, '{');
	for (size_t i = 0; i < call->e->ncrms; i++) {
		const struct cs_sb_crm_state *st = &call->e->crms[i];

		if (!is_wanted(call, "crm", st->crm->name))
			continue;
		cs_buf_printf(b, "%s\"%s\":{", comma ? "," : "", st->crm->name);
		comma = true;
		inner = false;
		for (unsigned k = 0; k < st->crm->ncollections; k++) {
			if (!is_wanted(call, "collection", st->crm->collections[k].name))
				continue;
			cs_buf_printf(b, "%s\"%s\":", inner ? "," : "", st->crm->collections[k].name);
			inner = true;
			put_collection(call, b, st, k);
		}
		cs_buf_addc(b, '}');
	}
	cs_buf_adds(b, "}\n");
}

static void
delete_records(struct call *call)
{
	for (size_t i = 0; i < call->e->ncrms; i++) {
		if (is_wanted(call, "crm", call->e->crms[i].crm->name))
			cs_sb_crm_state_reset(&call->e->crms[i]);
	}
	call->reply->status = 204;
}

/* ---- requests */

static json_object *
counters(const struct cs_sb_engine *e)
{
	json_object *all = json_object_new_object(), *o;

	for (size_t i = 0; i < e->ncrms; i++) {
		const struct cs_sb_crm_state *st = &e->crms[i];

		o = json_object_new_object();
		json_object_object_add(o, "requests", json_object_new_int64((int64_t)st->requests));
		json_object_object_add(o, "refused", json_object_new_int64((int64_t)st->refused));
		json_object_object_add(o, "faults", json_object_new_int64((int64_t)st->faults));
		json_object_object_add(o, "tenants", json_object_new_int64((int64_t)st->ntenants));
		json_object_object_add(all, st->crm->name, o);
	}
	return all;
}

static void
get_requests(struct call *call)
{
	const struct cs_sb_journal *j = &call->e->journal;
	const char *limit = wanted(call, "limit");
	size_t max = limit != NULL ? strtoul(limit, NULL, 10) : j->max, from = j->n;
	json_object *o = json_object_new_object(), *list = json_object_new_array();

	for (size_t n = 0; from > 0 && n < max; from--)
		n += is_wanted(call, "crm", j->ring[(j->first + from - 1) % j->max].crm);
	for (size_t i = from; i < j->n; i++) {
		if (is_wanted(call, "crm", j->ring[(j->first + i) % j->max].crm))
			json_object_array_add(list, cs_sb_journal_show(j, i));
	}
	json_object_object_add(o, "counters", counters(call->e));
	json_object_object_add(o, "requests", list);
	give(call->reply, o);
}

static void
delete_requests(struct call *call)
{
	cs_sb_journal_clear(&call->e->journal);
	call->reply->status = 204;
}

/* ---- faults, clock, tokens, health */

static void
post_faults(struct call *call)
{
	struct cs_err err = { 0 };
	json_object *o;
	uint64_t id;

	if (cs_sb_fault_add(&call->e->faults, call->body, &id, &err) < 0) {
		refuse(call->reply, 400, err.msg, err.hint);
		return;
	}
	o = json_object_new_object();
	json_object_object_add(o, "id", json_object_new_int64((int64_t)id));
	call->reply->status = 201;
	give(call->reply, o);
}

static void
get_faults(struct call *call)
{
	json_object *o = json_object_new_object();

	json_object_object_add(o, "faults", cs_sb_faults_show(&call->e->faults));
	give(call->reply, o);
}

static void
delete_faults(struct call *call)
{
	const char *id = wanted(call, "id");

	cs_sb_faults_drop(&call->e->faults, id != NULL ? strtoull(id, NULL, 10) : 0);
	call->reply->status = 204;
}

static void
get_clock(struct call *call)
{
	int64_t now = cs_sb_engine_now(call->e);
	json_object *o = json_object_new_object();
	char t[CS_TIME_TEXT];

	json_object_object_add(o, "now", json_object_new_string(cs_time_format(now, t)));
	json_object_object_add(o, "now_ms", json_object_new_int64(now));
	json_object_object_add(o, "advance_ms", json_object_new_int64(call->e->advance_ms));
	give(call->reply, o);
}

static void
post_clock(struct call *call)
{
	int64_t ms = cs_json_int(call->body, "advance_ms", -1);

	if (ms < 0 || ms > 3650 * CS_DAY_MS) {
		refuse(call->reply, 400, "advance_ms must be a number of milliseconds, 0 to ten years", NULL);
		return;
	}
	call->e->advance_ms += ms;
	get_clock(call);
}

static void
post_tokens(struct call *call)
{
	const char *crm = cs_json_str(call->body, "crm", ""), *tenant = cs_json_str(call->body, "tenant", NULL);
	const char *what = cs_json_str(call->body, "do", "");
	struct cs_sb_crm_state *st = cs_sb_engine_crm(call->e, crm, strlen(crm));
	bool revoke = strcmp(what, "revoke") == 0;
	struct cs_sb_tenant *t;

	if (st == NULL || (!revoke && strcmp(what, "expire") != 0 && strcmp(what, "restore") != 0)) {
		refuse(call->reply, 400,
		       st == NULL ? "no such crm" : "\"do\" must be expire, revoke or restore", NULL);
		return;
	}
	if (strcmp(what, "restore") != 0)
		cs_sb_oauth_expire(st, tenant, revoke);
	if (strcmp(what, "expire") != 0 && tenant != NULL && (t = cs_sb_tenant_get(st, tenant)) != NULL)
		t->revoked = revoke;
	for (size_t i = 0; strcmp(what, "expire") != 0 && tenant == NULL && i < st->ntenants; i++)
		st->by_no[i]->revoked = revoke;
	call->reply->status = 204;
}

static void
get_health(struct call *call)
{
	json_object *o = json_object_new_object();

	json_object_object_add(o, "status", json_object_new_string("ok"));
	json_object_object_add(o, "crms", counters(call->e));
	json_object_object_add(o, "records", json_object_new_int64((int64_t)call->e->store.records));
	give(call->reply, o);
}

static void
get_page(struct call *call)
{
	cs_sb_page(call->e, call->reply);
}

/* ---- dispatch */

static const struct {
	const char *method, *path;
	void (*run)(struct call *);
	bool reads_body;
} calls[] = {
	{ "GET", "/", get_page, false },
	{ "GET", "/_health", get_health, false },
	{ "GET", "/_records", get_records, false },
	{ "DELETE", "/_records", delete_records, false },
	{ "GET", "/_requests", get_requests, false },
	{ "DELETE", "/_requests", delete_requests, false },
	{ "GET", "/_faults", get_faults, false },
	{ "POST", "/_faults", post_faults, true },
	{ "DELETE", "/_faults", delete_faults, false },
	{ "GET", "/_clock", get_clock, false },
	{ "POST", "/_clock", post_clock, true },
	{ "POST", "/_tokens", post_tokens, true },
};

/* Host must be a loopback name (no DNS rebinding), and a script's Origin must be our own page. */
static bool
from_here(const struct cs_sb_request *req)
{
	const char *host = cs_sb_header(req, "host"), *origin = cs_sb_header(req, "origin");
	size_t n;

	if (host == NULL)
		return origin == NULL;
	n = strcspn(host, ":");
	if (!(n == 9 && (strncmp(host, "127.0.0.1", n) == 0 || strncmp(host, "localhost", n) == 0)))
		return false;
	return origin == NULL || (strncmp(origin, "http://", 7) == 0 && strcmp(origin + 7, host) == 0);
}

void
cs_sb_admin_serve(struct cs_sb_engine *e, const struct cs_sb_request *req, struct cs_sb_reply *reply)
{
	struct call c = { .e = e, .req = req, .reply = reply };
	struct cs_err err = { 0 };

	if (!from_here(req)) {
		refuse(reply, 403, "this call is answered to this machine only", NULL);
		return;
	}
	for (size_t i = 0; i < CS_ARRAY_LEN(calls); i++) {
		if (strcmp(calls[i].path, req->path) != 0 || strcmp(calls[i].method, req->method) != 0)
			continue;
		if (calls[i].reads_body && (cs_json_parse(req->body, req->body_len, 16, &c.body, &err) < 0 ||
		                            !json_object_is_type(c.body, json_type_object))) {
			refuse(reply, 400, err.code != 0 ? err.msg : "the body must be a JSON object", NULL);
			json_object_put(c.body);
			return;
		}
		c.query = cs_sb_parse_form(req->query, strlen(req->query));
		calls[i].run(&c);
		json_object_put(c.query);
		json_object_put(c.body);
		return;
	}
	refuse(reply, 404, "no CRM and no call of the sandbox stands here", "GET / shows which there are");
}
