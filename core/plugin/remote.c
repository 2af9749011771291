/* SPDX-License-Identifier: Apache-2.0 */
/*
 * remote.c - the core's end of the wire: calls and messages.
 *
 * A call has a slot; its id is the slot's number with a generation above it, so finding it needs no table and an id is
 * not used twice. cs_remote_call and the answers only append frames for the peer; cs_remote_run takes what the peer has said,
 * tells the engine frame by frame, and hands the whole batch over. What the engine does meanwhile goes into the same batch.
 *
 * The peer is not trusted: a frame must decode and name an open call that lives there, an answer goes only to a call that
 * waits for one. What does not decode ends the process (revive.c), or for a runner in this process all its calls.
 *
 * With processes every call is kept as frames (record.c). A slot can then be without a peer for a while; its answers go into
 * its record only.
 */
#include "config.h"
#include "plugin/manifest/locate.h"
#include "plugin/remote_private.h"
#include "util/text.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_CALLS 1024
#define MAX_CALLS 65535
#define MAX_ROUNDS 64               /* of one cs_remote_run, so that the engine's other work gets its turn */
#define RECORDS_MAX ((size_t)16 << 20)
#define SAID_MAX ((size_t)64 << 20) /* by one call; plughost/host.c stops it long before */

/* ---- calls */

static struct cs_slot *
find(const struct cs_remote *r, uint64_t id)
{
	size_t at = id & 0xffff;

	return id != 0 && at < r->n_slots && r->slots[at].id == id ? &r->slots[at] : NULL;
}

static struct cs_slot *
take_slot(struct cs_remote *r, void *user)
{
	struct cs_slot *s;

	if (r->broken || r->first_free == r->n_slots || r->info.state == CS_REMOTE_PARKED || (r->retired && r->main == NULL))
		return NULL;
	s = &r->slots[r->first_free];
	r->first_free = s->next_free;
	r->n_open++;
	s->id = ++s->generation << 16 | (uint64_t)(s - r->slots);
	s->user = user;
	s->waits = CS_WAITS_NOTHING;
	s->alone = s->begun = s->again = s->diverged = false;
	s->peer = NULL;
	s->said = 0;
	return s;
}

static void
free_slot(struct cs_remote *r, struct cs_slot *s)
{
	if (s->peer != NULL)
		s->peer->n_calls--;
	else
		r->n_homeless--;
	cs_record_end(&s->record);
	s->peer = NULL;
	s->id = 0;
	s->next_free = r->first_free;
	r->first_free = (size_t)(s - r->slots);
	r->n_open--;
}

void
cs_remote_end_early(struct cs_remote *r, uint64_t call, int32_t outcome, int32_t crash, const char *reason)
{
	struct cs_wire_done done = { .outcome = outcome, .reason = reason, .warnings = "", .crash = crash };

	cs_wire_put_done(&r->early, call, &done);
}

/* What was appended to a buffer since it had this length. */
static struct cs_bytes
since(const struct cs_buf *b, size_t before)
{
	return (struct cs_bytes){ b->ptr + before, b->len - before };
}

static uint64_t
start(struct cs_remote *r, const struct cs_wire_call *in, void *user, bool alone)
{
	struct cs_slot *s = take_slot(r, user);
	struct cs_buf *to;
	size_t before;

	if (s == NULL)
		return 0;
	s->alone = alone && r->in_process;
	s->peer = s->alone ? NULL : r->main;
	if (s->peer != NULL)
		s->peer->n_calls++;
	else
		r->n_homeless++;
	s->begun = s->peer != NULL;
	to = s->peer != NULL ? &s->peer->to : &r->scratch;
	before = to->len;
	if (cs_wire_put_call(to, s->id, in) < 0)
		cs_remote_end_early(r, s->id, CS_REJECT, 0, "the lead, its document and its settings together are larger than 4 MiB");
	else if (r->in_process)
		cs_record_begin(&s->record, &r->budget, since(to, before));
	if (s->peer == NULL)
		cs_buf_recycle(&r->scratch, CS_PEER_KEPT);
	return s->id;
}

