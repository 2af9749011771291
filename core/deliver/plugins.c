/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugins.c - see plugins.h.
 *
 * Each enabled plugin has a slot and in it a remote (plugin/remote.h), which keeps its process alive as well as it can. Here
 * is what the rest of the engine has to know of that: while a plugin is parked its CRM's node in the tree is held, what is
 * due waits in the store and keeps its attempts, and an alert is on until it has ended a call again. Other CRMs do not notice.
 *
 * Loaded anew: a second remote is opened from the files as they are now. Once it says that it is up it takes the first one's
 * place, contexts are made again with the new manifest, and the first one is kept until its last call has ended. If it is
 * refused, nothing has changed.
 */
#include "deliver/plugins.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "deliver/events.h"
#include "log/log.h"
#include "plughost/confine.h"
#include "plugin/process.h"

#define MAX_CALLS 4096

static struct cs_plugin_slot *
slot_of(struct cs_engine *e, const char *crm)
{
	for (size_t i = 0; i < e->n_plugins; i++)
		if (strcmp(e->plugins[i].name, crm) == 0)
			return &e->plugins[i];
	return NULL;
}

struct cs_remote *
cs_engine_remote(struct cs_engine *e, const char *crm)
{
	struct cs_plugin_slot *p = slot_of(e, crm);

	return p != NULL ? p->remote : NULL;
}

/* ---- what other threads see */

static void
show(struct cs_engine *e, struct cs_plugin_slot *p)
{
	struct cs_plugin_info *i = &p->shown;
	struct cs_manifest *old = i->manifest;

	pthread_mutex_lock(&e->plugins_lock);
	memcpy(i->name, p->name, sizeof(i->name));
	memcpy(i->error, p->error, sizeof(i->error));
	i->manifest = p->remote != NULL ? cs_manifest_ref(cs_remote_manifest(p->remote)) : NULL;
	if (p->remote != NULL)
		i->process = *cs_remote_info(p->remote);
	p->seen = i->process.changes;
	pthread_mutex_unlock(&e->plugins_lock);
	cs_manifest_unref(old);
}

size_t
cs_engine_plugins(struct cs_engine *e, struct cs_plugin_info *out, size_t max)
{
	size_t n = 0;

	pthread_mutex_lock(&e->plugins_lock);
	for (; n < e->n_plugins && n < max; n++) {
		out[n] = e->plugins[n].shown;
		if (out[n].manifest != NULL)
			cs_manifest_ref(out[n].manifest);
	}
	pthread_mutex_unlock(&e->plugins_lock);
	return n;
}

void
cs_engine_plugins_free(struct cs_plugin_info *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		cs_manifest_unref(v[i].manifest);
}

struct cs_manifest *
cs_engine_manifest(struct cs_engine *e, const char *crm)
{
	struct cs_manifest *m = NULL;

	pthread_mutex_lock(&e->plugins_lock);
	for (size_t i = 0; i < e->n_plugins && m == NULL; i++)
		if (strcmp(e->plugins[i].name, crm) == 0 && e->plugins[i].shown.manifest != NULL)
			m = cs_manifest_ref(e->plugins[i].shown.manifest);
	pthread_mutex_unlock(&e->plugins_lock);
	return m;
}

void
cs_plugins_blame(struct cs_engine *e, const char *crm, const char *event_id)
{
	struct cs_plugin_slot *p = slot_of(e, crm);

	if (p == NULL)
		return;
	pthread_mutex_lock(&e->plugins_lock);
	snprintf(p->shown.died_over, sizeof(p->shown.died_over), "%s", event_id);
	pthread_mutex_unlock(&e->plugins_lock);
}

/* ---- loading */

static int
open_remote(struct cs_engine *e, const char *name, struct cs_remote **out, struct cs_err *err)
{
	const struct cs_conf *c = e->c.conf;
	struct cs_remote_process process = { .program = e->program, .memory = c->plugins.memory, .cpu_ms = c->plugins.cpu_time,
		.clock = e->c.clock };
	struct cs_remote_conf rc = { .dir = c->plugins.dir, .name = name, .ops = &cs_session_remote_ops, .max_calls = MAX_CALLS,
		.trust_all = e->c.trust_plugins || !c->plugins.check_owner, .process = e->program >= 0 ? &process : NULL };

	return cs_remote_open(&rc, out, err);
}

