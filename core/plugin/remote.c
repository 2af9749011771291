/* SPDX-License-Identifier: Apache-2.0 */
/*
 * remote.c - the core's end of the wire.
 *
 * A call has a slot; its id is the slot's number with a generation above it, so finding it needs no table and an id is
 * not used twice. cs_remote_call and the answers only append frames to `to_runner`; cs_remote_run hands the whole batch
 * over, takes the batch that comes back and tells the engine frame by frame. What the engine does meanwhile goes into
 * the next batch. Here the other end is a runner in this process (exchange()); with a socketpair only that function differs.
 *
 * The runner is not trusted: a frame must decode and name an open call, an answer goes only to a call that waits for
 * one. A frame that does not decode ends the plugin's connection: open calls end as crashed, new ones are refused.
 */
#include "config.h"
#include "plugin/remote.h"
#include "plugin/locate.h"
#include "plughost/call.h"
#include "plughost/load.h"
#include "util/text.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_CALLS 1024
#define MAX_CALLS 65535
#define MAX_ROUNDS 64               /* of one cs_remote_run, so that the engine's other work gets its turn */
#define KEPT_BUFFER ((size_t)1 << 20) /* a larger one is given back after use */

enum waits { WAITS_NOT, WAITS_HTTP, WAITS_SERVICE };

struct slot {
	uint64_t id; /* 0: free */
	uint64_t generation;
	void *user;
	enum waits waits;
	size_t next_free;
};

struct cs_remote {
	const struct cs_remote_ops *ops;
	struct cs_manifest *manifest;
	struct cs_plugin *plugin;
	struct cs_runner *runner;
	struct cs_buf to_runner;  /* being filled */
	struct cs_buf feeding;    /* being read by the runner */
	struct cs_buf from_runner;
	struct cs_buf early;      /* frames that this side makes up on behalf of the runner */
	bool running, broken;
	struct slot *slots;
	size_t n_slots, n_open, first_free; /* first_free == n_slots: none */
};

/* ---- calls */

static struct slot *
find(const struct cs_remote *r, uint64_t id)
{
	size_t at = id & 0xffff;

	return id != 0 && at < r->n_slots && r->slots[at].id == id ? &r->slots[at] : NULL;
}

static void
free_slot(struct cs_remote *r, struct slot *s)
{
	s->id = 0;
	s->next_free = r->first_free;
	r->first_free = (size_t)(s - r->slots);
	r->n_open--;
}

static void
end_early(struct cs_remote *r, uint64_t call, int32_t outcome, int32_t crash, const char *reason)
{
	struct cs_wire_done done = { .outcome = outcome, .reason = reason, .warnings = "", .crash = crash };

	cs_wire_put_done(&r->early, call, &done);
}

uint64_t
cs_remote_call(struct cs_remote *r, const struct cs_wire_call *in, void *user)
{
	struct slot *s;

	if (r->broken || r->first_free == r->n_slots)
		return 0;
	s = &r->slots[r->first_free];
	r->first_free = s->next_free;
	r->n_open++;
	s->id = ++s->generation << 16 | (uint64_t)(s - r->slots);
	s->user = user;
	s->waits = WAITS_NOT;
	if (cs_wire_put_call(&r->to_runner, s->id, in) < 0)
		end_early(r, s->id, CS_REJECT, 0, "the lead, its document and its settings together are larger than 4 MiB");
	return s->id;
}

void
cs_remote_answer_http(struct cs_remote *r, uint64_t call, const struct cs_wire_http_result *res)
{
	static const struct cs_wire_http_result too_large = { .outcome = CS_RETRY, .body = { "", 0 } };
	struct slot *s = find(r, call);

	if (s == NULL || s->waits != WAITS_HTTP)
		return;
	s->waits = WAITS_NOT;
	if (cs_wire_put_http_result(&r->to_runner, call, res) < 0)
		cs_wire_put_http_result(&r->to_runner, call, &too_large);
}

void
cs_remote_answer(struct cs_remote *r, uint64_t call, const struct cs_wire_service_result *res)
{
	static const struct cs_wire_service_result too_large = { .rc = CS_RETRY, .bytes = { "", 0 } };
	struct slot *s = find(r, call);

	if (s == NULL || s->waits != WAITS_SERVICE)
		return;
	s->waits = WAITS_NOT;
	if (cs_wire_put_service_result(&r->to_runner, call, res) < 0)
		cs_wire_put_service_result(&r->to_runner, call, &too_large);
}

void
cs_remote_cancel(struct cs_remote *r, uint64_t call)
{
	struct slot *s = find(r, call);

	if (s == NULL)
		return;
	s->waits = WAITS_NOT;
	cs_wire_put_cancel(&r->to_runner, call);
}

size_t
cs_remote_open_calls(const struct cs_remote *r)
{
	return r->n_open;
}

/* ---- what the runner says */

static int
tell_http(struct cs_remote *r, struct slot *s, const struct cs_wire_frame *f)
{
	struct cs_wire_http m;

	if (s->waits != WAITS_NOT || cs_wire_get_http(f, &m) < 0)
		return CS_ECORRUPT;
	s->waits = WAITS_HTTP;
	r->ops->http(s->user, f->call, &m);
	return 0;
}

