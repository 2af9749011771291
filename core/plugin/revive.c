/* SPDX-License-Identifier: Apache-2.0 */
/*
 * revive.c - processes of a plugin: started, missed, started again, parked.
 *
 *   STARTING -> UP -> (died) -> RESTING -> STARTING ...      calls wait, and begin anew in the next process
 *                        |
 *                        +----> PARKED -> STARTING ...       calls go back to where they came from
 *
 * There is one main process, and up to CS_LONELY_MAX for one call each. When the main one dies, the shared page says which
 * call was on the processor. That call is suspected and runs again alone; the others begin anew with the next main process.
 * When there was none, or what the process says is no message, every call that was given the processor since it last made
 * sense is suspected: those that do not wait for us. A call whose lonely process dies ends as crashed.
 *
 * A first death is made good at once. More of them within ten seconds bring a rest that doubles. A process that dies five
 * times in a row before it has ended any call, or cannot load the plugin at all, is parked; the pause doubles up to half an
 * hour, and ends at once when the plugin is loaded anew.
 */
#include "config.h"
#include "plugin/remote_private.h"
#include "log/log.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define BARREN_MAX 5
#define BURST_MS (10 * CS_SECOND_MS)
#define BURST_FREE 3
#define FIRST_REST_MS 100
#define LONGEST_REST_MS (5 * CS_SECOND_MS)
#define FIRST_PAUSE_MS CS_MINUTE_MS
#define LONGEST_PAUSE_MS (30 * CS_MINUTE_MS)
#define WATCH_EVERY_MS 1000 /* more often where little time is allowed */

static int64_t
now_ms(const struct cs_remote *r)
{
	return cs_now_ms(r->conf.clock);
}

static const char *
name(const struct cs_remote *r)
{
	return r->manifest->name;
}

/* ---- a call and where it lives */

/* Its process is gone. */
static void
leave(struct cs_remote *r, struct cs_slot *s)
{
	s->peer = NULL;
	s->waits = CS_WAITS_NOTHING;
	r->n_homeless++;
}

static void
lose(struct cs_remote *r, struct cs_slot *s, const char *why)
{
	cs_remote_end_early(r, s->id, CS_RETRY, CS_WIRE_LOST, why);
}

static void
move_in(struct cs_remote *r, struct cs_slot *s, struct cs_peer *p)
{
	struct cs_bytes call = cs_record_replay(&s->record);

	s->peer = p;
	p->n_calls++;
	r->n_homeless--;
	s->again = s->begun;
	if (s->begun && r->ops->again != NULL)
		r->ops->again(s->user, s->id);
	s->begun = true;
	cs_buf_add(&p->to, call.ptr, call.len);
}

/* ---- starting */

static int
start(struct cs_remote *r, bool alone, struct cs_process **out, struct cs_err *err)
{
	struct cs_process_conf conf = { .program = r->conf.program, .name = name(r), .file = r->so, .version = r->manifest->version,
		.max_calls = r->n_slots, .memory = r->conf.memory, .trust_all = r->trust_all,
		.low_priority = alone };

	return cs_process_start(&conf, out, err);
}

static int
start_main(struct cs_remote *r, struct cs_err *err)
{
	struct cs_process *p;
	int rc = start(r, false, &p, err);

	if (rc < 0)
		return rc;
	r->main = &p->peer;
	r->info.works = false;
	r->info.changes++;
	r->info.state = CS_REMOTE_STARTING;
	r->info.pid = (int)p->pid;
	r->info.starts++;
	for (size_t i = 0; r->n_homeless > 0 && i < r->n_slots; i++)
		if (r->slots[i].id != 0 && r->slots[i].peer == NULL && !r->slots[i].alone && !r->slots[i].record.lost)
			move_in(r, &r->slots[i], r->main);
	return 0;
}