void
cs_plugins_load(struct cs_engine *e, const char *name)
{
	struct cs_plugin_slot *p;
	struct cs_err err;

	if (e->n_plugins == CS_PLUGINS_MAX || slot_of(e, name) != NULL)
		return;
	p = &e->plugins[e->n_plugins];
	strncpy(p->name, name, sizeof(p->name) - 1);
	if (open_remote(e, name, &p->remote, &err) < 0) {
		p->remote = NULL;
		snprintf(p->error, sizeof(p->error), "%s", err.msg);
		cs_log(CS_LOG_ERROR, "plugin", "could not be loaded", "plugin=%s why=\"%s\"", name, err.msg);
	} else
		cs_log(CS_LOG_INFO, "plugin", "loaded", "plugin=%s version=%s", name, cs_remote_manifest(p->remote)->version);
	show(e, p);
	pthread_mutex_lock(&e->plugins_lock);
	e->n_plugins++;
	pthread_mutex_unlock(&e->plugins_lock);
}

/* ---- parked */

static void
hold(struct cs_engine *e, struct cs_plugin_slot *p, bool held)
{
	struct cs_tree_crm *m = cs_tree_crm(&e->tree, p->name);
	struct cs_tree_conn *tc;
	size_t at = 0;

	p->held = held;
	cs_tree_hold_crm(&e->tree, m, held, cs_now_ms(e->c.clock));
	while ((tc = cs_map_next(&e->tree.conns, &at, NULL)) != NULL)
		if (tc->crm == m && held)
			cs_engine_drain(e, tc);
		else if (tc->crm == m)
			cs_engine_publish_blocked(e, tc);
}

static void
alert(struct cs_engine *e, struct cs_plugin_slot *p, bool raised, const char *why)
{
	CS_CLEANUP(cs_freep) char *text = raised ? cs_xasprintf("the plugin %s cannot stay up and is parked: %s", p->name, why)
	                                         : cs_xasprintf("the plugin %s works again", p->name);

	if (!p->knows_alert)
		p->alerted = cs_events_plugin_alert_on(e, p->name);
	p->knows_alert = true;
	if (p->alerted != raised)
		cs_events_plugin_alert(e, p->name, text, raised);
	p->alerted = raised;
}

static void
heed(struct cs_engine *e, struct cs_plugin_slot *p)
{
	const struct cs_remote_info *i = cs_remote_info(p->remote);

	if (i->changes == p->seen)
		return;
	if (i->state == CS_REMOTE_PARKED && !p->held) {
		hold(e, p, true);
		alert(e, p, true, i->died_of);
	} else if (i->state == CS_REMOTE_UP && p->held)
		hold(e, p, false);
	if (i->works)
		alert(e, p, false, "");
	show(e, p);
}

/* ---- loaded anew */

static void
answer(struct cs_plugin_slot *p, int rc, const char *text)
{
	struct cs_engine_reload *r = CS_STEAL(p->asked);

	if (r != NULL)
		r->done(r, rc, text);
}

/* Every connection of the CRM is looked at again, also those that are not in memory. */
static void
look_again(struct cs_engine *e, const char *crm)
{
	uint64_t *stale = cs_xcalloc(e->contexts.n + 1, sizeof(*stale)), key;
	struct cs_tree_conn *tc;
	struct cs_context *c;
	size_t at = 0, n = 0;

	while ((c = cs_map_next(&e->contexts, &at, &key)) != NULL)
		if (strcmp(c->crm, crm) == 0)
			stale[n++] = key;
	while (n > 0)
		cs_engine_drop_context(e, (int64_t)stale[--n]);
	cs_freep(&stale);
	for (at = 0; (tc = cs_map_next(&e->tree.conns, &at, NULL)) != NULL;)
		if (strcmp(tc->crm->name, crm) == 0)
			cs_engine_post_conn(e, tc->id, false);
	if (e->part != NULL)
		e->part->changed(e->part, 0);
}

static void
take_over(struct cs_engine *e, struct cs_plugin_slot *p)
{
	const char *version = cs_remote_manifest(p->fresh)->version;

	if (p->remote != NULL) {
		cs_remote_retire(p->remote);
		e->retired[e->n_retired++] = p->remote;
	}
	p->remote = CS_STEAL(p->fresh);
	p->error[0] = '\0';
	if (p->held)
		hold(e, p, false);
	look_again(e, p->name);
	show(e, p);
	cs_log(CS_LOG_INFO, "plugin", "loaded anew", "plugin=%s version=%s", p->name, version);
	answer(p, 0, version);
}

static void
see_fresh(struct cs_engine *e, struct cs_plugin_slot *p)
{
	const struct cs_remote_info *i = cs_remote_info(p->fresh);

	if ((i->state == CS_REMOTE_UP || i->state == CS_REMOTE_INSIDE) && e->n_retired < CS_PLUGINS_MAX) {
		take_over(e, p);
	} else if (i->deaths > 0) {
		cs_log(CS_LOG_ERROR, "plugin", "was not loaded anew; the old one goes on", "plugin=%s why=\"%s\"", p->name, i->died_of);
		answer(p, CS_EINVAL, i->died_of);
		cs_remote_close(p->fresh);
		p->fresh = NULL;
	}
}

