/* SPDX-License-Identifier: Apache-2.0 */
/*
 * remote.h - one plugin as the core sees it: calls go out as messages, requests and results come back as messages.
 *
 * Everything between core and plugin is a frame of wire/wire.h, also while the runner (plughost/call.c) lives in this
 * process: then the two ends exchange frames through memory, and cs_remote_run lets the runner work. With a process of its
 * own (later) only the transport changes. Engine thread only; callbacks come from within cs_remote_run or from the
 * function that answered, never from another thread; they may start further calls and answer requests at once.
 */
#ifndef CS_PLUGIN_REMOTE_H
#define CS_PLUGIN_REMOTE_H

#include <stdint.h>
#include <stdbool.h>
#include <cs/plugin_v1.h>
#include "plugin/manifest.h"
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
	/* The call has returned; its id is free. */
	void (*done)(void *user, uint64_t call, const struct cs_wire_done *result);
};

/*
 * Load NAME.so and NAME.json from `dir` (owner and mode checked unless trust_all) and start its runner. A refusal names path,
 * field, expected and found. Does not take over ops.
 */
struct cs_remote_conf {
	const char *dir;    /* one folder, or several with ":" between; each file is looked for in DIR, DIR/NAME, DIR/NAME/.libs */
	const char *name;
	const struct cs_remote_ops *ops;
	bool trust_all;     /* uninstalled builds and tests: skip the owner and mode check */
	size_t max_calls;   /* calls open at once; 0: 1024 */
};
int cs_remote_open(const struct cs_remote_conf *conf, struct cs_remote **out, struct cs_err *err);
/* Open calls get no answer any more and are dropped without `done`. */
void cs_remote_close(struct cs_remote *r);
struct cs_manifest *cs_remote_manifest(struct cs_remote *r); /* borrowed */
bool cs_remote_can(const struct cs_remote *r, int wire_call_kind); /* does the plugin have this function? */

/* Start a call; `in` is encoded before return. Returns its id (never 0), or 0 when max_calls are open. */
uint64_t cs_remote_call(struct cs_remote *r, const struct cs_wire_call *in, void *user);
void cs_remote_answer_http(struct cs_remote *r, uint64_t call, const struct cs_wire_http_result *res);
void cs_remote_answer(struct cs_remote *r, uint64_t call, const struct cs_wire_service_result *res);
/* The plugin may look (cancelled()); a waiting http is answered with CS_RETRY. `done` still comes. */
void cs_remote_cancel(struct cs_remote *r, uint64_t call);
/* Let everything that can go on go on. True when something was done. */
bool cs_remote_run(struct cs_remote *r);
size_t cs_remote_open_calls(const struct cs_remote *r);

#endif