/* Calls that must run alone, as far as there is room. */
static bool
start_lonely(struct cs_remote *r)
{
	bool any = false;
	struct cs_err err;

	for (size_t i = 0, at = 0; r->n_homeless > 0 && i < r->n_slots && at < CS_LONELY_MAX; i++) {
		struct cs_slot *s = &r->slots[i];

		if (s->id == 0 || s->peer != NULL || !s->alone || s->record.lost)
			continue;
		while (at < CS_LONELY_MAX && r->lonely[at] != NULL)
			at++;
		if (at == CS_LONELY_MAX || start(r, true, &r->lonely[at], &err) < 0)
			break;
		move_in(r, s, &r->lonely[at]->peer);
		any = true;
	}
	return any;
}

/* ---- resting and parking */

static void
park(struct cs_remote *r)
{
	r->pause_ms = r->pause_ms == 0 ? FIRST_PAUSE_MS : r->pause_ms * 2 < LONGEST_PAUSE_MS ? r->pause_ms * 2 : LONGEST_PAUSE_MS;
	r->rest_until_ms = r->info.parked_until_ms = now_ms(r) + r->pause_ms;
	r->info.state = CS_REMOTE_PARKED;
	for (size_t i = 0; i < r->n_slots; i++)
		if (r->slots[i].id != 0 && r->slots[i].peer == NULL)
			lose(r, &r->slots[i], "the plugin's process cannot stay up; it is parked");
}

static void
rest(struct cs_remote *r)
{
	int64_t now = now_ms(r), wait = 0;

	if (now - r->burst_ms > BURST_MS || now < r->burst_ms) {
		r->burst_ms = now;
		r->burst = 0;
	}
	if (++r->burst > BURST_FREE) {
		wait = FIRST_REST_MS << (r->burst - BURST_FREE - 1 < 6 ? r->burst - BURST_FREE - 1 : 6);
		wait = wait < LONGEST_REST_MS ? wait : LONGEST_REST_MS;
	}
	r->rest_until_ms = now + wait;
	r->info.state = CS_REMOTE_RESTING;
}

/* The main process is gone, or could not be started. */
static void
what_now(struct cs_remote *r, bool hopeless)
{
	r->main = NULL;
	r->info.pid = 0;
	r->barren = r->info.works ? 0 : r->barren + 1;
	r->info.changes++;
	if (r->retired) {
		r->info.state = CS_REMOTE_RESTING;
		r->rest_until_ms = CS_NEVER;
		for (size_t i = 0; i < r->n_slots; i++)
			if (r->slots[i].id != 0 && r->slots[i].peer == NULL)
				lose(r, &r->slots[i], "the plugin was loaded anew, and its old process died");
	} else if (hopeless || r->barren >= BARREN_MAX)
		park(r);
	else
		rest(r);
}

static void
could_not_start(struct cs_remote *r, const struct cs_err *err)
{
	cs_log(CS_LOG_ERROR, "plugin", "its process could not be started", "plugin=%s why=\"%s\"", name(r), err->msg);
	snprintf(r->info.died_of, sizeof(r->info.died_of), "%s", err->msg);
	r->info.died_ms = now_ms(r);
	what_now(r, false);
}

/* ---- dying */

static bool
is_suspect(const struct cs_slot *s, const struct cs_death *d, bool corrupt)
{
	if (d->running != 0 && !corrupt)
		return d->running == s->id;
	return s->waits == CS_WAITS_NOTHING;
}