uint64_t
cs_remote_call(struct cs_remote *r, const struct cs_wire_call *in, void *user)
{
	return start(r, in, user, false);
}

uint64_t
cs_remote_call_alone(struct cs_remote *r, const struct cs_wire_call *in, void *user)
{
	return start(r, in, user, true);
}

/*
 * An answer goes to the call if it waits for it now. In a run after the first it may come before the call has asked again, or
 * while the call lives nowhere: then it is only kept.
 */
static void
answer(struct cs_remote *r, uint64_t call, enum cs_waits kind, int (*put)(struct cs_buf *, uint64_t, const void *), const void *res,
       const void *too_large)
{
	struct cs_slot *s = find(r, call);
	bool waits = s != NULL && s->waits == kind && s->peer != NULL;
	struct cs_buf *to;
	size_t before;

	if (s == NULL || (!waits && s->record.asked_at == 0))
		return;
	to = waits ? &s->peer->to : &r->scratch;
	before = to->len;
	if (put(to, call, res) < 0)
		put(to, call, too_large);
	if (r->in_process)
		cs_record_answer(&s->record, since(to, before));
	if (waits)
		s->waits = CS_WAITS_NOTHING;
	else
		cs_buf_recycle(&r->scratch, CS_PEER_KEPT);
}

static int
put_http_result(struct cs_buf *b, uint64_t call, const void *m)
{
	return cs_wire_put_http_result(b, call, m);
}

static int
put_service_result(struct cs_buf *b, uint64_t call, const void *m)
{
	return cs_wire_put_service_result(b, call, m);
}

void
cs_remote_answer_http(struct cs_remote *r, uint64_t call, const struct cs_wire_http_result *res)
{
	static const struct cs_wire_http_result too_large = { .outcome = CS_RETRY, .body = { "", 0 } };

	answer(r, call, CS_WAITS_FOR_HTTP, put_http_result, res, &too_large);
}

void
cs_remote_answer(struct cs_remote *r, uint64_t call, const struct cs_wire_service_result *res)
{
	static const struct cs_wire_service_result too_large = { .rc = CS_RETRY, .bytes = { "", 0 } };

	answer(r, call, CS_WAITS_FOR_SERVICE, put_service_result, res, &too_large);
}

static void
cancel(struct cs_slot *s)
{
	s->waits = CS_WAITS_NOTHING;
	cs_record_lose(&s->record);
	if (s->peer != NULL)
		cs_wire_put_cancel(&s->peer->to, s->id);
}

void
cs_remote_cancel(struct cs_remote *r, uint64_t call)
{
	struct cs_slot *s = find(r, call);

	if (s != NULL)
		cancel(s);
}

size_t
cs_remote_open_calls(const struct cs_remote *r)
{
	return r->n_open;
}

/* ---- what the runner says */

/* In a run after the first: is this known already? Otherwise it is noted as asked. */
static bool
is_recalled(struct cs_slot *s, const struct cs_wire_frame *f, enum cs_waits kind)
{
	struct cs_bytes whole = { f->body - CS_WIRE_HEADER, f->len + CS_WIRE_HEADER }, known;

	s->waits = kind;
	switch (s->again ? cs_record_recall(&s->record, f, &known) : CS_RECALL_NEW) {
	case CS_RECALL_ANSWER:
		s->waits = CS_WAITS_NOTHING;
		cs_buf_add(&s->peer->to, known.ptr, known.len);
		return true;
	case CS_RECALL_WAIT:
		return true;
	case CS_RECALL_DIVERGED:
		s->diverged = true;
		cancel(s);
		return true;
	default:
		cs_record_ask(&s->record, whole);
		return false;
	}
}

static int
tell_http(struct cs_remote *r, struct cs_slot *s, const struct cs_wire_frame *f)
{
	struct cs_wire_http m;

	if (s->waits != CS_WAITS_NOTHING || cs_wire_get_http(f, &m) < 0)
		return CS_ECORRUPT;
	if (!is_recalled(s, f, CS_WAITS_FOR_HTTP))
		r->ops->http(s->user, f->call, &m);
	return 0;
}

