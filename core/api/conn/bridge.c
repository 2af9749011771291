/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bridge.c - /v1/bridge: what Zapier, Make and n8n call: subscribe, unsubscribe, a sample, what became of a lead, who am I.
 *
 * A subscription is a connection of the plugin "webhook" that gets every lead of its account and carries CS_SUB_BRIDGE: a 410 of its
 * target ends it (queue/subscription.h). Everything here takes a key with the scope bridge, which belongs to one account and can
 * do nothing else, since it lies in somebody else's cloud. From there it calls the listener for hooks, which has no other part of the API.
 */
#include "config.h"
#include "api/resources.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "auth/signature.h"
#include "http/guard.h"
#include "http/url.h"
#include "lead/lead.h"
#include "queue/canary.h"
#include "queue/subscription.h"
#include "util/text.h"
#include "vault/vault.h"

#define PLUGIN "webhook"
#define SUBSCRIPTIONS_MAX 100
#define CONNS_MAX 512
#define SAMPLES 3
#define TARGET_MAX 2000

/* ---- where a bridge may have leads sent to */

static const struct bridge {
	const char *host, *flavor, *label; /* host: itself, or ".make.com" for all below it */
} bridges[] = {
	{ "hooks.zapier.com", "zapier", "Zapier" },
	{ ".make.com", "make", "Make" },
	{ ".integromat.com", "make", "Make" },
	{ "", "n8n", "n8n" }, /* wherever somebody runs it */
};

static bool
is_below(const char *host, const char *pattern)
{
	size_t n = strlen(host), m = strlen(pattern);

	if (pattern[0] == '*')
		pattern++, m--;
	return pattern[0] != '.' ? strcmp(host, pattern) == 0 : n > m && strcmp(host + n - m, pattern) == 0;
}

static const struct bridge *
bridge_of(const char *host)
{
	const struct bridge *b = bridges;

	while (b->host[0] != '\0' && !is_below(host, b->host))
		b++;
	return b;
}

/* What the address is judged by when it is connected to is judged here already where it can be: a subscription that could never work
 * is refused at once. */
static bool
is_number(const char *host)
{
	unsigned char any[16];

	return inet_pton(AF_INET, host, any) == 1 || inet_pton(AF_INET6, host, any) == 1;
}

static bool
address_allowed(const struct cs_conf *conf, const struct cs_url_origin *at)
{
	struct cs_guard *g;
	enum cs_guard_verdict v;

	if (!is_number(at->host))
		return !at->plain && strchr(at->host, '.') != NULL;
	g = cs_guard_new();
	for (size_t i = 0; i < conf->http.allow.n; i++)
		cs_guard_allow(g, conf->http.allow.v[i], NULL);
	v = cs_guard_check_text(g, at->host, at->port, NULL);
	cs_guard_free(g);
	return v == CS_GUARD_LISTED || (v == CS_GUARD_PUBLIC && !at->plain);
}

static bool
host_listed(const struct cs_conf *conf, const char *host)
{
	for (size_t i = 0; i < conf->bridge.hosts.n; i++)
		if (is_below(host, conf->bridge.hosts.v[i]))
			return true;
	return conf->bridge.hosts.n == 0;
}

/* NULL: good, and *at filled; else what is wrong. */
static const char *
judge_target(const struct cs_conf *conf, const char *url, struct cs_url_origin *at)
{
	if (url[0] == '\0' || strlen(url) > TARGET_MAX || cs_url_check(url, true, at, NULL) < 0)
		return "must be an absolute URL with https://";
	if (!address_allowed(conf, at))
		return "must be https and on a public host";
	if (!host_listed(conf, at->host))
		return "its host does not stand in bridge.hosts";
	return NULL;
}

/* ---- subscribe */

struct subscribe {
	const char *account, *target, *settings, *label, *event, *who;
	uint32_t what;
	uint64_t random;
	bool sign;
};

static int
count_subscriptions(struct cs_change *c, struct cs_store *s, const char *account, struct cs_err *err)
{
	struct cs_conn_row *rows = cs_arena_alloc(&c->mem, CONNS_MAX * sizeof(*rows));
	int n = s->ops->conn_of_account(s, account, &c->mem, rows, CONNS_MAX, err), found = 0;

	for (int i = 0; i < n; i++)
		found += (rows[i].subscribe & CS_SUB_BRIDGE) != 0;
	return n < 0 ? n : found;
}