/* All calls of the process, after it is gone; it was freed and is only a name. */
static size_t
scatter(struct cs_remote *r, const struct cs_peer *gone, const struct cs_death *d, bool corrupt, bool was_alone, bool introduced)
{
	int32_t crash = d->signal > 0 ? d->signal : SIGABRT;
	CS_CLEANUP(cs_freep) char *why = cs_xasprintf("the plugin's process died: %s", d->what);
	size_t suspects = 0;

	for (size_t i = 0; i < r->n_slots; i++) {
		struct cs_slot *s = &r->slots[i];
		bool suspect = s->id != 0 && s->peer == gone && introduced && (was_alone || is_suspect(s, d, corrupt));

		if (s->id == 0 || s->peer != gone)
			continue;
		leave(r, s);
		suspects += suspect;
		if (suspect && (was_alone || s->record.lost))
			cs_remote_end_early(r, s->id, CS_RETRY, crash, why);
		else if (was_alone || s->record.lost)
			lose(r, s, "the plugin's process died, and this call cannot be run again");
		else if (suspect) {
			s->alone = true;
			if (r->ops->suspected != NULL)
				r->ops->suspected(s->user, s->id, d->what);
		}
	}
	return suspects;
}

static size_t
place_of(const struct cs_remote *r, const struct cs_peer *p)
{
	size_t at = 0;

	while (at < CS_LONELY_MAX && (r->lonely[at] == NULL || &r->lonely[at]->peer != p))
		at++;
	return at;
}

void
cs_revive_died(struct cs_remote *r, struct cs_peer *peer, bool corrupt)
{
	struct cs_process *p = (struct cs_process *)(void *)peer;
	size_t lonely = place_of(r, peer), calls = peer->n_calls, suspects;
	bool was_alone = lonely < CS_LONELY_MAX, introduced = p->introduced, hopeless = p->refused[0] != '\0';
	int pid = (int)p->pid;
	struct cs_death d;

	if (was_alone)
		r->lonely[lonely] = NULL;
	else
		r->main = NULL;
	cs_process_end(p, corrupt ? "what it sent is no message" : NULL, &d);
	suspects = scatter(r, peer, &d, corrupt, was_alone, introduced);
	r->info.deaths++;
	r->info.changes++;
	r->info.died_ms = now_ms(r);
	snprintf(r->info.died_of, sizeof(r->info.died_of), "%s", d.what);
	cs_log(CS_LOG_ERROR, "plugin", hopeless ? "could not be loaded" : was_alone ? "the process of one call died" : "its process died",
	    "plugin=%s pid=%d calls=%zu suspects=%zu why=\"%s\"", name(r), pid, calls, suspects, d.what);
	if (!was_alone)
		what_now(r, hopeless);
}

void
cs_revive_dismiss(struct cs_remote *r, struct cs_peer *peer)
{
	struct cs_death d;

	r->lonely[place_of(r, peer)] = NULL;
	cs_process_end((struct cs_process *)(void *)peer, "it is done", &d);
}

/* ---- living */

bool
cs_revive_knows(const struct cs_peer *peer)
{
	return ((const struct cs_process *)(const void *)peer)->introduced;
}

int
cs_revive_hello(struct cs_remote *r, struct cs_peer *peer, const struct cs_wire_hello *m)
{
	struct cs_process *p = (struct cs_process *)(void *)peer;

	if (p->refused[0] != '\0')
		return CS_ECORRUPT;
	if (m->refused[0] != '\0' || strcmp(m->build, cs_wire_build) != 0) {
		snprintf(p->refused, sizeof(p->refused), "%s", m->refused[0] != '\0' ? m->refused : "its process is of another build");
		return 0; /* it ends now */
	}
	if (cs_manifest_renews(r->manifest) && !m->has_auth) {
		snprintf(p->refused, sizeof(p->refused), "%s", cs_remote_no_auth);
		return CS_ECORRUPT;
	}
	p->introduced = true;
	if (peer != r->main)
		return 0;
	r->has_auth = m->has_auth != 0;
	r->has_hook = m->has_hook != 0;
	r->info.changes++;
	r->info.state = CS_REMOTE_UP;
	r->info.landlock = m->landlock;
	r->info.seccomp = m->seccomp;
	r->info.memory = m->memory;
	cs_log(CS_LOG_INFO, "plugin", "its process is up", "plugin=%s version=%s pid=%d", name(r), r->manifest->version, r->info.pid);
	return 0;
}