static int
tell_service(struct cs_remote *r, struct cs_slot *s, const struct cs_wire_frame *f)
{
	struct cs_wire_service m;

	if (s->waits != CS_WAITS_NOTHING || cs_wire_get_service(f, &m) < 0)
		return CS_ECORRUPT;
	if (!is_recalled(s, f, CS_WAITS_FOR_SERVICE))
		r->ops->service(s->user, f->call, &m);
	return 0;
}

static int
tell_done(struct cs_remote *r, struct cs_slot *s, const struct cs_wire_frame *f)
{
	struct cs_peer *peer = s->peer;
	void *user = s->user;
	struct cs_wire_done m;

	if (cs_wire_get_done(f, &m) < 0)
		return CS_ECORRUPT;
	if (s->diverged)
		m = (struct cs_wire_done){ .outcome = CS_RETRY, .crash = CS_WIRE_LOST, .warnings = "",
			.reason = "the plugin, run again after its process had died, did something else than before" };
	free_slot(r, s);
	r->ops->done(user, f->call, &m);
	cs_revive_served(r, peer);
	return 0;
}

/* A receipt, fact, record, result, budget, cursor or log line: nobody waits for an answer. */
static int
tell_note(struct cs_remote *r, struct cs_slot *s, const struct cs_wire_frame *f)
{
	const char *name, *id, *url;
	struct cs_bytes value;
	int64_t left, restore;
	int32_t prio;
	int rc;

	switch (f->type) {
	case CS_WIRE_RECEIPT:
		if ((rc = cs_wire_get_receipt(f, &name, &value)) == 0)
			r->ops->receipt(s->user, f->call, name, value);
		return rc;
	case CS_WIRE_FACT:
		if ((rc = cs_wire_get_fact(f, &name, &value)) == 0)
			r->ops->fact(s->user, f->call, name, value);
		return rc;
	case CS_WIRE_RECORD:
		if ((rc = cs_wire_get_record(f, &name, &id, &url)) == 0)
			r->ops->record(s->user, f->call, name, id, url);
		return rc;
	case CS_WIRE_EMIT:
		if ((rc = cs_wire_get_bytes(f, &value)) == 0)
			r->ops->emit(s->user, f->call, value);
		return rc;
	case CS_WIRE_CURSOR:
		if ((rc = cs_wire_get_bytes(f, &value)) == 0)
			r->ops->cursor(s->user, f->call, value);
		return rc;
	case CS_WIRE_BUDGET:
		if ((rc = cs_wire_get_budget(f, &name, &left, &restore)) == 0)
			r->ops->budget(s->user, f->call, name, left, restore);
		return rc;
	case CS_WIRE_LOG:
		if ((rc = cs_wire_get_log(f, &prio, &name)) == 0)
			r->ops->log(s->user, f->call, prio, name);
		return rc;
	default:
		return CS_ECORRUPT;
	}
}

static int
tell_hello(struct cs_remote *r, struct cs_peer *from, const struct cs_wire_frame *f)
{
	struct cs_wire_hello m;

	if (f->call != 0 || cs_wire_get_hello(f, &m) < 0)
		return CS_ECORRUPT;
	return cs_revive_hello(r, from, &m);
}

/* from: where it came from, or the buffer of what this side made up. */
static int
tell(struct cs_remote *r, struct cs_peer *from, const struct cs_wire_frame *f)
{
	struct cs_slot *s = find(r, f->call);

	if (from != NULL && r->in_process && !cs_revive_knows(from))
		return tell_hello(r, from, f);
	if (s == NULL || (from != NULL && s->peer != from) || (s->said += f->len) > SAID_MAX)
		return CS_ECORRUPT;
	switch (f->type) {
	case CS_WIRE_HTTP:
		return tell_http(r, s, f);
	case CS_WIRE_SERVICE:
		return tell_service(r, s, f);
	case CS_WIRE_DONE:
		return tell_done(r, s, f);
	default:
		return tell_note(r, s, f);
	}
}

/* ---- the exchange */