/* c->text holds the new secret. */
static int
put_secret(struct cs_change *c, struct cs_store *s, int64_t id, struct cs_err *err)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf sealed = CS_BUF_INIT(4096);
	char owner[40];
	int rc;

	snprintf(owner, sizeof(owner), "conn/%lld", (long long)id);
	rc = cs_vault_seal(c->api->vault, owner, "signing_secret", c->text, strlen(c->text), &sealed, err);
	return rc < 0 ? rc : s->ops->secret_put(s, owner, "signing_secret", (struct cs_bytes){ sealed.ptr, sealed.len }, err);
}

static int
apply_subscribe(struct cs_change *c, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	const struct subscribe *w = c->more;
	struct cs_conn_row row = { .name = "", .account = w->account, .crm = PLUGIN, .crm_account_id = "", .label = w->label,
		.state = CS_CONN_CONNECTED, .state_reason = "", .state_since_ms = now_ms, .subscribe = w->what | CS_SUB_BRIDGE,
		.settings = w->settings, .overrides = "", .facts = "", .timezone = "", .contacts = "", .changed_by = w->who,
		.changed_ms = now_ms, .check_ms = cs_canary_first(now_ms, w->random) };
	int rc = count_subscriptions(c, s, w->account, err);

	if (rc >= SUBSCRIPTIONS_MAX)
		return cs_change_refuse(c, 409, "this account has %d subscriptions already", SUBSCRIPTIONS_MAX);
	if (rc < 0 || (rc = s->ops->conn_put(s, &row, err)) < 0)
		return rc;
	c->wrote = true;
	if (w->sign && (rc = put_secret(c, s, row.id, err)) < 0)
		return rc;
	cs_tells_conn(&c->tells, row.id, false);
	c->status = 201;
	cs_out_open(&c->out, NULL, '{');
	cs_out_string(&c->out, "id", row.public_id);
	cs_out_string(&c->out, "event", w->event);
	cs_out_string(&c->out, "target_url", w->target);
	if (w->sign)
		cs_out_string(&c->out, "signing_secret", c->text);
	cs_out_close(&c->out, '}');
	return 0;
}

static const char *
settings_of(struct cs_arena *mem, const char *target, const char *flavor, bool sign)
{
	CS_CLEANUP(cs_json_putp) json_object *o = json_object_new_object();

	json_object_object_add(o, "url", json_object_new_string(target));
	json_object_object_add(o, "sign", json_object_new_boolean(sign));
	json_object_object_add(o, "host_flavor", json_object_new_string(flavor));
	json_object_object_add(o, "envelope", json_object_new_string("id"));
	return cs_arena_strdup(mem, cs_json_text(o));
}

static char *
new_secret(void)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(256);
	uint8_t raw[32];

	cs_random_bytes(raw, sizeof(raw));
	cs_buf_adds(&b, "whsec_");
	cs_base64_add(&b, raw, sizeof(raw));
	cs_wipe(raw, sizeof(raw));
	return cs_buf_steal(&b, NULL);
}

/* The bits of "lead.qualified"; 0 for what nobody can subscribe to. */
static uint32_t
bits_of(const char *event)
{
	return strcmp(event, "lead.qualified") == 0 ? CS_SUB_ALL : strcmp(event, "lead.unqualified") == 0 ? CS_SUB_UNQUALIFIED : 0;
}

void
cs_api_bridge_subscribe(struct cs_api_call *call)
{
	CS_CLEANUP(cs_json_putp) json_object *body = NULL;
	const char *target, *event, *fault;
	struct cs_url_origin at;
	struct subscribe *w;
	struct cs_change *c;

	if (!cs_api_body(call, &body))
		return;
	target = cs_json_str(body, "target_url", "");
	event = cs_json_str(body, "event", "lead.qualified");
	if ((fault = judge_target(call->conf, target, &at)) != NULL) {
		cs_api_refuse_at(call, 422, "/target_url", "%s", fault);
		return;
	}
	if (bits_of(event) == 0) {
		cs_api_refuse_at(call, 422, "/event", "must be lead.qualified or lead.unqualified");
		return;
	}
	if (cs_json_bool(body, "sign", false) && call->api->vault == NULL) {
		cs_api_refuse(call, 503, "this daemon has no master key (vault.key_file), so it cannot keep a signing secret");
		return;
	}
	c = cs_change_new(call, apply_subscribe);
	c->more = w = cs_arena_alloc(&c->keep, sizeof(*w));
	*w = (struct subscribe){ .account = c->who.accounts, .target = cs_arena_strdup(&c->keep, target),
		.label = cs_arena_printf(&c->keep, "%s %s", bridge_of(at.host)->label, at.host), .event = cs_arena_strdup(&c->keep, event),
		.who = cs_arena_printf(&c->keep, "key %lld", (long long)c->who.key_id), .what = bits_of(event),
		.random = call->api->clock->random(call->api->clock), .sign = cs_json_bool(body, "sign", false) };
	w->settings = settings_of(&c->keep, target, bridge_of(at.host)->flavor, w->sign);
	if (w->sign)
		c->text = new_secret();
	cs_change_put(c);
}