static int
tell_service(struct cs_remote *r, struct slot *s, const struct cs_wire_frame *f)
{
	struct cs_wire_service m;

	if (s->waits != WAITS_NOT || cs_wire_get_service(f, &m) < 0)
		return CS_ECORRUPT;
	s->waits = WAITS_SERVICE;
	r->ops->service(s->user, f->call, &m);
	return 0;
}

static int
tell_done(struct cs_remote *r, struct slot *s, const struct cs_wire_frame *f)
{
	void *user = s->user;
	struct cs_wire_done m;

	if (cs_wire_get_done(f, &m) < 0)
		return CS_ECORRUPT;
	free_slot(r, s);
	r->ops->done(user, f->call, &m);
	return 0;
}

/* A receipt, fact, record, result, budget, cursor or log line: nobody waits for an answer. */
static int
tell_note(struct cs_remote *r, struct slot *s, const struct cs_wire_frame *f)
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
tell(struct cs_remote *r, const struct cs_wire_frame *f)
{
	struct slot *s = find(r, f->call);

	if (s == NULL)
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

static void
recycle(struct cs_buf *b)
{
	if (b->cap > KEPT_BUFFER)
		cs_buf_fini(b);
	else
		cs_buf_reset(b);
}

static void
swap(struct cs_buf *a, struct cs_buf *b)
{
	struct cs_buf t = *a;

	*a = *b;
	*b = t;
}

/* One batch to the runner, one batch back into from_runner. */
static int
exchange(struct cs_remote *r)
{
	long taken;

	swap(&r->early, &r->from_runner);
	swap(&r->to_runner, &r->feeding);
	taken = r->broken ? 0 : cs_runner_feed(r->runner, cs_buf_str(&r->feeding), r->feeding.len, &r->from_runner);
	recycle(&r->feeding);
	return taken < 0 ? (int)taken : 0;
}

static void
break_off(struct cs_remote *r)
{
	r->broken = true;
	for (size_t i = 0; i < r->n_slots; i++)
		if (r->slots[i].id != 0)
			end_early(r, r->slots[i].id, CS_RETRY, SIGABRT, "the plugin's process sent what is no message");
}

static int
tell_all(struct cs_remote *r)
{
	struct cs_wire_frame f;
	size_t at = 0;
	long size;
	int rc = 0;

	while (rc == 0 && at < r->from_runner.len) {
		size = cs_wire_peek(r->from_runner.ptr + at, r->from_runner.len - at, &f);
		if (size <= 0)
			return CS_ECORRUPT;
		rc = tell(r, &f);
		at += (size_t)size;
	}
	return rc;
}

bool
cs_remote_run(struct cs_remote *r)
{
	bool worked = false;
	int fed, told;

	if (r->running)
		return false;
	r->running = true;
	for (int i = 0; i < MAX_ROUNDS && (r->to_runner.len > 0 || r->early.len > 0); i++) {
		fed = exchange(r);
		told = tell_all(r);
		if ((fed < 0 || told < 0) && !r->broken)
			break_off(r);
		recycle(&r->from_runner);
		worked = true;
	}
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

static int
read_both(struct cs_remote *r, const struct cs_remote_conf *conf, struct cs_err *err)
{
	CS_CLEANUP(cs_freep) char *so = NULL, *json = NULL;
	int rc;

	if (!cs_is_ident(conf->name, 64, "_"))
		return cs_err_set(err, CS_EINVAL, "a plugin's name is made of letters, digits and \"_\"");
	if ((rc = locate_both(conf, &so, &json, err)) < 0)
		return rc;
	if (!conf->trust_all && (rc = cs_path_trusted(json, err)) < 0)
		return rc;
	if ((rc = cs_manifest_read(json, &r->manifest, err)) < 0)
		return rc;
	if (strcmp(r->manifest->name, conf->name) != 0)
		return cs_err_set(err, CS_EINVAL, "%s: name: expected \"%s\" (the file's name), found \"%s\"", json, conf->name,
		                  r->manifest->name);
	return cs_plugin_load(so, conf->name, r->manifest->version, conf->trust_all, &r->plugin, err);
}

static void
make_slots(struct cs_remote *r, size_t n)
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
	r->ops = conf->ops;
	if ((rc = read_both(r, conf, err)) < 0) {
		cs_remote_close(r);
		return rc;
	}
	make_slots(r, max);
	if ((r->runner = cs_runner_new(&r->plugin->v1, max, err)) == NULL) {
		cs_remote_close(r);
		return CS_ENOMEM;
	}
	*out = r;
	return 0;
}

void
cs_remote_close(struct cs_remote *r)
{
	if (r == NULL)
		return;
	cs_runner_free(r->runner);
	cs_plugin_unload(r->plugin);
	cs_manifest_unref(r->manifest);
	cs_buf_fini(&r->to_runner);
	cs_buf_fini(&r->feeding);
	cs_buf_fini(&r->from_runner);
	cs_buf_fini(&r->early);
	cs_freep(&r->slots);
	cs_freep(&r);
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
		return r->plugin->v1.auth_refresh != NULL;
	case CS_CALL_HOOK:
		return r->plugin->v1.handle_webhook != NULL;
	default:
		return false;
	}
}
