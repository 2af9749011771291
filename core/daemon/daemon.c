/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon.c - start-up, reload and shutdown, each in the order that loses nothing.
 *
 * Up: store and epoch, connections from the files, writer, engine (rebuilds its tree from the store), maintenance, and only
 * then the listeners. Down: listeners stop taking and answer what they have (the writer still runs), the engine ends or hands
 * back what is in flight, the writer commits the last of it and marks the stop as clean.
 */
#include "daemon/daemon.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "conf/load.h"
#include "connect/connect.h"
#include "daemon/sync.h"
#include "deliver/events.h"
#include "deliver/grant/grant.h"
#include "deliver/uninstall.h"
#include "log/log.h"
#include "queue/outcome.h"
#include "util/crash.h"
#include "vault/census.h"

/* ---- the store */

static void
store_is_lost(const struct cs_err *err)
{
	cs_log(CS_LOG_ERROR, "store", "a commit failed and nobody knows what is on the disk: stopping without an answer", "why=\"%s\"", err->msg);
	_exit(75); /* EX_TEMPFAIL: systemd starts us again, and the store is recovered */
}

static int64_t
span_ms(const struct cs_conf *conf)
{
	int64_t sum = 0;

	for (size_t i = 0; i < conf->schedule.retry.n; i++)
		sum += conf->schedule.retry.v[i].wait_ms;
	return sum;
}

static int
open_store(struct cs_daemon *d, struct cs_err *err)
{
	struct cs_store_conf sc = { .path = d->conf->store.path, .min_free = d->conf->store.min_free };
	struct cs_sync_result sync;
	int rc;

	if ((rc = cs_store_open_sqlite(&sc, &d->store, err)) < 0 || (rc = d->store->ops->begin(d->store, err)) < 0)
		return rc;
	d->epoch_started_ms = cs_now_ms(&cs_clock_real);
	if ((rc = d->store->ops->epoch_begin(d->store, d->epoch_started_ms, 0, &d->epoch, &d->in_doubt, err)) < 0 ||
	    (rc = cs_sync_connections(d->store, d->vault, d->conf, d->epoch_started_ms, span_ms(d->conf), NULL, NULL, &sync, err)) < 0 ||
	    (rc = d->store->ops->commit(d->store, err)) < 0)
		return rc;
	cs_log(d->in_doubt > 0 ? CS_LOG_WARN : CS_LOG_INFO, "store", d->in_doubt > 0 ? "opened after an unclean stop" : "opened",
	    "path=%s epoch=%lld in_doubt=%lld", d->conf->store.path, (long long)d->epoch, (long long)d->in_doubt);
	cs_log(CS_LOG_INFO, "conf", "connections read", "added=%d changed=%d paused=%d released=%d", sync.added, sync.changed, sync.paused,
	    sync.released);
	return 0;
}

static void
see_who_listens(struct cs_daemon *d)
{
	bool wanted = false;

	for (size_t i = 0; i < d->conf->n_crms; i++)
		for (size_t k = 0; d->conf->crms[i].enabled && k < d->conf->crms[i].n_connections; k++)
			wanted |= (d->conf->crms[i].connections[k].subscribe & CS_CONF_SUB_EVENTS) != 0;
	d->slots->events_wanted = wanted;
}

static int
start_core(struct cs_daemon *d, struct cs_err *err)
{
	struct cs_engine_conf ec = { .conf = d->conf, .clock = &cs_clock_real, .vault = d->vault, .slots = d->slots, .epoch = d->epoch,
		.epoch_started_ms = d->epoch_started_ms, .in_doubt = d->in_doubt, .trust_plugins = d->trust_plugins };
	struct cs_store *handle = NULL;
	int rc;

	if ((rc = d->store->ops->reader(d->store, &d->reader, err)) < 0 || (rc = d->store->ops->reader(d->store, &ec.reader, err)) < 0 ||
	    (rc = d->store->ops->reader(d->store, &handle, err)) < 0 ||
	    (rc = d->store->ops->reader(d->store, &d->intake.reader, err)) < 0 ||
	    (rc = d->store->ops->reader(d->store, &d->admin_api.reader, err)) < 0 ||
	    (rc = d->store->ops->reader(d->store, &d->control_api.reader, err)) < 0 ||
	    (rc = d->store->ops->reader(d->store, &d->connect_api.reader, err)) < 0 ||
	    (rc = cs_writer_start(d->store, &cs_clock_real, store_is_lost, &d->writer, err)) < 0)
		return rc;
	ec.writer = d->writer;
	see_who_listens(d);
	if ((rc = cs_engine_start(&ec, &d->engine, err)) < 0)
		return rc;
	if ((rc = cs_maintenance_start(handle, d->writer, d->engine, d->vault, &cs_clock_real, d->conf, &d->maintenance, err)) < 0 ||
	    (rc = d->store->ops->reader(d->store, &handle, err)) < 0)
		return rc;
	return cs_post_start(handle, d->writer, &cs_clock_real, d->conf, &d->post, err);
}