void
cs_revive_served(struct cs_remote *r, struct cs_peer *peer)
{
	size_t at;

	if (!r->in_process || peer == NULL)
		return;
	if (peer == r->main) {
		r->info.changes += !r->info.works;
		r->info.works = true;
		r->pause_ms = 0;
	} else if ((at = place_of(r, peer)) < CS_LONELY_MAX)
		r->lonely[at]->finished = true;
}

static void
watch(struct cs_remote *r)
{
	int64_t now_us = cs_mono_us(), every_ms = r->conf.cpu_ms / 4 < WATCH_EVERY_MS ? r->conf.cpu_ms / 4 : WATCH_EVERY_MS;

	if (r->conf.cpu_ms == 0 || now_us - r->watched_us < every_ms * 1000)
		return;
	r->watched_us = now_us;
	if (r->main != NULL)
		cs_process_watch((struct cs_process *)(void *)r->main, now_us, r->conf.cpu_ms * 1000);
	for (size_t i = 0; i < CS_LONELY_MAX; i++)
		if (r->lonely[i] != NULL)
			cs_process_watch(r->lonely[i], now_us, r->conf.cpu_ms * 1000);
}

bool
cs_revive_turn(struct cs_remote *r)
{
	bool any = false;
	struct cs_err err;

	if (!r->in_process)
		return false;
	watch(r);
	if (r->main == NULL && now_ms(r) >= r->rest_until_ms) {
		any = true;
		if (start_main(r, &err) < 0)
			could_not_start(r, &err);
	}
	if (r->n_homeless > 0)
		any |= start_lonely(r);
	return any;
}

int64_t
cs_remote_wake_ms(const struct cs_remote *r)
{
	return r->in_process && r->main == NULL ? r->rest_until_ms : CS_NEVER;
}

const struct cs_remote_info *
cs_remote_info(const struct cs_remote *r)
{
	return &r->info;
}

/* ---- sleeping */

static size_t
want(struct cs_process *p, struct pollfd *fd)
{
	short events = p->peer.to.len > p->sent ? POLLIN | POLLOUT : POLLIN;

	*fd = (struct pollfd){ .fd = p->fd, .events = events };
	return 1;
}

size_t
cs_remote_poll(struct cs_remote *r, struct pollfd *fds)
{
	size_t n = 0;

	if (!r->in_process)
		return 0;
	if (r->main != NULL)
		n += want((struct cs_process *)(void *)r->main, &fds[n]);
	for (size_t i = 0; i < CS_LONELY_MAX; i++)
		if (r->lonely[i] != NULL)
			n += want(r->lonely[i], &fds[n]);
	return n;
}

void
cs_remote_polled(struct cs_remote *r, const struct pollfd *fds, size_t n)
{
	struct cs_process *p[1 + CS_LONELY_MAX] = { (struct cs_process *)(void *)r->main };

	for (size_t i = 0; i < CS_LONELY_MAX; i++)
		p[1 + i] = r->lonely[i];
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < CS_ARRAY_LEN(p) && r->in_process; k++)
			if (p[k] != NULL && p[k]->fd == fds[i].fd && (fds[i].revents & ~POLLOUT) != 0)
				p[k]->readable = true;
}

/* ---- life */

int
cs_revive_open(struct cs_remote *r, struct cs_err *err)
{
	r->has_hook = r->manifest->has_webhook || r->manifest->poll_every_ms > 0; /* until its hello tells */
	return start_main(r, err);
}

void
cs_revive_free(struct cs_remote *r)
{
	struct cs_death d;

	if (r->main != NULL)
		cs_process_end((struct cs_process *)(void *)r->main, "it is not needed any more", &d);
	for (size_t i = 0; i < CS_LONELY_MAX; i++)
		if (r->lonely[i] != NULL)
			cs_process_end(r->lonely[i], "it is not needed any more", &d);
}