static void
handle_reload(struct cs_engine *e, struct cs_msg *m)
{
	struct cs_engine_reload *r = CS_CONTAINER(m, struct cs_engine_reload, msg);
	struct cs_plugin_slot *p = slot_of(e, r->name);
	struct cs_err err;
	int rc;

	if (p == NULL)
		r->done(r, cs_err_set(&err, CS_ENOTFOUND, "no plugin \"%.64s\" is enabled", r->name), err.msg);
	else if (p->fresh != NULL)
		r->done(r, CS_EBUSY, "it is being loaded already");
	else if ((rc = open_remote(e, p->name, &p->fresh, &err)) < 0)
		r->done(r, rc, err.msg);
	else
		p->asked = r;
}

void
cs_engine_post_plugin_reload(struct cs_engine *e, struct cs_engine_reload *r)
{
	r->msg.handle = handle_reload;
	if (!cs_engine_post(e, &r->msg))
		r->done(r, CS_ECLOSED, "the daemon is stopping");
}

/* ---- the engine's loop */

static bool
run_retired(struct cs_engine *e)
{
	bool any = false;

	for (size_t i = 0; i < e->n_retired;) {
		any |= cs_remote_run(e->retired[i]);
		if (cs_remote_is_last(e->retired[i])) {
			cs_remote_close(e->retired[i]);
			e->retired[i] = e->retired[--e->n_retired];
		} else
			i++;
	}
	return any;
}

bool
cs_plugins_run(struct cs_engine *e)
{
	bool any = run_retired(e);

	for (size_t i = 0; i < e->n_plugins; i++) {
		struct cs_plugin_slot *p = &e->plugins[i];

		if (p->remote != NULL) {
			any |= cs_remote_run(p->remote);
			heed(e, p);
		}
		if (p->fresh != NULL) {
			any |= cs_remote_run(p->fresh);
			see_fresh(e, p);
		}
	}
	return any;
}

/* Every remote that has a turn, one after the other; NULL behind the last. */
static struct cs_remote *
each(struct cs_engine *e, size_t *at)
{
	while (*at < e->n_retired + 2 * e->n_plugins) {
		size_t i = (*at)++;
		struct cs_remote *r = i < e->n_retired               ? e->retired[i]
		                      : (i - e->n_retired) % 2 == 0 ? e->plugins[(i - e->n_retired) / 2].remote
		                                                    : e->plugins[(i - e->n_retired) / 2].fresh;

		if (r != NULL)
			return r;
	}
	return NULL;
}

size_t
cs_plugins_poll(struct cs_engine *e, struct pollfd fds[CS_PLUGINS_FDS])
{
	struct cs_remote *r;
	size_t n = 0, at = 0;

	while (n + CS_REMOTE_FDS <= CS_PLUGINS_FDS && (r = each(e, &at)) != NULL)
		n += cs_remote_poll(r, &fds[n]);
	return n;
}

void
cs_plugins_polled(struct cs_engine *e, const struct pollfd *fds, size_t n)
{
	struct cs_remote *r;
	size_t at = 0;

	while ((r = each(e, &at)) != NULL)
		cs_remote_polled(r, fds, n);
}

int64_t
cs_plugins_wake_ms(struct cs_engine *e)
{
	int64_t earliest = CS_NEVER, ms;
	struct cs_remote *r;
	size_t at = 0;

	while ((r = each(e, &at)) != NULL)
		if ((ms = cs_remote_wake_ms(r)) < earliest)
			earliest = ms;
	return earliest;
}

/* ---- life */

int
cs_plugins_init(struct cs_engine *e, struct cs_err *err)
{
	pthread_mutex_init(&e->plugins_lock, NULL);
	e->program = -1;
	if (!e->c.conf->plugins.confined)
		return 0;
	if ((e->program = cs_process_program(err)) < 0)
		return e->program;
	if (cs_confine_landlock_abi() == 0)
		cs_log(CS_LOG_WARN, "plugin", "this kernel has no landlock: plugins are confined by seccomp and limits only", "what=\"%s\"",
		    "until a plugin is loaded its constructors can read files of the daemon's user");
	return 0;
}

void
cs_plugins_fini(struct cs_engine *e)
{
	struct cs_remote *r;
	size_t at = 0;

	while ((r = each(e, &at)) != NULL)
		cs_remote_close(r);
	for (size_t i = 0; i < e->n_plugins; i++) {
		answer(&e->plugins[i], CS_ECLOSED, "the daemon is stopping");
		cs_manifest_unref(e->plugins[i].shown.manifest);
	}
	if (e->program >= 0)
		close(e->program);
	pthread_mutex_destroy(&e->plugins_lock);
}