/* ---- listeners */

static void
tell_port(const struct cs_daemon *d, const char *name, const struct cs_http_server *s)
{
	CS_CLEANUP(cs_freep) char *path = NULL, *tmp = NULL;
	FILE *f;

	if (d->port_dir == NULL)
		return;
	path = cs_xasprintf("%s/%s.port", d->port_dir, name);
	tmp = cs_xasprintf("%s.new", path);
	if ((f = fopen(tmp, "w")) == NULL)
		return;
	fprintf(f, "%u\n", cs_http_server_port(s));
	fclose(f);
	rename(tmp, path);
}

static int
listen_on(struct cs_daemon *d, const char *name, const struct cs_conf_listen *at, struct cs_http_server_conf *sc,
          struct cs_http_server **out, struct cs_err *err)
{
	const struct cs_conf *c = d->conf;
	char thread_name[16];

	if (at->text[0] == '\0')
		return 0;
	snprintf(thread_name, sizeof(thread_name), "cs-%s", name);
	sc->thread_name = thread_name;
	sc->listen = at->text;
	sc->behind_proxy = c->behind_proxy;
	if (!at->is_unix && c->tls.cert[0] != '\0') {
		sc->tls_cert_file = c->tls.cert;
		sc->tls_key_file = c->tls.key;
	}
	sc->max_bodies_total = (size_t)c->limits.bodies;
	sc->max_connections = (unsigned)c->limits.connections;
	sc->idle_timeout_s = (unsigned)(c->limits.idle_timeout / 1000);
	if ((*out = cs_http_server_start(sc, err)) == NULL)
		return err->code;
	tell_port(d, name, *out);
	cs_log(CS_LOG_INFO, "http", "listening", "what=%s address=%s", name, at->text);
	return 0;
}

static bool
is_hook(const struct cs_http_request *req)
{
	return strncmp(req->path, "/hooks/", 7) == 0;
}

static bool
is_public(const struct cs_http_request *req)
{
	return is_hook(req) || cs_grant_is(req) || cs_connect_is(req);
}

/* Hooks, the pages for connecting, the ways back from consent pages and bridges come from the world; they share a listener. Of the API it has
 * what bridges call, and nothing else. */
static void
handle_public(void *ctx, struct cs_http_request *req)
{
	struct cs_daemon *d = ctx;

	if (cs_uninstall_is(req))
		cs_uninstall_handle(d->engine, req);
	else if (cs_grant_is(req))
		cs_grant_handle(d->engine, req);
	else if (cs_connect_is(req))
		cs_connect_handle(&d->connect_api, req);
	else if (cs_api_is_bridge(req))
		cs_api_handle(&d->connect_api, req, false);
	else
		cs_hooks_handle(d->hooks, req);
}

static size_t
public_headers(void *ctx, struct cs_http_request *req)
{
	struct cs_daemon *d = ctx;

	return is_hook(req) ? cs_hooks_on_headers(d->hooks, req) : cs_connect_is(req) ? CS_CONNECT_BODY_MAX :
	       cs_uninstall_is(req) ? CS_UNINSTALL_BODY_MAX : 0;
}

/* Where no listener of its own is configured for them, all that comes to the admin listener; bridges may in any case. */
static void
handle_admin(void *ctx, struct cs_http_request *req)
{
	struct cs_daemon *d = ctx;

	if (is_public(req) && d->hooks_server == NULL)
		handle_public(d, req);
	else
		cs_api_handle(&d->admin_api, req, false);
}

