/* SPDX-License-Identifier: Apache-2.0 */
/*
 * remote.h - one plugin as the core sees it: calls go out as messages, requests and results come back as messages.
 *
 * Everything between core and plugin is a frame of wire/wire.h. The other end is a process of its own (csrelay-plugin-host),
 * or a runner in this process (tests, the check tool, plugins.confined off). A process can die: then it is started again, and the
 * calls that were in it begin anew with the same CALL. What they ask again is answered from what was kept; what is still on
 * its way is waited for. The call that was on the processor does so in a process of its own, and ends as crashed when that one
 * dies, too. A process that cannot stay up is parked.
 *
 * Engine thread only; callbacks come from within cs_remote_run or from the function that answered, never from another
 * thread; they may start further calls and answer requests at once.
 */
#ifndef CS_PLUGIN_REMOTE_H
#define CS_PLUGIN_REMOTE_H

#include <poll.h>
#include <stdint.h>
#include <stdbool.h>
#include <cs/plugin_v1.h>
#include "plugin/manifest/manifest.h"
#include "util/clock.h"
#include "wire/wire.h"

struct cs_remote;

/* What the core is told. `user` is the pointer given with the call. Texts and bytes are borrowed for the callback. */
struct cs_remote_ops {
	/* The plugin waits for an answer: cs_remote_answer_http, now or later. */
	void (*http)(void *user, uint64_t call, const struct cs_wire_http *req);
	/* ... for cs_remote_answer: secret_new, secret_equal, hmac, oauth_refresh. */
	void (*service)(void *user, uint64_t call, const struct cs_wire_service *req);
	/* It does not wait for these. */
	void (*receipt)(void *user, uint64_t call, const char *step, struct cs_bytes value);
	void (*record)(void *user, uint64_t call, const char *type, const char *id, const char *url);
	void (*emit)(void *user, uint64_t call, struct cs_bytes out);
	void (*fact)(void *user, uint64_t call, const char *name, struct cs_bytes value);
	void (*budget)(void *user, uint64_t call, const char *limit_class, int64_t left, int64_t restore_per_s);
	void (*cursor)(void *user, uint64_t call, struct cs_bytes cursor);
	void (*log)(void *user, uint64_t call, int32_t prio, const char *text);
	/* The call has returned; its id is free. result->crash says whether by itself. */
	void (*done)(void *user, uint64_t call, const struct cs_wire_done *result);
	/* Its process died. The call begins anew, and what it told until now (not what it asked) comes again. May be NULL. */
	void (*again)(void *user, uint64_t call);
	/* It was on the processor when its process died, of what: it runs again alone. May be NULL. */
	void (*suspected)(void *user, uint64_t call, const char *what);
};

struct cs_remote_process { /* plugins in processes of their own */
	int program;            /* cs_process_program; borrowed */
	int64_t memory;         /* bytes beyond what the process has before the plugin is loaded; 0: no limit */
	int64_t cpu_ms;         /* of one call without giving the processor back; 0: no limit */
	const struct cs_clock *clock; /* for pauses */
};
struct cs_remote_conf {
	const char *dir;    /* one folder, or several with ":" between; each file is looked for in DIR, DIR/NAME, DIR/NAME/.libs */
	const char *name;
	const struct cs_remote_ops *ops;
	bool trust_all;     /* uninstalled builds and tests: skip the owner and mode check */
	size_t max_calls;   /* calls open at once; 0: 1024 */
	const struct cs_remote_process *process; /* NULL: a runner in this process */
};
/*
 * Find NAME.so and NAME.json in `dir` (owner and mode checked unless trust_all), read the manifest, and load the plugin. A refusal
 * names path, field, expected and found. With a process of its own this only starts it: whether it could load the plugin is
 * told by cs_remote_info; calls wait until then. Does not take over ops.
 */
int cs_remote_open(const struct cs_remote_conf *conf, struct cs_remote **out, struct cs_err *err);
struct cs_remote *cs_remote_ref(struct cs_remote *r);
/* The last one closes it: open calls get no answer any more and are dropped without `done`. NULL is fine. */
void cs_remote_close(struct cs_remote *r);
/* Another one takes its place: its process serves the calls that still come, but is not started again if it dies. */
void cs_remote_retire(struct cs_remote *r);
/* Only the caller's reference is left, and no call is open. */
bool cs_remote_is_last(const struct cs_remote *r);
struct cs_manifest *cs_remote_manifest(struct cs_remote *r); /* borrowed */
bool cs_remote_can(const struct cs_remote *r, int wire_call_kind); /* does the plugin have this function? */

/* Start a call; `in` is encoded before return. Returns its id (never 0), or 0 when max_calls are open or it is parked. */
uint64_t cs_remote_call(struct cs_remote *r, const struct cs_wire_call *in, void *user);
/* The same in a process of its own: an earlier one died of it. */
uint64_t cs_remote_call_alone(struct cs_remote *r, const struct cs_wire_call *in, void *user);
void cs_remote_answer_http(struct cs_remote *r, uint64_t call, const struct cs_wire_http_result *res);
void cs_remote_answer(struct cs_remote *r, uint64_t call, const struct cs_wire_service_result *res);
/* The plugin may look (cancelled()); a waiting http is answered with CS_RETRY. `done` still comes. */
void cs_remote_cancel(struct cs_remote *r, uint64_t call);
/* Let everything that can go on go on. True when something was done. */
bool cs_remote_run(struct cs_remote *r);
size_t cs_remote_open_calls(const struct cs_remote *r);

/* ---- processes */

#define CS_REMOTE_FDS 3
/* The descriptors to sleep on, at most CS_REMOTE_FDS of them; returns how many. */
size_t cs_remote_poll(struct cs_remote *r, struct pollfd *fds);
/* What the sleep found; the same ones, as long as nothing else was done to r in between. */
void cs_remote_polled(struct cs_remote *r, const struct pollfd *fds, size_t n);
/* When cs_remote_run wants to be called although nothing was found; CS_NEVER: not at all. */
int64_t cs_remote_wake_ms(const struct cs_remote *r);

enum cs_remote_state {
	CS_REMOTE_INSIDE,   /* no process */
	CS_REMOTE_STARTING,
	CS_REMOTE_UP,
	CS_REMOTE_RESTING,  /* it died; it is started again in a moment */
	CS_REMOTE_PARKED,   /* it cannot stay up: no calls are taken until it was tried again, after a pause */
};
struct cs_remote_info {
	enum cs_remote_state state;
	int pid;                    /* 0: none */
	int32_t landlock, seccomp;  /* what the process is held by */
	int64_t memory;
	unsigned starts, deaths;
	int64_t died_ms;            /* 0: never */
	char died_of[900];          /* for operators; "" */
	int64_t parked_until_ms;
	bool works;                 /* this process has ended a call */
	unsigned changes;           /* counted whenever something above changes */
};
const struct cs_remote_info *cs_remote_info(const struct cs_remote *r);

#endif