/* ---- unsubscribe */

static int
apply_unsubscribe(struct cs_change *c, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	int rc = cs_subscription_end(s, c->id, "the bridge has unsubscribed", now_ms, err);

	if (rc < 0 && rc != CS_ENOTFOUND)
		return rc;
	c->wrote = true;
	cs_tells_conn(&c->tells, c->id, false);
	cs_out_open(&c->out, NULL, '{');
	cs_out_bool(&c->out, "deleted", true);
	cs_out_close(&c->out, '}');
	return 0;
}

static void
engine_has_left(void *ctx)
{
	cs_change_put(ctx);
}

/* What is gone is gone: bridges ask again. Of others it says the same as of what never was. */
void
cs_api_bridge_unsubscribe(struct cs_api_call *call)
{
	static const char gone[] = "{\"deleted\":false}\n";
	struct cs_store *s = call->api->reader;
	struct cs_conn_row row;
	struct cs_change *c;
	struct cs_err err;
	int rc = s->ops->conn_find(s, call->param[0], &call->mem, &row, &err);

	if (rc < 0 && rc != CS_ENOTFOUND && rc != CS_ECONFLICT) {
		cs_api_fail(call, &err);
		return;
	}
	if (rc < 0 || (row.subscribe & CS_SUB_BRIDGE) == 0 || strcmp(row.account, call->who.accounts) != 0) {
		cs_http_reply_json(call->req, 200, gone, sizeof(gone) - 1);
		return;
	}
	c = cs_change_new(call, apply_unsubscribe);
	c->id = row.id;
	if (call->api->engine != NULL)
		cs_engine_post_leave(call->api->engine, row.id, engine_has_left, c);
	else
		cs_change_put(c);
}

/* ---- samples */

/* The one of the documents, for accounts without a lead so far: a made-up caller, marked as such. */
static const char documented[] =
    "{\"id\":\"3f0c2c1e-6a0d-4d0e-9a41-5b8f0a2b9d11\",\"schema_version\":\"1.0\",\"event\":\"lead.qualified\","
    "\"event_id\":\"3f0c2c1e-6a0d-4d0e-9a41-5b8f0a2b9d11\",\"timestamp_utc\":\"2026-05-26T14:32:00Z\","
    "\"callsetter_account_id\":\"acct_sample\",\"call\":{\"call_id\":\"call_sample\",\"direction\":\"inbound\","
    "\"started_at\":\"2026-05-26T14:28:00Z\",\"ended_at\":\"2026-05-26T14:31:00Z\",\"duration_seconds\":180},"
    "\"contact\":{\"first_name\":\"Maria\",\"last_name\":\"Sample\",\"phone\":\"+13055550100\",\"email\":\"maria@example.com\"},"
    "\"service_request\":{\"service_type\":\"AC repair\",\"issue_description\":\"The AC blows warm air.\",\"urgency\":\"same_day\"},"
    "\"routing\":{\"destination_crm\":\"webhook\"}}";

static void
put_sample(struct cs_buf *b, const struct cs_lead_row *l)
{
	const char *open = memchr(l->body.ptr, '{', l->body.len);
	char id[CS_UUID_TEXT];

	if (open == NULL)
		return;
	cs_buf_printf(b, "%s{\"id\":\"%s\",", b->len > 1 ? "," : "", cs_uuid_format(l->event_id, id));
	cs_buf_add(b, open + 1, l->body.len - (size_t)(open + 1 - (const char *)l->body.ptr));
}