/* The router takes segments as they were sent; hooks are found by their path as a whole. */
static bool
admin_slash(void *ctx CS_UNUSED, const struct cs_http_request *req)
{
	return !is_hook(req);
}

static void
handle_control(void *ctx, struct cs_http_request *req)
{
	cs_api_handle(&((struct cs_daemon *)ctx)->control_api, req, true);
}

static int
start_listeners(struct cs_daemon *d, struct cs_err *err)
{
	const struct cs_conf *c = d->conf;
	struct cs_http_server_conf intake = { .max_body = (size_t)c->limits.lead_size, .ctx = &d->intake, .handle = cs_intake_handle,
		.on_headers = cs_intake_on_headers };
	struct cs_http_server_conf admin = { .max_body = (size_t)c->limits.lead_size, .ctx = d, .handle = handle_admin,
		.on_headers = public_headers, .slash_in = admin_slash };
	struct cs_http_server_conf hooks = { .max_body = (size_t)c->limits.hook_size, .ctx = d, .handle = handle_public,
		.on_headers = public_headers, .slash_in = admin_slash };
	struct cs_http_server_conf control = { .max_body = (size_t)c->limits.lead_size, .ctx = d, .handle = handle_control,
		.slash_in = admin_slash };
	int rc;

	if ((rc = listen_on(d, "control", &c->listen.control, &control, &d->control_server, err)) < 0 ||
	    (rc = listen_on(d, "admin", &c->listen.admin, &admin, &d->admin_server, err)) < 0)
		return rc;
	if (strcmp(c->listen.hooks.text, c->listen.admin.text) != 0 &&
	    (rc = listen_on(d, "hooks", &c->listen.hooks, &hooks, &d->hooks_server, err)) < 0)
		return rc;
	if (c->intake.secrets.n == 0 && c->intake.keys.n == 0)
		cs_log(CS_LOG_WARN, "conf", "neither intake.secrets nor intake.keys is set: only keys made with \"csrelay keys new\" let leads in", "%s", "");
	return listen_on(d, "intake", &c->listen.intake, &intake, &d->intake_server, err);
}

static void
ask_for_reload(void *ctx CS_UNUSED)
{
	kill(getpid(), SIGHUP);
}

/* ---- events that the API reports */

static struct cs_accept_env
accept_env(const struct cs_daemon *d)
{
	return (struct cs_accept_env){ d->slots, d->engine, d->epoch, span_ms(d->conf) };
}

static int
report_apply(void *ctx, const char *account, json_object *event, void **made, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	struct cs_daemon *d = ctx;
	struct cs_accept_env env = accept_env(d);
	struct cs_accept *a = *made;

	if (a == NULL)
		*made = a = cs_events_make(account, event, now_ms);
	else
		json_object_put(event);
	return a != NULL ? cs_accept_apply(a, &env, s, now_ms, err) : cs_err_set(err, CS_EINVAL, "the event could not be made");
}

static void
report_committed(void *ctx, void *made, int rc)
{
	struct cs_daemon *d = ctx;
	struct cs_accept_env env = accept_env(d);

	cs_accept_committed(made, &env, rc);
	cs_accept_free(made);
}

/* One for each listener: a store handle belongs to one thread. */
static void
fill_api(struct cs_daemon *d, struct cs_api *api)
{
	api->conf = d->conf;
	api->clock = &cs_clock_real;
	api->writer = d->writer;
	api->engine = d->engine;
	api->slots = d->slots;
	api->vault = d->vault;
	api->started_ms = d->epoch_started_ms;
	api->reload = ask_for_reload;
	api->report = &d->report;
	cs_api_init(api);
}

static void
fill_parts(struct cs_daemon *d)
{
	d->report = (struct cs_api_report){ report_apply, report_committed, d };
	d->intake.conf = cs_conf_ref(d->conf);
	d->intake.clock = &cs_clock_real;
	d->intake.writer = d->writer;
	d->intake.env = accept_env(d);
	fill_api(d, &d->admin_api);
	fill_api(d, &d->control_api);
	fill_api(d, &d->connect_api);
}