static int
tell_frames(struct cs_remote *r, struct cs_peer *from, struct cs_buf *b)
{
	struct cs_wire_frame f;
	size_t at = 0;
	long size = 0;
	int rc = 0;

	while (rc == 0 && at < b->len && (size = cs_wire_peek(b->ptr + at, b->len - at, &f)) > 0) {
		rc = tell(r, from, &f);
		at += (size_t)size;
	}
	if (rc < 0 || size < 0)
		return CS_ECORRUPT;
	if (at == b->len) {
		cs_buf_recycle(b, CS_PEER_KEPT);
		return 0;
	}
	memmove(b->ptr, b->ptr + at, b->len - at); /* half a frame */
	b->len -= at;
	return 0;
}

int
cs_remote_tell_all(struct cs_remote *r, struct cs_peer *from)
{
	return tell_frames(r, from, &from->from);
}

/* What this side made up; more may be made up meanwhile. */
static bool
tell_early(struct cs_remote *r)
{
	struct cs_buf now = r->early;

	if (now.len == 0)
		return false;
	cs_buf_init(&r->early, 0);
	tell_frames(r, NULL, &now);
	cs_buf_fini(&now);
	return true;
}

static void
break_off(struct cs_remote *r)
{
	r->broken = true;
	for (size_t i = 0; i < r->n_slots; i++)
		if (r->slots[i].id != 0)
			cs_remote_end_early(r, r->slots[i].id, CS_RETRY, SIGABRT, "the plugin sent what is no message");
}

/* True when it said something, or is gone. */
static bool
serve(struct cs_remote *r, struct cs_peer *p)
{
	bool any = false;
	int got = 0, told = 0;

	for (int i = 0; i < MAX_ROUNDS && told == 0 && (got = p->ops->receive(p)) != 0; i++) {
		any = true;
		told = cs_remote_tell_all(r, p);
		if (got < 0)
			break;
	}
	if (got >= 0 && told >= 0)
		p->ops->send(p);
	else if (r->in_process)
		cs_revive_died(r, p, told < 0 || got == CS_ECORRUPT);
	else if (!r->broken)
		break_off(r);
	return any;
}

bool
cs_remote_run(struct cs_remote *r)
{
	bool worked = false;

	if (r->running)
		return false;
	r->running = true;
	worked |= cs_revive_turn(r);
	worked |= tell_early(r);
	if (r->main != NULL && !r->broken)
		worked |= serve(r, r->main);
	for (size_t i = 0; i < CS_LONELY_MAX; i++)
		if (r->lonely[i] != NULL) {
			worked |= serve(r, &r->lonely[i]->peer);
			if (r->lonely[i] != NULL && r->lonely[i]->finished)
				cs_revive_dismiss(r, &r->lonely[i]->peer);
		}
	worked |= tell_early(r);
	r->running = false;
	return worked;
}

/* ---- opening */

static int
locate_both(const struct cs_remote_conf *conf, char **so, char **json, struct cs_err *err)
{
	char file[80];

	snprintf(file, sizeof(file), "%s.json", conf->name);
	if ((*json = cs_plugin_locate(conf->dir, conf->name, file)) == NULL)
		return cs_err_set(err, CS_ENOTFOUND, "plugin %s: no %s in %s", conf->name, file, conf->dir);
	snprintf(file, sizeof(file), "%s.so", conf->name);
	if ((*so = cs_plugin_locate(conf->dir, conf->name, file)) == NULL)
		return cs_err_set(err, CS_ENOTFOUND, "plugin %s: no %s in %s", conf->name, file, conf->dir);
	return 0;
}

const char cs_remote_no_auth[] = "auth_refresh: expected a function, since the manifest says \"renew\": \"plugin\", found NULL";