void
cs_api_bridge_sample(struct cs_api_call *call)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(CS_API_ANSWER_MAX);
	struct cs_lead_row rows[20], full;
	struct cs_store *s = call->api->reader;
	struct cs_err err;
	int n = s->ops->lead_list(s, call->who.accounts, 0, &call->mem, rows, CS_ARRAY_LEN(rows), &err), shown = 0;

	if (n < 0) {
		cs_api_fail(call, &err);
		return;
	}
	cs_buf_addc(&b, '[');
	for (int i = 0; i < n && shown < SAMPLES; i++)
		if (rows[i].kind == CS_KIND_LEAD && s->ops->lead_get(s, rows[i].id, &call->mem, &full, NULL) == 0) {
			put_sample(&b, &full);
			shown++;
		}
	if (shown == 0)
		cs_buf_adds(&b, documented);
	cs_buf_addc(&b, ']');
	cs_api_reply(call, 200, &b);
}

/* ---- what became of a lead */

static const struct status {
	const char *word, *event, *job;
} statuses[] = {
	{ "contacted", "lead.updated", NULL },
	{ "booked", "job.scheduled", "scheduled" },
	{ "won", "lead.converted", "won" },
	{ "lost", "lead.lost", NULL },
};

struct report { /* the event, but for what the store knows, is the change's body */
	const char *account;
	uint8_t event_id[16];
	void *made;
};

/* "850", 850, 850.5 as "850.00". NULL: it is no amount. */
static const char *
amount_of(struct cs_arena *mem, json_object *v)
{
	double n = v == NULL ? -1 : json_object_get_double(v);
	const char *text = json_object_is_type(v, json_type_string) ? json_object_get_string(v) : NULL;

	if ((text != NULL && (text[0] == '\0' || strspn(text, "0123456789.") != strlen(text))) || !(n >= 0 && n < 1e12))
		return NULL;
	return cs_arena_printf(mem, "%.2f", n);
}

static json_object *
job_of(const struct status *st, const char *amount, const char *currency)
{
	json_object *job = json_object_new_object(), *a;

	json_object_object_add(job, "status", json_object_new_string(st->job != NULL ? st->job : st->word));
	if (amount == NULL)
		return job;
	a = json_object_new_object();
	json_object_object_add(a, "value", json_object_new_string(amount));
	json_object_object_add(a, "currency", json_object_new_string(currency));
	json_object_object_add(a, "basis", json_object_new_string("quoted")); /* nobody has shown that it was paid */
	json_object_object_add(job, "amount", a);
	return job;
}

/* The same report again has the same id, and is queued once. */
static void
put_identity(json_object *o, const char *account, const char *lead, const struct status *st, const char *amount)
{
	CS_CLEANUP(cs_freep) char *text = cs_xasprintf("bridge\n%s\n%s\n%s\n%s", account, lead, st->word, amount != NULL ? amount : "");
	uint8_t hash[32];
	char id[CS_UUID_TEXT];

	cs_api_key_hash(text, strlen(text), hash);
	hash[6] = (uint8_t)((hash[6] & 0x0f) | 0x80);
	hash[8] = (uint8_t)((hash[8] & 0x3f) | 0x80);
	json_object_object_add(o, "event_id", json_object_new_string(cs_uuid_format(hash, id)));
}

static json_object *
event_of(const char *account, const char *lead, const struct status *st, const char *amount, const char *currency)
{
	json_object *o = json_object_new_object(), *crm = json_object_new_object(), *match = json_object_new_object();

	json_object_object_add(o, "event", json_object_new_string(st->event));
	put_identity(o, account, lead, st, amount);
	json_object_object_add(crm, "name", json_object_new_string(PLUGIN));
	json_object_object_add(crm, "connection", json_object_new_string(""));
	json_object_object_add(crm, "account_id", json_object_new_string(""));
	json_object_object_add(crm, "records", json_object_new_array());
	json_object_object_add(o, "crm", crm);
	json_object_object_add(match, "how", json_object_new_string("marker"));
	json_object_object_add(match, "certainty", json_object_new_string("exact"));
	json_object_object_add(o, "match", match);
	json_object_object_add(o, "job", job_of(st, amount, currency));
	return o;
}