/* A key that is missing makes CRMs refuse us in ways that do not point here, so it is said at once. */
static void
look_for_keys(struct cs_daemon *d)
{
	struct cs_census c;
	struct cs_err err;

	if (cs_census_take(d->reader, d->vault, &c, &err) < 0) {
		cs_log(CS_LOG_WARN, "vault", "the stored secrets could not be counted", "code=%s", cs_err_name(err.code));
		return;
	}
	for (int i = 0; i < c.n; i++)
		if (!c.v[i].in_file && c.v[i].secrets > 0)
			cs_log(CS_LOG_ERROR, "vault", "stored secrets need a master key that is not in the key file", "key=%s count=%lld path=%s",
			       c.v[i].id[0] != '\0' ? c.v[i].id : "unknown", (long long)c.v[i].secrets, d->conf->vault.key_file);
}

static int
start_hooks(struct cs_daemon *d, struct cs_err *err)
{
	struct cs_hooks_conf hc = { .conf = d->conf, .clock = &cs_clock_real, .writer = d->writer, .engine = d->engine, .vault = d->vault };
	int rc = d->store->ops->reader(d->store, &hc.reader, err);

	return rc < 0 ? rc : cs_hooks_start(&hc, &d->hooks, err);
}

int
cs_daemon_start(struct cs_daemon *d, struct cs_err *err)
{
	int rc;

	d->slots = cs_xcalloc(1, sizeof(*d->slots));
	rc = cs_vault_open(d->conf->vault.key_file, &d->vault, err);
	if (rc == CS_ENOTFOUND)
		cs_log(CS_LOG_WARN, "vault", "no master key: secrets that CRMs hand out live in memory only; make one with \"csrelay secrets rotate\" and restart", "path=%s",
		    d->conf->vault.key_file);
	else if (rc < 0)
		return rc;
	if ((rc = open_store(d, err)) < 0 || (rc = start_core(d, err)) < 0)
		return rc;
	look_for_keys(d);
	fill_parts(d);
	if ((rc = start_hooks(d, err)) < 0)
		return rc;
	return start_listeners(d, err);
}

/* ---- reload */

struct reload_op {
	struct cs_wop wop;
	struct cs_daemon *daemon;
	struct cs_conf *conf;
	struct cs_sync_result result;
	int64_t *changed;
	size_t n_changed;
};

static void
note_changed(void *ctx, int64_t conn_id, const char *crm CS_UNUSED)
{
	struct reload_op *o = ctx;

	o->changed = cs_xrealloc(o->changed, (o->n_changed + 1) * sizeof(*o->changed));
	o->changed[o->n_changed++] = conn_id;
}

static int
apply_reload(struct cs_wop *w, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	struct reload_op *o = CS_CONTAINER(w, struct reload_op, wop);

	o->n_changed = 0;
	return cs_sync_connections(s, o->daemon->vault, o->conf, now_ms, span_ms(o->conf), note_changed, o, &o->result, err);
}

static void
reload_committed(struct cs_wop *w)
{
	struct reload_op *o = CS_CONTAINER(w, struct reload_op, wop);

	if (w->rc == 0) {
		cs_engine_post_reload(o->daemon->engine, o->conf);
		for (size_t i = 0; i < o->n_changed; i++)
			cs_engine_post_conn(o->daemon->engine, o->changed[i], true);
		cs_log(CS_LOG_INFO, "conf", "configuration reloaded", "added=%d changed=%d paused=%d released=%d", o->result.added,
		    o->result.changed, o->result.paused, o->result.released);
	} else
		cs_log(CS_LOG_ERROR, "conf", "the new connections could not be written: the old configuration stays", "code=%s", cs_err_name(w->rc));
	cs_conf_unref(o->conf);
	free(o->changed);
	free(o);
}

/* 0, or the key file is faulty and the old keys stay. */
static int
reload_keys(struct cs_daemon *d)
{
	struct cs_err err;
	int rc = d->vault != NULL ? cs_census_reload(d->reader, d->vault, &err) : 0;

	if (rc < 0)
		cs_log(CS_LOG_ERROR, "vault", "the key file was not taken over, nor the configuration: the old one stays", "why=\"%s\"", err.msg);
	return rc;
}