static int
open_inside(struct cs_remote *r, const char *so, size_t max, struct cs_err *err)
{
	struct cs_plugin *plugin;
	int rc = cs_plugin_load(so, r->manifest->name, r->manifest->version, r->trust_all, &plugin, err);

	if (rc < 0)
		return rc;
	if (cs_manifest_renews(r->manifest) && plugin->v1.auth_refresh == NULL) {
		cs_plugin_unload(plugin);
		return cs_err_set(err, CS_EINVAL, "%s: %s", so, cs_remote_no_auth);
	}
	r->has_auth = plugin->v1.auth_refresh != NULL;
	r->has_hook = plugin->v1.handle_webhook != NULL;
	r->main = cs_inside_new(plugin, max, err);
	return r->main != NULL ? 0 : CS_ENOMEM;
}

static int
read_both(struct cs_remote *r, const struct cs_remote_conf *conf, struct cs_err *err)
{
	CS_CLEANUP(cs_freep) char *json = NULL;
	int rc;

	if (!cs_is_ident(conf->name, 64, "_"))
		return cs_err_set(err, CS_EINVAL, "a plugin's name is made of letters, digits and \"_\"");
	if ((rc = locate_both(conf, &r->so, &json, err)) < 0)
		return rc;
	if (!conf->trust_all && (rc = cs_path_trusted(json, err)) < 0)
		return rc;
	if ((rc = cs_manifest_read(json, &r->manifest, err)) < 0)
		return rc;
	if (strcmp(r->manifest->name, conf->name) != 0)
		return cs_err_set(err, CS_EINVAL, "%s: name: expected \"%s\" (the file's name), found \"%s\"", json, conf->name,
		                  r->manifest->name);
	return conf->trust_all ? 0 : cs_path_trusted(r->so, err);
}

void
cs_remote_make_slots(struct cs_remote *r, size_t n)
{
	r->slots = cs_xcalloc(n, sizeof(*r->slots));
	r->n_slots = n;
	for (size_t i = 0; i < n; i++)
		r->slots[i].next_free = i + 1;
}

int
cs_remote_open(const struct cs_remote_conf *conf, struct cs_remote **out, struct cs_err *err)
{
	size_t max = conf->max_calls == 0 ? DEFAULT_CALLS : conf->max_calls > MAX_CALLS ? MAX_CALLS : conf->max_calls;
	struct cs_remote *r = cs_xcalloc(1, sizeof(*r));
	int rc;

	*out = NULL;
	r->refs = 1;
	r->ops = conf->ops;
	r->trust_all = conf->trust_all;
	r->in_process = conf->process != NULL;
	r->budget.max = RECORDS_MAX;
	cs_remote_make_slots(r, max);
	if ((rc = read_both(r, conf, err)) == 0) {
		if (r->in_process)
			r->conf = *conf->process;
		rc = r->in_process ? cs_revive_open(r, err) : open_inside(r, r->so, max, err);
	}
	if (rc < 0)
		cs_remote_close(r);
	else
		*out = r;
	return rc;
}

struct cs_remote *
cs_remote_ref(struct cs_remote *r)
{
	r->refs++;
	return r;
}

void
cs_remote_close(struct cs_remote *r)
{
	if (r == NULL || --r->refs > 0)
		return;
	if (r->in_process)
		cs_revive_free(r);
	else
		cs_inside_free(r->main);
	cs_manifest_unref(r->manifest);
	for (size_t i = 0; i < r->n_slots; i++)
		cs_record_fini(&r->slots[i].record);
	cs_buf_fini(&r->early);
	cs_buf_fini(&r->scratch);
	cs_freep(&r->so);
	cs_freep(&r->slots);
	cs_freep(&r);
}

void
cs_remote_retire(struct cs_remote *r)
{
	r->retired = true;
}

bool
cs_remote_is_last(const struct cs_remote *r)
{
	return r->refs == 1 && r->n_open == 0;
}

struct cs_manifest *
cs_remote_manifest(struct cs_remote *r)
{
	return r->manifest;
}

bool
cs_remote_can(const struct cs_remote *r, int wire_call_kind)
{
	switch (wire_call_kind) {
	case CS_CALL_MAP:
	case CS_CALL_PUSH:
	case CS_CALL_MAP_PUSH:
		return true;
	case CS_CALL_AUTH:
		return r->has_auth;
	case CS_CALL_HOOK:
		return r->has_hook;
	default:
		return false;
	}
}