/* The account's lead of that event id. */
static int
find_lead(struct cs_store *s, const struct report *r, struct cs_arena *mem, struct cs_lead_row *out, struct cs_err *err)
{
	struct cs_lead_row rows[16];
	int n = s->ops->lead_find(s, r->event_id, mem, rows, CS_ARRAY_LEN(rows), err);

	for (int i = 0; i < n; i++)
		if (rows[i].kind != CS_KIND_EVENT && strcmp(rows[i].account, r->account) == 0) {
			*out = rows[i];
			return 0;
		}
	return n < 0 ? n : cs_err_set(err, CS_ENOTFOUND, "this account has no lead with that event id");
}

static json_object *
lead_part(const struct cs_lead_row *l)
{
	CS_CLEANUP(cs_json_putp) json_object *body = NULL;
	json_object *o = json_object_new_object(), *call;
	char id[CS_UUID_TEXT];

	if (cs_json_parse(l->body.ptr, l->body.len, 64, &body, NULL) < 0)
		body = NULL;
	call = cs_json_get(body, "call");
	json_object_object_add(o, "event_id", json_object_new_string(cs_uuid_format(l->event_id, id)));
	json_object_object_add(o, "call_id", json_object_new_string(cs_json_str(call, "call_id", "")));
	return o;
}

static int
apply_status(struct cs_change *c, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	struct report *r = c->more;
	struct cs_lead_row lead;
	json_object *copy = NULL;
	char id[CS_UUID_TEXT];
	int rc;

	if ((rc = find_lead(s, r, &c->mem, &lead, err)) < 0)
		return rc;
	json_object_deep_copy(c->body, &copy, NULL);
	json_object_object_add(copy, "lead", lead_part(&lead));
	if ((rc = c->api->report->apply(c->api->report->ctx, r->account, copy, &r->made, s, now_ms, err)) < 0)
		return rc;
	c->wrote = true;
	cs_out_open(&c->out, NULL, '{');
	cs_out_string(&c->out, "id", cs_uuid_format(lead.event_id, id));
	cs_out_string(&c->out, "event", cs_json_str(c->body, "event", ""));
	cs_out_bool(&c->out, "reported", true);
	cs_out_close(&c->out, '}');
	return 0;
}

static void
status_done(struct cs_change *c, int rc)
{
	struct report *r = c->more;

	if (r->made != NULL)
		c->api->report->committed(c->api->report->ctx, r->made, rc);
	r->made = NULL;
}

void
cs_api_bridge_status(struct cs_api_call *call)
{
	CS_CLEANUP(cs_json_putp) json_object *body = NULL;
	const struct status *st = NULL;
	const char *amount = NULL, *currency;
	struct cs_change *c;
	struct report *r;
	uint8_t id[16];

	if (!cs_api_body(call, &body))
		return;
	for (size_t i = 0; i < CS_ARRAY_LEN(statuses); i++)
		if (strcmp(statuses[i].word, cs_json_str(body, "status", "")) == 0)
			st = &statuses[i];
	currency = cs_json_str(body, "currency", "USD");
	if (cs_uuid_parse(call->param[0], strlen(call->param[0]), id) < 0)
		cs_api_refuse(call, 404, "this account has no lead with that event id");
	else if (st == NULL)
		cs_api_refuse_at(call, 422, "/status", "must be contacted, booked, won or lost");
	else if (cs_json_get(body, "amount") != NULL && (amount = amount_of(&call->mem, cs_json_get(body, "amount"))) == NULL)
		cs_api_refuse_at(call, 422, "/amount", "must be a number from 0 on");
	else if (strlen(currency) != 3 || strspn(currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3)
		cs_api_refuse_at(call, 422, "/currency", "must be three capital letters such as USD");
	else if (call->api->report == NULL)
		cs_api_refuse(call, 503, "events cannot be reported now");
	else {
		c = cs_change_new(call, apply_status);
		c->more = r = cs_arena_alloc(&c->keep, sizeof(*r));
		r->account = c->who.accounts;
		memcpy(r->event_id, id, sizeof(id));
		c->done = status_done;
		c->body = event_of(r->account, call->param[0], st, amount, currency);
		cs_change_put(c);
	}
}

/* ---- who am I */

void
cs_api_bridge_me(struct cs_api_call *call)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(4096);

	cs_out_open(&b, NULL, '{');
	cs_out_string(&b, "account_id", call->who.accounts);
	cs_out_string(&b, "account_name", call->who.accounts);
	cs_out_string(&b, "version", PACKAGE_VERSION);
	cs_out_close(&b, '}');
	cs_api_reply(call, 200, &b);
}