void
cs_daemon_reload(struct cs_daemon *d)
{
	struct cs_conf_errors errs = { 0 };
	CS_CLEANUP(cs_buf_fini) struct cs_buf restart = CS_BUF_INIT(4096);
	struct cs_conf *fresh;
	struct reload_op *o;

	if (cs_conf_load(d->conf_file, &fresh, &errs) < 0) {
		cs_log(CS_LOG_ERROR, "conf", "the new configuration is faulty: the old one stays", "faults=%zu", errs.n);
		cs_conf_errors_print(&errs, stderr);
		cs_conf_errors_fini(&errs);
		return;
	}
	if (reload_keys(d) < 0) {
		cs_conf_unref(fresh);
		return;
	}
	if (cs_conf_needs_restart(d->conf, fresh, &restart) > 0) {
		restart.ptr[--restart.len] = '\0'; /* one a line; here all in one */
		for (size_t i = 0; i < restart.len; i++)
			restart.ptr[i] = restart.ptr[i] == '\n' ? ' ' : restart.ptr[i];
		cs_log(CS_LOG_WARN, "conf", "some changes need a restart", "options=\"%s\"", cs_buf_str(&restart));
	}
	o = cs_xcalloc(1, sizeof(*o));
	o->wop.apply = apply_reload;
	o->wop.committed = reload_committed;
	o->daemon = d;
	o->conf = cs_conf_ref(fresh);
	cs_conf_unref(d->conf);
	d->conf = fresh;
	cs_log_init(&(struct cs_log_conf){ .level = (enum cs_log_level)fresh->log.level, .json = fresh->log.format == CS_CONF_LOG_JSON,
	    .debug_modules = fresh->log.debug, .fd = 2 });
	see_who_listens(d);
	cs_intake_reload(&d->intake, fresh);
	cs_api_reload(&d->admin_api, fresh);
	cs_api_reload(&d->control_api, fresh);
	cs_api_reload(&d->connect_api, fresh);
	cs_hooks_reload(d->hooks, fresh);
	cs_maintenance_reload(d->maintenance, fresh);
	cs_post_reload(d->post, fresh);
	if (!cs_writer_put(d->writer, &o->wop)) {
		cs_conf_unref(o->conf);
		free(o);
	}
}

/* ---- down */

void
cs_daemon_stop(struct cs_daemon *d)
{
	int64_t grace = d->conf->shutdown.grace;

	bool up = d->intake.conf != NULL; /* else start-up ended early */

	d->intake.closing = true;
	if (up) {
		cs_api_close(&d->admin_api);
		cs_api_close(&d->control_api);
		cs_api_close(&d->connect_api);
	}
	if (d->intake_server != NULL)
		cs_http_server_stop(d->intake_server, grace / 4);
	if (d->hooks_server != NULL)
		cs_http_server_stop(d->hooks_server, grace / 8);
	if (d->slots != NULL)
		d->slots->in_hand_max = 0;
	if (d->engine != NULL)
		cs_engine_stop(d->engine, grace / 2);
	if (d->admin_server != NULL)
		cs_http_server_stop(d->admin_server, 500);
	if (d->control_server != NULL)
		cs_http_server_stop(d->control_server, 500);
	cs_post_stop(d->post);
	cs_maintenance_stop(d->maintenance);
	if (d->writer != NULL)
		cs_writer_stop(d->writer, true);
	else
		cs_store_close(d->store);
	cs_http_server_free(d->intake_server);
	cs_http_server_free(d->hooks_server);
	cs_http_server_free(d->admin_server);
	cs_http_server_free(d->control_server);
	cs_hooks_stop(d->hooks);
	if (d->engine != NULL)
		cs_engine_free(d->engine);
	cs_store_close(d->reader);
	cs_store_close(d->intake.reader);
	if (up) {
		cs_api_fini(&d->admin_api);
		cs_api_fini(&d->control_api);
		cs_api_fini(&d->connect_api);
	}
	cs_store_close(d->admin_api.reader);
	cs_store_close(d->control_api.reader);
	cs_store_close(d->connect_api.reader);
	cs_conf_unref(d->intake.conf);
	cs_conf_unref(d->intake.next_conf);
	cs_vault_close(d->vault);
	free(d->slots);
}
